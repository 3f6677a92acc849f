"""Catalogs of the Asset Browser: the text file that Blender keeps them in, which it gives scripts no way to.

``blender_assets.cats.txt`` lies at the root of an asset library. After comments and ``VERSION 1`` each line
is ``UUID:path/of/catalog:simple name``. Lines are only ever added: what people and other programs wrote
stays, comments and unknown lines too. A catalog's id comes from its path: it is the same on every machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

from motionary.errors import MotionaryError
from motionary.files import replacing

__all__ = ["FILE_NAME", "Catalog", "add_catalogs", "catalog_path", "read_catalogs"]

FILE_NAME = "blender_assets.cats.txt"

HEADER = """\
# This is an Asset Catalog Definition file for Blender.
#
# Empty lines and lines starting with `#` will be ignored.
# The first non-ignored line should be the version indicator.
# Other lines are of the format "UUID:catalog/path/for/assets:simple catalog name"

VERSION 1

"""

LONGEST_NAME = 63
"""Bytes of a simple name, which Blender stores with each asset."""


@dataclass(frozen=True)
class Catalog:
    """A line of the file. name: what Blender calls it where the file is lost, the path in short."""

    id: str
    path: str
    name: str


def catalog_path(*parts: str) -> str:
    """The path of the catalog ``parts[-1]`` within the one before it and so on; empty parts are left out.

    A part is one level of the tree: characters that mean something in the file are replaced.
    """
    cleaned = (" ".join(re.sub(r"[/\\:\x00-\x1f\x7f]", "-", part).split()) for part in parts)
    return "/".join(part for part in cleaned if part)


def read_catalogs(path: Path) -> list[Catalog]:
    """The catalogs in a file; none where there is no file. MotionaryError where it cannot be read."""
    return list(_catalogs(path, _text(path)))


def add_catalogs(path: Path, wanted: Iterable[str]) -> dict[str, str]:
    """See to it that the file has catalogs of these paths, and those above them; path -> id of each wanted.

    A catalog that is there keeps its id, and one of ours that was renamed or moved stays where it is now. The
    file is replaced in one step, or not touched where nothing is new. MotionaryError where that fails.
    """
    wanted = list(dict.fromkeys(wanted))
    text = _text(path)
    there = list(_catalogs(path, text))
    by_path = {catalog.path: catalog.id for catalog in reversed(there)}
    known = {catalog.id for catalog in there}
    new = []
    for level in dict.fromkeys(level for each in wanted for level in _levels(each)):
        if level not in by_path:
            by_path[level] = made = _id(level)
            if made not in known:
                new.append(Catalog(made, level, _simple(level)))
    if new:
        _write(path, text, new)
    return {each: by_path[each] for each in wanted}


def _id(path: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"motionary:catalog/{path}"))


def _levels(path: str) -> Iterator[str]:
    """The catalog at ``path`` and those above it, the highest first."""
    parts = path.split("/")
    for count in range(1, len(parts) + 1):
        yield "/".join(parts[:count])


def _simple(path: str) -> str:
    """As Blender makes it: the path with dashes, of a long one its end."""
    name = path.replace("/", "-")
    if len(name.encode()) <= LONGEST_NAME:
        return name
    end = name.encode()[-(LONGEST_NAME - 3) :].decode("utf-8", "ignore")
    return f"...{end}"


def _text(path: Path) -> str:
    """What is in the file, line ends as they are; nothing where there is none."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise MotionaryError(f"{path}: this catalog file is not UTF-8 text; save it as such") from None
    except OSError as error:
        raise MotionaryError(f"{path}: cannot be read: {error.strerror}") from None


def _catalogs(path: Path, text: str) -> Iterator[Catalog]:
    lines = (line.strip() for line in text.splitlines())
    told = [line for line in lines if line and not line.startswith("#")]
    if told and told[0] != "VERSION 1":
        raise MotionaryError(
            f"{path}: catalogs are read in version 1, and this file begins with {told[0][:40]!r}; "
            "have Blender write it anew, or move it away"
        )
    for line in told[1:]:
        number, _, rest = line.partition(":")
        where, _, name = rest.partition(":")
        try:
            yield Catalog(str(UUID(number)), where.strip().strip("/"), name.strip())
        except ValueError:
            continue  # a line of something newer: it is kept, and means nothing to us


def _write(path: Path, text: str, new: Iterable[Catalog]) -> None:
    end = "\r\n" if "\r\n" in text else "\n"
    if not any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines()):
        text += HEADER.replace("\n", end)  # no version yet: an empty file, or comments alone
    elif not text.endswith("\n"):
        text += end
    lines = (f"{catalog.id}:{catalog.path}:{catalog.name}{end}" for catalog in new)
    with replacing(path) as temporary:
        temporary.write_bytes((text + "".join(lines)).encode())
