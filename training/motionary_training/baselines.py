"""Retrieval without a trained motion encoder: what a model has to beat, and what captions can tell at best.

Two know the motion by a vector of statistics, which a ridge regression, or the nearest training clips, take
to the space of caption vectors (any sentence encoder's); two know what the recording was called; one, the
oracle, knows what somebody else said of the clip. All give scores (C, S) of captions with motions.
Shapes: N training clips, G gallery clips, K statistics, C captions, S motions, W the width of a caption's
vector.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from motionary.errors import MotionaryError
from motionary_training.bm25 import bm25_scores
from motionary_training.config import Config, TextConfig
from motionary_training.data import Pairs
from motionary_training.metrics import Embedded, Scores
from motionary_training.sources.cmu import trial_descriptions
from motionary_training.text import sentence_vectors

__all__ = [
    "baselines",
    "caption_means",
    "clip_statistics",
    "described",
    "knn_vectors",
    "oracle",
    "ridge_vectors",
    "with_descriptions",
]

Floats: TypeAlias = NDArray[np.float64]

RIDGE_ALPHA = 1000.0
NEIGHBOURS = 5
AT_ONCE = 4_000_000
"""Distances held at once."""


def baselines(train: Pairs, gallery: Pairs, config: Config) -> dict[str, Scores]:
    """Every baseline's (C, S) scores of the gallery's captions with its motions, by name.

    Ridge and nearest neighbours are fitted on ``train`` alone; both galleries need vectors of one text
    encoder. Those that know what a recording was called are there where a CMU folder is.
    """
    queries = _unit(gallery.sentences.numpy())
    learnt = np.stack([clip_statistics(sample.features) for sample in train.samples])
    asked = np.stack([clip_statistics(sample.features) for sample in gallery.samples])
    targets = caption_means(train)
    found: dict[str, Scores] = {
        "ridge": Embedded(queries, _unit(ridge_vectors(learnt, targets, asked, RIDGE_ALPHA))),
        "kNN": Embedded(queries, _unit(knn_vectors(learnt, targets, asked, neighbours=NEIGHBOURS))),
    }
    if config.data.cmu:
        told = trial_descriptions(Path(config.data.cmu), Path(config.data.cache))
        found |= described(gallery, told, Path(config.data.cache))
    return {**found, "oracle": oracle(gallery)}


def described(gallery: Pairs, told: Mapping[str, str], cache: Path) -> dict[str, Scores]:
    """Search in the descriptions of whole recordings: by words (BM25), and by MiniLM's vectors.

    told: trial to description; a clip of a trial without one fits every query as badly.
    """
    documents = [told.get(sample.trial, "") for sample in gallery.samples]
    text = TextConfig()
    vectors = sentence_vectors(text, [*gallery.texts, *filter(None, documents)], cache)
    nothing = np.zeros_like(vectors[gallery.texts[0]])
    return {
        "BM25, trial descriptions": bm25_scores(gallery.texts, documents),
        "MiniLM, trial descriptions": Embedded(
            np.stack([vectors[caption] for caption in gallery.texts]),
            np.stack([vectors[document] if document else nothing for document in documents]),
        ),
    }


def with_descriptions(scores: Scores, gallery: Pairs, config: Config) -> Embedded:
    """A model's cosines plus those of MiniLM with the descriptions of whole recordings, weighted alike.

    What a library can do whose clips came with notes: neither alone knows what the other tells.
    """
    if not isinstance(scores, Embedded):
        raise TypeError("scores of a model are vectors of texts and of motions")
    told = trial_descriptions(Path(config.data.cmu), Path(config.data.cache))
    notes = described(gallery, told, Path(config.data.cache))["MiniLM, trial descriptions"]
    assert isinstance(notes, Embedded)
    return Embedded(
        np.concatenate([scores.texts, notes.texts], axis=1),
        np.concatenate([scores.motions, notes.motions], axis=1),
    )


def oracle(gallery: Pairs) -> Scores:
    """What another person said of a clip stands in for the clip: how far captions can tell clips apart.

    Each motion is known by its first caption, and its first caption's own motion by the second. Where nobody
    else said anything, the motion is out of reach of its caption: -1, below every other score but itself.
    """
    vectors = _unit(gallery.sentences.numpy())
    motions = np.arange(len(gallery.samples))
    first = np.searchsorted(gallery.owner, motions)
    several = np.bincount(gallery.owner, minlength=len(motions)) > 1
    scores = vectors @ vectors[first].T
    scores[first, motions] = -1.0
    pairs = first[several], motions[several]
    scores[pairs] = (vectors[first[several]] * vectors[first[several] + 1]).sum(axis=1)
    return scores


def caption_means(pairs: Pairs) -> Floats:
    """(N, W) the mean vector of each clip's captions."""
    starts = np.searchsorted(pairs.owner, np.arange(len(pairs.samples)))
    counts = np.bincount(pairs.owner, minlength=len(pairs.samples))
    sums = np.add.reduceat(pairs.sentences.numpy().astype(np.float64), starts, axis=0)
    means: Floats = sums / counts[:, None]
    return means


