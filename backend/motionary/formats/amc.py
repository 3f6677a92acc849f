"""ASF/AMC, Acclaim's skeleton and motion: reader.

An ASF bone turns about its start in local axes C, so that a row's rotation M acts in the world's axes as
C M C^-1: the joint rotation of a Motion. A joint of ours is a bone's start and carries its name; where a bone
without children ends there is one more joint, its name with "_end". Format: Lander, *Working with Motion
Capture File Formats* (Game Developer, 1998).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motionary import rotation
from motionary.body import HUMAN_LEG, leg_length, metres_per_unit
from motionary.errors import MotionaryError
from motionary.formats._text import (
    LONGEST_NAME,
    MOST_JOINTS,
    bad_number,
    check_size,
    lines,
    numbers,
    read_bytes,
)
from motionary.motion import END_SUFFIX, Motion, Skeleton

__all__ = ["Asf", "Bone", "asf_of_trial", "read_amc", "read_asf"]

FPS = 120.0
"""AMC does not say its rate; CMU's, the one collection there is, has 120 but for some trials (cmu.py)."""

FRAMES_AT_ONCE = 1024
INCH = 0.0254
LARGEST_ASF = 2 << 20
"""Bytes; CMU's have some ten thousand, and the most bones that there may be take half a million."""
LONGEST_COUNT = 18
"""Digits of a frame's number; none that is meant to be one has more."""
NEEDED = ("name", "direction", "length", "axis")
CHANNELS = ("TX", "TY", "TZ", "RX", "RY", "RZ", "L")


@dataclass(frozen=True, eq=False)
class Bone:
    """A bone (or the root, of no length): its AMC channels in order, its axes, its rest vector in metres.

    frame: (4,) quaternion C of its local axes. order: the axes' letters in the order in which they turn.
    """

    name: str
    parent: str | None
    channels: tuple[str, ...]
    order: str
    frame: NDArray[np.float64]
    vector: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Asf:
    """An ASF skeleton. bones: the root first, parents before children. unit: metres of the file's 1.

    position: (3,) the root's place, metres, where no channel says it.
    """

    bones: tuple[Bone, ...]
    unit: float
    degrees: bool
    position: NDArray[np.float64]

    def bone(self, name: str) -> Bone | None:
        """The bone called ``name``, if there is one."""
        return next((bone for bone in self.bones if bone.name == name), None)


def read_asf(path: Path) -> Asf:
    """The skeleton in an ASF file, in metres; MotionaryError, with file and line, if it is not well formed.

    Lengths are inches over the file's ``length`` (CMU's 0.45), unless that makes legs that no human has; then
    the unit is chosen as :func:`motionary.body.metres_per_unit` does.
    """
    path = Path(path)
    sections = _sections(path)
    units = {words[0].lower(): (where, words[1:]) for where, words in sections.get("units", [])}
    degrees = not " ".join(units.get("angle", ("", []))[1]).lower().startswith("rad")
    length = float(_floats(*units["length"], 1)[0]) if "length" in units else 1.0
    root, position = _root(path, sections, degrees)
    bones = {root.name: root} | {bone.name: bone for bone in _bones(path, sections, degrees)}
    if len(bones) > MOST_JOINTS or max(map(len, bones)) > LONGEST_NAME:
        raise MotionaryError(
            f"{path}: has {len(bones)} bones, or a name that is too long; {MOST_JOINTS} bones with names of "
            f"{LONGEST_NAME} letters are the most"
        )
    ordered = _in_order(path, sections, bones)
    unit = INCH / length if length > 0 else INCH
    raw = _skeleton(ordered)
    leg = leg_length(raw)
    if leg is not None and not 0.5 * HUMAN_LEG < leg * unit < 1.5 * HUMAN_LEG:
        unit = metres_per_unit(raw)
    scaled = tuple(replace(bone, vector=bone.vector * unit) for bone in ordered)
    return Asf(scaled, unit, degrees, position * unit)


def read_amc(path: Path, asf: Path | Asf | None = None, *, fps: float | None = None) -> Motion:
    """The movement in an AMC file on its ASF skeleton.

    asf: that file, or what :func:`read_asf` found in it; None looks for it as :func:`asf_of_trial` does, then
    takes the only one in the folder.
    fps: frames a second, which AMC does not say; 120 where not given. Bone translations and lengths, which
    some files have, are read over.

    MotionaryError, with file and line, for anything that is not a whole and well-formed AMC file, and where
    no ASF is found.
    """
    path = Path(path)
    data = read_bytes(path).rstrip()
    if not isinstance(asf, Asf):
        asf = read_asf(Path(asf) if asf is not None else _find_asf(path))
    degrees, start = _body(path, data, asf.degrees)
    return _read_motion(path, data, start, asf, degrees, FPS if fps is None else fps)


