"""The measures of captions against values worked out by hand."""

import numpy as np
import pytest

from scripts.caption_metrics import bleu4, bleu_counts, cider, rouge_l, words_of


def split(*texts):
    return [text.split() for text in texts]


def test_words_are_small_and_without_marks():
    assert words_of("A person's arm, UP 2x!") == ["a", "person's", "arm", "up", "2x"]


def test_bleu_of_what_is_the_same_is_one_and_of_what_has_no_four_words_in_common_nothing():
    words = words_of("a person walks forward slowly")
    assert bleu4(bleu_counts(words, [words])[None]) == pytest.approx(1.0)
    assert bleu4(bleu_counts(words_of("a person runs"), [words])[None]) == 0.0


def test_bleu_by_hand():
    # Right: all but "the": 6 of 7 words, 3 of 6 pairs, 2 of 5 triples, 1 of 4 fours; 7 words against 8.
    said = words_of("a man walks to the left door")
    (reference,) = split("a man walks to a left side door")
    counts = bleu_counts(said, [reference])
    assert counts.tolist() == [6, 7, 3, 6, 2, 5, 1, 4, 7, 8]
    expected = (6 / 7 * 3 / 6 * 2 / 5 * 1 / 4) ** 0.25 * np.exp(1 - 8 / 7)
    assert bleu4(counts[None]) == pytest.approx(expected)
    # A word counts as often as a reference has it, and no oftener.
    assert bleu_counts(words_of("a a a"), split("a b", "a c a"))[:2].tolist() == [2, 3]


def test_rouge_by_hand():
    # The longest common subsequence of the first is "a walks left" (3 of 4 and 3 of 5).
    said = words_of("a person walks left")
    first, second = split("a man walks to left", "someone runs")
    recall, precision, beta = 3 / 5, 3 / 4, 1.2
    expected = (1 + beta**2) * recall * precision / (recall + beta**2 * precision)
    assert rouge_l(said, [first, second]) == pytest.approx(expected)
    assert rouge_l(said, [second]) == 0.0
    assert rouge_l(said, [said]) == pytest.approx(1.0)


def test_cider_by_hand():
    # Two clips; "a" is in both, and weighs nothing; "b" and "c" are in one each, and weigh log 2.
    said, references = split("a b", "a b"), [split("a b"), split("a c")]
    first, second = cider(said, references)
    # Single words: (b) against (b) is 1, against (c) is 0. Pairs: (a b) the same. Longer ones: none.
    assert first == pytest.approx(10 * (1 + 1 + 0 + 0) / 4)
    assert second == pytest.approx(0.0)
    # Of two references the mean counts.
    halved, _ = cider(split("b", "a"), [split("b", "c"), split("a")])
    assert halved == pytest.approx(10 * 0.5 * 1 / 4)
