"""Which parts of a library are asked for at all: by length, tags, source, stars, and by what was measured.

What is told of a clip (tags, source, stars, how long it is) lets all of its windows pass or none; what is
measured (way, loop, hand) is of each window, so that a long take passes where a moment of it does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionary.captions.facts_array import code, column
from motionary.errors import MotionaryError
from motionary.library import STARRED, Embeddings, Library, read_rows

__all__ = ["HANDS", "Filter", "rows_that_pass"]

HANDS = ("", "left", "right", "both")
"""The hands that may be asked for."""

EVERY_CLIP = (
    "SELECT clips.id FROM clips JOIN motions ON motions.id = motion JOIN sources ON sources.id = source"
)


@dataclass(frozen=True)
class Filter:
    """What a clip, or a moment of it, has to be; the defaults let everything pass.

    min_s, max_s: seconds that the clip lasts, both included. tags: all of them, in any case of letters.
    source: a part of its file's path. starred: only clips that the user gave a star. min_distance,
    max_distance: metres between where the moment begins and ends. loops: only what meets its own beginning.
    hand: which one is at work: "left", "right" or "both".
    """

    min_s: float = 0.0
    max_s: float | None = None
    tags: tuple[str, ...] = ()
    source: str = ""
    starred: bool = False
    min_distance: float = 0.0
    max_distance: float | None = None
    loops: bool = False
    hand: str = ""

    def __post_init__(self) -> None:
        if self.max_s is not None and self.max_s < self.min_s:
            raise MotionaryError(f"no clip lasts {self.min_s:g} s or more and {self.max_s:g} s or less")
        if self.max_distance is not None and self.max_distance < self.min_distance:
            raise MotionaryError(
                f"no clip goes {self.min_distance:g} m or more and {self.max_distance:g} m or less"
            )
        if self.hand not in HANDS:
            raise MotionaryError(f"hand is {self.hand!r}; it is left, right or both")


def rows_that_pass(
    library: Library, wanted: Filter, held: Embeddings | None = None
) -> NDArray[np.bool_] | None:
    """Which rows of ``library.embeddings``, or of ``held``, a part of them, pass, (N,); None where that is
    every row there is."""
    part = None if held is None else held.clips
    held = held or library.embeddings
    passes = _measured(held.facts, wanted)
    clips = _clips_that_pass(library, wanted, part)
    if clips is not None:
        told = np.isin(held.clips, clips)
        passes = told if passes is None else passes & told
    return passes


def _measured(facts: NDArray[np.float32], wanted: Filter) -> NDArray[np.bool_] | None:
    """By what was measured; what was not measured passes no such filter."""
    rules: list[NDArray[np.bool_]] = []
    if wanted.min_distance > 0:
        rules.append(column(facts, "distance_m") >= wanted.min_distance)
    if wanted.max_distance is not None:
        rules.append(column(facts, "distance_m") <= wanted.max_distance)
    if wanted.loops:
        rules.append(column(facts, "loops") == 1)
    if wanted.hand:
        hand = code(wanted.hand)
        rules.append((column(facts, "hand_raised") == hand) | (column(facts, "hand_busy") == hand))
    return np.logical_and.reduce(rules) if rules else None


def _clips_that_pass(
    library: Library, wanted: Filter, part: NDArray[np.int64] | None
) -> NDArray[np.int64] | None:
    """Ids of the clips, of those in ``part`` if given, that pass by what is told of them; None where that is
    every clip there is."""
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
    if part is not None:
        rules.append("clips.id IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(np.unique(part).tolist()))
    # Every rule is one of those above: what the user gave is among the values.
    rows = read_rows(library, f"{EVERY_CLIP} WHERE {' AND '.join(rules)}", values)
    return np.array([row[0] for row in rows], np.int64)
