"""The pictures of docs/extension.md, taken anew of a real Blender's window.

    python scripts/picture_extension.py              # builds the extension, then writes docs/extension/*.png

It needs a Blender with a window, as `make test-ui` does (scripts/blender_window.py). Look at them before you
commit them: nothing here can tell whether they are good.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
for folder in (ROOT, ROOT / "backend"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from motionary.bundle import load_bundle  # noqa: E402
from motionary.formats.bvh import write_bvh  # noqa: E402
from motionary.index import add_clips  # noqa: E402
from motionary.library import open_library  # noqa: E402
from motionary.starter import starter_clips, starter_variants  # noqa: E402
from scripts.blender_window import Window, find_place, new_session, open_window  # noqa: E402
from scripts.build_extension import build  # noqa: E402

OUT = ROOT / "docs/extension"
SIZE = (1320, 1010)
MOST_BYTES = 150_000

# A Rigify human whose body of capsules hangs from the bones that deform.
HUMAN = """
import bpy, numpy as np
from bl_ext.user_default.motionary.mannequin import mannequin
from bl_ext.user_default.motionary.rig_choice import find_rig_map
from bl_ext.user_default.motionary.scenes import make_human
human = make_human()
human.name = "Dancer"
bones = [bone for bone in human.data.bones if bone.use_deform]
heads = np.array([bone.head_local for bone in bones])
ways = np.array([bone.tail_local - bone.head_local for bone in bones])
for name, (vertices, faces) in mannequin(human, find_rig_map(human)).items():
    mesh = bpy.data.meshes.new("Body " + name)
    mesh.from_pydata(vertices.tolist(), [], faces.tolist())
    mesh.shade_smooth()
    body = bpy.data.objects.new(mesh.name, mesh)
    bpy.context.scene.collection.objects.link(body)
    body.parent = human
    body.modifiers.new("Armature", "ARMATURE").object = human
    along = np.einsum("vbi,bi->vb", vertices[:, None] - heads, ways) / (ways**2).sum(axis=1)
    nearest = heads + np.clip(along, 0, 1)[..., None] * ways
    chosen = np.linalg.norm(vertices[:, None] - nearest, axis=2).argmin(axis=1)
    for number in np.unique(chosen):
        group = body.vertex_groups.new(name=bones[number].name)
        group.add(np.flatnonzero(chosen == number).tolist(), 1.0, "REPLACE")
bpy.context.view_layer.objects.active = human
human.select_set(True)
for text in list(bpy.data.texts):
    bpy.data.texts.remove(text)
bpy.context.scene.frame_end = 140
bpy.ops.wm.save_as_mainfile(filepath={file!r})
"""

VIEW = """
import importlib, mathutils
def module(name):
    return importlib.import_module("bl_ext.user_default.motionary." + name)
def session():
    return module("session").current()
def state():
    return module("properties").state()
def preferences():
    return module("preferences").preferences()
def view():
    return next(a for a in bpy.context.window_manager.windows[0].screen.areas if a.type == "VIEW_3D")
space = view().spaces.active
space.overlay.show_bones = False
space.overlay.show_outline_selected = False
space.overlay.show_cursor = False
space.overlay.show_extras = False
space.overlay.show_relationship_lines = False
space.region_3d.view_location = (0.45, 0.0, 0.85)
space.region_3d.view_distance = 6.0
space.region_3d.view_rotation = mathutils.Euler((1.38, 0.0, 0.2)).to_quaternion()
bpy.context.preferences.view.show_tooltips = False
bpy.context.preferences.view.filebrowser_display_type = "SCREEN"
"""

ASSETS = """
listed = bpy.context.preferences.filepaths.asset_libraries
while listed:
    listed.remove(listed[0])
import os
os.makedirs({folder!r}, exist_ok=True)
listed.new(name="Motions", directory={folder!r})
"""

DIALOG = """
with bpy.context.temp_override(window=bpy.context.window_manager.windows[0], area=view()):
    bpy.ops.motionary.{call}
"""

BROWSER = """
areas = bpy.context.window_manager.windows[0].screen.areas
area = next(a for a in areas if a.type in ("VIEW_3D", "FILE_BROWSER"))
area.ui_type = "ASSETS"
params = area.spaces.active.params
answer = params is not None
if answer:
    params.asset_library_reference = "Motions"
    params.display_size = 96
