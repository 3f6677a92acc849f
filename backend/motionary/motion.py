"""Skeleton, Motion and clip: what every reader makes and everything else takes.

World frame: Y up, +Z forward, metres, seconds. In the rest pose every joint's axes are the world's, so a
joint's local rotation is what turns its children's rest offsets, and a BVH file's channels are it directly.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from motionary import rotation
from motionary.errors import MotionaryError

__all__ = ["Clip", "Motion", "Skeleton", "forward_kinematics", "resample", "rest_positions", "slice_frames"]

END_SUFFIX = "_end"
"""A joint with this suffix is the end of a bone (BVH's End Site): it has an offset and never turns."""

MOST_POSES = 1 << 26
"""Joints times frames of a resampled motion: twelve hours of 75 joints at 20 fps, 2 GB."""


@dataclass(frozen=True, eq=False)
class Skeleton:
    """A tree of joints in its rest pose.

    names: J different names. parents: (J,) int; -1 for the one root, which is joint 0; a parent comes before
    its children. offsets: (J, 3) float64, metres, from the parent's joint, in the rest pose's world axes.
    """

    names: tuple[str, ...]
    parents: NDArray[np.int64]
    offsets: NDArray[np.float64]

    def __post_init__(self) -> None:
        count = len(self.names)
        object.__setattr__(self, "parents", np.asarray(self.parents, np.int64))
        object.__setattr__(self, "offsets", np.asarray(self.offsets, np.float64))
        if self.parents.shape != (count,) or self.offsets.shape != (count, 3):
            raise MotionaryError(
                f"skeleton of {count} joints has {len(self.parents)} parents and offsets of shape "
                f"{self.offsets.shape}; both need one row a joint"
            )
        if count == 0 or self.parents[0] != -1:
            raise MotionaryError("skeleton has no root: joint 0 must be the root, with parent -1")
        order = self.parents[1:]
        if np.any(order < 0) or np.any(order >= np.arange(1, count)):
            raise MotionaryError("skeleton joints are out of order: a parent must come before its children")
        if not np.isfinite(self.offsets).all():
            bad = self.names[int(np.argmin(np.isfinite(self.offsets).all(axis=1)))]
            raise MotionaryError(f"skeleton has an offset that is not a number at joint {bad!r}")
        if len(set(self.names)) != count:
            twice = next(name for name in self.names if self.names.count(name) > 1)
            raise MotionaryError(f"skeleton has two joints named {twice!r}; rename one")

    def index(self, name: str) -> int:
        """The number of the joint called ``name``; MotionaryError where there is none."""
        try:
            return self.names.index(name)
        except ValueError:
            raise MotionaryError(f"skeleton has no joint {name!r}; it has {', '.join(self.names)}") from None

    def children(self, joint: int) -> list[int]:
        """The joints whose parent is ``joint``, in order."""
        return [int(j) for j in np.flatnonzero(self.parents == joint)]

    def subtree(self, joint: int) -> list[int]:
        """``joint`` and all joints below it, in order."""
        inside = {joint}
        for other in range(joint + 1, len(self.names)):
            if int(self.parents[other]) in inside:
                inside.add(other)
        return sorted(inside)


@dataclass(frozen=True, eq=False)
class Motion:
    """A Skeleton moving.

    rotations: (T, J, 4) unit quaternions wxyz, each joint relative to its parent. translation: (T, 3) the
    root joint's position in the world, metres (the root's own offset is not added). fps: frames a second.
    """

    skeleton: Skeleton
    rotations: NDArray[np.float64]
    translation: NDArray[np.float64]
    fps: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "rotations", np.asarray(self.rotations, np.float64))
        object.__setattr__(self, "translation", np.asarray(self.translation, np.float64))
        frames, joints = len(self.translation), len(self.skeleton.names)
        if self.rotations.shape != (frames, joints, 4) or self.translation.shape != (frames, 3):
            raise MotionaryError(
                f"motion of {joints} joints has rotations of shape {self.rotations.shape} and translations "
                f"of shape {self.translation.shape}; they need (frames, {joints}, 4) and (frames, 3)"
            )
        if frames == 0:
            raise MotionaryError("motion has no frames")
        if not (np.isfinite(self.fps) and self.fps > 0):
            raise MotionaryError(f"motion has {self.fps} frames a second; it needs a positive number")
        if not (_are_finite(self.rotations) and _are_finite(self.translation)):
            bad = ~np.isfinite(self.rotations).all(axis=(1, 2)) | ~np.isfinite(self.translation).all(axis=1)
            raise MotionaryError(f"motion has a value that is not a number in frame {int(np.argmax(bad))}")

    @property
    def frames(self) -> int:
        """T, the number of frames."""
        return len(self.translation)

    @property
    def duration(self) -> float:
        """Seconds: frames / fps, so that consecutive clips add up."""
        return self.frames / self.fps


