"""Model bundles: what loads, what is refused in one line, what the id follows, and packing."""

import hashlib
import json
import shutil
import sys

import numpy as np
import pytest

from motionary.bundle import BUILT_IN, load_bundle, pack_bundle
from motionary.errors import MotionaryError
from motionary.motion_encoder import FEATURES
from motionary.safetensors import read_safetensors, write_safetensors
from motionary.text_encoder import load_text_encoder
from tests.bundles import make_bundle

TEXTS = ["a person walks", "the man jumps!", ""]


@pytest.fixture
def folder(tmp_path):
    return make_bundle(tmp_path / "model")


def edit(folder, change, name="config.json"):
    """Set values in a JSON file; "a.b" is inside "a", and None removes it."""
    config = json.loads((folder / name).read_text())
    for key, value in change.items():
        *outer, last = key.split(".")
        inside = config
        for part in outer:
            inside = inside[part]
        if value is None:
            inside.pop(last, None)
        else:
            inside[last] = value
    (folder / name).write_text(json.dumps(config))


def test_both_sides_give_unit_rows_of_the_joint_space(tmp_path):
    bundle = load_bundle(make_bundle(tmp_path, seed=3, joint_dim=24))
    motions = [np.random.default_rng(n).normal(size=(n, FEATURES)) for n in (1, 40, 300)]
    for rows in (bundle.embed_texts(TEXTS), bundle.embed_features(motions)):
        assert rows.shape == (3, 24)
        assert rows.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
        assert (rows @ rows.T)[0, 1] < 0.9999
    assert (bundle.name, bundle.joint_dim, bundle.max_frames) == ("tiny-3", 24, 200)


def test_the_same_seed_is_the_same_model(tmp_path):
    first, again, other = (
        load_bundle(make_bundle(tmp_path / n, s)) for n, s in (("a", 0), ("b", 0), ("c", 1))
    )
    assert first.id == again.id != other.id
    assert len(first.id) == 64
    np.testing.assert_array_equal(first.embed_texts(TEXTS), again.embed_texts(TEXTS))


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"training": {"epochs": 3}},
        {"text.encoder": "other"},
        {"text.package": "elsewhere"},
    ],
)
def test_the_id_does_not_follow_what_changes_no_number(folder, change):
    before = load_bundle(folder).id
    edit(folder, change)
    assert load_bundle(folder).id == before


def test_what_older_bundles_do_not_say_is_what_they_mean(folder):
    before = load_bundle(folder).id
    edit(folder, {"motion.kind": "transformer", "motion.columns": "all", "motion.stride": 1})
    assert load_bundle(folder).id == before
    edit(folder, {"motion.stride": 2})
    assert load_bundle(folder).id != before


@pytest.mark.parametrize(
    "change",
    [{"text.pooling": "cls"}, {"text.sha256": "0" * 64}, {"motion.max_frames": 150}, {"motion.heads": 2}],
)
def test_the_id_follows_the_architecture(folder, change):
    before = load_bundle(folder).id
    edit(folder, change)
    assert load_bundle(folder).id != before


def test_the_id_follows_every_weight_but_not_the_file_s_layout(folder):
    path = folder / "model.safetensors"
    before, tensors = load_bundle(folder).id, read_safetensors(path)
    write_safetensors(tensors, path, {"note": "moves every byte"})
    assert load_bundle(folder).id == before
    tensors["motion.cls"] = tensors["motion.cls"] + np.eye(1, 32, 31, dtype=np.float32)[0]
    write_safetensors(tensors, path)
    assert load_bundle(folder).id != before


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": "other"}, "format is 'other'"),
        ({"version": 2}, "version is 2; this Motionary reads version 1"),
        ({"name": 5}, "name is 5; it must be a text"),
        ({"name": None}, "name is missing"),
        ({"joint_dim": True}, "joint_dim is True"),
        ({"joint_dim": 0}, "joint_dim is 0"),
        ({"joint_dim": 16}, r"text\.projection\.weight"),
        ({"text": None}, r"text\.\w+ is missing"),
        ({"text": []}, r"text\.\w+ is missing"),
        ({"text.architecture": "gpt"}, "must match bert|distilbert|mpnet"),
        ({"text.pooling": "max"}, r"text\.pooling"),
        ({"text.package": "os.path"}, r"text\.package"),
        ({"text.sha256": "abc"}, r"text\.sha256"),
        ({"text.max_tokens": 2}, r"text\.max_tokens"),
        ({"text.finetuned": "yes"}, r"text\.finetuned is 'yes'; it must be true or false"),
        ({"text.width": 17}, r"text\.projection\.weight"),
        ({"motion.features": "kit-251"}, r"motion\.features"),
        ({"motion.fps": 30}, r"motion\.fps"),
        ({"motion.layers": "2"}, r"motion\.layers is '2'"),
        ({"motion.width": 64}, "shape"),
        ({"motion.max_frames": 10**9}, r"motion\.max_frames"),
        ({"motion": [1]}, r"motion\.features is missing"),
        ({"motion.kind": "mlp"}, r"motion\.kind is 'mlp'; it must be one of transformer, gru"),
        ({"motion.kind": ["gru"]}, r"motion\.kind is \['gru'\]"),
        ({"motion.kind": "gru"}, r"motion\.rnn\.weight_ih_l0"),
        ({"motion.kind": "patches"}, r"motion\.input\.0\.weight"),
        ({"motion.columns": "speeds"}, r"motion\.columns is 'speeds'"),
        ({"motion.columns": None, "motion.stride": 0}, r"motion\.stride is 0"),
        ({"motion.stride": 10**9}, r"motion\.stride"),
        ({"motion.heads": 3}, "does not split into 3"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused_in_one_line(folder, change, says):
    edit(folder, change)
    with pytest.raises(MotionaryError, match=says) as caught:
        load_bundle(folder)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "[]", "{", "\ud800", "[" * 100_000, "1" * 10_000])
