"""The thread that searches: it holds the model and the libraries, and never touches Blender.

The main thread asks and, a timer at a time, takes what was found. Only the newest question of a kind counts:
what was asked before it and is not yet answered is dropped. Pictures come last, and one at a time.
"""

from __future__ import annotations

import atexit
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from motionary.bundle import ModelBundle, load_bundle
from motionary.confidence import Background, background, no_motion, told_how_sure
from motionary.edits import mirror
from motionary.errors import MotionaryError
from motionary.features import motion_joints
from motionary.filters import Filter, rows_that_pass
from motionary.keywords import understood
from motionary.library import Library, Summary, clip_motion, open_library, summary
from motionary.motion import Motion, slice_frames
from motionary.pose_strip import pose_frames, pose_strip
from motionary.search import Hit, search, similar, similar_to_motion

__all__ = [
    "FRAMES",
    "TILES",
    "Answer",
    "Broken",
    "Engine",
    "Held",
    "Look",
    "Looked",
    "Picture",
    "Pictures",
    "Question",
    "Survey",
    "Surveyed",
    "answer",
    "motion_of",
]

POSES, TILES, TILE_SIZE = 6, 3, 96
"""A result's picture: so many poses over so many square pictures side by side, for icons are square."""

FRAMES, FRAME_SIZE = 24, 160
"""The animation of the chosen clip in the panel: pictures, and pixels of each side."""

CLOSING = 5.0
"""Seconds to wait for the thread at the end; what it is at is a matter of milliseconds."""

Image: TypeAlias = NDArray[np.float32]
"""(height, width, 4) in [0, 1], the lowest row first, as Blender keeps pictures."""


@dataclass(frozen=True)
class Question:
    """What is looked for in a library: by ``query``, or what moves like clip ``like``, or like ``motion``:
    one of the three."""

    number: int
    library: Path
    model: Path | None
    query: str = ""
    like: int | None = None
    motion: Motion | None = None
    wanted: Filter = field(default_factory=Filter)
    top: int = 10


@dataclass(frozen=True)
class Answer:
    """What was found, or in one line why not; ``clips`` are those that the filters left to search, ``taken``
    the query as it was understood."""

    question: Question
    hits: tuple[Hit, ...] = ()
    clips: int = 0
    seconds: float = 0.0
    failure: str = ""
    taken: str = ""


@dataclass(frozen=True)
class Pictures:
    """A picture of each of these hits is wanted."""

    library: Path
    hits: tuple[Hit, ...]


@dataclass(frozen=True, eq=False)
class Picture:
    """A hit's poses over TILES square pictures, from left to right."""

    library: Path
    hit: Hit
    images: tuple[Image, ...]


@dataclass(frozen=True)
class Look:
    """A hit is to be shown: the part that matched, or the whole clip."""

    library: Path
    hit: Hit
    whole: bool


@dataclass(frozen=True, eq=False)
class Looked:
    """A hit's motion, its joints (T, 22, 3) at 20 fps, and, drawn after that, FRAMES pictures of it."""

    look: Look
    motion: Motion | None = None
    joints: NDArray[np.float64] | None = None
    images: tuple[Image, ...] = ()
    failure: str = ""


@dataclass(frozen=True)
class Survey:
    """What is in these libraries is wanted."""

    libraries: tuple[Path, ...]


@dataclass(frozen=True)
class Surveyed:
    """What is in a library, or in one line why that cannot be said."""

    library: Path
    summary: Summary | None = None
    failure: str = ""


@dataclass(frozen=True)
class Broken:
    """An error of Motionary's own, in one line; the traceback is in the system console."""

    failure: str


Asked: TypeAlias = Question | Look | Pictures | Survey
Told: TypeAlias = Answer | Looked | Picture | Surveyed | Broken


class Held:
    """The model and the library that were used last, opened anew when their files change."""

    def __init__(self) -> None:
        self._bundle: tuple[Path | None, ModelBundle] | None = None
        self._library: tuple[Path, tuple[int, ...], Library] | None = None
        self._no_motion: NDArray[np.float32] | None = None
        self._behind: Background | None = None
        self._passing: tuple[Filter, NDArray[np.bool_] | None] | None = None

    def bundle(self, folder: Path | None) -> ModelBundle:
        """The model bundle in a folder."""
        if self._bundle is None or self._bundle[0] != folder:
            self._bundle = (folder, load_bundle(folder))
            self._no_motion = self._behind = None
        return self._bundle[1]

    def library(self, path: Path) -> Library:
        """The library in a file, as it is now."""
        try:
            stat = path.stat()
        except OSError:
            raise MotionaryError(
                f"{path}: this library is not there any more; open it again, or another, under Libraries"
            ) from None
        signs = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)
        if self._library is None or self._library[:2] != (path, signs):
            self.close()
            self._library = (path, signs, open_library(path))
        return self._library[2]

    def passing(self, library: Library, wanted: Filter) -> NDArray[np.bool_] | None:
        """The rows of the library just opened that pass; the same while only the query changes."""
        if self._passing is None or self._passing[0] != wanted:
            self._passing = (wanted, rows_that_pass(library, wanted))
        return self._passing[1]

    def behind(self, library: Library, bundle: ModelBundle) -> Background:
        """What answers of the library just opened are held against, to tell how sure they are."""
        if self._no_motion is None:
            self._no_motion = no_motion(bundle)
        if self._behind is None:
            self._behind = background(library.embeddings.vectors, self._no_motion)
        return self._behind

    def close(self) -> None:
        """Close the library, so that its file can be moved."""
        if self._library is not None:
            self._library[2].close()
            self._library = self._passing = self._behind = None


