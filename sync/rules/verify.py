"""The verify rules: what must be right before an order goes to the ERP. One table; each rule is hold, warn or off.

A rule looks at one order and the facts around it and yields Problems; it never stops at the first. `totals` is proven
by the mapping itself (`mappings/canonical/totals.py`), because no order exists without it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from config.model import Mode, Policies
from connectors.kit.base import JsonDict
from mappings.canonical.errors import Problem
from mappings.canonical.records import Order, OrderLine
from mappings.canonical.refs import Ref
from mappings.canonical.words import joined, say
from sync.rules.lookups import Lookups


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known around one order."""

    policies: Policies
    #: What the target knows, by reference.
    resolved: Mapping[Ref, JsonDict]
    lookups: Lookups
    #: (external id, number, placed at) of orders of the channel that look alike, without this one.
    alike: Sequence[tuple[str, str, dt.datetime]] = ()

    def product(self, line: OrderLine) -> JsonDict | None:
        """What the target knows of a line's article."""
        return self.resolved.get(Ref("product", line.sku))


_LACKS: Final = {
    "billing": say("the billing address lacks: %(missing)s"),
    "shipping": say("the shipping address lacks: %(missing)s"),
}


def duplicate_order(order: Order, facts: Facts) -> Iterator[Problem]:
    """The same customer, lines and total within the channel's window.

    Without a subject: each pair is a decision of its own, and all of them are one cause to look through.
    """
    window = dt.timedelta(minutes=facts.policies.duplicate_window_min)
    for _external_id, number, placed_at in facts.alike:
        if abs(order.placed_at - placed_at) <= window:
            yield Problem(
                cause="duplicate_order",
                path="",
                reason=say(
                    "same customer, lines and total as order %(number)s of %(placed_at)s UTC",
                    number=number,
                    placed_at=f"{placed_at:%Y-%m-%d %H:%M}",
                ),
                next_step=say("ask the customer; approve the order if both are meant, else cancel one in the shop"),
            )


def unknown_sku(order: Order, facts: Facts) -> Iterator[Problem]:
    """Every line's article exists in the target."""
    for index, line in enumerate(order.lines):
        if not line.sku:
            yield Problem(
                cause="unknown_sku",
                path=f"lines[{index}].sku",
                reason=say(
                    "%(name)s has no SKU (its product was deleted in the shop, or never had one)", name=repr(line.name)
                ),
                subject=f"line:{line.name}",
                next_step=say(
                    "give the product a SKU in the shop, and the line of this order with it; or reject the order"
                ),
            )
        elif facts.product(line) is None:
            yield Problem(
                cause="unknown_sku",
                path=f"lines[{index}].sku",
                reason=say("the ERP has no article %(sku)s (%(name)s)", sku=repr(line.sku), name=line.name),
                subject=f"sku:{line.sku}",
                next_step=say(
                    "create the article in the ERP, or add a row for %(sku)s to the sku look-up", sku=repr(line.sku)
                ),
            )


def unit(order: Order, facts: Facts) -> Iterator[Problem]:
    """The quantity has no more decimals than the article's unit takes."""
    for index, line in enumerate(order.lines):
        product = facts.product(line)
        digits = None if product is None else product.get("unit_digits")
        if digits is not None and line.quantity != round(line.quantity, int(digits)):
            yield Problem(
                cause="unit",
                path=f"lines[{index}].quantity",
                reason=say(
                    "%(quantity)s of %(sku)s cannot be written: its unit takes %(digits)s decimals",
                    quantity=line.quantity,
                    sku=line.sku,
                    digits=digits,
                ),
                subject=f"sku:{line.sku}",
                next_step=say("change the article's unit in the ERP, or the quantity in the shop"),
            )


def price(order: Order, facts: Facts) -> Iterator[Problem]:
    """The price before discounts is within tolerance of the ERP's list price (both net)."""
    tolerance = facts.policies.price_tolerance
    for index, line in enumerate(order.lines):
        product = facts.product(line)
        listed = None if product is None else product.get("list_price")
        if listed is None or not line.quantity:
            continue
        listed = Decimal(listed)
        if abs(line.unit_price.amount - listed) * 100 > tolerance * abs(listed):
            yield Problem(
                cause="price",
                path=f"lines[{index}].unit_price",
                reason=(
                    say(
                        "%(sku)s costs %(amount)s net in the shop, %(listed)s in the ERP: more than "
                        "%(tolerance)s%% apart",
                        sku=line.sku,
                        amount=f"{line.unit_price.amount:.4f}",
                        listed=f"{listed:f}",
                        tolerance=tolerance,
                    )
                ),
                subject=f"sku:{line.sku}",
                next_step=say("align the two price lists, or approve the order"),
            )


