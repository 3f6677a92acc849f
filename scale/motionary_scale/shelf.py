"""The libraries of a server, open to be read by several threads, and opened anew when they change.

Every answer is of one state of the file: it is made within a snapshot, after it has been seen that what is
held in memory (embeddings, words) is of that state. Memory is shared by all readers of a library; that of a
large one is mapped from its side files.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Condition

import numpy as np
from numpy.typing import NDArray

from motionary.confidence import Background, background
from motionary.errors import MotionaryError
from motionary.keywords import Keywords
from motionary.library import (
    Embeddings,
    Library,
    Model,
    Summary,
    open_library,
    read_rows,
    snapshot,
    summary,
)

__all__ = ["Busy", "Contents", "Reader", "Shelf"]

TRIES = 5
"""How often a library is opened anew for one question before it is said to change all the time."""


class Busy(Exception):  # noqa: N818
    """The library is being written to, for seconds, or changes all the time."""


@dataclass(frozen=True, eq=False)
class Contents:
    """What is held of one state of a library. state: as it is told; mark: as the library tells it itself.

    behind: what sentences that no motion shows score; None where another model than the server's embedded.
    """

    state: str
    mark: bytes | None
    model: Model | None
    summary: Summary
    embeddings: Embeddings
    keywords: Keywords
    behind: Background | None


@dataclass(frozen=True, eq=False)
class Reader:
    """An open library, its memory filled. For one thread at a time."""

    library: Library
    contents: Contents
    generation: int
    version: int
    place: tuple[int, int]

    def is_current(self) -> bool:
        """Whether the file is as it was when its contents were read; ask within a snapshot."""
        return (
            self.library.state == self.contents.mark
            and _version(self.library) == self.version
            and _place(self.library.path) == self.place
        )


class Shelf:
    """Libraries by the names that they are served under.

    readers: threads that may read one at a time. model: the server's; sentences: (N, D) of
    `motionary.confidence.no_motion` by it.
    """

    def __init__(
        self, paths: Mapping[str, Path], *, readers: int, model: str, sentences: NDArray[np.float32]
    ) -> None:
        self._books = {name: _Book(path, readers, model, sentences) for name, path in paths.items()}

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in order."""
        return tuple(sorted(self._books))

    @contextmanager
    def reading(self, name: str) -> Iterator[Reader]:
        """One state of a library, which nobody changes meanwhile. KeyError where there is none of this name;
        Busy; MotionaryError where the file cannot be read."""
        with self._books[name].reading() as reader:
            yield reader

    def close(self) -> None:
        """Close what nobody reads."""
        for book in self._books.values():
            book.close()


class _Book:
    """One library, and its readers: all of one state, and opened while nobody reads.

    To close any handle of a file ends all locks that the process has on it (POSIX), and to open a library a
    handle is opened and closed: a writer could then change what another thread reads.
    """

    def __init__(self, path: Path, readers: int, model: str, sentences: NDArray[np.float32]) -> None:
        self._path, self._readers, self._model, self._sentences = path, readers, model, sentences
        self._changed = Condition()
        self._idle: list[Reader] = []
        self._out = 0
        self._generation = 0
        self._is_opening = False
        self._contents: Contents | None = None

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        for _ in range(TRIES):
            reader = self._take()
            try:
                with ExitStack() as within:
                    if self._is_current(reader, within):
                        yield reader
                        return
                self._retire(reader.generation)
            finally:
                self._give_back(reader)
        raise Busy

    def close(self) -> None:
        with self._changed:
            self._retire(self._generation)

    def _is_current(self, reader: Reader, within: ExitStack) -> bool:
        """Whether the reader is of the state that the file is in, and stays in until ``within`` ends."""
        try:
            within.enter_context(snapshot(reader.library))
            return reader.is_current()
        except MotionaryError as error:
            if getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                raise Busy from error
            self._retire(reader.generation)
            raise

    def _take(self) -> Reader:
        with self._changed:
            while self._is_opening or (not self._idle and self._out):
                self._changed.wait()
            if self._idle:
                self._out += 1
                return self._idle.pop()
            self._is_opening = True
        opened: list[Reader] = []
        try:
            opened = self._opened()
        finally:
            with self._changed:
                self._is_opening = False
                self._idle = opened
                self._changed.notify_all()
                if opened:
                    self._out += 1
                    taken = self._idle.pop()
        return taken

    def _give_back(self, reader: Reader) -> None:
        with self._changed:
            self._out -= 1
            if reader.generation == self._generation:
                self._idle.append(reader)
            else:
                reader.library.close()
            self._changed.notify_all()

    def _retire(self, generation: int) -> None:
        """Let these readers go, those that are at work once they are given back."""
        with self._changed:
            if generation == self._generation:
                self._generation += 1
                while self._idle:
                    self._idle.pop().library.close()

    def _opened(self) -> list[Reader]:
        """New readers, of the state that the file is in now."""
        with ExitStack() as undo:
            first = undo.enter_context(open_library(self._path))
            with snapshot(first):
                mark, version, place = first.state, _version(first), _place(self._path)
            held = self._contents
            if held is None or mark is None or held.mark != mark:
                held = self._contents = self._read(first, mark)
            result = [Reader(first, held, self._generation, version, place)]
            for _ in range(self._readers - 1):
                other = undo.enter_context(open_library(self._path))
                with snapshot(other):
                    version = _version(other)
                result.append(Reader(other, held, self._generation, version, place))
            for reader in result:
                # Where a library keeps what it has read once.
                vars(reader.library).update(embeddings=held.embeddings, keywords=held.keywords)
            undo.pop_all()
        return result

    def _read(self, library: Library, mark: bytes | None) -> Contents:
        embeddings, model = library.embeddings, library.model
        is_ours = model is None or model.id == self._model
        return Contents(
            secrets.token_hex(16) if mark is None else mark.hex(),
            mark,
            model,
            summary(library),
            embeddings,
            library.keywords,
            background(embeddings.vectors, self._sentences) if is_ours else None,
        )


def _version(library: Library) -> int:
    """A number that is another once someone else has changed the library."""
    return int(read_rows(library, "PRAGMA data_version")[0][0])


def _place(path: Path) -> tuple[int, int]:
    """Which file it is that has this name; (0, 0) where there is none."""
    with suppress(OSError):
        stat = path.stat()
        return stat.st_dev, stat.st_ino
    return 0, 0
