"""The libraries that the user works with, and what each is made from, as the preferences hold them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, cast

import bpy

from motionary.errors import MotionaryError
from motionary.library import open_library, remove_sources, sources
from motionary.remote import TOKEN, Place, Served
from motionary.worker import IndexRequest

from .bundled import own_library
from .jobs import is_python
from .preferences import (
    MOTIONARY_PG_library,
    absolute,
    chosen_file,
    is_served_chosen,
    listed_libraries,
    model_folder,
    place_at,
    preferences,
)

__all__ = [
    "PATIENCE",
    "add_library",
    "add_sources",
    "check_writable",
    "choose_library",
    "chosen_item",
    "find_library",
    "forget_library",
    "index_request",
    "is_file_chosen",
    "is_library_chosen",
    "libraries",
    "library_sources",
    "readers",
    "remove_clips",
    "remove_source",
    "starter_library",
    "worker_python",
]


PATIENCE = 500
"""Milliseconds to wait for another program that writes to a library: Blender stands still meanwhile."""


def libraries() -> list[MOTIONARY_PG_library]:
    """The libraries that are listed; the starter library is none of them."""
    return list(cast("Iterable[MOTIONARY_PG_library]", preferences().libraries))


@cache
def starter_library() -> Path | None:
    """The library that comes along; looked for once, for panels ask with every redraw."""
    return own_library()


def find_library(path: Place) -> MOTIONARY_PG_library | None:
    """The listed library in a file, or of a server."""
    listed = listed_libraries()
    return libraries()[listed.index(path)] if path in listed else None


def chosen_item() -> MOTIONARY_PG_library | None:
    """The listed library that is searched; None where that is the starter library, or none is chosen."""
    named = str(preferences().library)
    return find_library(place_at(named)) if named else None


def is_library_chosen() -> bool:
    """Whether a library is searched that is not the starter library."""
    return bool(preferences().library)


def add_library(path: Place) -> MOTIONARY_PG_library:
    """List the library in a file, or of a server, once, and choose it."""
    item = find_library(path)
    if item is None:
        item = cast("MOTIONARY_PG_library", cast("Any", preferences().libraries).add())
        item.path = str(path)
    if isinstance(path, Served):
        own = path.access.token != os.environ.get(TOKEN, "").strip()
        item.token = path.access.token if own else ""
        item.use_unencrypted = path.access.unencrypted
    choose_library(path)
    return item


def choose_library(path: Place | None) -> None:
    """Search this library from now on; None: the starter library."""
    preferences().library = str(path) if path else ""
    _keep()


def forget_library(path: Place) -> None:
    """List a library no more; its file stays, and of a served one its token goes."""
    settings = preferences()
    listed = listed_libraries()
    if path in listed:
        cast("Any", settings.libraries).remove(listed.index(path))
    if str(settings.library) and place_at(str(settings.library)) == path:
        choose_library(None)
    _keep()


def add_sources(item: MOTIONARY_PG_library, paths: Iterable[Path]) -> None:
    """Have folders and files indexed into a library, each once."""
    known = set(library_sources(item))
    for path in paths:
        if path not in known:
            cast("Any", item.folders).add().path = str(path)
            known.add(path)
    _keep()


def remove_source(item: MOTIONARY_PG_library, path: Path) -> None:
    """Have a folder or file indexed no more; the clips that came from it stay."""
    cast("Any", item.folders).remove(library_sources(item).index(path))
    _keep()


def remove_clips(library: Path, place: Path) -> int:
    """Remove from a library what came from a folder or file; how many files that were."""
    with open_library(library, write=True) as held:
        held.connection.execute(f"PRAGMA busy_timeout = {PATIENCE}")
        gone = [path for path in sources(held) if place in (Path(path), *Path(path).parents)]
        remove_sources(held, gone)
    return len(gone)


def library_sources(item: MOTIONARY_PG_library) -> list[Path]:
    """The folders and files that a library is made from."""
    return [absolute(str(folder.path)) for folder in cast("Any", item.folders)]


def is_file_chosen(operator: type[bpy.types.Operator]) -> bool:
    """Whether the library that is searched is a file; where it is a served one, a poll message says so."""
    if not is_served_chosen():
        return True
    operator.poll_message_set("This library is served, so it can only be searched: choose a library file")
    return False


def check_writable() -> Path:
    """The library that is searched, if it may be changed; MotionaryError, with the cure, where it may not."""
    path = chosen_file()
    if path == starter_library():
        raise MotionaryError("the starter library cannot be changed; make a library of your own")
    if not path.exists():
        raise MotionaryError(f"{path}: this library is not there any more; open it where it is now")
    if not os.access(path, os.W_OK):
        raise MotionaryError(f"{path}: this library cannot be written to; check its permissions")
    if not os.access(path.parent, os.W_OK):
        raise MotionaryError(f"{path.parent}: this folder cannot be written to, which its library needs")
    return path


def index_request(
    library: Path,
    places: Iterable[Path],
    *,
    prune: bool = False,
    reread: bool = False,
    reembed: bool = False,
) -> IndexRequest:
    """What to ask of the process that indexes, by what the preferences say."""
    model = model_folder()
    return IndexRequest(
        str(library),
        tuple(map(str, places)),
        model=str(model) if model else None,
        blender=bpy.app.binary_path or sys.executable,
        addon=str(Path(__file__).parent),
        workers=readers(),
        prune=prune,
        reread=reread,
        reembed=reembed,
    )


def readers() -> int:
    """How many processes read files: one core is left to Blender."""
    if worker_python() is None and not is_python(sys.executable):
        return 1  # only a Python starts others
    # Two at least: a file that its reader does not survive is to take no more along than that.
    return max((os.cpu_count() or 2) - 1, 2)


def worker_python() -> Path | None:
    """The Python that indexes instead of Blender's own."""
    named = str(preferences().worker_python)
    return absolute(named) if named else None


def _keep() -> None:
    """The preferences are to be saved with the others, as Blender is set to do."""
    if bpy.context.preferences is not None:
        bpy.context.preferences.is_dirty = True
