"""The baselines: statistics by hand, ridge against its definition, a world where both must find the clip."""

from dataclasses import replace

import numpy as np
import pytest

from motionary.errors import MotionaryError
from motionary_training import baselines as module
from motionary_training.baselines import (
    baselines,
    caption_means,
    clip_statistics,
    described,
    knn_vectors,
    oracle,
    ridge_vectors,
)
from motionary_training.data import make_pairs
from motionary_training.metrics import measured
from motionary_training.protocols import answers, asked_of
from tests.training.synthetic import tiny_config, tiny_pairs


@pytest.fixture
def world():
    """Clips whose captions are a linear map of ten hidden traits, as are their 40 statistics; some noise."""
    random = np.random.default_rng(0)
    traits = random.normal(size=(120, 10))
    stats = traits @ random.normal(size=(10, 40)) + 0.05 * random.normal(size=(120, 40))
    captions = traits @ random.normal(size=(10, 16)) + 0.05 * random.normal(size=(120, 16))
    return stats * 7 + 3, captions


def cosines(queries, gallery):
    return queries @ (gallery / np.linalg.norm(gallery, axis=1, keepdims=True)).T


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
    scores = cosines(captions[80:], ridge_vectors(stats[:80], captions[:80], stats[80:], alpha=1.0))
    assert scores.shape == (40, 40)
    assert rank_of_the_truth(scores).mean() < 0.5


def test_knn_finds_the_clip(world):
    stats, captions = world
    scores = cosines(captions[80:], knn_vectors(stats[:80], captions[:80], stats[80:], neighbours=3))
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
    expected = (stats[80:] - train.mean(axis=0)) / train.std(axis=0) @ weights + targets.mean(axis=0)
    np.testing.assert_allclose(ridge_vectors(train, targets, stats[80:], alpha), expected, atol=1e-9)


def test_knn_of_one_neighbour_is_its_caption():
    train, captions = np.diag([1.0, 2.0, 3.0]), np.eye(3)
    np.testing.assert_allclose(knn_vectors(train, captions, train, neighbours=1), np.eye(3), atol=1e-12)


def test_knn_takes_all_where_there_are_fewer():
    train = np.array([[0.0], [1.0]])
    np.testing.assert_allclose(knn_vectors(train, np.eye(2), train, neighbours=10), 0.5)


def test_knn_a_few_clips_at_a_time_is_the_same(world, monkeypatch):
    whole = knn_vectors(*world, world[0])
    monkeypatch.setattr(module, "AT_ONCE", 500)
    np.testing.assert_array_equal(knn_vectors(*world, world[0]), whole)


def test_a_statistic_that_never_varies_counts_for_nothing(world):
    stats, captions = world
    padded = np.column_stack([stats, np.full(120, 1e-3)])
    padded[100:, -1] = 1e6
    for vectors in (knn_vectors, lambda *a: ridge_vectors(*a, alpha=1.0)):
        np.testing.assert_allclose(
            vectors(padded[:80], captions[:80], padded[80:]), vectors(stats[:80], captions[:80], stats[80:])
        )


def test_normalised_or_not_the_statistics_serve_the_same(world):
    draw = np.random.default_rng(0)
    clips = [draw.standard_normal((int(draw.integers(5, 30)), 4)) for _ in range(20)]
    captions = draw.standard_normal((20, 3))
    raw = np.stack([clip_statistics(clip) for clip in clips])
    scaled = np.stack([clip_statistics((clip - 3) / [1, 10, 0.1, 2]) for clip in clips])
    for vectors in (knn_vectors, lambda *a: ridge_vectors(*a, alpha=1.0)):
        np.testing.assert_allclose(vectors(raw, captions, raw), vectors(scaled, captions, scaled))


@pytest.mark.parametrize("alpha", [0.0, -1.0, float("nan")])
def test_alpha_must_be_positive(world, alpha):
    with pytest.raises(MotionaryError, match="positive"):
        ridge_vectors(*world, world[0], alpha=alpha)


def test_neighbours_must_be_positive(world):
    with pytest.raises(MotionaryError, match="at least 1"):
        knn_vectors(*world, world[0], neighbours=0)


def test_means_of_captions_by_clip():
    pairs = tiny_pairs()
    for number in range(12):
        expected = pairs.sentences[pairs.owner == number].double().mean(dim=0)
        np.testing.assert_allclose(caption_means(pairs)[number], expected)


def test_ridge_and_neighbours_beat_chance_on_clips_that_tell_their_word():
    learnt, asked = tiny_pairs(0, 60), tiny_pairs(1, 12)
    gallery = asked_of(asked)
    found = baselines(learnt, asked, tiny_config())
    assert list(found) == ["ridge", "kNN", "oracle"]  # no CMU folder: nobody said what a recording is
    lucky = measured(answers("STRICT", None, gallery))
    for name in ("ridge", "kNN"):
        assert measured(answers("STRICT", found[name], gallery))["t2m R@5"] > lucky["t2m R@5"] + 20


def test_the_oracle_knows_a_clip_by_what_another_said_of_it():
    """Against a loop: the first caption stands in for the clip, the second for its own first."""
    pairs = tiny_pairs(0, 6)
    vectors, scores = pairs.sentences.double().numpy(), oracle(pairs)
    for caption in range(12):
        for motion in range(6):
            told = [c for c in range(12) if pairs.owner[c] == motion]
            other = told[1] if caption == told[0] else told[0]
            assert scores[caption, motion] == pytest.approx(vectors[caption] @ vectors[other], abs=1e-6)


def test_the_oracle_finds_nothing_by_a_caption_that_is_the_only_one():
    pairs = tiny_pairs(0, 6)
    vectors = dict(zip(pairs.texts, pairs.sentences.numpy(), strict=True))
    lonely = replace(pairs.samples[3], captions=pairs.samples[3].captions[:1])
    alone = make_pairs([*pairs.samples[:3], lonely, *pairs.samples[4:]], vectors)
    t2m, _ = answers("STRICT", oracle(alone), asked_of(alone))
    assert t2m.ranks[0][t2m.clips == 3].tolist() == [6]


def test_descriptions_are_searched_by_words_and_by_vectors(tmp_path, monkeypatch):
    pairs = tiny_pairs(0, 12)  # two clips of each of the recordings 00 to 05
    told = {"00": "walk and run", "01": "jump", "02": "dance"}
    words = ("walk", "run", "jump", "dance", "kick", "wave")
    spoken = lambda text: np.array([word in text for word in words], np.float32) + 1e-3  # noqa: E731
    monkeypatch.setattr(
        module, "sentence_vectors", lambda config, texts, cache: {text: spoken(text) for text in texts}
    )
    found = described(pairs, told, tmp_path)
    assert list(found) == ["BM25, trial descriptions", "MiniLM, trial descriptions"]
    walks = [caption for caption, text in enumerate(pairs.texts) if "walk" in text]
    by_words = found["BM25, trial descriptions"]
    embedded = found["MiniLM, trial descriptions"]
    for scores in (by_words, embedded.texts @ embedded.motions.T):
        assert (scores[walks].argmax(axis=1) == 0).all()
        np.testing.assert_array_equal(scores[:, 0], scores[:, 1])  # of one recording
        assert not scores[:, 6:].any()  # of recordings that nobody described
