"""What a served library answers, checked by hand into what a library file would have given.

The protocol is the server's (docs/serving.md): JSON, and a motion as the bytes of `motionary.motion_bytes`. A
field that is missing, of another kind, or out of its bounds makes one sentence of the whole answer; fields
that are not known are passed over, for a newer server may say more.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NoReturn
from urllib.parse import quote, urlencode

from motionary.errors import MotionaryError
from motionary.filters import Filter
from motionary.library import ClipInfo
from motionary.motion import Motion
from motionary.motion_bytes import unpack_motion
from motionary.remote import ANSWER_S, Answered, Client, Unreachable
from motionary.search import Hit

__all__ = [
    "MOTION_S",
    "PAGE",
    "Found",
    "LibraryFacts",
    "clip_facts",
    "fetch_motion",
    "library_facts",
    "search_served",
    "served_libraries",
    "similar_served",
]

API = 1
"""The version of the protocol that is spoken here."""

PAGE = 200
"""Hits that a server gives at a time."""

MOST_JSON = 4 << 20
MOST_MOTION = 64 << 20
"""Bytes of an answer."""
MOTION_S = 60.0
"""Seconds that a motion may take to arrive."""

LONGEST = 2_000
"""Letters of a name, a caption or a tag; what is longer is no such thing."""
LONGEST_REASON = 300
"""Letters of what a server says went wrong that are passed on."""
MOST_WORDS = 1_000
"""Captions, or tags, of a clip."""
MOST_LIBRARIES = 1_000
LONGEST_S = 1e9
LARGEST_ID = 2**31 - 1
"""What an operator's property holds."""


@dataclass(frozen=True)
class LibraryFacts:
    """What a server says of a library: seconds of motion, the model's id and name ("" where it has none), and
    a state that changes with every change."""

    name: str
    clips: int
    embeddings: int
    seconds: float
    model_id: str
    model_name: str
    state: str


@dataclass(frozen=True)
class Found:
    """The hits; total: how many clips the filters left to search; understood: the query as it was taken.
    state: that of the library; "" where the server does not tell it here."""

    hits: tuple[Hit, ...]
    total: int
    understood: str = ""
    state: str = ""


def served_libraries(client: Client) -> list[LibraryFacts]:
    """Those that the server lets this token read. MotionaryError where it is no such server."""
    server = _fields(client, _json(client, "/v1"))
    if server.integer("api", 0, 10**9) != API:
        raise MotionaryError(
            f"{client.served.server}: speaks another protocol (api {server.values['api']}) than this version "
            f"of Motionary ({API}); update the older of the two"
        )
    listed = _json(client, "/v1/libraries")
    if not isinstance(listed, list) or len(listed) > MOST_LIBRARIES:
        _misread(client, "libraries")
    return [_facts(_fields(client, item)) for item in listed]


def library_facts(client: Client, *, seconds: float = ANSWER_S) -> LibraryFacts:
    """What the library of ``client`` is; seconds: what that may take.

    MotionaryError where this token may not read it, or it is gone.
    """
    return _facts(_fields(client, _json(client, _path(client), seconds=seconds)))


def search_served(
    client: Client, query: str, top: int = 10, *, wanted: Filter | None = None, whole_clips: bool = False
) -> Found:
    """The ``top`` clips that match ``query`` best, as `motionary.search.search` has them, and how sure.

    The server embeds the query, so there is no model here. MotionaryError as there, in the server's words.
    """
    return _all_pages(client, "search", {"query": query}, top, wanted, whole_clips)


def similar_served(
    client: Client, clip: int, top: int = 10, *, wanted: Filter | None = None, whole_clips: bool = False
) -> Found:
    """The ``top`` other clips that move most like clip ``clip``, or like its mirror image."""
    return _all_pages(client, "similar", {"clip": clip}, top, wanted, whole_clips)


def clip_facts(client: Client, clip: int) -> ClipInfo:
    """What the library says of a clip. MotionaryError where there is none of this id."""
    fields = _fields(client, _json(client, f"{_path(client)}/clips/{clip}"))
    fps = fields.number("fps", 1e-3, 1e6)
    return ClipInfo(
        clip,
        fields.text("name"),
        fields.text("source"),
        0,
        fields.integer("frames", 1, LARGEST_ID),
        fps,
        fields.texts("captions"),
        fields.texts("tags"),
    )


def fetch_motion(
    client: Client,
    clip: int,
    start_s: float | None = None,
    end_s: float | None = None,
    *,
    seconds: float = MOTION_S,
) -> Motion:
    """A clip's motion, or its seconds from ``start_s`` to ``end_s``.

    seconds: what that may take. MotionaryError where it is damaged, too long to be sent whole, or not there.
    """
    span = {"start_s": start_s, "end_s": end_s}
    asked = urlencode({key: f"{at:.6f}" for key, at in span.items() if at is not None})
    path = f"{_path(client)}/clips/{clip}/motion{'?' if asked else ''}{asked}"
    answered = client.ask(path, most=MOST_MOTION, seconds=seconds)
    _check_status(client, answered)
    try:
        return unpack_motion(answered.body)
    except MotionaryError as error:
        raise MotionaryError(f"{client.served}: clip {clip}: {error}") from None


