"""The commands as a user meets them: what is printed where, the exit codes, and never a traceback."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from typer.testing import CliRunner

from motionary import __version__
from motionary.cli import app
from motionary.edits import mirror
from motionary.formats import read_clip, write_bvh
from motionary.index import Windows, window_frames
from tests.bundles import make_bundle
from tests.motions import walk


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def moves(tmp_path_factory):
    """Three clips, with captions; made once, so tests copy what they change."""
    folder = tmp_path_factory.mktemp("moves")
    write_bvh(walk(2.0), folder / "walk_short.bvh")
    write_bvh(walk(3.0), folder / "walk_long.bvh")
    write_bvh(walk(12.0, fps=20), folder / "march.bvh")
    (folder / "captions.csv").write_text(
        "file,caption,tags\nwalk_short.bvh,a person walks,gait;short\nmarch.bvh,[bold]marching[/bold],gait\n"
    )
    return folder


@pytest.fixture(scope="module")
def indexed(moves, bundle, tmp_path_factory):
    path = tmp_path_factory.mktemp("library") / "my moves.motionary"
    done = cli("index", moves, "--library", path, "--model", bundle, "--workers", 1)
    assert done.exit_code == 0, done.output
    return path


@pytest.fixture
def library(indexed, tmp_path):
    return shutil.copy(indexed, tmp_path / "copy.motionary")


def cli(*arguments):
    """Run a command in this process; what would be a traceback is raised."""
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


def process(*arguments, **options):
    """Start a command as its own process."""
    command = [sys.executable, "-m", "motionary", *map(str, arguments)]
    return subprocess.Popen(
        command, **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
    )


def fails(done, *says, code=1):
    """One line on stderr, with ``says`` in it; nothing on stdout."""
    assert done.exit_code == code, done.output
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("motionary: ")
    for text in says:
        assert text in line
    assert "Traceback" not in line


# index


def test_index_says_what_it_did(moves, bundle, tmp_path):
    folder, path = shutil.copytree(moves, tmp_path / "moves"), tmp_path / "a.motionary"
    command = ("index", folder, "--library", path, "--model", bundle, "--workers", 1)
    done = cli(*command)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "indexed 3, skipped 0 unchanged, failed 0\n", "")
    assert cli(*command).stdout == "indexed 0, skipped 3 unchanged, failed 0\n"
    (folder / "walk_long.bvh").unlink()
    assert cli(*command, "--prune").stdout == "indexed 0, skipped 2 unchanged, removed 1, failed 0\n"
    assert cli(*command, "--reread").stdout == "indexed 2, skipped 0 unchanged, failed 0\n"


def test_a_batch_with_bad_files_says_a_line_for_each_and_does_the_rest(moves, bundle, tmp_path):
    folder = shutil.copytree(moves, tmp_path / "moves")
    whole = (folder / "walk_short.bvh").read_text()
    (folder / "cut.bvh").write_text(whole[: len(whole) // 2])
    (folder / "nan.bvh").write_text(whole.rstrip().rpartition(" ")[0] + " nan\n")
    (folder / "diary.bvh").write_text("Dear diary,\nit rains.\n")
    (folder / "lonely.amc").write_text("#!OML\n:FULLY-SPECIFIED\n:DEGREES\n1\nroot 0 0 0 0 0 0\n")
    (tmp_path / "void").mkdir()
    path = tmp_path / "a.motionary"
    done = cli("index", folder, tmp_path / "void", tmp_path / "gone", "--library", path, "--model", bundle)
    assert done.exit_code == 1
    assert done.stdout == "indexed 3, skipped 0 unchanged, failed 6\n"
    lines = done.stderr.splitlines()
    assert len(lines) == 6
    assert all(line.startswith("motionary: ") for line in lines)
    for name in (
        "cut.bvh",
        "nan.bvh",
        "diary.bvh",
        "lonely.amc",
        "void: no motion files",
        "gone: no such file",
    ):
        assert sum(name in line for line in lines) == 1, (name, lines)
    assert cli("info", path, "--json").exit_code == 0


def test_index_json_is_one_document(moves, bundle, tmp_path):
    folder = shutil.copytree(moves, tmp_path / "moves")
    (folder / "bad.bvh").write_text("")
    done = cli("index", folder, "--library", tmp_path / "a.motionary", "--model", bundle, "--json")
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    assert (document["indexed"], document["unchanged"], document["failed"]) == (3, 0, 1)
    assert "bad.bvh" in document["failures"][0]
    assert len(done.stderr.splitlines()) == 1


def test_an_empty_folder_makes_no_library(bundle, tmp_path):
    (tmp_path / "void").mkdir()
    done = cli("index", tmp_path / "void", "--library", tmp_path / "a.motionary", "--model", bundle)
    assert done.exit_code == 1
    assert "void: no motion files (.bvh, .amc, .npy, .blend, .fbx, .glb, .gltf)" in done.stderr
    assert not (tmp_path / "a.motionary").exists()


def test_reembed_changes_the_model(library, moves, tmp_path):
    other = make_bundle(tmp_path / "other", seed=3)
    fails(cli("index", moves, "--library", library, "--model", other), "--reembed", "tiny-0", "tiny-3")
    fails(cli("search", library, "a person walks", "--model", other), f"index --library {library} --reembed")
    done = cli("index", "--library", library, "--model", other, "--reembed", "--workers", 1)
    assert done.stdout == "indexed 0, skipped 0 unchanged, embedded 3 clips again, failed 0\n"
    assert cli("search", library, "a person walks", "--model", other).exit_code == 0
    assert cli("index", "--library", library, "--model", other, "--reembed").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("index", "moves", "--library", "a.motionary", "--model", "nowhere"), "nowhere"),
        (("index", "--reembed", "--library", "nowhere.motionary", "--model", "BUNDLE"), "no such library"),
        (
            ("index", "MOVES", "--library", "nowhere/a.motionary", "--model", "BUNDLE"),
            "folder does not exist",
        ),
        (
            ("index", "MOVES", "--library", "MOVES/walk_long.bvh", "--model", "BUNDLE"),
            "not a Motionary library",
        ),
        (("index", "MOVES", "--library", "MOVES", "--model", "BUNDLE"), "this is a folder"),
        (("search", "nowhere.motionary", "walk", "--model", "BUNDLE"), "no such library"),
        (("search", "MOVES/walk_long.bvh", "walk", "--model", "BUNDLE"), "not a Motionary library"),
        (("search", "LIBRARY", " ", "--model", "BUNDLE"), "query is empty"),
        (("similar", "LIBRARY", "walk"), "may be walk_long (id 2), walk_short (id 3)"),
        (("similar", "LIBRARY", "fly"), "no clip 'fly'"),
        (("info", "nowhere.motionary"), "no such library"),
        (("export", "LIBRARY", "march", "--out", "nowhere/a.bvh"), "nowhere/a.bvh"),
        (("export", "LIBRARY", "march", "--out", "a.bvh", "--start", "40"), "march lasts 12.00 s"),
        (("export", "LIBRARY", "march", "--out", "a.bvh", "--start", "3", "--end", "2"), "--end 2 s"),
        (("starter", "--out", "MOVES/walk_long.bvh"), "walk_long.bvh"),
    ],
)
def test_failures_are_one_line(arguments, says, indexed, moves, bundle, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, path in {"LIBRARY": indexed, "MOVES": moves, "BUNDLE": bundle}.items():
        arguments = tuple(argument.replace(name, str(path)) for argument in arguments)
    fails(cli(*arguments), says)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("index", "--library", "a.motionary"),
        ("index", "moves"),
        ("search", "a.motionary", "walk", "--top", "0"),
        ("search", "a.motionary"),
        ("export", "a.motionary", "walk", "--out", "walk.fbx"),
        ("export", "a.motionary", "walk", "--out", "walk.bvh", "--start", "-1"),
        ("dance",),
    ],
)
def test_wrong_usage_is_2(arguments):
    done = cli(*arguments)
    assert done.exit_code == 2
    assert done.stdout == ""


# search, similar, info, export


def test_search_json_carries_what_scripts_need(indexed, bundle):
    done = cli("search", indexed, "a person walks", "--top", 2, "--json", "--model", bundle)
    assert (done.exit_code, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["query"] == "a person walks"
    first, second = document["results"]
    assert set(first) == {
        *("rank", "clip", "name", "score", "start_s", "end_s", "duration_s", "fps"),
        *("source", "captions", "tags", "mirrored", "confidence"),
    }
    assert (first["rank"], second["rank"]) == (1, 2)
    assert first["score"] >= second["score"]


def test_search_shows_a_table(indexed, bundle):
    done = cli("search", indexed, "a person walks", "--model", bundle)
    assert done.exit_code == 0
    assert "a person walks" in done.stdout
    assert "walk_short (3)" in done.stdout
    assert "[bold]marching[/bold]" in done.stdout  # what a library says is shown, not obeyed


def test_similar_takes_names_ids_and_beginnings(indexed):
    answers = [json.loads(cli("similar", indexed, clip, "--json").stdout) for clip in ("march", "1", "mar")]
    assert answers[0] == answers[1] == answers[2]
    assert {hit["name"] for hit in answers[0]["results"]} == {"walk_short", "walk_long"}


def test_whole_clips_are_told_where_asked(indexed, bundle):
    asked = ("search", indexed, "a person walks", "--json", "--model", bundle)
    moments, clips = (json.loads(cli(*asked, *more).stdout)["results"] for more in ((), ("--whole-clips",)))
    assert [hit["clip"] for hit in moments] == [hit["clip"] for hit in clips]
    assert all((hit["start_s"], hit["end_s"]) == (0.0, hit["duration_s"]) for hit in clips)


def test_similar_takes_a_file(indexed, moves, bundle):
    done = cli("similar", indexed, moves / "walk_short.bvh", "--json", "--model", bundle)
    document = json.loads(done.stdout)
    assert document["name"] == "walk_short"
    assert document["file"] == str(moves / "walk_short.bvh")
    assert document["results"][0]["name"] == "walk_short"
    assert document["results"][0]["score"] == pytest.approx(1.0, abs=1e-3)


def test_duplicates(indexed, moves, bundle, tmp_path):
    both = tmp_path / "both.motionary"
    twin = tmp_path / "again"
    twin.mkdir()
    write_bvh(mirror(read_clip(moves / "walk_long.bvh").motion), twin / "mirrored.bvh")
    cli("index", moves / "walk_long.bvh", twin, "--library", both, "--model", bundle, "--workers", 1)
    document = json.loads(cli("duplicates", both, "--json").stdout)
    (group,) = document["groups"]
    assert (group["keep"]["name"], [one["name"] for one in group["twins"]]) == ("walk_long", ["mirrored"])
    assert set(group["twins"][0]) == {
        *("clip", "name", "source", "duration_s", "fps", "kinds", "sure", "degrees", "start_s")
    }
    shown = cli("duplicates", both).stdout
    assert "1 clip in 1 group could go; nothing was changed" in shown
    assert cli("duplicates", both, "--sure", 0).exit_code == 2
    lone = tmp_path / "lone.motionary"
    cli("index", moves / "walk_long.bvh", "--library", lone, "--model", bundle, "--workers", 1)
    assert cli("duplicates", lone).stdout == "no clip is another's copy\n"
    assert json.loads(cli("duplicates", lone, "--json").stdout)["groups"] == []


def test_info(indexed):
    document = json.loads(cli("info", indexed, "--json", "--clips").stdout)
    assert (document["clips"], document["captions"]) == (3, 2)
    assert document["embeddings"] == 2 + len(window_frames(239, Windows()))
    assert document["tags"] == {"gait": 2, "short": 1}
    assert document["model"]["name"] == "tiny-0"
    assert [clip["name"] for clip in document["clip_list"]] == ["march", "walk_long", "walk_short"]
    assert document["duration_s"] == pytest.approx(17.0, abs=0.05)
    assert "clip_list" not in json.loads(cli("info", indexed, "--json").stdout)
    shown = cli("info", indexed, "--clips").stdout
    for text in ("3 of 3 files", "tiny-0", "gait 2, short 1", "walk_long"):
        assert text in shown


def test_names_cannot_steer_the_terminal(moves, bundle, tmp_path):
    path = tmp_path / "moves" / "red\x1b[31m\u202e.bvh"
    path.parent.mkdir()
    shutil.copy(moves / "walk_short.bvh", path)
    library = tmp_path / "a.motionary"
    done = cli("index", path.parent, "--library", library, "--model", bundle)
    shown = cli("info", library, "--clips").stdout
    assert "red?[31m?" in shown
    path.write_text("")
    done = cli("index", path.parent, "--library", library, "--model", bundle)
    assert not {"\x1b", "\u202e"} & set(shown + done.output)


def test_export_writes_what_was_read(indexed, moves, tmp_path):
    out = tmp_path / "out.bvh"
    done = cli("export", indexed, "walk_s", "--out", out)
    assert done.exit_code == 0
    exported, source = read_clip(out).motion, read_clip(moves / "walk_short.bvh").motion
    assert exported.frames == source.frames
    np.testing.assert_allclose(exported.translation, source.translation, atol=1e-3)
    np.testing.assert_allclose(np.abs(np.sum(exported.rotations * source.rotations, axis=-1)), 1.0, atol=1e-6)


def test_export_of_a_part(indexed, tmp_path):
    out = tmp_path / "out.bvh"
    done = cli("export", indexed, "march", "--out", out, "--start", 1.5, "--end", 4)
    assert "2.50 s at 20 fps" in done.stdout
    assert read_clip(out).motion.frames == 50


def test_starter_clips_can_be_indexed(bundle, tmp_path):
    done = cli("starter", "--out", tmp_path / "starter")
    assert done.exit_code == 0, done.stderr
    files = sorted((tmp_path / "starter").glob("*.bvh"))
    assert f"wrote {len(files)} clips" in done.stdout
    for path in files[3:]:
        path.unlink()
    rows = (tmp_path / "starter" / "captions.csv").read_text().splitlines()
    kept = [row for row in rows[1:] if row.partition(".bvh")[0] in {path.stem for path in files[:3]}]
    (tmp_path / "starter" / "captions.csv").write_text("\n".join([rows[0], *kept]))
    library = tmp_path / "a.motionary"
    done = cli("index", tmp_path / "starter", "--library", library, "--model", bundle)
    assert done.stdout == "indexed 3, skipped 0 unchanged, failed 0\n"
    assert json.loads(cli("info", library, "--json").stdout)["captions"] >= 3


# The process


def test_version_and_help_load_nothing_heavy():
    assert cli("--version").stdout == f"motionary {__version__}\n"
    for arguments in (["--help"], ["index", "-h"]):
        out, error = process(*arguments).communicate()
        assert "Usage: motionary" in out
        assert error == ""
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, motionary.cli; print(*sys.modules)"],
        capture_output=True,
        text=True,
    ).stdout.split()
    assert "typer" in loaded
    assert not {"numpy", "sqlite3", "rich.table"} & set(loaded)


def test_a_reader_that_leaves_is_no_failure(indexed):
    reader, writer = os.pipe()
    os.close(reader)
    started = process("info", indexed, "--clips", "--json", stdout=writer)
    os.close(writer)
    assert started.communicate()[1] == ""
    assert started.returncode == 141


def test_output_in_an_encoding_that_lacks_letters(moves, bundle, tmp_path):
    folder = tmp_path / "moves"
    folder.mkdir()
    shutil.copy(moves / "walk_short.bvh", folder / "gehen_ü_走.bvh")
    library = tmp_path / "a.motionary"
    cli("index", folder, "--library", library, "--model", bundle)
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    out, error = process("info", library, "--clips", "--json", env=environment).communicate()
    assert json.loads(out)["clip_list"][0]["name"] == "gehen_ü_走"
    out, error = process("info", library, "--clips", env=environment).communicate()
    assert r"gehen_\xfc_\u8d70" in out
    assert error == ""


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent in another way there")
def test_ctrl_c_keeps_what_was_finished_and_says_how_to_go_on(moves, bundle, tmp_path):
    folder, library = tmp_path / "moves", tmp_path / "a.motionary"
    folder.mkdir()
    for number in range(300):
        os.link(moves / "march.bvh", folder / f"{number:03}.bvh")
    command = ("index", folder, "--library", library, "--model", bundle, "--workers", 2)
    started = process(*command, start_new_session=True)
    deadline = time.monotonic() + 60
    while count(library) == 0:
        assert time.monotonic() < deadline
        assert started.poll() is None, started.communicate()
        time.sleep(0.02)
    os.killpg(started.pid, signal.SIGINT)  # as a terminal does: to the readers, too
    out, error = started.communicate(timeout=30)
    assert (started.returncode, out) == (130, "")
    assert error == (
        f"motionary: interrupted; what was finished is in {library}: run the same command again to go on\n"
    )
    kept = count(library)
    assert 0 < kept < 300
    for path in sorted(folder.iterdir())[kept + 2 :]:
        path.unlink()
    assert cli(*command).stdout == f"indexed 2, skipped {kept} unchanged, failed 0\n"


def count(library):
    done = cli("info", library, "--json")
    return json.loads(done.stdout)["clips"] if done.exit_code == 0 else 0
