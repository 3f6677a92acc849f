"""Features, their cache, augmentation and batches."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from motionary.errors import MotionaryError
from motionary.features import features_from_joints, motion_joints
from motionary.starter import starter_clips
from motionary_training import data
from motionary_training.config import AugmentConfig, DataConfig, OptimiserConfig
from motionary_training.crossval import folds
from motionary_training.data import (
    augmented,
    centre_crop,
    feature_statistics,
    load_samples,
    make_pairs,
    padded,
    training_batches,
)
from tests.training.synthetic import tiny_config, tiny_pairs, write_cmu


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cmu")
    return DataConfig(cmu=str(write_cmu(folder)), cache=str(folder / "cache"))


def test_samples_hold_the_features_of_their_cut(settings):
    samples = {sample.id: sample for sample in load_samples(settings, ("train", "val"))}
    assert set(samples) == {"000001", "000001@0.5-1.5", "000002", "000003", "M000001", "M000002"}
    assert samples["000001"].features.shape == (39, 263)
    assert samples["000001@0.5-1.5"].features.shape == (19, 263)
    assert samples["000003"].split == "val"
    height = samples["000001"].features[:, 3]
    np.testing.assert_allclose(samples["M000001"].features[:, 3], height, atol=0.02)
    # Mirrored: the yaw velocity turns round.
    assert np.corrcoef(samples["000001"].features[:, 0], samples["M000001"].features[:, 0])[0, 1] < -0.9


def test_features_come_from_disk_the_second_time_and_anew_when_the_file_changed(settings, monkeypatch):
    first = load_samples(settings, ("train",))

    def never(path):
        raise AssertionError(f"{path} was read again")

    monkeypatch.setattr(data, "read_clip", never)
    again = load_samples(settings, ("train",))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.features, two.features)
    file = next(Path(settings.cmu).rglob("01_01.bvh"))
    file.write_text(file.read_text() + "\n")
    with pytest.raises(AssertionError, match="01_01"):
        load_samples(settings, ("train",))


def test_a_file_cut_short_is_left_out_by_name(settings, monkeypatch):
    monkeypatch.setattr(data, "motion_joints", lambda motion: motion_joints(motion)[:32])
    heard = []
    fresh = replace(settings, cache=settings.cache + "-short")
    samples = load_samples(fresh, ("train",), left_out=heard.append)
    ids = {sample.id for sample in samples}
    assert "000001" not in ids
    assert "000001@0.5-1.5" in ids
    assert any("clip 000001," in reason and "01_01.bvh" in reason for reason in heard)


def test_nothing_to_learn_from():
    with pytest.raises(MotionaryError, match="no clips to learn from"):
        load_samples(DataConfig(cmu=""), ("train",))


def test_variants_of_one_starter_clip_are_no_negatives_of_each_other(monkeypatch):
    clips = starter_clips()[:2]
    monkeypatch.setattr(data, "starter_variants", lambda seed, per_clip: [clips[0], clips[0], clips[1]])
    samples = load_samples(DataConfig(cmu="", starter_variants=2), ("train",))
    assert [sample.group for sample in samples].count(samples[0].group) == 2
    with pytest.raises(MotionaryError, match="no clips"):
        load_samples(DataConfig(cmu="", starter_variants=2), ("val",))


def test_statistics_never_divide_by_next_to_nothing():
    pairs = tiny_pairs()
    for sample in pairs.samples:
        sample.features[:, 100] = 0.25
    mean, std = feature_statistics(pairs.samples)
    assert mean[100] == pytest.approx(0.25)
    assert std[100] == pytest.approx(0.1 * float(std[67:193].median()), rel=0.05)
    frames = np.concatenate([sample.features for sample in pairs.samples])
    assert float(std[0]) == pytest.approx(float(frames[:, 0].std()), rel=1e-4)


def test_centre_crop_takes_the_middle():
    frames = np.arange(10, dtype=np.float32)[:, None]
    assert centre_crop(frames, 4)[:, 0].tolist() == [3, 4, 5, 6]
    assert len(centre_crop(frames, 99)) == 10


def test_augmentation_off_changes_nothing():
    features = tiny_pairs().samples[0].features
    same = augmented(features, AugmentConfig(), 999, np.random.default_rng(0))
    np.testing.assert_array_equal(same, features)


def test_a_crop_is_a_stretch_of_the_clip_within_its_bounds():
    features = np.arange(50, dtype=np.float32)[:, None].repeat(263, axis=1)
    lengths = set()
    for seed in range(60):
        part = augmented(features, AugmentConfig(min_crop=0.5), 40, np.random.default_rng(seed))
        assert 25 <= len(part) <= 40
        assert (np.diff(part[:, 0]) == 1).all()
        lengths.add(len(part))
    assert len(lengths) > 5


def test_playing_faster_is_what_features_of_the_faster_motion_are():
    joints = motion_joints(max(starter_clips(), key=lambda clip: clip.motion.duration).motion)
    features = features_from_joints(joints)
    speed = 2.0
    played = data._resampled(features, speed)
    exact = features_from_joints(joints[::2])
    count = min(len(played), len(exact))
    for columns in (slice(1, 3), slice(3, 4), slice(193, 259)):
        error = np.abs(played[:count, columns] - exact[:count, columns]).mean()
        assert error < 0.25 * np.abs(exact[:, columns]).mean() + 1e-3


def test_padding():
    features, lengths = padded([np.ones((2, 263), np.float32), np.ones((5, 263), np.float32)])
    assert features.shape == (2, 5, 263)
    assert lengths.tolist() == [2, 5]
    assert features[0, 2:].abs().sum() == 0


def batches(seed=0, **changes):
    config, pairs = tiny_config(**changes), tiny_pairs()
    mean, std = feature_statistics(pairs.samples)
    return list(training_batches(pairs, config, mean, std, np.random.default_rng(seed)))


def test_an_epoch_holds_every_caption_once_or_one_of_each_clip():
    assert sum(len(batch.lengths) for batch in batches()) == 24
    one = batches(data=DataConfig(captions="one"))
    assert sum(len(batch.lengths) for batch in one) == 12
    texts = torch.cat([batch.sentences for batch in one])
    assert len(torch.unique(texts, dim=0)) == 12


def test_the_other_caption_of_a_clip_is_marked_the_same():
    pairs = tiny_pairs()
    for batch in batches():
        rows = [int((pairs.sentences == text).all(dim=1).nonzero()[0]) for text in batch.sentences]
        owners = pairs.owner[rows]
        assert (batch.same.numpy() == (owners[:, None] == owners)).all()


def test_a_label_is_true_of_every_clip_that_has_it_and_is_never_asked():
    plain = tiny_pairs()
    samples = [replace(sample, labels=("a person walks",)) for sample in plain.samples[:3]] + [
        *plain.samples[3:]
    ]
    vectors = dict(zip([t for s in plain.samples for t in s.captions], plain.sentences.numpy(), strict=True))
    vectors["a person walks"] = vectors[plain.samples[0].captions[0]][::-1].copy()
    pairs = make_pairs(samples, vectors)
    assert pairs.is_label.sum() == 3
    mean, std = feature_statistics(pairs.samples)
    config = tiny_config(optimiser=OptimiserConfig(batch=64))
    (batch,) = training_batches(pairs, config, mean, std, np.random.default_rng(0))
    label = torch.from_numpy(vectors["a person walks"])
    columns = (batch.sentences == label).all(dim=1)
    assert columns.sum() == 3
    # Each of the label's columns is no negative of 3 x (2 captions + 1 label) rows.
    assert (batch.same[:, columns].sum(dim=0) == 9).all()
    assert torch.equal(batch.same, batch.same.T)
    for rest, asked in folds(pairs, 3, seed=0):
        assert not asked.is_label.any()
        assert len(rest.owner) == 2 * len(rest.samples) + rest.is_label.sum()


def test_batches_follow_from_the_generator_alone():
    for one, two in zip(batches(3), batches(3), strict=True):
        assert torch.equal(one.features, two.features)
        assert torch.equal(one.sentences, two.sentences)
    assert not torch.equal(batches(3)[0].sentences, batches(4)[0].sentences)
