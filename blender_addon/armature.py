"""Read a character's rig: find the armature, set its switches, see how it answers when its controls move."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from motionary import rotation
from motionary.errors import MotionaryError
from motionary.rig_solve import Target, probe_groups, rig_bones, rotation_channels, told_apart
from motionary.rigs import JOINTS, RigMap, find_rig
from motionary.stance import SIDES, UP

__all__ = [
    "MIRROR",
    "Change",
    "armature_data",
    "armature_pose",
    "character_frame",
    "character_matrices",
    "check_posable",
    "current_scene",
    "find_armature",
    "flip_switches",
    "is_mirrored",
    "is_uneven",
    "names_fit_sides",
    "pose_bone",
    "pose_without",
    "probe",
    "read_matrices",
    "restore_switches",
    "without_animation",
]

POSE_CHANNELS: dict[str, tuple[float, ...]] = {
    "location": (0, 0, 0),
    "rotation_quaternion": (1, 0, 0, 0),
    "rotation_euler": (0, 0, 0),
    "rotation_axis_angle": (0, 0, 1, 0),
    "scale": (1, 1, 1),
}
"""What a pose bone's basis is made of, and its zero."""

MIRROR: NDArray[np.float64] = np.diag([-1.0, 1.0, 1.0, 1.0])
"""The mirror X = 0 of the world."""

PROBE = rotation.from_rotvec([0.2, 0.4, 0.6])
"""Any turn will do that is no symmetry of a rig and keeps no bone's child in its place."""


@dataclass(frozen=True)
class Change:
    """A custom property that was set so that the keyed controls have the say, and what it was before."""

    bone: str
    property: str
    before: float
    after: float


def current_scene() -> bpy.types.Scene:
    """The scene that the user is in."""
    scene = bpy.context.scene
    assert scene is not None
    return scene


def _view_layer() -> bpy.types.ViewLayer:
    layer = bpy.context.view_layer
    assert layer is not None
    return layer


def armature_data(armature: bpy.types.Object) -> bpy.types.Armature:
    """Its bones at rest."""
    assert isinstance(armature.data, bpy.types.Armature)
    return armature.data


def armature_pose(armature: bpy.types.Object) -> bpy.types.Pose:
    """Its bones as posed."""
    assert armature.pose is not None
    return armature.pose


def pose_bone(armature: bpy.types.Object, name: str) -> bpy.types.PoseBone:
    """The pose bone called ``name``, which is there."""
    return armature_pose(armature).bones[name]


def find_armature(name: str | None = None) -> bpy.types.Object:
    """The armature object called ``name``, or the scene's only human one.

    MotionaryError that lists what there is, where that leaves none or several.
    """
    armatures = [item for item in current_scene().objects if item.type == "ARMATURE"]
    listed = ", ".join(repr(item.name) for item in armatures) or "none"
    if name is not None:
        named = [item for item in armatures if item.name == name]
        if not named:
            raise MotionaryError(f"scene has no armature {name!r}; it has {listed}")
        return named[0]
    humans = [item for item in armatures if find_rig(bone.name for bone in armature_data(item).bones)]
    candidates = humans or armatures
    if not candidates:
        raise MotionaryError("scene has no armature; open a file with a rigged character")
    if len(candidates) > 1:
        raise MotionaryError(f"scene has {len(candidates)} armatures, {listed}; say which one")
    return candidates[0]


def flip_switches(armature: bpy.types.Object, rig: RigMap) -> list[Change]:
    """Set the rig's switches (IK to FK and the like), and say which ones were not yet so."""
    changes = []
    for switch in rig.switches:
        bone = pose_bone(armature, switch.bone)
        before = bone.get(switch.property)
        if isinstance(before, (int, float)) and float(before) != switch.value:
            bone[switch.property] = type(before)(switch.value)
            changes.append(Change(switch.bone, switch.property, float(before), switch.value))
    _update(armature)
    return changes


def restore_switches(armature: bpy.types.Object, changes: Sequence[Change]) -> None:
    """Set back what :func:`flip_switches` changed."""
    for change in changes:
        bone = pose_bone(armature, change.bone)
        bone[change.property] = type(bone[change.property])(change.before)
    _update(armature)


def _update(armature: bpy.types.Object) -> None:
    # Neither foreach_set nor a custom property tells Blender that something changed.
    armature.update_tag()
    _view_layer().update()


