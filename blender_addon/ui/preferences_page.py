"""The page under Preferences > Add-ons > Motionary."""

from __future__ import annotations

import bpy

from .pie import SHORTCUTS

__all__ = ["draw_preferences"]


def draw_preferences(settings: bpy.types.AddonPreferences, context: bpy.types.Context) -> None:
    """Files, search, ghost, shortcuts."""
    layout = settings.layout
    assert layout is not None
    layout.use_property_split = True
    layout.use_property_decorate = False
    files = layout.column(heading="Files")
    files.prop(settings, "library_folder")
    files.prop(settings, "model")
    files.prop(settings, "worker_python")
    search = layout.column(heading="Search")
    search.prop(settings, "search_as_you_type")
    search.prop(settings, "animate_panel")
    search.prop(settings, "results")
    search.prop(settings, "page")
    ghost = layout.column()
    ghost.separator()
    ghost.prop(settings, "ghost_place")
    ghost.prop(settings, "ghost_time")
    ghost.prop(settings, "ghost_color")
    ghost.prop(settings, "ghost_size")
    _draw_shortcuts(layout, context)


def _draw_shortcuts(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Ours, as the user has set them: they are changed here."""
    import rna_keymap_ui

    manager = context.window_manager
    configuration = manager.keyconfigs.user if manager else None
    if configuration is None or "3D View" not in configuration.keymaps:
        return
    keymap = configuration.keymaps["3D View"]
    column = layout.column()
    column.separator()
    column.label(text="Shortcuts")
    for item in keymap.keymap_items:
        ours = {idname for idname, _, _ in SHORTCUTS if idname.startswith("motionary.")}
        pie = item.idname == "wm.call_menu_pie" and getattr(item.properties, "name", "") == "MOTIONARY_MT_pie"
        if item.idname in ours or pie:
            column.context_pointer_set("keymap", keymap)
            rna_keymap_ui.draw_kmi([], configuration, keymap, item, column, 0)
