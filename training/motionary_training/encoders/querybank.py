"""Querybank normalisation in torch: ``motionary.querybank`` tells what it is, a test holds both together."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from motionary.querybank import EXTRA, SPREAD

__all__ = ["EXTRA", "Querybank"]


class Querybank(nn.Module):
    """Unit vectors (B, D) to (B, D + EXTRA) ones, whose cosine is less for what is near to everything.

    captions: (N, D), motions: (M, D), the banks. usual: (2,) mean bias of motions and of texts. Nothing of it
    is learnt by gradients: it is made when training is over.
    """

    captions: Tensor
    motions: Tensor
    usual: Tensor

    def __init__(self, captions: Tensor, motions: Tensor, *, nearest: int, weight: float) -> None:
        super().__init__()
        self.nearest, self.weight = nearest, weight
        self.register_buffer("captions", captions)
        self.register_buffer("motions", motions)
        self.register_buffer("usual", torch.zeros(2))

    def settle(self, motions: Tensor, texts: Tensor) -> None:
        """Take the mean biases of (N, D) motions and (M, D) texts for the usual ones."""
        means = [self._biases(motions, self.captions).mean(), self._biases(texts, self.motions).mean()]
        self.usual.copy_(torch.stack(means))

    def balanced_motions(self, vectors: Tensor) -> Tensor:
        """See the class."""
        own = self._offsets(vectors, self.captions, self.usual[0])
        constant, filling = self._fillers(own)
        return self._joined(vectors, own, constant, torch.zeros_like(own), filling)

    def balanced_texts(self, vectors: Tensor) -> Tensor:
        """See the class."""
        own = self._offsets(vectors, self.motions, self.usual[1])
        constant, filling = self._fillers(own)
        return self._joined(vectors, constant, own, filling, torch.zeros_like(own))

    def _biases(self, vectors: Tensor, others: Tensor) -> Tensor:
        highest: Tensor = (vectors @ others.T).topk(self.nearest, dim=1).values
        return highest.mean(dim=1)

    def _offsets(self, vectors: Tensor, others: Tensor, usual: Tensor) -> Tensor:
        reach = (self.weight * SPREAD) ** 0.5
        wanted = self.weight * (usual - self._biases(vectors, others)) / reach
        return torch.clamp(wanted, -reach, reach)

    def _fillers(self, offsets: Tensor) -> tuple[Tensor, Tensor]:
        square = self.weight * SPREAD
        filling = torch.sqrt((square - offsets.square()).clamp(min=0))
        return torch.full_like(offsets, square**0.5), filling

    def _joined(self, vectors: Tensor, *columns: Tensor) -> Tensor:
        length = (1 + 2 * self.weight * SPREAD) ** 0.5
        longer: Tensor = torch.cat([vectors, torch.stack(columns, dim=1)], dim=1) / length
        return longer
