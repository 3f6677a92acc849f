"""Study: what of the motion encoder matters: kind, depth, width, what it reads, normalisation?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from motionary_training.config import Config
from motionary_training.studies.clips import SCORE, TOLD, column, how, small_config, told, trained
from motionary_training.studies.document import Finding, Table, new_figure
from motionary_training.studies.noise import Difference, difference
from motionary_training.studies.plan import Plan, seconds

__all__ = ["run"]


def run(plan: Plan) -> Finding:
    """Change one thing of the small model at a time, each against it run by run."""
    base = small_config(plan)
    settings = _settings(base, quick=plan.quick)
    results = trained(plan, settings)
    first, *others = settings
    against = {
        name: difference(column(results[name]), column(results[first]), among=len(others)) for name in others
    }
    rows = [(first, *told(results[first]), "")]
    rows += [(name, *told(results[name]), str(against[name])) for name in others]
    means = {name: float(np.mean(column(results[name]))) for name in settings}
    return Finding(
        title="Motion encoders",
        found=_found(first, against, means),
        question="As summarised, the paper finds the Transformer slightly ahead of RNN, LSTM and GRU; of "
        "depth, width and the features that are read nothing is told, and its code feeds HumanML3D's "
        "features raw by mistake. Here one thing is changed at a time.",
        tables=(
            Table(
                f"Against the first row: the paired difference in {SCORE}; its interval is widened "
                f"(Bonferroni) for the {len(others)} comparisons.",
                ("encoder", *TOLD, "against the first"),
                tuple(rows),
            ),
        ),
        figure=_figure(first, against),
        settings=how(plan) | {"loss": "DropTriple with the thresholds of 2023, 0.7 / 0.9"},
        numbers={name: column(results[name]) for name in settings},
        seconds=seconds([one for found in results.values() for one in found]),
    )


def _settings(base: Config, *, quick: bool) -> dict[str, Config]:
    motion = base.motion
    first = f"Transformer, {motion.layers} layer, width {motion.width}, all features, normalised"

    def changed(**changes: Any) -> Config:
        return replace(base, motion=replace(motion, **changes))

    raw = replace(base, data=replace(base.data, normalise=False))
    if quick:
        return {first: base, "GRU": changed(kind="gru"), "raw features": raw}
    return {
        first: base,
        "GRU": changed(kind="gru"),
        "LSTM": changed(kind="lstm"),
        "BiGRU": changed(kind="bigru"),
        "body-part patches": changed(kind="patches"),
        "3 layers": changed(layers=3),
        "width 32": changed(width=32, feedforward=64),
        "width 128": changed(width=128, feedforward=256),
        "positions only": changed(features="positions"),
        "rotations only": changed(features="rotations"),
        "velocities only": changed(features="velocities"),
        "statistics of the clip beside": changed(summary=True),
        "raw features": raw,
    }


def _found(first: str, against: dict[str, Difference], means: dict[str, float]) -> str:
    worse = [name for name, apart in against.items() if apart.high < 0]
    better = [name for name, apart in against.items() if apart.low > 0]
    recurrent = [name for name in ("GRU", "LSTM", "BiGRU") if name in against]
    behind = [name for name in recurrent if against[name].high < 0]
    ahead = [name for name in recurrent if against[name].low > 0]
    if len(behind) == len(recurrent):
        lead = "As in the paper the Transformer beats the recurrent encoders"
    elif ahead:
        lead = f"Against the paper, {' and '.join(ahead)} beat the Transformer"
    elif behind:
        lead = f"Beyond noise the Transformer beats {' and '.join(behind)} alone of the recurrent encoders"
    else:
        lead = "Transformer and recurrent encoders do not differ beyond noise"
    highest = max(recurrent, key=lambda name: means[name])
    said = [
        f"{lead} ({SCORE} {means[first]:.1f}; the best of the others, {highest}, {against[highest]} to it)"
    ]
    rest = [name for name in against if name not in recurrent]
    for names, words in ((better, "better"), (worse, "worse")):
        kept = [f"{name} ({against[name]})" for name in names if name in rest]
        said += [f"{words} than it beyond noise: {', '.join(kept)}"] if kept else []
    same = [name for name in rest if not against[name].beyond_noise]
    said += [f"no difference beyond noise: {', '.join(same)}"] if same else []
    return "; ".join(said) + "."


def _figure(first: str, against: dict[str, Difference]) -> Figure:
    figure = new_figure(8, 1.4 + 0.32 * len(against))
    axes = figure.add_subplot()
    names = list(against)[::-1]
    means = [against[name].mean for name in names]
    reach = [(against[name].high - against[name].low) / 2 for name in names]
    axes.errorbar(means, range(len(names)), xerr=reach, fmt="o", capsize=3)
    axes.axvline(0, color="grey", linestyle="--")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel=f"{SCORE} against: {first}", title="Widened 95 % intervals")
    return figure
