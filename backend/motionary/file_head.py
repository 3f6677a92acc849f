"""The first bytes of a file that SQLite may have open, read so that nobody's locks on it end.

Where a process closes a file, the system (POSIX) ends every lock that the process has on it, whoever in it
took them: to look at a library's header and close it again, while a thread reads that library or writes to
it, would let another process write in the middle. So one descriptor of a file stays open here for as long as
somebody in this process holds the file: SQLite does so, too, for its own. Locks belong to the process, and so
does this module's table of what is open. On Windows locks belong to who took them, and nothing is held.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TypeAlias

__all__ = ["held_head"]

Identity: TypeAlias = tuple[int, int]


@dataclass
class _Held:
    """A file that is held, by how many, and the descriptors that are open of it."""

    holders: int = 0
    descriptors: list[int] = field(default_factory=list)


_files: dict[Identity, _Held] = {}
_lock = Lock()


@contextmanager
def held_head(path: Path, size: int) -> Iterator[bytes]:
    """The first ``size`` bytes of a file, or all where it has fewer; within, nothing here ends a lock on it.

    Leave it after what locks the file is closed. OSError where it cannot be read.
    """
    if os.name == "nt":
        with path.open("rb") as file:
            head = file.read(size)
        yield head
        return
    with _lock:
        identity, head = _taken(path, size)
    try:
        yield head
    finally:
        with _lock:
            _given_back(identity)


def _taken(path: Path, size: int) -> tuple[Identity, bytes]:
    status = path.stat()
    known = _files.get((status.st_dev, status.st_ino))
    if known is None:
        descriptor = os.open(path, os.O_RDONLY)
        status = os.fstat(descriptor)  # of the file that this is, should the name lead to another by now
        known = _files.setdefault((status.st_dev, status.st_ino), _Held())
        known.descriptors.append(descriptor)
    identity = status.st_dev, status.st_ino
    known.holders += 1
    try:
        os.lseek(known.descriptors[0], 0, os.SEEK_SET)
        return identity, _read(known.descriptors[0], size)
    except OSError:
        _given_back(identity)
        raise


def _given_back(identity: Identity) -> None:
    held = _files[identity]
    held.holders -= 1
    if held.holders == 0:
        del _files[identity]
        for descriptor in held.descriptors:
            os.close(descriptor)


def _read(descriptor: int, size: int) -> bytes:
    parts = b""
    while len(parts) < size and (part := os.read(descriptor, size - len(parts))):
        parts += part
    return parts
