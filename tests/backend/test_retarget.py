"""Retargeting on a simulated rig: what the rig shows when it is given the channels is what was asked for."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionary import rotation
from motionary.body import JOINTS, find_body
from motionary.errors import MotionaryError
from motionary.motion import Motion, Skeleton, forward_kinematics, rest_positions
from motionary.retarget import TO_BLENDER, retarget, rig_by_shape, source_joints
from motionary.rig_solve import partial_followers, rig_bones, rotation_channels
from tests.backend.simulated_rig import character, direction, matrix, middle, probed, shown
from tests.motions import PARENTS, STANDING, performer, standing, walk

LIMBS = [
    *(("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow")),
    *(("elbow", "wrist"), ("wrist", "middle1"), ("middle1", "middle2"), ("middle2", "middle3")),
]


def limb_errors(rig, motion, pose):
    """Degrees between the source's limbs and the rig's, over frames and limbs; both in place."""
    positions, _ = forward_kinematics(motion)
    positions = rotation.rotate(TO_BLENDER, positions)
    index = motion.skeleton.index
    errors = []
    for t in range(motion.frames):
        at = shown(rig, pose, t)
        for side in ("left", "right"):
            for a, b in LIMBS:
                v = positions[t, index(f"{side}_{b}")] - positions[t, index(f"{side}_{a}")]
                cosine = v @ direction(at, f"{side}_{a}", f"{side}_{b}") / np.linalg.norm(v)
                errors.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    return np.array(errors)


@settings(deadline=None, max_examples=6)
@given(st.integers(0, 10**6), st.floats(0, 80), st.floats(0.3, 3.0))
def test_limbs_point_as_the_performers_whatever_the_rolls_rest_arms_and_size(seed, arms_down, tall):
    rig, motion = character(seed, arms_down, tall), walk(0.3, 15.0)
    pose = retarget(motion, probed(rig), keep_place=True)
    assert limb_errors(rig, motion, pose).max() < 1e-3


@settings(deadline=None, max_examples=4)
@given(st.integers(0, 10**6))
def test_the_rig_shows_what_the_pose_says(seed):
    rig, motion = character(seed, 40.0), walk(0.3, 15.0)
    pose = retarget(motion, probed(rig))
    for t in range(motion.frames):
        at = shown(rig, pose, t)
        np.testing.assert_allclose(middle(at), pose.hips[t], atol=1e-9)
        for k, bone in enumerate(pose.bones):
            np.testing.assert_allclose(at[bone][:3, 3], pose.heads[t, k], atol=1e-9)
            np.testing.assert_allclose(at[bone][:3, :3], rotation.to_matrix(pose.turns[t, k]), atol=1e-9)


def test_an_object_that_is_scaled_turned_and_moved_like_an_fbx_import():
    world = matrix(rotation.from_euler(np.radians([-90.0, 30.0]), "XY"), [3.0, -2.0, 1.0])
    world[:3, :3] *= 0.01
    rig = character(1, 40.0, world=world)
    motion = walk(0.5, 12.0)
    pose = retarget(motion, probed(rig), keep_place=True)
    assert limb_errors(rig, motion, pose).max() < 1e-3
    for t in range(motion.frames):
        np.testing.assert_allclose(middle(shown(rig, pose, t)), pose.hips[t], atol=1e-9)


def test_a_pelvis_that_hangs_from_the_spine():
    """Rigify: the spine's first bone is the parent of the pelvis, and not the other way round."""
    rig = character(2, parents={"pelvis": "spine1", "spine1": None})
    motion = walk(0.5, 12.0)
    pose = retarget(motion, probed(rig), keep_place=True)
    assert limb_errors(rig, motion, pose).max() < 1e-3


