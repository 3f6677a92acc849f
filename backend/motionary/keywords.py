"""Search by words, beside search by meaning: in the names, captions, tags and file names of clips.

Words count by their stems (Porter's, as SQLite's FTS5 has it), so that walks, walking and walk are one. The
index is made when it is first asked for, from the library's own text, and that of a large library is kept in
a side file (`motionary.side_file`): plain numbers, in which nothing can hide and that cannot go stale.
"""

from __future__ import annotations

import difflib
import re
import sqlite3
import unicodedata
from array import array
from collections.abc import Callable, Container, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache, cached_property, partial, reduce
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from motionary.captions.grammar import sentences
from motionary.library import LARGE, Library, read_rows, snapshot
from motionary.side_file import map_arrays, save_arrays

__all__ = ["Keywords", "asked_stems", "keywords_of", "shares", "stems_of_clips", "understood"]

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

WORD = re.compile(r"[a-z0-9']*[a-z0-9]")
CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

ALIKE = 0.75
"""How alike a word must be to one that is known, as difflib counts, to be a slip of it."""

SHORTEST = 4
"""Letters of a word below which a slip cannot be told from another word."""


ARRAYS = {"clips": "<i8", "starts": "<i8", "rows": "<i4", "stems": "|u1", "words": "|u1"}
"""The arrays of a side file of keywords, and their dtypes."""


@dataclass(frozen=True, eq=False)
class Keywords:
    """Which clips have which words, as arrays that a file can hold.

    clips: ids in ascending order. stems, words: the stems, and the words of the library that have a letter as
    they are written there; ASCII, a line each, after an empty one. rows: of clips, those that have stem
    number i are rows[starts[i]:starts[i + 1]], in order. is_whole: see `motionary.side_file.Kept`.
    """

    clips: NDArray[np.int64]
    starts: NDArray[np.int64]
    rows: NDArray[np.int32]
    stems: NDArray[np.uint8]
    words: NDArray[np.uint8]
    is_whole: Callable[[], bool] = lambda: True

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Every word of the library that has a letter."""
        return frozenset(self.words.tobytes().decode().split())

    @cached_property
    def _lines(self) -> bytes:
        return self.stems.tobytes()

    def rows_with(self, stem: str) -> NDArray[np.int32]:
        """Where in ``clips`` those are that have a word of this stem, in order."""
        place = self._lines.find(f"\n{stem}\n".encode())
        if place < 0:
            return np.zeros(0, np.int32)
        number = self._lines.count(b"\n", 0, place)
        return self.rows[self.starts[number] : self.starts[number + 1]]


def keywords_of(library: Library) -> Keywords:
    """The words of a library, indexed, or mapped from the side file of a large one."""
    with snapshot(library):
        state, version = library.state, _version(library)
        mapped = state and map_arrays(library.path, "words", state, ARRAYS)
    if mapped and _is_sound(kept := Keywords(**mapped.arrays, is_whole=mapped.is_whole)):
        return kept
    # Not in the snapshot: no writer is to wait for all that is done with the texts.
    made = _indexed(library)
    if state and len(made.clips) >= LARGE and _version(library) == version:
        save_arrays(library.path, "words", state, {name: getattr(made, name) for name in ARRAYS})
    return made


def _version(library: Library) -> int:
    """A number that is another once someone else has changed the library."""
    return int(read_rows(library, "PRAGMA data_version")[0][0])


def _is_sound(kept: Keywords) -> bool:
    """Whether arrays from outside are such that nothing is looked for where it cannot be."""
    return bool(
        all(getattr(kept, name).ndim == 1 for name in ARRAYS)
        and len(kept.starts) == np.count_nonzero(kept.stems == ord("\n"))
        and len(kept.starts)
        and kept.starts[0] == 0
        and kept.starts[-1] == len(kept.rows)
        and (np.diff(kept.starts) >= 0).all()
        and (np.diff(kept.clips) > 0).all()
        and (len(kept.rows) == 0 or (kept.rows.min() >= 0 and kept.rows.max() < len(kept.clips)))
        and max(kept.stems.max(initial=0), kept.words.max(initial=0)) < 128
    )


def _indexed(library: Library) -> Keywords:
    """Read every text of the library, and sort the clips by the stems of its words."""
    numbers: dict[str, int] = {}  # of terms
    quoted: set[str] = set()  # words with an apostrophe, which are two terms or more
    found = array("i")  # terms, one text after the other
    owners, counts = array("q"), array("i")  # of texts: their clips, how many terms they have

    def read(clip: int, text: str) -> None:
        words = _words(text)
        if "'" in text:
            quoted.update(word for word in words if "'" in word)
            words = [term for word in words for term in _terms(word)]
        found.extend([numbers.setdefault(word, len(numbers)) for word in words])
        owners.append(clip)
        counts.append(len(words))

    files: dict[str, str] = {}
    for clip, name, path in read_rows(
        library,
        "SELECT clips.id, name, path FROM clips JOIN motions ON motions.id = motion "
        "JOIN sources ON sources.id = source",
    ):
        if path not in files:
            files[path] = _spaced(PurePath(str(path)).stem)
        read(int(clip), f"{_spaced(str(name))} {files[path]}")
    clips = np.unique(np.array(owners, np.int64))
    for table in ("captions", "tags"):
        # A damaged library may have a text, or bytes, where the clip's number belongs.
        for clip, text in read_rows(
            library,
            f"SELECT clip, text FROM {table} WHERE typeof(clip) = 'integer'",  # noqa: S608
        ):
            read(clip, str(text))

    stem_of = _stems(numbers)
    stems = sorted(set(stem_of.values()))
    place = {stem: number for number, stem in enumerate(stems)}
    places = np.array([place[stem_of[term]] for term in numbers], np.int64)
    is_known = np.isin(owners, clips)  # a damaged library may have texts of no clip
    rows = np.repeat(np.searchsorted(clips, owners), np.where(is_known, counts, 0))
    of_stem = places[np.array(found, np.int64)[np.repeat(is_known, counts)]]
    pairs = np.unique(of_stem * len(clips) + rows)
    starts = np.searchsorted(pairs, np.arange(len(stems) + 1) * len(clips))
    return Keywords(
        clips,
        starts.astype(np.int64),
        (pairs % max(len(clips), 1)).astype(np.int32),
        _packed(stems),
        _packed(sorted({*quoted, *(term for term in numbers if not term.isdigit())})),
    )


def _packed(words: Iterable[str]) -> NDArray[np.uint8]:
    return np.frombuffer("".join(["\n", *(f"{word}\n" for word in words)]).encode(), np.uint8)


def _stems(words: Iterable[str]) -> dict[str, str]:
    """The stem of each word of small ASCII letters and digits, by SQLite's own stemmer."""
    found = {word: word for word in words}
    spelled = [word for word in found if not word.isdigit()]
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(
            "CREATE VIRTUAL TABLE words USING fts5(text, content='', tokenize='porter unicode61')"
        )
        connection.execute("CREATE VIRTUAL TABLE terms USING fts5vocab(words, 'instance')")
        connection.executemany("INSERT INTO words (rowid, text) VALUES (?, ?)", enumerate(spelled))
        for number, stem in connection.execute("SELECT doc, term FROM terms"):
            found[spelled[number]] = stem
    return found


