"""The starter library as a whole: every clip is a body that could be, and does what its caption says."""

from dataclasses import replace

import numpy as np
import pytest

from motionary import rotation
from motionary.captions_csv import read_captions
from motionary.errors import MotionaryError
from motionary.formats.bvh import read_bvh
from motionary.motion import forward_kinematics
from motionary.starter import FPS, Manner, perform, starter_clips, starter_variants, write_starter
from motionary.starter.body import ANKLE, HEEL, Build
from motionary.starter.catalogue import entries
from motionary.starter.pose import _lowest

ENTRIES = entries()
NAMES = [entry.name for entry in ENTRIES]
AIR = {"jump", "run", "jog", "hop", "skip"}
RAISED = {"stairs", "ladder"}  # feet stand on steps, not on the floor
AWAY = {"water", "air", "acrobatic"}  # nothing has to touch the floor
PARTS_OF_A_JUMP = {"jump_start", "jump_in_air", "jump_land"}  # keyed; the whole jumps fly


class Performed:
    """An entry's take with what tests ask of it: joint positions by name and the soles' points."""

    def __init__(self, entry, manner=None):
        self.entry, take = entry, perform(entry, manner)
        self.motion, self.contacts = take.motion, take.contacts
        self.positions, self.world = forward_kinematics(take.motion)
        self.size = -take.motion.skeleton.offsets[take.motion.skeleton.index("left_knee"), 1] / 0.4
        self.soles = np.stack([self.sole("left"), self.sole("right")], axis=1)

    def __getitem__(self, joint):
        return self.positions[:, self.motion.skeleton.index(joint)]

    def turn(self, joint):
        return self.world[:, self.motion.skeleton.index(joint)]

    def local(self, joint):
        return rotation.to_rotvec(self.motion.rotations[:, self.motion.skeleton.index(joint)])

    def sole(self, side):
        """Heel, ball and tip of the toes, where they touch the floor: (T, 3, 3)."""
        heel = self[f"{side}_ankle"] + self.size * rotation.rotate(self.turn(f"{side}_ankle"), HEEL - ANKLE)
        ball = self[f"{side}_foot"] - (0.0, 0.02 * self.size, 0.0)
        return np.stack([heel, ball, self[f"{side}_foot_end"]], axis=1)

    def heading(self):
        """Degrees to the left of +Z that the pelvis faces, unwrapped."""
        ahead = rotation.rotate(self.turn("pelvis"), (0.0, 0.0, 1.0))
        return np.degrees(np.unwrap(np.arctan2(ahead[:, 0], ahead[:, 2])))

    def speeds(self):
        """Radians a second of every joint between frames (T - 1, J)."""
        q = self.motion.rotations
        steps = rotation.multiply(rotation.inverse(q[:-1]), q[1:])
        return np.linalg.norm(rotation.to_rotvec(steps), axis=-1) * self.motion.fps


@pytest.fixture(scope="module")
def library():
    return {entry.name: Performed(entry, Manner(seed=i)) for i, entry in enumerate(ENTRIES)}


@pytest.fixture(scope="module")
def variants():
    """Every fifth entry on other bodies and in other manners."""
    rng = np.random.default_rng(3)
    manners = [
        Manner(
            pace=rng.uniform(0.8, 1.2), stride=rng.uniform(0.85, 1.12), noise=2.0,
            reach=rng.uniform(0.8, 1.12),
            build=Build(*rng.uniform(0.88, 1.12, 4)), seed=i,
        )
        for i in range(len(ENTRIES[::5]))
    ]  # fmt: skip
    return [Performed(entry, manner) for entry, manner in zip(ENTRIES[::5], manners, strict=True)]


# What is there --------------------------------------------------------------------------------------------


def test_the_library_is_large_varied_and_captioned():
    assert len(ENTRIES) >= 100
    assert len(set(NAMES)) == len(NAMES)
    for entry in ENTRIES:
        assert 2 <= len(entry.captions) <= 4, entry.name
        assert len(entry.tags) >= 1, entry.name
        assert len(set(entry.tags)) == len(entry.tags), entry.name
        assert all(caption == caption.strip() and len(caption) > 5 for caption in entry.captions), entry.name
    captions = [caption for entry in ENTRIES for caption in entry.captions]
    assert len(set(captions)) == len(captions)


