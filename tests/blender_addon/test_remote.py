"""Served libraries in the extension: added, searched, seen, applied; offline, gone, slow and hostile."""

import socket
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")

from blender_addon import command, fetched, online, session  # noqa: E402
from blender_addon.actions import bag_of  # noqa: E402
from blender_addon.engine import (  # noqa: E402
    Answer,
    Engine,
    Held,
    Listed,
    Listing,
    Look,
    Looked,
    Picture,
    Pictures,
    Question,
    Survey,
    Surveyed,
    answer,
)
from blender_addon.fetched import Motions  # noqa: E402
from blender_addon.libraries import libraries  # noqa: E402
from blender_addon.operators.served import MOTIONARY_OT_served_find  # noqa: E402
from blender_addon.preferences import chosen_library, listed_libraries, place_at  # noqa: E402
from blender_addon.properties import state  # noqa: E402
from blender_addon.session import current  # noqa: E402
from blender_addon.ui import library_panel, panel  # noqa: E402
from motionary.bundle import load_bundle  # noqa: E402
from motionary.errors import MotionaryError  # noqa: E402
from motionary.index import add_clips  # noqa: E402
from motionary.library import open_library  # noqa: E402
from motionary.motion import Clip  # noqa: E402
from motionary.remote import Access, Client, Served, served_at  # noqa: E402
from motionary.search import Hit  # noqa: E402
from tests.blender_addon.layouts import Layout, drawn  # noqa: E402
from tests.bundles import make_bundle  # noqa: E402
from tests.motions import standing, walk  # noqa: E402
from tests.stand_in import serving  # noqa: E402

