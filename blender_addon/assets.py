"""Actions as assets: what the Asset Browser shows of a clip, and a .blend of them in an asset library."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import bpy
import numpy as np

from motionary.errors import MotionaryError
from motionary.files import replacing
from motionary.library import STARRED, ClipInfo
from motionary.motion import Motion
from motionary.pose_strip import pose_strip

from .catalogs import FILE_NAME, add_catalogs, catalog_path

__all__ = [
    "About",
    "Named",
    "about_clip",
    "asset_folder",
    "catalog_file_of",
    "file_assets",
    "file_waiting",
    "mark_asset",
    "origin",
    "refresh_asset_browsers",
    "write_assets",
]

PREVIEW, PREVIEW_POSES = 256, 3
"""Pixels of each side of an asset's picture, and the figures in it."""

CLIP, SOURCE, LIBRARY, SECONDS = (f"motionary_{kind}" for kind in ("clip", "source", "library", "seconds"))
"""The custom properties of an asset that say where it comes from."""

CATALOG = "motionary_catalog"
"""The same for an asset that has no catalog yet because there is no file to keep catalogs in."""

WRITTEN = ("description", "author", "license", "copyright", "catalog_id")
"""What people write about an asset."""


@dataclass(frozen=True)
class About:
    """What is known of the clip that an Action was made from. library: its name. start_s, end_s: the part of
    the clip, in its seconds. tags: those that are the clip's; a star is the user's own."""

    name: str
    source: str
    library: str
    start_s: float
    end_s: float
    captions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    author: str = ""
    license: str = ""

    def catalog(self, root: str) -> str:
        """The path of its catalog: below ``root`` the library's, and in that the first tag's."""
        return catalog_path(root, self.library, *self.tags[:1])


@dataclass(frozen=True)
class Named:
    """What an asset is called in its file, and the path of its catalog."""

    name: str
    catalog: str


def about_clip(
    info: ClipInfo, library: Path, start_s: float, end_s: float, *, author: str = "", license: str = ""
) -> About:
    """What a library says of a clip, or of a part of it."""
    tags = tuple(tag for tag in info.tags if tag != STARRED)
    return About(info.name, info.source, library.stem, start_s, end_s, info.captions, tags, author, license)


def mark_asset(action: bpy.types.Action, motion: Motion, about: About) -> None:
    """Make ``action`` an asset with what is known of it, and a picture of ``motion``.

    What somebody wrote there before stays: only what is empty is filled, and tags are added.
    """
    if action.asset_data is None:
        action.asset_mark()
    data = action.asset_data
    assert data is not None
    data.description = data.description or (about.captions[0] if about.captions else "")
    data.author = data.author or about.author
    data.license = data.license or about.license
    _add_tags(data, about.tags)
    own = _own(action)
    own[CLIP], own[SOURCE], own[LIBRARY] = about.name, about.source, about.library
    own[SECONDS] = (about.start_s, about.end_s)
    preview = action.preview_ensure()
    assert preview is not None
    if not all(preview.image_size):
        _paint(preview, motion)


def _paint(preview: bpy.types.ImagePreview, motion: Motion) -> None:
    picture = pose_strip(motion, PREVIEW_POSES, (PREVIEW, PREVIEW))
    preview.image_size = (PREVIEW, PREVIEW)
    pixels: Any = preview.image_pixels_float
    pixels.foreach_set(np.ascontiguousarray(picture).ravel())


def origin(action: bpy.types.Action) -> tuple[str, str, str, float, float] | None:
    """The library, source, clip and seconds that `mark_asset` noted; None of any other Action."""
    data = _own(action)
    if CLIP not in data:
        return None
    start_s, end_s = data.get(SECONDS, (0.0, 0.0))
    return str(data.get(LIBRARY)), str(data.get(SOURCE)), str(data[CLIP]), float(start_s), float(end_s)


def file_assets(actions: Mapping[bpy.types.Action, str], path: Path | None) -> None:
    """Put each Action into the catalog of its path, in the catalog file ``path``, unless it is in one.

    Without a file, as in a .blend that was never saved, they wait for `file_waiting`.
    MotionaryError where the file cannot be written; then nothing has changed.
    """
    ids = add_catalogs(path, actions.values()) if path else {}
    for action, catalog in actions.items():
        data = _own(action)
        if not path:
            data[CATALOG] = catalog
        elif UUID(data.catalog_id).int == 0:
            data.catalog_id = ids[catalog]


def file_waiting(path: Path) -> None:
    """Put assets that were made before there was a catalog file into catalogs of ``path``.

    MotionaryError where the file cannot be written; then they go on waiting.
    """
    own = [(action, _own(action)) for action in bpy.data.actions if not action.library]
    waiting = {action: str(data[CATALOG]) for action, data in own if CATALOG in data}
    file_assets(waiting, path)
    for action in waiting:
        del _own(action)[CATALOG]


def _own(action: bpy.types.Action) -> Any:
    """The custom properties of an asset, which the stubs do not know; nothing of what is no asset."""
    return action.asset_data if action.asset_data is not None else {}


