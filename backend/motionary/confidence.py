"""How sure an answer is: whether the library has what was asked for, or only what comes nearest to it.

The same score means more in a small library than in a large one, and in one model than in another. So it is
held against what sentences score in this very library that no motion shows: with m and s, mean and standard
deviation of their best clips' cosines,

    confidence = 1 / (1 + exp(-(intercept + slope (score - m) / s + familiar f)))

f tells how like something that a person does the query is (`ModelBundle.familiarity`): "the price of oil" may
be as near to some motion as a caption is, and still asks for none. The constants were fitted on clips that
the models had not seen (scripts/calibrate_search.py, which also tells how good the fit is) and are in
confidence.json.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motionary.search import Hit, TextModel

__all__ = [
    "NO_MOTION",
    "UNSURE",
    "Background",
    "background",
    "background_of",
    "confidence",
    "is_unsure",
    "no_motion",
    "told_how_sure",
]

CONSTANTS = Path(__file__).with_suffix(".json")

UNSURE = 0.25
"""Confidence below which an answer says that it is unsure."""

NO_MOTION: tuple[str, ...] = (
    "the annual report of the bank",
    "a recipe for tomato soup",
    "blue paint on a wooden door",
    "the capital of France",
    "an encrypted password file",
    "a kilogram of sugar",
    "stock prices fell on Monday",
    "chapter three of the novel",
    "the weather forecast for tomorrow",
    "a software license agreement",
    "ripe apples in a basket",
    "the speed of light in vacuum",
    "a telephone number",
    "silk curtains in the window",
    "the theory of relativity",
    "a parking ticket",
    "moss on an old stone",
    "the square root of two",
    "an unpaid invoice",
    "clouds over the mountains",
    "the price of oil",
    "a symphony in D minor",
    "the history of the empire",
    "a broken light bulb",
)
"""Sentences that no motion shows."""

NARROWEST = 1e-3


@dataclass(frozen=True)
class Background:
    """Mean and standard deviation of the best cosines of NO_MOTION in a library."""

    mean: float
    deviation: float


def no_motion(bundle: TextModel) -> NDArray[np.float32]:
    """NO_MOTION in the model's joint space, (N, D): some tenths of a second, so keep it."""
    return bundle.embed_texts(list(NO_MOTION))


def background(vectors: NDArray[np.float32], sentences: NDArray[np.float32]) -> Background:
    """What ``sentences`` (N, D) that no motion shows score among a library's embeddings (M, D)."""
    return background_of((vectors @ sentences.T).max(axis=0)) if len(vectors) else Background(0.0, 1.0)


def background_of(best: NDArray[np.float32]) -> Background:
    """The same, of the best cosine of each sentence, (N,)."""
    return Background(float(best.mean()), max(float(best.std()), NARROWEST))


def told_how_sure(hits: Sequence[Hit], behind: Background, familiar: float = 1.0) -> list[Hit]:
    """The hits of one answer with their confidences. familiar: the query's `ModelBundle.familiarity`."""
    return [replace(hit, confidence=confidence(hit.score, behind, familiar)) for hit in hits]


def is_unsure(hits: Sequence[Hit]) -> bool:
    """Whether not even the best hit is likely to show what was asked for."""
    return bool(hits) and hits[0].confidence is not None and hits[0].confidence < UNSURE


def confidence(score: float, behind: Background, familiar: float = 1.0) -> float:
    """How likely, in [0, 1], a hit of this score shows what was asked for."""
    intercept, slope, of_familiar = _constants()
    z = (score - behind.mean) / behind.deviation
    return float(1.0 / (1.0 + np.exp(-np.clip(intercept + slope * z + of_familiar * familiar, -50.0, 50.0))))


@cache
def _constants() -> tuple[float, float, float]:
    told = json.loads(CONSTANTS.read_text(encoding="utf-8"))
    return float(told["intercept"]), float(told["slope"]), float(told["familiar"])
