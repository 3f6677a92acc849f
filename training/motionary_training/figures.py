"""Pictures of tables. matplotlib is told where to draw each time; nothing is set for a whole program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from motionary.files import replacing
from motionary_training.evaluate import Estimate, Table
from motionary_training.metrics import CUTS, Block

__all__ = ["Picture", "bar_figure", "recall_figure", "reliability_figure", "similarity_figure", "write_png"]

Picture: TypeAlias = Callable[[Axes], None]
"""Draws one panel."""

WIDTH, HEIGHT, DPI = 7.0, 4.2, 110
Z = 1.96
"""Standard deviations of a 95 % interval."""


def write_png(path: Path, pictures: Sequence[Picture]) -> None:
    """The panels below each other, in one file that is replaced in one step."""
    figure = Figure(figsize=(WIDTH, HEIGHT * len(pictures)), dpi=DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    for number, picture in enumerate(pictures):
        picture(figure.add_subplot(len(pictures), 1, number + 1))
    with replacing(path) as temporary:
        canvas.print_png(temporary)  # type: ignore[no-untyped-call]


def recall_figure(table: Table, title: str) -> Picture:
    """Text to motion: recall at 1 to 10 of every system, with its interval."""

    def draw(axes: Axes) -> None:
        for system, row in table.items():
            values = [row[f"t2m R@{cut}"] for cut in CUTS]
            lines = axes.plot(CUTS, [value.mean for value in values], marker="o", markersize=3, label=system)
            if system != "chance":
                spans = [value.interval or (value.mean, value.mean) for value in values]
                low, high = zip(*spans, strict=True)
                axes.fill_between(CUTS, low, high, alpha=0.12, color=lines[0].get_color())
        axes.set_xticks(CUTS)
        axes.set_xlabel("k")
        axes.set_ylabel("text to motion R@k, %")
        axes.set_title(title, fontsize="medium")
        axes.legend(fontsize="small")

    return draw


def reliability_figure(said: Sequence[float], right: Sequence[float], count: Sequence[int]) -> Picture:
    """What was said of how sure answers are, against how often they were right, in bins of ``count``.

    Bars: the 95 % interval of a share (Wilson, 1927). On the diagonal, 0.6 said is right 60 times in 100.
    """

    def draw(axes: Axes) -> None:
        shares, counts = np.asarray(right), np.asarray(count)
        middle = (shares + Z**2 / (2 * counts)) / (1 + Z**2 / counts)
        half = np.sqrt(shares * (1 - shares) / counts + Z**2 / (4 * counts**2)) * Z / (1 + Z**2 / counts)
        axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
        axes.vlines(said, middle - half, middle + half, color="C0", linewidth=1)
        axes.plot(said, right, marker="o", markersize=4, color="C0")
        for x, y, number in zip(said, right, count, strict=True):
            axes.annotate(f"{number}", (x, y), (6, -10), textcoords="offset points", fontsize="x-small")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.set_aspect("equal")
        axes.set_xlabel("said to be right with")
        axes.set_ylabel("right")

    return draw


def similarity_figure(cosines: Block, system: str) -> Picture:
    """First captions (rows) with motions (columns); where the system is right, the diagonal is bright."""

    def draw(axes: Axes) -> None:
        image = axes.imshow(np.asarray(cosines), aspect="equal", cmap="viridis", interpolation="nearest")
        axes.set_xlabel("motion")
        axes.set_ylabel("its first caption")
        axes.set_title(f"similarities by {system}", fontsize="medium")
        axes.get_figure().colorbar(image, ax=axes)  # type: ignore[union-attr]

    return draw


def bar_figure(rows: Mapping[str, Estimate], title: str, label: str) -> Picture:
    """One measure of every system as bars, with its interval."""

    def draw(axes: Axes) -> None:
        names = list(rows)[::-1]
        values = [rows[name] for name in names]
        spans = np.array([value.interval or (value.mean, value.mean) for value in values]).T
        means = np.array([value.mean for value in values])
        # A resampled interval of a coarse measure may leave its own mean just outside.
        errors = np.maximum(np.stack([means - spans[0], spans[1] - means]), 0)
        axes.barh(names, means, xerr=errors, color="#4878a8", ecolor="#333333", capsize=2, height=0.7)
        axes.set_xlabel(label)
        axes.set_title(title, fontsize="medium")
        axes.tick_params(axis="y", labelsize="small")

    return draw
