"""Clips composed of two: one after the other, or the upper body of one on the legs of another.

Animators ask for both ("walks forward, then kicks", "walks and waves"), and an hour of mocap holds few.
A composed clip comes of the recordings of both its parts ("a|b"), so that folds by recording leave it out
where either is held out, and what is said of a part is never its negative.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from motionary.features import WIDTH
from motionary_training.frames import BLEND, joined, layered
from motionary_training.hard_negatives import (
    LONGEST_PART,
    TEMPLATES,
    WORDS,
    are_alike,
    subject_and_rest,
    told_by_group,
)
from motionary_training.sources.sample import SHORTEST, Features, Sample

__all__ = ["in_parallel", "in_sequence"]

TRIES = 20
"""Pairs that are drawn for each clip that is wanted; few clips fit each other."""
MEANWHILE = ("{} and at the same time {}", "{}, and {} meanwhile")
_LEGS = re.compile(
    r"\b(walk|stroll|run|jog|march|strid|step|shuffl|sneak|tiptoe|squat|turn)\w*", re.IGNORECASE
)
_ARMS = re.compile(
    r"\b(wav|clap|applaud|point|salut|drink|eat|phone|punch|jab|box|throw|wip|scratch|stretch|rais|lift|swim"
    r"|shrug|cheer|celebrat|beckon|reach|think|cross|conduct|stir|wash|fold|hold|look|nod|shak)\w*",
    re.IGNORECASE,
)
_WHOLE = re.compile(
    r"\b(leg|foot|feet|knee|kick|jump|hop|leap|danc|sit|sat|seat|kneel|crawl|climb|lie|lying|floor|ground|fall"
    r"|bend|bow|squat|lung|lean|balanc|spin|roll|cartwheel|toe)\w*",
    re.IGNORECASE,
)


@dataclass(frozen=True, eq=False)
class _Part:
    """A clip and what is said of it without an order in it: ("a person ", "walks forward")."""

    sample: Sample
    texts: list[tuple[str, str]]


@dataclass(frozen=True)
class _Composer:
    """How two clips become one: ``word`` for its name, templates for what is said of it, and its features."""

    word: str
    templates: tuple[str, ...]
    features: Callable[[Features, Features], Features]


def in_sequence(samples: Sequence[Sample], count: int, seed: int) -> list[Sample]:
    """``count`` clips, or fewer, of two that do different things, one after the other: "A, then B"."""
    rng = np.random.default_rng([seed, 101])
    fit = [part for part in _parts(samples) if BLEND < len(part.sample.features) <= LONGEST_PART]
    return _made(fit, fit, _Composer("then", TEMPLATES, joined), count, rng, told_by_group(samples))


def in_parallel(samples: Sequence[Sample], count: int, seed: int) -> list[Sample]:
    """``count`` clips, or fewer, of legs that go, arms that do something: "A, and B meanwhile". 22 joints."""
    rng = np.random.default_rng([seed, 102])
    parts = [part for part in _parts(samples) if part.sample.features.shape[1] == WIDTH]
    legs = [part for part in parts if _all(part, _LEGS) and not _any(part, _ARMS) and not _any(part, _WHOLE)]
    arms = [part for part in parts if _all(part, _ARMS) and not _any(part, _LEGS) and not _any(part, _WHOLE)]
    over = _Composer("while", MEANWHILE, lambda first, second: layered(second, first))
    return _made(legs, arms, over, count, rng, told_by_group(samples))


def _made(
    firsts: Sequence[_Part],
    seconds: Sequence[_Part],
    compose: _Composer,
    count: int,
    rng: np.random.Generator,
    told: dict[str, list[str]],
) -> list[Sample]:
    made: dict[str, Sample] = {}
    if not firsts or not seconds:
        return []
    for _ in range(TRIES * count):
        if len(made) == count:
            break
        one, two = firsts[rng.integers(len(firsts))], seconds[rng.integers(len(seconds))]
        template = compose.templates[rng.integers(len(compose.templates))]
        name = f"{one.sample.id}~{compose.word}~{two.sample.id}"
        if are_alike(one.sample, two.sample) or name in made:
            continue
        features = compose.features(one.sample.features, two.sample.features)
        if len(features) <= SHORTEST:
            continue
        made[name] = Sample(
            name,
            name,
            "|".join(sorted({one.sample.trial, two.sample.trial})),
            "train",
            features,
            tuple(
                dict.fromkeys(
                    template.format(who + does, then)
                    for (who, does), (_, then) in zip(one.texts, two.texts, strict=False)
                )
            ),
            one.sample.actions | two.sample.actions,
            unsaid=tuple(dict.fromkeys([*told[one.sample.group], *told[two.sample.group]])),
            made=True,
        )
    return list(made.values())


def _parts(samples: Sequence[Sample]) -> list[_Part]:
    found = []
    for sample in samples:
        texts = [text for caption in sample.captions if (text := subject_and_rest(caption)) is not None]
        texts = [text for text in texts if sum(map(len, map(str.split, text))) <= WORDS]
        if sample.split == "train" and not sample.made and sample.actions and texts:
            found.append(_Part(sample, texts))
    return found


def _all(part: _Part, words: re.Pattern[str]) -> bool:
    return all(words.search(rest) for _, rest in part.texts)


def _any(part: _Part, words: re.Pattern[str]) -> bool:
    return any(words.search(caption) for caption in part.sample.captions)