@contextmanager
def without_animation(armature: bpy.types.Object) -> Iterator[dict[str, NDArray[np.float32]]]:
    """No Action and no NLA while the block poses the bones, whose channels it gets."""
    bones, data, animation = armature_pose(armature).bones, armature_data(armature), armature.animation_data
    saved = {name: np.empty(len(bones) * len(zero), np.float32) for name, zero in POSE_CHANNELS.items()}
    for name, values in saved.items():
        bones.foreach_get(name, values)
    position = data.pose_position
    action = animation.action if animation else None
    slot = animation.action_slot if animation else None
    nla = animation.use_nla if animation else False
    try:
        if animation:
            animation.action = None
            animation.use_nla = False
        data.pose_position = "POSE"
        yield saved
    finally:
        for name, values in saved.items():
            bones.foreach_set(name, values)
        data.pose_position = position
        if animation:
            animation.use_nla = nla
            animation.action = action
            if action is not None:
                animation.action_slot = slot
        armature.update_tag()


def pose_without(
    armature: bpy.types.Object, saved: dict[str, NDArray[np.float32]], zeroed: Container[str]
) -> None:
    """Pose the bones by ``saved`` channels, those in ``zeroed`` at their zero."""
    bones = armature_pose(armature).bones
    at_zero = np.array([bone.name in zeroed for bone in bones])
    for name, zero in POSE_CHANNELS.items():
        values = saved[name].reshape(len(bones), -1)
        bones.foreach_set(name, np.where(at_zero[:, None], np.array(zero, np.float32), values).ravel())
    _update(armature)


def read_matrices(armature: bpy.types.Object, names: Sequence[str]) -> NDArray[np.float64]:
    """World matrices (N, 4, 4) of pose bones, as the rig is evaluated."""
    evaluated = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    poses = np.array([pose_bone(evaluated, name).matrix for name in names], np.float64)
    result: NDArray[np.float64] = np.array(evaluated.matrix_world, np.float64) @ poses
    return result


def _is_posed(
    armature: bpy.types.Object, saved: dict[str, NDArray[np.float32]], names: Container[str]
) -> bool:
    """Whether ``saved`` has any bone but ``names`` away from its zero."""
    bones = armature_pose(armature).bones
    others = np.array([bone.name not in names for bone in bones])
    return any(
        np.any(saved[name].reshape(len(bones), -1)[others] != np.array(zero, np.float32))
        for name, zero in POSE_CHANNELS.items()
        if name != "rotation_axis_angle"
    ) or any(bone.rotation_mode == "AXIS_ANGLE" and bone.rotation_axis_angle[0] for bone in bones)


def is_mirrored(armature: bpy.types.Object) -> bool:
    """Whether the object shows a mirror image of its armature, as one scaled by -1 does."""
    return bool(armature.matrix_world.determinant() < 0)


def names_fit_sides(armature: bpy.types.Object, rig: RigMap) -> bool:
    """Whether what is called left is on the left of the body that shows, by where its toes point.

    Importers from left-handed programs leave mirrored bones under a mirrored object, which do.
    """
    bones, world = armature_data(armature).bones, armature.matrix_world
    at = {j: np.array(world @ bones[listed[0]].head_local) for j, listed in rig.joints.items()}
    toes = [side for side in SIDES if f"{side}_foot" in at]
    forward = sum((at[f"{side}_foot"] - at[f"{side}_ankle"] for side in toes), np.zeros(3))
    return bool(np.cross(UP, forward) @ (at["left_hip"] - at["right_hip"]) > 0.0)


def is_uneven(armature: bpy.types.Object) -> bool:
    """Whether the object is scaled by more along one axis than along another."""
    scale = [abs(factor) for factor in armature.matrix_world.to_scale()[:]]
    return max(scale) > 1.01 * min(scale)


def character_matrices(armature: bpy.types.Object, names: Sequence[str]) -> NDArray[np.float64]:
    """Matrices (N, 4, 4) of pose bones as the rig is evaluated, in the frame that a Target is in."""
    evaluated = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    poses = np.array([pose_bone(evaluated, name).matrix for name in names], np.float64)
    result: NDArray[np.float64] = character_frame(evaluated) @ poses
    return result


