"""SH: the sum of all margin violations; gentle, so training starts with it."""

from torch import Tensor

from motionary_training.losses.direction import Direction
from motionary_training.losses.hinges import violations

__all__ = ["sum_hinge"]


def sum_hinge(d: Direction, *, margin: float = 0.2) -> Tensor:
    """For each anchor a, the sum over its negatives n of [margin + s(a, n) - s(a, p)]+, p its positive.

    Args:
        d: one direction, see :class:`Direction`; ``d.same`` entries are no negatives.
        margin: how far below its positive a negative has to stay.

    Returns:
        (A,) losses. The paper's code adds them up, over both directions.

    Requirements:
        Unit vectors, so that the margin means the same for every pair. An anchor without a negative costs 0.

    References:
        Kiros et al., Unifying visual-semantic embeddings (arXiv 1411.2539); warm-up of DropTriple
        (arXiv 2305.04195).

    Relations:
        Never below :func:`max_hinge`, which keeps only the largest violation of each anchor.

    Example:
        >>> import torch
        >>> from motionary_training.losses import directions
        >>> eye = torch.eye(2, dtype=torch.bool)
        >>> motions, texts = torch.eye(2), torch.tensor([[1.0, 0.0], [0.9, 0.1]])
        >>> to_text, to_motion = directions(motions, texts, motions, texts, torch.arange(2), eye, ~eye)
        >>> [round(float(loss), 4) for loss in sum_hinge(to_text)]
        [0.1, 0.1]
    """
    return violations(d, margin).sum(dim=1)
