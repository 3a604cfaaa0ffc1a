"""Errors of the JSON API: one shape everywhere (RFC 9457), with what was found, expected and to be done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from flask import Response, current_app
from marshmallow import Schema, fields
from werkzeug.exceptions import HTTPException

MIMETYPE: Final = "application/problem+json"
#: Before the id of a kind of problem: a name, not an address.
URN: Final = "urn:crossdock:problem:"
_SERVER: Final = 500
#: Of a value that is shown again.
_MAX_FOUND: Final = 200
#: Status -> (id, what happened, what to do): where nobody has said it better.
_WORDS: Final[Mapping[int, tuple[str, str, str]]] = {
    400: ("bad_request", "This is no request that can be read.", "Send well-formed JSON and a well-formed address."),
    404: ("not_found", "There is nothing at this address.", "Look the address up in /api/v1/openapi.json."),
    405: ("method_not_allowed", "This address does not take that method.", "The header Allow has those that it takes."),
    408: ("too_slow", "The request took too long to arrive.", "Send it again."),
    413: ("too_large", "The request is too large.", "Send less at once; an admin can raise CROSSDOCK_MAX_BODY_KIB."),
    415: ("not_json", "The body is not JSON.", "Send it with Content-Type: application/json."),
    422: ("invalid", "Something in the request is not as it should be.", "Correct the fields that `errors` names."),
    500: ("internal", "Something is wrong with Crossdock itself; orders are safe.", "Report it; see the log."),
    503: ("database_busy", "The database is busy or away; nothing was changed.", "Send the same again in a moment."),
}


class ErrorSchema(Schema):
    """One field that is wrong."""

    field = fields.String(required=True, metadata={"description": "Its place: a JSON pointer, or `query:name`."})
    message = fields.String(required=True)


class ProblemSchema(Schema):
    """What every error is: RFC 9457, with more."""

    type = fields.String(required=True, metadata={"description": f"{URN}<id>."})
    id = fields.String(required=True, metadata={"description": "The kind of problem; texts change, this does not."})
    title = fields.String(required=True, metadata={"description": "The name of the status."})
    status = fields.Integer(required=True)
    detail = fields.String(required=True, metadata={"description": "What happened, in plain words."})
    next_step = fields.String(required=True, metadata={"description": "What to do about it."})
    field = fields.String(metadata={"description": "Which field or header it is about."})
    found = fields.String(metadata={"description": "What stood there."})
    expected = fields.String(metadata={"description": "What should have."})
    errors = fields.List(fields.Nested(ErrorSchema), metadata={"description": "Every field that is wrong."})


class ApiProblem(HTTPException):
    """A call that is refused. `more` are members of the answer: field, found, expected."""

    def __init__(
        self,
        status: int,
        problem: str,
        detail: str,
        next_step: str,
        *,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[tuple[str, str]] = (),
        **more: str,
    ) -> None:
        """`errors` are (field, message) of everything that is wrong."""
        super().__init__(detail)
        self.code = status
        self.problem, self.next_step, self.more = problem, next_step, more
        self.errors = errors
        self.headers = dict(headers or {})


def answer(error: HTTPException) -> Response:
    """The answer to any error; never the description of one that we have not raised: that may quote the request."""
    status = error.code or _SERVER
    fallback = _WORDS[_SERVER if status >= _SERVER else 400]
    kind, detail, step = _WORDS.get(status, fallback)
    more: dict[str, Any] = {}
    if isinstance(error, ApiProblem):
        kind, detail, step = error.problem, str(error.description), error.next_step
        more = {name: value[:_MAX_FOUND] for name, value in error.more.items()}
        if error.errors:
            more["errors"] = [{"field": field, "message": message} for field, message in error.errors]
    elif messages := getattr(error, "data", {}).get("messages"):
        more = {"errors": list(_flat(messages))}
    body = {
        "type": f"{URN}{kind}",
        "id": kind,
        "title": error.name,
        "status": status,
        "detail": detail,
        "next_step": step,
        **more,
    }
    response = Response(current_app.json.dumps(body), status=status, mimetype=MIMETYPE)
    headers = error.headers if isinstance(error, ApiProblem) else error.get_response().headers
    for name in ("Allow", "Retry-After", "WWW-Authenticate"):
        if name in headers:
            response.headers[name] = headers[name]
    return response


def _flat(messages: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """What marshmallow says of each place, one by one."""
    for place, inner in messages.items():
        yield from _flat_below("" if place == "json" else f"{place}:", inner)


def _flat_below(place: str, found: object) -> Iterator[dict[str, str]]:
    if isinstance(found, Mapping):
        for name, inner in found.items():
            below = f"{place}{name}" if place.endswith(":") else f"{place}/{_pointer(str(name))}"
            yield from _flat_below(place if name == "_schema" else below, inner)
    elif isinstance(found, list):
        for message in found:
            yield {"field": place[:_MAX_FOUND], "message": str(message)[:_MAX_FOUND]}


def _pointer(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def invalid(field: str, found: str, expected: str) -> ApiProblem:
    """One value that is not as it should be."""
    detail, step = "A value is not as it should be.", "Correct it and send the request again."
    return ApiProblem(422, "invalid", detail, step, field=field, found=found, expected=expected)


def missing(what: str) -> ApiProblem:
    """Something that an address names and that does not exist, or not for this token."""
    step = "Look it up in its list; a token that is limited to channels reaches only what is theirs."
    return ApiProblem(404, "not_found", f"There is no such {what}.", step)
