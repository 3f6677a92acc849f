"""Read back what a character shows: its deform bones, as evaluated, to a Motion.

IK, constraints, drivers and the object's own movement count, for each frame is evaluated. A Motion has turns
and one way, that of the hips: what bones stretch or move by on their own is lost, and their turns are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeAlias

import bpy
import numpy as np
from numpy.typing import NDArray

from motionary import rotation
from motionary.body import find_body, leg_length, metres_per_unit
from motionary.edits import mirror, reflect
from motionary.errors import MotionaryError
from motionary.motion import Clip, Motion, Skeleton, forward_kinematics
from motionary.retarget import TO_BLENDER
from motionary.rig_solve import decompose
from motionary.rigs import ESSENTIAL, RigMap

from .armature import (
    POSE_CHANNELS,
    armature_data,
    armature_pose,
    character_frame,
    check_posable,
    current_scene,
    is_mirrored,
    names_fit_sides,
    pose_bone,
    pose_without,
    without_animation,
)
from .rig_choice import find_rig_map

__all__ = ["Skipped", "read_action", "read_actions", "read_each_action", "read_motion"]

Floats: TypeAlias = NDArray[np.float64]

MOST_FRAMES = 200_000
"""Two hours at 30 frames a second: more is a mistake in the Action's range."""

LONGEST_LEG = 8.0
"""Metres: legs that are longer are in centimetres, as those of a BVH file imported as it is."""

BONES = 'pose.bones["'

LAYERS = ("baselayer", "base layer", "layer0")
"""What programs that export FBX call the only layer that their animations have."""

STILL = 1e-3
"""Metres: what moves by less does not move."""


@dataclass(frozen=True)
class Skipped:
    """An Action that is no clip, and why, in one line."""

    action: str
    reason: str


@dataclass(frozen=True)
class _Body:
    """What of an armature is read: bones, parents before children, and whose child each is (-1: none's)."""

    rig: RigMap
    names: tuple[str, ...]
    parents: tuple[int, ...]


def read_motion(
    armature: bpy.types.Object, frame_start: int, frame_end: int, *, rig: RigMap | None = None
) -> Motion:
    """What ``armature`` shows from ``frame_start`` up to and with ``frame_end``, at the scene's frame rate.

    The skeleton is that of the deform bones from the hips on, under their names, in metres by the scene's
    unit scale. ``rig`` is found if not given. The scene's current frame stays.
    Raises MotionaryError where the armature is no human body, or is not shown.
    """
    return _read(armature, _body_of(armature, rig or find_rig_map(armature)), frame_start, frame_end)


def _read(armature: bpy.types.Object, body: _Body, frame_start: int, frame_end: int) -> Motion:
    if not 0 <= frame_end - frame_start < MOST_FRAMES:
        raise MotionaryError(
            f"armature {armature.name!r}: frames {frame_start} to {frame_end} cannot be read; "
            f"give 1 to {MOST_FRAMES} of them"
        )
    check_posable(armature)
    turns, heads = decompose(_frames(armature, body.names, range(frame_start, frame_end + 1)))
    rest_turns, rest_heads = _resting(armature, body.names)
    turns = rotation.multiply(turns, rotation.inverse(rest_turns))

    from_blender = rotation.inverse(TO_BLENDER)
    turns = rotation.multiply(rotation.multiply(from_blender, turns), TO_BLENDER)
    local_turns = turns.copy()
    carriers = list(body.parents[1:])
    local_turns[:, 1:] = rotation.multiply(rotation.inverse(turns[:, carriers]), turns[:, 1:])
    scene = current_scene()
    places = scene.unit_settings.scale_length * rotation.rotate(from_blender, rest_heads)
    path = scene.unit_settings.scale_length * rotation.rotate(from_blender, heads[:, 0])
    parents = np.array(body.parents)
    skeleton = Skeleton(body.names, parents, places - places[np.maximum(parents, 0)])
    if (leg_length(skeleton) or 0.0) > LONGEST_LEG:
        metres = metres_per_unit(skeleton)
        skeleton, path = Skeleton(body.names, parents, metres * skeleton.offsets), metres * path
    motion = Motion(skeleton, local_turns, path, scene.render.fps / scene.render.fps_base)
    if not is_mirrored(armature):
        return motion
    # What was read is the mirror image of what shows.
    return reflect(motion) if names_fit_sides(armature, body.rig) else mirror(motion)


