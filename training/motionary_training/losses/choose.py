"""From a config to a loss."""

from __future__ import annotations

import torch
from torch import Tensor

from motionary_training.config import LossConfig
from motionary_training.losses.direction import Direction
from motionary_training.losses.drop_triple import drop_triple
from motionary_training.losses.filters import by_text, in_batch
from motionary_training.losses.info_nce import info_nce
from motionary_training.losses.max_hinge import max_hinge
from motionary_training.losses.soft_info_nce import soft_info_nce
from motionary_training.losses.sum_hinge import sum_hinge

__all__ = ["anchor_losses", "dropped", "needs_guide"]


def anchor_losses(config: LossConfig, epoch: int, d: Direction, temperature: Tensor) -> Tensor:
    """(A,) losses: the sum hinge until the warm-up is over, then the config's loss with its filter.

    epoch: from 0. temperature: a scalar tensor, for InfoNCE.
    """
    if config.name == "sum_hinge" or epoch < config.warmup_epochs:
        return sum_hinge(d, margin=config.margin)
    if config.name == "max_hinge":
        return max_hinge(d, margin=config.margin)
    if config.name == "soft_info_nce":
        return soft_info_nce(d, temperature=temperature, target_temperature=config.target_temperature)
    left_out = dropped(config, epoch, d)
    if config.name == "info_nce":
        return info_nce(d, temperature=temperature, dropped=left_out)
    return drop_triple(d, margin=config.margin, dropped=left_out)


def dropped(config: LossConfig, epoch: int, d: Direction) -> Tensor:
    """(A, C) bool: the negatives that the config's filter drops in this epoch; none during the warm-up."""
    filters = config.name in ("drop_triple", "info_nce") and epoch >= config.warmup_epochs
    if filters and config.filter == "in_batch":
        return in_batch(
            d,
            hetero_threshold=config.hetero_threshold,
            homo_threshold=config.homo_threshold,
            convention=config.convention,
        )
    if filters and config.filter == "text":
        return by_text(d, threshold=config.text_threshold)
    return torch.zeros_like(d.same)


def needs_guide(config: LossConfig) -> bool:
    """Whether the config's loss asks for the captions' cosines under the frozen text encoder."""
    return config.name == "soft_info_nce" or config.filter == "text"
