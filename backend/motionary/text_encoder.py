"""BERT (MiniLM), DistilBERT and MPNet at inference, in numpy: token ids to one vector a text.

A folder as Hugging Face saves it is read: config.json, model.safetensors (F32, half precision, or the int8 of
``motionary.weight_precision``) and vocab.txt. All three become the same layers, MPNet's with a bias for
relative positions; method and names: ``transformers``' BertModel, DistilBertModel and MPNetModel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionary.config import get, read_json
from motionary.errors import MotionaryError
from motionary.nn import Affine, Array, Layer, batches, encoder_layer, layer_norm
from motionary.relative_bias import relative_bias
from motionary.safetensors import parse_safetensors, read_bytes, take
from motionary.tokenizer import BERT, MPNET, Vocabulary, encode, load_vocabulary
from motionary.weight_precision import restored

__all__ = ["TextEncoder", "encode_texts", "load_text_encoder"]

_STEPS = 2048  # tokens encoded at once: enough to keep the matrix products busy, little memory
_MAX_FILE = 2 << 30  # bytes; BERT-large has 1.3 thousand million
_SHORTEST = 3  # tokens of a text that says anything: start, one more, end
_EPS = 1e-12  # of DistilBERT's layer norms; BERT's configuration states its own

# Where each architecture keeps, in layer {i}, what a Layer holds. The three parts of qkv come first.
_LAYER_NAMES = {
    "bert": (
        "encoder.layer.{i}.attention.self.query",
        "encoder.layer.{i}.attention.self.key",
        "encoder.layer.{i}.attention.self.value",
        "encoder.layer.{i}.attention.output.dense",
        "encoder.layer.{i}.attention.output.LayerNorm",
        "encoder.layer.{i}.intermediate.dense",
        "encoder.layer.{i}.output.dense",
        "encoder.layer.{i}.output.LayerNorm",
    ),
    "distilbert": (
        "transformer.layer.{i}.attention.q_lin",
        "transformer.layer.{i}.attention.k_lin",
        "transformer.layer.{i}.attention.v_lin",
        "transformer.layer.{i}.attention.out_lin",
        "transformer.layer.{i}.sa_layer_norm",
        "transformer.layer.{i}.ffn.lin1",
        "transformer.layer.{i}.ffn.lin2",
        "transformer.layer.{i}.output_layer_norm",
    ),
    "mpnet": (
        "encoder.layer.{i}.attention.attn.q",
        "encoder.layer.{i}.attention.attn.k",
        "encoder.layer.{i}.attention.attn.v",
        "encoder.layer.{i}.attention.attn.o",
        "encoder.layer.{i}.attention.LayerNorm",
        "encoder.layer.{i}.intermediate.dense",
        "encoder.layer.{i}.output.dense",
        "encoder.layer.{i}.output.LayerNorm",
    ),
}
# What each architecture's config.json calls the sizes, and the activation.
_SIZE_NAMES = {
    "bert": ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act"),
    "distilbert": ("dim", "n_layers", "n_heads", "hidden_dim", "activation"),
    "mpnet": ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act"),
}
_MPNET_PADDING = 1  # both the id of MPNet's <pad> and its position; the first token's position follows it
_MPNET_BUCKETS = 32  # of distances, whatever config.json says: transformers' model does not look there either


@dataclass(frozen=True, eq=False)
class TextEncoder:
    """A loaded encoder. words: (V, D) token embeddings. positions: (P, D) position embeddings (BERT's token
    type 0 added, as a text is always one sentence). relative: (buckets, heads) of MPNet's, else None."""

    vocabulary: Vocabulary
    words: Array
    positions: Array
    norm: Affine
    layers: tuple[Layer, ...]
    heads: int
    eps: float
    relative: Array | None = None

    @property
    def width(self) -> int:
        """D, the numbers in a text's vector."""
        return self.words.shape[1]


