"""How near captions are to those that people wrote, and how true they are to the joints.

    python scripts/moments_folds.py --data ../shared/data      # once: models that have not seen the clips
    python scripts/bench_caption_quality.py --data ../shared/data --markdown build/caption_quality.md

Each captioned CMU clip (HumanML3D's, whole ones) is captioned by the model of the fold that holds its
recording out, from its 263 features. Systems:

  grammar             our bank alone, as `motionary caption` does it
  grammar + captions  the same with the fold's training captions as a bank beside it, checked by facts
  captions, checked   these captions alone, checked by facts
  nearest clip        the first caption of the training clip whose motion embedding is nearest
  nearest caption     the training caption whose sentence embedding is nearest

and, to know what is possible, one human caption of each clip against its others. The human captions of a clip
are the references: BLEU-4, ROUGE-L and CIDEr (caption_metrics.py), and the cosine of MiniLM's own sentence
embeddings, the mean over the references. Intervals: 95 %, by drawing recordings anew 1,000 times.

Then what first captions claim is held against the joints by formulas of their own, which share nothing with
the captions' own measurements: of 200 clips, every claim of a way, turn, speed, gait, jump, hand, foot and
posture.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from bench_moments import clips
from caption_metrics import bleu4, bleu_counts, cider, rouge_l, words_of
from numpy.typing import NDArray

from motionary.body import JOINTS
from motionary.bundle import ModelBundle, load_bundle
from motionary.captions.bank import Bank, open_bank
from motionary.captions.caption import rank
from motionary.captions.claims import claims_of
from motionary.captions.grammar import Sentence
from motionary.captions.measure import Facts, measure_joints
from motionary.captions.signs import signs_of
from motionary.features import FPS, joints_from_features
from motionary.nn import unit_rows
from motionary.text_encoder import encode_texts
from motionary_training.sources.sample import Sample

Floats: TypeAlias = NDArray[np.float64]
DRAWS, SEED, CHECKED = 1000, 3, 200
AT = {name: number for number, name in enumerate(JOINTS)}
OURS = ("grammar", "grammar + captions", "captions, checked")
BASELINES = ("nearest clip", "nearest caption")


@dataclass(frozen=True, eq=False)
class Measured:
    """A clip's joints (T, 22, 3) at 20 fps, and what captioning measures of them."""

    joints: Floats
    facts: Facts
    signs: frozenset[str]


def measured(sample: Sample) -> Measured:
    joints = joints_from_features(sample.features).astype(np.float64)
    return Measured(joints, measure_joints(joints, FPS), signs_of(joints, FPS))


def joined(first: Bank, second: Bank) -> Bank:
    return Bank(
        first.sentences + second.sentences, np.concatenate([first.vectors, second.vectors]), first.model
    )


def told_by_fold(
    bundle: ModelBundle,
    known: Sequence[Sample],
    asked: Sequence[Sample],
    measures: Sequence[Measured],
) -> dict[str, list[str]]:
    """By system, the caption of each clip that is asked for."""
    grammar = open_bank(bundle)
    texts = list(dict.fromkeys(text for sample in known for text in sample.captions))
    captions = Bank(
        tuple(Sentence(text, claims_of(text)) for text in texts), bundle.embed_captions(texts), bundle.id
    )
    both = joined(grammar, captions)
    motions = bundle.embed_features([sample.features for sample in known])
    vectors = bundle.embed_features([sample.features for sample in asked])
    told: dict[str, list[str]] = {name: [] for name in (*OURS, *BASELINES)}
    for vector, measure in zip(vectors, measures, strict=True):
        for name, bank in zip(OURS, (grammar, both, captions), strict=True):
            best = rank(vector, measure.facts, measure.signs, bank, 1)
            told[name].append(best[0].sentence.text if best else "a person moves")
        told["nearest clip"].append(known[int(np.argmax(motions @ vector))].captions[0])
        told["nearest caption"].append(texts[int(np.argmax(captions.vectors @ vector))])
    return told


# How near


@dataclass(frozen=True, eq=False)
class Judged:
    """Of each clip, BLEU's counts (N, 10), ROUGE-L, CIDEr and the cosine (N,)."""

    bleu: NDArray[np.int64]
    others: Floats

    def of(self, rows: NDArray[np.int64]) -> Floats:
        """The four numbers of some clips, each times 100 but for CIDEr."""
        rouge, cider_score, cosine = self.others[:, rows].mean(axis=1)
        return np.array([100 * bleu4(self.bleu[rows]), 100 * rouge, cider_score, 100 * cosine])


