"""Rig maps: which bones of a rig take which joint of the body, and how.

A rig map is a TOML file. It names the left side only; the right side is the left one with the ``mirror``
pattern replaced, unless it is named too. Lists run from the root outward: ``spine`` and ``neck`` share their
bend among however many bones are listed, fingers go bone by bone, and any other joint turns every bone of its
list alike. A listed bone that a rig lacks is skipped, so one map serves rigs with three spine bones and with
five.

    name = "Unreal"
    mirror = ['_l$', "_r"]        # regular expression for the left, its replacement; [] where all is named
    prefix = '(?:.*[:|])?'        # optional: a regular expression for what may stand before every name
    root = ["root"]               # optional: what carries the whole character; the first that is there
    [joints]
    pelvis = ["pelvis"]
    left_hip = ["thigh_l"]
    [modes]                       # optional: direction, heading, keep or follow, to differ from DEFAULT_MODES
    left_wrist = "keep"
    [offsets]                     # optional: degrees about the character's left, back and up, in that order
    left_collar = [0.0, 10.0, 0.0]
    [[switches]]                  # optional: custom properties that give these bones the say
    bones = ["thigh_parent.L"]
    property = "IK_FK"
    value = 1.0
"""

from __future__ import annotations

import json
import math
import re
import tomllib
import unicodedata
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from motionary.errors import MotionaryError
from motionary.files import replacing

__all__ = [
    "ESSENTIAL",
    "JOINTS",
    "PARENTS",
    "RigFit",
    "RigMap",
    "Switch",
    "built_in",
    "correct",
    "find_rig",
    "format_rig_map",
    "load_rig_map",
    "match",
    "parse_rig_map",
    "rank_rigs",
    "save_rig_map",
]

MOST_BYTES = 256 << 10
LONGEST_PATTERN, LONGEST_NAME = 100, 256
LONGEST_MATCHED = 64
"""Letters of a name, its last, in which a prefix is looked for; Blender's names have up to 63."""

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
    roots: what the bone that carries the whole character may be called, the likeliest first.
    offsets: joint -> degrees that it is turned by beyond that, about the character's left (X), back (Y) and
    up (Z) as it rests facing -Y in Blender's world; about X first, then Y, then Z.
    """

    name: str
    joints: Mapping[str, tuple[str, ...]]
    modes: Mapping[str, str]
    switches: tuple[Switch, ...] = ()
    prefix: str = r"(?:.*[:|])?"
    roots: tuple[str, ...] = ()
    offsets: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)

    @property
    def root(self) -> str | None:
        """The bone that carries the whole character, where the rig has one."""
        return self.roots[0] if self.roots else None


@dataclass(frozen=True)
class RigFit:
    """How well a rig map fits a rig: the map with the rig's own names, 0 to 1, and why, in one line.

    A score above a half says that every essential joint is there.
    """

    rig: RigMap
    score: float
    reason: str


# Files


def load_rig_map(path: Path) -> RigMap:
    """Read a rig map; MotionaryError, naming the file and the entry, where it is not one."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise MotionaryError(f"{path}: not a rig map: larger than {MOST_BYTES >> 10} KB")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise MotionaryError(f"{path}: not a readable rig map: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise MotionaryError(f"{path}: not a readable rig map: {error}") from None
    return parse_rig_map(text, str(path), path.stem)


def parse_rig_map(text: str, where: str, name: str = "unnamed") -> RigMap:
    """The rig map that a TOML text is; ``name`` where it tells none.

    MotionaryError, beginning with ``where`` and naming the entry, where it is not one.
    """
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # TOML's own, and numbers that Python does not take
        raise MotionaryError(f"{where}: not a readable rig map: {error}") from None
    try:
        return _parse(table, name)
    except (LookupError, TypeError, ValueError, OverflowError, re.error) as error:
        raise MotionaryError(
            f"{where}: not a rig map: {error}; see motionary/rigs/unreal.toml for one"
        ) from None


