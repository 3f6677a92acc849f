"""Rigs to try retargeting on: the names and structure of the families that animators use, on our own body.

Each `make_NAME` builds an armature in the open Blender file, at rest and without animation; `SAMPLES` lists
them with the deform bones that their limbs begin with. The tables are in the folder sample_rigs beside this
file: a bone a line, its name, its parent and where its head is (a joint of body.toml, a point between two
such as ``shoulder>elbow:0.5``, or X,Y,Z), maybe its tail and its roll, for the middle and the left side; the
right side is mirrored. The functions at the end turn a rig into a harder one.
"""

from __future__ import annotations

import re
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

import bpy
import numpy as np
from mathutils import Matrix, Vector
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))
if find_spec("motionary") is None:
    sys.path.insert(0, str(ROOT / "backend"))

import addon_utils  # noqa: E402 (which only bpy brings)

from blender_addon.armature import current_scene  # noqa: E402
from blender_addon.scenes import make_human  # noqa: E402
from motionary import rotation  # noqa: E402
from motionary.formats.bvh import write_bvh  # noqa: E402
from motionary.motion import Motion, Skeleton  # noqa: E402
from motionary.retarget import TO_BLENDER  # noqa: E402

__all__ = [
    "SAMPLES",
    "SampleRig",
    "add_leaf_bones",
    "clear_file",
    "point_tails_anywhere",
    "put_under",
    "remove_bones",
    "rename_bones",
    "roll_bones",
    "update_view",
]

Floats: TypeAlias = NDArray[np.float64]

TABLES = Path(__file__).with_suffix("")
LEAF = 0.05
"""Metres: the length of a bone that nothing hangs from."""


@dataclass(frozen=True)
class SampleRig:
    """How a rig is made, and joint (left_hip, …) -> the deform bone whose head it is."""

    make: Callable[[], bpy.types.Object]
    joints: Mapping[str, str]


@dataclass(frozen=True)
class _Bone:
    """In Blender's world and metres; the tail is None where it follows from what hangs from the bone."""

    name: str
    parent: str
    head: Floats
    tail: Floats | None
    roll: float
    right: bool


def clear_file() -> None:
    """An empty file in place of the open one."""
    bpy.ops.wm.read_factory_settings(use_empty=True)


def update_view() -> None:
    """Let Blender evaluate what was changed."""
    layer = bpy.context.view_layer
    assert layer is not None
    layer.update()


def make_mixamo() -> bpy.types.Object:
    return _build("mixamo")


def make_unreal() -> bpy.types.Object:
    return _build("unreal")


def make_vrm() -> bpy.types.Object:
    return _build("vrm")


def make_mpfb() -> bpy.types.Object:
    return _build("mpfb")


def make_daz() -> bpy.types.Object:
    return _build("daz")


def make_reallusion() -> bpy.types.Object:
    return _build("reallusion")


def make_mmd() -> bpy.types.Object:
    return _build("mmd")


def make_auto_rig_pro() -> bpy.types.Object:
    """Deform bones copy FK controls, and over these an IK chain, as far as ik_fk_switch (0: IK) says."""
    armature, table = _build("auto_rig_pro"), _table("auto_rig_pro")
    assert isinstance(armature.data, bpy.types.Armature)
    for bone in armature.data.bones:
        bone.use_deform = bone.name in _both(table, table["copies"])
    for deform, control in _both(table, table["copies"]).items():
        _copy_transforms(armature, deform, control)
    for chain in table["ik"]:
        for side in (lambda name: name, lambda name: _mirrored(table, name)):
            _add_ik(armature, chain, side)
    return armature


