"""``motionary serve`` in a process of its own: started, stopped, killed, and left alone by slow clients."""

import asyncio
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import httpx
import pytest

from motionary.bundle import load_bundle
from scripts import bench_serve
from tests.bundles import make_bundle
from tests.scale.served import make_library, own_answer, told

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def library(tmp_path_factory, model):
    return make_library(tmp_path_factory.mktemp("library") / "moves.motionary", model)


def command(*arguments):
    return [sys.executable, "-m", "motionary", "serve", *map(str, arguments)]


def refused(*arguments):
    """What the command says on stderr, where it leaves with 1 or 2."""
    done = subprocess.run(command(*arguments), capture_output=True, text=True, timeout=120)
    assert done.returncode in (1, 2), done
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


@contextmanager
def running(*arguments):
    """A server at work, and its address; what it said afterwards is in ``process.said``."""
    given = command(*arguments, "--port", 0)
    with subprocess.Popen(given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            said = process.stdout.readline()
            assert said.startswith("serving"), process.stderr.read()
            yield process, said.partition(" at ")[2].partition(";")[0]
        finally:
            if process.poll() is None:
                process.kill()


def test_it_is_served_until_it_is_told_to_stop(library, model):
    bundle = load_bundle(model)
    with running(library, "--model", model) as (process, address):
        asked = {"query": "a person walks"}
        found = httpx.post(f"{address}/v1/libraries/moves/search", json=asked, trust_env=False, timeout=60)
        assert told(found.json()["hits"]) == own_answer(library, bundle, "a person walks")
        process.send_signal(signal.SIGTERM)
        rest, log = process.communicate(timeout=60)
    assert process.returncode == 0
    assert rest == "stopped\n"
    assert "POST /v1/libraries/moves/search 200" in log
    assert "walks" not in log


def test_what_must_not_be_served_is_refused_in_one_sentence(library, model, tmp_path):
    assert "nobody needs a token" in refused(library, "--host", "0.0.0.0")
    assert "no library is named" in refused()
    broken = tmp_path / "broken.motionary"
    broken.write_bytes(b"x" * 200)
    assert "not a Motionary library" in refused(broken)
    (tmp_path / "a.pem").write_text("no certificate")
    pem = tmp_path / "a.pem"
    assert "no certificate in PEM" in refused(library, "--certificate", pem, "--key", pem, "--model", model)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert "cannot be listened on" in refused(library, "--model", model, "--port", port)


def test_a_token_is_made_and_needed(library, model, tmp_path):
    tokens = tmp_path / "tokens.toml"
    made = subprocess.run(
        command("--tokens", tokens, "--new-token", "anna", "--may-read", "moves"),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    token = made.stdout.strip()
    assert token.startswith("mty_")
    assert token not in tokens.read_text()
    assert "--tokens" in refused("--new-token", "anna")
    assert "--new-token" in refused(library, "--may-read", "moves")
    with (
        running(library, "--model", model, "--tokens", tokens) as (_, address),
        httpx.Client(base_url=address, trust_env=False, timeout=60) as asking,
    ):
        assert asking.get("/v1/libraries").status_code == 401
        shown = {"Authorization": f"Bearer {token}"}
        assert [each["name"] for each in asking.get("/v1/libraries", headers=shown).json()] == ["moves"]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl, to make a certificate")
def test_it_is_served_by_https(library, model, tmp_path):
    key, certificate = tmp_path / "a.key", tmp_path / "a.pem"
    kind = ("-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost")
    told = ("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate))
    subprocess.run(["openssl", "req", *kind, *told], check=True, capture_output=True)
    with running(library, "--model", model, "--certificate", certificate, "--key", key) as (_, address):
        assert address.startswith("https://")
        trusted = ssl.create_default_context(cafile=str(certificate))
        said = httpx.get(f"{address}/v1", verify=trusted, trust_env=False, timeout=60)
        assert said.json()["api"] == 1
        assert "max-age" in said.headers["strict-transport-security"]


def test_connections_that_ask_nothing_are_dropped_however_slowly_they_drip(library, model, tmp_path):
    config = tmp_path / "serve.toml"
    config.write_text("[limits]\narrive_s = 0.5\n")
    with running(library, "--model", model, "--config", config) as (_, address):
        where = urlsplit(address)
        silent, dripping = (socket.create_connection((where.hostname, where.port)) for _ in range(2))
        with silent, dripping:
            until = time.monotonic() + 60
            is_open = True
            silent.settimeout(0.1)
            dripping.settimeout(0.1)
            while is_open and time.monotonic() < until:
                try:
                    dripping.sendall(b"G")
                    is_open = bool(dripping.recv(1))
                except TimeoutError:
                    continue
                except OSError:
                    is_open = False
            assert not is_open
            silent.settimeout(60)
            with suppress(ConnectionResetError):
                assert silent.recv(1) == b""
        assert httpx.get(f"{address}/v1", trust_env=False, timeout=60).status_code == 200


def test_servers_that_are_killed_under_load_give_no_wrong_answer(tmp_path, model):
    """The short form of scripts/bench_serve.py --only kill."""
    library = tmp_path / "moves.motionary"
    bundle = load_bundle(model)
    bench_serve.make_library(library, 60, bundle)
    own = bench_serve.own_answers(library, bundle, bench_serve.queries(20))
    server = bench_serve.Server(tmp_path, library, model)
    server.start()
    loads = [bench_serve.Load() for _ in range(3)]
    try:
        for load in loads:
            asyncio.run(killed_once(server, own, load, random.Random(id(load) % 7)))
        last = bench_serve.Load()
        asyncio.run(until_answered(server, own, last))
    finally:
        code = server.stop()
    assert code == 0
    for load in (*loads, last):
        assert not load.wrong
        assert not load.failed
        assert load.answers
    assert sum(load.broken for load in loads)


async def killed_once(server, own, load, rng):
    """Clients that ask until the server is killed, and it started again."""
    tasks = [
        asyncio.create_task(
            bench_serve.client(number, server, own, 60, time.monotonic() + 600, load, kills=True)
        )
        for number in range(8)
    ]
    while load.answers < 10:
        await asyncio.sleep(0.05)
    await asyncio.sleep(rng.uniform(0, 0.2))
    server.kill()
    while not load.broken:
        await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.to_thread(server.start)


async def until_answered(server, own, load):
    """Clients of the server that was started last."""
    task = asyncio.create_task(
        bench_serve.client(0, server, own, 60, time.monotonic() + 600, load, kills=False)
    )
    while load.answers < 10 and not task.done():
        await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
