"""DropTriple: the hardest negative, after the likely false ones are dropped."""

from torch import Tensor

from motionary_training.losses.hinges import violations

__all__ = ["drop_triple", "dropped_negatives"]


def drop_triple(
    S: Tensor,
    M: Tensor,
    T: Tensor,
    same: Tensor,
    *,
    margin: float = 0.2,
    hetero_threshold: float = 0.7,
    homo_threshold: float = 0.9,
) -> Tensor:
    """Max hinge over the negatives that do not look like a second positive, both directions.

    Two recordings of walking are each other's negatives by their file names only; pushing them apart is
    wrong, and the hardest negative is the likeliest to be such a one. A candidate is dropped when it
    resembles the anchor's positive (homo) or when its pair's other half resembles the anchor (hetero).

    Args:
        S: (B, B) cosine of motion i (rows) and text j (columns); positives on the diagonal.
        M: (B, B) cosine of motions; only compared with the thresholds, no gradient flows through it.
        T: (B, B) cosine of texts; likewise.
        same: (B, B) bool, pairs i and j show one motion; such entries are no negatives.
        margin: how far below its positive a negative has to stay.
        hetero_threshold: drop above this similarity inside the anchor's modality.
        homo_threshold: drop above this similarity inside the candidate's modality. At 1 or more, both
            thresholds drop nothing and the loss is exactly :func:`max_hinge`.

    Returns:
        A scalar: summed over anchors; 0 where every negative is dropped.

    References:
        Yan et al., Cross-Modal Retrieval for Motion and Text via DropTriple Loss (arXiv 2305.04195).
        Unlike the authors' code, a dropped negative is removed instead of scored 0, and the diagonal and
        other captions of the same motion are masked by identity.

    Recommendations:
        Warm up with :func:`sum_hinge`: the thresholds mean nothing until M and T do.

    Example:
        >>> import torch
        >>> eye = torch.eye(2, dtype=torch.bool)
        >>> S, alike = torch.tensor([[0.5, 0.4], [0.0, 0.5]]), torch.ones(2, 2)
        >>> round(float(drop_triple(S, torch.eye(2), torch.eye(2), eye)), 4)
        0.2
        >>> float(drop_triple(S, torch.eye(2), alike, eye))
        0.0
    """
    by_motion, by_text = dropped_negatives(
        M, T, hetero_threshold=hetero_threshold, homo_threshold=homo_threshold
    )
    forward = violations(S, ~(same | by_motion), margin).amax(dim=1)
    backward = violations(S.T, ~(same | by_text), margin).amax(dim=1)
    return forward.sum() + backward.sum()


def dropped_negatives(
    M: Tensor, T: Tensor, *, hetero_threshold: float, homo_threshold: float
) -> tuple[Tensor, Tensor]:
    """Which candidates are dropped: two (B, B) bools, for motion anchors and for text anchors.

    The roles of the thresholds swap with the direction: hetero goes with the anchor's modality, homo with
    the candidate's.
    """
    by_motion = (hetero_threshold < M) | (homo_threshold < T)
    by_text = (hetero_threshold < T) | (homo_threshold < M)
    return by_motion, by_text
