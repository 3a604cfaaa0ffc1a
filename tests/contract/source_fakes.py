"""The servers against which every source of orders is held, one entry per connector.

Each is a `SourceStandIn`, and a context manager that yields one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import hmac
import time
from collections.abc import Iterator, Mapping, Sequence
from email.utils import format_datetime
from typing import Any

from connectors.fxiaoke import Fxiaoke
from connectors.jsonhooks import JsonHooks
from connectors.kit.base import ConnectorSettings
from connectors.sandbox.faults import FaultPlan
from connectors.sandbox.fxiaoke import CompanySettings, FxiaokeApp, serve_company
from connectors.sandbox.receiver import receiver
from connectors.sandbox.server import Server
from connectors.sandbox.shopify import ShopifyApp
from connectors.sandbox.shopify import ShopSettings as ShopifySettings
from connectors.sandbox.shopify import serve_shop as serve_shopify
from connectors.sandbox.vendure import ShopSettings as VendureSettings
from connectors.sandbox.vendure import VendureApp
from connectors.sandbox.vendure import serve_shop as serve_vendure
from connectors.sandbox.woocommerce import app as woocommerce
from connectors.sandbox.woocommerce.app import serve_shop
from connectors.sandbox.woocommerce.deliveries import Behaviour
from connectors.sandbox.woocommerce.generator import Generator
from connectors.sandbox.woocommerce.orders import change, trash
from connectors.sandbox.woocommerce.settings import ApiKey, ShopSettings
from connectors.sandbox.zoho_crm import OrganisationSettings, ZohoCrmApp, serve_crm
from connectors.shopify import Shopify
from connectors.vendure import Vendure
from connectors.woocommerce import WooCommerce
from connectors.zoho_crm import ZohoCrm
from sync.contract import SourceStandIn
from tests.shared import PATIENCE_S, wait_until


class WooCommerceFake(SourceStandIn):
    """The sandbox shop, in this process."""

    secrets = ("cs_9f3a_Sandbox", "geheim-ß-1")
    unknown_id = "999999"

    def __init__(self, server: Server, app: woocommerce.WooCommerce) -> None:
        super().__init__(server)
        self._shop = app.shop
        self._generator = Generator(app.shop, seed=7)

    def connect(self, *, page_size: int = 100, **settings: Any) -> WooCommerce:
        values: dict[str, Any] = {
            "name": "shop",
            "url": self.server.url,
            "key": "ck_sandbox",
            "secret": self.secrets[0],
            "webhook_secrets": self.secrets[1:],
            "allow_hosts": ("127.0.0.1",),
            "deadline_s": PATIENCE_S,
            "overlap_s": 0.0,
        }
        return WooCommerce(ConnectorSettings(**(values | settings), options={"per_page": page_size}))

    def place(self, count: int) -> list[str]:
        return [str(row.document()["id"]) for row in self._generator.live(count)]

    def change(self, external_id: str) -> None:
        with self._shop.lock:
            order = self._shop.order(int(external_id)).document()
            order["customer_note"] = f"{order['customer_note']}!"
            change(self._shop, order, "order.update")

    def discard(self, external_id: str) -> None:
        with self._shop.lock:
            trash(self._shop, self._shop.order(int(external_id)).document())

    def delete(self, external_id: str) -> None:
        self._shop.drop_order(int(external_id))

    def deliveries(self, connector: WooCommerce) -> list[tuple[bytes, dict[str, str]]]:
        with receiver() as (url, came):
            connector.ensure_subscriptions(url)
            came.clear()
            self.place(1)
            wait_until(lambda: came)
        return came

    def totals(self, connector: WooCommerce, external_ids: Sequence[str]) -> dict[str, str]:
        return {order.external_id: order.payload["total"] for order in connector.fetch_orders(external_ids)}

    def clock(self) -> float:
        return time.time() + self._shop.clock_offset_s

    def later(self, seconds: int) -> None:
        self._shop.clock_offset_s += seconds


@contextlib.contextmanager
def sandbox_woocommerce() -> Iterator[WooCommerceFake]:
    key = ApiKey("ck_sandbox", WooCommerceFake.secrets[0])
    with serve_shop(
        ShopSettings(keys=(key,)), plan=FaultPlan(settle_s=PATIENCE_S), behaviour=Behaviour(delay_s=0.0, jitter_s=0.0)
    ) as (server, app):
        fake = WooCommerceFake(server, app)
        inner = server._app

        def answer(request: Any) -> Any:
            response = inner(request)
            # As every web server does; the shop's clock may be set apart from ours.
            clock = format_datetime(dt.datetime.fromtimestamp(fake.clock(), tz=dt.UTC), usegmt=True)
            kept = [(name, value) for name, value in response.headers if name != "Date"]
            return dataclasses.replace(response, headers=(*kept, ("Date", clock)))

        server._app = answer
        yield fake


class ShopifyFake(SourceStandIn):
    """The sandbox shop, in this process."""

    secrets = ("shpss_9f3a_Sandbox", "geheim-ß-1")
    unknown_id = "999999"

    def __init__(self, server: Server, app: ShopifyApp) -> None:
        super().__init__(server)
        self._shop = app.shop

    def connect(self, *, page_size: int = 25, **settings: Any) -> Shopify:
        values: dict[str, Any] = {
            "name": "shop",
            "url": self.server.url,
            "key": "shopify_app",
            "secret": self.secrets[0],
            "webhook_secrets": self.secrets[1:],
            "allow_hosts": ("127.0.0.1",),
            "deadline_s": PATIENCE_S,
            "overlap_s": 0.0,
        }
        return Shopify(ConnectorSettings(**(values | settings), options={"per_page": page_size}))

    def place(self, count: int) -> list[str]:
        return [self._shop.sell()["id"].rpartition("/")[2] for _ in range(count)]

    def change(self, external_id: str) -> None:
        with self._shop.lock:
            note = self._shop.orders[int(external_id)]["note"] or ""
            self._shop.edit(int(external_id), note=f"{note}!")

    def discard(self, external_id: str) -> None:
        self._shop.cancel(int(external_id))

    def delete(self, external_id: str) -> None:
        self._shop.delete(int(external_id))

    def deliveries(self, connector: Shopify) -> list[tuple[bytes, dict[str, str]]]:
        with receiver() as (url, came):
            connector.ensure_subscriptions(url)
            self.place(1)
            wait_until(lambda: came)
        return came

    def totals(self, connector: Shopify, external_ids: Sequence[str]) -> dict[str, str]:
        orders = connector.fetch_orders(external_ids)
        return {order.external_id: order.payload["totalPriceSet"]["presentmentMoney"]["amount"] for order in orders}

    def later(self, seconds: int) -> None:
        self._shop.clock_offset_s += seconds


@contextlib.contextmanager
def sandbox_shopify() -> Iterator[ShopifyFake]:
    secret, signing = ShopifyFake.secrets
    settings = ShopifySettings(client_secret=secret, signing_secret=signing)
    with serve_shopify(settings, plan=FaultPlan(settle_s=PATIENCE_S)) as (server, app):
        yield ShopifyFake(server, app)


class FxiaokeFake(SourceStandIn):
    """The sandbox company, in this process."""

    secrets = ("fxs_9f3a_Sandbox", "code-geheim-1")
    unknown_id = "ffffffffffffffffffffffff"

    def __init__(self, server: Server, app: FxiaokeApp) -> None:
        super().__init__(server)
        self._company = app.company

    def connect(self, *, page_size: int = 100, options: Mapping[str, Any] | None = None, **settings: Any) -> Fxiaoke:
        values: dict[str, Any] = {
            "name": "crm",
            "url": self.server.url,
            "key": "FSAID_sandbox",
            "secret": self.secrets[0],
            "password": self.secrets[1],
            "login": "1000",
            "allow_hosts": ("127.0.0.1",),
            "deadline_s": PATIENCE_S,
            "overlap_s": 0.0,
        }
        return Fxiaoke(ConnectorSettings(**(values | settings), options={"per_page": page_size, **(options or {})}))

    def place(self, count: int) -> list[str]:
        return [self._company.sell() for _ in range(count)]

    def change(self, external_id: str) -> None:
        with self._company.lock:
            remark = self._company.objects["SalesOrderObj"][external_id].get("remark", "")
            self._company.change("SalesOrderObj", external_id, remark=f"{remark}!")

    def discard(self, external_id: str) -> None:
        self._company.void(external_id)

    def delete(self, external_id: str) -> None:
        self._company.delete(external_id)

    def totals(self, connector: Fxiaoke, external_ids: Sequence[str]) -> dict[str, str]:
        orders = connector.fetch_orders(external_ids)
        return {order.external_id: order.payload["SalesOrderObj"]["order_amount"] for order in orders}

    def later(self, seconds: int) -> None:
        self._company.clock_offset_s += seconds


@contextlib.contextmanager
def sandbox_fxiaoke() -> Iterator[FxiaokeFake]:
    secret, code = FxiaokeFake.secrets
    settings = CompanySettings(app_secret=secret, permanent_code=code)
    with serve_company(settings, plan=FaultPlan(settle_s=PATIENCE_S)) as (server, app):
        yield FxiaokeFake(server, app)


class ZohoCrmFake(SourceStandIn):
    """The sandbox organisation, in this process."""

    unsigned = True
    secrets = ("zoho_9f3a_Secret", "geheim-ß-1", "1000.refresh.4711")
    unknown_id = "5725767000000999999"

    def __init__(self, server: Server, app: ZohoCrmApp) -> None:
        super().__init__(server)
        self._of = app.organisation

    def connect(self, *, page_size: int = 50, **settings: Any) -> ZohoCrm:
        values: dict[str, Any] = {
            "name": "crm",
            "url": self.server.url,
            "key": "1000.SANDBOX",
            "secret": self.secrets[0],
            "refresh_token": self.secrets[2],
            "webhook_secrets": self.secrets[1:2],
            "allow_hosts": ("127.0.0.1",),
            "deadline_s": PATIENCE_S,
            "overlap_s": 0.0,
        }
        options = {"per_page": page_size, "accounts_url": self.server.url, "vat_field": "VAT_ID"}
        return ZohoCrm(ConnectorSettings(**(values | settings), options=options))

    def place(self, count: int) -> list[str]:
        return [self._of.sell()["id"] for _ in range(count)]

    def change(self, external_id: str) -> None:
        with self._of.lock:
            note = self._of.records["Sales_Orders"][external_id]["Description"] or ""
            self._of.edit("Sales_Orders", external_id, Description=f"{note}!")

    def discard(self, external_id: str) -> None:
        self._of.edit("Sales_Orders", external_id, Status="Cancelled")

    def delete(self, external_id: str) -> None:
        self._of.delete("Sales_Orders", external_id)

    def deliveries(self, connector: ZohoCrm) -> list[tuple[bytes, dict[str, str]]]:
        with receiver() as (url, came):
            connector.ensure_subscriptions(url)
            self.place(1)
            wait_until(lambda: came)
        return came

    def totals(self, connector: ZohoCrm, external_ids: Sequence[str]) -> dict[str, str]:
        return {each: str(connector.fetch_orders([each])[0].payload["Grand_Total"]) for each in external_ids}

    def later(self, seconds: int) -> None:
        self._of.clock_offset_s += seconds


@contextlib.contextmanager
def sandbox_zoho_crm() -> Iterator[ZohoCrmFake]:
    secret, _, refresh = ZohoCrmFake.secrets
    settings = OrganisationSettings(client_secret=secret, refresh_token=refresh)
    with serve_crm(settings, plan=FaultPlan(settle_s=PATIENCE_S)) as (server, app):
        yield ZohoCrmFake(server, app)


class VendureFake(SourceStandIn):
    """The sandbox shop, in this process."""

    secrets = ("vendure_9f3a_Sandbox",)
    unknown_id = "999999"

    def __init__(self, server: Server, app: VendureApp) -> None:
        super().__init__(server)
        self._shop = app.shop

    def connect(self, *, page_size: int = 25, **settings: Any) -> Vendure:
        values: dict[str, Any] = {
            "name": "shop",
            "url": self.server.url,
            "secret": self.secrets[0],
            "allow_hosts": ("127.0.0.1",),
            "deadline_s": PATIENCE_S,
            "overlap_s": 0.0,
        }
        return Vendure(ConnectorSettings(**(values | settings), options={"per_page": page_size}))

    def place(self, count: int) -> list[str]:
        return [self._shop.sell()["id"] for _ in range(count)]

    def change(self, external_id: str) -> None:
        with self._shop.lock:
            address = self._shop.orders[external_id]["shippingAddress"]
            self._shop.edit(external_id, shippingAddress=address | {"streetLine2": f"{address['streetLine2']}!"})

    def discard(self, external_id: str) -> None:
        self._shop.cancel(external_id)

    def delete(self, external_id: str) -> None:
        self._shop.delete(external_id)

    def totals(self, connector: Vendure, external_ids: Sequence[str]) -> dict[str, str]:
        orders = connector.fetch_orders(external_ids)
        # A cancelled order's own total is nothing; what was paid for it stays.
        return {order.external_id: f"{order.payload['payments'][0]['amount'] / 100:.2f}" for order in orders}

    def later(self, seconds: int) -> None:
        self._shop.clock_offset_s += seconds


@contextlib.contextmanager
def sandbox_vendure() -> Iterator[VendureFake]:
    settings = VendureSettings(api_key=VendureFake.secrets[0])
    with serve_vendure(settings, plan=FaultPlan(settle_s=PATIENCE_S)) as (server, app):
        yield VendureFake(server, app)


class JsonFake:
    """A system that signs what it posts, and can do nothing else."""

    unsigned = False
    secrets = ("geheim-1", "geheim-ß-2")

    def connect(self, **settings: Any) -> JsonHooks:
        values: dict[str, Any] = {"name": "hooks", "url": "", "webhook_secrets": self.secrets}
        options = {"id": "no", "timestamp_header": "X-Signed-At"}
        return JsonHooks(ConnectorSettings(**(values | settings), options=options))

    def deliveries(self, connector: JsonHooks) -> list[tuple[bytes, dict[str, str]]]:
        body, timestamp = b'{"no": 7, "total": 12.50}', str(int(time.time()))
        # With the second: a secret that is on its way out counts as the new one does.
        signature = hmac.digest(self.secrets[1].encode(), f"{timestamp}.".encode() + body, "sha256").hex()
        return [(body, {"X-Signature": signature, "X-Signed-At": timestamp})]


@contextlib.contextmanager
def signed_json() -> Iterator[JsonFake]:
    yield JsonFake()
