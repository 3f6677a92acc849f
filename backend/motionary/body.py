"""The canonical body: HumanML3D's 22 joints, found on any human skeleton.

Joints are recognised by their names (the tables of :mod:`motionary.bodies`, one a family of rigs, and then
the rig maps) and, where no family fits, by the shape of the rest pose.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from motionary.body_shape import joints_by_shape
from motionary.errors import MotionaryError
from motionary.motion import Motion, Skeleton, forward_kinematics, rest_positions
from motionary.rigs import RigMap, find_rig

__all__ = [
    "HUMAN_LEG",
    "JOINTS",
    "PARENTS",
    "BodyMap",
    "body_positions",
    "find_body",
    "leg_length",
    "leg_of",
    "metres_per_unit",
    "mirror_joints",
]

JOINTS: tuple[str, ...] = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle",
    "right_ankle", "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head",
    "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
)  # fmt: skip
"""HumanML3D's joints in its order."""

PARENTS: tuple[int, ...] = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)
"""The parent of each of JOINTS; -1 for the pelvis."""

SPINE_HEIGHTS = {"spine1": 0.239, "spine2": 0.498, "spine3": 0.602}
"""How far along the back from pelvis to neck HumanML3D's skeleton has its spine joints."""

NECK_HEIGHT = 0.85
"""How far from pelvis to head its neck is."""

PELVIS_HEIGHT = 0.13
"""How far from the middle of the hips to the neck its pelvis is."""

PELVIS_LOW, PELVIS_HIGH, PELVIS_ASIDE = -0.03, 0.35, 0.1
"""In the same length, how high over the hips a pelvis may rest, and how far off the line to the neck."""

COLLAR = 0.35
"""How far from the base of the neck to the shoulder its collar joints are."""

HUMAN_LEG = 0.85
"""Metres from hip by knee to ankle of a grown person of middle height."""

UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001, "inch": 0.0254, "CMU": 0.0254 / 0.45}

Weights = dict[int, float]  # source joint -> its part in a canonical joint


@dataclass(frozen=True, eq=False)
class BodyMap:
    """The canonical body on one skeleton of J joints.

    weights: (22, J); each row sums to 1 and makes a canonical joint the weighted mean of source joints.
    family: the name table or rig map that fitted, or "shape".
    """

    weights: NDArray[np.float64]
    family: str


def body_positions(motion: Motion, body: BodyMap | None = None) -> NDArray[np.float64]:
    """World positions (T, 22, 3), in metres, of the canonical joints; ``body`` is found where not given."""
    body = body or find_body(motion.skeleton)
    positions, _ = forward_kinematics(motion)
    joints: NDArray[np.float64] = body.weights @ positions
    return joints


def mirror_joints(joints: ArrayLike) -> NDArray[np.float64]:
    """The movement (..., 22, 3) seen in a mirror: x negated, sides exchanged.

    HumanML3D's ``swap_left_right``, on the raw joints before any feature is computed.
    """
    swapped = [JOINTS.index(_other_side(name)) for name in JOINTS]
    mirrored: NDArray[np.float64] = np.asarray(joints, np.float64)[..., swapped, :] * [-1.0, 1.0, 1.0]
    return mirrored


def _other_side(name: str) -> str:
    return name.replace("left", "right") if name.startswith("left") else name.replace("right", "left")


def leg_length(skeleton: Skeleton) -> float | None:
    """From hip by knee to ankle, both legs' mean, in the skeleton's unit; None where there is no body."""
    try:
        joints = find_body(skeleton).weights @ rest_positions(skeleton)
    except MotionaryError:
        return None
    return leg_of(joints)


def leg_of(joints: NDArray[np.float64]) -> float:
    """The same of joints (22, 3)."""
    bones = [joints[JOINTS.index(name)] - joints[PARENTS[JOINTS.index(name)]] for name in _LEG_BONES]
    return float(np.linalg.norm(bones, axis=1).sum()) / 2


_LEG_BONES = ("left_knee", "right_knee", "left_ankle", "right_ankle")


def metres_per_unit(skeleton: Skeleton) -> float:
    """How many metres 1 stands for in a skeleton of unknown unit.

    Of metres, centimetres, millimetres, inches and CMU's units (0.45 to the inch), the one that makes the
    legs nearest to a human's by ratio; centimetres, which nearly every program writes, win up to twice as far
    off, so that a child in centimetres is no giant in inches. Centimetres too where there are no legs.
    """
    leg = leg_length(skeleton)
    if not leg:
        return UNITS["cm"]
    unlikeness = {name: abs(np.log(leg * unit / HUMAN_LEG)) for name, unit in UNITS.items()}
    unlikeness["cm"] /= 2
    return UNITS[min(unlikeness, key=lambda name: float(unlikeness[name]))]


