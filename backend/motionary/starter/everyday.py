"""Everyday acts: throwing, pushing, lifting, sitting, kneeling, lying, crawling, climbing.

Written for the right side; the catalogue mirrors them. See :data:`motionary.starter.pose.REST` for what the
controls mean.
"""

# A key is read as a row.
# fmt: off
from __future__ import annotations

from motionary.starter.keyframes import Key, Move, Pose, both, move

THROW = move(
    (0.35, {"pelvis": (0.06, 0, 0.0), "foot_l": (0.1, 0, 0), "foot_r": (-0.1, 0, 0), "sole_r": (0, -8)}),
    (0.55, {"foot_r": (-0.11, 0.05, -0.16), "sole_r": (15, -20)}),
    (0.75, {
        "foot_r": (-0.12, 0, -0.32), "sole_r": (0, -30), "pelvis": (0, -0.06, -0.22),
        "hand_r": (0.45, 0.25, -0.3), "elbow_r": 10, "hand_l": (0.1, 0.0, 0.85), "spine": (-8, -6, -34),
        "body": (-4, 0, -30), "head": (0, 0, 45),
    }),
    (0.95, {
        "pelvis": (0, -0.07, -0.22), "hand_r": (0.45, 0.3, -0.32), "spine": (-8, -6, -36),
        "body": (-4, 0, -32), "foot_r": (-0.12, 0, -0.32), "sole_r": (0, -30),
    }),
    (1.16, {
        "pelvis": (0.04, -0.06, 0.04), "hand_r": (0.05, 0.7, 0.6), "elbow_r": 0, "spine": (8, 0, 14),
        "body": (6, 0, 14), "head": (0, 0, -10), "hand_l": (0.3, -0.5, 0.3), "sole_r": (32, -15),
    }),
    (1.32, {
        "hand_r": (-0.35, -0.15, 0.85), "spine": (24, 0, 28), "body": (12, 0, 22),
        "pelvis": (0.06, -0.08, 0.1), "sole_r": (45, -10),
    }),
    (1.6, {
        "hand_r": (-0.55, -0.65, 0.35), "spine": (28, 0, 30), "body": (12, 0, 22),
        "foot_r": (-0.12, 0, -0.32), "pelvis": (0.06, -0.08, 0.1), "head": (-14, 0, -24),
    }),
    (1.95, {"foot_r": (-0.1, 0.06, -0.16), "pelvis": (0.07, -0.02, 0.04), "sole_r": (25, -10)}),
    (2.25, {
        "foot_r": (-0.1, 0, 0), "sole_r": (0, -8), "pelvis": (0.02, 0, 0), "hand_r": (0, -0.85, 0.2),
        "spine": (5, 0, 4), "body": (0, 0, 0),
    }),
    back=0.6,
)
TOSS = move(
    (0.6, {
        "hand_r": (0.15, -0.85, -0.4), "spine": (14, 0, -10), "pelvis": (0, -0.08, -0.02),
        "body": (8, 0, -4),
    }),
    (0.9, {
        "hand_r": (0.02, -0.2, 0.95), "wrist_r": (0, 0, 70), "spine": (0, 0, 8), "pelvis": (0, 0, 0.03),
        "body": (0, 0, 4), "head": (-8, 0, 0),
    }),
    (1.15, {"hand_r": (0.05, 0.35, 0.85), "head": (-20, 0, 0)}),
    back=0.9,
)
PUSH = move(
    (0.4, {
        **both(hand=(0.02, -0.1, 0.35), elbow=20, wrist=(-60, 0, 0)), "foot_r": (-0.1, 0, 0),
        "sole_r": (0, -8), "pelvis": (0.06, 0, 0),
    }),
    (0.58, {"foot_r": (-0.1, 0.06, -0.21), "sole_r": (20, -11)}),
    (0.75, {"foot_r": (-0.1, 0, -0.42), "sole_r": (12, -14), "pelvis": (0, -0.08, -0.16)}),
    (1.6, {
        **both(hand=(0.0, 0.05, 0.93), wrist=(-70, 0, 0)), "pelvis": (0, -0.13, 0.06), "body": (20, 0, 0),
        "spine": (10, 0, 0), "head": (-16, 0, 0), "sole_r": (34, -10), "foot_r": (-0.1, 0, -0.42),
    }),
    (2.3, {"pelvis": (0, -0.14, 0.08), "foot_r": (-0.1, 0, -0.42), "sole_r": (36, -10), "body": (22, 0, 0)}),
    (2.75, {"foot_r": (-0.1, 0.06, -0.2), "sole_r": (26, -10), "pelvis": (0.06, -0.04, 0.04)}),
    (3.05, {"foot_r": (-0.1, 0, 0), "sole_r": (0, -8), "pelvis": (0.03, 0, 0), "body": (4, 0, 0)}),
    back=0.6,
)
PULL = move(
    (0.6, {
        "hand_r": (-0.2, -0.05, 0.92), "hand_l": (-0.25, -0.1, 0.9), "pelvis": (0, -0.12, -0.06),
        "spine": (18, 0, 0), "body": (6, 0, 0),
    }),
    (1.0, {"hand_r": (-0.2, -0.05, 0.92)}),
    (1.8, {
        "hand_r": (0.0, -0.3, 0.35), "hand_l": (-0.2, -0.35, 0.4), "pelvis": (0, -0.2, -0.2),
        "spine": (-2, 0, -12), "body": (-4, 0, -8), **both(elbow=20),
    }),
    (2.3, {
        "hand_r": (-0.2, -0.05, 0.92), "hand_l": (-0.25, -0.1, 0.9), "pelvis": (0, -0.12, -0.06),
        "spine": (18, 0, 0), "body": (6, 0, 0), **both(elbow=0),
    }),
    (3.1, {
        "hand_r": (0.0, -0.3, 0.35), "hand_l": (-0.2, -0.35, 0.4), "pelvis": (0, -0.2, -0.2),
        "spine": (-2, 0, -12), "body": (-4, 0, -8), **both(elbow=20),
    }),
    back=0.8,
)
SEATED: Pose = {
    "pelvis": (0, -0.42, -0.38), "body": (-4, 0, 0), "spine": (8, 0, 0), "head": (-2, 0, 0),
    **both(hand=(-0.02, -0.76, 0.5), elbow=12, knee=4),
}
HALF_DOWN: Pose = {
    "pelvis": (0, -0.2, -0.2), "body": (30, 0, 0), "spine": (20, 0, 0), "head": (-18, 0, 0),
    **both(hand=(0.05, -0.7, 0.5)),
}
SIT_DOWN = move(
    (0.25, {"pelvis": (0, 0, 0)}),
    (0.85, HALF_DOWN),
    (1.4, {**SEATED, "body": (14, 0, 0), "spine": (18, 0, 0)}),
    (1.95, SEATED),
    back=0,
    pause=0.8,
)
STAND_UP = move(
    (0.0, SEATED),
    (0.4, SEATED),
    (0.95, {
        **SEATED, "body": (28, 0, 0), "spine": (22, 0, 0), "head": (-16, 0, 0), "pelvis": (0, -0.41, -0.36),
    }),
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
PICKED: Pose = {
    "pelvis": (0, -0.46, -0.16), "body": (36, 0, 4), "spine": (40, 0, 10), "head": (-8, 0, -6),
    "hand_r": (-0.02, -0.26, 0.95), "hand_l": (0.1, -0.5, 0.5), **both(knee=8),
}
PICK_UP = move(
    (0.25, {"pelvis": (0, 0, 0)}),
    (1.2, PICKED),
    (1.5, PICKED),
    (2.4, {
        "pelvis": (0, 0, 0), "body": (0, 0, 0), "spine": (2, 0, 0), "head": (16, 0, -4),
        "hand_r": (-0.1, -0.4, 0.5), "hand_l": (0.14, -0.95, 0.08), **both(knee=0),
    }),
    (3.0, {"hand_r": (-0.1, -0.38, 0.5), "head": (18, 0, -4)}),
    back=0.7,
)
LIFT_BOX = move(
    (0.25, {"pelvis": (0, 0, 0)}),
    (1.2, {
        "pelvis": (0, -0.48, -0.2), "body": (36, 0, 0), "spine": (34, 0, 0), "head": (-10, 0, 0),
        **both(hand=(0.0, -0.34, 0.9), knee=10),
    }),
    (1.5, {"pelvis": (0, -0.48, -0.2)}),
    (2.6, {
        "pelvis": (0, -0.01, -0.02), "body": (-4, 0, 0), "spine": (-2, 0, 0), "head": (4, 0, 0),
        **both(hand=(0.0, -0.48, 0.6), knee=0),
    }),
    (3.3, {"body": (-4, 0, 0)}),
    back=0,
)
HALF_KNEEL: Pose = {
    "foot_l": (0.1, 0, 0.42), "foot_r": (-0.1, 0, -0.4), "sole_r": (75, -4), "sole_l": (0, 6),
    "pelvis": (0, -0.405, 0.14), "body": (0, 0, 0), "spine": (4, 0, 0), "head": (0, 0, 0),
}
KNEEL_ON_ONE = move(
    (0.3, {"pelvis": (-0.07, 0, 0), "foot_l": (0.1, 0, 0), "sole_l": (0, 8)}),
    (0.5, {"foot_l": (0.1, 0.05, 0.24), "sole_l": (-8, 7), "pelvis": (-0.06, -0.03, 0.06)}),
    (0.75, {
        "foot_l": (0.1, 0, 0.42), "sole_l": (0, 6), "pelvis": (0, -0.06, 0.18), "foot_r": (-0.1, 0, 0),
        "sole_r": (10, -8),
    }),
    (0.85, {
        "foot_l": (0.1, 0, 0.42), "pelvis": (0.06, -0.08, 0.25), "foot_r": (-0.1, 0, 0), "sole_r": (25, -8),
    }),
    (1.15, {"foot_r": (-0.1, 0.05, -0.2), "sole_r": (40, -6), "pelvis": (0.05, -0.16, 0.24)}),
    (1.4, {
        "foot_r": (-0.1, 0, -0.4), "sole_r": (45, -4), "pelvis": (0.02, -0.24, 0.2), "body": (10, 0, 0),
        "spine": (12, 0, 0),
    }),
    (2.0, {**HALF_KNEEL, "hand_l": (0.0, -0.72, 0.52)}),
    (2.9, {"head": (14, 0, 0)}),
    back=0,
)
LYING: Pose = {
    "pelvis": (0, -0.845, 0), "body": (-90, 0, 0), "spine": (2, 0, 0), "head": (6, 0, 0),
    "foot_l": (0.13, 0, 0.96), "foot_r": (-0.13, 0, 0.96), "sole_l": (-72, 18), "sole_r": (-72, -18),
    **both(hand=(0.32, -0.92, 0.0), elbow=20),
}
LIE = move(
    (0.0, LYING),
    (1.2, {"head": (8, 0, 32)}),
    (2.2, {"head": (8, 0, -25), "hand_r": (0.32, -0.92, 0.0), "elbow_r": 20}),
    (3.2, {"head": (6, 0, 0), "hand_r": (-0.1, -0.5, 0.35)}),
    back=0,
)


def _crawl(cycles: int = 4, stride: float = 0.34, period: float = 1.3) -> Move:
    """On hands and knees: a hand and the knee across from it go forward together."""
    keys: list[Key] = [
        (
            0.0,
            {
                "head": (-32, 0, 0),
                **both(hold=1, wrist=(-75, 0, 0)),
                "sole_l": (150, 2),
                "sole_r": (150, -2),
            },
        )
    ]
    for hand, foot, lead, sign in (("l", "r", 0.0, 1.0), ("r", "l", 0.5, -1.0)):
        at = stride * (lead - 0.5) / 2
        for k in range(cycles + 1):
            down: Pose = {
                f"reach_{hand}": (sign * 0.18, 0.07, 0.46 + at),
                f"foot_{foot}": (-sign * 0.1, 0.005, at - 0.75),
            }
            keys.append(((k + lead - 0.55) * period + 0.1 if k else 0.0, down))
            if k == cycles:
                break
            keys.append(((k + lead) * period + 0.1, down))
            at += stride
            over: Pose = {
                f"reach_{hand}": (sign * 0.18, 0.15, 0.5 + at - stride / 2),
                f"foot_{foot}": (-sign * 0.1, 0.05, at - stride / 2 - 0.75),
            }
            keys.append(((k + lead + 0.225) * period + 0.1, over))
    for k in range(2 * cycles + 1):
        sway = 4 * (-1) ** k
        keys.append(
            (
                k * period / 2 + 0.1,
                {
                    "pelvis": (0, -0.475, stride * k / 2),
                    "body": (80, sway, sway),
                    "spine": (4, -sway, -1.5 * sway),
                },
            )
        )
    keys.append((0.0, {"pelvis": (0, -0.475, 0), "body": (80, 4, 4), "spine": (4, -4, -6)}))
    return move(*keys, back=0)


CRAWL = _crawl()


def _ladder(rungs: int = 6, rise: float = 0.28, period: float = 0.8) -> Move:
    """Up a ladder: a hand and the foot across from it reach for the next rung together."""
    level = {"hand_l": 1.42, "hand_r": 1.42, "foot_l": 0.0, "foot_r": 0.0}
    keys: list[Key] = [
        (0.0, {"pelvis": (0, 0, 0)}),
        (0.2, {"pelvis": (0, -0.01, 0), **both(hold=0)}),
        (0.8, {"reach_l": (0.17, 1.42, 0.34), "reach_r": (-0.17, 1.42, 0.34), **both(hold=1)}),
    ]
    for k in range(rungs):
        at = 0.9 + k * period
        hand, foot, sign = ("r", "l", 1.0) if k % 2 == 0 else ("l", "r", -1.0)
        climb = rise if k in (0, rungs - 1) else 2 * rise
        grip, step = level[f"hand_{hand}"], level[f"foot_{foot}"]
        for part, up, arm, leg, heel in (
            (0.0, 0.0, 0.34, 0.22 if step else 0.0, 0),
            (0.45, 0.75, 0.22, 0.02, 18),
            (0.75, 1.0, 0.34, 0.22, 0),
        ):
            keys.append(
                (
                    at + part * period,
                    {
                        f"reach_{hand}": (-sign * 0.17, grip + up * climb, arm),
                        f"foot_{foot}": (sign * 0.1, step + up * climb, leg),
                        f"sole_{foot}": (heel, sign * 6),
                    },
                )
            )
        level[f"hand_{hand}"] += climb
        level[f"foot_{foot}"] += climb
        keys.append(
            (
                at + 0.9 * period,
                {
                    "pelvis": (-sign * 0.03, (level["foot_l"] + level["foot_r"]) / 2 - 0.1, 0.02),
                    "body": (4, -sign * 3, 0),
                    "spine": (4, sign * 3, 0),
                    "head": (-22, 0, 0),
                },
            )
        )
    return move(*keys, back=0)


LADDER = _ladder()
