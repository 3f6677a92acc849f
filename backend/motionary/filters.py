"""Which clips of a library are asked for at all: by how long they are, tags, source and stars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionary.errors import MotionaryError
from motionary.library import STARRED, Library, read_rows

__all__ = ["Filter", "clips_that_pass"]

EVERY_CLIP = (
    "SELECT clips.id FROM clips JOIN motions ON motions.id = motion JOIN sources ON sources.id = source"
)


@dataclass(frozen=True)
class Filter:
    """What a clip has to be; the defaults let every clip pass.

    min_s, max_s: seconds that it lasts, both included. tags: all of them, in any case of letters. source: a
    part of its file's path. starred: only clips that the user gave a star.
    """

    min_s: float = 0.0
    max_s: float | None = None
    tags: tuple[str, ...] = ()
    source: str = ""
    starred: bool = False

    def __post_init__(self) -> None:
        if self.max_s is not None and self.max_s < self.min_s:
            raise MotionaryError(f"no clip lasts {self.min_s:g} s or more and {self.max_s:g} s or less")


def clips_that_pass(library: Library, wanted: Filter) -> NDArray[np.int64] | None:
    """Ids, in ascending order, of the clips that pass; None where that is every clip there is."""
    rules: list[str] = []
    values: list[Any] = []
    if wanted.min_s > 0:
        rules.append("(end_frame - start_frame) / fps >= ?")
        values.append(wanted.min_s)
    if wanted.max_s is not None:
        rules.append("(end_frame - start_frame) / fps <= ?")
        values.append(wanted.max_s)
    if wanted.source:
        rules.append("instr(lower(path), lower(?)) > 0")
        values.append(wanted.source)
    for tag in (*wanted.tags, *([STARRED] if wanted.starred else [])):
        rules.append("EXISTS (SELECT 1 FROM tags WHERE clip = clips.id AND lower(text) = lower(?))")
        values.append(tag)
    if not rules:
        return None
    # Every rule is one of those above: what the user gave is among the values.
    rows = read_rows(library, f"{EVERY_CLIP} WHERE {' AND '.join(rules)} ORDER BY clips.id", values)
    return np.array([row[0] for row in rows], np.int64)
