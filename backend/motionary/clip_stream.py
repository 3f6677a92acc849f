"""The clips of one file as a stream of bytes between two processes.

One line of JSON, then each clip's motion as codec.py packs it, one after the other::

    {"skeletons": [{"names", "parents", "offsets"}, ...], "notes": ["a line", ...],
     "clips": [{"name", "skeleton", "fps", "captions", "tags", "bytes"}, ...]}

or, for a file that could not be read, ``{"error": "why, in one line"}`` alone. What is read is untrusted:
every size and type is checked before it is used.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from motionary.codec import LARGEST, decode_motion, encode_motion
from motionary.errors import MotionaryError
from motionary.motion import Clip, Skeleton

__all__ = ["FileClips", "read_answer", "write_answer", "write_failure"]

LONGEST_LINE = 1 << 28
"""Bytes of JSON: a thousand armatures of a thousand bones, and no more memory than that."""


@dataclass(frozen=True, eq=False)
class FileClips:
    """The clips of a file, and a line about each thing in it that is none."""

    clips: tuple[Clip, ...]
    notes: tuple[str, ...] = ()


def write_answer(stream: IO[bytes], found: FileClips) -> None:
    """Write a file's clips; MotionaryError, with nothing written, where one is too long to be packed."""
    packed = [encode_motion(clip.motion) for clip in found.clips]
    described = [_described(clip.motion.skeleton) for clip in found.clips]
    skeletons = list(dict.fromkeys(described))
    header = {
        "skeletons": [json.loads(text) for text in skeletons],
        "notes": found.notes,
        "clips": [
            {
                "name": clip.name,
                "skeleton": skeletons.index(text),
                "fps": clip.motion.fps,
                "captions": clip.captions,
                "tags": clip.tags,
                "bytes": len(data),
            }
            for clip, text, data in zip(found.clips, described, packed, strict=True)
        ],
    }
    stream.write(json.dumps(header).encode() + b"\n")
    for data in packed:
        stream.write(data)
    stream.flush()


def _described(skeleton: Skeleton) -> str:
    """The same for skeletons that are the same: the many clips of a file mostly share one."""
    offsets = skeleton.offsets.tolist()
    return json.dumps({"names": skeleton.names, "parents": skeleton.parents.tolist(), "offsets": offsets})


def write_failure(stream: IO[bytes], reason: str) -> None:
    """Write why a file could not be read."""
    stream.write(json.dumps({"error": reason}).encode() + b"\n")
    stream.flush()


def read_answer(stream: IO[bytes]) -> FileClips:
    """Read what :func:`write_answer` wrote.

    EOFError where the stream ends before it is whole; ValueError where it is not such a stream, of which no
    more can be read; MotionaryError with what :func:`write_failure` wrote.
    """
    line = stream.readline(LONGEST_LINE)
    if not line:
        raise EOFError
    if not line.endswith(b"\n"):
        raise ValueError("its first line is too long")
    try:
        header = json.loads(line)
    except (UnicodeDecodeError, RecursionError):
        raise ValueError("its first line is not JSON") from None
    if not isinstance(header, dict):
        raise ValueError("its first line is no JSON object")
    if "error" in header:
        raise MotionaryError(str(header["error"]))
    try:
        skeletons = [_skeleton(entry) for entry in header["skeletons"]]
        clips = tuple(_clip(entry, skeletons, stream) for entry in header["clips"])
        return FileClips(clips, _texts(header["notes"]))
    except (LookupError, TypeError, AttributeError, ArithmeticError, MotionaryError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None


def _skeleton(entry: dict[str, Any]) -> Skeleton:
    offsets = np.array(entry["offsets"], np.float64)
    if not np.isfinite(offsets).all():
        raise ValueError("an offset is not a number")
    return Skeleton(_texts(entry["names"]), np.array(entry["parents"], np.int64), offsets)


def _clip(entry: dict[str, Any], skeletons: Sequence[Skeleton], stream: IO[bytes]) -> Clip:
    size, number = int(entry["bytes"]), int(entry["skeleton"])
    if not (0 < size <= LARGEST and 0 <= number < len(skeletons)):
        raise ValueError(f"a clip of {size} bytes on skeleton {number}")
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    motion = decode_motion(data, skeletons[number], float(entry["fps"]))
    return Clip(str(entry["name"]), motion, "", _texts(entry["captions"]), _texts(entry["tags"]))


def _texts(listed: Any) -> tuple[str, ...]:
    if not isinstance(listed, list) or not all(isinstance(text, str) for text in listed):
        raise ValueError("a list of texts is none")
    return tuple(listed)
