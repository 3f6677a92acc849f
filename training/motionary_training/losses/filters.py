"""Which negatives are likely false ones: two rules, for DropTriple and InfoNCE alike."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from motionary_training.losses.direction import Direction, own_mask

__all__ = ["by_text", "in_batch"]


def in_batch(
    d: Direction,
    *,
    hetero_threshold: float,
    homo_threshold: float,
    convention: Literal["swapping", "symmetric"] = "swapping",
) -> Tensor:
    """(A, C) bool: the model itself finds the two pairs alike inside a modality (DropTriple's rule).

    "swapping", the authors' code of 2023: dropped where the anchors are more alike than ``hetero_threshold``
    or the candidates more than ``homo_threshold``, so the modalities swap thresholds with the direction.
    "symmetric", their code of 2024: dropped where the motions are more alike than ``hetero_threshold`` or the
    texts more than ``homo_threshold``, in both directions. At 1 or more, both thresholds drop nothing.

    Neither a positive nor a ``certain`` negative is ever dropped.
    """
    anchor_limit, candidate_limit = hetero_threshold, homo_threshold
    if convention == "symmetric" and d.modality == "text":
        anchor_limit, candidate_limit = homo_threshold, hetero_threshold
    # A cosine is at most 1, but rounding carries it above: a threshold of 1 must drop nothing all the same.
    alike = (d.anchors.clamp(max=1) > anchor_limit) | (d.candidates.clamp(max=1) > candidate_limit)
    return alike & ~own_mask(d) & ~d.certain


def by_text(d: Direction, *, threshold: float) -> Tensor:
    """(A, C) bool: the captions' cosine under the frozen text encoder is above ``threshold`` (TMR's rule).

    TMR's published 0.8 is on a scale of 0 to 1 for cosines of -1 to 1: a cosine of 0.6. ValueError for a
    direction without ``guide``. Neither a positive nor a ``certain`` negative is ever dropped.
    """
    if d.guide is None:
        raise ValueError("the text filter needs the captions' cosines under the frozen text encoder")
    return (d.guide > threshold) & ~own_mask(d) & ~d.certain
