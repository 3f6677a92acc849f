"""A model bundle that is complete, tiny and random: for tests that need one that works, not a good one."""

import hashlib
import json
from pathlib import Path

import numpy as np

from motionary.safetensors import write_safetensors

FEATURES, WIDTH, FEEDFORWARD, LAYERS = 263, 32, 64, 2
TEXT_WIDTH, TEXT_FEEDFORWARD, TEXT_LAYERS, POSITIONS = 16, 32, 2, 64
WORDS = ("person", "man", "woman", "walks", "runs", "jumps", "waves", "sits", "turns", "left", "right", "the")
TOKENS = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    *(chr(code) for code in range(33, 127) if not chr(code).isupper()),
    *(f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz0123456789"),
    *WORDS,
]


def make_bundle(folder: Path, seed: int = 0, joint_dim: int = 32) -> Path:
    """Write a bundle of random weights, its text encoder inside, to ``folder`` and return that."""
    rng = np.random.default_rng(seed)
    sha256 = make_text_encoder(folder / "text", rng)
    tensors = {
        "features.mean": _normal(rng, FEATURES),
        "features.std": np.ones(FEATURES, np.float32),
        "motion.cls": _normal(rng, WIDTH),
        **_affine(rng, "motion.input", WIDTH, FEATURES),
        **_affine(rng, "motion.projection", joint_dim, WIDTH),
        **_affine(rng, "text.projection", joint_dim, TEXT_WIDTH),
    }
    for number in range(LAYERS):
        name = f"motion.layers.{number}"
        tensors |= {
            f"{name}.self_attn.in_proj_weight": _normal(rng, 3 * WIDTH, WIDTH),
            f"{name}.self_attn.in_proj_bias": _normal(rng, 3 * WIDTH),
            **_affine(rng, f"{name}.self_attn.out_proj", WIDTH, WIDTH),
            **_affine(rng, f"{name}.linear1", FEEDFORWARD, WIDTH),
            **_affine(rng, f"{name}.linear2", WIDTH, FEEDFORWARD),
            **_norm(f"{name}.norm1", WIDTH),
            **_norm(f"{name}.norm2", WIDTH),
        }
    write_safetensors(tensors, folder / "model.safetensors")
    config = {
        "format": "motionary-model",
        "version": 1,
        "name": f"tiny-{seed}",
        "joint_dim": joint_dim,
        "text": {
            "encoder": "tiny",
            "architecture": "bert",
            "package": "motionary_tiny_text_encoder",
            "pooling": "mean",
            "width": TEXT_WIDTH,
            "max_tokens": POSITIONS,
            "sha256": sha256,
        },
        "motion": {
            "features": "humanml3d-263",
            "fps": 20,
            "width": WIDTH,
            "layers": LAYERS,
            "heads": 4,
            "feedforward": FEEDFORWARD,
            "max_frames": 200,
        },
        "training": {},
        "scores": {},
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "README.md").write_text("# A tiny random model, for tests\n", encoding="utf-8")
    return folder


def make_text_encoder(folder: Path, rng: np.random.Generator) -> str:
    """Write a random BERT, as Hugging Face saves one, to ``folder``; return its weights' sha256."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(TOKENS) + "\n", encoding="utf-8")
    config = {
        "model_type": "bert",
        "hidden_size": TEXT_WIDTH,
        "num_hidden_layers": TEXT_LAYERS,
        "num_attention_heads": 2,
        "intermediate_size": TEXT_FEEDFORWARD,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": POSITIONS,
        "type_vocab_size": 2,
        "vocab_size": len(TOKENS),
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    tensors = {
        "embeddings.word_embeddings.weight": _normal(rng, len(TOKENS), TEXT_WIDTH),
        "embeddings.position_embeddings.weight": _normal(rng, POSITIONS, TEXT_WIDTH),
        "embeddings.token_type_embeddings.weight": _normal(rng, 2, TEXT_WIDTH),
        **_norm("embeddings.LayerNorm", TEXT_WIDTH),
    }
    for number in range(TEXT_LAYERS):
        name = f"encoder.layer.{number}"
        tensors |= {
            **_affine(rng, f"{name}.attention.self.query", TEXT_WIDTH, TEXT_WIDTH),
            **_affine(rng, f"{name}.attention.self.key", TEXT_WIDTH, TEXT_WIDTH),
            **_affine(rng, f"{name}.attention.self.value", TEXT_WIDTH, TEXT_WIDTH),
            **_affine(rng, f"{name}.attention.output.dense", TEXT_WIDTH, TEXT_WIDTH),
            **_norm(f"{name}.attention.output.LayerNorm", TEXT_WIDTH),
            **_affine(rng, f"{name}.intermediate.dense", TEXT_FEEDFORWARD, TEXT_WIDTH),
            **_affine(rng, f"{name}.output.dense", TEXT_WIDTH, TEXT_FEEDFORWARD),
            **_norm(f"{name}.output.LayerNorm", TEXT_WIDTH),
        }
    write_safetensors(tensors, folder / "model.safetensors")
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def _normal(rng, *shape):
    """Numbers that keep what passes through them at about its size."""
    return rng.normal(0, shape[-1] ** -0.5, shape).astype(np.float32)


def _affine(rng, name, *shape):
    return {f"{name}.weight": _normal(rng, *shape), f"{name}.bias": 0.1 * _normal(rng, shape[0])}


def _norm(name, width):
    return {f"{name}.weight": np.ones(width, np.float32), f"{name}.bias": np.zeros(width, np.float32)}
