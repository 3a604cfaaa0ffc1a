"""The description of the API: OpenAPI 3.1, made from what the views declare, and only when somebody asks for it."""

from __future__ import annotations

import functools
import http
import json
from typing import Any, Final

from flask import Flask, Response, current_app
from flask_smorest import Api
from flask_smorest.spec.plugins import FlaskPlugin

from webapp.api.access import ANYONE
from webapp.api.answers import HEADER
from webapp.api.problems import MIMETYPE, ProblemSchema
from webapp.api.routes import ApiBlueprint, endpoint

PREFIX: Final = "/api/v1"
#: Where the application that serves the API keeps its blueprints.
KEY: Final = "crossdock-api"
_ABOUT: Final = """The same that the console can, for programs. Each call carries a token in the header
`Authorization: Bearer cdk_...`; each operation names the scope that the token needs. Money is text with its currency,
times are RFC 3339 in UTC, ids are text. Errors are `application/problem+json` everywhere. Unsafe calls take the header
`Idempotency-Key`: sent again within 24 hours, the same call is not done again and gets the same answer."""
_KEY: Final = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Any text of the caller's, new for each thing to be done: the same call is done once.",
    "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"},
}
_UNSAFE: Final = ("post", "put", "patch", "delete")

blueprint = ApiBlueprint("api-description", __name__, description="This description.")


class _Api(Api):  # type: ignore[misc]  # of a library without types
    """Documents errors as they are, and leaves the application's own handlers alone."""

    ERROR_SCHEMA = ProblemSchema

    def _register_error_handlers(self) -> None:
        """None: this application answers nothing."""

    def _register_responses(self) -> None:
        components = self.spec.components
        for status in http.HTTPStatus:
            if status >= http.HTTPStatus.BAD_REQUEST:
                components.response(status.name, _problem(status.phrase), lazy=True)
        components.response("DEFAULT_ERROR", _problem("What went wrong, and what to do about it."), lazy=True)


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {MIMETYPE: {"schema": ProblemSchema}}}


@functools.cache
def description(blueprints: tuple[ApiBlueprint, ...]) -> str:
    """The whole of it, as JSON."""
    # An application of its own: what serves requests is not slowed down by this at its start.
    app = Flask("crossdock-api")
    api = _Api(
        app,
        spec_kwargs={
            "title": "Crossdock",
            "version": "1",
            "openapi_version": "3.1.0",
            "info": {"description": " ".join(_ABOUT.split())},
            "flask_plugin": FlaskPlugin(),
        },
    )
    api.spec.components.security_scheme(
        "token", {"type": "http", "scheme": "bearer", "description": "Made by `crossdock token add`."}
    )
    for one in blueprints:
        api.register_blueprint(one, url_prefix=PREFIX)
    found = api.spec.to_dict()
    for path in found["paths"].values():
        for method in _UNSAFE:
            if method in path:
                path[method].setdefault("parameters", []).append(_KEY)
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


@endpoint(blueprint, "GET", "/openapi.json", scope=ANYONE)
def openapi() -> Response:
    """This description."""
    return Response(description(current_app.extensions[KEY]), mimetype="application/json")
