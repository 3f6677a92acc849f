"""Captions of many clips: every format, resumed, refused, never half-written; by the command."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from motionary.bundle import load_bundle
from motionary.captions import batch
from motionary.captions.bank import open_bank
from motionary.captions.batch import caption_everything, clip_file, open_table, sidecar_path
from motionary.captions_csv import read_captions
from motionary.cli import app
from motionary.errors import MotionaryError
from motionary.formats import write_bvh
from motionary.library import ClipInfo, clip_ids, clip_info, open_library
from tests.bundles import make_bundle
from tests.motions import walk


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module", autouse=True)
def cache(model, tmp_path_factory):
    """The bank is embedded once for this module, and nothing is kept in the user's own cache."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTIONARY_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    write_bvh(walk(2.0), folder / "short.bvh")
    write_bvh(walk(13.0, fps=20), folder / "long.bvh")
    (folder / "below").mkdir()
    write_bvh(walk(2.5), folder / "below" / "other.bvh")
    return folder


@pytest.fixture
def moves(made, tmp_path):
    return shutil.copytree(made, tmp_path / "moves")


@pytest.fixture
def library(moves, model, tmp_path):
    path = tmp_path / "a.motionary"
    assert cli("index", moves, "--library", path, "--model", model, "--workers", 1).exit_code == 0
    return path


def cli(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def caption(*arguments, model):
    return cli("caption", *arguments, "--model", model)


def fails(done, *says):
    assert done.exit_code == 1, done.output
    assert len(done.stderr.splitlines()) == 1
    for text in says:
        assert text in done.stderr


# What is written


def test_a_folder_gets_a_captions_csv_that_index_reads_back(moves, model, tmp_path):
    done = caption(moves, "--out", moves / "captions.csv", model=model)
    assert (done.exit_code, done.stdout) == (0, "captioned 3, failed 0\n"), done.output
    said = read_captions(moves / "captions.csv")
    assert set(said) == {"below/other.bvh", "long.bvh", "short.bvh"}
    assert all(len(what.captions) == 1 and what.tags for what in said.values())
    library = tmp_path / "b.motionary"
    assert cli("index", moves, "--library", library, "--model", model, "--workers", 1).exit_code == 0
    with open_library(library) as held:
        clips = [clip_info(held, number) for number in clip_ids(held)]
    assert all(clip.captions == said[clip_file(clip, moves)].captions for clip in clips)
    assert {path.name for path in moves.iterdir()} == {"captions.csv", "below", "long.bvh", "short.bvh"}


def test_json_lines_hold_all_that_was_found(library, model, tmp_path):
    out = tmp_path / "captions.jsonl"
    assert caption(library, "--out", out, "--top", 3, model=model).exit_code == 0
    rows = {row["name"]: row for row in map(json.loads, out.read_text().splitlines())}
    assert set(rows) == {"short", "long", "other"}
    long = rows["long"]
    assert long["file"] == "moves/long.bvh"
    assert len(long["captions"]) == 3
    assert set(long["captions"][0]) == {"text", "score", "confidence", "action", "tags"}
    assert (long["facts"]["direction"], long["facts"]["gait"]) == ("forward", "walk")
    assert long["moments"][0]["start_s"] == 0.0
    assert long["moments"][-1]["end_s"] == pytest.approx(13.0, abs=0.06)
    assert not rows["short"]["moments"]


def test_sidecars_lie_beside_their_files(moves, model):
    assert caption(moves, "--sidecar", model=model).stdout == "captioned 3, failed 0\n"
    lines = (moves / "below" / "other.captions.txt").read_text().splitlines()
    assert lines[0].startswith("a person ")
    assert lines[1].startswith("# tags: ")
    assert lines[2].startswith("# name: ")
    again = caption(moves, "--sidecar", model=model)
    assert again.stdout == "captioned 0, skipped 3 done before, failed 0\n"


def test_a_sidecar_is_named_after_file_and_clip(tmp_path):
    def info(source, name):
        return ClipInfo(1, name, str(tmp_path / source), 0, 9, 30.0, (), ())

    assert sidecar_path(info("walk.bvh", "walk")) == tmp_path / "walk.captions.txt"
    assert sidecar_path(info("rig.blend", "Wave/Left..")) == tmp_path / "rig.Wave_Left...captions.txt"


def test_without_a_file_captions_are_shown(library, moves, model):
    table = caption(library, model=model)
    assert table.exit_code == 0
    assert "short" in table.stdout
    assert "captioned 3, failed 0" in table.stdout
    document = json.loads(caption(moves / "short.bvh", library, "--json", model=model).stdout)
    assert (document["captioned"], document["failed"]) == (4, 0)
    assert {"name", "source", "captions", "facts", "moments", "tags"} <= set(document["clips"][0])


def test_own_sentences_are_used(library, model, tmp_path):
    bank = tmp_path / "mine.txt"
    bank.write_text("\n".join(f"my very own sentence number {'i' * n}" for n in range(1, 400)))
    document = json.loads(caption(library, "--bank", bank, "--top", 200, "--json", model=model).stdout)
    texts = {one["text"] for clip in document["clips"] for one in clip["captions"]}
    assert any(text.startswith("my very own") for text in texts)


# Again


def test_what_is_done_is_not_done_again_and_corrections_stay(moves, library, model, tmp_path):
    out = tmp_path / "captions.csv"
    out.write_text('file,caption,tags,note\nmoves/short.bvh,"a correction, by hand",gait,checked\n')
    done = caption(library, "--out", out, model=model)
    assert done.stdout == "captioned 2, skipped 1 done before, failed 0\n"
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["caption"] == "a correction, by hand"
    assert rows[0]["note"] == "checked"
    assert {row["file"] for row in rows[1:]} == {"moves/below/other.bvh", "moves/long.bvh"}
    before = out.read_bytes()
    assert (
        caption(library, "--out", out, model=model).stdout == "captioned 0, skipped 3 done before, failed 0\n"
    )
    assert out.read_bytes() == before
    assert caption(library, "--out", out, "--again", model=model).stdout == "captioned 3, failed 0\n"
    assert "by hand" not in out.read_text()


def test_files_with_rows_are_not_even_read(moves, model):
    out = moves / "captions.csv"
    caption(moves, "--out", out, model=model)
    (moves / "short.bvh").write_text("no motion any more")
    write_bvh(walk(2.2), moves / "new.bvh")
    done = caption(moves, "--out", out, model=model)
    assert done.stdout == "captioned 1, skipped 3 done before, failed 0\n"
    assert len(read_captions(out)) == 4


def test_stopped_half_way_the_next_call_goes_on(moves, model, monkeypatch):
    bundle, out = load_bundle(model), moves / "captions.jsonl"
    bank = open_bank(bundle)
    monkeypatch.setattr(batch, "SAVE_S", 0.0)

    def stop(step):
        if len(out.read_text().splitlines() if out.exists() else ()) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        caption_everything([moves], bundle, bank, 1, out=out, progress=stop)
    kept = out.read_text()
    assert len(kept.splitlines()) == 2
    assert len(list(moves.glob(".captions.jsonl.*.motionary"))) == 1
    report = caption_everything([moves], bundle, bank, 1, out=out)
    assert (report.captioned, report.skipped, report.failures) == (1, 2, ())
    assert out.read_text().startswith(kept)
    assert not list(moves.glob(".*"))


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent in another way there")
def test_ctrl_c_keeps_what_was_finished(model, library, tmp_path):
    out = tmp_path / "captions.jsonl"
    code = (
        "import sys; from motionary.captions import batch; batch.SAVE_S = 0.0; batch_add = batch.Table.add\n"
        "def add(table, row):\n    batch_add(table, row)\n    import time; time.sleep(0.5)\n"
        "batch.Table.add = add; from motionary.cli import main; main()"
    )
    started = subprocess.Popen(
        [sys.executable, "-c", code, "caption", library, "--out", out, "--model", model],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not out.exists():
        assert started.poll() is None, started.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(started.pid, signal.SIGINT)
    output, error = started.communicate(timeout=30)
    assert (started.returncode, output) == (130, "")
    assert (
        error
        == f"motionary: interrupted; what was finished is in {out}: run the same command again to go on\n"
    )
    assert 1 <= len(out.read_text().splitlines()) < 3


# Refused


def test_a_broken_file_is_one_line_and_the_rest_is_done(moves, model):
    (moves / "bad.bvh").write_text("no motion")
    done = caption(moves, "--out", moves / "captions.csv", model=model)
    fails(done, "bad.bvh")
    assert done.stdout == "captioned 3, failed 1\n"
    assert len(read_captions(moves / "captions.csv")) == 3


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("c.csv", "a,b\n1,2\n", "line 1: no column caption nor file"),
        ("c.csv", "file,caption\nx.bvh,a,b,c\n", "line 2"),
        ("c.jsonl", '{"file": "x.bvh"}\n{"file"\n', "line 2: is no row of captions"),
        ("c.jsonl", "[1]\n", "line 1: is no row of captions"),
    ],
)
def test_a_table_that_is_none_is_left_alone(name, content, says, library, model, tmp_path):
    out = tmp_path / name
    out.write_text(content)
    fails(caption(library, "--out", out, model=model), name, says)
    assert out.read_text() == content


