"""One training step: a batch to its loss, over all ranks, and the loss to new weights.

Nothing here waits for a GPU: what a step tells is added up on the device and read once an epoch.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from motionary_training.batches import Batch
from motionary_training.config import Config
from motionary_training.data import Pairs, feature_statistics, relations
from motionary_training.distributed import World, copy_from_first, gathered, sum_gradients, summed
from motionary_training.encoders import DualEncoder, make_model
from motionary_training.losses import anchor_losses, directions, dropped, needs_guide
from motionary_training.momentum import Keys, Queue, make_queue, moving_average
from motionary_training.schedule import rate_factor
from motionary_training.text_pretraining import text_space_weights

__all__ = ["TALLY", "Learner", "batch_loss", "build_model", "learn", "make_learner"]

TALLY = ("loss", "pairs", "dropped", "negatives", "gradient_norm", "steps")
"""What ``learn`` tells of a step, summed over anchors, pairs, negatives and steps."""
COLDEST, HOTTEST = 0.01, 1.0
"""A learned temperature stays between these, or the one that it starts from: CLIP's bounds."""
LENGTH_STEP = 32
"""Frames that batches are padded to multiples of where the encoder is compiled: one kernel serves many."""


@dataclass
class Learner:
    """All that a step changes, and what it needs. motion: the model's motion encoder, compiled or not.

    average: a copy whose weights follow the model's slowly, to be evaluated in its place; None for none.
    queue: pairs of earlier batches; None for none. std: (F,) of the train frames. steps: taken since the run
    began.
    """

    config: Config
    pairs: Pairs
    model: DualEncoder
    motion: Callable[[Tensor, Tensor], Tensor]
    optimiser: torch.optim.AdamW
    average: DualEncoder | None
    queue: Queue | None
    world: World
    device: torch.device
    std: Tensor
    steps: int = 0

    @property
    def evaluated(self) -> DualEncoder:
        """The model that counts: the moving average where there is one."""
        return self.average or self.model


def build_model(config: Config, train: Pairs) -> DualEncoder:
    """A fresh model: weights from the config's seed, feature statistics from the train clips."""
    return _built(config, train, *feature_statistics(train.samples))


def _built(config: Config, train: Pairs, mean: Tensor, std: Tensor) -> DualEncoder:
    torch.manual_seed(config.seed)
    model = make_model(config, mean, std, text_width=train.sentences.shape[1])
    if model.text.space is not None:
        model.text.space.load_state_dict(text_space_weights(config))
    if config.text.projection_init == "pca":
        model.text.start_at_principal_axes(train.sentences)
    model.log_temperature.requires_grad_(config.loss.learn_temperature)
    return model


def make_learner(config: Config, train: Pairs, device: torch.device, world: World | None = None) -> Learner:
    """A model at the start of its training, the same on all ranks."""
    world = world or World()
    mean, std = feature_statistics(train.samples)
    model = _built(config, train, mean, std).to(device)
    copy_from_first(world, model.state_dict().values())
    motion: Callable[[Tensor, Tensor], Tensor] = model.motion
    if config.compile:
        motion = torch.compile(model.motion, dynamic=True)
    average = None
    if config.optimiser.average:
        average = copy.deepcopy(model).requires_grad_(False).eval()
    queue = make_queue(config, model) if config.loss.queue else None
    return Learner(
        config, train, model, motion, _optimiser(config, model), average, queue, world, device, std
    )


def learn(learner: Learner, batch: Batch, epoch: int, share: float) -> Tensor:
    """Take one step, and tell of it in a (6,) tensor on the device, see ``TALLY``.

    epoch: from 0. share: of the epoch that this step ends, see ``rate_factor``. Dropout follows from the
    seed, the step and the rank, so that nothing of it has to be restored.
    """
    config, model, world = learner.config, learner.model, learner.world
    torch.manual_seed(_step_seed(config.seed, learner.steps, world.rank))
    factor = rate_factor(config.optimiser, epoch, share)
    for group in learner.optimiser.param_groups:
        group["lr"] = factor * group["full_rate"]
    model.train()
    loss, tally = batch_loss(learner, batch, epoch)
    learner.optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    trained = [parameter for parameter in model.parameters() if parameter.grad is not None]
    sum_gradients(world, trained)
    norm = _clipped(trained, config.optimiser.clip_norm)
    learner.optimiser.step()
    learner.steps += 1
    with torch.no_grad():
        start = config.loss.temperature
        model.log_temperature.clamp_(math.log(min(COLDEST, start)), math.log(max(HOTTEST, start)))
    if learner.average is not None:
        # Short at first: a long average would carry the random start along for an epoch.
        decay = min(config.optimiser.average, (1 + learner.steps) / (10 + learner.steps))
        moving_average(learner.average, model, decay)
    if learner.queue is not None:
        _queued(learner, learner.queue, batch)
    return torch.cat([summed(world, tally), torch.stack([norm, torch.ones_like(norm)])])


