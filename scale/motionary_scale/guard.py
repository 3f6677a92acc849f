"""What every question passes before it is looked at: whose host it names, who asks, how often, how much.

Plain ASGI, around all that routes and reads: what is refused here costs next to nothing. Answers get the
headers that keep a browser from making anything of them but data.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import math
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from motionary_scale.access import ANYBODY, Holder
from motionary_scale.limits import Buckets, Limits

__all__ = ["OPEN", "PROBLEM", "App", "Rules", "guarded", "is_loopback", "problem", "seconds_to_wait"]

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]
Headers: TypeAlias = list[tuple[bytes, bytes]]

PROBLEM = "application/problem+json"
OPEN = frozenset({"/v1", "/v1/openapi.json"})
"""What may be asked without a token: it is the same on every server."""

SAFE: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
]
STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000")

LOG = logging.getLogger("motionary.serve")


@dataclass(frozen=True, eq=False)
class Rules:
    """holder: who holds a token; None where there are no tokens, and anybody may ask. hosts: the names that a
    question may give for this server; None for any. encrypted: it is asked by https."""

    limits: Limits
    holder: Callable[[str], Holder | None] | None = None
    hosts: frozenset[str] | None = None
    encrypted: bool = False


def guarded(app: App, rules: Rules) -> App:
    """The application behind the rules. ``scope["state"]["holder"]`` is who asks."""
    askers = Buckets(rules.limits.per_second, rules.limits.burst)
    strangers = Buckets(rules.limits.per_second, rules.limits.burst)
    at_work = 0

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        nonlocal at_work
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await app(scope, receive, send)
            return
        began, status, asker = time.perf_counter(), 0, "-"

        async def send_safely(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": _with_safe(list(message["headers"]), rules)}
            await send(message)

        at_work += 1
        try:
            found = _holder_or_refusal(scope, rules, askers, strangers, at_work)
            if isinstance(found, Holder):
                asker = found.name
                scope.setdefault("state", {})["holder"] = found
                body = await _body(scope, receive, rules.limits)
                if isinstance(body, bytes):
                    await app(scope, _replayed(body, receive), send_safely)
                else:
                    await _send_problem(send_safely, *body)
            else:
                await _send_problem(send_safely, *found)
        except Exception:
            LOG.exception("%s %s failed", scope["method"], scope["path"])
            if not status:
                await _send_problem(send_safely, 500, "the server failed; its log says how", [])
        finally:
            at_work -= 1
            spent = (time.perf_counter() - began) * 1000
            # Neither tokens nor what was searched for: that is in headers and bodies.
            LOG.info("%s %s %s %d %.0f ms", asker, scope["method"], _shown(scope["path"]), status, spent)

    return answer


def problem(status: int, detail: str) -> bytes:
    """RFC 9457's document; one sentence as detail."""
    said = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return json.dumps(said).encode()


def seconds_to_wait(seconds: float) -> tuple[bytes, bytes]:
    """The header that says when to come back."""
    return b"retry-after", str(max(math.ceil(seconds), 1)).encode()


def is_loopback(host: str) -> bool:
    """Whether this address is of this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _holder_or_refusal(
    scope: Message, rules: Rules, askers: Buckets, strangers: Buckets, at_work: int
) -> Holder | tuple[int, str, Headers]:
    address = scope["client"][0] if scope.get("client") else ""
    if at_work > rules.limits.at_once:
        return 503, "there is too much to do; come back in a moment", [seconds_to_wait(1)]
    if rules.hosts is not None and _host(scope) not in rules.hosts:
        # A page in a browser may have its own name lead to this machine; what it names is still its own.
        return 400, "this server does not answer for that host; its keeper can add it to hosts", []
    holder: Holder | None = ANYBODY
    if rules.holder is not None and scope["path"] not in OPEN:
        holder = rules.holder(_token(scope))
        if holder is None:
            if seconds := strangers.wait(address):
                return 429, "too many questions without a token", [seconds_to_wait(seconds)]
            said = "a token is needed, or this one is not known; show it as Authorization: Bearer TOKEN"
            return 401, said, [(b"www-authenticate", b"Bearer")]
    assert holder is not None
    who = address if holder is ANYBODY else holder.name
    if seconds := (strangers if holder is ANYBODY else askers).wait(who):
        return 429, "too many questions; come back in a moment", [seconds_to_wait(seconds)]
    return holder


async def _body(scope: Message, receive: Receive, limits: Limits) -> bytes | tuple[int, str, Headers]:
    """All of the question, or why it is refused."""
    too_long = 413, f"a question has {limits.body_bytes} bytes at most", [(b"connection", b"close")]
    declared = _header(scope, b"content-length")
    if declared.isdigit() and int(declared[:20]) > limits.body_bytes:
        return too_long
    parts, length = [], 0
    try:
        async with asyncio.timeout(limits.arrive_s):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return 400, "the question broke off", []
                parts.append(message.get("body", b""))
                length += len(parts[-1])
                if length > limits.body_bytes:
                    return too_long
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        return 408, "the question did not arrive in time", [(b"connection", b"close")]


def _replayed(body: bytes, receive: Receive) -> Receive:
    """The question once more; after it, what comes."""
    is_told = False

    async def again() -> Message:
        nonlocal is_told
        if is_told:
            return await receive()
        is_told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _send_problem(send: Send, status: int, detail: str, headers: Headers) -> None:
    said = problem(status, detail)
    own = [(b"content-type", PROBLEM.encode()), (b"content-length", str(len(said)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*own, *headers]})
    await send({"type": "http.response.body", "body": said})


def _with_safe(headers: Headers, rules: Rules) -> Headers:
    """With what a browser is told; nobody keeps an answer that does not say how."""
    named = {name.lower() for name, _ in headers}
    more = [*SAFE, (b"cache-control", b"no-store")] + ([STRICT_TRANSPORT] if rules.encrypted else [])
    return headers + [header for header in more if header[0] not in named]


def _host(scope: Message) -> str:
    """The host that a question names, without its port and in small letters; "" for none, or nonsense."""
    try:
        return urlsplit(f"//{_header(scope, b'host')}").hostname or ""
    except ValueError:
        return ""


def _token(scope: Message) -> str:
    kind, _, token = _header(scope, b"authorization").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _header(scope: Message, name: bytes) -> str:
    """The first of this name; "" for none."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _shown(path: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in path[:200])
