"""A Rigify human, made once a session, and an end of the session that no Blender hangs in."""

import os
import sys

import pytest

STATUS = pytest.StashKey[int]()


@pytest.fixture(scope="session")
def human_file(tmp_path_factory):
    """A .blend with a generated Rigify human."""
    from blender_addon.scenes import make_human, save_scene

    path = tmp_path_factory.mktemp("human") / "human.blend"
    make_human()
    save_scene(path)
    return path


@pytest.fixture
def human(human_file):
    """The Rigify human's armature object, in a freshly opened file."""
    from blender_addon.armature import find_armature
    from blender_addon.scenes import open_scene

    open_scene(human_file)
    return find_armature()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    session.config.stash[STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    """Blender 4.5's module waits for ever in its static destructors once Rigify was enabled."""
    if "bpy" in sys.modules and STATUS in config.stash:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[STATUS])
