"""The extension from its source tree: enabled twice, searched, stepped through, applied, undone."""

import builtins
import shutil
import sqlite3
import time
from dataclasses import fields, replace
from pathlib import Path

import bpy
import numpy as np
import pytest

import blender_addon
from blender_addon import registration
from blender_addon.engine import (
    Answer,
    Engine,
    Held,
    Look,
    Looked,
    Pictures,
    Question,
    Survey,
    answer,
    motion_of,
)
from blender_addon.operators.apply import MOTIONARY_OT_apply
from blender_addon.options import ApplyOptions
from blender_addon.properties import state
from blender_addon.session import current
from blender_addon.ui import panel as panels
from motionary.bundle import load_bundle
from motionary.edits import Edit
from motionary.filters import Filter
from motionary.formats import write_bvh
from motionary.index import index_files
from motionary.library import open_library
from tests.blender_addon.layouts import drawn
from tests.blender_addon.snapshot import changes, snapshot
from tests.bundles import make_bundle
from tests.motions import walk

CLIPS = {"walk_short": 2.0, "walk_long": 3.0, "march": 14.0}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def made(tmp_path_factory, model):
    """A library of three clips; the last is long enough for windows."""
    folder = tmp_path_factory.mktemp("moves")
    for name, seconds in CLIPS.items():
        write_bvh(walk(seconds), folder / f"{name}.bvh")
    (folder / "captions.csv").write_text(
        "file,caption,tags\nwalk_short.bvh,a person walks,gait;short\nmarch.bvh,marching,gait\n"
    )
    path = tmp_path_factory.mktemp("library") / "moves.motionary"
    with open_library(path, write=True) as library:
        index_files([folder], library, load_bundle(model), workers=1)
    return path


@pytest.fixture
def library(made, tmp_path):
    return Path(shutil.copy(made, tmp_path / "moves.motionary"))


@pytest.fixture
def ready(extension, library, model):
    """The extension with a library and a model."""
    extension.model = str(model)
    extension.library = str(library)
    return extension


@pytest.fixture
def posed(human, ready):
    """The same, with a character."""
    return human


def found():
    return [hit.name for hit in current().hits]


# Enabling


def test_enabling_and_disabling_twice_leaves_nothing_behind(empty):
    def everything():
        kinds = ("Operator", "Panel", "Menu", "UIList", "PropertyGroup", "AddonPreferences", "FileHandler")
        known = {
            c.__name__ for kind in kinds for c in getattr(bpy.types, kind).__subclasses__() if c.is_registered
        }
        handlers = {
            name: list(getattr(bpy.app.handlers, name))
            for name in dir(bpy.app.handlers)
            if isinstance(getattr(bpy.app.handlers, name), list)
        }
        status = getattr(bpy.types.STATUSBAR_HT_header.draw, "_draw_funcs", [])
        ours = [function for function in status if function.__module__.startswith("blender_addon")]
        return known, handlers, hasattr(bpy.types.WindowManager, "motionary"), ours

    addon = bpy.context.preferences.addons.new()
    addon.module = "blender_addon"
    before = everything()
    for _ in range(2):
        blender_addon.register()
        assert hasattr(bpy.ops.motionary, "apply")
        assert everything() != before
        blender_addon.unregister()
    assert everything() == before
    bpy.context.preferences.addons.remove(addon)


def test_a_part_that_fails_takes_the_others_with_it(empty, monkeypatch):
    addon = bpy.context.preferences.addons.new()
    addon.module = "blender_addon"
    monkeypatch.setattr(registration, "MODULES", ("preferences", "properties", "no_such_part"))
    with pytest.raises(ModuleNotFoundError):
        blender_addon.register()
    assert not hasattr(bpy.types.WindowManager, "motionary")
    bpy.context.preferences.addons.remove(addon)


def test_every_operator_and_option_says_what_it_does(empty, extension):
    for name in dir(bpy.ops.motionary):
        rna = getattr(bpy.ops.motionary, name).get_rna_type()
        assert rna.name, name
        assert rna.name == rna.name[:1].upper() + rna.name[1:], name
        assert rna.description, name
        assert not rna.description.endswith("."), name
        for item in rna.properties:
            if item.identifier != "rna_type" and not item.is_hidden:
                assert item.name, (name, item.identifier)
                assert item.description, (name, item.identifier)
                assert not item.description.endswith("."), (name, item.identifier)


