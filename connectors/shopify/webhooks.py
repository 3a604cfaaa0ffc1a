"""Webhooks of Shopify: what is delivered, and the subscriptions that make it deliver.

A body is the REST order in the version of its subscription, without transactions, and may be older than what was read
already; so a delivery only says which order to look at. Header names come with and without `X-`. After eight failures
in a row Shopify removes a subscription that was made over the API.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from connectors.kit import strict_json
from connectors.kit.base import Delivery, JsonDict, SignatureInvalid, Subscription
from connectors.kit.words import say
from connectors.shopify import queries
from connectors.shopify.client import Client

#: As the API names them -> as a delivery does.
TOPICS: Final = {
    "ORDERS_CREATE": "orders/create",
    "ORDERS_UPDATED": "orders/updated",
    "ORDERS_DELETE": "orders/delete",
    "REFUNDS_CREATE": "refunds/create",
}
#: Where the body of a topic names its order; all other topics say nothing about one.
_ORDER_IN: Final = {"orders": "id", "refunds": "order_id"}
_GID: Final = "gid://shopify/Order/"


def verify(body: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> Delivery:
    """Check the signature over the raw bytes and read which order it is about. Raises SignatureInvalid."""
    named = {name.lower(): value for name, value in headers.items()}
    if not _signed(body, _header(named, "hmac-sha256"), secrets):
        raise SignatureInvalid
    topic = _header(named, "topic")
    place = _ORDER_IN.get(topic.partition("/")[0])
    if place is None:
        return Delivery(topic=topic, external_id=None, envelope=None, ignored=True)
    try:
        row = strict_json.loads(body)
    except strict_json.InvalidJson as error:
        return Delivery(topic, None, None, problem=f"the body is no JSON that can be trusted: {error}")
    external_id = _order(row, place)
    if not external_id:
        return Delivery(topic, None, None, problem="the body names no order: it has no id")
    return Delivery(topic, external_id, None)


def _header(named: Mapping[str, str], name: str) -> str:
    """Without the prefix first: that is how the newer ones come."""
    return named.get(f"shopify-{name}") or named.get(f"x-shopify-{name}", "")


def _signed(body: bytes, signature: str, secrets: Sequence[str]) -> bool:
    """Every secret is tried to the end, so the time tells nothing."""
    given = signature.encode("utf-8", errors="replace")
    matches = [
        hmac.compare_digest(base64.b64encode(hmac.digest(secret.encode(), body, "sha256")), given)
        for secret in secrets
        if secret
    ]
    return any(matches)


def _order(row: Any, place: str) -> str:
    """By the gid where there is one; `orders/edited` wraps its body once more."""
    row = row if isinstance(row, dict) else {}
    if isinstance(edit := row.get("order_edit"), dict):
        row, place = edit, "order_id"
    gid = row.get("admin_graphql_api_id")
    if place == "id" and isinstance(gid, str) and gid.startswith(_GID):
        return gid.removeprefix(_GID)
    number = row.get(place)
    return str(number) if type(number) is int and number > 0 else ""


def ensure(client: Client, delivery_url: str) -> list[tuple[Subscription, str]]:
    """One subscription per topic; created where there is none."""
    present = _ours(client, delivery_url)
    done: list[tuple[Subscription, str]] = []
    for topic in TOPICS:
        if topic in present:
            done.append((_subscription(present[topic]), "kept"))
            continue
        made = client.write(queries.SUBSCRIBE, "webhookSubscriptionCreate", topic=topic, uri=delivery_url)
        done.append((_subscription(made["webhookSubscription"]), "created"))
    return done


def listed(client: Client, delivery_url: str) -> list[Subscription]:
    """How the subscription of each topic stands."""
    present = _ours(client, delivery_url)
    return [
        _subscription(present[topic]) if topic in present else Subscription("", name, delivery_url, active=False)
        for topic, name in TOPICS.items()
    ]


def _ours(client: Client, delivery_url: str) -> dict[str, JsonDict]:
    """Topic -> the subscription of this app that delivers to us."""
    return {row["topic"]: row for row in _all(client) if row.get("uri") == delivery_url and row.get("topic") in TOPICS}


def _all(client: Client) -> Iterator[JsonDict]:
    after: str | None = None
    while True:
        found = client.read(queries.SUBSCRIPTIONS, after=after)["webhookSubscriptions"]
        yield from found["nodes"]
        if not found["pageInfo"]["hasNextPage"]:
            return
        after = found["pageInfo"]["endCursor"]


def _subscription(row: JsonDict) -> Subscription:
    return Subscription(str(row["id"]), TOPICS[row["topic"]], str(row["uri"]), active=True)


def refusal_without_secret() -> str:
    """What is wrong where nothing could be verified."""
    return say("deliveries cannot be verified: give `webhook_secrets`, or the client secret as `auth.secret`")
