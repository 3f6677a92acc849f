"""Asking a served library: what comes back is what the library says, and no stranger's answer does harm."""

import json
import re
import shutil
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionary import remote, remote_library
from motionary.bundle import load_bundle
from motionary.confidence import background, no_motion, told_how_sure
from motionary.errors import MotionaryError
from motionary.filters import Filter
from motionary.index import add_clips
from motionary.library import clip_ids, clip_info, clip_motion, open_library
from motionary.motion import Clip
from motionary.remote import (
    Abandoned,
    Access,
    Client,
    Served,
    Unreachable,
    check_allowed,
    is_loopback,
    place_of,
    served_at,
)
from motionary.remote_library import (
    clip_facts,
    fetch_motion,
    library_facts,
    search_served,
    served_libraries,
    similar_served,
)
from motionary.search import search, similar
from tests.bundles import make_bundle
from tests.motions import standing, walk
from tests.stand_in import serving


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def library(tmp_path_factory, model):
    path = tmp_path_factory.mktemp("library") / "moves.motionary"
    clips = [
        Clip("walk", walk(2.0), "/secret/walk.bvh", ("a person walks",), ("gait",)),
        Clip("march", walk(14.0), "/secret/march.bvh"),
        Clip("stand", standing(60), "/secret/stand.bvh"),
    ]
    with open_library(path, write=True) as made:
        for clip in clips:
            add_clips([clip], made, load_bundle(model), source=clip.source)
    return path


@pytest.fixture
def server(library, model):
    with serving({"moves": library}, model) as stand_in:
        yield stand_in


@pytest.fixture
def client(server):
    asking = Client(served_at(server.url("moves")))
    yield asking
    asking.close()


def expected(hits):
    """Hits as a served library tells them: of a source only the file's name."""
    return [
        (h.rank, h.clip, h.name, h.score, h.start_s, h.end_s, Path(h.source).name, h.confidence) for h in hits
    ]


# Addresses


@pytest.mark.parametrize(
    ("address", "server", "name"),
    [
        ("https://studio:8423/v1/libraries/moves", "https://studio:8423", "moves"),
        ("HTTPS://Studio/", "https://studio", ""),
        ("http://[::1]:80/v1", "http://[::1]:80", ""),
        ("https://studio/motions/v1/libraries/two%20words/", "https://studio/motions", "two words"),
        (" http://127.0.0.1:1 ", "http://127.0.0.1:1", ""),
    ],
)
def test_an_address_names_a_server_and_a_library(address, server, name):
    found = served_at(address)
    assert (found.server, found.name) == (server, name)
    assert served_at(str(found)) == found


@pytest.mark.parametrize(
    "address",
    [
        "ftp://studio/",
        "https://",
        "https:///v1",
        "https://user:word@studio/",
        "https://studio:99999/",
        "https://studio:0/",
        "https://studio/?token=x",
        "https://studio/#x",
        "https://studio/v1/libraries/..",
        "https://studio/v1/libraries/a%2Fb",
        "https://studio/v1/libraries/a%0d%0aX:%20y",
        "https://stu\r\ndio/",
        "https://stüdio/",
        "https://stu dio/",
        "https://[::1/",
        "https://[nope]/",
        "https://" + "a" * 600,
    ],
)
def test_what_is_no_address_is_refused_in_one_sentence(address):
    with pytest.raises(MotionaryError, match="no address of a server") as refused:
        served_at(address)
    assert "\n" not in str(refused.value)


@given(st.text(max_size=60))
def test_any_text_behind_the_scheme_is_an_address_or_a_sentence(text):
    try:
        found = served_at(f"https://{text}")
    except MotionaryError:
        return
    assert served_at(str(found)) == found


def test_a_command_line_names_a_file_or_an_address(monkeypatch):
    monkeypatch.setenv("MOTIONARY_TOKEN", " word ")
    monkeypatch.delenv("MOTIONARY_UNENCRYPTED", raising=False)
    assert place_of("moves.motionary") == Path("moves.motionary")
    found = place_of("https://studio/v1/libraries/moves")
    assert isinstance(found, Served)
    assert found.access == Access("word")
    with pytest.raises(MotionaryError, match="name a library of it, as in https://studio/v1/libraries/NAME"):
        place_of("https://studio")


