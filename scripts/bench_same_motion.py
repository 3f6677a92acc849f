"""Is a motion found again, whatever rig, rate, size and heading it comes in?

    python scripts/bench_same_motion.py --data ../shared/data --markdown docs/model.md

Captioned CMU clips are read from BVH, changed (size, heading, rate, in place), read from AMC where the trial
is there as both, and applied to every sample rig and to mesh2motion's characters and read back as Blender
shows them. A row tells how near these come to the clip as it was: the cosine of their embeddings, and how far
they move its rank, among all captioned clips, for its own captions. This measures the common body
(``motionary.common_body``); ``--own-joints`` has the features of each rig's own joints, to compare with.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from blender_addon.apply import apply_motion  # noqa: E402
from blender_addon.armature import current_scene  # noqa: E402
from blender_addon.read_action import read_motion  # noqa: E402
from motionary import rotation  # noqa: E402
from motionary.body import body_positions  # noqa: E402
from motionary.bundle import ModelBundle, load_bundle  # noqa: E402
from motionary.errors import MotionaryError  # noqa: E402
from motionary.features import FPS, features_from_joints, motion_features  # noqa: E402
from motionary.formats import read_clip  # noqa: E402
from motionary.motion import Motion, Skeleton, resample, slice_frames  # noqa: E402
from motionary_training.sources.cuts import Cut  # noqa: E402
from scripts.bench_retarget import AS_RECORDED, rigs, unposed, write_markdown  # noqa: E402
from scripts.captioned_cmu import captioned_clips  # noqa: E402
from scripts.data_options import data_parser  # noqa: E402
from scripts.sample_rigs import clear_file, update_view  # noqa: E402

Floats: TypeAlias = NDArray[np.floating]
Change: TypeAlias = Callable[[Motion], Motion]

NEAR = 0.95
"""The cosine that a motion read again is to have with itself."""


@dataclass(frozen=True)
class Clip:
    """A captioned stretch of a motion file, at 20 frames a second, and its number in the gallery."""

    cut: Cut
    motion: Motion
    number: int


@dataclass(frozen=True)
class Row:
    """One way that motions come in. moved: ranks, up or down, for each caption; first: whether the clip as it
    was is what a search by the motion finds first."""

    name: str
    cosines: NDArray[np.float64]
    moved: NDArray[np.int64]
    first: NDArray[np.bool_]


def turned(motion: Motion, angle: float) -> Motion:
    """About the vertical, by radians."""
    turn = rotation.from_axis_angle([0.0, 1.0, 0.0], angle)
    rotations = motion.rotations.copy()
    rotations[:, 0] = rotation.multiply(turn, rotations[:, 0])
    return replace(motion, rotations=rotations, translation=rotation.rotate(turn, motion.translation))


def scaled(motion: Motion, size: float) -> Motion:
    skeleton = motion.skeleton
    skeleton = Skeleton(skeleton.names, skeleton.parents, size * skeleton.offsets)
    return replace(motion, skeleton=skeleton, translation=size * motion.translation)


def in_place(motion: Motion) -> Motion:
    """Without its way over the ground, as clips for games are."""
    return replace(motion, translation=motion.translation * [0, 1, 0] + motion.translation[0] * [1, 0, 1])


CHANGES: dict[str, Change] = {
    "half the size": lambda motion: scaled(motion, 0.5),
    "twice the size": lambda motion: scaled(motion, 2.0),
    "turned by 137 degrees": lambda motion: turned(motion, np.radians(137.0)),
    **{
        f"{fps} frames a second": (lambda motion, fps=fps: resample(motion, fps)) for fps in (24, 30, 60, 120)
    },
    "in place": in_place,
}


def on_rigs(data: Path, chosen: Sequence[Clip], folder: Path) -> Iterator[tuple[str, list[Motion]]]:
    """Each rig with the clips as they are read back from it."""
    for name, rig in rigs(data, folder):
        clear_file()
        armature = rig.make()
        scene = current_scene()
        scene.render.fps, scene.render.fps_base = round(FPS), 1.0
        update_view()
        read = []
        for clip in chosen:
            unposed(armature)
            apply_motion(armature, clip.motion, clip.cut.id, AS_RECORDED)
            start = scene.frame_start
            read.append(read_motion(armature, start, start + clip.motion.frames - 1))
        yield name, read


def from_amc(chosen: Sequence[Clip]) -> tuple[list[Clip], list[Motion]]:
    """The clips whose trial is there as AMC and ASF too, and how these files tell them."""
    found, motions = [], []
    for clip in chosen:
        for file in clip.cut.file.parents[1].rglob(f"{clip.cut.trial}.amc"):
            if file == clip.cut.file:
                continue
            try:
                whole = resample(read_clip(file).motion, FPS)
                motions.append(slice_frames(whole, clip.cut.start, clip.cut.start + clip.motion.frames))
            except MotionaryError:  # 01_01.amc holds the marks of a git conflict
                continue
            found.append(clip)
    return found, motions


def embedded(model: ModelBundle, motions: Sequence[Motion], own_joints: bool) -> Floats:
    """Unit vectors (N, D)."""
    if not own_joints:
        return model.embed_features([motion_features(motion) for motion in motions])
    every = [resample(motion, FPS) for motion in motions]
    return model.embed_features([features_from_joints(body_positions(motion)) for motion in every])


def compared(
    name: str, chosen: Sequence[Clip], again: Floats, gallery: Floats, asked: Sequence[Floats]
) -> Row:
    """A row, of embeddings (N, D) of the chosen clips ``again``. asked: (C, D) of a clip's captions."""
    cosines, moved, first = [], [], []
    for clip, vector in zip(chosen, again, strict=True):
        own = gallery[clip.number]
        cosines.append(float(own @ vector))
        first.append(int(np.argmax(gallery @ vector)) == clip.number)
        others = np.delete(gallery, clip.number, axis=0) @ asked[clip.number].T
        before, now = ((others > vectors @ asked[clip.number].T).sum(axis=0) for vectors in (own, vector))
        moved += (now - before).tolist()
    return Row(name, np.array(cosines), np.array(moved), np.array(first))


