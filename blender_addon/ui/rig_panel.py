"""The sub-panel Character: which bones take which joint of the body, and correcting that."""

from __future__ import annotations

import bpy

from motionary.rigs import ESSENTIAL, FINGERS

from ..character import shown_armature
from ..operators.rig_map import rig_rows
from ..rig_choice import is_kept
from .text import draw_lines, sentence

__all__ = ["CLASSES"]


class MOTIONARY_PT_rig(bpy.types.Panel):
    """Which bones of the character take which joint of the body"""

    bl_idname = "MOTIONARY_PT_rig"
    bl_label = "Character"
    bl_category = "Motionary"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_parent_id = "MOTIONARY_PT_main"
    bl_order = 20
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """What was found last, if it is of this armature."""
        layout, rows = self.layout, rig_rows(context)
        assert layout is not None
        armature = shown_armature(context)
        if armature is None:
            draw_lines(layout, context, "Select a character's armature to see its bones", "INFO")
            return
        layout.label(text=armature.name, icon="ARMATURE_DATA", translate=False)
        bar = layout.row(align=True)
        bar.operator("motionary.rig_detect", icon="FILE_REFRESH")
        bar.operator("motionary.rig_load", text="", icon="FILE_FOLDER")
        bar.operator("motionary.rig_save", text="", icon="FILE_TICK")
        if is_kept(armature):
            bar.operator("motionary.rig_forget", text="", icon="X")
        if rows.armature != armature.name:
            draw_lines(layout, context, "Bones are found by themselves; Detect shows which", "INFO")
            return
        draw_lines(layout, context, sentence(str(rows.reason)), "INFO", most=6)
        _draw_joints(layout, context)
        layout.operator("motionary.rig_keep", icon="CHECKMARK")


def _draw_joints(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """A row a joint: the trunk, the left side, the right side; fingers in a section of their own."""
    column = layout.column(align=True)
    column.use_property_split = True
    column.use_property_decorate = False
    fingers = []
    side = ""
    for row in rig_rows(context).joints:
        own, _, joint = str(row.name).rpartition("_")
        if joint in FINGERS:
            fingers.append(row)
            continue
        if own != side:
            column.separator()
            side = own
        _draw_joint(column, row)
    header, body = layout.panel("MOTIONARY_PT_rig_fingers", default_closed=True)
    header.label(text="Fingers")
    if body is not None:
        body.use_property_split = True
        body.use_property_decorate = False
        for row in fingers:
            _draw_joint(body, row)


def _draw_joint(layout: bpy.types.UILayout, row: bpy.types.PropertyGroup) -> None:
    lacking = row.name in ESSENTIAL and not row.bones  # type: ignore[attr-defined]
    line = layout.row(align=True)
    line.alert = lacking
    line.prop(
        row, "bones", text=str(row.name).replace("_", " ").title(), icon="ERROR" if lacking else "BONE_DATA"
    )


CLASSES = (MOTIONARY_PT_rig,)
