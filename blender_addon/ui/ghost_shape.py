"""The ghost in numbers: where a clip's body stands in the scene, and the triangles that show it.

Numpy alone. Frame: Blender's world, Z up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from motionary.body import JOINTS, PARENTS
from motionary.stance import UP, leg_length

__all__ = ["SIDES", "Stand", "bones_of", "placed", "triangles"]

Floats: TypeAlias = NDArray[np.float64]

SIDES: NDArray[np.int64] = np.array(
    [
        1 if name.startswith("left") else 2 if name.startswith("right") else 0
        for name in (*JOINTS[1:], "skull")
    ]
)
"""Of each bone of `bones_of`: 0 of the trunk, 1 of the left, 2 of the right limbs."""

SKULL = 0.22
"""Leg lengths from the head joint, at the base of the skull, to the crown."""

BESIDE = 0.9
"""Leg lengths from a character to a ghost beside it."""

THICKNESS = 0.065
"""Leg lengths that a bone is thick, unless it is short."""

RING_AT = 0.15
"""Where along a bone it is thickest, as Blender draws bones."""

LEFT_HIP, RIGHT_HIP, HEAD, NECK = (JOINTS.index(n) for n in ("left_hip", "right_hip", "head", "neck"))


@dataclass(frozen=True)
class Stand:
    """Where a ghost begins: hips above ``at`` (3,), which is on the ground, facing ``facing`` radians from
    -Y, counted to the left; legs are ``leg`` long in the scene's units, 0 for those of the clip in metres."""

    at: tuple[float, float, float] = (0.0, 0.0, 0.0)
    facing: float = 0.0
    leg: float = 0.0


def placed(joints: Floats, stand: Stand, *, beside: bool) -> Floats:
    """Joints (T, 22, 3) of a clip, metres, Y up, as they stand in the world: (T, 22, 3).

    The first frame stands at ``stand`` (or a step to the left of it), and faces as it says.
    """
    world = np.stack([joints[..., 0], -joints[..., 2], joints[..., 1]], axis=-1)
    heads = {name: world[0, i] for i, name in enumerate(JOINTS)}
    left = heads["left_hip"] - heads["right_hip"]
    turn = stand.facing - float(np.arctan2(left[1], left[0]))
    cosine, sine = np.cos(turn), np.sin(turn)
    size = stand.leg / leg_length(heads) if stand.leg else 1.0
    leg = stand.leg or leg_length(heads)
    hips = (heads["left_hip"] + heads["right_hip"]) / 2
    origin = np.array([hips[0], hips[1], world[..., 2].min()])
    turned = (world - origin) @ np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]]) * size
    aside = BESIDE * leg * np.array([np.cos(stand.facing), np.sin(stand.facing), 0.0])
    result: Floats = turned + np.array(stand.at) + (aside if beside else 0.0)
    return result


def bones_of(joints: Floats) -> tuple[Floats, Floats]:
    """Heads and tails (22, 3) of the bones of one frame of joints (22, 3): one to each joint but the pelvis,
    and the skull."""
    heads, tails = joints[list(PARENTS[1:])], joints[1:]
    leg = leg_length({name: joints[i] for i, name in enumerate(JOINTS)})
    up = joints[HEAD] - joints[NECK]
    up = up / max(float(np.linalg.norm(up)), 1e-9)
    return np.vstack([heads, joints[HEAD]]), np.vstack([tails, joints[HEAD] + up * SKULL * leg])


def triangles(joints: Floats, thickness: float = 1.0) -> tuple[Floats, Floats]:
    """One frame of joints (22, 3) as bones in Blender's octahedral shape, 8 triangles each.

    Returns corners (22 * 24, 3), bone by bone, and how light each of them is in [0, 1], lit from above.
    """
    heads, tails = bones_of(joints)
    along = tails - heads
    lengths = np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    along = along / lengths
    helper = np.where(np.abs(along @ UP)[:, None] > 0.9, [1.0, 0.0, 0.0], UP)
    side = np.cross(along, helper)
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-12)  # a bone may have no length
    other = np.cross(along, side)
    leg = leg_length({name: joints[i] for i, name in enumerate(JOINTS)})
    radius = np.minimum(THICKNESS * leg, 0.3 * lengths) * thickness
    radius[-1] *= 2.2  # a skull is no limb
    middle = (
        heads + along * lengths * np.where(np.arange(len(heads)) == len(heads) - 1, 0.55, RING_AT)[:, None]
    )
    ring = [middle + radius * axis for axis in (side, other, -side, -other)]
    corners = []
    for i in range(4):
        a, b = ring[i], ring[(i + 1) % 4]
        corners += [heads, b, a, tails, a, b]
    points = np.stack(corners, axis=1)  # (22, 24, 3)
    faces = points.reshape(-1, 3, 3)
    normals = np.cross(faces[:, 1] - faces[:, 0], faces[:, 2] - faces[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    light = np.clip(0.62 + 0.38 * normals @ np.array([0.35, -0.45, 0.82]), 0.0, 1.0)
    return points.reshape(-1, 3), np.repeat(light, 3)
