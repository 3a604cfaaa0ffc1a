"""What any ERP is asked for before a sale can be written, whatever it is called there.

An empty value asks for the ERP's default. A tax is asked for as `<country>:<rate in percent>` (`AT:20`), which a row of
the look-up table `tax` may turn into the name or id of a tax in the ERP.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from mappings.base import TargetOptions
from mappings.canonical.match import party_key
from mappings.canonical.records import Address, Order, TaxLine
from mappings.canonical.refs import Ref
from mappings.charges import Charge, charges, service_code

#: The company of the connection.
COMPANY: Final = Ref("company", "")

#: Countries in whose postal addresses the region is a part that a parcel needs.
REGION_IN_ADDRESS: Final = frozenset({"AU", "BR", "CA", "CN", "IN", "IT", "MX", "MY", "US"})


def account_ref(options: TargetOptions) -> Ref:
    """The account of expenses on which gateways' fees are booked: by code, id or name."""
    return Ref("account", str(options.settings.get("fee_account", "")), path="policies.target.fee_account")


def party_ref(order: Order, options: TargetOptions) -> Ref:
    """By our code; VAT id and e-mail are the further rungs of the ladder."""
    key = party_key(order, options.channel, trust_email=options.trust_email)
    email = (order.customer.email or order.billing.email).strip()
    hint = {"code": f"{_code_prefix(options)}{key}", "vat_id": order.customer.vat_id, "email": email}
    return Ref("party", key, hint=hint, path="customer")


def party_code(order: Order, options: TargetOptions) -> str:
    """The party's `code` in the ERP, unique there: our key of the party."""
    return f"{_code_prefix(options)}{party_key(order, options.channel, trust_email=options.trust_email)}"


def _code_prefix(options: TargetOptions) -> str:
    return str(options.settings.get("party_code_prefix", ""))


def currency_ref(order: Order) -> Ref:
    """By ISO code."""
    return Ref("currency", order.currency, path="currency")


def warehouse_ref(options: TargetOptions) -> Ref:
    """By id, code or name."""
    return Ref("warehouse", str(options.settings.get("warehouse", "")))


def payment_term_ref(order: Order, options: TargetOptions) -> Ref:
    """By id or name: the order's own terms (B2B) come before the channel's; only a named one must be known."""
    named = order.payment_terms or str(options.settings.get("payment_term", ""))
    return Ref("payment_term", named, path="payment_terms", optional=not named)


def carrier_ref(order: Order, options: TargetOptions) -> Ref | None:
    """The channel's carrier, else the shop's shipping method, which only a look-up row makes a carrier."""
    if named := str(options.settings.get("carrier", "")):
        return Ref("carrier", named)
    code = next((line.code for line in order.shipping_lines if line.code), "")
    return Ref("carrier", code, path="shipping_lines[0].code", optional=True) if code else None


def rounding_ref(options: TargetOptions) -> Ref:
    """The product of the rounding line; needed only by orders that have one."""
    return Ref("product", service_code("rounding_product", options), optional=True)


def product_ref(charge: Charge) -> Ref:
    """By code."""
    return Ref("product", charge.code, path=charge.code_path)


def tax_ref(tax: TaxLine, order: Order, path: str = "") -> Ref:
    """The tax of a line; a rate of zero may stay unknown, for it adds nothing."""
    country = order.shipping.country or order.billing.country
    value = tax.code if tax.rate is None else f"{country}:{percent(tax.rate)}"
    hint = {
        "code": tax.code,
        "title": tax.title,
        "country": country,
        "rate": "" if tax.rate is None else percent(tax.rate),
    }
    return Ref("tax", value, hint=hint, path=path, optional=tax.rate is not None and not tax.rate, variant=tax.title)


def percent(rate: Decimal) -> str:
    """`19`, `5.5`: without trailing zeros, never in exponent notation."""
    return f"{rate.normalize():f}"


def country_ref(address: Address, path: str = "") -> Ref | None:
    """By ISO code; None for an address without country."""
    return Ref("country", address.country, path=path) if address.country else None


def region_ref(address: Address) -> Ref | None:
    """By ISO 3166-2 code; optional, because most installations have no subdivisions loaded."""
    if address.country not in REGION_IN_ADDRESS or not address.region:
        return None
    prefix = f"{address.country}-"
    code = address.region if address.region.startswith(prefix) else f"{prefix}{address.region}"
    return Ref("subdivision", code, optional=True)


def address_refs(order: Order) -> Iterator[Ref]:
    """Countries and regions of both addresses."""
    for name in ("billing", "shipping"):
        address: Address = getattr(order, name)
        for ref in (country_ref(address, f"{name}.country"), region_ref(address)):
            if ref is not None:
                yield ref


def charge_refs(order: Order, options: TargetOptions) -> Iterator[Ref]:
    """Products and taxes of everything that is charged."""
    for charge in charges(order, options):
        if charge.code:
            yield product_ref(charge)
        for index, tax in enumerate(charge.tax_lines):
            yield tax_ref(tax, order, f"{charge.path}.tax_lines[{index}]")
