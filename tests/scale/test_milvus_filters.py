"""What an expression says, held against Milvus's own parser in test_milvus.py; here what it is made of."""

import re
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionary.errors import MotionaryError
from motionary.filters import HANDS, Filter
from motionary_scale.milvus_filters import all_of, having, joined, passing, spelled

RULE = re.compile(
    r"(seconds|distance) [<>]= -?[\d.]+(e[+-]?\d+)?|loops == 1|\(hand_raised == \d or hand_busy == \d\)"
    r'|source like "%[a-z0-9A-PX]+%"|tags like "% [a-z0-9A-PX]* %"'
)
NUMBERS = st.floats(0, allow_nan=False)


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_text_is_spelled_so_that_parts_of_it_and_only_these_are_found_in_it(text, part):
    def small(value):
        return value.encode().lower()

    assert re.fullmatch("[a-z0-9A-PX]*", spelled(text))
    assert (spelled(part) in spelled(text)) == (small(part) in small(text))
    assert (spelled(part) == spelled(text)) == (small(part) == small(text))


@given(
    st.builds(
        Filter,
        min_s=NUMBERS,
        tags=st.lists(st.text(max_size=9), max_size=3).map(tuple),
        source=st.text(max_size=9),
        starred=st.booleans(),
        min_distance=NUMBERS,
        loops=st.booleans(),
        hand=st.sampled_from(HANDS),
    )
)
def test_whatever_is_typed_an_expression_is_of_our_rules_alone(wanted):
    expression = passing(wanted)
    rules = RULE.findall(expression)
    assert RULE.sub("rule", expression) == " and ".join(["rule"] * len(rules)), asdict(wanted)
    assert len(rules) >= len(wanted.tags) + bool(wanted.source) + wanted.starred + wanted.loops


def test_a_quote_ends_no_literal():
    expression = passing(Filter(tags=('x" or clip >= 0 or tags like "',), source='%" or "" == "'))
    assert expression.count('"') == 4
    assert " or " not in expression


def test_nothing_wanted_is_no_expression():
    assert passing(Filter()) == ""
    assert all_of("", "") == ""
    assert all_of("a == 1", "", "b == 2") == "a == 1 and b == 2"


def test_distances_are_held_against_numbers_of_single_precision():
    assert passing(Filter(max_distance=0.1)) == f"distance >= 0.0 and distance <= {float(np.float32(0.1))!r}"
    assert passing(Filter(min_s=0.1)) == "seconds >= 0.1"


def test_infinity_is_a_large_number_and_what_is_none_is_refused():
    assert passing(Filter(max_s=float("inf"))) == "seconds <= 1e+300"
    with pytest.raises(MotionaryError, match="no number"):
        passing(Filter(max_s=float("nan")))


def test_a_word_is_found_whole():
    column = joined(["walk", "left"])
    assert having("words", "walk") == 'words like "% walk %"'
    assert " walk " in column
    assert " wal " not in column
    assert joined([]) == ""