def asf_of_trial(path: Path) -> Path | None:
    """The ASF file of a trial, in BVH or AMC, if it is found by name: ``01_02.amc`` has ``01.asf``.

    Looked for: the trial's own name, then the part before the first "_", in the file's folder, in ``../asf``
    and in the folder above.
    """
    for folder in _asf_folders(path):
        there = {file.name.lower(): file for file in folder.iterdir()} if folder.is_dir() else {}
        for name in _asf_names(path):
            if name in there:
                return there[name]
    return None


def _asf_folders(path: Path) -> tuple[Path, ...]:
    return path.parent, path.parent.parent / "asf", path.parent.parent


def _asf_names(path: Path) -> list[str]:
    return list(dict.fromkeys([f"{path.stem}.asf".lower(), f"{path.stem.split('_')[0]}.asf".lower()]))


def _find_asf(path: Path) -> Path:
    """The ASF file of an AMC file: by name, else the only one in its folder."""
    found = asf_of_trial(path)
    if found is not None:
        return found
    alone = [file for file in path.parent.iterdir() if file.suffix.lower() == ".asf"]
    if len(alone) == 1:
        return alone[0]
    raise MotionaryError(
        f"{path}: its skeleton is missing: no {' or '.join(_asf_names(path))} in "
        f"{', '.join(map(str, _asf_folders(path)))}; put the ASF file beside it or name it"
    )


Lines = list[tuple[str, list[str]]]  # (file and line, its words)


def _sections(path: Path) -> dict[str, Lines]:
    """The lines below each ``:keyword``, without comments."""
    sections: dict[str, Lines] = {}
    current: Lines = []
    for line, row in enumerate(read_bytes(path, LARGEST_ASF).decode("latin-1").split("\n"), 1):
        words = row.partition("#")[0].replace("(", " ").replace(")", " ").split()
        if words and words[0].startswith(":"):
            current = sections.setdefault(words[0][1:].lower(), [])
            words = words[1:]
        if words:
            current.append((f"{path}, line {line}", words))
    for keyword in ("root", "bonedata", "hierarchy"):
        if not sections.get(keyword):
            raise MotionaryError(
                f"{path}: has no :{keyword} section, so it is no whole ASF file; download it again"
            )
    return sections


def _floats(where: str, words: list[str], count: int) -> NDArray[np.float64]:
    values = numbers(" ".join(words[:count]).encode())
    if len(values) != count or not np.isfinite(values).all():
        raise MotionaryError(f"{where}: needs {count} numbers, found {' '.join(words)[:60]!r}")
    return values


def _channels(where: str, words: list[str]) -> tuple[str, ...]:
    names = tuple(word.upper() for word in words)
    if not set(names) <= set(CHANNELS) or len(set(names)) != len(names):
        raise MotionaryError(f"{where}: unknown or repeated channel in {' '.join(words)[:60]!r}")
    return names


def _axes(where: str, angles: NDArray[np.float64], order: str, degrees: bool) -> NDArray[np.float64]:
    """The quaternion of three angles about fixed axes, applied in the ``order`` of the letters."""
    if sorted(order) != ["X", "Y", "Z"]:
        raise MotionaryError(f"{where}: an axis order is XYZ or another order of these, found {order[:20]!r}")
    radians = np.radians(angles) if degrees else angles
    return rotation.from_euler(radians[::-1], order[::-1])


def _root(path: Path, sections: dict[str, Lines], degrees: bool) -> tuple[Bone, NDArray[np.float64]]:
    fields = {words[0].lower(): (where, words[1:]) for where, words in sections["root"]}
    nothing = (f"{path}, :root", ["0", "0", "0"])
    where, order = fields.get("axis", ("", ["XYZ"]))
    orientation = _floats(*fields.get("orientation", nothing), 3)
    frame = _axes(where, orientation, "".join(order).upper(), degrees)
    channels = _channels(*fields.get("order", ("", list(CHANNELS[:6]))))
    root = Bone("root", None, channels, "".join(order).upper(), frame, np.zeros(3))
    return root, _floats(*fields.get("position", nothing), 3)


def _bones(path: Path, sections: dict[str, Lines], degrees: bool) -> Iterator[Bone]:
    fields: dict[str, tuple[str, list[str]]] = {}
    for where, words in sections["bonedata"]:
        keyword = words[0].lower()
        if keyword == "begin":
            fields = {}
        elif keyword == "end":
            missing = [key for key in NEEDED if not fields.get(key, ("", []))[1]]
            if missing:
                raise MotionaryError(f"{where}: the bone that ends here has no {missing[0]}; add it")
            axis_where, axis = fields["axis"]
            order = "".join(axis[3:]).upper()
            vector = _floats(*fields["direction"], 3) * _floats(*fields["length"], 1)
            frame = _axes(axis_where, _floats(axis_where, axis, 3), order, degrees)
            channels = _channels(*fields.get("dof", ("", [])))
            yield Bone(fields["name"][1][0], None, channels, order, frame, vector)
        else:
            fields.setdefault(keyword, (where, words[1:]))


