"""Put a Motion on another body: from a source's joint rotations to the channels of a rig's controls.

World-space retargeting in closed form: nothing edits the rig, bakes through constraints or steps through
frames. For a control c that takes joint b,

    Q_c(t) = D_b(t) A_b R0_c

where R0 is the control's rest rotation, D the source joint's global rotation (a Motion's rest axes are the
world's, so D is the turn from rest) and A reconciles the two rest poses (see `RigMap.modes`). Which basis
rotation makes a rig answer with Q depends on what carries c. No rig is asked what its constraints mean: each
control was turned a little, and `Target.turned` holds who followed.

Frame: Blender's world, Z up and a character at rest facing -Y, in the scene's units; quaternions wxyz.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from motionary import body, rotation
from motionary.motion import Motion, Skeleton, forward_kinematics, rest_positions
from motionary.rigs import DEFAULT_MODES, FINGERS, JOINTS, NEXT, PARENTS, RigMap, find_rig

__all__ = [
    "TO_BLENDER",
    "TRUNK",
    "Pose",
    "Target",
    "partial_followers",
    "retarget",
    "rig_bones",
    "rig_by_shape",
    "rotation_channels",
    "source_joints",
]

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]
Joints: TypeAlias = Mapping[str, tuple[int, ...]]
"""Joint, as rig maps name them -> the numbers of the source's joints that it is made of, root outward."""

TO_BLENDER = np.array([np.sqrt(0.5), np.sqrt(0.5), 0.0, 0.0])
"""A quarter turn about X: Y up and +Z forward become Z up and -Y forward."""

UP = np.array([0.0, 0.0, 1.0])
SIDES = ("left", "right")
TRUNK = ("pelvis", "spine", "neck", "head")
"""Joints that every rig has, and that go with what carries them where a source does not tell them apart."""

FOLLOWS = 1e-3
"""Radians, and sizes of the rig, within which a control counts as carried along rigidly."""

FLOOR_SLACK = 0.15
"""Leg lengths: a clip whose feet stay further than this from height zero is not standing on the floor."""


@dataclass(frozen=True, eq=False)
class Target:
    """A character: the N controls of `rig_bones(rig)`, and how its rig answered when they were moved.

    rest: (N, 4, 4) world matrices with every control at its zero pose. turned: (N, N, 4, 4); turned[p, c] is
    the matrix of c when only p is turned, by some angle that is no symmetry. shift: (3, 3); column i is what
    one unit of location i of the first pelvis control adds to the middle of the hips. modes: N rotation
    modes, in Blender's words. locked: (N, 3) rotation axes held at zero. origin: (3,) the rig's place.
    """

    rig: RigMap
    rest: Floats
    turned: Floats
    shift: Floats
    modes: tuple[str, ...]
    locked: Bools
    origin: Floats


