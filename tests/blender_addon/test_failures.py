"""What other retargeting tools fail at, a test each: measured on deform bones, or refused in one line."""

import math
from dataclasses import replace

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")

from mathutils import Matrix  # noqa: E402

from blender_addon.apply import apply_motion  # noqa: E402
from blender_addon.armature import find_armature  # noqa: E402
from blender_addon.options import ApplyOptions  # noqa: E402
from blender_addon.scenes import open_scene, save_scene  # noqa: E402
from motionary import rotation  # noqa: E402
from motionary.errors import MotionaryError  # noqa: E402
from motionary.motion import forward_kinematics, resample  # noqa: E402
from scripts.sample_rigs import (  # noqa: E402
    SAMPLES,
    add_leaf_bones,
    clear_file,
    point_tails_anywhere,
    put_under,
    remove_bones,
    rename_bones,
    roll_bones,
)
from tests.blender_addon import measure  # noqa: E402
from tests.motions import performer, standing, walk  # noqa: E402

GOAL = 1.0
"""Degrees that a limb may be off."""

AS_RECORDED = ApplyOptions(keep_place=True, plant_feet=False, floor=False)


def make(kind):
    """A sample rig alone in the file, and joint -> deform bone."""
    clear_file()
    return SAMPLES[kind].make(), dict(SAMPLES[kind].joints)


def channelbag(armature):
    animation = armature.animation_data
    return animation.action.layers[0].strips[0].channelbag(animation.action_slot)


def check(armature, joints, motion=None, options=AS_RECORDED):
    """Apply, and compare what shows of ``joints`` with the performer: limbs' directions, the hips' way."""
    motion = walk(0.8) if motion is None else motion
    applied = apply_motion(armature, motion, "clip", options)
    frames = range(applied.frame_start, applied.frame_end + 1)
    shown = measure.heads(armature, joints, frames)
    asked = measure.performer_joints(motion, applied.fps)
    errors = measure.limb_errors(shown, asked)
    assert max(errors.values()) < GOAL, (errors, applied.notes)
    assert measure.hips_error(shown, asked) < 0.01 * applied.scale, applied.notes
    return applied


def turn_shown(armature, bone, frames):
    """How far ``bone`` has turned in the world since rest: quaternions (T, 4)."""
    rest = armature.matrix_world.to_quaternion() @ armature.data.bones[bone].matrix_local.to_quaternion()
    turns = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        evaluated = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        matrix = evaluated.matrix_world @ evaluated.pose.bones[bone].matrix
        turns.append((matrix.to_quaternion() @ rest.inverted())[:])
    return np.array(turns)


def turn_asked(motion, fps, joint):
    _, turns = forward_kinematics(resample(motion, fps))
    turn = turns[:, motion.skeleton.index(joint)]
    return rotation.multiply(
        rotation.multiply(measure.TO_BLENDER, turn), rotation.inverse(measure.TO_BLENDER)
    )


def degrees_apart(a, b):
    off = rotation.to_rotvec(rotation.multiply(rotation.inverse(a), b))
    return float(np.degrees(np.linalg.norm(off, axis=-1)).max())


# Object transforms


@pytest.mark.parametrize("quarter", [1, -1])
@pytest.mark.parametrize("kind", ["VRM", "MPFB"])
def test_an_object_scaled_to_a_hundredth_and_turned_about_x(kind, quarter):
    armature, joints = make(kind)
    put_under(armature, Matrix.Rotation(quarter * math.pi / 2, 4, "X") @ Matrix.Scale(0.01, 4))
    check(armature, joints)


def sides_swapped(joints):
    other = {"left": "right", "right": "left"}
    return {joint.replace(side := joint.split("_")[0], other[side]): bone for joint, bone in joints.items()}


@pytest.mark.parametrize("kind", ["Mixamo", "Unreal", "VRM"])
def test_a_mirrored_object_shows_the_motion_as_it_is_with_its_other_side(kind):
    armature, joints = make(kind)
    armature.matrix_world = Matrix.Scale(-1, 4, (1, 0, 0)) @ armature.matrix_world
    bpy.context.view_layer.update()
    check(armature, sides_swapped(joints))


