"""The starter library as data: what each clip is called, how people would ask for it, and what is performed.

Captions are our own words. What is written for one side also gives the other: see ``sides``.
"""

# An entry is read as rows.
# fmt: off
from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from motionary.starter import dancing, everyday, exercise, fighting, floor, games, gestures
from motionary.starter.gait import Beat, Gait, run_pattern, walk_pattern
from motionary.starter.jump import Hop, Jump
from motionary.starter.keyframes import Move, Pose, backward, both

__all__ = ["Entry", "Part", "entries"]

Part: TypeAlias = Gait | Jump | Move


@dataclass(frozen=True)
class Entry:
    """One clip. parts: performed one after another. over: a move whose ``controls`` are laid over it, from
    ``at`` seconds on. mirrored: performed left for right."""

    name: str
    captions: tuple[str, ...]
    tags: tuple[str, ...]
    parts: tuple[Part, ...]
    over: Move | None = None
    controls: tuple[str, ...] = ()
    at: float = 0.0
    mirrored: bool = False

    def laid_over(self, over: Move, controls: tuple[str, ...], at: float) -> Entry:
        """The same with ``controls`` of ``over``, from ``at`` seconds on."""
        return replace(self, over=over, controls=controls, at=at)


def sides(entry: Entry) -> list[Entry]:
    """``entry``, which says right or left, and its mirror image, which says the other."""
    return [
        entry,
        replace(
            entry,
            name=_swap(entry.name),
            captions=tuple(_swap(caption) for caption in entry.captions),
            tags=tuple(_swap(tag) for tag in entry.tags),
            mirrored=not entry.mirrored,
        ),
    ]


OTHER: Mapping[str, str] = {
    "left": "right", "right": "left", "counterclockwise": "clockwise", "clockwise": "counterclockwise",
}


def _swap(text: str) -> str:
    return re.sub(r"(counterclockwise|clockwise|left|right)", lambda match: OTHER[match[0]], text)


def _clip(name: str, captions: tuple[str, ...], tags: str, *parts: Part) -> Entry:
    """An Entry; the tags are parted by spaces."""
    return Entry(name, captions, tuple(tags.split()), parts)


WALK = Gait()
SLOW = Gait(beat=0.78, speed=0.65, landings=6, arms=13, shoulders=5, hips=4, push=38, strike=13, sway=0.5)
BRISK = Gait(beat=0.46, speed=1.75, landings=10, arms=34, elbows=35, shoulders=12, hips=8, lean=5, strike=24)
JOG = Gait(
    pattern=run_pattern(0.8), beat=0.38, speed=2.2, landings=10, lift=0.05, behind=0.16, strike=4, push=50,
    hips=6, shoulders=11, lean=6, arms=30, elbows=80, width=0.12, sway=0.2, crouch=0.05, bob=0, open=14,
    roll=3,
)
RUN = replace(
    JOG, pattern=run_pattern(0.7), beat=0.35, speed=3.3, landings=12, behind=0.26, lean=10, arms=44,
    elbows=85, width=0.09,
)
SPRINT = replace(
    RUN, pattern=run_pattern(0.64), beat=0.3, speed=4.4, landings=14, behind=0.21, lean=15, arms=58, push=58,
    width=0.07,
)
MARCH = Gait(
    beat=0.55, speed=0.95, landings=8, lift=0.26, strike=0, push=30, arms=46, elbows=10, hips=2, shoulders=3,
    lean=-2, roll=2, bob=0.02,
)
SNEAK = Gait(
    beat=0.85, speed=0.5, landings=6, lift=0.14, strike=-8, push=30, crouch=0.2, lean=24, sway=0.55, bob=0,
    arms=5, hands={**both(hand=(0.05, -0.35, 0.6), elbow=10), "head": (-18, 0, 0)}, head=(-18, 0, 0), roll=3,
)
SAD = replace(
    SLOW, speed=0.55, spine=(18, 0, 0), head=(24, 0, 0), arms=7, lift=0.015, strike=8, crouch=0.05,
    hands=both(collar=(-3, 8)),
)
PROUD = Gait(
    beat=0.56, speed=1.25, spine=(-9, 0, 0), head=(-6, 0, 0), arms=32, open=16, shoulders=14,
    hands=both(collar=(2, -8)), sway=0.4,
)
TURN = Gait(
    speed=0.0, turn=90, landings=4, beat=0.48, lift=0.06, strike=0, push=22, arms=6, hips=0, shoulders=0,
    lean=0, sway=0.6,
)
SIDEWAYS = Gait(
    speed=0, side=0.42, width=0.36, landings=8, beat=0.5, lift=0.05, strike=0, push=18, arms=0, hips=0,
    shoulders=0, lean=3, sway=0.25, roll=2,
)
STAIRS = replace(SLOW, speed=0.5, beat=0.75, lift=0.2, strike=-5, push=35, lean=10, climb=0.17, landings=8)

CREEP = Gait(
    beat=0.6, speed=0.75, landings=8, lift=0.07, strike=2, push=34, crouch=0.26, lean=26, sway=0.4, bob=0,
    arms=8, elbows=60, hands={"head": (-20, 0, 0)}, head=(-20, 0, 0), roll=3,
)
SHOVE = Gait(
    beat=0.7, speed=0.55, landings=8, strike=0, push=46, crouch=0.13, lean=34, bob=0, sway=0.4, shoulders=0,
    hips=4, hands=both(hand=(0.0, 0.32, 0.88), wrist=(-70, 0, 0), elbow=15), head=(-16, 0, 0),
)
DRAG = Gait(
    speed=-0.5, beat=0.7, strike=-12, push=-8, lift=0.05, crouch=0.14, lean=-6, shoulders=0, spine=(14, 0, 0),
    hands=both(hand=(-0.15, -0.35, 0.72)), landings=8,
)
TUCKED: Pose = {"spine": (34, 0, 0), "head": (16, 0, 0), **both(hand=(0.0, -0.5, 0.6))}
NINJA = replace(
    RUN, lean=26, head=(-14, 0, 0), shoulders=2, hips=4, beat=0.32,
    hands=both(hand=(0.25, -0.38, -0.86), wrist=(0, 0, 0)),
)


def entries() -> list[Entry]:
    """All entries, in the order of the library."""
    return [
        *_walks(),
        *_runs(),
        *_turns(),
        *_jumps(),
        *_gestures(),
        *_exercise(),
        *_fights(),
        *_around(),
        *_floor(),
        *_dances(),
        *_sequences(),
        *_weapons(),
        *_magic(),
        *_hits(),
        *_moods(),
        *_low(),
        *_seated(),
        *_tools(),
        *_over(),
        *_lying(),
        *_afloat(),
        *_dances_more(),
    ]


