"""A library that a server has, and the one connection by which it is asked.

Nothing that comes back is trusted: an answer has a size that it may not pass while it is read, a time by
which it has to be there whole, however slowly it drips, and no say in where the next question goes. A
redirect is refused, for the token would travel along; proxies that the environment names are not used. What
is within the answers is checked in `motionary.remote_library`.
"""

from __future__ import annotations

import io
import ipaddress
import os
import re
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import TypeAlias, cast
from urllib.parse import quote, unquote, urlsplit

from motionary import __version__
from motionary.errors import MotionaryError

__all__ = [
    "ANSWER_S",
    "NO_ACCESS",
    "TOKEN",
    "UNENCRYPTED",
    "Abandoned",
    "Access",
    "Answered",
    "Client",
    "Place",
    "Served",
    "Unreachable",
    "access_from_environment",
    "check_allowed",
    "is_address",
    "is_loopback",
    "place_of",
    "served_at",
]

TOKEN, UNENCRYPTED = "MOTIONARY_TOKEN", "MOTIONARY_UNENCRYPTED"
"""Environment variables: the token that servers are shown, and "1" where it may travel unencrypted."""

CONNECT_S = 4.0
"""Seconds that it may take to connect."""
ANSWER_S = 20.0
"""Seconds that it may take to answer, from the question to the last byte."""
GLANCE_S = 0.1
"""Seconds between two looks at whether the answer is still wanted."""

LONGEST_ADDRESS = 500
PIECE = 1 << 16

PATH = re.compile(r"(?P<base>(?:/[\w.~-]+)*?)(?:/v1(?:/libraries(?:/(?P<name>[^/]+))?)?)?/?", re.ASCII)


class Unreachable(MotionaryError):  # noqa: N818
    """The server cannot be asked now; the same question may well be answered later."""


class Abandoned(Exception):  # noqa: N818
    """Nobody waits for the answer any more."""


@dataclass(frozen=True)
class Access:
    """How a server may be asked. token: what it is shown; "" for none. unencrypted: the token may travel over
    http to other machines. offline: why none but this machine may be asked, with the cure; "" where any may.
    """

    token: str = field(default="", repr=False)
    unencrypted: bool = False
    offline: str = ""


NO_ACCESS = Access()


@dataclass(frozen=True)
class Served:
    """Library ``name`` of ``server``, "https://HOST:PORT"; name "" for the server itself.

    access: how it may be asked; no part of which library it is.
    """

    server: str
    name: str
    access: Access = field(default=NO_ACCESS, compare=False)

    def __str__(self) -> str:
        return f"{self.server}/v1/libraries/{quote(self.name, safe='')}" if self.name else self.server


Place: TypeAlias = Path | Served
"""A library: a file, or one that a server has."""


@dataclass(frozen=True)
class Answered:
    """What came back: the status and the bytes."""

    status: int
    body: bytes


def is_address(text: str) -> bool:
    """Whether this names a served library, and no file."""
    return text.lower().startswith(("http://", "https://"))


