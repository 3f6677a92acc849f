"""Small libraries, and a server of them within the test's own process."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from starlette.testclient import TestClient

from motionary.bundle import load_bundle
from motionary.confidence import background, no_motion, told_how_sure
from motionary.filters import Filter, rows_that_pass
from motionary.index import add_clips
from motionary.keywords import understood
from motionary.library import open_library
from motionary.motion import Clip
from motionary.search import search
from motionary_scale.access import TokenFile
from motionary_scale.guard import Rules
from motionary_scale.limits import Limits
from motionary_scale.reading import caching
from motionary_scale.server import Served, server_app
from motionary_scale.shelf import Shelf
from tests.motions import standing, walk

THREADS = 2


def clips_of_a_walk():
    return [
        Clip("walk", walk(2.0), "/secret/folder/walk.bvh", ("a person walks",), ("gait",)),
        Clip("march", walk(14.0), r"C:\secret\folder\march.bvh"),
        Clip("stand", standing(60), "/secret/other/stand.bvh"),
    ]


def make_library(path, model, clips=None):
    bundle = load_bundle(model)
    with open_library(path, write=True) as made:
        for clip in clips if clips is not None else clips_of_a_walk():
            add_clips([clip], made, bundle, source=clip.source)
    return path


def own_answer(path, bundle, query, top=10, wanted=None):
    """What the core finds, as (clip, name, score, start, end, confidence)."""
    with open_library(path) as library:
        hits = search(
            library,
            bundle,
            understood(library, query, bundle.known_words),
            top,
            among=rows_that_pass(library, wanted or Filter()),
        )
        hits = told_how_sure(
            hits, background(library.embeddings.vectors, no_motion(bundle)), bundle.familiarity(query)
        )
    return [(h.clip, h.name, h.score, h.start_s, h.end_s, h.confidence) for h in hits]


def told(hits):
    """The same of a server's hits."""
    return [
        tuple(h[key] for key in ("clip", "name", "score", "start_s", "end_s", "confidence")) for h in hits
    ]


@contextmanager
def a_shelf(libraries, model):
    bundle = load_bundle(model)
    shelf = Shelf(libraries, readers=THREADS, model=bundle.id, sentences=no_motion(bundle))
    try:
        yield shelf
    finally:
        shelf.close()


@contextmanager
def serving(libraries, model, *, tokens=None, hosts=None, **limits):
    """A client of a server of these files. tokens: a file of them."""
    with a_shelf(libraries, model) as shelf, ThreadPoolExecutor(THREADS) as threads:
        holder = TokenFile(tokens).holder if tokens else None
        rules = Rules(Limits(**{"per_second": 0.0, **limits}), holder, hosts)
        app = server_app(Served(shelf, caching(load_bundle(model)), threads), rules)
        with TestClient(app, base_url="http://localhost") as client:
            yield client


def showing(token):
    return {"Authorization": f"Bearer {token}"}
