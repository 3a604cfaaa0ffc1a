"""Webhooks of WooCommerce: what is delivered, and the subscriptions that make it deliver.

Measured on 11.0.1: deliveries come late, doubled, out of order and merged; none is ever repeated, and after more than
five failures in a row the subscription is disabled without a word. `X-WC-Webhook-Delivery-ID` is a hash of webhook and
second, so different orders share it. Forced deletion sends nothing at all.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Mapping, Sequence

from connectors.kit import strict_json
from connectors.kit.base import Delivery, JsonDict, SignatureInvalid, Subscription
from connectors.kit.errors import ConnectionBroken
from connectors.kit.http import HttpClient
from connectors.kit.words import say
from connectors.woocommerce.rows import envelope, modified

TOPICS = ("order.created", "order.updated", "order.deleted", "order.restored")

#: Creating waits for the ping, that is for our own receiver.
_CREATE_DEADLINE_S = 75.0
_PER_PAGE = 100
#: The hand-shake when a subscription is saved; a form, unsigned and without a topic.
_PING = re.compile(rb"webhook_id=\d{1,20}")


def verify(body: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> Delivery:
    """Check the signature over the raw bytes and read the order. Raises SignatureInvalid."""
    named = {name.lower(): value for name, value in headers.items()}
    signature = named.get("x-wc-webhook-signature", "")
    topic = named.get("x-wc-webhook-topic", "")
    if not signature and not topic and _PING.fullmatch(body):
        return Delivery(topic="", external_id=None, envelope=None, ping=True)
    if not _signed(body, signature, secrets):
        raise SignatureInvalid
    if not topic.startswith("order."):
        return Delivery(topic=topic, external_id=None, envelope=None, ignored=True)
    return _read(body, topic)


def _signed(body: bytes, signature: str, secrets: Sequence[str]) -> bool:
    """Every secret is tried to the end, so the time tells nothing."""
    given = signature.encode("utf-8", errors="replace")
    matches = [
        hmac.compare_digest(base64.b64encode(hmac.digest(secret.encode(), body, "sha256")), given)
        for secret in secrets
        if secret
    ]
    return any(matches)


def _read(body: bytes, topic: str) -> Delivery:
    try:
        row = strict_json.loads(body)
    except strict_json.InvalidJson as error:
        return Delivery(topic, None, None, problem=f"the body is no JSON that can be trusted: {error}")
    if isinstance(row, dict) and isinstance(row.get("code"), str) and "id" not in row:
        # WooCommerce sends the error that its own REST API answers to the webhook's user.
        text = say("the body is the error %(code)s: the webhook's user may not read orders", code=row["code"])
        return Delivery(topic, None, None, problem=text)
    if not isinstance(row, dict) or type(row.get("id")) is not int:
        return Delivery(topic, None, None, problem="the body is no order: it has no id")
    external_id = str(row["id"])
    # `order.deleted` says only {"id": 29} and comes for the trash, where the order can still be read.
    if topic == "order.deleted" or modified(row) is None:
        return Delivery(topic, external_id, None)
    return Delivery(topic, external_id, envelope(row, raw=body))


def ensure(http: HttpClient, delivery_url: str, secrets: Sequence[str]) -> list[tuple[Subscription, str]]:
    """One active subscription per topic; created or re-activated where there is none."""
    if not secrets:
        raise ConnectionBroken(say("webhook_secrets of the connection is empty; the shop signs with the first of them"))
    present = _ours(http, delivery_url)
    done: list[tuple[Subscription, str]] = []
    for topic in TOPICS:
        known = sorted((row for row in present if row.get("topic") == topic), key=_best_first)
        if known and known[0].get("status") == "active":
            done.append((_subscription(known[0]), "kept"))
        elif known:
            change = {"status": "active", "secret": secrets[0]}
            row = http.request("PUT", f"webhooks/{int(known[0]['id'])}", json=change, repeatable=True).data
            done.append((_subscription(row), "reactivated"))
        else:
            wanted = {
                "name": f"Crossdock {topic}",
                "topic": topic,
                "delivery_url": delivery_url,
                "secret": secrets[0],
                "status": "active",
            }
            row = http.request("POST", "webhooks", json=wanted, deadline_s=_CREATE_DEADLINE_S).data
            done.append((_subscription(row), "created"))
    return done


def listed(http: HttpClient, delivery_url: str) -> list[Subscription]:
    """How the subscription of each topic stands: the best one where there are several."""
    present = _ours(http, delivery_url)
    best = {topic: sorted((row for row in present if row.get("topic") == topic), key=_best_first) for topic in TOPICS}
    return [
        _subscription(rows[0]) if rows else Subscription("", topic, delivery_url, active=False)
        for topic, rows in best.items()
    ]


def _ours(http: HttpClient, delivery_url: str) -> list[JsonDict]:
    """The shop's subscriptions that deliver to us, whoever made them."""
    found: list[JsonDict] = []
    number, pages = 1, 1
    while number <= pages:
        answer = http.get("webhooks", {"per_page": _PER_PAGE, "page": number})
        found += [row for row in answer.data if isinstance(row, dict) and row.get("delivery_url") == delivery_url]
        pages, number = int(answer.headers.get("X-WP-TotalPages", "1")), number + 1
    return found


def _best_first(row: JsonDict) -> tuple[bool, int]:
    return row.get("status") != "active", int(row["id"])


def _subscription(row: JsonDict) -> Subscription:
    return Subscription(
        external_id=str(row["id"]),
        topic=str(row["topic"]),
        delivery_url=str(row["delivery_url"]),
        active=row.get("status") == "active",
    )
