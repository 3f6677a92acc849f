"""A small server of libraries on loopback: the protocol of docs/serving.md by the standard library alone.

What the real server does is tested where it is; this one is for its clients, which Blender's Python has to
run too. It is slow, gone or wrong when a test says so.
"""

import json
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from motionary.bundle import load_bundle
from motionary.confidence import background, is_unsure, no_motion, told_how_sure
from motionary.errors import MotionaryError
from motionary.filters import Filter, rows_that_pass
from motionary.library import clip_info, clip_motion, open_library, summary
from motionary.motion import slice_frames
from motionary.motion_bytes import pack_motion
from motionary.search import search, similar


@dataclass
class StandIn:
    """libraries: files by name. token: "" for none. asked: every request, as "METHOD PATH"; headers: those of
    the last. wrong: what is sent in place of an answer, (status, headers, bytes), by the path's end."""

    libraries: dict
    model: Path | None
    token: str = ""
    address: str = ""
    asked: list = field(default_factory=list)
    headers: dict = field(default_factory=dict)
    wrong: dict = field(default_factory=dict)
    wait: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self):
        self.wait.set()
        self.bundle = load_bundle(self.model)

    def url(self, name):
        return f"{self.address}/v1/libraries/{name}"

    def answer(self, method, path, query, body):
        """(status, document or bytes)."""
        if path == "/v1":
            return 200, {"motionary": "0", "api": 1}
        if self.token and self.headers.get("Authorization") != f"Bearer {self.token}":
            return 401, {"detail": "show a token"}
        if path == "/v1/libraries":
            return 200, [self.facts(name) for name in self.libraries]
        name, _, rest = path.removeprefix("/v1/libraries/").partition("/")
        name = unquote(name)
        if name not in self.libraries or not self.libraries[name].exists():
            return 404, {"detail": "no such library"}
        if not rest:
            return 200, self.facts(name)
        with open_library(self.libraries[name]) as library:
            if rest in ("search", "similar"):
                return 200, self.found(library, rest, body)
            _, number, *motion = rest.split("/")
            info = clip_info(library, int(number))
            if motion:
                whole = clip_motion(library, info.id)
                start, end = (float(query.get(key, [at])[0]) for key, at in (("start_s", 0), ("end_s", 1e9)))
                first, last = round(start * whole.fps), min(round(end * whole.fps), whole.frames)
                return 200, pack_motion(slice_frames(whole, first, max(first + 1, last)))
            return 200, {
                **{key: getattr(info, key) for key in ("id", "name", "fps", "frames", "captions", "tags")},
                "seconds": info.duration,
                "source": Path(info.source).name,
            }

    def facts(self, name):
        with open_library(self.libraries[name]) as library:
            held, model = summary(library), library.model
        return {
            "name": name,
            "clips": held.clips,
            "embeddings": held.embeddings,
            "seconds": held.duration_s,
            "model": model and {"id": model.id, "name": model.name},
            "state": str(self.libraries[name].stat().st_mtime_ns),
        }

    def found(self, library, what, body):
        wanted = Filter(**{**body["filters"], "tags": tuple(body["filters"]["tags"])})
        among, most = rows_that_pass(library, wanted), body["offset"] + body["top"]
        named = {"among": among, "whole_clips": body["whole_clips"]}
        if what == "search":
            hits = search(library, self.bundle, body["query"], most, **named)
            hits = told_how_sure(hits, background(library.embeddings.vectors, no_motion(self.bundle)))
        else:
            hits = similar(library, body["clip"], most, bundle=self.bundle, **named)
        told = [asdict(hit) | {"source": Path(hit.source).name} for hit in hits[body["offset"] :]]
        clips = library.embeddings.clips if among is None else library.embeddings.clips[among]
        return {
            "hits": told,
            "total": len(set(clips.tolist())),
            "unsure": is_unsure(hits),
            "understood": body.get("query", ""),
        }


@contextmanager
def serving(libraries, model, token="", port=0, certificate=None):
    """A stand-in at work, on a port of its own, or on this one; with a certificate and its key, by https."""
    stand_in = StandIn(libraries, model, token)
    connected = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self):
            super().setup()
            connected.append(self.connection)

        def do_GET(self):
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            parts = urlsplit(self.path)
            stand_in.asked.append(f"{self.command} {parts.path}")
            stand_in.headers = dict(self.headers)
            stand_in.wait.wait(60)
            wrong = next((said for end, said in stand_in.wrong.items() if parts.path.endswith(end)), None)
            if wrong is not None:
                status, headers, data = wrong
            else:
                headers = {}
                try:
                    status, said = stand_in.answer(self.command, parts.path, parse_qs(parts.query), body)
                except MotionaryError as error:
                    status, said = 400, {"detail": str(error)}
                data = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_GET

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # a client that hangs up is none of its business
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        # The handshake is made by the thread of the connection: one that fails ends that alone.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    scheme = "http" if certificate is None else "https"
    stand_in.address = f"{scheme}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield stand_in
    finally:
        stand_in.wait.set()
        server.shutdown()
        server.server_close()
        for connection in connected:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        thread.join(10)
