"""The connector: what `sync` asks of a Shopify shop."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from connectors.kit.base import (
    ConnectorSettings,
    Delivery,
    Diagnoses,
    DocumentSummary,
    Envelope,
    FetchesOrders,
    JsonDict,
    KeyDeclaration,
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
from connectors.kit.facets import DetailsRefunds, ListsRefunds, MarksOrders, RefundSummary, TakesFulfilments
from connectors.kit.findings import Circumstances, Finding
from connectors.kit.moments import moment_text
from connectors.kit.options import Options
from connectors.kit.stock import ShopStock, StockResult, StockTarget, StockWrite
from connectors.shopify import webhooks
from connectors.shopify.bulk import LEAST, History, reached_at
from connectors.shopify.checkup import CHECKS, Checkup
from connectors.shopify.client import Client
from connectors.shopify.marks import Marks
from connectors.shopify.orders import Orders
from connectors.shopify.parcels import Parcels
from connectors.shopify.refunds import Refunds
from connectors.shopify.stock import BULK, Stock

_OPTIONS: Final = frozenset({"admin_url", "bulk_orders", "location", "per_page"})
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
    DetailsRefunds,
    ListsRefunds,
    TakesFulfilments,
    MarksOrders,
    StockTarget,
):
    """One Shopify shop. Thread-safe.

    Options: `per_page` (1 to 100; fewer are asked for by itself where the shop finds a page too costly), `bulk_orders`
    (from so many orders on a long past is read by a bulk operation; 0 never), `location` (name or id of the one whose
    stock is shown where a channel names none), `admin_url` (of the administration, where it is not
    `https://admin.shopify.com/store/NAME`).
    """

    fetch_batch = 25
    #: Together they drink from one bucket.
    concurrency = 2
    stock_bulk = BULK
    compares_stock = True
    order_keys: Mapping[str, KeyDeclaration] = MappingProxyType(
        {
            # Announced there before it is made, for a fulfilment has no field of its own for it.
            "fulfilment": KeyDeclaration(key_field="metafields.fulfillments.key", enforced=False, same_call=True),
            # One value of each name: writing it again changes that one.
            "mark": KeyDeclaration(key_field="metafields.key", enforced=True, same_call=True),
        }
    )
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
        #: The longest deadline of any of the writes.
        self.write_deadline_s = self._client.http.deadline_s
        least = options.whole("bulk_orders", LEAST, 0, 1_000_000)
        history = History(self._client, least, self._client.download) if least else None
        self._orders = Orders(self._client, per_page, dt.timedelta(seconds=settings.overlap_s), history)
        self._refunds = Refunds(self._client, self._orders)
        self._parcels = Parcels(self._client)
        self._marks = Marks(self._client, lambda external_id: self._orders.fetch([external_id])[0])
        self._stock = Stock(self._client, options.text("location", ""))

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
        return moment_text(moment)

    @staticmethod
    def checkpoint_moment(checkpoint: str) -> dt.datetime:
        """The newest change that was read."""
        return reached_at(checkpoint)

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

    # -- DetailsRefunds, ListsRefunds ------------------------------------------------------------------------

    def fetch_refunds(self, external_id: str) -> list[JsonDict]:
        """All refunds of one order, oldest first. Raises RecordRejected (code `codes.GONE`) when the order is gone."""
        return self._refunds.of_order(external_id)

    def list_refunds(self, since: dt.datetime, until: dt.datetime) -> Iterator[RefundSummary]:
        """Every refund with money made in the window, each once, in the currency that the customer paid in."""
        return self._refunds.listed(since, until)

    # -- TakesFulfilments ------------------------------------------------------------------------------------

    def takes_fulfilments(self) -> bool:
        """Every shop does; without the scope the write is refused, and says which."""
        return True

    def list_fulfilments(self, external_id: str) -> list[JsonDict]:
        """All that stand, oldest first, with `key` where we had announced them. Raises RecordRejected."""
        return self._parcels.listed(external_id)

    def create_fulfilment(self, external_id: str, payload: JsonDict) -> JsonDict:
        """Two calls to look, one to announce it, one for each location that its pieces are sent from.

        Raises RecordRejected where fewer pieces are left to be sent: nothing was made.
        """
        return self._parcels.create(external_id, payload)

    def update_fulfilment(self, external_id: str, fulfilment_id: str, payload: JsonDict) -> JsonDict:
        """Its tracking; what shows it already is left alone. Raises RecordRejected where it was cancelled."""
        return self._parcels.update(external_id, fulfilment_id, payload)

    # -- MarksOrders -----------------------------------------------------------------------------------------

    def update_order(self, external_id: str, payload: JsonDict) -> Envelope:
        """Metafields, tags, `closed` or `cancelled`: read, send what differs, read back.

        Raises RecordRejected when the order is gone or cannot be cancelled any more, OutcomeUnknown for a cancellation
        that has not come to its end, and what writes raise.
        """
        return self._marks.update(external_id, payload)

    # -- StockTarget -----------------------------------------------------------------------------------------

    def find_stock(self, skus: Sequence[str]) -> dict[str, list[ShopStock]]:
        """In each location of its name, and in the one that needs none. Raises Transient, ConnectionBroken."""
        return self._stock.find(skus)

    def write_stock(self, writes: Sequence[StockWrite]) -> list[StockResult]:
        """250 quantities a call, each only while the shop shows what its `article` does: else Transient."""
        return self._stock.write(writes)

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
        secret = self.has_webhook_secret
        return Checkup(self._client, self.list_subscriptions, self._stock.places, has_secret=secret).run(circumstances)
