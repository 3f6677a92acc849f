"""An Action of a motion for a character that goes on as before: it is made, measured and put aside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import bpy

from motionary.motion import Motion
from motionary.rig_solve import Target
from motionary.rigs import RigMap

from .apply import Applied, apply_motion
from .armature import check_posable, restore_switches, without_animation
from .options import ApplyOptions

__all__ = ["make_action"]

OBJECT_CHANNELS = ("location", "rotation_euler", "rotation_quaternion", "rotation_axis_angle")
"""What an Action with root motion on the object moves."""


def make_action(
    armature: bpy.types.Object,
    motion: Motion,
    name: str,
    options: ApplyOptions | None = None,
    *,
    rig: RigMap | None = None,
    probed: dict[frozenset[str], Target] | None = None,
) -> tuple[bpy.types.Action, Applied]:
    """A new Action called ``name`` that would make ``armature`` move as ``motion``, and how exactly.

    It is played while it is measured and then no longer: pose, Action, NLA and switches of the armature are
    what they were. Rig switches are keyed, so that the Action is whole by itself; the destination of the
    options counts for nothing. probed: as `apply_motion` takes it. Raises MotionaryError as that does; then
    there is no Action.
    """
    options = replace(options or ApplyOptions(), destination="action", switches="key")
    check_posable(armature)
    there = set(bpy.data.actions)
    try:
        with _left_as_it_was(armature):
            applied = apply_motion(armature, motion, name, options, rig=rig, probed=probed)
            restore_switches(armature, applied.changes)
    except BaseException:
        for half in set(bpy.data.actions) - there:
            bpy.data.actions.remove(half)
        raise
    return bpy.data.actions[applied.action], applied


@contextmanager
def _left_as_it_was(armature: bpy.types.Object) -> Iterator[None]:
    """What plays on the armature, and its pose and place, are put back after the block."""
    place = {name: tuple(getattr(armature, name)) for name in OBJECT_CHANNELS}
    animation = armature.animation_data
    last_slot = animation.last_slot_identifier if animation else ""
    try:
        with without_animation(armature):
            try:
                yield
            finally:
                if armature.animation_data is not None:
                    armature.animation_data.action = None
    finally:
        if animation is None:
            armature.animation_data_clear()
        else:
            animation.last_slot_identifier = last_slot
        for name, values in place.items():
            setattr(armature, name, values)
        armature.update_tag()
        layer = bpy.context.view_layer
        assert layer is not None
        layer.update()
