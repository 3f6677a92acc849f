"""Clips of a library that are one motion: at another rate, cut, scaled, turned, mirrored, on another rig.

Embeddings only narrow down who may be whose: each clip is compared with its NEIGHBOURS nearest by any of
their windows. What decides is the comparison of the joints (`motionary.likeness`), of the motion and of its
mirror image. Clips that are one motion, and those that are one with these, are a group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from motionary.errors import MotionaryError
from motionary.index import Progress
from motionary.library import ClipInfo, Library, clip_info, clip_motion
from motionary.likeness import Likeness, Trace, compare, trace
from motionary.moments import once

__all__ = ["SURE", "Group", "Twin", "candidates", "find_duplicates"]

Pair: TypeAlias = tuple[int, int]

SURE = 0.5
"""How sure it has to be that two clips are one motion, unless asked otherwise."""
NEIGHBOURS = 12
"""Clips that a clip is compared with."""
NEAR = 0.5
"""Cosine below which nobody is a neighbour."""
AS_LONG, AS_LONG_S = 0.2, 0.06
"""What a clip that lasts as long, to so many seconds, is the nearer by: mirrored and in place a motion looks
another to the model, and lasts as long as ever."""
BLOCK = 1 << 24
"""Cosines that are held at once: 64 MB."""
TRACES = 4096
"""Clips that are kept as they are compared: some 60 MB for each 1000 of six seconds."""

CUT_S = 0.15
"""Seconds that one is shorter or longer from where a clip is called cut."""
RATED = 0.01
"""Of the frame rate, by which rates differ."""
TURNED_DEG = 3.0
SCALED = 0.02
SHAPED = 0.005
"""Leg lengths that proportions differ by, from where it is another skeleton."""
GOES = 0.5
"""Leg lengths that one covers, and the other less than a third of, where one of two is in place."""


@dataclass(frozen=True)
class Twin:
    """A clip that is the same motion as the first of its group.

    kinds: what was done: "mirrored", "cut", "another rate", "scaled", "another skeleton", "turned",
    "in place"; none where nothing but the name or the file is another. sure: 0 to 1. degrees: what is left
    between their limbs. start_s: second of the group's first clip at which this one begins.
    """

    clip: ClipInfo
    kinds: tuple[str, ...]
    sure: float
    degrees: float
    start_s: float


@dataclass(frozen=True)
class Group:
    """Clips that are one motion. first: the one to keep, the longest, then that of the highest rate."""

    first: ClipInfo
    twins: tuple[Twin, ...]


def find_duplicates(
    library: Library,
    *,
    sure: float = SURE,
    neighbours: int = NEIGHBOURS,
    progress: Callable[[Progress], None] = lambda step: None,
) -> list[Group]:
    """The groups of clips that are one motion, the largest first.

    sure: from what on two clips count as one. neighbours: with how many each is compared. progress: called
    for every clip that was compared. MotionaryError where the library is damaged, or ``sure`` is no share.
    """
    if not 0.0 < sure <= 1.0:
        raise MotionaryError(f"sure is {sure:g}; it is a share, more than 0 and up to 1")
    pairs = candidates(library, neighbours)
    total = len({first for first, _ in pairs})

    @lru_cache(TRACES)
    def traced(clip: int, mirrored: bool) -> Trace | None:
        try:
            return trace(clip_motion(library, clip), mirrored=mirrored)
        except MotionaryError:
            return None  # no body: an embedding of another version, or damaged; info tells of it

    def likeness(a: int, b: int) -> tuple[Likeness, bool] | None:
        """How like ``b`` is to ``a``, and whether it is so in a mirror."""
        best: tuple[Likeness, bool] | None = None
        other = traced(b, False)
        for mirrored in (False, True):
            own = traced(a, mirrored)
            found = compare(own, other) if own and other else None
            # A movement that is alike on both sides is no mirror image.
            if found and (best is None or found.sure > best[0].sure + 0.05):
                best = found, mirrored
        return best

    known: dict[Pair, tuple[Likeness, bool]] = {}
    done = 0
    for number, (a, b) in enumerate(pairs):
        found = likeness(a, b)
        if found and found[0].sure >= sure:
            known[a, b] = found
        if number + 1 == len(pairs) or pairs[number + 1][0] != a:
            done += 1
            progress(Progress(done, total, clip_info(library, a).name))

    groups = []
    for clips in _connected(known):
        left = sorted((clip_info(library, clip) for clip in clips), key=_worth)
        # Whoever is one with one that is one with the first is compared with that, too: it may hold no more
        # of it than the end, as "sit down" of "walk, then sit down".
        while len(left) > 1:
            first, *others = left
            twins, left = [], []
            for info in others:
                one = known.get((first.id, info.id)) or likeness(first.id, info.id)
                if one and one[0].sure >= sure:
                    twins.append(_twin(first, info, *one))
                else:
                    left.append(info)
            if twins:
                groups.append(Group(first, tuple(twins)))
    return sorted(groups, key=lambda group: (-len(group.twins), group.first.id))


def _connected(pairs: Iterable[Pair]) -> list[list[int]]:
    """The clips that pairs join, directly or through others."""
    joined: dict[int, int] = {}

    def head(clip: int) -> int:
        while joined.setdefault(clip, clip) != clip:
            clip = joined[clip]
        return clip

    for a, b in pairs:
        joined[head(b)] = head(a)
    found: dict[int, list[int]] = {}
    for clip in sorted(joined):
        found.setdefault(head(clip), []).append(clip)
    return list(found.values())


def candidates(library: Library, neighbours: int = NEIGHBOURS) -> list[Pair]:
    """Pairs of clips (a, b), a below b, that may be one motion, in order.

    Each clip, told by the windows that tell of it once, with the ``neighbours`` clips that have the nearest
    window. A long take is looked for by its windows too, so that a part of it is found.
    """
    held = library.embeddings
    if not len(held.clips):
        return []
    starts = np.flatnonzero(np.diff(held.clips, prepend=held.clips[0] - 1))
    ends = np.append(starts[1:], len(held.clips))
    clips = held.clips[starts]
    lasts = np.maximum.reduceat(held.spans[:, 1], starts)
    asked: list[NDArray[np.float32]] = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        mean = held.vectors[start:end][once(held.spans[start:end])].mean(axis=0)
        asked.append(mean / max(float(np.linalg.norm(mean)), 1e-12))
    rows = np.stack(asked)
    found: set[Pair] = set()
    for first, block in _blocks(rows, len(held.clips)):
        near = np.maximum.reduceat(block @ held.vectors.T, starts, axis=1)
        own = lasts[first : first + len(block), None]
        near += np.float32(AS_LONG) * (np.abs(own - lasts) <= AS_LONG_S)
        near[np.arange(len(block)), first + np.arange(len(block))] = -np.inf
        count = min(neighbours, len(clips) - 1)
        if count < 1:
            break
        best = np.argpartition(-near, count - 1, axis=1)[:, :count]
        for row, column in np.argwhere(np.take_along_axis(near, best, axis=1) >= NEAR).tolist():
            a, b = int(clips[first + row]), int(clips[best[row, column]])
            found.add((min(a, b), max(a, b)))
    return sorted(found)


def _blocks(rows: NDArray[np.float32], others: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """The rows, as many at a time as BLOCK allows, each with the number of its first."""
    step = max(1, BLOCK // max(others, 1))
    for first in range(0, len(rows), step):
        yield first, rows[first : first + step]


def _worth(info: ClipInfo) -> tuple[float, float, int]:
    return (-round(info.duration, 1), -info.fps, info.id)


def _twin(first: ClipInfo, info: ClipInfo, found: Likeness, mirrored: bool) -> Twin:
    less, more = sorted((found.way_a, found.way_b))
    kinds = {
        "mirrored": mirrored,
        "cut": abs(first.duration - info.duration) > CUT_S or abs(found.start_s) > CUT_S,
        "another rate": abs(first.fps / info.fps - 1) > RATED,
        "another skeleton": found.shape > SHAPED,
        "scaled": abs(np.log(found.scale)) > SCALED,
        "turned": abs(found.turned_deg) > TURNED_DEG,
        "in place": more > GOES and less * 3 < more,
    }
    return Twin(
        info,
        tuple(kind for kind, is_so in kinds.items() if is_so),
        round(found.sure, 4),
        round(found.degrees, 2),
        round(found.start_s, 3),
    )
