"""From a run to a bundle that the core reads, and to a folder for researchers; the commands for it."""

import json
import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from motionary.bundle import load_bundle, pack_bundle
from motionary.errors import MotionaryError
from motionary.formats.bvh import write_bvh
from motionary_training import cli, export
from motionary_training.config import DataConfig, load_config
from motionary_training.data import load_pairs
from motionary_training.encoders import make_model
from motionary_training.evaluate import embed_motions, embed_texts
from motionary_training.export import bundle_config, export_bundle, write_bundle
from motionary_training.pretrained import load_pretrained, save_pretrained
from motionary_training.train import fit, load_run
from tests.training.synthetic import all_starter_clips, write_cmu, write_official, write_text_encoder


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


def test_a_bundle_embeds_as_its_run_does(place):
    size = export_bundle([place / "run-1"], place / "bundle")
    config, model, _ = load_run(place / "run-1")
    bundle = load_bundle(place / "bundle")
    files = [file for file in (place / "bundle").rglob("*") if file.is_file()]
    assert size == sum(file.stat().st_size for file in files)
    assert (bundle.name, bundle.joint_dim, bundle.max_frames) == ("motionary-small", 8, 30)
    pairs = load_pairs(config, "train")
    mine = bundle.embed_features([sample.features for sample in pairs.samples])  # 39 frames: cropped
    np.testing.assert_allclose(mine, embed_motions(model, pairs.samples, 30), atol=0.01)
    # No package carries this text encoder, so it is inside.
    assert (place / "bundle" / "text" / "model.safetensors").is_file()
    np.testing.assert_allclose(bundle.embed_texts(pairs.texts), embed_texts(model, pairs), atol=0.01)


def test_the_bundle_says_where_it_comes_from_but_not_where_files_lay(place):
    export_bundle([place / "run-1", place / "run-2"], place / "two")
    text = (place / "two" / "config.json").read_text()
    config = json.loads(text)
    assert config["training"]["config"]["seed"] == 1
    assert not set(config["training"]["config"]["data"]) & {"cmu", "cache", "humanml3d", "kit", "studio"}
    assert config["scores"]["seeds"] == [1, 2]
    table = config["scores"]["galleries"][0]["protocols"]["STRICT"]["systems"]
    assert set(table) >= {"chance", "ridge", "kNN", "model"}
    assert table["model"]["R-sum"]["count"] == 2
    card = (place / "two" / "README.md").read_text()
    assert "STRICT" in card
    assert "| model |" in card
    assert "seeds 1, 2" in card


def test_a_querybank_goes_along_and_the_card_tells_of_it(place, tmp_path):
    given = ("--set", "querybank.weight=0.5", "--set", "querybank.nearest=2")
    assert run("train", place / "small.toml", "--out", tmp_path / "run", *given) == 0
    assert (
        run("export", tmp_path / "run", "--out", tmp_path / "bundle", "--transformers", tmp_path / "torch")
        == 0
    )
    bundle, (config, model) = load_bundle(tmp_path / "bundle"), load_pretrained(tmp_path / "torch")
    assert (bundle.joint_dim, bundle.encoded_dim) == (12, 8)
    pairs = load_pairs(config_with_data(config, place), "train")
    np.testing.assert_allclose(bundle.embed_captions(pairs.texts), embed_texts(model, pairs), atol=0.01)
    short = [replace(sample, features=sample.features[:30]) for sample in pairs.samples]
    embedded = bundle.embed_features([sample.features for sample in short])
    np.testing.assert_allclose(embedded, embed_motions(model, short, 30), atol=0.01)
    card = (tmp_path / "bundle" / "README.md").read_text("utf-8")
    for said in (
        "Querybank normalisation",
        "the 2 highest cosines",
        "- Clips: ",
        "Furthest off on that split:",
    ):
        assert said in card
    assert "Querybank" not in (place / "bundle" / "README.md").read_text("utf-8")


def config_with_data(config, place):
    """A config of a model for researchers, which tells of no folders, with the data's."""
    own = load_config(place / "small.toml").data
    return replace(config, data=replace(config.data, cmu=own.cmu, cache=own.cache))


