"""Actions written in bulk are what Blender would have keyed."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")

from blender_addon.actions import Channels, assign_action, reduced, write_action  # noqa: E402
from blender_addon.destinations import place  # noqa: E402
from blender_addon.options import ApplyOptions  # noqa: E402
from motionary import rotation  # noqa: E402

STRIP = ApplyOptions(destination="strip", blend_in=0, blend_out=0)


def along_x(*values):
    """Keys of an object's place along X, one a frame."""
    return [Channels("location", np.array(values, float)[:, None] * [1, 0, 0], "Object Transforms", (0,))]


def shown(item, *frames):
    """Where it is along X."""
    places = []
    for frame in frames:
        bpy.context.scene.frame_set(int(frame), subframe=frame % 1)
        places.append(item.evaluated_get(bpy.context.evaluated_depsgraph_get()).location.x)
    return places


def curves_of(action):
    return action.layers[0].strips[0].channelbag(action.slots[0]).fcurves


@pytest.fixture
def cube():
    bpy.ops.wm.read_factory_settings(use_empty=True)
    item = bpy.data.objects.new("Cube", None)
    bpy.context.scene.collection.objects.link(item)
    return item


def test_what_is_written_plays(cube):
    values = np.array([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0]])
    action = write_action(cube, "move", [Channels("location", values, "Move", (0, 2))], 5)
    assert assign_action(cube, action) is None
    for frame, row in zip((5, 6, 7), values, strict=True):
        bpy.context.scene.frame_set(frame)
        assert cube.location[:] == pytest.approx([row[0], 0.0, row[2]])
    bpy.context.scene.frame_set(5, subframe=0.5)
    assert cube.location[0] == pytest.approx(1.5)  # straight between keys
    assert (action.frame_range[0], action.frame_range[1]) == (5, 7)
    curves = action.layers[0].strips[0].channelbag(action.slots[0]).fcurves
    assert [(curve.group.name, curve.array_index) for curve in curves] == [("Move", 0), ("Move", 2)]


def test_an_action_of_another_object_gets_its_slot(cube):
    other = bpy.data.objects.new("Other", None)
    bpy.context.scene.collection.objects.link(other)
    action = write_action(other, "move", [Channels("location", np.ones((2, 3)), "Move", (0,))], 1)
    assign_action(cube, action)
    bpy.context.scene.frame_set(1)
    assert cube.animation_data.action_slot == action.slots[0]
    assert cube.location[0] == 1.0


def test_an_action_that_something_else_uses_needs_no_fake_user(cube):
    first = write_action(cube, "first", [], 1)
    assign_action(cube, first)
    first.use_fake_user = False
    other = bpy.data.objects.new("Other", None)
    other.animation_data_create().action = first
    assert assign_action(cube, write_action(cube, "second", [], 1)) == first
    assert not first.use_fake_user
    other.animation_data_clear()
    assign_action(other, first)
    assert assign_action(other, write_action(other, "third", [], 1)) == first
    assert first.use_fake_user


def test_keys_may_be_few_and_hold_their_value(cube):
    cube["switch"] = 0.0
    few = Channels("location", np.array([[0.0], [4.0]]), "Move", (0,), np.array([0, 4]))
    held = Channels('["switch"]', np.array([[1.0], [2.0]]), "Switch", (0,), np.array([0, 4]), constant=True)
    action = write_action(cube, "few", [few, held], 10)
    assign_action(cube, action)
    assert [len(curve.keyframe_points) for curve in curves_of(action)] == [2, 2]
    assert tuple(action.frame_range) == (10, 14)
    assert shown(cube, 10, 11, 13.5) == pytest.approx([0.0, 1.0, 3.5])
    assert cube["switch"] == 1.0
    bpy.context.scene.frame_set(14)
    assert cube["switch"] == 2.0


