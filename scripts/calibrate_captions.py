"""Find out how sure a caption may be, and write it down beside the model: captions.json.

    python scripts/calibrate_captions.py --data ../shared/data --library-of mesh2motion.motionary

A caption is counted right where its action is among the words that people used of the clip. The clips are
ones that the model was not trained on: CMU clips of HumanML3D's val split with their captions; CMU trials
that no HumanML3D clip was cut from, with CMU's own description; and, if a library is given, its clips with
their names (mesh2motion's 87 animations are named by what they show). On these

    confidence = 1 / (1 + exp(-(intercept + score * s + later * l + rarity * r)))

is fitted by maximum likelihood to the first three captions of each (s: a caption's cosine, l: 1 for those
after the first, r: how rarely what its action asks for is met) and judged by leaving out one recording or
file at a time. The CMU clips of HumanML3D's test split are never fitted on; what the curve is worth on them
stands beside. All is written into the file.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motionary.bundle import ModelBundle, load_bundle
from motionary.captions.bank import Bank, open_bank
from motionary.captions.caption import CALIBRATION, LOGISTIC, of_all, rank
from motionary.captions.grammar import Sentence, known_actions
from motionary.captions.measure import measure_joints, thinned_joints
from motionary.captions.signs import signs_of
from motionary.checksums import write_sums
from motionary.edits import trim
from motionary.errors import MotionaryError
from motionary.files import replacing
from motionary.formats import read_clip
from motionary.index import motion_windows
from motionary.library import clip_ids, load_clip, open_library
from motionary.motion import Motion
from motionary_training.sources.cmu import cmu_cuts, described_cuts

CACHE = Path("build/calibrate_captions")
NO_ACTIONS = frozenset(
    ("up", "down", "in", "place", "on", "one", "and", "both", "out", "over", "leg", "low", "high", "around")
)
"""Words of actions' names that tell none."""
STILL = 1e-3
"""Leg lengths a second: what moves less is no animation."""
RIDGE = 1e-5
BINS = 5
TOP = 3


@dataclass(frozen=True)
class Example:
    """A caption: whether its action is right, its cosine, its place from 0, and how rarely what its action
    asks for is met; group: the clip's recording."""

    group: str
    right: bool
    score: float
    place: int
    rarity: float = 0.0


@dataclass(frozen=True)
class Told:
    """A motion and what people said of it."""

    group: str
    motion: Callable[[], Motion]
    words: frozenset[str]


def stem(word: str) -> str:
    """ "run" of running, "danc" of dance, dances and dancing."""
    for ending in ("ing", "es", "ed", "er", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    if len(word) > 3 and word[-1] == word[-2]:
        word = word[:-1]
    return word.rstrip("e")


def stems(text: str) -> frozenset[str]:
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])|[_\d]", " ", text)
    return frozenset(stem(word) for word in re.findall(r"[a-z]+", apart.lower()))


def actions_of(sentence: Sentence) -> frozenset[str]:
    """The stems by which a sentence's action may be called."""
    known = set(known_actions().values())
    names = [sentence.action, *(tag for tag in sentence.tags if tag.replace(" ", "_") in known)]
    words = {word for name in names for word in re.findall("[a-z]+", name)}
    return frozenset(stem(word) for word in words - NO_ACTIONS)


def examples_of(told: Told, bundle: ModelBundle, bank: Bank) -> list[Example]:
    try:
        motion = told.motion()
        spans, parts = motion_windows(motion, bundle)
        joints, fps = thinned_joints(motion)
        facts = measure_joints(joints, fps)
        if facts.activity < STILL:
            raise MotionaryError(f"{told.group}: does not move, whatever its name")
        vector = of_all(spans, bundle.embed_features(parts))
        ranked = rank(vector, facts, signs_of(joints, fps), bank, TOP)
    except MotionaryError as error:
        print(f"left out: {error}", file=sys.stderr)
        return []
    return [
        Example(told.group, bool(actions_of(one.sentence) & told.words), one.score, place, one.rarity)
        for place, one in enumerate(ranked)
    ]


def captioned(data: Path, split: str) -> Iterator[Told]:
    """CMU clips of a split of HumanML3D, whole, with the words of their captions."""
    for cut in cmu_cuts(data, CACHE, [split], mirrored=False):
        if "@" not in cut.id:
            yield Told(
                cut.trial, lambda cut=cut: part(cut.file, cut.start, cut.end), stems(" ".join(cut.captions))
            )


def described(data: Path) -> Iterator[Told]:
    """Trials that no caption tells of, the first six seconds of each, with the words of CMU's description."""
    for cut in described_cuts(data, CACHE):
        if cut.start == 0:
            yield Told(cut.trial, lambda cut=cut: part(cut.file, 0, cut.end), stems(cut.captions[0]))


