"""Finding a moment in a long take by a sentence: how often, and at what cost.

    python scripts/moments_folds.py --data ../shared/data        # once: models that have not seen the clips
    python scripts/bench_moments.py --data ../shared/data --markdown docs/moments.md

Captioned CMU clips (HumanML3D's, all splits) are put together by twos and threes at random into 200 takes:
each clip goes on where the one before ended and faced, and what the poses lack to each other dies away over
half a second. Takes are indexed like any file. Every caption of every part is asked for, by the model of the
fold that holds the part's recording out. A hit is right where it overlaps the part, or the same clip in
another take, by more than half of what both cover (IoU > 0.5). Chance: any window of any take.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from motionary.body import JOINTS
from motionary.bundle import ModelBundle, load_bundle
from motionary.captions.facts_array import pack_facts
from motionary.captions.measure import measure
from motionary.codec import encode_motion
from motionary.features import FPS, joints_from_features, motion_features
from motionary.formats.humanml3d import motion_from_joints
from motionary.index import Windows, add_clips, motion_windows
from motionary.library import (
    Library,
    Model,
    NewClip,
    Source,
    clip_ids,
    load_clip,
    open_library,
    replace_source,
    set_embeddings,
    set_model,
)
from motionary.moments import moment_span
from motionary.motion import Clip
from motionary.search import Hit, search, search_vector
from motionary.starter import starter_clips
from motionary_training.config import load_config
from motionary_training.data import load_samples
from motionary_training.sources.sample import SPLITS, Sample

Floats: TypeAlias = NDArray[np.float64]

TAKES, SEED, BLEND = 200, 7, 10
ENOUGH = 0.5
BEFORE = Windows(lengths=(6.0,))
"""What was indexed when there was one length."""
CHOICES = ((6.0,), (3.0, 6.0), (6.0, 10.0), (3.0, 6.0, 10.0), (2.0, 4.0, 6.0, 10.0))
AT = {name: number for number, name in enumerate(JOINTS)}
RECIPE = Path(__file__).parents[1] / "training/motionary_training/configs/default.toml"


@dataclass(frozen=True)
class Part:
    """Clip number ``clip`` is seconds start_s to end_s of take ``take``."""

    clip: int
    take: int
    start_s: float
    end_s: float


def clips(data: Path) -> list[Sample]:
    """Whole captioned clips, none mirrored."""
    config = load_config(
        RECIPE,
        [
            f"data.cmu={data}",
            "data.mirrored=false",
            "data.starter_variants=0",
            "data.action_captions=false",
        ],
    )
    return [sample for sample in load_samples(config.data, SPLITS) if "@" not in sample.id]


def facing(joints: Floats) -> float:
    across = (
        joints[AT["left_hip"]]
        - joints[AT["right_hip"]]
        + joints[AT["left_shoulder"]]
        - joints[AT["right_shoulder"]]
    )
    return float(np.arctan2(-across[2], across[0]))


def turned(points: Floats, angle: float) -> Floats:
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    return np.stack(
        [np.cos(angle) * x + np.sin(angle) * z, y, np.cos(angle) * z - np.sin(angle) * x], axis=-1
    )


def put_together(parts: Sequence[Floats]) -> tuple[Floats, list[tuple[int, int]]]:
    """Joints (T, 22, 3) of one take, and the frames of each part."""
    take, ranges = parts[0], [(0, len(parts[0]))]
    for part in parts[1:]:
        goal = 2 * take[-1] - take[-2]
        following = turned(part - part[0, 0] * [1, 0, 1], facing(take[-1]) - facing(part[0]))
        following = following + goal[0] * [1, 0, 1]
        along = np.clip(np.arange(len(part)) / BLEND, 0, 1)
        fading = 1 - along * along * (3 - 2 * along)
        following = following + fading[:, None, None] * (goal - following[0])
        ranges.append((len(take), len(take) + len(part)))
        take = np.concatenate([take, following])
    return take, ranges


def make_takes(samples: Sequence[Sample], count: int) -> tuple[list[Clip], list[Part]]:
    """Takes of two or three different clips; all are used before one is used again."""
    rng = np.random.default_rng(SEED)
    joints = [joints_from_features(sample.features).astype(np.float64) for sample in samples]
    takes, parts, pool = [], [], list[int]()
    for number in range(count):
        chosen: list[int] = []
        several = int(rng.integers(2, 4))
        while len(chosen) < several:
            pool = pool or rng.permutation(len(samples)).tolist()
            if (one := pool.pop()) not in chosen:
                chosen.append(one)
        take, ranges = put_together([joints[one] for one in chosen])
        takes.append(Clip(f"take {number}", motion_from_joints(take, FPS)))
        parts += [
            Part(one, number, start / FPS, end / FPS)
            for one, (start, end) in zip(chosen, ranges, strict=True)
        ]
    return takes, parts


def overlap(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Intersection over union."""
    shared = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    return shared / ((a[1] - a[0]) + (b[1] - b[0]) - shared)


