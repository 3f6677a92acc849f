"""Libraries of an earlier version brought up to date: ``motionary upgrade``.

A copy of the library, ``NAME.motionary-upgrade`` beside it, is taken from each version to the next by STEPS,
gets what its version did not have yet, is looked through, and takes the library's place in one step of the
file system. Until then the library is as it was: it can be read by the Motionary that made it, and nobody
else writes to it. Killed at any moment, one of the two is there, whole. A copy that was left behind is
overwritten by the next upgrade, and may be deleted.

A new version of the format needs one more `Step` at the end of STEPS: the schema that it leaves behind, the
SQL that makes the new one of it, and, where what is new has to be worked out, a function that does.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from motionary.captions.facts_array import UNKNOWN
from motionary.errors import MotionaryError
from motionary.file_head import held_head
from motionary.index import Progress, measured_windows
from motionary.library import (
    VERSION,
    Library,
    clip_ids,
    clip_motion,
    connect,
    format_version,
    own_schema,
    schema_of,
    told,
)

__all__ = ["STEPS", "Step", "UpgradeReport", "copy_beside", "is_earlier", "upgrade_library"]

PAGES = 4096
"""Pages that are copied between two looks at whether to stop."""

UNSAVED = "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;"
"""For the copy, which counts only when it is done: no journal to be left behind, no waiting for the disk."""

Tell: TypeAlias = Callable[[Progress], None]
Cancel: TypeAlias = Callable[[], bool]


@dataclass(frozen=True)
class Step:
    """From one version of the format to the next.

    schema: what a library of the version before holds, to the letter. sql: makes that the next version's.
    fill: works out what is new, once the library is of the current version; it returns how many clips that
    were, and stops by raising `_Stopped`.
    """

    schema: str
    sql: str
    fill: Callable[[Library, Tell, Cancel], int] | None = None


@dataclass(frozen=True)
class UpgradeReport:
    """From which version to which (the same, where there was nothing to do, or it was cancelled); of how many
    clips something was worked out; notes: lines about those of which it could not be."""

    before: int
    after: int
    clips: int = 0
    notes: tuple[str, ...] = ()
    cancelled: bool = False


class _Stopped(Exception):  # noqa: N818
    """The upgrade is not wanted any more."""


def is_earlier(path: Path) -> bool:
    """Whether a file is a library that has to be upgraded before it can be read."""
    with suppress(MotionaryError):
        return 0 < format_version(path) < VERSION
    return False


def copy_beside(path: Path) -> Path:
    """The copy that is worked on while a library is upgraded."""
    return path.with_name(f"{path.name}-upgrade")


def upgrade_library(
    path: Path,
    *,
    progress: Callable[[Progress], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> UpgradeReport:
    """Bring a library of an earlier version up to date; one of this version is left alone.

    progress: called after each clip. cancel: asked before each whether to stop; the library is as it was.

    MotionaryError where it is no library, is of a newer version or damaged, another program writes to it, or
    its folder or disk does not take the copy; then, too, it is as it was.
    """
    path = Path(os.path.realpath(path))  # what a link leads to is replaced, not the link
    before = _identity(path)
    version = format_version(path)
    if version == VERSION:
        return UpgradeReport(version, version)
    if version > VERSION:
        raise MotionaryError(f"{path}: library of version {version}, not {VERSION}; update Motionary")
    if version < 1:
        raise MotionaryError(
            f"{path}: library of version {version}, which there never was; index its sources into a new one"
        )
    notes: list[str] = []

    def tell(step: Progress) -> None:
        notes.extend(step.notes)
        if progress is not None:
            progress(step)

    copy = copy_beside(path)
    is_stopped = cancel or (lambda: False)
    try:
        with held_head(path, 0), told(path), _held_still(path, version) as original:
            if _identity(path) != before:  # what is locked is no longer what the name leads to
                raise MotionaryError(f"{path}: another program has just replaced this library; try again")
            copy.unlink(missing_ok=True)
            try:
                _copy(path, copy, is_stopped)
                clips = _brought_up_to_date(path, copy, version, tell, is_stopped)
                _flush(copy)
                shutil.copymode(path, copy)
                if os.name == "nt":  # where no file that is open can be replaced; nor, then, be written to
                    original.close()
                copy.replace(path)
            finally:
                copy.unlink(missing_ok=True)
        _flush_folder(path.parent)
    except _Stopped:
        return UpgradeReport(version, version, notes=tuple(notes), cancelled=True)
    except OSError as error:
        raise MotionaryError(
            f"{path}: cannot be upgraded, for {error.filename or 'the system'} refuses: "
            f"{error.strerror or error}; the library is as it was"
        ) from error
    return UpgradeReport(version, VERSION, clips, tuple(notes))


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file a name leads to; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


@contextmanager
def _held_still(path: Path, version: int) -> Iterator[sqlite3.Connection]:
    """A library of ``version`` that nobody else writes to meanwhile; what a killed writer left is undone."""
    with closing(connect(path, "rw")) as original:
        original.execute("BEGIN IMMEDIATE")
        if schema_of(original) != own_schema(STEPS[version - 1].schema):
            raise MotionaryError(f"{path}: not a Motionary library: its tables are not those of one")
        yield original


def _copy(path: Path, copy: Path, is_stopped: Cancel) -> None:
    def look(*_: int) -> None:
        if is_stopped():
            raise _Stopped

    # By SQLite and not by the system: closing a second handle of the file would end SQLite's locks (POSIX).
    with closing(connect(path, "ro")) as source, closing(connect(copy, "rwc")) as target:
        target.executescript(UNSAVED)
        source.backup(target, pages=PAGES, progress=look)


def _brought_up_to_date(path: Path, copy: Path, version: int, tell: Tell, is_stopped: Cancel) -> int:
    """Take the copy of ``path`` from ``version`` to this one; of how many clips something was worked out."""
    clips = 0
    with closing(connect(copy, "rw")) as connection:
        connection.executescript(f"{UNSAVED} BEGIN;")
        for step in STEPS[version - 1 :]:
            for statement in filter(str.strip, step.sql.split(";")):
                connection.execute(statement)
        if schema_of(connection) != own_schema():
            raise MotionaryError(f"{path}: cannot be upgraded: its tables do not become those of a library")
        library = Library(path, connection)
        for step in STEPS[version - 1 :]:
            if step.fill is not None:
                clips = max(clips, step.fill(library, tell, is_stopped))
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 1)  # which VACUUM needs, of a file that is ours
        connection.execute("VACUUM")
        checked = connection.execute("PRAGMA integrity_check").fetchone()
        if checked != ("ok",) or connection.execute("PRAGMA foreign_key_check").fetchone():
            raise MotionaryError(f"{path}: the library is damaged; index its sources into a new one")
    return clips


def _flush(file: Path) -> None:
    with file.open("rb+") as handle:
        os.fsync(handle.fileno())


def _flush_folder(folder: Path) -> None:
    """Have a name that was changed in it last, where the system has folders flushed."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# From version 1 to 2


