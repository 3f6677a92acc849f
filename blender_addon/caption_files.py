"""Captions for whole folders of files: a table of all, and into .blend files, as their Actions' descriptions.

What is in BVH, AMC, FBX and glTF files gets rows in the table. A .blend file is opened here, and what its
Actions show is also written into it as the operator does it (see `captioning`), as asset descriptions and
tags: into a copy beside it, NAME.captioned.blend, or into the file itself, whose place a new one then takes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy

from motionary.blender_files import Blender
from motionary.bundle import ModelBundle
from motionary.captions.bank import Bank
from motionary.captions.batch import Row, Table, caption_everything, clip_file, open_table
from motionary.captions.caption import caption
from motionary.errors import MotionaryError
from motionary.files import replacing
from motionary.index import Progress, motion_files
from motionary.library import ClipInfo
from motionary.motion import Clip

from .captioning import describe
from .clip_files import show_armatures
from .read_action import read_each_action
from .scenes import open_scene

__all__ = ["COPY", "Done", "Written", "caption_folder"]

COPY = ".captioned.blend"
"""How the name of a captioned copy ends; such files are no sources."""

ZSTD = b"\x28\xb5\x2f\xfd"
"""How a .blend begins that was saved compressed."""


@dataclass(frozen=True)
class Written:
    """A .blend file with captions, and how many of its Actions have got one now."""

    path: Path
    actions: int


@dataclass(frozen=True)
class Done:
    """captioned: clips done now; skipped: those and files done before; failures: a line for each."""

    captioned: int
    skipped: int
    failures: tuple[str, ...]
    written: tuple[Written, ...]


def caption_folder(
    sources: Sequence[Path],
    out: Path,
    bundle: ModelBundle,
    bank: Bank,
    *,
    top: int = 1,
    in_place: bool = False,
    overwrite: bool = False,
    again: bool = False,
    find_blender: Callable[[], Blender | None] = lambda: None,
    progress: Callable[[Progress], None] = lambda step: None,
) -> Done:
    """Caption the motion files in ``sources``, files and folders; the open file is left behind.

    out: the .csv or .jsonl with a row for each clip; files that have rows are passed over, unless ``again``.
    in_place: write into the .blend files themselves. overwrite: also where an Action is described already.
    find_blender: what reads FBX and glTF. MotionaryError where the table is none or cannot be written.
    """
    files, missing = motion_files(sources)
    files = [file for file in files if not file.name.endswith(COPY)]
    blends = [file for file in files if file.suffix.lower() == ".blend"]
    failures = list(missing)
    for line in missing:
        progress(Progress(0, len(files), "", line))
    written: list[Written] = []
    captioned = skipped = 0
    with open_table(out, again=again) as table:
        for number, path in enumerate(blends, 1):
            target = path if in_place else path.with_name(path.stem + COPY)
            failure = None
            if _is_done(path, target, table, out.absolute().parent):
                skipped += 1
            else:
                try:
                    found = _captions_of(path, bundle, bank, top, out.absolute().parent)
                    failures += found.notes
                    if actions := _write(path, target, found.texts, overwrite):
                        written.append(Written(target, actions))
                    for row in found.rows:
                        table.add(row)
                    captioned += len(found.rows)
                except MotionaryError as error:
                    failure = str(error)
                    failures.append(failure)
            progress(Progress(number, len(blends), path.name, failure))
    others = [file for file in files if file.suffix.lower() != ".blend"]
    if others:
        # Rows of .blend files were written anew above; those of the others go after them.
        report = caption_everything(
            others,
            bundle,
            bank,
            top,
            out=out,
            find_blender=find_blender,
            progress=progress,
            workers=1,  # a Blender is nothing to start more processes from
        )
        captioned, skipped = captioned + report.captioned, skipped + report.skipped
        failures += report.failures
    return Done(captioned, skipped, tuple(failures), tuple(written))


def _is_done(path: Path, target: Path, table: Table, folder: Path) -> bool:
    """Whether the table has rows of a .blend, and the file that they were written into is there."""
    name = _relative(path, folder)
    return target.exists() and any(file.partition("#")[0] == name for file in table.files)


@dataclass(frozen=True)
class _Found:
    """rows: for the table. texts: of Actions, by their names, the caption and the tags. notes: lines."""

    rows: tuple[Row, ...]
    texts: dict[str, tuple[str, tuple[str, ...]]]
    notes: tuple[str, ...]


def _captions_of(path: Path, bundle: ModelBundle, bank: Bank, top: int, folder: Path) -> _Found:
    """What the Actions of a .blend show, which is opened for it. MotionaryError where it does not open."""
    open_scene(path)
    show_armatures()
    rows, texts = [], {}
    notes = []
    for action, clip in list(read_each_action()):
        if not isinstance(clip, Clip):
            notes.append(f"{path}: {clip.reason}")
            continue
        said = caption(clip.motion, bundle, bank, top)
        frames = clip.motion.frames
        info = ClipInfo(
            0, clip.name, str(path.absolute()), 0, frames, clip.motion.fps, clip.captions, clip.tags
        )
        rows.append(Row(clip_file(info, folder), info, said))
        if said.captions and action not in texts:
            texts[action] = said.captions[0].text, said.tags
    return _Found(tuple(rows), texts, tuple(notes))


def _write(path: Path, target: Path, texts: dict[str, tuple[str, tuple[str, ...]]], overwrite: bool) -> int:
    """Describe Actions of ``path``, opened as it is, and save it as ``target`` in one step; how many."""
    open_scene(path)
    count = 0
    for name, (text, tags) in texts.items():
        action: bpy.types.Action | None = bpy.data.actions.get((name, None))  # one of the file itself
        if action is None:
            continue
        data = action.asset_data
        if overwrite or not (data and data.description.strip()):
            describe(action, text, tags)
            count += 1
    if count:
        with path.open("rb") as file:
            packed = file.read(len(ZSTD)) == ZSTD
        with replacing(target) as temporary:
            temporary.unlink()  # or Blender keeps what it takes for an older version of it
            try:
                # As a copy in the same folder: paths from the file to others stay what they are.
                bpy.ops.wm.save_as_mainfile(filepath=str(temporary.absolute()), copy=True, compress=packed)
            except RuntimeError as error:
                reason = str(error).strip().splitlines()[0].removeprefix("Error: ")
                raise MotionaryError(f"{target}: the file cannot be saved: {reason}") from None
    return count


def _relative(path: Path, folder: Path) -> str:
    try:
        return os.path.relpath(path, folder).replace(os.sep, "/")
    except ValueError:  # another drive
        return str(path).replace(os.sep, "/")
