"""The extension's zip, and a user who has it in a real Blender with a window. Run by `make test-ui`.

Not part of `make test`: it takes minutes, and a Blender with a window (see scripts/blender_window.py).
Tests of a module share one window, as a person does, and each begins with what it needs.
"""

import os
import shutil
from pathlib import Path

import pytest

from scripts.blender_window import find_place, new_session, open_window
from tests.ui.extension import HUMAN, begin, prepare

ROOT = Path(__file__).parents[2]
SIZE = (1200, 820)


@pytest.fixture(scope="session")
def place():
    """Where a Blender with a window is."""
    found = find_place()
    if isinstance(found, str):
        pytest.skip(found)
    return found


@pytest.fixture(scope="session")
def archive(place, tmp_path_factory):
    """The extension's zip, built anew, or the one that MOTIONARY_UI_ZIP names."""
    if named := os.environ.get("MOTIONARY_UI_ZIP"):
        return Path(named)
    from scripts.build_extension import build

    return build(tmp_path_factory.mktemp("extension"))


@pytest.fixture(scope="session")
def human_file(place, archive, tmp_path_factory):
    """A .blend with a generated Rigify human, made by the installed extension without a window."""
    path = tmp_path_factory.mktemp("human") / "human.blend"
    with new_session(place) as session:
        session.install(archive)
        made = session.folder / path.name
        session.run(
            "--background", "--python-exit-code", "1", "--python-expr", HUMAN.format(place.inside(made))
        )
        shutil.copy(made, path)
    return path


@pytest.fixture(scope="module")
def user(place, archive, human_file):
    """A user who has just installed the extension, and has a human in a file."""
    with new_session(place) as session:
        session.install(archive)
        shutil.copy(human_file, session.folder)
        yield session


@pytest.fixture(scope="module")
def opened(user, human_file):
    """Blender with the human's file, whose script (Rigify's own) is trusted."""
    file = user.place.inside(user.folder / human_file.name)
    with open_window(user, "--enable-autoexec", file, size=SIZE) as window:
        prepare(window)
        yield window


@pytest.fixture
def window(opened, human_file):
    """That Blender, its file as it was, the tab open and nothing asked; the test must print no error."""
    begin(opened, human_file.name)
    yield opened
    assert opened.complaints() == []
