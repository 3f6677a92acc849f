"""How well a sign tells false negatives: precision, recall and average precision over pairs of a batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Caught", "average_precision", "caught", "curve"]

Bools = NDArray[np.bool_]
Floats = NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True)
class Caught:
    """Of what was dropped, in per cent. dropped: share of all negatives. precision: share of the dropped that
    are false negatives, None where nothing was dropped. recall: share of false negatives that were dropped.
    """

    dropped: float
    precision: float | None
    recall: float


def caught(dropped: Bools, truth: Bools, asked: Bools) -> Caught:
    """Count ``dropped`` against ``truth`` (equal shapes), among the negatives ``asked`` alone."""
    gone, true = dropped & asked, truth & asked
    hits = float((gone & true).sum())
    return Caught(
        100 * float(gone.sum()) / max(float(asked.sum()), 1.0),
        100 * hits / float(gone.sum()) if gone.any() else None,
        100 * hits / max(float(true.sum()), 1.0),
    )


def curve(sign: Floats, truth: Bools) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Recall and precision (N,), in per cent, when the 1, 2, ... N highest of the signs (N,) are dropped.

    Where signs tie, all of the tie are dropped together: every point of it holds what the tie's end does.
    """
    order = np.argsort(-sign, kind="stable")
    hits = np.cumsum(truth[order])
    ends = np.searchsorted(-sign[order], -sign[order], side="right") - 1
    return 100 * hits[ends] / max(int(hits[-1]), 1), 100 * hits[ends] / (ends + 1)


def average_precision(sign: Floats, truth: Bools) -> float:
    """The precision at every true one, averaged, in per cent. By chance it is the share of true ones."""
    order = np.argsort(-sign, kind="stable")
    _, precision = curve(sign, truth)
    at_true = truth[order]
    return float(precision[at_true].mean()) if at_true.any() else 0.0
