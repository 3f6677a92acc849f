"""Which columns of the features belong to what: to positions, rotations, velocities; to a part of the body.

Features of J joints have F = 12 J - 1 columns (263 of HumanML3D's 22 joints, 251 of KIT-ML's 21): the root's
4, positions of joints 1 to J-1 (3 each), their rotations (6 each), velocities of all joints (3 each), 4
contacts (left ankle, left toes, right ankle, right toes). See :mod:`motionary.features`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from motionary.errors import MotionaryError

__all__ = ["BLOCKS", "PARTS", "block_columns", "part_columns"]

BLOCKS = ("all", "positions", "rotations", "velocities")

PARTS = ("spine and head", "left arm", "right arm", "left leg", "right leg")
"""The five kinematic chains; the root, joint 0, belongs to the spine."""

# The joints of each part, in the order of PARTS, by the number of joints.
_CHAINS: dict[int, tuple[tuple[int, ...], ...]] = {
    22: ((0, 3, 6, 9, 12, 15), (13, 16, 18, 20), (14, 17, 19, 21), (1, 4, 7, 10), (2, 5, 8, 11)),
    21: ((0, 1, 2, 3, 4), (8, 9, 10), (5, 6, 7), (16, 17, 18, 19, 20), (11, 12, 13, 14, 15)),
}
_LEFT_CONTACTS, _RIGHT_CONTACTS = (0, 1), (2, 3)


def block_columns(width: int, block: str) -> NDArray[np.int64]:
    """The columns (C,), rising, that an encoder of ``block`` reads of features ``width`` wide.

    "all", or the root's and the contacts with one block between them. MotionaryError for another width.
    """
    joints = _joints(width)
    starts = {"positions": 4, "rotations": 1 + 3 * joints, "velocities": 9 * joints - 5}
    ends = {"positions": 1 + 3 * joints, "rotations": 9 * joints - 5, "velocities": width - 4}
    if block == "all":
        return np.arange(width)
    parts = (np.arange(4), np.arange(starts[block], ends[block]), np.arange(width - 4, width))
    return np.concatenate(parts)


def part_columns(width: int, block: str) -> tuple[NDArray[np.int64], ...]:
    """For each of PARTS, its share of ``block_columns``, as columns of the features.

    Together they are all of them, each once. The root's four go with the spine, a foot's contacts with its
    leg. MotionaryError for another width.
    """
    joints, chosen = _joints(width), block_columns(width, block)
    owner = np.zeros(width, np.int64)
    for part, chain in enumerate(_CHAINS[joints]):
        for joint in chain:
            if joint:
                owner[4 + 3 * (joint - 1) :][:3] = part
                owner[1 + 3 * joints + 6 * (joint - 1) :][:6] = part
            owner[9 * joints - 5 + 3 * joint :][:3] = part
    for part, contacts in ((3, _LEFT_CONTACTS), (4, _RIGHT_CONTACTS)):
        owner[[width - 4 + contact for contact in contacts]] = part
    return tuple(chosen[owner[chosen] == part] for part in range(len(PARTS)))


def _joints(width: int) -> int:
    joints = (width + 1) // 12
    if 12 * joints - 1 != width or joints not in _CHAINS:
        raise MotionaryError(
            f"features are {width} wide; those of 22 joints have 263 columns, of 21 joints 251"
        )
    return joints
