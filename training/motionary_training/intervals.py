"""Bootstrap intervals over clusters of queries, of one system and of the difference of two.

Captions of one clip, and clips of one recording, stand and fall together: whole clusters are drawn, with
replacement. The draws follow from the seed alone, so two systems that answered the same queries are drawn
alike, and the difference of their draws is the paired bootstrap (Efron and Tibshirani 1993, chapters 8, 13).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from motionary_training.metrics import SUMMED, Side

__all__ = ["DRAWS", "interval", "resampled"]

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

DRAWS = 1000
AT_ONCE = 4_000_000
"""Weights held at once."""


def resampled(
    sides: Sequence[Side], clusters: Ints, *, draws: int = DRAWS, seed: int = 0
) -> dict[str, Floats]:
    """Every measure's values (draws,) under resampling, medians aside.

    clusters: (S,) the cluster of each motion. A direction whose queries were all passed over by a draw keeps
    its own mean there, which happens to tiny sets alone.
    """
    names, of_clip = np.unique(clusters, return_inverse=True)
    found: dict[str, list[Floats]] = {}
    tables = [_table(side, of_clip, len(names)) for side in sides]
    for weights in _weights(len(names), draws, seed):
        for side, table in zip(sides, tables, strict=True):
            sums = weights @ table
            means = np.where(
                sums[:, -1:] > 0,
                sums[:, :-1] / np.maximum(sums[:, -1:], 1),
                table[:, :-1].sum(axis=0) / max(table[:, -1].sum(), 1),
            )
            for number, column in enumerate(side.columns):
                found.setdefault(f"{side.way} {column}", []).append(means[:, number])
    values = {name: np.concatenate(chunks) for name, chunks in found.items()}
    if all(name in values for name in SUMMED):
        values["R-sum"] = np.sum([values[name] for name in SUMMED], axis=0)
    return values


def interval(values: Floats) -> tuple[float, float]:
    """The 2.5 and 97.5 per cent points."""
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def _table(side: Side, of_clip: Ints, clusters: int) -> Floats:
    """(clusters, columns + 1) sums of each column, and the number of queries at the end."""
    of_query = of_clip[side.clips]
    sums = [np.bincount(of_query, column, clusters) for column in side.columns.values()]
    return np.stack([*sums, np.bincount(of_query, minlength=clusters)], axis=1)


def _weights(clusters: int, draws: int, seed: int) -> Iterator[Floats]:
    """(d, clusters) how often each cluster was drawn, a few draws at a time."""
    rng = np.random.default_rng(seed)
    step = max(1, AT_ONCE // clusters)
    for start in range(0, draws, step):
        count = min(step, draws - start)
        drawn = rng.integers(clusters, size=(count, clusters)) + clusters * np.arange(count)[:, None]
        yield np.bincount(drawn.ravel(), minlength=count * clusters).reshape(count, clusters).astype(float)
