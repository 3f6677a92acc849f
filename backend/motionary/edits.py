"""What an animator does to a clip before it is applied: trim, mirror, reverse, speed, repeat.

All are exact but the seams of a repeat, and all leave the motion that they are given as it was.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from motionary import rotation
from motionary.body import JOINTS, body_positions
from motionary.errors import MotionaryError
from motionary.motion import Motion, slice_frames

__all__ = ["Edit", "edit", "mirror", "reflect", "repeat", "trim"]

Floats: TypeAlias = NDArray[np.float64]

SLOWEST, FASTEST = 0.1, 10.0
MOST_COPIES = 1000
MOST_FRAMES = 1_000_000

SIDES = (
    re.compile("left|right|左|右", re.IGNORECASE),
    re.compile(r"(?<![A-Za-z])[LR](?![a-z])", re.IGNORECASE),  # thigh.L, l_arm
    re.compile(r"(?<![A-Za-z])[LRlr]"),  # lThigh, LHip, lfemur
    re.compile(r"(?<=[a-z\d])[LR](?![a-z])"),  # ThighL
)
"""How names say their side, the surest first; only where the other side's name is there too does it count."""


@dataclass(frozen=True)
class Edit:
    """start_s, end_s: the part that is used, in seconds of the clip, to its end if None. mirror: left and
    right change sides. reverse: from the end to the beginning. speed: 2 is twice as fast. repeat: how many
    times, each copy going on from where the one before ended, the seam blended over loop_blend_s seconds.

    Done in this order. MotionaryError where a value makes no sense.
    """

    start_s: float = 0.0
    end_s: float | None = None
    mirror: bool = False
    reverse: bool = False
    speed: float = 1.0
    repeat: int = 1
    loop_blend_s: float = 0.25

    def __post_init__(self) -> None:
        numbers = (self.start_s, self.speed, self.loop_blend_s, *([] if self.end_s is None else [self.end_s]))
        if not np.isfinite(numbers).all():
            raise MotionaryError(f"start, end, speed and blend of a clip are numbers, not {numbers}")
        if self.start_s < 0 or (self.end_s is not None and self.end_s <= self.start_s):
            raise MotionaryError(f"a clip cannot be cut from {self.start_s} s to {self.end_s} s")
        if not SLOWEST <= self.speed <= FASTEST:
            raise MotionaryError(f"speed is {self.speed:g}; it goes from {SLOWEST} to {FASTEST:g}")
        if not 1 <= self.repeat <= MOST_COPIES:
            raise MotionaryError(f"a clip is repeated 1 to {MOST_COPIES} times, not {self.repeat}")
        if self.loop_blend_s < 0:
            raise MotionaryError(f"a loop is blended over 0 s or more, not {self.loop_blend_s:g}")


def edit(motion: Motion, what: Edit) -> Motion:
    """``motion`` with ``what`` done to it; MotionaryError where nothing of it is left, or too much."""
    if (what.start_s, what.end_s) != (0.0, None):
        motion = trim(motion, what.start_s, what.end_s)
    if what.mirror:
        motion = mirror(motion)
    if what.reverse:
        motion = replace(motion, rotations=motion.rotations[::-1], translation=motion.translation[::-1])
    if what.speed != 1.0:
        motion = replace(motion, fps=motion.fps * what.speed)
    return repeat(motion, what.repeat, what.loop_blend_s) if what.repeat > 1 else motion


def trim(motion: Motion, start_s: float, end_s: float | None = None) -> Motion:
    """The frames of ``motion`` from ``start_s`` up to ``end_s`` seconds, at least one.

    MotionaryError where it starts after the motion's end.
    """
    start = round(start_s * motion.fps)
    end = motion.frames if end_s is None else min(round(end_s * motion.fps), motion.frames)
    if start >= motion.frames:
        raise MotionaryError(
            f"clip is {motion.duration:.2f} s long; nothing is left of it from {start_s:g} s on"
        )
    return slice_frames(motion, start, max(end, start + 1))


def mirror(motion: Motion) -> Motion:
    """The mirror image in the plane x = 0: who raises the left hand raises the right one.

    Every joint is reflected, the skeleton's offsets too, and the names of left and right are exchanged: so it
    is exact for bodies that are not the same on both sides, and mirrored twice a motion is what it was.
    """
    image = reflect(motion)
    names = _other_names(image.skeleton.names)
    return replace(image, skeleton=replace(image.skeleton, names=names))