@pytest.mark.parametrize("files", [1, 4])
def test_a_studio_s_own_clips_are_learnt_from_and_shipped_under_its_own_terms(place, tmp_path, capsys, files):
    """Also a single one, which leaves none to validate on."""
    studio = tmp_path / "studio"
    studio.mkdir()
    for number, clip in enumerate(all_starter_clips()[:files]):
        write_bvh(clip.motion, studio / f"{number}.bvh")
    lines = [f"{number}.bvh,a person moves {number}\n" for number in range(files)]
    (studio / "captions.csv").write_text("file,caption\n" + "".join(lines), "utf-8")
    given = ("--data", studio, "--out", tmp_path / "run", "--set", "select=best")
    assert run("train", place / "small.toml", *given) == 0
    assert ("no clips of val: the last epoch is kept" in capsys.readouterr().err) == (files == 1)
    assert run("export", tmp_path / "run", "--out", tmp_path / "bundle") == 0
    told = json.loads((tmp_path / "bundle" / "config.json").read_text("utf-8"))
    assert bool(told["scores"]) == (files > 1)
    card = (tmp_path / "bundle" / "README.md").read_text("utf-8")
    assert "Licence of motions and captions: the studio's own." in card
    for other in ("CMU", "captions and splits", "GPL"):
        assert other not in card


def test_licences_are_those_of_the_data_learnt_from(place):
    config = load_config(place / "small.toml")
    both = export._licences(config)
    assert both["weights"] == "GPL-3.0-or-later"
    assert {"HumanML3D captions and splits", "CMU motion capture"} <= both.keys()
    official = export._licences(replace(config, data=replace(config.data, cmu="", humanml3d="set")))
    assert "AMASS" in official["HumanML3D's motions"]
    assert "CMU motion capture" not in official
    assert official["weights"] != "GPL-3.0-or-later"
    starter = export._licences(replace(config, data=replace(config.data, cmu="", starter_variants=1)))
    assert set(starter) == {"weights", f"text encoder {config.text.encoder}"}


@pytest.mark.parametrize("kind", ["gru", "lstm", "bigru", "patches", "transformer"])
@pytest.mark.parametrize("summary", [False, True])
def test_every_kind_survives_the_way_to_a_bundle(place, kind, summary):
    config = load_config(place / "small.toml")
    config = replace(
        config, motion=replace(config.motion, kind=kind, stride=3, features="positions", summary=summary)
    )
    torch.manual_seed(0)
    model = make_model(config, torch.zeros(263), torch.full((263,), 2.0), text_width=16).eval()
    pairs = load_pairs(config, "train")
    document = bundle_config(config, model, pairs, 1, {})
    write_bundle(place / kind, config, document, model)
    mine = load_bundle(place / kind).embed_features([sample.features for sample in pairs.samples])
    exact = embed_motions(model, pairs.samples, 30)
    assert (mine * exact).sum(axis=1).min() > 0.9999
    words = {"lstm": "LSTM", "bigru": "two-way GRU", "patches": "five body parts"}
    assert words.get(kind, kind.title().replace("Gru", "GRU")) in (place / kind / "README.md").read_text()
    told = json.loads((place / kind / "config.json").read_text())["motion"]
    assert (told["kind"], told["stride"], told["columns"]) == (kind, 3, "positions")
    assert told["summary"] is summary


@pytest.fixture(scope="module")
def tuned(place):
    """A run whose text encoder, a DistilBERT, learnt along."""
    text = write_text_encoder(place / "distil", distil=True)
    config = load_config(place / "small.toml")
    config = replace(
        config,
        text=replace(text, finetune=True, finetune_learning_rate=1e-2),
        optimiser=replace(config.optimiser, epochs=1),
    )
    fit(config, load_pairs(config, "train"), None, run=place / "tuned")
    return place / "tuned"


def test_a_text_encoder_that_learnt_is_in_the_bundle(place, tuned):
    export_bundle([tuned], place / "tuned-bundle")
    config, model, _ = load_run(tuned)
    pairs = load_pairs(config, "train")
    start = torch.load(tuned / "last.pt", weights_only=True)["chosen"]
    assert any(name.startswith("text.encoder.") for name in start)
    bundle = load_bundle(place / "tuned-bundle")
    assert bundle.text.finetuned
    assert "trained along" in (place / "tuned-bundle" / "README.md").read_text()
    exact = embed_texts(model, pairs)
    np.testing.assert_allclose(bundle.embed_texts(pairs.texts), exact, atol=0.01)
    packed = load_bundle(pack_bundle(place / "tuned-bundle", place / "tuned-packed"))
    assert packed.id == bundle.id
    np.testing.assert_allclose(packed.embed_texts(pairs.texts), exact, atol=0.01)
    shutil.rmtree(place / "tuned-bundle" / "text")
    with pytest.raises(MotionaryError, match="copy the bundle whole"):
        load_bundle(place / "tuned-bundle").embed_texts(["he walks"])


