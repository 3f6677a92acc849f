"""MH: only the hardest negative of each anchor counts."""

from torch import Tensor

from motionary_training.losses.hinges import violations

__all__ = ["max_hinge"]


def max_hinge(S: Tensor, same: Tensor, *, margin: float = 0.2) -> Tensor:
    """Sum over anchors of the largest [margin + negative - positive]+, both directions.

    Args:
        S: (B, B) cosine of motion i (rows) and text j (columns); positives on the diagonal.
        same: (B, B) bool, pairs i and j show one motion; such entries are no negatives.
        margin: how far below its positive a negative has to stay.

    Returns:
        A scalar: summed over anchors.

    References:
        Faghri et al., VSE++ (arXiv 1707.05612).

    Recommendations:
        Start with :func:`sum_hinge` for some epochs: from scratch the hardest negatives collapse the space.

    Relations:
        :func:`drop_triple` without any false negative dropped.

    Example:
        >>> import torch
        >>> S = torch.tensor([[0.5, 0.4], [0.0, 0.5]])
        >>> round(float(max_hinge(S, torch.eye(2, dtype=torch.bool))), 4)  # 0.1 too near, twice
        0.2
    """
    return violations(S, ~same, margin).amax(dim=1).sum() + violations(S.T, ~same, margin).amax(dim=1).sum()
