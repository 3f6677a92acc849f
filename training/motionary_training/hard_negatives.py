"""Hard negatives that animators care about: clips that differ from one another in one thing that words tell.

Each kind makes contrasts: two clips, and texts of which each is true of one of them and false of the other.

- mirror: the clip and its mirror image, where the words for the sides differ.
- order: two clips one after the other, both ways round.
- direction: the clip and its reverse in time, where the caption tells of nothing but going some way.
- speed: the clip played fast and slowly, where the caption says nothing of speed.

In training, the clips of a contrast are one family (``Sample.twins``): they meet in one batch, and are sure
negatives of each other. In evaluation, a probe asks which of the two texts a model thinks the clip's own;
both clips are asked about, so that whoever looks at the texts alone is right half of the time.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from motionary.errors import MotionaryError
from motionary.features import WIDTH
from motionary_training.config import HardNegative
from motionary_training.frames import BLEND, joined, mirrored, resampled, reversed_in_time
from motionary_training.sources.sample import SHORTEST, Sample, mirrored_id, plain_id
from motionary_training.sources.words import mirrored_words

__all__ = [
    "KINDS",
    "LONGEST_PART",
    "TEMPLATES",
    "WORDS",
    "Contrast",
    "Probe",
    "are_alike",
    "contrasts",
    "probe_pairs",
    "reversed_words",
    "subject_and_rest",
    "told_by_group",
    "with_twins",
]

KINDS: tuple[HardNegative, ...] = ("mirror", "order", "direction", "speed")
SHARE = 4
"""Of one clip in so many, an order or a speed contrast is made: enough to learn from."""
QUICK, SLOW = 1.7, 0.6
"""Playing speeds of a speed contrast."""
LONGEST_PART = 100
"""Frames that each half of an order contrast has at most: both fit into what an encoder reads."""
WORDS = 12
"""Words of the captions that an order contrast joins, at most."""
DRAWS = 10
"""Clips that are tried as the other half of an order contrast."""
TEMPLATES = ("{}, then {}", "{} and then {}", "{}, and after that {}")


@dataclass(frozen=True, eq=False)
class Contrast:
    """Two clips and (true of the first, true of the second), each text false of the other clip."""

    family: str
    first: Sample
    second: Sample
    texts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class Probe:
    """A clip, a text that is true of it, and one that differs in one thing and is not."""

    sample: Sample
    right: str
    wrong: str


def with_twins(samples: Sequence[Sample], kinds: Iterable[HardNegative], seed: int) -> list[Sample]:
    """``samples`` and the hard negatives of their train split: the same for the same seed, whatever the rest.

    MotionaryError where a kind needs 22 joints and the samples have 21.
    """
    train = [sample for sample in samples if sample.split == "train"]
    family_of: dict[str, str] = {}
    made: dict[str, Sample] = {}
    for kind in kinds:
        for contrast in contrasts(train, kind, seed):
            for sample in (contrast.first, contrast.second):
                family_of[sample.id] = contrast.family
                if sample.made:
                    made[sample.id] = sample
    everything = sorted([*samples, *made.values()], key=lambda sample: sample.id)
    return [
        replace(sample, twins=family_of[sample.id])
        if sample.id in family_of and sample.split == "train"
        else sample
        for sample in everything
    ]


def probe_pairs(samples: Sequence[Sample], kind: HardNegative, seed: int = 0) -> list[Probe]:
    """Questions of one kind on held-out ``samples``: accuracy is the share with cos(right) > cos(wrong).

    Chance is 50 %: each pair of texts is asked of both clips of its contrast.
    """
    return [
        probe
        for contrast in contrasts(samples, kind, seed)
        for first, second in contrast.texts
        for probe in (Probe(contrast.first, first, second), Probe(contrast.second, second, first))
    ]


def contrasts(samples: Sequence[Sample], kind: HardNegative, seed: int) -> list[Contrast]:
    """The contrasts of one kind that can be made of ``samples``. MotionaryError: see with_twins."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    if kind == "mirror":
        return _mirror(samples)
    if kind == "direction":
        return _direction(samples)
    return _order(samples, rng) if kind == "order" else _speed(samples, rng)


