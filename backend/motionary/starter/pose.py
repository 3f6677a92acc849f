"""Controls, the few numbers that an animator would set, and how they become joint rotations.

A performance is a dict of controls, each an array (N, k) over time. Legs and arms follow their targets by
analytic two-bone inverse kinematics, so a planted foot stays where it was put whatever the pelvis does.
Degrees and metres; positive is forward, up, or to the performer's left, unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from motionary import rotation
from motionary.motion import Motion, Skeleton, forward_kinematics
from motionary.starter.body import ANKLE, BALL, HEEL, STANDING_HEIGHT

__all__ = ["HANG", "REST", "SIDES", "Controls", "Floats", "Take", "solve"]

Floats: TypeAlias = NDArray[np.float64]
Controls: TypeAlias = dict[str, Floats]

SIDES = (("l", "left", 1.0), ("r", "right", -1.0))
"""Suffix of a control, prefix of a joint, and the sign of X."""

HANG = (0.14, -0.95, 0.08)

REST: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "pelvis": (0.0, 0.0, 0.0),  # from where the performer stands at ease: world X, Y, Z
        "body": (0.0, 0.0, 0.0),  # the pelvis: tilt forward, lean left, turn left
        "spine": (0.0, 0.0, 0.0),  # pelvis to chest: bend forward, lean left, twist left
        "head": (0.0, 0.0, 0.0),  # chest to head: nod, lean left, turn left
        "ground": (0.0,),  # 1: the pelvis is as high as lets the lowest part of the body touch the floor
        **{
            f"{part}_{side}": value
            for side, _, sign in SIDES
            for part, value in {
                "hand": HANG,  # wrist from shoulder, in arm lengths along the chest's out, up, forward
                "elbow": (0.0,),  # raises the elbow round the line from shoulder to hand
                "wrist": (0.0, 0.0, 0.0),  # bend to the palm, to the thumb, turn the palm up
                "collar": (0.0, 0.0),  # shoulder up, forward
                "reach": (0.0, 0.0, 0.0),  # a wrist's place in the world, followed as far as...
                "hold": (0.0,),  # ... this says: 0 follows `hand`, 1 `reach`
                "foot": (sign * 0.1, 0.0, 0.0),  # the floor under the ankle of the flat foot, in the world
                "sole": (0.0, sign * 8.0),  # heel up (rolls on the ball; below 0, toes up on the heel), turn
                "knee": (0.0,),  # turns the knee outward
                "leg": (0.02, -0.97, 0.0),  # ankle from hip, in leg lengths, as `hand` but along the pelvis's
                "point": (20.0,),  # the toes of a foot that follows `leg`, down from square to the shin
                "loose": (0.0,),  # 0 follows `foot` and `sole`, which are the floor's; 1 `leg` and `point`
            }.items()
        },
    }
)

LEG_REACH = 0.996
"""The part of a leg's length that a planted leg may span: the knee never locks, so it never snaps."""

FLESH: Mapping[str, float] = MappingProxyType(
    {
        "pelvis": 0.1, "spine1": 0.1, "spine2": 0.1, "spine3": 0.1, "neck": 0.06, "head": 0.09, "hip": 0.09,
        "collar": 0.08, "shoulder": 0.06, "knee": 0.05, "ankle": 0.05, "elbow": 0.04, "wrist": 0.03,
        "foot": 0.02,
    }
)  # fmt: skip
"""How far the skin is from each joint, metres; bone ends are on it."""

LIFTS = 10
"""Times that a body on the floor is lifted out of it, or let down onto it, at most."""

SUNK = 0.02
"""A joint this far below the floor, metres, has the body lifted out of it."""

FREE_BEND = 0.03
"""A free leg is drawn in from this much sooner."""


@dataclass(frozen=True, eq=False)
class Take:
    """A solved performance: its Motion, and per frame whether the left and right foot is planted (T, 2)."""

    motion: Motion
    contacts: NDArray[np.bool_]


