"""Arrays made from a library, kept in a file of their own beside it, and mapped into memory from there.

``NAME.motionary-KIND`` lies beside the library or, where that folder takes no files, in the user's cache
folder. It can be deleted at any time. A key says which state of which library it was made from; one with
another key, another length than it tells, or a checksum that is wrong is as if it were not there. It is
written whole or not at all, by any number of processes, and nothing in it is ever run.

A file of up to READ bytes is read, not mapped. Of a larger one that somebody cuts short, as a copy over it
does at first, the system ends the process that touches what is gone: ask `Kept.is_whole` before each use.

Layout, little-endian: MAGIC, the key (32 bytes), length and CRC-32 of what follows, JSON ``[[name, dtype,
shape, crc], ...]``; then each array at the next multiple of ALIGNED. Arrays above CHECKED bytes have no
checksum, for reading them through is what the file saves.
"""

from __future__ import annotations

import hashlib
import json
import math
import mmap
import os
import struct
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionary.errors import MotionaryError
from motionary.files import replacing, sweep

__all__ = ["Kept", "map_arrays", "save_arrays"]

MAGIC = b"MOTYSIDE"
HEAD = struct.Struct("<8s32sII")
ALIGNED = 64
CHECKED = 32 * 2**20
READ = 64 * 2**20
"""A quarter of a second at most on a slow drive, and a tenth of that where the system holds the file."""
LONGEST = 2**16
"""Bytes of the JSON."""


@dataclass(frozen=True, eq=False)
class Kept:
    """Arrays from a side file, read-only. is_whole: whether the file still is the one that they were found
    in; where it is not, they must not be touched."""

    arrays: dict[str, NDArray[Any]]
    is_whole: Callable[[], bool]


def map_arrays(library: Path, kind: str, key: bytes, wanted: Mapping[str, str]) -> Kept | None:
    """The arrays ``wanted``, by name with their dtypes such as "<f4"; None where there are none.

    key: the 32 bytes under which they were saved. Their shapes are the file's own: check them.
    """
    for path in _places(library, kind):
        with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
            return _mapped(path, key, wanted)
    return None


def save_arrays(library: Path, kind: str, key: bytes, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Keep arrays for `map_arrays`, where there is a folder that takes them; elsewhere nothing happens."""
    for path in _places(library, kind):
        with suppress(MotionaryError, OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            sweep(path)
            with replacing(path) as temporary:
                _write(temporary, key, arrays)
            return


def _places(library: Path, kind: str) -> tuple[Path, Path]:
    from motionary.captions.bank import cache_folder

    absolute = library.absolute()
    name = hashlib.sha256(str(absolute).encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return absolute.with_name(f"{absolute.name}-{kind}"), cache_folder() / "libraries" / f"{name}-{kind}"


def _write(path: Path, key: bytes, arrays: Mapping[str, NDArray[Any]]) -> None:
    packed = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    told = json.dumps(
        [
            [name, array.dtype.str, array.shape, _crc(array) if array.nbytes <= CHECKED else None]
            for name, array in packed.items()
        ]
    ).encode()
    with path.open("wb") as file:
        file.write(HEAD.pack(MAGIC, key, len(told), zlib.crc32(told)) + told)
        for array in packed.values():
            file.write(bytes(-file.tell() % ALIGNED))
            file.write(_bytes(array))


def _mapped(path: Path, key: bytes, wanted: Mapping[str, str]) -> Kept:
    """OSError where there is none; ValueError, TypeError or KeyError where it is another file, or damaged."""
    with path.open("rb") as file:
        head = _exactly(file.read(HEAD.size), HEAD.size)
        magic, held, length, crc = HEAD.unpack(head)
        if magic != MAGIC or held != key or length > LONGEST:
            raise ValueError("another file")
        told = _exactly(file.read(length), length)
        if zlib.crc32(told) != crc:
            raise ValueError("damaged")
        size = os.fstat(file.fileno()).st_size
        shapes, end = _places_in(told, HEAD.size + length, wanted)
        if end != size or shapes.keys() != wanted.keys():
            raise ValueError("another file")
        if size <= READ:
            data: bytes | mmap.mmap = _exactly(head + told + file.read(size), size)
        else:
            data = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
    found = {}
    for name, (start, shape, own) in shapes.items():
        array = np.frombuffer(data, wanted[name], math.prod(shape), start).reshape(shape)
        if own is not None and _crc(array) != own:
            raise ValueError("damaged")
        found[name] = array
    if isinstance(data, bytes):
        return Kept(found, lambda: True)
    return Kept(found, lambda: data.size() == size and data[: HEAD.size] == head)


def _places_in(
    told: bytes, end: int, wanted: Mapping[str, str]
) -> tuple[dict[str, tuple[int, list[int], int | None]], int]:
    """Of each array told of, where it starts, its shape and checksum; and where the last one ends."""
    found = {}
    for name, dtype, shape, own in json.loads(told):
        if wanted[name] != dtype or not all(isinstance(size, int) and size >= 0 for size in shape):
            raise ValueError("another file")
        start = end + -end % ALIGNED
        end = start + math.prod(shape) * np.dtype(dtype).itemsize
        found[name] = start, shape, own
    return found, end


def _exactly(data: bytes, length: int) -> bytes:
    if len(data) != length:
        raise ValueError("cut short")
    return data


def _bytes(array: NDArray[Any]) -> memoryview | bytes:
    return memoryview(array).cast("B") if array.size else b""


def _crc(array: NDArray[Any]) -> int:
    return zlib.crc32(_bytes(array))
