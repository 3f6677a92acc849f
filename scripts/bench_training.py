"""How fast the trainer learns, on a set of HumanML3D's shape: random motions, cached text features.

    python scripts/bench_training.py                        on a GPU: 23,384 motions of 196 frames, bfloat16
    python scripts/bench_training.py --compile --batch 32 256 2048

For each batch size it takes the trainer's own steps (draw, gather, both encoders, DropTriple, backward,
AdamW) for some seconds, and prints

    samples/s   (motion, caption) pairs learnt from in a second
    MFU         model FLOP utilisation of the motion encoder: the floating-point operations that its matrix
                products need, three times a forward pass's, by the device's peak. A forward pass of T frames
                (L = T + 1 tokens, width W, feed-forward width H, input F, joint space D) takes
                2 T F W + layers * (2 L (4 W W + 2 W H) + 4 L L W) + 2 W D
    memory      the most that the device (on a CPU: the process) has held
    60 epochs   minutes of the paper's training at this speed, an epoch being one caption of each motion, or
                all three of each (the paper's)

On a CPU it does the same on a small set. The peak is that of the device's name for dense bfloat16 products,
or --peak-tflops. Below stands how fast the built-in model embeds clips, by numpy on the CPU and by torch on
the device; bench_embedding.py tells more of that.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from dataclasses import replace

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from motionary.bundle import load_bundle
from motionary_training.batches import frame_store, training_batches
from motionary_training.config import Config, MotionConfig, load_config, shipped_configs
from motionary_training.data import Pairs, Sample, make_pairs
from motionary_training.step import learn, make_learner
from motionary_training.train import pick_device

FEATURES, TEXT_WIDTH = 263, 768
CAPTIONS = 3
"""Of each HumanML3D motion, and so pairs of it in an epoch of the paper's."""
PEAKS = {
    "H200": 989.0,
    "H100": 989.0,
    "GH200": 989.0,
    "B200": 2250.0,
    "A100": 312.0,
    "L40S": 362.0,
    "L4": 121.0,
    "A10": 125.0,
    "RTX 4090": 165.0,
    "RTX 3090": 71.0,
}
"""Dense bfloat16 TFLOP/s by what a device's name has in it, from the makers' data sheets."""


def shaped_pairs(motions: int, frames: int, captions: int, seed: int = 0) -> Pairs:
    """Random motions of ``frames`` frames, each with ``captions`` captions of its own and random vectors."""
    draw = np.random.default_rng(seed)
    features = draw.standard_normal((motions, frames, FEATURES), np.float32)
    samples, sentences = [], {}
    for number in range(motions):
        told = tuple(f"{number} {way}" for way in range(captions))
        name = f"{number:06d}"
        samples.append(Sample(name, name, name, "train", features[number], told))
        vectors = draw.standard_normal((captions, TEXT_WIDTH), np.float32)
        sentences |= dict(zip(told, vectors / np.linalg.norm(vectors, axis=1, keepdims=True), strict=True))
    return make_pairs(samples, sentences)


def forward_flops(config: MotionConfig, frames: int, inputs: int, joint_dim: int) -> float:
    """Of the Transformer encoder for one clip, in matrix products alone; see the module."""
    length, width = frames + 1, config.width
    layer = 2 * length * (4 * width**2 + 2 * width * config.feedforward) + 4 * length**2 * width
    return 2 * frames * inputs * width + config.layers * layer + 2 * width * joint_dim


def peak_tflops(device: torch.device) -> float | None:
    """By the device's name, the longest that fits; None where it is not known."""
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    known = [key for key in PEAKS if key in name]
    return PEAKS[max(known, key=len)] if known else None


