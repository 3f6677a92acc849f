"""Captioned clips of all the sources that a config names, joined with the vectors of their captions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from motionary.errors import MotionaryError
from motionary_training.compositions import in_parallel, in_sequence
from motionary_training.config import Config, DataConfig
from motionary_training.frames import feature_blocks
from motionary_training.hard_negatives import with_twins
from motionary_training.sources import SHORTEST, Features, Sample
from motionary_training.sources.cmu import cmu_cuts, described_cuts
from motionary_training.sources.cuts import Cut, cut_samples
from motionary_training.sources.official import HUMANML3D, KIT, official_samples
from motionary_training.sources.paraphrases import with_paraphrases
from motionary_training.sources.starter import starter_samples
from motionary_training.sources.studio import studio_cuts
from motionary_training.text import sentence_vectors, tokenise

__all__ = [
    "SHORTEST",
    "Pairs",
    "Sample",
    "centre_crop",
    "feature_statistics",
    "frame_rate",
    "load_pairs",
    "load_samples",
    "load_validation",
    "make_pairs",
    "padded",
    "pairs_for",
    "relations",
    "subset",
]


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
    _on_devices: dict[torch.device, tuple[Tensor, ...]] = field(default_factory=dict, init=False, repr=False)

    def tables(self, device: torch.device) -> tuple[Tensor, ...]:
        """groups, twins and known as tensors on a device, moved there once."""
        if device not in self._on_devices:
            tables = (self.groups, self.twins, self.known)
            self._on_devices[device] = tuple(torch.from_numpy(table).to(device) for table in tables)
        return self._on_devices[device]


def load_samples(
    config: DataConfig,
    splits: Sequence[str],
    *,
    seed: int = 0,
    pooled: bool = False,
    may_be_none: bool = False,
    left_out: Callable[[str], None] = lambda reason: None,
    step: Callable[[int, int], None] = lambda done, total: None,
) -> list[Sample]:
    """Every sample of ``splits`` that the config asks for; extra sources belong to the train split.

    ``pooled`` takes CMU's clips of all these splits for train clips, to be cut into folds by who asks.
    ``left_out`` hears of each clip that could not be used, and why; ``step`` of files done and in all.
    Raises MotionaryError where a data set is incomplete, KIT-ML is asked for with another, or there are no
    clips, unless ``may_be_none``.
    """
    if config.kit and (config.humanml3d or config.cmu or config.studio or config.starter_variants):
        raise MotionaryError(
            "KIT-ML has 21 joints at 12.5 fps, all others 22 at 20; leave data.kit or the others out"
        )
    cache, samples = Path(config.cache), list[Sample]()
    cuts = list[Cut]()
    if config.cmu:
        cuts += cmu_cuts(Path(config.cmu), cache, splits, mirrored=config.mirrored, pooled=pooled)
    if config.cmu and config.trial_descriptions and "train" in splits:
        cuts += described_cuts(Path(config.cmu), cache)
    if config.studio:
        cuts += studio_cuts(Path(config.studio), splits, mirrored=config.mirrored)
    for folder, layout in ((config.humanml3d, HUMANML3D), (config.kit, KIT)):
        if folder:
            samples += official_samples(
                Path(folder), layout, splits, mirrored=config.mirrored, left_out=left_out, step=step
            )
    samples += cut_samples(cuts, cache, left_out=left_out, step=step)
    if config.starter_variants and "train" in splits:
        samples += starter_samples(seed, config.starter_variants)
    if not samples and not may_be_none:
        raise MotionaryError(
            f"no clips of {' or '.join(splits)} to be had; set data.humanml3d, data.kit, data.cmu, "
            "data.studio or data.starter_variants"
        )
    samples.sort(key=lambda sample: sample.id)
    # Only train clips are learnt from by what nobody wrote.
    labelled = ("train",) if config.action_captions else ()
    samples = [sample if sample.split in labelled else replace(sample, labels=()) for sample in samples]
    if "train" not in splits:
        return samples
    if config.paraphrases:
        samples = with_paraphrases(samples, config)
    composed = [
        *in_sequence(samples, config.sequences, seed),
        *in_parallel(samples, config.parallels, seed),
    ]
    return with_twins([*samples, *composed], config.hard_negatives, seed)


def frame_rate(config: DataConfig) -> float:
    """Frames a second of the features that the config asks for."""
    return KIT.fps if config.kit else HUMANML3D.fps


def load_pairs(
    config: Config,
    split: str,
    *,
    left_out: Callable[[str], None] = lambda reason: None,
    step: Callable[[int, int], None] = lambda done, total: None,
) -> Pairs:
    """The samples of one split joined with the vectors of their captions. Raises as load_samples does."""
    samples = load_samples(config.data, (split,), seed=config.seed, left_out=left_out, step=step)
    return pairs_for(samples, config)


def load_validation(config: Config) -> Pairs | None:
    """The val split's pairs; None where there are none: the starter's variants are all to learn from, and a
    studio may have no file to spare. Raises as load_samples does."""
    data = config.data
    if not (data.humanml3d or data.kit or data.cmu or data.studio):
        return None
    samples = load_samples(data, ("val",), seed=config.seed, may_be_none=bool(data.studio))
    return pairs_for(samples, config) if samples else None


def pairs_for(samples: Sequence[Sample], config: Config) -> Pairs:
    """Samples with their captions as the config's text encoder takes them."""
    texts = [text for sample in samples for text in (*sample.captions, *sample.labels)]
    cache = Path(config.data.cache)
    pairs = make_pairs(samples, sentence_vectors(config.text, texts, cache))
    if not config.text.finetune:
        return pairs
    tokens, mask = tokenise(config.text, pairs.texts, cache)
    return replace(pairs, tokens=tokens, token_mask=mask)


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
    # Clip by clip: all of HumanML3D at once would be 10 GB of float64.
    count = sum(len(sample.features) for sample in samples)
    width = samples[0].features.shape[1]
    mean, square = np.zeros(width), np.zeros(width)
    for sample in samples:
        mean += sample.features.sum(axis=0, dtype=np.float64) / count
    for sample in samples:
        square += ((sample.features - mean) ** 2).sum(axis=0) / count
    std = np.sqrt(square)
    for block in feature_blocks(len(std)):
        std[block] = np.maximum(std[block], max(0.1 * float(np.median(std[block])), 1e-3))
    return torch.from_numpy(mean).float(), torch.from_numpy(std).float()


def centre_crop(features: Features, longest: int) -> Features:
    """The middle ``longest`` frames, as the encoder takes them when a clip is longer."""
    start = max(0, (len(features) - longest) // 2)
    return features[start : start + longest]


def padded(clips: Sequence[Features]) -> tuple[Tensor, Tensor]:
    """(B, T, F) with zeros after each clip's end, and their lengths (B,)."""
    lengths = torch.tensor([len(clip) for clip in clips])
    return torch.nn.utils.rnn.pad_sequence([torch.from_numpy(clip) for clip in clips], True), lengths
