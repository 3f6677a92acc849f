"""A performer with a walk that needs no file: SMPL's joint names, a T-pose, arms and knees that move."""

import numpy as np

from motionary import rotation
from motionary.motion import Motion, Skeleton

LEG = 0.88
SIDE = {
    "hip": (0.09, -0.06, 0.0),
    "knee": (0.0, -0.45, 0.0),
    "ankle": (0.0, -0.43, 0.0),
    "foot": (0.0, -0.06, 0.14),
    "collar": (0.07, 0.12, 0.0),
    "shoulder": (0.11, 0.0, 0.0),
    "elbow": (0.27, 0.0, 0.0),
    "wrist": (0.25, 0.0, 0.0),
    "middle1": (0.09, 0.0, 0.0),
    "middle2": (0.03, 0.0, 0.0),
    "middle3": (0.02, 0.0, 0.0),
}
CENTRE = {
    "spine1": (0.0, 0.11, 0.0),
    "spine2": (0.0, 0.13, 0.0),
    "spine3": (0.0, 0.06, 0.0),
    "neck": (0.0, 0.20, 0.0),
    "head": (0.0, 0.10, 0.02),
}
PARENTS = {
    **{"spine1": "pelvis", "spine2": "spine1", "spine3": "spine2", "neck": "spine3", "head": "neck"},
    **{"hip": "pelvis", "knee": "hip", "ankle": "knee", "foot": "ankle", "collar": "spine3"},
    **{"shoulder": "collar", "elbow": "shoulder", "wrist": "elbow"},
    **{"middle1": "wrist", "middle2": "middle1", "middle3": "middle2"},
}
STANDING = 0.06 + LEG + 0.06
"""The root's height when the legs are straight and the soles flat."""


def performer() -> Skeleton:
    """A grown person in a T-pose, facing +Z."""
    rows = [("pelvis", "", (0.0, 0.0, 0.0))]
    rows += [(name, PARENTS[name], offset) for name, offset in CENTRE.items()]
    for side, sign in (("left", 1.0), ("right", -1.0)):
        for name, (x, y, z) in SIDE.items():
            parent = PARENTS[name] if PARENTS[name] in ("pelvis", "spine3") else f"{side}_{PARENTS[name]}"
            rows.append((f"{side}_{name}", parent, (sign * x, y, z)))
    names = [name for name, _, _ in rows]
    parents = [names.index(parent) if parent else -1 for _, parent, _ in rows]
    return Skeleton(tuple(names), np.array(parents), np.array([offset for _, _, offset in rows]))


def standing(frames: int = 3, fps: float = 30.0) -> Motion:
    """The rest pose on the floor."""
    skeleton = performer()
    rotations = np.broadcast_to(rotation.IDENTITY, (frames, len(skeleton.names), 4))
    return Motion(skeleton, rotations, np.tile([0.0, STANDING, 0.0], (frames, 1)), fps)


def walk(seconds: float = 2.0, fps: float = 30.0) -> Motion:
    """Arms down and swinging, legs stepping, one metre a second along +Z, the head looking about."""
    skeleton = performer()
    time = np.arange(round(seconds * fps)) / fps
    phase = 2 * np.pi * time
    rotations = np.broadcast_to(rotation.IDENTITY, (len(time), len(skeleton.names), 4)).copy()

    def turn(joint: str, degrees, axis: int) -> None:
        j = skeleton.index(joint)
        rotations[:, j] = rotation.multiply(
            rotations[:, j], rotation.from_axis_angle(np.eye(3)[axis], np.radians(degrees) + 0 * time)
        )

    for side, sign in (("left", 1.0), ("right", -1.0)):
        swing = sign * np.sin(phase)
        turn(f"{side}_hip", -25 * swing, 0)
        turn(f"{side}_knee", 25 * (1 + np.cos(phase + sign * np.pi / 2)), 0)
        turn(f"{side}_ankle", -8 * swing, 0)
        turn(f"{side}_shoulder", -sign * 75, 2)
        turn(f"{side}_elbow", -sign * (25 + 10 * swing), 1)
        turn(f"{side}_wrist", 15 * swing, 2)
        turn(f"{side}_middle2", -sign * 30, 2)
    turn("pelvis", 8 * np.sin(phase), 1)
    turn("spine2", -12 * np.sin(phase), 1)
    turn("head", 30 * np.sin(phase / 2), 1)
    forward = np.stack([0 * time, STANDING - 0.03 + 0.02 * np.cos(2 * phase), time], axis=1)
    return Motion(skeleton, rotations, forward, fps)