def find_body(skeleton: Skeleton) -> BodyMap:
    """The canonical joints on ``skeleton``, by names and else by shape.

    Names are compared without prefixes such as ``mixamorig:``, case, separators, and the spelling of left and
    right; the family that fits best wins, and where none does, the best of `motionary.rigs`. Where a family
    has no joint for the feet, collars, neck or spine, it comes from its neighbours; the spine from
    HumanML3D's proportions along the bones there are.

    MotionaryError that lists the joints not found, with the likest names, where it is no human's skeleton.
    """
    plain: dict[str, int] = {}
    for joint, name in enumerate(skeleton.names):
        plain.setdefault(_plain(name), joint)
    found = {family: _named(joints, plain) for family, joints in _families().items()}
    best = max(found, key=lambda family: _fit(found[family], _families()[family]))
    points, family = found[best], best
    if not points.keys() >= ESSENTIAL:
        elsewhere = _by_rig_map(skeleton) or _by_shape(skeleton)
        if elsewhere is None:
            raise MotionaryError(_not_found(skeleton, best, ESSENTIAL - points.keys()))
        points, family = elsewhere
    _complete(skeleton, points)
    weights = np.zeros((len(JOINTS), len(skeleton.names)))
    for row, joint_name in enumerate(JOINTS):
        for joint, part in points[joint_name].items():
            weights[row, joint] = part
    return BodyMap(weights, family)


_LIMBS = ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
ESSENTIAL = {"pelvis", "head"} | {f"{side}_{joint}" for side in ("left", "right") for joint in _LIMBS}


@cache
def _families() -> dict[str, dict[str, Any]]:
    """Family -> canonical joint -> source name, or a list of such to choose from, or {name: part}."""
    tables = [
        tomllib.loads(file.read_text(encoding="utf-8"))
        for file in sorted(resources.files("motionary").joinpath("bodies").iterdir(), key=lambda f: f.name)
        if file.name.endswith(".toml")
    ]
    return {table["family"]: table["joints"] for table in tables}


PREFIX = re.compile(
    r"^(mixamorig\d*_|character\d+_|bip\d+[_ ]|j_bip_(c_)?|[mf]_avg_|def-)(?=.)", re.IGNORECASE
)
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
SIDES = {"l": "left", "left": "left", "r": "right", "right": "right"}


@lru_cache(maxsize=4096)
def _plain(name: str) -> str:
    """A name as it is compared: ``mixamorig:LeftUpLeg``, ``up_leg.L`` and ``lUpLeg`` are all "left upleg"."""
    name = PREFIX.sub("", re.split(r"[:|](?=.)", name)[-1])  # namespaces end in : or |
    words = [word.lower().lstrip("0") for word in WORD.findall(name)]
    sides = [SIDES[word] for word in words if word in SIDES]
    return " ".join([*sides, "".join(word for word in words if word not in SIDES)])


def _named(table: dict[str, Any], plain: dict[str, int]) -> dict[str, Weights]:
    """The canonical joints of one family that are there."""
    points: dict[str, Weights] = {}
    for canonical, entry in table.items():
        if isinstance(entry, dict):
            if all(_plain(name) in plain for name in entry):
                points[canonical] = {plain[_plain(name)]: part for name, part in entry.items()}
        else:
            names = [entry] if isinstance(entry, str) else entry
            joint = next((plain[_plain(name)] for name in names if _plain(name) in plain), None)
            if joint is not None:
                points[canonical] = {joint: 1.0}
    return points


def _fit(found: dict[str, Weights], table: dict[str, Any]) -> tuple[int, int, int]:
    """How well a family fits: by the essential joints, by how few of its own lack, by how many fit."""
    return len(found.keys() & ESSENTIAL), len(found) - len(table), len(found)


def _by_rig_map(skeleton: Skeleton) -> tuple[dict[str, Weights], str] | None:
    """The canonical joints that a rig map finds, and its name; None where it lacks one."""
    above = tuple(skeleton.names[parent] if parent >= 0 else None for parent in skeleton.parents)
    rig = _rig_of(skeleton.names, above)
    if rig is None:
        return None
    # Where several bones take the pelvis, the first carries the whole body and may lie anywhere.
    points = {
        joint: {skeleton.index(bones[-1 if joint == "pelvis" else 0]): 1.0}
        for joint, bones in rig.joints.items()
        if joint in JOINTS
    }
    return (points, rig.name) if points.keys() >= ESSENTIAL else None


@lru_cache(maxsize=16)
def _rig_of(names: tuple[str, ...], above: tuple[str | None, ...]) -> RigMap | None:
    """`find_rig` of joints and their parents; the many files of a folder mostly have the same ones."""
    return find_rig(dict(zip(names, above, strict=True)))


def _by_shape(skeleton: Skeleton) -> tuple[dict[str, Weights], str] | None:
    """The canonical joints by the shape of the rest pose, and that it was so; None where it is no body's."""
    joints = joints_by_shape(skeleton)
    if joints is None:
        return None
    return {name: {joint: 1.0} for name, joint in joints.items()}, "shape"


