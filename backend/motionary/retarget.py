"""Put a Motion on another body: from a source's joint rotations to the channels of a rig's controls.

World-space retargeting in closed form, after research on what breaks the usual tools: nothing here edits a rig,
bakes through constraints or steps through frames. For a control c that takes joint b,

    Q_c(t) = D_b(t) A_b R0_c

where R0 is the control's rest rotation, D the source joint's global rotation (a Motion's rest axes are the
world's, so D is the turn from rest) and A reconciles the two rest poses (see `RigMap.modes`). The basis rotation
that makes a rig answer with Q depends on which other controls carry c. No rig is asked what its constraints mean:
each control was turned a little, and who followed is in `Target.turned`.

Frame: Blender's world, Z up and a character at rest facing -Y, in the scene's units; quaternions wxyz.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motionary import rotation
from motionary.errors import MotionaryError
from motionary.motion import Motion, Skeleton, forward_kinematics
from motionary.rigs import ESSENTIAL, FINGERS, JOINTS, PARENTS, RigMap, find_rig

__all__ = [
    "Pose",
    "Target",
    "partial_followers",
    "retarget",
    "rig_bones",
    "rotation_channels",
    "source_joints",
]

Floats = NDArray[np.float64]

TO_BLENDER = np.array([np.sqrt(0.5), np.sqrt(0.5), 0.0, 0.0])
"""A quarter turn about X: Y up and +Z forward become Z up and -Y forward."""

UP = np.array([0.0, 0.0, 1.0])

NEXT: dict[str, str] = {
    f"{side}_{joint}": f"{side}_{following}"
    for side in ("left", "right")
    for joint, following in {
        "collar": "shoulder",
        "shoulder": "elbow",
        "elbow": "wrist",
        "wrist": "middle",
        "hip": "knee",
        "knee": "ankle",
        "ankle": "foot",
    }.items()
}
"""Joint -> the joint that its bone points to. Heads, never tails: an imported file's tails point anywhere."""

FOLLOWS = 1e-3
"""Radians, and heights of the rig, within which a control counts as carried along rigidly."""

FLOOR_SLACK = 0.15
"""A clip whose feet stay further than this above or below its floor is not standing on it (leg lengths)."""


@dataclass(frozen=True, eq=False)
class Target:
    """A character: the N controls of `rig_bones(rig)` and how its rig answered when they were moved.

    rest: (N, 4, 4) world matrices with every control at its zero pose. turned: (N, N, 4, 4); turned[p, c] is the
    matrix of c when only p is turned by some angle that is no symmetry. shift: (3, 3); column i is what one unit
    of location i of the first pelvis control adds to the middle of the hips. modes: N rotation modes, in Blender's
    words. locked: (N, 3) rotation axes that must stay at zero. origin: (3,) the rig object's place.
    """

    rig: RigMap
    rest: Floats
    turned: Floats
    shift: Floats
    modes: tuple[str, ...]
    locked: NDArray[np.bool_]
    origin: Floats


@dataclass(frozen=True, eq=False)
class Pose:
    """What to key: T frames of K controls.

    bones: the K controls, which are those of the rig whose joint the motion has. rotations: (T, K, 4) in each
    control's own basis. mover: the control that takes location (T, 3), in its own basis. turns: (T, K, 4) and
    heads: (T, K, 3) where the controls end up in the world, and hips: (T, 3) the middle of the hips, to verify.
    scale: leg length of the character over that of the source.
    """

    bones: tuple[str, ...]
    rotations: Floats
    mover: str
    location: Floats
    turns: Floats
    heads: Floats
    hips: Floats
    scale: float


def rig_bones(rig: RigMap) -> tuple[tuple[str, str, int], ...]:
    """(bone, joint, place in the joint's list) of every control that ``rig`` names, parents first."""
    return tuple(
        (bone, joint, place) for joint in JOINTS for place, bone in enumerate(rig.joints.get(joint, ()))
    )


def source_joints(skeleton: Skeleton) -> dict[str, tuple[int, ...]]:
    """Joint -> the joints of ``skeleton`` that turn it, by the rig maps.

    Raises MotionaryError where no human body is found.
    """
    rig = find_rig(skeleton.names)
    if rig is None:
        raise MotionaryError(
            f"no human body found among the joints {', '.join(skeleton.names[:6])}...; it needs "
            f"{', '.join(sorted(ESSENTIAL))}; rename them as one of the known rigs does"
        )
    return {joint: tuple(map(skeleton.index, names)) for joint, names in rig.joints.items()}


