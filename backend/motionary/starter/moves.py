"""Moves on the spot: keys for gestures, exercises, fights, dances and getting up and down.

All are written for the right side; the catalogue mirrors them. Hands are (out, up, forward) of the shoulder
in arm lengths; feet and pelvis are in metres from where the performer stands.
"""

from __future__ import annotations

from motionary.starter.keyframes import Key, Move, Pose, both, move

OVER_LEFT: Pose = {"pelvis": (0.085, 0, 0), "body": (0, -2, 0)}
"""All the weight on the left leg."""

GUARD: Pose = {
    "hand_l": (-0.15, 0.08, 0.55),
    "hand_r": (-0.18, 0.06, 0.38),
    **both(elbow=-25),
    "spine": (12, 0, -12),
    "head": (4, 0, 8),
    "pelvis": (0, -0.06, 0),
    "body": (4, 0, -14),
}
FISTS: Pose = both(wrist=(0, 0, 0))


def repeated(start: float, step: float, times: int, *poses: Pose) -> list[Key]:
    """``poses`` one after another, ``step`` seconds apart, the whole row ``times`` times."""
    return [(start + step * i, pose) for i, pose in enumerate(poses * times)]


# Gestures -----------------------------------------------------------------------------------------------

UP_R: Pose = {"hand_r": (0.5, 0.45, 0.25), "elbow_r": -25, "wrist_r": (-10, 0, 0), "head": (0, 0, -8)}
WAVE = move(
    (0.65, UP_R),
    *repeated(
        0.85,
        0.26,
        4,
        {"hand_r": (0.68, 0.4, 0.22), "wrist_r": (-10, -18, 0)},
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
    (1.2, {"body": (32, 0, 0), "spine": (38, 0, 0), "head": (18, 0, 0), "pelvis": (0, -0.01, -0.1),
           **both(hand=(0.08, -0.97, -0.1))}),
    (1.9, {"body": (32, 0, 0)}),
    back=1.1,
)  # fmt: skip
NOD = move((0.3, {"head": (0, 0, 0)}), *repeated(0.55, 0.28, 4, {"head": (22, 0, 0)}, {"head": (-4, 0, 0)}))
SHAKE_HEAD = move(
    (0.3, {"head": (0, 0, 0)}), *repeated(0.55, 0.3, 4, {"head": (3, 0, 34)}, {"head": (3, 0, -34)})
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
    (0.55, {"hand_r": (-0.02, 0.36, 0.32), "elbow_r": 42, "wrist_r": (0, 0, 0), "spine": (-4, 0, 0), "head": (-2, 0, 0)}),
    (1.7, {"hand_r": (-0.02, 0.36, 0.32)}),
    back=0.5,
)  # fmt: skip
SHRUG = move(
    (0.55, both(collar=(16, 4), hand=(0.42, -0.45, 0.45), elbow=-15, wrist=(-20, 0, 75))
     | {"head": (-2, 12, 0), "spine": (-3, 0, 0)}),
    (1.15, both(collar=(17, 4), hand=(0.44, -0.44, 0.45))),
    back=0.7,
)  # fmt: skip
DRINK = move(
    (0.7, {"hand_r": (-0.02, -0.45, 0.55), "head": (8, 0, -6)}),
    (1.5, {"hand_r": (-0.22, 0.06, 0.42), "elbow_r": 5, "wrist_r": (0, 10, 0), "head": (0, 0, 0)}),
    (2.1, {"hand_r": (-0.23, 0.16, 0.40), "elbow_r": 25, "wrist_r": (0, 25, 0), "head": (-26, 0, 0), "spine": (-5, 0, 0)}),
    (3.0, {"hand_r": (-0.23, 0.17, 0.40), "head": (-28, 0, 0)}),
    (3.6, {"hand_r": (-0.1, -0.35, 0.5), "head": (0, 0, 0), "spine": (0, 0, 0), "elbow_r": 0}),
    back=0.8,
)  # fmt: skip
PHONE = move(
    (0.5, {"hand_r": (0.1, -0.7, 0.35)}),
    (1.1, {"hand_r": (0.02, 0.16, 0.2), "elbow_r": -15, "head": (2, -8, -5)}),
    (2.3, {"hand_r": (0.02, 0.16, 0.2), "head": (6, -8, 6), "hand_l": (0.2, -0.8, 0.25)}),
    (3.4, {"head": (-2, -10, -8), "hand_l": (0.15, -0.6, 0.5)}),
    back=0.9,
)
ARMS_CROSSED = move(
    (0.8, {"hand_r": (-0.42, -0.42, 0.42), "hand_l": (-0.38, -0.5, 0.36), **both(elbow=-10)}),
    (1.6, {"pelvis": (0.03, 0, 0), "body": (0, -1, 0), "head": (0, 4, 12)}),
    (2.8, {"pelvis": (-0.02, 0, 0), "body": (0, 1, 0), "head": (2, -3, -10)}),
    back=0.8,
)
HANDS_ON_HIPS = move(
    (0.7, both(hand=(0.06, -0.6, 0.2), elbow=35) | {"spine": (-4, 0, 0)}),
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
    (0.8, both(hand=(-0.28, 0.12, 0.38), elbow=0) | {"head": (26, 0, 0), "spine": (20, 0, 0)}),
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
    (0.5, both(hand=(0.3, -0.1, 0.5), elbow=-10) | {"pelvis": (0, -0.08, 0), "spine": (10, 0, 0)}),
    *repeated(0.8, 0.28, 4, both(hand=(0.3, 0.93, 0.1)) | {"pelvis": (0, 0.0, 0), "spine": (-6, 0, 0), "head": (-12, 0, 0)},
              both(hand=(0.28, 0.5, 0.35)) | {"pelvis": (0, -0.04, 0), "spine": (0, 0, 0), "head": (-4, 0, 0)}),
    back=0.9,
)  # fmt: skip
REACH_UP = move(
    (1.0, {"hand_r": (0.06, 0.97, 0.18), "collar_r": (12, 0), "head": (-30, 0, -6), "spine": (-4, 5, 0),
           **both(sole=(0, 8)), "sole_l": (26, 8), "sole_r": (26, -8), "pelvis": (0, 0.075, 0.05)}),
    (1.8, {"hand_r": (0.06, 0.98, 0.2)}),
    back=1.0,
)  # fmt: skip
BOTH_UP = move(
    (1.0, both(hand=(0.12, 0.96, 0.1), collar=(6, 0)) | {"head": (-12, 0, 0)}), (2.0, {}), back=1.0
)
ARMS_OUT = move((0.9, both(hand=(0.98, 0.02, 0.05))), (2.2, {}), back=0.9)

# Exercise ------------------------------------------------------------------------------------------------

LOW: Pose = {"pelvis": (0, -0.44, -0.17), "body": (24, 0, 0), "spine": (14, 0, 0), "head": (-24, 0, 0),
             **both(hand=(-0.05, 0.05, 0.93), knee=8)}  # fmt: skip
HIGH: Pose = {"pelvis": (0, 0, 0), "body": (0, 0, 0), "spine": (0, 0, 0), "head": (0, 0, 0),
              **both(hand=(0.1, -0.3, 0.85), knee=0)}  # fmt: skip
SQUAT = move((0.25, {"pelvis": (0, 0, 0)}), (1.2, LOW), (1.45, LOW), (2.3, HIGH), back=0.5)
SQUATS = move((0.4, HIGH), *repeated(1.1, 0.8, 3, LOW, HIGH), back=0.6)
LUNGE = move(
    (0.3, OVER_LEFT),
    (0.55, {"foot_r": (-0.1, 0.08, 0.4), "sole_r": (-12, -6), "pelvis": (0.06, -0.03, 0.15), "foot_l": (0.1, 0, 0), "sole_l": (0, 8)}),
    (0.85, {"foot_r": (-0.1, 0, 0.78), "sole_r": (-8, -4), "sole_l": (28, 4), "pelvis": (0.0, -0.14, 0.34)}),
    (0.95, {"sole_r": (0, -4)}),
    (1.4, {"pelvis": (0, -0.36, 0.42), "sole_l": (55, 4), "sole_r": (0, -4), "foot_r": (-0.1, 0, 0.78), "spine": (2, 0, 0), **both(hand=(0.08, -0.62, 0.2), elbow=25), "body": (4, 0, 0)}),
    (1.7, {"pelvis": (0, -0.36, 0.42), "sole_l": (55, 4), "foot_r": (-0.1, 0, 0.78)}),
    (2.25, {"pelvis": (0.02, -0.1, 0.3), "sole_l": (22, 4), "foot_r": (-0.1, 0, 0.78), "sole_r": (0, -4)}),
    (2.55, {"foot_r": (-0.1, 0.08, 0.36), "sole_r": (14, -6), "sole_l": (0, 8), "pelvis": (0.07, -0.02, 0.1)}),
    (2.85, {"foot_r": (-0.1, 0, 0), "sole_r": (0, -8), "pelvis": (0.03, 0, 0.01)}),
    back=0.5,
)  # fmt: skip
STRETCH_UP = move(
    (1.2, both(hand=(-0.12, 0.97, 0.02), collar=(10, 0)) | {"spine": (-8, 0, 0), "head": (-18, 0, 0)}),
    (2.1, {"spine": (-6, 16, 0), "body": (0, 4, 0), "pelvis": (-0.03, 0, 0)}),
    (3.1, {"spine": (-6, -16, 0), "body": (0, -4, 0), "pelvis": (0.03, 0, 0)}),
    (3.9, {"spine": (-4, 0, 0), "body": (0, 0, 0), "pelvis": (0, 0, 0)}),
    back=1.1,
)
TOUCH_TOES = move(
    (0.7, both(hand=(0.1, 0.95, 0.1)) | {"spine": (-6, 0, 0)}),
    (1.9, both(hand=(-0.1, -0.75, 0.62)) | {"body": (62, 0, 0), "spine": (68, 0, 0), "head": (20, 0, 0), "pelvis": (0, -0.04, -0.17)}),
    (2.8, {"body": (64, 0, 0), "spine": (72, 0, 0)}),
    back=1.3,
)  # fmt: skip
SIDE_BEND = move(
    (0.9, {"hand_r": (0.1, 0.95, 0.1), "hand_l": (0.05, -0.65, 0.15), "elbow_l": 30}),
    (1.7, {"spine": (0, 34, 0), "body": (0, 6, 0), "head": (0, 10, 0), "pelvis": (-0.06, 0, 0), "hand_r": (-0.1, 0.95, 0.12)}),
    (2.5, {"spine": (0, 36, 0)}),
    back=1.2,
)  # fmt: skip
ARM_CIRCLES = move(
    (0.6, both(hand=(0.97, 0.0, 0.0))),
    *repeated(0.8, 0.22, 4, both(hand=(0.9, 0.3, 0.0)), both(hand=(0.9, 0.0, 0.3)), both(hand=(0.9, -0.3, 0.0)),
              both(hand=(0.9, 0.0, -0.3))),
    back=0.8,
)  # fmt: skip
TWIST_TRUNK = move(
    (0.5, both(hand=(0.1, -0.05, 0.6), elbow=35)),
    *repeated(1.0, 0.62, 3, {"spine": (0, 0, 42), "body": (0, 0, 12), "head": (0, 0, 10)},
              {"spine": (0, 0, -42), "body": (0, 0, -12), "head": (0, 0, -10)}),
    back=0.8,
)  # fmt: skip
BALANCE = move(
    (0.5, OVER_LEFT),
    (1.2, {"foot_r": (-0.06, 0.42, 0.12), "sole_r": (25, -8), "pelvis": (0.095, 0, 0), **both(hand=(0.9, 0.08, 0.1))}),
    (2.1, {"pelvis": (0.088, 0, 0.006), "spine": (0, -3, 0), "hand_l": (0.9, 0.2, 0.1), "hand_r": (0.92, -0.02, 0.1)}),
    (3.0, {"pelvis": (0.096, 0, -0.004), "spine": (0, 3, 0), "hand_l": (0.92, -0.04, 0.1), "hand_r": (0.9, 0.2, 0.1),
           "foot_r": (-0.06, 0.43, 0.12), "sole_r": (25, -8)}),
    (3.7, {"foot_r": (-0.1, 0, 0), "sole_r": (0, -8), "pelvis": (0.06, 0, 0), "spine": (0, 0, 0)}),
    back=0.6,
)  # fmt: skip
HIGH_KNEE: Pose = {"foot_r": (-0.08, 0.4, 0.2), "sole_r": (20, -8), "pelvis": (0.085, 0, 0)}
KICKBACK = move(
    (0.4, OVER_LEFT),
    (1.0, {"foot_r": (-0.1, 0.3, -0.62), "sole_r": (50, -8), "body": (22, 0, 0), "spine": (8, 0, 0), "head": (-15, 0, 0), **both(hand=(0.3, -0.5, 0.6))}),
    (1.25, {"foot_r": (-0.1, 0.3, -0.62), "sole_r": (50, -8)}),
    (1.8, {"foot_r": (-0.1, 0, 0), "sole_r": (0, -8), "pelvis": (0.05, 0, 0)}),
    back=0.5,
)  # fmt: skip

# Fighting ------------------------------------------------------------------------------------------------

GUARD_HELD = move(
    (0.6, GUARD),
    *repeated(1.1, 0.45, 3, {"pelvis": (0.03, -0.08, 0), "head": (4, 4, 10)}, {"pelvis": (-0.03, -0.06, 0), "head": (4, -4, 6)}),
    back=0.7,
)  # fmt: skip


def _punch(reach: Pose, load: Pose, strike: float = 0.13) -> Move:
    """From guard, wind up, strike, come back to guard, and lower the hands."""
    hands: Pose = {name: GUARD[name] for name in {*reach, *load} if name in GUARD}
    return move(
        (0.55, GUARD), (0.85, load), (0.85 + strike, reach), (0.93 + strike, reach), (1.4, hands), back=0.8
    )


JAB = _punch(
    {"hand_l": (-0.22, 0.1, 0.96), "elbow_l": 10, "spine": (14, 0, -26), "body": (6, 0, -22), "pelvis": (0, -0.06, 0.06)},
    {"spine": (10, 0, -6), "pelvis": (0, -0.07, -0.02)},
)  # fmt: skip
CROSS = _punch(
    {"hand_r": (-0.3, 0.1, 0.95), "elbow_r": 10, "spine": (14, 0, 30), "body": (6, 0, 22), "pelvis": (0.03, -0.06, 0.08),
     "head": (2, 0, -22), "sole_r": (30, 25)},
    {"hand_r": (0.0, -0.02, 0.25), "spine": (10, 0, -20), "body": (4, 0, -22), "head": (4, 0, 18), "sole_r": (0, -8)},
    0.16,
)  # fmt: skip
HOOK = _punch(
    {"hand_r": (-0.5, 0.1, 0.6), "elbow_r": 55, "spine": (10, 0, 38), "body": (4, 0, 24), "head": (2, 0, -30), "sole_r": (28, 25)},
    {"hand_r": (0.6, -0.05, 0.25), "elbow_r": 30, "spine": (10, 0, -26), "body": (4, 0, -24), "head": (4, 0, 22), "sole_r": (0, -8)},
    0.2,
)  # fmt: skip
UPPERCUT = _punch(
    {"hand_r": (-0.25, 0.35, 0.55), "elbow_r": -20, "spine": (-4, 0, 26), "body": (0, 0, 18), "pelvis": (0.02, 0.0, 0.05),
     "head": (-4, 0, -20), "wrist_r": (0, 0, 90), "sole_r": (25, 15)},
    {"hand_r": (0.05, -0.6, 0.25), "spine": (20, -6, -22), "body": (8, 0, -18), "pelvis": (-0.02, -0.16, 0), "wrist_r": (0, 0, 60), "sole_r": (0, -8)},
    0.2,
)  # fmt: skip
COMBINATION = move(
    (0.5, GUARD),
    (0.75, {"hand_l": (-0.22, 0.1, 0.96), "spine": (14, 0, -26), "body": (6, 0, -20)}),
    (0.95, {"hand_l": (-0.15, 0.08, 0.55), "spine": (12, 0, -12)}),
    (1.05, {"hand_r": (-0.18, 0.06, 0.38)}),
    (1.22, {"hand_r": (-0.3, 0.1, 0.95), "spine": (14, 0, 28), "body": (6, 0, 20), "head": (2, 0, -20)}),
    (1.48, {"hand_r": (-0.18, 0.06, 0.38), "spine": (12, 0, 4), "hand_l": (-0.15, 0.08, 0.55), "head": (4, 0, 0)}),
    (1.6, {"hand_l": (0.5, -0.05, 0.4), "spine": (12, 0, 14), "elbow_l": 35}),
    (1.8, {"hand_l": (-0.5, 0.1, 0.58), "spine": (12, 0, -36), "elbow_l": 55, "body": (4, 0, -20), "head": (4, 0, 26)}),
    (2.15, GUARD),
    back=0.8,
)  # fmt: skip
KICK_GUARD: Pose = {"hand_l": (-0.05, 0.05, 0.5), "hand_r": (0.0, 0.0, 0.45), **both(elbow=-20)}
FRONT_KICK = move(
    (0.45, {**KICK_GUARD, **OVER_LEFT, "foot_r": (-0.1, 0, 0), "sole_r": (0, -8)}),
    (0.75, {"foot_r": (-0.05, 0.5, 0.14), "sole_r": (25, -4), "pelvis": (0.09, -0.01, 0.0), "body": (-6, -2, 4)}),
    (0.95, {"foot_r": (-0.02, 0.8, 0.72), "sole_r": (10, -4), "body": (-22, -3, 10), "spine": (12, 0, -4), "pelvis": (0.09, 0, 0.03), "hand_r": (0.3, -0.55, 0.1)}),
    (1.03, {"foot_r": (-0.02, 0.8, 0.72), "sole_r": (10, -4)}),
    (1.3, {"foot_r": (-0.05, 0.42, 0.16), "sole_r": (25, -4), "body": (-4, -2, 2), "spine": (4, 0, 0), "hand_r": (0.0, 0.0, 0.45)}),
    (1.65, {"foot_r": (-0.1, 0, 0), "sole_r": (0, -8), "pelvis": (0.06, 0, 0)}),
    back=0.6,
)  # fmt: skip
SIDE_KICK = move(
    (0.45, {**KICK_GUARD, **OVER_LEFT, "foot_r": (-0.1, 0, 0), "sole_r": (0, -8), "head": (0, 0, -20)}),
    (0.8, {"foot_r": (-0.02, 0.48, 0.08), "sole_r": (0, -10), "pelvis": (0.1, -0.01, 0), "body": (0, 10, 10), "head": (0, -5, -60)}),
    (1.0, {"foot_r": (-0.66, 0.72, 0.06), "sole_r": (-15, -10), "body": (0, 34, 16), "spine": (0, 8, 0), "pelvis": (0.13, -0.01, 0), "head": (0, -25, -65), "knee_r": -20}),
    (1.1, {"foot_r": (-0.66, 0.72, 0.06), "sole_r": (-15, -10)}),
    (1.4, {"foot_r": (-0.04, 0.42, 0.06), "sole_r": (0, -10), "body": (0, 8, 8), "spine": (0, 0, 0), "knee_r": 0, "head": (0, -5, -40)}),
    (1.8, {"foot_r": (-0.1, 0, 0), "sole_r": (0, -8), "pelvis": (0.06, 0, 0), "body": (0, 0, 0)}),
    back=0.6,
)  # fmt: skip
ROUNDHOUSE = move(
    (0.45, {**KICK_GUARD, **OVER_LEFT, "foot_r": (-0.1, 0, 0), "sole_r": (0, -8), "foot_l": (0.1, 0, 0), "sole_l": (0, 8)}),
    (0.8, {"foot_r": (-0.42, 0.42, -0.1), "sole_r": (40, 10), "pelvis": (0.1, -0.01, 0), "body": (-4, 14, 30), "spine": (4, 6, -16), "sole_l": (4, 50)}),
    (1.0, {"foot_r": (-0.16, 0.78, 0.66), "sole_r": (45, 60), "body": (-8, 28, 75), "spine": (4, 8, -40), "head": (0, -14, -32), "sole_l": (4, 85), "hand_r": (0.45, -0.6, -0.2)}),
    (1.1, {"foot_r": (0.1, 0.76, 0.68), "sole_r": (45, 80), "body": (-8, 28, 86)}),
    (1.4, {"foot_r": (0.0, 0.42, 0.2), "sole_r": (30, 60), "body": (-2, 10, 60), "spine": (4, 0, -20), "hand_r": (0.0, 0.0, 0.45), "sole_l": (4, 60)}),
    (1.85, {"foot_r": (-0.1, 0, 0), "sole_r": (0, -8), "pelvis": (0.06, 0, 0), "body": (0, 0, 4), "sole_l": (0, 8)}),
    back=0.6,
)  # fmt: skip
KNEE_STRIKE = move(
    (0.45, {**OVER_LEFT, "foot_r": (-0.1, 0, 0), "sole_r": (0, -8), **both(hand=(-0.1, 0.15, 0.75))}),
    (0.75, {"foot_r": (-0.06, 0.52, -0.08), "sole_r": (45, -6), "pelvis": (0.09, 0, 0.04), "body": (-10, -2, 8), "spine": (18, 0, 0), **both(hand=(-0.05, -0.4, 0.5))}),
    (0.85, {"foot_r": (-0.06, 0.52, -0.06), "sole_r": (45, -6)}),
    (1.3, {"foot_r": (-0.1, 0, 0), "sole_r": (0, -8), "pelvis": (0.05, 0, 0), **both(hand=(0.0, -0.1, 0.6))}),
    back=0.6,
)  # fmt: skip
STEP_BACK: Pose = {"foot_r": (-0.12, 0, -0.25), "sole_r": (0, -25)}
THROW = move(
    (0.35, {"pelvis": (0.06, 0, 0.0), "foot_l": (0.1, 0, 0), "foot_r": (-0.1, 0, 0), "sole_r": (0, -8)}),
    (0.75, {"foot_r": (-0.12, 0, -0.32), "sole_r": (0, -30), "pelvis": (0, -0.06, -0.22), "hand_r": (0.45, 0.25, -0.3), "elbow_r": 10,
            "hand_l": (0.1, 0.0, 0.85), "spine": (-8, -6, -34), "body": (-4, 0, -30), "head": (0, 0, 45)}),
    (0.95, {"pelvis": (0, -0.07, -0.22), "hand_r": (0.45, 0.3, -0.32), "spine": (-8, -6, -36), "body": (-4, 0, -32), "foot_r": (-0.12, 0, -0.32), "sole_r": (0, -30)}),
    (1.16, {"pelvis": (0.04, -0.06, 0.04), "hand_r": (0.05, 0.7, 0.6), "elbow_r": 0, "spine": (8, 0, 14), "body": (6, 0, 14), "head": (0, 0, -10), "hand_l": (0.3, -0.5, 0.3), "sole_r": (32, -15)}),
    (1.32, {"hand_r": (-0.35, -0.15, 0.85), "spine": (24, 0, 28), "body": (12, 0, 22), "pelvis": (0.06, -0.08, 0.1), "sole_r": (45, -10)}),
    (1.6, {"hand_r": (-0.55, -0.65, 0.35), "spine": (28, 0, 30), "body": (12, 0, 22), "foot_r": (-0.12, 0, -0.32), "pelvis": (0.06, -0.08, 0.1), "head": (-14, 0, -24)}),
    (1.95, {"foot_r": (-0.1, 0.06, -0.16), "pelvis": (0.07, -0.02, 0.04), "sole_r": (25, -10)}),
    (2.25, {"foot_r": (-0.1, 0, 0), "sole_r": (0, -8), "pelvis": (0.02, 0, 0), "hand_r": (0, -0.85, 0.2), "spine": (5, 0, 4), "body": (0, 0, 0)}),
    back=0.6,
)  # fmt: skip
TOSS = move(
    (0.6, {"hand_r": (0.15, -0.85, -0.4), "spine": (14, 0, -10), "pelvis": (0, -0.08, -0.02), "body": (8, 0, -4)}),
    (0.9, {"hand_r": (0.02, -0.2, 0.95), "wrist_r": (0, 0, 70), "spine": (0, 0, 8), "pelvis": (0, 0, 0.03), "body": (0, 0, 4), "head": (-8, 0, 0)}),
    (1.15, {"hand_r": (0.05, 0.35, 0.85), "head": (-20, 0, 0)}),
    back=0.9,
)  # fmt: skip
PUSH = move(
    (0.4, both(hand=(0.02, -0.1, 0.35), elbow=20, wrist=(-60, 0, 0)) | {"foot_r": (-0.1, 0, 0), "sole_r": (0, -8), "pelvis": (0.06, 0, 0)}),
    (0.75, {"foot_r": (-0.1, 0, -0.42), "sole_r": (12, -14), "pelvis": (0, -0.08, -0.16)}),
    (1.6, both(hand=(0.0, 0.05, 0.93), wrist=(-70, 0, 0)) | {"pelvis": (0, -0.13, 0.06), "body": (20, 0, 0), "spine": (10, 0, 0), "head": (-16, 0, 0), "sole_r": (34, -10), "foot_r": (-0.1, 0, -0.42)}),
    (2.3, {"pelvis": (0, -0.14, 0.08), "foot_r": (-0.1, 0, -0.42), "sole_r": (36, -10), "body": (22, 0, 0)}),
    (2.75, {"foot_r": (-0.1, 0.06, -0.2), "sole_r": (26, -10), "pelvis": (0.06, -0.04, 0.04)}),
    (3.05, {"foot_r": (-0.1, 0, 0), "sole_r": (0, -8), "pelvis": (0.03, 0, 0), "body": (4, 0, 0)}),
    back=0.6,
)  # fmt: skip
PULL = move(
    (0.6, {"hand_r": (-0.2, -0.05, 0.92), "hand_l": (-0.25, -0.1, 0.9), "pelvis": (0, -0.12, -0.06), "spine": (18, 0, 0), "body": (6, 0, 0)}),
    (1.0, {"hand_r": (-0.2, -0.05, 0.92)}),
    (1.8, {"hand_r": (0.0, -0.3, 0.35), "hand_l": (-0.2, -0.35, 0.4), "pelvis": (0, -0.2, -0.2), "spine": (-2, 0, -12), "body": (-4, 0, -8), **both(elbow=20)}),
    (2.3, {"hand_r": (-0.2, -0.05, 0.92), "hand_l": (-0.25, -0.1, 0.9), "pelvis": (0, -0.12, -0.06), "spine": (18, 0, 0), "body": (6, 0, 0), **both(elbow=0)}),
    (3.1, {"hand_r": (0.0, -0.3, 0.35), "hand_l": (-0.2, -0.35, 0.4), "pelvis": (0, -0.2, -0.2), "spine": (-2, 0, -12), "body": (-4, 0, -8), **both(elbow=20)}),
    back=0.8,
)  # fmt: skip

# Getting down and up -------------------------------------------------------------------------------------

SEATED: Pose = {"pelvis": (0, -0.42, -0.38), "body": (-4, 0, 0), "spine": (8, 0, 0), "head": (-2, 0, 0),
                **both(hand=(-0.02, -0.76, 0.5), elbow=12, knee=4)}  # fmt: skip
HALF_DOWN: Pose = {"pelvis": (0, -0.2, -0.2), "body": (30, 0, 0), "spine": (20, 0, 0), "head": (-18, 0, 0),
                   **both(hand=(0.05, -0.7, 0.5))}  # fmt: skip
SIT_DOWN = move(
    (0.25, {"pelvis": (0, 0, 0)}),
    (0.85, HALF_DOWN),
    (1.4, SEATED | {"body": (14, 0, 0), "spine": (18, 0, 0)}),
    (1.95, SEATED),
    back=0,
    pause=0.8,
)
STAND_UP = move(
    (0.0, SEATED),
    (0.4, SEATED),
    (
        0.95,
        SEATED | {"body": (28, 0, 0), "spine": (22, 0, 0), "head": (-16, 0, 0), "pelvis": (0, -0.41, -0.36)},
    ),
    (1.4, HALF_DOWN),
    back=0.75,
)
SIT = move(
    (0.0, SEATED),
    (1.4, {"head": (4, 0, 24), "spine": (10, 2, 4)}),
    (2.6, {"head": (8, 0, -18), "spine": (6, -2, -4)}),
    (3.8, SEATED),
    back=0,
)
PICKED: Pose = {"pelvis": (0, -0.46, -0.16), "body": (38, 0, 4), "spine": (44, 0, 10), "head": (-8, 0, -6), "hand_r": (0.0, -0.7, 0.66),
                "hand_l": (0.1, -0.45, 0.55), **both(knee=8)}  # fmt: skip
PICK_UP = move(
    (0.25, {"pelvis": (0, 0, 0)}),
    (1.2, PICKED),
    (1.5, PICKED),
    (2.4, {"pelvis": (0, 0, 0), "body": (0, 0, 0), "spine": (2, 0, 0), "head": (16, 0, -4), "hand_r": (-0.1, -0.4, 0.5), "hand_l": (0.14, -0.95, 0.08), **both(knee=0)}),
    (3.0, {"hand_r": (-0.1, -0.38, 0.5), "head": (18, 0, -4)}),
    back=0.7,
)  # fmt: skip
LIFT_BOX = move(
    (0.25, {"pelvis": (0, 0, 0)}),
    (1.2, {"pelvis": (0, -0.48, -0.2), "body": (36, 0, 0), "spine": (34, 0, 0), "head": (-10, 0, 0), **both(hand=(0.05, -0.72, 0.62), knee=10)}),
    (1.5, {"pelvis": (0, -0.48, -0.2)}),
    (2.6, {"pelvis": (0, -0.01, -0.02), "body": (-4, 0, 0), "spine": (-2, 0, 0), "head": (4, 0, 0), **both(hand=(0.0, -0.48, 0.6), knee=0)}),
    (3.3, {"body": (-4, 0, 0)}),
    back=0,
)  # fmt: skip
HALF_KNEEL: Pose = {"foot_l": (0.1, 0, 0.42), "foot_r": (-0.1, 0, -0.4), "sole_r": (75, -4), "sole_l": (0, 6),
                    "pelvis": (0, -0.405, 0.14), "body": (0, 0, 0), "spine": (4, 0, 0), "head": (0, 0, 0)}  # fmt: skip
KNEEL_ON_ONE = move(
    (0.3, {"pelvis": (-0.07, 0, 0), "foot_l": (0.1, 0, 0), "sole_l": (0, 8)}),
    (0.5, {"foot_l": (0.1, 0.05, 0.24), "sole_l": (-8, 7), "pelvis": (-0.06, -0.03, 0.06)}),
    (0.75, {"foot_l": (0.1, 0, 0.42), "sole_l": (0, 6), "pelvis": (0, -0.06, 0.18), "foot_r": (-0.1, 0, 0), "sole_r": (10, -8)}),
    (0.85, {"foot_l": (0.1, 0, 0.42), "pelvis": (0.06, -0.08, 0.25), "foot_r": (-0.1, 0, 0), "sole_r": (25, -8)}),
    (1.15, {"foot_r": (-0.1, 0.05, -0.2), "sole_r": (40, -6), "pelvis": (0.05, -0.16, 0.24)}),
    (1.4, {"foot_r": (-0.1, 0, -0.4), "sole_r": (45, -4), "pelvis": (0.02, -0.24, 0.2), "body": (10, 0, 0), "spine": (12, 0, 0)}),
    (2.0, HALF_KNEEL | {"hand_l": (0.0, -0.72, 0.52)}),
    (2.9, {"head": (14, 0, 0)}),
    back=0,
)  # fmt: skip

# Dancing -------------------------------------------------------------------------------------------------

SIDE_STEP = move(
    (0.25, {"pelvis": (0.08, -0.01, 0), "foot_r": (-0.1, 0, 0), "sole_r": (0, -8), "foot_l": (0.1, 0, 0), "sole_l": (0, 8)}),
    *[
        key
        for k in range(3)
        for key in (
            (0.45 + 2.0 * k, {"foot_r": (-0.24, 0.05, 0), **both(hand=(0.2, -0.5, 0.5))}),
            (0.7 + 2.0 * k, {"foot_r": (-0.4, 0, 0), "pelvis": (-0.2, -0.05, 0), "foot_l": (0.1, 0, 0), "spine": (4, -6, 6)}),
            (0.95 + 2.0 * k, {"foot_l": (-0.04, 0.05, 0), "pelvis": (-0.36, -0.01, 0), "foot_r": (-0.4, 0, 0), **both(hand=(0.45, -0.1, 0.4))}),
            (1.2 + 2.0 * k, {"foot_l": (-0.2, 0, 0), "pelvis": (-0.36, -0.04, 0), "spine": (2, 0, 0)}),
            (1.25 + 2.0 * k, {"foot_l": (-0.2, 0, 0), "pelvis": (-0.37, -0.04, 0), "foot_r": (-0.4, 0, 0)}),
            (1.45 + 2.0 * k, {"foot_l": (-0.05, 0.05, 0), "pelvis": (-0.36, -0.01, 0), **both(hand=(0.2, -0.5, 0.5))}),
            (1.7 + 2.0 * k, {"foot_l": (0.1, 0, 0), "pelvis": (-0.1, -0.05, 0), "spine": (4, 6, -6), "foot_r": (-0.4, 0, 0)}),
            (1.95 + 2.0 * k, {"foot_r": (-0.25, 0.05, 0), "pelvis": (0.06, -0.01, 0), "foot_l": (0.1, 0, 0), **both(hand=(0.45, -0.1, 0.4))}),
            (2.2 + 2.0 * k, {"foot_r": (-0.1, 0, 0), "pelvis": (0.07, -0.04, 0), "spine": (2, 0, 0)}),
            (2.24 + 2.0 * k, {"foot_r": (-0.1, 0, 0)}),
        )
    ],
)  # fmt: skip
GROOVE = move(
    (0.5, both(hand=(0.25, 0.75, 0.3))),
    *repeated(0.8, 0.3, 4,
              {"pelvis": (0.06, -0.05, 0), "body": (0, -5, 4), "spine": (4, 10, 0), "head": (6, 4, 0), **both(hand=(0.3, 0.85, 0.2))},
              {"pelvis": (0.03, -0.01, 0), "body": (0, 0, 0), "spine": (0, 0, 0), "head": (-4, 0, 0), **both(hand=(0.25, 0.7, 0.35))},
              {"pelvis": (-0.06, -0.05, 0), "body": (0, 5, -4), "spine": (4, -10, 0), "head": (6, -4, 0), **both(hand=(0.3, 0.85, 0.2))},
              {"pelvis": (-0.03, -0.01, 0), "body": (0, 0, 0), "spine": (0, 0, 0), "head": (-4, 0, 0), **both(hand=(0.25, 0.7, 0.35))}),
    back=0.8,
)  # fmt: skip
TWIST_DANCE = move(
    (0.4, both(hand=(0.2, -0.35, 0.5)) | {"pelvis": (0, -0.1, -0.02), "sole_l": (0, 8), "sole_r": (0, -8)}),
    *repeated(0.75, 0.3, 6,
              {"body": (4, 0, 26), "spine": (6, 0, -44), "head": (0, 0, 18), "pelvis": (0.03, -0.16, 0), "sole_l": (12, 34), "sole_r": (12, 18),
               "hand_l": (0.3, -0.4, 0.2), "hand_r": (0.05, -0.25, 0.62)},
              {"body": (4, 0, -26), "spine": (6, 0, 44), "head": (0, 0, -18), "pelvis": (-0.03, -0.12, 0), "sole_l": (12, -18), "sole_r": (12, -34),
               "hand_l": (0.05, -0.25, 0.62), "hand_r": (0.3, -0.4, 0.2)}),
    back=0.7,
)  # fmt: skip
STOMP = move(
    (0.4, {"pelvis": (0.085, 0, 0), "foot_r": (-0.1, 0, 0), "sole_r": (0, -8)}),
    *[
        key
        for k in range(3)
        for key in (
            (0.7 + 0.62 * k, {"foot_r": (-0.1, 0.3, 0.08), "sole_r": (8, -8), **both(hand=(0.2, -0.6, 0.3), elbow=15)}),
            (0.86 + 0.62 * k, {"foot_r": (-0.1, 0, 0.0), "sole_r": (0, -8), "pelvis": (0.06, -0.03, 0), "spine": (8, 0, 0), "head": (8, 0, 0), **both(hand=(0.18, -0.92, 0.1))}),
            (1.0 + 0.62 * k, {"foot_r": (-0.1, 0, 0.0), "pelvis": (0.085, 0, 0), "spine": (3, 0, 0)}),
        )
    ],
)  # fmt: skip
SWIM_CRAWL = move(
    (0.6, {"body": (14, 0, 0), "spine": (26, 0, 0), "head": (-22, 0, 0), "pelvis": (0, -0.06, -0.06), "hand_r": (0.1, 0.4, 0.85), "hand_l": (0.2, -0.8, -0.1)}),
    *[
        key
        for k in range(3)
        for key in (
            (1.0 + 1.4 * k, {"hand_r": (0.0, -0.45, 0.8), "hand_l": (0.55, -0.2, -0.45), "spine": (26, 0, 14)}),
            (1.35 + 1.4 * k, {"hand_r": (0.15, -0.9, 0.0), "hand_l": (0.55, 0.55, 0.2), "spine": (26, 0, 0)}),
            (1.6 + 1.4 * k, {"hand_l": (0.1, 0.4, 0.85), "hand_r": (0.3, -0.75, -0.35)}),
            (1.7 + 1.4 * k, {"hand_l": (0.0, -0.1, 0.95), "hand_r": (0.55, -0.2, -0.45), "spine": (26, 0, -14)}),
            (2.05 + 1.4 * k, {"hand_l": (0.15, -0.9, 0.0), "hand_r": (0.55, 0.55, 0.2), "spine": (26, 0, 0)}),
            (2.3 + 1.4 * k, {"hand_r": (0.1, 0.4, 0.85), "hand_l": (0.3, -0.75, -0.35)}),
        )
    ],
    back=0.9,
)  # fmt: skip
BREASTSTROKE = move(
    (0.6, {"spine": (20, 0, 0), "body": (8, 0, 0), "head": (-14, 0, 0), **both(hand=(-0.28, -0.1, 0.5))}),
    *repeated(1.1, 0.42, 3, both(hand=(-0.26, 0.05, 0.95)), both(hand=(0.7, -0.05, 0.6)), both(hand=(0.1, -0.3, 0.4))),
    back=0.8,
)  # fmt: skip
