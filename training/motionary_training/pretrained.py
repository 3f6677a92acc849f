"""A trained model as a folder for researchers: what ``save_pretrained`` of ``transformers`` would write.

config.json        the run's settings and the sizes    model.safetensors  motion encoder, projections
text_encoder/      a text encoder that learnt: config.json, model.safetensors and tokenizer

config, model = load_pretrained(folder)
motions = model.embed_motions(features, lengths)       # raw (B, T, F), (B,) to (B, joint_dim)
encoder = AutoModel.from_pretrained(folder / "text_encoder")
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from motionary.config import get, read_json
from motionary.errors import MotionaryError
from motionary.files import building_folder
from motionary.safetensors import read_safetensors, write_safetensors
from motionary_training.config import Config, config_from_table
from motionary_training.encoders import DualEncoder, make_model
from motionary_training.encoders.querybank import Querybank
from motionary_training.text import text_tokenizer

__all__ = ["load_pretrained", "save_pretrained", "settings_table"]

MODEL_TYPE = "motionary-dual-encoder"
TEXT = "text_encoder"
_PREFIX = "text.encoder."


def save_pretrained(config: Config, model: DualEncoder, folder: Path) -> None:
    """Write the folder, in float32, whole or not at all; one that is there and is such a folder is replaced.

    A frozen text encoder stays where it is: the config names it. MotionaryError where ``folder`` is something
    else or cannot be written.
    """
    if folder.exists() and not _is_ours(folder):
        raise MotionaryError(f"{folder}: exists and is no exported model; name another folder")
    weights = {
        name: tensor.numpy()
        for name, tensor in model.cpu().state_dict().items()
        if not name.startswith(_PREFIX)
    }
    document = {
        "model_type": MODEL_TYPE,
        "features": len(model.features.mean),
        "text_width": model.text.width,
        "settings": settings_table(config),
    }
    try:
        with building_folder(folder) as building:
            write_safetensors(weights, building / "model.safetensors", {"format": "pt"})
            (building / "config.json").write_text(json.dumps(document, indent=1) + "\n", "utf-8")
            if model.text.encoder is not None:
                encoder: Any = model.text.encoder
                encoder.save_pretrained(building / TEXT)
                text_tokenizer(config.text, Path(config.data.cache)).save_pretrained(building / TEXT)
            if folder.exists():
                shutil.rmtree(folder)
    except OSError as error:
        raise MotionaryError(f"{folder}: cannot be written: {error.strerror or error}") from error


def load_pretrained(folder: Path) -> tuple[Config, DualEncoder]:
    """The settings and the model, in eval mode on the CPU, of a folder that ``save_pretrained`` wrote.

    The config names the folder's own text encoder where there is one, so ``text.tokenise`` takes its words.
    MotionaryError where the folder is none or is damaged.
    """
    folder, origin = Path(folder), str(Path(folder) / "config.json")
    document = read_json(folder / "config.json")
    if document.get("model_type") != MODEL_TYPE or not isinstance(document.get("settings"), dict):
        raise MotionaryError(f"{origin}: model_type is not {MODEL_TYPE!r}; name an exported model's folder")
    config = config_from_table(document["settings"], origin)
    if config.text.finetune:
        config = replace(config, text=replace(config.text, encoder=str(folder / TEXT), package=""))
    tensors = read_safetensors(folder / "model.safetensors")
    blank = torch.zeros(get(document, "features", int, origin))
    # The statistics are among the tensors, whether or not the config would normalise.
    model = make_model(config, blank, blank, text_width=get(document, "text_width", int, origin))
    state = {name: torch.from_numpy(np.array(tensor)) for name, tensor in tensors.items()}
    if "querybank.captions" in state:
        told, banks = config.querybank, (state["querybank.captions"], state["querybank.motions"])
        nearest = min(told.nearest, *map(len, banks))
        model.querybank = Querybank(*map(torch.zeros_like, banks), nearest=nearest, weight=told.weight)
    own = {name: tensor for name, tensor in model.state_dict().items() if name.startswith(_PREFIX)}
    try:
        model.load_state_dict(state | own)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise MotionaryError(f"{folder}: the weights do not fit config.json: {reason}") from None
    return config, model.eval()


def settings_table(config: Config) -> dict[str, Any]:
    """The config as plain values, but for the trainer's own paths: they are nobody else's business."""
    table = dataclasses.asdict(config)
    for name in ("humanml3d", "kit", "cmu", "studio", "cache"):
        del table["data"][name]
    return table


def _is_ours(folder: Path) -> bool:
    path = folder / "config.json"
    return path.is_file() and read_json(path).get("model_type") == MODEL_TYPE
