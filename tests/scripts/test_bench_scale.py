"""The benchmarks of search, opening and indexing run small, agree, and write their tables."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from motionary.library import open_library, summary

SCRIPTS = Path(__file__).parents[2] / "scripts"
ONE_THREAD = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def run(name, *options):
    command = [sys.executable, str(SCRIPTS / name), *map(str, options)]
    return subprocess.run(command, env=ONE_THREAD, capture_output=True, text=True, timeout=300)


def load(name):
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_search_finds_the_same_rows_as_the_others_and_its_tables_are_written(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "a\n<!-- search -->\nold\n<!-- end search -->\nb\n<!-- opening -->\n<!-- end opening -->\n"
    )
    done = run(
        "bench_search.py", "--rows", 20, 700, "--dims", 8, "--repeats", 1, "--markdown", page, "--json",
        tmp_path / "n.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "n.json").read_text())
    assert [each["equal"] for each in found["search"]] == [True, True]
    assert [each["rows"] for each in found["opening"]] == [20, 700]
    text = page.read_text()
    assert "| 700 x 8 |" in text
    assert "old" not in text
    assert text.startswith("a\n")


def test_rows_that_differ_are_told(monkeypatch, capsys):
    bench = load("bench_search")
    monkeypatch.setattr(bench, "others", lambda vectors, query, threads: {"wrong": lambda: [0] * 10})
    assert bench.bench_search(50, 4, 1, 1)["equal"] is False


@pytest.mark.parametrize("count", [3, 10_001])
def test_a_made_up_library_is_one(tmp_path, count):
    bench = load("bench_search")
    bench.make_library(tmp_path / "m.motionary", count)
    with open_library(tmp_path / "m.motionary") as library:
        told = summary(library)
        assert (told.clips, told.embeddings, told.captions) == (count, count, count)
        assert len(library.embeddings.clips) == len(library.keywords.clips) == count


def test_indexing_is_told_by_stage_and_by_processes(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- index -->\n<!-- end index -->\n")
    done = run(
        "bench_index.py", "--files", 3, "--workers", 1, "--markdown", page, "--json", tmp_path / "n.json"
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "n.json").read_text())
    assert found["files"] == 3
    assert set(found["stages_s"]) == {"read", "windows", "facts", "pack", "embed", "write"}
    assert found["whole_s"]["1"] > 0
    assert "| embed |" in page.read_text()
