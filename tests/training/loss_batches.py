"""Random batches for the losses, and what they come to by plain loops over vectors, in float64.

Nothing here calls the package, but for the two that hand a batch to it.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from motionary_training.losses import directions

MODALITIES = ("motion", "text")


@dataclass(frozen=True, eq=False)
class Drawn:
    """C pairs of unit vectors, A of which are anchors: ``own`` says which. Tables are (C, C)."""

    motions: Tensor
    texts: Tensor
    sentences: Tensor
    own: Tensor
    same: Tensor
    certain: Tensor


def drawn(seed: int, anchors: int = 6, others: int = 0, *, kinds: int = 0) -> Drawn:
    """Anchors anywhere among the candidates. ``kinds``: of motions, told often; 0: every pair has its own.

    A tenth of the negatives are certain ones.
    """
    draw = torch.Generator().manual_seed(seed)
    total = anchors + others
    motions, texts, sentences = (
        F.normalize(torch.randn(total, 3, generator=draw, dtype=torch.float64), dim=1) for _ in range(3)
    )
    groups = torch.randint(kinds, (total,), generator=draw) if kinds else torch.arange(total)
    same = groups[:, None] == groups
    certain = (torch.rand(total, total, generator=draw) < 0.1) & ~same
    own = torch.randperm(total, generator=draw)[:anchors] if others else torch.arange(anchors)
    return Drawn(motions, texts, sentences, own, same, certain)


def both(batch: Drawn, dtype: torch.dtype = torch.float64):
    """Motion to text and text to motion, with vectors of ``dtype``."""
    motions, texts, sentences = (v.to(dtype) for v in (batch.motions, batch.texts, batch.sentences))
    own = batch.own
    guide = sentences[own] @ sentences.T
    same, certain = batch.same[own], batch.certain[own]
    return directions(motions[own], texts[own], motions, texts, own, same, certain, guide)


def one(batch: Drawn, modality: str, dtype: torch.dtype = torch.float64):
    """The direction whose anchors are of ``modality``."""
    return both(batch, dtype)[MODALITIES.index(modality)]


def dot(one: Tensor, two: Tensor) -> float:
    return sum(a * b for a, b in zip(one.tolist(), two.tolist(), strict=True))


def dropped_by_loops(batch: Drawn, modality: str, rule: str, hetero: float, homo: float) -> list[list[bool]]:
    """rule: "swapping", "symmetric", or "text", of which ``hetero`` is the threshold."""
    table = []
    for p in batch.own.tolist():
        row = []
        for c in range(len(batch.motions)):
            motions = dot(batch.motions[p], batch.motions[c])
            texts = dot(batch.texts[p], batch.texts[c])
            if rule == "text":
                alike = dot(batch.sentences[p], batch.sentences[c]) > hetero
            elif rule == "symmetric" or modality == "motion":
                alike = motions > hetero or texts > homo
            else:
                alike = texts > hetero or motions > homo
            row.append(alike and c != p and not bool(batch.certain[p, c]))
        table.append(row)
    return table


def losses_by_loops(
    batch: Drawn,
    modality: str,
    kind: str,
    dropped: list[list[bool]] | None = None,
    *,
    margin: float = 0.2,
    temperature: float = 0.3,
    target_temperature: float = 0.2,
) -> list[float]:
    """kind: "sum", "max" (also DropTriple, with ``dropped``), "nce" or "soft"."""
    mine, theirs = (batch.motions, batch.texts) if modality == "motion" else (batch.texts, batch.motions)
    losses = []
    for a, p in enumerate(batch.own.tolist()):
        scores = [dot(mine[p], candidate) for candidate in theirs]
        negatives = []
        for c in range(len(scores)):
            if c != p and not bool(batch.same[p, c]) and not (dropped and dropped[a][c]):
                negatives.append(c)
        violations = [max(0.0, margin + scores[c] - scores[p]) for c in negatives]
        if kind == "sum":
            losses.append(sum(violations))
        elif kind == "max":
            losses.append(max(violations, default=0.0))
        elif kind == "nce":
            total = sum(math.exp(scores[c] / temperature) for c in [p, *negatives])
            losses.append(-math.log(math.exp(scores[p] / temperature) / total))
        else:
            wanted = []
            for c in range(len(scores)):
                if c == p or bool(batch.same[p, c]):
                    wanted.append(math.exp(1 / target_temperature))
                elif bool(batch.certain[p, c]):
                    wanted.append(0.0)
                else:
                    wanted.append(math.exp(dot(batch.sentences[p], batch.sentences[c]) / target_temperature))
            total = sum(math.exp(score / temperature) for score in scores)
            logs = [score / temperature - math.log(total) for score in scores]
            losses.append(-sum(w / sum(wanted) * log for w, log in zip(wanted, logs, strict=True)))
    return losses
