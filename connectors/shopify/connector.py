"""The connector: what `sync` asks of a Shopify shop."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from connectors.kit.base import (
    ConnectorSettings,
    Delivery,
    Diagnoses,
    DocumentSummary,
    Envelope,
    FetchesOrders,
    LinksDocuments,
    ListsOrders,
    ManagesWebhooks,
    Page,
    PullsOrders,
    ReceivesWebhooks,
    RewindsPulls,
    Subscription,
    Throttle,
)
from connectors.kit.findings import Circumstances, Finding
from connectors.kit.options import Options
from connectors.shopify import webhooks
from connectors.shopify.checkup import CHECKS, Checkup
from connectors.shopify.client import Client
from connectors.shopify.orders import Orders, moment_of, parameter

_OPTIONS: Final = frozenset({"admin_url", "per_page"})
_PER_PAGE: Final = 25
_MOST_PER_PAGE: Final = 100
_SHOP: Final = re.compile(r"https://([a-z0-9][a-z0-9-]*)\.myshopify\.com", re.IGNORECASE)


class Shopify(
    PullsOrders,
    RewindsPulls,
    FetchesOrders,
    ListsOrders,
    ReceivesWebhooks,
    ManagesWebhooks,
    Diagnoses,
    LinksDocuments,
):
    """One Shopify shop. Thread-safe.

    Options: `per_page` (1 to 100; fewer are asked for by itself where the shop finds a page too costly), `admin_url`
    (of the administration, where it is not `https://admin.shopify.com/store/NAME`).
    """

    fetch_batch = 25
    #: Together they drink from one bucket.
    concurrency = 2
    checks = CHECKS

    def __init__(self, settings: ConnectorSettings, *, throttle: Throttle | None = None, dry_run: bool = False) -> None:
        """Raises ConnectionBroken naming what is wrong in the settings."""
        options = Options("shopify", settings.options, _OPTIONS)
        per_page = options.whole("per_page", _PER_PAGE, 1, _MOST_PER_PAGE)
        self._client = Client(settings, throttle=throttle, dry_run=dry_run)
        name = _SHOP.fullmatch(self._client.url)
        default = f"https://admin.shopify.com/store/{name[1].lower()}" if name else f"{self._client.url}/admin"
        self._admin_url = options.address("admin_url", default)
        # Deliveries of an app's own subscriptions are signed with its client secret.
        self._secrets = settings.webhook_secrets or ((settings.secret,) if settings.key else ())
        self._orders = Orders(self._client, per_page, dt.timedelta(seconds=settings.overlap_s))

    def close(self) -> None:
        """Close the connections."""
        self._client.http.close()

    # -- LinksDocuments --------------------------------------------------------------------------------------

    def link(self, kind: str, external_id: str) -> str:
        """The order's page in the administration."""
        if kind != "order" or not (external_id.isascii() and external_id.isdecimal()):
            return ""
        return f"{self._admin_url}/orders/{external_id}"

    # -- PullsOrders -----------------------------------------------------------------------------------------

    def pull_orders(self, checkpoint: str | None, *, since: dt.datetime | None = None) -> Iterator[Page]:
        """Changed orders, oldest change first; at least one page.

        A checkpoint steps back by the overlap, `since` does not. Raises ConnectionBroken where `since` lies behind the
        wall of 60 days. An order can come more than once, newest state last.
        """
        return self._orders.pull(checkpoint, since)

    def checkpoint_at(self, moment: dt.datetime) -> str:
        """From here a pull reads whatever was changed at `moment` or later, and the overlap before it."""
        return parameter(moment)

    @staticmethod
    def checkpoint_moment(checkpoint: str) -> dt.datetime:
        """The newest change that was read."""
        return moment_of(checkpoint)

    # -- FetchesOrders ---------------------------------------------------------------------------------------

    def fetch_orders(self, external_ids: Sequence[str]) -> list[Envelope]:
        """The current state of each id, in the order asked for.

        Raises Transient, ConnectionBroken, RecordRejected for an id that is no Shopify id, and for an order that is not
        shown where nobody can tell whether it was deleted.
        """
        return self._orders.fetch(external_ids)

    # -- ListsOrders -----------------------------------------------------------------------------------------

    def list_orders(self, since: dt.datetime, until: dt.datetime) -> Iterator[DocumentSummary]:
        """Every order placed in the window, each once, whatever its state."""
        return self._orders.list_all(since, until)

    # -- webhooks --------------------------------------------------------------------------------------------

    def verify_webhook(self, body: bytes, headers: Mapping[str, str]) -> Delivery:
        """Which order to look at. Raises SignatureInvalid. Topics of no order are `ignored`."""
        return webhooks.verify(body, headers, self._secrets)

    @property
    def has_webhook_secret(self) -> bool:
        """One of the connection's `webhook_secrets`, or the secret of the app that subscribes."""
        return bool(self._secrets)

    def ensure_subscriptions(self, delivery_url: str) -> list[tuple[Subscription, str]]:
        """`orders/create`, `/updated`, `/delete` and `refunds/create`.

        Raises ConnectionBroken when the app may not read orders, RecordRejected when Shopify does not take the address.
        """
        return webhooks.ensure(self._client, delivery_url)

    def list_subscriptions(self, delivery_url: str) -> list[Subscription]:
        """One of each topic, as the shop has it."""
        return webhooks.listed(self._client, delivery_url)

    # -- Diagnoses -------------------------------------------------------------------------------------------

    def diagnose(self, circumstances: Circumstances) -> Iterator[Finding]:
        """See `checkup.CHECKS`."""
        return Checkup(self._client, self.list_subscriptions, has_secret=self.has_webhook_secret).run(circumstances)
