"""Controls keyed over time: smooth tracks, and the few ways of putting performances together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from motionary.starter.pose import REST, SIDES, Controls, Floats

__all__ = [
    "RATE",
    "Key",
    "Move",
    "Pose",
    "alive",
    "backward",
    "both",
    "cycle",
    "hermite",
    "keyed",
    "layer",
    "move",
    "repeated",
    "retime",
    "smooth_step",
    "then",
]

RATE = 120
"""Controls are made at this rate, so that a clip can be slowed or hurried before it is sampled."""

Pose: TypeAlias = dict[str, ArrayLike]
Key: TypeAlias = tuple[float, Pose]

WORLD = ("pelvis", "foot_l", "foot_r", "reach_l", "reach_r")
"""Controls that are places in the world."""


@dataclass(frozen=True)
class Move:
    """Keys and how many seconds they take in all."""

    duration: float
    keys: tuple[Key, ...]


def move(*keys: Key, back: float = 0.6, pause: float = 0.3, start: Pose | None = None) -> Move:
    """A Move through ``keys`` that takes ``back`` seconds to come back to rest, then stands for ``pause``.

    What the last keys leave out is held until the last of them. ``back=0`` stays in the last pose. With
    ``start`` it begins in that pose and comes back to it instead.
    """
    home = {name: rest for name, rest in REST.items() if not name.startswith("reach")} | (start or {})
    if start:
        keys = ((0.0, start), *keys)
    last = max(at for at, _ in keys)
    touched = {name for _, pose in keys for name in pose}
    held = {}
    for name in touched:
        at, pose = max((key for key in keys if name in key[1]), key=lambda key: key[0])
        if at < last:
            held[name] = pose[name]
    end: tuple[Key, ...] = ((last, held),)
    if back:
        end += ((last + back, {name: home[name] for name in touched if name in home}),)
    return Move(last + back + pause, (*keys, *end))


def backward(plan: Move) -> Move:
    """``plan`` from its end to its beginning."""
    started = {name for at, pose in plan.keys if at == 0 for name in pose}
    touched = {name for _, pose in plan.keys for name in pose if not name.startswith("reach")}
    begin: Pose = {name: REST[name] for name in touched - started}
    end = {name: pose[name] for _, pose in sorted(plan.keys, key=lambda key: key[0]) for name in pose}
    keys = ((0.0, begin), *plan.keys, (plan.duration, end))
    return Move(plan.duration, tuple((plan.duration - at, pose) for at, pose in keys))


def repeated(start: float, step: float, times: int, *poses: Pose) -> list[Key]:
    """``poses`` one after another, ``step`` seconds apart, the whole row ``times`` times."""
    return [(start + step * i, pose) for i, pose in enumerate(poses * times)]


def cycle(times: int, period: float, *keys: Key) -> list[Key]:
    """``keys``, ``times`` times, each ``period`` seconds after the time before."""
    return [(at + k * period, pose) for k in range(times) for at, pose in keys]


def both(**controls: ArrayLike) -> Pose:
    """The same for both sides: ``both(hand=...)`` sets ``hand_l`` and ``hand_r``."""
    return {f"{name}_{side}": value for name, value in controls.items() for side in "lr"}


def keyed(duration: float, keys: Sequence[Key]) -> Controls:
    """A performance through ``keys``, pairs of seconds and what the pose sets then.

    A control starts at rest unless a key at 0 sets it, moves on only between the keys that name it, stands
    still between two keys of the same value and holds its last one. A scalar may be given for a single
    number. ``reach_*``, a place that means nothing until it is held, starts at its first key.
    """
    times = np.arange(round(duration * RATE) + 1) / RATE
    controls = {}
    for name, rest in REST.items():
        track = sorted(
            ((at, np.atleast_1d(np.asarray(pose[name], np.float64))) for at, pose in keys if name in pose),
            key=lambda key: key[0],
        )
        if not track or (track[0][0] > 0 and not name.startswith("reach")):
            track.insert(0, (0.0, np.array(rest)))
        at, values = np.array([k[0] for k in track]), np.stack([k[1] for k in track])
        controls[name] = _swing(times, at, values) if name.startswith("hand") else _flow(times, at, values)
    return controls


def _swing(times: Floats, at: Floats, values: Floats) -> Floats:
    """As :func:`_flow`, but a hand goes round its shoulder, not through it.

    Long ways get a key half-way, out to the side and front; direction and distance flow apart.
    """
    length = np.linalg.norm(values, axis=1, keepdims=True)
    ways, points, distances = [at[0]], [values[0] / length[0]], [length[0]]
    for i in range(1, len(at)):
        before, after = points[-1], values[i] / length[i]
        apart = 1 - float(before @ after)
        if apart > 0.8:
            half = before + after + 0.5 * apart * np.array([0.7, 0.0, 0.7])
            ways.append((at[i - 1] + at[i]) / 2)
            points.append(half / np.linalg.norm(half))
            distances.append((length[i - 1] + length[i]) / 2)
        ways.append(at[i])
        points.append(after)
        distances.append(length[i])
    direction = _flow(times, np.array(ways), np.stack(points))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    result: Floats = direction * _flow(times, np.array(ways), np.stack(distances))
    return result


def _flow(times: Floats, at: Floats, values: Floats) -> Floats:
    """Quintic through the keys, at rest where a key is an extreme and flowing through where it is not.

    The slopes are Fritsch and Carlson's harmonic means (as in PCHIP), so nothing overshoots; accelerations
    at the keys are zero, so that a move between two rests is the minimum-jerk one (Flash and Hogan, 1985).
    """
    slopes = np.zeros_like(values)
    if len(at) > 2:
        gaps = np.diff(at)[:, None]
        steep = np.diff(values, axis=0) / gaps
        same = steep[1:] * steep[:-1] > 0
        a, b = 2 * gaps[1:] + gaps[:-1], gaps[1:] + 2 * gaps[:-1]
        safe = np.where(same, steep[:-1], 1.0), np.where(same, steep[1:], 1.0)
        slopes[1:-1] = np.where(same, (a + b) / (a / safe[0] + b / safe[1]), 0.0)
    if len(at) == 1:
        return np.repeat(values, len(times), axis=0)
    index = np.clip(np.searchsorted(at, times, side="right") - 1, 0, len(at) - 2)
    gap = (at[index + 1] - at[index])[:, None]
    u = np.clip((times[:, None] - at[index][:, None]) / gap, 0.0, 1.0)
    rise = u**3 * (10 + u * (-15 + 6 * u))
    leave = u + u**3 * (-6 + u * (8 - 3 * u))
    arrive = u**3 * (-4 + u * (7 - 3 * u))
    result: Floats = (
        values[index] * (1 - rise)
        + values[index + 1] * rise
        + gap * (leave * slopes[index] + arrive * slopes[index + 1])
    )
    return result


def hermite(times: Floats, keys: Sequence[tuple[float, float, float]]) -> Floats:
    """Cubic through (seconds, value, velocity) keys, held before the first and after the last.

    Two keys a flight apart whose velocities differ by g times the time give the parabola of that flight.
    """
    at, values, slopes = np.array(keys, np.float64).T
    index = np.clip(np.searchsorted(at, times, side="right") - 1, 0, len(at) - 2)
    gap = at[index + 1] - at[index]
    u = np.clip((times - at[index]) / gap, 0.0, 1.0)
    result: Floats = (
        values[index] * (1 + u**2 * (2 * u - 3))
        + values[index + 1] * u**2 * (3 - 2 * u)
        + gap * (slopes[index] * u * (1 - u) ** 2 - slopes[index + 1] * u**2 * (1 - u))
    )
    return result


def smooth_step(x: ArrayLike) -> Floats:
    """The minimum-jerk rise from 0 (x <= 0) to 1 (x >= 1)."""
    u = np.clip(np.asarray(x, np.float64), 0.0, 1.0)
    result: Floats = u**3 * (10 + u * (-15 + 6 * u))
    return result


def layer(base: Controls, over: Controls, names: Sequence[str], start: float = 0.0) -> Controls:
    """``base`` with the controls ``names`` taken from ``over``, which starts ``start`` seconds in.

    ``over`` must begin and end as ``base`` is (both at rest, say): what it does not cover stays with
    ``base``, eased over a third of a second.
    """
    frames = len(base["body"])
    first = round(start * RATE)
    last = min(first + len(over["body"]), frames)
    index = np.clip(np.arange(frames) - first, 0, last - first - 1)
    ease = RATE / 3
    weight = smooth_step((np.arange(frames) - first) / ease) * smooth_step((last - np.arange(frames)) / ease)
    blended: Controls = {
        name: base[name] + (over[name][index] - base[name]) * weight[:, None] for name in names
    }
    return base | blended


def then(first: Controls, *others: Controls) -> Controls:
    """One performance after another, each beginning where and facing as the one before it ended."""
    for other in others:
        turn, place = first["body"][-1, 2], first["pelvis"][-1] * (1.0, 0.0, 1.0)
        turn -= other["body"][0, 2]
        sine, cosine = np.sin(np.radians(turn)), np.cos(np.radians(turn))
        around = np.array([[cosine, 0.0, -sine], [0.0, 1.0, 0.0], [sine, 0.0, cosine]])
        start = other["pelvis"][0] * (1.0, 0.0, 1.0)
        moved = other | {name: (other[name] - start) @ around + place for name in WORLD}
        over = 360.0 * np.round(first["body"][-1, 0] / 360.0)  # a flip ends a whole turn from upright
        moved["body"] = other["body"] + (over, 0.0, turn)
        for side, _, _ in SIDES:
            moved[f"sole_{side}"] = other[f"sole_{side}"] + (0.0, turn)
        first = {name: np.concatenate([first[name], moved[name][1:]]) for name in REST}
    return first


def retime(
    controls: Controls, speed: float, fps: float, wander: float = 0.0, rng: np.random.Generator | None = None
) -> Controls:
    """One row a frame of a performance that is run at ``speed`` times its pace.

    With ``rng`` the tempo wanders slowly about that pace, by ``wander`` of it; the whole takes as long.
    """
    frames = int((len(controls["body"]) - 1) / RATE / speed * fps + 1e-6) + 1
    at = np.arange(frames) * (RATE / fps * speed)
    if rng is not None and frames > 1:
        rates, phases = rng.uniform(0.15, 0.5, 3), rng.uniform(0, 2 * np.pi, 3)
        waves = np.sin(2 * np.pi * at[:, None] / RATE * rates + phases).mean(axis=1)
        passed = np.concatenate([[0.0], np.cumsum(1 + wander * waves[1:])])
        at = passed * (at[-1] / passed[-1])
    whole = np.arange(len(controls["body"]))
    return {
        name: np.stack([np.interp(at, whole, column) for column in track.T], axis=-1)
        for name, track in controls.items()
    }


def alive(controls: Controls, rng: np.random.Generator, amount: float = 1.0) -> Controls:
    """The small things that a body never stops doing: it breathes, sways and does not hold quite still.

    Slow sums of sines with random phases on spine, head, arms and pelvis; the feet stay planted.
    """
    times = np.arange(len(controls["body"])) / RATE

    def drift(scale: ArrayLike, slowest: float = 0.11) -> Floats:
        scale = np.atleast_1d(np.asarray(scale, np.float64))
        total = np.zeros((len(times), len(scale)))
        for octave, weight in enumerate((0.6, 0.3, 0.15)):
            rate = slowest * 1.9**octave * rng.uniform(0.8, 1.25, len(scale))
            phase = rng.uniform(0, 2 * np.pi, len(scale))
            total += weight * np.sin(2 * np.pi * (times[:, None] * rate + phase))
        return amount * scale * total

    breath = amount * np.sin(2 * np.pi * (0.27 * times + rng.uniform()))[:, None]
    moved = dict(controls)
    moved["spine"] = controls["spine"] + breath * (-0.7, 0.0, 0.0) + drift((0.8, 0.8, 1.2))
    moved["head"] = controls["head"] + breath * (0.4, 0.0, 0.0) + drift((1.5, 1.2, 2.5), 0.17)
    moved["pelvis"] = controls["pelvis"] + drift((0.008, 0.001, 0.006), 0.13)
    moved["body"] = controls["body"] + drift((0.4, 0.4, 0.8), 0.13)
    for side, _, _ in SIDES:
        free = 1 - controls[f"hold_{side}"]
        moved[f"hand_{side}"] = controls[f"hand_{side}"] + free * drift((0.012, 0.008, 0.02), 0.19)
        moved[f"collar_{side}"] = controls[f"collar_{side}"] + breath * (0.8, 0.0)
        moved[f"wrist_{side}"] = controls[f"wrist_{side}"] + free * drift((3.0, 2.0, 3.0), 0.21)
    return moved
