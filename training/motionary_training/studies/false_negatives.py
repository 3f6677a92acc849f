"""Study: is similarity within a modality, after training, a sound sign of a false negative?"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from motionary_training.config import Config
from motionary_training.data import Pairs, relations
from motionary_training.encoders import DualEncoder
from motionary_training.evaluate import model_scores
from motionary_training.losses import Direction, by_text, directions, in_batch
from motionary_training.studies.clips import fingerprint, folds, how, rounds, small_config
from motionary_training.studies.document import Finding, Table, new_figure
from motionary_training.studies.noise import difference, mean_sd
from motionary_training.studies.plan import Plan, cell, seconds
from motionary_training.studies.signs import average_precision, caught, curve
from motionary_training.train import fit

__all__ = ["run"]

Bools: TypeAlias = NDArray[np.bool_]
Truths: TypeAlias = dict[str, tuple[Bools, Bools]]
"""By name: which pairs of samples (S, S) it knows, and which of them are false negatives."""
Rule: TypeAlias = Callable[[Direction], Tensor]

SEEDS = 1
"""Of each fold: what is counted are hundreds of thousands of pairs."""
NEVER = 2.0
"""No cosine is above it."""
POINTS = 60
"""Of a stored curve."""
SIGNS = ("motions alike", "texts alike", "either alike", "captions alike, frozen")
"""The cosine of two motions, of two texts, the larger of both (what in_batch looks at), and the captions'
cosine under the frozen text encoder (what by_text looks at)."""
FROZEN = SIGNS[3]
EITHER = SIGNS[2]
STAGES = ("end", "after warm-up", "held-out")
PARTS = ("dropped", "precision", "recall")
TMR = 0.6
SOUND = 50.0
"""A rule is called sound where more than this per cent of what it drops are false negatives."""
OF_2023, OF_2024 = "in batch, code of 2023 (0.7 / 0.9)", "in batch, code of 2024 (0.75 / 0.75)"


def run(plan: Plan) -> Finding:
    """Train on the grammar and on CMU, and count what each rule would drop in the trained clips' batches."""
    total = len(rounds(plan, SEEDS)) + _grammar_seeds(plan)
    cells: list[dict[str, Any]] = []
    for compute in (*_cmu_cells(plan), *_grammar_cells(plan)):
        cells.append(compute())
        plan.step(len(cells), total)
    sources = _by_truth(cells)
    return Finding(
        title="Signs of false negatives",
        found=_found(sources),
        question="DropTriple takes two motions (or two texts) that the model itself finds alike for each "
        "other's false negatives. Is that so? Every pair of clips that training takes for a negative is held "
        "against a truth that training was not told: on the procedural grammar, variants of one clip or "
        "clips of the same action and modifiers; on CMU, clips of two trials of the same description, or "
        "whose captions share an action verb (a lenient truth: slow and fast walking are alike by it). A "
        f"sign is called sound here where more than {SOUND:g} % of what it drops are false negatives.",
        tables=(_signs_table(sources), *(_rules_table(truth, found) for truth, found in sources.items())),
        figure=_figure(sources),
        settings=how(plan, SEEDS)
        | {
            "protocol": "DropTriple training (thresholds of 2023), then every rule is applied to all pairs "
            "of the clips trained on, in evaluation mode, both directions together; 'after warm-up' is the "
            "same model at the moment the filter is switched on, 'held-out' are clips not trained on",
            "grammar": f"{_grammar_seeds(plan)} seeds; two variants of each starter clip drawn anew for "
            "each, trained as if nobody knew that they are variants: only a clip's own captions are masked",
        },
        numbers={truth: [_numbers(one) for one in found] for truth, found in sources.items()},
        seconds=seconds(cells),
        remarks=(
            "Random dropping has the truth's share as its precision, whatever it drops; its recall is the "
            "share that it drops.",
        ),
    )


def _cmu_cells(plan: Plan) -> list[Callable[[], dict[str, Any]]]:
    pairs, config = plan.clips(), small_config(plan)
    cuts = folds(plan)
    truths = partial(_cmu_truths, descriptions=plan.descriptions())
    key = {"kind": "signs of trials", "data": fingerprint(pairs), "epochs": config.optimiser.epochs}
    return [
        partial(
            cell,
            plan.work,
            key | {"fold": fold, "seed": seed},
            partial(_signs, replace(config, seed=seed), *cuts[fold], truths),
        )
        for fold, seed in rounds(plan, SEEDS)
    ]


def _grammar_cells(plan: Plan) -> list[Callable[[], dict[str, Any]]]:
    config, variants = small_config(plan), 2

    def compute(seed: int) -> dict[str, Any]:
        rest, held = (_unknowing(plan.grammar(100 * part + seed, variants)) for part in (1, 2))
        return _signs(replace(config, seed=seed), rest, held, _grammar_truths)

    key = {"kind": "signs of grammar", "epochs": config.optimiser.epochs, "variants": variants}
    return [
        partial(cell, plan.work, key | {"seed": seed}, partial(compute, seed))
        for seed in range(_grammar_seeds(plan))
    ]


