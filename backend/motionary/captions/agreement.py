"""How far what was measured of a motion is from what a sentence says of it: for ranking, where captions ask
for yes or no (see `motionary.captions.claims`)."""

from __future__ import annotations

import math

from motionary.captions.claims import NEEDS, Claims
from motionary.captions.measure import (
    FAST_RUN,
    FAST_WALK,
    FULL_TURN,
    HALF_TURN,
    SIDES,
    SLOW_RUN,
    SLOW_WALK,
    Facts,
)

__all__ = ["disagreement"]

OPPOSITE = {"left": "right", "right": "left", "forward": "backward", "backward": "forward"}

MIDDLE_WALK = (SLOW_WALK * FAST_WALK) ** 0.5
MIDDLE_RUN = (SLOW_RUN * FAST_RUN) ** 0.5
"""Metres a second that are neither slow nor fast."""

STEEPNESS = 2.5
"""Of the curve from slow to fast: at twice the middle speed a body is 0.85 fast."""

# How much each counts where its opposite was measured, by how much rarer that is of a clip's own captions
# than of other clips' (CMU's captioned clips).
OPPOSED = 1.0
UNMET = 1.0
SPEED = 2.0
TURNED_BACK = 1.5

BESIDE = 0.4
"""What something else than was said counts, where its opposite counts 1."""


def disagreement(claims: Claims, facts: Facts) -> float:
    """0 where the facts bear out all that is claimed; 1 for each claim whose opposite was measured, and less
    for one that was merely not found."""
    found = UNMET * sum(not NEEDS[need](facts) for need in claims.needs)
    if claims.direction in SIDES:
        # People say so of a way, of steps and of turns: all that leans to a side speaks for it.
        found += _lean_apart(claims.direction, facts.left_m + facts.aside_m + facts.turn_deg / 90.0)
    else:
        found += _apart(claims.direction, facts.direction)
    found += SPEED * _speed_apart(claims, facts)
    found += _side_apart(claims.hand, (facts.hand_raised, facts.hand_busy, facts.hand_reach))
    found += _side_apart(claims.foot, (facts.foot_raised,))
    found += _side_apart(claims.stand, (facts.stands_on,))
    found += _turn_apart(claims.turn, facts)
    if claims.count and claims.counted:
        found += min(1.0, BESIDE * abs(getattr(facts, claims.counted) - claims.count))
    return found


def _apart(said: str, measured: str) -> float:
    if not said or said == measured:
        return 0.0
    return OPPOSED if OPPOSITE.get(said) == measured else BESIDE


def _lean_apart(said: str, to_the_left: float) -> float:
    """By how much there is of a lean to the side: a half where there is none."""
    towards = to_the_left if said == "left" else -to_the_left
    return OPPOSED / (1.0 + math.exp(2.0 * max(min(towards, 20.0), -20.0)))


def _speed_apart(claims: Claims, facts: Facts) -> float:
    """By how fast the body goes for what it is said to do: a half where that is neither slow nor fast."""
    if claims.speed not in ("slow", "fast") or facts.speed_mps <= 0:
        return 0.0
    middle = MIDDLE_RUN if "runs" in claims.needs else MIDDLE_WALK
    faster = 1.0 / (1.0 + math.pow(middle / facts.speed_mps, STEEPNESS))
    return faster if claims.speed == "slow" else 1.0 - faster


def _side_apart(said: str, measured: tuple[str, ...]) -> float:
    """By whichever of the measurements tells a side; those that tell both or none do not count against it."""
    if said not in SIDES:
        return 0.0
    if OPPOSITE[said] in measured and said not in measured:
        return OPPOSED
    return 0.0 if said in measured else BESIDE


def _turn_apart(said: str, facts: Facts) -> float:
    if not said:
        return 0.0
    if said == "back":
        return 0.0 if facts.turned_deg > HALF_TURN else TURNED_BACK
    kind, _, side = said.rpartition("_")
    if side not in SIDES:
        return 0.0
    apart = _lean_apart(side, facts.turn_deg / 60.0)
    return apart + (BESIDE if kind == "circle" and abs(facts.turn_deg) < FULL_TURN else 0.0)
