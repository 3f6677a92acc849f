"""Off the feet: kneeling, lying, falling, rolling, swimming, flying.

Legs here mostly follow the body's frame (``loose``), and the body is set on the floor (``ground``). Written
for the right side; the catalogue mirrors them. See :data:`motionary.starter.pose.REST` for what the controls
mean.
"""

# A key is read as a row.
# fmt: off
from __future__ import annotations

import numpy as np

from motionary.starter.everyday import HALF_KNEEL
from motionary.starter.keyframes import Key, Move, Pose, backward, both, cycle, move, repeated

LOOSE: Pose = both(loose=1)
FLOORED: Pose = {**LOOSE, "ground": 1, "pelvis": (0, -0.6, 0)}

# On the knees ---------------------------------------------------------------------------------------------

KNEES: Pose = {
    **both(leg=(0.05, -0.62, -0.55), point=75, loose=1, hand=(0.06, -0.9, 0.2)), "ground": 1,
    "pelvis": (0, -0.42, 0.1), "body": (2, 0, 0), "spine": (4, 0, 0),
}
HEELS: Pose = {
    **both(leg=(0.05, -0.28, -0.09), point=80, loose=1, hand=(0.0, -0.72, 0.48), elbow=10), "ground": 1,
    "pelvis": (0, -0.6, 0), "body": (0, 0, 0), "spine": (4, 0, 0),
}
CROSSED: Pose = {
    **both(leg=(-0.1, -0.12, 0.42), knee=62, point=30, loose=1, hand=(0.18, -0.66, 0.45), elbow=25,
           wrist=(0, 0, 80)),
    "ground": 1, "pelvis": (0, -0.84, 0), "body": (-4, 0, 0), "spine": (6, 0, 0),
}
MEDITATE = move(
    (1.5, {"spine": (3, 0, 0), "head": (8, 0, 0)}), (3.0, {"spine": (7, 0, 0), "head": (10, 0, 0)}),
    start={**CROSSED, "head": (8, 0, 0)}, back=0.9,
)
MEDITATE_KNEELING = move(
    (1.5, {"spine": (2, 0, 0), "head": (10, 0, 0)}), (3.0, {"spine": (6, 0, 0), "head": (12, 0, 0)}),
    start={**HEELS, "head": (10, 0, 0)}, back=0.9,
)
SIT_ON_FLOOR = move(
    (1.2, {"head": (0, 0, 26), "spine": (12, 0, 6)}), (2.4, {"head": (6, 0, -22), "spine": (12, 2, -6)}),
    start={**CROSSED, "spine": (12, 0, 0), **both(hand=(0.1, -0.72, 0.4), wrist=(0, 0, 0))}, back=0.9,
)
KNEEL_IDLE = move(
    (1.2, {"head": (4, 0, 14), "spine": (6, 1, 2)}), (2.3, {"head": (2, 0, -12), "spine": (3, -1, -2)}),
    start=KNEES, back=0.8,
)
KNEEL_TIRED = move(
    *repeated(0.45, 0.45, 3, {"spine": (34, 0, 0)}, {"spine": (26, 0, 0)}),
    start={
        **HEELS, "spine": (26, 0, 0), "body": (16, 0, 0), "head": (26, 0, 0),
        **both(hand=(0.02, -0.62, 0.55), collar=(6, 6)),
    },
    back=0.45,
)
PRAY = move(
    (1.4, {"head": (26, 0, 0), "spine": (12, 0, 0)}), (2.6, {"head": (20, 0, 0), "spine": (8, 0, 0)}),
    start={**KNEES, **both(hand=(-0.3, -0.12, 0.5), elbow=10, wrist=(-20, 0, 0)), "head": (22, 0, 0)},
    back=0.8,
)
SURRENDER = move(
    (0.9, {"head": (16, 0, 0), "spine": (8, 0, 0)}), (1.9, {"head": (-4, 0, 8), "spine": (4, 0, 0)}),
    start={**KNEES, **both(hand=(0.28, 0.38, -0.02), elbow=10), "head": (6, 0, 0)}, back=0.8,
)
_AT_WORK: Pose = {
    **HALF_KNEEL, "spine": (22, 0, 0), "body": (10, 0, 0), "head": (14, 0, 0),
    "hand_l": (-0.15, -0.5, 0.65), "hand_r": (-0.2, -0.5, 0.6),
}
KNEEL_WORK = move(
    *repeated(
        0.4, 0.3, 4, {"hand_r": (-0.24, -0.46, 0.7), "wrist_r": (0, 0, 50), "head": (16, 0, -6)},
        {"hand_r": (-0.12, -0.54, 0.52), "wrist_r": (0, 0, -30), "head": (12, 0, 4)},
    ),
    start=_AT_WORK, back=0.5,
)
PLANT = move(
    (0.7, {"spine": (44, 0, -6), "body": (26, 0, 0), "hand_r": (-0.2, -0.55, 0.78), "head": (10, 0, 0)}),
    *repeated(
        1.0, 0.25, 2, {"hand_r": (-0.2, -0.6, 0.72), "spine": (47, 0, -8)},
        {"hand_r": (-0.2, -0.5, 0.76), "spine": (43, 0, -4)},
    ),
    (2.4, {"hand_l": (-0.2, -0.52, 0.7), "spine": (40, 0, 6)}),
    start=_AT_WORK, back=0.8,
)
KNEEL_DOWN = move(
    (0.2, {"pelvis": (0, 0, 0)}),
    (1.3, {
        "pelvis": (0, -0.42, 0.31), "body": (2, 0, 0), "spine": (8, 0, 0), "head": (6, 0, 0),
        "sole_l": (78, 4), "sole_r": (78, -4), **both(hand=(0.08, -0.9, 0.2)),
    }),
    (1.9, {
        "pelvis": (0, -0.6, 0.14), "spine": (4, 0, 0), **both(hand=(0.0, -0.72, 0.48), elbow=10),
        "sole_l": (78, 4), "sole_r": (78, -4),
    }),
    back=0, pause=0.6,
)

