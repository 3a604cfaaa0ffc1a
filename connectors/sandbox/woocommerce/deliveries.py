"""Webhooks going out, with everything that the recorded shop does to them.

They wait in a queue that one runner works off in turn (Action Scheduler): they come late, updates of one order that
still wait are merged, the body shows the order as of *delivery*, a failed one is never repeated, more than five
failures in a row disable the webhook without a word while what is queued still goes out, and one slow receiver holds
up all.
`X-WC-Webhook-Delivery-ID` hashes webhook and second, so different orders share it.

`Behaviour` adds what a test wants on top: duplicated, late, swapped, dropped and forged deliveries.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import heapq
import hmac
import http.client
import itertools
import json
import logging
import random
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from connectors.sandbox.woocommerce.errors import WpError
from connectors.sandbox.woocommerce.products import show_product
from connectors.sandbox.woocommerce.render import Renderer, php_json
from connectors.sandbox.woocommerce.shop import Json, Shop

log = logging.getLogger(__name__)

MAX_FAILURES = 5
_SUCCESS = frozenset({301, 302})
_FORGED_SECRET = "not the secret of this webhook"  # noqa: S105 - what a forger would guess


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How deliveries go. Probabilities are 0..1, times in seconds; `seed` makes them repeatable."""

    #: How long a delivery waits in the queue, and what is added at random to that.
    delay_s: float = 0.2
    jitter_s: float = 0.3
    #: Sent twice.
    duplicate: float = 0.0
    #: `created` comes after the `updated` of the same moment, and neighbours swap places.
    reorder: float = 0.0
    #: Comes `late_s` later than it should.
    late: float = 0.0
    late_s: float = 5.0
    #: Never sent.
    drop: float = 0.0
    #: How many a runner sends at once; 1 as Action Scheduler.
    runners: int = 1
    timeout_s: float = 60.0
    seed: int = 0


@dataclasses.dataclass(order=True, slots=True)
class _Job:
    due: float
    number: int
    webhook_id: int = dataclasses.field(compare=False)
    topic: str = dataclasses.field(compare=False)
    resource_id: int = dataclasses.field(compare=False)


@dataclasses.dataclass(slots=True)
class Sent:
    """One delivery that was tried, for `GET /_sandbox/deliveries`. `status` None: no answer."""

    webhook_id: int
    topic: str
    resource_id: int
    status: int | None
    forged: bool = False