def _walks() -> list[Entry]:
    return [
        _clip(
            "walk_forward",
            ("a person walks forward", "someone strolls straight ahead at a normal pace", "walking"),
            "walk forward normal",
            WALK,
        ),
        _clip(
            "walk_cycle",
            ("a walk cycle that can be looped", "a person keeps walking ahead without stopping"),
            "walk forward loop",
            replace(WALK, beat=16 / 30, landings=16, looped=True),
        ),
        _clip(
            "walk_slowly",
            ("a person walks forward slowly", "someone ambles along at an unhurried pace"),
            "walk forward slow",
            SLOW,
        ),
        _clip(
            "walk_fast",
            ("a person walks quickly forward", "someone strides ahead in a hurry", "a brisk walk"),
            "walk forward fast",
            BRISK,
        ),
        _clip(
            "walk_backward",
            ("a person walks backward", "someone steps back several paces, facing forward", "retreating"),
            "walk backward",
            Gait(
                speed=-0.8, beat=0.58, strike=-16, push=-10, lift=0.06, arms=12, shoulders=4, hips=4,
                lean=-1,
            ),
        ),
        _clip(
            "tiptoe",
            ("a person tiptoes forward", "someone walks on the tips of their toes, quietly"),
            "walk forward tiptoe quiet",
            Gait(
                beat=0.6, speed=0.6, toes=38, strike=0, push=12, lift=0.05, arms=6,
                hands=both(hand=(0.45, -0.75, 0.25)),
            ),
        ),
        _clip(
            "sneak",
            (
                "a person sneaks forward, crouching",
                "someone creeps along stealthily with bent knees",
                "sneaking like a thief",
            ),
            "sneak walk forward slow crouch",
            SNEAK,
        ),
        *sides(_clip(
            "limp_right",
            ("a person limps with a hurt right leg", "someone hobbles along, favouring the right leg"),
            "walk limp injured right leg",
            Gait(
                pattern=walk_pattern(0.3), beat=0.62, speed=0.6, dip=0.09, strike=8, push=26, arms=10,
                lift=0.02, landings=8,
            ),
        )),
        _clip(
            "walk_proudly",
            ("a person struts proudly with the chest out", "someone walks with confidence, head held high"),
            "walk forward proud happy",
            PROUD,
        ),
        _clip(
            "walk_sadly",
            (
                "a person trudges along with the head down",
                "someone walks slumped and sad",
                "a tired, dejected walk",
            ),
            "walk forward sad tired slow",
            SAD,
        ),
        *sides(_clip(
            "side_step_left",
            (
                "a person steps sideways to the left",
                "someone moves left with small side steps, facing forward",
            ),
            "walk sideways left",
            SIDEWAYS,
        )),
        *sides(_clip(
            "walk_circle_left",
            (
                "a person walks in a circle to the left",
                "someone walks round counterclockwise and comes back to where they began",
            ),
            "walk circle turn left counterclockwise",
            replace(WALK, turn=360, landings=14, speed=1.05),
        )),
        *sides(_clip(
            "walk_curve_left",
            ("a person walks ahead and curves to the left", "someone veers off to the left as they walk"),
            "walk curve turn left",
            replace(WALK, turn=90, landings=9),
        )),
        _clip(
            "walk_zigzag",
            ("a person weaves from side to side while walking", "someone walks a winding, slalom path"),
            "walk weave curve",
            replace(WALK, weave=45, landings=13),
        ),
        _clip(
            "march",
            (
                "a person marches, lifting the knees high",
                "someone marches like a soldier with straight swinging arms",
            ),
            "march walk forward",
            MARCH,
        ),
        _clip(
            "stagger",
            (
                "a drunk person staggers forward",
                "someone stumbles along unsteadily, swaying from side to side",
            ),
            "walk drunk stagger",
            Gait(
                beat=0.72, speed=0.5, weave=38, width=0.3, sway=0.8, roll=8, spine=(10, 6, 0),
                head=(12, 8, 0), arms=22, open=24, lift=0.04, landings=10,
            ),
        ),
        _clip(
            "zombie",
            (
                "a person shuffles like a zombie with outstretched arms",
                "the undead lurches forward, arms held out",
            ),
            "walk zombie slow",
            Gait(
                beat=0.85, speed=0.42, lift=0.025, strike=0, push=16, roll=8, sway=0.6, spine=(8, 0, 0),
                head=(8, 14, 0), hands={"hand_l": (-0.05, 0.05, 0.93), "hand_r": (0.0, -0.12, 0.9)}, arms=3,
                shoulders=12, landings=6,
            ),
        ),
        _clip(
            "carry",
            (
                "a person walks carrying a box in front of the body",
                "someone carries something heavy with both hands",
            ),
            "walk carry forward",
            Gait(
                beat=0.6, speed=0.85, hands=both(hand=(0.0, -0.46, 0.6)), arms=2, shoulders=2, lean=-4,
                crouch=0.03,
            ),
        ),
        _clip(
            "walk_waving",
            ("a person walks forward and waves with the right hand", "someone strolls along, waving hello"),
            "walk wave forward right hand",
            WALK,
        ).laid_over(gestures.WAVE, ("hand_r", "elbow_r", "wrist_r"), 0.8),
    ]


def _runs() -> list[Entry]:
    skipping = tuple(Beat(foot, *beat) for foot in "lr" for beat in ((0.55, 0.4), (0.45, 0.48)))
    return [
        _clip(
            "jog",
            ("a person jogs forward", "someone trots along at an easy pace", "jogging"),
            "jog run forward",
            JOG,
        ),
        _clip(
            "run",
            ("a person runs forward", "someone runs straight ahead quickly", "running"),
            "run forward fast",
            RUN,
        ),
        _clip(
            "run_cycle",
            ("a run cycle that can be looped", "a person keeps on running"),
            "run forward loop",
            replace(RUN, landings=16, looped=True),
        ),
        _clip(
            "sprint",
            ("a person sprints as fast as they can", "someone dashes ahead at full speed"),
            "run sprint forward fast",
            SPRINT,
        ),
        *sides(_clip(
            "run_curve_left",
            ("a person runs and curves to the left", "someone runs along a bend to the left"),
            "run curve turn left",
            replace(RUN, turn=90, speed=2.8),
        )),
        *sides(_clip(
            "jog_circle_left",
            ("a person jogs in a circle to the left", "someone jogs round counterclockwise"),
            "jog run circle left counterclockwise",
            replace(JOG, turn=360, landings=16),
        )),
        _clip(
            "jog_in_place",
            ("a person jogs on the spot", "someone runs in place to warm up"),
            "jog run place",
            replace(
                JOG, speed=0.0, lean=1, landings=12, behind=0.2, arms=18, strike=-12, push=25, crouch=-0.02,
            ),
        ),
        _clip(
            "skip",
            ("a person skips along happily", "someone skips forward like a child"),
            "skip hop forward happy",
            Gait(
                pattern=skipping,
                beat=0.66, speed=1.5, landings=12, lift=0.07, behind=0.02, strike=-8, push=38, arms=46,
                elbows=30, crouch=0.03, bob=0, hips=5, shoulders=10, lean=2,
            ),
        ),
    ]


def _turns() -> list[Entry]:
    return [
        *sides(_clip(
            "turn_left",
            ("a person turns left on the spot", "someone turns a quarter round to the left"),
            "turn left place",
            TURN,
        )),
        *sides(_clip(
            "turn_around_left",
            (
                "a person turns around to the left",
                "someone turns half round over the left shoulder to face the other way",
            ),
            "turn around left place",
            replace(TURN, turn=180, landings=6),
        )),
        *sides(_clip(
            "turn_full_left",
            (
                "a person turns all the way round to the left with small steps",
                "someone turns a full circle counterclockwise in place",
            ),
            "turn spin left place",
            replace(TURN, turn=360, landings=9, beat=0.42),
        )),
    ]


