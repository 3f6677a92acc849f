"""Motion files: BVH, ASF/AMC and HumanML3D's .npy."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from motionary.errors import MotionaryError
from motionary.formats.amc import read_amc
from motionary.formats.bvh import read_bvh, write_bvh
from motionary.formats.cmu import repair
from motionary.formats.humanml3d import read_npy
from motionary.motion import Clip, Motion

__all__ = ["SUFFIXES", "read_amc", "read_bvh", "read_clip", "read_npy", "write_bvh"]

SUFFIXES: tuple[str, ...] = (".bvh", ".amc", ".npy")


def read_clip(path: Path, *, fps: float | None = None) -> Clip:
    """The clip in a motion file, read by its suffix; files of the CMU database are put right (cmu.py).

    fps: frames a second, where the file does not say or is wrong. MotionaryError for what cannot be read.
    """
    path = Path(path)
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # what comes of it is refused, with the joint
            return Clip(path.stem, _read_motion(path, fps), str(path))
    except MotionaryError as error:
        if str(error).startswith(("motion ", "skeleton ")):  # who checks these knows of no file
            raise MotionaryError(f"{path}: {error}") from None
        raise


def _read_motion(path: Path, fps: float | None) -> Motion:
    suffix = path.suffix.lower()
    if suffix == ".bvh":
        return repair(read_bvh(path, fps=fps), path, fps=fps)
    if suffix == ".amc":
        return repair(read_amc(path, fps=fps), path, fps=fps)
    if suffix == ".npy":
        return read_npy(path, fps=fps)
    raise MotionaryError(
        f"{path}: {path.suffix or 'a file without suffix'} is not read here; give one of "
        f"{', '.join(SUFFIXES)}"
    )
