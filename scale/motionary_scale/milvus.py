"""Candidates from Milvus: a collection that holds a library's embeddings, beside the library.

    milvus://HOST[:PORT]/[DATABASE/]COLLECTION     a server; milvuss:// for one that speaks TLS
    milvus+lite:PATH.db                            Milvus Lite, in this process, its data in PATH.db

``?kind=flat|hnsw|ivf_flat`` says what index a collection is made with: flat, which is exact, if it says
nothing. A token comes from the environment, MOTIONARY_MILVUS_TOKEN, never from an address.

A collection is one library's: clips and captions stay in the library, and what `nearest` names is looked up
and ranked there (`motionary.candidates`). One row tells of what state of the library, and by which model, the
others are (`motionary_scale.milvus_fill` writes them); the library itself remembers nothing of a collection.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
from numpy.typing import NDArray

from motionary.candidates import Asked, Finder
from motionary.errors import MotionaryError
from motionary.filters import Filter
from motionary.library import Library, Model, read_rows
from motionary_scale.milvus_filters import all_of, having, passing

__all__ = [
    "ANSWER_S",
    "KINDS",
    "NO_CLIP",
    "STATE",
    "VERSION",
    "Index",
    "Place",
    "State",
    "best_cosines",
    "check_index",
    "connected",
    "finder",
    "foreign",
    "nearest",
    "open_index",
    "parse_place",
    "read_state",
    "said_by",
    "state_of",
]

TOKEN = "MOTIONARY_MILVUS_TOKEN"  # noqa: S105
LITE_COLLECTION = "motionary"
PORT = 19530
SECONDS = 10.0
"""What a connection may take."""
ANSWER_S = 120.0
"""What an answer may take."""

KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "flat": ("FLAT", {}),
    "hnsw": ("HNSW", {"M": 48, "efConstruction": 400}),
    "ivf_flat": ("IVF_FLAT", {"nlist": 1024}),
}
"""The kinds of index that an address may name, and how Milvus makes them."""

STATE = 0
"""The key of the row that is no embedding but tells of the others."""
NO_CLIP = -1
"""What that row has for a clip."""
VERSION = 1

NEAR = 1000
"""Embeddings that are asked for near each direction: more than `motionary.ranking.LOOKED_AT`, whose facts may
change places, and so many that the best ten are not missed by an index that is not exact."""
MOST = 16_384
"""Embeddings that Milvus gives at most."""
EFFORTS: dict[str, tuple[dict[str, int], dict[str, int]]] = {
    "HNSW": ({"ef": 4 * NEAR}, {"ef": 2 * MOST}),
    "IVF_FLAT": ({"nprobe": 128}, {"nprobe": 1024}),
}
"""How hard an index that is not exact looks at first, and where what passes an expression is so rare that it
finds too little."""


@dataclass(frozen=True)
class Place:
    """Where a collection is: uri as pymilvus takes it, and what the collection is called there.

    shown: as it was typed. kind: one of KINDS, for one that is yet to be made.
    """

    shown: str
    uri: str
    database: str
    collection: str
    kind: str

    @property
    def is_lite(self) -> bool:
        """Whether it is in this process."""
        return not self.uri.startswith("http")


@dataclass(frozen=True)
class State:
    """What a collection was filled from: the library's file name, `state_of` it, and by which model."""

    file: str
    library: str
    model_id: str
    model_name: str


@dataclass(frozen=True, eq=False)
class Index:
    """A collection to ask. kind: of its index, as Milvus calls it. state: None where it was never filled to
    the end."""

    place: Place
    client: Any
    kind: str
    state: State | None


def parse_place(text: str) -> Place:
    """What an address names; MotionaryError where it is none."""
    scheme, _, rest = text.partition(":")
    shape = (
        "a collection's address is milvus://HOST:PORT/COLLECTION (milvuss:// for TLS) or "
        "milvus+lite:PATH.db, and ?kind=flat, hnsw or ivf_flat may follow"
    )
    rest, _, asked = rest.partition("?")
    options = parse_qs(asked, keep_blank_values=True)
    kind = options.pop("kind", ["flat"])[-1].lower()
    if options or kind not in KINDS or "#" in rest:
        raise MotionaryError(f"{text}: {shape}")
    if scheme == "milvus+lite":
        path = Path(rest.removeprefix("//"))
        if path.suffix != ".db":
            raise MotionaryError(f"{text}: Milvus Lite keeps its data in PATH.db; end the path with .db")
        return Place(text, str(path.absolute()), "", LITE_COLLECTION, kind)
    if scheme not in ("milvus", "milvuss") or not rest.startswith("//"):
        raise MotionaryError(f"{text}: {shape}")
    try:
        parts = urlsplit(f"{scheme}:{rest}")
        host, port = parts.hostname, parts.port or PORT
    except ValueError:
        raise MotionaryError(f"{text}: {shape}") from None
    if parts.username is not None or parts.password is not None:
        raise MotionaryError(f"{parts.hostname}: put the token into {TOKEN}, not into the address")
    *database, collection = parts.path.strip("/").split("/")
    names = (*database, collection)
    if not host or len(names) > 2 or not all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,254}", n) for n in names):
        raise MotionaryError(f"{text}: {shape}")
    secure = "https" if scheme == "milvuss" else "http"
    named = f"[{host}]" if ":" in host else host
    return Place(text, f"{secure}://{named}:{port}", "".join(database), collection, kind)