def _in_order(path: Path, sections: dict[str, Lines], bones: dict[str, Bone]) -> list[Bone]:
    """The bones with their parents, the root first and each after its parent."""
    children: dict[str, list[str]] = {}
    parent_of: dict[str, str] = {}
    for where, (parent, *below) in sections["hierarchy"]:
        if parent.lower() in ("begin", "end"):
            continue
        for name in (parent, *below):
            if name not in bones:
                raise MotionaryError(f"{where}: {name!r} is no bone of :bonedata; correct the name")
        for name in below:
            if name in parent_of or name == "root":
                raise MotionaryError(f"{where}: {name!r} has two parents; keep one")
            parent_of[name] = parent
            children.setdefault(parent, []).append(name)
    ordered, waiting = [], ["root"]
    while waiting:
        name = waiting.pop()
        bone = bones[name]
        ordered.append(replace(bone, parent=parent_of.get(name)))
        waiting += reversed(children.get(name, []))
    loose = bones.keys() - {bone.name for bone in ordered}
    if loose:
        raise MotionaryError(f"{path}: bone {min(loose)!r} does not hang on the root; complete :hierarchy")
    return ordered


def _skeleton(bones: list[Bone] | tuple[Bone, ...]) -> Skeleton:
    """A joint at the start of each bone, and one at the end of each that has no children."""
    number = {bone.name: j for j, bone in enumerate(bones)}
    starts = {bone.name: bone.vector for bone in bones}
    used = {bone.parent for bone in bones}
    ends = [bone for bone in bones if bone.name not in used and np.any(bone.vector)]
    return Skeleton(
        (*number, *(bone.name + END_SUFFIX for bone in ends)),
        np.array([*(number[b.parent] if b.parent else -1 for b in bones), *(number[b.name] for b in ends)]),
        np.array(
            [*(starts[b.parent] if b.parent else np.zeros(3) for b in bones), *(b.vector for b in ends)]
        ),
    )


FIRST_FRAME = re.compile(rb"^[ \t]*\d+[ \t\r]*$", re.MULTILINE)


def _body(path: Path, data: bytes, degrees: bool) -> tuple[bool, int]:
    """Whether angles are degrees; and the byte at which the line of the first frame's number begins."""
    first = FIRST_FRAME.search(data)
    if first is None or b":" not in data[: first.start()]:
        raise MotionaryError(
            f"{path}: holds no frame number below an AMC header such as :FULLY-SPECIFIED; this is another "
            "kind of file, or cut short: check it"
        )
    mark = re.search(rb"^(<{7}|={7}|>{7})", data, re.MULTILINE)
    if mark is not None:
        line = data.count(b"\n", 0, mark.start()) + 1
        raise MotionaryError(
            f"{path}, line {line}: holds two versions between git's conflict marks; keep one of them"
        )
    header = data[: first.start()].upper()
    return (degrees or b":DEGREES" in header) and b":RADIANS" not in header, first.start()


def _rows(data: bytes, start: int) -> Iterator[bytes]:
    return (line.replace(b"\t", b" ").strip() for line in lines(data, start))


def _layout(data: bytes, start: int, most: int) -> list[str] | None:
    """The bones of the first frame's lines, in order; None where there are more than ``most``."""
    layout: list[str] = []
    for row in islice(_rows(data, start), 1, None):
        if row.isdigit():
            break
        if len(layout) == most:
            return None
        layout.append(row.partition(b" ")[0].decode("latin-1"))
    return layout


