"""What `motionary search`, `similar`, `info` and `export` ask of a served library."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from motionary.errors import MotionaryError
from motionary.filters import Filter
from motionary.library import ClipInfo
from motionary.motion import Clip, Motion
from motionary.remote import Client, Served
from motionary.remote_library import (
    LibraryFacts,
    clip_facts,
    fetch_motion,
    library_facts,
    search_served,
    similar_served,
)
from motionary.search import Hit

__all__ = ["asking", "best_clip", "clip_number", "info", "one_clip", "part_of", "search", "similar"]


@contextmanager
def asking(library: Served) -> Iterator[Client]:
    """A connection for a few questions."""
    client = Client(library)
    try:
        yield client
    finally:
        client.close()


def clip_number(library: Served, clip: str) -> int:
    """The id of a clip as it is typed; MotionaryError where it is none: a server knows no clip by name."""
    if clip.isascii() and clip.isdecimal() and len(clip) < 10:
        return int(clip)
    raise MotionaryError(
        f"{library}: {clip[:80]!r} is no id; give the number that a search shows in brackets behind the name"
    )


def search(
    library: Served, query: str, top: int, *, wanted: Filter, whole_clips: bool
) -> tuple[list[Hit], str]:
    """The hits, and the query as the server took it."""
    with asking(library) as client:
        found = search_served(client, query, top, wanted=wanted, whole_clips=whole_clips)
    return list(found.hits), found.understood or query


def similar(library: Served, clip: str, top: int, *, whole_clips: bool) -> tuple[ClipInfo, list[Hit]]:
    """What the clip is, and what moves like it."""
    number = clip_number(library, clip)
    with asking(library) as client:
        told = clip_facts(client, number)
        return told, list(similar_served(client, number, top, whole_clips=whole_clips).hits)


def info(library: Served) -> LibraryFacts:
    """What is in the library."""
    with asking(library) as client:
        return library_facts(client)


def part_of(
    library: Served, clip: str, frames: Callable[[str, int, float], tuple[int, int]]
) -> tuple[str, Motion]:
    """A clip's name and a part of it; frames: of name, frames and fps, which [first, last) are wanted."""
    number = clip_number(library, clip)
    with asking(library) as client:
        told = clip_facts(client, number)
        first, last = frames(told.name, told.frames, told.fps)
        if (first, last) == (0, told.frames):
            return told.name, fetch_motion(client, number)
        return told.name, fetch_motion(client, number, first / told.fps, last / told.fps)


def one_clip(library: Served, clip: str) -> Clip:
    """A clip with its motion, to apply."""
    number = clip_number(library, clip)
    with asking(library) as client:
        told = clip_facts(client, number)
        return Clip(told.name, fetch_motion(client, number), told.source, told.captions, told.tags)


def best_clip(library: Served, query: str, rank: int, top: int, *, whole: bool) -> tuple[Clip, list[Hit]]:
    """The clip that is the ``rank``-th best match, or, unless ``whole``, the part that matches; and the best
    hits, ``top`` or more. MotionaryError where there are not so many."""
    with asking(library) as client:
        hits = list(search_served(client, query, max(rank, top)).hits)
        if len(hits) < rank:
            raise MotionaryError(f"{library}: there are {len(hits)} matches, none of rank {rank}")
        hit = hits[rank - 1]
        span = (None, None) if whole else (hit.start_s, hit.end_s)
        motion = fetch_motion(client, hit.clip, *span)
    return Clip(hit.name, motion, hit.source, hit.captions, hit.tags), hits
