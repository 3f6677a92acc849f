"""What a study is given, and its cells: each is computed once, so that a killed study goes on."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from motionary.errors import MotionaryError
from motionary.files import replacing
from motionary_training.data import Pairs

__all__ = ["Plan", "cell", "machine", "seconds"]


@dataclass(frozen=True)
class Plan:
    """How a study is to be run.

    quick: a few cells on little work, to see that it runs; it proves nothing. work: folder of finished cells.
    clips: the captioned clips of one train split, read when first asked for. descriptions: of the trials
    that they are cut from, by trial. grammar: (seed, number) to that many variants of each procedural starter
    clip. step: hears of cells done and in all.
    """

    quick: bool
    work: Path
    clips: Callable[[], Pairs]
    descriptions: Callable[[], Mapping[str, str]]
    grammar: Callable[[int, int], Pairs]
    step: Callable[[int, int], None] = lambda done, total: None
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"


def cell(work: Path, key: Mapping[str, Any], compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What ``compute`` returns for ``key``, from ``work`` where an earlier run came that far.

    ``seconds``, the time that it took, is added to it. key and result: plain values that JSON can hold.
    MotionaryError where a stored cell is damaged.
    """
    text = json.dumps(key, sort_keys=True)
    path = work / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"
    if path.is_file():
        try:
            found: dict[str, Any] = json.loads(path.read_text("utf-8"))["result"]
        except (ValueError, KeyError, TypeError, OSError):
            raise MotionaryError(f"{path}: is damaged; delete it, and it is computed again") from None
        return found
    began = time.perf_counter()
    result = compute() | {"seconds": time.perf_counter() - began}
    work.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        # The key is written out too, so that a person can see what a cell is.
        temporary.write_text(json.dumps({"key": key, "result": result}, indent=1) + "\n", "utf-8")
    # Read back by the next run as JSON knows it (lists for tuples), so this run sees the same.
    again: dict[str, Any] = json.loads(json.dumps(result))
    return again


def seconds(cells: list[dict[str, Any]]) -> float:
    """What computing the cells took, in whichever runs that was."""
    return float(sum(one["seconds"] for one in cells))


def machine(device: str) -> str:
    """What a study ran on, in words."""
    if device.startswith("cuda"):
        return f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    return f"CPU, {torch.get_num_threads()} thread(s), torch {torch.__version__}"
