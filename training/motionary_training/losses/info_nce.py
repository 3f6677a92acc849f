"""InfoNCE: pick the positive out of all candidates, by a softmax over their scores."""

import torch
from torch import Tensor
from torch.nn import functional as F

from motionary_training.losses.direction import Direction, own_mask

__all__ = ["info_nce"]


def info_nce(d: Direction, *, temperature: Tensor, dropped: Tensor | None = None) -> Tensor:
    """For each anchor a, -log( exp(s(a, p) / t) / sum over p and its negatives n of exp(s(a, n) / t) ).

    Args:
        d: one direction, see :class:`Direction`; ``d.same`` entries are no negatives.
        temperature: t > 0, a scalar tensor; learned where it carries a gradient.
        dropped: (A, C) bool, likely false negatives, taken out of the sum: :func:`in_batch` or
            :func:`by_text` tell them. None drops nothing.

    Returns:
        (A,) losses, 0 where every negative of an anchor is dropped.

    Requirements:
        t > 0, which the trainer keeps within bounds; a batch with no clip twice, or ``d.same`` that says so.

    References:
        van den Oord et al., Representation Learning with Contrastive Predictive Coding (arXiv 1807.03748);
        the learned temperature is CLIP's (arXiv 2103.00020); leaving likely false negatives out of the sum is
        TMR's (arXiv 2305.00976).

    Recommendations:
        Larger batches, or a queue, help: every negative counts, not the hardest alone.

    Relations:
        As t goes to 0, t times this loss goes to :func:`drop_triple` with a margin of 0. With soft targets
        in place of the one positive it is :func:`soft_info_nce`.

    Example:
        >>> import torch
        >>> from motionary_training.losses import directions
        >>> eye = torch.eye(2, dtype=torch.bool)
        >>> to_text, _ = directions(*[torch.eye(2)] * 4, torch.arange(2), eye, ~eye)
        >>> [round(float(loss), 4) for loss in info_nce(to_text, temperature=torch.tensor(1.0))]
        [0.3133, 0.3133]
    """
    own = own_mask(d)
    left_out = d.same & ~own
    if dropped is not None:
        left_out = left_out | (dropped & ~own)
    logits = (d.scores / temperature).masked_fill(left_out, -torch.inf)
    return F.cross_entropy(logits, d.own, reduction="none")
