"""Whether two motions are one: their joints compared, whatever was done to the file in between.

Limbs are told by their directions, so neither size nor skeleton matters; the shift in time is the best of all
(by correlation), and the heading that which brings the directions of all frames together best. What is left
over is told in degrees, and as the part of the movement that the other does not explain: who stands still
looks like everybody who does, and only what moves in the same way is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from motionary.body import JOINTS, PARENTS, find_body, mirror_joints
from motionary.features import FPS, motion_joints
from motionary.motion import Motion, rest_positions

__all__ = ["Likeness", "Trace", "compare", "trace"]

Floats: TypeAlias = NDArray[np.float64]
Complex: TypeAlias = NDArray[np.complex128]

AT = {name: number for number, name in enumerate(JOINTS)}
LIMBS = [
    (PARENTS[AT[f"{s}_{j}"]], AT[f"{s}_{j}"])
    for s in ("left", "right")
    for j in ("knee", "ankle", "elbow", "wrist")
]
LINES = [
    *LIMBS,
    (AT["pelvis"], AT["neck"]),
    (AT["right_hip"], AT["left_hip"]),
    (AT["right_shoulder"], AT["left_shoulder"]),
]
"""What is compared, from which joint to which."""

LEAST_S = 0.75
"""Seconds that two motions have to share for anything to be said."""
SHARED = 0.6
"""Of the shorter motion, the part that has to lie within the other."""
PARTS = 5
"""Steps of a frame at 20 fps to either side, in which the shift in time is found."""
DIFFERS = 0.01
"""Of the movement, the part that differs where it is even whether it is one. Copies of CMU's clips, cut and
at another rate, differ by 0.004 or less; two takes in which one person walks along by 0.017 or more."""
STILL_DEG = 1.0
"""Degrees off of what hardly moves where it is even likewise: there, noise is as large as the movement."""
MOVES_DEG = 3.0
"""Degrees (root of the mean square) that the limbs have to leave their mean for a movement to be compared."""
BENT_DEG = 15.0
"""Degrees that a skeleton's own shape may turn a limb by throughout."""


@dataclass(frozen=True, eq=False)
class Trace:
    """A motion as it is compared. across: (T, L) complex, x + iz of each line's direction; up: (T, L), y.

    way: (T, 2) of the pelvis over the floor, in leg lengths. leg: metres. lengths: (21,) bones, of the leg.
    """

    across: Complex
    up: Floats
    way: Floats
    leg: float
    lengths: Floats


@dataclass(frozen=True)
class Likeness:
    """How like ``b`` is to ``a``, where both are lying over each other best.

    sure: 0 to 1 that it is one motion, from the part of the movement that is not the same. degrees: what is
    left between the limbs (root of the mean square), but for what is so throughout; bend_deg: that. start_s:
    second of ``a`` at which ``b`` begins, negative where it begins before. shared_s: seconds that both show.
    turned_deg: heading of ``b`` against ``a``. scale: legs of ``b`` over those of ``a``. shape: how much the
    proportions differ, mean over the bones in leg lengths. way_a, way_b: leg lengths that the pelvis covers.
    """

    sure: float
    degrees: float
    bend_deg: float
    start_s: float
    shared_s: float
    turned_deg: float
    scale: float
    shape: float
    way_a: float
    way_b: float


def trace(motion: Motion, *, mirrored: bool = False) -> Trace:
    """What `compare` needs of a motion, or of its mirror image. MotionaryError where it is no human body."""
    body = find_body(motion.skeleton)
    joints = motion_joints(motion, body)
    if mirrored:
        joints = mirror_joints(joints)
    lines = joints[:, [to for _, to in LINES]] - joints[:, [from_ for from_, _ in LINES]]
    lines /= np.maximum(np.linalg.norm(lines, axis=-1, keepdims=True), 1e-9)
    # The movement is the common body's; whose skeleton it is on is told by its own bones.
    own = body.weights @ rest_positions(motion.skeleton)
    bones = np.linalg.norm(own[1:] - own[list(PARENTS[1:])], axis=-1)
    legs = [AT[f"{side}_{joint}"] - 1 for side in ("left", "right") for joint in ("knee", "ankle")]
    leg = max(float(bones[legs].sum()) / 2, 1e-6)
    return Trace(
        lines[..., 0] + 1j * lines[..., 2], lines[..., 1], joints[:, 0, [0, 2]] / leg, leg, bones / leg
    )


