"""Pictures made of numbers as icons that a panel can draw."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import bpy.utils.previews
import numpy as np
from bpy.types import ImagePreview
from numpy.typing import NDArray

__all__ = ["Icons", "clear", "close", "icons_of", "open_icons", "put"]

MOST = 2000
"""Icons kept: those of a few hundred results. Then all are dropped, and drawn again when shown."""


class Icons:
    """Icons by what they show; each of them a row of square pictures."""

    def __init__(self) -> None:
        self.previews: bpy.utils.previews.ImagePreviewCollection = bpy.utils.previews.new()
        self.rows: dict[Hashable, tuple[str, ...]] = {}


def open_icons() -> Icons:
    """An empty collection; close it before Blender unloads it."""
    return Icons()


def put(icons: Icons, key: Hashable, images: Sequence[NDArray[np.float32]]) -> None:
    """Keep ``images`` (size, size, 4), the lowest row first, under ``key``."""
    if len(icons.previews) + len(images) > MOST:
        clear(icons)
    if key in icons.rows:
        for name, image in zip(icons.rows[key], images, strict=True):
            _paint(icons.previews[name], image)
        return
    names = tuple(f"{len(icons.rows)}.{i}" for i in range(len(images)))
    for name, image in zip(names, images, strict=True):
        _paint(icons.previews.new(name), image)
    icons.rows[key] = names


def icons_of(icons: Icons, key: Hashable) -> tuple[int, ...]:
    """The icon ids under ``key`` for a layout; none where there are none yet."""
    return tuple(icons.previews[name].icon_id for name in icons.rows.get(key, ()))


def clear(icons: Icons) -> None:
    """Drop all icons."""
    icons.previews.clear()
    icons.rows.clear()


def close(icons: Icons) -> None:
    """Give the collection back to Blender."""
    bpy.utils.previews.remove(icons.previews)


def _paint(preview: ImagePreview, image: NDArray[np.float32]) -> None:
    height, width = image.shape[:2]
    preview.image_size = (width, height)
    preview.image_pixels_float.foreach_set(np.ascontiguousarray(image, np.float32).ravel())  # type: ignore[attr-defined]
