"""A library file brought up to date: made if need be, embedded again if asked, its sources indexed.

This is what `motionary index` does, in the terminal, in Blender's command line and in the process that
indexes for Blender (`motionary.worker`): only how the progress is shown, and how it is stopped, differs.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from motionary.blender_files import Blender
from motionary.bundle import ModelBundle, load_bundle
from motionary.device import embed_on
from motionary.errors import MotionaryError
from motionary.index import Elsewhere, IndexReport, Progress, embed_again, index_files
from motionary.library import clip_ids, open_library

__all__ = ["Watch", "index_library"]

_PLUG_IN = "motionary_scale.ray_index"

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
    ray: str | None = None,
    cancel: Callable[[], bool] | None = None,
) -> IndexReport:
    """Embed what the library holds again, if asked, and index ``sources`` into it, if there are any.

    device: as for `motionary.device.embed_on`. ray: the address of a Ray cluster that reads and embeds the
    sources, as for `motionary_scale.ray_index.ray_workers`; workers are its. The other options are those of
    `motionary.index.index_files`. A library that was made for this and got no clip is removed.

    MotionaryError as of those, where there is no library to embed again, and where it is not there any more
    at the end.
    """
    bundle = load_bundle(model)
    is_new = not path.exists()
    if is_new and not sources:
        raise MotionaryError(f"{path}: no such library to embed again")
    elsewhere = None
    if ray is not None:
        elsewhere = _ray_workers(ray, bundle, device, find_blender, workers)
    embed = None if elsewhere and not reembed else embed_on(device, bundle)
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
                    elsewhere=elsewhere,
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


def _ray_workers(
    address: str,
    bundle: ModelBundle,
    device: str,
    find_blender: Callable[[], Blender | None],
    workers: int | None,
) -> Elsewhere:
    """What reads and embeds on a Ray cluster; MotionaryError where Ray is not installed."""
    try:
        importlib.import_module("ray.data")
        plug_in = importlib.import_module(_PLUG_IN)
    except ImportError as error:
        reason = " ".join(str(error).split())
        raise MotionaryError(
            f"--ray needs Ray, which cannot be imported here ({reason}): "
            'pip install "motionary[scale]", or leave --ray out'
        ) from None
    elsewhere: Elsewhere = plug_in.ray_workers(
        address, bundle, device=device, find_blender=find_blender, workers=workers
    )
    return elsewhere
