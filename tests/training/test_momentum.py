"""The slow copy of a model, and the queue of pairs that it embeds."""

import copy
from collections import deque
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from motionary_training.batches import frame_store, training_batches
from motionary_training.config import LossConfig
from motionary_training.data import relations
from motionary_training.losses import directions, max_hinge
from motionary_training.momentum import Keys, Queue, make_queue, moving_average
from motionary_training.step import batch_loss, learn, make_learner
from tests.training.synthetic import tiny_config, tiny_pairs

CPU = torch.device("cpu")


def queue_of(size):
    """An empty queue with a model that nothing asks for."""
    numbers = torch.zeros(size, dtype=torch.int64)
    vectors = torch.zeros(size, 2)
    keys = Keys(vectors, vectors.clone(), vectors.clone(), numbers, numbers.clone())
    return Queue(nn.Linear(1, 1), 0.9, keys)


def pairs_numbered(first, count):
    """Pairs whose every part tells their number."""
    numbers = torch.arange(first, first + count)
    vectors = numbers[:, None].float().expand(count, 2)
    return Keys(vectors, vectors + 0.25, vectors + 0.5, numbers, 1000 + numbers)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 7), st.lists(st.integers(0, 18), max_size=8))
def test_it_holds_the_newest_pairs_like_a_deque(size, counts):
    queue, expected, first = queue_of(size), deque(maxlen=size), 0
    for count in counts:
        queue.push(pairs_numbered(first, count))
        expected.extend(range(first, first + count))
        first += count
        held = queue.contents()
        # In what order they lie matters to no loss; that the parts of a pair stay together does.
        assert sorted(held.items.tolist()) == list(expected)
        assert torch.equal(held.text_ids, held.items + 1000)
        for part, shift in ((held.motions, 0), (held.texts, 0.25), (held.sentences, 0.5)):
            assert torch.equal(part, held.items[:, None].expand(-1, 2) + shift)


def test_it_is_empty_at_first():
    held = queue_of(4).contents()
    assert [len(part) for part in vars(held).values()] == [0] * 5


def test_the_oldest_go_first_also_after_a_push_larger_than_the_queue():
    queue = queue_of(3)
    queue.push(pairs_numbered(0, 8))
    assert sorted(queue.contents().items.tolist()) == [5, 6, 7]
    queue.push(pairs_numbered(8, 1))
    assert sorted(queue.contents().items.tolist()) == [6, 7, 8]


def test_it_keeps_copies_of_what_it_is_given():
    queue = queue_of(3)
    new = pairs_numbered(0, 2)
    queue.push(new)
    new.items.fill_(99)
    assert queue.contents().items.tolist() == [0, 1]


def learner_with(size, **changes):
    loss = LossConfig("max_hinge", queue=size, queue_momentum=0.5, warmup_epochs=0, **changes)
    config, pairs = tiny_config(loss=loss), tiny_pairs()
    learner = make_learner(config, pairs, CPU)
    batches = training_batches(pairs, frame_store(pairs, CPU), config, learner.std, np.random.default_rng(0))
    return learner, list(batches)


def test_a_new_queue_copies_the_model_and_never_learns():
    learner, _ = learner_with(6)
    queue = make_queue(learner.config, learner.model)
    assert queue.slow is not learner.model
    assert not queue.slow.training
    weights = zip(queue.slow.parameters(), learner.model.parameters(), strict=True)
    for slow, own in weights:
        assert torch.equal(slow, own)
        assert slow.data_ptr() != own.data_ptr()
        assert not slow.requires_grad
    widths = [part.shape for part in (queue.keys.motions, queue.keys.texts, queue.keys.sentences)]
    assert widths == [(6, 8), (6, 8), (6, 16)]


def test_keys_are_those_of_the_slow_model_once_it_has_followed():
    learner, (batch, *_) = learner_with(6)
    queue = learner.queue
    with torch.no_grad():
        for weights in learner.model.parameters():
            weights.add_(0.3)
    followed = copy.deepcopy(queue.slow)
    moving_average(followed, learner.model, 0.5)
    motions, texts = queue.embed(learner.model, batch)
    assert torch.equal(motions, followed.embed_motions(batch.features, batch.lengths))
    assert torch.equal(texts, followed.embed_texts(batch.sentences))
    assert not torch.allclose(texts, learner.model.eval().embed_texts(batch.sentences), atol=1e-3)
    assert not motions.requires_grad
    assert not texts.requires_grad
    assert torch.allclose(motions.norm(dim=1), torch.ones(len(motions)))


def test_a_step_puts_its_batch_into_the_queue():
    learner, (batch, following, *_) = learner_with(6)
    learn(learner, batch, 0, 0.5)
    held, queue = learner.queue.contents(), learner.queue
    assert torch.equal(held.items, batch.items)
    assert torch.equal(held.text_ids, batch.text_ids)
    assert torch.equal(held.sentences, batch.sentences)
    with torch.no_grad():
        assert torch.equal(held.motions, queue.slow.embed_motions(batch.features, batch.lengths))
        assert torch.equal(held.texts, queue.slow.embed_texts(batch.sentences))
    learn(learner, following, 0, 0.5)
    assert queue.filled == 6
    newest = queue.contents().items.tolist()
    assert all(item in newest for item in following.items.tolist())


