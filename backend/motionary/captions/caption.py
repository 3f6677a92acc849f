"""What a clip shows, in words: sentences near it in the joint space that are true to what is measured.

A sentence that the facts do not bear out is dropped, whatever its score; of two that score alike, the one of
which more was measured is said. How likely a caption names the right action is told by a logistic curve,
fitted on clips that the model was not trained on: ``captions.json`` beside its weights, which
scripts/calibrate_captions.py makes, says on which, and how well it does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from motionary.captions.bank import Bank
from motionary.captions.claims import bearings
from motionary.captions.grammar import Sentence
from motionary.captions.measure import Facts, measure_joints, thinned_joints
from motionary.captions.signs import signs_of
from motionary.config import read_json
from motionary.errors import MotionaryError
from motionary.features import FPS
from motionary.index import MotionModel, Windows, motion_windows
from motionary.moments import REACH
from motionary.motion import Motion

__all__ = [
    "CALIBRATION",
    "Calibration",
    "Caption",
    "CaptionedClip",
    "Moment",
    "Ranked",
    "caption",
    "caption_windows",
    "load_calibration",
    "of_all",
    "rank",
    "suggested_name",
]

BORNE_OUT = 0.03
"""What a claim that was measured is worth, in cosines: about what two ways to say a thing differ by."""
STYLED = -0.02
"""And what a style, which nobody measured, costs: it is named where the joint space is sure of it."""
RARE = 0.04
"""What it is worth, for each nat, that few clips meet what the action asks for, and this one does."""

AGREEING, AGREED = 20, 0.4
"""Sentences nearest to a clip, and how much the nearness to their middle counts beside that to the clip."""
KNOWN = (0.3, 0.5)
"""Cosines of the nearest one: below the first the joint space knows too little of the clip for it to count,
from the second on it counts in full."""

MOMENT_S = 6.0
"""Seconds of a moment, about."""
SAME_S = 0.3
"""Seconds by which windows of one length differ: the last frames of a clip count with its last window."""
MOVED_S = 2 * REACH / FPS
"""By how much windows of one length differ, whose ends were moved to good cuts."""

CALIBRATION, LOGISTIC = "captions.json", ("intercept", "score", "later", "rarity")
LONGEST_NAME = 60


@dataclass(frozen=True)
class Caption:
    """A sentence for a clip. score: the cosine in [-1, 1]. confidence: how likely its action is the right
    one, 0 to 1; None where the model was never calibrated for captions."""

    text: str
    score: float
    confidence: float | None
    action: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Moment:
    """What a part of a long take shows: seconds start_s to end_s of the clip."""

    start_s: float
    end_s: float
    captions: tuple[Caption, ...]
    facts: Facts


@dataclass(frozen=True)
class CaptionedClip:
    """captions: the best first, each of another action. tags: of the first, and what was measured. name: a
    file name for it, without suffix. moments: of a take longer than any window; else none."""

    captions: tuple[Caption, ...]
    tags: tuple[str, ...]
    name: str
    facts: Facts
    moments: tuple[Moment, ...] = ()


@dataclass(frozen=True)
class Calibration:
    """confidence = 1 / (1 + exp(-(intercept + score s + later l + rarity r))): s is the caption's cosine, l 0
    for the first caption of a clip and 1 for those after it, r its action's rarity (Bank.rarity)."""

    intercept: float
    score: float
    later: float
    rarity: float


class Bundle(MotionModel, Protocol):
    """What captioning needs of a model bundle."""

    @property
    def folder(self) -> Path:
        """Where its calibration is."""


@dataclass(frozen=True)
class Ranked:
    """A sentence that the facts bear out. worth: what it is ranked by. rarity: that of its action."""

    sentence: Sentence
    score: float
    worth: float
    rarity: float = 0.0


def load_calibration(bundle: Bundle) -> Calibration | None:
    """The calibration beside a bundle's weights; None where there is none for these weights.

    MotionaryError where its file is broken.
    """
    path = bundle.folder / CALIBRATION
    if not path.is_file():
        return None
    config = read_json(path)
    if config.get("model") != bundle.id:
        return None
    logistic = config.get("logistic")
    values = [logistic.get(name) if isinstance(logistic, dict) else None for name in LOGISTIC]
    numbers = [float(value) for value in values if isinstance(value, (int, float))]
    if len(numbers) < len(LOGISTIC) or not np.isfinite(numbers).all():
        raise MotionaryError(
            f"{path}: logistic needs the numbers {', '.join(LOGISTIC)}; make it anew or delete it"
        )
    return Calibration(*numbers)


