"""Facts of movements whose truth is known, and how they change with mirror, time and speed."""

from dataclasses import asdict, replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionary import rotation
from motionary.body import mirror_joints
from motionary.captions.measure import measure, measure_joints, mirrored, thinned_joints
from motionary.edits import Edit, edit, mirror
from motionary.motion import resample
from motionary.starter import starter_clips
from tests.motions import standing, walk


@cache
def starter():
    return {clip.name: clip for clip in starter_clips()}


@cache
def facts_of(name):
    return measure(starter()[name].motion)


NAMES = sorted(starter())
SAMPLED = ("walk_forward", "run_curve_left", "side_step_right", "wave_left", "front_kick_right", "sit_down")


def test_a_walk_of_a_metre_a_second_is_measured():
    facts = measure(walk(4.0))
    assert facts.duration_s == pytest.approx(4.0)
    assert facts.distance_m == pytest.approx(4.0, abs=0.1)
    assert facts.forward_m == pytest.approx(4.0, abs=0.15)
    assert facts.speed_mps == pytest.approx(1.0, abs=0.05)
    assert (facts.direction, facts.gait, facts.turn, facts.in_place) == ("forward", "walk", "none", False)


def test_who_stands_does_nothing():
    facts = measure(standing(60))
    assert (facts.steps, facts.jumps, facts.kicks, facts.crouches) == (0, 0, 0, 0)
    assert (facts.direction, facts.gait, facts.speed, facts.hand_busy) == ("place", "none", "still", "none")
    assert facts.in_place
    assert facts.distance_m == facts.path_m == 0


@pytest.mark.parametrize("frames", [1, 2, 3, 6])
def test_a_few_frames_are_enough(frames):
    facts = measure(standing(frames))
    assert facts.in_place
    assert all(np.isfinite(value) for value in asdict(facts).values() if isinstance(value, float))


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("walk_forward", {"direction": "forward", "gait": "walk", "speed": "normal", "turn": "none"}),
        ("walk_slowly", {"direction": "forward", "gait": "walk", "speed": "slow"}),
        ("walk_fast", {"gait": "walk", "speed": "fast"}),
        ("walk_backward", {"direction": "backward", "gait": "walk"}),
        ("side_step_left", {"direction": "left"}),
        ("side_step_right", {"direction": "right"}),
        ("walk_circle_left", {"direction": "forward", "turn": "left"}),
        ("run", {"direction": "forward", "gait": "run"}),
        ("sprint", {"gait": "run", "speed": "fast"}),
        ("jog", {"gait": "run", "speed": "slow"}),
        ("turn_left", {"turn": "left", "in_place": True}),
        ("turn_right", {"turn": "right", "in_place": True}),
        ("bunny_hops", {"jumps": 4, "direction": "forward"}),
        ("jump", {"jumps": 1, "direction": "place"}),
        ("jump_backward", {"jumps": 1, "direction": "backward"}),
        ("hop_left_leg", {"jumps": 5, "stands_on": "left"}),
        ("wave_right", {"hand_raised": "right", "hand_busy": "right", "steps": 0}),
        ("wave_both_hands", {"hand_raised": "both"}),
        ("front_kick_left", {"foot_raised": "left", "kicks": 1}),
        ("balance_right_leg", {"stands_on": "right", "foot_raised": "left"}),
        ("walk_cycle", {"loops": True, "gait": "walk"}),
        ("sit_down", {"loops": False, "crouches": 1}),
        ("squats", {"in_place": True}),
    ],
)
def test_the_starter_clips_measure_as_they_were_performed(name, known):
    facts = asdict(facts_of(name))
    assert {key: facts[key] for key in known} == known


@pytest.mark.parametrize(
    ("name", "degrees"),
    [
        ("turn_left", 90),
        ("turn_right", -90),
        ("turn_around_right", -180),
        ("turn_full_left", 360),
        ("walk_circle_right", -360),
        ("walk_curve_left", 90),
    ],
)
def test_turns_are_told_in_degrees_whole_ones_counted(name, degrees):
    assert facts_of(name).turn_deg == pytest.approx(degrees, abs=5)


def test_levels_are_told_apart():
    assert facts_of("lie").lying > 0.9
    assert facts_of("sit").sitting > 0.9
    assert facts_of("sit_down").last_low < 0.8 < facts_of("sit_down").first_low
    assert facts_of("stand_up").first_low < 0.8 < facts_of("stand_up").last_low
    assert facts_of("climb_stairs").rise_m == pytest.approx(-facts_of("descend_stairs").rise_m, abs=0.05)
    assert facts_of("climb_stairs").rise_m > 1.0
    assert facts_of("walk_forward").lying == facts_of("walk_forward").sitting == 0


