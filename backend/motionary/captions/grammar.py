"""The bank of motion descriptions that comes with Motionary: thousands of sentences and what each claims.

``grammar.toml`` lists actions, their phrases and the words that may be added to each; here they are put
together. No sentence is anybody else's: a caption made from them can be used for anything.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from itertools import combinations
from typing import Any

from motionary.captions.claims import NEEDS, NOTHING, Claims, claiming

__all__ = ["Sentence", "known_actions", "sentences"]

SUBJECT = "a person"
SIDES = ("left", "right")
MOST_ADDED = 2
"""Words added to a phrase, beyond which nobody would say it."""


@dataclass(frozen=True)
class Sentence:
    """One description. action: what is done ("" if not known). part: the part of the body that does it.
    style: the manner. tags: what else it may be found by."""

    text: str
    claims: Claims = NOTHING
    action: str = ""
    part: str = ""
    style: str = ""
    tags: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class _Added:
    """Words that may follow a phrase, what they claim, and of what kind they are: one of each at most."""

    kind: str
    text: str
    value: str


def sentences() -> tuple[Sentence, ...]:
    """The whole bank, in the order of grammar.toml; each text once."""
    return _sentences()


@cache
def _sentences() -> tuple[Sentence, ...]:
    words = _table()
    made = {sentence.text: sentence for action in words["action"] for sentence in _of_action(action, words)}
    return tuple(made.values())


@cache
def known_actions() -> dict[str, str]:
    """The verbs of all phrases ("walks"; of "is walking", "walking"), each with the first action it names."""
    verbs: dict[str, str] = {}
    for action in _table()["action"]:
        for phrase in action["say"]:
            first, *more = phrase.split()
            verbs.setdefault(more[0] if first == "is" and more else first, action["name"])
    return verbs


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath("grammar.toml").read_text("utf-8"))


def _of_action(action: dict[str, Any], words: dict[str, Any]) -> Iterator[Sentence]:
    if unknown := set(action["needs"]) - NEEDS.keys():
        raise ValueError(
            f"grammar.toml: {action['name']} needs {sorted(unknown)}, which claims.py does not have"
        )
    tags = tuple(dict.fromkeys([action["name"].replace("_", " "), *action["tags"]]))
    plain = Sentence("", Claims(tuple(action["needs"])), action["name"], action["part"], tags=tags)
    additions = _additions(action, words)
    kinds = sorted({added.kind for added in additions})
    for phrase in action["say"]:
        for sided, base in _sided(phrase, action.get("side", ""), plain):
            for number in range(MOST_ADDED + 1):
                for chosen in combinations(kinds, number):
                    yield from _added(f"{SUBJECT} {sided}", base, chosen, additions)


def _sided(phrase: str, kind: str, plain: Sentence) -> Iterator[tuple[str, Sentence]]:
    """A phrase for either side, with the claim that it makes."""
    if "{side}" not in phrase:
        yield phrase, plain
        return
    for side in SIDES:
        claims = claiming(plain.claims, kind, side)
        yield phrase.replace("{side}", side), replace(plain, claims=claims)


def _additions(action: dict[str, Any], words: dict[str, Any]) -> list[_Added]:
    found = []
    for kind in ("direction", "turn", "speed"):
        found += [_Added(kind, text, value) for value in action.get(kind, ()) for text in words[kind][value]]
    found += [_Added("style", words["style"][value], value) for value in action.get("style", ())]
    if "count" in action:
        found += [_Added("count", text, value) for value, text in words["count"].items()]
    return found


def _added(
    text: str, sentence: Sentence, kinds: tuple[str, ...], additions: list[_Added]
) -> Iterator[Sentence]:
    """The sentence with one addition of each of ``kinds``, in the order in which English has them."""
    if not kinds:
        yield replace(sentence, text=text)
        return
    kind = min(kinds, key=ORDER.index)
    rest = tuple(other for other in kinds if other != kind)
    for added in additions:
        if added.kind == kind:
            yield from _added(f"{text} {added.text}", _claiming(sentence, added), rest, additions)


ORDER = ("direction", "turn", "count", "speed", "style")


def _claiming(sentence: Sentence, added: _Added) -> Sentence:
    if added.kind == "style":
        return replace(sentence, style=added.value)
    claims = sentence.claims
    if added.kind == "count":
        counted = next(need for need in claims.needs if need in COUNTED)
        claims = replace(claims, count=int(added.value), counted=COUNTED[counted])
    else:
        claims = claiming(claims, added.kind, added.value)
    return replace(sentence, claims=claims)


COUNTED = {"jumps": "jumps", "foot_up": "kicks", "crouches": "crouches"}
"""What is counted of an action that needs this."""