def test_the_token_is_in_no_text_that_anybody_sees():
    found = served_at("https://studio/v1/libraries/moves", Access("hunter2"))
    assert "hunter2" not in f"{found} {found!r} {found.access!r} {Client(found)!r}"


# What is allowed


@pytest.mark.parametrize(
    ("server", "here"),
    [
        ("http://127.0.0.1:80", True),
        ("http://127.9.9.9", True),
        ("https://[::1]:1", True),
        ("http://localhost", True),
        ("http://192.168.0.4", False),
        ("http://localhost.studio", False),
        ("http://127.0.0.1.studio", False),
        ("http://[", False),
    ],
)
def test_this_machine_is_told_by_its_address(server, here):
    assert is_loopback(server) is here


@pytest.mark.parametrize(
    ("server", "access", "says"),
    [
        ("https://studio", Access(offline="Blender is offline"), "Blender is offline"),
        ("http://studio", Access("word"), "would travel unencrypted"),
        ("https://studio", Access("wo\r\nrd"), "no token has"),
        ("http://127.0.0.1", Access("wörd"), "no token has"),
    ],
)
def test_what_is_not_allowed_is_refused_before_anything_is_sent(server, access, says, monkeypatch):
    monkeypatch.setattr(socket, "create_connection", None)
    with pytest.raises(MotionaryError, match=says):
        library_facts(Client(served_at(f"{server}/v1/libraries/moves", access)))


@pytest.mark.parametrize(
    ("server", "access"),
    [
        ("https://studio", Access("word")),
        ("http://studio", Access()),
        ("http://studio", Access("word", unencrypted=True)),
        ("http://127.0.0.1", Access("word", offline="Blender is offline")),
    ],
)
def test_what_is_allowed(server, access):
    check_allowed(served_at(server, access))


def test_a_name_for_this_machine_that_leads_elsewhere_is_not_asked(server, monkeypatch):
    monkeypatch.setattr(remote, "_is_own_machine", lambda connected: False)
    with pytest.raises(MotionaryError, match="leads to another machine"):
        library_facts(Client(served_at(server.url("moves").replace("127.0.0.1", "localhost"))))
    assert server.asked == []


# Answers


def test_libraries_are_listed_with_what_is_in_them(server, client):
    (found,) = served_libraries(Client(served_at(server.address)))
    assert (found.name, found.clips, found.model_name) == ("moves", 3, "tiny-0")
    assert found == library_facts(client)


def test_a_search_finds_what_the_library_itself_finds(client, library, model):
    bundle = load_bundle(model)
    with open_library(library) as held:
        own = told_how_sure(
            search(held, bundle, "a person walks", 5), background(held.embeddings.vectors, no_motion(bundle))
        )
    found = search_served(client, "a person walks", 5)
    assert expected(found.hits) == expected(own)
    assert (found.total, found.understood) == (3, "a person walks")


def test_similar_filters_and_whole_clips_are_the_servers(client, library, model):
    with open_library(library) as held:
        first = clip_ids(held)[0]
        own = similar(held, first, 5, bundle=load_bundle(model), whole_clips=True)
    found = similar_served(client, first, 5, whole_clips=True)
    assert expected(found.hits) == expected(own)
    long = search_served(client, "a person walks", 5, wanted=Filter(min_s=10.0))
    assert [hit.name for hit in long.hits] == ["march"]
    assert long.total == 1


def test_pages_follow_each_other(client, server, monkeypatch):
    whole = search_served(client, "a person walks", 3)
    monkeypatch.setattr(remote_library, "PAGE", 1)
    server.asked.clear()
    assert search_served(client, "a person walks", 3) == whole
    assert len(server.asked) == 3
    assert len(search_served(client, "a person walks", 300).hits) == 3


def test_a_clip_comes_with_its_motion_whole_or_in_part(client, library):
    with open_library(library) as held:
        info, motion = clip_info(held, clip_ids(held)[1]), clip_motion(held, clip_ids(held)[1])
    told = clip_facts(client, info.id)
    assert (told.name, told.frames, told.source) == (info.name, info.frames, Path(info.source).name)
    whole = fetch_motion(client, info.id)
    assert np.abs(whole.rotations - motion.rotations).max() < 2e-4
    part = fetch_motion(client, info.id, 2.0, 3.5)
    first, end = round(2.0 * motion.fps), round(3.5 * motion.fps)
    assert part.frames == end - first
    assert np.abs(part.translation - motion.translation[first:end]).max() < 2e-4


