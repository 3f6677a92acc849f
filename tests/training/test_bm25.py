"""BM25 against the formula, word by word."""

import math
from collections import Counter

import numpy as np
import pytest

from motionary_training.bm25 import bm25_scores, stems

DOCUMENTS = ("walk, stop and walk", "salsa dance", "", "running jump over a long fence", "a walker dances")
QUERIES = ("a person walks and walks", "someone dancing salsa", "swims", "jumps")


def reference(query, number):
    """Robertson and Zaragoza's equation 3.15, with Lucene's idf."""
    words = [stems(document) for document in DOCUMENTS]
    mean = sum(map(len, words)) / len(words)
    total = 0.0
    for word in stems(query):
        holding = sum(word in of for of in words)
        idf = math.log(1 + (len(words) - holding + 0.5) / (holding + 0.5))
        f = Counter(words[number])[word]
        total += idf * f / (f + 1.2 * (1 - 0.75 + 0.75 * len(words[number]) / mean))
    return total


def test_scores_are_the_formulas():
    expected = [[reference(query, number) for number in range(len(DOCUMENTS))] for query in QUERIES]
    found = bm25_scores(QUERIES, DOCUMENTS)
    np.testing.assert_allclose(found, expected)
    assert found[1].argmax() == 1
    assert not found[2].any()
    assert not found[:, 2].any()


def test_a_rare_word_counts_more_than_a_common_one():
    scores = bm25_scores(("cat dog",), ("cat", "dog", "dog", "dog"))[0]
    assert scores[0] > scores[1] == scores[2]


def test_nothing_to_search_in():
    assert not bm25_scores(("walk",), ("", "")).any()


@pytest.mark.parametrize(
    "family",
    [
        ("walk", "walks", "walking", "walked"),
        ("dance", "dances", "dancing", "danced"),
        ("run", "runs", "running"),
        ("step", "steps", "stepping", "stepped"),
        ("punch", "punches", "punching"),
        ("fall", "falls", "falling"),
    ],
)
def test_forms_of_a_verb_have_one_stem(family):
    assert len({stem for word in family for stem in stems(word)}) == 1


def test_short_words_keep_their_ends():
    assert stems("It is as it was: Ed's pass") == ["it", "is", "as", "it", "was", "ed", "s", "pass"]
