"""The sidebar tab: query, filters, results, the chosen clip. It draws what the session holds, and no more."""

from __future__ import annotations

import bpy

from motionary.confidence import is_unsure
from motionary.library import STARRED, UPGRADE
from motionary.remote import Served
from motionary.search import Hit

from ..character import has_armature
from ..preferences import preferences
from ..properties import MOTIONARY_PG_state, state
from ..session import Session, current
from .text import draw_lines, place_name, seconds_text, sentence

__all__ = ["CLASSES", "draw_query", "draw_results", "library_label"]

TILE_SCALE = 3.2
"""Size of a tile of a result's picture, in rows of a panel: three of them fill a sidebar as it comes."""

ANIMATION_SCALE = 7.0


class MOTIONARY_PT_main(bpy.types.Panel):
    """Search a motion library and apply what is found"""

    bl_idname = "MOTIONARY_PT_main"
    bl_label = "Find Motion"
    bl_category = "Motionary"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"

    def draw(self, context: bpy.types.Context) -> None:
        """Library, query, results."""
        layout = self.layout
        assert layout is not None
        layout.menu("MOTIONARY_MT_libraries", text=library_label(), icon="ASSET_MANAGER")
        draw_query(layout, context)
        _draw_use(layout, context)
        draw_results(layout, context)


class MOTIONARY_PT_clip(bpy.types.Panel):
    """The result that is previewed"""

    bl_idname = "MOTIONARY_PT_clip"
    bl_label = "Clip"
    bl_category = "Motionary"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_parent_id = "MOTIONARY_PT_main"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A result is chosen."""
        return current().chosen is not None

    def draw(self, context: bpy.types.Context) -> None:
        """How it moves and what can be done with it."""
        layout, session, typed = self.layout, current(), state(context)
        assert layout is not None
        hit = session.chosen
        if hit is None:
            return
        _draw_moving(layout, session, hit)
        bar = layout.row(align=True)
        bar.label(text=f"{hit.name}", translate=False)
        _star(bar, hit, -1)
        options = layout.row(align=True)
        options.prop(typed, "show_ghost", toggle=True, icon="GHOST_ENABLED")
        options.popover("MOTIONARY_PT_ghost", text="", icon="DOWNARROW_HLT")
        if hit.duration_s > hit.end_s - hit.start_s + 0.05:
            layout.prop(typed, "whole_clip")
        more = layout.row(align=True)
        more.operator("motionary.similar", text="Find Similar", icon="VIEWZOOM").to = "CLIP"
        more.menu("MOTIONARY_MT_clip", text="", icon="DOWNARROW_HLT")


class MOTIONARY_PT_ghost(bpy.types.Panel):
    """How the chosen clip plays in the viewport"""

    bl_idname = "MOTIONARY_PT_ghost"
    bl_label = "Ghost"
    bl_space_type = "VIEW_3D"
    bl_region_type = "HEADER"  # a popover, and no panel of a sidebar

    def draw(self, context: bpy.types.Context) -> None:
        """Where, by what time, and how it looks."""
        layout, settings = self.layout, preferences(context)
        assert layout is not None
        layout.label(text="Ghost")
        layout.prop(settings, "ghost_place", expand=True)
        layout.prop(settings, "ghost_time", expand=True)
        layout.prop(settings, "ghost_color", text="")
        layout.prop(settings, "ghost_size", text="Thickness", slider=True)


class MOTIONARY_PT_details(bpy.types.Panel):
    """What the library says of the clip"""

    bl_idname = "MOTIONARY_PT_details"
    bl_label = "Details"
    bl_category = "Motionary"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_parent_id = "MOTIONARY_PT_clip"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Captions, source, length."""
        layout, hit = self.layout, current().chosen
        assert layout is not None
        if hit is None:
            return
        for caption in hit.captions[:6]:
            draw_lines(layout, context, caption, "DOT", most=4)
        facts = layout.column(align=True)
        facts.scale_y = 0.85
        frames = round(hit.duration_s * hit.fps)
        facts.label(text=f"{hit.duration_s:.2f} s, {frames} frames at {hit.fps:g} fps", icon="TIME")
        if hit.duration_s > hit.end_s - hit.start_s + 0.05:
            facts.label(text=f"Matches from {hit.start_s:.1f} s to {hit.end_s:.1f} s", icon="PREVIEW_RANGE")
        if tags := [tag for tag in hit.tags if tag != STARRED]:
            facts.label(text=", ".join(tags), icon="BOOKMARKS", translate=False)
        draw_lines(layout, context, hit.source, "FILE", most=4)


