"""A motion as compact bytes, and back.

Quaternions are held as four 15-bit steps of 1/16383 and translations in steps of 0.1 mm, both as differences
from the frame before. Differences are small and of either sign, so they are zigzag coded (0, -1, 1, -2, …
become 0, 1, 2, 3, …), laid out one joint's component after another, split into planes of equally
significant bytes and deflated: 38 MB for an hour of CMU motion at 120 fps, a tenth of its BVH.

A joint's local rotation comes back within 0.01 degrees and the root within 0.1 mm; the sign of a quaternion
is not kept (it is chosen along the frames for the shorter arc). Layout: little-endian ``frames`` (uint32)
and ``joints`` (uint32), then the deflated planes: 2 of the rotations, 4 of the translation.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from motionary import rotation
from motionary.errors import MotionaryError
from motionary.motion import Motion, Skeleton

__all__ = ["decode_motion", "encode_motion"]

HEADER = struct.Struct("<II")
TURN_STEPS = 16383
LENGTH_STEPS = 10_000  # a metre
FARTHEST = 100_000.0  # metres: what keeps differences within 32 bits
LARGEST = 1 << 30  # bytes after inflating: ten hours of 75 joints at 30 fps, and no more memory than that


def encode_motion(motion: Motion) -> bytes:
    """The rotations and translation of ``motion``; its skeleton and rate are kept by whoever keeps these.

    MotionaryError where the root is more than 100 km away (then the unit is wrong) or the motion too long.
    """
    frames, joints = motion.rotations.shape[:2]
    if _size(frames, joints) > LARGEST:
        raise MotionaryError(f"motion of {frames} frames and {joints} joints is too long; cut it into parts")
    farthest = float(np.abs(motion.translation).max())
    if farthest > FARTHEST:
        raise MotionaryError(
            f"motion's root is {farthest:.0f} m away from the origin; its unit must be wrong"
        )
    turns = rotation.continuous(rotation.normalize(motion.rotations)).reshape(frames, -1)
    planes = _planes(np.rint(turns * TURN_STEPS).astype("<i2")) + _planes(
        np.rint(motion.translation * LENGTH_STEPS).astype("<i4")
    )
    return HEADER.pack(frames, joints) + zlib.compress(planes, 6)


def decode_motion(blob: bytes, skeleton: Skeleton, fps: float) -> Motion:
    """The motion of :func:`encode_motion`'s ``blob``; MotionaryError where it is not one of ``skeleton``.

    Untrusted: sizes are checked against the skeleton and against each other before memory is taken.
    """
    if len(blob) < HEADER.size:
        raise MotionaryError("stored motion is damaged: it has no header")
    frames, joints = HEADER.unpack_from(blob)
    if joints != len(skeleton.names):
        raise MotionaryError(
            f"stored motion is damaged: it has {joints} joints, its skeleton {len(skeleton.names)}"
        )
    size = _size(frames, joints)
    if not 0 < size <= LARGEST:
        raise MotionaryError(f"stored motion is damaged: it claims {frames} frames")
    inflate = zlib.decompressobj()
    try:
        planes = inflate.decompress(blob[HEADER.size :], size)
        has_more = bool(inflate.decompress(inflate.unconsumed_tail, 1))
    except zlib.error as error:
        raise MotionaryError(f"stored motion is damaged: {error}") from None
    if len(planes) != size or has_more:
        raise MotionaryError(f"stored motion is damaged: it does not hold the {frames} frames it claims")
    split = frames * joints * 4 * 2
    turns = _values(planes[:split], frames, "<u2", "<i2") / TURN_STEPS
    translation = _values(planes[split:], frames, "<u4", "<i4") / LENGTH_STEPS
    return Motion(skeleton, rotation.normalize(turns.reshape(frames, joints, 4)), translation, fps)


def _size(frames: int, joints: int) -> int:
    return frames * (joints * 4 * 2 + 3 * 4)


def _planes(values: NDArray[np.int16] | NDArray[np.int32]) -> bytes:
    """Integers (T, N) as zigzag differences along T, column after column, in planes of bytes."""
    steps = np.diff(values, axis=0, prepend=np.zeros_like(values[:1]))
    zigzag = (steps << 1) ^ (steps >> (8 * steps.itemsize - 1))
    return np.ascontiguousarray(zigzag.T).view(np.uint8).reshape(-1, steps.itemsize).T.tobytes()


def _values(planes: bytes, frames: int, unsigned: str, signed: str) -> NDArray[np.float64]:
    """The inverse of :func:`_planes`: (T, N)."""
    width = np.dtype(unsigned).itemsize
    rows = np.frombuffer(planes, np.uint8).reshape(width, -1).T
    zigzag = np.ascontiguousarray(rows).view(unsigned).reshape(-1, frames).T
    steps = (zigzag >> 1).astype(signed) ^ -(zigzag & 1).astype(signed)
    # wraps around as the differences did, so that any bytes give numbers and never an error
    return np.cumsum(steps, axis=0, dtype=signed).astype(np.float64)
