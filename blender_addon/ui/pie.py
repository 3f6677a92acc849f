"""Pie menu and shortcuts in the 3D Viewport."""

from __future__ import annotations

from typing import Any

import bpy

from ..preferences import preferences
from ..properties import state

__all__ = ["CLASSES", "SHORTCUTS", "register", "unregister"]

SHORTCUTS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("wm.call_menu_pie", "M", {"name": "MOTIONARY_MT_pie"}),
    ("motionary.quick_search", "F", {}),
    ("motionary.step", "COMMA", {"step": -1}),
    ("motionary.step", "PERIOD", {"step": 1}),
)
"""Operators, keys with Shift and Alt, and properties; Blender's own keymap leaves these free."""

_added: list[tuple[bpy.types.KeyMap, bpy.types.KeyMapItem]] = []


class MOTIONARY_MT_pie(bpy.types.Menu):
    """What one does with a clip, around the mouse"""

    bl_idname = "MOTIONARY_MT_pie"
    bl_label = "Motionary"

    def draw(self, context: bpy.types.Context) -> None:
        """Left, right, bottom, top, then the corners."""
        assert self.layout is not None
        pie = self.layout.menu_pie()
        pie.operator("motionary.step", text="Previous Clip", icon="TRIA_LEFT").step = -1
        pie.operator("motionary.step", text="Next Clip", icon="TRIA_RIGHT").step = 1
        pie.operator("motionary.apply", icon="ARMATURE_DATA")
        pie.operator("motionary.quick_search", text="Find …", icon="VIEWZOOM")
        pie.operator("motionary.star", text="Star", icon="SOLO_ON").index = -1
        pie.operator("motionary.similar", text="Find Similar", icon="VIEWZOOM").to = "CLIP"
        pie.prop(state(context), "show_ghost", icon="GHOST_ENABLED")
        pie.prop(preferences(context), "ghost_place", text="")


CLASSES = (MOTIONARY_MT_pie,)


def register() -> None:
    """Add the shortcuts; in the background there is no configuration to add them to."""
    manager = bpy.context.window_manager
    configuration = manager.keyconfigs.addon if manager else None
    if configuration is None:
        return
    keymap = configuration.keymaps.new(name="3D View", space_type="VIEW_3D")
    for idname, key, values in SHORTCUTS:
        item = keymap.keymap_items.new(idname, key, "PRESS", shift=True, alt=True)  # type: ignore[arg-type]
        for name, value in values.items():
            setattr(item.properties, name, value)
        _added.append((keymap, item))


def unregister() -> None:
    """Take them away."""
    while _added:
        keymap, item = _added.pop()
        keymap.keymap_items.remove(item)
