"""Study: does DropTriple help beyond motion? The left and the right half of a written digit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from motionary_training.config import LossConfig
from motionary_training.losses import Direction, anchor_losses, directions, dropped
from motionary_training.metrics import Embedded, measured
from motionary_training.protocols import Asked, answers
from motionary_training.studies.clips import SCORE
from motionary_training.studies.document import Finding, Table, new_figure
from motionary_training.studies.noise import Difference, difference, mean_sd
from motionary_training.studies.plan import Plan, cell, machine, seconds
from motionary_training.studies.signs import caught

__all__ = ["run"]

EPOCHS, BATCH, RATE, WARM_UP = 30, 64, 1e-3, 5
HIDDEN, JOINT = 128, 64
HELD_SHARE = 1 / 3
SEEDS = 5
PRECISION = "class P@10"
COLUMNS = (SCORE, "t2m R@1", "m2t R@1", PRECISION, "dropped", "precision", "recall")
HEADS = (SCORE, "right to left R@1", "left to right R@1", PRECISION, "dropped", "precision", "recall")


@dataclass(frozen=True)
class Way:
    """A loss, and whether the classes are known to it: then nothing of the anchor's class is a negative."""

    loss: LossConfig
    told_classes: bool = False


@dataclass(frozen=True, eq=False)
class Halves:
    """Digits (N, 32) by their left and right halves in 0..1, and the digit (N,) that each shows."""

    left: Tensor
    right: Tensor
    labels: NDArray[np.int64]


def run(plan: Plan) -> Finding:
    """Train two small networks with each loss on two thirds of the digits, and ask the rest."""
    halves = _halves()
    seeds = 1 if plan.quick else SEEDS
    epochs, warm_up = (2, 1) if plan.quick else (EPOCHS, WARM_UP)
    ways = _ways(warm_up)
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in ways}
    for seed in range(seeds):
        for name, way in ways.items():
            key = {"kind": "digits", "way": asdict(way), "seed": seed, "epochs": epochs}
            found[name].append(cell(plan.work, key, partial(_trained, halves, way, seed, epochs)))
            plan.step(sum(map(len, found.values())), len(ways) * seeds)
    against = {
        name: {part: _apart(found[name], found["MH"], part, len(ways) - 1) for part in (SCORE, PRECISION)}
        for name in ways
        if name != "MH"
    }
    rows = tuple(
        (
            name,
            *(_told([one[part] for one in found[name]]) for part in COLUMNS),
            *(str(against[name][part]) if name in against else "" for part in (SCORE, PRECISION)),
        )
        for name in ways
    )
    return Finding(
        title="Beyond motion: halves of digits",
        found=_found(against, found),
        question="The paper offers DropTriple for pairs of modalities in general. Here the left and the "
        "right half of a handwritten digit find each other, and the truth is known: two digits of one class "
        "are each other's false negatives. Does dropping help to find the very half (STRICT), "
        "and one of the class?",
        tables=(
            Table(
                "In per cent. dropped, precision, recall: of the filter at the end of training, against the "
                f"class. Differences to MH are paired by seed, widened (Bonferroni) for {len(against)} "
                "comparisons.",
                ("loss", *HEADS, f"{SCORE} against MH", f"{PRECISION} against MH"),
                rows,
            ),
        ),
        figure=_figure(found),
        settings={
            "data": f"scikit-learn's {len(halves.labels)} digits of 8 × 8 pixels, cut into left and right "
            f"halves; {1 - HELD_SHARE:.0%} to learn from and {HELD_SHARE:.0%} to ask, drawn anew for "
            "each seed",
            "protocol": "STRICT: a half asks for its own other half among all held-out ones; R-sum = R@1 + "
            "R@5 + R@10 both ways; class P@10: of the first ten, those of the query's class, mean of both "
            "ways",
            "seeds and spread": f"{seeds} seeds; ± is the standard deviation over them, intervals are 95 % "
            "ones of Student's t",
            "model": f"two networks {halves.left.shape[1]}-{HIDDEN}-{JOINT}, GELU",
            "training": f"AdamW {RATE:g}, {epochs} epochs, batch {BATCH}, {warm_up} epochs of SH first, "
            "thresholds of 2023 (0.7 / 0.9)",
            "machine": machine("cpu"),
        },
        numbers=found,
        seconds=seconds([one for runs in found.values() for one in runs]),
        remarks=(
            "'classes told' is what a filter without fault would do: no digit of the anchor's class is a "
            "negative. It tells what perfect knowledge of the truth would bring.",
        ),
    )


def _ways(warm_up: int) -> dict[str, Way]:
    base = LossConfig(warmup_epochs=warm_up)
    plain = replace(base, filter="none")
    return {
        "SH": Way(replace(plain, name="sum_hinge")),
        "MH": Way(replace(plain, name="max_hinge")),
        "DropTriple": Way(base),
        "DropTriple, 0.75 / 0.75": Way(
            replace(base, convention="symmetric", hetero_threshold=0.75, homo_threshold=0.75)
        ),
        "InfoNCE": Way(replace(plain, name="info_nce")),
        "InfoNCE + in-batch filter": Way(replace(base, name="info_nce")),
        "MH, classes told": Way(replace(plain, name="max_hinge"), told_classes=True),
        "InfoNCE, classes told": Way(replace(plain, name="info_nce"), told_classes=True),
    }


