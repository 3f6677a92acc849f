"""The thread that searches: it holds the model and the libraries, and never touches Blender.

The main thread asks and, a timer at a time, takes what was found. Only the newest question of a kind counts:
what was asked before it and is not yet answered is dropped, also while a server is still thinking about it.
Pictures come last, and one at a time.
"""

from __future__ import annotations

import atexit
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
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
from motionary.remote import Abandoned, Client, Place, Served, Unreachable
from motionary.remote_library import (
    LibraryFacts,
    library_facts,
    search_served,
    served_libraries,
    similar_served,
)
from motionary.search import Hit, search, similar, similar_to_motion

from .fetched import Motions, Span, fetch_span

__all__ = [
    "FRAMES",
    "TILES",
    "Answer",
    "Broken",
    "Engine",
    "Held",
    "Listed",
    "Listing",
    "Look",
    "Looked",
    "Picture",
    "Pictures",
    "Question",
    "Survey",
    "Surveyed",
    "answer",
    "listed",
    "motion_of",
]

POSES, TILES, TILE_SIZE = 6, 3, 96
"""A result's picture: so many poses over so many square pictures side by side, for icons are square."""

FRAMES, FRAME_SIZE = 24, 160
"""The animation of the chosen clip in the panel: pictures, and pixels of each side."""

STATE_S = 5.0
"""Seconds for which a served library is taken to be as it was."""
SURVEY_S = 5.0
"""Seconds that a server may take to say what is in a library; others wait behind it."""

CLOSING = 5.0
"""Seconds to wait for the thread at the end; what it is at is a matter of milliseconds."""

Image: TypeAlias = NDArray[np.float32]
"""(height, width, 4) in [0, 1], the lowest row first, as Blender keeps pictures."""


@dataclass(frozen=True)
class Question:
    """What is looked for in a library: by ``query``, or what moves like clip ``like``, or like ``motion``:
    one of the three."""

    number: int
    library: Place
    model: Path | None
    query: str = ""
    like: int | None = None
    motion: Motion | None = None
    wanted: Filter = field(default_factory=Filter)
    top: int = 10


@dataclass(frozen=True)
class Answer:
    """What was found, or in one line why not; ``clips`` are those that the filters left to search, ``taken``
    the query as it was understood. later: the same question may well be answered later. is_news: the library
    is another than it was, so that pictures of it are not right any more."""

    question: Question
    hits: tuple[Hit, ...] = ()
    clips: int = 0
    seconds: float = 0.0
    failure: str = ""
    taken: str = ""
    later: bool = False
    is_news: bool = False


@dataclass(frozen=True)
class Pictures:
    """A picture of each of these hits is wanted."""

    library: Place
    hits: tuple[Hit, ...]


@dataclass(frozen=True, eq=False)
class Picture:
    """A hit's poses over TILES square pictures, from left to right."""

    library: Place
    hit: Hit
    images: tuple[Image, ...]


@dataclass(frozen=True)
class Look:
    """A hit is to be shown: the part that matched, or the whole clip."""

    library: Place
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

    libraries: tuple[Place, ...]


@dataclass(frozen=True)
class Surveyed:
    """What is in a library, or in one line why that cannot be said."""

    library: Place
    summary: Summary | None = None
    failure: str = ""


@dataclass(frozen=True)
class Listing:
    """What a server has for us is wanted."""

    server: Served


@dataclass(frozen=True)
class Listed:
    """The libraries of a server, or in one line why they cannot be told."""

    server: Served
    libraries: tuple[LibraryFacts, ...] = ()
    failure: str = ""


@dataclass(frozen=True)
class Broken:
    """An error of Motionary's own, in one line; the traceback is in the system console."""

    failure: str


Asked: TypeAlias = Question | Look | Pictures | Survey | Listing
Told: TypeAlias = Answer | Looked | Picture | Surveyed | Listed | Broken


