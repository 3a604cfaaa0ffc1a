"""What WooCommerce's answers mean: its error codes decide, the status only where there is no code.

The statuses mislead: a permanent refusal comes as 500, missing rights come as 401, and so does a key that may only
read. Codes and statuses as recorded from WooCommerce 11.0.1; texts of the codes are in
https://github.com/woocommerce/woocommerce/tree/trunk/plugins/woocommerce/includes/rest-api/Controllers and, for
`rest_*`, in WordPress' class-wp-rest-server.php and class-wp-rest-request.php.
"""

from __future__ import annotations

from connectors.kit.answers import Response, asked_to_slow_down
from connectors.kit.errors import ConnectionBroken, ConnectorError, RecordRejected
from connectors.kit.words import Phrase, say

#: The order is gone for good (deleted with force, or it never was).
GONE = "woocommerce_rest_shop_order_invalid_id"
#: A parameter that this version does not know or does not take; `data.params` names it.
INVALID_PARAMETER = "rest_invalid_param"

#: No plugin serves the path: no WooCommerce there, or a feature that is switched off.
NO_ROUTE = "rest_no_route"

#: Code -> what a person must do. The connection is of no use until then.
_BROKEN = {
    "woocommerce_rest_cannot_view": say(
        "give the key's user the role Shop manager; over plain HTTP use auth method oauth1"
    ),
    "woocommerce_rest_authentication_error": say(
        "check the consumer key, its secret, and that the key may read and write"
    ),
    "woocommerce_rest_cannot_create": say("give the key Read/Write permission and its user the role Shop manager"),
    "woocommerce_rest_cannot_edit": say("give the key Read/Write permission and its user the role Shop manager"),
    "rest_no_route": say("WooCommerce is not active there, or the address does not lead to the shop"),
    "rest_forbidden": say("a plugin or the host closes the REST API; open it for this key"),
}

#: Codes of a permanent refusal, whatever the status says.
_REJECTED = frozenset(
    {
        GONE,
        INVALID_PARAMETER,
        "rest_missing_callback_param",
        "rest_invalid_json",
        # 500 "Invalid refund amount." and 500 "does not support automatic refunds": never right the second time.
        "woocommerce_rest_cannot_create_order_refund",
    }
)

_NOT_FOUND = 404
_UNAVAILABLE = 503


def advice(code: str) -> str:
    """What a person must do about a code that stops the whole connection; empty for any other."""
    return _BROKEN.get(code, "")


def without_advice(error: ConnectorError) -> str:
    """What the shop said, where `classify` has put an advice behind it."""
    text = str(error)
    return str(text.values["answer"]) if isinstance(text, Phrase) and "advice" in text.values else text


def _advised(response: Response, advice: str) -> str:
    return say("%(answer)s; %(advice)s", answer=response, advice=advice)


def classify(response: Response) -> ConnectorError | None:
    """The vendor's table; None leaves the answer to the kit's table of statuses."""
    code = response.code
    if not code:
        return _without_code(response)
    if code in _REJECTED:
        return RecordRejected(str(response), code=code, status=response.status, field=_field(response.data))
    if code in _BROKEN:
        return ConnectionBroken(_advised(response, _BROKEN[code]), code=code, status=response.status)
    return None


def _without_code(response: Response) -> ConnectorError | None:
    """Pages for people: WordPress in maintenance, a wrong address."""
    if response.status == _NOT_FOUND:
        advice = say("no WooCommerce at this address, or permalinks are set to Plain (Settings > Permalinks)")
        return ConnectionBroken(_advised(response, advice), code="no_rest_api", status=response.status)
    if response.status == _UNAVAILABLE and response.excerpt() == "Maintenance":
        # WordPress checks for maintenance before it loads any plugin, so not even a write was looked at.
        return asked_to_slow_down(response, "maintenance")
    return None


def _field(data: dict[str, object]) -> str:
    """The first parameter that the refusal names."""
    details = data.get("data")
    params = details.get("params") if isinstance(details, dict) else None
    return next(iter(params), "") if isinstance(params, dict) else ""