@dataclass
class Count:
    """Of ``asked`` queries: the hit is right; its take has the clip; asked of its own take, it is right."""

    asked: int = 0
    right: int = 0
    take: int = 0
    moment: int = 0
    chance: float = 0.0

    def row(self, name: str) -> str:
        """A line of the table, in per cent."""
        shares = (self.right, self.take, self.moment, self.chance)
        return f"| {name} | " + " | ".join(f"{100 * share / self.asked:.1f}" for share in shares) + " |"


Ask: TypeAlias = Callable[[Library, ModelBundle, str, int, NDArray[np.bool_] | None], list[Hit]]


def by_search(whole: bool) -> Ask:
    return lambda library, bundle, text, top, among: search(
        library, bundle, text, top, among=among, whole_clips=whole
    )


def by_cosine(library: Library, bundle: ModelBundle, text: str, top: int, among: object) -> list[Hit]:
    rows = among if isinstance(among, np.ndarray) else None
    return search_vector(library, bundle.embed_texts([text])[0], top, among=rows)


def judge(
    path: Path,
    bundle: ModelBundle,
    ask: Ask,
    asked: Sequence[tuple[Part, str]],
    parts: Sequence[Part],
    count: Count,
) -> None:
    """Add the answers to ``count``."""
    places: dict[int, list[Part]] = {}
    for part in parts:
        places.setdefault(part.clip, []).append(part)
    with open_library(path) as library:
        ids = clip_ids(library)
        held = library.embeddings
        spans = {take: held.spans[held.clips == ids[take]] for take in range(len(ids))}
        for part, text in asked:

            def is_right(take: int, span: tuple[float, float], part: Part = part) -> bool:
                return any(
                    place.take == take and overlap(span, (place.start_s, place.end_s)) > ENOUGH + 1e-6
                    for place in places[part.clip]
                )

            (hit,) = ask(library, bundle, text, 1, None)
            (own,) = ask(library, bundle, text, 1, held.clips == ids[part.take])
            take = ids.index(hit.clip)
            count.asked += 1
            count.right += is_right(take, (hit.start_s, hit.end_s))
            count.take += any(place.take == take for place in places[part.clip])
            count.moment += overlap((own.start_s, own.end_s), (part.start_s, part.end_s)) > ENOUGH + 1e-6
            count.chance += sum(
                statistics.mean(is_right(place.take, (a, b)) for a, b in spans[place.take].tolist())
                for place in {place.take: place for place in places[part.clip]}.values()
            ) / len(ids)


def embed_otherwise(path: Path, bundle: ModelBundle, windows: Windows | None) -> None:
    """Give every take of a library the embeddings of other windows; None: one of all of it."""
    model = Model(bundle.id, bundle.name, bundle.joint_dim, json.dumps(dict(bundle.config)))
    with open_library(path, write=True) as library:
        made = []
        for number in clip_ids(library):
            motion = load_clip(library, number).motion
            if windows is None:
                spans, features = np.array([[0.0, motion.duration]]), [motion_features(motion)]
            else:
                spans, features = motion_windows(motion, bundle, windows)
            made.append((number, spans, bundle.embed_features(features), None))
        set_embeddings(library, model, made)


