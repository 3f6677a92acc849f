"""Every option of applying, seen on a generated Rigify human."""

from dataclasses import replace

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")

from blender_addon.apply import apply_motion  # noqa: E402
from blender_addon.options import ApplyOptions  # noqa: E402
from blender_addon.rig_choice import find_rig_map  # noqa: E402
from motionary import rotation  # noqa: E402
from motionary.edits import Edit  # noqa: E402
from motionary.errors import MotionaryError  # noqa: E402
from motionary.starter import starter_clips  # noqa: E402
from tests.blender_addon import measure  # noqa: E402
from tests.blender_addon.test_apply import AS_RECORDED, RIGIFY, mesh2motion  # noqa: E402
from tests.motions import standing, walk  # noqa: E402


def frames(applied):
    return range(applied.frame_start, applied.frame_end + 1)


def shown(armature, applied, bones=RIGIFY):
    return measure.heads(armature, bones, frames(applied))


def limbs_off(at, applied, motion):
    return max(measure.limb_errors(at, measure.performer_joints(motion, applied.fps)).values())


def test_a_mirrored_object_shows_the_motion_and_not_its_mirror_image(human):
    human.scale = (-1.0, 1.0, 1.0)
    bpy.context.view_layer.update()
    motion = walk()
    applied = apply_motion(human, motion, "walk", AS_RECORDED)
    swapped = {
        joint: RIGIFY[joint.replace("left", "x").replace("right", "left").replace("x", "right")]
        for joint in RIGIFY
    }
    at = shown(human, applied, swapped)
    assert limbs_off(at, applied, motion) < 1.0
    assert measure.hips_error(at, measure.performer_joints(motion, applied.fps)) < 0.01
    assert applied.direction_error < 0.1


def test_an_unevenly_scaled_object_is_exact_before_its_scale():
    armature = mesh2motion("male")
    armature.scale = (1.0, 1.0, 1.3)
    bpy.context.view_layer.update()
    applied = apply_motion(armature, walk(), "walk", AS_RECORDED)
    assert applied.direction_error < 0.1
    assert any("unevenly" in note for note in applied.notes)


@pytest.mark.parametrize("kind", ["root", "object"])
def test_root_motion_shows_the_same_in_the_world(human, kind):
    human.location = (1.0, 2.0, 0.0)
    human.rotation_euler = (0.0, 0.0, 0.5)
    bpy.context.view_layer.update()
    on_hips = apply_motion(human, walk(), "walk", ApplyOptions(plant_feet=False))
    expected = shown(human, on_hips)
    human.animation_data.action = None
    bpy.context.view_layer.update()
    human.location, human.rotation_euler = (1.0, 2.0, 0.0), (0.0, 0.0, 0.5)
    for bone in human.pose.bones:
        bone.matrix_basis.identity()
    applied = apply_motion(human, walk(), "walk", ApplyOptions(root_motion=kind, plant_feet=False))
    at = shown(human, applied)
    for joint in ("left_ankle", "right_knee", "left_wrist"):
        np.testing.assert_allclose(at[joint], expected[joint], atol=2e-4)
    curves = bpy.data.actions[applied.action].layers[0].strips[0].channelbags[0].fcurves
    mover = "location" if kind == "object" else 'pose.bones["root"].location'
    path = curves.find(mover, index=1)
    assert np.ptp([key.co[1] for key in path.keyframe_points]) > 1.0
    hips = curves.find('pose.bones["torso"].location', index=1)
    assert np.ptp([key.co[1] for key in hips.keyframe_points]) < 0.2
    assert applied.hips_error < 0.001


def test_a_rig_without_a_named_root_bone_says_so(human):
    rig = replace(find_rig_map(human), roots=())
    with pytest.raises(MotionaryError, match="root bone") as caught:
        apply_motion(human, walk(), "walk", ApplyOptions(root_motion="root"), rig=rig)
    assert "\n" not in str(caught.value)
    assert "walk" not in bpy.data.actions


def test_in_place_stays_on_the_spot(human):
    applied = apply_motion(human, walk(4.0), "walk", ApplyOptions(root_motion="in_place"))
    hips = measure.hips(shown(human, applied))
    assert np.abs(hips[:, :2] - hips[0, :2]).max() < 0.1
    assert applied.slide < 0.05  # that of the walk itself, not of the treadmill
    assert applied.hips_error < 0.001


