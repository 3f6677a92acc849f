"""What can be measured of a movement, and need not be guessed: where it goes, how fast, what it lifts.

All is told from the 22 joints of the canonical body. Ways are metres as recorded; what decides (is this a
run, is that hand raised) is compared in lengths of the body's own legs, so that a child or a giant walks as a
grown person does. Frame: Y up; forward is where the body faces, left is its own left, turns are positive to
the left.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from motionary.body import HUMAN_LEG, JOINTS, PARENTS, body_positions
from motionary.contacts import body_contacts, stretches
from motionary.motion import Motion
from motionary.rotation import lengths

__all__ = ["FULL_TURN", "HALF_TURN", "Facts", "measure", "measure_joints", "mirrored", "thinned_joints"]

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]

FPS = 30.0
"""Frames a second that are enough: faster captures are thinned to no fewer."""

SMOOTH_S = 0.2
"""Seconds (one sigma) over which way and heading are smoothed: they sway with every step."""

GOES = 0.25
"""Metres a second (of a grown body) above which the pelvis is under way."""
IN_PLACE = 0.45
"""Metres (likewise) from where it was that a body on the spot never exceeds."""
MAINLY = 0.75
"""The part of the way that makes its direction: within 41 degrees of it."""
SLOW_WALK, FAST_WALK, SLOW_RUN, FAST_RUN = 1.0, 1.5, 2.3, 3.2
"""Metres a second at which a walk stops being slow, starts being fast; and a run."""
RUNS, MAY_RUN = 2.1, 1.4
"""Metres a second that nobody walks at; and those that are a run where no foot stands between the steps."""
FLIGHT = 0.2
"""Of the time under way, with no foot on the floor, that makes it a run. Fast walks lose some contacts, too:
of CMU's 85 walks none was above 0.16, of its 60 runs all but two above 0.28."""

TURNS, HALF_TURN, FULL_TURN = 30.0, 130.0, 270.0
"""Degrees below which a heading wanders rather than turns; and that are a turn back, and all round."""

RAISED_S = 0.2
"""Seconds that a hand or a foot must be up, a body low, to count."""
FOOT_UP = 0.3
"""Leg lengths above the other foot, from which a foot is raised: no step goes as high, but runners' heels."""
STRIDE = 0.15
"""Leg lengths that a foot is ahead of the other in a step."""
LEAP, LEAP_S = 0.1, 0.18
"""Leg lengths that both feet are above the floor, and for how many seconds, in a jump."""
LONGEST_LEAP_S = 1.2
"""A body that is above the floor for longer hangs or stands on something."""
CROUCH, LOW = 0.8, 0.45
"""Leg lengths of the pelvis above the lowest joint: below the first knees are well bent, below the second the
body is on the floor."""
TILT_LYING = 55.0
"""Degrees of the trunk from upright that, low down, is lying."""

BUSIER = 1.6
"""How many times as much one side moves as the other where it alone is at work."""

REACH = 0.2
"""Of the arm's length, by which it is stretched out and drawn back when it reaches for something."""

LOOP = 0.05
"""Leg lengths, mean over the joints, that the last pose of a loop is from its first."""
LOOP_STEP = 0.6
"""Likewise, of how both move on, in leg lengths a second."""

SIDES = ("left", "right")
AT = {name: number for number, name in enumerate(JOINTS)}


