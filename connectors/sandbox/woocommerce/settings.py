"""What an administrator sets in a shop: zone, taxes, rounding, keys, coupons."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import zoneinfo
from decimal import Decimal


@dataclasses.dataclass(frozen=True, slots=True)
class TaxRate:
    """One row of the shop's tax table."""

    id: int
    country: str
    #: "" is the standard class.
    tax_class: str
    percent: Decimal
    name: str
    shipping: bool = True

    @property
    def code(self) -> str:
        """As WooCommerce builds it: country, name in capitals, priority."""
        return f"{self.country}-{self.name.upper()}-1"


#: The first three are the recorded shop's, with its ids.
TAX_RATES = (
    TaxRate(1, "DE", "", Decimal(19), "MwSt 19 %"),
    TaxRate(2, "DE", "reduced-rate", Decimal(7), "MwSt 7 %", shipping=False),
    TaxRate(3, "AT", "", Decimal(20), "USt 20 %"),
    TaxRate(4, "AT", "reduced-rate", Decimal(10), "USt 10 %", shipping=False),
    TaxRate(5, "FR", "", Decimal(20), "TVA 20 %"),
    TaxRate(6, "FR", "reduced-rate", Decimal("5.5"), "TVA 5,5 %", shipping=False),
)


@dataclasses.dataclass(frozen=True, slots=True)
class ApiKey:
    """A REST key of the shop. `permissions` is `read`, `write` or `read_write`."""

    key: str
    secret: str = dataclasses.field(repr=False)
    permissions: str = "read_write"


@dataclasses.dataclass(frozen=True, slots=True)
class Coupon:
    """`kind` is `percent` or `fixed_cart`; codes are stored in lower case, as the shop does."""

    id: int
    code: str
    kind: str
    amount: Decimal


COUPONS = (
    Coupon(10, "sommer10", "percent", Decimal(10)),
    Coupon(11, "fünf", "fixed_cart", Decimal(5)),
    Coupon(12, "krumm", "percent", Decimal("7.5")),
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ShopSettings:
    """Everything of a shop that is set and not sold."""

    keys: tuple[ApiKey, ...] = ()
    title: str = "Teeladen Müller"
    zone_name: str = "Europe/Berlin"
    base_country: str = "DE"
    currency: str = "EUR"
    decimals: int = 2
    prices_include_tax: bool = True
    round_at_subtotal: bool = False
    rates: tuple[TaxRate, ...] = TAX_RATES
    coupons: tuple[Coupon, ...] = COUPONS
    fulfillments: bool = True
    version: str = "11.0.1"
    wordpress_version: str = "7.1"
    #: `host:port` in the shop's links; empty: the server's own.
    host: str = ""

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The site's zone."""
        return zoneinfo.ZoneInfo(self.zone_name)

    def rates_for(self, country: str, tax_class: str) -> tuple[TaxRate, ...]:
        """The rates of a place; an order without a country is taxed at the shop's base."""
        place = country or self.base_country
        return tuple(rate for rate in self.rates if rate.country == place and rate.tax_class == tax_class)

    def coupon(self, code: str) -> Coupon | None:
        """The coupon with that code, whatever its case."""
        return next((coupon for coupon in self.coupons if coupon.code == code.lower()), None)


@functools.lru_cache(maxsize=100_000)
def to_local(gmt: str, zone: zoneinfo.ZoneInfo) -> str:
    """`2026-11-21T23:01:55` (UTC, no suffix) as the site's local time, in the same form."""
    moment = dt.datetime.fromisoformat(gmt).replace(tzinfo=dt.UTC)
    return moment.astimezone(zone).replace(tzinfo=None).isoformat()


def local_to_gmt(local: str, zone: zoneinfo.ZoneInfo) -> str:
    """The reverse; of an hour that comes twice the first is meant, as PHP does."""
    moment = dt.datetime.fromisoformat(local).replace(tzinfo=zone)
    return moment.astimezone(dt.UTC).replace(tzinfo=None).isoformat()
