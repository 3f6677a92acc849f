"""The Library: one SQLite file ``NAME.motionary`` of clips, motions, embeddings, captions, tags and a model.

The file's header carries ``application_id`` 0x4D4F5459 ("MOTY") and ``user_version`` (the schema's version),
and its schema is exactly :data:`SCHEMA`; any other file is refused before SQL is run on what it holds::

    models      the models that embedded; `is_current` marks the one that search uses
    sources     the files indexed, with size, mtime_ns and sha256 to tell whether they changed, and `reading`:
                what besides the file decided its clips (frame rate asked for, captions given)
    skeletons   JSON {"names", "parents", "offsets"}; each different one once, by sha256
    motions     of a source, on a skeleton, at fps: the whole source skeleton, codec.py's bytes
    clips       frames [start_frame, end_frame) of a motion, under a name
    captions, tags   of a clip, in order
    embeddings  of seconds [start_s, end_s) of a clip by a model: float32 little-endian, unit length; and the
                facts measured of them (captions/facts_array.py), float32, NaN where none were

Writes are transactions on a rollback journal (one file, also on network drives): a process killed half-way
leaves what it had committed, and the next to open the library undoes the rest.

What a reader makes of a large library, and would take long to make again, it keeps in a side file
(`motionary.side_file`) under the library's `state`: its header, which counts transactions, size and mtime.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from motionary.captions.facts_array import UNKNOWN, WIDTH
from motionary.codec import decode_motion
from motionary.errors import MotionaryError
from motionary.file_head import held_head
from motionary.journal import check_beside
from motionary.motion import Clip, Motion, Skeleton, slice_frames
from motionary.side_file import map_arrays, save_arrays

if TYPE_CHECKING:
    from motionary.keywords import Keywords

__all__ = [
    "STARRED",
    "UPGRADE",
    "ClipInfo",
    "Embeddings",
    "Library",
    "Model",
    "NewClip",
    "Source",
    "Summary",
    "clip_ids",
    "clip_info",
    "clip_motion",
    "connect",
    "embeddings_of",
    "find_clip",
    "format_version",
    "load_clip",
    "open_library",
    "own_schema",
    "read_embeddings",
    "read_rows",
    "remove_sources",
    "replace_source",
    "schema_of",
    "set_embeddings",
    "set_model",
    "set_starred",
    "set_words",
    "snapshot",
    "sources",
    "summary",
    "told",
    "unembedded",
    "update_source",
]

APPLICATION_ID = 0x4D4F5459
VERSION = 2
ROLLBACK = b"\1\1"
"""In the header of a file that is written by way of a rollback journal."""
WITH_LOG = (
    "another program has given this library a write-ahead log, and so files beside it that readers would "
    "write to; take it away: sqlite3 LIBRARY 'PRAGMA journal_mode = DELETE'"
)

LARGE = 20_000
"""Embeddings, or clips, from which on a side file is quicker than the library: it saves half a second."""
LONGEST_S = 1e9
"""Seconds of a clip: more than any has, and few enough to calculate with."""
ROWS = 4096
"""Embeddings that are read at a time."""

UPGRADE = "motionary upgrade"
"""The command that a library of an earlier version needs; a message that has it is of such a library."""

STARRED = "starred"
"""The tag of the clips that the user gave a star; it stays with a clip when its file is read again."""

SCHEMA = """
CREATE TABLE models (
    key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, joint_dim INTEGER NOT NULL,
    config TEXT NOT NULL, is_current INTEGER NOT NULL
);
CREATE TABLE sources (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    sha256 TEXT NOT NULL, reading TEXT NOT NULL
);
CREATE TABLE skeletons (id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, json TEXT NOT NULL);
CREATE TABLE motions (
    id INTEGER PRIMARY KEY, source INTEGER NOT NULL REFERENCES sources(id) ON DELETE CASCADE,
    skeleton INTEGER NOT NULL REFERENCES skeletons(id), fps REAL NOT NULL, data BLOB NOT NULL
);
CREATE INDEX motions_source ON motions(source);
CREATE INDEX motions_skeleton ON motions(skeleton);
CREATE TABLE clips (
    id INTEGER PRIMARY KEY, motion INTEGER NOT NULL REFERENCES motions(id) ON DELETE CASCADE,
    name TEXT NOT NULL, start_frame INTEGER NOT NULL, end_frame INTEGER NOT NULL
);
CREATE INDEX clips_motion ON clips(motion);
CREATE INDEX clips_name ON clips(name);
CREATE TABLE captions (
    clip INTEGER NOT NULL REFERENCES clips(id) ON DELETE CASCADE, position INTEGER NOT NULL,
    text TEXT NOT NULL, PRIMARY KEY (clip, position)
) WITHOUT ROWID;
CREATE TABLE tags (
    clip INTEGER NOT NULL REFERENCES clips(id) ON DELETE CASCADE, position INTEGER NOT NULL,
    text TEXT NOT NULL, PRIMARY KEY (clip, position)
) WITHOUT ROWID;
CREATE TABLE embeddings (
    id INTEGER PRIMARY KEY, model INTEGER NOT NULL REFERENCES models(key) ON DELETE CASCADE,
    clip INTEGER NOT NULL REFERENCES clips(id) ON DELETE CASCADE, start_s REAL NOT NULL, end_s REAL NOT NULL,
    vector BLOB NOT NULL, facts BLOB NOT NULL
);
CREATE INDEX embeddings_clip ON embeddings(clip, model);
"""

EMBEDDINGS = {"clips": "<i8", "spans": "<f8", "vectors": "<f4", "facts": "<f4"}
"""The arrays of a side file of embeddings, and their dtypes."""

Execute: TypeAlias = Callable[..., sqlite3.Cursor]


@dataclass(frozen=True)
class Model:
    """Which model made the embeddings: ``id`` is the sha256 of its config and weights."""

    id: str
    name: str
    joint_dim: int
    config: str = "{}"


@dataclass(frozen=True)
class Source:
    """A file that was indexed, and what tells whether it has to be read again (see the schema)."""

    path: str
    size: int
    mtime_ns: int
    sha256: str
    reading: str = ""


@dataclass(frozen=True, eq=False)
class NewClip:
    """A clip on its way into a library: its motion packed, its embeddings made.

    spans: (N, 2) seconds in the clip; vectors: (N, D) float32 unit rows, one a span; facts: (N, WIDTH) of
    `motionary.captions.facts_array`, None where nothing was measured.
    """

    name: str
    skeleton: Skeleton
    fps: float
    frames: int
    data: bytes
    captions: tuple[str, ...]
    tags: tuple[str, ...]
    spans: NDArray[np.float64]
    vectors: NDArray[np.float32]
    facts: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class ClipInfo:
    """What a library says of a clip without unpacking its motion; start and end are frames of the source."""

    id: int
    name: str
    source: str
    start_frame: int
    end_frame: int
    fps: float
    captions: tuple[str, ...]
    tags: tuple[str, ...]

    @property
    def frames(self) -> int:
        """How many frames the clip has."""
        return self.end_frame - self.start_frame

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.frames / self.fps


@dataclass(frozen=True)
class Summary:
    """What is in a library, in numbers; tags by how many clips have them, the most frequent first."""

    clips: int
    duration_s: float
    sources: int
    skeletons: int
    embeddings: int
    captions: int
    tags: dict[str, int]


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Every embedding of the current model: row i is seconds spans[i] of clip clips[i]; sorted by clip.

    clips: (N,) int64; spans: (N, 2) float64; vectors: (N, D) float32 unit rows; facts: (N, WIDTH) float32,
    NaN where nothing was measured. is_whole: see `motionary.side_file.Kept`.
    """

    clips: NDArray[np.int64]
    spans: NDArray[np.float64]
    vectors: NDArray[np.float32]
    facts: NDArray[np.float32]
    is_whole: Callable[[], bool] = lambda: True