@dataclass(frozen=True)
class Facts:
    """What was measured of a motion.

    duration_s: seconds. distance_m: between where the pelvis is first and last, over the floor; path_m: along
    its way; reach_m: the farthest that it gets from where it began. forward_m, left_m: where it ends, seen
    from its first pose; ahead_m, aside_m: how far it went ahead and to its left as it faced at every moment
    (who walks in a circle goes ahead). rise_m: how much higher the ground is at the end. turn_deg: heading at
    the end less that at the start, left positive, whole turns counted; turned_deg: both ways added up.
    steps: feet set down. jumps, kicks, crouches: how many times both feet leave the floor, a foot is raised
    high, and the knees are bent low and straightened again. speed_mps: while under way; moving: the share of
    the time that it is. turn_share: the share of the time that it turns.

    direction: "forward", "backward", "left", "right", "mixed" or "place". gait: "walk", "run" or "none".
    speed: "still", "slow", "normal" or "fast" for that gait. turn: "left", "right" or "none". Of "left",
    "right", "both" and "none": hand_raised, hand_busy (which moves more), hand_reach (which is stretched out
    and drawn back), foot_raised. stands_on: "left" or "right", the foot that alone carries the body; "both".
    tilt_deg: the trunk's greatest lean. low, lying, sitting, crouched: shares of the time, each 0 to 1.
    lowest, first_low, last_low: how high the pelvis is above the lowest joint, in leg lengths (about 1 when
    standing), at its lowest and at either end. activity: mean speed of the limbs against the trunk, leg
    lengths a second. loops: the end meets the beginning. in_place: the body stays where it is.
    """

    duration_s: float
    distance_m: float
    path_m: float
    reach_m: float
    forward_m: float
    left_m: float
    ahead_m: float
    aside_m: float
    rise_m: float
    turn_deg: float
    turned_deg: float
    turn_share: float
    steps: int
    jumps: int
    kicks: int
    crouches: int
    speed_mps: float
    moving: float
    direction: str
    gait: str
    speed: str
    turn: str
    hand_raised: str
    hand_busy: str
    hand_reach: str
    foot_raised: str
    stands_on: str
    tilt_deg: float
    low: float
    lying: float
    sitting: float
    crouched: float
    lowest: float
    first_low: float
    last_low: float
    activity: float
    loops: bool
    in_place: bool


def measure(motion: Motion) -> Facts:
    """The facts of a motion. MotionaryError where its skeleton is no human body."""
    joints, fps = thinned_joints(motion)
    return measure_joints(joints, fps)


def thinned_joints(motion: Motion) -> tuple[Floats, float]:
    """The joints (T', 22, 3) of every nth frame of a motion, and their rate: 30 or more if it has that."""
    every = max(int(motion.fps / FPS + 1e-3), 1)
    thin = replace(
        motion,
        rotations=motion.rotations[::every],
        translation=motion.translation[::every],
        fps=motion.fps / every,
    )
    return body_positions(thin), thin.fps


