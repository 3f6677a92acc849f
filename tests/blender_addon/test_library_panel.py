"""What the Libraries panel draws: what the session holds, without a look at any file."""

import builtins
import os
import pathlib
import sqlite3
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")

from blender_addon import libraries as lists  # noqa: E402
from blender_addon.engine import Surveyed  # noqa: E402
from blender_addon.jobs import JobState  # noqa: E402
from blender_addon.session import current  # noqa: E402
from blender_addon.ui import library_panel, status  # noqa: E402
from motionary.index import IndexReport  # noqa: E402
from motionary.library import Summary  # noqa: E402


class Layout:
    """A layout that notes what is drawn; operators and menus have to be there, and properties with them."""

    def __init__(self, texts, operators):
        self.texts, self.operators = texts, operators

    def _nested(self, *_, **__):
        return Layout(self.texts, self.operators)

    row = column = box = split = _nested

    def separator(self):
        pass

    def label(self, *, text="", icon="NONE", translate=True):
        assert icon == "NONE" or icon in ICONS, icon
        self.texts.append(text)

    def progress(self, *, factor, text):
        assert 0 <= factor <= 1
        self.texts.append(text)

    def menu(self, name, *, text=None, icon="NONE"):
        assert hasattr(bpy.types, name)

    def operator(self, idname, *, text=None, icon="NONE", depress=False, translate=True):
        assert icon == "NONE" or icon in ICONS, icon
        known = getattr(bpy.ops.motionary, idname.partition(".")[2]).get_rna_type().properties
        properties = SimpleNamespace()
        self.operators.append((idname, text, properties, known))
        return properties


ICONS = bpy.types.UILayout.bl_rna.functions["prop"].parameters["icon"].enum_items.keys()
SUMMARY = Summary(1234, 3600.0, 300, 2, 2000, 0, {})


@pytest.fixture(autouse=True)
def session():
    """The extension, enabled, with two libraries of which the first is searched."""
    bpy.ops.preferences.addon_enable(module="blender_addon")
    for name in ("walks", "runs"):
        lists.add_library(Path(f"/motions/{name}.motionary"))
    lists.choose_library(Path("/motions/walks.motionary"))
    lists.add_sources(lists.chosen_item(), [Path("/captures/studio"), Path("/captures/one.bvh")])
    held = current()
    held.surveys.clear()
    yield held
    held.job = None
    bpy.ops.preferences.addon_disable(module="blender_addon")


@pytest.fixture
def draw(monkeypatch):
    """Draw a panel or menu: the texts, and the operators with the properties that were set."""

    def fails(*_, **__):
        pytest.fail("draw() looks at a file")

    def drawn(kind=library_panel.MOTIONARY_PT_libraries, name="draw"):
        layout = Layout([], [])
        scale = SimpleNamespace(system=SimpleNamespace(ui_scale=1.0))
        context = SimpleNamespace(preferences=scale, region=SimpleNamespace(width=320))
        with monkeypatch.context() as closed:
            for owner, function in (
                (builtins, "open"),
                (os, "stat"),
                (os, "scandir"),
                (os, "access"),
                (pathlib.Path, "stat"),
                (pathlib.Path, "exists"),
                (sqlite3, "connect"),
            ):
                closed.setattr(
                    owner, function, lambda *_, _of=function, **__: pytest.fail(f"{_of} in draw()")
                )
            getattr(kind, name)(SimpleNamespace(layout=layout), context)
        for idname, _, properties, known in layout.operators:
            assert vars(properties).keys() <= set(known.keys()), idname
        return layout.texts, layout.operators

    lists.starter_library()
    return drawn


def buttons(operators):
    return [idname for idname, *_ in operators]


def job(**state):
    return SimpleNamespace(state=JobState(Path("/motions/walks.motionary"), **state), close=lambda: None)


def test_each_library_has_its_line_with_what_is_in_it(draw, session):
    session.surveys[Path("/motions/walks.motionary")] = Surveyed(Path("/motions/walks.motionary"), SUMMARY)
    texts, operators = draw()
    chosen = [
        (text, properties.filepath) for idname, text, properties, _ in operators if idname.endswith("_choose")
    ]
    assert chosen == [
        ("walks (1,234)", "/motions/walks.motionary"),
        ("runs", "/motions/runs.motionary"),
    ]
    assert "1,234 clips of 300 files, 60.0 minutes" in texts
    assert {"/captures/studio", "/captures/one.bvh"} <= set(texts)
    for name in ("new", "open", "forget", "add_folder", "add_files", "remove_source"):
        assert f"motionary.library_{name}" in buttons(operators)
    assert {"motionary.index", "motionary.store_action"} <= set(buttons(operators))


