"""Captions borrowed from motions that are not at hand: the nearest to what is said of a clip, as its labels.

Whoever describes a motion chooses among many words, and a few hundred clips show few of them. HumanML3D's
captions of other motions that are nearest to a clip's own are most likely true of it too: it learns from them
as it does from labels, and is never asked for by them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from motionary_training.config import DataConfig, TextConfig
from motionary_training.sources.captions_only import captions_only
from motionary_training.sources.sample import Sample
from motionary_training.text import sentence_vectors

__all__ = ["with_paraphrases"]

NEAR = 0.8
"""Cosine to one of a clip's own captions from which another motion's is taken for a paraphrase."""


def with_paraphrases(samples: Sequence[Sample], config: DataConfig) -> list[Sample]:
    """``samples``, those of the train split with up to ``config.paraphrases`` labels more.

    Nearness is the cosine under the shipped text encoder, whichever is trained. Raises as captions_only does.
    """
    lent = sorted({caption for one in captions_only(config) for caption in one.captions})
    own = [text for sample in samples if sample.split == "train" for text in sample.captions]
    encoder, cache = TextConfig(), Path(config.cache)
    # Apart: what is lent is the same in every run, and its vectors are kept.
    vectors = sentence_vectors(encoder, lent, cache) | sentence_vectors(encoder, own, cache)
    rows = np.stack([vectors[caption] for caption in lent])
    return [
        replace(sample, labels=(*sample.labels, *_nearest(sample, lent, rows, vectors, config.paraphrases)))
        if sample.split == "train"
        else sample
        for sample in samples
    ]


def _nearest(
    sample: Sample,
    lent: Sequence[str],
    rows: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    vectors: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]],
    count: int,
) -> list[str]:
    """The captions nearest to any of the sample's, the nearest first, without its own words."""
    cosines = (rows @ np.stack([vectors[caption] for caption in sample.captions]).T).max(axis=1)
    best = np.argsort(-cosines, kind="stable")[: count + len(sample.captions)]
    told = [lent[at] for at in best if cosines[at] >= NEAR and lent[at] not in sample.captions]
    return told[:count]