def test_failures_leave_nothing_behind(moves, library, model, tmp_path):
    before = sorted(path.name for path in tmp_path.iterdir())
    fails(caption(tmp_path / "nowhere.motionary", model=model), "no such library")
    fails(caption(tmp_path / "nowhere", model=model), "no such file or folder")
    fails(caption(library, "--bank", tmp_path / "nowhere.txt", model=model), "nowhere.txt: cannot be read")
    fails(caption(moves, "--out", tmp_path / "nowhere" / "c.csv", model=model), "cannot be written")
    other = make_bundle(tmp_path / "other", seed=4)
    fails(caption(library, model=other), "--reembed")
    shutil.rmtree(other)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_wrong_usage_is_2(library, model, tmp_path):
    for arguments in ((), (library, "--top", 0), (library, "--out", tmp_path / "captions.txt")):
        done = caption(*arguments, model=model)
        assert done.exit_code == 2
        assert done.stdout == ""


def test_a_table_needs_a_name_that_says_what_it_is(tmp_path):
    with pytest.raises(MotionaryError, match=r"\.csv or a \.jsonl"), open_table(tmp_path / "captions.txt"):
        pass


def test_a_clip_whose_name_no_table_can_hold_is_told(library, model):
    with open_library(library, write=True) as held:
        held.connection.execute("UPDATE sources SET path = path || char(27) WHERE id = 1")
    done = caption(library, model=model)
    fails(done, "rename it")
    assert "captioned 2, failed 1" in done.stdout
