"""Fighting: guard, punches and kicks.

Written for the right side; the catalogue mirrors them. See :data:`motionary.starter.pose.REST` for what the
controls mean.
"""

# A key is read as a row.
# fmt: off
from __future__ import annotations

from motionary.starter.exercise import OVER_LEFT
from motionary.starter.keyframes import Move, Pose, both, move, repeated

GUARD: Pose = {
    "hand_l": (-0.15, 0.08, 0.55), "hand_r": (-0.18, 0.06, 0.38), **both(elbow=-25), "spine": (12, 0, -12),
    "head": (4, 0, 8), "pelvis": (0, -0.06, 0), "body": (4, 0, -14),
}
GUARD_HELD = move(
    (0.6, GUARD),
    *repeated(
        1.1, 0.45, 3, {"pelvis": (0.03, -0.08, 0), "head": (4, 4, 10)},
        {"pelvis": (-0.03, -0.06, 0), "head": (4, -4, 6)},
    ),
    back=0.7,
)


def _punch(reach: Pose, load: Pose, strike: float = 0.13) -> Move:
    """From guard, wind up, strike, come back to guard, and lower the hands."""
    hands: Pose = {name: GUARD[name] for name in {*reach, *load} if name in GUARD}
    return move(
        (0.55, GUARD), (0.85, load), (0.85 + strike, reach), (0.93 + strike, reach), (1.4, hands), back=0.8
    )


