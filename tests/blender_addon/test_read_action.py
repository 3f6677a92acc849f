"""What is read back of a character is what it shows, on every kind of rig."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")

from mathutils import Matrix  # noqa: E402

from blender_addon.apply import apply_motion  # noqa: E402
from blender_addon.options import ApplyOptions  # noqa: E402
from blender_addon.read_action import Skipped, read_action, read_actions, read_motion  # noqa: E402
from motionary import rotation  # noqa: E402
from motionary.body import JOINTS, body_positions  # noqa: E402
from motionary.errors import MotionaryError  # noqa: E402
from motionary.motion import Clip, forward_kinematics, resample  # noqa: E402
from motionary.retarget import TO_BLENDER  # noqa: E402
from tests.blender_addon import measure  # noqa: E402
from tests.blender_addon.test_apply import AS_RECORDED, mesh2motion  # noqa: E402
from tests.blender_addon.test_failures import SAMPLES, add_leaf_bones, clear_file, put_under  # noqa: E402
from tests.motions import standing, walk  # noqa: E402


def joints_of(motion, fps):
    positions = rotation.rotate(TO_BLENDER, body_positions(resample(motion, fps)))
    return {name: positions[:, i] for i, name in enumerate(JOINTS)}


def applied_to(armature, motion=None, options=AS_RECORDED):
    return apply_motion(armature, motion or walk(1.0), "clip", options)


def check_heads(armature, motion, start):
    """The heads of the bones are where the evaluated rig has them."""
    places, _ = forward_kinematics(motion)
    places = rotation.rotate(TO_BLENDER, places)
    bones = {name: name for name in motion.skeleton.names}
    shown = measure.heads(armature, bones, range(start, start + motion.frames, 7))
    worst = max(np.abs(places[::7, i] - shown[name]).max() for i, name in enumerate(motion.skeleton.names))
    assert worst < 1e-5


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_a_motion_applied_and_read_back_is_the_same(kind):
    clear_file()
    armature = SAMPLES[kind].make()
    motion = walk(1.0)
    applied = applied_to(armature, motion)
    back = read_motion(armature, applied.frame_start, applied.frame_end)
    errors = measure.limb_errors(joints_of(back, applied.fps), joints_of(motion, applied.fps))
    assert max(errors.values()) < 1.0, errors
    assert back.frames == applied.frame_end - applied.frame_start + 1
    assert 0.5 < back.translation[:, 1].min() < 1.3


def test_the_active_action_is_read_alone_and_the_scene_stays():
    clear_file()
    armature = SAMPLES["VRM"].make()
    applied = applied_to(armature)
    action = armature.animation_data.action
    action.asset_mark()
    action.asset_data.description = "somebody walks"
    action.asset_data.tags.new("gait")
    track = armature.animation_data.nla_tracks.new()
    other = action.copy()
    other.frame_start = other.frame_end = 1
    track.strips.new("other", 1, other).influence = 0.5
    bpy.context.scene.frame_set(7)
    clip = read_action(armature)
    assert (clip.name, clip.captions, clip.tags) == (action.name, ("somebody walks",), ("gait",))
    assert clip.motion.frames == applied.frame_end - applied.frame_start + 1
    track.mute = True
    alone = read_motion(armature, applied.frame_start, applied.frame_end)
    np.testing.assert_allclose(clip.motion.rotations, alone.rotations, atol=1e-6)
    assert bpy.context.scene.frame_current == 7
    assert armature.animation_data.action == action


def test_what_is_no_action_is_said():
    clear_file()
    armature = SAMPLES["VRM"].make()
    with pytest.raises(MotionaryError, match="has no Action"):
        read_action(armature)
    applied_to(armature)
    action = armature.animation_data.action
    action.use_frame_range, action.frame_start, action.frame_end = True, 3, 3
    with pytest.raises(MotionaryError, match="a pose of one frame"):
        read_action(armature)


# Auto-Rig Pro's sample copies the turn of a control that rests unlike the bone, so at rest it already bends.
@pytest.mark.parametrize("kind", sorted(SAMPLES.keys() - {"Auto-Rig Pro"}))
def test_every_bone_is_where_it_shows(kind):
    clear_file()
    armature = SAMPLES[kind].make()
    applied = applied_to(armature)
    motion = read_motion(armature, applied.frame_start, applied.frame_end)
    check_heads(armature, motion, 1)
    # What carries the body, and what lies beside it, is not of it.
    assert not {"root", "ik_foot_root", "Root", "全ての親"} & set(motion.skeleton.names[1:])


def test_a_body_that_is_small_and_lies_under_its_object_comes_out_upright_and_in_metres():
    clear_file()
    armature = SAMPLES["VRM"].make()

    put_under(armature, Matrix.Rotation(np.pi / 2, 4, "X") @ Matrix.Scale(0.01, 4))
    applied = applied_to(armature)
    motion = read_motion(armature, applied.frame_start, applied.frame_end)
    head, ankle = (joints_of(motion, motion.fps)[joint] for joint in ("head", "left_ankle"))
    assert 1.0 < (head - ankle)[:, 2].min() < 2.0


def test_the_movement_of_the_object_counts():
    clear_file()
    armature = SAMPLES["VRM"].make()
    applied = applied_to(armature, walk(2.0), ApplyOptions(root_motion="object", plant_feet=False))
    motion = read_motion(armature, applied.frame_start, applied.frame_end)
    assert motion.translation[-1, 2] - motion.translation[0, 2] > 1.0


@pytest.mark.parametrize("kind", ["VRM", "Unreal"])
def test_a_mirrored_object_is_read_as_it_shows(kind):
    clear_file()
    armature = SAMPLES[kind].make()
    armature.scale.x *= -1.0
    bpy.context.view_layer.update()
    applied = applied_to(armature)
    back = read_motion(armature, applied.frame_start, applied.frame_end)
    errors = measure.limb_errors(joints_of(back, applied.fps), joints_of(walk(1.0), applied.fps))
    assert max(errors.values()) < 1.0, errors


def test_a_scene_in_centimetres():
    clear_file()
    armature = SAMPLES["VRM"].make()
    armature.scale *= 100.0
    bpy.context.view_layer.update()
    bpy.context.scene.unit_settings.scale_length = 0.01
    applied = applied_to(armature)
    motion = read_motion(armature, applied.frame_start, applied.frame_end)
    assert 0.5 < motion.translation[0, 1] < 1.3


def vrm():
    """A rig whose every bone deforms, alone in the file."""
    clear_file()
    return SAMPLES["VRM"].make()


def shown_ways(motion, *bones):
    """How far each bone's head goes from the first frame to the last."""
    places = forward_kinematics(motion)[0]
    ends = places[-1] - places[0]
    return [float(np.linalg.norm(ends[motion.skeleton.index(bone)])) for bone in bones]


