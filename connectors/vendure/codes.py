"""What Vendure's answers mean: every one has status 200, and the codes inside say what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from connectors.kit.answers import Response
from connectors.kit.base import JsonDict
from connectors.kit.errors import ConnectionBroken, ConnectorError, OutcomeUnknown, RecordRejected, Transient
from connectors.kit.words import say

FORBIDDEN: Final = "FORBIDDEN"
#: The session is gone (it ends with a year, and with the shop's database), or the user may not do it.
BAD_LOGIN: Final = "INVALID_CREDENTIALS_ERROR"
NOT_FOUND: Final = "ENTITY_NOT_FOUND"
NOT_VENDURE: Final = "no_vendure"
GONE: Final = "gone"

_DENIED: Final = say(
    "check the login and password or the API key, and that its role has the permissions that "
    "docs/connectors/vendure.md lists"
)
_BAD_TOKEN: Final = say("option `channel_token` must be the token of one of the shop's channels")
#: Code of `errors` -> what a person must do: the whole connection stands still.
_BROKEN: Final[Mapping[str, str]] = {
    FORBIDDEN: _DENIED,
    "UNAUTHENTICATED": _DENIED,
    BAD_LOGIN: _DENIED,
    "NATIVE_AUTH_STRATEGY_ERROR": _DENIED,
    "CHANNEL_NOT_FOUND": _BAD_TOKEN,
    "NO_VALID_CHANNEL": _BAD_TOKEN,
}
#: What is refused as it stands: this query, this id, this value.
_REFUSED: Final = frozenset(
    {"USER_INPUT_ERROR", "BAD_USER_INPUT", NOT_FOUND, "ILLEGAL_OPERATION", "GRAPHQL_VALIDATION_FAILED", "BAD_REQUEST"}
)
_NOT_FOUND_STATUS: Final = 404


def advice(code: str) -> str:
    """What a person must do about a refusal that stops the whole connection; empty for any other."""
    return _BROKEN.get(code, "")


def classify(response: Response) -> ConnectorError | None:
    """A status of its own comes from what stands before the shop; None leaves it to the kit's table."""
    if response.status != _NOT_FOUND_STATUS:
        return None
    text = say(
        "%(answer)s; `url` must be the address of the shop's server, and option `api_path` that of its admin API",
        answer=response,
    )
    return ConnectionBroken(text, code=NOT_VENDURE, status=response.status)


def verdict(response: Response) -> ConnectorError | None:
    """What an answer with status 200 means; None for one that can be used."""
    data = response.data
    if not isinstance(data, dict) or not ({"data", "errors"} & data.keys()):
        kind = OutcomeUnknown if response.write else Transient
        text = say("%(path)s was answered with something that is no GraphQL", path=response.path)
        return kind(text, code="no_graphql")
    errors = data.get("errors")
    return _judged(response, errors) if errors else None


def _judged(response: Response, errors: Any) -> ConnectorError:
    first = errors[0] if isinstance(errors, list) and isinstance(errors[0], dict) else {}
    code = str((first.get("extensions") or {}).get("code") or "")
    text = say("the shop answered: %(message)s", message=str(first.get("message") or errors)[:500])
    if code in _BROKEN:
        text = say("%(answer)s; %(advice)s", answer=text, advice=_BROKEN[code])
        return ConnectionBroken(text, code=code, status=200)
    if code in _REFUSED:
        return RecordRejected(text, code=code, status=200)
    # A fault of the shop's own, its database included; what was written of a write nobody says.
    return (OutcomeUnknown if response.write else Transient)(text, code=code or "graphql", status=200)


def refused(result: JsonDict) -> None:
    """Raise RecordRejected for a typed result that is an error: nothing was done."""
    code = result.get("errorCode")
    if code is None:
        return
    told = result.get("transitionError") or result.get("message") or code
    raise RecordRejected(say("the shop refused it: %(told)s", told=str(told)), code=str(code), status=200)