def test_every_option_of_applying_is_in_the_redo_panel(empty, extension):
    ours = set(bpy.ops.motionary.apply.get_rna_type().properties.keys())
    named = {"only": "only_selected", "loop_blend_s": "loop_blend"}
    options = {f.name for kind in (ApplyOptions, Edit) for f in fields(kind)} - {"edit"}
    assert {named.get(name, name) for name in options} <= ours
    defaults, edit = ApplyOptions(), Edit()
    for name in ("keep_place", "turn", "plant_feet", "floor", "refine", "blend_in", "blend_out", "simplify"):
        assert bpy.ops.motionary.apply.get_rna_type().properties[name].default == getattr(defaults, name), (
            name
        )
    for name in ("root_motion", "stride", "destination", "switches"):
        assert bpy.ops.motionary.apply.get_rna_type().properties[name].default == getattr(defaults, name), (
            name
        )
    for name in ("mirror", "reverse", "speed", "repeat"):
        assert bpy.ops.motionary.apply.get_rna_type().properties[name].default == getattr(edit, name), name


# Searching


def test_a_query_lists_clips_and_previews_the_best(empty, ready):
    assert bpy.ops.motionary.search(query="a person walks") == {"FINISHED"}
    assert sorted(found()) == sorted(CLIPS)
    assert int(state().chosen) == 0
    assert current().chosen == current().hits[0]
    assert list(current().history) == ["a person walks"]


def test_stepping_goes_over_the_ends(empty, ready):
    bpy.ops.motionary.search(query="a person walks")
    bpy.ops.motionary.step(step=-1)
    assert int(state().chosen) == 2
    bpy.ops.motionary.step(step=1)
    assert int(state().chosen) == 0


def test_pages_turn_with_what_is_chosen(empty, ready):
    ready.page = 2
    bpy.ops.motionary.search(query="a person walks")
    assert "1 to 2 of 3" in drawn(panels.MOTIONARY_PT_main, bpy.context).texts()
    bpy.ops.motionary.page(step=1)
    assert int(state().chosen) == 2
    texts = drawn(panels.MOTIONARY_PT_main, bpy.context).texts()
    assert "3 to 3 of 3" in texts
    assert found()[2] in texts
    assert found()[0] not in texts
    bpy.ops.motionary.page(step=1)
    assert int(state().chosen) == 0


def test_filters_narrow_what_is_searched(empty, ready):
    typed = state()
    typed.use_filters, typed.min_seconds = True, 2.5
    bpy.ops.motionary.search(query="a person walks")
    assert sorted(found()) == ["march", "walk_long"]
    typed.tag = "Gait, "
    bpy.ops.motionary.search()
    assert found() == ["march"]
    typed.tag, typed.min_seconds = "", 0.0
    typed.max_distance = 2.5
    bpy.ops.motionary.search()
    assert found() == ["walk_short"]
    typed.max_distance, typed.hand = 0.0, "left"
    bpy.ops.motionary.search()
    assert found() == []
    assert "No clip passes the filters" in " ".join(drawn(panels.MOTIONARY_PT_main, bpy.context).texts())
    typed.use_filters, typed.hand = False, "any"
    bpy.ops.motionary.search()
    assert len(found()) == 3


def test_a_star_is_kept_in_the_library_and_is_a_filter(empty, ready):
    bpy.ops.motionary.search(query="a person walks")
    starred = found()[1]
    assert bpy.ops.motionary.star(index=1) == {"FINISHED"}
    assert "starred" in current().hits[1].tags
    state().use_filters = state().starred = True
    bpy.ops.motionary.search()
    assert found() == [starred]
    bpy.ops.motionary.star(index=0)
    bpy.ops.motionary.search()
    assert found() == []


def test_slips_are_mended_and_said(empty, ready):
    bpy.ops.motionary.search(query="a person wlaks")
    assert len(found()) == 3
    assert "Searching for: a person walks" in " ".join(drawn(panels.MOTIONARY_PT_main, bpy.context).texts())


