"""The hourly check that a shop still sends us its webhooks, and the same by a person's hand."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from sqlalchemy import Connection

from connectors.kit.base import ManagesWebhooks, Subscription
from sync.desk.connections import keep_subscriptions
from sync.desk.phrases import joined, say
from sync.store.audit import Actor, record_audit
from sync.store.engine import Store

log = structlog.get_logger()


class NoWebhooks(Exception):
    """This connection has no webhooks, or nobody can reach us with one."""


def delivery_url(public_url: str, name: str) -> str:
    """Where a connection's webhooks are to come; empty without a public address."""
    return f"{public_url}/webhooks/{name}" if public_url else ""


def check_subscriptions(store: Store, connector: object, name: str, url: str) -> str:
    """Set up, check and repair what feeds `url`; answers what was done, in plain words.

    Raises Transient, ConnectionBroken, RecordRejected.
    """
    if not isinstance(connector, ManagesWebhooks):
        return say("this system has no webhooks")
    if not connector.has_webhook_secret:
        # Somebody who wants no webhooks has done nothing wrong: the pull brings every order.
        return say("no webhooks: the connection has no `webhook_secrets`, so orders come by the pull only")
    return _ensured(store, connector, name, url)


def _ensured(store: Store, connector: ManagesWebhooks, name: str, url: str, actor: Actor | None = None) -> str:
    done = connector.ensure_subscriptions(url)
    told = _told(done)

    def write(connection: Connection) -> None:
        keep_subscriptions(connection, name, [subscription for subscription, _ in done])
        if actor is not None:
            record_audit(connection, actor, "repair webhooks", f"connection:{name}", after=told)

    store.write(write)
    for subscription, what in done:
        if what == "reactivated":
            # The shop had switched it off: deliveries of ours have failed.
            log.warning("subscription_reactivated", topic=subscription.topic)
    return told


def look_at_subscriptions(store: Store, connector: object, name: str, url: str) -> None:
    """Remember how they stand now; changes nothing over there. Raises Transient, ConnectionBroken, RecordRejected."""
    if isinstance(connector, ManagesWebhooks) and url:
        found = connector.list_subscriptions(url)
        store.write(lambda c: keep_subscriptions(c, name, found))


def repair_subscriptions(store: Store, connector: object, name: str, url: str, *, actor: Actor) -> str:
    """The same because a person asked for it. Raises NoWebhooks too."""
    if not isinstance(connector, ManagesWebhooks):
        raise NoWebhooks(say("this system has no webhooks"))
    if not connector.has_webhook_secret:
        raise NoWebhooks(say("deliveries would be refused: put a long random text into `webhook_secrets` first"))
    if not url:
        raise NoWebhooks(say("nobody can deliver: set CROSSDOCK_PUBLIC_URL to the address under which shops reach us"))
    return _ensured(store, connector, name, url, actor)


def _told(done: Sequence[tuple[Subscription, str]]) -> str:
    repaired = [f"{subscription.topic} {what}" for subscription, what in done if what != "kept"]
    return joined(", ", repaired) if repaired else say("%(count)s subscriptions in order", count=len(done))
