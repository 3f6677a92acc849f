"""Feet that stay where they stand: a foot on the ground is held, and its leg reaches for it.

A body of other proportions than the performer's, or a capture with noise in it, lets planted feet slide.
Where a heel or the ball of a foot is in contact it is held in one place, the ankle's path is bent to that
within a few frames before and after, and thigh and shin are turned to reach it: two bones in closed form, in
the plane that they lie in. Where a straight leg is too short, the hips come down to it a little. Only turns
of FK controls and the hips change, so the result is edited like any other.

Frame: Blender's world, Z up, in the scene's units; quaternions wxyz.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from motionary import rotation
from motionary.contacts import stretches
from motionary.rig_solve import Pose, Target, first_heads, posed_again
from motionary.stance import SIDES, leg_length

__all__ = ["plant_feet", "slide"]

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]

BLEND_S = 0.15
"""Seconds over which a foot comes from its own path to where it is held, and back."""

SUNKEN = 0.15
"""Leg lengths: feet that go deeper than this are meant to, down a stair or a slope."""

STRAIGHT = 0.9998
"""Of a leg's length: how far it reaches. A knee that is quite straight would not know which way to bend."""

LOWERED = 0.06
"""Leg lengths: how far the hips come down at most, so that a leg reaches where its foot stands."""

POLE = 0.02
"""Thigh lengths: a knee less bent than about this bends forward."""


def plant_feet(
    pose: Pose, target: Target, fps: float, contacts: Bools | None, *, floor: bool, height: float = 0.0
) -> Pose:
    """``pose`` with its feet held.

    contacts: (T, 2, 2) bool of left and right, ankle and foot (the ball of the foot), None to hold none.
    floor: lift what is below the floor: where the feet are as the character stands, and ``height`` higher.
    """
    soles = first_heads(target.rig, target.stance)
    blend = max(round(BLEND_S * fps), 1)
    leg = leg_length(soles)
    goals, turned = {}, {}
    for number, side in enumerate(SIDES):
        ankle, sole = pose.head(f"{side}_ankle"), _sole(pose, side)
        moved, turn = np.zeros_like(ankle), np.tile(rotation.IDENTITY, (len(ankle), 1))
        if contacts is not None:
            heel, ball = contacts[:, number, 0], contacts[:, number, 1]
            if not sole.any():
                heel, ball = heel | ball, np.zeros_like(ball)
            moved, turn = _held(ankle, sole, heel, ball, blend)
        if floor:
            sunk = height + soles[f"{side}_ankle"][2] - (ankle + moved)[:, 2]
            if sole.any():
                toes = ankle + moved + rotation.rotate(turn, sole)
                sunk = np.maximum(sunk, height + soles[f"{side}_foot"][2] - toes[:, 2])
            if sunk.max() < SUNKEN * leg:
                moved[:, 2] += np.maximum(sunk, 0.0)
        goals[side], turned[side] = ankle + moved, turn

    lowered = np.zeros((pose.hips.shape[0], 3))
    if contacts is not None:
        down = contacts.any(axis=2)
        missing = [_missing(pose, side, goals[side], down[:, n]) for n, side in enumerate(SIDES)]
        lowered[:, 2] = -_eased(np.minimum(np.maximum(*missing), LOWERED * leg), blend)
    turns = pose.turns.copy()
    across = pose.head("left_hip") - pose.head("right_hip")
    for side in SIDES:
        hip, knee, ankle = (pose.head(f"{side}_{joint}") + lowered for joint in ("hip", "knee", "ankle"))
        thigh, shin = _reach(hip, knee, ankle, goals[side], across)
        still = np.abs(goals[side] - ankle).max(axis=1) < 1e-9 * leg
        thigh[still], shin[still] = rotation.IDENTITY, rotation.IDENTITY
        turn = turned[side]
        for joint, added in (("hip", thigh), ("knee", shin), ("ankle", turn), ("foot", turn)):
            for k, name in enumerate(pose.joints):
                if name == f"{side}_{joint}":
                    turns[:, k] = rotation.multiply(added, turns[:, k])
    return posed_again(replace(pose, hips=pose.hips + lowered), target, turns)


