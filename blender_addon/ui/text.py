"""Longer texts in a panel: Blender's labels are one line, and cut off what does not fit."""

from __future__ import annotations

import textwrap

import bpy

from motionary.remote import Place, Served, is_address

__all__ = ["draw_lines", "place_name", "seconds_text", "sentence"]

LETTER = 6.6
"""Pixels that a letter of Blender's font takes on average, at a scale of 1."""

MARGIN = 50
"""Pixels of a region that no letter is in: margins, an icon, the scroll bar."""


def draw_lines(
    layout: bpy.types.UILayout,
    context: bpy.types.Context,
    text: str,
    icon: str = "NONE",
    most: int = 8,
    wide: int | None = None,
) -> None:
    """Draw ``text`` broken into lines, ``most`` of them, that fit the region, or a dialog of ``wide`` pixels
    at a scale of 1."""
    system = context.preferences.system if context.preferences else None
    scale = (system.ui_scale if system else 0.0) or 1.0  # 0 where there is no window
    width = context.region.width if context.region else 300
    if wide is not None:
        width = int(wide * scale)
    letters = max(int((width - MARGIN * scale) / (LETTER * scale)), 16)
    lines = textwrap.wrap(text, letters, max_lines=most, placeholder=" …") or [""]
    column = layout.column(align=True)
    column.scale_y = 0.85
    for number, line in enumerate(lines):
        # Lines below the one with the icon begin where its text does.
        shown = icon if number == 0 else "BLANK1" if icon != "NONE" else "NONE"
        column.label(text=line, icon=shown, translate=False)  # type: ignore[arg-type]


def sentence(text: str) -> str:
    """``text`` with a capital at its beginning, unless that is an address."""
    return text if is_address(text) else text[:1].upper() + text[1:]


def place_name(place: Place) -> str:
    """What a library is called."""
    return place.name if isinstance(place, Served) else place.stem


def seconds_text(start: float, end: float, whole: float) -> str:
    """A part of a clip, in seconds, and of how long a clip it is where that is not all of it."""
    if end - start >= whole - 0.05:
        return f"{whole:.1f} s"
    return f"{start:.1f}–{end:.1f} s of {whole:.0f} s"
