"""The encoders: padding, positions, and the same numbers as the bundle's numpy ones."""

import math

import pytest
import torch

from motionary_training.config import MotionConfig
from motionary_training.encoders import DualEncoder, TextProjection, positions

SHAPE = MotionConfig(width=16, layers=2, heads=4, feedforward=32, dropout=0.1, max_frames=50)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return DualEncoder(SHAPE, torch.zeros(263), torch.ones(263), text_width=12, joint_dim=8).eval()


def test_the_parameters_have_the_bundle_s_names(model):
    names = set(model.state_dict())
    layer = ("self_attn.in_proj_weight", "self_attn.out_proj.bias", "linear1.weight", "norm2.bias")
    assert names >= {f"motion.layers.{i}.{part}" for i in range(2) for part in layer}
    assert names >= {"features.mean", "features.std", "motion.cls", "motion.input.weight"}
    assert names >= {"motion.projection.bias", "text.projection.weight"}
    assert model.state_dict()["motion.cls"].shape == (16,)


def test_both_sides_are_unit_vectors(model):
    motions = model.motion(torch.randn(3, 20, 263), torch.tensor([20, 5, 1]))
    texts = model.text(torch.randn(3, 12))
    assert torch.allclose(motions.norm(dim=1), torch.ones(3))
    assert torch.allclose(texts.norm(dim=1), torch.ones(3))


def test_what_is_behind_a_clip_s_end_changes_nothing(model):
    features = torch.randn(1, 30, 263)
    alone = model.motion(features[:, :12], torch.tensor([12]))
    features[:, 12:] = 1e3
    assert torch.allclose(model.motion(features, torch.tensor([12])), alone, atol=1e-5)


def test_the_order_of_frames_matters(model):
    features = torch.randn(1, 30, 263)
    length = torch.tensor([30])
    cosine = (model.motion(features, length) * model.motion(features.flip(1), length)).sum()
    assert cosine < 0.9999


def test_positions_are_the_sinusoids_of_the_paper():
    table = positions(7, 6)
    for place in range(7):
        for pair in range(3):
            angle = place / 10000 ** (2 * pair / 6)
            assert table[place, 2 * pair] == pytest.approx(math.sin(angle), abs=1e-6)
            assert table[place, 2 * pair + 1] == pytest.approx(math.cos(angle), abs=1e-6)


def test_principal_axes_keep_the_texts_own_cosines():
    torch.manual_seed(1)
    sentences = torch.nn.functional.normalize(torch.randn(9, 4) @ torch.randn(4, 12), dim=1)
    projection = TextProjection(12, 8)  # the sentences span 4 of 12 directions; 8 hold them all
    projection.start_at_principal_axes(sentences)
    joint = projection(sentences)
    assert torch.allclose(joint @ joint.T, sentences @ sentences.T, atol=1e-5)
