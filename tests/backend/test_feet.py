"""Planted feet: what is down stays in place, the leg reaches for it, and the rig shows what the pose says."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionary import rotation
from motionary.feet import plant_feet, slide
from motionary.retarget import retarget
from tests.backend.simulated_rig import character, probed, shown
from tests.motions import standing, walk

FPS = 30.0


def every_other_half_second(frames):
    """Left and right foot down by turns: heel first, then both, then the ball alone."""
    down = np.zeros((frames, 2, 2), bool)
    for t in range(frames):
        side, phase = (t // 15) % 2, t % 15
        down[t, side, 0] = phase < 9
        down[t, side, 1] = 4 <= phase < 13
    return down


def skating(frames=60):
    """Somebody who slides forward with hardly bent knees, as a bad capture would."""
    motion = walk(frames / FPS, FPS)
    rotations = motion.rotations.copy()
    index = motion.skeleton.index
    for side in ("left", "right"):
        rotations[:, index(f"{side}_hip")] = rotation.from_axis_angle([1.0, 0.0, 0.0], np.radians(-20))
        rotations[:, index(f"{side}_knee")] = rotation.from_axis_angle([1.0, 0.0, 0.0], np.radians(40))
    slow = motion.translation * [1.0, 1.0, 0.2]
    return replace(motion, rotations=rotations, translation=slow - [0.0, 0.04, 0.0])


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 10**6), st.floats(0.3, 3.0))
def test_feet_that_are_down_stay_in_place(seed, tall):
    rig = character(seed, 30.0, tall)
    target, motion = probed(rig), skating()
    pose = retarget(motion, target)
    contacts = every_other_half_second(motion.frames)
    held = plant_feet(pose, target, FPS, contacts, floor=False)
    assert slide(pose, contacts, FPS) > 0.1 * tall
    assert slide(held, contacts, FPS) < 0.002 * tall
    for t in range(0, motion.frames, 7):
        at = shown(rig, held, t)
        for k, bone in enumerate(held.bones):
            np.testing.assert_allclose(at[bone][:3, 3], held.heads[t, k], atol=1e-7 * tall)


def test_a_foot_that_is_flat_neither_slides_nor_turns():
    rig = character(1)
    target = probed(rig)
    motion = skating()
    index = motion.skeleton.index
    rotations = motion.rotations.copy()
    wobble = np.radians(10) * np.sin(np.arange(motion.frames))
    rotations[:, index("left_ankle")] = rotation.from_axis_angle([0.0, 1.0, 0.0], wobble)
    contacts = np.ones((motion.frames, 2, 2), bool)
    pose = retarget(replace(motion, rotations=rotations), target)
    held = plant_feet(pose, target, FPS, contacts, floor=False)
    for joint in ("left_ankle", "left_foot"):
        assert np.ptp(pose.head(joint), axis=0).max() > 0.1
        assert np.ptp(held.head(joint), axis=0).max() < 1e-3


def test_a_heel_that_rises_turns_about_the_ball():
    target = probed(character(2))
    motion = skating(20)
    rotations = motion.rotations.copy()
    rise = rotation.from_axis_angle([1.0, 0.0, 0.0], np.radians(np.linspace(0, 40, 20)))
    rotations[:, motion.skeleton.index("left_ankle")] = rise
    contacts = np.zeros((20, 2, 2), bool)
    contacts[:, 0, 1] = True
    pose = retarget(replace(motion, rotations=rotations), target)
    held = plant_feet(pose, target, FPS, contacts, floor=False)
    assert np.ptp(held.head("left_foot"), axis=0).max() < 1e-3
    assert np.ptp(held.head("left_ankle")[:, 2]) > 0.03


def test_nothing_jumps_between_holding_and_letting_go():
    target = probed(character(3))
    motion = skating(90)
    pose = retarget(motion, target)
    held = plant_feet(pose, target, FPS, every_other_half_second(90), floor=True)
    for bone in ("left_ankle", "right_knee", "left_foot"):
        before = np.linalg.norm(np.diff(pose.head(bone), axis=0), axis=1).max()
        after = np.linalg.norm(np.diff(held.head(bone), axis=0), axis=1).max()
        assert after < before + 0.06
    turn = rotation.multiply(rotation.inverse(held.turns[:-1]), held.turns[1:])
    assert np.degrees(np.linalg.norm(rotation.to_rotvec(turn), axis=-1)).max() < 30


def test_what_is_not_down_and_all_above_the_hips_is_as_it_was():
    target = probed(character(4))
    motion = skating()
    contacts = np.zeros((motion.frames, 2, 2), bool)
    contacts[20:30, 0] = True
    pose = retarget(motion, target)
    held = plant_feet(pose, target, FPS, contacts, floor=False)
    np.testing.assert_allclose(held.hips, pose.hips, atol=1e-9)
    right = [k for k, joint in enumerate(pose.joints) if not joint.startswith("left")]
    np.testing.assert_allclose(held.turns[:, right], pose.turns[:, right], atol=1e-12)
    np.testing.assert_allclose(held.turns[:14], pose.turns[:14], atol=1e-12)
    np.testing.assert_allclose(held.turns[36:], pose.turns[36:], atol=1e-12)


def test_sunken_feet_come_up_to_the_floor_and_no_higher():
    rig = character(5)
    target = probed(rig)
    pose = retarget(walk(2.0, FPS), target, offset=(0.0, 0.0, -0.03))
    lifted = plant_feet(pose, target, FPS, None, floor=True)
    floor = rig.heads["left_foot"][2]
    assert pose.head("left_foot")[:, 2].min() < floor - 0.02
    assert lifted.head("left_foot")[:, 2].min() > floor - 1e-3
    high = pose.head("left_foot")[:, 2] > floor + 0.1
    np.testing.assert_allclose(lifted.head("left_foot")[high], pose.head("left_foot")[high], atol=1e-9)


def test_who_goes_down_a_stair_may():
    target = probed(character(6))
    motion = skating()
    pose = retarget(motion, target, offset=(0.0, 0.0, -0.5))
    lifted = plant_feet(pose, target, FPS, None, floor=True)
    np.testing.assert_allclose(lifted.turns, pose.turns, atol=1e-12)


def test_a_leg_reaches_as_far_as_it_is_long():
    target = probed(character(7))
    motion = walk(2.0, FPS)
    contacts = np.zeros((motion.frames, 2, 2), bool)
    contacts[:, 0] = True  # a foot that stays behind for two metres
    held = plant_feet(retarget(motion, target), target, FPS, contacts, floor=False)
    assert np.isfinite(held.rotations).all()
    thigh = held.head("left_knee") - held.head("left_hip")
    shin = held.head("left_ankle") - held.head("left_knee")
    lengths = np.linalg.norm(thigh, axis=1), np.linalg.norm(shin, axis=1)
    np.testing.assert_allclose(lengths[0], lengths[0][0], rtol=1e-9)
    np.testing.assert_allclose(lengths[1], lengths[1][0], rtol=1e-9)


@pytest.mark.parametrize("fps", [12.0, 120.0])
def test_a_slide_is_told_by_the_second(fps):
    target = probed(character(8))
    motion = standing(int(2 * fps), fps)
    drift = np.column_stack([np.linspace(0, 0.1, motion.frames), *np.zeros((2, motion.frames))])
    pose = retarget(replace(motion, translation=motion.translation + drift), target)
    down = np.ones((motion.frames, 2, 2), bool)
    assert slide(pose, down, fps) == pytest.approx(0.05 * pose.scale, rel=0.1)
    assert slide(pose, ~down, fps) == 0.0
