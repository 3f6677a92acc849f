"""captions.csv: what the user says of the motion files beside it.

Columns ``file,caption,tags``, UTF-8, in any order, others ignored; ``tags`` may be left out. ``file`` is a
path from the folder of the CSV file; a file may have several rows, a caption each; tags are separated by ";".
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from sys import intern

from motionary.errors import MotionaryError
from motionary.files import replacing, sweep

__all__ = ["NAME", "Said", "Table", "read_captions", "write_captions"]

NAME = "captions.csv"

MOST_BYTES = 256 << 20
"""Some three million captions."""
APART = "\x1f"


@dataclass(frozen=True)
class Said:
    """What a captions file says of one motion file, and the line on which it first does."""

    captions: tuple[str, ...]
    tags: tuple[str, ...]
    line: int = 0


@dataclass(frozen=True, eq=False)
class Table(Mapping[str, Said]):
    """What a captions file says, by file. packed: of each file its row, or rows, as one text apiece.

    As tuples of texts it would take ten times the memory that the file has bytes.
    """

    packed: dict[str, str | list[str]]

    def __getitem__(self, name: str) -> Said:
        packed = self.packed[name]
        rows = [packed] if isinstance(packed, str) else packed
        lines, captions, tags = zip(*(row.split(APART, 2) for row in rows), strict=True)
        return Said(
            _once(captions),
            _once(intern(tag.strip()) for row in tags for tag in row.split(";")),
            int(lines[0]),
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self.packed)

    def __len__(self) -> int:
        return len(self.packed)


def read_captions(path: Path) -> Table:
    """Captions and tags by file, each named as in the CSV with "/" between folders.

    MotionaryError, with the line, for a file without the columns, a row of another length or without a file,
    and what is not CSV or not UTF-8.
    """
    packed: dict[str, str | list[str]] = {}
    try:
        if path.stat().st_size > MOST_BYTES:
            raise MotionaryError(f"{path}: is larger than {MOST_BYTES >> 20} MB; split it into folders")
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            if missing := {"file", "caption"} - set(rows.fieldnames or ()):
                raise MotionaryError(
                    f"{path}: line 1: no column {' nor '.join(sorted(missing))}; "
                    "the first line must be: file,caption,tags"
                )
            for row in rows:
                line = rows.line_num
                if None in row or None in row.values():
                    raise MotionaryError(
                        f"{path}: line {line}: does not have {len(rows.fieldnames or ())} columns; "
                        'a caption with a comma in it goes in "quotes"'
                    )
                name = row["file"].strip().replace("\\", "/")
                if not name or not name.isprintable():
                    raise MotionaryError(f"{path}: line {line}: names no file")
                # split() takes APART for white space, so that no caption has it.
                said = APART.join((str(line), " ".join(row["caption"].split()), row.get("tags", "")))
                before = packed.setdefault(name, said)
                if before is said:
                    continue
                if isinstance(before, str):
                    before = packed[name] = [before]
                before.append(said)
    except UnicodeDecodeError as error:
        raise MotionaryError(f"{path}: not UTF-8 text ({error.reason}); save it as UTF-8") from None
    except csv.Error as error:
        raise MotionaryError(f"{path}: line {rows.line_num + 1}: not CSV: {error}") from None
    except OSError as error:
        raise MotionaryError(f"{path}: cannot be read: {error.strerror}") from None
    return Table(packed)


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    """Each text once and no empty one, in order."""
    return tuple(text for text in dict.fromkeys(texts) if text)


def write_captions(path: Path, rows: Iterable[tuple[str, Said]]) -> None:
    """Write files with their captions and tags to a CSV that :func:`read_captions` reads, in one step.

    A file without a caption has one row with an empty one. MotionaryError where it cannot be written.
    """
    with suppress(OSError):
        sweep(path)
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["file", "caption", "tags"])
        for name, said in rows:
            for caption in said.captions or ("",):
                writer.writerow([name, caption, ";".join(said.tags)])
