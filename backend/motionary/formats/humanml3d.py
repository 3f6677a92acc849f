"""HumanML3D's .npy files: 22 joint positions or 263 features a frame, to a Motion by inverse kinematics."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from motionary import rotation
from motionary.body import JOINTS, PARENTS
from motionary.common_body import REST_OFFSETS
from motionary.errors import MotionaryError
from motionary.features import FPS, WIDTH, joints_from_features
from motionary.motion import Motion, Skeleton

__all__ = ["motion_from_joints", "read_npy"]

MOST_FRAMES = 10_000_000


def read_npy(path: Path, *, fps: float | None = None) -> Motion:
    """The movement in a .npy file of joints (T, 22, 3) or (T, 66), metres, or of features (T, 263).

    fps: frames a second; HumanML3D's 20 where not given. MotionaryError for any other file.
    """
    path = Path(path)
    try:
        # Mapped, so that a header which promises more than the file holds allocates nothing.
        with np.errstate(over="ignore"):
            array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise MotionaryError(
            f"{path}: cannot be read ({error.strerror or 'not a .npy file'}); check the path"
        ) from None
    except Exception:  # the header is Python's text, and its parser raises whatever Python's does
        raise MotionaryError(
            f"{path}: is no whole .npy file of numbers; save it again with numpy.save"
        ) from None
    shape = array.shape if isinstance(array, np.ndarray) else ()
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise MotionaryError(
            f"{path}: holds no single array of numbers; save joints or features with numpy.save"
        )
    if not (shape[1:] in ((22, 3), (66,), (WIDTH,)) and 0 < shape[0] <= MOST_FRAMES):
        raise MotionaryError(
            f"{path}: has shape {shape}; HumanML3D has joints (frames, 22, 3) or features (frames, {WIDTH})"
        )
    values = np.asarray(array, np.float64)
    finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if not finite.all():
        raise MotionaryError(f"{path}: frame {int(np.argmin(finite))} holds a value that is not a number")
    is_features = shape[1:] == (WIDTH,)
    joints = joints_from_features(values) if is_features else values.reshape(-1, len(JOINTS), 3)
    return motion_from_joints(joints, FPS if fps is None else fps)


def motion_from_joints(joints: ArrayLike, fps: float) -> Motion:
    """A Motion of the canonical skeleton whose joints go where ``joints`` (T, 22, 3) are.

    Bones have their median lengths, and at rest the directions of the common body's. A joint with one child
    turns as little as takes its bone to where it points, so twist is lost; one with several, pelvis and
    chest, as fits all of them best (Kabsch 1976), and the rest offsets of these are what they are on average
    in its axes. Exact where the bones keep their lengths and these two are rigid, as in SMPL; elsewhere each
    bone makes up for the error before it.
    """
    joints = np.asarray(joints, np.float64)
    parents = np.array(PARENTS)
    bones = joints[:, 1:] - joints[:, parents[1:]]
    bones = np.concatenate([np.zeros_like(bones[:, :1]), bones], axis=1)
    offsets = REST_OFFSETS / np.maximum(np.linalg.norm(REST_OFFSETS, axis=1, keepdims=True), 1e-12)
    offsets *= np.median(np.linalg.norm(bones, axis=-1), axis=0)[:, None]
    world = np.empty((len(joints), len(JOINTS), 4))
    local, reached = np.empty_like(world), np.empty_like(joints)
    for joint, parent in enumerate(PARENTS):
        reached[:, joint] = joints[:, 0]
        if parent >= 0:
            reached[:, joint] = reached[:, parent] + rotation.rotate(world[:, parent], offsets[joint])
        below = world[:, parent] if parent >= 0 else np.broadcast_to(rotation.IDENTITY, world[:, 0].shape)
        children = np.flatnonzero(parents == joint)
        if len(children) > 1:
            world[:, joint], offsets[children] = _rigid(bones[:, children], offsets[children])
            local[:, joint] = rotation.multiply(rotation.inverse(below), world[:, joint])
        else:
            aim = (joints[:, children] - reached[:, joint, None]).sum(axis=1)  # zero for the last of a limb
            local[:, joint] = rotation.between(
                offsets[children].sum(axis=0), rotation.rotate(rotation.inverse(below), aim)
            )
            world[:, joint] = rotation.multiply(below, local[:, joint])
    return Motion(Skeleton(JOINTS, parents, offsets), local, joints[:, 0], fps)


def _rigid(
    bones: NDArray[np.float64], offsets: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """World rotations (T, 4) that take ``offsets`` (C, 3) nearest to ``bones`` (T, C, 3), and these offsets
    as they are on average in the turned axes, so that a rigid joint fits exactly."""
    for _ in range(4):
        u, _, vt = np.linalg.svd(np.einsum("tci,cj->tij", bones, offsets))
        u[..., 2] *= np.sign(np.linalg.det(u @ vt))[:, None]  # a rotation, not a reflection
        turns = rotation.from_matrix(u @ vt)
        offsets = rotation.rotate(rotation.inverse(turns)[:, None], bones).mean(axis=0)
    return turns, offsets
