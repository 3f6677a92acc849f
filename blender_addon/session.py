"""What is held between two redraws: what was found, what is shown, what is at work. Panels only read it.

One of it lives from register to unregister. It keeps no reference to anything of Blender's: undo and loading
a file leave those behind. Of what it holds nothing is saved.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import replace
from typing import Any

import bpy
from bpy.app.handlers import persistent

from motionary.errors import MotionaryError
from motionary.filters import Filter
from motionary.library import STARRED, Summary
from motionary.motion import Motion
from motionary.remote import Place, Served
from motionary.search import Hit

from .engine import (
    Answer,
    Broken,
    Engine,
    Held,
    Listed,
    Listing,
    Look,
    Looked,
    Picture,
    Pictures,
    Question,
    Survey,
    Surveyed,
    answer,
    listed,
)
from .fetched import Motions
from .preferences import chosen_library, listed_libraries, model_folder, place_at, preferences
from .properties import state
from .ui import ghost, pictures

__all__ = ["Session", "current", "is_running", "redraw", "register", "unregister"]

TYPING_PAUSE = 0.15
"""Seconds without a keystroke after which the query is searched."""

RESTS = 2.0
"""Seconds that a query has to stand to be remembered, unless a result of it is used."""

RETRY, LONGEST_RETRY = 2.0, 30.0
"""Seconds after which a server that did not answer is asked again; twice as many each time, up to so many."""

TICK = 1 / 30
IDLE_TICK = 0.1
"""Seconds between two looks at what the thread has found: while something moves, and while nothing does."""

TAB = "Motionary"
"""The tab of the sidebar."""

HISTORY = 20
"""Queries that are remembered."""


class Session:
    """See the module. The main thread alone uses it."""

    def __init__(self) -> None:
        self.motions = Motions()
        self.engine = Engine(self.motions)
        self.icons = pictures.open_icons()
        self.library: Place | None = None
        self.hits: tuple[Hit, ...] = ()
        self.question: Question | None = None
        self.clips = 0
        self.taken = ""
        self.seconds = 0.0
        self.failure = ""
        self.searching = False
        self.looked: Looked | None = None
        self.looked_at = 0.0
        self.surveys: dict[Place, Surveyed] = {}
        self.server: Served | None = None
        self.offered: Listed | None = None
        self.history: deque[str] = deque(maxlen=HISTORY)
        self.job: Any = None
        self._due: float | None = None
        self._retry = RETRY
        self._rests_at: float | None = None
        self._number = 0
        self._quiet = 0.0

    # What panels read

    @property
    def chosen(self) -> Hit | None:
        """The hit that is previewed and applied."""
        index = int(state().chosen)
        return self.hits[index] if 0 <= index < len(self.hits) else None

    @property
    def summary(self) -> Summary | None:
        """What is in the library that is searched."""
        surveyed = self.surveys.get(self.library) if self.library else None
        return surveyed.summary if surveyed else None

    @property
    def tags(self) -> dict[str, int]:
        """The library's tags, the most frequent first."""
        return dict(self.summary.tags) if self.summary else {}

    def strip(self, hit: Hit) -> tuple[int, ...]:
        """Icons of a hit's poses, from left to right; none while they are not drawn yet."""
        return pictures.icons_of(self.icons, _key(self.library, hit))

    def animation(self) -> int | None:
        """The icon of the chosen clip as it is at this moment; None while it is not drawn yet."""
        icons = pictures.icons_of(self.icons, ANIMATION)
        if not icons or self.looked is None or self.looked.joints is None:
            return None
        lasts = max(self.looked.motion.duration if self.looked.motion else 0.0, 0.1)
        return icons[int((time.monotonic() - self.looked_at) / lasts * len(icons)) % len(icons)]

    # Asking

    def ask_soon(self) -> None:
        """Search for what is typed when the typing pauses."""
        self._due = time.monotonic() + TYPING_PAUSE
        self._retry = RETRY
        self._rests_at = None
        _wake()

    def ask(self, *, like: Hit | None = None, motion: Motion | None = None) -> None:
        """Search for the query, or for what moves like a hit or a motion, as the filters allow.

        In the background, where no timer runs, the answer is there on return.
        """
        self._due = None
        try:
            library = chosen_library()
            wanted = _filter()
        except MotionaryError as error:
            self._forget(str(error))
            return
        if library != self.library:
            self._forget()
            self.library = library
        self._number += 1
        question = Question(
            self._number,
            library,
            model_folder(),
            query="" if like or motion else str(state().query).strip(),
            like=like.clip if like else None,
            motion=motion,
            wanted=wanted,
            top=int(preferences().results),
        )
        if not (question.query or like or motion):
            self._forget()
            if library not in self.surveys:
                self.survey([library])
            return
        self.searching = True
        if bpy.app.background:
            held = Held(self.motions)
            try:
                self._take_answer(answer(question, held))
            finally:
                held.close()
            return
        self.engine.ask(question)
        if library not in self.surveys:
            self.survey([library])
        _wake()

    def survey(self, libraries: list[Place]) -> None:
        """Have it looked up what is in these libraries."""
        if not bpy.app.background:
            self.engine.ask(Survey(tuple(libraries)))
            _wake()

    def offer(self, server: Served | None) -> None:
        """Have it looked up what a server has for us, to choose from; None: stop offering it."""
        self.server, self.offered = server, None
        if server is not None and bpy.app.background:
            held = Held(self.motions)
            try:
                self.offered = listed(server, held)
            finally:
                held.close()
        elif server is not None:
            self.engine.ask(Listing(server))
            _wake()
        redraw()

    def choose(self, index: int) -> None:
        """Preview a hit: ``index`` counts from 0, -1 for none."""
        ghost.hide()
        self.looked = None
        hit = self.chosen
        if hit is None or self.library is None:
            return
        if not bpy.app.background:
            self.engine.ask(Look(_as_now(self.library), hit, bool(state().whole_clip)))
            _wake()

    def reload(self) -> None:
        """What is on disk, or in the preferences, has changed: look and search again."""
        self.surveys.clear()
        pictures.clear(self.icons)
        try:
            library = chosen_library()
        except MotionaryError as error:
            self._forget(str(error))
            self.library = None
            return
        if library != self.library:
            self._forget()
            self.library = library
        self.survey([library, *(other for other in listed_libraries() if other != library)])
        if self.question is not None or str(state().query).strip():
            self.ask()
        redraw()

    def use(self) -> None:
        """A result is used: what found it is worth to be remembered."""
        if self.question and self.question.query:
            self.remember(self.question.query)
            self._rests_at = None

    def set_starred(self, hit: Hit, starred: bool) -> None:
        """Show a star, or none, at a hit, as the library has it."""
        tags = tuple(tag for tag in hit.tags if tag != STARRED) + ((STARRED,) if starred else ())
        self.hits = tuple(replace(h, tags=tags) if h == hit else h for h in self.hits)
        redraw()

    def remember(self, query: str) -> None:
        """Put a query at the head of the history, in place of what was typed on the way to it."""
        for before in [before for before in self.history if query.startswith(before)]:
            self.history.remove(before)
        self.history.appendleft(query)

    # Taking what was found

    def take(self) -> None:
        """Take in what the thread has found so far."""
        for told in self.engine.told():
            if isinstance(told, Answer):
                self._take_answer(told)
            elif isinstance(told, Looked):
                self._take_look(told)
            elif isinstance(told, Picture):
                if told.library == self.library:
                    pictures.put(self.icons, _key(told.library, told.hit), told.images)
            elif isinstance(told, Surveyed):
                self.surveys[told.library] = told
            elif isinstance(told, Listed):
                if told.server == self.server:
                    self.offered = told
            elif isinstance(told, Broken):
                self.failure, self.searching = told.failure, False
            redraw()

    def _take_answer(self, told: Answer) -> None:
        if told.question.number != self._number:
            return
        self.searching = False
        self.question, self.failure, self.taken = told.question, told.failure, told.taken
        self.hits, self.clips, self.seconds = told.hits, told.clips, told.seconds
        known = self.surveys.get(told.question.library)
        if told.is_news:
            pictures.clear(self.icons)
        if told.is_news or (known is not None and known.failure and not told.failure):
            self.survey([told.question.library])
        if told.later and told.question.query and not bpy.app.background:
            # The server is asked again by itself, less and less often, until it answers.
            self._due = time.monotonic() + self._retry
            self._retry = min(2 * self._retry, LONGEST_RETRY)
            _wake()
        elif not told.failure:
            self._retry = RETRY
        if told.hits and told.question.query:
            self._rests_at = time.monotonic() + RESTS
        state().chosen = 0 if told.hits else -1
        wanted = tuple(hit for hit in told.hits if not self.strip(hit))
        if wanted and not bpy.app.background:
            self.engine.ask(Pictures(_as_now(told.question.library), wanted))

    def _take_look(self, told: Looked) -> None:
        hit = self.chosen
        if hit is None or told.look.hit.clip != hit.clip or told.look.library != self.library:
            return
        if told.failure:
            self.failure = told.failure
        elif told.images:
            pictures.put(self.icons, ANIMATION, told.images)
            self.looked = told
        else:
            self.looked, self.looked_at = told, time.monotonic()
            if told.joints is not None:
                ghost.show(told.joints)

    def _forget(self, failure: str = "") -> None:
        """Nothing is found."""
        self._number += 1
        self.hits, self.question, self.failure, self.searching = (), None, failure, False
        self.looked = None
        state().chosen = -1
        ghost.hide()
        redraw()

    def tick(self) -> float | None:
        """What the timer does; seconds to the next time, None when nothing is to come."""
        if self._due is not None and time.monotonic() >= self._due:
            self.ask()
        self.take()
        if self._rests_at is not None and time.monotonic() >= self._rests_at:
            self.use()
        moves = _animate(self)
        is_soon = self._due is not None and self._due - time.monotonic() <= TYPING_PAUSE
        if is_soon or self.searching or moves:
            self._quiet = 0.0
            return TICK
        if self._due is not None or self.engine.is_busy:
            self._quiet = 0.0
            return IDLE_TICK
        # What was told while this looked is taken the next time.
        self._quiet += IDLE_TICK
        return IDLE_TICK if self._quiet < 10.0 else None

    def close(self) -> None:
        """End the thread and give back what Blender lent."""
        ghost.hide()
        self.engine.close()
        pictures.close(self.icons)


