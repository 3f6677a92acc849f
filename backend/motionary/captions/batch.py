"""Captions of many clips, one after the other, kept as they come: what is done is never done again.

A table (captions.csv or JSON Lines) is written anew in one step every few seconds, so that it is whole
whenever the work is stopped; the next call goes on from it, and leaves every row alone that is in it already.
Motion files that are in no library are read into one beside the table, which goes when all is done.
"""

from __future__ import annotations

import csv
import io
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from motionary.blender_files import BLENDER_SUFFIXES, Blender
from motionary.captions.bank import Bank
from motionary.captions.caption import (
    Bundle,
    Calibration,
    CaptionedClip,
    caption_windows,
    load_calibration,
)
from motionary.captions_csv import MOST_BYTES, read_captions
from motionary.errors import MotionaryError
from motionary.files import replacing
from motionary.index import Progress, index_files, motion_files
from motionary.library import ClipInfo, Library, clip_ids, clip_info, clip_motion, open_library
from motionary.search import check_model

__all__ = [
    "Report",
    "Row",
    "Table",
    "caption_everything",
    "caption_library",
    "clip_file",
    "open_table",
    "scratch_library",
    "sidecar_path",
    "write_sidecar",
]

SUFFIX = ".motionary"
SAVE_S = 3.0
"""Seconds between two writings of the table: what is lost at most."""

COLUMNS = ("file", "caption", "tags", "confidence", "suggested_name")


@dataclass(frozen=True)
class Row:
    """A clip and what was found. file: as a captions.csv names it, from the table's folder."""

    file: str
    clip: ClipInfo
    found: CaptionedClip


def clip_file(info: ClipInfo, folder: Path | None = None) -> str:
    """How a captions.csv in ``folder`` names a clip: its file, and of a file with many its name after "#".

    The path is from the folder where one leads there; without a folder, the source as the library has it.
    """
    source = Path(info.source)
    path = _from(source, folder.absolute()) if folder and source.is_absolute() else info.source
    return f"{path}#{info.name}" if info.source.lower().endswith(BLENDER_SUFFIXES) else path


def caption_library(
    library: Library,
    bank: Bank,
    calibration: Calibration | None,
    top: int,
    *,
    folder: Path | None = None,
    is_done: Callable[[ClipInfo, str], bool] = lambda clip, file: False,
    progress: Callable[[Progress], None] = lambda step: None,
) -> Iterator[Row | str]:
    """Every clip of a library with its captions, or a line that says why it has none, but for those done.

    folder: where the table is that files are named from. is_done: asked of each clip with its file.
    MotionaryError where the library is damaged.
    """
    vectors = library.embeddings
    todo = []
    for number in clip_ids(library):
        info = clip_info(library, number)
        file = clip_file(info, folder)
        if not is_done(info, file):
            todo.append((info, file))
    for done, (info, file) in enumerate(todo, 1):
        own = vectors.clips == info.id
        failure = None
        try:
            if not file.isprintable():
                raise MotionaryError("its name holds letters that a table cannot; rename it")
            motion = clip_motion(library, info.id)
            found = caption_windows(motion, vectors.spans[own], vectors.vectors[own], bank, top, calibration)
            yield Row(file, info, found)
        except MotionaryError as error:
            failure = f"{file}: {error}"
            yield failure
        progress(Progress(done, len(todo), info.name, failure))


@dataclass(frozen=True)
class Report:
    """captioned: clips done now; skipped: clips and files done before. failures: lines for the user. clips:
    what was found, as JSON has it, where there is no table that holds it."""

    captioned: int
    skipped: int
    failures: tuple[str, ...]
    clips: tuple[dict[str, Any], ...] = ()


