"""What a query asks for: sentences in order, some weighing more, some not wanted.

    a person waves                        one sentence
    walks, then sits down                 in this order; also "and then", "after that", "before", "after"
    walk -backwards                       not that; likewise "not", "but not" and "without"
    walks^2 + waves^0.5                   both, by these weights

Only what is written so has a meaning of its own; everything else is left to the text encoder.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from motionary.errors import MotionaryError

__all__ = ["Query", "Step", "Wish", "parse_query"]

THEN = re.compile(
    r"\s*(?:[,;.]\s*|\s)(?:and\s+)?(?:then|afterwards?|after that|finally|followed by)\b[,\s]*"
    r"|\s*;\s*",
    re.IGNORECASE,
)
BEFORE = re.compile(r"\s+(?:just |right )?before\s+", re.IGNORECASE)
AFTER = re.compile(r"\s+(?:just |right )?after\s+(?!that\b)", re.IGNORECASE)
NOT = re.compile(r"(?:^|[\s,])(?:-(?=[^\W\d_])|(?:but\s+)?not\s+(?=\S)|without\s+(?=\S))", re.IGNORECASE)
WEIGHT = re.compile(r"\^\s*(\d+(?:\.\d+)?)")

MOST_STEPS = 6


@dataclass(frozen=True)
class Wish:
    """A sentence, and how much it weighs beside the others of its step."""

    text: str
    weight: float = 1.0


@dataclass(frozen=True)
class Step:
    """What is to be seen at one time. without: what is not, as phrases that go on from its words."""

    wishes: tuple[Wish, ...]
    without: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """All that is wished for, in one sentence."""
        return " and ".join(wish.text for wish in self.wishes if wish.weight > 0)


@dataclass(frozen=True)
class Query:
    """steps: what is to happen, one after the other."""

    text: str
    steps: tuple[Step, ...]

    @property
    def sentence(self) -> str:
        """All of it in one sentence."""
        return ", then ".join(step.sentence for step in self.steps)


def parse_query(text: str, without: Sequence[str] = ()) -> Query:
    """What ``text`` asks for; ``without`` is not wanted in any of its steps.

    MotionaryError where nothing is asked for, or it cannot be read.
    """
    words = " ".join(text.split())
    if not re.search(r"\w", words):
        raise MotionaryError("the query is empty; say what the motion shows, as in: a person waves")
    steps = tuple(_step(step, without, words) for step in _steps(words))
    if len(steps) > MOST_STEPS:
        raise MotionaryError(f"the query has {len(steps)} steps; {MOST_STEPS} can be told apart")
    return Query(words, steps)


def _step(text: str, without: Sequence[str], query: str) -> Step:
    wanted, *unwanted = NOT.split(text)
    if not re.search(r"\w", wanted):
        raise MotionaryError(f"the query {query!r} says only what is not wanted; say what is, too")
    refused = (phrase.strip(" ,;.") for phrase in (*unwanted, *without))
    return Step(_wishes(wanted), tuple(phrase for phrase in refused if phrase))


def _steps(wanted: str) -> list[str]:
    result: list[str] = []
    for part in THEN.split(wanted):
        # "A before B" and "B after A" are both A, then B.
        first, *later = BEFORE.split(part)
        for step in (first, *later):
            done, *since = AFTER.split(step)
            result += [*reversed(since), done]
    return [step for step in result if re.search(r"\w", step)]


def _wishes(step: str) -> tuple[Wish, ...]:
    wishes = []
    for part in re.split(r"\s+\+\s+", step):
        found = WEIGHT.search(part)
        said = WEIGHT.sub(" ", part).strip(" ,;.")
        if said:
            wishes.append(Wish(" ".join(said.split()), float(found[1]) if found else 1.0))
    if sum(wish.weight for wish in wishes) <= 0:
        raise MotionaryError(f"{step.strip()!r} weighs nothing; give it a weight above 0")
    return tuple(wishes)
