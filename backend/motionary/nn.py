"""The few layers that the encoders are made of, in numpy, float32, at inference.

A batch of sequences is (N, L, D): N sequences padded to L steps of D values. ``keep`` (N, L) is True where a
step is real and False where it is padding; None says that all are real.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Affine",
    "Array",
    "Layer",
    "attention",
    "batches",
    "encoder_layer",
    "erf",
    "gelu",
    "layer_norm",
    "linear",
    "sigmoid",
    "softmax",
    "unit_rows",
]

ENOUGH = 256
"""Steps that a matrix product needs to be at its best."""
PADDED = 1.1
"""How much longer than its shortest the longest of a group may be, where the group has enough without it."""

Array = NDArray[np.float32]

# erf(x) = x P(x²) / Q(x²) on [-4, 4], highest power first: the rational approximation of Eigen and XLA.
_ERF_P = (
    -2.72614225801306e-10,
    2.77068142495902e-08,
    -2.10102402082508e-06,
    -5.69250639462346e-05,
    -7.34990630326855e-04,
    -2.95459980854025e-03,
    -1.60960333262415e-02,
)
_ERF_Q = (
    -1.45660718464996e-05,
    -2.13374055278905e-04,
    -1.68282697438203e-03,
    -7.37332916720468e-03,
    -1.42647390514189e-02,
)
_BLOCK = 16384  # values a step of erf works on: its four float32 buffers stay in the processor's cache


class Affine(NamedTuple):
    """A weight and a bias: of a linear layer (out, in) and (out,), of a layer norm (D,) and (D,)."""

    weight: Array
    bias: Array


class Layer(NamedTuple):
    """One post-norm Transformer layer; BERT's, DistilBERT's and torch's are the same but for their names.

    qkv: (3 D, D), the query, key and value projections one above the other. out: (D, D). norm1 follows the
    attention, norm2 the feed-forward pair: up (F, D), down (D, F).
    """

    qkv: Affine
    out: Affine
    norm1: Affine
    up: Affine
    down: Affine
    norm2: Affine


def linear(x: Array, layer: Affine) -> Array:
    """x (..., in) @ weight.T + bias, (..., out), as one matrix product whatever the leading dimensions."""
    flat: Array = x.reshape(-1, x.shape[-1]) @ layer.weight.T
    flat += layer.bias
    return flat.reshape(*x.shape[:-1], len(layer.bias))


def layer_norm(x: Array, layer: Affine, eps: float) -> Array:
    """Each row of x (..., D) to mean 0 and (biased) variance 1, then scaled and shifted."""
    centred: Array = x - x.mean(axis=-1, keepdims=True)
    variance = np.einsum("...d,...d->...", centred, centred)[..., None] / np.float32(x.shape[-1])
    centred *= 1 / np.sqrt(variance + np.float32(eps))
    centred *= layer.weight
    centred += layer.bias
    return centred


def erf(x: Array) -> Array:
    """The error function of float32 values, within 5e-7 of the exact one; NaN stays NaN."""
    result = np.empty(x.size, np.float32)
    values = np.ascontiguousarray(x, np.float32).reshape(-1)
    for start in range(0, x.size, _BLOCK):
        clipped: Array = np.clip(values[start : start + _BLOCK], -4, 4)
        square = clipped * clipped
        clipped *= _horner(_ERF_P, square)
        np.divide(clipped, _horner(_ERF_Q, square), out=result[start : start + _BLOCK])
    return result.reshape(x.shape)


def _horner(coefficients: Sequence[float], x: Array) -> Array:
    value = x * np.float32(coefficients[0])
    for coefficient in coefficients[1:-1]:
        value += np.float32(coefficient)
        value *= x
    value += np.float32(coefficients[-1])
    return value


def gelu(x: Array) -> Array:
    """x Φ(x) with the exact Φ (erf, not its tanh approximation): what BERT and torch's "gelu" mean."""
    result = erf(x * np.float32(0.5**0.5))
    result += 1
    result *= x
    result *= np.float32(0.5)
    return result


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), written so that no x overflows."""
    result: Array = np.tanh(x * np.float32(0.5))
    result += 1
    result *= np.float32(0.5)
    return result


def softmax(x: Array) -> Array:
    """Softmax over the last axis. A row may hold -inf, but not only that."""
    result: Array = np.exp(x - x.max(axis=-1, keepdims=True))
    result /= result.sum(axis=-1, keepdims=True)
    return result


def attention(
    x: Array,
    qkv: Affine,
    out: Affine,
    heads: int,
    keep: NDArray[np.bool_] | None,
    bias: Array | None = None,
) -> Array:
    """Multi-head self-attention of x (N, L, D) before the residual. bias: (heads, L, L) on the scores."""
    count, length, width = x.shape
    split = linear(x, qkv).reshape(count, length, 3, heads, width // heads)
    query, key, value = split.transpose(2, 0, 3, 1, 4)
    scores = (query * np.float32((width // heads) ** -0.5)) @ key.swapaxes(-1, -2)
    if bias is not None:
        scores += bias
    if keep is not None:
        scores += np.where(keep, np.float32(0), np.float32(-np.inf))[:, None, None, :]
    mixed = softmax(scores) @ value
    return linear(mixed.transpose(0, 2, 1, 3).reshape(count, length, width), out)


def encoder_layer(
    x: Array,
    layer: Layer,
    heads: int,
    keep: NDArray[np.bool_] | None,
    eps: float,
    bias: Array | None = None,
) -> Array:
    """One post-norm Transformer layer (torch's norm_first=False) with exact GELU and no dropout."""
    x = layer_norm(x + attention(x, layer.qkv, layer.out, heads, keep, bias), layer.norm1, eps)
    return layer_norm(x + linear(gelu(linear(x, layer.up)), layer.down), layer.norm2, eps)


def unit_rows(x: Array) -> Array:
    """x (N, D) with each row at length 1 (torch's F.normalize: a row of zeros stays one)."""
    result: Array = x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), np.float32(1e-12))
    return result


def batches(lengths: Sequence[int], budget: int) -> Iterator[NDArray[np.int64]]:
    """The indices of sequences of these lengths, shortest first, in groups worth encoding together.

    A group, padded to its longest, has no more than ``budget`` steps (one sequence at least), and once it has
    ENOUGH of them, no sequence that is much longer than its first: sorting and that keep the padding small,
    the budget the memory.
    """
    order = np.argsort(np.asarray(lengths, np.int64), kind="stable")
    start = 0
    for end in range(1, len(order) + 1):
        if end == len(order):
            yield order[start:end]
            return
        longest = lengths[order[end]]
        is_worth_padding = (
            longest <= PADDED * lengths[order[start]] or (end - start) * lengths[order[end - 1]] < ENOUGH
        )
        if (end - start + 1) * longest > budget or not is_worth_padding:
            yield order[start:end]
            start = end
