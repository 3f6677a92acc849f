"""Filters as Milvus's boolean expressions, and texts as columns that such an expression can hold.

What a user types never stands in an expression as it was typed: every text is spelled in the letters a-z,
0-9, A-P and X alone, in which there is no quote, no backslash and no wildcard, neither in a literal nor in
LIKE. Numbers are written by Python. So nothing has to be escaped as this or that version of Milvus would
have it.

An expression may let too much through, as what a damaged library tells; what it lets through is filtered
again by `motionary.filters`. It holds back nothing that passes there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from motionary.captions.facts_array import code
from motionary.errors import MotionaryError
from motionary.filters import Filter
from motionary.library import STARRED

__all__ = ["UNMEASURED", "all_of", "having", "joined", "passing", "spelled"]

UNMEASURED = -1
"""What a column of a measure holds where nothing was measured."""

_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789")
_NIBBLES = "ABCDEFGHIJKLMNOP"
_UNITS = tuple(
    chr(byte) if byte in _PLAIN else f"X{_NIBBLES[byte >> 4]}{_NIBBLES[byte & 15]}" for byte in range(256)
)
"""How each byte is spelled: none is a part of another, so a text is found in another only where it is."""


def spelled(text: str) -> str:
    """``text``, capitals of ASCII made small as SQLite does it, in letters that an expression can hold."""
    return "".join(map(_UNITS.__getitem__, text.encode("utf-8", "surrogatepass").lower()))


def joined(words: Sequence[str]) -> str:
    """Spelled words as one column, to be looked for by `having`; "" for none."""
    return f" {' '.join(words)} " if words else ""


def having(column: str, word: str) -> str:
    """The expression that a column of `joined` words has this one."""
    return f'{column} like "% {word} %"'


def all_of(*expressions: str) -> str:
    """All of these expressions in one; "" where every one is."""
    return " and ".join(expression for expression in expressions if expression)


def passing(wanted: Filter) -> str:
    """The expression for what passes a filter; "" where that is everything.

    MotionaryError where one of its numbers is none.
    """
    rules: list[str] = []
    if wanted.min_s > 0:
        rules.append(f"seconds >= {_number(wanted.min_s)}")
    if wanted.max_s is not None:
        rules.append(f"seconds <= {_number(wanted.max_s)}")
    if wanted.min_distance > 0:
        rules.append(f"distance >= {_single_precision(wanted.min_distance)}")
    if wanted.max_distance is not None:
        rules += ["distance >= 0.0", f"distance <= {_single_precision(wanted.max_distance)}"]
    if wanted.loops:
        rules.append("loops == 1")
    if wanted.hand:
        hand = code(wanted.hand)
        rules.append(f"(hand_raised == {hand} or hand_busy == {hand})")
    if wanted.source:
        rules.append(f'source like "%{spelled(wanted.source)}%"')
    tags: Sequence[str] = (*wanted.tags, *([STARRED] if wanted.starred else ()))
    rules += [having("tags", spelled(tag)) for tag in tags]
    return all_of(*rules)


def _number(value: float) -> str:
    if math.isnan(value):
        raise MotionaryError("nan is no number to filter by; give another")
    return repr(float(min(max(value, -1e300), 1e300)))


def _single_precision(value: float) -> str:
    """As the core compares it: what was measured has single precision, and so has what it is held against."""
    return _number(float(np.float32(min(max(value, -3e38), 3e38))))
