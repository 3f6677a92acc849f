"""Motion files: BVH, ASF/AMC and HumanML3D's .npy."""

from __future__ import annotations

from pathlib import Path

from motionary.errors import MotionaryError
from motionary.formats.amc import read_amc
from motionary.formats.bvh import read_bvh, write_bvh
from motionary.formats.cmu import repair
from motionary.formats.humanml3d import read_npy
from motionary.motion import Clip

__all__ = ["SUFFIXES", "read_amc", "read_bvh", "read_clip", "read_npy", "write_bvh"]

SUFFIXES: tuple[str, ...] = (".bvh", ".amc", ".npy")


def read_clip(path: Path, *, fps: float | None = None) -> Clip:
    """The clip in a motion file, read by its suffix; files of the CMU database are put right (cmu.py).

    fps: frames a second, where the file does not say or is wrong. MotionaryError for what cannot be read.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".bvh":
        motion = repair(read_bvh(path, fps=fps), path, fps=fps)
    elif suffix == ".amc":
        motion = repair(read_amc(path, fps=fps), path, fps=fps)
    elif suffix == ".npy":
        motion = read_npy(path, fps=fps)
    else:
        raise MotionaryError(
            f"{path}: {path.suffix or 'a file without suffix'} is not read here; give one of "
            f"{', '.join(SUFFIXES)}"
        )
    return Clip(path.stem, motion, str(path))
