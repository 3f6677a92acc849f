"""A picture of a motion: the character itself in several poses side by side, rendered with Workbench.

The poses are frozen copies of the evaluated meshes, in a scene of their own that is removed afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from motionary.errors import MotionaryError
from motionary.rigs import RigMap

from .armature import current_scene, read_matrices
from .mannequin import mannequin
from .rig_choice import find_rig_map

__all__ = ["render_poses"]

Floats: TypeAlias = NDArray[np.float64]

VIEW_ASIDE = np.radians(35)
"""Three-quarter view: how far the camera stands to the side of where the character faces."""

VIEW_DOWN = np.radians(12)
MARGIN = 0.06
"""Empty space above, below and between the poses, in heights of the highest."""

SKY = (0.78, 0.80, 0.83)
COLOURS = {
    "trunk": (0.52, 0.54, 0.60, 1.0),
    "left": (0.90, 0.38, 0.10, 1.0),
    "right": (0.10, 0.36, 0.75, 1.0),
    "floor": (0.93, 0.93, 0.94, 1.0),
}


@dataclass(frozen=True, eq=False)
class _Figure:
    """The character in one frame: frozen meshes, all their points (P, 3), the hips and where they face."""

    meshes: tuple[bpy.types.Mesh, ...]
    points: Floats
    hips: Floats
    facing: Floats


def render_poses(
    armature: bpy.types.Object,
    path: Path,
    frames: Sequence[int],
    *,
    rig: RigMap | None = None,
    width: int = 1500,
    height: int = 420,
) -> None:
    """Render ``armature``'s character at ``frames``, left to right, into the PNG file ``path``.

    An armature without a mesh is given a body of capsules for the picture. The frame, the scene and the rig
    are left as they were. Raises MotionaryError where the picture cannot be written.
    """
    rig = rig or find_rig_map(armature)
    scene = current_scene()
    shown = scene.frame_current
    with _scratch() as stage:
        figures = []
        for frame in frames:
            scene.frame_set(frame)
            figures.append(_figure(armature, rig))
        scene.frame_set(shown)
        _compose(stage, figures, float(armature.matrix_world.translation.z), width / height)
        _render(stage, path, width, height)


@contextmanager
def _scratch() -> Iterator[bpy.types.Scene]:
    """A scene to draw in; whatever data the block makes is gone after it."""
    kinds = ("scenes", "objects", "meshes", "cameras", "materials", "worlds")
    before = {kind: set(getattr(bpy.data, kind)) for kind in kinds}
    try:
        yield bpy.data.scenes.new("Motionary preview")
    finally:
        made = [item for kind in kinds for item in set(getattr(bpy.data, kind)) - before[kind]]
        bpy.data.batch_remove(made)


def _figure(armature: bpy.types.Object, rig: RigMap) -> _Figure:
    """The character as it is evaluated now."""
    meshes = _frozen(armature)
    if not meshes:
        meshes = [_mesh(name, *surface) for name, surface in mannequin(armature, rig).items()]
    left, right = read_matrices(armature, [rig.joints[f"{side}_hip"][0] for side in ("left", "right")])[
        :, :3, 3
    ]
    return _Figure(
        tuple(meshes),
        np.concatenate([_points(mesh) for mesh in meshes]),
        (left + right) / 2,
        np.cross(left - right, (0.0, 0.0, 1.0)),
    )


def _frozen(armature: bpy.types.Object) -> list[bpy.types.Mesh]:
    """Copies, in world space, of the visible meshes that ``armature`` deforms or carries."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    meshes = []
    for item in current_scene().objects:
        deformed = any(
            isinstance(modifier, bpy.types.ArmatureModifier) and modifier.object == armature
            for modifier in item.modifiers
        )
        if item.type == "MESH" and not item.hide_render and (deformed or item.parent == armature):
            evaluated = item.evaluated_get(depsgraph)
            mesh = bpy.data.meshes.new_from_object(
                evaluated, preserve_all_data_layers=True, depsgraph=depsgraph
            )
            mesh.transform(evaluated.matrix_world)
            if len(mesh.vertices):
                meshes.append(mesh)
    return meshes


def _points(mesh: bpy.types.Mesh) -> Floats:
    points = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", points)
    return points.reshape(-1, 3).astype(np.float64)


