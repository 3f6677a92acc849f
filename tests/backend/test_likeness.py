"""Whether two motions are one, whatever was done to the file."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionary import rotation
from motionary.edits import mirror
from motionary.errors import MotionaryError
from motionary.likeness import compare, trace
from motionary.motion import Motion, Skeleton, resample, slice_frames
from motionary.starter import starter_clips
from tests.motions import standing, walk

CLIPS = {clip.name: clip.motion for clip in starter_clips()}
SOME = ("walk_forward", "jump", "wave_right", "kick_back_right", "walk_curve_left", "sit_down", "cross_right")


def turned(motion, angle, away):
    turn = rotation.from_axis_angle([0.0, 1.0, 0.0], angle)
    rotations = motion.rotations.copy()
    rotations[:, 0] = rotation.multiply(turn, rotations[:, 0])
    return replace(motion, rotations=rotations, translation=rotation.rotate(turn, motion.translation) + away)


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from(SOME),
    st.floats(-3.1, 3.1),
    st.floats(0.3, 3.0),
    st.sampled_from([20.0, 24.0, 30.0, 60.0]),
)
def test_heading_place_size_and_rate_do_not_matter(name, angle, size, fps):
    motion = CLIPS[name]
    other = resample(turned(motion, angle, [3.0, 0.0, -2.0]), fps)
    skeleton = replace(other.skeleton, offsets=other.skeleton.offsets * size)
    other = replace(other, skeleton=skeleton, translation=other.translation * size)
    found = compare(trace(motion), trace(other))
    assert found.sure > 0.95
    assert found.start_s == pytest.approx(0.0, abs=0.03)
    assert found.scale == pytest.approx(size, rel=0.01)
    assert np.cos(np.radians(found.turned_deg) - angle) == pytest.approx(1.0, abs=1e-3)
    assert found.shape < 0.002


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(SOME), st.floats(0.0, 0.3), st.floats(0.7, 1.0))
def test_a_part_is_found_where_it_was_cut(name, start, end):
    motion = CLIPS[name]
    first, last = int(start * motion.frames), int(end * motion.frames)
    part = slice_frames(motion, first, last)
    found = compare(trace(motion), trace(part))
    if part.duration < 0.8:
        return
    assert found.sure > 0.9
    assert found.start_s == pytest.approx(first / motion.fps, abs=0.06)
    back = compare(trace(part), trace(motion))
    assert back.sure > 0.9
    assert back.start_s == pytest.approx(-found.start_s, abs=0.06)


@pytest.mark.parametrize("name", ["wave_right", "kick_back_right", "walk_curve_left"])
def test_a_mirror_image_is_one_only_in_the_mirror(name):
    motion = CLIPS[name]
    image = trace(mirror(motion))
    in_mirror = compare(trace(motion, mirrored=True), image)
    assert in_mirror.sure > 0.999
    as_it_is = compare(trace(motion), image)
    assert as_it_is is None or as_it_is.sure < 0.5


def test_longer_and_shorter_bones_are_another_skeleton_and_the_same_motion():
    motion = CLIPS["jump"]
    longer = np.random.default_rng(1).uniform(0.9, 1.1, (len(motion.skeleton.names), 1))
    other = replace(motion, skeleton=replace(motion.skeleton, offsets=motion.skeleton.offsets * longer))
    found = compare(trace(motion), trace(other))
    assert found.sure > 0.9
    assert found.shape > 0.005


def test_in_place_is_told_by_the_ways():
    motion = CLIPS["walk_forward"]
    path = motion.translation * [0.0, 1.0, 0.0]
    found = compare(trace(motion), trace(replace(motion, translation=path)))
    assert found.sure > 0.999
    assert found.way_b < 0.05 < 0.5 < found.way_a


def test_different_actions_are_not_one():
    traces = {name: trace(CLIPS[name]) for name in SOME}
    for a in SOME:
        for b in SOME:
            found = compare(traces[a], traces[b])
            assert (found is not None and found.sure > 0.5) == (a == b)


def test_who_stands_is_not_the_same_as_another_who_stands_otherwise():
    still = standing(90)
    bent = still.rotations.copy()
    for joint in ("left_shoulder", "right_shoulder"):
        bent[:, still.skeleton.index(joint)] = rotation.from_axis_angle([0.0, 0.0, 1.0], 0.2)
    assert compare(trace(still), trace(still)).sure > 0.99
    assert compare(trace(still), trace(replace(still, rotations=bent))).sure < 0.5


def test_too_short_to_tell():
    assert compare(trace(walk(0.5)), trace(walk(3.0))) is None


def test_what_is_no_body_is_refused():
    rope = Motion(
        Skeleton(("a", "b"), [-1, 0], np.array([[0.0, 0, 0], [0, 1, 0]])),
        np.tile([1.0, 0, 0, 0], (30, 2, 1)),
        np.zeros((30, 3)),
        30.0,
    )
    with pytest.raises(MotionaryError, match="no human body"):
        trace(rope)