def _jumps() -> list[Entry]:
    still: Pose = {"body": (2, 0, 0), "spine": (2, 0, 0), "head": (0, 0, 0)}
    small = Hop(height=0.08, give=0.26, crouch=0.08, air={**both(hand=(0.98, 0.0, 0.05)), **still})
    apart = replace(small, spread=0.34, down={**both(hand=(0.2, -0.95, 0.05)), **still})
    together = replace(small, down={**both(hand=(0.25, 0.95, 0.05)), **still})
    rope = Hop(
        height=0.06,
        give=0.26,
        crouch=0.06,
        air={**both(hand=(0.35, -0.55, 0.3)), **still},
        down={**both(hand=(0.4, -0.5, 0.2)), **still},
    )
    hop = Hop(
        height=0.1,
        crouch=0.1,
        give=0.34,
        air={**both(hand=(0.5, -0.6, 0.3)), **still},
        down={**both(hand=(0.35, -0.75, 0.2)), **still},
    )
    return [
        _clip(
            "jump",
            ("a person jumps straight up", "someone jumps in place with both feet"),
            "jump up place",
            Jump((Hop(),)),
        ),
        _clip(
            "jump_high",
            ("a person jumps up as high as they can, arms thrown up", "someone leaps high into the air"),
            "jump up high",
            Jump((Hop(height=0.42, crouch=0.38, give=0.95, air=both(hand=(0.2, 0.95, 0.15))),)),
        ),
        _clip(
            "jump_forward",
            ("a person jumps forward with both feet", "someone does a standing long jump"),
            "jump forward",
            Jump((Hop(height=0.3, ahead=1.2, tuck=0.12, crouch=0.33),)),
        ),
        _clip(
            "jump_backward",
            ("a person hops backward with both feet", "someone jumps back"),
            "jump backward",
            Jump((Hop(height=0.16, ahead=-0.5, crouch=0.2, give=0.7),)),
        ),
        *sides(_clip(
            "jump_left",
            ("a person jumps sideways to the left", "someone leaps to the left with both feet"),
            "jump sideways left",
            Jump((Hop(height=0.2, aside=0.6, crouch=0.22, give=0.7),)),
        )),
        *sides(_clip(
            "jump_turn_left",
            (
                "a person jumps and turns half round to the left in the air",
                "someone spins to the left while jumping",
            ),
            "jump turn left",
            Jump((Hop(height=0.32, turn=180, crouch=0.3),)),
        )),
        _clip(
            "bunny_hops",
            (
                "a person hops forward several times with both feet",
                "someone makes little jumps ahead like a rabbit",
            ),
            "jump hop forward",
            Jump((
                Hop(height=0.15, ahead=0.45, crouch=0.2, give=0.6),
                *(Hop(height=0.15, ahead=0.45, crouch=0.16, give=0.4),) * 3,
            )),
        ),
        *sides(_clip(
            "hop_left_leg",
            ("a person hops on the left leg", "someone hops in place on one foot, the left"),
            "hop jump left leg",
            Jump((replace(hop, give=0.45), *(hop,) * 4), "l"),
        )),
        _clip(
            "jumping_jacks",
            (
                "a person does jumping jacks",
                "someone exercises by jumping feet apart and swinging the arms overhead",
                "star jumps",
            ),
            "jump exercise jacks",
            Jump((apart, together) * 4),
        ),
        _clip(
            "jump_rope",
            ("a person skips rope", "someone jumps rope with quick little jumps"),
            "jump exercise rope",
            Jump((rope,) * 7),
        ),
        _clip(
            "tuck_jump",
            ("a person jumps and pulls the knees up to the chest", "a tuck jump"),
            "jump up tuck exercise",
            Jump((Hop(height=0.38, tuck=0.38, crouch=0.36, give=0.9),)),
        ),
    ]


def _gestures() -> list[Entry]:
    return [
        *sides(_clip(
            "wave_right",
            (
                "a person waves with the right hand",
                "someone raises the right arm and waves hello",
                "a greeting wave, right hand",
            ),
            "wave greet right hand",
            gestures.WAVE,
        )),
        *sides(_clip(
            "wave_slowly_right",
            (
                "a person waves goodbye slowly with the right hand",
                "someone gives a slow wave, right arm raised",
            ),
            "wave slow goodbye right hand",
            gestures.WAVE_SLOWLY,
        )),
        _clip(
            "wave_both_hands",
            ("a person waves both arms over the head", "someone waves with both hands to be seen"),
            "wave both hands",
            gestures.WAVE_BOTH,
        ),
        _clip(
            "bow",
            ("a person bows politely", "someone bends forward from the hips in a deep bow and comes back up"),
            "bow greet",
            gestures.BOW,
        ),
        _clip("nod", ("a person nods", "someone nods the head to say yes"), "nod head yes", gestures.NOD),
        _clip(
            "shake_head",
            ("a person shakes their head", "someone turns the head from side to side to say no"),
            "shake head no",
            gestures.SHAKE_HEAD,
        ),
        _clip("clap", ("a person claps", "someone applauds"), "clap applaud hands", gestures.CLAP),
        *sides(_clip(
            "point_forward_right",
            (
                "a person points forward with the right hand",
                "someone stretches out the right arm to point ahead",
            ),
            "point forward right hand",
            gestures.POINT,
        )),
        *sides(_clip(
            "point_up_right",
            (
                "a person points up at the sky with the right hand",
                "someone looks up and points upward, right arm",
            ),
            "point up right hand",
            gestures.POINT_UP,
        )),
        *sides(_clip(
            "point_to_right",
            (
                "a person points to the right",
                "someone looks to the right and points there with the right arm",
            ),
            "point sideways right hand",
            gestures.POINT_ASIDE,
        )),
        *sides(_clip(
            "salute_right",
            (
                "a person salutes with the right hand",
                "someone stands straight and gives a military salute, right hand at the forehead",
            ),
            "salute right hand",
            gestures.SALUTE,
        )),
        _clip(
            "shrug",
            ("a person shrugs", "someone lifts the shoulders and turns up the palms: who knows"),
            "shrug shoulders",
            gestures.SHRUG,
        ),
        *sides(_clip(
            "drink_right",
            (
                "a person drinks from a cup held in the right hand",
                "someone lifts a glass to the mouth with the right hand and drinks",
            ),
            "drink right hand",
            gestures.DRINK,
        )),
        *sides(_clip(
            "phone_right",
            (
                "a person talks on the phone, right hand at the ear",
                "someone makes a phone call with the right hand",
            ),
            "phone talk right hand",
            gestures.PHONE,
        )),
        _clip(
            "cross_arms",
            ("a person crosses the arms in front of the chest and waits", "someone stands with folded arms"),
            "stand arms crossed wait",
            gestures.ARMS_CROSSED,
        ),
        _clip(
            "hands_on_hips",
            (
                "a person stands with the hands on the hips",
                "someone puts both hands on the waist and looks about",
            ),
            "stand hands hips",
            gestures.HANDS_ON_HIPS,
        ),
        _clip(
            "idle",
            ("a person stands still", "someone stands idle, shifting their weight a little", "waiting"),
            "stand idle",
            gestures.STAND,
        ),
        _clip(
            "look_around",
            ("a person looks around", "someone turns the head left and right, searching"),
            "look around head",
            gestures.LOOK_AROUND,
        ),
        _clip(
            "look_up",
            ("a person looks up", "someone tilts the head back to look at the sky"),
            "look up head",
            gestures.LOOK_UP,
        ),
        _clip(
            "look_down",
            ("a person looks down", "someone lowers the head and looks at the floor"),
            "look down head",
            gestures.LOOK_DOWN,
        ),
        *sides(_clip(
            "think_right",
            (
                "a person thinks with the right hand at the chin",
                "someone ponders, rubbing the chin with the right hand",
            ),
            "think chin right hand",
            gestures.THINK,
        )),
        _clip(
            "cover_face",
            ("a person covers the face with both hands", "someone hides their face and cries"),
            "cry sad face hands",
            gestures.COVER_FACE,
        ),
        *sides(_clip(
            "beckon_right",
            ("a person beckons with the right hand", "someone waves you over with the right hand: come here"),
            "beckon come right hand",
            gestures.COME_HERE,
        )),
        *sides(_clip(
            "stop_right",
            ("a person holds up the right hand to say stop", "someone stretches out the right palm, halt"),
            "stop gesture right hand",
            gestures.STOP_SIGN,
        )),
        _clip(
            "cheer",
            ("a person cheers with both arms in the air", "someone celebrates, pumping the fists overhead"),
            "cheer celebrate happy arms",
            gestures.CHEER,
        ),
        *sides(_clip(
            "reach_up_right",
            (
                "a person reaches up high with the right hand",
                "someone stands on tiptoe to take something from a high shelf, right arm",
            ),
            "reach up right hand",
            gestures.REACH_UP,
        )),
        _clip(
            "raise_arms",
            ("a person raises both arms overhead", "someone puts their hands up"),
            "raise arms up",
            gestures.BOTH_UP,
        ),
        _clip(
            "arms_out",
            ("a person holds both arms out to the sides", "someone spreads the arms wide, like a scarecrow"),
            "arms out sides t-pose",
            gestures.ARMS_OUT,
        ),
    ]


