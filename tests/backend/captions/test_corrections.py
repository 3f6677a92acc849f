"""Corrections read back: into the library in one step, into captions.csv, refused a line each."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from motionary.captions.corrections import apply_corrections, read_corrections
from motionary.captions_csv import read_captions
from motionary.cli import app
from motionary.errors import MotionaryError
from motionary.formats import write_bvh
from motionary.library import clip_ids, clip_info, find_clip, open_library, set_starred
from tests.bundles import make_bundle
from tests.motions import walk


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTIONARY_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield make_bundle(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def made(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    (folder / "moves" / "below").mkdir(parents=True)
    for name in ("short", "long", "below/other"):
        write_bvh(walk(13.0 if name == "long" else 1.5, fps=20), folder / "moves" / f"{name}.bvh")
    (folder / "moves" / "captions.csv").write_text(
        "file,caption,tags\nshort.bvh,before,old\nbelow/other.bvh,elsewhere,\n"
    )
    done = cli(
        "index", folder / "moves", "--library", folder / "a.motionary", "--model", model, "--workers", 1
    )
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def library(made, tmp_path):
    return shutil.copy(made / "a.motionary", tmp_path / "a.motionary")


def cli(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def saved(path, *rows, **changes):
    document = {"format": "motionary-corrections", "version": 1, "clips": list(rows), **changes}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def row(made, name, *captions, tags=(), **more):
    return {"file": str(made / "moves" / name), "captions": list(captions), "tags": list(tags), **more}


def words(path):
    with open_library(path) as library:
        infos = [clip_info(library, number) for number in clip_ids(library)]
        return {info.name: (info.captions, info.tags) for info in infos}


def test_a_correction_replaces_all_that_is_said_of_its_clip_and_of_no_other(made, library, tmp_path):
    before = words(library)
    path = saved(
        tmp_path / "c.json", row(made, "short.bvh", "a person strolls", "one walks", tags=["walk", "x"])
    )
    done = cli("caption", library, "--apply", path)
    assert (done.exit_code, done.stdout) == (0, "corrected 1, unchanged 0, failed 0\n")
    assert words(library) == before | {"short": (("a person strolls", "one walks"), ("walk", "x"))}
    again = cli("caption", library, "--apply", path, "--json")
    assert json.loads(again.stdout) == {
        **{"library": str(library), "corrected": 0, "unchanged": 1, "failed": 0, "failures": [], "tables": []}
    }


def test_what_is_wrong_is_taken_away_and_a_star_stays(made, library, tmp_path):
    with open_library(library, write=True) as held:
        set_starred(held, find_clip(held, "short"), True)
    assert (
        cli("caption", library, "--apply", saved(tmp_path / "c.json", row(made, "short.bvh"))).exit_code == 0
    )
    assert words(library)["short"] == ((), ("starred",))


def test_a_long_take_gets_its_captions_and_those_of_its_moments(made, library, tmp_path):
    path = saved(
        tmp_path / "c.json",
        row(made, "long.bvh", "a person walks", tags=["walk"]),
        row(made, "long.bvh", "a person turns", tags=["turn"], start_s=0.0, end_s=6.0),
        row(made, "long.bvh", "a person walks", start_s=6.0, end_s=12.0),
    )
    assert cli("caption", library, "--apply", path).exit_code == 0
    assert words(library)["long"] == (("a person walks", "a person turns"), ("walk", "turn"))


def test_a_csv_in_the_format_of_captions_csv_does_it_too(made, library, tmp_path):
    path = tmp_path / "c.csv"
    file = made / "moves" / "short.bvh"
    path.write_text(f'file,caption,tags,verdict\n{file},"a walk, short",walk;short,right\n', encoding="utf-8")
    assert cli("caption", library, "--apply", path).exit_code == 0
    assert words(library)["short"] == (("a walk, short",), ("walk", "short"))


def test_files_are_named_from_the_folder_of_the_corrections_as_well(made, library):
    path = made / "beside.csv"
    path.write_text("file,caption\nmoves/below/other.bvh,said from here\n")
    with open_library(library, write=True) as held:
        assert apply_corrections(held, path).corrected == 1
    assert words(library)["other"] == (("said from here",), ())


def test_rows_that_fit_nothing_are_a_line_each_and_the_others_are_written(made, library, tmp_path):
    path = saved(
        tmp_path / "c.json",
        row(made, "nowhere.bvh", "x"),
        {"captions": []},
        7,
        row(made, "short.bvh", "y" * 501),
        {**row(made, "short.bvh"), "tags": "walk"},
        row(made, "long.bvh", "bell \x07"),
        row(made, "below/other.bvh", "a person\n walks  on"),
    )
    done = cli("caption", library, "--apply", path)
    assert done.exit_code == 1
    assert done.stdout == "corrected 1, unchanged 0, failed 6\n"
    lines = done.stderr.splitlines()
    assert len(lines) == 6
    assert all(line.startswith(f"motionary: {path}: clip ") for line in lines)
    assert words(library)["other"] == (("a person walks on",), ())
    assert words(library)["short"] == (("before",), ("old",))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("c.json", "{", "not JSON"),
        ("c.json", "[" * 100_000, "not JSON"),
        ("c.json", "[]", "holds no corrections"),
        ("c.json", '{"format": "motionary-corrections", "version": 2, "clips": []}', "version 2"),
        ("c.json", '{"format": "motionary-corrections", "version": 1, "clips": {}}', "no list of clips"),
        ("c.json", b"\xff\xfe\xff", "not UTF-8"),
        ("c.csv", "name,text\n", "no column"),
        ("c.txt", "", "a .json or a .csv"),
        ("c.json", None, "cannot be read"),
    ],
)
def test_what_is_no_file_of_corrections_is_one_line_and_changes_nothing(
    library, tmp_path, name, content, says
):
    path, before = tmp_path / name, words(library)
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = cli("caption", library, "--apply", path)
    assert done.exit_code == 1
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert words(library) == before


def test_a_transaction_that_fails_leaves_the_library_as_it_was(made, library, tmp_path, monkeypatch):
    path = saved(tmp_path / "c.json", row(made, "short.bvh", "one"), row(made, "long.bvh", "two"))
    before = words(library)
    with open_library(library) as held, pytest.raises(MotionaryError):
        apply_corrections(held, path)  # opened to be read
    assert words(library) == before


def test_only_one_library_is_corrected_and_only_then_its_files(made, library, tmp_path):
    path = saved(tmp_path / "c.json")
    for arguments in ((library, library), (made / "moves",)):
        assert cli("caption", *arguments, "--apply", path).exit_code == 2
    assert cli("caption", library, "--to-files").exit_code == 2
    assert cli("caption", library, "--review", tmp_path / "page.txt").exit_code == 2
    missing = cli("caption", tmp_path / "none.motionary", "--apply", path)
    assert missing.exit_code == 1
    assert "no such library" in missing.stderr


def test_the_captions_csv_that_names_a_file_is_corrected_and_else_one_beside_it(
    made, library, model, tmp_path
):
    moves = shutil.copytree(made / "moves", tmp_path / "moves")
    (moves / "below" / "captions.csv").write_text("file,caption,tags\nother.bvh,nearer,\n")
    path = tmp_path / "b.motionary"
    assert cli("index", moves, "--library", path, "--model", model, "--workers", 1).exit_code == 0
    rows = [
        {"file": str(moves / name), "captions": [text]}
        for name, text in (("short.bvh", "S"), ("long.bvh", "L"))
    ]
    rows.append({"file": str(moves / "below" / "other.bvh"), "captions": ["O"], "tags": ["t"]})
    done = cli("caption", path, "--apply", saved(tmp_path / "c.json", *rows), "--to-files")
    assert done.exit_code == 0, done.output
    above = read_captions(moves / "captions.csv")
    assert {name: said.captions for name, said in above.items()} == {"short.bvh": ("S",), "long.bvh": ("L",)}
    assert read_captions(moves / "below" / "captions.csv")["other.bvh"].captions == ("O",)
    corrected = words(path)
    assert cli("index", moves, "--library", path, "--model", model, "--reread", "--workers", 1).exit_code == 0
    assert words(path) == corrected


def test_the_page_of_a_library_has_a_card_for_each_clip_and_each_moment(library, model, tmp_path):
    page = tmp_path / "page.html"
    done = cli("caption", library, "--review", page, "--model", model, "--out", tmp_path / "c.csv")
    assert done.exit_code == 0, done.output
    text = page.read_text("utf-8")
    document = json.loads(text.partition('id="data">')[2].partition("</script>")[0])
    names = [(clip["name"], "start_s" in clip) for clip in document["clips"]]
    assert [name for name, moment in names if not moment] == list(words(library))
    assert ("long", True) in names
    assert ("short", True) not in names
    (short,) = (clip for clip in document["clips"] if clip["name"] == "short")
    assert short["known"] == ["before"]
    # Once more, with every row of the table there already: the page is whole all the same.
    assert (
        cli("caption", library, "--review", page, "--model", model, "--out", tmp_path / "c.csv").exit_code
        == 0
    )
    assert page.read_text("utf-8") == text


def test_corrections_from_the_page_of_a_library_fit_its_clips(library, model, tmp_path):
    page = tmp_path / "page.html"
    assert cli("caption", library, "--review", page, "--model", model).exit_code == 0
    text = page.read_text("utf-8")
    clips = json.loads(text.partition('id="data">')[2].partition("</script>")[0])["clips"]
    rows = [{"file": clip["file"], "captions": ["seen"], "tags": []} for clip in clips]
    assert cli("caption", library, "--apply", saved(tmp_path / "c.json", *rows)).exit_code == 0
    assert set(words(library).values()) == {(("seen",), ())}


def test_several_rows_of_a_csv_are_one_correction(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("file,caption,tags\na.bvh,one,x\na.bvh,two,y\n")
    (found,), failures = read_corrections(path)
    assert (found.captions, found.tags, failures) == (("one", "two"), ("x", "y"), [])
