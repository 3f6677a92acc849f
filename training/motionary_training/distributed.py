"""Many processes that learn one model: each embeds its rows of a batch and sees everybody's as candidates.

Every rank draws the same batch from the seed and takes its share of the rows. The loss of a rank is the sum
over its own anchors; negatives are gathered with their gradients, and parameter gradients are summed, so
that N ranks of B / N rows equal one of B. ``torchrun`` starts the ranks.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist

__all__ = [
    "World",
    "copy_from_first",
    "first_says",
    "gathered",
    "is_first",
    "joined",
    "local_rank",
    "sum_gradients",
    "summed",
]

PATIENCE = timedelta(hours=1)
"""How long ranks wait for each other: rank 0 validates alone, and a cold cache is filled at uneven speed."""


@dataclass(frozen=True)
class World:
    """The processes of a run, and which one this is. rank: from 0; 0 alone writes."""

    rank: int = 0
    size: int = 1

    def own(self, total: int) -> int:
        """How many of a batch's ``total`` pairs are this rank's; the rest of its shard only stands in."""
        return max(-(-(total - self.rank) // self.size), 0)


def local_rank() -> int:
    """This process's number on its machine: which of its GPUs it takes."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def is_first() -> bool:
    """Whether this is the one process of a run that speaks and writes; known before the ranks have met."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def joined(device: torch.device) -> Iterator[World]:
    """Join the ranks that ``torchrun`` started, over NCCL on GPUs and Gloo elsewhere; alone without it."""
    if dist.is_initialized():
        yield World(dist.get_rank(), dist.get_world_size())
    elif int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield World()
    else:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
        try:
            yield World(dist.get_rank(), dist.get_world_size())
        finally:
            dist.destroy_process_group()


def gathered(world: World, local: Tensor, total: int) -> Tensor:
    """The (total, ...) rows of a batch from the shards of all ranks, in the batch's own order.

    Gradients flow back to the rank that each row came from, summed over all ranks. See ``batches.dealt``.
    """
    if world.size == 1:
        return local
    everything: Tensor = _Gather.apply(local, world)  # type: ignore[no-untyped-call]
    return everything[:total]


class _Gather(torch.autograd.Function):
    """all_gather with the rows dealt back in turn; torch's own has no gradient."""

    @staticmethod
    def forward(ctx: Any, local: Tensor, world: World) -> Tensor:
        ctx.world = world
        parts = [torch.empty_like(local) for _ in range(world.size)]
        dist.all_gather(parts, local.contiguous())
        return torch.stack(parts, dim=1).flatten(0, 1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        total = gradients[0].clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total[ctx.world.rank :: ctx.world.size].contiguous(), None


def sum_gradients(world: World, parameters: Iterable[nn.Parameter]) -> None:
    """Replace every gradient by its sum over the ranks, in one message. All ranks have the same ones."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if world.size == 1 or not gradients:
        return
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    parts = torch.split(flat, [gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


def summed(world: World, numbers: Tensor) -> Tensor:
    """The sum of a tensor over the ranks, in place."""
    if world.size > 1:
        dist.all_reduce(numbers)
    return numbers


def copy_from_first(world: World, tensors: Iterable[Tensor]) -> None:
    """Give every rank rank 0's values, in place."""
    if world.size > 1:
        for tensor in tensors:
            dist.broadcast(tensor.data, 0)


def first_says(world: World, value: float, device: torch.device) -> float:
    """Rank 0's ``value``, on every rank."""
    if world.size == 1:
        return value
    told = torch.tensor([value], dtype=torch.float64, device=device)
    dist.broadcast(told, 0)
    return float(told)
