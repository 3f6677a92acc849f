"""Read back what a character shows: its deform bones, as evaluated, to a Motion.

IK, constraints, drivers and the object's own movement count, for each frame is evaluated. A Motion has turns
and one way, that of the hips: what bones stretch or move by on their own is lost, and their turns are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import bpy
import numpy as np

from motionary import rotation
from motionary.edits import mirror, reflect
from motionary.errors import MotionaryError
from motionary.motion import Clip, Motion, Skeleton
from motionary.retarget import TO_BLENDER
from motionary.rig_solve import decompose
from motionary.rigs import RigMap

from .armature import (
    armature_data,
    character_frame,
    current_scene,
    is_mirrored,
    names_fit_sides,
    pose_without,
    without_animation,
)
from .rig_choice import find_rig_map
from .verify import frames_shown

__all__ = ["Skipped", "read_actions", "read_motion"]

MOST_FRAMES = 200_000
"""Two hours at 30 frames a second: more is a mistake in the Action's range."""


@dataclass(frozen=True)
class Skipped:
    """An Action that is no clip, and why, in one line."""

    action: str
    reason: str


def read_motion(
    armature: bpy.types.Object, frame_start: int, frame_end: int, *, rig: RigMap | None = None
) -> Motion:
    """What ``armature`` shows from ``frame_start`` up to and with ``frame_end``, at the scene's frame rate.

    The skeleton is that of the deform bones from the hips on, under their names, in metres by the scene's
    unit scale. ``rig`` is found if not given. The scene's current frame stays.
    Raises MotionaryError where the armature is no human body.
    """
    scene = current_scene()
    rig = rig or find_rig_map(armature)
    if not 0 <= frame_end - frame_start < MOST_FRAMES:
        raise MotionaryError(
            f"armature {armature.name!r}: frames {frame_start} to {frame_end} cannot be read; "
            f"give 1 to {MOST_FRAMES} of them"
        )
    names, parents = _body_bones(armature, rig)
    shown = frames_shown(armature, names, range(frame_start, frame_end + 1))
    bones = armature_data(armature).bones
    local = np.array([bones[name].matrix_local for name in names], np.float64)
    rest_turns, rest_heads = decompose(character_frame(armature) @ local)
    turns, heads = decompose(shown)
    turns = rotation.multiply(turns, rotation.inverse(rest_turns))

    from_blender = rotation.inverse(TO_BLENDER)
    turns = rotation.multiply(rotation.multiply(from_blender, turns), TO_BLENDER)
    local_turns = turns.copy()
    for joint, parent in enumerate(parents[1:], 1):
        local_turns[:, joint] = rotation.multiply(rotation.inverse(turns[:, parent]), turns[:, joint])
    metres = max(scene.unit_settings.scale_length, 1e-9)
    places = metres * rotation.rotate(from_blender, rest_heads)
    offsets = places - places[np.maximum(parents, 0)]
    motion = Motion(
        Skeleton(tuple(names), np.array(parents), offsets),
        local_turns,
        metres * rotation.rotate(from_blender, heads[:, 0]),
        scene.render.fps / scene.render.fps_base,
    )
    if not is_mirrored(armature):
        return motion
    # What was read is the mirror image of what shows.
    return reflect(motion) if names_fit_sides(armature, rig) else mirror(motion)


def _body_bones(armature: bpy.types.Object, rig: RigMap) -> tuple[list[str], list[int]]:
    """The deform bones from the hips on, a parent before its children, and whose child each is (-1: none).

    Where a control rig comes between two deform bones, a bone in it stands for the deform bone that lies in
    its very place: so Rigify's thigh hangs from ORG-spine, and thus from DEF-spine.
    """
    bones = armature_data(armature).bones
    deforming = [bone for bone in bones if bone.use_deform] or list(bones)
    near = 1e-3 * max(bone.head_local.length for bone in bones)

    def stands_for(bone: bpy.types.Bone) -> bpy.types.Bone | None:
        if bone in deforming:
            return bone
        ends = bone.head_local, bone.tail_local
        for other in deforming:
            apart = (other.head_local - ends[0]).length, (other.tail_local - ends[1]).length
            if max(apart) < near:
                return other
        return None

    above: dict[str, str | None] = {}
    for bone in deforming:
        parent = bone.parent
        while parent is not None and ((found := stands_for(parent)) is None or found == bone):
            parent = parent.parent
        above[bone.name] = found.name if parent is not None and found is not None else None

    body = {joint: _nearest(deforming, bones[listed[0]]) for joint, listed in rig.joints.items()}
    trunk = [_chain(body[joint], above) for joint in ("left_hip", "right_hip", "left_shoulder")]
    shared = [name for name in trunk[0] if all(name in chain for chain in trunk)]
    hips = shared[0] if shared else body["pelvis"]
    above[hips] = None
    for start in body.values():
        # What of the body is a tree of its own is hung from the hips.
        chain = _chain(start, above)
        if hips not in chain:
            above[chain[-1]] = hips
    order, parents = [hips], [-1]
    for name in order:
        children = [bone.name for bone in deforming if above[bone.name] == name]
        parents += [order.index(name)] * len(children)
        order += children
    return order, parents


