"""Captions without their motions: what thousands of people said of motions that are not at hand."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from motionary.errors import MotionaryError
from motionary_training.config import DataConfig
from motionary_training.sources.cmu import unpacked
from motionary_training.sources.words import read_captions

__all__ = ["Described", "captions_only"]


@dataclass(frozen=True)
class Described:
    """One motion: its different captions, two or more, and the action verbs in any of them."""

    captions: tuple[str, ...]
    verbs: frozenset[str]


def captions_only(config: DataConfig) -> list[Described]:
    """HumanML3D's motions of the train split that several people described, in the order of their names.

    From the folder ``data.humanml3d``; else from ``data.cmu``, and then without CMU's own, of which a part is
    held out by whoever cuts folds. MotionaryError where neither is named or a file is missing.
    """
    if config.humanml3d:
        folder = Path(config.humanml3d)
    elif config.cmu:
        folder = unpacked(Path(config.cmu), "humanml3d_texts", Path(config.cache)) / "humanml3d"
    else:
        raise MotionaryError("text.space learns from HumanML3D's captions; set data.humanml3d or data.cmu")
    try:
        names = (folder / "train.txt").read_text("utf-8").split()
        held = set() if config.humanml3d else _cmu_names(folder / "index.csv")
    except OSError as error:
        raise MotionaryError(
            f"{error.filename}: cannot be read ({error.strerror}); text.space needs it"
        ) from None
    found = []
    for name in sorted(names):
        if name.startswith("M") or name in held or not (folder / "texts" / f"{name}.txt").is_file():
            continue
        lines = read_captions(folder / "texts" / f"{name}.txt")
        captions = tuple(dict.fromkeys(line.text for line in lines))
        if len(captions) > 1:
            found.append(Described(captions, frozenset().union(*(line.verbs for line in lines))))
    return found


def _cmu_names(index: Path) -> set[str]:
    """The names of the motions that were recorded at CMU."""
    with index.open(newline="", encoding="utf-8") as file:
        return {
            row["new_name"].removesuffix(".npy")
            for row in csv.DictReader(file)
            if "/CMU/" in row["source_path"]
        }
