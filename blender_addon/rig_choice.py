"""Choose the rig map of a character: which of its bones take which joint of the body.

The user's own word comes first, then the VRM add-on's, then the names of the bones, then their shape at rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import bpy
import numpy as np

from motionary import rotation
from motionary.errors import MotionaryError
from motionary.motion import Skeleton
from motionary.retarget import TO_BLENDER, rig_by_shape
from motionary.rigs import (
    ESSENTIAL,
    JOINTS,
    RigMap,
    built_in,
    format_rig_map,
    match,
    parse_rig_map,
    rank_rigs,
)

from .armature import armature_data

__all__ = ["RigChoice", "choose_rig", "find_rig_map", "forget_rig_map", "is_kept", "keep_rig_map"]

KEPT = "motionary_rig_map"
"""The custom property of an armature object that holds the user's rig map as TOML."""


@dataclass(frozen=True)
class RigChoice:
    """A rig map whose bones are all there, and in one line what speaks for it."""

    rig: RigMap
    reason: str


def find_rig_map(armature: bpy.types.Object) -> RigMap:
    """The rig map of ``armature``; see :func:`choose_rig`."""
    return choose_rig(armature).rig


def choose_rig(armature: bpy.types.Object) -> RigChoice:
    """The rig map that the user kept on ``armature``; or what the VRM add-on was told of its bones; or the
    map that fits by the names of its bones, or else by their shape at rest.

    MotionaryError where none finds a human body, and where the kept map is broken.
    """
    parents = {bone.name: bone.parent.name if bone.parent else None for bone in armature_data(armature).bones}
    if armature.get(KEPT) is not None:
        return _kept(armature, parents)
    if choice := _vrm(armature, parents):
        return choice
    fits = rank_rigs(parents)
    # What an animator poses are controls: where those fit too, they come before bones that deform.
    best = min(fits, key=lambda fit: (not fit.rig.joints.keys() >= ESSENTIAL, _deforms(armature, fit.rig)))
    if best.rig.joints.keys() >= ESSENTIAL:
        return RigChoice(best.rig, best.reason)
    try:
        return RigChoice(rig_by_shape(_skeleton(armature)), "by the shape at rest: no family's names fit")
    except MotionaryError as error:
        raise MotionaryError(
            f"armature {armature.name!r}: no rig map fits ({best.reason}), and {error}"
        ) from None


def _deforms(armature: bpy.types.Object, rig: RigMap) -> bool:
    thighs = rig.joints.get("left_hip", ())
    return any(armature_data(armature).bones[bone].use_deform for bone in thighs)


def keep_rig_map(armature: bpy.types.Object, rig: RigMap) -> None:
    """Keep ``rig`` on ``armature``, in the file and in its copies, as the user's word on it.

    MotionaryError where the armature comes from another file, or ``rig`` is no valid map.
    """
    _check_own(armature)
    text = format_rig_map(rig)
    parse_rig_map(text, f"armature {armature.name!r}, rig map {rig.name!r}")
    armature[KEPT] = text


def is_kept(armature: bpy.types.Object) -> bool:
    """Whether the user's own rig map is on ``armature``."""
    return armature.get(KEPT) is not None


def forget_rig_map(armature: bpy.types.Object) -> None:
    """Take away what :func:`keep_rig_map` kept, if anything."""
    if armature.get(KEPT) is not None:
        _check_own(armature)
        del armature[KEPT]


def _check_own(armature: bpy.types.Object) -> None:
    # A library override can be given a custom property, but Blender does not save it.
    if armature.library or armature.override_library:
        raise MotionaryError(
            f"armature {armature.name!r} comes from another file, so Blender would not save a change of "
            "its rig map; change it in that file, or save the map as a file of its own"
        )


def _kept(armature: bpy.types.Object, bones: Mapping[str, str | None]) -> RigChoice:
    """The user's map, of the bones that are there."""
    where = f"armature {armature.name!r}: the rig map kept on it"
    text = armature[KEPT]
    rig = parse_rig_map(text if isinstance(text, str) else "", where)
    there = _of(rig, {name: name for name in bones})
    if lacking := [joint for joint in JOINTS if joint in ESSENTIAL and joint not in there.joints]:
        gone = dict.fromkeys(bone for listed in rig.joints.values() for bone in listed if bone not in bones)
        what = f" ({', '.join(gone)} {'is' if len(gone) == 1 else 'are'} not there)" if gone else ""
        raise MotionaryError(f"{where} lacks {', '.join(lacking)}{what}; correct it or forget it")
    return RigChoice(there, f"{rig.name}: kept on the armature")


def _of(rig: RigMap, bones: Mapping[str, str]) -> RigMap:
    """``rig`` with each name replaced by that in ``bones``, without those that are not in it."""
    joints = {
        joint: tuple(bones[name] for name in listed if name in bones) for joint, listed in rig.joints.items()
    }
    return replace(
        rig,
        joints={joint: listed for joint, listed in joints.items() if listed},
        switches=tuple(replace(s, bone=bones[s.bone]) for s in rig.switches if s.bone in bones),
        roots=tuple(bones[root] for root in rig.roots if root in bones),
    )


def _vrm(armature: bpy.types.Object, bones: Mapping[str, str | None]) -> RigChoice | None:
    """The humanoid bones that the VRM add-on for Blender was told, where they make a body."""
    assigned = {human: bone for human, bone in _vrm_bones(armature_data(armature)) if bone in bones}
    humanoid = next(rig for rig in built_in() if rig.name == "VRM humanoid")
    found = match(humanoid, assigned)
    if found is None:
        return None
    roots = tuple(name for name in ("Root", "root") if name in bones)
    rig = replace(_of(found, assigned), name="VRM add-on", roots=roots)
    return RigChoice(rig, f"VRM add-on: it has {len(assigned)} bones assigned")


def _vrm_bones(data: bpy.types.Armature) -> Iterator[tuple[str, str]]:
    """VRM's name of a humanoid bone, and the armature's.

    Property names as in saturday06/VRM-Addon-for-Blender, editor/vrm0 and editor/vrm1, property_group.py.
    """
    extension = getattr(data, "vrm_addon_extension", None)
    if extension is None:
        return
    if extension.spec_version == "0.0":
        for human in extension.vrm0.humanoid.human_bones:
            yield human.bone, human.node.bone_name
        return
    humans = extension.vrm1.humanoid.human_bones
    for name in [prop.identifier for prop in humans.bl_rna.properties]:
        if node := getattr(getattr(humans, name), "node", None):
            yield name, node.bone_name


def _skeleton(armature: bpy.types.Object) -> Skeleton:
    """The armature's largest tree of bones as a Skeleton."""
    roots = [bone for bone in armature_data(armature).bones if bone.parent is None]
    if not roots:
        raise MotionaryError("it has no bones")
    root = max(roots, key=lambda bone: len(bone.children_recursive))
    bones = [root, *root.children_recursive]
    number = {bone.name: i for i, bone in enumerate(bones)}
    heads = np.array([armature.matrix_world @ bone.head_local for bone in bones])
    parents = np.array(
        [number[bone.parent.name] if bone.parent and i else -1 for i, bone in enumerate(bones)]
    )
    offsets = rotation.rotate(rotation.inverse(TO_BLENDER), heads - heads[np.maximum(parents, 0)])
    return Skeleton(tuple(number), parents, offsets)
