"""The basket in each source, as people enter it there, and the way from there to Crossdock."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import io
import itertools
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from config.model import Auth, ProfileFile, Secret
from config.model import Connection as Account
from connectors.sandbox.catalogue import catalogue
from connectors.sandbox.fxiaoke import CompanySettings, serve_company
from connectors.sandbox.shopify import ShopSettings as ShopifySettings
from connectors.sandbox.shopify import serve_shop as serve_shopify
from connectors.sandbox.vendure import ShopSettings as VendureSettings
from connectors.sandbox.vendure import serve_shop as serve_vendure
from connectors.sandbox.woocommerce.app import serve_shop
from connectors.sandbox.woocommerce.drafts import BasketLine, Draft, Shipping, make_order
from connectors.sandbox.woocommerce.orders import place, read_address
from connectors.sandbox.woocommerce.settings import ShopSettings
from connectors.sandbox.zoho_crm import OrganisationSettings, serve_crm
from sync.flows.files import check_file, take_file
from sync.flows.pull import pull
from sync.store.audit import Actor
from tests.matrix.basket import BASKET, GRAND, PARCEL, PARCEL_NET, PERCENT_OFF
from tests.sync.flows.shop import PLACED
from tests.sync.flows.trade import CHANNEL, FXIAOKE_FIELDS, KEY, LOCAL, Hub

#: The one customer, known from the second order on.
MAIL: Final = "basket@example.test"
#: The same at a shop whose orders name a company: one mailbox of two customers would be a doubtful match.
COMPANY_MAIL: Final = "basket@company.example.test"
_PROFILE: Final = Path(__file__).with_name("table.yaml")
_RATES: Final = {product.sku: 7 if product.tax_class else 19 for product in catalogue(20)}


def _pulled(hub: Hub) -> None:
    pull(hub.store, hub.systems.connector("shop"), "shop", [CHANNEL], since=PLACED.replace(year=2020))


@dataclasses.dataclass(frozen=True)
class Source:
    """A running stand-in."""

    account: Account
    #: The customer buys the basket once more; the order's id over there.
    buy: Callable[[], str]
    #: Crossdock takes what is new.
    bring: Callable[[Hub], None] = _pulled
    profile: ProfileFile | None = None


@contextlib.contextmanager
def woocommerce() -> Iterator[Source]:
    """A shop with gross prices; the checkout applies a coupon and adds its own rate for parcels, which is net."""
    settings = dataclasses.replace(ShopSettings(), keys=(KEY,))
    auth = Auth(method="oauth1", key=Secret(KEY.key), secret=Secret(KEY.secret))
    with serve_shop(settings) as (server, app):
        shop = app.shop
        address = {
            "first_name": "Ada", "last_name": "Nord", "address_1": "Weg 1", "city": "Berlin", "postcode": "10115",
            "country": "DE", "email": MAIL,
        }  # fmt: skip

        def buy() -> str:
            with shop.lock:
                draft = Draft(
                    lines=[BasketLine(shop.products[shop.skus[sku]], count) for sku, count in BASKET],
                    billing=read_address(address, billing=True),
                    shipping=read_address(address, billing=False),
                    shipping_lines=[Shipping("DHL Paket", PARCEL_NET)],
                    coupons=[coupon for coupon in [shop.settings.coupon("sommer10")] if coupon],
                    status="processing",
                    paid=shop.now(),
                    payment_method="stripe",
                    created_via="store-api",
                )
                return str(place(shop, make_order(shop, draft)).id)

        yield Source(Account(name="shop", system="woocommerce", url=server.url, auth=auth, **LOCAL), buy)


@contextlib.contextmanager
def shopify() -> Iterator[Source]:
    """A shop with gross prices and a code, whose share of each line the shop says."""
    settings = ShopifySettings(bucket=1_000_000)
    auth = Auth(key=Secret(settings.client_id), secret=Secret(settings.client_secret))
    with serve_shopify(settings) as (server, app):

        def buy() -> str:
            order = app.shop.sell(list(BASKET), percent=PERCENT_OFF)
            number: str = order["id"].rpartition("/")[2]
            customer = order["customer"] | {
                "id": "gid://shopify/Customer/1",
                "defaultEmailAddress": {"emailAddress": MAIL},
            }
            app.shop.edit(int(number), email=MAIL, customer=customer)
            return number

        yield Source(Account(name="shop", system="shopify", url=server.url, auth=auth, **LOCAL), buy)


@contextlib.contextmanager
def vendure() -> Iterator[Source]:
    """A shop with gross prices in whole cents and a promotion of the whole order."""
    settings = VendureSettings()
    auth = Auth(login=settings.login, password=Secret(settings.password))
    with serve_vendure(settings) as (server, app):

        def buy() -> str:
            order = app.shop.sell(BASKET, percent=PERCENT_OFF)
            number: str = order["id"]
            app.shop.edit(number, customer=order["customer"] | {"emailAddress": COMPANY_MAIL})
            return number

        yield Source(Account(name="shop", system="vendure", url=server.url, auth=auth, **LOCAL), buy)


@contextlib.contextmanager
def zoho_crm() -> Iterator[Source]:
    """Net prices. Zoho has no parcels, and takes a discount of the whole off what is taxed already.

    So the parcel is an article, and the ten percent are entered with each line.
    """
    settings = OrganisationSettings()
    auth = Auth(
        key=Secret(settings.client_id),
        secret=Secret(settings.client_secret),
        refresh_token=Secret(settings.refresh_token),
    )
    with serve_crm(settings) as (server, app):
        crm = app.organisation
        parcel = crm.insert(
            "Products", {"Product_Name": "Versand", "Product_Code": "SHIPPING", "Unit_Price": float(PARCEL_NET)}
        )

        known: dict[str, Any] = {}

        def buy() -> str:
            record = crm.sell(list(BASKET))
            known.update({name: known.get(name, record[name]) for name in ("Account_Name", "Contact_Name")})
            lines = [_zoho_line(line, _RATES[line["Product_Name"]["Product_Code"]]) for line in record["Ordered_Items"]]
            product = {"id": parcel["id"], "name": "Versand", "Product_Code": "SHIPPING"}
            bare = lines[0] | {"id": crm.new_id(), "Product_Name": product, "Quantity": 1, "Sequence_Number": 4}
            lines.append(_zoho_line(bare | {"Total": float(PARCEL_NET), "List_Price": float(PARCEL_NET)}, 19, off=0))
            sums = {name: sum(Decimal(str(line[name])) for line in lines) for name in ("Total", "Net_Total")}
            told = {"Sub_Total": float(sums["Net_Total"]), "Grand_Total": float(sums["Net_Total"]), "$line_tax": []}
            crm.edit("Sales_Orders", record["id"], Ordered_Items=lines, Tax=0, **told, **known)
            number: str = record["id"]
            return number

        account = {"accounts_url": server.url, "vat_field": "VAT_ID"}
        selling = Account(name="shop", system="zoho_crm", url=server.url, auth=auth, options=account, **LOCAL)
        yield Source(selling, buy)


def _zoho_line(line: Mapping[str, Any], rate: int, *, off: int = int(PERCENT_OFF)) -> dict[str, Any]:
    """As the CRM shows a line with a discount and a tax of its own."""
    total = Decimal(str(line["Total"]))
    discount = round(total * off / 100, 2)
    tax = round((total - discount) * rate / 100, 2)
    told = {"percentage": rate, "name": f"MwSt {rate}", "id": f"57257670000000000{rate:02}", "value": float(tax)}
    sums = {"Discount": float(discount), "Tax": float(tax), "Net_Total": float(total - discount + tax)}
    return {**line, **sums, "Line_Tax": [told]}


@contextlib.contextmanager
def fxiaoke() -> Iterator[Source]:
    """Gross prices, the percent that is left to pay, and a field of the company's own for freight."""
    settings = CompanySettings(calls=10_000)
    auth = Auth(
        key=Secret(settings.app_id),
        secret=Secret(settings.app_secret),
        password=Secret(settings.permanent_code),
        login=settings.employee,
    )
    with serve_company(settings) as (server, app):

        def buy() -> str:
            amounts = {"discount": f"{100 - PERCENT_OFF:f}", "freight__c": f"{PARCEL:f}", "order_amount": f"{GRAND:f}"}
            return app.company.sell(list(BASKET), **amounts)

        options = {**FXIAOKE_FIELDS, "currency": "EUR", "tax_rate_field": "tax_rate__c", "freight_field": "freight__c"}
        account = Account(name="shop", system="fxiaoke", url=server.url, auth=auth, options=options, **LOCAL)
        yield Source(account, buy)


