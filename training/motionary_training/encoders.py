"""The two trained parts: a motion Transformer with a [cls] token, and a projection of sentence vectors.

Parameter names and arithmetic are those of a model bundle, so a state dict is a bundle's weights and
``motionary.motion_encoder`` computes the same vectors with numpy.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from motionary_training.config import MotionConfig

__all__ = ["DualEncoder", "FeatureNorm", "MotionEncoder", "TextProjection", "positions"]


def positions(length: int, width: int) -> Tensor:
    """(length, width) sinusoids: sine on even dimensions, cosine on odd ones, base 10000."""
    angle = torch.arange(length)[:, None] * torch.exp(
        torch.arange(0, width, 2) * (-math.log(10000.0) / width)
    )
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)


class FeatureNorm(nn.Module):
    """Z-normalisation with the train split's statistics, carried with the weights."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean.float())
        self.register_buffer("std", std.float())

    def forward(self, features: Tensor) -> Tensor:
        """(..., 263) features to the same, normalised."""
        return (features - self.mean) / self.std


class MotionEncoder(nn.Module):
    """(B, T, 263) normalised features and (B,) lengths to (B, joint_dim) unit vectors.

    The paper's: Linear, learned [cls] in front, sinusoidal positions, post-norm Transformer layers, the
    state of [cls], L2, Linear, L2. Frames at or past a row's length are never attended to.
    """

    def __init__(self, config: MotionConfig, inputs: int, joint_dim: int) -> None:
        super().__init__()
        self.input = nn.Linear(inputs, config.width)
        self.cls = nn.Parameter(torch.randn(config.width) * 0.02)
        self.layers = nn.ModuleList(
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
        self.projection = nn.Linear(config.width, joint_dim)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """See the class."""
        frames = self.input(features)
        cls = self.cls.expand(len(frames), 1, -1)
        state = torch.cat([cls, frames], dim=1)
        state = self.dropout(state + positions(state.shape[1], state.shape[2]).to(state))
        padding = (
            torch.arange(state.shape[1], device=lengths.device) > lengths[:, None]
        )  # [cls] is position 0
        for layer in self.layers:
            state = layer(state, src_key_padding_mask=padding)
        # The last steps in float32 also under autocast: a bfloat16 norm is off by up to 0.4 %.
        with torch.autocast(state.device.type, enabled=False):
            return F.normalize(self.projection(F.normalize(state[:, 0].float(), dim=-1)), dim=-1)


class TextProjection(nn.Module):
    """(B, width) unit sentence vectors to (B, joint_dim) unit vectors."""

    def __init__(self, width: int, joint_dim: int) -> None:
        super().__init__()
        self.projection = nn.Linear(width, joint_dim)

    def start_at_principal_axes(self, sentences: Tensor) -> None:
        """Begin with the (N, width) sentences' main directions, so that near texts start near.

        The mean is kept (not subtracted): the joint space then begins as the text encoder's own cosine,
        truncated to joint_dim directions.
        """
        axes = torch.linalg.svd(sentences, full_matrices=False).Vh[: self.projection.out_features]
        with torch.no_grad():
            self.projection.weight.zero_()
            self.projection.weight[: len(axes)] = axes
            self.projection.bias.zero_()

    def forward(self, sentences: Tensor) -> Tensor:
        """See the class."""
        return F.normalize(self.projection(F.normalize(sentences, dim=-1)), dim=-1)


class DualEncoder(nn.Module):
    """Everything that a bundle holds: feature statistics, motion encoder, text projection."""

    def __init__(
        self, config: MotionConfig, mean: Tensor, std: Tensor, *, text_width: int, joint_dim: int
    ) -> None:
        super().__init__()
        self.features = FeatureNorm(mean, std)
        self.motion = MotionEncoder(config, len(mean), joint_dim)
        self.text = TextProjection(text_width, joint_dim)
