"""Weights of motion encoders out of a bundle's tensors, held to the shapes that config.json asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionary.motion_shape import MotionShape
from motionary.nn import Affine, Array, Layer
from motionary.safetensors import take

__all__ = ["affine", "sinusoids", "transformer_layers"]


def affine(tensors: Mapping[str, NDArray[Any]], name: str, shape: tuple[int, ...], origin: str) -> Affine:
    """``name``.weight and ``name``.bias; MotionaryError, naming ``origin``, where one does not fit."""
    weight = take(tensors, f"{name}.weight", shape, origin)
    return Affine(weight, take(tensors, f"{name}.bias", shape[:1], origin))


def transformer_layers(
    tensors: Mapping[str, NDArray[Any]], shape: MotionShape, origin: str
) -> tuple[Layer, ...]:
    """motion.layers.0 and on, named as in torch.nn.TransformerEncoder."""
    width, inner = shape.width, shape.feedforward

    def layer(name: str) -> Layer:
        attention = f"{name}.self_attn"
        return Layer(
            Affine(
                take(tensors, f"{attention}.in_proj_weight", (3 * width, width), origin),
                take(tensors, f"{attention}.in_proj_bias", (3 * width,), origin),
            ),
            affine(tensors, f"{attention}.out_proj", (width, width), origin),
            affine(tensors, f"{name}.norm1", (width,), origin),
            affine(tensors, f"{name}.linear1", (inner, width), origin),
            affine(tensors, f"{name}.linear2", (width, inner), origin),
            affine(tensors, f"{name}.norm2", (width,), origin),
        )

    return tuple(layer(f"motion.layers.{number}") for number in range(shape.layers))


def sinusoids(count: int, width: int) -> Array:
    """Position codes (count, width): sines in the even columns, cosines in the odd ones, base 10,000."""
    angles = np.arange(count)[:, None] * 10000.0 ** (-np.arange(0, width, 2) / width)
    codes: Array = np.stack([np.sin(angles), np.cos(angles)], axis=-1).astype(np.float32)
    return codes.reshape(count, width)
