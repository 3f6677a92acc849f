"""From a run to a bundle that the core reads, and the commands on the way."""

import json
import sys

import numpy as np
import pytest

from motionary.bundle import load_bundle
from motionary.errors import MotionaryError
from motionary_training import cli
from motionary_training.card import model_card
from motionary_training.data import load_pairs
from motionary_training.evaluate import embed_motions
from motionary_training.export import bundle_config, export_bundle, write_bundle
from motionary_training.report import source_scores
from motionary_training.train import load_run
from tests.training.synthetic import write_cmu, write_text_encoder


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a config, the data it asks for, a text encoder and two finished runs."""
    folder = tmp_path_factory.mktemp("export")
    write_cmu(folder / "data")
    text = write_text_encoder(folder / "text")
    (folder / "small.toml").write_text(
        f"""
name = "small"
joint_dim = 8
device = "cpu"
select = "last"
threads = 1
[data]
cmu = "{(folder / "data").as_posix()}"
cache = "{(folder / "cache").as_posix()}"
[text]
encoder = "{text.encoder}"
package = ""
max_tokens = 16
[motion]
width = 8
layers = 1
heads = 2
feedforward = 8
max_frames = 30
[optimiser]
epochs = 2
batch = 4
"""
    )
    for seed in ("1", "2"):
        assert run("train", folder / "small.toml", "--out", folder / f"run-{seed}", "--seed", seed) == 0
    return folder


def run(*arguments):
    """The exit status of ``motionary-train ARGUMENTS``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["motionary-train", *map(str, arguments)])
        try:
            cli.main()
        except SystemExit as ended:
            return ended.code or 0
    return 0


def test_a_bundle_embeds_as_its_run_does(place, monkeypatch):
    monkeypatch.setenv("MOTIONARY_TEXT_MODEL", str(place / "text"))
    size = export_bundle([place / "run-1"], place / "bundle")
    config, model, _ = load_run(place / "run-1")
    bundle = load_bundle(place / "bundle")
    assert size == sum(file.stat().st_size for file in (place / "bundle").iterdir())
    assert (bundle.name, bundle.joint_dim, bundle.max_frames) == ("motionary-small", 8, 30)
    pairs = load_pairs(config, "train")
    exact = embed_motions(model, pairs.samples, 30)
    mine = bundle.embed_features([sample.features for sample in pairs.samples])  # 39 frames: cropped
    assert (exact * mine).sum(axis=1).min() > 0.999
    by_torch, by_numpy = (source_scores(place / name, pairs) for name in ("run-1", "bundle"))
    np.testing.assert_allclose(by_numpy, by_torch, atol=0.01)


def test_the_bundle_says_where_it_comes_from_but_not_where_files_lay(place, monkeypatch):
    monkeypatch.setenv("MOTIONARY_TEXT_MODEL", str(place / "text"))
    export_bundle([place / "run-1", place / "run-2"], place / "two")
    config = json.loads((place / "two" / "config.json").read_text())
    assert config["training"]["config"]["seed"] == 1
    assert "cmu" not in config["training"]["config"]["data"]
    assert config["scores"]["seeds"] == [1, 2]
    table = config["scores"]["tables"]["val, all 1 clips"]
    assert set(table) == {"chance", "ridge", "kNN", "model"}
    card = (place / "two" / "README.md").read_text()
    assert "STRICT" in card
    assert f"| model | {table['model']['STRICT']['text_to_motion']['at']['1']:.1f} |" in card
    assert "Over seeds 1, 2:" in card


def test_runs_of_different_configs_are_not_one_spread(place):
    other = place / "other.toml"
    other.write_text((place / "small.toml").read_text().replace("epochs = 2", "epochs = 1"))
    assert run("train", other, "--out", place / "run-other") == 0
    with pytest.raises(MotionaryError, match="run-other: has another config"):
        export_bundle([place / "run-1", place / "run-other"], place / "never")
    assert not (place / "never").exists()


def test_a_folder_that_is_no_bundle_is_not_replaced(place):
    config, model, history = load_run(place / "run-1")
    precious = place / "precious"
    precious.mkdir()
    (precious / "work.txt").write_text("mine")
    document = bundle_config(config, model, load_pairs(config, "train"), len(history), {})
    with pytest.raises(MotionaryError, match="exists and is no bundle"):
        write_bundle(precious, document, model, model_card(document))
    assert (precious / "work.txt").read_text() == "mine"


def test_commands_end_to_end(place, capsys, monkeypatch):
    monkeypatch.setenv("MOTIONARY_TEXT_MODEL", str(place / "text"))
    assert run("data", place / "small.toml") == 0
    assert "train" in capsys.readouterr().out
    out = place / "scores.json"
    assert run("evaluate", place / "run-1", place / "small.toml", "--json", out) == 0
    assert "STRICT" in capsys.readouterr().out
    assert set(json.loads(out.read_text())["val, all 1 clips"]) == {"chance", "ridge", "kNN", "run-1"}
    assert run("export", place / "run-1", "--out", place / "by-command") == 0
    assert load_bundle(place / "by-command").joint_dim == 8
    assert run("crossval", place / "small.toml", "--folds", 2, "--json", out) == 0
    assert json.loads(out.read_text())["model"]["R-sum"]["count"] == 2


def test_failures_are_one_line_and_status_1(place, capsys):
    assert run("train", "no-such-config") == 1
    message = capsys.readouterr().err
    assert message.startswith("motionary-train: no-such-config: no such config")
    assert message.count("\n") == 1
    assert run("train", place / "small.toml", "--out", place / "run-1") == 1
    assert "already holds a run" in capsys.readouterr().err
    assert run("evaluate", place / "data", place / "small.toml") == 1
    assert "neither a run" in capsys.readouterr().err


def test_wrong_usage_is_status_2(place):
    assert run("evaluate", place / "run-1", place / "small.toml", "--split", "train") == 2
    assert run("no-such-command") == 2
