"""The bank of motion descriptions that comes with Motionary: thousands of sentences and what each claims.

``grammar.toml`` lists actions, their phrases and the words that may be added to each; here they are put
together. No sentence is anybody else's: a caption made from them can be used for anything.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from itertools import combinations
from typing import Any

from motionary.captions.claims import NEEDS, NOTHING, Claims, claiming
from motionary.captions.signs import SIGNS

__all__ = ["Sentence", "known_actions", "rarities", "sentences"]

SUBJECT = "a person"
SIDES = ("left", "right")
RAREST = 4.0
"""Nats: of what fewer than one clip in 55 meets, a thousand clips do not tell how rare it is."""
MOST_ADDED = 2
"""Words added to a phrase, beyond which nobody would say it."""


@dataclass(frozen=True)
class Sentence:
    """One description. action: what is done ("" if not known). part: the part of the body that does it.
    style: the manner. tags: what else it may be found by. shows: the signs that must be seen, of each entry
    one. side: that of the phrase, "" where it has none."""

    text: str
    claims: Claims = NOTHING
    action: str = ""
    part: str = ""
    style: str = ""
    tags: tuple[str, ...] = field(default=())
    shows: tuple[tuple[str, ...], ...] = ()
    side: str = ""


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
def rarities() -> dict[str, float]:
    """Of each action, the nats by which it is rare that a clip meets all that the action asks for.

    ``rarity.json`` counts it in CMU's trials and the starter clips (scripts/measure_rarity.py).
    """
    kept = resources.files(__package__).joinpath("rarity.json")
    clips, met = (json.loads(kept.read_text("utf-8"))[key] for key in ("clips", "met"))
    return {name: min(math.log((clips + 1) / (count + 1)), RAREST) for name, count in met.items()}


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
        for sided, base in _sided(phrase, action, plain):
            for number in range(MOST_ADDED + 1):
                for chosen in combinations(kinds, number):
                    yield from _added(f"{SUBJECT} {sided}", base, chosen, additions)


def _sided(phrase: str, action: dict[str, Any], plain: Sentence) -> Iterator[tuple[str, Sentence]]:
    """A phrase for either side, with the claim that it makes and the signs that it needs."""
    for side in SIDES if "{side}" in phrase else ("",):
        shows = tuple(
            tuple(sign.replace("{side}", side) for sign in entry.split("|"))
            for entry in action.get("shows", ())
        )
        if unknown := {sign for entry in shows for sign in entry} - SIGNS:
            raise ValueError(
                f"grammar.toml: {action['name']} shows {sorted(unknown)}, which signs.py has not"
            )
        kind = action.get("side", "")
        claims = claiming(plain.claims, kind, side) if side and kind else plain.claims
        yield phrase.replace("{side}", side), replace(plain, claims=claims, shows=shows, side=side)


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