def _sole(pose: Pose, side: str) -> Floats:
    """From the ankle to the ball of the foot (T, 3); zeros for a foot without one."""
    ankle = pose.head(f"{side}_ankle")
    return pose.head(f"{side}_foot") - ankle if f"{side}_foot" in pose.joints else np.zeros_like(ankle)


def _missing(pose: Pose, side: str, goal: Floats, down: Bools) -> Floats:
    """How much lower (T,) the hips must be for the leg to reach ``goal``, while its foot is down."""
    hip, knee, ankle = (pose.head(f"{side}_{joint}") for joint in ("hip", "knee", "ankle"))
    length = STRAIGHT * (np.linalg.norm(knee - hip, axis=1) + np.linalg.norm(ankle - knee, axis=1))
    aim = goal - hip
    left = length**2 - np.sum(aim[:, :2] ** 2, axis=1)
    missing: Floats = np.where(down & (left > 0), -aim[:, 2] - np.sqrt(np.maximum(left, 0.0)), 0.0)
    return np.maximum(missing, 0.0)


def _eased(values: Floats, reach: int) -> Floats:
    """At least ``values`` (T,) and smooth over ``reach`` frames: the largest nearby, averaged as far."""
    if not values.any():
        return values
    wide = sliding_window_view(np.pad(values, 2 * reach, mode="edge"), 2 * reach + 1).max(axis=1)
    window = np.hanning(2 * reach + 3)[1:-1]
    return np.convolve(wide, window / window.sum(), mode="valid")


def slide(pose: Pose, contacts: Bools, fps: float) -> float:
    """How far feet slide over the ground while they stand on it: the scene's units a second of contact.

    Of each foot the heel's way where the heel is down, the ball's where only that is; ``contacts`` as above.
    """
    way = frames = 0.0
    for number, side in enumerate(SIDES):
        heel = contacts[:, number, 0]
        down = {"ankle": heel, "foot": contacts[:, number, 1] & ~heel}
        for joint, on in down.items():
            if f"{side}_{joint}" in pose.joints:
                both = on[1:] & on[:-1]
                steps = np.linalg.norm(np.diff(pose.head(f"{side}_{joint}")[:, :2], axis=0), axis=1)
                way += float(steps[both].sum())
                frames += float(both.sum())
    return way * fps / frames if frames else 0.0


def _held(ankle: Floats, sole: Floats, heel: Bools, ball: Bools, blend: int) -> tuple[Floats, Floats]:
    """What to add to the ankle (T, 3) and to turn the foot by (T, 4) so that what is down stays in place.

    sole: from the ankle to the ball of the foot. heel, ball: (T,) whether they are down. Each stretch of
    contact is held where that moves the foot least.
    """
    moved, turned = np.zeros_like(ankle), np.tile(rotation.IDENTITY, (len(ankle), 1))
    held = stretches(heel | ball)
    for start, end in held:
        delta, spin = np.zeros(3), rotation.IDENTITY
        heel_at = ball_at = None
        for first, last in _phases(heel, ball, start, end):
            part = slice(first, last)
            fading = (blend / (blend + 1.0)) ** np.arange(1, last - first + 1)
            turned[part] = rotation.slerp(rotation.IDENTITY, spin, fading)
            if heel[first]:
                heel_at = ankle[first] + delta if heel_at is None else heel_at
                moved[part] = heel_at - ankle[part]
                if ball[first]:
                    if ball_at is None:
                        ball_at = heel_at + rotation.rotate(turned[first], sole[first])
                    turned[part] = rotation.between(sole[part], ball_at - heel_at)
                else:
                    ball_at = None
            else:
                heel_at = None
                if ball_at is None:
                    ball_at = ankle[first] + delta + rotation.rotate(turned[first], sole[first])
                moved[part] = ball_at - rotation.rotate(turned[part], sole[part]) - ankle[part]
            delta, spin = moved[last - 1], turned[last - 1]
        moved[start:end] -= moved[start:end].mean(axis=0)
    edges = [(0, 0), *held, (len(ankle), len(ankle))]
    for (_, start), (end, _) in pairwise(edges):
        _bridge(moved, turned, start, end, blend)
    return moved, turned


