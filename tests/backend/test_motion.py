"""Skeleton and Motion: what is refused, kinematics against plain loops, resampling."""

import numpy as np
import pytest

from motionary import rotation
from motionary.errors import MotionaryError
from motionary.motion import Motion, Skeleton, forward_kinematics, resample, rest_positions, slice_frames


def chain(joints=4):
    offsets = np.tile([0.0, 1.0, 0.0], (joints, 1))
    return Skeleton(tuple(f"j{i}" for i in range(joints)), np.arange(-1, joints - 1), offsets)


def wave(frames=30, joints=4, fps=30.0):
    rng = np.random.default_rng(0)
    turns = rotation.from_rotvec(np.cumsum(rng.normal(0, 0.05, (frames, joints, 3)), axis=0))
    return Motion(chain(joints), turns, np.cumsum(rng.normal(0, 0.01, (frames, 3)), axis=0), fps)


def test_a_subtree_is_all_that_hangs_below():
    skeleton = Skeleton(tuple("abcdef"), np.array([-1, 0, 1, 0, 2, 3]), np.zeros((6, 3)))
    assert skeleton.subtree(1) == [1, 2, 4]
    assert skeleton.subtree(0) == [0, 1, 2, 3, 4, 5]


def test_rest_positions_are_the_pose_without_rotation():
    motion = wave()
    still = np.zeros_like(motion.rotations)
    still[..., 0] = 1
    positions, _ = forward_kinematics(Motion(motion.skeleton, still, np.zeros((motion.frames, 3)), 30.0))
    np.testing.assert_allclose(rest_positions(motion.skeleton), positions[0], atol=1e-12)


def test_kinematics_is_the_product_of_matrices():
    motion = wave()
    positions, rotations = forward_kinematics(motion)
    for t in (0, 17):
        matrix = np.eye(4)
        for j, parent in enumerate(motion.skeleton.parents):
            local = np.eye(4)
            local[:3, :3] = rotation.to_matrix(motion.rotations[t, j])
            local[:3, 3] = motion.translation[t] if parent < 0 else motion.skeleton.offsets[j]
            matrix = matrix @ local
            np.testing.assert_allclose(positions[t, j], matrix[:3, 3], atol=1e-12)
            np.testing.assert_allclose(rotation.to_matrix(rotations[t, j]), matrix[:3, :3], atol=1e-12)


@pytest.mark.parametrize("fps", [20, 24, 60, 120, 29.97])
def test_resampling_keeps_the_seconds(fps):
    motion = wave()
    other = resample(motion, fps)
    span, other_span = (motion.frames - 1) / motion.fps, (other.frames - 1) / other.fps
    assert span - 1 / fps < other_span <= span + 1e-9


def test_resampling_to_a_divisor_takes_the_frames_themselves():
    motion = wave(fps=120)
    other = resample(motion, 20)
    np.testing.assert_allclose(other.translation, motion.translation[::6], atol=1e-12)
    np.testing.assert_allclose(np.abs(np.sum(other.rotations * motion.rotations[::6], -1)), 1, atol=1e-12)


def test_one_frame_can_be_resampled():
    assert resample(slice_frames(wave(), 3, 4), 60).frames == 1


@pytest.mark.parametrize(
    ("parents", "names", "says"),
    [
        ([0, 0], ("a", "b"), "no root"),
        ([-1, 2, 0], ("a", "b", "c"), "out of order"),
        ([-1, 0], ("a", "a"), "two joints named 'a'"),
    ],
)
def test_bad_skeletons_are_refused(parents, names, says):
    with pytest.raises(MotionaryError, match=says):
        Skeleton(names, np.array(parents), np.zeros((len(names), 3)))


def test_not_a_number_is_refused_with_its_frame():
    motion = wave()
    bad = motion.translation.copy()
    bad[7, 1] = np.nan
    with pytest.raises(MotionaryError, match="frame 7"):
        Motion(motion.skeleton, motion.rotations, bad, 30.0)


@pytest.mark.parametrize("fps", [0.0, -1.0, np.nan, np.inf])
def test_bad_rates_are_refused(fps):
    with pytest.raises(MotionaryError, match="frames a second"):
        resample(wave(), fps)
