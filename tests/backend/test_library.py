"""The library file: what goes in comes out, what is killed is not lost, what is not a library is refused."""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from motionary import library as library_module
from motionary import rotation
from motionary.codec import encode_motion
from motionary.errors import MotionaryError
from motionary.library import (
    Model,
    NewClip,
    Source,
    clip_ids,
    clip_info,
    clip_motion,
    find_clip,
    load_clip,
    open_library,
    read_embeddings,
    remove_sources,
    replace_source,
    set_embeddings,
    set_model,
    sources,
    summary,
    unembedded,
    update_source,
)
from motionary.motion import Motion, Skeleton

MODEL = Model("a" * 64, "first", 4)
OTHER = Model("b" * 64, "second", 3)


def unit(rows):
    rows = np.asarray(rows, np.float32)
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def moving(frames=20, joints=3, fps=30.0, seed=0):
    rng = np.random.default_rng(seed)
    skeleton = Skeleton(
        tuple(f"j{i}" for i in range(joints)), np.arange(-1, joints - 1), np.full((joints, 3), 0.1)
    )
    turns = rotation.normalize(rng.normal(size=(frames, joints, 4)))
    return Motion(skeleton, turns, rng.normal(size=(frames, 3)), fps)


def new_clip(name="walk", motion=None, captions=(), tags=(), vectors=((1, 0, 0, 0),)):
    motion = motion or moving()
    spans = np.array([[i, i + 1.0] for i in range(len(vectors))])
    return NewClip(
        name, motion.skeleton, motion.fps, motion.frames, encode_motion(motion), captions, tags, spans,
        unit(vectors),
    )  # fmt: skip


def source(path="walk.bvh", **changes):
    return Source(**{"path": path, "size": 10, "mtime_ns": 5, "sha256": "c" * 64, "reading": ""} | changes)


@pytest.fixture
def library(tmp_path):
    with open_library(tmp_path / "a.motionary", write=True) as made:
        set_model(made, MODEL)
        yield made


def test_a_clip_comes_back_whole(library):
    motion = moving()
    replace_source(library, source(), [new_clip("walk", motion, ("a walk", "he walks"), ("gait",))], MODEL)
    with open_library(library.path) as again:
        clip = load_clip(again, find_clip(again, "walk"))
        assert (clip.name, clip.source) == ("walk", "walk.bvh")
        assert clip.captions == ("a walk", "he walks")
        assert clip.tags == ("gait",)
        assert clip.motion.fps == 30.0
        assert clip.motion.skeleton.names == motion.skeleton.names
        np.testing.assert_array_equal(clip.motion.skeleton.offsets, motion.skeleton.offsets)
        np.testing.assert_allclose(clip.motion.translation, motion.translation, atol=1e-4)
        assert again.model == MODEL
        np.testing.assert_array_equal(again.embeddings.vectors, [[1, 0, 0, 0]])
        np.testing.assert_array_equal(again.embeddings.spans, [[0, 1]])


def test_a_source_read_again_replaces_its_clips(library):
    replace_source(library, source(), [new_clip("old"), new_clip("older")], MODEL)
    replace_source(library, source("other.bvh"), [new_clip("other")], MODEL)
    replace_source(library, source(sha256="d" * 64), [new_clip("new", vectors=[[0, 1, 0, 0]] * 3)], MODEL)
    assert [clip_info(library, clip).name for clip in clip_ids(library)] == ["other", "new"]
    assert len(read_embeddings(library).clips) == 4
    assert sources(library)["walk.bvh"].sha256 == "d" * 64


def test_a_skeleton_is_kept_once_and_goes_with_its_last_motion(library):
    replace_source(library, source("a"), [new_clip(), new_clip()], MODEL)
    replace_source(library, source("b"), [new_clip(motion=moving(joints=5))], MODEL)
    assert summary(library).skeletons == 2
    remove_sources(library, ["b"])
    assert summary(library).skeletons == 1
    assert summary(library).clips == 2


