"""Which clips pass, against a plain loop over what was put in; and stars, which are tags."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionary.codec import encode_motion
from motionary.errors import MotionaryError
from motionary.filters import Filter, clips_that_pass
from motionary.library import Model, NewClip, Source, clip_info, open_library, replace_source, set_starred
from motionary.motion import Motion, Skeleton

MODEL = Model("m" * 64, "m", 2)
TAGS = ("walk", "Run", "starred", "100%", "a'b")


def still(frames):
    turns = np.tile([1.0, 0, 0, 0], (frames, 1, 1))
    return Motion(Skeleton(("j",), [-1], np.zeros((1, 3))), turns, np.zeros((frames, 3)), 30)


def put(library, path, *clips):
    """``clips``: (name, frames, tags) of one file."""
    made = [
        NewClip(
            name,
            still(frames).skeleton,
            30.0,
            frames,
            encode_motion(still(frames)),
            (),
            tuple(tags),
            np.array([[0.0, frames / 30]]),
            np.array([[1.0, 0.0]], np.float32),
        )
        for name, frames, tags in clips
    ]
    replace_source(library, Source(path, 1, 1, "x"), made, MODEL)


@given(
    st.lists(
        st.tuples(st.integers(1, 90), st.sets(st.sampled_from(TAGS)), st.sampled_from(["/a/x", "/B/y_z"])),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from([None, 1.0, 2.0]),
    st.sets(st.sampled_from(TAGS), max_size=2),
    st.sampled_from(["", "/b/", "Y_", "%"]),
    st.booleans(),
)
def test_those_pass_that_are_what_is_wanted(tmp_path_factory, clips, low, high, tags, source, starred):
    wanted = Filter(low, high, tuple(tag.upper() for tag in tags), source, starred)
    with open_library(tmp_path_factory.mktemp("f") / "f.motionary", write=True) as library:
        for i, (frames, own, folder) in enumerate(clips):
            put(library, f"{folder}{i}.bvh", (f"c{i}", frames, own))
        passed = clips_that_pass(library, wanted)
    right = [
        i + 1
        for i, (frames, own, folder) in enumerate(clips)
        if frames / 30 >= low
        and (high is None or frames / 30 <= high)
        and tags <= own
        and source.lower() in f"{folder}{i}.bvh".lower()
        and (not starred or "starred" in own)
    ]
    found = list(range(1, len(clips) + 1)) if passed is None else passed.tolist()
    assert found == right


def test_no_filter_is_no_work(tmp_path):
    with open_library(tmp_path / "f.motionary", write=True) as library:
        assert clips_that_pass(library, Filter()) is None


def test_a_span_that_holds_nothing_is_refused():
    with pytest.raises(MotionaryError, match="3 s or more and 2 s or less"):
        Filter(3.0, 2.0)


def test_a_star_is_given_taken_and_kept_when_the_file_is_read_again(tmp_path):
    with open_library(tmp_path / "f.motionary", write=True) as library:
        put(library, "/a.bvh", ("one", 30, ["walk"]), ("two", 30, []))
        set_starred(library, 2, True)
        set_starred(library, 2, True)
        assert clip_info(library, 2).tags == ("starred",)
        assert clips_that_pass(library, Filter(starred=True)).tolist() == [2]
        put(library, "/a.bvh", ("one", 60, ["walk"]), ("two", 60, ["run"]))
        assert [clip_info(library, i).tags for i in (1, 2)] == [("walk",), ("run", "starred")]
        set_starred(library, 2, False)
        assert clip_info(library, 2).tags == ("run",)
        with pytest.raises(MotionaryError, match="no clip 9"):
            set_starred(library, 9, True)
