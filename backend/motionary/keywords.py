"""Search by words, beside search by meaning: in the names, captions, tags and file names of clips.

SQLite's FTS5 with Porter's stemmer, so that walks, walking and walk are one word. The index is made in memory
when it is first asked for, from the library's own text: a library, which may come from anyone, holds no index
that could be anything else, and cannot go stale.
"""

from __future__ import annotations

import difflib
import re
import sqlite3
from collections.abc import Container, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from motionary.captions.grammar import sentences
from motionary.library import Library, read_rows

__all__ = ["Keywords", "keywords_of", "shares", "understood"]

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


def understood(library: Library, query: str, known: Container[str]) -> str:
    """``query`` with slips of the finger mended: words that neither ``known`` (those of a language, in small
    letters) nor the library has, and that are like one of the library's or of our own captions."""
    own = library.keywords.vocabulary
    slips = [
        word
        for word in dict.fromkeys(re.findall(r"[A-Za-z]+", query))
        if len(word) >= SHORTEST and word.lower() not in known and word.lower() not in own
    ]
    if not slips:
        return query
    words = sorted({*own, *_caption_words(), *STOP_WORDS})
    mended = {slip: near for slip in slips if (near := _nearest(slip.lower(), words))}
    return re.sub(r"[A-Za-z]+", lambda found: mended.get(found[0], found[0]), query)


def _nearest(slip: str, words: Sequence[str]) -> str | None:
    """The word that it is a slip of: mostly one with the same first letter."""
    for near in ([word for word in words if word[0] == slip[0]], words):
        if found := difflib.get_close_matches(slip, near, 1, ALIKE):
            return found[0]
    return None


@cache
def _caption_words() -> frozenset[str]:
    return frozenset(word for sentence in sentences() for word in _words(sentence.text) if word.isalpha())


def _spaced(name: str) -> str:
    """A name as words: walk_fast01 and WalkFast are walk fast."""
    return " ".join(re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name.replace("_", " ")))


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']*[a-z0-9]", text.lower())
