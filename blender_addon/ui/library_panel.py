"""The sub-panel Libraries: which there are, what they are made from, how far indexing is, what came of it."""

from __future__ import annotations

from pathlib import Path

import bpy

from motionary.library import UPGRADE
from motionary.remote import Place, Served, is_loopback

from ..jobs import JobState
from ..libraries import chosen_item, library_sources, starter_library
from ..online import why_offline
from ..preferences import MOTIONARY_PG_library, listed_libraries
from ..session import current
from .panel import MOTIONARY_MT_clip
from .status import draw_progress
from .text import draw_lines, place_name, sentence

__all__ = ["CLASSES", "register", "report_text", "unregister"]

SHOWN = 5
"""Failures that the panel shows; the others are in what Copy Report copies."""


class MOTIONARY_PT_libraries(bpy.types.Panel):
    """Libraries, their folders, and indexing"""

    bl_idname = "MOTIONARY_PT_libraries"
    bl_label = "Libraries"
    bl_category = "Motionary"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_parent_id = "MOTIONARY_PT_main"
    bl_order = 10
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """The list, then the one that is searched."""
        layout = self.layout
        assert layout is not None
        column = layout.column(align=True)
        _draw_list(column)
        row = column.row(align=True)
        row.operator("motionary.library_new", text="New", icon="ADD")
        row.operator("motionary.library_open", text="Open", icon="FILE_FOLDER")
        row.operator("motionary.served_find", text="Served", icon="URL")
        _draw_offered(layout, context)
        _draw_chosen(layout, context)
        job = current().job
        state: JobState | None = job.state if job else None
        if state is not None:
            _draw_job(layout, context, state)


class MOTIONARY_MT_libraries(bpy.types.Menu):
    """The library to search"""

    bl_idname = "MOTIONARY_MT_libraries"
    bl_label = "Library"

    def draw(self, context: bpy.types.Context) -> None:
        """One line a library, then how to get more."""
        assert self.layout is not None
        _draw_list(self.layout, is_menu=True)
        self.layout.separator()
        self.layout.operator_context = "INVOKE_DEFAULT"
        self.layout.operator("motionary.library_new", text="New Library…", icon="ADD")
        self.layout.operator("motionary.library_open", text="Open Library…", icon="FILE_FOLDER")
        self.layout.operator("motionary.served_find", text="Add Served Library…", icon="URL")


class MOTIONARY_MT_index(bpy.types.Menu):
    """More ways to index"""

    bl_idname = "MOTIONARY_MT_index"
    bl_label = "Index"

    def draw(self, context: bpy.types.Context) -> None:
        """One line a way."""
        layout = self.layout
        assert layout is not None
        layout.operator("motionary.index", text="Remove Missing Files", icon="TRASH").use_prune = True
        layout.operator("motionary.index", text="Read All Files Again", icon="FILE_REFRESH").what = "ALL"
        layout.operator("motionary.index", text="Embed Again", icon="SHADERFX").what = "EMBED"


def report_text(state: JobState) -> str:
    """What a job came to, in one line."""
    report = state.report
    if report is None:
        return state.error
    if report.upgraded:
        return (
            "Stopped: the library is as it was"
            if report.cancelled
            else f"Upgraded to version {report.upgraded}"
        )
    clips = f" ({report.clips} clips)" if report.clips != report.indexed else ""
    parts = [f"indexed {report.indexed}{clips}"] if report.indexed or not report.embedded else []
    parts += [f"embedded {report.embedded} clips again"] if report.embedded else []
    parts += [f"{report.unchanged} unchanged"] if report.unchanged else []
    parts += [f"removed {report.removed}"] if report.removed else []
    parts += [f"{len(report.failures)} failed"] if report.failures else []
    stopped = "stopped: " if report.cancelled else ""
    return sentence(f"{stopped}{', '.join(parts)}")


def _draw_list(layout: bpy.types.UILayout, *, is_menu: bool = False) -> None:
    session = current()
    starter = starter_library()
    if starter is not None:
        _draw_library(layout, None, starter == session.library, is_menu=is_menu)
    for path in listed_libraries():
        _draw_library(layout, path, path == session.library, is_menu=is_menu)


