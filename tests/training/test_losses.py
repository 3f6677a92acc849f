"""The losses against plain loops, and what each promises."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from motionary_training.losses import drop_triple, max_hinge, sum_hinge


def batch(seed: int, size: int, *, alike: bool = True) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """S, M, T and same of random unit vectors, two of whose pairs show one motion if there are three."""
    draw = torch.Generator().manual_seed(seed)
    motions, texts = (
        torch.nn.functional.normalize(torch.randn(size, 4, generator=draw, dtype=torch.float64), dim=1)
        for _ in range(2)
    )
    same = torch.eye(size, dtype=torch.bool)
    if alike and size > 2:
        same[0, 2] = same[2, 0] = True
    return motions @ texts.T, motions @ motions.T, texts @ texts.T, same


def by_loops(S, M, T, same, *, kind, margin=0.2, hetero=0.7, homo=0.9):
    total = 0.0
    for scores, anchors, candidates in ((S, M, T), (S.T, T, M)):
        for i in range(len(S)):
            worst = [0.0]
            for j in range(len(S)):
                dropped = kind == "drop" and (anchors[i, j] > hetero or candidates[i, j] > homo)
                if i != j and not same[i, j] and not dropped:
                    worst.append(max(0.0, float(margin + scores[i, j] - scores[i, i])))
            total += sum(worst) if kind == "sum" else max(worst)
    return total


sizes, seeds = st.integers(2, 9), st.integers(0, 10_000)


@given(seeds, sizes)
def test_losses_equal_plain_loops(seed, size):
    S, M, T, same = batch(seed, size)
    assert float(sum_hinge(S, same)) == pytest.approx(by_loops(S, M, T, same, kind="sum"), abs=1e-12)
    assert float(max_hinge(S, same)) == pytest.approx(by_loops(S, M, T, same, kind="max"), abs=1e-12)
    expected = by_loops(S, M, T, same, kind="drop", hetero=0.3, homo=0.4)
    loss = drop_triple(S, M, T, same, hetero_threshold=0.3, homo_threshold=0.4)
    assert float(loss) == pytest.approx(expected, abs=1e-12)


@given(seeds, sizes)
def test_thresholds_of_one_and_more_give_the_max_hinge_exactly(seed, size):
    S, M, T, same = (tensor.float() if tensor.is_floating_point() else tensor for tensor in batch(seed, size))
    loose = drop_triple(S, M, T, same, hetero_threshold=1.001, homo_threshold=1.001)
    assert torch.equal(loose, max_hinge(S, same))


@given(seeds, sizes)
def test_sum_is_never_below_max_and_max_never_below_drop(seed, size):
    S, M, T, same = batch(seed, size)
    assert sum_hinge(S, same) >= max_hinge(S, same) >= drop_triple(S, M, T, same)


@given(seeds, sizes)
def test_the_order_of_the_batch_does_not_matter(seed, size):
    S, M, T, same = batch(seed, size)
    order = torch.randperm(size, generator=torch.Generator().manual_seed(seed))
    shuffled = (matrix[order][:, order] for matrix in (S, M, T, same))
    assert float(drop_triple(*shuffled)) == pytest.approx(float(drop_triple(S, M, T, same)))


def test_all_negatives_dropped_is_zero_with_zero_gradient():
    # The reference code scores a dropped negative 0 and would leave margin - 0.05 here.
    S = torch.full((3, 3), 0.05, requires_grad=True)
    alike = torch.ones(3, 3)
    loss = drop_triple(S, alike, alike, torch.eye(3, dtype=torch.bool))
    loss.backward()
    assert loss == 0
    assert torch.equal(S.grad, torch.zeros(3, 3))


def test_dropped_entries_and_other_captions_of_the_motion_get_no_gradient():
    S, M, T, same = batch(3, 8)
    S.requires_grad_()
    drop_triple(S, M, T, same, margin=2.0, hetero_threshold=0.2, homo_threshold=0.2).backward()
    dropped = ((M > 0.2) | (T > 0.2) | same) & ~torch.eye(8, dtype=torch.bool)
    assert dropped.any()
    assert (S.grad[dropped] == 0).all()
    assert (S.grad[~dropped] != 0).any()


def test_the_roles_of_the_thresholds_swap_with_the_direction():
    S, eye = torch.tensor([[0.5, 0.45], [0.45, 0.5]]), torch.eye(2, dtype=torch.bool)
    motions_alike = torch.full((2, 2), 0.8)  # above hetero, below homo
    # Motion anchors drop (their own modality is above hetero); text anchors keep: 2 x 0.15.
    assert float(drop_triple(S, motions_alike, torch.eye(2), eye)) == pytest.approx(0.3)


def test_no_gradient_flows_through_the_similarities_that_choose():
    S, M, T, same = batch(5, 6)
    M.requires_grad_(), T.requires_grad_(), S.requires_grad_()
    drop_triple(S, M, T, same, margin=1.0).backward()
    assert M.grad is None
    assert T.grad is None


@pytest.mark.parametrize("kind", ["sum", "max", "drop"])
def test_gradients_agree_with_finite_differences(kind):
    S, M, T, same = batch(11, 6)
    losses = {
        "sum": lambda scores: sum_hinge(scores, same),
        "max": lambda scores: max_hinge(scores, same),
        "drop": lambda scores: drop_triple(scores, M, T, same),
    }
    S.requires_grad_()
    assert losses[kind](S) > 0
    assert torch.autograd.gradcheck(losses[kind], (S,))


def test_bfloat16_keeps_the_positives():
    # A bfloat16 self-similarity falls below 1 - 1e-6, where the reference code would drop the positive.
    S, M, T, same = batch(7, 8)
    coarse = drop_triple(S.bfloat16(), M.bfloat16() * 0.99, T.bfloat16() * 0.99, same)
    assert torch.isfinite(coarse)
    assert float(coarse) == pytest.approx(float(drop_triple(S, M, T, same)), rel=0.05)


def test_two_pairs_of_one_motion_have_no_negatives():
    S = torch.tensor([[0.1, 0.9], [0.9, 0.1]])
    everything = torch.ones(2, 2, dtype=torch.bool)
    assert float(sum_hinge(S, everything)) == float(max_hinge(S, everything)) == 0


@pytest.mark.parametrize("function", [sum_hinge, max_hinge, drop_triple])
def test_docstring_examples_run(function):
    import doctest

    module = __import__(function.__module__, fromlist=["x"])
    outcome = doctest.testmod(module)
    assert outcome.attempted > 0
    assert outcome.failed == 0