def solve(controls: Controls, skeleton: Skeleton, fps: float) -> Take:
    """The Motion of ``controls`` (one row a frame) on a skeleton from :func:`body.performer`.

    Lengths in the controls are for the standard performer and grow with the skeleton's legs. Where a planted
    foot is out of reach the pelvis comes down to it, smoothly. A body that would sink into the floor is kept
    out of it, and where ``ground`` asks for it set on the floor.
    """
    take = _solved(controls, skeleton, fps)
    loose = np.max([controls[f"loose_{s}"][:, 0] for s, _, _ in SIDES], axis=0) > 0
    ground, size = controls["ground"][:, 0], _size(skeleton)
    # A leg that is only partly loose is only partly lifted with the pelvis: again, until all is out of it.
    sunk = forward_kinematics(take.motion)[0][..., 1].min() < -SUNK * size
    for _ in range(LIFTS if sunk or loose.any() or ground.any() else 0):
        up = -_lowest(take.motion, size)
        up = np.maximum(up, 0.0) * (1 - ground) + up * ground
        if np.abs(up).max() < 0.002 * size:
            break
        lift = _cover(up, 2)[:, None] / size * (0.0, 1.0, 0.0)
        controls = controls | {"pelvis": controls["pelvis"] + lift}
        take = _solved(controls, skeleton, fps)
    return take


def _size(skeleton: Skeleton) -> float:
    """How many times the standard performer's legs these are."""
    return float(-skeleton.offsets[skeleton.index("left_knee"), 1] / 0.4)


def _lowest(motion: Motion, size: float) -> Floats:
    """Height of the lowest part of the body (N,), flesh and heels included."""
    names = motion.skeleton.names
    places, turns = forward_kinematics(motion)
    skin = np.array([FLESH.get(name.removeprefix("left_").removeprefix("right_"), 0.0) for name in names])
    low = (places[..., 1] - size * skin).min(axis=1)
    for _, name, _ in SIDES:
        i = names.index(f"{name}_ankle")
        heel = places[:, i] + size * rotation.rotate(turns[:, i], HEEL - ANKLE)
        low = np.minimum(low, heel[:, 1])
    result: Floats = low
    return result


def _solved(controls: Controls, skeleton: Skeleton, fps: float) -> Take:
    """As :func:`solve`, with the pelvis as high as the controls say."""
    offset = {name: skeleton.offsets[i] for i, name in enumerate(skeleton.names)}
    size = _size(skeleton)
    c = controls
    world: dict[str, Floats] = {"pelvis": _turn(c["body"])}

    feet = {s: _foot(c[f"foot_{s}"] * size, c[f"sole_{s}"], size) for s, _, _ in SIDES}
    loose = np.concatenate([c[f"loose_{s}"] for s, _, _ in SIDES], axis=1)
    contacts = np.stack([_planted(c[f"foot_{s}"], c[f"sole_{s}"], fps) for s, _, _ in SIDES], axis=-1)
    contacts &= loose < 1e-3
    pelvis = (c["pelvis"] + (0.0, STANDING_HEIGHT, 0.0)) * size
    hips = {s: rotation.rotate(world["pelvis"], offset[f"{name}_hip"]) for s, name, _ in SIDES}
    ankles = np.stack([feet[s][0] - hips[s] for s, _, _ in SIDES], axis=1)
    pelvis = pelvis - _drop(pelvis, ankles, contacts, 0.8 * size * LEG_REACH)[:, None] * (0.0, 1.0, 0.0)

    for i, (s, name, sign) in enumerate(SIDES):
        ankle, foot, toes = feet[s]
        free = loose[:, i : i + 1]
        target = (ankle - pelvis - hips[s]) * (1 - free)
        target += rotation.rotate(world["pelvis"], c[f"leg_{s}"] * (sign, 1.0, 1.0)) * (0.8 * size * free)
        reach = LEG_REACH - FREE_BEND * (1 - _cover(contacts[:, i].astype(np.float64), 1))
        follow = 0.5 * (1 - free[:, 0]) * (c[f"sole_{s}"][:, 1] - c["body"][:, 2])
        turn = sign * c[f"knee_{s}"][:, 0] + follow
        upper, lower = _two_bones(
            target,
            world["pelvis"],
            (offset[f"{name}_knee"], offset[f"{name}_ankle"]),
            (0.0, 0.0, 1.0),
            _about("y", turn),
            reach,
        )
        swung = rotation.multiply(lower, _about("x", c[f"point_{s}"][:, 0]))
        foot, toes = (rotation.slerp(floor, swung, free[:, 0]) for floor in (foot, toes))
        world |= {f"{name}_hip": upper, f"{name}_knee": lower, f"{name}_ankle": foot, f"{name}_foot": toes}

    third = _turn(c["spine"] / 3)
    for joint, parent in (("spine1", "pelvis"), ("spine2", "spine1"), ("spine3", "spine2")):
        world[joint] = rotation.multiply(world[parent], third)
    half = _turn(c["head"] / 2)
    world["neck"] = rotation.multiply(world["spine3"], half)
    world["head"] = rotation.multiply(world["neck"], half)

    chest = pelvis.copy()
    for joint, parent in (("spine1", "pelvis"), ("spine2", "spine1"), ("spine3", "spine2")):
        chest = chest + rotation.rotate(world[parent], offset[joint])
    for s, name, sign in SIDES:
        world |= _arm(c, s, name, sign, chest, world["spine3"], offset, size)

    local = np.empty((len(pelvis), len(skeleton.names), 4))
    for i, joint in enumerate(skeleton.names):
        above = world.get(skeleton.names[skeleton.parents[i]]) if i else None
        if joint not in world:
            local[:, i] = rotation.IDENTITY
        elif above is None:
            local[:, i] = world[joint]
        else:
            local[:, i] = rotation.multiply(rotation.inverse(above), world[joint])
    return Take(Motion(skeleton, rotation.continuous(rotation.normalize(local)), pelvis, fps), contacts)


