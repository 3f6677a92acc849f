"""The clips in a .blend, FBX or glTF file. It takes the place of what is open in Blender."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import bpy

from motionary.clip_stream import FileClips
from motionary.motion import Clip

from .armature import current_scene
from .read_action import Skipped, read_actions
from .scenes import open_scene

__all__ = ["read_file", "show_armatures"]

NEEDLESS = frozenset(
    ["MESH", "CURVE", "SURFACE", "META", "FONT", "CURVES", "POINTCLOUD", "VOLUME", "GREASEPENCIL", "LIGHT"]
)
"""Kinds of objects that take time to evaluate and move no bone."""

MOST_NOTES = 10
"""Lines about one file: a whole scene may hold an Action for every prop."""


def read_file(path: Path) -> FileClips:
    """Open ``path`` and read every Action in it that moves a human; MotionaryError where it does not open.

    A clip has the name of its Action; the only one of an FBX or glTF file that of the file, for programs call
    all that they export "mixamo.com" or "Take 001".
    """
    open_scene(path)
    show_armatures()
    found = list(read_actions())
    clips = tuple(item for item in found if isinstance(item, Clip))
    if len(clips) == 1 and path.suffix.lower() != ".blend":
        clips = (replace(clips[0], name=path.stem),)
    notes = [f"{path}: {item.reason}" for item in found if isinstance(item, Skipped)]
    if not found:
        notes.append(f"{path}: holds no armature that is animated")
    if len(notes) > MOST_NOTES:
        notes[MOST_NOTES:] = [f"{path}: {len(notes) - MOST_NOTES} more actions are passed over"]
    return FileClips(clips, tuple(notes))


def show_armatures() -> None:
    """Blender evaluates only what shows: every armature of the file is to, and what takes time is not."""
    scene = current_scene()
    for item in bpy.data.objects:
        if item.type == "ARMATURE":
            if item.name not in scene.collection.objects:
                scene.collection.objects.link(item)
            item.hide_viewport = False
            item.hide_set(False)
        elif item.type in NEEDLESS:
            # What a constraint or driver asks for is evaluated all the same.
            item.hide_viewport = True