def _grammar_seeds(plan: Plan) -> int:
    return 1 if plan.quick else 3


def _unknowing(pairs: Pairs) -> Pairs:
    """The same where nobody knows that two clips are variants, or two captions the same words."""
    captions = np.arange(len(pairs.owner))
    return replace(
        pairs,
        groups=np.arange(len(pairs.samples)),
        text_ids=captions,
        known=pairs.owner * len(captions) + captions,
    )


def _grammar_truths(pairs: Pairs) -> Truths:
    known, by_clip = _equal([sample.captions for sample in pairs.samples])
    _, by_tags = _equal([sample.actions for sample in pairs.samples])
    return {"grammar, same clip or same action and modifiers": (known, by_clip | by_tags)}


def _cmu_truths(pairs: Pairs, descriptions: Mapping[str, str]) -> Truths:
    actions = [sample.actions for sample in pairs.samples]
    shared = np.array([[bool(one & other) for other in actions] for one in actions])
    known, alike = _equal([descriptions.get(sample.trial, "").strip().lower() for sample in pairs.samples])
    trials = [sample.trial for sample in pairs.samples]
    # Clips cut from one recording overlap: telling those would be too easy.
    apart = ~_equal(trials)[1]
    return {
        "CMU, other trial, same description": (known & apart, alike),
        "CMU, shared action verb": (_both([bool(one) for one in actions]), shared),
    }


def _equal(values: Sequence[Any]) -> tuple[Bools, Bools]:
    """Known where neither value is empty, true where they are equal."""
    numbers = [values.index(value) for value in values]
    return _both([bool(value) for value in values]), np.equal.outer(numbers, numbers)


def _both(known: Sequence[bool]) -> Bools:
    return np.logical_and.outer(np.array(known), np.array(known))


def _signs(config: Config, rest: Pairs, held: Pairs, truths_of: Callable[[Pairs], Truths]) -> dict[str, Any]:
    """What signs and rules tell: at the end of training, after the warm-up, and of clips not trained on."""
    warm = replace(config, optimiser=replace(config.optimiser, epochs=config.loss.warmup_epochs))
    trained = fit(config, rest, None)
    return {
        "end": _counted(config, trained, rest, truths_of(rest), points=POINTS),
        "after warm-up": _counted(config, fit(warm, rest, None), rest, truths_of(rest)),
        "held-out": _counted(config, trained, held, truths_of(held)),
    }


def _counted(
    config: Config, model: DualEncoder, pairs: Pairs, truths: Truths, *, points: int = 0
) -> dict[str, Any]:
    """By truth: its share of the negatives, each sign's average precision, and what each rule catches."""
    scores = model_scores(model, pairs, config.motion.max_frames)
    motions = torch.from_numpy(scores.motions[pairs.owner]).float()
    texts = torch.from_numpy(scores.texts).float()
    numbers = torch.from_numpy(pairs.owner), torch.from_numpy(pairs.text_ids)
    same, certain = relations(pairs, *numbers, *numbers)
    guide = pairs.sentences @ pairs.sentences.T
    own = torch.arange(len(texts))
    both = directions(motions, texts, motions, texts, own, same, certain, guide)
    dropped = {name: np.stack([rule(way).numpy() for way in both]) for name, rule in _rules().items()}
    alike, said = (motions @ motions.T).numpy(), (texts @ texts.T).numpy()
    signs = dict(zip(SIGNS, (alike, said, np.maximum(alike, said), guide.numpy()), strict=True))
    told: dict[str, Any] = {}
    for name, (known, truth) in truths.items():
        asked = known[pairs.owner][:, pairs.owner] & ~same.numpy()
        np.fill_diagonal(asked, False)
        true = truth[pairs.owner][:, pairs.owner]
        told[name] = {
            "share": 100 * float(true[asked].mean()) if asked.any() else 0.0,
            "signs": {sign: average_precision(value[asked], true[asked]) for sign, value in signs.items()},
            "rules": {
                rule: asdict(caught(gone, np.stack([true] * 2), np.stack([asked] * 2)))
                for rule, gone in dropped.items()
            },
        }
        if points:
            told[name]["curves"] = {
                sign: _thinned(value[asked], true[asked], points) for sign, value in signs.items()
            }
    return told


def _rules() -> dict[str, Rule]:
    """Everything that is asked what it would drop, by name."""
    rules: dict[str, Rule] = {
        OF_2023: partial(in_batch, hetero_threshold=0.7, homo_threshold=0.9, convention="swapping"),
        OF_2024: partial(in_batch, hetero_threshold=0.75, homo_threshold=0.75, convention="symmetric"),
    }
    for at in (0.7, 0.8, 0.9):
        rules[f"motions alike, above {at}"] = partial(
            in_batch, hetero_threshold=at, homo_threshold=NEVER, convention="symmetric"
        )
    for at in (0.7, 0.8, 0.9):
        rules[f"texts alike, above {at}"] = partial(
            in_batch, hetero_threshold=NEVER, homo_threshold=at, convention="symmetric"
        )
    for at in (0.5, 0.6, 0.7, 0.8):
        rules[f"captions alike, frozen, above {at}" + (" (TMR)" if at == TMR else "")] = partial(
            by_text, threshold=at
        )
    return rules