def _parse(table: dict[str, Any], name: str) -> RigMap:
    left, right = table.get("mirror", ("left", "right")) or ("", "")
    if len(right) > LONGEST_PATTERN:
        raise ValueError(f"mirror: a replacement has up to {LONGEST_PATTERN} letters")
    _check_pattern(left, "mirror", 1)
    prefix = str(table.get("prefix", RigMap.prefix))
    _check_pattern(prefix, "prefix", 3)

    def names(value: Any, where: str) -> tuple[str, ...]:
        if not (isinstance(value, list) and value and all(isinstance(name, str) for name in value)):
            raise ValueError(f"{where} needs a list of bone names")
        if max(map(len, value)) > LONGEST_NAME:
            raise ValueError(f"{where}: a bone's name has up to {LONGEST_NAME} letters")
        return tuple(value)

    def mirrored(listed: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(re.sub(left, right, name, count=1) for name in listed) if left else ()

    def entries(key: str) -> Iterator[tuple[str, Any]]:
        entered = table.get(key, {})
        if not isinstance(entered, dict):
            raise TypeError(f"{key} needs a table of joints")
        for joint, value in entered.items():
            if joint not in JOINTS:
                raise ValueError(f"{key}: there is no joint {joint!r}; there are {', '.join(JOINTS)}")
            yield joint, value

    table["joints"]  # a map without any is none
    joints = {joint: names(value, joint) for joint, value in entries("joints")}
    modes = {joint: _mode(joint, value) for joint, value in entries("modes")}
    offsets = {joint: _offset(joint, value) for joint, value in entries("offsets")}
    if left:
        joints = {_other(joint): mirrored(listed) for joint, listed in joints.items()} | joints
        modes = {_other(joint): mode for joint, mode in modes.items()} | modes
        offsets = {_other(joint): (x, -y, -z) for joint, (x, y, z) in offsets.items()} | offsets
    switches = tuple(
        Switch(bone, str(switch["property"]), float(switch["value"]))
        for switch in table.get("switches", [])
        for listed in [names(switch["bones"], "switches.bones")]
        for bone in dict.fromkeys(listed + mirrored(listed))
    )
    roots = names(table["root"], "root") if "root" in table else ()
    name = str(table.get("name", name))
    return RigMap(name, joints, DEFAULT_MODES | modes, switches, prefix, roots, offsets)


def _check_pattern(pattern: str, where: str, most_repeats: int) -> None:
    """ValueError for a regular expression that could take for ever; a rig map may come from anyone.

    That takes repeats within repeats, or many that may share what they match between them. So groups are at
    most optional, and what repeats is a letter or a class, a few times in a pattern.
    """
    if len(pattern) <= LONGEST_PATTERN:
        re.compile(pattern)
    plain = re.sub(
        r"\\[^0-9]|\[\^?\]?[^\]]*\]", "x", pattern
    )  # what is escaped or in a class stands for one letter
    plain = re.sub(r"\(\?(?:[:=!]|<[=!])", "(", plain)
    repeats, choices = len(re.findall(r"[*+{]", plain)), len(re.findall(r"[?|]", plain))
    is_involved = re.search(r"\)[*+{]|\(\?|\\", plain) or repeats > most_repeats or choices > 4
    if is_involved or len(pattern) > LONGEST_PATTERN:
        raise ValueError(
            f"{where}: {pattern[:40]!r} is too involved: no repeat of a group, no reference to one, at most "
            f"{most_repeats} repeats and 4 choices, {LONGEST_PATTERN} letters"
        )


def _other(joint: str) -> str:
    """The right joint of a left one; any other is its own."""
    return joint.replace("left_", "right_")


def _mode(joint: str, mode: Any) -> str:
    if mode not in MODES:
        raise ValueError(f"mode {joint} = {mode!r}: modes are {', '.join(MODES)}, of a joint")
    if mode in ("direction", "heading") and joint not in NEXT and not joint.endswith(FINGERS):
        raise ValueError(f"mode {joint} = {mode!r}: this joint has no single direction")
    return str(mode)


def _offset(joint: str, value: Any) -> tuple[float, float, float]:
    x, y, z = (
        (float(angle) for angle in value) if isinstance(value, list) and len(value) == 3 else [math.nan] * 3
    )
    if not all(map(math.isfinite, (x, y, z))):
        raise ValueError(f"offset {joint} = {value!r}: an offset is three angles in degrees")
    return x, y, z


def save_rig_map(rig: RigMap, path: Path) -> None:
    """Write a rig map that :func:`load_rig_map` reads back as it is; a file that was there is replaced whole.

    MotionaryError where it is no valid map, or where the file cannot be written.
    """
    text = format_rig_map(rig)
    parse_rig_map(text, f"{path} is not written")
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise MotionaryError(f"{path} is not written: {error}") from None
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def format_rig_map(rig: RigMap) -> str:
    """The TOML text of a rig map, both sides spelled out."""
    lines = [f"name = {_quoted(rig.name)}", "mirror = []", f"prefix = {_quoted(rig.prefix)}"]
    if rig.roots:
        lines.append(f"root = {_listed(rig.roots)}")
    lines += ["", "[joints]", *(f"{joint} = {_listed(listed)}" for joint, listed in rig.joints.items())]
    modes = {joint: mode for joint, mode in rig.modes.items() if mode != DEFAULT_MODES.get(joint)}
    if modes:
        lines += ["", "[modes]", *(f"{joint} = {_quoted(mode)}" for joint, mode in modes.items())]
    if rig.offsets:
        lines += ["", "[offsets]", *(f"{joint} = {list(angles)}" for joint, angles in rig.offsets.items())]
    for switch in rig.switches:
        lines += ["", "[[switches]]", f"bones = {_listed([switch.bone])}"]
        lines += [f"property = {_quoted(switch.property)}", f"value = {switch.value}"]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    # JSON's strings are TOML's, but for the one control character that JSON lets through.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _listed(names: Iterable[str]) -> str:
    return f"[{', '.join(map(_quoted, names))}]"


@cache
def built_in() -> tuple[RigMap, ...]:
    """The rig maps that come with Motionary."""
    return tuple(load_rig_map(path) for path in sorted(Path(__file__).parent.glob("*.toml")))


def correct(rig: RigMap, joint: str, bones: Sequence[str]) -> RigMap:
    """``rig`` with ``joint`` taken by ``bones``, root outward, which no other joint has from then on.

    No bones leave the joint to what carries it. MotionaryError where there is no such joint, or where a bone
    is named twice or not at all.
    """
    if joint not in JOINTS:
        raise MotionaryError(
            f"rig map {rig.name!r}: there is no joint {joint!r}; there are {', '.join(JOINTS)}"
        )
    if isinstance(bones, str) or not all(bones) or len(set(bones)) < len(bones):
        raise MotionaryError(f"rig map {rig.name!r}: {joint} needs a list of different bones, not {bones!r}")
    others = {
        other: tuple(bone for bone in listed if bone not in bones)
        for other, listed in rig.joints.items()
        if other != joint
    }
    joints = {name: listed for name, listed in (others | {joint: tuple(bones)}).items() if listed}
    return replace(rig, joints=joints)


# Detection


def match(rig: RigMap, bones: Mapping[str, str | None] | Iterable[str]) -> RigMap | None:
    """``rig`` with its names replaced by those of ``bones``; None where an essential joint has none.

    bones: names, or name -> parent's name. Names under different prefixes are not mixed: an armature may hold
    two Mixamo characters.
    """
    parents = _parents(bones)
    found = _best_match(rig, _by_prefix(rig.prefix, parents), parents)
    return found.rig if found.fits else None


def rank_rigs(
    bones: Mapping[str, str | None] | Iterable[str], rigs: Iterable[RigMap] | None = None
) -> list[RigFit]:
    """How well each of ``rigs`` (the built-in ones) fits, the best first.

    bones: names, or name -> parent's name (None for a root). With parents, a bone does not count that carries
    what its joint should hang from; side by side is well, as rigs' controls often hang from helpers.
    """
    parents = _parents(bones)
    named = cache(lambda prefix: _by_prefix(prefix, parents))  # most rig maps share one
    matches = [_best_match(rig, named(rig.prefix), parents) for rig in (built_in() if rigs is None else rigs)]
    most = max((found.size for found in matches if found.fits), default=1)
    fits = [RigFit(found.rig, found.score(most), found.reason()) for found in matches]
    return sorted(fits, key=lambda fit: -fit.score)


def find_rig(
    bones: Mapping[str, str | None] | Iterable[str], rigs: Iterable[RigMap] | None = None
) -> RigMap | None:
    """The rig map that fits ``bones`` best, its names replaced by theirs; None where none fits."""
    best = next(iter(rank_rigs(bones, rigs)), None)
    return best.rig if best is not None and best.rig.joints.keys() >= ESSENTIAL else None


@dataclass(frozen=True)
class _Match:
    """A rig map with the rig's names, the map as it was, and bones left out, each with what it carries."""

    rig: RigMap
    wanted: RigMap
    prefix: str
    contradicted: Mapping[str, str]

    @property
    def size(self) -> int:
        return sum(map(len, self.rig.joints.values()))

    @property
    def lacking(self) -> list[str]:
        return [joint for joint in JOINTS if joint in ESSENTIAL and joint not in self.rig.joints]

    @property
    def fits(self) -> bool:
        return not self.lacking

    def counts(self, *, fingers: bool) -> tuple[int, int]:
        """How many of the wanted joints are there, of how many; of the body, or of fingers."""
        wanted = [joint for joint in self.wanted.joints if joint.endswith(FINGERS) is fingers]
        return sum(joint in self.rig.joints for joint in wanted), len(wanted)

    def score(self, most: int) -> float:
        """The mean of how many of its joints are there and how much of the rig it knows; ``most`` is the size
        of the match that knows most. A map's fingers do not count where the rig has none."""
        if not self.fits:
            return 0.5 * (1 - len(self.lacking) / len(ESSENTIAL))
        found, wanted = self.counts(fingers=False)
        fingers, wanted_fingers = self.counts(fingers=True)
        complete = (found + fingers) / (wanted + (wanted_fingers if fingers else 0))
        return 0.5 + (complete + self.size / most) / 4

    def reason(self) -> str:
        if not self.rig.joints:
            text = "has none of its bones"
        elif not self.fits:
            text = f"lacks {', '.join(self.lacking)}"
        else:
            parts = [f"{found} of {wanted} {what}" for what, (found, wanted) in self._parts() if wanted]
            text = " and ".join(parts)
        under = f" under the prefix {self.prefix!r}" if self.prefix else ""
        wrong = "".join(f"; {bone!r} is above {other!r}" for bone, other in self.contradicted.items())
        return f"{self.rig.name}: {text}{under}{wrong}"

    def _parts(self) -> Iterator[tuple[str, tuple[int, int]]]:
        yield "body joints", self.counts(fingers=False)
        yield "fingers", self.counts(fingers=True)


def _parents(bones: Mapping[str, str | None] | Iterable[str]) -> Mapping[str, str | None]:
    return bones if isinstance(bones, Mapping) else dict.fromkeys(bones)


@lru_cache(maxsize=65536)
def _folded(name: str) -> str:
    """A name as it is compared where it is not there to the letter: exporters change case and separators."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", name).casefold()))


@dataclass(frozen=True)
class _Names:
    """Name -> bone, to the letter and folded."""

    exactly: dict[str, str]
    loosely: dict[str, str]

    def find(self, listed: Iterable[str]) -> tuple[str, ...]:
        """The bones called as ``listed``, in that order."""
        found = (self.exactly.get(name) or self.loosely.get(_folded(name)) for name in listed)
        return tuple(dict.fromkeys(bone for bone in found if bone is not None))


def _by_prefix(prefix: str, bones: Iterable[str]) -> dict[str, _Names]:
    """Prefix -> names after it; no prefix -> all names, as a map that was saved has whole ones."""
    pattern = re.compile(f"(?P<before>{prefix})(?P<name>.+)", re.DOTALL | re.IGNORECASE)
    result = {"": _Names({}, {})}
    for bone in bones:
        names = {"": bone}
        if found := pattern.fullmatch(bone[-LONGEST_MATCHED:]):
            names[found["before"]] = found["name"]  # the prefix may have groups of its own
        for before, name in names.items():
            group = result.setdefault(before, _Names({}, {}))
            group.exactly.setdefault(name, bone)
            group.loosely.setdefault(_folded(name), bone)
    return result


def _best_match(rig: RigMap, named: Mapping[str, _Names], parents: Mapping[str, str | None]) -> _Match:
    """Of the matches under each prefix, the one that lacks least and then knows most."""
    matches = [_match_names(rig, prefix, names, parents) for prefix, names in named.items()]
    return max(matches, key=lambda found: (-len(found.lacking), found.size))


def _match_names(rig: RigMap, prefix: str, names: _Names, parents: Mapping[str, str | None]) -> _Match:
    joints: dict[str, tuple[str, ...]] = {}
    contradicted: dict[str, str] = {}
    for joint in sorted(rig.joints, key=JOINTS.index):
        bones = names.find(rig.joints[joint])
        # Only the pelvis's control may hang from the back's: a rig that turns the hips from the waist down.
        carrier = joints.get(_carrier(joint, joints), ()) if joint != "spine" else ()
        above = {bone: other for other in carrier for bone in _ancestors(other, parents)}
        contradicted |= {bone: above[bone] for bone in bones if bone in above}
        if kept := tuple(bone for bone in bones if bone not in above):
            joints[joint] = kept
    switches = tuple(replace(s, bone=bone) for s in rig.switches for bone in names.find([s.bone]))
    roots = names.find(rig.roots) or tuple(root for root in rig.roots if root in parents)
    return _Match(replace(rig, joints=joints, switches=switches, roots=roots), rig, prefix, contradicted)


def _carrier(joint: str, joints: Container[str]) -> str:
    """The next joint towards the pelvis that is in ``joints``; "" where none is."""
    while (joint := PARENTS.get(joint, "")) and joint not in joints:
        pass
    return joint


def _ancestors(bone: str, parents: Mapping[str, str | None]) -> Iterator[str]:
    seen = {bone}
    parent = parents.get(bone)
    while parent is not None and parent not in seen:
        yield parent
        seen.add(parent)
        parent = parents.get(parent)