def shares(keywords: Keywords, query: str) -> NDArray[np.float32]:
    """For each clip the share, in [0, 1], of the query's words that it has, the rarer the weightier: (N,)."""
    result = np.zeros(len(keywords.clips), np.float32)
    total = 0.0
    for stems in asked_stems(query):
        parts = [keywords.rows_with(stem) for stem in stems]
        rows = reduce(partial(np.intersect1d, assume_unique=True), parts)
        weight = float(np.log1p(len(keywords.clips) / (1 + len(rows))))
        total += weight
        result[rows] += weight
    return result / np.float32(total) if total else result


def asked_stems(query: str) -> tuple[tuple[str, ...], ...]:
    """The stems of each word of a query that tells one motion from another: who has the word has them all."""
    asked = [word for word in dict.fromkeys(_words(query)) if word not in STOP_WORDS]
    stem_of = _stems({term for word in asked for term in _terms(word)})
    return tuple(tuple(stem_of[term] for term in _terms(word)) for word in asked)


def stems_of_clips(keywords: Keywords) -> tuple[list[str], NDArray[np.int64], NDArray[np.int32]]:
    """All stems; those of clip number i of ``keywords.clips`` are numbers[starts[i]:starts[i + 1]]."""
    numbers = np.repeat(np.arange(len(keywords.starts) - 1, dtype=np.int32), np.diff(keywords.starts))
    starts = np.zeros(len(keywords.clips) + 1, np.int64)
    np.cumsum(np.bincount(keywords.rows, minlength=len(keywords.clips)), out=starts[1:])
    stems = keywords.stems.tobytes().decode().split("\n")[1:-1]
    return stems, starts, numbers[np.argsort(keywords.rows, kind="stable")]


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
    return " ".join(CAMEL.findall(name.replace("_", " ")))


def _words(text: str) -> list[str]:
    """The words in small ASCII letters, without accents, and digits."""
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return WORD.findall(text.lower())


def _terms(word: str) -> list[str]:
    """What of a word has a stem: don and t of don't."""
    return [term for term in word.split("'") if term]
