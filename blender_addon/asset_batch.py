"""Clips of a library that become assets one after another: each a step, to be stopped or finished at any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy

from motionary.edits import trim
from motionary.errors import MotionaryError
from motionary.library import clip_info, clip_motion, open_library
from motionary.rig_solve import Target

from .armature import check_posable, find_armature
from .assets import (
    Named,
    about_clip,
    catalog_file_of,
    file_assets,
    mark_asset,
    write_assets,
)
from .make_action import make_action
from .options import ApplyOptions
from .rig_choice import find_rig_map

__all__ = ["Batch", "Outcome", "Piece"]


@dataclass(frozen=True)
class Piece:
    """A clip of a library, or a part of it: seconds start_s to end_s, to its end if None."""

    clip: int
    start_s: float = 0.0
    end_s: float | None = None


@dataclass(frozen=True)
class Outcome:
    """How many clips became assets, how many assets the file has now that was written (0: none was), and a
    line for each clip that did not and why."""

    made: int
    in_file: int
    failures: tuple[str, ...]


class Batch:
    """See the module. Between steps it knows Blender's data by name alone: undo leaves references behind."""

    def __init__(
        self,
        armature: bpy.types.Object,
        library: Path,
        pieces: Sequence[Piece],
        options: ApplyOptions,
        *,
        root: str = "Motionary",
        author: str = "",
        license: str = "",
    ) -> None:
        """MotionaryError where the armature cannot be posed or is no body, or the library cannot be read."""
        check_posable(armature)
        self.total = len(pieces)
        self.done = 0
        self.failures: list[str] = []
        self._armature = armature.name
        self._rig = find_rig_map(armature)
        self._options = options
        self._root, self._author, self._license = root, author, license
        self._pieces = list(pieces)
        self._made: dict[str, Named] = {}
        self._probed: dict[frozenset[str], Target] = {}  # half of a step's time on a rig of many bones
        self._library = open_library(library)

    @property
    def is_over(self) -> bool:
        """Whether every clip has had its step."""
        return self.done == self.total

    def step(self) -> None:
        """Make the next clip an asset, or note why that cannot be."""
        piece = self._pieces[self.done]
        name = f"clip {piece.clip}"
        self.done += 1
        try:
            info = clip_info(self._library, piece.clip)
            name = info.name
            motion = clip_motion(self._library, piece.clip)
            end_s = motion.duration if piece.end_s is None else min(piece.end_s, motion.duration)
            motion = trim(motion, piece.start_s, end_s)
            armature = find_armature(self._armature)
            action, _ = make_action(armature, motion, name, self._options, rig=self._rig, probed=self._probed)
            about = about_clip(
                info, self._library.path, piece.start_s, end_s, author=self._author, license=self._license
            )
            mark_asset(action, motion, about)
            self._made[action.name] = Named(name, about.catalog(self._root))
        except MotionaryError as error:
            self.failures.append(f"{name}: {error}")

    def keep(self) -> Outcome:
        """The assets stay in the open file, filed. MotionaryError where that fails; then they are gone."""
        made = self._found()
        try:
            self._check_any(made)
            catalogs = {action: named.catalog for action, named in made.items()}
            file_assets(catalogs, catalog_file_of(bpy.data.filepath))
        except BaseException:
            self.cancel()
            raise
        self._library.close()
        return Outcome(len(made), 0, tuple(self.failures))

    def write(self, path: Path) -> Outcome:
        """The assets go into the .blend ``path`` and leave the open file as it was before the first step.

        MotionaryError where that fails; then they are gone and the .blend is as it was.
        """
        made = self._found()
        try:
            self._check_any(made)
            path.parent.mkdir(parents=True, exist_ok=True)
            count = write_assets(path, made)
        except OSError as error:
            self.cancel()
            raise MotionaryError(f"{path.parent}: cannot be made: {error.strerror}") from None
        except BaseException:
            self.cancel()
            raise
        self._library.close()
        return Outcome(len(made), count, tuple(self.failures))

    def cancel(self) -> None:
        """None of them becomes an asset; the open file is as it was before the first step."""
        bpy.data.batch_remove(list(self._found()))
        self._library.close()

    def _found(self) -> dict[bpy.types.Action, Named]:
        found = {}
        for name, named in self._made.items():
            action: bpy.types.Action | None = bpy.data.actions.get((name, None))
            if action is not None:
                found[action] = named
        return found

    def _check_any(self, made: dict[bpy.types.Action, Named]) -> None:
        if not made:
            raise MotionaryError(
                self.failures[0] if self.failures else "there is no clip to make an asset of"
            )
