"""The text encoder as a bundle names it, and inside the bundle where no Python package carries it."""

from __future__ import annotations

import hashlib
import json
import re
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from torch import nn

from motionary.bundle import pack_text
from motionary.errors import MotionaryError
from motionary.safetensors import write_safetensors
from motionary.weight_precision import in_precision
from motionary_training.config import Config
from motionary_training.encoders import DualEncoder
from motionary_training.text import text_folder, text_identity, text_tokenizer

__all__ = ["describe_text", "write_text"]

ARCHITECTURES = ("bert", "distilbert", "mpnet")


def describe_text(config: Config, model: DualEncoder) -> dict[str, Any]:
    """What config.json says of the text encoder, but for the sha256 of one that was trained along.

    MotionaryError where the core has no such architecture.
    """
    cache = Path(config.data.cache)
    architecture, sha256 = text_identity(config.text, cache)
    if architecture not in ARCHITECTURES:
        raise MotionaryError(
            f"text encoder {config.text.encoder} is a {architecture} model; bundles take "
            f"{', '.join(ARCHITECTURES)}: export with --transformers instead"
        )
    described: dict[str, Any] = {
        "encoder": config.text.encoder,
        "architecture": architecture,
        "package": config.text.package or re.sub(r"\W", "_", f"_{config.text.encoder}").strip("_") or "_",
        "pooling": config.text.pooling,
        "width": model.text.width,
        "max_tokens": config.text.max_tokens,
        "sha256": sha256,
    }
    return described | ({"finetuned": True} if config.text.finetune else {})


def write_text(config: Config, model: DualEncoder, target: Path, sha256: str) -> str:
    """Write the encoder to the new folder ``target`` in half precision, unless a package carries it as it is.

    sha256: of the pretrained weights. Returns the one for config.json: the same, or of weights that learnt.
    Raises OSError, and MotionaryError where its tokens are no vocab.txt.
    """
    if not config.text.finetune and _is_carried(config.text.package):
        return sha256
    cache = Path(config.data.cache)
    with TemporaryDirectory() as scratch:
        vocabulary = Path(scratch) / "vocab.txt"
        vocabulary.write_text(_vocabulary(text_tokenizer(config.text, cache), config.text.encoder), "utf-8")
        source = text_folder(config.text, cache)
        if model.text.encoder is None:
            pack_text(source, vocabulary, target, sha256=sha256)
            return sha256
        target.mkdir()
        vocabulary.rename(target / "vocab.txt")
    return _write_weights(model.text.encoder, target)


def _write_weights(encoder: nn.Module, target: Path) -> str:
    told: Any = encoder.config
    (target / "config.json").write_text(json.dumps(told.to_dict(), indent=2, default=str) + "\n", "utf-8")
    weights = {name: tensor.cpu().numpy().astype(np.float32) for name, tensor in encoder.state_dict().items()}
    write_safetensors(in_precision(weights, "float16"), target / "model.safetensors")
    return hashlib.sha256((target / "model.safetensors").read_bytes()).hexdigest()


def _vocabulary(tokenizer: Any, name: str) -> str:
    """The tokens by id, one a line. Made of the tokenizer: a hub's folder need not hold vocab.txt."""
    tokens = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    if [number for _, number in tokens] != list(range(len(tokens))):
        raise MotionaryError(f"text encoder {name} has tokens that are no vocab.txt; choose another encoder")
    return "".join(f"{token}\n" for token, _ in tokens)


def _is_carried(package: str) -> bool:
    """Whether the package, once installed, has the weights where ``motionary`` looks for them."""
    spec = find_spec(package) if package else None
    places = (spec and spec.submodule_search_locations) or ()
    return any((Path(place) / "model" / "model.safetensors").is_file() for place in places)
