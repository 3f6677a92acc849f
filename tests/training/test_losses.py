"""The losses against plain loops and finite differences, and what each promises."""

import doctest
import importlib
import pkgutil
from dataclasses import replace

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from motionary_training import losses
from motionary_training.config import LossConfig
from motionary_training.losses import (
    anchor_losses,
    by_text,
    directions,
    drop_triple,
    dropped,
    in_batch,
    info_nce,
    max_hinge,
    needs_guide,
    own_mask,
    soft_info_nce,
    sum_hinge,
)
from tests.training.loss_batches import MODALITIES, both, drawn, dropped_by_loops, losses_by_loops, one

seeds, anchors, others, kinds = (
    st.integers(0, 10_000),
    st.integers(2, 7),
    st.integers(0, 5),
    st.sampled_from([0, 2, 4]),
)
modalities = st.sampled_from(MODALITIES)
few = settings(max_examples=25, deadline=None)

WARM, COLD = torch.tensor(0.3, dtype=torch.float64), torch.tensor(0.07)

FILTERED = {
    "drop_triple": lambda d, left_out: drop_triple(d, dropped=left_out),
    "info_nce": lambda d, left_out: info_nce(d, temperature=WARM.to(d.scores), dropped=left_out),
}
"""Those that take dropped negatives."""
ALL = {
    "sum_hinge": lambda d, left_out: sum_hinge(d),
    "max_hinge": lambda d, left_out: max_hinge(d),
    "soft_info_nce": lambda d, left_out: soft_info_nce(
        d, temperature=WARM.to(d.scores), target_temperature=0.2
    ),
    **FILTERED,
}
LOOPS = {
    "sum_hinge": "sum",
    "max_hinge": "max",
    "drop_triple": "max",
    "info_nce": "nce",
    "soft_info_nce": "soft",
}
"""What ``losses_by_loops`` calls them."""


def alike(d):
    """Negatives that a filter with low thresholds drops: about half of them."""
    return in_batch(d, hetero_threshold=0.4, homo_threshold=0.6)


@pytest.mark.parametrize("name", ALL)
@few
@given(seeds, anchors, others, kinds, modalities)
def test_equals_plain_loops_also_with_more_candidates_than_anchors(
    name, seed, anchors, others, kinds, modality
):
    batch = drawn(seed, anchors, others, kinds=kinds)
    d = one(batch, modality)
    left_out = dropped_by_loops(batch, modality, "swapping", 0.4, 0.6)
    expected = losses_by_loops(batch, modality, LOOPS[name], left_out if name in FILTERED else None)
    assert ALL[name](d, torch.tensor(left_out)).tolist() == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=5, deadline=None)
@given(seeds, modalities)
def test_gradients_agree_with_finite_differences(name, seed, modality):
    batch = drawn(seed, 4, 2, kinds=5)
    left_out = alike(one(batch, modality))
    assume(away_from_kinks(one(batch, modality), left_out if name == "drop_triple" else None))

    def loss(motions, texts):
        motions, texts = F.normalize(motions, dim=1), F.normalize(texts, dim=1)
        return ALL[name](one(replace(batch, motions=motions, texts=texts), modality), left_out)

    vectors = [vectors.clone().requires_grad_() for vectors in (batch.motions, batch.texts)]
    assert torch.autograd.gradcheck(loss, vectors)


def away_from_kinks(d, left_out):
    """No hinge is near 0, and no two hardest negatives are near a tie."""
    none = d.same | own_mask(d) | (torch.zeros_like(d.same) if left_out is None else left_out)
    hinges = (0.2 + d.scores - d.scores.gather(1, d.own[:, None])).masked_fill(none, -5)
    hardest = hinges.topk(2, dim=1).values
    ties = (hardest[:, 0] > 0) & ((hardest[:, 0] - hardest[:, 1]) < 1e-3)
    return not bool((hinges.abs() < 1e-3).any() or ties.any())


@pytest.mark.parametrize("function", [info_nce, soft_info_nce])
def test_the_temperature_is_learnt_too(function):
    d = one(drawn(3), "text")
    temperature = WARM.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda t: function(d, temperature=t), (temperature,))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("others", [0, 8])
def test_bfloat16_vectors_and_autocast_give_nearly_what_float32_gives(name, modality, others):
    batch = drawn(7, 16, others, kinds=9)
    fine = one(batch, modality, torch.float32)
    left_out = alike(fine)
    expected = ALL[name](fine, left_out)
    # A score is off by 2^-8 at most, once in the vectors and once in the product, as is the positive's.
    off = 4 * 2**-8 * {"sum_hinge": 16 + others, "info_nce": 1 / 0.3, "soft_info_nce": 1 / 0.3}.get(name, 1)
    with torch.autocast("cpu", torch.bfloat16):
        cast = one(batch, modality, torch.float32)
    coarse = one(batch, modality, torch.bfloat16)
    for d in (coarse, cast):
        assert d.scores.dtype == torch.bfloat16
        scores = d.scores.detach().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=d is cast):
            found = ALL[name](replace(d, scores=scores), left_out)
        assert torch.allclose(found.float(), expected, rtol=0, atol=off)
        found.sum().backward()
        assert bool(scores.grad.isfinite().all())