def named(library: Path) -> Iterator[Told]:
    with open_library(library) as held:
        for number in clip_ids(held):
            clip = load_clip(held, number)
            yield Told(
                f"{Path(clip.source).name} {clip.name}", lambda clip=clip: clip.motion, stems(clip.name)
            )


def part(file: Path, start: int, end: int) -> Motion:
    """Frames of a file, counted at 20 fps; -1 is its end."""
    return trim(read_clip(file).motion, start / 20, None if end < 0 else end / 20)


def design(examples: Sequence[Example]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows = np.array([[1.0, one.score, float(one.place > 0), one.rarity] for one in examples])
    return rows, np.array([float(one.right) for one in examples])


def fitted(examples: Sequence[Example]) -> NDArray[np.float64]:
    """The coefficients (4,) of greatest likelihood, by Newton's method; a small ridge holds the slopes."""
    rows, right = design(examples)
    weights = np.zeros(4)
    held = RIDGE * len(rows) * np.diag([0.0, 1.0, 1.0, 1.0])
    for _ in range(50):
        expected = 1 / (1 + np.exp(-rows @ weights))
        slope = rows.T @ (right - expected) - held @ weights
        curve = (rows * (expected * (1 - expected))[:, None]).T @ rows + held
        weights = weights + np.linalg.solve(curve, slope)
    return weights


def predicted(examples: Sequence[Example], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, _ = design(examples)
    expected: NDArray[np.float64] = 1 / (1 + np.exp(-rows @ weights))
    return expected


def left_out(examples: Sequence[Example]) -> NDArray[np.float64]:
    """What each example is given by a curve that has not seen its recording."""
    confidence = np.zeros(len(examples))
    for group in {one.group for one in examples}:
        inside = [one.group == group for one in examples]
        others = [one for one, own in zip(examples, inside, strict=True) if not own]
        confidence[inside] = predicted([one for one in examples if one.group == group], fitted(others))
    return confidence


def judged(examples: Sequence[Example], confidence: NDArray[np.float64]) -> dict[str, float]:
    """captions; right: the share of them; said: the mean confidence; brier: the mean squared error,
    base_brier: that of always saying the share; calibration_error: the mean gap, over BINS equally full bins,
    of said and right."""
    right = np.array([float(one.right) for one in examples])
    order = np.array_split(np.argsort(confidence), BINS)
    gaps = [
        abs(right[some].mean() - confidence[some].mean()) * len(some) / len(right)
        for some in order
        if len(some)
    ]
    return {
        "captions": len(examples),
        "right": round(float(right.mean()), 3),
        "said": round(float(confidence.mean()), 3),
        "brier": round(float(((right - confidence) ** 2).mean()), 3),
        "base_brier": round(float(right.mean() * (1 - right.mean())), 3),
        "calibration_error": round(float(sum(gaps)), 3),
    }


def of_first(examples: Sequence[Example], confidence: NDArray[np.float64]) -> dict[str, float]:
    """``judged`` of the clips' first captions."""
    first = [one.place == 0 for one in examples]
    return judged([one for one in examples if one.place == 0], confidence[first])


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the zips")
    parser.add_argument("--library-of", type=Path, help="a library whose clips are named by what they show")
    parser.add_argument("--model", type=Path, help="the bundle to calibrate instead of the built-in one")
    options = parser.parse_args()
    bundle = load_bundle(options.model)
    bank = open_bank(bundle)
    sets = {
        "CMU, HumanML3D val": list(captioned(options.data, "val")),
        "CMU trials without captions": list(described(options.data)),
        "clips by their names": list(named(options.library_of)) if options.library_of else [],
        "CMU, HumanML3D test": list(captioned(options.data, "test")),
    }
    made = {
        name: [found for told in listed for found in examples_of(told, bundle, bank)]
        for name, listed in sets.items()
    }
    tested = made.pop("CMU, HumanML3D test")
    fit = [one for examples in made.values() for one in examples]
    weights = fitted(fit)
    out = left_out(fit)
    report = {"all captions, left out in turn": judged(fit, out)}
    report["first captions, left out in turn"] = of_first(fit, out)
    start = 0
    for name, examples in made.items():
        if examples:
            report[f"{name}, first captions"] = of_first(examples, out[start : start + len(examples)])
        start += len(examples)
    if tested:
        report["CMU, HumanML3D test, never fitted on, first captions"] = of_first(
            tested, predicted(tested, weights)
        )
    document = {
        "model": bundle.id,
        "logistic": dict(zip(LOGISTIC, map(float, np.round(weights, 3)), strict=True)),
        "made_by": "scripts/calibrate_captions.py",
        "right_means": "the action of the caption is among the words that people used of the clip",
        "measured": report,
    }
    with replacing(bundle.folder / CALIBRATION) as temporary:
        temporary.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    write_sums(bundle.folder)
    print(json.dumps(document, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
