"""What is asked of a server and what it answers, as its OpenAPI has it (docs/serving.md).

Questions are checked against these classes, and a field that is not known is refused: a filter that is passed
over would make the answer a wrong one. Answers are built as plain JSON by `motionary_scale.reading`; a test
holds them against this.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass

__all__ = [
    "API",
    "MOST_OFFSET",
    "ClipFacts",
    "Filters",
    "Found",
    "FoundHit",
    "LibraryFacts",
    "ModelFacts",
    "SearchQuestion",
    "ServerFacts",
    "SimilarQuestion",
    "problem_responses",
]

API = 1
"""The version of the protocol; what is only added to it does not change it."""

MOST_OFFSET = 10_000
LARGEST_ID = 2**53
LONGEST_QUERY = 1_000
MOST_TAGS = 50


def _whole(text: str) -> str:
    """The text; ValueError where it holds half a letter (a surrogate), which no file does."""
    text.encode()
    return text


def _integer(number: object) -> object:
    """JSON Schema has 5.0 for an integer, too."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


CLOSED = ConfigDict(extra="forbid")
Whole = BeforeValidator(_integer)

# Strict, each by itself: "5" is no number here, and 1 no yes.
Seconds = Annotated[float, Field(strict=True, ge=0, le=1e9, allow_inf_nan=False)]
Metres = Annotated[float, Field(strict=True, ge=0, le=1e9, allow_inf_nan=False)]
YesNo = Annotated[bool, Field(strict=True)]
Word = Annotated[str, Field(max_length=200), AfterValidator(_whole)]
ClipId = Annotated[int, Field(strict=True, ge=0, le=LARGEST_ID), Whole]


@dataclass(frozen=True, config=CLOSED)
class Filters:
    """What a clip, or a moment of it, has to be; the defaults let everything pass.

    As motionary.filters.Filter has them, but that ``source`` is a part of the file's name alone.
    """

    min_s: Seconds = 0.0
    max_s: Seconds | None = None
    tags: Annotated[list[Word], Field(max_length=MOST_TAGS)] = Field(default_factory=list)
    source: Word = ""
    starred: YesNo = False
    min_distance: Metres = 0.0
    max_distance: Metres | None = None
    loops: YesNo = False
    hand: Literal["", "left", "right", "both"] = ""


Top = Annotated[int, Field(strict=True, ge=1, le=200), Whole]
Offset = Annotated[int, Field(strict=True, ge=0, le=MOST_OFFSET), Whole]


@dataclass(frozen=True, config=CLOSED)
class SearchQuestion:
    """The clips that match a description best."""

    query: Annotated[str, Field(min_length=1, max_length=LONGEST_QUERY), AfterValidator(_whole)]
    top: Top = 10
    offset: Offset = 0
    filters: Filters = Field(default_factory=Filters)
    whole_clips: YesNo = False


@dataclass(frozen=True, config=CLOSED)
class SimilarQuestion:
    """The clips that move most like one of the library."""

    clip: ClipId
    top: Top = 10
    offset: Offset = 0
    filters: Filters = Field(default_factory=Filters)
    whole_clips: YesNo = False


@dataclass(frozen=True)
class ServerFacts:
    """What answers here."""

    motionary: str
    api: int


@dataclass(frozen=True)
class ModelFacts:
    """The model that embedded a library; id: the sha256 of its config and weights."""

    id: str
    name: str


@dataclass(frozen=True)
class LibraryFacts:
    """A library in numbers; state changes with every change of it."""

    name: str
    clips: int
    embeddings: int
    seconds: float
    model: ModelFacts | None
    state: str


@dataclass(frozen=True)
class FoundHit:
    """A clip found, as ``motionary search --json`` tells it; source: the file's name alone."""

    rank: int
    clip: int
    name: str
    score: float
    start_s: float
    end_s: float
    fps: float
    source: str
    captions: list[str]
    tags: list[str]
    duration_s: float
    mirrored: bool
    confidence: float | None


@dataclass(frozen=True)
class Found:
    """total: the clips that the filters left to search. understood: the query as it was taken. unsure: not
    even the best is likely to show what was asked for. state: that of the library, as it was searched."""

    hits: list[FoundHit]
    total: int
    unsure: bool
    understood: str
    state: str


@dataclass(frozen=True)
class ClipFacts:
    """A clip without its motion; source: the file's name alone."""

    id: int
    name: str
    fps: float
    frames: int
    seconds: float
    source: str
    captions: list[str]
    tags: list[str]


WHY = {
    400: "What is asked makes no sense, or names a host that this server does not answer for.",
    401: "There is no token, or none that is known.",
    404: "There is no such library or clip, or it is not for this token.",
    405: "Not with this method.",
    408: "The question did not arrive in time.",
    409: "The library cannot be asked this: it was embedded by another model than the server's.",
    413: "The question is too long.",
    415: "The question is not JSON.",
    422: "The question is not as the schema has it.",
    429: "Too many questions; the next one after Retry-After seconds.",
    503: "Too much to do, or the library is being written to; again after Retry-After seconds.",
}


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How FastAPI is told of refusals: RFC 9457's problems, with one sentence in "detail"."""
    schema = {
        "type": "object",
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
        },
        "required": ["type", "title", "status", "detail"],
    }
    content = {"application/problem+json": {"schema": schema}}
    return {status: {"description": WHY[status], "content": content} for status in sorted(statuses)}
