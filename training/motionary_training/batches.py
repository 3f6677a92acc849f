"""Batches: which pairs meet in one, drawn at once for an epoch, and their frames gathered on the device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from motionary_training.config import Config
from motionary_training.data import SHORTEST, Pairs
from motionary_training.frames import changes_per_frame, without_travel

__all__ = [
    "Batch",
    "Draw",
    "FrameStore",
    "dealt",
    "draw_epoch",
    "frame_store",
    "gathered",
    "training_batches",
]

Ints = NDArray[np.int64]

RESIDENT_SHARE = 0.5
"""The data set lives on a GPU when it takes at most this share of the memory that is free there."""
NOISE_ROWS = 4096
"""Frames of white noise drawn an epoch; each frame of a batch takes one of them by chance."""


@dataclass(frozen=True, eq=False)
class Batch:
    """B pairs on the store's device.

    features: (B, T, F), not normalised, of which lengths (B,) frames are the clip's. sentences: (B, W) frozen
    text vectors. items: (B,) the number of each pair's sample. text_ids: (B,), see ``Pairs``. total: pairs of
    the whole batch, of which these may be a shard. tokens and token_mask: (B, L), where the sentence encoder
    is trained too.
    """

    features: Tensor
    lengths: Tensor
    sentences: Tensor
    items: Tensor
    text_ids: Tensor
    total: int
    tokens: Tensor | None = None
    token_mask: Tensor | None = None


@dataclass(frozen=True, eq=False)
class FrameStore:
    """All that batches are gathered from. starts, lengths: (S,) int64, of each sample in ``frames`` (N, F).

    sentences: (C, W); tokens, token_mask: (C, L) or None. All lie on ``device`` where they fit; where they do
    not, all lie on the CPU and each batch is moved.
    """

    frames: Tensor
    starts: Tensor
    lengths: Tensor
    sentences: Tensor
    tokens: Tensor | None
    token_mask: Tensor | None
    device: torch.device


@dataclass(frozen=True, eq=False)
class Draw:
    """What one epoch holds, pair by pair. captions: (P,) places in ``Pairs.owner``; speeds: (P,) float64;
    starts, counts: (P,) the stretch that is kept of the clip played at that speed; batches: rows of pairs.
    """

    captions: Ints
    speeds: NDArray[np.float64]
    starts: Ints
    counts: Ints
    batches: list[Ints]


def frame_store(pairs: Pairs, device: torch.device) -> FrameStore:
    """The frames, sentence vectors and tokens of ``pairs`` in one piece each, resident where they fit."""
    lengths = torch.tensor([len(sample.features) for sample in pairs.samples])
    frames = torch.from_numpy(np.concatenate([sample.features for sample in pairs.samples]))
    home = device
    if device.type == "cuda":
        size = frames.nbytes + pairs.sentences.nbytes
        home = device if size <= RESIDENT_SHARE * torch.cuda.mem_get_info(device)[0] else torch.device("cpu")
    return FrameStore(
        frames.to(home),
        (torch.cumsum(lengths, 0) - lengths).to(home),
        lengths.to(home),
        pairs.sentences.to(home),
        None if pairs.tokens is None else pairs.tokens.to(home),
        None if pairs.token_mask is None else pairs.token_mask.to(home),
        device,
    )


def training_batches(
    pairs: Pairs,
    store: FrameStore,
    config: Config,
    std: Tensor,
    rng: np.random.Generator,
    *,
    shard: tuple[int, int] = (0, 1),
) -> Iterator[Batch]:
    """One epoch in random order, clips of like length together so that little is padding.

    Everything random comes from ``rng`` and is drawn on the CPU: one seed, one epoch, on every device. Hard
    negatives of one family come in one batch. A batch of a single pair is left out. ``std`` (F,): of the
    train frames, which noise is scaled by. ``shard``: (number, count), to gather only every count-th pair of
    each batch, from the number-th on; all shards of a batch are of one size and padded alike, see ``dealt``.
    """
    draw = draw_epoch(pairs, config, rng)
    noise = None
    if config.augment.noise:
        table = rng.standard_normal((NOISE_ROWS, store.frames.shape[1]), np.float32)
        noise = (torch.from_numpy(table) * config.augment.noise * std.cpu()).to(store.frames.device)
    # The whole epoch's numbers go to the device at once: a batch is then a slice of each, and waits for none.
    home = store.frames.device
    hands = [rows[dealt(len(rows), shard)] for rows in draw.batches]
    order = np.concatenate([np.zeros(0, np.int64), *hands])
    captions = torch.from_numpy(draw.captions[order]).to(home)
    items = torch.from_numpy(pairs.owner[draw.captions[order]]).to(home)
    text_ids = torch.from_numpy(pairs.text_ids[draw.captions[order]]).to(home)
    starts, counts = (torch.from_numpy(numbers[order]).to(home) for numbers in (draw.starts, draw.counts))
    speeds = torch.from_numpy(draw.speeds[order]).float().to(home) if config.augment.speed else None
    end = 0
    for rows, mine in zip(draw.batches, hands, strict=True):
        longest = int(draw.counts[rows].max())
        here, end = slice(end, end + len(mine)), end + len(mine)
        speed = None if speeds is None else speeds[here]
        features = gathered(store, items[here], starts[here], counts[here], longest, speed)
        if noise is not None:
            places = rng.integers(0, NOISE_ROWS, (len(rows), longest))[dealt(len(rows), shard)]
            features = features + noise[torch.from_numpy(places).to(home)]
        if config.augment.in_place:
            still = (rng.random(len(rows)) < config.augment.in_place)[dealt(len(rows), shard)]
            features[still] = without_travel(features[still])
            features *= (torch.arange(longest, device=home) < counts[here, None])[..., None]
        chosen = captions[here]
        yield Batch(
            features.to(store.device),
            counts[here].to(store.device),
            store.sentences[chosen].to(store.device),
            items[here].to(store.device),
            text_ids[here].to(store.device),
            len(rows),
            None if store.tokens is None else store.tokens[chosen].to(store.device),
            None if store.token_mask is None else store.token_mask[chosen].to(store.device),
        )


def dealt(total: int, shard: tuple[int, int]) -> Ints:
    """The places of a batch of ``total`` pairs that a shard holds: number, number + count, ...

    Where a shard would hold one fewer than the first, the last pair stands in: all are of one size.
    """
    number, count = shard
    return np.minimum(number + count * np.arange(-(-total // count)), total - 1)


def draw_epoch(pairs: Pairs, config: Config, rng: np.random.Generator) -> Draw:
    """Draw one epoch: its captions, the stretch and speed of each, and who meets whom.

    What is drawn together stays together: the nth captions of all samples of one family of hard negatives.
    """
    captions, ranks = _captions(pairs, config, rng)
    owner = pairs.owner[captions]
    whole = np.array([len(sample.features) for sample in pairs.samples])[owner]
    # A clip that was made to show one thing after another, say, is not to lose half of it.
    crop = np.where([sample.made for sample in pairs.samples], 1.0, config.augment.min_crop)[owner]
    speeds, starts, counts = _stretches(whole, crop, config.augment.speed, config.motion.max_frames, rng)
    families = pairs.twins[owner]
    # The nth captions of a family are one unit, and so is a pair without one.
    alone = families < 0
    units = np.where(alone, np.arange(len(captions)), len(captions) + families * len(pairs.owner) + ranks)
    units = np.unique(units, return_inverse=True)[1]
    sizes = np.bincount(units)
    # A jitter of 10 % changes from epoch to epoch who meets whom.
    mean = np.bincount(units, counts) / sizes * rng.uniform(0.9, 1.1, len(sizes))
    place = np.empty(len(sizes), np.int64)
    place[np.argsort(mean, kind="stable")] = np.arange(len(sizes))
    order = np.argsort(place[units], kind="stable")
    ends = np.cumsum(sizes[units[order[np.flatnonzero(np.diff(place[units[order]], prepend=-1))]]])
    batches = _cut(order, ends, config.optimiser.batch)
    shuffled = [batches[number] for number in rng.permutation(len(batches))]
    return Draw(captions, speeds, starts, counts, [rows for rows in shuffled if len(rows) > 1])


def gathered(
    store: FrameStore,
    items: Tensor,
    starts: Tensor,
    counts: Tensor,
    longest: int,
    speeds: Tensor | None = None,
) -> Tensor:
    """(B, longest, F) stretches of the samples ``items`` (B,), zero after the end of each.

    A stretch is ``counts`` (B,) frames from frame ``starts`` (B,) on of the clip played at ``speeds`` (B,):
    frames in between are interpolated, and what is a change per frame is multiplied by the speed.
    """
    first, last = store.starts[items][:, None], store.lengths[items][:, None] - 1
    steps = torch.arange(longest, device=store.frames.device)
    at = starts[:, None] + steps
    if speeds is None:
        features = store.frames[first + torch.minimum(at, last)]
    else:
        exact = at * speeds[:, None]
        low = torch.minimum(exact.long(), last)
        part = (exact - low).clamp(0, 1)[..., None]
        high = torch.minimum(low + 1, last)
        features = torch.lerp(store.frames[first + low], store.frames[first + high], part)
        for columns in changes_per_frame(features.shape[-1]):
            features[..., columns] *= speeds[:, None, None]
    return features * (steps < counts[:, None])[..., None]


def _captions(pairs: Pairs, config: Config, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Places of the captions of one epoch, and which caption of its sample each counts as.

    All of them; or one of each sample, the same one within a family.
    """
    every = np.arange(len(pairs.owner))
    first = np.searchsorted(pairs.owner, np.arange(len(pairs.samples)))
    if config.data.captions == "all":
        return every, every - first[pairs.owner]
    told = np.bincount(pairs.owner, minlength=len(pairs.samples))
    chance = rng.random(len(pairs.samples))
    chance = np.where(pairs.twins < 0, chance, chance[pairs.twins])
    chosen = (first + (chance * told).astype(np.int64))[told > 0]
    return chosen, np.zeros_like(chosen)


def _stretches(
    whole: Ints, crop: NDArray[np.float64], speed: float, longest: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], Ints, Ints]:
    """Speeds, starts and counts (P,) of random stretches, at least ``crop`` (P,) of ``whole`` (P,) frames."""
    speeds = rng.uniform(1 - speed, 1 + speed, len(whole)) if speed else np.ones(len(whole))
    played = ((whole - 1) / speeds).astype(np.int64) + 1
    shortest = np.minimum(np.maximum(SHORTEST, np.rint(crop * played).astype(np.int64)), played)
    counts = np.minimum(rng.integers(shortest, played + 1), longest)
    return speeds, rng.integers(0, played - counts + 1), counts


def _cut(order: Ints, ends: Ints, size: int) -> list[Ints]:
    """``order`` in batches of at most ``size``, cut only at ``ends`` unless one unit alone is larger."""
    batches, start = [], 0
    while start < len(order):
        fitting = int(np.searchsorted(ends, start + size, side="right"))
        end = int(ends[fitting - 1]) if fitting and ends[fitting - 1] > start else start + size
        batches.append(order[start:end])
        start = end
    return batches
