"""A motion as bytes for a stranger: it comes back, and what is no motion is refused with a sentence."""

import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionary import motion_bytes
from motionary.errors import MotionaryError
from motionary.motion import forward_kinematics
from motionary.motion_bytes import HEAD, MAGIC, pack_motion, unpack_motion
from tests.motions import walk

PACKED = pack_motion(walk(0.5))


def remade(change):
    """The bytes of a motion whose skeleton was changed."""
    _, fps, length = HEAD.unpack_from(PACKED)
    parts = json.loads(PACKED[HEAD.size : HEAD.size + length])
    text = json.dumps(change(parts)).encode()
    return HEAD.pack(MAGIC, fps, len(text)) + text + PACKED[HEAD.size + length :]


def test_a_motion_comes_back_as_a_library_would_keep_it():
    motion = walk(1.0)
    back = unpack_motion(pack_motion(motion))
    assert (back.skeleton.names, back.fps, back.frames) == (motion.skeleton.names, motion.fps, motion.frames)
    assert np.array_equal(back.skeleton.offsets, motion.skeleton.offsets)
    assert np.abs(forward_kinematics(back)[0] - forward_kinematics(motion)[0]).max() < 1e-3


def test_passing_it_on_loses_no_more_than_a_step():
    once = unpack_motion(PACKED)
    often = once
    for _ in range(5):
        often = unpack_motion(pack_motion(often))
    assert np.abs(often.rotations - once.rotations).max() < 2e-4
    assert np.array_equal(often.translation, once.translation)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not the bytes"),
        (b"<html>no motion</html>" * 3, "not the bytes"),
        (PACKED[:20], "bytes of skeleton"),
        (PACKED[:-9], "damaged"),
        (HEAD.pack(MAGIC, float("nan"), 2) + PACKED[HEAD.size :], "frames a second"),
        (HEAD.pack(MAGIC, -30.0, 2) + PACKED[HEAD.size :], "frames a second"),
        (HEAD.pack(MAGIC, 30.0, 2**32 - 1) + PACKED[HEAD.size :], "bytes of skeleton"),
        (HEAD.pack(MAGIC, 30.0, 4) + b"nope" + PACKED, "skeleton cannot be read"),
        (HEAD.pack(MAGIC, 30.0, 200_000) + b"[" * 200_000 + bytes(8), "skeleton cannot be read"),
        (remade(lambda parts: parts | {"names": [7] * len(parts["names"])}), "skeleton cannot be read"),
        (remade(lambda parts: parts | {"names": ["\ud800", *parts["names"][1:]]}), "skeleton cannot be read"),
        (remade(lambda parts: parts | {"parents": [2**70] * 3}), "skeleton cannot be read"),
        (remade(lambda parts: parts | {"offsets": [["NaN", 0, 0]]}), "skeleton"),
        (remade(lambda parts: parts | {"parents": [5] * len(parts["names"])}), "no root"),
        (remade(lambda parts: {"names": "Hips"}), "skeleton cannot be read"),
    ],
)
def test_what_is_no_motion_is_refused_in_one_sentence(data, says):
    with pytest.raises(MotionaryError, match=says) as refused:
        unpack_motion(data)
    assert "\n" not in str(refused.value)


def test_a_claim_of_many_frames_takes_no_memory():
    skeleton = json.dumps({"names": ["Hips"], "parents": [-1], "offsets": [[0, 0, 0]]}).encode()
    bomb = HEAD.pack(MAGIC, 30.0, len(skeleton)) + skeleton + struct.pack("<II", 2**25, 1)
    with pytest.raises(MotionaryError, match="claims 33554432 frames"):
        unpack_motion(bomb)


def test_a_motion_that_nobody_would_take_is_not_sent(monkeypatch):
    monkeypatch.setattr(motion_bytes, "MOST_POSES", 10)
    with pytest.raises(MotionaryError, match="ask for a part"):
        pack_motion(walk(0.5))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_damage_is_a_sentence_or_a_motion(data):
    place = data.draw(st.integers(0, len(PACKED) - 1))
    damaged = (
        PACKED[:place] + data.draw(st.binary(max_size=8)) + PACKED[place + data.draw(st.integers(0, 8)) :]
    )
    try:
        assert unpack_motion(damaged).frames > 0
    except MotionaryError as refused:
        assert "\n" not in str(refused)  # noqa: PT017