def test_clips_are_always_the_same(library):
    clips = starter_clips()
    assert [clip.name for clip in clips] == NAMES
    for clip in clips:
        assert clip.source == "motionary starter"
        assert clip.motion.fps == FPS
        np.testing.assert_array_equal(clip.motion.rotations, library[clip.name].motion.rotations)
        np.testing.assert_array_equal(clip.motion.translation, library[clip.name].motion.translation)


def test_clips_differ_from_one_another(library):
    seen = {}
    for name, take in library.items():
        poses = take.motion.rotations[np.linspace(0, take.motion.frames - 1, 20).astype(int)].round(2)
        seen.setdefault(poses.tobytes(), []).append(name)
    assert [names for names in seen.values() if len(names) > 1] == []


def test_right_and_left_come_in_pairs_that_mirror_each_other():
    by_name = {entry.name: entry for entry in ENTRIES}
    pairs = [entry for entry in ENTRIES if entry.mirrored]
    assert len(pairs) >= 30
    for entry in pairs:
        sides = ("left", "right") if "left" in entry.name else ("right", "left")
        other = by_name[entry.name.replace(*sides)]
        assert not other.mirrored
        assert all(sides[0] in caption or "clockwise" in caption for caption in entry.captions), entry.name
        assert sides[0] in entry.tags
        assert sides[1] not in entry.tags
    entry = by_name["wave_left"]
    left, right = Performed(entry), Performed(replace(entry, mirrored=False))
    np.testing.assert_allclose(left["left_wrist"] * (-1, 1, 1), right["right_wrist"], atol=1e-9)
    np.testing.assert_allclose(left["right_foot"] * (-1, 1, 1), right["left_foot"], atol=1e-9)


# Bodies that could be -------------------------------------------------------------------------------------


def assert_planted(take):
    for foot in (0, 1):
        both = take.contacts[1:, foot] & take.contacts[:-1, foot]
        step = np.linalg.norm(np.diff(take.soles[:, foot, :2], axis=0), axis=-1)  # heel, ball
        slide = np.where(both, step.min(axis=1), 0.0) * take.motion.fps
        assert slide.max() < 0.01, f"{take.entry.name} slides {slide.max():.3f} m/s at {slide.argmax()}"


def test_planted_feet_stay_where_they_are(library):
    for take in library.values():
        assert_planted(take)


def test_a_foot_near_the_floor_is_planted_or_on_its_way(library):
    """Nothing glides over the floor: a flat foot that moves is lifted, or pivots on the spot."""
    for name, take in library.items():
        if RAISED & set(take.entry.tags):
            continue
        for foot in (0, 1):
            flat = take.soles[:, foot, :, 1].max(axis=1) < 0.002
            step = np.linalg.norm(np.diff(take.soles[:, foot], axis=0), axis=-1).min(axis=1) * take.motion.fps
            glide = np.where(flat[1:] & flat[:-1], step, 0.0)
            assert glide.max() < 0.5, f"{name} glides at {glide.max():.2f} m/s in frame {glide.argmax()}"


def test_soles_are_on_the_floor_not_in_it_nor_above_it(library):
    for name, take in library.items():
        low = take.soles[..., 1].min(axis=(1, 2))
        tags = set(take.entry.tags)
        deepest = 0.035 if "floor" in tags else 0.005  # who falls down drags a toe
        assert low.min() > -deepest, f"{name} is {-low.min():.3f} m below the floor in frame {low.argmin()}"
        if (RAISED | AWAY) & tags:
            continue
        if "floor" in tags:  # whatever of the body is lowest, skin and all
            lowest = _lowest(take.motion, take.size)
            assert lowest.max() < 0.05, f"{name} floats {lowest.max():.3f} m"
            continue
        stands = take.contacts.any(axis=1) if AIR & tags else np.ones(len(low), bool)
        assert low[stands].max() < 0.01, f"{name} floats {low[stands].max():.3f} m"


def test_no_part_of_the_body_is_in_the_floor(library):
    for name, take in library.items():
        deepest = 0.035 if "floor" in take.entry.tags else 0.015
        assert take.positions[..., 1].min() > -deepest, name


