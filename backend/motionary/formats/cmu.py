"""What has to be put right in files of the CMU Graphics Lab motion capture database.

Three conversions to BVH are about, told apart by their joint names; each has its own faults. All rules here
were measured: with them the BVH and the AMC of a trial agree to a hundredth of a millimetre.

Known and left as it is: 17_03 and 26_01 are cut short in the copies that are about.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motionary import rotation
from motionary.errors import MotionaryError
from motionary.formats.amc import asf_of_trial, read_asf
from motionary.motion import Motion, Skeleton, forward_kinematics

__all__ = ["repair", "true_fps"]


@dataclass(frozen=True)
class Layout:
    """One conversion, known by ``marks``, joint names that it alone has.

    thorax: the joint whose bone is missing, then the joints that hang from that bone's end. rest_angle: mean
    angle of the joints, in degrees, up to which a frame in front is the rest pose (measured: 0 to 2.9 in
    cgspeed, where no movement has less than 14; 1.3 in DAZ, then at least 3). eases_in: from the rest pose
    into the movement. low_root: the root lies below the hips.
    """

    marks: frozenset[str]
    thorax: tuple[str, ...] = ()
    rest_angle: float = 8.0
    eases_in: bool = False
    low_root: bool = False


LAYOUTS = (
    Layout(  # cgspeed
        frozenset({"Hips", "LHipJoint", "LeftUpLeg", "LowerBack", "Spine1", "Neck1"}),
        thorax=("Spine1", "Neck", "LeftShoulder", "RightShoulder"),
    ),
    Layout(  # as of subject 131
        frozenset({"Hips", "LHipJoint", "LeftHip", "lowerback", "Chest2", "lowerneck"}),
        thorax=("Chest2", "lowerneck", "LeftCollar", "RightCollar"),
    ),
    Layout(  # DAZ
        frozenset({"hip", "abdomen", "chest", "lButtock", "lThigh", "lShldr"}),
        rest_angle=2.0,
        eases_in=True,
        low_root=True,
    ),
)
ASF_MARKS = frozenset({"root", "lhipjoint", "lfemur", "lowerback", "thorax", "lowerneck"})

JUMP = 0.05
"""Metres that the joints move on average from a rest pose in front to the next frame; nobody is so fast."""

LONGEST_EASE = 6

PELVIS_ABOVE_HIPS = 0.09
"""Metres along the root's up axis, in the DAZ layout."""

SUBJECTS_AT_60 = frozenset({33, 34, 42, 60, 61, 62, 74, 75, 77, 79, 80, 87, 88, 89})
"""Subjects all of whose trials CMU lists at 60 frames a second; the BVH headers claim 120."""

TRIALS_AT_60 = frozenset({"136_19", "90_08", "90_11"})
"""136_19 by CMU's list; it lists 90_08 and 90_11 at 120, but their files hold every other frame."""


def repair(motion: Motion, path: Path, *, fps: float | None = None) -> Motion:
    """``motion`` as read from ``path``, put right if its joint names are those of a CMU file, else as it is.

    fps: what the user says, which stands; None takes the true rate from :func:`true_fps`.

    1. The BVH files leave out the thorax bone, so that head and arms sit 12 cm too low: it comes from the
       subject's ASF file, or, where none is found, is as long as the bone below it, straight up.
    2. Rest poses in front of the movement are cut off.
    3. DAZ files then ease from the rest pose into the movement: held at the first clean frame.
    4. DAZ files have their root below the hips: a joint "pelvis" is added above these.
    """
    names = set(motion.skeleton.names)
    layout = next((layout for layout in LAYOUTS if layout.marks <= names), None)
    if layout is None and not names >= ASF_MARKS:
        return motion
    rate = (true_fps(path) if fps is None else None) or motion.fps
    motion = replace(motion, fps=rate)
    if layout is None:
        return motion
    if layout.thorax:
        motion = _with_thorax(motion, layout, path)
    rest = _rest_frames(motion, layout)
    if rest:
        motion = replace(motion, rotations=motion.rotations[rest:], translation=motion.translation[rest:])
        if layout.eases_in:
            motion = _held_until_clean(motion)
    return _with_pelvis(motion) if layout.low_root else motion


def true_fps(path: Path) -> float | None:
    """The rate at which CMU's trial in file ``path`` was taken; None where ``path`` is not named as a trial.

    From ``trials.csv`` or ``mapping.csv`` (columns trial, fps and perhaps source_file) in one of the three
    folders above the file; else from CMU's list in short: 60 for the trials named here, 120 for all others.
    """
    path = Path(path)
    trial = path.stem
    rate = None
    for folder in path.parents[:3]:
        for table in (folder / "trials.csv", folder / "mapping.csv"):
            if rate is None and table.is_file():
                rows = _rates(table, table.stat().st_mtime_ns)
                trial, rate = rows.get(path.name) or rows.get(trial) or (trial, None)
    if trial in TRIALS_AT_60:
        return 60.0
    if rate is not None:
        return rate
    match = re.fullmatch(r"(\d{1,3})_\d{1,3}", trial)
    return None if match is None else 60.0 if int(match[1]) in SUBJECTS_AT_60 else 120.0


