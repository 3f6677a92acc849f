"""Apply a motion to a character: probe the rig, retarget, write one Action, and check what shows."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from motionary import rotation
from motionary.motion import Motion, resample
from motionary.retarget import TRUNK, retarget, source_joints
from motionary.rig_solve import Pose, Target, partial_followers, rotation_channels
from motionary.rigs import RigMap

from .actions import Channels, assign_action, write_action
from .armature import (
    Change,
    check_posable,
    current_scene,
    flip_switches,
    pose_bone,
    probe,
    read_matrices,
)
from .rig_choice import find_rig_map

__all__ = ["Applied", "apply_motion"]

CHECKED_FRAMES = 5

EXACT_TURN = 2.0
"""Degrees up to which a rig is said to take a motion as it is."""

EXACT_HIPS = 0.01
"""The same for the hips, in metres on the performer."""


@dataclass(frozen=True)
class Applied:
    """What was done to the armature, and how exactly its rig took it.

    Of the controls, on a few frames: turn_error, the largest angle in degrees, and hips_error, the largest
    distance in the scene's units, between what was asked and what the evaluated rig shows. scale: leg length
    of the character over that of the source. notes: what the animator should know, a line each.
    """

    armature: str
    rig: str
    action: str
    frame_start: int
    frame_end: int
    fps: float
    scale: float
    turn_error: float
    hips_error: float
    changes: tuple[Change, ...]
    notes: tuple[str, ...]


def apply_motion(
    armature: bpy.types.Object,
    motion: Motion,
    name: str,
    *,
    rig: RigMap | None = None,
    start: int | None = None,
    keep_place: bool = False,
) -> Applied:
    """Key ``motion`` onto ``armature`` as a new Action called ``name``, in the scene's frame rate.

    ``rig`` is found where not given. ``start`` is the first frame, the scene's first if None. ``keep_place``:
    see `motionary.retarget.retarget`. The scene's frame range, the rig's rest pose, constraints and rotation
    modes, and the Action that was there stay as they are; rig switches are set, and returned.
    Raises MotionaryError where the armature or the motion is no human body, or the rig cannot be posed.
    """
    scene = current_scene()
    fps = scene.render.fps / scene.render.fps_base
    start = scene.frame_start if start is None else start
    # Whatever can be refused is refused before anything is changed.
    check_posable(armature)
    rig = rig or find_rig_map(armature)
    joints = {*TRUNK, *source_joints(motion.skeleton)}
    changes = flip_switches(armature, rig)
    target = probe(armature, rig, joints)
    pose = retarget(resample(motion, fps), target, keep_place=keep_place)
    action = write_action(armature, name, _channels(armature, pose), start)
    before = assign_action(armature, action)
    turn_error, hips_error = _errors(armature, target, pose, start)

    notes = [f"{bone} follows another control only in part" for bone in partial_followers(target)]
    if turn_error > EXACT_TURN or hips_error > EXACT_HIPS * pose.scale:
        notes.append(
            "the rig does not take the motion exactly: a control is constrained, locked or posed apart"
        )
    if before is not None:
        notes.append(f"the Action {before.name!r} that was there is kept")
    return Applied(
        armature=armature.name,
        rig=rig.name,
        action=action.name,
        frame_start=start,
        frame_end=start + len(pose.location) - 1,
        fps=fps,
        scale=pose.scale,
        turn_error=turn_error,
        hips_error=hips_error,
        changes=tuple(changes),
        notes=tuple(notes),
    )


def _channels(armature: bpy.types.Object, pose: Pose) -> list[Channels]:
    """The keys to write, in each bone's own rotation mode, without locked channels."""
    result = []
    for i, name in enumerate(pose.bones):
        bone = pose_bone(armature, name)
        path = bone.path_from_id()
        kind, values = rotation_channels(pose.rotations[:, i], bone.rotation_mode)
        free = tuple(axis for axis in range(3) if not bone.lock_rotation[axis])
        if free:
            written = free if kind == "rotation_euler" else tuple(range(4))
            result.append(Channels(f"{path}.{kind}", values, name, written))
        if name == pose.mover:
            free = tuple(axis for axis in range(3) if not bone.lock_location[axis])
            result.append(Channels(f"{path}.location", pose.location, name, free))
    return result


def _errors(armature: bpy.types.Object, target: Target, pose: Pose, start: int) -> tuple[float, float]:
    """The largest turn error in degrees and hips error on a few frames, as the evaluated rig shows them."""
    scene = current_scene()
    shown, names = scene.frame_current, list(pose.bones)
    hips = [names.index(target.rig.joints[f"{side}_hip"][0]) for side in ("left", "right")]
    turn_error = hips_error = 0.0
    for t in np.unique(np.linspace(0, len(pose.location) - 1, CHECKED_FRAMES).astype(int)):
        scene.frame_set(start + int(t))
        matrices = read_matrices(armature, names)
        axes = matrices[:, :3, :3] / np.linalg.norm(matrices[:, :3, :3], axis=1, keepdims=True)
        off = rotation.multiply(rotation.inverse(pose.turns[t]), rotation.from_matrix(axes))
        turn_error = max(
            turn_error, float(np.degrees(np.linalg.norm(rotation.to_rotvec(off), axis=-1).max()))
        )
        middle = matrices[hips, :3, 3].mean(axis=0)
        hips_error = max(hips_error, float(np.linalg.norm(middle - pose.hips[t])))
    scene.frame_set(shown)
    return turn_error, hips_error