def measure_joints(joints: Floats, fps: float) -> Facts:
    """The facts of a body whose joints (T, 22, 3), in metres, Y up, are known at ``fps`` frames a second."""
    joints = np.asarray(joints, np.float64)
    frames = len(joints)
    leg = _leg(joints)
    grown = HUMAN_LEG / leg
    pelvis = joints[:, AT["pelvis"]]
    heading = _heading(joints, fps)
    way = _smoothed(pelvis[:, [0, 2]], fps)
    steps = np.diff(way, axis=0)
    speeds = np.linalg.norm(steps, axis=-1) * fps * grown
    under_way = speeds > GOES
    facing = heading[:-1] + np.diff(heading) / 2
    ahead = steps[:, 0] * np.sin(facing) + steps[:, 1] * np.cos(facing)
    aside = steps[:, 0] * np.cos(facing) - steps[:, 1] * np.sin(facing)
    net = way[-1] - way[0]
    reach = float(np.linalg.norm(way - way[0], axis=-1).max())
    path = float(np.linalg.norm(steps[under_way], axis=-1).sum())
    ahead_m, aside_m = float(ahead[under_way].sum()), float(aside[under_way].sum())

    contacts = body_contacts(joints, fps)
    stands = contacts.standing.any(axis=2)
    feet = np.stack(
        [joints[:, [AT[f"{side}_ankle"], AT[f"{side}_foot"]], 1].min(axis=1) for side in SIDES], axis=1
    )
    ground = (
        np.minimum.accumulate(_support(feet, stands)[::-1])[::-1] if frames == 1 else _support(feet, stands)
    )
    speed = float(speeds[under_way].mean()) if under_way.any() else 0.0
    flying = ~stands[:-1].any(axis=1)
    flight = float(flying[under_way].mean()) if under_way.any() else 0.0
    in_place = bool(reach * grown < IN_PLACE)
    gait = _gait(speed, flight, in_place)

    height = (pelvis[:, 1] - joints[..., 1].min(axis=1)) / leg
    trunk = joints[:, AT["neck"]] - pelvis
    tilt = np.degrees(np.arccos(np.clip(trunk[:, 1] / np.maximum(lengths(trunk), 1e-9), -1, 1)))
    lying = (height < LOW) & (tilt > TILT_LYING)
    few = max(round(RAISED_S * fps), 1)
    wide = max(round(0.3 * fps), 1)
    turn = float(np.degrees(heading[-1] - heading[0]))
    rate = np.abs(np.degrees(np.diff(heading))) * fps
    apart = feet - feet.min(axis=1, keepdims=True)
    high = apart / leg > FOOT_UP
    # A runner's heels fly up behind as high as a kick: what is raised is raised by one who is not running.
    kicks = [0, 0] if gait == "run" else [_times(high[:, side], few // 2) for side in (0, 1)]
    limbs = _limb_speeds(joints, heading, fps) / leg
    return Facts(
        duration_s=frames / fps,
        distance_m=float(np.linalg.norm(net)),
        path_m=path,
        reach_m=reach,
        forward_m=float(net[0] * np.sin(heading[0]) + net[1] * np.cos(heading[0])),
        left_m=float(net[0] * np.cos(heading[0]) - net[1] * np.sin(heading[0])),
        ahead_m=ahead_m,
        aside_m=aside_m,
        rise_m=float(ground[-wide:].mean() - ground[:wide].mean()),
        turn_deg=turn,
        turned_deg=float(rate.sum() / fps),
        turn_share=float((rate > TURNS).mean()) if len(rate) else 0.0,
        steps=_landings(stands, joints, leg) or _strides(joints, heading, leg),
        jumps=_leaps(feet, ground, leg, fps),
        kicks=sum(kicks),
        crouches=_times(height < CROUCH, few),
        speed_mps=speed / grown,
        moving=float(under_way.mean()) if len(under_way) else 0.0,
        direction=_direction(ahead_m, aside_m, path, in_place),
        gait=gait,
        speed=_speed(speed, gait),
        turn="none" if abs(turn) < TURNS else "left" if turn > 0 else "right",
        hand_raised=_which(*(_times(_hand_up(joints, side, leg), few) > 0 for side in SIDES)),
        hand_busy=_busier(*limbs.mean(axis=1)[:2].tolist()),
        hand_reach=_reaches(joints),
        foot_raised=_which(*(count > 0 for count in kicks)),
        stands_on=_stands_on(stands, joints, leg),
        tilt_deg=float(np.percentile(tilt, 95)),
        low=float((height < LOW).mean()),
        lying=float(lying.mean()),
        sitting=float(_sits(joints, height, tilt).mean()),
        crouched=float((height < CROUCH).mean()),
        lowest=float(height.min()),
        first_low=float(height[:wide].mean()),
        last_low=float(height[-wide:].mean()),
        activity=float(limbs.mean()),
        loops=_loops(joints, heading, leg, fps),
        in_place=in_place,
    )


_OTHER = {"left": "right", "right": "left"}


def mirrored(facts: Facts) -> Facts:
    """The facts of the mirror image."""

    def other(side: str) -> str:
        return _OTHER.get(side, side)

    return replace(
        facts,
        left_m=-facts.left_m,
        aside_m=-facts.aside_m,
        turn_deg=-facts.turn_deg,
        direction=other(facts.direction),
        turn=other(facts.turn),
        hand_raised=other(facts.hand_raised),
        hand_busy=other(facts.hand_busy),
        hand_reach=other(facts.hand_reach),
        foot_raised=other(facts.foot_raised),
        stands_on=other(facts.stands_on),
    )


def _leg(joints: Floats) -> float:
    bones = [AT[f"{side}_{joint}"] for side in SIDES for joint in ("knee", "ankle")]
    ways = joints[:, bones] - joints[:, [PARENTS[bone] for bone in bones]]
    return max(float(lengths(ways).mean()) * 2, 1e-6)


def _smoothed(values: Floats, fps: float) -> Floats:
    """Columns (T, K) under a Gaussian; mirrored about its ends, so that a steady way stays steady there."""
    reach = round(3 * SMOOTH_S * fps)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (SMOOTH_S * fps)) ** 2)
    reach_in = min(reach, len(values) - 1)
    before = 2 * values[0] - values[1 : reach_in + 1][::-1]
    after = 2 * values[-1] - values[-reach_in - 1 : -1][::-1]
    padded = np.concatenate([before, values, after])
    padded = np.pad(padded, ((reach - reach_in,) * 2, (0, 0)), mode="edge")
    return np.stack([np.convolve(column, kernel / kernel.sum(), "valid") for column in padded.T], axis=-1)


