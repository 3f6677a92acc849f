"""`motionary serve` under load: 200 clients at a time for a minute, and killed and started again under them.

    python scripts/bench_serve.py --markdown docs/scale.md    # some three minutes
    python scripts/bench_serve.py --only kill --seconds 600   # the long form of the test: kills by the dozen

A library of made-up clips is served on loopback, by a process of its own. Every client asks one question
after the other, without a pause, over a connection that it keeps: searches mostly, and now and then what a
clip is, its motion, or what the library holds. Every answer to a search is compared with what the core finds
in the file itself; an answer that is another, and, unless the server is being killed, any that fails, is an
error, and the exit code is 1 where there is one.

Killing: the server gets SIGKILL at a random time, again and again, and is started anew. A question may fail
then, and is asked again; no answer may be wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from motionary.bundle import ModelBundle, load_bundle  # noqa: E402
from motionary.captions.facts_array import UNKNOWN  # noqa: E402
from motionary.codec import encode_motion  # noqa: E402
from motionary.confidence import background, no_motion, told_how_sure  # noqa: E402
from motionary.keywords import understood  # noqa: E402
from motionary.library import Model, NewClip, Source, open_library, replace_source, set_model  # noqa: E402
from motionary.motion import Motion, Skeleton  # noqa: E402
from motionary.search import search  # noqa: E402
from scripts.measured_page import put_between  # noqa: E402

WHO = ("a person", "a man", "a woman", "somebody")
DOES = ("walks", "runs", "jumps", "sits down", "waves", "turns", "kicks", "crawls", "dances", "throws")
HOW = ("", " slowly", " quickly", " to the left", " backwards", " twice", " in a circle", " with both arms")
WHERE = ("", " on stairs", " at a table", " in the rain", " with a ball")
NAME = "moves"
TOP = 10
UNLIMITED = "[limits]\nper_second = 0.0\nat_once = 2048\nconnections = 4096\nanswer_s = 60.0\n"
RETRY_S = 0.05
MOST_S = 90.0
STARTING_S = 120.0
LIFE_S = (1.0, 6.0)
"""Seconds that a server may live before it is killed."""

Told = list[tuple[Any, ...]]


@dataclass
class Load:
    """What the clients saw. seconds: of every answer, by kind. wrong, failed: the first of them. broken:
    questions that a kill left without an answer."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    broken: int = 0

    @property
    def answers(self) -> int:
        """How many there were."""
        return sum(map(len, self.seconds.values()))


