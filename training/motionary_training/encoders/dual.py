"""Both towers of a model, with the statistics of the features and the temperature of the scores."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor, nn

from motionary_training.config import Config, MotionConfig
from motionary_training.encoders.patches import PatchEncoder
from motionary_training.encoders.querybank import Querybank
from motionary_training.encoders.recurrent import RecurrentEncoder
from motionary_training.encoders.summary import SummaryEncoder
from motionary_training.encoders.text import TextTower
from motionary_training.encoders.text_space import TextSpace
from motionary_training.encoders.transformer import TransformerEncoder
from motionary_training.text import load_encoder

__all__ = ["DualEncoder", "FeatureNorm", "make_model", "make_motion_encoder"]


class FeatureNorm(nn.Module):
    """Z-normalisation with the train split's statistics, carried with the weights."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        # Copies: both may be one tensor, and weights are loaded into buffers in place.
        self.register_buffer("mean", mean.float().clone())
        self.register_buffer("std", std.float().clone())

    def forward(self, features: Tensor) -> Tensor:
        """(..., F) features to the same, normalised."""
        return (features - self.mean) / self.std


class DualEncoder(nn.Module):
    """Everything that is trained, and all that embedding takes.

    ``motion`` takes normalised features (B, T, F) and lengths (B,), ``text`` sentence vectors (B, W); both
    give unit vectors (B, joint_dim). ``log_temperature`` belongs to InfoNCE. querybank: None, or what makes
    vectors EXTRA numbers longer when the model is done with training, see ``motionary.querybank``.
    """

    def __init__(
        self, features: FeatureNorm, motion: nn.Module, text: TextTower, *, temperature: float = 0.07
    ) -> None:
        super().__init__()
        self.features = features
        self.motion = motion
        self.text = text
        self.log_temperature = nn.Parameter(torch.tensor(math.log(temperature)))
        self.querybank: Querybank | None = None

    def embed_motions(self, features: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, F) raw features, of which the first ``lengths`` (B,) are real, to (B, joint_dim)."""
        embedded: Tensor = self.motion(self.features(features), lengths)
        return embedded if self.querybank is None else self.querybank.balanced_motions(embedded)

    def embed_texts(
        self, sentences: Tensor | None, tokens: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """(B, joint_dim) of a frozen encoder's (B, W) vectors, or of (B, L) tokens where it learns."""
        if self.text.encoder is not None:
            if tokens is None or mask is None:
                raise ValueError("a fine-tuned text encoder needs tokens and their mask")
            sentences = self.text.encode(tokens, mask)
        if sentences is None:
            raise ValueError("a frozen text encoder needs the sentences' vectors")
        embedded: Tensor = self.text(sentences)
        return embedded if self.querybank is None else self.querybank.balanced_texts(embedded)


def make_motion_encoder(config: MotionConfig, inputs: int, joint_dim: int) -> nn.Module:
    """The encoder of the config's kind, of features ``inputs`` wide (263 or 251)."""
    sequence = _make_sequence_encoder(config, inputs, joint_dim)
    return SummaryEncoder(config, sequence, inputs, joint_dim) if config.summary else sequence


def _make_sequence_encoder(config: MotionConfig, inputs: int, joint_dim: int) -> nn.Module:
    if config.kind == "transformer":
        return TransformerEncoder(config, inputs, joint_dim)
    if config.kind == "patches":
        return PatchEncoder(config, inputs, joint_dim)
    return RecurrentEncoder(config, inputs, joint_dim)


def make_model(config: Config, mean: Tensor, std: Tensor, *, text_width: int) -> DualEncoder:
    """A model with new weights, drawn from torch's generator; the text encoder's are the pretrained ones.

    mean, std: (F,) of the train split; with ``data.normalise`` off, the model takes features as they are.
    text_width: W of the sentence vectors. MotionaryError where a text encoder that learns is not found.
    """
    if not config.data.normalise:
        mean, std = torch.zeros_like(mean), torch.ones_like(std)
    encoder = load_encoder(config.text, Path(config.data.cache)) if config.text.finetune else None
    return DualEncoder(
        FeatureNorm(mean, std),
        make_motion_encoder(config.motion, len(mean), config.joint_dim),
        TextTower(
            text_width,
            config.joint_dim,
            space=TextSpace(text_width) if config.text.space else None,
            encoder=encoder,
            pooling=config.text.pooling,
        ),
        temperature=config.loss.temperature,
    )