def clip_statistics(features: ArrayLike) -> Floats:
    """The statistics (K,) of one clip's features (T, F): K = 5 F + 1.

    Of each feature the mean, standard deviation, 10th and 90th percentile and mean absolute change a frame;
    then the logarithm of the number of frames. Z-normalised features serve no better: the statistics are
    standardised before they are used.
    """
    features = np.asarray(features, np.float64)
    if features.ndim != 2 or len(features) == 0:
        raise MotionaryError(f"features have shape {features.shape}; statistics need (frames, width)")
    low, high = np.percentile(features, [10, 90], axis=0)
    # A clip of one frame does not change: prepending the first frame gives it a change of zero.
    change = np.abs(np.diff(features, axis=0, prepend=features[:1])).sum(axis=0) / max(len(features) - 1, 1)
    return np.concatenate(
        [features.mean(axis=0), features.std(axis=0), low, high, change, [np.log(len(features))]]
    )


def ridge_vectors(
    train_stats: ArrayLike, train_caption_vectors: ArrayLike, gallery_stats: ArrayLike, alpha: float
) -> Floats:
    """Caption vectors (G, W) that a ridge regression expects of a gallery's statistics (G, K).

    Closed form over standardised statistics (N, K), with an intercept, to caption vectors (N, W); ``alpha``
    > 0 is the weight of the squared coefficients. A clip of several captions may have a row for each, or one
    with their mean. MotionaryError for an ``alpha`` that is not positive.
    """
    if not alpha > 0:
        raise MotionaryError(f"ridge regression has alpha {alpha}; it needs a positive number")
    train, gallery = _standardised(train_stats, gallery_stats)
    targets = np.asarray(train_caption_vectors, np.float64)
    mean = targets.mean(axis=0)
    # The same regression in the smaller of its two forms: K x K normal equations, or their dual, N x N.
    if train.shape[1] <= len(train):
        gram = train.T @ train + alpha * np.eye(train.shape[1])
        predicted = gallery @ np.linalg.solve(gram, train.T @ (targets - mean))
    else:
        gram = train @ train.T + alpha * np.eye(len(train))
        predicted = gallery @ train.T @ np.linalg.solve(gram, targets - mean)
    vectors: Floats = predicted + mean
    return vectors


def knn_vectors(
    train_stats: ArrayLike,
    train_caption_vectors: ArrayLike,
    gallery_stats: ArrayLike,
    *,
    neighbours: int = 10,
) -> Floats:
    """Caption vectors (G, W) that gallery clips borrow from the training clips most like them.

    The mean over the ``neighbours`` training rows nearest in standardised statistics (all, where there are
    fewer). Give one row a training clip, with the mean of its captions' vectors: several of one clip would
    crowd out others. MotionaryError for fewer than one neighbour.
    """
    if neighbours < 1:
        raise MotionaryError(f"nearest neighbours are set to {neighbours}; at least 1 is needed")
    train, gallery = _standardised(train_stats, gallery_stats)
    targets = np.asarray(train_caption_vectors, np.float64)
    lengths = np.sum(train**2, axis=1)
    borrowed = []
    step = max(1, AT_ONCE // len(train))
    for start in range(0, len(gallery), step):
        # Squared distances less what is the same for every training row.
        distances = lengths - 2 * gallery[start : start + step] @ train.T
        nearest = np.argsort(distances, axis=1, kind="stable")[:, :neighbours]
        borrowed.append(targets[nearest].mean(axis=1))
    vectors: Floats = np.concatenate(borrowed)
    return vectors


def _standardised(train_stats: ArrayLike, gallery_stats: ArrayLike) -> tuple[Floats, Floats]:
    """Both in the training rows' standard deviations from their mean; 0 for what never varies in them."""
    train, gallery = np.asarray(train_stats, np.float64), np.asarray(gallery_stats, np.float64)
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    varies = deviation > 1e-8
    scale = np.where(varies, 1 / np.where(varies, deviation, 1.0), 0.0)
    return (train - mean) * scale, (gallery - mean) * scale


def _unit(vectors: ArrayLike) -> Floats:
    """Rows of length 1; 0 where there is no length."""
    rows = np.asarray(vectors, np.float64)
    units: Floats = rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)
    return units
