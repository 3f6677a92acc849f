"""Arrays made from a library, kept in a file of their own beside it, and mapped into memory from there.

``NAME.motionary-KIND`` lies beside the library or, where that folder takes no files, in the user's cache
folder. It can be deleted at any time. A key says which state of which library it was made from; one with
another key, another length than it tells, or a checksum that is wrong is as if it were not there. It is
written whole or not at all, by any number of processes, and nothing in it is ever run.

Layout, little-endian: MAGIC, the key (32 bytes), length and CRC-32 of what follows, JSON ``[[name, dtype,
shape, crc], ...]``; then each array at the next multiple of ALIGNED. Arrays above CHECKED bytes have no
checksum, for reading them through is what the file saves.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import struct
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionary.errors import MotionaryError
from motionary.files import replacing, sweep

__all__ = ["map_arrays", "save_arrays"]

MAGIC = b"MOTYSIDE"
HEAD = struct.Struct("<8s32sII")
ALIGNED = 64
CHECKED = 32 * 2**20
LONGEST = 2**16
"""Bytes of the JSON."""


def map_arrays(
    library: Path, kind: str, key: bytes, wanted: Mapping[str, str]
) -> dict[str, NDArray[Any]] | None:
    """The arrays ``wanted``, by name with their dtypes such as "<f4", read-only; None where there are none.

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


def _mapped(path: Path, key: bytes, wanted: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    """OSError where there is none; ValueError, TypeError or KeyError where it is another file, or damaged."""
    with path.open("rb") as file:
        magic, held, length, crc = HEAD.unpack(_exactly(file.read(HEAD.size), HEAD.size))
        if magic != MAGIC or held != key or length > LONGEST:
            raise ValueError("another file")
        told = _exactly(file.read(length), length)
        if zlib.crc32(told) != crc:
            raise ValueError("damaged")
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    found = {}
    end = HEAD.size + length
    for name, dtype, shape, own in json.loads(told):
        if wanted[name] != dtype or not all(isinstance(size, int) and size >= 0 for size in shape):
            raise ValueError("another file")
        start = end + -end % ALIGNED
        count = int(np.prod(shape, dtype=object))
        end = start + count * np.dtype(dtype).itemsize
        if end > len(mapped):
            raise ValueError("cut short")
        array = np.frombuffer(mapped, dtype, count, start).reshape(shape)
        if own is not None and _crc(array) != own:
            raise ValueError("damaged")
        found[name] = array
    if end != len(mapped) or found.keys() != wanted.keys():
        raise ValueError("another file")
    return found


def _exactly(data: bytes, length: int) -> bytes:
    if len(data) != length:
        raise ValueError("cut short")
    return data


def _bytes(array: NDArray[Any]) -> memoryview | bytes:
    return memoryview(array).cast("B") if array.size else b""


def _crc(array: NDArray[Any]) -> int:
    return zlib.crc32(_bytes(array))