# Lying ----------------------------------------------------------------------------------------------------

ON_BACK: Pose = {
    **FLOORED, **both(leg=(0.08, -0.96, 0.0), hand=(0.35, -0.88, -0.02), elbow=15, point=35),
    "pelvis": (0, -0.84, 0), "body": (-90, 0, 0), "spine": (2, 0, 0), "head": (6, 0, 0),
}
ON_FRONT: Pose = {
    **FLOORED, **both(leg=(0.07, -0.96, 0.02), point=80, elbow=10),
    "hand_l": (0.5, 0.35, 0.05), "hand_r": (0.42, -0.78, 0.05), "pelvis": (0, -0.84, 0), "body": (88, 0, 0),
    "spine": (-2, 0, 0), "head": (-6, 10, 50),
}
ON_SIDE: Pose = {
    **FLOORED, "pelvis": (0, -0.8, 0), "body": (0, 88, 0), "spine": (18, 0, 0), "head": (10, 10, 0),
    "leg_l": (0.0, -0.72, 0.3), "leg_r": (-0.06, -0.6, 0.36), **both(point=30),
    "hand_l": (-0.1, 0.35, 0.42), "hand_r": (-0.25, -0.2, 0.55),
}
SLEEP_ON_BACK = move(
    (1.6, {"spine": (0, 0, 0), "head": (6, 0, 16)}), (3.1, {"spine": (3, 0, 0), "head": (6, 0, 14)}),
    start={**ON_BACK, "hand_r": (-0.3, -0.5, 0.3), "head": (6, 0, 14)}, back=0.7,
)
SLEEP_ON_SIDE = move(
    (1.5, {"spine": (20, 0, 0)}), (3.0, {"spine": (17, 0, 0)}), start=ON_SIDE, back=0.7,
)
DEAD = move((1.0, {"spine": (-2, 0, 0)}), start=ON_FRONT, back=0)

