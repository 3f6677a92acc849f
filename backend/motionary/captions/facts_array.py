"""Facts as rows of numbers: a library keeps them beside each embedding, a search looks at all at once."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionary.captions.measure import Facts

__all__ = ["COLUMNS", "UNKNOWN", "WIDTH", "WORDS", "code", "column", "pack_facts", "unpack_facts"]

COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(Facts))
"""What each number of a row is."""

WIDTH = len(COLUMNS)

WORDS: tuple[str, ...] = (
    *("none", "left", "right", "both", "forward", "backward", "mixed", "place"),
    *("walk", "run", "still", "slow", "normal", "fast"),
)
"""Words that facts are told in; a row has their places here."""

_KINDS: tuple[str, ...] = tuple(str(field.type) for field in fields(Facts))

UNKNOWN: NDArray[np.float32] = np.full(WIDTH, np.nan, np.float32)
"""The row of a motion that was not measured."""


def code(word: str) -> int:
    """The number that a word is told as; ValueError where it is none of WORDS."""
    return WORDS.index(word)


def column(rows: NDArray[np.float32], name: str) -> NDArray[np.float32]:
    """What all ``rows`` (N, WIDTH) say of one fact: (N,)."""
    result: NDArray[np.float32] = rows[:, COLUMNS.index(name)]
    return result


def pack_facts(facts: Facts) -> NDArray[np.float32]:
    """One row, (WIDTH,)."""
    values = (getattr(facts, name) for name in COLUMNS)
    return np.array([code(value) if isinstance(value, str) else value for value in values], np.float32)


def unpack_facts(row: NDArray[np.float32]) -> Facts | None:
    """The facts of one row; None where it is of no measured motion. ValueError where it holds no facts."""
    if np.isnan(row).any():
        return None
    return Facts(**{name: _value(kind, float(x)) for name, kind, x in zip(COLUMNS, _KINDS, row, strict=True)})


def _value(kind: str, number: float) -> Any:
    if kind == "float":
        return number
    whole = int(number)
    if whole != number:
        raise ValueError(f"{number:g} is no {kind}")
    if kind == "str":
        if not 0 <= whole < len(WORDS):
            raise ValueError(f"{whole} is no word of facts")
        return WORDS[whole]
    return bool(whole) if kind == "bool" else whole
