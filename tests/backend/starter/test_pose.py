"""From controls to joints: hands and feet arrive where they are sent, on any performer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionary import rotation
from motionary.motion import forward_kinematics
from motionary.starter.body import ANKLE, Build, performer
from motionary.starter.keyframes import keyed, retime
from motionary.starter.pose import REST, solve

HUMANML3D = [
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle",
    "right_ankle", "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head",
    "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
]  # fmt: skip


def pose(build=None, **controls):
    """Positions by joint name of one held pose, and its take."""
    take = solve(retime(keyed(0.2, [(0, controls)]), 1, 30), performer(build), 30)
    positions, _ = forward_kinematics(take.motion)
    return {name: positions[0, i] for i, name in enumerate(take.motion.skeleton.names)}, take


def test_the_performer_is_an_adult_in_a_t_pose_named_as_humanml3d_names_it():
    skeleton = performer()
    assert list(skeleton.names[:22]) == HUMANML3D
    assert all(name.endswith("_end") for name in skeleton.names[22:])
    rest = np.zeros((len(skeleton.names), 3))
    for joint in range(1, len(rest)):
        rest[joint] = rest[skeleton.parents[joint]] + skeleton.offsets[joint]
    assert np.ptp(rest[:, 1]) == pytest.approx(1.72, abs=0.02)
    at = dict(zip(skeleton.names, rest, strict=True))
    assert at["left_wrist"][0] > at["left_elbow"][0] > at["left_shoulder"][0] > 0
    assert at["left_foot"][2] > at["left_ankle"][2]
    for name in HUMANML3D:
        if name.startswith("left"):
            np.testing.assert_allclose(at[name] * (-1, 1, 1), at[name.replace("left", "right")])


def test_at_rest_the_performer_stands_on_flat_feet_with_hanging_arms():
    at, take = pose()
    assert at["left_foot_end"][1] == pytest.approx(0, abs=1e-6)
    assert at["left_ankle"][1] == pytest.approx(0.08, abs=1e-6)
    assert at["left_wrist"][1] < at["left_elbow"][1] < at["left_shoulder"][1]
    assert take.contacts.all()


@settings(max_examples=60, deadline=None)
@given(st.floats(-0.5, 0.9), st.floats(-0.9, 0.9), st.floats(0.05, 0.9), st.sampled_from("lr"))
def test_a_hand_arrives_where_it_is_sent(out, up, forward, side):
    wanted = np.array([out, up, forward])
    if not 0.4 < np.linalg.norm(wanted) < 0.97:
        return
    name, sign = ("left", 1) if side == "l" else ("right", -1)
    at, _ = pose(**{f"hand_{side}": wanted})
    got = (at[f"{name}_wrist"] - at[f"{name}_shoulder"]) * (sign, 1, 1) / 0.52
    np.testing.assert_allclose(got, wanted, atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-0.15, 0.15), st.floats(-0.45, 0.0), st.floats(-0.25, 0.25), st.floats(-50, 50),
    st.floats(-30, 60), st.floats(0.85, 1.15),
)  # fmt: skip
def test_planted_feet_hold_whatever_the_pelvis_does(x, y, z, turn, tilt, size):
    """The pelvis comes down to feet that it could not reach; a sole's points stay on the floor."""
    at, take = pose(Build(size=size), pelvis=(x, y, z), body=(tilt, 0, turn))
    for name, sign in (("left", 1), ("right", -1)):
        np.testing.assert_allclose(
            at[f"{name}_ankle"], size * (np.array([sign * 0.1, 0, 0]) + ANKLE), atol=1e-6
        )
        assert at[f"{name}_foot_end"][1] == pytest.approx(0, abs=1e-6)
    assert take.contacts.all()
    assert at["pelvis"][1] <= size * (0.944 + y) + 1e-9


@pytest.mark.parametrize(("heel", "still"), [(40, "ball"), (-25, "heel")])
def test_a_foot_rolls_on_its_ball_or_its_heel(heel, still):
    flat, _ = pose(pelvis=(0, -0.2, 0))
    rolled, take = pose(pelvis=(0, -0.2, 0), sole_l=(heel, 8))
    ankle = take.motion.skeleton.index("left_ankle")
    _, world = forward_kinematics(take.motion)
    if still == "ball":
        np.testing.assert_allclose(rolled["left_foot"], flat["left_foot"], atol=1e-6)
        assert rolled["left_foot_end"][1] == pytest.approx(0, abs=1e-6)
        assert rolled["left_ankle"][1] > flat["left_ankle"][1] + 0.05
    else:
        heel_now = rolled["left_ankle"] + rotation.rotate(world[0, ankle], (0, -0.08, -0.05))
        assert heel_now[1] == pytest.approx(0, abs=1e-6)
        assert rolled["left_foot_end"][1] > 0.05


def test_a_held_hand_stays_in_the_world_while_the_trunk_moves():
    place = (0.2, 1.2, 0.45)
    one, _ = pose(reach_l=place, hold_l=1)
    two, _ = pose(reach_l=place, hold_l=1, spine=(25, 5, 15), pelvis=(0.02, -0.1, 0.05))
    np.testing.assert_allclose(one["left_wrist"], place, atol=1e-6)
    np.testing.assert_allclose(two["left_wrist"], place, atol=1e-6)


def test_signs_are_as_the_controls_say():
    at, _ = pose()
    assert pose(spine=(40, 0, 0))[0]["head"][2] > at["head"][2] + 0.2
    assert pose(spine=(0, 30, 0))[0]["head"][0] > 0.1
    assert pose(body=(0, 0, 40), sole_l=(0, 48), sole_r=(0, 32))[0]["left_shoulder"][2] < -0.1
    assert pose(head=(30, 0, 0))[0]["head_end"][2] > at["head_end"][2] + 0.05
    assert pose(collar_l=(20, 0))[0]["left_shoulder"][1] > at["left_shoulder"][1] + 0.02
    assert (
        pose(elbow_l=60, hand_l=(0.1, -0.5, 0.4))[0]["left_elbow"][0]
        > pose(hand_l=(0.1, -0.5, 0.4))[0]["left_elbow"][0]
    )
    assert (
        pose(pelvis=(0, -0.3, 0), knee_l=30)[0]["left_knee"][0]
        > pose(pelvis=(0, -0.3, 0))[0]["left_knee"][0] + 0.05
    )


def test_every_control_has_a_rest():
    assert {len(value) for value in REST.values()} <= {1, 2, 3}
    controls = keyed(0.1, [(0, {})])
    assert controls.keys() == REST.keys()
