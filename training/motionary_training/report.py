"""Tables of scores: a run or a bundle beside the baselines, whole split and unseen trials apart."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionary.bundle import load_bundle
from motionary.errors import MotionaryError
from motionary.files import replacing
from motionary_training.config import Config
from motionary_training.crossval import spread
from motionary_training.data import Pairs, load_pairs
from motionary_training.evaluate import Row, baseline_scores, evaluate, model_scores, subset
from motionary_training.train import load_run

__all__ = ["bundle_scores", "report_split", "source_scores", "split_tables", "spread_json", "write_json"]


def report_split(source: Path, config: Config, split: str) -> dict[str, list[Row]]:
    """Tables of chance, baselines and the model in ``source`` on one split of the config's data."""
    asked, train = load_pairs(config, split), load_pairs(config, "train")
    scores = {**baseline_scores(train, asked), source.name: source_scores(source, asked)}
    return split_tables(scores, asked, train, split)


def split_tables(
    scores: dict[str, NDArray[np.float64]], asked: Pairs, train: Pairs, split: str
) -> dict[str, list[Row]]:
    """A table over the whole split, and one over its clips of trials that no train clip was cut from.

    HumanML3D cuts one recording into clips of different splits, so the whole split flatters.
    """
    learnt = {sample.trial for sample in train.samples}
    unseen = np.array([sample.trial not in learnt for sample in asked.samples])
    tables = {f"{split}, all {len(asked.samples)} clips": evaluate(scores, asked)}
    if 1 < unseen.sum() < len(unseen):
        captions = unseen[asked.owner]
        apart = {name: matrix[captions][:, unseen] for name, matrix in scores.items()}
        tables[f"{split}, {unseen.sum()} clips of unseen trials"] = evaluate(apart, subset(asked, unseen))
    return tables


def source_scores(source: Path, asked: Pairs) -> NDArray[np.float64]:
    """(C, S) scores of the model in a run's folder (by torch) or in a bundle (by numpy, as users have it)."""
    if (source / "last.pt").is_file():
        config, model, _ = load_run(source)
        return model_scores(model, asked, config.motion.max_frames)
    if not (source / "config.json").is_file():
        raise MotionaryError(f"{source}: neither a run's folder (last.pt) nor a bundle (config.json)")
    return bundle_scores(source, asked)


def bundle_scores(folder: Path, asked: Pairs) -> NDArray[np.float64]:
    """(C, S) scores of a bundle, its text encoder included."""
    bundle = load_bundle(folder)
    texts = [text for sample in asked.samples for text in sample.captions]
    motions = bundle.embed_features([sample.features for sample in asked.samples])
    scores: NDArray[np.float64] = bundle.embed_texts(texts).astype(np.float64) @ motions.T
    return scores


def spread_json(results: list[list[Row]]) -> dict[str, dict[str, dict[str, float]]]:
    """Mean and deviation, by system and measure, of rows that were made several times (folds, seeds)."""
    table: dict[str, dict[str, dict[str, float]]] = {}
    for same_system in zip(*results, strict=True):
        measures = [_measures(row) for row in same_system]
        table[same_system[0].system] = {
            name: asdict(spread([one[name] for one in measures])) for name in measures[0]
        }
    return table


def write_json(path: Path, document: Any) -> None:
    """Write a document, replacing ``path`` in one step."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


def _measures(row: Row) -> dict[str, float]:
    both = {"t2m": row.text_to_motion, "m2t": row.motion_to_text}
    found = {f"{way} R@{k}": value for way, scores in both.items() for k, value in scores.at.items()}
    found |= {f"{way} MedR": scores.median_rank for way, scores in both.items()}
    found["R-sum"] = sum(scores.total for scores in both.values())
    if row.ndcg is not None and row.precision is not None:
        found |= {"nDCG@10": 100 * row.ndcg, "action P@10": row.precision}
    return found