def _are_finite(values: NDArray[np.float64]) -> bool:
    """Whether all are numbers; without an array of answers, which of a long motion takes hundreds of MB."""
    return not values.size or bool(np.isfinite(values.min()) and np.isfinite(values.max()))


@dataclass(frozen=True, eq=False)
class Clip:
    """The unit that is searched and applied: a Motion with what is known of it.

    source: the file it came from, as the user named it (or "" for none).
    """

    name: str
    motion: Motion
    source: str = ""
    captions: tuple[str, ...] = ()
    tags: tuple[str, ...] = field(default=())


def rest_positions(skeleton: Skeleton) -> NDArray[np.float64]:
    """Positions (J, 3), in metres, of the joints in the rest pose with the root at the origin."""
    positions = np.zeros_like(skeleton.offsets)
    for joint, parent in enumerate(skeleton.parents[1:], 1):
        positions[joint] = positions[parent] + skeleton.offsets[joint]
    return positions


def forward_kinematics(motion: Motion) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """World joint positions (T, J, 3) in metres and world rotations (T, J, 4) of every joint."""
    skeleton = motion.skeleton
    positions = np.empty((motion.frames, len(skeleton.names), 3))
    rotations = np.empty((motion.frames, len(skeleton.names), 4))
    positions[:, 0], rotations[:, 0] = motion.translation, motion.rotations[:, 0]
    for level in _levels(skeleton.parents):
        parents = skeleton.parents[level]
        rotations[:, level] = rotation.multiply(rotations[:, parents], motion.rotations[:, level])
        positions[:, level] = positions[:, parents] + rotation.rotate(
            rotations[:, parents], skeleton.offsets[level]
        )
    return positions, rotations


def _levels(parents: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Joints grouped by depth below the root, so that kinematics takes one numpy call a level."""
    depth = np.zeros(len(parents), np.int64)
    for joint in range(1, len(parents)):
        depth[joint] = depth[parents[joint]] + 1
    return [np.flatnonzero(depth == level) for level in range(1, int(depth.max(initial=0)) + 1)]


def resample(motion: Motion, fps: float) -> Motion:
    """The same movement at another rate, in the same seconds: slerp for rotations, linear for translation.

    Frame k of the result is at k / fps seconds; the last one is at or before the last source frame.
    MotionaryError for a rate that is none, and for more frames than there is memory: a file may claim to take
    years over two frames.
    """
    if not (np.isfinite(fps) and fps > 0):
        raise MotionaryError(f"cannot resample to {fps} frames a second; it needs a positive number")
    if fps == motion.fps:
        return motion
    longest = (motion.frames - 1) * fps / motion.fps
    if not longest * len(motion.skeleton.names) < MOST_POSES:
        raise MotionaryError(
            f"motion of {motion.frames} frames at {motion.fps:g} a second is too long for {fps:g} a second; "
            "correct its rate, or cut it into parts"
        )
    count = int(np.floor(longest + 1e-6)) + 1
    at = np.minimum(np.arange(count) * (motion.fps / fps), motion.frames - 1)
    low = np.minimum(at.astype(np.int64), max(motion.frames - 2, 0))
    high = np.minimum(low + 1, motion.frames - 1)
    part = at - low
    return Motion(
        motion.skeleton,
        rotation.slerp(motion.rotations[low], motion.rotations[high], part[:, None]),
        motion.translation[low] * (1 - part[:, None]) + motion.translation[high] * part[:, None],
        float(fps),
    )


def slice_frames(motion: Motion, start: int, end: int) -> Motion:
    """Frames [start, end) of ``motion``; MotionaryError where that holds none of them."""
    if not 0 <= start < end <= motion.frames:
        raise MotionaryError(f"frames {start} to {end} are not within the motion's {motion.frames} frames")
    return replace(motion, rotations=motion.rotations[start:end], translation=motion.translation[start:end])
