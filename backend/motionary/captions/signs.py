"""Signs of single actions: postures and gestures that can be seen in the joints, each there or not.

Facts (`motionary.captions.measure`) tell of any movement where it goes and how fast; signs tell what only
some show: a hand at the head, arms level, a knee on the floor, feet that sweep back under a body on the spot.
An action of the grammar names those without which nobody would call it so. Nothing here is learnt; limits are
in the body's own arms and legs. "left_" and "right_" are the body's own sides, and change places in a mirror.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from motionary.body import HUMAN_LEG, JOINTS, PARENTS
from motionary.contacts import stretches

__all__ = ["SIGNS", "mirrored_signs", "signs_of"]

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]

SIDES = ("left", "right")
AT = {name: number for number, name in enumerate(JOINTS)}

OF_A_SIDE = (
    "out", "forward", "up", "down", "at_head", "to_head", "to_brow", "on_hip", "folded", "holds_forward",
    "alone_forward", "alone_out", "reaches", "reaches_forward", "reaches_up", "punches", "no_punch",
    "waves", "beats", "circles", "swings", "throws", "hand_low", "knee_up", "knee_down",
)  # fmt: skip
OF_BOTH = (
    "still", "hardly_moves", "lively", "feet_move", "head_nods", "head_turns", "shoulders_rise",
    "twists", "bends_sideways", "bows", "leans_forward", "leans_back", "jolts", "inverts", "no_inverts",
    "arms_out", "arms_forward", "arms_up", "arms_straight_up", "arms_down", "arms_folded",
    "hands_on_hips", "hands_at_head", "fists_up", "hands_together", "hands_meet", "hands_busy",
    "hands_in_front", "hands_aim", "hands_swing", "hands_low", "kneels", "kneels_on", "squats",
    "sits_low", "seated", "cross_legged", "gets_low", "lies_prone", "lies_supine", "supports", "pumps",
    "strokes", "prone_active", "spreads", "treads", "treads_walk", "treads_run", "no_treads",
    "inverts_on_floor", "inverts_in_air", "arms_low", "legs_busy", "trunk_rises", "no_kneels",
    "no_strokes", "straight", "no_punches", "no_prone", "no_bows", "off_floor",
)  # fmt: skip
SIGNS: frozenset[str] = frozenset((*OF_BOTH, *(f"{side}_{name}" for side in SIDES for name in OF_A_SIDE)))
"""All that there are."""

MOSTLY = 0.6
"""The share of the time that a posture is held."""
BRIEF_S = 0.1
"""Seconds that something must be seen, to have been seen at all."""


def mirrored_signs(signs: frozenset[str]) -> frozenset[str]:
    """The signs of the mirror image."""
    other = {"left": "right", "right": "left"}
    parted = (sign.partition("_") for sign in signs)
    return frozenset(other.get(first, first) + mark + rest for first, mark, rest in parted)


def signs_of(joints: Floats, fps: float) -> frozenset[str]:
    """The signs that a body shows whose joints (T, 22, 3), in metres, Y up, are known at ``fps`` a second."""
    body = _Body(np.asarray(joints, np.float64), fps)
    shown = {*body.whole(), *body.trunk(), *body.legs(), *body.floor()}
    for side in SIDES:
        shown |= {f"{side}_{name}" for name in body.arm(side)}
    shown |= set(body.both_arms(shown))
    return frozenset(shown)


class _Body:
    """Joints, and the axes of the chest that they are seen in: across to the left, ahead, up the trunk."""

    def __init__(self, joints: Floats, fps: float) -> None:
        self.joints, self.fps = joints, fps
        self.few = max(round(BRIEF_S * fps), 1)
        self.leg = (
            sum(self._bone(f"left_{name}") + self._bone(f"right_{name}") for name in ("knee", "ankle")) / 2
        )
        across = self.at("left_shoulder") - self.at("right_shoulder")
        up = _unit(self.at("neck") - self.at("pelvis"))
        self.ahead = _unit(np.cross(across, up))
        self.up, self.across = up, _unit(np.cross(up, self.ahead))
        self.tilt = np.degrees(np.arccos(np.clip(up[:, 1], -1, 1)))
        self.ground = joints[..., 1].min(axis=1)
        self.high = (self.at("pelvis")[:, 1] - self.ground) / self.leg
        flat = self.at("left_hip") - self.at("right_hip") + across
        facing = np.stack([-flat[:, 2], flat[:, 0]], axis=1)  # x and z of where it faces
        self.facing = facing / np.maximum(np.linalg.norm(facing, axis=1, keepdims=True), 1e-9)
        local = joints - self.at("pelvis")[:, None]
        self.speeds = np.linalg.norm(np.diff(local, axis=0), axis=-1) * fps / self.leg

    def at(self, name: str) -> Floats:
        place: Floats = self.joints[:, AT[name]]
        return place

    def _bone(self, name: str) -> float:
        way = self.joints[:, AT[name]] - self.joints[:, PARENTS[AT[name]]]
        return max(float(np.linalg.norm(way, axis=-1).mean()), 1e-6)

    def seen(self, on: Bools) -> bool:
        """Whether it is so for a moment."""
        return any(end - start >= min(self.few, len(on)) for start, end in stretches(on))

    def turns(self, values: Floats, swing: float) -> int:
        """How often ``values`` (T,) turn back, by ``swing`` or more each time."""
        count = way = 0
        low = high = float(values[0])
        for value in values.tolist():
            low, high = min(low, value), max(high, value)
            if way <= 0 and value - low >= swing:
                count, way, high = count + (way < 0), 1, value
            elif way >= 0 and high - value >= swing:
                count, way, low = count + (way > 0), -1, value
        return count

    # Arms

    def reach(self, side: str) -> tuple[Floats, float]:
        """The wrist seen from its shoulder (T, 3): outward, ahead and up, in arms; and an arm's length."""
        arm = self._bone(f"{side}_elbow") + self._bone(f"{side}_wrist")
        way = self.at(f"{side}_wrist") - self.at(f"{side}_shoulder")
        outward = 1.0 if side == "left" else -1.0
        axes = (outward * self.across, self.ahead, self.up)
        return np.stack([np.sum(way * axis, axis=1) for axis in axes], axis=1) / arm, arm

    def arm(self, side: str) -> list[str]:
        seen, arm = self.reach(side)
        out, ahead, high = seen.T
        far = np.linalg.norm(seen, axis=1)
        wrist, elbow = self.at(f"{side}_wrist"), self.at(f"{side}_elbow")
        to_head = np.linalg.norm(wrist - self.at("head"), axis=1) / arm
        to_hip = np.linalg.norm(wrist - self.at(f"{side}_hip"), axis=1) / arm
        chest = (self.at("spine3") + self.at("neck")) / 2
        folded = (np.linalg.norm(wrist - chest, axis=1) / arm < 0.62) & (ahead > 0.05)
        out_elbow = np.sum((elbow - self.at(f"{side}_shoulder")) * self.across, axis=1) / arm
        out_elbow = out_elbow if side == "left" else -out_elbow
        over_head = np.sum((wrist - self.at("head")) * self.up, axis=1) / arm
        at_head = (to_head < 0.55) & (high > -0.15)
        raised = np.sum((wrist - elbow) * self.up, axis=1) / arm > 0.15
        speed = np.linalg.norm(np.diff(seen, axis=0), axis=1) * self.fps if len(seen) > 1 else np.zeros(1)
        lateral = self.turns(out[raised], 0.1) if raised.any() else 0
        in_front = (ahead > 0.25) & (far < 0.97)
        punches = self._punches(far, high)
        circles = min(self.turns(out, 0.1), max(self.turns(high, 0.1), self.turns(ahead, 0.1)))
        signs = {
            "out": _mostly((out > 0.75) & (abs(high) < 0.45)),
            "forward": _mostly((ahead > 0.6) & (far > 0.8) & (abs(high) < 0.5)),
            "holds_forward": float(((ahead > 0.55) & (abs(high) < 0.5)).mean()) > 0.3,
            "up": _mostly(high > 0.55),
            "down": _mostly((high < -0.7) & (far > 0.75)),
            "at_head": float(at_head.mean()) > 0.45,
            "to_head": self.seen(at_head),
            "to_brow": self.seen(at_head & (over_head > 0.1)),
            "on_hip": _mostly((to_hip < 0.45) & (out_elbow > 0.12) & (far < 0.88)),
            "folded": _mostly(folded),
            "reaches": self.seen((far > 0.85) & (high > -0.55) & (np.ptp(far) + np.ptp(high) > 0.4)),
            "reaches_forward": self.seen((ahead > 0.6) & (abs(high) < 0.6)) and float(np.ptp(ahead)) > 0.35,
            "reaches_up": self.seen(high > 0.6) and float(np.ptp(high)) > 0.5,
            "punches": punches,
            "no_punch": not punches,
            "waves": bool(raised.mean() > 0.3 and lateral >= 3),
            "beats": self.turns(high, 0.12) >= 4,
            "circles": circles >= 4 and _mostly(in_front),
            "swings": float(speed.max()) > 5.5,
            "throws": self._throws(ahead, high, speed),
            "hand_low": self.seen((wrist[:, 1] - self.ground) / self.leg < 0.4),
            "knee_up": self.seen(
                (self.at(f"{side}_knee")[:, 1] - self.at(f"{side}_hip")[:, 1]) / self.leg > -0.15
            ),
            "knee_down": _mostly(self._knee_down(side)),
        }
        return [name for name, there in signs.items() if there]

    def _punches(self, far: Floats, high: Floats) -> bool:
        """The fist goes straight out, at about the shoulder's height, faster than one reaches for a thing."""
        soon = max(round(0.2 * self.fps), 1)
        went = far[soon:] - far[:-soon]
        there = (far[soon:] > 0.85) & (abs(high[soon:]) < 0.5)
        return bool((there & (went > 0.3)).any())

    def _throws(self, ahead: Floats, high: Floats, speed: Floats) -> bool:
        """The hand comes over or past the shoulder from behind, fast."""
        behind = np.flatnonzero((ahead < 0.15) & (high > -0.35))
        if not len(behind):
            return False
        soon = max(round(0.5 * self.fps), 1)
        return any(
            bool((ahead[at : at + soon] > 0.5).any() and speed[at : at + soon].max(initial=0.0) > 4.5)
            for at in behind.tolist()
        )

    def both_arms(self, shown: set[str]) -> list[str]:
        left, arm = self.reach("left")
        right, _ = self.reach("right")
        apart = np.linalg.norm(self.at("left_wrist") - self.at("right_wrist"), axis=1) / arm
        in_front = [
            (hand[:, 1] > 0.12) & (hand[:, 2] > -1.0) & (hand[:, 2] < 0.2)
            & (np.linalg.norm(hand, axis=1) < 0.95)
            for hand in (left, right)
        ]  # fmt: skip
        raised = [
            np.sum((self.at(f"{side}_wrist") - self.at(f"{side}_elbow")) * self.up, axis=1) / arm > 0.1
            for side in SIDES
        ]
        near = [
            np.linalg.norm(self.at(f"{side}_wrist") - self.at("neck"), axis=1) / arm < 0.85 for side in SIDES
        ]
        ahead = (left[:, 1] > 0.45) & (right[:, 1] > 0.45)
        speed = [np.linalg.norm(np.diff(hand, axis=0), axis=1) * self.fps for hand in (left, right)]
        fastest = float(min(one.max(initial=0.0) for one in speed))
        busy = float(np.mean([one.mean() if len(one) else 0.0 for one in speed]))

        def both(name: str) -> bool:
            return f"left_{name}" in shown and f"right_{name}" in shown

        alone = {
            f"{side}_alone_{name}": f"{side}_{name}" in shown and f"{other}_{name}" not in shown
            for name in ("forward", "out")
            for side, other in (SIDES, SIDES[::-1])
        }
        signs = alone | {
            "arms_out": both("out"),
            "arms_forward": both("forward"),
            "arms_up": self.seen((left[:, 2] > 0.4) & (right[:, 2] > 0.4)),
            "arms_straight_up": both("up"),
            "arms_down": both("down"),
            "arms_low": _mostly((left[:, 2] < -0.4) & (right[:, 2] < -0.4)),
            "arms_folded": both("folded"),
            "hands_on_hips": both("on_hip"),
            "hands_at_head": both("at_head"),
            "fists_up": _mostly(raised[0] & raised[1] & near[0] & near[1] & in_front[0] & in_front[1]),
            "hands_together": _mostly(apart < 0.55),
            "hands_meet": self.turns(apart, 0.25) >= 2 and self.seen(apart < 0.4),
            "hands_in_front": _mostly(in_front[0] & in_front[1]),
            "hands_busy": busy > 0.25,
            "hands_aim": _mostly(ahead & (apart < 0.5)),
            "no_punches": not {"left_punches", "right_punches"} & shown,
            "hands_swing": fastest > 4.0 and _mostly(apart < 0.8),
            "hands_low": "left_hand_low" in shown and "right_hand_low" in shown,
        }
        return [name for name, there in signs.items() if there]

    # All of it

    def whole(self) -> list[str]:
        limbs = [AT[f"{side}_{limb}"] for side in SIDES for limb in ("wrist", "ankle")]
        moved = float(np.ptp(self.joints - self.at("pelvis")[:, None], axis=0).max()) / self.leg
        speed = float(self.speeds[:, limbs].mean()) if len(self.speeds) else 0.0
        feet = self.joints[:, [AT[f"{side}_ankle"] for side in SIDES]][..., [0, 2]]
        signs = {
            "still": moved < 0.03 and "head_nods" not in self.trunk(),
            "hardly_moves": speed < 0.2,
            "lively": speed > 0.6,
            "legs_busy": float(self.speeds[:, limbs[1::2]].mean(axis=0).max()) > 0.2
            if len(self.speeds)
            else False,
            "feet_move": float(np.linalg.norm(np.ptp(feet, axis=0), axis=1).max()) > 0.2 * self.leg,
        }
        return [name for name, there in signs.items() if there]

    def trunk(self) -> list[str]:
        head = _unit(self.at("head") - self.at("neck"))
        nods = np.degrees(np.arcsin(np.clip(np.sum(head * self.ahead, axis=1), -1, 1)))
        sways = np.degrees(np.arcsin(np.clip(np.sum(head * self.across, axis=1), -1, 1)))
        ahead = self.up[:, 0] * self.facing[:, 0] + self.up[:, 2] * self.facing[:, 1]
        aside = self.up[:, 0] * self.facing[:, 1] - self.up[:, 2] * self.facing[:, 0]
        pitch = np.degrees(np.arctan2(ahead, self.up[:, 1]))
        roll = np.degrees(np.arcsin(np.clip(aside, -1, 1)))
        upright, inverts = self.tilt.max() < 100, self.seen(self.tilt > 115)
        hips, across = (self.at(f"left_{name}") - self.at(f"right_{name}") for name in ("hip", "shoulder"))
        yaw = np.degrees(
            np.unwrap(np.arctan2(-across[:, 2], across[:, 0]) - np.arctan2(-hips[:, 2], hips[:, 0]))
        )
        shrug = np.sum(
            (self.at("left_shoulder") + self.at("right_shoulder") - 2 * self.at("spine3")) * self.up, axis=1
        )
        above = (self.ground - self.ground.min()) / self.leg
        bows = bool(upright and np.ptp(pitch) > 25 and pitch.max() - max(pitch[0], pitch[-1]) > 15)
        wide = max(round(0.25 * self.fps), 1)
        jolt = float(np.abs(pitch[wide:] - pitch[:-wide]).max()) if len(pitch) > wide else 0.0
        signs = {
            "head_nods": bool(np.ptp(nods) > max(4.0, float(np.ptp(sways)))),
            "head_turns": bool(np.ptp(sways) > 4.0),
            "shoulders_rise": float(np.ptp(shrug)) / 2 > 0.035 * self.leg,
            "twists": bool(upright and np.ptp(yaw) > 40 and self.turns(yaw, 25.0) >= 1),
            "bends_sideways": bool(upright and np.ptp(roll) > 20),
            "bows": bows,
            "no_bows": not bows,
            "leans_forward": _mostly((pitch > 22) & (pitch < 110)),
            "leans_back": _mostly((pitch < -10) & (pitch > -60)),
            "jolts": bool(upright and jolt > 12),
            "inverts": inverts,
            "no_inverts": not inverts,
            "inverts_on_floor": self.seen((self.tilt > 105) & (above < 0.2)),
            "inverts_in_air": self.seen((self.tilt > 105) & (above > 0.35)),
            "straight": not _mostly(pitch > 22),
        }
        return [name for name, there in signs.items() if there]

    # Legs

    def _knee_down(self, side: str) -> Bools:
        knee = (self.at(f"{side}_knee")[:, 1] - self.ground) / self.leg
        over = (self.at("pelvis")[:, 1] - self.at(f"{side}_knee")[:, 1]) / self.leg
        down: Bools = (knee < 0.16) & (over > 0.2) & (self.tilt < 80)
        return down

    def legs(self) -> list[str]:
        feet = np.stack([self.at(f"{side}_ankle") for side in SIDES], axis=1) - self.at("pelvis")[:, None]
        along = feet[..., 0] * self.facing[:, None, 0] + feet[..., 2] * self.facing[:, None, 1]
        sideways = np.linalg.norm(self.at("left_ankle") - self.at("right_ankle"), axis=1) / self.leg
        speed, flight, cadence = self._treads(along / self.leg, feet[..., 1] / self.leg)
        sweeps, upright = speed > 0.2, float((self.tilt < 60).mean()) > 0.7
        runs = sweeps and (speed > 1.9 or flight > 0.4)
        steps = not sweeps and cadence > 0
        high = [self.reach(side)[0][:, 2] for side in SIDES]
        walks = upright and ((sweeps and not runs) or (steps and cadence < 2.2))
        runs = upright and (runs or (steps and cadence >= 2.2))
        signs = {
            "treads_walk": walks,
            "treads_run": runs,
            "treads": walks or runs,
            "no_treads": not (walks or runs),
            "spreads": bool(np.ptp(sideways) > 0.35 and min(np.ptp(one) for one in high) > 0.9),
        }
        return [name for name, there in signs.items() if there]

    def _treads(self, along: Floats, high: Floats) -> tuple[float, float, float]:
        """Of a body on the spot: metres a second (of a grown one) that its standing foot is swept back at, or
        forward; the share of the time that no foot is down; and, where it steps, steps a second.

        All 0 where the pelvis gets anywhere, or the feet do not take turns.
        """
        none = 0.0, 0.0, 0.0
        pelvis = self.at("pelvis")[:, [0, 2]]
        if len(along) < 5 or float(np.linalg.norm(pelvis - pelvis[0], axis=1).max()) / self.leg > 0.5:
            return none
        apart = along[:, 0] - along[:, 1]
        lifts, passes = self.turns(high[:, 0] - high[:, 1], 0.1), self.turns(apart, 0.25)
        seconds = len(along) / self.fps
        down = high.min(axis=1) < np.percentile(high, 5) + 0.08
        lower = np.argmin(high, axis=1)
        stays = (lower[1:] == lower[:-1]) & down[1:]
        moved = np.diff(along, axis=0) * self.fps
        swept = -moved[np.arange(len(moved)), lower[1:]][stays]
        # One round of a loop, or several steps: a single step is no gait.
        again = passes >= 3 or abs(apart[-1] - apart[0]) < 0.3 * np.ptp(apart)
        if passes and lifts and again and abs(swept.sum()) > 0.7 * np.abs(swept).sum():
            speed = abs(float(swept.mean())) * HUMAN_LEG
            return speed, float(1 - down.mean()), 0.0
        if lifts >= 4 and np.ptp(high, axis=0).min() > 0.1 and float((self.high > 0.8).mean()) > 0.9:
            return 0.0, 0.0, (lifts + 1) / seconds
        return none

    # Low down

    def floor(self) -> list[str]:
        facing = self.ahead[:, 1]
        level = self.tilt > 60
        low = self.high < 0.5
        knees = [self._knee_down(side) for side in SIDES]
        hands = [
            (self.at(f"{side}_shoulder")[:, 1] - self.at(f"{side}_wrist")[:, 1]) / self.leg for side in SIDES
        ]
        elbows = [
            (self.at(f"{side}_shoulder")[:, 1] - self.at(f"{side}_elbow")[:, 1]) / self.leg for side in SIDES
        ]
        on_hands = np.minimum(*hands) > 0.3
        on_elbows = np.minimum(*elbows) > 0.22
        chest = (self.at("neck")[:, 1] - self.ground) / self.leg
        prone = level & (facing < -0.5)
        supine = level & (facing > 0.5)
        # Who sits on nothing falls over, unless the feet are below.
        middle = (self.at("left_ankle") + self.at("right_ankle")) / 2 - self.at("pelvis")
        behind = (middle[:, 0] * self.facing[:, 0] + middle[:, 2] * self.facing[:, 1]) / self.leg
        strokes = min(float(np.ptp(self.reach(side)[0][:, 2])) for side in SIDES)
        swims = float(prone.mean()) > 0.6 and strokes > 0.8 and not _mostly(on_hands | on_elbows)
        limbs = [AT[f"{side}_{limb}"] for side in SIDES for limb in ("wrist", "ankle")]
        speed = float(self.speeds[:, limbs].mean()) if len(self.speeds) else 0.0
        feet_apart = np.linalg.norm(self.at("left_ankle") - self.at("right_ankle"), axis=1) / self.leg
        sits = (self.high < 0.35) & (self.tilt < 45)
        knee_high = np.minimum(*((self.at(f"{side}_knee")[:, 1] - self.ground) / self.leg for side in SIDES))
        signs = {
            "kneels": self.seen(knees[0] | knees[1]),
            "kneels_on": _mostly(knees[0] | knees[1]),
            "no_kneels": not _mostly(knees[0] | knees[1]),
            "trunk_rises": _mostly(low) and bool(np.ptp(self.tilt) > 35),
            "squats": _mostly((self.high < 0.75) & ~(knees[0] | knees[1]) & ~prone & ~supine & ~sits),
            "gets_low": self.seen(self.high < 0.4),
            "off_floor": not self.seen(self.high < 0.4),
            "sits_low": _mostly(sits),
            "seated": self.seen(behind > 0.3),
            "cross_legged": _mostly(sits & (feet_apart < 0.55) & (knee_high < 0.35)),
            "lies_prone": _mostly(prone & low),
            "no_prone": not _mostly(prone),
            "lies_supine": _mostly(supine & low),
            "supports": _mostly(prone & (on_hands | on_elbows) & ~(knees[0] | knees[1])),
            "pumps": bool(float(prone.mean()) > 0.6 and self.seen(on_hands) and np.ptp(chest) > 0.15),
            "strokes": swims,
            "no_strokes": not swims,
            "prone_active": float(prone.mean()) > 0.6 and speed > 0.35,
        }
        return [name for name, there in signs.items() if there]


def _mostly(on: Bools) -> bool:
    return float(on.mean()) > MOSTLY


def _unit(vectors: Floats) -> Floats:
    units: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return units