def make_cmu() -> bpy.types.Object:
    """What Blender's BVH importer makes of a file with CMU's joints, without the motion."""
    bones = _bones("cmu")
    directions, carriers = _directions(bones), {bone.parent for bone in bones}
    leaves = [bone for bone in bones if bone.name not in carriers]
    names = tuple([bone.name for bone in bones] + [f"{bone.name}_end" for bone in leaves])
    ends = [bone.head for bone in bones] + [bone.head + directions[bone.name] for bone in leaves]
    heads = rotation.rotate(rotation.inverse(TO_BLENDER), np.array(ends))
    above = [bone.parent for bone in bones] + [bone.name for bone in leaves]
    parents = np.array([names.index(name) if name else -1 for name in above])
    skeleton = Skeleton(names, parents, heads - heads[np.maximum(parents, 0)])
    still = np.broadcast_to(rotation.IDENTITY, (2, len(names), 4))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cmu.bvh"
        write_bvh(Motion(skeleton, still, np.tile(heads[0], (2, 1)), 30.0), path)
        bpy.ops.import_anim.bvh(filepath=str(path), global_scale=0.01)
    armature = bpy.context.object
    assert armature is not None
    assert armature.pose is not None
    assert isinstance(armature.data, bpy.types.Armature)
    armature.animation_data_clear()
    for bone in armature.pose.bones:
        bone.matrix_basis = Matrix.Identity(4)
    # In such a file the hips rest at the origin; here the feet stand on it, as those of the other rigs.
    armature.data.transform(Matrix.Translation((0.0, 0.0, bones[0].head[2])))
    return armature


def make_metarig() -> bpy.types.Object:
    """Rigify's human metarig, as animators use it who never generate the rig."""
    addon_utils.enable("rigify", default_set=True)
    bpy.ops.object.armature_human_metarig_add()  # type: ignore[attr-defined]
    metarig = bpy.context.object
    assert metarig is not None
    return metarig


@cache
def _table(kind: str) -> dict[str, Any]:
    return tomllib.loads((TABLES / f"{kind}.toml").read_text(encoding="utf-8"))


def _mirrored(table: Mapping[str, Any], name: str) -> str:
    """The right side's name; the same for a bone of the middle."""
    for left, right in table["mirror"]:
        name = re.sub(left, right, name)
    return name


def _both(table: Mapping[str, Any], left: Mapping[str, str]) -> dict[str, str]:
    """Names and those of the other side."""
    return {**left, **{_mirrored(table, a): _mirrored(table, b) for a, b in left.items()}}


def _joints(kind: str) -> dict[str, str]:
    """left_JOINT and right_JOINT -> deform bone, of a table's joints."""
    table = _table(kind)
    left = {f"left_{joint}": bone for joint, bone in table["joints"].items()}
    return left | {f"right_{joint}": _mirrored(table, bone) for joint, bone in table["joints"].items()}


def _place(where: str, arms: float) -> Floats:
    """A point of body.toml with its arms ``arms`` degrees below a T-pose's."""
    if "," in where:
        return np.array([float(number) for number in where.split(",")])
    if ">" in where:
        a, b, part = re.split("[>:]", where)
        return _place(a, arms) + (_place(b, arms) - _place(a, arms)) * float(part)
    body = _table("body")
    at, shoulder = np.array(body[where]), np.array(body["shoulder"])
    if at[0] <= shoulder[0]:
        return at
    lowered: Floats = shoulder + rotation.rotate(
        rotation.from_axis_angle([0.0, 1.0, 0.0], np.radians(arms)), at - shoulder
    )
    return lowered


def _bones(kind: str) -> list[_Bone]:
    """All bones of a table, parents first."""
    table = _table(kind)
    bones = []
    for line in table["bones"].strip().splitlines():
        name, parent, where, *more = line.split()
        head = _place(where, table.get("arms", 0.0))
        tail = _place(more[0], 0.0) if more else None
        roll = float(more[1]) if len(more) > 1 else 0.0
        bones.append(_Bone(name, parent.strip("-"), head, tail, roll, False))
        if (other := _mirrored(table, name)) != name:
            flip = np.array([-1.0, 1.0, 1.0])
            opposite = None if tail is None else tail * flip
            bones.append(
                _Bone(other, _mirrored(table, parent).strip("-"), head * flip, opposite, -roll, True)
            )
    lift = np.array([0.0, 0.0, table.get("lift", 0.0)])
    raised = [
        _Bone(b.name, b.parent, b.head + lift, None if b.tail is None else b.tail + lift, b.roll, b.right)
        for b in bones
    ]
    return sorted(raised, key=lambda bone: _depth(raised, bone))


