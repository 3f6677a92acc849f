"""Open, make and save the file that the character is in."""

from __future__ import annotations

from pathlib import Path

import addon_utils
import bpy

from motionary.errors import MotionaryError

__all__ = ["make_human", "open_scene", "save_scene"]


def open_scene(path: Path) -> None:
    """Open a .blend, or import a .glb or .gltf into an empty file; MotionaryError where that fails.

    Scripts inside an opened file are not run.
    """
    if not path.is_file():
        raise MotionaryError(f"{path}: no such file")
    try:
        if path.suffix.lower() in (".glb", ".gltf"):
            bpy.ops.wm.read_factory_settings(use_empty=True)
            bpy.ops.import_scene.gltf(filepath=str(path.absolute()))
        else:
            bpy.ops.wm.open_mainfile(filepath=str(path.absolute()), load_ui=False, use_scripts=False)
    except RuntimeError as error:
        raise MotionaryError(f"{path}: Blender cannot read it: {_one_line(error)}") from None


def save_scene(path: Path) -> None:
    """Save what is open as ``path``, compressed; MotionaryError where that fails."""
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(path.absolute()), copy=True, compress=True)
    except RuntimeError as error:
        raise MotionaryError(f"{path}: the file cannot be saved: {_one_line(error)}") from None


def make_human() -> bpy.types.Object:
    """A generated Rigify human, alone in an empty file; MotionaryError in a Blender without Rigify."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    addon_utils.enable("rigify", default_set=True)
    try:
        bpy.ops.object.armature_human_metarig_add()  # type: ignore[attr-defined]
    except AttributeError:
        raise MotionaryError("this Blender comes without Rigify; give a character of your own") from None
    metarig = bpy.context.object
    bpy.ops.pose.rigify_generate()  # type: ignore[attr-defined]
    human = bpy.context.object
    assert metarig is not None
    assert human is not None
    bpy.data.objects.remove(metarig)
    return human


def _one_line(error: RuntimeError) -> str:
    return str(error).strip().splitlines()[0].removeprefix("Error: ")
