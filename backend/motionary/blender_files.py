"""Clips from .blend, FBX and glTF files, which Blender reads in a process of its own.

The core imports no bpy. It starts read_clips.py of the Blender package, with this Python where pip's bpy is
installed and else within a Blender, and asks it for one file after another: a line of JSON with the path,
answered as `motionary.clip_stream` says. A file that Blender does not survive takes that process with it and
no other; the next file gets a new one.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Timer
from typing import IO, TypeAlias

from motionary.clip_stream import FileClips, read_answer
from motionary.errors import MotionaryError

__all__ = [
    "BLENDER_SUFFIXES",
    "CURE",
    "GREETING",
    "Blender",
    "ReadFile",
    "blender_reader",
    "check_blender",
    "find_blender",
]

BLENDER_SUFFIXES: tuple[str, ...] = (".blend", ".fbx", ".glb", ".gltf")

ENVIRONMENT = "MOTIONARY_BLENDER"
"""The environment variable that names the Blender to read with."""

CURE = f"install pip's bpy beside Motionary, or give a Blender by --blender or by {ENVIRONMENT}"

GREETING = b'{"motionary":'
"""How the line begins that tells that Blender is up."""

LONGEST_LINE = 1 << 16

PARTING = 5.0
"""Seconds that Blender may take to end when it is no longer needed."""

ReadFile: TypeAlias = Callable[[Path], FileClips]


@dataclass(frozen=True)
class Blender:
    """The command that starts a Blender which reads files, and the seconds that it may take over one."""

    command: tuple[str, ...]
    seconds: float = 600.0


def find_blender(
    executable: Path | None = None, *, addon: Path | None = None, seconds: float = 600.0
) -> Blender | None:
    """The Blender to read with: ``executable``; or what the environment's MOTIONARY_BLENDER names; or this
    Python, where it has pip's bpy; or the `blender` on the PATH. None where there is none of these.

    executable: a Blender, or another Python that has bpy. addon: the folder of Motionary's Blender package,
    where it is not installed as blender_addon. MotionaryError where ``executable`` is not there.
    """
    script = (addon or _addon()) / "read_clips.py"
    named = executable or os.environ.get(ENVIRONMENT)
    found = shutil.which(str(named)) if named else None
    if named and found is None:
        raise MotionaryError(f"{named}: no such program; {CURE}")
    if found is None and _has_bpy():
        found = sys.executable
    found = found or shutil.which("blender")
    if found is None:
        return None
    if Path(found).name.lower().startswith("python"):
        start = [found, "-P", str(script)]
    else:
        start = [found, "--background", "--factory-startup", "--python", str(script), "--"]
    # Not by a path to look in: what else is installed beside Motionary may not suit Blender's Python.
    return Blender((*start, str(Path(__file__).parent)), seconds)


def _addon() -> Path:
    spec = find_spec("blender_addon")
    places = spec.submodule_search_locations if spec else None
    if not places:
        raise MotionaryError(
            "Motionary's Blender package blender_addon is not installed; install Motionary again"
        )
    return Path(places[0])


def _has_bpy() -> bool:
    try:
        return find_spec("bpy") is not None
    except ValueError:  # something else goes by that name
        return False


def check_blender(blender: Blender) -> None:
    """Start it once; MotionaryError, with what it said last, where it does not come up."""
    _end(_start(blender))


@contextmanager
def blender_reader(blender: Blender) -> Iterator[ReadFile]:
    """What reads one file after another until the block ends. Blender starts with the first.

    A file that cannot be read raises MotionaryError, also where Blender ends or takes too long over it.
    """
    process: subprocess.Popen[bytes] | None = None

    def read(path: Path) -> FileClips:
        nonlocal process
        process = process or _start(blender)
        assert process.stdin
        assert process.stdout
        began = time.monotonic()
        try:
            with _killed_after(process, blender.seconds):
                process.stdin.write(json.dumps({"path": str(path.absolute())}).encode() + b"\n")
                process.stdin.flush()
                return read_answer(process.stdout)
        except (EOFError, OSError, ValueError) as error:
            ended, process = _end(process), None
            if time.monotonic() - began >= blender.seconds:
                reason = f"Blender did not finish reading it in {blender.seconds:g} seconds; allow it more"
            elif isinstance(error, ValueError):
                reason = f"Blender's answer is damaged ({error})"
            else:
                reason = f"Blender ended while reading it ({ended})"
            raise MotionaryError(f"{path}: {reason}") from None

    try:
        yield read
    finally:
        if process is not None:
            _end(process)


def _start(blender: Blender) -> subprocess.Popen[bytes]:
    """A Blender that waits to be asked; MotionaryError, with what it said last, where it does not come up."""
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(
                blender.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                # A group of its own, so that what a script called blender started ends with it.
                start_new_session=True,
            )
        except OSError as error:
            raise MotionaryError(f"{blender.command[0]}: Blender does not start: {error.strerror}") from None
        try:
            with _killed_after(process, blender.seconds):
                _await_greeting(process)
        except EOFError:
            ended = _end(process)
            raise MotionaryError(
                f"{blender.command[0]}: Blender does not start: {_last_line(said) or ended}"
            ) from None
        except BaseException:
            _end(process)
            raise
    return process


def _await_greeting(process: subprocess.Popen[bytes]) -> None:
    """Pass over what Blender prints until our script has the say; EOFError where that never comes."""
    assert process.stdout
    while line := process.stdout.readline(LONGEST_LINE):
        if line.startswith(GREETING):
            return
    raise EOFError


@contextmanager
def _killed_after(process: subprocess.Popen[bytes], seconds: float) -> Iterator[None]:
    """Whoever reads from the process in the block meets its end then, whatever the process hangs in."""
    timer = Timer(seconds, _kill, [process])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


def _end(process: subprocess.Popen[bytes]) -> str:
    """End a Blender that is no longer needed, or see of what it died."""
    assert process.stdin
    assert process.stdout
    with suppress(OSError):
        process.stdin.close()
    try:
        code = process.wait(PARTING)
    except subprocess.TimeoutExpired:
        _kill(process)
        code = process.wait()
    finally:
        process.stdout.close()
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _last_line(said: IO[bytes]) -> str:
    said.seek(max(0, said.seek(0, os.SEEK_END) - LONGEST_LINE))
    lines = said.read().decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else ""