def compare(a: Trace, b: Trace) -> Likeness | None:
    """How like two motions are; None where they share too little, or nothing is alike at first sight."""
    shortest = min(len(a.up), len(b.up))
    least = max(round(SHARED * shortest), min(round(LEAST_S * FPS), shortest))
    if least < round(LEAST_S * FPS):
        return None
    shift, alike = _best_shift(a, b, least)
    if alike < np.cos(np.radians(35.0)):
        return None
    found = [_at(a, b, shift + part / (2 * PARTS)) for part in range(-PARTS, PARTS + 1)]
    return max(found, key=lambda likeness: (likeness.sure, -likeness.degrees))


def _best_shift(a: Trace, b: Trace, least: int) -> tuple[int, float]:
    """Frames of ``a`` before ``b`` begins, and the mean cosine of the directions there, heading removed."""
    frames, others = len(a.up), len(b.up)
    size = 1 << int(np.ceil(np.log2(frames + others)))
    across = np.fft.ifft(
        (np.fft.fft(a.across, size, axis=0) * np.fft.fft(b.across, size, axis=0).conj()).sum(axis=1)
    )
    up = np.fft.irfft(
        (np.fft.rfft(a.up, size, axis=0) * np.fft.rfft(b.up, size, axis=0).conj()).sum(axis=1), size
    )
    shifts = np.arange(least - others, frames - least + 1)
    shared = np.minimum(frames, shifts + others) - np.maximum(shifts, 0)
    alike = (np.abs(across[shifts]) + up[shifts]) / (shared * len(LINES))
    best = int(np.argmax(alike))
    return int(shifts[best]), float(alike[best])


def _at(a: Trace, b: Trace, shift: float) -> Likeness:
    """How like they are when ``b`` begins ``shift`` frames after ``a`` does."""
    # Frame k of b lies at k + shift; a is read between its frames there.
    first = max(0, int(np.ceil(-shift)))
    last = min(len(b.up), int(np.floor(len(a.up) - 1 - shift)) + 1)
    at = np.arange(first, last) + shift
    low = np.clip(np.floor(at).astype(int), 0, len(a.up) - 1)
    high = np.minimum(low + 1, len(a.up) - 1)
    part = (at - low)[:, None]
    across, up = (x[low] * (1 - part) + x[high] * part for x in (a.across, a.up))
    way = a.way[low] * (1 - part) + a.way[high] * part
    other, other_up = b.across[first:last], b.up[first:last]
    turn = np.angle((across.conj() * other).sum())
    other = other * np.exp(-1j * turn)

    gap, gap_up = across - other, up - other_up
    bend, bend_up = gap.mean(axis=0), gap_up.mean(axis=0)
    left = float((np.abs(gap - bend) ** 2 + (gap_up - bend_up) ** 2).mean())
    moved = (
        float(
            (np.abs(across - across.mean(axis=0)) ** 2 + (up - up.mean(axis=0)) ** 2).mean()
            + (np.abs(other - other.mean(axis=0)) ** 2 + (other_up - other_up.mean(axis=0)) ** 2).mean()
        )
        / 2
    )
    degrees = float(np.degrees(np.sqrt(left)))
    bent = float(np.degrees(np.sqrt((np.abs(bend) ** 2 + bend_up**2).mean())))
    moves = bent < BENT_DEG and np.degrees(np.sqrt(moved)) > MOVES_DEG
    differs = left / moved if moves else np.inf
    differs = min(differs, DIFFERS * float(np.hypot(degrees, bent) / STILL_DEG) ** 2)
    return Likeness(
        sure=1.0 / (1.0 + (differs / DIFFERS) ** 3),
        degrees=degrees,
        bend_deg=bent,
        start_s=shift / FPS,
        shared_s=len(at) / FPS,
        # x + iz turns the other way about Y than headings are told.
        turned_deg=float(np.degrees(-turn)),
        scale=b.leg / a.leg,
        shape=float(np.abs(a.lengths - b.lengths).mean()),
        way_a=_covered(way),
        way_b=_covered(b.way[first:last]),
    )


def _covered(way: Floats) -> float:
    return float(np.linalg.norm(np.diff(way[::5], axis=0), axis=-1).sum()) if len(way) > 1 else 0.0