def test_a_limb_that_does_not_take_its_parents_turn():
    """Rigify's FK_limb_follow: the arm keeps its direction in the world, its place follows the chest."""
    rig, motion = character(3, follow={"left_shoulder": 0.0, "head": 0.0}), walk(0.5, 12.0)
    target = probed(rig)
    pose = retarget(motion, target, keep_place=True)
    assert limb_errors(rig, motion, pose).max() < 1e-3
    assert partial_followers(target) == []


def test_who_follows_only_in_part_is_named():
    assert partial_followers(probed(character(4, follow={"head": 0.5}))) == ["head"]


def test_hips_walk_by_leg_length():
    for tall in (0.5, 2.0):
        rig, motion = character(5, tall=tall), walk(2.0, 6.0)
        pose = retarget(motion, probed(rig), keep_place=True)
        positions, _ = forward_kinematics(motion)
        index = motion.skeleton.index
        path = rotation.rotate(
            TO_BLENDER, (positions[:, index("left_hip")] + positions[:, index("right_hip")]) / 2
        )
        legs = [
            np.linalg.norm(rig.heads[f"left_{b}"] - rig.heads[f"left_{a}"])
            for a, b in (("hip", "knee"), ("knee", "ankle"))
        ]
        assert pose.scale == pytest.approx(sum(legs) / 0.88)
        hips = np.array([middle(shown(rig, pose, t)) for t in range(motion.frames)])
        np.testing.assert_allclose(np.diff(hips, axis=0), pose.scale * np.diff(path, axis=0), atol=1e-9)


def lift(motion, height):
    return replace(motion, translation=motion.translation + np.array([0.0, height, 0.0]))


@pytest.mark.parametrize("height", [0.0, 0.04, -0.05])
def test_who_stands_on_a_floor_stands_on_the_characters(height):
    rig = character(6)
    pose = retarget(lift(standing(), height), probed(rig))
    at = shown(rig, pose, 0)
    for bone in ("left_ankle", "right_foot", "pelvis"):
        assert at[bone][2, 3] == pytest.approx(rig.heads[bone][2], abs=1e-6)


def test_who_stands_on_a_box_stays_up():
    rig = character(6)
    pose = retarget(lift(standing(), 0.5), probed(rig))
    assert shown(rig, pose, 0)["left_foot"][2, 3] == pytest.approx(
        rig.heads["left_foot"][2] + 0.5 * pose.scale, abs=1e-6
    )


def test_flat_soles_stay_flat_on_a_foot_of_another_shape():
    rig = character(7)
    rig.heads["left_foot"] = rig.heads["left_foot"] + [0.0, 0.1, 0.04]
    at = shown(rig, retarget(standing(), probed(rig)), 0)
    np.testing.assert_allclose(
        direction(at, "left_ankle", "left_foot"),
        direction(rig.pose(), "left_ankle", "left_foot"),
        atol=1e-6,
    )


def turned_about_up(motion, degrees, to=(5.0, 0.0, -3.0)):
    turn = rotation.from_axis_angle([0.0, 1.0, 0.0], np.radians(degrees))
    rotations = motion.rotations.copy()
    rotations[:, 0] = rotation.multiply(turn, rotations[:, 0])
    return replace(motion, rotations=rotations, translation=rotation.rotate(turn, motion.translation) + to)


@pytest.mark.parametrize("degrees", [0.0, 90.0, 179.0, -135.0])
def test_it_starts_where_the_character_stands_and_faces(degrees):
    rig, motion = character(8), standing()
    pose = retarget(turned_about_up(motion, degrees), probed(rig))
    at = shown(rig, pose, 0)
    np.testing.assert_allclose(middle(at), middle(rig.pose()), atol=1e-6)
    np.testing.assert_allclose(direction(at, "right_hip", "left_hip"), [1.0, 0.0, 0.0], atol=1e-6)


