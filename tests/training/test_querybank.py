"""The querybank of a trained model: torch and numpy agree, banks come from where the config says."""

from dataclasses import replace

import numpy as np
import torch

from motionary import querybank as core
from motionary_training.config import QuerybankConfig
from motionary_training.encoders.querybank import Querybank
from motionary_training.evaluate import embed_motions, embed_texts
from motionary_training.querybank import with_querybank
from motionary_training.train import fit
from tests.training.synthetic import tiny_config, tiny_pairs


def drawn(seed, *shape):
    made = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(made, dim=1)


def test_torch_and_numpy_agree():
    bank = Querybank(drawn(0, 40, 8), drawn(1, 30, 8), nearest=4, weight=0.5)
    bank.settle(drawn(2, 20, 8), drawn(3, 20, 8))
    assert bank.usual.min() > 0
    same = core.Querybank(bank.captions.numpy(), bank.motions.numpy(), bank.usual.numpy(), 4, 0.5)
    vectors = drawn(4, 50, 8)
    for ours, theirs in (
        (bank.balanced_motions(vectors), core.balanced_motions(same, vectors.numpy())),
        (bank.balanced_texts(vectors), core.balanced_texts(same, vectors.numpy())),
    ):
        np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-6)


def test_a_model_gets_one_of_its_own_clips_and_captions():
    config, pairs = tiny_config(), tiny_pairs()
    model = fit(config, pairs, None)
    plain = embed_motions(model, pairs.samples, 40)
    same = with_querybank(config, model, pairs)
    np.testing.assert_array_equal(embed_motions(same, pairs.samples, 40), plain)
    asked = replace(config, querybank=QuerybankConfig(weight=0.5, nearest=3, captions=10))
    balanced = with_querybank(asked, model, pairs)
    assert balanced.querybank.captions.shape == (10, 8)
    assert balanced.querybank.motions.shape == (12, 8)
    longer = embed_motions(balanced, pairs.samples, 40)
    assert longer.shape == embed_texts(balanced, pairs)[:12].shape == (12, 8 + core.EXTRA)
    np.testing.assert_allclose(longer[:, :8] * np.sqrt(1.25), plain, atol=1e-6)


def test_a_second_bank_is_made_of_the_plain_vectors():
    config, pairs = tiny_config(querybank=QuerybankConfig(weight=0.5, nearest=3)), tiny_pairs()
    model = with_querybank(config, fit(config, pairs, None), pairs)
    once = embed_motions(model, pairs.samples, 40)
    np.testing.assert_array_equal(
        embed_motions(with_querybank(config, model, pairs), pairs.samples, 40), once
    )
