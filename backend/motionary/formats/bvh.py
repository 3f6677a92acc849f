"""BVH, the Biovision Hierarchy: reader and writer.

A BVH channel row gives each joint's rotation relative to its parent, in axes that are the world's at rest:
exactly a Motion. Format: Meredith & Maddock, *Motion Capture File Formats Explained* (2001).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motionary import rotation
from motionary.body import JOINTS, UNITS, BodyMap, body_positions, find_body, metres_per_unit
from motionary.errors import MotionaryError
from motionary.files import replacing
from motionary.formats._text import (
    LONGEST_NAME,
    MOST_JOINTS,
    bad_number,
    check_size,
    lines,
    numbers,
    read_bytes,
)
from motionary.motion import END_SUFFIX, Motion, Skeleton, rest_positions

__all__ = ["read_bvh", "write_bvh"]

FRAMES_AT_ONCE = 1024
"""What is turned from angles to quaternions together; of a long take, all at once would fill the memory."""
CHANNEL = re.compile(r"([XYZ])(position|rotation)", re.IGNORECASE)
WORD = re.compile(rb"\S+")
MOTION_HEAD = re.compile(rb"^[ \t]*MOTION\s+Frames\s*:\s*(\S+)\s+Frame\s+Time\s*:\s*(\S+)", re.I | re.M)
Z_UP = rotation.from_axis_angle([1.0, 0.0, 0.0], -np.pi / 2)
"""Takes Blender's axes, Z up and -Y forward, to ours."""

ROOT_CHANNELS = "CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation"
JOINT_CHANNELS = "CHANNELS 3 Zrotation Xrotation Yrotation"


@dataclass
class _Joint:
    """A joint as the hierarchy gives it; columns: channel such as "Xposition" -> its column in the rows."""

    name: str
    parent: int
    where: str
    is_end: bool
    columns: dict[str, int]
    offset: NDArray[np.float64] | None = None

    def axes(self, kind: str) -> str:
        """The axes of the "position" or "rotation" channels, in the file's order."""
        return "".join(channel[0] for channel in self.columns if channel.endswith(kind))


def read_bvh(path: Path, *, unit: float | None = None, fps: float | None = None) -> Motion:
    """The movement in a BVH file.

    unit: metres that the file's 1 stands for; None chooses it by the length of the legs (see
    :func:`motionary.body.metres_per_unit`). fps: overrides the header's frame time.

    An End Site becomes a joint named after its parent with "_end", unless its length is zero, when it says
    nothing. The root's position channels are where it is; its OFFSET counts only where it has none. Position
    channels of another joint are its place in its parent, or, where they are nearer zero than its OFFSET,
    the difference to that; their median is taken, for bones do not stretch. Where the body travels by such a
    joint below bare ones (``Hips`` below ``Reference``), that joint becomes the root. A body that stands
    along Z, as Blender exports it, is turned to stand along Y.

    MotionaryError, with file and line, for anything that is not a whole and well-formed BVH file.
    """
    path = Path(path)
    data = read_bytes(path)
    if not data[:512].lstrip().upper().startswith(b"HIERARCHY"):
        raise MotionaryError(
            f"{path}, line 1: a BVH file starts with HIERARCHY; this is another kind of file: check its name"
        )
    head = MOTION_HEAD.search(data)
    if head is None:
        raise MotionaryError(
            f"{path}: has no MOTION block with Frames and Frame Time; the file is cut short: export it again"
        )
    joints = _read_hierarchy(path, data[: head.start()])
    rows = _read_rows(path, data, head, sum(len(joint.columns) for joint in joints))
    check_size(path, len(rows), len(joints), rows.size)
    rate = _rate(path, data, head) if fps is None else fps
    del data, head  # which holds it, too: what comes now takes as much memory again
    motion = _to_motion(joints, rows, rate)
    body = _body(motion.skeleton)
    if unit is None:
        unit = metres_per_unit(motion.skeleton) if body is not None else UNITS["cm"]
    motion = _scaled(motion, unit)
    return _turned(motion, Z_UP) if body is not None and _stands_along_z(motion, body) else motion


