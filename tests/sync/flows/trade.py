"""A shop and an ERP that really answer, with Crossdock between them: for what comes after the import.

The shop is the project's sandbox on loopback; the ERP is the sandbox of this process, or another one that a test brings
(`Hub`). Nothing is scheduled: a test says when is looked.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import requests
from sqlalchemy import Row, select, update

from config.model import (
    DEFAULT_RULES,
    AfterImport,
    Auth,
    Channel,
    Config,
    DocumentState,
    Mode,
    Policies,
    Schedules,
    Secret,
    StockPolicy,
)
from config.model import Connection as Account
from connectors.kit.auth import OAuth1
from connectors.sandbox.catalogue import catalogue
from connectors.sandbox.erp import DEFAULT_API_KEY, ErpOptions, RunningErp, running_erp
from connectors.sandbox.erp.products import default_products
from connectors.sandbox.fxiaoke import CompanySettings, serve_company
from connectors.sandbox.server import Server
from connectors.sandbox.shopify import ShopSettings as ShopifySettings
from connectors.sandbox.shopify import serve_shop as serve_shopify
from connectors.sandbox.woocommerce.app import serve_shop
from connectors.sandbox.woocommerce.settings import ApiKey, ShopSettings
from connectors.sandbox.zoho_crm import OrganisationSettings, serve_crm
from sync.flows.facets.follow import follow
from sync.flows.pull import pull
from sync.rules.links import FileLinks
from sync.rules.state_words import state_words
from sync.rules.stock_systems import stock_systems
from sync.rules.systems import Systems
from sync.store.channels import start_channel
from sync.store.engine import Store
from sync.store.issues import list_open
from sync.store.marking import mark
from sync.store.tables import channel_states, documents, intents, orders, work_items
from sync.work.drain import drain_channel
from sync.work.stock.drain import drain_stock
from sync.work.stock.run import run_stock
from sync.work.witness import Witness
from tests.databases import forward
from tests.shared import PATIENCE_S
from tests.sync.flows.shop import PLACED

CHANNEL = "web"
#: Where the sandbox ERP books what gateways kept, once a channel says so.
FEE_ACCOUNT = "6855"
KEY = ApiKey("ck_trade", "cs_trade")
#: Of connections to this machine.
LOCAL: Mapping[str, Any] = {"allow_hosts": ("127.0.0.1",), "deadline_s": PATIENCE_S, "settle_s": 0.0}
#: Three articles that both sides know, with more than enough of each.
TEA, POT, CUP = (product.sku for product in [each for each in catalogue() if not each.virtual][:3])


class Hub:
    """A shop whose people a test plays, an ERP, and Crossdock between them."""

    def __init__(
        self,
        store: Store,
        server: Server,
        shop: Any,
        erp: Account,
        *,
        selling: Account | None = None,
        policies: Mapping[str, Any] | None = None,
        stock: StockPolicy | None = None,
        **after: Any,
    ) -> None:
        """`policies` and `after` are fields of `Policies` and of `AfterImport`; `selling` is another shop's account."""
        self.store, self.shop = store, shop
        #: What the machine remembers beside the database; where there is none, nobody compares.
        self.witness: Witness | None = None
        self.shop_plan = server.plan
        self.shop_url = server.url
        rules = {**DEFAULT_RULES, "price": Mode.OFF, "tax": Mode.OFF, "duplicate_order": Mode.OFF}
        auth = Auth(method="oauth1", key=Secret(KEY.key), secret=Secret(KEY.secret))
        source = selling or Account(name="shop", system="woocommerce", url=server.url, auth=auth, **LOCAL)
        told = state_words(source.system, source.options).default
        self.config = Config(
            folder=Path("config"),
            connections={
                "shop": source,
                "erp": erp,
            },
            channels={
                CHANNEL: Channel(
                    name=CHANNEL,
                    source="shop",
                    erp="erp",
                    policies=Policies(**{"start_at": PLACED.replace(year=2020), "rules": rules, **(policies or {})}),
                    after_import=AfterImport(**{"state_back": told, **after}),
                    stock=stock or StockPolicy(),
                    # A proof asks nothing of what was placed within two pulls; here nothing is excused by its age.
                    schedules=Schedules(pull_every_s=0.0),
                )
            },
        )
        self.systems = Systems(self.config, links=FileLinks("https://hub.test", Secret("k" * 32)))
        store.write(lambda c: start_channel(c, CHANNEL, PLACED.replace(year=2020)))
        store.write(lambda c: c.execute(update(channel_states).values(trusted_since=PLACED.replace(year=2020))))

    def close(self) -> None:
        self.systems.close()

    # --- people in the shop --------------------------------------------------------------------------------------

    def in_shop(self, method: str, path: str, body: Any = None) -> Any:
        """As an administrator of the shop."""
        url = f"{self.shop_url}/wp-json/wc/v3/{path}"
        answer = requests.request(method, url, json=body, auth=OAuth1(KEY.key, KEY.secret), timeout=PATIENCE_S)
        assert answer.ok, answer.text
        return answer.json()

    def buy(self, *lines: tuple[str, int], **fields: Any) -> str:
        """A customer orders and pays; answers the order's id."""
        skus = ",".join(sku for sku, _ in lines)
        ids = {row["sku"]: row["id"] for row in self.in_shop("GET", f"products?sku={skus}")}
        address = {
            "first_name": "Ada", "last_name": "Nord", "address_1": "Weg 1", "city": "Berlin", "postcode": "10115",
            "country": "DE", "email": "ada@example.test",
        }  # fmt: skip
        order = {
            "status": "processing",
            "set_paid": True,
            "payment_method": "stripe",
            "payment_method_title": "Card",
            "transaction_id": "ch_1",
            "billing": address,
            "shipping": {name: value for name, value in address.items() if name != "email"},
            "line_items": [{"product_id": ids[sku], "quantity": quantity} for sku, quantity in lines],
            "shipping_lines": [{"method_id": "flat_rate", "method_title": "Parcel", "total": "4.90"}],
            **fields,
        }
        return str(self.in_shop("POST", "orders", order)["id"])

    def order(self, number: str) -> Any:
        """As the shop shows it."""
        return self.in_shop("GET", f"orders/{number}")

    def sale_id(self, number: str) -> str:
        systems = self.systems.channel(CHANNEL)
        key = systems.target_mapping.sale_key(number, systems.target_options)
        [document] = systems.target.find_sales([key])[key]
        return document.external_id

    # --- Crossdock -----------------------------------------------------------------------------------------------

    def carry(self) -> None:
        """Look at both systems, and work off what came of it."""
        pull(self.store, self.systems.connector("shop"), "shop", [CHANNEL], since=PLACED.replace(year=2020))
        follow(self.store, self.systems.connector("erp"), "erp", since=PLACED.replace(year=2020))
        self.drain()

    def drain(self) -> int:
        systems = self.systems.channel(CHANNEL)
        return drain_channel(self.store, systems, "order", ring=lambda *_: None, witness=self.witness)

    def show_stock(self) -> None:
        """One run of the stock as the scheduler does it, and its drains."""
        runtime: Any = SimpleNamespace(
            store=self.store, config=self.config, systems=self.systems, bell=SimpleNamespace(ring=lambda *_: None)
        )
        run_stock(runtime, CHANNEL, full=False, pull_orders=self.carry)
        drain_stock(self.store, self.config, stock_systems(self.systems, CHANNEL), ring=lambda *_: None)

    def time_passes(self, seconds: float) -> None:
        """For everything that the database's clock decides."""
        forward(self.store, seconds)

    def mark_again(self, number: str) -> None:
        """As the resync does."""
        self.store.write(lambda c: mark(c, CHANNEL, "order", [number], facet="target", refetch=True))

    def rows(self, query: Any) -> list[Row[Any]]:
        return self.store.read(lambda c: list(c.execute(query)))

    def item(self, number: str) -> Row[Any]:
        [row] = self.rows(select(work_items).where(work_items.c.external_id == number))
        return row

    def documents(self, kind: str) -> list[Row[Any]]:
        return self.rows(select(documents).where(documents.c.kind == kind, documents.c.ended_at.is_(None)))

    def open_intents(self) -> list[Row[Any]]:
        return self.rows(select(intents).where(intents.c.closed_at.is_(None)))

    def orders(self) -> list[Row[Any]]:
        return self.rows(select(orders))

    def causes(self) -> dict[str, int]:
        return {issue.cause: issue.documents for issue in self.store.read(list_open)}