def test_an_unsure_answer_says_so(empty, ready):
    bpy.ops.motionary.search(query="a person walks")
    session = current()
    for confidence, said in ((0.1, True), (0.9, False)):
        session.hits = tuple(replace(hit, confidence=confidence) for hit in session.hits)
        texts = " ".join(drawn(panels.MOTIONARY_PT_main, bpy.context).texts())
        assert ("Unsure" in texts) == said
        assert f"{confidence:.0%}" in texts


def test_similar_to_the_chosen_clip_leaves_it_out(empty, ready):
    bpy.ops.motionary.search(query="a person walks")
    chosen = found()[0]
    bpy.ops.motionary.similar(to="CLIP")
    assert sorted([*found(), chosen]) == sorted(CLIPS)


def test_what_is_typed_on_the_way_to_a_query_is_not_remembered(empty, ready):
    for query in ("a", "a person", "a person walks", "sits"):
        bpy.ops.motionary.search(query=query)
    bpy.ops.motionary.search(query="a person walks")
    assert list(current().history) == ["a person walks", "sits"]


def test_an_empty_query_says_so(empty, ready):
    with pytest.raises(RuntimeError, match="The query is empty"):
        bpy.ops.motionary.search(query="  ")


# Faults: one clear message, and Blender goes on


def test_a_library_that_is_gone_is_said_and_another_serves(empty, ready, library, made):
    library.unlink()
    with pytest.raises(RuntimeError, match=r"moves\.motionary: this library is not there any more"):
        bpy.ops.motionary.search(query="a person walks")
    assert "not there any more" in " ".join(drawn(panels.MOTIONARY_PT_main, bpy.context).texts())
    ready.library = str(made)
    bpy.ops.motionary.search(query="a person walks")
    assert len(found()) == 3


def test_a_library_of_a_newer_version_is_said(empty, ready, library):
    connection = sqlite3.connect(library)
    connection.execute("PRAGMA user_version = 99")
    connection.commit()
    connection.close()
    with pytest.raises(RuntimeError, match=r"library of version 99, not 2; update Motionary"):
        bpy.ops.motionary.search(query="a person walks")


def test_another_models_library_says_how_to_embed_it_again(empty, ready, tmp_path):
    ready.model = str(make_bundle(tmp_path / "other", seed=5))
    with pytest.raises(RuntimeError, match=r"embedded by another model \(.*\); Embed Again under Libraries"):
        bpy.ops.motionary.search(query="a person walks")