def _mesh(colour: str, points: Floats, faces: NDArray[np.int64]) -> bpy.types.Mesh:
    mesh = bpy.data.meshes.new(f"Motionary {colour}")
    mesh.from_pydata(points.tolist(), [], faces.tolist())
    mesh.shade_smooth()
    mesh.materials.append(_material(colour))
    return mesh


def _material(colour: str) -> bpy.types.Material:
    name = f"Motionary preview {colour}"
    material = bpy.data.materials.get(name) or bpy.data.materials.new(name)
    material.diffuse_color = COLOURS[colour]
    return material


def _compose(stage: bpy.types.Scene, figures: list[_Figure], ground: float, aspect: float) -> None:
    """Line the figures up across the view, and put floor and camera so that they fill it."""
    facing = np.sum([figure.facing for figure in figures], axis=0)
    angle = np.arctan2(facing[1], facing[0]) - VIEW_ASIDE
    back = np.array([np.cos(angle), np.sin(angle), 0.0])  # from the character to the camera
    right = np.array([-back[1], back[0], 0.0])
    outward = back * np.cos(VIEW_DOWN) + np.array([0.0, 0.0, np.sin(VIEW_DOWN)])
    up = np.cross(outward, right)

    # What the camera sees of each figure once its hips are brought to the line of figures.
    centred = [figure.points - back * (figure.hips @ back) for figure in figures]
    seen_up = np.concatenate([points @ up for points in centred])
    low, high = min(float(seen_up.min()), ground * up[2]), float(seen_up.max())
    spans = [(float((points @ right).min()), float((points @ right).max())) for points in centred]
    margin = MARGIN * (high - low)
    widths = sum(end - begin for begin, end in spans)
    across = max((high - low + 2 * margin) * aspect, widths + margin * (len(figures) + 1))
    gap = (across - widths) / (len(figures) + 1)

    at = gap - across / 2
    for figure, (begin, end) in zip(figures, spans, strict=True):
        shift = right * (at - begin) - back * (figure.hips @ back)
        at += end - begin + gap
        for mesh in figure.meshes:
            item = bpy.data.objects.new("Motionary figure", mesh)
            item.location = shift.tolist()
            stage.collection.objects.link(item)

    behind, before = -1.5 * (high - low), across
    sides = np.array([(-across, behind), (across, behind), (across, before), (-across, before)])
    corners = sides @ np.stack([right, back]) + np.array([0.0, 0.0, ground])
    floor = _mesh("floor", corners, np.array([[0, 1, 2, 3]]))
    stage.collection.objects.link(bpy.data.objects.new("Motionary floor", floor))

    lens = bpy.data.cameras.new("Motionary camera")
    lens.type = "ORTHO"
    lens.ortho_scale = across
    lens.clip_end = 8 * across
    camera = bpy.data.objects.new("Motionary camera", lens)
    place = up * (low + high) / 2 + outward * 4 * across
    axes = np.stack([right, up, outward], axis=1)
    camera.matrix_world = Matrix.Translation(place.tolist()) @ Matrix(axes.tolist()).to_4x4()
    stage.collection.objects.link(camera)
    stage.camera = camera


def _render(stage: bpy.types.Scene, path: Path, width: int, height: int) -> None:
    render, display = stage.render, stage.display
    assert display is not None
    assert display.shading is not None
    assert stage.view_settings is not None
    # The stubs know only what a file has before Blender's own engines and colour settings are read.
    render.engine = "BLENDER_WORKBENCH"  # type: ignore[assignment]
    render.resolution_x, render.resolution_y, render.resolution_percentage = width, height, 100
    render.image_settings.file_format = "PNG"
    render.image_settings.color_mode = "RGB"
    render.filepath = str(path.absolute())
    stage.view_settings.view_transform = "Standard"  # type: ignore[assignment]
    stage.world = bpy.data.worlds.new("Motionary world")
    stage.world.color = SKY
    display.render_aa = "8"
    display.light_direction = (0.3, 1.0, 0.2)  # from above, in the view
    display.shading.light = "STUDIO"
    display.shading.studio_light = "paint.sl"  # the brightest of those that come with Blender
    display.shading.color_type = "TEXTURE"
    display.shading.show_shadows = True
    display.shading.shadow_intensity = 0.3
    display.shading.show_cavity = True
    try:
        bpy.ops.render.render(write_still=True, scene=stage.name)
    except RuntimeError as error:
        raise MotionaryError(
            f"{path}: the picture cannot be rendered: {' '.join(str(error).split())}"
        ) from None