def test_or_where_it_was_recorded():
    rig = character(8)
    rig.world = matrix(rotation.IDENTITY, [1.0, 2.0, 0.0])
    pose = retarget(turned_about_up(standing(), 90.0), probed(rig), keep_place=True)
    at = shown(rig, pose, 0)
    np.testing.assert_allclose(middle(at)[:2], np.array([5.0, 3.0]) * pose.scale + [1.0, 2.0], atol=1e-6)
    np.testing.assert_allclose(direction(at, "right_hip", "left_hip"), [0.0, 1.0, 0.0], atol=1e-6)


def test_one_who_begins_lying_down_is_turned_about_the_vertical_only():
    motion = standing()
    rotations = motion.rotations.copy()
    rotations[:, 0] = rotation.from_axis_angle([1.0, 0.0, 0.0], -np.pi / 2)  # on the back
    lying = replace(motion, rotations=rotations, translation=motion.translation * [1.0, 0.1, 1.0])
    at = shown(rig := character(9), retarget(turned_about_up(lying, 70.0), probed(rig)), 0)
    assert abs(direction(at, "pelvis", "neck")[2]) < 0.2
    np.testing.assert_allclose(direction(at, "right_hip", "left_hip"), [1.0, 0.0, 0.0], atol=1e-6)


def test_locked_axes_stay_at_zero_and_the_rest_is_solved_from_there():
    rig, motion = character(10, 40.0), walk(0.5, 12.0)
    target = probed(rig, locked={"left_shoulder": (True, False, False)}, modes={"left_shoulder": "YXZ"})
    pose = retarget(motion, target, keep_place=True)
    kind, angles = rotation_channels(pose.rotations[:, pose.bones.index("left_shoulder")], "YXZ")
    assert kind == "rotation_euler"
    np.testing.assert_allclose(angles[:, 0], 0.0, atol=1e-9)
    at = shown(rig, pose, 4)
    positions, _ = forward_kinematics(motion)
    index = motion.skeleton.index
    forearm = rotation.rotate(
        TO_BLENDER, positions[4, index("left_wrist")] - positions[4, index("left_elbow")]
    )
    np.testing.assert_allclose(
        direction(at, "left_elbow", "left_wrist"), forearm / np.linalg.norm(forearm), atol=1e-6
    )


def test_a_locked_location_axis_is_left_alone():
    target = probed(character(11))
    shift = target.shift.copy()
    shift[:, 1] = 0.0
    pose = retarget(walk(0.5, 12.0), replace(target, shift=shift))
    np.testing.assert_allclose(pose.location[:, 1], 0.0, atol=1e-9)
    assert np.isfinite(pose.location).all()


def test_joints_that_the_motion_lacks_are_left_alone():
    skeleton = performer()
    kept = [i for i, name in enumerate(skeleton.names) if "middle" not in name]
    fewer = Skeleton(
        tuple(skeleton.names[i] for i in kept),
        np.array([kept.index(skeleton.parents[i]) if i else -1 for i in kept]),
        skeleton.offsets[kept],
    )
    whole = walk(0.5, 12.0)
    motion = Motion(fewer, whole.rotations[:, kept], whole.translation, whole.fps)
    pose = retarget(motion, probed(character(12)))
    assert not [bone for bone in pose.bones if "middle" in bone]
    assert "left_wrist" in pose.bones


def test_fingers_that_nobody_captured_are_left_alone():
    """Their joints are in the file, as Mixamo's are, and never turn."""
    motion = walk(0.5, 12.0)
    rotations = motion.rotations.copy()
    fingers = [i for i, name in enumerate(motion.skeleton.names) if "left_middle" in name]
    rotations[:, fingers] = rotation.IDENTITY
    pose = retarget(replace(motion, rotations=rotations), probed(character(12)))
    assert not [bone for bone in pose.bones if "left_middle" in bone]
    assert "right_middle1" in pose.bones


