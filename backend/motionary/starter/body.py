"""The performer: an adult body of 22 joints, named as HumanML3D names them, and where its soles are.

Metres; Y up, +Z forward, +X the performer's left; rest is a T-pose with the soles on the floor, palms down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motionary.motion import END_SUFFIX, Skeleton

__all__ = ["ANKLE", "BALL", "HEEL", "STANDING_HEIGHT", "Build", "performer"]

ANKLE = np.array([0.0, 0.08, 0.0])
BALL = np.array([0.0, 0.02, 0.13])
HEEL = np.array([0.0, 0.0, -0.05])
"""A flat foot's ankle, ball (the joint ``*_foot``) and heel, from the floor right below the ankle."""

_MIDDLE: tuple[tuple[str, str, tuple[float, float, float]], ...] = (
    ("spine1", "pelvis", (0.0, 0.11, -0.01)),
    ("spine2", "spine1", (0.0, 0.135, 0.0)),
    ("spine3", "spine2", (0.0, 0.06, 0.0)),
    ("neck", "spine3", (0.0, 0.21, -0.01)),
    ("head", "neck", (0.0, 0.085, 0.02)),
    ("head_end", "head", (0.0, 0.17, 0.0)),
)
_LEFT: tuple[tuple[str, str, tuple[float, float, float]], ...] = (
    ("hip", "pelvis", (0.085, -0.07, 0.0)),
    ("knee", "hip", (0.0, -0.40, 0.0)),
    ("ankle", "knee", (0.0, -0.40, 0.0)),
    ("foot", "ankle", (0.0, -0.06, 0.13)),
    ("foot_end", "foot", (0.0, -0.02, 0.07)),
    ("collar", "spine3", (0.07, 0.12, 0.0)),
    ("shoulder", "collar", (0.105, 0.03, -0.01)),
    ("elbow", "shoulder", (0.27, 0.0, 0.0)),
    ("wrist", "elbow", (0.25, 0.0, 0.0)),
    ("wrist_end", "wrist", (0.16, 0.0, 0.0)),
)
_ORDER = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle",
    "right_ankle", "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head",
    "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "head_end",
    "left_foot_end", "right_foot_end", "left_wrist_end", "right_wrist_end",
)  # fmt: skip

STANDING_HEIGHT = 0.944
"""The pelvis of a performer who stands at ease: the legs not quite straight."""


@dataclass(frozen=True)
class Build:
    """How a performer differs from the standard one; each is a factor, 1 for the standard of 1.72 m.

    size: everything. torso: pelvis to head. arms: shoulder to finger tips. breadth: hips and shoulders.
    """

    size: float = 1.0
    torso: float = 1.0
    arms: float = 1.0
    breadth: float = 1.0


def performer(build: Build | None = None) -> Skeleton:
    """The Skeleton of a performer: 22 joints in HumanML3D's order, then five bone ends."""
    build = build or Build()
    bones: dict[str, tuple[str, NDArray[np.float64]]] = {"pelvis": ("", np.zeros(3))}
    for name, parent, offset in _MIDDLE:
        bones[name] = (parent, np.array(offset) * build.torso)
    for part, parent, offset in _LEFT:
        factor = build.arms if part.removesuffix(END_SUFFIX) in ("elbow", "wrist") else 1.0
        breadth = build.breadth if part in ("hip", "collar", "shoulder") else factor
        for side, mirror in (("left_", 1.0), ("right_", -1.0)):
            whole = parent if parent in bones else side + parent
            bones[side + part] = (whole, np.array(offset) * (mirror * breadth, factor, factor))
    parents = [_ORDER.index(bones[name][0]) if bones[name][0] else -1 for name in _ORDER]
    offsets = np.stack([bones[name][1] for name in _ORDER]) * build.size
    return Skeleton(tuple(_ORDER), np.array(parents), offsets)
