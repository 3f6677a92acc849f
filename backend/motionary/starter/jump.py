"""Leaving the floor: a row of jumps, each a push, a ballistic flight and a landing that gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from motionary.starter.gait import GRAVITY
from motionary.starter.keyframes import RATE, Key, Pose, both, hermite, keyed, smooth_step
from motionary.starter.pose import HANG, REST, SIDES, Controls, Floats

__all__ = ["Hop", "Jump", "jump"]

RISE = 0.06
"""How much higher than at ease the pelvis is when the toes leave the floor."""


@dataclass(frozen=True)
class Hop:
    """One flight. Metres and degrees.

    height: of the flight. ahead, aside: how far, forward and to the left of where the body faces before it.
    turn: to the left, in the air. flip: over, forward (< 0 backward), in the air. tuck: how far the feet are
    drawn up. spread: of each foot from the middle after it. crouch: how low before it. give: seconds on the
    floor before it, from the landing before. air, down: what trunk, head and hands do instead at the top, and
    while down before it.
    """

    height: float = 0.25
    ahead: float = 0.0
    aside: float = 0.0
    turn: float = 0.0
    flip: float = 0.0
    tuck: float = 0.0
    spread: float = 0.1
    crouch: float = 0.28
    give: float = 0.8
    air: Pose = field(default_factory=dict)
    down: Pose = field(default_factory=dict)


@dataclass(frozen=True)
class Jump:
    """Hops from standing to standing. feet: "lr" both, "l" or "r" on one leg with the other raised."""

    hops: tuple[Hop, ...]
    feet: str = "lr"


def jump(plan: Jump) -> Controls:
    """Perform ``plan``. Both feet end as they began, side by side."""
    flights, at = [], 0.15 if plan.feet == "lr" else 0.55
    for hop in plan.hops:
        flight = 2 * np.sqrt(2 * hop.height / GRAVITY)
        flights.append((at + hop.give, at + hop.give + flight))
        at += hop.give + flight
    end = at + (1.0 if plan.feet == "lr" else 1.5)
    controls = keyed(end, _posture(plan, flights))
    times = np.arange(len(controls["body"])) / RATE

    height = [(0.1, 0.0, 0.0)]
    places, turns = [np.zeros(3)], [0.0]
    for hop, (start, stop) in zip(plan.hops, flights, strict=True):
        speed = (stop - start) / 2 * GRAVITY
        height += [(start - 0.42 * hop.give, -hop.crouch, 0.0), (start, RISE, speed), (stop, RISE, -speed)]
        angle = np.radians(turns[-1])
        ahead, left = (
            np.array([np.sin(angle), 0, np.cos(angle)]),
            np.array([np.cos(angle), 0, -np.sin(angle)]),
        )
        places.append(places[-1] + hop.ahead * ahead + hop.aside * left)
        turns.append(turns[-1] + hop.turn)
    last = plan.hops[-1]
    height += [(at + 0.22, -0.75 * last.crouch, 0.0), (at + 0.8, 0.0, 0.0)]

    body = np.zeros((len(times), 3))
    for (start, stop), here, there, turn in zip(flights, places, places[1:], np.diff(turns), strict=False):
        # The body leads the feet at the push and trails them at the landing; it turns from push to landing.
        flight = stop - start
        along = hermite(
            times,
            [
                (start - 0.3, 0.0, 0.0),
                (start, 0.15, 0.7 / flight),
                (stop, 0.85, 0.7 / flight),
                (stop + 0.35, 1.0, 0.0),
            ],
        )
        body += along[:, None] * (there - here)
        controls["body"][:, 2] += turn * smooth_step((times - start + 0.12) / (flight + 0.2))
    for hop, (start, stop) in zip(plan.hops, flights, strict=True):
        if hop.flip:
            _flip(controls, hop, times, start, stop)
    body[:, 1] = hermite(times, height)
    controls["pelvis"] = controls["pelvis"] + body

    for side, _, sign in SIDES:
        place, sole = _feet(plan, side, sign, times, flights, places, turns, body)
        controls[f"foot_{side}"], controls[f"sole_{side}"] = place, sole
    return controls


def _flip(controls: Controls, hop: Hop, times: Floats, start: float, stop: float) -> None:
    """Once over, from ``start`` to ``stop``: the legs leave the floor's frame for the body's, drawn up."""
    flight = stop - start
    begin, end = start - 0.06, stop + 0.06
    # Tucked, it spins evenly; out of the push and into the landing it eases.
    spin, middle = 1.35 / (end - begin), (begin + end) / 2
    even = [(middle - 0.3 / spin, 0.2, spin), (middle + 0.3 / spin, 0.8, spin)]
    over = hermite(times, [(begin, 0.0, 0.0), *even, (end, 1.0, 0.0)])
    controls["body"][:, 0] += hop.flip * over
    air = smooth_step((times - start) / (0.22 * flight)) * smooth_step((stop - times) / (0.22 * flight))
    draw = np.sin(np.pi * np.clip((times - start) / flight, 0.0, 1.0))[:, None] ** 2
    for side, _, _ in SIDES:
        rest = np.array(REST[f"leg_{side}"])
        controls[f"loose_{side}"] = air[:, None]
        controls[f"leg_{side}"] = rest + draw * (np.array([0.06, -0.4, 0.3]) - rest)


def _posture(plan: Jump, flights: Sequence[tuple[float, float]]) -> list[Key]:
    """Keys for the trunk and arms: a swing back on the way down, up on the way up, unless a hop says else."""
    keys: list[Key] = []
    for hop, (start, stop) in zip(plan.hops, flights, strict=True):
        deep = hop.crouch / 0.28
        down = _pose(18 * deep, 22 * deep, -18 * deep, (0.2, -0.88, -0.32 * min(deep, 1.0)))
        air = _pose(0, -3, 0, (0.25, -0.2 + 0.5 * deep, 0.7))
        keys += [(start - 0.42 * hop.give, {**down, **hop.down}), ((start + stop) / 2, {**air, **hop.air})]
    landed = flights[-1][1]
    keys += [(landed + 0.2, _pose(14, 16, -12, (0.3, -0.6, 0.5))), (landed + 0.85, _pose(0, 0, 0, HANG))]
    if plan.feet != "lr":
        side = 0.075 if plan.feet == "l" else -0.075
        keys += [(0.0, {"pelvis": (0, 0, 0)}), (0.45, {"pelvis": (side, 0, 0)})]
        keys += [(landed + 0.7, {"pelvis": (side, 0, 0)}), (landed + 1.2, {"pelvis": (0, 0, 0)})]
    return keys


def _pose(tilt: float, bend: float, nod: float, hands: tuple[float, float, float]) -> Pose:
    return {"body": (tilt, 0, 0), "spine": (bend, 0, 0), "head": (nod, 0, 0), **both(hand=hands)}


def _feet(
    plan: Jump,
    side: str,
    sign: float,
    times: Floats,
    flights: Sequence[tuple[float, float]],
    places: Sequence[Floats],
    turns: Sequence[float],
    body: Floats,
) -> tuple[Floats, Floats]:
    """Place and sole of one foot through all flights."""
    place = np.tile(np.array(REST[f"foot_{side}"]), (len(times), 1))
    sole = np.tile(np.array(REST[f"sole_{side}"]), (len(times), 1))
    if side not in plan.feet:
        # The free leg hangs bent behind; it goes wherever the body goes.
        up = smooth_step((times - 0.1) / 0.45) * smooth_step((flights[-1][1] + 1.25 - times) / 0.5)
        place = place + body * (1.0, 0.0, 1.0) + up[:, None] * (0.0, 0.28, -0.22)
        place[:, 1] += up * np.maximum(body[:, 1], -0.1)
        sole[:, 0] = 45.0 * up
        return place, sole
    spreads = [0.1, *(hop.spread for hop in plan.hops)]
    for i, (start, stop) in enumerate(flights):
        u = (times - start) / (stop - start)
        go_on = smooth_step(u)
        spots = []
        for k in (i, i + 1):
            angle = np.radians(turns[k])
            spots.append(places[k] + sign * spreads[k] * np.array([np.cos(angle), 0.0, -np.sin(angle)]))
        place += go_on[:, None] * (spots[1] - spots[0])
        sole[:, 1] += go_on * (turns[i + 1] - turns[i])
        air = (u > 0) & (u < 1)
        lifted = np.maximum(body[air, 1] - RISE, 0.0)
        place[air, 1] = lifted + plan.hops[i].tuck * np.sin(np.pi * u[air]) ** 2
        # Off the toes, and down on them: the heel follows within a tenth of a second.
        push = (
            50.0 * smooth_step((times - start + 0.22) / 0.22) * smooth_step((stop - times) / (stop - start))
        )
        touch = 28.0 * smooth_step(u) * smooth_step((stop + 0.12 - times) / 0.12)
        sole[:, 0] += push + touch
    return place, sole
