"""Captions of Actions: proposed, looked through, written in one step, and nothing else touched."""

import time
from types import SimpleNamespace

import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")

from blender_addon import captioning  # noqa: E402
from blender_addon.apply import apply_motion  # noqa: E402
from blender_addon.armature import find_armature  # noqa: E402
from blender_addon.captioning import Captioner, cache_place, describe, read_clips  # noqa: E402
from blender_addon.operators import captions as operators  # noqa: E402
from blender_addon.options import ApplyOptions  # noqa: E402
from blender_addon.scenes import open_scene, save_scene  # noqa: E402
from motionary.captions import bank as banks  # noqa: E402
from motionary.captions.grammar import sentences  # noqa: E402
from motionary.errors import MotionaryError  # noqa: E402
from motionary.motion import Clip  # noqa: E402
from tests.blender_addon.layouts import Layout  # noqa: E402
from tests.blender_addon.snapshot import changes, snapshot  # noqa: E402
from tests.blender_addon.test_failures import make  # noqa: E402
from tests.bundles import make_bundle  # noqa: E402
from tests.motions import standing, walk  # noqa: E402


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("model"))


@pytest.fixture(autouse=True)
def few_sentences(monkeypatch, tmp_path):
    some = tuple(s for s in sentences() if len(s.text.split()) < 5)
    monkeypatch.setattr(banks, "sentences", lambda: some)
    monkeypatch.setenv("MOTIONARY_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A character with two Actions: it plays the second. A third moves no character. Made once."""
    armature, _ = make("Mixamo")
    apply_motion(armature, standing(30), "wait", ApplyOptions(start=1))
    apply_motion(armature, walk(2.0), "go", ApplyOptions(start=1))
    bpy.data.actions.new("of nobody").use_fake_user = True
    bpy.context.view_layer.objects.active = armature
    path = tmp_path_factory.mktemp("file") / "two.blend"
    save_scene(path)
    return path


@pytest.fixture
def made(file):
    open_scene(file)
    return find_armature()


@pytest.fixture
def character(made, extension, model):
    """The same, and the extension with a model."""
    extension.model = str(model)
    return made


def names():
    return {action.name.partition(".")[0] for action in bpy.data.actions if action.asset_data}


def played(armature):
    return armature.animation_data.action


def row(name, caption, *, use=True, tags=""):
    """As Blender wants it: with every property."""
    return {"name": name, "use": use, "caption": caption, "tags": tags, "sure": ""}


# Writing


def test_the_active_action_gets_description_and_tags(character):
    assert bpy.ops.motionary.caption() == {"FINISHED"}
    action = played(character)
    assert action.asset_data.description.startswith("a person ")
    tags = action.asset_data.tags.keys()
    assert "forward" in tags
    assert any(tag.endswith(" steps") for tag in tags)
    assert names() == {"go"}


def test_all_actions_of_characters_get_theirs(character):
    assert bpy.ops.motionary.caption(which="ALL") == {"FINISHED"}
    assert names() == {"wait", "go"}


def test_nothing_else_is_touched(character):
    snapshot()  # to look at an add-on's properties for the first time makes them
    before = snapshot()
    bpy.ops.motionary.caption(which="ALL")
    touched = changes(before, snapshot())
    assert touched
    assert all(".asset_data" in path or "use_fake_user" in path for path in touched), touched


def test_what_somebody_wrote_stays_unless_it_is_to_be_replaced(character):
    action = played(character)
    describe(action, "my own words", ["mine"])
    assert bpy.ops.motionary.caption() == {"CANCELLED"}
    assert action.asset_data.description == "my own words"
    assert bpy.ops.motionary.caption(overwrite=True) == {"FINISHED"}
    assert action.asset_data.description.startswith("a person ")
    assert "mine" in action.asset_data.tags.keys()  # noqa: SIM118


def test_rows_that_were_looked_through_are_written_as_they_are(character):
    rows = [
        row(played(character).name, "  he goes \n home ", tags="home, , slow ,home"),
        row("of nobody", "never", use=False),
        row("of nobody", "   "),
    ]
    assert bpy.ops.motionary.caption(rows=rows) == {"FINISHED"}
    data = played(character).asset_data
    assert (data.description, data.tags.keys()) == ("he goes home", ["home", "slow"])
    assert names() == {"go"}


def test_an_action_that_is_gone_is_said_and_the_others_are_written(character):
    rows = [row("gone", "a"), row(played(character).name, "b")]
    assert bpy.ops.motionary.caption(rows=rows) == {"FINISHED"}
    assert played(character).asset_data.description == "b"


def test_a_long_tag_is_cut_between_letters(character):
    describe(played(character), "x", ["ü" * 80, ""])
    assert played(character).asset_data.tags.keys() == ["ü" * 31]


def test_one_undo_takes_all_captions_back(character):
    bpy.context.preferences.edit.use_global_undo = True
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.motionary.caption("EXEC_DEFAULT", True, which="ALL") == {"FINISHED"}
    assert names() == {"wait", "go"}
    bpy.ops.ed.undo_push(message="after")
    bpy.ops.ed.undo()
    if names():  # where the operator pushed its own step, as it does in a window, that is the one to go
        bpy.ops.ed.undo()
    assert not names()


# Refused


def test_without_an_action_there_is_nothing_to_caption(empty, extension):
    assert not operators.MOTIONARY_OT_caption.poll(bpy.context)


def test_what_is_no_clip_is_said(empty, extension, model):
    extension.model = str(model)
    bpy.data.actions.new("of nobody")
    for which, says in (("ACTIVE", "armature"), ("ALL", "moves no human armature")):
        with pytest.raises(RuntimeError, match=says):
            bpy.ops.motionary.caption(which=which)


def test_a_model_that_is_not_there_is_said(character, extension, tmp_path):
    extension.model = str(tmp_path / "nowhere")
    with pytest.raises(RuntimeError, match="no model bundle"):
        bpy.ops.motionary.caption()
    assert not names()


# Found while Blender goes on


def test_the_thread_finds_what_is_found_here(character, model):
    clips = [(name, found) for name, found in read_clips(None) if isinstance(found, Clip)]
    assert {name.partition(".")[0] for name, _ in clips} == {"wait", "go"}
    here = list(captioning.propose(clips, model, None))
    thread = Captioner(clips, model, None)
    found, deadline = [], time.monotonic() + 60
    while not thread.is_done:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    found += thread.take()
    thread.close()
    assert (found, thread.failure) == (here, "")


def test_a_thread_that_fails_says_why(character, tmp_path):
    thread = Captioner([("go", Clip("go", walk(1.0)))], tmp_path, None)
    deadline = time.monotonic() + 60
    while not thread.is_done:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert "no model bundle" in thread.failure
    assert thread.take() == []
    thread.close()


def test_a_thread_that_is_stopped_ends(character, model):
    thread = Captioner([("go", Clip("go", walk(1.0)))] * 500, model, None)
    thread.close()
    assert thread.is_done
    assert thread.failure == ""
    assert len(thread.take()) < 500


class Waiting:
    """The operator between invoke and the dialog, and Blender's side of it."""

    def __init__(self, monkeypatch, armature=None):
        self.reports, self.status, self.asked = [], [], []
        kind = operators.MOTIONARY_OT_caption
        self.operator = SimpleNamespace(
            _reading=read_clips(armature),
            _left_out=[],
            _clips=[],
            _found=[],
            _thread=None,
            _timer="timer",
            which="ALL",
            overwrite=False,
            report=lambda kind, text: self.reports.append((kind, text)),
        )
        for name in ("_end", "_tell_left_out"):
            setattr(self.operator, name, getattr(kind, name).__get__(self.operator))
        manager = SimpleNamespace(event_timer_remove=lambda timer: self.status.append(timer))
        self.context = SimpleNamespace(
            window_manager=manager,
            workspace=SimpleNamespace(status_text_set=self.status.append),
            preferences=bpy.context.preferences,
        )
        monkeypatch.setattr(operators, "_ask", lambda *given: self.asked.append(given))

    def event(self, kind="TIMER"):
        return operators.MOTIONARY_OT_caption.modal(self.operator, self.context, SimpleNamespace(type=kind))

    def finish(self):
        deadline = time.monotonic() + 60
        while (answer := self.event()) == {"RUNNING_MODAL"}:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return answer


def test_the_dialog_is_asked_with_what_was_found(character, monkeypatch):
    describe(bpy.data.actions[0], "there already", [])
    waiting = Waiting(monkeypatch)
    assert waiting.event("MOUSEMOVE") == {"PASS_THROUGH"}
    assert waiting.finish() == {"CANCELLED"}
    ((which, overwrite, listed),) = waiting.asked
    assert (which, overwrite) == ("ALL", False)
    rows = {row["name"]: row for row in listed}
    assert len(rows) == 2
    assert [row["use"] for row in rows.values()].count(False) == 1
    assert not rows[bpy.data.actions[0].name]["use"]
    assert all(row["caption"].startswith("a person ") for row in rows.values())
    assert any("of nobody" in text for _, text in waiting.reports)
    assert waiting.status[-2:] == ["timer", None]
    assert not operators._running


def test_esc_ends_it(character, monkeypatch):
    waiting = Waiting(monkeypatch)
    while waiting.operator._thread is None:
        assert waiting.event() == {"RUNNING_MODAL"}
    assert waiting.event("ESC") == {"CANCELLED"}
    assert waiting.operator._thread.is_done
    assert not waiting.asked
    assert waiting.status[-2:] == ["timer", None]


def test_a_failure_while_waiting_is_told(character, extension, monkeypatch, tmp_path):
    extension.model = str(tmp_path / "nowhere")
    waiting = Waiting(monkeypatch)
    assert waiting.finish() == {"CANCELLED"}
    assert waiting.reports[-1][0] == {"ERROR"}
    assert "no model bundle" in waiting.reports[-1][1]
    assert not waiting.asked


def test_the_rows_are_drawn(character):
    layout = Layout()
    item = SimpleNamespace(name="go", use=True, sure="80%")
    operators.MOTIONARY_UL_captions.draw_item(None, bpy.context, layout, None, item, 0, None, "row")
    assert [text for text in layout.texts() if text in ("use", "go", "caption", "80%", "tags")]
    menu = Layout()
    operators._draw_menu(SimpleNamespace(layout=menu), bpy.context)
    assert "Caption All Actions…" in menu.texts()


def test_what_is_not_an_installed_extension_has_no_folder_of_its_own():
    assert cache_place() is None


def test_reading_refuses_what_plays_nothing(empty):
    armature, _ = make("Mixamo")
    with pytest.raises(MotionaryError, match="no Action"):
        list(read_clips(armature))
