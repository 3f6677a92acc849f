"""Motions on real rigs in Blender: measured on the deform bones of the evaluated rig."""

import json
from dataclasses import replace

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")

from blender_addon.apply import apply_motion  # noqa: E402
from blender_addon.armature import find_armature  # noqa: E402
from blender_addon.options import ApplyOptions  # noqa: E402
from blender_addon.scenes import open_scene  # noqa: E402
from motionary.errors import MotionaryError  # noqa: E402
from motionary.formats import read_clip  # noqa: E402
from motionary.motion import Skeleton, slice_frames  # noqa: E402
from tests.blender_addon import measure  # noqa: E402
from tests.data import unzipped  # noqa: E402
from tests.motions import standing, walk  # noqa: E402

RIGIFY = measure.both_sides(
    {
        **{"hip": "DEF-thigh.L", "knee": "DEF-shin.L", "ankle": "DEF-foot.L", "foot": "DEF-toe.L"},
        **{"shoulder": "DEF-upper_arm.L", "elbow": "DEF-forearm.L", "wrist": "DEF-hand.L"},
    },
    ".L",
    ".R",
)
UNREAL = measure.both_sides(
    {
        **{"hip": "thigh_l", "knee": "calf_l", "ankle": "foot_l", "foot": "ball_l"},
        **{"shoulder": "upperarm_l", "elbow": "lowerarm_l", "wrist": "hand_l"},
    },
    "_l",
    "_r",
)

AS_RECORDED = ApplyOptions(keep_place=True, plant_feet=False, floor=False)
"""Nothing but the performer's own movement, to be measured against it."""


def cmu_walk():
    trial = "cmu/bvh/02_01.bvh"
    return read_clip(unzipped("cmu_mocap.zip", trial) / trial).motion


def mesh2motion(name):
    member = f"mesh2motion/human-{name}.glb"
    open_scene(unzipped("mesh2motion.zip", member) / member)
    return find_armature()


def check_on(armature, bones, motion, most_floating):
    """The acceptance: limbs within 2 degrees, hips within a centimetre, feet on the floor."""
    rest = {joint: armature.data.bones[bone].head_local.copy() for joint, bone in bones.items()}
    applied = apply_motion(armature, motion, "clip", AS_RECORDED)
    frames = range(applied.frame_start, applied.frame_end + 1)
    shown = measure.heads(armature, bones, frames)
    performer = measure.performer_joints(motion, applied.fps)
    errors = measure.limb_errors(shown, performer)
    assert max(errors.values()) < 2.0, errors
    assert measure.hips_error(shown, performer) < 0.01
    above = np.minimum(*(shown[f"{s}_foot"][:, 2] - rest[f"{s}_foot"].z for s in ("left", "right")))
    assert abs(np.percentile(above, 10)) < most_floating
    assert applied.turn_error < 0.1
    assert applied.hips_error < 0.001
    return applied


def test_a_cmu_walk_on_rigify(human):
    applied = check_on(human, RIGIFY, cmu_walk(), 0.03)
    assert applied.rig == "Rigify"
    assert {(change.bone, change.property) for change in applied.changes} == {
        *((f"{limb}_parent.{side}", "IK_FK") for limb in ("upper_arm", "thigh") for side in "LR"),
        *(("torso", "neck_follow"), ("torso", "head_follow")),
    }


def test_a_procedural_walk_on_rigify(human):
    check_on(human, RIGIFY, walk(), 0.05)
    assert (
        human.animation_data.action.layers[0]
        .strips[0]
        .channelbags[0]
        .fcurves.find('pose.bones["f_middle.02.L"].rotation_quaternion', index=0)
    )


@pytest.mark.parametrize("name", ["male", "zombie"])
def test_a_cmu_walk_on_a_mesh2motion_character(name):
    applied = check_on(mesh2motion(name), UNREAL, cmu_walk(), 0.03)
    assert applied.rig == "Unreal"


def test_a_procedural_walk_on_mesh2motions_own_skeleton():
    armature = mesh2motion("base-animations")
    assert check_on(armature, RIGIFY, walk(), 0.05).rig == "mesh2motion"