def reflect(motion: Motion) -> Motion:
    """The same under the names as they were: what is called left is now where the right was."""
    skeleton = motion.skeleton
    return Motion(
        replace(skeleton, offsets=skeleton.offsets * [-1.0, 1.0, 1.0]),
        motion.rotations * [1.0, 1.0, -1.0, -1.0],
        motion.translation * [-1.0, 1.0, 1.0],
        motion.fps,
    )


def _other_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Each name, or that of its partner on the other side where there is one."""
    there = set(names)

    def other(name: str) -> str:
        for side in SIDES:
            swapped = side.sub(_swapped, name)
            if swapped != name and swapped in there:
                return swapped
        return name

    partner = {name: other(name) for name in names}
    return tuple(partner[name] if partner[partner[name]] == name else name for name in names)


def _swapped(found: re.Match[str]) -> str:
    """The other side in the same case."""
    word, other = found[0], {"left": "right", "right": "left", "l": "r", "r": "l", "左": "右", "右": "左"}
    swapped = other[word.lower()]
    return swapped.upper() if word.isupper() else swapped.capitalize() if word[0].isupper() else swapped


def repeat(motion: Motion, times: int, blend_s: float = 0.25) -> Motion:
    """``times`` copies of ``motion``, each going on from the place and heading that the one before reached.

    A copy begins in its own first pose plus what that lacks to the pose that the one before was going to; the
    difference dies away over ``blend_s`` seconds, at most over the clip (inertial blending, Bollo, GDC 2018),
    so that a clip which loops is repeated as it is. The result has exactly ``times`` as many frames.
    MotionaryError where that is more than a million frames, or the skeleton is no human body.
    """
    if times * motion.frames > MOST_FRAMES:
        raise MotionaryError(f"{times} copies of {motion.frames} frames are more than {MOST_FRAMES} frames")
    facing, ground = _facing(motion), np.array([1.0, 0.0, 1.0])
    before = max(motion.frames - 2, 0)
    step = rotation.multiply(rotation.inverse(motion.rotations[before]), motion.rotations[-1])
    going_to = rotation.multiply(motion.rotations[-1], step)
    way = 2 * motion.translation[-1] - motion.translation[before] - motion.translation[0]
    heading = _about_y(2 * facing[-1] - facing[before] - facing[0])

    # What the first pose lacks, seen by a body that faces as the clip begins.
    start = motion.rotations[0].copy()
    start[0] = rotation.multiply(heading, start[0])
    lacking = rotation.multiply(going_to, rotation.inverse(start))
    lacking[0] = rotation.multiply(rotation.multiply(rotation.inverse(heading), lacking[0]), heading)
    blend = max(min(blend_s * motion.fps, motion.frames - 1.0), 1.0)
    part = np.clip(np.arange(motion.frames) / blend, 0.0, 1.0)
    fading = 1.0 - part * part * (3.0 - 2.0 * part)
    blended = rotation.multiply(rotation.slerp(rotation.IDENTITY, lacking, fading[:, None]), motion.rotations)
    path = motion.translation - motion.translation[0] * ground
    blended_path = path + fading[:, None] * (way - way * ground)

    turns, places = [motion.rotations], [motion.translation]
    turned, place = rotation.IDENTITY, motion.translation[0] * ground
    for _ in range(times - 1):
        place = place + rotation.rotate(turned, way * ground)
        turned = rotation.multiply(heading, turned)
        rotations = blended.copy()
        rotations[:, 0] = rotation.multiply(turned, rotations[:, 0])
        turns.append(rotations)
        places.append(rotation.rotate(turned, blended_path) + place)
    return replace(motion, rotations=np.concatenate(turns), translation=np.concatenate(places))


def _about_y(angle: float) -> Floats:
    return rotation.from_axis_angle([0.0, 1.0, 0.0], angle)


def _facing(motion: Motion) -> Floats:
    """Where the body faces (T,), radians about Y: by hips and shoulders, which swing against each other.

    MotionaryError where there is no human body.
    """
    at = dict(zip(JOINTS, np.moveaxis(body_positions(motion), 1, 0), strict=True))
    across = at["left_hip"] - at["right_hip"] + at["left_shoulder"] - at["right_shoulder"]
    angles: Floats = np.unwrap(np.arctan2(-across[:, 2], across[:, 0]))
    return angles
