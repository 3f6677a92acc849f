"""Sentences as people mean them of motions: a small network behind a frozen sentence encoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["HIDDEN", "SPACE_WIDTH", "TextSpace"]

SPACE_WIDTH, HIDDEN = 256, 1024
DROPOUT = 0.2
GAIN = 10.0
"""Of the hidden layer's input: the numbers of a unit vector are small, and GELU is bent around 1."""


class TextSpace(nn.Module):
    """(..., W) unit sentence vectors to (..., SPACE_WIDTH) unit vectors: a linear layer plus a hidden one."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, SPACE_WIDTH)
        self.hidden = nn.Linear(width, HIDDEN)
        self.dropout = nn.Dropout(DROPOUT)
        self.out = nn.Linear(HIDDEN, SPACE_WIDTH)

    def start_as_principal_axes(self, sentences: Tensor) -> None:
        """Begin as the (N, W) sentences' main directions about their mean; the hidden layer adds nothing."""
        mean = sentences.mean(dim=0)
        axes = torch.linalg.svd(sentences - mean, full_matrices=False).Vh[:SPACE_WIDTH]
        with torch.no_grad():
            self.linear.weight.zero_()
            self.linear.weight[: len(axes)] = axes
            self.linear.bias.copy_(-self.linear.weight @ mean)
            self.out.weight.zero_()
            self.out.bias.zero_()

    def forward(self, sentences: Tensor) -> Tensor:
        """See the class."""
        hidden = self.dropout(F.gelu(self.hidden(GAIN * sentences)))
        return F.normalize(self.linear(sentences) + self.out(hidden), dim=-1)