@contextmanager
def said_by(place: Place) -> Iterator[None]:
    """Milvus's errors as MotionaryError, one line for the user."""
    pymilvus, grpc = _imported("pymilvus"), _imported("grpc")
    try:
        yield
    except (pymilvus.MilvusException, grpc.RpcError, ValueError, KeyError) as error:
        reason = " ".join(str(getattr(error, "message", "") or error).split())[:300]
        raise MotionaryError(f"{place.shown}: Milvus says: {reason}") from error


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        reason = " ".join(str(error).split())
        raise MotionaryError(
            f"--index needs {name}, which cannot be imported here ({reason}): "
            'pip install "motionary[scale]", or leave --index out'
        ) from None


@contextmanager
def connected(place: Place) -> Iterator[Any]:
    """A client of pymilvus. MotionaryError where nobody answers, or pymilvus is missing."""
    pymilvus = _imported("pymilvus")
    # Both tell every error by themselves, with a traceback, before they raise it.
    for name in ("pymilvus", "milvus_lite"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    if place.is_lite:
        _imported("milvus_lite")
        if not Path(place.uri).parent.is_dir():
            raise MotionaryError(f"{place.shown}: its folder does not exist; make it first")
    # Milvus Lite takes pymilvus's own pings, every ten seconds, for an attack.
    quiet = {"grpc_options": {"grpc.keepalive_time_ms": 2**31 - 1}} if place.is_lite else {}
    try:
        client = pymilvus.MilvusClient(
            uri=place.uri,
            token=os.environ.get(TOKEN, ""),
            db_name=place.database,
            timeout=SECONDS,
            **quiet,
        )
    except Exception as error:  # pymilvus raises whatever went wrong below it
        raise MotionaryError(_unreachable(place, error)) from error
    try:
        yield client
    finally:
        client.close()


def _unreachable(place: Place, error: Exception) -> str:
    if place.is_lite:
        return (
            f"{place.shown}: Milvus Lite does not open it: another program has it open (it takes one at a "
            "time), or it is no data of Milvus Lite"
        )
    said = " ".join(str(getattr(error, "message", "") or error).split())
    if "auth" in said.lower() or "privilege" in said.lower():
        return (
            f"{place.shown}: refused; set {TOKEN} to a token, or USER:PASSWORD, that may use the collection"
        )
    return f"{place.shown}: nobody answers there ({said[:120]}); is the server running, and the port right?"


@contextmanager
def open_index(text: str) -> Iterator[Index]:
    """The collection of an address, to ask it. MotionaryError where there is none, or nobody answers."""
    place = parse_place(text)
    if place.is_lite and not Path(place.uri).exists():
        raise MotionaryError(_missing(place))
    with connected(place) as client:
        with said_by(place):
            if not client.has_collection(place.collection, timeout=SECONDS):
                raise MotionaryError(_missing(place))
            client.load_collection(place.collection, timeout=ANSWER_S)
            told = client.describe_index(place.collection, "vector", timeout=SECONDS)
            state = read_state(client, place)
        yield Index(place, client, str(told.get("index_type")), state)


def _missing(place: Place) -> str:
    return (
        f"{place.shown}: there is no such collection yet; motionary index --library LIB --index "
        f"{place.shown} makes it"
    )


def read_state(client: Any, place: Place) -> State | None:
    """What a collection says of itself; None where it was never filled to the end.

    MotionaryError where another program, or a newer Motionary, made it.
    """
    rows = client.query(
        place.collection,
        filter=f"key == {STATE}",
        output_fields=["name"],
        consistency_level="Strong",
        timeout=ANSWER_S,
    )
    if not rows:
        return None
    try:
        told = json.loads(rows[0]["name"])
        if told["version"] == VERSION:
            return State(*(str(told[name]) for name in ("file", "library", "model_id", "model_name")))
    except (ValueError, KeyError, TypeError):
        pass
    raise MotionaryError(foreign(place))


def foreign(place: Place) -> str:
    """The sentence about a collection that is not as this version makes them."""
    return (
        f"{place.shown}: another program, or another version of Motionary, made this collection; choose "
        "another name for a new one"
    )


def state_of(library: Library) -> str:
    """What is another after a change of the library, and the same of a copy of it; ``library`` is open to be
    read."""
    ((last,),) = read_rows(library, "SELECT max(id) FROM embeddings")
    # The file's header counts its changes, and how long it is.
    told = (library.header[24:32].hex(), last, library.model and library.model.id)
    return hashlib.sha256(repr(told).encode()).hexdigest()[:32]


def check_index(index: Index, library: Library, model: Model) -> str:
    """A sentence where the collection is of an earlier state of the library; "" where it is up to date.

    MotionaryError where it was never filled to the end, by another model than ``model``, or from a library of
    another name.
    """
    refill = f"motionary index --library {library.path} --index {index.place.shown}"
    state = index.state
    if state is None:
        raise MotionaryError(f"{index.place.shown}: was not filled to the end; {refill} goes on")
    if state.model_id != model.id:
        raise MotionaryError(
            f"{index.place.shown}: filled by model {state.model_name} ({state.model_id[:8]}), not by "
            f"{model.name} ({model.id[:8]}); {refill} fills it anew"
        )
    if state.library != state_of(library):
        if state.file != library.path.name:
            raise MotionaryError(
                f"{index.place.shown}: filled from {state.file}, not from {library.path}; {refill} fills it "
                "from this one, if they have anything in common"
            )
        return f"{index.place.shown} is of an earlier state of {library.path}; {refill} brings it up to date"
    return ""


@contextmanager
def finder(address: str, library: Library) -> Iterator[Finder]:
    """The collection at ``address`` as what finds candidates in ``library``, which is open to be read.

    MotionaryError as of `open_index` and `check_index`.
    """
    model = library.model
    if model is None:
        raise MotionaryError(f"{library.path}: has no clip yet")
    with open_index(address) as index:
        earlier = check_index(index, library, model)
        yield Finder(partial(nearest, index), partial(best_cosines, index), earlier)


def nearest(index: Index, asked: Asked, wanted: Filter) -> list[int]:
    """The ids of clips that may be what is asked for and pass the filter, in order.

    They are those with an embedding near to one of the directions: among all, among those that have one of
    the words, and among those that have all of them. MotionaryError where Milvus fails, and for more clips
    than it gives.
    """
    if asked.clips > NEAR + 1:  # one may be left out
        raise MotionaryError(f"cannot find the best {asked.clips} clips by Milvus; ask for {NEAR:,} or fewer")
    base = passing(wanted)
    stems = [all_of(*(having("words", stem) for stem in word)) for word in asked.words]
    groups = ["", *stems, *([all_of(*stems)] if len(stems) > 1 else [])]
    found: set[int] = set()
    for group in groups:
        count = NEAR
        while True:
            clips, was_all = _near(index, asked.directions, all_of(base, group), count)
            # A long take can take all places; what has to be found are clips.
            if group or was_all or count == MOST or len(clips) > asked.clips:
                break
            count = min(4 * count, MOST)
        found |= clips
    return sorted(found)


def best_cosines(index: Index, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """For each of ``vectors`` (N, D) its product with the embedding that is nearest to it, (N,)."""
    with said_by(index.place):
        effort, *_ = EFFORTS.get(index.kind, ({},))
        results = _search(index, vectors, "", 2, effort)
        best = [[hit["distance"] for hit in hits if hit["entity"]["clip"] != NO_CLIP] for hits in results]
        return np.array([products[0] if products else 0.0 for products in best], np.float32)


def _near(
    index: Index, directions: NDArray[np.float32], expression: str, count: int
) -> tuple[set[int], bool]:
    """The clips of the embeddings nearest to each direction, and whether there are no more."""
    with said_by(index.place):
        for effort in EFFORTS.get(index.kind, ({},)):
            results = _search(index, directions, expression, count, effort)
            was_all = any(len(hits) < count for hits in results)
            if not was_all:
                break
        clips = {int(hit["entity"]["clip"]) for hits in results for hit in hits}
        if was_all and expression and index.kind == "HNSW":
            # Its graph leads past what does not pass, and may end before all that passes was met.
            clips |= _passing(index, expression)
        return clips - {NO_CLIP}, was_all


def _passing(index: Index, expression: str) -> set[int]:
    """The clips of embeddings that pass, of up to MOST of them."""
    rows = index.client.query(
        index.place.collection,
        filter=expression,
        output_fields=["clip"],
        limit=MOST,
        timeout=ANSWER_S,
    )
    return {int(row["clip"]) for row in rows}


def _search(
    index: Index, vectors: NDArray[np.float32], expression: str, count: int, effort: dict[str, int]
) -> Sequence[Any]:
    # A graph that is looked through for a number of rows has to hold as many in view.
    params = {name: max(value, count) if name == "ef" else value for name, value in effort.items()}
    result: Sequence[Any] = index.client.search(
        index.place.collection,
        list(np.asarray(vectors, np.float32)),
        anns_field="vector",
        filter=expression,
        limit=count,
        output_fields=["clip"],
        search_params={"metric_type": "IP", "params": params},
        timeout=ANSWER_S,
    )
    return result