def _where(path: Path, line: int) -> str:
    return f"{path}, line {line}"


def _statements(text: bytes) -> Iterator[tuple[int, str]]:
    """Line number and text of each statement; a brace is one wherever it stands."""
    for line, row in enumerate(text.decode("utf-8", "replace").split("\n"), 1):
        for part in re.split(r"([{}])", row):
            if part.strip():
                yield line, part.strip()


def _read_hierarchy(path: Path, text: bytes) -> list[_Joint]:
    joints: list[_Joint] = []
    stack: list[int] = []  # the joints whose braces are open
    named = False  # a joint has been named, and its { must follow
    counts = [0, 0]  # of joints, and of End Sites
    columns = 0
    where = f"{path}"
    statements = _statements(text)
    next(statements)  # HIERARCHY
    for line, statement in statements:
        where = _where(path, line)
        keyword, *words = statement.split()
        keyword = keyword.upper()
        if named is not (keyword == "{"):
            raise MotionaryError(f"{where}: expected {'{' if named else 'a joint'}, found {statement[:40]!r}")
        if keyword == "{":
            stack.append(len(joints) - 1)
            named = False
        elif keyword == "}" and stack:
            joint = joints[stack.pop()]
            if joint.offset is None:
                raise MotionaryError(f"{joint.where}: {joint.name} has no OFFSET; export the file again")
        elif keyword == "ROOT" and joints:
            raise MotionaryError(f"{where}: a second ROOT; keep one skeleton in a file")
        elif keyword == "ROOT" or (keyword in ("JOINT", "END") and stack):
            is_end = keyword == "END"
            counts[is_end] += 1  # apart, for every joint may have an end of its own
            if counts[is_end] > MOST_JOINTS:
                raise MotionaryError(f"{where}: more than {MOST_JOINTS} joints; export the body alone")
            parent = stack[-1] if stack else -1
            name = joints[parent].name + END_SUFFIX if is_end else statement[len(keyword) :].strip()
            if len(name) > LONGEST_NAME:
                raise MotionaryError(f"{where}: a name of {len(name)} letters; {LONGEST_NAME} are the most")
            joints.append(_Joint(name, parent, where, is_end, {}))
            named = True
        elif keyword == "OFFSET" and stack:
            joints[stack[-1]].offset = _offset(words, where)
        elif keyword == "CHANNELS" and stack:
            if joints[stack[-1]].columns:
                raise MotionaryError(f"{where}: a second CHANNELS of one joint; export the file again")
            joints[stack[-1]].columns = _channels(words, columns, where)
            columns += len(words) - 1
        else:
            raise MotionaryError(
                f"{where}: expected JOINT, End Site, OFFSET, CHANNELS or }}, found {statement[:40]!r}"
            )
    if named or stack or not joints:
        raise MotionaryError(f"{where}: the HIERARCHY ends before its last }}; export the file again")
    return _different_names(joints)


def _different_names(joints: list[_Joint]) -> list[_Joint]:
    """The joints, where a second End Site of one parent is numbered; any other name must be the only one."""
    taken: set[str] = set()
    ends: dict[str, int] = {}
    for joint in joints:
        if joint.is_end and joint.name in taken:
            number = ends.get(joint.name, 1) + 1
            while f"{joint.name}{number}" in taken:
                number += 1
            ends[joint.name] = number
            joint.name += str(number)
        if not joint.name or joint.name in taken:
            raise MotionaryError(
                f"{joint.where}: {joint.name or 'nothing'!r} names a second joint; rename it"
            )
        taken.add(joint.name)
    return joints


def _offset(words: list[str], where: str) -> NDArray[np.float64]:
    values = numbers(" ".join(words).encode())
    if len(words) != 3 or len(values) != 3 or not np.isfinite(values).all():
        raise MotionaryError(f"{where}: OFFSET needs three numbers, found {' '.join(words)[:60]!r}")
    return values