def _depth(bones: list[_Bone], bone: _Bone) -> int:
    parents = {other.name: other.parent for other in bones}
    depth, name = 0, bone.parent
    while name:
        depth, name = depth + 1, parents[name]
    return depth


def _build(kind: str) -> bpy.types.Object:
    """The armature of a table, under an object scaled and turned as the table says."""
    table, bones = _table(kind), _bones(kind)
    armature = bpy.data.objects.new(table["name"], bpy.data.armatures.new(table["name"]))
    current_scene().collection.objects.link(armature)
    directions = _directions(bones)
    random = np.random.default_rng(table["seed"]) if "seed" in table else None
    with _editing(armature) as edit:
        for bone in bones:
            made = edit.new(bone.name)
            made.parent = edit[bone.parent] if bone.parent else None
            along = directions[bone.name]
            made.head, made.tail = Vector(bone.head.tolist()), Vector((bone.head + along).tolist())
            made.roll = bone.roll if random is None else random.uniform(-np.pi, np.pi)
            if table.get("axes") == "X":
                made.matrix = _with_x_along(bone.head, -along if bone.right else along)
    turn = Matrix.Rotation(np.radians(table.get("turn", 0.0)), 4, "X")
    put_under(armature, turn @ Matrix.Scale(table.get("scale", 1.0), 4))
    return armature


def _directions(bones: list[_Bone]) -> dict[str, Floats]:
    """From each bone's head to its tail: to the first bone that hangs from it elsewhere, or as its parent."""
    result: dict[str, Floats] = {}
    for bone in bones:
        hanging = (b.head - bone.head for b in bones if b.parent == bone.name)
        beyond = next((v for v in hanging if np.linalg.norm(v) > 1e-4), None)
        if bone.tail is not None:
            beyond = bone.tail - bone.head
        if beyond is None:
            before = result.get(bone.parent, np.array([0.0, 0.0, 1.0]))
            beyond = before / np.linalg.norm(before) * LEAF
        result[bone.name] = beyond
    return result


def _with_x_along(head: Floats, along: Floats) -> Matrix:
    """The matrix of a bone whose X axis is ``along``, and whose Y axis, its tail, is square to it."""
    x = along / np.linalg.norm(along)
    y = np.cross(np.eye(3)[np.abs(x).argmin()], x)
    y /= np.linalg.norm(y)
    matrix = np.eye(4)
    matrix[:3] = np.column_stack([x, y, np.cross(x, y), head])
    return Matrix(matrix.tolist())


def _copy_transforms(armature: bpy.types.Object, bone: str, control: str) -> bpy.types.Constraint:
    assert armature.pose is not None
    constraint = armature.pose.bones[bone].constraints.new("COPY_TRANSFORMS")
    assert isinstance(constraint, bpy.types.CopyTransformsConstraint)
    constraint.target, constraint.subtarget = armature, control
    return constraint


def _add_ik(armature: bpy.types.Object, chain: Mapping[str, Any], side: Callable[[str], str]) -> None:
    assert armature.pose is not None
    bones = armature.pose.bones
    goal = side(chain["goal"])
    bones[goal]["ik_fk_switch"] = 0.0
    reach = bones[side(chain["chain"][1])].constraints.new("IK")
    assert isinstance(reach, bpy.types.KinematicConstraint)
    reach.target, reach.subtarget, reach.chain_count = armature, goal, 2
    reach.pole_target, reach.pole_subtarget = armature, side(chain["pole"])
    reach.pole_angle = np.radians(chain["pole_angle"])
    for deform, end in zip(chain["deform"], chain["chain"], strict=True):
        copy = _copy_transforms(armature, side(deform), side(end))
        curve = copy.driver_add("influence")
        assert isinstance(curve, bpy.types.FCurve)
        driver = curve.driver
        assert driver is not None
        variable = driver.variables.new()
        variable.targets[0].id = armature
        variable.targets[0].data_path = f'pose.bones["{goal}"]["ik_fk_switch"]'
        driver.expression = f"1 - {variable.name}"


