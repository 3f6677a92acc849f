"""The command line with the address of a served library in place of a file: the same answers."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from motionary.bundle import load_bundle
from motionary.cli import app
from motionary.errors import MotionaryError
from motionary.formats import read_clip
from motionary.index import add_clips
from motionary.library import open_library
from motionary.motion import Clip
from motionary.remote import Access, served_at
from motionary.remote_commands import best_clip, one_clip
from tests.bundles import make_bundle
from tests.motions import standing, walk
from tests.stand_in import serving


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def library(tmp_path_factory, model):
    path = tmp_path_factory.mktemp("library") / "two.motionary"
    clips = [Clip("stroll", walk(2.0), captions=("a person walks",)), Clip("stand", standing(60))]
    with open_library(path, write=True) as made:
        add_clips(clips, made, load_bundle(model), source="test")
    return path


@pytest.fixture(scope="module")
def server(library, model):
    with serving({"two": library}, model, token="word") as stand_in:
        yield stand_in


@pytest.fixture
def run(monkeypatch):
    """Run a command; exit code, stdout and stderr."""
    monkeypatch.setenv("MOTIONARY_TOKEN", "word")

    def run(*arguments):
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        return result.exit_code, result.stdout, result.stderr

    return run


def told(run, *arguments):
    """The JSON of a command, without what names the library."""
    code, out, err = run(*arguments, "--json")
    assert code == 0, err
    return {key: value for key, value in json.loads(out).items() if key != "library"}


@pytest.mark.parametrize(
    "question",
    [
        ("a person walks",),
        ("a person walks", "--top", "1", "--whole-clips"),
        ("a person walks", "--min-seconds", "1.9", "--max-seconds", "1.99"),
        ("a person walks", "--tag", "none"),
    ],
)
def test_search_prints_what_it_prints_of_the_file(run, server, library, model, question):
    served = told(run, "search", server.url("two"), *question)
    assert served == told(run, "search", library, *question, "--model", model)


def test_similar_prints_what_it_prints_of_the_file(run, server, library, model):
    assert told(run, "similar", server.url("two"), "1") == told(
        run, "similar", library, "1", "--model", model
    )


def test_a_table_is_shown(run, server):
    code, out, _ = run("search", server.url("two"), "a person walks")
    assert code == 0
    assert "stroll (1)" in out


def test_info_tells_what_the_server_tells(run, server, library):
    served, own = told(run, "info", server.url("two")), told(run, "info", library)
    assert {key: served[key] for key in ("clips", "duration_s", "embeddings")} == {
        key: own[key] for key in ("clips", "duration_s", "embeddings")
    }
    assert "2, 0.1 minutes" in run("info", server.url("two"))[1]


@pytest.mark.parametrize("span", [(), ("--start", "0.5", "--end", "1.25"), ("--start", "0.5")])
def test_export_writes_what_it_writes_of_the_file(run, server, library, tmp_path, span):
    paths = [tmp_path / "served.bvh", tmp_path / "own.bvh"]
    for place, path in zip((server.url("two"), library), paths, strict=True):
        code, _, err = run("export", place, "1", "--out", path, *span)
        assert code == 0, err
    served, own = (read_clip(path).motion for path in paths)
    assert served.frames == own.frames
    assert np.abs(served.translation - own.translation).max() < 1e-3


@pytest.mark.parametrize(
    ("arguments", "says", "code"),
    [
        (("similar", "two", "stroll"), "'stroll' is no id; give the number", 1),
        (("export", "two", "7", "--out", "x.bvh"), "7", 1),
        (("export", "two", "1", "--out", "x.bvh", "--start", "9"), "has no frame from --start 9 s", 1),
        (("search", "other", "walks"), "is not there, or not for this token", 1),
        (("search", "two", "walks", "--not", "waves"), "--not", 2),
        (("info", "two", "--clips"), "--clips", 2),
    ],
)
def test_failures_are_one_line(run, server, arguments, says, code):
    name, library, *rest = arguments
    ended, out, err = run(name, server.url(library), *rest)
    assert (ended, out) == (code, "")
    assert says in " ".join(err.split())
    assert code == 2 or err.count("\n") == 1
    assert not Path("x.bvh").exists()


def test_an_address_without_a_library_says_how_it_reads(run, server):
    code, _, err = run("search", server.address, "walks")
    assert code == 1
    assert f"{server.address}/v1/libraries/NAME" in err


def test_without_the_token_it_is_asked_for(run, server, monkeypatch):
    monkeypatch.delenv("MOTIONARY_TOKEN")
    code, _, err = run("search", server.url("two"), "walks")
    assert code == 1
    assert "asks for a token" in err


def test_a_clip_to_apply_is_the_best_match_or_one_that_is_named(server):
    library = served_at(server.url("two"), Access("word"))
    clip, hits = best_clip(library, "a person walks", 1, 2, whole=True)
    assert (clip.name, len(hits)) == (hits[0].name, 2)
    assert clip.motion.duration == pytest.approx(hits[0].duration_s)
    with pytest.raises(MotionaryError, match="there are 2 matches, none of rank 3"):
        best_clip(library, "a person walks", 3, 1, whole=True)
    assert one_clip(library, "1").captions == ("a person walks",)
