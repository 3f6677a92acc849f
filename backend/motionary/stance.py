"""How a body stands, told from where its joints are: its legs, its left, back and up, and its heading.

Frame: Blender's world, Z up; heads are (3,) or (T, 3) by joint, as rig maps name joints.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from motionary import rotation

__all__ = ["SIDES", "UP", "body_frame", "headings", "leg_length", "midpoint"]

Floats: TypeAlias = NDArray[np.float64]

SIDES = ("left", "right")
UP = np.array([0.0, 0.0, 1.0])


def midpoint(heads: Mapping[str, Floats], joint: str) -> Floats:
    """Halfway between left and right."""
    middle: Floats = (heads[f"left_{joint}"] + heads[f"right_{joint}"]) / 2
    return middle


def leg_length(heads: Mapping[str, Floats]) -> float:
    """Mean length of the legs, hip to knee to ankle."""
    lengths = [
        np.linalg.norm(heads[f"{side}_{a}"] - heads[f"{side}_{b}"])
        for side in SIDES
        for a, b in (("hip", "knee"), ("knee", "ankle"))
    ]
    return max(float(np.sum(lengths)) / 2, 1e-6)


def body_frame(heads: Mapping[str, Floats]) -> Floats:
    """The rotation (4,) whose axes are a resting body's left, back and up."""
    up = midpoint(heads, "shoulder") - midpoint(heads, "hip")
    up /= max(float(np.linalg.norm(up)), 1e-9)
    if up @ UP > np.cos(np.radians(30)):
        up = UP  # a standing body's lean is its posture, to be kept
    left = heads["left_hip"] - heads["right_hip"]
    left = left - up * (left @ up)
    left /= max(float(np.linalg.norm(left)), 1e-9)
    return rotation.from_matrix(np.stack([left, np.cross(up, left), up], axis=-1))


def headings(a: Floats, b: Floats) -> Floats:
    """Radians (...) about the vertical that bring body frames ``a`` (..., 4) nearest to ``b`` (4,).

    Those of a body lying down, too: how its left and back lie on the ground counts."""
    flat_a, flat_b = rotation.to_matrix(a)[..., :2, :], rotation.to_matrix(b)[:2, :]
    sine = np.sum(flat_a[..., 0, :] * flat_b[1] - flat_a[..., 1, :] * flat_b[0], axis=-1)
    angles: Floats = np.arctan2(sine, np.sum(flat_a * flat_b, axis=(-2, -1)))
    return angles
