"""Where keys go: into a new Action, onto an NLA strip, or into the Action that is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import bpy

from .actions import Bag, Channels, assign_action, bag_of, write_action, write_curves
from .merge import merged_curves, write_merged
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
    try:
        before = assign_action(owner, action)
    except BaseException:
        bpy.data.actions.remove(action)
        raise
    animation = owner.animation_data
    assert animation is not None
    notes = [f"the Action {before.name!r} that was there is kept"] if before is not None else []
    if animation.use_nla and any(not track.mute for track in animation.nla_tracks):
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
    count, blends = _frames(channels), _blends(channels, options)
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
        strip.blend_in, strip.blend_out = blends
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
    solo = [other.name for other in animation.nla_tracks if other.is_solo]
    if solo:
        notes.append(f"the NLA track {solo[0]!r} plays solo, so the strip does not")
    whole = (blends[0], count - 1 - blends[1])
    alone = animation.action is None and animation.use_nla and not solo
    return Placed(action.name, strip.name, start, whole, alone, _rewriter(action, start), tuple(notes))


def _merged(
    owner: bpy.types.Object, channels: Sequence[Channels], start: int, options: ApplyOptions
) -> Placed:
    """Into the Action that plays, and its slot; into a copy where another has a say in that slot."""
    animation = owner.animation_data
    assert animation is not None
    action, slot, notes = animation.action, animation.action_slot, []
    assert action is not None
    blends = _blends(channels, options)
    curves = merged_curves(owner, _curves(action, slot), channels, start, *blends)
    if action.library or (slot is not None and _is_shared(owner, action, slot)):
        copy = action.copy()
        notes.append(f"the Action {action.name!r} is used elsewhere too: {copy.name!r}, a copy, was changed")
        same = [other for other in copy.slots if slot is not None and other.identifier == slot.identifier]
        animation.action = action = copy
        slot = same[0] if same else None
    if slot is None:
        # Without one nothing plays. A slot that is there would begin to, all the way along.
        slot = action.slots.new("OBJECT", owner.name)
    animation.action_slot = slot
    write_merged(bag_of(action, slot), curves)
    if action.use_frame_range:
        end = start + _frames(channels) - 1
        action.frame_start, action.frame_end = min(action.frame_start, start), max(action.frame_end, end)
    whole = (blends[0], _frames(channels) - 1 - blends[1])
    return Placed(action.name, "", start, whole, True, None, tuple(notes))


def _curves(action: bpy.types.Action, slot: bpy.types.ActionSlot | None) -> Bag | None:
    """The curves of ``slot``, if it has any."""
    strips = [strip for layer in action.layers for strip in layer.strips]
    if slot is None or not strips:
        return None
    assert isinstance(strips[0], bpy.types.ActionKeyframeStrip)
    return strips[0].channelbag(slot)


def _is_shared(owner: bpy.types.Object, action: bpy.types.Action, slot: bpy.types.ActionSlot) -> bool:
    """Whether anything but what plays on ``owner`` uses ``slot``: another character, or a strip."""
    animation = owner.animation_data
    assert animation is not None
    strips = [strip for track in animation.nla_tracks for strip in track.strips]
    return any(user != owner for user in slot.users()) or any(
        strip.action == action and strip.action_slot == slot for strip in strips
    )


def _blends(channels: Sequence[Channels], options: ApplyOptions) -> tuple[int, int]:
    """Frames of blending at the beginning and the end, with one between them that shows the clip alone."""
    half = (_frames(channels) - 1) // 2
    return min(options.blend_in, half), min(options.blend_out, half)
