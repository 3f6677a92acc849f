"""Configs: what ships loads, and whatever is wrong is said in one line with its key."""

import dataclasses
import json

import pytest

from motionary.errors import MotionaryError
from motionary_training.cli import _config
from motionary_training.config import Config, config_from_table, load_config, shipped_configs


@pytest.mark.parametrize("name", shipped_configs())
def test_every_shipped_config_loads_and_is_named_after_its_file(name):
    # A row of the side-by-side table is named as the table shows it.
    assert "/" in name or load_config(shipped_configs()[name]).name == name


def test_the_paper_s_config_and_ours_ship():
    assert set(shipped_configs()) >= {"paper", "best", "default"}


def test_paper_toml_is_the_paper():
    config = load_config(shipped_configs()["paper"])
    assert (config.data.humanml3d, config.data.mirrored, config.data.captions) == (
        "data/HumanML3D",
        False,
        "all",
    )
    assert (config.text.encoder, config.text.pooling, config.text.finetune) == (
        "distilbert-base-uncased",
        "cls",
        False,
    )
    shape = config.motion
    assert (shape.width, shape.layers, shape.heads, shape.feedforward) == (256, 3, 4, 1024)
    assert (shape.kind, shape.stride, shape.max_frames, config.joint_dim) == ("transformer", 1, 500, 1024)
    loss = config.loss
    assert (loss.name, loss.warmup_epochs, loss.margin, loss.reduction) == ("drop_triple", 5, 0.2, "sum")
    assert (loss.hetero_threshold, loss.homo_threshold, loss.convention) == (0.7, 0.9, "swapping")
    steps = config.optimiser
    assert (steps.learning_rate, steps.weight_decay, steps.batch, steps.epochs) == (2e-4, 0.0, 32, 60)
    assert (steps.schedule, steps.drop_epoch, steps.drop_factor) == ("step", 30, 0.1)


def test_settings_take_the_place_of_what_the_file_says(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text('name = "x"\n[optimiser]\nbatch = 8\nepochs = 3\n', "utf-8")
    config = load_config(
        path, ["optimiser.batch=64", "text.package=", "text.encoder=my/encoder", "amp=true", "seed = 7"]
    )
    assert (config.optimiser.batch, config.optimiser.epochs, config.seed, config.amp) == (64, 3, 7, True)
    assert (config.text.package, config.text.encoder) == ("", "my/encoder")
    assert load_config(path, ['data.hard_negatives=["mirror"]']).data.hard_negatives == ("mirror",)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("optimiser.batch", "not of the form key=value"),
        ("=3", "not of the form key=value"),
        ("optimiser.bach=64", "unknown key optimiser.bach"),
        ("optimizer.batch=64", "unknown key optimizer"),
        ("optimiser.batch=many", "optimiser.batch must be int, not str 'many'"),
        ("name.first=x", "name is a value, no section"),
    ],
)
def test_a_setting_that_is_wrong_is_one_line(tmp_path, setting, told):
    path = tmp_path / "x.toml"
    path.write_text('name = "x"\n', "utf-8")
    with pytest.raises(MotionaryError) as caught:
        load_config(path, [setting])
    assert told in str(caught.value)
    assert setting in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_shipped_config_is_found_by_its_name_and_by_its_place():
    for name in ("paper", "paper.toml", "configs/paper.toml"):
        assert _config(name).name == "paper"
    assert _config("paper", 7, ["optimiser.batch=64"]).seed == 7
    with pytest.raises(MotionaryError, match=r"papr: no such config; name a TOML file or one of .*paper"):
        _config("papr")


def test_the_defaults_are_the_paper_s():
    config = config_from_table({"name": "x"}, "x.toml")
    assert (config.optimiser.learning_rate, config.optimiser.epochs, config.optimiser.batch) == (2e-4, 60, 32)
    assert (config.motion.width, config.motion.layers, config.motion.heads, config.joint_dim) == (
        256,
        3,
        4,
        1024,
    )
    assert (config.loss.hetero_threshold, config.loss.homo_threshold, config.loss.margin) == (0.7, 0.9, 0.2)


def test_a_config_survives_the_way_through_json():
    config = load_config(shipped_configs()["default"])
    table = json.loads(json.dumps(dataclasses.asdict(config)))
    assert config_from_table(table, "run") == config


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({}, "key name is missing"),
        ({"name": "x", "sed": 1}, "unknown key sed"),
        ({"name": "x", "loss": {"margn": 0.1}}, "unknown key loss.margn"),
        ({"name": "x", "loss": 3}, "loss must be a table"),
        ({"name": "x", "seed": "1"}, "seed must be int, not str '1'"),
        ({"name": "x", "seed": True}, "seed must be int, not bool"),
        ({"name": "x", "amp": 1}, "amp must be bool"),
        ({"name": "x", "seed": -1}, "seed is -1"),
        ({"name": "x", "loss": {"name": "triplet"}}, "choose one of drop_triple"),
        ({"name": "x", "loss": {"margin": float("nan")}}, "loss.margin is nan"),
        ({"name": "x", "optimiser": {"batch": 1}}, "optimiser.batch is 1"),
        ({"name": "x", "motion": {"width": 30, "heads": 4}}, "motion.width is 30"),
    ],
)
def test_what_is_wrong_is_one_line_with_file_and_key(table, told):
    with pytest.raises(MotionaryError) as caught:
        config_from_table(table, "my.toml")
    assert str(caught.value).startswith("my.toml: ")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_whole_number_will_do_where_a_fraction_is_asked_for():
    margin = config_from_table({"name": "x", "loss": {"margin": 1}}, "x").loss.margin
    assert margin == 1.0
    assert isinstance(margin, float)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(MotionaryError, match=r"none.toml: cannot be read"):
        load_config(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("name = ")
    with pytest.raises(MotionaryError, match=r"bad.toml: not valid TOML: .*end of document"):
        load_config(tmp_path / "bad.toml")


def test_a_config_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config("x").seed = 2  # type: ignore[misc]


def test_a_config_tells_only_what_differs_from_its_base(tmp_path):
    (tmp_path / "a.toml").write_text('name = "a"\n[motion]\nwidth = 16\nlayers = 2\n', "utf-8")
    (tmp_path / "b.toml").write_text('base = "a.toml"\nname = "b"\n[motion]\nlayers = 1\n', "utf-8")
    config = load_config(tmp_path / "b.toml", ["motion.heads=2"])
    assert (config.name, config.motion.width, config.motion.layers, config.motion.heads) == ("b", 16, 1, 2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('base = "b.toml"', "leads back to itself"),
        ("base = 3", "name a TOML file"),
        ('base = "c.toml"', "c.toml"),
    ],
)
def test_a_base_that_cannot_be_is_said_in_a_line(tmp_path, text, said):
    (tmp_path / "b.toml").write_text(text, "utf-8")
    with pytest.raises(MotionaryError, match=said):
        load_config(tmp_path / "b.toml")
