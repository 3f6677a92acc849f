"""A small TOML file of the server's: its configuration, its tokens."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from motionary.errors import MotionaryError

__all__ = ["read_toml"]


def read_toml(path: Path, most: int, what: str) -> dict[str, Any]:
    """What is in it. MotionaryError where it is not TOML, or longer than ``most`` bytes: then no ``what``."""
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise MotionaryError(f"{path}: more than {most} bytes are no {what}")
        return tomllib.loads(data.decode())
    except OSError as error:
        raise MotionaryError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise MotionaryError(f"{path}: is not TOML: {str(error).splitlines()[0]}") from None
