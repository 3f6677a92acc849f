"""A picture of a motion: the character itself in several poses side by side, rendered with Workbench.

The poses are frozen copies of the evaluated meshes in a scene of their own, which is removed afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from motionary.errors import MotionaryError
from motionary.retarget import rig_bones
from motionary.rigs import FINGERS, RigMap

from .armature import find_rig_map, read_matrices

__all__ = ["render_poses"]

Floats = NDArray[np.float64]

VIEW_FROM = np.radians(35)
"""Three-quarter view: how far the camera stands to the side of where the character faces."""

VIEW_DOWN = np.radians(14)
MARGIN = 0.06
COLOURS = {
    "trunk": (0.55, 0.57, 0.62, 1.0),
    "left": (0.86, 0.42, 0.16, 1.0),
    "right": (0.16, 0.42, 0.75, 1.0),
    "floor": (0.62, 0.64, 0.66, 1.0),
}


@dataclass(frozen=True, eq=False)
class _Shape:
    """A frozen mesh, and where its vertices are in the world."""

    mesh: bpy.types.Mesh
    points: Floats


def render_poses(
    armature: bpy.types.Object, path: Path, frames: Sequence[int], *, width: int = 1500, height: int = 420
) -> None:
    """Render ``armature``'s character at ``frames``, left to right, into the PNG file ``path``.

    An armature without a mesh is given a body of capsules for the picture. The frame, the scene and the rig are
    left as they were. Raises MotionaryError where the picture cannot be written.
    """
    rig = find_rig_map(armature)
    shown = bpy.context.scene.frame_current
    with _scratch() as scene:
        poses, hips, forwards = [], [], []
        for frame in frames:
            bpy.context.scene.frame_set(frame)
            poses.append(_character(armature) or _capsule_body(armature, rig))
            middle, forward = _hips(armature, rig)
            hips.append(middle)
            forwards.append(forward)
        bpy.context.scene.frame_set(shown)
        _compose(scene, poses, hips, forwards, armature.matrix_world.translation.z, width / height)
        _render(scene, path, width, height)


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


def _character(armature: bpy.types.Object) -> list[_Shape]:
    """Frozen copies of the meshes that ``armature`` deforms or carries, as they are in this frame."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    shapes = []
    for item in bpy.context.scene.objects:
        deformed = any(m.type == "ARMATURE" and m.object == armature for m in item.modifiers)
        if item.type != "MESH" or item.hide_render or not (deformed or item.parent == armature):
            continue
        evaluated = item.evaluated_get(depsgraph)
        mesh = bpy.data.meshes.new_from_object(evaluated, preserve_all_data_layers=True, depsgraph=depsgraph)
        mesh.transform(evaluated.matrix_world)
        points = np.empty(len(mesh.vertices) * 3, np.float32)
        mesh.vertices.foreach_get("co", points)
        if len(points):
            shapes.append(_Shape(mesh, points.reshape(-1, 3).astype(np.float64)))
    return shapes


def _hips(armature: bpy.types.Object, rig: RigMap) -> tuple[Floats, Floats]:
    """The middle of the hips, and the way they face."""
    names = [rig.joints[joint][0] for joint in ("left_hip", "right_hip")]
    left, right = read_matrices(armature, names)[:, :3, 3]
    return (left + right) / 2, np.cross(left - right, (0.0, 0.0, 1.0))