def tax(order: Order, facts: Facts) -> Iterator[Problem]:
    """The line was taxed at the rates that the ERP would take for the article, where it goes to the ERP's country."""
    home = facts.policies.home_country
    if home and (order.shipping.country or order.billing.country) != home:
        return
    for index, line in enumerate(order.lines):
        product = facts.product(line)
        if product is None or product.get("taxes") is None or not line.total:
            continue
        found = sorted(Decimal(entry.rate) for entry in line.tax_lines if entry.rate is not None and entry.amount)
        expected = sorted(Decimal(entry["rate"]) for entry in product["taxes"])
        if found and found != expected:
            yield Problem(
                cause="tax",
                path=f"lines[{index}].tax_lines",
                reason=say(
                    "%(sku)s was taxed at %(found)s, the ERP takes %(expected)s",
                    sku=line.sku,
                    found=_rates(found),
                    expected=_rates(expected),
                ),
                subject=f"sku:{line.sku}:{_rates(found)}",
                next_step=say("correct the tax class in the shop or the ERP, add a row to the tax look-up, or approve"),
            )


def _rates(rates: Sequence[Decimal]) -> str:
    return " + ".join(f"{rate.normalize():f}%" for rate in rates) or say("no tax")


def payment_method(order: Order, facts: Facts) -> Iterator[Problem]:
    """The payment method has a row in the look-up."""
    if order.payment_method and facts.lookups.find("payment_method", order.payment_method) is None:
        yield Problem(
            cause="unmapped",
            path="payment_method",
            reason=say(
                "the payment_method look-up has no row for %(payment_method)s",
                payment_method=repr(order.payment_method),
            ),
            subject=f"payment_method:{order.payment_method}",
            next_step=say(
                "add a row for %(payment_method)s to the payment_method look-up",
                payment_method=repr(order.payment_method),
            ),
        )


def address(order: Order, facts: Facts) -> Iterator[Problem]:
    """There is a name, a street, a town and a country to write an invoice to."""
    for name, entry in (("billing", order.billing), ("shipping", order.shipping)):
        # An empty shipping address means "as billing" in every shop; digital goods have none.
        if name == "shipping" and not any((entry.street, entry.city, entry.postal_code, entry.country)):
            continue
        missing = [
            field
            for field, value in (
                (say("name"), entry.first_name or entry.last_name or entry.company),
                (say("street"), entry.street),
                (say("city"), entry.city),
                (say("country"), entry.country),
            )
            if not value.strip()
        ]
        if missing:
            yield Problem(
                cause="address",
                path=name,
                reason=_LACKS[name].filled(missing=joined(", ", missing)),
                next_step=say("complete the address in the shop, or approve the order as it is"),
            )
    country = order.billing.country
    known = facts.resolved.get(Ref("country", country))
    if country and known is None and any(ref.kind == "country" for ref in facts.resolved):
        yield Problem(
            cause="unmapped",
            path="billing.country",
            reason=say("the ERP has no country %(country)s", country=repr(country)),
            subject=f"country:{country}",
            next_step=say(
                "create the country in the ERP, or add a row for %(country)s to the country look-up",
                country=repr(country),
            ),
        )


def test_order(order: Order, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001 - all rules have one shape
    """A test order is no order."""
    if order.test:
        yield Problem(
            cause="test_order",
            path="",
            reason=say("the shop marks this as a test order"),
            next_step=say("reject it, or approve it if the ERP should have it"),
        )


def value_limit(order: Order, facts: Facts) -> Iterator[Problem]:
    """Grand totals above the channel's limit need a person's word."""
    limit = facts.policies.value_limits.get(order.currency)
    if limit is not None and order.totals.grand.amount > limit:
        yield Problem(
            cause="value_limit",
            path="totals.grand",
            reason=say(
                "%(grand)s is above the limit of %(limit)s %(currency)s",
                grand=order.totals.grand,
                limit=f"{limit:f}",
                currency=order.currency,
            ),
            next_step=say("approve or reject the order"),
        )


RULES: Final[Mapping[str, Callable[[Order, Facts], Iterator[Problem]]]] = {
    "duplicate_order": duplicate_order,
    "unknown_sku": unknown_sku,
    "unit": unit,
    "price": price,
    "tax": tax,
    "payment_method": payment_method,
    "address": address,
    "test_order": test_order,
    "value_limit": value_limit,
}


def verify(order: Order, facts: Facts, approved: frozenset[str]) -> tuple[list[Problem], list[Problem]]:
    """What holds the order and what is only worth a warning; causes that a person approved hold nothing."""
    holds: list[Problem] = []
    warnings: list[Problem] = []
    for name, rule in RULES.items():
        mode = facts.policies.rules[name]
        if mode is Mode.OFF:
            continue
        for problem in rule(order, facts):
            (holds if mode is Mode.HOLD and problem.cause not in approved else warnings).append(problem)
    return holds, warnings
