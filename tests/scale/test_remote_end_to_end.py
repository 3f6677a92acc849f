"""The core's client and the real server, a process of its own, on loopback: what is got is the core's own."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("uvicorn", reason="needs the scale extra")

from motionary.bundle import load_bundle
from motionary.confidence import background, no_motion, told_how_sure
from motionary.errors import MotionaryError
from motionary.filters import Filter, rows_that_pass
from motionary.index import add_clips
from motionary.keywords import understood
from motionary.library import clip_ids, clip_info, clip_motion, open_library
from motionary.motion import Clip
from motionary.remote import Access, Client, Unreachable, served_at
from motionary.remote_library import (
    clip_facts,
    fetch_motion,
    library_facts,
    search_served,
    served_libraries,
    similar_served,
)
from motionary.search import search, similar
from motionary_scale.serve import add_token
from tests.bundles import make_bundle
from tests.motions import standing, walk

SERVE = """
import sys
from pathlib import Path
from motionary_scale.serve import serve
libraries, tokens, model = map(Path, sys.argv[1:])
serve([libraries], port=0, tokens=tokens, model=model)
"""
QUERIES = ("a person walks", "walks, then sits -left", "the person jumps^2 + waves")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A library and its model."""
    folder = tmp_path_factory.mktemp("studio")
    model, path = make_bundle(folder / "model"), folder / "two words.motionary"
    clips = [
        Clip("walk", walk(2.0), "/secret/walk.bvh", ("a person walks",), ("gait",)),
        Clip("march", walk(14.0), "/secret/march.bvh"),
        Clip("stand", standing(60), "/secret/stand.bvh"),
    ]
    with open_library(path, write=True) as library:
        for clip in clips:
            add_clips([clip], library, load_bundle(model), source=clip.source)
    return path, model


@pytest.fixture(scope="module")
def server(made, tmp_path_factory):
    """The address of the library on a server, and the token for it."""
    path, model = made
    tokens = tmp_path_factory.mktemp("tokens") / "tokens.toml"
    token = add_token(tokens, "animator", ())
    command = [sys.executable, "-c", SERVE, str(path), str(tokens), str(model)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        try:
            said = running.stdout.readline()  # "" where it failed
            assert said.startswith("serving"), said
            address = said.partition(" at ")[2].partition(";")[0]
            yield address, token
        finally:
            running.terminate()
            running.wait(60)


@pytest.fixture
def client(server):
    address, token = server
    (facts,) = served_libraries(Client(served_at(address, Access(token))))
    asking = Client(served_at(f"{address}/v1/libraries/{facts.name.replace(' ', '%20')}", Access(token)))
    yield asking
    asking.close()


def told(hits):
    """Hits as a server tells them: of a source the file's name alone."""
    return [replace(hit, source=Path(hit.source).name) for hit in hits]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize(
    "wanted", [Filter(), Filter(min_s=3.0), Filter(tags=("gait",)), Filter(source="stand")]
)
@pytest.mark.parametrize("whole", [False, True])
def test_a_search_is_the_cores_own(client, made, query, wanted, whole):
    path, model = made
    bundle = load_bundle(model)
    with open_library(path) as library:
        taken = understood(library, query, bundle.known_words)
        among = rows_that_pass(library, wanted)
        own = search(library, bundle, taken, 10, among=among, whole_clips=whole)
        own = told_how_sure(
            own, background(library.embeddings.vectors, no_motion(bundle)), bundle.familiarity(query)
        )
    found = search_served(client, query, 10, wanted=wanted, whole_clips=whole)
    assert told(found.hits) == told(own)
    assert found.understood == taken
    assert found.total == len(own)


def test_what_moves_alike_is_the_cores_own(client, made):
    path, model = made
    with open_library(path) as library:
        for clip in clip_ids(library):
            own = similar(library, clip, 10, bundle=load_bundle(model))
            assert told(similar_served(client, clip, 10).hits) == told(own)


def test_clips_and_their_motions_are_the_librarys(client, made):
    with open_library(made[0]) as library:
        for number in clip_ids(library):
            info, motion = clip_info(library, number), clip_motion(library, number)
            facts = clip_facts(client, number)
            assert (facts.name, facts.frames, facts.fps) == (info.name, info.frames, info.fps)
            assert (facts.captions, facts.tags) == (info.captions, info.tags)
            assert facts.source == Path(info.source).name
            served = fetch_motion(client, number)
            assert served.skeleton.names == motion.skeleton.names
            assert np.abs(served.rotations - motion.rotations).max() < 2e-4
            part = fetch_motion(client, number, 0.5, 1.25)
            first, end = round(0.5 * motion.fps), round(1.25 * motion.fps)
            assert np.abs(part.translation - motion.translation[first:end]).max() < 2e-4


def test_what_is_refused_is_one_sentence(client, server):
    address, token = server
    for ask, says in (
        (lambda: clip_facts(client, 999), "is not there, or not for this token"),
        (lambda: search_served(client, "-"), r"refused \(400\)"),
        (lambda: search_served(client, "x" * 2000), r"refused \(422\)"),
        (lambda: fetch_motion(client, 1, 90.0, 91.0), r"refused \(400\): clip 1 lasts"),
        (
            lambda: library_facts(Client(served_at(address + "/v1/libraries/x", Access(token)))),
            "is not there",
        ),
        (lambda: library_facts(Client(served_at(address + "/v1/libraries/x"))), "asks for a token"),
        (lambda: served_libraries(Client(served_at(address, Access("other")))), "does not accept the token"),
    ):
        with pytest.raises(MotionaryError, match=says) as error:
            ask()
        assert not isinstance(error.value, Unreachable)
        assert str(error.value).isprintable()
        assert token not in str(error.value)