class MOTIONARY_MT_history(bpy.types.Menu):
    """Queries of this session, the latest first"""

    bl_idname = "MOTIONARY_MT_history"
    bl_label = "Recent Queries"

    def draw(self, context: bpy.types.Context) -> None:
        """One line a query."""
        assert self.layout is not None
        for query in current().history:
            self.layout.operator("motionary.recall", text=query, translate=False).query = query
        if not current().history:
            self.layout.label(text="No query yet")


class MOTIONARY_MT_clip(bpy.types.Menu):
    """More that can be done with clips"""

    bl_idname = "MOTIONARY_MT_clip"
    bl_label = "More"

    def draw(self, context: bpy.types.Context) -> None:
        """What other modules add comes after."""
        assert self.layout is not None
        row = self.layout.row()
        row.enabled = not isinstance(current().library, Served)  # a server knows its own clips alone
        similar = row.operator("motionary.similar", text="Find Similar to Active Action", icon="ACTION")
        similar.to = "ACTION"
        self.layout.operator("motionary.apply_file", icon="FILE_FOLDER")


def library_label() -> str:
    """The library that is searched, with how many clips it has."""
    session = current()
    if session.library is None:
        return "No Library"
    name = place_name(session.library)
    summary = session.summary
    count = f" ({summary.clips:,} clips)" if summary else ""
    return f"{'Starter' if name == 'starter' else name}{count}"


def draw_query(layout: bpy.types.UILayout, context: bpy.types.Context, *, is_first: bool = False) -> None:
    """The query and its filters. is_first: the keys go into the query at once, as in a popup."""
    typed = state(context)
    row = layout.row(align=True)
    row.activate_init = is_first
    row.prop(typed, "query", text="", icon="VIEWZOOM", placeholder="a person waves")
    row.menu("MOTIONARY_MT_history", text="", icon="RECOVER_LAST")
    row.prop(typed, "use_filters", text="", icon="FILTER", toggle=True)
    if not preferences(context).search_as_you_type:
        layout.operator("motionary.search", icon="VIEWZOOM")
    if typed.use_filters:
        _draw_filters(layout, typed)


