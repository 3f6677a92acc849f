"""A library beside a collection of Milvus Lite, by the client that a server has, too."""

import json
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pymilvus", reason="pymilvus is not installed")
pytest.importorskip("milvus_lite", reason="Milvus Lite has no wheel for this platform", exc_type=ImportError)

from typer.testing import CliRunner

from motionary import commands
from motionary.candidates import Asked, chosen_by
from motionary.captions.facts_array import COLUMNS, UNKNOWN, code
from motionary.cli import app
from motionary.codec import encode_motion
from motionary.errors import MotionaryError
from motionary.filters import HANDS, Filter, rows_that_pass
from motionary.library import (
    Model,
    NewClip,
    Source,
    open_library,
    remove_sources,
    replace_source,
    set_model,
    set_starred,
)
from motionary.motion import Motion, Skeleton
from motionary.screen import PLAIN
from motionary.search import search, search_vector, similar
from motionary_scale import milvus, milvus_fill
from motionary_scale.milvus import check_index, finder, open_index, parse_place
from motionary_scale.milvus_fill import Filled, fill_index

DIM = 8
MODEL = Model("m" * 64, "made up", DIM)
TAGS = ("walk", "Run", "a'b", 'x"y', "50%", "back\\slash", "a_b", "and", "Überholen")
WORDS = ("walks", "runs", "jumps", "left", "slowly", "waves")
FOLDERS = ("/mocap/a b", 'D:\\takes "raw"', "/mocap/100%_done", "/Läufe")
CLIPS = 60


