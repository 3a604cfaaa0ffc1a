"""The parts of a Shopify order that carry money: lines, shipping, fees, taxes, payments.

Where `taxes_included` is set, the prices of lines and shipping hold their tax, else it comes on top. Discounts are not
inside any price: what of each fell on a line stands in `discount_allocations`, those of the whole order too. Pieces
that were taken out of an order before they were paid for (`removed`) are no part of it any more.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from mappings.canonical.errors import Problem
from mappings.canonical.money import WIDE, Money, money_sum, unit_price
from mappings.canonical.records import Discount, Fee, OrderLine, Payment, ShippingLine, TaxLine
from mappings.canonical.words import say
from mappings.shopify.meaning import RECEIVED
from mappings.shopify.shapes import Bag, money, one_currency

_Data = Mapping[str, Any]
_HUNDRED: Final = Decimal(100)
_TIP: Final = "Tip"


@dataclasses.dataclass(frozen=True, slots=True)
class Parts:
    """The records that carry money."""

    lines: tuple[OrderLine, ...]
    shipping_lines: tuple[ShippingLine, ...]
    fees: tuple[Fee, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Side:
    """Which of the two moneys is read, and how: of the order's prices, in its currency."""

    of: Callable[[Bag], Money]
    currency: str
    data: _Data

    def zero(self) -> Money:
        """Nothing, in the currency's decimals."""
        return money(Decimal(0), self.currency)

    def sum(self, amounts: Iterable[Money]) -> Money:
        """All of them."""
        return self.zero() + money_sum(amounts, self.currency)

    def bag(self, entry: _Data, name: str) -> Money | None:
        """The amount of a field: by its bag, else by the plain one of an order in one currency; None without either."""
        bag = entry.get(f"{name}_set") or one_currency(entry.get(name), self.data)
        return None if bag is None else self.of(bag)

    def amount(self, entry: _Data, name: str) -> Money:
        """The same, zero where there is none."""
        found = self.bag(entry, name)
        return self.zero() if found is None else found


def presentment(data: _Data) -> Side:
    """What the customer saw and paid."""
    return Side(lambda bag: bag.presentment, data["presentment_currency"] or data["currency"], data)


def of_shop(data: _Data) -> Side:
    """The shop's own currency."""
    return Side(lambda bag: bag.shop, data["currency"], data)


def missing_amounts(data: _Data, graphql: bool) -> Iterator[Problem]:  # noqa: FBT001 - a spelling
    """Prices that cannot be read: neither in two currencies, nor plain in the only one."""
    side = presentment(data)
    names = ("lineItems.nodes", "originalUnitPriceSet") if graphql else ("line_items", "price")
    for index, line in enumerate(data["line_items"]):
        if side.bag(line, "price") is None:
            yield _missing(f"{names[0]}[{index}].{names[1]}")
        for place, share in enumerate(line["discount_allocations"]):
            if side.bag(share, "amount") is None:
                name = "discountAllocations" if graphql else "discount_allocations"
                yield _missing(f"{names[0]}[{index}].{name}[{place}].{'allocatedAmountSet' if graphql else 'amount'}")
    names = ("shippingLines.nodes", "originalPriceSet") if graphql else ("shipping_lines", "price")
    for index, line in enumerate(data["shipping_lines"]):
        if side.bag(line, "discounted_price") is None and side.bag(line, "price") is None:
            yield _missing(f"{names[0]}[{index}].{names[1]}")
    for name in ("total_price", "total_tax"):
        if side.bag(data, name) is None:
            yield _missing({"total_price": "totalPriceSet", "total_tax": "totalTaxSet"}[name] if graphql else name)


def _missing(path: str) -> Problem:
    return Problem(cause="mapping", path=path, reason=say("is missing"))