def test_an_object_travels_and_turns_by_its_own_channels(cube):
    turns = rotation.from_axis_angle([[0.0, 0.0, 1.0]] * 3, np.array([0.0, 0.5, 1.0]))
    cube.rotation_mode = "QUATERNION"
    whole = Channels("rotation_quaternion", turns, "Object Transforms", (0, 1, 2, 3))
    place(cube, "turn", [whole, *along_x(1, 2, 3)], 1, ApplyOptions())
    assert shown(cube, 3) == [3.0]
    assert cube.matrix_world.to_euler().z == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    ("path", "largest"),
    [
        ("rotation_quaternion", 0.01),
        ("rotation_euler", 0.01),
        ("location", 0.3),
        ("rotation_axis_angle", 0.01),
    ],
)
def test_fewer_keys_play_nearly_the_same(cube, path, largest):
    time = np.linspace(0.0, 2.0, 100)
    values = np.stack([np.sin(time), np.cos(time), np.sin(2 * time), np.cos(3 * time) + 2.0], axis=1)
    if path == "rotation_quaternion":
        values = rotation.continuous(rotation.normalize(values))
    values = values[:, : len(getattr(cube, path))]
    whole = Channels(path, values, "Move", tuple(range(values.shape[1])))
    few = reduced(whole, radians=0.01, distance=0.3)
    assert 2 < len(few.values) < 60  # of 100
    action = write_action(cube, "few", [few], 1)
    played = np.array([[curve.evaluate(1 + i) for curve in curves_of(action)] for i in range(100)])
    if path == "rotation_quaternion":
        apart = rotation.multiply(rotation.inverse(rotation.normalize(played)), values)
        assert np.linalg.norm(rotation.to_rotvec(apart), axis=-1).max() <= largest + 1e-5
    else:
        assert np.abs(played - values).max() <= largest + 1e-5


def test_the_former_action_is_kept(cube):
    place(cube, "first", along_x(1, 2), 1, ApplyOptions())
    placed = place(cube, "second", along_x(3, 4), 1, ApplyOptions())
    assert cube.animation_data.action.name == placed.action == "second"
    assert bpy.data.actions["first"].use_fake_user
    assert any("'first'" in note for note in placed.notes)


def test_a_strip_shows_from_its_first_frame_to_its_last_and_nothing_beyond(cube):
    cube.location.x = -1.0
    placed = place(cube, "walk", along_x(5, 6, 7), 10, STRIP)
    strip = cube.animation_data.nla_tracks[-1].strips[placed.strip]
    assert strip.action_slot == strip.action.slots[0]
    assert cube.animation_data.nla_tracks[-1].name == "walk"
    assert shown(cube, 10, 11.5, 12) == [5.0, 6.5, 7.0]
    assert 5.0 not in shown(cube, 9, 9.5)
    assert 7.0 not in shown(cube, 12.5, 13)


def test_strips_below_show_where_the_new_one_does_not(cube):
    place(cube, "below", along_x(*[1.0] * 20), 1, STRIP)
    place(cube, "above", along_x(*[9.0] * 7), 6, ApplyOptions(destination="strip", blend_in=2, blend_out=2))
    assert shown(cube, 5, 6, 7, 8, 9, 10, 11, 12, 13) == [1.0, 1.0, 5.0, 9.0, 9.0, 9.0, 5.0, 1.0, 1.0]


def test_an_active_action_plays_on_top_of_the_strip_and_is_named(cube):
    place(cube, "base", along_x(1, 1), 1, ApplyOptions())
    placed = place(cube, "strip", along_x(5, 5), 1, STRIP)
    assert cube.animation_data.action.name == "base"
    assert shown(cube, 1) == [1.0]
    assert not placed.alone
    assert any("'base'" in note and "on top" in note for note in placed.notes)


@pytest.mark.parametrize("destination", ["action", "strip"])
def test_what_fails_half_way_leaves_nothing(cube, destination):
    place(cube, "before", along_x(1, 2), 1, ApplyOptions())
    broken = Channels("rotation_euler", np.zeros((2, 1)), "Move", (0, 1))  # there is no second channel
    with pytest.raises(IndexError):
        place(cube, "half", [*along_x(8, 9), broken], 1, ApplyOptions(destination=destination))
    assert [action.name for action in bpy.data.actions] == ["before"]
    assert cube.animation_data.action.name == "before"
    assert len(cube.animation_data.nla_tracks) == 0
    assert shown(cube, 1, 2) == [1.0, 2.0]