def test_one_connection_serves_many_questions(client, monkeypatch):
    made = []
    connect = socket.create_connection
    monkeypatch.setattr(socket, "create_connection", lambda *given: made.append(given) or connect(*given))
    for _ in range(4):
        library_facts(client)
    assert len(made) == 1


def test_a_token_is_shown_and_asked_for(library, model):
    with serving({"moves": library}, model, token="word") as server:
        assert library_facts(Client(served_at(server.url("moves"), Access("word")))).clips == 3
        assert server.headers["Authorization"] == "Bearer word"
        with pytest.raises(MotionaryError, match="does not accept the token"):
            library_facts(Client(served_at(server.url("moves"), Access("other"))))
        with pytest.raises(MotionaryError, match="MOTIONARY_TOKEN"):
            library_facts(Client(served_at(server.url("moves"))))


def test_what_is_not_there_and_what_is_wrong_is_said_in_the_servers_words(client, server):
    with pytest.raises(MotionaryError, match=r"libraries/other: is not there, or not for this token"):
        library_facts(Client(served_at(server.url("other"))))
    with pytest.raises(MotionaryError, match=r"refused \(400\): .*query"):
        search_served(client, "   ")


def test_a_server_that_went_and_came_back_is_asked_again(library, model):
    with serving({"moves": library}, model) as server:
        port = int(server.address.rpartition(":")[2])
        client = Client(served_at(server.url("moves")))
        assert library_facts(client).clips == 3
    with pytest.raises(Unreachable, match="no server answers there"):
        library_facts(client)
    with answering(said(FACTS), said(FACTS), port=port):
        assert library_facts(client).clips == 1
        client._socket.shutdown(socket.SHUT_RDWR)  # what was idle for long
        assert library_facts(client).clips == 1


# Strangers


FACTS = {"name": "moves", "clips": 1, "embeddings": 1, "seconds": 1.0, "model": None, "state": "1"}
HIT = {
    **{"rank": 1, "clip": 1, "name": "walk", "score": 0.5, "start_s": 0.0, "end_s": 1.0, "fps": 30.0},
    **{"source": "walk.bvh", "captions": ["a walk"], "tags": [], "duration_s": 1.0, "mirrored": False},
    "confidence": None,
}


def said(document, status="200 OK", more=""):
    """A whole answer of a server, as bytes."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return f"HTTP/1.1 {status}\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body


@contextmanager
def answering(*answers, port=0):
    """A server that sends these bytes, one after each question, whatever is asked; a callable gets the
    connection. Its address."""
    listening = socket.create_server(("127.0.0.1", port))
    listening.settimeout(0.1)
    ended = threading.Event()

    def serve():
        left = list(answers)
        try:
            while left and not ended.is_set():
                try:
                    connection, _ = listening.accept()
                except TimeoutError:
                    continue
                with connection:
                    connection.settimeout(30)
                    while left and (asked := connection.recv(65536)):
                        if b"\r\n\r\n" not in asked:
                            break
                        answer = left.pop(0)
                        if callable(answer):
                            answer(connection, ended)
                            break
                        connection.sendall(answer)
        except OSError:
            pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1/libraries/moves"
    finally:
        ended.set()
        listening.close()
        thread.join(10)


def refused(ask, *answers):
    """What is said of a stranger's answer: one sentence that names the server."""
    with answering(*answers) as address:
        client = Client(served_at(address))
        try:
            with pytest.raises(MotionaryError) as error:
                ask(client)
        finally:
            client.close()
    assert str(error.value).startswith("http://127.0.0.1:")
    assert str(error.value).isprintable()
    return str(error.value)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"", "connection failed"),
        (b"hello\r\n\r\n", "no server of Motionary's"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}", "connection failed|broke off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "no server|broke off"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", "no server"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70000 + b"\r\n\r\n", "no server"),
        (said(FACTS, more="Content-Encoding: gzip\r\n"), "encoding that was not asked for"),
        (said(b"", "302 Found", "Location: http://elsewhere/\r\n"), "not followed"),
        (said(b"", "307 Temporary Redirect", "Location: http://elsewhere/\r\n"), "not followed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", "longer than 4 MB"),
        (said(b"<html>"), "does not answer with JSON"),
        (said(b"\xff\xfe"), "does not answer with JSON"),
        (said(b"[" * 100_000), "does not answer with JSON"),
        (said(b'{"seconds": NaN}'), "does not answer with JSON"),
        (said(b'{"clips": ' + b"9" * 5000 + b"}"), "does not answer with JSON"),
        (said([]), "cannot be understood"),
        (said(None), "cannot be understood"),
        (said({}), r"cannot be understood \(name\)"),
        (said(FACTS | {"clips": "3"}), r"\(clips\)"),
        (said(FACTS | {"clips": True}), r"\(clips\)"),
        (said(FACTS | {"clips": -1}), r"\(clips\)"),
        (said(FACTS | {"seconds": 1e300}), r"\(seconds\)"),
        (said(FACTS | {"model": 3}), "an object"),
        (said(FACTS | {"state": "x" * 3000}), r"\(state\)"),
        (said({"detail": "too much"}, "429 Too Many Requests"), "too much to do: too much; try again"),
        (said(b"", "503 Service Unavailable"), "too much to do; try again"),
        (said({"detail": "\x1b[31m" + "x" * 9999}, "500 Oops"), r"failed \(500\):  \[31mx+; try again"),
        (said({"detail": {"a": 1}}, "418 Teapot"), r"refused \(418\)$"),
    ],
)
def test_a_strangers_answer_is_one_sentence(answer, says):
    assert re.search(says, refused(library_facts, answer))


