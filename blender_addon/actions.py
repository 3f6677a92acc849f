"""Write Actions in bulk, through slots and channelbags: the same calls from Blender 4.5 to 5.2."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

__all__ = ["Channels", "assign_action", "write_action"]

LINEAR = 1
"""`foreach_set` takes an enum by number."""


@dataclass(frozen=True, eq=False)
class Channels:
    """Keys of one property: values (T, C), a key a frame, for the ``written`` of the C channels."""

    path: str
    values: NDArray[np.float64]
    group: str
    written: tuple[int, ...]


def write_action(
    owner: bpy.types.Object, name: str, channels: Iterable[Channels], start: int
) -> bpy.types.Action:
    """A new Action for ``owner`` with a key on every frame from ``start`` on, and its frame range set."""
    action = bpy.data.actions.new(name)
    slot = action.slots.new("OBJECT", owner.name)
    strip = action.layers.new("Layer").strips.new(type="KEYFRAME")
    assert isinstance(strip, bpy.types.ActionKeyframeStrip)
    bag = strip.channelbag(slot, ensure=True)
    groups: dict[str, bpy.types.ActionGroup] = {}
    end = start
    for channel in channels:
        count = len(channel.values)
        end = max(end, start + count - 1)
        if channel.group not in groups:
            groups[channel.group] = bag.groups.new(channel.group)
        keys = np.empty((count, 2), np.float32)
        keys[:, 0] = start + np.arange(count)
        for index in channel.written:
            keys[:, 1] = channel.values[:, index]
            curve = bag.fcurves.new(channel.path, index=index)
            curve.group = groups[channel.group]
            curve.keyframe_points.add(count)
            curve.keyframe_points.foreach_set("co", keys.ravel())
            curve.keyframe_points.foreach_set("interpolation", np.full(count, LINEAR, np.int32))
            curve.update()
    action.use_frame_range = True
    action.frame_start, action.frame_end = start, end
    return action


def assign_action(owner: bpy.types.Object, action: bpy.types.Action) -> bpy.types.Action | None:
    """Make ``action`` the one that plays, and return the one that did before.

    That one gets a fake user if nothing else uses it: saving the file would lose it.
    """
    animation = owner.animation_data_create()
    assert animation is not None
    before = animation.action
    animation.action = action
    # Left to itself Blender may assign an Action without a slot, and then nothing moves.
    animation.action_slot = action.slots[0]
    if before is not None and before.users == 0:
        before.use_fake_user = True
    return before
