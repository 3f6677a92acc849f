"""Clips a second through the motion encoder, by numpy and by torch, in one run.

    python scripts/bench_embedding.py                          # --device auto: a GPU where there is one
    python scripts/bench_embedding.py --library mine.motionary # besides, a whole library, reading included

Features are those of the starter clips, each as often as --clips asks for and each time a little different,
cut into windows as indexing does. Both paths embed the same windows; the largest difference is printed, and
more than 1e-4 is a failure. --library embeds a copy: its motions are unpacked by all cores meanwhile.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from motionary.bundle import ModelBundle, load_bundle
from motionary.features import features_from_joints, motion_joints
from motionary.index import BATCH, Embed, Windows, embed_again, window_frames
from motionary.library import Model, open_library, set_model, summary
from motionary.starter import starter_clips

if TYPE_CHECKING:
    import torch

TOLERANCE = 1e-4

Features = list[NDArray[np.float32]]


def varied_windows(count: int) -> Features:
    """The windows of ``count`` clips: starter clips in turn, each time trimmed and with noise anew."""
    joints = [motion_joints(clip.motion) for clip in starter_clips()[:count]]
    whole = [features_from_joints(positions) for positions in joints]
    rng = np.random.default_rng(0)
    windows = []
    for number in range(count):
        clip = whole[number % len(whole)]
        start = int(rng.integers(0, max(len(clip) // 4, 1)))
        part = clip[start:] + rng.normal(0, 0.01, clip[start:].shape).astype(np.float32)
        windows += [part[first:last] for first, last in window_frames(len(part), Windows())]
    return windows


def timed(embed: Embed, windows: Features, frames: int, repeats: int) -> tuple[NDArray[np.float32], float]:
    """The vectors, and the seconds of the quickest of ``repeats``, in batches as indexing hands them over."""
    starts = [0]
    held = 0
    for number, window in enumerate(windows):
        held += len(window)
        if held >= frames:
            starts.append(number + 1)
            held = 0
    groups = [windows[a:b] for a, b in zip(starts, [*starts[1:], len(windows)], strict=True) if a < b]
    embed(groups[0])  # what is loaded and chosen the first time
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        vectors = np.concatenate([embed(group) for group in groups])
        seconds.append(time.perf_counter() - began)
    return vectors, min(seconds)


def both_ways(
    bundle: ModelBundle, device: torch.device, clips: int, *, batch: int | None = None, repeats: int = 3
) -> dict[str, int | float]:
    """Clips a second of ``clips`` varied starter clips by numpy and by torch, and how far the vectors differ.

    batch: frames through the model at once, by torch.
    """
    from motionary_training.embed import make_embed

    windows = varied_windows(clips)
    ours, numpy_s = timed(bundle.embed_features, windows, BATCH, repeats)
    by_torch = make_embed(bundle, device, batch=batch)
    theirs, torch_s = timed(by_torch, windows, max(batch or 0, BATCH), repeats)
    return {
        "clips": clips,
        "windows": len(windows),
        "frames": sum(len(window) for window in windows),
        "numpy_clips_per_second": clips / numpy_s,
        "torch_clips_per_second": clips / torch_s,
        "ratio": numpy_s / torch_s,
        "largest_difference": float(np.abs(ours - theirs).max()),
    }


def timed_library(path: Path, make: Callable[[], Embed | None], bundle_path: Path | None) -> float:
    """Seconds to embed a copy of a library again, as if another model had embedded it."""
    bundle = load_bundle(bundle_path)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        shutil.copyfile(path, copy)
        with open_library(copy, write=True) as held:
            set_model(held, Model("none", "none", bundle.joint_dim))  # drops all vectors
            embed = make()
            began = time.perf_counter()
            embed_again(held, bundle, embed=embed)
            return time.perf_counter() - began


def device_name(device: torch.device) -> str:
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type}, {platform.machine()}, {torch.get_num_threads()} threads"


def main() -> int:
    # Not above: the processes that read a library's motions import this file, and torch takes them seconds.
    import torch

    from motionary_training.embed import make_embed, torch_device

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=500)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--batch", type=int, help="frames through the model at once, by torch")
    parser.add_argument("--model", type=Path, help="a model bundle other than the built-in one")
    parser.add_argument("--library", type=Path, help="a library to embed whole, too")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the numbers to this file, too")
    options = parser.parse_args()

    bundle, device = load_bundle(options.model), torch_device(options.device)
    found = both_ways(bundle, device, options.clips, batch=options.batch, repeats=options.repeats)
    numbers = {"model": bundle.name, "device": device_name(device), **found}
    print(f"{bundle.name}, {options.clips} clips, {found['windows']} windows, {found['frames']} frames")
    print(f"numpy {np.__version__} on the CPU; torch {torch.__version__} on {device_name(device)}")
    print(f"{'':24}{'numpy':>10}{'torch':>10}{'ratio':>8}")
    print(
        f"{'clips/s, embedding':24}{found['numpy_clips_per_second']:>10.0f}"
        f"{found['torch_clips_per_second']:>10.0f}{found['ratio']:>8.2f}"
    )
    if options.library:
        with open_library(options.library) as held:
            clips = summary(held).clips
        by_torch = make_embed(bundle, device, batch=options.batch)
        numpy_s = timed_library(options.library, lambda: None, options.model)
        torch_s = timed_library(options.library, lambda: by_torch, options.model)
        print(
            f"{'clips/s, whole library':24}{clips / numpy_s:>10.0f}{clips / torch_s:>10.0f}"
            f"{numpy_s / torch_s:>8.2f}"
        )
        numbers |= {
            "library_clips": clips,
            "library_numpy_clips_per_second": clips / numpy_s,
            "library_torch_clips_per_second": clips / torch_s,
        }
    print(f"largest difference {found['largest_difference']:.1e}")
    if options.json:
        options.json.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    return int(found["largest_difference"] > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
