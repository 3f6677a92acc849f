"""Pulled plugs, a full disk, refused locks: the short form of scripts/soak_plugs.py."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import can_be_met

SCRIPT = Path(__file__).parents[2] / "scripts" / "soak_plugs.py"
OPERATIONS = ("index", "re-index", "caption --apply", "upgrade")
POINTS = 4

pytestmark = pytest.mark.skipif(
    not can_be_met(), reason="needs Linux and a Python whose SQLite is a shared library"
)


def soak(tmp_path, *options):
    """What the script found, and where it wrote its tables."""
    page, numbers = tmp_path / "page.md", tmp_path / "numbers.json"
    page.write_text("a\n<!-- plugs -->\n<!-- end plugs -->\nb\n<!-- disks -->\nold\n<!-- end disks -->\n")
    command = [sys.executable, SCRIPT, "--points", POINTS, "--markdown", page, "--json", numbers, *options]
    done = subprocess.run(
        list(map(str, command)), env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True
    )
    assert numbers.exists(), done.stderr
    return done, json.loads(numbers.read_text()), page.read_text()


@pytest.fixture(scope="module", params=OPERATIONS)
def pulled(request, tmp_path_factory):
    return request.param, *soak(tmp_path_factory.mktemp("soak"), "--only", request.param)


def test_nothing_is_lost_whenever_it_is_killed_or_the_disk_is_full(pulled):
    name, done, numbers, _ = pulled
    assert numbers["found"] == []
    assert done.returncode == 0, done.stderr
    assert numbers["killed"] == {name: POINTS}


def test_disks_were_really_full(pulled):
    name, _, numbers, _ = pulled
    assert numbers["refused"][name] >= 1


def test_the_tables_stand_between_their_marks(pulled):
    name, _, _, page = pulled
    assert f"| {name} | " in page
    assert page.startswith("a\n<!-- plugs -->\n| operation |")
    assert "old" not in page


def test_an_action_is_stored_whole_or_not_at_all(tmp_path):
    pytest.importorskip("bpy", reason="needs Blender's Python module")
    done, numbers, _ = soak(tmp_path, "--only", "store-action")
    assert numbers["found"] == []
    assert done.returncode == 0, done.stderr
    assert numbers["killed"] == {"store-action": POINTS}
