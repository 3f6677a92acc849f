"""The demo's three sentences: none is a caption of the starter library, each finds what it asks for."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from motionary.bundle import load_bundle
from motionary.errors import MotionaryError
from motionary.library import open_library
from motionary.search import search
from motionary.starter import starter_clips

ROOT = Path(__file__).parent.parent.parent
EXPECTED = {"sneak", "kneel", "kick"}


@pytest.fixture(scope="module")
def demo():
    spec = importlib.util.spec_from_file_location("demo", ROOT / "scripts" / "demo.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_sentence_is_a_caption(demo):
    captions = {caption for clip in starter_clips() for caption in clip.captions}
    assert not captions & set(demo.QUERIES)


def test_the_built_in_model_finds_what_each_sentence_asks_for(demo, tmp_path):
    bundle = load_bundle()
    try:
        bundle.embed_texts(["a person walks"])
    except MotionaryError as error:
        pytest.skip(f"the sentence encoder is not installed: {error}")
    motionary = [sys.executable, "-m", "motionary"]
    subprocess.run([*motionary, "starter", "--out", tmp_path / "starter"], check=True)
    library_path = tmp_path / "starter.motionary"
    subprocess.run([*motionary, "index", tmp_path / "starter", "--library", library_path], check=True)
    with open_library(library_path) as library:
        found = {query: search(library, bundle, query, 1)[0] for query in demo.QUERIES}
    assert [set(hit.tags) & EXPECTED for hit in found.values()] == [{"sneak"}, {"kneel"}, {"kick"}]
