"""Find out how sure an answer of the search may be, and write it down: backend/motionary/confidence.json.

    python scripts/moments_folds.py --data ../shared/data        # five models, each of which lacks a fold
    python scripts/calibrate_search.py --data ../shared/data

Each model is asked about the CMU clips of the fold that it has not seen: by their own captions, by captions
of HumanML3D that belong to other motions (most of which CMU's clips do not show), and by sentences that no
motion shows. The best hit is right where it is the caption's own clip or has a caption that means the same
(cosine of the two under the text encoder alone at least SAME). On these the curve of motionary.confidence is
fitted by maximum likelihood, and judged by leaving out one fold at a time. Clips of HumanML3D's test split
are not among them.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from motionary.bundle import ModelBundle, load_bundle  # noqa: E402
from motionary.confidence import CONSTANTS, UNSURE, background, no_motion  # noqa: E402
from motionary.errors import MotionaryError  # noqa: E402
from motionary.files import replacing  # noqa: E402
from motionary.index import measured_windows, motion_windows  # noqa: E402
from motionary.motion import Clip  # noqa: E402
from motionary.query import parse_query  # noqa: E402
from motionary.ranking import Rows, score_rows  # noqa: E402
from motionary.text_encoder import encode_texts  # noqa: E402
from motionary_training.data import load_samples  # noqa: E402
from motionary_training.sources.sample import SPLITS  # noqa: E402
from scripts.moments_folds import fold_config, held_out  # noqa: E402
from scripts.probe_semantics import cmu_clips  # noqa: E402

SAME = 0.65
OTHERS = 80
"""Captions of other motions that each fold is asked for."""
BINS = (0.1, 0.25, 0.4, 0.55, 0.7, 0.85)
NONSENSE = (
    *("quarterly tax report", "a cat sleeps on the sofa", "the stock market falls", "red sports car"),
    *("recipe for apple pie", "asdf qwer zxcv", "sunset over the ocean", "blue screen of death"),
    *("invoice 2023 final", "the weather is nice today", "chocolate", "python list comprehension"),
    *("a bird flies over the lake", "the train arrives at nine", "a tree grows slowly", "rain on the window"),
    *("mathematics homework", "the company was founded in 1998", "hello world", "piano sonata in c minor"),
    *("election results", "a fish swims in the tank", "the car turns left at the lights", "submarine"),
)
"""Other sentences that no motion shows than those that a library is held against."""


@dataclass(frozen=True)
class Asked:
    """A question: its fold, what kind it was, the best hit's z, its familiarity, and whether it was right."""

    fold: int
    kind: str
    z: float
    familiar: float
    right: bool


def questions(data: Path, folds: Path) -> Iterator[Asked]:
    """Every question to every fold."""
    clips = cmu_clips(data)
    config = fold_config(data)
    samples = load_samples(config.data, SPLITS, seed=config.seed, pooled=True)
    trials = held_out([sample for sample in samples if sample.id[0] in "M0123456789"])
    others = _other_captions(data)
    for fold, held in enumerate(trials):
        bundle = load_bundle(folds / f"fold_{fold}")
        own = [clip for clip in clips if held & set(clip.tags)]
        rows = _rows(own, bundle)
        starts = np.flatnonzero(np.diff(rows.clips, prepend=-1))
        behind = background(rows.vectors, no_motion(bundle))
        captions = [_sentences(bundle, clip.captions) for clip in own]
        asked = [(text, number, "own") for number, clip in enumerate(own) for text in clip.captions]
        asked += [(text, -1, "other") for text in others[fold * OTHERS : (fold + 1) * OTHERS]]
        asked += [(text, -1, "nonsense") for text in NONSENSE]
        for (text, number, kind), meant in zip(
            asked, _sentences(bundle, [text for text, _, _ in asked]), strict=True
        ):
            try:
                scores = score_rows(parse_query(text), bundle.embed_texts, rows)
            except MotionaryError:
                continue  # a caption of seven steps
            of_clip = np.maximum.reduceat(scores, starts)
            best = int(of_clip.argmax())
            right = kind != "nonsense" and (best == number or float((captions[best] @ meant).max()) >= SAME)
            z = (float(of_clip[best]) - behind.mean) / behind.deviation
            yield Asked(fold, kind, z, bundle.familiarity(text), right)


