"""What a sentence claims of a movement, and whether the measured facts bear it out.

A claim that can be measured is only let pass where it was: a sentence that says "to the right" needs a way to
the right, one that says "with the left hand" a left hand that is at work. So nothing is said by guess of what
is known. What cannot be measured (a style, what an action is for) is left to the joint space.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from motionary.captions.measure import FULL_TURN, HALF_TURN, Facts

__all__ = ["NEEDS", "NOTHING", "Claims", "bearing", "bearings", "claiming", "claims_of", "swapped"]

OTHER = {"left": "right", "right": "left"}


@dataclass(frozen=True)
class Claims:
    """What a sentence says that can be measured; empty where it says nothing of that kind.

    needs: names of NEEDS. direction: as Facts has it. turn: "left" or "right", "curve_" or "circle_" and
    either, or "back". speed: "slow" or "fast". hand, foot, stand: the side of the hand or foot at work,
    and of the foot that carries the body alone. count: how many of ``counted`` ("jumps", "kicks" or
    "crouches").
    """

    needs: tuple[str, ...] = ()
    direction: str = ""
    turn: str = ""
    speed: str = ""
    hand: str = ""
    foot: str = ""
    stand: str = ""
    count: int = 0
    counted: str = ""


NOTHING = Claims()

NEEDS: Mapping[str, Callable[[Facts], bool]] = {
    "goes": lambda f: not f.in_place and f.moving > 0.25,
    "moves": lambda f: not f.in_place,
    "stays": lambda f: f.in_place or f.moving < 0.3,
    "steps": lambda f: f.steps >= 2,
    "runs": lambda f: f.gait == "run",
    "no_run": lambda f: f.gait != "run",
    "not_slow": lambda f: f.speed != "slow",
    "not_fast": lambda f: f.speed != "fast",
    "fast": lambda f: f.speed == "fast",
    "upright": lambda f: f.low < 0.3 and f.crouched < 0.7,
    "stands_still": lambda f: f.in_place and f.steps <= 2 and f.activity < 0.35 and f.crouched < 0.3,
    "active": lambda f: f.activity > 0.2,
    "jumps": lambda f: f.jumps > 0,
    "rises": lambda f: f.rise_m > 0.25,
    "sinks": lambda f: f.rise_m < -0.25,
    "turns": lambda f: f.turn != "none",
    "turns_about": lambda f: f.turned_deg > 90,
    "turned_back": lambda f: f.turned_deg > HALF_TURN,
    "turned_full": lambda f: abs(f.turn_deg) > FULL_TURN,
    "arm_up": lambda f: f.hand_raised != "none",
    "arms_up": lambda f: f.hand_raised == "both",
    "hands_down": lambda f: f.hand_raised == "none",
    "both_hands": lambda f: f.hand_busy == "both",
    "foot_up": lambda f: f.foot_raised != "none",
    "one_leg": lambda f: f.stands_on != "both",
    "leans": lambda f: f.tilt_deg > 15,
    "bends": lambda f: f.tilt_deg > 40,
    "upside_down": lambda f: f.tilt_deg > 110,
    "crouches": lambda f: f.crouches > 0,
    "no_crouch": lambda f: f.crouched < 0.3,
    "down": lambda f: f.crouched > 0.5 and f.tilt_deg > 45,
    "prone": lambda f: f.crouched > 0.5 and f.tilt_deg > 60,
    "on_floor": lambda f: f.low > 0.4,
    "lies": lambda f: f.lying > 0.3,
    "sits": lambda f: f.sitting > 0.4,
    "stays_low": lambda f: f.crouched > 0.6,
    "starts_high": lambda f: f.first_low > 0.85,
    "ends_high": lambda f: f.last_low > 0.85,
    "starts_low": lambda f: f.first_low < 0.8,
    "ends_low": lambda f: f.last_low < 0.8,
    "ends_on_floor": lambda f: f.last_low < 0.5,
}
"""What an action asks of the facts, generously: what fails it was certainly something else."""


def bearing(claims: Claims, facts: Facts) -> int | None:
    """How many of the claims the facts bear out; None where they do not bear out all of them."""
    return bearings([claims], facts)[0]


def bearings(listed: Sequence[Claims], facts: Facts) -> list[int | None]:
    """The same of many."""
    met = {name for name, holds in NEEDS.items() if holds(facts)}
    return [_borne(claims, facts) if met.issuperset(claims.needs) else None for claims in listed]


def _borne(claims: Claims, facts: Facts) -> int | None:
    checks = (
        (claims.direction, claims.direction == facts.direction),
        (claims.turn, claims.turn and _turned(claims.turn, facts)),
        (claims.speed, claims.speed == facts.speed),
        (claims.hand, claims.hand and _hand(facts) == claims.hand),
        (claims.foot, claims.foot == facts.foot_raised),
        (claims.stand, claims.stand == facts.stands_on),
        (claims.count, claims.count and getattr(facts, claims.counted) == claims.count),
    )
    borne = 0
    for claim, holds in checks:
        if claim and not holds:
            return None
        borne += bool(claim) and claim != "place"  # what every gesture is
    return borne


def _turned(claim: str, facts: Facts) -> bool:
    kind, _, side = claim.rpartition("_")
    if claim == "back":
        return facts.turned_deg > HALF_TURN
    if side != facts.turn:
        return False
    if kind == "circle":
        return abs(facts.turn_deg) > FULL_TURN
    return not kind or abs(facts.turn_deg) < FULL_TURN


def _hand(facts: Facts) -> str:
    """The hand that alone is at work: by what is raised, moves more and reaches out, if they agree."""
    sides = {facts.hand_raised, facts.hand_busy, facts.hand_reach} & OTHER.keys()
    return sides.pop() if len(sides) == 1 else ""


def claiming(claims: Claims, kind: str, value: str) -> Claims:
    """``claims`` with one more: kind is "direction", "turn", "speed", "hand", "foot" or "stand"."""
    if kind == "direction":
        return replace(claims, direction=value)
    if kind == "turn":
        return replace(claims, turn=value)
    if kind == "speed":
        return replace(claims, speed=value)
    if kind == "hand":
        return replace(claims, hand=value)
    if kind == "foot":
        return replace(claims, foot=value)
    if kind == "stand":
        return replace(claims, stand=value)
    raise ValueError(f"{kind!r} is no kind of claim")


def swapped(claims: Claims) -> Claims:
    """What the sentence with left for right claims."""

    def other(side: str) -> str:
        kind, join, last = side.rpartition("_")
        return kind + join + OTHER.get(last, last)

    return replace(
        claims,
        direction=other(claims.direction),
        turn=other(claims.turn),
        hand=other(claims.hand),
        foot=other(claims.foot),
        stand=other(claims.stand),
    )


# Sentences of other people


def claims_of(text: str) -> Claims:
    """What can be measured of what a free English sentence says, as far as its words tell.

    Of several movements in one sentence the sides of each are asked for; where they differ, it claims nothing
    of that kind that could be told apart, and claims both ways: such a sentence is borne out by no facts.
    """
    words = " ".join(re.findall(r"[a-z']+", text.lower()))
    words = NAMED_AFTER.sub(r"\2 \1", words)
    gait = bool(GAIT.search(words))
    needs = [need for pattern, need in NEEDED if pattern.search(words)]
    if PLACE.search(words):
        needs = [need for need in needs if need not in ("goes", "runs")] + ["stays"]
    jumps = any(need == "jumps" for need in needs)
    speed = (
        "" if jumps or not gait else "slow" if SLOW.search(words) else "fast" if FAST.search(words) else ""
    )
    ways = {"forward": FORWARD, "backward": BACKWARD}
    direction = next((way for way, pattern in ways.items() if gait and pattern.search(words)), "")
    counted = next((name for name, pattern in COUNTED if pattern.search(words)), "")
    count = next((number for number, pattern in COUNTS if counted and pattern.search(words)), 0)
    found = Claims(
        tuple(dict.fromkeys(needs)),
        direction,
        "",
        speed,
        count=count,
        counted=counted if count else "",
    )
    return _with_sides(found, words)


def _with_sides(claims: Claims, words: str) -> Claims:
    """``claims`` with what each left and right of the sentence is a side of."""
    sided: dict[str, set[str]] = {}
    for found in SIDED.finditer(words):
        side = SIDE_WORDS.get(found["side"], found["side"])
        before = words[: found.start()]
        if found["hand"]:
            kind = "hand"
        elif found["leg"]:
            kind = "stand" if STANDS.search(before) else "foot"
        elif TURNING.search(before) or found["side"].endswith("clockwise"):
            kind = "turn"
        else:
            kind = "direction"
        sided.setdefault(kind, set()).add(side)
    for kind, sides in sided.items():
        # Both sides in turn: no single fact can bear that out, and "?" is borne out by none.
        claims = claiming(claims, kind, sides.pop() if len(sides) == 1 else "?")
    if not claims.turn and BACK.search(words):
        claims = replace(claims, turn="back")
    return claims


SIDE_WORDS = {
    **dict.fromkeys(("counterclockwise", "counter clockwise", "anticlockwise", "anti clockwise"), "left"),
    **dict.fromkeys(("leftward", "leftwards"), "left"),
    **dict.fromkeys(("clockwise", "rightward", "rightwards"), "right"),
}
# "right away" and "right in front" are no sides.
SIDED = re.compile(
    r"\b(?P<side>(?:counter |anti )?clockwise|counterclockwise|anticlockwise|leftwards?|rightwards?|left"
    r"|right(?! (?:away|now|after|before|behind|next|in front|back|angle|angles|there|up)\b))\b"
    r"(?:(?P<hand> (?:hand|arm|fist|palm|elbow|wrist|jab|hook|uppercut|cross|punch))"
    r"|(?P<leg> (?:leg|foot|knee|toe|heel)))?"
)
NAMED_AFTER = re.compile(r"\b(foot|leg|knee|arm|hand) the (left|right)\b(?: one\b)?")
"""One leg, the left: said as the left leg."""
STANDS = re.compile(
    r"\b(hop|hops|hopping|stand|stands|standing|balance|balances|balancing)\b[a-z' ]*\bon\b[a-z' ]*$"
)
TURNING = re.compile(r"\b(turn|spin|rotat|pivot|curv|circl|twirl|veer|arc\b|bend)[a-z]*\b[a-z' ]*$")
BACK = re.compile(r"\bturn(s|ing)? (a)?round\b|\bturns? back\b")
GAIT = re.compile(
    r"\b(walk|stroll|step|stride|strid|march|tiptoe|sneak|creep|limp|hobbl|stagger|shuffl|jog|run|sprint|dash|skip"
    r"|crawl|mov|amble|trudge|strut|hop|jump|leap)[a-z]*\b"
)
FORWARD = re.compile(r"(?<!facing )\b(forwards?|straight ahead)\b")
BACKWARD = re.compile(r"\bbackwards?\b")
SLOW = re.compile(r"\b(slow|slowly|unhurried|leisurely)\b")
FAST = re.compile(r"\b(fast|quick|quickly|rapidly|swiftly|hurriedly|briskly)\b")
PLACE = re.compile(r"\b(in place|on the spot|in one spot)\b")
NEEDED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(walk|stroll|tiptoe|sneak|limp|trudge|strut|jog|crawl)(s|ing|ging)\b"), "goes"),
    (re.compile(r"\b(run|runs|running|sprint|sprints|sprinting|jog|jogs|jogging)\b"), "runs"),
    (re.compile(r"\b(jump|hop|leap)(s|ing|ping)?\b"), "jumps"),
    (re.compile(r"\bkick(s|ing)?\b"), "foot_up"),
    (re.compile(r"\b(squats?|squatting|kneels?|kneeling|crouch(es|ing)?)\b"), "crouches"),
    (re.compile(r"\b(climbs?|climbing|goes|walks) up\b"), "rises"),
)
COUNTED = (
    ("jumps", re.compile(r"\b(jump|hop|leap)(s|ing|ping)?\b")),
    ("kicks", re.compile(r"\bkick(s|ing)?\b")),
    ("crouches", re.compile(r"\bsquat(s|ting)?\b")),
)
COUNTS = (
    (1, re.compile(r"\b(once|one time)\b")),
    (2, re.compile(r"\b(twice|two times)\b")),
    (3, re.compile(r"\b(three times|thrice)\b")),
    (4, re.compile(r"\bfour times\b")),
)
