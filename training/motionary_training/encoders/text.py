"""The text tower: sentence vectors into the joint space, with the sentence encoder itself where it learns."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from motionary_training.encoders.text_space import SPACE_WIDTH, TextSpace
from motionary_training.text import pool

__all__ = ["TextTower"]


class TextTower(nn.Module):
    """(B, W) unit sentence vectors to (B, joint_dim) unit vectors: L2, Linear, L2.

    space: comes before the linear layer and is frozen; None for none. encoder: a ``transformers`` encoder
    that learns too, with its pooling ("mean" or "cls"); None where it is frozen and its vectors come from the
    cache. width: W.
    """

    def __init__(
        self,
        width: int,
        joint_dim: int,
        *,
        space: TextSpace | None = None,
        encoder: nn.Module | None = None,
        pooling: str = "mean",
    ) -> None:
        super().__init__()
        self.space = None if space is None else space.requires_grad_(False)
        self.projection = nn.Linear(SPACE_WIDTH if space else width, joint_dim)
        self.width = width
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
        axes = torch.linalg.svd(self.meaning(sentences), full_matrices=False).Vh[
            : self.projection.out_features
        ]
        with torch.no_grad():
            self.projection.weight.zero_()
            self.projection.weight[: len(axes)] = axes
            self.projection.bias.zero_()

    def meaning(self, sentences: Tensor) -> Tensor:
        """(..., W) sentence vectors as the unit vectors that the projection takes; they tell who is alike."""
        unit = F.normalize(sentences.float(), dim=-1)
        if self.space is None:
            return unit
        vectors: Tensor = self.space.eval()(unit)  # frozen: no dropout, also while the rest is trained
        return vectors

    def forward(self, sentences: Tensor) -> Tensor:
        """See the class."""
        with torch.autocast(sentences.device.type, enabled=False):
            return F.normalize(self.projection(self.meaning(sentences)), dim=-1)
