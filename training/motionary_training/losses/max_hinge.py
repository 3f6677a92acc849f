"""MH: only the hardest negative of each anchor counts."""

from torch import Tensor

from motionary_training.losses.direction import Direction
from motionary_training.losses.hinges import violations

__all__ = ["max_hinge"]


def max_hinge(d: Direction, *, margin: float = 0.2) -> Tensor:
    """For each anchor a, max over its negatives n of [margin + s(a, n) - s(a, p)]+, p its positive.

    Args:
        d: one direction, see :class:`Direction`; ``d.same`` entries are no negatives.
        margin: how far below its positive a negative has to stay.

    Returns:
        (A,) losses. The paper's code adds them up, over both directions.

    Requirements:
        Unit vectors; a batch in which the hardest negative is one in truth: see :func:`drop_triple`.

    References:
        Faghri et al., VSE++ (arXiv 1707.05612).

    Recommendations:
        Start with :func:`sum_hinge` for some epochs: from scratch the hardest negatives can collapse the
        space. ``motionary-train study warm-up`` measures it.

    Relations:
        :func:`drop_triple` without any false negative dropped.

    Example:
        >>> import torch
        >>> from motionary_training.losses import directions
        >>> eye = torch.eye(3, dtype=torch.bool)
        >>> motions, texts = torch.eye(3), torch.tensor([[0.5, 0.4, 0.35], [0, 0.5, 0], [0, 0, 0.5]])
        >>> to_text, to_motion = directions(motions, texts, motions, texts, torch.arange(3), eye, ~eye)
        >>> [round(float(loss), 4) for loss in max_hinge(to_motion)]  # text 0: motions 1 and 2 too near
        [0.1, 0.0, 0.0]
    """
    return violations(d, margin).amax(dim=1)
