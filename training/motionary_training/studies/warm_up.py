"""Study: does DropTriple need a sum-hinge warm-up, how long, and does MH?"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import numpy as np
from matplotlib.figure import Figure

from motionary_training.config import Config
from motionary_training.studies.clips import SCORE, TOLD, column, how, small_config, told, trained
from motionary_training.studies.document import Finding, Table, new_figure
from motionary_training.studies.noise import Difference, difference, mean_sd
from motionary_training.studies.plan import Plan, seconds

__all__ = ["run"]

Loss = Literal["max_hinge", "drop_triple"]
LOSSES: tuple[Loss, ...] = get_args(Loss)
NAMES = {"max_hinge": "MH", "drop_triple": "DropTriple"}
Cell = tuple[Loss, int]
LENGTHS = (0, 1, 5, 10, 20)


def run(plan: Plan) -> Finding:
    """Train MH and DropTriple after warm-ups of several lengths, and SH all along."""
    base = small_config(plan)
    epochs = base.optimiser.epochs
    lengths = tuple(length for length in LENGTHS if length < epochs)
    cells: list[Cell] = [(loss, length) for loss in LOSSES for length in lengths]
    # All epochs of warm-up are SH itself, under either name.
    whole: Cell = ("max_hinge", epochs)
    results = trained(plan, {one: _config(base, *one) for one in [*cells, whole]})
    compared = len(cells) - len(LOSSES)
    against = {
        (loss, length): difference(column(results[loss, length]), column(results[loss, 0]), among=compared)
        for loss, length in cells
        if length
    }
    to_sh = {one: difference(column(results[one]), column(results[whole]), among=len(cells)) for one in cells}
    rows = [
        (
            f"{NAMES[loss]} after {length} epochs of SH",
            *told(results[loss, length]),
            str(against[loss, length]) if length else "",
            str(to_sh[loss, length]),
        )
        for loss, length in cells
    ]
    rows.append((f"SH, all {epochs} epochs", *told(results[whole]), "", ""))
    return Finding(
        title="Warm-up",
        found=_found(
            results_mean={one: float(np.mean(column(found))) for one, found in results.items()},
            against=against,
            to_sh=to_sh,
            whole=whole,
        ),
        question="The paper's code trains with the sum hinge (SH) for 5 of 60 epochs before the loss proper. "
        "Reported of the paper: MH alone needs a long warm-up, and DropTriple from scratch does not raise "
        f"the R-sum. Here the warm-up is 0 to {lengths[-1]} of {epochs} epochs.",
        tables=(
            Table(
                f"Paired differences in {SCORE}; intervals are widened (Bonferroni) for the {compared} "
                f"comparisons with no warm-up, and the {len(cells)} with SH.",
                ("loss", *TOLD, "against no warm-up", "against SH"),
                tuple(rows),
            ),
        ),
        figure=_figure(
            results_of={one: column(found) for one, found in results.items()}, lengths=lengths, whole=whole
        ),
        settings=how(plan),
        numbers={f"{loss} {length}": column(found) for (loss, length), found in results.items()},
        seconds=seconds([one for found in results.values() for one in found]),
    )


def _config(base: Config, loss: Loss, length: int) -> Config:
    return replace(base, loss=replace(base.loss, name=loss, warmup_epochs=length))


def _found(
    *,
    results_mean: dict[Cell, float],
    against: dict[Cell, Difference],
    to_sh: dict[Cell, Difference],
    whole: Cell,
) -> str:
    parts, gaining = list[str](), list[str]()
    for loss in LOSSES:
        # The surest gain, not the largest mean, which a single lucky run can make.
        best = max((one for one in against if one[0] == loss), key=lambda one: against[one].low)
        gain, scratch = against[best], results_mean[loss, 0]
        gaining += [NAMES[loss]] if gain.low > 0 else []
        verdict = (
            f"{NAMES[loss]} gains {gain} in {SCORE} from {best[1]} epochs of warm-up"
            if gain.low > 0
            else f"{NAMES[loss]} does not gain beyond noise by a warm-up (surest, {best[1]} epochs: {gain})"
        )
        parts.append(f"{verdict} over {scratch:.1f} from scratch")
    worse = [one for one, apart in to_sh.items() if apart.high < 0]
    better = [one for one, apart in to_sh.items() if apart.low > 0]
    sh = f"SH all along reaches {results_mean[whole]:.1f}: "
    if better:
        sh += f"{len(better)} of the {len(to_sh)} other settings beat it beyond noise"
    else:
        sh += "no other setting beats it beyond noise"
    if worse:
        sh += f", {len(worse)} are worse"
    if len(gaining) == len(LOSSES):
        lead = "As reported of the paper, both losses need a warm-up: "
    elif gaining:
        lead = f"{gaining[0]} alone needs the paper's warm-up: "
    else:
        lead = "No gain of a warm-up shows beyond noise, against what is reported of the paper: "
    return f"{lead}{'; '.join(parts)}. {sh}."


def _figure(*, results_of: dict[Cell, list[float]], lengths: tuple[int, ...], whole: Cell) -> Figure:
    figure = new_figure(7, 4)
    axes = figure.add_subplot()
    for loss in LOSSES:
        means = [float(np.mean(results_of[loss, length])) for length in lengths]
        spread = [float(np.std(results_of[loss, length], ddof=1)) for length in lengths]
        axes.errorbar(range(len(lengths)), means, spread, marker="o", capsize=3, label=NAMES[loss])
    axes.axhline(
        float(np.mean(results_of[whole])),
        color="grey",
        linestyle="--",
        label=f"SH all along, {mean_sd(results_of[whole])}",
    )
    axes.set_xticks(range(len(lengths)), [str(length) for length in lengths])
    axes.set(xlabel="epochs of SH first", ylabel=f"{SCORE}, mean and sd over runs")
    axes.legend()
    return figure