def _chain(name: str, above: dict[str, str | None]) -> list[str]:
    """``name`` and what carries it, up to the root."""
    chain = [name]
    while (carrier := above[chain[-1]]) is not None:
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


def read_actions() -> Iterator[Clip | Skipped]:
    """Every Action in the open file that moves a human armature of its active scene, one after the other.

    An Action belongs to the armature that it animates, or else to the one with most of its bones. It is read
    with its slot assigned and the NLA switched off; the file is left as it was. Clips have the names of the
    Actions, and as captions and tags what their asset data says.
    """
    armatures = [item for item in current_scene().objects if item.type == "ARMATURE"]
    rigs: dict[str, RigMap] = {}
    for armature in armatures:
        try:
            rigs[armature.name] = find_rig_map(armature)
        except MotionaryError as error:
            yield Skipped("", str(error))
    humans = [armature for armature in armatures if armature.name in rigs]
    used: set[str] = set()
    for action in list(bpy.data.actions):
        found = _animated(action, humans)
        if found is None:
            yield Skipped(action.name, f"action {action.name!r} moves no human armature of this file")
            continue
        armature, slot = found
        start, end = (int(np.floor(frame + 0.5)) for frame in action.frame_range[:])
        if end <= start:
            yield Skipped(action.name, f"action {action.name!r} is a pose of one frame")
            continue
        try:
            with _playing(armature, action, slot):
                motion = read_motion(armature, start, end, rig=rigs[armature.name])
        except MotionaryError as error:
            yield Skipped(action.name, f"action {action.name!r}: {error}")
            continue
        name = _unique(action.name.rpartition("|")[2] or action.name, used)
        said = action.asset_data
        captions = tuple(filter(None, [said.description.strip()])) if said else ()
        tags = tuple(said.tags.keys()) if said else ()
        yield Clip(name, motion, captions=captions, tags=tags)


def _animated(
    action: bpy.types.Action, armatures: Sequence[bpy.types.Object]
) -> tuple[bpy.types.Object, bpy.types.ActionSlot] | None:
    """The armature that ``action`` is for, and the slot that says so; None where it is for none of them."""
    best, found = 0.0, None
    for slot in action.slots:
        bones = _keyed_bones(action, slot)
        for armature in armatures:
            there = sum(bone in armature_data(armature).bones for bone in bones)
            if not bones or there < len(bones) / 2:
                continue
            animation = armature.animation_data
            own = animation is not None and animation.action == action and animation.action_slot == slot
            named = slot.identifier[2:] == armature.name
            score = there + 0.5 * named + 0.75 * own
            if score > best:
                best, found = score, (armature, slot)
    return found


def _keyed_bones(action: bpy.types.Action, slot: bpy.types.ActionSlot) -> set[str]:
    """The bones that ``slot`` has curves for."""
    paths = set()
    for layer in action.layers:
        for strip in layer.strips:
            assert isinstance(strip, bpy.types.ActionKeyframeStrip)
            bag = strip.channelbag(slot)
            paths |= {curve.data_path for curve in bag.fcurves} if bag else set()
    return {path.split('"')[1] for path in paths if path.startswith('pose.bones["')}


@contextmanager
def _playing(
    armature: bpy.types.Object, action: bpy.types.Action, slot: bpy.types.ActionSlot
) -> Iterator[None]:
    """``action`` and nothing else plays on ``armature``; afterwards what did before."""
    basis = armature.matrix_basis.copy()
    animation = armature.animation_data_create()
    assert animation is not None
    with without_animation(armature) as saved:
        # A bone that this Action does not key must not stay where the one before has left it.
        pose_without(armature, saved, [bone.name for bone in armature_data(armature).bones])
        animation.action, animation.action_slot = action, slot
        yield
    armature.matrix_basis = basis


def _unique(name: str, used: set[str]) -> str:
    """``name``, or with a number if it is in ``used``, where it is put."""
    number, free = 1, name
    while free in used:
        number += 1
        free = f"{name} ({number})"
    used.add(free)
    return free