def test_the_summary_counts(library):
    replace_source(
        library, source(), [new_clip(tags=("x", "y"), captions=("c",)), new_clip(tags=("y",))], MODEL
    )
    said = summary(library)
    assert (said.clips, said.sources, said.embeddings, said.captions) == (2, 1, 2, 1)
    assert said.duration_s == pytest.approx(40 / 30)
    assert list(said.tags.items()) == [("y", 2), ("x", 1)]


def test_a_touched_file_keeps_its_clips(library):
    replace_source(library, source(), [new_clip()], MODEL)
    update_source(library, source(mtime_ns=99))
    assert sources(library)["walk.bvh"].mtime_ns == 99
    assert summary(library).clips == 1


def test_a_failure_in_the_middle_leaves_what_was_there(library):
    replace_source(library, source(), [new_clip("good")], MODEL)

    def half():
        yield new_clip("half")
        raise RuntimeError("reader broke")

    with pytest.raises(RuntimeError):
        replace_source(library, source(), half(), MODEL)
    assert clip_info(library, find_clip(library, "good")).name == "good"
    assert summary(library).clips == 1


def test_a_new_model_takes_over_only_when_all_is_embedded(library):
    replace_source(library, source(), [new_clip("a"), new_clip("b")], MODEL)
    first, second = clip_ids(library)
    set_embeddings(library, OTHER, [(first, np.array([[0, 1.0]]), unit([[1, 1, 1]]), None)])
    assert library.model == MODEL
    assert len(read_embeddings(library).clips) == 2
    assert unembedded(library, OTHER) == [second]
    set_embeddings(library, OTHER, [(second, np.array([[0, 1.0]]), unit([[1, 1, 1]]), None)])
    set_model(library, OTHER)
    assert library.model == OTHER
    assert read_embeddings(library).vectors.shape == (2, 3)
    assert summary(library).embeddings == 2


@pytest.mark.parametrize(
    ("wanted", "name"), [("2", "walk_fast"), ("walk", "walk"), ("walk_f", "walk_fast"), ("100", "100%")]
)
def test_clips_are_found_by_id_name_and_beginning(library, wanted, name):
    replace_source(
        library, source(), [new_clip(n) for n in ("walk", "walk_fast", "100%", "walk_slow")], MODEL
    )
    assert clip_info(library, find_clip(library, wanted)).name == name


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("walk_", r"may be walk_fast \(id 2\), walk_slow \(id 3\); give the id"),
        ("twin", r"may be twin \(id 4\), twin \(id 5\)"),
        ("%", "no clip '%'"),
        ("9" * 40, "no clip"),
        ("²", "no clip"),
        ("dance", "no clip 'dance'; motionary info --clips"),
    ],
)
def test_unknown_and_ambiguous_clips_are_said(library, wanted, says):
    names = ("walk", "walk_fast", "walk_slow", "twin", "twin")
    replace_source(library, source(), [new_clip(n) for n in names], MODEL)
    with pytest.raises(MotionaryError, match=says):
        find_clip(library, wanted)


def test_a_reader_changes_nothing(library):
    replace_source(library, source(), [new_clip()], MODEL)
    with open_library(library.path) as reader:
        with pytest.raises(MotionaryError, match="cannot be written"):
            replace_source(reader, source(), [], MODEL)
        assert summary(reader).clips == 1


def test_two_writers_are_told_of_each_other(library, monkeypatch):
    library.connection.execute("BEGIN IMMEDIATE")
    with open_library(library.path, write=True) as other:
        other.connection.execute("PRAGMA busy_timeout = 10")
        with pytest.raises(MotionaryError, match="another program is writing"):
            replace_source(other, source(), [new_clip()], MODEL)
    library.connection.execute("ROLLBACK")


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is open cannot be moved on this system")
def test_a_library_that_was_moved_while_it_was_open_is_said(library, tmp_path):
    replace_source(library, source(), [new_clip()], MODEL)
    library.path.rename(tmp_path / "elsewhere.motionary")
    with pytest.raises(MotionaryError, match="moved or deleted while it was open"):
        replace_source(library, source(), [new_clip()], MODEL)