class Trade(Hub):
    """With the sandbox ERP, whose people a test plays too."""

    def __init__(
        self,
        store: Store,
        server: Server,
        shop: Any,
        erp: RunningErp,
        document_state: DocumentState,
        **after: Any,
    ) -> None:
        account = Account(
            name="erp", system="sandbox_erp", url=erp.url, auth=Auth(key=Secret(DEFAULT_API_KEY)), **LOCAL
        )
        policies = {"document_state": document_state, "target": {"fee_account": FEE_ACCOUNT}}
        super().__init__(store, server, shop, account, policies=policies, **after)
        self.erp = erp

    def in_erp(self, method: str, path: str, body: Any = None) -> Any:
        """As a person who works in the ERP."""
        answer = requests.request(method, f"{self.erp.url}/_sandbox/{path}", json=body, timeout=PATIENCE_S)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def sale(self, number: str) -> Any:
        """The order's sale with everything that hangs on it."""
        return self.in_erp("GET", f"sales/{self.sale_id(number)}")


@contextlib.contextmanager
def trading(
    store: Store,
    *,
    erp: ErpOptions | None = None,
    shop: ShopSettings | None = None,
    document_state: DocumentState = DocumentState.CONFIRMED,
    articles: int | None = None,
    ledger: Path | None = None,
    **after: Any,
) -> Iterator[Trade]:
    """A whole trade; `after` are fields of `AfterImport`. The ERP knows `articles`, or as many as it does by itself."""
    settings = dataclasses.replace(shop or ShopSettings(), keys=(KEY,))
    # As long as a call may take: on a busy machine it would else refuse calls for having been on their way too long.
    options = erp or ErpOptions(settle_s=PATIENCE_S)
    products = None if articles is None else default_products(articles)
    books = running_erp(options=options, products=products, ledger=ledger)
    with books as running, serve_shop(settings) as (server, app):
        trade = Trade(store, server, app, running, document_state, **after)
        try:
            yield trade
        finally:
            trade.close()


