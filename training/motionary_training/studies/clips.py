"""What the studies on motion share: a small model, cross-validated by trial on captioned clips."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np

from motionary_training.config import Config, DataConfig, LossConfig, MotionConfig, OptimiserConfig
from motionary_training.crossval import fold_trials
from motionary_training.data import Pairs, subset
from motionary_training.evaluate import score
from motionary_training.studies.noise import mean_sd
from motionary_training.studies.plan import Plan, cell, machine
from motionary_training.train import fit, pick_device

__all__ = [
    "SCORE",
    "TOLD",
    "column",
    "fingerprint",
    "folds",
    "how",
    "rounds",
    "small_config",
    "told",
    "trained",
]

SCORE = "R-sum"
"""What studies compare by: R@1 + R@5 + R@10 of both directions, STRICT."""
TOLD = (SCORE, "t2m R@10", "m2t R@10")
"""The columns of a table of scores."""
FOLDS, SEEDS = 3, 2

K = TypeVar("K")


def small_config(plan: Plan) -> Config:
    """A model small enough to be trained hundreds of times, with the paper's loss and thresholds."""
    epochs = 2 if plan.quick else 30
    return Config(
        "study",
        joint_dim=128,
        device=plan.device,
        select="last",
        data=DataConfig(mirrored=False, captions="one"),
        motion=MotionConfig(stride=4, width=64, layers=1, heads=4, feedforward=128, max_frames=100),
        loss=LossConfig(warmup_epochs=1 if plan.quick else 5),
        optimiser=OptimiserConfig(
            learning_rate=1e-3, epochs=epochs, drop_epoch=max(1, epochs * 3 // 4), batch=32
        ),
    )


def rounds(plan: Plan, seeds: int = SEEDS) -> list[tuple[int, int]]:
    """(fold, seed) of every run that a setting is given."""
    return [(fold, seed) for fold in range(_folds(plan)) for seed in range(1 if plan.quick else seeds)]


def trained(plan: Plan, settings: Mapping[K, Config], seeds: int = SEEDS) -> dict[K, list[dict[str, Any]]]:
    """STRICT scores on the held-out fold of every setting, one for each of ``rounds``."""
    pairs = plan.clips()
    cuts, mark = folds(plan), fingerprint(pairs)
    found: dict[K, list[dict[str, Any]]] = {name: [] for name in settings}
    total, done = len(settings) * len(rounds(plan, seeds)), 0
    for fold, seed in rounds(plan, seeds):
        rest, held = cuts[fold]
        for name, config in settings.items():
            run = replace(config, seed=seed)
            key = {"kind": "trained", "data": mark, "folds": _folds(plan), "fold": fold, "config": _key(run)}
            found[name].append(cell(plan.work, key, partial(_score, run, rest, held)))
            done += 1
            plan.step(done, total)
    return found


def folds(plan: Plan) -> list[tuple[Pairs, Pairs]]:
    """(rest, held out) of the clips for each fold: a trial is wholly in one, the same whatever the seed."""
    pairs = plan.clips()
    cuts = []
    for held in fold_trials(pairs.samples, _folds(plan)):
        inside = np.array([sample.trial in held for sample in pairs.samples])
        cuts.append((subset(pairs, ~inside), subset(pairs, inside)))
    return cuts


def column(found: list[dict[str, Any]], measure: str = SCORE) -> list[float]:
    """One measure of every round."""
    return [one[measure] for one in found]


def told(found: list[dict[str, Any]]) -> tuple[str, ...]:
    """``TOLD`` of a setting's rounds as mean ± sd, for a table."""
    return tuple(mean_sd(column(found, measure)) for measure in TOLD)


def fingerprint(pairs: Pairs) -> str:
    """Equal where clips and captions are equal, so that a finished cell is found again."""
    digest = hashlib.sha256()
    for sample in pairs.samples:
        digest.update(repr((sample.id, sample.captions, sample.features.shape)).encode())
        digest.update(np.ascontiguousarray(sample.features).tobytes())
    return digest.hexdigest()[:16]


def how(plan: Plan, seeds: int = SEEDS) -> dict[str, str]:
    """The settings that all studies on clips have in common, for their documents."""
    config, pairs = small_config(plan), plan.clips()
    motion, optimiser = config.motion, config.optimiser
    trials = len({sample.trial for sample in pairs.samples})
    runs = len(rounds(plan, seeds))
    return {
        "data": f"{len(pairs.samples)} captioned CMU clips of HumanML3D's official train split "
        f"({len(pairs.owner)} captions, {trials} trials), not mirrored; neither val nor test is looked at",
        "protocol": f"{_folds(plan)}-fold cross-validation, each trial wholly in one fold; STRICT over the "
        "held-out clips with all their captions, R-sum = R@1 + R@5 + R@10 both ways, in per cent; the last "
        "epoch counts",
        "seeds and spread": f"{runs} runs of each setting ({_folds(plan)} folds × {runs // _folds(plan)} "
        "seeds); "
        "± is the standard deviation over them, differences are paired by run, with 95 % intervals of "
        "Student's t",
        "model": f"{motion.kind}, width {motion.width}, {motion.layers} layer, {motion.heads} heads, mean "
        f"of {motion.stride} frames a step, at most {motion.max_frames} frames, joint space "
        f"{config.joint_dim}, frozen {config.text.encoder}",
        "training": f"AdamW {optimiser.learning_rate:g}, × {optimiser.drop_factor:g} after epoch "
        f"{optimiser.drop_epoch}, {optimiser.epochs} epochs of one caption of each clip, batch "
        f"{optimiser.batch}, margin {config.loss.margin:g}, {config.loss.warmup_epochs} epochs of SH "
        "first, unless said otherwise",
        "machine": machine(str(pick_device(config))),
    }


def _folds(plan: Plan) -> int:
    return 2 if plan.quick else FOLDS


def _key(config: Config) -> dict[str, Any]:
    """A config without what does not change its result."""
    key = asdict(config)
    del key["device"], key["threads"], key["data"]["cache"], key["data"]["cmu"]
    return key


def _score(config: Config, rest: Pairs, held: Pairs) -> dict[str, Any]:
    return score(fit(config, rest, None), held, config)
