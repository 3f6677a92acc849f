"""A motion on the common body: its 22 joints as one and the same person has them, whatever rig it is on.

Rigs put hips, collars, toes and the joints of the back where their makers like them: the same pose then has
other positions, and other features, on each rig. What does not depend on the rig is how its parts turn from
their rest, and where thighs, shins and arms point: retargeting keeps the same (`motionary.retarget`). So
pelvis, chest, head, collars and feet of the common body take the turns, and its limbs the directions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from motionary import rotation
from motionary.body import JOINTS, PARENTS, BodyMap, find_body, leg_of
from motionary.motion import Motion, Skeleton, forward_kinematics, rest_positions

__all__ = ["REST_OFFSETS", "common_positions"]

Floats: TypeAlias = NDArray[np.float64]

_CENTRE = {
    "pelvis": (0.0, 0.0, 0.0),
    "spine1": (0.0, 0.109, -0.027),
    "spine2": (0.0, 0.135, 0.001),
    "spine3": (0.0, 0.053, 0.025),
    "neck": (0.0, 0.214, -0.043),
    "head": (0.0, 0.065, 0.051),
}
_LEFT = {
    "hip": (0.069, -0.091, -0.006),
    "knee": (0.0, -0.376, 0.0),
    "ankle": (0.0, -0.400, 0.0),
    "foot": (0.026, -0.052, 0.121),
    "collar": (0.080, 0.120, -0.036),
    "shoulder": (0.094, 0.031, -0.009),
    "elbow": (0.258, 0.0, 0.0),
    "wrist": (0.249, 0.0, 0.0),
}


def _rest_offsets() -> Floats:
    rows = []
    for name in JOINTS:
        side, _, joint = name.partition("_")
        rows.append(np.array(_LEFT[joint]) * [1 if side == "left" else -1, 1, 1] if joint else _CENTRE[name])
    return np.array(rows)


REST_OFFSETS: Floats = _rest_offsets()
"""(22, 3) metres from each joint's parent to it, in a T-pose with straight limbs: the body of HumanML3D's
motions (SMPL, Loper et al. 2015), its sides made alike. Y up, +Z forward, left at +X. Read-only."""
REST_OFFSETS.setflags(write=False)

LEG = float(
    np.linalg.norm(REST_OFFSETS[[JOINTS.index("left_knee"), JOINTS.index("left_ankle")]], axis=1).sum()
)
"""Metres from its hip by knee to ankle."""
NO_HEADING = 0.02
"""Leg lengths that toes must lie off the ankle at rest, over the ground, for the foot to point anywhere."""


def common_positions(motion: Motion, body: BodyMap | None = None) -> Floats:
    """World positions (T, 22, 3), metres, of the common body's joints, at the motion's rate and size.

    The middle of the hips is where the motion's own is; ``body`` is found where not given. The motion's rest
    pose has to be upright and facing +Z, limbs as they like. MotionaryError where the skeleton is no human's.
    """
    skeleton = motion.skeleton
    body = body or find_body(skeleton)
    positions, turns = forward_kinematics(motion)
    shown, rest = body.weights @ positions, body.weights @ rest_positions(skeleton)
    source = {name: int(np.argmax(row)) for name, row in zip(JOINTS, body.weights, strict=True)}
    above = {name: _ancestors(skeleton, joint) for name, joint in source.items()}

    def carrier(name: str) -> Floats:
        """The turn (T, 4) of what carries a joint."""
        found: Floats = turns[:, above[name][1] if len(above[name]) > 1 else source[name]]
        return found

    pelvis = turns[:, _common(above["left_hip"], above["right_hip"])]
    chest = turns[:, _common(above["left_shoulder"], above["right_shoulder"])]
    carried = {
        **dict.fromkeys(("spine1", "left_hip", "right_hip"), pelvis),
        # The back bends evenly: rigs have one to five joints in it.
        "spine2": rotation.slerp(pelvis, chest, 0.5),
        **dict.fromkeys(("spine3", "neck", "left_collar", "right_collar"), chest),
        **{name: carrier(name) for name in ("head", "left_shoulder", "right_shoulder")},
    }
    scale = leg_of(rest) / LEG
    at = dict(zip(JOINTS, np.moveaxis(shown, 1, 0), strict=True))
    middle = (at["left_hip"] + at["right_hip"]) / 2
    hips = (_offset("left_hip") + _offset("right_hip")) / 2
    found = {"pelvis": middle - scale * rotation.rotate(pelvis, hips)}
    for name, parent in zip(JOINTS[1:], PARENTS[1:], strict=True):
        side, _, joint = name.partition("_")
        if name in carried:
            step = scale * rotation.rotate(carried[name], _offset(name))
        elif joint == "foot":
            ankle = f"{side}_ankle"
            toes = rest[JOINTS.index(name)] - rest[JOINTS.index(ankle)]
            step = scale * rotation.rotate(turns[:, source[ankle]], _foot(toes, scale, name))
        else:
            step = at[name] - at[JOINTS[parent]]
        found[name] = found[JOINTS[parent]] + step
    return np.stack([found[name] for name in JOINTS], axis=1)


def _foot(toes: Floats, scale: float, name: str) -> Floats:
    """The common foot (3,) at rest, headed as the rig's ``toes`` (3,) are, however steep these are."""
    x, y, z = _offset(name)
    flat = np.hypot(toes[0], toes[2])
    ahead = toes[[0, 2]] / flat if flat > NO_HEADING * scale * LEG else np.array([0.0, 1.0])
    length = np.hypot(x, z)
    return np.array([ahead[0] * length, y, ahead[1] * length])


def _offset(name: str) -> Floats:
    offset: Floats = REST_OFFSETS[JOINTS.index(name)]
    return offset


def _ancestors(skeleton: Skeleton, joint: int) -> list[int]:
    """The joint, its parent, and so on to the root."""
    listed = []
    while joint >= 0:
        listed.append(joint)
        joint = int(skeleton.parents[joint])
    return listed


def _common(left: Sequence[int], right: Sequence[int]) -> int:
    """The nearest joint that carries both, of their ancestors; a joint does not carry itself."""
    shared = set(right[1:])
    return next((joint for joint in left[1:] if joint in shared), left[-1])
