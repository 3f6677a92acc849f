"""Foot contacts: never where the official ones have none, none in the air, the same at any rate and size."""

from dataclasses import replace

import numpy as np
import pytest

from motionary import rotation
from motionary.body import body_positions
from motionary.contacts import body_contacts, foot_contacts
from motionary.formats.humanml3d import motion_from_joints
from motionary.motion import Motion, resample
from motionary.starter import starter_clips
from tests.data import shared_file
from tests.motions import standing, walk


@pytest.fixture(scope="module")
def starter():
    return {clip.name: clip.motion for clip in starter_clips()}


def test_who_stands_stands_on_both_feet():
    assert foot_contacts(standing(30)).standing.all()


def test_a_walk_always_has_a_foot_down_and_by_turns(starter):
    standing = foot_contacts(starter["walk_forward"]).standing.any(axis=2)
    assert standing.any(axis=1).all()
    assert 0.4 < standing[:, 0].mean() < 0.9
    assert (~standing[:, 0]).any()
    assert (~standing[:, 1]).any()


def test_a_heel_lands_before_the_ball_and_leaves_before_it(starter):
    heel, ball = np.moveaxis(foot_contacts(starter["walk_forward"]).standing[30:, 0].astype(int), -1, 0)
    leaves_heel = np.flatnonzero(np.diff(heel) < 0)[0]
    assert ball[leaves_heel + 1]


@pytest.mark.parametrize("name", ["jump", "jump_forward", "jump_turn_left"])
def test_nobody_stands_in_the_air(starter, name):
    motion = starter[name]
    hips = motion.translation[:, 1]
    top = int(np.argmax(hips))
    assert not foot_contacts(motion).standing[top - 2 : top + 3].any()
    assert foot_contacts(motion).standing[0].all()


def test_a_runner_flies_between_steps(starter):
    down = foot_contacts(starter["run_cycle"]).standing.any(axis=(1, 2))
    assert 0.3 < down.mean() < 0.7


def test_who_stands_on_a_box_stands():
    motion = standing(90)
    up = motion.translation + np.outer(np.arange(90) >= 45, [0.0, 0.5, 0.0])
    down = foot_contacts(replace(motion, translation=up)).standing
    assert down[:30].all()
    assert down[65:].all()


def test_a_foot_that_is_held_up_does_not_stand():
    motion = standing(60)
    rotations = motion.rotations.copy()
    index = motion.skeleton.index
    rotations[:, index("left_hip")] = rotation.from_axis_angle([1.0, 0.0, 0.0], np.radians(-60))
    rotations[:, index("left_knee")] = rotation.from_axis_angle([1.0, 0.0, 0.0], np.radians(60))
    down = foot_contacts(replace(motion, rotations=rotations)).standing
    assert not down[:, 0].any()
    assert down[:, 1].all()


@pytest.mark.parametrize("fps", [24.0, 60.0, 240.0])
def test_the_frame_rate_does_not_matter(starter, fps):
    motion = starter["run_then_jump"]
    at = np.round(np.arange(motion.frames) * fps / motion.fps).astype(int)
    other = foot_contacts(resample(motion, fps)).standing
    same = other[np.minimum(at, len(other) - 1)] == foot_contacts(motion).standing
    assert same.mean() > 0.97


def test_size_does_not_matter():
    motion = walk()
    skeleton = replace(motion.skeleton, offsets=motion.skeleton.offsets * 3)
    large = Motion(skeleton, motion.rotations, motion.translation * 3, motion.fps)
    np.testing.assert_array_equal(foot_contacts(large).standing, foot_contacts(motion).standing)


def test_one_frame():
    assert foot_contacts(standing(1)).standing.shape == (1, 2, 2)


def test_the_official_contacts_hold_wherever_ours_do():
    """The official ones take every joint slower than 0.9 m/s; ours are the part of them that stands still."""
    golden = np.load(shared_file("golden.npz"), allow_pickle=False)
    ours, official = [], []
    for name in map(str, golden["ids"]):
        features = golden[f"new_joint_vecs_{name}"]
        motion = motion_from_joints(golden[f"raw_{name}"].astype(np.float64), 20.0)
        ours.append(foot_contacts(motion).standing.reshape(-1, 4)[: len(features)])
        official.append(features[:, -4:] > 0.5)
    ours, official = np.concatenate(ours), np.concatenate(official)
    assert (ours & ~official).mean() < 0.005
    assert (ours == official).mean() > 0.8


@pytest.mark.parametrize("name", ["000175", "000757", "004756", "006865"])
def test_who_walks_and_runs_stands_when_the_official_contacts_say_so(name):
    golden = np.load(shared_file("golden.npz"), allow_pickle=False)
    official = golden[f"new_joint_vecs_{name}"][:, -4:] > 0.5
    ours = foot_contacts(motion_from_joints(golden[f"raw_{name}"].astype(np.float64), 20.0)).standing
    assert (ours.reshape(-1, 4)[: len(official)] == official).mean() > 0.85


def test_joints_that_are_known_have_the_same_contacts():
    motion = walk(2.0)
    of_motion, of_joints = foot_contacts(motion), body_contacts(body_positions(motion), motion.fps)
    np.testing.assert_array_equal(of_motion.standing, of_joints.standing)
    assert of_motion.floor == of_joints.floor