def _resting(armature: bpy.types.Object, names: Sequence[str]) -> tuple[Floats, Floats]:
    """Turns (N, 4) and heads (N, 3) of bones at rest, in the frame of `character_frame`.

    A bone that copies a control of its own armature rests as that has it, which need not be how it was made:
    Auto-Rig Pro's controls lie otherwise. It is what `retarget` calls rest, too.
    """
    bones, frame = armature_data(armature).bones, character_frame(armature)
    local = np.array([bones[name].matrix_local for name in names], np.float64)
    copies = np.array([_copies_a_control(armature, name) for name in names])
    turns, heads = decompose(frame @ local)
    if copies.any() and not armature.library:
        with without_animation(armature) as saved:
            pose_without(armature, saved, [bone.name for bone in armature_pose(armature).bones])
            evaluated = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
            shown = np.array([pose_bone(evaluated, name).matrix for name in names], np.float64)
        turns = np.where(copies[:, None], decompose(frame @ shown)[0], turns)
    return turns, heads


def _copies_a_control(armature: bpy.types.Object, name: str) -> bool:
    return any(
        isinstance(constraint, (bpy.types.CopyTransformsConstraint, bpy.types.CopyRotationConstraint))
        and constraint.target == armature
        for constraint in pose_bone(armature, name).constraints
    )


def _frames(armature: bpy.types.Object, names: Sequence[str], frames: Sequence[int]) -> Floats:
    """Matrices (F, N, 4, 4) of bones as evaluated at scene ``frames``, in the frame of `character_frame`.

    All bones are fetched at once: one by one takes as long as Blender's evaluation.
    """
    scene, bones = current_scene(), armature_pose(armature).bones
    listed = [bones.find(name) for name in names]
    current, part = scene.frame_current, scene.frame_subframe
    fetched = np.empty(16 * len(bones), np.float32)
    shown = np.empty((len(frames), len(names), 4, 4))
    try:
        for row, frame in zip(shown, frames, strict=True):
            scene.frame_set(frame)
            evaluated = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
            armature_pose(evaluated).bones.foreach_get("matrix", fetched)
            columns = fetched.reshape(-1, 4, 4)[listed]
            row[:] = character_frame(evaluated) @ columns.transpose(0, 2, 1).astype(np.float64)
    finally:
        scene.frame_set(current, subframe=part)
    return shown


def _body_of(armature: bpy.types.Object, rig: RigMap) -> _Body:
    """The deform bones that are the body; or all bones, where one that deforms would be two joints."""
    bones = armature_data(armature).bones
    deforming = [bone for bone in bones if bone.use_deform]
    near = {_nearest(deforming, bones[rig.joints[joint][0]]) for joint in ESSENTIAL} if deforming else set()
    names, parents = _body_bones(armature, deforming if len(near) == len(ESSENTIAL) else list(bones), rig)
    return _Body(rig, tuple(names), tuple(parents))


def _body_bones(
    armature: bpy.types.Object, deforming: Sequence[bpy.types.Bone], rig: RigMap
) -> tuple[list[str], list[int]]:
    """Those of ``deforming`` from the hips on, a parent before its children, and whose child each is.

    Where a control rig comes between two deform bones, a bone in it stands for the deform bone that lies in
    its very place: so Rigify's thigh hangs from ORG-spine, and thus from DEF-spine.
    """
    bones = armature_data(armature).bones
    ends = np.array([[*bone.head_local[:], *bone.tail_local[:]] for bone in deforming])
    near = 1e-3 * np.abs(ends).max()
    stands_for = {bone.name: bone.name for bone in deforming}
    above: dict[str, str | None] = {}
    for bone in deforming:
        parent = bone.parent
        while parent is not None:
            if parent.name not in stands_for:
                apart = np.abs(ends - [*parent.head_local[:], *parent.tail_local[:]]).max(axis=1)
                stands_for[parent.name] = deforming[apart.argmin()].name if apart.min() < near else ""
            carrier = stands_for[parent.name]
            # Two bones may lie in one place, and each hang from what stands for the other.
            if carrier and bone.name not in _chain(carrier, above):
                above[bone.name] = carrier
                break
            parent = parent.parent

    body = {joint: _nearest(deforming, bones[listed[0]]) for joint, listed in rig.joints.items()}
    trunk = [_chain(body[joint], above) for joint in ("left_hip", "right_hip", "left_shoulder")]
    shared = [name for name in trunk[0] if all(name in chain for chain in trunk)]
    hips = shared[0] if shared else body["pelvis"]
    over = _chain(hips, above)
    above[hips] = None
    for start in body.values():
        # What of the body is a tree of its own is hung from the hips.
        way = _chain(start, above)
        if hips not in way and start not in over:
            above[way[-1]] = hips
    order, parents = [hips], [-1]
    for name in order:
        children = [bone.name for bone in deforming if above.get(bone.name) == name]
        parents += [order.index(name)] * len(children)
        order += children
    return order, parents


