"""The script as users run it: exit codes, one line of complaint, one JSON document, the table."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from motionary.captions_csv import read_captions
from motionary.formats import write_bvh
from tests.bundles import make_bundle
from tests.motions import walk

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "caption_library.py"

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("bpy") is None, reason="needs Blender's Python module"
)


def run(*arguments, cache):
    return subprocess.run(
        [sys.executable, SCRIPT, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"MOTIONARY_CACHE": str(cache)},
    )


def test_a_folder_is_captioned_and_told_of_in_one_document(tmp_path):
    write_bvh(walk(1.5), tmp_path / "moves.bvh")
    (tmp_path / "broken.blend").write_bytes(b"nothing")
    model = make_bundle(tmp_path / "model")
    table = tmp_path / "captions.csv"
    done = run(tmp_path, "--out", table, "--model", model, "--json", cache=tmp_path / "cache")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert (document["captioned"], document["skipped"], document["written"]) == (1, 0, {})
    assert len(document["failures"]) == 1
    assert "broken.blend" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(read_captions(table)) == ["moves.bvh"]


def test_wrong_usage_is_2(tmp_path):
    assert run(tmp_path, cache=tmp_path).returncode == 2
    assert run(tmp_path, "--out", tmp_path / "captions.txt", cache=tmp_path).returncode == 2
