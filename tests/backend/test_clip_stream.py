"""Clips between two processes: they come through, and what is damaged is told from what is cut off."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionary.clip_stream import FileClips, read_answer, write_answer, write_failure
from motionary.errors import MotionaryError
from motionary.motion import Clip, Motion, forward_kinematics
from tests.motions import performer, standing, walk


def stream_of(*clips, notes=()):
    stream = io.BytesIO()
    write_answer(stream, FileClips(clips, notes))
    stream.seek(0)
    return stream


def two_clips():
    return stream_of(Clip("stand", standing(3)), Clip("walk", walk(0.2)), notes=("one is a pose",)).getvalue()


def test_clips_come_through_with_all_that_is_known_of_them():
    clip = Clip(
        "Jog \N{LATIN SMALL LETTER O WITH DIAERESIS}", walk(1.0), "", ("a person jogs",), ("fast", "gait")
    )
    found = read_answer(stream_of(clip, notes=("a pose of one frame",)))
    (back,) = found.clips
    assert (back.name, back.captions, back.tags) == (clip.name, clip.captions, clip.tags)
    assert found.notes == ("a pose of one frame",)
    assert back.motion.fps == clip.motion.fps
    assert back.motion.skeleton.names == clip.motion.skeleton.names
    places, asked = (forward_kinematics(motion)[0] for motion in (back.motion, clip.motion))
    np.testing.assert_allclose(places, asked, atol=1e-3)


def test_clips_of_one_armature_share_its_skeleton():
    stream = stream_of(Clip("a", walk(0.2)), Clip("b", replace(walk(0.2), skeleton=performer())))
    assert len(json.loads(stream.getvalue().split(b"\n")[0])["skeletons"]) == 1
    a, b = read_answer(stream).clips
    assert a.motion.skeleton is b.motion.skeleton


def test_a_file_without_clips_and_one_that_failed_leave_the_stream_where_the_next_begins():
    stream = io.BytesIO()
    write_answer(stream, FileClips((), ("no armature",)))
    write_failure(stream, "a.fbx: broken")
    write_answer(stream, FileClips((Clip("a", standing()),)))
    stream.seek(0)
    assert read_answer(stream).notes == ("no armature",)
    with pytest.raises(MotionaryError, match=r"^a\.fbx: broken$"):
        read_answer(stream)
    assert len(read_answer(stream).clips) == 1
    with pytest.raises(EOFError):
        read_answer(stream)


def test_a_stream_that_is_cut_off_anywhere_has_ended():
    whole = two_clips()
    header = whole.index(b"\n") + 1
    for length in [0, *range(header, len(whole), 7)]:
        with pytest.raises(EOFError):
            read_answer(io.BytesIO(whole[:length]))


@given(st.data())
def test_damage_is_found_or_harmless(data):
    whole = bytearray(two_clips())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = read_answer(io.BytesIO(bytes(whole)))
    except (ValueError, EOFError):
        return
    except MotionaryError as error:
        raise AssertionError("only a stream that says so is a file that could not be read") from error
    assert all(isinstance(clip.motion, Motion) for clip in found.clips)


@pytest.mark.parametrize(
    "change",
    [
        {"clips": None},
        {"clips": [{"name": "a"}]},
        {"skeletons": [{"names": ["a"], "parents": [0], "offsets": [[0, 0, 0]]}]},
        {"skeletons": [{"names": ["a"], "parents": [-1], "offsets": [[0, 0, float("nan")]]}]},
        {"skeletons": [{"names": [1], "parents": [-1], "offsets": [[0, 0, 0]]}]},
        {"skeletons": []},
        {"notes": "one"},
    ],
)
def test_a_header_of_other_things_is_damage(change):
    line, rest = two_clips().split(b"\n", 1)
    with pytest.raises(ValueError, match=r"."):
        read_answer(io.BytesIO(json.dumps(json.loads(line) | change).encode() + b"\n" + rest))


def test_sizes_are_not_believed():
    line, rest = two_clips().split(b"\n", 1)
    header = json.loads(line)
    header["clips"][0]["bytes"] = 1 << 62
    with pytest.raises(ValueError, match="bytes"):
        read_answer(io.BytesIO(json.dumps(header).encode() + b"\n" + rest))
