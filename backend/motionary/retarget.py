"""Put a Motion on another body: from a source's joint rotations to the channels of a rig's controls.

World-space retargeting in closed form: nothing edits the rig, bakes through constraints or steps through
frames. For a control c that takes joint b,

    Q_c(t) = D_b(t) A_b R0_c

where R0 is the control's rest rotation, D the source joint's global rotation (a Motion's rest axes are the
world's, so D is the turn from rest) and A reconciles the two rest poses (see `RigMap.modes`).
`motionary.rig_solve` finds the channels that make the rig show it.

Frame: Blender's world, Z up and a character at rest facing -Y, in the scene's units; quaternions wxyz.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from motionary import body, rotation
from motionary.motion import Motion, Skeleton, forward_kinematics, rest_positions
from motionary.rig_solve import Pose, Target, decompose, first_heads, rig_bones, solve
from motionary.rigs import DEFAULT_MODES, FINGERS, NEXT, PARENTS, RigMap, find_rig
from motionary.stance import SIDES, UP, body_frame, headings, leg_length, midpoint

__all__ = ["TO_BLENDER", "TRUNK", "performed_joints", "retarget", "rig_by_shape", "source_joints"]

Floats: TypeAlias = NDArray[np.float64]
Joints: TypeAlias = Mapping[str, tuple[int, ...]]
"""Joint, as rig maps name them -> the numbers of the source's joints that it is made of, root outward."""

TO_BLENDER = np.array([np.sqrt(0.5), np.sqrt(0.5), 0.0, 0.0])
"""A quarter turn about X: Y up and +Z forward become Z up and -Y forward."""

TRUNK = ("pelvis", "spine", "neck", "head")
"""Joints that every rig has, and that go with what carries them where a source does not tell them apart."""

TWISTING = ("shoulder", "elbow", "hip", "knee")
"""Limbs whose twist is shared out where a rig has several bones in a row for them."""

RESTING = 1e-3
"""Half the sine of a turn that is none."""

FLOOR_SLACK = 0.15
"""Leg lengths: a clip whose feet stay further than this from height zero is not standing on the floor."""


@dataclass(frozen=True, eq=False)
class _Performer:
    """The source in Blender's world: resting (J, 3) positions, and positions (T, J, 3) and turns from rest
    (T, J, 4) of all its joints; joints tells which of them are what."""

    skeleton: Skeleton
    joints: Joints
    resting: Floats
    positions: Floats
    turns: Floats

    def rest(self, joint: str) -> Floats:
        """Where ``joint`` is at rest."""
        place: Floats = self.resting[self.joints[joint][0]]
        return place


def performed_joints(motion: Motion) -> dict[str, tuple[int, ...]]:
    """:func:`source_joints` of its skeleton, without fingers that are in it and never leave their rest: where
    nobody captured them, the character's own are to stay as they are."""
    joints = source_joints(motion.skeleton)
    resting = np.abs(motion.rotations[..., 1:]).max(axis=(0, 2)) < RESTING
    return {
        joint: listed
        for joint, listed in joints.items()
        if not (joint.endswith(FINGERS) and resting[list(listed)].all())
    }


