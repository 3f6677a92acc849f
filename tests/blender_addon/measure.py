"""What the evaluated rig shows, measured without the code that posed it: bone heads against the performer."""

import bpy
import numpy as np

from motionary import rotation
from motionary.body import JOINTS, body_positions
from motionary.motion import resample

LIMBS = (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
TO_BLENDER = rotation.from_euler([np.pi / 2], "X")


def performer_joints(motion, fps):
    """World positions of the 22 joints, by name, in Blender's axes: (T, 3) each."""
    positions = rotation.rotate(TO_BLENDER, body_positions(resample(motion, fps)))
    return {name: positions[:, i] for i, name in enumerate(JOINTS)}


def heads(armature, bones, frames):
    """World positions of bones' heads, by joint, over ``frames``: (T, 3) each. ``bones``: joint -> bone."""
    found = {joint: [] for joint in bones}
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        evaluated = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        for joint, bone in bones.items():
            found[joint].append((evaluated.matrix_world @ evaluated.pose.bones[bone].head)[:])
    return {joint: np.array(places) for joint, places in found.items()}


def both_sides(bones, left, right):
    """Joint -> bone for both sides, from that of the left one."""
    return {
        f"{side}_{joint}": bone.replace(left, left if side == "left" else right)
        for side in ("left", "right")
        for joint, bone in bones.items()
    }


def limb_errors(shown, performer):
    """Largest angle, degrees, between the directions of each limb."""
    errors = {}
    for side in ("left", "right"):
        for a, b in LIMBS:
            ours, theirs = (at[f"{side}_{b}"] - at[f"{side}_{a}"] for at in (shown, performer))
            cosine = (
                np.sum(ours * theirs, -1) / np.linalg.norm(ours, axis=-1) / np.linalg.norm(theirs, axis=-1)
            )
            errors[f"{side}_{a}"] = float(np.degrees(np.arccos(np.clip(cosine, -1, 1))).max())
    return errors


def leg(at):
    """Mean length of the legs."""
    lengths = [
        np.linalg.norm(at[f"{side}_{a}"][0] - at[f"{side}_{b}"][0])
        for side in ("left", "right")
        for a, b in (("hip", "knee"), ("knee", "ankle"))
    ]
    return sum(lengths) / 2


def hips(at):
    return (at["left_hip"] + at["right_hip"]) / 2


def hips_error(shown, performer):
    """Largest distance between the ways of the hips, the performer's scaled by leg length."""
    ours, theirs = hips(shown), hips(performer) * leg(shown) / leg(performer)
    return float(np.linalg.norm((ours - ours[0]) - (theirs - theirs[0]), axis=-1).max())
