"""One direction of retrieval, motion to text or text to motion: what every loss is a function of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

__all__ = ["Direction", "directions", "own_mask"]


@dataclass(frozen=True, eq=False)
class Direction:
    """A anchors of one modality against C >= A candidates of the other. Candidate c is half of a pair.

    modality: of the anchors. scores: (A, C) cosine of anchor and candidate, with gradient. own: (A,) int64
    column of each anchor's positive. anchors: (A, C) cosine of anchor a and candidate c's other half, inside
    the anchors' modality. candidates: (A, C) cosine of a's positive and candidate c, inside the candidates'
    modality. guide: (A, C) cosine of the captions of both pairs under the frozen text encoder, or None.
    same: (A, C) bool, both pairs show one motion or one caption is known to be true of the other: no
    negatives. certain: (A, C) bool, negatives beyond doubt, which no filter drops.
    """

    modality: Literal["motion", "text"]
    scores: Tensor
    own: Tensor
    anchors: Tensor
    candidates: Tensor
    guide: Tensor | None
    same: Tensor
    certain: Tensor


def directions(
    motions: Tensor,
    texts: Tensor,
    all_motions: Tensor,
    all_texts: Tensor,
    own: Tensor,
    same: Tensor,
    certain: Tensor,
    guide: Tensor | None = None,
) -> tuple[Direction, Direction]:
    """Motion to text and text to motion, of unit vectors.

    motions, texts: (A, D) the anchors' pairs. all_motions, all_texts: (C, D) the pairs that they are compared
    with: the batch itself, the batches of all ranks, or those and a queue of earlier ones behind. own: (A,)
    where among the C each anchor's own pair stands. same, certain, guide: (A, C), see :class:`Direction`.
    """
    M, T = (motions @ all_motions.T).detach(), (texts @ all_texts.T).detach()
    return (
        Direction("motion", motions @ all_texts.T, own, M, T, guide, same, certain),
        Direction("text", texts @ all_motions.T, own, T, M, guide, same, certain),
    )


def own_mask(d: Direction) -> Tensor:
    """(A, C) bool: the positives. By place, never by comparing a similarity with 1, which bfloat16 breaks."""
    columns = torch.arange(d.scores.shape[1], device=d.own.device)
    return d.own[:, None] == columns
