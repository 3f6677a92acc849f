"""How exactly and how quickly a clip is applied to many rigs, beside the usual way in the same run.

    python scripts/bench_retarget.py                           # a table, a row for each rig and clip
    python scripts/bench_retarget.py --rigs VRM Unreal --frames 60 --json
    python scripts/bench_retarget.py --markdown docs/retargeting.md --pictures docs/retargeting

Everything is measured on the bones that deform, as Blender evaluates the rig, on every frame. Directions are
those of thighs, shins, upper arms and forearms, against the performer's; the pelvis is the middle of the
hips, its way against the performer's by leg length. Feet slide by the way over the ground of what stands (the
heel where the source's heel is down, the ball where only that is), a second of contact. Lengths are those on
a character whose legs are 85 cm long. Direction and pelvis are measured with feet left alone, as planting
bends legs on purpose; the seconds are those of a whole application with feet planted, its own checks
included. Of ours and of the usual way the quicker of two runs counts.

The usual way is what Rokoko's and similar add-ons do: a bone with the control's rest orientation hangs from
each bone of a source armature that carries the clip; the control copies its rotation in world space (the hips
its location too, the source scaled by leg length), and `nla.bake` bakes the controls visually and clears the
constraints. Rest poses are taken as they are, and again, at its fairest, aligned limb by limb beforehand as
an animator would pose them by hand, which costs it no time here.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
import traceback
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeAlias

# What Blender's C code prints goes to stderr, from its import on: stdout is for the result.
if __name__ == "__main__":
    sys.stdout = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))
if find_spec("motionary") is None:
    sys.path.insert(0, str(ROOT / "backend"))

from blender_addon.apply import apply_motion  # noqa: E402
from blender_addon.armature import current_scene, find_armature, flip_switches  # noqa: E402
from blender_addon.options import ApplyOptions  # noqa: E402
from blender_addon.preview import render_poses  # noqa: E402
from blender_addon.rig_choice import find_rig_map  # noqa: E402
from blender_addon.scenes import open_scene  # noqa: E402
from blender_addon.verify import frames_shown  # noqa: E402
from motionary import rotation  # noqa: E402
from motionary.body import JOINTS, body_positions  # noqa: E402
from motionary.contacts import foot_contacts  # noqa: E402
from motionary.edits import Edit, edit  # noqa: E402
from motionary.errors import MotionaryError  # noqa: E402
from motionary.formats import read_clip  # noqa: E402
from motionary.formats.bvh import write_bvh  # noqa: E402
from motionary.motion import Motion, resample, rest_positions, slice_frames  # noqa: E402
from motionary.retarget import TO_BLENDER, source_joints  # noqa: E402
from motionary.rig_solve import rig_bones  # noqa: E402
from motionary.rigs import NEXT, PARENTS, RigMap  # noqa: E402
from motionary.stance import SIDES  # noqa: E402
from motionary.starter import starter_clips  # noqa: E402
from scripts.sample_rigs import SAMPLES, SampleRig, clear_file, update_view  # noqa: E402

Floats: TypeAlias = NDArray[np.float64]
Places: TypeAlias = Mapping[str, Floats]
"""Joint -> where it is (T, 3) in Blender's world."""

FPS = 30.0
LEG_CM = 85.0
WALK, CMU_WALK = "walk_forward", "cmu/bvh/02_01.bvh"
CHARACTERS = ("male", "female", "zombie", "bunny", "sintel", "sophia")
LIMBS = (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))

AS_RECORDED = ApplyOptions(keep_place=True, plant_feet=False, floor=False)
PLANTED = ApplyOptions(keep_place=True)

PICTURED, PICTURED_CLIP, POSES = (
    ("Rigify human", "Mixamo", "Unreal", "MPFB", "Auto-Rig Pro", "CMU BVH"),
    "front_kick_right",
    6,
)


@dataclass(frozen=True)
class Row:
    """A clip on a rig. Degrees, centimetres, centimetres a second of contact, and seconds."""

    rig: str
    bones: int
    clip: str
    frames: int
    mean_error: float
    max_error: float
    pelvis: float
    source_slide: float
    slide_before: float
    slide_after: float
    seconds: float
    usual_max_error: float
    usual_max_error_aligned: float
    usual_seconds: float

    @property
    def times_as_quick(self) -> float:
        """Ours beside the usual way."""
        return self.usual_seconds / self.seconds