def test_ik_constraints_and_drivers_count():
    armature = vrm()
    hand, target = armature.pose.bones["J_Bip_L_LowerArm"], bpy.data.objects.new("target", None)
    bpy.context.collection.objects.link(target)
    target.location = (0.3, -0.3, 1.2)
    target.keyframe_insert("location", frame=1)
    target.location.z = 1.5
    target.keyframe_insert("location", frame=11)
    ik = hand.constraints.new("IK")
    ik.target, ik.chain_count = target, 2
    head = armature.pose.bones["J_Bip_C_Head"]
    head.rotation_mode = "XYZ"
    driver = head.driver_add("rotation_euler", 1).driver
    driver.expression = "frame / 20"
    motion = read_motion(armature, 1, 11)
    check_heads(armature, motion, 1)
    assert shown_ways(motion, "J_Bip_L_Hand")[0] > 0.1
    turn = rotation.to_rotvec(motion.rotations[:, motion.skeleton.index("J_Bip_C_Head")])
    assert np.linalg.norm(turn[-1]) == pytest.approx(11 / 20, abs=1e-3)


def test_the_movement_of_what_the_object_hangs_from_counts():
    armature = vrm()
    carrier = bpy.data.objects.new("carrier", None)
    bpy.context.collection.objects.link(carrier)
    armature.parent = carrier
    for frame, y in ((1, 0.0), (11, -2.0)):
        carrier.location.y = y
        carrier.keyframe_insert("location", frame=frame)
    motion = read_motion(armature, 1, 11)
    np.testing.assert_allclose(motion.translation[-1] - motion.translation[0], [0.0, 0.0, 2.0], atol=1e-5)


def test_what_stretches_keeps_its_turns_and_the_hips_their_way():
    armature = vrm()
    bones = armature.pose.bones
    for frame, scale, x in ((1, 1.0, 0.0), (11, 1.1, 0.4)):
        bones["J_Bip_L_UpperArm"].scale = (1.0, scale, 1.0)
        bones["J_Bip_L_UpperArm"].keyframe_insert("scale", frame=frame)
        bones["J_Bip_C_Hips"].location = (x, 0.0, 0.0)
        bones["J_Bip_C_Hips"].keyframe_insert("location", frame=frame)
    motion = read_motion(armature, 1, 11)
    # Not quite, as a bone that does not lie along one that stretches is turned a little by it.
    assert shown_ways(motion, "J_Bip_C_Hips", "J_Bip_L_Hand") == pytest.approx([0.4, 0.4], abs=1e-3)
    assert np.degrees(rotation.to_rotvec(motion.rotations)).max() < 1.0


def test_a_rig_without_deform_bones_is_read_by_its_bones():
    armature = vrm()
    asked = read_motion(armature, 1, 2)
    for bone in armature.data.bones:
        bone.use_deform = bone.name == "J_Bip_C_Head"
    assert read_motion(armature, 1, 2).skeleton.names == asked.skeleton.names


