"""Merge keys into curves that are there: within a range they change, outside of it they stay as they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import bpy
import numpy as np
from numpy.typing import NDArray

from motionary import rotation
from motionary.errors import MotionaryError
from motionary.rig_solve import rotation_channels

from .actions import CONSTANT, LINEAR, Bag, Channels

__all__ = ["Curve", "merged_curves", "write_merged"]

Floats: TypeAlias = NDArray[np.float64]
Keys: TypeAlias = NDArray[Any]

KEY = np.dtype(
    [
        ("co", np.float32, (2,)),
        ("handle_left", np.float32, (2,)),
        ("handle_right", np.float32, (2,)),
        ("handle_left_type", np.int32),
        ("handle_right_type", np.int32),
        ("interpolation", np.int32),
        ("easing", np.int32),
        ("back", np.float32),
        ("amplitude", np.float32),
        ("period", np.float32),
        ("type", np.int32),
    ]
)
"""All that a keyframe is made of."""

TURN = 2 * np.pi

FREE, BEZIER = 0, 2
"""A handle that no neighbour moves, and an interpolation, as Blender numbers them."""

NEAR = 1e-3
"""Frames within which two keys are at the same time."""


@dataclass(frozen=True, eq=False)
class Curve:
    """The keys that a curve is to have."""

    path: str
    index: int
    group: str
    keys: Keys


def merged_curves(
    owner: bpy.types.Object,
    bag: Bag | None,
    channels: Sequence[Channels],
    start: int,
    blend_in: int,
    blend_out: int,
) -> list[Curve]:
    """The curves of ``bag`` with ``channels`` in them from frame ``start`` on, in place of the keys there.

    Over blend_in frames at the beginning and blend_out at the end they are crossfaded with what plays there
    now: the curve that is there, or the value that the property has. One frame before and one after, a key
    holds what played; beyond these a curve evaluates as before. (Where a segment is cut that has an ease, or
    handles that overlap, that holds on every frame but not between.) Nothing is written.
    Raises MotionaryError for a curve that cannot be cut: one that repeats, or that has samples for keys.
    """
    result = []
    for channel in channels:
        curves = {i: bag.fcurves.find(channel.path, index=i) if bag else None for i in channel.written}
        with _bare(owner, [curve for curve in curves.values() if curve]):
            times, values, leaps = _blended(owner, bag, channel, start, blend_in, blend_out)
            for index, curve in curves.items():
                made = _straight(start + times, values[:, index])
                if channel.constant:
                    made["interpolation"] = CONSTANT
                elif leaps:
                    made["interpolation"][-1] = CONSTANT
                held = float(_value(owner, channel)[index])
                keys = _around(curve, made) if curve else _holding(held, made)
                result.append(Curve(channel.path, index, channel.group, keys))
    return result


def write_merged(bag: Bag, curves: Sequence[Curve]) -> None:
    """Give the curves of ``bag`` their merged keys."""
    for merged in curves:
        curve = bag.fcurves.find(merged.path, index=merged.index)
        if not curve:
            curve = bag.fcurves.new(merged.path, index=merged.index)
            curve.group = bag.groups.get(merged.group) or bag.groups.new(merged.group)
        curve.keyframe_points.clear()
        curve.keyframe_points.add(len(merged.keys))
        for field in KEY.names or ():
            curve.keyframe_points.foreach_set(field, np.ascontiguousarray(merged.keys[field]).ravel())
        curve.update()


@contextmanager
def _bare(owner: bpy.types.Object, curves: Sequence[bpy.types.FCurve]) -> Iterator[None]:
    """The curves as their keys make them: what modifiers add, they will add to the merged keys too."""
    active = []
    for curve in curves:
        where = f"{owner.name!r}: curve {curve.data_path} [{curve.array_index}]"
        cure = "put the clip on an NLA strip"
        if len(curve.sampled_points):
            raise MotionaryError(f"{where} has samples instead of keys; {cure}, or turn them into keyframes")
        for modifier in curve.modifiers:
            if modifier.type == "CYCLES" and not modifier.mute:
                raise MotionaryError(f"{where} repeats, and keys would change it everywhere; {cure}")
            if not modifier.mute:
                active.append(modifier)
    try:
        for modifier in active:
            modifier.mute = True
        yield
    finally:
        for modifier in active:
            modifier.mute = False


# What is to play


def _blended(
    owner: bpy.types.Object, bag: Bag | None, channel: Channels, start: int, blend_in: int, blend_out: int
) -> tuple[NDArray[np.int64], Floats, bool]:
    """Times and values (K, C) of the keys to write, crossfaded; and whether they end a whole turn away from
    what goes on after them, so that the way there is none to show."""
    times, values = channel.times, channel.values
    if channel.constant:
        return times, values, False
    count = int(times[-1]) + 1
    values = np.stack([np.interp(np.arange(count), times, v) for v in values.T], axis=1)
    weights = _weights(count, blend_in, blend_out)
    faded = np.union1d([0, count - 1], np.flatnonzero(weights < 1.0))
    old = _played(owner, bag, channel, start + faded)
    values = _near(channel.path, old[0], values)
    values[faded] = _crossfaded(channel.path, old, values[faded], weights[faded, None])
    kept = np.union1d(times, faded)
    return kept, values[kept], _is_turned(channel.path, old[-1], values[-1])


def _weights(count: int, blend_in: int, blend_out: int) -> Floats:
    """How much each of ``count`` frames shows the clip: it rises at the beginning and falls at the end."""
    frames = np.arange(count)
    rising = np.clip((frames + 1) / (blend_in + 1), 0.0, 1.0)
    falling = np.clip((count - frames) / (blend_out + 1), 0.0, 1.0)
    part = np.minimum(rising, falling)
    weights: Floats = part * part * (3.0 - 2.0 * part)
    return weights


def _value(owner: bpy.types.Object, channel: Channels) -> Floats:
    """What the property is now, where no curve says."""
    value = owner.path_resolve(channel.path)
    return np.atleast_1d(np.array(value, np.float64))


def _played(owner: bpy.types.Object, bag: Bag | None, channel: Channels, frames: NDArray[np.int64]) -> Floats:
    """What plays now at ``frames``: (F, C)."""
    played = np.tile(_value(owner, channel), (len(frames), 1))
    for index in range(played.shape[1]):
        curve = bag.fcurves.find(channel.path, index=index) if bag else None
        if curve is not None and not curve.is_empty:
            played[:, index] = [curve.evaluate(float(frame)) for frame in frames]
    return played


def _near(path: str, old: Floats, new: Floats) -> Floats:
    """The turns ``new`` (T, C) in numbers that begin as near ``old`` (C,) as they can.

    All by one sign, and by one number of whole turns: where neighbours differ in that, it is seen between.
    """
    if path.endswith("rotation_quaternion"):
        return new if old @ new[0] >= 0 else -new
    turns = np.round((old - new[0]) / TURN) if path.endswith("rotation_euler") else np.zeros(new.shape[1])
    near: Floats = new + TURN * turns
    return near


def _crossfaded(path: str, old: Floats, new: Floats, weights: Floats) -> Floats:
    """From ``old`` (T, C) to ``new``: turns by the shorter way."""
    if path.endswith("rotation_quaternion"):
        old = np.where(np.sum(old * new, axis=1, keepdims=True) < 0, -old, old)
        return rotation.normalize(old * (1 - weights) + new * weights)
    if path.endswith("rotation_axis_angle"):
        before, after = (rotation.from_axis_angle(_unit(v[:, 1:]), v[:, 0]) for v in (old, new))
        turns = _crossfaded("rotation_quaternion", before, after, weights)
        _, faded = rotation_channels(turns, "AXIS_ANGLE")
        return np.where(weights < 1.0, faded, new)
    if path.endswith("rotation_euler"):
        old = old + TURN * np.round((new - old) / TURN)
    mixed: Floats = old * (1 - weights) + new * weights
    return mixed


def _unit(vectors: Floats) -> Floats:
    unit: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return unit


def _is_turned(path: str, old: Floats, new: Floats) -> bool:
    """Whether ``new`` (C,) is the turn ``old`` in other numbers, or near it."""
    if path.endswith("rotation_quaternion"):
        return bool(old @ new < 0)
    return path.endswith("rotation_euler") and bool(np.abs(new - old).max() > np.pi)


# Keys


def _straight(frames: NDArray[Any], values: Floats) -> Keys:
    """Keys with straight lines between them."""
    keys = np.zeros(len(frames), KEY)
    keys["co"] = np.column_stack([frames, values])
    keys["handle_left"] = keys["handle_right"] = keys["co"]
    keys["handle_left_type"] = keys["handle_right_type"] = FREE
    keys["interpolation"] = LINEAR
    return keys


def _holding(value: float, made: Keys) -> Keys:
    """``made`` between two keys of ``value``."""
    before, after = _straight(made["co"][[0, -1], 0] + [-1.0, 1.0], np.array([value, value]))[:, None]
    before["interpolation"] = made["interpolation"][0]
    return np.concatenate([before, made, after])


def _around(curve: bpy.types.FCurve, made: Keys) -> Keys:
    """The keys of ``curve`` with ``made`` in place of those in its range, and one on either side of it."""
    if not len(curve.keyframe_points):
        return _holding(curve.evaluate(0.0), made)
    first, last = made["co"][0, 0] - 1.0, made["co"][-1, 0] + 1.0
    there = _read(curve)
    keys = _divided(curve, _divided(curve, there, first), last)
    before, after = keys[keys["co"][:, 0] <= first + NEAR], keys[keys["co"][:, 0] >= last - NEAR]
    if curve.extrapolation == "LINEAR":
        # Beyond the last of all keys it goes on by that key's handle or by the line through the last two.
        if len(before) == 1 or before[0]["interpolation"] != there[0]["interpolation"]:
            before = np.concatenate([_evaluated(curve, [before[0]["co"][0] - 1.0]), before])
        if not np.array_equal(after[-2:]["co"], there[-2:]["co"]):
            after[-1]["interpolation"] = LINEAR
            after = np.concatenate([after, _evaluated(curve, [after[-1]["co"][0] + 1.0])])
    before[-1]["interpolation"] = made["interpolation"][0]
    return np.concatenate([before, made, after])


def _evaluated(curve: bpy.types.FCurve, frames: Sequence[float] | Floats) -> Keys:
    return _straight(np.asarray(frames), np.array([curve.evaluate(float(frame)) for frame in frames]))


def _divided(curve: bpy.types.FCurve, keys: Keys, frame: float) -> Keys:
    """``keys`` with one at ``frame`` that leaves the shape of ``curve`` as it is, whatever is beyond it."""
    keys, frames = keys.copy(), keys["co"][:, 0]
    at = int(np.searchsorted(frames, frame - NEAR))
    if at < len(keys) and frames[at] <= frame + NEAR:
        beside, new = slice(at, at + 1), keys[:0]
    else:
        # Automatic handles would move with the new neighbour, and the curve with them.
        beside, new = slice(max(at - 1, 0), at + 1), _evaluated(curve, [frame])
        if at == len(keys):
            keys[-1]["interpolation"] = LINEAR
        elif at > 0:
            kind = keys[at - 1]["interpolation"]
            cut = _cut(keys[at - 1], keys[at], frame) if kind == BEZIER else None
            if cut is not None:
                keys[at - 1], new[0], keys[at] = cut
            elif kind in (CONSTANT, LINEAR):
                new["interpolation"] = kind
            else:  # an ease has no shorter ease that is its half
                new = _evaluated(curve, np.arange(np.floor(frames[at - 1]) + 1, np.ceil(frames[at])))
                keys[at - 1]["interpolation"] = LINEAR
    keys["handle_left_type"][beside] = keys["handle_right_type"][beside] = FREE
    return np.insert(keys, at, new)


def _cut(left: Keys, right: Keys, frame: float) -> tuple[Keys, Keys, Keys] | None:
    """Two keys with a Bezier segment between them, and the key at ``frame`` that makes it two (de Casteljau).

    None where handles are longer than Blender would let them be in the halves.
    """
    left, right, middle = left.copy(), right.copy(), np.zeros((), KEY)
    a, d = left["co"].astype(np.float64), right["co"].astype(np.float64)
    length = d[0] - a[0]
    # Blender shortens a handle to the length of the segment.
    b, c = (
        end + handle * min(1.0, length / max(abs(handle[0]), 1e-12))
        for end, handle in ((a, left["handle_right"] - a), (d, right["handle_left"] - d))
    )
    low, high = 0.0, 1.0
    for _ in range(60):
        part = (low + high) / 2
        ab, bc, cd = (p + (q - p) * part for p, q in ((a, b), (b, c), (c, d)))
        abc, bcd = ab + (bc - ab) * part, bc + (cd - bc) * part
        at = abc + (bcd - abc) * part
        low, high = (part, high) if at[0] < frame else (low, part)
    if ab[0] > frame or abc[0] < a[0] or cd[0] < frame or bcd[0] > d[0]:
        return None
    left["handle_right"], right["handle_left"] = ab, cd
    middle["co"], middle["handle_left"], middle["handle_right"] = (frame, at[1]), abc, bcd
    middle["interpolation"] = BEZIER
    return left, middle, right


def _read(curve: bpy.types.FCurve) -> Keys:
    keys = np.zeros(len(curve.keyframe_points), KEY)
    for field in KEY.names or ():
        values = np.empty(keys[field].size, keys[field].dtype)
        curve.keyframe_points.foreach_get(field, values)
        keys[field] = values.reshape(keys[field].shape)
    return keys