def _turn(angles: Floats) -> Floats:
    """Forward, left-leaning and left-turning degrees (N, 3) as rotations: turn, then tilt, then lean."""
    return rotation.from_euler(np.radians(angles[:, [2, 0, 1]] * (1.0, 1.0, -1.0)), "YXZ")


def _about(axis: str, degrees: ArrayLike) -> Floats:
    return rotation.from_euler(np.radians(np.asarray(degrees, np.float64))[..., None], axis)


def _foot(place: Floats, sole: Floats, size: float) -> tuple[Floats, Floats, Floats]:
    """Ankle position, foot and toe rotations. A raised heel rolls on the ball, raised toes on the heel."""
    pitch, yaw = sole[:, 0], _about("y", sole[:, 1])
    roll = _about("x", pitch)
    pivot = np.where(pitch[:, None] > 0, BALL, HEEL)
    ankle = place + size * rotation.rotate(yaw, pivot + rotation.rotate(roll, ANKLE - pivot))
    # Toes stay flat on the floor while the heel rises, and straighten off it or on their backs.
    near = np.clip(1.0 - place[:, 1] / 0.15, 0.0, 1.0) * np.clip((140.0 - pitch) / 50.0, 0.0, 1.0)
    flat = np.clip(pitch, 0.0, 75.0) * near
    foot = rotation.multiply(yaw, roll)
    return ankle, foot, rotation.multiply(foot, _about("x", -flat))


def _planted(place: Floats, sole: Floats, fps: float) -> NDArray[np.bool_]:
    """Frames in which a foot neither moves nor turns on the spot (before and after the frame)."""
    state = np.concatenate([place, np.radians(sole[:, 1:]) * 0.1], axis=1)
    still = np.linalg.norm(np.diff(state, axis=0), axis=1) * fps < 0.004
    return np.concatenate([still[:1], still[1:] & still[:-1], still[-1:]])


def _drop(pelvis: Floats, ankles: Floats, contacts: NDArray[np.bool_], reach: float) -> Floats:
    """How far the pelvis must come down (N,) for every planted foot to be in reach, smooth in time."""
    away = ankles - pelvis[:, None]
    across = np.sum(away[..., [0, 2]] ** 2, axis=-1)
    need = -away[..., 1] - np.sqrt(np.maximum(reach**2 - across, 0.0))
    need = np.max(np.where(contacts, np.maximum(need, 0.0), 0.0), axis=1)
    return _cover(need, 3)


def _cover(values: Floats, window: int) -> Floats:
    """A smooth track that is nowhere below ``values`` (N,), nor above their largest within two windows."""
    padded = np.pad(values, 2 * window, mode="edge")
    largest = np.lib.stride_tricks.sliding_window_view(padded, 2 * window + 1).max(axis=-1)
    weights = np.hanning(2 * window + 3)[1:-1]
    smooth: Floats = np.convolve(largest, weights / weights.sum(), mode="valid")
    return smooth


