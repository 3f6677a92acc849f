"""Fewer keys for the same movement, to within an error that is asked for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from motionary import rotation

__all__ = ["reduce_keys"]


def reduce_keys(
    values: NDArray[np.float64], tolerance: float, *, quaternion: bool = False
) -> NDArray[np.int64]:
    """Which frames of ``values`` (T, C) to keep, so that straight lines between them are near enough to all.

    Near enough is ``tolerance`` in every channel; for quaternions, interpolated channel by channel as
    F-curves are and then made unit length, radians. First and last frame are always kept. Where a line between two
    keys is too far off, the frame where it is farthest becomes a key (Ramer 1972, Douglas and Peucker 1973).
    """
    last = len(values) - 1
    kept = {0, last}
    open_ended = [(0, last)]
    while open_ended:
        start, end = open_ended.pop()
        if end - start < 2:
            continue
        part = (np.arange(start + 1, end) - start)[:, None] / (end - start)
        line = values[start] * (1.0 - part) + values[end] * part
        inside = values[start + 1 : end]
        if quaternion:
            off = rotation.multiply(rotation.inverse(rotation.normalize(line)), inside)
            far = np.linalg.norm(rotation.to_rotvec(off), axis=1)
        else:
            far = np.abs(inside - line).max(axis=1)
        worst = int(far.argmax())
        if far[worst] > tolerance:
            key = start + 1 + worst
            kept.add(key)
            open_ended += [(start, key), (key, end)]
    return np.array(sorted(kept), np.int64)
