"""DropTriple: the hardest negative, after the likely false ones are dropped."""

from torch import Tensor

from motionary_training.losses.direction import Direction
from motionary_training.losses.hinges import violations

__all__ = ["drop_triple"]


def drop_triple(d: Direction, *, margin: float = 0.2, dropped: Tensor | None = None) -> Tensor:
    """For each anchor a, max over the negatives n that are not dropped of [margin + s(a, n) - s(a, p)]+.

    Two recordings of walking are each other's negatives by their file names only; pushing them apart is
    wrong, and the hardest negative is the likeliest to be such a one.

    Args:
        d: one direction, see :class:`Direction`; ``d.same`` entries are no negatives.
        margin: how far below its positive a negative has to stay.
        dropped: (A, C) bool, likely false negatives: :func:`in_batch` tells the paper's, :func:`by_text`
            TMR's. None drops nothing.

    Returns:
        (A,) losses, 0 where every negative of an anchor is dropped. The paper's code adds them up, over both
        directions.

    Requirements:
        Unit vectors; for ``dropped`` by :func:`in_batch`, a model whose similarities mean something already.

    References:
        Yan et al., Cross-Modal Retrieval for Motion and Text via DropTriple Loss (arXiv 2305.04195). Unlike
        the authors' code, a dropped negative is removed instead of scored 0, and the positive and other
        captions of the same motion are masked by identity.

    Recommendations:
        Warm up with :func:`sum_hinge`: similarities inside a modality mean nothing before.

    Relations:
        Without ``dropped``, exactly :func:`max_hinge`. :func:`info_nce` takes the same ``dropped``.

    Example:
        >>> import torch
        >>> from motionary_training.losses import directions, in_batch
        >>> eye = torch.eye(3, dtype=torch.bool)
        >>> motions = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
        >>> to_text, _ = directions(motions, motions, motions, motions, torch.arange(3), eye, ~eye & eye)
        >>> [round(float(loss), 4) for loss in drop_triple(to_text, margin=0.5)]
        [0.3, 0.3, 0.1]
        >>> dropped = in_batch(to_text, hetero_threshold=0.7, homo_threshold=0.9)
        >>> [round(float(loss), 4) for loss in drop_triple(to_text, margin=0.5, dropped=dropped)]
        [0.0, 0.1, 0.1]
    """
    return violations(d, margin, dropped).amax(dim=1)
