"""Apply a motion to a character: probe the rig, retarget, write one Action, and check what the rig makes of it."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from motionary import rotation
from motionary.motion import Motion, resample
from motionary.retarget import Pose, Target, partial_followers, retarget, rotation_channels

from .actions import Channels, assign_action, write_action
from .armature import Change, find_rig_map, flip_switches, probe, read_matrices

__all__ = ["Applied", "apply_motion"]

CHECKED_FRAMES = 5


@dataclass(frozen=True)
class Applied:
    """What was done to the armature, and how exactly its rig took it.

    turn_error: largest angle, degrees, and hips_error: largest distance, scene units, between what was asked of
    the controls and what the evaluated rig shows, on a few frames. notes: what the animator should know.
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
    start: int | None = None,
    keep_place: bool = False,
) -> Applied:
    """Key ``motion`` onto ``armature`` as a new Action called ``name``, in the scene's frame rate.

    ``start`` is the first frame (the scene's, if None). The scene's frame range, the rig's rest pose, constraints
    and rotation modes, and the Action that was there stay as they are.
    Raises MotionaryError where the armature or the motion is no human body, or the rig cannot be posed.
    """
    scene = bpy.context.scene
    fps = scene.render.fps / scene.render.fps_base
    start = scene.frame_start if start is None else start
    rig = find_rig_map(armature)
    changes = flip_switches(armature, rig)
    target = probe(armature, rig)
    pose = retarget(resample(motion, fps), target, keep_place=keep_place)
    action = write_action(armature, name, _channels(armature, pose), start)
    before = assign_action(armature, action)
    notes = [f"{bone} follows others only in part" for bone in partial_followers(target)]
    if before is not None:
        notes.append(f"the Action {before.name!r} was replaced and kept")
    turn_error, hips_error = _check(armature, target, pose, start)
    end = start + len(pose.location) - 1
    return Applied(
        armature.name, rig.name, action.name, start, end, fps, pose.scale, turn_error, hips_error,
        tuple(changes), tuple(notes),
    )  # fmt: skip


def _channels(armature: bpy.types.Object, pose: Pose) -> list[Channels]:
    result = []
    for i, name in enumerate(pose.bones):
        bone = armature.pose.bones[name]
        path = bone.path_from_id()
        prop, values = rotation_channels(pose.rotations[:, i], bone.rotation_mode)
        free = [axis for axis in range(3) if not bone.lock_rotation[axis]]
        if free:
            written = free if prop == "rotation_euler" else range(4)
            result.append(Channels(f"{path}.{prop}", values, name, tuple(written)))
        if name == pose.mover:
            free = [axis for axis in range(3) if not bone.lock_location[axis]]
            result.append(Channels(f"{path}.location", pose.location, name, tuple(free)))
    return result


def _check(armature: bpy.types.Object, target: Target, pose: Pose, start: int) -> tuple[float, float]:
    """The largest turn error in degrees and hips error on a few frames, as the evaluated rig shows them."""
    scene = bpy.context.scene
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