def test_a_mirrored_rigify_object(human):
    human.scale.x = -1.0
    bpy.context.view_layer.update()
    check(human, sides_swapped(SAMPLES["Rigify human"].joints))


@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 1, 0), (0, 0, 1)])
def test_an_object_whose_negative_scale_undoes_that_of_its_bones(axis):
    """What importers from left-handed programs leave: mirrored bones under a mirrored object look right."""
    armature, joints = make("VRM")
    put_under(armature, Matrix.Scale(-1, 4, axis))
    check(armature, joints)


@pytest.mark.parametrize("yaw", [90, 180, -135])
def test_a_character_that_rests_facing_elsewhere(yaw):
    armature, joints = make("VRM")
    turn = Matrix.Rotation(math.radians(yaw), 4, "Z")
    armature.data.transform(turn)
    check(armature, joints)


# Bones at rest


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_other_rolls_change_nothing(seed):
    armature, joints = make("VRM")
    roll_bones(armature, seed)
    check(armature, joints)


@pytest.mark.parametrize("kind", ["Daz", "MMD", "MPFB", "Unreal", "Reallusion"])
def test_twist_bones_in_the_chain_and_beside_it(kind):
    armature, joints = make(kind)
    check(armature, joints)


def test_twist_bones_in_the_chain_share_the_twist():
    """A forearm that turns about itself by 80 degrees: half of that on the first bone, all on the second."""
    armature, joints = make("Daz")
    still = standing(2, 24.0)
    rotations = still.rotations.copy()
    rotations[:, still.skeleton.index("left_elbow")] = rotation.from_axis_angle(
        [1.0, 0.0, 0.0], np.radians(80)
    )
    turns = []
    for motion in (still, replace(still, rotations=rotations)):
        applied = check(armature, joints, motion)
        frames = [applied.frame_start]
        turns.append([turn_shown(armature, bone, frames) for bone in ("lForearmBend", "lForearmTwist")])
    half, whole = (degrees_apart(before, after) for before, after in zip(*turns, strict=True))
    assert half == pytest.approx(40, abs=1)
    assert whole == pytest.approx(80, abs=1)


@pytest.mark.parametrize("kind", ["Unreal", "MPFB", "Daz", "Reallusion"])
def test_extra_spine_and_neck_bones_share_the_bend_and_end_as_the_performer(kind):
    chest, top = {
        "Unreal": ("spine_05", "neck_02"),
        "MPFB": ("spine01", "neck03"),
        "Daz": ("chestUpper", "neckUpper"),
        "Reallusion": ("CC_Base_Spine02", "CC_Base_NeckTwist02"),
    }[kind]
    armature, joints = make(kind)
    motion = walk(0.8)
    applied = check(armature, joints, motion)
    frames = range(applied.frame_start, applied.frame_end + 1)
    for bone, joint in ((chest, "spine3"), (top, "neck")):
        shown, asked = turn_shown(armature, bone, frames), turn_asked(motion, applied.fps, joint)
        assert degrees_apart(shown, asked) < GOAL, bone


def test_a_single_spine_bone_bends_as_the_whole_spine():
    armature, joints = make("Unreal")
    remove_bones(armature, ["spine_02", "spine_03", "spine_04", "spine_05", "neck_02"])
    motion = walk(0.8)
    applied = check(armature, joints, motion)
    frames = range(applied.frame_start, applied.frame_end + 1)
    shown = turn_shown(armature, "spine_01", frames)
    assert degrees_apart(shown, turn_asked(motion, applied.fps, "spine3")) < GOAL


@pytest.mark.parametrize("missing", ["clavicle", "ball"])
def test_missing_clavicles_and_toes(missing):
    armature, joints = make("Unreal")
    gone = [f"{missing}_{side}" for side in "lr"]
    remove_bones(armature, gone)
    check(armature, {joint: bone for joint, bone in joints.items() if bone not in gone})


