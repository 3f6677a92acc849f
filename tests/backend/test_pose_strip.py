"""Pictures of a motion: whom they show, which way up, how they are laid out, and that they play on."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionary import rotation
from motionary.errors import MotionaryError
from motionary.formats import read_clip
from motionary.motion import Motion, Skeleton
from motionary.pose_strip import COLOURS, pose_frames, pose_strip
from motionary.starter import starter_clips
from tests.data import unzipped
from tests.motions import standing, walk

SIZE = (192, 64)


@pytest.fixture(scope="module")
def starter():
    return {clip.name: clip.motion for clip in starter_clips()}


def of_colour(picture, name):
    """Which pixels are of a colour, by hue: left is orange, right is blue, the trunk is neither."""
    warm = picture[..., 0] - picture[..., 2]
    return {
        "left": warm > 0.2,
        "right": warm < -0.2,
        "trunk": (np.abs(warm) < 0.1) & (picture[..., 1] > 0.2),
    }[name]


def height(mask):
    """The mean row of a mask, from the bottom."""
    return np.argwhere(mask)[:, -2].mean()


def figures(picture):
    """The columns of each figure: runs of columns with anything solid in them."""
    solid = (picture[..., 3] > 0.5).any(axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], solid.astype(int), [0]])))
    return edges.reshape(-1, 2)


def moved(motion, degrees=0.0, by=(0.0, 0.0, 0.0), scale=1.0):
    """The motion turned about the vertical, brought elsewhere, on a body of another size."""
    turn = rotation.from_axis_angle([0.0, 1.0, 0.0], np.radians(degrees))
    rotations = motion.rotations.copy()
    rotations[:, 0] = rotation.multiply(turn, rotations[:, 0])
    skeleton = replace(motion.skeleton, offsets=motion.skeleton.offsets * scale)
    return Motion(skeleton, rotations, rotation.rotate(turn, motion.translation * scale) + by, motion.fps)


def test_a_strip_is_what_blender_takes():
    picture = pose_strip(walk(), 6, SIZE)
    assert picture.shape == (64, 192, 4)
    assert picture.dtype == np.float32
    assert picture.min() >= 0
    assert (picture[..., :3] <= picture[..., 3:]).all()  # multiplied by alpha
    assert picture[..., 3].max() == pytest.approx(1, abs=0.01)


def test_the_bottom_row_comes_first():
    picture = pose_strip(standing(), 1, (64, 64))
    legs, trunk = of_colour(picture, "left") | of_colour(picture, "right"), of_colour(picture, "trunk")
    assert height(trunk) > 32 + 5
    assert legs[:28].any()
    assert not trunk[:24].any()


def test_who_raises_the_left_hand_raises_something_orange(starter):
    left, right = (pose_strip(starter[f"point_up_{side}"], 1, (96, 96)) for side in ("left", "right"))
    top = {
        side: {hand: np.argwhere(of_colour(picture, hand))[:, 0].max() for hand in ("left", "right")}
        for side, picture in (("left", left), ("right", right))
    }
    assert top["left"]["left"] > top["left"]["right"] + 20
    assert top["right"]["right"] > top["right"]["left"] + 20


@pytest.mark.parametrize("poses", [1, 2, 4, 6])
def test_every_pose_stands_apart_within_the_picture(poses):
    picture = pose_strip(walk(), poses, SIZE)
    assert len(figures(picture)) == poses
    assert not picture[:, [0, -1]].any()
    assert not picture[-1].any()


def test_gaps_between_figures_are_even():
    spans = figures(pose_strip(standing(), 6, SIZE))
    gaps = np.diff(np.concatenate([[0], spans.ravel(), [SIZE[0]]]))[::2]
    assert np.ptp(gaps) <= 2


def strides(starter):
    """Clips whose figures are wide, and differ in that."""
    return [starter[name] for name in ("lie", "tuck_jump", "turn_full_left", "idle")]


@pytest.mark.parametrize("tiles", [2, 3, 6])
def test_no_figure_crosses_the_cut_between_tiles(starter, tiles):
    for motion in strides(starter):
        picture = pose_strip(motion, 6, SIZE, tiles=tiles)
        for tile in np.split(picture, tiles, axis=1):
            assert tile[..., 3].any()
            assert not tile[:, [0, -1], 3].round(2).any()


def test_figures_on_tiles_have_one_size(starter):
    whole, tiled = (pose_strip(starter["idle"], 6, SIZE, tiles=tiles) for tiles in (1, 3))
    tall = [np.ptp(np.flatnonzero((picture[..., 3] > 0.5).any(axis=1))) for picture in (whole, tiled)]
    assert tall[0] == pytest.approx(tall[1], abs=2)
    heights = [
        np.ptp(np.flatnonzero((tiled[:, first:last, 3] > 0.5).any(axis=1))) for first, last in figures(tiled)
    ]
    assert len(heights) == 6
    assert np.ptp(heights) <= 2


@pytest.mark.parametrize(
    ("poses", "tiles", "size"), [(100, 1, (8, 8)), (60, 20, (40, 8)), (6, 6, (12, 4096))]
)
def test_a_picture_too_small_for_its_poses_is_drawn_all_the_same(starter, poses, tiles, size):
    picture = pose_strip(starter["lie"], poses, size, tiles=tiles)
    assert picture.shape == (size[1], size[0], 4)
    assert np.isfinite(picture).all()
    assert 0 < picture[..., 3].max() <= 1


@pytest.mark.parametrize(("poses", "tiles"), [(5, 3), (6, 0), (6, 5)])
def test_poses_that_cannot_be_shared_out_are_told(poses, tiles):
    with pytest.raises(MotionaryError, match=rf"{poses} poses over 192 pixels cannot be cut into {tiles}"):
        pose_strip(standing(), poses, SIZE, tiles=tiles)


def test_later_poses_are_more_opaque():
    picture = pose_strip(standing(), 5, SIZE)
    opacity = [picture[:, first:last, 3].max() for first, last in figures(picture)]
    assert (np.diff(opacity) > 0).all()


def test_who_jumps_is_above_the_floor(starter):
    picture = pose_strip(starter["tuck_jump"], 9, (384, 64))
    solid = picture[..., 3] > 0.55
    lowest = [np.argwhere(solid[:, first:last])[:, 0].min() for first, last in figures(picture)]
    assert max(lowest) > min(lowest) + 10
    assert lowest[0] == pytest.approx(lowest[-1], abs=2)


def test_who_lies_is_drawn_low_and_not_as_a_giant(starter):
    lying, upright = (pose_frames(starter[name], 1, (96, 96))[0, ..., 3] > 0.5 for name in ("lie", "idle"))
    assert lying.any(axis=1).sum() < 45
    assert upright.any(axis=1).sum() > 75
    assert lying.any(axis=0).sum() > 60


def test_a_full_turn_shows_the_back(starter):
    frames = pose_frames(starter["turn_full_left"], 24, (96, 96))
    solid = [of_colour(frame, "left").sum() - of_colour(frame, "right").sum() for frame in frames]
    assert min(solid) < 0 < max(solid)


@settings(deadline=None, max_examples=10)
@given(
    degrees=st.floats(-180, 180),
    by=st.tuples(*[st.floats(-50, 50)] * 3),
    scale=st.floats(0.02, 100),
)
def test_place_heading_and_size_do_not_matter(degrees, by, scale):
    motion = walk(1.0)
    there = pose_strip(moved(motion, degrees, by, scale), 3, SIZE)
    np.testing.assert_allclose(there, pose_strip(motion, 3, SIZE), atol=0.05)


@settings(deadline=None, max_examples=15)
@given(
    seconds=st.floats(0.05, 3),
    poses=st.integers(1, 9),
    size=st.tuples(st.integers(8, 200), st.integers(8, 120)),
)
def test_any_number_of_poses_of_any_size_makes_a_picture(seconds, poses, size):
    picture = pose_strip(walk(seconds), poses, size)
    assert picture.shape == (size[1], size[0], 4)
    assert np.isfinite(picture).all()
    assert 0 <= picture.min() <= picture.max() <= 1.0001
    frames = pose_frames(walk(seconds), poses, size)
    assert frames.shape == (poses, size[1], size[0], 4)
    assert np.isfinite(frames).all()


def test_frames_of_one_who_stands_are_all_the_same():
    frames = pose_frames(standing(50), 12, (64, 64))
    assert frames[0, ..., 3].any()
    np.testing.assert_array_equal(frames, np.broadcast_to(frames[0], frames.shape))


def test_who_walks_away_stays_in_the_middle():
    frames = pose_frames(walk(10.0), 24, (96, 96))
    columns = [np.argwhere(frame[..., 3] > 0.5)[:, 1].mean() for frame in frames]
    np.testing.assert_allclose(columns, 48, atol=8)


@pytest.mark.parametrize("name", ["walk_then_sit", "lie", "turn_around_left", "jump"])
def test_frames_play_over_and_over_without_a_jump(starter, name):
    frames = pose_frames(starter[name], 24, (64, 64))
    steps = np.abs(np.diff(np.concatenate([frames, frames[:1]]), axis=0)).mean(axis=(1, 2, 3))
    assert steps[-1] <= 1.5 * steps[:-1].max()


def test_more_frames_than_the_motion_has_repeat_some():
    frames = pose_frames(standing(2), 5, (32, 32))
    assert len(frames) == 5


def test_threads_draw_the_same(starter):
    motions = [starter[name] for name in ("walk_forward", "jump", "crawl", "bow")] * 3
    one = [pose_strip(motion) for motion in motions]
    with ThreadPoolExecutor(4) as pool:
        many = list(pool.map(pose_strip, motions))
    for alone, among in zip(one, many, strict=True):
        np.testing.assert_array_equal(alone, among)


def test_drawing_leaves_the_motion_as_it_was():
    motion = walk()
    rotations, translation = motion.rotations.copy(), motion.translation.copy()
    pose_strip(motion)
    pose_frames(motion, 4)
    np.testing.assert_array_equal(motion.rotations, rotations)
    np.testing.assert_array_equal(motion.translation, translation)


def test_the_colours_are_told_apart_by_who_does_not_see_red():
    left, right = (np.array(COLOURS[side]) for side in ("left", "right"))
    assert abs(left[2] - right[2]) > 0.5


def test_what_is_no_body_is_refused_in_one_line():
    box = Skeleton(("a", "b"), np.array([-1, 0]), np.array([[0.0, 0, 0], [0, 1, 0]]))
    motion = Motion(box, np.tile(rotation.IDENTITY, (2, 2, 1)), np.zeros((2, 3)), 30.0)
    with pytest.raises(MotionaryError, match="no human body"):
        pose_strip(motion)


@pytest.mark.parametrize("draw", [pose_strip, pose_frames])
@pytest.mark.parametrize(("count", "size"), [(0, SIZE), (10_000, SIZE), (3, (4, 64)), (3, (64, 100_000))])
def test_numbers_that_make_no_sense_are_refused(draw, count, size):
    with pytest.raises(MotionaryError, match=r"drawn in|pixels wide"):
        draw(standing(), count, size)


def test_real_motion_capture_is_drawn():
    folder = unzipped("cmu_mocap.zip")
    path = sorted(folder.rglob("*.bvh"))[0]
    clip = read_clip(path)
    picture = pose_strip(clip.motion)
    assert len(figures(picture)) >= 3
    assert of_colour(picture, "left").any()
    assert of_colour(picture, "right").any()
