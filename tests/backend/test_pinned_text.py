"""The vocabulary that belongs to pinned weights: no other is used with them."""

import dataclasses
import hashlib

import pytest

from motionary import pinned_text
from motionary.bundle import BUILT_IN, load_bundle
from motionary.errors import MotionaryError
from motionary.pinned_text import pinned_texts
from tests.bundles import make_bundle


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A bundle whose text encoder lies elsewhere, as if it were one that is pinned."""
    folder = make_bundle(tmp_path / "model")
    text = (folder / "text").rename(tmp_path / "text")
    monkeypatch.setenv("MOTIONARY_TEXT_MODEL", str(text))
    files = {path.name: sha256(path) for path in text.iterdir()}
    tiny = dataclasses.replace(pinned_texts()[0], name="tiny", files=files)
    monkeypatch.setattr(pinned_text, "pinned_texts", lambda: (tiny,))
    return folder, text


def swap_two_words(vocabulary):
    lines = vocabulary.read_text().splitlines()
    left, right = lines.index("left"), lines.index("right")
    lines[left], lines[right] = lines[right], lines[left]
    vocabulary.write_text("\n".join(lines) + "\n")


def test_another_vocabulary_is_refused_with_the_cure(elsewhere):
    folder, text = elsewhere
    before = load_bundle(folder).embed_texts(["turns left"])
    assert before.shape == (1, 32)
    swap_two_words(text / "vocab.txt")  # nothing else would tell: as many tokens, in another order
    with pytest.raises(MotionaryError, match=r"vocab.txt: is damaged .*pip install --force-reinstall"):
        load_bundle(folder).embed_texts(["turns left"])


def test_a_missing_vocabulary_is_told(elsewhere):
    folder, text = elsewhere
    (text / "vocab.txt").unlink()
    with pytest.raises(MotionaryError, match=r"vocab.txt: is missing; pip install"):
        load_bundle(folder).embed_texts([""])


def test_a_vocabulary_in_the_bundle_is_the_models_own(elsewhere):
    folder, text = elsewhere
    (text / "vocab.txt").rename(folder / "vocab.txt")
    swap_two_words(folder / "vocab.txt")
    assert load_bundle(folder).embed_texts(["turns left"]).shape == (1, 32)


def test_weights_that_nobody_pinned_bring_their_own(elsewhere, monkeypatch):
    folder, text = elsewhere
    monkeypatch.setattr(pinned_text, "pinned_texts", lambda: ())
    swap_two_words(text / "vocab.txt")
    assert load_bundle(folder).embed_texts(["turns left"]).shape == (1, 32)


def test_the_built_in_models_text_encoder_is_pinned():
    text = load_bundle(BUILT_IN).text
    (pinned,) = (pinned for pinned in pinned_texts() if pinned.module == text.package)
    assert pinned.files["model.safetensors"] == text.sha256
    assert pinned.name == text.encoder
    assert set(pinned.wheels) == set(pinned.distributions)