def caption_everything(
    sources: Sequence[Path],
    bundle: Bundle,
    bank: Bank,
    top: int,
    *,
    out: Path | None = None,
    sidecar: bool = False,
    again: bool = False,
    find_blender: Callable[[], Blender | None] = lambda: None,
    progress: Callable[[Progress], None] = lambda step: None,
    show: Callable[[Library, Row], None] | None = None,
    workers: int | None = None,
) -> Report:
    """Caption the clips of ``sources``: libraries (NAME.motionary), motion files and folders of them.

    out: a .csv or .jsonl that gets the rows; sidecar: also, or only, a text beside each file. What either has
    already is passed over, unless ``again``. find_blender: what reads .blend, FBX and glTF. progress: called
    after each file that is read and each clip that is captioned. show: called with each clip's row and the
    library that it is in; nothing is then passed over, though rows that a table has stay as they are.
    workers: processes that read files, as `motionary.index.index_files` has it.

    MotionaryError where a library was embedded by another model than ``bundle``, or the table cannot be read
    or written.
    """
    calibration = load_calibration(bundle)
    libraries = [path for path in sources if path.suffix.lower() == SUFFIX]
    places = [path for path in sources if path.suffix.lower() != SUFFIX]
    folder = None if out is None else out.absolute().parent
    failures: list[str] = []
    clips: list[dict[str, Any]] = []
    captioned = skipped = 0
    with ExitStack() as stack:
        table = stack.enter_context(open_table(out, again=again)) if out is not None else None

        def is_done(info: ClipInfo, file: str) -> bool:
            nonlocal skipped
            done = not again and show is None and (table is not None or sidecar)
            done = done and (table is None or file in table.files)
            done = done and (not sidecar or sidecar_path(info).exists())
            skipped += done
            return done

        def take(library: Library) -> None:
            nonlocal captioned
            check_model(library, bundle)
            for row in caption_library(
                library, bank, calibration, top, folder=folder, is_done=is_done, progress=progress
            ):
                if isinstance(row, str):
                    failures.append(row)
                    continue
                if table is not None and row.file not in table.files:
                    table.add(row)
                if sidecar and (again or not sidecar_path(row.clip).exists()):
                    write_sidecar(row)
                if show is not None:
                    show(library, row)
                if table is None and not sidecar:
                    clips.append(_json_row(row))
                captioned += 1

        for path in libraries:
            with open_library(path) as library:
                take(library)
        if places:
            with scratch_library(out, bundle.id) as scratch:
                files, missing = motion_files(places)
                failures += missing
                for line in missing:
                    progress(Progress(0, len(files), "", line))
                if table is not None and not sidecar and show is None and not scratch.exists():
                    # Nothing was left half-way: a file that has a row has all of them, and need not be read.
                    named = {file.partition("#")[0] for file in table.files} | table.files
                    done = [file for file in files if _from(file, folder) in named]
                    skipped += len(done)
                    files = [file for file in files if file not in set(done)]
                if files:
                    with open_library(scratch, write=True) as library:
                        report = index_files(
                            files,
                            library,
                            bundle,
                            blender=find_blender,
                            progress=progress,
                            workers=workers,
                        )
                        failures += report.failures
                        take(library)
    return Report(captioned, skipped, tuple(failures), tuple(clips))


def _from(path: Path, folder: Path | None) -> str:
    """The path from ``folder``, where one leads there, with "/" between folders."""
    try:
        found = os.path.relpath(path, folder) if folder else str(path)
    except ValueError:  # another drive
        found = str(path)
    return found.replace(os.sep, "/")


# The table


@dataclass(eq=False)
class Table:
    """A file of captions as it grows. ``files``: those that have rows. Add rows, and close it."""

    path: Path
    rows: list[dict[str, Any]]
    columns: tuple[str, ...]
    files: set[str]
    _saved: float
    _changed: bool = False

    def add(self, row: Row) -> None:
        """Add a clip's rows, and write the file where that is due; MotionaryError where it cannot be."""
        self.rows += _csv_rows(row) if _is_csv(self.path) else [_json_row(row)]
        self.files.add(row.file)
        self._changed = True
        if time.monotonic() - self._saved > SAVE_S:
            self.save()

    def save(self) -> None:
        """Write what there is, in one step; nothing where nothing was added."""
        if self._changed or not self.path.exists():
            with replacing(self.path) as temporary:
                temporary.write_text(self._text(), encoding="utf-8", newline="")
        self._saved, self._changed = time.monotonic(), False

    def _text(self) -> str:
        if not _is_csv(self.path):
            return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in self.rows)
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return text.getvalue()


