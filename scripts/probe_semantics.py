"""The known weaknesses of text-motion models, asked in pairs that differ in one word.

    python scripts/probe_semantics.py                                        the procedural starter clips
    python scripts/probe_semantics.py --data ../shared/data --markdown docs/probes.md     CMU's clips as well

Of two motions and two sentences each sentence has to pick its own motion: two answers a pair, half of them
right by chance. A pair is made by what is known to turn one meaning into the other:

    left/right          the clip and its mirror image
    forward/backward    the clip and the clip played backwards
    fast/slow           the clip at 1.6 and at 0.6 times its speed
    once/twice          the clip and the clip repeated
    before/after        two clips one after the other, and the other way round

"cosine" is the model alone; "ranking" is what `motionary search` goes by (motionary.ranking), in which what
was measured has a say. The model has learnt from variations of the procedural clips and from most of CMU's.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from motionary import rotation
from motionary.bundle import ModelBundle, load_bundle
from motionary.edits import Edit, edit, mirror
from motionary.errors import MotionaryError
from motionary.index import measured_windows, motion_windows
from motionary.motion import Clip, Motion, slice_frames
from motionary.query import parse_query
from motionary.ranking import Rows, score_rows
from motionary.starter import starter_clips, starter_variants

KINDS = ("left/right", "forward/backward", "fast/slow", "once/twice", "before/after")
SIDES = {"left": "right", "right": "left", "clockwise": "counterclockwise", "counterclockwise": "clockwise"}
SIDE = re.compile(r"\b(left|right|clockwise|counterclockwise)\b")
NO_SIDE = re.compile(r"\bright (away|now|after|before|behind|next|in front|back)\b")
MANNER = re.compile(r"\b(slowly|quickly|fast|slow|quick|rapidly|briskly|calmly|hurriedly|casually)\b ?")
GOING = re.compile(r"\b(walk|jog|run|march|sneak|crawl|skip)(s|ging|ning|ing|es)?\b")
ONE_TIME = re.compile(r"\b(jumps|kicks|squats|leaps|punches|hops)\b")
MANY = re.compile(
    r"\b(then|twice|times|several|repeat|while|and|sequence|on the spot|rope|jack)", re.IGNORECASE
)


@dataclass(frozen=True, eq=False)
class Pair:
    """Two sentences, and the motion of each."""

    kind: str
    texts: tuple[str, str]
    motions: tuple[Motion, Motion]


def pairs_of(clips: list[Clip], seed: int = 0) -> Iterator[Pair]:
    """All pairs that these clips make."""
    for clip in clips:
        for text in clip.captions[:1]:
            yield from _pairs_of_one(clip.motion, text.strip().rstrip("."))
    yield from _in_order(clips, seed)


def _pairs_of_one(motion: Motion, text: str) -> Iterator[Pair]:
    sides = set(SIDE.findall(NO_SIDE.sub("", text)))
    if len(sides) == 1:
        other = SIDE.sub(lambda found: SIDES[found[0]], text)
        yield Pair("left/right", (text, other), (motion, mirror(motion)))
    if re.search(r"\bforwards?\b", text) and GOING.search(text) and not MANY.search(text):
        back = re.sub(r"\bforward(s?)\b", r"backward\1", text)
        yield Pair("forward/backward", (text, back), (motion, edit(motion, Edit(reverse=True))))
    if GOING.search(text) and not MANY.search(text):
        plain = MANNER.sub("", text).strip()
        motions = (edit(motion, Edit(speed=0.6)), edit(motion, Edit(speed=1.6)))
        yield Pair("fast/slow", (f"{plain} slowly", f"{plain} quickly"), motions)
    if ONE_TIME.search(text) and not MANY.search(text) and motion.duration < 4:
        motions = (motion, edit(motion, Edit(repeat=2)))
        yield Pair("once/twice", (f"{text} once", f"{text} twice"), motions)


def _in_order(clips: list[Clip], seed: int) -> Iterator[Pair]:
    """Each short clip of one action with another of another action, on the same skeleton."""
    rng = np.random.default_rng(seed)
    short = [c for c in clips if c.captions and not MANY.search(c.captions[0]) and 1 < c.motion.duration < 7]
    for clip in short:
        others = [
            c
            for c in short
            if c.tags[:1] != clip.tags[:1]
            and c.captions[0].split()[2:3] != clip.captions[0].split()[2:3]
            and c.motion.skeleton.names == clip.motion.skeleton.names
            and abs(c.motion.fps - clip.motion.fps) < 0.01
        ]
        if not others:
            continue
        other = others[int(rng.integers(len(others)))]
        a, b = (c.captions[0].strip().rstrip(".") for c in (clip, other))
        motions = (sequence(clip.motion, other.motion), sequence(other.motion, clip.motion))
        yield Pair("before/after", (f"{a}, then {b}", f"{b}, then {a}"), motions)


def sequence(first: Motion, second: Motion, blend_s: float = 0.4) -> Motion:
    """``first``, and then ``second`` from where that ends and as it faces there; the seam is blended away."""
    frames = min(round(blend_s * first.fps), second.frames)
    there, here = first.rotations[-1, 0], second.rotations[0, 0]
    forward = [rotation.rotate(q, np.array([0.0, 0.0, 1.0])) for q in (there, here)]
    turn = np.arctan2(forward[0][0], forward[0][2]) - np.arctan2(forward[1][0], forward[1][2])
    heading = rotation.from_axis_angle([0.0, 1.0, 0.0], float(turn))
    turns = second.rotations.copy()
    turns[:, 0] = rotation.multiply(heading, turns[:, 0])
    part = np.linspace(0.0, 1.0, frames + 2)[1:-1]
    last = np.broadcast_to(first.rotations[-1], (frames, *turns.shape[1:]))
    turns[:frames] = rotation.slerp(last, turns[:frames], part[:, None])
    path = rotation.rotate(heading, second.translation - second.translation[0] * [1.0, 0.0, 1.0])
    path = path + first.translation[-1] * [1.0, 0.0, 1.0]
    path[:frames, 1] = first.translation[-1, 1] * (1 - part) + path[:frames, 1] * part
    return replace(
        first,
        rotations=np.concatenate([first.rotations, turns]),
        translation=np.concatenate([first.translation, path]),
    )


# Scoring


def answers(pairs: Iterable[Pair], bundle: ModelBundle) -> dict[str, dict[str, list[bool]]]:
    """By "cosine" and by "ranking", kind -> whether each sentence picked its motion."""
    result: dict[str, dict[str, list[bool]]] = {way: defaultdict(list) for way in ("cosine", "ranking")}
    for pair in pairs:
        try:
            rows = rows_of(pair.motions, bundle)
        except MotionaryError:
            continue  # too short once it is played faster
        for right, text in enumerate(pair.texts):
            cosines = rows.vectors @ bundle.embed_texts([text])[0]
            ranked = score_rows(parse_query(text), bundle.embed_texts, rows)
            for way, scores in (("cosine", cosines), ("ranking", ranked)):
                best = [float(scores[rows.clips == number].max()) for number in range(2)]
                result[way][pair.kind].append(best[right] > best[1 - right])
    return result


def rows_of(motions: tuple[Motion, Motion], bundle: ModelBundle) -> Rows:
    """What a library would hold of two clips."""
    spans, vectors, facts, clips = [], [], [], []
    for number, motion in enumerate(motions):
        own, parts = motion_windows(motion, bundle)
        spans.append(own)
        vectors.append(bundle.embed_features(parts))
        facts.append(measured_windows(motion, own))
        clips.append(np.full(len(own), number))
    return Rows(np.vstack(vectors), np.vstack(facts), np.concatenate(clips), np.vstack(spans))


def cmu_clips(data: Path) -> list[Clip]:
    """CMU's captioned clips of the train and val splits, the captions that are for all of the clip."""
    from motionary.formats import read_clip
    from motionary_training.sources.cmu import cmu_cuts

    read: dict[Path, Motion] = {}
    clips = []
    for cut in cmu_cuts(data, Path("build/cache"), ["train", "val"], mirrored=False):
        if cut.file not in read:
            read.clear()
            read[cut.file] = read_clip(cut.file).motion
        whole = read[cut.file]
        first, end = (round(frame / 20 * whole.fps) for frame in (cut.start, cut.end))
        if end - first > whole.fps and first < whole.frames:
            part = slice_frames(whole, first, min(end, whole.frames))
            clips.append(Clip(cut.id, part, str(cut.file), tuple(cut.captions), (cut.trial,)))
    return clips


