"""SH: the sum of all margin violations; gentle, so training starts with it."""

from torch import Tensor

from motionary_training.losses.hinges import violations

__all__ = ["sum_hinge"]


def sum_hinge(S: Tensor, same: Tensor, *, margin: float = 0.2) -> Tensor:
    """Sum over anchors and over all their negatives of [margin + negative - positive]+, both directions.

    Args:
        S: (B, B) cosine of motion i (rows) and text j (columns); positives on the diagonal.
        same: (B, B) bool, pairs i and j show one motion; such entries are no negatives.
        margin: how far below its positive a negative has to stay.

    Returns:
        A scalar: summed, not averaged, so its gradient grows with the batch.

    References:
        Kiros et al., Unifying visual-semantic embeddings (arXiv 1411.2539); warm-up of DropTriple
        (arXiv 2305.04195).

    Relations:
        Never below :func:`max_hinge`, which keeps only the largest violation of each anchor.

    Example:
        >>> import torch
        >>> S = torch.tensor([[0.9, 0.8], [0.1, 0.5]])
        >>> round(float(sum_hinge(S, torch.eye(2, dtype=torch.bool))), 4)  # rows 0.1 + 0, columns 0 + 0.5
        0.6
    """
    return violations(S, ~same, margin).sum() + violations(S.T, ~same, margin).sum()