def retarget(motion: Motion, target: Target, *, keep_place: bool = False) -> Pose:
    """The channels that make ``target`` move as ``motion`` does.

    The hips' path is scaled by leg length and set so that straight legs reach the floor. It begins where the
    character stands and faces, or, with ``keep_place``, where the clip was recorded, seen from the rig's origin.
    Controls whose joint the motion lacks (fingers, mostly) are left out.
    Raises MotionaryError where no human body is found in the motion.
    """
    source = source_joints(motion.skeleton)
    positions, turns = forward_kinematics(motion)
    positions = rotation.rotate(TO_BLENDER, positions)
    turns = rotation.multiply(rotation.multiply(TO_BLENDER, turns), rotation.inverse(TO_BLENDER))
    stance = rotation.rotate(TO_BLENDER, _rest_positions(motion.skeleton))

    bones = rig_bones(target.rig)
    kept = np.array([i for i, (_, joint, _) in enumerate(bones) if joint in source or joint in _TRUNK])
    rest_turns, rest_heads = _decompose(target.rest)
    first = {joint: i for i, (_, joint, place) in enumerate(bones) if place == 0}

    source_frame = _body_frame(
        stance[source["left_hip"][0]], stance[source["right_hip"][0]],
        (stance[source["left_shoulder"][0]] + stance[source["right_shoulder"][0]]) / 2,
    )  # fmt: skip
    target_frame = _body_frame(
        rest_heads[first["left_hip"]], rest_heads[first["right_hip"]],
        (rest_heads[first["left_shoulder"]] + rest_heads[first["right_shoulder"]]) / 2,
    )  # fmt: skip
    frames = rotation.multiply(source_frame, rotation.inverse(target_frame))
    aligned = _alignments(target.rig, source, motion.skeleton, stance, rest_heads, frames)

    path = (positions[:, source["left_hip"][0]] + positions[:, source["right_hip"][0]]) / 2
    yaw = rotation.IDENTITY
    if not keep_place:
        facing = rotation.multiply(turns[0, source["pelvis"][0]], source_frame)
        yaw = _heading_between(facing, target_frame)
    wanted = np.stack(
        [
            rotation.multiply(
                rotation.multiply(yaw, _turn(turns, source, bones[i][1], _share(target.rig, *bones[i][1:]))),
                rotation.multiply(aligned[i], rest_turns[i]),
            )
            for i in kept
        ],
        axis=1,
    )

    rest_hips = (rest_heads[first["left_hip"]] + rest_heads[first["right_hip"]]) / 2
    scale = _leg(rest_heads, first) / _leg(stance, {joint: listed[0] for joint, listed in source.items()})
    hips = _hips_path(positions, stance, path, source, motion.skeleton) * scale
    ankles = [rest_heads[first[f"{side}_ankle"]][2] for side in ("left", "right")]
    hips[:, 2] += _leg(rest_heads, first) + float(np.mean(ankles))
    if keep_place:
        hips[:, :2] += target.origin[:2]
    else:
        hips[:, :2] -= hips[0, :2]
        hips = rotation.rotate(yaw, hips)
        hips[:, :2] += rest_hips[:2]
    return _solve(target, kept, wanted, hips, scale)


_TRUNK = frozenset({"pelvis", "spine", "neck", "head"})
"""Joints that move with what carries them where the source does not tell them apart."""


def _rest_positions(skeleton: Skeleton) -> Floats:
    positions = np.zeros_like(skeleton.offsets)
    for joint in range(1, len(positions)):
        positions[joint] = positions[skeleton.parents[joint]] + skeleton.offsets[joint]
    return positions


def _decompose(matrices: Floats) -> tuple[Floats, Floats]:
    """Rotations (..., 4) and positions (..., 3) of uniformly scaled matrices (..., 4, 4)."""
    columns = matrices[..., :3, :3]
    lengths = np.linalg.norm(columns, axis=-2, keepdims=True)
    return rotation.from_matrix(columns / np.maximum(lengths, 1e-12)), matrices[..., :3, 3]


def _body_frame(left_hip: Floats, right_hip: Floats, shoulders: Floats) -> Floats:
    """The rotation whose axes are a resting body's left, back and up."""
    up = shoulders - (left_hip + right_hip) / 2
    up /= max(float(np.linalg.norm(up)), 1e-9)
    if up @ UP > np.cos(np.radians(30)):
        up = UP  # a standing body's lean is its posture, to be kept
    left = left_hip - right_hip
    left = left - up * (left @ up)
    left /= max(float(np.linalg.norm(left)), 1e-9)
    return rotation.from_matrix(np.stack([left, np.cross(up, left), up], axis=-1))


def _heading_between(a: Floats, b: Floats) -> Floats:
    """The turn about the vertical that brings body frame ``a`` closest to ``b``, lying or standing."""
    flat_a, flat_b = (rotation.to_matrix(q)[:2, :2] for q in (a, b))
    cross = np.sum(flat_a[0] * flat_b[1] - flat_a[1] * flat_b[0])
    return rotation.from_axis_angle(UP, np.arctan2(cross, np.sum(flat_a * flat_b)))


