"""Rig maps: which bones of a rig take which joint of the body, and how.

A rig map is a TOML file. It names the left side only; the right side is the left one with the ``mirror``
pattern replaced. Lists run from the root outward: ``spine`` and ``neck`` share their bend among however many
bones are listed, fingers go bone by bone, and any other joint turns every bone of its list alike. A listed
bone that a rig lacks is skipped, so one map serves rigs with three spine bones and with five.

    name = "Unreal"
    mirror = ['_l$', "_r"]        # regular expression for the left, its replacement
    prefix = '(?:.*:)?'           # optional: a regular expression for what may stand before every name
    [joints]
    pelvis = ["pelvis"]
    left_hip = ["thigh_l"]
    [modes]                       # optional: direction, heading, keep or follow, to differ from DEFAULT_MODES
    left_wrist = "keep"
    [[switches]]                  # optional: custom properties that give these bones the say
    bones = ["thigh_parent.L"]
    property = "IK_FK"
    value = 1.0
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from motionary.errors import MotionaryError

__all__ = [
    "ESSENTIAL",
    "JOINTS",
    "PARENTS",
    "RigMap",
    "Switch",
    "built_in",
    "find_rig",
    "load_rig_map",
    "match",
]

FINGERS = ("thumb", "index", "middle", "ring", "pinky")
LEFT_PARENTS = {
    "collar": "spine",
    "shoulder": "left_collar",
    "elbow": "left_shoulder",
    "wrist": "left_elbow",
    **dict.fromkeys(FINGERS, "left_wrist"),
    "hip": "pelvis",
    "knee": "left_hip",
    "ankle": "left_knee",
    "foot": "left_ankle",
}
PARENTS: dict[str, str] = {
    "spine": "pelvis",
    "neck": "spine",
    "head": "neck",
    **{f"left_{joint}": parent for joint, parent in LEFT_PARENTS.items()},
    **{f"right_{joint}": parent.replace("left_", "right_") for joint, parent in LEFT_PARENTS.items()},
}
"""Joint -> the joint that carries it: those of ``motionary.body``, the spine as one chain, and fingers."""

JOINTS: tuple[str, ...] = ("pelvis", *PARENTS)
"""Every joint that a rig map can name, a parent before its children."""

ESSENTIAL = frozenset(
    ["pelvis"]
    + [f"{s}_{j}" for s in ("left", "right") for j in ("hip", "knee", "ankle", "shoulder", "elbow")]
)
"""A rig without these is not a human body that a motion can be put on."""

NEXT: dict[str, str] = {
    f"{side}_{joint}": f"{side}_{following}"
    for side in ("left", "right")
    for joint, following in {
        "collar": "shoulder",
        "shoulder": "elbow",
        "elbow": "wrist",
        "wrist": "middle",
        "hip": "knee",
        "knee": "ankle",
        "ankle": "foot",
    }.items()
}
"""Joint -> the joint that its bone points to. Heads, never tails: an imported file's tails point anywhere."""

MODES = ("direction", "heading", "keep", "follow")


def _default_mode(joint: str) -> str:
    if joint in ("pelvis", "spine", "neck", "head") or joint.endswith("collar"):
        return "keep"
    if joint.endswith("ankle"):
        return "heading"
    return "follow" if joint.endswith("foot") else "direction"


DEFAULT_MODES: dict[str, str] = {joint: _default_mode(joint) for joint in JOINTS}


@dataclass(frozen=True)
class Switch:
    """A custom property of a pose bone and the value at which the mapped controls have the say."""

    bone: str
    property: str
    value: float


@dataclass(frozen=True)
class RigMap:
    """Joint -> the bones that take it.

    modes: joint -> how the rest poses are reconciled. "direction" points the bone exactly as the source's;
    "heading" only turns it to the source's compass direction, so that flat soles stay flat; "keep" keeps the
    character's own posture; "follow" does as the joint that carries it. prefix: a regular expression.
    """

    name: str
    joints: Mapping[str, tuple[str, ...]]
    modes: Mapping[str, str]
    switches: tuple[Switch, ...] = ()
    prefix: str = "(?:.*:)?"


