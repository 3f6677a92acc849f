"""Pictures as PNG files, by the standard library alone: for pages that have to carry them."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

__all__ = ["png"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LEVELS = (6, 7, 6)
"""Of red, green and blue: 252 colours, which a palette of one byte a pixel holds."""


def png(picture: NDArray[np.float32]) -> bytes:
    """A picture (H, W, 3), from 0 to 1, the top row first, as a PNG of at most 252 colours.

    Those are evenly spaced ones: plain figures lose nothing that shows, and take a fifth of the bytes.
    """
    height, width, _ = picture.shape
    most = np.array(LEVELS, np.float32) - 1
    steps = np.rint(np.clip(picture, 0, 1) * most).astype(np.int64)
    numbers = (steps[..., 0] * LEVELS[1] + steps[..., 1]) * LEVELS[2] + steps[..., 2]
    used, pixels = np.unique(numbers, return_inverse=True)
    red, rest = np.divmod(used, LEVELS[1] * LEVELS[2])
    green, blue = np.divmod(rest, LEVELS[2])
    palette = np.rint(np.stack([red, green, blue], axis=1) / most * 255).astype(np.uint8)
    rows = np.zeros((height, width + 1), np.uint8)  # each begins with its filter: none
    rows[:, 1:] = pixels.reshape(height, width)
    return b"".join(
        (
            SIGNATURE,
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", palette.tobytes()),
            _chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