def test_a_cmu_walk_on_an_imported_bvh():
    """A rig that is itself a mocap skeleton, in centimetres-like units, under an object scaled and turned."""
    trial = "cmu/bvh/02_01.bvh"
    path = unzipped("cmu_mocap.zip", trial) / trial
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_anim.bvh(filepath=str(path), global_scale=1.0, axis_forward="Y", axis_up="Z")
    armature = find_armature()
    armature.animation_data_clear()
    for bone in armature.pose.bones:
        bone.matrix_basis.identity()
    armature.rotation_mode = "XYZ"
    armature.rotation_euler = (np.pi / 2, 0.0, 0.0)
    armature.scale = (0.056, 0.056, 0.056)
    armature.location = (1.0, 2.0, 0.0)
    bpy.context.view_layer.update()
    bones = measure.both_sides(
        {
            **{"hip": "LeftUpLeg", "knee": "LeftLeg", "ankle": "LeftFoot", "foot": "LeftToeBase"},
            **{"shoulder": "LeftArm", "elbow": "LeftForeArm", "wrist": "LeftHand"},
        },
        "Left",
        "Right",
    )
    motion = walk()
    applied = apply_motion(armature, motion, "clip", AS_RECORDED)
    assert applied.rig == "CMU"
    assert armature.pose.bones["LeftArm"].rotation_mode != "QUATERNION"  # the importer's choice is kept
    shown = measure.heads(armature, bones, range(applied.frame_start, applied.frame_end + 1))
    performer = measure.performer_joints(motion, applied.fps)
    assert max(measure.limb_errors(shown, performer).values()) < 2.0
    assert measure.hips_error(shown, performer) < 0.01


def test_a_rig_that_no_map_knows_is_found_by_shape():
    armature = mesh2motion("male")
    numbers = {bone.name: i for i, bone in enumerate(armature.data.bones)}
    for name, i in numbers.items():
        armature.data.bones[name].name = f"bone{i}"
    bones = {joint: f"bone{numbers[bone]}" for joint, bone in UNREAL.items()}
    assert check_on(armature, bones, walk(), 0.05).rig == "by shape"


def test_it_begins_where_the_character_stands(human):
    human.location = (2.0, -1.0, 0.5)
    human.rotation_euler = (0.0, 0.0, np.pi / 2)
    bpy.context.view_layer.update()
    rest = human.matrix_world @ (
        (human.data.bones["DEF-thigh.L"].head_local + human.data.bones["DEF-thigh.R"].head_local) / 2
    )
    applied = apply_motion(human, standing(), "stand")
    at = measure.heads(human, RIGIFY, [applied.frame_start])
    np.testing.assert_allclose(measure.hips(at)[0], rest, atol=0.005)
    left = at["left_hip"][0] - at["right_hip"][0]
    np.testing.assert_allclose(left / np.linalg.norm(left), [0.0, 1.0, 0.0], atol=1e-3)


def test_seconds_are_kept_and_the_scenes_frame_range_too(human):
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = 30, 1.001
    scene.frame_start, scene.frame_end, scene.frame_current = 10, 20, 15
    applied = apply_motion(human, walk(2.0, 60.0), "walk", ApplyOptions(start=101))
    action = bpy.data.actions[applied.action]
    assert applied.fps == pytest.approx(29.97)
    assert (applied.frame_start, applied.frame_end) == (101, 160)
    assert (action.use_frame_range, action.frame_start, action.frame_end) == (True, 101, 160)
    assert (scene.frame_start, scene.frame_end, scene.frame_current) == (10, 20, 15)
    assert human.animation_data.action_slot == action.slots[0]


def test_by_default_it_starts_at_the_scenes_first_frame(human):
    bpy.context.scene.frame_start = 7
    assert apply_motion(human, standing(), "stand").frame_start == 7


def rest_state(armature):
    """All that must stay as it is."""
    return json.dumps(
        {
            bone.name: [
                [list(row) for row in bone.bone.matrix_local],
                [constraint.type for constraint in bone.constraints],
                bone.rotation_mode,
                list(bone.scale),
                bone.custom_shape.name if bone.custom_shape else "",
            ]
            for bone in armature.pose.bones
        }
    )


def test_nothing_else_of_the_rig_changes(human):
    before, objects = rest_state(human), set(bpy.data.objects.keys())
    human.data.pose_position = "REST"
    apply_motion(human, standing(), "stand")
    assert human.data.pose_position == "REST"
    assert (rest_state(human), set(bpy.data.objects.keys())) == (before, objects)


def test_unmapped_controls_keep_the_animators_pose(human):
    human.pose.bones["jaw_master"].rotation_quaternion = (0.9, 0.436, 0.0, 0.0)
    human.pose.bones["root"].location = (0.0, 1.0, 0.0)
    apply_motion(human, standing(), "stand")
    assert human.pose.bones["jaw_master"].rotation_quaternion[1] == pytest.approx(0.436)
    assert human.pose.bones["root"].location[1] == pytest.approx(1.0)


def test_the_animators_own_action_is_kept_for_later(human, tmp_path):
    first = apply_motion(human, standing(), "first")
    second = apply_motion(human, walk(), "second")
    assert any(repr(first.action) in note for note in second.notes)
    path = tmp_path / "two.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    open_scene(path)
    assert first.action in bpy.data.actions
    assert find_armature().animation_data.action.name == second.action


