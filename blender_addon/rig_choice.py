"""Choose the rig map of a character: which of its bones take which joint of the body."""

from __future__ import annotations

import bpy
import numpy as np

from motionary import rotation
from motionary.errors import MotionaryError
from motionary.motion import Skeleton
from motionary.retarget import TO_BLENDER, rig_by_shape
from motionary.rigs import RigMap, find_rig

__all__ = ["find_rig_map"]


def _data(armature: bpy.types.Object) -> bpy.types.Armature:
    assert isinstance(armature.data, bpy.types.Armature)
    return armature.data


def find_rig_map(armature: bpy.types.Object) -> RigMap:
    """The rig map that fits ``armature`` by the names of its bones, or else by their shape at rest.

    MotionaryError where neither finds a human body.
    """
    rig = find_rig(bone.name for bone in _data(armature).bones)
    if rig is not None:
        return rig
    try:
        return rig_by_shape(_skeleton(armature))
    except MotionaryError as error:
        raise MotionaryError(f"armature {armature.name!r}: no rig map fits, and {error}") from None


def _skeleton(armature: bpy.types.Object) -> Skeleton:
    """The armature's largest tree of bones as a Skeleton."""
    roots = [bone for bone in _data(armature).bones if bone.parent is None]
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