def load_text_encoder(
    folder: Path, architecture: str, *, sha256: str = "", vocabulary: Path | None = None
) -> TextEncoder:
    """The encoder in a folder of config.json, model.safetensors and vocab.txt.

    architecture: "bert", "distilbert" or "mpnet". sha256: what the weights' file must hash to ("" for any);
    weights that ``motionary.bundle.pack_bundle`` made from such a file are known by their config.json.
    vocabulary: read instead of the folder's vocab.txt. Raises MotionaryError, naming the file, where one does
    not fit.
    """
    config_path, weights_path = folder / "config.json", folder / "model.safetensors"
    config = read_json(config_path)
    if config.get("model_type") != architecture or architecture not in _LAYER_NAMES:
        raise MotionaryError(f"{config_path}: is a {config.get('model_type')!r} model, not {architecture!r}")
    *sizes, activation = _SIZE_NAMES[architecture]
    width, count, heads, inner = (get(config, name, int, str(config_path)) for name in sizes)
    if get(config, activation, str, str(config_path)) != "gelu":
        raise MotionaryError(
            f"{config_path}: has {activation} {config[activation]!r}; only gelu is supported"
        )
    if config.get("position_embedding_type", "absolute") != "absolute" or width % heads:
        raise MotionaryError(f"{config_path}: asks for attention that is not supported")
    content = read_bytes(weights_path, _MAX_FILE)
    if sha256:
        _check_weights(content, sha256, config, weights_path)
    tensors = restored(parse_safetensors(content, str(weights_path)), str(weights_path))
    tensors = _without_prefix(tensors, architecture)

    def affine(name: str, *shape: int) -> Affine:
        weight = take(tensors, f"{name}.weight", shape, str(weights_path))
        return Affine(weight, take(tensors, f"{name}.bias", shape[:1], str(weights_path)))

    def layer(number: int) -> Layer:
        *qkv, out, norm1, up, down, norm2 = (name.format(i=number) for name in _LAYER_NAMES[architecture])
        parts = [affine(name, width, width) for name in qkv]
        return Layer(
            Affine(np.concatenate([p.weight for p in parts]), np.concatenate([p.bias for p in parts])),
            affine(out, width, width),
            affine(norm1, width),
            affine(up, inner, width),
            affine(down, width, inner),
            affine(norm2, width),
        )

    def table(kind: str, rows: str) -> Array:
        shape = (get(config, rows, int, str(config_path)), width)
        return take(tensors, f"embeddings.{kind}_embeddings.weight", shape, str(weights_path))

    positions, relative = table("position", "max_position_embeddings"), None
    if architecture == "bert":
        positions = positions + table("token_type", "type_vocab_size")[0]
    if architecture == "mpnet":
        shape = (_MPNET_BUCKETS, heads)
        relative = take(tensors, "encoder.relative_attention_bias.weight", shape, str(weights_path))
    encoder = TextEncoder(
        load_vocabulary(vocabulary or folder / "vocab.txt", MPNET if architecture == "mpnet" else BERT),
        table("word", "vocab_size"),
        positions,
        affine("embeddings.LayerNorm", width),
        tuple(layer(number) for number in range(count)),
        heads,
        _EPS if architecture == "distilbert" else get(config, "layer_norm_eps", float, str(config_path)),
        relative,
    )
    if _room(encoder) < _SHORTEST:
        raise MotionaryError(f"{config_path}: max_position_embeddings leaves no room for a text")
    if architecture == "mpnet" and _padding(encoder) != _MPNET_PADDING:
        raise MotionaryError(f"{folder}: <pad> is not token {_MPNET_PADDING} of vocab.txt, as MPNet has it")
    if max(encoder.vocabulary.ids.values()) >= len(encoder.words):
        raise MotionaryError(
            f"{folder}: vocab.txt has more tokens than the {len(encoder.words)} of the weights"
        )
    return encoder


def _check_weights(content: bytes, wanted: str, config: Mapping[str, Any], path: Path) -> None:
    """MotionaryError unless the weights are the wanted ones, or packed from them and whole."""
    found = hashlib.sha256(content).hexdigest()
    packed = config.get("motionary")
    if isinstance(packed, dict) and packed.get("packed_from") == wanted:
        wanted = str(packed.get("sha256"))
    if found != wanted:
        raise MotionaryError(
            f"{path}: these are not the weights that the model was trained with "
            f"(sha256 {found[:12]}…, wanted {wanted[:12]}…); install the same text encoder again"
        )


def _without_prefix(tensors: dict[str, NDArray[Any]], architecture: str) -> dict[str, NDArray[Any]]:
    """Names as the bare encoder has them: a checkpoint with a head (as the hub's) sets a word before them."""
    return {name.removeprefix(f"{architecture}."): tensor for name, tensor in tensors.items()}


def encode_texts(encoder: TextEncoder, texts: Sequence[str], *, pooling: str, max_tokens: int) -> Array:
    """One vector (N, D) a text: the mean over its tokens' states, start and end among them, or the start's.

    pooling: "mean" or "cls". max_tokens: what a text is cut to, start and end counted.
    """
    tokens = [encode(text, encoder.vocabulary, min(max_tokens, _room(encoder))) for text in texts]
    lengths = [len(ids) for ids in tokens]
    pooled = np.empty((len(texts), encoder.width), np.float32)
    for group in batches(lengths, _STEPS):
        ids = np.full((len(group), lengths[group[-1]]), _padding(encoder))
        for row, number in enumerate(group):
            ids[row, : lengths[number]] = tokens[number]
        keep = np.arange(ids.shape[1]) < np.array([lengths[number] for number in group])[:, None]
        states = _forward(encoder, ids, None if keep.all() else keep)
        if pooling == "mean":
            states *= keep[..., None]
            pooled[group] = states.sum(axis=1) / keep.sum(axis=1, keepdims=True, dtype=np.float32)
        else:
            pooled[group] = states[:, 0]
    return pooled


def _forward(encoder: TextEncoder, ids: NDArray[np.int64], keep: NDArray[np.bool_] | None) -> Array:
    """The last layer's states (N, L, D) of token ids (N, L)."""
    places, bias = encoder.positions[: ids.shape[1]], None
    if encoder.relative is not None:
        # MPNet counts the tokens that are no padding, also where a text itself says <pad>.
        real = ids != _MPNET_PADDING
        places = encoder.positions[real.cumsum(axis=1) * real + _MPNET_PADDING]
        bias = relative_bias(encoder.relative, ids.shape[1])
    x = layer_norm(encoder.words[ids] + places, encoder.norm, encoder.eps)
    for layer in encoder.layers:
        x = encoder_layer(x, layer, encoder.heads, keep, encoder.eps, bias)
    return x


def _room(encoder: TextEncoder) -> int:
    """The most tokens that have a position."""
    return len(encoder.positions) - (0 if encoder.relative is None else _MPNET_PADDING + 1)


def _padding(encoder: TextEncoder) -> int:
    return encoder.vocabulary.ids[encoder.vocabulary.specials.padding]