def _alignments(
    rig: RigMap,
    source: dict[str, tuple[int, ...]],
    skeleton: Skeleton,
    stance: Floats,
    heads: Floats,
    frames: Floats,
) -> list[Floats]:
    """A_b of every control: the turn from the character's rest direction to the source's."""
    bones = rig_bones(rig)
    number = {(joint, place): i for i, (_, joint, place) in enumerate(bones)}
    last = dict.fromkeys(("pelvis", *_TRUNK), frames)
    result = []
    for i, (_, joint, place) in enumerate(bones):
        mode = rig.modes[joint]
        turn = last.get(PARENTS.get(joint, ""), frames)
        if mode == "keep":
            turn = frames
        elif mode in ("direction", "heading"):
            tip = number.get((joint, place + 1)) if joint.endswith(FINGERS) else number.get((NEXT[joint], 0))
            ours = rotation.rotate(frames, heads[tip] - heads[i]) if tip is not None else np.zeros(3)
            theirs = _source_direction(source, skeleton, stance, joint, place)
            if mode == "heading":
                ours, theirs = (_flat(v) for v in (ours, theirs))
            if min(np.linalg.norm(ours), np.linalg.norm(theirs)) > 1e-6:
                turn = rotation.multiply(rotation.between(ours, theirs), frames)
        last[joint] = turn
        result.append(turn)
    return result


def _flat(v: Floats) -> Floats:
    """``v`` without its height; nothing where it is so steep that its heading is an accident."""
    flat = v * np.array([1.0, 1.0, 0.0])
    return flat if np.linalg.norm(flat) > 0.2 * np.linalg.norm(v) else np.zeros(3)


def _source_direction(
    source: dict[str, tuple[int, ...]], skeleton: Skeleton, stance: Floats, joint: str, place: int
) -> Floats:
    """Where the source's bone points at rest; zeros where it has none such."""
    listed = source.get(joint, ())
    if not joint.endswith(FINGERS):
        place = 0
    if place >= len(listed):
        return np.zeros(3)
    tip = listed[place + 1 : place + 2] if joint.endswith(FINGERS) else source.get(NEXT[joint], ())[:1]
    if tip:
        direction: Floats = stance[tip[0]] - stance[listed[place]]
        return direction
    beyond = stance[_descendants(skeleton, listed[place])] - stance[listed[place]]
    farthest: Floats = beyond[np.argmax(np.linalg.norm(beyond, axis=1))]
    return farthest


def _descendants(skeleton: Skeleton, joint: int) -> list[int]:
    """``joint`` and all that hangs from it."""
    found = [joint]
    for j in range(joint + 1, len(skeleton.parents)):
        if skeleton.parents[j] in found:
            found.append(j)
    return found


def _share(rig: RigMap, joint: str, place: int) -> float:
    """How far along its joint's chain a control is: the last one takes the whole turn."""
    return (place + 1) / len(rig.joints[joint])


def _turn(turns: Floats, source: dict[str, tuple[int, ...]], joint: str, share: float) -> Floats:
    """D (T, 4) of ``joint``, ``share`` of the way along the source's chain for it.

    Finger bones go one by one, so a source's third of three drives a character's third.
    """
    listed = source.get(joint, ())
    if joint not in ("spine", "neck"):
        if not listed:
            return _turn(turns, source, PARENTS[joint], 1.0)
        place = max(int(np.ceil(share * len(listed) - 1e-9)) - 1, 0) if joint.endswith(FINGERS) else 0
        result: Floats = turns[:, listed[place]]
        return result
    nodes = [_turn(turns, source, PARENTS[joint], 1.0), *(turns[:, j] for j in listed)]
    at = share * (len(nodes) - 1)
    low = min(int(at), max(len(nodes) - 2, 0))
    return rotation.slerp(nodes[low], nodes[min(low + 1, len(nodes) - 1)], at - low)


def _leg(positions: Floats, index: dict[str, int]) -> float:
    """Mean leg length, hip to knee to ankle."""
    lengths = [
        np.linalg.norm(positions[index[f"{side}_{a}"]] - positions[index[f"{side}_{b}"]])
        for side in ("left", "right")
        for a, b in (("hip", "knee"), ("knee", "ankle"))
    ]
    return max(float(np.sum(lengths)) / 2, 1e-6)


