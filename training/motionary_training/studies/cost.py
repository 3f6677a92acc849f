"""Study: what does a step of each loss cost, in time and memory, as batches grow?"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile

from motionary_training.config import LossConfig
from motionary_training.losses import anchor_losses, directions, needs_guide
from motionary_training.studies.document import Finding, Table, new_figure
from motionary_training.studies.noise import mean_sd
from motionary_training.studies.plan import Plan, cell, machine, seconds

__all__ = ["run", "step_memory"]

BATCHES = (32, 64, 128, 256, 512, 1024, 2048, 4096)
JOINT, SENTENCE = 256, 384
QUEUE = 4096
REPEATS = 3
FIRST = "SH"
LASTS = 0.2
"""Seconds that one timing lasts at least, so that small batches are timed over many steps."""


@dataclass(frozen=True)
class Way:
    """A loss, with a queue of so many earlier pairs."""

    loss: LossConfig
    queue: int = 0


def run(plan: Plan) -> Finding:
    """Time the step of each loss at each batch, from embeddings to their gradients."""
    device = "cuda" if plan.device in ("auto", "cuda") and torch.cuda.is_available() else "cpu"
    batches = (32, 64) if plan.quick else BATCHES
    ways = _ways(64 if plan.quick else QUEUE)
    repeats, lasts = (2, 0.01) if plan.quick else (REPEATS, LASTS)
    cells: dict[tuple[str, int], list[dict[str, Any]]] = {
        (name, batch): [] for batch in batches for name in ways
    }
    done = 0
    for batch in batches:
        # Losses take turns, so that a machine that is busy for a while disturbs all of them alike.
        for repeat in range(repeats):
            for name, way in ways.items():
                key = {"kind": "cost", "way": asdict(way), "batch": batch, "repeat": repeat, "lasts": lasts}
                compute = partial(_measured, way, batch, lasts, device, watched=repeat == 0)
                cells[name, batch].append(cell(plan.work, key | {"machine": machine(device)}, compute))
                done += 1
                plan.step(done, len(cells) * repeats)
    timings = {key: [one["milliseconds"] for one in found] for key, found in cells.items()}
    times = {key: min(values) for key, values in timings.items()}
    memory = {key: float(found[0]["megabytes"]) for key, found in cells.items()}
    return Finding(
        title="Cost of the losses",
        found=_found(times, memory, batches, ways, "a GPU" if device == "cuda" else "a CPU"),
        question="Summaries of the paper do not say what its losses cost. One step here goes from embeddings "
        "to their gradients: similarities, filter, loss, backward; the encoders are left out, they cost the "
        "same with every loss.",
        tables=(
            Table(
                f"Milliseconds a step, the fastest of {repeats} timings; × is to {FIRST} at the same batch.",
                ("loss", *(f"batch {batch}" for batch in batches)),
                _rows(times, ways, batches, 2),
            ),
            Table(
                f"Peak megabytes of a step beyond the embeddings; × is to {FIRST} at the same batch.",
                ("loss", *(f"batch {batch}" for batch in batches)),
                _rows(memory, ways, batches, 1),
            ),
            Table(
                f"Milliseconds a step at batch {batches[-1]}, mean ± sd of the {repeats} timings.",
                ("loss", "milliseconds"),
                tuple((name, mean_sd(timings[name, batches[-1]], 2)) for name in ways),
            ),
        ),
        figure=_figure(times, memory, ways, batches),
        settings={
            "data": f"random unit vectors, joint space {JOINT}, captions {SENTENCE} wide, seed 0, float32",
            "protocol": "forward and backward of both directions; time is the clock's on a GPU and the "
            "processor's on a CPU, losses take turns; memory is the largest sum of live "
            "allocations (torch's profiler on a CPU, its allocator on a GPU)",
            "queue": f"{QUEUE} pairs of earlier batches as further negatives",
            "machine": machine(device),
        },
        numbers={
            name: {str(batch): {"ms": timings[name, batch], "MB": memory[name, batch]} for batch in batches}
            for name in ways
        },
        seconds=seconds([one for found in cells.values() for one in found]),
    )


def step_memory(step: Callable[[], None], device: str) -> int:
    """Bytes that a call of ``step`` holds at most, beyond what is held before it."""
    if device == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        step()
        return int(torch.cuda.max_memory_allocated() - before)
    # The profiler's collector else prints lines of its own.
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as watched:
        step()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        watched.export_chrome_trace(str(path))
        events = json.loads(path.read_text("utf-8"))["traceEvents"]
    changes = [event["args"]["Bytes"] for event in events if event["name"] == "[memory]"]
    return int(max(np.cumsum(changes), default=0))


def _ways(queue: int) -> dict[str, Way]:
    plain, filtered = LossConfig(warmup_epochs=0, filter="none"), LossConfig(warmup_epochs=0)
    return {
        FIRST: Way(replace(plain, name="sum_hinge")),
        "MH": Way(replace(plain, name="max_hinge")),
        "DropTriple": Way(filtered),
        "DropTriple, filter by captions": Way(replace(filtered, filter="text")),
        "InfoNCE": Way(replace(plain, name="info_nce")),
        "InfoNCE + in-batch filter": Way(replace(filtered, name="info_nce")),
        "InfoNCE + filter by captions": Way(replace(filtered, name="info_nce", filter="text")),
        "soft InfoNCE": Way(replace(plain, name="soft_info_nce")),
        f"DropTriple + queue of {queue}": Way(filtered, queue),
    }


def _measured(way: Way, batch: int, lasts: float, device: str, *, watched: bool) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(0)

    def drawn(count: int, width: int) -> Tensor:
        return F.normalize(torch.randn(count, width, generator=generator), dim=-1).to(device)

    motions, texts = (drawn(batch, JOINT).requires_grad_() for _ in range(2))
    earlier_motions, earlier_texts = (drawn(way.queue, JOINT) for _ in range(2))
    captions = drawn(batch + way.queue, SENTENCE)
    own = torch.arange(batch, device=device)
    same = own[:, None] == torch.arange(batch + way.queue, device=device)
    certain = torch.zeros_like(same)
    temperature = torch.tensor(0.07, device=device, requires_grad=True)

    def step() -> None:
        guide = captions[:batch] @ captions.T if needs_guide(way.loss) else None
        both = directions(
            motions,
            texts,
            torch.cat([motions, earlier_motions]),
            torch.cat([texts, earlier_texts]),
            own,
            same,
            certain,
            guide,
        )
        loss = torch.cat([anchor_losses(way.loss, 0, one, temperature) for one in both]).sum()
        motions.grad = texts.grad = temperature.grad = None
        loss.backward()  # type: ignore[no-untyped-call]

    step()
    alone = _timed(step, 1, device)
    steps = round(lasts / max(alone, 1e-6))
    spent = _timed(step, steps, device) / steps if steps > 1 else alone
    # What is freed by the watched step must not have been there before it: the profiler would not know it.
    motions.grad = texts.grad = temperature.grad = None
    memory = step_memory(step, device) / 1e6 if watched else None
    return {"milliseconds": 1000 * spent, "megabytes": memory}


def _timed(step: Callable[[], None], times: int, device: str) -> float:
    """Seconds: on a GPU by the clock, on a CPU of the processor, which other work disturbs less."""
    on_gpu = device == "cuda"
    clock = time.perf_counter if on_gpu else time.process_time
    if on_gpu:
        torch.cuda.synchronize()
    began = clock()
    for _ in range(times):
        step()
    if on_gpu:
        torch.cuda.synchronize()
    return clock() - began


def _rows(
    values: Mapping[tuple[str, int], float], ways: Mapping[str, Way], batches: tuple[int, ...], digits: int
) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (
            name,
            *(f"{values[name, batch]:.{digits}f} (×{_ratio(values, name, batch):.2f})" for batch in batches),
        )
        for name in ways
    )


def _ratio(values: Mapping[tuple[str, int], float], name: str, batch: int) -> float:
    return values[name, batch] / max(values[FIRST, batch], 1e-9)


def _found(
    times: Mapping[tuple[str, int], float],
    memory: Mapping[tuple[str, int], float],
    batches: tuple[int, ...],
    ways: Mapping[str, Way],
    where: str,
) -> str:
    def to_first(name: str) -> str:
        slower, larger = ([_ratio(values, name, batch) for batch in batches] for values in (times, memory))
        time_told = f"{np.median(slower):.2f} × ({min(slower):.2f} to {max(slower):.2f})"
        return f"{name} {time_told} and {max(larger):.2f} ×"

    told = "; ".join(to_first(name) for name in ways if name != FIRST and not ways[name].queue)
    one, largest = times["DropTriple", batches[-1]], batches[-1]
    return (
        f"A DropTriple step at batch {largest} on {where} costs {one:.0f} ms and "
        f"{memory['DropTriple', largest]:.0f} MB from embeddings to gradients; to {FIRST}, median time over "
        f"batches of {batches[0]} to {largest} (least to most) and largest memory: {told}."
    )


def _figure(
    times: Mapping[tuple[str, int], float],
    memory: Mapping[tuple[str, int], float],
    ways: Mapping[str, Way],
    batches: tuple[int, ...],
) -> Figure:
    figure = new_figure(9, 4.5)
    for place, (values, unit) in enumerate(((times, "ms a step"), (memory, "peak MB")), 1):
        axes = figure.add_subplot(1, 2, place)
        for name in ways:
            axes.plot(batches, [values[name, batch] for batch in batches], marker=".", label=name)
        axes.set(xscale="log", yscale="log", xlabel="batch", ylabel=unit)
        axes.set_xticks(batches, [str(batch) for batch in batches], rotation=45)
        axes.minorticks_off()
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize="small")
    return figure