# Telling


def table(title: str, found: dict[str, dict[str, list[bool]]]) -> list[str]:
    lines = [f"**{title}**", "", "| kind | answers | cosine | ranking |", "|---|---|---|---|"]
    for kind in KINDS:
        asked = found["cosine"].get(kind, [])
        if asked:
            shares = " | ".join(f"{100 * np.mean(found[way][kind]):.1f} %" for way in ("cosine", "ranking"))
            lines.append(f"| {kind} | {len(asked)} | {shares} |")
    return [*lines, ""]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, help="folder of the CMU zips; without it, procedural clips alone"
    )
    parser.add_argument("--model", type=Path, help="a model bundle other than the built-in one")
    parser.add_argument(
        "--variants", type=int, default=0, help="random variations of each procedural clip (0)"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE.md", help="write the tables here, too")
    options = parser.parse_args()
    bundle = load_bundle(options.model)
    clips = starter_clips()
    if options.variants:
        clips = starter_variants(seed=20_000, per_clip=options.variants)
    lines = table("Procedural clips", answers(pairs_of(clips), bundle))
    if options.data is not None:
        lines += table("CMU clips", answers(pairs_of(cmu_clips(options.data)), bundle))
    print("\n".join(lines))
    if options.markdown is not None:
        about = (__doc__ or "").split("\n\n", 2)
        options.markdown.write_text("\n".join(["# Probes", "", about[2], *lines]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