def load_rig_map(path: Path) -> RigMap:
    """Read a rig map; MotionaryError, naming the file and the entry, where it is not one."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MotionaryError(f"{path}: not a readable rig map: {error}") from None
    try:
        return _parse(table, path.stem)
    except (KeyError, TypeError, ValueError, re.error) as error:
        raise MotionaryError(
            f"{path}: not a rig map: {error}; see motionary/rigs/unreal.toml for one"
        ) from None


def _parse(table: dict[str, Any], stem: str) -> RigMap:
    left, right = table.get("mirror", ("left", "right"))
    prefix = str(table.get("prefix", RigMap.prefix))
    re.compile(prefix)

    def names(value: Any, where: str) -> tuple[str, ...]:
        if not (isinstance(value, list) and value and all(isinstance(name, str) for name in value)):
            raise ValueError(f"{where} needs a list of bone names")
        return tuple(value)

    def mirrored(listed: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(re.sub(left, right, name, count=1) for name in listed)

    joints: dict[str, tuple[str, ...]] = {}
    modes = dict(DEFAULT_MODES)
    for joint, value in table["joints"].items():
        if joint not in JOINTS:
            raise ValueError(f"there is no joint {joint!r}; there are {', '.join(JOINTS)}")
        joints[joint] = names(value, joint)
        if joint.startswith("left_"):
            joints[joint.replace("left_", "right_")] = mirrored(joints[joint])
    for joint, mode in table.get("modes", {}).items():
        if joint not in JOINTS or mode not in MODES:
            raise ValueError(f"mode {joint} = {mode!r}: modes are {', '.join(MODES)}, of a joint")
        if mode in ("direction", "heading") and joint not in NEXT and not joint.endswith(FINGERS):
            raise ValueError(f"mode {joint} = {mode!r}: this joint has no single direction")
        modes[joint] = mode
        if joint.startswith("left_"):
            modes[joint.replace("left_", "right_")] = mode
    switches = tuple(
        Switch(bone, str(switch["property"]), float(switch["value"]))
        for switch in table.get("switches", [])
        for listed in [names(switch["bones"], "switches.bones")]
        for bone in dict.fromkeys(listed + mirrored(listed))
    )
    return RigMap(str(table.get("name", stem)), joints, modes, switches, prefix)


@cache
def built_in() -> tuple[RigMap, ...]:
    """The rig maps that come with Motionary."""
    return tuple(load_rig_map(path) for path in sorted(Path(__file__).parent.glob("*.toml")))


def match(rig: RigMap, bones: Iterable[str]) -> RigMap | None:
    """``rig`` with its names replaced by those of ``bones``; None where an essential joint has none.

    Names under different prefixes are not mixed: an armature may hold two Mixamo characters.
    """
    pattern = re.compile(f"({rig.prefix})(.+)", re.DOTALL)
    by_prefix: dict[str, dict[str, str]] = {}
    for bone in bones:
        if found := pattern.fullmatch(bone):
            by_prefix.setdefault(found[1], {}).setdefault(found[2], bone)
    matches = []
    for names in by_prefix.values():
        found_joints = {
            joint: tuple(names[name] for name in listed if name in names)
            for joint, listed in rig.joints.items()
        }
        joints = {joint: listed for joint, listed in found_joints.items() if listed}
        if joints.keys() >= ESSENTIAL:
            switches = tuple(replace(s, bone=names[s.bone]) for s in rig.switches if s.bone in names)
            matches.append(replace(rig, joints=joints, switches=switches))
    return max(matches, key=_size, default=None)


def _size(rig: RigMap) -> int:
    return sum(map(len, rig.joints.values()))


def find_rig(bones: Iterable[str], rigs: Iterable[RigMap] | None = None) -> RigMap | None:
    """The rig map that fits the most of ``bones``, its names replaced by theirs; None where none fits."""
    bones = list(bones)
    matches = [found for rig in (built_in() if rigs is None else rigs) if (found := match(rig, bones))]
    return max(matches, key=_size, default=None)
