"""Open, make and save the file that the character is in."""

from __future__ import annotations

from pathlib import Path

import addon_utils
import bpy

from motionary.errors import MotionaryError

__all__ = ["make_human", "open_scene", "save_scene"]


def open_scene(path: Path) -> None:
    """Open a .blend, or import a .glb or .gltf into an empty scene; MotionaryError where that fails."""
    if not path.is_file():
        raise MotionaryError(f"{path}: no such file")
    try:
        if path.suffix.lower() in (".glb", ".gltf"):
            bpy.ops.wm.read_factory_settings(use_empty=True)
            bpy.ops.import_scene.gltf(filepath=str(path.absolute()))
        else:
            bpy.ops.wm.open_mainfile(filepath=str(path.absolute()), load_ui=False)
    except RuntimeError as error:
        raise MotionaryError(f"{path}: Blender cannot read it: {_first_line(error)}") from None


def save_scene(path: Path) -> None:
    """Save the open file as ``path``, compressed; the open file keeps its name. MotionaryError where that fails."""
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(path.absolute()), copy=True, compress=True)
    except RuntimeError as error:
        raise MotionaryError(f"{path}: the file cannot be saved: {_first_line(error)}") from None


def make_human() -> bpy.types.Object:
    """A generated Rigify human in an otherwise empty file."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    if addon_utils.enable("rigify", default_set=True) is None:
        raise MotionaryError("this Blender comes without Rigify; give a character with --blend")
    bpy.ops.object.armature_human_metarig_add()
    metarig = bpy.context.object
    bpy.ops.pose.rigify_generate()
    bpy.data.objects.remove(metarig)
    return bpy.context.object


def _first_line(error: RuntimeError) -> str:
    return str(error).strip().splitlines()[0].removeprefix("Error: ")