def _channels(words: list[str], first: int, where: str) -> dict[str, int]:
    channels: dict[str, int] = {}
    for word in words[1:]:
        match = CHANNEL.fullmatch(word)
        if match is None:
            raise MotionaryError(
                f"{where}: unknown channel {word[:40]!r}; a BVH file has Xposition to Zrotation: export it "
                "without the others"
            )
        channels[match[1].upper() + match[2].lower()] = first + len(channels)
    if not words or words[0] != str(len(words) - 1) or len(channels) != len(words) - 1:
        raise MotionaryError(f"{where}: CHANNELS needs a count and as many different channels")
    return channels


def _line_of(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, position) + 1


def _read_rows(path: Path, data: bytes, head: re.Match[bytes], columns: int) -> NDArray[np.float64]:
    """The motion block, (frames, columns): as many whole rows of finite numbers as the header promises."""
    if not (head[1].isdigit() and len(head[1]) < 10 and int(head[1]) > 0):
        raise MotionaryError(
            f"{_where(path, _line_of(data, head.start(1)))}: Frames: must be a count of 1 or more, found "
            f"{head[1][:40].decode('ascii', 'replace')!r}; export the file again"
        )
    if columns == 0:
        raise MotionaryError(
            f"{path}: no joint has CHANNELS, so nothing moves; export the file with animation"
        )
    frames, first_line = int(head[1]), _line_of(data, head.end())
    values = numbers(memoryview(data)[head.end() :])
    if len(values) == frames * columns and np.isfinite(values).all():
        return values.reshape(frames, columns)
    block = memoryview(data)[head.end() :]
    bad = bad_number(block, first_line)
    if bad is not None:
        raise MotionaryError(f"{_where(path, bad[0])}: {bad[1]!r} is not a number; export the file again")
    for line, row in enumerate(lines(data, head.end()), first_line):
        count = sum(1 for _ in WORD.finditer(row))  # as a list they would take many times the file
        if count not in (0, columns):
            raise MotionaryError(
                f"{_where(path, line)}: a frame needs {columns} numbers, found {count}; the file "
                "is cut short or damaged: export it again"
            )
    raise MotionaryError(
        f"{path}: promises {frames} frames and holds {len(values) // columns}; if those are all, put "
        "their count after Frames:, else export the file again"
    )


def _rate(path: Path, data: bytes, head: re.Match[bytes]) -> float:
    """Frames a second. A whole number where the frame time, as precise as it is written, allows one."""
    text = head[2].decode("ascii", "replace")
    seconds = numbers(head[2])
    if len(seconds) != 1 or not np.isfinite(seconds[0]) or not 1e-4 <= seconds[0] <= 10:
        raise MotionaryError(
            f"{_where(path, _line_of(data, head.start(2)))}: Frame Time: must be the seconds a frame takes, "
            f"such as 0.008333, found {text[:40]!r}; correct it or give the frames a second"
        )
    exact = 1.0 / float(seconds[0])
    whole = round(exact)
    last_place = 10.0 ** -len(text.partition(".")[2]) if text.replace(".", "", 1).isdigit() else 0.0
    return float(whole) if whole and abs(1.0 / whole - seconds[0]) <= last_place else exact


