"""Features played at other speeds, backward, in a mirror, and one after another."""

import numpy as np
import pytest
import torch

from motionary import body
from motionary.errors import MotionaryError
from motionary.features import features_from_joints, joints_from_features, motion_joints
from motionary_training.frames import (
    BLEND,
    feature_blocks,
    joined,
    mirrored,
    resampled,
    reversed_in_time,
    without_travel,
)
from tests.training.synthetic import all_starter_clips


@pytest.fixture(scope="module")
def clips():
    """Joints of two starter clips that move."""
    named = {clip.name: clip for clip in all_starter_clips()}
    longest = sorted(named.values(), key=lambda clip: -clip.motion.duration)[:2]
    return [motion_joints(clip.motion) for clip in longest]


@pytest.mark.parametrize(("width", "joints"), [(263, 22), (251, 21)])
def test_the_blocks_of_features_cover_each_column_once(width, joints):
    blocks = feature_blocks(width)
    columns = [column for block in blocks for column in range(width)[block]]
    assert columns == list(range(width))
    assert blocks[3].stop - blocks[3].start == 3 * (joints - 1)
    assert blocks[5].stop - blocks[5].start == 3 * joints


def test_backward_is_the_joints_backward(clips):
    features = features_from_joints(clips[0])
    expected = features_from_joints(joints_from_features(features)[::-1])
    backward = reversed_in_time(features)
    np.testing.assert_array_equal(backward, expected)
    # Who goes forward along z comes back along -z, and the poses are those of before, last first.
    forth, back = joints_from_features(features), joints_from_features(backward)
    height = forth[:, 0, 1][::-1][: len(back)]
    np.testing.assert_allclose(back[:, 0, 1], height, atol=0.02)
    path = np.linalg.norm(np.diff(forth[:, 0], axis=0), axis=1).sum()
    assert np.linalg.norm(np.diff(back[:, 0], axis=0), axis=1).sum() == pytest.approx(path, rel=0.1)


def test_a_walk_forward_goes_backward_when_it_is_turned_back_in_time():
    walk = next(c for c in all_starter_clips() if c.captions[0] == "a person walks forward")
    features = features_from_joints(motion_joints(walk.motion))
    assert features[:, 2].mean() > 0.02
    assert reversed_in_time(features)[:, 2].mean() < -0.02


def test_a_mirror_image_is_that_of_the_joints(clips):
    features = features_from_joints(clips[0])
    image = joints_from_features(mirrored(features))
    exact = joints_from_features(features_from_joints(body.mirror_joints(clips[0])))
    # Up to the smoothing of the heading at the frame that is lost.
    assert np.abs(image - exact[: len(image)]).mean() < 0.01


def test_one_clip_goes_over_into_the_next(clips):
    first, second = (features_from_joints(joints) for joints in clips)
    both = joined(first, second)
    assert len(both) == len(first) + len(second) - BLEND
    np.testing.assert_array_equal(both[: len(first) - BLEND], first[:-BLEND])
    np.testing.assert_array_equal(both[len(first) :], second[BLEND:])
    cut = slice(len(first) - BLEND, len(first))
    positions, contacts = (feature_blocks(263)[i] for i in (3, 6))
    assert set(np.unique(both[cut, contacts])) <= {0.0, 1.0}
    # No joint jumps: the pose changes from frame to frame by about what the velocities tell.
    steps = np.diff(both[:, positions], axis=0)[len(first) - BLEND - 1 : len(first)]
    gap = np.abs(second[0, positions] - first[-1, positions]).max()
    usual = (
        np.abs(np.diff(first[:, positions], axis=0)).max()
        + np.abs(np.diff(second[:, positions], axis=0)).max()
    )
    assert np.abs(steps).max() < usual + gap / BLEND + 1e-6


def test_a_still_pose_that_drifts_into_another_moves_as_its_velocities_say():
    first, second = np.zeros((20, 263), np.float32), np.zeros((20, 263), np.float32)
    _, _, height, positions, _, velocities, _ = feature_blocks(263)
    second[:, positions], second[:, height] = 0.8, 0.4
    both = joined(first, second)
    moved = both[:, velocities].reshape(-1, 22, 3).sum(axis=0)
    np.testing.assert_allclose(moved[1:], 0.8, atol=1e-5)
    np.testing.assert_allclose(moved[0], [0, 0.4, 0], atol=1e-5)


@pytest.mark.parametrize("width", [263, 251])
def test_twice_as_fast_is_every_other_frame_with_changes_doubled(width):
    features = np.random.default_rng(0).standard_normal((21, width)).astype(np.float32)
    played = resampled(features, 2.0)
    yaw, planar, height, positions, rotations, velocities, contacts = feature_blocks(width)
    for columns in (yaw, planar, velocities):
        np.testing.assert_allclose(played[:, columns], 2 * features[::2, columns])
    for columns in (height, positions, rotations, contacts):
        np.testing.assert_allclose(played[:, columns], features[::2, columns])
    assert len(resampled(features, 0.5)) == 41


def test_a_clip_in_place_is_that_of_joints_that_stay_in_place(clips):
    """Taken out of the features, the way over the ground is gone as if the pelvis had never moved off."""
    for joints in clips:
        still = joints - (joints[:, :1] - joints[:1, :1]) * [1, 0, 1]
        expected = features_from_joints(still)
        found = without_travel(torch.from_numpy(features_from_joints(joints))).numpy()
        contacts = feature_blocks(263)[-1]
        rest = np.ones(263, bool)
        rest[contacts] = False
        np.testing.assert_allclose(found[:, rest], expected[:, rest], atol=2e-5)
        assert (found[:, contacts] == expected[:, contacts]).mean() > 0.99


def test_only_22_joints_can_be_kept_in_place():
    with pytest.raises(MotionaryError, match="KIT-ML has 21"):
        without_travel(torch.zeros(4, 251))