def caption(
    motion: Motion,
    bundle: Bundle,
    bank: Bank,
    top: int = 3,
    *,
    windows: Windows | None = None,
) -> CaptionedClip:
    """The ``top`` best captions of a motion that is not embedded yet. MotionaryError where it is no human."""
    spans, parts = motion_windows(motion, bundle, windows)
    return caption_windows(motion, spans, bundle.embed_features(parts), bank, top, load_calibration(bundle))


def caption_windows(
    motion: Motion,
    spans: NDArray[np.float64],
    vectors: NDArray[np.float32],
    bank: Bank,
    top: int = 3,
    calibration: Calibration | None = None,
) -> CaptionedClip:
    """The captions of a motion of which seconds spans (N, 2) have the embeddings vectors (N, D).

    The whole take is told by the window that is all of it, or the mean direction of its longest windows; each
    moment by its own. MotionaryError where it is no human body or has no embedding.
    """
    if not len(vectors):
        raise MotionaryError("the clip has no embedding; index its source again")
    joints, fps = thinned_joints(motion)
    facts = measure_joints(joints, fps)
    signs = signs_of(joints, fps)
    captions, first = _captions(of_all(spans, vectors), facts, signs, bank, top, calibration)
    moments = []
    is_one = np.ptp(spans, axis=1).max() >= motion.duration - SAME_S
    for number in [] if is_one else _one_after_another(spans):
        (start, end), vector = spans[number].tolist(), vectors[number]
        at = min(int(start * fps), len(joints) - 1)
        part = joints[at : max(round(end * fps), at + 2)]
        own = measure_joints(part, fps)
        said, _ = _captions(vector, own, signs_of(part, fps), bank, top, calibration)
        moments.append(Moment(start, end, said, own))
    return CaptionedClip(captions, _tags(first, facts), suggested_name(first, facts), facts, tuple(moments))