TOKEN = "q7-Zebra-1f"
CLIPS = [
    Clip("walk", walk(2.0), "/studio/walk.bvh", ("a person walks",), ("gait",)),
    Clip("march", walk(14.0), "/studio/march.bvh"),
    Clip("stand", standing(60), "/studio/stand.bvh"),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def library(tmp_path_factory, model):
    path = tmp_path_factory.mktemp("library") / "moves.motionary"
    with open_library(path, write=True) as made:
        for clip in CLIPS:
            add_clips([clip], made, load_bundle(model), source=clip.source)
    return path


@pytest.fixture
def server(library, model):
    with serving({"moves": library, "more moves": library}, model, token=TOKEN) as stand_in:
        yield stand_in


@pytest.fixture
def ready(extension, server):
    """The extension, with the server's library chosen."""
    add(extension, server)
    yield extension
    extension.libraries.clear()


@pytest.fixture
def posed(human, ready):
    """The same, with a character."""
    return human


@pytest.fixture
def online_access(monkeypatch):
    """Say whether Blender is online: its own setting is not to be written to."""

    def set_to(is_online):
        app = SimpleNamespace(online_access=is_online, online_access_override=False)
        monkeypatch.setattr(online, "bpy", SimpleNamespace(app=app))

    return set_to


def add(settings, server, name="moves", token=TOKEN):
    settings.server_address, settings.server_token = server.address, token
    assert bpy.ops.motionary.served_find() == {"FINISHED"}
    assert bpy.ops.motionary.served_add(library=name) == {"FINISHED"}
    assert bpy.ops.motionary.served_close() == {"FINISHED"}


def refused(operator, **options):
    """What an operator says that will not."""
    with pytest.raises(RuntimeError) as error:
        operator(**options)
    said = str(error.value).strip()
    assert "Traceback" not in said
    return said


def found():
    return [hit.name for hit in current().hits]


def texts(kind):
    return " ".join(drawn(kind, bpy.context).texts())


# Adding


def test_a_server_is_asked_which_libraries_it_has_and_one_is_added(empty, extension, server):
    extension.server_address, extension.server_token = server.address, TOKEN
    assert bpy.ops.motionary.served_find() == {"FINISHED"}
    shown = texts(library_panel.MOTIONARY_PT_libraries)
    assert f"{server.address} " in shown
    assert "moves (3)" in shown
    assert "more moves (3)" in shown
    assert bpy.ops.motionary.served_add(library="more moves") == {"FINISHED"}
    assert str(chosen_library()) == f"{server.address}/v1/libraries/more%20moves"
    assert panel.library_label() == "more moves"
    (item,) = libraries()
    assert item.token == TOKEN
    assert bpy.ops.motionary.served_close() == {"FINISHED"}
    assert extension.server_token == ""
    assert "(3)" not in texts(library_panel.MOTIONARY_PT_libraries)


def test_the_token_may_come_from_the_environment_and_is_then_not_kept(empty, extension, server, monkeypatch):
    monkeypatch.setenv("MOTIONARY_TOKEN", TOKEN)
    add(extension, server, token="")
    (item,) = libraries()
    assert item.token == ""
    assert chosen_library().access.token == TOKEN
    bpy.ops.motionary.search(query="a person walks")
    assert len(found()) == 3


def test_what_cannot_be_added_says_so_in_one_sentence(empty, extension, server):
    assert "no address of a server" in refused(bpy.ops.motionary.served_find, address="ftp://studio")
    assert "asks for a token" in refused(bpy.ops.motionary.served_find, address=server.address)
    extension.server_token = "other"
    assert "does not accept the token" in refused(bpy.ops.motionary.served_find)
    extension.server_token = TOKEN
    bpy.ops.motionary.served_find()
    assert "has no library 'none' for you" in refused(bpy.ops.motionary.served_add, library="none")
    bpy.ops.motionary.served_close()
    assert "Ask a server first" in refused(bpy.ops.motionary.served_add, library="moves")
    assert "No server was asked" in refused(bpy.ops.motionary.served_close)
    assert len(libraries()) == 0


def test_adding_twice_lists_once_and_forgetting_forgets_the_token(empty, ready, server):
    add(ready, server)
    assert len(libraries()) == 1
    assert bpy.ops.motionary.library_forget(filepath=server.url("moves")) == {"FINISHED"}
    assert len(libraries()) == 0
    assert ready.library == ""


def test_an_address_that_was_broken_by_hand_is_a_library_that_is_not_there(empty, ready):
    libraries()[0].path = "https://[broken"
    assert isinstance(listed_libraries()[0], Path)
    ready.library = "https://[broken"
    assert "not there any more" in refused(bpy.ops.motionary.search, query="a person walks")
    texts(library_panel.MOTIONARY_PT_libraries)


# Who may be asked


def test_offline_only_this_machine_is_asked(empty, extension, server, online_access):
    online_access(False)
    add(extension, server)
    bpy.ops.motionary.search(query="a person walks")
    assert len(found()) == 3
    says = refused(bpy.ops.motionary.served_find, address="https://studio:8423")
    assert "Allow Online Access in Preferences" in says


def test_going_offline_is_heeded_with_the_next_question(empty, extension, online_access, monkeypatch):
    monkeypatch.setattr(socket, "create_connection", lambda *_: pytest.fail("asked while offline"))
    extension.library = "https://studio/v1/libraries/moves"
    online_access(False)
    assert "Blender is offline" in refused(bpy.ops.motionary.search, query="a person walks")
    current().server = Served("https://studio", "")
    assert "Blender is offline" in refused(bpy.ops.motionary.served_add, library="moves")
    current().server = None
    extension.libraries.add().path = "https://studio/v1/libraries/moves"
    assert "Blender is offline" in texts(library_panel.MOTIONARY_PT_libraries)
    online_access(True)
    assert "offline" not in texts(library_panel.MOTIONARY_PT_libraries)
    extension.libraries.clear()


def test_a_token_travels_unencrypted_only_where_that_is_allowed(empty, extension, online_access, monkeypatch):
    online_access(True)
    asked = []

    def connect(address, *_):
        asked.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    extension.server_token = TOKEN
    says = refused(bpy.ops.motionary.served_find, address="http://studio:8423")
    assert "would travel unencrypted" in says
    assert asked == []
    extension.server_unencrypted = True
    assert "no server answers there" in refused(bpy.ops.motionary.served_find)
    assert asked == [("studio", 8423)]


def test_what_is_written_into_files_and_logs_has_no_token(empty, ready, tmp_path):
    bpy.ops.motionary.search(query="a person walks")
    path = tmp_path / "scene.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=False)
    assert TOKEN.encode() not in path.read_bytes()
    for name in ("served_find", "served_add", "served_close"):
        properties = getattr(bpy.ops.motionary, name).get_rna_type().properties
        assert not any("token" in item.identifier for item in properties)


def test_the_dialog_says_what_matters_for_the_address_that_is_typed(empty, extension, online_access):
    online_access(False)

    def shown(address):
        extension.server_address = address
        layout = Layout()
        MOTIONARY_OT_served_find.draw(SimpleNamespace(layout=layout), bpy.context)
        return " ".join(layout.texts())

    assert "kept unencrypted in Blender's preferences" in shown("https://studio")
    assert "Blender is offline" in shown("https://studio")
    assert "server_unencrypted" in shown("http://studio")
    for address in ("http://127.0.0.1:8423", "http://localhost"):
        assert "server_unencrypted" not in shown(address)
        assert "offline" not in shown(address)
    shown("http://[")  # half typed


# Searching


def test_a_served_library_is_searched_stepped_through_and_likened(empty, ready):
    bpy.ops.motionary.search(query="a person walks")
    assert sorted(found()) == ["march", "stand", "walk"]
    assert "Best 3 of 3 clips" in texts(panel.MOTIONARY_PT_main)
    first = current().chosen
    bpy.ops.motionary.step(step=1)
    bpy.ops.motionary.similar(to="CLIP")
    assert len(found()) == 2
    assert current().question.like is not None
    typed = state()
    typed.use_filters, typed.min_seconds = True, 10.0
    bpy.ops.motionary.search(query="a person walks")
    assert found() == ["march"]
    assert current().clips == 1
    assert first.source == Path(first.source).name


def test_what_needs_a_file_says_so(posed, ready):
    bpy.ops.motionary.search(query="a person walks")
    for name, options in (
        ("star", {"index": 0}),
        ("index", {}),
        ("library_add_folder", {"directory": "/"}),
        ("library_add_files", {"directory": "/"}),
        ("library_remove_source", {"filepath": "/"}),
        ("library_upgrade", {}),
        ("store_action", {}),
        ("show_source", {}),
        ("mark_asset", {}),
        ("mark_assets", {"what": "LIBRARY"}),
        ("mark_assets_dialog", {"what": "RESULTS"}),
    ):
        if name in dir(bpy.ops.motionary):
            says = refused(getattr(bpy.ops.motionary, name), **options)
            assert "This library is served, so it can only be searched: choose a library file" in says, name
    bpy.ops.motionary.apply()
    assert "searched by words or by its own clips" in refused(bpy.ops.motionary.similar, to="ACTION")


def test_a_server_that_is_gone_is_one_sentence_and_the_next_question_finds_it_again(
    empty, extension, library, model
):
    with serving({"moves": library}, model) as server:
        extension.library = server.url("moves")
        bpy.ops.motionary.search(query="a person walks")
        assert len(found()) == 3
    says = refused(bpy.ops.motionary.search, query="a person waves")
    assert "no server answers there; see that it runs" in says
    assert found() == []
    assert "no server answers there" in texts(panel.MOTIONARY_PT_main)
    with serving({"moves": library}, model) as server:
        extension.library = server.url("moves")
        bpy.ops.motionary.search(query="a person waves")
        assert len(found()) == 3


def test_a_server_that_does_not_answer_is_asked_again_by_itself(empty, ready, monkeypatch):
    held = current()
    asked = []
    monkeypatch.setattr(
        session, "bpy", SimpleNamespace(app=SimpleNamespace(background=False, timers=_Timers()))
    )
    monkeypatch.setattr(held.engine, "ask", asked.append)
    state().query = "a person walks"
    held.ask()
    question = next(item for item in asked if isinstance(item, Question))
    for wait in (2.0, 4.0, 8.0, 16.0, 30.0, 30.0):
        began = time.monotonic()
        held._take_answer(Answer(question, failure="gone", later=True))
        assert began + wait <= held._due <= time.monotonic() + wait
        assert held.failure == "gone"
    held._due = time.monotonic()
    assert held.tick() is not None
    again = [item for item in asked if isinstance(item, Question)][-1]
    assert again.query == "a person walks"
    assert again.number > question.number
    held.surveys[again.library] = Surveyed(again.library, failure="gone")
    held._take_answer(Answer(again, clips=3))
    assert (held._due, held._retry, held.failure) == (None, session.RETRY, "")
    assert asked[-1] == Survey((again.library,))  # and what is in it is looked up, too


class _Timers:
    """Blender's timers, which never run in the background."""

    def is_registered(self, _):
        return True


# Drawing


def test_drawing_opens_no_connection(posed, ready, server, monkeypatch):
    bpy.ops.motionary.search(query="a person walks")
    current().surveys[current().library] = Surveyed(current().library)
    current().offer(None)

    def refuse(*_, **__):
        raise AssertionError("draw() must not go to the network")

    panels = [c for c in bpy.types.Panel.__subclasses__() if c.__name__.startswith("MOTIONARY_PT")]
    menus = [c for c in bpy.types.Menu.__subclasses__() if c.__name__.startswith("MOTIONARY_MT")]
    with monkeypatch.context() as closed:
        closed.setattr(socket, "socket", refuse)
        closed.setattr(socket, "create_connection", refuse)
        closed.setattr(Client, "ask", refuse)
        closed.setattr(Engine, "ask", refuse)
        shown = " ".join(text for kind in (*panels, *menus) for text in drawn(kind, bpy.context).texts())
    for expected in ("moves", "Best 3 of 3 clips", "march", server.address, "token"):
        assert expected in shown


# Applying


def test_a_served_clip_is_applied_as_a_librarys_own_is(posed, ready, library):
    bpy.ops.motionary.search(query="a person walks")
    hit = next(hit for hit in current().hits if hit.name == "walk")
    what = {"clip": hit.clip, "start_s": 0.25, "end_s": 1.5, "keep_place": True}
    bpy.ops.motionary.apply(library=str(chosen_library()), **what)
    served = keys(posed)
    bpy.ops.motionary.apply(library=str(library), **what)
    own = keys(posed)
    assert served.keys() == own.keys()
    assert all(np.abs(served[key] - own[key]).max() < 2e-3 for key in own)


def keys(armature):
    """The keyed values of the armature's Action, by F-curve."""
    animation = armature.animation_data
    return {
        (curve.data_path, curve.array_index): np.array([point.co[1] for point in curve.keyframe_points])
        for curve in bag_of(animation.action, animation.action_slot).fcurves
    }


def test_a_part_of_a_long_take_is_all_that_is_fetched(posed, ready, server):
    bpy.ops.motionary.search(query="a person walks")
    hit = next(hit for hit in current().hits if hit.name == "march")
    bpy.ops.motionary.apply(library=server.url("moves"), clip=hit.clip, start_s=2.0, end_s=3.0)
    action = posed.animation_data.action
    rate = bpy.context.scene.render.fps
    assert action.frame_range[1] - action.frame_range[0] == pytest.approx(rate, abs=1.5)
    server.asked.clear()
    bpy.ops.motionary.apply(library=server.url("moves"), clip=hit.clip, start_s=2.0, end_s=3.0)
    assert server.asked == []


def test_a_clip_that_cannot_be_fetched_changes_nothing(posed, ready, server):
    bpy.ops.motionary.search(query="a person walks")
    server.wrong["/motion"] = (200, {}, b"MOTYMOT1" + b"\xff" * 300)
    before = posed.animation_data.action if posed.animation_data else None
    assert "motion is damaged" in refused(bpy.ops.motionary.apply)
    server.wrong["/motion"] = (404, {}, b"{}")
    assert "is not there" in refused(bpy.ops.motionary.apply)
    assert (posed.animation_data.action if posed.animation_data else None) is before


def test_a_clip_that_was_not_searched_for_has_its_name_from_the_server(posed, ready, server):
    bpy.ops.motionary.apply(library=server.url("moves"), clip=1)
    assert "walk" in posed.animation_data.action.name


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


@pytest.fixture
def place(server):
    return served_at(server.url("moves"), Access(TOKEN))


def test_the_thread_answers_and_shows_what_a_server_has(engine, place, server):
    engine.ask(Question(1, place, None, "a person walks"))
    (told,) = wait_for(engine, len)
    assert len(told.hits) == 3
    engine.ask(Look(place, told.hits[0], False))
    engine.ask(Pictures(place, told.hits))
    engine.ask(Survey((place,)))
    engine.ask(Listing(Served(place.server, "", place.access)))
    told = wait_for(engine, lambda told: len(told) >= 2 + 3 + 1 + 1)
    looks = [item for item in told if isinstance(item, Looked)]
    assert looks[0].joints.shape[1:] == (22, 3)
    assert len(looks[1].images) == 24
    assert len([item for item in told if isinstance(item, Picture)]) == 3
    assert [item.summary.clips for item in told if isinstance(item, Surveyed)] == [3]
    assert [facts.name for item in told if isinstance(item, Listed) for facts in item.libraries] == [
        "moves",
        "more moves",
    ]
    until = time.monotonic() + 30
    while engine.is_busy:
        assert time.monotonic() < until
        time.sleep(0.01)
    motions = [path for path in server.asked if path.endswith("/motion")]
    assert len(motions) == 3  # the picture of what was looked at took no second look


def test_a_newer_question_is_not_kept_waiting_by_a_server_that_hangs(engine, place, server, library, model):
    server.wait.clear()
    engine.ask(Question(1, place, None, "a person walks"))
    until = time.monotonic() + 30
    while not server.asked:
        assert time.monotonic() < until
        time.sleep(0.01)
    engine.ask(Question(2, library, model, "a person walks"))
    (told,) = wait_for(engine, len)
    assert told.question.number == 2
    assert len(told.hits) == 3


def test_the_thread_ends_while_a_server_hangs(place, server):
    server.wait.clear()
    engine = Engine()
    engine.ask(Look(place, _hit(), False))
    until = time.monotonic() + 30
    while not server.asked:
        assert time.monotonic() < until
        time.sleep(0.01)
    thread = engine._thread
    engine.close()
    assert not thread.is_alive()


def _hit():
    return Hit(1, 1, "walk", 0.5, 0.0, 1.0, 20.0, "walk.bvh", (), (), 2.0)


def test_a_strangers_answers_do_not_harm_the_thread(engine, place, server):
    server.wrong["/search"] = (200, {}, b'{"hits": [{}], "total": 1}')
    engine.ask(Question(1, place, None, "a person walks"))
    (told,) = wait_for(engine, len)
    assert "cannot be understood" in told.failure
    assert not told.later
    server.wrong["/search"] = (503, {}, b"")
    engine.ask(Question(2, place, None, "a person walks"))
    (told,) = wait_for(engine, len)
    assert told.later
    server.wrong.clear()
    engine.ask(Question(3, place, None, "a person walks"))
    (told,) = wait_for(engine, len)
    assert len(told.hits) == 3


@pytest.mark.parametrize("is_told", [False, True], ids=["looked up", "told with the answer"])
def test_a_library_that_changed_is_news_and_its_motions_are_fetched_anew(is_told, place, server, monkeypatch):
    found = server.found
    if is_told:
        server.found = lambda *asked: found(*asked) | {"state": server.facts("moves")["state"]}
    monkeypatch.setattr("blender_addon.engine.STATE_S", 0.0)
    held = Held()
    first = answer(Question(1, place, None, "a person walks"), held)
    held.motion(place, first.hits[0], whole=False)
    held.motion(place, first.hits[0], whole=False)
    assert sum(path.endswith("/motion") for path in server.asked) == 1
    assert not answer(Question(2, place, None, "a person walks"), held).is_news
    facts = server.facts
    server.facts = lambda name: facts(name) | {"state": "another"}
    assert answer(Question(3, place, None, "a person walks"), held).is_news
    held.motion(place, first.hits[0], whole=False)
    assert sum(path.endswith("/motion") for path in server.asked) == 2
    assert ("GET /v1/libraries/moves" in server.asked) is not is_told
    held.close()


def test_a_server_that_is_gone_is_not_asked_for_every_picture(engine, library, model, monkeypatch):
    with serving({"moves": library}, model) as server:
        place = served_at(server.url("moves"))
        engine.ask(Question(1, place, None, "a person walks"))
        (told,) = wait_for(engine, len)
    tries, connect = [], socket.create_connection
    monkeypatch.setattr(socket, "create_connection", lambda *given: tries.append(given) or connect(*given))
    engine.ask(Pictures(place, told.hits))
    until = time.monotonic() + 60
    while engine.is_busy:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert len(tries) <= 1


# What is kept


def test_motions_are_kept_while_there_is_room(place):
    motion = walk(1.0)
    size = motion.rotations.nbytes + motion.translation.nbytes
    motions, fetches = Motions(room=2 * size), []

    def get(clip, span=(0.0, None)):
        return motions.get(place, clip, span, lambda: fetches.append(clip) or motion)

    for clip in (1, 2, 1, 3, 1, 2):
        get(clip)
    assert fetches == [1, 2, 3, 2]
    part = get(2, (0.25, 0.5))
    assert part.frames == round(0.5 * motion.fps) - round(0.25 * motion.fps)
    assert fetches == [1, 2, 3, 2]  # a part of what is kept whole


def test_what_changed_while_it_was_fetched_is_not_kept(place):
    motions = Motions()
    motions.is_news(place, "1")
    motions.get(place, 1, (0.0, None), lambda: motions.is_news(place, "2") and walk(0.5))
    again = threading.Event()
    motions.get(place, 1, (0.0, None), lambda: again.set() or walk(0.5))
    assert again.is_set()


def test_blender_does_not_stand_still_for_ever_for_a_motion(place, server, monkeypatch):
    monkeypatch.setattr(fetched, "PATIENCE", 0.3)
    server.wait.clear()
    with pytest.raises(MotionaryError, match="in time"):
        fetched.fetch_now(Motions(), place, 1, (0.0, None))


# The command line


def test_the_command_of_blender_asks_servers_too(empty, server, monkeypatch, capsys, online_access):
    monkeypatch.setenv("MOTIONARY_TOKEN", TOKEN)
    online_access(False)
    assert command.main(["search", server.url("moves"), "a person walks", "--json"]) == 0
    assert '"walk"' in capsys.readouterr().out
    assert command.main(["search", "https://studio/v1/libraries/moves", "a person walks"]) == 1
    assert "Blender is offline" in capsys.readouterr().err


def test_apply_without_a_window_takes_a_served_library(
    empty, human_file, server, monkeypatch, tmp_path, capfd
):
    monkeypatch.setenv("MOTIONARY_TOKEN", TOKEN)
    made = tmp_path / "made.blend"
    for what in (("--query", "a person walks"), ("--clip", "1")):
        code = command.main(
            [
                *("apply", "--library", server.url("moves"), *what, "--blend", str(human_file)),
                *("--output", str(made), "--json"),
            ]
        )
        assert code == 0, capfd.readouterr().err
        assert made.exists()
        made.unlink()


def test_places_keep_what_is_typed(empty, ready, server):
    assert place_at(server.url("moves")) == chosen_library()
    assert place_at(str(Path("/motions/walks.motionary"))) == Path("/motions/walks.motionary")
