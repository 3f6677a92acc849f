"""The way to the package for many machines, which not everybody has."""

from __future__ import annotations

import importlib
from typing import Any

from motionary.errors import MotionaryError

__all__ = ["scale_module"]


def scale_module(name: str) -> Any:
    """Module ``motionary_scale.NAME``. MotionaryError, with the cure, where what it needs is missing."""
    try:
        return importlib.import_module(f"motionary_scale.{name}")
    except ImportError as error:
        raise MotionaryError(
            f'{error.name or "a package"} is not installed, which this needs: pip install "motionary[scale]"'
        ) from None