def _read_motion(path: Path, data: bytes, start: int, asf: Asf, degrees: bool, fps: float) -> Motion:
    """The frames in ``data`` from byte ``start`` on.

    Every frame has the same lines, a frame number and one a bone. So line k of many frames is cut out and
    parsed at once, and only where that does not come out even is the fault looked for line by line. A part of
    the frames at a time becomes rotations: all lines or numbers at once take several times the file.
    """
    bones = {bone.name: bone for bone in asf.bones}
    layout = _layout(data, start, len(bones))
    if layout is None or not {bone.name for bone in asf.bones if bone.channels} <= set(layout) <= set(bones):
        raise _bad_frame(path, data, start, asf)
    moving = [bones[name] for name in layout]
    frames, rest = divmod(data.count(b"\n", start) + 1, 1 + len(layout))
    given = frames * sum(len(bone.channels) for bone in moving)
    if rest or 2 * given > len(data) or len(set(layout)) != len(layout):  # a number takes two letters or more
        raise _bad_frame(path, data, start, asf)
    check_size(path, frames, len(asf.bones), given)
    skeleton = _skeleton(asf.bones)
    rotations = np.empty((frames, len(skeleton.names), 4))
    rotations[:] = rotation.IDENTITY
    translation = np.tile(asf.position, (frames, 1))
    number = {bone.name: j for j, bone in enumerate(asf.bones)}
    rows = _rows(data, start)
    counted = 0.0
    for first in range(0, frames, FRAMES_AT_ONCE):
        some = slice(first, min(first + FRAMES_AT_ONCE, frames))
        values = _values(list(islice(rows, (some.stop - first) * (1 + len(layout)))), moving)
        if values is None or (first and values[0, 0] != counted + 1):
            raise _bad_frame(path, data, start, asf)
        counted = float(values[-1, 0])
        column = 1
        for bone in moving:
            own = values[:, column : column + len(bone.channels)]
            rotations[some, number[bone.name]] = _turns(bone, own, degrees)
            if bone.parent is None:
                for k, axis in enumerate("XYZ"):
                    if f"T{axis}" in bone.channels:
                        translation[some, k] = own[:, bone.channels.index(f"T{axis}")] * asf.unit
            column += len(bone.channels)
    return Motion(skeleton, rotations, translation, fps)


def _values(rows: list[bytes], moving: list[Bone]) -> NDArray[np.float64] | None:
    """The numbers of whole frames (T, 1 + channels), each frame's own number first; None where they are
    not."""
    step = 1 + len(moving)
    frames = len(rows) // step
    counted = numbers(b"\n".join(rows[::step]))
    if len(counted) != frames or np.any(np.diff(counted) != 1):
        return None
    parts = [counted[:, None]]
    for k, bone in enumerate(moving, 1):
        text = b"\n" + b"\n".join(rows[k::step])
        label = b"\n" + bone.name.encode("latin-1") + b" "
        if text.count(label) != frames:
            return None
        row = numbers(text.replace(label, b"\n"))
        if len(row) != frames * len(bone.channels) or not np.isfinite(row).all():
            return None
        parts.append(row.reshape(frames, len(bone.channels)))
    values: NDArray[np.float64] = np.concatenate(parts, axis=1)
    return values


def _turns(bone: Bone, values: NDArray[np.float64], degrees: bool) -> NDArray[np.float64]:
    """A bone's rotations (T, 4) by the values (T, channels) of its channels."""
    nothing = np.zeros(len(values))
    angles = np.stack(
        [
            values[:, bone.channels.index(f"R{axis}")] if f"R{axis}" in bone.channels else nothing
            for axis in reversed(bone.order)
        ],
        axis=-1,
    )
    turn = rotation.from_euler(np.radians(angles) if degrees else angles, bone.order[::-1])
    return rotation.multiply(rotation.multiply(bone.frame, turn), rotation.inverse(bone.frame))


def _bad_frame(path: Path, data: bytes, start: int, asf: Asf) -> MotionaryError:
    """What is wrong with frames that could not be read, found slowly: the first line not as it should be."""
    bones = {bone.name: len(bone.channels) for bone in asf.bones}
    wanted = {name for name, count in bones.items() if count}
    seen: set[str] = set(wanted)
    number = None
    for line, row in enumerate(_rows(data, start), data.count(b"\n", 0, start) + 1):
        where = f"{path}, line {line}"
        name, *words = row.decode("latin-1").split() or [""]
        if name.isascii() and name.isdigit() and len(name) < LONGEST_COUNT and not words:
            if seen < wanted:
                lost = ", ".join(sorted(wanted - seen))
                return MotionaryError(
                    f"{where}: frame {number} has no line for {lost}; download the file again"
                )
            if number is not None and int(name) != number + 1:
                return MotionaryError(
                    f"{where}: frame {name} follows frame {number}; a frame is lost or doubled"
                )
            number, seen = int(name), set()
        elif name not in bones:
            return MotionaryError(
                f"{where}: {name[:40]!r} is no bone of the ASF file; use the one of this subject"
            )
        elif name in seen:
            return MotionaryError(
                f"{where}: a second line for {name} in frame {number}; download the file again"
            )
        else:
            bad = bad_number(" ".join(words).encode())
            if bad is not None:
                return MotionaryError(f"{where}: {bad[1]!r} is not a number; download the file again")
            if len(words) != bones[name]:
                return MotionaryError(
                    f"{where}: {name} has {len(words)} numbers and the ASF file gives it {bones[name]}; the "
                    "file is cut short, or the ASF file is another subject's"
                )
            seen.add(name)
    if seen < wanted:
        lost = ", ".join(sorted(wanted - seen))
        return MotionaryError(
            f"{path}: the last frame, {number}, has no line for {lost}; the file is cut short: download it "
            "again"
        )
    return MotionaryError(
        f"{path}: its bones do not come in the same order in each frame; download the file again"
    )