def _draw_use(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Step through the results and apply one: above them, where it is always in sight."""
    if not current().hits:
        return
    bar = layout.row(align=True)
    bar.scale_y = 1.4
    bar.operator("motionary.step", text="", icon="TRIA_LEFT").step = -1
    apply = bar.row(align=True)
    apply.operator_context = "INVOKE_DEFAULT"
    apply.operator("motionary.apply", icon="ARMATURE_DATA")
    bar.operator("motionary.step", text="", icon="TRIA_RIGHT").step = 1
    if not has_armature(context):
        draw_lines(layout, context, "No character: add an armature to apply the clip to it", "INFO")


def _draw_filters(layout: bpy.types.UILayout, typed: MOTIONARY_PG_state) -> None:
    box = layout.box().column(align=True)
    box.use_property_split = True
    box.use_property_decorate = False
    for title, low, high in (
        ("Length", "min_seconds", "max_seconds"),
        ("Way", "min_distance", "max_distance"),
    ):
        row = box.split(factor=0.4, align=True)  # as Blender splits those below
        row.use_property_split = False
        heading = row.row()
        heading.alignment = "RIGHT"
        heading.label(text=title)
        pair = row.row(align=True)
        pair.prop(typed, low, text="")
        pair.prop(typed, high, text="")
    box.prop(typed, "hand")
    box.prop(typed, "loops")
    box.separator()
    box.prop(typed, "tag")
    box.prop(typed, "source")
    box.prop(typed, "starred")


def draw_results(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """What was found, or what to do where nothing was."""
    session, typed = current(), state(context)
    if session.failure:
        draw_lines(layout, context, sentence(session.failure), "ERROR")
        if UPGRADE in session.failure:
            layout.operator("motionary.library_upgrade", icon="FILE_REFRESH")
        return
    if not session.hits:
        _draw_nothing(layout, context, session)
        return
    assert session.question is not None
    what = "Best" if session.question.query else "Similar"
    layout.label(text=f"{what} {len(session.hits)} of {session.clips:,} clips")
    if session.taken and session.taken != session.question.query:
        draw_lines(layout, context, f"Searching for: {session.taken}", "INFO", most=2)
    if is_unsure(session.hits):
        draw_lines(layout, context, "Unsure: this library may have nothing of the kind", "QUESTION")
    # The page that the chosen one is on: stepping through the results turns the pages.
    size, chosen = int(preferences(context).page), int(typed.chosen)
    first = max(chosen, 0) // size * size
    column = layout.column(align=True)
    for index, hit in enumerate(session.hits[first : first + size], start=first):
        _draw_hit(column, session, hit, index, chosen=index == chosen)
    if len(session.hits) > size:
        pages = layout.row(align=True)
        pages.operator("motionary.page", text="", icon="TRIA_LEFT").step = -1
        middle = pages.row()
        middle.alignment = "CENTER"
        middle.label(text=f"{first + 1} to {min(first + size, len(session.hits))} of {len(session.hits)}")
        pages.operator("motionary.page", text="", icon="TRIA_RIGHT").step = 1


def _draw_hit(layout: bpy.types.UILayout, session: Session, hit: Hit, index: int, *, chosen: bool) -> None:
    box = layout.box().column(align=True)
    row = box.row(align=True)
    row.operator("motionary.choose", text=hit.name, depress=chosen, translate=False).index = index
    _star(row, hit, index)
    if icons := session.strip(hit):
        poses = box.row(align=True)
        poses.alignment = "CENTER"
        for icon in icons:
            poses.template_icon(icon, scale=TILE_SCALE)
    said = box.row()
    said.scale_y = 0.8
    said.label(text=seconds_text(hit.start_s, hit.end_s, hit.duration_s))
    tags = ", ".join(tag for tag in hit.tags if tag != STARRED)
    said.label(text=tags, translate=False)
    score = said.row()
    score.alignment = "RIGHT"
    sure = f"{hit.score:.2f}" if hit.confidence is None else f"{hit.confidence:.0%}"
    score.label(text=f"{sure} mirrored" if hit.mirrored else sure)


def _star(layout: bpy.types.UILayout, hit: Hit, index: int) -> None:
    icon = "SOLO_ON" if STARRED in hit.tags else "SOLO_OFF"
    layout.operator("motionary.star", text="", icon=icon).index = index  # type: ignore[arg-type]


def _draw_moving(layout: bpy.types.UILayout, session: Session, hit: Hit) -> None:
    icon = session.animation() if preferences().animate_panel else None
    if icon is not None:
        layout.template_icon(icon, scale=ANIMATION_SCALE)
    elif icons := session.strip(hit):
        row = layout.row(align=True)
        for pose in icons:
            row.template_icon(pose, scale=TILE_SCALE)


def _draw_nothing(layout: bpy.types.UILayout, context: bpy.types.Context, session: Session) -> None:
    """Why the list is empty, and what to do next."""
    typed = state(context)
    if session.searching:
        layout.label(text="Searching …", icon="SORTTIME")
        return
    if session.library is None:
        draw_lines(layout, context, "No library yet: make one under Libraries, and add your folders", "INFO")
        return
    if session.summary is not None and session.summary.clips == 0 and _is_indexing(session):
        draw_lines(layout, context, "This library is being indexed: what is done can be searched", "INFO")
        return
    if session.summary is not None and session.summary.clips == 0 and isinstance(session.library, Served):
        draw_lines(layout, context, "This library is empty", "INFO")
        return
    if session.summary is not None and session.summary.clips == 0:
        draw_lines(layout, context, "This library is empty: add folders under Libraries, then index", "INFO")
        return
    if not str(typed.query).strip():
        draw_lines(layout, context, 'Say what the motion shows, as in "a person waves"', "INFO")
        return
    if session.question is not None and typed.use_filters and session.clips == 0:
        draw_lines(layout, context, "No clip passes the filters: loosen them, or turn them off", "INFO")
        return
    if session.question is not None:
        cure = "" if isinstance(session.library, Served) else ": index this library again"
        draw_lines(layout, context, f"Nothing found{cure}", "INFO")


def _is_indexing(session: Session) -> bool:
    return session.job is not None and not session.job.state.is_finished


CLASSES = (
    MOTIONARY_PT_main,
    MOTIONARY_PT_clip,
    MOTIONARY_PT_ghost,
    MOTIONARY_PT_details,
    MOTIONARY_MT_history,
    MOTIONARY_MT_clip,
)