# What is measured


def performer(motion: Motion) -> dict[str, Floats]:
    positions = rotation.rotate(TO_BLENDER, body_positions(motion))
    return {joint: positions[:, i] for i, joint in enumerate(JOINTS)}


def heads(
    armature: bpy.types.Object, joints: Mapping[str, str], start: int, frames: int
) -> dict[str, Floats]:
    shown = frames_shown(armature, list(joints.values()), range(start, start + frames))
    return {joint: shown[:, i, :3, 3] for i, joint in enumerate(joints)}


def leg(at: Places) -> float:
    """Hip to knee to ankle, both sides' mean, in the first frame."""
    ends = [(f"{side}_{a}", f"{side}_{b}") for side in SIDES for a, b in LIMBS[:2]]
    return float(sum(np.linalg.norm(at[a][0] - at[b][0]) for a, b in ends)) / 2


def resting(armature: bpy.types.Object, joints: Mapping[str, str]) -> dict[str, Floats]:
    """Joint -> where its bone's head is at rest, (1, 3)."""
    assert isinstance(armature.data, bpy.types.Armature)
    world, bones = armature.matrix_world, armature.data.bones
    return {joint: np.array([world @ bones[bone].head_local]) for joint, bone in joints.items()}


def direction_errors(shown: Places, asked: Places) -> Floats:
    """Degrees (L, T) between the limbs' directions."""
    angles = []
    for side in SIDES:
        for a, b in LIMBS:
            off = rotation.between(*(at[f"{side}_{b}"] - at[f"{side}_{a}"] for at in (shown, asked)))
            angles.append(np.degrees(np.linalg.norm(rotation.to_rotvec(off), axis=-1)))
    return np.array(angles)


def pelvis_error(shown: Places, own_leg: float, asked: Places, their_leg: float) -> float:
    """The largest distance between the ways of the hips, in centimetres."""
    ways = []
    for at, length in ((shown, own_leg), (asked, their_leg)):
        middle = (at["left_hip"] + at["right_hip"]) / 2
        ways.append((middle - middle[0]) / length * LEG_CM)
    return float(np.linalg.norm(ways[0] - ways[1], axis=-1).max())


def foot_slide(at: Places, leg: float, standing: NDArray[np.bool_], fps: float) -> float:
    """Centimetres a second of contact."""
    way = frames = 0.0
    for number, side in enumerate(SIDES):
        heel, ball = standing[:, number, 0], standing[:, number, 1]
        for joint, down in (("ankle", heel), ("foot", ball & ~heel)):
            both = down[1:] & down[:-1]
            steps = np.linalg.norm(np.diff(at[f"{side}_{joint}"][:, :2], axis=0), axis=-1)
            way, frames = way + float(steps[both].sum()), frames + float(both.sum())
    return way / leg * LEG_CM * fps / frames if frames else 0.0


# Ours and the usual way


def bench(armature: bpy.types.Object, joints: Mapping[str, str], rig: str, clip: str, motion: Motion) -> Row:
    """``motion``, in the scene's frame rate, on one rig."""
    asked, standing = performer(motion), foot_contacts(motion).standing
    start = current_scene().frame_start
    own_leg, their_leg = leg(resting(armature, joints)), leg(asked)

    def applied(options: ApplyOptions) -> tuple[dict[str, Floats], float]:
        unposed(armature)
        began = time.perf_counter()
        apply_motion(armature, motion, clip, options)
        seconds = time.perf_counter() - began
        return heads(armature, joints, start, motion.frames), seconds

    free, _ = applied(AS_RECORDED)
    planted, seconds = min((applied(PLANTED) for _ in range(2)), key=itemgetter(1))

    def usual(align: bool) -> tuple[Floats, float]:
        unposed(armature)
        taken = bake_usual(armature, motion, own_leg / their_leg, align=align)
        return direction_errors(heads(armature, joints, start, motion.frames), asked), taken

    (as_they_are, once), (aligned, again) = usual(align=False), usual(align=True)
    unposed(armature)
    errors = direction_errors(free, asked)
    assert isinstance(armature.data, bpy.types.Armature)
    return Row(
        rig=rig,
        bones=len(armature.data.bones),
        clip=clip,
        frames=motion.frames,
        mean_error=float(errors.mean()),
        max_error=float(errors.max()),
        pelvis=pelvis_error(free, own_leg, asked, their_leg),
        source_slide=foot_slide(asked, their_leg, standing, motion.fps),
        slide_before=foot_slide(free, own_leg, standing, motion.fps),
        slide_after=foot_slide(planted, own_leg, standing, motion.fps),
        seconds=seconds,
        usual_max_error=float(as_they_are.max()),
        usual_max_error_aligned=float(aligned.max()),
        usual_seconds=min(once, again),
    )