def test_a_library_that_another_program_writes_to_can_be_searched_but_not_starred(
    empty, ready, library, monkeypatch
):
    monkeypatch.setattr("motionary.library.sqlite3.connect", _impatient(sqlite3.connect))
    bpy.ops.motionary.search(query="a person walks")
    writer = sqlite3.connect(library, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    try:
        bpy.ops.motionary.search(query="a person sits")
        with pytest.raises(RuntimeError, match="another program is writing to this library"):
            bpy.ops.motionary.star(index=0)
    finally:
        writer.execute("ROLLBACK")
        writer.close()
    assert bpy.ops.motionary.star(index=0) == {"FINISHED"}


def _impatient(connect):
    def connected(*given, **named):
        return connect(*given, **{**named, "timeout": 0.05})

    return connected


def test_without_a_library_the_panel_says_what_to_do(empty, extension):
    texts = " ".join(drawn(panels.MOTIONARY_PT_main, bpy.context).texts())
    assert "No Library" in texts
    assert bpy.ops.motionary.search.poll()
    with pytest.raises(RuntimeError, match="no library is chosen; make one"):
        bpy.ops.motionary.search(query="a person walks")


# Applying


def test_apply_keys_the_part_that_matched_and_undo_takes_all_of_it(posed, ready):
    bpy.ops.motionary.search(query="a person walks")
    while current().chosen.name != "march":
        bpy.ops.motionary.step(step=1)
    bpy.ops.ed.undo_push(message="before")
    before = snapshot()
    assert bpy.ops.motionary.apply("EXEC_DEFAULT", start=11) == {"FINISHED"}
    hit = current().chosen
    action = posed.animation_data.action
    assert action.name.startswith("march")
    first, last = action.frame_range
    assert first == 11
    assert (last - first) / 24 == pytest.approx(hit.end_s - hit.start_s, abs=0.1)
    bpy.ops.ed.undo_push(message="apply")
    bpy.ops.ed.undo()
    assert changes(before, snapshot())[:20] == []


def test_apply_as_a_script_would(posed, ready, library):
    done = bpy.ops.motionary.apply(
        library=str(library), clip=1, start=5, mirror=True, speed=2.0, destination="strip", root_motion="root"
    )
    assert done == {"FINISHED"}
    (track,) = posed.animation_data.nla_tracks
    assert track.strips[0].frame_start == 5


def test_a_whole_clip_is_applied_when_asked_for(posed, ready):
    bpy.ops.motionary.search(query="a person walks")
    state().whole_clip = True
    while current().chosen.name != "march":
        bpy.ops.motionary.step(step=1)
    bpy.ops.motionary.apply("EXEC_DEFAULT", start=1)
    first, last = posed.animation_data.action.frame_range
    assert (last - first) / 24 == pytest.approx(14.0, abs=0.1)
    state().whole_clip = False


def test_a_mirror_image_that_was_found_is_applied_as_such(posed, ready):
    bpy.ops.motionary.search(query="a person walks")
    session = current()
    session.hits = tuple(replace(hit, mirrored=True) for hit in session.hits)
    hit = session.hits[0]
    with open_library(session.library) as library:
        shown = motion_of(library, hit, whole=False)
        stored = motion_of(library, replace(hit, mirrored=False), whole=False)
    np.testing.assert_allclose(shown.translation[:, 0], -stored.translation[:, 0])
    keyed = []
    for mirrored in (True, False):
        session.hits = tuple(replace(hit, mirrored=mirrored) for hit in session.hits)
        assert bpy.ops.motionary.apply("EXEC_DEFAULT", start=1) == {"FINISHED"}
        bpy.context.scene.frame_set(12)
        keyed.append([posed.pose.bones[f"hand_fk.{side}"].head.copy() for side in "LR"])
    (left, right), (plain_left, plain_right) = keyed
    assert left.y == pytest.approx(plain_right.y, abs=0.02)
    assert right.y == pytest.approx(plain_left.y, abs=0.02)
    assert abs(left.y - right.y) > 0.02


def test_apply_without_a_character_says_so(empty, ready):
    bpy.ops.motionary.search(query="a person walks")
    with pytest.raises(RuntimeError, match="scene has no armature"):
        bpy.ops.motionary.apply("EXEC_DEFAULT")
    assert len(bpy.data.actions) == 0


def test_only_selected_bones_without_any_says_so(posed, ready):
    bpy.ops.motionary.search(query="a person walks")
    for bone in posed.pose.bones:
        _select(bone, False)
    with pytest.raises(RuntimeError, match=r"no bone of .* is selected"):
        bpy.ops.motionary.apply("EXEC_DEFAULT", only_selected=True)
    _select(posed.pose.bones["head"], True)
    assert bpy.ops.motionary.apply("EXEC_DEFAULT", only_selected=True) == {"FINISHED"}


def _select(bone, on):
    if hasattr(bone, "select"):
        bone.select = on
    else:
        bone.bone.select = on


def test_a_motion_file_is_applied(posed, ready, tmp_path):
    write_bvh(walk(1.0), tmp_path / "mine.bvh")
    assert bpy.ops.motionary.apply_file(filepath=str(tmp_path / "mine.bvh")) == {"FINISHED"}
    assert posed.animation_data.action.name == "mine"
    with pytest.raises(RuntimeError, match="No such file"):
        bpy.ops.motionary.apply_file(filepath=str(tmp_path / "other.bvh"))


def test_every_property_that_is_drawn_is_there(posed, ready):
    from types import SimpleNamespace

    from blender_addon.operators.apply import _draw_options
    from tests.blender_addon.layouts import Layout

    rna = bpy.ops.motionary.apply.get_rna_type().properties
    values = {name: getattr(rna[name], "default", None) for name in rna.keys()}  # noqa: SIM118
    for destination in ("action", "strip"):
        layout = Layout()
        _draw_options(SimpleNamespace(**{**values, "destination": destination, "repeat": 2}), layout)
        props = {text for kind, text, *_ in layout.drawn if kind == "prop"}
        assert props <= set(rna.keys())
        assert ("blend_in" in props) == (destination == "strip")
    assert MOTIONARY_OT_apply.bl_options >= {"REGISTER", "UNDO"}


# Drawing


def test_drawing_reads_no_file_and_searches_nothing(posed, ready, monkeypatch):
    bpy.ops.motionary.search(query="a person walks")
    shown = [
        panels.MOTIONARY_PT_main,
        panels.MOTIONARY_PT_clip,
        panels.MOTIONARY_PT_details,
        panels.MOTIONARY_MT_history,
        panels.MOTIONARY_MT_clip,
    ]
    others = [c for c in bpy.types.Panel.__subclasses__() if c.__name__.startswith("MOTIONARY_PT")]

    def refuse(*_, **__):
        raise AssertionError("draw() must read what is prepared")

    with monkeypatch.context() as closed:
        for owner, name in (
            (builtins, "open"),
            (sqlite3, "connect"),
            (Path, "open"),
            (Path, "stat"),
            (Path, "iterdir"),
            (Engine, "ask"),
            (Held, "library"),
            (Held, "bundle"),
        ):
            closed.setattr(owner, name, refuse)
        texts = " ".join(text for panel in {*shown, *others} for text in drawn(panel, bpy.context).texts())
    for expected in ("Best 3 of 3 clips", "walk_short", "march", "a person walks", "motionary.apply"):
        assert expected in texts


# The thread


def wait_for(engine, enough, seconds=60.0):
    told, until = [], time.monotonic() + seconds
    while not enough(told):
        assert time.monotonic() < until, told
        told += engine.told()
        time.sleep(0.01)
    return told


@pytest.fixture
def engine():
    engine = Engine()
    yield engine
    engine.close()


def test_the_thread_answers_as_the_main_thread_does(engine, library, model):
    question = Question(1, library, model, "a person walks")
    engine.ask(question)
    (told,) = wait_for(engine, len)
    held = Held()
    right = answer(question, held)
    held.close()
    assert isinstance(told, Answer)
    assert told.hits == right.hits
    assert told.clips == 3


def test_only_the_newest_of_many_questions_has_to_be_answered(engine, library, model):
    for number in range(200):
        engine.ask(Question(number, library, model, f"a person walks {number}"))
    told = wait_for(engine, lambda told: told and told[-1].question.number == 199)
    assert len(told) < 200


def test_pictures_and_the_clip_come_after_the_answer(engine, library, model):
    engine.ask(Question(1, library, model, "a person walks"))
    (told,) = wait_for(engine, len)
    engine.ask(Pictures(library, told.hits))
    engine.ask(Look(library, told.hits[0], False))
    engine.ask(Survey((library, library.with_name("none.motionary"))))
    told = wait_for(engine, lambda told: len(told) >= 2 + 2 + 3)
    looks = [t for t in told if isinstance(t, Looked)]
    assert looks[0].joints.shape[1:] == (22, 3)
    assert looks[0].images == ()
    assert len(looks[1].images) == 24
    assert looks[1].images[0].shape == (160, 160, 4)
    pictures = [t for t in told if hasattr(t, "hit")]
    assert len(pictures) == 3
    assert {image.shape for t in pictures for image in t.images} == {(96, 96, 4)}
    surveys = [t for t in told if hasattr(t, "summary")]
    assert surveys[0].summary.clips == 3
    assert "no such library" in surveys[1].failure


def test_the_thread_survives_what_breaks_in_it(engine, library, model, monkeypatch, capsys):
    def break_down(*_):
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr("blender_addon.engine.answer", break_down)
    engine.ask(Question(1, library, model, "a person walks"))
    (told,) = wait_for(engine, len)
    assert told.failure == "Motionary failed (ZeroDivisionError: on purpose)"
    monkeypatch.undo()
    engine.ask(Question(2, library, model, "a person walks"))
    (told,) = wait_for(engine, len)
    assert len(told.hits) == 3


def test_a_library_that_changed_is_read_again_and_a_closed_one_can_be_moved(library, model, tmp_path):
    held = Held()
    before = answer(Question(1, library, model, "a person walks"), held)
    write_bvh(walk(1.5), tmp_path / "new.bvh")
    with open_library(library, write=True) as opened:
        index_files([tmp_path / "new.bvh"], opened, load_bundle(model), workers=1)
    after = answer(Question(2, library, model, "a person walks", wanted=Filter(min_s=0.1)), held)
    held.close()
    assert (before.clips, after.clips) == (3, 4)
    library.rename(tmp_path / "moved.motionary")
