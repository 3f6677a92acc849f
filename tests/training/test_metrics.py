"""Ranks and gains against plain loops, in one piece and in blocks; chance against random scores."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionary_training.metrics import (
    CUTS,
    Embedded,
    Links,
    Side,
    averaged,
    best_ranks,
    chance_side,
    joined,
    measured,
    part_of,
    ranked_side,
    score_rows,
    swapped,
    top_gains,
)

integers = st.integers(0, 10_000)


def few_valued(seed, rows, columns, *, values=4):
    """Scores with many ties: dot products of small whole numbers, exact in every order of summation."""
    draw = np.random.default_rng(seed)
    texts = draw.integers(-values, values, (rows, 3)).astype(np.float32)
    return Embedded(texts, draw.integers(-values, values, (columns, 3)).astype(np.float32))


def loop_rank(row, right, aside):
    best = max(row[item] for item in right)
    others = [item for item in range(len(row)) if item not in right and item not in aside]
    better = sum(row[item] > best for item in others)
    equal = sum(row[item] == best for item in others)
    return 1 + better + equal / 2


@settings(max_examples=60, deadline=None)
@given(integers, st.integers(1, 9), st.integers(2, 12), st.integers(1, 40))
def test_ranks_are_those_of_a_plain_loop_in_blocks_of_any_size(seed, queries, columns, block):
    draw = np.random.default_rng(seed)
    scores = few_valued(seed, 5, columns)
    rows = draw.integers(0, 5, queries)
    kinds = draw.integers(0, 3, (queries, columns))  # 0 right, 1 aside, 2 neither
    kinds[:, 0] = 0
    right, aside = (Links(*np.nonzero(kinds == kind)) for kind in (0, 1))
    whole = scores.texts @ scores.motions.T
    expected = [
        loop_rank(whole[row], np.flatnonzero(kind == 0), np.flatnonzero(kind == 1))
        for row, kind in zip(rows, kinds, strict=True)
    ]
    for given_scores in (scores, whole):
        for size in (block, 10**6):
            assert best_ranks(given_scores, rows, right, aside, block=size).tolist() == expected


def test_a_tie_that_rounding_made_is_a_tie_all_the_same():
    scores = np.array([[0.5, 0.5 + 1e-7, 0.5 - 1e-7, 0.4]])
    own = Links(np.array([0]), np.array([0]))
    assert best_ranks(scores, np.array([0]), own).tolist() == [2]


def test_a_system_that_says_the_same_of_everything_is_in_the_middle():
    everyone = np.arange(9)
    ranks = best_ranks(np.zeros((9, 9)), everyone, Links(everyone, everyone))
    assert ranks.tolist() == [5] * 9


@given(st.lists(st.integers(0, 4)), st.lists(st.integers(0, 4)))
def test_joined_is_all_pairs_of_one_key(queries, answers):
    links = joined(np.array(queries, np.int64), np.array(answers, np.int64))
    expected = [(q, a) for q in range(len(queries)) for a in range(len(answers)) if queries[q] == answers[a]]
    assert list(zip(links.queries.tolist(), links.answers.tolist(), strict=True)) == expected


def test_rows_and_parts_of_embeddings_are_those_of_their_product():
    scores = few_valued(0, 6, 5)
    whole = scores.texts @ scores.motions.T
    rows = np.array([3, 1, 1, 4])
    np.testing.assert_array_equal(score_rows(scores, rows), whole[rows])
    np.testing.assert_array_equal(score_rows(swapped(scores), rows), whole.T[rows])
    motions = np.array([4, 0])
    np.testing.assert_array_equal(
        score_rows(part_of(scores, rows, motions), np.arange(4)), part_of(whole, rows, motions)
    )


@settings(max_examples=30, deadline=None)
@given(integers, st.integers(1, 5), st.integers(1, 4))
def test_gains_under_ties_are_the_mean_over_all_orders(seed, columns, cut):
    """Against every permutation of the answers, each followed by a stable sort."""
    draw = np.random.default_rng(seed)
    scores = draw.integers(0, 3, (2, columns)).astype(float)
    worth = draw.random((2, columns))
    orders = np.array(list(itertools.permutations(range(columns))))
    expected = np.zeros((2, cut))
    for row in range(2):
        for order in orders:
            sort = order[np.argsort(-scores[row][order], kind="stable")][:cut]
            expected[row, : len(sort)] += worth[row][sort] / len(orders)
    for block in (1, 1000):
        ((reached, ideal),) = top_gains(scores, np.arange(2), [lambda rows: worth[rows]], cut, block=block)
        np.testing.assert_allclose(reached, expected)
        kept = min(cut, columns)
        np.testing.assert_allclose(ideal[:, :kept], -np.sort(-worth, axis=1)[:, :kept])
        assert not ideal[:, kept:].any()


def test_gains_of_large_scores_that_tie():
    scores = np.full((1, 20), 12345.678)
    ((reached, _),) = top_gains(scores, np.array([0]), [lambda rows: np.arange(20.0)[None]])
    np.testing.assert_allclose(reached, 9.5)


def test_measures_by_hand():
    clips = np.arange(4)
    t2m = ranked_side("t2m", np.array([1.0, 3.0, 6.0, 11.0]), clips)
    m2t = ranked_side("m2t", np.array([1.0, 1.0, 1.0, 20.0]), clips)
    found = measured((t2m, m2t))
    assert [found[f"t2m R@{cut}"] for cut in CUTS] == [25, 25, 50, 50, 75]
    assert found["t2m MedR"] == 4.5
    assert found["t2m MeanR"] == 5.25
    assert found["R-sum"] == 25 + 50 + 75 + 3 * 75
    assert "R-sum" not in measured((t2m,))


def test_medians_of_several_galleries_and_seeds_are_averaged():
    parts = np.array([0, 0, 0, 1, 1, 1])
    side = ranked_side("t2m", np.array([1.0, 2.0, 9.0, 4.0, 5.0, 5.0]), np.arange(6), parts)
    assert measured((side,))["t2m MedR"] == 3.5
    other = ranked_side("t2m", np.ones(6), np.arange(6), parts)
    both = averaged((side, other))
    assert measured((both,))["t2m MedR"] == (3.5 + 1) / 2
    assert measured((both,))["t2m R@1"] == pytest.approx(100 * 7 / 12)


def test_chance_is_what_random_scores_reach():
    draw = np.random.default_rng(0)
    right = np.array([1, 2, 5, 1])
    gallery = np.array([12, 12, 9, 3])
    expected = chance_side("t2m", right, gallery, np.arange(4))
    ranks = np.array(
        [
            [1 + min(draw.permutation(size)[:count]) for size, count in zip(gallery, right, strict=True)]
            for _ in range(4000)
        ]
    )
    for cut in CUTS:
        reached = 100 * (ranks <= cut).mean(axis=0)
        np.testing.assert_allclose(expected.columns[f"R@{cut}"], reached, atol=3)
    np.testing.assert_allclose(expected.columns["MeanR"], ranks.mean(axis=0), atol=0.15)


def test_sides_without_ranks_have_no_median():
    side = Side("t2m", np.arange(2), {"nDCG@10": np.array([0.5, 1.0])})
    assert measured((side,)) == {"t2m nDCG@10": 0.75}