def _to_motion(joints: list[_Joint], rows: NDArray[np.float64], fps: float) -> Motion:
    """The rows as a Motion, still in the file's unit."""
    # An End Site of no length says nothing; write_bvh closes with one each chain that has no end of its own.
    kept = [i for i, joint in enumerate(joints) if not joint.is_end or np.any(np.asarray(joint.offset))]
    number = {-1: -1} | {old: new for new, old in enumerate(kept)}
    joints = [joints[i] for i in kept]
    rotations = np.empty((len(rows), len(joints), 4))
    for order in {joint.axes("rotation") for joint in joints}:
        # All joints of one order at once; the empty order is that of End Sites and gives the identity.
        group = [j for j, joint in enumerate(joints) if joint.axes("rotation") == order]
        columns = [joints[j].columns[f"{axis}rotation"] for j in group for axis in order]
        for start in range(0, len(rows), FRAMES_AT_ONCE):
            some = slice(start, start + FRAMES_AT_ONCE)
            angles = np.radians(rows[some, columns])
            angles = angles.reshape(len(angles), len(group), len(order))
            rotations[some, group] = rotation.from_euler(angles, order)
    skeleton = Skeleton(
        tuple(joint.name for joint in joints),
        np.array([number[joint.parent] for joint in joints]),
        np.array([joint.offset for joint in joints]),
    )
    places = {j: _places(joint, rows) for j, joint in enumerate(joints) if joint.axes("position")}
    return _settle_places(skeleton, rotations, places, fps)


