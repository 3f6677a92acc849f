"""The trainer: one run from a Config to a folder of checkpoints, resumable to the bit.

All randomness of an epoch's batches follows from (seed, epoch), and all of a step's dropout from (seed, step,
rank): a run that was stopped goes on to what an unbroken one ends with, whatever stopped it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from motionary.errors import MotionaryError
from motionary_training.batches import FrameStore, frame_store, training_batches
from motionary_training.checkpoint import (
    asked_to_stop,
    open_run,
    read_checkpoint,
    read_config,
    write_checkpoint,
)
from motionary_training.config import Config
from motionary_training.data import Pairs
from motionary_training.distributed import World, first_says, is_first, joined, local_rank
from motionary_training.encoders import DualEncoder, make_model
from motionary_training.evaluate import model_scores, recalls
from motionary_training.metrics import Embedded
from motionary_training.step import TALLY, Learner, build_model, learn, make_learner

__all__ = ["Epoch", "build_model", "fit", "load_run", "pick_device"]

PICTURE_EVERY = 5
"""Epochs from one picture of the validation set's similarities to the next."""
PICTURE_PAIRS = 64
"""Motions, and captions, in such a picture, each entry ``PICTURE_SCALE`` pixels wide."""
PICTURE_SCALE = 6

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to. loss: mean of a pair. r_sum: of validation, both ways, STRICT, or None.

    seconds: with validation. samples_per_second: pairs learnt from, without it.
    """

    number: int
    loss: float
    r_sum: float | None
    seconds: float
    samples_per_second: float = 0.0


@dataclass
class _Course:
    """Where a run is. step: taken in the epoch that follows ``history``, which tell of ``totals`` so far."""

    history: list[Epoch]
    best_score: float
    chosen: dict[str, Tensor]
    step: int
    totals: Tensor

    @property
    def epoch(self) -> int:
        return len(self.history)


def fit(
    config: Config,
    train: Pairs,
    val: Pairs | None,
    *,
    run: Path | None = None,
    resume: bool = False,
    report: Callable[[Epoch], None] = lambda epoch: None,
    step: Callable[[int, int], None] = lambda done, total: None,
) -> DualEncoder:
    """Train from the config's seed, or on from ``run``'s checkpoint, and return the selected model.

    Under torchrun, all ranks learn one model and rank 0 alone writes and tells. ``report`` hears of each
    epoch, ``step`` of the pairs learnt from and in all. Raises MotionaryError where ``run`` cannot be resumed
    or is taken, where the loss is no number, where the GPU's memory does not suffice, and after Ctrl-C or
    SIGTERM, when the run is saved.
    """
    device = pick_device(config)
    if config.threads:
        torch.set_num_threads(config.threads)
    with joined(device) as world, _stop_asked(run, world) as stop, _faults_told(config, stop):
        first = world.rank == 0
        stored = open_run(run, config, resume=resume, write=first) if run else None
        learner = make_learner(config, train, device, world)
        course = _restored(learner, stored) if stored else _Course([], float("-inf"), {}, 0, _nothing(device))
        writer = SummaryWriter(str(run / "log"), purge_step=course.epoch) if run and first else None
        try:
            _learn_epochs(learner, course, val, run, writer, stop, report, step)
        finally:
            if writer:
                writer.close()
    model = learner.model
    model.load_state_dict(course.chosen or _weights(learner.evaluated))
    return model.eval()


def load_run(run: Path) -> tuple[Config, DualEncoder, list[Epoch]]:
    """The config, the selected model (in eval mode, on the CPU) and the history of a run folder."""
    stored = read_checkpoint(run)
    config, weights = read_config(run), stored["chosen"]
    if not weights:
        raise MotionaryError(f"{run}: stopped before its first epoch was over; train on with --resume")
    mean, std = weights["features.mean"], weights["features.std"]
    model = make_model(config, mean, std, text_width=_text_width(weights))
    model.load_state_dict(weights)
    return config, model.eval(), [Epoch(**line) for line in stored["history"]]


def _text_width(weights: dict[str, Tensor]) -> int:
    """W of the sentence vectors that a model with these weights takes."""
    first = "text.space.linear.weight" if "text.space.linear.weight" in weights else "text.projection.weight"
    return int(weights[first].shape[1])


def pick_device(config: Config) -> torch.device:
    """The device of the config; "auto" is the GPU where there is one, under torchrun the rank's own."""
    found = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    kind = next(kind for kind in found if found[kind]) if config.device == "auto" else config.device
    if not found[kind]:
        raise MotionaryError(
            f'device is "{kind}", but torch finds no such GPU here; set it to "auto" or "cpu"'
        )
    if kind == "cuda":
        torch.cuda.set_device(local_rank())
        return torch.device("cuda", local_rank())
    return torch.device(kind)