@contextlib.contextmanager
def csv() -> Iterator[Source]:
    """A file with net amounts of each line before and after the discount; a profile says what its columns mean."""
    head = "Order;Date;Name;Mail;All VAT;All discount;Total;SKU;Pieces;List;Net;Percent;VAT"
    rows = (
        ("TEE-ASSAM-100", 3, "21,00", "18,90", 7, "1,32"),
        ("SIEB-ST", 5, "14,00", "12,60", 19, "2,39"),
        ("1E5", 2, "16,72", "15,05", 19, "2,86"),
        ("POST", 1, "4,12", "4,12", 19, "0,78"),
    )
    numbers, waiting = itertools.count(1), list[str]()

    def buy() -> str:
        number = f"T-{next(numbers)}"
        now = dt.datetime.now(dt.UTC) - dt.timedelta(hours=3)
        order = f"{number};{now:%d.%m.%Y %H:%M};Nord;{MAIL};7,35;5,17;58,02"
        waiting.extend(";".join([order, *map(str, row)]) for row in rows)
        return number

    def bring(hub: Hub) -> None:
        sheet = hub.systems.connector("shop").read(io.BytesIO("\n".join([head, *waiting]).encode()))
        checked = check_file(hub.store, hub.systems, "shop", sheet)
        assert checked.bad == []
        take_file(hub.store, hub.systems, checked, name="a.csv", only_good=False, actor=Actor("ada", "test"))
        waiting.clear()

    account = Account(name="shop", system="csv", options={"order_column": "Order"})
    yield Source(account, buy, bring, ProfileFile("table.yaml", _PROFILE.read_text("utf-8")))


SOURCES: Final[Mapping[str, Callable[[], contextlib.AbstractContextManager[Source]]]] = {
    "woocommerce": woocommerce,
    "shopify": shopify,
    "vendure": vendure,
    "zoho_crm": zoho_crm,
    "fxiaoke": fxiaoke,
    "csv": csv,
}
