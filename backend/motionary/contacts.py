"""When a foot stands: by its height and speed, with hysteresis, in leg lengths and seconds.

Ankle and ball of the foot are told apart, for a heel lands before the ball and leaves before it. A joint
stands where it hardly moves, is as low as it gets for a while, and is on the floor or, of the two feet, the
lower one: who climbs on a box stands on it, and who jumps stands on nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from motionary.body import JOINTS, PARENTS, body_positions
from motionary.motion import Motion
from motionary.rotation import lengths

__all__ = ["Contacts", "body_contacts", "foot_contacts", "stretches"]

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]

FEET = [JOINTS.index(name) for name in ("left_ankle", "left_foot", "right_ankle", "right_foot")]

SLOW, FAST = 0.3, 0.5
"""Leg lengths a second: a joint comes to stand below the first and moves off above the second."""

LOW, HIGH = 0.04, 0.07
"""Leg lengths, likewise, above the lowest that it gets nearby, and above the floor or the other foot."""

SMOOTH_S = 0.05
"""Over which speed is taken: noise of a hundredth of a second is no step."""

NEARBY_S = 0.5
"""To either side, in which a joint that stands is at its lowest: no jump lasts as long."""

SHORT_S = 0.08
"""Contacts shorter than this are chance, and so are gaps."""


@dataclass(frozen=True, eq=False)
class Contacts:
    """standing: (T, 2, 2) bool, of left and right the ankle and the ball of the foot. floor: metres."""

    standing: Bools
    floor: float


def foot_contacts(motion: Motion) -> Contacts:
    """Which foot of ``motion`` stands when. MotionaryError where its skeleton is no human body."""
    return body_contacts(body_positions(motion), motion.fps)


def body_contacts(positions: Floats, fps: float) -> Contacts:
    """The same of a body whose joints (T, 22, 3), in metres, are known at ``fps`` frames a second."""
    feet = positions[:, FEET]
    leg = _leg(positions)
    reach = max(round(SMOOTH_S * fps / 2), 1)
    padded = np.pad(feet, ((reach, reach), (0, 0), (0, 0)), mode="edge")
    moved = lengths(padded[2 * reach :] - padded[: -2 * reach])
    # Beyond its ends a clip shows nothing: there the same way was covered in less time.
    times = np.pad(np.arange(len(feet)), reach, mode="edge")
    speed = moved * fps / leg / np.maximum(times[2 * reach :] - times[: -2 * reach], 1)[:, None]

    heights = feet[..., 1]
    lowest = _lowest_nearby(heights, max(round(NEARBY_S * fps), 1))
    floor = np.percentile(heights, 5, axis=0).reshape(2, 2).min(axis=0)  # of ankles, of balls
    above = heights.reshape(-1, 2, 2) - floor
    other = above.min(axis=2).min(axis=1)[:, None, None]
    supported = np.minimum(np.abs(above), above - other).reshape(-1, 4)
    risen = np.maximum(heights - lowest, supported) / leg

    comes = (speed < SLOW) & (risen < LOW)
    stays = (speed < FAST) & (risen < HIGH)
    few = round(SHORT_S * fps)
    standing = np.stack([_steady(comes[:, j], stays[:, j], few) for j in range(4)], axis=1)
    return Contacts(standing.reshape(-1, 2, 2), float(floor.min()))


def _leg(positions: Floats) -> float:
    """Mean length of the legs (T, 22, 3), hip by knee to ankle."""
    bones = [JOINTS.index(f"{side}_{joint}") for side in ("left", "right") for joint in ("knee", "ankle")]
    ways = positions[:, bones] - positions[:, [PARENTS[bone] for bone in bones]]
    return max(float(lengths(ways).mean()) * 2, 1e-6)


def _lowest_nearby(heights: Floats, reach: int) -> Floats:
    """The least of ``heights`` (T, C) within ``reach`` frames."""
    padded = np.pad(heights, ((reach, reach), (0, 0)), mode="edge")
    lowest: Floats = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=0).min(axis=-1)
    return lowest


def _steady(comes: Bools, stays: Bools, few: int) -> Bools:
    """Where ``stays`` holds without a break around a frame of ``comes``, no stretch or gap under ``few``."""
    standing = np.zeros_like(stays)
    for start, end in stretches(stays):
        if comes[start:end].any():
            standing[start:end] = True
    for start, end in stretches(~standing):
        if end - start < few and start > 0 and end < len(standing):
            standing[start:end] = True
    for start, end in stretches(standing):
        if end - start < few and start > 0 and end < len(standing):
            standing[start:end] = False
    return standing


def stretches(on: Bools) -> list[tuple[int, int]]:
    """The [start, end) ranges where ``on`` (T,) is true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], on, [False]]).astype(np.int8)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]
