"""Write Actions in bulk, through slots and channelbags: the same calls from Blender 4.5 to 5.2."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

import bpy
import numpy as np
from numpy.typing import NDArray

from motionary.key_reduction import reduce_keys

__all__ = ["Bag", "Channels", "assign_action", "bag_of", "reduced", "write_action", "write_curves"]

Bag: TypeAlias = bpy.types.ActionChannelbag

CONSTANT, LINEAR = 0, 1
"""`foreach_set` takes an enum by number."""


@dataclass(frozen=True, eq=False)
class Channels:
    """Keys of one property: values (K, C) for the ``written`` of its C channels, at ``frames`` (K,) after the
    first one, or one a frame if None. group: what the curves are listed under, the bone's name. constant:
    a value holds until the next key, where it otherwise goes there in a straight line."""

    path: str
    values: NDArray[np.float64]
    group: str
    written: tuple[int, ...]
    frames: NDArray[np.int64] | None = None
    constant: bool = False

    @property
    def times(self) -> NDArray[np.int64]:
        """(K,) frames after the first."""
        return np.arange(len(self.values)) if self.frames is None else self.frames


def reduced(channels: Channels, *, radians: float, distance: float) -> Channels:
    """``channels``, keyed on every frame, with the keys left out that change no turn by more than ``radians``
    and no other value by more than ``distance``."""
    if channels.path.endswith("rotation_quaternion"):
        kept = reduce_keys(channels.values, radians, quaternion=True)
    else:
        kept = reduce_keys(channels.values, radians if "rotation" in channels.path else distance)
    return replace(channels, values=channels.values[kept], frames=kept)


def write_action(
    owner: bpy.types.Object, name: str, channels: Iterable[Channels], start: int
) -> bpy.types.Action:
    """A new Action for ``owner`` with its keys from frame ``start`` on, and its frame range set."""
    action = bpy.data.actions.new(name)
    slot = action.slots.new("OBJECT", owner.name)
    end = write_curves(bag_of(action, slot), channels, start)
    action.use_frame_range = True
    action.frame_start, action.frame_end = start, end
    return action


def bag_of(action: bpy.types.Action, slot: bpy.types.ActionSlot) -> Bag:
    """Where ``action`` keeps the curves of ``slot``, made if need be."""
    layer = action.layers[0] if action.layers else action.layers.new("Layer")
    strip = layer.strips[0] if layer.strips else layer.strips.new(type="KEYFRAME")
    assert isinstance(strip, bpy.types.ActionKeyframeStrip)
    return strip.channelbag(slot, ensure=True)


def write_curves(bag: Bag, channels: Iterable[Channels], start: int) -> int:
    """New curves in ``bag`` in place of those of the same channels; the last frame that has a key."""
    end = start
    for channel in channels:
        times = channel.times
        end = max(end, start + int(times[-1]))
        group = bag.groups.get(channel.group) or bag.groups.new(channel.group)
        keys = np.empty((len(times), 2), np.float32)
        keys[:, 0] = start + times
        for index in channel.written:
            keys[:, 1] = channel.values[:, index]
            if old := bag.fcurves.find(channel.path, index=index):
                bag.fcurves.remove(old)
            curve = bag.fcurves.new(channel.path, index=index)
            curve.group = group
            curve.keyframe_points.add(len(times))
            curve.keyframe_points.foreach_set("co", keys.ravel())
            kind = np.full(len(times), CONSTANT if channel.constant else LINEAR, np.int32)
            curve.keyframe_points.foreach_set("interpolation", kind)
            curve.update()
    return end


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