def _chain(name: str, above: Mapping[str, str | None]) -> list[str]:
    """``name`` and what carries it, up to the root."""
    chain = [name]
    while (carrier := above.get(chain[-1])) is not None:
        chain.append(carrier)
    return chain


def _nearest(bones: Sequence[bpy.types.Bone], control: bpy.types.Bone) -> str:
    """The bone that begins nearest to where ``control`` does, and points as it does."""
    return min(
        bones,
        key=lambda bone: (
            round((bone.head_local - control.head_local).length, 4),
            bone != control,
            -bone.vector.normalized().dot(control.vector.normalized()),
        ),
    ).name


def read_action(armature: bpy.types.Object) -> Clip:
    """The clip that the active Action of ``armature`` is, read with the NLA switched off.

    Its name, caption and tags are as those of `read_actions`. The scene's current frame and the pose stay.

    MotionaryError where there is no Action, it is a pose, or the armature is no human body, or is not shown.
    """
    animation = armature.animation_data
    action, slot = (animation.action, animation.action_slot) if animation else (None, None)
    if action is None or slot is None:
        raise MotionaryError(
            f"armature {armature.name!r} has no Action; make one active in the Action Editor"
        )
    start, end = _range(action)
    if end <= start:
        raise MotionaryError(f"action {action.name!r} is a pose of one frame")
    body = _body_of(armature, find_rig_map(armature))
    check_posable(armature)
    with _playing(armature, action, slot):
        motion = _read(armature, body, start, end)
    return Clip(_plain(action.name, [armature.name]), motion, captions=_captions(action), tags=_tags(action))


def read_actions() -> Iterator[Clip | Skipped]:
    """Every Action in the open file that moves a human armature of its active scene, one after the other.

    Each slot of an Action is for the armature that plays it, now or in the NLA, or else for the one with most
    of its bones. It is read with the slot assigned and the NLA switched off; the file is left as it was. A
    clip has the name of the Action, and as caption and tags what its asset data says.
    """
    return (found for _, found in read_each_action())


def read_each_action() -> Iterator[tuple[str, Clip | Skipped]]:
    """The same, each with the name of the Action in the file; "" where an armature is the reason."""
    bodies: dict[str, _Body] = {}
    for armature in current_scene().objects:
        if armature.type == "ARMATURE":
            try:
                check_posable(armature)
                bodies[armature.name] = _body_of(armature, find_rig_map(armature))
            except MotionaryError as error:
                yield "", Skipped("", str(error))
    humans = [current_scene().objects[name] for name in bodies]
    used: set[str] = set()
    for action in list(bpy.data.actions):
        where = f"action {action.name!r}"
        found = [(slot, player) for slot in action.slots if (player := _player(action, slot, humans))]
        if not found:
            yield action.name, Skipped(action.name, f"{where} moves no human armature of this file")
            continue
        start, end = _range(action)
        if end <= start:
            yield action.name, Skipped(action.name, f"{where} is a pose of one frame")
            continue
        name = _plain(action.name, [player.name for _, player in found])
        for slot, armature in found:
            body = bodies[armature.name]
            try:
                with _playing(armature, action, slot):
                    motion = _read(armature, body, start, end)
                _check_moving(motion, body, _keyed_bones(action, slot))
            except MotionaryError as error:
                yield action.name, Skipped(action.name, f"{where}: {error}")
                continue
            whose = f" ({armature.name})" if len(found) > 1 else ""
            told = _unique(name + whose, used), motion
            yield action.name, Clip(*told, captions=_captions(action), tags=_tags(action))


def _range(action: bpy.types.Action) -> tuple[int, int]:
    """Its first and last frame."""
    start, end = action.frame_range[:]
    return int(np.floor(start + 0.5)), int(np.floor(end + 0.5))


def _captions(action: bpy.types.Action) -> tuple[str, ...]:
    """What its asset data says of it."""
    said = action.asset_data.description.strip() if action.asset_data else ""
    return (said,) if said else ()


def _tags(action: bpy.types.Action) -> tuple[str, ...]:
    return tuple(action.asset_data.tags.keys()) if action.asset_data else ()


def _player(
    action: bpy.types.Action, slot: bpy.types.ActionSlot, armatures: Sequence[bpy.types.Object]
) -> bpy.types.Object | None:
    """The armature that ``slot`` of ``action`` is for; None where none has half of its bones."""
    bones = _keyed_bones(action, slot)

    def fit(armature: bpy.types.Object) -> tuple[bool, bool, int]:
        there = sum(bone in armature_data(armature).bones for bone in bones)
        return _plays(armature, action, slot), slot.identifier[2:] == armature.name, there

    fitting = [armature for armature in armatures if bones and 2 * fit(armature)[-1] >= len(bones)]
    return max(fitting, key=fit, default=None)


