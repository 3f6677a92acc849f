"""Applying changes what it says it changes and nothing else in the file; undo takes all of it back."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")

from blender_addon.apply import apply_motion  # noqa: E402
from blender_addon.options import ApplyOptions  # noqa: E402
from blender_addon.scenes import open_scene  # noqa: E402
from motionary import rotation  # noqa: E402
from motionary.edits import Edit  # noqa: E402
from motionary.errors import MotionaryError  # noqa: E402
from motionary.motion import Motion, Skeleton  # noqa: E402
from tests.blender_addon.snapshot import changes, snapshot  # noqa: E402
from tests.motions import standing, walk  # noqa: E402


@pytest.fixture
def busy(human_file):
    """A file in the middle of somebody's work; its armature."""
    open_scene(human_file)
    human = bpy.data.objects["rig"]
    scene = bpy.context.scene
    other = bpy.data.objects.new("other rig", human.data.copy())
    scene.collection.objects.link(other)
    bpy.context.view_layer.update()
    apply_motion(other, standing(10), "of another")
    apply_motion(human, walk(1.0), "before", ApplyOptions(plant_feet=False))
    mine = human.animation_data.action
    track = human.animation_data.nla_tracks.new()
    track.strips.new("strip", 200, mine.copy())
    human.animation_data.action = mine
    human.animation_data.action_slot = mine.slots[0]
    human.pose.bones["jaw_master"].rotation_quaternion = (0.9, 0.436, 0.0, 0.0)
    constraint = human.pose.bones["hand_ik.L"].constraints.new("COPY_LOCATION")
    constraint.target, constraint.influence = other, 0.0
    human["mood"] = "tired"
    scene.frame_start, scene.frame_end = 3, 77
    bpy.context.view_layer.objects.active = human
    human.select_set(True)
    other.select_set(False)
    bpy.ops.object.mode_set(mode="POSE")
    scene.frame_set(12)
    snapshot()  # to look at an add-on's properties for the first time makes them
    return human


def allowed(path, new):
    """What applying is for: the new Action, the one that plays, the pose that it shows, and the switches."""
    return (
        path.startswith(f"actions[{new!r}]")
        # Nobody uses it any more: without a fake user, saving would lose it.
        or path == "actions['before'].use_fake_user"
        or path in {"objects['rig'].animation_data.action", "objects['rig'].animation_data.action_slot"}
        or path.startswith("objects['rig'].animation_data.action_")
        or path.startswith("objects['rig'].pose.bones[")
        or path in {"objects['rig'].bound_box", "objects['rig'].dimensions"}  # of the pose
    )


POSE = (
    "location",
    "rotation_quaternion",
    "rotation_euler",
    "rotation_axis_angle",
    "matrix",
    "head",
    "tail",
    "length",
)


def test_nothing_else_in_the_file_changes(busy):
    before = snapshot()
    applied = apply_motion(busy, walk(1.0), "walk")
    bpy.context.scene.frame_set(12)
    after = snapshot()
    changed = changes(before, after)
    assert [path for path in changed if not allowed(path, applied.action)][:20] == []
    of_pose = {path for path in changed if path.startswith("objects['rig'].pose.bones[")}
    for path in of_pose:
        name = path.rpartition(".")[2]
        assert name in POSE or name.startswith(("matrix", "bbone", "IK_FK")) or "[" in name, path
    # The keys, the constraints and the properties that the animator had are what they were.
    assert not any(".constraints[" in path for path in changed)
    assert not any(path.startswith(("actions['before'].l", "actions['of another']")) for path in changed)
    assert after["mode"] == "POSE"
    assert after["scenes['Scene'].frame_current"] == 12


def test_a_refusal_changes_nothing(busy):
    chain = Skeleton(("a", "b"), np.array([-1, 0]), np.zeros((2, 3)))
    no_body = Motion(chain, np.tile(rotation.IDENTITY, (3, 2, 1)), np.zeros((3, 3)), 30.0)
    before = snapshot()
    with pytest.raises(MotionaryError):
        apply_motion(busy, no_body, "walk")
    with pytest.raises(MotionaryError):
        apply_motion(busy, walk(1.0), "walk", ApplyOptions(edit=Edit(start_s=99.0)))
    assert changes(before, snapshot())[:20] == []


@pytest.mark.parametrize("destination", ["action", "strip", "merge"])
def test_one_undo_takes_it_all_back(busy, destination):
    # In the background Blender keeps no undo steps until the first is pushed.
    bpy.ops.ed.undo_push(message="before")
    before = snapshot()
    apply_motion(busy, walk(1.0), "walk", ApplyOptions(destination=destination, root_motion="root", start=12))
    bpy.ops.ed.undo_push(message="apply")
    assert changes(before, snapshot())
    bpy.ops.ed.undo()
    assert changes(before, snapshot())[:20] == []
