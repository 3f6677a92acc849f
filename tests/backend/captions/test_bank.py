"""Banks: read from files, embedded once, and kept so that nothing broken is ever taken for one."""

import numpy as np
import pytest

from motionary.bundle import load_bundle
from motionary.captions import bank as banks
from motionary.captions.bank import cache_folder, open_bank, read_bank
from motionary.captions.grammar import Sentence, sentences
from motionary.errors import MotionaryError
from tests.bundles import make_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(make_bundle(tmp_path_factory.mktemp("model")))


@pytest.fixture(autouse=True)
def few_sentences(monkeypatch):
    monkeypatch.setattr(banks, "sentences", lambda: sentences()[:40])


class Counting:
    """A bundle that counts what it embeds."""

    def __init__(self, bundle):
        self.bundle, self.id, self.joint_dim, self.texts = bundle, bundle.id, bundle.joint_dim, 0
        self.folder = bundle.folder

    def embed_captions(self, texts):
        self.texts += len(texts)
        return self.bundle.embed_captions(texts)


def test_a_bank_is_embedded_once_and_is_the_same_again(bundle, tmp_path):
    counting, steps = Counting(bundle), []
    first = open_bank(counting, cache=tmp_path, progress=lambda *step: steps.append(step))
    assert (counting.texts, steps) == (40, [(40, 40)])
    again = open_bank(counting, cache=tmp_path)
    assert counting.texts == 40
    np.testing.assert_array_equal(first.vectors, again.vectors)
    np.testing.assert_allclose(np.linalg.norm(first.vectors, axis=1), 1.0, atol=1e-6)
    expected = bundle.embed_texts([sentence.text for sentence in first.sentences])
    np.testing.assert_allclose(first.vectors, expected, atol=2e-3)
    assert [path.suffix for path in tmp_path.iterdir()] == [".safetensors"]


def test_a_bank_that_the_bundle_brings_is_taken_and_none_is_kept(bundle, tmp_path):
    brings = Counting(bundle)
    brings.folder = tmp_path / "bundle"
    made = open_bank(bundle, cache=brings.folder)
    found = open_bank(brings, cache=tmp_path / "cache")
    assert brings.texts == 0
    assert not (tmp_path / "cache").exists()
    np.testing.assert_array_equal(found.vectors, made.vectors)


def test_another_model_or_other_sentences_have_their_own(bundle, tmp_path):
    more = tmp_path / "more.txt"
    more.write_text("a person juggles\n")
    other = load_bundle(make_bundle(tmp_path / "other", seed=2))
    cache = tmp_path / "cache"
    assert len(open_bank(bundle, cache=cache).sentences) == 40
    assert len(open_bank(bundle, [more], cache=cache).sentences) == 41
    assert open_bank(other, cache=cache).model == other.id
    assert len(list(cache.iterdir())) == 3


@pytest.mark.parametrize("content", [b"", b"not one", b"\xff" * 4000])
def test_a_broken_cache_is_made_anew(content, bundle, tmp_path):
    good = open_bank(bundle, cache=tmp_path)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(content)
    np.testing.assert_array_equal(open_bank(bundle, cache=tmp_path).vectors, good.vectors)
    assert kept.stat().st_size > 1000


def test_a_cache_that_cannot_be_written_is_done_without(bundle, tmp_path):
    blocked = tmp_path / "a file"
    blocked.write_text("")
    assert len(open_bank(bundle, cache=blocked / "below").sentences) == 40


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("MOTIONARY_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    monkeypatch.delenv("MOTIONARY_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(banks.sys, "platform", "linux")
    assert cache_folder() == tmp_path / "motionary"


def test_a_text_file_has_a_sentence_a_line(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text(
        "﻿# a comment\n\n  a person   waves with the left hand \nhe juggles\nhe juggles\n", "utf-8"
    )
    waves, juggles = read_bank(path)
    assert (waves.text, waves.action, waves.claims.hand) == (
        "a person waves with the left hand",
        "wave",
        "left",
    )
    assert (juggles.text, juggles.action, juggles.tags) == ("he juggles", "", ())


def test_a_folder_of_humanml3d_texts_is_a_bank(tmp_path):
    folder = tmp_path / "humanml3d" / "texts"
    folder.mkdir(parents=True)
    (folder / "000001.txt").write_text(
        "a man kicks.#a/DET man/NOUN kick/VERB#0.0#0.0\nhe runs#he/PRON run/VERB#1#2\n"
    )
    (folder / "000002.txt").write_text("a man kicks.#a/DET man/NOUN kick/VERB#0.0#0.0\n")
    (tmp_path / "humanml3d" / "train.txt").write_text("000001\n")
    assert [sentence.text for sentence in read_bank(tmp_path / "humanml3d")] == ["a man kicks.", "he runs"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a person \xff\xfe walks", "not UTF-8"),
        (b"# nothing\n\n", "has no sentence"),
        (b"fine\n" + b"long " * 200, "line 2: has 999 letters"),
        (b"fine\nred \x1b[31m\n", "line 2: holds control characters"),
    ],
)
def test_what_is_no_bank_is_told_with_file_and_line(content, says, tmp_path):
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    with pytest.raises(MotionaryError, match=says) as told:
        read_bank(path)
    assert str(told.value).startswith(str(path))


def test_a_bank_that_is_not_there_and_an_empty_folder(tmp_path):
    with pytest.raises(MotionaryError, match="cannot be read"):
        read_bank(tmp_path / "nowhere.txt")
    with pytest.raises(MotionaryError, match=r"holds no \.txt file"):
        read_bank(tmp_path)


def test_equal_claims_are_judged_once(bundle, tmp_path):
    bank = open_bank(bundle, cache=tmp_path)
    claims, which = bank.claims
    assert len(claims) < len(bank.sentences)
    assert [claims[number] for number in which] == [sentence.claims for sentence in bank.sentences]
    assert bank.styled.tolist() == [bool(sentence.style) for sentence in bank.sentences]


def test_own_sentences_do_not_replace_the_grammars(bundle, tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text(sentences()[0].text + "\n")
    bank = open_bank(bundle, [path], cache=tmp_path)
    assert len(bank.sentences) == 40
    assert isinstance(bank.sentences[0], Sentence)
    assert bank.sentences[0].part == "legs"
