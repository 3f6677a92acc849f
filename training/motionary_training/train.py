"""The trainer: one run from a Config to a folder of checkpoints, resumable to the bit.

A run folder holds config.json, last.pt (all that is needed to go on, and the selected weights) and log/ for
TensorBoard.
"""

from __future__ import annotations

import dataclasses
import json
import pickle
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from motionary.errors import MotionaryError
from motionary.files import replacing
from motionary_training.batches import Batch, frame_store, training_batches
from motionary_training.config import Config, LossConfig, config_from_table
from motionary_training.data import Pairs, feature_statistics, relations
from motionary_training.encoders import DualEncoder, make_model
from motionary_training.evaluate import model_scores, recalls
from motionary_training.losses import drop_triple, max_hinge, sum_hinge

__all__ = ["Epoch", "build_model", "fit", "load_run", "loss_value", "pick_device"]


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to. r_sum: of validation, both ways, STRICT; None without a validation set."""

    number: int
    loss: float
    r_sum: float | None
    seconds: float


def fit(
    config: Config,
    train: Pairs,
    val: Pairs | None,
    *,
    run: Path | None = None,
    resume: bool = False,
    report: Callable[[Epoch], None] = lambda epoch: None,
) -> DualEncoder:
    """Train from the config's seed, or on from ``run``'s last whole epoch, and return the selected model.

    All randomness of an epoch follows from (seed, epoch), so a run that was stopped and resumed ends with
    the same bits as one that was not. Raises MotionaryError where ``run`` cannot be resumed or is taken.
    """
    device = pick_device(config)
    if config.threads:
        torch.set_num_threads(config.threads)
    model = build_model(config, train).to(device)
    optimiser, scheduler = _optimiser(config, model)
    best_score, history, chosen = float("-inf"), list[Epoch](), _weights(model)
    if run:
        stored = _open_run(run, config, resume)
        if stored:
            model.load_state_dict(stored["model"])
            optimiser.load_state_dict(stored["optimiser"])
            scheduler.load_state_dict(stored["scheduler"])
            best_score, chosen = stored["best_score"], stored["chosen"]
            history = [Epoch(**line) for line in stored["history"]]
    writer = SummaryWriter(str(run / "log"), purge_step=len(history)) if run else None
    for number in range(len(history), config.optimiser.epochs):
        began = time.perf_counter()
        loss = _train_epoch(config, model, optimiser, train, number, device)
        scheduler.step()
        r_sum = _validate(model, val, config) if val else None
        score = number if config.select == "last" or r_sum is None else r_sum
        if score > best_score:
            best_score, chosen = score, _weights(model)
        epoch = Epoch(number, loss, r_sum, time.perf_counter() - began)
        history.append(epoch)
        report(epoch)
        if run and writer:
            _log(writer, epoch, optimiser.param_groups[0]["lr"])
            state = {
                "model": _weights(model),
                "optimiser": optimiser.state_dict(),
                "scheduler": scheduler.state_dict(),
                "best_score": best_score,
                "chosen": chosen,
                "history": [dataclasses.asdict(line) for line in history],
            }
            _save(state, run / "last.pt")
    if writer:
        writer.close()
    model.load_state_dict(chosen)
    return model.eval()


def load_run(run: Path) -> tuple[Config, DualEncoder, list[Epoch]]:
    """The config, the selected model (in eval mode, on the CPU) and the history of a run folder."""
    path = run / "config.json"
    stored = _read_state(run / "last.pt")
    try:
        config = config_from_table(json.loads(path.read_text("utf-8")), str(path))
    except (ValueError, OSError) as error:
        raise MotionaryError(f"{path}: cannot be read ({error}); train anew") from None
    weights: dict[str, Tensor] = stored["chosen"]
    width = weights["text.projection.weight"].shape[1]
    model = make_model(config, weights["features.mean"], weights["features.std"], text_width=width)
    model.load_state_dict(weights)
    return config, model.eval(), [Epoch(**line) for line in stored["history"]]


def build_model(config: Config, train: Pairs) -> DualEncoder:
    """A fresh model: weights from the config's seed, feature statistics from the train clips."""
    torch.manual_seed(config.seed)
    mean, std = feature_statistics(train.samples)
    model = make_model(config, mean, std, text_width=train.sentences.shape[1])
    if config.text.projection_init == "pca":
        model.text.start_at_principal_axes(train.sentences)
    return model


def loss_value(config: LossConfig, epoch: int, S: Tensor, M: Tensor, T: Tensor, same: Tensor) -> Tensor:
    """The loss that the config asks for in ``epoch`` (from 0): the sum hinge until the warm-up is over."""
    if config.name == "sum_hinge" or epoch < config.warmup_epochs:
        return sum_hinge(S, same, margin=config.margin)
    if config.name == "max_hinge":
        return max_hinge(S, same, margin=config.margin)
    return drop_triple(
        S,
        M,
        T,
        same,
        margin=config.margin,
        hetero_threshold=config.hetero_threshold,
        homo_threshold=config.homo_threshold,
    )


