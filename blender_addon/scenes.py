"""Open, make and save the file that the character is in."""

from __future__ import annotations

import json
import struct
from collections import Counter
from pathlib import Path

import addon_utils
import bpy

from motionary.errors import MotionaryError

from .armature import current_scene

__all__ = ["make_human", "open_scene", "save_scene"]

RATES = (12, 15, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120, 240)
"""Frames a second that programs work at."""


def open_scene(path: Path) -> None:
    """Open a .blend, or import an .fbx, .glb or .gltf into an empty file; MotionaryError where that fails.

    Scripts inside an opened file are not run. What is imported keeps its frame rate.
    """
    if not path.is_file():
        raise MotionaryError(f"{path}: no such file")
    file, suffix = str(path.absolute()), path.suffix.lower()
    try:
        if suffix in (".fbx", ".glb", ".gltf"):
            _open_empty()
        if suffix == ".fbx":
            # Blender's own importer, which takes a twentieth of the time that its add-on takes.
            bpy.ops.wm.fbx_import(filepath=file, ignore_leaf_bones=True)
            _disconnect_bones()
        elif suffix in (".glb", ".gltf"):
            current_scene().render.fps = _gltf_rate(path)
            bpy.ops.import_scene.gltf(filepath=file)
        else:
            bpy.ops.wm.open_mainfile(filepath=file, load_ui=False, use_scripts=False)
    except RuntimeError as error:
        raise MotionaryError(f"{path}: Blender cannot read it: {_one_line(error)}") from None
    except AttributeError as error:  # how bpy.ops says that there is no such operator
        raise MotionaryError(f"{path}: this Blender cannot import {suffix} files: {error}") from None


def _disconnect_bones() -> None:
    """Have keys of bones' locations heeded. The FBX importer connects a bone to a parent that ends where it
    begins, as most hips do to a root, and what is connected cannot move."""
    layer = bpy.context.view_layer
    assert layer is not None
    for item in current_scene().objects:
        if isinstance(item.data, bpy.types.Armature):
            layer.objects.active = item
            bpy.ops.object.mode_set(mode="EDIT")
            for bone in item.data.edit_bones:
                bone.use_connect = False
            bpy.ops.object.mode_set(mode="OBJECT")


def _gltf_rate(path: Path) -> int:
    """Frames a second at which most of a glTF file's curves have their keys; 24 where that tells nothing.

    The file counts in seconds; but to read it at another rate would round off every pose between two keys.
    """
    data = path.read_bytes()
    try:
        if data.startswith(b"glTF"):  # a header of 12 bytes, then the length and kind of the first part
            data = data[20 : 20 + struct.unpack_from("<I", data, 12)[0]]
        file = json.loads(data)
        rates: Counter[int] = Counter()
        for animation in file.get("animations", ()):
            for sampler in animation["samplers"]:
                times = file["accessors"][sampler["input"]]
                seconds, steps = times["max"][0] - times["min"][0], times["count"] - 1
                rate = steps / seconds if steps > 1 and seconds > 0 else 0.0
                if round(rate) in RATES and abs(rate - round(rate)) < 0.02:
                    rates[round(rate)] += 1
        return rates.most_common(1)[0][0] if rates else 24
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        ArithmeticError,
        RecursionError,
        struct.error,
    ):
        return 24  # no glTF file, which the importer will say


def save_scene(path: Path) -> None:
    """Save what is open as ``path``, compressed; MotionaryError where that fails."""
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(path.absolute()), copy=True, compress=True)
    except RuntimeError as error:
        raise MotionaryError(f"{path}: the file cannot be saved: {_one_line(error)}") from None


def make_human() -> bpy.types.Object:
    """A generated Rigify human, alone in an empty file; MotionaryError in a Blender without Rigify."""
    _open_empty()
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


def _open_empty() -> None:
    """An empty file as Blender comes with, whatever the user made of the startup file.

    The preferences stay: factory settings would disable the extension that this code is in.
    """
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True, load_ui=False)


def _one_line(error: RuntimeError) -> str:
    return str(error).strip().splitlines()[0].removeprefix("Error: ")