@contextlib.contextmanager
def trading_shopify(
    store: Store,
    *,
    shop: ShopifySettings | None = None,
    articles: int | None = None,
    document_state: DocumentState = DocumentState.CONFIRMED,
    **after: Any,
) -> Iterator[Trade]:
    """The same with the Shopify of this project, which is the trade's `shop`."""
    settings = shop or ShopifySettings(bucket=1_000_000)
    products = None if articles is None else default_products(articles)
    books = running_erp(options=ErpOptions(settle_s=PATIENCE_S), products=products)
    with books as running, serve_shopify(settings) as (server, app):
        auth = Auth(key=Secret(settings.client_id), secret=Secret(settings.client_secret))
        selling = Account(name="shop", system="shopify", url=server.url, auth=auth, **LOCAL)
        trade = Trade(store, server, app.shop, running, document_state, selling=selling, **after)
        try:
            yield trade
        finally:
            trade.close()


@contextlib.contextmanager
def trading_zoho(
    store: Store,
    *,
    document_state: DocumentState = DocumentState.CONFIRMED,
    options: Mapping[str, Any] | None = None,
    **after: Any,
) -> Iterator[Trade]:
    """The same with the organisation on Zoho CRM of this project, which is the trade's `shop`; `options` of its own."""
    settings = OrganisationSettings()
    with running_erp(options=ErpOptions(settle_s=PATIENCE_S)) as running, serve_crm(settings) as (server, app):
        auth = Auth(
            key=Secret(settings.client_id),
            secret=Secret(settings.client_secret),
            refresh_token=Secret(settings.refresh_token),
        )
        said = {"accounts_url": server.url, "vat_field": "VAT_ID", **(options or {})}
        selling = Account(name="shop", system="zoho_crm", url=server.url, auth=auth, options=said, **LOCAL)
        trade = Trade(store, server, app.organisation, running, document_state, selling=selling, **after)
        try:
            yield trade
        finally:
            trade.close()


#: Where the sandbox company has room for what became of its orders.
FXIAOKE_FIELDS: Mapping[str, str] = {
    "tax_rate": "19",
    "country": "DE",
    "state_field": "erp_state__c",
    "sale_field": "sale__c",
    "invoice_field": "invoices__c",
    "shipment_object": "shipment__c",
    "tracking_field": "tracking__c",
    "carrier_field": "carrier__c",
    "content_field": "content__c",
}


@contextlib.contextmanager
def trading_fxiaoke(
    store: Store, *, document_state: DocumentState = DocumentState.CONFIRMED, **after: Any
) -> Iterator[Trade]:
    """The same with the company on Fxiaoke of this project, which is the trade's `shop`."""
    settings = CompanySettings(calls=10_000)
    with running_erp(options=ErpOptions(settle_s=PATIENCE_S)) as running, serve_company(settings) as (server, app):
        auth = Auth(
            key=Secret(settings.app_id),
            secret=Secret(settings.app_secret),
            password=Secret(settings.permanent_code),
            login=settings.employee,
        )
        selling = Account(name="shop", system="fxiaoke", url=server.url, auth=auth, options=FXIAOKE_FIELDS, **LOCAL)
        trade = Trade(store, server, app.company, running, document_state, selling=selling, **after)
        try:
            yield trade
        finally:
            trade.close()


__all__ = [
    "CHANNEL",
    "CUP",
    "KEY",
    "LOCAL",
    "POT",
    "TEA",
    "Hub",
    "Trade",
    "trading",
    "trading_fxiaoke",
    "trading_shopify",
    "trading_zoho",
]
