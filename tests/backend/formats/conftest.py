"""A small human that the tests of the formats share."""

import numpy as np
import pytest

from motionary import rotation
from motionary.formats.humanml3d import motion_from_joints
from motionary.motion import Motion

HEIGHTS = np.array(
    [
        [0, 0.95, 0], [0.1, 0.9, 0], [-0.1, 0.9, 0], [0, 1.08, 0], [0.1, 0.48, 0], [-0.1, 0.48, 0],
        [0, 1.22, 0], [0.1, 0.06, 0], [-0.1, 0.06, 0], [0, 1.28, 0], [0.1, 0, 0.14], [-0.1, 0, 0.14],
        [0, 1.5, 0], [0.07, 1.4, 0], [-0.07, 1.4, 0], [0, 1.6, 0], [0.19, 1.4, 0], [-0.19, 1.4, 0],
        [0.45, 1.4, 0], [-0.45, 1.4, 0], [0.7, 1.4, 0], [-0.7, 1.4, 0],
    ]
)  # fmt: skip


@pytest.fixture
def standing() -> Motion:
    """Canonical joints of a grown person who stands with arms out and wiggles a little."""
    still = motion_from_joints(np.tile(HEIGHTS, (8, 1, 1)), 30.0)
    wiggle = rotation.from_rotvec(np.random.default_rng(3).normal(0, 0.05, (*still.rotations.shape[:2], 3)))
    return Motion(still.skeleton, rotation.multiply(still.rotations, wiggle), still.translation, 30.0)
