"""The process that indexes for Blender, so that Blender stays free.

    PYTHON worker.py FOLDER_OF_THE_CORE
    blender --background --factory-startup --python worker.py -- FOLDER_OF_THE_CORE

The first line on stdin is an `IndexRequest` in JSON. The answers are lines of JSON on stdout, where nothing
else is: ``{"progress": {"step", "done", "total", "name", "failure", "notes"}}`` after each file or clip, and
at the end ``{"report": {...}}``, an IndexReport's fields, or ``{"error": "why, in one line"}``. A line
``cancel`` on stdin stops the work after the files that are being read. The end of stdin ends this process,
and those that it started, at once, whatever they are doing: whoever asked is there no more.

The core is not looked for on a path: the folder that holds it may hold packages for another Python, too.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass, fields
from functools import partial
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from motionary.index import IndexReport, Progress

__all__ = ["IndexRequest", "index_on_request", "main", "read_request", "take_stdout"]

BATCH = 1024
"""Frames that are embedded together: fewer than is fastest, for someone watches the progress."""

POLITE = 5
"""How much this process steps back for others: Blender is to stay smooth."""


@dataclass(frozen=True)
class IndexRequest:
    """What to index, as `motionary index` takes it; paths are text, for it travels as JSON.

    library: the file, made where there is none. sources: files and folders; none where the library is only
    embedded again or upgraded. model: a model bundle's folder, None for the built-in one. addon: the folder
    of the Blender package, where it is not installed. workers: processes that read, None for one a core.
    upgrade: bring a library of an earlier version up to date, and do nothing else.
    """

    library: str
    sources: tuple[str, ...] = ()
    model: str | None = None
    device: str = "auto"
    fps: float | None = None
    blender: str | None = None
    blender_seconds: float = 600.0
    addon: str | None = None
    prune: bool = False
    reread: bool = False
    reembed: bool = False
    upgrade: bool = False
    workers: int | None = None


def main() -> None:
    """Answer the request on stdin, and end the process."""
    answers = take_stdout()
    asked: SimpleQueue[bytes] = SimpleQueue()
    cancelled = Event()
    Thread(target=_listen, args=(asked, cancelled), daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in Blender's terminal is meant for Blender
    if hasattr(os, "nice"):  # on Windows, whoever starts this process says so
        os.nice(POLITE)
    _answer(answers, _outcome(asked.get(), answers, cancelled))
    os._exit(0)  # not by way of destructors: some of torch's and Blender's take their time, or hang


def read_request(line: bytes) -> IndexRequest:
    """The request in a line of JSON; MotionaryError where it is none."""
    from motionary.errors import MotionaryError

    try:
        asked = json.loads(line)
    except (ValueError, RecursionError):
        raise MotionaryError("the request to index is not JSON") from None
    if not isinstance(asked, dict):
        raise MotionaryError("the request to index is no JSON object")
    known = {field.name for field in fields(IndexRequest)}
    for name, value in asked.items():
        if name not in known or not _fits(name, value):
            raise MotionaryError(
                f"the request to index has {name[:40]!r}: {value!r:.40}, which it cannot have"
            )
    if "library" not in asked:
        raise MotionaryError("the request to index names no library")
    return IndexRequest(**asked | {"sources": tuple(asked.get("sources", ()))})


def _fits(name: str, value: Any) -> bool:
    """Whether a value that came as JSON is one of that field."""
    if name == "sources":
        return isinstance(value, list) and all(isinstance(source, str) for source in value)
    if name in ("prune", "reread", "reembed", "upgrade"):
        return isinstance(value, bool)
    if name in ("fps", "blender_seconds", "workers"):
        is_none = value is None and name != "blender_seconds"
        is_number = type(value) is int or (type(value) is float and name != "workers")
        return is_none or (is_number and 0 < value < float("inf"))
    return isinstance(value, str) or (value is None and name in ("model", "blender", "addon"))


def index_on_request(
    request: IndexRequest, progress: Callable[[str, Progress], None], cancel: Callable[[], bool]
) -> IndexReport:
    """Do what is asked for; ``progress`` gets "Upgrading", "Embedding" or "Indexing" and how far that is.

    MotionaryError as of `motionary.upgrade.upgrade_library` and `motionary.index_library.index_library`.
    """
    if request.upgrade:
        return _upgraded(Path(request.library), partial(progress, "Upgrading"), cancel)
    from motionary.blender_files import find_blender
    from motionary.index_library import index_library

    return index_library(
        Path(request.library),
        [Path(source) for source in request.sources],
        model=Path(request.model) if request.model else None,
        device=request.device,
        find_blender=partial(
            find_blender,
            Path(request.blender) if request.blender else None,
            addon=Path(request.addon) if request.addon else None,
            seconds=request.blender_seconds,
        ),
        watch=lambda step: nullcontext(partial(progress, step)),
        workers=request.workers,
        fps=request.fps,
        prune=request.prune,
        reread=request.reread,
        reembed=request.reembed,
        batch=BATCH,
        cancel=cancel,
    )


def _upgraded(library: Path, progress: Callable[[Progress], None], cancel: Callable[[], bool]) -> IndexReport:
    from motionary.index import IndexReport
    from motionary.upgrade import upgrade_library

    done = upgrade_library(library, progress=progress, cancel=cancel)
    return IndexReport(upgraded=done.after, notes=done.notes, cancelled=done.cancelled)


def take_stdout() -> IO[bytes]:
    """What stdout was, for the answers alone: what anything else prints goes to stderr from now on."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(1, os.O_BINARY)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _outcome(asked: bytes, answers: IO[bytes], cancelled: Event) -> dict[str, Any]:
    """The last answer: what was done, or in one line why it was not."""

    def tell(step: str, progress: Progress) -> None:
        _answer(answers, {"progress": {"step": step, **asdict(progress)}})

    try:
        import_module("motionary.index")
    except ImportError as error:
        return {"error": f"{sys.executable}: this Python cannot index ({error}); it needs numpy"}
    from motionary.errors import MotionaryError

    try:
        return {"report": asdict(index_on_request(read_request(asked), tell, cancelled.is_set))}
    except MotionaryError as error:
        return {"error": str(error)}
    except OSError as error:
        return {"error": f"{error.filename or 'the system'}: {error.strerror or error}"}
    except MemoryError:
        return {"error": "indexing takes more memory than there is; what was finished is kept"}
    except Exception as error:  # whatever it is, Blender's user is to read of it
        traceback.print_exc()
        reason = " ".join(str(error).split())
        return {"error": f"indexing stopped ({type(error).__name__}: {reason}); what was finished is kept"}


