"""The HumanML3D features against official values, and what must hold of them for any motion."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from motionary import rotation
from motionary.body import JOINTS, PARENTS, mirror_joints
from motionary.errors import MotionaryError
from motionary.features import (
    FPS,
    WIDTH,
    canonical_joints,
    features_from_joints,
    joints_from_features,
    motion_features,
    motion_joints,
)
from motionary.motion import Motion, Skeleton, forward_kinematics
from motionary.uniform_skeleton import OFFSETS
from tests.data import shared_file, unzipped

YAW, VELOCITY, HEIGHT = slice(0, 1), slice(1, 3), slice(3, 4)
POSITIONS, ROTATIONS, VELOCITIES, CONTACTS = slice(4, 67), slice(67, 193), slice(193, 259), slice(259, 263)
GOLDEN = (
    *("008142", "006722", "003007", "000757", "004756", "006971"),
    *("002356", "011787", "008453", "000175", "001417", "006865"),
)
FLIPPED = {"003007": [45], "008453": [114]}
"""Frames in which the official yaw velocity of a golden clip has the wrong sign: in the others, none."""
SKELETON = Skeleton(JOINTS, np.asarray(PARENTS), OFFSETS)
seeds = st.integers(0, 2**32 - 1)


def body(seed, frames=40, turns=0.0):
    """Joints of a body that sways at random, walks about and turns, with every joint's bone bent < 1 rad."""
    random = np.random.default_rng(seed)
    times = np.linspace(0, 1, frames)[:, None, None]
    waves = np.sin(2 * np.pi * (random.uniform(0, 2, (22, 3)) * times + random.uniform(0, 1, (22, 3))))
    rotations = rotation.from_rotvec(waves * random.uniform(0, 0.15, (22, 3)))
    rotations[:, 0] = rotation.from_axis_angle([0, 1, 0], 2 * np.pi * turns * times[:, 0, 0])
    translation = np.cumsum(random.normal(0, 0.02, (frames, 3)), axis=0)
    return forward_kinematics(Motion(SKELETON, rotations, translation, FPS))[0]


@pytest.fixture(scope="module")
def golden():
    with np.load(shared_file("golden.npz")) as file:
        return dict(file)


@pytest.fixture(scope="module")
def sample():
    """Joints and features of the one published motion that HumanML3D may show, 012314."""
    members = [f"humanml3d/{folder}/012314.npy" for folder in ("new_joints", "new_joint_vecs")]
    folder = unzipped("humanml3d_texts.zip", *members)
    return [np.load(folder / member) for member in members]


def test_joints_of_the_published_sample(sample):
    joints, features = sample
    np.testing.assert_allclose(joints_from_features(features), joints, atol=1e-6)


def test_features_of_the_published_sample(sample):
    joints, official = sample
    features = features_from_joints(joints)
    error = np.abs(features - official[:-1])
    # The authors smoothed the heading over the raw motion, which is one frame longer than the joints they
    # published: an edge effect, within four sigma (80 frames) of the end. 34 of 169 frames pass 1e-3.
    assert error[:-80].max() < 1e-5
    assert error[:-34].max() < 1e-3
    assert error.max() < 0.014
    assert np.array_equal(features[:, CONTACTS], official[:-1, CONTACTS])
    np.testing.assert_allclose(joints_from_features(features), joints[:-1], atol=1e-5)


@pytest.mark.parametrize("name", GOLDEN)
def test_official_features(golden, name):
    official = golden[f"new_joint_vecs_{name}"]
    features = features_from_joints(golden[f"raw_{name}"], official_yaw_flip=True)
    assert features.dtype == np.float32
    # The official code computes in float32.
    np.testing.assert_allclose(features, official, atol=3e-5)
    assert np.array_equal(features[:, CONTACTS], official[:, CONTACTS])


@pytest.mark.parametrize("name", GOLDEN)
def test_official_joints(golden, name):
    official = golden[f"new_joints_{name}"]
    np.testing.assert_allclose(joints_from_features(golden[f"new_joint_vecs_{name}"]), official, atol=1e-6)
    features = features_from_joints(golden[f"raw_{name}"], official_yaw_flip=True)
    np.testing.assert_allclose(joints_from_features(features), official, atol=1e-4)


@pytest.mark.parametrize("name", GOLDEN)
def test_yaw_is_right_by_default(golden, name):
    raw, official = golden[f"raw_{name}"], golden[f"new_joint_vecs_{name}"]
    features = features_from_joints(raw)
    np.testing.assert_allclose(joints_from_features(features), canonical_joints(raw)[:-1], atol=1e-6)
    wrong = np.flatnonzero(np.abs(features - official).max(axis=1) > 1e-4)
    assert wrong.tolist() == FLIPPED.get(name, [])
    np.testing.assert_allclose(features[wrong, 0], -official[wrong, 0], atol=1e-4)


def test_offsets_are_the_official_ones(golden):
    np.testing.assert_array_equal(OFFSETS.astype(np.float32), golden["tgt_offsets"])


