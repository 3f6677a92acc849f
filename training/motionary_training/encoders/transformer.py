"""The paper's motion encoder: a Transformer with a [cls] token.

Parameter names and arithmetic are those of a model bundle, so a state dict is a bundle's weights and
``motionary.motion_encoder`` computes the same vectors with numpy.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from motionary.feature_columns import block_columns
from motionary_training.config import MotionConfig
from motionary_training.encoders.steps import averaged

__all__ = ["TransformerEncoder", "joint_vectors", "layer_stack", "positions", "run_layers"]


class TransformerEncoder(nn.Module):
    """(B, T, F) normalised features and (B,) lengths to (B, joint_dim) unit vectors.

    The paper's (arXiv 2305.04195, the authors' code): Linear, learned [cls] in front, sinusoidal positions,
    post-norm Transformer layers, the state of [cls], L2, Linear, L2. Frames at or past a row's length are
    never attended to. With a stride, each step is the mean of that many frames.
    """

    columns: Tensor

    def __init__(self, config: MotionConfig, inputs: int, joint_dim: int) -> None:
        super().__init__()
        columns = torch.from_numpy(block_columns(inputs, config.features))
        self.register_buffer("columns", columns, persistent=False)
        self.stride = config.stride
        self.input = nn.Linear(len(columns), config.width)
        self.cls = nn.Parameter(torch.randn(config.width) * 0.02)
        self.layers = layer_stack(config)
        self.projection = nn.Linear(config.width, joint_dim)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """See the class."""
        if len(self.columns) < features.shape[-1]:
            features = features[..., self.columns]
        frames, steps = averaged(features, lengths, self.stride)
        tokens = self.input(frames)
        cls = self.cls.expand(len(tokens), 1, -1)
        state = torch.cat([cls, tokens], dim=1)
        state = self.dropout(state + positions(state.shape[1], state.shape[2], state.device).to(state))
        state = run_layers(self.layers, state, steps + 1)  # [cls] is position 0
        return joint_vectors(self.projection, state[:, 0])


def positions(length: int, width: int, device: torch.device | None = None) -> Tensor:
    """(length, width) sinusoids: sine on even dimensions, cosine on odd ones, base 10000."""
    # Made where they are used: a copy to a GPU would wait for all that it still has to do.
    angle = torch.arange(length, device=device)[:, None] * torch.exp(
        torch.arange(0, width, 2, device=device) * (-math.log(10000.0) / width)
    )
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)


def layer_stack(config: MotionConfig) -> nn.ModuleList:
    """The config's post-norm Transformer layers."""
    return nn.ModuleList(
        nn.TransformerEncoderLayer(
            config.width,
            config.heads,
            config.feedforward,
            config.dropout,
            activation="gelu",
            batch_first=True,
        )
        for _ in range(config.layers)
    )


def run_layers(layers: nn.ModuleList, state: Tensor, lengths: Tensor) -> Tensor:
    """(B, L, W) tokens through the layers, of which the first ``lengths`` (B,) of a row are real."""
    padding = torch.arange(state.shape[1], device=lengths.device) >= lengths[:, None]
    for layer in layers:
        state = layer(state, src_key_padding_mask=padding)
    return state


def joint_vectors(projection: nn.Linear, state: Tensor) -> Tensor:
    """(B, W) states to (B, joint_dim) unit vectors: L2, Linear, L2."""
    # In float32 also under autocast: a bfloat16 norm is off by up to 0.4 %.
    with torch.autocast(state.device.type, enabled=False):
        return F.normalize(projection(F.normalize(state.float(), dim=-1)), dim=-1)