def _plays(armature: bpy.types.Object, action: bpy.types.Action, slot: bpy.types.ActionSlot) -> bool:
    animation = armature.animation_data
    if animation is None:
        return False
    strips = chain.from_iterable(track.strips for track in animation.nla_tracks)
    played = [(animation.action, animation.action_slot), *((s.action, s.action_slot) for s in strips)]
    return (action, slot) in played


def _bag(action: bpy.types.Action, slot: bpy.types.ActionSlot) -> list[str]:
    """The paths of the curves that ``slot`` has, each once."""
    paths: dict[str, None] = {}
    for layer in action.layers:
        for strip in layer.strips:
            assert isinstance(strip, bpy.types.ActionKeyframeStrip)
            if bag := strip.channelbag(slot):
                paths |= dict.fromkeys(curve.data_path for curve in bag.fcurves)
    return list(paths)


def _keyed_bones(action: bpy.types.Action, slot: bpy.types.ActionSlot) -> set[str]:
    """The bones that ``slot`` has curves for."""
    return {path.split('"')[1] for path in _bag(action, slot) if path.startswith(BONES)}


def _check_moving(motion: Motion, body: _Body, keyed: set[str]) -> None:
    """MotionaryError where no joint of the body is keyed and none moves: for a face, or for what is held."""
    weights = find_body(motion.skeleton).weights
    joints = {name for name, used in zip(motion.skeleton.names, weights.any(axis=0), strict=True) if used}
    controls = set(chain.from_iterable(body.rig.joints.values()))
    places = weights @ forward_kinematics(motion)[0]
    if not keyed & (joints | controls) and np.ptp(places, axis=0).max() < STILL:
        raise MotionaryError("moves nothing of a body")


@contextmanager
def _playing(
    armature: bpy.types.Object, action: bpy.types.Action, slot: bpy.types.ActionSlot
) -> Iterator[None]:
    """``action`` and nothing else plays on ``armature``; afterwards what did before."""
    animation = armature.animation_data_create()
    assert animation is not None
    mixing = animation.action_blend_type, animation.action_influence
    # What bones are posed by is put back as a whole; an Action may also move the object, or set a property.
    paths = [path for path in _bag(action, slot) if not _is_posing(path)]
    before = {path: _value(armature, path) for path in paths}
    with without_animation(armature) as saved:
        try:
            # A bone that this Action does not key must not stay where the one before has left it.
            pose_without(armature, saved, [bone.name for bone in armature_data(armature).bones])
            animation.action, animation.action_slot = action, slot
            animation.action_blend_type, animation.action_influence = "REPLACE", 1.0
            yield
        finally:
            animation.action_blend_type, animation.action_influence = mixing
            for path, value in before.items():
                if value is not None:
                    _put_back(armature, path, value)


def _is_posing(path: str) -> bool:
    return path.startswith(BONES) and path.rpartition('"].')[2] in POSE_CHANNELS


def _value(armature: bpy.types.Object, path: str) -> Any:
    """What is at ``path``, as plain numbers; None where nothing is: an Action may be another rig's."""
    try:
        value = armature.path_resolve(path)
    except ValueError:
        return None
    return value if isinstance(value, (bool, int, float, str)) else tuple(value)


def _put_back(armature: bpy.types.Object, path: str, value: Any) -> None:
    if path.endswith('"]'):
        owner, _, name = path.removesuffix('"]').rpartition('["')
        (armature.path_resolve(owner) if owner else armature)[name] = value
    else:
        owner, _, name = path.rpartition(".")
        setattr(armature.path_resolve(owner) if owner else armature, name, value)


def _plain(name: str, armatures: Sequence[str]) -> str:
    """An Action's name without what FBX importers put around it, as in "Armature|Walk|BaseLayer"."""
    parts = [part for part in name.split("|") if part not in armatures]
    if len(parts) > 1 and parts[0].lower().startswith("armature"):
        parts = parts[1:]
    if len(parts) > 1 and parts[-1].lower() in LAYERS:
        parts = parts[:-1]
    return "|".join(parts) or name


def _unique(name: str, used: set[str]) -> str:
    """``name``, or with a number if it is in ``used``, where it is put."""
    number, free = 1, name
    while free in used:
        number += 1
        free = f"{name} ({number})"
    used.add(free)
    return free