def test_nothing_jumps_from_one_frame_to_the_next(library):
    for name, take in library.items():
        speeds = take.speeds()
        worst = np.unravel_index(speeds.argmax(), speeds.shape)
        joint = take.motion.skeleton.names[worst[1]]
        assert speeds.max() < 25, f"{name}: {joint} turns {speeds.max():.1f} rad/s in frame {worst[0]}"
        moved = np.linalg.norm(np.diff(take.motion.translation, axis=0), axis=1) * take.motion.fps
        assert moved.max() < 6, name
        most = 1.4 if "acrobatic" in take.entry.tags else 1.2
        assert np.abs(np.diff(moved)).max() < most, name


def test_knees_and_elbows_are_hinges_that_bend_one_way(library):
    for name, take in library.items():
        for side, sign in (("left", 1), ("right", -1)):
            knee, elbow = take.local(f"{side}_knee"), take.local(f"{side}_elbow")
            assert np.abs(knee[:, 1:]).max() < 1e-6, name
            assert knee[:, 0].min() >= 0, name
            # Who sits on the heels folds the leg as far as flesh lets it.
            assert knee[:, 0].max() < np.radians(165 if "kneel" in take.entry.tags else 155), name
            assert np.abs(elbow[:, [0, 2]]).max() < 1e-6, name
            assert (-sign * elbow[:, 1]).min() >= 0, name
            assert (-sign * elbow[:, 1]).max() < np.radians(155), name


def test_knees_point_ahead_of_the_line_from_hip_to_ankle(library):
    upright = [take for take in library.values() if not {"floor", "kick"} & set(take.entry.tags)]
    for take in upright:
        ahead = rotation.rotate(take.turn("pelvis"), (0.0, 0.0, 1.0))
        for side in ("left", "right"):
            hip, knee, ankle = (take[f"{side}_{joint}"] for joint in ("hip", "knee", "ankle"))
            line = ankle - hip
            along = np.sum((knee - hip) * line, axis=1) / np.sum(line * line, axis=1)
            off = knee - hip - along[:, None] * line
            assert np.sum(off * ahead, axis=1).min() > 0, take.entry.name


def test_joints_stay_within_what_people_can_do(library):
    limits = {"neck": 45, "head": 45, "spine1": 35, "spine2": 35, "spine3": 35, "left_collar": 50}
    for name, take in library.items():
        for joint, most in limits.items():
            turn = np.degrees(np.linalg.norm(take.local(joint), axis=1)).max()
            assert turn < most, f"{name}: {joint} turns {turn:.0f} degrees"


def test_flight_is_free_fall(library):
    seen = 0
    for name, take in library.items():
        if not AIR & set(take.entry.tags) or name in PARTS_OF_A_JUMP:
            continue
        off = take.soles[..., 1].min(axis=(1, 2)) > 0.005
        height = take.motion.translation[:, 1]
        pull = (height[2:] - 2 * height[1:-1] + height[:-2]) * take.motion.fps**2
        falls = off[2:] & off[1:-1] & off[:-2] & ~take.contacts[1:-1].any(axis=1)
        seen += falls.sum()
        if falls.any():
            assert abs(np.median(pull[falls]) + 9.81) < 0.6, f"{name}: {np.median(pull[falls]):.2f} m/s2"
    assert seen > 200


@pytest.mark.parametrize("name", ["walk_cycle", "run_cycle"])
def test_loops_close(library, name):
    take = library[name]
    q, place = take.motion.rotations, take.motion.translation
    apart = rotation.to_rotvec(rotation.multiply(rotation.inverse(q[0]), q[-1]))
    assert np.degrees(np.abs(apart).max()) < 1.0
    assert abs(place[0, 1] - place[-1, 1]) < 0.003
    assert abs(place[0, 0] - place[-1, 0]) < 0.003
    assert np.abs(place[0, [0, 2]]).max() == 0


def test_bodies_are_never_quite_still(library):
    take = library["idle"]
    assert (np.linalg.norm(take.local("spine3")[30:] - take.local("spine3")[:-30], axis=1) > 1e-4).all()


# What the captions say ------------------------------------------------------------------------------------


def travel(take):
    return take.motion.translation[-1] - take.motion.translation[0]