def _heading(joints: Floats, fps: float) -> Floats:
    """Where the body faces (T,), radians about Y from +Z to +X, whole turns counted.

    By hips and shoulders, which swing against each other; where both lie on edge (a cartwheel, lying on the
    side) they tell nothing, and it goes evenly from what it was to what it will be.
    """
    across = (
        joints[:, AT["left_hip"]]
        - joints[:, AT["right_hip"]]
        + joints[:, AT["left_shoulder"]]
        - joints[:, AT["right_shoulder"]]
    )
    flat = np.linalg.norm(across[:, [0, 2]], axis=-1)
    sure = np.flatnonzero(flat >= 0.5 * np.maximum(lengths(across), 1e-9))
    if not len(sure):
        return np.zeros(len(joints))
    angles = np.unwrap(np.arctan2(-across[sure, 2], across[sure, 0]))
    whole = np.interp(np.arange(len(joints)), sure, angles)
    return _smoothed(whole[:, None], fps)[:, 0]


def _support(feet: Floats, stands: Bools) -> Floats:
    """How high the ground is (T,): where the lower standing foot is; evenly from one stance to the next."""
    held = np.flatnonzero(stands.any(axis=1))
    if not len(held):
        return np.full(len(feet), feet.min())
    level = np.where(stands, feet, np.inf).min(axis=1)
    return np.interp(np.arange(len(feet)), held, level[held])


def _gait(speed: float, flight: float, in_place: bool) -> str:
    if in_place or speed == 0.0:
        return "none"
    return "run" if speed > RUNS or (speed > MAY_RUN and flight > FLIGHT) else "walk"


def _speed(speed: float, gait: str) -> str:
    if gait == "none":
        return "still"
    slow, fast = (SLOW_RUN, FAST_RUN) if gait == "run" else (SLOW_WALK, FAST_WALK)
    return "slow" if speed < slow else "fast" if speed > fast else "normal"


def _direction(ahead: float, aside: float, path: float, in_place: bool) -> str:
    if in_place or path == 0.0:
        return "place"
    for way, names in ((ahead, ("forward", "backward")), (aside, ("left", "right"))):
        if abs(way) > MAINLY * path:
            return names[0] if way > 0 else names[1]
    return "mixed"


def _landings(stands: Bools, joints: Floats, leg: float) -> int:
    """How often a foot is set down elsewhere, or after it was lifted."""
    count = 0
    for side, name in enumerate(SIDES):
        foot = joints[:, AT[f"{name}_ankle"]]
        held = stretches(stands[:, side])
        for (_, left), (down, _) in pairwise(held):
            lifted = foot[left:down, 1].max() - max(foot[left - 1, 1], foot[down, 1])
            count += bool(np.linalg.norm(foot[down] - foot[left - 1]) > 0.12 * leg or lifted > 0.05 * leg)
        count += bool(held and held[0][0] > 0)  # it came from the air, or from before the clip
    return count


def _strides(joints: Floats, heading: Floats, leg: float) -> int:
    """How often one foot passes the other, as on a treadmill: so walk the loops that games use."""
    way = joints[:, AT["left_ankle"]] - joints[:, AT["right_ankle"]]
    ahead = (way[:, 0] * np.sin(heading) + way[:, 2] * np.cos(heading)) / leg
    sides = np.sign(ahead[np.abs(ahead) > STRIDE])
    return int(np.count_nonzero(np.diff(sides)))


def _leaps(feet: Floats, ground: Floats, leg: float, fps: float) -> int:
    """How many times both feet are well above the ground, for as long as a jump takes."""
    above = (feet.min(axis=1) - ground) / leg
    return sum(
        LEAP_S * fps <= end - start <= LONGEST_LEAP_S * fps and float(above[start:end].max()) > LEAP
        for start, end in stretches(above > LEAP / 2)
    )


def _times(on: Bools, few: int) -> int:
    """How many stretches of ``few`` frames or more there are."""
    return sum(end - start >= few for start, end in stretches(on))


def _hand_up(joints: Floats, side: str, leg: float) -> Bools:
    """Where the hand is above its shoulder, of a trunk that is upright."""
    trunk = joints[:, AT["neck"], 1] - joints[:, AT["pelvis"], 1]
    above = joints[:, AT[f"{side}_wrist"], 1] - joints[:, AT[f"{side}_shoulder"], 1]
    up: Bools = (above > 0.05 * leg) & (trunk > 0.3 * leg)
    return up


