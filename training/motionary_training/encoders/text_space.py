"""Sentences as people mean them of motions: a small network behind a frozen sentence encoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["HIDDEN", "LEARNT", "SPACE_WIDTH", "TextSpace"]

LEARNT, HIDDEN = 256, 1024
SPACE_WIDTH = LEARNT + 1
DROPOUT = 0.2
GAIN = 10.0
"""Of the hidden layer's input: the numbers of a unit vector are small, and GELU is bent around 1."""


class TextSpace(nn.Module):
    """(..., W) unit sentence vectors to (..., SPACE_WIDTH) unit vectors.

    LEARNT numbers of unit length are a linear layer plus a hidden one; the last is the cosine with what all
    captions have in ``common``, which tells a sentence about a motion from one about the price of oil.
    """

    common: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("common", torch.zeros(width))
        self.linear = nn.Linear(width, LEARNT)
        self.hidden = nn.Linear(width, HIDDEN)
        self.dropout = nn.Dropout(DROPOUT)
        self.out = nn.Linear(HIDDEN, LEARNT)

    def start_as_principal_axes(self, sentences: Tensor) -> None:
        """Begin as the (N, W) sentences' main directions about their mean; the hidden layer adds nothing."""
        mean = sentences.mean(dim=0)
        axes = torch.linalg.svd(sentences - mean, full_matrices=False).Vh[:LEARNT]
        with torch.no_grad():
            self.common.copy_(F.normalize(mean, dim=0))
            self.linear.weight.zero_()
            self.linear.weight[: len(axes)] = axes
            self.linear.bias.copy_(-self.linear.weight @ mean)
            self.out.weight.zero_()
            self.out.bias.zero_()

    def learnt(self, sentences: Tensor) -> Tensor:
        """(..., LEARNT) unit vectors: what captions that say the same share."""
        hidden = self.dropout(F.gelu(self.hidden(GAIN * sentences)))
        return F.normalize(self.linear(sentences) + self.out(hidden), dim=-1)

    def forward(self, sentences: Tensor) -> Tensor:
        """See the class."""
        return F.normalize(
            torch.cat([self.learnt(sentences), sentences @ self.common[:, None]], dim=-1), dim=-1
        )