def _halves() -> Halves:
    # Imported here: scikit-learn takes seconds, and the other studies need none of it.
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = torch.from_numpy(digits.images.astype(np.float32)) / 16
    return Halves(images[:, :, :4].flatten(1), images[:, :, 4:].flatten(1), digits.target.astype(np.int64))


def _trained(halves: Halves, way: Way, seed: int, epochs: int) -> dict[str, Any]:
    """Scores of one training on the held-out digits, and what its filter drops of the others."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(halves.labels))
    held, rest = np.split(order, [round(len(order) * HELD_SHARE)])
    left, right = (
        nn.Sequential(nn.Linear(halves.left.shape[1], HIDDEN), nn.GELU(), nn.Linear(HIDDEN, JOINT))
        for _ in range(2)
    )
    temperature = torch.tensor(way.loss.temperature).log().requires_grad_()
    optimiser = torch.optim.AdamW([*left.parameters(), *right.parameters(), temperature], lr=RATE)

    def both_ways(rows: NDArray[np.int64]) -> tuple[Direction, Direction]:
        a, b = (
            F.normalize(net(half[rows]), dim=-1) for net, half in ((left, halves.left), (right, halves.right))
        )
        own = torch.arange(len(rows))
        labels = torch.from_numpy(halves.labels[rows])
        same = labels[:, None] == labels if way.told_classes else torch.eye(len(rows), dtype=torch.bool)
        return directions(a, b, a, b, own, same, torch.zeros_like(same))

    for epoch in range(epochs):
        shuffled = rng.permutation(rest)
        for start in range(0, len(shuffled) - 1, BATCH):
            pair = both_ways(shuffled[start : start + BATCH])
            loss = torch.cat([anchor_losses(way.loss, epoch, one, temperature.exp()) for one in pair]).sum()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    with torch.inference_mode():
        scores = Embedded(
            F.normalize(right(halves.right[held]), dim=-1).numpy(),
            F.normalize(left(halves.left[held]), dim=-1).numpy(),
        )
        return _asked(scores, halves.labels[held]) | _dropped(way, both_ways(rest), halves.labels[rest])


def _asked(scores: Embedded, labels: NDArray[np.int64]) -> dict[str, Any]:
    count = len(labels)
    asked = Asked(
        np.arange(count),
        np.arange(count),
        np.zeros((count, 1), np.float32),
        np.eye(10, dtype=np.float32)[labels],
        np.ones(count, bool),
    )
    graded = measured(answers("GRADED", scores, asked))
    precision = (graded["t2m P@10"] + graded["m2t P@10"]) / 2
    return measured(answers("STRICT", scores, asked)) | {PRECISION: precision}


def _dropped(way: Way, pair: tuple[Direction, Direction], labels: NDArray[np.int64]) -> dict[str, Any]:
    """What the way's filter drops of all pairs of digits trained on; None throughout where it has none."""
    if way.loss.filter == "none":
        return {"dropped": None, "precision": None, "recall": None}
    gone = [dropped(way.loss, way.loss.warmup_epochs, one).numpy() for one in pair]
    truth, asked = np.equal.outer(labels, labels), ~np.eye(len(labels), dtype=bool)
    return asdict(caught(np.stack(gone), np.stack([truth] * 2), np.stack([asked] * 2)))


def _apart(runs: list[dict[str, Any]], others: list[dict[str, Any]], part: str, among: int) -> Difference:
    return difference([one[part] for one in runs], [one[part] for one in others], among=among)


def _told(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return mean_sd(known) if known else ""


def _found(against: Mapping[str, Mapping[str, Difference]], found: Mapping[str, list[dict[str, Any]]]) -> str:
    strict, classes = (against["DropTriple"][part] for part in (SCORE, PRECISION))
    to_sh = _apart(found["DropTriple"], found["SH"], SCORE, len(against))
    told_strict, told_classes = (against["MH, classes told"][part] for part in (SCORE, PRECISION))
    means = {name: float(np.mean([one[SCORE] for one in runs])) for name, runs in found.items()}
    best = max((name for name in means if "told" not in name), key=lambda name: means[name])
    agree = "as the paper would have it" if strict.low > 0 else "so the paper's gain does not carry over"
    return (
        f"DropTriple {_verb(strict)} MH in STRICT {SCORE} ({strict}) and {_verb(classes)} it in "
        f"{PRECISION} ({classes}), {agree}; it {_verb(to_sh)} SH, its own warm-up, in {SCORE} ({to_sh}), and "
        f"the best is {best}, {means[best]:.1f} (DropTriple {means['DropTriple']:.1f}, MH "
        f"{means['MH']:.1f}); a filter without fault would change MH by {told_strict} and {told_classes}."
    )


def _verb(apart: Difference) -> str:
    if not apart.beyond_noise:
        return "does not differ beyond noise from"
    return "beats" if apart.mean > 0 else "is worse than"


def _figure(found: Mapping[str, list[dict[str, Any]]]) -> Figure:
    figure = new_figure(8, 4.5)
    axes = figure.add_subplot()
    for name, runs in found.items():
        strict, classes = ([one[part] for one in runs] for part in (SCORE, PRECISION))
        spread = [np.std(values, ddof=1) if len(runs) > 1 else 0.0 for values in (strict, classes)]
        axes.errorbar(np.mean(classes), np.mean(strict), spread[0], spread[1], fmt="o", capsize=3, label=name)
    axes.set(xlabel=f"{PRECISION}, %", ylabel=f"STRICT {SCORE}", title="Finding the very half, and its class")
    axes.legend(fontsize="small")
    return figure