def test_walks_go_where_they_say(library):
    assert travel(library["walk_forward"])[2] > 3
    assert travel(library["walk_backward"])[2] < -2
    assert travel(library["side_step_left"])[0] > 1
    assert travel(library["side_step_right"])[0] < -1
    assert np.linalg.norm(travel(library["walk_circle_left"])) < 0.3
    assert travel(library["climb_stairs"])[1] > 1
    assert travel(library["descend_stairs"])[1] < -1
    assert travel(library["climb_ladder"])[1] > 1
    assert travel(library["crawl"])[2] > 1
    assert np.abs(travel(library["jog_in_place"])).max() < 0.1


def test_fast_is_faster_than_slow(library):
    paces = [
        np.linalg.norm(np.diff(library[name].motion.translation, axis=0), axis=1).max() * FPS
        for name in ("sneak", "walk_slowly", "walk_forward", "walk_fast", "jog", "run", "sprint")
    ]
    assert paces == sorted(paces)
    assert paces[-1] > 4


@pytest.mark.parametrize(
    ("name", "degrees"),
    [("turn_left", 90), ("turn_right", -90), ("turn_around_left", 180), ("turn_full_right", -360),
     ("walk_circle_left", 360), ("walk_curve_right", -90), ("jump_turn_left", 180)],
)  # fmt: skip
def test_turns_turn_as_far_as_they_say(library, name, degrees):
    heading = library[name].heading()
    assert heading[-1] - heading[0] == pytest.approx(degrees, abs=4)


def test_arms_swing_against_the_legs(library):
    for name in ("walk_forward", "walk_fast", "run", "march"):
        take = library[name]
        arms = (take["left_wrist"] - take["right_wrist"])[:, 2]
        legs = (take["left_ankle"] - take["right_ankle"])[:, 2]
        assert np.corrcoef(arms, legs)[0, 1] < -0.85, name


def test_the_weight_goes_over_the_standing_foot(library):
    take = library["walk_slowly"]
    only = take.contacts[:, 0].astype(float) - take.contacts[:, 1]
    assert np.corrcoef(only, take["pelvis"][:, 0])[0, 1] > 0.5


def test_walking_rolls_from_heel_to_toe(library):
    take = library["walk_forward"]
    for foot in (0, 1):
        down = take.contacts[:, foot].astype(int)
        lands, leaves = np.flatnonzero(np.diff(down) > 0)[:-1] + 1, np.flatnonzero(np.diff(down) < 0)[1:]
        assert len(lands) >= 3
        assert (take.soles[lands, foot, 1, 1] > take.soles[lands, foot, 0, 1] + 0.01).all()
        assert (take.soles[leaves, foot, 0, 1] > take.soles[leaves, foot, 1, 1] + 0.05).all()


def test_gestures_reach_where_they_should(library):
    def top(name, joint):
        return library[name][joint][:, 1].max()

    assert top("wave_right", "right_wrist") > top("wave_right", "right_shoulder") + 0.15
    assert top("wave_right", "left_wrist") < top("wave_right", "left_elbow")
    assert top("wave_left", "left_wrist") > top("wave_left", "left_shoulder") + 0.15
    assert library["pick_up_right"]["right_wrist_end"][:, 1].min() < 0.2
    assert library["touch_toes"]["left_wrist_end"][:, 1].min() < 0.25
    assert library["sit_down"]["pelvis"][-1, 1] < 0.6
    assert library["squat"]["pelvis"][:, 1].min() < 0.6
    assert library["front_kick_right"]["right_ankle"][:, 1].max() > 0.75
    assert library["side_kick_left"]["left_ankle"][:, 0].max() > 0.6
    assert library["clap"]["left_wrist"][:, 0].min() < 0.06
    assert library["jump_high"]["pelvis"][:, 1].max() > 1.3
    assert library["drink_right"]["right_wrist_end"][:, 1].max() > 1.45
    jab = library["jab_left"]
    ahead = (jab["left_wrist"] - jab["pelvis"])[:, 2]
    assert ahead.max() > 0.45
    assert abs(jab["left_wrist"][ahead.argmax(), 0]) < 0.15