def _hips_path(
    positions: Floats, stance: Floats, path: Floats, source: dict[str, tuple[int, ...]], skeleton: Skeleton
) -> Floats:
    """The hips (T, 3) with heights counted from where they are when the legs are straight and the feet flat."""
    leg = _leg(stance, {joint: listed[0] for joint, listed in source.items()})
    feet = [_descendants(skeleton, source[f"{side}_ankle"][0]) for side in ("left", "right")]
    drop = float(np.mean([stance[foot[0], 2] - stance[foot, 2].min() for foot in feet]))
    # What the lowest point of a foot does most of the time on the ground: the thickness of a sole, or a floor
    # that was not quite calibrated. A clip in the air, on a wall or on a box says nothing about it.
    lowest = float(np.percentile(positions[:, feet[0] + feet[1], 2].min(axis=1), 10))
    sole = lowest if abs(lowest) < FLOOR_SLACK * leg else 0.0
    result = path.copy()
    result[:, 2] -= leg + drop + sole
    return result


def _followers(target: Target) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """(turns, carries, partly), each (N, N): does c (column) follow p (row) in rotation, in position, in part."""
    rest_turns, rest_heads = _decompose(target.rest)
    turns, heads = _decompose(target.turned)
    count = len(rest_turns)
    own = np.arange(count)
    delta = rotation.multiply(turns[own, own], rotation.inverse(rest_turns))[:, None]
    size = max(float(np.ptp(rest_heads, axis=0).max()), 1e-9)

    changed = _angle(turns, rest_turns[None]) > FOLLOWS
    equal = _angle(turns, rotation.multiply(delta, rest_turns[None])) < FOLLOWS
    pivot = heads[own, own][:, None]
    swung = pivot + rotation.rotate(delta, rest_heads[None] - rest_heads[:, None])
    moved = np.linalg.norm(heads - rest_heads[None], axis=-1) > FOLLOWS * size
    carried = np.linalg.norm(heads - swung, axis=-1) < FOLLOWS * size
    other = ~np.eye(count, dtype=bool)
    return changed & equal & other, moved & carried & other, changed & ~equal & other


def _angle(a: Floats, b: Floats) -> Floats:
    """Radians between rotations, exact for small ones."""
    return np.linalg.norm(rotation.to_rotvec(rotation.multiply(rotation.inverse(a), b)), axis=-1)


def partial_followers(target: Target) -> list[str]:
    """Controls that follow another one only in part, so that the rig will not take their pose exactly."""
    partly = _followers(target)[2].any(axis=0)
    return [bone for (bone, _, _), yes in zip(rig_bones(target.rig), partly, strict=True) if yes]


def _solve(target: Target, kept: NDArray[np.int64], wanted: Floats, hips: Floats, scale: float) -> Pose:
    """Basis channels that bring the kept controls to ``wanted`` (T, K, 4) and the hips to ``hips`` (T, 3)."""
    bones = rig_bones(target.rig)
    rest_turns, rest_heads = _decompose(target.rest[kept])
    turns, carries, _ = (table[np.ix_(kept, kept)] for table in _followers(target))
    turner, carrier = _deepest(turns), _deepest(carries)
    locked = target.locked[kept]

    result, basis, heads = wanted.copy(), np.empty_like(wanted), np.empty((*wanted.shape[:2], 3))
    for c in np.lexsort((carries.sum(axis=0), turns.sum(axis=0))):
        p = turner[c]
        base = rest_turns[c]
        if p >= 0:
            base = rotation.multiply(
                rotation.multiply(result[:, p], rotation.inverse(rest_turns[p])), rest_turns[c]
            )
        basis[:, c] = rotation.multiply(rotation.inverse(base), wanted[:, c])
        if locked[c].any():
            order = _order(target.modes[kept[c]])
            angles = rotation.to_euler(basis[:, c], order)
            angles[:, [locked[c]["XYZ".index(axis)] for axis in order]] = 0.0
            basis[:, c] = rotation.from_euler(angles, order)
            result[:, c] = rotation.multiply(base, basis[:, c])
    for c in np.argsort(carries.sum(axis=0), kind="stable"):
        p = carrier[c]
        heads[:, c] = rest_heads[c]
        if p >= 0:
            swing = rotation.multiply(result[:, p], rotation.inverse(rest_turns[p]))
            heads[:, c] = heads[:, p] + rotation.rotate(swing, rest_heads[c] - rest_heads[p])

    joints = [bones[i][1:] for i in kept]
    middle = (heads[:, joints.index(("left_hip", 0))] + heads[:, joints.index(("right_hip", 0))]) / 2
    location = (hips - middle) @ np.linalg.pinv(target.shift, rcond=1e-6).T
    reached = location @ target.shift.T
    return Pose(
        tuple(bones[i][0] for i in kept),
        rotation.continuous(basis),
        target.rig.joints["pelvis"][0],
        location,
        result,
        heads + reached[:, None],
        middle + reached,
        scale,
    )


def _deepest(table: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For every column, the row that leads it and is itself led by the most others; -1 where none leads."""
    depth = np.where(table, table.sum(axis=0)[:, None], -1)
    return np.where(table.any(axis=0), depth.argmax(axis=0), -1)


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
