"""Which clips pass, against a plain loop over what was put in; and stars, which are tags."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionary.captions.facts_array import COLUMNS, UNKNOWN, code
from motionary.codec import encode_motion
from motionary.errors import MotionaryError
from motionary.filters import Filter, rows_that_pass
from motionary.library import (
    Model,
    NewClip,
    Source,
    clip_info,
    embeddings_of,
    open_library,
    replace_source,
    set_model,
    set_starred,
)
from motionary.motion import Motion, Skeleton

MODEL = Model("m" * 64, "m", 2)
TAGS = ("walk", "Run", "starred", "100%", "a'b")


def still(frames):
    turns = np.tile([1.0, 0, 0, 0], (frames, 1, 1))
    return Motion(Skeleton(("j",), [-1], np.zeros((1, 3))), turns, np.zeros((frames, 3)), 30)


def put(library, path, *clips, facts=None):
    """``clips``: (name, frames, tags) of one file, all with the same facts."""
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
            facts,
        )
        for name, frames, tags in clips
    ]
    replace_source(library, Source(path, 1, 1, "x"), made, MODEL)
    set_model(library, MODEL)


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
        rows = rows_that_pass(library, wanted)
        passed = None if rows is None else library.embeddings.clips[rows]
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
        assert rows_that_pass(library, Filter()) is None


def test_a_span_that_holds_nothing_is_refused():
    with pytest.raises(MotionaryError, match="3 s or more and 2 s or less"):
        Filter(3.0, 2.0)
    with pytest.raises(MotionaryError, match="3 m or more and 2 m or less"):
        Filter(min_distance=3.0, max_distance=2.0)
    with pytest.raises(MotionaryError, match="left, right or both"):
        Filter(hand="middle")


def test_what_was_measured_is_filtered_by_the_window(tmp_path):
    def row(**known):
        values = UNKNOWN.copy()
        for name, value in known.items():
            values[COLUMNS.index(name)] = value
        return values[None]

    with open_library(tmp_path / "f.motionary", write=True) as library:
        right, none = code("right"), code("none")
        put(library, "/near", ("near", 30, []), facts=row(distance_m=0.5, loops=1, hand_raised=right))
        put(
            library,
            "/far",
            ("far", 30, []),
            facts=row(distance_m=4, loops=0, hand_raised=none, hand_busy=right),
        )
        put(library, "/unknown", ("unknown", 30, []))

        def passed(**wanted):
            return rows_that_pass(library, Filter(**wanted)).tolist()

        assert passed(min_distance=1.0) == [False, True, False]
        assert passed(max_distance=1.0) == [True, False, False]
        assert passed(loops=True) == [True, False, False]
        assert passed(hand="right") == [True, True, False]
        assert passed(hand="right", source="near") == [True, False, False]
        assert passed(hand="left") == [False, False, False]


def test_a_star_is_given_taken_and_kept_when_the_file_is_read_again(tmp_path):
    with open_library(tmp_path / "f.motionary", write=True) as library:
        put(library, "/a.bvh", ("one", 30, ["walk"]), ("two", 30, []))
        set_starred(library, 2, True)
        set_starred(library, 2, True)
        assert clip_info(library, 2).tags == ("starred",)
        assert rows_that_pass(library, Filter(starred=True)).tolist() == [False, True]
        put(library, "/a.bvh", ("one", 60, ["walk"]), ("two", 60, ["run"]))
        assert [clip_info(library, i).tags for i in (1, 2)] == [("walk",), ("run", "starred")]
        set_starred(library, 2, False)
        assert clip_info(library, 2).tags == ("run",)
        with pytest.raises(MotionaryError, match="no clip 9"):
            set_starred(library, 9, True)


def test_a_part_of_a_library_is_filtered_as_all_of_it(tmp_path):
    with open_library(tmp_path / "f.motionary", write=True) as library:
        put(library, "/a/x.bvh", *((f"c{i}", 10 * i, ["walk"] * (i % 2)) for i in range(1, 9)))
        wanted = Filter(min_s=1.0, tags=("walk",))
        every = rows_that_pass(library, wanted)
        part = embeddings_of(library, [2, 5, 7, 7, 99])
        assert part.clips.tolist() == [2, 5, 7]
        assert rows_that_pass(library, wanted, part).tolist() == every[[1, 4, 6]].tolist()
        nothing = embeddings_of(library, [])
        assert len(nothing.clips) == 0
        assert rows_that_pass(library, wanted, nothing).shape == (0,)
