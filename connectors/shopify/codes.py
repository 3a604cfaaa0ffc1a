"""What Shopify's answers mean: the codes of `errors` beside the data, and its own meanings of statuses."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from connectors.kit.answers import Response
from connectors.kit.errors import (
    ConnectionBroken,
    ConnectorError,
    OutcomeUnknown,
    RateLimited,
    RecordRejected,
    Transient,
)
from connectors.kit.retry_after import LONGEST_S, SHORTEST_S
from connectors.kit.words import Phrase, say

THROTTLED: Final = "THROTTLED"
TOO_COSTLY: Final = "MAX_COST_EXCEEDED"
DENIED: Final = "ACCESS_DENIED"
#: An order that is not shown: deleted, or behind the wall of 60 days.
WALL: Final = "sixty_days"
GONE: Final = "gone"
NOT_SHOPIFY: Final = "no_shopify"
#: A refusal of a query that has no code of its own.
REFUSED: Final = "graphql"

_INTERNAL: Final = frozenset({"INTERNAL_SERVER_ERROR", "TIMEOUT"})
_DENIED: Final = say(
    "grant the app the scope that the text names, and protected customer data (names, addresses, e-mail)"
)
#: Status -> what a person must do.
_STATUSES: Final[Mapping[int, str]] = {
    401: say("check the client id and secret, or the access token, and that the app is installed in this shop"),
    402: say("the shop is frozen for an unpaid bill; its owner must pay it"),
    403: _DENIED,
    404: say("`url` must be the shop's own address, https://NAME.myshopify.com"),
    423: say("Shopify has locked the shop; its owner must ask Shopify"),
    430: say("Shopify takes the calls for an attack; see the shop's security settings, and lower `rate_per_s`"),
}
#: A restore rate, should the answer not say one: the smallest plan's.
_RESTORE: Final = Decimal(100)


def advice(status: int | None, code: str) -> str:
    """What a person must do about a refusal that stops the whole connection; empty for any other."""
    return _DENIED if code == DENIED else _STATUSES.get(status or 0, "")


def without_advice(error: ConnectorError) -> str:
    """What the shop said, where `classify` has put an advice behind it."""
    text = str(error)
    return str(text.values["answer"]) if isinstance(text, Phrase) and "advice" in text.values else text


def classify(response: Response) -> ConnectorError | None:
    """The vendor's table of statuses; None leaves the answer to the kit's."""
    if response.status not in _STATUSES:
        return None
    text = say("%(answer)s; %(advice)s", answer=response, advice=_STATUSES[response.status])
    code = NOT_SHOPIFY if response.status == 404 else f"http_{response.status}"  # noqa: PLR2004 - not found
    return ConnectionBroken(text, code=code, status=response.status)


def verdict(response: Response) -> ConnectorError | None:
    """What an answer with status 200 means; None for one that can be used."""
    data = response.data
    if not response.path.endswith("graphql.json"):
        return None
    if not isinstance(data, dict) or not ({"data", "errors"} & data.keys()):
        kind = OutcomeUnknown if response.write else Transient
        return kind(
            say("%(path)s was answered with something that is no GraphQL", path=response.path), code="no_graphql"
        )
    errors = data.get("errors")
    return _judged(response, errors) if errors else None


def _judged(response: Response, errors: Any) -> ConnectorError:
    first = errors[0] if isinstance(errors, list) and isinstance(errors[0], dict) else {}
    code = str((first.get("extensions") or {}).get("code") or "")
    text = say("the shop answered: %(message)s", message=str(first.get("message") or errors)[:500])
    if code == THROTTLED:
        return RateLimited(text, retry_after_s=pause_s(response.data), code=code, status=200)
    if code == DENIED:
        return ConnectionBroken(say("%(answer)s; %(advice)s", answer=text, advice=_DENIED), code=code, status=200)
    if code in _INTERNAL:
        kind = OutcomeUnknown if response.write else Transient
        return kind(text, code=code, status=200)
    return RecordRejected(text, code=code or REFUSED, status=200)


def pause_s(body: Mapping[str, Any], need: Decimal | None = None) -> float:
    """Seconds until the bucket holds `need` points again (what the query asked for), by what the answer says of it."""
    cost = (body.get("extensions") or {}).get("cost") or {}
    status = cost.get("throttleStatus") or {}
    wanted = need if need is not None else _number(cost.get("requestedQueryCost"), Decimal(0))
    missing = wanted - _number(status.get("currentlyAvailable"), Decimal(0))
    seconds = missing / (_number(status.get("restoreRate"), _RESTORE) or _RESTORE)
    return float(min(max(seconds, Decimal(SHORTEST_S)), Decimal(LONGEST_S)))


def runs_dry(body: Mapping[str, Any]) -> bool:
    """Whether the bucket holds less than the same query needs once more."""
    cost = (body.get("extensions") or {}).get("cost") or {}
    left = (cost.get("throttleStatus") or {}).get("currentlyAvailable")
    return left is not None and _number(left, Decimal(0)) < _number(cost.get("requestedQueryCost"), Decimal(0))


def _number(value: Any, default: Decimal) -> Decimal:
    return Decimal(value) if type(value) in {int, Decimal} else default


def refused(payload: Mapping[str, Any], name: str = "userErrors") -> None:
    """Raise RecordRejected for the `userErrors` of a mutation, which come with status 200: nothing was done."""
    errors = payload.get(name) or []
    if not errors:
        return
    first = errors[0]
    field = ".".join(first.get("field") or ())
    told = "; ".join(str(error.get("message")) for error in errors)
    raise RecordRejected(
        say("the shop refused it: %(told)s", told=told), field=field, code=str(first.get("code") or "")
    )
