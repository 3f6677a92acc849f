"""The statistics of a whole clip beside its sequence: against loops, blind to padding, and used."""

import math

import numpy as np
import pytest
import torch

from motionary.errors import MotionaryError
from motionary.motion_shape import read_shape
from motionary_training.config import Config, MotionConfig
from motionary_training.encoders import make_model
from motionary_training.encoders.summary import summary_statistics


def test_statistics_are_those_of_the_real_steps_alone():
    draw = np.random.default_rng(0)
    steps = 3 * draw.standard_normal((3, 7, 5))
    counts = [7, 1, 4]
    found = summary_statistics(torch.from_numpy(steps), torch.tensor(counts)).numpy()
    for clip, count, row in zip(steps, counts, found, strict=True):
        real = clip[:count]
        expected = [real[:, c].mean() for c in range(5)]
        expected += [math.sqrt(real[:, c].var() + 1e-5) for c in range(5)]
        expected += [max(-4, min(4, max(real[:, c]))) / 2 for c in range(5)]
        expected += [max(-4, min(4, min(real[:, c]))) / 2 for c in range(5)]
        expected += [sum(abs(real[t, c] - real[t - 1, c]) for t in range(1, count)) / count for c in range(5)]
        np.testing.assert_allclose(row, [*expected, math.log(count)], atol=1e-9)


def test_a_still_clip_sends_back_finite_gradients():
    steps = torch.zeros(2, 4, 3, requires_grad=True)
    summary_statistics(steps, torch.tensor([4, 1])).sum().backward()
    assert torch.isfinite(steps.grad).all()


def test_summary_and_sequence_both_count():
    torch.manual_seed(0)
    motion = MotionConfig(width=8, layers=1, heads=2, feedforward=8, max_frames=20, summary=True)
    model = make_model(
        Config("s", joint_dim=6, motion=motion), torch.zeros(263), torch.ones(263), text_width=4
    )
    features, lengths = torch.randn(2, 12, 263), torch.tensor([12, 9])
    before = model.eval().embed_motions(features, lengths)
    for part in (model.motion.summary, model.motion.sequence.projection):
        weight = part.weight.detach().clone()
        torch.nn.init.zeros_(part.weight)
        assert (model.embed_motions(features, lengths) - before).abs().max() > 1e-3
        part.weight.data.copy_(weight)
    torch.testing.assert_close(model.embed_motions(features, lengths), before)


def test_a_bundle_that_says_neither_yes_nor_no_is_refused():
    told = {"motion": {"width": 8, "layers": 1, "max_frames": 20, "heads": 2, "feedforward": 8, "summary": 1}}
    with pytest.raises(MotionaryError, match=r"motion\.summary is 1; it must be true or false"):
        read_shape(told, "config.json")
