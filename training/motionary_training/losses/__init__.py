"""Retrieval losses, one in each file: pure functions of one :class:`Direction`, a loss for each anchor."""

from motionary_training.losses.choose import anchor_losses, dropped, needs_guide
from motionary_training.losses.direction import Direction, directions, own_mask
from motionary_training.losses.drop_triple import drop_triple
from motionary_training.losses.filters import by_text, in_batch
from motionary_training.losses.info_nce import info_nce
from motionary_training.losses.max_hinge import max_hinge
from motionary_training.losses.soft_info_nce import soft_info_nce
from motionary_training.losses.sum_hinge import sum_hinge

__all__ = [
    "Direction",
    "anchor_losses",
    "by_text",
    "directions",
    "drop_triple",
    "dropped",
    "in_batch",
    "info_nce",
    "max_hinge",
    "needs_guide",
    "own_mask",
    "soft_info_nce",
    "sum_hinge",
]
