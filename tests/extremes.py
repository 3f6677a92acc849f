"""Motion files with absurd numbers, and what each step does with them: reading, indexing, search, captions,
applying to a character, exporting. scripts/measure_extremes.py writes the table of it, and
tests/backend/test_extremes.py holds it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from motionary import rotation
from motionary.bundle import ModelBundle
from motionary.captions.bank import Bank
from motionary.captions.caption import caption
from motionary.captions.grammar import sentences
from motionary.errors import MotionaryError
from motionary.formats import read_clip, write_bvh
from motionary.formats.bvh import read_bvh
from motionary.index import index_files
from motionary.library import clip_ids, load_clip, open_library
from motionary.motion import Motion, Skeleton, forward_kinematics
from motionary.retarget import retarget
from motionary.search import search, similar
from tests.backend.simulated_rig import character, probed
from tests.motions import standing, walk

STEPS = ("read", "index", "search", "captions", "apply", "export")
SENTENCES = 40
"""Of the captions' bank, which is quicker for it."""


@dataclass(frozen=True)
class Extreme:
    """make: writes the file whose path it is given, without suffix, and returns its path. refused: the first
    step that refuses it, and by which words; ("", "") where none does. slow: takes several seconds."""

    make: Callable[[Path], Path]
    refused: tuple[str, str] = ("", "")
    slow: bool = False


def bvh(motion: Motion, change: Callable[[str], str] = str) -> Callable[[Path], Path]:
    """A motion as a BVH file, its text changed."""

    def make(path: Path) -> Path:
        file = path.with_suffix(".bvh")
        write_bvh(motion, file)
        file.write_text(change(file.read_text()))
        return file

    return make


def npy(array: np.ndarray) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        np.save(path.with_suffix(".npy"), array)
        return path.with_suffix(".npy")

    return make


def first_number(text: str) -> Callable[[str], str]:
    """The first number of the second frame is another."""

    def change(file: str) -> str:
        head, _, rows = file.partition("Frame Time:")
        lines = rows.split("\n")
        lines[2] = f"{text} {lines[2].partition(' ')[2]}"
        return f"{head}Frame Time:{chr(10).join(lines)}"

    return change


def first_angle(text: str) -> Callable[[str], str]:
    """The fourth number of the second frame, an angle, is another."""

    def change(file: str) -> str:
        head, _, rows = file.partition("Frame Time:")
        lines = rows.split("\n")
        words = lines[2].split()
        words[3] = text
        lines[2] = " ".join(words)
        return f"{head}Frame Time:{chr(10).join(lines)}"

    return change


def offset(text: str) -> Callable[[str], str]:
    """The second joint's OFFSET is another."""
    return lambda file: re.sub(
        r"(OFFSET[^\n]*\n(?:.|\n)*?)OFFSET [^\n]*", rf"\g<1>OFFSET {text}", file, count=1
    )


def without_length(motion: Motion, ends: Callable[[str], bool]) -> Motion:
    """The bones that end in such joints have no length."""
    offsets = motion.skeleton.offsets.copy()
    offsets[[j for j, name in enumerate(motion.skeleton.names) if j and ends(name)]] = 0
    return replace(motion, skeleton=replace(motion.skeleton, offsets=offsets))


def with_more(motion: Motion, joints: int, *, in_a_row: bool = False) -> Motion:
    """As many joints in all, the others on the head, in a row or each by itself."""
    skeleton = motion.skeleton
    more = joints - len(skeleton.names)
    first, head = len(skeleton.names), skeleton.index("head")
    parents = [head, *range(first, first + more - 1)] if in_a_row else [head] * more
    still = np.broadcast_to(rotation.IDENTITY, (motion.frames, more, 4))
    return Motion(
        Skeleton(
            (*skeleton.names, *(f"hair{number}" for number in range(more))),
            np.array([*skeleton.parents, *parents]),
            np.concatenate([skeleton.offsets, np.tile([0.0, 0.001, 0.0], (more, 1))]),
        ),
        np.concatenate([motion.rotations, still], axis=1),
        motion.translation,
        motion.fps,
    )


def chain(joints: int) -> Motion:
    """Joints in a row, which are nobody."""
    skeleton = Skeleton(
        tuple(f"link{number}" for number in range(joints)),
        np.arange(joints) - 1,
        np.tile([0.0, 0.3, 0.0], (joints, 1)),
    )
    turns = np.broadcast_to(rotation.IDENTITY, (20, joints, 4))
    return Motion(skeleton, turns, np.zeros((20, 3)), 30.0)


def at_rate(fps: float, frames: int) -> Motion:
    """The walk, a frame a frame, at another rate."""
    motion = walk(frames / 30.0, 30.0)
    return replace(motion, fps=fps)


def joints(frames: int) -> np.ndarray:
    """A standing body as HumanML3D has it."""
    rng = np.random.default_rng(0)
    return rng.normal(0, 0.3, (1, 22, 3)).repeat(frames, axis=0).astype(np.float32)


def with_value(array: np.ndarray, value: float) -> np.ndarray:
    changed = array.copy()
    changed[(1, *(0,) * (array.ndim - 1))] = value
    return changed


NOT_A_NUMBER = "is not a number"
NOBODY = "no human body"

