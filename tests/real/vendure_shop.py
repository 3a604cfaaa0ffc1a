"""A real Vendure shop from npm, and the people in it: customers who buy, administrators who send and give back.

Vendure is installed by `npm ci` from the lock file beside this one into the user's cache, once for each content of it,
and started as a process on loopback with its SQLite in a file. Nothing of it is part of Crossdock.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import requests

from connectors.sandbox.catalogue import TAX_PERCENT, Product
from connectors.sandbox.tryton.environment import SandboxError, exclusive, run
from tests.shared import PATIENCE_S, unavailable

_FILES: Final = Path(__file__).with_name("vendure")
_LOCKED: Final = ("package.json", "package-lock.json")
_START_S: Final = 120
LOGIN, PASSWORD = "superadmin", "Geheim-ß-1"
ADDRESS: Final = {
    "fullName": "Ada Nord",
    "company": "Teehaus & Co.",
    "streetLine1": "Weg 1",
    "city": "Berlin",
    "postalCode": "10115",
    "countryCode": "DE",
}


def installed() -> Path:
    """The folder into which `npm ci` has put it, now or at an earlier run."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("a real Vendure needs Node; as root on Debian: apt install npm")
    content = b"".join((_FILES / name).read_bytes() for name in _LOCKED)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "crossdock"
    cache.mkdir(parents=True, exist_ok=True)
    home = cache / f"vendure-{hashlib.sha256(content).hexdigest()[:12]}"
    with exclusive(cache / "vendure.lock"):
        if not home.exists():
            # Only a folder that is whole gets its name, so an interrupted download is begun anew.
            part = home.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            for name in _LOCKED:
                shutil.copy(_FILES / name, part)
            quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            try:
                run([str(npm), "ci", "--prefix", str(part), *quiet], cache / "vendure-install.log")
            except SandboxError as error:
                unavailable(f"npm cannot fetch Vendure: {error}")
            part.rename(home)
    return home


