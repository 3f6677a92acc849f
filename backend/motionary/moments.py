"""Moments: which seconds of a take a hit is about, and where it is well cut.

A take is embedded in windows of several lengths (`motionary.index.Windows`). Windows that lie over each other
tell of much the same, so the moment that matches is told by all of them together: the score of each is
steadied by those of its neighbours, and those that overlap the best and score nearly as well are one moment.

The ends of windows are moved to good cuts when they are made, so that every moment begins and ends where the
limbs are slow and a foot stands, and no motion need be read to find one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from motionary.body import HUMAN_LEG, JOINTS
from motionary.contacts import body_contacts
from motionary.features import FPS

__all__ = ["REACH", "cut_costs", "moment_span", "once", "snapped"]

Floats: TypeAlias = NDArray[np.float64]

NEARBY_S = 10.0
"""Seconds before and after the best window in which windows are looked at: as long as the longest."""
ALIKE = 0.3
"""Intersection over union from which a window's score is steadied by another's."""
STEADIED = 0.5
"""The part of a steadied score that is its neighbours'."""
NEARLY = 0.05
"""Cosine below the best window's that is nearly as well."""
OVERLAPS = 0.5
"""Of the shorter window, what has to lie within the other. These four: docs/moments.md has how they were
chosen."""

REACH = 8
"""Frames at 20 fps that an end may be moved."""
LIMBS = [JOINTS.index(name) for name in ("left_wrist", "right_wrist", "left_ankle", "right_ankle")]
IN_THE_AIR = 0.5
"""Metres a second that the limbs may be faster for a foot to stand at a cut."""
FAR = 0.3
"""Metres a second that they have to be slower at the end of the reach than where the cut was wanted."""

MIDDLE_S = 6.0
"""Seconds of a window that shows what is done and little else."""
ALIKE_MPS = 0.05
"""Metres a second by which cuts differ that are taken for equally good."""


def moment_span(spans: Floats, scores: ArrayLike) -> tuple[float, float]:
    """From when to when a take matches, seconds: spans (W, 2) are its windows, scores (W,) how each does.

    A score of -inf is of a window that is not asked for; one at least is.
    """
    scores = np.asarray(scores, np.float64)
    best = int(np.argmax(scores))
    near = np.isfinite(scores)
    near &= (spans[:, 0] < spans[best, 1] + NEARBY_S) & (spans[:, 1] > spans[best, 0] - NEARBY_S)
    starts, ends, own = spans[near, 0], spans[near, 1], scores[near]
    lengths = np.maximum(ends - starts, 1e-9)
    shared = np.minimum(ends[:, None], ends) - np.maximum(starts[:, None], starts)
    alike = shared / np.maximum(lengths[:, None] + lengths - shared, 1e-9)
    weights = np.where(alike >= ALIKE, alike, 0.0)
    np.fill_diagonal(weights, 1.0)
    steadied = (1 - STEADIED) * own + STEADIED * (weights @ own) / weights.sum(axis=1)
    first = int(np.argmax(steadied))
    one = (steadied >= steadied[first] - NEARLY) & (
        shared[first] >= OVERLAPS * np.minimum(lengths, lengths[first])
    )
    one[first] = True
    return float(starts[one].min()), float(ends[one].max())


def once(spans: Floats) -> NDArray[np.intp]:
    """Which of a take's windows, spans (W, 2) in seconds, tell of it once: the one that is all of it; where
    there is none those of about MIDDLE_S; and else all.
    """
    all_of_it = np.flatnonzero((spans[:, 0] == spans[:, 0].min()) & (spans[:, 1] == spans[:, 1].max()))
    if len(all_of_it):
        return all_of_it[:1]
    middle = np.flatnonzero(np.abs(np.diff(spans)[:, 0] - MIDDLE_S) <= 2 * REACH / FPS + 1e-6)
    return middle if len(middle) else np.arange(len(spans))


def cut_costs(joints: Floats, fps: float) -> Floats:
    """How bad a cut before each frame of joints (T, 22, 3), metres, would be: (T,), metres a second.

    The mean speed of hands and feet, as of a body of a grown person's size; more where no foot stands.
    """
    steps = np.linalg.norm(np.diff(joints[:, LIMBS], axis=0), axis=-1).mean(axis=-1) * fps
    if not len(steps):
        return np.zeros(len(joints))
    # A cut before a frame is seen from both sides of it.
    speed = (np.append(steps, steps[-1]) + np.insert(steps, 0, steps[0])) / 2
    legs = np.linalg.norm(joints[:, JOINTS.index("left_hip")] - joints[:, JOINTS.index("left_knee")], axis=-1)
    grown = HUMAN_LEG / max(2 * float(legs.mean()), 1e-6)
    flies = ~body_contacts(joints, fps).standing.any(axis=(1, 2))
    costs: Floats = speed * grown + IN_THE_AIR * flies
    return costs


def snapped(
    ranges: Sequence[tuple[int, int]], costs: Floats, end: int, longest: int
) -> list[tuple[int, int]]:
    """[start, end) ranges of frames, in order, each end moved to the best cut at most REACH frames away.

    The ends of the take, 0 and ``end``, are the best cuts of all, and stay. costs: (T,) of `cut_costs`, T of
    ``end`` or more. None becomes longer than ``longest`` frames, which it was not. Ranges that become the
    same are told once; one too short to be moved stays.
    """
    found: dict[tuple[int, int], None] = {}
    for start, stop in ranges:
        if stop - start > 2 * REACH:
            start = _best_cut(start, costs, end, end - longest if stop == end else 0, end)
            stop = _best_cut(stop, costs, end, start + 1, start + longest)
        found[start, stop] = None
    return sorted(found)


def _best_cut(wanted: int, costs: Floats, end: int, first: int, last: int) -> int:
    """The best cut near ``wanted``, and from ``first`` to ``last``."""
    near = np.arange(max(wanted - REACH, first, 0), min(wanted + REACH, last, end) + 1)
    away = np.abs(near - wanted)
    # Rounded, so that a motion that went through a file is cut where it was before.
    worth = np.round((costs[near] + FAR * away / REACH) / ALIKE_MPS)
    worth[(near == 0) | (near == end)] = -1
    return int(near[np.lexsort((away, worth))[0]])
