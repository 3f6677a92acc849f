"""The recurrent motion encoders, the paper's ablation: GRU, LSTM and two-way GRU, in numpy.

Tensor names and gate order are those of torch.nn.GRU and torch.nn.LSTM.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from motionary.feature_columns import block_columns
from motionary.motion_shape import MotionShape
from motionary.motion_weights import affine
from motionary.nn import Affine, Array, linear, sigmoid
from motionary.safetensors import take
from motionary.time_cells import averaged, cell_counts

__all__ = ["Recurrent", "make_recurrent", "recurrent_states"]


class Gates(NamedTuple):
    """One direction of one layer. of_input: (G H, in). of_state: (G H, H). G is 3 in a GRU, 4 in an LSTM."""

    of_input: Affine
    of_state: Affine


@dataclass(frozen=True, eq=False)
class Recurrent:
    """columns: (C,) of the features that are read. layers: for each, its one or two directions."""

    cell: Literal["gru", "lstm"]
    columns: NDArray[np.int64]
    stride: int
    input: Affine
    layers: tuple[tuple[Gates, ...], ...]


def make_recurrent(
    tensors: Mapping[str, NDArray[Any]], shape: MotionShape, *, features: int, origin: str
) -> Recurrent:
    """From a bundle's tensors, of features so wide; MotionaryError where one does not fit."""
    columns = block_columns(features, shape.columns)
    both = shape.kind == "bigru"
    hidden = shape.width // 2 if both else shape.width
    rows = (4 if shape.kind == "lstm" else 3) * hidden

    def gates(suffix: str) -> Gates:
        return Gates(
            *(
                Affine(
                    take(tensors, f"motion.rnn.weight_{side}_{suffix}", (rows, inputs), origin),
                    take(tensors, f"motion.rnn.bias_{side}_{suffix}", (rows,), origin),
                )
                for side, inputs in (("ih", shape.width), ("hh", hidden))
            )
        )

    directions = ("", "_reverse") if both else ("",)
    return Recurrent(
        "lstm" if shape.kind == "lstm" else "gru",
        columns,
        shape.stride,
        affine(tensors, "motion.input", (shape.width, len(columns)), origin),
        tuple(tuple(gates(f"l{number}{way}") for way in directions) for number in range(shape.layers)),
    )


def recurrent_states(encoder: Recurrent, features: Array, lengths: Sequence[int]) -> Array:
    """The last layer's states (N, W) after each row's last real step: of normalised features (N, T, F) that
    are zero past ``lengths`` (N,). A second direction's, after each row's first step, stand beside them."""
    x = linear(averaged(features[..., encoder.columns], lengths, encoder.stride), encoder.input)
    keep = np.arange(x.shape[1]) < cell_counts(lengths, encoder.stride)[:, None]
    last: list[Array] = []
    for directions in encoder.layers:
        ways = [
            _run(encoder.cell, gates, x, keep, backwards=bool(way)) for way, gates in enumerate(directions)
        ]
        x = np.concatenate([outputs for outputs, _ in ways], axis=-1)
        last = [state for _, state in ways]
    return np.concatenate(last, axis=-1)


def _run(
    cell: str, gates: Gates, x: Array, keep: NDArray[np.bool_], *, backwards: bool
) -> tuple[Array, Array]:
    """All outputs (N, S, H) of a direction, and each row's last (N, H). A step that is not real changes
    nothing, so that backwards a row begins at its own end."""
    hidden = gates.of_state.weight.shape[1]
    given = linear(x, gates.of_input)
    outputs = np.empty((*x.shape[:2], hidden), np.float32)
    state = memory = np.zeros((len(x), hidden), np.float32)
    steps = range(x.shape[1])
    for step in reversed(steps) if backwards else steps:
        if cell == "lstm":
            new, new_memory = _lstm(given[:, step], linear(state, gates.of_state), memory)
            memory = np.where(keep[:, step, None], new_memory, memory)
        else:
            new = _gru(given[:, step], linear(state, gates.of_state), state)
        state = outputs[:, step] = np.where(keep[:, step, None], new, state)
    return outputs, state


def _gru(given: Array, kept: Array, state: Array) -> Array:
    reset_given, update_given, new_given = np.split(given, 3, axis=-1)
    reset_kept, update_kept, new_kept = np.split(kept, 3, axis=-1)
    update = sigmoid(update_given + update_kept)
    new: Array = np.tanh(new_given + sigmoid(reset_given + reset_kept) * new_kept)
    return new + update * (state - new)


def _lstm(given: Array, kept: Array, memory: Array) -> tuple[Array, Array]:
    enter, forget, new, out = np.split(given + kept, 4, axis=-1)
    memory = sigmoid(forget) * memory + sigmoid(enter) * np.tanh(new)
    state: Array = sigmoid(out) * np.tanh(memory)
    return state, memory
