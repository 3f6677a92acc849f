"""A motion applied to a rig, exported from Blender as BVH and read back is the same motion."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")

from blender_addon.apply import apply_motion  # noqa: E402
from blender_addon.read_action import read_motion  # noqa: E402
from motionary.body import JOINTS, body_positions  # noqa: E402
from motionary.features import motion_features  # noqa: E402
from motionary.formats import read_clip  # noqa: E402
from motionary.motion import resample  # noqa: E402
from tests.blender_addon import measure  # noqa: E402
from tests.blender_addon.test_apply import AS_RECORDED, cmu_walk  # noqa: E402
from tests.blender_addon.test_failures import SAMPLES, clear_file  # noqa: E402
from tests.motions import walk  # noqa: E402


def joints_of(motion, fps):
    positions = body_positions(resample(motion, fps))
    return {name: positions[:, i] for i, name in enumerate(JOINTS)}


@pytest.mark.parametrize("kind", ["Mixamo", "Unreal", "VRM", "MPFB"])
@pytest.mark.parametrize("source", [walk, cmu_walk])
def test_limbs_point_as_they_did(kind, source, tmp_path):
    clear_file()
    armature, motion = SAMPLES[kind].make(), source()
    applied = apply_motion(armature, motion, "clip", AS_RECORDED)
    path = tmp_path / "back.bvh"
    bpy.ops.object.select_all(action="DESELECT")
    armature.select_set(True)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.export_anim.bvh(
        filepath=str(path),
        frame_start=applied.frame_start,
        frame_end=applied.frame_end,
        global_scale=float(np.mean(armature.matrix_world.to_scale())),
    )
    back = read_clip(path).motion
    assert back.fps == pytest.approx(applied.fps, rel=1e-3)
    assert back.frames == applied.frame_end - applied.frame_start + 1
    asked, shown = joints_of(motion, applied.fps), joints_of(back, back.fps)
    errors = measure.limb_errors(shown, {name: at[: back.frames] for name, at in asked.items()})
    assert max(errors.values()) < 1.0, errors


@pytest.mark.parametrize("kind", ["Mixamo", "Unreal", "MPFB", "Auto-Rig Pro", "MMD"])
def test_what_a_rig_shows_has_the_features_of_what_was_applied(kind):
    """Whatever its proportions and its rest: Auto-Rig Pro's bones even rest otherwise than they lie."""
    clear_file()
    armature, motion = SAMPLES[kind].make(), walk(2.0, 24.0)
    applied = apply_motion(armature, motion, "clip", AS_RECORDED)
    back = read_motion(armature, applied.frame_start, applied.frame_end)
    off = np.abs(motion_features(back) - motion_features(motion))
    assert off[:, :259].max() < 0.03
    assert off[:, 259:].mean() < 0.02, "contacts"
