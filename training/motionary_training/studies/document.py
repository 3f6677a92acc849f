"""A study's document: what was found in its first line, a table, a picture, and how it was come by."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from motionary.errors import MotionaryError
from motionary.files import replacing

__all__ = ["Finding", "Table", "new_figure", "write_document", "write_index"]

NOTE = "A quick run on little work: it shows that the study runs, and proves nothing."


@dataclass(frozen=True)
class Table:
    """Rows of text under columns, with what the numbers are."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, eq=False)
class Finding:
    """What a study found. ``found`` and every cell of the tables are made from ``numbers``, never by hand.

    settings: protocol, data, seeds and so on, by name. numbers: everything measured, for JSON. seconds: of
    computing, summed over cells.
    """

    title: str
    found: str
    question: str
    tables: tuple[Table, ...]
    figure: Figure
    settings: Mapping[str, str]
    numbers: Any
    seconds: float
    remarks: tuple[str, ...] = field(default=())


def new_figure(width: float = 8.0, height: float = 4.0) -> Figure:
    """An empty figure, in inches, that no window or global state knows of."""
    return Figure(figsize=(width, height), layout="constrained")


def write_document(finding: Finding, out: Path, name: str, command: str, *, quick: bool) -> Path:
    """Write NAME.md, NAME.png and NAME.json into ``out``, and the README.md that lists all studies there."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MotionaryError(f"{out}: cannot be made ({error.strerror}); name another with --out") from None
    with replacing(out / f"{name}.png") as temporary:
        # No date or version in the file: the same numbers give the same bytes.
        finding.figure.savefig(temporary, format="png", dpi=110, metadata={"Software": None})
    document = {
        "title": finding.title,
        "found": finding.found,
        "quick": quick,
        "command": command,
        "seconds": round(finding.seconds, 1),
        "settings": dict(finding.settings),
        "numbers": finding.numbers,
    }
    _write(out / f"{name}.json", json.dumps(document, indent=1) + "\n")
    _write(out / f"{name}.md", _markdown(finding, name, command, quick=quick))
    write_index(out)
    return out / f"{name}.md"


def write_index(out: Path) -> None:
    """README.md of every study whose JSON lies in ``out``, each with its first line."""
    lines = [
        "# Studies",
        "",
        "Open questions of the DropTriple paper (arXiv 2305.04195), each answered by one command,",
        "`motionary-train study NAME`, which writes the study's page: the answer in its first line, a table,",
        "a picture, and how it was come by. Nothing on these pages is typed by hand.",
        "",
    ]
    for path in sorted(out.glob("*.json")):
        try:
            stored = json.loads(path.read_text("utf-8"))
            title, found, quick = stored["title"], stored["found"], stored["quick"]
        except (ValueError, KeyError, TypeError):
            raise MotionaryError(f"{path}: is no study's record; move it out of {out}") from None
        lines += [f"- [**{title}**]({path.stem}.md) {found}" + (f" *{NOTE}*" if quick else "")]
    _write(out / "README.md", "\n".join(lines) + "\n")


def _markdown(finding: Finding, name: str, command: str, *, quick: bool) -> str:
    parts = [f"**{finding.found}**", f"# {finding.title}"]
    if quick:
        parts.append(f"*{NOTE}*")
    parts.append(finding.question)
    for table in finding.tables:
        parts += [table.caption, _grid(table.columns, table.rows)]
    parts.append(f"![{finding.title}]({name}.png)")
    parts += list(finding.remarks)
    settings = {**finding.settings, "time": _time(finding.seconds), "command": f"`{command}`"}
    parts += ["## How", "\n".join(f"- {key}: {value}" for key, value in settings.items())]
    return "\n\n".join(parts) + "\n"


def _grid(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = [columns, ["---"] + ["---:"] * (len(columns) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [*head, *rows])


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s of computing" if seconds < 600 else f"{seconds / 60:.0f} min of computing"


def _write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, "utf-8")