def test_the_next_step_has_the_queue_for_negatives():
    learner, (batch, following, *_) = learner_with(6)
    learner.model.eval()  # without dropout, to be told apart by the queue alone
    queue = learner.queue
    empty, _ = batch_loss(learner, following, 0)
    motions, texts = queue.embed(learner.model, batch)
    queue.push(Keys(motions, texts, batch.sentences, batch.items, batch.text_ids))
    full, tally = batch_loss(learner, following, 0)
    with torch.no_grad():
        own_motions = learner.model.embed_motions(following.features, following.lengths)
        own_texts = learner.model.embed_texts(following.sentences)
        items, words = (
            torch.cat([following.items, batch.items]),
            torch.cat([following.text_ids, batch.text_ids]),
        )
        same, certain = relations(learner.pairs, following.items, following.text_ids, items, words)
        everything = torch.cat([own_motions, motions]), torch.cat([own_texts, texts])
        both = directions(own_motions, own_texts, *everything, torch.arange(len(own_texts)), same, certain)
        expected = sum(float(max_hinge(d).sum()) for d in both)
    assert float(full.detach()) == pytest.approx(expected, rel=1e-5)
    assert float(full.detach()) > float(empty.detach())
    assert float(tally[3]) == 2 * float((~same).sum())


@pytest.mark.parametrize("part", ["motions", "texts"])
def test_it_is_two_sided(part):
    # A pair in the queue whose motion (text) is that of an anchor: its text (motion) anchor meets it.
    eye = torch.eye(4)
    motions, texts = eye[:2], eye[:2]
    earlier = {"motions": eye[2:3], "texts": eye[3:]}
    earlier[part] = eye[:1]
    all_motions, all_texts = torch.cat([motions, earlier["motions"]]), torch.cat([texts, earlier["texts"]])
    same = torch.eye(2, 3, dtype=torch.bool)
    both = directions(motions, texts, all_motions, all_texts, torch.arange(2), same, ~same & same)
    met = {d.modality: max_hinge(d).tolist() for d in both}
    meeting, other = ("text", "motion") if part == "motions" else ("motion", "text")
    assert met[meeting] == pytest.approx([0.2, 0])
    assert met[other] == [0, 0]


def test_an_anchors_own_earlier_self_is_no_negative():
    learner, (batch, *_) = learner_with(12)
    learner.model.eval()
    queue = learner.queue
    before, _ = batch_loss(learner, batch, 0)
    motions, texts = queue.embed(learner.model, batch)
    queue.push(Keys(motions, texts, batch.sentences, batch.items, batch.text_ids))
    after, _ = batch_loss(learner, batch, 0)
    # The very same batch again: its negatives are there twice, its positives are left out.
    assert float(after.detach()) == pytest.approx(float(before.detach()), rel=1e-5)


def test_a_queue_goes_on_from_its_state(tmp_path):
    learner, batches = learner_with(6)
    for batch in batches[:2]:
        learn(learner, batch, 0, 0.5)
    assert learner.queue.place  # in the middle
    torch.save(learner.queue.state_dict(), tmp_path / "queue.pt")
    fresh = make_queue(learner.config, learner_with(6)[0].model)
    fresh.load_state_dict(torch.load(tmp_path / "queue.pt", weights_only=True))
    for queue in (learner.queue, fresh):
        motions, texts = queue.embed(learner.model, batches[2])
        one = batches[2]
        queue.push(Keys(motions, texts, one.sentences, one.items, one.text_ids))
    parts = zip(vars(fresh.contents()).values(), vars(learner.queue.contents()).values(), strict=True)
    assert all(torch.equal(one, two) for one, two in parts)
    assert (fresh.filled, fresh.place) == (learner.queue.filled, learner.queue.place)


class Small(nn.Module):
    def __init__(self, value):
        super().__init__()
        self.weight = nn.Parameter(torch.full((3,), value, dtype=torch.float64))
        self.register_buffer("seen", torch.tensor(int(value)))


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 1), st.floats(-5, 5), st.floats(-5, 5), st.integers(1, 20))
def test_the_moving_average_of_a_model_that_stays_is_known(decay, start, value, steps):
    average, model = Small(start), Small(value)
    for _ in range(steps):
        moving_average(average, model, decay)
    expected = decay**steps * start + (1 - decay**steps) * value
    assert average.weight.tolist() == pytest.approx([expected] * 3, abs=1e-12)
    assert int(average.seen) == int(value)  # buffers are copied


@pytest.mark.parametrize("start", [0.1, 1e8])
def test_the_ends_of_the_moving_average_are_exact(start):
    average, model = Small(start), Small(1 / 3)
    moving_average(average, model, 1.0)
    assert torch.equal(average.weight, Small(start).weight)
    moving_average(average, model, 0.0)
    assert torch.equal(average.weight, model.weight)


def test_the_model_that_is_followed_stays_as_it_is():
    average, model = Small(0.0), Small(1.0)
    before = copy.deepcopy(model.state_dict())
    moving_average(average, model, 0.25)
    assert average.weight.tolist() == [0.75] * 3
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert model.weight.grad is None


def test_keys_of_another_precision_take_the_queues_own():
    queue = queue_of(2)
    new = pairs_numbered(0, 2)
    queue.push(replace(new, motions=new.motions.bfloat16()))
    assert queue.contents().motions.dtype == torch.float32