def _phases(heel: Bools, ball: Bools, start: int, end: int) -> list[tuple[int, int]]:
    """Frames [start, end) in ranges over which heel and ball stay down or up."""
    changes = np.flatnonzero(np.diff(heel[start:end] * 2 + ball[start:end])) + start + 1
    return list(pairwise([start, *changes.tolist(), end]))


def _bridge(moved: Floats, turned: Floats, start: int, end: int, blend: int) -> None:
    """Fill frames [start, end) with what fades from the frame before them and into the frame after."""
    count = end - start
    if count == 0:
        return
    steps = min(blend, count)
    away = np.arange(1, count + 1)
    for edge, distance in ((start - 1, away), (end, away[::-1])):
        if not 0 <= edge < len(moved):
            continue
        part = np.clip(distance / (steps + 1), 0.0, 1.0)
        weight = 1.0 - part * part * (3.0 - 2.0 * part)
        moved[start:end] += weight[:, None] * moved[edge]
        faded = rotation.slerp(rotation.IDENTITY, turned[edge], weight)
        turned[start:end] = rotation.multiply(faded, turned[start:end])


def _reach(hip: Floats, knee: Floats, ankle: Floats, goal: Floats, across: Floats) -> tuple[Floats, Floats]:
    """World turns (T, 4) of thigh and shin that bring the ankle to ``goal``, or as near as the leg is long.

    across: from the right hip to the left one. Law of cosines in the plane of the leg; as the plane of a
    straight leg is no more than a guess, the second and third round take away what that leaves.
    """
    upper, lower = knee - hip, ankle - knee
    a, b = np.linalg.norm(upper, axis=1), np.linalg.norm(lower, axis=1)
    aim = goal - hip
    length = np.clip(np.linalg.norm(aim, axis=1), 1.001 * np.abs(a - b) + 1e-9, STRAIGHT * (a + b))
    thigh = shin = np.tile(rotation.IDENTITY, (len(hip), 1))
    for _ in range(3):
        along = _unit(upper + lower)
        aside = upper - np.sum(upper * along, axis=1, keepdims=True) * along
        forward = _unit(np.cross(across, -along))
        axis = _unit(np.cross(along, aside + POLE * a[:, None] * forward))
        now = np.linalg.norm(upper + lower, axis=1)
        bend_up = rotation.from_axis_angle(axis, _corner(a, length, b) - _corner(a, now, b))
        bend_down = rotation.from_axis_angle(axis, _corner(b, now, a) - _corner(b, length, a))
        upper, lower = rotation.rotate(bend_up, upper), rotation.rotate(bend_down, lower)
        swing = rotation.between(upper + lower, aim)
        upper, lower = rotation.rotate(swing, upper), rotation.rotate(swing, lower)
        thigh = rotation.multiply(rotation.multiply(swing, bend_up), thigh)
        shin = rotation.multiply(rotation.multiply(swing, bend_down), shin)
    return thigh, shin


def _corner(a: Floats, b: Floats, opposite: Floats) -> Floats:
    """The angle between sides ``a`` and ``b`` of a triangle."""
    cosine = (a * a + b * b - opposite * opposite) / np.maximum(2.0 * a * b, 1e-12)
    angle: Floats = np.arccos(np.clip(cosine, -1.0, 1.0))
    return angle


def _unit(v: Floats) -> Floats:
    unit: Floats = v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-12)
    return unit