@dataclass(frozen=True, eq=False)
class Pose:
    """What to key: T frames of K controls.

    bones: those controls of the rig whose joint the motion has. rotations: (T, K, 4), each in its control's
    own basis. mover: the control that takes location (T, 3), in its own basis. For checking, turns (T, K, 4),
    heads (T, K, 3) and hips (T, 3) are where the controls and the middle of the hips end up in the world.
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
    """The joints of ``skeleton`` by a rig map that knows their names, or else by :func:`rig_by_shape`."""
    rig = find_rig(skeleton.names) or rig_by_shape(skeleton)
    return {joint: tuple(map(skeleton.index, names)) for joint, names in rig.joints.items()}


def rig_by_shape(skeleton: Skeleton) -> RigMap:
    """A rig map for a skeleton that none fits: limbs as `motionary.body` finds them, the trunk between them.

    Raises MotionaryError where no human body is found.
    """
    weights = body.find_body(skeleton).weights
    likeliest = dict(zip(body.JOINTS, weights.argmax(axis=1).tolist(), strict=True))
    certain = dict(zip(body.JOINTS, (weights.max(axis=1) > 0.99).tolist(), strict=True))

    def path(joint: str) -> list[int]:
        found = [likeliest[joint]]
        while (parent := int(skeleton.parents[found[-1]])) >= 0:
            found.append(parent)
        return found[::-1]

    below = set(path("pelvis"))
    back = [j for j in path("head") if j not in below]
    spine = [j for j in back if j in path("left_shoulder")]
    chains = {
        "pelvis": [likeliest["pelvis"]],
        "spine": spine,
        "neck": [j for j in back[:-1] if j not in spine],
        "head": back[-1:],
    }
    for side in SIDES:
        shoulder = path(f"{side}_shoulder")
        chains[f"{side}_collar"] = [j for j in shoulder[:-1] if j not in back and j not in below]
        for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "foot"):
            chains[f"{side}_{joint}"] = [likeliest[f"{side}_{joint}"]] if certain[f"{side}_{joint}"] else []
    joints = {name: tuple(skeleton.names[j] for j in chain) for name, chain in chains.items() if chain}
    return RigMap("by shape", joints, DEFAULT_MODES)


def retarget(motion: Motion, target: Target, *, keep_place: bool = False) -> Pose:
    """The channels that make ``target`` move as ``motion`` does.

    The hips' path is scaled by leg length, and set so that straight legs reach the floor. It begins where the
    character stands and faces; with ``keep_place`` it is where the clip was recorded, from the rig's origin.
    Controls whose joint the motion lacks (fingers, mostly) are left out.
    Raises MotionaryError where no human body is found in the motion.
    """
    source = source_joints(motion.skeleton)
    positions, turns = forward_kinematics(motion)
    positions = rotation.rotate(TO_BLENDER, positions)
    turns = rotation.multiply(rotation.multiply(TO_BLENDER, turns), rotation.inverse(TO_BLENDER))
    stance = rotation.rotate(TO_BLENDER, rest_positions(motion.skeleton))
    theirs = {joint: stance[listed[0]] for joint, listed in source.items()}

    bones = rig_bones(target.rig)
    rest_turns, rest_heads = _decompose(target.rest)
    ours = {joint: rest_heads[i] for i, (_, joint, place) in enumerate(bones) if place == 0}

    frame = _body_frame(theirs)
    to_source = rotation.multiply(frame, rotation.inverse(_body_frame(ours)))
    aligned = _alignments(target.rig, rest_heads, source, motion.skeleton, stance, to_source)

    yaw = rotation.IDENTITY
    if not keep_place:
        yaw = _heading(rotation.multiply(turns[0, source["pelvis"][0]], frame), _body_frame(ours))
    kept = np.array([i for i, (_, joint, _) in enumerate(bones) if joint in source or joint in TRUNK])
    wanted = np.empty((motion.frames, len(kept), 4))
    for k, i in enumerate(kept):
        _, joint, place = bones[i]
        turn = _source_turn(turns, source, joint, place, len(target.rig.joints[joint]))
        wanted[:, k] = rotation.multiply(
            rotation.multiply(yaw, turn), rotation.multiply(aligned[i], rest_turns[i])
        )

    scale = _leg(ours) / _leg(theirs)
    hips = scale * _hips_above_stance(positions, stance, source, motion.skeleton)
    hips[:, 2] += _leg(ours) + _middle(ours, "ankle")[2]
    if keep_place:
        hips[:, :2] += target.origin[:2]
    else:
        hips[:, :2] -= hips[0, :2]
        hips = rotation.rotate(yaw, hips)
        hips[:, :2] += _middle(ours, "hip")[:2]
    return replace(_solve(target, kept, wanted, hips), scale=scale)


def _decompose(matrices: Floats) -> tuple[Floats, Floats]:
    """Rotations (..., 4) and positions (..., 3) of evenly scaled matrices (..., 4, 4)."""
    columns = matrices[..., :3, :3]
    lengths = np.linalg.norm(columns, axis=-2, keepdims=True)
    return rotation.from_matrix(columns / np.maximum(lengths, 1e-12)), matrices[..., :3, 3]


def _middle(heads: Mapping[str, Floats], joint: str) -> Floats:
    """Halfway between left and right."""
    middle: Floats = (heads[f"left_{joint}"] + heads[f"right_{joint}"]) / 2
    return middle


def _leg(heads: Mapping[str, Floats]) -> float:
    """Mean leg length, hip to knee to ankle."""
    lengths = [
        np.linalg.norm(heads[f"{side}_{a}"] - heads[f"{side}_{b}"])
        for side in SIDES
        for a, b in (("hip", "knee"), ("knee", "ankle"))
    ]
    return max(float(np.sum(lengths)) / 2, 1e-6)


def _body_frame(heads: Mapping[str, Floats]) -> Floats:
    """The rotation whose axes are a resting body's left, back and up."""
    up = _middle(heads, "shoulder") - _middle(heads, "hip")
    up /= max(float(np.linalg.norm(up)), 1e-9)
    if up @ UP > np.cos(np.radians(30)):
        up = UP  # a standing body's lean is its posture, to be kept
    left = heads["left_hip"] - heads["right_hip"]
    left = left - up * (left @ up)
    left /= max(float(np.linalg.norm(left)), 1e-9)
    return rotation.from_matrix(np.stack([left, np.cross(up, left), up], axis=-1))