def found(samples: Sequence[Sample], folds: Path) -> list[str]:
    """The table of what is found."""
    takes, parts = make_takes(samples, TAKES)
    minutes = sum(take.motion.duration for take in takes) / 60
    counts = {
        name: Count()
        for name in (
            "one embedding a take, the hit is the take",
            "windows of 6 s every 3 s, the hit is the best (before)",
            "windows of 3, 6 and 10 s, `--whole-clips`",
            "windows of 3, 6 and 10 s, the moment, cosine alone",
            "windows of 3, 6 and 10 s, the moment, `motionary search`",
        )
    }
    whole, before, clip_hits, cosine, searched = counts.values()
    for folder in sorted(folds.glob("fold_*")):
        bundle = load_bundle(folder)
        held = set(json.loads((folder / "config.json").read_text())["held_out"])
        asked = [
            (part, text)
            for part in parts
            if samples[part.clip].trial in held
            for text in samples[part.clip].captions
        ]
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "takes.motionary"
            with open_library(path, write=True) as library:
                add_clips(takes, library, bundle, source="takes")
            judge(path, bundle, by_search(False), asked, parts, searched)
            judge(path, bundle, by_search(True), asked, parts, clip_hits)
            judge(path, bundle, by_cosine, asked, parts, cosine)
            embed_otherwise(path, bundle, BEFORE)
            judge(path, bundle, best_window, asked, parts, before)
            embed_otherwise(path, bundle, None)
            judge(path, bundle, by_cosine, asked, parts, whole)
        print(f"{folder.name}: {len(asked)} queries", file=sys.stderr, flush=True)
    return [
        f"{len(takes)} takes of {len(parts)} parts, {minutes:.0f} minutes, from {len(samples)} clips; "
        f"{searched.asked} queries.",
        "",
        "| % | R@1, IoU > 0.5 | the take has it | the moment, in its own take | chance |",
        "|---|---|---|---|---|",
        *(count.row(name) for name, count in counts.items()),
    ]


def best_window(library: Library, bundle: ModelBundle, text: str, top: int, among: object) -> list[Hit]:
    """As before moments were merged: the hit is the best window as it is."""
    held = library.embeddings
    scores = held.vectors @ bundle.embed_texts([text])[0]
    if isinstance(among, np.ndarray):
        scores = np.where(among, scores, -np.inf)
    only = np.zeros(len(scores), np.bool_)
    only[int(np.argmax(scores))] = True
    return by_cosine(library, bundle, text, top, only)


def chosen(samples: Sequence[Sample], bundle: ModelBundle, count: int = 60) -> list[str]:
    """How windows of other lengths do in takes of train clips, which the built-in model has seen."""
    train = [sample for sample in samples if sample.split == "train"]
    takes, parts = make_takes(train, count)
    texts = [train[part.clip].captions[0] for part in parts]
    queries = bundle.embed_texts(texts)
    hours = sum(take.motion.duration for take in takes) / 3600
    lines = [
        "| windows, s | an hour | the moment, in its own take | the best window there |",
        "|---|---|---|---|",
    ]
    for lengths in CHOICES:
        rows, merged, best = 0, 0, 0
        for number, take in enumerate(takes):
            spans, features = motion_windows(take.motion, bundle, Windows(lengths=lengths))
            rows += len(spans)
            vectors = bundle.embed_features(features)
            for part, query in zip(parts, queries, strict=True):
                if part.take == number:
                    scores, place = vectors @ query, (part.start_s, part.end_s)
                    first, end = spans[int(np.argmax(scores))].tolist()
                    merged += overlap(moment_span(spans, scores), place) > ENOUGH + 1e-6
                    best += overlap((first, end), place) > ENOUGH + 1e-6
        told = ", ".join(f"{length:g}" for length in lengths)
        shares = f"{100 * merged / len(parts):.1f} | {100 * best / len(parts):.1f}"
        lines.append(f"| {told} | {rows / hours:.0f} | {shares} |")
    return lines


