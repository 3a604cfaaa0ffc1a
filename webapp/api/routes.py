"""How a view of the API is declared: its address, its scope, what it takes and what it answers, in one place."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import Request, Response
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema
from webargs.flaskparser import FlaskParser, abort

from webapp.api.access import require

_View = Callable[..., Any]
_BAD: Final = {"json": ["The body is no JSON."]}


class _Parser(FlaskParser):
    """Refuses what it does not know: a filter that is mistyped would else select everything."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": RAISE}  # noqa: RUF012 - webargs'

    def _raw_load_json(self, req: Request) -> Any:
        try:
            return super()._raw_load_json(req)
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise
        except (RecursionError, ValueError) as error:
            # Too deep, or a number with thousands of digits.
            abort(400, exc=error, messages=_BAD)


class ApiBlueprint(Blueprint):  # type: ignore[misc]  # of a library without types
    """Views of the API."""

    ARGUMENTS_PARSER = _Parser()


def endpoint(
    blueprint: ApiBlueprint,
    method: str,
    rule: str,
    *,
    scope: str,
    answer: type[Schema] | Schema | None = None,
    query: type[Schema] | Schema | None = None,
    body: type[Schema] | Schema | None = None,
    status: int = 200,
    about: Mapping[str, Any] | None = None,
) -> Callable[[_View], _View]:
    """Register a view: it is given what `query` and `body` have read, in this order, and the parts of the path by name.

    `about` is what the description says of it beyond that: the form of a body that the view reads itself. What the view
    returns is dumped by `answer`, unless it is a Response already.
    """

    def decorate(view: _View) -> _View:
        made = view if about is None else blueprint.doc(**about)(view)
        if body is not None:
            made = blueprint.arguments(body, location="json")(made)
        if query is not None:
            made = blueprint.arguments(query, location="query")(made)
        made = blueprint.response(status, answer)(made)
        guarded: Callable[..., Response] = require(scope)(made)
        blueprint.route(rule, methods=[method])(guarded)
        return view

    return decorate