LIE_DOWN = move(
    (0.3, {"pelvis": (0, 0, 0)}),
    (1.1, {
        "pelvis": (0, -0.58, -0.2), "body": (26, 0, 0), "spine": (30, 0, 0), "head": (-20, 0, 0),
        **both(hand=(0.2, -0.75, 0.4), knee=10), "sole_l": (12, 8), "sole_r": (12, -8),
    }),
    (1.75, {
        "pelvis": (0, -0.84, -0.46), "body": (-14, 0, 0), "spine": (34, 0, 0), "head": (0, 0, 0),
        **both(hand=(0.3, -0.82, -0.35), knee=4), "sole_l": (0, 8), "sole_r": (0, -8),
    }),
    (2.1, {"foot_l": (0.1, 0, 0), "foot_r": (-0.1, 0, 0), "sole_l": (0, 8), "sole_r": (0, -8)}),
    (2.5, {"foot_l": (0.12, 0.06, 0.26), "foot_r": (-0.12, 0.06, 0.26), "sole_l": (-30, 12),
        "sole_r": (-30, -12)}),
    (2.9, {
        "pelvis": (0, -0.845, -0.46), "body": (-90, 0, 0), "spine": (4, 0, 0), "head": (10, 0, 0),
        "foot_l": (0.13, 0, 0.5), "foot_r": (-0.13, 0, 0.5), "sole_l": (-72, 18), "sole_r": (-72, -18),
        **both(hand=(0.4, -0.85, 0.0), elbow=20),
    }),
    (3.4, {"head": (6, 0, 0), "spine": (2, 0, 0), **both(hand=(0.32, -0.92, 0.0))}),
    back=0, pause=0.4,
)
GET_UP = backward(LIE_DOWN)
DIE_BACKWARD = move(
    (0.15, {"pelvis": (0, 0, 0), "head": (0, 0, 0), "spine": (0, 0, 0)}),
    (0.36, {
        "pelvis": (0, -0.06, -0.1), "spine": (-16, 0, 10), "head": (-20, 0, 0), "body": (-8, 0, 0),
        "hand_l": (0.5, -0.4, 0.5), "hand_r": (0.35, -0.2, 0.6),
    }),
    (0.75, {
        "pelvis": (0, -0.5, -0.34), "spine": (14, 0, 6), "head": (18, 0, 0), "body": (-14, 0, 0),
        **both(hand=(0.6, -0.1, 0.5)), "foot_l": (0.1, 0, 0), "foot_r": (-0.1, 0, 0), "sole_l": (0, 8),
        "sole_r": (0, -8),
    }),
    (0.98, {"pelvis": (0, -0.83, -0.5), "spine": (26, 0, 0), "head": (22, 0, 0), "body": (-42, 0, 0)}),
    (1.1, {
        "foot_l": (0.14, 0.14, 0.06), "foot_r": (-0.12, 0.08, 0.04), "sole_l": (-30, 14),
            "sole_r": (-24, -12),
    }),
    (1.28, {
        "pelvis": (0, -0.845, -0.58), "body": (-90, 0, 0), "spine": (4, 0, 0), "head": (14, 0, 4),
        "hand_l": (0.9, 0.12, 0.1), "hand_r": (0.75, -0.5, 0.1),
    }),
    (1.45, {
        "foot_l": (0.2, 0, 0.36), "foot_r": (-0.14, 0, 0.24), "sole_l": (-74, 24), "sole_r": (-50, -24),
        "knee_r": 20,
    }),
    (1.6, {"head": (2, 0, 26), "hand_l": (0.9, 0.12, -0.04), "hand_r": (0.74, -0.52, -0.04)}),
    back=0, pause=0.7,
)
DIE_KNEELING = move(
    (0.6, {"spine": (20, 6, 0), "head": (20, 0, 0)}),
    (1.2, {"body": (6, 30, 0), "spine": (20, 16, 0), "pelvis": (0.1, -0.44, 0.1)}),
    (1.75, {**ON_SIDE, "pelvis": (0.45, -0.8, 0.1), "head": (16, 20, 0), "hand_l": (0.0, 0.2, 0.6)}),
    start={**KNEES, **both(hand=(-0.25, -0.45, 0.4))}, back=0, pause=0.8,
)
KNOCKED_OUT = move((1.2, {"head": (2, 0, 30)}), start={
    **ON_BACK, "hand_l": (0.9, 0.12, -0.04), "hand_r": (0.72, -0.55, -0.04), "head": (2, 0, 24),
    "leg_l": (0.14, -0.94, 0.0), "leg_r": (0.1, -0.84, 0.12), "knee_r": 24,
}, back=0.8)


