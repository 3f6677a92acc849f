"""What can be done to features themselves: other speeds, backward, in a mirror, one clip after another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from motionary.body import JOINTS, mirror_joints
from motionary.errors import MotionaryError
from motionary.features import FEET, REST_SPEED, WIDTH, features_from_joints, joints_from_features

__all__ = [
    "changes_per_frame",
    "feature_blocks",
    "joined",
    "layered",
    "mirrored",
    "resampled",
    "reversed_in_time",
    "without_travel",
]

Features = NDArray[np.float32]

_ABOVE = [
    at - 1 for at, name in enumerate(JOINTS) if at and not name.endswith(("hip", "knee", "ankle", "foot"))
]
"""Joints above the pelvis, among all but the pelvis."""
BLEND = 8
"""Frames over which one clip goes over into the next: 0.4 seconds at 20 fps."""


def feature_blocks(width: int) -> tuple[slice, slice, slice, slice, slice, slice, slice]:
    """Columns of yaw, planar velocity, height, positions, rotations, velocities and foot contacts.

    ``width`` is 12 J - 1 for J joints: 263 for HumanML3D's 22, 251 for KIT-ML's 21.
    """
    joints = (width + 1) // 12
    counts = (1, 2, 1, 3 * (joints - 1), 6 * (joints - 1), 3 * joints, 4)
    ends = np.cumsum(counts).tolist()
    yaw, planar, height, positions, rotations, velocities, contacts = map(slice, [0, *ends], ends)
    return yaw, planar, height, positions, rotations, velocities, contacts


def changes_per_frame(width: int) -> tuple[slice, slice, slice]:
    """The columns that are changes per frame, so that they scale with the playing speed."""
    yaw, planar, _, _, _, velocities, _ = feature_blocks(width)
    return yaw, planar, velocities


def resampled(features: Features, speed: float) -> Features:
    """The clip (T, F) played ``speed`` times as fast: frames in between, and what is per frame scaled."""
    at = np.arange(int((len(features) - 1) / speed) + 1) * speed
    low = at.astype(np.int64)
    high = np.minimum(low + 1, len(features) - 1)
    part = (at - low).astype(np.float32)[:, None]
    played: Features = features[low] * (1 - part) + features[high] * part
    for columns in changes_per_frame(features.shape[1]):
        played[:, columns] *= np.float32(speed)
    return played


def joined(first: Features, second: Features) -> Features:
    """(T1 + T2 - BLEND, F): ``first``, then ``second``, going over from one pose to the other at the cut.

    Features tell of the body from where it stands and faces, so that the second clip goes on from there.
    Both are at least BLEND frames long.
    """
    part = ((np.arange(BLEND, dtype=np.float32) + 0.5) / BLEND)[:, None]
    leaving, coming = first[-BLEND:], second[:BLEND]
    blend = leaving * (1 - part) + coming * part
    # The poses drift into each other as well: that much is moved in each frame on top.
    _, _, height, positions, _, velocities, contacts = feature_blocks(first.shape[1])
    drift = (coming - leaving) / BLEND
    root = np.zeros((BLEND, 3), np.float32)
    root[:, 1:2] = drift[:, height]
    blend[:, velocities] += np.concatenate([root, drift[:, positions]], axis=1)
    blend[:, contacts] = np.rint(blend[:, contacts])
    return np.concatenate([first[:-BLEND], blend, second[BLEND:]])


def layered(upper: Features, legs: Features) -> Features:
    """(T-1, 263), T the frames of the shorter: trunk, head and arms of one clip on hips and legs of another.

    The upper body keeps where it is seen from the pelvis, so that all bones keep their lengths; where the two
    pelvises are tilted apart, the waist bends. 22 joints only.
    """
    count = min(len(upper), len(legs))
    together = legs[:count].copy()
    _, _, height, positions, *_ = feature_blocks(WIDTH)
    places = together[:, positions].reshape(count, len(JOINTS) - 1, 3)  # a view: the pelvis is not in it
    moved = upper[:count, positions].reshape(count, len(JOINTS) - 1, 3)[:, _ABOVE]
    moved[..., 1] += legs[:count, height] - upper[:count, height]
    places[:, _ABOVE] = moved
    return features_from_joints(joints_from_features(together))


def without_travel(features: Tensor) -> Tensor:
    """(..., 263) of the same movement with the pelvis above one place on the ground. 22 joints only.

    A turn stays one. A foot that stood slides now, and rests where it is slow enough to.
    """
    if features.shape[-1] != WIDTH:
        raise MotionaryError("augment.in_place needs the features of 22 joints; KIT-ML has 21")
    _, planar, _, _, _, velocities, contacts = feature_blocks(WIDTH)
    moved = features[..., velocities].reshape(*features.shape[:-1], len(JOINTS), 3).clone()
    moved[..., [0, 2]] -= moved[..., :1, [0, 2]].clone()
    still = features.clone()
    still[..., planar] = 0
    still[..., velocities] = moved.flatten(-2)
    still[..., contacts] = (moved[..., FEET, :].square().sum(dim=-1) < REST_SPEED).to(features)
    return still


def reversed_in_time(features: Features) -> Features:
    """(T-1, 263) of the movement (T, 263) played backward. 22 joints only."""
    return features_from_joints(joints_from_features(features)[::-1])


def mirrored(features: Features) -> Features:
    """(T-1, 263) of the movement (T, 263) seen in a mirror. 22 joints only."""
    return features_from_joints(mirror_joints(joints_from_features(features)))
