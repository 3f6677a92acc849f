"""Measure what a character shows of what it was asked to: on its deform bones, as the rig is evaluated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import bpy
import numpy as np
from mathutils import Vector
from numpy.typing import NDArray

from motionary import rotation
from motionary.rig_solve import Pose, decompose
from motionary.rigs import RigMap
from motionary.stance import SIDES, leg_length

from .armature import armature_data, character_matrices, current_scene

__all__ = ["LIMBS", "Shown", "deform_bones", "frames_shown", "measure"]

Floats: TypeAlias = NDArray[np.float64]

LIMBS = tuple(
    (f"{side}_{a}", f"{side}_{b}")
    for side in SIDES
    for a, b in (
        ("hip", "knee"),
        ("knee", "ankle"),
        ("ankle", "foot"),
        ("shoulder", "elbow"),
        ("elbow", "wrist"),
    )
)
"""The limbs whose direction is checked, each from joint to joint."""

NEAR = 0.02
"""Leg lengths within which a deform bone begins where a control does."""


@dataclass(frozen=True)
class Shown:
    """How far what shows is from what was asked, at most: turn of the controls and direction of the limbs in
    degrees, hips in the scene's units."""

    turn: float
    direction: float
    hips: float

    @property
    def worst(self) -> float:
        """The largest angle."""
        return max(self.turn, self.direction)


def deform_bones(armature: bpy.types.Object, rig: RigMap) -> dict[str, str]:
    """Joint -> the deform bone that begins where the joint's first control does, where there is one."""
    bones = armature_data(armature).bones
    deforming = [bone for bone in bones if bone.use_deform]
    if not deforming:
        return {}
    heads = np.array([bone.head_local for bone in deforming])
    leg = leg_length({j: np.array(bones[listed[0]].head_local) for j, listed in rig.joints.items()})
    found = {}
    for joint in sorted({joint for limb in LIMBS for joint in limb} & rig.joints.keys()):
        control = bones[rig.joints[joint][0]]
        distance = np.linalg.norm(heads - np.array(control.head_local), axis=1)
        near = [deforming[i] for i in np.flatnonzero(distance < NEAR * leg)]
        if control in near:
            found[joint] = control.name
        elif near:
            # A limb's own bone points along it; helpers that begin there mostly do not.
            along = _direction(control)
            found[joint] = max(near, key=lambda bone: _direction(bone).dot(along)).name
    return found


def _direction(bone: bpy.types.Bone) -> Vector:
    """Where ``bone`` points at rest, in the armature's space; its vector is in its parent's."""
    return (bone.tail_local - bone.head_local).normalized()


def frames_shown(armature: bpy.types.Object, names: list[str], frames: Iterable[int]) -> NDArray[np.float64]:
    """Matrices (F, N, 4, 4) of pose bones at scene ``frames``, in a Target's frame."""
    scene = current_scene()
    current, part = scene.frame_current, scene.frame_subframe
    shown = []
    try:
        for frame in frames:
            scene.frame_set(frame)
            shown.append(character_matrices(armature, names))
    finally:
        scene.frame_set(current, subframe=part)
    return np.array(shown)


def measure(
    armature: bpy.types.Object, rig: RigMap, pose: Pose, times: NDArray[np.int64], start: int
) -> Shown:
    """Compare with ``pose`` at its frames ``times``, which the scene shows from frame ``start`` on."""
    deform = deform_bones(armature, rig)
    names = [*pose.bones, *deform.values()]
    shown = frames_shown(armature, names, (start + int(t) for t in times))
    turns, heads = decompose(shown)
    controls = len(pose.bones)
    off = rotation.multiply(rotation.inverse(pose.turns[times]), turns[:, :controls])
    hips = [pose.joints.index(f"{side}_hip") for side in SIDES]
    middle = heads[:, hips].mean(axis=1)
    place = {joint: controls + i for i, joint in enumerate(deform)}
    directions = [0.0]
    for a, b in LIMBS:
        # A motion may lack what the rig has: DAZ-style files end at the ankle.
        if {a, b} <= place.keys() & set(pose.joints):
            asked = pose.head(b)[times] - pose.head(a)[times]
            directions.append(_angle(asked, heads[:, place[b]] - heads[:, place[a]]))
    return Shown(
        turn=float(np.degrees(np.linalg.norm(rotation.to_rotvec(off), axis=-1).max())),
        direction=max(directions),
        hips=float(np.linalg.norm(middle - pose.hips[times], axis=-1).max()),
    )


def _angle(a: Floats, b: Floats) -> float:
    """The largest angle, degrees, between rows of ``a`` and ``b``."""
    turn = rotation.to_rotvec(rotation.between(a, b))
    return float(np.degrees(np.linalg.norm(turn, axis=-1).max()))
