"""JSON configuration from files that anyone may have written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from motionary.errors import MotionaryError
from motionary.safetensors import read_bytes

__all__ = ["get", "read_json"]

T = TypeVar("T", int, float, str)

_MAX_FILE = 1 << 20  # bytes
_MAX_SIZE = 1 << 24  # no layer, table or sequence is longer: a larger number is a mistake or an attack
_WORDS = {int: "a whole number from 1 on", float: "a positive number", str: "a text"}


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; MotionaryError where there is none."""
    try:
        content = json.loads(read_bytes(path, _MAX_FILE).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise MotionaryError(f"{path}: is not JSON: {str(error).splitlines()[0]}") from None
    if not isinstance(content, dict):
        raise MotionaryError(f"{path}: holds no JSON object")
    return content


def get(config: Mapping[str, Any], name: str, kind: type[T], origin: str) -> T:
    """The value ``name`` ("text.width" looks inside "text"), which must be of ``kind``.

    A string must not be empty, an int be a size from 1 on, a float positive (a JSON integer will do).
    Raises MotionaryError, naming ``origin``, for anything else.
    """
    value: Any = config
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if kind is float and type(value) is int:
        value = min(value, _MAX_SIZE) * 1.0
    if type(value) is not kind or not _is_sane(value):
        shown = "missing" if value is None else ascii(value)[:40]
        raise MotionaryError(f"{origin}: {name} is {shown}; it must be {_WORDS[kind]}")
    return value


def _is_sane(value: int | float | str) -> bool:
    return value != "" if isinstance(value, str) else 0 < value <= _MAX_SIZE
