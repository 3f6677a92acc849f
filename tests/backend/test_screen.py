"""What every command prints goes through here, with rich or without."""

import sys

import pytest

from motionary.errors import MotionaryError
from motionary.index import Progress
from motionary.screen import PLAIN, WIDEST_CELL, run_command


def test_a_plain_table_has_columns_and_titles(capsys):
    PLAIN.table(("id", "name"), [("1", "walk"), ("22", "a\nrun\x1b[31m")])
    assert capsys.readouterr().out == "id  name\n1   walk\n22  a run?[31m\n"


def test_a_plain_table_without_titles_tells_all_of_each(capsys):
    long = "x" * (WIDEST_CELL + 1)
    PLAIN.table((), {"library": long, "clips": "3"}.items())
    assert capsys.readouterr().out == f"library  {long}\nclips    3\n"
    PLAIN.table(("library",), [(long,)])
    assert capsys.readouterr().out.splitlines()[1] == "x" * (WIDEST_CELL - 1) + "…"
    PLAIN.table(("nothing",), [])
    PLAIN.table((), [])
    assert capsys.readouterr().out == "nothing\n"


def test_plain_progress_tells_failures_alone_where_nobody_watches(capsys):
    with PLAIN.progress("Indexing") as show:
        show(Progress(1, 2, "a"))
        show(Progress(2, 2, "b", "b: broken", ("b: note",)))
    assert capsys.readouterr() == ("", "motionary: b: broken\nmotionary: b: note\n")


def test_plain_progress_counts_on_a_terminal_and_leaves_nothing_there(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with PLAIN.progress("Indexing") as show:
        show(Progress(1, 2, "a"))
        show(Progress(2, 2, "b", "b: broken"))
    said = capsys.readouterr().err
    assert "Indexing 1 of 2" in said
    assert "motionary: b: broken\n" in said
    assert said.endswith(" \r")


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (MotionaryError("a: broken; mend it"), 1, "motionary: a: broken; mend it\n"),
        (PermissionError(13, "Permission denied", "a.bvh"), 1, "motionary: a.bvh: Permission denied\n"),
        (KeyboardInterrupt(), 130, "motionary: interrupted\n"),
    ],
)
def test_a_command_that_fails_is_told_of_in_one_line(error, code, told, capsys):
    def command():
        raise error

    assert run_command(command) == code
    assert capsys.readouterr() == ("", told)


def test_a_command_tells_its_own_code(capsys):
    assert run_command(lambda: 0) == 0
    assert run_command(lambda: 1) == 1
    assert capsys.readouterr() == ("", "")
