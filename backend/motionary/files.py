"""Writing files so that a reader never meets half of one."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from motionary.errors import MotionaryError

__all__ = ["building_folder", "replacing", "sweep"]

LEFT_BEHIND_S = 3600.0
"""How old a half-written file must be to be one that nobody writes any more."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path``: write to it, and on leaving it becomes ``path`` in one step.

    Where the body fails, ``path`` is as it was and the temporary file is gone. Raises MotionaryError where
    the system refuses the file; what the body raises itself comes through unchanged, OSError aside.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            with temporary.open("rb+") as written:
                os.fsync(written.fileno())
            temporary.chmod(0o666 & ~_umask())  # mkstemp's files are the owner's alone
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise MotionaryError(f"{path}: cannot be written: {error.strerror or error}") from error


def sweep(path: Path) -> None:
    """Delete what processes that were killed while they were `replacing` ``path`` have left behind.

    Looks through its folder: for files that are few and written seldom. OSError where that cannot be read.
    """
    for other in path.parent.iterdir():
        if other.name.startswith(f".{path.name}."):
            with suppress(OSError):
                if time.time() - other.stat().st_mtime > LEFT_BEHIND_S:
                    other.unlink()


@contextmanager
def building_folder(path: Path) -> Iterator[Path]:
    """An empty folder to fill beside ``path``, which it becomes when the block ends: whole, or not at all.

    ``path`` must not be there by then, or hold nothing. Raises OSError where a folder cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield building
        building.chmod(0o755)  # mkdtemp's folders are the owner's alone
        building.rename(path)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _umask() -> int:
    """The bits a new file must not have. The system tells them only by having them set."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
