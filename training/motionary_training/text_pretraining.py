"""Learn what captions of motions mean from captions alone, before any motion is seen.

HumanML3D has 44,970 captions, about three to a motion, and few of the motions themselves can be had. Two
captions of one motion say the same in other words; captions that share an action verb say something alike.
That is contrastive learning as CLIP's (arXiv 2103.00020), with text on both sides and soft targets.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from motionary.errors import MotionaryError
from motionary.files import replacing
from motionary.safetensors import read_safetensors, write_safetensors
from motionary_training.config import Config
from motionary_training.encoders import text_space
from motionary_training.encoders.text_space import TextSpace
from motionary_training.sources.captions_only import Described, captions_only
from motionary_training.text import sentence_vectors

__all__ = ["learn_text_space", "text_space_weights"]

EPOCHS, BATCH, RATE, DECAY, SEED = 25, 512, 1e-3, 1e-2, 0
TEMPERATURE = 0.07
ALIKE = 0.05
"""Temperature of the frozen cosines as targets; half of the weight goes to the motion itself."""
RARE = 5
"""A verb that fewer motions have is none."""


def text_space_weights(config: Config) -> dict[str, Tensor]:
    """The state of a ``TextSpace``, learnt once for a text encoder and its captions, then kept in the cache.

    MotionaryError where the captions are not at hand.
    """
    told = captions_only(config.data)
    if len(told) < 2:
        raise MotionaryError("text.space finds no motion with two captions of the train split to learn from")
    sentences = [caption for one in told for caption in one.captions]
    vectors = sentence_vectors(config.text, sentences, Path(config.data.cache))
    digest = hashlib.sha256(Path(__file__).read_bytes() + Path(text_space.__file__).read_bytes())
    for one in told:
        digest.update(repr((one.captions, sorted(one.verbs))).encode())
        digest.update(b"".join(vectors[caption].tobytes() for caption in one.captions))
    path = Path(config.data.cache) / "text_space" / f"{digest.hexdigest()[:32]}.safetensors"
    if not path.is_file():
        groups = [torch.from_numpy(np.stack([vectors[caption] for caption in one.captions])) for one in told]
        state = learn_text_space(groups, told).state_dict()
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            write_safetensors({name: tensor.numpy() for name, tensor in state.items()}, temporary)
    return {name: torch.from_numpy(np.array(tensor)) for name, tensor in read_safetensors(path).items()}


def learn_text_space(
    groups: Sequence[Tensor], told: Sequence[Described], *, epochs: int = EPOCHS, batch: int = BATCH
) -> TextSpace:
    """From the vectors (K, W) of each motion's captions, K > 1, and what is told of it.

    Two captions of a motion are drawn each epoch; each is to find the other among those of a batch. Its
    targets are the motion itself, what the frozen encoder finds alike, and, for as much again, motions by
    the share of action verbs, the rarer the weightier. One seed, one result, on one machine.
    """
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    every = torch.cat(list(groups))
    verbs = _verbs(told)
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        space = TextSpace(every.shape[1])
        space.start_as_principal_axes(every)
        batch = min(batch, len(groups))
        steps = len(groups) // batch
        optimiser = torch.optim.AdamW(space.parameters(), lr=RATE, weight_decay=DECAY)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs * steps)
        for _ in range(epochs):
            order = rng.permutation(len(groups))
            for step in range(steps):
                chosen = order[step * batch : (step + 1) * batch]
                drawn = [rng.choice(len(groups[number]), 2, replace=False) for number in chosen]
                pairs = torch.stack([groups[n][two] for n, two in zip(chosen, drawn, strict=True)])
                loss = _loss(space, pairs[:, 0], pairs[:, 1], verbs[chosen])
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                schedule.step()
    return space.eval()


def _loss(space: TextSpace, one: Tensor, other: Tensor, verbs: Tensor) -> Tensor:
    scores = space.learnt(one) @ space.learnt(other).T / TEMPERATURE
    itself = torch.eye(len(one))
    alike = torch.softmax(torch.maximum(one @ one.T, other @ other.T) / ALIKE, dim=1)
    shared = verbs @ verbs.T
    size = verbs.square().sum(dim=1)
    by_verbs = (shared / (size[:, None] + size - shared + 1e-6)).fill_diagonal_(1.0)
    targets = (itself + alike) / 4 + by_verbs / by_verbs.sum(dim=1, keepdim=True) / 2
    back = targets.T / targets.T.sum(dim=1, keepdim=True)
    there = -(targets * F.log_softmax(scores, dim=1)).sum(dim=1).mean()
    return there - (back * F.log_softmax(scores.T, dim=1)).sum(dim=1).mean()


def _verbs(told: Sequence[Described]) -> Tensor:
    """(N, V) of each motion's action verbs, weighted by the fourth root of their rarity's square."""
    counts = Counter(verb for one in told for verb in one.verbs)
    known = sorted(verb for verb, count in counts.items() if count >= RARE)
    weights = np.sqrt([np.log(len(told) / counts[verb]) for verb in known])
    rows = [
        [weight * (verb in one.verbs) for verb, weight in zip(known, weights, strict=True)] for one in told
    ]
    return torch.tensor(rows, dtype=torch.float32).reshape(len(told), len(known))
