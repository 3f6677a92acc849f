"""Search by words, beside search by meaning: in the names, captions, tags and file names of clips.

SQLite's FTS5 with Porter's stemmer, so that walks, walking and walk are one word. The index is made in memory
when it is first asked for, from the library's own text: a library, which may come from anyone, holds no index
that could be anything else, and cannot go stale.
"""

from __future__ import annotations

import difflib
import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from motionary.library import Library, read_rows

__all__ = ["Keywords", "corrected", "keywords_of", "shares"]

STOP_WORDS = frozenset(
    (
        *(
            "a",
            "an",
            "the",
            "and",
            "or",
            "then",
            "of",
            "to",
            "in",
            "on",
            "with",
            "at",
            "by",
            "for",
            "from",
            "as",
        ),
        *(
            "is",
            "are",
            "be",
            "it",
            "its",
            "his",
            "her",
            "their",
            "this",
            "that",
            "he",
            "she",
            "they",
            "while",
        ),
        *(
            "person",
            "man",
            "woman",
            "someone",
            "somebody",
            "people",
            "character",
            "figure",
            "human",
            "subject",
        ),
    )
)
"""Words that tell no motion from another."""

ALIKE = 0.75
"""How alike a word must be to one that is known, as difflib counts, to be a slip of it."""

SHORTEST = 4
"""Letters of a word below which a slip cannot be told from another word."""


@dataclass(frozen=True, eq=False)
class Keywords:
    """clips: ids in ascending order; vocabulary: every word of the library, as it is written there."""

    connection: sqlite3.Connection
    clips: NDArray[np.int64]
    vocabulary: frozenset[str]


def keywords_of(library: Library) -> Keywords:
    """Index the words of a library."""
    texts: dict[int, list[str]] = {}
    for clip, name, path in read_rows(
        library,
        "SELECT clips.id, name, path FROM clips JOIN motions ON motions.id = motion "
        "JOIN sources ON sources.id = source",
    ):
        texts[int(clip)] = [_spaced(str(name)), _spaced(PurePath(str(path)).stem)]
    for table in ("captions", "tags"):
        for clip, text in read_rows(library, f"SELECT clip, text FROM {table}"):  # noqa: S608
            texts[int(clip)].append(str(text))
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    connection.execute("CREATE VIRTUAL TABLE words USING fts5(text, content='', tokenize='porter unicode61')")
    clips = sorted(texts)
    connection.executemany(
        "INSERT INTO words (rowid, text) VALUES (?, ?)",
        ((clip, " ".join(texts[clip])) for clip in clips),
    )
    vocabulary = {word for listed in texts.values() for text in listed for word in _words(text)}
    return Keywords(connection, np.array(clips, np.int64), frozenset(vocabulary))


def shares(keywords: Keywords, query: str) -> NDArray[np.float32]:
    """For each clip the share, in [0, 1], of the query's words that it has, the rarer the weightier: (N,)."""
    result = np.zeros(len(keywords.clips), np.float32)
    total = 0.0
    for word in dict.fromkeys(word for word in _words(query) if word not in STOP_WORDS):
        rows = keywords.connection.execute(
            "SELECT rowid FROM words WHERE words MATCH ?", (f'"{word}"',)
        ).fetchall()
        weight = float(np.log1p(len(keywords.clips) / (1 + len(rows))))
        total += weight
        if rows:
            result[np.searchsorted(keywords.clips, np.array(rows, np.int64)[:, 0])] += weight
    return result / np.float32(total) if total else result


def corrected(query: str, known: Iterable[str], also: Sequence[str] = ()) -> str:
    """``query`` with words that nobody knows replaced by those that they are slips of.

    known: words that are right; also: more of them. A word that is like none of them stays.
    """
    words = {*known, *also, *STOP_WORDS}
    stems = {word[:-1] for word in words if word.endswith("s")}

    def right(found: re.Match[str]) -> str:
        word = found[0].lower()
        if len(word) < SHORTEST or word in words or word in stems or f"{word}s" in words:
            return found[0]
        near = difflib.get_close_matches(word, sorted(w for w in words if w[0] == word[0]), 1, ALIKE)
        near = near or difflib.get_close_matches(word, sorted(words), 1, ALIKE)
        return near[0] if near else found[0]

    return re.sub(r"[A-Za-z]+", right, query)


def _spaced(name: str) -> str:
    """A name as words: walk_fast01 and WalkFast are walk fast."""
    return " ".join(re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name.replace("_", " ")))


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']*[a-z0-9]", text.lower())
