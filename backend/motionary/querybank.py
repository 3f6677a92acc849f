"""Querybank normalisation: how near a vector is to everything is taken off how near it is to one.

In a joint space some motions lie near all captions, and come first whatever is asked ("hubs"); those that a
model learnt from lie nearer to their captions than new ones do. So a motion's score for a query is lessened
by the mean of its highest cosines with a bank of captions, and a caption's by that with a bank of motions
(Bogolin, Croitoru et al., CVPR 2022, arXiv 2112.12777, in the additive form of CSLS, arXiv 1710.04087):

    score(t, m) = t·m - weight (bias(m) - usual_m) - weight (bias(t) - usual_t)

Four numbers more in each vector make that a plain cosine again, up to a factor, so that whatever searches
needs to know nothing of it: t' = (t, a, b(t), r, 0) / R and m' = (m, b(m), a, 0, r) / R, where a b(x) is
minus weight (bias - usual), within ±a², and r fills up to the common length R.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionary.config import get
from motionary.errors import MotionaryError
from motionary.nn import Array
from motionary.safetensors import take

__all__ = [
    "EXTRA",
    "PREFIX",
    "Querybank",
    "balanced_motions",
    "balanced_queries",
    "balanced_texts",
    "make_querybank",
]

EXTRA = 4
"""Numbers that a vector has more."""
PREFIX = "querybank"
SPREAD = 0.25
"""A bias further than this from the usual counts as this far."""
MOST_ROWS = 1 << 16


@dataclass(frozen=True, eq=False)
class Querybank:
    """captions: (N, D) and motions: (M, D), unit vectors. usual: (2,) mean bias of motions and of texts.
    nearest: cosines that a bias is the mean of. weight: of the bias."""

    captions: Array
    motions: Array
    usual: Array
    nearest: int
    weight: float


def make_querybank(
    tensors: Mapping[str, NDArray[Any]], config: Mapping[str, Any], dim: int, origin: str
) -> Querybank | None:
    """From a bundle's tensors and config.json, of vectors ``dim`` long; None where there is none.

    MotionaryError, naming ``origin``, where something does not fit.
    """
    if PREFIX not in config:
        return None
    nearest = get(config, f"{PREFIX}.nearest", int, origin)
    weight = get(config, f"{PREFIX}.weight", float, origin)
    banks = []
    for name in ("captions", "motions"):
        bank = tensors.get(f"{PREFIX}.{name}", np.zeros((0, dim)))
        rows = len(bank) if bank.ndim else 0
        if not nearest <= rows <= MOST_ROWS:
            raise MotionaryError(
                f"{origin}: {PREFIX}.{name} has {rows} rows; it must have {nearest} to {MOST_ROWS}"
            )
        banks.append(take(tensors, f"{PREFIX}.{name}", (rows, dim), origin))
    if weight > 1:
        raise MotionaryError(f"{origin}: {PREFIX}.weight is {weight:g}; it must be at most 1")
    return Querybank(banks[0], banks[1], take(tensors, f"{PREFIX}.usual", (2,), origin), nearest, weight)


def balanced_motions(bank: Querybank, vectors: Array) -> Array:
    """(N, D + EXTRA) unit vectors of the (N, D) unit vectors of motions."""
    own = _offsets(bank, vectors, bank.captions, bank.usual[0])
    constant, filling = _fillers(bank, own)
    return _joined(bank, vectors, own, constant, np.zeros_like(own), filling)


def balanced_queries(bank: Querybank, vectors: Array) -> Array:
    """(N, D + EXTRA) unit vectors of the (N, D) unit vectors of texts that motions are ranked for.

    Without the bias of their own: it changes no order, and would lift what is far from every motion, the
    price of oil say, above its own cosine.
    """
    none = np.zeros(len(vectors), np.float32)
    constant, filling = _fillers(bank, none)
    return _joined(bank, vectors, constant, none, filling, none)


def balanced_texts(bank: Querybank, vectors: Array) -> Array:
    """(N, D + EXTRA) unit vectors of the (N, D) unit vectors of texts that are ranked for a motion."""
    own = _offsets(bank, vectors, bank.motions, bank.usual[1])
    constant, filling = _fillers(bank, own)
    return _joined(bank, vectors, constant, own, filling, np.zeros_like(own))


def _offsets(bank: Querybank, vectors: Array, others: Array, usual: np.float32) -> Array:
    """(N,) the b(x) of the module."""
    cosines: Array = vectors @ others.T
    highest = np.partition(cosines, -bank.nearest, axis=1)[:, -bank.nearest :]
    reach = np.sqrt(bank.weight * SPREAD)
    wanted = bank.weight * (usual - highest.mean(axis=1)) / reach
    offsets: Array = np.clip(wanted, -reach, reach).astype(np.float32)
    return offsets


def _fillers(bank: Querybank, offsets: Array) -> tuple[Array, Array]:
    """(N,) a, and (N,) what fills up to the common length."""
    square = np.float32(bank.weight * SPREAD)
    return np.full_like(offsets, np.sqrt(square)), np.sqrt(np.maximum(square - offsets**2, 0))


def _joined(bank: Querybank, vectors: Array, *columns: Array) -> Array:
    length = np.float32(np.sqrt(1 + 2 * bank.weight * SPREAD))
    return np.concatenate([vectors, np.stack(columns, axis=1)], axis=1, dtype=np.float32) / length
