"""Actions written in bulk are what Blender would have keyed."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")

from blender_addon.actions import Channels, assign_action, write_action  # noqa: E402


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
