"""Libraries as Motionary wrote them in earlier versions of the format, by the SQL of those days."""

import sqlite3
from contextlib import closing
from pathlib import Path

APPLICATION_ID = 0x4D4F5459
SCHEMAS = {
    1: """
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
}
"""The schema of each earlier version, copied from what the project then had."""


def write_old(path: Path, library: Path, version: int = 1) -> Path:
    """Write what a library of today holds to ``path``, as an earlier version would have kept it."""
    with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(library)) as now:
        old.executescript(
            f"BEGIN; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {version};"
            f"{SCHEMAS[version]} COMMIT;"
        )
        tables = [name for (name,) in old.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        for table in tables:
            columns = [row[1] for row in old.execute(f"PRAGMA table_info({table})")]
            marks = ", ".join("?" * len(columns))
            rows = now.execute(f"SELECT {', '.join(columns)} FROM {table}")
            old.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
        old.commit()
    return path