MOST_BYTES = 4 << 20


@lru_cache(maxsize=8)
def _rates(table: Path, modified: int) -> dict[str, tuple[str, float]]:
    """Trial, and source file where the table names it -> trial and its rate. Of other tables, nothing."""
    try:
        if table.stat().st_size > MOST_BYTES:
            raise MotionaryError(f"{table}: is larger than {MOST_BYTES >> 20} MB; no list of trials is")
        return _rates_in(table)
    except csv.Error as error:
        raise MotionaryError(f"{table}: not CSV: {error}; correct it, or take it away") from None
    except OSError as error:
        raise MotionaryError(f"{table}: cannot be read: {error.strerror or error}") from None


def _rates_in(table: Path) -> dict[str, tuple[str, float]]:
    rates: dict[str, tuple[str, float]] = {}
    with table.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.DictReader(file)
        if not {"trial", "fps"} <= set(reader.fieldnames or ()):
            return {}
        for row in reader:
            if not row["fps"]:
                continue  # CMU's list leaves some out
            try:
                rate = float(row["fps"])
            except ValueError:
                rate = 0.0
            if not 1 <= rate <= 1000:
                raise MotionaryError(
                    f"{table}, line {reader.line_num}: fps must be empty or a number from 1 to 1000, found "
                    f"{row['fps'][:20]!r}; correct it"
                )
            for key in {row["trial"], row.get("source_file")} - {None, ""}:
                rates[str(key)] = (row["trial"], rate)
    return rates


def _with_thorax(motion: Motion, layout: Layout, path: Path) -> Motion:
    """The joints that hang from the thorax's end moved there, unless the file has them there already."""
    skeleton = motion.skeleton
    joint, *hanging = (skeleton.index(name) for name in layout.thorax)
    if np.any(skeleton.offsets[hanging]):
        return motion
    asf = asf_of_trial(path)
    bone = read_asf(asf).bone("thorax") if asf is not None else None
    length = float(np.linalg.norm(skeleton.offsets[joint]))
    offsets = skeleton.offsets.copy()
    offsets[hanging] = bone.vector if bone is not None else [0.0, length, 0.0]
    return replace(motion, skeleton=Skeleton(skeleton.names, skeleton.parents, offsets))


def _rest_frames(motion: Motion, layout: Layout) -> int:
    """How many frames in front are the rest pose: all up to the last one that a jump follows."""
    front = replace(motion, rotations=motion.rotations[:20], translation=motion.translation[:20])
    turned = 2 * np.degrees(np.arccos(np.clip(np.abs(front.rotations[..., 0]), 0, 1))).mean(axis=1)
    resting = np.logical_and.accumulate(turned <= layout.rest_angle)[:-1]
    return int(np.max(np.flatnonzero(resting & (_steps(front) > JUMP)), initial=-1)) + 1


def _steps(motion: Motion) -> NDArray[np.float64]:
    """Metres from each frame to the next, the mean of all joints: (T - 1,)."""
    positions, _ = forward_kinematics(motion)
    result: NDArray[np.float64] = np.linalg.norm(np.diff(positions, axis=0), axis=-1).mean(axis=1)
    return result


def _held_until_clean(motion: Motion) -> Motion:
    """The ease-in's frames replaced by the first after it: where the joints first stop slowing."""
    turns = motion.rotations[: LONGEST_EASE + 2]
    cosines = np.abs(np.sum(turns[1:] * turns[:-1], axis=-1))
    speed = np.arccos(np.clip(cosines, 0, 1)).mean(axis=1)
    clean = next((k for k in range(len(speed) - 1) if speed[k + 1] >= speed[k]), 0)
    rotations, translation = motion.rotations.copy(), motion.translation.copy()
    rotations[:clean], translation[:clean] = rotations[clean], translation[clean]
    return replace(motion, rotations=rotations, translation=translation)


def _with_pelvis(motion: Motion) -> Motion:
    """A joint "pelvis" more, fixed to the root."""
    skeleton = motion.skeleton
    if "pelvis" in skeleton.names:
        return motion
    hips = []
    for thigh in ("lThigh", "rThigh"):
        joint, place = skeleton.index(thigh), np.zeros(3)
        while joint > 0:
            place = place + skeleton.offsets[joint]
            joint = int(skeleton.parents[joint])
        hips.append(place)
    offset = np.mean(hips, axis=0) + np.array([0.0, PELVIS_ABOVE_HIPS, 0.0])
    still = np.broadcast_to(rotation.IDENTITY, (motion.frames, 1, 4))
    return replace(
        motion,
        skeleton=Skeleton(
            (*skeleton.names, "pelvis"),
            np.append(skeleton.parents, 0),
            np.concatenate([skeleton.offsets, offset[None]]),
        ),
        rotations=np.concatenate([motion.rotations, still], axis=1),
    )
