"""What data set a folder is taken for, and the commands that look at one."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from motionary.errors import MotionaryError
from motionary_training.cli import app
from motionary_training.config import DataConfig
from motionary_training.sources import recognised
from tests.training.synthetic import write_cmu, write_official, write_text_encoder

TOLD = DataConfig(humanml3d="elsewhere", cache="here", starter_variants=2, action_captions=True)


def named(data):
    return {key: value for key in ("humanml3d", "kit", "cmu", "studio") if (value := getattr(data, key))}


def test_each_layout_is_recognised_and_takes_the_place_of_the_configs(tmp_path):
    human = write_official(tmp_path / "human")
    kit = write_official(tmp_path / "kit", width=251)
    cmu = write_cmu(tmp_path / "cmu")
    studio = tmp_path / "studio"
    studio.mkdir()
    (studio / "captions.csv").write_text("file,caption\n")
    for key, folder in {"humanml3d": human, "kit": kit, "cmu": cmu, "studio": studio}.items():
        data = recognised(folder, TOLD)
        assert named(data) == {key: str(folder)}
        assert (data.cache, data.action_captions) == ("here", True)
        assert data.starter_variants == (0 if key == "kit" else 2)


def test_archives_are_recognised_unpacked_or_not(tmp_path):
    (tmp_path / "cmu_mocap.zip").write_bytes(b"")
    assert named(recognised(tmp_path, TOLD)) == {"cmu": str(tmp_path)}


def test_a_folder_whose_first_file_is_broken_goes_by_the_next(tmp_path):
    kit = write_official(tmp_path / "kit", width=251)
    (kit / "new_joint_vecs" / "000000.npy").write_bytes(b"broken")
    assert named(recognised(kit, TOLD)) == {"kit": str(kit)}
    for file in (kit / "new_joint_vecs").glob("*.npy"):
        file.unlink()
    assert named(recognised(kit, TOLD)) == {"humanml3d": str(kit)}


def test_a_folder_of_anything_else(tmp_path):
    with pytest.raises(MotionaryError, match="holds no data set that is known; name a folder with"):
        recognised(tmp_path, TOLD)


@pytest.fixture
def config(tmp_path):
    """A config file that names no data set, and a text encoder of three tokens' width."""
    text = write_text_encoder(tmp_path / "text")
    lines = [
        'name = "x"',
        "[data]",
        f"cache = {json.dumps(str(tmp_path / 'cache'))}",
        "[text]",
        f"encoder = {json.dumps(text.encoder)}",
        'package = ""',
    ]
    path = tmp_path / "x.toml"
    path.write_text("\n".join(lines))
    return path


def run(*arguments):
    return CliRunner().invoke(app, ["data", *map(str, arguments)])


def test_check_tells_what_there_is_and_what_is_left_out(config, tmp_path):
    folder = write_official(tmp_path / "data")
    rows = np.load(folder / "new_joint_vecs" / "000002.npy")
    np.save(folder / "new_joint_vecs" / "000002.npy", rows[:5])
    result = run("check", config, "--data", folder)
    assert result.exit_code == 0
    rows = [line for line in result.output.splitlines() if "│" in line]
    cells = [[cell.strip() for cell in line.strip("│").split("│")] for line in rows]
    # split, clips, captions, of every row; the words between may be broken.
    counted = [(cell[0], cell[2], cell[3]) for cell in cells if cell[0]]
    assert counted == [
        ("train", "1", "2"),
        ("train", "1", "1"),
        ("train", "2", "2"),
        ("val", "1", "1"),
        ("val", "1", "1"),
        ("test", "1", "1"),
    ]
    assert "left out: " in result.output
    assert "000002.npy: has 5 frames; 10 are the least" in result.output


def test_check_fails_where_files_are_missing(config, tmp_path):
    folder = write_official(tmp_path / "data")
    (folder / "texts" / "000001.txt").unlink()
    result = run("check", config, "--data", folder)
    assert result.exit_code == 1
    assert isinstance(result.exception, MotionaryError)  # which main() says in one line
    assert "000001.txt" in str(result.exception)


def test_check_names_every_missing_file_however_many(config, tmp_path):
    folder = write_official(tmp_path / "data")
    names = [f"1{number:05d}" for number in range(25)]
    (folder / "train.txt").write_text("\n".join(names))
    result = run("check", config, "--data", folder)
    assert result.exit_code == 1
    assert "files missing, 50: " in str(result.exception)
    told = result.output + str(result.exception)
    assert all(f"{name}.{kind}" in told for name in names for kind in ("npy", "txt"))


def test_a_setting_takes_the_place_of_the_config_s(config, tmp_path):
    folder = write_official(tmp_path / "data")
    with_mirrored = run("check", config, "--data", folder).output
    without = run("check", config, "--data", folder, "--set", "data.mirrored=false").output
    assert without.count("mirrored") < with_mirrored.count("mirrored")
    broken = ("--set", f"text.encoder={tmp_path}")
    told = str(run("prepare", config, "--data", folder, *broken).exception)
    assert told.startswith(f"text encoder {tmp_path} cannot be loaded")
    assert "--set text.encoder=all-MiniLM-L6-v2" in told


def test_prepare_fills_the_cache_so_that_nothing_is_left_to_compute(config, tmp_path):
    folder = write_cmu(tmp_path / "data")
    result = run("prepare", config, "--data", folder)
    assert result.exit_code == 0
    assert "train: 5 clips" in result.output
    assert "val: 1 clips, 1 captions" in result.output
    cache = tmp_path / "cache"
    before = {file: file.stat().st_mtime_ns for file in cache.rglob("*") if file.is_file()}
    assert {file.parent.name for file in before} == {"features", "sentences"}
    assert run("prepare", config, "--data", folder).exit_code == 0
    assert {file: file.stat().st_mtime_ns for file in cache.rglob("*") if file.is_file()} == before
