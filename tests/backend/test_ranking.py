"""Scores of rows on made-up vectors: what is said, what was measured, what is not wanted, and order."""

from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionary.captions.agreement import disagreement
from motionary.captions.claims import claims_of
from motionary.captions.facts_array import UNKNOWN, pack_facts
from motionary.captions.measure import measure, mirrored
from motionary.query import parse_query
from motionary.ranking import (
    DISAGREES,
    LOOKED_AT,
    UNWANTED_FACTS,
    WORDS,
    Rows,
    cosines,
    directions,
    score_rows,
)
from tests.motions import walk

WALKS = measure(walk(3.0))


def rows(vectors, facts=None, clips=None, spans=None):
    vectors = np.asarray(vectors, np.float32)
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    count = len(vectors)
    packed = np.tile(UNKNOWN, (count, 1)) if facts is None else np.stack([pack_facts(f) for f in facts])
    spans = np.tile([[0.0, 3.0]], (count, 1)) if spans is None else np.asarray(spans, float)
    return Rows(vectors, packed, np.arange(count) if clips is None else np.asarray(clips), spans)


def says(**meaning):
    """Texts to the vectors that they mean: a text means the sum of the words it has."""

    def embed(texts):
        made = []
        for text in texts:
            parts = [np.array(vector, float) for word, vector in meaning.items() if word in text]
            total = np.sum(parts, axis=0) if parts else np.ones(len(next(iter(meaning.values()))))
            made.append(total / np.linalg.norm(total))
        return np.array(made, np.float32)

    return embed


EMBED = says(walks=[1, 0, 0], sits=[0, 1, 0], backwards=[0, 0, 1])


@pytest.mark.parametrize("rows", [0, 1, 1000])
def test_products_of_all_rows_are_those_of_a_matrix(rows):
    rng = np.random.default_rng(rows)
    vectors, vector = rng.normal(size=(rows, 33)).astype(np.float32), rng.normal(size=33)
    found = cosines(vectors, vector)
    assert (found.dtype, found.shape) == (np.float32, (rows,))
    np.testing.assert_allclose(found, vectors.astype(np.float64) @ vector, atol=1e-5)


def test_a_plain_query_is_the_cosine():
    held = rows(np.eye(3))
    np.testing.assert_allclose(score_rows(parse_query("walks"), EMBED, held), [1, 0, 0], atol=1e-6)


def test_weights_mix_what_is_wished_for():
    held = rows(np.eye(3))
    scores = score_rows(parse_query("walks^3 + sits"), EMBED, held)
    np.testing.assert_allclose(scores, np.array([3, 1, 0]) / 4, atol=1e-6)


def test_what_was_measured_speaks_against_what_is_said():
    forward, backward = replace(WALKS, direction="forward"), replace(WALKS, direction="backward")
    held = rows([[1, 0, 0]] * 3, [forward, backward, forward])
    held.facts[2] = np.nan
    scores = score_rows(parse_query("walks backward"), EMBED, held)
    np.testing.assert_allclose(scores[1] - scores[0], DISAGREES, atol=1e-6)
    assert scores[2] == pytest.approx(scores[1])


def test_what_is_not_wanted_goes_down():
    held = rows([[1, 0, 0], [1, 0, 0.8]])
    plain = score_rows(parse_query("walks"), EMBED, held)
    without = score_rows(parse_query("walks -backwards"), EMBED, held)
    assert without[0] == pytest.approx(plain[0])
    assert without[1] < plain[1] - 0.1


def test_what_is_not_wanted_is_also_measured():
    facts = [replace(WALKS, direction="forward"), replace(WALKS, direction="backward")]
    held = rows([[1, 0, 0]] * 2, facts)
    scores = score_rows(parse_query("walks", ["backwards"]), EMBED, held)
    assert scores[0] > scores[1]


