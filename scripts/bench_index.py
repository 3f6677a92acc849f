"""How quickly motion files are indexed: clips a second, hours of mocap a minute, and where the time goes.

    python scripts/bench_index.py --markdown docs/scale.md                # starter clips, written as BVH
    python scripts/bench_index.py --source build/cmu/cmu --files 60       # files of your own

Each stage is timed by itself, in seconds of one core, a file after the other: reading (most of which is text
to numbers), windows (joints, cuts and features of each window), facts (what is measured of each), packing,
embedding, writing; what else runs on the machine does not count. Then, in seconds of the clock,
`motionary.index.index_files` does it all, with more and more reading processes; embedding and writing are the
calling process's. The parser is held against numpy.loadtxt and numpy.fromstring on the same blocks of
numbers, which must come out the same; the exit code is 1 where they do not.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from motionary.bundle import load_bundle  # noqa: E402
from motionary.codec import encode_motion  # noqa: E402
from motionary.formats import read_clip  # noqa: E402
from motionary.formats._text import numbers  # noqa: E402
from motionary.formats.bvh import MOTION_HEAD, write_bvh  # noqa: E402
from motionary.index import BATCH, index_files, measured_windows, motion_windows  # noqa: E402
from motionary.library import Model, NewClip, Source, open_library, replace_source  # noqa: E402
from motionary.starter import starter_clips  # noqa: E402
from scripts.measured_page import put_between  # noqa: E402

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def find_files(source: Path | None, folder: Path, most: int) -> list[Path]:
    """``most`` BVH files, spread over those of ``source``; None: starter clips, written in turn."""
    if source is not None:
        found = sorted(source.rglob("*.bvh"))
        return found[:: max(1, len(found) // most)][:most]
    clips = starter_clips()
    made = []
    for number in range(min(most, 4 * len(clips))):
        made.append(folder / f"{number}.bvh")
        write_bvh(clips[number % len(clips)].motion, made[-1])
    return made


def blocks(files: Sequence[Path]) -> list[bytes]:
    """The numbers of BVH files, as text."""
    texts = [file.read_bytes() for file in files]
    return [text[head.end() :] for text in texts if (head := MOTION_HEAD.search(text))]


def quickest(work: Callable[[], Any], repeats: int = 3) -> float:
    seconds = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return min(seconds)


def bench_parser(texts: Sequence[bytes]) -> tuple[dict[str, float], bool]:
    """Megabytes of text a second by each parser, and whether all give the same numbers."""
    parsers: dict[str, Callable[[bytes], Any]] = {
        "ours": numbers,
        "numpy.loadtxt": lambda text: np.loadtxt(io.BytesIO(text), ndmin=1).ravel(),
        "numpy.fromstring": lambda text: np.fromstring(text, np.float64, sep=" "),
    }
    size = sum(map(len, texts)) / 1e6
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        speeds = {
            name: size / quickest(lambda parse=parse: [parse(text) for text in texts])
            for name, parse in parsers.items()
        }
        same = all(
            np.array_equal(numbers(text), parse(text)) for parse in parsers.values() for text in texts[:20]
        )
    return speeds, same


def bench_stages(files: Sequence[Path], bundle: Any, folder: Path) -> tuple[dict[str, float], float, int]:
    """Seconds of each stage, seconds of mocap, windows."""
    spent = dict.fromkeys(("read", "windows", "facts", "pack", "embed", "write"), 0.0)

    def timed(stage: str, work: Callable[[], Any]) -> Any:
        began = time.process_time()
        result = work()
        spent[stage] += time.process_time() - began
        return result

    made, features = [], []
    mocap = 0.0
    for file in files:
        clip = timed("read", lambda file=file: read_clip(file))
        motion = clip.motion
        mocap += motion.duration
        spans, parts = timed("windows", lambda motion=motion: motion_windows(motion, bundle))
        facts = timed("facts", lambda motion=motion, spans=spans: measured_windows(motion, spans))
        data = timed("pack", lambda motion=motion: encode_motion(motion))
        made.append((file, clip, spans, facts, data))
        features.append(parts)
    flat = [part for parts in features for part in parts]
    starts, held = [0], 0
    for number, part in enumerate(flat):
        held += len(part)
        if held >= BATCH:
            starts.append(number + 1)
            held = 0
    groups = [flat[a:b] for a, b in zip(starts, [*starts[1:], len(flat)], strict=True) if a < b]
    bundle.embed_features(groups[0][:1])  # what is loaded the first time
    vectors = np.concatenate([timed("embed", lambda own=own: bundle.embed_features(own)) for own in groups])
    rows = np.split(vectors, np.cumsum([len(parts) for parts in features])[:-1])
    model = Model(bundle.id, bundle.name, bundle.joint_dim)
    with open_library(folder / "stages.motionary", write=True) as library:
        for (file, clip, spans, facts, data), own in zip(made, rows, strict=True):
            motion = clip.motion
            new = NewClip(
                clip.name, motion.skeleton, motion.fps, motion.frames, data, (), (), spans, own, facts
            )
            source = Source(str(file), 1, 1, "-")
            timed("write", lambda source=source, new=new: replace_source(library, source, [new], model))
    return spent, mocap, len(flat)


def bench_whole(files: Sequence[Path], bundle: Any, folder: Path, workers: int) -> float:
    """Seconds that indexing takes from its call to its end."""
    path = folder / f"whole-{workers}.motionary"
    with open_library(path, write=True) as library:
        report = index_files(files, library, bundle, workers=workers)
    if report.failures:
        raise SystemExit("\n".join(report.failures))
    return report.seconds


def told(numbers_: dict[str, Any]) -> list[str]:
    hours, spent = numbers_["mocap_s"] / 3600, numbers_["stages_s"]
    total = sum(spent.values())
    lines = [
        f"{numbers_['files']} BVH files, {numbers_['mocap_s'] / 60:.1f} minutes of mocap, "
        f"{numbers_['megabytes']:.0f} MB, {numbers_['windows']} windows. Seconds of one core:",
        "",
        "| stage | seconds | share |",
        "|---|---|---|",
    ]
    lines += [f"| {stage} | {own:.2f} | {own / total:.0%} |" for stage, own in spent.items()]
    lines.append(f"| all | {total:.2f} | {hours / total * 3600:.0f} hours of mocap an hour |")
    lines += [
        "",
        "| reading processes | seconds | clips a second | hours of mocap a minute | speed-up |",
        "|---|---|---|---|---|",
    ]
    first = next(iter(numbers_["whole_s"].values()))
    for workers, own in numbers_["whole_s"].items():
        lines.append(
            f"| {workers} | {own:.2f} | {numbers_['files'] / own:.1f} | {hours / own * 60:.2f} | "
            f"{first / own:.2f} |"
        )
    speeds = ", ".join(f"{name} {own:.0f} MB/s" for name, own in numbers_["parsers_mb_s"].items())
    return [*lines, "", f"Text to numbers: {speeds}."]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", type=Path, help="a folder of BVH files, instead of the starter clips")
    parser.add_argument("--files", type=int, default=60, help="how many at most")
    parser.add_argument("--workers", type=int, nargs="+", help="processes (default: 1, 2, 4 ... all cores)")
    parser.add_argument("--model", type=Path, help="a model bundle other than the built-in one")
    parser.add_argument("--markdown", type=Path, help="write the tables between the marks of this file")
    parser.add_argument("--json", type=Path, help="write the numbers to this file, too")
    options = parser.parse_args()
    if any(os.environ.get(variable) != "1" for variable in THREADS):  # which are read when numpy is loaded
        one = dict.fromkeys(THREADS, "1")
        return subprocess.run([sys.executable, *sys.argv], env=os.environ | one).returncode
    cores = os.cpu_count() or 1
    workers = options.workers or sorted({1, cores, *(2**k for k in range(10) if 2**k < cores)})
    bundle = load_bundle(options.model)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = find_files(options.source, folder, options.files)
        if not files:
            parser.error(f"{options.source}: no BVH files there")
        speeds, same = bench_parser(blocks(files))
        spent, mocap, windows = bench_stages(files, bundle, folder)
        found = {
            "files": len(files),
            "megabytes": sum(file.stat().st_size for file in files) / 1e6,
            "mocap_s": mocap,
            "windows": windows,
            "stages_s": spent,
            "whole_s": {str(count): bench_whole(files, bundle, folder, count) for count in workers},
            "parsers_mb_s": speeds,
        }
    lines = told(found)
    print("\n".join(lines))
    if options.markdown:
        put_between(options.markdown, "index", lines)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    if not same:
        print("the parsers do not agree", file=sys.stderr)
    return int(not same)


if __name__ == "__main__":
    sys.exit(main())