def _exercise() -> list[Entry]:
    return [
        _clip(
            "squat",
            ("a person squats down and stands back up", "someone does one deep knee bend, arms forward"),
            "squat exercise",
            exercise.SQUAT,
        ),
        _clip(
            "squats",
            ("a person does squats", "someone squats up and down several times for exercise"),
            "squat exercise repeat",
            exercise.SQUATS,
        ),
        *sides(_clip(
            "lunge_right",
            (
                "a person lunges forward with the right leg and steps back",
                "someone takes a deep lunge, right foot in front",
            ),
            "lunge exercise right leg",
            exercise.LUNGE,
        )),
        _clip(
            "stretch",
            (
                "a person stretches the arms overhead and leans to both sides",
                "someone stretches after getting up",
            ),
            "stretch arms up",
            exercise.STRETCH_UP,
        ),
        _clip(
            "touch_toes",
            (
                "a person bends down to touch the toes",
                "someone folds forward with straight legs and reaches for the feet",
            ),
            "stretch bend forward toes",
            exercise.TOUCH_TOES,
        ),
        *sides(_clip(
            "side_bend_left",
            (
                "a person bends the upper body to the left, right arm overhead",
                "someone stretches the side, leaning left",
            ),
            "stretch bend side left",
            exercise.SIDE_BEND,
        )),
        _clip(
            "arm_circles",
            ("a person makes circles with the outstretched arms", "someone circles both arms to warm up"),
            "exercise arms circle",
            exercise.ARM_CIRCLES,
        ),
        _clip(
            "twist_trunk",
            (
                "a person twists the upper body from side to side",
                "someone rotates the trunk left and right to warm up",
            ),
            "exercise twist trunk",
            exercise.TWIST_TRUNK,
        ),
        *sides(_clip(
            "balance_left_leg",
            (
                "a person balances on the left leg, arms out to the sides",
                "someone stands on one leg, the left",
            ),
            "balance stand left leg",
            exercise.BALANCE,
        )),
        *sides(_clip(
            "kick_back_right",
            ("a person raises the right leg behind the body", "someone kicks backward with the right leg"),
            "kick backward right leg",
            exercise.KICKBACK,
        )),
        _clip(
            "swim_crawl",
            ("a person mimes swimming front crawl", "someone makes freestyle swimming strokes with the arms"),
            "swim arms crawl",
            exercise.SWIM_CRAWL,
        ),
        _clip(
            "breaststroke",
            (
                "a person mimes swimming breaststroke",
                "someone moves both arms as in swimming, pushing them forward and apart",
            ),
            "swim arms breaststroke",
            exercise.BREASTSTROKE,
        ),
    ]


def _fights() -> list[Entry]:
    return [
        _clip(
            "boxing_guard",
            (
                "a person holds a boxing guard and bobs",
                "someone stands ready to fight, fists up in front of the face",
            ),
            "box guard fight",
            fighting.GUARD_HELD,
        ),
        *sides(_clip(
            "jab_left",
            ("a person throws a left jab", "someone punches straight ahead with the left fist"),
            "punch jab box left hand",
            fighting.JAB,
        )),
        *sides(_clip(
            "cross_right",
            (
                "a person throws a right cross",
                "someone punches hard with the right hand, turning the hips",
                "a straight right",
            ),
            "punch cross box right hand",
            fighting.CROSS,
        )),
        *sides(_clip(
            "hook_right",
            ("a person throws a right hook", "someone swings a hook punch with the right arm"),
            "punch hook box right hand",
            fighting.HOOK,
        )),
        *sides(_clip(
            "uppercut_right",
            ("a person throws a right uppercut", "someone punches upward with the right fist"),
            "punch uppercut box right hand",
            fighting.UPPERCUT,
        )),
        _clip(
            "punch_combination",
            ("a person boxes: left jab, right cross, left hook", "someone throws a combination of punches"),
            "punch box combination fight",
            fighting.COMBINATION,
        ),
        *sides(_clip(
            "front_kick_right",
            ("a person kicks forward with the right leg", "someone does a front kick, right foot"),
            "kick forward right leg",
            fighting.FRONT_KICK,
        )),
        *sides(_clip(
            "side_kick_right",
            ("a person kicks sideways with the right leg", "someone does a side kick to the right"),
            "kick sideways right leg",
            fighting.SIDE_KICK,
        )),
        *sides(_clip(
            "roundhouse_right",
            (
                "a person does a roundhouse kick with the right leg",
                "someone swings the right leg round in a high turning kick",
            ),
            "kick roundhouse turn right leg",
            fighting.ROUNDHOUSE,
        )),
        *sides(_clip(
            "knee_strike_right",
            (
                "a person strikes with the right knee",
                "someone drives the right knee up, pulling the hands down",
            ),
            "knee strike fight right leg",
            fighting.KNEE_STRIKE,
        )),
    ]


def _around() -> list[Entry]:
    return [
        *sides(_clip(
            "throw_right",
            (
                "a person throws a ball overhand with the right arm",
                "someone winds up and hurls something forward, right-handed",
            ),
            "throw overhand right hand",
            everyday.THROW,
        )),
        *sides(_clip(
            "toss_right",
            (
                "a person tosses something underhand with the right hand",
                "someone bowls a ball softly, right arm",
            ),
            "throw underhand right hand",
            everyday.TOSS,
        )),
        _clip(
            "push",
            ("a person pushes something heavy forward with both hands", "someone leans in and shoves a wall"),
            "push both hands",
            everyday.PUSH,
        ),
        _clip(
            "pull",
            (
                "a person pulls a rope with both hands",
                "someone leans back and drags something toward the body",
            ),
            "pull rope both hands",
            everyday.PULL,
        ),
        *sides(_clip(
            "pick_up_right",
            (
                "a person crouches and picks something up from the floor with the right hand",
                "someone bends down, grabs an object with the right hand and looks at it",
            ),
            "pick up bend right hand",
            everyday.PICK_UP,
        )),
        _clip(
            "lift_box",
            (
                "a person squats and lifts a heavy box with both hands",
                "someone picks up a crate from the floor",
            ),
            "lift pick up box both hands",
            everyday.LIFT_BOX,
        ),
        _clip(
            "sit_down",
            ("a person sits down on a chair", "someone takes a seat"),
            "sit down chair",
            everyday.SIT_DOWN,
        ),
        _clip(
            "stand_up",
            ("a person stands up from a chair", "someone gets up from a seat"),
            "stand up chair",
            everyday.STAND_UP,
        ),
        _clip(
            "sit",
            ("a person sits on a chair", "someone sits still and looks about"),
            "sit chair idle",
            everyday.SIT,
        ),
        *sides(_clip(
            "kneel_right",
            (
                "a person kneels down on the right knee",
                "someone goes down on one knee, the right, as if to propose",
            ),
            "kneel down right leg",
            everyday.KNEEL_ON_ONE,
        )),
        *sides(_clip(
            "stomp_right",
            ("a person stomps the right foot angrily", "someone stamps on the floor with the right foot"),
            "stomp angry right leg",
            gestures.STOMP,
        )),
        _clip(
            "climb_stairs",
            ("a person climbs up the stairs", "someone walks upstairs"),
            "walk stairs climb up",
            STAIRS,
        ),
        _clip(
            "descend_stairs",
            ("a person goes down the stairs", "someone walks downstairs"),
            "walk stairs down",
            replace(STAIRS, climb=-0.17, speed=0.52, lift=0.08, strike=-14, push=50, lean=2),
        ),
    ]


