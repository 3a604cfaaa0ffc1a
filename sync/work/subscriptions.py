"""The hourly check that a shop still sends us its webhooks."""

from __future__ import annotations

import structlog

from connectors.kit.base import ManagesWebhooks

log = structlog.get_logger()


def check_subscriptions(connector: object, delivery_url: str) -> str:
    """Set up, check and repair what feeds `delivery_url`; answers what was done, in plain words."""
    if not isinstance(connector, ManagesWebhooks):
        return "this system has no webhooks"
    done = connector.ensure_subscriptions(delivery_url)
    repaired = [f"{subscription.topic} {what}" for subscription, what in done if what != "kept"]
    for subscription, what in done:
        if what == "reactivated":
            # The shop had switched it off: deliveries of ours have failed.
            log.warning("subscription_reactivated", topic=subscription.topic)
    return ", ".join(repaired) if repaired else f"{len(done)} subscriptions in order"