def table(rows: Sequence[Row]) -> str:
    lines = [
        f"| read again | clips | cosine | lowest | at least {NEAR} | ranks moved, median | 9 of 10 within "
        "| finds itself first |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        far, near = np.abs(row.moved), 100 * (row.cosines >= NEAR).mean()
        lines.append(
            f"| {row.name} | {len(row.cosines)} | {row.cosines.mean():.3f} | {row.cosines.min():.3f} "
            f"| {near:.0f} % | {np.median(far):.0f} | {np.quantile(far, 0.9):.0f} "
            f"| {100 * row.first.mean():.0f} % |"
        )
    return "\n".join(lines)


def measured(options: argparse.Namespace, folder: Path) -> list[Row]:
    model = load_bundle(options.model)
    cuts, motions = captioned_clips(options.data, options.cache)
    every = [Clip(cut, motion, i) for i, (cut, motion) in enumerate(zip(cuts, motions, strict=True))]
    chosen = [every[i] for i in np.unique(np.linspace(0, len(every) - 1, options.clips).astype(int))]
    gallery = embedded(model, motions, options.own_joints)
    captions = model.embed_texts([caption for cut in cuts for caption in cut.captions])
    asked = np.split(captions, np.cumsum([len(cut.captions) for cut in cuts])[:-1])

    def row(name: str, of: Sequence[Clip], again: Sequence[Motion]) -> Row:
        made = compared(name, of, embedded(model, again, options.own_joints), gallery, asked)
        print(f"{name}: {made.cosines.mean():.3f}", file=sys.stderr)
        return made

    rows = [row(name, chosen, [change(clip.motion) for clip in chosen]) for name, change in CHANGES.items()]
    twice, from_both = from_amc(every)
    if twice:
        rows.append(row("AMC and ASF, for BVH", twice, from_both))
    rows += [row(name, chosen, again) for name, again in on_rigs(options.data, chosen, folder)]
    return rows


def main(arguments: Sequence[str]) -> int:
    parser = data_parser(__doc__)
    parser.add_argument("--cache", type=Path, default=Path("build/cache"), help="folder of what is unpacked")
    parser.add_argument("--model", type=Path, help="a model bundle other than the built-in one")
    parser.add_argument("--clips", type=int, default=40, help="how many clips go through every change (40)")
    parser.add_argument("--own-joints", action="store_true", help="without the common body, to compare")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table into this page too")
    options = parser.parse_args(arguments)
    with redirect_stdout(sys.stderr), tempfile.TemporaryDirectory() as name:
        text = table(measured(options, Path(name)))
    if options.markdown is not None:
        write_markdown(options.markdown, text)
    print(text)
    return 0


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 2
    except BaseException:
        traceback.print_exc()
        code = 1
    # Not sys.exit: Blender 4.5's module, once Rigify was enabled, hangs for ever in its destructors.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