EXTREMES: dict[str, Extreme] = {
    "NaN in a frame": Extreme(bvh(walk(), first_number("nan")), ("read", NOT_A_NUMBER)),
    "infinity in a frame": Extreme(bvh(walk(), first_number("inf")), ("read", NOT_A_NUMBER)),
    "minus infinity, written 1e999": Extreme(bvh(walk(), first_number("-1e999")), ("read", NOT_A_NUMBER)),
    "NaN in a bone": Extreme(bvh(walk(), offset("0 nan 0")), ("read", "OFFSET needs three numbers")),
    "NaN as frame time": Extreme(
        bvh(walk(), lambda text: re.sub(r"Frame Time: \S+", "Frame Time: nan", text)),
        ("read", "Frame Time: must be"),
    ),
    "a root 1e308 cm away": Extreme(bvh(walk(), first_number("1e308")), ("index", "is no place in metres")),
    "a root 1e7 m away": Extreme(bvh(walk(), first_number("1e9")), ("index", "is no place in metres")),
    "a root 200 km away": Extreme(bvh(walk(), first_number("2e7")), ("index", "unit must be wrong")),
    "an angle of 1e300 degrees": Extreme(bvh(walk(), first_angle("1e300"))),
    "an angle of 1e-300 degrees": Extreme(bvh(walk(), first_angle("1e-300"))),
    "a bone of 1e300 cm": Extreme(bvh(walk(), offset("0 1e300 0"))),
    "NaN in joints, .npy": Extreme(npy(with_value(joints(30), np.nan)), ("read", NOT_A_NUMBER)),
    "infinity in features, .npy": Extreme(
        npy(with_value(np.zeros((30, 263), np.float32), np.inf)), ("read", NOT_A_NUMBER)
    ),
    "a forearm of no length": Extreme(bvh(without_length(walk(), lambda name: name == "left_wrist"))),
    "a spine of no length": Extreme(bvh(without_length(walk(), lambda name: name.startswith("spine")))),
    "legs of no length": Extreme(
        bvh(without_length(walk(), lambda name: name.endswith(("knee", "ankle", "foot"))))
    ),
    "no bone of any length": Extreme(bvh(without_length(walk(), lambda name: True))),
    "all joints in one place, .npy": Extreme(npy(np.zeros((30, 22, 3), np.float32))),
    "no frame": Extreme(
        bvh(walk(), lambda text: re.sub(r"Frames: \d+", "Frames: 0", text)), ("read", "count of 1 or more")
    ),
    "one frame": Extreme(bvh(standing(1)), ("index", "at least 2")),
    "one frame, .npy": Extreme(npy(joints(1)), ("index", "at least 2")),
    "two frames": Extreme(bvh(standing(2)), ("index", "at least 2")),
    "two frames at 20 a second": Extreme(bvh(standing(2, 20.0))),
    "0.1 frames a second": Extreme(bvh(at_rate(0.1, 6))),
    "1,000 frames a second": Extreme(bvh(at_rate(1000.0, 500))),
    "100 s a frame": Extreme(
        bvh(walk(), lambda text: re.sub(r"Frame Time: \S+", "Frame Time: 100", text)),
        ("read", "Frame Time: must be"),
    ),
    "100,000 frames a second": Extreme(
        bvh(walk(), lambda text: re.sub(r"Frame Time: \S+", "Frame Time: 0.00001", text)),
        ("read", "Frame Time: must be"),
    ),
    "3 joints": Extreme(bvh(chain(3)), ("index", NOBODY)),
    "3,000 joints in a row, nobody's": Extreme(bvh(chain(3000)), ("index", NOBODY), slow=True),
    "3,000 joints, a body among them": Extreme(bvh(with_more(walk(0.2), 3000))),
    "3,000 joints, most in a row on the head": Extreme(
        bvh(with_more(walk(0.5), 3000, in_a_row=True)), slow=True
    ),
}


@cache
def _target():
    return probed(character())


def steps(path: Path, folder: Path, bundle: ModelBundle) -> dict[str, str]:
    """What each step did with a file: "" where all went well, else why it was refused.

    Raises AssertionError where a step gave what is not finite, and whatever a step raises but MotionaryError.
    """
    told = dict.fromkeys(STEPS, "")
    library = folder / "numbers.motionary"
    try:
        motion = read_clip(path).motion
        told["read"] = _finite(motion.rotations, motion.translation, motion.skeleton.offsets)
    except MotionaryError as error:
        told["read"] = str(error)
    with open_library(library, write=True) as held:
        report = index_files([path], held, bundle, workers=1)
    told["index"] = " ".join(report.failures)
    if told["read"]:
        return told
    with open_library(library) as held:
        if clip_ids(held):
            found = search(held, bundle, "a person walks") + similar(held, clip_ids(held)[0])
            told["search"] = _finite([hit.score for hit in found], held.embeddings.vectors)
            motion = load_clip(held, clip_ids(held)[0]).motion

    def captioned() -> str:
        one = caption(motion, bundle, _bank(bundle))
        return "" if one.captions else "no caption"

    def applied() -> str:
        pose = retarget(motion, _target())
        return _finite(pose.rotations, pose.location)

    def exported() -> str:
        write_bvh(motion, folder / "again.bvh")
        again = read_bvh(folder / "again.bvh", unit=0.01, fps=motion.fps)
        ours, theirs = (forward_kinematics(each)[0] for each in (motion, again))
        names = [motion.skeleton.index(name) for name in again.skeleton.names]
        size = max(1.0, float(np.abs(ours).max()))
        return "" if np.allclose(ours[:, names], theirs, atol=1e-5 * size) else "other places"

    for name, step in (("captions", captioned), ("apply", applied), ("export", exported)):
        try:
            told[name] = step()
        except MotionaryError as error:
            told[name] = str(error)
    return told


def _bank(bundle: ModelBundle) -> Bank:
    chosen = tuple(sentences())[:SENTENCES]
    return Bank(chosen, bundle.embed_texts([each.text for each in chosen]), bundle.id)


def _finite(*arrays: object) -> str:
    for array in arrays:
        assert np.isfinite(np.asarray(array, np.float64)).all()
    return ""
