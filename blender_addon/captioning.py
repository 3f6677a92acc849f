"""Captions of the Actions of the open file: read here, found by a thread, written where the user agrees.

Reading needs Blender and is done an Action at a time; finding the words does not, and the first time, when
the sentences are embedded, takes a while: so a thread does it, which never touches Blender.
"""

from __future__ import annotations

import atexit
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread

import bpy

from motionary.bundle import load_bundle
from motionary.captions.bank import open_bank
from motionary.captions.caption import caption
from motionary.errors import MotionaryError
from motionary.motion import Clip

from .read_action import Skipped, read_action, read_each_action

__all__ = ["Captioner", "Proposal", "cache_place", "describe", "propose", "read_clips"]

LONGEST_TAG = 63
"""Bytes of a tag that Blender keeps."""


@dataclass(frozen=True)
class Proposal:
    """What may be said of an Action; confidence from 0 to 1, None where the model has none."""

    action: str
    caption: str
    tags: tuple[str, ...]
    confidence: float | None


def read_clips(armature: bpy.types.Object | None) -> Iterator[tuple[str, Clip | Skipped]]:
    """The active Action of ``armature``, or, with None, every Action of the file, each with its name.

    Of an Action that several armatures play, the first counts. MotionaryError where the active one is none.
    """
    if armature is not None:
        clip = read_action(armature)
        animation = armature.animation_data
        assert animation is not None
        assert animation.action is not None
        yield animation.action.name, clip
        return
    seen: set[str] = set()
    for name, found in read_each_action():
        if name not in seen:
            yield name, found
        if isinstance(found, Clip):
            seen.add(name)


class Stopped(Exception):  # noqa: N818
    """Nobody wants the answer any more."""


def propose(
    clips: Iterable[tuple[str, Clip]], model: Path | None, cache: Path | None, stopped: Event | None = None
) -> Iterator[Proposal]:
    """What may be said of clips, each with the name of its Action. Touches nothing of Blender's.

    Raises MotionaryError where there is no text encoder, and Stopped soon after ``stopped`` is set.
    """

    def check(*_: int) -> None:
        if stopped is not None and stopped.is_set():
            raise Stopped

    bundle = load_bundle(model)
    bank = open_bank(bundle, cache=cache, progress=check)
    for name, clip in clips:
        check()
        found = caption(clip.motion, bundle, bank, 1)
        first = found.captions[0]
        yield Proposal(name, first.text, found.tags, first.confidence)


class Captioner:
    """The thread. Of what it found, ``take`` tells so far; ``failure`` is why it ended early, in one line."""

    def __init__(self, clips: Sequence[tuple[str, Clip]], model: Path | None, cache: Path | None) -> None:
        self.failure = ""
        self._found: SimpleQueue[Proposal] = SimpleQueue()
        self._stopped = Event()
        self._thread = Thread(
            target=self._run, args=(clips, model, cache), name="Motionary captions", daemon=True
        )
        self._thread.start()
        # A thread within numpy while Python is taken down can take Blender down with it.
        atexit.register(self.close)

    def _run(self, clips: Sequence[tuple[str, Clip]], model: Path | None, cache: Path | None) -> None:
        try:
            for proposal in propose(clips, model, cache, self._stopped):
                self._found.put(proposal)
        except Stopped:
            pass
        except MotionaryError as error:
            self.failure = str(error)
        except Exception as error:  # an error of Motionary's own must not end in silence
            self.failure = f"captions: {type(error).__name__}: {' '.join(str(error).split())}"

    @property
    def is_done(self) -> bool:
        """Whether nothing more is to come."""
        return not self._thread.is_alive()

    def take(self) -> list[Proposal]:
        """What was found since it was last asked."""
        found = []
        while True:
            try:
                found.append(self._found.get_nowait())
            except Empty:
                return found

    def close(self) -> None:
        """End the thread; what it is at takes a moment."""
        self._stopped.set()
        self._thread.join(10.0)
        atexit.unregister(self.close)


def describe(action: bpy.types.Action, caption: str, tags: Iterable[str]) -> None:
    """Make ``action`` an asset, if it is none, described by ``caption``; tags are added to those it has."""
    if action.asset_data is None:
        action.asset_mark()
    data = action.asset_data
    assert data is not None
    data.description = caption
    for tag in tags:
        short = tag.encode()[:LONGEST_TAG].decode(errors="ignore").strip()
        if short:
            data.tags.new(short, skip_if_exists=True)


def cache_place() -> Path | None:
    """The folder that Blender gives an installed extension, and removes with it; None of one that is not."""
    try:
        folder = bpy.utils.extension_path_user(str(__package__), path="captions", create=True)
    except (ValueError, OSError):
        return None
    return Path(folder)
