"""A shop that signs what it posts with a shared secret, and the smallest connector that verifies it."""

from __future__ import annotations

import hashlib
import hmac
import json

from connectors.kit.base import Delivery, Envelope, ReceivesWebhooks, SignatureInvalid

SECRET = b"geheim-1"


def sign(body, secret=SECRET):
    return hmac.new(secret, body, hashlib.sha256).hexdigest()


def order(number, **fields):
    return json.dumps({"id": number, "total": "1.00", "updated": "2026-01-01T00:00:00", **fields}).encode()


def signed(body, secret=SECRET, topic="order.updated"):
    return {"Content-Type": "application/json", "X-Shop-Topic": topic, "X-Shop-Signature": sign(body, secret)}


class SignedShop(ReceivesWebhooks):
    """Takes `{"id", "updated"}` signed with SECRET."""

    def verify_webhook(self, body, headers):
        given = headers.get("x-shop-signature", "").encode("latin-1", "replace")
        if not hmac.compare_digest(given, sign(body).encode()):
            raise SignatureInvalid
        topic = headers.get("X-Shop-Topic", "")
        if topic == "ping":
            return Delivery(topic, None, None, ping=True)
        if not topic.startswith("order."):
            return Delivery(topic, None, None, ignored=True)
        try:
            payload = json.loads(body)
            return Delivery(topic, str(payload["id"]), Envelope(str(payload["id"]), payload["updated"], payload))
        except (ValueError, TypeError, KeyError, RecursionError):
            return Delivery(topic, None, None, problem="the body is no order")
