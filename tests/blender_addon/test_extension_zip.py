"""The extension as users get it: the zip, installed into a clean user folder by Blender's own installer.

It lives in a process of its own (extension_life.py), where what is called motionary comes from the zip.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")

from scripts import build_extension  # noqa: E402

LIFE = Path(__file__).with_name("extension_life.py")
SITE_PACKAGES = Path(importlib.util.find_spec("bpy").origin).parents[1]


@pytest.fixture(scope="module")
def life(tmp_path_factory):
    """What the process tells of the extension, from install to uninstall; its messages under "messages"."""
    archive = build_extension.build(tmp_path_factory.mktemp("build"))
    user, work = tmp_path_factory.mktemp("user"), tmp_path_factory.mktemp("work")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, "-S", "-P", "-W", "always::ResourceWarning", LIFE, archive, SITE_PACKAGES, work],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=work,
        env=environment | {"BLENDER_USER_RESOURCES": str(user), "HOME": str(user)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads((work / "told.json").read_text())
    return told | {"user": str(user), "messages": done.stdout + done.stderr}


def test_what_runs_is_what_was_in_the_zip(life):
    assert life["addon"].startswith(life["user"])
    assert life["core"].startswith(f"{life['user']}/extensions/.local/")
    assert life["bundle"].startswith(life["user"])
    assert life["library"].startswith(life["user"])


def test_the_first_search_works_at_once(life):
    assert "wave" in life["hits"][0]  # "jump_then_wave" is right, too
    assert len(life["hits"]) > 5


def test_every_operator_has_a_label_and_a_tooltip(life):
    assert list(life["described"]) == life["enabled"]["operators"]
    for name, (label, tooltip) in life["described"].items():
        assert label, name
        assert len(tooltip) > 10, name
        assert not tooltip.endswith("."), name


def test_every_operator_is_driven_and_does_its_work(life):
    answers = {name: said for name, said in life["driven"].items() if name in life["described"]}
    assert sorted(answers) == life["enabled"]["operators"]  # extension_life.py drives each
    (idle,) = answers.pop("index_cancel")
    assert "Nothing is being indexed" in idle
    assert {name: said for name, said in answers.items() if any(said)} == {}


def test_operators_leave_what_they_say(life):
    told = life["driven"]
    action, chosen = told["keyed"]
    assert action == chosen
    assert told["assets"] == [1 + len(life["hits"]), 1]
    assert any(word in told["captioned"] for word in ("walk", "stride", "stroll"))  # of a walk
    assert len(told["mine"]) == 4
    assert "stored" in told["mine"]
    assert len(told["upgraded"]) == 3
    assert "stored" in told["upgraded"]
    assert told["served"] == told["upgraded"]
    assert len(told["opened"]) == 1


def test_the_command_line_has_the_model_and_reads_blender_files(life):
    (searched, hits), (indexed, said), (informed, info) = life["commands"]
    assert (searched, indexed, informed) == (0, 0, 0)
    assert json.loads(hits)["results"][0]["name"] == life["hits"][0]
    assert said.startswith("indexed 1")
    assert json.loads(info)["clips"] > 0


def test_disabling_leaves_nothing_and_enabling_again_brings_all_back(life):
    assert life["enabled"]["classes"]
    assert life["enabled"]["handlers"]
    assert life["enabled"]["drawing"]
    assert life["enabled"]["properties"] == ["motionary", "motionary_rig"]
    for name in ("disabled", "disabled again"):
        assert life[name] == life["before"]
        assert life[f"enabled after {name}"] == life["enabled"]


def test_an_update_within_a_session_brings_its_own_core(life):
    assert life["updated"] == life["enabled"]
    assert life["core is new"]
    assert life["core is used"]
    assert life["hits after"] == life["hits"]


def test_uninstalling_leaves_nothing(life):
    assert len(life["files"]) == 3  # the extension, the core, and what pip would know of it
    assert life["uninstalled"] == life["before"]
    assert life["left"] == []


def test_nothing_was_complained_of(life):
    for word in ("Traceback", "ResourceWarning", "Error:", "Warning:"):
        assert word not in life["messages"], life["messages"]
