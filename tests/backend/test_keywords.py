"""Words of clips: stems, rarity, slips of the finger."""

import sqlite3
from contextlib import closing
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motionary.codec import encode_motion
from motionary.keywords import STOP_WORDS, asked_stems, shares, stems_of_clips, understood
from motionary.library import Model, NewClip, Source, open_library, replace_source, set_model
from motionary.motion import Motion, Skeleton

STILL = Motion(
    Skeleton(("j",), [-1], np.zeros((1, 3))), np.tile([1.0, 0, 0, 0], (9, 1, 1)), np.zeros((9, 3)), 30
)
MODEL = Model("m" * 64, "m", 2)


@pytest.fixture
def keywords(tmp_path):
    told = [
        ("WalkFast01", ("a person is walking",), ("gait",)),
        ("b", ("someone sits down",), ("chair", "sit")),
        ("c", ("a person walks and sits",), ()),
        ("d", (), ()),
    ]
    with open_library(tmp_path / "k.motionary", write=True) as library:
        for name, captions, tags in told:
            clip = NewClip(
                name,
                STILL.skeleton,
                30.0,
                9,
                encode_motion(STILL),
                captions,
                tags,
                np.array([[0.0, 0.3]]),
                np.array([[1.0, 0.0]], np.float32),
            )
            replace_source(library, Source(f"/moves/{name}_take.bvh", 1, 1, "x"), [clip], MODEL)
        set_model(library, MODEL)
        yield library.keywords


def test_a_word_is_found_in_any_form_and_in_names(keywords):
    for word in ("walk", "walks", "walking", "WALKED"):
        assert (shares(keywords, word) > 0).tolist() == [True, False, True, False]
    assert (shares(keywords, "fast") > 0).tolist() == [True, False, False, False]
    assert (shares(keywords, "take") > 0).all()


def test_the_share_is_of_all_words_that_tell_something(keywords):
    both = shares(keywords, "a person walks and sits")
    assert both[2] == pytest.approx(1.0)
    assert 0 < both[0] < 1
    assert both[3] == 0


def test_rare_words_weigh_more(keywords):
    mixed = shares(keywords, "chair walk")
    assert mixed[1] > mixed[0]


def test_nothing_is_asked_by_words_that_say_nothing(keywords):
    assert not shares(keywords, "a person the of and").any()
    assert not shares(keywords, "?!").any()


def test_a_clip_has_the_stems_by_which_it_is_found(keywords):
    stems, starts, numbers = stems_of_clips(keywords)
    of_clips = [{stems[number] for number in numbers[a:b]} for a, b in pairwise(starts.tolist())]
    assert of_clips[0] == {"a", "person", "is", "walk", "fast", "01", "gait", "take"}
    for stem in stems:
        assert [row for row, own in enumerate(of_clips) if stem in own] == keywords.rows_with(stem).tolist()


def test_words_are_asked_for_by_their_stems():
    assert asked_stems("A person don't walk, walking") == (("don", "t"), ("walk",), ("walk",))
    assert asked_stems("the person") == ()


@pytest.mark.parametrize(
    "query", ['"', "walk OR sits NOT", "NEAR(walk", "a*", "sit'", "col:walk", "-walk", "'; DROP"]
)
def test_what_a_user_types_is_words_and_no_syntax(keywords, query):
    assert np.isfinite(shares(keywords, query)).all()


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("a persn wlaks and sits dwon", "a person walks and sits down"),
        ("someone wavees, then juumps", "someone waves, then jumps"),
        ("a person sits", "a person sits"),
        ("Salsa -slowly", "Salsa -slowly"),
        ("xyzzy qwrtz", "xyzzy qwrtz"),
        ("", ""),
    ],
)
def test_slips_become_the_words_that_they_are_slips_of(keywords, query, meant):
    library = SimpleNamespace(keywords=keywords)
    assert understood(library, query, {"salsa", "slowly"}) == meant


SPELLED = st.sampled_from(
    (
        "walk",
        "walks",
        "Walking",
        "über",
        "uber",
        "don't",
        "DON'T",
        "t",
        "12",
        "x1",
        "jumped",
        "jumping",
        "die",
    )
)


@given(
    told=st.lists(st.lists(SPELLED, max_size=5), min_size=1, max_size=6), asked=st.lists(SPELLED, min_size=1)
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_clips_are_found_as_sqlite_itself_finds_them(tmp_path_factory, told, asked):
    texts = [" ".join(words) for words in told]
    spans, vectors = np.array([[0.0, 0.3]]), np.array([[1.0, 0.0]], np.float32)
    made = [
        NewClip("-", STILL.skeleton, 30.0, 9, encode_motion(STILL), (text,), (), spans, vectors)
        for text in texts
    ]
    with open_library(tmp_path_factory.mktemp("k") / "k.motionary", write=True) as library:
        replace_source(library, Source("/-.bvh", 1, 1, "x"), made, MODEL)
        for word in asked:
            assert word not in STOP_WORDS
            found = shares(library.keywords, word) > 0
            with closing(sqlite3.connect(":memory:")) as plain:
                plain.execute("CREATE VIRTUAL TABLE w USING fts5(text, tokenize='porter unicode61')")
                plain.executemany("INSERT INTO w (rowid, text) VALUES (?, ?)", enumerate(texts))
                rows = plain.execute("SELECT rowid FROM w WHERE w MATCH ?", (f'"{word}"',)).fetchall()
            assert np.flatnonzero(found).tolist() == [row for (row,) in rows if texts[row]]
