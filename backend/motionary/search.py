"""Exact search: a query against every embedding of a library.

A clip scores as its best window does, and the hit tells the moment around it (`motionary.moments`).
It is as quick as FAISS's exact index, and a million windows take a fraction of a second on one core
(docs/scale.md), so no index is kept that would have to be built, tuned and doubted. Where there are too many
for that, what to look at can be chosen elsewhere (`motionary.candidates`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from motionary.body import mirror_joints
from motionary.candidates import Asked, Choose
from motionary.errors import MotionaryError
from motionary.features import features_from_joints, motion_joints
from motionary.keywords import asked_stems, shares
from motionary.library import Embeddings, Library, clip_info, clip_motion, embeddings_of
from motionary.moments import moment_span, once
from motionary.motion import Motion
from motionary.query import parse_query
from motionary.ranking import EmbedTexts, Rows, cosines, directions, score_rows

__all__ = [
    "Hit",
    "MotionModel",
    "TextModel",
    "check_model",
    "motion_direction",
    "search",
    "search_vector",
    "similar",
    "similar_to_motion",
]

MIRRORED = 0.8
"""Of a hit's distance (1 less the cosine) what that of its mirror image may be, for it to be called mirrored:
most of what people do is much the same in a mirror."""
LATER = 0.001
"""Cosine that a mirror image loses, to come after what is as near as it is."""


class TextModel(Protocol):
    """What search needs of a model bundle."""

    @property
    def id(self) -> str:
        """The sha256 of its config and weights."""

    @property
    def name(self) -> str:
        """What its card calls it."""

    def embed_texts(self, texts: list[str]) -> NDArray[np.float32]:
        """(N, D) unit rows."""


class MotionModel(TextModel, Protocol):
    """What indexing, and looking for a motion, need of a model bundle."""

    @property
    def joint_dim(self) -> int:
        """D."""

    @property
    def max_frames(self) -> int:
        """Frames at 20 fps that it takes in."""

    @property
    def config(self) -> Mapping[str, Any]:
        """Its config.json."""

    def embed_features(self, motions: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        """(N, D) unit rows of features (T, 263)."""


@dataclass(frozen=True)
class Hit:
    """A clip found: rank from 1, score the cosine in [-1, 1] of its best window.

    start_s, end_s: from when to when it matches, seconds of the clip, itself duration_s long. mirrored: it is
    its mirror image that is like what was asked for. confidence: how likely, in [0, 1], it shows what was
    asked for, where that was told (see `motionary.confidence`).
    """

    rank: int
    clip: int
    name: str
    score: float
    start_s: float
    end_s: float
    fps: float
    source: str
    captions: tuple[str, ...]
    tags: tuple[str, ...]
    duration_s: float
    mirrored: bool = False
    confidence: float | None = None


def search(
    library: Library,
    bundle: TextModel,
    query: str,
    top: int = 10,
    *,
    without: Sequence[str] = (),
    among: NDArray[np.bool_] | None = None,
    choose: Choose | None = None,
    whole_clips: bool = False,
) -> list[Hit]:
    """The ``top`` clips that match ``query`` best, best first; equal scores by clip id.

    What a query may say is told in `motionary.query`, how it is scored in `motionary.ranking`. without: what
    is not wanted. among: which rows of ``library.embeddings`` to look at, (N,); None for all (see
    `motionary.filters`). choose: what to look at instead. whole_clips: a hit is all of its clip, not the
    moment that matches.

    MotionaryError for a query that says nothing, and where another model than
    ``bundle`` embedded the library.
    """
    asked = parse_query(query, without)
    check_model(library, bundle)
    _check_top(top)
    embed, said = _remembered(bundle.embed_texts), " ".join(step.sentence for step in asked.steps)
    if choose is None:
        held = library.embeddings
    else:
        chosen = choose(Asked(directions(asked, embed), asked_stems(said), top))
        held, among = chosen.embeddings, chosen.among
    if len(held.clips) == 0:
        return []
    known = library.keywords.clips  # both are sorted
    if len(known) == 0 or held.clips[-1] > known[-1]:
        raise MotionaryError(
            f"{library.path}: the library is damaged (embeddings of no clip); index its sources into "
            "a new one"
        )
    told = shares(library.keywords, said)
    words = told[np.searchsorted(known, held.clips)]
    rows = Rows(held.vectors, held.facts, held.clips, held.spans)
    scores = score_rows(asked, embed, rows, words=words, among=among)
    return _hits(library, held, scores, top, whole_clips=whole_clips)


def _remembered(embed: EmbedTexts) -> EmbedTexts:
    """``embed``, of each text once."""
    known: dict[str, NDArray[np.float32]] = {}

    def remembered(texts: list[str]) -> NDArray[np.float32]:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            known.update(zip(new, embed(new), strict=True))
        return np.stack([known[text] for text in texts])

    return remembered


def similar(
    library: Library,
    clip: int,
    top: int = 10,
    *,
    bundle: MotionModel | None = None,
    among: NDArray[np.bool_] | None = None,
    choose: Choose | None = None,
    whole_clips: bool = False,
) -> list[Hit]:
    """The ``top`` other clips most like clip ``clip``, by the direction of its windows that tell it once.

    bundle: the library's model, to look for the mirror image too; without it, or with another model, only the
    clip as it is is looked for. The rest as for `search`.
    """
    info = clip_info(library, clip)
    own = embeddings_of(library, [clip])
    if len(own.clips) == 0:
        raise MotionaryError(f"{library.path}: clip {info.name} has no embedding; index its source again")
    vector = own.vectors[once(own.spans)].mean(axis=0)
    mirrored = None
    if bundle is not None and library.model is not None and library.model.id == bundle.id:
        mirrored = motion_direction(clip_motion(library, clip), bundle, mirrored=True)
    return search_vector(
        library,
        vector,
        top,
        mirrored=mirrored,
        among=among,
        choose=choose,
        leave_out=clip,
        whole_clips=whole_clips,
    )


def similar_to_motion(
    library: Library,
    bundle: MotionModel,
    motion: Motion,
    top: int = 10,
    *,
    among: NDArray[np.bool_] | None = None,
    choose: Choose | None = None,
    whole_clips: bool = False,
) -> list[Hit]:
    """The ``top`` clips most like a motion that need not be in the library, or like its mirror image.

    MotionaryError where it is no human body or has too few frames, and as for `search`.
    """
    check_model(library, bundle)
    vector, mirrored = (motion_direction(motion, bundle, mirrored=image) for image in (False, True))
    return search_vector(
        library, vector, top, mirrored=mirrored, among=among, choose=choose, whole_clips=whole_clips
    )


def motion_direction(motion: Motion, bundle: MotionModel, *, mirrored: bool = False) -> NDArray[np.float32]:
    """The direction (D,) of a motion, or its mirror image: of all of it up to what the model takes in, or the
    mean of windows of a longer one. MotionaryError where it is no human body or has too few frames.
    """
    joints = motion_joints(motion)
    features = features_from_joints(mirror_joints(joints) if mirrored else joints)
    length = bundle.max_frames
    starts = [*range(0, len(features) - length, length // 2), max(len(features) - length, 0)]
    parts = [features[start : start + length] for start in starts]
    mean: NDArray[np.float32] = bundle.embed_features(parts).mean(axis=0)
    return mean


def check_model(library: Library, bundle: TextModel) -> None:
    """MotionaryError, with the cure, where another model than ``bundle`` made the library's embeddings."""
    model = library.model
    if model is not None and model.id != bundle.id:
        raise MotionaryError(
            f"{library.path}: embedded by model {model.name} ({model.id[:8]}), not by {bundle.name} "
            f"({bundle.id[:8]}); choose that model (--model), or embed the library again "
            f"(motionary index --library {library.path} --reembed)"
        )


