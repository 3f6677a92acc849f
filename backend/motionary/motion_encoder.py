"""The motion encoder at inference, in numpy: features to one vector a motion.

The paper's frame (DropTriple, arXiv 2305.04195): standardised features, an encoder of the sequence, its
state at unit length, projected into the joint space. The encoder is the paper's Transformer or GRU, LSTM,
two-way GRU, or a Transformer over body parts; see the module of each. Beside any of them, a linear layer may
read statistics of the whole clip (``motion_summary``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionary.errors import MotionaryError
from motionary.motion_recurrent import Recurrent, make_recurrent, recurrent_states
from motionary.motion_shape import MotionShape, check_shape
from motionary.motion_summary import Summary, make_summary, summary_vectors
from motionary.motion_transformer import (
    FrameTransformer,
    PatchTransformer,
    frame_states,
    make_frame_transformer,
    make_patch_transformer,
    patch_states,
)
from motionary.motion_weights import affine
from motionary.nn import Affine, Array, batches, linear, unit_rows
from motionary.safetensors import take

__all__ = ["FEATURES", "MotionEncoder", "encode_motions", "make_motion_encoder", "middle"]

FEATURES = 263
_STEPS = 4096  # tokens encoded at once

Body = FrameTransformer | PatchTransformer | Recurrent


@dataclass(frozen=True, eq=False)
class MotionEncoder:
    """The weights. mean, std: (263,). projection: W to the joint space."""

    shape: MotionShape
    mean: Array
    std: Array
    body: Body
    projection: Affine
    summary: Summary | None = None

    @property
    def max_frames(self) -> int:
        """The frames a motion may have before its middle is cut out."""
        return self.shape.max_frames


def make_motion_encoder(
    tensors: Mapping[str, NDArray[Any]], shape: MotionShape, *, joint_dim: int, origin: str
) -> MotionEncoder:
    """The encoder from a bundle's tensors; MotionaryError, naming ``origin``, where one does not fit."""
    check_shape(shape, origin)
    std = take(tensors, "features.std", (FEATURES,), origin)
    if not np.all(std > 0):
        raise MotionaryError(f"{origin}: features.std is not positive everywhere; the weights are broken")
    sequence, summary = tensors, None
    if shape.summary:
        summary = make_summary(tensors, shape, features=FEATURES, joint_dim=joint_dim, origin=origin)
        sequence = {
            name.replace("motion.sequence.", "motion.", 1): tensor for name, tensor in tensors.items()
        }
    return MotionEncoder(
        shape,
        take(tensors, "features.mean", (FEATURES,), origin),
        std,
        _make_body(sequence, shape, origin),
        affine(sequence, "motion.projection", (joint_dim, shape.width), origin),
        summary,
    )


def _make_body(tensors: Mapping[str, NDArray[Any]], shape: MotionShape, origin: str) -> Body:
    if shape.kind == "transformer":
        return make_frame_transformer(tensors, shape, features=FEATURES, origin=origin)
    if shape.kind == "patches":
        return make_patch_transformer(tensors, shape, features=FEATURES, origin=origin)
    return make_recurrent(tensors, shape, features=FEATURES, origin=origin)


def encode_motions(encoder: MotionEncoder, motions: Sequence[NDArray[np.floating[Any]]]) -> Array:
    """One unit vector (N, D) a motion, of features (T, 263) each at 20 fps.

    A motion longer than max_frames is cut to its middle: long clips are to be cut into windows before.
    Raises MotionaryError for features of another shape, without frames or not finite.
    """
    cut = [middle(motion, encoder.max_frames, number) for number, motion in enumerate(motions)]
    lengths = [len(motion) for motion in cut]
    vectors = np.empty((len(cut), len(encoder.projection.bias)), np.float32)
    # Short cells of five parts make more tokens than there are frames.
    frames = _STEPS * min(encoder.shape.stride, 5) // 5 if encoder.shape.kind == "patches" else _STEPS
    for group in batches(lengths, frames):
        features = np.zeros((len(group), lengths[group[-1]], FEATURES), np.float32)
        for row, number in enumerate(group):
            features[row, : lengths[number]] = (cut[number] - encoder.mean) / encoder.std
        sizes = [lengths[number] for number in group]
        rows = unit_rows(linear(unit_rows(_states(encoder.body, features, sizes)), encoder.projection))
        if encoder.summary:
            rows = unit_rows(rows + summary_vectors(encoder.summary, features, sizes))
        vectors[group] = rows
    return vectors


def _states(body: Body, features: Array, lengths: Sequence[int]) -> Array:
    if isinstance(body, FrameTransformer):
        return frame_states(body, features, lengths)
    if isinstance(body, PatchTransformer):
        return patch_states(body, features, lengths)
    return recurrent_states(body, features, lengths)


def middle(motion: NDArray[np.floating[Any]], max_frames: int, number: int) -> NDArray[np.floating[Any]]:
    """The middle max_frames of motion ``number``'s features, or MotionaryError as for ``encode_motions``."""
    if motion.ndim != 2 or motion.shape[1] != FEATURES or len(motion) == 0:
        raise MotionaryError(
            f"motion {number} has features of shape {motion.shape}, not (frames, {FEATURES})"
        )
    if not np.isfinite(motion).all():
        raise MotionaryError(f"motion {number} has features that are not finite; its frames are broken")
    start = max(len(motion) - max_frames, 0) // 2
    return motion[start : start + max_frames]