def _floor() -> list[Entry]:
    return [
        _clip(
            "push_ups",
            ("a person does push-ups", "someone lowers the chest to the floor and presses back up"),
            "push-up exercise floor",
            exercise.PUSH_UPS,
        ),
        _clip(
            "plank",
            ("a person holds a plank", "someone stays in push-up position"),
            "plank exercise floor",
            exercise.HOLD_PLANK,
        ),
        _clip(
            "sit_ups",
            ("a person does sit-ups", "someone lies on the back and curls up to the knees, again and again"),
            "sit-up exercise floor",
            exercise.SIT_UPS,
        ),
        _clip(
            "lie",
            ("a person lies on their back", "someone rests, stretched out on the floor"),
            "lie rest floor",
            everyday.LIE,
        ),
        _clip(
            "crawl",
            ("a person crawls on hands and knees", "someone crawls forward like a baby"),
            "crawl forward floor",
            everyday.CRAWL,
        ),
        _clip(
            "climb_ladder",
            ("a person climbs a ladder", "someone climbs up, hand over hand, rung by rung"),
            "climb ladder up",
            everyday.LADDER,
        ),
        *sides(_clip(
            "get_up_right",
            ("a person gets up from the right knee", "someone rises from one knee, the right"),
            "kneel stand up right leg",
            backward(everyday.KNEEL_ON_ONE),
        )),
        _clip(
            "put_down_box",
            ("a person puts a heavy box down on the floor", "someone squats to set down what they carry"),
            "put down box both hands",
            backward(everyday.LIFT_BOX),
        ),
    ]


def _dances() -> list[Entry]:
    return [
        _clip(
            "dance_side_step",
            (
                "a person dances, stepping from side to side",
                "someone grooves with side steps and swinging arms",
            ),
            "dance side step",
            dancing.SIDE_STEP,
        ),
        _clip(
            "dance_arms_up",
            (
                "a person dances with the arms in the air",
                "someone sways the hips with raised hands, as at a party",
            ),
            "dance groove arms up",
            dancing.GROOVE,
        ),
        _clip(
            "dance_twist",
            ("a person dances the twist", "someone twists the hips and knees from side to side"),
            "dance twist",
            dancing.TWIST_DANCE,
        ),
        *sides(_clip(
            "dance_spin_left",
            (
                "a person spins around to the left with open arms",
                "a dancer turns on the spot counterclockwise",
            ),
            "dance spin turn left",
            replace(
                TURN, turn=360, landings=6, beat=0.32, hands=both(hand=(0.93, 0.05, 0.2)), toes=25, push=10,
            ),
        )),
    ]


def _sequences() -> list[Entry]:
    short, jog = replace(WALK, landings=6), replace(JOG, landings=8)
    around = replace(TURN, turn=180, landings=6)
    return [
        _clip(
            "walk_then_sit",
            (
                "a person walks forward, turns around and sits down",
                "someone walks to a chair and takes a seat",
            ),
            "walk turn sit sequence",
            short,
            around,
            everyday.SIT_DOWN,
        ),
        _clip(
            "stand_up_then_walk",
            ("a person gets up from a chair and walks away", "someone stands up, then walks forward"),
            "stand walk sequence",
            everyday.STAND_UP,
            short,
        ),
        _clip(
            "jump_then_wave",
            ("a person jumps, then waves with the right hand", "someone hops up and says hello"),
            "jump wave sequence",
            Jump((Hop(),)),
            gestures.WAVE,
        ),
        _clip(
            "walk_turn_run",
            ("a person walks forward, turns around and runs back", "someone walks, turns and runs away"),
            "walk turn run sequence",
            short,
            around,
            RUN,
        ),
        _clip(
            "run_then_jump",
            ("a person runs forward, then jumps", "someone runs up and leaps forward"),
            "run jump sequence",
            jog,
            Jump((Hop(height=0.3, ahead=1.0, tuck=0.1, give=0.6),)),
        ),
        _clip(
            "walk_then_bow",
            ("a person walks forward and bows", "someone steps up and takes a bow"),
            "walk bow sequence",
            short,
            gestures.BOW,
        ),
        _clip(
            "limp_then_sit",
            ("a person limps forward, then sits down", "someone with a hurt leg hobbles to a chair and sits"),
            "limp walk sit sequence",
            Gait(
                pattern=walk_pattern(0.3), beat=0.62, speed=0.6, dip=0.09, strike=8, push=26, arms=10,
                lift=0.02, landings=6,
            ),
            around,
            everyday.SIT_DOWN,
        ),
        _clip(
            "walk_back_and_forth",
            ("a person paces back and forth", "someone walks ahead, turns round and walks back"),
            "walk turn sequence pace",
            short,
            around,
            short,
            around,
        ),
        _clip(
            "walk_pick_up_walk",
            (
                "a person walks, picks something up from the floor and walks on",
                "someone stops to pick up an object",
            ),
            "walk pick up sequence",
            short,
            everyday.PICK_UP,
            short,
        ),
        _clip(
            "look_around_then_run",
            ("a person looks around, then runs off", "someone checks both sides and runs away"),
            "look run sequence",
            gestures.LOOK_AROUND,
            RUN,
        ),
        _clip(
            "sneak_then_jump",
            ("a person sneaks forward, then jumps up to scare someone", "someone creeps up and leaps"),
            "sneak jump sequence",
            replace(SNEAK, landings=4),
            Jump((Hop(height=0.3),)),
        ),
        _clip(
            "clap_then_cheer",
            ("a person claps and then cheers with raised arms", "someone applauds and celebrates"),
            "clap cheer sequence",
            gestures.CLAP,
            gestures.CHEER,
        ),
        _clip(
            "kick_then_punch",
            ("a person kicks with the right leg and then throws punches", "a fighter kicks, then boxes"),
            "kick punch fight sequence",
            fighting.FRONT_KICK,
            fighting.COMBINATION,
        ),
    ]