def character_frame(armature: bpy.types.Object) -> NDArray[np.float64]:
    """What takes the armature's own space to that frame: (4, 4).

    That is the world; or, for a mirrored object, the world mirrored in X = 0, where it is a body like others.
    An object of uneven scale counts as scaled evenly, for only then has its body bones of fixed lengths.
    """
    frame = np.array(armature.matrix_world, np.float64)
    if is_mirrored(armature):
        frame = MIRROR @ frame
    left, stretch, right = np.linalg.svd(frame[:3, :3])
    frame[:3, :3] = left @ right * np.cbrt(stretch.prod())
    return frame


def probe(
    armature: bpy.types.Object, rig: RigMap, joints: Container[str] = JOINTS, *, root: bool = False
) -> Target:
    """See how ``armature`` answers to its controls, one depsgraph update each; the pose is put back.

    Controls that take none of ``joints`` are left out of it, as if nothing followed them. root: the rig's
    root bone is to be keyed too.
    """
    bones = rig_bones(rig)
    names = [bone for bone, _, _ in bones]
    controls = [pose_bone(armature, name) for name in names]
    hips = [names.index(rig.joints[f"{side}_hip"][0]) for side in ("left", "right")]
    root_bone = rig.root if root else None
    with without_animation(armature) as saved:
        every = [bone.name for bone in armature_pose(armature).bones]
        pose_without(armature, saved, every)
        rest = stance = zero = character_matrices(armature, names)
        if _is_posed(armature, saved, names):
            pose_without(armature, saved, names)
            stance = zero = character_matrices(armature, names)
            if root_bone is not None:
                pose_without(armature, saved, [*names, root_bone])
                zero = character_matrices(armature, names)
        turned = np.tile(zero, (len(names), 1, 1, 1))
        for group in probe_groups(rig):
            if bones[group[0]][1] in joints:
                for i in group:
                    _turn(controls[i], PROBE)
                _view_layer().update()
                turned[group] = told_apart(zero, character_matrices(armature, names), group)
                for i in group:
                    _turn(controls[i], rotation.IDENTITY)
        shift = np.zeros((3, 3))
        for axis in range(3):
            if not controls[0].lock_location[axis]:
                controls[0].location[axis] = 1.0
                _view_layer().update()
                shift[:, axis] = (character_matrices(armature, names) - zero)[hips, :3, 3].mean(axis=0)
                controls[0].location[axis] = 0.0
        root_matrix = character_matrices(armature, [root_bone])[0] if root_bone is not None else None
    place = np.array(armature.matrix_world.translation, np.float64)
    return Target(
        rig=rig,
        rest=rest,
        stance=stance,
        zero=zero,
        turned=turned,
        shift=shift,
        modes=tuple(control.rotation_mode for control in controls),
        locked=np.array([list(control.lock_rotation) for control in controls], dtype=bool),
        origin=place * [-1.0, 1.0, 1.0] if is_mirrored(armature) else place,
        root=root_matrix,
    )


def _turn(control: bpy.types.PoseBone, turn: NDArray[np.float64]) -> None:
    """Set the rotation in whatever mode the animator works in."""
    kind, values = rotation_channels(np.array([turn]), control.rotation_mode)
    setattr(control, kind, values[0].tolist())


def check_posable(armature: bpy.types.Object) -> None:
    """MotionaryError, with the cure, for a rig that is linked, hidden, being edited or flat."""
    where = f"armature {armature.name!r}"
    if armature.library:
        raise MotionaryError(f"{where} is linked from another file; make a library override of it")
    if armature.name not in _view_layer().objects:
        raise MotionaryError(f"{where} is not in the active view layer; show its collection")
    if armature.hide_viewport or all(folder.hide_viewport for folder in armature.users_collection):
        raise MotionaryError(f"{where} is disabled in viewports, so Blender does not pose it; enable it")
    if armature.mode == "EDIT":
        raise MotionaryError(f"{where} is in edit mode; leave it")
    if armature.animation_data and armature.animation_data.use_tweak_mode:
        raise MotionaryError(f"{where} is in NLA tweak mode; leave it (Tab in the NLA editor)")
    if min(abs(factor) for factor in armature.matrix_world.to_scale()[:]) < 1e-9:
        raise MotionaryError(f"{where} is scaled to nothing; give its object a scale other than 0")