def _belly_crawl(cycles: int = 3, stride: float = 0.3, period: float = 1.4) -> Move:
    """Flat on the belly, pulled along by the forearms, a knee drawn up on the other side."""
    flat: Pose = {
        **LOOSE, "ground": 1, "head": (-30, 0, 0), **both(point=75),
    }
    bent, straight = (0.3, -0.62, 0.06), (0.1, -0.95, 0.0)
    ahead, under = (0.1, 0.62, 0.42), (0.2, 0.05, 0.5)
    keys: list[Key] = []
    for k in range(2 * cycles + 1):
        one, other = ("l", "r") if k % 2 else ("r", "l")
        lean = 7.0 if k % 2 else -7.0
        keys.append((k * period / 2, {
            "pelvis": (0, -0.82, stride * k), f"leg_{one}": straight, f"leg_{other}": bent,
            f"knee_{one}": 0, f"knee_{other}": 50, f"hand_{one}": ahead, f"hand_{other}": under,
            "body": (84, lean, lean), "spine": (-16, -lean, -lean),
        }))
    keys[0][1].update(flat)
    return move(*keys, back=0)


BELLY_CRAWL = _belly_crawl()

# Over ------------------------------------------------------------------------------------------------------

TUCK: Pose = both(leg=(0.06, -0.3, 0.3), hand=(0.0, -0.45, 0.6), point=40)
ROLL = move(
    (0.25, {"pelvis": (0, -0.04, 0.0), "body": (6, 0, 0), **both(loose=0), "ground": 0}),
    (0.7, {
        "pelvis": (0, -0.5, 0.14), "body": (50, 0, 0), "spine": (48, 0, 0), "head": (40, 0, 0),
        "sole_l": (40, 8), "sole_r": (40, -8), **both(hand=(0.0, 0.3, 0.85), loose=0, leg=(0.06, -0.55, 0.2)),
        "ground": 0,
    }),
    (0.92, {
        "pelvis": (0, -0.4, 0.5), "body": (130, 0, 0), "spine": (70, 0, 0), "head": (56, 0, 0),
        **both(hand=(0.05, 0.2, 0.8), loose=1, leg=(0.06, -0.6, 0.4)), "ground": 1,
    }),
    (1.3, {
        "pelvis": (0, -0.7, 1.1), "body": (262, 0, 0), "spine": (66, 0, 0), "head": (40, 0, 0), **TUCK,
            **LOOSE,
        "ground": 1,
    }),
    (1.65, {
        "pelvis": (0, -0.6, 1.5), "body": (380, 0, 0), "spine": (40, 0, 0), "head": (0, 0, 0),
        **both(hand=(0.1, -0.3, 0.8), leg=(0.06, -0.34, 0.16), point=5, loose=1), "ground": 1,
    }),
    (1.85, {
        "pelvis": (0, -0.58, 1.62), "body": (386, 0, 0), **both(loose=0), "ground": 0,
        "foot_l": (0.1, 0, 1.7), "foot_r": (-0.1, 0, 1.7), "sole_l": (10, 8), "sole_r": (10, -8),
    }),
    (2.0, {"foot_l": (0.1, 0, 1.7), "foot_r": (-0.1, 0, 1.7), "sole_l": (6, 8), "sole_r": (6, -8)}),
    (2.6, {
        "pelvis": (0, 0, 1.7), "body": (360, 0, 0), "spine": (0, 0, 0), "head": (0, 0, 0),
        **both(hand=(0.14, -0.95, 0.08)), "foot_l": (0.1, 0, 1.7), "foot_r": (-0.1, 0, 1.7),
        "sole_l": (0, 8), "sole_r": (0, -8),
    }),
    back=0,
)
HANDSTAND = move(
    (0.9, {"leg_l": (0.02, -0.96, 0.08), "leg_r": (0.02, -0.96, -0.1), "body": (182, 0, 0)}),
    (1.8, {"leg_l": (0.02, -0.96, -0.08), "leg_r": (0.02, -0.96, 0.1), "body": (178, 0, 0)}),
    start={
        **LOOSE, "ground": 1, "body": (180, 0, 0), "spine": (-4, 0, 0), "head": (-30, 0, 0),
        **both(leg=(0.02, -0.96, 0.0), hand=(0.02, 0.985, 0.0), point=80, collar=(14, 0), wrist=(-70, 0, 0)),
    },
    back=0.7,
)
# In water and in the air --------------------------------------------------------------------------------


