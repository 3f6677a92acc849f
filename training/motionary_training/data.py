"""Captioned clips as features: reading them once, keeping them on disk, and drawing batches of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import motionary.features
from motionary import body
from motionary.errors import MotionaryError
from motionary.features import features_from_joints, motion_joints
from motionary.files import replacing
from motionary.formats import read_clip
from motionary.starter import starter_variants
from motionary_training.cmu import Cut, cmu_cuts, described_cuts
from motionary_training.config import AugmentConfig, Config, DataConfig
from motionary_training.text import sentence_vectors

__all__ = [
    "Batch",
    "Pairs",
    "Sample",
    "augmented",
    "centre_crop",
    "feature_statistics",
    "load_pairs",
    "load_samples",
    "make_pairs",
    "padded",
    "training_batches",
]

SHORTEST = 10
"""Frames at 20 fps that a clip must have to be learnt from: half a second."""
TOLD_SHARE = 0.8
"""A file that holds less than this share of the frames that index.csv promises shows another movement."""
YAW, PLANAR, VELOCITIES = slice(0, 1), slice(1, 3), slice(193, 259)
"""The features that are changes per frame, so that they scale with the playing speed."""

Features = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Sample:
    """One captioned clip. features: (T, 263) at 20 fps, not normalised. group: the clip that it shows.

    trial: the recording that it was cut from, the unit that validation keeps apart. labels: captions that
    nobody wrote, to learn from and never to be asked.
    """

    id: str
    group: str
    trial: str
    split: str
    features: Features
    captions: tuple[str, ...]
    actions: frozenset[str] = frozenset()
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Pairs:
    """Samples with all their captions. sentences: (C, W) vectors; owner: (C,) the sample of each.

    text_ids: (C,) equal for captions of the same words. is_label: (C,) nobody wrote it. groups: (S,) equal
    for samples of one clip. truths: (S, text ids) bool, somebody or its label said this of the sample.
    """

    samples: tuple[Sample, ...]
    sentences: Tensor
    owner: NDArray[np.int64]
    text_ids: NDArray[np.int64]
    is_label: NDArray[np.bool_]
    groups: NDArray[np.int64]
    truths: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Batch:
    """features: (B, T, 263) padded; lengths: (B,); sentences: (B, W); same: (B, B), see ``losses``."""

    features: Tensor
    lengths: Tensor
    sentences: Tensor
    same: Tensor


def load_samples(
    config: DataConfig,
    splits: Sequence[str],
    *,
    seed: int = 0,
    left_out: Callable[[str], None] = lambda reason: None,
    step: Callable[[int, int], None] = lambda done, total: None,
) -> list[Sample]:
    """Every sample of ``splits`` that the config asks for; extra sources belong to the train split.

    ``left_out`` hears of each clip that could not be used, and why; ``step`` of files done and in all.
    Raises MotionaryError where the data set is incomplete, or nothing is asked for.
    """
    cache, cuts = Path(config.cache), list[Cut]()
    if config.cmu:
        cuts += cmu_cuts(Path(config.cmu), cache, splits, mirrored=config.mirrored)
    if config.cmu and config.trial_descriptions and "train" in splits:
        cuts += described_cuts(Path(config.cmu), cache)
    cuts.sort(key=lambda cut: (str(cut.file), cut.id))
    files = [(file, list(of_file)) for file, of_file in groupby(cuts, key=lambda cut: cut.file)]
    samples: list[Sample] = []
    for done, (file, of_file) in enumerate(files):
        step(done + 1, len(files))
        features = _cached_features(file, of_file, cache / "features")
        for cut in of_file:
            if cut.id not in features:
                left_out(f"{file}: holds too few frames for clip {cut.id}, frames {cut.start} to {cut.end}")
                continue
            labels = cut.labels if config.action_captions and cut.split == "train" else ()
            samples.append(
                Sample(
                    cut.id,
                    cut.group,
                    cut.trial,
                    cut.split,
                    features[cut.id],
                    cut.captions,
                    cut.actions,
                    labels,
                )
            )
    if config.starter_variants and "train" in splits:
        samples += _starter_samples(seed, config.starter_variants)
    if not samples:
        raise MotionaryError("no clips to learn from; set data.cmu or data.starter_variants")
    return sorted(samples, key=lambda sample: sample.id)


def load_pairs(
    config: Config,
    split: str,
    *,
    left_out: Callable[[str], None] = lambda reason: None,
    step: Callable[[int, int], None] = lambda done, total: None,
) -> Pairs:
    """The samples of one split joined with the vectors of their captions. Raises as load_samples does."""
    samples = load_samples(config.data, (split,), seed=config.seed, left_out=left_out, step=step)
    texts = [text for sample in samples for text in (*sample.captions, *sample.labels)]
    return make_pairs(samples, sentence_vectors(config.text, texts, Path(config.data.cache)))


def make_pairs(samples: Sequence[Sample], sentences: dict[str, NDArray[np.float32]]) -> Pairs:
    """Join samples with the vectors of their captions, looked up by their words."""
    texts = [text for sample in samples for text in (*sample.captions, *sample.labels)]
    owner = np.repeat(
        np.arange(len(samples)), [len(sample.captions) + len(sample.labels) for sample in samples]
    )
    text_ids = np.unique(texts, return_inverse=True)[1]
    truths = np.zeros((len(samples), int(text_ids.max()) + 1), bool)
    truths[owner, text_ids] = True
    return Pairs(
        tuple(samples),
        torch.from_numpy(np.stack([sentences[text] for text in texts])),
        owner,
        text_ids,
        np.array(
            [text in sample.labels for sample in samples for text in (*sample.captions, *sample.labels)]
        ),
        np.unique([sample.group for sample in samples], return_inverse=True)[1],
        truths,
    )


def feature_statistics(samples: Sequence[Sample]) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (263,) over all frames, the latter never below a floor.

    The floor is a tenth of the median deviation of the feature's block, 1e-3 at least: a joint that hardly
    moves in little data (the still foot of the contact flags, say) must not become the loudest input.
    """
    frames = np.concatenate([sample.features for sample in samples]).astype(np.float64)
    mean, std = frames.mean(axis=0), frames.std(axis=0)
    for low, high in ((0, 1), (1, 3), (3, 4), (4, 67), (67, 193), (193, 259), (259, 263)):
        std[low:high] = np.maximum(std[low:high], max(0.1 * float(np.median(std[low:high])), 1e-3))
    return torch.from_numpy(mean).float(), torch.from_numpy(std).float()


