"""Cross-validation by trial within the train split: choosing settings without looking at val or test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from motionary.errors import MotionaryError
from motionary_training.config import Config
from motionary_training.data import Pairs
from motionary_training.evaluate import Row, baseline_scores, evaluate, model_scores, subset
from motionary_training.train import fit

__all__ = ["Spread", "cross_validate", "folds", "spread"]


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation over folds or seeds, and how many there were."""

    mean: float
    deviation: float
    count: int

    def __str__(self) -> str:
        return f"{self.mean:.1f} ± {self.deviation:.1f}"


def spread(values: list[float]) -> Spread:
    """Of at least one value; the deviation of one value is 0."""
    return Spread(
        float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0, len(values)
    )


def folds(train: Pairs, count: int, seed: int) -> list[tuple[Pairs, Pairs]]:
    """(rest, held out) for each fold. A trial is wholly in one fold; mirrored clips and labels are not asked.

    The starter clips stay on the training side. MotionaryError with fewer trials than folds.
    """
    samples = train.samples
    trials = sorted({sample.trial for sample in samples if sample.trial != "starter"})
    if not 2 <= count <= len(trials):
        raise MotionaryError(f"cannot cut {len(trials)} trials into {count} folds; choose 2 to {len(trials)}")
    shuffled = np.random.default_rng(seed).permutation(trials)
    cuts = []
    for number in range(count):
        held = set(shuffled[number::count])
        inside = np.array([sample.trial in held for sample in samples])
        asked = inside & np.array([not sample.group.startswith("M") for sample in samples])
        cuts.append((subset(train, ~inside), subset(train, asked, labels=False)))
    return cuts


def cross_validate(
    config: Config,
    train: Pairs,
    count: int,
    report: Callable[[int, list[Row]], None] = lambda fold, rows: None,
) -> list[list[Row]]:
    """Train and score once for each fold: the last epoch is taken, since nothing is left to select on."""
    results = []
    for number, (rest, held) in enumerate(folds(train, count, config.seed)):
        model = fit(config, rest, None)
        scores = {"model": model_scores(model, held, config.motion.max_frames), **baseline_scores(rest, held)}
        rows = evaluate(scores, held)
        report(number, rows)
        results.append(rows)
    return results