def test_turn_offset_and_stride(human):
    applied = apply_motion(
        human, walk(2.0), "walk", ApplyOptions(turn=90.0, offset=(1.0, 2.0, 0.5), stride="world")
    )
    hips = measure.hips(shown(human, applied))
    rest = (human.data.bones["DEF-thigh.L"].head_local + human.data.bones["DEF-thigh.R"].head_local) / 2
    np.testing.assert_allclose(hips[0, :2], [rest.x + 1.0, rest.y + 2.0], atol=0.01)
    # It faces -Y, turned by a quarter to the left: +X. A metre a second stays one.
    np.testing.assert_allclose(hips[-1, :2] - hips[0, :2], [47 / 24, 0.0], atol=0.02)


def test_planted_feet_slide_less(human):
    slip = next(clip.motion for clip in starter_clips() if clip.name == "walk_forward")
    slip = replace(slip, translation=slip.translation * [1.0, 1.0, 0.85])
    applied = apply_motion(human, slip, "walk")
    assert applied.slide < applied.slide_before / 4
    assert applied.direction_error < 0.5


def test_edits_are_done_before(human):
    applied = apply_motion(
        human, walk(2.0), "walk", ApplyOptions(edit=Edit(start_s=0.5, end_s=1.5, speed=0.5, repeat=2))
    )
    assert applied.frame_end - applied.frame_start + 1 == pytest.approx(96, abs=2)


def test_a_strip_plays_from_the_nla(human):
    applied = apply_motion(
        human, walk(), "walk", ApplyOptions(destination="strip", start=20, keep_place=True, plant_feet=False)
    )
    track = human.animation_data.nla_tracks[-1]
    (strip,) = track.strips
    assert (strip.name, strip.frame_start, strip.action.name) == (applied.strip, 20, applied.action)
    assert strip.action_slot == strip.action.slots[0]
    assert human.animation_data.action is None
    assert applied.direction_error < 0.1
    bpy.context.scene.frame_set(5)
    before = human.pose.bones["thigh_fk.L"].rotation_quaternion[:]
    assert before == pytest.approx((1.0, 0.0, 0.0, 0.0), abs=1e-5)


def test_a_strip_under_an_action_is_told_to_be_covered(human):
    apply_motion(human, standing(40), "stand")
    applied = apply_motion(human, walk(), "walk", ApplyOptions(destination="strip"))
    assert any("on top" in note for note in applied.notes)
    assert human.animation_data.action.name == "stand"
    assert applied.direction_error is None


def test_merged_keys_take_part_of_the_action_and_leave_the_rest(human):
    first = apply_motion(human, walk(4.0), "walk", AS_RECORDED)
    before = shown(human, first)
    options = ApplyOptions(destination="merge", start=31, blend_in=4, blend_out=4, plant_feet=False)
    applied = apply_motion(human, standing(40, 24.0), "stand", options)
    assert applied.action == first.action
    after = shown(human, first)
    for joint in ("left_wrist", "right_ankle"):
        np.testing.assert_allclose(after[joint][:30], before[joint][:30], atol=1e-5)
        np.testing.assert_allclose(after[joint][70:], before[joint][70:], atol=1e-5)
        assert np.abs(after[joint][40:60] - before[joint][40:60]).max() > 0.1
    # It goes on from where the walk has got to.
    np.testing.assert_allclose(measure.hips(after)[40], measure.hips(before)[30], atol=0.1)
    assert np.linalg.norm(np.diff(after["left_wrist"], axis=0), axis=1)[:60].max() < 0.4
    assert applied.direction_error < 0.1


def test_switches_that_are_keyed_with_a_merge_are_back_after_it(human):
    first = apply_motion(human, walk(4.0), "walk", replace(AS_RECORDED, switches="leave"))
    options = replace(AS_RECORDED, destination="merge", start=31, switches="key")
    applied = apply_motion(human, standing(40, 24.0), "stand", options)
    assert applied.action == first.action
    seen = []
    for frame in (1, 50, 90):
        bpy.context.scene.frame_set(frame)
        seen.append(human.pose.bones["thigh_parent.L"]["IK_FK"])
    assert seen == [0.0, 1.0, 0.0]


def test_merging_without_an_action_makes_one(human):
    applied = apply_motion(human, walk(), "walk", ApplyOptions(destination="merge"))
    assert human.animation_data.action.name == applied.action == "walk"