def augmented(features: Features, config: AugmentConfig, longest: int, rng: np.random.Generator) -> Features:
    """A random stretch of a clip at a random speed, of at most ``longest`` frames."""
    if config.speed:
        features = _resampled(features, float(rng.uniform(1 - config.speed, 1 + config.speed)))
    shortest = max(SHORTEST, round(config.min_crop * len(features)))
    count = int(rng.integers(min(shortest, len(features)), len(features) + 1))
    count = min(count, longest)
    start = int(rng.integers(0, len(features) - count + 1))
    return features[start : start + count]


def centre_crop(features: Features, longest: int) -> Features:
    """The middle ``longest`` frames, as the encoder takes them when a clip is longer."""
    start = max(0, (len(features) - longest) // 2)
    return features[start : start + longest]


def padded(clips: Sequence[Features]) -> tuple[Tensor, Tensor]:
    """(B, T, 263) with zeros after each clip's end, and their lengths (B,)."""
    lengths = torch.tensor([len(clip) for clip in clips])
    return torch.nn.utils.rnn.pad_sequence([torch.from_numpy(clip) for clip in clips], True), lengths


def training_batches(
    pairs: Pairs, config: Config, mean: Tensor, std: Tensor, rng: np.random.Generator
) -> Iterator[Batch]:
    """One epoch in random order, clips of like length together so that little is padding.

    Everything random comes from ``rng``: one seed, one epoch. A last batch of a single pair is left out.
    """
    captions = np.arange(len(pairs.owner))
    if config.data.captions == "one":
        order = rng.permutation(captions)
        captions = order[np.unique(pairs.owner[order], return_index=True)[1]]
    captions = rng.permutation(captions)
    longest = config.motion.max_frames
    clips = [
        augmented(pairs.samples[pairs.owner[caption]].features, config.augment, longest, rng)
        for caption in captions
    ]
    # A jitter of 10 % changes from epoch to epoch who meets whom.
    by_length = np.argsort([len(clip) * rng.uniform(0.9, 1.1) for clip in clips], kind="stable")
    size = config.optimiser.batch
    rows = [by_length[start : start + size] for start in range(0, len(by_length), size)]
    for row in rng.permutation(len(rows)):
        chosen = rows[row]
        if len(chosen) < 2:
            continue
        features, lengths = padded([clips[i] for i in chosen])
        if config.augment.noise:
            noise = rng.standard_normal(features.shape, np.float32) * config.augment.noise
            features = features + torch.from_numpy(noise) * std
        texts = captions[chosen]
        owners = pairs.owner[texts]
        groups, said = pairs.groups[owners], pairs.truths[owners][:, pairs.text_ids[texts]]
        same = (groups[:, None] == groups) | said | said.T
        yield Batch(features, lengths, pairs.sentences[texts], torch.from_numpy(same))


def _resampled(features: Features, speed: float) -> Features:
    """The clip played ``speed`` times as fast: frames in between, and what is per frame scaled."""
    count = int((len(features) - 1) / speed) + 1
    at = np.arange(count) * speed
    low = at.astype(np.int64)
    high = np.minimum(low + 1, len(features) - 1)
    part = (at - low).astype(np.float32)[:, None]
    played: Features = features[low] * (1 - part) + features[high] * part
    for columns in (YAW, PLANAR, VELOCITIES):
        played[:, columns] *= np.float32(speed)
    return played


def _cached_features(file: Path, cuts: list[Cut], folder: Path) -> dict[str, Features]:
    """Features of each cut of a file, from disk where the file, the cuts and the code are the same."""
    digest = hashlib.sha256(file.read_bytes())
    digest.update(repr([(cut.id, cut.start, cut.end, cut.mirrored) for cut in cuts]).encode())
    for source in _feature_code():
        digest.update(source.read_bytes())
    path = folder / f"{file.stem}-{digest.hexdigest()[:32]}.npz"
    if path.is_file():
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    features = _file_features(file, cuts)
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary, temporary.open("wb") as out:
        np.savez(out, **features)
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
    names = ("body.py", "features.py", "motion.py", "rotation.py", "uniform_skeleton.py")
    return [*(core / name for name in names), *sorted((core / "formats").glob("*.py"))]


def _starter_samples(seed: int, per_clip: int) -> list[Sample]:
    """Procedural clips. Variants of one clip share its group: they must not be each other's negatives."""
    samples = []
    for number, clip in enumerate(starter_variants(seed, per_clip)):
        group = "starter/" + "|".join(clip.captions)
        features = features_from_joints(motion_joints(clip.motion))
        samples.append(
            Sample(
                f"starter/{number:05d}",
                group,
                "starter",
                "train",
                features,
                clip.captions,
                frozenset(clip.tags),
            )
        )
    return samples
