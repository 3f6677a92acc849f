"""Captioned clips as features: reading them once, keeping them on disk, and drawing batches of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
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
from motionary_training.config import Config, DataConfig
from motionary_training.text import sentence_vectors

__all__ = [
    "SHORTEST",
    "Pairs",
    "Sample",
    "centre_crop",
    "changes_per_frame",
    "feature_blocks",
    "feature_statistics",
    "load_pairs",
    "load_samples",
    "make_pairs",
    "padded",
    "relations",
    "subset",
]

SHORTEST = 10
"""Frames at 20 fps that a clip must have to be learnt from: half a second."""
TOLD_SHARE = 0.8
"""A file that holds less than this share of the frames that index.csv promises shows another movement."""

Features = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Sample:
    """One captioned clip. features: (T, F), not normalised. group: the clip that it shows.

    trial: the recording that it was cut from, the unit that validation keeps apart. labels: captions that
    nobody wrote, to learn from and never to be asked. twins: the family of hard negatives that it belongs to,
    "" for none. unsaid: captions that may be true of it too, neither learnt from nor ever its negatives.
    """

    id: str
    group: str
    trial: str
    split: str
    features: Features
    captions: tuple[str, ...]
    actions: frozenset[str] = frozenset()
    labels: tuple[str, ...] = ()
    twins: str = ""
    unsaid: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Pairs:
    """Samples with all their captions.

    sentences: (C, W) vectors; owner: (C,) the sample of each, ascending. text_ids: (C,) below C, equal for
    captions of the same words. is_label: (C,) nobody wrote it. groups: (S,) equal for samples of one clip.
    twins: (S,) the family of hard negatives, below S, or -1. known: sorted keys sample * C + text id, one for
    each caption that somebody or its label said of the sample, or that may be true of it. texts: the C
    captions. tokens, token_mask: (C, L), where the sentence encoder is trained too.
    """

    samples: tuple[Sample, ...]
    sentences: Tensor
    owner: NDArray[np.int64]
    text_ids: NDArray[np.int64]
    is_label: NDArray[np.bool_]
    groups: NDArray[np.int64]
    twins: NDArray[np.int64]
    known: NDArray[np.int64]
    texts: tuple[str, ...]
    tokens: Tensor | None = None
    token_mask: Tensor | None = None
    _on_devices: dict[torch.device, tuple[Tensor, Tensor, Tensor]] = field(default_factory=dict, repr=False)

    def tables(self, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """groups, twins and known as tensors on a device, moved there once."""
        if device not in self._on_devices:
            groups, twins, known = (
                torch.from_numpy(x).to(device) for x in (self.groups, self.twins, self.known)
            )
            self._on_devices[device] = groups, twins, known
        return self._on_devices[device]


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
    by_sample = [(*sample.captions, *sample.labels) for sample in samples]
    texts = [text for told in by_sample for text in told]
    number_of = {text: number for number, text in enumerate(sorted(set(texts)))}
    known = [
        number * len(texts) + number_of[text]
        for number, sample in enumerate(samples)
        for text in (*by_sample[number], *sample.unsaid)
        if text in number_of
    ]
    return Pairs(
        tuple(samples),
        torch.from_numpy(np.stack([sentences[text] for text in texts])),
        np.repeat(np.arange(len(samples)), [len(told) for told in by_sample]),
        np.array([number_of[text] for text in texts]),
        np.repeat(
            np.tile([False, True], len(samples)),
            [len(told) for sample in samples for told in (sample.captions, sample.labels)],
        ),
        np.unique([sample.group for sample in samples], return_inverse=True)[1],
        _families([sample.twins for sample in samples]),
        np.unique(np.array(known, np.int64)),
        tuple(texts),
    )


def subset(pairs: Pairs, keep: NDArray[np.bool_], *, labels: bool = True) -> Pairs:
    """The samples where ``keep`` (S,), with their captions; without ``labels``, only what people wrote."""
    place = np.cumsum(keep) - 1
    captions = np.flatnonzero(keep[pairs.owner] & (labels | ~pairs.is_label))
    words, text_ids = np.unique(pairs.text_ids[captions], return_inverse=True)
    sample, text = np.divmod(pairs.known, len(pairs.texts))
    kept = keep[sample] & np.isin(text, words)
    samples = tuple(pairs.samples[number] for number in np.flatnonzero(keep))
    return Pairs(
        samples,
        pairs.sentences[captions],
        place[pairs.owner[captions]],
        text_ids,
        pairs.is_label[captions],
        pairs.groups[keep],
        _families([sample.twins for sample in samples]),
        place[sample[kept]] * len(captions) + np.searchsorted(words, text[kept]),
        tuple(pairs.texts[number] for number in captions),
        None if pairs.tokens is None else pairs.tokens[captions],
        None if pairs.token_mask is None else pairs.token_mask[captions],
    )


def relations(
    pairs: Pairs, items_a: Tensor, texts_a: Tensor, items_b: Tensor, texts_b: Tensor
) -> tuple[Tensor, Tensor]:
    """What A pairs (sample numbers and text ids, (A,) int64 each) are to C others: (same, certain), (A, C).

    same: of one clip, or one's caption is known of the other's sample; no negatives. certain: of one family
    of hard negatives and not the same; negatives that no filter may drop. bool, where ``items_a`` lies.
    """
    groups, twins, known = pairs.tables(items_a.device)
    count = len(pairs.texts)
    same = groups[items_a][:, None] == groups[items_b]
    same |= _contains(known, items_a[:, None] * count + texts_b)
    same |= _contains(known, items_b * count + texts_a[:, None])
    family = twins[items_a][:, None]
    return same, (family == twins[items_b]) & (family >= 0) & ~same


def _contains(rising: Tensor, values: Tensor) -> Tensor:
    place = torch.searchsorted(rising, values).clamp(max=len(rising) - 1)
    return rising[place] == values


def _families(names: Sequence[str]) -> NDArray[np.int64]:
    """(S,) the number of the first sample of each family; -1 for none, also where one is left on its own."""
    first: dict[str, int] = {}
    numbers = np.array([first.setdefault(name, number) if name else -1 for number, name in enumerate(names)])
    count = np.bincount(numbers[numbers >= 0], minlength=len(numbers))
    return np.where((numbers >= 0) & (count[numbers] > 1), numbers, -1)


def feature_statistics(samples: Sequence[Sample]) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (F,) over all frames, the latter never below a floor.

    The floor is a tenth of the median deviation of the feature's block, 1e-3 at least: a joint that hardly
    moves in little data (the still foot of the contact flags, say) must not become the loudest input.
    """
    frames = np.concatenate([sample.features for sample in samples]).astype(np.float64)
    mean, std = frames.mean(axis=0), frames.std(axis=0)
    for block in feature_blocks(len(std)):
        std[block] = np.maximum(std[block], max(0.1 * float(np.median(std[block])), 1e-3))
    return torch.from_numpy(mean).float(), torch.from_numpy(std).float()