@dataclass(frozen=True, eq=False)
class Library:
    """An open library. Close it, or use it in a ``with``.

    header: the file's first 100 bytes when it was opened to be read; b"" where it may be written to.
    """

    path: Path
    connection: sqlite3.Connection
    header: bytes = b""
    to_close: ExitStack = field(default_factory=ExitStack, repr=False)

    @property
    def embeddings(self) -> Embeddings:
        """Every embedding, read when first asked for and kept: reopen the library to see changes.

        Ask for them before each use: read anew where somebody has spoilt the side file that held them.
        """
        if not self._embeddings.is_whole():
            vars(self).pop("_embeddings", None)
        return self._embeddings

    @property
    def keywords(self) -> Keywords:
        """The words of its clips, indexed when first asked for and kept, likewise."""
        if not self._keywords.is_whole():
            vars(self).pop("_keywords", None)
        return self._keywords

    @cached_property
    def _embeddings(self) -> Embeddings:
        return read_embeddings(self)

    @cached_property
    def _keywords(self) -> Keywords:
        from motionary.keywords import keywords_of  # which reads libraries

        return keywords_of(self)

    @property
    def model(self) -> Model | None:
        """The model of the embeddings; None in a library that nothing was indexed into."""
        with _sound(self.path):
            rows = self.connection.execute(
                "SELECT id, name, joint_dim, config FROM models WHERE is_current = 1"
            )
            return next((Model(str(a), str(b), int(c), str(d)) for a, b, c, d in rows), None)

    @property
    def state(self) -> bytes | None:
        """32 bytes that are others after every change of the file; None where nothing tells.

        Ask within a transaction of a reader: no writer can then be half-way. A change since the library was
        opened gives a state that no file is ever in again.
        """
        # Not read anew: closing a second handle of the file would end SQLite's locks on it (POSIX).
        if not self.header:
            return None
        try:
            stat = self.path.stat()
        except OSError:
            return None
        return hashlib.sha256(self.header + f"{stat.st_size} {stat.st_mtime_ns}".encode()).digest()

    def close(self) -> None:
        """Close the file; the library cannot be used afterwards."""
        self.connection.close()
        self.to_close.close()

    def __enter__(self) -> Library:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


