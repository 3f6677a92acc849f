"""From frames to what an encoder takes in at each step."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["averaged", "cells"]


def cells(features: Tensor, lengths: Tensor, stride: int) -> tuple[Tensor, Tensor, Tensor]:
    """Cut (B, T, C) features into cells of ``stride`` frames: (B, S, stride, C), zero where no frame is.

    Also returns (B, S, stride, 1), 1 where a frame is real, and the (B,) number of cells that hold any.
    """
    missing = -features.shape[1] % stride
    rows, width = len(features), features.shape[2]
    frames = F.pad(features, (0, 0, 0, missing)).reshape(rows, -1, stride, width)
    at = torch.arange(features.shape[1] + missing, device=lengths.device)
    real = (at < lengths[:, None]).reshape(rows, -1, stride, 1)
    # Not a product: what lies in the padding may be infinite.
    return frames.masked_fill(~real, 0), real.to(features), (lengths + stride - 1) // stride


def averaged(features: Tensor, lengths: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    """(B, T, C) features and (B,) lengths at a ``stride``-th of the rate: means over the real frames."""
    if stride == 1:
        return features, lengths
    frames, real, steps = cells(features, lengths, stride)
    return frames.sum(dim=2) / real.sum(dim=2).clamp(min=1), steps
