"""What the zip carries beside the code: the model with its text encoder, and a library to begin with."""

from __future__ import annotations

from functools import cache
from pathlib import Path

__all__ = ["LIBRARY", "MODEL", "own_bundle", "own_library"]

MODEL = "model"
LIBRARY = "starter.motionary"

_HERE = Path(__file__).parent


@cache  # panels ask while they draw, and the extension's own folder stays as it is
def own_bundle() -> Path | None:
    """The folder of the extension's own model bundle; None where this package is not the packed extension.

    `motionary.bundle.load_bundle` takes either: with None it loads the core's model, whose text encoder is
    looked for on the machine.
    """
    folder = _HERE / MODEL
    return folder if (folder / "config.json").is_file() else None


@cache
def own_library() -> Path | None:
    """The library of starter clips, to be read and never written; None where there is none."""
    path = _HERE / LIBRARY
    return path if path.is_file() else None
