"""Marking a library as assets in a real window: asked first, stopped by Esc, and seen in the browser."""

import time

import numpy as np
import pytest
from PIL import Image

from scripts.blender_window import PATIENCE
from tests.ui.extension import changed, search, viewport

LIBRARY = """
listed = bpy.context.preferences.filepaths.asset_libraries
while listed:
    listed.remove(listed[0])
import os
os.makedirs({folder!r}, exist_ok=True)
listed.new(name="Motions", directory={folder!r})
"""

DIALOG = """
with bpy.context.temp_override(window=bpy.context.window_manager.windows[0], area=view()):
    bpy.ops.motionary.mark_assets_dialog("INVOKE_DEFAULT", what={what!r}, into={into!r})
"""

BROWSER = """
view().ui_type = "ASSETS"
"""

VIEWPORT = """
browser().ui_type = "VIEW_3D"
"""

SHOWN = """
def browser():
    return next(a for a in bpy.context.window_manager.windows[0].screen.areas if a.ui_type == "ASSETS")
params = browser().spaces.active.params
answer = params is not None
if params is not None:
    params.asset_library_reference = "Motions"
    params.display_size = 96
"""

MODALS = "[o.bl_idname for o in bpy.context.window_manager.windows[0].modal_operators]"


@pytest.fixture
def assets(window):
    """The only asset library, as Blender names its folder."""
    folder = window.session.folder / "assets"
    window.ask(LIBRARY.format(folder=window.session.place.inside(folder)))
    window.ask("before = snapshot()")
    return folder


def ask_for(window, what, into, path):
    """Have the dialog opened, and take a picture of it."""
    before = viewport(window, path.with_stem(f"{path.stem}-before"))
    window.ask(DIALOG.format(what=what, into=into))
    left, top, _width, _height = window.place_of("VIEW_3D", "WINDOW")
    window.move(left + 120, top + 200)
    window.settle()
    assert changed(before, viewport(window, path)) > 1000


def test_esc_stops_it_and_nothing_is_left(window, assets, tmp_path):
    ask_for(window, "LIBRARY", "FILE", tmp_path / "dialog.png")
    window.press("Return")
    window.wait_for("len(bpy.data.actions) > 1")
    assert "MOTIONARY_OT_mark_assets" in window.ask(MODALS)
    window.picture(tmp_path / "progress.png")
    window.press("Escape")
    window.wait_for("len(bpy.data.actions) == 0")
    assert "MOTIONARY_OT_mark_assets" not in window.ask(MODALS)
    assert window.ask("changes(before, snapshot())") == []


def test_results_are_seen_in_the_asset_browser_and_the_file_stays(window, assets, tmp_path):
    search(window, "a person walks")
    ask_for(window, "RESULTS", "ASSETS", tmp_path / "dialog.png")
    window.press("Return")
    window.wait_for(f"{MODALS} == []")
    assert window.ask("changes(before, snapshot())") == []
    assert {path.name for path in assets.iterdir()} == {"starter rig.blend", "blender_assets.cats.txt"}
    window.ask(BROWSER)
    try:
        window.wait_for(SHOWN)
        left, top, width, height = window.place_of("FILE_BROWSER", "WINDOW")

        def figures():
            with Image.open(window.picture(tmp_path / "browser.png")) as image:
                area = np.asarray(image.convert("RGB"), int)[top : top + height, left : left + width]
            warm = area[..., 0] - area[..., 2]
            return min((warm > 100).sum(), (warm < -100).sum())

        # Blender reads the pictures of assets in a thread of its own.
        until = time.monotonic() + PATIENCE
        while figures() < 200:
            assert time.monotonic() < until
            window.settle()
    finally:
        window.ask(VIEWPORT)