def of_all(spans: NDArray[np.float64], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The direction (D,) of a whole take: of the one window that is all of it, or the mean of the longest."""
    lengths = np.ptp(spans, axis=1)
    mean: NDArray[np.float32] = vectors[lengths >= lengths.max() - MOVED_S].mean(axis=0)
    return mean


def _one_after_another(spans: NDArray[np.float64]) -> list[int]:
    """Of windows (N, 2) in seconds, which overlap and may be of several lengths, those that tell a take.

    They are of the length nearest to MOMENT_S, as few as leave no gap.
    """
    lengths = spans[:, 1] - spans[:, 0]
    alike = np.flatnonzero(np.abs(lengths - lengths[np.argmin(np.abs(lengths - MOMENT_S))]) <= MOVED_S)
    starts, ends = spans[alike, 0], spans[alike, 1]
    chosen: list[int] = []
    told = 0.0
    while told < ends.max() - SAME_S:
        # Of the windows that begin by where the last one ended, or else of the next ones, the farthest.
        onward = starts[ends > told].min()
        reached = np.where(starts <= max(told, onward) + SAME_S, ends, -np.inf)
        chosen.append(int(alike[np.argmax(reached)]))
        told = float(reached.max())
    return chosen


def rank(
    vector: NDArray[np.float32], facts: Facts, signs: frozenset[str], bank: Bank, top: int
) -> list[Ranked]:
    """The ``top`` best for an embedding (D,) that facts and signs bear out, each of another action."""
    own = (vector / max(float(np.linalg.norm(vector)), 1e-12)).astype(np.float32)
    scores = bank.vectors @ own
    claims, which = bank.claims
    borne = np.array([-1 if found is None else found for found in bearings(claims, facts)])[which]
    shows, shown_by = bank.shows
    shown = np.array([all(any(sign in signs for sign in entry) for entry in listed) for listed in shows])
    true = (borne >= 0) & shown[shown_by]
    worth = _agreed(scores, true, bank) + BORNE_OUT * borne + STYLED * bank.styled + RARE * bank.rarity
    worth = np.where(true, worth, -np.inf)
    found: dict[str, Ranked] = {}
    for number in np.argsort(-worth, kind="stable").tolist():
        if worth[number] == -np.inf or len(found) == top:
            break
        sentence = bank.sentences[number]
        found.setdefault(
            sentence.action or sentence.text,
            Ranked(
                sentence,
                float(np.clip(scores[number], -1, 1)),
                float(worth[number]),
                float(bank.rarity[number]),
            ),
        )
    return list(found.values())


def _agreed(scores: NDArray[np.float32], true: NDArray[np.bool_], bank: Bank) -> NDArray[np.float32]:
    """``scores`` (N,), drawn to the middle of the nearest true sentences where the clip is a known one.

    What many near sentences agree on is then likelier than what the nearest alone says.
    """
    order = np.argsort(np.where(true, -scores, np.inf), kind="stable")[: min(AGREEING, int(true.sum()))]
    if not len(order):
        return scores
    near = bank.vectors[order].mean(axis=0)
    near /= max(float(np.linalg.norm(near)), 1e-12)
    least, most = KNOWN
    part = AGREED * float(np.clip((scores[order[0]] - least) / (most - least), 0, 1))
    agreed: NDArray[np.float32] = (1 - part) * scores + part * (bank.vectors @ near)
    return agreed


def _captions(
    vector: NDArray[np.float32],
    facts: Facts,
    signs: frozenset[str],
    bank: Bank,
    top: int,
    calibration: Calibration | None,
) -> tuple[tuple[Caption, ...], Sentence | None]:
    ranked = rank(vector, facts, signs, bank, top)
    made = []
    for place, one in enumerate(ranked):
        sentence = one.sentence
        confidence = None if calibration is None else _confidence(one, place, calibration)
        made.append(Caption(sentence.text, one.score, confidence, sentence.action, _tags(sentence, facts)))
    return tuple(made), ranked[0].sentence if ranked else None


def _confidence(one: Ranked, place: int, by: Calibration) -> float:
    exponent = by.intercept + by.score * one.score + by.later * (place > 0) + by.rarity * one.rarity
    return float(1 / (1 + np.exp(-np.clip(exponent, -30, 30))))


def _tags(sentence: Sentence | None, facts: Facts) -> tuple[str, ...]:
    """What a clip is found by: what its caption says is done, with what and how; and what was measured."""
    tags = [*(sentence.tags if sentence else ())]
    if sentence:
        claims = sentence.claims
        tags += [f"{side} hand" for side in (claims.hand or _arm(sentence),) if side]
        tags += [f"{side} leg" for side in (claims.foot or claims.stand,) if side]
        tags += [text for text in (sentence.part, sentence.style) if text]
        if claims.count > 1:
            tags.append(f"{claims.count} {claims.counted}")
    if facts.gait != "none":
        tags += [facts.speed] if facts.speed != "normal" and _goes_somewhere(sentence) else []
        tags += [facts.direction] if facts.direction not in ("mixed", "place") else []
        tags += [f"{facts.steps} steps"]
    elif facts.in_place:
        tags.append("in place")
    if facts.turn != "none":
        tags.append(f"turn {facts.turn}")
    if facts.loops and facts.activity > 0.1:
        tags.append("loop")
    return tuple(dict.fromkeys(tags))


def _arm(sentence: Sentence) -> str:
    """The side of the arm that a sentence is about, where signs alone tell it."""
    return sentence.side if sentence.part == "arms" else ""


def _goes_somewhere(sentence: Sentence | None) -> bool:
    """Whether how fast the body gets along says how fast it is done: of a walk, not of a dance."""
    return sentence is not None and (bool(sentence.claims.speed) or sentence.part == "legs")


def suggested_name(sentence: Sentence | None, facts: Facts) -> str:
    """A file name, without suffix, that says what the clip shows: lower-case letters, digits and _ alone."""
    if sentence is None:
        return "motion"
    if not sentence.action:
        return _safe(sentence.text)
    claims = sentence.claims
    side = claims.hand or claims.foot or claims.stand or _arm(sentence)
    moves = facts.direction if facts.gait != "none" and facts.direction not in ("mixed", "place") else ""
    turned = f"turn_{facts.turn}" if facts.turn != "none" and "turn" not in sentence.action else ""
    if "turn" in claims.needs or "turn" in sentence.action:
        turned = facts.turn if facts.turn != "none" else ""
    speed = facts.speed if facts.speed in ("slow", "fast") and _goes_somewhere(sentence) else ""
    count = f"{claims.count}x" if claims.count > 1 else ""
    return _safe(
        "_".join(
            word for word in (sentence.action, side, moves, turned, speed, sentence.style, count) if word
        )
    )


def _safe(text: str) -> str:
    """What every system takes for a file name: Windows keeps con, nul and their like to itself."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    words = [word for word, before in zip(words, ["", *words], strict=False) if word != before]
    name = "_".join(words)[:LONGEST_NAME].strip("_") or "motion"
    return f"{name}_motion" if re.fullmatch(r"con|prn|aux|nul|(com|lpt)\d", name) else name