def search_vector(
    library: Library,
    vector: NDArray[np.float32],
    top: int = 10,
    *,
    among: NDArray[np.bool_] | None = None,
    choose: Choose | None = None,
    mirrored: NDArray[np.float32] | None = None,
    leave_out: int | None = None,
    whole_clips: bool = False,
) -> list[Hit]:
    """The ``top`` clips nearest to ``vector`` (D,), an embedding by the library's model, of any length.

    mirrored: that of the mirror image; what is nearer to it, by MIRRORED, is found as such. leave_out: a clip
    that is not asked for, as the one that ``vector`` is of. The rest as for `search`.
    """
    _check_top(top)
    if choose is None:
        held = library.embeddings
    else:
        near = np.stack([_unit(vector)] if mirrored is None else [_unit(vector), _unit(mirrored)])
        chosen = choose(Asked(near, (), top + (leave_out is not None)))
        held, among = chosen.embeddings, chosen.among
    if len(held.clips) == 0:
        return []
    scores = cosines(held.vectors, _unit(vector))
    is_image = np.zeros(len(scores), np.bool_)
    if mirrored is not None:
        image = cosines(held.vectors, _unit(mirrored))
        is_image = 1.0 - image < MIRRORED * (1.0 - scores)
        scores = np.where(is_image, image - LATER, scores)
    if among is not None:
        scores = np.where(among, scores, -np.inf)
    return _hits(library, held, scores, top, leave_out, whole_clips=whole_clips, is_image=is_image)


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = np.asarray(vector, np.float32) / max(float(np.linalg.norm(vector)), 1e-12)
    return unit


