"""Apply a motion to a character: probe the rig, retarget, write the keys, and check what shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from motionary import rotation
from motionary.contacts import foot_contacts
from motionary.edits import edit, mirror, reflect
from motionary.errors import MotionaryError
from motionary.feet import plant_feet, slide
from motionary.motion import Motion, resample
from motionary.retarget import TRUNK, performed_joints, retarget
from motionary.rig_solve import (
    Pose,
    Target,
    corrected,
    decompose,
    first_heads,
    partial_followers,
    rig_bones,
    rotation_channels,
)
from motionary.rigs import RigMap
from motionary.root_motion import in_place, with_travel
from motionary.stance import UP, body_frame, headings, leg_length, midpoint

from .actions import Channels, reduced
from .armature import (
    MIRROR,
    Change,
    check_posable,
    current_scene,
    flip_switches,
    is_mirrored,
    is_uneven,
    names_fit_sides,
    pose_bone,
    probe,
    restore_switches,
)
from .destinations import Placed, place
from .options import ApplyOptions
from .rig_choice import find_rig_map
from .verify import Shown, frames_shown, measure

__all__ = ["Applied", "apply_motion"]

CHECKED_FRAMES = 5

EXACT = 2.0
"""Degrees up to which a rig is said to take a motion as it is."""

EXACT_HIPS = 0.01
"""The same for the hips, in metres on the performer."""

ROUNDS = 3
"""Most rounds of measuring every frame and correcting, where the rig does not take the motion as it is."""


@dataclass(frozen=True)
class Applied:
    """What was done to the armature, and how exactly its rig took it.

    On a few frames, at most, between what was asked and what the evaluated rig shows: turn_error of the
    controls and direction_error of the limbs on the bones that deform, in degrees; hips_error in the scene's
    units; all None where other keys have a say too. refined: whether it had to be measured and corrected
    frame by frame. slide_before and slide: how far feet slide while they stand, in the scene's units a second
    of contact, without planting and as applied. scale: leg length of the character over that of the source.
    strip: of the NLA, "" for none. notes: what the animator should know, a line each.
    """

    armature: str
    rig: str
    action: str
    strip: str
    frame_start: int
    frame_end: int
    fps: float
    scale: float
    turn_error: float | None
    direction_error: float | None
    hips_error: float | None
    refined: bool
    slide_before: float
    slide: float
    changes: tuple[Change, ...]
    notes: tuple[str, ...]


def apply_motion(
    armature: bpy.types.Object,
    motion: Motion,
    name: str,
    options: ApplyOptions | None = None,
    *,
    rig: RigMap | None = None,
    probed: dict[frozenset[str], Target] | None = None,
) -> Applied:
    """Key ``motion`` onto ``armature`` under ``name``, in the scene's frame rate.

    ``rig`` is found if not given. probed: how the armature answers to its controls, by the joints that move,
    as calls before this one have seen and written down there; for many clips in a row, with the same rig and
    root motion, between which nothing of the armature changes.

    The scene's frame range, the rig's rest pose, constraints and rotation modes, and the Action that was
    there stay as they are; rig switches are set as the options say, and returned.
    Raises MotionaryError where the armature or the motion is no human body, or the rig cannot be posed; then
    nothing has changed.
    """
    options = options or ApplyOptions()
    scene = current_scene()
    fps = scene.render.fps / scene.render.fps_base
    start = scene.frame_start if options.start is None else options.start
    check_posable(armature)
    rig = rig or find_rig_map(armature)
    _check_root(armature, rig, options)
    motion = resample(edit(motion, options.edit), fps)
    if is_mirrored(armature):  # what shows is the mirror image of what is keyed
        motion = reflect(motion) if names_fit_sides(armature, rig) else mirror(motion)
    joints = {*TRUNK, *performed_joints(motion)}

    changes: list[Change] = [] if options.switches == "leave" else flip_switches(armature, rig)
    try:
        moving, seen = frozenset(joints), {} if probed is None else probed
        if moving not in seen:
            seen[moving] = probe(armature, rig, joints, root=options.root_motion == "root")
        target = seen[moving]
        begins = _standing_at(armature, target, start) if _goes_on(armature, options) else None
        pose, slides = _retargeted(armature, motion, target, options, begins)
        channels = _channels(armature, target, pose, changes, options)
        if options.switches == "key":  # what is merged holds beyond its ends what was there before
            restore_switches(armature, changes)
        placed = place(armature, name, channels, start, options)
        shown, refined = None, False
        if options.only is None and placed.alone:
            shown, refined = _checked(armature, target, pose, changes, placed, options)
    except BaseException:
        restore_switches(armature, changes)
        raise
    return Applied(
        armature=armature.name,
        rig=rig.name,
        action=placed.action,
        strip=placed.strip,
        frame_start=start,
        frame_end=start + len(pose.location) - 1,
        fps=fps,
        scale=pose.scale,
        turn_error=shown.turn if shown else None,
        direction_error=shown.direction if shown else None,
        hips_error=shown.hips if shown else None,
        refined=refined,
        slide_before=slides[0],
        slide=slides[1],
        changes=tuple(changes),
        notes=(*_notes(armature, target, pose, shown, refined), *placed.notes),
    )


def _check_root(armature: bpy.types.Object, rig: RigMap, options: ApplyOptions) -> None:
    where = f"armature {armature.name!r}"
    if options.root_motion == "root" and rig.root is None:
        raise MotionaryError(
            f"{where}: no root bone is named by its rig map ({rig.name}); put the root motion on the object"
        )
    if options.root_motion == "object" and is_uneven(armature):
        raise MotionaryError(f"{where} is scaled unevenly; put the root motion on its hips or root bone")


def _goes_on(armature: bpy.types.Object, options: ApplyOptions) -> bool:
    """Whether the clip goes on from what is animated already."""
    animation = armature.animation_data
    if animation is None or options.destination == "action" or options.keep_place:
        return False
    return animation.action is not None or (animation.use_nla and len(animation.nla_tracks) > 0)


def _standing_at(armature: bpy.types.Object, target: Target, frame: int) -> NDArray[np.float64]:
    """The motion (4, 4) over the ground from where ``target`` stands to where it is shown at ``frame``."""
    bones = rig_bones(target.rig)
    shown = frames_shown(armature, [bone for bone, _, _ in bones], [frame])[0]
    pelvis = next(i for i, (_, joint, _) in enumerate(bones) if joint == "pelvis")
    stands, there = (first_heads(target.rig, matrices) for matrices in (target.stance, shown))
    frame_there = rotation.multiply(
        rotation.multiply(decompose(shown)[0][pelvis], rotation.inverse(decompose(target.stance)[0][pelvis])),
        body_frame(stands),
    )
    yaw = -headings(frame_there, body_frame(stands))
    result = np.eye(4)
    result[:3, :3] = rotation.to_matrix(rotation.from_axis_angle(UP, yaw))
    step = midpoint(there, "hip") - result[:3, :3] @ midpoint(stands, "hip")
    result[:2, 3] = step[:2]
    return result


def _retargeted(
    armature: bpy.types.Object,
    motion: Motion,
    target: Target,
    options: ApplyOptions,
    begins: NDArray[np.float64] | None,
) -> tuple[Pose, tuple[float, float]]:
    """The pose to key, and how far feet slide in it without planting and with."""
    aside = -1.0 if is_mirrored(armature) else 1.0
    x, y, z = options.offset
    pose = retarget(
        motion,
        target,
        keep_place=options.keep_place,
        turn=aside * float(np.radians(options.turn)),
        offset=(aside * x, y, z),
        stride=_units_per_metre() if options.stride == "world" else None,
        begins=begins,
    )
    standing = foot_contacts(motion).standing
    before = after = slide(pose, standing, motion.fps)
    if options.plant_feet or options.floor:
        contacts = standing if options.plant_feet else None
        pose = plant_feet(pose, target, motion.fps, contacts, floor=options.floor, height=z)
        after = slide(pose, standing, motion.fps)
    if options.root_motion != "hips":
        pose = with_travel(pose, target, motion.fps, turning=options.root_motion != "in_place")
    if options.root_motion == "in_place":
        pose = in_place(pose)
    return pose, (before, after)


def _units_per_metre() -> float:
    return 1.0 / max(current_scene().unit_settings.scale_length, 1e-9)


# The keys


def _channels(
    armature: bpy.types.Object,
    target: Target,
    pose: Pose,
    changes: Sequence[Change],
    options: ApplyOptions,
) -> list[Channels]:
    """All that is to be keyed, in each bone's own rotation mode, without locked channels."""
    result: list[Channels] = []
    for i, name in enumerate(pose.bones):
        if name not in pose.held:
            moves = pose.location if name == pose.mover else None
            result += _bone_channels(pose_bone(armature, name), pose.rotations[:, i], moves)
    if pose.travel is not None:
        result += _travel_channels(armature, target, pose.travel)
    if options.only is not None:
        result = [channels for channels in result if channels.group in options.only]
    if options.simplify:
        # What a turn of a degree moves at the end of a leg is what a place may be off.
        radians = float(np.radians(options.simplify))
        distance = radians * leg_length(first_heads(target.rig, target.rest))
        unit = max(float(np.linalg.norm(target.shift, axis=0).max()), 1e-9)
        result = [
            reduced(c, radians=radians, distance=distance / (1.0 if c.group == OBJECT_GROUP else unit))
            for c in result
        ]
    if options.switches == "key":
        result += [_switch_channels(change, len(pose.location)) for change in changes]
    return result