ANIMATION = "animation"


def _as_now(library: Place) -> Place:
    """The library with how it may be asked now: the user may have gone offline since it was searched."""
    return place_at(str(library)) if isinstance(library, Served) else library


def _key(library: Place | None, hit: Hit) -> tuple[Place | None, int, float, float]:
    return (library, hit.clip, hit.start_s, hit.end_s)


def _filter() -> Filter:
    typed = state()
    if not typed.use_filters:
        return Filter()
    return Filter(
        min_s=float(typed.min_seconds),
        max_s=float(typed.max_seconds) or None,
        tags=tuple(tag for part in str(typed.tag).split(",") if (tag := part.strip())),
        source=str(typed.source).strip(),
        starred=bool(typed.starred),
        min_distance=float(typed.min_distance),
        max_distance=float(typed.max_distance) or None,
        loops=bool(typed.loops),
        hand="" if typed.hand == "any" else str(typed.hand),
    )


# The one there is

_sessions: list[Session] = []


def current() -> Session:
    """The session; there is one while the extension is enabled."""
    return _sessions[-1]


def is_running() -> bool:
    """Whether the extension is enabled."""
    return bool(_sessions)


# The timer


def _wake() -> None:
    """See to it that the timer runs. Timers never run in the background."""
    if is_running():
        current()._quiet = 0.0
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=TICK, persistent=True)


