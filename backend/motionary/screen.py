"""How a command talks: tables and progress that need no library, and what every message goes through.

Blender's Python has neither typer nor rich. `motionary.commands` therefore does the work of every command and
shows it by a Screen: `PLAIN` here, or the coloured one of `motionary.cli`.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from motionary.errors import MotionaryError

if TYPE_CHECKING:
    from motionary.index import Progress

__all__ = [
    "PLAIN",
    "Screen",
    "complain",
    "one_line",
    "print_json",
    "progress_lines",
    "run_command",
    "show_any_name",
]

WIDEST_CELL = 60
"""Letters of a cell in a plain table; the rest of it is left out."""

Show = Callable[["Progress"], None]
"""What is called with every step."""


@dataclass(frozen=True)
class Screen:
    """table: print rows under titles; without titles, names and what they are. progress: around a long job
    with a title, what shows its steps on stderr."""

    table: Callable[[Sequence[str], Iterable[Sequence[str]]], None]
    progress: Callable[[str], AbstractContextManager[Show]]


def run_command(command: Callable[[], int]) -> int:
    """Run a command and return the process's exit code; what goes wrong is told in one line, on stderr.

    0 done, 1 what the user can act on and what the system refuses, 130 interrupted, 141 nobody reads the
    output. What is wrong with the options passes through, for the parser of the options to tell.
    """
    try:
        code = command()
        sys.stdout.flush()
        return code
    except MotionaryError as error:
        complain(str(error))
        return 1
    except KeyboardInterrupt:
        complain("interrupted")
        return 130
    except BrokenPipeError:
        # Whoever read the output, as `head` does, has gone; Python would complain once more on flushing it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        complain(f"{error.filename or 'the system'}: {error.strerror or error}")
        return 1


def show_any_name() -> None:
    """Have stdout and stderr take any text: a name may hold what the terminal's encoding does not."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_json(document: dict[str, Any]) -> None:
    """Print one JSON document on stdout."""
    print(json.dumps(document, indent=2))


def complain(message: str) -> None:
    """Print a message on stderr, as one line."""
    print(f"motionary: {one_line(message)}", file=sys.stderr)


def one_line(text: str) -> str:
    """``text`` on one line and without what would steer a terminal, for names come from anywhere."""
    return "".join(letter if letter.isprintable() else " " if letter.isspace() else "?" for letter in text)


def progress_lines(step: Progress) -> list[str]:
    """What there is to say of a file: why it failed, and what in it is no clip."""
    return [*([step.failure] if step.failure else []), *step.notes]


@contextmanager
def _plain_progress(title: str) -> Iterator[Show]:
    """A count on a terminal; elsewhere only what there is to say, a line each."""
    on_terminal = sys.stderr.isatty()
    shown = ""

    def count(text: str) -> None:
        nonlocal shown
        if on_terminal and (text or shown):
            print(f"\r{' ' * len(shown)}\r{text}", end="", file=sys.stderr, flush=True)
            shown = text

    def show(step: Progress) -> None:
        lines = progress_lines(step)
        if lines:
            count("")
        for line in lines:
            complain(line)
        count(f"{title} {step.done} of {step.total}")

    try:
        yield show
    finally:
        count("")


def _plain_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    lines = [[one_line(cell) for cell in row] for row in ([titles] if titles else [])]
    lines += [[_cut(one_line(cell)) if titles else one_line(cell) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cut(cell: str) -> str:
    return cell if len(cell) <= WIDEST_CELL else f"{cell[: WIDEST_CELL - 1]}…"


PLAIN = Screen(_plain_table, _plain_progress)
"""Words alone, for a Python that has no rich."""
