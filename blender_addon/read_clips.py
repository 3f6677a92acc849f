"""The process that reads Blender files for `motionary.blender_files`, one after another.

    python -m blender_addon.read_clips
    blender --background --factory-startup --python blender_addon/read_clips.py -- FOLDER_OF_THE_CORE

It says on stdout that it is up, then answers each line of JSON on stdin, ``{"path": "walk.fbx"}``, as
`motionary.clip_stream` writes it. Whatever else Blender prints goes to stderr. It ends as soon as stdin is
closed, whatever it is doing: nobody waits for the answer any more.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

__all__ = ["main"]


def main(core: Path | None = None) -> None:
    """Answer until stdin is closed, which ends the process. core: where motionary is, if not installed."""
    _adopt("blender_addon", Path(__file__).resolve().parent)
    if core is not None:
        _adopt("motionary", core)
    from motionary.worker import take_stdout

    answers = take_stdout()
    # Only now, for Blender prints when it is imported.
    import bpy

    from blender_addon.clip_files import read_file
    from motionary.blender_files import GREETING
    from motionary.clip_stream import write_answer, write_failure
    from motionary.errors import MotionaryError

    asked: SimpleQueue[bytes] = SimpleQueue()
    Thread(target=_listen, args=(asked,), daemon=True).start()
    answers.write(GREETING + f' 1, "blender": "{bpy.app.version_string}"}}\n'.encode())
    answers.flush()
    while True:
        path = Path(json.loads(asked.get())["path"])
        try:
            write_answer(answers, read_file(path))
        except MotionaryError as error:
            write_failure(answers, str(error))
        except Exception as error:  # whatever one file does to its reader, the others are to be read
            traceback.print_exc()
            write_failure(answers, f"{path}: cannot be read ({type(error).__name__}: {error})")


def _adopt(name: str, folder: Path) -> None:
    """Have the package in ``folder`` imported as ``name``, and nothing that lies beside it."""
    if name in sys.modules:
        return
    spec = spec_from_file_location(name, folder / "__init__.py", submodule_search_locations=[str(folder)])
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = module_from_spec(spec)
    spec.loader.exec_module(module)


def _listen(asked: SimpleQueue[bytes]) -> None:
    """Take in what is asked; at its end leave at once, and not by way of destructors that may hang."""
    for line in iter(sys.stdin.buffer.readline, b""):
        asked.put(line)
    os._exit(0)


if __name__ == "__main__":
    given = sys.argv[1:]
    if "--" in given:
        given = given[given.index("--") + 1 :]
    try:
        main(Path(given[0]) if given else None)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
