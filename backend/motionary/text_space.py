"""Sentences as people mean them of motions: a small network behind the frozen text encoder, in numpy.

It was learnt from captions alone (``motionary_training.text_pretraining``); not every bundle has one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionary.motion_weights import affine
from motionary.nn import Affine, Array, gelu, linear, unit_rows
from motionary.safetensors import take

__all__ = ["ABOUT", "PREFIX", "SPACE_WIDTH", "TextSpace", "familiarity", "make_text_space", "meanings"]

PREFIX = "text.space"
LEARNT, HIDDEN = 256, 1024
SPACE_WIDTH = LEARNT + 1
GAIN = np.float32(10)

ABOUT = "a person "
"""Put before what is asked for when it is judged: "walk" alone is hardly like a caption."""
STRANGE, FAMILIAR = 0.2, 0.5
"""Cosines with what captions share of a sentence that is none, and of one that surely is."""


@dataclass(frozen=True, eq=False)
class TextSpace:
    """common: (W,) unit vector of what captions share. linear: W to LEARNT. hidden: W to HIDDEN, and out from
    there to LEARNT."""

    common: Array
    linear: Affine
    hidden: Affine
    out: Affine


def make_text_space(tensors: Mapping[str, NDArray[Any]], width: int, origin: str) -> TextSpace | None:
    """From a bundle's tensors, of an encoder ``width`` wide; None where there are none.

    MotionaryError, naming ``origin``, where one does not fit.
    """
    if not any(name.startswith(f"{PREFIX}.") for name in tensors):
        return None
    return TextSpace(
        take(tensors, f"{PREFIX}.common", (width,), origin),
        affine(tensors, f"{PREFIX}.linear", (LEARNT, width), origin),
        affine(tensors, f"{PREFIX}.hidden", (HIDDEN, width), origin),
        affine(tensors, f"{PREFIX}.out", (LEARNT, HIDDEN), origin),
    )


def meanings(space: TextSpace, sentences: Array) -> Array:
    """(N, SPACE_WIDTH) unit vectors of (N, W) unit sentence vectors."""
    hidden = gelu(linear(GAIN * sentences, space.hidden))
    learnt = unit_rows(linear(sentences, space.linear) + linear(hidden, space.out))
    return unit_rows(np.concatenate([learnt, sentences @ space.common[:, None]], axis=1))


def familiarity(space: TextSpace, sentence: Array) -> float:
    """How like a caption of a motion a sentence is, from 0 to 1, by its unit vector (W,)."""
    return float(np.clip((float(sentence @ space.common) - STRANGE) / (FAMILIAR - STRANGE), 0.0, 1.0))
