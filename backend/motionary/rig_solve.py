"""From where a rig's controls should be to the channels that bring them there.

Which basis rotation makes a control show a wanted turn depends on what carries it. No rig is asked what its
constraints mean: each control was turned a little, and `Target.turned` holds who followed.

Frame: Blender's world, Z up and a character at rest facing -Y, in the scene's units; quaternions wxyz.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from motionary import rotation
from motionary.rigs import JOINTS, RigMap
from motionary.stance import SIDES

__all__ = [
    "Pose",
    "Target",
    "carried",
    "corrected",
    "decompose",
    "first_heads",
    "partial_followers",
    "posed_again",
    "probe_groups",
    "rig_bones",
    "rotation_channels",
    "solve",
    "told_apart",
]

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]

FOLLOWS = 1e-3
"""Radians, and sizes of the rig, within which a control counts as carried along rigidly."""


@dataclass(frozen=True, eq=False)
class Target:
    """A character: the N controls of `rig_bones(rig)`, and how its rig answered when they were moved.

    All in the character's own frame: the world, or its mirror image if the object is mirrored.
    rest: (N, 4, 4) matrices with every bone of the rig at its zero pose. stance: with the controls at zero,
    but bones that no joint is mapped to as the animator has posed them (a root moved to its mark). zero: the
    same with the root bone at zero too, where it is to be keyed. turned: (N, N, 4, 4); turned[p, c] is the
    matrix of c when, from ``zero``, only p is turned, by some angle that is no symmetry. shift: (3, 3);
    column i is what one unit of location i of the first pelvis control adds to the middle of the hips.
    modes: N rotation modes, in Blender's words. locked: (N, 3) rotation axes held at zero. origin: (3,) the
    rig's place. root: (4, 4) the root bone's matrix in ``zero``, None where it is not to be keyed.
    """

    rig: RigMap
    rest: Floats
    stance: Floats
    zero: Floats
    turned: Floats
    shift: Floats
    modes: tuple[str, ...]
    locked: Bools
    origin: Floats
    root: Floats | None = None


@dataclass(frozen=True, eq=False)
class Pose:
    """What to key: T frames of K controls.

    bones: those controls of the rig whose joint the motion has, and joints theirs. rotations: (T, K, 4), each
    in its control's own basis. held: those of bones that cannot turn, and get no keys. mover: the control
    that takes location (T, 3), in its own basis. travel: (T, 4, 4), what carries the whole character through
    the world, on the root bone or the object; None where the mover does. For checking, turns (T, K, 4),
    heads (T, K, 3) and hips (T, 3) are where the controls and the middle of the hips end up in the world.
    scale: leg length of the character over that of the source.
    """

    bones: tuple[str, ...]
    joints: tuple[str, ...]
    rotations: Floats
    held: frozenset[str]
    mover: str
    location: Floats
    turns: Floats
    heads: Floats
    hips: Floats
    travel: Floats | None = None
    scale: float = 1.0

    def head(self, joint: str) -> Floats:
        """The heads (T, 3) of the first control that takes ``joint``."""
        result: Floats = self.heads[:, self.joints.index(joint)]
        return result

    def turn(self, joint: str) -> Floats:
        """The turns (T, 4) of the first control that takes ``joint``."""
        result: Floats = self.turns[:, self.joints.index(joint)]
        return result


def rig_bones(rig: RigMap) -> tuple[tuple[str, str, int], ...]:
    """(bone, joint, place in the joint's list) of every control that ``rig`` names, parents first."""
    return tuple(
        (bone, joint, place) for joint in JOINTS for place, bone in enumerate(rig.joints.get(joint, ()))
    )


def first_heads(rig: RigMap, matrices: Floats) -> dict[str, Floats]:
    """Joint -> the head (3,) of its first control, of ``matrices`` (N, 4, 4) of `rig_bones(rig)`."""
    return {joint: matrices[i, :3, 3] for i, (_, joint, place) in enumerate(rig_bones(rig)) if place == 0}


def decompose(matrices: Floats) -> tuple[Floats, Floats]:
    """Rotations (..., 4) and positions (..., 3) of matrices (..., 4, 4), whatever their columns' lengths."""
    columns = matrices[..., :3, :3]
    lengths = np.linalg.norm(columns, axis=-2, keepdims=True)
    return rotation.from_matrix(columns / np.maximum(lengths, 1e-12)), matrices[..., :3, 3]


def probe_groups(rig: RigMap) -> list[list[int]]:
    """Controls of `rig_bones(rig)` that are turned together to see who follows: left and right of one place.

    What they carry is hardly ever the same, and :func:`told_apart` tells whose it is: half of the looks.
    """
    groups: dict[tuple[str, int], list[int]] = {}
    for i, (_, joint, place) in enumerate(rig_bones(rig)):
        groups.setdefault((joint.removeprefix("left_").removeprefix("right_"), place), []).append(i)
    return list(groups.values())


def told_apart(zero: Floats, shown: Floats, group: Sequence[int]) -> Floats:
    """What each control of ``group`` moved of what is ``shown`` (N, 4, 4) when all of them were turned.

    (G, N, 4, 4), in which the others are as in ``zero`` (N, 4, 4). A control that moved goes to the one of
    the group that, carrying it along, would have brought it nearest to where it is.
    """
    scale = np.linalg.norm(zero[:, :3, 0], axis=-1)[:, None, None]
    size = max(float(np.ptp(zero[:, :3, 3], axis=0).max()), 1e-9)
    swings = shown[group] @ np.linalg.inv(zero[group])
    off = np.abs(swings[:, None] @ zero - shown)[..., :3, :]
    off[..., :3] /= np.maximum(scale, 1e-12)
    off[..., 3] /= size
    nearest = off.sum(axis=(-1, -2)).argmin(axis=0)
    nearest[list(group)] = np.arange(len(group))
    mine = nearest == np.arange(len(group))[:, None]
    return np.where(mine[..., None, None], shown, zero)


def solve(target: Target, kept: NDArray[np.int64], wanted: Floats, hips: Floats) -> Pose:
    """Basis channels that bring the kept controls to ``wanted`` (T, K, 4) and the hips to ``hips`` (T, 3)."""
    bones = [rig_bones(target.rig)[i] for i in kept]
    zero_turns, zero_heads = decompose(target.zero[kept])
    turns, carries, _, held = _followers(target)
    turns, carries, held = turns[np.ix_(kept, kept)], carries[np.ix_(kept, kept)], held[kept]

    reached, basis = wanted.copy(), np.empty_like(wanted)
    for c, leader in _leaders(turns):
        base = zero_turns[c]
        if leader is not None:
            swing = rotation.multiply(reached[:, leader], rotation.inverse(zero_turns[leader]))
            base = rotation.multiply(swing, base)
        locked = target.locked[kept[c]]
        if held[c]:
            basis[:, c], reached[:, c] = rotation.IDENTITY, base
            continue
        basis[:, c] = rotation.multiply(rotation.inverse(base), wanted[:, c])
        if locked.any():
            order = _order(target.modes[kept[c]])
            angles = rotation.to_euler(basis[:, c], order)
            angles[:, [locked["XYZ".index(axis)] for axis in order]] = 0.0
            basis[:, c] = rotation.from_euler(angles, order)
            reached[:, c] = rotation.multiply(base, basis[:, c])

    heads = np.broadcast_to(zero_heads, (*wanted.shape[:2], 3)).copy()
    for c, leader in _leaders(carries):
        if leader is not None:
            swing = rotation.multiply(reached[:, leader], rotation.inverse(zero_turns[leader]))
            heads[:, c] = heads[:, leader] + rotation.rotate(swing, zero_heads[c] - zero_heads[leader])

    sides = [next(k for k, bone in enumerate(bones) if bone[1] == f"{side}_hip") for side in SIDES]
    middle = heads[:, sides].mean(axis=1)
    # The hips answer to the location linearly, so one solve is exact; a locked axis has a zero column.
    location = (hips - middle) @ np.linalg.pinv(target.shift, rcond=1e-6).T
    moved = location @ target.shift.T
    return Pose(
        bones=tuple(bone for bone, _, _ in bones),
        joints=tuple(joint for _, joint, _ in bones),
        rotations=rotation.continuous(basis),
        held=frozenset(bone for (bone, _, _), yes in zip(bones, held, strict=True) if yes),
        mover=target.rig.joints["pelvis"][0],
        location=location,
        turns=reached,
        heads=heads + moved[:, None],
        hips=middle + moved,
    )


def corrected(pose: Pose, target: Target, turns: Floats, hips: Floats) -> Pose:
    """``pose`` with its channels changed by how far the ``turns`` (T, K, 4) and ``hips`` (T, 3) that the rig
    showed are from those asked for.

    A control that rigidly follows another is told what is wrong with it against its leader alone. One round
    is exact where each control answers to its own rotation and the rest of the rig stays; a rig that follows
    in part needs a few.
    """
    kept = _kept(pose, target)
    follows = _followers(target)[0][np.ix_(kept, kept)]
    rotations = pose.rotations.copy()
    for c, leader in _leaders(follows):
        if pose.bones[c] in pose.held or target.locked[kept[c]].any():
            continue
        shown, asked = turns[:, c], pose.turns[:, c]
        if leader is not None:
            shown = rotation.multiply(rotation.inverse(turns[:, leader]), shown)
            asked = rotation.multiply(rotation.inverse(pose.turns[:, leader]), asked)
        missing = rotation.multiply(rotation.inverse(shown), asked)
        rotations[:, c] = rotation.normalize(rotation.multiply(rotations[:, c], missing))
    short = pose.hips - hips
    if pose.travel is not None:
        short = rotation.rotate(rotation.inverse(decompose(pose.travel)[0]), short)
    location = pose.location + short @ np.linalg.pinv(target.shift, rcond=1e-6).T
    return replace(pose, rotations=rotation.continuous(rotations), location=location)


def posed_again(
    pose: Pose, target: Target, turns: Floats | None = None, travel: Floats | None = None
) -> Pose:
    """``pose``, which the hips' control moves, with other ``turns`` (T, K, 4) in the world; or the same shown
    with ``travel`` (T, 4, 4), rigid motions of the whole character, on its root bone or object."""
    turns = pose.turns if turns is None else turns
    kept = _kept(pose, target)
    if travel is None:
        return replace(solve(target, kept, turns, pose.hips), scale=pose.scale)
    back, _ = decompose(inverse := np.linalg.inv(travel))
    local = rotation.rotate(back, pose.hips) + inverse[:, :3, 3]
    inside = solve(target, kept, rotation.multiply(back[:, None], turns), local)
    return replace(carried(inside, travel), travel=travel, scale=pose.scale)


def carried(pose: Pose, travel: Floats) -> Pose:
    """``pose`` with the same keys, shown where ``travel`` (T, 4, 4) takes it."""
    turn, place = decompose(travel)
    return replace(
        pose,
        turns=rotation.multiply(turn[:, None], pose.turns),
        heads=rotation.rotate(turn[:, None], pose.heads) + place[:, None],
        hips=rotation.rotate(turn, pose.hips) + place,
    )


def _kept(pose: Pose, target: Target) -> NDArray[np.int64]:
    """Which of the rig's controls ``pose`` has."""
    return np.array([i for i, (bone, _, _) in enumerate(rig_bones(target.rig)) if bone in pose.bones])


def partial_followers(target: Target) -> list[str]:
    """Controls that follow another one only in part, so that the rig cannot take their pose exactly."""
    partly = _followers(target)[2].any(axis=0)
    return [bone for (bone, _, _), yes in zip(rig_bones(target.rig), partly, strict=True) if yes]


def _followers(target: Target) -> tuple[Bools, Bools, Bools, Bools]:
    """(turns, carries, partly), each (N, N): does control c (column) follow p (row) in rotation, in position,
    or in rotation but only in part; and (N,) whether a control is held, not even turning itself.
    """
    zero_turns, zero_heads = decompose(target.zero)
    turns, heads = decompose(target.turned)
    own = np.arange(len(zero_turns))
    delta = rotation.multiply(turns[own, own], rotation.inverse(zero_turns))[:, None]
    size = max(float(np.ptp(zero_heads, axis=0).max()), 1e-9)

    changed = _angle(turns, zero_turns[None]) > FOLLOWS
    equal = _angle(turns, rotation.multiply(delta, zero_turns[None])) < FOLLOWS
    swung = heads[own, own][:, None] + rotation.rotate(delta, zero_heads[None] - zero_heads[:, None])
    # A control in p's very place stays there whether p carries it or not; then it is not p's.
    moved = np.linalg.norm(heads - zero_heads[None], axis=-1) > FOLLOWS * size
    carried = np.linalg.norm(heads - swung, axis=-1) < FOLLOWS * size
    other = ~np.eye(len(zero_turns), dtype=bool)
    return changed & equal & other, moved & carried & other, changed & ~equal & other, ~changed[own, own]


def _angle(a: Floats, b: Floats) -> Floats:
    """Radians between rotations."""
    angle: Floats = np.linalg.norm(rotation.to_rotvec(rotation.multiply(rotation.inverse(a), b)), axis=-1)
    return angle


def _leaders(table: Bools) -> list[tuple[int, int | None]]:
    """(column, its leader), leaders first; of the rows that a column follows the deepest leads it."""
    depth = table.sum(axis=0)
    return [
        (int(c), int(np.where(table[:, c], depth, -1).argmax()) if table[:, c].any() else None)
        for c in np.argsort(depth, kind="stable")
    ]


def rotation_channels(q: Floats, mode: str) -> tuple[str, Floats]:
    """Rotations (T, 4) as the property and values (T, channels) that Blender's rotation ``mode`` asks for.

    Neighbouring frames are kept close: quaternions in sign, Euler angles across half turns and gimbal flips.
    """
    if mode == "QUATERNION":
        return "rotation_quaternion", rotation.continuous(q)
    if mode == "AXIS_ANGLE":
        vector = rotation.to_rotvec(q)
        angle = np.linalg.norm(vector, axis=-1, keepdims=True)
        axis = np.where(angle > 1e-9, vector / np.maximum(angle, 1e-9), np.array([0.0, 1.0, 0.0]))
        return "rotation_axis_angle", np.concatenate([angle, axis], axis=-1)
    order = _order(mode)
    angles = rotation.continuous_euler(rotation.to_euler(q, order))
    return "rotation_euler", angles[:, [order.index(axis) for axis in "XYZ"]]


def _order(mode: str) -> str:
    """The order of `motionary.rotation` for Blender's rotation ``mode``; Blender's YXZ turns Y first."""
    return mode[::-1] if len(mode) == 3 else "ZYX"