def cost(samples: Sequence[Sample], bundle: ModelBundle) -> list[str]:
    """What an hour of mocap costs to index, in one process, and how much larger the library is."""
    takes, _ = make_takes(samples, 60)
    hours = sum(take.motion.duration for take in takes) / 3600
    lines = ["| windows | an hour | seconds of one core | MB |", "|---|---|---|---|"]
    for name, windows in (("none (motions alone)", None), ("6 s", BEFORE), ("3, 6 and 10 s", Windows())):
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "cost.motionary"
            with open_library(path, write=True) as library:
                add_clips(takes, library, bundle, source="takes", windows=windows or BEFORE)
            began = time.process_time()
            with open_library(path, write=True) as library:
                add_clips(takes, library, bundle, source="takes", windows=windows or BEFORE)
                rows = len(library.embeddings.clips)
                model = library.model
            seconds = time.process_time() - began
            if windows is None and model is not None:
                with open_library(path, write=True) as library:
                    none = np.zeros((0, bundle.joint_dim), np.float32)
                    made = [(number, np.zeros((0, 2)), none, None) for number in clip_ids(library)]
                    set_embeddings(library, model, made)
                rows = 0
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("VACUUM")
            size = path.stat().st_size
        told = "" if windows is None else f"{seconds / hours:.0f}"
        lines.append(f"| {name} | {rows / hours:.0f} | {told} | {size / hours / 1e6:.1f} |")
    return lines


@dataclass(frozen=True)
class Says:
    """A model whose sentences are embedded already."""

    id: str = "made"
    name: str = "made"

    def embed_texts(self, texts: list[str]) -> NDArray[np.float32]:
        """A direction for each text."""
        rows = [np.random.default_rng(len(text)).normal(size=256) for text in texts]
        return np.stack([row / np.linalg.norm(row) for row in rows]).astype(np.float32)


def speed(windows: int = 100_000) -> str:
    """Milliseconds of one core that a search takes in ``windows`` windows, in takes of two minutes."""
    rng = np.random.default_rng(0)
    motion = next(clip.motion for clip in starter_clips())
    facts = np.tile(pack_facts(measure(motion)), (200, 1))
    model, spans = Model("made", "made", 256), np.array([[s, s + 6.0] for s in np.arange(200) * 0.6])
    data = encode_motion(motion)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "speed.motionary"
        with open_library(path, write=True) as library:
            made = []
            for number in range(windows // 200):
                rows = rng.normal(size=(200, 256)).astype(np.float32)
                rows /= np.linalg.norm(rows, axis=1, keepdims=True)
                name, fps = f"take {number}", motion.fps
                made.append(
                    NewClip(name, motion.skeleton, fps, motion.frames, data, (), (), spans, rows, facts)
                )
            replace_source(library, Source("made", 0, 0, ""), made, model)
            set_model(library, model)
        with open_library(path) as library:
            ways: list[Callable[[], object]] = [
                lambda: search_vector(library, rng.normal(size=256).astype(np.float32), 10),
                lambda: search(library, Says(), "a person walks forward and waves", 10),
            ]
            medians = []
            for ask in ways:
                took = []
                for _ in range(20):
                    began = time.process_time()
                    ask()
                    took.append(1000 * (time.process_time() - began))
                medians.append(statistics.median(took[1:]))
    return (
        f"by a vector {medians[0]:.0f} ms of one core, by a sentence, once that is embedded, "
        f"{medians[1]:.0f} ms (medians of 19; {windows} windows, ten moments told)"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the CMU zips")
    parser.add_argument("--folds", type=Path, default=Path("build/moments"), help="the folds' models")
    parser.add_argument("--markdown", type=Path, help="write the tables between the marks of this file")
    parser.add_argument("--only", nargs="*", choices=("found", "chosen", "cost"), help="some of the tables")
    options = parser.parse_args()
    samples, bundle = clips(options.data), load_bundle()
    steps = {
        "found": lambda: found(samples, options.folds),
        "chosen": lambda: chosen(samples, bundle),
        "cost": lambda: [*cost(samples, bundle), "", f"A search: {speed()}."],
    }
    for name in options.only or steps:
        lines = steps[name]()
        print("\n".join(lines), flush=True)
        if options.markdown:
            begin, end = f"<!-- {name} -->\n", "<!-- end -->"
            head, rest = options.markdown.read_text("utf-8").split(begin)
            text = f"{head}{begin}{chr(10).join(lines)}\n{end}{rest.split(end, 1)[1]}"
            options.markdown.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
