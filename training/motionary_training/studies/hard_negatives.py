"""Study: does a model tell left from right, first from last, there from back, fast from slow?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray

from motionary_training.config import Config, HardNegative
from motionary_training.crossval import fold_trials
from motionary_training.data import Pairs, Sample, make_pairs, subset
from motionary_training.encoders import DualEncoder
from motionary_training.evaluate import embed_motions, score
from motionary_training.hard_negatives import Probe, probe_pairs, with_twins
from motionary_training.studies.clips import SCORE, column, fingerprint, how, rounds, small_config
from motionary_training.studies.document import Finding, Table, new_figure
from motionary_training.studies.noise import Difference, difference, mean_sd
from motionary_training.studies.plan import Plan, cell, seconds
from motionary_training.text import sentence_vectors
from motionary_training.train import fit

__all__ = ["run"]

KINDS: tuple[HardNegative, ...] = get_args(HardNegative)
ASKED = {
    "mirror": "left or right",
    "order": "what came first",
    "direction": "forward or backward",
    "speed": "quickly or slowly",
}
NONE, ALL, LOOSE = "none", "all four", "all four, as ordinary clips"
SEED = 0
"""Of what is made of the clips: the same for every run, so that all are asked the same."""

Vectors = dict[str, NDArray[np.float32]]


def run(plan: Plan) -> Finding:
    """Train with no hard negatives, with each kind, with all, and with all as clips like any other."""
    base, pairs = small_config(plan), plan.clips()
    held_trials = fold_trials(pairs.samples, max(fold for fold, _ in rounds(plan)) + 1)
    probes = {
        (fold, kind): probe_pairs([one for one in pairs.samples if one.trial in held], kind, SEED)
        for fold, held in enumerate(held_trials)
        for kind in KINDS
    }
    settings = _settings(pairs.samples)
    vectors = _vectors(base, settings.values(), probes.values())
    learnt = {name: make_pairs(samples, vectors) for name, samples in settings.items()}
    clips = make_pairs(pairs.samples, vectors)
    marks = {name: fingerprint(one) for name, one in learnt.items()}
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in settings}
    total = len(settings) * len(rounds(plan))
    for done, (fold, seed) in enumerate(rounds(plan)):
        held = held_trials[fold]
        asked = {kind: probes[fold, kind] for kind in KINDS}
        gallery = subset(clips, np.array([sample.trial in held for sample in clips.samples]))
        for place, name in enumerate(settings):
            is_rest = [held.isdisjoint(one.trial.split("|")) for one in settings[name]]
            rest = subset(learnt[name], np.array(is_rest))
            config = replace(base, seed=seed)
            key = {
                "study": "hard negatives",
                "setting": name,
                "data": marks[name],
                "fold": fold,
                "seed": seed,
            }
            key |= {"epochs": config.optimiser.epochs, "trials": len(held)}
            work = partial(_answers, config, rest, gallery, asked, vectors)
            results[name].append(cell(plan.work, key, work))
            plan.step(done * len(settings) + place + 1, total)
    counts = {kind: sum(len(probes[fold, kind]) for fold in range(len(held_trials))) for kind in KINDS}
    return _finding(plan, results, counts)


def _settings(samples: Sequence[Sample]) -> dict[str, list[Sample]]:
    """What each row of the table learns from, of all folds."""
    kinds: dict[str, tuple[HardNegative, ...]] = {NONE: ()}
    kinds |= {kind: (kind,) for kind in KINDS} | {ALL: KINDS}
    settings = {name: with_twins(samples, chosen, SEED) for name, chosen in kinds.items()}
    # The control: the same clips and captions, but neither in one batch nor beyond the filter's reach.
    settings[LOOSE] = [replace(sample, twins="") for sample in settings[ALL]]
    return settings


def _vectors(config: Config, settings: Any, probes: Any) -> Vectors:
    texts = {text for samples in settings for one in samples for text in (*one.captions, *one.labels)}
    texts |= {text for some in probes for probe in some for text in (probe.right, probe.wrong)}
    return sentence_vectors(config.text, sorted(texts), Path(config.data.cache))


def _answers(
    config: Config,
    rest: Pairs,
    gallery: Pairs,
    asked: Mapping[HardNegative, Sequence[Probe]],
    vectors: Vectors,
) -> dict[str, Any]:
    model = fit(config, rest, None)
    found: dict[str, Any] = {**score(model, gallery, config)}
    for kind, probes in asked.items():
        found[kind] = _accuracy(model, probes, vectors, config.motion.max_frames) if probes else None
    return found


def _accuracy(model: DualEncoder, probes: Sequence[Probe], vectors: Vectors, max_frames: int) -> float:
    """Per cent of probes whose true text scores higher; a tie is half a hit."""
    motions = torch.from_numpy(embed_motions(model, [probe.sample for probe in probes], max_frames))
    device = model.features.mean.device
    scores = []
    for texts in ([probe.right for probe in probes], [probe.wrong for probe in probes]):
        sentences = torch.from_numpy(np.stack([vectors[text] for text in texts])).to(device)
        with torch.inference_mode():
            scores.append((model.eval().embed_texts(sentences).cpu() * motions).sum(dim=1))
    right, wrong = scores
    return 100 * float(((right > wrong).float() + 0.5 * (right == wrong).float()).mean())


def _finding(
    plan: Plan, results: dict[str, list[dict[str, Any]]], counts: dict[HardNegative, int]
) -> Finding:
    measures = [
        kind for kind in KINDS if counts[kind] and all(one[kind] is not None for one in results[NONE])
    ]
    among = len(results) - 1
    apart = {
        (name, measure): difference(
            column(found, measure), column(results[NONE], measure), among=among if measure == SCORE else 1
        )
        for name, found in results.items()
        for measure in (*measures, SCORE)
    }
    rows = [
        (
            name,
            *(mean_sd(column(found, measure)) for measure in (*measures, SCORE)),
            *(str(apart[name, measure]) if name != NONE else "" for measure in (*measures, SCORE)),
        )
        for name, found in results.items()
    ]
    asked = tuple(ASKED[measure] for measure in measures)
    return Finding(
        title="Hard negatives",
        found=_found(results, measures, apart),
        question="Animators mind which foot, which came first, which way and how fast. Each probe asks a "
        "held-out clip to choose between its caption and one that differs in just that; guessing gives 50 %. "
        "Hard negatives are train clips made to differ in that one thing from another, drawn into its batch "
        "and never dropped as false negatives.",
        tables=(
            Table(
                "Accuracy of the probes in per cent, and STRICT R-sum; then the differences to training with "
                f"none. {'; '.join(f'{ASKED[kind]}: {counts[kind]} probes' for kind in measures)}.",
                (
                    "hard negatives",
                    *asked,
                    SCORE,
                    *(f"{one}, gained" for one in (*asked, SCORE)),
                ),
                tuple(rows),
            ),
        ),
        figure=_figure(results, measures),
        settings=how(plan),
        numbers={
            f"{name}, {measure}": column(found, measure)
            for name, found in results.items()
            for measure in (*measures, SCORE)
        },
        seconds=seconds([one for found in results.values() for one in found]),
    )


def _found(
    results: dict[str, list[dict[str, Any]]],
    measures: Sequence[HardNegative],
    apart: dict[tuple[str, str], Difference],
) -> str:
    before = [
        f"{ASKED[kind]} {np.mean(column(results[NONE], kind)):.0f} %, "
        f"{np.mean(column(results[kind], kind)):.0f} % with its own hard negatives ({apart[kind, kind]})"
        for kind in measures
    ]
    helped = [ASKED[kind] for kind in measures if apart[kind, kind].low > 0]
    lead = (
        f"Hard negatives help to tell {', '.join(helped)}"
        if helped
        else "No kind of hard negatives helps beyond noise"
    )
    cost = apart[ALL, SCORE]
    if not cost.beyond_noise:
        price = f"all four change the {SCORE} by no more than noise ({cost})"
    else:
        price = f"all four {'raise' if cost.mean > 0 else 'cost'} {SCORE} ({cost})"
    kept = [
        f"{ASKED[kind]} {np.mean(column(results[ALL], kind)) - np.mean(column(results[LOOSE], kind)):+.0f}"
        for kind in measures
    ]
    return (
        f"{lead}: {'; '.join(before)}; {price}. Of that, keeping twins in one batch and beyond the filter "
        f"gives {', '.join(kept)} points over the same clips as ordinary ones."
    )


def _figure(results: dict[str, list[dict[str, Any]]], measures: Sequence[HardNegative]) -> Figure:
    figure = new_figure(9, 4)
    axes = figure.add_subplot()
    width = 0.8 / len(results)
    for place, (name, found) in enumerate(results.items()):
        means = [float(np.mean(column(found, kind))) for kind in measures]
        spread = [float(np.std(column(found, kind), ddof=min(1, len(found) - 1))) for kind in measures]
        axes.bar(np.arange(len(measures)) + place * width, means, width, yerr=spread, capsize=2, label=name)
    axes.axhline(50, color="grey", linestyle="--", label="guessing")
    axes.set_xticks(np.arange(len(measures)) + 0.4 - width / 2, [ASKED[kind] for kind in measures])
    axes.set(ylabel="accuracy, per cent; mean and sd over runs", ylim=(0, 100))
    axes.legend(fontsize="small", ncols=2)
    return figure