def feature_blocks(width: int) -> tuple[slice, slice, slice, slice, slice, slice, slice]:
    """Columns of yaw, planar velocity, height, positions, rotations, velocities and foot contacts.

    ``width`` is 12 J - 1 for J joints: 263 for HumanML3D's 22, 251 for KIT-ML's 21.
    """
    joints = (width + 1) // 12
    counts = (1, 2, 1, 3 * (joints - 1), 6 * (joints - 1), 3 * joints, 4)
    ends = np.cumsum(counts).tolist()
    yaw, planar, height, positions, rotations, velocities, contacts = map(slice, [0, *ends], ends)
    return yaw, planar, height, positions, rotations, velocities, contacts


def changes_per_frame(width: int) -> tuple[slice, slice, slice]:
    """The columns that are changes per frame, so that they scale with the playing speed."""
    yaw, planar, _, _, _, velocities, _ = feature_blocks(width)
    return yaw, planar, velocities


def centre_crop(features: Features, longest: int) -> Features:
    """The middle ``longest`` frames, as the encoder takes them when a clip is longer."""
    start = max(0, (len(features) - longest) // 2)
    return features[start : start + longest]


def padded(clips: Sequence[Features]) -> tuple[Tensor, Tensor]:
    """(B, T, F) with zeros after each clip's end, and their lengths (B,)."""
    lengths = torch.tensor([len(clip) for clip in clips])
    return torch.nn.utils.rnn.pad_sequence([torch.from_numpy(clip) for clip in clips], True), lengths


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
