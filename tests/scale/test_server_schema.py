"""The server is as its OpenAPI says: Schemathesis asks whatever the schema allows, and what it does not."""

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.modes import GenerationMode

from motionary_scale.access import new_token
from tests.bundles import make_bundle
from tests.scale.served import make_library, serving, showing

EXAMPLES = int(os.environ.get("MOTIONARY_EXAMPLES", "6"))
"""Questions to each address, of each kind; `make soak` asks more."""

CONFIG = {
    "checks": {
        # What the schema cannot say: a query whose words are all unwanted, seconds without a frame.
        "positive_data_acceptance": {"expected-statuses": ["2XX", "400", "401", "404", "409"]},
    },
}

LIBRARY = "/v1/libraries/{name}"
ADDRESSES = (
    ("/v1", "get"),
    ("/v1/libraries", "get"),
    (LIBRARY, "get"),
    (f"{LIBRARY}/search", "post"),
    (f"{LIBRARY}/similar", "post"),
    (f"{LIBRARY}/clips/{{clip}}", "get"),
    (f"{LIBRARY}/clips/{{clip}}/motion", "get"),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A client of a server, and a token of it."""
    folder = tmp_path_factory.mktemp("served")
    model = make_bundle(folder / "model")
    library = make_library(folder / "moves.motionary", model)
    token = new_token(folder / "tokens.toml", "tester", ["*"])
    with serving({"moves": library}, model, tokens=folder / "tokens.toml") as client:
        yield client, token


@pytest.fixture(scope="module")
def api(server):
    client, _ = server
    config = SchemathesisConfig.from_dict(CONFIG)
    return schemathesis.openapi.from_asgi("/v1/openapi.json", client.app, config=config)


def ask(api, server, path, method, mode, named):
    """Ask what Schemathesis thinks of, of the library and the clip that are ``named``; all checks."""
    _, token = server
    cases = api[path][method].as_strategy(generation_mode=mode)

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def ask_once(data):
        case = data.draw(cases)
        for key in named.keys() & case.path_parameters.keys():
            case.path_parameters[key] = named[key]
        case.call_and_validate(headers=showing(token), checks=CHECKS.get_all())

    ask_once()


@pytest.mark.parametrize(("path", "method"), ADDRESSES)
def test_what_the_schema_allows_is_answered_as_it_says(api, server, path, method):
    ask(api, server, path, method, GenerationMode.POSITIVE, {})


@pytest.mark.parametrize(("path", "method"), ADDRESSES)
def test_also_of_what_is_there_which_names_at_random_never_are(api, server, path, method):
    ask(api, server, path, method, GenerationMode.POSITIVE, {"name": "moves", "clip": 1})


@pytest.mark.parametrize(("path", "method"), ADDRESSES[1:])  # of the first nothing can be asked wrongly
def test_what_the_schema_does_not_allow_is_refused_as_it_says(api, server, path, method):
    ask(api, server, path, method, GenerationMode.NEGATIVE, {})


def test_every_address_is_in_the_schema(api):
    told = {(path, method) for path, methods in api.raw_schema["paths"].items() for method in methods}
    assert told == set(ADDRESSES)
