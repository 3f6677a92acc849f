"""What the readers of text formats share: opening an untrusted file, and parsing its numbers fast."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motionary.errors import MotionaryError
from motionary.formats._decimals import BLOCK, decimals

__all__ = [
    "LARGEST_FILE",
    "LONGEST_NAME",
    "MOST_JOINTS",
    "bad_number",
    "check_size",
    "lines",
    "numbers",
    "read_bytes",
]

LARGEST_FILE = 1 << 30
"""Bytes. Two hours of 120 fps mocap as text are some 700 MB; more than this is a mistake or an attack."""

MOST_JOINTS = 4096

LONGEST_NAME = 256
"""Letters of a joint's name; Blender's have up to 63."""

MOST_STILL = 1 << 21
"""Poses of joints, 64 MB of them, that a file may make without numbers of their own."""


def check_size(path: Path, frames: int, joints: int, given: int) -> None:
    """MotionaryError where ``frames`` of ``joints`` are far more than a file's ``given`` numbers can move.

    A joint without channels costs a file nothing and us a rotation in each frame: a few kilobytes of text
    could fill the memory.
    """
    if frames * joints > 2 * given + MOST_STILL:
        raise MotionaryError(
            f"{path}: {frames} frames of {joints} joints, most of which never move; export the joints that do"
        )


def read_bytes(path: Path, most: int = LARGEST_FILE) -> bytes:
    """The contents of a text file of numbers; MotionaryError where it is missing, empty, binary or has more
    than ``most`` bytes."""
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > most:
            raise MotionaryError(
                f"{path}: {size / 2**20:.0f} MB is more than the {most >> 20} MB that such a file may have; "
                "split the capture into shorter takes"
            )
        data = path.read_bytes()
    except OSError as error:
        raise MotionaryError(
            f"{path}: cannot be read ({error.strerror}); check the path and its permissions"
        ) from None
    if not data or data.isspace():
        raise MotionaryError(f"{path}: the file is empty; export or download it again")
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise MotionaryError(
            f"{path}, line {line}: holds binary data where text belongs; the file is damaged or of another "
            "format: export or download it again"
        )
    return data.removeprefix(b"\xef\xbb\xbf")


LONG = 1 << 13
"""Bytes from which on whole arrays are quicker than a loop."""

SPACE = re.compile(rb"\s")
LAST = -98765.4321


def numbers(text: bytes | memoryview) -> NDArray[np.float64]:
    """The numbers of a text apart by white space, (n,); none where any token is not a number."""
    if len(text) < LONG:
        few = _parsed(text)
        return np.empty(0) if few is None else few
    found = bytearray()  # grows in place, where a list of blocks would have to be copied into one array
    for part in _blocks(text):
        values = decimals(part)
        if values is None:
            values = _parsed(part)
        if values is None:
            return np.empty(0)
        found += values.tobytes()
    return np.frombuffer(found, np.float64)


def _blocks(text: bytes | memoryview) -> Iterator[bytes]:
    """Parts of a text that end where a number does; larger than BLOCK only where a number is."""
    start = 0
    while start < len(text):
        space = SPACE.search(text, start + BLOCK - LONGEST_NAME)
        end = space.end() if space else len(text)
        yield bytes(text[start:end])
        start = end


def _parsed(text: bytes | memoryview) -> NDArray[np.float64] | None:
    """The numbers of a text by numpy's own parser; None where any token is none.

    That stops in silence at what it cannot read, so a last number is added here, which then is missing.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of stopping early
        try:
            values = np.fromstring(b"".join((text, f" {LAST}".encode())), np.float64, sep=" ")
        except ValueError:  # what numpy means to raise one day
            return None
    return values[:-1] if len(values) and values[-1] == LAST else None


def bad_number(text: bytes | memoryview, first_line: int = 1) -> tuple[int, str] | None:
    """Line number and text of the first token that is no finite number; the first line is ``first_line``.

    Slow, so only for saying where a file is bad once :func:`numbers` has found that it is.
    """
    for part in _blocks(text):
        values = _parsed(part)
        if values is None or not np.isfinite(values).all():
            for line, row in enumerate(part.split(b"\n"), first_line):
                for token in row.split():
                    try:
                        finite = np.isfinite(float(token))
                    except ValueError:
                        finite = False
                    if not finite:
                        return line, token[:40].decode("ascii", "replace")
        first_line += part.count(b"\n")
    return None


def lines(text: bytes | memoryview, start: int = 0) -> Iterator[bytes]:
    """The lines of a text from byte ``start`` on, one at a time: all of them at once take many times its
    size."""
    stream = io.BytesIO(text)  # which does not copy bytes
    stream.seek(start)
    yield from stream
