"""Searching what something else chose, against exact search: a function in place of an index."""

from types import SimpleNamespace

import numpy as np
import pytest

from motionary.candidates import chosen_by
from motionary.codec import encode_motion
from motionary.filters import Filter
from motionary.library import Model, NewClip, Source, open_library, replace_source, set_model
from motionary.motion import Motion, Skeleton
from motionary.search import search, search_vector, similar

DIM = 6
MODEL = Model("m" * 64, "made up", DIM)


def embed(texts):
    rows = [np.random.default_rng(list(text.encode())).standard_normal(DIM) for text in texts]
    return np.array([row / np.linalg.norm(row) for row in rows], np.float32)


TEXTS = SimpleNamespace(id=MODEL.id, name=MODEL.name, embed_texts=embed)


@pytest.fixture
def library(tmp_path):
    rng = np.random.default_rng(0)
    with open_library(tmp_path / "c.motionary", write=True) as library:
        set_model(library, MODEL)
        for number in range(20):
            turns = np.tile([1.0, 0, 0, 0], (30 * (number % 3 + 1), 1, 1))
            motion = Motion(Skeleton(("j",), [-1], np.zeros((1, 3))), turns, np.zeros((len(turns), 3)), 30)
            vectors = rng.standard_normal((2, DIM)).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            said = (("a person walks",), ("walk",)) if number % 2 else ((), ())
            clip = NewClip(
                f"c{number}",
                motion.skeleton,
                30.0,
                motion.frames,
                encode_motion(motion),
                *said,
                np.array([[0.0, 0.5], [0.5, 1.0]]),
                vectors,
            )
            replace_source(library, Source(f"/{number}.bvh", 1, 1, "x"), [clip], MODEL)
        yield library


def everything(library, asked, wanted):
    return library.embeddings.clips.tolist()


@pytest.mark.parametrize("query", ["walks", "walks, then sits", "walks -sits", "nothing^2 + walks"])
def test_all_clips_are_found_as_by_exact_search(library, query):
    wanted = Filter()
    choose = chosen_by(library, lambda asked, wanted: everything(library, asked, wanted), wanted)
    assert search(library, TEXTS, query, choose=choose) == search(library, TEXTS, query)


def test_what_was_chosen_wrongly_does_not_pass_the_filter(library):
    wanted = Filter(min_s=2.0, tags=("walk",))
    choose = chosen_by(library, lambda asked, wanted: everything(library, asked, wanted), wanted)
    found = {hit.clip for hit in search(library, TEXTS, "walks", 20, choose=choose)}
    assert found == {number + 1 for number in range(20) if number % 2 and number % 3}


def test_clips_that_are_not_there_any_more_are_no_hits(library):
    choose = chosen_by(library, lambda asked, wanted: [3, 99, 5, 3], Filter())
    assert {hit.clip for hit in search(library, TEXTS, "walks", choose=choose)} == {3, 5}
    assert {hit.clip for hit in similar(library, 3, choose=choose)} == {5}
    nothing = chosen_by(library, lambda asked, wanted: [], Filter())
    assert search(library, TEXTS, "walks", choose=nothing) == []
    assert search_vector(library, np.eye(DIM, dtype=np.float32)[0], choose=nothing) == []


def test_an_index_is_told_the_directions_the_words_and_how_many_clips(library):
    told = []

    def nearest(asked, wanted):
        told.append((asked, wanted))
        return [1]

    wanted = Filter(max_s=5)
    search(library, TEXTS, "a person walks, then sits", 7, choose=chosen_by(library, nearest, wanted))
    ((asked, passed),) = told
    np.testing.assert_array_equal(
        asked.directions, embed(["a person walks, then sits", "a person walks", "sits"])
    )
    assert (asked.words, asked.clips, passed) == ((("walk",), ("sit",)), 7, wanted)


def test_a_likeness_is_looked_for_with_one_clip_to_spare_for_itself(library):
    told = []

    def nearest(asked, wanted):
        told.append(asked)
        return [1, 2]

    similar(library, 1, 4, choose=chosen_by(library, nearest, Filter()))
    assert (told[0].clips, told[0].words, told[0].directions.shape) == (5, (), (1, DIM))
    np.testing.assert_allclose(np.linalg.norm(told[0].directions), 1.0, atol=1e-6)
