"""The encoders: padding, order, stride, columns, what they have in common and what sets them apart."""

import dataclasses
import math

import pytest
import torch

from motionary.errors import MotionaryError
from motionary_training.config import DataConfig, LossConfig, MotionConfig
from motionary_training.encoders import TextTower, make_model, positions
from motionary_training.encoders.steps import averaged
from tests.training.synthetic import tiny_config, write_text_encoder

KINDS = ("transformer", "gru", "lstm", "bigru", "patches")
SHAPE = MotionConfig(width=16, layers=2, heads=4, feedforward=32, dropout=0.1, max_frames=50)


def model_of(width=263, **changes):
    torch.manual_seed(0)
    config = tiny_config(motion=dataclasses.replace(SHAPE, **changes))
    return make_model(config, torch.zeros(width), torch.ones(width), text_width=12).eval()


@pytest.fixture
def model():
    return model_of()


def test_the_transformer_s_parameters_have_the_bundle_s_names(model):
    names = set(model.state_dict())
    layer = ("self_attn.in_proj_weight", "self_attn.out_proj.bias", "linear1.weight", "norm2.bias")
    assert names >= {f"motion.layers.{i}.{part}" for i in range(2) for part in layer}
    assert names >= {"features.mean", "features.std", "motion.cls", "motion.input.weight"}
    assert names >= {"motion.projection.bias", "text.projection.weight"}
    assert model.state_dict()["motion.cls"].shape == (16,)


@pytest.mark.parametrize("kind", KINDS)
def test_both_sides_are_unit_vectors(kind):
    model = model_of(kind=kind)
    motions = model.embed_motions(torch.randn(3, 20, 263), torch.tensor([20, 5, 1]))
    texts = model.embed_texts(torch.randn(3, 12))
    assert motions.shape == texts.shape == (3, 8)
    assert torch.allclose(motions.norm(dim=1), torch.ones(3))
    assert torch.allclose(texts.norm(dim=1), torch.ones(3))


@pytest.mark.parametrize("stride", [1, 4])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_behind_a_clip_s_end_changes_nothing_nor_does_the_batch(kind, stride):
    model = model_of(kind=kind, stride=stride)
    features = torch.randn(3, 30, 263)
    lengths = torch.tensor([30, 13, 1])
    alone = torch.cat(
        [model.motion(row[None, :n], n[None]) for row, n in zip(features, lengths, strict=True)]
    )
    for row, length in zip(features, lengths, strict=True):
        row[length:] = 1e3
    assert torch.allclose(model.motion(features, lengths), alone, atol=1e-5)
    turned = model.motion(features.flip(0), lengths.flip(0)).flip(0)
    assert torch.allclose(turned, alone, atol=1e-5)
    assert (alone @ alone.T)[0, 1] < 0.9999  # told apart, so the above means something


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_frames_matters(kind):
    model = model_of(kind=kind, stride=3)
    features = torch.randn(1, 30, 263)
    length = torch.tensor([30])
    cosine = (model.motion(features, length) * model.motion(features.flip(1), length)).sum()
    assert cosine < 0.9999


@pytest.mark.parametrize("width", [263, 251])
@pytest.mark.parametrize("kind", KINDS)
def test_a_block_reads_its_own_columns_and_no_others(kind, width):
    joints = (width + 1) // 12
    starts = {"positions": 4, "rotations": 1 + 3 * joints, "velocities": 9 * joints - 5}
    ends = {"positions": 1 + 3 * joints, "rotations": 9 * joints - 5, "velocities": width - 4}
    for block, start in starts.items():
        model = model_of(width, kind=kind, features=block)
        features = torch.randn(1, 9, width, requires_grad=True)
        model.motion(features, torch.tensor([9]))[0, 0].backward()
        read = features.grad[0].abs().sum(0) > 0
        wanted = torch.zeros(width, dtype=torch.bool)
        wanted[:4] = wanted[-4:] = wanted[start : ends[block]] = True
        assert torch.equal(read, wanted), block


@pytest.mark.parametrize("kind", KINDS)
def test_every_weight_learns(kind):
    model = model_of(kind=kind).train()
    model.motion(torch.randn(4, 20, 263), torch.tensor([20, 9, 5, 12])).sum().backward()
    assert all(
        weight.grad is not None and weight.grad.abs().sum() > 0 for weight in model.motion.parameters()
    )


def test_a_step_is_the_mean_of_its_real_frames():
    features = torch.arange(14.0).reshape(2, 7, 1)
    means, steps = averaged(features, torch.tensor([7, 4]), 3)
    assert steps.tolist() == [3, 2]
    assert means[0, :, 0].tolist() == [1, 4, 6]
    assert means[1, :2, 0].tolist() == [8, 10]


def test_a_patch_sees_its_own_part_and_time_alone():
    """Exchanging two patches' content and nothing else changes the vector: place and part are told."""
    model = model_of(kind="patches", stride=5)
    features = torch.randn(1, 10, 263)
    swapped = torch.cat([features[:, 5:], features[:, :5]], dim=1)
    length = torch.tensor([10])
    assert not torch.allclose(model.motion(features, length), model.motion(swapped, length), atol=1e-4)


def test_features_of_another_width_are_refused():
    with pytest.raises(MotionaryError, match="features are 100 wide"):
        model_of(100)


def test_without_normalisation_the_features_are_taken_as_they_are():
    config = tiny_config(data=DataConfig(normalise=False), loss=LossConfig(temperature=0.5))
    model = make_model(config, torch.full((263,), 3.0), torch.full((263,), 2.0), text_width=12)
    features = torch.randn(2, 5, 263)
    assert torch.equal(model.features(features), features)
    assert model.log_temperature.exp().item() == pytest.approx(0.5)


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
    tower = TextTower(12, 8)  # the sentences span 4 of 12 directions; 8 hold them all
    tower.start_at_principal_axes(sentences)
    joint = tower(sentences)
    assert torch.allclose(joint @ joint.T, sentences @ sentences.T, atol=1e-5)


@pytest.mark.parametrize("distil", [False, True], ids=["bert", "distilbert"])
def test_a_text_encoder_that_learns_is_part_of_the_model(tmp_path, distil):
    text = dataclasses.replace(write_text_encoder(tmp_path / "text", distil=distil), finetune=True)
    model = make_model(tiny_config(text=text), torch.zeros(263), torch.ones(263), text_width=16)
    assert any(name.startswith("text.encoder.") for name in model.state_dict())
    tokens, mask = torch.tensor([[2, 6, 9, 3], [2, 5, 3, 0]]), torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])
    model.embed_texts(None, tokens, mask).sum().backward()
    assert all(weight.grad is not None for weight in model.text.parameters())
    model.eval()
    alone = model.text.encode(tokens[1:, :3], mask[1:, :3])
    assert torch.allclose(model.text.encode(tokens, mask)[1:], alone, atol=1e-5)


def test_a_frozen_text_encoder_takes_vectors_and_no_tokens(model):
    with pytest.raises(ValueError, match="frozen"):
        model.text.encode(torch.ones(1, 2, dtype=torch.int64), torch.ones(1, 2))
