"""Soft InfoNCE: spread the candidates as a frozen text encoder spreads their captions."""

import torch
from torch import Tensor

from motionary_training.losses.direction import Direction

__all__ = ["soft_info_nce"]


def soft_info_nce(d: Direction, *, temperature: Tensor, target_temperature: float = 0.1) -> Tensor:
    """For each anchor a, the cross-entropy of softmax(s(a, .) / t) against softmax(g(a, .) / t0).

    g(a, c) is the frozen cosine of the captions of a's and c's pairs, 1 where they are known to be true of
    one motion. Instead of a threshold above which a negative is forgotten, each candidate is wanted as near
    as its caption is.

    Args:
        d: one direction, see :class:`Direction`, with its ``guide``.
        temperature: t > 0, a scalar tensor; learned where it carries a gradient.
        target_temperature: t0; towards 0, all weight goes to the same motion and equal captions. Pairs that
            are ``certain`` negatives get no weight.

    Returns:
        (A,) losses; never 0, as the targets' own entropy is in them.

    Requirements:
        ``d.guide``; ValueError without it.

    References:
        Distillation with soft targets, Hinton et al. (arXiv 1503.02531), from the text tower to both.

    Relations:
        With t0 towards 0 and no two captions alike, exactly :func:`info_nce`.

    Example:
        >>> import torch
        >>> from motionary_training.losses import directions
        >>> eye = torch.eye(2, dtype=torch.bool)
        >>> to_text, _ = directions(*[torch.eye(2)] * 4, torch.arange(2), eye, ~eye, torch.eye(2))
        >>> one = torch.tensor(1.0)
        >>> [round(float(loss), 4) for loss in soft_info_nce(to_text, temperature=one)]
        [0.3133, 0.3133]
    """
    if d.guide is None:
        raise ValueError("soft_info_nce needs the captions' cosines under the frozen text encoder")
    alike = d.guide.masked_fill(d.same, 1.0).scatter(1, d.own[:, None], 1.0)
    alike = alike.masked_fill(d.certain & ~d.same, -torch.inf)
    targets = torch.softmax(alike / target_temperature, dim=1)
    return -(targets * torch.log_softmax(d.scores / temperature, dim=1)).sum(dim=1)
