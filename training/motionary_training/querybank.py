"""The banks of a model that has learnt: what querybank normalisation compares with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from motionary_training.config import Config
from motionary_training.data import Pairs
from motionary_training.encoders import DualEncoder
from motionary_training.encoders.querybank import Querybank
from motionary_training.evaluate import embed_motions, embed_texts
from motionary_training.sources.captions_only import captions_only
from motionary_training.text import sentence_vectors

__all__ = ["with_querybank"]

SEED = 0
AT_ONCE = 1024


def with_querybank(config: Config, model: DualEncoder, train: Pairs) -> DualEncoder:
    """``model`` with its querybank where the config asks for one; its vectors are EXTRA numbers longer then.

    The motions are those of ``train``. The captions are HumanML3D's of motions that are not at hand, where
    the config names them, as many as it says; else the train captions. Raises as captions_only does.
    """
    told = config.querybank
    if not told.weight:
        return model
    model.querybank = None
    motions = torch.from_numpy(embed_motions(model, train.samples, config.motion.max_frames))
    texts = torch.from_numpy(embed_texts(model, train))
    captions = _lent(config, model) if config.data.humanml3d or config.data.cmu else texts
    captions = captions if len(captions) else texts
    if len(captions) > told.captions:
        rows = np.random.default_rng(SEED).permutation(len(captions))[: told.captions]
        captions = captions[torch.from_numpy(np.sort(rows))]
    nearest = min(told.nearest, len(captions), len(motions))
    bank = Querybank(captions, motions, nearest=nearest, weight=told.weight)
    bank.settle(motions, captions)
    model.querybank = bank.to(model.features.mean.device)
    return model.eval()


def _lent(config: Config, model: DualEncoder) -> Tensor:
    """(N, D) of HumanML3D's captions of motions that are not at hand, in the order of the alphabet."""
    lent = sorted({caption for one in captions_only(config.data) for caption in one.captions})
    if not lent:
        return torch.zeros(0, config.joint_dim)
    vectors = sentence_vectors(config.text, lent, Path(config.data.cache))
    rows = torch.from_numpy(np.stack([vectors[caption] for caption in lent]))
    device = model.features.mean.device
    with torch.inference_mode():
        parts = torch.split(rows, AT_ONCE)
        return torch.cat([model.embed_texts(part.to(device)).cpu() for part in parts])
