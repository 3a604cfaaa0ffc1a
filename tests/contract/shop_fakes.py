"""The servers against which the way back of every shop is held, one entry per connector; each is a `ShopStandIn`."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

import requests

from connectors.fxiaoke import Fxiaoke
from connectors.kit.base import ConnectorSettings, JsonDict
from connectors.kit.exchanges import Exchange
from connectors.sandbox.faults import FaultPlan
from connectors.sandbox.fxiaoke import CompanySettings, serve_company
from connectors.sandbox.shopify import ShopSettings as ShopifySettings
from connectors.sandbox.shopify import serve_shop as serve_shopify
from connectors.sandbox.vendure import Shop as VendureState
from connectors.sandbox.vendure import ShopSettings as VendureSettings
from connectors.sandbox.vendure import serve_shop as serve_vendure
from connectors.sandbox.woocommerce.app import serve_shop
from connectors.sandbox.woocommerce.deliveries import Behaviour
from connectors.sandbox.woocommerce.settings import ApiKey, ShopSettings
from connectors.sandbox.zoho_crm import OrganisationSettings, serve_crm
from connectors.shopify import Shopify
from connectors.vendure import Vendure
from connectors.woocommerce import WooCommerce
from connectors.zoho_crm import ZohoCrm
from mappings.base import SourceOptions
from mappings.registry import SOURCES
from tests.shared import PATIENCE_S

_ACTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "fulfilment": ("POST", "*/orders/*/fulfillments"),
    "note": ("POST", "*/orders/*/notes"),
    "refund": ("POST", "*/orders/*/refunds"),
    "order": ("PUT", "*/orders/*"),
    "stock": ("POST", "*/products/batch"),
}


class WooCommerceShop:
    """The sandbox shop, in this process."""

    system = "woocommerce"
    skus = ("SIEB-ST", "KANNE-GLAS")
    unknown_sku = "NO-SUCH-ARTICLE"
    unknown_order = "999999"
    done = "completed"
    payout = False
    _key = ApiKey("ck_facets", "cs_facets")

    def __init__(self, server: Any, app: Any) -> None:
        self._server = server
        app.shop.settings = dataclasses.replace(app.shop.settings, fulfillments=True)

    @classmethod
    @contextlib.contextmanager
    def running(cls) -> Iterator[WooCommerceShop]:
        behaviour, plan = Behaviour(delay_s=3600), FaultPlan(settle_s=PATIENCE_S)
        with serve_shop(ShopSettings(keys=(cls._key,)), plan=plan, behaviour=behaviour) as (server, app):
            yield cls(server, app)

    def connect(self) -> WooCommerce:
        settings = ConnectorSettings(
            name="shop",
            url=self._server.url,
            key=self._key.key,
            secret=self._key.secret,
            allow_hosts=("127.0.0.1",),
            deadline_s=PATIENCE_S,
        )
        return WooCommerce(settings)

    def sell(self, quantity: int) -> str:
        lines = [{"sku": sku, "quantity": count} for sku, count in zip(self.skus, (quantity, 1), strict=True)]
        return str(self._do("sell", lines=lines)["id"])

    def refund(self, external_id: str, **refund: Any) -> None:
        self._do(f"orders/{external_id}/refund", **refund)

    def set_stock(self, sku: str, quantity: int) -> None:
        self._do("stock", sku=sku, quantity=quantity, manage_stock=True)

    def break_next(self, action: str, **fault: Any) -> None:
        method, path = _ACTIONS[action]
        self._server.plan.add(method=method, path=path, **fault)

    def mend(self) -> None:
        """No fault is left from the test before."""
        self._server.plan.remove()

    def wrote(self, exchange: Exchange) -> bool:
        return exchange.method != "GET"

    def state_of(self, payload: JsonDict) -> str:
        return SOURCES[self.system].order(payload, SourceOptions()).source_state

    def _do(self, path: str, **body: Any) -> JsonDict:
        reply = requests.post(f"{self._server.url}/_sandbox/{path}", json=body, timeout=PATIENCE_S)
        assert reply.ok, reply.text
        found: JsonDict = reply.json()
        return found


_MUTATIONS: Final[Mapping[str, str]] = {
    "fulfilment": "fulfillmentCreate",
    "order": "metafieldsSet",
    "stock": "inventorySetQuantities",
}


class ShopifyShop:
    """The sandbox shop, in this process."""

    system = "shopify"
    skus = ("SIEB-ST", "KANNE-GLAS")
    unknown_sku = "SIEB"
    unknown_order = "999999"
    done = "cancelled"
    payout = False

    def __init__(self, server: Any, app: Any) -> None:
        self._server, self.shop = server, app.shop

    @classmethod
    @contextlib.contextmanager
    def running(cls) -> Iterator[ShopifyShop]:
        settings = ShopifySettings(bucket=1_000_000)
        with serve_shopify(settings, plan=FaultPlan(settle_s=PATIENCE_S)) as (server, app):
            yield cls(server, app)

    def connect(self) -> Shopify:
        settings = ConnectorSettings(
            name="shop",
            url=self._server.url,
            key="shopify_app",
            secret="shpss_sandbox",
            allow_hosts=("127.0.0.1",),
            deadline_s=PATIENCE_S,
        )
        return Shopify(settings)

    def sell(self, quantity: int) -> str:
        lines = list(zip(self.skus, (quantity, 1), strict=True))
        return str(self.shop.sell(lines)["id"].rpartition("/")[2])

    def refund(self, external_id: str, **refund: Any) -> None:
        amount = Decimal(refund.pop("amount")) if "amount" in refund else None
        self.shop.refund(int(external_id), amount=amount, **refund)

    def set_stock(self, sku: str, quantity: int) -> None:
        with self.shop.lock:
            self.shop.goods.count(sku, quantity)

    def break_next(self, action: str, **fault: Any) -> None:
        self._server.plan.add(body_contains=_MUTATIONS[action], **fault)

    def mend(self) -> None:
        """No fault is left from the test before."""
        self._server.plan.remove()

    def wrote(self, exchange: Exchange) -> bool:
        return "mutation" in exchange.request_body

    def state_of(self, payload: JsonDict) -> str:
        return SOURCES[self.system].order(payload, SourceOptions()).source_state


class FxiaokeCompany:
    """The sandbox company, in this process."""

    system = "fxiaoke"
    skus = ("SIEB-ST", "KANNE-GLAS")
    unknown_sku = "NO-SUCH-ARTICLE"
    unknown_order = "ffffffffffffffffffffffff"
    done = "completed"
    payout = False
    options: Final = {
        "state_field": "erp_state__c",
        "shipment_field": "shipments__c",
        "invoice_field": "invoices__c",
        "shipment_object": "shipment__c",
        "tracking_field": "tracking__c",
        "carrier_field": "carrier__c",
        "content_field": "content__c",
    }
    _paths: Final = {
        "fulfilment": "/cgi/crm/custom/v2/data/create",
        "note": "/cgi/crm/v2/data/update",
        "order": "/cgi/crm/v2/data/update",
    }

    def __init__(self, server: Any, app: Any) -> None:
        self._server, self.company = server, app.company

    @classmethod
    @contextlib.contextmanager
    def running(cls) -> Iterator[FxiaokeCompany]:
        settings = CompanySettings(calls=10_000, token_calls=1_000)
        with serve_company(settings, plan=FaultPlan(settle_s=PATIENCE_S)) as (server, app):
            yield cls(server, app)

    def connect(self) -> Fxiaoke:
        settings = ConnectorSettings(
            name="crm",
            url=self._server.url,
            key="FSAID_sandbox",
            secret="fxiaoke_secret",
            password="fxiaoke_code",
            login="1000",
            allow_hosts=("127.0.0.1",),
            deadline_s=PATIENCE_S,
            options=self.options,
        )
        return Fxiaoke(settings)

    def sell(self, quantity: int) -> str:
        return self.company.sell([(self.skus[0], quantity), (self.skus[1], 1)])

    def wrote(self, exchange: Exchange) -> bool:
        return "/data/create" in exchange.url or "/data/update" in exchange.url

    def state_of(self, payload: JsonDict) -> str:
        return str(payload["SalesOrderObj"]["erp_state__c"])

    def break_next(self, action: str, **fault: Any) -> None:
        self._server.plan.add(path=self._paths[action], **fault)

    def mend(self) -> None:
        """No fault is left from the test before, nor its records: a key is good for one."""
        self._server.plan.remove()
        self.company.objects["shipment__c"].clear()


#: Action -> how its mutation begins; all of them go to one address.
_VENDURE_MUTATIONS: Final[Mapping[str, str]] = {
    # Of its two calls the one by which the goods have left.
    "fulfilment": "mutation MoveFulfilment(",
    "note": "mutation AddNote(",
    "refund": "mutation Refund(",
    # What marks an order is a note.
    "order": "mutation AddNote(",
    "stock": "mutation SetStock(",
}


class VendureShop:
    """The sandbox shop, in this process."""

    system = "vendure"
    skus = ("SIEB-ST", "KANNE-GLAS")
    unknown_sku = "NO-SUCH-ARTICLE"
    unknown_order = "999999"
    done = "Modifying"
    payout = True

    def __init__(self, server: Any, shop: VendureState) -> None:
        self._server, self._shop = server, shop

    @classmethod
    @contextlib.contextmanager
    def running(cls) -> Iterator[VendureShop]:
        with serve_vendure(VendureSettings(), plan=FaultPlan(settle_s=PATIENCE_S)) as (server, app):
            yield cls(server, app.shop)

    def connect(self) -> Vendure:
        settings = ConnectorSettings(
            name="shop",
            url=self._server.url,
            secret=self._shop.settings.api_key,
            allow_hosts=("127.0.0.1",),
            deadline_s=PATIENCE_S,
        )
        return Vendure(settings)

    def sell(self, quantity: int) -> str:
        return str(self._shop.sell(zip(self.skus, (quantity, 1), strict=True))["id"])

    def refund(self, external_id: str, **refund: Any) -> None:
        [payment] = self._shop.orders[external_id]["payments"]
        lines = [{"orderLineId": line, "quantity": count} for line, count in refund.get("lines", {}).items()]
        amount = int(float(refund["amount"]) * 100) if "amount" in refund else None
        told = {"paymentId": payment["id"], "lines": lines, "amount": amount, "reason": refund["reason"]}
        self._shop.give_back(told, "Settled")

    def set_stock(self, sku: str, quantity: int) -> None:
        variant = next(row for row in self._shop.variants.values() if row["sku"] == sku)
        [level] = variant["stockLevels"]
        self._shop.count_stock(variant["id"], "1", quantity + level["stockAllocated"])

    def break_next(self, action: str, **fault: Any) -> None:
        self._server.plan.add(body_contains=_VENDURE_MUTATIONS[action], **fault)

    def mend(self) -> None:
        """No fault is left from the test before."""
        self._server.plan.remove()

    def wrote(self, exchange: Exchange) -> bool:
        return "mutation " in exchange.request_body

    def state_of(self, payload: JsonDict) -> str:
        return SOURCES[self.system].order(payload, SourceOptions()).source_state


class ZohoCrmShop:
    """The sandbox organisation, in this process."""

    system = "zoho_crm"
    skus = ("SIEB-ST", "KANNE-GLAS")
    unknown_order = "5725767000000999999"
    done = "Delivered"
    unknown_sku = "NO-SUCH-ARTICLE"
    payout = False

    def __init__(self, server: Any, app: Any) -> None:
        self._server, self.app = server, app

    @classmethod
    @contextlib.contextmanager
    def running(cls) -> Iterator[ZohoCrmShop]:
        settings = OrganisationSettings(tokens=1000)
        with serve_crm(settings, plan=FaultPlan(settle_s=PATIENCE_S)) as (server, app):
            yield cls(server, app)

    def connect(self) -> ZohoCrm:
        settings = ConnectorSettings(
            name="crm",
            url=self._server.url,
            key="1000.SANDBOX",
            secret="zoho_sandbox_secret",
            refresh_token="1000.sandbox.refresh",
            allow_hosts=("127.0.0.1",),
            deadline_s=PATIENCE_S,
            options={"accounts_url": self._server.url, "vat_field": "VAT_ID"},
        )
        return ZohoCrm(settings)

    def sell(self, quantity: int) -> str:
        lines = list(zip(self.skus, (quantity, 1), strict=True))
        return str(self.app.organisation.sell(lines)["id"])

    def break_next(self, action: str, **fault: Any) -> None:
        method, path = ("POST", "*/Notes") if action == "note" else ("PUT", "*/Sales_Orders/*")
        self._server.plan.add(method=method, path=path, **fault)

    def mend(self) -> None:
        """No fault is left from the test before."""
        self._server.plan.remove()

    def wrote(self, exchange: Exchange) -> bool:
        return exchange.method == "PUT" or exchange.url.endswith("/Notes")

    def state_of(self, payload: JsonDict) -> str:
        return SOURCES[self.system].order(payload, SourceOptions()).source_state
