"""Weights in fewer bytes than float32 takes: float16, or whole numbers of a byte with a scale for each row.

int8 is symmetric quantisation to nearest with one scale a row (R. Krishnamoorthi, "Quantizing deep
convolutional networks for efficient inference", 2018, arXiv 1806.08342, section 2.4, "per-channel"): row r of
a table (R, C) is ``scale[r] * integers[r]``, integers from -127 to 127. A row is what one output of a linear
layer weighs its inputs with, or one token's embedding. In a file the table NAME is of whole numbers, and
NAME.scale (R,), float32, lies beside it. Only the storage is small: what is read is float32 again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from motionary.errors import MotionaryError

__all__ = ["PRECISIONS", "Precision", "halved", "in_precision", "restored"]

Precision: TypeAlias = Literal["float32", "float16", "int8"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

_LARGEST = 127
_MOST = np.finfo(np.float32).max / 2  # nearer to the end, 127 times the rounded scale may be infinite
_SCALE = ".scale"


def in_precision(tensors: Mapping[str, NDArray[np.float32]], precision: Precision) -> dict[str, NDArray[Any]]:
    """float32 tensors by name, as a file of ``precision`` holds them; ``restored`` is the way back.

    "int8" is for tables whose numbers are finite. The others, which are small, are ``halved``.
    """
    kept: dict[str, NDArray[Any]] = {}
    for name, tensor in tensors.items():
        if precision == "int8" and tensor.ndim == 2 and np.abs(tensor).max(initial=0) <= _MOST:
            kept[name], kept[name + _SCALE] = _quantised(tensor)
        else:
            kept[name] = tensor if precision == "float32" else halved(tensor)
    return kept


def halved(tensor: NDArray[np.float32]) -> NDArray[Any]:
    """The tensor as float16, or as it is where float16 cannot hold it."""
    fits = np.abs(tensor).max(initial=0) <= np.finfo(np.float16).max
    return tensor.astype(np.float16) if fits else tensor


def _quantised(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Whole numbers (R, C) and the scales (R,) to multiply them by: the largest of each row becomes 127.

    No value is clipped: the best clipping of each row would take less than a hundredth off MiniLM's error. A
    scale that would be too small, as that of a row of zeros, is the smallest normal number.
    """
    scale = np.abs(table).max(axis=1, initial=0) / np.float32(_LARGEST)
    scale = np.maximum(scale, np.finfo(np.float32).tiny)
    return np.rint(table / scale[:, None]).astype(np.int8), scale


def restored(tensors: Mapping[str, NDArray[Any]], origin: str) -> dict[str, NDArray[Any]]:
    """The tensors of a file, those of one byte a number as float32 and read-only; the others as they are.

    Raises MotionaryError, naming ``origin``, where such a tensor is no table, or its scales are not
    there, of another shape or type, or not all of them finite and above 0.
    """
    found = dict(tensors)
    for name, integers in tensors.items():
        if integers.dtype != np.int8:
            continue
        scale = found.pop(name + _SCALE, None)
        where = f"{origin}: tensor {name[:80]!r} of int8"
        if integers.ndim != 2:
            raise MotionaryError(
                f"{where} has shape {integers.shape}; only tables have scales for their rows"
            )
        if scale is None:
            raise MotionaryError(f"{where} has no {_SCALE[1:]}s beside it; pack the bundle again")
        if scale.shape != integers.shape[:1] or scale.dtype != np.float32:
            raise MotionaryError(
                f"{where} has scales that are {scale.dtype} of shape {scale.shape}; "
                f"its {len(integers)} rows ask for as many float32"
            )
        if not (np.isfinite(scale) & (scale > 0)).all():
            raise MotionaryError(
                f"{where} has scales that are not finite and above 0; the weights are broken"
            )
        with np.errstate(over="ignore"):  # a hostile scale: what is not finite is refused where it is used
            found[name] = integers * scale[:, None]
        found[name].flags.writeable = False
    return found
