"""Keyed controls: tracks go through their keys and no further, and performances join without a seam."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionary.starter.gait import Gait, go
from motionary.starter.keyframes import (
    RATE,
    alive,
    backward,
    both,
    cycle,
    hermite,
    keyed,
    layer,
    move,
    repeated,
    retime,
    then,
)
from motionary.starter.pose import HANG, REST

KEYS = st.lists(
    st.tuples(st.integers(1, 40), st.integers(-6000, 6000).map(lambda value: value / 100)),
    min_size=1,
    max_size=8,
    unique_by=lambda key: key[0],
)


@given(KEYS)
def test_a_track_goes_through_its_keys_and_never_beyond_them(keys):
    track = keyed(5, [(at / 8, {"spine": (value, 0, 0)}) for at, value in keys])["spine"][:, 0]
    keys = [(0, 0.0), *sorted(keys)]
    for (a, low), (b, high) in pairwise(keys):
        assert track[b * RATE // 8] == pytest.approx(high, abs=1e-9)
        between = track[a * RATE // 8 : b * RATE // 8 + 1]
        slack = 0.02 * abs(high - low) + 1e-9  # a quintic through steep neighbours may bulge by a hair
        assert between.min() >= min(low, high) - slack
        assert between.max() <= max(low, high) + slack
    assert (track[keys[-1][0] * RATE // 8 :] == pytest.approx(keys[-1][1])) or len(track) == 0


def test_equal_keys_hold_exactly_so_that_feet_stay_planted():
    place = keyed(
        3, [(1, {"foot_l": (0.1, 0, 0.2)}), (2, {"foot_l": (0.1, 0, 0.2)}), (3, {"foot_l": (0.1, 0.1, 0.9)})]
    )
    held = place["foot_l"][RATE : 2 * RATE + 1]
    assert np.abs(held - (0.1, 0, 0.2)).max() < 1e-15


@pytest.mark.parametrize("to", [(0.1, 0.97, 0.1), (0.14, 0.95, -0.08), (-0.3, 0.2, 0.5), (0.98, 0.0, 0.0)])
def test_a_hand_goes_round_its_shoulder(to):
    hand = keyed(1, [(1, {"hand_l": to})])["hand_l"]
    reach = np.linalg.norm(hand, axis=1)
    ends = np.linalg.norm(HANG), np.linalg.norm(to)
    assert min(ends) - 1e-9 <= reach.min()
    assert reach.max() <= max(ends) + 1e-9
    assert np.linalg.norm(np.diff(hand, axis=0), axis=1).max() * RATE < 8


@given(st.floats(0.1, 1.2), st.floats(-3, 3))
def test_two_hermite_keys_of_a_fall_are_its_parabola(flight, start):
    speed = 9.81 * flight / 2
    times = np.linspace(0, flight, 50)
    fall = hermite(times, [(0, start, speed), (flight, start, -speed)])
    np.testing.assert_allclose(fall, start + speed * times - 9.81 / 2 * times**2, atol=1e-9)


def test_a_move_comes_back_to_rest_and_holds_what_later_keys_leave_out():
    plan = move((0.5, {"head": (0, 0, 30), "hand_r": (0.9, 0, 0)}), (1.5, {"head": (0, 0, -30)}), back=0.5)
    controls = keyed(plan.duration, plan.keys)
    assert controls["hand_r"][round(1.5 * RATE)] == pytest.approx((0.9, 0, 0))
    for name, rest in REST.items():
        np.testing.assert_allclose(controls[name][-1], rest, atol=1e-12)
    assert keyed(plan.duration, move((0.5, {"head": (0, 0, 30)}), back=0).keys)["head"][-1, 2] == 30


def test_backward_is_the_same_the_other_way_round():
    plan = move((0.4, {"spine": (20, 0, 0)}), (1.1, {"spine": (5, 9, 0), "hand_l": (0.5, 0.2, 0.4)}), back=0)
    there, back = keyed(plan.duration, plan.keys), keyed(plan.duration, backward(plan).keys)
    for name in REST:
        np.testing.assert_allclose(back[name][::-1], there[name], atol=1e-9)


def test_helpers_write_keys():
    assert both(hand=(1, 2, 3), elbow=4) == {
        "hand_l": (1, 2, 3),
        "hand_r": (1, 2, 3),
        "elbow_l": 4,
        "elbow_r": 4,
    }
    a, b = {"head": (1, 0, 0)}, {"head": (2, 0, 0)}
    assert repeated(1.0, 0.5, 2, a, b) == [(1.0, a), (1.5, b), (2.0, a), (2.5, b)]
    assert cycle(2, 3.0, (0.5, a), (1.0, b)) == [(0.5, a), (1.0, b), (3.5, a), (4.0, b)]


def test_performances_join_where_the_first_ends_and_faces():
    turn = go(Gait(speed=0, turn=90, landings=4))
    walk = go(Gait(landings=4))
    joined = then(turn, walk, walk)
    assert len(joined["body"]) == len(turn["body"]) + 2 * (len(walk["body"]) - 1)
    # Having turned left, ahead is +X.
    assert joined["pelvis"][-1, 0] == pytest.approx(2 * walk["pelvis"][-1, 2], abs=1e-3)
    assert joined["body"][-1, 2] == pytest.approx(90, abs=0.1)
    for name in REST.keys() - {"reach_l", "reach_r"}:  # which mean nothing while they are not held
        step = np.abs(np.diff(joined[name], axis=0)).max(axis=1)
        seams = [len(turn["body"]) - 1, len(turn["body"]) + len(walk["body"]) - 2]
        assert step[seams].max() < 1e-3, name


def test_a_layer_replaces_only_what_it_names():
    walk, wave = (
        go(Gait()),
        keyed(1.5, [(0.7, {"hand_r": (0.5, 0.5, 0.2), "head": (30, 0, 0)}), (1.4, {"hand_r": HANG})]),
    )
    mixed = layer(walk, wave, ("hand_r",), 1.0)
    np.testing.assert_array_equal(mixed["hand_r"][: RATE - 1], walk["hand_r"][: RATE - 1])
    assert mixed["hand_r"][round(1.7 * RATE)] == pytest.approx((0.5, 0.5, 0.2), abs=0.01)
    assert all((mixed[name] == walk[name]).all() for name in REST if name != "hand_r")


def test_pace_changes_the_time_and_nothing_else():
    controls = keyed(2, [(2, {"head": (0, 0, 60)})])
    slow, fast = retime(controls, 0.5, 30), retime(controls, 2.0, 30)
    assert len(slow["head"]) == 121
    assert len(fast["head"]) == 31
    np.testing.assert_allclose(slow["head"][::4], fast["head"], atol=1e-9)


def test_life_moves_the_body_but_not_the_feet():
    still = keyed(3, [(0, {})])
    living = alive(still, np.random.default_rng(0))
    assert np.ptp(living["spine"], axis=0).min() > 0.1
    for name in ("foot_l", "foot_r", "sole_l", "sole_r", "hold_l"):
        np.testing.assert_array_equal(living[name], still[name])
