"""Exercise: squats, stretches, balance, swimming strokes, and work on the floor.

Written for the right side; the catalogue mirrors them. See :data:`motionary.starter.pose.REST` for what the
controls mean.
"""

# A key is read as a row.
# fmt: off
from __future__ import annotations

from motionary.starter.keyframes import Pose, both, cycle, move, repeated

OVER_LEFT: Pose = {"pelvis": (0.085, 0, 0), "body": (0, -2, 0)}
"""All the weight on the left leg."""
LOW: Pose = {
    "pelvis": (0, -0.44, -0.17), "body": (24, 0, 0), "spine": (14, 0, 0), "head": (-24, 0, 0),
    **both(hand=(-0.04, 0.5, 0.8), knee=8),
}
HIGH: Pose = {
    "pelvis": (0, 0, 0), "body": (0, 0, 0), "spine": (0, 0, 0), "head": (0, 0, 0),
    **both(hand=(0.05, -0.12, 0.9), knee=0),
}
SQUAT = move((0.25, {"pelvis": (0, 0, 0)}), (1.2, LOW), (1.45, LOW), (2.3, HIGH), back=0.5)
SQUATS = move((0.4, HIGH), *repeated(1.1, 0.8, 3, LOW, HIGH), back=0.6)
LUNGE = move(
    (0.3, OVER_LEFT),
    (0.55, {
        "foot_r": (-0.1, 0.08, 0.4), "sole_r": (-12, -6), "pelvis": (0.06, -0.03, 0.15),
        "foot_l": (0.1, 0, 0), "sole_l": (0, 8),
    }),
    (0.85, {"foot_r": (-0.1, 0, 0.78), "sole_r": (-8, -4), "sole_l": (28, 4), "pelvis": (0.0, -0.14, 0.34)}),
    (0.95, {"sole_r": (0, -4)}),
    (1.4, {
        "pelvis": (0, -0.36, 0.42), "sole_l": (55, 4), "sole_r": (0, -4), "foot_r": (-0.1, 0, 0.78),
        "spine": (2, 0, 0), **both(hand=(0.08, -0.62, 0.2), elbow=25), "body": (4, 0, 0),
    }),
    (1.7, {"pelvis": (0, -0.36, 0.42), "sole_l": (55, 4), "foot_r": (-0.1, 0, 0.78)}),
    (2.25, {"pelvis": (0.02, -0.1, 0.3), "sole_l": (22, 4), "foot_r": (-0.1, 0, 0.78), "sole_r": (0, -4)}),
    (2.55, {
        "foot_r": (-0.1, 0.08, 0.36), "sole_r": (14, -6), "sole_l": (0, 8), "pelvis": (0.07, -0.02, 0.1),
    }),
    (2.85, {"foot_r": (-0.1, 0, 0), "sole_r": (0, -8), "pelvis": (0.03, 0, 0.01)}),
    back=0.5,
)
STRETCH_UP = move(
    (1.2, {**both(hand=(-0.12, 0.97, 0.02), collar=(10, 0)), "spine": (-8, 0, 0), "head": (-18, 0, 0)}),
    (2.1, {"spine": (-6, 16, 0), "body": (0, 4, 0), "pelvis": (-0.03, 0, 0)}),
    (3.1, {"spine": (-6, -16, 0), "body": (0, -4, 0), "pelvis": (0.03, 0, 0)}),
    (3.9, {"spine": (-4, 0, 0), "body": (0, 0, 0), "pelvis": (0, 0, 0)}),
    back=1.1,
)
TOUCH_TOES = move(
    (0.7, {**both(hand=(0.1, 0.95, 0.1)), "spine": (-6, 0, 0)}),
    (1.9, {
        **both(hand=(-0.1, 0.52, 0.82)), "body": (62, 0, 0), "spine": (68, 0, 0), "head": (20, 0, 0),
        "pelvis": (0, -0.04, -0.17),
    }),
    (2.8, {"body": (64, 0, 0), "spine": (72, 0, 0)}),
    back=1.3,
)
SIDE_BEND = move(
    (0.9, {"hand_r": (0.1, 0.95, 0.1), "hand_l": (0.05, -0.65, 0.15), "elbow_l": 30}),
    (1.7, {
        "spine": (0, 34, 0), "body": (0, 6, 0), "head": (0, 10, 0), "pelvis": (-0.06, 0, 0),
        "hand_r": (-0.1, 0.95, 0.12),
    }),
    (2.5, {"spine": (0, 36, 0)}),
    back=1.2,
)
ARM_CIRCLES = move(
    (0.6, both(hand=(0.97, 0.0, 0.0))),
    *repeated(
        0.8, 0.22, 4, both(hand=(0.9, 0.3, 0.0)), both(hand=(0.9, 0.0, 0.3)), both(hand=(0.9, -0.3, 0.0)),
        both(hand=(0.9, 0.0, -0.3)),
    ),
    back=0.8,
)
TWIST_TRUNK = move(
    (0.5, both(hand=(0.1, -0.05, 0.6), elbow=35)),
    *repeated(
        1.0, 0.62, 3, {"spine": (0, 0, 42), "body": (0, 0, 12), "head": (0, 0, 10)},
        {"spine": (0, 0, -42), "body": (0, 0, -12), "head": (0, 0, -10)},
    ),
    back=0.8,
)
BALANCE = move(
    (0.5, OVER_LEFT),
    (1.2, {
        "foot_r": (-0.06, 0.42, 0.12), "sole_r": (25, -8), "pelvis": (0.095, 0, 0),
        **both(hand=(0.9, 0.08, 0.1)),
    }),
    (2.1, {
        "pelvis": (0.088, 0, 0.006), "spine": (0, -3, 0), "hand_l": (0.9, 0.2, 0.1),
        "hand_r": (0.92, -0.02, 0.1),
    }),
    (3.0, {
        "pelvis": (0.096, 0, -0.004), "spine": (0, 3, 0), "hand_l": (0.92, -0.04, 0.1),
        "hand_r": (0.9, 0.2, 0.1), "foot_r": (-0.06, 0.43, 0.12), "sole_r": (25, -8),
    }),
    (3.7, {"foot_r": (-0.1, 0, 0), "sole_r": (0, -8), "pelvis": (0.06, 0, 0), "spine": (0, 0, 0)}),
    back=0.6,
)
KICKBACK = move(
    (0.4, OVER_LEFT),
    (1.0, {
        "foot_r": (-0.1, 0.3, -0.62), "sole_r": (50, -8), "body": (22, 0, 0), "spine": (8, 0, 0),
        "head": (-15, 0, 0), **both(hand=(0.3, -0.5, 0.6)),
    }),
    (1.25, {"foot_r": (-0.1, 0.3, -0.62), "sole_r": (50, -8)}),
    (1.8, {"foot_r": (-0.1, 0, 0), "sole_r": (0, -8), "pelvis": (0.05, 0, 0)}),
    back=0.5,
)
SWIM_CRAWL = move(
    (0.6, {
        "body": (14, 0, 0), "spine": (26, 0, 0), "head": (-22, 0, 0), "pelvis": (0, -0.06, -0.06),
        "hand_r": (0.1, 0.4, 0.85), "hand_l": (0.2, -0.8, -0.1),
    }),
    *cycle(
        3,
        1.4,
        (1.0, {"hand_r": (0.0, -0.45, 0.8), "hand_l": (0.55, -0.2, -0.45), "spine": (26, 0, 14)}),
        (1.35, {"hand_r": (0.15, -0.9, 0.0), "hand_l": (0.55, 0.55, 0.2), "spine": (26, 0, 0)}),
        (1.6, {"hand_l": (0.1, 0.4, 0.85), "hand_r": (0.3, -0.75, -0.35)}),
        (1.7, {"hand_l": (0.0, -0.1, 0.95), "hand_r": (0.55, -0.2, -0.45), "spine": (26, 0, -14)}),
        (2.05, {"hand_l": (0.15, -0.9, 0.0), "hand_r": (0.55, 0.55, 0.2), "spine": (26, 0, 0)}),
        (2.3, {"hand_r": (0.1, 0.4, 0.85), "hand_l": (0.3, -0.75, -0.35)}),
    ),
    back=0.9,
)
BREASTSTROKE = move(
    (0.6, {"spine": (20, 0, 0), "body": (8, 0, 0), "head": (-14, 0, 0), **both(hand=(-0.28, -0.1, 0.5))}),
    *repeated(
        1.1, 0.42, 3, both(hand=(-0.26, 0.05, 0.95)), both(hand=(0.7, -0.05, 0.6)),
        both(hand=(0.1, -0.3, 0.4)),
    ),
    back=0.8,
)
ON_TOES: Pose = {
    "foot_l": (0.1, 0, 0), "foot_r": (-0.1, 0, 0), "sole_l": (76, 2), "sole_r": (76, -2),
    "reach_l": (0.24, 0.06, 1.4), "reach_r": (-0.24, 0.06, 1.4),
    **both(hold=1, wrist=(-75, 0, 0), elbow=-10),
}
PLANK: Pose = {"pelvis": (0, -0.55, 0.985), "body": (75, 0, 0), "spine": (2, 0, 0), "head": (-16, 0, 0)}
PLANK_LOW: Pose = {"pelvis": (0, -0.725, 1.012), "body": (86, 0, 0), "spine": (2, 0, 0), "head": (-20, 0, 0)}
PUSH_UPS = move((0.0, {**ON_TOES, **PLANK}), (0.4, PLANK), *repeated(1.2, 0.75, 3, PLANK_LOW, PLANK), back=0)
HOLD_PLANK = move(
    (0.0, {**ON_TOES, **PLANK}),
    (1.5, {**PLANK, "pelvis": (0, -0.56, 0.983)}),
    (3.0, PLANK),
    back=0,
)
KNEES_UP: Pose = {
    "foot_l": (0.12, 0, 0.48), "foot_r": (-0.12, 0, 0.48), "sole_l": (0, 4), "sole_r": (0, -4),
    **both(hand=(0.04, 0.42, 0.14), elbow=20),
}
BACK_DOWN: Pose = {"pelvis": (0, -0.845, 0), "body": (-88, 0, 0), "spine": (4, 0, 0), "head": (14, 0, 0)}
BACK_UP: Pose = {"pelvis": (0, -0.84, 0), "body": (-22, 0, 0), "spine": (46, 0, 0), "head": (8, 0, 0)}
SIT_UPS = move(
    (0.0, {**KNEES_UP, **BACK_DOWN}),
    (0.4, BACK_DOWN),
    *repeated(1.4, 0.95, 3, BACK_UP, BACK_DOWN),
    back=0,
)