def judge(told: Sequence[str], references: Sequence[Sequence[str]], bundle: ModelBundle) -> Judged:
    said = [words_of(text) for text in told]
    written = [[words_of(text) for text in listed] for listed in references]
    texts = list(dict.fromkeys([*told, *(text for listed in references for text in listed)]))
    raw = encode_texts(
        bundle.text_encoder, texts, pooling=bundle.text.pooling, max_tokens=bundle.text.max_tokens
    )
    vectors = dict(zip(texts, unit_rows(np.asarray(raw, np.float32)), strict=True))
    cosines = [
        float(np.mean([vectors[text] @ vectors[other] for other in listed]))
        for text, listed in zip(told, references, strict=True)
    ]
    counts = np.stack([bleu_counts(*pair) for pair in zip(said, written, strict=True)])
    rouges = [rouge_l(*pair) for pair in zip(said, written, strict=True)]
    return Judged(counts, np.array([rouges, cider(said, written), cosines]))


def draws(trials: Sequence[str]) -> list[NDArray[np.int64]]:
    """Clips of recordings drawn anew, with replacement."""
    by_trial: dict[str, list[int]] = {}
    for number, trial in enumerate(trials):
        by_trial.setdefault(trial, []).append(number)
    listed = [np.array(rows) for rows in by_trial.values()]
    random = np.random.default_rng(SEED)
    return [
        np.concatenate([listed[i] for i in random.integers(0, len(listed), len(listed))])
        for _ in range(DRAWS)
    ]


