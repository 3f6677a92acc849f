"""Retrieval measures from scores or embeddings of any size: computed in blocks, ties shared out evenly.

A ranking is asked by rows and answered by columns of a score matrix: captions ask for motions, or, the other
way round, motions for captions. What is right for a row, and what must not be in its way, comes as ``Links``.
Shapes: C captions, S motions, Q queries, N answers, D the width of an embedding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "CUTS",
    "SUMMED",
    "TIE",
    "Embedded",
    "Links",
    "Scores",
    "Side",
    "averaged",
    "best_ranks",
    "chance_side",
    "joined",
    "measured",
    "part_of",
    "ranked_side",
    "score_rows",
    "swapped",
    "top_gains",
]

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Block: TypeAlias = NDArray[np.float32] | NDArray[np.float64]

CUTS = (1, 2, 3, 5, 10)
SUMMED = tuple(f"{way} R@{cut}" for way in ("t2m", "m2t") for cut in (1, 5, 10))
"""The recalls that make the R-sum."""
TIE = 1e-6
"""Scores this near to each other are a tie: a product summed in another order differs by less."""
BLOCK = 16_000_000
"""Scores that are held at once: 64 MB of them in single precision."""


@dataclass(frozen=True, eq=False)
class Embedded:
    """Scores that are dot products of texts (C, D) and motions (S, D); the matrix is never made whole."""

    texts: Block
    motions: Block


Scores: TypeAlias = Block | Embedded
"""(C, S) scores of every caption with every motion, the higher the nearer."""


@dataclass(frozen=True, eq=False)
class Links:
    """Which answers are meant for which queries: P different pairs, in the order of the queries (P,)."""

    queries: Ints
    answers: Ints


@dataclass(frozen=True, eq=False)
class Side:
    """One direction of one protocol, query by query.

    way: "t2m", captions ask for motions, or "m2t". clips: (Q,) the motion that each query belongs to.
    columns: what is averaged over queries, (Q,) each. ranks: (R, Q), counted from 1, of R repeats (seeds),
    for medians; None where nothing was ranked. parts: (Q,) the gallery of each query where there are several:
    medians are averaged over them.
    """

    way: str
    clips: Ints
    columns: dict[str, Floats]
    ranks: Floats | None = None
    parts: Ints | None = None


def score_rows(scores: Scores, rows: Ints) -> Block:
    """(Q, S) scores of the captions ``rows``."""
    if isinstance(scores, Embedded):
        # A row that is asked for several times (a motion's captions) is multiplied once.
        different, places = np.unique(rows, return_inverse=True)
        block: Block = scores.texts[different] @ scores.motions.T
        return block if np.array_equal(different, rows) else block[places]
    picked: Block = scores[rows]
    return picked


def swapped(scores: Scores) -> Scores:
    """Motions as rows, captions as columns."""
    if isinstance(scores, Embedded):
        return Embedded(scores.motions, scores.texts)
    turned: Block = scores.T
    return turned


def part_of(scores: Scores, captions: Ints, motions: Ints) -> Scores:
    """The scores of some captions and motions alone."""
    if isinstance(scores, Embedded):
        return Embedded(scores.texts[captions], scores.motions[motions])
    part: Block = scores[np.ix_(captions, motions)]
    return part


def joined(queries: NDArray[np.int64], answers: NDArray[np.int64]) -> Links:
    """Every query linked with every answer of the same key; keys (Q,) and (N,)."""
    order = np.argsort(answers, kind="stable")
    first = np.searchsorted(answers[order], queries, side="left")
    counts = np.searchsorted(answers[order], queries, side="right") - first
    asking = np.repeat(np.arange(len(queries)), counts)
    within = np.arange(len(asking)) - np.repeat(np.cumsum(counts) - counts, counts)
    return Links(asking, order[np.repeat(first, counts) + within])


def best_ranks(
    scores: Scores, rows: Ints, right: Links, aside: Links | None = None, *, block: int = BLOCK
) -> Floats:
    """Rank (Q,), from 1, of the best right answer to each query; ties count half, so it may end in .5.

    rows: (Q,) the row of ``scores`` that each query asks with. right: the answers that count, one at least
    for each query; aside: answers that are left out of the gallery (none of them right). A system that
    scores everything alike comes out in the middle, not first. block: scores held at once.
    """
    columns = len(scores.motions) if isinstance(scores, Embedded) else scores.shape[1]
    ranks = np.empty(len(rows))
    for queries in _blocks(len(rows), columns, block):
        found = score_rows(scores, rows[queries])
        at, answers = _within(right, queries)
        starts = np.searchsorted(at, np.arange(len(found)))
        scored = found[at, answers]
        best = np.maximum.reduceat(scored, starts)
        above, below = best + TIE, best - TIE
        better = np.count_nonzero(found > above[:, None], axis=1)
        reached = np.count_nonzero(found >= below[:, None], axis=1)
        reached -= np.bincount(at[scored >= below[at]], minlength=len(found))
        if aside is not None:
            at, answers = _within(aside, queries)
            scored = found[at, answers]
            better -= np.bincount(at[scored > above[at]], minlength=len(found))
            reached -= np.bincount(at[scored >= below[at]], minlength=len(found))
        ranks[queries] = 1 + (better + reached) / 2
    return ranks


def top_gains(
    scores: Scores,
    rows: Ints,
    gains: Sequence[Callable[[Ints], Block]],
    cut: int = 10,
    *,
    block: int = BLOCK // 4,
) -> list[tuple[Floats, Floats]]:
    """(Q, cut) gain at each of the first places, and (Q, cut) that of the ideal order, for each of ``gains``.

    A gain maps rows (q,) to what each answer is worth to them, (q, N) >= 0. Answers that tie share
    their gains: what is told is the mean over all orders of them. Fewer than ``cut`` answers end in zeros.
    """
    columns = len(scores.motions) if isinstance(scores, Embedded) else scores.shape[1]
    kept = min(cut, columns)
    told = [(np.zeros((len(rows), cut)), np.zeros((len(rows), cut))) for _ in gains]
    for queries in _blocks(len(rows), columns, block):
        found = score_rows(scores, rows[queries])
        top = np.argpartition(-found, kept - 1, axis=1)[:, :kept]
        values: Floats = np.take_along_axis(found, top, axis=1).astype(np.float64)
        order = np.argsort(-values, axis=1, kind="stable")
        top, values = np.take_along_axis(top, order, axis=1), np.take_along_axis(values, order, axis=1)
        alike = np.abs(values[:, :, None] - values[:, None]) <= TIE
        # The last place may tie with answers that found no place: they have a share in it too.
        lowest: Block = found[np.arange(len(found))[:, None], top[:, -1:]]
        last = np.abs(found - lowest) <= TIE
        at_last = np.abs(values - values[:, -1:]) <= TIE
        for gain, (reached, ideal) in zip(gains, told, strict=True):
            worth = gain(rows[queries])
            here = np.take_along_axis(worth, top, axis=1).astype(np.float64)
            shared = (alike * here[:, None]).sum(axis=2) / alike.sum(axis=2)
            edge = (worth * last).sum(axis=1, dtype=np.float64) / last.sum(axis=1)
            reached[queries, :kept] = np.where(at_last, edge[:, None], shared)
            ideal[queries, :kept] = -np.sort(np.partition(-worth, kept - 1, axis=1)[:, :kept], axis=1)
    return told


def ranked_side(way: str, ranks: Floats, clips: Ints, parts: Ints | None = None) -> Side:
    """Recalls in per cent and the mean rank from ranks (Q,)."""
    columns = {f"R@{cut}": 100.0 * (ranks <= cut) for cut in CUTS}
    return Side(way, clips, columns | {"MeanR": ranks}, ranks[None], parts)


def chance_side(way: str, right: Ints, gallery: Ints, clips: Ints, parts: Ints | None = None) -> Side:
    """What a random order reaches, in expectation, where ``right`` (Q,) of ``gallery`` (Q,) answers count."""
    columns = {}
    for cut in CUTS:
        # Every one of the first ``cut`` places misses: a product of shares that shrink place by place.
        places = np.arange(cut)
        left = np.maximum(gallery[:, None] - right[:, None] - places, 0)
        missed = np.prod(left / np.maximum(gallery[:, None] - places, 1), axis=1)
        columns[f"R@{cut}"] = 100 * (1 - missed)
    expected = (gallery + 1) / (right + 1)
    return Side(way, clips, columns | {"MeanR": expected}, expected[None], parts)


def averaged(sides: Sequence[Side]) -> Side:
    """Several systems' (seeds') answers to the same queries as one."""
    first = sides[0]
    columns = {
        name: np.mean([side.columns[name] for side in sides], axis=0, dtype=np.float64)
        for name in first.columns
    }
    ranks = [side.ranks for side in sides if side.ranks is not None]
    return Side(first.way, first.clips, columns, np.concatenate(ranks) if ranks else None, first.parts)


def measured(sides: Sequence[Side]) -> dict[str, float]:
    """Every measure of all sides, named "t2m R@1" and so on, and "R-sum" where both directions were ranked:
    R@1, R@5 and R@10 of both added up."""
    found: dict[str, float] = {}
    for side in sides:
        found |= {f"{side.way} {name}": float(np.mean(column)) for name, column in side.columns.items()}
        if side.ranks is not None:
            found[f"{side.way} MedR"] = _median(side)
    if all(name in found for name in SUMMED):
        found["R-sum"] = sum(found[name] for name in SUMMED)
    return found


def _median(side: Side) -> float:
    assert side.ranks is not None
    parts = np.zeros(len(side.clips), np.int64) if side.parts is None else side.parts
    return float(np.mean([np.median(row[parts == part]) for row in side.ranks for part in np.unique(parts)]))


def _blocks(rows: int, columns: int, block: int) -> Iterator[slice]:
    step = max(1, block // max(columns, 1))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def _within(links: Links, queries: slice) -> tuple[Ints, Ints]:
    """The pairs of some queries, counted from the first of them."""
    low, high = np.searchsorted(links.queries, [queries.start, queries.stop])
    return links.queries[low:high] - queries.start, links.answers[low:high]
