"""The motion encoder at inference, in numpy: features to one vector a motion.

The paper's model (DropTriple, arXiv 2305.04195): standardised features, a linear layer, a learned [cls]
token before them, sinusoidal positions, post-norm Transformer layers; [cls]'s last state, at unit length,
projected into the joint space. Tensor names are those of torch.nn.TransformerEncoder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionary.errors import MotionaryError
from motionary.nn import Affine, Array, Layer, batches, encoder_layer, linear, unit_rows
from motionary.safetensors import take

__all__ = ["FEATURES", "MotionEncoder", "encode_motions", "make_motion_encoder", "middle", "sinusoids"]

FEATURES = 263
_STEPS = 4096  # frames encoded at once
_MAX_FRAMES = 10_000  # 500 seconds at once: attention's memory grows with the square
_EPS = 1e-5  # of torch's layer norms


@dataclass(frozen=True, eq=False)
class MotionEncoder:
    """The weights. mean, std: (263,). cls: (W,). positions: (max_frames + 1, W); row 0 is [cls]'s.
    projection: W to the joint space."""

    mean: Array
    std: Array
    input: Affine
    cls: Array
    positions: Array
    layers: tuple[Layer, ...]
    projection: Affine
    heads: int

    @property
    def max_frames(self) -> int:
        """The frames a motion may have before its middle is cut out."""
        return len(self.positions) - 1


def make_motion_encoder(
    tensors: Mapping[str, NDArray[Any]],
    *,
    width: int,
    layers: int,
    heads: int,
    feedforward: int,
    max_frames: int,
    joint_dim: int,
    origin: str,
) -> MotionEncoder:
    """The encoder from a bundle's tensors; MotionaryError, naming ``origin``, where one does not fit."""
    if max_frames > _MAX_FRAMES:
        raise MotionaryError(f"{origin}: max_frames is {max_frames}; no more than {_MAX_FRAMES} make sense")
    if width % (2 * heads):
        raise MotionaryError(f"{origin}: a motion width of {width} does not split into {heads} even heads")

    def affine(weight: str, bias: str, *shape: int) -> Affine:
        return Affine(take(tensors, weight, shape, origin), take(tensors, bias, shape[:1], origin))

    def named(name: str, *shape: int) -> Affine:
        return affine(f"{name}.weight", f"{name}.bias", *shape)

    def layer(name: str) -> Layer:
        attention = f"{name}.self_attn"
        return Layer(
            affine(f"{attention}.in_proj_weight", f"{attention}.in_proj_bias", 3 * width, width),
            named(f"{attention}.out_proj", width, width),
            named(f"{name}.norm1", width),
            named(f"{name}.linear1", feedforward, width),
            named(f"{name}.linear2", width, feedforward),
            named(f"{name}.norm2", width),
        )

    std = take(tensors, "features.std", (FEATURES,), origin)
    if not np.all(std > 0):
        raise MotionaryError(f"{origin}: features.std is not positive everywhere; the weights are broken")
    return MotionEncoder(
        take(tensors, "features.mean", (FEATURES,), origin),
        std,
        named("motion.input", width, FEATURES),
        take(tensors, "motion.cls", (width,), origin),
        sinusoids(max_frames + 1, width),
        tuple(layer(f"motion.layers.{number}") for number in range(layers)),
        named("motion.projection", joint_dim, width),
        heads,
    )


def sinusoids(count: int, width: int) -> Array:
    """Position codes (count, width): sines in the even columns, cosines in the odd ones, base 10,000."""
    angles = np.arange(count)[:, None] * 10000.0 ** (-np.arange(0, width, 2) / width)
    codes: Array = np.stack([np.sin(angles), np.cos(angles)], axis=-1).astype(np.float32)
    return codes.reshape(count, width)


def encode_motions(encoder: MotionEncoder, motions: Sequence[NDArray[np.floating[Any]]]) -> Array:
    """One unit vector (N, D) a motion, of features (T, 263) each at 20 fps.

    A motion longer than max_frames is cut to its middle: long clips are to be cut into windows before.
    Raises MotionaryError for features of another shape, without frames or not finite.
    """
    cut = [middle(motion, encoder.max_frames, number) for number, motion in enumerate(motions)]
    lengths = [len(motion) for motion in cut]
    width = len(encoder.cls)
    pooled = np.empty((len(cut), width), np.float32)
    for group in batches(lengths, _STEPS):
        features = np.zeros((len(group), lengths[group[-1]], FEATURES), np.float32)
        for row, number in enumerate(group):
            features[row, : lengths[number]] = (cut[number] - encoder.mean) / encoder.std
        keep = np.arange(features.shape[1] + 1) <= np.array([lengths[number] for number in group])[:, None]
        x = np.empty((*keep.shape, width), np.float32)
        x[:, 0] = encoder.cls
        x[:, 1:] = linear(features, encoder.input)
        x += encoder.positions[: x.shape[1]]
        for layer in encoder.layers:
            x = encoder_layer(x, layer, encoder.heads, None if keep.all() else keep, _EPS)
        pooled[group] = x[:, 0]
    return unit_rows(linear(unit_rows(pooled), encoder.projection))


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
