"""Stretches of motion files with captions, and their features: computed once, then kept on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

import motionary.features
from motionary import body
from motionary.errors import MotionaryError
from motionary.features import features_from_joints, motion_joints
from motionary.files import replacing
from motionary.formats import read_clip
from motionary_training.sources.sample import SHORTEST, Features, Sample

__all__ = ["Cut", "cut_samples"]

TOLD_SHARE = 0.8
"""A file that holds less than this share of the frames that its captions promise shows another movement."""


@dataclass(frozen=True)
class Cut:
    """A stretch of a motion file with its captions.

    id: "000021", "M000021" when mirrored, "000021@0-5" for a timed part. group: the clip that it shows,
    "000021" or "M000021": its parts share it. start, end: frames at 20 fps; end is -1 for the last.
    actions, labels: see ``Sample``.
    """

    id: str
    group: str
    trial: str
    file: Path
    start: int
    end: int
    mirrored: bool
    split: str
    captions: tuple[str, ...]
    actions: frozenset[str] = frozenset()
    labels: tuple[str, ...] = ()


def cut_samples(
    cuts: Sequence[Cut],
    cache: Path,
    *,
    left_out: Callable[[str], None],
    step: Callable[[int, int], None],
) -> list[Sample]:
    """The samples of cuts, each file read once. ``left_out`` hears of files that cannot be read, too."""
    ordered = sorted(cuts, key=lambda cut: (str(cut.file), cut.id))
    files = [(file, list(of_file)) for file, of_file in groupby(ordered, key=lambda cut: cut.file)]
    samples = []
    for done, (file, of_file) in enumerate(files):
        try:
            features = _cached_features(file, of_file, cache / "features")
        except MotionaryError as error:
            left_out(str(error) if str(file) in str(error) else f"{file}: {error}")
            continue
        for cut in of_file:
            if cut.id not in features:
                left_out(f"{file}: holds too few frames for clip {cut.id}, frames {cut.start} to {cut.end}")
                continue
            samples.append(
                Sample(
                    cut.id,
                    cut.group,
                    cut.trial,
                    cut.split,
                    features[cut.id],
                    cut.captions,
                    cut.actions,
                    cut.labels,
                )
            )
        step(done + 1, len(files))
    return samples


def _cached_features(file: Path, cuts: list[Cut], folder: Path) -> dict[str, Features]:
    """Features of each cut of a file, from disk where the file, the cuts and the code are the same."""
    digest = hashlib.sha256(file.read_bytes())
    digest.update(repr([(cut.id, cut.start, cut.end, cut.mirrored) for cut in cuts]).encode())
    for source in _feature_code():
        digest.update(source.read_bytes())
    path = folder / f"{file.stem}-{digest.hexdigest()[:32]}.npz"
    if path.is_file():
        with np.load(path, allow_pickle=False) as stored:
            return {cut.id: stored[str(at)] for at, cut in enumerate(cuts) if str(at) in stored.files}
    features = _file_features(file, cuts)
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary, temporary.open("wb") as out:
        # By number: an id may have any character, and a member's name may not.
        np.savez(out, **{str(at): features[cut.id] for at, cut in enumerate(cuts) if cut.id in features})
    return features


def _file_features(file: Path, cuts: list[Cut]) -> dict[str, Features]:
    joints = motion_joints(read_clip(file).motion)
    features = {}
    for cut in cuts:
        part = joints[cut.start : cut.end if cut.end >= 0 else None]
        promised = cut.end - cut.start if cut.end >= 0 else len(part)
        if len(part) <= max(SHORTEST, TOLD_SHARE * promised):
            continue
        features[cut.id] = features_from_joints(body.mirror_joints(part) if cut.mirrored else part)
    return features


def _feature_code() -> Iterable[Path]:
    """The modules that features depend on: what they would compute anew is part of a cache's key."""
    core = Path(motionary.features.__file__).parent
    names = ("body.py", "common_body.py", "features.py", "motion.py", "rotation.py", "uniform_skeleton.py")
    return [*(core / name for name in names), *sorted((core / "formats").glob("*.py")), Path(__file__)]
