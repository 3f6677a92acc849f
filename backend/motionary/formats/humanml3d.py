"""HumanML3D's .npy files: 22 joint positions or 263 features a frame, to a Motion by inverse kinematics."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from motionary import rotation
from motionary.body import JOINTS, PARENTS
from motionary.common_body import REST_OFFSETS
from motionary.errors import MotionaryError
from motionary.features import FPS, WIDTH, joints_from_features
from motionary.motion import Motion, Skeleton

__all__ = ["motion_from_joints", "read_array", "read_npy"]

MOST_FRAMES = 10_000_000

SEVERAL = tuple(joint for joint in range(len(JOINTS)) if PARENTS.count(joint) > 1)
"""The joints with several children: pelvis and chest."""
ROUNDS = 4
FRAMES_AT_ONCE = 1024
"""What is turned to rotations together: all that this takes is several times a file."""


def read_npy(path: Path, *, fps: float | None = None) -> Motion:
    """The movement in a .npy file of joints (T, 22, 3) or (T, 66), metres, or of features (T, 263).

    fps: frames a second; HumanML3D's 20 where not given. MotionaryError for any other file.
    """
    path = Path(path)
    values = read_array(path)
    for some in _parts(len(values)):
        finite = np.isfinite(values[some]).reshape(some.stop - some.start, -1).all(axis=1)
        if not finite.all():
            raise MotionaryError(
                f"{path}: frame {some.start + int(np.argmin(finite))} holds a value that is not a number"
            )
    if values.shape[1:] == (WIDTH,):
        values = np.asarray(values, np.float64)  # the one that is read is let go
        values = joints_from_features(values)
    return motion_from_joints(values.reshape(-1, len(JOINTS), 3), FPS if fps is None else fps)


def read_array(path: Path) -> NDArray[Any]:
    """The array in a .npy file, (T, 22, 3), (T, 66) or (T, 263), in the numbers that the file has, which may
    be none: infinite or worse. MotionaryError for any other file."""
    try:
        # Mapped first, so that a header which promises more than the file holds takes no memory. What is
        # mapped is not touched: of a file that is cut short meanwhile, that would end the process.
        with np.errstate(over="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what Python and numpy think of the header's text
            told = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise MotionaryError(
            f"{path}: cannot be read ({error.strerror or 'not a .npy file'}); check the path"
        ) from None
    except Exception:  # the header is Python's text, and its parser raises whatever Python's does
        raise MotionaryError(
            f"{path}: is no whole .npy file of numbers; save it again with numpy.save"
        ) from None
    shape = told.shape if isinstance(told, np.ndarray) else ()
    if not isinstance(told, np.memmap) or told.dtype.kind not in "fiu":
        raise MotionaryError(
            f"{path}: holds no single array of numbers; save joints or features with numpy.save"
        )
    if not (shape[1:] in ((22, 3), (66,), (WIDTH,)) and 0 < shape[0] <= MOST_FRAMES):
        raise MotionaryError(
            f"{path}: has shape {shape}; HumanML3D has joints (frames, 22, 3) or features (frames, {WIDTH})"
        )
    try:
        values = np.fromfile(path, told.dtype, told.size, offset=told.offset)
    except OSError as error:
        raise MotionaryError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    if values.size != told.size:
        raise MotionaryError(f"{path}: became shorter while it was read; try again")
    return values.reshape(shape, order="C" if told.flags.c_contiguous else "F")


def _parts(frames: int) -> Iterator[slice]:
    for start in range(0, frames, FRAMES_AT_ONCE):
        yield slice(start, min(start + FRAMES_AT_ONCE, frames))


def motion_from_joints(joints: ArrayLike, fps: float) -> Motion:
    """A Motion of the canonical skeleton whose joints go where ``joints`` (T, 22, 3) are.

    Bones have their median lengths, and at rest the directions of the common body's. A joint with one child
    turns as little as takes its bone to where it points, so twist is lost; one with several, pelvis and
    chest, as fits all of them best (Kabsch 1976), and the rest offsets of these are what they are on average
    in its axes. Exact where the bones keep their lengths and these two are rigid, as in SMPL; elsewhere each
    bone makes up for the error before it.
    """
    joints = np.asarray(joints)
    offsets = REST_OFFSETS / np.maximum(np.linalg.norm(REST_OFFSETS, axis=1, keepdims=True), 1e-12)
    offsets *= _median_lengths(joints)[:, None]
    fitted = offsets.copy()  # of a joint with several, what is turned; `offsets`: what they then are
    for joint in SEVERAL:
        children = np.flatnonzero(np.equal(PARENTS, joint))
        for _ in range(ROUNDS):
            fitted[children] = offsets[children]
            offsets[children] = _mean_offsets(joints, joint, children, fitted[children])
    local = np.empty((len(joints), len(JOINTS), 4))
    for some in _parts(len(joints)):
        local[some] = _rotations(np.asarray(joints[some], np.float64), offsets, fitted)
    return Motion(Skeleton(JOINTS, np.array(PARENTS), offsets), local, joints[:, 0], fps)


def _median_lengths(joints: NDArray[Any]) -> NDArray[np.float64]:
    """The median length (22,) of the bone that ends in each joint; the root has none."""
    medians = np.zeros(len(JOINTS))
    lengths = np.empty(len(joints))
    for joint, parent in list(enumerate(PARENTS))[1:]:
        for some in _parts(len(joints)):
            lengths[some] = np.linalg.norm(_bones(joints[some], parent, np.array([joint]))[:, 0], axis=-1)
        medians[joint] = np.median(lengths)
    return medians


def _bones(joints: NDArray[Any], parent: int, children: NDArray[np.intp]) -> NDArray[np.float64]:
    """Vectors (T, C, 3) from a joint to its children."""
    some = np.asarray(joints[:, children], np.float64)
    return some - np.asarray(joints[:, parent, None], np.float64)


def _mean_offsets(
    joints: NDArray[Any], joint: int, children: NDArray[np.intp], offsets: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The bones (C, 3) of a joint as they are on average in its axes, once ``offsets`` are turned to fit."""
    total = np.zeros(offsets.shape)
    for some in _parts(len(joints)):
        bones = _bones(joints[some], joint, children)
        turns = _rigid(bones, offsets)
        total += rotation.rotate(rotation.inverse(turns)[:, None], bones).sum(axis=0)
    return total / len(joints)


