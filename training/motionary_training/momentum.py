"""A slow copy of the model: to be evaluated, and to embed the queue of negatives from earlier batches."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from motionary_training.batches import Batch
from motionary_training.config import Config
from motionary_training.encoders import DualEncoder

__all__ = ["Keys", "Queue", "make_queue", "moving_average"]


@dataclass(frozen=True, eq=False)
class Keys:
    """K pairs of earlier batches. motions, texts: (K, D) unit vectors; sentences: (K, W) of the frozen text
    encoder; items, text_ids: (K,) as in ``Batch``."""

    motions: Tensor
    texts: Tensor
    sentences: Tensor
    items: Tensor
    text_ids: Tensor


@dataclass
class Queue:
    """The last ``size`` pairs, motion and text both (Bidirectional momentum queues), oldest overwritten.

    One-sided, the queue collapses the direction that lacks it. slow: the model whose weights follow the
    trained one's, so that keys of different steps can be compared (MoCo, arXiv 1911.05722). keys: all rows,
    of which the first ``filled`` are real; ``place`` is written next.
    """

    slow: DualEncoder
    momentum: float
    keys: Keys
    filled: int = 0
    place: int = 0

    def contents(self) -> Keys:
        """The pairs that are in it so far."""
        return Keys(*(part[: self.filled] for part in _parts(self.keys)))

    @torch.no_grad()
    def embed(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Let the slow copy follow ``model`` by one step; its (B, D) motions and texts of a batch."""
        moving_average(self.slow, model, self.momentum)
        motions = self.slow.embed_motions(batch.features, batch.lengths)
        texts = self.slow.embed_texts(batch.sentences, batch.tokens, batch.token_mask)
        return motions.float(), texts.float()

    @torch.no_grad()
    def push(self, new: Keys) -> None:
        """Take in pairs, the newest last; of more than fit, the newest stay."""
        size = len(self.keys.items)
        count = min(len(new.items), size)
        rows = (self.place + torch.arange(count, device=new.items.device)) % size
        for held, part in zip(_parts(self.keys), _parts(new), strict=True):
            held[rows] = part[len(part) - count :].to(held)
        self.place = (self.place + count) % size
        self.filled = min(self.filled + count, size)

    def state_dict(self) -> dict[str, Tensor | int | dict[str, Tensor]]:
        """All that a checkpoint has to hold: tensors and numbers."""
        return {"slow": self.slow.state_dict(), **vars(self.keys), "filled": self.filled, "place": self.place}

    def load_state_dict(self, state: dict[str, Tensor | int | dict[str, Tensor]]) -> None:
        """Go on from ``state_dict``'s state."""
        self.slow.load_state_dict(state["slow"])  # type: ignore[arg-type]
        for name, held in vars(self.keys).items():
            held.copy_(state[name])
        self.filled, self.place = int(state["filled"]), int(state["place"])  # type: ignore[arg-type]


def make_queue(config: Config, model: DualEncoder) -> Queue:
    """An empty queue of ``config.loss.queue`` pairs on the model's device."""
    size, device = config.loss.queue, next(model.parameters()).device
    vectors = torch.zeros(size, config.joint_dim, device=device)
    sentences = torch.zeros(size, model.text.width, device=device)
    numbers = torch.zeros(size, dtype=torch.int64, device=device)
    keys = Keys(vectors, vectors.clone(), sentences, numbers, numbers.clone())
    slow = copy.deepcopy(model).requires_grad_(False).eval()
    return Queue(slow, config.loss.queue_momentum, keys)


@torch.no_grad()
def moving_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    """average = decay * average + (1 - decay) * model, of all parameters; buffers are copied."""
    for held, new in zip(average.parameters(), model.parameters(), strict=True):
        held.lerp_(new, 1 - decay)
    for kept, now in zip(average.buffers(), model.buffers(), strict=True):
        kept.copy_(now)


def _parts(keys: Keys) -> tuple[Tensor, ...]:
    return keys.motions, keys.texts, keys.sentences, keys.items, keys.text_ids
