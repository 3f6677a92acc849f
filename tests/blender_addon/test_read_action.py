"""What is read back of a character is what it shows, on every kind of rig."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")

from mathutils import Matrix  # noqa: E402

from blender_addon.apply import apply_motion  # noqa: E402
from blender_addon.options import ApplyOptions  # noqa: E402
from blender_addon.read_action import Skipped, read_actions, read_motion  # noqa: E402
from motionary import rotation  # noqa: E402
from motionary.body import JOINTS, body_positions  # noqa: E402
from motionary.errors import MotionaryError  # noqa: E402
from motionary.motion import Clip, forward_kinematics, resample  # noqa: E402
from motionary.retarget import TO_BLENDER  # noqa: E402
from tests.blender_addon import measure  # noqa: E402
from tests.blender_addon.test_apply import AS_RECORDED, mesh2motion  # noqa: E402
from tests.blender_addon.test_failures import SAMPLES, clear_file, put_under  # noqa: E402
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
    assert worst < 1e-4


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


@pytest.mark.parametrize("kind", ["Mixamo", "Unreal", "VRM", "MPFB"])
def test_every_bone_is_where_it_shows(kind):
    clear_file()
    armature = SAMPLES[kind].make()
    applied = applied_to(armature)
    check_heads(armature, read_motion(armature, applied.frame_start, applied.frame_end), 1)


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
