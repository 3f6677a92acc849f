"""The baselines: statistics by hand, ridge against its definition, a world where both must find the clip."""

import numpy as np
import pytest

from motionary.errors import MotionaryError
from motionary_training.baselines import clip_statistics, knn_scores, ridge_scores


@pytest.fixture
def world():
    """Clips whose captions are a linear map of ten hidden traits, as are their 40 statistics; some noise."""
    random = np.random.default_rng(0)
    traits = random.normal(size=(120, 10))
    stats = traits @ random.normal(size=(10, 40)) + 0.05 * random.normal(size=(120, 40))
    captions = traits @ random.normal(size=(10, 16)) + 0.05 * random.normal(size=(120, 16))
    return stats * 7 + 3, captions


def rank_of_the_truth(scores):
    return (scores > np.diagonal(scores)[:, None]).sum(axis=1)


def test_statistics_by_hand():
    features = np.column_stack([np.arange(11.0), np.full(11, 2.0), np.tile([1.0, -1.0], 6)[:11]])
    stats = clip_statistics(features)
    assert stats.shape == (16,)
    np.testing.assert_allclose(stats[:3], [5, 2, 1 / 11])
    np.testing.assert_allclose(stats[3:6], [np.sqrt(10), 0, np.sqrt(1 - 1 / 121)])
    np.testing.assert_allclose(stats[6:9], [1, 2, -1])
    np.testing.assert_allclose(stats[9:12], [9, 2, 1])
    np.testing.assert_allclose(stats[12:15], [1, 0, 2])
    np.testing.assert_allclose(stats[15], np.log(11))


def test_statistics_of_one_frame_are_finite():
    stats = clip_statistics(np.ones((1, 263)))
    assert stats.shape == (5 * 263 + 1,)
    np.testing.assert_array_equal(stats[2 * 263 :], [1] * 526 + [0] * 264)


@pytest.mark.parametrize("shape", [(0, 263), (263,)])
def test_statistics_of_nothing(shape):
    with pytest.raises(MotionaryError, match="features have shape"):
        clip_statistics(np.zeros(shape))


def test_ridge_finds_the_clip(world):
    stats, captions = world
    scores = ridge_scores(stats[:80], captions[:80], captions[80:], stats[80:], alpha=1.0)
    assert scores.shape == (40, 40)
    assert rank_of_the_truth(scores).mean() < 0.5


def test_knn_finds_the_clip(world):
    stats, captions = world
    scores = knn_scores(stats[:80], captions[:80], captions[80:], stats[80:], neighbours=3)
    assert scores.shape == (40, 40)
    assert rank_of_the_truth(scores).mean() < 10  # by chance: 19.5


@pytest.mark.parametrize("clips", [20, 80])
def test_ridge_minimises_its_objective(world, clips):
    """With fewer and more clips than statistics: the gradient of the squared error and penalty is zero."""
    stats, captions = world
    train, targets, alpha = stats[:clips], captions[:clips], 5.0
    x = (train - train.mean(axis=0)) / train.std(axis=0)
    padded = np.vstack([x, np.sqrt(alpha) * np.eye(40)])
    weights = np.linalg.lstsq(
        padded, np.vstack([targets - targets.mean(axis=0), np.zeros((40, 16))]), rcond=None
    )[0]
    predicted = (stats[80:] - train.mean(axis=0)) / train.std(axis=0) @ weights + targets.mean(axis=0)
    expected = captions[80:] @ predicted.T
    expected /= np.linalg.norm(captions[80:], axis=1)[:, None] * np.linalg.norm(predicted, axis=1)
    np.testing.assert_allclose(
        ridge_scores(train, targets, captions[80:], stats[80:], alpha), expected, atol=1e-9
    )


def test_knn_of_one_neighbour_is_its_caption():
    train, captions = np.diag([1.0, 2.0, 3.0]), np.eye(3)
    np.testing.assert_allclose(
        knn_scores(train, captions, captions, train, neighbours=1), np.eye(3), atol=1e-12
    )


def test_knn_takes_all_where_there_are_fewer():
    train = np.array([[0.0], [1.0]])
    scores = knn_scores(train, np.eye(2), np.eye(2), train, neighbours=10)
    np.testing.assert_allclose(scores, np.sqrt(0.5))


def test_a_statistic_that_never_varies_counts_for_nothing(world):
    stats, captions = world
    padded = np.column_stack([stats, np.full(120, 1e-3)])
    padded[100:, -1] = 1e6
    for scores in (knn_scores, lambda *a: ridge_scores(*a, alpha=1.0)):
        np.testing.assert_allclose(
            scores(padded[:80], captions[:80], captions[80:], padded[80:]),
            scores(stats[:80], captions[:80], captions[80:], stats[80:]),
        )


def test_captions_of_no_length_score_zero(world):
    stats, captions = world
    assert not ridge_scores(stats, captions, np.zeros((2, 16)), stats, alpha=1.0).any()


@pytest.mark.parametrize("alpha", [0.0, -1.0, float("nan")])
def test_alpha_must_be_positive(world, alpha):
    with pytest.raises(MotionaryError, match="positive"):
        ridge_scores(*world, *reversed(world), alpha=alpha)


def test_neighbours_must_be_positive(world):
    with pytest.raises(MotionaryError, match="at least 1"):
        knn_scores(*world, *reversed(world), neighbours=0)
