"""A model's embeddings, and tables of systems on one gallery: every number under its protocol's name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from motionary_training.config import Config
from motionary_training.data import Pairs, Sample, centre_crop, padded
from motionary_training.encoders import DualEncoder
from motionary_training.intervals import DRAWS, interval, resampled
from motionary_training.metrics import Embedded, Scores, Side, averaged, measured
from motionary_training.protocols import PROTOCOLS, Asked, Captions, Protocol, answers, asked_of

__all__ = [
    "Estimate",
    "Table",
    "clusters_of",
    "embed_motions",
    "embed_texts",
    "estimates",
    "evaluate",
    "model_scores",
    "recalls",
    "score",
]

EMBED_BATCH = 64

Ints: TypeAlias = NDArray[np.int64]
Vectors: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True)
class Estimate:
    """A measure over ``count`` seeds: mean, sample standard deviation (0 for one seed), and the 95 %
    bootstrap interval of the mean; None for medians, which have none."""

    mean: float
    deviation: float
    count: int
    interval: tuple[float, float] | None

    def __str__(self) -> str:
        return f"{self.mean:.1f}" + (f" ± {self.deviation:.1f}" if self.count > 1 else "")


Table: TypeAlias = dict[str, dict[str, Estimate]]
"""Of one protocol: by system, then by measure ("t2m R@1")."""


def evaluate(
    systems: Mapping[str, Sequence[Scores]],
    asked: Asked,
    clusters: Ints,
    *,
    protocols: Sequence[Protocol] = PROTOCOLS,
    captions: Captions = "all",
    draws: int = DRAWS,
) -> dict[Protocol, Table]:
    """Of each protocol a row for chance, and one for each system: its (C, S) scores, one for each seed.

    clusters: (S,) what the bootstrap draws whole, see ``clusters_of``.
    """
    tables: dict[Protocol, Table] = {}
    for protocol in protocols:
        found = {
            name: [answers(protocol, scores, asked, captions) for scores in seeds]
            for name, seeds in systems.items()
        }
        found = {"chance": [answers(protocol, None, asked, captions)], **found}
        tables[protocol] = {name: estimates(seeds, clusters, draws=draws) for name, seeds in found.items()}
    return tables


def estimates(seeds: Sequence[Sequence[Side]], clusters: Ints, *, draws: int = DRAWS) -> dict[str, Estimate]:
    """Every measure of one system, from its seeds' answers to the same queries."""
    values = [measured(sides) for sides in seeds]
    pooled = [averaged(same_side) for same_side in zip(*seeds, strict=True)]
    drawn = resampled(pooled, clusters, draws=draws)
    return {
        name: Estimate(
            float(np.mean([value[name] for value in values])),
            float(np.std([value[name] for value in values], ddof=1)) if len(values) > 1 else 0.0,
            len(values),
            interval(drawn[name]) if name in drawn else None,
        )
        for name in values[0]
    }


def clusters_of(pairs: Pairs) -> tuple[Ints, str]:
    """(S,) the recording of each motion, or the clip where recordings are not known, and which it is."""
    trials = [sample.trial for sample in pairs.samples]
    known = all(trials)
    names = trials if known else [sample.group for sample in pairs.samples]
    return np.unique(names, return_inverse=True)[1], "recordings" if known else "clips"


def score(model: DualEncoder, pairs: Pairs, config: Config) -> dict[str, float]:
    """What validation looks at after an epoch, see ``recalls``."""
    return recalls(model_scores(model, pairs, config.motion.max_frames), pairs)


def recalls(scores: Scores, pairs: Pairs) -> dict[str, float]:
    """STRICT, by measure ("t2m R@1", ..., "R-sum"), without intervals."""
    return measured(answers("STRICT", scores, asked_of(pairs)))


def model_scores(model: DualEncoder, pairs: Pairs, max_frames: int) -> Embedded:
    """Every caption and every motion of ``pairs`` in the joint space."""
    return Embedded(embed_texts(model, pairs), embed_motions(model, pairs.samples, max_frames))


def embed_texts(model: DualEncoder, pairs: Pairs) -> Vectors:
    """(C, D) unit vectors of all captions."""
    device = model.features.mean.device
    model.eval()
    vectors: list[Vectors] = []
    with torch.inference_mode():
        for start in range(0, len(pairs.owner), EMBED_BATCH * 8):
            rows = slice(start, start + EMBED_BATCH * 8)
            sources = (pairs.sentences, pairs.tokens, pairs.token_mask)
            given = (None if source is None else source[rows].to(device) for source in sources)
            vectors.append(model.embed_texts(*given).float().cpu().numpy())
    return np.concatenate(vectors)


def embed_motions(model: DualEncoder, samples: Sequence[Sample], max_frames: int) -> Vectors:
    """(S, D) unit vectors, as a bundle embeds them: the middle ``max_frames`` of a longer clip."""
    device = model.features.mean.device
    model.eval()
    clips = [centre_crop(sample.features, max_frames) for sample in samples]
    order = np.argsort([len(clip) for clip in clips], kind="stable")
    vectors: list[Vectors] = []
    with torch.inference_mode():
        for start in range(0, len(order), EMBED_BATCH):
            features, lengths = padded([clips[i] for i in order[start : start + EMBED_BATCH]])
            vectors.append(model.embed_motions(features.to(device), lengths.to(device)).float().cpu().numpy())
    stacked: Vectors = np.concatenate(vectors)[np.argsort(order)]
    return stacked