@few
@given(seeds, anchors, others, kinds, modalities, st.sampled_from([torch.float32, torch.bfloat16]))
def test_thresholds_of_one_give_the_max_hinge_exactly(seed, anchors, others, kinds, modality, dtype):
    batch = drawn(seed, anchors, others, kinds=kinds)
    # The same vectors twice: their cosine is 1, or a little above by rounding.
    batch = replace(batch, motions=batch.motions[:1].expand_as(batch.motions))
    d = one(batch, modality, dtype)
    left_out = in_batch(d, hetero_threshold=1.0, homo_threshold=1.0)
    assert torch.equal(drop_triple(d, dropped=left_out), max_hinge(d))
    assert torch.equal(drop_triple(d), max_hinge(d))


@few
@given(seeds, anchors, others, kinds, modalities)
def test_sum_is_never_below_max_and_max_never_below_drop(seed, anchors, others, kinds, modality):
    d = one(drawn(seed, anchors, others, kinds=kinds), modality)
    most, hardest, fewer = sum_hinge(d), max_hinge(d), drop_triple(d, dropped=alike(d))
    assert bool((most >= hardest - 1e-12).all())
    assert bool((hardest >= fewer).all())
    assert bool((fewer >= 0).all())


@pytest.mark.parametrize("name", ALL)
@few
@given(seeds, anchors, others, kinds, modalities)
def test_the_order_of_the_batch_does_not_matter(name, seed, anchors, others, kinds, modality):
    batch = drawn(seed, anchors, others, kinds=kinds)
    draw = torch.Generator().manual_seed(seed)
    order, turn = (torch.randperm(n, generator=draw) for n in (anchors + others, anchors))
    place = torch.argsort(order)
    vectors = {key: getattr(batch, key)[order] for key in ("motions", "texts", "sentences")}
    tables = {key: getattr(batch, key)[order][:, order] for key in ("same", "certain")}
    shuffled = replace(batch, own=place[batch.own[turn]], **vectors, **tables)
    d, other = one(batch, modality), one(shuffled, modality)
    assert torch.allclose(ALL[name](d, alike(d))[turn], ALL[name](other, alike(other)), atol=1e-12)


@pytest.mark.parametrize("name", FILTERED)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_all_negatives_dropped_is_exactly_zero_with_zero_gradient(name, dtype):
    scores = torch.full((3, 5), 0.05, dtype=dtype, requires_grad=True)
    d = replace(one(drawn(1, 3, 2), "motion", dtype), scores=scores)
    loss = FILTERED[name](d, ~own_mask(d))
    loss.sum().backward()
    assert loss.tolist() == [0, 0, 0]
    assert torch.equal(scores.grad, torch.zeros_like(scores))


def test_a_learnt_temperature_survives_when_all_negatives_are_dropped():
    d = one(drawn(1, 3, 2), "motion")
    temperature = WARM.clone().requires_grad_()
    info_nce(d, temperature=temperature, dropped=~own_mask(d)).sum().backward()
    assert float(temperature.grad) == 0


def test_a_dropped_negative_is_removed_where_the_reference_code_scores_it_zero():
    # One pair, poorly matched, and one negative that is dropped. Scored 0 it costs margin - 0.05.
    scores = torch.tensor([[0.05, 0.9]], requires_grad=True)
    table = torch.tensor([[False, False]])
    d = replace(one(drawn(0, 1, 1), "motion"), scores=scores, own=torch.tensor([0]), same=table)
    left_out = torch.tensor([[False, True]])
    by_the_reference = 0.2 + scores.masked_fill(left_out, 0)[0, 1] - scores[0, 0]
    assert float(by_the_reference.detach()) == pytest.approx(0.15)
    loss = drop_triple(d, margin=0.2, dropped=left_out)
    loss.sum().backward()
    assert loss.tolist() == [0]
    assert scores.grad.tolist() == [[0, 0]]


@pytest.mark.parametrize("name", FILTERED)
def test_dropped_entries_and_other_captions_of_the_motion_get_no_gradient(name):
    batch = drawn(3, 8, 4, kinds=5)
    d = one(batch, "text")
    d = replace(d, scores=d.scores.clone().requires_grad_())
    left_out = alike(d)
    FILTERED[name](d, left_out).sum().backward()
    none = (left_out | d.same) & ~own_mask(d)
    assert bool(left_out.any())
    assert bool((d.same & ~own_mask(d)).any())
    assert bool((d.scores.grad[none] == 0).all())
    assert bool((d.scores.grad[~none] != 0).any())


@pytest.mark.parametrize("name", ["sum_hinge", "max_hinge", "drop_triple", "info_nce"])
def test_two_pairs_of_one_motion_are_no_negatives_of_each_other(name):
    d = one(drawn(4, 2, kinds=1), "motion")
    assert ALL[name](d, torch.zeros_like(d.same)).tolist() == [0, 0]