class Texts:
    """A model of words alone: each has a direction of its own."""

    id, name, known_words = MODEL.id, MODEL.name, frozenset()

    def embed_texts(self, texts):
        rows = np.zeros((len(texts), DIM), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.split():
                row += np.random.default_rng(list(word.encode())).standard_normal(DIM)
            row /= np.linalg.norm(row) + 1e-9
        return rows


def made_clip(rng, number):
    windows = int(rng.integers(1, 4))
    facts = np.tile(UNKNOWN, (windows, 1))
    for row in facts[: int(rng.integers(0, windows + 1))]:
        row[:] = 0
        row[COLUMNS.index("distance_m")] = rng.choice([0.1, 0.5, 2.0])
        row[COLUMNS.index("loops")] = rng.integers(0, 2)
        row[COLUMNS.index("hand_busy")] = code(str(rng.choice(["none", *HANDS[1:]])))
        row[COLUMNS.index("hand_raised")] = code(str(rng.choice(["none", *HANDS[1:]])))
    vectors = rng.standard_normal((windows, DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    frames = int(rng.integers(3, 90))
    turns = np.tile([1.0, 0, 0, 0], (frames, 1, 1))
    motion = Motion(Skeleton(("j",), [-1], np.zeros((1, 3))), turns, np.zeros((frames, 3)), 30)
    starts = np.arange(windows) * frames / 90
    return NewClip(
        f"clip {number}",
        motion.skeleton,
        30.0,
        frames,
        encode_motion(motion),
        (f"a person {' '.join(rng.choice(WORDS, 3))}",),
        tuple(rng.choice(TAGS, int(rng.integers(0, 3)), replace=False).tolist()),
        np.stack([starts, starts + 0.5], axis=1),
        vectors,
        facts,
    )


def put(path, seed=0, count=CLIPS, model=MODEL, first=0):
    rng = np.random.default_rng(seed)
    with open_library(path, write=True) as library:
        set_model(library, model)
        for number in range(first, first + count):
            source = Source(f"{FOLDERS[number % len(FOLDERS)]}/take{number}.bvh", 1, 1, "x")
            replace_source(library, source, [made_clip(rng, number)], model)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A library, and the address of its collection."""
    folder = tmp_path_factory.mktemp("milvus")
    put(folder / "l.motionary")
    address = f"milvus+lite:{folder / 'l.db'}"
    with open_library(folder / "l.motionary") as library:
        fill_index(library, address)
    return folder / "l.motionary", address


@pytest.fixture(scope="module")
def held(filled):
    """The library and its collection, open."""
    with open_library(filled[0]) as library, finder(filled[1], library) as found:
        yield library, found


@contextmanager
def fresh(tmp_path, count=10):
    put(tmp_path / "l.motionary", count=count)
    yield tmp_path / "l.motionary", f"milvus+lite:{tmp_path / 'l.db'}"


def fill(path, address):
    with open_library(path) as library:
        return fill_index(library, address)


def keys_at(address):
    with open_index(address) as index:
        return set(milvus_fill._keys(index.client, index.place).tolist())


filters = st.builds(
    Filter,
    min_s=st.sampled_from([0.0, 0.1, 1.0]),
    max_s=st.sampled_from([None, 1.0, 2.5]),
    tags=st.lists(st.sampled_from((*TAGS, "nobody")), max_size=2).map(tuple),
    source=st.sampled_from(["", "TAKE1", 'takes "raw"', "%", "_", "100%_", "\\", "läufe", "Läufe"]),
    starred=st.just(False),
    min_distance=st.sampled_from([0.0, 0.1, 0.5]),
    max_distance=st.sampled_from([None, 0.5]),
    loops=st.booleans(),
    hand=st.sampled_from(HANDS),
)


@settings(max_examples=60, deadline=None)
@given(
    wanted=filters,
    query=st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join),
    then=st.sampled_from(["", ", then jumps", " -left"]),
    top=st.sampled_from([1, 10]),
)
def test_hits_and_scores_are_those_of_exact_search(held, wanted, query, then, top):
    library, found = held
    exact = search(library, Texts(), query + then, top, among=rows_that_pass(library, wanted))
    by_index = search(library, Texts(), query + then, top, choose=chosen_by(library, found.nearest, wanted))
    assert [replace(hit, score=0) for hit in by_index] == [replace(hit, score=0) for hit in exact]
    assert np.allclose([hit.score for hit in by_index], [hit.score for hit in exact], atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(wanted=filters)
def test_milvus_itself_holds_back_what_does_not_pass(held, wanted):
    library, found = held
    asked = Asked(np.eye(DIM, dtype=np.float32)[:1], (), CLIPS)
    rows = rows_that_pass(library, wanted)
    passing = library.embeddings.clips if rows is None else library.embeddings.clips[rows]
    assert found.nearest(asked, wanted) == sorted(set(passing.tolist()))


def test_what_is_like_a_clip_is_found_as_by_exact_search(held):
    library, found = held
    choose = chosen_by(library, found.nearest, Filter())
    for clip in (1, 7):
        exact = similar(library, clip, 5)
        by_index = similar(library, clip, 5, choose=choose)
        assert [hit.clip for hit in by_index] == [hit.clip for hit in exact]
    vector, image = np.eye(DIM, dtype=np.float32)[:2]
    exact = search_vector(library, vector, 5, mirrored=image)
    by_index = search_vector(library, vector, 5, mirrored=image, choose=choose)
    assert [(h.clip, h.mirrored) for h in by_index] == [(h.clip, h.mirrored) for h in exact]


def test_the_best_cosines_are_those_of_all_embeddings(held):
    library, found = held
    vectors = Texts().embed_texts(["walks", "runs left"])
    best = (library.embeddings.vectors @ vectors.T).max(axis=0)
    assert np.allclose(found.best_cosines(vectors), best, atol=1e-6)


def test_a_take_that_takes_all_places_does_not_hide_the_other_clips(held, monkeypatch):
    monkeypatch.setattr(milvus, "NEAR", 10)
    assert len(held[1].nearest(Asked(np.eye(DIM, dtype=np.float32)[:1], (), 11), Filter())) >= 11


@pytest.mark.parametrize("kind", ["hnsw", "ivf_flat"])
def test_other_kinds_of_index_find_the_same(tmp_path, kind):
    with fresh(tmp_path, count=50) as (path, address):
        fill(path, f"{address}?kind={kind}")
        with open_library(path) as library, finder(address, library) as found:
            choose = chosen_by(library, found.nearest, Filter())
            exact = search(library, Texts(), "walks left")
            assert [hit.clip for hit in search(library, Texts(), "walks left", choose=choose)] == [
                hit.clip for hit in exact
            ]


def test_a_second_run_does_only_what_has_changed(tmp_path):
    with fresh(tmp_path) as (path, address):
        first = fill(path, address)
        assert first.removed == first.kept == 0
        assert fill(path, address) == Filled(0, 0, first.added)
        with open_library(path, write=True) as library:
            windows = np.bincount(library.embeddings.clips).tolist()
            set_starred(library, 3, True)
            remove_sources(library, [f"{FOLDERS[0]}/take0.bvh"])
        changed = fill(path, address)
        assert changed == Filled(windows[3], windows[3] + windows[1], sum(windows) - windows[3] - windows[1])
        with open_library(path) as library, finder(address, library) as found:
            asked = Asked(np.eye(DIM, dtype=np.float32)[:1], (), 10)
            assert found.nearest(asked, Filter(starred=True)) == [3]
            assert 1 not in found.nearest(asked, Filter())


def test_an_interrupted_run_goes_on(tmp_path, monkeypatch):
    with fresh(tmp_path) as (path, address):
        monkeypatch.setattr(milvus_fill, "ROWS", 3)
        send, sent = milvus_fill._send, []

        def interrupted(client, place, rows):
            if len(sent) == 2:
                raise KeyboardInterrupt
            sent.append(rows)
            return send(client, place, rows)

        monkeypatch.setattr(milvus_fill, "_send", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fill(path, address)
        with open_library(path) as library:
            rows = len(library.embeddings.clips)
            with pytest.raises(MotionaryError, match=r"not filled to the end; motionary index .* goes on"):
                finder(address, library).__enter__()
        monkeypatch.setattr(milvus_fill, "_send", send)
        assert fill(path, address) == Filled(rows - 6, 0, 6)
        assert len(keys_at(address)) == rows


def test_a_collection_of_another_model_is_refused_and_filled_anew(tmp_path):
    with fresh(tmp_path) as (path, address):
        before = fill(path, address)
        other = Model("o" * 64, "another", DIM)
        put(path, seed=1, count=10, model=other)
        with open_library(path) as library, pytest.raises(MotionaryError) as told:
            finder(address, library).__enter__()
        assert "filled by model made up (mmmmmmmm), not by another (oooooooo)" in str(told.value)
        after = fill(path, address)
        assert (after.removed, after.kept) == (before.added, 0)
        with open_library(path) as library, finder(address, library) as found:
            assert found.earlier == ""


def test_a_model_of_another_size_has_its_collection_made_anew(tmp_path):
    with fresh(tmp_path, count=3) as (path, address):
        fill(path, address)
        with open_library(path, write=True) as library:
            set_model(library, wide := Model("w" * 64, "wide", DIM + 2))
            for clip in (1, 2, 3):
                milvus_rows = np.eye(DIM + 2, dtype=np.float32)[clip : clip + 1]
                from motionary.library import set_embeddings

                set_embeddings(library, wide, [(clip, np.array([[0.0, 0.1]]), milvus_rows, None)])
        assert fill(path, address) == Filled(3, 0, 0)


def test_a_library_that_changed_since_is_searched_and_that_is_said(tmp_path):
    with fresh(tmp_path) as (path, address):
        fill(path, address)
        with open_library(path, write=True) as library:
            set_starred(library, 2, True)
        with open_library(path) as library, open_index(address) as index:
            assert "is of an earlier state of" in check_index(index, library, MODEL)
            assert f"motionary index --library {path} --index {address}" in check_index(index, library, MODEL)


def test_another_librarys_collection_is_neither_asked_nor_overwritten(tmp_path):
    with fresh(tmp_path) as (path, address):
        fill(path, address)
        before = keys_at(address)
        other = tmp_path / "other.motionary"
        put(other, seed=5, count=4)
        with pytest.raises(MotionaryError, match=r"filled from l.motionary, and nothing in it is of .*other"):
            fill(other, address)
        assert keys_at(address) == before
        with open_library(other) as library, pytest.raises(MotionaryError, match=r"filled from l\.motionary"):
            finder(address, library).__enter__()


def test_a_copy_of_a_library_is_no_other(tmp_path):
    with fresh(tmp_path) as (path, address):
        fill(path, address)
        copy = tmp_path / "copy.motionary"
        copy.write_bytes(path.read_bytes())
        with open_library(copy) as library, finder(address, library) as found:
            assert found.earlier == ""


def test_a_collection_of_another_program_is_left_alone(tmp_path):
    with fresh(tmp_path) as (path, address):
        place = parse_place(address)
        with milvus.connected(place) as client:
            client.create_collection(place.collection, dimension=DIM)
        with pytest.raises(MotionaryError, match="another program"):
            fill(path, address)


def test_a_library_without_clips_is_told(tmp_path):
    with open_library(tmp_path / "l.motionary", write=True):
        pass
    with pytest.raises(MotionaryError, match="has no clip yet"):
        fill(tmp_path / "l.motionary", f"milvus+lite:{tmp_path / 'l.db'}")
    assert not (tmp_path / "l.db").exists()


def test_more_clips_than_milvus_gives_are_refused(held):
    with pytest.raises(MotionaryError, match="ask for 1,000 or fewer"):
        held[1].nearest(Asked(np.eye(DIM, dtype=np.float32)[:1], (), 2000), Filter())


def test_tags_that_do_not_fit_are_told(tmp_path):
    from motionary.library import set_words

    with fresh(tmp_path, count=1) as (path, address):
        with open_library(path, write=True) as library:
            set_words(library, {1: ((), ("%" * 30_000,))})
        with pytest.raises(
            MotionaryError, match="clip clip 0 has more letters in its tags than Milvus takes"
        ):
            fill(path, address)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("milvus://127.0.0.1:1/clips", "nobody answers there"),
        ("milvus+lite:{folder}/none.db", "there is no such collection yet; motionary index"),
        ("milvus+lite:{folder}/none.txt", "end the path with .db"),
        ("milvus://user:secret@127.0.0.1/clips", "put the token into MOTIONARY_MILVUS_TOKEN"),
        ("milvus://127.0.0.1", "a collection's address is"),
        ("milvus://127.0.0.1:port/clips", "a collection's address is"),
        ("milvus://127.0.0.1/clips; drop", "a collection's address is"),
        ("milvus://127.0.0.1/a/b/c", "a collection's address is"),
        ("milvus://127.0.0.1/clips?kind=magic", "a collection's address is"),
        ("postgres://127.0.0.1/clips", "a collection's address is"),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_sentence(filled, tmp_path, address, told):
    with open_library(filled[0]) as library, pytest.raises(MotionaryError) as error:
        finder(address.format(folder=tmp_path), library).__enter__()
    assert told in str(error.value)
    assert "\n" not in str(error.value)
    assert "secret" not in str(error.value)


def test_addresses_are_read():
    plain = parse_place("milvus://milvus.studio/clips")
    assert (plain.uri, plain.database, plain.collection) == ("http://milvus.studio:19530", "", "clips")
    secure = parse_place("milvuss://[::1]:443/mocap/clips?kind=HNSW")
    assert (secure.uri, secure.database, secure.collection) == ("https://[::1]:443", "mocap", "clips")
    assert secure.kind == "hnsw"
    assert parse_place("milvus+lite:///srv/clips.db").uri == "/srv/clips.db"


def test_pymilvus_that_is_missing_is_told(filled, monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(milvus.importlib, "import_module", missing)
    with open_library(filled[0]) as library, pytest.raises(MotionaryError) as error:
        finder(filled[1], library).__enter__()
    assert 'pip install "motionary[scale]"' in str(error.value)


def test_the_commands_of_a_core_alone_say_what_is_missing(filled, monkeypatch):
    monkeypatch.setattr(
        commands.importlib, "import_module", partial(_no_package, commands.importlib.import_module)
    )
    with pytest.raises(
        MotionaryError, match=r'--index cannot be had here .* pip install "motionary\[scale\]"'
    ):
        commands._milvus("milvus")
    with pytest.raises(commands.WrongUsage, match="give a SOURCE"):
        commands.index(
            filled[0],
            (),
            model=None,
            workers=None,
            fps=None,
            reread=False,
            reembed=False,
            device="numpy",
            find_blender=lambda: None,
            prune=False,
            ray=None,
            milvus=None,
            as_json=False,
            screen=PLAIN,
        )


def _no_package(real, name):
    if name.startswith("motionary_scale"):
        raise ModuleNotFoundError(f"No module named {name!r}")
    return real(name)


def test_the_command_line_fills_a_collection_and_says_how_much(filled, tmp_path):
    address = f"milvus+lite:{tmp_path / 'c.db'}"
    run = partial(CliRunner().invoke, app)
    done = run(["index", "--library", str(filled[0]), "--index", address, "--json"])
    assert done.exit_code == 0
    with open_library(filled[0]) as library:
        rows = len(library.embeddings.clips)
    assert json.loads(done.stdout)["index"] == {"added": rows, "removed": 0, "kept": 0}
    again = run(["index", "--library", str(filled[0]), "--index", address])
    assert again.stdout == f"{address}: added 0, removed 0, kept {rows} embeddings\n"
    refused = run(["search", "https://127.0.0.1:1/v1/libraries/x", "walks", "--index", address])
    assert refused.exit_code == 2
