"""An animator's own library in a real window: made, filled, stopped, taken up again, searched, forgotten."""

import pytest

from motionary.formats.bvh import write_bvh
from motionary.starter import starter_variants
from tests.ui.extension import changed, over_viewport, picture, search

FILES = 160
"""Enough that indexing can be stopped before it is through."""

BROWSER = """next((area.spaces.active for area in bpy.context.window_manager.windows[0].screen.areas
if area.type == "FILE_BROWSER"), None)"""
JOB = "session().job.state"


@pytest.fixture(scope="module")
def takes(user):
    """A folder of BVH files, and one file that is none."""
    folder = user.folder / "takes"
    folder.mkdir()
    for number, clip in enumerate(starter_variants(1234, 1)[: FILES - 1]):
        write_bvh(clip.motion, folder / f"{number:03}_{clip.name}.bvh")
    (folder / "broken.bvh").write_text("HIERARCHY\nROOT", encoding="utf-8")
    return folder


def choose_in_browser(window, folder=None):
    """Confirm the file browser that fills the window, in ``folder`` where that is given."""
    window.wait_for(f"({BROWSER}) is not None and ({BROWSER}).params is not None")
    if folder is not None:
        inside = window.session.place.inside(folder)
        window.ask(f"({BROWSER}).params.directory = {inside.encode()!r}")
    window.move(600, 400)
    window.settle()
    window.press("Return")
    window.wait_for(f"({BROWSER}) is None")


def status_bar(window, path):
    """A picture of the lowest row of the window, where Blender tells what is going on."""
    return picture(window, path)[-22:, 100:]


def test_a_library_is_made_filled_stopped_taken_up_and_searched(window, takes, tmp_path):
    window.ask("bpy.context.preferences.view.filebrowser_display_type = 'SCREEN'")
    window.ask("before = snapshot()")
    window.open_panel("motionary.library_choose")
    window.press_button("motionary.library_new", columns=(0.3,))
    choose_in_browser(window)
    library = window.session.folder / "Motionary" / "Motions.motionary"
    window.wait_for(f"str(session().library) == {window.session.place.inside(library)!r}")
    assert library.is_file()

    quiet = status_bar(window, tmp_path / "quiet.png")
    window.press_button("motionary.library_add_folder", columns=(0.3,))
    choose_in_browser(window, takes)
    window.wait_for(f"session().job is not None and {JOB}.done > 5")
    assert changed(quiet, status_bar(window, tmp_path / "indexing.png")) > 300
    # Blender is free meanwhile.
    over_viewport(window)
    window.press("n")
    window.wait_for("place_of('VIEW_3D', 'UI') is None")
    window.press("n")
    window.wait_for("place_of('VIEW_3D', 'UI') is not None")
    window.press_button("motionary.index_cancel", columns=(0.84,))
    window.wait_for(f"{JOB}.is_finished")
    assert window.ask(f"{JOB}.report.cancelled")
    kept = window.ask(f"{JOB}.report.indexed")
    assert 5 < kept < FILES - 1
    window.wait_for(f"session().summary is not None and session().summary.clips >= {kept}")
    assert changed(quiet, status_bar(window, tmp_path / "stopped.png")) < 100

    window.press_button("motionary.index(", columns=(0.3,))
    window.wait_for(f"not {JOB}.is_finished or {JOB}.report.unchanged == {kept}")
    window.wait_for(f"{JOB}.is_finished", patience=240)
    assert not window.ask(f"{JOB}.report.cancelled")
    assert window.ask(f"{JOB}.report.unchanged, {JOB}.report.indexed") == [kept, FILES - 1 - kept]
    (failure,) = window.ask(f"list({JOB}.report.failures)")
    assert "broken.bvh" in failure
    window.picture(tmp_path / "report.png")
    window.wait_for(f"session().summary.clips == {FILES - 1}")
    assert any("walk" in name for name in search(window, "a person walks"))
    assert window.ask("changes(before, snapshot())") == []


def test_another_library_is_chosen_from_the_menu_and_a_library_is_forgotten(window, takes):
    library = window.session.folder / "Motionary" / "Motions.motionary"
    assert window.ask("str(session().library)") == window.session.place.inside(library)
    window.press_button('motionary.library_choose(filepath="")', columns=(0.3,))
    window.wait_for("session().library.name == 'starter.motionary'")
    window.press_button("motionary.library_forget", columns=(0.84,))
    window.wait_for("len(preferences().libraries) == 0")
    assert library.is_file()
