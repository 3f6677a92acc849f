"""The beginning of a file that is open elsewhere in the process is read without ending a lock on it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from motionary import file_head
from motionary.file_head import held_head
from motionary.library import Model, format_version, open_library, set_model, snapshot, summary

WRITER = (
    "import sqlite3, sys\n"
    "connection = sqlite3.connect(sys.argv[1], timeout=0.05, isolation_level=None)\n"
    "connection.execute('BEGIN EXCLUSIVE')\n"
)
posix = pytest.mark.skipif(os.name == "nt", reason="locks belong to who took them on this system")


@pytest.fixture
def path(tmp_path):
    with open_library(tmp_path / "a.motionary", write=True) as made:
        set_model(made, Model("a" * 64, "first", 4))
    return tmp_path / "a.motionary"


def another_may_write(path):
    done = subprocess.run([sys.executable, "-c", WRITER, path], stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0 or "database is locked" in done.stderr, done.stderr
    return done.returncode == 0


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_opening_a_library_again_does_not_let_others_write_while_it_is_read(path):
    with open_library(path) as reader, snapshot(reader):
        assert not another_may_write(path)
        open_library(path).close()
        format_version(path)
        assert not another_may_write(path)
    assert another_may_write(path)


@pytest.mark.parametrize("is_new", [False, True])
def test_nor_while_it_is_written(path, is_new):
    if is_new:
        path.unlink()
    with open_library(path, write=True) as writer:
        writer.connection.execute("BEGIN IMMEDIATE")
        with open_library(path) as reader:
            summary(reader)
        assert not another_may_write(path)
        writer.connection.execute("COMMIT")
    assert another_may_write(path)


@posix
def test_a_file_is_open_once_and_no_longer_than_it_is_held(path):
    assert not file_head._files
    with held_head(path, 4) as first, held_head(path, 1000) as second:
        assert first == b"SQLi"
        assert second[:4] == first
        assert len(second) == 1000
        (held,) = file_head._files.values()
        assert (held.holders, len(held.descriptors)) == (2, 1)
    assert not file_head._files


@posix
def test_a_library_that_is_refused_is_held_no_longer(path):
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(Exception, match="not a Motionary library"):
        open_library(path)
    assert not file_head._files


@posix
def test_another_file_of_the_same_name_is_another(path):
    with held_head(path, 100) as before:
        path.rename(path.with_name("elsewhere"))
        path.write_bytes(b"x" * 3)
        with held_head(path, 100) as now, held_head(path.with_name("elsewhere"), 100) as again:
            assert (now, again) == (b"xxx", before)
    assert not file_head._files


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(FileNotFoundError), held_head(tmp_path / "none", 4):
        pass
    assert not file_head._files


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts descriptors in /proc")
def test_no_descriptor_is_left_open(path):
    before = descriptors()
    with open_library(path) as held:
        for _ in range(50):
            open_library(path).close()
        assert descriptors() < before + 10
        assert held.model.name == "first"
    assert descriptors() == before
