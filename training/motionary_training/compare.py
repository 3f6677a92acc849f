"""Configs and baselines side by side on the same held-out queries: tables, paired differences, a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from motionary.errors import MotionaryError
from motionary_training.crossval import GALLERIES, JOINED, Answers, Plan
from motionary_training.data import Pairs
from motionary_training.evaluate import Estimate, Table, clusters_of, estimates
from motionary_training.figures import bar_figure, write_png
from motionary_training.intervals import DRAWS, interval, resampled
from motionary_training.metrics import averaged
from motionary_training.protocols import Protocol, asked_of, told
from motionary_training.report import markdown_table, write_json, write_text

__all__ = ["Comparison", "Difference", "compared", "finding", "write_comparison"]

BASELINES = ("chance", "ridge", "kNN", "BM25, trial descriptions", "MiniLM, trial descriptions")
"""What a trained row has to beat. The oracle is none of them: it knows the captions."""


@dataclass(frozen=True)
class Difference:
    """A measure of one system less that of another on the same queries, with its 95 % interval.

    percent: the same as a share of the other's.
    """

    mean: float
    interval: tuple[float, float]
    percent: float

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.mean:+.1f} ({low:+.1f} to {high:+.1f})"

    @property
    def is_clear(self) -> bool:
        """The interval is off zero."""
        return self.interval[0] > 0 or self.interval[1] < 0


@dataclass(frozen=True)
class Comparison:
    """All tables by gallery ("fold", "all") and protocol, and each row's R-sum less that of ``against``, by
    gallery. trained: the rows that were learnt. told: what protocols and galleries are. beaten: R-sum over
    all clips of the best trained row less each baseline's; joined: of rows with descriptions added, less
    that of the strongest baseline."""

    against: str
    trained: tuple[str, ...]
    seeds: int
    folds: int
    drawn: str
    told: dict[str, dict[Protocol, str]]
    tables: dict[str, dict[Protocol, Table]]
    differences: dict[str, dict[str, Difference]]
    beaten: dict[str, Difference]
    joined: dict[str, Difference]


def compared(
    plan: Plan, gallery: Pairs, found: dict[str, list[Answers]], against: str, *, draws: int = DRAWS
) -> Comparison:
    """Tables of the answers that ``crossval.cross_validate`` gathered, and differences to a row.

    ``beaten`` is the R-sum over all clips of the best trained row less that of each baseline. Raises
    MotionaryError where there is no row ``against``.
    """
    if against not in found:
        raise MotionaryError(f"--against names no row {against!r}; rows are {', '.join(found)}")
    clusters, drawn = clusters_of(gallery)
    tables: dict[str, dict[Protocol, Table]] = {}
    sums: dict[str, dict[str, Any]] = {}
    for name in GALLERIES:
        protocols = list(found[against][0][name])
        tables[name] = {
            protocol: {
                system: estimates([seed[name][protocol] for seed in seeds], clusters, draws=draws)
                for system, seeds in found.items()
            }
            for protocol in protocols
        }
        sums[name] = {system: _drawn_sum(seeds, name, clusters, draws) for system, seeds in found.items()}

    def less(where: str, one: str, other: str) -> Difference:
        rows = tables[where]["STRICT"]
        mean = rows[one]["R-sum"].mean - rows[other]["R-sum"].mean
        spread = interval(sums[where][one] - sums[where][other])
        return Difference(mean, spread, 100 * mean / max(rows[other]["R-sum"].mean, 1e-9))

    trained = tuple(plan.configs)
    strongest = max(
        (row for row in found if row in BASELINES),
        key=lambda row: tables["all"]["STRICT"][row]["R-sum"].mean,
        default=None,
    )
    best = max(trained, key=lambda row: tables["all"]["STRICT"][row]["R-sum"].mean)
    rest = np.zeros(len(gallery.samples), bool)
    rest[: max(1, len(rest) // plan.folds)] = True
    words = {
        "fold": f"The gallery is the fold's held-out clips, about {rest.sum()} of {len(rest)}.",
        "all": f"The gallery is all {len(rest)} captioned clips, those learnt from in it.",
    }
    asked = asked_of(gallery)
    return Comparison(
        against,
        trained,
        plan.seeds,
        plan.folds,
        drawn,
        {
            name: {
                protocol: f"{words[name]} Every clip asks once, in the fold that holds out its recording. "
                f"Of the whole set: {told(protocol, asked)}"
                for protocol in tables[name]
            }
            for name in GALLERIES
        },
        tables,
        {name: {row: less(name, row, against) for row in found if row != against} for name in GALLERIES},
        {row: less("all", best, row) for row in found if row in BASELINES},
        {row: less("all", row, strongest) for row in found if row.endswith(JOINED)} if strongest else {},
    )


def finding(found: Comparison) -> str:
    """What the numbers say, in one line: the best trained row against the reference and the best baseline."""
    rows = found.tables["all"]["STRICT"]
    ranked = sorted(found.trained, key=lambda row: -rows[row]["R-sum"].mean)
    best = ranked[0]
    parts = [f"Over all clips {best} has the highest STRICT R-sum of the trained rows, {rows[best]['R-sum']}"]
    if best != found.against:
        parts.append(_told(found.differences["all"][best], found.against, rows))
    elif len(ranked) > 1:
        parts.append(
            _told(_turned(found.differences["all"][ranked[1]], rows[ranked[1]]["R-sum"]), ranked[1], rows)
        )
    if found.beaten:
        strongest = max(found.beaten, key=lambda row: rows[row]["R-sum"].mean)
        parts.append(_told(found.beaten[strongest], strongest, rows) + ", the strongest baseline")
        parts += [
            f"{row} reaches {rows[row]['R-sum']}, {_told(ahead, strongest, rows)}"
            for row, ahead in found.joined.items()
        ]
    return "; ".join(parts) + "."


def write_comparison(found: Comparison, out: Path) -> None:
    """comparison.json, comparison.md and comparison.png in the folder ``out``, which is made."""
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "comparison.json", asdict(found) | {"finding": finding(found)})
    write_text(out / "comparison.md", "\n".join(_lines(found)))
    rows = {name: found.tables[name]["STRICT"] for name in GALLERIES}
    graded = found.tables["all"]["GRADED"]
    write_png(
        out / "comparison.png",
        [
            bar_figure(_of(rows["all"], "R-sum"), "STRICT, all clips in the gallery", "R-sum"),
            bar_figure(_of(rows["fold"], "R-sum"), "STRICT, the fold's clips in the gallery", "R-sum"),
            bar_figure(_of(graded, "t2m nDCG@10"), "GRADED, all clips", "text to motion nDCG@10"),
        ],
    )


def _lines(found: Comparison) -> list[str]:
    lines = [
        finding(found),
        "",
        f"{found.folds} folds by recording, {found.seeds} {'seeds' if found.seeds > 1 else 'seed'} of each "
        "trained row, its last epoch taken. Mean ± standard deviation over seeds; in brackets 95 % bootstrap "
        f"intervals, whole {found.drawn} drawn, of a difference on the same queries.",
        "",
    ]
    for name, by_protocol in found.tables.items():
        for protocol, table in by_protocol.items():
            title = "the fold's clips" if name == "fold" else "all clips"
            lines += [f"## {protocol}, {title}", "", found.told[name][protocol], ""]
            if protocol == "STRICT":
                lines += _sum_table(found, name)
                lines += _beaten_table(found) if name == "all" and found.beaten else []
            for way in ("t2m", "m2t"):
                lines += markdown_table(table, way)
    lines += [
        "oracle: what another person said of a clip stands in for it. Each clip is known by its first "
        "caption, and to that caption by its second. A caption that is its clip's only one finds nothing.",
        "",
    ]
    return lines


def _sum_table(found: Comparison, name: str) -> list[str]:
    rows = found.tables[name]["STRICT"]
    lines = [f"| | R-sum | less {found.against} | in per cent |", "|---|---|---|---|"]
    for row, values in rows.items():
        ahead = found.differences[name].get(row)
        told_so = f"{ahead} | {ahead.percent:+.0f}" if ahead else "|"
        lines.append(f"| {row} | {values['R-sum']} | {told_so} |")
    return [*lines, ""]


def _beaten_table(found: Comparison) -> list[str]:
    lines = [f"| R-sum of {_best(found)} less that of | | in per cent |", "|---|---|---|"]
    lines += [f"| {row} | {ahead} | {ahead.percent:+.0f} |" for row, ahead in found.beaten.items()]
    return [*lines, ""]


def _best(found: Comparison) -> str:
    """The trained row of the highest R-sum over all clips."""
    return max(found.trained, key=lambda row: found.tables["all"]["STRICT"][row]["R-sum"].mean)


def _told(ahead: Difference, other: str, rows: Table) -> str:
    low, high = ahead.interval
    verdict = "off zero" if ahead.is_clear else "zero in it"
    return (
        f"{ahead.mean:+.1f} ({ahead.percent:+.0f} %; 95 % interval {low:+.1f} to {high:+.1f}, {verdict}) "
        f"against {other} ({rows[other]['R-sum']})"
    )


def _turned(ahead: Difference, other: Estimate) -> Difference:
    """What the reference is ahead of a row, from what the row is ahead of the reference."""
    low, high = ahead.interval
    return Difference(-ahead.mean, (-high, -low), -100 * ahead.mean / max(other.mean, 1e-9))


def _of(table: Table, measure: str) -> dict[str, Estimate]:
    return {system: row[measure] for system, row in table.items() if measure in row}


def _drawn_sum(seeds: Sequence[Answers], gallery: str, clusters: Any, draws: int) -> Any:
    sides = [averaged(same) for same in zip(*(seed[gallery]["STRICT"] for seed in seeds), strict=True)]
    return resampled(sides, clusters, draws=draws)["R-sum"]
