"""Gestures: what hands, head and shoulders say, standing.

Written for the right side; the catalogue mirrors them. See :data:`motionary.starter.pose.REST` for what the
controls mean.
"""

# A key is read as a row.
# fmt: off
from __future__ import annotations

from motionary.starter.keyframes import Pose, both, cycle, move, repeated

UP_R: Pose = {"hand_r": (0.5, 0.45, 0.25), "elbow_r": -25, "wrist_r": (-10, 0, 0), "head": (0, 0, -8)}
WAVE = move(
    (0.65, UP_R),
    *repeated(
        0.85, 0.26, 4, {"hand_r": (0.68, 0.4, 0.22), "wrist_r": (-10, -18, 0)},
        {"hand_r": (0.28, 0.52, 0.28), "wrist_r": (-10, 18, 0)},
    ),
    back=0.8,
)
WAVE_SLOWLY = move(
    (0.9, UP_R),
    *repeated(1.3, 0.55, 3, {"hand_r": (0.66, 0.4, 0.22)}, {"hand_r": (0.3, 0.52, 0.28)}),
    back=1.1,
)
WAVE_BOTH = move(
    (0.7, both(hand=(0.5, 0.75, 0.2))),
    *repeated(0.9, 0.3, 4, both(hand=(0.68, 0.66, 0.15)), both(hand=(0.15, 0.92, 0.2))),
    back=0.9,
)
BOW = move(
    (0.2, {"body": (0, 0, 0)}),
    (1.1, {
        "body": (24, 0, 0), "spine": (30, 0, 0), "head": (14, 0, 0), "pelvis": (0, -0.01, -0.08),
        **both(hand=(0.06, -0.72, 0.6)),
    }),
    (1.8, {"body": (24, 0, 0)}),
    back=1.0,
)
NOD = move((0.3, {"head": (0, 0, 0)}), *repeated(0.55, 0.28, 4, {"head": (28, 0, 0)}, {"head": (-6, 0, 0)}))
SHAKE_HEAD = move(
    (0.3, {"head": (0, 0, 0)}),
    *repeated(0.55, 0.3, 4, {"head": (3, 0, 34)}, {"head": (3, 0, -34)}),
)
CLAP = move(
    (0.6, both(hand=(-0.1, -0.22, 0.62), elbow=-10, wrist=(0, 0, 0))),
    *repeated(0.8, 0.19, 7, both(hand=(-0.29, -0.2, 0.62)), both(hand=(-0.02, -0.22, 0.6))),
    back=0.8,
)
POINT = move(
    (0.7, {"hand_r": (0.02, 0.02, 0.97), "spine": (2, 0, 8), "head": (0, 0, -3), "pelvis": (0, 0, 0.02)}),
    (1.7, {"hand_r": (0.02, 0.03, 0.98)}),
    back=0.9,
)
POINT_UP = move(
    (0.8, {"hand_r": (0.1, 0.93, 0.3), "head": (-28, 0, -6), "spine": (-6, 0, 0)}),
    (1.9, {"hand_r": (0.12, 0.94, 0.28)}),
    back=0.9,
)
POINT_ASIDE = move(
    (0.7, {"hand_r": (0.97, 0.04, 0.15), "head": (0, 0, -58), "spine": (0, 0, -10)}),
    (1.7, {"hand_r": (0.98, 0.05, 0.13)}),
    back=0.9,
)
SALUTE = move(
    (0.55, {
        "hand_r": (-0.02, 0.36, 0.32), "elbow_r": 42, "wrist_r": (0, 0, 0), "spine": (-4, 0, 0),
        "head": (-2, 0, 0),
    }),
    (1.7, {"hand_r": (-0.02, 0.36, 0.32)}),
    back=0.5,
)
SHRUG = move(
    (0.55, {
        **both(collar=(16, 4), hand=(0.42, -0.45, 0.45), elbow=-15, wrist=(-20, 0, 75)), "head": (-2, 12, 0),
        "spine": (-3, 0, 0),
    }),
    (1.15, both(collar=(17, 4), hand=(0.44, -0.44, 0.45))),
    back=0.7,
)
DRINK = move(
    (0.7, {"hand_r": (-0.02, -0.45, 0.55), "head": (8, 0, -6)}),
    (1.5, {"hand_r": (-0.2, 0.06, 0.42), "elbow_r": -15, "wrist_r": (0, 10, 0), "head": (0, 0, 0)}),
    (2.1, {
        "hand_r": (-0.21, 0.16, 0.4), "elbow_r": 5, "wrist_r": (0, 25, 0), "head": (-26, 0, 0),
        "spine": (-5, 0, 0),
    }),
    (3.0, {"hand_r": (-0.21, 0.17, 0.4), "head": (-28, 0, 0)}),
    (3.6, {"hand_r": (-0.1, -0.35, 0.5), "head": (0, 0, 0), "spine": (0, 0, 0), "elbow_r": 0}),
    back=0.8,
)
PHONE = move(
    (0.5, {"hand_r": (0.08, -0.55, 0.45)}),
    (1.1, {"hand_r": (-0.12, 0.3, 0.2), "elbow_r": -40, "head": (2, -8, -5)}),
    (2.3, {"hand_r": (-0.12, 0.3, 0.2), "head": (6, -8, 6), "hand_l": (0.2, -0.8, 0.25)}),
    (3.4, {"head": (-2, -10, -8), "hand_l": (0.15, -0.6, 0.5)}),
    back=0.9,
)
ARMS_CROSSED = move(
    (0.8, {"hand_r": (-0.44, -0.4, 0.34), "hand_l": (-0.4, -0.5, 0.28), **both(elbow=-10)}),
    (1.6, {"pelvis": (0.03, 0, 0), "body": (0, -1, 0), "head": (0, 4, 12)}),
    (2.8, {"pelvis": (-0.02, 0, 0), "body": (0, 1, 0), "head": (2, -3, -10)}),
    back=0.8,
)
HANDS_ON_HIPS = move(
    (0.7, {**both(hand=(-0.02, -0.68, 0.12), elbow=42), "spine": (-4, 0, 0)}),
    (1.7, {"head": (0, 0, 25)}),
    (2.7, {"head": (0, 0, -25)}),
    back=0.8,
)
STAND = move(
    (1.5, {"pelvis": (0.03, -0.004, 0), "body": (0, -1.5, 2), "head": (1, 1, 6)}),
    (3.2, {"pelvis": (-0.03, -0.004, 0.005), "body": (0, 1.5, -2), "head": (-1, -1, -5)}),
    back=1.0,
)
LOOK_AROUND = move(
    (0.9, {"head": (0, 0, 52), "spine": (0, 0, 14), "body": (0, 0, 4)}),
    (1.6, {"head": (2, 0, 55), "spine": (0, 0, 15)}),
    (2.8, {"head": (0, 0, -52), "spine": (0, 0, -14), "body": (0, 0, -4)}),
    (3.5, {"head": (2, 0, -55), "spine": (0, 0, -15)}),
    back=0.9,
)
LOOK_UP = move((0.8, {"head": (-40, 0, 0), "spine": (-8, 0, 0)}), (1.8, {"head": (-42, 0, 6)}), back=0.8)
LOOK_DOWN = move((0.7, {"head": (38, 0, 0), "spine": (10, 0, 0)}), (1.7, {"head": (40, 0, -4)}), back=0.8)
THINK = move(
    (0.9, {"hand_r": (-0.24, 0.0, 0.36), "elbow_r": -12, "hand_l": (-0.4, -0.5, 0.36), "head": (12, 0, -6)}),
    (2.0, {"head": (8, 6, 8), "pelvis": (0.025, 0, 0)}),
    (3.0, {"head": (14, 2, -4), "pelvis": (0.0, 0, 0)}),
    back=0.8,
)
COVER_FACE = move(
    (0.8, {**both(hand=(-0.28, 0.12, 0.38), elbow=0), "head": (26, 0, 0), "spine": (20, 0, 0)}),
    (2.2, {"head": (30, 0, 0), "spine": (24, 0, 0)}),
    back=1.0,
)
COME_HERE = move(
    (0.6, {"hand_r": (0.1, -0.1, 0.85), "wrist_r": (0, 0, 60)}),
    *repeated(0.9, 0.32, 3, {"hand_r": (0.05, 0.1, 0.45)}, {"hand_r": (0.1, -0.08, 0.85)}),
    back=0.8,
)
STOP_SIGN = move(
    (0.45, {"hand_r": (-0.05, 0.08, 0.93), "wrist_r": (-70, 0, 0), "spine": (0, 0, 10)}),
    (1.6, {"hand_r": (-0.05, 0.08, 0.94)}),
)
CHEER = move(
    (0.5, {**both(hand=(0.3, -0.1, 0.5), elbow=-10), "pelvis": (0, -0.08, 0), "spine": (10, 0, 0)}),
    *repeated(
        0.8, 0.28, 4,
        {**both(hand=(0.3, 0.93, 0.1)), "pelvis": (0, 0.0, 0), "spine": (-6, 0, 0), "head": (-12, 0, 0)},
        {**both(hand=(0.28, 0.5, 0.35)), "pelvis": (0, -0.04, 0), "spine": (0, 0, 0), "head": (-4, 0, 0)},
    ),
    back=0.9,
)
REACH_UP = move(
    (1.0, {
        "hand_r": (0.06, 0.97, 0.18), "collar_r": (12, 0), "head": (-30, 0, -6), "spine": (-4, 5, 0),
        **both(sole=(0, 8)), "sole_l": (26, 8), "sole_r": (26, -8), "pelvis": (0, 0.075, 0.05),
    }),
    (1.8, {"hand_r": (0.06, 0.98, 0.2)}),
    back=1.0,
)
BOTH_UP = move(
    (1.0, {**both(hand=(0.12, 0.96, 0.1), collar=(6, 0)), "head": (-12, 0, 0)}),
    (2.0, {}),
    back=1.0,
)
ARMS_OUT = move((0.9, both(hand=(0.98, 0.02, 0.05))), (2.2, {}), back=0.9)
STOMP = move(
    (0.4, {"pelvis": (0.085, 0, 0), "foot_r": (-0.1, 0, 0), "sole_r": (0, -8)}),
    *cycle(
        3,
        0.62,
        (0.7, {"foot_r": (-0.1, 0.3, 0.08), "sole_r": (8, -8), **both(hand=(0.2, -0.6, 0.3), elbow=15)}),
        (0.86, {
            "foot_r": (-0.1, 0, 0.0), "sole_r": (0, -8), "pelvis": (0.06, -0.03, 0), "spine": (8, 0, 0),
            "head": (8, 0, 0), **both(hand=(0.18, -0.92, 0.1)),
        }),
        (1.0, {"foot_r": (-0.1, 0, 0.0), "pelvis": (0.085, 0, 0), "spine": (3, 0, 0)}),
    ),
)