def queries(count: int) -> list[str]:
    """Sentences, all different, at random but the same each time."""
    every = [f"{who} {does}{how}{where}" for who in WHO for does in DOES for how in HOW for where in WHERE]
    # One in five has two steps, which takes longer.
    rng = random.Random(0)
    every += [f"{first}, then {rng.choice(DOES)}" for first in rng.sample(every, len(every) // 4)]
    rng.shuffle(every)
    return every[:count]


def make_library(path: Path, clips: int, model: ModelBundle) -> None:
    """A library of clips that stand and wave at random, with unit vectors at random."""
    rng = np.random.default_rng(0)
    skeleton = Skeleton(("root", "child"), np.array([-1, 0]), np.array([[0.0, 1.0, 0.0], [0.0, 0.5, 0.0]]))
    made = []
    words = [*DOES, "left", "right", "slowly", "arm"]
    for number in range(clips):
        frames = int(rng.integers(60, 240))
        turns = rng.standard_normal((frames, 2, 4))
        turns /= np.linalg.norm(turns, axis=2, keepdims=True)
        motion = Motion(skeleton, turns, rng.standard_normal((frames, 3)), 30.0)
        vector = rng.standard_normal((2, model.joint_dim)).astype(np.float32)
        vector /= np.linalg.norm(vector, axis=1, keepdims=True)
        seconds = frames / 30.0
        spans = np.array([[0.0, seconds / 2], [seconds / 2, seconds]])
        said = " ".join(rng.choice(words, 4))
        facts = np.tile(UNKNOWN, (2, 1))
        made.append(
            NewClip(
                f"clip {number}",
                skeleton,
                30.0,
                frames,
                encode_motion(motion),
                (said,),
                (),
                spans,
                vector,
                facts,
            )
        )
    with open_library(path, write=True) as library:
        by = Model(model.id, model.name, model.joint_dim)
        set_model(library, by)
        replace_source(library, Source("/made/up.bvh", 0, 0, "0" * 64), made, by)


def own_answers(path: Path, model: ModelBundle, asked: Sequence[str]) -> dict[str, Told]:
    """What the core finds for each query."""
    answers = {}
    with open_library(path) as library:
        behind = background(library.embeddings.vectors, no_motion(model))
        for query in asked:
            taken = understood(library, query, model.known_words)
            hits = told_how_sure(search(library, model, taken, TOP), behind, model.familiarity(query))
            assert len(hits) == TOP
            answers[query] = [(h.clip, h.name, h.score, h.start_s, h.end_s, h.confidence) for h in hits]
    return answers


class Server:
    """``motionary serve`` in a process of its own, always on the same port."""

    def __init__(self, folder: Path, library: Path, model: Path | None) -> None:
        config = folder / "serve.toml"
        config.write_text(UNLIMITED, "utf-8")
        self._command = [sys.executable, "-m", "motionary", "serve", str(library), "--config", str(config)]
        self._command += ["--model", str(model)] if model else []
        self._log = folder / "serve.log"
        self._running: subprocess.Popen[str] | None = None
        self._port = 0
        self.address = ""

    def start(self) -> None:
        """Have it at work; RuntimeError where it does not come up."""
        with self._log.open("ab") as log:
            self._running = subprocess.Popen(
                [*self._command, "--port", str(self._port)], stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self._running.stdout is not None
        said = self._running.stdout.readline()
        if not said.startswith("serving"):
            self.stop()
            raise RuntimeError(f"the server does not start: {self._log.read_text('utf-8')[-2000:]}")
        self.address = said.partition(" at ")[2].partition(";")[0]
        self._port = urlsplit(self.address).port or 0

    @property
    def cpu_s(self) -> float:
        """Seconds of all cores that it took so far; nan where the system does not tell (Linux does)."""
        assert self._running is not None
        told = Path(f"/proc/{self._running.pid}/stat")
        if not told.exists():
            return float("nan")
        user, system = told.read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """End it at once, wherever it is."""
        assert self._running is not None
        self._running.send_signal(signal.SIGKILL)
        self._running.wait()

    def stop(self) -> int:
        """Tell it to stop; its exit code."""
        assert self._running is not None
        self._running.terminate()
        try:
            return self._running.wait(60)
        finally:
            self._running.kill()


class Connection:
    """HTTP/1.1 as far as it is needed, so that 200 clients take little of the cores that the server has."""

    def __init__(self, address: str) -> None:
        self._where = urlsplit(address)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """The status and the answer. OSError, EOFError or ValueError where the connection breaks."""
        if self._streams is None:
            host, port = self._where.hostname or "", self._where.port
            self._streams = await asyncio.open_connection(host, port, limit=1 << 20)
        reader, writer = self._streams
        head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: {self._where.netloc}\r\n"
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"{head}\r\n".encode() + (body or b""))
        told = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(told.partition("content-length:")[2].partition("\r\n")[0])
        answer = await reader.readexactly(length)
        if "connection: close" in told:
            self.close()
        return int(told.split(" ", 2)[1]), answer

    def close(self) -> None:
        """End it; the next question makes another."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def client(
    number: int, server: Server, own: dict[str, Told], clips: int, until: float, load: Load, *, kills: bool
) -> None:
    """Ask one question after the other until the time is over."""
    rng = random.Random(number)
    asked = list(own)
    base = f"/v1/libraries/{NAME}"
    connection = Connection(server.address)
    try:
        while time.monotonic() < until:
            kind = rng.choices(("search", "clip", "motion", "library"), (85, 5, 5, 5))[0]
            query, clip = rng.choice(asked), rng.randint(1, clips)
            path, body = base + {"search": "/search", "library": ""}.get(kind, f"/clips/{clip}"), None
            if kind == "motion":
                path += "/motion"
            if kind == "search":
                body = json.dumps({"query": query, "top": TOP}).encode()
            began = time.monotonic()
            try:
                async with asyncio.timeout(MOST_S):
                    status, answer = await connection.ask(path, body)
            except (OSError, EOFError, ValueError) as error:
                connection.close()
                if kills:
                    load.broken += 1
                    await asyncio.sleep(RETRY_S)
                else:
                    load.failed.append(f"{kind}: {error!r}")
                continue
            if status != 200:
                load.failed.append(f"{kind}: {status} {answer[:200]!r}")
                continue
            load.seconds.setdefault(kind, []).append(time.monotonic() - began)
            if kind == "search" and told(json.loads(answer)) != own[query]:
                load.wrong.append(query)
    finally:
        connection.close()


def told(answer: Any) -> Told:
    """The hits of an answer, as `own_answers` has them."""
    keys = ("clip", "name", "score", "start_s", "end_s", "confidence")
    return [tuple(hit[key] for key in keys) for hit in answer["hits"]]


async def clients(
    count: int, server: Server, own: dict[str, Told], clips: int, seconds: float, *, kills: bool = False
) -> tuple[Load, int]:
    """As many clients for as long; how often the server was killed."""
    load, killed = Load(), 0
    until = time.monotonic() + seconds
    tasks = [
        asyncio.create_task(client(number, server, own, clips, until, load, kills=kills))
        for number in range(count)
    ]
    rng = random.Random(1)
    while kills and time.monotonic() < until:
        await asyncio.sleep(min(rng.uniform(*LIFE_S), max(until - time.monotonic(), 0.0)))
        server.kill()
        await asyncio.to_thread(server.start)
        killed += 1
    await asyncio.gather(*tasks)
    return load, killed


def row(name: str, load: Load, seconds: float, cpu_s: float) -> str:
    """A line of the table; cpu_s: what the server took."""
    every = sorted(each for kind in load.seconds.values() for each in kind)
    searches = sorted(load.seconds.get("search", [])) or [0.0]
    p50, p99 = (np.percentile(searches, share) for share in (50, 99))
    return (
        f"| {name} | {len(every):,} | {len(every) / seconds:.0f} | {p50 * 1000:.0f} | {p99 * 1000:.0f} | "
        f"{cpu_s / max(len(every), 1) * 1000:.1f} | {len(load.failed)} | {len(load.wrong)} |"
    )


def run(options: argparse.Namespace, folder: Path) -> tuple[list[str], list[str], int]:
    """The lines for the marks "serving" and "killing", and how many errors there were."""
    model = load_bundle(options.model)
    library = folder / f"{NAME}.motionary"
    make_library(library, options.clips, model)
    sentences = queries(options.queries)
    own = own_answers(library, model, sentences)
    serving, killing, errors = [], [], 0
    server = Server(folder, library, options.model)
    server.start()
    try:
        if options.only != "kill":
            few = {query: own[query] for query in sentences[: options.few]}
            lines = []
            for name, asked in ((f"{len(few)} queries", few), (f"{len(own)} queries", own)):
                before = server.cpu_s
                load, _ = asyncio.run(clients(options.clients, server, asked, options.clips, options.seconds))
                lines.append(row(name, load, options.seconds, server.cpu_s - before))
                errors += len(load.failed) + len(load.wrong)
                print(lines[-1], *load.failed[:3], flush=True)
            serving = [
                f"{options.clients} clients at a time, each for {options.seconds:g} s without a pause, "
                f"{options.clips:,} clips, {os.cpu_count()} cores for server, clients and others (load "
                f"{os.getloadavg()[0]:.0f}). Milliseconds of a search, and of the server's processor time "
                "for an answer of any kind:",
                "",
                "| | answers | a second | p50 | p99 | CPU | failed | wrong |",
                "|---|---|---|---|---|---|---|---|",
                *lines,
            ]
        if options.only != "load":
            load, killed = asyncio.run(
                clients(options.clients, server, own, options.clips, options.seconds, kills=True)
            )
            errors += len(load.failed) + len(load.wrong)
            killing = [
                f"Killed {killed} times in {options.seconds:g} s under {options.clients} clients: "
                f"{load.answers:,} answers, {load.broken:,} questions broken off and asked again, "
                f"{len(load.failed)} refused, {len(load.wrong)} wrong."
            ]
            print(killing[0], *load.failed[:3], flush=True)
    finally:
        code = server.stop()
    if code:
        print(f"the server left with {code}")
    return serving, killing, errors + bool(code)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--clips", type=int, default=10_000)
    parser.add_argument("--few", type=int, default=64, help="queries that many people ask")
    parser.add_argument("--queries", type=int, default=2000, help="queries that hardly anybody asks twice")
    parser.add_argument("--only", choices=["load", "kill"])
    parser.add_argument("--model", type=Path, help="a model bundle, instead of the built-in one")
    parser.add_argument("--markdown", type=Path, help="write the tables between the marks of this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        serving, killing, errors = run(options, Path(folder))
    print(json.dumps({"errors": errors}))
    for mark, lines in (("serving", serving), ("killing", killing)):
        if options.markdown and lines:
            put_between(options.markdown, mark, lines)
    return int(errors > 0)


if __name__ == "__main__":
    sys.exit(main())