@given(seeds, st.floats(-3, 3))
@settings(max_examples=25, deadline=None)
def test_round_trip(seed, turns):
    joints = body(seed, turns=turns)
    recovered = joints_from_features(features_from_joints(joints))
    np.testing.assert_allclose(recovered, canonical_joints(joints)[:-1], atol=1e-5)


def test_official_yaw_flip_leads_astray():
    joints = body(1, frames=200, turns=1.0)
    joints[..., 0] += 3 * np.linspace(0, 1, 200)[:, None]
    expected = canonical_joints(joints)[:-1]
    flipped = joints_from_features(features_from_joints(joints, official_yaw_flip=True))
    assert np.abs(flipped - expected).max() > 0.05
    assert np.abs(joints_from_features(features_from_joints(joints)) - expected).max() < 1e-5


@given(seeds, st.floats(-np.pi, np.pi), st.floats(-100, 100), st.floats(-100, 100), st.floats(0.2, 5))
@settings(max_examples=25, deadline=None)
def test_place_heading_and_size_do_not_matter(seed, angle, x, z, size):
    joints = body(seed, turns=0.4)
    moved = size * rotation.rotate(rotation.from_axis_angle([0, 1, 0], angle), joints) + [x, 0.7, z]
    np.testing.assert_allclose(features_from_joints(moved), features_from_joints(joints), atol=1e-4)


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_mirrored_joints_give_mirrored_features(seed):
    joints = body(seed, turns=0.3)
    features, mirrored = features_from_joints(joints), features_from_joints(mirror_joints(joints))
    # The uniform skeleton's left and right differ by up to 8 mm a bone, so they agree only as well as that;
    # unmirrored features differ by 0.08 or more on average. Contacts at the threshold may go either way.
    error = np.abs(mirrored - mirror_features(features))[:, : CONTACTS.start]
    assert error.max() < 0.3
    assert error.mean() < 0.01


def mirror_features(features):
    """The features of the motion mirrored in x = 0: sides swapped, x negated, rotations conjugated."""
    features = features.copy()
    features[:, :2] *= -1
    features[:, CONTACTS] = features[:, CONTACTS][:, [2, 3, 0, 1]]
    sides = {"left": "right", "right": "left"}
    parts = [name.split("_") for name in JOINTS]
    swap = np.array([JOINTS.index("_".join(sides.get(part, part) for part in name)) for name in parts])
    for columns, joints, signs in (
        (POSITIONS, swap[1:] - 1, [-1, 1, 1]),
        (ROTATIONS, swap[1:] - 1, [1, -1, -1, -1, 1, 1]),
        (VELOCITIES, swap, [-1, 1, 1]),
    ):
        block = features[:, columns].reshape(len(features), len(joints), -1)
        features[:, columns] = (block[:, joints] * signs).reshape(len(features), -1)
    return features


def test_layout_of_a_steady_walk():
    """A body at rest on the uniform skeleton, carried 0.04 m a frame to its left."""
    joints = np.repeat(body(3, frames=1), 30, axis=0)
    joints = canonical_joints(joints) + np.arange(30)[:, None, None] * [0.04, 0, 0]
    features = features_from_joints(joints)
    assert features.shape == (29, WIDTH)
    np.testing.assert_allclose(features[1:, YAW], 0, atol=1e-6)
    # Shoulders less hips, the authors' idea of a heading, need not face as frame 0 was turned to do.
    speed = np.linalg.norm(features[:, VELOCITY], axis=-1)
    np.testing.assert_allclose(speed, 0.04, atol=1e-6)
    np.testing.assert_allclose(features[:, HEIGHT], joints[0, 0, 1], atol=1e-6)
    np.testing.assert_allclose(features[0, POSITIONS], joints[0, 1:].ravel(), atol=1e-6)
    np.testing.assert_allclose(features[0, VELOCITIES].reshape(22, 3), [[0.04, 0, 0]] * 22, atol=1e-6)


@pytest.mark.parametrize(("speed", "resting"), [(0.04, 1), (0.05, 0)])
def test_feet_rest_below_the_threshold(speed, resting):
    """0.04 and 0.05 m a frame square to 0.0016 and 0.0025, on either side of 0.002."""
    joints = canonical_joints(np.repeat(body(3, frames=1), 30, axis=0))
    joints = joints + np.arange(30)[:, None, None] * [0, 0, speed]
    assert (features_from_joints(joints)[:, CONTACTS] == resting).all()


def test_contacts_are_left_ankle_left_foot_right_ankle_right_foot():
    joints = canonical_joints(np.repeat(body(3, frames=1), 2, axis=0))
    joints[1, JOINTS.index("right_foot")] += [0.1, 0, 0]
    assert features_from_joints(joints)[0, CONTACTS].tolist() == [1, 1, 1, 0]
    assert features_from_joints(mirror_joints(joints))[0, CONTACTS].tolist() == [1, 0, 1, 1]