def _two_bones(
    target: Floats,
    frame: Floats,
    bones: tuple[Floats, Floats],
    points: tuple[float, float, float],
    turn: Floats,
    limit: ArrayLike,
) -> tuple[Floats, Floats]:
    """World rotations of the two bones of a limb that put its end on ``target`` (N, 3), from its root.

    ``points`` is where the middle joint points in the rest pose; it is carried by the shortest rotation, in
    the parent's ``frame``, that takes the straight limb to the target, then turned by ``turn`` about the
    limb. The middle joint is a pure hinge that only flexes. Law of cosines; targets out of reach are drawn
    in softly from ``limit`` of the limb's length on.
    """
    first, second = (float(np.linalg.norm(bone)) for bone in bones)
    along = bones[0] / first
    distance = np.linalg.norm(target, axis=1)
    limit = np.asarray(limit, np.float64)
    reach, slack = limit * (first + second), (1 - limit) * 0.9 * (first + second)
    over = np.maximum(distance - reach, 0.0)
    distance = np.where(over > 0, reach + slack * (1 - np.exp(-over / slack)), distance)
    distance = np.maximum(distance, abs(first - second) + 0.15 * first)
    at_root = np.arccos(np.clip((first**2 + distance**2 - second**2) / (2 * first * distance), -1, 1))
    at_end = np.arccos(np.clip((second**2 + distance**2 - first**2) / (2 * second * distance), -1, 1))
    swing = rotation.between(along, rotation.rotate(rotation.inverse(frame), target))
    base = rotation.multiply(frame, rotation.multiply(swing, turn))
    hinge = np.cross(along, points)
    return (
        rotation.multiply(base, rotation.from_axis_angle(hinge, at_root)),
        rotation.multiply(base, rotation.from_axis_angle(hinge, -at_end)),
    )


def _arm(
    c: Controls,
    s: str,
    name: str,
    sign: float,
    chest: Floats,
    frame: Floats,
    offset: Mapping[str, Floats],
    size: float,
) -> dict[str, Floats]:
    """World rotations of a collar, shoulder, elbow and wrist."""
    length = offset[f"{name}_elbow"][0] + offset[f"{name}_wrist"][0]
    free = c[f"hand_{s}"] * (length, abs(length), abs(length))
    root = chest + rotation.rotate(frame, offset[f"{name}_collar"] + offset[f"{name}_shoulder"])
    held = rotation.rotate(rotation.inverse(frame), c[f"reach_{s}"] * size - root)
    hold = c[f"hold_{s}"]
    hand = free * (1 - hold) + held * hold
    out, up, forward = (hand / np.maximum(np.linalg.norm(hand, axis=1, keepdims=True), 1e-9)).T
    # The shoulder blade takes part of every lift of the arm, and slides forward as it reaches across.
    lift = c[f"collar_{s}"][:, 0] + 6.0 * (1 + up) ** 2
    ahead = c[f"collar_{s}"][:, 1] + 12.0 * np.maximum(forward, 0.0) * (1 - 0.6 * sign * out)
    collar = rotation.multiply(frame, rotation.multiply(_about("z", sign * lift), _about("y", -sign * ahead)))
    root = chest + rotation.rotate(frame, offset[f"{name}_collar"])
    root = root + rotation.rotate(collar, offset[f"{name}_shoulder"])
    held = rotation.rotate(rotation.inverse(frame), c[f"reach_{s}"] * size - root)
    hand = free * (1 - hold) + held * hold
    # At ease the elbow hangs: below a hand held out in front, beside the head under a raised one.
    sag = 50.0 * np.maximum(forward, 0.0) + 60.0 * np.maximum(up, 0.0) ** 2
    upper, lower = _two_bones(
        rotation.rotate(frame, hand),
        frame,
        (offset[f"{name}_elbow"], offset[f"{name}_wrist"]),
        (0.0, 0.0, -1.0),
        _about("x", c[f"elbow_{s}"][:, 0] - sag),
        0.985,
    )
    bend, side, twist = (c[f"wrist_{s}"] * (-sign, -sign, -1.0)).T
    wrist = rotation.from_euler(np.radians(np.stack([twist, side, bend], axis=-1)), "XYZ")
    return {
        f"{name}_collar": collar,
        f"{name}_shoulder": upper,
        f"{name}_elbow": lower,
        f"{name}_wrist": rotation.multiply(lower, wrist),
    }
