"""What data set a folder holds, told by its layout."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from motionary.captions_csv import NAME
from motionary.errors import MotionaryError
from motionary_training.config import DataConfig
from motionary_training.sources.official import HUMANML3D, KIT

__all__ = ["recognised"]

CMU_PARTS = ("cmu_mocap", "cmu_mocap_extra", "humanml3d_texts")


def recognised(path: Path, data: DataConfig) -> DataConfig:
    """``data`` with the data set in the folder ``path`` in place of its own; all that is not a path stays.

    MotionaryError where the folder holds neither HumanML3D, KIT-ML, the CMU archives nor a captions.csv. For
    KIT-ML, which is learnt from alone, starter variants are left out.
    """
    bare = replace(data, humanml3d="", kit="", cmu="", studio="")
    if (path / "new_joint_vecs").is_dir():
        if _width(path / "new_joint_vecs") == KIT.width:
            return replace(bare, kit=str(path), starter_variants=0)
        return replace(bare, humanml3d=str(path))
    if any((path / name).is_dir() or (path / f"{name}.zip").is_file() for name in CMU_PARTS):
        return replace(bare, cmu=str(path))
    if (path / NAME).is_file():
        return replace(bare, studio=str(path))
    raise MotionaryError(
        f"{path}: holds no data set that is known; name a folder with new_joint_vecs and texts (HumanML3D, "
        f"KIT-ML), with {', '.join(CMU_PARTS)} as folders or .zip files, or with a {NAME}"
    )


def _width(folder: Path) -> int:
    """How wide the features of the first file are that can be read; HumanML3D's where none can."""
    for file in sorted(folder.glob("*.npy")):
        try:
            return int(np.load(file, mmap_mode="r", allow_pickle=False).shape[-1])
        except (OSError, ValueError, EOFError, IndexError):
            continue
    return HUMANML3D.width