@pytest.mark.parametrize("kind", ["Unreal", "CMU BVH", "MMD", "Auto-Rig Pro"])
def test_hips_that_are_not_the_root(kind):
    armature, joints = make(kind)
    check(armature, joints)


def test_a_root_that_the_animator_has_moved_stays_and_carries_the_character():
    armature, joints = make("Unreal")
    root = armature.pose.bones["root"]
    root.location, root.rotation_mode = (40.0, 0.0, 0.0), "XYZ"
    root.rotation_euler = (0.0, 0.0, 0.5)
    before = root.matrix_basis.copy()
    check(armature, joints)
    assert root.matrix_basis == before


def test_the_reversed_pelvis_of_rigify(human):
    """spine_fk, which turns the pelvis, hangs upside down from spine_fk.001."""
    motion = walk(0.8)
    applied = check(human, SAMPLES["Rigify human"].joints, motion)
    frames = range(applied.frame_start, applied.frame_end + 1)
    shown = turn_shown(human, "DEF-spine", frames)
    assert degrees_apart(shown, turn_asked(motion, applied.fps, "pelvis")) < GOAL


@pytest.mark.parametrize("kind", ["Mixamo", "VRM", "Unreal"])
def test_leaf_bones_of_an_importer(kind):
    armature, joints = make(kind)
    add_leaf_bones(armature)
    check(armature, joints)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("kind", ["VRM", "MPFB"])
def test_tails_that_point_anywhere(kind, seed):
    armature, joints = make(kind)
    point_tails_anywhere(armature, seed)
    check(armature, joints)


@pytest.mark.parametrize("form", ["L_{}", "{}.L", "{}_l", "Left{}", "左{}"])
def test_however_left_and_right_are_called(form):
    """Bones that no rig map names, in five spellings of the side."""
    armature, joints = make("Unreal")
    spelt = {"L_{}": "R_{}", "{}.L": "{}.R", "{}_l": "{}_r", "Left{}": "Right{}", "左{}": "右{}"}

    def change(name):
        if name[-2:] not in ("_l", "_r"):
            return f"b{name}"
        return (form if name[-2:] == "_l" else spelt[form]).format(f"b{name[:-2]}")

    rename_bones(armature, change)
    check(armature, {joint: change(bone) for joint, bone in joints.items()})


def test_a_rig_whose_right_half_is_the_mirror_image_of_the_left():
    """Unreal's right bones have X from child to parent, Blender's own mirroring negates rolls."""
    for kind in ("Unreal", "MPFB"):
        armature, joints = make(kind)
        left = armature.data.bones[joints["left_shoulder"]].matrix_local.to_3x3()
        right = armature.data.bones[joints["right_shoulder"]].matrix_local.to_3x3()
        assert (left.col[0] - right.col[0]).length > 0.1
        check(armature, joints)


# Channels


def test_locked_locations_and_rotations_get_no_keys(human):
    hand = human.pose.bones["hand_fk.L"]
    assert all(hand.lock_location)
    human.pose.bones["head"].lock_rotation = (True, True, True)
    human.pose.bones["head"].lock_rotation_w = True
    check(human, SAMPLES["Rigify human"].joints)
    paths = {curve.data_path for curve in channelbag(human).fcurves}
    assert 'pose.bones["hand_fk.L"].rotation_quaternion' in paths
    assert not [path for path in paths if path.startswith('pose.bones["head"]')]
    assert not [path for path in paths if path == 'pose.bones["hand_fk.L"].location']


@pytest.mark.parametrize("mode", ["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX", "AXIS_ANGLE"])
def test_every_rotation_mode_is_kept_and_keyed(mode):
    armature, joints = make("Mixamo")
    for bone in armature.pose.bones:
        bone.rotation_mode = mode
    check(armature, joints)
    assert {bone.rotation_mode for bone in armature.pose.bones} == {mode}
    kind = "rotation_axis_angle" if mode == "AXIS_ANGLE" else "rotation_euler"
    paths = {curve.data_path.rpartition(".")[2] for curve in channelbag(armature).fcurves}
    assert paths == {kind, "location"}


