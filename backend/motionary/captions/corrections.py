"""Corrections of captions, read back into a library: what the review page saves, or a captions.csv.

A correction replaces all that a library says of a clip. All of a file are written in one transaction, so that
a library never holds half of them; those that fit no clip are told, a line each, and the others are written.
To apply the same file twice changes nothing more.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from sys import intern
from typing import Any

from motionary.blender_files import BLENDER_SUFFIXES
from motionary.captions_csv import NAME, Said, read_captions, write_captions
from motionary.errors import MotionaryError
from motionary.library import STARRED, ClipInfo, Library, clip_ids, clip_info, set_words

__all__ = ["Applied", "Correction", "apply_corrections", "read_corrections", "write_back"]

FORMAT, VERSION = "motionary-corrections", 1
MOST_BYTES = 16 << 20
"""Some hundred thousand clips."""
LONGEST = 500
"""Letters of a caption; more is no sentence."""
LONGEST_TAG = 60
MOST_TEXTS = 1000
"""Captions or tags of one clip."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What is to be said of a clip. file: as a captions.csv names it. where: its place in the file of
    corrections, for messages."""

    file: str
    captions: tuple[str, ...]
    tags: tuple[str, ...]
    where: str


@dataclass(frozen=True)
class Applied:
    """How many clips now have other words, how many had these already; failures: a line for each that fits no
    clip. changed: what is said of which files now."""

    corrected: int
    unchanged: int
    failures: tuple[str, ...]
    changed: tuple[tuple[ClipInfo, Said], ...] = ()


def read_corrections(path: Path) -> tuple[list[Correction], list[str]]:
    """The corrections of a .json that the review page saved, or of a .csv (columns file,caption,tags), a clip
    once; and a line for each that makes no sense.

    MotionaryError where the file as a whole is none.
    """
    if path.suffix.lower() == ".csv":
        return _checked(
            path,
            (
                Correction(file, said.captions, said.tags, f"line {said.line}")
                for file, said in read_captions(path).items()
            ),
        )
    if path.suffix.lower() != ".json":
        raise MotionaryError(f"{path}: corrections are a .json or a .csv file; name one")
    rows: dict[str, list[Correction]] = {}
    failures = []
    for number, row in enumerate(_json_rows(path), 1):
        try:
            one = _correction(row, f"clip {number}")
        except MotionaryError as error:
            failures.append(f"{path}: {error}")
            continue
        rows.setdefault(one.file, []).append(one)  # of a long take, its moments come after it
    found, refused = _checked(path, map(_joined, rows.values()))
    return found, failures + refused


def _joined(rows: Sequence[Correction]) -> Correction:
    """What several rows say of one clip, as one."""
    captions = dict.fromkeys(text for row in rows for text in row.captions)
    tags = dict.fromkeys(text for row in rows for text in row.tags)
    return replace(rows[0], captions=tuple(captions), tags=tuple(tags))


def _json_rows(path: Path) -> Sequence[Any]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise MotionaryError(f"{path}: is larger than {MOST_BYTES >> 20} MB; save it in parts")
        document = json.loads(path.read_text("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise MotionaryError(f"{path}: not UTF-8 text ({error.reason}); save it as UTF-8") from None
    except OSError as error:
        raise MotionaryError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise MotionaryError(f"{path}: not JSON: {error}; save the page's corrections again") from None
    if not isinstance(document, Mapping) or document.get("format") != FORMAT:
        raise MotionaryError(f"{path}: holds no corrections; give a file that the review page saved")
    if document.get("version") != VERSION:
        raise MotionaryError(
            f"{path}: corrections of version {document.get('version')!r}, not {VERSION}; update Motionary"
        )
    rows = document.get("clips")
    if not isinstance(rows, list):
        raise MotionaryError(f"{path}: has no list of clips; save the page's corrections again")
    return rows


def _correction(row: Any, where: str) -> Correction:
    if not isinstance(row, Mapping) or not isinstance(row.get("file"), str) or not row["file"].strip():
        raise MotionaryError(f"{where}: names no file")
    return Correction(row["file"].strip(), _texts(row, "captions", where), _texts(row, "tags", where), where)


def _texts(row: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    listed = row.get(key, [])
    if not isinstance(listed, list) or not all(isinstance(text, str) for text in listed):
        raise MotionaryError(f"{where}: its {key} are no list of texts")
    texts = (" ".join(one.split()) for one in listed)
    return tuple(dict.fromkeys(intern(text) if key == "tags" else text for text in texts if text))


def _checked(path: Path, rows: Iterable[Correction]) -> tuple[list[Correction], list[str]]:
    found, failures = [], []
    for row in rows:
        problem = next(
            (
                f"{text[:40]!r} is no {kind}: up to {longest} letters that can be printed"
                for kind, texts, longest in (
                    ("caption", row.captions, LONGEST),
                    ("tag", row.tags, LONGEST_TAG),
                )
                for text in texts
                if len(text) > longest or not text.isprintable()
            ),
            None,
        )
        if max(len(row.captions), len(row.tags)) > MOST_TEXTS:
            problem = f"has more than {MOST_TEXTS} captions or tags"
        if problem:
            failures.append(f"{path}: {row.where}: {problem}")
        else:
            found.append(row)
    return found, failures


def apply_corrections(library: Library, path: Path) -> Applied:
    """Write a file of corrections into a library that is open for writing, in one transaction.

    A star stays. MotionaryError where the file is no corrections, or the library cannot be written.
    """
    rows, failures = read_corrections(path)
    clips = _by_file(library)
    words: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    changed = []
    unchanged = 0
    for row in rows:
        info = clips.get(row.file.replace(os.sep, "/")) or clips.get(
            _absolute(row.file, path.absolute().parent)
        )
        if info is None:
            failures.append(f"{path}: {row.where}: {row.file} is no clip of {library.path}")
            continue
        stars = tuple(tag for tag in info.tags if tag == STARRED)
        tags = tuple(dict.fromkeys([*row.tags, *stars]))
        if (row.captions, tags) == (info.captions, info.tags):
            unchanged += 1
        else:
            words[info.id] = row.captions, tags
        changed.append((info, Said(row.captions, row.tags)))
    set_words(library, words)
    return Applied(len(words), unchanged, tuple(failures), tuple(changed))


def _by_file(library: Library) -> dict[str, ClipInfo]:
    """A library's clips by how a captions.csv names them."""
    found = {}
    for number in clip_ids(library):
        info = clip_info(library, number)
        of_many = info.source.lower().endswith(BLENDER_SUFFIXES)
        found[f"{info.source.replace(os.sep, '/')}{f'#{info.name}' if of_many else ''}"] = info
    return found