def _onward(seconds: float, speed: float, height: float) -> list[Key]:
    """The pelvis on its way ahead at ``height``, evenly."""
    steps = np.linspace(0, seconds, max(int(seconds / 0.4), 2) + 1)
    return [(float(at), {"pelvis": (0, height, speed * float(at))}) for at in steps]


def _flutter(seconds: float, reach: float = 0.14, period: float = 0.5, about: float = -0.02) -> list[Key]:
    """Straight legs beating against each other."""
    keys: list[Key] = []
    for k in range(int(seconds / period * 2) + 1):
        swing = reach if k % 2 else -reach
        keys.append((k * period / 2, {
            "leg_l": (0.04, -0.93, about + swing), "leg_r": (0.04, -0.93, about - swing),
        }))
    return keys


_STROKE = (
    (0.1, 0.93, 0.15), (0.1, 0.45, 0.78), (0.1, -0.35, 0.72), (0.2, -0.85, 0.05), (0.55, -0.5, -0.42),
    (0.66, 0.42, -0.3),
)


def _strokes(seconds: float, period: float = 1.2) -> list[Key]:
    """Both arms round and round, half a stroke apart."""
    keys: list[Key] = []
    for k in range(int(seconds / period * 6) + 1):
        keys.append((round(k * period / 6, 3), {"hand_l": _STROKE[k % 6], "hand_r": _STROKE[(k + 3) % 6]}))
        keys.append((round(k * period / 6, 3), {"body": (84, 16 * np.cos(np.pi * k / 3), 0),
            "spine": (-4, 0, 0)}))
    return keys


