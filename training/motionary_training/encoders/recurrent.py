"""The paper's ablation: GRU, LSTM and two-way GRU over the frames, instead of a Transformer."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from motionary.feature_columns import block_columns
from motionary_training.config import MotionConfig
from motionary_training.encoders.steps import averaged
from motionary_training.encoders.transformer import joint_vectors

__all__ = ["RecurrentEncoder"]


class RecurrentEncoder(nn.Module):
    """(B, T, F) normalised features and (B,) lengths to (B, joint_dim) unit vectors.

    Linear, a GRU or LSTM of ``config.layers`` layers, its state after a row's last real step, L2, Linear, L2.
    "bigru": each direction is half as wide, and the states at both ends of the row stand side by side.
    """

    columns: Tensor

    def __init__(self, config: MotionConfig, inputs: int, joint_dim: int) -> None:
        super().__init__()
        columns = torch.from_numpy(block_columns(inputs, config.features))
        self.register_buffer("columns", columns, persistent=False)
        self.stride = config.stride
        self.input = nn.Linear(len(columns), config.width)
        kind = nn.LSTM if config.kind == "lstm" else nn.GRU
        both = config.kind == "bigru"
        self.rnn = kind(
            config.width,
            config.width // 2 if both else config.width,
            config.layers,
            batch_first=True,
            bidirectional=both,
            # torch's dropout lies between the layers, and it warns where there is no between.
            dropout=config.dropout if config.layers > 1 else 0.0,
        )
        self.projection = nn.Linear(config.width, joint_dim)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """See the class."""
        if len(self.columns) < features.shape[-1]:
            features = features[..., self.columns]
        frames, steps = averaged(features, lengths, self.stride)
        packed = pack_padded_sequence(
            self.dropout(self.input(frames)), steps.cpu(), batch_first=True, enforce_sorted=False
        )
        _, last = self.rnn(packed)
        if isinstance(last, tuple):
            last = last[0]  # of an LSTM: its output, not its cell
        # (layers * directions, B, W / directions): the last layer's, one direction beside the other.
        state = torch.cat(list(last[-2:] if self.rnn.bidirectional else last[-1:]), dim=-1)
        return joint_vectors(self.projection, state)
