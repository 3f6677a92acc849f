"""What the fuzzer counts, and where it writes it; the fuzzing itself needs atheris and time."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "fuzz.py"


@pytest.fixture(scope="module")
def fuzz():
    spec = importlib.util.spec_from_file_location("fuzz", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(folder, name, executions, findings=0, process=1):
    told = {"format": name, "executions": executions, "seconds": 120.0, "findings": findings}
    (folder / f"{name}-{process}.json").write_text(json.dumps(told))


def test_runs_of_one_format_add_up(fuzz, tmp_path):
    run(tmp_path, "bvh", 400_000, findings=1)
    run(tmp_path, "bvh", 600_000, process=2)
    run(tmp_path, "amc", 5)
    assert fuzz.table(tmp_path)[2:] == ["| amc | 5 | 2 | 0 |", "| bvh | 1,000,000 | 4 | 1 |"]


def test_the_table_takes_the_place_of_the_one_before(fuzz, tmp_path, monkeypatch, capsys):
    run(tmp_path, "amc", 5)
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- fuzzed -->\nold\n<!-- end fuzzed -->\nb\n")
    monkeypatch.setattr(sys, "argv", ["fuzz.py", "--table", "--out", str(tmp_path), "--markdown", str(page)])
    fuzz.main()
    lines = page.read_text().splitlines()
    assert lines[:2] + lines[-3:] == [
        *("a", "<!-- fuzzed -->", "| amc | 5 | 2 | 0 |", "<!-- end fuzzed -->", "b")
    ]
    assert "old" not in lines
    assert "| amc | 5 |" in capsys.readouterr().out


def test_all_of_them_run_what_each_still_lacks(fuzz, tmp_path, monkeypatch):
    run(tmp_path, "amc", 90)
    run(tmp_path, "bvh", 100)
    asked = []

    def start(command):
        asked.append(command[2:5])
        return type("Done", (), {"returncode": int("npy" in command)})

    monkeypatch.setattr(fuzz.subprocess, "run", start)
    assert fuzz.fuzz_all(["amc", "bvh", "npy"], 100, tmp_path) == 1
    assert asked == [["amc", "--runs", "10"], ["npy", "--runs", "100"]]
