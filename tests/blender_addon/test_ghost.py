"""The ghost: where it stands, what shape it has, and that it changes nothing and survives everything."""

import bpy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_addon.preferences import preferences
from blender_addon.properties import state
from blender_addon.ui import ghost
from blender_addon.ui.ghost_shape import SIDES, Stand, bones_of, placed, triangles
from motionary.body import JOINTS
from motionary.edits import mirror
from motionary.features import FPS, motion_joints
from tests.blender_addon.snapshot import changes, snapshot
from tests.motions import walk

JOINTS_OF_WALK = motion_joints(walk(2.0))
LEFT_HIP, RIGHT_HIP = JOINTS.index("left_hip"), JOINTS.index("right_hip")


def facing(pose):
    """Radians from -Y to the left that a pose (22, 3) faces."""
    left = pose[LEFT_HIP] - pose[RIGHT_HIP]
    return np.arctan2(left[1], left[0])


def turn(angle):
    return (angle + np.pi) % (2 * np.pi) - np.pi


@given(
    st.floats(-5, 5),
    st.floats(-5, 5),
    st.floats(-5, 5),
    st.floats(-3.1, 3.1),
    st.floats(0.2, 3.0),
    st.booleans(),
)
def test_it_begins_where_the_character_stands_and_faces(x, y, z, angle, leg, beside):
    shown = placed(JOINTS_OF_WALK, Stand((x, y, z), angle, leg), beside=beside)
    hips = (shown[0, LEFT_HIP] + shown[0, RIGHT_HIP]) / 2
    away = hips[:2] - (x, y)
    left = np.array([np.cos(angle), np.sin(angle)])
    np.testing.assert_allclose(away, 0.9 * leg * left if beside else 0.0, atol=1e-6)
    assert turn(facing(shown[0]) - angle) == pytest.approx(0.0, abs=1e-6)
    assert shown[..., 2].min() == pytest.approx(z, abs=1e-6)


def test_without_a_character_it_is_as_large_as_it_was_recorded():
    shown = placed(JOINTS_OF_WALK, Stand(), beside=False)
    np.testing.assert_allclose(np.ptp(shown[..., 2]), np.ptp(JOINTS_OF_WALK[..., 1]), atol=1e-9)
    way = np.linalg.norm(shown[-1, 0, :2] - shown[0, 0, :2])
    assert way == pytest.approx(np.linalg.norm(JOINTS_OF_WALK[-1, 0, [0, 2]] - JOINTS_OF_WALK[0, 0, [0, 2]]))


def test_it_walks_forward():
    shown = placed(JOINTS_OF_WALK, Stand(), beside=False)
    assert shown[-1, 0, 1] < shown[0, 0, 1] - 0.5


def test_the_shape_has_a_bone_for_each_joint_and_its_mirror_image_is_that_of_the_mirrored_pose():
    pose = placed(JOINTS_OF_WALK, Stand(), beside=False)[7]
    points, light = triangles(pose)
    assert points.shape == (len(SIDES) * 24, 3)
    assert light.shape == (len(points),)
    assert 0 <= light.min() <= light.max() <= 1
    heads, tails = bones_of(pose)
    own = points.reshape(len(SIDES), 24, 3)
    # Blender's bones: both ends are corners, and nothing is longer than they are apart and thick.
    for bone in range(len(SIDES)):
        for end in (heads[bone], tails[bone]):
            assert np.linalg.norm(own[bone] - end, axis=1).min() < 1e-9
    other = placed(motion_joints(mirror(walk(2.0))), Stand(), beside=False)[7]
    np.testing.assert_allclose(np.ptp(triangles(other)[0], axis=0), np.ptp(points, axis=0), atol=0.02)


def test_a_body_in_one_point_is_drawn_without_a_fuss():
    points, light = triangles(np.zeros((22, 3)))
    assert np.isfinite(points).all()
    assert np.isfinite(light).all()


# In a scene


@pytest.fixture
def shown(human, extension):
    ghost.show(JOINTS_OF_WALK)
    yield human
    ghost.hide()


def test_it_stands_beside_the_active_character_at_its_size(human, extension):
    bpy.context.view_layer.objects.active = human
    human.location = (1.0, 2.0, 0.5)
    human.rotation_euler.z = 0.7
    bpy.context.view_layer.update()
    stand = ghost.standing(bpy.context)
    assert stand.at == pytest.approx((1.0, 2.0, 0.5), abs=0.05)
    assert stand.facing == pytest.approx(0.7, abs=0.02)
    assert 0.8 < stand.leg < 1.1


def test_without_an_active_human_it_is_at_the_cursor(empty, extension):
    bpy.context.scene.cursor.location = (3, 4, 5)
    assert ghost.standing(bpy.context) == Stand((3.0, 4.0, 5.0))
    cube = bpy.data.objects.new("Armature", bpy.data.armatures.new("no human"))
    bpy.context.scene.collection.objects.link(cube)
    bpy.context.view_layer.objects.active = cube
    assert ghost.standing(bpy.context) == Stand((3.0, 4.0, 5.0))


def test_it_changes_nothing_in_the_file(human, extension):
    snapshot()
    before = snapshot()
    ghost.show(JOINTS_OF_WALK)
    ghost.pose_now()
    assert changes(before, snapshot())[:20] == []
    ghost.hide()


def test_it_follows_the_timeline_when_told_to(shown):
    preferences().ghost_time = "TIMELINE"
    scene = bpy.context.scene
    first = ghost.pose_now()
    scene.frame_set(scene.frame_current + round(scene.render.fps / 2))
    later = ghost.pose_now()
    whole = placed(JOINTS_OF_WALK, ghost.standing(bpy.context), beside=True)
    np.testing.assert_allclose(later - first, whole[round(FPS / 2)] - whole[0], atol=1e-5)
    scene.frame_set(10_000)
    np.testing.assert_allclose(ghost.pose_now() - first, whole[-1] - whole[0], atol=1e-5)
    assert not ghost.is_playing()


def test_it_runs_by_itself_unless_it_is_switched_off(shown):
    preferences().ghost_time = "FREE"
    assert ghost.is_playing()
    state().show_ghost = False
    assert not ghost.is_playing()
    state().show_ghost = True


def test_it_does_not_care_what_becomes_of_the_character(shown):
    preferences().ghost_time = "TIMELINE"
    before = ghost.pose_now()
    bpy.data.objects.remove(shown)
    np.testing.assert_array_equal(ghost.pose_now(), before)
    bpy.ops.wm.read_homefile(use_empty=True)
    assert ghost.pose_now() is None  # another file is another scene
