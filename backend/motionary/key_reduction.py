"""Fewer keys for the same movement, to within an error that is asked for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["reduce_keys"]


def reduce_keys(
    values: NDArray[np.float64], tolerance: float, *, quaternion: bool = False
) -> NDArray[np.int64]:
    """Which frames of ``values`` (T, C) to keep, so that straight lines between them are near enough to all.

    Near enough is ``tolerance`` in every channel; for unit quaternions of continuous sign, interpolated
    channel by channel as F-curves are and then made unit length, radians. First and last frame are always
    kept. Where a line between two keys is too far off, the frame where it is farthest becomes a key (Ramer
    1972, Douglas and Peucker 1973).
    """
    frames = np.arange(len(values))
    if len(frames) < 3:
        return frames
    keys = frames[[0, -1]]
    while True:
        # All lines at once: a rig has hundreds of bones, and numpy costs by the call.
        line = np.repeat(np.arange(len(keys) - 1), np.diff(keys))
        start, end = keys[line], keys[line + 1]
        part = ((frames[:-1] - start) / (end - start))[:, None]
        off = values[start] * (1.0 - part) + values[end] * part
        if quaternion:
            off /= np.maximum(np.linalg.norm(off, axis=1, keepdims=True), 1e-12)
            chord = np.linalg.norm(off - values[:-1], axis=1)
            far = 4.0 * np.arcsin(np.minimum(chord / 2.0, 1.0))
        else:
            far = np.abs(off - values[:-1]).max(axis=1)
        far[keys[:-1]] = 0.0
        farthest = np.flatnonzero((far > tolerance) & (far == np.maximum.reduceat(far, keys[:-1])[line]))
        if not len(farthest):
            return keys
        _, first = np.unique(line[farthest], return_index=True)  # a plateau needs no key on each frame
        keys = np.sort(np.concatenate([keys, farthest[first]]))