@pytest.mark.parametrize("name", NAMES)
def test_the_mirror_image_has_the_mirrored_facts(name):
    joints, fps = thinned_joints(starter()[name].motion)
    image, told = measure_joints(mirror_joints(joints), fps), mirrored(facts_of(name))
    for key, value in asdict(told).items():
        assert getattr(image, key) == (
            pytest.approx(value, abs=1e-6) if isinstance(value, float) else value
        ), key


def test_a_mirrored_motion_is_measured_mirrored():
    facts = measure(mirror(starter()["walk_waving"].motion))
    assert facts.hand_raised == "left"
    assert facts.direction == "forward"


@pytest.mark.parametrize(
    ("name", "direction", "turn"),
    [
        ("walk_forward", "backward", "none"),
        ("walk_backward", "forward", "none"),
        ("side_step_left", "right", "none"),
        ("run_curve_left", "backward", "right"),
        ("turn_right", "place", "left"),
    ],
)
def test_backwards_in_time_ways_and_turns_are_the_other_way(name, direction, turn):
    facts, reversed_ = facts_of(name), measure(edit(starter()[name].motion, Edit(reverse=True)))
    assert (reversed_.direction, reversed_.turn) == (direction, turn)
    assert reversed_.turn_deg == pytest.approx(-facts.turn_deg, abs=0.5)
    assert reversed_.path_m == pytest.approx(facts.path_m, rel=0.02)
    assert abs(reversed_.steps - facts.steps) <= 2


@settings(max_examples=15, deadline=None)
@given(speed=st.floats(0.6, 1.6), name=st.sampled_from(("walk_forward", "walk_circle_left", "run")))
def test_twice_the_speed_is_half_the_time_and_the_same_way(speed, name):
    facts, other = facts_of(name), measure(edit(starter()[name].motion, Edit(speed=speed)))
    assert other.duration_s == pytest.approx(facts.duration_s / speed)
    assert other.distance_m == pytest.approx(facts.distance_m, rel=0.03, abs=0.03)
    assert other.turn_deg == pytest.approx(facts.turn_deg, abs=3)
    assert other.speed_mps / facts.speed_mps == pytest.approx(
        speed, rel=0.25
    )  # what is slow counts as a pause
    assert other.direction == facts.direction


@settings(max_examples=15, deadline=None)
@given(
    angle=st.floats(-np.pi, np.pi),
    x=st.floats(-20, 20),
    z=st.floats(-20, 20),
    name=st.sampled_from(SAMPLED),
)
def test_where_in_the_world_it_happens_does_not_matter(angle, x, z, name):
    joints, fps = thinned_joints(starter()[name].motion)
    about_y = rotation.from_axis_angle([0.0, 1.0, 0.0], angle)
    moved = measure_joints(rotation.rotate(about_y, joints) + np.array([x, 0.0, z]), fps)
    for key, value in asdict(facts_of(name)).items():
        assert getattr(moved, key) == (
            pytest.approx(value, abs=1e-5) if isinstance(value, float) else value
        ), key


@pytest.mark.parametrize("size", [0.5, 2.5])
@pytest.mark.parametrize("name", SAMPLED)
def test_a_child_and_a_giant_do_what_a_grown_person_does(name, size):
    joints, fps = thinned_joints(starter()[name].motion)
    facts, other = facts_of(name), measure_joints(joints * size, fps)
    assert other.distance_m == pytest.approx(facts.distance_m * size, rel=1e-6, abs=1e-9)
    for key in (
        "direction",
        "gait",
        "speed",
        "turn",
        "steps",
        "hand_raised",
        "foot_raised",
        "in_place",
        "kicks",
    ):
        assert getattr(other, key) == getattr(facts, key), key


@pytest.mark.parametrize("fps", [24.0, 60.0, 120.0])
def test_the_frame_rate_of_the_file_hardly_matters(fps):
    motion = starter()["walk_circle_left"].motion
    facts, other = facts_of("walk_circle_left"), measure(resample(motion, fps))
    assert other.turn_deg == pytest.approx(facts.turn_deg, abs=5)
    assert other.path_m == pytest.approx(facts.path_m, rel=0.03)
    assert abs(other.steps - facts.steps) <= 1
    assert (other.direction, other.gait) == (facts.direction, facts.gait)


def test_joints_are_thinned_to_no_fewer_than_thirty_frames_a_second():
    for fps, kept in ((24.0, 24.0), (30.0, 30.0), (59.94, 59.94), (60.0, 30.0), (120.0, 30.0), (144.0, 36.0)):
        assert thinned_joints(replace(standing(8), fps=fps))[1] == pytest.approx(kept)


def test_facts_are_plain_numbers_and_words():
    for facts in (measure(walk(2.0)), facts_of("jump"), facts_of("front_kick_left")):
        assert {type(value) for value in asdict(facts).values()} <= {int, float, str, bool}
