"""The motion encoder against torch's own Transformer, in batches, at both ends of the lengths."""

import numpy as np
import pytest

from motionary.bundle import load_bundle
from motionary.errors import MotionaryError
from motionary.motion_encoder import FEATURES, encode_motions, make_motion_encoder
from motionary.motion_shape import MotionShape
from motionary.motion_weights import sinusoids
from motionary.safetensors import read_safetensors
from tests.bundles import make_bundle

SIZES = {"width": 64, "layers": 3, "heads": 4, "feedforward": 128, "max_frames": 200}
JOINT_DIM = 48


def motions(lengths, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(length, FEATURES)).astype(np.float32) for length in lengths]


@pytest.fixture(scope="module")
def torch_model():
    """The contract's model as torch modules, whose state_dict has the bundle's names."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    layer = torch.nn.TransformerEncoderLayer(
        SIZES["width"], SIZES["heads"], SIZES["feedforward"], activation="gelu", batch_first=True
    )
    motion = torch.nn.TransformerEncoder(layer, SIZES["layers"], enable_nested_tensor=False)
    motion.input = torch.nn.Linear(FEATURES, SIZES["width"])
    motion.projection = torch.nn.Linear(SIZES["width"], JOINT_DIM)
    motion.cls = torch.nn.Parameter(torch.zeros(SIZES["width"]))
    model = torch.nn.ModuleDict({"motion": motion})
    for (
        name,
        parameter,
    ) in model.named_parameters():  # norms and biases too: at 1 and 0 a mix-up would not show
        torch.nn.init.normal_(parameter, float("norm" in name and "weight" in name), 0.15)
    model.features = torch.nn.Module()
    model.features.register_buffer("mean", torch.randn(FEATURES))
    model.features.register_buffer("std", torch.rand(FEATURES) + 0.5)
    return model.eval()


@pytest.fixture(scope="module")
def encoder(torch_model, tmp_path_factory):
    library = pytest.importorskip("safetensors.torch")
    path = tmp_path_factory.mktemp("motion") / "model.safetensors"
    library.save_file(torch_model.state_dict(), path)
    return make_motion_encoder(
        read_safetensors(path), MotionShape(**SIZES), joint_dim=JOINT_DIM, origin=str(path)
    )


def torch_embedding(model, features):
    import torch

    motion = model.motion
    with torch.no_grad():
        x = motion.input((torch.tensor(features) - model.features.mean) / model.features.std)
        x = torch.cat([motion.cls[None], x])
        position = torch.arange(len(x))[:, None]
        rate = torch.exp(torch.arange(0, x.shape[1], 2) * (-np.log(10000.0) / x.shape[1]))
        x[:, 0::2] += torch.sin(position * rate)
        x[:, 1::2] += torch.cos(position * rate)
        state = torch.nn.functional.normalize(motion(x[None])[:, 0], dim=-1)
        return torch.nn.functional.normalize(motion.projection(state), dim=-1)[0].numpy()


def test_it_is_torch_s_transformer(torch_model, encoder):
    lengths = [1, 200, *np.random.default_rng(1).integers(1, 201, 98)]
    batch = motions(lengths)
    ours = encode_motions(encoder, batch)
    theirs = np.array([torch_embedding(torch_model, motion) for motion in batch])
    assert ours.dtype == np.float32
    assert np.sum(ours * theirs, axis=1).min() >= 0.999999
    np.testing.assert_allclose(ours, theirs, atol=2e-5)
    assert np.std(theirs, axis=0).max() > 0.01  # motions are told apart, so the above means something


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return load_bundle(make_bundle(tmp_path_factory.mktemp("bundle"))).motion


def test_padding_and_order_change_nothing(tiny):
    batch = motions([50, 1, 200, 7, 120, 7])
    alone = np.concatenate([encode_motions(tiny, [motion]) for motion in batch])
    np.testing.assert_allclose(encode_motions(tiny, batch), alone, atol=1e-6)
    np.testing.assert_allclose(encode_motions(tiny, batch[::-1]), alone[::-1], atol=1e-6)


@pytest.mark.parametrize(("frames", "start"), [(200, 0), (201, 0), (202, 1), (355, 77)])
def test_long_motions_are_cut_to_their_middle(tiny, frames, start):
    [motion] = motions([frames])
    np.testing.assert_array_equal(
        encode_motions(tiny, [motion]), encode_motions(tiny, [motion[start : start + 200]])
    )


def test_no_motions_give_no_rows(tiny):
    assert encode_motions(tiny, []).shape == (0, 32)


def test_double_precision_and_views_are_taken(tiny):
    [motion] = motions([40])
    wide = np.asfortranarray(motion.astype(np.float64))
    np.testing.assert_allclose(encode_motions(tiny, [wide]), encode_motions(tiny, [motion]), atol=1e-6)


@pytest.mark.parametrize("shape", [(0, 263), (10, 262), (10,), (2, 10, 263)])
def test_other_shapes_are_refused(tiny, shape):
    with pytest.raises(MotionaryError, match="motion 1 has features of shape"):
        encode_motions(tiny, [*motions([5]), np.zeros(shape)])


def test_what_is_not_finite_is_refused(tiny):
    [motion] = motions([5])
    motion[3, 100] = np.inf
    with pytest.raises(MotionaryError, match="motion 0 has features that are not finite"):
        encode_motions(tiny, [motion])


def test_positions_are_sines_and_cosines_in_turn():
    codes = sinusoids(3, 4)
    angles = np.array([[0, 0], [1, 0.01], [2, 0.02]])
    np.testing.assert_allclose(codes[:, ::2], np.sin(angles), atol=1e-7)
    np.testing.assert_allclose(codes[:, 1::2], np.cos(angles), atol=1e-7)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"width": 66}, "does not split"),
        ({"max_frames": 1 << 24}, "max_frames is"),
        ({"layers": 3}, "no tensor 'motion.layers.2"),
        ({"feedforward": 65}, "shape"),
        ({"stride": 33}, "stride is 33"),
        ({"kind": "mlp"}, "kind is 'mlp'"),
        ({"columns": "speeds"}, "columns is 'speeds'"),
        ({"columns": "positions"}, "motion.input.weight"),
        ({"kind": "gru"}, "motion.rnn.weight_ih_l0"),
        ({"kind": "bigru", "width": 33}, "two directions"),
        ({"kind": "patches"}, "motion.input.0.weight"),
        ({"kind": "patches", "max_frames": 2001}, "no more than 2000"),
    ],
)
def test_sizes_that_do_not_fit_the_tensors_are_refused(change, says, tmp_path):
    tensors = read_safetensors(make_bundle(tmp_path) / "model.safetensors")
    sizes = {"width": 32, "layers": 2, "heads": 4, "feedforward": 64, "max_frames": 200}
    make_motion_encoder(tensors, MotionShape(**sizes), joint_dim=32, origin="here")
    with pytest.raises(MotionaryError, match=r"motion\.projection\.weight"):
        make_motion_encoder(tensors, MotionShape(**sizes), joint_dim=31, origin="here")
    with pytest.raises(MotionaryError, match=says):
        make_motion_encoder(tensors, MotionShape(**{**sizes, **change}), joint_dim=32, origin="here")


def test_a_standard_deviation_of_zero_is_refused(tmp_path):
    tensors = read_safetensors(make_bundle(tmp_path) / "model.safetensors")
    tensors["features.std"] = np.zeros(FEATURES, np.float32)
    with pytest.raises(MotionaryError, match=r"features\.std"):
        make_motion_encoder(tensors, MotionShape(32, 2, 9, 4, 64), joint_dim=32, origin="here")
