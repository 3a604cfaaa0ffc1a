"""A refund as Tryton keeps it: a return sale with negative lines, which makes the credit note and takes goods back.

Its total is what the shop gave back, to the cent: what Tryton will make of the lines is predicted, as for a sale, and
a named rounding line carries the rest.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from mappings.base import JsonDict, Resolved, TargetOptions
from mappings.canonical.errors import Problem, Problems, Unmapped
from mappings.canonical.facets import OrderRefund, RefundLine
from mappings.canonical.money import Money, money_sum
from mappings.canonical.records import Fee, Order, OrderLine, ShippingLine, TaxLine
from mappings.canonical.refs import Ref
from mappings.canonical.words import say
from mappings.charges import Charge, charges, service_code, shared_out
from mappings.pricing import priced
from mappings.tryton import wire
from mappings.tryton.arithmetic import predict
from mappings.tryton.lines import PRICE_DIGITS, Line, line_payloads, rounding_limit, rounding_payload, rounding_unit
from mappings.tryton.references import WEB_SHOP
from mappings.tryton.sale import sale_key
from mappings.wanted import COMPANY, currency_ref, product_ref, rounding_ref, tax_ref

_SERVICES: Final = {"shipping": "shipping_product", "fee": "fee_product"}


def refund_key(order_id: str, refund_id: str, options: TargetOptions) -> str:
    """`web_id` of the return sale: the sale's own, and the refund's id."""
    return f"{sale_key(order_id, options)}:refund:{refund_id}"


def refund_references(order: Order, refund: OrderRefund, options: TargetOptions) -> frozenset[Ref]:
    """Products and taxes of what is given back; everything else stands in the sale that is refunded."""
    refs = {COMPANY, WEB_SHOP, currency_ref(order), rounding_ref(options)}
    for charge in refund_charges(order, refund, options):
        if charge.code:
            refs.add(product_ref(charge))
        refs |= {tax_ref(tax, order, charge.path) for tax in charge.tax_lines}
    return frozenset(refs)


def refund_payload(
    order: Order, refund: OrderRefund, survey: JsonDict, resolved: Resolved, options: TargetOptions
) -> JsonDict:
    """The return sale as a draft, with its key. Raises Problems with everything that is in the way."""
    parts = list(refund_charges(order, refund, options))
    if problems := list(_problems(parts, order, resolved)):
        raise Problems(problems)
    comes_back = refund.restock and any(part.quantity < 0 for part in parts)
    payload: JsonDict = {
        "company": survey["company"],
        "web_shop": resolved[WEB_SHOP]["id"],
        "web_id": refund_key(order.external_id, refund.external_id, options),
        "origin": f"sale.sale,{survey['id']}",
        "reference": order.number,
        "sale_date": wire.date(refund.refunded_at.date()),
        "party": survey["party"],
        "invoice_address": (survey["invoice_address"] or {}).get("id"),
        "shipment_address": (survey["shipment_address"] or {}).get("id"),
        "currency": survey["currency"]["id"],
        "warehouse": survey["warehouse"],
        "payment_term": survey["payment_term"],
        "invoice_method": "order",
        # `manual`: goods are credited, and no return shipment waits for what the customer keeps.
        "shipment_method": "order" if comes_back else "manual",
        "comment": "\n".join(_comment(order, refund)),
        "lines": wire.create(_lines(parts, order, refund, resolved, options)),
    }
    if "shipment_cost_method" in resolved[COMPANY].get("sale_fields", ()):
        payload |= {"carrier": None, "shipment_cost_method": None}
    return payload


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


def _problems(parts: Sequence[Charge], order: Order, resolved: Resolved) -> Iterator[Problem]:
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


def _lines(
    parts: Sequence[Charge], order: Order, refund: OrderRefund, resolved: Resolved, options: TargetOptions
) -> list[JsonDict]:
    unit = rounding_unit(order, resolved)
    lines: list[Line] = []
    for part in (share for each in parts for share in shared_out(each, unit)):
        taxes = tuple(resolved[ref] for tax in part.tax_lines if (ref := tax_ref(tax, order)) in resolved)
        lines.extend(
            Line(part, resolved[product_ref(part)], amounts) for amounts in priced(part, taxes, unit, PRICE_DIGITS)
        )
    expected = -options.rounded(refund.amount)
    made = predict([line.amounts for line in lines], unit, resolved[COMPANY]["tax_rounding"]).total
    payloads = line_payloads(lines, with_base_price=False)
    if difference := expected - made:
        if abs(difference) > rounding_limit(lines, unit, options):
            reason = say(
                "the ERP would credit %(made)s, the shop gave back %(amount)s", made=-made, amount=refund.amount
            )
            step = say("compare the refund's lines and taxes in the shop and in the ERP")
            raise Problems([Problem("totals_mismatch", "refund.amount", reason, "", step)])
        if rounding_ref(options) not in resolved:
            raise Unmapped("sku", rounding_ref(options).value, path="refund.amount")
        payloads.append(rounding_payload(resolved[rounding_ref(options)], difference))
    return payloads


def _comment(order: Order, refund: OrderRefund) -> Iterator[str]:
    yield f"Refund {refund.external_id} of order {order.number}"
    if refund.reason:
        yield f"Reason: {refund.reason}"