@pytest.mark.parametrize("name", FILTERED)
@few
@given(seeds, modalities)
def test_a_dropped_positive_counts_all_the_same(name, seed, modality):
    d = one(drawn(seed, 5, 3), modality)
    left_out = alike(d)
    assert torch.equal(FILTERED[name](d, left_out | own_mask(d)), FILTERED[name](d, left_out))


def test_no_gradient_flows_through_the_similarities_that_choose():
    vectors = F.normalize(
        torch.randn(4, 3, generator=torch.Generator().manual_seed(0)), dim=1
    ).requires_grad_()
    eye = torch.eye(4, dtype=torch.bool)
    for d in directions(*[vectors] * 4, torch.arange(4), eye, torch.zeros_like(eye)):
        assert d.scores.requires_grad
        assert not d.anchors.requires_grad
        assert not d.candidates.requires_grad


def test_cold_info_nce_is_the_hardest_negative():
    d = one(drawn(8), "motion")
    cold = torch.tensor(1e-4, dtype=torch.float64)
    assert (cold * info_nce(d, temperature=cold)).tolist() == pytest.approx(
        max_hinge(d, margin=0).tolist(), abs=1e-3
    )


def test_soft_info_nce_with_cold_targets_is_info_nce():
    d = one(drawn(8), "motion")
    soft = soft_info_nce(d, temperature=WARM, target_temperature=1e-5)
    assert soft.tolist() == pytest.approx(info_nce(d, temperature=WARM).tolist())


def test_soft_info_nce_wants_no_certain_negative_near():
    batch = drawn(2, 3)
    certain = ~torch.eye(3, dtype=torch.bool)
    d = one(replace(batch, sentences=batch.sentences[:1].expand(3, 3), certain=certain), "text")
    assert soft_info_nce(d, temperature=WARM).tolist() == pytest.approx(
        info_nce(d, temperature=WARM).tolist()
    )


def test_soft_info_nce_asks_for_the_captions():
    with pytest.raises(ValueError, match="soft_info_nce needs the captions' cosines"):
        soft_info_nce(replace(one(drawn(0), "text"), guide=None), temperature=WARM)


CHOSEN = {
    "sum_hinge": (LossConfig("sum_hinge", margin=0.3), lambda d: sum_hinge(d, margin=0.3)),
    "max_hinge": (LossConfig("max_hinge", margin=0.3), lambda d: max_hinge(d, margin=0.3)),
    "drop_triple": (
        LossConfig("drop_triple", margin=0.3, hetero_threshold=0.4, homo_threshold=0.6),
        lambda d: drop_triple(d, margin=0.3, dropped=alike(d)),
    ),
    "drop_triple symmetric": (
        LossConfig("drop_triple", convention="symmetric", hetero_threshold=0.4, homo_threshold=0.6),
        lambda d: drop_triple(
            d, dropped=in_batch(d, hetero_threshold=0.4, homo_threshold=0.6, convention="symmetric")
        ),
    ),
    "drop_triple text": (
        LossConfig("drop_triple", filter="text", text_threshold=0.1),
        lambda d: drop_triple(d, dropped=by_text(d, threshold=0.1)),
    ),
    "info_nce": (LossConfig("info_nce", filter="none"), lambda d: info_nce(d, temperature=COLD)),
    "info_nce in_batch": (
        LossConfig("info_nce", hetero_threshold=0.4, homo_threshold=0.6),
        lambda d: info_nce(d, temperature=COLD, dropped=alike(d)),
    ),
    "info_nce text": (
        LossConfig("info_nce", filter="text", text_threshold=0.1),
        lambda d: info_nce(d, temperature=COLD, dropped=by_text(d, threshold=0.1)),
    ),
    "soft_info_nce": (
        LossConfig("soft_info_nce", target_temperature=0.3),
        lambda d: soft_info_nce(d, temperature=COLD, target_temperature=0.3),
    ),
}


@pytest.mark.parametrize("name", CHOSEN)
def test_a_config_chooses_its_loss_once_the_warm_up_is_over(name):
    config, expected = CHOSEN[name]
    for d in both(drawn(5, 8, 4, kinds=9)):
        warming, after = (anchor_losses(config, epoch, d, COLD) for epoch in (4, 5))
        assert torch.equal(warming, sum_hinge(d, margin=config.margin))
        assert torch.equal(after, expected(d))
        assert not dropped(config, 4, d).any()
        filters = config.name in ("drop_triple", "info_nce") and config.filter != "none"
        assert bool(dropped(config, 5, d).any()) == filters


def test_only_what_reads_captions_asks_for_them():
    asking = {name for name, (config, _) in CHOSEN.items() if needs_guide(config)}
    assert asking == {"drop_triple text", "info_nce text", "soft_info_nce"}
    d = replace(one(drawn(5), "text"), guide=None)
    for name in CHOSEN.keys() - asking:
        assert anchor_losses(CHOSEN[name][0], 9, d, COLD).shape == (6,)


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(losses.__path__)])
def test_docstring_examples_run(name):
    outcome = doctest.testmod(importlib.import_module(f"motionary_training.losses.{name}"))
    assert outcome.failed == 0
    assert outcome.attempted > 0 or name not in ALL
