"""The chosen clip as a ghost in the 3D Viewport: drawn over the scene, of which nothing is changed.

It is a row of numbers, made when a clip is chosen: what happens to the character afterwards, deleted or
undone, does not matter to it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import bpy
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader
from numpy.typing import NDArray

from motionary.errors import MotionaryError
from motionary.features import FPS
from motionary.stance import leg_length

from ..armature import read_matrices
from ..preferences import preferences
from ..properties import state
from ..rig_choice import find_rig_map
from .ghost_shape import SIDES, Stand, placed, triangles

__all__ = ["hide", "is_playing", "pose_now", "register", "show", "standing", "unregister"]

SIDE_COLORS = np.array([[0.0, 0.0, 0.0], [0.95, 0.42, 0.1], [0.12, 0.4, 0.85]])
MIXED = np.array([0.0, 0.75, 0.55])
"""The colors of pictures of motions on trunk, left and right limbs, and how much of them the ghost's gets."""

PATH_WIDTH = 2.0
"""Pixels of the line on the ground that shows where the hips go."""


@dataclass(frozen=True, eq=False)
class _Ghost:
    """joints: (T, 22, 3) in the world at 20 fps. ground: height of the path. began: when it was shown, by
    the clock and as the scene's frame."""

    joints: NDArray[np.float64]
    ground: float
    began: float
    frame: float


_ghosts: list[_Ghost] = []
_handles: list[Any] = []


def show(joints: NDArray[np.float64]) -> None:
    """Play joints (T, 22, 3) of a clip, metres, Y up, 20 fps, at the active character or the 3D cursor."""
    stand = standing(bpy.context)
    beside = preferences().ghost_place == "BESIDE"
    scene = bpy.context.scene
    _ghosts[:] = [
        _Ghost(
            placed(joints, stand, beside=beside),
            stand.at[2],
            time.monotonic(),
            float(scene.frame_current if scene else 0),
        )
    ]


def hide() -> None:
    """Show none."""
    _ghosts.clear()


def is_playing() -> bool:
    """Whether a ghost moves by itself, so that the viewport has to be drawn again and again."""
    return bool(_ghosts) and bool(state().show_ghost) and preferences().ghost_time == "FREE"


def pose_now() -> NDArray[np.float64] | None:
    """The joints (22, 3) in the world that the ghost shows at this moment; None where there is none."""
    if not _ghosts:
        return None
    ghost, scene = _ghosts[0], bpy.context.scene
    last = len(ghost.joints) - 1
    if preferences().ghost_time == "FREE" or scene is None:
        at = (time.monotonic() - ghost.began) * FPS % max(last, 1)
    else:
        fps = scene.render.fps / scene.render.fps_base
        at = float(np.clip((scene.frame_current_final - ghost.frame) / fps * FPS, 0, last))
    low = int(at)
    high = min(low + 1, last)
    pose: NDArray[np.float64] = ghost.joints[low] * (1 - at + low) + ghost.joints[high] * (at - low)
    return pose


def standing(context: bpy.types.Context) -> Stand:
    """Where the active character stands; the 3D cursor where no human armature is active."""
    armature = context.object
    if armature is not None and armature.type != "ARMATURE":
        armature = armature.find_armature() or armature.parent
    if armature is not None and armature.type == "ARMATURE" and armature.mode != "EDIT":
        try:
            return _stands(armature)
        except MotionaryError:
            pass  # an armature, but of no human: the ghost is at the cursor
    scene = context.scene
    x, y, z = scene.cursor.location[:] if scene else (0.0, 0.0, 0.0)
    return Stand((x, y, z))


def _stands(armature: bpy.types.Object) -> Stand:
    rig = find_rig_map(armature)
    names = [f"{side}_{joint}" for side in ("left", "right") for joint in ("hip", "knee", "ankle")]
    matrices = read_matrices(armature, [rig.joints[name][0] for name in names])
    heads = {name: matrix[:3, 3] for name, matrix in zip(names, matrices, strict=True)}
    left = heads["left_hip"] - heads["right_hip"]
    hips = (heads["left_hip"] + heads["right_hip"]) / 2
    ground = float(armature.matrix_world.translation.z)
    return Stand((hips[0], hips[1], ground), float(np.arctan2(left[1], left[0])), leg_length(heads))


# Drawing


def _draw() -> None:
    pose = pose_now() if state().show_ghost else None
    space = bpy.context.space_data
    if pose is None or not isinstance(space, bpy.types.SpaceView3D) or not space.overlay.show_overlays:
        return
    settings = preferences()
    points, light = triangles(pose, float(settings.ghost_size))
    color = np.array(settings.ghost_color[:])
    mixed = color[:3] * (1.0 - MIXED[:, None]) + SIDE_COLORS * MIXED[:, None]
    colors = np.empty((len(points), 4))
    colors[:, :3] = np.repeat(mixed[SIDES], len(points) // len(SIDES), axis=0) * light[:, None]
    colors[:, 3] = color[3]
    gpu.state.blend_set("ALPHA")
    gpu.state.depth_test_set("LESS_EQUAL")
    gpu.state.depth_mask_set(True)
    try:
        shader = gpu.shader.from_builtin("SMOOTH_COLOR")
        content: dict[str, Any] = {"pos": points.astype(np.float32), "color": colors.astype(np.float32)}
        batch_for_shader(shader, "TRIS", content).draw(shader)
        _draw_path(color)
    finally:
        gpu.state.depth_mask_set(False)
        gpu.state.depth_test_set("NONE")
        gpu.state.blend_set("NONE")


def _draw_path(color: NDArray[np.float64]) -> None:
    """The way of the hips over the ground."""
    path = _ghosts[0].joints[:, 0].copy()
    path[:, 2] = _ghosts[0].ground
    if len(path) < 2:
        return
    shader = gpu.shader.from_builtin("POLYLINE_UNIFORM_COLOR")
    viewport: Any = gpu.state.viewport_get()  # type: ignore[func-returns-value]
    shader.bind()
    shader.uniform_float("viewportSize", viewport[2:])
    shader.uniform_float("lineWidth", PATH_WIDTH)
    shader.uniform_float("color", (*color[:3], color[3] * 0.5))
    content: dict[str, Any] = {"pos": path.astype(np.float32)}
    batch_for_shader(shader, "LINE_STRIP", content).draw(shader)


def register() -> None:
    """Draw whenever a 3D Viewport is drawn."""
    if not bpy.app.background:
        _handles.append(bpy.types.SpaceView3D.draw_handler_add(_draw, (), "WINDOW", "POST_VIEW"))


def unregister() -> None:
    """Draw no more."""
    hide()
    while _handles:
        bpy.types.SpaceView3D.draw_handler_remove(_handles.pop(), "WINDOW")
