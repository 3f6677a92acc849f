"""One captioned clip, wherever it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["SHORTEST", "SPLITS", "Features", "Sample", "mirrored_id", "plain_id"]

SPLITS = ("train", "val", "test")
SHORTEST = 10
"""Frames that a clip must have to be learnt from: half a second at 20 fps."""

Features: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Sample:
    """One captioned clip. features: (T, F), not normalised. group: the clip that it shows.

    trial: the recording that it was cut from, the unit that validation keeps apart; "a|b" of two. labels:
    captions that nobody wrote, to learn from and never to be asked. twins: the family of hard negatives that
    it belongs to, "" for none. unsaid: captions that may be true of it too, neither learnt from nor ever its
    negatives. made: it is a hard negative made of other clips, never to be asked.
    """

    id: str
    group: str
    trial: str
    split: str
    features: Features
    captions: tuple[str, ...]
    actions: frozenset[str] = frozenset()
    labels: tuple[str, ...] = ()
    twins: str = ""
    unsaid: tuple[str, ...] = ()
    made: bool = False

    @property
    def what(self) -> str:
        """In words: a clip, a mirrored one, a timed part of one, or a hard negative."""
        if self.made:
            return "hard negative"
        part = "timed part" if "@" in self.id else "clip"
        return part if plain_id(self.id) == self.id else f"mirrored {part}"


def mirrored_id(name: str) -> str:
    """HumanML3D's name for the mirrored clip of ``name``."""
    return "M" + name


def plain_id(name: str) -> str:
    """The name of the clip that ``name`` is, or is mirrored from."""
    return name.removeprefix("M")
