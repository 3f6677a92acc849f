"""Runs to a model bundle: half-precision weights, a config that tells where they come from, a model card."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from motionary.bundle import FORMAT, VERSION, load_bundle
from motionary.errors import MotionaryError
from motionary.files import building_folder
from motionary.safetensors import write_safetensors
from motionary_training.card import model_card
from motionary_training.config import Config
from motionary_training.data import Pairs, centre_crop, load_pairs
from motionary_training.encoders import DualEncoder
from motionary_training.evaluate import PROTOCOLS, baseline_scores, embed_motions, model_scores
from motionary_training.report import split_tables, spread_json
from motionary_training.text import text_identity
from motionary_training.train import load_run

__all__ = ["CLOSE", "bundle_config", "export_bundle", "write_bundle"]

CLOSE = 0.999
"""Smallest cosine between a motion's vector by torch in float32 and by the bundle: float16 costs 1e-5."""
LICENCES = {
    "weights": "GPL-3.0-or-later",
    "HumanML3D captions and splits": "MIT",
    "CMU motion capture": "free to use, also in products; the data itself must not be resold",
    "text encoder all-MiniLM-L6-v2": "Apache-2.0",
}


def export_bundle(runs: list[Path], out: Path) -> int:
    """Write the first run as a bundle and return its bytes; further runs (other seeds) only add the spread.

    ``out`` is replaced where it is a bundle already. MotionaryError where the runs are not one config with
    different seeds, or where the bundle, read back, does not embed as the run does.
    """
    loaded = [load_run(run) for run in runs]
    config, model, history = loaded[0]
    for run, (other, _, _) in zip(runs, loaded, strict=True):
        if dataclasses.replace(other, seed=config.seed) != config:
            raise MotionaryError(f"{run}: has another config than {runs[0]}; only seeds may differ")
    scores: dict[str, Any] = {}
    train = load_pairs(config, "train")
    probe = train
    if config.data.cmu:
        probe = load_pairs(config, "val")
        scores = _scores([(seeded.seed, one) for seeded, one, _ in loaded], config, train, probe)
    document = bundle_config(config, model, train, len(history), scores)
    write_bundle(out, document, model, model_card(document))
    _check(out, config, model, probe)
    return sum(file.stat().st_size for file in out.rglob("*") if file.is_file())


def bundle_config(
    config: Config, model: DualEncoder, train: Pairs, epochs: int, scores: dict[str, Any]
) -> dict[str, Any]:
    """The bundle's config.json."""
    architecture, sha256 = text_identity(config.text, Path(config.data.cache))
    source = dataclasses.asdict(config)
    # Where the trainer's files lay is nobody else's business.
    del source["data"]["cache"], source["data"]["cmu"]
    frames = sum(len(sample.features) for sample in train.samples)
    return {
        "format": FORMAT,
        "version": VERSION,
        "name": f"motionary-{config.name}",
        "joint_dim": config.joint_dim,
        "text": {
            "encoder": config.text.encoder,
            "architecture": architecture,
            "package": config.text.package or re.sub(r"\W", "_", config.text.encoder),
            "pooling": config.text.pooling,
            "width": model.text.projection.in_features,
            "max_tokens": config.text.max_tokens,
            "sha256": sha256,
        },
        "motion": {
            "features": "humanml3d-263",
            "fps": 20,
            "width": config.motion.width,
            "layers": config.motion.layers,
            "heads": config.motion.heads,
            "feedforward": config.motion.feedforward,
            "max_frames": config.motion.max_frames,
        },
        "training": {
            "config": source,
            "epochs": epochs,
            "clips": len(train.samples),
            "captions": len(train.owner),
            "hours": round(frames / 20 / 3600, 2),
            "paper": "arXiv 2305.04195",
            "licences": LICENCES,
        },
        "scores": scores,
    }


def write_bundle(out: Path, document: dict[str, Any], model: DualEncoder, card: str) -> None:
    """Write the folder whole or not at all. MotionaryError where ``out`` is something else than a bundle."""
    if out.exists() and not (out / "config.json").is_file():
        raise MotionaryError(f"{out}: exists and is no bundle; name another folder")
    weights = {
        name: tensor.numpy().astype(np.float32 if name.startswith("features.") else np.float16)
        for name, tensor in model.cpu().state_dict().items()
        if name != "log_temperature"  # of the loss; no embedding takes it
    }
    try:
        with building_folder(out) as building:
            write_safetensors(weights, building / "model.safetensors")
            (building / "config.json").write_text(json.dumps(document, indent=1) + "\n", "utf-8")
            (building / "README.md").write_text(card, "utf-8")
            if out.exists():
                shutil.rmtree(out)
    except OSError as error:
        raise MotionaryError(f"{out}: cannot be written: {error.strerror or error}") from error


def _scores(
    models: list[tuple[int, DualEncoder]], config: Config, train: Pairs, val: Pairs
) -> dict[str, Any]:
    """Of the first model, beside chance and the baselines; and the spread over all models' seeds."""
    systems = baseline_scores(train, val)
    tables = [
        split_tables(
            {**systems, "model": model_scores(model, val, config.motion.max_frames)}, val, train, "val"
        )
        for _, model in models
    ]
    return {
        "protocols": PROTOCOLS,
        "split": "HumanML3D's official val split, its clips whose CMU trial was at hand",
        "selection": "best STRICT R-sum on this very split" if config.select == "best" else "last epoch",
        "seeds": [seed for seed, _ in models],
        "tables": {name: {row.system: row.as_json() for row in rows} for name, rows in tables[0].items()},
        "over_seeds": {name: spread_json([table[name] for table in tables]) for name in tables[0]},
    }


def _check(out: Path, config: Config, model: DualEncoder, probe: Pairs) -> None:
    samples = probe.samples[:50]
    exact = embed_motions(model, samples, config.motion.max_frames)
    clips = [centre_crop(sample.features, config.motion.max_frames) for sample in samples]
    cosines = (exact * load_bundle(out).embed_features(clips)).sum(axis=1)
    if cosines.min() < CLOSE:
        raise MotionaryError(
            f"{out}: clip {samples[int(cosines.argmin())].id} embeds at cosine {cosines.min():.4f} of what "
            "was trained; the run's weights do not survive half precision"
        )
