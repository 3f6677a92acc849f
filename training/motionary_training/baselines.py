"""Retrieval without a neural motion encoder: what a trained model has to beat, on every table.

A clip becomes one vector of statistics; a ridge regression, or the nearest training clips, take it to the
space of caption vectors (any sentence encoder's), where the cosine with a query's vector is its score.
Shapes: N training clips, Q queries, G gallery clips, K statistics, D the width of a caption vector.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from motionary.errors import MotionaryError

__all__ = ["clip_statistics", "knn_scores", "ridge_scores"]

Floats: TypeAlias = NDArray[np.float64]


def clip_statistics(features: ArrayLike) -> Floats:
    """The statistics (K,) of one clip's z-normalised features (T, F): K = 5 F + 1.

    Of each feature the mean, standard deviation, 10th and 90th percentile and mean absolute change a frame;
    then the logarithm of the number of frames.
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


def ridge_scores(
    train_stats: ArrayLike,
    train_caption_vectors: ArrayLike,
    query_caption_vectors: ArrayLike,
    gallery_stats: ArrayLike,
    alpha: float,
) -> Floats:
    """Scores (Q, G), cosines, of a ridge regression from statistics (N, K) to caption vectors (N, D).

    Closed form over standardised statistics, with an intercept; ``alpha`` > 0 is the weight of the squared
    coefficients. A clip of several captions may have a row for each, or one with their mean. MotionaryError
    for an ``alpha`` that is not positive.
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
    return _cosines(query_caption_vectors, predicted + mean)


def knn_scores(
    train_stats: ArrayLike,
    train_caption_vectors: ArrayLike,
    query_caption_vectors: ArrayLike,
    gallery_stats: ArrayLike,
    *,
    neighbours: int = 10,
) -> Floats:
    """Scores (Q, G), cosines, where a gallery clip borrows the captions of the training clips most like it.

    Its vector is the mean caption vector of the ``neighbours`` training rows nearest in standardised
    statistics (all, where there are fewer). Give one row a training clip, with the mean of its captions'
    vectors: several of one clip would crowd out others. MotionaryError for fewer than one neighbour.
    """
    if neighbours < 1:
        raise MotionaryError(f"nearest neighbours are set to {neighbours}; at least 1 is needed")
    train, gallery = _standardised(train_stats, gallery_stats)
    targets = np.asarray(train_caption_vectors, np.float64)
    # Squared distances less what is the same for every training row.
    distances = np.sum(train**2, axis=1) - 2 * gallery @ train.T
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :neighbours]
    return _cosines(query_caption_vectors, targets[nearest].mean(axis=1))


def _standardised(train_stats: ArrayLike, gallery_stats: ArrayLike) -> tuple[Floats, Floats]:
    """Both in the training rows' standard deviations from their mean; 0 for what never varies in them."""
    train, gallery = np.asarray(train_stats, np.float64), np.asarray(gallery_stats, np.float64)
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    varies = deviation > 1e-8
    scale = np.where(varies, 1 / np.where(varies, deviation, 1.0), 0.0)
    return (train - mean) * scale, (gallery - mean) * scale


def _cosines(queries: ArrayLike, gallery: Floats) -> Floats:
    """(Q, D), (G, D) -> (Q, G); 0 with a vector of no length."""
    scores: Floats = _unit(np.asarray(queries, np.float64)) @ _unit(gallery).T
    return scores


def _unit(vectors: Floats) -> Floats:
    units: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
    return units
