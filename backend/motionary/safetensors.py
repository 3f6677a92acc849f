"""The safetensors file format: named arrays, and nothing that could run.

A file is 8 bytes (N, little-endian), N bytes of JSON, then the arrays' bytes. The JSON maps each name to
``{"dtype", "shape", "data_offsets": [begin, end]}``, and ``__metadata__`` to a map of strings. Files come
from anywhere, so nothing in the header is believed before it is checked: the rules are the reference
implementation's (https://github.com/huggingface/safetensors, "Format").
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionary.errors import MotionaryError
from motionary.files import replacing

__all__ = ["parse_safetensors", "read_bytes", "read_safetensors", "take", "write_safetensors"]

_DTYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"),  # numpy has no bfloat16: its bits are float32's upper half
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U64": np.dtype("<u8"),
    "U32": np.dtype("<u4"),
    "U16": np.dtype("<u2"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items() if name != "BF16"}
_MAX_HEADER = 1 << 20  # bytes; a thousand-layer model's is under one million
_MAX_FILE = 8 << 30
_MAX_DIMENSIONS = 8
_MAX_SIZE = 1 << 48  # values or bytes; numpy refuses larger shapes, even of nothing


def read_safetensors(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a file by name, read-only; half precision (F16, BF16) comes as float32.

    The file is read at once, not memory-mapped: a mapped file that is cut short while in use kills the
    process, and on Windows cannot be replaced. Raises MotionaryError where the file is not exactly what the
    format asks for.
    """
    return parse_safetensors(read_bytes(path, _MAX_FILE), str(path))


def read_bytes(path: Path, limit: int) -> bytes:
    """A file's content; MotionaryError where it cannot be read or has more than ``limit`` bytes."""
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if size > limit:
                raise MotionaryError(f"{path}: has {size} bytes, more than the {limit} that are read")
            return file.read()
    except OSError as error:
        raise MotionaryError(f"{path}: cannot be read: {error.strerror or error}") from error


def parse_safetensors(content: bytes, origin: str) -> dict[str, NDArray[Any]]:
    """``read_safetensors`` of bytes in memory; ``origin`` names them in an error."""
    header, start = _parse_header(content, origin)
    size = len(content) - start
    tensors: dict[str, NDArray[Any]] = {}
    spans = []
    for name, entry in header.items():
        dtype, shape, begin, end = _parse_entry(entry, f"{origin}: tensor {name[:80]!r}")
        if end > size:
            raise MotionaryError(
                f"{origin}: tensor {name[:80]!r} ends at byte {end} of {size}; the file is cut short"
            )
        spans.append((begin, end, name))
        data = np.frombuffer(content, _DTYPES[dtype], math.prod(shape), start + begin)
        tensors[name] = _as_float32(data, dtype).reshape(shape)
        tensors[name].flags.writeable = False
    covered = 0
    for begin, end, name in sorted(spans):
        if begin != covered:
            fault = "overlaps another" if begin < covered else "leaves a gap before it"
            raise MotionaryError(
                f"{origin}: tensor {name[:80]!r} {fault} (bytes {begin} to {end}); do not use this file"
            )
        covered = end
    if covered != size:
        raise MotionaryError(f"{origin}: {size - covered} bytes after the last tensor; do not use this file")
    return tensors


def _as_float32(data: NDArray[Any], dtype: str) -> NDArray[Any]:
    if dtype == "BF16":
        return (data.astype(np.uint32) << 16).view(np.float32)
    if dtype == "F16":
        return data.astype(np.float32)
    return data if data.flags.aligned else data.copy()


def _parse_header(content: bytes, origin: str) -> tuple[dict[str, Any], int]:
    """The tensors' entries and where their bytes start."""
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or not 2 <= length <= min(_MAX_HEADER, len(content) - 8):
        raise MotionaryError(
            f"{origin}: is not a safetensors file: a header of {length} bytes does not fit in it"
        )
    try:
        header = json.loads(content[8 : 8 + length].decode("utf-8"), object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else str(error).splitlines()[0]
        raise MotionaryError(
            f"{origin}: is not a safetensors file: its header is not JSON: {reason}"
        ) from None
    if not isinstance(header, dict):
        raise MotionaryError(f"{origin}: is not a safetensors file: its header is no JSON object")
    header.pop("__metadata__", None)
    return header, 8 + length


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object, refused where it names a key twice: two readers could see two different files."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands in it twice")
    return found


def _parse_entry(entry: Any, where: str) -> tuple[str, tuple[int, ...], int, int]:
    """dtype, shape, begin and end of one tensor, consistent with each other."""
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise MotionaryError(f"{where} does not have dtype, shape and data_offsets alone")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        raise MotionaryError(f"{where} has the dtype {ascii(dtype)[:20]}; known are {', '.join(_DTYPES)}")
    if not _are_sizes(shape) or len(shape) > _MAX_DIMENSIONS or math.prod(s or 1 for s in shape) >= _MAX_SIZE:
        raise MotionaryError(f"{where} has a shape that is no list of at most {_MAX_DIMENSIONS} sizes")
    if not _are_sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise MotionaryError(f"{where} has data_offsets that are not [begin, end]")
    needed, given = math.prod(shape) * _DTYPES[dtype].itemsize, offsets[1] - offsets[0]
    if needed != given:
        raise MotionaryError(f"{where} has {given} bytes for shape {shape} of {dtype}, which takes {needed}")
    return dtype, tuple(shape), offsets[0], offsets[1]


def _are_sizes(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and 0 <= value < _MAX_SIZE for value in values)


def take(
    tensors: Mapping[str, NDArray[Any]], name: str, shape: tuple[int, ...], origin: str
) -> NDArray[np.float32]:
    """The finite float32 tensor ``name``; MotionaryError where it is missing or of another shape or type."""
    tensor = tensors.get(name)
    if tensor is None:
        raise MotionaryError(f"{origin}: has no tensor {name!r}; it does not fit its config.json")
    if tensor.shape != shape or tensor.dtype != np.float32:
        raise MotionaryError(
            f"{origin}: tensor {name!r} is {tensor.dtype} of shape {tensor.shape}; "
            f"config.json asks for float of shape {shape}"
        )
    if not np.isfinite(tensor).all():
        raise MotionaryError(
            f"{origin}: tensor {name!r} holds values that are not finite; the weights are broken"
        )
    return tensor


def write_safetensors(
    tensors: Mapping[str, NDArray[Any]], path: Path, metadata: Mapping[str, str] | None = None
) -> None:
    """Write arrays as they are (float16 as F16), replacing ``path`` in one step.

    The same arrays and metadata always give the same bytes. Raises MotionaryError for a dtype that the
    format does not have and where the file cannot be written.
    """
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))} if metadata else {}
    arrays, offset = [], 0
    # Widest numbers first, then by name: so every array starts at a multiple of its item size.
    for name, tensor in sorted(tensors.items(), key=lambda item: (-item[1].dtype.itemsize, item[0])):
        dtype = tensor.dtype.newbyteorder("<")
        if dtype not in _NAMES or name == "__metadata__":
            raise MotionaryError(f"{path}: tensor {name!r} of {tensor.dtype} cannot be stored in safetensors")
        arrays.append(np.ascontiguousarray(tensor, dtype))
        end = offset + tensor.nbytes
        header[name] = {"dtype": _NAMES[dtype], "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    encoded = json.dumps(header, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(len(encoded).to_bytes(8, "little") + encoded)
        for array in arrays:
            file.write(array.tobytes())
