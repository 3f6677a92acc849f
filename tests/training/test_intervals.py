"""Intervals against a plain loop over the same draws, and against what theory says."""

import numpy as np
import pytest

from motionary_training.intervals import interval, resampled
from motionary_training.metrics import SUMMED, ranked_side


def sides(seed, queries=40, clips=10):
    draw = np.random.default_rng(seed)
    owner = np.sort(draw.integers(0, clips, queries))
    return tuple(
        ranked_side(way, draw.integers(1, 20, queries).astype(float), owner) for way in ("t2m", "m2t")
    )


def test_a_draw_is_of_whole_clusters():
    """With one cluster nothing varies; with as many as queries, the deviation is that of a mean."""
    both = sides(0)
    assert np.ptp(resampled(both, np.zeros(10, np.int64))["R-sum"]) == 0
    alone = ranked_side("t2m", np.arange(1.0, 401.0), np.arange(400))
    drawn = resampled((alone,), np.arange(400), draws=4000)["t2m MeanR"]
    assert drawn.std() == pytest.approx(np.arange(400).std() / np.sqrt(400), rel=0.05)
    assert drawn.mean() == pytest.approx(200.5, rel=0.01)


def test_against_a_plain_loop_over_the_same_draws():
    both, clusters = sides(1), np.arange(10) // 2
    drawn = resampled(both, clusters, draws=20, seed=7)
    choices = np.random.default_rng(7).integers(5, size=(20, 5))
    for number, chosen in enumerate(choices):
        for side in both:
            queries = [q for cluster in chosen for q in np.flatnonzero(clusters[side.clips] == cluster)]
            expected = np.mean([side.columns["R@5"][q] for q in queries])
            assert drawn[f"{side.way} R@5"][number] == pytest.approx(expected)
    np.testing.assert_allclose(drawn["R-sum"], np.sum([drawn[name] for name in SUMMED], axis=0))


def test_two_systems_are_drawn_alike():
    """The paired difference of a system to itself is nought, and to one twice as good always of one sign."""
    one, clusters = sides(2), np.arange(10)
    better = tuple(ranked_side(side.way, side.columns["MeanR"] / 2, side.clips) for side in one)
    a, b = (resampled(system, clusters)["t2m MeanR"] for system in (one, better))
    assert not (a - resampled(one, clusters)["t2m MeanR"]).any()
    low, high = interval(a - b)
    assert 0 < low < high


def test_draws_in_pieces_are_the_same_draws(monkeypatch):
    both, clusters = sides(3), np.arange(10)
    whole = resampled(both, clusters, draws=50)
    monkeypatch.setattr("motionary_training.intervals.AT_ONCE", 100)
    pieces = resampled(both, clusters, draws=50)
    for name in whole:
        np.testing.assert_allclose(whole[name], pieces[name])


def test_a_direction_that_a_draw_passed_over_keeps_its_mean():
    side = ranked_side("t2m", np.array([4.0]), np.array([0]))
    drawn = resampled((side,), np.arange(2), draws=200)
    assert set(drawn["t2m MeanR"]) == {4.0}
