"""The procedural starter clips, in as many variants as wanted: all of the train split."""

from __future__ import annotations

import hashlib
from pathlib import Path

import motionary.starter
from motionary.features import features_from_joints, motion_joints
from motionary.starter import starter_variants
from motionary_training.sources.sample import Sample

__all__ = ["starter_identity", "starter_samples"]


def starter_identity() -> str:
    """Of the code that makes the clips: other code, other clips."""
    digest = hashlib.sha256()
    for source in sorted(Path(motionary.starter.__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def starter_samples(seed: int, per_clip: int) -> list[Sample]:
    """Procedural clips. Variants of one clip share its group: they must not be each other's negatives."""
    return [
        Sample(
            f"starter/{number:05d}",
            "starter/" + "|".join(clip.captions),
            "starter",
            "train",
            features_from_joints(motion_joints(clip.motion)),
            clip.captions,
            frozenset(clip.tags),
        )
        for number, clip in enumerate(starter_variants(seed, per_clip))
    ]
