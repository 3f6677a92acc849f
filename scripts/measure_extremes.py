"""What becomes of absurd numbers, from a motion file to a character; and of a million frames, timed.

    python scripts/measure_extremes.py --markdown docs/reliability.md   # minutes, 2 GB of disk, 12 of memory

The files are those of tests/extremes.py; tests/backend/test_extremes.py holds what becomes of them. A million
frames are the starter clips' body walking for two and a third hours at 120 frames a second. Each step with
them has a process of its own, which may take --most GB; a step that needs more is told as such. Times are
those of the processor, so that other programs do not count; memory is what the process held at most.

Exit code 1 where a step did what the table of tests/extremes.py does not say.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "backend"), str(ROOT / "training")]

import numpy as np  # noqa: E402

from motionary.bundle import load_bundle  # noqa: E402
from motionary.errors import MotionaryError  # noqa: E402
from motionary.formats import read_clip, write_bvh  # noqa: E402
from motionary.index import index_files  # noqa: E402
from motionary.library import clip_ids, load_clip, open_library  # noqa: E402
from motionary.motion import Motion  # noqa: E402
from motionary.retarget import retarget  # noqa: E402
from motionary.search import search  # noqa: E402
from motionary.starter import starter_clips  # noqa: E402
from scripts.measured_page import put_between  # noqa: E402
from tests.backend.simulated_rig import character, probed  # noqa: E402
from tests.bundles import make_bundle  # noqa: E402
from tests.extremes import EXTREMES, STEPS, steps  # noqa: E402

GB = 1 << 30
FRAMES = 1_000_000
BIG_STEPS = ("read", "index", "search", "export", "apply a minute of it", "apply all of it")


def outcomes() -> tuple[list[str], bool]:
    """The table, a row a file; and whether each did what it should."""
    rows = []
    as_said = True
    with tempfile.TemporaryDirectory() as folder:
        bundle = load_bundle(make_bundle(Path(folder, "model")))
        for number, (name, extreme) in enumerate(EXTREMES.items()):
            own = Path(folder, str(number))
            own.mkdir()
            file = extreme.make(own / "x")
            told = steps(file, own, bundle)
            step, words = extreme.refused
            as_said &= words in told[step] if step else not told["index"]
            rows.append(f"| {name} | {' | '.join(_cells(told, file))} |")
            print(rows[-1], flush=True)
    return ["| file | " + " | ".join(STEPS) + " |", "|---" * (1 + len(STEPS)) + "|", *rows], as_said


def _cells(told: dict[str, str], file: Path) -> list[str]:
    """A word for each step; why it was refused stands where it first was."""
    cells = []
    said: set[str] = set()
    for step in STEPS:
        reason = told[step].replace(f"{file}: ", "").replace(f"{file}, ", "").partition(";")[0]
        if reason and reason in said:
            cells.append("refused")
        elif reason:
            cells.append(f"“{reason[:90]}{'…' if len(reason) > 90 else ''}”")
        elif told["read"] or (step == "search" and told["index"]):
            cells.append("")
        else:
            cells.append("goes through")
        said.add(reason)
    return cells


# A million frames


def make_long(file: Path, frames: int) -> None:
    """The first starter clip that walks, over and over, as text: the rows of the file are repeated."""
    clip = next(clip for clip in starter_clips() if "walk" in clip.name)
    motion = clip.motion
    write_bvh(Motion(motion.skeleton, motion.rotations, motion.translation, 120.0), file)
    head, _, rows = file.read_bytes().partition(b"Frames: ")
    _, time_of_frame, rows = rows.split(b"\n", 2)
    lines = rows.splitlines(keepends=True)
    with file.open("wb") as out:
        out.write(head + b"Frames: %d\n" % frames + time_of_frame + b"\n")
        for start in range(0, frames, len(lines)):
            out.write(b"".join(lines[: frames - start]))


def big_step(step: str, folder: Path) -> None:
    """One step with the long file, in a process that does nothing else."""
    file, library = folder / "long.bvh", folder / "long.motionary"
    if step == "read":
        read_clip(file)
    elif step == "index":
        with open_library(library, write=True) as held:
            report = index_files([file], held, load_bundle(), workers=1)
        if report.failures:
            raise MotionaryError(report.failures[0])
    else:
        with open_library(library) as held:
            if step == "search":
                bundle = load_bundle()
                assert search(held, bundle, "a person walks")
                return
            motion = load_clip(held, clip_ids(held)[0]).motion
        if step == "export":
            write_bvh(motion, folder / "again.bvh")
            return
        last = 7200 if "minute" in step else motion.frames
        part = Motion(motion.skeleton, motion.rotations[:last], motion.translation[:last], motion.fps)
        pose = retarget(part, probed(character()))
        assert np.isfinite(pose.rotations).all()


def measured(step: str, folder: Path, most: float) -> tuple[str, float, float]:
    """What came of a step in a process of its own, the processor's seconds, and GB at most."""
    command = [sys.executable, __file__, "--step", step, "--folder", str(folder), "--most", str(most)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    words = (done.stdout.splitlines() or [""])[-1].split("\t")
    if done.returncode or len(words) != 3:
        raise RuntimeError(f"{step}: {done.stderr[-2000:]}")
    return words[0], float(words[1]), float(words[2])


def one_step(step: str, folder: Path, most: float) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (int(most * GB), int(most * GB)))
    said = "goes through"
    began = time.process_time()
    try:
        big_step(step, folder)
    except MotionaryError as error:
        said = f"“{str(error).replace(str(folder), '').lstrip('/')}”"
    except MemoryError:
        said = f"takes more than {most:g} GB"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    print(f"{said}\t{time.process_time() - began:.1f}\t{peak:.2f}")


def million(frames: int, most: float) -> list[str]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_long(folder / "long.bvh", frames)
        size = (folder / "long.bvh").stat().st_size
        rows = []
        for step in BIG_STEPS:
            said, seconds, peak = measured(step, folder, most)
            rows.append(f"| {step} | {said} | {seconds:,.0f} | {peak:.1f} |")
            print(rows[-1], flush=True)
        held = (folder / "long.motionary").stat().st_size
    return [
        f"{frames:,} frames as BVH are {size / 1e6:,.0f} MB; their library has {held / 1e6:,.0f} MB.",
        "",
        "| step | what becomes of it | seconds of a processor | GB of memory at most |",
        "|---|---|---|---|",
        *rows,
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--markdown", type=Path, help="write the tables between the marks of this file")
    parser.add_argument("--frames", type=int, default=FRAMES, help="of the long file; 0 leaves it out")
    parser.add_argument("--most", type=float, default=12.0, help="GB that a step may take")
    parser.add_argument("--step", choices=BIG_STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # a frame that overflows on purpose
    if options.step:
        one_step(options.step, options.folder, options.most)
        return 0
    table, as_said = outcomes()
    tables = {"numbers": table}
    if options.frames:
        tables["million"] = million(options.frames, options.most)
    for mark, lines in tables.items():
        if options.markdown:
            put_between(options.markdown, mark, lines)
    return int(not as_said)


if __name__ == "__main__":
    sys.exit(main())