def _thinned(sign: NDArray[np.float32], truth: Bools, points: int) -> list[list[float]]:
    """Recalls and precisions at ``points`` places of the curve, evenly in recall."""
    recalls, precisions = curve(sign, truth)
    at = np.minimum(np.searchsorted(recalls, np.linspace(recalls[0], 100, points)), len(recalls) - 1)
    return [recalls[at].round(2).tolist(), precisions[at].round(2).tolist()]


def _by_truth(cells: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """By truth the runs that know it: {stage: what was counted}."""
    found: dict[str, list[dict[str, Any]]] = {}
    for one in cells:
        for truth in one["end"]:
            found.setdefault(truth, []).append({stage: one[stage][truth] for stage in STAGES})
    return found


def _signs_table(sources: Mapping[str, list[dict[str, Any]]]) -> Table:
    rows = [
        (
            f"{truth}; {stage}",
            mean_sd([run[stage]["share"] for run in runs]),
            *(mean_sd([run[stage]["signs"][sign] for run in runs]) for sign in SIGNS),
        )
        for truth, runs in sources.items()
        for stage in STAGES
    ]
    caption = (
        "Average precision of each sign, in per cent: the mean precision when pairs are dropped from the "
        "most alike on. A sign that tells nothing has the share of false negatives among all negatives."
    )
    return Table(caption, ("truth; when", "share", *SIGNS), tuple(rows))


def _rules_table(truth: str, runs: list[dict[str, Any]]) -> Table:
    rows = [
        (rule, *(_told([run["end"]["rules"][rule][part] for run in runs]) for part in PARTS))
        for rule in runs[0]["end"]["rules"]
    ]
    share = mean_sd([run["end"]["share"] for run in runs])
    caption = f"What each rule drops at the end of training, in per cent. Truth: {truth} (share {share})."
    return Table(caption, ("rule", *PARTS), tuple(rows))


def _told(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return mean_sd(known) if known else "nothing dropped"


def _mean(values: list[float | None]) -> float:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else 0.0


def _found(sources: Mapping[str, list[dict[str, Any]]]) -> str:
    precise = {
        truth: _mean([run["end"]["rules"][OF_2023]["precision"] for run in runs])
        for truth, runs in sources.items()
    }
    sound = [truth for truth, value in precise.items() if value > SOUND]
    sign = "likeness inside a modality a sound sign of a false negative"
    if sound:
        only = "" if len(sound) == len(precise) else "only "
        verdict = f"By {only}{len(sound)} of {len(precise)} truths is {sign}"
    else:
        verdict = f"By no truth is {sign}, against the paper's premise"
    told = []
    for truth, runs in sources.items():
        recall = _mean([run["end"]["rules"][OF_2023]["recall"] for run in runs])
        share = float(np.mean([run["end"]["share"] for run in runs]))
        chance = f"by chance {share:.1f} %; {recall:.1f} % of all are found"
        told.append(f"{precise[truth]:.1f} % ({truth}; {chance})")
    frozen = []
    for truth, runs in sources.items():
        apart = difference(*([run["end"]["signs"][sign] for run in runs] for sign in (FROZEN, EITHER)))
        words = "better" if apart.mean > 0 else "worse"
        words = words if apart.beyond_noise else "no differently beyond noise"
        frozen.append(f"{words} ({truth}: {apart} in average precision)")
    return (
        f"{verdict}: of what the in-batch filter of 2023 drops after training, these are false negatives: "
        f"{', '.join(told)}; the cosine of captions under the frozen text encoder tells them "
        f"{', '.join(frozen)}."
    )


def _figure(sources: Mapping[str, list[dict[str, Any]]]) -> Figure:
    figure = new_figure(11, 4.5)
    for place, (truth, runs) in enumerate(sources.items(), 1):
        axes = figure.add_subplot(1, len(sources), place)
        for sign in SIGNS:
            curves = np.array([run["end"]["curves"][sign] for run in runs])
            axes.plot(*curves.mean(axis=0), label=sign)
        for rule, marker in ((OF_2023, "o"), (OF_2024, "s")):
            at = [_mean([run["end"]["rules"][rule][part] for run in runs]) for part in PARTS[1:]]
            axes.plot(at[1], at[0], marker, color="black", label=rule)
        share = float(np.mean([run["end"]["share"] for run in runs]))
        axes.axhline(share, color="grey", linestyle="--", label="random")
        axes.set(title=textwrap.fill(truth, 30), xlabel="recall, %", ylabel="precision, %", ylim=(0, 100))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _numbers(run: dict[str, Any]) -> dict[str, Any]:
    """Everything but the curves, which are the picture's."""
    return {
        stage: {part: value for part, value in counted.items() if part != "curves"}
        for stage, counted in run.items()
    }
