"""Plain decimals come out as numpy's own parser has them, to the bit; all else is left to it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionary.formats import _decimals, _text
from motionary.formats._decimals import decimals
from motionary.formats._text import numbers

PLAIN = st.from_regex(r"\A-?([0-9]{1,9}(\.[0-9]{0,6})?|\.[0-9]{1,15})\Z")
SPACE = st.from_regex(r"\A[ \t\n\r\v\f]{1,3}\Z")


@given(words=st.lists(st.tuples(PLAIN, SPACE), max_size=30), block=st.sampled_from([16, 40, 1 << 17]))
def test_every_bit_is_as_python_reads_it(words, block):
    text = "".join(word + space for word, space in words).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_decimals, "BLOCK", block)
        found = decimals(text)
    expected = np.array([float(word) for word, _ in words])
    if found is None:  # a block that no white space ends
        assert block < 1 << 17
    else:
        assert found.tobytes() == expected.tobytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_text, "LONG", 1)
        assert numbers(text).tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    "text",
    [
        "1e5", "+1", "nan", "inf", "1-", "--1", "-", ".", "-.", "1.2.3", "1 . 2", "1-2", "1,2", "0x10", "1_0",
        "1234567890123456", "1\x00", "1\x01 2", "1 a", "٣", "1.2 3.4.5", "1 -", ". 1", "1. .", "1\x1c2", "5;",
    ],
)  # fmt: skip
def test_what_is_written_in_another_way_is_left_alone(text):
    assert decimals(text.encode()) is None
    assert decimals(f"1 2.5 {text} 7".encode()) is None


@pytest.mark.parametrize("text", ["1e5 2", "+1 2.5", "1e-3 -2E4", "123456789012345678 0.1"])
def test_other_ways_to_write_numbers_are_read_all_the_same(text):
    assert numbers(text.encode()).tolist() == [float(word) for word in text.split()]


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    found = decimals(data)
    if found is not None:
        assert found.tolist() == [float(word) for word in data.split()]


@given(st.text("0123456789.- \n", max_size=40))
def test_any_text_of_these_letters_is_read_as_python_reads_it_or_refused(text):
    found = decimals(text.encode())
    if found is not None:
        assert found.tolist() == [float(word) for word in text.split()]


def test_nothing_is_no_numbers():
    assert decimals(b"").tolist() == decimals(b" \n ").tolist() == []


def test_a_text_of_several_blocks_is_whole():
    rows = np.round(np.random.default_rng(0).normal(0, 90, (9000, 6)), 5)
    text = "\n".join(" ".join(f"{x:.5f}" for x in row) for row in rows.tolist()).encode()
    assert len(text) > 3 * _decimals.BLOCK
    np.testing.assert_array_equal(decimals(text), rows.ravel())