def _learn_epochs(
    learner: Learner,
    course: _Course,
    val: Pairs | None,
    run: Path | None,
    writer: SummaryWriter | None,
    stop: Callable[[], bool],
    report: Callable[[Epoch], None],
    step: Callable[[int, int], None],
) -> None:
    config, world = learner.config, learner.world
    store = frame_store(learner.pairs, learner.device)
    while course.epoch < config.optimiser.epochs and not _has_stalled(config, course.history):
        began = perf_counter()
        learnt = _learn_epoch(learner, course, store, run, stop, step)
        told = dict(zip(TALLY, course.totals.tolist(), strict=True))  # waits for a GPU, once an epoch
        speed = learnt / (perf_counter() - began)
        if not np.isfinite(told["loss"]):
            raise MotionaryError(
                f"epoch {course.epoch}: the loss is not a number; lower optimiser.learning_rate"
            )
        scores, found = _validate(learner, val) if val and world.rank == 0 else (None, {"R-sum": 0.0})
        r_sum = first_says(world, found["R-sum"], learner.device) if val else None
        score = course.epoch if r_sum is None or config.select == "last" else r_sum
        if score > course.best_score:
            course.best_score, course.chosen = score, _weights(learner.evaluated)
        loss = told["loss"] / max(told["pairs"], 1)
        epoch = Epoch(course.epoch, loss, r_sum, perf_counter() - began, speed)
        course.history.append(epoch)
        course.step, course.totals = 0, _nothing(learner.device)
        if world.rank == 0:
            if run:
                write_checkpoint(run, _state(learner, course))
            if writer:
                _log(writer, learner, epoch, told, found)
                if scores is not None and val and _is_pictured(config, epoch.number):
                    writer.add_image("val/similarity", _picture(scores, val), epoch.number)
            report(epoch)
            if run and stop() and course.epoch < config.optimiser.epochs:
                raise _stopped(run, course)


def _learn_epoch(
    learner: Learner,
    course: _Course,
    store: FrameStore,
    run: Path | None,
    stop: Callable[[], bool],
    step: Callable[[int, int], None],
) -> int:
    """Learn from what is left of the epoch; how many pairs that was, over all ranks."""
    config, world, number = learner.config, learner.world, course.epoch
    rng = np.random.default_rng([config.seed, number])
    batches = training_batches(learner.pairs, store, config, learner.std, rng, shard=(world.rank, world.size))
    whole = _pairs_an_epoch(config, learner.pairs)
    seen, before = 0, 0
    for at, batch in enumerate(batches):
        seen += batch.total
        if at < course.step:
            before = seen
            continue
        course.totals += learn(learner, batch, number, min(seen / whole, 1.0))
        course.step += 1
        if world.rank == 0:
            step(number * whole + seen, config.optimiser.epochs * whole)
            if run and stop():
                write_checkpoint(run, _state(learner, course))
                raise _stopped(run, course)
    return seen - before


def _stopped(run: Path, course: _Course) -> MotionaryError:
    where = (
        f"in epoch {course.epoch}, after {course.step} steps"
        if course.step
        else f"before epoch {course.epoch}"
    )
    return MotionaryError(f"{run}: stopped {where}; all is saved, --resume goes on from there")


def _pairs_an_epoch(config: Config, pairs: Pairs) -> int:
    return len(pairs.owner) if config.data.captions == "all" else len(np.unique(pairs.owner))


def _has_stalled(config: Config, history: list[Epoch]) -> bool:
    """Whether the last ``patience`` epochs all failed to better validation's R-sum."""
    patience = config.optimiser.patience
    scores = [epoch.r_sum for epoch in history if epoch.r_sum is not None]
    return bool(patience) and len(scores) > patience and max(scores[-patience:]) <= max(scores[:-patience])