def _weapons() -> list[Entry]:
    return [
        _clip(
            "sword_idle",
            (
                "a person stands ready with a sword",
                "someone holds a sword in front of them and waits",
                "sword idle stance",
            ),
            "sword idle stand guard",
            games.SWORD_IDLE,
        ),
        *sides(_clip(
            "sword_slash_right",
            (
                "a person slashes with a sword in the right hand",
                "someone swings a blade across, right-handed",
                "sword attack with the right arm",
            ),
            "sword attack slash right hand",
            games.SLASH,
        )),
        *sides(_clip(
            "sword_two_slashes_right",
            (
                "a person slashes twice with a sword in the right hand",
                "someone cuts there and back, a sword combo with the right arm",
            ),
            "sword attack slash combo right hand",
            games.SLASH_TWICE,
        )),
        _clip(
            "sword_chop",
            (
                "a person strikes down with a two-handed sword",
                "someone brings a heavy weapon down from above the head",
                "overhead sword attack",
            ),
            "sword attack chop both hands",
            games.CHOP,
        ),
        *sides(_clip(
            "sword_stab_right",
            (
                "a person stabs forward with the right hand",
                "someone thrusts a sword straight ahead, right-handed",
            ),
            "sword attack stab right hand",
            games.STAB,
        )),
        _clip(
            "sword_block",
            (
                "a person blocks an attack with a sword",
                "someone defends themselves with a raised blade",
                "parry and hold",
            ),
            "sword block defend",
            games.BLOCK,
        ),
        _clip(
            "shield_block",
            (
                "a person raises a shield and takes cover behind it",
                "someone defends with a shield",
            ),
            "shield block defend",
            games.SHIELD_UP,
        ),
        *sides(_clip(
            "dodge_left",
            ("a person dodges a blow to the left", "someone ducks aside, leaning left"),
            "dodge evade left",
            games.DODGE,
        )),
        _clip(
            "fight_idle",
            (
                "a fighter bounces in a fighting stance",
                "someone keeps the fists up, ready to fight",
                "combat idle",
            ),
            "fight idle guard stand",
            games.FIGHT_IDLE,
        ),
        _clip(
            "bow_shot",
            (
                "a person shoots an arrow with a bow",
                "someone draws a bow and lets go",
                "an archer aims and fires",
            ),
            "bow arrow shoot",
            games.BOW_SHOT,
        ),
        _clip(
            "pistol_idle",
            (
                "a person stands with a lowered pistol",
                "someone holds a gun down in both hands and looks about",
                "pistol idle",
            ),
            "pistol gun idle stand",
            games.PISTOL_IDLE,
        ),
        _clip(
            "pistol_aim",
            (
                "a person raises a pistol and aims straight ahead",
                "someone points a gun forward with both hands",
                "aim neutral",
            ),
            "pistol gun aim forward",
            games.PISTOL_AIM,
        ),
        _clip(
            "pistol_aim_up",
            ("a person aims a pistol upward", "someone points a gun at something high up"),
            "pistol gun aim up",
            games.AIM_UP,
        ),
        _clip(
            "pistol_aim_down",
            ("a person aims a pistol downward", "someone points a gun at the ground ahead"),
            "pistol gun aim down",
            games.AIM_DOWN,
        ),
        _clip(
            "pistol_shoot",
            ("a person fires a pistol", "someone shoots a gun several times, with recoil"),
            "pistol gun shoot fire",
            games.SHOOT,
        ),
        _clip(
            "pistol_reload",
            ("a person reloads a pistol", "someone changes the magazine of a gun"),
            "pistol gun reload",
            games.RELOAD,
        ),
        _clip(
            "rifle_aim",
            (
                "a person aims a rifle",
                "someone shoulders a long gun and takes aim",
                "a soldier aims",
            ),
            "rifle gun aim",
            games.RIFLE_AIM,
        ),
        _clip(
            "rifle_shoot",
            ("a person fires a rifle in bursts", "someone shoots a machine gun from the shoulder"),
            "rifle gun shoot fire",
            games.RIFLE_SHOOT,
        ),
    ]


def _magic() -> list[Entry]:
    return [
        *sides(_clip(
            "cast_right",
            (
                "a wizard casts a spell with the right hand",
                "someone throws magic forward from the right palm",
                "right-handed spell",
            ),
            "magic spell cast right hand",
            games.CAST,
        )),
        _clip(
            "cast_blast",
            (
                "a person charges an energy blast and fires it with both hands",
                "someone gathers power at the hip and thrusts both palms forward",
                "two-handed magic attack",
            ),
            "magic spell blast both hands",
            games.BLAST,
        ),
        _clip(
            "power_up",
            (
                "a person powers up, trembling, then spreads the arms",
                "someone charges up energy and bursts with it",
                "a hero transforms",
            ),
            "magic power charge",
            games.POWER_UP,
        ),
        _clip(
            "summon",
            (
                "a person summons something, raising both arms slowly",
                "someone conjures with lifted palms",
            ),
            "magic spell summon both hands",
            games.SUMMON,
        ),
        _clip(
            "cast_heal",
            (
                "a person casts a healing spell, opening the hands",
                "someone blesses others with both hands held out",
            ),
            "magic spell heal both hands",
            games.HEAL,
        ),
    ]


def _hits() -> list[Entry]:
    return [
        _clip(
            "hit_chest",
            (
                "a person is hit in the chest and staggers back",
                "someone takes a blow to the chest",
            ),
            "hit hurt react chest",
            games.HIT_CHEST,
        ),
        _clip(
            "hit_head",
            (
                "a person is hit in the head",
                "someone takes a punch to the face and holds the cheek",
            ),
            "hit hurt react head",
            games.HIT_HEAD,
        ),
        _clip(
            "hit_stomach",
            (
                "a person is punched in the stomach and doubles over",
                "someone folds up, holding the belly",
            ),
            "hit hurt react stomach",
            games.HIT_STOMACH,
        ),
        _clip(
            "dizzy",
            ("a person is dizzy and sways in circles", "someone reels, about to faint"),
            "dizzy sway drunk",
            games.DIZZY,
        ),
        _clip(
            "die_backward",
            (
                "a person dies and falls backward",
                "someone is shot and drops on their back",
                "death falling back",
            ),
            "die death fall backward floor",
            floor.DIE_BACKWARD,
        ),
        *sides(_clip(
            "die_on_knees_left",
            (
                "a person on their knees dies and falls over to the left side",
                "someone kneeling collapses sideways, to the left",
            ),
            "die death fall left floor",
            floor.DIE_KNEELING,
        )),
        _clip(
            "knocked_out",
            (
                "a person lies knocked out on the floor",
                "someone is unconscious, flat on their back with the arms spread",
            ),
            "knocked-out unconscious lie floor",
            floor.KNOCKED_OUT,
        ),
        _clip(
            "dead",
            ("a person lies dead, face down", "a body lies still on its belly"),
            "dead lie still floor",
            floor.DEAD,
        ),
    ]


def _moods() -> list[Entry]:
    return [
        _clip(
            "shiver",
            (
                "a person shivers with cold",
                "someone is freezing, hugging themselves and trembling",
            ),
            "shiver cold tremble",
            games.SHIVER,
        ),
        _clip(
            "pant",
            (
                "a person is out of breath, hands on the knees",
                "someone bends over and pants after a run",
            ),
            "tired pant breath",
            games.PANT,
        ),
        _clip(
            "tired_idle",
            (
                "a person stands tired, with hanging shoulders",
                "someone exhausted slumps and breathes heavily",
            ),
            "tired idle slump stand",
            games.TIRED,
        ),
        _clip(
            "angry",
            (
                "a person is angry, stamps and shakes the fists",
                "someone throws a tantrum",
                "furious",
            ),
            "angry stomp fists",
            games.ANGRY,
        ),
        _clip(
            "confused",
            (
                "a person is confused, scratches the head and shrugs",
                "someone does not understand and scratches their head",
            ),
            "confused scratch head shrug",
            games.CONFUSED,
        ),
        _clip(
            "reject",
            (
                "a person rejects an offer, waving it off",
                "someone says no with hand and head",
                "refusing",
            ),
            "reject refuse no wave",
            games.REJECT,
        ),
        *sides(_clip(
            "greet_right",
            (
                "a person greets someone with the right hand and a nod",
                "someone says hi, raising the right hand",
            ),
            "greet hello wave right hand",
            games.GREET,
        )),
        _clip(
            "listen",
            ("a person listens, a hand behind the ear", "someone leans in to hear better"),
            "listen ear lean",
            games.LISTEN,
        ),
        _clip(
            "listen_nodding",
            (
                "a person listens with crossed arms and nods along",
                "someone follows a talk and agrees",
            ),
            "listen nod talk stand",
            games.NOD_ALONG,
        ),
        _clip(
            "talk",
            (
                "a person talks with their hands",
                "someone stands in conversation, gesturing",
                "talking idle",
            ),
            "talk gesture stand",
            games.TALK,
        ),
        _clip(
            "explain",
            (
                "a person explains something with both hands",
                "someone argues a point, beating time with a hand",
            ),
            "talk explain gesture",
            games.EXPLAIN,
        ),
        *sides(_clip(
            "fist_pump_right",
            (
                "a person pumps the right fist in triumph",
                "someone celebrates a goal with the right fist: yes!",
            ),
            "celebrate fist win right hand",
            games.FIST_PUMP,
        )),
        _clip(
            "victory",
            (
                "a person celebrates victory with both arms raised in a V",
                "someone has won and holds the arms up high",
            ),
            "celebrate victory win arms up",
            games.VICTORY,
        ),
        _clip(
            "cry",
            ("a person cries, wiping the eyes", "someone sobs with a hand over the face"),
            "cry sad sob",
            games.CRY,
        ),
        _clip(
            "laugh",
            ("a person laughs out loud", "someone holds the belly with laughter"),
            "laugh happy",
            games.LAUGH,
        ),
        _clip(
            "scared",
            (
                "a person starts back in fright and trembles",
                "someone is scared and shields themselves with the hands",
            ),
            "scared fear react",
            games.SCARED,
        ),
        _clip(
            "t_pose",
            (
                "a person stands in a T-pose",
                "someone holds the arms straight out sideways, for rigging",
                "bind pose",
            ),
            "t-pose stand still",
            games.POSED_T,
        ),
        _clip(
            "a_pose",
            (
                "a person stands in an A-pose",
                "someone holds the arms out at a slant, halfway down",
            ),
            "a-pose stand still",
            games.POSED_A,
        ),
    ]