def _answer(answers: IO[bytes], what: dict[str, Any]) -> None:
    try:
        answers.write(json.dumps(what).encode() + b"\n")
        answers.flush()
    except OSError:
        _leave()


def _listen(asked: SimpleQueue[bytes], cancelled: Event) -> None:
    """Take in the request, and then what there is to heed until the end of stdin."""
    if request := sys.stdin.buffer.readline():
        asked.put(request)
    for line in iter(sys.stdin.buffer.readline, b""):
        if line.strip() == b"cancel":
            cancelled.set()
    _leave()


def _leave() -> None:
    """End at once, and take along the processes that read; their Blenders end when they do."""
    for process in multiprocessing.active_children():
        with suppress(OSError):
            process.terminate()
    os._exit(0)


def _adopt(core: Path) -> None:
    """Have the package in ``core`` imported as motionary, and nothing that lies beside it."""
    spec = spec_from_file_location("motionary", core / "__init__.py", submodule_search_locations=[str(core)])
    assert spec is not None
    assert spec.loader is not None
    sys.modules["motionary"] = module = module_from_spec(spec)
    spec.loader.exec_module(module)


def _core(arguments: list[str]) -> Path | None:
    """The folder that the command line names."""
    given = arguments[arguments.index("--") + 1 :] if "--" in arguments else arguments[1:]
    return Path(given[0]) if given else None


# As a script, and again, under the second name, in each process that multiprocessing starts from it.
if __name__ in ("__main__", "__mp_main__"):
    if sys.hexversion < 0x030B0000:
        sys.exit(f"{sys.executable} is Python {sys.version.split()[0]}; indexing needs Python 3.11 or newer")
    if (folder := _core(sys.argv)) is not None:
        _adopt(folder)
if __name__ == "__main__":
    try:
        main()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
