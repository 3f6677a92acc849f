"""A library made to load code, or to write elsewhere than into itself, does neither: all that SQLite could be
told by its schema, and by what lies beside it."""

import os
import sqlite3
import struct
from contextlib import closing, suppress

import pytest

from motionary.errors import MotionaryError
from motionary.library import clip_ids, load_clip, open_library, set_starred, summary
from tests.fuzz.targets import TARGETS, findings
from tests.fuzz.targets import _library as a_library

MAGIC = bytes.fromhex("d9d505f920a163d7")
SECTOR = 512


@pytest.fixture
def library(tmp_path):
    """A library in a folder of its own, beside it one of somebody's files."""
    (tmp_path / "own").mkdir()
    path = tmp_path / "own" / "a.motionary"
    path.write_bytes(a_library())
    (tmp_path / "precious.txt").write_text("precious")
    return path


def change(path, *statements):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def everything(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# What the schema could say


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE VIRTUAL TABLE v USING rtree(id, a, b)"],
        ["CREATE VIRTUAL TABLE v USING fts5(x)", "DROP TABLE v_content"],
        ["CREATE TABLE v_content (id INTEGER PRIMARY KEY, c0)"],
        ["ALTER TABLE clips ADD COLUMN g AS (abs(start_frame))"],
        ["ALTER TABLE tags ADD COLUMN g CHECK (g IS NULL)"],
        ["CREATE TRIGGER t INSTEAD OF INSERT ON v BEGIN SELECT 1; END"],
        ["CREATE TRIGGER t AFTER INSERT ON tags BEGIN UPDATE clips SET name = load_extension('x'); END"],
        ["CREATE INDEX i ON tags(text COLLATE NOCASE)"],
        ["CREATE INDEX i ON tags(text) WHERE text > 'a'"],
        ["DROP INDEX clips_name", "CREATE INDEX clips_name ON clips(upper(name))"],
        ["DROP INDEX clips_name"],
        ["DROP TABLE tags", "CREATE VIEW tags AS SELECT 1 AS clip, 0 AS position, writefile('x') AS text"],
        ["DROP TABLE tags", "CREATE TABLE tags (clip, position, text)"],
    ],
)  # fmt: skip
@pytest.mark.parametrize("write", [False, True])
def test_a_schema_that_is_not_ours_to_the_letter_is_refused(library, statements, write):
    if any("INSTEAD OF" in statement for statement in statements):
        change(library, "CREATE VIEW v AS SELECT 1 AS x")
    try:
        change(library, *statements)
    except sqlite3.OperationalError as error:  # an SQLite without it, or that lets nobody write it
        pytest.skip(str(error))
    before = everything(library.parents[1])
    with pytest.raises(MotionaryError, match="its tables are not those of one"):
        open_library(library, write=write)
    assert everything(library.parents[1]) == before


FORGED = {
    "a column that is worked out": (
        "UPDATE sqlite_schema SET sql = replace(sql, ' end_frame', ' g AS (writefile(''x'')), end_frame')"
        " WHERE name = 'clips'"
    ),
    "a trigger under the name of an index": (
        "UPDATE sqlite_schema SET type = 'trigger', tbl_name = 'tags', rootpage = 0, "
        "sql = 'CREATE TRIGGER clips_name AFTER INSERT ON tags BEGIN DELETE FROM clips; END' "
        "WHERE name = 'clips_name'"
    ),
    "a table that is a view": (
        "UPDATE sqlite_schema SET type = 'view', rootpage = 0, "
        "sql = 'CREATE VIEW tags AS SELECT load_extension(''x'')' WHERE name = 'tags'"
    ),
    "a table that is a virtual one": (
        "UPDATE sqlite_schema SET rootpage = 0, sql = 'CREATE VIRTUAL TABLE tags USING fts5(x)' "
        "WHERE name = 'tags'"
    ),
    "two statements in one": (
        "UPDATE sqlite_schema SET sql = sql || '; ATTACH ''x'' AS x' WHERE name = 'tags'"
    ),
    "two tables on the same pages": (
        "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'clips') "
        "WHERE name = 'tags'"
    ),
    "a table on the schema's own page": "UPDATE sqlite_schema SET rootpage = 1 WHERE name = 'captions'",
    "an index on a table's pages": (
        "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'clips') "
        "WHERE name = 'clips_name'"
    ),
    "no SQL": "UPDATE sqlite_schema SET sql = NULL WHERE name = 'tags'",
    "bytes for SQL": "UPDATE sqlite_schema SET sql = x'ff00' WHERE name = 'tags'",
}


