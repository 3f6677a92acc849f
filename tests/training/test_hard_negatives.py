"""Twins and probes: words that tell what was done to the clip, families that meet and are sure negatives."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from motionary.errors import MotionaryError
from motionary.features import features_from_joints, motion_joints
from motionary_training.batches import draw_epoch
from motionary_training.config import OptimiserConfig
from motionary_training.data import make_pairs, relations
from motionary_training.frames import BLEND, resampled, reversed_in_time
from motionary_training.hard_negatives import (
    KINDS,
    LONGEST_PART,
    QUICK,
    contrasts,
    probe_pairs,
    reversed_words,
    with_twins,
)
from motionary_training.sources import Sample
from motionary_training.sources.words import mirrored_words
from tests.training.synthetic import all_starter_clips, tiny_config

# A dozen clips of each kind of which some take each sort of twin.
CHOSEN = (
    "a person walks forward",
    "a person walks backward",
    "a person jogs in a circle to the left",
    "a person steps sideways to the left",
    "a person throws a left jab",
    "a person shrugs",
    "a person bows politely",
    "a person hops on the left leg",
    "a person kicks forward with the left leg",
)


@pytest.fixture(scope="module")
def samples():
    clips = [clip for clip in all_starter_clips() if clip.captions[0] in CHOSEN]
    assert len(clips) == len(CHOSEN)
    return [
        Sample(
            f"{number:06d}",
            f"{number:06d}",
            f"trial {number}",
            "train",
            features_from_joints(motion_joints(clip.motion))[:90],
            (clip.captions[0], f"someone is seen {number}"),
            frozenset({clip.captions[0].split()[2]}),
        )
        for number, clip in enumerate(clips)
    ]


def by_words(samples, words):
    return next(sample for sample in samples if sample.captions[0] == words)


def pairs_of(samples):
    texts = {text for sample in samples for text in (*sample.captions, *sample.labels)}
    return make_pairs(samples, {text: np.ones(4, np.float32) for text in texts})


def test_a_mirrored_twin_says_the_other_side(samples):
    twins = {s.id: s for s in with_twins(samples, ["mirror"], 0)}
    for sample in samples:
        image = twins.get("M" + sample.id)
        if mirrored_words(sample.captions[0]) == sample.captions[0]:
            assert image is None
            assert twins[sample.id].twins == ""
        else:
            assert image.captions == (mirrored_words(sample.captions[0]), sample.captions[1])
            assert image.twins == twins[sample.id].twins != ""
            assert image.made
    left = by_words(samples, "a person jogs in a circle to the left")
    turn, back = left.features[:, 0].mean(), twins["M" + left.id].features[:, 0].mean()
    assert abs(turn) > 0.005
    assert back == pytest.approx(-turn, rel=0.1)


def test_where_the_mirrored_clip_is_there_it_is_the_twin(samples):
    one = by_words(samples, "a person throws a left jab")
    image = replace(one, id="M" + one.id, group="M" + one.group, captions=("a person jabs right",))
    found = {s.id: s for s in with_twins([one, image], ["mirror"], 0)}
    assert set(found) == {one.id, image.id}
    assert found[one.id].twins == found[image.id].twins == one.id
    assert not found[image.id].made
    assert found[image.id].captions == ("a person jabs right",)


def test_the_reverse_in_time_says_the_other_way(samples):
    twins = {s.id: s for s in with_twins(samples, ["direction"], 0)}
    reverse = {name: sample for name, sample in twins.items() if name.endswith("~backward")}
    assert {sample.captions for sample in reverse.values()} == {
        ("a person walks backward",),
        ("a person walks forward",),
        ("a person steps sideways to the right",),
    }
    walk = by_words(samples, "a person walks forward")
    back = reverse[f"{walk.id}~backward"]
    np.testing.assert_array_equal(back.features, reversed_in_time(walk.features))
    assert walk.features[:, 2].mean() > 0 > back.features[:, 2].mean()
    assert back.unsaid == (walk.captions[1],)


@pytest.mark.parametrize(
    ("caption", "other"),
    [
        ("a person walks forward", "a person walks backward"),
        ("The man is slowly walking backwards.", "The man is slowly walking forwards."),
        ("Someone steps to the left", "Someone steps to the right"),
        ("a person turns right while walking forward", None),
        ("a person walks to the left", None),  # may have turned there first
        ("a person walks forward and sits", None),
        ("a person walks forward, turns right", None),
        ("a person walks in a circle", None),
        ("a person raises the left hand", None),
        ("forward", None),
    ],
)
def test_only_words_of_going_one_way_are_reversed(caption, other):
    assert reversed_words(caption) == other


def test_fast_and_slow_twins_say_so(samples):
    found = contrasts(samples, "speed", 0)
    assert len(found) == -(-len(samples) // 4)
    for contrast in found:
        base = next(s for s in samples if contrast.first.id == f"{s.id}~quickly")
        np.testing.assert_array_equal(contrast.first.features, resampled(base.features, QUICK))
        assert len(contrast.first.features) < len(base.features) < len(contrast.second.features)
        subject, rest = base.captions[0][:9], base.captions[0][9:]
        assert contrast.first.captions[0] == f"{subject}quickly {rest}"
        assert contrast.second.captions[0] == f"{subject}slowly {rest}"
        assert contrast.first.captions[1] == f"someone is quickly seen {int(base.id)}"
        assert contrast.first.unsaid == base.captions


@pytest.mark.parametrize(
    "caption",
    [
        "a person slowly walks",
        "he sits",
        "runs quickly",
        "two people walk",
        "a person stands still",
        "a {} man",
    ],
)
def test_what_has_a_speed_or_none_takes_no_adverb(samples, caption):
    assert contrasts([replace(samples[0], captions=(caption,))], "speed", 0) == []


def test_both_orders_of_two_clips_are_told_as_they_are_joined(samples):
    found = contrasts(samples, "order", 0)
    assert 1 <= len(found) <= -(-len(samples) // 4)
    for contrast in found:
        one, two = (next(s for s in samples if s.id == name) for name in contrast.first.id.split("~then~"))
        assert not one.actions & two.actions
        first, second = contrast.first.features, contrast.second.features
        assert len(first) == len(second) == len(one.features) + len(two.features) - BLEND
        early = len(one.features) - BLEND
        np.testing.assert_array_equal(first[:early], one.features[:early])
        np.testing.assert_array_equal(second[-early:], one.features[-early:])
        does, then = (s.captions[0].removeprefix("a person ") for s in (one, two))
        forth, back = contrast.texts[0]
        assert forth.startswith(f"a person {does}")
        assert forth.endswith(f" {then}")
        assert back.startswith(f"a person {then}")
        assert back.endswith(f" {does}")
        assert contrast.first.captions[0] == forth
        assert contrast.second.captions[0] == back
        assert contrast.first.trial == "|".join(sorted({one.trial, two.trial}))
        assert set(contrast.first.unsaid) == {*one.captions, *two.captions}


def test_long_clips_and_those_of_no_known_action_are_not_joined(samples):
    long = [replace(s, features=np.zeros((LONGEST_PART + 1, 263), np.float32)) for s in samples]
    assert contrasts(long, "order", 0) == []
    assert contrasts([replace(s, actions=frozenset()) for s in samples], "order", 0) == []


def test_twins_follow_from_the_seed_and_touch_train_alone(samples):
    held = [replace(sample, split="val") for sample in samples]
    assert with_twins(held, KINDS, 0) == sorted(held, key=lambda sample: sample.id)
    one, two = (with_twins(samples, KINDS, 7) for _ in range(2))
    assert [s.id for s in one] == [s.id for s in two]
    for first, second in zip(one, two, strict=True):
        np.testing.assert_array_equal(first.features, second.features)
        assert (first.captions, first.twins) == (second.captions, second.twins)
    ids = {tuple(s.id for s in with_twins(samples, KINDS, seed)) for seed in range(4)}
    assert len(ids) > 1


def test_twins_meet_in_one_batch_and_are_sure_negatives(samples):
    pairs = pairs_of(with_twins(samples, KINDS, 0))
    members = {family: np.flatnonzero(pairs.twins == family) for family in set(pairs.twins) - {-1}}
    assert len(members) >= 8
    draw = draw_epoch(pairs, tiny_config(optimiser=OptimiserConfig(batch=8)), np.random.default_rng(0))
    batch_of = {int(row): number for number, rows in enumerate(draw.batches) for row in rows}
    row_of = {int(caption): row for row, caption in enumerate(draw.captions)}
    for family in members.values():
        firsts = [int(np.flatnonzero(pairs.owner == member)[0]) for member in family]
        assert len({batch_of[row_of[caption]] for caption in firsts}) == 1
        items = torch.from_numpy(family)
        texts = torch.from_numpy(pairs.text_ids[firsts])
        same, certain = relations(pairs, items, texts, items, texts)
        # The first captions are those that were changed; a step to the side looks the same in a mirror and
        # back in time, and its twins' words are the same then.
        assert torch.equal(same, texts[:, None] == texts)
        assert torch.equal(certain, ~same)


def test_what_may_be_true_of_a_twin_is_no_negative_of_it(samples):
    pairs = pairs_of(with_twins(samples, ["direction"], 0))
    walk = by_words(pairs.samples, "a person walks forward")
    number = {sample.id: i for i, sample in enumerate(pairs.samples)}
    items = torch.tensor([number[walk.id], number[f"{walk.id}~backward"]])
    vague = pairs.text_ids[pairs.texts.index(walk.captions[1])]
    texts = torch.tensor([vague, pairs.text_ids[pairs.texts.index("a person walks backward")]])
    same, certain = relations(pairs, items, texts, items, texts)
    assert same.all()
    assert not certain.any()


def test_made_clips_are_kept_whole(samples):
    pairs = pairs_of(with_twins(samples, ["order"], 0))
    config = tiny_config()
    config = replace(config, motion=replace(config.motion, max_frames=500))
    for seed in range(5):
        draw = draw_epoch(pairs, config, np.random.default_rng(seed))
        for caption, count, speed in zip(draw.captions, draw.counts, draw.speeds, strict=True):
            sample = pairs.samples[pairs.owner[caption]]
            if sample.made:
                assert count == int((len(sample.features) - 1) / speed) + 1


@pytest.mark.parametrize("kind", KINDS)
def test_probes_ask_both_ways_of_clips_that_are_held_out(samples, kind):
    held = [replace(sample, split="val") for sample in samples]
    probes = probe_pairs(held, kind)
    assert len(probes) >= 2
    asked = {(probe.right, probe.wrong) for probe in probes}
    assert asked == {(wrong, right) for right, wrong in asked}
    for probe in probes:
        assert probe.right != probe.wrong
        assert probe.sample.split == "val"
        assert probe.right in probe.sample.captions
        assert probe.wrong not in (*probe.sample.captions, *probe.sample.unsaid)


def test_21_joints_are_not_turned_back_in_time(samples):
    kit = [replace(sample, features=sample.features[:, :251]) for sample in samples]
    with pytest.raises(MotionaryError, match="takes 22 joints; leave it out for KIT-ML"):
        with_twins(kit, ["direction"], 0)
    assert {s.features.shape[1] for s in with_twins(kit, ["mirror", "order", "speed"], 0)} == {251}