def unposed(armature: bpy.types.Object) -> None:
    """The rest pose again, without an Action; drivers and switches stay."""
    if armature.animation_data:
        armature.animation_data.action = None
    assert armature.pose is not None
    for bone in armature.pose.bones:
        bone.matrix_basis = Matrix.Identity(4)
    update_view()


def bake_usual(armature: bpy.types.Object, motion: Motion, scale: float, *, align: bool) -> float:
    """Seconds that the usual way takes from the source armature on; its Action is left assigned."""
    rig = find_rig_map(armature)
    flip_switches(armature, rig)
    source = import_source(motion, scale)
    began = time.perf_counter()
    pairs = hang_controls(source, armature, rig, motion, align=align)
    assert armature.pose is not None
    for control, helper in pairs.items():
        bone = armature.pose.bones[control]
        for kind in ("COPY_ROTATION", "COPY_LOCATION"):
            if kind == "COPY_ROTATION" or control == rig.joints["pelvis"][0]:
                constraint: Any = bone.constraints.new(kind)
                constraint.target, constraint.subtarget = source, helper
    select_only(armature, pairs)
    scene = current_scene()
    bpy.ops.object.mode_set(mode="POSE")
    bpy.ops.nla.bake(
        frame_start=scene.frame_start,
        frame_end=scene.frame_start + motion.frames - 1,
        only_selected=True,
        visual_keying=True,
        clear_constraints=True,
        use_current_action=False,
        bake_types={"POSE"},
    )
    bpy.ops.object.mode_set(mode="OBJECT")
    seconds = time.perf_counter() - began
    bpy.data.objects.remove(source)
    return seconds


def import_source(motion: Motion, scale: float) -> bpy.types.Object:
    """The clip as an armature with an Action, as Blender's BVH importer makes it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "source.bvh"
        write_bvh(motion, path)
        frame = current_scene().frame_start
        bpy.ops.import_anim.bvh(filepath=str(path), global_scale=0.01 * scale, frame_start=frame)
    source = bpy.context.object
    assert source is not None
    return source


def hang_controls(
    source: bpy.types.Object, armature: bpy.types.Object, rig: RigMap, motion: Motion, *, align: bool
) -> dict[str, str]:
    """Control -> the new bone of ``source`` that turns as it should; align: limb by limb, at rest."""
    assert isinstance(armature.data, bpy.types.Armature)
    assert isinstance(source.data, bpy.types.Armature)
    theirs = source_joints(motion.skeleton)
    at_rest = rotation.rotate(TO_BLENDER, rest_positions(motion.skeleton))
    ours = resting(armature, {joint: bones[0] for joint, bones in rig.joints.items()})

    def aligned(joint: str) -> Floats:
        tip = NEXT.get(joint, "")
        limb = joint.endswith(("shoulder", "elbow", "hip", "knee"))
        if not align:
            return rotation.IDENTITY
        if limb and tip in ours and tip in theirs:
            direction = at_rest[theirs[tip][0]] - at_rest[theirs[joint][0]]
            return rotation.between((ours[tip] - ours[joint])[0], direction)
        return aligned(PARENTS[joint]) if joint in PARENTS else rotation.IDENTITY

    world = armature.matrix_world
    rests = {bone: world @ armature.data.bones[bone].matrix_local for bone, _, _ in rig_bones(rig)}
    helpers = {}
    layer = bpy.context.view_layer
    assert layer is not None
    layer.objects.active = source
    bpy.ops.object.mode_set(mode="EDIT")
    for control, joint, place in rig_bones(rig):
        if joint not in theirs:
            continue
        listed, count = theirs[joint], len(rig.joints[joint])
        carrier = listed[-(-(place + 1) * len(listed) // count) - 1]
        parent = source.data.edit_bones[motion.skeleton.names[carrier]]
        turn = rotation.multiply(aligned(joint), np.array(rests[control].to_quaternion()))
        helper = source.data.edit_bones.new(f"to {control}")
        helper.length = 0.1
        matrix = np.eye(4)
        matrix[:3, :3] = rotation.to_matrix(turn)
        matrix[:3, 3] = source.matrix_world @ parent.head
        helper.matrix = source.matrix_world.inverted() @ Matrix(matrix.tolist())
        helper.parent = parent
        helpers[control] = helper.name
    bpy.ops.object.mode_set(mode="OBJECT")
    return helpers


def select_only(armature: bpy.types.Object, names: Mapping[str, str]) -> None:
    """Make ``armature`` active and the only one selected, and of its bones those in ``names``."""
    layer = bpy.context.view_layer
    assert layer is not None
    for item in layer.objects:
        item.select_set(item == armature)
    layer.objects.active = armature
    assert armature.pose is not None
    for bone in armature.pose.bones:
        # Blender 5 keeps the selection with the pose.
        selected: Any = bone if hasattr(bone, "select") else bone.bone
        selected.select = bone.name in names


# What it is measured on


def rigs(data: Path, folder: Path) -> Iterator[tuple[str, SampleRig]]:
    """The sample rigs and, where their file is, mesh2motion's characters."""
    yield from SAMPLES.items()
    archive = data / "mesh2motion.zip"
    if not archive.is_file():
        print(f"mesh2motion's characters are skipped: {archive} is not there", file=sys.stderr)
        return
    for name in CHARACTERS:
        yield f"mesh2motion {name}", SampleRig(character(archive, name, folder), SAMPLES["Unreal"].joints)