@pytest.mark.parametrize(
    "change",
    [
        {"clip": 2**31},
        {"clip": 1.0},
        {"name": None},
        {"score": 7},
        {"score": "high"},
        {"start_s": -1},
        {"start_s": 2.0},
        {"end_s": 1e300},
        {"fps": 0},
        {"captions": "a walk"},
        {"captions": [1]},
        {"tags": ["x"] * 2000},
        {"mirrored": 1},
        {"confidence": 2},
    ],
)
def test_a_hit_that_no_library_has_is_refused(change):
    (key,) = change
    answer = said({"hits": [HIT | change], "total": 1})
    assert "cannot be understood" in refused(lambda client: search_served(client, "walks"), answer), key


def test_more_hits_than_were_asked_for_are_refused():
    answer = said({"hits": [HIT] * 11, "total": 11})
    assert "(hits)" in refused(lambda client: search_served(client, "walks", 10), answer)


def test_names_cannot_steer_a_terminal_or_break_a_panel():
    answer = said({"hits": [HIT | {"name": "wa\x1b[2J\ud800lk\x00", "captions": ["a\nb"]}], "total": 1})
    with answering(answer) as address:
        (hit,) = search_served(Client(served_at(address)), "walks").hits
    assert hit.name == "wa [2J lk "
    assert hit.captions == ("a b",)
    hit.name.encode()


def test_what_is_not_known_is_passed_over():
    answer = said({"hits": [HIT | {"new": 1}], "total": 1, "newer": [2]})
    with answering(answer) as address:
        assert len(search_served(Client(served_at(address)), "walks").hits) == 1


def test_a_motion_that_is_none_names_the_clip():
    says = refused(lambda client: fetch_motion(client, 7), said(b"MOTYMOT1" + b"x" * 500))
    assert "clip 7: motion is damaged" in says


def test_another_version_of_the_protocol_says_what_to_do():
    assert "update the older" in refused(served_libraries, said({"motionary": "9", "api": 2}))


def test_an_endless_answer_is_cut_off():
    def pour(connection, ended):
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not ended.is_set():
            connection.sendall(b" " * 65536)

    assert "longer than 4 MB" in refused(library_facts, pour)


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: "]
)
def test_an_answer_that_drips_has_its_time_and_no_more(head):
    def drip(connection, ended):
        connection.sendall(head)
        while not ended.wait(0.02):
            connection.sendall(b" ")

    assert "does not answer in time" in refused(lambda c: c.ask("/", most=1000, seconds=0.4), drip)


def test_a_server_that_never_says_anything_has_its_time_and_no_more():
    assert "in time" in refused(lambda c: c.ask("/", most=9, seconds=0.3), lambda c, ended: ended.wait(30))


def test_endless_continues_have_their_time_and_no_more():
    def go_on(connection, ended):
        while not ended.is_set():
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)

    assert "in time" in refused(lambda c: c.ask("/", most=9, seconds=0.3), go_on)


