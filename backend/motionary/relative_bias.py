"""MPNet's relative positions: what a token adds to its attention to another for how far away that is.

The buckets are T5's (Raffel et al., JMLR 2020), as ``transformers``' MPNetEncoder takes them: each distance
up to a quarter of them has its own, larger ones share, more and more of them, up to 128 tokens.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from motionary.nn import Array

__all__ = ["buckets", "relative_bias"]

_FARTHEST = 128  # tokens; what is farther away is in the last bucket too


def buckets(length: int, count: int) -> NDArray[np.int64]:
    """(length, length) the bucket, of ``count`` (4 at least), of token i's distance to token j."""
    at = np.arange(length)
    distance = at - at[:, None]
    half = count // 2
    exact = half // 2
    away = np.abs(distance)
    # float32, as there: its rounding decides on the borders.
    share = np.log(np.maximum(away, 1).astype(np.float32) / np.float32(exact)) / np.float32(
        np.log(_FARTHEST / exact)
    )
    shared = exact + (share * np.float32(half - exact)).astype(np.int64)
    near: NDArray[np.int64] = np.where(away < exact, away, np.minimum(shared, half - 1))
    return near + half * (distance > 0)


def relative_bias(table: Array, length: int) -> Array:
    """(heads, length, length) added to the attention's scores, of the (buckets, heads) weights."""
    bias: Array = table[buckets(length, len(table))].transpose(2, 0, 1)
    return bias