SWIM = move(
    (0.0, {**LOOSE, **both(point=75, elbow=20), "head": (-34, 0, 0)}),
    *_strokes(3.6), *_flutter(3.6), *_onward(3.6, 0.8, 0.0), back=0,
)
SWIM_BREAST = move(
    (0.0, {**LOOSE, "head": (-26, 0, 0), "body": (80, 0, 0)}),
    *cycle(
        3, 1.3,
        (0.0, both(hand=(-0.18, 0.93, 0.2), leg=(0.03, -0.96, 0.0), knee=0, point=70)),
        (0.35, {**both(hand=(0.6, 0.55, 0.3), leg=(0.03, -0.94, 0.02), knee=0), "head": (-30, 0, 0)}),
        (0.65, {**both(hand=(0.0, 0.0, 0.5), leg=(0.16, -0.5, 0.1), knee=40, point=0), "head": (-44, 0, 0)}),
        (0.9, {**both(hand=(-0.25, 0.45, 0.4), leg=(0.42, -0.62, 0.12), knee=45, point=-10),
            "head": (-34, 0, 0)}),
        (1.1, {**both(hand=(-0.2, 0.85, 0.25), leg=(0.3, -0.88, 0.0), knee=10, point=50),
            "head": (-26, 0, 0)}),
    ),
    (3.9, both(hand=(-0.18, 0.93, 0.2), leg=(0.03, -0.96, 0.0), knee=0, point=70)),
    *_onward(3.9, 0.6, 0.0), back=0,
)
TREAD_WATER = move(
    *cycle(
        3, 1.0,
        (0.25, {
            **both(hand=(0.75, -0.3, 0.35), wrist=(0, 0, 30)), "leg_l": (0.2, -0.6, 0.35),
            "leg_r": (0.1, -0.85, 0.05), "pelvis": (0, 0.03, 0),
        }),
        (0.5, {**both(hand=(0.4, -0.35, 0.62), wrist=(0, 0, -20)), "pelvis": (0, 0, 0)}),
        (0.75, {
            **both(hand=(0.1, -0.3, 0.7), wrist=(0, 0, -30)), "leg_l": (0.1, -0.85, 0.05),
            "leg_r": (0.2, -0.6, 0.35), "pelvis": (0, 0.03, 0),
        }),
        (1.0, {**both(hand=(0.4, -0.3, 0.6), wrist=(0, 0, 20)), "pelvis": (0, 0, 0)}),
    ),
    start={
        **LOOSE, **both(hand=(0.4, -0.3, 0.6), leg=(0.15, -0.75, 0.2), knee=15, point=40), "body": (10, 0, 0),
        "head": (-14, 0, 0), "spine": (2, 0, 0),
    },
    back=0.25,
)
FLY = move(
    (0.0, {
        **LOOSE, "body": (82, 0, 0), "spine": (-12, 0, 0), "head": (-40, 0, 0),
        **both(hand=(0.0, 0.95, 0.12), leg=(0.02, -0.96, -0.04), point=78),
    }),
    (1.0, {"body": (80, 9, 0), "leg_l": (0.03, -0.95, -0.1)}),
    (2.0, {"body": (83, -9, 0), "leg_l": (0.02, -0.96, 0.0), "leg_r": (0.03, -0.95, -0.1)}),
    (3.0, {"body": (82, 0, 0), "leg_r": (0.02, -0.96, -0.04)}),
    *_onward(3.0, 2.5, 0.5), back=0,
)
FLY_ONE_FIST = move(
    (0.0, {
        **LOOSE, "body": (78, 6, 0), "spine": (-12, 0, 6), "head": (-40, 0, 0), "hand_r": (0.02, 0.96, 0.1),
        "hand_l": (0.05, -0.75, 0.1), "elbow_l": 20, "leg_l": (0.02, -0.96, -0.04),
        "leg_r": (0.06, -0.75, 0.22), **both(point=75),
    }),
    (1.3, {"body": (80, 12, 0), "leg_r": (0.06, -0.78, 0.18)}),
    (2.6, {"body": (78, 4, 0), "leg_r": (0.06, -0.75, 0.22)}),
    *_onward(2.6, 2.5, 0.5), back=0,
)
LEVITATE = move(
    (0.9, {"pelvis": (0, 0.42, 0), "leg_l": (0.04, -0.9, 0.08), "spine": (0, 0, 0)}),
    (1.9, {"pelvis": (0, 0.34, 0), "leg_l": (0.04, -0.93, 0.04), "spine": (-4, 0, 0)}),
    start={
        **LOOSE, **both(hand=(0.5, -0.78, 0.15), wrist=(0, 0, 40), point=55), "pelvis": (0, 0.36, 0),
        "leg_l": (0.04, -0.93, 0.02), "leg_r": (0.04, -0.84, 0.2), "spine": (-3, 0, 0), "body": (-3, 0, 0),
    },
    back=0.8,
)
RISE_UP = move(
    (0.6, {
        "pelvis": (0, -0.06, 0), "spine": (8, 0, 0), "head": (10, 0, 0), **both(hand=(0.3, -0.85, 0.2)),
        **both(loose=0, leg=(0.03, -0.93, 0.02), point=20),
    }),
    (1.0, {"pelvis": (0, 0.03, 0), **both(loose=0), "sole_l": (30, 8), "sole_r": (30, -8)}),
    (1.25, {"pelvis": (0, 0.12, 0), **both(loose=1, point=50)}),
    (2.6, {
        "pelvis": (0, 0.75, 0), "spine": (-8, 0, 0), "head": (-18, 0, 0),
        **both(hand=(0.72, -0.3, 0.1), wrist=(0, 0, 60), point=60), "leg_r": (0.04, -0.84, 0.2),
    }),
    back=0,
)
FLOAT_CROSSED = move(
    (1.2, {"pelvis": (0, 0.12, 0)}), (2.4, {"pelvis": (0, 0.0, 0)}),
    start={**CROSSED, "ground": 0, "pelvis": (0, 0.03, 0), "head": (8, 0, 0)}, back=0.8,
)
_FALL: Pose = {
    **LOOSE, "pelvis": (0, 0.5, 0), "body": (16, 0, 0), "head": (10, 0, 0), "spine": (4, 0, 0),
    **both(hand=(0.7, 0.45, 0.2), point=40), "leg_l": (0.12, -0.75, 0.3), "leg_r": (0.12, -0.85, -0.1),
}
FALLING = move(
    *repeated(
        0.25, 0.25, 3,
        {
            "hand_l": (0.8, 0.1, 0.3), "hand_r": (0.6, 0.65, 0.1), "leg_l": (0.12, -0.85, -0.1),
            "leg_r": (0.12, -0.72, 0.32), "spine": (6, 4, 6),
        },
        {
            "hand_l": (0.6, 0.65, 0.1), "hand_r": (0.8, 0.1, 0.3), "leg_l": (0.12, -0.75, 0.3),
            "leg_r": (0.12, -0.85, -0.1), "spine": (4, -4, -6),
        },
    ),
    start=_FALL, back=0.25, pause=0.0,
)
IN_AIR = move(
    (0.5, {"spine": (4, 0, 3), **both(hand=(0.68, 0.1, 0.3))}),
        start={**_FALL, **both(hand=(0.62, 0.02, 0.35))},
    back=0.5, pause=0.1,
)
JUMP_START = move(
    (0.15, {"pelvis": (0, 0, 0)}),
    (0.5, {
        "pelvis": (0, -0.28, -0.08), "body": (20, 0, 0), "spine": (20, 0, 0), "head": (-16, 0, 0),
        **both(hand=(0.2, -0.85, -0.4), loose=0, leg=(0.06, -0.96, 0.04)), "sole_l": (0, 8),
            "sole_r": (0, -8),
    }),
    (0.72, {
        "pelvis": (0, 0.06, 0.02), "body": (0, 0, 0), "spine": (-4, 0, 0), "head": (-6, 0, 0),
        **both(hand=(0.25, 0.3, 0.7), loose=0, point=45), "sole_l": (46, 8), "sole_r": (46, -8),
    }),
    (0.82, both(loose=1, point=60)),
    (1.0, {"pelvis": (0, 0.45, 0.04), **both(hand=(0.3, 0.6, 0.5))}),
    (1.1, {"pelvis": (0, 0.5, 0.04), **both(leg=(0.1, -0.84, 0.12), point=45, hand=(0.35, 0.55, 0.45))}),
    back=0, pause=0.05,
)
LAND = move(
    (0.0, _FALL),
    (0.22, {
        "pelvis": (0, 0.05, 0), "body": (8, 0, 0), **both(leg=(0.04, -0.95, 0.04), point=40, loose=1),
        "sole_l": (30, 8), "sole_r": (30, -8),
    }),
    (0.3, {"pelvis": (0, -0.1, 0), **both(loose=0), "sole_l": (10, 8), "sole_r": (10, -8)}),
    (0.55, {
        "pelvis": (0, -0.38, -0.1), "body": (24, 0, 0), "spine": (24, 0, 0), "head": (-18, 0, 0),
        **both(hand=(0.45, -0.5, 0.4)), "sole_l": (0, 8), "sole_r": (0, -8),
    }),
    (0.75, {"pelvis": (0, -0.38, -0.1)}),
    (1.5, {
        "pelvis": (0, 0, 0), "body": (0, 0, 0), "spine": (0, 0, 0), "head": (0, 0, 0),
        **both(hand=(0.14, -0.95, 0.08)),
    }),
    back=0, pause=0.2,
)
