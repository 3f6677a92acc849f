"""The starter library: human motions made by our own code, so that there is something to find on day one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from motionary import rotation
from motionary.captions_csv import NAME as CAPTIONS
from motionary.captions_csv import Said, write_captions
from motionary.errors import MotionaryError
from motionary.formats.bvh import write_bvh
from motionary.motion import Clip, Motion, slice_frames
from motionary.starter.body import Build, performer
from motionary.starter.catalogue import Entry, Part, entries
from motionary.starter.gait import Gait, go, whole_cycles
from motionary.starter.jump import jump
from motionary.starter.keyframes import Move, alive, keyed, layer, retime, then
from motionary.starter.pose import REST, Controls, Take, solve

__all__ = ["FPS", "Manner", "perform", "starter_clips", "starter_variants", "write_starter"]

FPS = 30.0
SOURCE = "motionary starter"


@dataclass(frozen=True)
class Manner:
    """How an entry is performed; the default is the library's own way.

    pace: of everything (flights too: 1 is a true fall). stride: length of steps. reach: size of arm, trunk
    and head movements. lopsided: how much further the left arm reaches than the right. posture: degrees
    added to spine and head. noise: how restless. wander: the part of its pace by which the tempo wanders
    within a clip. seed: of the noise and the wandering.
    """

    pace: float = 1.0
    stride: float = 1.0
    reach: float = 1.0
    lopsided: float = 0.0
    spine: tuple[float, float, float] = (0.0, 0.0, 0.0)
    head: tuple[float, float, float] = (0.0, 0.0, 0.0)
    noise: float = 1.0
    wander: float = 0.0
    build: Build = field(default_factory=Build)
    seed: int = 0


def starter_clips() -> list[Clip]:
    """The library: every entry of the catalogue once, 30 frames a second, always the same."""
    return [_clip(entry, perform(entry, Manner(seed=i)).motion) for i, entry in enumerate(entries())]


def starter_variants(seed: int, per_clip: int) -> list[Clip]:
    """``per_clip`` random variations of every entry, for training: other paces, strides, postures, bodies.

    The same seed gives the same clips. Names are the entry's with ``_v0``, ``_v1`` and so on; captions and
    tags are the entry's.
    """
    clips = []
    for i, entry in enumerate(entries()):
        rng = np.random.default_rng((seed, i))
        for k in range(per_clip):
            clip = _clip(entry, perform(entry, _random_manner(rng)).motion)
            clips.append(replace(clip, name=f"{entry.name}_v{k}"))
    return clips


def write_starter(folder: Path) -> list[Path]:
    """Write NAME.bvh for every starter clip and captions.csv; the BVH files, in the library's order.

    MotionaryError where the folder does not take them.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MotionaryError(f"{folder}: cannot be made ({error.strerror}); choose another folder") from None
    said, paths = [], []
    for clip in starter_clips():
        path = folder / f"{clip.name}.bvh"
        write_bvh(clip.motion, path)
        paths.append(path)
        said.append((path.name, Said(clip.captions, clip.tags)))
    write_captions(folder / CAPTIONS, said)
    return paths


def perform(entry: Entry, manner: Manner | None = None) -> Take:
    """The Take of one entry, performed in a manner."""
    manner = manner or Manner()
    controls = then(*(_part(part, manner) for part in entry.parts))
    if entry.over is not None:
        controls = layer(controls, _part(entry.over, manner), entry.controls, entry.at)
    loop = next((part for part in entry.parts if isinstance(part, Gait) and part.looped), None)
    if loop is None:  # chance would not meet itself where a loop closes
        controls = alive(controls, np.random.default_rng(manner.seed), manner.noise)
    # A loop keeps its beat; so does who is seen at the library's own pace.
    tempo = np.random.default_rng((manner.seed, 1)) if manner.wander and loop is None else None
    controls = retime(_styled(controls, manner), manner.pace, FPS, manner.wander, tempo)
    take = solve(controls, performer(manner.build), FPS)
    if loop is not None:
        start, end = (round(at / manner.pace * FPS) for at in whole_cycles(loop))
        middle = slice_frames(take.motion, start, end + 1)
        begin = middle.translation[0] * (1.0, 0.0, 1.0)
        take = Take(replace(middle, translation=middle.translation - begin), take.contacts[start : end + 1])
    return _mirror(take) if entry.mirrored else take


def _part(part: Part, manner: Manner) -> Controls:
    if isinstance(part, Gait):
        reach = manner.stride
        return go(
            replace(part, speed=part.speed * reach, side=part.side * reach, arms=part.arms * manner.reach)
        )
    if isinstance(part, Move):
        return keyed(part.duration, part.keys)
    return jump(part)


def _styled(controls: Controls, manner: Manner) -> Controls:
    """Larger or smaller movements of arms, trunk and head, about a posture. The feet stay where they are."""
    styled = dict(controls)
    aside = 1 + manner.lopsided / 2
    for name, more in (("spine", 1.0), ("head", 1.0), ("hand_l", aside), ("hand_r", 2 - aside)):
        rest = np.array(REST[name])
        styled[name] = rest + (controls[name] - rest) * (manner.reach * more)
    styled["spine"] = styled["spine"] + manner.spine
    styled["head"] = styled["head"] + manner.head
    return styled


def _random_manner(rng: np.random.Generator) -> Manner:
    return Manner(
        pace=float(rng.uniform(0.82, 1.2)),
        stride=float(rng.uniform(0.85, 1.12)),
        reach=float(rng.uniform(0.82, 1.12)),
        spine=(float(rng.normal(0, 3)), float(rng.normal(0, 2)), float(rng.normal(0, 2))),
        head=(float(rng.normal(0, 4)), float(rng.normal(0, 3)), float(rng.normal(0, 4))),
        noise=float(rng.uniform(0.6, 2.2)),
        build=Build(*(float(x) for x in rng.normal(1, (0.06, 0.03, 0.03, 0.05)))),
        seed=int(rng.integers(2**31)),
        lopsided=float(rng.normal(0, 0.06)),
        wander=float(rng.uniform(0, 0.25)),
    )


def _mirror(take: Take) -> Take:
    """Left for right: the reflection in the plane X = 0 of a body that is symmetric."""
    names = take.motion.skeleton.names
    swap = {"left": "right", "right": "left"}
    other = [
        names.index(swap[side] + name[len(side) :]) if (side := name.split("_")[0]) in swap else i
        for i, name in enumerate(names)
    ]
    rotations = take.motion.rotations[:, other] * (1.0, 1.0, -1.0, -1.0)
    motion = replace(
        take.motion,
        rotations=rotation.continuous(rotations),
        translation=take.motion.translation * (-1.0, 1.0, 1.0),
    )
    return Take(motion, take.contacts[:, ::-1])


def _clip(entry: Entry, motion: Motion) -> Clip:
    return Clip(entry.name, motion, SOURCE, entry.captions, entry.tags)
