"""Keys merged into an Action: its curves beyond them stay as they are, whatever they are made of."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")

from blender_addon.actions import Channels, assign_action, bag_of, write_action  # noqa: E402
from blender_addon.destinations import place  # noqa: E402
from blender_addon.options import ApplyOptions  # noqa: E402
from motionary import rotation  # noqa: E402
from motionary.errors import MotionaryError  # noqa: E402

MERGE = ApplyOptions(destination="merge", blend_in=2, blend_out=2)
HARD = ApplyOptions(destination="merge", blend_in=0, blend_out=0)
SMOOTH = ["CONSTANT", "LINEAR", "BEZIER"]
EASED = ["SINE", "QUAD", "CUBIC", "EXPO", "CIRC", "BACK", "BOUNCE", "ELASTIC"]
TIMES = np.arange(-80, 320) / 4


@pytest.fixture
def cube():
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return linked("Cube")


def linked(name):
    item = bpy.data.objects.new(name, None)
    bpy.context.scene.collection.objects.link(item)
    return item


def along_x(*values):
    return [Channels("location", np.array(values, float)[:, None] * [1, 0, 0], "Object Transforms", (0,))]


def curve_of(item, path="location", index=0):
    animation = item.animation_data
    return bag_of(animation.action, animation.action_slot).fcurves.find(path, index=index)


def evaluated(curve, times=TIMES):
    return np.array([curve.evaluate(time) for time in times])


def outside(start, count):
    return (start - 1 >= TIMES) | (start + count <= TIMES)


def keyed(item, seed, kinds, handles, extrapolation, smoothing):
    """An Action that moves ``item`` along X by any keys that an animator may have set."""
    rng = np.random.default_rng(seed)
    assign_action(item, write_action(item, "any", [], 1))
    curve = bag_of(item.animation_data.action, item.animation_data.action_slot).fcurves.new("location")
    curve.extrapolation, curve.auto_smoothing = extrapolation, smoothing
    for frame in np.sort(rng.choice(60, rng.integers(1, 8), replace=False)) + rng.choice([0.0, 0.25, 0.7]):
        curve.keyframe_points.insert(frame, rng.normal())
    for key in curve.keyframe_points:
        key.interpolation = rng.choice(kinds)
        key.easing = rng.choice(["AUTO", "EASE_IN", "EASE_OUT", "EASE_IN_OUT"])
        key.handle_left_type = key.handle_right_type = rng.choice(handles)
        if key.handle_left_type in ("FREE", "ALIGNED"):
            x, y = key.co
            key.handle_left = (x - rng.uniform(0, 6), y + rng.normal())
            key.handle_right = (x + rng.uniform(0, 6), y + rng.normal())
    curve.update()
    return curve


@pytest.mark.parametrize("kinds", [SMOOTH, EASED, SMOOTH + EASED])
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10**6),
    start=st.integers(-10, 65),
    count=st.integers(1, 20),
    handles=st.sampled_from([["AUTO", "AUTO_CLAMPED"], ["VECTOR"], ["FREE", "ALIGNED", "AUTO"]]),
    extrapolation=st.sampled_from(["CONSTANT", "LINEAR"]),
    smoothing=st.sampled_from(["NONE", "CONT_ACCEL"]),
)
def test_beyond_the_merged_keys_a_curve_is_what_it_was(
    cube, kinds, seed, start, count, handles, extrapolation, smoothing
):
    before = evaluated(keyed(cube, seed, kinds, handles, extrapolation, smoothing))
    values = np.random.default_rng(seed).normal(size=count)
    place(cube, "clip", along_x(*values), start, HARD)
    after = evaluated(curve_of(cube))
    beyond = outside(start, count)
    if kinds != SMOOTH or "FREE" in handles:
        # A cut ease, or handles that overlap, has a key on each frame: between them it is straight.
        beyond &= TIMES % 1 == 0
    scale = 1.0 + np.abs(before)
    assert (np.abs(after - before) / scale)[beyond].max() < 1e-3
    np.testing.assert_allclose(evaluated(curve_of(cube), range(start, start + count)), values, atol=1e-5)


def test_a_bezier_curve_is_cut_in_two_that_are_its_halves(cube):
    curve = keyed(cube, 0, ["BEZIER"], ["FREE"], "CONSTANT", "NONE")
    curve.keyframe_points.clear()
    for frame, height, slope in ((0, 0.0, 1.0), (40, 5.0, -1.0)):
        key = curve.keyframe_points.insert(frame, height)
        key.interpolation = "BEZIER"
        key.handle_left_type = key.handle_right_type = "FREE"
        key.handle_left, key.handle_right = (frame - 9, height - slope), (frame + 9, height + slope)
    curve.update()
    before = evaluated(curve)
    place(cube, "clip", along_x(7, 7, 7), 20, HARD)
    beyond = outside(20, 3)
    np.testing.assert_allclose(evaluated(curve_of(cube))[beyond], before[beyond], atol=1e-5)
    assert [key.co[0] for key in curve_of(cube).keyframe_points] == [0, 19, 20, 21, 22, 23, 40]


def test_keys_of_other_channels_are_left(cube):
    whole = Channels("location", np.arange(30.0).reshape(10, 3), "Object Transforms", (0, 1, 2))
    place(cube, "all", [whole], 1, ApplyOptions())
    before = [evaluated(curve_of(cube, index=index)) for index in (1, 2)]
    place(cube, "clip", along_x(5, 5), 4, HARD)
    for index, was in zip((1, 2), before, strict=True):
        np.testing.assert_array_equal(evaluated(curve_of(cube, index=index)), was)


def test_where_no_curve_was_the_property_keeps_its_value_beyond(cube):
    cube.location.x = 3.0
    assign_action(cube, write_action(cube, "none", [], 1))
    place(cube, "clip", along_x(7, 7), 10, HARD)
    assert evaluated(curve_of(cube), [1, 9, 10, 11, 12, 50]).tolist() == [3, 3, 7, 7, 3, 3]


def test_a_switch_is_held_within_the_range_alone(cube):
    cube["switch"] = 0.0
    assign_action(cube, write_action(cube, "none", [], 1))
    held = Channels('["switch"]', np.array([[1.0], [1.0]]), "Switch", (0,), np.array([0, 9]), constant=True)
    place(cube, "clip", [held], 10, MERGE)
    played = evaluated(curve_of(cube, '["switch"]'), [1, 9, 9.9, 10, 15.5, 19, 19.9, 20, 30])
    assert played.tolist() == [0, 0, 0, 1, 1, 1, 1, 0, 0]


def test_blends_go_over_evenly_and_leave_a_frame_to_the_clip(cube):
    place(cube, "still", along_x(*[0.0] * 30), 1, ApplyOptions())
    place(cube, "clip", along_x(*[1.0] * 10), 11, ApplyOptions(destination="merge", blend_in=3, blend_out=1))
    played = evaluated(curve_of(cube), range(10, 22))
    np.testing.assert_allclose(played, [0, 0.15625, 0.5, 0.84375, 1, 1, 1, 1, 1, 1, 0.5, 0], atol=1e-6)
    placed = place(cube, "short", along_x(2, 2, 2), 15, ApplyOptions(destination="merge", blend_in=50))
    assert evaluated(curve_of(cube), [15 + placed.whole[0]]) == [2.0]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_quaternions_blend_by_the_shorter_way(cube, sign):
    cube.rotation_mode = "QUATERNION"
    angles = np.linspace(0.0, 1.0, 12)
    there = np.tile(rotation.IDENTITY, (40, 1))
    clip = sign * rotation.from_axis_angle([[1.0, 0.0, 0.0]] * 12, angles)
    turns = Channels("rotation_quaternion", there, "Object Transforms", (0, 1, 2, 3))
    place(cube, "still", [turns], 1, ApplyOptions())
    place(cube, "turn", [Channels(turns.path, clip, turns.group, turns.written)], 11, MERGE)
    times = np.arange(40, 120) / 4
    played = np.stack([evaluated(curve_of(cube, turns.path, i), times) for i in range(4)], axis=1)
    assert np.linalg.norm(played, axis=1).min() > 0.9  # none between two signs
    np.testing.assert_allclose(np.linalg.norm(played[::4], axis=1), 1.0, atol=1e-6)
    bent = np.linalg.norm(rotation.to_rotvec(rotation.normalize(played)), axis=1)
    assert bent.max() <= angles[-3] + 1e-3


def test_a_clip_that_passes_a_whole_turn_keeps_its_keys_in_line(cube):
    """Sign by sign beside what was there, its keys would jump between q and -q half way."""
    cube.rotation_mode = "QUATERNION"
    still = rotation.from_axis_angle([[1.0, 0.0, 0.0]] * 60, np.zeros(60))
    clip = rotation.continuous(
        rotation.from_axis_angle([[0.0, 0.0, 1.0]] * 40, np.linspace(0, 2 * np.pi, 40))
    )
    turns = Channels("rotation_quaternion", still, "Object Transforms", (0, 1, 2, 3))
    place(cube, "still", [turns], 1, ApplyOptions())
    place(cube, "spin", [Channels(turns.path, clip, turns.group, turns.written)], 11, HARD)
    times = np.arange(1, 60, 0.25)
    played = np.stack([evaluated(curve_of(cube, turns.path, i), times) for i in range(4)], axis=1)
    assert np.linalg.norm(played, axis=1).min() > 0.99
    aside = rotation.to_rotvec(rotation.normalize(played[times > 51]))
    np.testing.assert_allclose(aside, 0.0, atol=1e-5)


def test_euler_angles_blend_within_half_a_turn(cube):
    angles = Channels("rotation_euler", np.zeros((40, 3)), "Object Transforms", (0, 1, 2))
    place(cube, "still", [angles], 1, ApplyOptions())
    values = np.tile([0.2 + 2 * np.pi, 0.2, 0.2 - 4 * np.pi], (12, 1))
    away = Channels(angles.path, values, angles.group, angles.written)
    place(cube, "turned", [away], 11, MERGE)
    for index in range(3):
        assert np.abs(evaluated(curve_of(cube, angles.path, index))).max() < 0.21


def test_axis_and_angle_blend_as_turns(cube):
    cube.rotation_mode = "AXIS_ANGLE"
    still, clip = np.tile([1.0, 0.0, 0.0, 1.0], (40, 1)), np.tile([1.0, 0.0, 0.0, -1.0], (12, 1))
    there = Channels("rotation_axis_angle", still, "Object Transforms", (0, 1, 2, 3))
    place(cube, "still", [there], 1, ApplyOptions())
    place(cube, "clip", [Channels(there.path, clip, there.group, there.written)], 11, MERGE)
    angle, _, _, z = (evaluated(curve_of(cube, there.path, i), range(10, 16)) for i in range(4))
    left = 1 - 2 * np.array([0, 7 / 27, 20 / 27, 1, 1, 1])  # of a turn that is undone and done the other way
    np.testing.assert_allclose(angle * z, 2 * np.arctan(left * np.tan(0.5)), atol=1e-5)
    assert np.abs(z).min() > 0.99


def test_an_action_that_another_character_plays_is_copied_first(cube):
    other = linked("Other")
    place(cube, "both", along_x(1, 1, 1), 1, ApplyOptions())
    shared = cube.animation_data.action
    other.animation_data_create().action = shared
    other.animation_data.action_slot = shared.slots[0]
    placed = place(cube, "clip", along_x(5), 2, HARD)
    assert evaluated(curve_of(other), [1, 2, 3]).tolist() == [1, 1, 1]
    assert evaluated(curve_of(cube), [1, 2, 3]).tolist() == [1, 5, 1]
    assert other.animation_data.action == shared != cube.animation_data.action
    assert any("'both'" in note and placed.action in note for note in placed.notes)


def test_an_action_of_a_strip_is_copied_first(cube):
    place(cube, "strip", along_x(1, 1, 1), 20, ApplyOptions(destination="strip"))
    strip = cube.animation_data.nla_tracks[0].strips[0]
    cube.animation_data.action = strip.action
    cube.animation_data.action_slot = strip.action_slot
    place(cube, "clip", along_x(5), 21, HARD)
    assert cube.animation_data.action != strip.action
    assert evaluated(curve_of(cube), [21]) == [5.0]


def test_another_slot_of_the_same_action_is_left(cube):
    other = linked("Other")
    place(cube, "both", along_x(1, 1, 1), 1, ApplyOptions())
    action = cube.animation_data.action
    slot = action.slots.new("OBJECT", "Other")
    other.animation_data_create().action = action
    other.animation_data.action_slot = slot
    place(other, "theirs", along_x(2, 2, 2), 1, HARD)
    placed = place(cube, "clip", along_x(5), 2, HARD)
    assert placed.action == action.name == other.animation_data.action.name
    assert evaluated(curve_of(other), [1, 2, 3]).tolist() == [2, 2, 2]
    assert evaluated(curve_of(cube), [1, 2, 3]).tolist() == [1, 5, 1]


@pytest.mark.parametrize("kind", ["repeats", "samples"])
def test_a_curve_that_cannot_be_cut_is_named_and_left(cube, kind):
    place(cube, "loop", along_x(0, 1, 2, 3), 1, ApplyOptions())
    curve = curve_of(cube)
    if kind == "repeats":
        curve.modifiers.new("CYCLES")
    else:
        curve.convert_to_samples(1, 4)
    before = evaluated(curve)
    free = Channels("rotation_euler", np.zeros((3, 3)), "Object Transforms", (0, 1, 2))
    with pytest.raises(MotionaryError, match=kind) as caught:
        place(cube, "clip", [free, *along_x(9, 9, 9)], 20, HARD)
    assert "'Cube'" in str(caught.value)
    assert "NLA strip" in str(caught.value)
    np.testing.assert_array_equal(evaluated(curve_of(cube)), before)
    assert curve_of(cube, "rotation_euler") is None
    assert len(bpy.data.actions) == 1


def test_noise_on_a_curve_stays_on_it(cube):
    place(cube, "still", along_x(*[0.0] * 30), 1, ApplyOptions())
    noise = curve_of(cube).modifiers.new("NOISE")
    before = evaluated(curve_of(cube))
    place(cube, "clip", along_x(5, 5, 5), 10, HARD)
    after = evaluated(curve_of(cube))
    beyond = outside(10, 3)
    np.testing.assert_allclose(after[beyond], before[beyond], atol=1e-5)
    assert not curve_of(cube).modifiers[0].mute
    assert noise.type == "NOISE"
    np.testing.assert_allclose(after[TIMES == 11], before[TIMES == 11] + 5, atol=1e-5)


def test_merging_half_way_wrong_leaves_all_as_it_was(cube):
    place(cube, "before", along_x(1, 2, 3), 1, ApplyOptions())
    wrong = Channels('["nothing"]', np.zeros((2, 1)), "Move", (0,))
    with pytest.raises((KeyError, ValueError)):
        place(cube, "clip", [*along_x(8, 9), wrong], 1, HARD)
    assert evaluated(curve_of(cube), [1, 2, 3]).tolist() == [1, 2, 3]
    assert [action.name for action in bpy.data.actions] == ["before"]


def test_a_strip_of_one_frame_shows_it(cube):
    placed = place(cube, "pose", along_x(5), 10, ApplyOptions(destination="strip"))
    bpy.context.scene.frame_set(10)
    assert placed.whole == (0, 0)
    assert cube.location.x == 5.0


def test_a_strip_beside_a_solo_track_is_told_not_to_play(cube):
    place(cube, "loud", along_x(1, 1), 1, ApplyOptions(destination="strip"))
    cube.animation_data.nla_tracks[0].is_solo = True
    placed = place(cube, "quiet", along_x(5, 5), 1, ApplyOptions(destination="strip"))
    assert not placed.alone
    assert any("'loud' plays solo" in note for note in placed.notes)