def _tick() -> float | None:
    return current().tick() if is_running() else None


def _animate(session: Session) -> bool:
    """Redraw what moves; False where nothing does."""
    moves = False
    if ghost.is_playing():
        redraw("WINDOW")
        moves = True
    if session.looked is not None and preferences().animate_panel and _is_panel_open():
        redraw("UI")
        moves = True
    return moves


def _is_panel_open() -> bool:
    return any(
        region.type == "UI" and region.width > 1 and str(region.active_panel_category) == TAB
        for area in _view_areas()
        for region in area.regions
    )


def redraw(*kinds: str) -> None:
    """Have the 3D Viewports drawn again: the regions of these kinds, or all."""
    for area in _view_areas():
        for region in area.regions:
            if not kinds or region.type in kinds:
                region.tag_redraw()


def _view_areas() -> list[bpy.types.Area]:
    manager = bpy.context.window_manager
    windows = manager.windows if manager else ()
    return [
        area for window in windows if window.screen for area in window.screen.areas if area.type == "VIEW_3D"
    ]


@persistent  # type: ignore[untyped-decorator]
def _before_load(*_: object) -> None:
    """Another file: the ghost stood in the one before."""
    ghost.hide()


@persistent  # type: ignore[untyped-decorator]
def _after_load(*_: object) -> None:
    """Blender may have emptied the window manager: what was asked is asked again."""
    question = current().question
    if question is not None and question.query and not state().query:
        state().query = question.query


def _begin() -> None:
    """See which libraries there are: the panel is to show them before anything is typed."""
    if is_running():
        current().reload()


def register() -> None:
    """Begin the session."""
    _sessions.append(Session())
    if not bpy.app.background:
        # When the rest is registered, too; and also where Blender starts with a file, which it loads later.
        bpy.app.timers.register(_begin, first_interval=0.0, persistent=True)
    bpy.app.handlers.load_pre.append(_before_load)
    bpy.app.handlers.load_post.append(_after_load)


def unregister() -> None:
    """End it."""
    for handlers, handler in (
        (bpy.app.handlers.load_pre, _before_load),
        (bpy.app.handlers.load_post, _after_load),
    ):
        if handler in handlers:
            handlers.remove(handler)
    for timer in (_begin, _tick):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)
    if _sessions:
        _sessions.pop().close()
