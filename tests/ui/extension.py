"""What the tests of the window ask of the extension, and the few things that each of them does first."""

import time
from pathlib import Path

import numpy as np
from PIL import Image

from scripts.blender_window import PATIENCE

ROOT = Path(__file__).parents[2]

HUMAN = """
import bpy
from bl_ext.user_default.motionary.scenes import make_human
make_human()
bpy.ops.wm.save_as_mainfile(filepath="{}")
"""

NAMES = """
import importlib
def module(name):
    return importlib.import_module(f"bl_ext.user_default.motionary.{name}")
def session():
    return module("session").current()
def state():
    return module("properties").state()
def preferences():
    return module("preferences").preferences()
def ghost():
    return module("ui.ghost")
def found():
    return [hit.name for hit in session().hits]
def view():
    return next(a for a in bpy.context.window_manager.windows[0].screen.areas if a.type == "VIEW_3D")
"""

# Drawn by a processor, a 3D Viewport takes a tenth of a second; with less in it, half of that.
QUICK = """
bpy.context.preferences.system.viewport_aa = "OFF"
bpy.context.preferences.system.use_overlay_smooth_wire = False
preferences().results = 4
"""

BEGIN = """
preferences().ghost_time = "TIMELINE"
preferences().animate_panel = False
state().show_ghost = True
state().use_filters = False
state().query = ""
session().ask()
with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
    bpy.ops.wm.open_mainfile(filepath={file!r}, load_ui=False)
overlay = view().spaces.active.overlay
overlay.show_floor = overlay.show_axis_x = overlay.show_axis_y = False
"""

SNAPSHOT = (ROOT / "tests/blender_addon/snapshot.py").read_text(encoding="utf-8")


def prepare(window):
    """Give the window's Blender names for parts of the extension, and a picture that is quickly drawn."""
    window.ask(NAMES)
    window.ask(SNAPSHOT)
    window.ask(QUICK)


def begin(window, file):
    """The file as it was, nothing typed or found, previews standing still, the extension's tab open."""
    window.press("Escape")
    window.ask(BEGIN.format(file=window.session.place.inside(window.session.folder / file)))
    window.wait_for("bpy.context.window_manager.windows[0].screen is not None and len(bpy.data.objects) > 0")
    window.open_tab("Motionary")


def search(window, query):
    """Click the query, type it and confirm it; the names of what is found."""
    window.press_button("motionary.query", columns=(0.45,))
    window.press("ctrl+a")
    window.type(query)
    window.press("Return")
    window.wait_for(f"session().question is not None and session().question.query == {query!r}")
    window.wait_for("session().looked is not None or session().failure")
    return window.ask("found()")


def watch(window):
    """Have the ghost and the panel's picture play."""
    window.ask("preferences().ghost_time = 'FREE'\npreferences().animate_panel = True")


def rest(window):
    """Have both stand still, which leaves a processor that draws time for all else."""
    window.ask("preferences().ghost_time = 'TIMELINE'\npreferences().animate_panel = False")


def over_viewport(window):
    """Move the mouse to a place in the 3D Viewport where there is nothing else, and say where that is."""
    left, top, width, height = window.place_of("VIEW_3D", "WINDOW")
    x, y = left + 0.4 * width, top + 0.55 * height
    window.move(x, y)
    window.settle()
    return x, y


def picture(window, path):
    """A picture of the whole window: (height, width, 3) uint8."""
    with Image.open(window.picture(path)) as image:
        return np.asarray(image.convert("RGB"))


def viewport(window, path):
    """A picture of the 3D Viewport beside the sidebar: (height, width, 3) uint8."""
    left, top, _width, height = window.place_of("VIEW_3D", "WINDOW")
    right = window.place_of("VIEW_3D", "UI")[0]
    # Without the tools at the left, and the text and the gizmo at the top.
    return picture(window, path)[top + 160 : top + height, left + 60 : right]


def changed(before, after):
    """How many pixels of two pictures differ visibly."""
    return int((np.abs(before.astype(int) - after.astype(int)).max(axis=-1) > 24).sum())


def appears(window, path, before, pixels):
    """Wait until so many pixels of the window differ from a picture ``before``: what opens, opens slowly."""
    until = time.monotonic() + PATIENCE
    while changed(before, picture(window, path)) < pixels:
        assert time.monotonic() < until, f"nothing opened that covers {pixels} pixels; see {path}"
        time.sleep(0.1)
