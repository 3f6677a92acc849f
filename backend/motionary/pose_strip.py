"""Small pictures of a motion, drawn by numpy alone: a strip of poses side by side, and frames to play.

For lists and icons, where hundreds are drawn while somebody waits: figures of capsules, whose edges are
smooth because each pixel knows how far it is from a limb. Left limbs are orange, right ones blue, on a clear
background that any theme shows through. Nothing is shared between calls, so that threads may draw at once.

Pictures are as Blender takes them: (H, W, 4) float32 from 0 to 1, the bottom row first, and colours
multiplied by alpha, as it draws preview images.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from motionary.body import JOINTS, body_positions
from motionary.errors import MotionaryError
from motionary.motion import Motion

__all__ = ["pose_frames", "pose_strip"]

Floats: TypeAlias = NDArray[np.float64]
Picture: TypeAlias = NDArray[np.float32]
Ball: TypeAlias = tuple[Floats, float]
"""Centres (N, 3), one a figure, and a radius on a body with legs of LEG."""

VIEW_ASIDE = np.radians(42)
"""Three-quarter view: how far the camera stands to the side of where the character faces."""
VIEW_DOWN = np.radians(10)

COLOURS = {
    "trunk": (0.66, 0.68, 0.73),
    "left": (0.95, 0.51, 0.17),
    "right": (0.27, 0.56, 0.93),
}
EDGE = (0.06, 0.06, 0.08)
"""Around each limb, so that it stands out from those behind it and from a bright background."""
EDGE_ALPHA = 0.75
EDGE_WIDTH, LEAST_EDGE = 0.012, 0.7
"""Of the picture's height, and pixels."""
SHADE = 0.4
"""How much darker a limb is at its sides than along its middle."""
FIRST_ALPHA = 0.6
"""How opaque the first pose of a strip is; the last is wholly so."""
SHADOW = 0.35
"""How dark the floor is below a figure that touches it; a third of that where it is SHADOW_FADES above."""
SHADOW_FADES = 0.35

MARGIN = 0.05
"""Empty space around and between the figures, in heights of the highest."""
LEAST_HEIGHT = 1.1
"""Legs that the picture is high at least: who lies is not drawn as a giant."""
LEAST_RADIUS = 0.8
"""Pixels."""
STOUTER, AS_IS = 0.25, 160.0
"""How much thicker limbs are in the smallest picture, for they are to be seen, and the height in pixels from
which on they are as thick as a body's."""
SMALLEST, LARGEST = 8, 4096
MOST_PICTURES = 1000
DISSOLVE = 6
"""One frame in so many, at the end, dissolves into the first: a clip that is no loop plays on softly."""

LEG = 0.9
"""Metres from hip to ankle of the body whose radii these are."""
LEG_BALLS = (("hip", 0.085), ("knee", 0.056), ("ankle", 0.042), ("foot", 0.034))
ARM_BALLS = (("shoulder", 0.054), ("elbow", 0.042), ("wrist", 0.032))
HAND = 0.35
"""How far a hand reaches beyond the wrist, in forearms."""


