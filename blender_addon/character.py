"""Whom a clip is for: the active character, or the scene's only one."""

from __future__ import annotations

import bpy

from .armature import find_armature

__all__ = ["active_armature", "has_armature", "shown_armature"]


def shown_armature(context: bpy.types.Context) -> bpy.types.Object | None:
    """The armature of the active object, or None: without a look at all others, for panels ask."""
    active = context.object
    if active is not None and active.type != "ARMATURE":
        active = active.find_armature() or active.parent
    return active if active is not None and active.type == "ARMATURE" else None


def active_armature(context: bpy.types.Context) -> bpy.types.Object:
    """The active character's armature, also where its mesh is active, or the scene's only one.

    MotionaryError, with the cure, where there is none or it cannot be told which.
    """
    return shown_armature(context) or find_armature()


def has_armature(context: bpy.types.Context) -> bool:
    """Whether there may be a character; which one it is, what is done to it finds out."""
    scene = context.scene
    return scene is not None and any(item.type == "ARMATURE" for item in scene.objects)
