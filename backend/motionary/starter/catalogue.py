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

from motionary.starter import dancing, everyday, exercise, fighting, gestures
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
