"""Root motion: the same movement in the world, whoever takes the way."""

from dataclasses import replace

import numpy as np
import pytest

from motionary import rotation
from motionary.retarget import retarget
from motionary.root_motion import in_place, with_travel
from tests.backend.simulated_rig import character, matrix, probed, shown
from tests.motions import walk

FPS = 30.0


def turning_walk(seconds=3.0):
    """A walk along a quarter of a circle."""
    motion = walk(seconds, FPS)
    part = np.linspace(0, np.pi / 2, motion.frames)
    rotations = motion.rotations.copy()
    turn = rotation.from_axis_angle([0.0, 1.0, 0.0], part)
    rotations[:, 0] = rotation.multiply(turn, rotations[:, 0])
    radius = 2.0
    path = np.column_stack([radius * (1 - np.cos(part)), motion.translation[:, 1], radius * np.sin(part)])
    return replace(motion, rotations=rotations, translation=path)


@pytest.mark.parametrize("turning", [True, False])
@pytest.mark.parametrize("keep_place", [True, False])
def test_the_world_sees_the_same_movement(turning, keep_place):
    rig = character(1, 40.0)
    target, motion = probed(rig), turning_walk()
    pose = retarget(motion, target, keep_place=keep_place)
    travelling = with_travel(pose, target, FPS, turning=turning)
    np.testing.assert_allclose(travelling.heads, pose.heads, atol=1e-9)
    np.testing.assert_allclose(travelling.hips, pose.hips, atol=1e-9)
    for t in (0, 31, 89):
        inside = shown(rig, travelling, t)
        for k, bone in enumerate(pose.bones):
            seen = travelling.travel[t] @ inside[bone]
            np.testing.assert_allclose(seen[:3, 3], pose.heads[t, k], atol=1e-9)
            np.testing.assert_allclose(seen[:3, :3], rotation.to_matrix(pose.turns[t, k]), atol=1e-9)


def test_travel_is_a_smooth_way_over_the_ground_with_its_heading():
    target = probed(character(2))
    pose = with_travel(retarget(turning_walk(), target), target, FPS, turning=True)
    np.testing.assert_allclose(pose.travel[:, 2, :3], np.tile([0.0, 0.0, 1.0], (90, 1)), atol=1e-12)
    np.testing.assert_allclose(pose.travel[:, 2, 3], 0.0, atol=1e-12)
    np.testing.assert_allclose(pose.travel[0], np.eye(4), atol=1e-6)
    yaw = np.degrees(np.unwrap(np.arctan2(pose.travel[:, 1, 0], pose.travel[:, 0, 0])))
    assert yaw[-1] - yaw[0] == pytest.approx(90, abs=10)
    assert np.abs(np.diff(yaw, 2)).max() < 0.5


def test_in_place_keeps_the_sway_and_stays_on_the_spot():
    rig = character(3)
    target, motion = probed(rig), walk(4.0, FPS)
    sway = 0.03 * np.sin(2 * np.pi * np.arange(motion.frames) / FPS)
    motion = replace(motion, translation=motion.translation + np.outer(sway, [1.0, 0.0, 0.0]))
    pose = in_place(with_travel(retarget(motion, target), target, FPS, turning=False))
    assert pose.travel is None
    middle = pose.hips[15:-15]
    assert np.abs(pose.hips[:, :2] - pose.hips[0, :2]).max() < 0.08
    assert np.ptp(middle[:, 0]) > 0.03 * pose.scale
    seen = shown(rig, pose, 50)
    np.testing.assert_allclose((seen["left_hip"] + seen["right_hip"])[:3, 3] / 2, pose.hips[50], atol=1e-9)


def test_a_root_that_was_moved_and_turned_is_where_the_way_begins():
    rig = character(4)
    moved = matrix(rotation.from_axis_angle([0.0, 0.0, 1.0], 1.0), [2.0, 1.0, 0.5])
    target = probed(rig)
    target = replace(target, stance=moved @ target.zero)
    pose = retarget(walk(1.0, FPS), target)
    travelling = with_travel(pose, target, FPS, turning=True)
    np.testing.assert_allclose(travelling.travel[0], moved, atol=0.02)
    np.testing.assert_allclose(travelling.heads, pose.heads, atol=1e-9)


def test_a_single_frame_travels_too():
    target = probed(character(5))
    motion = walk(1 / FPS, FPS)
    assert motion.frames == 1
    pose = with_travel(retarget(motion, target), target, FPS, turning=True)
    np.testing.assert_allclose(pose.travel[0], np.eye(4), atol=1e-9)
