"""Read a character's rig: find the armature, set its switches, and see how it answers when its controls move."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Quaternion, Vector
from numpy.typing import NDArray

from motionary.errors import MotionaryError
from motionary.retarget import Target, rig_bones
from motionary.rigs import RigMap, find_rig

__all__ = ["Change", "find_armature", "find_rig_map", "flip_switches", "probe", "read_matrices", "zero_pose"]

POSE_CHANNELS = {
    "location": 3,
    "rotation_quaternion": 4,
    "rotation_euler": 3,
    "rotation_axis_angle": 4,
    "scale": 3,
}
ZERO = {
    "location": (0, 0, 0),
    "rotation_quaternion": (1, 0, 0, 0),
    "rotation_euler": (0, 0, 0),
    "rotation_axis_angle": (0, 0, 1, 0),
    "scale": (1, 1, 1),
}
PROBE = Quaternion(Vector((1.0, 2.0, 3.0)).normalized(), 0.7)
"""Any turn will do that is no symmetry of a rig and keeps no bone's child in its place."""


@dataclass(frozen=True)
class Change:
    """A custom property that was set so that the keyed controls have the say, and what it was before."""

    bone: str
    property: str
    before: float
    after: float


def find_armature(name: str | None = None) -> bpy.types.Object:
    """The armature object called ``name``, or the only human one; MotionaryError that lists what there is."""
    armatures = [o for o in bpy.context.scene.objects if o.type == "ARMATURE"]
    listed = ", ".join(repr(o.name) for o in armatures) or "none"
    if name is not None:
        for armature in armatures:
            if armature.name == name:
                return armature
        raise MotionaryError(f"scene has no armature {name!r}; it has {listed}")
    humans = [o for o in armatures if find_rig(bone.name for bone in o.data.bones)]
    candidates = humans or armatures
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise MotionaryError("scene has no armature; open a file with a rigged character")
    raise MotionaryError(f"scene has {len(candidates)} armatures: {listed}; say which one")


def find_rig_map(armature: bpy.types.Object) -> RigMap:
    """The rig map that fits ``armature``; MotionaryError where none does."""
    rig = find_rig(bone.name for bone in armature.data.bones)
    if rig is None:
        raise MotionaryError(
            f"armature {armature.name!r} has bone names that no rig map knows ({armature.data.bones[0].name!r}, ...); "
            "give a rig map of your own"
        )
    return rig


def flip_switches(armature: bpy.types.Object, rig: RigMap) -> list[Change]:
    """Set the rig's switches (IK to FK and the like) and say which ones were not yet so."""
    changes = []
    for switch in rig.switches:
        bone = armature.pose.bones[switch.bone]
        before = bone.get(switch.property)
        if before is None or float(before) == switch.value:
            continue
        bone[switch.property] = type(before)(switch.value)
        changes.append(Change(switch.bone, switch.property, float(before), switch.value))
    armature.update_tag()
    return changes


@contextmanager
def zero_pose(armature: bpy.types.Object) -> Iterator[None]:
    """Every bone at its zero pose and no animation, for as long as the block lasts."""
    bones = armature.pose.bones
    saved = {}
    for channel, width in POSE_CHANNELS.items():
        saved[channel] = np.empty(len(bones) * width, np.float32)
        bones.foreach_get(channel, saved[channel])
    position, animation = armature.data.pose_position, armature.animation_data
    action = animation.action if animation else None
    slot = animation.action_slot if animation else None
    nla = animation.use_nla if animation else False
    try:
        if animation:
            animation.action = None
            animation.use_nla = False
        armature.data.pose_position = "POSE"
        for channel, value in ZERO.items():
            bones.foreach_set(channel, np.tile(np.array(value, np.float32), len(bones)))
        _update(armature)
        yield
    finally:
        for channel, values in saved.items():
            bones.foreach_set(channel, values)
        armature.data.pose_position = position
        if animation:
            animation.use_nla = nla
            animation.action = action
            if action is not None:
                animation.action_slot = slot
        _update(armature)


def _update(armature: bpy.types.Object) -> None:
    armature.update_tag()
    bpy.context.view_layer.update()


def read_matrices(armature: bpy.types.Object, names: list[str]) -> NDArray[np.float64]:
    """World matrices (N, 4, 4) of pose bones, as evaluated."""
    evaluated = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    world = np.array(evaluated.matrix_world)
    return world @ np.array([evaluated.pose.bones[name].matrix for name in names])


def probe(armature: bpy.types.Object, rig: RigMap) -> Target:
    """See how ``armature`` answers to its controls: one depsgraph update a control; the pose is put back.

    Raises MotionaryError for a rig that cannot be posed: linked, mirrored or unevenly scaled, not in the scene.
    """
    _check(armature)
    names = [bone for bone, _, _ in rig_bones(rig)]
    controls = [armature.pose.bones[name] for name in names]
    hips = [names.index(rig.joints[f"{side}_hip"][0]) for side in ("left", "right")]
    with zero_pose(armature):
        rest = read_matrices(armature, names)
        turned = np.empty((len(names), *rest.shape))
        for i, control in enumerate(controls):
            _turn(control, PROBE)
            bpy.context.view_layer.update()
            turned[i] = read_matrices(armature, names)
            _turn(control, Quaternion())
        shift = np.zeros((3, 3))
        for axis in range(3):
            if controls[0].lock_location[axis]:
                continue
            controls[0].location[axis] = 1.0
            bpy.context.view_layer.update()
            moved = read_matrices(armature, names)
            shift[:, axis] = (moved - rest)[hips, :3, 3].mean(axis=0)
            controls[0].location[axis] = 0.0
    return Target(
        rig,
        rest,
        turned,
        shift,
        tuple(control.rotation_mode for control in controls),
        np.array([control.lock_rotation for control in controls], dtype=bool),
        np.array(armature.matrix_world.translation),
    )


def _turn(control: bpy.types.PoseBone, turn: Quaternion) -> None:
    """Set the rotation in whatever mode the animator works in."""
    if control.rotation_mode == "QUATERNION":
        control.rotation_quaternion = turn
    elif control.rotation_mode == "AXIS_ANGLE":
        axis, angle = turn.to_axis_angle()
        control.rotation_axis_angle = (angle, *axis)
    else:
        control.rotation_euler = turn.to_euler(control.rotation_mode)


def _check(armature: bpy.types.Object) -> None:
    where = f"armature {armature.name!r}"
    if armature.library is not None:
        raise MotionaryError(f"{where} is linked from another file; make a library override of it")
    if armature.name not in bpy.context.view_layer.objects:
        raise MotionaryError(f"{where} is not in the active view layer; show its collection")
    if armature.mode == "EDIT":
        raise MotionaryError(f"{where} is in edit mode; leave it")
    if armature.animation_data and armature.animation_data.use_tweak_mode:
        raise MotionaryError(f"{where} is in NLA tweak mode; leave it (Tab in the NLA editor)")
    x, y, z = armature.matrix_world.to_scale()
    if armature.matrix_world.determinant() <= 0 or max(x, y, z) > 1.01 * min(x, y, z):
        raise MotionaryError(f"{where} is scaled by ({x:.3g}, {y:.3g}, {z:.3g}); make it even and positive")