def test_size_is_that_of_the_leg_in_frame_0():
    """Markers slip: bones of a recording change their length, and the path must not breathe with them."""
    joints = body(4)
    slipped = joints.copy()
    slipped[5:, [JOINTS.index("right_knee"), JOINTS.index("right_ankle")]] += [0, -0.05, 0]
    np.testing.assert_allclose(
        np.diff(canonical_joints(slipped)[:, 0], axis=0), np.diff(canonical_joints(joints)[:, 0], axis=0)
    )


def test_standing_still():
    features = features_from_joints(np.repeat(body(0, frames=1), 10, axis=0))
    assert np.isfinite(features).all()
    assert not features[1:, :3].any()
    assert (features[:, CONTACTS] == 1).all()


def test_coincident_joints():
    features = features_from_joints(np.zeros((5, 22, 3)))
    assert np.isfinite(features).all()


def test_bone_of_no_length_stays_so():
    joints = body(2)
    spine2, spine3 = JOINTS.index("spine2"), JOINTS.index("spine3")
    joints[:, spine3] = joints[:, spine2]
    assert np.isfinite(features_from_joints(joints)).all()
    canonical = canonical_joints(joints)
    np.testing.assert_array_equal(canonical[:, spine3], canonical[:, spine2])


def test_bones_against_their_rest_direction():
    """Where the shortest rotation out of rest is not unique, and the official code divides 0 by 0."""
    joints = body(2, frames=5) * [1, -1, 1]
    joints[:, 1:] = joints[:, :1] + np.sign(OFFSETS[1:].sum(axis=-1))[:, None] * [0, -1, 0]
    assert np.isfinite(features_from_joints(joints)).all()


@given(hnp.arrays(np.float32, (3, 22, 3), elements=st.floats(-1e6, 1e6, width=32)))
@settings(max_examples=50, deadline=None)
def test_never_not_a_number(joints):
    features = features_from_joints(joints)
    assert np.isfinite(features).all()
    assert np.isfinite(joints_from_features(features)).all()


@pytest.mark.parametrize("frames", [0, 1])
def test_too_short(frames):
    with pytest.raises(MotionaryError, match=f"has {frames} frames at 20 fps; features need at least 2"):
        features_from_joints(np.zeros((frames, 22, 3)))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e9])
def test_bad_position(value):
    joints = body(0)
    joints[7, 4, 1] = value
    with pytest.raises(MotionaryError, match="frame 7, left_knee"):
        features_from_joints(joints)


@pytest.mark.parametrize("shape", [(5, 21, 3), (5, 22), (22, 3), (5, 22, 4)])
def test_joints_of_another_shape(shape):
    with pytest.raises(MotionaryError, match="joints have shape"):
        features_from_joints(np.zeros(shape))


@pytest.mark.parametrize("shape", [(5, 262), (263,), (0, 263)])
def test_features_of_another_shape(shape):
    with pytest.raises(MotionaryError, match="features have shape"):
        joints_from_features(np.zeros(shape))


def test_features_not_a_number():
    features = np.zeros((5, WIDTH))
    features[3, 200] = np.nan
    with pytest.raises(MotionaryError, match="frame 3, column 200"):
        joints_from_features(features)


def walk(fps, seconds=2.0):
    """A body in its rest pose that moves at one metre a second along x."""
    frames = round(seconds * fps)
    translation = np.arange(frames)[:, None] / fps * [1.0, 0.0, 0.0]
    return Motion(SKELETON, np.tile(rotation.IDENTITY, (frames, 22, 1)), translation, fps)


def hips(joints):
    """The middle (T, 3) of the hips: where a motion is, on any body."""
    return joints[:, 1:3].mean(axis=1)


@pytest.mark.parametrize("fps", [20, 40, 60, 120, 1 / 0.008333, 24, 30, 25, 59.94, 10])
def test_motion_joints_keep_their_time(fps):
    joints = motion_joints(walk(fps))
    assert joints.shape[1:] == (22, 3)
    gone = hips(joints)[:, 0] - hips(joints)[0, 0]
    np.testing.assert_allclose(gone, np.arange(len(joints)) / FPS, atol=1e-4)
    last = (round(2.0 * fps) - 1) / fps
    assert 0 <= last + 1e-4 - (len(joints) - 1) / FPS < 1 / FPS


@pytest.mark.parametrize("fps", [60, 1 / 0.016667])
def test_motion_joints_pick_frames_of_a_multiple(fps):
    motion = walk(fps)
    motion.translation[1::3] += 5.0
    motion.translation[2::3] -= 5.0
    np.testing.assert_allclose(np.ptp(motion_joints(motion)[:, :, 1], axis=0), 0.0, atol=1e-12)


def test_motion_features():
    motion = walk(120)
    np.testing.assert_array_equal(motion_features(motion), features_from_joints(motion_joints(motion)))


def test_motion_too_short():
    with pytest.raises(MotionaryError, match="1 frames at 20 fps"):
        motion_features(walk(120, seconds=0.04))