def _mirror(samples: Sequence[Sample]) -> list[Contrast]:
    by_id = {sample.id: sample for sample in samples}
    found = []
    for sample in samples:
        texts = [(caption, mirrored_words(caption)) for caption in sample.captions]
        texts = [(own, other) for own, other in texts if own != other]
        if not texts or plain_id(sample.id) != sample.id:
            continue
        other = by_id.get(mirrored_id(sample.id))
        if other is None:
            if sample.features.shape[1] != WIDTH or len(sample.features) <= SHORTEST:
                continue
            other = replace(
                sample,
                id=mirrored_id(sample.id),
                group=mirrored_id(sample.group),
                features=mirrored(sample.features),
                captions=tuple(dict.fromkeys(map(mirrored_words, sample.captions))),
                made=True,
            )
        found.append(Contrast(sample.id, sample, other, tuple(texts)))
    return found


def _direction(samples: Sequence[Sample]) -> list[Contrast]:
    told = told_by_group(samples)
    found = []
    for sample in samples:
        changed = {caption: reversed_words(caption) for caption in sample.captions}
        texts = tuple((own, other) for own, other in changed.items() if other is not None)
        if not texts or len(sample.features) <= SHORTEST:
            continue
        if sample.features.shape[1] != WIDTH:
            raise MotionaryError(
                'data.hard_negatives holds "direction", which takes 22 joints; leave it out for KIT-ML'
            )
        rest = [text for text in told[sample.group] if changed.get(text) is None]
        other = replace(
            sample,
            id=f"{sample.id}~backward",
            group=f"{sample.id}~backward",
            features=reversed_in_time(sample.features),
            captions=tuple(dict.fromkeys(other for _, other in texts)),
            labels=(),
            # What tells of no direction may be true of it, with the sides as they are or exchanged.
            unsaid=tuple(dict.fromkeys([*rest, *map(mirrored_words, rest)])),
            made=True,
        )
        found.append(Contrast(plain_id(sample.id), sample, other, texts))
    return found


