"""The trainer: it learns, it goes on to the same end whatever stops it, and it says what went wrong."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from motionary.errors import MotionaryError
from motionary_training import train
from motionary_training.batches import frame_store, training_batches
from motionary_training.config import LossConfig, OptimiserConfig, load_config, shipped_configs
from motionary_training.data import subset
from motionary_training.distributed import World
from motionary_training.encoders.text_space import TextSpace
from motionary_training.evaluate import model_scores, recalls
from motionary_training.step import TALLY, learn, make_learner
from motionary_training.train import Epoch, fit, load_run
from tests.training.synthetic import tiny_config, tiny_pairs, write_text_encoder

CPU = torch.device("cpu")
EVERYTHING = tiny_config(
    select="best",
    loss=LossConfig("info_nce", warmup_epochs=1, queue=6, filter="in_batch"),
    optimiser=OptimiserConfig(
        epochs=4, batch=4, learning_rate=1e-2, schedule="cosine", rise_epochs=1, clip_norm=1.0, average=0.9
    ),
)
"""All that has a state: queue and its momentum copy, average, temperature, schedule, best score."""


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


def told(history):
    return [(epoch.loss, epoch.r_sum) for epoch in history]


def tallies(config, count=4, epoch=9):
    """What the first steps on tiny pairs come to, and the learner after them."""
    pairs = tiny_pairs()
    learner = make_learner(config, pairs, CPU, World())
    batches = training_batches(pairs, frame_store(pairs, CPU), config, learner.std, np.random.default_rng(0))
    found = [learn(learner, batch, epoch, 1.0) for _, batch in zip(range(count), batches, strict=False)]
    return [dict(zip(TALLY, one.tolist(), strict=True)) for one in found], learner


def test_it_learns_what_the_clips_tell():
    config = tiny_config(optimiser=OptimiserConfig(epochs=12, batch=12, learning_rate=1e-2, drop_epoch=10))
    learnt, asked = tiny_pairs(0, 60), tiny_pairs(1, 12)
    scores = model_scores(fit(config, learnt, None), asked, config.motion.max_frames)
    # Two clips share each word: guessing the word right gives R@5 of 100; chance is 42.
    assert recalls(scores, asked)["t2m R@5"] > 90


@pytest.mark.parametrize("stopped_in", [0, 1, 2])
def test_a_run_that_was_stopped_and_resumed_ends_with_the_same_bits(tmp_path, stopped_in):
    config, learnt, val = EVERYTHING, tiny_pairs(), tiny_pairs(1)
    unbroken = fit(config, learnt, val, run=tmp_path / "a")
    with pytest.raises(Stopped):
        fit(config, learnt, val, run=tmp_path / "b", report=stop_after(stopped_in))
    resumed = fit(config, learnt, val, run=tmp_path / "b", resume=True)
    assert same_weights(unbroken, resumed)
    (_, one, first), (_, two, second) = load_run(tmp_path / "a"), load_run(tmp_path / "b")
    assert same_weights(one, two)
    assert told(first) == told(second)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_the_middle_of_an_epoch_to_go_on_from(tmp_path, number):
    config, learnt, val = EVERYTHING, tiny_pairs(), tiny_pairs(1)
    unbroken = fit(config, learnt, val, run=tmp_path / "a")
    steps = []

    def interrupt(done, total):
        steps.append(done)
        if len(steps) == 9:  # of six steps an epoch
            os.kill(os.getpid(), number)

    with pytest.raises(MotionaryError, match=r"b: stopped in epoch 1, after 3 steps; all is saved"):
        fit(config, learnt, val, run=tmp_path / "b", step=interrupt)
    resumed = fit(config, learnt, val, run=tmp_path / "b", resume=True, step=interrupt)
    assert len(steps) == 24  # none was taken twice
    assert same_weights(unbroken, resumed)
    assert told(load_run(tmp_path / "a")[2]) == told(load_run(tmp_path / "b")[2])


KILLED = """
import sys, time
from pathlib import Path
from motionary_training.train import fit
from tests.training.synthetic import tiny_pairs
from tests.training.test_train import EVERYTHING

def step(done, total):
    if done > 2.4 * total / EVERYTHING.optimiser.epochs:
        print("in the middle of epoch 2", flush=True)
        time.sleep(600)

