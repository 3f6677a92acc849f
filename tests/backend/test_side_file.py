"""The side file of a large library: quick, never trusted, never in the way."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motionary import keywords, library, side_file
from motionary.codec import encode_motion
from motionary.keywords import shares
from motionary.library import Model, NewClip, Source, open_library, replace_source, set_model
from motionary.motion import Motion, Skeleton

STILL = Motion(
    Skeleton(("j",), [-1], np.zeros((1, 3))), np.tile([1.0, 0, 0, 0], (9, 1, 1)), np.zeros((9, 3)), 30
)
MODEL = Model("m" * 64, "m", 4)
KEY = bytes(range(32))


def clip(name, vector, caption="a person walks"):
    spans = np.array([[0.0, 0.1], [0.1, 0.3]])
    vectors = np.array([vector, vector[::-1]], np.float32)
    return NewClip(name, STILL.skeleton, 30.0, 9, encode_motion(STILL), (caption,), ("gait",), spans, vectors)


def fill(path, names=("walk", "sit", "jump"), vector=(1.0, 0.0, 0.0, 0.0)):
    with open_library(path, write=True) as made:
        set_model(made, MODEL)
        for name in names:
            caption = f"someone {name}s, doesn't stop"
            replace_source(made, Source(f"{name}.bvh", 1, 1, "x"), [clip(name, vector, caption)], MODEL)


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A library that counts as large."""
    monkeypatch.setenv("MOTIONARY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(library, "LARGE", 3)
    monkeypatch.setattr(keywords, "LARGE", 3)
    fill(tmp_path / "a.motionary")
    return tmp_path / "a.motionary"


def beside(path, kind):
    return path.with_name(f"{path.name}-{kind}")


def look(path):
    """What a reader is told, and whether it was mapped from side files."""
    with open_library(path) as held:
        rows, words = held.embeddings, held.keywords
        told = (
            rows.clips.tolist(),
            rows.spans.tolist(),
            rows.vectors.tolist(),
            rows.facts.shape,
            shares(words, "walking sit doesn't").tolist(),
            words.vocabulary,
        )
        return told, (not rows.vectors.flags.writeable, not words.rows.flags.writeable)


def test_the_second_reader_maps_what_the_first_has_kept(path):
    first, was_mapped = look(path)
    assert was_mapped == (False, False)
    assert look(path) == (first, (True, True))
    assert first[2][0] == [1.0, 0.0, 0.0, 0.0]


def test_a_small_library_has_no_side_file(path, monkeypatch):
    monkeypatch.setattr(library, "LARGE", 7)
    monkeypatch.setattr(keywords, "LARGE", 7)
    look(path)
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_who_may_write_keeps_nothing(path):
    with open_library(path, write=True) as held:
        assert len(held.embeddings.clips) == 6
    assert not beside(path, "vectors").exists()


def test_a_change_makes_it_stale_even_where_size_and_time_are_the_same(path):
    look(path)
    stat = path.stat()
    with open_library(path, write=True) as held:
        replace_source(held, Source("sit.bvh", 1, 1, "x"), [clip("hop", (0.0, 1.0, 0.0, 0.0))], MODEL)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    changed, was_mapped = look(path)
    assert was_mapped == (False, False)
    assert [0.0, 1.0, 0.0, 0.0] in changed[2]
    assert "hop" in changed[5]
    assert look(path) == (changed, (True, True))


def test_a_change_while_it_is_open_is_not_kept_as_what_it_was(path):
    with open_library(path) as reader:
        fill(path, names=("turn",), vector=(0.0, 0.0, 1.0, 0.0))
        assert len(reader.embeddings.clips) == 8
    told, was_mapped = look(path)
    assert was_mapped[0] is False
    assert len(told[0]) == 8


def test_a_change_while_words_are_read_is_not_kept_as_what_was(path, monkeypatch):
    indexed = keywords._indexed

    def meanwhile(held):
        made = indexed(held)
        fill(path, names=("turn",))
        return made

    monkeypatch.setattr(keywords, "_indexed", meanwhile)
    look(path)
    assert not beside(path, "words").exists()
    monkeypatch.setattr(keywords, "_indexed", indexed)
    assert "turn" in look(path)[0][5]


def test_a_writer_need_not_wait_for_the_words(path, monkeypatch):
    indexed = keywords._indexed

    def meanwhile(held):
        with open_library(path, write=True) as writer:
            writer.connection.execute("PRAGMA busy_timeout = 1")
            replace_source(writer, Source("hop.bvh", 1, 1, "x"), [clip("hop", (0.0, 1.0, 0.0, 0.0))], MODEL)
        return indexed(held)

    monkeypatch.setattr(keywords, "_indexed", meanwhile)
    assert "hop" in look(path)[0][5]


def test_another_librarys_is_not_taken(path, tmp_path):
    other = tmp_path / "b.motionary"
    fill(other, names=("kick", "wave", "bow", "spin"))
    look(other)
    for kind in ("vectors", "words"):
        beside(other, kind).rename(beside(path, kind))
    told, was_mapped = look(path)
    assert was_mapped == (False, False)
    assert "walk" in told[5]


def cut(data):
    return data[:-1]


def flipped(where):
    def damage(data):
        at = where % len(data)
        return data[:at] + bytes([data[at] ^ 0x41]) + data[at + 1 :]

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        cut, lambda data: data + b"\0", lambda data: b"", lambda data: data[:60],
        lambda data: b"\0" * len(data),
        flipped(0), flipped(9), flipped(41), flipped(45), flipped(60), flipped(-1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["vectors", "words"])
def test_a_damaged_one_is_made_again_without_a_word(path, kind, damage, capfd):
    first, _ = look(path)
    file = beside(path, kind)
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    told, was_mapped = look(path)
    assert told == first
    assert was_mapped == (kind != "vectors", kind != "words")
    assert file.read_bytes() == whole
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("clips", [[1, 1, 2, 2, 3, 3]]), ("clips", [3, 3, 2, 2, 1, 1]), ("spans", [[0.0, np.inf]] * 6),
        ("spans", np.zeros((6, 3))), ("vectors", np.zeros((6, 5))), ("facts", np.zeros((5, 2))),
    ],
)  # fmt: skip
def test_arrays_that_no_library_has_are_not_taken(path, name, wrong):
    first, _ = look(path)
    with open_library(path) as held:
        state = held.state
        arrays = {each: getattr(held.embeddings, each) for each in library.EMBEDDINGS}
    arrays[name] = np.array(wrong, library.EMBEDDINGS[name])
    side_file.save_arrays(path, "vectors", state, arrays)
    assert look(path) == (first, (False, True))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("rows", [99]), ("rows", [-1]), ("starts", [0, 5, 3]), ("starts", []), ("clips", [2, 1, 3]),
        ("stems", [10]), ("stems", [200, 10]), ("words", [200]), ("words", [[10]]),
    ],
)  # fmt: skip
def test_words_that_no_library_has_are_not_taken(path, name, wrong):
    first, _ = look(path)
    with open_library(path) as held:
        state = held.state
        arrays = {each: getattr(held.keywords, each) for each in keywords.ARRAYS}
    arrays[name] = np.array(wrong, keywords.ARRAYS[name])
    side_file.save_arrays(path, "words", state, arrays)
    assert look(path) == (first, (True, False))