def _validate(learner: Learner, val: Pairs) -> tuple[Embedded, dict[str, float]]:
    """The embeddings of the validation set, and what they come to under STRICT."""
    scores = model_scores(learner.evaluated, val, learner.config.motion.max_frames)
    return scores, recalls(scores, val)


def _state(learner: Learner, course: _Course) -> dict[str, Any]:
    """All that is needed to go on, and the selected weights. The schedule is a function of the place."""
    return {
        "model": learner.model.state_dict(),
        "optimiser": learner.optimiser.state_dict(),
        "average": learner.average.state_dict() if learner.average else None,
        "queue": learner.queue.state_dict() if learner.queue else None,
        "steps": learner.steps,
        "step": course.step,
        "totals": course.totals,
        "best_score": course.best_score,
        "chosen": course.chosen,
        "history": [dataclasses.asdict(line) for line in course.history],
    }


def _restored(learner: Learner, stored: dict[str, Any]) -> _Course:
    """Put a checkpoint's state back, all of it."""
    learner.model.load_state_dict(stored["model"])
    learner.optimiser.load_state_dict(stored["optimiser"])
    if learner.average:
        learner.average.load_state_dict(stored["average"])
    if learner.queue:
        learner.queue.load_state_dict(stored["queue"])
    learner.steps = stored["steps"]
    return _Course(
        [Epoch(**line) for line in stored["history"]],
        stored["best_score"],
        stored["chosen"],
        stored["step"],
        stored["totals"].to(learner.device),
    )


def _stop_asked(run: Path | None, world: World) -> AbstractContextManager[Callable[[], bool]]:
    """Without a folder to save to, Ctrl-C stops at once, as usual."""
    return asked_to_stop(insist=world.size > 1) if run else nullcontext(lambda: False)


def _nothing(device: torch.device) -> Tensor:
    # In float64: a long epoch's sum would lose its last steps in float32. A GPU of Apple's has no float64.
    return torch.zeros(
        len(TALLY), dtype=torch.float32 if device.type == "mps" else torch.float64, device=device
    )


def _weights(model: DualEncoder) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}


def _log(
    writer: SummaryWriter, learner: Learner, epoch: Epoch, told: dict[str, float], found: dict[str, float]
) -> None:
    scalars = {
        "train/loss_per_pair": epoch.loss,
        "train/learning_rate": learner.optimiser.param_groups[0]["lr"],
        "train/gradient_norm": told["gradient_norm"] / max(told["steps"], 1),
        "train/temperature": float(learner.model.log_temperature.detach().exp()),
        "train/dropped_share": told["dropped"] / max(told["negatives"], 1),
        "train/seconds": epoch.seconds,
        "train/clips_per_second": epoch.samples_per_second,
    }
    if epoch.r_sum is not None:
        scalars |= {f"val/{name}, STRICT": value for name, value in found.items()}
    for name, value in scalars.items():
        writer.add_scalar(name, value, epoch.number)


def _is_pictured(config: Config, number: int) -> bool:
    return number % PICTURE_EVERY == 0 or number + 1 == config.optimiser.epochs


def _picture(scores: Embedded, val: Pairs) -> NDArray[np.uint8]:
    """(3, H, W): captions down, motions across, each motion's first caption on the diagonal; -1 is black."""
    motions = np.unique(val.owner)[:PICTURE_PAIRS]
    captions = np.searchsorted(val.owner, motions)
    cosines = scores.texts[captions] @ scores.motions[motions].T
    grey = np.clip((cosines + 1) * 127.5, 0, 255).astype(np.uint8)
    large = grey.repeat(PICTURE_SCALE, axis=0).repeat(PICTURE_SCALE, axis=1)
    return np.broadcast_to(large, (3, *large.shape)).copy()


@contextmanager
def _faults_told(config: Config, stop: Callable[[], bool]) -> Iterator[None]:
    """Say in one sentence what a user can cure, and what another rank's end does to this one."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise MotionaryError(
            f"the GPU's memory does not suffice for batches of {config.optimiser.batch} clips of "
            f"{config.motion.max_frames} frames; lower optimiser.batch, or set amp = true"
        ) from None
    except RuntimeError:
        if not is_first() and stop():  # rank 0 has saved the run and is gone
            raise MotionaryError("stopped with the rest") from None
        raise
