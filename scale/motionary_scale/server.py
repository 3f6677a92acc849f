"""The HTTP side of ``motionary serve``: libraries for a team, to be read and not to be changed.

Docs/serving.md has the protocol. Every question is answered in a thread, of one state of the library
(`motionary_scale.shelf`); what guards them all is `motionary_scale.guard`. There is no way to tell a library
that is not there from one that the token may not read.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, TypeVar

from fastapi import Depends, FastAPI, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException

from motionary import __version__
from motionary.errors import MotionaryError
from motionary.motion_bytes import MEDIA_TYPE
from motionary_scale.access import Holder
from motionary_scale.answers import (
    API,
    LARGEST_ID,
    ClipFacts,
    Found,
    LibraryFacts,
    SearchQuestion,
    ServerFacts,
    SimilarQuestion,
    problem_responses,
)
from motionary_scale.guard import PROBLEM, App, Rules, guarded, problem
from motionary_scale.reading import (
    CachingModel,
    Refused,
    clip_facts,
    encoded,
    library_facts,
    motion_part,
    search_clips,
    similar_clips,
)
from motionary_scale.shelf import Busy, Reader, Shelf

__all__ = ["ABOUT", "Served", "server_app"]

ABOUT = "Find mocap clips of a team's libraries by describing them, and fetch their motions. Read-only."

ANY = (400, 401, 408, 413, 422, 429, 503)
OF_LIBRARY = (*ANY, 404, 409)
NO_LIBRARY = "there is no such library, or it is not for this token"

T = TypeVar("T")
LOG = logging.getLogger("motionary.serve")

LibraryName = Annotated[str, Path(min_length=1, max_length=200, description="The name it is served under.")]
ClipNumber = Annotated[int, Path(ge=0, le=LARGEST_ID, description="The clip's id, as a hit tells it.")]
Start = Annotated[
    float | None, Query(ge=0, le=1e9, allow_inf_nan=False, description="Seconds of the clip to begin at.")
]
End = Annotated[
    float | None, Query(ge=0, le=1e9, allow_inf_nan=False, description="Seconds of the clip to end at.")
]


@dataclass(frozen=True, eq=False)
class Served:
    """shelf: the libraries. model: what embeds queries. threads: what answers; as many as the shelf's readers
    of a library."""

    shelf: Shelf
    model: CachingModel
    threads: ThreadPoolExecutor


def server_app(served: Served, rules: Rules) -> App:
    """The application, behind its guard."""
    app = FastAPI(
        title="Motionary",
        version=f"{__version__}+api{API}",
        description=ABOUT,
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(_knows_parameters)],
    )
    app.exception_handler(HTTPException)(_http_problem)
    app.exception_handler(RequestValidationError)(_misread)
    app.exception_handler(Refused)(_refused)
    app.exception_handler(Exception)(_failed)
    with_token = [] if rules.holder is None else [Depends(HTTPBearer(auto_error=False))]
    at_work = _Work(served, rules)

    @app.get("/v1", response_model=ServerFacts, responses=problem_responses(400, 408, 413, 422, 429, 503))
    async def about() -> Response:
        """What answers here; without a token."""
        return _json({"motionary": __version__, "api": API})

    @app.get(
        "/v1/libraries",
        response_model=list[LibraryFacts],
        responses=problem_responses(*ANY),
        dependencies=with_token,
    )
    async def libraries(request: Request) -> Response:
        """The libraries that the token may read; one that cannot be opened now is left out."""
        holder = _holder(request)

        def facts() -> bytes:
            found = []
            for name in served.shelf.names:
                if holder.may_read(name):
                    try:
                        with served.shelf.reading(name) as reader:
                            found.append(library_facts(reader, name))
                    except (MotionaryError, Busy) as error:
                        LOG.error("%s: %s", name, error)
            return encoded(found)

        return _json(await at_work.done(facts))

    @app.get(
        "/v1/libraries/{name}",
        response_model=LibraryFacts,
        responses=problem_responses(*OF_LIBRARY) | NOT_MODIFIED,
        dependencies=with_token,
    )
    async def library(request: Request, name: LibraryName) -> Response:
        """What is in a library."""
        facts, _ = await at_work.read(request, name, lambda reader: library_facts(reader, name))
        return _tagged(request, facts["state"], encoded(facts), "application/json")

    @app.post(
        "/v1/libraries/{name}/search",
        response_model=Found,
        responses=problem_responses(*OF_LIBRARY, 415),
        dependencies=with_token,
    )
    async def search(request: Request, name: LibraryName, question: SearchQuestion) -> Response:
        """The clips that match a description best."""
        found, _ = await at_work.read(
            request, name, lambda reader: encoded(search_clips(reader, served.model, question))
        )
        return _json(found)

    @app.post(
        "/v1/libraries/{name}/similar",
        response_model=Found,
        responses=problem_responses(*OF_LIBRARY, 415),
        dependencies=with_token,
    )
    async def similar(request: Request, name: LibraryName, question: SimilarQuestion) -> Response:
        """The other clips that move most like one, or like its mirror image."""
        found, _ = await at_work.read(
            request, name, lambda reader: encoded(similar_clips(reader, served.model, question))
        )
        return _json(found)

    @app.get(
        "/v1/libraries/{name}/clips/{clip}",
        response_model=ClipFacts,
        responses=problem_responses(*OF_LIBRARY) | NOT_MODIFIED,
        dependencies=with_token,
    )
    async def clip_of_library(request: Request, name: LibraryName, clip: ClipNumber) -> Response:
        """A clip without its motion."""
        facts, state = await at_work.read(request, name, lambda reader: encoded(clip_facts(reader, clip)))
        return _tagged(request, state, facts, "application/json")

    @app.get(
        "/v1/libraries/{name}/clips/{clip}/motion",
        response_class=Response,
        responses={
            **problem_responses(*OF_LIBRARY),
            **NOT_MODIFIED,
            200: {
                "description": "The bytes of motionary.motion_bytes.",
                "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
            },
        },
        dependencies=with_token,
    )
    async def motion(
        request: Request, name: LibraryName, clip: ClipNumber, start_s: Start = None, end_s: End = None
    ) -> Response:
        """A clip's motion on the whole source skeleton, or some seconds of it."""

        def part(reader: Reader) -> bytes | None:
            if _is_known(request, reader.contents.state):
                return None
            return motion_part(reader, clip, start_s, end_s)

        data, state = await at_work.read(request, name, part)
        return _tagged(request, state, data or b"", MEDIA_TYPE)

    return guarded(app, rules)


NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "It is as it was when it had the ETag that If-None-Match gives."}
}


class _Work:
    """The threads, and how long a question may wait for them."""

    def __init__(self, served: Served, rules: Rules) -> None:
        self._served, self._seconds = served, rules.limits.answer_s

    async def done(self, work: Callable[[], T]) -> T:
        """What ``work`` gives, done in a thread. Refused where there was no time for it."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._seconds):
                return await loop.run_in_executor(self._served.threads, work)
        except TimeoutError:
            raise Refused(503, "there was no time to answer; come back in a moment") from None

    async def read(self, request: Request, name: str, work: Callable[[Reader], T]) -> tuple[T, str]:
        """What ``work`` reads of a library, and of which state. Refused where the token may not read it."""
        if name not in self._served.shelf.names or not _holder(request).may_read(name):
            raise Refused(404, NO_LIBRARY)

        def reading() -> tuple[T, str]:
            try:
                with self._served.shelf.reading(name) as reader:
                    return work(reader), reader.contents.state
            except Busy:
                raise Refused(503, "the library is being written to; come back in a moment") from None
            except MotionaryError as error:
                # It names files of this machine, which are nobody's business.
                LOG.error("%s: %s", name, error)
                raise Refused(503, "the library cannot be read now; the server's log says why") from None

        return await self.done(reading)


def _knows_parameters(request: Request) -> None:
    """Refused where the address has a parameter that is not known: it would change what is asked."""
    known = {field.alias for field in request.scope["route"].dependant.query_params}
    unknown = sorted(request.query_params.keys() - known)
    if unknown:
        raise Refused(422, f"query: there is no parameter {unknown[0][:80]!a} here")


def _holder(request: Request) -> Holder:
    holder: Holder = request.scope["state"]["holder"]
    return holder


def _json(document: Any) -> Response:
    data = document if isinstance(document, bytes) else encoded(document)
    return Response(data, media_type="application/json")


def _tag(request: Request, state: str) -> str:
    """The ETag of what is at this address, in this state of the library."""
    asked = f"{request.url.path}?{request.url.query}"
    return f'"{sha256(f"{state} {asked}".encode()).hexdigest()[:32]}"'


def _is_known(request: Request, state: str) -> bool:
    known = request.headers.get("if-none-match", "")
    return _tag(request, state) in (each.strip().removeprefix("W/") for each in known.split(","))


def _tagged(request: Request, state: str, data: bytes, media_type: str) -> Response:
    """The answer, or that it is as it was; whoever keeps it asks first."""
    headers = {"ETag": _tag(request, state), "Cache-Control": "private, no-cache"}
    if _is_known(request, state):
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=media_type, headers=headers)


def _problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    return Response(problem(status, detail), status, headers, PROBLEM)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return _problem(error.status, error.detail, {"Retry-After": "1"} if error.status == 503 else None)


async def _failed(request: Request, error: Exception) -> Response:
    return _problem(500, "the server failed; its log says how")


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    said = {404: "there is nothing at this address", 405: "this address is not asked by that method"}
    detail = said.get(error.status_code, str(error.detail))
    return _problem(error.status_code, detail, dict(error.headers or {}))


async def _misread(request: Request, error: Exception) -> Response:
    """What the first fault is, and where; not what was given, which may be anything."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return _problem(422, f"{place[:200]}: {first['msg'][:200]}")