def test_where_the_folder_takes_no_file_the_users_cache_does(path, tmp_path):
    for kind in ("vectors", "words"):
        beside(path, kind).mkdir()
    first, _ = look(path)
    kept = sorted(each.name.rpartition("-")[2] for each in (tmp_path / "cache" / "libraries").iterdir())
    assert kept == ["vectors", "words"]
    assert look(path) == (first, (True, True))


def test_where_nothing_takes_a_file_all_goes_on(path, tmp_path):
    (tmp_path / "cache").write_bytes(b"")
    for kind in ("vectors", "words"):
        beside(path, kind).mkdir()
    first, _ = look(path)
    assert look(path) == (first, (False, False))


def run(path, body):
    script = textwrap.dedent(f"""
        from pathlib import Path
        from motionary import keywords, library, side_file
        path = Path({str(path)!r})
        library.LARGE = keywords.LARGE = 3
    """) + textwrap.dedent(body)
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)


def test_a_process_killed_while_it_writes_leaves_nothing_that_is_taken_or_stays(path):
    killed = run(
        path,
        """
        import os
        whole = side_file._write
        def half(temporary, key, arrays):
            whole(temporary, key, arrays)
            os.truncate(temporary, temporary.stat().st_size // 2)
            os._exit(9)
        side_file._write = half
        with library.open_library(path) as held:
            held.embeddings
        """,
    )
    assert killed.wait(60) == 9
    (left,) = [each for each in path.parent.iterdir() if each.name.startswith(".")]
    first, was_mapped = look(path)
    assert was_mapped == (False, False)
    assert left.exists()  # someone may be writing it
    beside(path, "vectors").unlink()
    os.utime(left, (0, 0))
    assert look(path)[0] == first
    assert not left.exists()


