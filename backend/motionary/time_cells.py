"""Sequences cut into cells of a few frames, and cells averaged into steps, in numpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from motionary.nn import Array

__all__ = ["averaged", "cell_counts", "cells", "real_steps"]


def cell_counts(lengths: Sequence[int], stride: int) -> NDArray[np.int64]:
    """How many cells of ``stride`` frames sequences of these lengths take: the last may lack some."""
    return -(-np.asarray(lengths, np.int64) // stride)


def cells(frames: Array, stride: int) -> Array:
    """(N, T, C) frames, zero past each sequence's end, as cells (N, S, stride, C), zero past T too."""
    count, length, width = frames.shape
    padded = np.pad(frames, ((0, 0), (0, -length % stride), (0, 0)))
    return padded.reshape(count, -1, stride, width)


def averaged(frames: Array, lengths: Sequence[int], stride: int) -> Array:
    """(N, T, C) frames, zero past each sequence's end, as (N, S, C): means of the real frames of cells."""
    if stride == 1:
        return frames
    total = cells(frames, stride).sum(axis=2)
    left = np.asarray(lengths)[:, None] - stride * np.arange(total.shape[1])
    means: Array = total / np.clip(left, 1, stride)[..., None].astype(np.float32)
    return means


def real_steps(counts: NDArray[np.int64], length: int) -> NDArray[np.bool_] | None:
    """(N, length), True on the first ``counts`` (N,) steps of each row; None where all are."""
    keep: NDArray[np.bool_] = np.arange(length) < counts[:, None]
    return None if keep.all() else keep