def pose_strip(
    motion: Motion, poses: int = 6, size: tuple[int, int] = (192, 64), *, tiles: int = 1
) -> Picture:
    """``poses`` figures, left to right, each from the middle of one of as many parts of ``motion``.

    size: (W, H) pixels. tiles: parts of the same width that the picture can be cut into, with as many poses
    in each, none of which crosses a cut. Returns (H, W, 4) float32 RGBA in [0, 1], the bottom row first,
    colours multiplied by alpha. All poses are seen from one side, so that a turn shows, at one size and on
    one floor; later ones are more opaque. MotionaryError where the skeleton is no human body, or a number
    makes no sense.
    """
    _check(poses, size, tiles)
    width, height = size[0] // tiles, size[1]
    figures = _figures(motion, (2 * np.arange(poses) + 1) * motion.frames // (2 * poses))
    left, right = (end.reshape(tiles, -1) for end in figures.across)
    low, tall = figures.span
    gap, gaps = MARGIN * tall, poses // tiles + 1
    taken = (right - left).sum(axis=1, keepdims=True)
    widest, edges = float(taken.max()), gaps * (_edge(height) + 1 + LEAST_RADIUS)
    scale = min(
        height / (tall + 2 * gap), width / (widest + gap * gaps), max(width - edges, width / 2) / widest
    )
    between = (width / scale - taken) / gaps
    places = np.cumsum(right - left + between, axis=1) - right  # of the hips, from their tile's left side

    picture = np.zeros((height, size[0], 4), np.float32)
    for pose, place in enumerate(places.ravel()):
        columns, alone = _drawn(
            figures, pose, scale, (scale * place, height / 2 - scale * (low + tall / 2)), (width, height)
        )
        alone *= np.float32(FIRST_ALPHA + (1 - FIRST_ALPHA) * (pose + 1) / poses)
        tile = pose * tiles // poses
        _lay(picture[:, tile * width : (tile + 1) * width][:, columns], alone)
    return picture


def pose_frames(motion: Motion, count: int = 24, size: tuple[int, int] = (96, 96)) -> Picture:
    """``count`` pictures of one figure, evenly through ``motion``, that play over and over.

    size: (W, H) pixels. Returns (count, H, W, 4) float32 RGBA in [0, 1], the bottom row first, colours
    multiplied by alpha. The camera looks from one side throughout, and goes over the floor as the hips do.
    The last few pictures dissolve into the first. Shown for ``motion.duration / count`` seconds each, they
    play at the clip's own speed. MotionaryError where the skeleton is no human body, or a number makes no
    sense.
    """
    _check(count, size)
    width, height = size
    figures = _figures(motion, np.arange(count) * motion.frames // count)
    left, right = figures.across
    low, tall = figures.span
    wide = 2 * float(max(-left.min(), right.max()))
    scale = min(height / (tall * (1 + 2 * MARGIN)), width / (wide + 2 * MARGIN * tall))
    middle = (width / 2, height / 2 - scale * (low + tall / 2))

    pictures = np.zeros((count, height, width, 4), np.float32)
    for frame in range(count):
        columns, alone = _drawn(figures, frame, scale, middle, size)
        pictures[frame][:, columns] = alone
    tail = count // DISSOLVE
    part = (np.arange(1, tail + 1, dtype=np.float32) / (tail + 1))[:, None, None, None]
    pictures[count - tail :] += part * (pictures[0] - pictures[count - tail :])
    return pictures


def _check(count: int, size: tuple[int, int], tiles: int = 1) -> None:
    if tiles < 1 or count % tiles or size[0] % tiles:
        raise MotionaryError(f"{count} poses over {size[0]} pixels cannot be cut into {tiles} alike")
    if not 1 <= count <= MOST_PICTURES:
        raise MotionaryError(f"a motion is drawn in 1 to {MOST_PICTURES} poses, not {count}")
    if not all(SMALLEST <= side <= LARGEST for side in size):
        raise MotionaryError(
            f"a picture of a motion is {SMALLEST} to {LARGEST} pixels wide and high, not "
            f"{size[0]} x {size[1]}"
        )


# What the camera sees


@dataclass(frozen=True, eq=False)
class _Limb:
    """Capsules of one colour. ends: (N, C, 2, 3) of N figures, metres. radii: (C, 2) at the ends."""

    colour: str
    ends: Floats
    radii: Floats


@dataclass(frozen=True, eq=False)
class _Figures:
    """N figures in the camera's axes (right, up, towards it), metres, with the hips at 0 to the right.

    floor: how far up the floor below the hips is. lifts: (N,) what the lowest point is above it. size: of the
    body, 1 for one with legs of LEG.
    """

    limbs: tuple[_Limb, ...]
    floor: float
    lifts: Floats
    size: float

    def reach(self, axis: int) -> tuple[Floats, Floats]:
        """What each figure takes along an axis, (N,) from and (N,) to."""
        low = [(limb.ends[..., axis] - limb.radii).min(axis=(1, 2)) for limb in self.limbs]
        high = [(limb.ends[..., axis] + limb.radii).max(axis=(1, 2)) for limb in self.limbs]
        return np.min(low, axis=0), np.max(high, axis=0)

    @property
    def across(self) -> tuple[Floats, Floats]:
        """What each figure takes to the left and right of its hips, (N,) and (N,)."""
        return self.reach(0)

    @property
    def span(self) -> tuple[float, float]:
        """Where the lowest of all begins, or the floor, and how high all are."""
        lows, highs = self.reach(1)
        low = min(float(lows.min()), self.floor)
        return low, max(float(highs.max()) - low, LEAST_HEIGHT * LEG * self.size)


def _figures(motion: Motion, frames: NDArray[np.int64]) -> _Figures:
    """The figures at ``frames`` (N,) of ``motion``."""
    drawn = replace(motion, rotations=motion.rotations[frames], translation=motion.translation[frames])
    joints = body_positions(drawn)
    joints -= joints[:, :1] * [1.0, 0.0, 1.0]
    at = dict(zip(JOINTS, np.moveaxis(joints, 1, 0), strict=True))
    size = _size(at)
    limbs = list(_limbs(at, size))
    lowest = np.min([(limb.ends[..., 1] - limb.radii).min(axis=(1, 2)) for limb in limbs], axis=0)
    axes = _camera(at)
    seen = tuple(replace(limb, ends=limb.ends @ axes.T) for limb in limbs)
    ground = float(lowest.min())
    return _Figures(seen, ground * float(axes[1, 1]), lowest - ground, size)


def _size(at: Mapping[str, Floats]) -> float:
    bones = [
        np.linalg.norm(at[f"{side}_{above}"][0] - at[f"{side}_{below}"][0])
        for side in ("left", "right")
        for above, below in (("hip", "knee"), ("knee", "ankle"))
    ]
    return max(float(np.sum(bones)) / 2 / LEG, 1e-6)


def _camera(at: Mapping[str, Floats]) -> Floats:
    """The camera's axes (3, 3) in the world, a row each, by where all figures face, or else the first."""
    across = at["left_hip"] - at["right_hip"] + at["left_shoulder"] - at["right_shoulder"]
    facing = np.cross(across, (0.0, 1.0, 0.0))
    middle, enough = facing.mean(axis=0), 0.3 * float(np.linalg.norm(across, axis=1).mean())
    if np.linalg.norm(middle) < enough:
        middle = facing[0]
    angle = np.arctan2(middle[0], middle[2]) - VIEW_ASIDE
    back = np.array([np.sin(angle), 0.0, np.cos(angle)])
    right = np.cross((0.0, 1.0, 0.0), back)
    outward = back * np.cos(VIEW_DOWN) + np.array([0.0, np.sin(VIEW_DOWN), 0.0])
    return np.stack([right, np.cross(outward, right), outward])


def _limbs(at: Mapping[str, Floats], size: float) -> Iterator[_Limb]:
    """The limbs of all figures, in the world."""

    def limb(colour: str, *chains: list[Ball]) -> _Limb:
        pairs = [pair for chain in chains for pair in pairwise(chain)]
        ends = np.stack([np.stack([a, b], axis=1) for (a, _), (b, _) in pairs], axis=1)
        return _Limb(colour, ends, np.array([(wide, narrow) for (_, wide), (_, narrow) in pairs]) * size)

    for side in ("left", "right"):
        leg: list[Ball] = [(at[f"{side}_{joint}"], radius) for joint, radius in LEG_BALLS]
        arm: list[Ball] = [(at[f"{side}_{joint}"], radius) for joint, radius in ARM_BALLS]
        elbow, wrist = at[f"{side}_elbow"], at[f"{side}_wrist"]
        yield limb(side, leg, [(_heel(at, side), 0.036), leg[2]])
        yield limb(side, [*arm, (wrist + (wrist - elbow) * HAND, 0.034)])
    hips = (at["left_hip"] + at["right_hip"]) / 2
    shoulders = (at["left_shoulder"] + at["right_shoulder"]) / 2
    chest = hips + (shoulders - hips) * 0.8
    yield limb(
        "trunk",
        [(at["left_hip"], 0.088), (at["right_hip"], 0.088)],
        [(hips, 0.11), (at["spine2"], 0.105), (chest, 0.13)],
        [(at["left_shoulder"], 0.06), (chest, 0.1), (at["right_shoulder"], 0.06)],
    )
    head = at["head"]
    up = (head - shoulders) / np.maximum(np.linalg.norm(head - shoulders, axis=1), 1e-9)[:, None] * size
    yield limb(
        "trunk", [(shoulders, 0.06), (head, 0.05)], [(head + up * 0.07, 0.085), (head + up * 0.14, 0.098)]
    )


def _heel(at: Mapping[str, Floats], side: str) -> Floats:
    """Under the ankle, at the height of the ball of the foot, and as far back as a heel is."""
    knee, ankle, ball = (at[f"{side}_{joint}"] for joint in ("knee", "ankle", "foot"))
    shin = (ankle - knee) / np.maximum(np.linalg.norm(ankle - knee, axis=1), 1e-9)[:, None]
    drop = np.maximum(np.sum((ball - ankle) * shin, axis=1), 0.0)[:, None] * shin
    heel: Floats = ankle + drop - (ball - ankle - drop) * 0.3
    return heel


# Pixels


def _edge(height: int) -> float:
    """How wide the edge around limbs is."""
    return max(EDGE_WIDTH * height, LEAST_EDGE)


def _drawn(
    figures: _Figures, which: int, scale: float, at: tuple[float, float], size: tuple[int, int]
) -> tuple[slice, Picture]:
    """One figure, ``scale`` pixels a metre, its hips' column and the zero of its height at ``at``: the
    columns of the picture that it takes, and what is in them (H, columns, 4)."""
    width, height = size
    edge = _edge(height)
    shift, flat = np.array(at, np.float32), np.float32(scale)
    stout = np.float32(1 + STOUTER * max(1 - height / AS_IS, 0.0))
    left, right = (float(end[which]) for end in figures.across)
    pad = edge + 1 + LEAST_RADIUS + STOUTER * MARGIN * height
    columns = slice(max(int(at[0] + scale * left - pad), 0), min(int(at[0] + scale * right + pad) + 2, width))
    picture = np.zeros((height, columns.stop - columns.start, 4), np.float32)
    shift[0] -= columns.start
    _shade_floor(picture, figures, which, scale, shift)
    for limb in sorted(figures.limbs, key=lambda limb: float(limb.ends[which, ..., 2].mean())):
        ends = limb.ends[which, ..., :2].astype(np.float32) * flat + shift
        radii = np.maximum(limb.radii.astype(np.float32) * flat * stout, np.float32(LEAST_RADIUS))
        _draw_limb(picture, ends, radii, np.array(COLOURS[limb.colour], np.float32), np.float32(edge))
    return columns, picture


def _shade_floor(picture: Picture, figures: _Figures, which: int, scale: float, shift: Picture) -> None:
    """The figure's shadow: an ellipse on the floor, fainter the higher the figure is above it."""
    left, right = (float(end[which]) for end in figures.across)
    wide = max(0.5 * (right - left), 1e-6) * scale
    high = max(wide * float(np.sin(VIEW_DOWN)), 1.0)
    x = (np.arange(picture.shape[1], dtype=np.float32) + 0.5 - shift[0] - scale * (left + right) / 2) / wide
    y = (np.arange(picture.shape[0], dtype=np.float32) + 0.5 - shift[1] - scale * figures.floor) / high
    near = np.maximum(1 - x[None] ** 2 - y[:, None] ** 2, 0)
    lift = figures.lifts[which] / (SHADOW_FADES * figures.size)
    picture[..., 3] = SHADOW * np.exp(-lift) * near


def _draw_limb(picture: Picture, ends: Picture, radii: Picture, colour: Picture, edge: np.float32) -> None:
    """Draw capsules, ``ends`` (C, 2, 2) and ``radii`` (C, 2) in pixels, as one limb over ``picture``."""
    pad = radii.max() + edge + 1
    (x0, y0), (x1, y1) = ends.min(axis=(0, 1)) - pad, ends.max(axis=(0, 1)) + pad
    rows = slice(max(int(y0), 0), max(int(y1) + 1, 0))
    columns = slice(max(int(x0), 0), max(int(x1) + 1, 0))
    box = picture[rows, columns]
    y = np.arange(box.shape[0], dtype=np.float32)[:, None] + np.float32(rows.start + 0.5)
    x = np.arange(box.shape[1], dtype=np.float32) + np.float32(columns.start + 0.5)

    # How far each pixel is from each capsule's axis, and how thick the capsule is there.
    (ax, ay), (bx, by) = np.moveaxis(ends, 0, 2)[..., None, None]
    dx, dy, px, py = bx - ax, by - ay, x - ax, y - ay
    along = (px * dx + py * dy) / np.maximum(dx * dx + dy * dy, np.float32(1e-6))
    np.clip(along, 0, 1, out=along)
    radius = radii[:, 0, None, None] + along * (radii[:, 1] - radii[:, 0])[:, None, None]
    distance = np.sqrt((px - along * dx) ** 2 + (py - along * dy) ** 2)
    outside = (distance - radius).min(axis=0)
    aside = np.minimum((distance / radius).min(axis=0), 1)

    inside = np.clip(0.5 - outside, 0, 1)[..., None]
    around = np.clip(0.5 + edge - outside, 0, 1)[..., None] * np.float32(EDGE_ALPHA)
    light = (1 - np.float32(SHADE) * aside**2)[..., None] * colour
    over = np.empty_like(box)
    over[..., :3] = around * (1 - inside) * np.array(EDGE, np.float32) + inside * light
    over[..., 3:] = around + inside - around * inside
    _lay(box, over)


def _lay(under: Picture, over: Picture) -> None:
    """Put ``over`` on top of ``under``, in place."""
    under *= 1 - over[..., 3:]
    under += over