def table(judged: dict[str, Judged], trials: Sequence[str]) -> list[str]:
    again = draws(trials)
    whole = np.arange(len(trials))
    lines = ["| | BLEU-4 | ROUGE-L | CIDEr | MiniLM |", "|---|---|---|---|---|"]
    values = {name: np.array([one.of(rows) for rows in again]) for name, one in judged.items()}
    for name, one in judged.items():
        low, high = np.percentile(values[name], [2.5, 97.5], axis=0)
        cells = [
            f"{mean:.{digits}f} ({a:.{digits}f} to {b:.{digits}f})"
            for mean, a, b, digits in zip(one.of(whole), low, high, (1, 1, 2, 1), strict=True)
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += ["", "Differences, 95 % interval:", "", "| | BLEU-4 | ROUGE-L | CIDEr | MiniLM |"]
    lines.append("|---|---|---|---|---|")
    for name in OURS:
        for other in BASELINES:
            low, high = np.percentile(values[name] - values[other], [2.5, 97.5], axis=0)
            mean = judged[name].of(whole) - judged[other].of(whole)
            cells = [
                f"{m:+.{d}f} ({a:+.{d}f} to {b:+.{d}f})"
                for m, a, b, d in zip(mean, low, high, (1, 1, 2, 1), strict=True)
            ]
            lines.append(f"| {name} - {other} | {' | '.join(cells)} |")
    return lines


# How true: by formulas of their own


@dataclass(frozen=True, eq=False)
class Plain:
    """Plain numbers of a clip, from its joints (T, 22, 3) at 20 fps, metres."""

    joints: Floats

    def at(self, name: str) -> Floats:
        """A joint's places (T, 3)."""
        place: Floats = self.joints[:, AT[name]]
        return place

    @property
    def leg(self) -> float:
        """Metres from hip by knee to ankle."""
        ways = (self.at("left_hip") - self.at("left_knee"), self.at("left_knee") - self.at("left_ankle"))
        return float(sum(np.linalg.norm(way, axis=1).mean() for way in ways))

    @property
    def yaw(self) -> Floats:
        """Degrees that the hips have turned to the left since the first frame."""
        hips = self.at("left_hip") - self.at("right_hip")
        angle = np.degrees(np.unwrap(np.arctan2(-hips[:, 2], hips[:, 0])))
        return np.asarray(angle - angle[0])

    def went(self) -> tuple[float, float]:
        """Metres ahead and to the left, by half-seconds, each as the hips face in its middle."""
        way, hips = self.at("pelvis")[::10], (self.at("left_hip") - self.at("right_hip"))[5::10]
        ahead = left = 0.0
        for step, across in zip(np.diff(way, axis=0), hips, strict=False):
            side = across[[0, 2]] / max(float(np.hypot(*across[[0, 2]])), 1e-9)
            forward = np.array([-side[1], side[0]])
            if np.hypot(*step[[0, 2]]) > 0.1:
                ahead, left = ahead + float(step[[0, 2]] @ forward), left + float(step[[0, 2]] @ side)
        return ahead, left

    @property
    def pace(self) -> float:
        """Metres a second while it moves at all, of the pelvis by half-seconds."""
        steps = np.linalg.norm(np.diff(self.at("pelvis")[::10][:, [0, 2]], axis=0), axis=1) * 2
        moving = steps[steps > 0.2]
        return float(moving.mean()) if len(moving) else 0.0

    def hand(self, side: str) -> Floats:
        """The wrist, seen from the chest (T, 3)."""
        return self.at(f"{side}_wrist") - self.at("spine3")


OTHER = {"left": "right", "right": "left"}


def checks_of(text: str) -> list[tuple[str, Callable[[Plain], bool]]]:
    """What a caption of our grammar says that can be worked out anew, and how; generous by a fifth or so, for
    what is asked is whether the caption is wrong, and not where exactly a limit lies."""
    found: list[tuple[str, Callable[[Plain], bool]]] = []
    gait = re.search(
        r"\b(walk|stroll|step|strid|march|tiptoe|sneak|creep|limp|hobbl|jog|run|dash|sprint)", text
    )
    on_spot = re.search(r"on the spot|in place", text)
    if gait and re.search(r"\b(forward|straight ahead)\b", text):
        found.append(("forward", lambda p: p.went()[0] > 0.5 * abs(p.went()[1])))
    if gait and "backward" in text:
        found.append(("backward", lambda p: p.went()[0] < 0))
    for side, sign in (("left", 1), ("right", -1)):
        if re.search(rf"\bsideways to the {side}\b|\bsteps? to the {side}\b", text):
            found.append(("sideways", lambda p, s=sign: s * p.went()[1] > 0.3))
        turn = (
            rf"turns?( all the way| half)? ?(round|around)? ?(to the )?{side}|(curve|circle) to the {side}|"
            + ("counterclockwise" if side == "left" else r"(?<!counter)clockwise")
        )
        if re.search(turn, text):
            found.append(("turn", lambda p, s=sign: s * float(p.yaw[-1]) > 15))
        if re.search(rf"\b{side} (hand|arm|fist|jab|hook|uppercut)\b", text):
            found.append(
                (
                    "hand",
                    lambda p, s=side: bool(
                        np.linalg.norm(np.diff(p.hand(s), axis=0), axis=1).sum()
                        > 0.8 * np.linalg.norm(np.diff(p.hand(OTHER[s]), axis=0), axis=1).sum()
                        or p.hand(s)[:, 1].max() > p.hand(OTHER[s])[:, 1].max()
                        or np.linalg.norm(p.hand(s), axis=1).max()
                        > np.linalg.norm(p.hand(OTHER[s]), axis=1).max()
                    ),
                )
            )
        if re.search(rf"kicks? [a-z ]*{side} (leg|foot)|{side} knee", text):
            found.append(
                (
                    "foot",
                    lambda p, s=side: bool(
                        (p.at(f"{s}_ankle") - p.at(f"{OTHER[s]}_ankle"))[:, 1].max() > 0.2 * p.leg
                    ),
                )
            )
    if gait and not on_spot:
        found.append(("goes", lambda p: float(np.ptp(p.at("pelvis")[:, [0, 2]], axis=0).max()) > 0.35))
    if re.search(r"\b(slowly)\b", text) and gait and not on_spot:
        limit = 2.6 if re.search(r"\b(jog|run)", text) else 1.15
        found.append(("slow", lambda p, most=limit: p.pace * 0.85 / p.leg < most))
    if re.search(r"\b(quickly|fast|as fast as)\b", text) and gait and not on_spot:
        limit = 2.8 if re.search(r"\b(jog|run|sprint)", text) else 1.3
        found.append(("fast", lambda p, least=limit: p.pace * 0.85 / p.leg > least))
    if re.search(r"\b(runs|is running|sprints|jogs|is jogging)\b", text) and not on_spot:
        found.append(("run", lambda p: p.pace * 0.85 / p.leg > 1.2))
    if re.search(r"\b(walks|strolls|is walking)\b", text) and not on_spot:
        found.append(("walk", lambda p: p.pace * 0.85 / p.leg < 2.3))
    if re.search(r"\b(jumps|hops|leaps)\b", text):
        feet = ("left_foot", "right_foot")

        def leaves(p: Plain) -> bool:
            low = np.min([p.at(foot)[:, 1] for foot in feet], axis=0)
            return float(low.max() - np.percentile(low, 10)) > 0.05 * p.leg

        found.append(("jump", leaves))
    if re.search(r"\b(both arms|both hands) (in the air|over the head)|raises both arms", text):
        found.append(
            (
                "arms up",
                lambda p: bool(
                    np.min(
                        [p.at(f"{s}_wrist")[:, 1] - p.at(f"{s}_shoulder")[:, 1] for s in OTHER], axis=0
                    ).max()
                    > 0
                ),
            )
        )
    if re.search(r"\b(sits (still|and)|is sitting|lies|crawls|kneels|crouches|squats)\b", text):
        found.append(
            (
                "low",
                lambda p: float((p.at("pelvis")[:, 1] - p.joints[..., 1].min(axis=1)).min()) < 0.9 * p.leg,
            )
        )
    return found


def truth(told: Sequence[str], measures: Sequence[Measured]) -> list[str]:
    asked: Counter[str] = Counter()
    agreed: Counter[str] = Counter()
    wrong = []
    for number in np.random.default_rng(SEED).permutation(len(told))[:CHECKED].tolist():
        plain = Plain(measures[number].joints)
        for kind, holds in checks_of(told[number]):
            right = holds(plain)
            asked[kind] += 1
            agreed[kind] += right
            if not right:
                wrong.append(f"{kind}: {told[number]}")
    total, right_ones = sum(asked.values()), sum(agreed.values())
    lines = ["| claim | captions | agree |", "|---|---|---|"]
    lines += [f"| {kind} | {count} | {agreed[kind]} |" for kind, count in asked.most_common()]
    lines.append(f"| all | {total} | {right_ones} ({right_ones / max(total, 1):.1%}) |")
    return [*lines, *(["", "Not so: " + "; ".join(wrong) + "."] if wrong else [])]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the CMU zips")
    parser.add_argument("--folds", type=Path, default=Path("build/moments"), help="folder of the models")
    parser.add_argument("--markdown", type=Path, help="write the tables to this file, too")
    options = parser.parse_args()
    samples = [sample for sample in clips(options.data) if sample.captions]
    held_by = {}
    for folder in sorted(options.folds.glob("fold_*")):
        for trial in json.loads((folder / "config.json").read_text())["held_out"]:
            held_by[trial] = folder
    samples = [sample for sample in samples if sample.trial in held_by]
    if not samples:
        print("there is no fold model; run scripts/moments_folds.py first", file=sys.stderr)
        return 1
    measures = [measured(sample) for sample in samples]
    told: dict[str, list[str]] = {name: [""] * len(samples) for name in (*OURS, *BASELINES)}
    bundle = load_bundle()
    for folder in sorted(set(held_by.values())):
        bundle = load_bundle(folder)
        own = [n for n, sample in enumerate(samples) if held_by[sample.trial] == folder]
        known = [sample for sample in samples if held_by[sample.trial] != folder]
        fold = told_by_fold(bundle, known, [samples[n] for n in own], [measures[n] for n in own])
        for name, texts in fold.items():
            for number, text in zip(own, texts, strict=True):
                told[name][number] = text
        print(f"{folder.name}: {len(own)} clips", file=sys.stderr, flush=True)
    trials = [sample.trial for sample in samples]
    references = [list(sample.captions) for sample in samples]
    judged = {name: judge(texts, references, bundle) for name, texts in told.items()}
    several = [n for n, listed in enumerate(references) if len(listed) > 1]
    people = judge([references[n][0] for n in several], [references[n][1:] for n in several], bundle)
    lines = [f"{len(samples)} clips of {len(set(trials))} recordings, 5 folds by recording.", ""]
    lines += table(judged, trials)
    bleu, rouge, cider_score, cosine = people.of(np.arange(len(several)))
    lines += [
        "",
        f"One human caption against the clip's others ({len(several)} clips): BLEU-4 {bleu:.1f}, "
        f"ROUGE-L {rouge:.1f}, CIDEr {cider_score:.2f}, MiniLM {cosine:.1f}.",
        "",
        *truth(told["grammar"], measures),
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
