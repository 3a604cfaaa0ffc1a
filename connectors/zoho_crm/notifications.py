"""Notifications: the channel that makes Zoho CRM tell us what changed, and what it tells.

A channel ends by itself, a day after it was made at the latest as far as anybody documents; what it says of its end is
read back. It is renewed from half of its life on, by the hourly check. A delivery has no signature: it bears the text
with which the channel was made, which is derived from the connection's secret, and only says which records to look at.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Any, Final

from connectors.kit import strict_json
from connectors.kit.base import Delivery, JsonDict, SignatureInvalid, Subscription
from connectors.kit.errors import ConnectorError, OutcomeUnknown, Transient
from connectors.kit.words import say
from connectors.zoho_crm import codes
from connectors.zoho_crm.client import VERSION, Client

_EVENTS: Final = ("create", "edit", "delete")
#: As long as any document allows.
LIFE: Final = dt.timedelta(hours=24)
_WATCH: Final = f"crm/{VERSION}/actions/watch"
#: Zoho takes fifty characters.
_TOKEN_LENGTH: Final = 48
_MOST_IDS: Final = 1000


def token_of(secret: str) -> str:
    """What a channel is made with: nobody reads the secret from it, and it fits."""
    return hmac.digest(secret.encode(), b"zoho crm notifications", "sha256").hex()[:_TOKEN_LENGTH]


def verify(body: bytes, secrets: Sequence[str], module: str) -> Delivery:
    """Compare the text that the delivery bears and read which records it is about. Raises SignatureInvalid."""
    try:
        told = strict_json.loads(body)
    except strict_json.InvalidJson:
        raise SignatureInvalid from None
    if not isinstance(told, dict) or not _known(told.get("token"), secrets):
        raise SignatureInvalid
    named, operation = str(told.get("module") or ""), str(told.get("operation") or "")
    topic = f"{named}.{operation}"
    if named != module:
        return Delivery(topic=topic, external_id=None, envelope=None, ignored=True)
    ids = told.get("ids")
    if not isinstance(ids, list) or not ids or len(ids) > _MOST_IDS or not all(_is_id(each) for each in ids):
        return Delivery(topic, None, None, problem="the body names no records: it has no list of ids")
    # Each is kept with what was said of it, and without the text that lets a delivery in.
    said = {name: told.get(name) for name in ("module", "operation", "server_time", "channel_id")}
    parts = tuple(Delivery(topic, each, None, content=said | {"id": each}) for each in ids)
    return Delivery(topic, ids[0], None, parts=parts)


def _known(token: object, secrets: Sequence[str]) -> bool:
    """Every secret is tried to the end, so the time tells nothing."""
    given = token.encode("utf-8", errors="replace") if isinstance(token, str) else b""
    matches = [hmac.compare_digest(token_of(secret).encode(), given) for secret in secrets if secret]
    return any(matches)


def _is_id(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdecimal()


class Channel:
    """The one channel of a connection."""

    def __init__(
        self, client: Client, module: str, secrets: Sequence[str], now: Callable[[], dt.datetime] | None = None
    ) -> None:
        self._client, self._module, self._secrets = client, module, secrets
        self._now = now or (lambda: dt.datetime.now(dt.UTC))

    def ensure(self, delivery_url: str) -> list[tuple[Subscription, str]]:
        """Made where it is not there, and given a new end from half of its life on."""
        ends = self.ends_at(delivery_url)
        if ends is None:
            self._send("POST", delivery_url)
        elif ends - self._now() < LIFE / 2:
            self._send("PUT", delivery_url)
        what = "created" if ends is None else "kept"
        return [(each, what) for each in self._subscriptions(delivery_url, active=True)]

    def listed(self, delivery_url: str) -> list[Subscription]:
        """One of each topic; without an id where nobody watches any more."""
        active = self.ends_at(delivery_url) is not None
        return self._subscriptions(delivery_url, active=active)

    def ends_at(self, delivery_url: str) -> dt.datetime | None:
        """Until when the channel that delivers to us lives; None where there is none, or it has ended.

        Raises Transient, ConnectionBroken.
        """
        params: dict[str, str | int] = {"channel_id": channel_id(delivery_url), "module": self._module}
        data = self._client.get("actions/watch", params)
        rows = data.get("watch", [])
        if not isinstance(rows, list):
            raise Transient(say("Zoho CRM answered with something that is no list of channels"), code="not_a_list")
        ends = [end for row in rows if (end := self._end(row, delivery_url)) is not None]
        return min(ends) if ends else None

    def _end(self, row: Any, delivery_url: str) -> dt.datetime | None:
        if not _ours(row, delivery_url):
            return None
        try:
            end = dt.datetime.fromisoformat(str(row.get("channel_expiry"))).astimezone(dt.UTC)
        except ValueError:
            return None
        return end if end > self._now() else None

    def _send(self, method: str, delivery_url: str) -> None:
        """Raises RecordRejected where Zoho does not take the address, OutcomeUnknown, Transient, ConnectionBroken."""
        end = (self._now() + LIFE - dt.timedelta(minutes=1)).replace(microsecond=0)
        watch = {
            "channel_id": channel_id(delivery_url),
            "events": [f"{self._module}.{name}" for name in _EVENTS],
            "channel_expiry": end.isoformat(),
            "token": token_of(self._secrets[0]),
            "notify_url": delivery_url,
        }
        # The same channel twice is one channel.
        answer = self._client.http.request(method, _WATCH, json={"watch": [watch]}, repeatable=True)
        error = _refusal(answer.data, answer.status)
        if error is not None:
            raise error

    def _subscriptions(self, delivery_url: str, *, active: bool) -> list[Subscription]:
        number = channel_id(delivery_url) if active else ""
        return [Subscription(number, f"{self._module}.{name}", delivery_url, active=active) for name in _EVENTS]


def channel_id(delivery_url: str) -> str:
    """The same for the same address, so that a channel made twice is one: a whole number, as Zoho wants it."""
    return str(10**14 + int.from_bytes(hashlib.sha256(delivery_url.encode()).digest()[:6], "big"))


def _ours(row: Any, delivery_url: str) -> bool:
    same = isinstance(row, dict) and str(row.get("channel_id")) == channel_id(delivery_url)
    return same and row.get("notify_url") in {None, delivery_url}


def _refusal(data: Any, status: int) -> ConnectorError | None:
    rows = data.get("watch") if isinstance(data, dict) else None
    if not isinstance(rows, list) or not rows:
        return OutcomeUnknown(say("Zoho CRM does not say what became of the channel"), code="rows", status=status)
    row: JsonDict | None = next(
        (each for each in rows if isinstance(each, dict) and each.get("code") != "SUCCESS"), None
    )
    return None if row is None else codes.judged(row, status)