def test_a_body_of_more_than_giants_size_is_in_centimetres():
    armature = vrm()
    asked = read_motion(armature, 1, 2)
    armature.data.transform(Matrix.Scale(100.0, 4))
    armature.data.update_tag()
    bpy.context.view_layer.update()
    motion = read_motion(armature, 1, 2)
    np.testing.assert_allclose(motion.skeleton.offsets, asked.skeleton.offsets, atol=1e-4)
    np.testing.assert_allclose(motion.translation, asked.translation, atol=1e-4)


def test_what_blender_does_not_evaluate_is_not_read():
    armature = vrm()
    armature.hide_viewport = True
    with pytest.raises(MotionaryError, match="disabled in viewports"):
        read_motion(armature, 1, 2)
    armature.hide_viewport = False
    armature.hide_set(True)
    applied = applied_to(armature)
    check_heads(armature, read_motion(armature, applied.frame_start, applied.frame_end), 1)


def skipped():
    return {item.action: item.reason for item in read_actions() if isinstance(item, Skipped)}


def test_two_who_share_an_action_are_two_clips():
    first, second = vrm(), SAMPLES["Unreal"].make()
    applied_to(first)
    action = first.animation_data.action
    second.animation_data_create().action = action
    second.animation_data.action_slot = action.slots.new("OBJECT", second.name)
    for frame, x in ((1, 0.0), (20, 0.3)):
        second.pose.bones["pelvis"].location.x = x
        second.pose.bones["pelvis"].keyframe_insert("location", frame=frame)
    assert second.animation_data.action == action
    clips = {clip.name: clip.motion for clip in read_actions() if isinstance(clip, Clip)}
    assert set(clips) == {f"{action.name} ({first.name})", f"{action.name} ({second.name})"}
    assert clips[f"{action.name} ({second.name})"].skeleton.names[0] == "pelvis"


def test_an_action_that_nothing_plays_is_for_whom_it_fits():
    other, armature = vrm(), SAMPLES["Unreal"].make()
    applied_to(armature)
    armature.animation_data.action.use_fake_user = True
    armature.animation_data_clear()
    (clip,) = [item for item in read_actions() if isinstance(item, Clip)]
    assert clip.motion.skeleton.names[0] == "pelvis"
    assert other.animation_data is None or other.animation_data.action is None


def test_the_nla_neither_adds_to_an_action_nor_is_changed():
    armature = vrm()
    applied = applied_to(armature)
    alone = read_motion(armature, applied.frame_start, applied.frame_end)
    action = armature.animation_data.action
    track = armature.animation_data.nla_tracks.new()
    strip = track.strips.new("strip", 1, action)
    strip.blend_type = "COMBINE"
    armature.animation_data.action_influence = 0.25
    (clip,) = [item for item in read_actions() if isinstance(item, Clip)]
    np.testing.assert_allclose(clip.motion.translation, alone.translation, atol=1e-5)
    np.testing.assert_allclose(forward_kinematics(clip.motion)[0], forward_kinematics(alone)[0], atol=1e-4)
    animation = armature.animation_data
    assert (animation.action, animation.use_nla, animation.action_influence) == (action, True, 0.25)
    assert track.strips[0].blend_type == "COMBINE"


def test_what_an_action_sets_besides_the_pose_is_put_back():
    armature = vrm()
    applied_to(armature, options=ApplyOptions(root_motion="object", plant_feet=False))
    bone = armature.pose.bones["J_Bip_L_Hand"]
    bone["IK_FK"] = 0.0
    follow = bone.constraints.new("COPY_ROTATION")
    for frame, value in ((1, 0.25), (20, 0.75)):
        bone["IK_FK"] = follow.influence = value
        bone.keyframe_insert('["IK_FK"]', frame=frame)
        follow.keyframe_insert("influence", frame=frame)
    action = armature.animation_data.action
    armature.animation_data.action = None
    action.use_fake_user = True
    bone["IK_FK"], follow.influence = 0.5, 0.125
    armature.rotation_euler = (0.0, 0.0, 7.0)  # more than a full turn
    armature.location = (1.0, 2.0, 3.0)
    assert len([item for item in read_actions() if isinstance(item, Clip)]) == 1
    assert (bone["IK_FK"], follow.influence) == (0.5, 0.125)
    assert armature.location[:] == (1.0, 2.0, 3.0)
    assert armature.rotation_euler[:] == (0.0, 0.0, 7.0)
    assert armature.animation_data.action is None