def read_parts(data: _Data, side: Side, removed: Mapping[str, Decimal]) -> Parts:
    """The parts of the loaded order, without the pieces that were removed (line id -> how many)."""
    tips, lines = side.amount(data, "total_tip_received"), []
    tip_lines: list[Fee] = []
    for raw in data["line_items"]:
        kept = raw["quantity"] - removed.get(raw["id"], Decimal(0))
        if kept <= 0:
            continue
        line = _line(raw, side, kept)
        if tips and _is_tip(raw, line, tips):
            tip_lines.append(_tip(line.external_id, line.total, line.tax, line.tax_lines))
        else:
            lines.append(line)
    shipping = tuple(
        _shipping(raw, side, place) for place, raw in enumerate(data["shipping_lines"]) if not raw["is_removed"]
    )
    return Parts(tuple(lines), shipping, (*tip_lines, *_fees(data, side, removed)))


def with_tip(parts: Parts, data: _Data, side: Side) -> Parts | None:
    """With the tip as a charge of its own, for an order whose tip is no line; None where there is none to add."""
    tips = side.amount(data, "total_tip_received")
    if not tips or any(fee.external_id == "tip" or fee.title == _TIP for fee in parts.fees):
        return None
    return dataclasses.replace(parts, fees=(*parts.fees, _tip("tip", tips, side.zero(), ())))


def _is_tip(raw: _Data, line: OrderLine, tips: Money) -> bool:
    """A tip that was given at the checkout is a line without a product, of exactly the amount of the order's tips."""
    plain = not (raw["product_id"] or raw["variant_id"] or raw["sku"] or raw["requires_shipping"] or raw["gift_card"])
    return plain and line.total == tips


def _tip(external_id: str, total: Money, tax: Money, tax_lines: tuple[TaxLine, ...]) -> Fee:
    return Fee(external_id=external_id, title=_TIP, total=total, tax=tax, tax_lines=tax_lines)


def _line(raw: _Data, side: Side, kept: Decimal) -> OrderLine:
    price, ordered = side.amount(raw, "price"), raw["quantity"]
    shares = [
        (_discount_name(share, side.data), _part(side.amount(share, "amount"), kept, ordered))
        for share in raw["discount_allocations"]
    ]
    taxes = tuple(_scaled(tax, kept, ordered) for tax in read_taxes(raw["tax_lines"], side))
    charged = Money(WIDE.multiply(price.amount, kept), side.currency)
    saved, tax = side.sum(amount for _name, amount in shares), side.sum(line.amount for line in taxes)
    total = charged - saved
    if side.data["taxes_included"]:
        shares = [(name, _net(amount, total, tax, taxes)) for name, amount in shares]
        total = total - tax
        charged = total + side.sum(amount for _name, amount in shares)
    title = raw["name"] or " - ".join(filter(None, (raw["title"], raw["variant_title"])))
    return OrderLine(
        external_id=raw["id"],
        sku=raw["sku"],
        name=title,
        quantity=kept,
        unit_price=unit_price(charged, kept),
        subtotal=charged,
        total=total,
        tax=tax,
        tax_lines=taxes,
        discounts=tuple(Discount(code=name, amount=amount) for name, amount in shares if amount.amount > 0),
        tax_included=side.data["taxes_included"],
        product_id=raw["product_id"],
        variant_id=raw["variant_id"],
        gift_card=raw["gift_card"],
        virtual=not raw["requires_shipping"],
        attributes={name: raw[name] for name in ("properties", "group") if raw[name]},
    )


def _part(amount: Money, kept: Decimal, ordered: Decimal) -> Money:
    """The share of the pieces that are kept, to the unit in which the amount is written."""
    if kept == ordered:
        return amount
    share = WIDE.divide(WIDE.multiply(amount.amount, kept), ordered)
    return Money(share, amount.currency).quantized(amount.digits)


def _scaled(tax: TaxLine, kept: Decimal, ordered: Decimal) -> TaxLine:
    return dataclasses.replace(tax, amount=_part(tax.amount, kept, ordered))


def _net(discount: Money, gross: Money, tax: Money, taxes: Iterable[TaxLine]) -> Money:
    """A discount on a price with tax, without the tax that it spared."""
    if gross:
        share = WIDE.divide(WIDE.multiply(discount.amount, (gross - tax).amount), gross.amount)
    else:
        rates = sum((line.rate or Decimal(0) for line in taxes), Decimal(0))
        share = WIDE.divide(WIDE.multiply(discount.amount, _HUNDRED), _HUNDRED + rates)
    return Money(share, discount.currency).quantized(discount.digits)