def _which(left: bool, right: bool) -> str:
    return "both" if left and right else "left" if left else "right" if right else "none"


def _busier(left: float, right: float) -> str:
    if max(left, right) < 0.15:  # leg lengths a second: breathing, swaying
        return "none"
    return "left" if left > BUSIER * right else "right" if right > BUSIER * left else "both"


def _limb_speeds(joints: Floats, heading: Floats, fps: float) -> Floats:
    """Speeds (4, T-1), m/s, of the wrists seen from the turning chest, the ankles from the pelvis."""
    if len(joints) < 2:
        return np.zeros((4, 1))
    cos, sin = np.cos(heading)[:, None], np.sin(heading)[:, None]
    speeds = []
    for limb, root in (("wrist", "spine3"), ("ankle", "pelvis")):
        for side in SIDES:
            way = joints[:, AT[f"{side}_{limb}"]] - joints[:, AT[root]]
            local = np.concatenate(
                [cos * way[:, :1] - sin * way[:, 2:], way[:, 1:2], sin * way[:, :1] + cos * way[:, 2:]],
                axis=1,
            )
            speeds.append(lengths(np.diff(local, axis=0)) * fps)
    return np.stack(speeds)


def _reaches(joints: Floats) -> str:
    """The side on which alone the hand goes far out from its shoulder and back."""
    ranges = []
    for side in SIDES:
        shoulder, elbow, wrist = (joints[:, AT[f"{side}_{name}"]] for name in ("shoulder", "elbow", "wrist"))
        arm = np.linalg.norm(elbow - shoulder, axis=-1).mean() + np.linalg.norm(wrist - elbow, axis=-1).mean()
        reach = np.linalg.norm(wrist - shoulder, axis=-1) / max(float(arm), 1e-6)
        ranges.append(float(reach.max() - reach.min()))
    if max(ranges) < REACH:
        return "none"
    left, right = ranges
    return "left" if left > BUSIER * right else "right" if right > BUSIER * left else "both"


def _stands_on(stands: Bools, joints: Floats, leg: float) -> str:
    """The foot that alone carries the body: the other is up for much of the time, and this one never."""
    ankles = np.stack([joints[:, AT[f"{side}_ankle"], 1] for side in SIDES], axis=1)
    lifted = [float(((ankles[:, 1 - side] - ankles[:, side]) / leg > 0.1).mean()) for side in (0, 1)]
    if lifted[0] > 0.35 and lifted[1] < 0.05:
        return "left"
    return "right" if lifted[1] > 0.35 and lifted[0] < 0.05 else "both"


def _sits(joints: Floats, height: Floats, tilt: Floats) -> Bools:
    """Where the trunk is upright, the pelvis about as low as the knees, and the thighs nearly level."""
    level = np.ones(len(joints), np.bool_)
    for side in SIDES:
        thigh = joints[:, AT[f"{side}_knee"]] - joints[:, AT[f"{side}_hip"]]
        level &= np.abs(thigh[:, 1]) < 0.55 * np.maximum(lengths(thigh), 1e-9)
    sits: Bools = level & (height < CROUCH) & (tilt < 40)
    return sits


def _loops(joints: Floats, heading: Floats, leg: float, fps: float) -> bool:
    """Whether the last pose is the first one, or the one before it, and goes on as that does."""
    if len(joints) < 5:
        return False
    cos, sin = np.cos(heading)[:, None], np.sin(heading)[:, None]
    way = joints - joints[:, :1] * [1.0, 0.0, 1.0]
    local = np.stack(
        [cos * way[..., 0] - sin * way[..., 2], way[..., 1], sin * way[..., 0] + cos * way[..., 2]], axis=-1
    )
    pose = np.linalg.norm(local[-1] - local[0], axis=-1).mean() / leg
    pace = np.linalg.norm((local[-1] - local[-2]) - (local[1] - local[0]), axis=-1).mean() * fps / leg
    step = lengths(np.diff(local, axis=0)).mean(axis=-1).max() / leg
    return bool(pose < max(LOOP, 1.5 * step) and pace < LOOP_STEP)
