"""Querybank normalisation: a plain cosine of longer vectors, and what it is said to be."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionary.bundle import load_bundle, pack_bundle
from motionary.errors import MotionaryError
from motionary.nn import unit_rows
from motionary.querybank import EXTRA, SPREAD, Querybank, balanced_motions, balanced_queries, balanced_texts
from motionary.safetensors import read_safetensors, write_safetensors
from tests.bundles import make_bundle


def drawn(seed, *shape):
    return unit_rows(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


def bank_of(seed, weight=0.5, dim=8, nearest=3):
    captions, motions = drawn(seed, 30, dim), drawn(seed + 1, 20, dim)
    return Querybank(captions, motions, np.array([0.4, 0.5], np.float32), nearest, weight)


def bias(vectors, others, nearest):
    return np.sort(vectors @ others.T, axis=1)[:, -nearest:].mean(axis=1)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.05, 1))
def test_the_cosine_is_the_score_less_both_biases_up_to_a_factor(seed, weight):
    bank = bank_of(seed, weight)
    motions, texts = drawn(seed + 2, 7, 8), drawn(seed + 3, 5, 8)
    one = np.clip(bank.usual[0] - bias(motions, bank.captions, 3), -SPREAD, SPREAD)
    other = np.clip(bank.usual[1] - bias(texts, bank.motions, 3), -SPREAD, SPREAD)
    expected = (texts @ motions.T + weight * (one[None] + other[:, None])) / (1 + 2 * weight * SPREAD)
    got = balanced_texts(bank, texts) @ balanced_motions(bank, motions).T
    np.testing.assert_allclose(got, expected, atol=1e-5)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.05, 1))
def test_vectors_are_of_unit_length(seed, weight):
    bank = bank_of(seed, weight)
    for made in (balanced_motions(bank, drawn(seed, 6, 8)), balanced_texts(bank, drawn(seed, 6, 8))):
        assert made.shape == (6, 8 + EXTRA)
        assert made.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)


def test_a_query_ranks_as_its_caption_would_and_keeps_its_own_cosine():
    bank, motions, texts = bank_of(7), drawn(8, 9, 8), drawn(9, 4, 8)
    found = balanced_motions(bank, motions)
    queries, captions = balanced_queries(bank, texts), balanced_texts(bank, texts)
    np.testing.assert_allclose(np.linalg.norm(queries, axis=1), 1, atol=1e-6)
    apart = (captions - queries) @ found.T
    np.testing.assert_allclose(apart, apart[:, :1].repeat(9, axis=1), atol=1e-6)
    usual = bank.usual[0] - bias(motions, bank.captions, 3)
    expected = (texts @ motions.T + 0.5 * np.clip(usual, -SPREAD, SPREAD)) / 1.25
    np.testing.assert_allclose(queries @ found.T, expected, atol=1e-5)


def test_a_hub_falls_behind_what_is_as_near_to_the_query_alone():
    captions = unit_rows(np.array([[1, 0.1, 0], [1, -0.1, 0], [1, 0, 0.1], [1, 0, -0.1]], np.float32))
    bank = Querybank(captions, captions, np.array([0.5, 0.5], np.float32), 4, 0.5)
    query = unit_rows(np.array([[1, 1, 0]], np.float32))
    hub, lone = np.array([[1, 0, 0]], np.float32), np.array([[0, 1, 0]], np.float32)
    assert (query @ hub.T).item() == pytest.approx((query @ lone.T).item())
    scores = balanced_texts(bank, query) @ balanced_motions(bank, np.concatenate([hub, lone])).T
    assert scores[0, 0] < scores[0, 1]


@pytest.fixture
def place(tmp_path):
    """A bundle with a querybank, its plain twin beside it."""
    make_bundle(tmp_path / "plain", joint_dim=32)
    shutil.copytree(tmp_path / "plain", tmp_path / "bank")
    rewrite(tmp_path / "bank", lambda config: config.update(joint_dim=36, querybank=told(0.5)))
    store(tmp_path / "bank", {})
    return tmp_path


def told(weight, nearest=3):
    return {"nearest": nearest, "weight": weight}


def rewrite(folder, change):
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))


def store(folder, changes):
    tensors = dict(read_safetensors(folder / "model.safetensors"))
    banks = {
        "querybank.captions": drawn(1, 12, 32),
        "querybank.motions": drawn(2, 9, 32),
        "querybank.usual": np.array([0.3, 0.3], np.float32),
    }
    write_safetensors(tensors | banks | changes, folder / "model.safetensors")


def test_a_bundle_embeds_with_it(place):
    plain, bank = load_bundle(place / "plain"), load_bundle(place / "bank")
    motion = np.random.default_rng(0).standard_normal((40, 263)).astype(np.float32)
    assert (bank.joint_dim, bank.encoded_dim, plain.encoded_dim) == (36, 32, 32)
    made = bank.embed_features([motion])
    np.testing.assert_array_equal(made, balanced_motions(bank.querybank, plain.embed_features([motion])))
    texts = bank.embed_texts(["a person walks"])
    np.testing.assert_array_equal(
        texts, balanced_queries(bank.querybank, plain.embed_texts(["a person walks"]))
    )
    assert made.shape == texts.shape == (1, 36)
    captions = bank.embed_captions(["a person walks"])
    np.testing.assert_array_equal(
        captions, balanced_texts(bank.querybank, plain.embed_captions(["a person walks"]))
    )


def test_it_is_part_of_what_a_model_is(place):
    first = load_bundle(place / "bank").id
    rewrite(place / "bank", lambda config: config.update(querybank=told(0.6)))
    assert len({first, load_bundle(place / "bank").id, load_bundle(place / "plain").id}) == 3


def test_it_is_packed_along(place):
    packed = load_bundle(pack_bundle(place / "bank", place / "packed"))
    assert packed.id == load_bundle(place / "bank").id
    assert packed.querybank is not None


@pytest.mark.parametrize(
    ("config", "tensors", "said"),
    [
        (told(2.0), {}, "querybank.weight is 2; it must be at most 1"),
        (told(0.5, nearest=40), {}, "querybank.captions has 12 rows; it must have 40 to"),
        (told(-1.0), {}, "querybank.weight"),
        (told(0.5), {"querybank.motions": drawn(1, 9, 31)}, "querybank.motions"),
        (told(0.5), {"querybank.captions": np.zeros((), np.float32)}, "querybank.captions has 0 rows"),
        (told(0.5), {"querybank.usual": np.zeros(3, np.float32)}, "querybank.usual"),
        ("much", {}, "querybank.nearest"),
    ],
)
def test_a_broken_one_is_refused_in_one_line(place, config, tensors, said):
    rewrite(place / "bank", lambda old: old.update(querybank=config))
    store(place / "bank", tensors)
    with pytest.raises(MotionaryError, match=said) as caught:
        load_bundle(place / "bank")
    assert "\n" not in str(caught.value)
