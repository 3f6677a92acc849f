"""Ranks and recalls by hand on small cases, and chance against random scores."""

import numpy as np
import pytest

from motionary_training.metrics import (
    chance,
    motion_to_text_ranks,
    ndcg,
    precision,
    recall,
    rehamot_ranks,
    text_to_motion_ranks,
)

OWNER = np.array([0, 0, 1])
SCORES = np.array([[0.9, 0.1], [0.2, 0.6], [0.8, 0.7]])  # captions x motions


def test_ranks_by_hand():
    assert text_to_motion_ranks(SCORES, OWNER).tolist() == [1, 2, 2]
    # Motion 0 against caption 2 (0.8): its caption 0 (0.9) is first, its caption 1 (0.2) second.
    # Motion 1 against captions 0 (0.1) and 1 (0.6): its own (0.7) is first.
    assert motion_to_text_ranks(SCORES, OWNER).tolist() == [1, 2, 1]
    assert rehamot_ranks(SCORES, OWNER).tolist() == [1, 1]


def test_a_model_that_says_the_same_of_everything_is_in_the_middle():
    # Counting only better ones would call it perfect.
    owner = np.arange(9)
    flat = np.zeros((9, 9))
    assert text_to_motion_ranks(flat, owner).tolist() == [5] * 9
    assert motion_to_text_ranks(flat, owner).tolist() == [5] * 9


def test_recall_counts_in_per_cent():
    measured = recall(np.array([1.0, 3.0, 6.0, 11.0]))
    assert measured.at == {1: 25.0, 5: 50.0, 10: 75.0}
    assert measured.median_rank == 4.5
    assert measured.total == 150.0


def test_chance_is_what_random_scores_reach():
    owner = np.repeat(np.arange(12), [3, 1, 2, 4] * 3)
    draw = np.random.default_rng(0)
    rounds = [draw.random((len(owner), 12)) for _ in range(600)]
    expected = chance(owner, 12)
    ways = {
        "text_to_motion": text_to_motion_ranks,
        "motion_to_text": motion_to_text_ranks,
        "rehamot": rehamot_ranks,
    }
    for name, ranks in ways.items():
        measured = [recall(ranks(scores, owner)) for scores in rounds]
        for k in (1, 5, 10):
            assert np.mean([one.at[k] for one in measured]) == pytest.approx(expected[name].at[k], abs=1.5)
        assert np.mean([one.median_rank for one in measured]) == pytest.approx(
            expected[name].median_rank, rel=0.15
        )


def test_ndcg_is_one_for_the_ideal_order_and_less_for_another():
    relevance = np.array([[1.0, 0.5, 0.0]])
    assert ndcg(np.array([[3.0, 2.0, 1.0]]), relevance) == pytest.approx(1)
    gain = [1.0, 2**0.5 - 1, 0.0]
    discount = 1 / np.log2([2, 3, 4])
    turned = np.dot(gain[::-1], discount) / np.dot(gain, discount)
    assert ndcg(np.array([[1.0, 2.0, 3.0]]), relevance) == pytest.approx(turned)


def test_precision_leaves_out_queries_that_nothing_is_relevant_to():
    scores = np.array([[3.0, 2.0, 1.0], [1.0, 2.0, 3.0]])
    relevant = np.array([[True, False, True], [False, False, False]])
    assert precision(scores, relevant, cut=2) == 50.0