def _heading(a: Floats, b: Floats) -> Floats:
    """The turn about the vertical that brings body frame ``a`` nearest to ``b``, even for one lying down."""
    flat_a, flat_b = (rotation.to_matrix(q)[:2] for q in (a, b))
    sine = np.sum(flat_a[0] * flat_b[1] - flat_a[1] * flat_b[0])
    return rotation.from_axis_angle(UP, np.arctan2(sine, np.sum(flat_a * flat_b)))


def _alignments(
    rig: RigMap,
    heads: Floats,
    source: Joints,
    skeleton: Skeleton,
    stance: Floats,
    to_source: Floats,
) -> list[Floats]:
    """A of every control: the turn from the character's rest direction to the source's."""
    bones = rig_bones(rig)
    number = {(joint, place): i for i, (_, joint, place) in enumerate(bones)}
    latest: dict[str, Floats] = {}
    result = []
    for i, (_, joint, place) in enumerate(bones):
        mode = rig.modes[joint]
        turn = latest.get(joint, latest.get(PARENTS.get(joint, ""), to_source))
        if mode == "keep":
            turn = to_source
        elif mode != "follow":
            tip = number.get((joint, place + 1) if joint.endswith(FINGERS) else (NEXT[joint], 0))
            ours = np.zeros(3) if tip is None else rotation.rotate(to_source, heads[tip] - heads[i])
            theirs = _source_direction(source, skeleton, stance, joint, place)
            if mode == "heading":
                ours, theirs = _level(ours), _level(theirs)
            # A fingertip points to nothing: it goes on as the bone before it.
            if min(np.linalg.norm(ours), np.linalg.norm(theirs)) > 1e-6:
                turn = rotation.multiply(rotation.between(ours, theirs), to_source)
        latest[joint] = turn
        result.append(turn)
    return result


def _level(v: Floats) -> Floats:
    """``v`` without its height; zeros where it is so steep that its heading is an accident."""
    flat = v * np.array([1.0, 1.0, 0.0])
    return flat if np.linalg.norm(flat) > 0.2 * np.linalg.norm(v) else np.zeros(3)


def _source_direction(source: Joints, skeleton: Skeleton, stance: Floats, joint: str, place: int) -> Floats:
    """Where the source's bone points at rest; zeros where it has no such bone."""
    finger = joint.endswith(FINGERS)
    own = source.get(joint, ())[place if finger else 0 :]
    if not own:
        return np.zeros(3)
    tips = own[1:] if finger else source.get(NEXT[joint], ())
    beyond = stance[list(tips[:1]) or _below(skeleton, own[0])] - stance[own[0]]
    direction: Floats = beyond[np.argmax(np.linalg.norm(beyond, axis=1))]
    return direction


def _below(skeleton: Skeleton, joint: int) -> list[int]:
    """``joint`` and all that hangs from it."""
    found = [joint]
    for j in range(joint + 1, len(skeleton.parents)):
        if skeleton.parents[j] in found:
            found.append(j)
    return found


def _source_turn(turns: Floats, source: Joints, joint: str, place: int, count: int) -> Floats:
    """D (T, 4) for control ``place`` of the ``count`` that take ``joint``.

    Spine and neck bend in equal shares from what carries them, however many bones either body has there;
    fingers go bone by bone; a joint that the source lacks goes with what carries it.
    """
    listed = source.get(joint, ())
    if joint in ("spine", "neck"):
        below = PARENTS[joint]
        base = _source_turn(turns, source, below, 0, 1)
        nodes = [base, *(turns[:, j] for j in listed)]
        at = (place + 1) / count * len(listed)
        low = min(int(at), max(len(listed) - 1, 0))
        return rotation.slerp(nodes[low], nodes[min(low + 1, len(listed))], at - low)
    if not listed:
        return _source_turn(turns, source, PARENTS[joint], 0, 1)
    result: Floats = turns[:, listed[min(place, len(listed) - 1) if joint.endswith(FINGERS) else -1]]
    return result


def _hips_above_stance(positions: Floats, stance: Floats, source: Joints, skeleton: Skeleton) -> Floats:
    """The middle of the hips (T, 3), with heights from where they are on straight legs and flat feet."""
    hips: Floats = _middle({joint: positions[:, listed[0]] for joint, listed in source.items()}, "hip").copy()
    feet = [_below(skeleton, source[f"{side}_ankle"][0]) for side in SIDES]
    ankle = float(np.mean([stance[foot[0], 2] - stance[foot, 2].min() for foot in feet]))
    leg = _leg({joint: stance[listed[0]] for joint, listed in source.items()})
    # How high the lowest point of a foot is on the ground: the thickness of a sole, or a floor that was not
    # quite calibrated. A clip in the air, on a wall or on a box says nothing about it.
    sole = float(np.percentile(positions[:, feet[0] + feet[1], 2].min(axis=1), 10))
    hips[:, 2] -= leg + ankle + (sole if abs(sole) < FLOOR_SLACK * leg else 0.0)
    return hips


