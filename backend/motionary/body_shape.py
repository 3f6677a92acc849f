"""A human body in a skeleton whose joint names say nothing, by the shape of its rest pose."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from motionary.motion import Skeleton, rest_positions

__all__ = ["joints_by_shape"]

LONG = 0.1
"""A chain of joints counts as a limb from this part of the skeleton's size on."""

LEG = ("hip", "knee", "ankle", "foot")
ARM = ("shoulder", "elbow", "wrist")


def joints_by_shape(skeleton: Skeleton) -> dict[str, int] | None:
    """Canonical joint -> source joint for what shape can tell of a body standing along Y; None if it is none.

    The hips are the first joint that three limbs leave: the two that reach lowest are the legs, of the others
    the one with most joints is the torso. The chest is the torso's first such joint: the two limbs that reach
    farthest sideways are the arms, the highest of the others ends in the head. In an arm or leg the
    longest bone is the upper one, or the lower one if what follows is not half as long, a hand or foot. Toes
    point forward and so tell left from right; without them the front is +Z.
    """
    rest = rest_positions(skeleton)
    limbs = _limbs(skeleton, rest)
    hips = next((j for j, leaving in enumerate(limbs) if len(leaving) >= 3), None)
    if hips is None:
        return None
    *others, leg_a, leg_b = sorted(limbs[hips], key=lambda limb: -rest[limb[-1], 1])
    counts = _joints_below(skeleton)
    torso = skeleton.subtree(max((limb[1] for limb in others), key=lambda joint: counts[joint]))
    chest = next((j for j in torso if len(limbs[j]) >= 3), None)
    if chest is None:
        return None
    across = rest[leg_a[-1]] - rest[leg_b[-1]]
    *necks, arm_a, arm_b = sorted(
        limbs[chest], key=lambda limb: abs(float((rest[limb[-1]] - rest[chest]) @ across))
    )
    neck = max(necks, key=lambda limb: rest[limb[-1], 1])
    legs = [_from_upper_bone(limb, rest) for limb in (leg_a, leg_b)]
    arms = [_from_upper_bone(limb, rest) for limb in (arm_a, arm_b)]
    if min(len(limb) for limb in legs + arms) < 3:
        return None

    forward = sum((rest[leg[-1]] - rest[leg[2]] for leg in legs), np.zeros(3)) * [1.0, 0.0, 1.0]
    if not np.any(forward):
        forward = np.array([0.0, 0.0, 1.0])
    left = np.cross([0.0, 1.0, 0.0], forward)
    # The last joint of a chain is mostly the tip of a bone, and the head the start of that bone.
    found = {"pelvis": hips, "head": neck[-2] if len(neck) > 2 else neck[-1]}
    for names, pair in ((LEG, legs), (ARM, arms)):
        by_side = sorted(pair, key=lambda limb: -float(rest[limb[-1]] @ left))
        for side, limb in zip(("left", "right"), by_side, strict=True):
            found |= {f"{side}_{name}": joint for name, joint in zip(names, limb, strict=False)}
    return found


def _joints_below(skeleton: Skeleton) -> list[int]:
    """For each joint how many there are from it on."""
    counts = [1] * len(skeleton.names)
    for joint in range(len(counts) - 1, 0, -1):  # children before their parents
        counts[int(skeleton.parents[joint])] += counts[joint]
    return counts


def _limbs(skeleton: Skeleton, rest: NDArray[np.float64]) -> list[list[list[int]]]:
    """For each joint the limbs that leave it: by each child the joints, itself first, to the farthest tip.

    Joints in the place of the one before are left out, and limbs that are not long.
    """
    size = float(np.ptp(rest, axis=0).max())
    lengths = np.linalg.norm(skeleton.offsets, axis=1)
    paths: list[list[int]] = [[j] for j in range(len(rest))]  # from each joint to its farthest tip
    reach = np.zeros(len(rest))
    limbs: list[list[list[int]]] = [[] for _ in rest]
    for joint in range(len(rest) - 1, 0, -1):  # children before their parents
        parent = int(skeleton.parents[joint])
        length = reach[joint] + lengths[joint]
        path = [parent, *(paths[joint] if lengths[joint] > 0 else paths[joint][1:])]
        if length > LONG * size:
            limbs[parent].insert(0, path)
        if length > reach[parent]:
            reach[parent], paths[parent] = length, path
    return limbs


def _from_upper_bone(limb: list[int], rest: NDArray[np.float64]) -> list[int]:
    """The limb from where its upper bone starts; empty if it has no two bones."""
    bones = np.linalg.norm(np.diff(rest[limb], axis=0), axis=1)
    if len(bones) < 2:
        return []
    longest = int(np.argmax(bones))
    is_lower = longest + 1 == len(bones) or bones[longest + 1] < bones[longest] / 2
    return limb[max(longest - 1, 0) if is_lower else longest :]