def test_a_configuration_that_is_no_json_object_is_refused(folder, content):
    (folder / "config.json").write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(MotionaryError, match=r"config\.json: (is not JSON|holds no JSON object)"):
        load_bundle(folder)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(MotionaryError, match="is no model bundle"):
        load_bundle(tmp_path)


def test_the_text_encoder_is_read_only_when_a_text_is(folder):
    shutil.rmtree(folder / "text")
    bundle = load_bundle(folder)
    assert len(bundle.embed_features([np.zeros((5, FEATURES))])) == 1
    with pytest.raises(MotionaryError, match="pip install --no-deps motionary-tiny-text-encoder") as caught:
        bundle.embed_texts(TEXTS)
    assert "\n" not in str(caught.value)


def test_a_text_encoder_that_was_trained_along_is_in_the_bundle_or_nowhere(folder):
    edit(folder, {"text.finetuned": True})
    assert load_bundle(folder).embed_texts(TEXTS).shape == (3, 32)
    shutil.rmtree(folder / "text")
    with pytest.raises(MotionaryError, match="copy the bundle whole"):
        load_bundle(folder).embed_texts(TEXTS)


def test_the_text_encoder_is_found_by_the_variable_and_in_the_package(folder, tmp_path, monkeypatch):
    wanted = load_bundle(folder).embed_texts(TEXTS)
    (folder / "text").rename(tmp_path / "elsewhere")
    with monkeypatch.context() as patch:
        patch.setenv("MOTIONARY_TEXT_MODEL", str(tmp_path / "elsewhere"))
        np.testing.assert_array_equal(load_bundle(folder).embed_texts(TEXTS), wanted)
    package = tmp_path / "motionary_tiny_text_encoder"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('a package is found, not imported')")
    (tmp_path / "elsewhere").rename(package / "model")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    np.testing.assert_array_equal(load_bundle(folder).embed_texts(TEXTS), wanted)


def test_another_text_encoder_is_refused(folder, tmp_path, monkeypatch):
    other = make_bundle(tmp_path / "other", seed=1)
    shutil.rmtree(folder / "text")
    monkeypatch.setenv("MOTIONARY_TEXT_MODEL", str(other / "text"))
    with pytest.raises(MotionaryError, match="not the weights that the model was trained with"):
        load_bundle(folder).embed_texts(TEXTS)


def test_the_bundle_s_own_vocabulary_goes_first(folder):
    before = load_bundle(folder).embed_texts(["person man"])
    lines = (folder / "text" / "vocab.txt").read_text().splitlines()
    a, b = lines.index("person"), lines.index("man")
    lines[a], lines[b] = lines[b], lines[a]
    (folder / "vocab.txt").write_text("\n".join(lines))
    np.testing.assert_array_equal(load_bundle(folder).embed_texts(["man person"]), before)


@pytest.mark.parametrize(
    ("precision", "cosine", "size"), [("float32", 1, 1), ("float16", 0.9999, 0.75), ("int8", 0.999, 0.55)]
)
def test_packing_keeps_the_model(folder, tmp_path, precision, cosine, size, monkeypatch):
    source = tmp_path / "text"
    (folder / "text").rename(source)
    monkeypatch.setenv("MOTIONARY_TEXT_MODEL", str(source))
    before = load_bundle(folder)
    rows = before.embed_texts(TEXTS)
    packed = pack_bundle(folder, tmp_path / "new" / "packed", precision=precision)
    monkeypatch.delenv("MOTIONARY_TEXT_MODEL")
    after = load_bundle(packed)
    assert after.id == before.id
    assert np.sum(after.embed_texts(TEXTS) * rows, axis=1).min() > cosine - 1e-6
    sizes = [(place / "model.safetensors").stat().st_size for place in (packed / "text", source)]
    assert sizes[0] <= size * sizes[1]
    told = json.loads((packed / "text" / "config.json").read_text())["motionary"]
    assert (told["packed_from"], told["precision"]) == (before.text.sha256, precision)
    assert (packed / "README.md").is_file()
    assert [path.name for path in packed.parent.iterdir()] == ["packed"]
    again = pack_bundle(packed, tmp_path / "again", precision=precision)  # changes nothing, or next to it
    np.testing.assert_allclose(load_bundle(again).embed_texts(TEXTS), after.embed_texts(TEXTS), atol=1e-6)