JAB = _punch(
    {
        "hand_l": (0.5, 0.12, 0.82), "elbow_l": 10, "spine": (14, 0, -26), "body": (6, 0, -22),
        "pelvis": (0, -0.06, 0.06), "head": (4, 0, 26),
    },
    {"spine": (10, 0, -6), "pelvis": (0, -0.07, -0.02), "head": (4, 0, 8)},
)
CROSS = _punch(
    {
        "hand_r": (0.52, 0.12, 0.81), "elbow_r": 10, "spine": (14, 0, 30), "body": (6, 0, 22),
        "pelvis": (0.03, -0.06, 0.08), "head": (2, 0, -26), "sole_r": (30, 25),
    },
    {
        "hand_r": (0.0, -0.02, 0.25), "spine": (10, 0, -20), "body": (4, 0, -22), "head": (4, 0, 18),
        "sole_r": (0, -8),
    },
    0.19,
)
HOOK = _punch(
    {
        "hand_r": (0.3, 0.15, 0.45), "elbow_r": 60, "spine": (10, 0, 38), "body": (4, 0, 24),
        "head": (2, 0, -34), "sole_r": (28, 25),
    },
    {
        "hand_r": (0.6, -0.05, 0.25), "elbow_r": 30, "spine": (10, 0, -26), "body": (4, 0, -24),
        "head": (4, 0, 22), "sole_r": (0, -8),
    },
    0.2,
)
UPPERCUT = _punch(
    {
        "hand_r": (0.15, 0.42, 0.48), "elbow_r": -20, "spine": (-4, 0, 26), "body": (0, 0, 18),
        "pelvis": (0.02, 0.0, 0.05), "head": (-4, 0, -24), "wrist_r": (0, 0, 90), "sole_r": (25, 15),
    },
    {
        "hand_r": (0.05, -0.6, 0.25), "spine": (20, -6, -22), "body": (8, 0, -18),
        "pelvis": (-0.02, -0.16, 0), "wrist_r": (0, 0, 60), "sole_r": (0, -8),
    },
    0.2,
)
COMBINATION = move(
    (0.5, GUARD),
    (0.75, {"hand_l": (0.48, 0.12, 0.82), "spine": (14, 0, -26), "body": (6, 0, -20), "head": (4, 0, 26)}),
    (0.95, {"hand_l": (-0.15, 0.08, 0.55), "spine": (12, 0, -12)}),
    (1.05, {"hand_r": (-0.18, 0.06, 0.38)}),
    (1.22, {"hand_r": (0.5, 0.12, 0.82), "spine": (14, 0, 28), "body": (6, 0, 20), "head": (2, 0, -24)}),
    (1.48, {
        "hand_r": (-0.18, 0.06, 0.38), "spine": (12, 0, 4), "hand_l": (-0.15, 0.08, 0.55), "head": (4, 0, 0),
    }),
    (1.6, {"hand_l": (0.5, -0.05, 0.4), "spine": (12, 0, 14), "elbow_l": 35}),
    (1.8, {
        "hand_l": (0.28, 0.15, 0.45), "spine": (12, 0, -36), "elbow_l": 60, "body": (4, 0, -20),
        "head": (4, 0, 30),
    }),
    (2.15, GUARD),
    back=0.8,
)
KICK_GUARD: Pose = {"hand_l": (-0.05, 0.05, 0.5), "hand_r": (0.0, 0.0, 0.45), **both(elbow=-20)}
FRONT_KICK = move(
    (0.45, {**KICK_GUARD, **OVER_LEFT, "foot_r": (-0.1, 0, 0), "sole_r": (0, -8)}),
    (0.75, {
        "foot_r": (-0.05, 0.5, 0.14), "sole_r": (25, -4), "pelvis": (0.09, -0.01, 0.0), "body": (-6, -2, 4),
    }),
    (0.95, {
        "foot_r": (-0.02, 0.8, 0.72), "sole_r": (10, -4), "body": (-22, -3, 10), "spine": (12, 0, -4),
        "pelvis": (0.09, 0, 0.03), "hand_r": (0.3, -0.55, 0.1),
    }),
    (1.03, {"foot_r": (-0.02, 0.8, 0.72), "sole_r": (10, -4)}),
    (1.3, {
        "foot_r": (-0.05, 0.42, 0.16), "sole_r": (25, -4), "body": (-4, -2, 2), "spine": (4, 0, 0),
        "hand_r": (0.0, 0.0, 0.45),
    }),
    (1.65, {"foot_r": (-0.1, 0, 0), "sole_r": (0, -8), "pelvis": (0.06, 0, 0)}),
    back=0.6,
)
SIDE_KICK = move(
    (0.45, {**KICK_GUARD, **OVER_LEFT, "foot_r": (-0.1, 0, 0), "sole_r": (0, -8), "head": (0, 0, -20)}),
    (0.8, {
        "foot_r": (-0.02, 0.48, 0.08), "sole_r": (0, -10), "pelvis": (0.1, -0.01, 0), "body": (0, 10, 10),
        "head": (0, -5, -60),
    }),
    (1.0, {
        "foot_r": (-0.66, 0.72, 0.06), "sole_r": (-15, -10), "body": (0, 34, 16), "spine": (0, 8, 0),
        "pelvis": (0.13, -0.01, 0), "head": (0, -25, -65), "knee_r": -20,
    }),
    (1.1, {"foot_r": (-0.66, 0.72, 0.06), "sole_r": (-15, -10)}),
    (1.4, {
        "foot_r": (-0.04, 0.42, 0.06), "sole_r": (0, -10), "body": (0, 8, 8), "spine": (0, 0, 0),
        "knee_r": 0, "head": (0, -5, -40),
    }),
    (1.8, {"foot_r": (-0.1, 0, 0), "sole_r": (0, -8), "pelvis": (0.06, 0, 0), "body": (0, 0, 0)}),
    back=0.6,
)
ROUNDHOUSE = move(
    (0.45, {
        **KICK_GUARD, **OVER_LEFT, "foot_r": (-0.1, 0, 0), "sole_r": (0, -8), "foot_l": (0.1, 0, 0),
        "sole_l": (0, 8),
    }),
    (0.8, {
        "foot_r": (-0.42, 0.42, -0.1), "sole_r": (40, 10), "pelvis": (0.1, -0.01, 0), "body": (-4, 14, 30),
        "spine": (4, 6, -16), "sole_l": (4, 50),
    }),
    (1.0, {
        "foot_r": (-0.16, 0.78, 0.66), "sole_r": (45, 60), "body": (-8, 28, 75), "spine": (4, 8, -40),
        "head": (0, -14, -32), "sole_l": (4, 85), "hand_r": (0.45, -0.6, -0.2),
    }),
    (1.1, {"foot_r": (0.1, 0.76, 0.68), "sole_r": (45, 80), "body": (-8, 28, 86)}),
    (1.4, {
        "foot_r": (0.0, 0.42, 0.2), "sole_r": (30, 60), "body": (-2, 10, 60), "spine": (4, 0, -20),
        "hand_r": (0.0, 0.0, 0.45), "sole_l": (4, 60),
    }),
    (1.85, {
        "foot_r": (-0.1, 0, 0), "sole_r": (0, -8), "pelvis": (0.06, 0, 0), "body": (0, 0, 4),
        "sole_l": (0, 8),
    }),
    back=0.6,
)
KNEE_STRIKE = move(
    (0.45, {**OVER_LEFT, "foot_r": (-0.1, 0, 0), "sole_r": (0, -8), **both(hand=(-0.1, 0.15, 0.75))}),
    (0.75, {
        "foot_r": (-0.06, 0.52, -0.08), "sole_r": (45, -6), "pelvis": (0.09, 0, 0.04), "body": (-10, -2, 8),
        "spine": (18, 0, 0), **both(hand=(-0.05, -0.4, 0.5)),
    }),
    (0.85, {"foot_r": (-0.06, 0.52, -0.06), "sole_r": (45, -6)}),
    (1.3, {"foot_r": (-0.1, 0, 0), "sole_r": (0, -8), "pelvis": (0.05, 0, 0), **both(hand=(0.0, -0.1, 0.6))}),
    back=0.6,
)