def test_neighbouring_quaternions_never_flip_sign():
    armature, joints = make("Mixamo")
    motion = spinning()
    check(armature, joints, motion)
    curves = channelbag(armature).fcurves
    checked = 0
    for bone in armature.pose.bones:
        path = f"{bone.path_from_id()}.rotation_quaternion"
        keyed = [curves.find(path, index=i) for i in range(4)]
        if all(keyed):
            values = np.array([[key.co[1] for key in curve.keyframe_points] for curve in keyed]).T
            assert np.sum(values[1:] * values[:-1], axis=1).min() > 0, bone.name
            checked += 1
    assert checked > 20


def spinning():
    """Two turns on the spot in two seconds, the left arm circling: quaternions come to their negatives."""
    motion = standing(48, 24.0)
    rotations = motion.rotations.copy()
    angles = np.linspace(0, 4 * np.pi, 48)
    rotations[:, motion.skeleton.index("pelvis")] = rotation.from_axis_angle([0.0, 1.0, 0.0], angles)
    rotations[:, motion.skeleton.index("left_shoulder")] = rotation.from_axis_angle(
        [0.0, 0.0, 1.0], angles / 2
    )
    return replace(motion, rotations=rotations)


@pytest.mark.parametrize("mode", ["XYZ", "YXZ", "ZYX"])
def test_eulers_pass_their_gimbal_lock_without_a_jump(mode):
    """Between keys too: half-way the arm is where its neighbours are, not gone round the other way."""
    armature, joints = make("Mixamo")
    for bone in armature.pose.bones:
        bone.rotation_mode = mode
    applied = check(armature, joints, spinning())
    scene, arm = bpy.context.scene, joints["left_elbow"]

    def place(frame, part):
        scene.frame_set(frame, subframe=part)
        evaluated = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        return np.array(evaluated.matrix_world @ evaluated.pose.bones[arm].head)

    for frame in range(applied.frame_start, applied.frame_end):
        before, between, after = place(frame, 0.0), place(frame, 0.5), place(frame + 1, 0.0)
        step = np.linalg.norm(after - before)
        assert np.linalg.norm(between - (before + after) / 2) < 0.75 * step + 0.01, frame


# What else is on the rig


def test_a_switch_whose_driver_moves_a_constraint():
    """Auto-Rig Pro's ik_fk_switch drives the influence of the IK: it is set, and what deforms follows FK."""
    armature, joints = make("Auto-Rig Pro")
    applied = check(armature, joints)
    assert {change.property for change in applied.changes} == {"ik_fk_switch"}
    assert armature.pose.bones["c_foot_ik.l"]["ik_fk_switch"] == 1.0


@pytest.mark.parametrize("bone", ["mixamorig:Head", "mixamorig:LeftHandIndex1", "mixamorig:LeftFoot"])
def test_a_control_that_a_driver_turns_is_named_and_the_rest_moves(bone):
    armature, joints = make("Mixamo")
    held = armature.pose.bones[bone]
    held.rotation_mode = "XYZ"
    for axis in range(3):
        held.driver_add("rotation_euler", axis).driver.expression = "0.1"
    applied = check(armature, joints)
    assert any(bone in note for note in applied.notes) or bone.endswith("Index1")
    assert not [
        c for c in channelbag(armature).fcurves if c.data_path.startswith(f'pose.bones["{bone}"].rot')
    ]


def hide_bones(armature):
    for bone in armature.data.bones:
        bone.hide = True


def hide_collections(armature):
    for collection in armature.data.collections_all:
        collection.is_visible = False


def hide_in_view(armature):
    armature.hide_set(True)


@pytest.mark.parametrize("hide", [hide_bones, hide_collections, hide_in_view])
def test_hidden_bones_collections_and_objects_move_too(human, hide):
    hide(human)
    check(human, SAMPLES["Rigify human"].joints)


