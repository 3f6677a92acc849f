"""HumanML3D and KIT-ML in the folder layout of their authors.

``new_joint_vecs/NAME.npy`` (T, F) features; ``texts/NAME.txt`` captions; ``train.txt``, ``val.txt`` and
``test.txt`` the names of each split, mirrored ones ("M000021") among them. ``Mean.npy`` and ``Std.npy`` are
not read: statistics are those of the train split. The authors' code learns from clips of 40 to 199 frames
only; here shorter ones serve down to ``SHORTEST`` frames, and of longer ones a stretch is drawn in training
and the middle taken in evaluation (``motion.max_frames``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from motionary.errors import MotionaryError
from motionary_training.sources.missing import refuse
from motionary_training.sources.sample import SHORTEST, Features, Sample, plain_id
from motionary_training.sources.words import read_captions, spans

__all__ = ["HUMANML3D", "KIT", "Layout", "official_samples"]


@dataclass(frozen=True)
class Layout:
    """One of the two data sets. width: F; fps: of its frames, by which timed captions are cut."""

    name: str
    key: str
    width: int
    fps: float


HUMANML3D = Layout("HumanML3D", "data.humanml3d", 263, 20.0)
KIT = Layout("KIT-ML", "data.kit", 251, 12.5)


def official_samples(
    folder: Path,
    layout: Layout,
    splits: Sequence[str],
    *,
    mirrored: bool,
    left_out: Callable[[str], None],
    step: Callable[[int, int], None],
) -> list[Sample]:
    """Every captioned clip of ``splits``, and each stretch with captions of its own, cut from the whole once.

    Without ``mirrored``, the train split's mirrored clips are left aside; val and test are the official ones.
    ``left_out`` hears of clips that are too short, hold a value that is not a number, or have no caption.
    Raises MotionaryError that names each file that is missing, damaged, or of another width.
    """
    split_of = _split_of(folder, layout, splits, mirrored)
    motions = {name: folder / "new_joint_vecs" / f"{name}.npy" for name in split_of}
    texts = {name: folder / "texts" / f"{name}.txt" for name in split_of}
    refuse(
        f"the {layout.name} data is incomplete, files missing",
        [str(file) for name in split_of for file in (motions[name], texts[name]) if not file.is_file()],
        f"add them, or set {layout.key} to the whole data set",
    )
    samples: list[Sample] = []
    damaged = []
    for done, name in enumerate(split_of):
        step(done + 1, len(split_of))
        try:
            features = _read_features(motions[name], layout.width)
        except MotionaryError as error:
            damaged.append(str(error))
            continue
        if not np.isfinite(features).all():
            left_out(f"{motions[name]}: holds a value that is not a number")
            continue
        told = spans(read_captions(texts[name]))
        if not told:
            left_out(f"{texts[name]}: holds no caption")
        for span in told:
            end = int(span.end * layout.fps) if span.end else len(features)
            part = features[int(span.start * layout.fps) : end]
            if len(part) < SHORTEST:
                where = f" from {span.start:g} s to {span.end:g} s" if span.end else ""
                left_out(f"{motions[name]}: has {len(part)} frames{where}; {SHORTEST} are the least")
                continue
            samples.append(
                Sample(
                    name + span.suffix,
                    name,
                    plain_id(name),
                    split_of[name],
                    part,
                    span.captions,
                    span.actions,
                    span.labels,
                )
            )
    refuse(f"the {layout.name} data is damaged", damaged, "make or copy these files anew")
    return samples


def _split_of(folder: Path, layout: Layout, splits: Sequence[str], mirrored: bool) -> dict[str, str]:
    """Name to split, in the order of the lists."""
    lists = {split: folder / f"{split}.txt" for split in splits}
    parts = [folder / "new_joint_vecs", folder / "texts"]
    missing = [part for part in parts if not part.is_dir()]
    missing += [path for path in lists.values() if not path.is_file()]
    refuse(
        f"the {layout.name} data is incomplete, missing",
        [str(path) for path in missing],
        f"set {layout.key} to the folder that holds new_joint_vecs, texts, train.txt, val.txt and test.txt",
    )
    split_of: dict[str, str] = {}
    for split, path in lists.items():
        for name in path.read_text("utf-8").split():
            if split != "train" or mirrored or plain_id(name) == name:
                split_of[name] = split
    return split_of


def _read_features(path: Path, width: int) -> Features:
    try:
        features = np.load(path, allow_pickle=False)  # a pickled array could run code
    except (OSError, ValueError, EOFError):
        raise MotionaryError(f"{path} (no array of numbers)") from None
    if not isinstance(features, np.ndarray) or features.dtype.kind != "f":
        raise MotionaryError(f"{path} (no array of numbers)")
    # The official code writes clips of a single frame as (F,).
    features = features[None] if features.shape == (width,) else features
    if features.ndim != 2 or features.shape[1] != width:
        raise MotionaryError(f"{path} (shape {features.shape}, not (frames, {width}))")
    return np.asarray(features, np.float32)
