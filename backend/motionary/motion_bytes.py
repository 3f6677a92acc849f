"""One motion as bytes that need nothing else: its skeleton and rate, and then what a library stores.

A server sends a clip so, and a client that trusts nobody reads it. Layout: MAGIC, then little-endian ``fps``
(float64) and the length of the skeleton (uint32), the skeleton as a library's JSON (``names``, ``parents``,
``offsets``), then the bytes of `motionary.codec`.
"""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np

from motionary.codec import decode_motion, encode_motion
from motionary.errors import MotionaryError
from motionary.motion import Motion, Skeleton

__all__ = ["MEDIA_TYPE", "MOST_POSES", "pack_motion", "unpack_motion"]

MEDIA_TYPE = "application/octet-stream"

MAGIC = b"MOTYMOT1"
HEAD = struct.Struct("<8sdI")
COUNTS = struct.Struct("<II")
"""How a motion of `motionary.codec` begins: its frames and joints."""

LONGEST_SKELETON = 1 << 21
"""Bytes of JSON: ten thousand joints with long names."""
MOST_JOINTS = 10_000
MOST_POSES = 1 << 22
"""Joints times frames: seven minutes of 75 joints at 120 frames a second, 130 MB once it is read and half a
gigabyte meanwhile, whatever the bytes claim."""
FASTEST = 1e6
"""Frames a second that no recording has."""


def pack_motion(motion: Motion) -> bytes:
    """``motion`` as bytes, as exact as a library keeps it; the same bytes for the same motion.

    MotionaryError where it is longer than `unpack_motion` takes: send it in parts.
    """
    poses = motion.frames * len(motion.skeleton.names)
    if poses > MOST_POSES:
        raise MotionaryError(
            f"motion of {motion.frames} frames and {len(motion.skeleton.names)} joints is too long to be "
            "sent; ask for a part of it"
        )
    skeleton = json.dumps(
        {
            "names": motion.skeleton.names,
            "parents": motion.skeleton.parents.tolist(),
            "offsets": motion.skeleton.offsets.tolist(),
        }
    ).encode()
    return HEAD.pack(MAGIC, motion.fps, len(skeleton)) + skeleton + encode_motion(motion)


def unpack_motion(data: bytes) -> Motion:
    """The motion of `pack_motion`'s bytes; MotionaryError where they are not.

    Untrusted: every size is checked against its limit, and the others, before memory is taken.
    """
    if len(data) < HEAD.size or not data.startswith(MAGIC):
        raise MotionaryError("motion is damaged: these are not the bytes of a motion")
    _, fps, length = HEAD.unpack_from(data)
    if not 0 < fps <= FASTEST:
        raise MotionaryError(f"motion is damaged: it claims {fps:g} frames a second")
    body = HEAD.size + length
    if length > LONGEST_SKELETON or body + COUNTS.size > len(data):
        raise MotionaryError(f"motion is damaged: it claims {length} bytes of skeleton")
    skeleton = _skeleton(data[HEAD.size : body])
    frames, joints = COUNTS.unpack_from(data, body)
    if frames * joints > MOST_POSES:
        raise MotionaryError(f"motion is damaged: it claims {frames} frames of {joints} joints")
    return decode_motion(data[body:], skeleton, fps)


def _skeleton(text: bytes) -> Skeleton:
    try:
        parts: Any = json.loads(text)
        names = tuple(parts["names"])
        if len(names) > MOST_JOINTS or not all(isinstance(name, str) for name in names):
            raise ValueError(f"{len(names)} joints, or names that are none")
        "".join(names).encode()  # half a letter is no name
        parents = np.array(parts["parents"], np.int64)
        offsets = np.array(parts["offsets"], np.float64)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        raise MotionaryError("motion is damaged: its skeleton cannot be read") from None
    return Skeleton(names, parents, offsets)