def _performer(motion: Motion) -> _Performer:
    positions, turns = forward_kinematics(motion)
    turns = rotation.multiply(rotation.multiply(TO_BLENDER, turns), rotation.inverse(TO_BLENDER))
    return _Performer(
        motion.skeleton,
        performed_joints(motion),
        rotation.rotate(TO_BLENDER, rest_positions(motion.skeleton)),
        rotation.rotate(TO_BLENDER, positions),
        turns,
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


def retarget(
    motion: Motion,
    target: Target,
    *,
    keep_place: bool = False,
    turn: float = 0.0,
    offset: Sequence[float] = (0.0, 0.0, 0.0),
    stride: float | None = None,
    begins: Floats | None = None,
) -> Pose:
    """The channels that make ``target`` move as ``motion`` does.

    The hips' path is scaled by leg length, and set so that straight legs reach the floor; ``stride`` scales
    what it covers over the ground instead, in the scene's units a metre. It begins where the character stands
    and faces, moved by ``begins`` (4, 4) over the ground if that is given; with ``keep_place`` it is where
    the clip was recorded, from the rig's origin. ``turn`` (radians
    about the vertical, where it begins) and ``offset`` (the scene's units) are added to that.
    Controls whose joint the motion lacks (fingers, mostly) are left out.
    Raises MotionaryError where no human body is found in the motion.
    """
    source = _performer(motion)
    bones = rig_bones(target.rig)
    theirs = {joint: source.rest(joint) for joint in source.joints}
    ours, standing = (first_heads(target.rig, matrices) for matrices in (target.rest, target.stance))
    frame, own_frame = body_frame(theirs), body_frame(ours)
    facing = rotation.multiply(source.turns[:, source.joints["pelvis"][0]], frame)
    yaw = rotation.from_axis_angle(UP, turn)
    if not keep_place:
        stands = body_frame(standing)
        if begins is not None:
            standing = {joint: begins[:3, :3] @ at + begins[:3, 3] for joint, at in standing.items()}
            stands = rotation.multiply(rotation.from_matrix(begins[:3, :3]), stands)
        start = rotation.from_axis_angle(UP, headings(facing[0], stands))
        yaw = rotation.multiply(yaw, start)

    aligned = _alignments(target.rig, target.rest[:, :3, 3], source, own_frame, frame)
    rest_turns, _ = decompose(target.rest)
    kept = np.array([i for i, bone in enumerate(bones) if bone[1] in source.joints or bone[1] in TRUNK])
    wanted = np.empty((motion.frames, len(kept), 4))
    for k, i in enumerate(kept):
        _, joint, place = bones[i]
        shown = _source_turn(source, joint, place, len(target.rig.joints[joint]))
        wanted[:, k] = rotation.multiply(
            rotation.multiply(yaw, shown), rotation.multiply(aligned[i], rest_turns[i])
        )

    # Sizes are those of the character as it stands: the animator may have scaled its root.
    scale = leg_length(standing) / leg_length(theirs)
    hips = _hips_above_stance(source) * np.array([stride or scale, stride or scale, scale])
    hips[:, 2] += leg_length(standing) + midpoint(standing, "ankle")[2]
    begins = hips[0] * [1.0, 1.0, 0.0]
    hips = rotation.rotate(yaw, hips - begins)
    hips += (begins + target.origin if keep_place else midpoint(standing, "hip")) * [1.0, 1.0, 0.0]
    hips += np.asarray(offset, np.float64)

    return replace(solve(target, kept, wanted, hips), scale=scale)


def _alignments(
    rig: RigMap, heads: Floats, source: _Performer, own_frame: Floats, frame: Floats
) -> list[Floats]:
    """A of every control, whose ``heads`` (N, 3) are at rest: the turn from the character's rest direction to
    the source's."""
    bones = rig_bones(rig)
    number = {(joint, place): i for i, (_, joint, place) in enumerate(bones)}
    to_source = rotation.multiply(frame, rotation.inverse(own_frame))
    plain: dict[str, Floats] = {}
    carrying: dict[str, Floats] = {}
    result = []
    for i, (_, joint, place) in enumerate(bones):
        mode = rig.modes[joint]
        turn = plain.get(joint, carrying.get(PARENTS.get(joint, ""), to_source))
        if mode == "keep":
            turn = to_source
        elif mode != "follow":
            beyond = None if joint.endswith(FINGERS) else number.get((NEXT[joint], 0))
            tip = number.get((joint, place + 1), beyond)
            ours = np.zeros(3) if tip is None else rotation.rotate(to_source, heads[tip] - heads[i])
            theirs = _source_direction(source, joint, place)
            if mode == "heading":
                ours, theirs = _level(ours), _level(theirs)
            # A fingertip points to nothing: it goes on as the bone before it.
            if min(np.linalg.norm(ours), np.linalg.norm(theirs)) > 1e-6:
                turn = rotation.multiply(rotation.between(ours, theirs), to_source)
        plain[joint] = turn
        if joint in rig.offsets:
            added = rotation.from_euler(np.radians(rig.offsets[joint])[::-1], "ZYX")
            added = rotation.multiply(rotation.multiply(own_frame, added), rotation.inverse(own_frame))
            turn = rotation.multiply(turn, added)
        carrying[joint] = turn
        result.append(turn)
    return result


def _level(v: Floats) -> Floats:
    """``v`` without its height; zeros where it is so steep that its heading is an accident."""
    flat = v * np.array([1.0, 1.0, 0.0])
    return flat if np.linalg.norm(flat) > 0.2 * np.linalg.norm(v) else np.zeros(3)


def _source_direction(source: _Performer, joint: str, place: int) -> Floats:
    """Where the source's bone points at rest; zeros where it has no such bone."""
    finger = joint.endswith(FINGERS)
    own = source.joints.get(joint, ())[place if finger else 0 :]
    if not own:
        return np.zeros(3)
    tips = own[1:] if finger else source.joints.get(NEXT[joint], ())
    beyond = source.resting[list(tips[:1]) or _below(source.skeleton, own[0])] - source.resting[own[0]]
    direction: Floats = beyond[np.argmax(np.linalg.norm(beyond, axis=1))]
    return direction


def _below(skeleton: Skeleton, joint: int) -> list[int]:
    """``joint`` and all that hangs from it."""
    found = [joint]
    for j in range(joint + 1, len(skeleton.parents)):
        if skeleton.parents[j] in found:
            found.append(j)
    return found


def _source_turn(source: _Performer, joint: str, place: int = 0, count: int = 1) -> Floats:
    """D (T, 4) for control ``place`` of the ``count`` that take ``joint``.

    Spine and neck bend in equal shares from what carries them, however many bones either body has there, and
    so do the bones of a limb in their twist; fingers go bone by bone; a joint that the source lacks goes with
    what carries it.
    """
    listed = source.joints.get(joint, ())
    if joint in ("spine", "neck"):
        base = _source_turn(source, PARENTS[joint])
        nodes = [base, *(source.turns[:, j] for j in listed)]
        at = (place + 1) / count * len(listed)
        low = min(int(at), max(len(listed) - 1, 0))
        return rotation.slerp(nodes[low], nodes[min(low + 1, len(listed))], at - low)
    if not listed:
        return _source_turn(source, PARENTS[joint])
    turn: Floats = source.turns[:, listed[min(place, len(listed) - 1) if joint.endswith(FINGERS) else -1]]
    if place == count - 1 or not joint.endswith(TWISTING):
        return turn
    carrier = _source_turn(source, PARENTS[joint])
    axis = _source_direction(source, joint, 0)
    own = rotation.multiply(rotation.inverse(carrier), turn)
    about = np.concatenate([own[:, :1], (own[:, 1:] @ axis)[:, None] * axis / (axis @ axis)], axis=1)
    twist = rotation.normalize(about)
    untwisted = rotation.multiply(turn, rotation.inverse(twist))
    return rotation.multiply(untwisted, rotation.slerp(rotation.IDENTITY, twist, (place + 1) / count))


def _hips_above_stance(source: _Performer) -> Floats:
    """The middle of the hips (T, 3), with heights from where they are on straight legs and flat feet."""
    moving = {joint: source.positions[:, listed[0]] for joint, listed in source.joints.items()}
    hips: Floats = midpoint(moving, "hip").copy()
    feet = [_below(source.skeleton, source.joints[f"{side}_ankle"][0]) for side in SIDES]
    heights = source.resting[:, 2]
    ankle = float(np.mean([heights[foot[0]] - heights[foot].min() for foot in feet]))
    leg = leg_length({joint: source.rest(joint) for joint in source.joints})
    # How high the lowest point of a foot is on the ground: the thickness of a sole, or a floor that was not
    # quite calibrated. A clip in the air, on a wall or on a box says nothing about it.
    sole = float(np.percentile(source.positions[:, feet[0] + feet[1], 2].min(axis=1), 10))
    hips[:, 2] -= leg + ankle + (sole if abs(sole) < FLOOR_SLACK * leg else 0.0)
    return hips