def _low() -> list[Entry]:
    return [
        _clip(
            "crouch_idle",
            ("a person crouches and waits", "someone stays low, looking about", "crouch idle"),
            "crouch idle low",
            games.CROUCH_IDLE,
        ),
        _clip(
            "crouch_walk",
            ("a person walks crouched", "someone moves forward, keeping low", "crouch walking"),
            "crouch walk forward low",
            CREEP,
        ),
        _clip(
            "crouch_walk_backward",
            ("a person backs away in a crouch", "someone moves backward, keeping low"),
            "crouch walk backward low",
            replace(CREEP, speed=-0.55, strike=-10, push=-6),
        ),
        _clip(
            "cower",
            (
                "a person cowers and covers the head",
                "someone ducks down in fear, hands over the head",
            ),
            "cower duck scared crouch",
            games.COWER,
        ),
        _clip(
            "kneel_down",
            ("a person kneels down on both knees and sits back on the heels", "someone drops to their knees"),
            "kneel down floor",
            floor.KNEEL_DOWN,
        ),
        _clip(
            "kneel_idle",
            ("a person kneels on both knees", "someone waits on their knees"),
            "kneel idle floor",
            floor.KNEEL_IDLE,
        ),
        _clip(
            "kneel_tired",
            (
                "a person kneels, worn out and breathing hard",
                "someone sits on their heels, exhausted",
            ),
            "kneel tired floor",
            floor.KNEEL_TIRED,
        ),
        _clip(
            "kneel_work",
            (
                "a person kneels and fixes something",
                "someone repairs a machine on one knee",
                "kneeling, working with the hands",
            ),
            "kneel fix work repair",
            floor.KNEEL_WORK,
        ),
        _clip(
            "plant_seeds",
            (
                "a person kneels and plants seeds",
                "someone digs in the earth with the hands, on one knee",
            ),
            "kneel plant garden",
            floor.PLANT,
        ),
        _clip(
            "pray",
            ("a person prays on their knees", "someone kneels with folded hands"),
            "pray kneel floor",
            floor.PRAY,
        ),
        _clip(
            "surrender",
            (
                "a person surrenders on their knees, hands behind the head",
                "someone kneels down under arrest",
            ),
            "surrender kneel floor",
            floor.SURRENDER,
        ),
        _clip(
            "meditate",
            (
                "a person meditates cross-legged, hands on the knees",
                "someone sits in the lotus position and breathes",
                "yoga meditation",
            ),
            "meditate sit yoga floor",
            floor.MEDITATE,
        ),
        _clip(
            "meditate_kneeling",
            (
                "a person meditates kneeling, sitting on their heels",
                "someone sits in seiza with the hands on the thighs",
            ),
            "meditate kneel floor",
            floor.MEDITATE_KNEELING,
        ),
        _clip(
            "sit_on_floor",
            (
                "a person sits on the floor with crossed legs",
                "someone sits on the ground and looks around",
            ),
            "sit floor idle",
            floor.SIT_ON_FLOOR,
        ),
    ]


def _seated() -> list[Entry]:
    return [
        _clip(
            "sit_talk",
            (
                "a person sits and talks with their hands",
                "someone chats in a chair, gesturing",
                "sitting, talking",
            ),
            "sit talk gesture chair",
            games.SIT_TALK,
        ),
        _clip(
            "drive",
            (
                "a person drives a car, turning the wheel",
                "someone sits at the steering wheel",
                "driving",
            ),
            "sit drive car wheel",
            games.DRIVE,
        ),
        _clip(
            "type",
            ("a person types on a keyboard", "someone works at a computer, sitting"),
            "sit type computer work",
            games.TYPE,
        ),
        _clip(
            "sit_slumped",
            ("a person sits slumped, head down", "someone sits sadly on a bench"),
            "sit sad tired chair",
            games.SIT_SLUMPED,
        ),
        *sides(_clip(
            "sit_eat_right",
            (
                "a person sits at a table and eats with the right hand",
                "someone has dinner, spoon in the right hand",
            ),
            "sit eat right hand",
            games.SIT_EAT,
        )),
        _clip(
            "sit_cheer",
            ("a person cheers from their seat, arms up", "a fan jumps for joy without getting up"),
            "sit cheer celebrate",
            games.SIT_CHEER,
        ),
        _clip(
            "play_drums",
            ("a person sits and plays the drums", "a drummer drums, seated"),
            "sit drum music",
            games.DRUM,
        ),
    ]


def _tools() -> list[Entry]:
    return [
        *sides(_clip(
            "eat_right",
            (
                "a person eats something from the right hand",
                "someone takes bites and chews, right-handed",
            ),
            "eat food right hand",
            games.EAT,
        )),
        *sides(_clip(
            "hold_torch_right",
            (
                "a person holds up a torch in the right hand",
                "someone lights the way with the right arm raised",
            ),
            "torch hold right hand",
            games.HOLD_TORCH,
        )),
        *sides(_clip(
            "walk_torch_right",
            (
                "a person walks with a torch in the right hand",
                "someone carries a light ahead, right-handed",
            ),
            "torch walk carry right hand",
            replace(SLOW, hands=games.TORCH, landings=8),
        )),
        _clip(
            "push_walking",
            (
                "a person pushes a heavy crate along",
                "someone leans into a cart and shoves it forward step by step",
            ),
            "push walk heavy both hands",
            SHOVE,
        ),
        _clip(
            "drag_backward",
            (
                "a person drags something heavy, walking backward",
                "someone pulls a crate along the floor",
            ),
            "pull drag walk backward",
            DRAG,
        ),
        _clip(
            "chop_tree",
            ("a person chops a tree with an axe", "someone swings an axe sideways at a trunk"),
            "axe chop tree tool",
            games.CHOP_TREE,
        ),
        _clip(
            "mine",
            (
                "a person mines rock with a pickaxe",
                "someone swings a pickaxe down again and again",
            ),
            "pickaxe mine tool",
            games.MINE,
        ),
        _clip(
            "dig",
            ("a person digs with a shovel", "someone shovels earth over the shoulder"),
            "dig shovel tool",
            games.DIG,
        ),
        *sides(_clip(
            "hammer_right",
            (
                "a person hammers a nail with the right hand",
                "someone forges with a hammer in the right hand",
            ),
            "hammer tool work right hand",
            games.HAMMER,
        )),
        _clip(
            "fish",
            ("a person casts a fishing rod and reels it in", "someone goes fishing"),
            "fish rod",
            games.FISH,
        ),
        _clip(
            "sweep",
            (
                "a person sweeps the floor with a broom",
                "someone cleans up, sweeping from side to side",
            ),
            "sweep broom clean",
            games.SWEEP,
        ),
        _clip(
            "play_guitar",
            ("a person plays the guitar", "someone strums a guitar, nodding to the beat"),
            "guitar music play",
            games.GUITAR,
        ),
        *sides(_clip(
            "press_button_right",
            (
                "a person presses a button with the right hand",
                "someone pushes a switch on the wall, right-handed",
                "interact with something, right hand",
            ),
            "press button interact right hand",
            games.PRESS,
        )),
        *sides(_clip(
            "knock_right",
            (
                "a person knocks at a door with the right hand",
                "someone raps three times, right-handed, and waits",
            ),
            "knock door right hand",
            games.KNOCK,
        )),
        *sides(_clip(
            "open_door_right",
            (
                "a person opens a door with the right hand",
                "someone turns a door handle and pulls, right-handed",
            ),
            "open door right hand",
            games.OPEN_DOOR,
        )),
        _clip(
            "pull_lever",
            ("a person pulls down a big lever", "someone throws a switch with both hands"),
            "pull lever both hands",
            games.LEVER,
        ),
        *sides(_clip(
            "pick_fruit_right",
            (
                "a person picks a fruit from a tree with the right hand",
                "someone harvests an apple, right-handed",
            ),
            "pick fruit harvest right hand",
            games.PICK_FRUIT,
        )),
    ]