def test_what_nobody_waits_for_is_given_up_at_once():
    stale = threading.Event()
    threading.Timer(0.2, stale.set).start()
    with answering(lambda c, ended: ended.wait(30)) as address:
        client = Client(served_at(address), stale.is_set)
        began = time.monotonic()
        with pytest.raises(Abandoned):
            library_facts(client)
        assert time.monotonic() - began < remote.ANSWER_S / 2
        assert client._socket is None


def test_https_to_what_speaks_none_is_one_sentence():
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as address:
        client = Client(served_at(address.replace("http:", "https:"), Access("word")))
        with pytest.raises(Unreachable, match=r"does not speak https|connection failed"):
            library_facts(client)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_damage_to_an_answer_is_a_sentence_or_hits(data):
    whole = json.dumps({"hits": [HIT, HIT | {"clip": 2}], "total": 2}).encode()
    place = data.draw(st.integers(0, len(whole) - 1))
    damaged = whole[:place] + data.draw(st.binary(max_size=6)) + whole[place + data.draw(st.integers(0, 6)) :]
    client = _Canned(damaged)
    try:
        for hit in search_served(client, "walks").hits:
            hit.name.encode()
    except MotionaryError as error:
        assert str(error).isprintable()  # noqa: PT017


class _Canned:
    """A client whose answer is there already."""

    served = served_at("http://127.0.0.1/v1/libraries/moves")

    def __init__(self, body):
        self.body = body

    def ask(self, path, body=None, *, most, seconds=1.0):
        return remote.Answered(200, self.body)


# https


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of this machine's own, and its key, in one file."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command to make a certificate")
    folder = tmp_path_factory.mktemp("certificate")
    key, made = folder / "key.pem", folder / "made.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    more = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(made)]
    subprocess.run([*command.split(), *more], check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_bytes(made.read_bytes() + key.read_bytes())
    return both


@pytest.fixture
def secure(library, model, certificate):
    with serving({"moves": library}, model, token="word", certificate=certificate) as stand_in:
        yield stand_in


def test_https_works_with_an_authority_that_is_trusted(secure, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    client = Client(served_at(secure.url("moves").replace("127.0.0.1", "localhost"), Access("word")))
    assert library_facts(client).clips == 3
    assert len(search_served(client, "a person walks").hits) == 3
    secure.wait.clear()
    with pytest.raises(Unreachable, match="in time"):
        client.ask("/v1", most=99, seconds=0.5)  # longer than a glance: looking again does no harm to TLS
    threading.Timer(0.5, secure.wait.set).start()
    assert client.ask("/v1", most=99).status == 200
    client.close()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_certificate_that_nobody_vouches_for_or_of_another_host_is_refused(
    host, secure, certificate, monkeypatch
):
    if host == "127.0.0.1":  # which the certificate is not for
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    client = Client(served_at(secure.url("moves").replace("127.0.0.1", host), Access("word")))
    with pytest.raises(Unreachable, match=r"its certificate is not trusted .*SSL_CERT_FILE"):
        library_facts(client)
    assert secure.asked == []  # and no token went there


# Anything at all

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([HIT, [HIT], FACTS, [FACTS], 1, "moves"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*HIT, *FACTS, "hits", "total", "understood", "frames"]), inner)
    ),
    max_leaves=12,
)
ASKED = {
    "search": lambda client: search_served(client, "walks"),
    "similar": lambda client: similar_served(client, 1),
    "facts": library_facts,
    "list": served_libraries,
    "clip": lambda client: clip_facts(client, 1),
    "motion": lambda client: fetch_motion(client, 1),
}


@pytest.mark.parametrize("what", ASKED)
@settings(max_examples=40, deadline=None)
@given(value=VALUES, more=st.dictionaries(st.sampled_from([*HIT, *FACTS]), VALUES, max_size=3))
def test_any_answer_is_a_sentence_or_what_was_asked_for(what, value, more):
    base = {"search": {"hits": [HIT | more], "total": 1}, "facts": FACTS | more, "clip": HIT | more}
    for document in (value, base.get(what, value)):
        try:
            ASKED[what](_Canned(json.dumps(document).encode()))
        except MotionaryError as error:
            assert str(error).isprintable()  # noqa: PT017