def _measure_again(library: Library, tell: Tell, is_stopped: Cancel) -> int:
    """Measure the facts of every embedding from the motion that the library holds."""
    execute = library.connection.execute
    clips = clip_ids(library)
    for done, clip in enumerate(clips, 1):
        if is_stopped():
            raise _Stopped
        rows = execute("SELECT id, start_s, end_s FROM embeddings WHERE clip = ?", (clip,)).fetchall()
        notes: tuple[str, ...] = ()
        try:
            motion = clip_motion(library, clip)
            facts = measured_windows(motion, np.array([row[1:] for row in rows], np.float64).reshape(-1, 2))
        except MotionaryError as error:
            notes = (f"{error}; of it nothing is measured",)
        except Exception as error:  # damaged numbers, in whatever way: the other clips are to be kept
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            notes = (f"{library.path}: clip {clip}: cannot be measured ({reason})",)
        else:
            for (row, *_), fact in zip(rows, np.asarray(facts, "<f4"), strict=True):
                execute("UPDATE embeddings SET facts = ? WHERE id = ?", (fact.tobytes(), row))
        tell(Progress(done, len(clips), str(clip), notes=notes))
    return len(clips)


FIRST = """
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
    vector BLOB NOT NULL
);
CREATE INDEX embeddings_clip ON embeddings(clip, model);
"""
"""The schema of version 1, which knew no facts."""

FACTS = f"""
DROP INDEX embeddings_clip;
ALTER TABLE embeddings RENAME TO embeddings_before;
CREATE TABLE embeddings (
    id INTEGER PRIMARY KEY, model INTEGER NOT NULL REFERENCES models(key) ON DELETE CASCADE,
    clip INTEGER NOT NULL REFERENCES clips(id) ON DELETE CASCADE, start_s REAL NOT NULL, end_s REAL NOT NULL,
    vector BLOB NOT NULL, facts BLOB NOT NULL
);
INSERT INTO embeddings
    SELECT id, model, clip, start_s, end_s, vector, x'{UNKNOWN.astype("<f4").tobytes().hex()}'
    FROM embeddings_before ORDER BY id;
DROP TABLE embeddings_before;
CREATE INDEX embeddings_clip ON embeddings(clip, model);
"""  # noqa: S608 - the bytes are numbers of our own
"""Facts beside each embedding, none of them known."""

STEPS: tuple[Step, ...] = (Step(FIRST, FACTS, _measure_again),)
"""What takes a library from version 1 to 2, from 2 to 3, and so on."""
