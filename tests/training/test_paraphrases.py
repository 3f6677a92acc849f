"""Captions that are lent by motions without data: the nearest, never a clip's own words, for train clips."""

import numpy as np
import pytest

from motionary_training.config import DataConfig
from motionary_training.sources import Sample, paraphrases
from motionary_training.sources.captions_only import Described
from motionary_training.sources.paraphrases import with_paraphrases

VECTORS = {
    "a person walks": (1.0, 0.0),
    "someone strolls": (0.95, 0.31),
    "a man is walking": (0.9, 0.43),
    "a person jumps": (0.0, 1.0),
}


@pytest.fixture
def lent(monkeypatch):
    """Four captions, of which two are near to walking."""
    told = [Described(tuple(VECTORS), frozenset())]
    monkeypatch.setattr(paraphrases, "captions_only", lambda config: told)
    rows = {text: np.array(row, np.float32) for text, row in VECTORS.items()}
    monkeypatch.setattr(
        paraphrases, "sentence_vectors", lambda config, texts, cache: {text: rows[text] for text in texts}
    )


def sample(split="train"):
    return Sample(
        "a", "a", "t", split, np.zeros((20, 263), np.float32), ("a person walks",), labels=("walking",)
    )


@pytest.mark.parametrize(
    ("count", "labels"),
    [(1, ("someone strolls",)), (3, ("someone strolls", "a man is walking"))],
)
def test_the_nearest_are_lent(lent, count, labels):
    made = with_paraphrases([sample()], DataConfig(paraphrases=count))
    assert made[0].labels == ("walking", *labels)
    assert made[0].captions == ("a person walks",)


def test_only_train_clips_borrow(lent):
    assert with_paraphrases([sample("val")], DataConfig(paraphrases=2))[0].labels == ("walking",)
