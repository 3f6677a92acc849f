"""Connections that end when nothing comes over them, or nobody takes what is sent.

uvicorn waits for ever for the head of a question, and for an answer to be taken. Here each connection is
looked at from time to time, and dropped where it has asked nothing for too long, however slowly bytes drip.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from motionary_scale.limits import Limits

__all__ = ["watched_connection"]

LOOKS = 4
"""How often a connection is looked at within the time that it has."""


def watched_connection(limits: Limits) -> Callable[..., H11Protocol]:
    """What makes uvicorn's connections, each with its watch."""

    def connect(*given: Any, **named: Any) -> H11Protocol:
        connection = H11Protocol(*given, **named)
        made = connection.connection_made

        def begin(transport: asyncio.Transport) -> None:
            made(transport)
            _watch(connection, transport, limits)

        connection.connection_made = begin  # type: ignore[method-assign]
        return connection

    return connect


def _watch(connection: H11Protocol, transport: asyncio.Transport, limits: Limits) -> None:
    """Drop the connection where it has no complete head of a question for ``arrive_s``, its answer is not
    there after all the time it may have, or is not taken in ``send_s``."""
    loop = asyncio.get_running_loop()
    every = limits.arrive_s / LOOKS
    state: object = None
    since = loop.time()

    def look() -> None:
        nonlocal state, since
        if connection not in connection.connections:
            return
        cycle = connection.cycle
        is_asking = cycle is None or cycle.response_complete
        is_sending = transport.get_write_buffer_size() > 0
        now = (id(cycle), is_asking, is_sending)
        if now != state:
            state, since = now, loop.time()
        if is_sending:
            most = limits.send_s
        elif is_asking:
            most = 2 * limits.arrive_s
        else:
            most = limits.arrive_s + limits.answer_s + limits.send_s
        if loop.time() - since > most:
            transport.abort()
        else:
            loop.call_later(every, look)

    loop.call_later(every, look)