def character(archive: Path, name: str, folder: Path) -> Callable[[], bpy.types.Object]:
    def make() -> bpy.types.Object:
        with zipfile.ZipFile(archive) as opened:
            open_scene(Path(opened.extract(f"mesh2motion/human-{name}.glb", folder)))
        return find_armature()

    return make


def clips(file: Path | None, data: Path, frames: int, folder: Path) -> Iterator[tuple[str, Motion]]:
    """The clip in ``file``, or the starter's walk and, where there is one, CMU's, repeated to length."""
    if file is not None:
        clip = read_clip(file)
        yield clip.name, lasting(clip.motion, frames)
        return
    yield WALK, lasting(next(clip.motion for clip in starter_clips() if clip.name == WALK), frames)
    archive = data / "cmu_mocap.zip"
    if archive.is_file():
        with zipfile.ZipFile(archive) as opened:
            clip = read_clip(Path(opened.extract(CMU_WALK, folder)))
        yield f"CMU {clip.name}", lasting(clip.motion, frames)
    else:
        print(f"CMU's walk is skipped: {archive} is not there", file=sys.stderr)


def lasting(motion: Motion, frames: int) -> Motion:
    """``motion`` in FPS, repeated and cut to ``frames``."""
    motion = resample(motion, FPS)
    if motion.frames < frames:
        # A blend shortens the copies: one more than their number is enough for what it takes.
        motion = edit(motion, Edit(repeat=-(-frames // motion.frames) + 1))
    return slice_frames(motion, 0, min(frames, motion.frames))


def fresh(rig: SampleRig) -> bpy.types.Object:
    clear_file()
    armature = rig.make()
    scene = current_scene()
    scene.render.fps, scene.render.fps_base = round(FPS), 1.0
    update_view()
    return armature


# What is shown

COLUMNS: dict[str, Callable[[Row], str]] = {
    "rig": lambda row: row.rig,
    "bones": lambda row: str(row.bones),
    "clip": lambda row: row.clip,
    "direction mean °": lambda row: f"{row.mean_error:.3f}",
    "max °": lambda row: f"{row.max_error:.3f}",
    "pelvis cm": lambda row: f"{row.pelvis:.3f}",
    "slide source cm/s": lambda row: f"{row.source_slide:.2f}",
    "free": lambda row: f"{row.slide_before:.2f}",
    "planted": lambda row: f"{row.slide_after:.2f}",
    "s": lambda row: f"{row.seconds:.2f}",
    "usual max °": lambda row: f"{row.usual_max_error:.2f}",
    "aligned": lambda row: f"{row.usual_max_error_aligned:.2f}",
    "usual s": lambda row: f"{row.usual_seconds:.2f}",
    "times as quick": lambda row: f"{row.times_as_quick:.1f}",
}


def table(rows: Sequence[Row]) -> str:
    """A Markdown table, its columns in line so that it reads on a terminal too."""
    cells = [list(COLUMNS), *([show(row) for show in COLUMNS.values()] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(COLUMNS))]
    rule = [
        "-" * width if name in ("rig", "clip") else "-" * (width - 1) + ":"
        for name, width in zip(COLUMNS, widths, strict=True)
    ]
    lines = []
    for line in [cells[0], rule, *cells[1:]]:
        padded = [
            cell.ljust(width) if name in ("rig", "clip") else cell.rjust(width)
            for cell, width, name in zip(line, widths, COLUMNS, strict=True)
        ]
        lines.append(f"| {' | '.join(padded)} |")
    return "\n".join(lines)


def where() -> str:
    return f"Blender {bpy.app.version_string}, Python {platform.python_version()}, {processor()}"


def processor() -> str:
    try:
        named = [
            line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")
        ]
    except OSError:
        named = []
    return f"{os.cpu_count()} × {named[0].partition(': ')[2] if named else platform.machine()}"


BEGIN, END = "<!-- measured: written by the command -->", "<!-- /measured -->"


def write_markdown(path: Path, text: str) -> None:
    """Put ``text`` between the two marks in the file ``path``; MotionaryError where they are not there."""
    page = path.read_text(encoding="utf-8") if path.is_file() else ""
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        raise MotionaryError(
            f"{path}: there is no line {BEGIN} with {END} after it to write the table between"
        )
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    path.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def draw(folder: Path) -> None:
    """A clip on six rigs, a picture each, drawn on the bones that deform."""
    folder.mkdir(parents=True, exist_ok=True)
    motion = resample(next(c.motion for c in starter_clips() if c.name == PICTURED_CLIP), FPS)
    for name in PICTURED:
        armature, joints = fresh(SAMPLES[name]), SAMPLES[name].joints
        applied = apply_motion(armature, motion, PICTURED_CLIP)
        rig = find_rig_map(armature)
        drawn = replace(rig, joints={**rig.joints, **{joint: (bone,) for joint, bone in joints.items()}})
        span = applied.frame_end - applied.frame_start
        frames = [applied.frame_start + round(span * i / (POSES - 1)) for i in range(POSES)]
        path = folder / f"{name.lower().replace(' ', '_').replace('-', '_')}.png"
        render_poses(armature, path, frames, rig=drawn)
        print(path, file=sys.stderr)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rigs", nargs="+", metavar="NAME", help="only these")
    parser.add_argument("--frames", type=int, default=300, help="length of a clip at 30 a second (300)")
    parser.add_argument("--clip", type=Path, metavar="FILE", help="a motion file instead of the two walks")
    parser.add_argument(
        "--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of the zips"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table into this page too")
    parser.add_argument(
        "--pictures", type=Path, metavar="DIR", help="draw a clip on six rigs, measure nothing"
    )
    options = parser.parse_args(arguments)
    try:
        if options.pictures is not None:
            with redirect_stdout(sys.stderr):
                draw(options.pictures)
            if options.markdown is None:
                return 0
        with redirect_stdout(sys.stderr), tempfile.TemporaryDirectory() as name:
            rows = list(measured(options, Path(name)))
        text = f"{table(rows)}\n\n{where()}; {rows[0].frames} frames at {FPS:g} a second."
        if options.markdown is not None:
            write_markdown(options.markdown, text)
    except MotionaryError as error:
        print(f"bench_retarget.py: {error}", file=sys.stderr)
        return 1
    named = [{**asdict(row), "times_as_quick": row.times_as_quick} for row in rows]
    print(json.dumps({"where": where(), "rows": named}) if options.json else text)
    return 0


def measured(options: argparse.Namespace, folder: Path) -> Iterator[Row]:
    motions = list(clips(options.clip, options.data, options.frames, folder))
    known = dict(rigs(options.data, folder))
    for name in options.rigs or known:
        if name not in known:
            raise MotionaryError(f"there is no rig {name!r}; there are {', '.join(known)}")
    for name in options.rigs or known:
        armature = fresh(known[name])
        for clip, motion in motions:
            row = bench(armature, known[name].joints, name, clip, motion)
            print(f"{name}, {clip}: {row.max_error:.3f} degrees, {row.seconds:.2f} s", file=sys.stderr)
            yield row


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
