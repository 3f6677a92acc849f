"""The captioned CMU clips of HumanML3D as motions, whatever split they are of."""

from __future__ import annotations

from pathlib import Path

from motionary.errors import MotionaryError
from motionary.features import FPS
from motionary.formats import read_clip
from motionary.motion import Motion, resample, slice_frames
from motionary_training.sources.cmu import cmu_cuts
from motionary_training.sources.cuts import Cut
from motionary_training.sources.sample import SPLITS

__all__ = ["captioned_clips"]


def captioned_clips(data: Path, cache: Path) -> tuple[list[Cut], list[Motion]]:
    """Every clip at hand of a second or more, at 20 frames a second; ``data`` has CMU's zips.

    A file that cannot be read is left out: 01_01.amc holds the marks of a git conflict.
    """
    cuts, motions, files = list[Cut](), list[Motion](), dict[Path, Motion | None]()
    for cut in cmu_cuts(data, cache, SPLITS, mirrored=False):
        if cut.file not in files:
            try:
                files[cut.file] = resample(read_clip(cut.file).motion, FPS)
            except MotionaryError:
                files[cut.file] = None
        whole = files[cut.file]
        if whole is None:
            continue
        end = min(cut.end if cut.end >= 0 else whole.frames, whole.frames)
        if end - cut.start >= FPS:
            cuts.append(cut)
            motions.append(slice_frames(whole, cut.start, end))
    return cuts, motions