def answer(question: Question, held: Held) -> Answer:
    """Search, and say in one line what went wrong where something did."""
    began = time.perf_counter()
    try:
        library = held.library(question.library)
        among = held.passing(library, question.wanted)
        count = _clips(library, among)
        taken = ""
        if question.query:
            taken = understood(library, question.query, held.bundle(question.model).known_words)
        hits = _found(question, taken, held, library, among)
    except MotionaryError as error:
        return Answer(question, failure=str(error))
    return Answer(question, tuple(hits), count, time.perf_counter() - began, taken=taken)


def _clips(library: Library, among: NDArray[np.bool_] | None) -> int:
    """How many clips have embeddings in these rows."""
    clips = library.embeddings.clips if among is None else library.embeddings.clips[among]
    return int(np.count_nonzero(np.diff(clips))) + 1 if len(clips) else 0


def _found(
    question: Question, taken: str, held: Held, library: Library, among: NDArray[np.bool_] | None
) -> list[Hit]:
    if question.like is not None:
        own = held.bundle(question.model)
        return similar(library, question.like, question.top, bundle=own, among=among)
    bundle = held.bundle(question.model)
    if library.model is not None and library.model.id != bundle.id:
        raise MotionaryError(
            f"{library.path}: embedded by another model ({library.model.name}) than the one in use "
            f"({bundle.name}); Embed Again under Libraries, or set that model in the preferences"
        )
    if question.motion is not None:
        return similar_to_motion(library, bundle, question.motion, question.top, among=among)
    hits = search(library, bundle, taken, question.top, among=among)
    return told_how_sure(hits, held.behind(library, bundle))


def motion_of(library: Library, hit: Hit, whole: bool) -> Motion:
    """The part of a clip that matched, or all of it; mirrored, where its mirror image was found."""
    motion = clip_motion(library, hit.clip)
    if hit.mirrored:
        motion = mirror(motion)
    if whole:
        return motion
    first, end = (round(seconds * motion.fps) for seconds in (hit.start_s, hit.end_s))
    return slice_frames(motion, first, max(first + 1, min(end, motion.frames)))


def _work(asked: Asked, held: Held) -> Iterator[Told]:
    """What is told of what was asked, a piece at a time."""
    if isinstance(asked, Question):
        yield answer(asked, held)
    elif isinstance(asked, Look):
        try:
            motion = motion_of(held.library(asked.library), asked.hit, asked.whole)
            joints = motion_joints(motion)
        except MotionaryError as error:
            yield Looked(asked, failure=str(error))
            return
        yield Looked(asked, motion, joints)
        images = pose_frames(motion, FRAMES, (FRAME_SIZE, FRAME_SIZE))
        yield Looked(asked, motion, joints, tuple(images))
    elif isinstance(asked, Pictures):
        for hit in asked.hits:
            try:
                motion = motion_of(held.library(asked.library), hit, whole=False)
                strip = pose_strip(motion, POSES, (TILES * TILE_SIZE, TILE_SIZE))
            except MotionaryError:
                continue  # the row has no picture; choosing it says why
            yield Picture(asked.library, hit, tuple(np.split(strip, TILES, axis=1)))
    else:
        for path in asked.libraries:
            try:
                with open_library(path) as library:
                    yield Surveyed(path, summary(library))
            except MotionaryError as error:
                yield Surveyed(path, failure=str(error))


class Engine:
    """The thread, started with the first question."""

    def __init__(self) -> None:
        self._asked: SimpleQueue[Asked | None] = SimpleQueue()
        self._told: SimpleQueue[Told] = SimpleQueue()
        self._thread: Thread | None = None

    def ask(self, asked: Asked) -> None:
        """Have it answered; an earlier one of its kind that is not yet answered is dropped."""
        if self._thread is None:
            self._thread = Thread(target=self._run, name="Motionary search", daemon=True)
            self._thread.start()
            # A thread within numpy while Python is taken down can take Blender down with it.
            atexit.register(self.close)
        self._asked.put(asked)

    def told(self) -> list[Told]:
        """What has been found since it was asked last."""
        return list(_drained(self._told.get_nowait))

    def close(self) -> None:
        """End the thread."""
        if self._thread is not None:
            self._asked.put(None)
            self._thread.join(CLOSING)
            self._thread = None
            atexit.unregister(self.close)

    def _run(self) -> None:
        held = Held()
        waiting: dict[type[Any], Iterator[Told]] = {}
        try:
            while True:
                arrived = [] if waiting else [self._asked.get()]
                arrived += _drained(self._asked.get_nowait)
                if None in arrived:
                    return
                for asked in arrived:
                    waiting[type(asked)] = _work(asked, held)  # type: ignore[arg-type]
                kind = next(kind for kind in (Question, Look, Survey, Pictures) if kind in waiting)
                try:
                    told = next(waiting[kind], None)
                except Exception as error:  # the thread has to live on
                    traceback.print_exc()
                    self._told.put(Broken(f"Motionary failed ({type(error).__name__}: {error})"))
                    del waiting[kind]
                    continue
                if told is None:
                    del waiting[kind]
                else:
                    self._told.put(told)
        finally:
            held.close()


def _drained(get: Callable[[], Any]) -> Iterable[Any]:
    while True:
        try:
            yield get()
        except Empty:
            return
