"""The numpy encoders of the core against the torch ones, on random weights: every kind, ragged lengths."""

import dataclasses

import numpy as np
import pytest
import torch

from motionary.motion_encoder import encode_motions, make_motion_encoder
from motionary.motion_shape import MotionShape
from motionary_training.config import Config, MotionConfig
from motionary_training.encoders import make_model

CASES = {
    "transformer": MotionConfig(),
    "transformer, strided": MotionConfig(stride=4, features="positions"),
    "transformer, rotations": MotionConfig(features="rotations"),
    "gru": MotionConfig(kind="gru"),
    "gru, strided": MotionConfig(kind="gru", stride=3, features="velocities"),
    "lstm": MotionConfig(kind="lstm", stride=2),
    "bigru": MotionConfig(kind="bigru"),
    "bigru, strided": MotionConfig(kind="bigru", stride=5),
    "patches": MotionConfig(kind="patches", stride=4),
    "patches of one frame": MotionConfig(kind="patches", features="rotations"),
    "transformer with a summary": MotionConfig(stride=4, summary=True),
    "gru with a summary": MotionConfig(kind="gru", features="positions", summary=True),
    "patches of positions": MotionConfig(kind="patches", stride=7, features="positions"),
}
LENGTHS = [1, 37, 60, 2, 59, 4, 5, 8]


@pytest.mark.parametrize("motion", CASES.values(), ids=CASES.keys())
def test_numpy_is_torch(motion):
    motion = dataclasses.replace(motion, width=24, layers=2, heads=4, feedforward=40, max_frames=60)
    torch.manual_seed(3)
    mean, std = torch.randn(263), torch.rand(263) + 0.5
    model = make_model(Config("parity", joint_dim=8, motion=motion), mean, std, text_width=4).eval()
    for name, weight in model.motion.named_parameters():  # at 1 and 0 a mix-up of norms would not show
        torch.nn.init.normal_(weight, float("norm" in name and "weight" in name), 0.2)
    shape = MotionShape(
        *(24, 2, 60),
        heads=4,
        feedforward=40,
        kind=motion.kind,
        columns=motion.features,
        stride=motion.stride,
        summary=motion.summary,
    )
    tensors = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    encoder = make_motion_encoder(tensors, shape, joint_dim=8, origin="here")

    draw = np.random.default_rng(0)
    clips = [draw.standard_normal((length, 263)).astype(np.float32) for length in LENGTHS]
    padded = torch.full((len(clips), 64, 263), torch.inf)
    for row, clip in zip(padded, clips, strict=True):
        row[: len(clip)] = torch.from_numpy(clip)
    padded[:, 60:] = 7.0
    with torch.inference_mode():
        together = model.embed_motions(padded.nan_to_num(posinf=1e4), torch.tensor(LENGTHS)).numpy()
        alone = [
            model.embed_motions(torch.from_numpy(clip)[None], torch.tensor([len(clip)]))[0].numpy()
            for clip in clips
        ]
    ours = encode_motions(encoder, clips)
    np.testing.assert_allclose(ours, alone, atol=1e-4)
    np.testing.assert_allclose(together, alone, atol=1e-4)
    order = draw.permutation(len(clips))
    np.testing.assert_allclose(encode_motions(encoder, [clips[n] for n in order]), ours[order], atol=1e-5)
    assert np.std(ours, axis=0).max() > 0.05  # clips are told apart, so the above means something
