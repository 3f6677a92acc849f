"""How quickly files are indexed on a Ray cluster, held against one machine's way; both must give the same.

    python scripts/bench_ray.py --markdown docs/scale.md --json docs/sizing/ray.json
    python scripts/bench_ray.py --source build/cmu/cmu --workers 1 2      # files of your own

One run: `motionary.index.index_files` with as many reading processes, then a Ray cluster of this machine with
1, 2 ... workers (`motionary_scale.ray_index`). Starting Ray, until the first file is back, is told by itself;
clips a second are of what comes after that. The exit code is 1 where the libraries do not hold the same.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bench_index import THREADS, find_files

from motionary.bundle import load_bundle
from motionary.index import Elsewhere, index_files
from motionary.library import clip_ids, clip_info, open_library, read_embeddings
from motionary_scale.ray_index import ray_workers


def index(
    files: Sequence[Path], bundle: Any, path: Path, workers: int, elsewhere: Elsewhere | None
) -> tuple[float, float]:
    """Seconds until the first file is in the library, and from then to the end."""
    kept: list[float] = []
    with open_library(path, write=True) as library:
        began = time.monotonic()
        report = index_files(
            files,
            library,
            bundle,
            workers=workers,
            elsewhere=elsewhere,
            progress=lambda _: kept.append(time.monotonic()),
        )
    if report.failures:
        raise SystemExit("\n".join(report.failures))
    return kept[0] - began, kept[-1] - kept[0]


def vectors(path: Path) -> dict[str, Any]:
    """The embeddings of each file's clip."""
    with open_library(path) as library:
        held = read_embeddings(library)
        return {
            clip_info(library, clip).source: held.vectors[held.clips == clip] for clip in clip_ids(library)
        }


def differ(path: Path, other: Path) -> float:
    """The largest difference between two libraries' embeddings; infinite where a clip is in one alone."""
    ours, theirs = vectors(path), vectors(other)
    if set(ours) != set(theirs) or any(ours[name].shape != theirs[name].shape for name in ours):
        return float("inf")
    return max(float(np.abs(ours[name] - theirs[name]).max()) for name in ours)


def told(found: dict[str, Any]) -> list[str]:
    lines = [
        f"{found['files']} BVH files, {found['megabytes']:.0f} MB, on {found['cores']} cores that others "
        "were using, too.",
        "",
        "| way | workers | start, s | the rest, s | clips a second |",
        "|---|---|---|---|---|",
    ]
    for way, runs in found["runs"].items():
        for workers, (start, rest) in runs.items():
            rate = (found["files"] - 1) / rest
            lines.append(f"| {way} | {workers} | {start:.1f} | {rest:.1f} | {rate:.1f} |")
    same = found["largest_difference"]
    what = "the same bytes" if same == 0 else f"the same to {same:.1g}"
    return [*lines, "", f"Every clip once in each; embeddings: {what}."]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", type=Path, help="a folder of BVH files, instead of the starter clips")
    parser.add_argument("--files", type=int, default=120, help="how many at most")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--model", type=Path, help="a model bundle other than the built-in one")
    parser.add_argument("--markdown", type=Path, help="write the table between the marks of this file")
    parser.add_argument("--json", type=Path, help="write the numbers to this file, too")
    options = parser.parse_args()
    if any(os.environ.get(variable) != "1" for variable in THREADS):  # which are read when numpy is loaded
        one = dict.fromkeys(THREADS, "1")
        return subprocess.run([sys.executable, *sys.argv], env=os.environ | one).returncode
    bundle = load_bundle(options.model)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = find_files(options.source, folder, options.files)
        if len(files) < 2:
            parser.error(f"{options.source}: no two BVH files there")
        runs: dict[str, dict[str, tuple[float, float]]] = {"one machine": {}, "Ray": {}}
        libraries = []
        for way, own in runs.items():
            for workers in options.workers:
                cluster = None
                if way == "Ray":
                    cluster = ray_workers(
                        "local", bundle, device="numpy", find_blender=lambda: None, workers=workers
                    )
                libraries.append(folder / f"{way}-{workers}.motionary")
                own[str(workers)] = index(files, bundle, libraries[-1], workers, cluster)
        found = {
            "files": len(files),
            "megabytes": sum(file.stat().st_size for file in files) / 1e6,
            "cores": os.cpu_count(),
            "runs": runs,
            "largest_difference": max(differ(libraries[0], other) for other in libraries[1:]),
        }
    lines = told(found)
    print("\n".join(lines))
    if options.markdown:
        begin, end = "<!-- ray -->\n", "<!-- end ray -->"
        head, rest = options.markdown.read_text("utf-8").split(begin)
        text = "\n".join(lines)
        options.markdown.write_text(f"{head}{begin}{text}\n{end}{rest.split(end, 1)[1]}", "utf-8")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return int(found["largest_difference"] > 1e-6)


if __name__ == "__main__":
    sys.exit(main())