def _places(joint: _Joint, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The position channels as (T, 3); an axis that has none keeps the OFFSET's."""
    places = np.tile(np.asarray(joint.offset), (len(rows), 1))
    for axis in joint.axes("position"):
        places[:, "XYZ".index(axis)] = rows[:, joint.columns[f"{axis}position"]]
    return places


def _settle_places(
    skeleton: Skeleton, rotations: NDArray[np.float64], places: dict[int, NDArray[np.float64]], fps: float
) -> Motion:
    """A Motion whose only joint that changes place is its root: see read_bvh on position channels."""
    offsets = skeleton.offsets.copy()
    for j in places.keys() - {0}:
        middle = np.median(places[j], axis=0)
        if np.linalg.norm(middle - offsets[j]) > np.linalg.norm(middle):  # differences to the OFFSET
            places[j] = places[j] + offsets[j]
            middle = middle + offsets[j]
        offsets[j] = middle
    skeleton = Skeleton(skeleton.names, skeleton.parents, offsets)
    size = float(np.abs(offsets).sum())
    root, place = 0, places.get(0, np.tile(offsets[0], (len(rotations), 1)))
    turn = rotations[:, 0]
    while True:
        inner = [j for j in skeleton.children(root) if skeleton.children(j)]
        if len(inner) != 1 or inner[0] not in places or np.ptp(places[inner[0]], axis=0).max() < 0.01 * size:
            break
        root = inner[0]
        place = place + rotation.rotate(turn, places[root])
        turn = rotation.multiply(turn, rotations[:, root])
    if root == 0:
        return Motion(skeleton, rotations, place, fps)
    inside = skeleton.subtree(root)
    rotations = rotations[:, inside]
    rotations[:, 0] = turn
    parents = np.searchsorted(inside, skeleton.parents[inside])
    parents[0] = -1
    names = tuple(skeleton.names[j] for j in inside)
    return Motion(Skeleton(names, parents, offsets[inside]), rotations, place, fps)


def _scaled(motion: Motion, unit: float) -> Motion:
    skeleton = replace(motion.skeleton, offsets=motion.skeleton.offsets * unit)
    return replace(motion, skeleton=skeleton, translation=motion.translation * unit)


def _body(skeleton: Skeleton) -> BodyMap | None:
    """The human body on a skeleton, looked for once: to find out that there is none takes longest."""
    try:
        return find_body(skeleton)
    except MotionaryError:
        return None


def _stands_along_z(motion: Motion, body: BodyMap) -> bool:
    """Whether a body's head is above its feet along Z, in the rest pose and on average in the movement."""
    some = slice(None, None, max(1, motion.frames // 50))
    sample = replace(motion, rotations=motion.rotations[some], translation=motion.translation[some])
    poses = body_positions(sample, body).mean(axis=0), body.weights @ rest_positions(motion.skeleton)
    head, left, right = (JOINTS.index(name) for name in ("head", "left_ankle", "right_ankle"))
    upward = [2 * pose[head] - pose[left] - pose[right] for pose in poses]
    return all(up[2] > np.abs(up[:2]).max() for up in upward)


def _turned(motion: Motion, turn: NDArray[np.float64]) -> Motion:
    """The movement in a world turned by the quaternion ``turn``, rest pose and all."""
    skeleton = motion.skeleton
    return replace(
        motion,
        skeleton=replace(skeleton, offsets=rotation.rotate(turn, skeleton.offsets)),
        rotations=rotation.multiply(rotation.multiply(turn, motion.rotations), rotation.inverse(turn)),
        translation=rotation.rotate(turn, motion.translation),
    )


def write_bvh(motion: Motion, path: Path) -> None:
    """Write ``motion`` as BVH in centimetres, rotations in the order Z X Y, whole or not at all.

    Read again with ``unit=0.01`` it is the same skeleton and movement, to a millionth of a centimetre and of
    a degree. MotionaryError where a joint's name cannot be written or the folder does not take the file.
    """
    path = Path(path)
    skeleton = motion.skeleton
    for name in skeleton.names:
        if not name.strip() or re.search(r"[{}\r\n]|^\s|\s$", name):
            raise MotionaryError(f"{path}: joint name {name!r} cannot be written to BVH; rename the joint")
    ends = [_is_end(skeleton, j) for j in range(len(skeleton.names))]
    angles = np.degrees(rotation.to_euler(motion.rotations, "ZXY"))[:, ~np.array(ends)]
    rows = np.concatenate([motion.translation * 100.0, angles.reshape(motion.frames, -1)], axis=1)
    # In the order of the hierarchy text, which is depth first and so may differ from the skeleton's.
    order = [j for j in _depth_first(skeleton) if not ends[j]]
    place = {j: k for k, j in enumerate(np.flatnonzero(~np.array(ends)))}
    columns = [0, 1, 2, *(3 + 3 * place[j] + axis for j in order for axis in range(3))]
    row_format = " ".join(["%.6f"] * len(columns)) + "\n"
    text = "".join(
        [
            "HIERARCHY\n",
            *_hierarchy_lines(skeleton, ends),
            f"MOTION\nFrames: {motion.frames}\nFrame Time: {1.0 / motion.fps:.10f}\n",
            *(row_format % tuple(row) for row in rows[:, columns].tolist()),
        ]
    )
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode())


def _is_end(skeleton: Skeleton, joint: int) -> bool:
    parent = int(skeleton.parents[joint])
    return (
        parent >= 0
        and skeleton.names[joint] == skeleton.names[parent] + END_SUFFIX
        and not skeleton.children(joint)
        and bool(np.any(skeleton.offsets[joint]))
    )


def _depth_first(skeleton: Skeleton) -> Iterator[int]:
    stack = [0]
    while stack:
        joint = stack.pop()
        yield joint
        stack += reversed(skeleton.children(joint))


def _hierarchy_lines(skeleton: Skeleton, ends: list[bool]) -> Iterator[str]:
    depths: list[int] = []  # of the joints whose braces are open
    depth = np.zeros(len(skeleton.names), np.int64)
    for joint in _depth_first(skeleton):
        parent = int(skeleton.parents[joint])
        depth[joint] = 0 if parent < 0 else depth[parent] + 1
        while depths and depths[-1] >= depth[joint]:
            yield "\t" * depths.pop() + "}\n"
        depths.append(int(depth[joint]))
        indent = "\t" * int(depth[joint])
        x, y, z = skeleton.offsets[joint] * 100.0
        kind = "End Site" if ends[joint] else f"{'ROOT' if parent < 0 else 'JOINT'} {skeleton.names[joint]}"
        yield f"{indent}{kind}\n{indent}{{\n{indent}\tOFFSET {x:.6f} {y:.6f} {z:.6f}\n"
        if not ends[joint]:
            yield f"{indent}\t{ROOT_CHANNELS if parent < 0 else JOINT_CHANNELS}\n"
            if not skeleton.children(joint):
                yield f"{indent}\tEnd Site\n{indent}\t{{\n{indent}\t\tOFFSET 0 0 0\n{indent}\t}}\n"
    while depths:
        yield "\t" * depths.pop() + "}\n"