def batch_loss(learner: Learner, batch: Batch, epoch: int) -> tuple[Tensor, Tensor]:
    """This rank's part of a batch's loss, and the first four numbers of ``TALLY`` for it.

    The parts of all ranks add up to the loss of the whole batch. ``batch`` holds this rank's shard.
    """
    config, world, total = learner.config.loss, learner.world, batch.total
    motions, texts = _embedded(learner, batch)
    # One message for both: two might meet in another order on another rank.
    together = gathered(world, torch.cat([motions, texts], dim=1), total)
    others = _keys(world, batch, *together.chunk(2, dim=1), with_sentences=needs_guide(config))
    own = world.rank + world.size * torch.arange(world.own(total), device=others.items.device)
    items, text_ids = others.items[own], others.text_ids[own]
    if learner.queue is not None:
        others = _behind(others, learner.queue.contents())
    same, certain = relations(learner.pairs, items, text_ids, others.items, others.text_ids)
    mine = slice(len(own))
    guide = None
    if needs_guide(config):
        meaning = learner.model.text.meaning
        guide = (meaning(batch.sentences[mine]) @ meaning(others.sentences).T).detach()
    both = directions(motions[mine], texts[mine], others.motions, others.texts, own, same, certain, guide)
    temperature = learner.model.log_temperature.exp()
    losses = torch.stack([anchor_losses(config, epoch, one, temperature) for one in both]).sum()
    with torch.no_grad():
        is_dropped = torch.stack([dropped(config, epoch, one) for one in both])
        counts = torch.stack(
            [losses, losses.new_tensor(len(own)), (is_dropped & ~same).sum(), 2 * (~same).sum()]
        )
    return losses if config.reduction == "sum" else losses / (2 * total), counts


def _keys(world: World, batch: Batch, motions: Tensor, texts: Tensor, *, with_sentences: bool) -> Keys:
    """The whole batch as candidates, of which ``motions`` and ``texts`` are gathered already."""
    ids = gathered(world, torch.stack([batch.items, batch.text_ids], dim=1), batch.total)
    sentences = gathered(world, batch.sentences, batch.total) if with_sentences else batch.sentences[:0]
    return Keys(motions, texts, sentences, *ids.unbind(dim=1))


def _behind(first: Keys, second: Keys) -> Keys:
    """The rows of one after those of the other."""
    return Keys(*(torch.cat([part, vars(second)[name]]) for name, part in vars(first).items()))


def _queued(learner: Learner, queue: Queue, batch: Batch) -> None:
    """Let the queue's slow copy embed the batch, and take it in whole on every rank."""
    with _mixed_precision(learner):
        motions, texts = queue.embed(learner.model, batch)
    together = gathered(learner.world, torch.cat([motions, texts], dim=1), batch.total)
    queue.push(_keys(learner.world, batch, *together.chunk(2, dim=1), with_sentences=True))


def _embedded(learner: Learner, batch: Batch) -> tuple[Tensor, Tensor]:
    """(B, D) unit vectors of the batch's motions and texts, in float32 also under autocast."""
    features = learner.model.features(batch.features)
    if learner.config.compile:
        features = F.pad(features, (0, 0, 0, -features.shape[1] % LENGTH_STEP))
    with _mixed_precision(learner):
        motions = learner.motion(features, batch.lengths)
        texts = learner.model.embed_texts(batch.sentences, batch.tokens, batch.token_mask)
    return motions.float(), texts.float()


def _mixed_precision(learner: Learner) -> torch.autocast:
    on = learner.config.amp and learner.device.type == "cuda"
    return torch.autocast(learner.device.type, torch.bfloat16, enabled=on)


def _optimiser(config: Config, model: DualEncoder) -> torch.optim.AdamW:
    """Each part with its own rate, and only matrices with weight decay: no bias, norm or temperature."""
    settings = config.optimiser
    rate = settings.learning_rate
    parts = [
        (rate, [*model.motion.parameters(), model.log_temperature]),
        (rate * settings.text_learning_rate_factor, [*model.text.projection.parameters()]),
        (
            config.text.finetune_learning_rate,
            [*model.text.encoder.parameters()] if model.text.encoder else [],
        ),
    ]
    groups = [
        {"params": chosen, "lr": rate, "full_rate": rate, "weight_decay": decay}
        for rate, parameters in parts
        for is_matrix, decay in ((True, settings.weight_decay), (False, 0.0))
        if (chosen := [one for one in parameters if (one.ndim > 1) == is_matrix])
    ]
    return torch.optim.AdamW(groups, fused=next(model.parameters()).is_cuda)


def _clipped(parameters: list[nn.Parameter], limit: float) -> Tensor:
    """The norm of all gradients, which are scaled down to ``limit`` where it is larger; 0 for no limit."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = torch.nn.utils.get_total_norm(gradients)
    if limit:
        torch.nn.utils.clip_grads_with_norm_(parameters, limit, norm)
    return norm


def _step_seed(seed: int, step: int, rank: int) -> int:
    return int(np.random.SeedSequence([seed, step, rank]).generate_state(1)[0])