def _absolute(file: str, folder: Path) -> str:
    """A file as named from the folder of the corrections; what comes after "#" stays."""
    name, mark, action = file.partition("#")
    return os.path.normpath(folder / name).replace(os.sep, "/") + mark + action


def write_back(changed: Iterable[tuple[ClipInfo, Said]]) -> list[Path]:
    """Say the same in the captions.csv that names each clip's file, in its folder or above, or in a new one
    in its folder. So `motionary index` finds it again when the file changes. Returns the tables written.

    Columns of a table that are not file, caption and tags are lost, other rows stay. MotionaryError where a
    table is broken or its folder refuses it; those before it are written.
    """
    tables: dict[Path, dict[str, Said]] = {}
    for info, said in changed:
        source = Path(info.source)
        if not source.parent.is_dir():
            raise MotionaryError(f"{source.parent}: is no longer there; nothing beside it can be written")
        action = f"#{info.name}" if info.source.lower().endswith(BLENDER_SUFFIXES) else ""
        naming = []
        for folder in source.parents:
            table = folder / NAME
            if table not in tables and table.is_file():
                tables[table] = dict(read_captions(table))
            name = source.relative_to(folder).as_posix() + action
            if name in tables.get(table, {}):
                naming.append((table, name))
        if not naming:
            naming = [(source.parent / NAME, source.name + action)]
        (nearest, name), *others = naming
        tables.setdefault(nearest, {})[name] = said
        for table, other in others:
            del tables[table][other]  # index adds up what all of them say
    written = []
    for table, rows in tables.items():
        if not table.is_file() or read_captions(table) != rows:
            write_captions(table, rows.items())
            written.append(table)
    return written