RIGIFY = {
    **{"hip": "DEF-thigh.L", "knee": "DEF-shin.L", "ankle": "DEF-foot.L", "foot": "DEF-toe.L"},
    **{"shoulder": "DEF-upper_arm.L", "elbow": "DEF-forearm.L", "wrist": "DEF-hand.L"},
}


def _rigify(prefix: str) -> dict[str, str]:
    named = {joint: bone.replace("DEF-", prefix) for joint, bone in RIGIFY.items()}
    left = {f"left_{joint}": bone for joint, bone in named.items()}
    return left | {f"right_{joint}": bone.replace(".L", ".R") for joint, bone in named.items()}


SAMPLES: dict[str, SampleRig] = {
    "Rigify human": SampleRig(make_human, _rigify("DEF-")),
    "Rigify metarig": SampleRig(make_metarig, _rigify("")),
    "Mixamo": SampleRig(make_mixamo, _joints("mixamo")),
    "Unreal": SampleRig(make_unreal, _joints("unreal")),
    "VRM": SampleRig(make_vrm, _joints("vrm")),
    "MPFB": SampleRig(make_mpfb, _joints("mpfb")),
    "Daz": SampleRig(make_daz, _joints("daz")),
    "Reallusion": SampleRig(make_reallusion, _joints("reallusion")),
    "Auto-Rig Pro": SampleRig(make_auto_rig_pro, _joints("auto_rig_pro")),
    "MMD": SampleRig(make_mmd, _joints("mmd")),
    "CMU BVH": SampleRig(make_cmu, _joints("cmu")),
}


@contextmanager
def _editing(armature: bpy.types.Object) -> Iterator[Any]:
    """The armature's edit bones, which only edit mode has."""
    layer = bpy.context.view_layer
    assert layer is not None
    before, layer.objects.active = layer.objects.active, armature
    bpy.ops.object.mode_set(mode="EDIT")
    try:
        assert isinstance(armature.data, bpy.types.Armature)
        yield armature.data.edit_bones
    finally:
        bpy.ops.object.mode_set(mode="OBJECT")
        layer.objects.active = before or armature


def put_under(armature: bpy.types.Object, matrix: Matrix) -> None:
    """Give the object another matrix under which the character at rest looks the same."""
    assert isinstance(armature.data, bpy.types.Armature)
    armature.data.transform(matrix.inverted() @ armature.matrix_world)
    armature.matrix_world = matrix
    armature.data.update_tag()  # which transform() leaves out
    update_view()


def roll_bones(armature: bpy.types.Object, seed: int) -> None:
    """Another roll for every bone."""
    random = np.random.default_rng(seed)
    with _editing(armature) as bones:
        for bone in bones:
            bone.roll += random.uniform(-np.pi, np.pi)


def point_tails_anywhere(armature: bpy.types.Object, seed: int) -> None:
    """Another direction for every bone, while heads stay: importers know joints only, and guess."""
    random = np.random.default_rng(seed)
    with _editing(armature) as bones:
        for bone in bones:
            bone.use_connect = False
        lengths = {bone.name: bone.length for bone in bones}
        for bone in bones:
            direction = random.normal(size=3)
            direction *= lengths[bone.name] / np.linalg.norm(direction)
            bone.tail = bone.head + Vector(direction.tolist())


def add_leaf_bones(armature: bpy.types.Object) -> None:
    """NAME_end at the tail of each last bone of a chain, as FBX and glTF importers add them."""
    with _editing(armature) as bones:
        for bone in [bone for bone in bones if not bone.children]:
            leaf = bones.new(f"{bone.name}_end")
            leaf.parent, leaf.head, leaf.tail = bone, bone.tail, bone.tail + bone.vector * 0.3


def remove_bones(armature: bpy.types.Object, names: Iterable[str]) -> None:
    """Remove bones; what hangs from them hangs from their parents then."""
    with _editing(armature) as bones:
        for name in names:
            for child in bones[name].children:
                child.use_connect = False
                child.parent = bones[name].parent
            bones.remove(bones[name])


def rename_bones(armature: bpy.types.Object, change: Callable[[str], str]) -> None:
    """Another name for every bone."""
    assert isinstance(armature.data, bpy.types.Armature)
    for bone in armature.data.bones:
        bone.name = change(bone.name)