def test_an_object_that_the_viewport_does_not_evaluate_works_or_is_told_of():
    armature, joints = make("VRM")
    motion = walk(0.8)
    armature.hide_viewport = True
    bpy.context.view_layer.update()
    try:
        applied = apply_motion(armature, motion, "clip", AS_RECORDED)
    except MotionaryError as refused:
        said = str(refused)
    else:
        armature.hide_viewport, said = False, f"{armature.name!r} moves"
        bpy.context.view_layer.update()
        shown = measure.heads(armature, joints, range(applied.frame_start, applied.frame_end + 1))
        errors = measure.limb_errors(shown, measure.performer_joints(motion, applied.fps))
        assert max(errors.values()) < GOAL
    assert repr(armature.name) in said
    assert "\n" not in said


def test_muted_constraints_and_muted_tracks_stay_so():
    armature, joints = make("VRM")
    constraint = armature.pose.bones[joints["left_knee"]].constraints.new("LIMIT_ROTATION")
    constraint.use_limit_x = constraint.mute = True
    apply_motion(armature, standing(), "below", AS_RECORDED)
    animation = armature.animation_data
    track = animation.nla_tracks.new()
    track.strips.new("below", 1, animation.action)
    track.mute = True
    check(armature, joints)
    assert constraint.mute
    assert track.mute


def test_a_constraint_that_has_the_last_word_is_told_of():
    armature, joints = make("VRM")
    limit = armature.pose.bones[joints["left_knee"]].constraints.new("LIMIT_ROTATION")
    limit.use_limit_x = limit.use_limit_y = limit.use_limit_z = True  # at zero: the knee cannot bend
    limit.owner_space = "LOCAL"
    applied = apply_motion(armature, walk(0.8), "clip", AS_RECORDED)
    assert any(joints["left_knee"] in note for note in applied.notes), applied.notes


# Scale


@pytest.mark.parametrize("mode", ["FULL", "FIX_SHEAR", "ALIGNED", "AVERAGE", "NONE", "NONE_LEGACY"])
def test_a_scaled_root_under_every_way_of_inheriting_scale(mode):
    armature, joints = make("Unreal")
    armature.pose.bones["root"].scale = (1.3, 1.3, 1.3)
    for bone in armature.data.bones:
        bone.inherit_scale = mode
    bpy.context.view_layer.update()
    check(armature, joints)


@pytest.mark.parametrize("mode", ["FULL", "FIX_SHEAR", "ALIGNED", "AVERAGE", "NONE", "NONE_LEGACY"])
def test_a_scaled_chest_under_every_way_of_inheriting_scale(mode):
    armature, joints = make("VRM")
    armature.pose.bones["J_Bip_C_Chest"].scale = (1.2, 1.2, 1.2)
    for bone in armature.data.bones:
        bone.inherit_scale = mode
    bpy.context.view_layer.update()
    check(armature, joints)


@pytest.mark.parametrize("mode", ["FULL", "FIX_SHEAR", "ALIGNED", "AVERAGE", "NONE", "NONE_LEGACY"])
def test_a_squashed_root_is_told_of_where_limbs_cannot_be_exact_and_correcting_makes_it_no_worse(mode):
    errors = []
    for refine in (False, True):
        armature, joints = make("Unreal")
        armature.pose.bones["root"].scale = (1.0, 1.0, 0.8)
        for bone in armature.data.bones:
            bone.inherit_scale = mode
        bpy.context.view_layer.update()
        motion = walk(0.8)
        applied = apply_motion(armature, motion, "clip", replace(AS_RECORDED, refine=refine))
        shown = measure.heads(armature, joints, range(applied.frame_start, applied.frame_end + 1))
        limbs = measure.limb_errors(shown, measure.performer_joints(motion, applied.fps))
        errors.append(applied.direction_error)
        assert max(limbs.values()) < GOAL or any("exactly" in note for note in applied.notes)
    assert errors[1] < errors[0] + GOAL


def test_an_object_under_a_scaled_and_turned_parent():
    armature, joints = make("VRM")
    parent = bpy.data.objects.new("parent", None)
    bpy.context.scene.collection.objects.link(parent)
    parent.scale = (2.5, 2.5, 2.5)
    armature.parent = parent
    bpy.context.view_layer.update()
    check(armature, joints)


# Files and scenes


