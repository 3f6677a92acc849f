"""Statistics of a whole clip, which a linear layer reads beside the encoder of its sequence, in numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionary.feature_columns import block_columns
from motionary.motion_shape import MotionShape
from motionary.motion_weights import affine
from motionary.nn import Affine, Array, linear
from motionary.time_cells import averaged, cell_counts

__all__ = ["Summary", "make_summary", "summary_statistics", "summary_vectors"]

_FURTHEST = np.float32(4)  # standard deviations at which an extreme is cut


@dataclass(frozen=True, eq=False)
class Summary:
    """columns: (C,) of the features that are read. layer: 5 C + 1 statistics to the joint space."""

    columns: NDArray[np.int64]
    stride: int
    layer: Affine


def make_summary(
    tensors: Mapping[str, NDArray[Any]], shape: MotionShape, *, features: int, joint_dim: int, origin: str
) -> Summary:
    """From a bundle's tensors; MotionaryError, naming ``origin``, where one does not fit."""
    columns = block_columns(features, shape.columns)
    layer = affine(tensors, "motion.summary", (joint_dim, 5 * len(columns) + 1), origin)
    return Summary(columns, shape.stride, layer)


def summary_vectors(summary: Summary, features: Array, lengths: Sequence[int]) -> Array:
    """(N, D), to be added to the sequence's unit vectors, of (N, T, 263) normalised features."""
    steps = averaged(features[..., summary.columns], lengths, summary.stride)
    return linear(summary_statistics(steps, cell_counts(lengths, summary.stride)), summary.layer)


def summary_statistics(steps: Array, counts: NDArray[np.int64]) -> Array:
    """(N, 5 C + 1) of (N, S, C) steps, zero past the first ``counts`` (N,) of a row.

    Of each column the mean, standard deviation, half the largest and smallest value within ±4, and the mean
    absolute change from step to step; then the logarithm of the number of steps.
    """
    past = (np.arange(steps.shape[1]) >= counts[:, None])[..., None]
    total = counts[:, None].astype(np.float32)
    mean = steps.sum(axis=1) / total
    deviation = (np.where(past, 0, steps - mean[:, None]) ** 2).sum(axis=1) / total
    highest = np.clip(np.where(past, -_FURTHEST, steps).max(axis=1), -_FURTHEST, _FURTHEST) / 2
    lowest = np.clip(np.where(past, _FURTHEST, steps).min(axis=1), -_FURTHEST, _FURTHEST) / 2
    change = np.where(past[:, 1:], 0, np.abs(np.diff(steps, axis=1))).sum(axis=1) / total
    parts = [mean, np.sqrt(deviation + np.float32(1e-5)), highest, lowest, change, np.log(total)]
    statistics: Array = np.concatenate(parts, axis=1, dtype=np.float32)
    return statistics
