"""Scores of a model and of the baselines on one split, every number under the name of its protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from motionary_training.baselines import clip_statistics, knn_scores, ridge_scores
from motionary_training.data import Pairs, Sample, centre_crop, padded, subset
from motionary_training.encoders import DualEncoder
from motionary_training.metrics import (
    Recall,
    chance,
    motion_to_text_ranks,
    ndcg,
    precision,
    recall,
    rehamot_ranks,
    text_to_motion_ranks,
)

__all__ = [
    "PROTOCOLS",
    "Row",
    "baseline_scores",
    "embed_motions",
    "evaluate",
    "model_scores",
    "recalls",
    "subset",
]

PROTOCOLS = {
    "STRICT": "text to motion: every caption is a query over all motions, only its own motion counts. "
    "motion to text: every (motion, own caption) pair, the caption's rank among all other motions' captions.",
    "REHAMOT": "motion to text as the paper's code counts it: every motion is a query over all captions, "
    "the best rank among its own ones counts. text to motion is the same as STRICT.",
    "GRADED": "text to motion: nDCG@10, relevance being the query's largest cosine to the motion's captions "
    "under the frozen text encoder; action P@10, the share of the first ten whose captions have an action "
    "verb in common with those of the query's motion.",
}
RIDGE_ALPHA = 1000.0
NEIGHBOURS = 5
EMBED_BATCH = 64

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """One system's scores on one split."""

    system: str
    text_to_motion: Recall
    motion_to_text: Recall
    rehamot_motion_to_text: Recall
    ndcg: float | None = None
    precision: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain numbers, protocol names as keys."""
        strict = {
            "text_to_motion": asdict(self.text_to_motion),
            "motion_to_text": asdict(self.motion_to_text),
            "r_sum": self.text_to_motion.total + self.motion_to_text.total,
        }
        graded = {"ndcg_10": self.ndcg, "action_precision_10": self.precision}
        rehamot = {"motion_to_text": asdict(self.rehamot_motion_to_text)}
        return {"STRICT": strict, "REHAMOT": rehamot, "GRADED": graded}


def evaluate(systems: dict[str, Floats], pairs: Pairs) -> list[Row]:
    """A row for chance and one for each system's (C, S) scores of captions with motions."""
    owner = pairs.owner
    lucky = chance(owner, len(pairs.samples))
    rows = [Row("chance", lucky["text_to_motion"], lucky["motion_to_text"], lucky["rehamot"])]
    relevance, alike = _relevance(pairs), _alike(pairs)
    for name, scores in systems.items():
        both = recalls(scores, owner)
        rows.append(
            Row(
                name,
                both["text_to_motion"],
                both["motion_to_text"],
                recall(rehamot_ranks(scores, owner)),
                ndcg(scores, relevance),
                precision(scores, alike),
            )
        )
    return rows


def recalls(scores: Floats, owner: NDArray[np.int64]) -> dict[str, Recall]:
    """STRICT, both directions."""
    return {
        "text_to_motion": recall(text_to_motion_ranks(scores, owner)),
        "motion_to_text": recall(motion_to_text_ranks(scores, owner)),
    }


def model_scores(model: DualEncoder, pairs: Pairs, max_frames: int) -> Floats:
    """(C, S) cosine of every caption with every motion."""
    motions = embed_motions(model, pairs.samples, max_frames)
    device = model.features.mean.device
    with torch.inference_mode():
        texts = model.eval().text(pairs.sentences.to(device)).cpu().double().numpy()
    scores: Floats = texts @ motions.T
    return scores


def embed_motions(model: DualEncoder, samples: Sequence[Sample], max_frames: int) -> Floats:
    """(S, D) unit vectors, as a bundle embeds them: the middle ``max_frames`` of a longer clip."""
    device = model.features.mean.device
    model.eval()
    clips = [centre_crop(sample.features, max_frames) for sample in samples]
    order = np.argsort([len(clip) for clip in clips], kind="stable")
    vectors: list[Floats] = []
    with torch.inference_mode():
        for start in range(0, len(order), EMBED_BATCH):
            features, lengths = padded([clips[i] for i in order[start : start + EMBED_BATCH]])
            embedded = model.motion(model.features(features.to(device)), lengths.to(device))
            vectors.append(embedded.cpu().double().numpy())
    stacked: Floats = np.concatenate(vectors)[np.argsort(order)]
    return stacked


def baseline_scores(train: Pairs, gallery: Pairs) -> dict[str, Floats]:
    """(C, S) scores of ridge regression and nearest neighbours on clip statistics, fitted on ``train``."""
    frames = np.concatenate([sample.features for sample in train.samples])
    mean, std = frames.mean(axis=0), np.maximum(frames.std(axis=0), 1e-3)
    fitted = np.stack([clip_statistics((sample.features - mean) / std) for sample in train.samples])
    asked = np.stack([clip_statistics((sample.features - mean) / std) for sample in gallery.samples])
    sentences = train.sentences.numpy()
    captions = np.stack([sentences[train.owner == number].mean(axis=0) for number in range(len(fitted))])
    queries = gallery.sentences.numpy()
    return {
        "ridge": ridge_scores(fitted, captions, queries, asked, RIDGE_ALPHA),
        "kNN": knn_scores(fitted, captions, queries, asked, neighbours=NEIGHBOURS),
    }


def _relevance(pairs: Pairs) -> Floats:
    """(C, S) largest cosine of a caption to a motion's captions, 0 at least; 1 for its own motion."""
    sentences = pairs.sentences.double().numpy()
    cosines = np.clip(sentences @ sentences.T, 0, 1)
    columns = [cosines[:, pairs.owner == number].max(axis=1) for number in range(len(pairs.samples))]
    return np.stack(columns, axis=1)


def _alike(pairs: Pairs) -> NDArray[np.bool_]:
    """(C, S) whether a motion shares an action with the motion that a caption describes."""
    actions = [sample.actions for sample in pairs.samples]
    shared = np.array([[bool(one & other) for other in actions] for one in actions])
    return shared[pairs.owner]