fit(EVERYTHING, tiny_pairs(), tiny_pairs(1), run=Path(sys.argv[1]), step=step)
"""


def test_a_run_that_was_killed_in_an_epoch_ends_as_an_unbroken_one(tmp_path):
    line = [sys.executable, "-c", KILLED, str(tmp_path / "b")]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in the middle of epoch 2\n"
        process.kill()
    assert process.returncode == -signal.SIGKILL
    learnt, val = tiny_pairs(), tiny_pairs(1)
    assert len(load_run(tmp_path / "b")[2]) == 2
    resumed = fit(EVERYTHING, learnt, val, run=tmp_path / "b", resume=True)
    unbroken = fit(EVERYTHING, learnt, val, run=tmp_path / "a")
    first, second = load_run(tmp_path / "a")[2], load_run(tmp_path / "b")[2]
    assert [e.loss for e in first] == pytest.approx([e.loss for e in second], abs=1e-6)
    assert [e.r_sum for e in first] == [e.r_sum for e in second]
    assert all(
        torch.allclose(value, resumed.state_dict()[name], atol=1e-6)
        for name, value in unbroken.state_dict().items()
    )


def test_a_run_stopped_in_its_first_epoch_has_no_model_yet(tmp_path):
    with pytest.raises(MotionaryError, match="stopped in epoch 0, after 1 steps"):
        fit(
            tiny_config(),
            tiny_pairs(),
            None,
            run=tmp_path,
            step=lambda *_: os.kill(os.getpid(), signal.SIGINT),
        )
    with pytest.raises(MotionaryError, match="stopped before its first epoch was over"):
        load_run(tmp_path)


def test_without_a_folder_a_signal_stops_at_once():
    with pytest.raises(KeyboardInterrupt):
        fit(tiny_config(), tiny_pairs(), None, step=lambda *_: os.kill(os.getpid(), signal.SIGINT))


def test_a_finished_run_is_resumed_to_itself(tmp_path):
    config, learnt = tiny_config(), tiny_pairs()
    once = fit(config, learnt, None, run=tmp_path)
    epochs = []
    assert same_weights(once, fit(config, learnt, None, run=tmp_path, resume=True, report=epochs.append))
    assert not epochs


def test_another_seed_is_another_model():
    config, learnt = tiny_config(), tiny_pairs()
    assert same_weights(fit(config, learnt, None), fit(config, learnt, None))
    assert not same_weights(fit(config, learnt, None), fit(replace(config, seed=6), learnt, None))


def validated_with(monkeypatch, *scores):
    given = iter(scores)
    monkeypatch.setattr(train, "_validate", lambda learner, val: (None, {"R-sum": next(given)}))


def test_best_keeps_the_best_epoch_and_last_the_last(monkeypatch):
    validated_with(monkeypatch, *[1.0, 9.0, 2.0, 3.0] * 2)
    config, learnt, val = tiny_config(select="best"), tiny_pairs(), tiny_pairs(1)
    kept = fit(config, learnt, val)
    last = fit(replace(config, select="last"), learnt, val)
    until_1 = fit(replace(config, optimiser=replace(config.optimiser, epochs=2)), learnt, None)
    assert same_weights(kept, until_1)
    assert not same_weights(kept, last)


@pytest.mark.parametrize(("patience", "epochs"), [(0, 4), (1, 2), (2, 4), (3, 4)])
def test_it_stops_when_validation_has_not_got_better_for_long_enough(monkeypatch, patience, epochs):
    validated_with(monkeypatch, 5.0, 5.0, 6.0, 4.0)
    config = tiny_config(select="best")
    history = []
    fit(
        replace(config, optimiser=replace(config.optimiser, patience=patience)),
        tiny_pairs(),
        tiny_pairs(1),
        report=history.append,
    )
    assert len(history) == epochs


def test_a_run_that_stopped_early_stays_stopped(tmp_path, monkeypatch):
    validated_with(monkeypatch, 5.0, 4.0)
    config = tiny_config(optimiser=replace(tiny_config().optimiser, patience=1))
    fit(config, tiny_pairs(), tiny_pairs(1), run=tmp_path)
    fit(config, tiny_pairs(), tiny_pairs(1), run=tmp_path, resume=True)
    assert len(load_run(tmp_path)[2]) == 2


def test_the_average_follows_the_weights_and_is_what_is_kept():
    config = tiny_config(optimiser=OptimiserConfig(epochs=2, batch=4, average=0.99, learning_rate=1e-2))
    learnt = tiny_pairs()
    kept = fit(config, learnt, None)
    plain = fit(replace(config, optimiser=replace(config.optimiser, average=0.0)), learnt, None)
    assert not same_weights(kept, plain)
    # Against the recursion, step by step.
    pairs = tiny_pairs()
    learner = make_learner(config, pairs, CPU, World())
    expected = {name: value.double().clone() for name, value in learner.model.named_parameters()}
    for epoch in range(2):
        rng = np.random.default_rng([config.seed, epoch])
        for batch in training_batches(pairs, frame_store(pairs, CPU), config, learner.std, rng):
            learn(learner, batch, epoch, 1.0)
            decay = min(0.99, (1 + learner.steps) / (10 + learner.steps))
            for name, value in learner.model.named_parameters():
                expected[name] = (decay * expected[name] + (1 - decay) * value.double()).detach()
    for name, value in kept.named_parameters():
        assert torch.allclose(value.double(), expected[name], atol=1e-6), name


def test_the_rate_drops_where_the_config_says(tmp_path):
    fit(tiny_config(), tiny_pairs(), None, run=tmp_path)
    stored = torch.load(tmp_path / "last.pt", weights_only=True)
    assert {group["lr"] for group in stored["optimiser"]["param_groups"]} == {1e-2 * 0.1}


def test_the_sentence_encoder_and_the_projection_have_rates_of_their_own():
    optimiser = OptimiserConfig(learning_rate=1e-2, text_learning_rate_factor=0.1, weight_decay=0.05)
    _, learner = tallies(tiny_config(optimiser=optimiser), 1)
    rates = {}
    for group in learner.optimiser.param_groups:
        for parameter in group["params"]:
            rates[id(parameter)] = (group["full_rate"], group["weight_decay"])
    model = learner.model
    assert rates[id(model.motion.input.weight)] == (1e-2, 0.05)
    assert rates[id(model.motion.input.bias)] == (1e-2, 0)
    assert rates[id(model.motion.layers[0].norm1.weight)] == (1e-2, 0)
    assert rates[id(model.text.projection.weight)] == (pytest.approx(1e-3), 0.05)
    assert rates[id(model.log_temperature)] == (1e-2, 0)
    assert len(rates) == len(list(model.parameters()))


def test_gradients_are_cut_to_the_norm_asked_for():
    free = OptimiserConfig(batch=4, learning_rate=1e-2)
    (first, *_), learner = tallies(tiny_config(optimiser=free), 1, epoch=0)
    (second, *_), cut = tallies(tiny_config(optimiser=replace(free, clip_norm=0.01)), 1, epoch=0)
    assert first["gradient_norm"] == second["gradient_norm"] > 0.01
    norms = [
        torch.cat([p.grad.flatten() for p in one.model.parameters() if p.grad is not None]).norm()
        for one in (learner, cut)
    ]
    assert float(norms[0]) == pytest.approx(first["gradient_norm"], rel=1e-5)
    assert float(norms[1]) == pytest.approx(0.01, rel=1e-3)


def test_the_temperature_is_learnt_within_bounds_or_not_at_all():
    hot = LossConfig("info_nce", warmup_epochs=0, filter="none")
    for learning, low, high in ((True, 0.01, 1.0), (False, 0.07, 0.07)):
        config = tiny_config(
            loss=replace(hot, learn_temperature=learning),
            optimiser=OptimiserConfig(batch=4, learning_rate=5.0),  # far enough to meet the bounds at once
        )
        _, learner = tallies(config, 4)
        found = float(learner.model.log_temperature.detach().exp())
        assert found == pytest.approx(low) or found == pytest.approx(high)
        assert learning != (found == pytest.approx(0.07))


def test_dropped_negatives_are_counted():
    loss = LossConfig(warmup_epochs=0, hetero_threshold=-1.0, homo_threshold=-1.0)
    (one, *_), _ = tallies(tiny_config(loss=loss), 1, epoch=0)
    assert one["negatives"] > 0
    assert one["dropped"] == one["negatives"]
    assert one["loss"] == 0
    (two, *_), _ = tallies(
        tiny_config(loss=replace(loss, hetero_threshold=2.0, homo_threshold=2.0)), 1, epoch=0
    )
    assert two["dropped"] == 0
    assert two["negatives"] == one["negatives"]
    (three, *_), _ = tallies(tiny_config(loss=replace(loss, warmup_epochs=1)), 1, epoch=0)
    assert three["dropped"] == 0  # the warm-up drops nothing


def test_the_log_has_the_numbers_and_the_picture(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    fit(EVERYTHING, tiny_pairs(), tiny_pairs(1), run=tmp_path)
    log = EventAccumulator(str(tmp_path / "log"))
    log.Reload()
    names = set(log.Tags()["scalars"])
    assert {"train/loss_per_pair", "train/learning_rate", "train/gradient_norm", "train/temperature"} <= names
    assert {"train/dropped_share", "train/clips_per_second", "val/R-sum, STRICT"} <= names
    history = load_run(tmp_path)[2]
    logged = [event.value for event in log.Scalars("train/loss_per_pair")]
    assert logged == pytest.approx([epoch.loss for epoch in history])
    rates = [event.value for event in log.Scalars("train/learning_rate")]
    assert rates[0] == pytest.approx(1e-2)
    assert rates == sorted(rates, reverse=True)
    assert [event.step for event in log.Images("val/similarity")] == [0, 3]
    assert (log.Images("val/similarity")[0].width, log.Images("val/similarity")[0].height) == (72, 72)


def test_progress_and_speed_are_told():
    steps, epochs = [], list[Epoch]()
    fit(tiny_config(), tiny_pairs(), None, step=lambda *told: steps.append(told), report=epochs.append)
    assert [done for done, _ in steps] == list(range(4, 97, 4))
    assert {total for _, total in steps} == {96}
    assert all(epoch.samples_per_second > 0 for epoch in epochs)


def test_a_loss_that_is_no_number_ends_the_run(tmp_path):
    learnt = tiny_pairs()
    learnt.samples[0].features[:] = np.nan
    with pytest.raises(MotionaryError, match="epoch 0: the loss is not a number"):
        fit(tiny_config(), learnt, None, run=tmp_path)
    assert not (tmp_path / "last.pt").exists()


def test_a_gpu_that_is_not_there():
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(MotionaryError, match='device is "cuda", but torch finds no such GPU'):
        fit(tiny_config(device="cuda"), tiny_pairs(), None)


def test_a_gpu_that_is_too_small_is_told_in_one_sentence(monkeypatch):
    def too_much(*arguments):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(train, "learn", too_much)
    with pytest.raises(MotionaryError, match="memory does not suffice for batches of 4 clips of 40 frames"):
        fit(tiny_config(), tiny_pairs(), None)


@pytest.mark.parametrize("name", shipped_configs())
def test_every_shipped_config_runs_a_step(name, monkeypatch):
    # The config's own sizes, on a few clips; its text encoder's vectors are drawn, so none has to be there.
    config = load_config(shipped_configs()[name])
    pairs = subset(tiny_pairs(0, 12), np.arange(12) < 6)
    untrained = TextSpace(pairs.sentences.shape[1]).state_dict()  # nor captions to learn a text space from
    monkeypatch.setattr("motionary_training.step.text_space_weights", lambda config: untrained)
    own = replace(config, device="cpu", compile=False, text=replace(config.text, finetune=False))
    learner = make_learner(own, pairs, CPU, World())
    before = {name: value.clone() for name, value in learner.model.named_parameters()}
    rng = np.random.default_rng(0)
    batch = next(training_batches(pairs, frame_store(pairs, CPU), own, learner.std, rng))
    for epoch in (0, config.loss.warmup_epochs):
        told = dict(zip(TALLY, learn(learner, batch, epoch, 1.0).tolist(), strict=True))
        assert told["pairs"] == len(batch.items) > 1
        assert 0 < told["loss"] < np.inf or epoch
        assert told["loss"] >= 0
    changed = {
        name for name, value in learner.model.named_parameters() if not torch.equal(value, before[name])
    }
    learns = {"motion", "text"} if config.optimiser.text_learning_rate_factor else {"motion"}
    assert {name.split(".")[0] for name in changed} & {"motion", "text"} == learns


def test_a_compiled_encoder_learns_the_same(monkeypatch):
    # The inductor needs a C++ compiler; what is ours is the padding to like lengths, so eager will do.
    compile_ = torch.compile
    lengths = set()

    def eager(module, **options):
        compiled = compile_(module, backend="eager", **options)

        def called(features, lengths_):
            lengths.add(features.shape[1])
            return compiled(features, lengths_)

        return called

    monkeypatch.setattr(torch, "compile", eager)
    plain, _ = tallies(tiny_config(motion=replace(tiny_config().motion, dropout=0.0)))
    compiled, _ = tallies(tiny_config(compile=True, motion=replace(tiny_config().motion, dropout=0.0)))
    for one, two in zip(plain, compiled, strict=True):
        assert one == pytest.approx(two, rel=1e-4)
    assert lengths
    assert all(length % 32 == 0 for length in lengths)


def test_a_sentence_encoder_that_learns_has_its_own_rate_and_is_saved_and_loaded(tmp_path):
    text = replace(write_text_encoder(tmp_path / "text"), finetune=True, finetune_learning_rate=1e-3)
    config = tiny_config(text=text, optimiser=OptimiserConfig(epochs=1, batch=12, learning_rate=1e-2))
    draw = np.random.default_rng(0)
    tokens = torch.from_numpy(draw.integers(5, 15, (24, 4)))
    pairs = replace(tiny_pairs(), tokens=tokens, token_mask=torch.ones_like(tokens))
    before = make_learner(config, pairs, CPU, World())
    assert before.model.text.encoder is not None
    own = {id(parameter) for parameter in before.model.text.encoder.parameters()}
    for group in before.optimiser.param_groups:
        at_its_rate = group["full_rate"] == 1e-3
        assert all((id(parameter) in own) == at_its_rate for parameter in group["params"])
    model = fit(config, pairs, None, run=tmp_path / "run")
    _, loaded, _ = load_run(tmp_path / "run")
    assert same_weights(model, loaded)
    assert not same_weights(loaded.text.encoder, before.model.text.encoder)
