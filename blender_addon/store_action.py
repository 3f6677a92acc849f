"""The active character's Action as a clip of a library."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import bpy

from motionary.bundle import load_bundle
from motionary.errors import MotionaryError
from motionary.index import add_clips
from motionary.library import open_library
from motionary.motion import Clip

from .character import active_armature
from .libraries import PATIENCE
from .preferences import model_folder
from .read_action import read_action

__all__ = ["Described", "described", "store_action"]


@dataclass(frozen=True)
class Described:
    """What an Action's name and asset data say of it."""

    name: str
    captions: tuple[str, ...]
    tags: tuple[str, ...]


def described(context: bpy.types.Context) -> Described:
    """What is known of the active character's Action; MotionaryError where there is none."""
    armature = active_armature(context)
    action = armature.animation_data.action if armature.animation_data else None
    if action is None:
        raise MotionaryError(f"armature {armature.name!r} has no Action; give it one in the Action Editor")
    asset = action.asset_data
    captions = (asset.description.strip(),) if asset and asset.description.strip() else ()
    return Described(action.name, captions, tuple(tag.name for tag in asset.tags) if asset else ())


def store_action(
    context: bpy.types.Context,
    library: Path,
    *,
    name: str | None = None,
    captions: tuple[str, ...] = (),
    tags: tuple[str, ...] = (),
) -> Clip:
    """Put the active character's Action into a library, in place of what was stored of it before.

    name, captions and tags: if they are given, instead of those that the Action has. MotionaryError where the
    Action is no clip, or the library is another model's, or cannot be written; then it is as it was.
    """
    armature = active_armature(context)
    clip = read_action(armature)
    clip = replace(clip, name=name or clip.name, captions=captions or clip.captions, tags=tags or clip.tags)
    animation = armature.animation_data
    assert animation is not None
    assert animation.action is not None
    # Of a file that was never saved, nothing can be stored again, and nothing must be taken for it.
    file = bpy.data.filepath or f"unsaved {datetime.now().isoformat(' ')}"
    with open_library(library, write=True) as held:
        held.connection.execute(f"PRAGMA busy_timeout = {PATIENCE}")
        add_clips([clip], held, load_bundle(model_folder(context)), source=f"{file}#{animation.action.name}")
    return clip
