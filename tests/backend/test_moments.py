"""Moments: what overlaps and matches is one, and cuts are where little moves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionary.features import motion_joints
from motionary.index import Windows, window_frames
from motionary.moments import REACH, cut_costs, moment_span, once, snapped
from tests.motions import standing, walk


@st.composite
def takes(draw):
    """A take's windows, in seconds, and a score for each."""
    frames = draw(st.integers(20, 3000))
    spans = np.array(window_frames(frames, Windows()), float) / 20
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return spans, rng.uniform(-1, 1, len(spans))


@settings(deadline=None)
@given(takes())
def test_a_moment_is_within_the_take_and_goes_from_an_end_of_a_window_to_another(take):
    spans, scores = take
    start, end = moment_span(spans, scores)
    assert start in spans[:, 0]
    assert end in spans[:, 1]
    assert start < end


@settings(deadline=None)
@given(takes(), st.integers(0, 2**32 - 1))
def test_the_order_of_windows_does_not_matter(take, seed):
    spans, scores = take
    order = np.random.default_rng(seed).permutation(len(spans))
    assert moment_span(spans[order], scores[order]) == moment_span(spans, scores)


@settings(deadline=None)
@given(takes(), st.data())
def test_windows_that_are_not_asked_for_are_as_if_they_were_not_there(take, data):
    spans, scores = take
    asked = np.array(data.draw(st.lists(st.booleans(), min_size=len(spans), max_size=len(spans))))
    asked[data.draw(st.integers(0, len(spans) - 1))] = True
    expected = moment_span(spans[asked], scores[asked])
    assert moment_span(spans, np.where(asked, scores, -np.inf)) == expected


@settings(deadline=None)
@given(takes())
def test_a_window_that_stands_out_is_the_moment(take):
    spans, scores = take
    best = int(np.argmax(scores))
    shared = np.minimum(spans[:, 1], spans[best, 1]) - np.maximum(spans[:, 0], spans[best, 0])
    scores = np.where(shared > 0, -1.0, -2.0)
    scores[best] = 1.0
    assert moment_span(spans, scores) == tuple(spans[best])


def test_a_stretch_that_matches_is_told_from_its_beginning_to_its_end():
    spans = np.array(window_frames(1200, Windows()), float) / 20
    inside = (spans[:, 0] >= 21) & (spans[:, 1] <= 30)
    start, end = moment_span(spans, np.where(inside, 0.6, 0.2))
    assert 21 <= start <= 22
    assert 29 <= end <= 30


def test_who_looks_all_alike_is_one_moment():
    spans = np.array(window_frames(160, Windows()), float) / 20
    assert moment_span(spans, np.full(len(spans), 0.4)) == (0.0, 8.0)


# Once


@given(st.integers(2, 3000))
def test_windows_that_tell_a_take_once_cover_it_in_one_length(frames):
    spans = np.array(window_frames(frames, Windows()), float) / 20
    told = spans[once(spans)]
    assert (told[:, 0].min(), told[:, 1].max()) == (0.0, frames / 20)
    assert {round(length, 6) for length in np.diff(told)[:, 0].tolist()} == {
        min(frames, 120 if frames > 200 else frames) / 20
    }
    assert (told[1:, 0] <= told[:-1, 1]).all()


def test_windows_of_other_lengths_tell_it_all_together():
    spans = np.array([[0, 2], [1, 3], [2, 4.0]])
    assert once(spans).tolist() == [0, 1, 2]


# Cuts


@settings(deadline=None)
@given(st.integers(2, 4000), st.integers(0, 2**32 - 1))
def test_ends_are_moved_within_reach_to_no_worse_a_cut(frames, seed):
    costs = np.random.default_rng(seed).uniform(0, 3, frames + 1)
    planned = window_frames(frames, Windows())
    moved = snapped(planned, costs, frames, 200)
    assert moved == sorted(set(moved))
    assert all(0 <= start < end <= min(frames, start + 200) for start, end in moved)
    for old in planned:
        ((start, end),) = snapped([old], costs, frames, 200)
        assert (start, end) in moved
        for before, after in ((old[0], start), (old[1], end)):
            assert abs(after - before) <= REACH
            # The longest may have to end where they do not become longer still.
            is_free = old[1] - old[0] <= 200 - REACH
            assert not is_free or after in (before, 0, frames) or costs[after] <= costs[before] + 0.05
    assert {end for pair in moved for end in pair} >= {0, frames}


def test_where_all_cuts_are_alike_nothing_is_moved():
    planned = window_frames(600, Windows())
    assert snapped(planned, np.zeros(601), 600, 200) == planned


def test_a_cut_costs_what_the_limbs_move():
    still = cut_costs(motion_joints(standing(60)), 20.0)
    walks = cut_costs(motion_joints(walk(4.0)), 20.0)
    np.testing.assert_allclose(still, 0.0, atol=1e-6)
    assert walks.min() > 0.1
    # The same at another pace, and of another size.
    np.testing.assert_allclose(cut_costs(motion_joints(walk(4.0)) * 100, 20.0), walks, rtol=1e-6)
    assert cut_costs(motion_joints(walk(4.0)), 40.0).mean() == pytest.approx(2 * walks.mean(), rel=0.3)


def test_a_cut_in_the_air_costs_more():
    joints = motion_joints(standing(90))
    time = np.arange(len(joints))[:, None] / 20
    jumps = (
        joints
        + np.concatenate([0 * time, np.maximum(0, np.sin(2 * np.pi * time / 1.5)), 0 * time], 1)[:, None]
    )
    costs = cut_costs(jumps, 20.0)
    top, floor = int(np.argmax(jumps[:, 0, 1])), int(np.argmin(jumps[5:-5, 0, 1])) + 5
    assert costs[top] > costs[floor] + 0.3


def test_one_frame_is_cut_nowhere():
    np.testing.assert_array_equal(cut_costs(motion_joints(standing(1)), 20.0), [0.0])
