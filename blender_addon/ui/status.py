"""The status bar while a library is being indexed: how far that is, and a button that stops it."""

from __future__ import annotations

from typing import TypeAlias, cast

import bpy

from ..jobs import JobState
from ..session import current, is_running

__all__ = ["draw_progress", "draw_status", "progress_text", "redraw", "register", "unregister"]

WIDTH = 11
"""Of the bar with its button, in buttons: "Indexing 12,345 of 67,890" fits."""

Place: TypeAlias = tuple[bpy.types.Window, bpy.types.Area, bpy.types.Region]

_drawn: list[Place] = []
"""Where the status bar was drawn: scripts cannot ask Blender for it, for it is no area of a screen."""


def progress_text(state: JobState) -> str:
    """How far a job is, in a few words."""
    if state.is_cancelling:
        return "Stopping …"
    if not state.total:
        return f"{state.step} …"
    return f"{state.step} {state.done:,} of {state.total:,}"


def draw_progress(layout: bpy.types.UILayout, state: JobState) -> None:
    """A bar, and a button that stops the job."""
    row = layout.row(align=True)
    row.progress(factor=state.fraction, text=progress_text(state))
    button = row.row(align=True)
    button.enabled = not state.is_cancelling
    button.operator("motionary.index_cancel", text="", icon="X")


def redraw() -> None:
    """Have the status bars drawn again."""
    for place in list(_drawn):
        if _is_there(place):
            place[-1].tag_redraw()
        else:
            _drawn.remove(place)


def _is_there(place: Place) -> bool:
    """Whether a place still is: its window may have been closed, and its memory is another's then."""
    window, area, region = place
    try:
        with bpy.context.temp_override(window=window, area=area, region=region):
            return True
    except TypeError:
        return False


def draw_status(self: bpy.types.Header, context: bpy.types.Context) -> None:
    """In the status bar of each window, while a job is at work."""
    place = context.window, context.area, context.region
    if place not in _drawn and all(place):
        _drawn.append(cast("Place", place))
    state: JobState | None = current().job.state if is_running() and current().job else None
    if state is not None and not state.is_finished:
        assert self.layout is not None
        row = self.layout.row()
        row.label(text=f"Motionary: {state.library.stem}", icon="ARMATURE_DATA", translate=False)
        bar = row.row()
        bar.ui_units_x = WIDTH
        draw_progress(bar, state)


def register() -> None:
    """Add it to Blender's own."""
    bpy.types.STATUSBAR_HT_header.append(draw_status)


def unregister() -> None:
    """Take it away."""
    bpy.types.STATUSBAR_HT_header.remove(draw_status)
    _drawn.clear()