def test_a_full_disk_is_said_and_loses_nothing(library):
    replace_source(library, source(), [new_clip()], MODEL)
    library.connection.execute("PRAGMA max_page_count = 1")  # of what is there, SQLite allows no more
    with pytest.raises(MotionaryError, match="the disk is full; what was indexed before is kept"):
        replace_source(library, source("other.bvh"), [new_clip(motion=moving(20_000))], MODEL)
    assert summary(library).clips == 1


def test_another_thread_may_search(library):
    replace_source(library, source(), [new_clip()], MODEL)
    found = []
    thread = threading.Thread(target=lambda: found.append(len(library.embeddings.clips)))
    thread.start()
    thread.join()
    assert found == [1]


@pytest.mark.parametrize(
    "name", ["a?mode=rwc.motionary", "b#c.motionary", "100%41.motionary", "ü 走.motionary"]
)
def test_any_file_name_will_do(tmp_path, name):
    with open_library(tmp_path / name, write=True) as library:
        set_model(library, MODEL)
    with open_library(tmp_path / name) as library:
        assert library.model == MODEL
    assert [path.name for path in tmp_path.iterdir()] == [name]


# What is not a library


def other_database(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE clips (id)")
        connection.commit()


def with_pragma(statement):
    def make(path):
        open_library(path, write=True).close()
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(statement)

    return make


BAD = {
    "text": (lambda path: path.write_text("HIERARCHY\n" * 50), "not a Motionary library"),
    "empty": (lambda path: path.touch(), "not a Motionary library yet: nothing is in this file"),
    "only the magic": (lambda path: path.write_bytes(b"SQLite format 3\0"), "not a Motionary library"),
    "magic and rubbish": (
        lambda path: path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000),
        "not a Motionary library",
    ),
    "folder": (lambda path: path.mkdir(), "is a folder"),
    "absent": (lambda path: None, "no such library"),
    "another program's": (other_database, "another program's SQLite file"),
    "newer": (with_pragma("PRAGMA user_version = 9"), "library of version 9, not 2; update Motionary"),
    "a trigger": (
        with_pragma("CREATE TRIGGER t AFTER INSERT ON clips BEGIN DELETE FROM clips; END"),
        "its tables are not those",
    ),
    "a view for a table": (
        with_pragma("DROP TABLE tags; CREATE VIEW tags AS SELECT 1 AS clip, 2 AS position, 'x' AS text"),
        "its tables are not those",
    ),
    "a table more": (with_pragma("CREATE TABLE more (x)"), "its tables are not those"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_not_a_library_is_refused_in_one_line_and_left_alone(tmp_path, kind):
    make, says = BAD[kind]
    path = tmp_path / "bad.motionary"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(MotionaryError, match=says) as caught:
        open_library(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert (path.read_bytes() if path.is_file() else None) == before
    if kind not in ("empty", "absent"):
        with pytest.raises(MotionaryError, match=says):
            open_library(path, write=True)
        assert (path.read_bytes() if path.is_file() else None) == before


def test_two_may_make_a_library_at_once(tmp_path, monkeypatch):
    path, real = tmp_path / "a.motionary", library_module.schema_of
    asked = []

    def meanwhile(connection):
        found = real(connection)
        if not asked:
            asked.append(True)
            with open_library(path, write=True) as other:
                set_model(other, MODEL)
        return found

    monkeypatch.setattr(library_module, "schema_of", meanwhile)
    with open_library(path, write=True) as made:
        assert made.model == MODEL


def test_no_folder_for_a_new_library(tmp_path):
    with pytest.raises(MotionaryError, match="folder does not exist"):
        open_library(tmp_path / "nowhere" / "a.motionary", write=True)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_a_file_that_may_not_be_read(library):
    library.path.chmod(0)
    with pytest.raises(MotionaryError, match="cannot be read"):
        open_library(library.path)


DAMAGE = {
    "UPDATE embeddings SET vector = x'00'": "does not have 4 numbers",
    "UPDATE embeddings SET vector = 'text'": "damaged",
    "UPDATE embeddings SET vector = NULL": "NOT NULL",
    "UPDATE embeddings SET vector = x'0000c07f0000c07f0000c07f0000c07f'": "not a number",
    "UPDATE models SET joint_dim = 'many'": "damaged",
    "UPDATE models SET joint_dim = 1 << 40": "does not have 1099511627776 numbers",
    "UPDATE motions SET fps = -1": "damaged",
    "UPDATE motions SET fps = 'fast'": "damaged",
    "UPDATE clips SET end_frame = 500": "not within the motion's 20 frames",
    "UPDATE clips SET start_frame = 7, end_frame = 3": "damaged",
    "UPDATE motions SET data = x'0102'": "damaged",
    "UPDATE motions SET data = 7": "damaged",
    "UPDATE skeletons SET json = '{}'": "damaged",
    "UPDATE skeletons SET json = '[1'": "damaged",
    "UPDATE skeletons SET json = '" + "[" * 100_000 + "'": "damaged",
    """UPDATE skeletons SET json = replace(json, '0.1', 'NaN')""": "not a number",
    """UPDATE skeletons SET json = replace(json, '-1', '5')""": "no root",
    "UPDATE clips SET name = CAST(x'ff' AS TEXT)": "Could not decode to UTF-8",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_values_are_said_in_one_line(library, damage):
    replace_source(library, source(), [new_clip()], MODEL)
    clip = clip_ids(library)[0]

    def read_everything():
        library.connection.executescript(damage)
        with open_library(library.path) as reader:
            load_clip(reader, clip)
            read_embeddings(reader)

    with pytest.raises((MotionaryError, sqlite3.IntegrityError), match=DAMAGE[damage]) as caught:
        read_everything()
    assert "\n" not in str(caught.value)


def test_damaged_pages_are_said_in_one_line_or_harmless(library):
    replace_source(library, source(), [new_clip(f"clip {i}", moving(200, seed=i)) for i in range(20)], MODEL)
    whole = library.path.read_bytes()
    rng = np.random.default_rng(0)
    refused, said = 0, set()
    for _ in range(40):
        bad = bytearray(whole)
        for place in rng.integers(100, len(whole), 200):
            bad[place] ^= 0xFF
        path = library.path.with_name("bad.motionary")
        path.write_bytes(bad)
        try:
            with open_library(path) as reader:
                read_embeddings(reader)
                for clip in clip_ids(reader):
                    clip_motion(reader, clip)
        except MotionaryError as error:
            refused += 1
            said.add(str(error))
    assert refused > 20
    assert not [line for line in said if "\n" in line]


# What is killed

WRITER = textwrap.dedent(
    """
    import os, signal, sys
    import numpy as np
    from pathlib import Path
    from motionary.library import Model, NewClip, Source, open_library, replace_source, set_model
    from motionary.motion import Skeleton

    model = Model("a" * 64, "first", 4)
    skeleton = Skeleton(("j",), [-1], [[0, 0, 0]])

    def clips(killed):
        for number in range(3000):
            yield NewClip(f"clip {number}", skeleton, 30.0, 9, os.urandom(2000), ("said",), (),
                          np.array([[0, 1.0]]), np.ones((1, 4), np.float32))
            if killed and number == 2500:
                os.kill(os.getpid(), signal.SIGKILL)

    library = open_library(Path(sys.argv[1]), write=True)
    library.connection.execute("PRAGMA cache_size = 10")  # so that pages reach the file before the commit
    set_model(library, model)
    for name in ("a", "b"):
        replace_source(library, Source(name, 1, 1, "c"), clips(False), model)
    replace_source(library, Source("b", 1, 2, "d"), clips(True), model)
    """
)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
@pytest.mark.parametrize("opened_to_write", [False, True])
def test_a_writer_killed_half_way_loses_nothing(tmp_path, opened_to_write):
    path = tmp_path / "killed.motionary"
    done = subprocess.run([sys.executable, "-c", WRITER, str(path)], stderr=subprocess.PIPE, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert Path(f"{path}-journal").stat().st_size > 0  # the file really was half written
    with open_library(path, write=opened_to_write) as library:
        assert library.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert summary(library).clips == 6000
        assert sources(library)["b"].sha256 == "c"
        assert len(read_embeddings(library).clips) == 6000
