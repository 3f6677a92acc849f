"""Which negatives are dropped: both rules, both conventions of the thresholds, against plain loops."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from motionary_training.config import LossConfig
from motionary_training.losses import by_text, drop_triple, in_batch, own_mask
from tests.training.loss_batches import MODALITIES, both, drawn, dropped_by_loops, one

seeds, anchors, others, kinds = (
    st.integers(0, 10_000),
    st.integers(2, 7),
    st.integers(0, 5),
    st.sampled_from([0, 3]),
)
modalities, conventions = st.sampled_from(MODALITIES), st.sampled_from(["swapping", "symmetric"])
cosines = st.floats(-0.5, 1.2)
few = settings(max_examples=30, deadline=None)


@few
@given(seeds, anchors, others, kinds, modalities, conventions, cosines, cosines)
def test_both_conventions_equal_plain_loops(seed, anchors, others, kinds, modality, convention, hetero, homo):
    batch = drawn(seed, anchors, others, kinds=kinds)
    d = one(batch, modality)
    found = in_batch(d, hetero_threshold=hetero, homo_threshold=homo, convention=convention)
    assert found.tolist() == dropped_by_loops(batch, modality, convention, hetero, homo)


@few
@given(seeds, anchors, others, kinds, modalities, cosines)
def test_the_rule_by_text_equals_plain_loops(seed, anchors, others, kinds, modality, threshold):
    batch = drawn(seed, anchors, others, kinds=kinds)
    found = by_text(one(batch, modality), threshold=threshold)
    assert found.tolist() == dropped_by_loops(batch, modality, "text", threshold, 0)


def test_the_conventions_differ_for_text_anchors_alone():
    batch = drawn(9, 12)
    limits = {"hetero_threshold": 0.3, "homo_threshold": 0.8}
    swapping, symmetric = (
        [in_batch(d, **limits, convention=convention) for d in both(batch)]
        for convention in ("swapping", "symmetric")
    )
    assert torch.equal(swapping[0], symmetric[0])
    assert not torch.equal(swapping[1], symmetric[1])
    # Symmetric: one mask serves both directions. Swapping: the modalities' limits change places.
    assert torch.equal(symmetric[0], symmetric[1])
    turned = replace(batch, motions=batch.texts, texts=batch.motions)
    assert torch.equal(swapping[1], in_batch(one(turned, "motion"), **limits))


def test_the_conventions_agree_where_both_thresholds_are_equal():
    for d in both(drawn(9, 12)):
        swapping, symmetric = (
            in_batch(d, hetero_threshold=0.5, homo_threshold=0.5, convention=convention)
            for convention in ("swapping", "symmetric")
        )
        assert torch.equal(swapping, symmetric)
        assert swapping.any()


def test_two_alike_motions_are_dropped_for_the_motion_and_kept_for_the_text():
    # Motions 0.8 alike: above hetero 0.7, below homo 0.9. Texts at right angles. Each scores 0.5, 0.45.
    motions_alike = torch.tensor([[1, 0.8], [0.8, 1]])
    scores = torch.tensor([[0.5, 0.45], [0.45, 0.5]])
    none = torch.zeros(2, 2, dtype=torch.bool)
    to_text, to_motion = both(drawn(0, 2))
    to_text = replace(to_text, scores=scores, anchors=motions_alike, candidates=torch.eye(2), certain=none)
    to_motion = replace(
        to_motion, scores=scores, anchors=torch.eye(2), candidates=motions_alike, certain=none
    )
    limits = {"hetero_threshold": 0.7, "homo_threshold": 0.9}
    lost = [drop_triple(d, dropped=in_batch(d, **limits)).tolist() for d in (to_text, to_motion)]
    assert lost == [[0, 0], pytest.approx([0.15, 0.15])]
    symmetric = in_batch(to_motion, **limits, convention="symmetric")
    assert drop_triple(to_motion, dropped=symmetric).tolist() == [0, 0]


@few
@given(seeds, anchors, others, kinds, modalities, conventions)
def test_no_filter_drops_a_positive_or_a_certain_negative(seed, anchors, others, kinds, modality, convention):
    batch = drawn(seed, anchors, others, kinds=kinds)
    certain = (
        torch.rand(batch.same.shape, generator=torch.Generator().manual_seed(seed)) < 0.5
    ) & ~batch.same
    d = one(replace(batch, certain=certain), modality)
    keep = d.certain | own_mask(d)
    for found in (
        in_batch(d, hetero_threshold=-1.5, homo_threshold=-1.5, convention=convention),
        by_text(d, threshold=-1.5),
    ):
        assert torch.equal(found, ~keep)


def test_a_certain_negative_stays_in_the_loss():
    batch = drawn(6, 2)
    d = one(replace(batch, certain=~torch.eye(2, dtype=torch.bool)), "motion")
    everything = in_batch(d, hetero_threshold=-1.5, homo_threshold=-1.5)
    assert torch.equal(drop_triple(d, margin=2.0, dropped=everything), drop_triple(d, margin=2.0))
    assert bool((drop_triple(d, margin=2.0) > 0).any())


def test_the_positive_is_kept_in_bfloat16():
    # By rounding its cosine with itself is far from 1: the reference code tells it by "below 1 - 1e-6".
    vectors = drawn(7, 32)
    d = one(vectors, "motion", torch.bfloat16)
    itself = d.anchors.diagonal()
    assert bool((itself < 1 - 1e-6).any())
    assert not in_batch(d, hetero_threshold=0.5, homo_threshold=0.5).diagonal().any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("modality", MODALITIES)
def test_a_threshold_of_one_drops_nothing_though_rounding_carries_cosines_above(modality, dtype):
    batch = drawn(3, 32)
    alike = {"motions": batch.motions[:1].expand(32, 3), "texts": batch.texts[:1].expand(32, 3)}
    d = one(replace(batch, **alike), modality, dtype)
    d = replace(d, anchors=d.anchors + 0.01)
    assert bool((d.anchors > 1).all())
    for convention in ("swapping", "symmetric"):
        assert not in_batch(d, hetero_threshold=1.0, homo_threshold=1.0, convention=convention).any()


def test_the_default_text_threshold_is_tmrs():
    # TMR puts cosines on a scale of 0 to 1, (1 + cosine) / 2, and drops above 0.8 there.
    d = one(drawn(11, 40), "text")
    expected = ((1 + d.guide) / 2 > 0.8) & ~own_mask(d) & ~d.certain
    assert torch.equal(by_text(d, threshold=LossConfig().text_threshold), expected)
    assert expected.any()


def test_the_rule_by_text_asks_for_the_captions():
    with pytest.raises(ValueError, match="the text filter needs the captions' cosines"):
        by_text(replace(one(drawn(0), "text"), guide=None), threshold=0.6)
