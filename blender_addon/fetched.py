"""Motions of served libraries, kept in memory while there is room, for previews and Apply to share.

What was previewed is what is applied, without another look at the server. The engine's thread and the main
thread both ask here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import TypeAlias

from motionary.motion import Motion, slice_frames
from motionary.remote import Client, Served
from motionary.remote_library import MOTION_S, clip_facts, fetch_motion

__all__ = ["ROOM", "Motions", "Span", "fetch_now", "fetch_span", "name_now"]

ROOM = 256 << 20
"""Bytes of motions that are kept; those used last stay."""

PATIENCE = 15.0
"""Seconds that Blender stands still for a motion that is applied without having been previewed."""

Span: TypeAlias = tuple[float, float | None]
"""Seconds of a clip from when to when; (0, None) for all of it."""
Key: TypeAlias = tuple[Served, int, Span]


class Motions:
    """See the module."""

    def __init__(self, room: int = ROOM) -> None:
        self._room, self._used = room, 0
        self._kept: OrderedDict[Key, Motion] = OrderedDict()
        self._states: dict[Served, str] = {}
        self._lock = Lock()

    def get(self, library: Served, clip: int, span: Span, fetch: Callable[[], Motion]) -> Motion:
        """The seconds ``span`` of a clip, as they are kept, else as ``fetch`` has them."""
        key = (library, clip, _rounded(span))
        with self._lock:
            state = self._states.get(library)
            found, whole = self._kept.get(key), self._kept.get((library, clip, (0.0, None)))
            if found is not None:
                self._kept.move_to_end(key)
        if found is not None:
            return found
        if whole is not None:
            return _cut(whole, span)
        motion = fetch()
        with self._lock:
            if self._states.get(library) == state:  # else it changed meanwhile
                self._put(key, motion)
        return motion

    def is_news(self, library: Served, state: str) -> bool:
        """Take note of a library's state: whether it is a new one, so that nothing kept is right."""
        with self._lock:
            before = self._states.get(library)
            self._states[library] = state
            if before in (None, state):
                return False
            for key in [key for key in self._kept if key[0] == library]:
                self._used -= _size(self._kept.pop(key))
            return True

    def _put(self, key: Key, motion: Motion) -> None:
        if key not in self._kept:
            self._kept[key] = motion
            self._used += _size(motion)
        while self._used > self._room and self._kept:
            self._used -= _size(self._kept.popitem(last=False)[1])


def _cut(motion: Motion, span: Span) -> Motion:
    """The seconds ``span`` of a motion, at least a frame."""
    start, end = span
    first = min(round(start * motion.fps), motion.frames - 1)
    last = motion.frames if end is None else min(round(end * motion.fps), motion.frames)
    return slice_frames(motion, first, max(first + 1, last))


def fetch_span(client: Client, clip: int, span: Span, seconds: float = MOTION_S) -> Motion:
    """The seconds ``span`` of a clip from the server, which may take ``seconds``."""
    start, end = span
    if (start, end) == (0.0, None):
        return fetch_motion(client, clip, seconds=seconds)
    return fetch_motion(client, clip, start, end, seconds=seconds)


def fetch_now(motions: Motions, library: Served, clip: int, span: Span) -> Motion:
    """The seconds ``span`` of a clip, for the main thread, which waits PATIENCE at most; MotionaryError where
    they are not there by then."""
    client = Client(library)
    try:
        return motions.get(library, clip, span, lambda: fetch_span(client, clip, span, PATIENCE))
    finally:
        client.close()


def name_now(library: Served, clip: int) -> str:
    """What a clip is called, likewise."""
    client = Client(library)
    try:
        return clip_facts(client, clip).name
    finally:
        client.close()


def _rounded(span: Span) -> Span:
    """An operator's properties are float32: what is the same to a millisecond is the same."""
    start, end = span
    return round(start, 3), None if end is None else round(end, 3)


def _size(motion: Motion) -> int:
    return motion.rotations.nbytes + motion.translation.nbytes
