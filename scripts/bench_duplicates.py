"""How well near-duplicates are found: a library with copies that are known, precision and recall.

    python scripts/bench_duplicates.py --data ../shared/data --markdown docs/duplicates.md

The starter clips and CMU trials (up to 20 s; no two are known to be copies) are put into one library, and for
each kind of copy a share of them again under another name: at 30 frames a second, cut, cut and at another
rate, scaled, on a skeleton of other proportions (retargeted by limb directions: rotations kept, bones longer
and shorter), turned and moved away, in place, mirrored, and with a solver's noise. A pair that is found
counts as right where one was made of the other or both of a third, or where their originals were found to be
one before any copies were made: the starter's knee_strike_left is knee_strike_right mirrored; these pairs are
listed, to be judged by eye. Prints a table per kind.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from motionary import rotation
from motionary.bundle import ModelBundle, load_bundle
from motionary.duplicates import SURE, Group, find_duplicates
from motionary.edits import mirror, trim
from motionary.errors import MotionaryError
from motionary.formats import read_clip
from motionary.index import add_clips
from motionary.library import open_library
from motionary.motion import Clip, Motion, resample
from motionary.starter import starter_clips
from motionary_training.sources.cmu import unpacked

CACHE = Path("build/cache")
LONGEST_S = 20.0
PER_KIND = 25


def cut(motion: Motion, rng: np.random.Generator) -> Motion:
    """Between 65 and 95 % of it, from anywhere."""
    length = motion.duration * rng.uniform(0.65, 0.95)
    start = rng.uniform(0, motion.duration - length)
    return trim(motion, start, start + length)


def scaled(motion: Motion, factor: float) -> Motion:
    skeleton = replace(motion.skeleton, offsets=motion.skeleton.offsets * factor)
    return replace(motion, skeleton=skeleton, translation=motion.translation * factor)


def reshaped(motion: Motion, rng: np.random.Generator) -> Motion:
    """Every bone up to a tenth longer or shorter, left and right by themselves."""
    factors = rng.uniform(0.9, 1.1, (len(motion.skeleton.names), 1))
    return replace(motion, skeleton=replace(motion.skeleton, offsets=motion.skeleton.offsets * factors))


def turned(motion: Motion, rng: np.random.Generator) -> Motion:
    turn = rotation.from_axis_angle([0.0, 1.0, 0.0], rng.uniform(0.3, 2 * np.pi - 0.3))
    rotations = motion.rotations.copy()
    rotations[:, 0] = rotation.multiply(turn, rotations[:, 0])
    away = rng.uniform(-5, 5, 3) * [1.0, 0.0, 1.0]
    return replace(motion, rotations=rotations, translation=rotation.rotate(turn, motion.translation) + away)


def in_place(motion: Motion) -> Motion:
    path = motion.translation.copy()
    path[:, [0, 2]] = path[0, [0, 2]]
    return replace(motion, translation=path)


def noisy(motion: Motion, rng: np.random.Generator) -> Motion:
    """What another solver's noise does: joints off by a third of a degree, the root by three millimetres."""
    axes = rng.normal(size=(*motion.rotations.shape[:2], 3))
    turns = rotation.from_axis_angle(axes, np.radians(rng.normal(0, 0.3, axes.shape[:2])))
    path = motion.translation + rng.normal(0, 0.003, motion.translation.shape)
    return replace(motion, rotations=rotation.multiply(motion.rotations, turns), translation=path)


KINDS: dict[str, Callable[[Motion, np.random.Generator], Motion]] = {
    "renamed": lambda motion, rng: motion,
    "30 frames a second": lambda motion, rng: resample(motion, 30.0),
    "cut": cut,
    "cut, 24 a second": lambda motion, rng: resample(cut(motion, rng), 24.0),
    "scaled": lambda motion, rng: scaled(motion, float(rng.choice([0.7, 1.3]))),
    "another skeleton": reshaped,
    "turned": turned,
    "in place": lambda motion, rng: in_place(motion),
    "mirrored": lambda motion, rng: mirror(motion),
    "mirrored and cut": lambda motion, rng: cut(mirror(motion), rng),
    "noise": noisy,
}


