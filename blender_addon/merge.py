"""Merge keys into curves that are there: within a range they change, outside of it they stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import bpy
import numpy as np
from numpy.typing import NDArray

from .actions import LINEAR, Bag, Channels, write_curves

__all__ = ["merge_curves"]

Floats: TypeAlias = NDArray[np.float64]

KEY_FIELDS = {
    "co": (2, np.float32),
    "handle_left": (2, np.float32),
    "handle_right": (2, np.float32),
    "handle_left_type": (1, np.int32),
    "handle_right_type": (1, np.int32),
    "interpolation": (1, np.int32),
    "easing": (1, np.int32),
    "back": (1, np.float32),
    "amplitude": (1, np.float32),
    "period": (1, np.float32),
    "type": (1, np.int32),
}
"""All that a keyframe is made of, by its width and kind."""

FREE = 0
"""Of handle types, as numbered by Blender: one that no neighbour moves."""


def merge_curves(
    owner: bpy.types.Object, bag: Bag, channels: Sequence[Channels], start: int, blend_in: int, blend_out: int
) -> None:
    """Put ``channels`` into ``bag`` from frame ``start`` on, in place of the keys that it has there.

    Over blend_in frames at the beginning and blend_out at the end they are crossfaded with what plays there
    now: the curve that is there, or the value that the property has. One frame before and one after, a key
    holds what played; beyond these a curve evaluates as before.
    """
    for channel in channels:
        times = channel.times
        count = int(times[-1]) + 1
        if channel.constant:
            values, kept = channel.values, times
        else:
            values = np.stack([np.interp(np.arange(count), times, v) for v in channel.values.T], axis=1)
            old = _played(owner, bag, channel, start + np.arange(count))
            weights = _weights(count, blend_in, blend_out)[:, None]
            values = _crossfaded(channel.path, old, values, weights)
            blended = np.flatnonzero(weights[:, 0] < 1.0)
            kept = np.unique(np.concatenate([times, blended]))
            values = values[kept]
        for index in channel.written:
            _replace(owner, bag, channel, index, start, kept, values[:, index])


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


def _played(owner: bpy.types.Object, bag: Bag, channel: Channels, frames: NDArray[np.int64]) -> Floats:
    """What plays now at ``frames``: (F, C)."""
    played = np.tile(_value(owner, channel), (len(frames), 1))
    for index in range(played.shape[1]):
        curve = bag.fcurves.find(channel.path, index=index)
        if curve is not None:
            played[:, index] = [curve.evaluate(float(frame)) for frame in frames]
    return played


def _crossfaded(path: str, old: Floats, new: Floats, weights: Floats) -> Floats:
    """From ``old`` (T, C) to ``new``: quaternions by the shorter way, angles by whole turns."""
    if path.endswith("rotation_quaternion"):
        new = np.where(np.sum(old * new, axis=1, keepdims=True) < 0, -new, new)
        mixed = old * (1 - weights) + new * weights
        unit: Floats = mixed / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-9)
        return unit
    if path.endswith("rotation_euler"):
        new = new + 2 * np.pi * np.round((old[0] - new[0]) / (2 * np.pi))
    faded: Floats = old * (1 - weights) + new * weights
    return faded


def _replace(
    owner: bpy.types.Object,
    bag: Bag,
    channel: Channels,
    index: int,
    start: int,
    times: NDArray[np.int64],
    values: Floats,
) -> None:
    """Put keys ``values`` at ``start + times`` into one curve, and keep what it does outside of them."""
    first, last = start + int(times[0]), start + int(times[-1])
    curve = bag.fcurves.find(channel.path, index=index)
    if curve is None or not len(curve.keyframe_points):
        held = float(_value(owner, channel)[index])
        edges = Channels(
            channel.path,
            np.full((2, index + 1), held),
            channel.group,
            (index,),
            np.array([0, last - first + 2]),
        )
        write_curves(bag, [edges], first - 1)
        curve = bag.fcurves.find(channel.path, index=index)
        assert curve is not None
    for frame in (first - 1, last + 1):
        _split(curve, frame)
    keys = _read(curve)
    frames = keys["co"][:, 0]
    inside = (frames >= first - 0.5) & (frames <= last + 0.5)
    outside = {field: of_each[~inside] for field, of_each in keys.items()}
    made = {field: np.zeros((len(times), width), kind) for field, (width, kind) in KEY_FIELDS.items()}
    made["co"] = np.column_stack([start + times, values]).astype(np.float32)
    for side in ("handle_left", "handle_right"):
        made[side] = made["co"].copy()
        made[f"{side}_type"][:] = FREE
    made["interpolation"][:] = 0 if channel.constant else LINEAR
    # The key before leads straight into the first of these; it has no bend of its own any more.
    before = np.flatnonzero(outside["co"][:, 0] < first)[-1]
    outside["interpolation"][before] = made["interpolation"][0]
    merged = {field: np.concatenate([outside[field], made[field]]) for field in KEY_FIELDS}
    order = np.argsort(merged["co"][:, 0], kind="stable")
    _write(curve, {field: of_each[order] for field, of_each in merged.items()})


def _split(curve: bpy.types.FCurve, frame: int) -> None:
    """Give ``curve`` a key at ``frame`` that changes nothing of its shape."""
    points = curve.keyframe_points
    at = [point.co[0] for point in points]
    if any(abs(there - frame) < 1e-3 for there in at):
        return
    # Automatic handles would move when a neighbour comes, and the curve with them.
    after = int(np.searchsorted(at, frame))
    for neighbour in (after - 1, after):
        if 0 <= neighbour < len(points):
            points[neighbour].handle_left_type = "FREE"
            points[neighbour].handle_right_type = "FREE"
    linear = 0 < after < len(points) and points[after - 1].interpolation != "BEZIER"
    kind = points[after - 1].interpolation if after > 0 else "LINEAR"
    key = points.insert(frame, curve.evaluate(float(frame)), options={"FAST"})
    key.handle_left_type = key.handle_right_type = "FREE"
    if linear or after in (0, len(at)):
        key.interpolation = kind


def _read(curve: bpy.types.FCurve) -> dict[str, NDArray[Any]]:
    count = len(curve.keyframe_points)
    result: dict[str, NDArray[Any]] = {}
    for field, (width, kind) in KEY_FIELDS.items():
        values = np.empty(count * width, kind)
        curve.keyframe_points.foreach_get(field, values)
        result[field] = values.reshape(count, width)
    return result


def _write(curve: bpy.types.FCurve, keys: dict[str, NDArray[Any]]) -> None:
    curve.keyframe_points.clear()
    curve.keyframe_points.add(len(keys["co"]))
    for field, values in keys.items():
        curve.keyframe_points.foreach_set(field, np.ascontiguousarray(values).ravel())
    curve.update()
