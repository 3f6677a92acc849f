"""What the three hinge losses share: every negative's violation of the margin."""

import torch
from torch import Tensor

from motionary_training.losses.direction import Direction, own_mask

__all__ = ["violations"]


def violations(d: Direction, margin: float, dropped: Tensor | None = None) -> Tensor:
    """(A, C) [margin + score - own score]+ of the negatives, exactly 0 (and without gradient) elsewhere.

    dropped: (A, C) bool, negatives that are left out. They become -inf before the hinge: setting their score
    to 0, as the reference code does, leaves margin - own score behind.
    """
    none = d.same | own_mask(d)
    if dropped is not None:
        none = none | dropped
    positives = d.scores.gather(1, d.own[:, None])
    return (margin + d.scores.masked_fill(none, -torch.inf) - positives).relu()
