"""Dancing.

Written for the right side; the catalogue mirrors them. See :data:`motionary.starter.pose.REST` for what the
controls mean.
"""

# A key is read as a row.
# fmt: off
from __future__ import annotations

from motionary.starter.keyframes import both, cycle, move, repeated

SIDE_STEP = move(
    (0.25, {
        "pelvis": (0.08, -0.01, 0), "foot_r": (-0.1, 0, 0), "sole_r": (0, -8), "foot_l": (0.1, 0, 0),
        "sole_l": (0, 8),
    }),
    *cycle(
        3,
        2.0,
        (0.45, {"foot_r": (-0.24, 0.05, 0), **both(hand=(0.2, -0.5, 0.5))}),
        (0.7, {
            "foot_r": (-0.4, 0, 0), "pelvis": (-0.2, -0.05, 0), "foot_l": (0.1, 0, 0), "spine": (4, -6, 6),
        }),
        (0.95, {
            "foot_l": (-0.04, 0.05, 0), "pelvis": (-0.36, -0.01, 0), "foot_r": (-0.4, 0, 0),
            **both(hand=(0.45, -0.1, 0.4)),
        }),
        (1.2, {"foot_l": (-0.2, 0, 0), "pelvis": (-0.36, -0.04, 0), "spine": (2, 0, 0)}),
        (1.25, {"foot_l": (-0.2, 0, 0), "pelvis": (-0.37, -0.04, 0), "foot_r": (-0.4, 0, 0)}),
        (1.45, {"foot_l": (-0.05, 0.05, 0), "pelvis": (-0.36, -0.01, 0), **both(hand=(0.2, -0.5, 0.5))}),
        (1.7, {
            "foot_l": (0.1, 0, 0), "pelvis": (-0.1, -0.05, 0), "spine": (4, 6, -6), "foot_r": (-0.4, 0, 0),
        }),
        (1.95, {
            "foot_r": (-0.25, 0.05, 0), "pelvis": (0.06, -0.01, 0), "foot_l": (0.1, 0, 0),
            **both(hand=(0.45, -0.1, 0.4)),
        }),
        (2.2, {"foot_r": (-0.1, 0, 0), "pelvis": (0.07, -0.04, 0), "spine": (2, 0, 0)}),
        (2.24, {"foot_r": (-0.1, 0, 0)}),
    ),
)
GROOVE = move(
    (0.5, both(hand=(0.25, 0.75, 0.3))),
    *repeated(
        0.8, 0.3, 4,
        {
            "pelvis": (0.06, -0.05, 0), "body": (0, -5, 4), "spine": (4, 10, 0), "head": (6, 4, 0),
            **both(hand=(0.3, 0.85, 0.2)),
        },
        {
            "pelvis": (0.03, -0.01, 0), "body": (0, 0, 0), "spine": (0, 0, 0), "head": (-4, 0, 0),
            **both(hand=(0.25, 0.7, 0.35)),
        },
        {
            "pelvis": (-0.06, -0.05, 0), "body": (0, 5, -4), "spine": (4, -10, 0), "head": (6, -4, 0),
            **both(hand=(0.3, 0.85, 0.2)),
        },
        {
            "pelvis": (-0.03, -0.01, 0), "body": (0, 0, 0), "spine": (0, 0, 0), "head": (-4, 0, 0),
            **both(hand=(0.25, 0.7, 0.35)),
        },
    ),
    back=0.8,
)
TWIST_DANCE = move(
    (0.4, {**both(hand=(0.2, -0.35, 0.5)), "pelvis": (0, -0.1, -0.02), "sole_l": (0, 8), "sole_r": (0, -8)}),
    *repeated(
        0.75, 0.3, 6,
        {
            "body": (4, 0, 26), "spine": (6, 0, -44), "head": (0, 0, 18), "pelvis": (0.03, -0.16, 0),
            "sole_l": (12, 34), "sole_r": (12, 18), "hand_l": (0.3, -0.4, 0.2),
            "hand_r": (0.05, -0.25, 0.62),
        },
        {
            "body": (4, 0, -26), "spine": (6, 0, 44), "head": (0, 0, -18), "pelvis": (-0.03, -0.12, 0),
            "sole_l": (12, -18), "sole_r": (12, -34), "hand_l": (0.05, -0.25, 0.62),
            "hand_r": (0.3, -0.4, 0.2),
        },
    ),
    back=0.7,
)