@contextlib.contextmanager
def running_vendure(folder: Path) -> Iterator[RealShop]:
    """A shop with a catalogue, German taxes, one way to send and one way to pay."""
    home = installed()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = os.environ | {
        "NODE_PATH": str(home / "node_modules"),
        "NODE_ENV": "production",
        "VENDURE_DISABLE_TELEMETRY": "true",
    }
    with (folder / "vendure.log").open("wb") as log:
        process = subprocess.Popen(
            ["node", str(_FILES / "shop.js"), str(folder), str(port), PASSWORD],
            cwd=home, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip
        timer = threading.Timer(_START_S, process.kill)
        timer.start()
        try:
            assert process.stdout is not None
            said = list(itertools.takewhile(lambda line: line != b"ready\n", process.stdout))
            timer.cancel()
            assert process.poll() is None, b"".join([*said, (folder / "vendure.log").read_bytes()])[-2000:]
            shop = RealShop(f"http://127.0.0.1:{port}")
            shop.furnish()
            yield shop
        finally:
            timer.cancel()
            process.terminate()
            process.wait(PATIENCE_S)
            if process.stdout is not None:
                process.stdout.close()


class RealShop:
    """The shop, as its people use it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._admin = requests.Session()
        self._variants: dict[str, str] = {}
        answer = self._post(self._admin, "admin-api", _LOGIN, {"u": LOGIN, "p": PASSWORD})
        self._admin.headers["Authorization"] = f"Bearer {answer.headers['vendure-auth-token']}"
        self._methods: list[str] = []

    def _post(self, session: requests.Session, api: str, query: str, variables: Any) -> requests.Response:
        body = {"query": query, "variables": variables}
        answer = session.post(f"{self.url}/{api}", json=body, timeout=PATIENCE_S)
        assert answer.ok, answer.text
        data = answer.json()
        assert not data.get("errors"), data
        for result in data["data"].values():
            assert not (isinstance(result, dict) and "errorCode" in result), result
        return answer

    def admin(self, query: str, **variables: Any) -> Any:
        """As an administrator; what the only field of the answer says."""
        [value] = self._post(self._admin, "admin-api", query, variables).json()["data"].values()
        return value

    # -- setting up ------------------------------------------------------------------------------------------

    def furnish(self) -> None:
        """Country, taxes, shipping, payment."""
        country = {"code": "DE", "enabled": True, "translations": [{"languageCode": "en", "name": "Deutschland"}]}
        member = self.admin(_CREATE.format("Country", "CreateCountryInput!"), i=country)["id"]
        zone = self.admin(_CREATE.format("Zone", "CreateZoneInput!"), i={"name": "DE", "memberIds": [member]})["id"]
        channel = {
            "id": "1", "pricesIncludeTax": True, "defaultTaxZoneId": zone, "defaultShippingZoneId": zone,
            "availableCurrencyCodes": ["EUR"], "defaultCurrencyCode": "EUR", "trackInventory": True,
        }  # fmt: skip
        self.admin("mutation($i:UpdateChannelInput!){updateChannel(input:$i){__typename}}", i=channel)
        self._categories = {}
        for tax_class, percent in TAX_PERCENT.items():
            category = self.admin(_CREATE.format("TaxCategory", "CreateTaxCategoryInput!"), i={"name": f"C{percent}"})
            self._categories[tax_class] = category["id"]
            rate = {"name": f"MwSt {percent}", "enabled": True, "value": int(percent), "zoneId": zone}
            self.admin(_CREATE.format("TaxRate", "CreateTaxRateInput!"), i=rate | {"categoryId": category["id"]})
        self.admin(_CREATE.format("ShippingMethod", "CreateShippingMethodInput!"), i=_SHIPPING)
        self.admin(_CREATE.format("PaymentMethod", "CreatePaymentMethodInput!"), i=_PAYMENT)
        promotion = {
            "enabled": True, "couponCode": "SOMMER10", "conditions": [],
            "actions": [{"code": "order_percentage_discount", "arguments": [{"name": "discount", "value": "10"}]}],
            "translations": [{"languageCode": "en", "name": "Sommer 10 %", "description": ""}],
        }  # fmt: skip
        self.admin("mutation($i:CreatePromotionInput!){createPromotion(input:$i){__typename}}", i=promotion)

    def sells(self, *products: Product) -> None:
        """These articles, at their gross prices."""
        for product in products:
            text = [{"languageCode": "en", "name": product.name, "slug": f"p-{len(self._variants)}", "description": ""}]
            parent = self.admin(_CREATE.format("Product", "CreateProductInput!"), i={"translations": text})["id"]
            variant = {
                "productId": parent, "sku": product.sku, "price": int(product.gross_price * 100),
                "taxCategoryId": self._categories[product.tax_class], "trackInventory": "TRUE",
                "stockLevels": [{"stockLocationId": "1", "stockOnHand": 100}],
                "translations": [{"languageCode": "en", "name": product.name}],
            }  # fmt: skip
            made = self.admin(
                "mutation($i:[CreateProductVariantInput!]!){createProductVariants(input:$i){id}}", i=[variant]
            )
            self._variants[product.sku] = made[0]["id"]

    # -- customers -------------------------------------------------------------------------------------------

    def buy(self, *lines: tuple[str, int], coupon: str = "") -> str:
        """A guest fills a cart, and pays; answers the order's id."""
        customer = requests.Session()

        def step(query: str, **variables: Any) -> Any:
            answer = self._post(customer, "shop-api", query, variables)
            if token := answer.headers.get("vendure-auth-token"):
                customer.headers["Authorization"] = f"Bearer {token}"
            return next(iter(answer.json()["data"].values()))

        for sku, count in lines:
            step(
                "mutation($v:ID!,$q:Int!){addItemToOrder(productVariantId:$v,quantity:$q){__typename "
                "... on ErrorResult{errorCode message}}}",
                v=self._variants[sku],
                q=count,
            )
        if coupon:
            step(
                "mutation($c:String!){applyCouponCode(couponCode:$c){__typename ... on ErrorResult{errorCode}}}",
                c=coupon,
            )
        person = {"firstName": "Ada", "lastName": "Nord", "emailAddress": "ada@teehaus.example.test"}
        step(
            "mutation($i:CreateCustomerInput!,$a:CreateAddressInput!){"
            "setCustomerForOrder(input:$i){__typename ... on ErrorResult{errorCode message}}"
            "setOrderShippingAddress(input:$a){__typename ... on ErrorResult{errorCode}}"
            "setOrderBillingAddress(input:$a){__typename ... on ErrorResult{errorCode}}}",
            i=person,
            a=ADDRESS,
        )
        methods = step("{eligibleShippingMethods{id}}")
        step(
            "mutation($m:[ID!]!){setOrderShippingMethod(shippingMethodId:$m){__typename ... on ErrorResult{errorCode}}"
            'transitionOrderToState(state:"ArrangingPayment"){__typename ... on ErrorResult{errorCode message}}}',
            m=[methods[0]["id"]],
        )
        order = step(
            "mutation($i:PaymentInput!){addPaymentToOrder(input:$i){__typename ... on Order{id state} "
            "... on ErrorResult{errorCode message}}}",
            i={"method": "vorkasse", "metadata": {}},
        )
        assert order["state"] == "PaymentSettled"
        return str(order["id"])

    # -- administrators --------------------------------------------------------------------------------------

    def order(self, number: str) -> Any:
        """As the shop shows it."""
        return self.admin(_ORDER, i=number)

    def refund(self, number: str, *pieces: tuple[str, int], amount: int | None = None) -> str:
        """Give money back, in cents, for pieces of SKUs; settled at once. The refund's id."""
        order = self.order(number)
        line = {each["productVariant"]["sku"]: each["id"] for each in order["lines"]}
        refund = {
            "paymentId": order["payments"][0]["id"], "shipping": 0, "adjustment": 0, "reason": "",
            "lines": [{"orderLineId": line[sku], "quantity": count} for sku, count in pieces],
            **({"amount": amount} if amount is not None else {}),
        }  # fmt: skip
        made = self.admin(
            "mutation($i:RefundOrderInput!){refundOrder(input:$i){__typename ... on Refund{id} "
            "... on ErrorResult{errorCode message}}}",
            i=refund,
        )
        self.admin(
            "mutation($i:SettleRefundInput!){settleRefund(input:$i){__typename ... on ErrorResult{errorCode}}}",
            i={"id": made["id"], "transactionId": f"R-{made['id']}"},
        )
        return str(made["id"])

    def cancel(self, number: str, *pieces: tuple[str, int]) -> None:
        """Cancel pieces, or all of it with its shipping."""
        line = {each["productVariant"]["sku"]: each["id"] for each in self.order(number)["lines"]}
        lines = [{"orderLineId": line[sku], "quantity": count} for sku, count in pieces]
        cancel = {"orderId": number, "cancelShipping": not lines, "reason": "", **({"lines": lines} if lines else {})}
        self.admin(
            "mutation($i:CancelOrderInput!){cancelOrder(input:$i){__typename ... on ErrorResult{errorCode message}}}",
            i=cancel,
        )

    def stock(self, sku: str) -> tuple[int, int]:
        """On hand, and allocated."""
        found = self.admin(
            "query($s:String!){productVariants(options:{filter:{sku:{eq:$s}}}){items{stockLevels{stockOnHand "
            "stockAllocated}}}}",
            s=sku,
        )
        [level] = found["items"][0]["stockLevels"]
        return level["stockOnHand"], level["stockAllocated"]


_LOGIN: Final = (
    "mutation($u:String!,$p:String!){login(username:$u,password:$p){__typename ... on ErrorResult{errorCode message}}}"
)
_CREATE: Final = "mutation($i:{1}){{create{0}(input:$i){{id}}}}"
_SHIPPING: Final = {
    "code": "dhl",
    "fulfillmentHandler": "manual-fulfillment",
    "checker": {
        "code": "default-shipping-eligibility-checker",
        "arguments": [{"name": "orderMinimum", "value": "0"}],
    },
    "calculator": {
        "code": "default-shipping-calculator",
        "arguments": [
            {"name": "rate", "value": "490"},
            {"name": "includesTax", "value": "include"},
            {"name": "taxRate", "value": "19"},
        ],
    },
    "translations": [{"languageCode": "en", "name": "DHL Paket", "description": ""}],
}
_PAYMENT: Final = {
    "code": "vorkasse",
    "enabled": True,
    "handler": {"code": "dummy-payment-handler", "arguments": [{"name": "automaticSettle", "value": "true"}]},
    "translations": [{"languageCode": "en", "name": "Vorkasse", "description": ""}],
}
_ORDER: Final = (
    "query($i:ID!){order(id:$i){id code state updatedAt totalWithTax lines{id quantity productVariant{sku}} "
    "payments{id refunds{id state total reason}} "
    "fulfillments{id state method trackingCode lines{orderLineId quantity}} "
    "history(options:{take:100}){items{type isPublic data}}}}"
)