def test_rotation_modes_are_the_animators(human):
    modes = {"upper_arm_fk.L": "XYZ", "forearm_fk.L": "ZYX", "thigh_fk.L": "AXIS_ANGLE", "shoulder.L": "YXZ"}
    for bone, mode in modes.items():
        human.pose.bones[bone].rotation_mode = mode
    check_on(human, RIGIFY, walk(), 0.05)
    assert {bone: human.pose.bones[bone].rotation_mode for bone in modes} == modes


def test_locked_channels_get_no_keys(human):
    human.pose.bones["upper_arm_fk.L"].rotation_mode = "XYZ"
    human.pose.bones["upper_arm_fk.L"].lock_rotation = (False, True, False)
    human.pose.bones["head"].lock_rotation = (True, True, True)
    human.pose.bones["torso"].lock_location = (True, False, False)
    applied = apply_motion(human, walk(), "walk")
    curves = bpy.data.actions[applied.action].layers[0].strips[0].channelbags[0].fcurves
    keyed = {(curve.data_path, curve.array_index) for curve in curves}
    assert {i for path, i in keyed if path == 'pose.bones["upper_arm_fk.L"].rotation_euler'} == {0, 2}
    assert {i for path, i in keyed if path == 'pose.bones["torso"].location'} == {1, 2}
    assert not [path for path, _ in keyed if path.startswith('pose.bones["head"]')]
    assert applied.turn_error < 0.1  # what can be reached is reached


def test_a_control_that_follows_in_part_is_named(human):
    constraint = human.pose.bones["forearm_fk.L"].constraints.new("COPY_ROTATION")
    constraint.target, constraint.subtarget = human, "torso"
    constraint.influence = 0.5
    applied = apply_motion(human, walk(), "walk")
    assert any("forearm_fk.L" in note for note in applied.notes)
    assert any("not take the motion exactly" in note for note in applied.notes)


def flattened(armature):
    armature.scale = (1.0, 1.0, 0.0)


def out_of_the_scene(armature):
    armature.users_collection[0].objects.unlink(armature)


def edited(armature):
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")


@pytest.mark.parametrize(
    ("fault", "said"), [(flattened, "scale"), (out_of_the_scene, "view layer"), (edited, "edit mode")]
)
def test_a_rig_that_cannot_be_posed_is_told_in_one_line(human, fault, said):
    fault(human)
    bpy.context.view_layer.update()
    with pytest.raises(MotionaryError, match=said) as caught:
        apply_motion(human, standing(), "stand")
    assert repr(human.name) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert human.animation_data is None or human.animation_data.action is None
    assert human.pose.bones["thigh_parent.L"]["IK_FK"] == 0.0


def test_which_armature(human):
    assert find_armature("rig") == human
    with pytest.raises(MotionaryError, match="no armature 'Hero'; it has 'rig'"):
        find_armature("Hero")
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("twin", human.data))
    with pytest.raises(MotionaryError, match="2 armatures, 'rig', 'twin'; say which one"):
        find_armature()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with pytest.raises(MotionaryError, match="no armature; open a file"):
        find_armature()


def test_an_armature_that_is_no_body_is_told_in_one_line():
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.object.armature_add()
    with pytest.raises(MotionaryError, match="armature 'Armature': no rig map fits") as caught:
        apply_motion(find_armature(), standing(), "stand")
    assert "\n" not in str(caught.value)


def test_nothing_steps_through_the_frames(human):
    """Which is what makes the usual tools slow: a thousand frames cost no more than a few looks."""
    seen = []
    bpy.app.handlers.frame_change_post.append(lambda scene, depsgraph: seen.append(scene.frame_current))
    applied = apply_motion(human, walk(45.0, 24.0), "long")
    assert applied.frame_end - applied.frame_start > 1000
    assert 0 < len(seen) < 10


def test_part_of_a_clip(human):
    motion = slice_frames(walk(2.0, 30.0), 15, 16)
    applied = apply_motion(human, motion, "pose")
    assert applied.frame_start == applied.frame_end


@pytest.mark.parametrize("options", [AS_RECORDED, ApplyOptions()], ids=["as recorded", "by default"])
def test_a_motion_whose_legs_end_at_the_ankles(human, options):
    """DAZ-style files have no toes; a rig that has them keeps its own."""
    motion = walk(2.0, 24.0)
    kept = [i for i, name in enumerate(motion.skeleton.names) if not name.endswith("foot")]
    parents = [kept.index(parent) if parent >= 0 else -1 for parent in motion.skeleton.parents[kept]]
    names = tuple(motion.skeleton.names[i] for i in kept)
    skeleton = Skeleton(names, np.array(parents), motion.skeleton.offsets[kept])
    motion = replace(motion, skeleton=skeleton, rotations=motion.rotations[:, kept])
    applied = apply_motion(human, motion, "walk without toes", options)
    assert applied.frame_end - applied.frame_start == motion.frames - 1
    at = measure.heads(human, RIGIFY, range(applied.frame_start, applied.frame_end + 1))
    assert np.ptp(at["left_ankle"], axis=0).max() > 0.3
