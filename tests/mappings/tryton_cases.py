"""Orders whose Tryton payloads are kept as golden files; `python -m tests.mappings.tryton_cases` writes them anew.

The payloads are made with the mapping's own stand-ins, so that an id says what it stands for.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from mappings.base import TargetOptions
from mappings.canonical.money import Money
from mappings.canonical.records import Address, Customer, Order, OrderLine, Payment, TaxLine
from mappings.registry import TARGETS
from tests.mappings.orders import ADDRESS, fee, line, make_order, money, shipping_line

FOLDER: Final = Path(__file__).parent / "golden" / "tryton"
MAPPING: Final = TARGETS["tryton"]
OPTIONS: Final = TargetOptions(channel="shop", settings={"payment_term": "Direct"})


def taxed(record: Any, rate: str) -> Any:
    """A shipping line or fee with the tax line that shops give it."""
    return dataclasses.replace(
        record, tax_lines=(TaxLine(code="1", title="VAT", rate=Decimal(rate), amount=record.tax),)
    )


def yen_line() -> OrderLine:
    """As a real shop wrote it: JPY with two decimals."""
    tax = TaxLine(code="3", title="消費税", rate=Decimal(20), amount=money("0.56", "JPY"))
    return line("LETZTE", "1", "2.80", "0.56", currency="JPY", tax_lines=(tax,), name="茶")


def many_lines() -> tuple[OrderLine, ...]:
    """100 lines, each with its own tax rounded: the sum differs from one rounding of the whole."""
    return tuple(line(f"SKU-{number:03d}", "3", "1.23", "0.23") for number in range(100))


B2B: Final = Customer(
    external_id="12",
    guest=False,
    first_name="Jörg",
    company="ACME GmbH",
    vat_id="DE 136.695-976",
    email="b2b@acme.example",
)
US: Final = Address(
    first_name="أحمد",
    last_name="😀",
    street="1 Main St",
    street_2="Apt 2",
    city="Reno",
    postal_code="89501",
    region="NV",
    country="US",
)

CASES: Final[Mapping[str, Callable[[], Order]]] = {
    "net_prices_and_shipping": lambda: make_order(shipping_lines=(taxed(shipping_line("4.12", "0.78"), "19"),)),
    "tax_included_with_coupon": lambda: make_order(
        lines=(line("SKU-A", "3", "27.00", "5.13", subtotal=money("30.00"), name="Tasse"),),
        shipping_lines=(),
        grand="32.13",
        coupons=("SOMMER10",),
        tax_included=True,
    ),
    "negative_fee": lambda: make_order(fees=(taxed(fee("-5.00", "-0.95"), "19"),), shipping_lines=(), grand="23.80"),
    "mixed_rates": lambda: make_order(
        lines=(
            line(
                "TEE",
                "2",
                "13.99",
                "0.98",
                tax_lines=(TaxLine(code="2", title="", rate=Decimal(7), amount=money("0.98")),),
            ),
            line("TASSE", "1", "10.08", "1.92"),
        ),
        shipping_lines=(),
        grand="26.97",
    ),
    "tax_rounded_at_subtotal": lambda: make_order(
        lines=(line("A", "1", "0.33", "0.0627"), line("B", "1", "0.33", "0.0627"), line("C", "1", "0.33", "0.0627")),
        shipping_lines=(),
        grand="1.18",
    ),
    "yen_with_decimals": lambda: make_order(lines=(yen_line(),), shipping_lines=(), grand="3.36", currency="JPY"),
    "company_with_vat_id": lambda: make_order(
        customer=B2B,
        shipping=dataclasses.replace(
            ADDRESS, company="ACME GmbH", first_name="Wareneingang", last_name="", street="Tor 3"
        ),
        shipping_lines=(),
        grand="29.75",
        po_number="PO-4711",
    ),
    "emoji_and_right_to_left": lambda: make_order(
        billing=US, shipping=US, shipping_lines=(), grand="29.75", note="من فضلك 🙏\nring twice"
    ),
    "free_and_zero_rated": lambda: make_order(
        lines=(
            line("GIFT", "1", "0.00", "0.00"),
            line(
                "VOUCHER",
                "1",
                "25.00",
                "0.00",
                tax_lines=(TaxLine(code="9", title="0%", rate=Decimal(0), amount=money("0.00")),),
            ),
        ),
        shipping_lines=(),
        grand="25.00",
    ),
    "price_of_no_four_decimals": lambda: make_order(
        lines=(line("SCREW", "1000", "333.33", "63.33"),), shipping_lines=(), grand="396.66"
    ),
    "hundred_lines": lambda: make_order(lines=many_lines(), shipping_lines=(), grand="146.00"),
    "refunded_and_paid": lambda: make_order(
        shipping_lines=(),
        grand="29.75",
        payments=(
            Payment(
                gateway="stripe", title="Card", amount=Money(Decimal("29.75"), "EUR"), reference="ch_1", paid_at=None
            ),
        ),
    ),
}


def payload_of(order: Order) -> Mapping[str, Any]:
    """The sale of an order whose party is known, as the mapping makes it offline."""
    return MAPPING.sale(order, MAPPING.offline_references(order, OPTIONS), OPTIONS)


def text_of(payload: Mapping[str, Any]) -> str:
    """JSON with one row for each field and each line, so that a change shows as one row."""
    rows = [
        f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}"
        for name, value in payload.items()
        if name != "lines"
    ]
    lines = ",\n  ".join(json.dumps(each, ensure_ascii=False) for each in payload["lines"][0][1])
    return "{\n" + ",\n".join(rows) + f',\n"lines": [["create", [\n  {lines}\n]]]\n}}\n'


if __name__ == "__main__":
    for name, make in CASES.items():
        (FOLDER / f"{name}.json").write_text(text_of(payload_of(make())))
