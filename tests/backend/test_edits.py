"""Editing clips: what comes out is exact, and repeats go on without a jump."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionary import rotation
from motionary.body import body_positions, mirror_joints
from motionary.edits import Edit, edit, mirror, repeat, trim
from motionary.errors import MotionaryError
from motionary.formats import read_clip
from motionary.motion import Motion, Skeleton, forward_kinematics, resample, slice_frames
from motionary.retarget import source_joints
from motionary.rigs import built_in
from tests.data import unzipped
from tests.motions import standing, walk


def lopsided(seed, names=("root", "spine", "arm.L", "hand.L", "arm.R", "hand.R", "sword")):
    """A body of random bones and turns, with a sword in its right hand alone."""
    rng = np.random.default_rng(seed)
    parents = np.array([-1, 0, 1, 2, 1, 4, 5])
    skeleton = Skeleton(names, parents, rng.normal(size=(7, 3)))
    turns = rotation.normalize(rng.normal(size=(5, 7, 4)))
    return Motion(skeleton, turns, rng.normal(size=(5, 3)), 30.0)


OTHER = {"arm.L": "arm.R", "hand.L": "hand.R", "arm.R": "arm.L", "hand.R": "hand.L"}


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6))
def test_a_mirror_image_is_exact_on_any_body(seed):
    motion = lopsided(seed)
    image = mirror(motion)
    assert set(image.skeleton.names) == set(motion.skeleton.names)
    before, _ = forward_kinematics(motion)
    after, _ = forward_kinematics(image)
    for j, name in enumerate(motion.skeleton.names):
        other = image.skeleton.index(OTHER.get(name, name))
        np.testing.assert_allclose(after[:, other], before[:, j] * [-1, 1, 1], atol=1e-9)
    again = mirror(image)
    assert again.skeleton.names == motion.skeleton.names
    np.testing.assert_array_equal(again.rotations, motion.rotations)
    np.testing.assert_array_equal(again.skeleton.offsets, motion.skeleton.offsets)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        *(("LeftUpLeg", "RightUpLeg"), ("mixamorig:LeftArm", "mixamorig:RightArm"), ("thigh.L", "thigh.R")),
        *(("upperarm_l", "upperarm_r"), ("J_Bip_L_Hand", "J_Bip_R_Hand"), ("lThighBend", "rThighBend")),
        *(("Bip01 L Thigh", "Bip01 R Thigh"), ("LHipJoint", "RHipJoint"), ("左足", "右足")),
        *(("lfemur", "rfemur"), ("ThighL", "ThighR"), ("LowerLegL", "LowerLegR"), ("l_ring1", "r_ring1")),
        *(("left_hip", "right_hip"), ("CC_Base_L_Calf", "CC_Base_R_Calf"), ("finger1-1.L", "finger1-1.R")),
    ],
)
def test_partners_are_told_by_their_names(left, right):
    skeleton = Skeleton(("Hips", left, right, "leftover_pole"), np.array([-1, 0, 0, 0]), np.zeros((4, 3)))
    motion = Motion(skeleton, np.tile(rotation.IDENTITY, (1, 4, 1)), np.zeros((1, 3)), 30.0)
    assert mirror(motion).skeleton.names == ("Hips", right, left, "leftover_pole")


@pytest.mark.parametrize("rig", built_in(), ids=lambda rig: rig.name)
def test_every_rig_that_is_known_has_partners(rig):
    bones = [
        pair
        for joint, left in rig.joints.items()
        if joint.startswith("left_")
        for pair in zip(left, rig.joints[joint.replace("left_", "right_")], strict=True)
    ]
    names = tuple(dict.fromkeys(name for pair in bones for name in pair))
    skeleton = Skeleton(names, np.arange(len(names)) - 1, np.zeros((len(names), 3)))
    motion = Motion(skeleton, np.tile(rotation.IDENTITY, (1, len(names), 1)), np.zeros((1, 3)), 30.0)
    other = dict(zip(names, mirror(motion).skeleton.names, strict=True))
    assert bones
    assert all(other[left] == right and other[right] == left for left, right in bones)


def test_the_image_of_a_capture_has_its_body_mirrored():
    trial = "cmu/amc/01_03.amc"  # lfemur and rfemur say their side by a letter that is easily missed
    folder = unzipped("cmu_mocap.zip", trial, "cmu/asf/01.asf")
    motion = slice_frames(read_clip(folder / trial).motion, 0, 60)
    np.testing.assert_allclose(
        body_positions(mirror(motion)), mirror_joints(body_positions(motion)), atol=1e-9
    )


def test_a_mirrored_body_without_names_is_found_by_its_shape_with_its_sides_exchanged():
    motion = walk()
    names = tuple(f"bone{j}" for j in range(len(motion.skeleton.names)))
    unnamed = replace(motion, skeleton=replace(motion.skeleton, names=names))
    np.testing.assert_allclose(
        body_positions(mirror(unnamed)), mirror_joints(body_positions(unnamed)), atol=1e-9
    )


def test_a_mirrored_body_is_found_with_its_sides_exchanged():
    motion = walk()
    joints, mirrored = source_joints(motion.skeleton), source_joints(mirror(motion).skeleton)
    assert mirrored["left_knee"] == joints["right_knee"]
    assert mirrored["spine"] == joints["spine"]


def test_reverse_and_speed():
    motion = walk(2.0, 30.0)
    back = edit(motion, Edit(reverse=True))
    np.testing.assert_array_equal(back.translation[0], motion.translation[-1])
    fast = edit(motion, Edit(speed=2.0))
    assert fast.duration == pytest.approx(motion.duration / 2)
    np.testing.assert_allclose(resample(fast, 30.0).translation[10], motion.translation[20])


def test_trim_is_in_seconds_of_the_clip():
    motion = walk(2.0, 30.0)
    part = edit(motion, Edit(start_s=0.5, end_s=1.0, speed=0.5))
    assert part.frames == 15
    assert part.duration == pytest.approx(1.0)
    np.testing.assert_array_equal(part.translation[0], motion.translation[15])
    assert trim(motion, 1.9, 99.0).frames == 3
    assert trim(motion, 1.0, 1.001).frames == 1


def test_an_edit_that_does_nothing_gives_the_motion_itself():
    motion = walk()
    assert edit(motion, Edit()) is motion


def steps(motion):
    positions, _ = forward_kinematics(motion)
    return np.linalg.norm(np.diff(positions, axis=0), axis=-1)


def test_a_walk_repeated_three_times_walks_three_times_as_far_without_a_jump():
    motion = walk(2.0, 30.0)  # two whole strides
    thrice = repeat(motion, 3, 0.2)
    assert thrice.frames == 180
    assert thrice.translation[120, 2] == pytest.approx(4.0, rel=0.01)
    np.testing.assert_allclose(thrice.translation[:, 0], 0.0, atol=0.05)
    assert steps(thrice).max() < steps(motion).max() * 1.05


def test_a_clip_that_does_not_loop_goes_on_without_a_jump_too():
    motion = trim(walk(2.0, 60.0), 0.0, 0.7)
    thrice = repeat(motion, 3, 0.3)
    assert steps(thrice).max() < steps(motion).max() * 1.6
    np.testing.assert_allclose(thrice.rotations[60:84, 3], motion.rotations[18:42, 3], atol=1e-9)


@pytest.mark.parametrize("blend_s", [1.3, 5.0])
def test_a_blend_longer_than_the_clip_ends_with_the_clip(blend_s):
    motion = trim(walk(2.0, 30.0), 0.0, 1.3)
    thrice = repeat(motion, 3, blend_s)
    assert steps(thrice)[motion.frames * 2 - 1].max() < steps(motion).max()
    np.testing.assert_allclose(thrice.rotations[-1, 1:], motion.rotations[-1, 1:], atol=1e-9)


def test_who_walks_a_curve_goes_on_along_it():
    motion = walk(2.0, 30.0)
    part = np.linspace(0, np.pi / 2, motion.frames)
    rotations = motion.rotations.copy()
    rotations[:, 0] = rotation.from_axis_angle([0.0, 1.0, 0.0], part)
    path = np.column_stack([2 - 2 * np.cos(part), np.full(60, 1.0), 2 * np.sin(part)])
    circle = repeat(replace(motion, rotations=rotations, translation=path), 4, 0.1)
    centre = np.linalg.norm(circle.translation[:, [0, 2]] - [2.0, 0.0], axis=1)
    np.testing.assert_allclose(centre, 2.0, atol=0.01)


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 40), st.integers(1, 6), st.floats(0.0, 3.0))
def test_a_repeat_is_as_long_as_its_copies(frames, times, blend_s):
    motion = standing(frames, 30.0)
    result = repeat(motion, times, blend_s)
    assert result.frames == times * frames
    np.testing.assert_allclose(result.translation[:, [0, 2]], 0.0, atol=1e-9)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"start_s": -1.0}, "cut from"),
        ({"start_s": 2.0, "end_s": 1.0}, "cut from"),
        ({"speed": 0.0}, "speed"),
        ({"speed": 10.1}, "speed"),
        ({"speed": float("nan")}, "numbers"),
        ({"repeat": 0}, "repeated"),
        ({"loop_blend_s": -0.1}, "blended"),
    ],
)
def test_what_makes_no_sense_is_told_in_one_line(wrong, said):
    with pytest.raises(MotionaryError, match=said) as caught:
        Edit(**wrong)
    assert "\n" not in str(caught.value)


def test_a_trim_beyond_the_end_and_too_many_copies():
    with pytest.raises(MotionaryError, match=r"2\.00 s long"):
        trim(walk(2.0), 3.0)
    with pytest.raises(MotionaryError, match="1000000 frames"):
        repeat(standing(5000), 1000)