def pick_device(config: Config) -> torch.device:
    """The device of the config; "auto" is the GPU where there is one."""
    if config.device == "cuda" and not torch.cuda.is_available():
        raise MotionaryError('device is "cuda", but torch finds no GPU here; set it to "auto" or "cpu"')
    use_gpu = config.device == "cuda" or (config.device == "auto" and torch.cuda.is_available())
    return torch.device("cuda" if use_gpu else "cpu")


def _train_epoch(
    config: Config,
    model: DualEncoder,
    optimiser: torch.optim.Optimizer,
    train: Pairs,
    number: int,
    device: torch.device,
) -> float:
    """Mean loss a pair."""
    model.train()
    torch.manual_seed(config.seed * 10_007 + number)  # dropout
    rng = np.random.default_rng([config.seed, number])
    amp = config.amp and device.type == "cuda"
    total, pairs = 0.0, 0
    for batch in training_batches(train, frame_store(train, device), config, model.features.std, rng):
        same, _ = relations(train, batch.items, batch.text_ids, batch.items, batch.text_ids)
        with torch.autocast(device.type, torch.bfloat16) if amp else nullcontext():
            loss = _batch_loss(config, model, batch, same, number, device)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if config.optimiser.clip_norm:
            torch.nn.utils.clip_grad_norm_(model.parameters(), config.optimiser.clip_norm)
        optimiser.step()
        total, pairs = total + loss.item(), pairs + len(batch.lengths)
    if not np.isfinite(total):
        raise MotionaryError(f"epoch {number}: the loss is not a number; lower optimiser.learning_rate")
    return total / max(pairs, 1)


def _batch_loss(
    config: Config, model: DualEncoder, batch: Batch, same: Tensor, number: int, device: torch.device
) -> Tensor:
    motions = model.motion(model.features(batch.features.to(device)), batch.lengths.to(device))
    texts = model.text(batch.sentences.to(device))
    with torch.autocast(device.type, enabled=False):
        motions, texts = motions.float(), texts.float()
        S, M, T = motions @ texts.T, (motions @ motions.T).detach(), (texts @ texts.T).detach()
        return loss_value(config.loss, number, S, M, T, same.to(device))


def _validate(model: DualEncoder, val: Pairs, config: Config) -> float:
    both = recalls(model_scores(model, val, config.motion.max_frames), val.owner)
    return both["text_to_motion"].total + both["motion_to_text"].total


def _optimiser(
    config: Config, model: DualEncoder
) -> tuple[torch.optim.AdamW, torch.optim.lr_scheduler.MultiStepLR]:
    settings = config.optimiser
    rate = settings.learning_rate
    optimiser = torch.optim.AdamW(
        [
            {"params": list(model.motion.parameters()), "lr": rate},
            {"params": list(model.text.parameters()), "lr": rate * settings.text_learning_rate_factor},
        ],
        weight_decay=settings.weight_decay,
    )
    return optimiser, torch.optim.lr_scheduler.MultiStepLR(
        optimiser, [settings.drop_epoch], settings.drop_factor
    )


def _open_run(run: Path, config: Config, resume: bool) -> dict[str, Any] | None:
    """Make the run folder, or open it to go on; what is stored in it, if anything."""
    text = json.dumps(dataclasses.asdict(config), indent=1) + "\n"
    state = run / "last.pt"
    if state.exists() and not resume:
        raise MotionaryError(f"{run}: already holds a run; add --resume, or name another folder with --out")
    if state.exists() and (run / "config.json").read_text("utf-8") != text:
        raise MotionaryError(f"{run}: was started with another config; resume with that one or start anew")
    run.mkdir(parents=True, exist_ok=True)
    with replacing(run / "config.json") as temporary:
        temporary.write_text(text, "utf-8")
    return _read_state(state) if state.exists() else None


def _read_state(path: Path) -> dict[str, Any]:
    """A checkpoint's tensors and plain values; anything else in it is refused unread."""
    if not path.is_file():
        raise MotionaryError(f"{path}: not found; {path.parent} holds no finished epoch of a run")
    try:
        stored: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, EOFError, RuntimeError, ValueError, OSError):
        raise MotionaryError(f"{path}: is damaged, or no checkpoint of this trainer; train anew") from None
    return stored


def _save(state: dict[str, Any], path: Path) -> None:
    with replacing(path) as temporary:
        torch.save(state, temporary)


def _weights(model: DualEncoder) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}


def _log(writer: SummaryWriter, epoch: Epoch, rate: float) -> None:
    writer.add_scalar("train/loss_per_pair", epoch.loss, epoch.number)
    writer.add_scalar("train/learning_rate", rate, epoch.number)
    writer.add_scalar("train/seconds", epoch.seconds, epoch.number)
    if epoch.r_sum is not None:
        writer.add_scalar("val/strict_r_sum", epoch.r_sum, epoch.number)
