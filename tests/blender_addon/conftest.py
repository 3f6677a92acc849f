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


@pytest.fixture
def empty():
    """A new file with nothing in it."""
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)


@pytest.fixture
def extension():
    """The extension's settings: it is enabled from its source tree in the file that is open, and disabled
    afterwards. Ask for ``empty`` or ``human`` before it, for opening those forgets what is enabled."""
    import bpy

    import blender_addon
    from blender_addon.preferences import preferences

    addon = bpy.context.preferences.addons.new()
    addon.module = "blender_addon"
    blender_addon.register()
    try:
        yield preferences()
    finally:
        blender_addon.unregister()
        bpy.context.preferences.addons.remove(addon)


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