def test_who_lies_lies_and_who_flips_turns_over(library):
    for name in ("dead", "sleep", "knocked_out"):
        assert library[name]["head"][:, 1].max() < 0.4, name
    for name in ("lie_down", "die_backward"):
        assert library[name]["head"][0, 1] > 1.3, name
        assert library[name]["head"][-1, 1] < 0.4, name
    assert library["get_up"]["head"][-1, 1] > 1.3
    for name, sign in (("backflip", -1), ("front_flip", 1)):
        over = np.unwrap(np.arctan2(*pitch(library[name])))
        assert np.degrees(over[-1] - over[0]) == pytest.approx(sign * 360, abs=10), name
    up = library["handstand"]
    assert (up["left_ankle"][:, 1] - up["head"][:, 1]).max() > 1.0


def pitch(take):
    """Where the pelvis's up axis points, forward and up, of a body that does not turn."""
    up = rotation.rotate(take.turn("pelvis"), (0.0, 1.0, 0.0))
    return up[:, 2], up[:, 1]


def test_swimmers_and_flyers_are_level(library):
    for name in ("swim", "swim_breast", "fly", "fly_fist_right"):
        take = library[name]
        assert np.abs(take["head"][:, 1] - take["pelvis"][:, 1]).mean() < 0.35, name
        assert travel(take)[2] > 0.5, name


def test_seats_and_knees_are_where_they_should_be(library):
    for name in ("sit_talk", "drive", "type", "sit_cheer"):
        assert 0.3 < library[name]["pelvis"][:, 1].mean() < 0.65, name
    for name in ("kneel_idle", "kneel_work", "pray"):
        knees = [library[name][f"{side}_knee"][:, 1].min() for side in ("left", "right")]
        assert min(knees) < 0.15, name
    assert library["crouch_walk"]["pelvis"][:, 1].min() < 0.75
    assert travel(library["crouch_walk"])[2] > 1


# Variants and files ---------------------------------------------------------------------------------------


def test_variants_are_bodies_too(variants):
    for take in variants:
        assert_planted(take)
        assert take.soles[..., 1].min() > (-0.06 if "floor" in take.entry.tags else -0.01), take.entry.name
        assert take.speeds().max() < 32, take.entry.name
        for side in ("left", "right"):
            assert take.local(f"{side}_knee")[:, 0].min() >= 0


def test_variants_vary_but_only_with_the_seed(monkeypatch):
    some = ENTRIES[::25]
    monkeypatch.setattr("motionary.starter.entries", lambda: some)
    one, two, other = starter_variants(1, 3), starter_variants(1, 3), starter_variants(2, 1)
    assert [clip.name for clip in one[:4]] == [
        "walk_forward_v0",
        "walk_forward_v1",
        "walk_forward_v2",
        f"{some[1].name}_v0",
    ]
    assert len(one) == 3 * len(some)
    for clip, same in zip(one, two, strict=True):
        np.testing.assert_array_equal(clip.motion.rotations, same.motion.rotations)
    assert len({clip.motion.frames for clip in (*one[:3], other[0])}) > 2
    assert one[0].captions == one[1].captions == ENTRIES[0].captions
    # Who sits on a chair, or lies, is as high whatever the body.
    assert len({clip.motion.translation[0, 1].round(3) for clip in one}) > 0.8 * len(one)


def test_the_library_is_written_as_files(library, tmp_path):
    paths = write_starter(tmp_path / "deep" / "starter")
    assert [path.stem for path in paths] == NAMES
    said = read_captions(paths[0].parent / "captions.csv")
    assert list(said) == [path.name for path in paths]
    assert said["walk_forward.bvh"].captions == ENTRIES[0].captions
    assert said["walk_forward.bvh"].tags == ENTRIES[0].tags
    motion, read = library[NAMES[0]].motion, read_bvh(paths[0], unit=0.01)
    assert set(read.skeleton.names) == set(motion.skeleton.names)
    order = [read.skeleton.index(name) for name in motion.skeleton.names]
    assert read.fps == pytest.approx(30)
    np.testing.assert_allclose(read.translation, motion.translation, atol=1e-5)
    same = np.abs(np.sum(read.rotations[:, order] * motion.rotations, axis=-1))
    assert same.min() > 1 - 1e-9


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MotionaryError, match="choose another folder"):
        write_starter(tmp_path / "file" / "starter")