def test_rows_that_are_left_out_are_not_looked_at_for_what_is_not_wanted():
    backward = replace(WALKS, direction="backward")
    near, far = [[1, 0, 0]] * LOOKED_AT, [[1, 1, 0]] * 2
    held = rows(near + far, [backward] * (LOOKED_AT + 2))
    among = np.arange(len(held.vectors)) >= LOOKED_AT
    alone = rows(far, [backward] * 2)
    query = parse_query("walks -backwards")
    scores = score_rows(query, EMBED, held, among=among)[LOOKED_AT:]
    np.testing.assert_allclose(scores, score_rows(query, EMBED, alone), atol=1e-6)
    plain = score_rows(query, EMBED, rows(far, [WALKS] * 2))
    np.testing.assert_allclose(plain - scores, UNWANTED_FACTS, atol=1e-6)


@given(
    st.sampled_from(["walks", "walks, then sits", "walks^2 + sits", "walks -backwards", "walks -sits -left"])
)
def test_no_row_scores_more_than_its_best_direction(text):
    held = rows(np.random.default_rng(0).normal(size=(200, 3)))
    query = parse_query(text)
    found = directions(query, EMBED)
    assert len({row.tobytes() for row in found}) == len(found)
    best = (held.vectors @ found.T).max(axis=1)
    assert (score_rows(query, EMBED, held) <= best + 1e-5).all()


def test_steps_have_to_come_one_after_the_other():
    walk, sit = [1, 0, 0], [0, 1, 0]
    held = rows([walk, sit, sit, walk], clips=[1, 1, 2, 2], spans=[[0, 3], [3, 6]] * 2)
    scores = score_rows(parse_query("walks, then sits"), EMBED, held)
    assert scores[0] == scores[1] > scores[2] == scores[3]
    back = score_rows(parse_query("sits, then walks"), EMBED, held)
    assert back[2] > back[0]


@given(st.integers(0, 10_000), st.integers(2, 4), st.integers(1, 9))
def test_the_best_order_is_that_of_a_plain_search(seed, steps, count):
    from motionary.ranking import _best_order

    rng = np.random.default_rng(seed)
    scores = [rng.normal(size=count) for _ in range(steps)]
    middles = rng.integers(0, 6, size=count).astype(float)
    right = [
        sum(score[i] for score, i in zip(scores, picked, strict=True)) / steps
        for picked in product(range(count), repeat=steps)
        if all(middles[a] < middles[b] for a, b in pairwise(picked))
    ]
    found = _best_order(scores, middles)
    assert found == pytest.approx(max(right)) if right else found == -np.inf


def test_windows_with_one_middle_are_told_by_the_whole_sentence():
    held = rows([[1, 0, 0], [0, 1, 0]], clips=[1, 1], spans=[[0, 6], [1, 5]])
    scores = score_rows(parse_query("walks, then sits"), EMBED, held)
    assert np.isfinite(scores).all()


def test_words_help_and_rows_that_are_left_out_are_out():
    held = rows([[1, 0, 0]] * 2)
    scores = score_rows(parse_query("walks"), EMBED, held, words=np.array([0, 1], np.float32))
    assert scores[1] - scores[0] == pytest.approx(WORDS)
    left = score_rows(parse_query("walks backwards, then sits"), EMBED, held, among=np.array([False, True]))
    assert left[0] == -np.inf
    assert np.isfinite(left[1])


def test_no_rows_no_scores():
    held = rows(np.zeros((0, 3)).reshape(0, 3), clips=np.zeros(0, int), spans=np.zeros((0, 2)))
    assert score_rows(parse_query("walks backwards, then sits"), EMBED, held).shape == (0,)


@given(
    st.sampled_from(
        [
            "turns to the left",
            "waves with the right hand",
            "walks sideways to the left",
            "kicks with the left foot",
        ]
    )
)
def test_disagreement_is_the_same_in_the_mirror(sentence):
    other = sentence.replace("left", "#").replace("right", "left").replace("#", "right")
    for facts in (
        WALKS,
        replace(WALKS, turn="left", hand_raised="right", direction="left", foot_raised="left"),
    ):
        assert disagreement(claims_of(sentence), facts) == disagreement(claims_of(other), mirrored(facts))


def test_an_opposite_is_further_off_than_something_else():
    claim = claims_of("a person walks forward")
    off = {
        way: disagreement(claim, replace(WALKS, direction=way)) for way in ("forward", "mixed", "backward")
    }
    assert off["forward"] < off["mixed"] < off["backward"]