def _compose(
    scene: bpy.types.Scene,
    poses: list[list[_Shape]],
    hips: list[Floats],
    forwards: list[Floats],
    ground: float,
    aspect: float,
) -> None:
    """Line the poses up across the view, and put floor and camera so that they fill it."""
    facing = np.sum(forwards, axis=0)
    angle = np.arctan2(facing[1], facing[0]) - VIEW_FROM
    back = np.array([np.cos(angle), np.sin(angle), 0.0])  # from the character to the camera
    right = np.array([-back[1], back[0], 0.0])

    clouds = [np.concatenate([shape.points for shape in pose]) for pose in poses]
    spans = [np.array([(cloud @ right).min(), (cloud @ right).max()]) for cloud in clouds]
    top = max(cloud[:, 2].max() for cloud in clouds)
    bottom = min(ground, *(cloud[:, 2].min() for cloud in clouds))
    tall = (top - bottom) * (1 + 4 * MARGIN)
    widths = sum(span[1] - span[0] for span in spans)
    across = max(tall * aspect, widths + (top - bottom) * MARGIN * (len(poses) + 1))
    gap = (across - widths) / (len(poses) + 1)

    at = gap - across / 2
    for pose, hip, span in zip(poses, hips, spans, strict=True):
        shift = right * (at - span[0]) - back * (hip @ back)
        at += span[1] - span[0] + gap
        for shape in pose:
            item = bpy.data.objects.new("Motionary pose", shape.mesh)
            item.location = tuple(shift)
            scene.collection.objects.link(item)

    floor = bpy.data.meshes.new("Motionary floor")
    deep = (top - bottom) * 0.75
    corners = [right * x * across + back * y * deep for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    floor.from_pydata([(*corner[:2], ground) for corner in corners], [], [(0, 1, 2, 3)])
    floor.materials.append(_material("floor"))
    scene.collection.objects.link(bpy.data.objects.new("Motionary floor", floor))

    camera = bpy.data.objects.new("Motionary camera", bpy.data.cameras.new("Motionary camera"))
    camera.data.type = "ORTHO"
    camera.data.ortho_scale = across
    depth = 10 * across
    camera.data.clip_end = 3 * depth
    outward = back * np.cos(VIEW_DOWN) + np.array([0.0, 0.0, np.sin(VIEW_DOWN)])
    axes = np.stack([right, np.cross(outward, right), outward], axis=1)
    place = np.array([0.0, 0.0, (top + bottom) / 2]) + outward * depth
    camera.matrix_world = Matrix.Translation(place) @ Matrix(axes.tolist()).to_4x4()
    scene.collection.objects.link(camera)
    scene.camera = camera


def _render(scene: bpy.types.Scene, path: Path, width: int, height: int) -> None:
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.render.resolution_percentage = 100
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGB"
    scene.view_settings.view_transform = "Standard"
    scene.world = bpy.data.worlds.new("Motionary world")
    scene.world.color = (0.80, 0.82, 0.84)
    scene.display.render_aa = "8"
    shading = scene.display.shading
    shading.light = "STUDIO"
    shading.color_type = "TEXTURE"
    shading.show_shadows = True
    shading.shadow_intensity = 0.35
    shading.show_cavity = True
    scene.render.filepath = str(path.absolute())
    try:
        bpy.ops.render.render(write_still=True, scene=scene.name)
    except RuntimeError as error:
        raise MotionaryError(f"{path}: the picture could not be rendered: {str(error).strip()}") from None
    if not path.exists():
        raise MotionaryError(f"{path}: the picture could not be written; is its folder there and writable?")


def _material(name: str) -> bpy.types.Material:
    material = bpy.data.materials.get(f"Motionary {name}") or bpy.data.materials.new(f"Motionary {name}")
    material.diffuse_color = COLOURS[name]
    return material


# Radii of the capsule body for legs of 0.9 m: (joint, its radius, the next joint, its radius).
LIMBS = (
    ("hip", 0.085, "knee", 0.058),
    ("knee", 0.058, "ankle", 0.04),
    ("ankle", 0.042, "foot", 0.034),
    ("shoulder", 0.052, "elbow", 0.042),
    ("elbow", 0.042, "wrist", 0.03),
    ("wrist", 0.034, "middle", 0.03),
)


def _capsule_body(armature: bpy.types.Object, rig: RigMap) -> list[_Shape]:
    """A mannequin of capsules between the joints of a bare rig: left limbs orange, right limbs blue."""
    bones = rig_bones(rig)
    matrices = read_matrices(armature, [bone for bone, _, _ in bones])
    heads = {
        key: matrix[:3, 3]
        for (_, *key_), matrix in zip(bones, matrices, strict=True)
        for key in [tuple(key_)]
    }
    axes = {
        (joint, place): matrix[:3, 1] * armature.pose.bones[bone].length
        for (bone, joint, place), matrix in zip(bones, matrices, strict=True)
    }
    leg = np.linalg.norm(heads["left_hip", 0] - heads["left_knee", 0]) * 2
    unit = float(leg) / 0.9
    shapes = []
    for side in ("left", "right"):
        parts = [
            _capsule(heads[f"{side}_{a}", 0], heads[f"{side}_{b}", 0], ra * unit, rb * unit)
            for a, ra, b, rb in LIMBS
            if (f"{side}_{a}", 0) in heads and (f"{side}_{b}", 0) in heads
        ]
        for (joint, place), head in heads.items():
            thickness = {"foot": 0.034, "wrist": 0.03, **dict.fromkeys(FINGERS, 0.011)}.get(
                joint.removeprefix(f"{side}_")
            )
            if thickness and joint.startswith(side):
                parts.append(
                    _capsule(head, head + axes[joint, place], thickness * unit, thickness * unit * 0.9)
                )
        shapes.append(_join(parts, side))
    hips = (heads["left_hip", 0] + heads["right_hip", 0]) / 2
    shoulders = (heads["left_shoulder", 0] + heads["right_shoulder", 0]) / 2
    spine = [hips, *(heads[key] for key in heads if key[0] == "spine")][-1]
    trunk = [
        _capsule(heads["left_hip", 0], heads["right_hip", 0], 0.09 * unit, 0.09 * unit),
        _capsule(hips, (hips + shoulders) / 2, 0.12 * unit, 0.115 * unit),
        _capsule(spine, shoulders, 0.12 * unit, 0.13 * unit),
        _capsule(heads["left_shoulder", 0], heads["right_shoulder", 0], 0.055 * unit, 0.055 * unit),
    ]
    if ("head", 0) in heads:
        base, up = heads["head", 0], heads["head", 0] - heads.get(("neck", 0), shoulders)
        up /= max(float(np.linalg.norm(up)), 1e-9)
        trunk.append(_capsule(shoulders, base, 0.055 * unit, 0.05 * unit))
        trunk.append(_capsule(base + up * 0.07 * unit, base + up * 0.14 * unit, 0.085 * unit, 0.1 * unit))
    shapes.append(_join(trunk, "trunk"))
    return shapes


def _capsule(a: Floats, b: Floats, ra: float, rb: float) -> tuple[Floats, NDArray[np.int64]]:
    """Vertices (V, 3) and faces (F, 4) of a capsule from ``a`` to ``b`` with radius ``ra`` there and ``rb`` here."""
    around, bend = 14, 5
    axis = b - a
    length = float(np.linalg.norm(axis))
    axis = axis / length if length > 1e-9 else np.array([0.0, 0.0, 1.0])
    side = np.cross(axis, np.eye(3)[np.argmin(np.abs(axis))])
    side /= np.linalg.norm(side)
    frame = np.stack([side, np.cross(axis, side), axis])
    polar = np.linspace(-np.pi / 2, np.pi / 2, 2 * bend)
    radius = np.where(np.arange(2 * bend) < bend, ra, rb)
    middle = np.where(np.arange(2 * bend) < bend, 0.0, length)
    turn = np.linspace(0, 2 * np.pi, around, endpoint=False)
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    local = np.concatenate(
        [
            (radius * np.cos(polar))[:, None, None] * ring,
            np.broadcast_to((middle + radius * np.sin(polar))[:, None, None], (2 * bend, around, 1)),
        ],
        axis=-1,
    )
    rows, columns = np.meshgrid(np.arange(2 * bend - 1), np.arange(around), indexing="ij")
    after = (columns + 1) % around
    faces = np.stack(
        [
            rows * around + columns,
            rows * around + after,
            (rows + 1) * around + after,
            (rows + 1) * around + columns,
        ],
        axis=-1,
    )
    return a + local.reshape(-1, 3) @ frame, faces.reshape(-1, 4)


def _join(parts: list[tuple[Floats, NDArray[np.int64]]], colour: str) -> _Shape:
    starts = np.cumsum([0, *(len(points) for points, _ in parts)])
    points = np.concatenate([points for points, _ in parts])
    faces = np.concatenate([faces + start for (_, faces), start in zip(parts, starts, strict=False)])
    mesh = bpy.data.meshes.new(f"Motionary {colour}")
    mesh.from_pydata(points.tolist(), [], faces.tolist())
    mesh.shade_smooth()
    mesh.materials.append(_material(colour))
    return _Shape(mesh, points)
