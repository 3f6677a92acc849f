"""The sample rigs are what they say, and a walk goes onto each of them."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")

from blender_addon.apply import apply_motion  # noqa: E402
from blender_addon.mannequin import mannequin  # noqa: E402
from blender_addon.options import ApplyOptions  # noqa: E402
from blender_addon.rig_choice import find_rig_map  # noqa: E402
from scripts.sample_rigs import SAMPLES, clear_file, make_auto_rig_pro, make_mpfb  # noqa: E402
from tests.blender_addon import measure  # noqa: E402
from tests.motions import walk  # noqa: E402

FAMILIES = {
    **{kind: kind for kind in SAMPLES},
    **{"Rigify human": "Rigify", "CMU BVH": "CMU"},
}


@pytest.fixture(params=SAMPLES)
def sample(request):
    """A kind, its armature alone in the file, and its deform bones by joint."""
    clear_file()
    armature = SAMPLES[request.param].make()
    bpy.context.view_layer.update()
    return request.param, armature, SAMPLES[request.param].joints


def test_it_stands_upright_facing_the_viewer_and_takes_a_walk(sample):
    kind, armature, joints = sample
    bones = armature.data.bones
    at = {joint: np.array(armature.matrix_world @ bones[bone].head_local) for joint, bone in joints.items()}
    assert all(bones[bone].use_deform for bone in joints.values())
    assert at["left_wrist"][0] > 0.4
    np.testing.assert_allclose(at["left_wrist"], at["right_wrist"] * [-1, 1, 1], atol=1e-4)
    assert at["left_foot"][1] < at["left_ankle"][1] - 0.05
    assert 0.7 < at["left_hip"][2] - at["left_ankle"][2] < 1.0
    assert find_rig_map(armature).name == FAMILIES[kind]

    motion = walk(0.8)
    applied = apply_motion(
        armature, motion, "walk", ApplyOptions(keep_place=True, plant_feet=False, floor=False)
    )
    shown = measure.heads(armature, joints, range(applied.frame_start, applied.frame_end + 1))
    asked = measure.performer_joints(motion, applied.fps)
    errors = measure.limb_errors(shown, asked)
    assert max(errors.values()) < 1.0, (errors, applied.notes)
    assert measure.hips_error(shown, asked) < 0.01


def test_auto_rig_pro_is_driven_by_ik_until_it_is_switched():
    clear_file()
    armature = make_auto_rig_pro()
    bones = armature.pose.bones

    def foot():
        armature.update_tag()
        bpy.context.view_layer.update()
        return np.array(
            armature.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones["foot.l"].head
        )

    still = foot()
    bones["c_foot_ik.l"].location = (0.0, 0.2, 0.0)
    lifted = foot()
    assert np.linalg.norm(lifted - still) == pytest.approx(0.2, abs=0.01)
    bones["c_foot_ik.l"]["ik_fk_switch"] = 1.0
    np.testing.assert_allclose(foot(), still, atol=1e-4)
    bones["c_thigh_fk.l"].rotation_quaternion = (0.9, 0.436, 0.0, 0.0)
    assert np.linalg.norm(foot() - still) > 0.2


def test_mpfbs_skeleton_has_all_its_bones_and_stands_on_the_floor():
    clear_file()
    bones = make_mpfb().data.bones
    assert len(bones) == 163
    assert min(bone.tail_local.z for bone in bones) == pytest.approx(0.0, abs=1e-3)
    assert bones["upperarm02.L"].parent == bones["upperarm01.L"]
    assert bones["oris06"].parent == bones["special01"]


def test_a_mannequin_has_toes_in_front_of_its_feet_wherever_tails_point():
    clear_file()
    armature = SAMPLES["Unreal"].make()
    ball = armature.data.bones["ball_l"]
    along = (ball.tail_local - ball.head_local).normalized()
    assert abs(along.y) < 0.3  # not to the front
    points, _ = mannequin(armature, find_rig_map(armature))["left"]
    assert -0.25 < points[:, 1].min() < -0.18
    assert points[:, 2].min() > -0.05
