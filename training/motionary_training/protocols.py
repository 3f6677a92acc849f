"""The ways of scoring that the field uses, each under its own name: numbers of two never share a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from motionary_training.data import Pairs
from motionary_training.metrics import (
    Block,
    Embedded,
    Links,
    Scores,
    Side,
    best_ranks,
    chance_side,
    joined,
    part_of,
    ranked_side,
    swapped,
    top_gains,
)

__all__ = ["PROTOCOLS", "Asked", "Captions", "Protocol", "answers", "asked_of", "told"]

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

Protocol = Literal["STRICT", "RELAXED", "REHAMOT-1000", "BATCH-32", "GRADED"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)
Captions = Literal["all", "first"]
"""Every caption of a motion asks and is asked for, or (TMR's convention) the first one alone."""

REHAMOT_MOTIONS = 1000
BATCH, ROUNDS = 32, 10
SEED = 0


@dataclass(frozen=True, eq=False)
class Asked:
    """A gallery of S motions with C captions, and who asks.

    owner: (C,) the motion of each caption, ascending, every motion at least once. texts: (C,) equal for
    captions of the same words. sentences: (C, W) unit vectors of the frozen text encoder. actions: (S, A)
    1 where an action belongs to a motion; A is 0 where none is known. asks: (S,) bool, motions whose captions
    are queries and that are queries themselves; the others are only in the gallery.
    """

    owner: Ints
    texts: Ints
    sentences: Block
    actions: Block
    asks: NDArray[np.bool_]

    @property
    def motions(self) -> int:
        """S."""
        return len(self.asks)


@dataclass(frozen=True, eq=False)
class _Ranking:
    """One direction to be ranked, see ``metrics.best_ranks``. clips: (Q,) the motion of each query."""

    rows: Ints
    right: Links
    aside: Links | None
    clips: Ints


def asked_of(pairs: Pairs, asks: NDArray[np.bool_] | None = None) -> Asked:
    """The gallery that ``pairs`` make; all of them ask where ``asks`` (S,) does not say otherwise."""
    actions = sorted(set().union(*(sample.actions for sample in pairs.samples)))
    known = np.array([[action in sample.actions for action in actions] for sample in pairs.samples])
    return Asked(
        pairs.owner,
        pairs.text_ids,
        pairs.sentences.numpy(),
        known.reshape(len(pairs.samples), len(actions)).astype(np.float32),
        np.ones(len(pairs.samples), bool) if asks is None else asks,
    )


def answers(
    protocol: Protocol, scores: Scores | None, asked: Asked, captions: Captions = "all"
) -> tuple[Side, ...]:
    """How one system's (C, S) scores answer, query by query; without scores, what chance would.

    ``captions`` does not matter to REHAMOT-1000, which takes all, nor to BATCH-32, which takes the first.
    """
    if captions == "first" and protocol != "REHAMOT-1000":
        first = _firsts(asked)
        scores = None if scores is None else part_of(scores, first, np.arange(asked.motions))
        asked = _part(asked, first, np.arange(asked.motions))
    if protocol == "STRICT":
        return _strict(scores, asked)
    if protocol == "RELAXED":
        return _relaxed(scores, asked)
    if protocol == "REHAMOT-1000":
        return _rehamot(scores, asked)
    if protocol == "BATCH-32":
        return _batches(scores, asked)
    return _graded(scores, asked)


def told(protocol: Protocol, asked: Asked, captions: Captions = "all") -> str:
    """What the protocol does, in a sentence or two, with the sizes of this gallery."""
    motions, texts = asked.motions, len(asked.owner)
    asking = "" if asked.asks.all() else f" The queries are those of {asked.asks.sum()} held-out motions."
    if captions == "first":
        size = f"{motions} motions, the first caption of each"
    else:
        size = f"{motions} motions, all their {texts} captions"
    if protocol == "STRICT":
        return (
            f"STRICT (TMR), {size}. Text to motion: a caption asks for its own motion among all. Motion to "
            "text: a motion asks for each of its captions among those of all other motions. Only the paired "
            f"item counts; ties share their ranks.{asking}"
        )
    if protocol == "RELAXED":
        return (
            f"RELAXED (MotionPatches), {size}. As STRICT, but every item whose caption is the same string as "
            f"the query's counts, and the best of them is ranked.{asking}"
        )
    if protocol == "REHAMOT-1000":
        chosen = min(motions, REHAMOT_MOTIONS)
        drawn = f", drawn with seed {SEED} from {motions}" if motions > chosen else ""
        few = "" if motions >= chosen == REHAMOT_MOTIONS else "; fewer than the paper's 1,000, so easier"
        return (
            f"REHAMOT-1000 (the paper's), {chosen:,} motions with all their captions{drawn}{few}. Text to "
            "motion: every caption asks for its own motion. Motion to text: every motion asks, and the best "
            f"rank among its own captions counts.{asking}"
        )
    if protocol == "BATCH-32":
        size = f"batches of {BATCH}" if motions >= BATCH else f"one batch of {motions}, there are no more"
        return (
            f"BATCH-32 (Guo), {size}, first captions, shuffled {ROUNDS} times from seed {SEED}; the mean "
            "over batches, of the median rank too. Only the paired item counts."
        )
    return (
        f"GRADED, {size}. nDCG@10: an answer is worth 2^r - 1, r being the largest cosine of a caption of "
        "the query's to one of the answer's under the frozen text encoder, 0 at least. P@10: per cent of the "
        "first ten answers that share an action verb with the query's motion, over motions with any. "
        f"Answers that tie share what they are worth.{asking}"
    )


def _strict(scores: Scores | None, asked: Asked) -> tuple[Side, Side]:
    queries = _asking(asked)
    clips = asked.owner[queries]
    own = np.arange(len(queries))
    # Of a motion's captions one is asked for at a time, and the others are not in its way.
    family = joined(clips, asked.owner)
    others = queries[family.queries] != family.answers
    aside = Links(family.queries[others], family.answers[others])
    return (
        _side("t2m", scores, _Ranking(queries, Links(own, clips), None, clips), asked.motions),
        _side("m2t", scores, _Ranking(clips, Links(own, queries), aside, clips), len(asked.owner)),
    )


def _relaxed(scores: Scores | None, asked: Asked) -> tuple[Side, Side]:
    queries = _asking(asked)
    clips = asked.owner[queries]
    alike = joined(asked.texts[queries], asked.texts)
    # Each motion once for its words, though several of its captions may be the same.
    words, said_of = np.divmod(np.unique(asked.texts * asked.motions + asked.owner), asked.motions)
    matching = joined(asked.texts[queries], words)
    family = joined(clips, asked.owner)
    others = asked.texts[queries][family.queries] != asked.texts[family.answers]
    aside = Links(family.queries[others], family.answers[others])
    motions = Links(matching.queries, said_of[matching.answers])
    return (
        _side("t2m", scores, _Ranking(queries, motions, None, clips), asked.motions),
        _side("m2t", scores, _Ranking(clips, alike, aside, clips), len(asked.owner)),
    )


def _rehamot(scores: Scores | None, asked: Asked) -> tuple[Side, Side]:
    if asked.motions > REHAMOT_MOTIONS:
        drawn = np.random.default_rng(SEED).choice(asked.motions, REHAMOT_MOTIONS, replace=False)
        motions = np.sort(drawn)
        captions = np.flatnonzero(np.isin(asked.owner, motions))
        scores = None if scores is None else part_of(scores, captions, motions)
        sides = _rehamot(scores, _part(asked, captions, motions))
        return replace(sides[0], clips=motions[sides[0].clips]), replace(
            sides[1], clips=motions[sides[1].clips]
        )
    clips = np.flatnonzero(asked.asks)
    ranking = _Ranking(clips, joined(clips, asked.owner), None, clips)
    return _strict(scores, asked)[0], _side("m2t", scores, ranking, len(asked.owner))


def _batches(scores: Scores | None, asked: Asked) -> tuple[Side, Side]:
    first, asking = _firsts(asked), np.flatnonzero(asked.asks)
    rows = [(first[batch], batch) for batch in _shuffled(asking)]
    found = [_strict(None if scores is None else part_of(scores, *row), _part(asked, *row)) for row in rows]
    clips = np.concatenate([motions for _, motions in rows])
    parts = np.repeat(np.arange(len(rows)), [len(motions) for _, motions in rows])
    return _joined_sides([pair[0] for pair in found], clips, parts), _joined_sides(
        [pair[1] for pair in found], clips, parts
    )


def _graded(scores: Scores | None, asked: Asked) -> tuple[Side, ...]:
    if scores is None:
        # Nothing is nearer than anything else: every order is as likely, which is what chance is.
        scores = Embedded(np.zeros((len(asked.owner), 1)), np.zeros((asked.motions, 1)))
    gains: dict[str, tuple[Callable[[Ints], Block], Callable[[Ints], Block]]] = {
        "t2m": (
            lambda rows: _worth(_nearest_motions(asked, rows)),
            lambda rows: _agree(asked, asked.owner[rows], np.arange(asked.motions)),
        ),
        "m2t": (
            lambda rows: _worth(_nearest_captions(asked, rows)),
            lambda rows: _agree(asked, rows, asked.owner),
        ),
    }
    discount = 1 / np.log2(np.arange(2, 12))
    queries, motions = _asking(asked), np.flatnonzero(asked.asks)
    sides: list[Side] = []
    for way, rows, clips, matrix in (
        ("t2m", queries, asked.owner[queries], scores),
        ("m2t", motions, motions, swapped(scores)),
    ):
        (graded, ideal), (agreeing, _) = top_gains(matrix, rows, gains[way])
        reached = (graded * discount).sum(axis=1) / np.maximum((ideal * discount).sum(axis=1), 1e-12)
        sides.append(Side(way, clips, {"nDCG@10": reached}))
        known = asked.actions[clips].any(axis=1)
        if known.any():
            shown = min(10, asked.motions if way == "t2m" else len(asked.owner))
            sides.append(Side(way, clips[known], {"P@10": 100 * agreeing[known].sum(axis=1) / shown}))
    return tuple(sides)


def _side(way: str, scores: Scores | None, ranking: _Ranking, gallery: int) -> Side:
    if scores is None:
        count = len(ranking.rows)
        right = np.bincount(ranking.right.queries, minlength=count)
        aside = 0 if ranking.aside is None else np.bincount(ranking.aside.queries, minlength=count)
        return chance_side(way, right, gallery - aside + np.zeros(count, np.int64), ranking.clips)
    matrix = swapped(scores) if way == "m2t" else scores
    return ranked_side(way, best_ranks(matrix, ranking.rows, ranking.right, ranking.aside), ranking.clips)


def _asking(asked: Asked) -> Ints:
    """The captions (Q,) that are queries."""
    return np.flatnonzero(asked.asks[asked.owner])


def _firsts(asked: Asked) -> Ints:
    """(S,) the first caption of each motion."""
    return np.searchsorted(asked.owner, np.arange(asked.motions))


def _part(asked: Asked, captions: Ints, motions: Ints) -> Asked:
    """The gallery of some motions, in the order given, with some of their captions."""
    place = np.full(asked.motions, -1)
    place[motions] = np.arange(len(motions))
    return Asked(
        place[asked.owner[captions]],
        asked.texts[captions],
        asked.sentences[captions],
        asked.actions[motions],
        asked.asks[motions],
    )


def _shuffled(asking: Ints) -> Iterator[Ints]:
    """Whole batches of every shuffle; what is left over of each is not asked (TMR's way)."""
    for number in range(ROUNDS):
        order = np.random.default_rng([SEED, number]).permutation(asking)
        size = min(BATCH, len(order))
        yield from order[: len(order) // size * size].reshape(-1, size)


def _joined_sides(sides: list[Side], clips: Ints, parts: Ints) -> Side:
    columns = {name: np.concatenate([side.columns[name] for side in sides]) for name in sides[0].columns}
    ranks = np.concatenate([side.ranks for side in sides if side.ranks is not None], axis=1)
    return Side(sides[0].way, clips, columns, ranks, parts)


def _worth(relevance: Block) -> Block:
    gain: Block = np.exp2(np.clip(relevance, 0.0, 1.0)) - 1.0
    return gain


def _nearest_motions(asked: Asked, rows: Ints) -> Block:
    """(q, S) the largest cosine of each caption to a motion's captions."""
    cosines = asked.sentences[rows] @ asked.sentences.T
    nearest: Block = np.maximum.reduceat(cosines, _firsts(asked), axis=1)
    return nearest


def _nearest_captions(asked: Asked, rows: Ints) -> Block:
    """(q, C) the largest cosine of a motion's captions to each caption."""
    family = joined(rows, asked.owner)
    cosines = asked.sentences[family.answers] @ asked.sentences.T
    starts = np.searchsorted(family.queries, np.arange(len(rows)))
    nearest: Block = np.maximum.reduceat(cosines, starts, axis=0)
    return nearest


def _agree(asked: Asked, motions: Ints, answers: Ints) -> Block:
    """(q, N) 1 where two motions share an action."""
    shared: Block = (asked.actions[motions] @ asked.actions[answers].T > 0).astype(np.float32)
    return shared
