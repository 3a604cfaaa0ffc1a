"""The connector: what `sync` asks of a Vendure shop."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from connectors.kit.base import (
    ConnectorSettings,
    Diagnoses,
    DocumentSummary,
    Envelope,
    FetchesOrders,
    JsonDict,
    KeyDeclaration,
    LinksDocuments,
    ListsOrders,
    Page,
    PullsOrders,
    RewindsPulls,
    Throttle,
)
from connectors.kit.errors import ConnectionBroken
from connectors.kit.facets import (
    DetailsRefunds,
    ListsRefunds,
    MakesRefunds,
    MarksOrders,
    RefundSummary,
    TakesFulfilments,
    TakesNotes,
)
from connectors.kit.findings import Circumstances, Finding
from connectors.kit.options import Options
from connectors.kit.stock import ShopStock, StockResult, StockTarget, StockWrite
from connectors.kit.words import say
from connectors.vendure.checkup import CHECKS, Checkup
from connectors.vendure.client import Client
from connectors.vendure.fulfilments import Fulfilments
from connectors.vendure.marks import Marks
from connectors.vendure.orders import Orders, Sweeping, checkpoint_at, read_checkpoint
from connectors.vendure.refunds import Refunds
from connectors.vendure.stock import BULK, Stock

_OPTIONS: Final = frozenset(
    {
        *("admin_url", "api_path", "channel_token", "custom_fields", "fulfilment_handler", "order_types", "per_page"),
        *("stock_location", "sweep_days", "sweep_pages"),
    }
)
_PER_PAGE: Final = 25
#: What customers bought; a seller's share of it has the same lines once more.
_TYPES: Final = ("Regular", "Aggregate")
_ALL_TYPES: Final = frozenset({"Regular", "Aggregate", "Seller"})
_SWEEP_DAYS: Final = 30
_SWEEP_PAGES: Final = 10
_FIELD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Vendure(
    PullsOrders,
    RewindsPulls,
    FetchesOrders,
    ListsOrders,
    Diagnoses,
    LinksDocuments,
    DetailsRefunds,
    ListsRefunds,
    MakesRefunds,
    TakesFulfilments,
    MarksOrders,
    TakesNotes,
    StockTarget,
):
    """One channel of a Vendure shop. Thread-safe.

    Options: `channel_token` (of a channel that is not the default one), `api_path` (default `admin-api`), `per_page` (1
    to 100), `sweep_days` (0 to 365: how old an order may be whose refunds and shipments are looked for at every pull),
    `sweep_pages` (hundreds of orders that one pull sweeps), `order_types` (default `Regular` and `Aggregate`),
    `custom_fields` (the shop's own fields of an order to be read), `fulfilment_handler`, `stock_location` (id or name),
    `admin_url` (of the dashboard, where it is not `/admin` of the shop).
    """

    fetch_batch = _PER_PAGE
    concurrency = 2
    stock_bulk = BULK
    #: It takes the quantity that it is given, whoever sold something meanwhile.
    compares_stock = False
    order_keys: Mapping[str, KeyDeclaration] = MappingProxyType(
        {
            "fulfilment": KeyDeclaration(key_field="method", enforced=False, same_call=True),
            "note": KeyDeclaration(key_field="note", enforced=False, same_call=True),
            "refund": KeyDeclaration(key_field="reason", enforced=False, same_call=True),
            # A note known by its first line, with a line of each name: writing it again changes that one.
            "mark": KeyDeclaration(key_field="note", enforced=False, same_call=True),
        }
    )
    checks = CHECKS

    def __init__(self, settings: ConnectorSettings, *, throttle: Throttle | None = None, dry_run: bool = False) -> None:
        """Raises ConnectionBroken naming what is wrong in the settings."""
        options = Options("vendure", settings.options, _OPTIONS)
        sweeping = Sweeping(
            options.whole("sweep_days", _SWEEP_DAYS, 0, 365), options.whole("sweep_pages", _SWEEP_PAGES, 1, 1000)
        )
        handler = options.text("fulfilment_handler", "manual-fulfillment")
        self._client = Client(
            settings,
            api_path=options.text("api_path", "admin-api"),
            channel_token=options.text("channel_token"),
            throttle=throttle,
            dry_run=dry_run,
        )
        self.write_deadline_s = self._client.write_deadline_s
        self._admin_url = options.address("admin_url", f"{self._client.url}/admin")
        self._orders = Orders(
            self._client,
            per_page=options.whole("per_page", _PER_PAGE, 1, 100),
            overlap=dt.timedelta(seconds=settings.overlap_s),
            types=_types(options),
            custom_fields=_fields(options),
            sweeping=sweeping,
        )
        self._refunds = Refunds(self._client, self._orders)
        self._fulfilments = Fulfilments(self._client, handler)
        self._marks = Marks(self._client, self._orders.fetch_one)
        self._stock = Stock(self._client, options.text("stock_location"))
        self._checkup = Checkup(self._client, self._orders, self._stock, handler=handler, sweeping=sweeping)

    def close(self) -> None:
        """Close the connections."""
        self._client.http.close()

    # -- LinksDocuments --------------------------------------------------------------------------------------

    def link(self, kind: str, external_id: str) -> str:
        """The order's page in the dashboard."""
        return f"{self._admin_url}/orders/{external_id}" if kind == "order" and _ID.fullmatch(external_id) else ""

    # -- PullsOrders -----------------------------------------------------------------------------------------

    def pull_orders(self, checkpoint: str | None, *, since: dt.datetime | None = None) -> Iterator[Page]:
        """Changed orders, oldest change first, and then those on which the sweep found something; at least one page.

        A checkpoint steps back by the overlap, `since` does not. An order can come more than once, newest state last.
        """
        return self._orders.pull(checkpoint, since)

    def checkpoint_at(self, moment: dt.datetime) -> str:
        """From here a pull reads whatever was changed at `moment` or later, and the overlap before it."""
        return checkpoint_at(moment)

    @staticmethod
    def checkpoint_moment(checkpoint: str) -> dt.datetime:
        """The newest change of an order itself that was read."""
        return read_checkpoint(checkpoint).updated

    # -- FetchesOrders, ListsOrders --------------------------------------------------------------------------

    def fetch_orders(self, external_ids: Sequence[str]) -> list[Envelope]:
        """The current state of each id, in the order asked for; one of another channel is as good as gone.

        Raises Transient, ConnectionBroken, RecordRejected for an id that is no Vendure id.
        """
        return self._orders.fetch(external_ids)

    def list_orders(self, since: dt.datetime, until: dt.datetime) -> Iterator[DocumentSummary]:
        """Every order placed in the window, each once, whatever its state, with what it came to as it was sold."""
        return self._orders.list_all(since, until)

    # -- refunds ---------------------------------------------------------------------------------------------

    def fetch_refunds(self, external_id: str) -> list[JsonDict]:
        """All refunds of all payments of one order, oldest first, whatever their state, in whole units of its money.

        Raises RecordRejected (code `codes.GONE`) when the order is gone.
        """
        return self._orders.refunds(external_id)

    def create_refund(self, external_id: str, payload: JsonDict) -> JsonDict:
        """One more, whatever there is: look first. The payment's handler sends the money."""
        return self._refunds.give_back(external_id, payload)

    def list_refunds(self, since: dt.datetime, until: dt.datetime) -> Iterator[RefundSummary]:
        """Every refund settled in the window, each once, of orders placed up to a hundred days before it."""
        return self._refunds.listed(since, until)

    # -- TakesFulfilments ------------------------------------------------------------------------------------

    def takes_fulfilments(self) -> bool:
        """Every shop does."""
        return True

    def list_fulfilments(self, external_id: str) -> list[JsonDict]:
        """All of one order that were not cancelled, oldest first. Raises RecordRejected when the order is gone."""
        return self._fulfilments.listed(external_id)

    def create_fulfilment(self, external_id: str, payload: JsonDict) -> JsonDict:
        """One more, brought to `Shipped`. Raises RecordRejected for more pieces than are left."""
        return self._fulfilments.create(external_id, payload)

    def update_fulfilment(self, external_id: str, fulfilment_id: str, payload: JsonDict) -> JsonDict:
        """Bring one on that was left half-way, or cancel it and make it anew; it has another id then."""
        return self._fulfilments.update(external_id, fulfilment_id, payload)

    # -- MarksOrders, TakesNotes ----------------------------------------------------------------------------

    def update_order(self, external_id: str, payload: JsonDict) -> Envelope:
        """Read the order and write what differs from it.

        Raises RecordRejected when the order is gone or its process does not lead into the state, and what writes raise.
        """
        return self._marks.update(external_id, payload)

    def list_notes(self, external_id: str) -> list[JsonDict]:
        """All notes of one order, oldest first. Raises RecordRejected when the order is gone."""
        return self._marks.notes(external_id)

    def add_note(self, external_id: str, payload: JsonDict) -> JsonDict:
        """One more, whatever there is: look first. Moves no `updatedAt`."""
        return self._marks.add_note(external_id, payload)

    # -- StockTarget -----------------------------------------------------------------------------------------

    def find_stock(self, skus: Sequence[str]) -> dict[str, list[ShopStock]]:
        """A call for each hundred SKUs. Raises Transient, ConnectionBroken."""
        return self._stock.find(skus)

    def write_stock(self, writes: Sequence[StockWrite]) -> list[StockResult]:
        """A look and a write for each hundred articles: what is allocated by now is added to what is to be sold."""
        return self._stock.write(writes)

    # -- Diagnoses -------------------------------------------------------------------------------------------

    def diagnose(self, circumstances: Circumstances) -> Iterator[Finding]:
        """See `checkup.CHECKS`."""
        return self._checkup.run(circumstances)


def _types(options: Options) -> tuple[str, ...]:
    found = options.texts("order_types", _TYPES)
    # Both of a marketplace's kinds would bring each line twice.
    if not set(found) <= _ALL_TYPES or {"Aggregate", "Seller"} <= set(found):
        text = say("option `order_types` of vendure takes Regular with either Aggregate or Seller")
        raise ConnectionBroken(text, code="option")
    return found


def _fields(options: Options) -> tuple[str, ...]:
    found = options.texts("custom_fields", ("-",))
    if found == ("-",):
        return ()
    if strange := next((name for name in found if not _FIELD.fullmatch(name)), None):
        text = say("option `custom_fields` of vendure takes names of fields, not %(name)s", name=repr(strange))
        raise ConnectionBroken(text, code="option")
    return found