def _check_top(top: int) -> None:
    if top < 1:
        raise MotionaryError(f"cannot give the best {top} clips; ask for 1 or more")


def _hits(
    library: Library,
    held: Embeddings,
    scores: NDArray[np.float32],
    top: int,
    leave_out: int | None = None,
    *,
    whole_clips: bool = False,
    is_image: NDArray[np.bool_] | None = None,
) -> list[Hit]:
    """The clips with the best rows; scores: (N,) of ``held``, -inf where a row is left out.

    is_image: (N,), where it is the mirror image that a score is of.
    """
    # Embeddings are sorted by clip: its windows are a run of rows, and the clip scores as the best of them.
    starts = np.flatnonzero(np.diff(held.clips, prepend=held.clips[0] - 1))
    clips, of_clip = held.clips[starts], np.maximum.reduceat(scores, starts)
    kept = np.isfinite(of_clip)
    if leave_out is not None:
        kept &= clips != leave_out
    runs = _best(np.where(kept, of_clip, -np.inf), min(top, int(kept.sum())))
    ends = np.append(starts[1:], len(scores))
    hits = []
    for rank, run in enumerate(runs.tolist(), start=1):
        own = slice(starts[run], ends[run])
        info = clip_info(library, int(clips[run]))
        whole = (0.0, info.duration)
        start, end = whole if whole_clips else moment_span(held.spans[own], scores[own])
        hits.append(
            Hit(
                rank,
                info.id,
                info.name,
                float(np.clip(of_clip[run], -1.0, 1.0)),
                start,
                end,
                info.fps,
                info.source,
                info.captions,
                info.tags,
                info.duration,
                is_image is not None and bool(is_image[own][np.argmax(scores[own])]),
            )
        )
    return hits


def _best(scores: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """Where the ``count`` highest scores are, the highest first, equal ones in order."""
    if count == 0:
        return np.zeros(0, np.intp)
    # Sorting all takes longer than scoring them: only what reaches the last place is sorted.
    bar = np.partition(scores, -count)[-count]
    reach = np.flatnonzero(scores >= bar)
    return reach[np.argsort(-scores[reach], kind="stable")][:count]