def originals(data: Path) -> list[Clip]:
    """The starter clips, and the CMU trials that are short enough."""
    clips = list(starter_clips())
    for folder in ("cmu_mocap", "cmu_mocap_extra"):
        for file in sorted(unpacked(data, folder, CACHE).rglob("*.bvh")):
            try:
                clip = read_clip(file)
            except MotionaryError:
                continue
            if clip.motion.duration <= LONGEST_S:
                clips.append(clip)
    return clips


def found_pairs(
    made: Sequence[Clip], bundle: ModelBundle, sure: float
) -> tuple[set[frozenset[str]], list[Group], float]:
    """The pairs of names that are told to be one, the groups, and the seconds that it took to find them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.motionary"
        with open_library(path, write=True) as library:
            add_clips(made, library, bundle, source="made")
        with open_library(path) as library:
            began = time.process_time()
            groups = find_duplicates(library, sure=sure)
            seconds = time.process_time() - began
    pairs = {frozenset((group.first.name, twin.clip.name)) for group in groups for twin in group.twins}
    return pairs, groups, seconds


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the CMU zips")
    parser.add_argument("--model", type=Path, help="a model bundle other than the built-in one")
    parser.add_argument("--markdown", type=Path, help="write the table between the marks of this file")
    parser.add_argument("--sure", type=float, default=SURE)
    options = parser.parse_args()
    rng = np.random.default_rng(6)
    clips, origin, kind_of = originals(options.data), {}, {}
    made: list[Clip] = []
    for number, clip in enumerate(clips):
        made.append(replace(clip, name=f"original {number}"))
        origin[f"original {number}"], kind_of[f"original {number}"] = number, ""
    for kind, make in KINDS.items():
        for number in rng.choice(len(clips), PER_KIND, replace=False).tolist():
            name = f"{kind} {number}"
            made.append(Clip(name, make(clips[number].motion, rng)))
            origin[name], kind_of[name] = number, kind
    bundle = load_bundle(options.model)
    before, _, _ = found_pairs(made[: len(clips)], bundle, options.sure)
    alike = {frozenset(origin[name] for name in pair) for pair in before}
    found, groups, seconds = found_pairs(made, bundle, options.sure)
    right = {pair for pair in found if len(of := {origin[name] for name in pair}) == 1 or of in alike}
    # A copy is found where it is in one group with what it was made of, whichever of them is the first.
    joined = {twin.clip.name: group.first.name for group in groups for twin in group.twins}
    joined |= {group.first.name: group.first.name for group in groups}
    lines = ["| copy | found | of | recall |", "|---|---|---|---|"]
    total = 0
    for kind in KINDS:
        own = [name for name, its in kind_of.items() if its == kind]
        hit = sum(joined.get(name) == joined.get(f"original {origin[name]}", "none") for name in own)
        total += hit
        lines.append(f"| {kind} | {hit} | {len(own)} | {hit / len(own):.0%} |")
    lines.append(f"| all | {total} | {len(KINDS) * PER_KIND} | {total / (len(KINDS) * PER_KIND):.1%} |")
    share = len(right) / max(len(found), 1)
    lines += ["", f"Of {len(found)} pairs told to be one, {len(right)} are: precision {share:.1%}."]
    lines.append(f"{len(made)} clips, {len(clips)} of them originals: {seconds:.0f} s of one core.")
    for pair in sorted(found - right, key=sorted):
        lines.append("Not known to be one: " + " / ".join(sorted(pair)) + ".")
    alike_names = [" / ".join(sorted(clips[number].name for number in pair)) for pair in alike]
    lines += ["", f"Originals that were found to be one ({len(alike)}): {', '.join(sorted(alike_names))}."]
    print("\n".join(lines))
    if options.markdown:
        begin, end = "<!-- measured -->\n", "<!-- end -->"
        head, rest = options.markdown.read_text("utf-8").split(begin)
        text = f"{head}{begin}{chr(10).join(lines)}\n{end}{rest.split(end, 1)[1]}"
        options.markdown.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
