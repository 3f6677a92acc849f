"""What the studies read: captioned CMU clips of the train split, and variants of the procedural clips."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

from motionary_training.config import Config, DataConfig, TextConfig
from motionary_training.data import Pairs, load_pairs, load_samples, make_pairs
from motionary_training.sources.cmu import trial_descriptions
from motionary_training.studies.plan import Plan
from motionary_training.text import sentence_vectors

__all__ = ["make_plan"]


def make_plan(
    data: Path, work: Path, *, quick: bool, step: Callable[[int, int], None] = lambda done, total: None
) -> Plan:
    """A plan on the CMU archives in ``data``, whose finished cells go below ``work``.

    Nothing is read until a study asks for it; MotionaryError then, where the archives are incomplete.
    """
    kept = Path(DataConfig().cache)

    @cache
    def clips() -> Pairs:
        settings = DataConfig(cmu=str(data), mirrored=False)
        return load_pairs(Config("study", data=settings), "train")

    def grammar(seed: int, number: int) -> Pairs:
        settings = DataConfig(starter_variants=number)
        samples = load_samples(settings, ("train",), seed=seed)
        texts = [text for sample in samples for text in sample.captions]
        return make_pairs(samples, sentence_vectors(TextConfig(), texts, kept))

    return Plan(quick, work, clips, partial(trial_descriptions, data, kept), grammar, step)