def test_only_the_bones_asked_for_are_keyed(human):
    only = frozenset({"upper_arm_fk.L", "forearm_fk.L"})
    applied = apply_motion(human, walk(), "walk", ApplyOptions(only=only))
    curves = bpy.data.actions[applied.action].layers[0].strips[0].channelbags[0].fcurves
    assert {curve.group.name for curve in curves} == only
    assert applied.turn_error is None


def test_fewer_keys_are_as_near_as_asked(human):
    every = apply_motion(human, walk(4.0), "walk", AS_RECORDED)
    few = apply_motion(human, walk(4.0), "walk", replace(AS_RECORDED, simplify=0.5))

    def keys(applied):
        curves = bpy.data.actions[applied.action].layers[0].strips[0].channelbags[0].fcurves
        return sum(len(curve.keyframe_points) for curve in curves)

    assert keys(few) < keys(every) / 3
    assert limbs_off(shown(human, few), few, walk(4.0)) < 3.0


@pytest.mark.parametrize("kind", ["key", "leave"])
def test_switches_can_be_keyed_or_left(human, kind):
    applied = apply_motion(human, walk(), "walk", replace(AS_RECORDED, switches=kind))
    curves = bpy.data.actions[applied.action].layers[0].strips[0].channelbags[0].fcurves
    keyed = curves.find('pose.bones["thigh_parent.L"]["IK_FK"]')
    if kind == "key":
        assert [key.co[1] for key in keyed.keyframe_points] == [1.0, 1.0]
        assert {key.interpolation for key in keyed.keyframe_points} == {"CONSTANT"}
        assert applied.direction_error < 0.1
    else:
        assert keyed is None
        assert applied.changes == ()
        assert human.pose.bones["thigh_parent.L"]["IK_FK"] == 0.0
        assert any("not take the motion exactly" in note for note in applied.notes)


def test_what_follows_in_part_is_measured_and_corrected(human):
    """Neck and head that half follow the body, as Rigify has them: frame by frame it comes out right."""
    human.pose.bones["torso"]["neck_follow"] = 0.5
    constraint = human.pose.bones["forearm_fk.L"].constraints.new("COPY_ROTATION")
    constraint.target, constraint.subtarget = human, "hand_ik.R"
    constraint.influence = 0.3
    applied = apply_motion(human, walk(1.0), "walk", AS_RECORDED)
    assert applied.refined
    assert any("measured and corrected" in note for note in applied.notes)
    assert applied.turn_error < 2.0
    assert limbs_off(shown(human, applied), applied, walk(1.0)) < 2.0


def test_a_driven_control_is_named_and_what_hangs_from_it_is_right(human):
    curve = human.pose.bones["upper_arm_fk.L"].driver_add("rotation_quaternion", 1)
    curve.driver.expression = "0.5"
    for index in (0, 2, 3):
        human.pose.bones["upper_arm_fk.L"].driver_add("rotation_quaternion", index).driver.expression = "0.5"
    bpy.context.view_layer.update()
    applied = apply_motion(human, walk(), "walk", AS_RECORDED)
    assert any("holds upper_arm_fk.L:" in note for note in applied.notes)
    errors = measure.limb_errors(shown(human, applied), measure.performer_joints(walk(), applied.fps))
    assert errors["left_elbow"] < 1.0
    assert errors["left_shoulder"] > 5.0
    curves = bpy.data.actions[applied.action].layers[0].strips[0].channelbags[0].fcurves
    assert not curves.find('pose.bones["upper_arm_fk.L"].rotation_quaternion', index=0)


def test_a_posed_chest_is_reckoned_with(human):
    chest = human.pose.bones["chest"]
    chest.rotation_mode = "QUATERNION"
    chest.rotation_quaternion = rotation.from_axis_angle([1.0, 0.0, 0.0], 0.5).tolist()
    bpy.context.view_layer.update()
    applied = apply_motion(human, walk(), "walk", AS_RECORDED)
    assert limbs_off(shown(human, applied), applied, walk()) < 1.0


@pytest.mark.parametrize(
    "wrong",
    [{"root_motion": "feet"}, {"destination": "tape"}, {"simplify": -1.0}, {"blend_in": -1}],
)
def test_an_option_that_makes_no_sense_is_told_in_one_line(wrong):
    with pytest.raises(MotionaryError) as caught:
        ApplyOptions(**wrong)
    assert "\n" not in str(caught.value)