def _complete(skeleton: Skeleton, points: dict[str, Weights]) -> None:
    """Add the joints that a family leaves out: feet, neck, spine and collars."""
    rest = rest_positions(skeleton)
    for side in ("left", "right"):
        if f"{side}_foot" not in points:
            ankle, knee = points[f"{side}_ankle"], points[f"{side}_knee"]
            below = [j for joint in ankle for j in skeleton.children(joint) if np.any(skeleton.offsets[j])]
            # Toes are what lies farthest off below the ankle; a foot without any is a stub down the shin.
            toe = max(below, key=lambda j: float(np.linalg.norm(skeleton.offsets[j])), default=None)
            points[f"{side}_foot"] = {toe: 1.0} if toe is not None else _mix(ankle, knee, -0.1)
    back, to_neck = _back(skeleton, points), 1.0
    if "neck" in points:
        tops = [i for i, joint in enumerate(back) if joint in points["neck"]]
        back = back[: tops[-1] + 1] if tops else back
    else:
        to_neck = NECK_HEIGHT
        points["neck"] = _along(back, rest, NECK_HEIGHT)
    for name, height in SPINE_HEIGHTS.items():
        points.setdefault(name, _along(back, rest, height * to_neck))
    for side in ("left", "right"):
        points.setdefault(f"{side}_collar", _mix(points["neck"], points[f"{side}_shoulder"], COLLAR))
    _settle_pelvis(rest, points)


def _settle_pelvis(rest: NDArray[np.float64], points: dict[str, Weights]) -> None:
    """Put the pelvis where HumanML3D has it, a little above the hips, if the rig has it elsewhere.

    Rigify's and MakeHuman's lie below the hips or behind them, which to the features is another pose.
    """
    hips = _mix(points["left_hip"], points["right_hip"], 0.5)
    low, high, here = (_at(rest, point) for point in (hips, points["neck"], points["pelvis"]))
    length = max(float(np.linalg.norm(high - low)), 1e-9)
    axis = (high - low) / length
    height = float((here - low) @ axis)
    aside = float(np.linalg.norm(here - low - axis * height))
    if PELVIS_LOW * length <= height <= PELVIS_HIGH * length and aside <= PELVIS_ASIDE * length:
        return
    # The lowest joint of the spine above it goes with the pelvis more than the neck does.
    above = [points[name] for name in ("spine1", "spine2", "spine3", "neck")]
    reach = [float((_at(rest, point) - low) @ axis) for point in above]
    wanted = PELVIS_HEIGHT * length
    i = next((i for i, height in enumerate(reach) if height > wanted), len(reach) - 1)
    points["pelvis"] = _mix(hips, above[i], min(wanted / max(reach[i], 1e-9), 1.0))


def _at(rest: NDArray[np.float64], point: Weights) -> NDArray[np.float64]:
    """Where a point is at rest."""
    where: NDArray[np.float64] = sum((rest[joint] * part for joint, part in point.items()), np.zeros(3))
    return where


def _back(skeleton: Skeleton, points: dict[str, Weights]) -> list[int]:
    """The source joints from pelvis to head."""
    (pelvis, *_), (joint, *_) = points["pelvis"], points["head"]
    below = pelvis
    common = {-1}  # the pelvis and all above it; in some rigs it lies beside the back, under one root
    while below >= 0:
        common.add(below)
        below = int(skeleton.parents[below])
    path = []
    while joint not in common:
        path.append(joint)
        joint = int(skeleton.parents[joint])
    return [pelvis, *reversed(path)]


def _along(path: list[int], rest: NDArray[np.float64], part: float) -> Weights:
    """The point ``part`` of the way along the bones of ``path``."""
    lengths = np.linalg.norm(np.diff(rest[path], axis=0), axis=1)
    reached = np.concatenate([[0.0], np.cumsum(lengths)])
    target = part * reached[-1]
    i = int(np.clip(np.searchsorted(reached, target, side="right") - 1, 0, max(len(lengths) - 1, 0)))
    if len(path) == 1 or lengths[i] == 0:
        return {path[i]: 1.0}
    return _mix({path[i]: 1.0}, {path[i + 1]: 1.0}, float((target - reached[i]) / lengths[i]))


def _mix(a: Weights, b: Weights, part: float) -> Weights:
    """The point ``part`` of the way from ``a`` to ``b``."""
    return {j: a.get(j, 0.0) * (1 - part) + b.get(j, 0.0) * part for j in a.keys() | b.keys()}


def _not_found(skeleton: Skeleton, family: str, missing: set[str]) -> str:
    """One line that says which joints were looked for under which names, and what comes nearest."""
    table = _families()[family]
    hints = []
    for canonical in sorted(missing, key=JOINTS.index):
        entry = table[canonical]
        wanted = entry if isinstance(entry, str) else next(iter(entry))
        near = difflib.get_close_matches(wanted, skeleton.names, n=2, cutoff=0.5)
        hints.append(f"{canonical} (like {wanted}{'; nearest: ' + ', '.join(near) if near else ''})")
    return (
        f"skeleton of {len(skeleton.names)} joints is no human body that is known: nearest to {family}, it "
        f"lacks {', '.join(hints)}; rename its joints so"
    )
