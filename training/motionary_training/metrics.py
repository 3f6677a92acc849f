"""Retrieval measures: pure functions of score matrices, each protocol under its own name.

scores: (C, S) similarity of every caption with every motion; owner: (C,) the motion that caption c describes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "CUTS",
    "Recall",
    "chance",
    "motion_to_text_ranks",
    "ndcg",
    "precision",
    "recall",
    "rehamot_ranks",
    "text_to_motion_ranks",
]

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

CUTS = (1, 5, 10)


@dataclass(frozen=True)
class Recall:
    """R@k in per cent, by k, and the median rank (1 is best)."""

    at: dict[int, float]
    median_rank: float

    @property
    def total(self) -> float:
        """R-sum of one direction."""
        return sum(self.at.values())


def recall(ranks: Floats) -> Recall:
    """Of ranks (N,) counted from 1, which may lie between two numbers where there was a tie."""
    return Recall({k: 100 * float(np.mean(ranks <= k)) for k in CUTS}, float(np.median(ranks)))


def text_to_motion_ranks(scores: Floats, owner: Ints) -> Floats:
    """STRICT: every caption (C,) is a query over all motions; only its own motion counts; ties averaged."""
    own = scores[np.arange(len(owner)), owner]
    return _rank(scores, own, np.ones_like(scores, bool))


def motion_to_text_ranks(scores: Floats, owner: Ints) -> Floats:
    """STRICT: every (motion, own caption) pair (C,): the caption's rank among all other motions' captions."""
    by_motion = scores.T[owner]
    others = owner[:, None] != owner
    np.fill_diagonal(others, True)
    return _rank(by_motion, np.diagonal(by_motion), others)


def rehamot_ranks(scores: Floats, owner: Ints) -> Floats:
    """REHAMOT (the paper's code): every motion (S,) is a query over all captions; its best own one counts."""
    own = owner == np.arange(scores.shape[1])[:, None]
    best = np.where(own, scores.T, -np.inf).max(axis=1)
    # Its other captions are not in the way of the best one, even where they tie with it.
    return _rank(scores.T, best, ~own) + 0.5


def chance(owner: Ints, motions: int) -> dict[str, Recall]:
    """What random scores reach, in expectation: by name of the three rank functions above."""
    captions = len(owner)
    own = np.bincount(owner, minlength=motions)
    t2m = {k: 100 * min(1.0, k / motions) for k in CUTS}
    galleries = captions - own[owner] + 1
    m2t = {k: 100 * float(np.mean(np.minimum(1.0, k / galleries))) for k in CUTS}
    best = {k: 100 * float(np.mean([_some_in_top(k, captions, n) for n in own])) for k in CUTS}
    middle = float(np.median(galleries + 1) / 2)
    return {
        "text_to_motion": Recall(t2m, (motions + 1) / 2),
        "motion_to_text": Recall(m2t, middle),
        "rehamot": Recall(best, float(np.median((captions + 1) / (own + 1)))),
    }


def ndcg(scores: Floats, relevance: Floats, cut: int = 10) -> float:
    """Mean nDCG@cut over queries: gain 2^relevance - 1 for relevance (C, S) in 0..1, log2 discount."""
    cut = min(cut, scores.shape[1])
    discount = 1 / np.log2(np.arange(2, cut + 2))
    gain = 2**relevance - 1
    order = np.argsort(-scores, axis=1, kind="stable")[:, :cut]
    reached = (np.take_along_axis(gain, order, axis=1) * discount).sum(axis=1)
    ideal = (-np.sort(-gain, axis=1)[:, :cut] * discount).sum(axis=1)
    return float(np.mean(reached / np.maximum(ideal, 1e-12)))


def precision(scores: Floats, relevant: NDArray[np.bool_], cut: int = 10) -> float:
    """Mean share, in per cent, of the top ``cut`` motions that are relevant (C, S), over queries with any."""
    asked = relevant.any(axis=1)
    order = np.argsort(-scores[asked], axis=1, kind="stable")[:, : min(cut, scores.shape[1])]
    return 100 * float(np.take_along_axis(relevant[asked], order, axis=1).mean()) if asked.any() else 0.0


def _rank(scores: Floats, own: Floats, counted: NDArray[np.bool_]) -> Floats:
    """1 + the number of better counted entries of each row + half of those that tie, the own one aside."""
    better = ((scores > own[:, None]) & counted).sum(axis=1)
    equal = ((scores == own[:, None]) & counted).sum(axis=1)
    ranks: Floats = better + (equal + 1) / 2
    return ranks


def _some_in_top(k: int, captions: int, own: int) -> float:
    """Probability that at least one of ``own`` captions is among the first k of a random order."""
    missed = math.prod(max(captions - own - i, 0) / (captions - i) for i in range(min(k, captions)))
    return 1 - missed
