"""SHA256SUMS: what a bundle's files are, so that a damaged copy, or a mixture of two, is told before its use.

The file is the one that ``sha256sum`` writes and ``sha256sum --check`` reads: a line for each file, its
sha256 (hex), two spaces, and its path in the folder with forward slashes. It is no signature: who can write
in the folder can write the sums. It holds against what happens to files on their way and on disks.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from motionary.errors import MotionaryError
from motionary.files import replacing
from motionary.safetensors import read_bytes

__all__ = ["SUMS", "check_all", "check_file", "check_files", "read_sums", "sha256_of", "write_sums"]

SUMS = "SHA256SUMS"

_LINE = re.compile(r"([0-9a-f]{64}) [ *](\S.{0,254})", re.ASCII)
_MAX_FILE = 1 << 16  # bytes; a bundle has a dozen files
_CURE = "copy or install it again; whoever changed it on purpose runs: python scripts/pin_weights.py"


def write_sums(folder: Path) -> Path:
    """Write SHA256SUMS of all that lies in ``folder`` and the folders in it; return its path.

    The same files give the same bytes. MotionaryError where one cannot be read or the sums not be written.
    """
    lines = [f"{sha256_of(folder / name)}  {name}\n" for name in _names(folder)]
    with replacing(folder / SUMS) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8", newline="\n")
    return folder / SUMS


def read_sums(folder: Path) -> dict[str, str]:
    """The sha256 (hex) of each path that SHA256SUMS names; empty where there is no such file."""
    path = folder / SUMS
    if not path.is_file():
        return {}
    try:
        lines = read_bytes(path, _MAX_FILE).decode("utf-8").splitlines()
    except UnicodeDecodeError:
        raise MotionaryError(f"{path}: is no text; {_CURE}") from None
    sums: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        found = _LINE.fullmatch(line)
        if not found or found[2] in sums:
            raise MotionaryError(
                f"{path}: line {number} is no sha256 and a path that no other line has; {_CURE}"
            )
        sums[found[2]] = found[1]
    return sums


def check_files(folder: Path, names: Iterable[str]) -> None:
    """MotionaryError where one of ``names`` is in the folder's SHA256SUMS and is missing or another file.

    What the sums do not name is not looked at, nor is any path that they name and ``names`` does not.
    """
    sums = read_sums(folder)
    for name in names:
        if name in sums:
            check_file(folder / name, sums[name])


def check_all(folder: Path) -> None:
    """MotionaryError unless SHA256SUMS is there, and names the files of ``folder``, all and as they are."""
    sums = read_sums(folder)
    if not sums:
        raise MotionaryError(f"{folder}: has no {SUMS}; {_CURE}")
    there = set(_names(folder))
    if unnamed := sorted(there - set(sums)):
        raise MotionaryError(f"{folder / unnamed[0]}: is not among the files of {SUMS}; {_CURE}")
    if missing := sorted(set(sums) - there):  # before any is opened: a path in the sums may lead elsewhere
        raise MotionaryError(f"{folder / SUMS}: names {missing[0]!r}, which is missing; {_CURE}")
    check_files(folder, sums)


def check_file(path: Path, wanted: str, cure: str = _CURE) -> None:
    """MotionaryError where the file at ``path`` is missing or has another sha256 (hex) than ``wanted``."""
    if not path.is_file():
        raise MotionaryError(f"{path}: is missing; {cure}")
    found = sha256_of(path)
    if found != wanted:
        raise MotionaryError(
            f"{path}: is damaged or not the file that belongs here "
            f"(sha256 {found[:12]}…, wanted {wanted[:12]}…); {cure}"
        )


def sha256_of(path: Path) -> str:
    """The sha256 (hex) of a file, read in pieces; MotionaryError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise MotionaryError(f"{path}: cannot be read: {error.strerror or error}") from error


def _names(folder: Path) -> Iterator[str]:
    """The paths of a folder's files, its sums and Python's leavings aside, in one order on every system."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return (name for name in names if name != SUMS and "__pycache__" not in name)
