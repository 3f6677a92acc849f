"""How far what was measured of a motion is from what a sentence says of it: for ranking, where captions ask
for yes or no (see `motionary.captions.claims`)."""

from __future__ import annotations

from motionary.captions.claims import NEEDS, Claims
from motionary.captions.measure import FULL_TURN, HALF_TURN, Facts

__all__ = ["disagreement"]

OPPOSITE = {
    **{"left": "right", "right": "left", "forward": "backward", "backward": "forward"},
    **{"slow": "fast", "fast": "slow"},
}

BESIDE = 0.4
"""What something else than was said counts, where its opposite counts 1."""

UNMET = 0.5
"""What a need that is not met counts."""


def disagreement(claims: Claims, facts: Facts) -> float:
    """0 where the facts bear out all that is claimed; 1 for each claim whose opposite was measured, and less
    for one that was merely not found."""
    found = UNMET * sum(not NEEDS[need](facts) for need in claims.needs)
    found += _apart(claims.direction, facts.direction)
    found += _apart(claims.speed, facts.speed)
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
    return 1.0 if OPPOSITE.get(said) == measured else BESIDE


def _side_apart(said: str, measured: tuple[str, ...]) -> float:
    """By whichever of the measurements tells a side; those that tell both or none do not count against it."""
    if said not in ("left", "right"):
        return 0.0
    if OPPOSITE[said] in measured and said not in measured:
        return 1.0
    return 0.0 if said in measured else BESIDE


def _turn_apart(said: str, facts: Facts) -> float:
    if not said:
        return 0.0
    if said == "back":
        return 0.0 if facts.turned_deg > HALF_TURN else BESIDE
    kind, _, side = said.rpartition("_")
    if side not in ("left", "right"):
        return 0.0
    apart = _apart(side, facts.turn)
    return apart or (BESIDE if kind == "circle" and abs(facts.turn_deg) < FULL_TURN else 0.0)
