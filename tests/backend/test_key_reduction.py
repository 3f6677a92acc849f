"""Key reduction: the error asked for holds, and no key is kept that a straight line gives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionary import rotation
from motionary.formats import read_clip
from motionary.key_reduction import reduce_keys
from tests.data import unzipped


def drawn(values, kept):
    """Straight lines between the kept frames."""
    times = np.arange(len(values))
    return np.stack([np.interp(times, kept, column[kept]) for column in values.T], axis=1)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 120), st.floats(0.0, 1.0))
def test_no_channel_is_further_off_than_asked(seed, frames, tolerance):
    values = np.cumsum(np.random.default_rng(seed).normal(size=(frames, 3)), axis=0)
    kept = reduce_keys(values, tolerance)
    assert np.abs(drawn(values, kept) - values).max() <= tolerance + 1e-9
    assert kept[0] == 0
    assert kept[-1] == frames - 1


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.floats(0.1, 10.0))
def test_no_turn_is_further_off_than_asked(seed, degrees):
    steps = np.cumsum(0.1 * np.random.default_rng(seed).normal(size=(80, 3)), axis=0)
    turns = rotation.continuous(rotation.from_rotvec(steps))
    kept = reduce_keys(turns, np.radians(degrees), quaternion=True)
    off = rotation.multiply(rotation.inverse(turns), rotation.normalize(drawn(turns, kept)))
    assert np.degrees(np.linalg.norm(rotation.to_rotvec(off), axis=1)).max() <= degrees + 1e-6


def test_a_straight_line_keeps_its_ends_and_a_corner_its_corner():
    line = np.linspace(0, 5, 50)[:, None]
    assert reduce_keys(line, 1e-9).tolist() == [0, 49]
    corner = np.concatenate([line, line[::-1]])
    assert reduce_keys(corner, 0.2).tolist() in ([0, 49, 99], [0, 50, 99])
    assert reduce_keys(line[:1], 0.1).tolist() == [0]


def test_a_plateau_has_no_key_in_its_middle():
    values = np.array([0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0])[:, None]
    assert reduce_keys(values, 1e-9).tolist() == [0, 1, 5, 6]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.floats(0.01, 1.0))
def test_what_is_reduced_and_drawn_again_keeps_no_other_keys(seed, tolerance):
    values = np.cumsum(np.random.default_rng(seed).normal(size=(90, 2)), axis=0)
    kept = reduce_keys(values, tolerance)
    again = reduce_keys(drawn(values, kept), tolerance)
    assert set(again) <= set(kept)


def test_a_tolerance_of_nothing_is_exact():
    values = np.random.default_rng(0).normal(size=(40, 2))
    assert len(reduce_keys(values, 0.0)) == 40


def test_half_a_degree_leaves_a_third_of_a_captured_walks_keys():
    trial = "cmu/bvh/02_01.bvh"
    motion = read_clip(unzipped("cmu_mocap.zip", trial) / trial).motion
    turns = rotation.continuous(motion.rotations)
    joints = [j for j in range(turns.shape[1]) if np.ptp(turns[:, j], axis=0).max() > 0.01]
    kept = [len(reduce_keys(turns[:, j], np.radians(0.5), quaternion=True)) for j in joints]
    assert np.mean(kept) / motion.frames < 1 / 3


@pytest.mark.parametrize("frames", [2, 3, 4])
def test_a_few_frames(frames):
    assert reduce_keys(np.zeros((frames, 4)), 0.1).tolist() == [0, frames - 1]