def test_a_tuned_run_goes_to_researchers_and_back(place, tuned):
    from transformers import AutoModel

    assert run("export", tuned, "--transformers", place / "researchers") == 0
    assert run("export", tuned, "--transformers", place / "researchers") == 0  # again: replaced
    _, model, _ = load_run(tuned)
    config, again = load_pretrained(place / "researchers")
    for (name, old), new in zip(model.state_dict().items(), again.state_dict().values(), strict=True):
        assert torch.equal(old, new), name
    encoder = AutoModel.from_pretrained(place / "researchers" / "text_encoder")
    for name, weight in encoder.state_dict().items():
        assert torch.equal(weight, model.state_dict()[f"text.encoder.{name}"])
    pairs = load_pairs(replace(config, data=load_config(place / "small.toml").data), "train")
    np.testing.assert_allclose(embed_texts(again, pairs), embed_texts(model, pairs), atol=1e-6)


def test_kit_models_are_for_researchers_alone(place):
    config = load_config(place / "small.toml")
    data = DataConfig(kit=str(write_official(place / "kit", 251)), cache=config.data.cache)
    config = replace(config, data=data, optimiser=replace(config.optimiser, epochs=1))
    model = fit(config, load_pairs(config, "train"), None, run=place / "kit-run")
    with pytest.raises(MotionaryError, match="kit-run: learnt from KIT-ML's 251 features") as caught:
        export_bundle([place / "kit-run"], place / "never")
    assert "\n" not in str(caught.value)
    assert not (place / "never").exists()
    save_pretrained(config, model, place / "kit-model")
    loaded, again = load_pretrained(place / "kit-model")
    assert loaded.motion == config.motion
    clip, length = torch.randn(1, 12, 251), torch.tensor([12])
    with torch.no_grad():
        assert torch.equal(again.embed_motions(clip, length), model.embed_motions(clip, length))


def test_a_bundle_that_embeds_otherwise_is_not_written(place, monkeypatch):
    right = export.embed_motions
    monkeypatch.setattr(export, "embed_motions", lambda *given: -right(*given))
    with pytest.raises(MotionaryError, match=r"never: clip .* embeds at cosine -1\.0000"):
        export_bundle([place / "run-1"], place / "never")
    assert not (place / "never").exists()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda told: told.update(model_type="bert"), "model_type is not"),
        (lambda told: told.update(settings=[]), "model_type is not"),
        (lambda told: told["settings"].update(joint_dim="8"), "joint_dim must be int"),
        (lambda told: told["settings"].update(joint_dim=9), "do not fit config.json"),
        (lambda told: told.update(features=300), "features are 300 wide"),
    ],
)
def test_an_exported_model_that_is_damaged_is_refused_in_one_line(place, tmp_path, spoil, says):
    config, model, _ = load_run(place / "run-1")
    save_pretrained(config, model, tmp_path / "model")
    told = json.loads((tmp_path / "model" / "config.json").read_text())
    spoil(told)
    (tmp_path / "model" / "config.json").write_text(json.dumps(told))
    with pytest.raises(MotionaryError, match=says) as caught:
        load_pretrained(tmp_path / "model")
    assert "\n" not in str(caught.value)


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
        write_bundle(precious, config, document, model)
    with pytest.raises(MotionaryError, match="exists and is no exported model"):
        save_pretrained(config, model, precious)
    assert (precious / "work.txt").read_text() == "mine"


def test_the_command_takes_a_bundle_s_folder(place, capsys):
    assert run("export", place / "run-1", "--out", place / "by-command") == 0
    assert "MB" in capsys.readouterr().out
    assert load_bundle(place / "by-command").joint_dim == 8
    assert run("export", place / "run-1") == 2


def test_failures_are_one_line_and_status_1(place, capsys):
    assert run("train", "no-such-config") == 1
    message = capsys.readouterr().err
    assert message.startswith("motionary-train: no-such-config: no such config")
    assert message.count("\n") == 1
    assert run("train", place / "small.toml", "--out", place / "run-1") == 1
    assert "already holds a run" in capsys.readouterr().err
    assert run("export", place / "data", "--out", place / "never") == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_wrong_usage_is_status_2(place):
    assert run("no-such-command") == 2
