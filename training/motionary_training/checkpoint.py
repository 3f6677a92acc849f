"""The folder of a run: opened for one config alone, its checkpoint whole at any moment, stopped politely.

A run folder holds config.json, last.pt (all that is needed to go on, and the selected weights) and log/ for
TensorBoard. A checkpoint is tensors and plain values; one that holds anything else is refused unread.
"""

from __future__ import annotations

import dataclasses
import json
import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from motionary.errors import MotionaryError
from motionary.files import replacing
from motionary_training.config import Config, config_from_table

__all__ = ["asked_to_stop", "open_run", "read_checkpoint", "read_config", "write_checkpoint"]

FORMAT = 2
"""Of last.pt; raised when what it holds changes."""


def open_run(run: Path, config: Config, *, resume: bool, write: bool = True) -> dict[str, Any] | None:
    """Make the run folder, or open it to go on; its checkpoint, if there is one.

    ``write``: False on all ranks but the first. Raises MotionaryError where the folder holds a run already
    and ``resume`` is off, where it was started with another config, or where it cannot be written.
    """
    state = run / "last.pt"
    if state.exists() and not resume:
        raise MotionaryError(f"{run}: already holds a run; add --resume, or name another folder with --out")
    if state.exists() and read_config(run) != config:
        raise MotionaryError(f"{run}: was started with another config; resume with that one or start anew")
    stored = read_checkpoint(run) if state.exists() else None
    if write and not stored:
        try:
            run.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MotionaryError(
                f"{run}: cannot be made ({error.strerror}); name another with --out"
            ) from None
        with replacing(run / "config.json") as temporary:
            temporary.write_text(json.dumps(dataclasses.asdict(config), indent=1) + "\n", "utf-8")
    return stored


def read_config(run: Path) -> Config:
    """What the run was told. Raises MotionaryError where config.json is not that."""
    path = run / "config.json"
    try:
        return config_from_table(json.loads(path.read_text("utf-8")), str(path))
    except (ValueError, OSError) as error:
        raise MotionaryError(f"{path}: cannot be read ({error}); train anew") from None


def read_checkpoint(run: Path) -> dict[str, Any]:
    """The run's tensors and plain values, on the CPU. Raises MotionaryError for a file that is none such."""
    path = run / "last.pt"
    if not path.is_file():
        raise MotionaryError(f"{path}: not found; {run} holds no checkpoint of a run")
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, EOFError, RuntimeError, ValueError, OSError):
        stored = None
    if not isinstance(stored, dict) or "format" not in stored:
        raise MotionaryError(f"{path}: is damaged, or no checkpoint of this trainer; train anew")
    if stored["format"] != FORMAT:
        raise MotionaryError(f"{path}: was written by another version of the trainer; train anew")
    return stored


def write_checkpoint(run: Path, state: dict[str, Any]) -> None:
    """Replace the run's checkpoint in one step: killed at any moment, the old one or the new one is there."""
    with replacing(run / "last.pt") as temporary:
        torch.save({"format": FORMAT, **state}, temporary)


@contextmanager
def asked_to_stop(*, insist: bool = False) -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C or SIGTERM has come, to be looked at between steps.

    A second one stops at once; not with ``insist``, for torchrun passes on what the terminal sends anyway.
    """
    came = False

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True
        if not insist:
            signal.signal(number, usual[number])

    if threading.current_thread() is not threading.main_thread():  # only that one may handle signals
        yield lambda: False
        return
    usual = {int(number): signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in usual:
        signal.signal(number, remember)
    try:
        yield lambda: came
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
