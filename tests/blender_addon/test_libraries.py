"""Libraries in Blender: made, opened, filled, indexed and forgotten; each fault is one clear message."""

import os
import signal
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")

from blender_addon import indexing  # noqa: E402
from blender_addon import libraries as lists  # noqa: E402
from blender_addon.apply import apply_motion  # noqa: E402
from blender_addon.engine import Surveyed  # noqa: E402
from blender_addon.jobs import JobState  # noqa: E402
from blender_addon.operators import libraries as operators  # noqa: E402
from blender_addon.preferences import preferences  # noqa: E402
from blender_addon.session import current  # noqa: E402
from blender_addon.ui import status  # noqa: E402
from blender_addon.ui.library_panel import report_text  # noqa: E402
from motionary.bundle import load_bundle  # noqa: E402
from motionary.formats import write_bvh  # noqa: E402
from motionary.index import IndexReport, index_files  # noqa: E402
from motionary.library import (  # noqa: E402
    VERSION,
    clip_ids,
    clip_info,
    load_clip,
    open_library,
    sources,
    summary,
)
from motionary.search import search  # noqa: E402
from tests.blender_addon.test_failures import SAMPLES  # noqa: E402
from tests.bundles import make_bundle  # noqa: E402
from tests.motions import standing, walk  # noqa: E402
from tests.old_library import write_old  # noqa: E402

ops = bpy.ops.motionary
LONG = 180.0


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("model"))


@pytest.fixture(autouse=True)
def extension(model, tmp_path, monkeypatch):
    """The extension, enabled with settings of the test's own."""
    monkeypatch.setattr(lists, "readers", lambda: 1)  # as quick as it gets: these are a few files
    bpy.ops.preferences.addon_enable(module="blender_addon")
    settings = preferences()
    settings.model = str(model)
    settings.library_folder = str(tmp_path / "libraries")
    yield settings
    bpy.ops.preferences.addon_disable(module="blender_addon")


@pytest.fixture
def library(tmp_path):
    """A new library, chosen."""
    assert ops.library_new(filepath=str(tmp_path / "mine.motionary")) == {"FINISHED"}
    return tmp_path / "mine.motionary"


@pytest.fixture
def moves(tmp_path):
    """A folder of three: broken.bvh, stand.bvh, walk.bvh."""
    folder = tmp_path / "moves"
    folder.mkdir()
    write_bvh(walk(2.0), folder / "walk.bvh")
    write_bvh(standing(60), folder / "stand.bvh")
    (folder / "broken.bvh").write_text("HIERARCHY\n")
    return folder


@pytest.fixture
def in_a_window(monkeypatch):
    """As if Blender had a window, where a timer looks at the job; here the test does."""
    timers = []
    monkeypatch.setattr(indexing, "is_headless", lambda: False)
    monkeypatch.setattr(indexing, "start_timer", lambda: timers.append(True))
    return timers