# Where assets are


def asset_folder() -> Path:
    """The folder of the user's first asset library, or else that of the open file.

    MotionaryError, with the cure, where there is neither.
    """
    libraries = _asset_libraries()
    if libraries:
        return libraries[0]
    if bpy.data.filepath:
        return Path(bpy.data.filepath).parent
    raise MotionaryError(
        "there is no asset library; add one under Preferences > File Paths > "
        "Asset Libraries, or save this file"
    )


def catalog_file_of(file: str) -> Path | None:
    """Where Blender looks for the catalogs of a .blend; None for "", one that was never saved."""
    if not file:
        return None
    for folder in _asset_libraries():
        if Path(file).is_relative_to(folder):
            return folder / FILE_NAME
    return Path(file).with_name(FILE_NAME)


def _asset_libraries() -> list[Path]:
    """The folders on this machine that the user named as asset libraries."""
    assert bpy.context.preferences is not None
    return [
        Path(bpy.path.abspath(library.path))
        for library in bpy.context.preferences.filepaths.asset_libraries
        if library.path and not getattr(library, "use_remote_url", False)
    ]


def refresh_asset_browsers() -> None:
    """Have open Asset Browsers read their libraries again."""
    manager = bpy.context.window_manager
    for window in manager.windows if manager else ():
        for area in window.screen.areas:
            if area.ui_type == "ASSETS":
                region = next(region for region in area.regions if region.type == "WINDOW")
                with (
                    suppress(RuntimeError),  # one that shows a library that cannot be read again
                    bpy.context.temp_override(window=window, area=area, region=region),
                ):
                    bpy.ops.asset.library_refresh()


# A file of them


def write_assets(path: Path, made: Mapping[bpy.types.Action, Named]) -> int:
    """Write Actions that are assets into the .blend ``path``, filed in the catalog file beside it.

    What is in the file stays, but an Action of the same clip makes room for the new one, which takes over all
    that was written about it. The file is replaced in one step. Whatever happens, the Actions are then gone
    from the open file, which is as it was before they were made. Returns how many Actions are in the file.
    MotionaryError where a file cannot be read or written; then the .blend is as it was.
    """
    others = {action: action.name for action in bpy.data.actions if action not in made}
    libraries = set(bpy.data.libraries)
    try:
        names = _appended(path) if path.exists() else {}
        by_origin = {where: action for action in names if (where := origin(action))}
        for action, named in made.items():
            where = origin(action)
            if where and (before := by_origin.pop(where, None)):
                _take_over(action, before)
                del names[before]
            names[action] = named.name
        file_assets({action: named.catalog for action, named in made.items()}, path.with_name(FILE_NAME))
        _name(names, others)
        with replacing(path) as temporary:
            bpy.data.libraries.write(str(temporary), set(names), compress=True)
        return len(names)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise MotionaryError(f"{path}: the assets cannot be written: {reason}") from None
    finally:
        bpy.data.batch_remove(set(bpy.data.actions) - others.keys())
        for library in set(bpy.data.libraries) - libraries:
            bpy.data.libraries.remove(library)
        for action, name in others.items():
            if action.name != name:
                action.name = name


def _appended(path: Path) -> dict[bpy.types.Action, str]:
    """The Actions of a .blend, now in the open file too, and their names in theirs."""
    load: Any = bpy.data.libraries.load  # the stubs do not know what it is for
    try:
        with load(str(path), link=False) as (there, taken):
            names = list(there.actions)
            if set(_kinds(there)) - {"actions"}:
                raise MotionaryError(
                    f"{path}: this file holds more than Actions, which would be lost; choose another name"
                )
            taken.actions = list(names)
    except OSError as error:
        reason = " ".join(str(error).split())
        raise MotionaryError(f"{path}: this file cannot be read, so it stays: {reason}") from None
    return dict(zip(taken.actions, names, strict=True))


def _kinds(there: Any) -> Iterable[str]:
    """The kinds of data that a file has any of, under their names in `bpy.data`."""
    return (kind for kind in dir(there) if isinstance(found := getattr(there, kind), list) and found)


def _name(names: Mapping[bpy.types.Action, str], others: Mapping[bpy.types.Action, str]) -> None:
    """Give Actions their names, also where one of ``others`` has it, which gets another for now."""
    for action, name in names.items():
        has_it = bpy.data.actions.get((name, None))
        action.rename(name, mode="ALWAYS" if has_it in others else "NEVER")


def _take_over(action: bpy.types.Action, before: bpy.types.Action) -> None:
    """What was written about an asset goes to the one that replaces it."""
    old, new = before.asset_data, action.asset_data
    assert old is not None
    assert new is not None
    for name in WRITTEN:
        if value := getattr(old, name):
            setattr(new, name, value)
    _add_tags(new, [tag.name for tag in old.tags])


def _add_tags(data: bpy.types.AssetMetaData, tags: Iterable[str]) -> None:
    for tag in tags:
        if tag not in data.tags:  # Blender would warn of each in the console
            data.tags.new(tag)
