"""Study: which thresholds should DropTriple drop by, and does dropping beat plain MH at all?"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import numpy as np
from matplotlib.figure import Figure

from motionary_training.config import Config
from motionary_training.studies.clips import SCORE, TOLD, column, how, small_config, told, trained
from motionary_training.studies.document import Finding, Table, new_figure
from motionary_training.studies.noise import Difference, difference
from motionary_training.studies.plan import Plan, seconds

__all__ = ["run"]

Convention = Literal["swapping", "symmetric"]
CONVENTIONS: tuple[Convention, ...] = get_args(Convention)
Cell = tuple[Convention, float, float]
"""Convention, hetero threshold, homo threshold."""

GRID = (0.7, 0.9, 1.0)
OF_2023: Cell = ("swapping", 0.7, 0.9)
OF_2024: Cell = ("symmetric", 0.75, 0.75)
PLAIN: Cell = ("swapping", 1.0, 1.0)


def run(plan: Plan) -> Finding:
    """Train with every pair of thresholds under both conventions, each against MH run by run."""
    grid = (0.7, 1.0) if plan.quick else GRID
    cells = list(dict.fromkeys([*_cells(grid), OF_2023, OF_2024]))
    base = small_config(plan)
    # Where both thresholds are one, both conventions drop the same: trained once, told of both.
    results = trained(plan, {one: _config(base, one) for one in dict.fromkeys(map(_twin, cells))})
    by_cell = {one: results[_twin(one)] for one in cells}
    plain = column(by_cell[PLAIN])
    others = [one for one in cells if _twin(one) != PLAIN]
    count = len(results) - 1
    against = {one: difference(column(by_cell[one]), plain, among=count) for one in cells}
    best = max(others, key=lambda one: np.mean(column(by_cell[one])))
    rows = tuple(
        (_name(one), *told(by_cell[one]), "" if _twin(one) == PLAIN else str(against[one])) for one in cells
    )
    return Finding(
        title="Thresholds of DropTriple",
        found=_found(best, against, count, float(np.mean(plain))),
        question="DropTriple drops a negative whose own half resembles the anchor (hetero) or the positive "
        "(homo) by more than a threshold. Summaries of the paper name no values; its code of 2023 has 0.7 "
        "and 0.9, with roles that swap with the direction, that of 2024 has 0.75 and 0.75, the same in both. "
        "The paper says that dropping helps. At 1.0 and 1.0 nothing is dropped: that is MH.",
        tables=(
            Table(
                f"Against MH: the paired difference in {SCORE}; its interval is widened (Bonferroni) for the "
                f"{count} settings that are compared with MH.",
                ("convention, hetero / homo", *TOLD, "against MH"),
                rows,
            ),
        ),
        figure=_figure(grid, against),
        settings=how(plan),
        numbers={
            _name(one): {
                SCORE: column(by_cell[one]),
                "against MH": [against[one].mean, against[one].low, against[one].high],
            }
            for one in cells
        },
        seconds=seconds([one for found in results.values() for one in found]),
    )


def _cells(grid: tuple[float, ...]) -> list[Cell]:
    return [(convention, hetero, homo) for convention in CONVENTIONS for hetero in grid for homo in grid]


def _twin(one: Cell) -> Cell:
    """The setting that drops exactly the same."""
    _, hetero, homo = one
    return ("swapping", hetero, homo) if hetero == homo else one


def _config(base: Config, one: Cell) -> Config:
    convention, hetero, homo = one
    loss = replace(base.loss, convention=convention, hetero_threshold=hetero, homo_threshold=homo)
    return replace(base, loss=loss)


def _name(one: Cell) -> str:
    convention, hetero, homo = one
    note = {_twin(PLAIN): " (MH)", OF_2023: " (code of 2023)", OF_2024: " (code of 2024)"}
    return f"{convention}, {hetero:g} / {homo:g}{note.get(one, '')}"


def _found(best: Cell, against: dict[Cell, Difference], count: int, plain: float) -> str:
    gain = against[best]
    of_2023, of_2024 = against[OF_2023], against[OF_2024]
    defaults = f"the code's own thresholds differ from MH by {of_2023} (2023) and {of_2024} (2024)"
    if gain.low > 0:
        return (
            f"Dropping helps: {_name(best)} gains {gain} in {SCORE} over plain MH ({plain:.1f}), beyond "
            f"noise among {count} settings, as the paper says; {defaults}."
        )
    distinct = {_twin(one): apart for one, apart in against.items() if _twin(one) != PLAIN}
    ahead = sum(apart.mean > 0 for apart in distinct.values())
    return (
        f"No thresholds of the {count} tried beat plain MH ({SCORE} {plain:.1f}) beyond noise, so what the "
        f"paper says does not show here, though {ahead} of them are ahead on average: the best, "
        f"{_name(best)}, differs by {gain}; {defaults}."
    )


def _figure(grid: tuple[float, ...], against: dict[Cell, Difference]) -> Figure:
    figure = new_figure(8.5, 3.8)
    largest = max(1.0, max(abs(one.mean) for one in against.values()))
    for place, convention in enumerate(CONVENTIONS, 1):
        axes = figure.add_subplot(1, 2, place)
        means = np.array([[against[(convention, hetero, homo)].mean for homo in grid] for hetero in grid])
        picture = axes.imshow(means, cmap="RdBu", vmin=-largest, vmax=largest, origin="lower")
        for (row, at), mean in np.ndenumerate(means):
            axes.text(at, row, f"{round(mean, 1) + 0.0:+.1f}", ha="center", va="center")
        axes.set_xticks(range(len(grid)), [f"{value:g}" for value in grid])
        axes.set_yticks(range(len(grid)), [f"{value:g}" for value in grid])
        axes.set(title=convention, xlabel="homo threshold", ylabel="hetero threshold")
    figure.colorbar(picture, ax=figure.axes, label=f"{SCORE} against MH")
    return figure
