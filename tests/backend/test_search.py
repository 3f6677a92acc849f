"""Ranking: against a plain loop, with windows, ties, and another model's library."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionary.bundle import load_bundle
from motionary.codec import encode_motion
from motionary.edits import mirror
from motionary.errors import MotionaryError
from motionary.index import add_clips
from motionary.library import Model, NewClip, Source, open_library, replace_source, set_model
from motionary.motion import Clip, Motion, Skeleton
from motionary.search import motion_direction, search, search_vector, similar, similar_to_motion
from motionary.starter import starter_clips
from tests.bundles import make_bundle
from tests.motions import standing, walk

STILL = Motion(
    Skeleton(("j",), [-1], np.zeros((1, 3))), np.tile([1.0, 0, 0, 0], (9, 1, 1)), np.zeros((9, 3)), 30
)


class Says:
    """A model whose text embedding is set by the test."""

    def __init__(self, vector, id="m" * 64):
        self.id, self.name, self.vector = id, "says", np.asarray(vector, np.float32)

    def embed_texts(self, texts):
        return np.tile(self.vector / np.linalg.norm(self.vector), (len(texts), 1))


def library_of(path, clips, dim):
    """``clips``: a list of (W, dim) arrays, named c1, c2, … in ids 1, 2, …"""
    model = Model("m" * 64, "says", dim)
    library = open_library(path, write=True)
    set_model(library, model)
    for number, vectors in enumerate(clips, start=1):
        vectors = np.asarray(vectors, np.float32)
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        spans = np.array([[3.0 * i, 3.0 * i + 6] for i in range(len(vectors))])
        said, data = (f"caption {number}",), encode_motion(STILL)
        clip = NewClip(f"c{number}", STILL.skeleton, 30.0, 9, data, said, ("t",), spans, vectors)
        replace_source(library, Source(f"c{number}.bvh", 1, 1, "x"), [clip], model)
    return library


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(1, 5), min_size=1, max_size=12), st.integers(1, 15))
def test_hits_are_those_of_a_plain_loop(tmp_path_factory, seed, windows, top):
    rng = np.random.default_rng(seed)
    clips = [rng.normal(size=(count, 4)) for count in windows]
    query = rng.normal(size=4)
    wanted = []
    for number, vectors in enumerate(clips, start=1):
        scores = [float(v @ query / np.linalg.norm(v) / np.linalg.norm(query)) for v in vectors]
        wanted.append((max(scores), number))
    wanted.sort(key=lambda row: -row[0])
    with library_of(tmp_path_factory.mktemp("s") / "s.motionary", clips, 4) as library:
        hits = search(library, Says(query), "anything", top)
        wholes = search(library, Says(query), "anything", top, whole_clips=True)
    assert [hit.rank for hit in hits] == list(range(1, min(top, len(clips)) + 1))
    for hit, (score, number) in zip(hits, wanted, strict=False):
        assert hit.clip == number
        assert hit.score == pytest.approx(score, abs=1e-5)
        ends = [3.0 * i for i in range(windows[number - 1] + 2)]
        assert hit.start_s in ends[:-2]
        assert hit.end_s in ends[2:]
    assert [(hit.clip, hit.score) for hit in wholes] == [(hit.clip, hit.score) for hit in hits]
    assert {(hit.start_s, hit.end_s) for hit in wholes} == {(0.0, 0.3)}


def test_a_hit_carries_what_is_known_of_its_clip(tmp_path):
    with library_of(tmp_path / "s.motionary", [[[1, 0]], [[0, 1]]], 2) as library:
        (hit,) = search(library, Says([0, 1]), "a person waves", 1)
    assert (hit.rank, hit.clip, hit.name, hit.fps) == (1, 2, "c2", 30.0)
    assert (hit.source, hit.captions, hit.tags) == ("c2.bvh", ("caption 2",), ("t",))
    assert hit.score == pytest.approx(1.0)


def test_equal_scores_come_by_clip(tmp_path):
    with library_of(tmp_path / "s.motionary", [[[1, 0]]] * 5, 2) as library:
        assert [hit.clip for hit in search(library, Says([1, 1]), "q", 3)] == [1, 2, 3]


def test_similar_leaves_the_clip_itself_out_and_takes_all_its_windows(tmp_path):
    clips = [[[1, 0, 0], [0, 1, 0]], [[1, 1, 0]], [[1, 0, 0]], [[0, 0, 1]]]
    with library_of(tmp_path / "s.motionary", clips, 3) as library:
        hits = similar(library, 1, 10)
    assert [hit.clip for hit in hits] == [2, 3, 4]
    assert hits[0].score == pytest.approx(1.0)


def test_another_models_library_is_refused_with_the_cure(tmp_path):
    with library_of(tmp_path / "s.motionary", [[[1, 0]]], 2) as library:
        with pytest.raises(MotionaryError, match=r"motionary index --library .* --reembed"):
            search(library, Says([1, 0], id="n" * 64), "q", 1)
        assert similar(library, 1, 5) == []


def test_an_empty_library_has_no_hits(tmp_path):
    with open_library(tmp_path / "s.motionary", write=True) as library:
        assert search(library, Says([1, 0]), "q", 5) == []


@pytest.mark.parametrize(("query", "top", "says"), [("  ", 5, "query is empty"), ("walk", 0, "best 0 clips")])
def test_senseless_questions_are_refused(tmp_path, query, top, says):
    with (
        library_of(tmp_path / "s.motionary", [[[1, 0]]], 2) as library,
        pytest.raises(MotionaryError, match=says),
    ):
        search(library, Says([1, 0]), query, top)


def test_a_clip_that_is_not_there(tmp_path):
    with (
        library_of(tmp_path / "s.motionary", [[[1, 0]]], 2) as library,
        pytest.raises(MotionaryError, match="no clip 7"),
    ):
        similar(library, 7, 5)


def test_only_the_rows_that_pass_are_found(tmp_path):
    clips = [[[1, 0]], [[0.9, 0.1], [1, 0]], [[0, 1]], [[0.5, 0.5]]]
    with library_of(tmp_path / "s.motionary", clips, 2) as library:
        rows = library.embeddings.clips
        found = search(library, Says([1, 0]), "q", 9, among=np.isin(rows, [2, 4]))
        assert [hit.clip for hit in found] == [2, 4]
        assert search(library, Says([1, 0]), "q", 9, among=np.zeros(5, bool)) == []
        assert [hit.clip for hit in similar(library, 2, 9, among=rows != 4)] == [1, 3]
        (hit,) = search(library, Says([1, 0]), "q", 9, among=np.arange(5) == 1)
        assert (hit.clip, hit.start_s, hit.end_s) == (2, 0.0, 6.0)  # its better window did not pass


def test_a_hit_is_all_that_matches_nearly_as_well_and_no_more(tmp_path):
    fits, not_at_all = [1, 0, 0], [0, 0, 1]
    take = [not_at_all] * 4 + [fits] * 4 + [not_at_all] * 6
    with library_of(tmp_path / "s.motionary", [take], 3) as library:
        (hit,) = search(library, Says([1, 0, 0]), "q", 1)
    assert (hit.start_s, hit.end_s) == (15.0, 24.0)


def test_a_vector_of_any_length_is_a_query(tmp_path):
    with library_of(tmp_path / "s.motionary", [[[1, 0]], [[0, 1]]], 2) as library:
        hits = search_vector(library, np.array([0, 7.5], np.float32), 1)
    assert [(hit.clip, hit.score, hit.duration_s) for hit in hits] == [(2, pytest.approx(1.0), 0.3)]


# Motion to motion


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(make_bundle(tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def waves(bundle, tmp_path_factory):
    """Waving with the right hand, that in a mirror, and standing."""
    path = tmp_path_factory.mktemp("waves") / "w.motionary"
    waving = next(clip.motion for clip in starter_clips() if clip.name == "wave_right")
    clips = [Clip("right", waving), Clip("left", mirror(waving)), Clip("stand", standing(60))]
    with open_library(path, write=True) as made:
        add_clips(clips, made, bundle, source="made")
    with open_library(path) as opened:
        yield opened, waving


def test_a_motion_finds_itself_and_its_mirror_image_which_is_said_to_be_one(waves, bundle):
    library, waving = waves
    first, second, third = similar_to_motion(library, bundle, waving, 5)
    assert (first.name, first.mirrored, first.score) == ("right", False, pytest.approx(1.0, abs=1e-3))
    assert (second.name, second.mirrored, second.score) == ("left", True, pytest.approx(1.0, abs=3e-3))
    assert (third.name, third.mirrored) == ("stand", False)


def test_a_clip_of_the_library_finds_its_mirror_image_where_its_model_is_given(waves, bundle):
    library, _ = waves
    (first, *_) = similar(library, 1, 5, bundle=bundle)
    assert (first.name, first.mirrored, first.score) == ("left", True, pytest.approx(1.0, abs=3e-3))
    assert not any(hit.mirrored for hit in similar(library, 1, 5))
    other = SimpleNamespace(id="another")
    assert similar(library, 1, 5, bundle=other) == similar(library, 1, 5)


def test_a_motion_is_not_looked_for_in_another_models_library(waves):
    library, waving = waves
    other = SimpleNamespace(id="n" * 64, name="other")
    with pytest.raises(MotionaryError, match="--reembed"):
        similar_to_motion(library, other, waving)


def test_a_long_motion_is_told_by_all_of_it(bundle):
    lengths = []

    def embed(parts):
        lengths.extend(len(part) for part in parts)
        return bundle.embed_features(parts)

    spy = SimpleNamespace(max_frames=200, embed_features=embed)
    motion_direction(walk(35.0), spy)
    assert lengths == [200] * 6
    lengths.clear()
    motion_direction(walk(3.0), spy)
    assert len(lengths) == 1