def test_spines_of_other_lengths_share_the_bend():
    """Three bones that bend by 10 degrees each, on a character with two: half and all of 30 degrees."""
    motion = standing()
    rotations = motion.rotations.copy()
    for name in ("spine1", "spine2", "spine3"):
        rotations[:, motion.skeleton.index(name)] = rotation.from_axis_angle([1.0, 0.0, 0.0], np.radians(10))
    target = probed(character(13))
    bones = [i for i, (bone, _, _) in enumerate(rig_bones(target.rig)) if bone != "spine2"]
    joints = {**target.rig.joints, "spine": ("spine1", "spine3")}
    fewer = replace(
        target,
        rig=replace(target.rig, joints=joints),
        rest=target.rest[bones],
        stance=target.stance[bones],
        zero=target.zero[bones],
        turned=target.turned[np.ix_(bones, bones)],
        modes=tuple(target.modes[i] for i in bones),
        locked=target.locked[bones],
    )
    pose = retarget(replace(motion, rotations=rotations), fewer)
    rest = dict(zip([bone for bone, _, _ in rig_bones(fewer.rig)], fewer.rest, strict=True))
    bends = []
    for bone in ("pelvis", "spine1", "spine3", "head"):
        turn = rotation.multiply(
            pose.turns[0, pose.bones.index(bone)],
            rotation.inverse(rotation.from_matrix(rest[bone][:3, :3])),
        )
        bends.append(np.degrees(np.linalg.norm(rotation.to_rotvec(turn))))
    np.testing.assert_allclose(bends, [0.0, 15.0, 30.0, 30.0], atol=1e-6)


def test_a_body_found_by_shape_is_the_one_found_by_names():
    skeleton = performer()
    by_shape = rig_by_shape(skeleton)
    by_name = source_joints(skeleton)
    for joint, names in by_shape.joints.items():
        assert tuple(map(skeleton.index, names)) == by_name[joint], joint


def test_no_body_is_told_in_one_line():
    chain = Skeleton(("a", "b", "c"), np.array([-1, 0, 1]), np.zeros((3, 3)))
    motion = Motion(chain, np.broadcast_to(rotation.IDENTITY, (2, 3, 4)), np.zeros((2, 3)), 30.0)
    with pytest.raises(MotionaryError) as caught:
        retarget(motion, probed(character()))
    assert "\n" not in str(caught.value)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.sampled_from(["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"]))
def test_euler_channels_turn_the_first_axis_first(seed, mode):
    q = rotation.normalize(np.random.default_rng(seed).normal(size=(4, 4)))
    kind, angles = rotation_channels(q, mode)
    assert kind == "rotation_euler"
    for turn, xyz in zip(q, angles, strict=True):
        built = np.eye(3)
        for axis in mode:
            step = rotation.from_axis_angle(np.eye(3)["XYZ".index(axis)], xyz["XYZ".index(axis)])
            built = rotation.to_matrix(step) @ built
        np.testing.assert_allclose(built, rotation.to_matrix(turn), atol=1e-6)


def test_channels_do_not_jump():
    spin = rotation.from_axis_angle([0.0, 0.6, 0.8], np.linspace(0, 4 * np.pi, 200))
    for mode in ("QUATERNION", "XYZ", "ZYX"):
        _, values = rotation_channels(spin, mode)
        assert np.abs(np.diff(values, axis=0)).max() < 0.5


def test_axis_angle_channels():
    q = rotation.from_rotvec([[0.0, 0.0, 0.0], [0.1, -0.2, 0.3]])
    kind, values = rotation_channels(q, "AXIS_ANGLE")
    assert kind == "rotation_axis_angle"
    np.testing.assert_allclose(rotation.from_axis_angle(values[:, 1:], values[:, 0]), q, atol=1e-9)


def test_the_test_performer_is_the_canonical_body():
    skeleton = performer()
    weights = find_body(skeleton).weights
    rest = rest_positions(skeleton)
    knee = weights[JOINTS.index("left_knee")] @ rest
    np.testing.assert_allclose(knee, rest[skeleton.index("left_knee")])
    assert PARENTS["knee"] == "hip"
    assert -rest[skeleton.index("left_foot"), 1] == pytest.approx(STANDING)
