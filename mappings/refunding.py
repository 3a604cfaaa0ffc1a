"""What a refund gives back, as charges that an ERP takes: pieces, money on lines, and goodwill on what was charged.

As charges of an order, with everything negative: pieces by their quantity, money without pieces by its price.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from mappings.base import Resolved, TargetOptions
from mappings.canonical.errors import Problem, Unmapped
from mappings.canonical.facets import OrderRefund, RefundLine
from mappings.canonical.money import Money, money_sum
from mappings.canonical.records import Fee, Order, OrderLine, ShippingLine, TaxLine
from mappings.canonical.refs import Ref
from mappings.canonical.words import say
from mappings.charges import Charge, charges, service_code
from mappings.wanted import COMPANY, currency_ref, product_ref, rounding_ref, tax_ref

_SERVICES: Final = {"shipping": "shipping_product", "fee": "fee_product"}


def refund_refs(order: Order, refund: OrderRefund, options: TargetOptions) -> frozenset[Ref]:
    """Products and taxes of what is given back, and what its sums need."""
    refs = {COMPANY, currency_ref(order), rounding_ref(options)}
    for charge in refund_charges(order, refund, options):
        if charge.code:
            refs.add(product_ref(charge))
        refs |= {tax_ref(tax, order, charge.path) for tax in charge.tax_lines}
    return frozenset(refs)


def refund_charges(order: Order, refund: OrderRefund, options: TargetOptions) -> Iterator[Charge]:
    """Everything that is given back: pieces with a negative quantity, money with a negative price."""
    for index, line in enumerate(refund.lines):
        path = f"refund.lines[{index}]"
        goods = line.kind == "line" and bool(line.quantity)
        if goods:
            code, quantity = line.sku or str(options.settings.get("free_text_product", "")), -line.quantity
        else:
            # Money given back on an article, without pieces, is no movement of the article.
            code, quantity = service_code(_SERVICES.get(line.kind, "refund_product"), options), Decimal(1)
        yield Charge(
            path=path,
            code_path=f"{path}.sku" if goods else path,
            code=code,
            title=line.title,
            quantity=quantity,
            total=-line.total,
            subtotal=-line.total,
            tax=-line.tax,
            tax_lines=tuple(_taxes(line, order)),
        )
    yield from _goodwill(order, refund, options)


def _taxes(line: RefundLine, order: Order) -> Iterator[TaxLine]:
    """The taxes of what the line gives back, as the order names them; amounts are the refund's, negative."""
    charged = next((each.tax_lines for each in _origins(line, order) if each.external_id == line.origin), ())
    given = {tax.code: tax for tax in line.tax_lines}
    if not charged:
        charged = line.tax_lines
    for tax in charged:
        # Nothing of a tax was given back: the ERP would compute it all the same.
        if not given and line.tax:
            yield dataclasses.replace(tax, amount=-line.tax if len(charged) == 1 else -tax.amount)
        elif tax.code in given and (given[tax.code].amount or not tax.rate):
            yield dataclasses.replace(tax, amount=-given[tax.code].amount)


def _origins(line: RefundLine, order: Order) -> tuple[OrderLine | ShippingLine | Fee, ...]:
    if line.kind == "line":
        return order.lines
    return order.shipping_lines if line.kind == "shipping" else order.fees


def _goodwill(order: Order, refund: OrderRefund, options: TargetOptions) -> Iterator[Charge]:
    """An amount for no line lowers the price of everything: it carries the order's taxes, each on its share.

    With `goodwill_tax: none` in the policy's target section, or where a rate is not known, it carries none.
    """
    gross = refund.goodwill
    if not gross:
        return
    shares = _shares(order, options) if options.settings.get("goodwill_tax", "order") == "order" else {}
    whole = sum(shares.values(), Decimal(0))
    left = gross
    for index, (taxes, weight) in enumerate(shares.items(), start=1):
        last = index == len(shares)
        part = (
            left
            if last
            else Money(options.rounded(Money(gross.amount * weight / whole, gross.currency)), gross.currency)
        )
        left -= part
        yield _given(part, taxes, refund, options)
    if not shares:
        yield _given(gross, (), refund, options)


def _shares(order: Order, options: TargetOptions) -> dict[tuple[TaxLine, ...], Decimal]:
    """What was charged (gross) under each set of taxes; empty where that cannot be told."""
    found: dict[tuple[tuple[str, Decimal], ...], tuple[tuple[TaxLine, ...], Decimal]] = {}
    for charge in charges(order, options):
        if any(tax.rate is None or tax.compound for tax in charge.tax_lines):
            return {}
        taxes = tuple(tax for tax in charge.tax_lines if tax.rate)
        key = tuple((tax.code, tax.rate or Decimal(0)) for tax in taxes)
        _, before = found.get(key, (taxes, Decimal(0)))
        found[key] = (taxes, before + charge.total.amount + charge.tax.amount)
    # A fee that is negative is no share of its own; with it, the rest would have more than the whole.
    if any(weight < 0 for _, weight in found.values()):
        return {}
    return {taxes: weight for taxes, weight in found.values() if weight}


def _given(gross: Money, taxes: Sequence[TaxLine], refund: OrderRefund, options: TargetOptions) -> Charge:
    rate = sum((tax.rate or Decimal(0) for tax in taxes), Decimal(0))
    net = Money(options.rounded(Money(gross.amount * 100 / (100 + rate), gross.currency)), gross.currency)
    tax_lines = tuple(
        dataclasses.replace(tax, amount=Money(-net.amount * (tax.rate or Decimal(0)) / 100, gross.currency))
        for tax in taxes
    )
    return Charge(
        path="refund.goodwill",
        code_path="refund.goodwill",
        code=service_code("refund_product", options),
        title=refund.reason or "Refund",
        quantity=Decimal(1),
        total=-net,
        subtotal=-net,
        tax=money_sum((tax.amount for tax in tax_lines), gross.currency),
        tax_lines=tax_lines,
    )


def refund_problems(parts: Sequence[Charge], order: Order, resolved: Resolved) -> Iterator[Problem]:
    """Every reason why something of it cannot become a line."""
    for part in parts:
        if not part.code:
            reason = say(
                "the refunded line %(title)r has no SKU, so no product of the ERP can be found", title=part.title
            )
            step = say("name a `free_text_product` in the channel's target policy")
            yield Problem("unknown_sku", part.code_path, reason, part.title, step)
        elif product_ref(part) not in resolved:
            yield from Unmapped("sku", part.code, path=part.code_path).problems
        for tax in part.tax_lines:
            ref = tax_ref(tax, order)
            if (ref not in resolved and not ref.optional) or (ref in resolved and resolved[ref].get("id") is None):
                yield from Unmapped("tax", ref.value, path=f"{part.path}.tax_lines").problems
    if currency_ref(order) not in resolved:
        yield from Unmapped("currency", order.currency, path="currency").problems