@contextmanager
def open_table(path: Path, *, again: bool = False) -> Iterator[Table]:
    """A table to add to, with what it held; it is saved on leaving, whatever happens.

    again: forget what it held. MotionaryError, with the line, where it is no such table; it is not touched.
    """
    if path.suffix.lower() not in (".csv", ".jsonl"):
        raise MotionaryError(f"{path}: captions are written to a .csv or a .jsonl file; name it so")
    rows: list[dict[str, Any]] = []
    columns: tuple[str, ...] = COLUMNS
    if path.exists() and not again:
        if _is_csv(path):
            read_captions(path)  # refuses what is none
            with path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.DictReader(file)
                rows = [dict(row) for row in reader]
                columns = tuple(dict.fromkeys([*(reader.fieldnames or ()), *COLUMNS]))
        else:
            rows = _json_rows(path)
    files = {str(row["file"]).strip() for row in rows}
    table = Table(path, rows, columns, files, time.monotonic(), again)
    try:
        yield table
    finally:
        table.save()


def _is_csv(path: Path) -> bool:
    return path.suffix.lower() == ".csv"


def _json_rows(path: Path) -> list[dict[str, Any]]:
    rows = []
    try:
        if path.stat().st_size > MOST_BYTES:
            raise MotionaryError(f"{path}: is larger than {MOST_BYTES >> 20} MB; name another file")
        lines = path.read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise MotionaryError(f"{path}: not UTF-8 text ({error.reason}); name another file") from None
    except OSError as error:
        raise MotionaryError(f"{path}: cannot be read: {error.strerror or error}") from None
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict) or not isinstance(row.get("file"), str):
            raise MotionaryError(
                f"{path}: line {number}: is no row of captions; mend it, or name another file"
            )
        rows.append(row)
    return rows


def _csv_rows(row: Row) -> list[dict[str, Any]]:
    return [
        {
            "file": row.file,
            "caption": caption.text,
            "tags": ";".join(row.found.tags),
            "confidence": "" if caption.confidence is None else f"{caption.confidence:.2f}",
            "suggested_name": row.found.name,
        }
        for caption in row.found.captions
    ]


def _json_row(row: Row) -> dict[str, Any]:
    """All that was found, as JSON has it."""
    return {
        "file": row.file,
        "name": row.clip.name,
        "source": row.clip.source,
        "suggested_name": row.found.name,
        "tags": list(row.found.tags),
        "captions": [_rounded(asdict(caption)) for caption in row.found.captions],
        "facts": _rounded(asdict(row.found.facts)),
        "moments": [_rounded(asdict(moment)) for moment in row.found.moments],
    }


def _rounded(value: Any) -> Any:
    """Numbers to a thousandth, all the way down: nothing was measured any closer."""
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, Mapping):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_rounded(inner) for inner in value]
    return value


# Beside the files


def sidecar_path(info: ClipInfo) -> Path:
    """Where a clip's sidecar goes: walk.captions.txt by walk.bvh, rig.Wave.captions.txt by rig.blend."""
    source = Path(info.source)
    of_many = info.source.lower().endswith(BLENDER_SUFFIXES)
    own = "".join(letter if letter.isalnum() or letter in " -_." else "_" for letter in info.name)
    return source.with_name(f"{source.stem}{f'.{own}' if of_many else ''}.captions.txt")


def write_sidecar(row: Row) -> Path:
    """Write a clip's captions, one a line, and as comments its tags and name, beside its file.

    It can be a bank of another call. MotionaryError where the clip's file is gone, or the folder refuses it.
    """
    path = sidecar_path(row.clip)
    if not Path(row.clip.source).exists():
        raise MotionaryError(f"{row.clip.source}: is no longer there; a sidecar would lie beside nothing")
    lines = [caption.text for caption in row.found.captions]
    lines += [f"# tags: {', '.join(row.found.tags)}", f"# name: {row.found.name}"]
    with replacing(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@contextmanager
def scratch_library(out: Path | None, model: str) -> Iterator[Path]:
    """Where motion files are read to that are in no library: beside ``out``, or in a temporary folder.

    It goes when the block ends; interrupted, or killed, it stays beside ``out`` for the next call to go on
    from, if that is with the same model.
    """
    if out is None:
        with TemporaryDirectory(prefix="motionary-") as folder:
            yield Path(folder) / "captions.motionary"
        return
    path = out.with_name(f".{out.name}.{model[:8]}{SUFFIX}")
    try:
        yield path
    except KeyboardInterrupt:
        raise
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    path.unlink(missing_ok=True)
