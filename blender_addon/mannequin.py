"""A body of capsules for a rig that has none, so that its motion can be seen in a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import bpy
import numpy as np
from numpy.typing import NDArray

from motionary.rig_solve import rig_bones
from motionary.rigs import FINGERS, PARENTS, RigMap

from .armature import pose_bone, read_matrices

__all__ = ["mannequin"]

Floats: TypeAlias = NDArray[np.float64]
Surface: TypeAlias = tuple[Floats, NDArray[np.int64]]
"""Vertices (V, 3) and faces (F, 4)."""

# Radii in metres on a body whose legs are 0.9 m.
LIMBS = (
    ("hip", 0.085, "knee", 0.056),
    ("knee", 0.056, "ankle", 0.04),
    ("ankle", 0.04, "foot", 0.033),
    ("shoulder", 0.05, "elbow", 0.04),
    ("elbow", 0.04, "wrist", 0.029),
    ("wrist", 0.034, "middle", 0.03),
)
TIPS = {"foot": 0.033, **dict.fromkeys(FINGERS, 0.011)}
"""Joints whose own bones are drawn."""

AROUND, BEND = 16, 6
"""Vertices around a capsule, and rings in each of its round ends."""


def mannequin(armature: bpy.types.Object, rig: RigMap) -> dict[str, Surface]:
    """Surfaces in the world of the "left" limbs, the "right" limbs and the "trunk", as the rig stands now."""
    bones = rig_bones(rig)
    matrices = read_matrices(armature, [bone for bone, _, _ in bones])
    heads, axes = {}, {}
    for (bone, joint, place), matrix in zip(bones, matrices, strict=True):
        heads[joint, place] = matrix[:3, 3]
        axes[joint, place] = matrix[:3, :3].T * pose_bone(armature, bone).bone.length
    first = {joint: head for (joint, place), head in heads.items() if place == 0}
    thighs = [np.linalg.norm(first[f"{side}_hip"] - first[f"{side}_knee"]) for side in ("left", "right")]
    size = float(np.mean(thighs)) * 2 / 0.9

    result = {}
    for side in ("left", "right"):
        parts = [
            _capsule(first[f"{side}_{a}"], first[f"{side}_{b}"], wide * size, narrow * size)
            for a, wide, b, narrow in LIMBS
            if f"{side}_{a}" in first and f"{side}_{b}" in first
        ]
        for (joint, place), head in heads.items():
            radius = TIPS.get(joint.removeprefix(f"{side}_")) if joint.startswith(side) else None
            if radius is not None:
                tip = _tip(heads, joint, place, axes[joint, place])
                parts.append(_capsule(head, tip, radius * size, radius * size * 0.9))
        if f"{side}_foot" in first and f"{side}_ankle" in first:
            parts.append(_heel(first[f"{side}_knee"], first[f"{side}_ankle"], first[f"{side}_foot"], size))
        result[side] = _join(parts)
    result["trunk"] = _trunk(first, size)
    return result


def _tip(heads: Mapping[tuple[str, int], Floats], joint: str, place: int, axes: Floats) -> Floats:
    """Where a finger's or toe's bone ends: at the next one, or else along the one of its ``axes`` (3, 3), as
    long as it is, that goes on best from the bone before. In some files tails point anywhere."""
    if (joint, place + 1) in heads:
        return heads[joint, place + 1]
    before = (joint, place - 1) if place else (PARENTS[joint], 0)
    along = axes @ (heads[joint, place] - heads.get(before, heads[joint, place] - axes[1]))
    best = np.argmax(np.abs(along))
    tip: Floats = heads[joint, place] + axes[best] * np.sign(along[best])
    return tip


def _heel(knee: Floats, ankle: Floats, toe: Floats, size: float) -> Surface:
    """From the ankle back and down to where a heel is: under the ankle, at the height of the ball."""
    down = (ankle - knee) / max(float(np.linalg.norm(ankle - knee)), 1e-9)
    drop = max(float((toe - ankle) @ down), 0.0)
    heel = ankle + down * drop - (toe - ankle - down * drop) * 0.3
    return _capsule(ankle, heel, 0.04 * size, 0.033 * size)


def _trunk(first: Mapping[str, Floats], size: float) -> Surface:
    hips = (first["left_hip"] + first["right_hip"]) / 2
    shoulders = (first["left_shoulder"] + first["right_shoulder"]) / 2
    waist, chest = hips + (shoulders - hips) * 0.35, hips + (shoulders - hips) * 0.8
    parts = [
        _capsule(first["left_hip"], first["right_hip"], 0.088 * size, 0.088 * size),
        _capsule(hips, waist, 0.11 * size, 0.1 * size),
        _capsule(waist, chest, 0.1 * size, 0.132 * size),
        _capsule(first["left_shoulder"], first["right_shoulder"], 0.06 * size, 0.06 * size),
    ]
    head = first.get("head")
    if head is not None:
        up = head - shoulders
        up /= max(float(np.linalg.norm(up)), 1e-9)
        parts.append(_capsule(shoulders, head, 0.06 * size, 0.045 * size))
        parts.append(_capsule(head + up * 0.07 * size, head + up * 0.14 * size, 0.082 * size, 0.098 * size))
    return _join(parts)


def _capsule(a: Floats, b: Floats, radius_a: float, radius_b: float) -> Surface:
    """A tube with round ends from ``a`` to ``b``."""
    length = float(np.linalg.norm(b - a))
    axis = (b - a) / length if length > 1e-9 else np.array([0.0, 0.0, 1.0])
    side = np.cross(axis, np.eye(3)[np.argmin(np.abs(axis))])
    side /= np.linalg.norm(side)
    rings = np.arange(2 * BEND)
    rise = np.linspace(-np.pi / 2, np.pi / 2, 2 * BEND)[:, None]
    radius = np.where(rings < BEND, radius_a, radius_b)[:, None]
    height = np.where(rings < BEND, 0.0, length)[:, None] + radius * np.sin(rise)
    turn = np.linspace(0.0, 2 * np.pi, AROUND, endpoint=False)[None]
    wide = radius * np.cos(rise)
    local = np.stack(np.broadcast_arrays(wide * np.cos(turn), wide * np.sin(turn), height), axis=-1)
    points = a + local.reshape(-1, 3) @ np.stack([side, np.cross(axis, side), axis])

    lower, at = np.meshgrid(rings[:-1] * AROUND, np.arange(AROUND), indexing="ij")
    after = (at + 1) % AROUND
    faces = np.stack([lower + at, lower + after, lower + AROUND + after, lower + AROUND + at], axis=-1)
    return points, faces.reshape(-1, 4)


def _join(parts: list[Surface]) -> Surface:
    starts = np.cumsum([0, *(len(points) for points, _ in parts[:-1])])
    faces = np.concatenate([faces + start for (_, faces), start in zip(parts, starts, strict=True)])
    return np.concatenate([points for points, _ in parts]), faces