class Held:
    """The model and the library that were used last, opened anew when their files change, and the connection
    to the server that was asked last.

    motions: those that servers sent. is_stale: whether nobody waits any more for what is being asked.
    """

    def __init__(self, motions: Motions | None = None, is_stale: Callable[[], bool] = lambda: False) -> None:
        self.motions = motions or Motions()
        self._is_stale = is_stale
        self._client: Client | None = None
        self._looked_up: tuple[Served, float] | None = None
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
            self.close()  # and no server is kept waiting
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

    def client(self, library: Served) -> Client:
        """The connection by which a served library is asked, in the way that it may be asked now."""
        kept = self._client
        if kept is None or (kept.served, kept.served.access) != (library, library.access):
            self.hang_up()
            self._client = kept = Client(library, self._is_stale)
        return kept

    def is_news(self, library: Served, state: str) -> bool:
        """Whether a served library is another than it was: by the ``state`` that came with an answer; where
        none did, that is looked up every STATE_S."""
        if state:
            return self.motions.is_news(library, state)
        now = time.monotonic()
        if self._looked_up is not None:
            known, at = self._looked_up
            if known == library and now - at < STATE_S:
                return False
        facts = library_facts(self.client(library))
        self._looked_up = (library, now)
        return self.motions.is_news(library, facts.state)

    def motion(self, library: Place, hit: Hit, whole: bool) -> Motion:
        """The part of a clip that matched, or all of it; mirrored, where its mirror image was found."""
        if not isinstance(library, Served):
            return motion_of(self.library(library), hit, whole)
        span: Span = (0.0, None) if whole or _is_all(hit) else (hit.start_s, hit.end_s)
        client = self.client(library)
        motion = self.motions.get(library, hit.clip, span, lambda: fetch_span(client, hit.clip, span))
        return mirror(motion) if hit.mirrored else motion

    def hang_up(self) -> None:
        """End the connection to a server."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def close(self) -> None:
        """Close the library, so that its file can be moved, and end the connection to a server."""
        self.hang_up()
        if self._library is not None:
            self._library[2].close()
            self._library = self._passing = self._behind = None


def _is_all(hit: Hit) -> bool:
    return hit.start_s <= 0.0 and hit.end_s >= hit.duration_s - 1e-3


def answer(question: Question, held: Held) -> Answer:
    """Search, and say in one line what went wrong where something did."""
    began = time.perf_counter()
    if isinstance(question.library, Served):
        return _served_answer(question, question.library, held)
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


def _served_answer(question: Question, library: Served, held: Held) -> Answer:
    began = time.perf_counter()
    try:
        client = held.client(library)
        if question.like is not None:
            found = similar_served(client, question.like, question.top, wanted=question.wanted)
        elif question.query:
            found = search_served(client, question.query, question.top, wanted=question.wanted)
        else:
            raise MotionaryError(
                "a served library is searched by words or by its own clips; choose a library file to find "
                "what moves like an Action"
            )
        is_news = held.is_news(library, found.state)
    except MotionaryError as error:
        return Answer(question, failure=str(error), later=isinstance(error, Unreachable))
    seconds = time.perf_counter() - began
    return Answer(question, found.hits, found.total, seconds, taken=found.understood, is_news=is_news)


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
    return told_how_sure(hits, held.behind(library, bundle), bundle.familiarity(question.query))


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
            motion = held.motion(asked.library, asked.hit, asked.whole)
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
                motion = held.motion(asked.library, hit, whole=False)
                strip = pose_strip(motion, POSES, (TILES * TILE_SIZE, TILE_SIZE), tiles=TILES)
            except Unreachable:
                return  # the others would wait as long for nothing
            except MotionaryError:
                continue  # the row has no picture; choosing it says why
            yield Picture(asked.library, hit, tuple(np.split(strip, TILES, axis=1)))
    elif isinstance(asked, Listing):
        yield listed(asked.server, held)
    else:
        for place in asked.libraries:
            yield _surveyed(place, held)


def listed(server: Served, held: Held) -> Listed:
    """What a server has for us."""
    try:
        return Listed(server, tuple(served_libraries(held.client(server))))
    except MotionaryError as error:
        return Listed(server, failure=str(error))


def _surveyed(place: Place, held: Held) -> Surveyed:
    try:
        if isinstance(place, Served):
            facts = library_facts(held.client(place), seconds=SURVEY_S)
            # Of what a server does not tell there are none.
            return Surveyed(place, Summary(facts.clips, facts.seconds, 0, 0, facts.embeddings, 0, {}))
        with open_library(place) as library:
            return Surveyed(place, summary(library))
    except MotionaryError as error:
        return Surveyed(place, failure=str(error))


class Engine:
    """The thread, started with the first question. motions: those that servers sent, to be shared."""

    def __init__(self, motions: Motions | None = None) -> None:
        self._motions = motions or Motions()
        self._asked: SimpleQueue[tuple[int, Asked] | None] = SimpleQueue()
        self._told: SimpleQueue[Told] = SimpleQueue()
        self._thread: Thread | None = None
        self._numbers = count(1)
        self._newest: dict[type[Any], int] = {}
        self._done: dict[type[Any], int] = {}
        self._is_closing = False

    def ask(self, asked: Asked) -> None:
        """Have it answered; an earlier one of its kind that is not yet answered is dropped."""
        if self._thread is None:
            self._is_closing = False
            self._thread = Thread(target=self._run, name="Motionary search", daemon=True)
            self._thread.start()
            # A thread within numpy while Python is taken down can take Blender down with it.
            atexit.register(self.close)
        number = next(self._numbers)
        self._newest[type(asked)] = number
        self._asked.put((number, asked))

    def told(self) -> list[Told]:
        """What has been found since it was asked last."""
        return list(_drained(self._told.get_nowait))

    @property
    def is_busy(self) -> bool:
        """Whether something that was asked is not answered yet."""
        return any(self._done.get(kind, 0) < number for kind, number in self._newest.items())

    def close(self) -> None:
        """End the thread."""
        if self._thread is not None:
            self._is_closing = True
            self._asked.put(None)
            self._thread.join(CLOSING)
            self._thread = None
            atexit.unregister(self.close)

    def _is_stale(self, kind: type[Any], number: int) -> bool:
        """Whether nobody waits any more for what was asked as the ``number``-th: a newer one of its kind was,
        or, where it is about what was found before, a newer question."""
        others = (kind, Question) if kind in (Look, Pictures) else (kind,)
        return self._is_closing or any(self._newest.get(other, 0) > number for other in others)

    def _run(self) -> None:
        at: tuple[type[Any], int] = (Question, 0)
        held = Held(self._motions, lambda: self._is_stale(*at))
        waiting: dict[type[Any], tuple[int, Iterator[Told]]] = {}
        try:
            while True:
                arrived = [] if waiting else [self._asked.get()]
                arrived += _drained(self._asked.get_nowait)
                for item in arrived:
                    if item is None:
                        return
                    number, asked = item
                    waiting[type(asked)] = (number, _work(asked, held))
                kind = next(kind for kind in (Question, Look, Listing, Survey, Pictures) if kind in waiting)
                number, work = waiting[kind]
                at = (kind, number)
                try:
                    told = next(work, None)
                except Abandoned:
                    told = None
                except Exception as error:  # the thread has to live on
                    traceback.print_exc()
                    self._told.put(Broken(f"Motionary failed ({type(error).__name__}: {error})"))
                    told = None
                if told is None:
                    del waiting[kind]
                    self._done[kind] = number
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
