"""One movement has one set of joints, whatever skeleton it is told on."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionary import rotation
from motionary.body import JOINTS, PARENTS, body_positions, find_body
from motionary.common_body import REST_OFFSETS, common_positions
from motionary.features import features_from_joints, motion_features
from motionary.formats.humanml3d import motion_from_joints
from motionary.motion import Motion, Skeleton, forward_kinematics, rest_positions
from tests.data import unzipped
from tests.motions import walk

MOVED = ("hip", "collar", "shoulder", "spine", "neck", "head")


def at(joints, name):
    return joints[:, JOINTS.index(name)]


def other_rig(motion, moves):
    """The same turns on a skeleton whose joints of the trunk lie elsewhere; its limbs are as they were."""
    offsets = motion.skeleton.offsets.copy()
    trunk = [i for i, name in enumerate(motion.skeleton.names) if name.endswith(MOVED) or "spine" in name]
    offsets[trunk] += np.resize(moves, (len(trunk), 3))
    skeleton = Skeleton(motion.skeleton.names, motion.skeleton.parents, offsets)
    # The hips' middle stays: the root goes where that asks for.
    shift = sum(skeleton.offsets[i] - motion.skeleton.offsets[i] for i in hips_of(skeleton)) / 2
    translation = motion.translation - rotation.rotate(motion.rotations[:, 0], shift)
    return replace(motion, skeleton=skeleton, translation=translation)


def hips_of(skeleton):
    return [skeleton.index(f"{side}_hip") for side in ("left", "right")]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-0.04, 0.04), min_size=12, max_size=12))
def test_where_a_rig_puts_its_hips_and_collars_does_not_matter(moves):
    motion = walk(1.5, 20.0)
    expected = common_positions(motion)
    np.testing.assert_allclose(common_positions(other_rig(motion, moves)), expected, atol=1e-9)


def test_before_that_it_did():
    motion = walk(1.5, 20.0)
    body = find_body(motion.skeleton)
    moved = other_rig(motion, [0.03, -0.03, 0.03])
    rest = [body.weights @ rest_positions(one.skeleton) for one in (motion, moved)]
    assert np.abs(rest[0] - rest[1]).max() > 0.02


@given(st.floats(0.2, 5.0), st.floats(-3.0, 3.0))
@settings(max_examples=20, deadline=None)
def test_size_and_heading_change_nothing_but_size_and_heading(size, angle):
    motion = walk(1.0, 20.0)
    turn = rotation.from_axis_angle([0.0, 1.0, 0.0], angle)
    rotations = motion.rotations.copy()
    rotations[:, 0] = rotation.multiply(turn, rotations[:, 0])
    skeleton = replace(motion.skeleton, offsets=size * motion.skeleton.offsets)
    turned = Motion(skeleton, rotations, size * rotation.rotate(turn, motion.translation), motion.fps)
    expected = size * rotation.rotate(turn, common_positions(motion))
    np.testing.assert_allclose(common_positions(turned), expected, atol=1e-9 * max(1, size))


def test_limbs_point_where_the_motions_do():
    motion = walk(2.0, 30.0)
    joints, own = common_positions(motion), find_body(motion.skeleton)
    shown = body_positions(motion, own)
    for a, b in (("left_hip", "left_knee"), ("right_shoulder", "right_elbow"), ("left_elbow", "left_wrist")):
        np.testing.assert_allclose(at(joints, b) - at(joints, a), at(shown, b) - at(shown, a), atol=1e-12)


def test_the_hips_stay_where_they_are():
    motion = walk(2.0, 30.0)
    middle = (at(common_positions(motion), "left_hip") + at(common_positions(motion), "right_hip")) / 2
    hips = hips_of(motion.skeleton)
    np.testing.assert_allclose(middle, forward_kinematics(motion)[0][:, hips].mean(axis=1), atol=1e-12)


def test_at_rest_it_is_the_common_body():
    frames = np.zeros((3, 3))
    skeleton = Skeleton(JOINTS, np.array(PARENTS), REST_OFFSETS)
    motion = Motion(skeleton, np.tile(rotation.IDENTITY, (3, 22, 1)), frames, 20.0)
    np.testing.assert_allclose(
        common_positions(motion), np.tile(rest_positions(skeleton), (3, 1, 1)), atol=1e-12
    )


@pytest.mark.parametrize("missing", ["collar", "foot", "neck"])
def test_joints_that_a_rig_lacks_are_there(missing):
    motion = walk(1.0, 20.0)
    names, parents = motion.skeleton.names, motion.skeleton.parents
    gone = [i for i, name in enumerate(names) if name.endswith(missing)]
    kept = [i for i in range(len(names)) if i not in gone]

    def above(joint):
        parent = int(parents[joint])
        return above(parent) if parent in gone else parent

    skeleton = Skeleton(
        tuple(names[i] for i in kept),
        np.array([kept.index(above(i)) if parents[i] >= 0 else -1 for i in kept]),
        motion.skeleton.offsets[kept],
    )
    joints = common_positions(replace(motion, skeleton=skeleton, rotations=motion.rotations[:, kept]))
    assert joints.shape == (motion.frames, 22, 3)
    assert np.isfinite(joints).all()


def test_humanml3ds_own_joints_stay_what_they_are():
    """Their features hardly change: the common body is theirs, up to its sides being alike."""
    members = ["humanml3d/new_joints/012314.npy", "humanml3d/Std.npy"]
    joints, std = (np.load(unzipped("humanml3d_texts.zip", *members) / member) for member in members)
    official = features_from_joints(joints)
    ours = motion_features(motion_from_joints(joints, 20.0))
    off = np.sqrt((((ours - official) / std) ** 2).mean())
    assert off < 0.25