def _followers(target: Target) -> tuple[Bools, Bools, Bools]:
    """(turns, carries, partly), each (N, N): does control c (column) follow p (row) in rotation, in position,
    or in rotation but only in part.
    """
    rest_turns, rest_heads = _decompose(target.rest)
    turns, heads = _decompose(target.turned)
    own = np.arange(len(rest_turns))
    delta = rotation.multiply(turns[own, own], rotation.inverse(rest_turns))[:, None]
    size = max(float(np.ptp(rest_heads, axis=0).max()), 1e-9)

    changed = _angle(turns, rest_turns[None]) > FOLLOWS
    equal = _angle(turns, rotation.multiply(delta, rest_turns[None])) < FOLLOWS
    swung = heads[own, own][:, None] + rotation.rotate(delta, rest_heads[None] - rest_heads[:, None])
    # A control in p's very place stays there whether p carries it or not; then it is not p's.
    moved = np.linalg.norm(heads - rest_heads[None], axis=-1) > FOLLOWS * size
    carried = np.linalg.norm(heads - swung, axis=-1) < FOLLOWS * size
    other = ~np.eye(len(rest_turns), dtype=bool)
    return changed & equal & other, moved & carried & other, changed & ~equal & other


def _angle(a: Floats, b: Floats) -> Floats:
    """Radians between rotations."""
    angle: Floats = np.linalg.norm(rotation.to_rotvec(rotation.multiply(rotation.inverse(a), b)), axis=-1)
    return angle


def partial_followers(target: Target) -> list[str]:
    """Controls that follow another one only in part, so that the rig cannot take their pose exactly."""
    partly = _followers(target)[2].any(axis=0)
    return [bone for (bone, _, _), yes in zip(rig_bones(target.rig), partly, strict=True) if yes]


def _solve(target: Target, kept: NDArray[np.int64], wanted: Floats, hips: Floats) -> Pose:
    """Basis channels that bring the kept controls to ``wanted`` (T, K, 4) and the hips to ``hips`` (T, 3)."""
    bones = [rig_bones(target.rig)[i] for i in kept]
    rest_turns, rest_heads = _decompose(target.rest[kept])
    turns, carries, _ = (table[np.ix_(kept, kept)] for table in _followers(target))

    reached, basis = wanted.copy(), np.empty_like(wanted)
    for c, leader in _leaders(turns):
        base = rest_turns[c]
        if leader is not None:
            swing = rotation.multiply(reached[:, leader], rotation.inverse(rest_turns[leader]))
            base = rotation.multiply(swing, base)
        basis[:, c] = rotation.multiply(rotation.inverse(base), wanted[:, c])
        locked = target.locked[kept[c]]
        if locked.any():
            order = _order(target.modes[kept[c]])
            angles = rotation.to_euler(basis[:, c], order)
            angles[:, [locked["XYZ".index(axis)] for axis in order]] = 0.0
            basis[:, c] = rotation.from_euler(angles, order)
            reached[:, c] = rotation.multiply(base, basis[:, c])

    heads = np.broadcast_to(rest_heads, (*wanted.shape[:2], 3)).copy()
    for c, leader in _leaders(carries):
        if leader is not None:
            swing = rotation.multiply(reached[:, leader], rotation.inverse(rest_turns[leader]))
            heads[:, c] = heads[:, leader] + rotation.rotate(swing, rest_heads[c] - rest_heads[leader])

    sides = [next(k for k, bone in enumerate(bones) if bone[1] == f"{side}_hip") for side in SIDES]
    middle = heads[:, sides].mean(axis=1)
    # The hips answer to the location linearly, so one solve is exact; a locked axis has a zero column.
    location = (hips - middle) @ np.linalg.pinv(target.shift, rcond=1e-6).T
    moved = location @ target.shift.T
    return Pose(
        bones=tuple(bone for bone, _, _ in bones),
        rotations=rotation.continuous(basis),
        mover=target.rig.joints["pelvis"][0],
        location=location,
        turns=reached,
        heads=heads + moved[:, None],
        hips=middle + moved,
        scale=1.0,
    )


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