class Deliveries:
    """The queue and its runners. A shop tells it what happened (`on_event`)."""

    def __init__(
        self, shop: Shop, renderer: Renderer, behaviour: Behaviour | None = None, *, record: Path | None = None
    ) -> None:
        """`record` is a file that gets a line for each delivery that was tried, with its body and its answer."""
        self._shop = shop
        self._record = record
        self._renderer = renderer
        self._changed = threading.Condition()
        self._queue: list[_Job] = []
        self._numbers = itertools.count()
        self._busy = 0
        self._stopped = False
        self._threads: list[threading.Thread] = []
        self.sent: list[Sent] = []
        self.behave(behaviour or Behaviour())
        shop.listeners.append(self.on_event)

    def behave(self, behaviour: Behaviour) -> None:
        """Change how deliveries go, from now on."""
        with self._changed:
            self.behaviour = behaviour
            self._dice = random.Random(behaviour.seed)  # noqa: S311 - repeatable, not secret
            while len(self._threads) < behaviour.runners:
                thread = threading.Thread(target=self._run, name="woocommerce-webhooks", daemon=True)
                self._threads.append(thread)
                thread.start()

    def close(self) -> None:
        """Stop; what is queued is not sent."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(5)

    @property
    def waiting(self) -> int:
        """Deliveries that are queued or under way."""
        with self._changed:
            return len(self._queue) + self._busy

    # -- queueing ----------------------------------------------------------------------------------------------

    def on_event(self, topic: str, resource_id: int) -> None:
        """Queue one delivery for every active webhook of the topic."""
        webhooks = [
            webhook
            for webhook in self._shop.webhooks.values()
            if webhook["topic"] == topic and webhook["status"] == "active"
        ]
        with self._changed:
            for webhook in webhooks:
                self._enqueue(webhook["id"], topic, resource_id)
            self._changed.notify_all()

    def _enqueue(self, webhook_id: int, topic: str, resource_id: int) -> None:
        waiting = (job for job in self._queue if (job.webhook_id, job.resource_id) == (webhook_id, resource_id))
        if topic.endswith(".updated") and next(waiting, None) is not None:
            return  # merged: the body is made when it is sent
        how, dice = self.behaviour, self._dice
        if dice.random() < how.drop:
            return
        due = time.monotonic() + how.delay_s + dice.random() * how.jitter_s
        if dice.random() < how.late:
            due += how.late_s
        if dice.random() < how.reorder:
            due += how.jitter_s + (0.5 if topic.endswith(".created") else 0.25)
        heapq.heappush(self._queue, _Job(due, next(self._numbers), webhook_id, topic, resource_id))
        if dice.random() < how.duplicate:
            again = due + dice.random() * how.jitter_s
            heapq.heappush(self._queue, _Job(again, next(self._numbers), webhook_id, topic, resource_id))

    # -- sending -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while (job := self._next_job()) is not None:
            try:
                self._deliver(job)
            finally:
                with self._changed:
                    self._busy -= 1
                    self._changed.notify_all()

    def _next_job(self) -> _Job | None:
        with self._changed:
            while not self._stopped:
                wait_s = self._queue[0].due - time.monotonic() if self._queue else None
                if wait_s is not None and wait_s <= 0:
                    self._busy += 1
                    return heapq.heappop(self._queue)
                self._changed.wait(wait_s)
        return None

    def _deliver(self, job: _Job) -> None:
        webhook = self._shop.webhooks.get(job.webhook_id)
        if webhook is None:
            return
        body = self._body(job)
        if body is None:
            return
        status = self._post(webhook, body, self._headers(webhook, body, webhook["secret"]))
        self.sent.append(Sent(webhook["id"], job.topic, job.resource_id, status))
        self._write_down(job.topic, body, status)
        self._count(webhook, ok=status is not None and (200 <= status < 300 or status in _SUCCESS))  # noqa: PLR2004

    def _write_down(self, topic: str, body: bytes, status: int | None) -> None:
        """In one `write`, so that lines of several runners do not mix and a kill leaves none by halves."""
        if self._record is not None:
            line = json.dumps({"topic": topic, "status": status, "body": body.decode()})
            with self._record.open("ab", buffering=0) as file:
                file.write(f"{line}\n".encode())

    def _body(self, job: _Job) -> bytes | None:
        """The resource as of now; None when it is gone meanwhile."""
        if job.topic.endswith(".deleted"):
            return php_json({"id": job.resource_id})
        with self._shop.lock:
            try:
                if job.topic.startswith("order."):
                    return self._renderer.order_bytes(self._shop.order(job.resource_id), "http")
                product = self._shop.products[job.resource_id]
                return php_json(show_product(self._renderer, self._shop, product, "http"))
            except (WpError, KeyError):
                return None

    def _headers(self, webhook: Json, body: bytes, secret: str) -> list[tuple[str, str]]:
        """In the recorded order."""
        resource, _, event = webhook["topic"].partition(".")
        now = int(time.time() + self._shop.clock_offset_s)
        delivery_id = hashlib.md5(f"{webhook['id']}/{now}".encode(), usedforsecurity=False).hexdigest()
        return [
            ("Content-Type", "application/json"),
            ("X-WC-Webhook-Source", f"http://{self._renderer.host}/"),
            ("X-WC-Webhook-Topic", webhook["topic"]),
            ("X-WC-Webhook-Resource", resource),
            ("X-WC-Webhook-Event", event),
            ("X-WC-Webhook-Signature", sign(body, secret)),
            ("X-WC-Webhook-ID", str(webhook["id"])),
            ("X-WC-Webhook-Delivery-ID", delivery_id),
        ]

    def ping(self, webhook: Json) -> int | None:
        """What a new webhook gets first: form-encoded, not signed, no topic. A failing one changes nothing."""
        form = ("Content-Type", "application/x-www-form-urlencoded")
        return self._post(webhook, f"webhook_id={webhook['id']}".encode(), [form])

    def forge(self, count: int) -> int:
        """Send `count` deliveries signed with a wrong secret, as somebody else would; how many were answered."""
        with self._shop.lock:
            rows = list(self._shop.orders.values())[-count:]
            bodies = [self._renderer.order_bytes(row, "http").replace(b'"total":"', b'"total":"9') for row in rows]
        answered = 0
        for webhook in [hook for hook in self._shop.webhooks.values() if hook["topic"].startswith("order.")]:
            for row, body in zip(rows, bodies, strict=True):
                status = self._post(webhook, body, self._headers(webhook, body, _FORGED_SECRET))
                self.sent.append(Sent(webhook["id"], webhook["topic"], row.id, status, forged=True))
                answered += status is not None
        return answered

    def _post(self, webhook: Json, body: bytes, headers: list[tuple[str, str]]) -> int | None:
        """POST without following redirects; the status, or None when there was no answer."""
        address = urlsplit(webhook["delivery_url"])
        kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        shop = self._shop.settings
        agent = f"WooCommerce/{shop.version} Hookshot (WordPress/{shop.wordpress_version})"
        connection = kind(address.hostname or "", address.port, timeout=self.behaviour.timeout_s)
        target = (address.path or "/") + (f"?{address.query}" if address.query else "")
        try:
            connection.putrequest("POST", target, skip_accept_encoding=True)
            common = [("User-Agent", agent), ("Accept", "*/*"), ("Accept-Encoding", "deflate, gzip, br, zstd")]
            for name, value in [*common, *headers, ("Connection", "close"), ("Content-Length", str(len(body)))]:
                connection.putheader(name, value)
            connection.endheaders(body)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            log.info("webhook %s: %s", webhook["id"], error)
            return None
        finally:
            connection.close()

    def _count(self, webhook: Json, *, ok: bool) -> None:
        with self._shop.lock:
            current = self._shop.webhooks.get(webhook["id"])
            if current is None:
                return
            current["date_modified_gmt"] = self._shop.now()
            current["failure_count"] = 0 if ok else current["failure_count"] + 1
            if current["failure_count"] > MAX_FAILURES and current["status"] == "active":
                current["status"] = "disabled"
                log.info("webhook %s disabled after %s failures", webhook["id"], current["failure_count"])

    def report(self) -> Json:
        """For `GET /_sandbox/deliveries`."""
        sent: list[dict[str, Any]] = [dataclasses.asdict(delivery) for delivery in self.sent[-2_000:]]
        return {"waiting": self.waiting, "behaviour": dataclasses.asdict(self.behaviour), "sent": sent}


def sign(body: bytes, secret: str) -> str:
    """base64(HMAC-SHA256(raw body, secret as UTF-8))."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