"""

PREFERENCES = """
areas = bpy.context.window_manager.windows[0].screen.areas
area = next(a for a in areas if a.type in ("VIEW_3D", "FILE_BROWSER"))
area.ui_type = "PREFERENCES"
bpy.context.preferences.active_section = "ADDONS"
bpy.context.window_manager.addon_search = "Motionary"
bpy.ops.preferences.addon_expand(module="bl_ext.user_default.motionary")
"""

Box = tuple[int, int, int, int]


def save(window: Window, name: str, box: Box | None = None) -> None:
    """Write a picture of the window, or of left, top, width and height of it, in few colors."""
    path = OUT / f"{name}.png"
    window.settle()
    with Image.open(window.picture(path)) as image:
        whole = image.convert("RGB")
    if box is not None:
        left, top, width, height = box
        whole = whole.crop((left, top, left + width, top + height))
    for colors in (256, 128, 64, 32):
        whole.quantize(colors, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size <= MOST_BYTES:
            break
    print(f"{path.relative_to(ROOT)}: {whole.width} x {whole.height}, {path.stat().st_size / 1000:.0f} kB")


def area_box(window: Window) -> Box:
    """The whole of the 3D Viewport, with headers and sidebar."""
    left, top, width, height = window.place_of("VIEW_3D", "WINDOW")
    header = window.place_of("VIEW_3D", "HEADER")
    return left, header[1], width, top + height - header[1]


def sidebar_box(window: Window, height: int) -> Box:
    """The upper part of the sidebar."""
    left, top, width, _height = window.place_of("VIEW_3D", "UI")
    return left, top, width, height


def over_viewport(window: Window) -> tuple[float, float]:
    """Move the mouse to where there is nothing but the scene."""
    left, top, width, height = window.place_of("VIEW_3D", "WINDOW")
    x, y = left + 0.42 * width, top + 0.3 * height
    window.move(x, y)
    window.settle()
    return x, y


def search(window: Window, query: str) -> None:
    """Type and confirm a query, and wait for all that is drawn of what is found."""
    window.press_button("motionary.query", columns=(0.45,))
    window.press("ctrl+a")
    window.type(query)
    window.press("Return")
    window.wait_for(f"session().question is not None and session().question.query == {query!r}")
    window.wait_for("session().looked is not None and session().looked.images")
    window.wait_for("all(session().strip(hit) for hit in session().hits)")
    over_viewport(window)


def picture_search(window: Window) -> None:
    """A query, its results, the ghost beside the character."""
    search(window, "a person limps, then sits down")
    window.wait_for("(time := __import__('time')).monotonic() - session().looked_at > 4")
    save(window, "search", area_box(window))


def picture_filters(window: Window) -> None:
    """The filters."""
    window.ask("state().use_filters = True")
    window.wait_for("not session().searching")
    save(window, "filters", sidebar_box(window, 420))
    window.ask("state().use_filters = False")
    window.wait_for("not session().searching")


def picture_pie(window: Window) -> None:
    """The pie menu around the mouse."""
    x, y = over_viewport(window)
    window.press("shift+alt+m")
    time.sleep(2)
    save(window, "pie", (round(x) - 260, round(y) - 150, 520, 300))
    window.press("Escape")


def picture_apply(window: Window) -> None:
    """The clip on the character, and the options of applying it."""
    search(window, "a fighter kicks somebody")
    window.press_button("motionary.apply(", columns=(0.45,))
    window.wait_for("len(bpy.data.actions) == 1")
    window.ask("bpy.context.scene.frame_set(28)")
    left, top, _width, height = window.place_of("VIEW_3D", "HUD")
    window.click(left + 20, top + height / 2)
    window.wait_for("place_of('VIEW_3D', 'HUD')[3] > 200")
    over_viewport(window)
    save(window, "apply", area_box(window))
    left, top, _width, _height = window.place_of("VIEW_3D", "HUD")
    window.click(left + 20, top + 12)


def picture_captions(window: Window) -> None:
    """What the Action shows, in words, to look through."""
    over_viewport(window)
    window.ask(DIALOG.format(call="caption('INVOKE_DEFAULT', which='ACTIVE')"))
    time.sleep(8)
    save(window, "captions", area_box(window))
    window.press("Escape")


def picture_libraries(window: Window, takes: Path) -> None:
    """A library of one's own while it is indexed, and the status bar meanwhile."""
    window.ask("state().query = ''\nsession().ask()")
    window.open_panel("motionary.library_choose")
    library = window.session.place.inside(window.session.folder / "Motionary" / "Takes.motionary")
    window.ask(f"bpy.ops.motionary.library_new(filepath={library!r})")
    window.ask(f"bpy.ops.motionary.library_add_folder(directory={window.session.place.inside(takes)!r})")
    window.wait_for("session().job.state.done > 20")
    save(window, "libraries", sidebar_box(window, 440))
    width, height = window.size
    save(window, "status", (width // 2, height - 24, width // 2, 24))
    window.wait_for("session().job.state.is_finished", patience=300)
    window.ask("bpy.ops.motionary.library_choose(filepath='')")


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a server of two libraries on this machine."""
    paths = [folder / f"{name}.motionary" for name in ("Locomotion", "Studio 2026")]
    clips = starter_clips()
    for path, made in zip(paths, (clips[:12], clips), strict=True):
        with open_library(path, write=True) as library:
            add_clips(made, library, load_bundle(), source="starter")
    command = [sys.executable, "-m", "motionary", "serve", *map(str, paths), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().partition(" at ")[2].partition(";")[0]
        finally:
            server.terminate()


def picture_served(window: Window) -> None:
    """What a server has, in the panel Libraries, which is open, and one of its libraries added."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as address:
        window.ask("state().query = ''\nsession().ask()")
        window.ask(f"bpy.ops.motionary.served_find(address={address!r})")
        window.wait_for("session().offered is not None")
        window.ask("bpy.ops.motionary.served_add(library='Studio 2026')")
        window.wait_for("session().summary is not None")
        over_viewport(window)
        save(window, "served", sidebar_box(window, 312))
        window.ask("bpy.ops.motionary.served_close()\nbpy.ops.motionary.library_forget()")


def picture_assets(window: Window) -> None:
    """Results as assets, in Blender's own browser."""
    folder = window.session.folder / "assets"
    window.ask(ASSETS.format(folder=window.session.place.inside(folder)))
    search(window, "a person dances")
    over_viewport(window)
    window.ask(DIALOG.format(call="mark_assets_dialog('INVOKE_DEFAULT', what='RESULTS', into='ASSETS')"))
    time.sleep(1)
    save(window, "mark-assets", area_box(window))
    window.press("Return")
    window.wait_for("[o.bl_idname for o in bpy.context.window_manager.windows[0].modal_operators] == []")
    window.wait_for(BROWSER)
    time.sleep(4)
    save(window, "assets", (0, 28, window.place_of("FILE_BROWSER", "WINDOW")[2] + 220, 420))


def picture_preferences(window: Window) -> None:
    """The extension's page in the preferences, without where it is installed."""
    window.ask(PREFERENCES)
    time.sleep(1)
    left, top, width, _height = window.place_of("PREFERENCES", "WINDOW")
    save(window, "preferences", (left, top + 228, width, 445))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--zip", type=Path, help="the extension's zip; built from the tree without")
    given: Path | None = parser.parse_args().zip
    place = find_place()
    if isinstance(place, str):
        raise SystemExit(f"picture_extension: {place}")
    with tempfile.TemporaryDirectory() as folder, new_session(place, "animator") as session:
        session.install(given or build(Path(folder)))
        file = place.inside(session.folder / "dancer.blend")
        session.run("--background", "--python-exit-code", "1", "--python-expr", HUMAN.format(file=file))
        takes = session.folder / "Takes"
        takes.mkdir()
        for number, clip in enumerate(starter_variants(1234, 1)):
            write_bvh(clip.motion, takes / f"{number:03}_{clip.name}.bvh")
        with open_window(session, file, size=SIZE) as window:
            window.ask(VIEW)
            window.open_tab("Motionary")
            picture_search(window)
            picture_filters(window)
            picture_pie(window)
            picture_apply(window)
            picture_captions(window)
            picture_libraries(window, takes)
            picture_served(window)
            picture_assets(window)
            picture_preferences(window)
            for line in window.complaints():
                print(line, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
