"""A library's embeddings put into a collection of Milvus, and kept up to date there.

The key of a row is made from all that it holds and from the model: a row is there or it is not, and never
stale. So a run asks which keys there are, adds those that are missing, drops those that nothing has any more,
and can be interrupted at any time; the next goes on. That the collection is complete, and of what state of
the library, is written last.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionary.captions.facts_array import column
from motionary.errors import MotionaryError
from motionary.index import Progress
from motionary.keywords import stems_of_clips
from motionary.library import Library, Model, clip_ids, embeddings_of, read_rows
from motionary_scale.milvus import (
    ANSWER_S,
    KINDS,
    NO_CLIP,
    STATE,
    VERSION,
    Place,
    connected,
    foreign,
    parse_place,
    read_state,
    said_by,
    state_of,
)
from motionary_scale.milvus_filters import UNMEASURED, joined, spelled

__all__ = ["Filled", "fill_index"]

CLIPS = 500
"""Clips that are read at a time."""
ROWS = 1000
"""Rows that are sent at a time: one to three megabytes."""
KEYS = 10_000
"""Keys that are asked for, or dropped, at a time."""
LONGEST = 65_535
"""Bytes that a text of Milvus may have."""
MEASURES = {
    "distance": "distance_m",
    "loops": "loops",
    "hand_raised": "hand_raised",
    "hand_busy": "hand_busy",
}
"""Columns and the facts that are in them."""
CODES = ("loops", "hand_raised", "hand_busy")
"""Those that hold a small whole number."""
NAME = 1000
"""Bytes of a name that are kept: it is there to be looked at."""


@dataclass(frozen=True)
class Filled:
    """Embeddings that were added, removed because the library has them no more, and there before."""

    added: int
    removed: int
    kept: int


@dataclass(frozen=True)
class _Told:
    """What a library tells of a clip."""

    name: str
    source: str
    fps: float
    seconds: float
    tags: str
    words: str


def fill_index(
    library: Library, address: str, *, progress: Callable[[Progress], None] | None = None
) -> Filled:
    """Bring the collection at ``address`` up to date with ``library``, open to be read; made if need be.

    MotionaryError where there is nothing to put there, where nobody answers, where another program made the
    collection or another library filled it, and for a clip whose tags or words are more than Milvus takes.
    """
    place, model = parse_place(address), library.model
    ids = np.array(clip_ids(library), np.int64)
    if model is None or not len(ids):
        raise MotionaryError(f"{library.path}: has no clip yet to put into {place.shown}")
    with connected(place) as client, said_by(place):
        _make_collection(client, place, model)
        client.load_collection(place.collection, timeout=ANSWER_S)
        state, there = read_state(client, place), _keys(client, place)
        words = _words_of(library)
        made = [(row["key"], row["clip"]) for row in _rows(library, model, ids, words)]
        keys, clips = np.array(made, np.int64).reshape(-1, 2).T
        missing, gone = ~np.isin(keys, there), there[~np.isin(there, keys)]
        if state is not None and state.file != library.path.name and 0 < len(there) == len(gone):
            raise MotionaryError(
                f"{place.shown}: filled from {state.file}, and nothing in it is of {library.path}; choose "
                "another name, or drop that collection first"
            )
        new = set(keys[missing].tolist())
        waiting: list[dict[str, Any]] = []
        done = 0
        for row in _rows(library, model, np.unique(clips[missing]), words):
            if row["key"] in new:
                waiting.append(row)
            if len(waiting) == ROWS:
                done += _send(client, place, waiting)
                waiting = []
                if progress:
                    progress(Progress(done, len(new), ""))
        _send(client, place, waiting)
        for first in range(0, len(gone), KEYS):
            dropped = gone[first : first + KEYS].tolist()
            client.delete(place.collection, ids=dropped, timeout=ANSWER_S)
        _send(client, place, [_state_row(library, model)])
        client.flush(place.collection, timeout=None)  # an index of many is made meanwhile
        if progress:
            progress(Progress(len(new), len(new), ""))
    return Filled(len(new), len(gone), len(there) - len(gone))


def _make_collection(client: Any, place: Place, model: Model) -> None:
    from pymilvus import DataType  # it takes a second

    if client.has_collection(place.collection, timeout=ANSWER_S):
        told = client.describe_collection(place.collection, timeout=ANSWER_S)
        fields = {field["name"]: field for field in told["fields"]}
        if set(fields) != {*_state_fields(), "vector"}:
            raise MotionaryError(foreign(place))
        if int(fields["vector"]["params"]["dim"]) == model.joint_dim:
            return
        client.drop_collection(place.collection, timeout=ANSWER_S)  # a model of another size filled it
    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("key", DataType.INT64, is_primary=True)
    schema.add_field("clip", DataType.INT64)
    for name in ("start_s", "end_s", "seconds", "fps"):
        schema.add_field(name, DataType.DOUBLE)
    schema.add_field("distance", DataType.FLOAT)
    for name in CODES:
        schema.add_field(name, DataType.INT8)
    for name in ("name", "source", "tags", "words"):
        schema.add_field(name, DataType.VARCHAR, max_length=LONGEST)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=model.joint_dim)
    kind, params = KINDS[place.kind]
    index = client.prepare_index_params()
    index.add_index("vector", index_type=kind, metric_type="IP", params=params)
    client.create_collection(place.collection, schema=schema, index_params=index, timeout=ANSWER_S)


def _keys(client: Any, place: Place) -> NDArray[np.int64]:
    """Those that are there, sorted."""
    asking = client.query_iterator(
        place.collection,
        batch_size=KEYS,
        filter=f"key != {STATE}",
        output_fields=["key"],
        consistency_level="Strong",
    )
    parts = []
    while rows := asking.next():
        parts.append(np.array([row["key"] for row in rows], np.int64))
    asking.close()
    keys: NDArray[np.int64] = np.concatenate([*parts, np.zeros(0, np.int64)])
    keys.sort()
    return keys


def _send(client: Any, place: Place, rows: Sequence[dict[str, Any]]) -> int:
    if rows:
        client.upsert(place.collection, list(rows), timeout=ANSWER_S)
    return len(rows)


def _rows(
    library: Library, model: Model, ids: NDArray[np.int64], words: Callable[[int], Sequence[str]]
) -> Iterator[dict[str, Any]]:
    """A row for every embedding of these clips."""
    for first in range(0, len(ids), CLIPS):
        part = ids[first : first + CLIPS]
        told = _told(library, part.tolist(), words)
        held = embeddings_of(library, part.tolist())
        facts = {name: _measured(held.facts, fact) for name, fact in MEASURES.items()}
        for at, (clip, (start, end)) in enumerate(zip(held.clips.tolist(), held.spans.tolist(), strict=True)):
            of = told[clip]
            row = {
                "clip": clip,
                "start_s": start,
                "end_s": end,
                "seconds": of.seconds,
                "fps": of.fps,
                "distance": float(facts["distance"][at]),
                **{name: int(np.clip(facts[name][at], UNMEASURED, 127)) for name in CODES},
                "name": of.name,
                "source": of.source,
                "tags": of.tags,
                "words": of.words,
            }
            yield {"key": _key(model, row, held.vectors[at]), **row, "vector": held.vectors[at]}


def _measured(facts: NDArray[np.float32], fact: str) -> NDArray[np.float32]:
    """What was measured, as Milvus can hold it: (N,)."""
    return np.nan_to_num(column(facts, fact), nan=UNMEASURED, posinf=3e38, neginf=-3e38)


def _key(model: Model, row: dict[str, Any], vector: NDArray[np.float32]) -> int:
    """63 bits of a hash of all that a row holds; never that of the row that tells of the others."""
    told = hashlib.sha256(json.dumps([model.id, *row.values()]).encode())
    told.update(np.asarray(vector, "<f4").tobytes())
    return max(int.from_bytes(told.digest()[:8], "little") >> 1, STATE + 1)


def _told(library: Library, clips: Sequence[int], words: Callable[[int], Sequence[str]]) -> dict[int, _Told]:
    """What is told of clips, by id."""
    listed = json.dumps(list(clips))
    tags: dict[int, list[str]] = {}
    for clip, text in read_rows(
        library,
        "SELECT clip, text FROM tags WHERE clip IN (SELECT value FROM json_each(?)) ORDER BY clip, position",
        (listed,),
    ):
        tags.setdefault(clip, []).append(spelled(str(text)))
    rows = read_rows(
        library,
        "SELECT clips.id, name, path, fps, (end_frame - start_frame) / fps FROM clips "
        "JOIN motions ON motions.id = motion JOIN sources ON sources.id = source "
        "WHERE clips.id IN (SELECT value FROM json_each(?))",
        (listed,),
    )
    return {
        clip: _Told(
            str(name).encode("utf-8", "replace")[:NAME].decode("utf-8", "ignore"),
            _fitting(library, name, "path", spelled(str(path))),
            float(fps),
            float(seconds),
            _fitting(library, name, "tags", joined(sorted(set(tags.get(clip, ()))))),
            _fitting(library, name, "words", joined(words(clip))),
        )
        for clip, name, path, fps, seconds in rows
    }


def _fitting(library: Library, clip: str, what: str, text: str) -> str:
    if len(text) > LONGEST:
        raise MotionaryError(
            f"{library.path}: clip {clip} has more letters in its {what} than Milvus takes; shorten them"
        )
    return text


def _words_of(library: Library) -> Callable[[int], Sequence[str]]:
    """What gives the stems of a clip's words."""
    known = library.keywords.clips
    stems, starts, numbers = stems_of_clips(library.keywords)

    def words(clip: int) -> Sequence[str]:
        at = int(np.searchsorted(known, clip))
        return [stems[number] for number in numbers[starts[at] : starts[at + 1]].tolist()]

    return words


def _state_row(library: Library, model: Model) -> dict[str, Any]:
    told = {
        "version": VERSION,
        "file": library.path.name,
        "library": state_of(library),
        "model_id": model.id,
        "model_name": model.name,
    }
    return {
        **_state_fields(),
        "name": json.dumps(told),
        "vector": np.zeros(model.joint_dim, np.float32),
    }


def _state_fields() -> dict[str, Any]:
    numbers: Iterable[str] = ("start_s", "end_s", "seconds", "fps", "distance")
    return {
        "key": STATE,
        "clip": NO_CLIP,
        **dict.fromkeys(numbers, 0.0),
        **dict.fromkeys(CODES, UNMEASURED),
        **dict.fromkeys(("name", "source", "tags", "words"), ""),
    }
