"""What of a motion carries the whole body through the world, apart from how it moves in place.

A root bone, or the object, takes the path of the hips on the ground and where the body faces, both smoothed:
the sway of a step stays in the hips. Frame: Blender's world, Z up; quaternions wxyz.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from motionary import rotation
from motionary.rig_solve import Pose, Target, carried, decompose, first_heads, posed_again, rig_bones
from motionary.stance import UP, body_frame, headings, midpoint

__all__ = ["ROOT_MOTION", "in_place", "with_travel"]

Floats: TypeAlias = NDArray[np.float64]

ROOT_MOTION = ("hips", "root", "in_place", "object")
"""What takes the way that the body goes: the hips' own control, the rig's root bone, nothing, the object."""

SMOOTHING_S = 0.3
"""Width (sigma) of the Gaussian that tells the path from the sway: a step takes about half a second."""


def with_travel(pose: Pose, target: Target, fps: float, *, turning: bool) -> Pose:
    """``pose`` shown in the same way, with what carries the body over the ground on its travel.

    turning: the body's heading too. The smoothed path begins and ends where the hips do.
    """
    bones = rig_bones(target.rig)
    pelvis = next(i for i, (_, joint, _) in enumerate(bones) if joint == "pelvis")
    own_frame = body_frame(first_heads(target.rig, target.rest))
    from_rest = rotation.multiply(rotation.inverse(decompose(target.rest[pelvis])[0]), own_frame)
    zero, standing = (first_heads(target.rig, matrices) for matrices in (target.zero, target.stance))
    facing = -headings(rotation.multiply(pose.turn("pelvis"), from_rest), body_frame(zero))

    path = np.column_stack([pose.hips[:, :2], np.unwrap(facing)])
    path = _smoothed(path, SMOOTHING_S * fps)
    yaw = rotation.from_axis_angle(UP, path[:, 2] if turning else np.zeros(len(path)))
    start, lift = midpoint(zero, "hip"), midpoint(standing, "hip")[2] - midpoint(zero, "hip")[2]
    travel = np.tile(np.eye(4), (len(path), 1, 1))
    travel[:, :3, :3] = rotation.to_matrix(yaw)
    travel[:, :2, 3] = path[:, :2]
    travel[:, :3, 3] += [0.0, 0.0, lift] - rotation.rotate(yaw, start * [1.0, 1.0, 0.0])
    return posed_again(pose, target, travel=travel)


def in_place(pose: Pose) -> Pose:
    """``pose`` without its travel: the body moves on the spot, where it was in the beginning."""
    assert pose.travel is not None
    stays = np.linalg.inv(pose.travel)
    return replace(carried(pose, stays), travel=None)


def _smoothed(values: Floats, sigma: float) -> Floats:
    """``values`` (T, C) along T under a Gaussian ``sigma`` frames wide; the first and last row stay."""
    reach = int(np.ceil(3 * sigma))
    if len(values) < 3 or reach < 1:
        return values
    # Mirrored through its end points a path goes on as it came, so that the ends stay in place.
    times = np.arange(-reach, len(values) + reach)
    period = len(values) - 1
    folds, inside = np.divmod(times, period)
    odd = folds % 2 == 1
    whole = np.where(odd[:, None], values[-1] - values[period - inside] + values[0], values[inside])
    whole = whole + folds[:, None] * (values[-1] - values[0])
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    columns = [np.convolve(column, kernel, mode="valid") for column in whole.T]
    return np.stack(columns, axis=1)