def _bone_channels(
    bone: bpy.types.PoseBone, turns: NDArray[np.float64], moves: NDArray[np.float64] | None
) -> Iterator[Channels]:
    path = bone.path_from_id()
    kind, values = rotation_channels(turns, bone.rotation_mode)
    free = tuple(axis for axis in range(3) if not bone.lock_rotation[axis])
    if free:
        written = free if kind == "rotation_euler" else tuple(range(4))
        yield Channels(f"{path}.{kind}", values, bone.name, written)
    if moves is not None:
        free = tuple(axis for axis in range(3) if not bone.lock_location[axis])
        yield Channels(f"{path}.location", moves, bone.name, free)


def _travel_channels(
    armature: bpy.types.Object, target: Target, travel: NDArray[np.float64]
) -> Iterator[Channels]:
    """Keys of the root bone that make it travel, or of the object where the root bone is not to be keyed."""
    if target.root is not None:
        assert target.rig.root is not None
        inside = np.linalg.inv(target.root) @ travel @ target.root
        turns, moves = decompose(inside)
        yield from _bone_channels(pose_bone(armature, target.rig.root), turns, moves)
        return
    frame = MIRROR if is_mirrored(armature) else np.eye(4)
    world = np.array(armature.matrix_world)
    basis = np.array(armature.matrix_basis)
    # What turns the object's own channels into its place in the world: parents, and what comes with them.
    above = world @ np.linalg.inv(basis)
    inside = np.linalg.inv(above) @ frame @ travel @ frame @ world
    places = [Matrix(matrix.tolist()).decompose() for matrix in inside]
    turns = np.array([turn[:] for _, turn, _ in places])
    kind, values = rotation_channels(turns, armature.rotation_mode)
    yield Channels(kind, values, OBJECT_GROUP, tuple(range(values.shape[1])))
    yield Channels("location", np.array([at[:] for at, _, _ in places]), OBJECT_GROUP, (0, 1, 2))


