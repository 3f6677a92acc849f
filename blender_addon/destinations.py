"""Where keys go: into a new Action, onto an NLA strip, or into the Action that is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import bpy

from .actions import Channels, assign_action, bag_of, write_action, write_curves
from .merge import merge_curves
from .options import ApplyOptions

__all__ = ["Placed", "place"]


@dataclass(frozen=True)
class Placed:
    """Names of the Action and the NLA strip ("" for none) that hold the keys. start: their first frame.

    whole: first and last frame, counted from there, that show the clip and nothing else. alone: whether the
    armature's evaluated pose is that of these keys. again: writes other keys in place of these, where that
    can be done. notes: what the animator should know.
    """

    action: str
    strip: str
    start: int
    whole: tuple[int, int]
    alone: bool
    again: Callable[[Sequence[Channels]], None] | None
    notes: tuple[str, ...] = ()


def place(
    owner: bpy.types.Object, name: str, channels: Sequence[Channels], start: int, options: ApplyOptions
) -> Placed:
    """Key ``channels`` of ``owner`` from frame ``start`` on, as ``options`` say; all of them, or none."""
    animation = owner.animation_data
    if options.destination == "strip":
        return _strip(owner, name, channels, start, options)
    if options.destination == "merge" and animation is not None and animation.action is not None:
        return _merged(owner, channels, start, options)
    return _new_action(owner, name, channels, start)


def _frames(channels: Sequence[Channels]) -> int:
    """How many frames the channels span."""
    return 1 + max((int(channel.times[-1]) for channel in channels), default=0)


def _written(
    owner: bpy.types.Object, name: str, channels: Sequence[Channels], start: int
) -> bpy.types.Action:
    """A new Action with the channels; none at all where they cannot be written."""
    before = set(bpy.data.actions)
    try:
        return write_action(owner, name, channels, start)
    except BaseException:
        for half in set(bpy.data.actions) - before:
            bpy.data.actions.remove(half)
        raise


def _rewriter(action: bpy.types.Action, start: int) -> Callable[[Sequence[Channels]], None]:
    def again(channels: Sequence[Channels]) -> None:
        write_curves(bag_of(action, action.slots[0]), channels, start)

    return again


def _new_action(owner: bpy.types.Object, name: str, channels: Sequence[Channels], start: int) -> Placed:
    action = _written(owner, name, channels, start)
    before = assign_action(owner, action)
    animation = owner.animation_data
    notes = [f"the Action {before.name!r} that was there is kept"] if before is not None else []
    below = animation is not None and animation.use_nla and any(not t.mute for t in animation.nla_tracks)
    if below:
        notes.append("strips of the NLA play below the Action")
    whole = (0, _frames(channels) - 1)
    return Placed(action.name, "", start, whole, True, _rewriter(action, start), tuple(notes))


def _strip(
    owner: bpy.types.Object,
    name: str,
    channels: Sequence[Channels],
    start: int,
    options: ApplyOptions,
) -> Placed:
    """A strip on a new track on top of the others. Beyond its ends it says nothing: what is below shows."""
    action = _written(owner, name, channels, start)
    animation = owner.animation_data_create()
    assert animation is not None
    track = animation.nla_tracks.new()
    try:
        track.name = name
        strip = track.strips.new(name, start, action)
        strip.action_slot = action.slots[0]
        strip.extrapolation = "NOTHING"
        strip.use_auto_blend = False
        length = strip.frame_end - strip.frame_start
        strip.blend_in = min(float(options.blend_in), length / 2)
        strip.blend_out = min(float(options.blend_out), length / 2)
    except BaseException:
        animation.nla_tracks.remove(track)
        bpy.data.actions.remove(action)
        raise
    notes = []
    if animation.action is not None:
        on_top = animation.action.name
        notes.append(f"the active Action {on_top!r} plays on top of the strip; push it down to see both")
    if not animation.use_nla:
        notes.append("the NLA of this object is switched off")
    count = _frames(channels)
    whole = _unblended(count, round(strip.blend_in), round(strip.blend_out))
    alone = animation.action is None and animation.use_nla
    return Placed(action.name, strip.name, start, whole, alone, _rewriter(action, start), tuple(notes))


def _merged(
    owner: bpy.types.Object, channels: Sequence[Channels], start: int, options: ApplyOptions
) -> Placed:
    animation = owner.animation_data
    assert animation is not None
    action, notes = animation.action, []
    assert action is not None
    others = action.users - action.use_fake_user - 1
    if bool(action.library) or others > 0:
        identifier = animation.action_slot.identifier if animation.action_slot else None
        copy = action.copy()
        animation.action = copy
        slots = [slot for slot in copy.slots if slot.identifier == identifier]
        animation.action_slot = slots[0] if slots else None
        notes.append(f"the Action {action.name!r} is used elsewhere too: {copy.name!r}, a copy, was changed")
        action = copy
    slot = animation.action_slot
    if slot is None:
        suitable = list(animation.action_suitable_slots)
        slot = suitable[0] if suitable else action.slots.new("OBJECT", owner.name)
        animation.action_slot = slot
    merge_curves(owner, bag_of(action, slot), channels, start, options.blend_in, options.blend_out)
    if action.use_frame_range:
        end = start + _frames(channels) - 1
        action.frame_start, action.frame_end = min(action.frame_start, start), max(action.frame_end, end)
    whole = _unblended(_frames(channels), options.blend_in, options.blend_out)
    return Placed(action.name, "", start, whole, True, None, tuple(notes))


def _unblended(count: int, blend_in: int, blend_out: int) -> tuple[int, int]:
    """First and last of ``count`` frames outside of the blends; the middle one where nothing is."""
    first, last = blend_in, count - 1 - blend_out
    return (first, last) if first <= last else ((count - 1) // 2, (count - 1) // 2)