# Opening


def open_library(path: Path, *, write: bool = False) -> Library:
    """Open a library: to read it, or with ``write`` to change it, made first where there is none.

    Untrusted: a file that is not a library of this version is refused, by its header before SQLite opens it
    and by its schema before it is read. A reader changes nothing. MotionaryError where it cannot be opened.
    """
    path = Path(path)
    fresh = write and (not path.exists() or (path.is_file() and path.stat().st_size == 0))
    header = b""
    with _sound(path), ExitStack() as undo:
        if not fresh:
            header = undo.enter_context(_checked_header(path))
        elif not path.absolute().parent.is_dir():
            raise MotionaryError(f"{path}: its folder does not exist; make it first")
        connection = undo.enter_context(closing(connect(path, "rwc" if fresh else "rw" if write else "ro")))
        connection.execute("PRAGMA synchronous = FULL" if write else "PRAGMA query_only = ON")
        schema = _recovered_schema(path, connection)
        if connection.execute("PRAGMA journal_mode").fetchone() != (
            "delete",
        ):  # of a page that was recovered
            raise MotionaryError(f"{path}: {WITH_LOG}")
        if write and not schema:
            schema = _made(connection)
        if not schema:
            raise MotionaryError(_unmade(path))
        if schema != own_schema():
            raise MotionaryError(f"{path}: not a Motionary library: its tables are not those of one")
        if fresh:
            undo.enter_context(_header(path))  # it is held from now on, as one that was there
        return Library(path, connection, b"" if write else header, undo.pop_all())


def _made(connection: sqlite3.Connection) -> set[str]:
    """Make the tables, unless another writer was quicker; the schema that there is now."""
    connection.execute("BEGIN IMMEDIATE")
    schema = schema_of(connection)
    if schema:
        connection.execute("ROLLBACK")
        return schema
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
    for statement in filter(str.strip, SCHEMA.split(";")):
        connection.execute(statement)
    connection.execute("COMMIT")
    return schema_of(connection)


def _unmade(path: Path) -> str:
    return (
        f"{path}: not a Motionary library yet: nothing is in this file; what was to make it was stopped "
        f"(motionary index SOURCE --library {path})"
    )


def format_version(path: Path) -> int:
    """The version of a library's format, by its header alone; MotionaryError where the file is no library."""
    with _header(Path(path)) as header:
        return _version(header)


@contextmanager
def _checked_header(path: Path) -> Iterator[bytes]:
    """Refuse what is not a library of this version by its first 100 bytes, which are given; it is held."""
    with _header(path) as header:
        _check_version(path, _version(header))
        yield header


def _check_version(path: Path, version: int) -> None:
    if version != VERSION:
        if version > VERSION:
            cure = "update Motionary"
        elif version > 0:
            cure = f"it is of an earlier one, which '{UPGRADE} {path}' brings up to date"
        else:
            cure = "index its sources into a new library"
        raise MotionaryError(f"{path}: library of version {version}, not {VERSION}; {cure}")


def _version(header: bytes) -> int:
    (version,) = struct.unpack_from(">i", header, 60)
    return int(version)


