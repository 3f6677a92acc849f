"""Let a test ask a running Blender things: it runs what is put into a folder, on Blender's own main thread.

    blender --python scripts/blender_window_mailbox.py -- FOLDER

A request is a file NUMBER.py in FOLDER; its answer is NUMBER.json, which says {"answer": ...} or, where the
request raised, {"error": the traceback}. A request is either one expression, or statements that leave what
they found in a variable named `answer`. Names live from one request to the next, and there are two to begin
with, `place_of` and `under_mouse` below. The look into the folder is a timer that outlives loading another
file; what a person does with mouse and keys, a test does with xdotool.
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path
from typing import Any

import bpy

LOOK_EVERY = 0.005
"""Seconds between two looks into the folder."""


def answer(code: str, names: dict[str, Any]) -> Any:
    """What the request ``code`` finds, with ``names`` at hand."""
    try:
        expression = compile(code.strip(), "<request>", "eval")
    except SyntaxError:
        names["answer"] = None
        exec(compile(code, "<request>", "exec"), names)  # noqa: S102, a test's own code
        return names["answer"]
    return eval(expression, names)  # noqa: S307, a test's own code


def place_of(area_type: str, region_type: str) -> tuple[int, int, int, int] | None:
    """Left, top, width and height in pixels of the first such region; None where it is closed."""
    window = bpy.context.window_manager.windows[0]
    for area in window.screen.areas:
        for region in area.regions:
            if (area.type, region.type) == (area_type, region_type) and min(region.width, region.height) > 1:
                return region.x, window.height - region.y - region.height, region.width, region.height
    return None


def under_mouse() -> str:
    """The button that the mouse is on: ``WindowManager.motionary.query`` for a property, for an operator the
    call that it makes, as Blender's own Copy Python Command has it; empty for nothing and for all else."""
    window = bpy.context.window_manager.windows[0]
    for area in window.screen.areas:
        for region in area.regions:
            with bpy.context.temp_override(window=window, area=area, region=region):
                if (found := bpy.context.property) is not None:
                    owner, path, _index = found
                    return f"{type(owner).__name__}.{path}"
                if bpy.ops.ui.copy_python_command_button.poll():
                    bpy.context.window_manager.clipboard = ""
                    bpy.ops.ui.copy_python_command_button()
                    return str(bpy.context.window_manager.clipboard)
    return ""


def _plain(value: Any) -> Any:
    """Blender's vectors and the like as lists, all else in words."""
    return list(value) if hasattr(value, "__iter__") else str(value)


def main() -> None:
    folder = Path(sys.argv[sys.argv.index("--") + 1])
    names: dict[str, Any] = {"bpy": bpy, "place_of": place_of, "under_mouse": under_mouse}
    # A person's first start: nothing to be dismissed before the first click, and nothing saved behind it.
    bpy.context.preferences.view.show_splash = False
    bpy.context.preferences.use_preferences_save = False

    seen: set[Path] = set()

    def look() -> float:
        # Blender handles mouse and keys after timers: what came before a request is done by the next look.
        requests = sorted(folder.glob("*.py"))
        for request in [request for request in requests if request in seen]:
            seen.discard(request)
            try:
                told = {"answer": answer(request.read_text(encoding="utf-8"), names)}
            except Exception:
                told = {"error": traceback.format_exc()}
            request.unlink()
            partial = request.with_suffix(".partial")
            partial.write_text(json.dumps(told, default=_plain), encoding="utf-8")
            partial.replace(request.with_suffix(".json"))
        seen.update(request for request in requests if request.exists())
        return LOOK_EVERY

    bpy.app.timers.register(look, persistent=True)


if __name__ == "__main__":
    main()
