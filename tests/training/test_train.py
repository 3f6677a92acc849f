"""The trainer: it learns, it resumes to the bit, and it refuses what would mix two runs up."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from motionary.errors import MotionaryError
from motionary_training import train
from motionary_training.config import LossConfig, OptimiserConfig
from motionary_training.evaluate import model_scores, recalls
from motionary_training.losses import drop_triple, max_hinge, sum_hinge
from motionary_training.train import fit, load_run, loss_value
from tests.training.synthetic import tiny_config, tiny_pairs


class Stopped(Exception):
    """What a test stops a run with."""


def stop_after(number):
    def report(epoch):
        if epoch.number == number:
            raise Stopped

    return report


def same_weights(one, two):
    pairs = zip(one.state_dict().items(), two.state_dict().items(), strict=True)
    return all(name == other and torch.equal(a, b) for (name, a), (other, b) in pairs)


def test_it_learns_what_the_clips_tell():
    config = tiny_config(optimiser=OptimiserConfig(epochs=25, batch=12, learning_rate=1e-2, drop_epoch=20))
    learnt, asked = tiny_pairs(0, 60), tiny_pairs(1, 12)
    scores = model_scores(fit(config, learnt, None), asked, config.motion.max_frames)
    # Two clips share each word: guessing the word right gives R@5 of 100; chance is 42.
    assert recalls(scores, asked.owner)["text_to_motion"].at[5] > 90


@pytest.mark.parametrize("stopped_in", [0, 1, 2])
def test_a_run_that_was_stopped_and_resumed_ends_with_the_same_bits(tmp_path, stopped_in):
    config, learnt, val = tiny_config(select="best"), tiny_pairs(), tiny_pairs(1)
    unbroken = fit(config, learnt, val, run=tmp_path / "a")
    with pytest.raises(Stopped):
        fit(config, learnt, val, run=tmp_path / "b", report=stop_after(stopped_in))
    resumed = fit(config, learnt, val, run=tmp_path / "b", resume=True)
    assert same_weights(unbroken, resumed)
    (_, one, first), (_, two, second) = load_run(tmp_path / "a"), load_run(tmp_path / "b")
    assert same_weights(one, two)
    assert [(e.loss, e.r_sum) for e in first] == [(e.loss, e.r_sum) for e in second]


def test_another_seed_is_another_model():
    config, learnt = tiny_config(), tiny_pairs()
    assert same_weights(fit(config, learnt, None), fit(config, learnt, None))
    assert not same_weights(fit(config, learnt, None), fit(replace(config, seed=6), learnt, None))


def test_best_keeps_the_best_epoch_and_last_the_last(tmp_path, monkeypatch):
    # Validation is made to prefer epoch 1.
    scores = iter([1.0, 9.0, 2.0, 3.0] * 2)
    monkeypatch.setattr(train, "_validate", lambda *arguments: next(scores))
    config, learnt, val = tiny_config(select="best"), tiny_pairs(), tiny_pairs(1)
    kept = fit(config, learnt, val)
    last = fit(replace(config, select="last"), learnt, val)
    until_1 = fit(replace(config, optimiser=replace(config.optimiser, epochs=2)), learnt, None)
    assert same_weights(kept, until_1)
    assert not same_weights(kept, last)


def test_a_run_is_not_overwritten_nor_resumed_with_another_config(tmp_path):
    config, learnt = tiny_config(), tiny_pairs()
    fit(config, learnt, None, run=tmp_path)
    with pytest.raises(MotionaryError, match="already holds a run; add --resume"):
        fit(config, learnt, None, run=tmp_path)
    with pytest.raises(MotionaryError, match="another config"):
        fit(replace(config, seed=9), learnt, None, run=tmp_path, resume=True)


def test_a_checkpoint_that_is_no_checkpoint(tmp_path):
    with pytest.raises(MotionaryError, match=r"last\.pt: not found"):
        load_run(tmp_path)
    fit(tiny_config(), tiny_pairs(), None, run=tmp_path)
    (tmp_path / "last.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(MotionaryError, match=r"last\.pt: is damaged"):
        load_run(tmp_path)


def test_a_checkpoint_cannot_run_code(tmp_path):
    fit(tiny_config(), tiny_pairs(), None, run=tmp_path)
    touched = tmp_path / "touched"

    class Evil:
        def __reduce__(self):
            return type(touched).touch, (touched,)

    torch.save({"chosen": Evil()}, tmp_path / "last.pt")
    with pytest.raises(MotionaryError, match=r"last\.pt: is damaged"):
        load_run(tmp_path)
    assert not touched.exists()


def test_the_rate_drops_once(tmp_path):
    fit(tiny_config(), tiny_pairs(), None, run=tmp_path)
    stored = torch.load(tmp_path / "last.pt", weights_only=True)
    assert stored["optimiser"]["param_groups"][0]["lr"] == pytest.approx(1e-3)
    assert list((tmp_path / "log").iterdir())


def test_the_loss_is_the_sum_hinge_until_the_warm_up_is_over():
    S = torch.randn(5, 5, generator=torch.Generator().manual_seed(0))
    M = T = torch.ones(5, 5) * 0.8
    same = torch.eye(5, dtype=torch.bool)
    settings = LossConfig(warmup_epochs=2)
    assert loss_value(settings, 1, S, M, T, same) == sum_hinge(S, same)
    assert loss_value(settings, 2, S, M, T, same) == drop_triple(S, M, T, same)
    assert loss_value(replace(settings, name="max_hinge"), 2, S, M, T, same) == max_hinge(S, same)
    assert loss_value(replace(settings, name="sum_hinge"), 9, S, M, T, same) == sum_hinge(S, same)


def test_a_loss_that_is_no_number_ends_the_run():
    learnt = tiny_pairs()
    learnt.samples[0].features[:] = np.nan
    with pytest.raises(MotionaryError, match="epoch 0: the loss is not a number"):
        fit(tiny_config(), learnt, None)


def test_a_gpu_that_is_not_there():
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(MotionaryError, match="finds no GPU"):
        fit(tiny_config(device="cuda"), tiny_pairs(), None)