def _all_pages(
    client: Client, what: str, asked: Mapping[str, Any], top: int, wanted: Filter | None, whole_clips: bool
) -> Found:
    """Ask page by page until there are ``top`` hits, or no more."""
    if top < 1:
        raise MotionaryError(f"cannot give the best {top} clips; ask for 1 or more")
    hits: dict[int, Hit] = {}
    pages: list[tuple[int, str, str]] = []
    offset = 0
    while offset < top:
        size = min(PAGE, top - offset)
        body = {
            **asked,
            "top": size,
            "offset": offset,
            "filters": asdict(wanted or Filter()),
            "whole_clips": whole_clips,
        }
        fields = _fields(client, _json(client, f"{_path(client)}/{what}", body))
        listed = fields.values.get("hits")
        if not isinstance(listed, list) or len(listed) > size:
            _misread(client, "hits")
        for item in listed:
            hit = _hit(_fields(client, item), len(hits) + 1)
            hits.setdefault(hit.clip, hit)  # once, where the library changed between two pages
        total = fields.integer("total", 0, 10**12)
        pages.append((total, fields.text("understood", default=""), fields.text("state", default="")))
        offset += size
        if len(listed) < size:
            break
    return Found(tuple(hits.values()), *pages[0])


def _path(client: Client) -> str:
    return f"/v1/libraries/{quote(client.served.name, safe='')}"


def _json(
    client: Client, path: str, asked: Mapping[str, Any] | None = None, *, seconds: float = ANSWER_S
) -> Any:
    body = None if asked is None else json.dumps(asked).encode()
    answered = client.ask(path, body, most=MOST_JSON, seconds=seconds)
    _check_status(client, answered)
    return _document(client, answered.body)


def _document(client: Client, body: bytes) -> Any:
    try:
        return json.loads(body.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise MotionaryError(
            f"{client.served.server}: does not answer with JSON, so it is no server of Motionary's, or an "
            "older one"
        ) from None


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


def _check_status(client: Client, answered: Answered) -> None:
    """MotionaryError where the server would not, in its own words where it has some."""
    status, served = answered.status, client.served
    if status == 200:
        return
    if status == 401:
        if served.access.token:
            raise MotionaryError(
                f"{served.server}: does not accept the token; ask whoever runs it for another"
            )
        raise MotionaryError(
            f"{served.server}: asks for a token; set it in the library's settings or in MOTIONARY_TOKEN"
        )
    said = _reason(answered.body)
    if status in (429, 503):
        raise Unreachable(f"{served.server}: has too much to do{said}; try again")
    if status == 404:
        raise MotionaryError(f"{served}: is not there, or not for this token{said}")
    if status >= 500:
        raise Unreachable(f"{served.server}: failed ({status}){said}; try again")
    raise MotionaryError(f"{served.server}: refused ({status}){said}")


def _reason(body: bytes) -> str:
    """What a problem's "detail" says, to be put after a colon-less sentence."""
    try:
        said = json.loads(body[:MOST_JSON].decode())["detail"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""
    return f": {_shown(said)[:LONGEST_REASON].rstrip(' .')}" if isinstance(said, str) and said else ""


@dataclass(frozen=True)
class _Fields:
    """An object of an answer, read field by field."""

    client: Client
    values: Mapping[str, Any]

    def text(self, key: str, *, default: str | None = None) -> str:
        """A text without what steers a terminal, or is half a letter."""
        value = self.values.get(key, default)
        if not isinstance(value, str) or len(value) > LONGEST:
            _misread(self.client, key)
        return _shown(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        value = self.values.get(key)
        if not isinstance(value, list) or len(value) > MOST_WORDS:
            _misread(self.client, key)
        if not all(isinstance(item, str) and len(item) <= LONGEST for item in value):
            _misread(self.client, key)
        return tuple(map(_shown, value))

    def number(self, key: str, least: float, most: float) -> float:
        """A number within these bounds."""
        value = self.values.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
            _misread(self.client, key)
        return float(value)

    def integer(self, key: str, least: int, most: int) -> int:
        """A whole number within these bounds."""
        value = self.values.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            _misread(self.client, key)
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """Yes or no."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            _misread(self.client, key)
        return value


def _fields(client: Client, value: Any) -> _Fields:
    if not isinstance(value, dict):
        _misread(client, "an object")
    return _Fields(client, value)


def _misread(client: Client, what: str) -> NoReturn:
    raise MotionaryError(
        f"{client.served.server}: its answer cannot be understood ({what}); it may be another version of "
        "Motionary, or none"
    )


def _shown(text: str) -> str:
    """A stranger's text: what is no letter, as the codes that command a terminal, is a space."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _facts(fields: _Fields) -> LibraryFacts:
    model = fields.values.get("model")
    named = None if model is None else _fields(fields.client, model)
    return LibraryFacts(
        fields.text("name"),
        fields.integer("clips", 0, LARGEST_ID),
        fields.integer("embeddings", 0, 10**12),
        fields.number("seconds", 0.0, 1e12),
        named.text("id") if named else "",
        named.text("name") if named else "",
        fields.text("state"),
    )


def _hit(fields: _Fields, rank: int) -> Hit:
    start = fields.number("start_s", 0.0, LONGEST_S)
    sure = fields.values.get("confidence")
    return Hit(
        rank,
        fields.integer("clip", 0, LARGEST_ID),
        fields.text("name"),
        fields.number("score", -1.0, 1.0),
        start,
        fields.number("end_s", math.nextafter(start, math.inf), LONGEST_S),
        fields.number("fps", 1e-3, 1e6),
        fields.text("source"),
        fields.texts("captions"),
        fields.texts("tags"),
        fields.number("duration_s", 0.0, LONGEST_S),
        fields.flag("mirrored", default=False),
        None if sure is None else fields.number("confidence", 0.0, 1.0),
    )