@pytest.mark.parametrize("forged", FORGED)
@pytest.mark.parametrize("write", [False, True])
def test_a_schema_written_by_hand_does_no_harm(library, forged, write):
    change(library, "PRAGMA writable_schema = ON", FORGED[forged])
    before = everything(library.parents[1])
    with suppress(MotionaryError), open_library(library, write=write) as opened:
        summary(opened)
        for clip in clip_ids(opened):
            load_clip(opened, clip)
            if write:
                set_starred(opened, clip, True)
    after = everything(library.parents[1])
    assert after.keys() == before.keys()
    assert all(after[path] == data for path, data in before.items() if path != library)
    assert write or after[library] == before[library]
    assert findings(TARGETS["library"], before[library], library.parent) == []


@pytest.mark.parametrize("write", [False, True])
def test_what_sql_could_reach_is_out_of_reach(library, tmp_path, write):
    with open_library(library, write=write) as opened:
        execute = opened.connection.execute
        for sql, says in [
            (f"ATTACH '{tmp_path / 'x'}' AS other", "too many attached"),
            ("ATTACH ':memory:' AS other", "too many attached"),
            (f"VACUUM INTO '{tmp_path / 'x'}'", "too many attached|readonly|not authorized|query_only"),
            ("SELECT load_extension('x')", "not authorized"),
            ("SELECT fts3_tokenizer('x', x'00')", "no such function|type mismatch"),
            (f"SELECT writefile('{tmp_path / 'x'}', 'y')", "no such function"),
            (f"SELECT readfile('{tmp_path / 'precious.txt'}')", "no such function"),
            ("SELECT edit('x')", "no such function"),
        ]:
            with pytest.raises(sqlite3.Error, match=says):
                execute(sql)
        assert execute("PRAGMA trusted_schema").fetchone() == (0,)
        assert execute("PRAGMA writable_schema").fetchone() == (0,)
        assert execute("PRAGMA temp_store_directory").fetchone() in (None, ("",))
    assert not (tmp_path / "x").exists()


def test_a_change_to_the_schema_while_it_is_open_to_be_read_runs_nothing(library):
    with open_library(library) as opened:
        change(library, "CREATE TRIGGER t AFTER INSERT ON tags BEGIN DELETE FROM clips; END")
        assert summary(opened).clips == 1
        with pytest.raises(MotionaryError):
            set_starred(opened, 1, True)
    assert len(everything(library.parent)) == 1


# What lies beside it


