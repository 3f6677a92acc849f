"""What a clip is like as a whole, read by one linear layer beside any encoder of its sequence.

On a few hundred clips a ridge regression of such statistics is as good as a Transformer, and the sum of both
is better than either: the Transformer has to learn what the statistics leave out.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from motionary.feature_columns import block_columns
from motionary_training.config import MotionConfig
from motionary_training.encoders.steps import averaged

__all__ = ["SummaryEncoder", "summary_statistics"]

DROPOUT = 0.3
FURTHEST = 4.0
"""Standard deviations from the mean at which an extreme is cut: one broken frame must not speak for all."""


class SummaryEncoder(nn.Module):
    """(B, T, F) normalised features and (B,) lengths to (B, joint_dim) unit vectors.

    The sequence encoder's unit vector plus a linear layer of ``summary_statistics``, at unit length.
    """

    columns: Tensor

    def __init__(self, config: MotionConfig, sequence: nn.Module, inputs: int, joint_dim: int) -> None:
        super().__init__()
        columns = torch.from_numpy(block_columns(inputs, config.features))
        self.register_buffer("columns", columns, persistent=False)
        self.stride = config.stride
        self.sequence = sequence
        self.dropout = nn.Dropout(DROPOUT)
        self.summary = nn.Linear(5 * len(columns) + 1, joint_dim)

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """See the class."""
        vectors = self.sequence(features, lengths)
        with torch.autocast(features.device.type, enabled=False):
            steps, counts = averaged(features[..., self.columns].float(), lengths, self.stride)
            summary = self.summary(self.dropout(summary_statistics(steps, counts)))
            return F.normalize(vectors.float() + summary, dim=-1)


def summary_statistics(steps: Tensor, counts: Tensor) -> Tensor:
    """(B, 5 C + 1) of z-normalised (B, S, C) steps, of which the first ``counts`` (B,) are real.

    Of each column the mean, standard deviation, half the largest and smallest value within ±4, and the mean
    absolute change from step to step; then the logarithm of the number of steps.
    """
    past = (torch.arange(steps.shape[1], device=steps.device) >= counts[:, None])[..., None]
    total = counts[:, None].to(steps)
    mean = steps.masked_fill(past, 0).sum(dim=1) / total
    deviation = ((steps - mean[:, None]).masked_fill(past, 0) ** 2).sum(dim=1) / total
    highest = steps.masked_fill(past, -FURTHEST).amax(dim=1).clamp(-FURTHEST, FURTHEST) / 2
    lowest = steps.masked_fill(past, FURTHEST).amin(dim=1).clamp(-FURTHEST, FURTHEST) / 2
    change = (steps[:, 1:] - steps[:, :-1]).abs().masked_fill(past[:, 1:], 0).sum(dim=1) / total
    # The root's slope is infinite at 0, where a still column would send back no number.
    return torch.cat([mean, (deviation + 1e-5).sqrt(), highest, lowest, change, total.log()], dim=1)