def served_at(address: str, access: Access = NO_ACCESS) -> Served:
    """The server, or the library of it, at "https://HOST:PORT[/v1/libraries/NAME]".

    MotionaryError where that is no such address.
    """
    refused = MotionaryError(
        f"{address[:LONGEST_ADDRESS]}: no address of a server or of its library; it reads "
        "https://HOST:PORT or https://HOST:PORT/v1/libraries/NAME"
    )
    if not address.isascii() or not address.isprintable() or len(address) > LONGEST_ADDRESS:
        raise refused
    try:
        parts = urlsplit(address.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise refused from None
    path = PATH.fullmatch(parts.path)
    has_more = parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in ("http", "https") or path is None or has_more or not _is_host(host) or port == 0:
        raise refused
    name = unquote(path["name"] or "")
    if not name.isprintable() or "/" in name or name in (".", ".."):
        raise refused
    shown = f"[{host}]" if ":" in host else host
    where = shown if port is None else f"{shown}:{port}"
    return Served(f"{parts.scheme}://{where}{path['base']}", name, access)


def place_of(text: str, offline: str = "") -> Place:
    """What a command line names as library: a file, or the address of a served one.

    Its token is that of the environment. offline: as of `Access`. MotionaryError for an address that is none.
    """
    if not is_address(text):
        return Path(text)
    found = served_at(text, access_from_environment(offline))
    if not found.name:
        raise MotionaryError(
            f"{found}: the address of a server; name a library of it, as in {found}/v1/libraries/NAME"
        )
    return found


def access_from_environment(offline: str = "") -> Access:
    """What the environment says of how servers may be asked."""
    return Access(os.environ.get(TOKEN, "").strip(), os.environ.get(UNENCRYPTED, "") == "1", offline)


def is_loopback(server: str) -> bool:
    """Whether a server is on this machine, by its address."""
    try:
        host = urlsplit(server).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_allowed(served: Served) -> None:
    """MotionaryError, with the cure, where this server may not be asked so."""
    access = served.access
    if access.token and not (
        access.token.isascii() and access.token.isprintable() and " " not in access.token
    ):
        raise MotionaryError(f"{served.server}: its token has a letter that no token has; copy it again")
    if is_loopback(served.server):
        return
    if access.offline:
        raise MotionaryError(f"{served.server}: {access.offline}")
    if access.token and not access.unencrypted and served.server.startswith("http:"):
        raise MotionaryError(
            f"{served.server}: the token would travel unencrypted; use https, or allow it: Allow Unencrypted "
            f"in Blender, {UNENCRYPTED}=1 in a terminal"
        )


class Client:
    """A connection to a server, kept between questions and made anew when it broke. For one thread.

    is_stale: whether nobody waits for the answer any more; it is asked some times a second.
    """

    def __init__(self, served: Served, is_stale: Callable[[], bool] = lambda: False) -> None:
        self.served = served
        self._is_stale = is_stale
        self._socket: socket.socket | None = None

    def ask(self, path: str, body: bytes | None = None, *, most: int, seconds: float = ANSWER_S) -> Answered:
        """GET what is at ``path``, below the server's address; or, with a body of JSON, POST that.

        most: bytes that the answer may have. Raises Abandoned; Unreachable and other MotionaryErrors, one
        sentence each.
        """
        check_allowed(self.served)
        deadline = time.monotonic() + seconds
        was_open = self._socket is not None
        try:
            try:
                response = self._sent(path, body, deadline)
            except (HTTPException, OSError, ValueError) as error:
                # A server closes what was idle for long: that is seen with the next question only.
                if not was_open or isinstance(error, TimeoutError):
                    raise
                self.close()
                response = self._sent(path, body, deadline)
            answered = self._read(response, most)
        except (HTTPException, OSError, ValueError) as error:
            self.close()
            raise self._unreachable(error) from None
        except BaseException:
            self.close()
            raise
        if response.will_close:
            self.close()
        return answered

    def close(self) -> None:
        """End the connection; the next question makes another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _sent(self, path: str, body: bytes | None, deadline: float) -> HTTPResponse:
        """Ask, and read the head of the answer."""
        where = urlsplit(self.served.server)
        if self._socket is None:
            self._socket = self._connected(min(CONNECT_S, max(deadline - time.monotonic(), GLANCE_S)))
        head = [
            f"{'GET' if body is None else 'POST'} {where.path}{path} HTTP/1.1",
            f"Host: {where.netloc}",
            f"User-Agent: motionary/{__version__}",
            "Accept: application/json, application/octet-stream",
            "Accept-Encoding: identity",
        ]
        if self.served.access.token:
            head.append(f"Authorization: Bearer {self.served.access.token}")
        if body is not None:
            head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        self._socket.settimeout(max(deadline - time.monotonic(), GLANCE_S))
        self._socket.sendall("\r\n".join([*head, "", ""]).encode("ascii") + (body or b""))
        paced = _Paced(self._socket, deadline, self._is_stale)
        response = HTTPResponse(cast(socket.socket, paced), method="GET" if body is None else "POST")
        response.begin()
        return response

    def _connected(self, seconds: float) -> socket.socket:
        where = urlsplit(self.served.server)
        port = where.port or (443 if where.scheme == "https" else 80)
        connected = socket.create_connection((where.hostname or "", port), seconds)
        try:
            if is_loopback(self.served.server) and not _is_own_machine(connected):
                raise MotionaryError(f"{self.served.server}: this name leads to another machine")
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if where.scheme == "https":
                context = ssl.create_default_context()
                return context.wrap_socket(connected, server_hostname=where.hostname)
        except BaseException:
            connected.close()
            raise
        return connected

    def _read(self, response: HTTPResponse, most: int) -> Answered:
        """The rest of the answer."""
        server = self.served.server
        if 300 <= response.status < 400:
            raise MotionaryError(
                f"{server}: sends on to another address, which is not followed; give the address of the "
                "server itself"
            )
        if (response.headers.get("Content-Encoding") or "identity") != "identity":
            raise MotionaryError(f"{server}: answers in an encoding that was not asked for")
        declared = response.length
        too_long = MotionaryError(
            f"{server}: its answer is longer than {most / 1e6:.0f} MB; nothing was read"
        )
        if declared is not None and declared > most:
            raise too_long
        body = bytearray()
        while piece := response.read(min(PIECE, most + 1 - len(body))):
            body += piece
            if len(body) > most:
                raise too_long
        if declared is not None and len(body) != declared:
            raise ConnectionResetError("broke off")
        return Answered(response.status, bytes(body))

    def _unreachable(self, error: Exception) -> Unreachable:
        server = self.served.server
        if isinstance(error, ssl.SSLCertVerificationError):
            return Unreachable(
                f"{server}: its certificate is not trusted ({error.verify_message}); have it signed by an "
                "authority that this machine trusts, or name that authority's file in SSL_CERT_FILE"
            )
        if isinstance(error, ssl.SSLError):
            return Unreachable(
                f"{server}: does not speak https, or not well enough ({error.reason or 'no reason given'})"
            )
        if isinstance(error, socket.gaierror):
            return Unreachable(f"{server}: no machine of this name is known; check the address")
        if isinstance(error, ConnectionRefusedError):
            return Unreachable(f"{server}: no server answers there; see that it runs, or check the address")
        if isinstance(error, TimeoutError):
            return Unreachable(f"{server}: does not answer in time; see that it runs, or check the address")
        if isinstance(error, OSError):
            return Unreachable(f"{server}: the connection failed ({error.strerror or error}); try again")
        return Unreachable(f"{server}: what answers there is no server of Motionary's, or it broke off")


class _Paced(io.RawIOBase):
    """A socket to read from until a deadline, and no longer than somebody waits.

    It is what a response reads from: a socket's own timeout would begin anew with every byte.
    """

    def __init__(self, connected: socket.socket, deadline: float, is_stale: Callable[[], bool]) -> None:
        super().__init__()
        self._socket, self._deadline, self._is_stale = connected, deadline, is_stale

    def makefile(self, mode: str) -> io.BufferedReader:
        """For `http.client`."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """As many bytes as there are; TimeoutError after the deadline, Abandoned where nobody waits."""
        while True:
            left = self._deadline - time.monotonic()
            if self._is_stale():
                raise Abandoned
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(min(left, GLANCE_S))
            try:
                return self._socket.recv_into(buffer)
            except TimeoutError:
                continue


def _is_own_machine(connected: socket.socket) -> bool:
    return ipaddress.ip_address(connected.getpeername()[0].partition("%")[0]).is_loopback


def _is_host(host: str) -> bool:
    if ":" in host:
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            return False
        return True
    return bool(host) and re.fullmatch(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_.])?", host) is not None
