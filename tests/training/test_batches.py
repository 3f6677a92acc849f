"""What an epoch holds, who meets whom, and the frames of a batch."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from motionary.features import features_from_joints, motion_joints
from motionary_training.batches import dealt, draw_epoch, frame_store, gathered, training_batches
from motionary_training.config import AugmentConfig, DataConfig, MotionConfig, OptimiserConfig
from motionary_training.data import Sample, feature_statistics, make_pairs
from tests.training.synthetic import all_starter_clips, tiny_config, tiny_pairs

CPU = torch.device("cpu")


def batches(seed=0, pairs=None, shard=(0, 1), **changes):
    config, pairs = tiny_config(**changes), pairs or tiny_pairs()
    _, std = feature_statistics(pairs.samples)
    store = frame_store(pairs, CPU)
    return list(training_batches(pairs, store, config, std, np.random.default_rng(seed), shard=shard))


def pairs_of(lengths, twins=None, captions=2, width=263):
    """Clips that count their frames in every column."""
    samples = [
        Sample(
            str(number),
            str(number),
            str(number),
            "train",
            np.arange(length, dtype=np.float32)[:, None].repeat(width, axis=1) + 1000 * number,
            tuple(f"clip {number} caption {i}" for i in range(captions)),
            twins=twins[number] if twins else "",
        )
        for number, length in enumerate(lengths)
    ]
    return make_pairs(samples, {text: np.ones(4, np.float32) for s in samples for text in s.captions})


def slow_stretch(features, speed, start, count):
    """Frames in between, and what is per frame scaled: as in the docstring, one clip on its own."""
    at = np.arange(int((len(features) - 1) / speed) + 1) * speed
    low = at.astype(np.int64)
    high = np.minimum(low + 1, len(features) - 1)
    part = (at - low)[:, None]
    played = features[low] * (1 - part) + features[high] * part
    played[:, [0, 1, 2, *range(193, 259)]] *= speed
    return played[start : start + count]


def test_an_epoch_holds_every_caption_once_or_one_of_each_clip():
    assert sum(len(batch.lengths) for batch in batches()) == 24
    one = batches(data=DataConfig(captions="one"))
    assert sorted(torch.cat([batch.items for batch in one]).tolist()) == list(range(12))
    texts = {
        tuple(batch.text_ids.tolist())
        for seed in range(5)
        for batch in batches(seed, data=DataConfig(captions="one"))
    }
    assert len(texts) > 3


def test_a_batch_pairs_each_clip_with_its_own_caption():
    pairs = tiny_pairs()
    for batch in batches(augment=AugmentConfig()):
        assert batch.features.shape == (len(batch.items), int(batch.lengths.max()), 263)
        for row, (item, text) in enumerate(zip(batch.items, batch.text_ids, strict=True)):
            caption = int(np.flatnonzero((pairs.owner == int(item)) & (pairs.text_ids == int(text)))[0])
            assert torch.equal(batch.sentences[row], pairs.sentences[caption])
            whole = torch.from_numpy(pairs.samples[item].features)
            length = int(batch.lengths[row])
            longest = tiny_config().motion.max_frames
            assert length == min(len(whole), longest)
            places = [
                i
                for i in range(len(whole) - length + 1)
                if torch.equal(whole[i : i + length], batch.features[row, :length])
            ]
            assert len(places) == 1
            assert batch.features[row, length:].abs().sum() == 0


@given(
    st.lists(st.integers(12, 60), min_size=2, max_size=6),
    st.floats(0, 0.5),
    st.floats(0.3, 1),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=25, deadline=None)
def test_stretches_are_those_of_the_played_clip(lengths, speed, crop, seed):
    pairs, longest = tiny_pairs(seed % 7, len(lengths)), 40
    config = tiny_config(
        augment=AugmentConfig(min_crop=crop, speed=speed), motion=MotionConfig(max_frames=longest)
    )
    draw = draw_epoch(pairs, config, np.random.default_rng(seed))
    store = frame_store(pairs, CPU)
    items = pairs.owner[draw.captions]
    starts, counts, speeds = (torch.from_numpy(n) for n in (draw.starts, draw.counts, draw.speeds))
    features = gathered(store, torch.from_numpy(items), starts, counts, int(counts.max()), speeds.float())
    for row, item in enumerate(items):
        clip = pairs.samples[item].features
        exact = slow_stretch(clip.astype(np.float64), draw.speeds[row], draw.starts[row], draw.counts[row])
        assert len(exact) == draw.counts[row]  # the stretch lies within the clip
        played = int((len(clip) - 1) / draw.speeds[row]) + 1
        assert min(longest, played, max(10, round(crop * played))) <= len(exact) <= longest
        assert 1 - speed <= draw.speeds[row] <= 1 + speed
        np.testing.assert_allclose(features[row, : len(exact)], exact, atol=1e-3)
        assert features[row, len(exact) :].abs().sum() == 0


def test_playing_faster_is_what_features_of_the_faster_motion_are():
    joints = motion_joints(max(all_starter_clips(), key=lambda clip: clip.motion.duration).motion)
    exact = features_from_joints(joints[::2])
    sample = Sample("0", "0", "0", "train", features_from_joints(joints), ("walks",))
    store = frame_store(make_pairs([sample], {"walks": np.ones(4, np.float32)}), CPU)
    zero, count = torch.zeros(1, dtype=torch.int64), len(exact) - 1
    played = gathered(store, zero, zero, torch.tensor([count]), count, torch.tensor([2.0]))[0].numpy()
    for columns in (slice(1, 3), slice(3, 4), slice(193, 259)):
        error = np.abs(played[:, columns] - exact[:count, columns]).mean()
        assert error < 0.25 * np.abs(exact[:, columns]).mean() + 1e-3


def test_faster_features_of_21_joints_scale_their_own_columns():
    pairs = pairs_of([20], width=251)
    store, zero = frame_store(pairs, CPU), torch.zeros(1, dtype=torch.int64)
    played = gathered(store, zero, zero, torch.tensor([5]), 5, torch.tensor([1.5]))[0]
    scaled = [*range(3), *range(184, 247)]
    assert torch.allclose(played[:, scaled], (torch.arange(5) * 1.5 * 1.5)[:, None].expand(5, len(scaled)))
    rest = [column for column in range(251) if column not in scaled]
    assert torch.allclose(played[:, rest], (torch.arange(5) * 1.5)[:, None].expand(5, len(rest)))


def test_a_share_of_the_clips_stays_in_place():
    """The same draw otherwise; past its end a clip is zero, contacts too."""
    plain, still = (batches(augment=AugmentConfig(in_place=share)) for share in (0.0, 1.0))
    for one, other in zip(plain, still, strict=True):
        past = torch.arange(other.features.shape[1]) >= other.lengths[:, None]
        assert not other.features[..., 1:3].any()
        assert not other.features[past].any()
        assert torch.equal(one.features[..., 3:193] * ~past[..., None], other.features[..., 3:193])
    kept = [batch.features[:, 0, 1:3].any(dim=1) for batch in batches(augment=AugmentConfig(in_place=0.5))]
    assert 0 < torch.cat(kept).float().mean() < 1


def test_noise_is_that_of_the_deviations_and_falls_on_every_frame():
    plain = batches(augment=AugmentConfig())
    noisy = batches(augment=AugmentConfig(noise=0.5))
    _, std = feature_statistics(tiny_pairs().samples)
    seen = {
        int(i): b.features[row, : b.lengths[row]]
        for b in plain
        for row, i in enumerate(b.text_ids)
        if b.lengths[row] < 40
    }
    added = [
        (batch.features[row, : batch.lengths[row]] - seen[int(i)]) / std
        for batch in noisy
        for row, i in enumerate(batch.text_ids)
        if int(i) in seen
    ]
    noise = torch.cat(added)
    assert float(noise.mean()) == pytest.approx(0, abs=0.02)
    assert float(noise.std()) == pytest.approx(0.5, rel=0.05)
    assert len(torch.unique(noise[:, 0])) > 0.8 * len(noise)


def test_batches_follow_from_the_generator_alone():
    for one, two in zip(batches(3), batches(3), strict=True):
        assert torch.equal(one.features, two.features)
        assert torch.equal(one.text_ids, two.text_ids)
    assert not torch.equal(batches(3)[0].text_ids, batches(4)[0].text_ids)


def test_shards_are_the_rows_of_the_whole_batch():
    for whole, first, second in zip(batches(), batches(shard=(0, 2)), batches(shard=(1, 2)), strict=True):
        assert torch.equal(whole.features[::2], first.features)
        assert torch.equal(whole.features[1::2], second.features[: len(whole.features) // 2])
        assert torch.equal(whole.text_ids[1::2], second.text_ids[: len(whole.text_ids) // 2])
        assert whole.total == first.total == second.total == len(whole.items)


def test_shards_are_of_one_size_and_hold_every_pair():
    for total in range(2, 20):
        for count in range(1, 8):
            hands = [dealt(total, (number, count)) for number in range(count)]
            assert len({len(hand) for hand in hands}) == 1
            assert np.array_equal(np.stack(hands, 1).ravel()[:total], np.arange(total))
            assert all(hand.max() < total for hand in hands)


@given(
    st.lists(st.integers(0, 9), min_size=20, max_size=20), st.sampled_from(["all", "one"]), st.integers(4, 9)
)
@settings(max_examples=30, deadline=None)
def test_twins_meet_in_one_batch_and_no_batch_is_too_large(families, captions, size):
    # At most three of a family; family 0 is none.
    counted = [families[: i + 1].count(f) for i, f in enumerate(families)]
    twins = [f"family {f}" if f and n <= 3 else "" for f, n in zip(families, counted, strict=True)]
    pairs = pairs_of(range(12, 32), twins)
    config = tiny_config(data=DataConfig(captions=captions), optimiser=OptimiserConfig(batch=size))
    draw = draw_epoch(pairs, config, np.random.default_rng(size))
    assert all(len(rows) <= size for rows in draw.batches)
    drawn = np.sort(np.concatenate(draw.batches))
    assert len(drawn) >= len(draw.captions) - 1  # the last pair may be left over
    assert len(np.unique(drawn)) == len(drawn)
    for rows in draw.batches:
        owners = pairs.owner[draw.captions[rows]]
        words = [pairs.texts[c][-1] for c in draw.captions[rows]]
        for owner, word in zip(owners, words, strict=True):
            if pairs.twins[owner] >= 0:
                family = np.flatnonzero(pairs.twins == pairs.twins[owner])
                here = {o for o, w in zip(owners, words, strict=True) if w == word}
                assert here >= set(family)


def test_batches_are_full_where_there_are_no_twins():
    draw = draw_epoch(pairs_of(range(12, 42)), tiny_config(), np.random.default_rng(0))
    assert sorted(len(rows) for rows in draw.batches) == [4] * 15


def test_clips_of_like_length_meet():
    draw = draw_epoch(pairs_of(range(10, 40)), tiny_config(augment=AugmentConfig()), np.random.default_rng(0))
    spans = [np.ptp(draw.counts[rows]) for rows in draw.batches]
    assert np.mean(spans) < 5


def test_tokens_travel_with_their_captions():
    plain = tiny_pairs()
    tokens = torch.from_numpy(plain.text_ids)[:, None] + torch.arange(3) * 100
    pairs = replace(plain, tokens=tokens, token_mask=tokens > 7)
    for batch in batches(pairs=pairs):
        assert torch.equal(batch.tokens, batch.text_ids[:, None] + torch.arange(3) * 100)
        assert torch.equal(batch.token_mask, batch.tokens > 7)
