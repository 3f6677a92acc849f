"""The retargeting benchmark measures what it says, and prints a row for each rig."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("bpy", reason="needs Blender's Python module")

from scripts import bench_retarget as bench
from tests.motions import walk

SCRIPT = Path(bench.__file__)


def turned(at, joint, degrees):
    """The places with those beyond left_``joint`` turned about it, across the body."""
    a = np.radians(degrees)
    turn = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    beyond = {"hip": "knee", "knee": "ankle", "shoulder": "elbow", "elbow": "wrist"}[joint]
    pivot, end = at[f"left_{joint}"], at[f"left_{beyond}"]
    return {**at, f"left_{beyond}": pivot + (end - pivot) @ turn.T}


def test_a_limb_that_is_off_is_measured_in_degrees():
    at = bench.performer(walk(0.5))
    assert bench.direction_errors(at, at).max() < 1e-4
    off = bench.direction_errors(turned(at, "elbow", 7.0), at)
    assert off.shape == (8, len(at["head"]))
    assert 3.0 < off.max() <= 7.0 + 1e-6
    assert bench.direction_errors({j: p * 3.0 + 1.0 for j, p in at.items()}, at).max() < 1e-4


def test_the_pelvis_is_compared_by_leg_length():
    at = bench.performer(walk(0.5))
    leg = bench.leg(at)
    assert bench.pelvis_error({j: p * 2.0 + 5.0 for j, p in at.items()}, 2 * leg, at, leg) < 1e-9
    aside = np.zeros((len(at["head"]), 3))
    aside[-1, 0] = 0.01 * leg / 0.85
    moved = {joint: places + aside for joint, places in at.items()}
    assert bench.pelvis_error(moved, leg, at, leg) == pytest.approx(1.0)


def test_a_foot_slides_by_what_it_moves_while_it_stands():
    at = bench.performer(walk(0.5))
    frames = len(at["head"])
    for joint in ("left_ankle", "left_foot", "right_ankle", "right_foot"):
        at[joint] = np.tile(at[joint][:1], (frames, 1))
    at["left_ankle"] = at["left_ankle"] + np.arange(frames)[:, None] * [0.0, 0.01, 0.5]
    standing = np.zeros((frames, 2, 2), bool)
    assert bench.foot_slide(at, 0.85, standing, 30.0) == 0.0
    standing[2:9, 0, 0] = True
    assert bench.foot_slide(at, 0.85, standing, 30.0) == pytest.approx(30.0)
    standing[2:9, 1, 1] = True  # the other foot's ball stands as long, and still
    assert bench.foot_slide(at, 0.85, standing, 30.0) == pytest.approx(15.0)


def test_a_short_clip_is_repeated_to_the_length_asked_for():
    assert bench.lasting(walk(1.0, 30.0), 100).frames == 100
    assert bench.lasting(walk(2.0, 60.0), 40).frames == 40


def test_a_page_without_the_marks_is_left_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("nothing")
    with pytest.raises(bench.MotionaryError, match="there is no line"):
        bench.write_markdown(page, "table")
    assert page.read_text() == "nothing"


def test_it_runs_small_and_tells_a_row_for_each_rig(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{bench.BEGIN}\nold\n{bench.END}\nafter\n")
    line = [sys.executable, str(SCRIPT), "--rigs", "VRM", "Unreal", "--frames", "20", "--json"]
    line += ["--data", str(tmp_path), "--markdown", str(page)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert "mesh2motion's characters are skipped" in done.stderr
    answer = json.loads(done.stdout)
    assert [row["rig"] for row in answer["rows"]] == ["VRM", "Unreal"]
    assert "Blender" in answer["where"]
    for row in answer["rows"]:
        assert row["frames"] == 20
        assert row["mean_error"] <= row["max_error"] < 1.0
        assert row["usual_max_error_aligned"] < 1.0  # the comparison is fair: well prepared it is exact too
        assert row["pelvis"] < 0.1
        assert row["slide_after"] < 0.5
        assert row["seconds"] > 0
        assert row["times_as_quick"] == pytest.approx(row["usual_seconds"] / row["seconds"])
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert all(column in text for column in bench.COLUMNS)


def test_a_rig_that_there_is_not_is_told_in_one_line():
    line = [sys.executable, str(SCRIPT), "--rigs", "Centaur", "--frames", "20"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert "there is no rig 'Centaur'" in done.stderr.strip().splitlines()[-1]
    assert not done.stdout