def _discount_name(share: _Data, data: _Data) -> str:
    """The code of the discount, or what the shop calls it."""
    told, index = share["discount_application"], share["discount_application_index"]
    applications = data["discount_applications"]
    if told is None and index is not None and 0 <= index < len(applications):
        told = applications[int(index)]
    return "" if told is None else str(told["code"] or told["title"] or told["description"])


def read_taxes(raw: Iterable[_Data], side: Side) -> tuple[TaxLine, ...]:
    """Shopify has no ids of rates: title and rate together name one."""
    return tuple(
        TaxLine(
            code=tax["title"] if tax["rate"] is None else f"{tax['title']} {tax['rate']:f}%".strip(),
            title=tax["title"],
            rate=tax["rate"],
            amount=side.amount(tax, "price"),
        )
        for tax in raw
    )


def _shipping(raw: _Data, side: Side, place: int) -> ShippingLine:
    taxes = read_taxes(raw["tax_lines"], side)
    tax = side.sum(line.amount for line in taxes)
    price = side.bag(raw, "discounted_price")
    charged = side.amount(raw, "price") if price is None else price
    return ShippingLine(
        external_id=raw["id"] or f"shipping:{place + 1}",
        code=raw["code"],
        title=raw["title"],
        total=charged - tax if side.data["taxes_included"] else charged,
        tax=tax,
        tax_lines=taxes,
    )


def _fees(data: _Data, side: Side, removed: Mapping[str, Decimal]) -> Iterator[Fee]:
    """Duties that come on top of the prices, and what else the shop charged."""
    for raw in data["line_items"]:
        kept = raw["quantity"] - removed.get(raw["id"], Decimal(0))
        for duty in () if data["duties_included"] or kept <= 0 else raw["duties"]:
            yield _fee(f"duty:{duty['id']}", f"Duty: {raw['title']}", duty, side)
    for fee in data["additional_fees"]:
        yield _fee(fee["id"], fee["name"], fee, side)


def _fee(external_id: str, title: str, raw: _Data, side: Side) -> Fee:
    taxes = read_taxes(raw["tax_lines"], side)
    tax, charged = side.sum(line.amount for line in taxes), side.amount(raw, "price")
    total = charged - tax if side.data["taxes_included"] else charged
    return Fee(external_id=external_id, title=title, total=total, tax=tax, tax_lines=taxes)


def read_payments(data: _Data, side: Side) -> tuple[Payment, ...]:
    """What came in: each sale and capture that succeeded. A gift card that pays is one of them.

    A webhook's body has no transactions; then what is said to be paid is one payment without a reference.
    """
    if data["transactions"] is None:
        return _told(data, side)
    return tuple(_payment(raw, side) for raw in data["transactions"] if _brings(raw))


def _brings(raw: _Data) -> bool:
    return raw["kind"] in RECEIVED and raw["status"] == "success"


def _payment(raw: _Data, side: Side) -> Payment:
    kept = [fee["amount"] for fee in raw["fees"] if fee["amount"] is not None]
    known = bool(kept) and all(amount.currency == side.currency for amount in kept)
    fee = side.sum(kept) if known else None
    return Payment(
        gateway=raw["gateway"],
        title=raw["formatted_gateway"] or raw["gateway"],
        amount=side.amount(raw, "amount"),
        reference=raw["id"],
        paid_at=raw["processed_at"],
        fee=fee or None,
    )


def _told(data: _Data, side: Side) -> tuple[Payment, ...]:
    if data["financial_status"] not in {"paid", "partially_refunded", "refunded"}:
        return ()
    gateway = next((name for name in data["payment_gateway_names"] if name != "gift_card"), "")
    amount = side.amount(data, "total_price")
    paid_at = data["processed_at"] or data["created_at"]
    return (Payment(gateway=gateway, title=gateway, amount=amount, reference="", paid_at=paid_at),) if amount else ()