def _rows(clips: list[Clip], bundle: ModelBundle) -> Rows:
    spans, vectors, facts, numbers = [], [], [], []
    for number, clip in enumerate(clips):
        own, parts = motion_windows(clip.motion, bundle)
        spans.append(own)
        vectors.append(bundle.embed_features(parts))
        facts.append(measured_windows(clip.motion, own))
        numbers.append(np.full(len(own), number))
    return Rows(np.vstack(vectors), np.vstack(facts), np.concatenate(numbers), np.vstack(spans))


def _sentences(bundle: ModelBundle, texts: list[str] | tuple[str, ...]) -> NDArray[np.float32]:
    text = bundle.text
    made = encode_texts(bundle.text_encoder, list(texts), pooling=text.pooling, max_tokens=text.max_tokens)
    units: NDArray[np.float32] = made / np.linalg.norm(made, axis=1, keepdims=True)
    return units


def _other_captions(data: Path) -> list[str]:
    with zipfile.ZipFile(data / "humanml3d_texts.zip") as archive:
        names = [n for n in archive.namelist() if "/texts/" in n and n.endswith(".txt") and "/M" not in n]
        random.Random(1).shuffle(names)
        texts = [archive.read(name).decode().split("\n")[0].split("#")[0] for name in names[: 6 * OTHERS]]
    return [text for text in texts if text.strip()]


# Fitting


def columns(asked: list[Asked]) -> NDArray[np.float64]:
    """(N, 3): what intercept, slope and the weight of familiarity are multiplied with."""
    return np.array([(1.0, a.z, a.familiar) for a in asked])


def fit(asked: list[Asked]) -> NDArray[np.float64]:
    """The three weights by Newton's method."""
    x = columns(asked)
    y = np.array([a.right for a in asked], float)
    weights = np.zeros(3)
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ weights))
        step = np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + 1e-6 * np.eye(3), x.T @ (y - p))
        weights += step
        if np.abs(step).max() < 1e-9:
            break
    return weights


def judged(asked: list[Asked]) -> dict[str, object]:
    """What the fit is worth on folds that it was not made on."""
    said = np.zeros(len(asked))
    folds = np.array([a.fold for a in asked])
    for fold in set(folds.tolist()):
        weights = fit([a for a in asked if a.fold != fold])
        out = folds == fold
        said[out] = 1 / (1 + np.exp(-columns(asked)[out] @ weights))
    right = np.array([a.right for a in asked], float)
    bins = np.digitize(said, BINS)
    curve = [
        {
            "said": round(float(said[bins == b].mean()), 3),
            "right": round(float(right[bins == b].mean()), 3),
            "questions": int((bins == b).sum()),
        }
        for b in range(len(BINS) + 1)
        if (bins == b).any()
    ]
    base = float(right.mean())
    return {
        "questions": len(asked),
        "right": round(base, 3),
        "brier": round(float(np.mean((said - right) ** 2)), 4),
        "brier_of_the_mean": round(base * (1 - base), 4),
        "calibration_error": round(
            float(sum(abs(c["said"] - c["right"]) * c["questions"] for c in curve) / len(asked)),
            4,  # type: ignore[operator, arg-type]
        ),
        "reliability": curve,
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the CMU zips")
    parser.add_argument("--folds", type=Path, default=Path("build/moments"), help="folder of the models")
    parser.add_argument("--dry-run", action="store_true", help="print, and write nothing")
    options = parser.parse_args()
    asked = list(questions(options.data, options.folds))
    weights = fit(asked)
    named = dict(zip(("intercept", "slope", "familiar"), np.round(weights, 4).tolist(), strict=True))
    told = {**named, "held_out": judged(asked)}
    text = json.dumps(told, indent=1)
    print(text)
    for kind in ("own", "other", "nonsense"):
        some = [a for a in asked if a.kind == kind]
        p = 1 / (1 + np.exp(-columns(some) @ weights))
        print(
            f"{kind}: {len(some)} questions, {100 * np.mean([a.right for a in some]):.0f} % right, "
            f"{100 * np.mean(p < UNSURE):.0f} % said to be unsure"
        )
    if not options.dry_run:
        with replacing(CONSTANTS) as file:
            file.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