@pytest.fixture
def character():
    """A character in a file that was never saved, and without an Action."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)  # of the settings nothing changes
    return SAMPLES["VRM"].make()


@pytest.fixture
def action(character, tmp_path):
    """An Action of 40 frames, called act, on a character in a saved file."""
    bpy.context.scene.render.fps = 20
    apply_motion(character, walk(2.0), "act")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    return character.animation_data.action


def refused(call, **options):
    """The one line that an operator which does nothing reports."""
    with pytest.raises(RuntimeError) as caught:
        call(**options)
    (line,) = str(caught.value).strip().removeprefix("Error: ").splitlines()
    return line


def names(library):
    with open_library(library) as held:
        return sorted(clip_info(held, clip).name for clip in clip_ids(held))


def look_until(holds):
    deadline = time.monotonic() + LONG
    while not holds(indexing.job_state()):
        assert time.monotonic() < deadline, indexing.job_state()
        indexing.look()
        time.sleep(0.02)
    return indexing.job_state()


def many(folder, files, seconds=6.0):
    folder.mkdir()
    write_bvh(walk(seconds), folder / "000.bvh")
    for number in range(1, files):
        (folder / f"{number:03}.bvh").write_bytes((folder / "000.bvh").read_bytes())
    return folder


# The list


def test_a_new_library_is_made_listed_and_chosen(library, extension):
    assert names(library) == []
    assert lists.listed_libraries() == [library]
    assert current().library == library
    assert lists.chosen_item().path == str(library)
    assert Path(extension.library) == library


def test_a_new_library_gets_its_suffix_and_its_folder(tmp_path):
    ops.library_new(filepath=str(tmp_path / "a" / "b" / "walks"))
    assert names(tmp_path / "a" / "b" / "walks.motionary") == []


def test_a_new_library_takes_no_place_of_a_file(library):
    assert "is there already; open it" in refused(ops.library_new, filepath=str(library))


def test_libraries_are_opened_once_each_and_the_last_is_chosen(tmp_path, library):
    for name in ("b", "c"):
        open_library(tmp_path / f"{name}.motionary", write=True).close()
    files = [{"name": "b.motionary"}, {"name": "c.motionary"}]
    for _ in range(2):
        assert ops.library_open(directory=str(tmp_path), files=files) == {"FINISHED"}
    assert [path.stem for path in lists.listed_libraries()] == ["mine", "b", "c"]
    assert current().library == tmp_path / "c.motionary"
    ops.library_open(filepath=str(library))
    assert current().library == library
    assert len(lists.listed_libraries()) == 3


def test_a_library_can_be_chosen_and_forgotten_and_its_file_stays(tmp_path, library):
    other = tmp_path / "other.motionary"
    ops.library_new(filepath=str(other))
    ops.library_choose(filepath=str(library))
    assert current().library == library
    ops.library_forget(filepath=str(library))
    assert lists.listed_libraries() == [other]
    assert current().library is None
    assert library.exists()
    assert "is not on the list" in refused(ops.library_forget, filepath=str(library))


def test_forgetting_names_no_file_for_the_one_that_is_searched(library):
    ops.library_forget()
    assert lists.listed_libraries() == []


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "no such library"), (b"x" * 200, "not a Motionary library"), ("newer", "update Motionary")],
)
def test_what_cannot_be_opened_is_said_and_not_listed(tmp_path, content, says):
    path = tmp_path / "bad.motionary"
    if content == "newer":
        with open_library(path, write=True) as held:
            held.connection.execute("PRAGMA user_version = 99")
    elif content:
        path.write_bytes(content)
    line = refused(ops.library_open, filepath=str(path))
    assert says in line
    assert str(path) in line
    assert lists.listed_libraries() == []


def test_dropping_a_library_opens_it():
    handler = bpy.types.FileHandler.bl_rna_get_subclass_py("MOTIONARY_FH_library")
    assert handler.bl_import_operator == "motionary.library_open"
    assert handler.bl_file_extensions == ".motionary"


def test_without_a_library_the_way_to_one_is_shown(extension):
    assert "Make or open a library first" in refused(ops.index)
    assert "no file or folder is given" in refused(ops.library_open).lower()


def test_the_starter_library_cannot_be_changed(library, monkeypatch):
    ops.library_choose(filepath="")
    monkeypatch.setattr(operators, "starter_library", lambda: library)
    for call in (ops.index, ops.store_action, ops.library_add_folder):
        assert "The starter library cannot be changed; make a library of your own" in refused(call)


# Indexing


def test_adding_a_folder_indexes_it(library, moves):
    assert ops.library_add_folder(directory=str(moves)) == {"FINISHED"}
    assert names(library) == ["stand", "walk"]
    assert lists.library_sources(lists.chosen_item()) == [moves]
    state = indexing.job_state()
    assert (state.report.indexed, len(state.failures)) == (2, 1)
    assert "broken.bvh" in state.failures[0]
    assert report_text(state) == "Indexed 2, 1 failed"


def test_files_can_be_added_alone_and_each_once(library, moves):
    for _ in range(2):
        ops.library_add_files(directory=str(moves), files=[{"name": "walk.bvh"}])
    assert names(library) == ["walk"]
    assert lists.library_sources(lists.chosen_item()) == [moves / "walk.bvh"]


def test_one_core_is_left_to_blender_and_a_file_takes_no_more_than_its_reader_along(monkeypatch):
    monkeypatch.undo()
    for cores, processes in ((1, 2), (2, 2), (8, 7)):
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        assert lists.index_request(Path("a.motionary"), ()).workers == processes
    monkeypatch.setattr(sys, "executable", "/opt/blender/blender")
    assert lists.index_request(Path("a.motionary"), ()).workers == 1


def test_indexing_again_reads_what_changed_all_or_removes(library, moves):
    ops.library_add_folder(directory=str(moves), use_index=False)
    assert names(library) == []
    ops.index()
    write_bvh(walk(3.0), moves / "walk.bvh")
    ops.index()
    assert (indexing.job_state().report.indexed, indexing.job_state().report.unchanged) == (1, 1)
    ops.index(what="ALL")
    assert (indexing.job_state().report.indexed, indexing.job_state().report.unchanged) == (2, 0)
    (moves / "stand.bvh").unlink()
    ops.index(use_prune=True)
    assert indexing.job_state().report.removed == 1
    assert names(library) == ["walk"]


def test_another_model_embeds_again(library, moves, extension, tmp_path):
    ops.library_add_folder(directory=str(moves))
    other = make_bundle(tmp_path / "other", seed=1, joint_dim=16)
    extension.model = str(other)
    assert "embedded by model" in refused(ops.index)
    ops.index(what="EMBED")
    assert report_text(indexing.job_state()) == "Embedded 2 clips again"
    with open_library(library) as held:
        assert len(search(held, load_bundle(other), "a person walks", 2)) == 2


def test_a_folder_that_is_removed_takes_its_clips_along_if_asked(library, moves, tmp_path):
    other = tmp_path / "moves and more"
    other.mkdir()
    write_bvh(walk(1.0), other / "run.bvh")
    for folder in (moves, other):
        ops.library_add_folder(directory=str(folder))
    ops.library_remove_source(filepath=str(other))
    assert names(library) == ["run", "stand", "walk"]
    ops.library_remove_source(filepath=str(moves), use_clips=True)
    assert names(library) == ["run"]
    assert lists.library_sources(lists.chosen_item()) == []
    assert "has no folders; add one" in refused(ops.index)
    assert "is not made from this" in refused(ops.library_remove_source, filepath=str(moves))


def test_the_report_can_be_copied(library, moves):
    assert "Nothing was indexed yet" in refused(ops.report_copy)
    ops.library_add_folder(directory=str(moves))
    ops.report_copy()
    # Blender without a window has no clipboard: what would be there is what was reported.
    assert indexing.job_state().failures == indexing.job_state().report.failures


def test_the_session_sees_what_was_indexed(library, moves):
    ops.library_add_folder(directory=str(moves))
    assert ops.search(query="a person walks") == {"FINISHED"}
    assert {hit.name for hit in current().hits} == {"stand", "walk"}


# In a window, where Blender goes on


def test_a_job_is_watched_by_a_timer_and_blender_goes_on(library, moves, in_a_window):
    ops.library_add_folder(directory=str(moves))
    assert in_a_window == [True]
    assert indexing.is_indexing()
    assert "being indexed" in refused(ops.index)
    assert "being indexed" in refused(ops.store_action)
    state = look_until(lambda state: state.is_finished)
    assert indexing.look() is None
    assert state.report.indexed == 2
    assert names(library) == ["stand", "walk"]


def test_a_folder_added_meanwhile_waits_for_the_next_time(library, moves, tmp_path, in_a_window):
    ops.library_add_folder(directory=str(many(tmp_path / "many", 20)))
    ops.library_add_folder(directory=str(moves))
    assert in_a_window == [True]
    look_until(lambda state: state.is_finished)
    ops.index()
    assert look_until(lambda state: state.is_finished).report.indexed == 2


def test_indexing_can_be_stopped_and_goes_on(library, tmp_path, in_a_window):
    assert "Nothing is being indexed" in refused(ops.index_cancel)
    ops.library_add_folder(directory=str(many(tmp_path / "many", 24)))
    look_until(lambda state: state.done)
    ops.index_cancel()
    assert status.progress_text(indexing.job_state()) == "Stopping …"
    state = look_until(lambda state: state.is_finished)
    assert state.report.cancelled
    assert report_text(state).startswith("Stopped: indexed ")
    kept = state.report.indexed
    ops.index()
    state = look_until(lambda state: state.is_finished)
    assert (state.report.unchanged, state.report.indexed) == (kept, 24 - kept)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_killed_process_is_one_line_and_the_next_goes_on(library, tmp_path, in_a_window):
    ops.library_add_folder(directory=str(many(tmp_path / "many", 24)))
    look_until(lambda state: state.done)
    current().job.process.kill()
    state = look_until(lambda state: state.is_finished)
    assert "ended (signal 9)" in state.error
    assert report_text(state) == state.error
    ops.index()
    state = look_until(lambda state: state.is_finished)
    assert state.report.indexed + state.report.unchanged == 24


def test_disabling_the_extension_ends_the_job(library, tmp_path, in_a_window):
    ops.library_add_folder(directory=str(many(tmp_path / "many", 200, 20.0)))
    job = current().job
    bpy.ops.preferences.addon_disable(module="blender_addon")
    assert job.process.returncode is not None
    bpy.ops.preferences.addon_enable(module="blender_addon")
    assert indexing.job_state() is None


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (JobState(Path("a"), step="Starting"), "Starting …"),
        (JobState(Path("a"), step="Indexing", done=1200, total=3000), "Indexing 1,200 of 3,000"),
        (JobState(Path("a"), done=1, total=2, is_cancelling=True), "Stopping …"),
    ],
)
def test_progress_is_said_in_a_few_words(state, says):
    assert status.progress_text(state) == says


def test_a_report_says_what_there_is_to_say():
    report = IndexReport(indexed=2, clips=5, unchanged=7, removed=1, failures=("a", "b"))
    text = report_text(JobState(Path("a"), report=report))
    assert text == "Indexed 2 (5 clips), 7 unchanged, removed 1, 2 failed"
    assert report_text(JobState(Path("a"), report=IndexReport())) == "Indexed 0"
    assert report_text(JobState(Path("a"), report=IndexReport(upgraded=2))) == "Upgraded to version 2"


# A library of an earlier version


@pytest.fixture
def old(library, moves, tmp_path):
    """A library of version 1, opened: what index makes of the folder, as it then was kept."""
    ops.library_add_folder(directory=str(moves))
    ops.library_open(filepath=str(write_old(tmp_path / "old.motionary", library)))
    return tmp_path / "old.motionary"


def test_an_old_library_is_listed_when_it_is_opened_and_upgraded_by_a_process_of_its_own(old):
    assert current().library == old
    assert "'motionary upgrade " in refused(ops.index, what="EMBED")
    assert ops.library_upgrade() == {"FINISHED"}
    assert indexing.job_state().report.upgraded == VERSION
    assert names(old) == ["stand", "walk"]
    assert [path.name for path in old.parent.glob("old*")] == [old.name]
    assert "up to date already" in refused(ops.library_upgrade)


def test_an_old_library_that_is_damaged_is_said_and_left_alone(old):
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("CREATE TABLE more (x)")
    before = old.read_bytes()
    assert "its tables are not those of one" in refused(ops.library_upgrade)
    assert old.read_bytes() == before


def test_a_library_that_is_known_to_be_up_to_date_cannot_be_upgraded(library):
    current().surveys[library] = Surveyed(library, failure=f"{library}: of an earlier one, motionary upgrade")
    assert operators.MOTIONARY_OT_library_upgrade.poll(bpy.context)
    with open_library(library) as held:
        current().surveys[library] = Surveyed(library, summary(held))
    assert not operators.MOTIONARY_OT_library_upgrade.poll(bpy.context)


# What is wrong


def test_a_library_that_was_moved_is_said_and_found_again(library, moves, tmp_path):
    ops.library_add_folder(directory=str(moves))
    moved = library.rename(tmp_path / "moved.motionary")
    for call in (ops.index, ops.store_action):
        line = refused(call)
        assert str(library) in line
        assert "this library is not there any more; open it where it is now" in line
    assert "this library is not there any more" in refused(ops.search, query="a walk")
    ops.library_open(filepath=str(moved))
    ops.search(query="a walk")
    assert len(current().hits) == 2


def test_a_library_that_is_deleted_while_it_is_indexed_is_said(library, tmp_path, in_a_window):
    ops.library_add_folder(directory=str(many(tmp_path / "many", 24)))
    look_until(lambda state: state.done)
    library.unlink()
    assert "moved or deleted" in look_until(lambda state: state.is_finished).error


def test_a_library_that_another_program_writes_to_is_said(library, moves, action, model):
    with open_library(library, write=True) as other:
        index_files([moves / "walk.bvh"], other, load_bundle(model), workers=1)
        other.connection.execute("BEGIN IMMEDIATE")
        assert "another program is writing to this library" in refused(ops.store_action)
    ops.store_action()
    assert names(library) == ["act", "walk"]


def test_a_library_that_cannot_be_written_to_is_said(library, moves, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != library)
    assert "cannot be written to; check its permissions" in refused(ops.index)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != library.parent)
    line = refused(ops.library_add_folder, directory=str(moves))
    assert "this folder cannot be written to, which its library needs" in line


def test_a_folder_that_cannot_be_read_or_is_gone_is_said_and_the_others_are_indexed(library, moves, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    ops.library_add_folder(directory=str(gone))
    assert "no motion files" in indexing.job_state().failures[0]
    gone.rmdir()
    ops.library_add_folder(directory=str(moves), use_index=False)
    ops.index()
    assert f"{gone}: no such file or folder" in indexing.job_state().failures
    assert names(library) == ["stand", "walk"]
    assert "no such folder" in refused(ops.library_add_folder, directory=str(gone))


def test_a_python_that_does_not_start_is_said(library, moves, extension, tmp_path):
    extension.worker_python = str(tmp_path / "python3.99")
    assert "choose another Python for Indexing" in refused(ops.library_add_folder, directory=str(moves))
    assert not indexing.is_indexing()
    extension.worker_python = sys.executable
    ops.index()
    assert names(library) == ["stand", "walk"]


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files")
def test_a_full_disk_is_said_and_what_was_finished_is_kept(library, tmp_path, extension):
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nulimit -f 200\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    extension.worker_python = str(python)
    line = refused(ops.library_add_folder, directory=str(many(tmp_path / "many", 40, 12.0)))
    assert "takes no more; what was indexed before is kept" in line
    assert 1 <= len(names(library)) < 40


# Storing an Action


def test_an_action_is_stored_with_its_words_and_again_in_its_place(library, action, moves):
    ops.library_add_folder(directory=str(moves))
    frame = bpy.context.scene.frame_current
    assert ops.store_action(clip_name="lean", captions="leans; sways", tags="calm, standing") == {"FINISHED"}
    assert names(library) == ["lean", "stand", "walk"]
    with open_library(library) as held:
        (clip,) = (load_clip(held, clip) for clip in clip_ids(held) if clip_info(held, clip).name == "lean")
        assert clip.source == f"{bpy.data.filepath}#act"
    assert (clip.captions, clip.tags) == (("leans", "sways"), ("calm", "standing"))
    assert clip.motion.frames == 40
    assert bpy.context.scene.frame_current == frame
    action.asset_mark()
    action.asset_data.description = "from its asset data"
    ops.store_action()
    assert names(library) == ["act", "stand", "walk"]
    with open_library(library) as held:
        infos = {clip_info(held, clip).name: clip_info(held, clip) for clip in clip_ids(held)}
    assert infos["act"].captions == ("from its asset data",)


def test_actions_of_a_file_that_was_never_saved_do_not_take_each_others_place(library, character):
    apply_motion(character, walk(1.0), "walk")
    for _ in range(2):
        ops.store_action()
    assert names(library) == ["walk", "walk"]
    with open_library(library) as held:
        assert all(path.startswith("unsaved ") and path.endswith("#walk") for path in sources(held))


def test_a_character_without_an_action_is_said(library, character):
    assert "has no Action" in refused(ops.store_action)
    with open_library(library) as held:
        assert sources(held) == {}


def test_the_dialog_begins_with_what_the_action_says_of_itself(action):
    from blender_addon.store_action import described

    action.asset_mark()
    action.asset_data.description = " leans "
    action.asset_data.tags.new("calm")
    said = described(bpy.context)
    assert (said.name, said.captions, said.tags) == ("act", ("leans",), ("calm",))


# Where a clip came from


def test_the_folder_of_a_clip_is_opened(library, moves, monkeypatch):
    opened = []
    monkeypatch.setattr(operators, "open_folder", opened.append)
    assert "Choose a result first" in refused(ops.show_source)
    ops.library_add_folder(directory=str(moves))
    ops.search(query="a person walks")
    ops.show_source()
    assert opened == [moves]
    for path in moves.iterdir():
        path.unlink()
    moves.rmdir()
    assert "its folder is not there any more" in refused(ops.show_source)


def test_nothing_is_left_when_the_extension_is_disabled(library):
    draws = len(bpy.types.STATUSBAR_HT_header.draw._draw_funcs)
    bpy.ops.preferences.addon_disable(module="blender_addon")
    assert len(bpy.types.STATUSBAR_HT_header.draw._draw_funcs) == draws - 1
    assert not hasattr(bpy.types, "MOTIONARY_OT_index")
    bpy.ops.preferences.addon_enable(module="blender_addon")