OBJECT_GROUP = "Object Transforms"
"""Blender's name for the group of an object's own channels."""


def _switch_channels(change: Change, frames: int) -> Channels:
    bone = bpy.utils.escape_identifier(change.bone)
    path = f'pose.bones["{bone}"]["{bpy.utils.escape_identifier(change.property)}"]'
    ends = np.array([0, frames - 1]) if frames > 1 else np.array([0])
    return Channels(path, np.full((len(ends), 1), change.after), change.bone, (0,), ends, constant=True)


# What shows


def _checked(
    armature: bpy.types.Object,
    target: Target,
    pose: Pose,
    changes: Sequence[Change],
    placed: Placed,
    options: ApplyOptions,
) -> tuple[Shown, bool]:
    """What the rig shows on a few frames; where that is off, after measuring and correcting all frames."""
    first, last = placed.whole
    times = np.unique(np.linspace(first, last, CHECKED_FRAMES).astype(np.int64))
    start = placed.start
    shown = measure(armature, target.rig, pose, times, start)
    if not options.refine or placed.again is None or _takes(shown, pose):
        return shown, False
    times = np.arange(first, last + 1)
    best = measure(armature, target.rig, pose, times, start)
    refined, every = pose, range(start + first, start + last + 1)
    for _ in range(ROUNDS):
        turns, heads = decompose(frames_shown(armature, list(pose.bones), every))
        hips = heads[:, [pose.joints.index(f"{side}_hip") for side in ("left", "right")]].mean(axis=1)
        seen_turns, seen_hips = pose.turns.copy(), pose.hips.copy()
        seen_turns[first : last + 1], seen_hips[first : last + 1] = turns, hips
        before, refined = refined, corrected(refined, target, seen_turns, seen_hips)
        placed.again(_channels(armature, target, refined, changes, options))
        shown = measure(armature, target.rig, pose, times, start)
        if shown.turn > best.turn or shown.direction > max(best.direction, EXACT):
            placed.again(_channels(armature, target, before, changes, options))
            break
        best = shown
        if _takes(shown, pose):
            break
    return best, True


def _takes(shown: Shown, pose: Pose) -> bool:
    """Whether the controls do as they are told, whatever the bones do that they should move."""
    return shown.turn <= EXACT and shown.hips <= EXACT_HIPS * pose.scale


def _listed(names: Sequence[str]) -> str:
    """A few names, and how many more there are."""
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(names[:4]) + more


def _notes(
    armature: bpy.types.Object,
    target: Target,
    pose: Pose,
    shown: Shown | None,
    refined: bool,
) -> Iterator[str]:
    """What the animator should know of the rig."""
    if pose.held:
        names = _listed(sorted(pose.held))
        yield f"a driver or a constraint holds {names}: turning it does nothing"
    if followers := partial_followers(target):
        yield f"in part only, another control is followed by {_listed(followers)}"
    if is_uneven(armature):
        yield "the object is scaled unevenly: limbs are exact before that scale"
    if refined:
        yield "the rig did not take the motion as it is: every frame was measured and corrected"
    if shown is not None and not (_takes(shown, pose) and shown.direction <= EXACT):
        off = f"{shown.worst:.1f} degrees and {shown.hips:.3g} at the hips"
        yield (
            f"the rig does not take the motion exactly (off by {off}): "
            "a control is constrained, locked, driven or posed apart"
        )
    if np.abs(target.shift).max() <= 1e-9:
        yield f"{pose.mover} cannot move: the hips stay where they are; put the root motion on the object"
