"""Features, their cache, augmentation and batches."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from motionary.errors import MotionaryError
from motionary.features import motion_joints
from motionary_training.config import DataConfig
from motionary_training.data import (
    centre_crop,
    feature_statistics,
    frame_rate,
    load_pairs,
    load_samples,
    make_pairs,
    padded,
    relations,
    subset,
)
from motionary_training.sources import cuts, starter
from tests.training.synthetic import all_starter_clips, tiny_config, tiny_pairs, write_cmu, write_text_encoder


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

    monkeypatch.setattr(cuts, "read_clip", never)
    again = load_samples(settings, ("train",))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.features, two.features)
    file = next(Path(settings.cmu).rglob("01_01.bvh"))
    file.write_text(file.read_text() + "\n")
    with pytest.raises(AssertionError, match="01_01"):
        load_samples(settings, ("train",))


def test_a_file_cut_short_is_left_out_by_name(settings, monkeypatch):
    monkeypatch.setattr(cuts, "motion_joints", lambda motion: motion_joints(motion)[:32])
    heard = []
    fresh = replace(settings, cache=settings.cache + "-short")
    samples = load_samples(fresh, ("train",), left_out=heard.append)
    ids = {sample.id for sample in samples}
    assert "000001" not in ids
    assert "000001@0.5-1.5" in ids
    assert any("clip 000001," in reason and "01_01.bvh" in reason for reason in heard)


def test_nothing_to_learn_from():
    with pytest.raises(MotionaryError, match="no clips of train to be had; set data"):
        load_samples(DataConfig(cmu=""), ("train",))


def test_variants_of_one_starter_clip_are_no_negatives_of_each_other(monkeypatch):
    clips = all_starter_clips()[:2]
    monkeypatch.setattr(starter, "starter_variants", lambda seed, per_clip: [clips[0], clips[0], clips[1]])
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


def test_padding():
    features, lengths = padded([np.ones((2, 263), np.float32), np.ones((5, 263), np.float32)])
    assert features.shape == (2, 5, 263)
    assert lengths.tolist() == [2, 5]
    assert features[0, 2:].abs().sum() == 0


def labelled():
    """Tiny pairs with one label that is true of three clips."""
    plain = tiny_pairs()
    samples = [replace(sample, labels=("a person walks",)) for sample in plain.samples[:3]] + [
        *plain.samples[3:]
    ]
    vectors = dict(zip(plain.texts, plain.sentences.numpy(), strict=True))
    vectors["a person walks"] = vectors[plain.texts[0]][::-1].copy()
    return make_pairs(samples, vectors)


def slow_relations(pairs, rows, columns):
    """As relations, pair by pair and in words."""
    said = [{*sample.captions, *sample.labels, *sample.unsaid} for sample in pairs.samples]
    same, certain = np.zeros((2, len(rows), len(columns)), bool)
    for i, a in enumerate(rows):
        for j, b in enumerate(columns):
            one, two = pairs.owner[a], pairs.owner[b]
            first, second = pairs.samples[one], pairs.samples[two]
            same[i, j] = (
                first.group == second.group or pairs.texts[b] in said[one] or pairs.texts[a] in said[two]
            )
            certain[i, j] = bool(first.twins) and first.twins == second.twins and not same[i, j]
    return same, certain


def related(pairs, rows, columns):
    numbers = (pairs.owner[rows], pairs.text_ids[rows], pairs.owner[columns], pairs.text_ids[columns])
    return relations(pairs, *map(torch.from_numpy, numbers))


def test_relations_are_those_of_a_loop_over_words():
    plain = labelled()
    samples = [
        replace(sample, twins="a" if i in (1, 4) else "lonely" if i == 6 else "", group=f"clip {i % 9}")
        for i, sample in enumerate(plain.samples)
    ]
    samples[4] = replace(samples[4], unsaid=(samples[7].captions[0], "nobody says this anywhere"))
    pairs = make_pairs(samples, dict(zip(plain.texts, plain.sentences.numpy(), strict=True)))
    rows, columns = np.arange(len(pairs.owner)), np.arange(3, len(pairs.owner))
    same, certain = related(pairs, rows, columns)
    expected_same, expected_certain = slow_relations(pairs, rows, columns)
    np.testing.assert_array_equal(same, expected_same)
    np.testing.assert_array_equal(certain, expected_certain)
    assert certain.any()


def test_a_label_is_true_of_every_clip_that_has_it_and_is_never_asked():
    pairs = labelled()
    assert pairs.is_label.sum() == 3
    assert {pairs.texts[i] for i in np.flatnonzero(pairs.is_label)} == {"a person walks"}
    every = np.arange(len(pairs.owner))
    same, _ = related(pairs, every, every)
    # Each of the label's columns is no negative of 3 x (2 captions + 1 label) rows.
    assert (same[:, torch.from_numpy(pairs.is_label)].sum(dim=0) == 9).all()
    assert torch.equal(same, same.T)
    asked = subset(pairs, np.ones(12, bool), labels=False)
    assert not asked.is_label.any()
    assert "a person walks" not in asked.texts


@given(st.lists(st.booleans(), min_size=12, max_size=12).filter(any), st.booleans())
def test_a_subset_is_what_making_the_pairs_of_its_samples_gives(keep, labels):
    pairs = labelled()
    samples = [sample for sample, kept in zip(pairs.samples, keep, strict=True) if kept]
    if not labels:  # what a label says of a clip stays known, but nothing asks it any more
        samples = [replace(sample, labels=(), unsaid=sample.labels) for sample in samples]
    vectors = dict(zip(pairs.texts, pairs.sentences.numpy(), strict=True))
    expected = make_pairs(samples, vectors)
    part = subset(pairs, np.array(keep), labels=labels)
    for name in ("owner", "text_ids", "is_label", "twins", "known"):
        np.testing.assert_array_equal(getattr(part, name), getattr(expected, name), err_msg=name)
    assert part.texts == expected.texts
    assert torch.equal(part.sentences, expected.sentences)
    assert [sample.id for sample in part.samples] == [sample.id for sample in samples]


def test_tokens_stay_with_their_captions():
    plain = tiny_pairs()
    tokens = torch.arange(24)[:, None] + torch.arange(3) * 100
    part = subset(replace(plain, tokens=tokens, token_mask=tokens > 7), np.arange(12) % 3 == 1)
    assert torch.equal(part.tokens[:, 0], torch.tensor([plain.texts.index(text) for text in part.texts]))
    assert torch.equal(part.token_mask, part.tokens > 7)


def test_tokens_are_there_where_the_sentence_encoder_learns(tmp_path):
    text = write_text_encoder(tmp_path / "text")
    data = DataConfig(cmu=str(write_cmu(tmp_path / "data")), cache=str(tmp_path / "cache"), mirrored=False)
    config = tiny_config(data=data, text=replace(text, finetune=True))
    pairs = load_pairs(config, "train")
    assert pairs.tokens.shape == pairs.token_mask.shape == (len(pairs.texts), pairs.tokens.shape[1])
    assert load_pairs(replace(config, text=text), "train").tokens is None
    longest = max(range(len(pairs.texts)), key=lambda i: len(pairs.texts[i].split()))
    assert pairs.token_mask[longest].sum() == len(pairs.texts[longest].split()) + 2


def test_what_is_told_of_the_relations_on_a_device_is_told_once():
    pairs = tiny_pairs()
    assert pairs.tables(torch.device("cpu")) is pairs.tables(torch.device("cpu"))
    fewer = replace(pairs, twins=np.zeros(12, np.int64))
    assert (fewer.tables(torch.device("cpu"))[1] == 0).all()


def test_kit_is_learnt_from_alone(settings):
    with pytest.raises(MotionaryError, match=r"leave data.kit or the others out"):
        load_samples(replace(settings, kit="somewhere"), ("train",))
    assert frame_rate(DataConfig(kit="somewhere")) == 12.5
    assert frame_rate(settings) == 20


def test_hard_negatives_are_of_train_alone_and_follow_from_the_seed(settings):
    asked = replace(settings, mirrored=False, hard_negatives=("mirror", "speed"))
    made = [s for s in load_samples(asked, ("train", "val"), seed=3) if s.made]
    assert {sample.split for sample in made} == {"train"}
    assert {sample.id for sample in made} >= {"M000001"}
    again = [s for s in load_samples(asked, ("train",), seed=3) if s.made]
    assert [sample.id for sample in again] == [sample.id for sample in made]
    assert not any(sample.made for sample in load_samples(asked, ("val",), seed=3))
