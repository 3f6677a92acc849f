"""A library file brought up to date: made if need be, embedded again if asked, its sources indexed.

This is what `motionary index` does, in the terminal, in Blender's command line and in the process that
indexes for Blender (`motionary.worker`): only how the progress is shown, and how it is stopped, differs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from motionary.blender_files import Blender
from motionary.bundle import load_bundle
from motionary.device import embed_on
from motionary.errors import MotionaryError
from motionary.index import IndexReport, Progress, embed_again, index_files
from motionary.library import clip_ids, open_library

__all__ = ["Watch", "index_library"]

Watch: TypeAlias = Callable[[str], AbstractContextManager[Callable[[Progress], None]]]
"""Around a step, "Embedding" or "Indexing": what is called with its progress."""


def index_library(
    path: Path,
    sources: Sequence[Path],
    *,
    model: Path | None,
    device: str,
    find_blender: Callable[[], Blender | None],
    watch: Watch,
    workers: int | None = None,
    fps: float | None = None,
    prune: bool = False,
    reread: bool = False,
    reembed: bool = False,
    batch: int | None = None,
    cancel: Callable[[], bool] | None = None,
) -> IndexReport:
    """Embed what the library holds again, if asked, and index ``sources`` into it, if there are any.

    device: as for `motionary.device.embed_on`. The other options are those of `motionary.index.index_files`.
    A library that was made for this and got no clip is removed.

    MotionaryError as of those, where there is no library to embed again, and where it is not there any more
    at the end.
    """
    bundle = load_bundle(model)
    is_new = not path.exists()
    if is_new and not sources:
        raise MotionaryError(f"{path}: no such library to embed again")
    embed = embed_on(device, bundle)
    again = report = IndexReport()
    with open_library(path, write=True) as library:
        if reembed:
            with watch("Embedding") as progress:
                again = embed_again(
                    library,
                    bundle,
                    workers=workers,
                    embed=embed,
                    batch=batch,
                    progress=progress,
                    cancel=cancel,
                )
        if sources and not again.cancelled:
            with watch("Indexing") as progress:
                report = index_files(
                    sources,
                    library,
                    bundle,
                    workers=workers,
                    fps=fps,
                    prune=prune,
                    reread=reread,
                    embed=embed,
                    batch=batch,
                    blender=find_blender,
                    progress=progress,
                    cancel=cancel,
                )
        is_empty = not clip_ids(library)
    if is_new and is_empty:
        path.unlink(missing_ok=True)
    elif not path.exists():
        raise MotionaryError(f"{path}: this library was moved or deleted while it was being indexed")
    return replace(
        report,
        embedded=again.embedded,
        failures=again.failures + report.failures,
        cancelled=again.cancelled or report.cancelled,
        seconds=again.seconds + report.seconds,
    )
