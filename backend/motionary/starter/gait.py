"""Going from place to place: footfalls are planned first, and the body is carried over them.

A gait is a repeating pattern of landings. Each landing plants a foot where the path will be at the middle of
its stance; between landings the foot swings. Where no foot is down the body is in free fall, so runs, skips
and hops come out of the same plan as walks. The rest (weight shift, hip and shoulder turn, arm swing) follows
from where the feet are.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from motionary.starter.keyframes import RATE, Pose, hermite, keyed, smooth_step
from motionary.starter.pose import REST, SIDES, Controls, Floats

__all__ = ["GRAVITY", "Beat", "Gait", "go", "run_pattern", "walk_pattern", "whole_cycles"]

GRAVITY = 9.81


@dataclass(frozen=True)
class Beat:
    """One landing: which feet ("l", "r" or "lr"), how many beats until the next, how many they stay down."""

    feet: str
    length: float
    contact: float


def walk_pattern(limp: float = 0.0) -> tuple[Beat, ...]:
    """Left, right, with both feet down between. ``limp`` > 0 hurries off the right foot, < 0 off the left."""
    return Beat("l", 1 + limp, 1.22 + 0.6 * limp), Beat("r", 1 - limp, 1.22 - 0.6 * limp)


def run_pattern(contact: float = 0.72) -> tuple[Beat, ...]:
    """Left, right, each down for ``contact`` beats, so that for the rest of a beat none is."""
    return Beat("l", 1, contact), Beat("r", 1, contact)


@dataclass(frozen=True)
class Gait:
    """A way of going. Metres, seconds, degrees.

    pattern: landings, repeated until ``landings`` of them are done; beat: seconds. speed, side: metres a
    second forward and to the left. turn: degrees to the left over the whole way; weave: degrees to the left
    and back. width: between the feet. lift: how high a swinging foot is carried, behind: how far it trails on
    its way up. strike: heel (> 0) or toe (< 0) down first, by this angle; push: how far the heel is raised
    as the foot leaves. toes: the heel is raised by this all the time. crouch: lower hips by this. bob: extra
    rise over the standing leg. sway: the part of the way to the standing foot that the hips go. hips,
    shoulders: their turn with each step. roll: drop of the free hip. lean: of the trunk, forward. spine,
    head: a posture held throughout. arms: swing of the upper arms, elbows: their bend, open: their
    distance from the sides; hands: what they do instead (controls), if anything. dip: sinking on the right
    leg (< 0 the left). climb: metres up with each landing. looped: wanted as
    :func:`whole_cycles` only.
    """

    pattern: tuple[Beat, ...] = field(default_factory=walk_pattern)
    landings: int = 8
    beat: float = 0.54
    speed: float = 1.25
    side: float = 0.0
    turn: float = 0.0
    weave: float = 0.0
    width: float = 0.17
    lift: float = 0.03
    behind: float = 0.0
    strike: float = 20.0
    push: float = 48.0
    toes: float = 0.0
    crouch: float = 0.012
    bob: float = 0.012
    sway: float = 0.35
    hips: float = 6.0
    shoulders: float = 9.0
    roll: float = 4.0
    lean: float = 2.0
    spine: tuple[float, float, float] = (0.0, 0.0, 0.0)
    head: tuple[float, float, float] = (0.0, 0.0, 0.0)
    arms: float = 24.0
    elbows: float = 18.0
    open: float = 8.0
    hands: Pose = field(default_factory=dict)
    dip: float = 0.0
    climb: float = 0.0
    looped: bool = False


@dataclass(frozen=True)
class _Stance:
    """A foot that is down from ``start`` to ``end`` seconds."""

    start: float
    end: float
    place: Floats
    yaw: float


def go(gait: Gait) -> Controls:
    """Perform ``gait``: from standing, along the path, to standing again."""
    landings, end, begin = _landings(gait)
    times = np.arange(round((end + 0.7) * RATE) + 1) / RATE
    path, heading, pace = _path(gait, times, begin, end)
    last = {foot: max(i for i, (f, _, _) in enumerate(landings) if f == foot) for foot in "lr"}

    feet, soles, downs = {}, {}, {}
    for foot, _, sign in SIDES:
        stances = [_Stance(-np.inf, 0.0, np.array(REST[f"foot_{foot}"]), REST[f"sole_{foot}"][1])]
        for i, (which, start, contact) in enumerate(landings):
            if which != foot:
                continue
            final = i == last[foot]
            at = len(times) - 1 if final else min(round((start + contact / 2) * RATE), len(times) - 1)
            half = REST[f"foot_{foot}"][0] if final else sign * gait.width / 2
            turn = np.radians(heading[at])
            place = path[at] + half * np.array([np.cos(turn), 0.0, -np.sin(turn)])
            yaw = heading[at] + REST[f"sole_{foot}"][1]
            level = min(i, len(landings) - 2) if gait.climb else 0
            place[1] = gait.climb * (level + 1)
            stances.append(_Stance(start, np.inf if final else start + contact, place, yaw))
        swing = _first_swing(gait, foot)
        stances[0] = _Stance(-np.inf, stances[1].start - swing, stances[0].place, stances[0].yaw)
        feet[foot], soles[foot], downs[foot] = _foot_track(gait, stances, times)

    controls = keyed(times[-1], [(0.0, {})])
    controls |= {f"foot_{s}": feet[s] for s in "lr"} | {f"sole_{s}": soles[s] for s in "lr"}
    _carry(controls, gait, times, path, heading, pace, downs)
    if gait.climb < 0:  # the way down ends on the floor
        bottom = controls["foot_l"][-1] * (0.0, 1.0, 0.0)
        controls |= {name: controls[name] - bottom for name in ("pelvis", "foot_l", "foot_r")}
    return controls


def whole_cycles(gait: Gait) -> tuple[float, float]:
    """From when to when (seconds) :func:`go` repeats itself, neither setting off nor coming to a stop."""
    landings, end, _ = _landings(gait)
    cycle = sum(beat.length for beat in gait.pattern) * gait.beat
    start = landings[0][1] + 4 * gait.beat
    return start, start + cycle * int((end - 3.5 * gait.beat - start) / cycle)


def _landings(gait: Gait) -> tuple[list[tuple[str, float, float]], float, float]:
    """(foot, second of landing, seconds down) in order; when the last one lands; when a foot first leaves."""
    start = 0.3 + max(_first_swing(gait, foot) for foot in gait.pattern[0].feet)
    landings, at = [], start
    for i in range(gait.landings):
        beat = gait.pattern[i % len(gait.pattern)]
        landings += [(foot, at, beat.contact * gait.beat) for foot in beat.feet]
        at += beat.length * gait.beat
    return landings, landings[-1][1], 0.3


def _first_swing(gait: Gait, foot: str) -> float:
    """Seconds that ``foot`` swings before its first landing of the pattern."""
    cycle = sum(beat.length for beat in gait.pattern)
    at, landed = 0.0, []
    for beat in gait.pattern:
        if foot in beat.feet:
            landed.append((at, beat.contact))
        at += beat.length
    return (landed[0][0] + cycle - landed[-1][0] - landed[-1][1]) * gait.beat


def _path(gait: Gait, times: Floats, begin: float, end: float) -> tuple[Floats, Floats, Floats]:
    """Where the body is (N, 3), its heading in degrees (N,) and its pace from 0 to 1 (N,)."""
    ramp = 1.3 * gait.beat
    # Coming to a stop takes longer than setting off: the last two landings are side by side.
    pace = smooth_step((times - begin) / ramp) * smooth_step((end + 0.3 * gait.beat - times) / (1.7 * ramp))
    travelled = np.cumsum(pace) / RATE
    part = travelled / travelled[-1]
    heading = gait.turn * part + gait.weave * np.sin(2 * np.pi * part)
    turn = np.radians(heading)
    ahead = np.stack([np.sin(turn), 0 * turn, np.cos(turn)], axis=-1)
    left = np.stack([np.cos(turn), 0 * turn, -np.sin(turn)], axis=-1)
    step = (gait.speed * ahead + gait.side * left) * pace[:, None] / RATE
    return np.cumsum(step, axis=0), heading, pace


def _foot_track(gait: Gait, stances: list[_Stance], times: Floats) -> tuple[Floats, Floats, Floats]:
    """Place (N, 3), sole (N, 2) and whether it is down (N,) of one foot."""
    place, sole = np.empty((len(times), 3)), np.empty((len(times), 2))
    down = np.zeros(len(times))
    for i, stance in enumerate(stances):
        inside = (times >= stance.start) & (times <= stance.end)
        down[inside] = 1.0
        place[inside], sole[inside, 1] = stance.place, stance.yaw
        length = stance.end - stance.start
        span = length if np.isfinite(length) else 0.6
        pitch = np.full(inside.sum(), 0.0)
        at = times[inside]
        if np.isfinite(stance.start):
            pitch -= gait.strike * (1 - smooth_step((at - stance.start) / (0.25 * span)))
        if np.isfinite(stance.end):
            pitch += gait.push * smooth_step((at - stance.end + 0.42 * span) / (0.42 * span)) ** 1.2
        sole[inside, 0] = pitch
        if i + 1 == len(stances):
            break
        after = stances[i + 1]
        swing = (times > stance.end) & (times < after.start)
        u = (times[swing] - stance.end) / (after.start - stance.end)
        # Cubic: a foot that hurries to its place too soon would be far ahead of the hips.
        go_on = (u * u * (3 - 2 * u))[:, None]
        place[swing] = stance.place * (1 - go_on) + after.place * go_on
        # Up soon, down late and gently: a sine bump, skewed, that leaves and meets the floor without a jerk.
        bump = np.sin(np.pi * u**0.8) ** 2
        early = np.sin(np.pi * np.minimum(u / 0.75, 1.0)) ** 2
        place[swing, 1] += gait.lift * bump + gait.behind * early
        turn = np.radians((stance.yaw + after.yaw) / 2)
        trail = gait.behind * early[:, None] * np.array([np.sin(turn), 0.0, np.cos(turn)])
        place[swing] -= 0.3 * trail
        sole[swing, 0] = gait.push * (1 - smooth_step(u / 0.7)) - gait.strike * smooth_step((u - 0.35) / 0.65)
        sole[swing, 1] = stance.yaw * (1 - go_on[:, 0]) + after.yaw * go_on[:, 0]
    return place, sole, down


def _soften(track: Floats, seconds: float) -> Floats:
    """A running mean with a bell-shaped window of about ``seconds``; the ends are held."""
    half = max(round(seconds * RATE), 1)
    weights = np.hanning(2 * half + 3)[1:-1]
    padded = np.pad(track, half, mode="edge")
    result: Floats = np.convolve(padded, weights / weights.sum(), mode="valid")
    return result


def _carry(
    controls: Controls,
    gait: Gait,
    times: Floats,
    path: Floats,
    heading: Floats,
    pace: Floats,
    downs: dict[str, Floats],
) -> None:
    """Fill in the controls of the body that is carried over the feet."""
    turn = np.radians(heading)
    ahead = np.stack([np.sin(turn), 0 * turn, np.cos(turn)], axis=-1)
    left = np.stack([np.cos(turn), 0 * turn, -np.sin(turn)], axis=-1)
    stride = max(abs(gait.speed) * gait.beat, 0.25)
    step = {s: np.sum((controls[f"foot_{s}"] - path) * ahead, axis=1) / stride for s in "lr"}
    weight = {s: _soften(downs[s], 0.22 * gait.beat) for s in "lr"}
    total = np.maximum(weight["l"] + weight["r"], 0.3)
    over = (weight["l"] - weight["r"]) / total * pace  # 1 when all the weight is on the left foot
    # On the spot there are no strides: a lifted foot counts as one set forward.
    place = max(0.0, 1 - abs(gait.speed) / 0.5) * over
    step = {"l": step["l"] - place, "r": step["r"] + place}
    step = {s: np.clip(_soften(step[s], 0.06), -1.3, 1.3) for s in "lr"}
    half = max(gait.width / 2, 0.06)
    height = -gait.crouch * pace + gait.bob * (np.abs(over) - 0.5) * pace + _flights(times, downs)
    if gait.climb:
        low = np.minimum(controls["foot_l"][:, 1], controls["foot_r"][:, 1])
        mean = (controls["foot_l"][:, 1] + controls["foot_r"][:, 1]) / 2
        height = height + _soften(0.6 * low + 0.4 * mean, 0.2)
    height = height - abs(gait.dip) * np.maximum(-np.sign(gait.dip) * over, 0.0)
    controls["pelvis"] = path + left * (gait.sway * half * over)[:, None] + height[:, None] * (0.0, 1.0, 0.0)

    twist = gait.hips * (step["r"] - step["l"]) / 2
    roll = -gait.roll * over  # the free hip drops: over the left foot the pelvis leans right
    zero = np.zeros_like(times)
    controls["body"] = np.stack([0.35 * gait.lean * pace, roll, heading + twist], axis=-1)
    bend, side, spin = gait.spine
    counter = -twist - gait.shoulders * (step["r"] - step["l"]) / 2
    dip = 250.0 * gait.dip * np.maximum(-np.sign(gait.dip) * over, 0.0)
    controls["spine"] = np.stack(
        [(0.65 * gait.lean + bend) * pace, side * pace - roll - 0.3 * dip, counter + spin * pace], axis=-1
    )
    nod, tilt, look = gait.head
    # Eyes go where the path will.
    coming = np.clip(np.interp(times + 0.35, times, heading) - heading, -30, 30)
    controls["head"] = np.stack(
        [
            (nod - 0.6 * gait.lean) * pace + zero,
            tilt * pace + 0.3 * dip,
            look * pace - counter - twist + coming,
        ],
        axis=-1,
    )
    for side_, other in (("l", "r"), ("r", "l")):
        swing = gait.arms * _soften(step[other], 0.08)
        bent = 8.0 + (gait.elbows - 8.0) * pace + 0.45 * np.maximum(swing, 0) * pace
        hand = _hanging(swing, bent, 8.0 + (gait.open - 8.0) * pace)
        rest = np.array(REST[f"hand_{side_}"])
        controls[f"hand_{side_}"] = rest + (hand - _hanging(zero, zero + 8.0, zero + 8.0))
    for name, value in gait.hands.items():
        rest = np.array(REST[name])
        controls[name] = (
            rest
            + (np.asarray(value) - rest) * pace[:, None]
            + (0.25 * (controls[name] - rest) if name.startswith("hand") else 0.0)
        )
    if gait.toes:
        for s in "lr":
            controls[f"sole_{s}"][:, 0] = np.maximum(controls[f"sole_{s}"][:, 0], 0.0) + gait.toes * pace
        controls["pelvis"][:, 1] += 0.11 * np.sin(np.radians(gait.toes)) * pace


def _hanging(swing: Floats, bend: Floats, open_: Floats) -> Floats:
    """The wrist of an arm whose upper half swings forward by ``swing``, with the elbow bent; arm lengths."""
    a, b, o = np.radians(swing), np.radians(swing + bend), np.radians(open_)
    down, forward = 0.52 * np.cos(a) + 0.48 * np.cos(b), 0.52 * np.sin(a) + 0.48 * np.sin(b)
    return np.stack([np.sin(o) * down, -np.cos(o) * down, forward], axis=-1)


def _flights(times: Floats, downs: dict[str, Floats]) -> Floats:
    """Height of the body (N,): free fall while no foot is down, a spring's give while one is."""
    air = np.flatnonzero(np.diff(np.concatenate([[0], (downs["l"] + downs["r"] < 0.5).astype(int), [0]])))
    if len(air) == 0:
        return np.zeros_like(times)
    keys = []
    for start, stop in air.reshape(-1, 2):
        speed = GRAVITY * (stop - start) / RATE / 2
        keys += [(start / RATE, 0.0, speed), (stop / RATE, 0.0, -speed)]
    before, after = max(keys[0][0] - 0.35, 0.0), min(keys[-1][0] + 0.45, float(times[-1]))
    return hermite(times, [(before, 0.0, 0.0), *keys, (after, 0.0, 0.0)])