def _rigid(bones: NDArray[np.float64], offsets: NDArray[np.float64]) -> NDArray[np.float64]:
    """World rotations (T, 4) that take ``offsets`` (C, 3) nearest to ``bones`` (T, C, 3)."""
    u, _, vt = np.linalg.svd(np.einsum("tci,cj->tij", bones, offsets))
    u[..., 2] *= np.sign(np.linalg.det(u @ vt))[:, None]  # a rotation, not a reflection
    return rotation.from_matrix(u @ vt)


def _rotations(
    joints: NDArray[np.float64], offsets: NDArray[np.float64], fitted: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The local rotations (T, 22, 4) of a part of the frames; see `motion_from_joints`."""
    world = np.empty((len(joints), len(JOINTS), 4))
    local, reached = np.empty_like(world), np.empty_like(joints)
    for joint, parent in enumerate(PARENTS):
        reached[:, joint] = joints[:, 0]
        if parent >= 0:
            reached[:, joint] = reached[:, parent] + rotation.rotate(world[:, parent], offsets[joint])
        below = world[:, parent] if parent >= 0 else np.broadcast_to(rotation.IDENTITY, world[:, 0].shape)
        children = np.flatnonzero(np.equal(PARENTS, joint))
        if joint in SEVERAL:
            world[:, joint] = _rigid(_bones(joints, joint, children), fitted[children])
            local[:, joint] = rotation.multiply(rotation.inverse(below), world[:, joint])
        else:
            aim = (joints[:, children] - reached[:, joint, None]).sum(axis=1)  # zero for the last of a limb
            local[:, joint] = rotation.between(
                offsets[children].sum(axis=0), rotation.rotate(rotation.inverse(below), aim)
            )
            world[:, joint] = rotation.multiply(below, local[:, joint])
    return local
