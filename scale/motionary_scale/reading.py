"""What a server reads of a library for each question, as plain JSON: never a path of the server's."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionary.bundle import ModelBundle
from motionary.confidence import is_unsure, told_how_sure
from motionary.errors import MotionaryError
from motionary.filters import Filter, rows_that_pass
from motionary.keywords import understood
from motionary.library import ClipInfo, Library, clip_info, clip_motion, read_rows
from motionary.motion import slice_frames
from motionary.motion_bytes import pack_motion
from motionary.query import parse_query
from motionary.search import Hit, search, similar
from motionary_scale.answers import Filters, SearchQuestion, SimilarQuestion
from motionary_scale.shelf import Reader

__all__ = [
    "CachingModel",
    "Refused",
    "caching",
    "clip_facts",
    "encoded",
    "library_facts",
    "motion_part",
    "search_clips",
    "similar_clips",
]

KEPT_QUERIES = 1024
"""Questions whose embeddings are kept: typing a query asks for the same ones again and again."""


class Refused(Exception):  # noqa: N818
    """A question that gets no answer: the HTTP status, and why, in one sentence that names nothing secret."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


@dataclass(frozen=True, eq=False)
class CachingModel:
    """A model bundle that remembers the texts it embedded, each as it was asked for: a text's numbers depend,
    in their last digit, on those beside it."""

    bundle: ModelBundle
    texts: Callable[[tuple[str, ...]], NDArray[np.float32]]
    familiarity: Callable[[str], float]

    @property
    def id(self) -> str:
        """As of the bundle; so the others."""
        return self.bundle.id

    @property
    def name(self) -> str:
        """What its card calls it."""
        return self.bundle.name

    @property
    def joint_dim(self) -> int:
        """D."""
        return self.bundle.joint_dim

    @property
    def max_frames(self) -> int:
        """Frames at 20 fps that it takes in."""
        return self.bundle.max_frames

    @property
    def config(self) -> Mapping[str, Any]:
        """Its config.json."""
        return self.bundle.config

    def embed_texts(self, texts: list[str]) -> NDArray[np.float32]:
        """(N, D) unit rows."""
        return self.texts(tuple(texts))

    def embed_features(self, motions: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        """(N, D) unit rows of features (T, 263)."""
        return self.bundle.embed_features(motions)


def caching(bundle: ModelBundle) -> CachingModel:
    """The bundle, with a memory for texts."""

    @lru_cache(maxsize=KEPT_QUERIES)
    def embed(texts: tuple[str, ...]) -> NDArray[np.float32]:
        made = bundle.embed_texts(list(texts))
        made.flags.writeable = False  # for it is everybody's
        return made

    return CachingModel(bundle, embed, lru_cache(maxsize=KEPT_QUERIES)(bundle.familiarity))


def library_facts(reader: Reader, name: str) -> dict[str, Any]:
    """What is in a library."""
    held = reader.contents
    return {
        "name": name,
        "clips": held.summary.clips,
        "embeddings": held.summary.embeddings,
        "seconds": held.summary.duration_s,
        "model": held.model and {"id": held.model.id, "name": held.model.name},
        "state": held.state,
    }


def _check_query(asked: SearchQuestion) -> None:
    """Refused where a query says nothing, or cannot be read."""
    try:
        parse_query(asked.query)
    except MotionaryError as error:
        raise Refused(400, str(error)) from None


def search_clips(reader: Reader, model: CachingModel, asked: SearchQuestion) -> dict[str, Any]:
    """What ``motionary search`` finds, from ``offset`` on. Refused for a query that says nothing."""
    wanted = _filter(asked.filters)
    _check_query(asked)
    library, held = reader.library, reader.contents
    if held.behind is None:
        raise Refused(409, "the library was embedded by another model than this server has")
    taken = understood(library, asked.query, model.bundle.known_words)
    among = _rows(library, wanted)
    hits = search(library, model, taken, asked.offset + asked.top, among=among, whole_clips=asked.whole_clips)
    return _found(
        reader,
        told_how_sure(hits, held.behind, model.familiarity(asked.query)),
        asked.offset,
        among,
        taken,
    )


def similar_clips(reader: Reader, model: CachingModel, asked: SimilarQuestion) -> dict[str, Any]:
    """What ``motionary similar`` finds, from ``offset`` on."""
    wanted = _filter(asked.filters)
    library = reader.library
    _info(library, asked.clip)
    if not (library.embeddings.clips == asked.clip).any():
        raise Refused(409, f"clip {asked.clip} has no embedding")
    among = _rows(library, wanted)
    hits = similar(
        library,
        asked.clip,
        asked.offset + asked.top,
        bundle=model,
        among=among,
        whole_clips=asked.whole_clips,
    )
    return _found(reader, hits, asked.offset, among, "")


def clip_facts(reader: Reader, clip: int) -> dict[str, Any]:
    """A clip without its motion."""
    info = _info(reader.library, clip)
    return {
        "id": info.id,
        "name": info.name,
        "fps": info.fps,
        "frames": info.frames,
        "seconds": info.duration,
        "source": _file_name(info.source),
        "captions": info.captions,
        "tags": info.tags,
    }


def motion_part(reader: Reader, clip: int, start_s: float | None, end_s: float | None) -> bytes:
    """A clip's motion, or its frames from ``start_s`` to ``end_s``, as `motionary.motion_bytes`."""
    _info(reader.library, clip)
    motion = clip_motion(reader.library, clip)
    first = round((start_s or 0.0) * motion.fps)
    last = motion.frames if end_s is None else min(round(end_s * motion.fps), motion.frames)
    if first >= motion.frames or (end_s is not None and end_s <= (start_s or 0.0)):
        raise Refused(400, f"clip {clip} lasts {motion.duration:.3f} s and has no frame there")
    try:
        return pack_motion(slice_frames(motion, first, max(first + 1, last)))
    except MotionaryError as error:
        raise Refused(400, str(error)) from None


def encoded(document: Any) -> bytes:
    """JSON as it is sent."""
    return json.dumps(document, allow_nan=False, separators=(",", ":")).encode()


def _filter(asked: Filters) -> Filter:
    try:
        return Filter(**{**asdict(asked), "tags": tuple(asked.tags)})
    except MotionaryError as error:
        raise Refused(400, str(error)) from None


def _rows(library: Library, wanted: Filter) -> NDArray[np.bool_] | None:
    """Which embeddings pass. The source is looked for in the files' names: whether a path holds a text would
    tell the server's folders, letter by letter."""
    among = rows_that_pass(library, replace(wanted, source=""))
    if not wanted.source:
        return among
    part = wanted.source.lower()
    named = [
        int(number)
        for number, path in read_rows(library, "SELECT id, path FROM sources")
        if part in _file_name(str(path)).lower()
    ]
    rows = read_rows(
        library,
        "SELECT clips.id FROM clips JOIN motions ON motions.id = motion "
        "WHERE source IN (SELECT value FROM json_each(?))",
        (json.dumps(named),),
    )
    of_those = np.isin(library.embeddings.clips, np.array([row[0] for row in rows], np.int64))
    return of_those if among is None else among & of_those


def _found(
    reader: Reader, hits: Sequence[Hit], offset: int, among: NDArray[np.bool_] | None, taken: str
) -> dict[str, Any]:
    clips = reader.contents.embeddings.clips
    return {
        "hits": [asdict(hit) | {"source": _file_name(hit.source)} for hit in hits[offset:]],
        "total": len(np.unique(clips if among is None else clips[among])),
        "unsure": is_unsure(hits),
        "understood": taken,
        "state": reader.contents.state,
    }


def _info(library: Library, clip: int) -> ClipInfo:
    if not read_rows(library, "SELECT 1 FROM clips WHERE id = ?", (clip,)):
        raise Refused(404, f"there is no clip {clip}")
    return clip_info(library, clip)


def _file_name(source: str) -> str:
    """The last part of a path, of whichever system it came from."""
    return re.split(r"[\\/]", source)[-1]
