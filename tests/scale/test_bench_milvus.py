"""The short form of scripts/bench_milvus.py: a few thousand windows, every kind of index, the same recall."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pymilvus", reason="pymilvus is not installed")
pytest.importorskip("milvus_lite", reason="Milvus Lite has no wheel for this platform", exc_type=ImportError)

ROOT = Path(__file__).resolve().parents[2]


def test_the_bench_finds_what_exact_search_finds_and_writes_its_table(tmp_path):
    page, numbers = tmp_path / "page.md", tmp_path / "numbers" / "milvus.json"
    page.write_text("before\n<!-- milvus -->\nold\n<!-- end milvus -->\nafter\n")
    done = subprocess.run(
        [
            *(sys.executable, ROOT / "scripts" / "bench_milvus.py", "--rows", "1500", "--queries", "20"),
            *("--markdown", page, "--json", numbers, "--folder", tmp_path),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(numbers.read_text())
    assert [each["kind"] for each in told["kinds"]] == ["flat", "hnsw", "ivf_flat"]
    assert told["rows"] >= 1500
    assert told["bytes"] > 4 * 256 * told["rows"]
    assert min(each[how]["recall"] for each in told["kinds"] for how in ("plain", "filtered")) >= 0.99
    text = page.read_text()
    assert "old" not in text
    assert re.fullmatch(
        r"before\n<!-- milvus -->\n1,\d{3} windows, .*<!-- end milvus -->\nafter\n", text, re.S
    )