@contextmanager
def _header(path: Path) -> Iterator[bytes]:
    """Refuse what is not a library by its first 100 bytes (sqlite.org/fileformat.html, section 1.3); within,
    the file is held (`motionary.file_head`)."""
    if not path.exists():
        raise MotionaryError(
            f"{path}: no such library; it was moved or deleted, or is not made yet "
            f"(motionary index SOURCE --library {path})"
        )
    if path.is_dir():
        raise MotionaryError(f"{path}: this is a folder; a library is one file, NAME.motionary")
    with ExitStack() as held:
        try:
            header = held.enter_context(held_head(path, 100))
        except OSError as error:
            raise MotionaryError(f"{path}: cannot be read: {error.strerror}") from None
        _check_kind(path, header)
        yield header


def _check_kind(path: Path, header: bytes) -> None:
    if not header:
        raise MotionaryError(_unmade(path))
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        raise MotionaryError(
            f"{path}: not a Motionary library; a library is a file that 'motionary index' made"
        )
    (application,) = struct.unpack_from(">I", header, 68)
    if application != APPLICATION_ID:
        raise MotionaryError(f"{path}: not a Motionary library but another program's SQLite file")
    if header[18:20] != ROLLBACK:
        raise MotionaryError(f"{path}: {WITH_LOG}")


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """A connection to a file that may be hostile. mode: "ro", "rw", or "rwc" to make it, too. sqlite3.Error
    where it cannot be had, MotionaryError where a stranger's file lies beside it (`motionary.journal`)."""
    real = path.resolve()  # as SQLite takes it, and what lies beside it
    check_beside(real)
    # Blender opens a library in its main thread and searches in another, one call at a time.
    connection = sqlite3.connect(
        f"{real.as_uri()}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False
    )
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)  # nothing that is in it opens another file
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _recovered_schema(path: Path, connection: sqlite3.Connection) -> set[str]:
    try:
        return schema_of(connection)
    except sqlite3.OperationalError as error:
        if _code(error) != sqlite3.SQLITE_READONLY_ROLLBACK:
            raise
    # A writer was killed half-way; what it left is undone by the first who may write.
    with closing(connect(path, "rw")) as writer:
        schema_of(writer)
    return schema_of(connection)


def schema_of(connection: sqlite3.Connection) -> set[str]:
    """The SQL of all that is in it, whatever its name: SQLite reserves "sqlite_", but a file may use it. What
    has no SQL are the indices that SQLite makes by itself."""
    rows = connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")
    return {str(sql) for (sql,) in rows}


def own_schema(sql: str = SCHEMA) -> set[str]:
    """What `schema_of` finds in a library of this version, or in a file that other ``sql`` made."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(sql)
        return schema_of(connection)


@contextmanager
def told(path: Path) -> Iterator[None]:
    """SQLite's errors as MotionaryError, one line for the user."""
    try:
        yield
    except sqlite3.Error as error:
        no_locks = "the drive that it is on does not lock files; move the library to one that does"
        said = {
            # A network drive whose lock service is down answers as if another program held the lock.
            sqlite3.SQLITE_BUSY: "another program is writing to this library; try again when it has finished "
            "(if none is, its drive does not lock files: move it to one that does)",
            sqlite3.SQLITE_PERM: no_locks,
            sqlite3.SQLITE_PROTOCOL: no_locks,
            sqlite3.SQLITE_IOERR_LOCK: no_locks,
            sqlite3.SQLITE_IOERR_RDLOCK: no_locks,
            sqlite3.SQLITE_IOERR_UNLOCK: no_locks,
            sqlite3.SQLITE_IOERR_CHECKRESERVEDLOCK: no_locks,
            sqlite3.SQLITE_READONLY_DBMOVED: "this library was moved or deleted while it was open",
            sqlite3.SQLITE_READONLY: "this library cannot be written to; check its permissions",
            sqlite3.SQLITE_CANTOPEN: "cannot be opened; check its permissions and those of its folder",
            sqlite3.SQLITE_FULL: "the disk is full; what was indexed before is kept",
            sqlite3.SQLITE_IOERR: "the disk or drive that it is on fails, or takes no more; what was indexed "
            "before is kept",
            sqlite3.SQLITE_CORRUPT: "the library is damaged; index its sources into a new one",
        }
        # The low byte is the kind of error, the others its variety.
        code = _code(error)
        reason = said.get(code) or said.get(code & 0xFF) or " ".join(str(error).split())
        raise MotionaryError(f"{path}: {reason}") from error


