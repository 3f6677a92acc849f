"""Motions as bytes: the promised exactness, and damage that is refused."""

import contextlib
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionary import rotation
from motionary.codec import decode_motion, encode_motion
from motionary.errors import MotionaryError
from motionary.motion import Motion, Skeleton


def chain(joints):
    return Skeleton(tuple(f"j{i}" for i in range(joints)), np.arange(-1, joints - 1), np.ones((joints, 3)))


def any_motion(seed, frames, joints, far=10.0):
    rng = np.random.default_rng(seed)
    turns = rotation.normalize(rng.normal(size=(frames, joints, 4)))
    return Motion(chain(joints), turns, rng.uniform(-far, far, (frames, 3)), 30.0)


def degrees_apart(a, b):
    return np.degrees(np.linalg.norm(rotation.to_rotvec(rotation.multiply(rotation.inverse(a), b)), axis=-1))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**31),
    st.integers(1, 40),
    st.integers(1, 60),
    st.sampled_from([0.001, 1.0, 500.0, 100_000.0]),
)
def test_a_motion_comes_back_within_a_hundredth_of_a_degree_and_a_tenth_of_a_millimetre(
    seed, frames, joints, far
):
    motion = any_motion(seed, frames, joints, far)
    again = decode_motion(encode_motion(motion), motion.skeleton, motion.fps)
    assert degrees_apart(motion.rotations, again.rotations).max() < 0.01
    assert np.abs(again.translation - motion.translation).max() < 0.0001
    np.testing.assert_allclose(np.linalg.norm(again.rotations, axis=-1), 1.0, atol=1e-12)


def test_coding_twice_changes_nothing():
    motion = any_motion(1, 50, 5)
    once = decode_motion(encode_motion(motion), motion.skeleton, 30.0)
    twice = decode_motion(encode_motion(once), motion.skeleton, 30.0)
    np.testing.assert_array_equal(once.translation, twice.translation)
    assert degrees_apart(once.rotations, twice.rotations).max() < 0.01


def test_half_turns_and_flipped_signs_are_the_same_rotation():
    turns = np.array([[[0, 0, 1, 0]], [[0, 0, -1, 0]], [[-1, 0, 0, 0]], [[1, 0, 0, 0]]], float)
    motion = Motion(chain(1), turns, np.zeros((4, 3)), 30.0)
    again = decode_motion(encode_motion(motion), motion.skeleton, 30.0)
    assert degrees_apart(turns, again.rotations).max() < 0.01


def test_a_still_motion_takes_next_to_nothing():
    turns = np.tile(rotation.IDENTITY, (10_000, 30, 1))
    assert len(encode_motion(Motion(chain(30), turns, np.zeros((10_000, 3)), 120.0))) < 5_000


def test_a_root_far_beyond_sense_is_refused():
    motion = Motion(chain(1), [[[1, 0, 0, 0]]], [[0, 2e5, 0]], 30.0)
    with pytest.raises(MotionaryError, match="unit must be wrong"):
        encode_motion(motion)


def header(frames, joints, body=b""):
    return struct.pack("<II", frames, joints) + zlib.compress(body)


@pytest.mark.parametrize(
    ("blob", "says"),
    [
        (b"", "no header"),
        (b"\x01\x00", "no header"),
        (header(2, 7), "7 joints, its skeleton 2"),
        (header(0, 2), "claims 0 frames"),
        (header(2**32 - 1, 2), "claims 4294967295 frames"),
        (header(3, 2), "does not hold the 3 frames"),
        (header(1, 2, bytes(28 + 1)), "does not hold the 1 frames"),
        (header(1, 2, bytes(28))[:-6], "does not hold|damaged"),
        (struct.pack("<II", 1, 2) + b"not deflated", "damaged"),
    ],
)
def test_damaged_bytes_are_refused(blob, says):
    with pytest.raises(MotionaryError, match=says):
        decode_motion(blob, chain(2), 30.0)


def test_a_bomb_is_not_inflated():
    with pytest.raises(MotionaryError, match="does not hold"):
        decode_motion(header(1, 2, bytes(200_000_000)), chain(2), 30.0)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.integers(1, 9))
def test_any_bytes_give_a_motion_or_one_clear_error(body, frames):
    for blob in (body, header(frames, 2, body), header(frames, 2, (body * 400)[: frames * 28])):
        with contextlib.suppress(MotionaryError):
            assert decode_motion(blob, chain(2), 30.0).frames > 0