def test_a_library_that_cannot_be_opened_says_why(draw, session):
    path = Path("/motions/walks.motionary")
    session.surveys[path] = Surveyed(path, failure=f"{path}: library of version 9, not 1; update Motionary")
    texts, _ = draw()
    assert "update Motionary" in " ".join(texts)


def test_a_library_of_an_earlier_version_gets_the_button_that_cures_it(draw, session):
    path = Path("/motions/walks.motionary")
    said = f"{path}: library of version 1, not 2; it is of an earlier one, which 'motionary upgrade {path}' …"
    session.surveys[path] = Surveyed(path, failure=said)
    assert "motionary.library_upgrade" in buttons(draw()[1])
    session.surveys[path] = Surveyed(path, SUMMARY)
    assert "motionary.library_upgrade" not in buttons(draw()[1])


def test_without_a_library_it_says_what_to_do(draw, session):
    for path in list(lists.listed_libraries()):
        lists.forget_library(path)
    session.reload()
    texts, operators = draw()
    assert "Make a library, and add the folders of your motions" in " ".join(texts)
    assert buttons(operators) == [
        "motionary.library_new",
        "motionary.library_open",
        "motionary.served_find",
    ]


def test_the_starter_library_is_there_to_be_searched_and_not_to_be_changed(draw, session, monkeypatch):
    starter = Path("/extension/starter.motionary")
    monkeypatch.setattr(library_panel, "starter_library", lambda: starter)
    for path in list(lists.listed_libraries()):
        lists.forget_library(path)
    session.library = starter
    session.surveys[starter] = Surveyed(starter, SUMMARY)
    _, operators = draw()
    assert [(text, properties.filepath) for _, text, properties, _ in operators[:1]] == [
        ("Starter Library (1,234)", "")
    ]
    assert "motionary.library_forget" not in buttons(operators)


def test_a_job_shows_how_far_it_is_and_a_button_to_stop_it(draw, session):
    session.job = job(step="Indexing", done=12, total=300, name="/captures/studio/take 12.bvh")
    texts, operators = draw()
    assert {"Indexing 12 of 300", "take 12.bvh"} <= set(texts)
    assert "motionary.index_cancel" in buttons(operators)
    assert "motionary.report_copy" not in buttons(operators)


def test_failures_are_shown_but_not_all_of_them(draw, session):
    failures = tuple(f"/captures/{number}.bvh: broken" for number in range(12))
    report = IndexReport(indexed=3, clips=3, failures=failures, notes=("a note",))
    session.job = job(done=15, total=15, failures=failures, notes=report.notes, report=report)
    texts, operators = draw()
    assert "Indexed 3, 12 failed" in texts
    assert sum("broken" in text for text in texts) == library_panel.SHOWN
    assert {"and 7 more", "1 note on what is no clip"} <= set(texts)
    assert "motionary.report_copy" in buttons(operators)


def test_another_models_library_gets_the_button_that_cures_it(draw, session):
    session.job = job(error="/motions/walks.motionary: embedded by model a (1), not by b (2); name that one")
    _, operators = draw()
    (cure,) = [properties.what for idname, text, properties, _ in operators if text == "Embed Again"]
    assert cure == "EMBED"


@pytest.mark.parametrize("menu", [library_panel.MOTIONARY_MT_libraries, library_panel.MOTIONARY_MT_index])
def test_menus_draw_what_is_there(draw, menu):
    _, operators = draw(menu)
    assert len(operators) >= 3


def test_the_status_bar_shows_a_job_while_it_is_at_work(session, monkeypatch):
    def drawn():
        layout = Layout([], [])
        status.draw_status(
            SimpleNamespace(layout=layout), SimpleNamespace(window=None, area=None, region=None)
        )
        return layout.texts

    assert drawn() == []
    session.job = job(step="Indexing", done=1, total=4)
    assert drawn() == ["Motionary: walks", "Indexing 1 of 4"]
    session.job.state = replace(session.job.state, report=IndexReport())
    assert drawn() == []


def test_a_status_bar_that_is_gone_is_forgotten(monkeypatch):
    class Region:
        tagged = 0

        def tag_redraw(self):
            self.tagged += 1

    here, gone = Region(), Region()
    monkeypatch.setattr(status, "_is_there", lambda place: place[-1] is here)
    monkeypatch.setattr(status, "_drawn", [(1, 2, here), (3, 4, gone)])
    status.redraw()
    assert (here.tagged, gone.tagged, status._drawn) == (1, 0, [(1, 2, here)])
