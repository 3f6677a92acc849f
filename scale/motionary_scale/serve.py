"""``motionary serve``: runs the server until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvicorn

from motionary.bundle import load_bundle
from motionary.confidence import no_motion
from motionary.errors import MotionaryError
from motionary.library import open_library
from motionary.screen import complain
from motionary_scale.access import EVERY, Holder, TokenFile, new_token
from motionary_scale.connections import watched_connection
from motionary_scale.guard import Rules
from motionary_scale.reading import caching
from motionary_scale.serve_config import ServeConfig, check_config, named_libraries, read_config
from motionary_scale.server import Served, server_app
from motionary_scale.shelf import Shelf

__all__ = ["add_token", "serve"]

BACKLOG = 1024
IDLE_S = 20
"""Seconds that a connection may be kept between two questions."""
LEAVE_S = 15
"""Seconds that answers have to be finished in once it is told to stop."""


def serve(
    libraries: Sequence[Path],
    *,
    config: Path | None = None,
    host: str | None = None,
    port: int | None = None,
    tokens: Path | None = None,
    certificate: Path | None = None,
    key: Path | None = None,
    model: Path | None = None,
) -> int:
    """Serve libraries until SIGTERM or Ctrl-C; then what was asked is answered first. Returns 0.

    What is given goes before what the file ``config`` says. MotionaryError where it cannot be served, or must
    not.
    """
    told = ServeConfig() if config is None else read_config(config)
    given: dict[str, Any] = {
        "libraries": {**told.libraries, **named_libraries(libraries)},
        "host": host,
        "port": port,
        "tokens": tokens and str(tokens),
        "certificate": certificate and str(certificate),
        "key": key and str(key),
        "model": model and str(model),
    }
    told = replace(told, **{name: value for name, value in given.items() if value is not None})
    check_config(told)
    return _run(told)


def add_token(tokens: Path, name: str, libraries: Sequence[str]) -> str:
    """Make a token, put its hash into a file, and return it; libraries: () for all."""
    return new_token(tokens, name, libraries or (EVERY,))


def _run(config: ServeConfig) -> int:
    holder: Callable[[str], Holder | None] | None = None
    if config.tokens:
        holder = TokenFile(Path(config.tokens)).holder
    for file in config.libraries.values():
        open_library(Path(file)).close()  # says now what is wrong with it
    bundle = load_bundle(Path(config.model) if config.model else None)
    sentences = no_motion(bundle)
    threads = config.threads or os.cpu_count() or 1
    paths = {name: Path(file) for name, file in config.libraries.items()}
    shelf = Shelf(paths, readers=threads, model=bundle.id, sentences=sentences)
    for name in shelf.names:
        with shelf.reading(name) as reader:  # and has it in memory before anybody asks
            if reader.contents.behind is None:
                complain(
                    f"{paths[name]}: embedded by another model than {bundle.name}; it cannot be searched"
                )
    rules = Rules(config.limits, holder, config.answered_hosts, config.is_encrypted)
    with (
        ThreadPoolExecutor(threads, "motionary") as pool,
        closing(shelf),
        closing(_listening(config.host, config.port)) as listening,
    ):
        app = server_app(Served(shelf, caching(bundle), pool), rules)
        server = uvicorn.Server(_uvicorn(app, config))
        with _stopping(server), _logging():
            where = f"{'https' if config.is_encrypted else 'http'}://{_address(config.host, listening)}"
            print(f"serving {', '.join(shelf.names)} at {where}; stop with Ctrl-C", flush=True)
            asyncio.run(server.serve([listening]))
        print("stopped", flush=True)
    return 0


def _uvicorn(app: Any, config: ServeConfig) -> uvicorn.Config:
    result = uvicorn.Config(
        app,
        http=watched_connection(config.limits),  # type: ignore[arg-type]  # it is called, as a class is
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=config.limits.connections,
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=LEAVE_S,
        ssl_certfile=config.certificate or None,
        ssl_keyfile=config.key or None,
    )
    try:
        result.load()
    except (ssl.SSLError, OSError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or "it is damaged"
        raise MotionaryError(
            f"{config.certificate}: is no certificate in PEM, or {config.key} is not its key ({reason})"
        ) from None
    if result.ssl is not None:
        result.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    return result


def _listening(host: str, port: int) -> socket.socket:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind)
        try:
            if sys.platform != "win32":  # where it would let two programs have one port
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(address)
            made.listen(BACKLOG)
        except BaseException:
            made.close()
            raise
    except OSError as error:
        raise MotionaryError(
            f"{host}:{port}: cannot be listened on: {error.strerror}; choose another --host or --port"
        ) from None
    return made


def _address(host: str, listening: socket.socket) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{listening.getsockname()[1]}"


@contextmanager
def _stopping(server: uvicorn.Server) -> Iterator[None]:
    """Have signals stop the server, also before it listens to them itself; when it is done it raises the one
    that stopped it once more, which then does nothing."""

    def stop(*_: object) -> None:
        server.should_exit = True

    signals = (signal.SIGTERM, signal.SIGINT)
    before = {each: signal.signal(each, stop) for each in signals}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def _logging() -> Iterator[None]:
    """A line a question on stderr: who, what, how it went and how long it took."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logs = {logging.getLogger("motionary.serve"): logging.INFO, logging.getLogger("uvicorn"): logging.WARNING}
    for log, level in logs.items():
        log.addHandler(handler)
        log.setLevel(level)
        log.propagate = False
    try:
        yield
    finally:
        for log in logs:
            log.removeHandler(handler)
