"""A Transformer over body parts: one token for each of five kinematic chains in each stretch of time.

After the skeleton patches of MotionPatches (Yu et al., CVPR 2024), without their ViT and its pre-training.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from motionary.feature_columns import part_columns
from motionary_training.config import MotionConfig
from motionary_training.encoders.steps import cells
from motionary_training.encoders.transformer import joint_vectors, layer_stack, positions, run_layers

__all__ = ["PatchEncoder"]


class PatchEncoder(nn.Module):
    """(B, T, F) normalised features and (B,) lengths to (B, joint_dim) unit vectors.

    A part's columns over a cell of ``config.stride`` frames, laid end to end (frames that a row's last cell
    lacks are zeros: the mean), go through the part's own Linear into a token; its part's embedding and the
    sinusoid of its cell's place are added. Then as the paper's encoder: [cls] in front, post-norm layers,
    the state of [cls], L2, Linear, L2.
    """

    def __init__(self, config: MotionConfig, inputs: int, joint_dim: int) -> None:
        super().__init__()
        columns = part_columns(inputs, config.features)
        for number, part in enumerate(columns):
            self.register_buffer(f"columns_{number}", torch.from_numpy(part), persistent=False)
        self.stride = config.stride
        self.input = nn.ModuleList(nn.Linear(config.stride * len(part), config.width) for part in columns)
        self.parts = nn.Parameter(torch.randn(len(columns), config.width) * 0.02)
        self.cls = nn.Parameter(torch.randn(config.width) * 0.02)
        self.layers = layer_stack(config)
        self.projection = nn.Linear(config.width, joint_dim)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """See the class."""
        frames, _, steps = cells(features, lengths, self.stride)
        tokens = torch.stack(
            [
                linear(frames[..., self.get_buffer(f"columns_{number}")].flatten(2))
                for number, linear in enumerate(self.input)
            ],
            dim=2,
        )  # (B, cells, parts, W)
        times = positions(tokens.shape[1] + 1, tokens.shape[-1], tokens.device).to(tokens)
        tokens = tokens + self.parts + times[1:, None]
        cls = (self.cls + times[0]).expand(len(tokens), 1, -1)
        # A cell's parts lie side by side, so a row's real tokens come first.
        state = self.dropout(torch.cat([cls, tokens.flatten(1, 2)], dim=1))
        state = run_layers(self.layers, state, 1 + steps * len(self.parts))
        return joint_vectors(self.projection, state[:, 0])
