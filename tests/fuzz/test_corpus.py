"""What once broke a reader, or was made to, breaks none now: see targets.py."""

import os
from pathlib import Path

import pytest

from motionary.errors import MotionaryError
from tests.fuzz.targets import TARGETS, Target, findings

CORPUS = sorted((Path(__file__).parent / "corpus").iterdir())
SEEDS = [(name, number) for name, target in TARGETS.items() for number in range(len(target.seeds()))]


def target_of(file):
    """The longest name of a target that the file's begins with: "rig-groups" is of "rig"."""
    return max((name for name in TARGETS if file.name.startswith(f"{name}-")), key=len)


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.name)
def test_what_once_broke_a_reader_breaks_none(file, tmp_path):
    assert findings(TARGETS[target_of(file)], file.read_bytes(), tmp_path) == []


@pytest.mark.parametrize(("name", "number"), SEEDS)
def test_every_seed_is_read(name, number, tmp_path):
    data = TARGETS[name].seeds()[number]
    assert findings(TARGETS[name], data, tmp_path) == []
    # A failure told; a config that lacks its name; headers of arrays that are not there.
    if (name, number) not in [("stream", 1), ("training", 1)] and name != "npy-header":
        TARGETS[name].read(data, tmp_path)


@pytest.mark.parametrize("name", TARGETS)
def test_every_cut_seed_is_read_or_refused(name, tmp_path):
    for data in TARGETS[name].seeds():
        for part in range(8):
            assert findings(TARGETS[name], data[: len(data) * part // 8], tmp_path) == []


@pytest.mark.parametrize("name", [name for name, target in TARGETS.items() if target.text])
@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe\0a\0b",
        b"\xed\xa0\x80",
        b"[" * 100_000,
        b"a = " + b"[" * 100_000,
        b'{"a":' * 100_000,
        b"9" * 5000,
        b"a = " + b"9" * 5000,
        b'"',
        b"file,caption\n\x1b[2J,\x1b]0;x\x07\n",
        b"file,caption\na," + b"x" * 200_000,
        b"trial,fps\na," + b"x" * 200_000,
    ],
    ids=[
        "utf-16",
        "surrogate",
        "list",
        "toml-list",
        "object",
        "number",
        "toml-number",
        "quote",
        "escapes",
        "field",
        "trial",
    ],
)
def test_what_is_no_text_of_theirs_is_refused_by_every_text_reader(name, data, tmp_path):
    assert findings(TARGETS[name], data, tmp_path) == []


# The oracle itself


def target(read):
    return Target(True, lambda: [], read)


def test_a_reader_that_raises_anything_else_is_found(tmp_path):
    assert findings(target(lambda data, folder: data.decode()), b"\xff", tmp_path)[0].startswith(
        "UnicodeDecode"
    )


def test_a_reader_that_hangs_is_found(tmp_path):
    def hang(data, folder):
        while True:
            try:
                sum(range(1000))
            except Exception:  # a reader that catches all of them
                return

    assert "took more than" in findings(target(hang), b"", tmp_path)[0]


def test_a_message_without_the_file_is_found(tmp_path):
    def refuse(data, folder):
        raise MotionaryError("wrong")

    assert "names no file" in findings(target(refuse), b"", tmp_path)[0]


def test_a_reader_that_writes_elsewhere_is_found(tmp_path):
    own, other = tmp_path / "own", tmp_path / "other"
    own.mkdir()

    def write(data, folder):
        (folder / "x").write_bytes(data)
        other.write_bytes(data)
        other.rename(folder / "y")
        os.truncate(folder / "y", 0)

    found = findings(target(write), b"", own)
    assert len(found) == 2
    assert str(other) in found[0]


def test_a_message_spells_out_what_commands_a_terminal():
    assert str(MotionaryError("a\x1b[2J\nb\u202e\ud800 é\u3000")) == "a\\x1b[2J\\nb\\u202e\\ud800 é\u3000"
