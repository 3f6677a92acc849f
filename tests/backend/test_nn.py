"""The layers against their definitions in float64, and against torch where it is installed."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionary import nn


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_erf_is_the_exact_one():
    x = np.linspace(-6, 6, 100_001, dtype=np.float32)
    exact = np.array([math.erf(value) for value in x.tolist()])
    np.testing.assert_allclose(nn.erf(x), exact, rtol=0, atol=5e-7)
    small = np.geomspace(1e-30, 1e-3, 500, dtype=np.float32)
    np.testing.assert_allclose(nn.erf(small), [math.erf(v) for v in small.tolist()], rtol=5e-7)


def test_erf_at_its_ends():
    x = np.array([[0, -0.0, np.inf], [-np.inf, 1e30, np.nan]], np.float32)
    np.testing.assert_allclose(nn.erf(x), [[0, 0, 1], [-1, 1, np.nan]], atol=3e-7)
    assert nn.erf(np.empty((0, 3), np.float32)).shape == (0, 3)


def test_erf_of_an_array_longer_than_a_block_is_that_of_its_parts():
    x = normal(3, 20_000)
    np.testing.assert_array_equal(nn.erf(x)[2, 12_345:12_350], nn.erf(x[2, 12_345:12_350]))
    np.testing.assert_array_equal(nn.erf(x.T), nn.erf(x).T)


def test_gelu_is_exact_and_not_the_tanh_approximation():
    x = np.linspace(-8, 8, 10_001, dtype=np.float32)
    exact = np.array([v * 0.5 * (1 + math.erf(v / math.sqrt(2))) for v in x.tolist()])
    tanh = 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x.astype(float) ** 3)))
    assert np.abs(exact - tanh).max() > 1e-4
    np.testing.assert_allclose(nn.gelu(x), exact, atol=2e-6)


def test_softmax_sums_to_one_and_gives_nothing_to_what_is_masked():
    x = normal(4, 7) * 100
    x[:, 5:] = -np.inf
    result = nn.softmax(x)
    np.testing.assert_allclose(result.sum(-1), 1, rtol=1e-6)
    assert not result[:, 5:].any()


def test_layer_norm_is_its_definition():
    x, weight, bias = normal(2, 5, 64) * 3 + 7, normal(64, seed=1), normal(64, seed=2)
    wide = x.astype(np.float64)
    centred = (wide - wide.mean(-1, keepdims=True)) / np.sqrt(wide.var(-1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(
        nn.layer_norm(x, nn.Affine(weight, bias), 1e-5), centred * weight + bias, atol=1e-5
    )


def test_linear_keeps_the_leading_dimensions():
    x, layer = normal(2, 3, 4), nn.Affine(normal(5, 4, seed=1), normal(5, seed=2))
    np.testing.assert_allclose(
        nn.linear(x, layer), np.einsum("abi,oi->abo", x, layer.weight) + layer.bias, atol=1e-6
    )


def test_a_row_of_zeros_stays_one():
    np.testing.assert_allclose(nn.unit_rows(np.array([[3, 4], [0, 0]], np.float32)), [[0.6, 0.8], [0, 0]])


def test_attention_is_torch_s():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    module = torch.nn.MultiheadAttention(24, 4, batch_first=True).eval()
    x, keep = normal(3, 6, 24), np.arange(6) < np.array([[6], [1], [4]])
    with torch.no_grad():
        module.in_proj_bias.normal_()
        theirs, _ = module(*[torch.tensor(x)] * 3, key_padding_mask=torch.tensor(~keep))
    qkv = nn.Affine(module.in_proj_weight.detach().numpy(), module.in_proj_bias.detach().numpy())
    out = nn.Affine(module.out_proj.weight.detach().numpy(), module.out_proj.bias.detach().numpy())
    np.testing.assert_allclose(nn.attention(x, qkv, out, 4, keep)[keep], theirs.numpy()[keep], atol=1e-6)


@given(st.lists(st.integers(1, 300), max_size=60), st.integers(1, 1000))
def test_batches_hold_every_sequence_once_within_the_budget(lengths, budget):
    groups = list(nn.batches(lengths, budget))
    assert sorted(int(i) for group in groups for i in group) == list(range(len(lengths)))
    for group in groups:
        assert len(group) == 1 or len(group) * max(lengths[i] for i in group) <= budget
        assert lengths[group[-1]] == max(lengths[i] for i in group)
        is_even = lengths[group[-1]] <= nn.PADDED * lengths[group[0]]
        assert is_even or (len(group) - 1) * lengths[group[-2]] < nn.ENOUGH