def linked_from(kind, tmp_path):
    """An empty file, and the path of a library that holds the sample rig ``kind``."""
    make(kind)
    path = tmp_path / "library.blend"
    save_scene(path)
    clear_file()
    return path


def load_armature(path):
    with bpy.data.libraries.load(str(path), link=True) as (there, here):
        here.objects = list(there.objects)
    return here.objects[0]


def test_a_linked_rig_is_refused_with_the_cure(tmp_path):
    armature = load_armature(linked_from("VRM", tmp_path))
    bpy.context.scene.collection.objects.link(armature)
    with pytest.raises(MotionaryError, match="library override") as caught:
        apply_motion(armature, standing(), "clip", AS_RECORDED)
    assert "\n" not in str(caught.value)
    assert repr(armature.name) in str(caught.value)


def test_a_library_override_moves(tmp_path):
    armature = load_armature(linked_from("VRM", tmp_path)).override_create(remap_local_usages=True)
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.update()
    assert armature.data.library
    check(armature, SAMPLES["VRM"].joints)


def test_a_local_object_on_linked_armature_data_moves(tmp_path):
    data = load_armature(linked_from("VRM", tmp_path)).data
    armature = bpy.data.objects.new("mine", data)
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.update()
    check(armature, SAMPLES["VRM"].joints)


@pytest.mark.parametrize("scene_fps", [(24, 1.0), (30, 1.001), (60, 1.0)])
@pytest.mark.parametrize("clip_fps", [20.0, 50.0, 120.0])
def test_clips_of_another_frame_rate_keep_their_seconds(clip_fps, scene_fps):
    armature, joints = make("VRM")
    render = bpy.context.scene.render
    render.fps, render.fps_base = scene_fps
    motion = walk(0.5, clip_fps)
    applied = check(armature, joints, motion)
    seconds = (applied.frame_end - applied.frame_start) / (scene_fps[0] / scene_fps[1])
    assert seconds == pytest.approx((motion.frames - 1) / clip_fps, abs=scene_fps[1] / scene_fps[0])


def test_the_slot_is_set_also_where_another_action_was():
    armature, joints = make("VRM")
    other = bpy.data.actions.new("of something else")
    other.slots.new("OBJECT", "Cube")
    armature.animation_data_create().action = other
    applied = check(armature, joints)
    animation = armature.animation_data
    assert animation.action.name == applied.action
    assert animation.action_slot in list(animation.action.slots)
    assert channelbag(armature).fcurves


def test_two_armatures_on_the_same_data_do_not_share_the_motion():
    armature, joints = make("VRM")
    twin = bpy.data.objects.new("twin", armature.data)
    bpy.context.scene.collection.objects.link(twin)
    bpy.context.view_layer.update()
    check(armature, joints)
    assert twin.animation_data is None
    assert all(bone.matrix_basis == Matrix.Identity(4) for bone in twin.pose.bones)


def test_two_armatures_of_the_same_name_one_linked(tmp_path):
    """Blender allows it across libraries: the local one is meant, and only that one is keyed."""
    path = linked_from("VRM", tmp_path)
    armature, joints = make("VRM")
    other = load_armature(path)
    bpy.context.scene.collection.objects.link(other)
    assert (other.name, other.data.name) == (armature.name, armature.data.name)
    assert find_armature(armature.name) == armature
    check(armature, joints)
    assert other.animation_data is None


def test_a_file_saved_and_opened_again_shows_the_same(tmp_path):
    armature, joints = make("Unreal")
    motion = walk(0.8)
    applied = check(armature, joints, motion)
    path = tmp_path / "saved.blend"
    save_scene(path)
    open_scene(path)
    shown = measure.heads(find_armature(), joints, range(applied.frame_start, applied.frame_end + 1))
    errors = measure.limb_errors(shown, measure.performer_joints(motion, applied.fps))
    assert max(errors.values()) < GOAL


def test_a_performer_without_hands_and_a_rig_without_a_head():
    armature, joints = make("Unreal")
    remove_bones(armature, ["head", "neck_02", "neck_01"])
    assert "left_middle1" in performer().names
    check(armature, joints)