def test_several_processes_may_make_it_at_once(path):
    processes = [
        run(
            path,
            """
            for _ in range(20):
                with library.open_library(path) as held:
                    print(held.embeddings.vectors.sum(), len(held.keywords.vocabulary))
                path.with_name(path.name + "-vectors").unlink(missing_ok=True)
            """,
        )
        for _ in range(2)
    ]
    told = {line for process in processes for line in process.communicate(timeout=60)[0].splitlines()}
    assert [process.returncode for process in processes] == [0, 0]
    assert len(told) == 1


@given(
    rows=st.lists(st.integers(-(2**31), 2**31 - 1), max_size=20),
    width=st.integers(0, 5),
    at=st.integers(0, 10**6),
    bit=st.integers(0, 7),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_comes_back_is_what_was_kept_or_nothing(tmp_path, rows, width, at, bit):
    arrays = {"a": np.array(rows, "<i4"), "b": np.ones((len(rows), width), "<f4")}
    wanted = {name: array.dtype.str for name, array in arrays.items()}
    held = tmp_path / "l"
    side_file.save_arrays(held, "x", KEY, arrays)
    found = side_file.map_arrays(held, "x", KEY, wanted)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array)
        assert found.arrays[name].shape == array.shape
        assert not found.arrays[name].flags.writeable
    assert side_file.map_arrays(held, "x", KEY[::-1], wanted) is None
    assert side_file.map_arrays(held, "x", KEY, {**wanted, "c": "<f4"}) is None
    assert side_file.map_arrays(held, "x", KEY, {**wanted, "b": "<f8"}) is None
    file = tmp_path / "l-x"
    data = bytearray(file.read_bytes())
    data[at % len(data)] ^= 1 << bit
    file.write_bytes(data)
    again = side_file.map_arrays(held, "x", KEY, wanted)
    if again is not None:  # what was hit is between two arrays
        for name, array in arrays.items():
            np.testing.assert_array_equal(again.arrays[name], array)


def spoil(kind, file):
    """What another program may do to a file that is in use, in place."""
    whole = file.read_bytes()
    with file.open("r+b") as held:
        if kind == "cut short":
            held.truncate(len(whole) // 3)
        elif kind == "emptied":
            held.truncate(0)
        elif kind == "another of its length":
            held.write(b"\1" * len(whole))
        else:
            held.truncate(3 * len(whole))


@pytest.mark.skipif(os.name == "nt", reason="Windows lets nobody shorten a file that is mapped")
@pytest.mark.parametrize("kind", ["cut short", "emptied", "another of its length", "longer"])
def test_a_mapped_one_that_is_spoilt_is_read_anew_from_the_library(path, monkeypatch, kind):
    monkeypatch.setattr(side_file, "READ", 0)
    first, _ = look(path)
    with open_library(path) as held:
        rows, words = held.embeddings, held.keywords
        assert not rows.vectors.flags.writeable
        assert held.embeddings is rows
        assert held.keywords is words
        for each in ("vectors", "words"):
            spoil(kind, beside(path, each))
        # To touch what was mapped of a file that is cut short ends the process, which no test survives.
        assert held.embeddings is not rows
        assert held.embeddings.vectors.tolist() == first[2]
        assert held.keywords.vocabulary == first[5]
    assert look(path)[0] == first


def test_a_small_one_is_read_and_keeps_what_it_had(path):
    first, _ = look(path)
    with open_library(path) as held:
        rows, words = held.embeddings, held.keywords
        for each in ("vectors", "words"):
            spoil("emptied", beside(path, each))
        assert rows.vectors.tolist() == first[2]
        assert words.vocabulary == first[5]
        assert held.embeddings is rows