def measured(
    config: Config, pairs: Pairs, device: torch.device, seconds: float
) -> tuple[float, float, float]:
    """Samples a second, milliseconds a step, and the most memory held in GiB."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    learner, store = make_learner(config, pairs, device), frame_store(pairs, device)
    warm_up = 20 if device.type == "cuda" else 1
    steps = learnt = epoch = 0
    began = time.perf_counter()
    # The loss in question is the one after the warm-up of the config.
    while steps == 0 or time.perf_counter() - began < seconds:
        rng = np.random.default_rng(epoch)
        for batch in training_batches(pairs, store, config, learner.std, rng):
            learn(learner, batch, config.loss.warmup_epochs, 1.0)
            if warm_up:
                warm_up -= 1
                if not warm_up:
                    synchronised(device)
                    began = time.perf_counter()
                continue
            steps, learnt = steps + 1, learnt + batch.total
            if steps % 20 == 0 or device.type != "cuda":
                synchronised(device)
                if time.perf_counter() - began >= seconds:
                    break
        epoch += 1
    synchronised(device)
    elapsed = time.perf_counter() - began
    if device.type == "cuda":
        memory = torch.cuda.max_memory_allocated(device) / 2**30
    else:
        unit = 2**30 if sys.platform == "darwin" else 2**20  # macOS tells bytes, Linux KiB
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return learnt / elapsed, 1000 * elapsed / steps, memory


def synchronised(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def bench_training(options: argparse.Namespace, console: Console) -> None:
    config = load_config(shipped_configs()["paper"])
    device = pick_device(replace(config, device=options.device))
    on_gpu = device.type == "cuda"
    motions = options.motions or (23_384 if on_gpu else 64)
    batches = options.batch or ([32, 128, 512, 2048] if on_gpu else [32])
    peak = options.peak_tflops or peak_tflops(device)
    pairs = shaped_pairs(motions, options.frames, options.captions)
    flops = 3 * forward_flops(config.motion, options.frames, FEATURES, config.joint_dim)
    name = torch.cuda.get_device_name(device) if on_gpu else f"CPU, {torch.get_num_threads()} threads"
    table = Table(
        *("batch", "ms/step", "samples/s", "MFU", "memory GiB", "60 epochs, 1 caption", "all captions"),
        title=f"training on {name}: {motions} motions of {options.frames} frames, "
        f"{'bfloat16' if on_gpu and not options.float32 else 'float32'}"
        f"{', compiled' if options.compile else ''}",
    )
    for batch in batches:
        settings = replace(
            config,
            device=options.device,
            amp=not options.float32,
            compile=options.compile,
            optimiser=replace(config.optimiser, batch=batch),
        )
        speed, step, memory = measured(settings, pairs, device, options.seconds)
        minutes = 60 * 23_384 / speed / 60
        table.add_row(
            str(batch),
            f"{step:.2f}",
            f"{speed:.0f}",
            f"{speed * flops / peak / 1e12:.1%}" if peak else "peak unknown",
            f"{memory:.2f}",
            f"{minutes:.1f} min",
            f"{minutes * CAPTIONS:.1f} min",
        )
    console.print(table)


def bench_embedding(options: argparse.Namespace, console: Console) -> None:
    from bench_embedding import both_ways  # the script beside this one

    bundle, device = load_bundle(), pick_device(Config("embedding", device=options.device))
    clips = options.clips or (500 if device.type == "cuda" else 50)
    found = both_ways(bundle, device, clips)
    table = Table(
        *("clips/s, numpy", f"clips/s, torch on {device.type}", "ratio", "largest difference"),
        title=f"embedding with {bundle.name}: {clips} clips, {found['frames']} frames",
    )
    speeds = (found["numpy_clips_per_second"], found["torch_clips_per_second"])
    table.add_row(
        *(f"{speed:.0f}" for speed in speeds), f"{found['ratio']:.2f}", f"{found['largest_difference']:.1e}"
    )
    console.print(table)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batch", type=int, nargs="+", help="batch sizes, one row of the table each")
    parser.add_argument("--motions", type=int, help="motions in the set; 23,384 on a GPU, 64 elsewhere")
    parser.add_argument("--frames", type=int, default=196, help="frames of each motion")
    parser.add_argument("--captions", type=int, default=1, help="captions of each motion in the set")
    parser.add_argument("--clips", type=int, help="clips to embed; 500 on a GPU, 50 elsewhere")
    parser.add_argument("--seconds", type=float, default=10.0, help="measured for each batch size")
    parser.add_argument("--float32", action="store_true", help="no bfloat16 on a GPU")
    parser.add_argument("--compile", action="store_true", help="torch.compile the motion encoder")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda", "mps"])
    parser.add_argument("--peak-tflops", type=float, help="the device's peak, where its name is not known")
    options, console = parser.parse_args(), Console(width=None if sys.stdout.isatty() else 120)
    bench_training(options, console)
    bench_embedding(options, console)
    return 0


if __name__ == "__main__":
    sys.exit(main())
