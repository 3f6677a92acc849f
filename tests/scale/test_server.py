"""A served library answers what the core answers of the file, and nothing of anything else."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from motionary.bundle import load_bundle
from motionary.filters import Filter
from motionary.index import add_clips
from motionary.library import clip_motion, open_library, remove_sources, set_starred, set_words
from motionary.motion_bytes import unpack_motion
from motionary_scale import reading
from motionary_scale.access import new_token
from tests.bundles import make_bundle
from tests.scale.served import clips_of_a_walk, make_library, own_answer, serving, showing, told

SECRETS = ("secret", "folder", "/", "\\")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def library(tmp_path_factory, model):
    return make_library(tmp_path_factory.mktemp("library") / "moves.motionary", model)


@pytest.fixture
def client(library, model):
    with serving({"moves": library}, model) as asking:
        yield asking


def search(client, query="a person walks", name="moves", **more):
    return client.post(f"/v1/libraries/{name}/search", json={"query": query, **more})


def is_problem(response, status):
    said = response.json()
    return (
        response.status_code == said["status"] == status
        and response.headers["content-type"] == "application/problem+json"
        and {"type", "title", "status", "detail"} == said.keys()
        and "\n" not in said["detail"]
    )


# The same answers


def test_a_server_says_what_it_is(client):
    said = client.get("/v1").json()
    assert said["api"] == 1
    assert set(said) == {"motionary", "api"}


def test_libraries_are_told_in_numbers(client, library, model):
    (facts,) = client.get("/v1/libraries").json()
    assert client.get("/v1/libraries/moves").json() == facts
    assert (facts["name"], facts["clips"]) == ("moves", 3)
    assert facts["model"] == {"id": load_bundle(model).id, "name": "tiny-0"}


@pytest.mark.parametrize(
    ("query", "filters"),
    [
        ("a person walks", {}),
        ("a persn wlaks, then sits -left", {}),
        ("walks", {"min_s": 10.0}),
        ("walks", {"tags": ["gait"], "hand": ""}),
        ("walks", {"max_distance": 0.1}),
    ],
)
def test_a_search_finds_what_the_core_finds(client, library, model, query, filters):
    found = search(client, query, filters=filters).json()
    wanted = Filter(**{**filters, "tags": tuple(filters.get("tags", ()))})
    assert told(found["hits"]) == own_answer(library, load_bundle(model), query, 10, wanted)
    assert found["total"] == len(found["hits"])


def test_slips_are_told(client):
    assert search(client, "a person wlaks").json()["understood"] == "a person walks"


def test_pages_make_the_whole(client):
    whole = search(client).json()["hits"]
    pages = [search(client, top=1, offset=place).json()["hits"] for place in range(4)]
    assert [len(page) for page in pages] == [1, 1, 1, 0]
    assert [hit for page in pages for hit in page] == whole


def test_similar_clips_are_the_cores(client, library):
    answer = client.post("/v1/libraries/moves/similar", json={"clip": 1, "whole_clips": True}).json()
    assert {hit["name"] for hit in answer["hits"]} == {"march", "stand"}
    assert all(hit["start_s"] == 0.0 and hit["end_s"] == hit["duration_s"] for hit in answer["hits"])


def test_a_clip_comes_with_its_motion_whole_or_in_part(client, library):
    facts = client.get("/v1/libraries/moves/clips/1").json()
    assert (facts["name"], facts["captions"], facts["tags"]) == ("walk", ["a person walks"], ["gait"])
    with open_library(library) as held:
        own = clip_motion(held, 1)
    whole = unpack_motion(client.get("/v1/libraries/moves/clips/1/motion").content)
    assert whole.frames == own.frames == facts["frames"]
    assert np.abs(whole.translation - own.translation).max() < 1e-3
    asked = {"start_s": 0.5, "end_s": 1.0}
    part = unpack_motion(client.get("/v1/libraries/moves/clips/1/motion", params=asked).content)
    first, last = round(0.5 * own.fps), round(own.fps)
    assert np.abs(part.translation - own.translation[first:last]).max() < 1e-3
    moment = {"start_s": 0.5, "end_s": 0.5001}
    assert unpack_motion(client.get("/v1/libraries/moves/clips/1/motion", params=moment).content).frames == 1


@pytest.mark.parametrize("asked", [{"start_s": 100}, {"start_s": 1, "end_s": 1}, {"end_s": 0}])
def test_a_part_without_frames_is_refused(client, asked):
    assert is_problem(client.get("/v1/libraries/moves/clips/1/motion", params=asked), 400)


@pytest.mark.parametrize("path", ["", "/clips/1", "/clips/1/motion", "/clips/1/motion?start_s=1"])
def test_what_has_not_changed_is_not_sent_again(client, path):
    first = client.get(f"/v1/libraries/moves{path}")
    again = client.get(f"/v1/libraries/moves{path}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = client.get(f"/v1/libraries/moves{path}", headers={"If-None-Match": '"other"'})
    assert other.content == first.content


def test_two_parts_of_a_motion_have_two_tags(client):
    tags = {
        client.get("/v1/libraries/moves/clips/1/motion", params={"end_s": end}).headers["etag"]
        for end in (0.5, 1.0)
    }
    assert len(tags) == 2


# Nothing else


def test_no_answer_names_a_folder_of_the_server(client):
    for said in (
        search(client).text,
        client.post("/v1/libraries/moves/similar", json={"clip": 1}).text,
        *(client.get(f"/v1/libraries/moves/clips/{number}").text for number in (1, 2, 3)),
    ):
        sources = [hit["source"] for hit in json.loads(said).get("hits", [json.loads(said)])]
        assert not any(secret in source for source in sources for secret in SECRETS)


@pytest.mark.parametrize(("part", "found"), [("WALK.b", 1), (".bvh", 3), ("secret", 0), ("/", 0), ("C:", 0)])
def test_a_filter_for_sources_sees_file_names_alone(client, part, found):
    assert search(client, filters={"source": part}).json()["total"] == found


def test_a_damaged_library_is_told_without_its_path(tmp_path, model):
    path = make_library(tmp_path / "moves.motionary", model)
    with open_library(path, write=True) as held:
        held.connection.execute("UPDATE motions SET data = x'00'")
    with serving({"moves": path}, model) as client:
        refused = client.get("/v1/libraries/moves/clips/1/motion")
    assert is_problem(refused, 503)
    assert str(tmp_path) not in refused.text


def test_a_library_of_another_model_can_be_read_but_not_searched(tmp_path, library, model):
    other = make_bundle(tmp_path / "other", seed=1)
    with serving({"moves": library}, other) as client:
        assert is_problem(search(client), 409)
        assert client.get("/v1/libraries/moves/clips/1").status_code == 200
        assert client.post("/v1/libraries/moves/similar", json={"clip": 1}).status_code == 200


@pytest.mark.parametrize("clip", [0, 4, 2**53])
def test_a_clip_that_is_not_there(client, clip):
    assert is_problem(client.get(f"/v1/libraries/moves/clips/{clip}"), 404)
    assert is_problem(client.get(f"/v1/libraries/moves/clips/{clip}/motion"), 404)
    assert is_problem(client.post("/v1/libraries/moves/similar", json={"clip": clip}), 404)


# Tokens


@pytest.fixture
def guarded(tmp_path, library, model):
    """A server of two libraries, and the tokens of who may read one, both and none."""
    other = make_library(tmp_path / "other.motionary", model, clips_of_a_walk()[:1])
    file = tmp_path / "tokens.toml"
    tokens = {
        name: new_token(file, name, may_read)
        for name, may_read in (("one", ["moves"]), ("both", ["*"]), ("none", []))
    }
    with serving({"moves": library, "other": other}, model, tokens=file) as client:
        yield client, tokens, file


EVERYWHERE = [
    ("GET", "/v1/libraries/NAME", None),
    ("POST", "/v1/libraries/NAME/search", {"query": "walks"}),
    ("POST", "/v1/libraries/NAME/similar", {"clip": 1}),
    ("GET", "/v1/libraries/NAME/clips/1", None),
    ("GET", "/v1/libraries/NAME/clips/1/motion", None),
]


@pytest.mark.parametrize(("method", "path", "body"), [("GET", "/v1/libraries", None), *EVERYWHERE])
@pytest.mark.parametrize("shown", [None, "Bearer", "Bearer x", "Bearer mty_", "Basic TOKEN", "TOKEN"])
def test_without_a_token_nothing_is_told(guarded, method, path, body, shown):
    client, tokens, _ = guarded
    headers = {"Authorization": shown.replace("TOKEN", tokens["both"])} if shown else {}
    refused = client.request(method, path.replace("NAME", "moves"), json=body, headers=headers)
    assert is_problem(refused, 401)
    assert refused.headers["www-authenticate"] == "Bearer"


def test_what_a_server_is_needs_no_token(guarded):
    client, _, _ = guarded
    assert client.get("/v1").status_code == 200
    assert client.get("/v1/openapi.json").status_code == 200


def test_a_token_lists_what_it_may_read(guarded):
    client, tokens, _ = guarded
    seen = {
        name: [each["name"] for each in client.get("/v1/libraries", headers=showing(token)).json()]
        for name, token in tokens.items()
    }
    assert seen == {"one": ["moves"], "both": ["moves", "other"], "none": []}


@pytest.mark.parametrize(("method", "path", "body"), EVERYWHERE)
def test_a_forbidden_library_is_as_one_that_is_not_there(guarded, method, path, body):
    client, tokens, _ = guarded
    answers = {
        name: client.request(method, path.replace("NAME", name), json=body, headers=showing(tokens["one"]))
        for name in ("moves", "other", "nowhere")
    }
    assert answers["moves"].status_code == 200
    assert is_problem(answers["other"], 404)
    assert answers["other"].content == answers["nowhere"].content
    assert answers["other"].headers == answers["nowhere"].headers


def test_a_token_that_is_taken_out_of_the_file_is_refused_at_once(guarded):
    client, tokens, file = guarded
    assert client.get("/v1/libraries", headers=showing(tokens["both"])).status_code == 200
    text = file.read_text()
    file.write_text(text[: text.index("[tokens.both]")] + text[text.index("[tokens.none]") :])
    assert client.get("/v1/libraries", headers=showing(tokens["both"])).status_code == 401
    assert client.get("/v1/libraries", headers=showing(tokens["one"])).status_code == 200


def test_a_damaged_file_of_tokens_leaves_those_of_before(guarded):
    client, tokens, file = guarded
    file.write_text("[tokens")
    assert client.get("/v1/libraries", headers=showing(tokens["one"])).status_code == 200


def test_the_log_has_neither_tokens_nor_queries(guarded, caplog):
    client, tokens, _ = guarded
    with caplog.at_level("DEBUG"):
        client.post(
            "/v1/libraries/moves/search", json={"query": "unmistakable"}, headers=showing(tokens["one"])
        )
        client.get("/v1/libraries", headers=showing("mty_wrong"))
    own = [record.getMessage() for record in caplog.records if record.name == "motionary.serve"]
    assert any(said.startswith("one POST /v1/libraries/moves/search 200") for said in own)
    assert any(said.startswith("- GET /v1/libraries 401") for said in own)
    for said in own:
        assert "unmistakable" not in said
        assert "mty_" not in said


# Hosts, browsers, sizes and rates


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8423", 200),
        ("[::1]:8423", 200),
        ("evil.example", 400),
        ("localhost.evil.example", 400),
        ("[", 400),
        ("", 400),
    ],
)
def test_only_own_names_are_answered_for(library, model, host, status):
    with serving({"moves": library}, model, hosts=frozenset({"localhost", "::1"})) as client:
        assert client.get("/v1", headers={"Host": host}).status_code == status


def test_no_page_of_another_origin_may_read_answers(client):
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for response in (
        client.options("/v1/libraries/moves/search", headers=asked),
        client.get("/v1/libraries", headers=asked),
        client.get("/nowhere"),
    ):
        assert not any(name.startswith("access-control") for name in response.headers)
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["cross-origin-resource-policy"] == "same-origin"
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert response.headers["cache-control"] == "no-store"


def test_a_question_may_not_be_long(client):
    assert is_problem(search(client, "walks " * 20_000), 413)

    def dripping():
        for _ in range(100):
            yield b" " * 1000

    assert is_problem(client.post("/v1/libraries/moves/search", content=dripping()), 413)


@pytest.mark.parametrize(
    "body",
    [
        {"query": ""},
        {"query": 5},
        {"query": "walks", "top": 0},
        {"query": "walks", "top": 201},
        {"query": "walks", "top": "5"},
        {"query": "walks", "offset": -1},
        {"query": "walks", "new": 1},
        {"query": "walks", "filters": {"new": 1}},
        {"query": "walks", "filters": {"starred": 1}},
        {"query": "walks", "filters": {"hand": "third"}},
        {"query": "walks", "filters": {"max_s": 1e300}},
        [],
    ],
)
def test_a_question_that_is_not_of_the_schema_is_refused_with_its_place(client, body):
    refused = client.post("/v1/libraries/moves/search", json=body)
    assert is_problem(refused, 422)
    assert refused.json()["detail"].startswith("body")


@pytest.mark.parametrize(
    "body", [{"query": "..."}, {"query": "-walks"}, {"query": "walks", "filters": {"min_s": 2, "max_s": 1}}]
)
def test_a_question_that_makes_no_sense_is_refused_in_the_cores_words(client, body):
    assert is_problem(client.post("/v1/libraries/moves/search", json=body), 400)


@pytest.mark.parametrize(
    "body",
    [b"{", b"[" * 30_000, b'{"query": "\\ud800"}', b'{"query": "x", "top": ' + b"9" * 5000 + b"}", b"\xff"],
)
def test_bytes_that_are_no_question_do_no_harm(client, body):
    refused = client.post(
        "/v1/libraries/moves/search", content=body, headers={"Content-Type": "application/json"}
    )
    assert is_problem(refused, refused.status_code)
    assert refused.status_code in (400, 422)


def test_one_who_asks_too_often_has_to_wait_and_others_do_not(tmp_path, library, model):
    file = tmp_path / "tokens.toml"
    first, second = (new_token(file, name, ["*"]) for name in ("first", "second"))
    with serving({"moves": library}, model, tokens=file, per_second=0.01, burst=2) as client:
        codes = [client.get("/v1/libraries", headers=showing(first)).status_code for _ in range(3)]
        assert codes == [200, 200, 429]
        refused = client.get("/v1/libraries", headers=showing(first))
        assert is_problem(refused, 429)
        assert 1 <= int(refused.headers["retry-after"]) <= 100
        assert client.get("/v1/libraries", headers=showing(second)).status_code == 200
        wrong = [client.get("/v1/libraries", headers=showing("x")).status_code for _ in range(3)]
        assert wrong == [401, 401, 429]
        assert client.get("/v1/libraries", headers=showing(second)).status_code == 200


@pytest.fixture
def held_up(monkeypatch):
    """Has searches wait until it is set."""
    go, began = threading.Event(), threading.Event()
    find = reading.search

    def slow(*given, **named):
        began.set()
        go.wait(60)
        return find(*given, **named)

    monkeypatch.setattr(reading, "search", slow)
    yield go, began
    go.set()


def test_more_than_can_be_done_is_refused_at_once(library, model, held_up):
    go, began = held_up
    with serving({"moves": library}, model, at_once=1) as client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(search, client)
        assert began.wait(60)
        refused = client.get("/v1")
        go.set()
        assert is_problem(refused, 503)
        assert refused.headers["retry-after"] == "1"
        assert first.result(60).status_code == 200


def test_an_answer_that_takes_too_long_is_given_up(library, model, held_up):
    go, _ = held_up
    with serving({"moves": library}, model, answer_s=0.2) as client:
        refused = search(client)
        go.set()
        assert is_problem(refused, 503)


def test_what_fails_is_told_in_one_sentence(client, monkeypatch, caplog):
    monkeypatch.setattr(reading, "search", None)
    refused = search(client)
    assert is_problem(refused, 500)
    assert "NoneType" not in refused.text
    assert "failed" in caplog.text


# Changes


def test_a_library_that_changes_is_noticed(tmp_path, model):
    path = make_library(tmp_path / "moves.motionary", model)
    bundle = load_bundle(model)
    with serving({"moves": path}, model) as client:
        before = client.get("/v1/libraries/moves").json()
        assert told(search(client).json()["hits"]) == own_answer(path, bundle, "a person walks")
        with open_library(path, write=True) as held:
            set_words(held, {3: (["a person walks"], ["new"])})
        tag = client.get("/v1/libraries/moves").headers["etag"]
        found = search(client).json()
        assert told(found["hits"]) == own_answer(path, bundle, "a person walks")
        assert search(client, filters={"tags": ["new"]}).json()["total"] == 1
        assert found["state"] != before["state"]
        assert client.get("/v1/libraries/moves", headers={"If-None-Match": tag}).status_code == 304
        with open_library(path, write=True) as held:
            set_starred(held, 2, True)
        assert client.get("/v1/libraries/moves", headers={"If-None-Match": tag}).status_code == 200
        assert search(client, filters={"starred": True}).json()["total"] == 1


def test_a_library_that_is_replaced_or_goes_is_noticed(tmp_path, library, model):
    path = make_library(tmp_path / "moves.motionary", model)
    other = make_library(tmp_path / "other.motionary", model, clips_of_a_walk()[:1])
    with serving({"moves": path, "kept": library}, model) as client:
        assert client.get("/v1/libraries/moves").json()["clips"] == 3
        other.replace(path)
        assert client.get("/v1/libraries/moves").json()["clips"] == 1
        assert search(client).json()["total"] == 1
        path.unlink()
        gone = client.get("/v1/libraries/moves")
        assert is_problem(gone, 503)
        assert str(tmp_path) not in gone.text
        assert [each["name"] for each in client.get("/v1/libraries").json()] == ["kept"]
        make_library(path, model)
        assert client.get("/v1/libraries/moves").json()["clips"] == 3


def test_answers_are_of_one_state_while_somebody_writes(tmp_path, model):
    """Clips come and go two at a time: no answer has one of them alone."""
    path = make_library(tmp_path / "moves.motionary", model)
    bundle = load_bundle(model)
    is_over = threading.Event()

    def write():
        pair = clips_of_a_walk()[:1] + clips_of_a_walk()[:1]
        while not is_over.is_set():
            with open_library(path, write=True) as held:
                add_clips(pair, held, bundle, source="pair")
            time.sleep(0.01)
            with open_library(path, write=True) as held:
                remove_sources(held, ["pair"])
            time.sleep(0.01)

    with serving({"moves": path}, model) as client, ThreadPoolExecutor(3) as pool:
        writer = pool.submit(write)
        try:
            answers = [
                answer.json()
                for answer in pool.map(lambda _: search(client), range(60))
                if answer.status_code == 200
            ]
        finally:
            is_over.set()
        writer.result(60)
    assert len(answers) >= 30
    states = {}
    for answer in answers:
        assert answer["total"] == len(answer["hits"])
        assert answer["total"] in (3, 5)
        assert states.setdefault(answer["state"], told(answer["hits"])) == told(answer["hits"])