def _over() -> list[Entry]:
    return [
        _clip(
            "backflip",
            (
                "a person does a backflip",
                "someone jumps and turns over backward in the air",
                "backward somersault",
            ),
            "backflip flip jump acrobatic",
            Jump((Hop(height=0.62, ahead=-0.35, flip=-360, crouch=0.34, down={"head": (-24, 0, 0)},
                air=TUCKED),)),
        ),
        _clip(
            "front_flip",
            ("a person does a front flip", "someone somersaults forward in the air"),
            "frontflip flip jump acrobatic",
            Jump((Hop(height=0.6, ahead=0.8, flip=360, crouch=0.34, air=TUCKED),)),
        ),
        _clip(
            "roll",
            (
                "a person rolls forward over the shoulder and gets up",
                "someone does a forward roll",
                "dodge roll",
            ),
            "roll forward floor acrobatic",
            floor.ROLL,
        ),
        _clip(
            "handstand",
            ("a person does a handstand", "someone stands on their hands"),
            "handstand acrobatic floor",
            floor.HANDSTAND,
        ),
        _clip(
            "jump_start",
            (
                "a person takes off into a jump",
                "someone crouches and springs up from the floor",
                "jump start",
            ),
            "jump start takeoff",
            floor.JUMP_START,
        ),
        _clip(
            "jump_in_air",
            (
                "a person is in mid-air in a jump",
                "someone hangs in the air between takeoff and landing",
                "jump loop",
            ),
            "air jump loop fall",
            floor.IN_AIR,
        ),
        _clip(
            "jump_land",
            (
                "a person lands from a jump",
                "someone drops to the ground and absorbs it with the knees",
                "jump landing",
            ),
            "land jump crouch",
            floor.LAND,
        ),
        _clip(
            "falling",
            ("a person falls through the air, flailing", "someone drops from a great height"),
            "fall air loop",
            floor.FALLING,
        ),
        _clip(
            "ninja_run",
            (
                "a person runs like a ninja, arms straight back",
                "someone sprints bent forward with the arms trailing behind",
            ),
            "run forward fast ninja",
            NINJA,
        ),
    ]


def _lying() -> list[Entry]:
    return [
        _clip(
            "lie_down",
            (
                "a person lies down on their back",
                "someone sits down on the floor and lies back to sleep",
            ),
            "lie down sleep floor",
            floor.LIE_DOWN,
        ),
        _clip(
            "get_up",
            (
                "a person gets up from the floor",
                "someone lying on their back sits up and stands up",
            ),
            "get-up stand floor",
            floor.GET_UP,
        ),
        _clip(
            "sleep",
            ("a person sleeps on their back", "someone lies asleep, one hand on the belly"),
            "sleep lie rest floor",
            floor.SLEEP_ON_BACK,
        ),
        *sides(_clip(
            "sleep_side_left",
            (
                "a person sleeps curled up on the left side",
                "someone lies asleep on their left side",
            ),
            "sleep lie left floor",
            floor.SLEEP_ON_SIDE,
        )),
        _clip(
            "belly_crawl",
            (
                "a person crawls on the belly like a soldier",
                "someone creeps along flat on the floor",
                "army crawl, prone",
            ),
            "crawl prone forward floor",
            floor.BELLY_CRAWL,
        ),
    ]


def _afloat() -> list[Entry]:
    return [
        _clip(
            "swim",
            (
                "a person swims front crawl in the water",
                "someone swims forward, kicking the legs",
                "swimming",
            ),
            "swim water crawl forward",
            floor.SWIM,
        ),
        _clip(
            "swim_breast",
            (
                "a person swims breaststroke in the water",
                "someone swims calmly ahead, arms and legs together",
            ),
            "swim water breaststroke forward",
            floor.SWIM_BREAST,
        ),
        _clip(
            "tread_water",
            ("a person treads water", "someone keeps afloat, paddling on the spot", "swim idle"),
            "swim water tread idle",
            floor.TREAD_WATER,
        ),
        _clip(
            "fly",
            (
                "a person flies forward, arms ahead",
                "a superhero flies through the sky",
                "someone soars, body stretched out flat",
            ),
            "fly forward air",
            floor.FLY,
        ),
        *sides(_clip(
            "fly_fist_right",
            (
                "a superhero flies with the right fist ahead",
                "someone flies forward, right arm stretched out",
            ),
            "fly forward air right hand",
            floor.FLY_ONE_FIST,
        )),
        _clip(
            "levitate",
            (
                "a person levitates above the ground",
                "someone hovers in the air, arms low",
                "floating idle",
            ),
            "float hover levitate air",
            floor.LEVITATE,
        ),
        _clip(
            "rise_up",
            ("a person rises into the air", "someone lifts off the ground and floats upward"),
            "float rise levitate air",
            floor.RISE_UP,
        ),
        _clip(
            "float_meditating",
            ("a monk meditates floating in the air", "someone levitates cross-legged"),
            "float meditate levitate air",
            floor.FLOAT_CROSSED,
        ),
    ]


def _dances_more() -> list[Entry]:
    return [
        _clip(
            "dance_charleston",
            (
                "a person dances the charleston, kicking forward and back",
                "someone does swing kicks",
            ),
            "dance charleston kick",
            games.CHARLESTON,
        ),
        _clip(
            "dance_body_roll",
            ("a person does body rolls", "a dancer rolls chest and hips in a wave"),
            "dance body roll",
            games.BODY_ROLL,
        ),
        _clip(
            "dance_disco",
            (
                "a person dances disco, pointing up and down",
                "someone points to the ceiling and to the floor in turn, dancing",
            ),
            "dance disco point",
            games.DISCO,
        ),
        _clip(
            "dance_robot",
            ("a person dances the robot", "someone moves in stiff jerks like a machine"),
            "dance robot",
            games.ROBOT,
        ),
        _clip(
            "dance_hip_hop",
            (
                "a person dances hip hop, bouncing to the beat",
                "someone bobs up and down to the beat",
            ),
            "dance hip-hop bounce",
            games.HIP_HOP,
        ),
        _clip(
            "dance_arm_wave",
            (
                "a person does the arm wave",
                "a dancer sends a wave from one hand through to the other",
            ),
            "dance arm wave",
            games.ARM_WAVE,
        ),
    ]
