"""The picture shows the character, as often as asked, and leaves nothing behind."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")

from blender_addon.apply import apply_motion  # noqa: E402
from blender_addon.armature import find_armature  # noqa: E402
from blender_addon.mannequin import mannequin  # noqa: E402
from blender_addon.preview import render_poses  # noqa: E402
from blender_addon.rig_choice import find_rig_map  # noqa: E402
from blender_addon.scenes import open_scene  # noqa: E402
from motionary.errors import MotionaryError  # noqa: E402
from tests.data import unzipped  # noqa: E402
from tests.motions import walk  # noqa: E402

KINDS = ("scenes", "objects", "meshes", "cameras", "materials", "worlds", "actions")
FRAMES = (1, 9, 17, 25, 33, 41)


def pixels(path):
    """(height, width, 3), the top row first."""
    image = bpy.data.images.load(str(path))
    width, height = image.size
    values = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(values)
    bpy.data.images.remove(image)
    return values.reshape(height, width, -1)[::-1, :, :3]


def figures(picture):
    """The widths of the separate things against the sky, and how much of the picture's height they take."""
    sky = picture[0, 0]
    horizon = int(np.argmax(np.abs(picture[:, 0] - sky).max(axis=-1) > 0.02))
    drawn = np.abs(picture[:horizon] - sky).max(axis=-1) > 0.1
    edges = np.flatnonzero(np.diff(drawn.any(axis=0), prepend=False, append=False))
    return np.diff(edges)[::2], 1 - int(np.argmax(drawn.any(axis=1))) / len(picture)


def names():
    return {kind: set(getattr(bpy.data, kind).keys()) for kind in KINDS}


def test_a_bare_rig_is_shown_in_six_poses_and_left_as_it_was(human, tmp_path):
    apply_motion(human, walk(), "walk")
    bpy.context.scene.frame_set(5)
    before, path = names(), tmp_path / "human.png"
    render_poses(human, path, FRAMES, width=600, height=168)
    assert names() == before
    assert bpy.context.scene.frame_current == 5
    picture = pixels(path)
    assert picture.shape == (168, 600, 3)
    widths, tall = figures(picture)
    assert len(widths) == len(FRAMES)
    assert 0.8 < tall < 1.0
    assert picture.mean() > 0.5  # not in the dark


def test_the_characters_own_mesh_is_shown(tmp_path):
    member = "mesh2motion/human-zombie.glb"
    open_scene(unzipped("mesh2motion.zip", member) / member)
    armature = find_armature()
    apply_motion(armature, walk(), "walk")
    before, path = names(), tmp_path / "zombie.png"
    render_poses(armature, path, FRAMES[:4], width=600, height=168)
    assert names() == before
    widths, tall = figures(pixels(path))
    assert len(widths) == 4
    assert 0.8 < tall < 1.0


def test_poses_differ(human, tmp_path):
    apply_motion(human, walk(), "walk")
    render_poses(human, tmp_path / "poses.png", (1, 1, 7), width=450, height=168)
    (first, again, stride), _ = figures(pixels(tmp_path / "poses.png"))
    assert abs(first - again) <= 1
    assert abs(first - stride) > 4


def test_a_picture_that_cannot_be_written_is_told_in_one_line(human, tmp_path):
    (tmp_path / "file").write_text("in the way")
    before = names()
    with pytest.raises(MotionaryError, match=r"picture\.png") as caught:
        render_poses(human, tmp_path / "file" / "picture.png", (1,), width=60, height=60)
    assert "\n" not in str(caught.value)
    assert names() == before


def test_the_mannequin_stands_where_the_rig_does(human):
    surfaces = mannequin(human, find_rig_map(human))
    left, right = (surfaces[side][0] for side in ("left", "right"))
    np.testing.assert_allclose(left.mean(axis=0), right.mean(axis=0) * (-1, 1, 1), atol=1e-3)
    points = np.concatenate([points for points, _ in surfaces.values()])
    assert -0.03 < points[:, 2].min() < 0.02
    assert 1.8 < points[:, 2].max() < 2.1
    for points, faces in surfaces.values():
        assert faces.min() == 0
        assert faces.max() == len(points) - 1
