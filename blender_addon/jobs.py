"""Indexing in a process of its own (`motionary.worker`), which Blender watches and never waits for.

Two threads do what may block: one writes what the process is told, the other reads what it answers. Blender's
main thread takes from a queue what has arrived. When Blender quits, or is killed, the process's stdin ends,
and by that the process itself.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, Any

import bpy

import motionary
from motionary.errors import MotionaryError
from motionary.index import IndexReport
from motionary.worker import IndexRequest

__all__ = ["Job", "JobState", "start", "worker_command"]

PARTING = 5.0
"""Seconds that the process may take to end when it is no longer needed; it is a matter of milliseconds."""

LONGEST_SAID = 1 << 12
"""Bytes at the end of what the process wrote to stderr in which its last line is looked for."""


@dataclass(frozen=True)
class JobState:
    """How far the work on a library is: ``done`` of ``total`` files or clips, ``name`` the last of them.

    step: "Starting", then "Upgrading", "Embedding" or "Indexing". failures and notes: lines for the user, so
    far. At the end there is a report, or an error in one line.
    """

    library: Path
    step: str = "Starting"
    done: int = 0
    total: int = 0
    name: str = ""
    failures: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    is_cancelling: bool = False
    report: IndexReport | None = None
    error: str = ""

    @property
    def is_finished(self) -> bool:
        """Whether nothing more is to come."""
        return self.report is not None or bool(self.error)

    @property
    def fraction(self) -> float:
        """What is done of all, from 0 to 1."""
        return self.done / self.total if self.total else 0.0


class Job:
    """A process at work. The main thread alone uses it; nothing but `close` ever waits."""

    def __init__(self, request: IndexRequest, process: subprocess.Popen[bytes], said: IO[bytes]) -> None:
        assert process.stdin
        assert process.stdout
        self.state = JobState(Path(request.library))
        self.process = process
        self._said = said
        self._told: SimpleQueue[bytes | None] = SimpleQueue()
        self._answers: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        self._told.put(json.dumps(asdict(request)).encode() + b"\n")
        self._threads = (
            Thread(target=_write, args=(process.stdin, self._told), name="Motionary tells", daemon=True),
            Thread(target=_read, args=(process.stdout, self._answers), name="Motionary hears", daemon=True),
        )
        for thread in self._threads:
            thread.start()
        # Threads that are still reading while Python is taken down can take Blender down with them.
        atexit.register(self.close)

    def poll(self) -> JobState:
        """How far it is by now."""
        failures: list[str] = []
        notes: list[str] = []
        while not self.state.is_finished:
            try:
                answer = self._answers.get_nowait()
            except Empty:
                break
            if answer is None:
                if self.process.poll() is None:
                    self._answers.put(None)  # it is about to end: see the next time
                    break
                self._end(error=self._epitaph())
            elif step := answer.get("progress"):
                failures += [step["failure"]] if step["failure"] else []
                notes += step["notes"]
                told = {name: step[name] for name in ("step", "done", "total", "name")}
                self.state = replace(self.state, **told)
            elif report := answer.get("report"):
                lines = {name: tuple(report[name]) for name in ("failures", "notes")}
                self._end(report=IndexReport(**report | lines))
            elif error := answer.get("error"):
                self._end(error=str(error))
        if failures or notes:
            self.state = replace(
                self.state,
                failures=self.state.failures + tuple(failures),
                notes=self.state.notes + tuple(notes),
            )
        return self.state

    def cancel(self) -> None:
        """Have it stop after the files that are being read; what is finished by then is kept."""
        if not self.state.is_finished:
            self._told.put(b"cancel\n")
            self.state = replace(self.state, is_cancelling=True)

    def close(self) -> None:
        """End the process, whatever it is doing; what it has finished is kept."""
        atexit.unregister(self.close)
        self._told.put(None)
        try:
            self.process.wait(PARTING)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for thread in self._threads:
            thread.join(PARTING)
        self._said.close()
        if not self.state.is_finished:
            self.state = replace(self.state, error="indexing was stopped; what was finished is kept")

    def _end(self, *, report: IndexReport | None = None, error: str = "") -> None:
        self.state = replace(self.state, report=report, error=error)
        self._told.put(None)

    def _epitaph(self) -> str:
        """What the process died of."""
        code = self.process.returncode
        died = f"signal {-code}" if code < 0 else f"exit code {code}"
        said = _last_line(self._said)
        return (
            f"the process that indexes ended ({died}){': ' if said else ''}{said}; "
            "what was finished is kept, and indexing again goes on from there"
        )


def start(request: IndexRequest, python: Path | None = None) -> Job:
    """Begin to index, with ``python`` or, if it is None, with Blender's own.

    MotionaryError where that does not start. A process that ends before it has answered says why in
    `Job.poll`.
    """
    command = worker_command(python)
    options: dict[str, Any] = {}
    if sys.platform == "win32":
        options["creationflags"] = subprocess.BELOW_NORMAL_PRIORITY_CLASS | subprocess.CREATE_NO_WINDOW
    said = tempfile.TemporaryFile()  # noqa: SIM115 - the job closes it
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            # Else a Python older than 3.11 could not be told what is wrong with it: -P ends it at once.
            env=os.environ | {"PYTHONSAFEPATH": "1"},
            **options,
        )
    except OSError as error:
        said.close()
        raise MotionaryError(
            f"{command[0]}: does not start: {error.strerror or error}; choose another Python for Indexing in "
            "the preferences, or none"
        ) from None
    return Job(request, process, said)


def worker_command(python: Path | None = None) -> tuple[str, ...]:
    """What starts the process: ``python``, or Blender's own Python, or, where it has none, Blender itself."""
    core = Path(motionary.__file__).parent
    worker = (str(core / "worker.py"), str(core))
    if python is not None:
        return (str(python), *worker)
    if is_python(sys.executable):
        # As Blender runs it: without what the environment says to other Pythons.
        return (sys.executable, "-I", *worker)
    return (bpy.app.binary_path, "--background", "--factory-startup", "--python", worker[0], "--", worker[1])


def is_python(program: str) -> bool:
    """Whether a program is a Python, by its name; else it is a Blender that has Python built in."""
    return Path(program).name.lower().startswith("python")


def _write(stdin: IO[bytes], told: SimpleQueue[bytes | None]) -> None:
    """In a thread: what the process is told, up to None."""
    with suppress(OSError), stdin:
        for line in iter(told.get, None):
            stdin.write(line)
            stdin.flush()


def _read(stdout: IO[bytes], answers: SimpleQueue[dict[str, Any] | None]) -> None:
    """In a thread: its answers, and None at the end."""
    with stdout:
        for line in stdout:
            with suppress(ValueError):  # what Blender prints while it starts is no answer
                answer = json.loads(line)
                if isinstance(answer, dict):
                    answers.put(answer)
    answers.put(None)


def _last_line(said: IO[bytes]) -> str:
    said.seek(max(0, said.seek(0, os.SEEK_END) - LONGEST_SAID))
    lines: Sequence[str] = said.read().decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else ""
