"""The text tower: sentence vectors into the joint space, with the sentence encoder itself where it learns."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from motionary_training.text import pool

__all__ = ["TextTower"]


class TextTower(nn.Module):
    """(B, W) unit sentence vectors to (B, joint_dim) unit vectors: L2, Linear, L2.

    encoder: a ``transformers`` encoder that learns too, with its pooling ("mean" or "cls"); None where it is
    frozen and its vectors come from the cache.
    """

    def __init__(
        self, width: int, joint_dim: int, *, encoder: nn.Module | None = None, pooling: str = "mean"
    ) -> None:
        super().__init__()
        self.projection = nn.Linear(width, joint_dim)
        self.encoder = encoder
        self.pooling = pooling

    def encode(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """(B, L) token ids and the mask of the real ones to (B, W) unit sentence vectors, with gradient."""
        if self.encoder is None:
            raise ValueError("the sentence encoder is frozen; take the vectors of text.sentence_vectors")
        states = self.encoder(input_ids=tokens, attention_mask=mask).last_hidden_state
        with torch.autocast(states.device.type, enabled=False):
            return pool(states.float(), mask, self.pooling)

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
        with torch.autocast(sentences.device.type, enabled=False):
            return F.normalize(self.projection(F.normalize(sentences.float(), dim=-1)), dim=-1)