def test_a_packed_bundle_is_packed_anew_in_another_precision(folder, tmp_path):
    small = pack_bundle(folder, tmp_path / "small", precision="int8")
    large = load_bundle(pack_bundle(small, tmp_path / "large", precision="float32"))
    assert large.id == load_bundle(folder).id
    np.testing.assert_array_equal(large.embed_texts(TEXTS), load_bundle(small).embed_texts(TEXTS))
    assert np.abs(large.embed_texts(TEXTS) - load_bundle(folder).embed_texts(TEXTS)).max() > 1e-5


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("scale", lambda scale: None, "has no scales beside it"),
        ("scale", lambda scale: scale[1:], "scales that are float32 of shape"),
        ("scale", lambda scale: -scale, "not finite and above 0"),
        ("scale", lambda scale: scale * 0 + np.float32(3e38), "not finite; the weights are broken"),
        ("", lambda table: table[:, 0], "only tables"),
        ("", lambda table: table[1:], "scales that are float32 of shape"),
    ],
)
def test_broken_whole_numbers_are_refused_in_one_line(folder, tmp_path, name, change, says):
    text = pack_bundle(folder, tmp_path / "packed", precision="int8") / "text"
    path = text / "model.safetensors"
    tensors = read_safetensors(path)
    key = ".".join(filter(None, ("encoder.layer.0.output.dense.weight", name)))
    tensors[key] = change(tensors[key])
    write_safetensors({key: tensor for key, tensor in tensors.items() if tensor is not None}, path)
    with pytest.raises(MotionaryError, match=says) as caught:
        load_text_encoder(text, "bert")
    assert str(caught.value).startswith(f"{path}: tensor 'encoder.layer.0.output.dense.weight'")
    assert "\n" not in str(caught.value)


def test_what_half_precision_cannot_hold_stays_whole(folder, tmp_path):
    path = folder / "text" / "model.safetensors"
    tensors = read_safetensors(path)
    tensors["embeddings.position_embeddings.weight"] = tensors["embeddings.position_embeddings.weight"] * 1e6
    write_safetensors(tensors, path)
    edit(folder, {"text.sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
    packed = load_bundle(pack_bundle(folder, tmp_path / "packed"))
    np.testing.assert_allclose(packed.embed_texts(TEXTS), load_bundle(folder).embed_texts(TEXTS), atol=1e-2)


def test_packed_weights_that_were_changed_are_refused(folder, tmp_path):
    packed = pack_bundle(folder, tmp_path / "packed")
    path = packed / "text" / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(MotionaryError, match="not the weights"):
        load_bundle(packed).embed_texts(TEXTS)


def test_packing_does_not_overwrite_and_leaves_nothing_half_done(folder, tmp_path, monkeypatch):
    (tmp_path / "there").mkdir()
    with pytest.raises(MotionaryError, match="is there already"):
        pack_bundle(folder, tmp_path / "there")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(MotionaryError, match="No space left"):
        pack_bundle(folder, tmp_path / "packed")
    assert sorted(tmp_path.iterdir()) == before


def test_the_built_in_model_loads_where_it_is_installed():
    if not BUILT_IN.is_dir():
        pytest.skip("this checkout has no built-in model")
    bundle = load_bundle()
    # Libraries are embedded under this id: it changes with the model that is shipped, and with nothing else.
    assert bundle.id == "b1e2c6b997d46e93b688e3f970892e167a37b47a06b944ff1b7b985ead18df0a"
    assert bundle.embed_features([np.zeros((20, FEATURES))]).shape == (1, bundle.joint_dim)


def test_the_built_in_model_says_nearly_the_same_in_a_byte_a_number(tmp_path):
    if not BUILT_IN.is_dir():
        pytest.skip("this checkout has no built-in model")
    texts = ["a person walks forward", "someone waves with the left hand", "jumps twice, then sits down"]
    exact, small = load_bundle(), load_bundle(pack_bundle(BUILT_IN, tmp_path / "small", precision="int8"))
    assert small.id == exact.id
    # The lowest of the captions that scripts/bench_text_precision.py asks is above 0.999.
    assert np.sum(small.embed_texts(texts) * exact.embed_texts(texts), axis=1).min() > 0.998