def journal(library, end=b"", pages=None):
    """A hot journal, by which SQLite undoes a change of page 2: as a writer leaves it who dies half-way."""
    data = library.read_bytes()
    size = struct.unpack_from(">H", data, 16)[0]
    nonce = 1234
    held = data[size : 2 * size]
    checksum = (nonce + sum(held[place] for place in range(size - 200, 0, -200))) & 0xFFFFFFFF
    head = MAGIC + struct.pack(">IIIII", 1, nonce, pages or len(data) // size, SECTOR, size)
    return head.ljust(SECTOR, b"\0") + struct.pack(">I", 2) + held + struct.pack(">I", checksum) + end


def naming(path, size):
    """The end of a journal that names another file."""
    name = os.fsencode(path)
    return struct.pack(">I", 0x40000000 // size + 1) + name + struct.pack(">II", len(name), sum(name)) + MAGIC


@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize("by_link", [False, True])
def test_a_journal_that_has_sqlite_delete_a_file_is_refused(library, tmp_path, write, by_link):
    precious = tmp_path / "precious.txt"
    beside = library.with_name("a.motionary-journal")
    size = struct.unpack_from(">H", library.read_bytes(), 16)[0]
    beside.write_bytes(journal(library, naming(precious, size)))
    path = library
    if by_link:
        path = tmp_path / "link.motionary"
        path.symlink_to(library)
    with pytest.raises(MotionaryError, match="names a file besides the library"):
        open_library(path, write=write)
    assert precious.read_text() == "precious"
    assert beside.exists()
    # The test's own journal is one that SQLite follows: without the check the file is gone.
    change(library, "UPDATE tags SET text = text")
    assert not precious.exists()


@pytest.mark.parametrize("write", [False, True])
def test_a_journal_of_a_writer_that_died_is_still_undone_by(library, write):
    size = struct.unpack_from(">H", library.read_bytes(), 16)[0]
    whole = library.read_bytes()
    made = journal(library)
    library.write_bytes(whole[:size] + b"\xaa" * size + whole[2 * size :])
    library.with_name("a.motionary-journal").write_bytes(made)
    with open_library(library, write=write) as opened:
        assert summary(opened).clips == 1
        assert len(load_clip(opened, 1).motion.rotations) == 4
    assert len(everything(library.parent)) == 1


def test_a_journal_that_makes_the_library_endless_is_refused(library):
    library.with_name("a.motionary-journal").write_bytes(journal(library, pages=10**9))
    with pytest.raises(MotionaryError, match="which it cannot have been"):
        open_library(library)
    assert library.stat().st_size == len(a_library())


@pytest.mark.parametrize("content", [b"", b"x", MAGIC[:5], b"\0" * 4096, b"\xff" * 30])
@pytest.mark.parametrize("write", [False, True])
def test_a_journal_that_is_none_changes_nothing(library, content, write):
    before = library.read_bytes()
    library.with_name("a.motionary-journal").write_bytes(content)
    with open_library(library, write=write) as opened:
        assert summary(opened).clips == 1
    assert library.read_bytes() == before


@pytest.mark.parametrize("write", [False, True])
def test_a_write_ahead_log_is_refused_and_left(library, write):
    beside = library.with_name("a.motionary-wal")
    beside.write_bytes(struct.pack(">II", 0x377F0682, 3007000) + b"\0" * 4096)
    before = everything(library.parents[1])
    with pytest.raises(MotionaryError, match="write-ahead log"):
        open_library(library, write=write)
    assert everything(library.parents[1]) == before


@pytest.mark.parametrize("write", [False, True])
def test_a_library_that_is_written_by_a_log_is_refused_and_gets_no_files_beside_it(library, write):
    change(library, "PRAGMA journal_mode = WAL")
    before = everything(library.parents[1])
    with pytest.raises(MotionaryError, match="PRAGMA journal_mode = DELETE"):
        open_library(library, write=write)
    assert everything(library.parents[1]) == before
    change(library, "PRAGMA journal_mode = DELETE")  # the cure that it tells
    with open_library(library, write=write) as opened:
        assert summary(opened).clips == 1


@pytest.mark.parametrize("name", ["a.mj-1234", "a.motionary-shm", "a.motionary-journal2", "a.motionary-mj0"])
def test_files_of_other_names_beside_it_are_not_touched(library, name):
    library.with_name(name).write_bytes(journal(library))
    before = everything(library.parents[1])
    with open_library(library) as opened:
        assert summary(opened).clips == 1
    assert everything(library.parents[1]) == before


@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize(
    "name", ["a?mode=rwc&vfs=unix-none.motionary", "file:a.motionary", "a#b.motionary", "a%2fb.motionary"]
)
def test_a_name_is_a_name_and_no_address(library, name, write):
    if os.name == "nt":
        pytest.skip("Windows has no such names")
    path = library.rename(library.with_name(name))
    with open_library(path, write=write) as opened:
        assert summary(opened).clips == 1
    assert [each.name for each in path.parent.iterdir()] == [name]
