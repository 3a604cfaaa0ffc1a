"""Hypothesis strategies for canonical orders: every field filled, in every way that the records allow."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from mappings.canonical.money import Money
from mappings.canonical.records import (
    Address,
    Customer,
    Discount,
    Fee,
    FulfilmentState,
    Order,
    OrderLine,
    OrderState,
    Payment,
    PaymentState,
    Refund,
    ShippingLine,
    TaxLine,
    Totals,
)

texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=30)
ids = texts.filter(str.strip)
codes = st.from_regex("[A-Z]{2}", fullmatch=True)
currencies = st.from_regex("[A-Z]{3}", fullmatch=True)
amounts = st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9) | st.builds(
    lambda digits, scale: Decimal(digits).scaleb(-scale), st.integers(-(10**15) + 1, 10**15 - 1), st.integers(0, 20)
)
#: Seconds are what JSON keeps of an offset, microseconds of a time.
times = st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2100, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(texts, children, max_size=3),
    max_leaves=5,
)
attributes = st.dictionaries(texts, json_values, max_size=3)


def tuples(element: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(element, max_size=3).map(tuple)


def addresses() -> st.SearchStrategy[Address]:
    fields = dict.fromkeys(Address.__dataclass_fields__, texts)
    return st.builds(Address, **{**fields, "country": codes | st.just("")})


def customers() -> st.SearchStrategy[Customer]:
    return st.builds(Customer, **{**dict.fromkeys(Customer.__dataclass_fields__, texts), "guest": st.booleans()})


def totals(money: st.SearchStrategy[Money]) -> st.SearchStrategy[Totals]:
    return st.builds(Totals, **dict.fromkeys(Totals.__dataclass_fields__, money))


def order_lines(money: st.SearchStrategy[Money]) -> st.SearchStrategy[OrderLine]:
    return st.builds(
        OrderLine,
        external_id=ids,
        sku=texts,
        name=texts,
        quantity=amounts,
        unit_price=money,
        subtotal=money,
        total=money,
        tax=money,
        tax_lines=tuples(tax_lines(money)),
        discounts=tuples(st.builds(Discount, code=texts, amount=money)),
        tax_included=st.booleans(),
        tax_class=texts,
        product_id=texts,
        variant_id=texts,
        gift_card=st.booleans(),
        virtual=st.booleans(),
        bundle_parent=texts,
        attributes=attributes,
    )


def tax_lines(money: st.SearchStrategy[Money]) -> st.SearchStrategy[TaxLine]:
    rates = st.none() | amounts
    return st.builds(TaxLine, code=texts, title=texts, rate=rates, amount=money, compound=st.booleans())


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """An order whose amounts are all in its currency, the second set of totals in another."""
    currency, other = draw(currencies), draw(currencies)
    money = amounts.map(lambda amount: Money(amount, currency))
    taxes = tuples(tax_lines(money))
    charge = {"external_id": ids, "title": texts, "total": money, "tax": money, "tax_lines": taxes}
    return draw(
        st.builds(
            Order,
            number=ids,
            external_id=ids,
            version=texts,
            placed_at=times,
            placed_on=st.dates(),
            updated_at=times,
            currency=st.just(currency),
            state=st.sampled_from(OrderState),
            source_state=texts,
            payment_state=st.sampled_from(PaymentState),
            fulfilment_state=st.sampled_from(FulfilmentState),
            customer=customers(),
            billing=addresses(),
            shipping=addresses(),
            lines=tuples(order_lines(money)),
            shipping_lines=tuples(st.builds(ShippingLine, code=texts, **charge)),
            fees=tuples(st.builds(Fee, **charge)),
            tax_lines=taxes,
            coupons=tuples(texts),
            payments=tuples(
                st.builds(
                    Payment,
                    gateway=texts,
                    title=texts,
                    amount=money,
                    reference=texts,
                    paid_at=st.none() | times,
                    fee=st.none() | money.filter(lambda fee: fee.amount > 0),
                )
            ),
            refunds=tuples(st.builds(Refund, external_id=ids, amount=money, reason=texts)),
            totals=totals(money),
            tax_included=st.booleans(),
            note=texts,
            tags=tuples(texts),
            test=st.booleans(),
            po_number=texts,
            payment_terms=texts,
            payment_method=texts,
            shop_totals=st.none() | totals(amounts.map(lambda amount: Money(amount, other))),
            attributes=attributes,
        )
    )
