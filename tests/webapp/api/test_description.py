"""The description is what the API does: generated calls get the answers that it promises."""

from __future__ import annotations

import json

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from sync.desk.tokens import SCOPES, make_token
from sync.store.engine import Store
from sync.store.migrate import migrate
from tests.shared import REPOSITORY, THOROUGH
from tests.webapp.api.conftest import ACTOR
from tests.webapp.console.selling import CHANNEL, selling
from webapp.api import BLUEPRINTS
from webapp.api.spec import description

#: Of each operation and mode, so that all of them take seconds.
EXAMPLES = 40 if THOROUGH else 2
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def test_the_committed_description_is_that_of_the_program():
    committed = (REPOSITORY / "docs" / "openapi.json").read_text("utf-8")
    assert committed == description(BLUEPRINTS), "renew it: .venv/bin/python -m webapp.api > docs/openapi.json"


def test_every_operation_says_what_it_is_and_which_scope_it_takes():
    found = json.loads(description(BLUEPRINTS))
    assert found["openapi"] == "3.1.0"
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            if method == "parameters":
                continue
            assert operation["summary"], path
            names = [scope for each in operation["security"] for scope in each["token"]]
            assert (names == []) == path.endswith("/openapi.json")
            assert set(names) <= set(SCOPES)
            keyed = "Idempotency-Key" in {each.get("name") for each in operation.get("parameters", ())}
            assert keyed == (method != "get")


def test_the_description_is_served_to_anybody(app):
    answer = app.test_client().get("/api/v1/openapi.json")
    assert answer.json == json.loads(description(BLUEPRINTS))


# --- generated calls --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """An installation with an order that is held, which generated calls meet by its id."""
    folder = tmp_path_factory.mktemp("api")
    url = f"sqlite:///{folder / 'crossdock.sqlite'}"
    store = Store.open(url)
    migrate(store)
    with selling(folder, url) as home:
        [order] = home.shop.place(1)
        home.carry(limit=0)
        home.token = make_token(store, "generated", tuple(SCOPES), actor=ACTOR)
        home.order = order
        yield home
    store.close()


def there(world):
    """What a path names -> what is there."""
    return {
        "channel": CHANNEL,
        "external_id": world.order,
        "issue_id": "1",
        "run_id": "1",
        "table": "sku",
        "name": CHANNEL,
    }


OPERATIONS = [
    (method.upper(), path)
    for path, methods in json.loads(description(BLUEPRINTS))["paths"].items()
    for method in methods
    if method != "parameters" and not path.endswith("/openapi.json")
]


@pytest.fixture(scope="module")
def schema(world):
    config = SchemathesisConfig()
    config.projects.default.generation.update(
        modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE], max_examples=EXAMPLES
    )
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", world.app, config=config)


@pytest.mark.loopback
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_generated_calls_get_what_the_description_promises(world, schema, method, path):
    known = there(world)
    operation = schema[path][method]
    headers = {"Authorization": f"Bearer {world.token}"}

    @hypothesis.seed(7)
    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
        phases=[hypothesis.Phase.generate],
    )
    @hypothesis.given(
        positive=operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        negative=operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
    )
    def calls(positive, negative):
        for case in (positive, negative):
            if case is positive and case.path_parameters:
                case.path_parameters.update({n: v for n, v in known.items() if n in case.path_parameters})
            # Else most of what is wrong on purpose would be the token.
            (case.headers or {}).pop("Authorization", None)
            case.call_and_validate(headers=headers, checks=CHECKS)

    calls()