def _speed(samples: Sequence[Sample], rng: np.random.Generator) -> list[Contrast]:
    told = told_by_group(samples)
    fit = [
        (sample, texts)
        for sample in samples
        if len(sample.features) / QUICK > SHORTEST + 1
        and (texts := [text for caption in sample.captions if (text := _paced(caption)) is not None])
    ]
    found = []
    for number in np.sort(rng.permutation(len(fit))[: -(-len(fit) // SHARE)]):
        sample, texts = fit[number]
        quick, slow = (
            replace(
                sample,
                id=f"{sample.id}~{adverb}",
                group=f"{sample.id}~{adverb}",
                features=resampled(sample.features, speed),
                captions=tuple(dict.fromkeys(text.format(adverb) for text in texts)),
                labels=(),
                unsaid=tuple(told[sample.group]),
                made=True,
            )
            for adverb, speed in (("quickly", QUICK), ("slowly", SLOW))
        )
        both = tuple((text.format("quickly"), text.format("slowly")) for text in texts)
        found.append(Contrast(f"{sample.id}~speed", quick, slow, both))
    return found


def _order(samples: Sequence[Sample], rng: np.random.Generator) -> list[Contrast]:
    told = told_by_group(samples)
    fit = []
    for sample in samples:
        captions = [subject_and_rest(caption) for caption in sample.captions]
        texts = [
            text for text in captions if text is not None and sum(map(len, map(str.split, text))) <= WORDS
        ]
        if sample.actions and texts and BLEND < len(sample.features) <= LONGEST_PART:
            fit.append((sample, texts))
    found = []
    for number in np.sort(rng.permutation(len(fit))[: -(-len(fit) // SHARE)]):
        first, ones = fit[number]
        # A few draws find one that does something else, unless nearly all clips do the same.
        drawn = [fit[place] for place in rng.integers(0, len(fit), DRAWS)]
        template = TEMPLATES[rng.integers(len(TEMPLATES))]
        others = [(sample, captions) for sample, captions in drawn if not are_alike(first, sample)]
        if not others:
            continue
        second, twos = others[0]
        both = tuple(
            (template.format(who + does, then), template.format(other + then, does))
            for (who, does), (other, then) in zip(ones, twos, strict=False)
        )
        unsaid = tuple(dict.fromkeys([*told[first.group], *told[second.group]]))
        forth, back = (
            Sample(
                f"{one.id}~then~{two.id}",
                f"{one.id}~then~{two.id}",
                "|".join(sorted({one.trial, two.trial})),
                one.split,
                joined(one.features, two.features),
                tuple(text[way] for text in both),
                one.actions | two.actions,
                unsaid=unsaid,
                made=True,
            )
            for way, (one, two) in enumerate([(first, second), (second, first)])
        )
        found.append(Contrast(forth.id, forth, back, both))
    return found


def are_alike(one: Sample, two: Sample) -> bool:
    """Whether two clips share an action, or are one clip or its parts."""
    return bool(one.actions & two.actions) or plain_id(one.group) == plain_id(two.group)


def told_by_group(samples: Sequence[Sample]) -> dict[str, list[str]]:
    """All that is said of a clip or of a part of it."""
    told: defaultdict[str, list[str]] = defaultdict(list)
    for sample in samples:
        told[sample.group] += [*sample.captions, *sample.labels]
    return told


_SUBJECT = re.compile(
    r"((?:(?:a|an|the|this|one) )?"
    r"(?:person|man|woman|human|figure|character|guy|girl|boy|someone|somebody|he|she) )(?=\w)",
    re.IGNORECASE,
)


_ORDERED = re.compile(r",|\b(then|after|before|first|who)\b", re.IGNORECASE)


def subject_and_rest(caption: str) -> tuple[str, str] | None:
    """("a person ", "walks forward"); None where no one person comes first, or an order is told already."""
    plain = " ".join(caption.split()).rstrip(".")
    found = _SUBJECT.match(plain)
    if found is None or "," in plain or re.search(r"\b(then|after|before|first|who)\b", plain, re.IGNORECASE):
        return None
    return found[1], plain[found.end() :]


_PACED = re.compile(
    r"\b(quick|slow|fast|rapid|brisk|swift|speed|hurr|sprint|rush|leisure|gradual|gentl|calm|sudden|pace|still"
    r"|sit|sat|seat|stand|stood|hold|held|pos(e|ing)|lie|lying|lay|idle|wait|lean|balanc|rest|immobile)",
    re.IGNORECASE,
)


def _paced(caption: str) -> str | None:
    """The caption with {} where it takes an adverb; None where it has one, or tells of keeping still."""
    plain = " ".join(caption.split()).rstrip(".")
    found = _SUBJECT.match(plain)
    if found is None or _PACED.search(plain) or "{" in plain or "}" in plain:
        return None
    verb = re.compile(r"(?:is |are |was )?").match(plain, found.end())
    at = verb.end() if verb else found.end()
    return f"{plain[:at]}{{}} {plain[at:]}"


_BACK = {
    "forward": "backward",
    "forwards": "backwards",
    "backward": "forward",
    "backwards": "forwards",
    "left": "right",
    "right": "left",
}
_STEPS = (
    "step steps stepping stepped sidestep sidesteps sidestepping shuffle shuffles shuffling slide slides "
    "sliding hop hops hopping turn turns turning turned sideways"
)
_STRIDES = (
    "walk walks walking walked run runs running ran jog jogs jogging jump jumps jumping move moves moving"
)
_REST = (
    "a an the this person man woman someone somebody human figure character guy girl boy he she his her "
    "their is was to in of straight line slowly quickly fast steadily casually normally calmly carefully "
    "normal pace at take takes taking few couple several some one two three four five six times direction"
)
_SIDEWAYS = frozenset(_STEPS.split())
_GOING = _SIDEWAYS | frozenset(_STRIDES.split())
_FILLING = frozenset(_REST.split())


def reversed_words(caption: str) -> str | None:
    """What is true of the clip played backward: forward for backward, left for right, and back.

    None where the caption tells of anything but going one way: turned back in time, most else is something
    else, or nothing. A side counts with steps and turns only: who walks to the left may turn there first.
    """
    words = re.findall(r"[\w'-]+", caption.lower())
    ways = {word for word in words if word in _BACK}
    known = all(word in _BACK or word in _GOING or word in _FILLING for word in words)
    if not known or not ways or not _GOING.intersection(words) or re.search(r"[,;]", caption):
        return None
    if ways & {"left", "right"} and not _SIDEWAYS.intersection(words):
        return None
    return re.sub(r"[\w'-]+", lambda found: _cased(_BACK.get(found[0].lower()), found[0]), caption)


def _cased(word: str | None, like: str) -> str:
    if word is None:
        return like
    return word.capitalize() if like[0].isupper() else word