def _draw_offered(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """What the server that was asked has, to add some of it."""
    session = current()
    if session.server is None:
        return
    box = layout.box()
    row = box.row(align=True)
    row.label(text=session.server.server, icon="URL", translate=False)
    row.operator("motionary.served_close", text="", icon="X")
    if session.offered is None:
        box.label(text="Asking …", icon="SORTTIME")
    elif session.offered.failure:
        draw_lines(box, context, sentence(session.offered.failure), "ERROR")
    elif not session.offered.libraries:
        draw_lines(box, context, "It has no library for this token", "INFO")
    else:
        column = box.column(align=True)
        for facts in session.offered.libraries:
            text = f"{facts.name} ({facts.clips:,})"
            column.operator(
                "motionary.served_add", text=text, icon="ADD", translate=False
            ).library = facts.name


def _draw_library(layout: bpy.types.UILayout, path: Place | None, chosen: bool, *, is_menu: bool) -> None:
    file = path or starter_library()
    known = current().surveys.get(file) if file else None
    name = place_name(path) if path else "Starter Library"
    if known is not None and known.summary is not None:
        name += f" ({known.summary.clips:,})"
    broken = known is not None and bool(known.failure)
    row = layout.row(align=True)
    choose = row.operator(
        "motionary.library_choose",
        text=name,
        translate=False,
        icon="ERROR" if broken else "RADIOBUT_ON" if chosen else "RADIOBUT_OFF",
        depress=chosen and not is_menu,
    )
    choose.filepath = str(path) if path else ""
    if path is not None and not is_menu:
        row.operator("motionary.library_forget", text="", icon="X").filepath = str(path)


def _draw_chosen(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """What is in the library that is searched, and what it is made from."""
    session, item = current(), chosen_item()
    if session.library is None:
        draw_lines(layout, context, "Make a library, and add the folders of your motions to it", "INFO")
        return
    known = session.surveys.get(session.library)
    if known is not None and known.failure:
        draw_lines(layout, context, sentence(known.failure), "ERROR")
        if UPGRADE in known.failure:
            layout.operator("motionary.library_upgrade", icon="FILE_REFRESH")
    elif known is not None and known.summary is not None:
        held = known.summary
        what = _counted(held.clips, "clip")
        if not isinstance(session.library, Served):
            what += f" of {_counted(held.sources, 'file')}"
        layout.label(text=f"{what}, {held.duration_s / 60:,.1f} minutes", icon="ARMATURE_DATA")
    if item is None:
        return
    if isinstance(session.library, Served):
        _draw_served(layout, context, session.library, item)
        return
    column = layout.column(align=True)
    for path in library_sources(item):
        row = column.row(align=True)
        row.label(text=str(path), icon="FILE_FOLDER" if not path.suffix else "FILE", translate=False)
        row.operator("motionary.library_remove_source", text="", icon="X").filepath = str(path)
    row = column.row(align=True)
    row.operator("motionary.library_add_folder", icon="NEWFOLDER")
    row.operator("motionary.library_add_files", icon="FILE_NEW")
    row = layout.row(align=True)
    row.operator("motionary.index", icon="FILE_REFRESH").what = "CHANGED"
    row.menu("MOTIONARY_MT_index", text="", icon="DOWNARROW_HLT")
    layout.operator("motionary.store_action", icon="ACTION")


def _draw_served(
    layout: bpy.types.UILayout, context: bpy.types.Context, library: Served, item: MOTIONARY_PG_library
) -> None:
    """Where it is, and what the server is shown."""
    column = layout.column(align=True)
    column.label(text=library.server, icon="URL", translate=False)
    column.prop(item, "token")
    if is_loopback(library.server):
        return
    if library.server.startswith("http:"):
        column.prop(item, "use_unencrypted")
    if reason := why_offline():
        draw_lines(column, context, reason, "INFO", most=4)


def _draw_job(layout: bpy.types.UILayout, context: bpy.types.Context, state: JobState) -> None:
    """How far it is, or what it came to; what failed, and no more of it than is read here."""
    box = layout.box()
    if not state.is_finished:
        draw_progress(box, state)
        if state.name:
            box.label(text=Path(state.name).name, translate=False)
    else:
        draw_lines(box, context, sentence(report_text(state)), "ERROR" if state.error else "CHECKMARK")
        if "embedded by model" in state.error:
            box.operator("motionary.index", text="Embed Again", icon="SHADERFX").what = "EMBED"
    for failure in state.failures[:SHOWN]:
        draw_lines(box, context, failure, "ERROR", most=4)
    if len(state.failures) > SHOWN:
        box.label(text=f"and {len(state.failures) - SHOWN} more")
    if state.notes:
        box.label(text=f"{_counted(len(state.notes), 'note')} on what is no clip", icon="INFO")
    if state.is_finished and (state.failures or state.notes or state.error):
        box.operator("motionary.report_copy", icon="COPYDOWN")


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _draw_clip_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    assert self.layout is not None
    self.layout.operator("motionary.show_source", icon="FILE_FOLDER")


def register() -> None:
    """Add to the menu of the chosen clip."""
    MOTIONARY_MT_clip.append(_draw_clip_menu)


def unregister() -> None:
    """Take that away."""
    MOTIONARY_MT_clip.remove(_draw_clip_menu)


CLASSES = (MOTIONARY_PT_libraries, MOTIONARY_MT_libraries, MOTIONARY_MT_index)
