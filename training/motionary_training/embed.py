"""A bundle's motion encoder in torch: whole libraries embedded on a GPU, as numpy embeds them.

``motionary-train embed`` uses it, and so does ``motionary index --device``, which looks for this module by
name when it runs: the core knows nothing of torch. Weights and arithmetic are the bundle's, in float32, so
the vectors are those of ``ModelBundle.embed_features`` within 1e-4: a library embedded by either is the same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from motionary.bundle import ModelBundle
from motionary.errors import MotionaryError
from motionary.index import Embed, IndexReport, Progress, embed_again
from motionary.library import open_library
from motionary.motion_encoder import middle
from motionary.nn import batches
from motionary.safetensors import read_safetensors
from motionary_training.config import MotionConfig
from motionary_training.encoders import FeatureNorm, make_motion_encoder

__all__ = ["BATCH", "BundleEncoder", "embed_library", "make_embed", "motion_module", "torch_device"]

BATCH = {"cpu": 2048, "mps": 32768, "cuda": 32768}
"""Frames, padding included, that go through the model at once: what stays in a processor's cache, or keeps a
GPU busy in less than 1 GB of its memory."""


class BundleEncoder(nn.Module):
    """(B, T, F) features as they are, padded, and (B,) lengths to (B, joint_dim) unit vectors."""

    def __init__(self, features: FeatureNorm, motion: nn.Module) -> None:
        super().__init__()
        self.features = features
        self.motion = motion

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """See the class."""
        vectors: Tensor = self.motion(self.features(features), lengths)
        return vectors


def motion_module(bundle: ModelBundle) -> BundleEncoder:
    """A bundle's motion side as a torch module on the CPU, in eval mode, its weights in float32."""
    tensors = {
        name: torch.from_numpy(tensor.astype(np.float32))
        for name, tensor in read_safetensors(bundle.folder / "model.safetensors").items()
        if name.startswith(("features.", "motion."))
    }
    norm = FeatureNorm(tensors["features.mean"], tensors["features.std"])
    motion = make_motion_encoder(_motion_config(bundle), len(norm.mean), bundle.encoded_dim)
    module = BundleEncoder(norm, motion)
    # load_bundle saw that all are there and of the right shape; what else a file holds, numpy ignores too.
    module.load_state_dict({name: tensors[name] for name in module.state_dict()})
    return module.eval().requires_grad_(False)


def torch_device(name: str) -> torch.device:
    """The device called "cpu", "cuda" or "mps"; for "auto" a GPU where there is one, else the CPU.

    MotionaryError where torch finds no such device here.
    """
    found = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    kind = next(kind for kind in found if found[kind]) if name == "auto" else name
    if kind not in found:
        raise MotionaryError(f"there is no device {name!r}; choose one of auto, {', '.join(found)}")
    if not found[kind]:
        raise MotionaryError(f"--device {kind}: torch finds no such GPU here; choose auto or cpu")
    return torch.device(kind)


def make_embed(bundle: ModelBundle, device: torch.device, *, batch: int | None = None) -> Embed:
    """What embeds as ``bundle.embed_features`` does, in torch: (T, F) features of N motions to (N, D) rows.

    Motions of about one length go together, ``batch`` frames (padding included; None: BATCH) or one motion at
    once. The function that is returned raises MotionaryError for what numpy refuses, too, and where the
    device has too little memory.
    """
    module = motion_module(bundle).to(device)
    frames = batch or BATCH[device.type]

    def embed(motions: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        cut = [middle(motion, bundle.max_frames, number) for number, motion in enumerate(motions)]
        lengths = [len(motion) for motion in cut]
        vectors = torch.empty((len(cut), bundle.encoded_dim), device=device)
        with torch.inference_mode(), _full_precision(), _memory_told(device, frames):
            for group in batches(lengths, frames):
                padded = np.zeros((len(group), lengths[group[-1]], cut[group[0]].shape[1]), np.float32)
                for row, number in enumerate(group):
                    padded[row, : lengths[number]] = cut[number]
                sizes = torch.tensor([lengths[number] for number in group], device=device)
                rows = torch.from_numpy(group).to(device)
                vectors[rows] = module(torch.from_numpy(padded).to(device), sizes)
            # A GPU has only been told what to do up to here: this waits for it.
            return bundle.balanced(vectors.cpu().numpy())

    return embed


def embed_library(
    library: Path,
    bundle: ModelBundle,
    *,
    device: torch.device,
    batch: int | None = None,
    workers: int | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> IndexReport:
    """Embed all that a library holds with a model, from its own motions; see ``motionary.index.embed_again``.

    Clips that have this model's vectors already are left as they are, so a call that was stopped is gone on
    with by the same call. workers: processes that read motions (None: one a core). MotionaryError where there
    is no such library, or the device has too little memory.
    """
    open_library(library).close()  # to write, it would be made
    embed = make_embed(bundle, device, batch=batch)
    frames = batch or BATCH[device.type]
    with open_library(library, write=True) as held:
        return embed_again(held, bundle, workers=workers, embed=embed, batch=frames, progress=progress)


def _motion_config(bundle: ModelBundle) -> MotionConfig:
    shape = dataclasses.asdict(bundle.motion.shape)
    return MotionConfig(features=shape.pop("columns"), **shape)


@contextmanager
def _full_precision() -> Iterator[None]:
    """Float32 all through: TF32, a GPU's quicker way and cuDNN's own choice, is off by up to 1e-3."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


@contextmanager
def _memory_told(device: torch.device, frames: int) -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError:
        raise MotionaryError(
            f"{device}: too little free memory for {frames} frames at once; choose --device cpu, or give "
            "motionary-train embed a smaller --batch"
        ) from None