def test_a_hat_a_pose_and_an_objects_action_are_passed_over():
    armature = vrm()
    add_leaf_bones(armature)
    bones = armature.pose.bones
    hat = next(bone.name for bone in bones if bone.name.endswith("_end") and bone.head.z > 1.55)
    for frame, turn in ((1, 0.0), (10, 0.5)):
        bones[hat].rotation_quaternion = (1.0, turn, 0.0, 0.0)
        bones[hat].keyframe_insert("rotation_quaternion", frame=frame)
    armature.animation_data.action.name = "hat"
    armature.animation_data.action = None
    bones["J_Bip_L_Hand"].keyframe_insert("rotation_quaternion", frame=1)
    armature.animation_data.action.name = "fist"
    armature.animation_data.action = None
    cube = bpy.data.objects.new("cube", None)
    for frame in (1, 10):
        cube.keyframe_insert("location", frame=frame)
    cube.animation_data.action.name = "fall"
    for action in bpy.data.actions:
        action.use_fake_user = True
    reasons = skipped()
    assert "moves nothing of a body" in reasons["hat"]
    assert "a pose of one frame" in reasons["fist"]
    assert "moves no human armature" in reasons["fall"]
    assert len(reasons) == len(list(read_actions())) == 3


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Walk", "Walk"),
        ("{0}|Walk", "Walk"),
        ("{0}|{0}|Walk", "Walk"),
        ("Armature|Walk|BaseLayer", "Walk"),
        ("Armature.001|mixamo.com|Layer0", "mixamo.com"),
        ("up|down", "up|down"),
        ("{0}", "{0}"),
    ],
)
def test_a_clip_is_called_as_its_action_without_what_fbx_puts_around(name, plain):
    armature = vrm()
    applied_to(armature)
    armature.animation_data.action.name = name.format(armature.name)
    (clip,) = [item for item in read_actions() if isinstance(item, Clip)]
    assert clip.name == plain.format(armature.name)


def test_two_actions_of_one_name_are_told_apart():
    armature = vrm()
    applied_to(armature)
    armature.animation_data.action.name = "Walk"
    applied_to(armature)
    armature.animation_data.action.name = f"{armature.name}|Walk"
    assert {item.name for item in read_actions()} == {"Walk", "Walk (2)"}


def test_all_animations_of_a_gltf_file():
    """50 animations with their names, each of them a body that stands upright and is the right size."""
    mesh2motion("base-animations")
    found = list(read_actions())
    clips = [item for item in found if isinstance(item, Clip)]
    passed = [item for item in found if isinstance(item, Skipped)]
    assert not passed
    assert len(clips) == len(bpy.data.actions) == 50
    for clip in clips:
        at = joints_of(clip.motion, clip.motion.fps)
        assert np.isfinite(body_positions(clip.motion)).all()
        assert 0.05 < at["pelvis"][0, 2] < 2.5, clip.name
    walking = next(clip.motion for clip in clips if clip.name == "Walk_Loop")
    at = joints_of(walking, walking.fps)
    assert (at["head"] - at["left_ankle"])[:, 2].min() > 0.8


def test_the_file_is_as_it_was_after_reading():
    clear_file()
    armature = SAMPLES["VRM"].make()
    applied_to(armature)
    first = armature.animation_data.action
    apply_motion(armature, standing(20), "stand", AS_RECORDED)
    current = armature.animation_data.action
    bpy.context.scene.frame_set(5)
    before = {bone.name: list(map(list, bone.matrix_basis)) for bone in armature.pose.bones}
    clips = [item for item in read_actions() if isinstance(item, Clip)]
    assert {clip.name for clip in clips} == {first.name, current.name}
    assert armature.animation_data.action == current
    assert bpy.context.scene.frame_current == 5
    bpy.context.scene.frame_set(5)
    after = {bone.name: list(map(list, bone.matrix_basis)) for bone in armature.pose.bones}
    for name, matrix in before.items():
        np.testing.assert_allclose(after[name], matrix, atol=1e-6)


def test_what_an_asset_says_comes_along():
    clear_file()
    armature = SAMPLES["VRM"].make()
    applied = applied_to(armature)
    action = bpy.data.actions[applied.action]
    action.asset_mark()
    action.asset_data.description = "a person walks"
    action.asset_data.tags.new("walk")
    (clip,) = [item for item in read_actions() if isinstance(item, Clip)]
    assert (clip.captions, clip.tags) == (("a person walks",), ("walk",))


def test_what_is_no_body_is_passed_over_with_a_reason():
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.object.armature_add()
    armature = bpy.context.object
    with pytest.raises(MotionaryError, match="no rig map fits"):
        read_motion(armature, 1, 10)
    assert [item.action for item in read_actions()] == [""]


def test_too_many_frames():
    clear_file()
    armature = SAMPLES["VRM"].make()
    with pytest.raises(MotionaryError, match="cannot be read"):
        read_motion(armature, 10, 5)
    with pytest.raises(MotionaryError, match="cannot be read"):
        read_motion(armature, 0, 10**7)