def _code(error: sqlite3.Error) -> int:
    """SQLite's extended result code; 0 for what Python's module found by itself."""
    return getattr(error, "sqlite_errorcode", 0)


@contextmanager
def _sound(path: Path) -> Iterator[None]:
    """Around the reading of values: those that only a damaged file holds are told as such."""
    with told(path):
        try:
            yield
        except (TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
            reason = " ".join(str(error).split())
            raise MotionaryError(
                f"{path}: the library is damaged ({reason}); index its sources into a new one"
            ) from error


@contextmanager
def _transaction(library: Library) -> Iterator[Execute]:
    """All of it or nothing; gives the connection's ``execute``."""
    connection = library.connection
    with told(library.path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection.execute
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


# Writing


def set_model(library: Library, model: Model) -> None:
    """Make ``model`` the one that search uses, and drop the embeddings of every other."""
    with _transaction(library) as execute:
        key = _model_key(execute, model)
        execute("DELETE FROM models WHERE key != ?", (key,))
        execute("UPDATE models SET is_current = 1")


def replace_source(library: Library, source: Source, clips: Iterable[NewClip], model: Model) -> None:
    """Put a file's clips into the library in one transaction, in place of what it had of that file."""
    with _transaction(library) as execute:
        key = _model_key(execute, model)
        starred = {
            str(name)
            for (name,) in execute(
                "SELECT name FROM clips JOIN motions ON motions.id = motion "
                "JOIN sources ON sources.id = source JOIN tags ON clip = clips.id "
                "WHERE path = ? AND text = ?",
                (source.path, STARRED),
            )
        }
        execute("DELETE FROM sources WHERE path = ?", (source.path,))
        owner = execute(
            "INSERT INTO sources (path, size, mtime_ns, sha256, reading) VALUES (?, ?, ?, ?, ?)",
            (source.path, source.size, source.mtime_ns, source.sha256, source.reading),
        ).lastrowid
        for clip in clips:
            motion = execute(
                "INSERT INTO motions (source, skeleton, fps, data) VALUES (?, ?, ?, ?)",
                (owner, _skeleton_id(execute, clip.skeleton), clip.fps, clip.data),
            ).lastrowid
            number = execute(
                "INSERT INTO clips (motion, name, start_frame, end_frame) VALUES (?, ?, 0, ?)",
                (motion, clip.name, clip.frames),
            ).lastrowid
            tags = (*clip.tags, STARRED) if clip.name in starred - {*clip.tags} else clip.tags
            for table, texts in (("captions", clip.captions), ("tags", tags)):
                for place, text in enumerate(texts):
                    execute(f"INSERT INTO {table} VALUES (?, ?, ?)", (number, place, text))  # noqa: S608
            _insert_embeddings(execute, key, number, clip.spans, clip.vectors, clip.facts)
        _drop_unused_skeletons(execute)


def update_source(library: Library, source: Source) -> None:
    """Record that a file has another mtime and holds the same."""
    with _transaction(library) as execute:
        execute("UPDATE sources SET mtime_ns = ? WHERE path = ?", (source.mtime_ns, source.path))


def remove_sources(library: Library, paths: Iterable[str]) -> None:
    """Drop files and everything that came from them."""
    with _transaction(library) as execute:
        for path in paths:
            execute("DELETE FROM sources WHERE path = ?", (path,))
        _drop_unused_skeletons(execute)


def set_starred(library: Library, clip: int, starred: bool) -> None:
    """Give a clip a star, or take it; MotionaryError where there is no such clip."""
    clip_info(library, clip)
    with _transaction(library) as execute:
        execute("DELETE FROM tags WHERE clip = ? AND text = ?", (clip, STARRED))
        if starred:
            execute(
                "INSERT INTO tags SELECT ?1, coalesce(max(position) + 1, 0), ?2 FROM tags WHERE clip = ?1",
                (clip, STARRED),
            )


def set_words(library: Library, words: Mapping[int, tuple[Sequence[str], Sequence[str]]]) -> None:
    """Give clips, by their ids, other captions and tags, in one transaction; MotionaryError where one is not
    there."""
    for clip in words:
        clip_info(library, clip)
    with _transaction(library) as execute:
        for clip, said in words.items():
            for table, texts in zip(("captions", "tags"), said, strict=True):
                execute(f"DELETE FROM {table} WHERE clip = ?", (clip,))  # noqa: S608
                for place, text in enumerate(texts):
                    execute(f"INSERT INTO {table} VALUES (?, ?, ?)", (clip, place, text))  # noqa: S608


def set_embeddings(
    library: Library,
    model: Model,
    made: Iterable[tuple[int, NDArray[np.float64], NDArray[np.float32], NDArray[np.float32] | None]],
) -> None:
    """Replace ``model``'s embeddings of clips in one transaction; those of another current model stay.

    made: of each clip its id, spans (N, 2), vectors (N, D) and facts (N, WIDTH) or None.
    """
    with _transaction(library) as execute:
        key = _model_key(execute, model)
        for clip, spans, vectors, facts in made:
            execute("DELETE FROM embeddings WHERE clip = ? AND model = ?", (clip, key))
            _insert_embeddings(execute, key, clip, spans, vectors, facts)


def _model_key(execute: Execute, model: Model) -> int:
    execute(
        "INSERT OR IGNORE INTO models (id, name, joint_dim, config, is_current) VALUES (?, ?, ?, ?, 0)",
        (model.id, model.name, model.joint_dim, model.config),
    )
    return int(execute("SELECT key FROM models WHERE id = ?", (model.id,)).fetchone()[0])


def _insert_embeddings(
    execute: Execute,
    model: int,
    clip: int | None,
    spans: NDArray[np.float64],
    vectors: NDArray[np.float32],
    facts: NDArray[np.float32] | None,
) -> None:
    rows = np.tile(UNKNOWN, (len(spans), 1)) if facts is None else facts
    for (start, end), vector, row in zip(
        spans.tolist(), np.asarray(vectors, "<f4"), np.asarray(rows, "<f4"), strict=True
    ):
        execute(
            "INSERT INTO embeddings (model, clip, start_s, end_s, vector, facts) VALUES (?, ?, ?, ?, ?, ?)",
            (model, clip, start, end, vector.tobytes(), row.tobytes()),
        )


def _skeleton_id(execute: Execute, skeleton: Skeleton) -> int:
    parts = {
        "names": skeleton.names,
        "parents": skeleton.parents.tolist(),
        "offsets": skeleton.offsets.tolist(),
    }
    text = json.dumps(parts)
    digest = hashlib.sha256(text.encode()).hexdigest()
    execute("INSERT OR IGNORE INTO skeletons (sha256, json) VALUES (?, ?)", (digest, text))
    return int(execute("SELECT id FROM skeletons WHERE sha256 = ?", (digest,)).fetchone()[0])


def _drop_unused_skeletons(execute: Execute) -> None:
    execute("DELETE FROM skeletons WHERE id NOT IN (SELECT skeleton FROM motions)")


# Reading


def sources(library: Library) -> dict[str, Source]:
    """The files indexed, by path."""
    with _sound(library.path):
        rows = library.connection.execute("SELECT path, size, mtime_ns, sha256, reading FROM sources")
        return {str(row[0]): Source(*row) for row in rows}


def read_rows(library: Library, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """What a question in SQL finds, its values given apart; MotionaryError where the file is damaged."""
    with _sound(library.path):
        return library.connection.execute(sql, values).fetchall()


def clip_ids(library: Library) -> list[int]:
    """Every clip, in order."""
    with _sound(library.path):
        return [int(row[0]) for row in library.connection.execute("SELECT id FROM clips ORDER BY id")]


def unembedded(library: Library, model: Model) -> list[int]:
    """The clips that ``model`` has not embedded, in order."""
    with _sound(library.path):
        rows = library.connection.execute(
            "SELECT id FROM clips WHERE NOT EXISTS (SELECT 1 FROM embeddings JOIN models ON key = model "
            "WHERE clip = clips.id AND models.id = ?) ORDER BY id",
            (model.id,),
        )
        return [int(row[0]) for row in rows]


def clip_info(library: Library, clip: int) -> ClipInfo:
    """What is known of a clip; MotionaryError where there is none of that id."""
    with _sound(library.path):
        execute = library.connection.execute
        row = execute(
            "SELECT name, path, start_frame, end_frame, fps FROM clips "
            "JOIN motions ON motions.id = motion JOIN sources ON sources.id = source WHERE clips.id = ?",
            (clip,),
        ).fetchone()
        if row is None:
            raise MotionaryError(f"{library.path}: no clip {clip}; motionary info --clips lists them")
        name, source, start, end, fps = row
        if not (0 <= int(start) < int(end) and 0 < float(fps) < np.inf):
            raise ValueError(f"clip {clip} has frames {start} to {end} at {fps} frames a second")
        captions, tags = (
            tuple(str(text) for (text,) in execute(sql, (clip,)))
            for sql in (
                "SELECT text FROM captions WHERE clip = ? ORDER BY position",
                "SELECT text FROM tags WHERE clip = ? ORDER BY position",
            )
        )
        return ClipInfo(clip, str(name), str(source), int(start), int(end), float(fps), captions, tags)


def find_clip(library: Library, wanted: str) -> int:
    """The id of the clip that a user means by its id, its name or the beginning of its name, in that order.

    MotionaryError where no clip is meant, or more than one, with those that are.
    """
    with _sound(library.path):
        execute = library.connection.execute
        if wanted.isascii() and wanted.isdigit() and len(wanted) < 19:
            rows = execute("SELECT id, name FROM clips WHERE id = ?", (int(wanted),)).fetchall()
            if rows:
                return int(wanted)
        named = "SELECT id, name FROM clips WHERE name = ? ORDER BY id"
        begun = "SELECT id, name FROM clips WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name, id"
        rows = execute(named, (wanted,)).fetchall() or execute(begun, (wanted,)).fetchall()
    if not rows:
        raise MotionaryError(f"{library.path}: no clip {wanted!r}; motionary info --clips lists them")
    if len(rows) > 1:
        meant = ", ".join(f"{name} (id {number})" for number, name in rows[:5])
        more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
        raise MotionaryError(f"{library.path}: {wanted!r} may be {meant}{more}; give the id")
    return int(rows[0][0])


def clip_motion(library: Library, clip: int) -> Motion:
    """A clip's motion, unpacked: its own frames, on the whole source skeleton, at the source's rate."""
    info = clip_info(library, clip)
    with _sound(library.path):
        data, text = library.connection.execute(
            "SELECT data, json FROM clips JOIN motions ON motions.id = motion "
            "JOIN skeletons ON skeletons.id = skeleton WHERE clips.id = ?",
            (clip,),
        ).fetchone()
        parts: dict[str, Any] = json.loads(text)
        names = tuple(str(name) for name in parts["names"])
        skeleton = Skeleton(names, np.array(parts["parents"]), np.array(parts["offsets"]))
        if not np.isfinite(skeleton.offsets).all():
            raise ValueError(f"the skeleton of clip {clip} has an offset that is not a number")
        if not isinstance(data, bytes):  # bytes of a number would be as many zeros
            raise TypeError(f"the motion of clip {clip} is no bytes")
        try:
            motion = decode_motion(data, skeleton, info.fps)
            return slice_frames(motion, info.start_frame, info.end_frame)
        except MotionaryError as error:
            raise MotionaryError(f"{library.path}: clip {clip}: {error}") from None


def load_clip(library: Library, clip: int) -> Clip:
    """A clip with its motion, to apply or to export."""
    info = clip_info(library, clip)
    return Clip(info.name, clip_motion(library, clip), info.source, info.captions, info.tags)


def read_embeddings(library: Library) -> Embeddings:
    """Every embedding of the current model, those of a large library mapped from its side file.

    MotionaryError where one is damaged.
    """
    with snapshot(library):
        model = library.model
        if model is None:
            return _no_embeddings()
        mapped = _mapped_embeddings(library, model)
        if mapped is not None:
            return mapped
        held, state = _read_embeddings(library, model), library.state
    if state and len(held.clips) >= LARGE:
        arrays = {name: getattr(held, name) for name in EMBEDDINGS}
        save_arrays(library.path, "vectors", state, arrays)
    return held


def embeddings_of(library: Library, clips: Iterable[int]) -> Embeddings:
    """Those of the current model of these clips alone, sorted as all are; of ids that are no clip's, none.

    MotionaryError where one is damaged.
    """
    with snapshot(library):
        model = library.model
        if model is None:
            return _no_embeddings()
        return _read_embeddings(library, model, json.dumps(sorted({int(clip) for clip in clips})))


def _no_embeddings() -> Embeddings:
    none = np.zeros((0, WIDTH), np.float32)
    return Embeddings(np.zeros(0, np.int64), np.zeros((0, 2)), np.zeros((0, 1), np.float32), none)


def _mapped_embeddings(library: Library, model: Model) -> Embeddings | None:
    state = library.state
    found = state and map_arrays(library.path, "vectors", state, EMBEDDINGS)
    if not found:
        return None
    held = Embeddings(**found.arrays, is_whole=found.is_whole)
    count = len(held.clips)
    is_sound = (
        held.clips.shape == (count,)
        and held.spans.shape == (count, 2)
        and held.vectors.shape == (count, model.joint_dim)
        and held.facts.shape == (count, WIDTH)
        and bool((np.diff(held.clips) >= 0).all())
        and _are_spans(held.spans)
    )
    return held if is_sound else None


def _read_embeddings(library: Library, model: Model, part: str | None = None) -> Embeddings:
    """part: a JSON list of ids, to read theirs alone."""
    chosen = "embeddings JOIN models ON key = model WHERE is_current = 1"
    values = () if part is None else (part,)
    if part is not None:
        chosen += " AND clip IN (SELECT value FROM json_each(?))"
    with _sound(library.path):
        execute = library.connection.execute
        ((count,),) = execute(f"SELECT count(*) FROM {chosen}", values)  # noqa: S608
        cursor = execute(
            f"SELECT clip, start_s, end_s, vector, facts FROM {chosen} ORDER BY clip, start_s, end_s",  # noqa: S608
            values,
        )
        clips, spans = np.empty(count, np.int64), np.empty((count, 2))
        vectors, facts = (np.zeros((0, size), np.float32) for size in (model.joint_dim, WIDTH))
        done = 0
        while rows := cursor.fetchmany(ROWS):
            if any(len(row[3]) != 4 * model.joint_dim or len(row[4]) != 4 * WIDTH for row in rows):
                raise ValueError(f"an embedding does not have {model.joint_dim} numbers and {WIDTH} facts")
            if not done:  # only now is the length known to be one that vectors have
                vectors = np.empty((count, model.joint_dim), np.float32)
                facts = np.empty((count, WIDTH), np.float32)
            own = slice(done, done + len(rows))
            clips[own] = [row[0] for row in rows]
            spans[own] = [row[1:3] for row in rows]
            vectors[own] = np.frombuffer(b"".join(row[3] for row in rows), "<f4").reshape(-1, model.joint_dim)
            facts[own] = np.frombuffer(b"".join(row[4] for row in rows), "<f4").reshape(-1, WIDTH)
            if not np.isfinite(vectors[own]).all():
                raise ValueError("an embedding holds a value that is not a number")
            if not _are_spans(spans[own]):
                raise ValueError("an embedding is of no span of time")
            done += len(rows)
        if done != count:
            raise ValueError(f"{count} embeddings are counted and {done} found")
    return Embeddings(clips, spans, vectors, facts)


def _are_spans(spans: NDArray[np.float64]) -> bool:
    """Whether rows (N, 2) go from one time to a later one, in seconds that a clip could have."""
    starts, ends = spans.T
    return bool(((starts >= 0) & (ends >= starts) & (ends <= LONGEST_S)).all())


@contextmanager
def snapshot(library: Library) -> Iterator[None]:
    """What is read within is of one moment: nobody writes meanwhile."""
    connection = library.connection
    if connection.in_transaction:
        yield
        return
    with told(library.path):
        connection.execute("BEGIN")
        try:
            connection.execute("SELECT 1 FROM models LIMIT 1").fetchall()  # takes the lock
            yield
        finally:
            connection.execute("COMMIT")


def summary(library: Library) -> Summary:
    """What is in the library, in numbers."""
    with _sound(library.path):
        execute = library.connection.execute
        clips, seconds, files, skeletons, embeddings, captions = execute(
            "SELECT (SELECT count(*) FROM clips),"
            " (SELECT total((end_frame - start_frame) / fps) FROM clips JOIN motions ON motions.id = motion),"
            " (SELECT count(*) FROM sources), (SELECT count(*) FROM skeletons),"
            " (SELECT count(*) FROM embeddings JOIN models ON key = model WHERE is_current = 1),"
            " (SELECT count(*) FROM captions)"
        ).fetchone()
        tags = execute(
            "SELECT text, count(*) FROM tags GROUP BY text ORDER BY count(*) DESC, text"
        ).fetchall()
    return Summary(clips, seconds, files, skeletons, embeddings, captions, dict(tags))
