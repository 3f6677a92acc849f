"""captions.csv: what the user says of the motion files beside it.

Columns ``file,caption,tags``, UTF-8, in any order, others ignored; ``tags`` may be left out. ``file`` is a
path from the folder of the CSV file; a file may have several rows, a caption each; tags are separated by ";".
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from sys import intern

from motionary.errors import MotionaryError
from motionary.files import replacing

__all__ = ["NAME", "Said", "read_captions", "write_captions"]

NAME = "captions.csv"

MOST_BYTES = 256 << 20
"""Some three million captions; ten times as much memory is needed to read them."""


@dataclass(frozen=True)
class Said:
    """What a captions file says of one motion file, and the line on which it first does."""

    captions: tuple[str, ...]
    tags: tuple[str, ...]
    line: int = 0


def read_captions(path: Path) -> dict[str, Said]:
    """Captions and tags by file, each named as in the CSV with "/" between folders.

    MotionaryError, with the line, for a file without the columns, a row of another length or without a file,
    and what is not CSV or not UTF-8.
    """
    first: dict[str, int] = {}
    captions: dict[str, list[str]] = {}
    tags: dict[str, list[str]] = {}
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
                first.setdefault(name, line)
                caption = " ".join(row["caption"].split())
                captions.setdefault(name, []).append(caption)
                found = (intern(tag.strip()) for tag in row.get("tags", "").split(";"))
                tags.setdefault(name, []).extend(found)
    except UnicodeDecodeError as error:
        raise MotionaryError(f"{path}: not UTF-8 text ({error.reason}); save it as UTF-8") from None
    except csv.Error as error:
        raise MotionaryError(f"{path}: line {rows.line_num + 1}: not CSV: {error}") from None
    except OSError as error:
        raise MotionaryError(f"{path}: cannot be read: {error.strerror}") from None
    return {
        name: Said(_once(captions.pop(name)), _once(tags.pop(name)), line) for name, line in first.items()
    }


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    """Each text once and no empty one, in order."""
    return tuple(text for text in dict.fromkeys(texts) if text)


def write_captions(path: Path, rows: Iterable[tuple[str, Said]]) -> None:
    """Write files with their captions and tags to a CSV that :func:`read_captions` reads, in one step.

    A file without a caption has one row with an empty one. MotionaryError where it cannot be written.
    """
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["file", "caption", "tags"])
        for name, said in rows:
            for caption in said.captions or ("",):
                writer.writerow([name, caption, ";".join(said.tags)])
