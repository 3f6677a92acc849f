"""The HumanML3D features: 263 numbers a frame that say how a body moves, whoever and wherever it is.

Method: Guo et al., *Generating Diverse and Natural 3D Human Motions from Text* (CVPR 2022), as the authors'
``motion_representation.ipynb`` carries it out (https://github.com/EricGuo5513/HumanML3D). Written anew, over
all frames at once. Joints are (T, 22, 3), metres, 20 fps, Y up, as :data:`motionary.body.JOINTS` names them.

A row of the features, for the step from frame t to t + 1 ("facing frame": turned about Y to look along +Z):

==========  ========================================================================================
0           half the turn of the heading about Y, radians
1:3         velocity of the pelvis along x and z in the facing frame of t + 1, metres a frame
3           height of the pelvis, metres
4:67        positions of joints 1 to 21 in the facing frame of t, from the floor below the pelvis, metres
67:193      rotations of joints 1 to 21 relative to the joint before, 6D
193:259     velocities of the 22 joints in the facing frame of t, metres a frame
259:263     1 where left ankle, left toes, right ankle, right toes rest, else 0
==========  ========================================================================================
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from motionary import rotation
from motionary.body import JOINTS, PARENTS, BodyMap
from motionary.common_body import common_positions
from motionary.errors import MotionaryError
from motionary.motion import Motion
from motionary.uniform_skeleton import OFFSETS

__all__ = [
    "FEET",
    "FPS",
    "REST_SPEED",
    "WIDTH",
    "canonical_joints",
    "features_from_joints",
    "joints_from_features",
    "motion_features",
    "motion_joints",
]

Floats: TypeAlias = NDArray[np.float64]

FPS = 20.0
WIDTH = 263

COUNT = len(JOINTS)
LEFT_HIP, RIGHT_HIP, LEFT_SHOULDER, RIGHT_SHOULDER = (
    JOINTS.index(name) for name in ("left_hip", "right_hip", "left_shoulder", "right_shoulder")
)
RIGHT_LEG = [JOINTS.index("right_knee"), JOINTS.index("right_ankle")]
FEET = [JOINTS.index(name) for name in ("left_ankle", "left_foot", "right_ankle", "right_foot")]
POSITIONS = slice(4, 67)

REST_SPEED = 0.002
"""Squared displacement a frame, in square metres, below which a foot rests (the authors' threshold)."""
HEADING_SIGMA = 20
"""Frames over which the heading is smoothed, so that it does not turn with every swing of the shoulders."""
NO_LENGTH = 1e-6
"""Metres below which a bone or a heading has no direction worth reading."""
FARTHEST = 1e6
"""Metres from the origin beyond which float32 no longer holds a body: the coordinates are not metres."""


def features_from_joints(joints: ArrayLike, *, official_yaw_flip: bool = False) -> NDArray[np.float32]:
    """Features (T-1, 263) of joint positions (T, 22, 3) at 20 fps.

    The input's place, heading and size do not matter. Bones of no length stay so. The authors' code gives the
    turn the wrong sign in the one frame where the heading passes 180 degrees, and so does the published data;
    ``official_yaw_flip`` repeats that. MotionaryError for fewer than two frames, another shape, or a position
    that is not a number.
    """
    positions = canonical_joints(joints)
    heading = _heading(positions)
    start, steps = positions[:-1], np.diff(positions, axis=0)
    turn = np.diff(heading) / 2
    yaw = np.arcsin(np.sin(turn))
    if not official_yaw_flip:
        yaw *= np.where(np.cos(turn) < 0, -1, 1)  # the short way round
    root_step = _turned(steps[:, 0], heading[1:])
    local = _turned(start - start[:, :1] * [1, 0, 1], heading[:-1, None])
    parts = [
        yaw,
        root_step[:, [0, 2]],
        start[:, 0, 1],
        local[:, 1:],
        rotation.to_6d(_joint_rotations(start, heading[:-1])),
        _turned(steps, heading[:-1, None]),
        np.sum(steps[:, FEET] ** 2, axis=-1) < REST_SPEED,
    ]
    return np.concatenate([part.reshape(len(steps), -1) for part in parts], axis=1, dtype=np.float32)


def joints_from_features(features: ArrayLike) -> NDArray[np.float32]:
    """Joint positions (T, 22, 3), metres, that features (T, 263) describe, at 20 fps.

    They are :func:`canonical_joints` of what the features were made of, less its last frame; published
    features with a wrong turn in them (see :func:`features_from_joints`) lead elsewhere after it.
    MotionaryError for another shape or a value that is not a number.
    """
    features = np.asarray(features, np.float64)
    if features.ndim != 2 or features.shape[1] != WIDTH or not len(features):
        raise MotionaryError(f"features have shape {features.shape}; they need (frames, {WIDTH})")
    if not np.isfinite(features).all():
        frame, column = np.argwhere(~np.isfinite(features))[0]
        raise MotionaryError(f"features have a value that is not a number in frame {frame}, column {column}")
    heading = 2 * _from_zero(features[:-1, 0])
    # A row's step is told in the facing frame that the row turns to.
    steps = np.insert(features[:-1, 1:3], 1, 0.0, axis=1)
    root = _from_zero(_turned(steps, -heading[1:]))
    root[:, 1] = features[:, 3]
    joints = features[:, POSITIONS].reshape(-1, COUNT - 1, 3)
    joints = _turned(joints, -heading[:, None]) + root[:, None] * [1, 0, 1]
    return np.concatenate([root[:, None], joints], axis=1, dtype=np.float32)


def motion_joints(motion: Motion, body: BodyMap | None = None) -> Floats:
    """The 22 joints (T', 22, 3), metres, of a motion at 20 fps, from its first frame to its last.

    They are the common body's (`motionary.common_body`), so that a motion has the same features on every rig;
    ``body`` is found where not given.
    Of a rate that is a multiple of 20, every nth frame; positions of other rates are interpolated linearly.
    MotionaryError where the skeleton is no human body.
    """
    ratio = motion.fps / FPS
    whole = round(ratio)
    # BVH writes 120 fps as a frame time of 0.008333: such a rate is meant to be whole.
    if whole >= 1 and abs(ratio - whole) < 1e-4 * whole:
        return common_positions(
            replace(
                motion,
                rotations=motion.rotations[::whole],
                translation=motion.translation[::whole],
                fps=motion.fps / whole,
            ),
            body,
        )
    joints = common_positions(motion, body)
    last = len(joints) - 1
    at = np.arange(int(last / ratio + 1e-6) + 1) * ratio
    low = np.minimum(at.astype(np.int64), last)
    high = np.minimum(low + 1, last)
    part = np.clip(at - low, 0.0, 1.0)[:, None, None]
    resampled: Floats = joints[low] * (1 - part) + joints[high] * part
    return resampled


def motion_features(motion: Motion) -> NDArray[np.float32]:
    """Features (T'-1, 263) of a motion, T' being its frames at 20 fps. MotionaryError: see the two steps."""
    return features_from_joints(motion_joints(motion))


def canonical_joints(joints: ArrayLike) -> Floats:
    """The motion (T, 22, 3) that the features of ``joints`` (T, 22, 3) tell of.

    On the uniform skeleton, with its lowest point on the floor, the pelvis of frame 0 above the origin and
    hips and shoulders of frame 0 facing +Z. MotionaryError as for :func:`features_from_joints`.
    """
    joints = np.asarray(joints, np.float64)
    if joints.ndim != 3 or joints.shape[1:] != (COUNT, 3):
        raise MotionaryError(f"joints have shape {joints.shape}; they need (frames, {COUNT}, 3)")
    if len(joints) < 2:
        raise MotionaryError(f"motion has {len(joints)} frames at {FPS:g} fps; features need at least 2")
    # Written so that a NaN fails it too.
    if bad := np.argwhere(~(np.abs(joints) <= FARTHEST)).tolist():
        frame, joint, _ = bad[0]
        raise MotionaryError(
            f"frame {frame}, {JOINTS[joint]}: position {joints[frame, joint]} is no place in metres; "
            "check the file and its unit"
        )
    positions = _on_uniform_skeleton(joints)
    positions[..., 1] -= positions[..., 1].min()
    positions -= positions[0, 0] * [1, 0, 1]
    first = positions[0]
    across = first[RIGHT_HIP] - first[LEFT_HIP] + first[RIGHT_SHOULDER] - first[LEFT_SHOULDER]
    return _turned(positions, _angle_to_front(_forward(across)))


def _on_uniform_skeleton(joints: Floats) -> Floats:
    """The same bone directions with the lengths of OFFSETS; the pelvis moves as its legs are long."""
    directions, lengths = _bones(joints)
    target = np.linalg.norm(OFFSETS, axis=-1)
    leg = lengths[0, RIGHT_LEG].sum()
    scale = target[RIGHT_LEG].sum() / leg if leg > NO_LENGTH else 1.0
    positions = joints * scale
    for joint in range(1, COUNT):
        positions[:, joint] = positions[:, PARENTS[joint]] + directions[:, joint] * target[joint]
    return positions


def _bones(joints: Floats) -> tuple[Floats, Floats]:
    """Unit vectors (T, 22, 3) from each joint's parent to it, zero where they coincide; lengths (T, 22)."""
    bones = joints - joints[:, [max(parent, 0) for parent in PARENTS]]
    lengths = rotation.lengths(bones)
    return bones / np.maximum(lengths, NO_LENGTH)[..., None], lengths


def _joint_rotations(positions: Floats, heading: Floats) -> Floats:
    """Rotations (T, 21, 4) of joints 1 to 21, each relative to the one before it in its chain.

    A joint's world rotation is the shortest that turns its bone out of its rest direction: it does not twist.
    The five chains of the format all start with the heading, the arms' too although they hang on spine3.
    """
    directions, _ = _bones(positions)
    world = rotation.between(OFFSETS, directions)
    world[:, 0] = rotation.from_axis_angle([0.0, 1.0, 0.0], heading)
    before = [0 if JOINTS[joint].endswith("collar") else PARENTS[joint] for joint in range(1, COUNT)]
    return rotation.multiply(rotation.inverse(world[:, before]), world[:, 1:])


def _heading(positions: Floats) -> Floats:
    """The angle (T,) about Y, in [-pi, pi], that turns the body of each frame to face +Z, smoothed over time.

    The authors' code takes the hips the wrong way round here (they name joints 2 and 1 left and right), so
    that what faces is the shoulders less the hips; and frame 0, which faces +Z already, is taken not to turn
    at all. Mean, Std and every published feature have both in them.
    """
    shoulders = positions[:, RIGHT_SHOULDER] - positions[:, LEFT_SHOULDER]
    hips = positions[:, RIGHT_HIP] - positions[:, LEFT_HIP]
    heading = _angle_to_front(_smoothed(_forward(shoulders - hips)))
    heading[0] = 0.0
    return heading


def _forward(across: Floats) -> Floats:
    """The x and z (..., 2) of what faces forward, given what points from left to right (..., 3)."""
    across = across / np.maximum(rotation.lengths(across)[..., None], NO_LENGTH)
    return np.stack([across[..., 2], -across[..., 0]], axis=-1)


def _angle_to_front(forward: Floats) -> Floats:
    angle: Floats = -np.arctan2(forward[..., 0], forward[..., 1])
    return angle


def _smoothed(values: Floats) -> Floats:
    """Columns (T, K) under a Gaussian of HEADING_SIGMA frames, cut at four sigma, with the ends held."""
    reach = 4 * HEADING_SIGMA
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / HEADING_SIGMA) ** 2)
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    return np.stack([np.convolve(column, kernel / kernel.sum(), "valid") for column in padded.T], axis=-1)


def _turned(points: Floats, angle: ArrayLike) -> Floats:
    """``points`` (..., 3) turned about Y by ``angle`` (...) radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    return np.stack([cos * x + sin * z, y, cos * z - sin * x], axis=-1)


def _from_zero(steps: Floats) -> Floats:
    """Running sums (T, ...) that start at zero, of T-1 steps."""
    sums: Floats = np.insert(np.cumsum(steps, axis=0), 0, 0.0, axis=0)
    return sums
