"""The Transformers among the motion encoders: over frames (the paper's), or over body parts in time cells.

A learned [cls] token stands before the others, sinusoids tell each token's time, and what comes out is
[cls]'s last state. Tensor names are those of torch.nn.TransformerEncoder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionary.feature_columns import PARTS, block_columns, part_columns
from motionary.motion_shape import MotionShape
from motionary.motion_weights import affine, sinusoids, transformer_layers
from motionary.nn import Affine, Array, Layer, encoder_layer, linear
from motionary.safetensors import take
from motionary.time_cells import averaged, cell_counts, cells, real_steps

__all__ = [
    "FrameTransformer",
    "PatchTransformer",
    "frame_states",
    "make_frame_transformer",
    "make_patch_transformer",
    "patch_states",
]

_EPS = 1e-5  # of torch's layer norms


@dataclass(frozen=True, eq=False)
class FrameTransformer:
    """One token a step, a step being the mean of ``stride`` frames. columns: (C,) of the features that are
    read. cls: (W,). positions: (steps + 1, W); row 0 is [cls]'s."""

    columns: NDArray[np.int64]
    stride: int
    input: Affine
    cls: Array
    positions: Array
    layers: tuple[Layer, ...]
    heads: int


@dataclass(frozen=True, eq=False)
class PatchTransformer:
    """One token for each body part in each cell of ``stride`` frames. columns and inputs: for each part, what
    is read and the layer that makes the token. parts: (5, W) embeddings. positions: (cells + 1, W)."""

    columns: tuple[NDArray[np.int64], ...]
    stride: int
    inputs: tuple[Affine, ...]
    parts: Array
    cls: Array
    positions: Array
    layers: tuple[Layer, ...]
    heads: int


def make_frame_transformer(
    tensors: Mapping[str, NDArray[Any]], shape: MotionShape, *, features: int, origin: str
) -> FrameTransformer:
    """From a bundle's tensors, of features so wide; MotionaryError where one does not fit."""
    columns = block_columns(features, shape.columns)
    return FrameTransformer(
        columns,
        shape.stride,
        affine(tensors, "motion.input", (shape.width, len(columns)), origin),
        take(tensors, "motion.cls", (shape.width,), origin),
        sinusoids(shape.steps + 1, shape.width),
        transformer_layers(tensors, shape, origin),
        shape.heads,
    )


def make_patch_transformer(
    tensors: Mapping[str, NDArray[Any]], shape: MotionShape, *, features: int, origin: str
) -> PatchTransformer:
    """From a bundle's tensors, of features so wide; MotionaryError where one does not fit."""
    columns = part_columns(features, shape.columns)
    return PatchTransformer(
        columns,
        shape.stride,
        tuple(
            affine(tensors, f"motion.input.{number}", (shape.width, shape.stride * len(part)), origin)
            for number, part in enumerate(columns)
        ),
        take(tensors, "motion.parts", (len(PARTS), shape.width), origin),
        take(tensors, "motion.cls", (shape.width,), origin),
        sinusoids(shape.steps + 1, shape.width),
        transformer_layers(tensors, shape, origin),
        shape.heads,
    )


def frame_states(encoder: FrameTransformer, features: Array, lengths: Sequence[int]) -> Array:
    """[cls]'s states (N, W) of normalised features (N, T, F) that are zero past ``lengths`` (N,)."""
    frames = averaged(features[..., encoder.columns], lengths, encoder.stride)
    tokens = linear(frames, encoder.input) + encoder.positions[1 : frames.shape[1] + 1]
    return _cls_states(encoder, tokens, cell_counts(lengths, encoder.stride))


def patch_states(encoder: PatchTransformer, features: Array, lengths: Sequence[int]) -> Array:
    """[cls]'s states (N, W) of normalised features (N, T, F) that are zero past ``lengths`` (N,)."""
    frames = cells(features, encoder.stride)
    count, steps = frames.shape[:2]
    tokens = np.stack(
        [
            linear(frames[..., columns].reshape(count, steps, -1), layer)
            for columns, layer in zip(encoder.columns, encoder.inputs, strict=True)
        ],
        axis=2,
    )
    tokens += encoder.parts + encoder.positions[1 : steps + 1, None]
    # A cell's parts lie side by side, so a row's real tokens come first.
    flat = tokens.reshape(count, -1, tokens.shape[-1])
    return _cls_states(encoder, flat, len(PARTS) * cell_counts(lengths, encoder.stride))


def _cls_states(
    encoder: FrameTransformer | PatchTransformer, tokens: Array, counts: NDArray[np.int64]
) -> Array:
    """[cls]'s last states (N, W) before tokens (N, L, W), of which the first ``counts`` (N,) are real."""
    x = np.empty((len(tokens), tokens.shape[1] + 1, tokens.shape[2]), np.float32)
    x[:, 0] = encoder.cls + encoder.positions[0]
    x[:, 1:] = tokens
    keep = real_steps(counts + 1, x.shape[1])
    for layer in encoder.layers:
        x = encoder_layer(x, layer, encoder.heads, keep, _EPS)
    return x[:, 0]
