"""How a sale stands in Tryton: from a survey of the connector to the canonical record."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeVar

from mappings.base import JsonDict, TargetOptions
from mappings.canonical.errors import MappingError
from mappings.canonical.facets import (
    Invoice,
    InvoiceState,
    Parcel,
    SaleState,
    Shipment,
    ShipmentState,
    ShippedLine,
    Standing,
    StandingLine,
    StandingPayment,
    StandingRefund,
)
from mappings.canonical.money import Money
from mappings.canonical.words import say

State = TypeVar("State")

_SALE: Final[Mapping[str, SaleState]] = {
    "draft": SaleState.DRAFT,
    "quotation": SaleState.QUOTED,
    "confirmed": SaleState.CONFIRMED,
    "processing": SaleState.CONFIRMED,
    "done": SaleState.DONE,
    "cancelled": SaleState.CANCELLED,
}
#: What a sale in process is by its goods.
_SHIPPED: Final[Mapping[str, SaleState]] = {
    "none": SaleState.CONFIRMED,
    "waiting": SaleState.CONFIRMED,
    "partially shipped": SaleState.PARTLY_SHIPPED,
    "sent": SaleState.SHIPPED,
    "exception": SaleState.HELD,
}
_SHIPMENT: Final[Mapping[str, ShipmentState]] = {
    **dict.fromkeys(("draft", "waiting", "assigned", "picked", "packed"), ShipmentState.PLANNED),
    **dict.fromkeys(("shipped", "received", "done"), ShipmentState.SENT),
    "cancelled": ShipmentState.CANCELLED,
}
_INVOICE: Final[Mapping[str, InvoiceState]] = {
    "draft": InvoiceState.DRAFT,
    "validated": InvoiceState.DRAFT,
    "posted": InvoiceState.POSTED,
    "paid": InvoiceState.PAID,
    "cancelled": InvoiceState.CANCELLED,
}
#: People write several parcels into the one field that a shipment has for them.
_BETWEEN_NUMBERS: Final = re.compile(r"[,;\n]+")


def standing(survey: JsonDict, options: TargetOptions) -> Standing:  # noqa: ARG001 -- the signature is ErpFacets'
    """The sale with everything that hangs on it and on its return sales. Raises MappingError for an unknown state."""
    currency, refunds = survey["currency"]["code"], survey.get("refunds", ())
    credited = [each for each in survey.get("credits", ()) if _is_fixed(each)]
    return Standing(
        external_id=str(survey["id"]),
        number=survey["number"] or "",
        state=sale_state(survey),
        told=_told(survey),
        total=_money(survey["total_amount"], currency),
        lines=tuple(map(_line, sale_lines(survey))),
        shipments=(*_shipments(survey), *(each for refund in refunds for each in _returns(refund))),
        invoices=(
            *(each for sale in (survey, *refunds) for each in invoices(sale)),
            *(_credit_note(each, survey) for each in credited),
        ),
        refunds=(
            *(_refund(each, currency) for each in refunds),
            *(_credit(each, currency) for each in credited if not _is_collected(each, survey)),
        ),
        payments=tuple(each for sale in (survey, *refunds) for each in _payments(sale)),
        fields=fields(survey),
    )


def sale_state(sale: JsonDict) -> SaleState:
    """A sale in process that waits for a person in either of its parts is held."""
    state = _known(_SALE, sale["state"], "state")
    if sale["state"] != "processing":
        return state
    shipped = _known(_SHIPPED, sale["shipment_state"], "shipment_state")
    return SaleState.HELD if sale["invoice_state"] == "exception" else shipped


def sale_lines(sale: JsonDict) -> list[JsonDict]:
    """Those that are sold; people add titles, comments and subtotals between them."""
    return [line for line in sale["lines"] if line["type"] == "line"]


def invoices(sale: JsonDict) -> Iterator[Invoice]:
    """The sale's invoices; a credit note names the refund that it belongs to."""
    refund_key = (sale["web_id"] or "") if sale["origin"] else ""
    for index, row in enumerate(sale["invoices"]):
        yield dataclasses.replace(
            _invoice(row, f"invoices[{index}]"),
            refund_key=refund_key,
            collected=any(number != sale["id"] for number in row.get("sales") or ()),
            part=_part(row, sale, row["currency"]["code"]),
        )


def _invoice(row: JsonDict, path: str) -> Invoice:
    state = _known(_INVOICE, row["state"], f"{path}.state")
    currency = row["currency"]["code"]
    total = _money(row["total_amount"], currency)
    # The server says 0 for a draft: there is nothing yet that could be paid.
    still = {InvoiceState.DRAFT: total, InvoiceState.POSTED: _money(row["amount_to_pay"], currency)}
    return Invoice(
        external_id=str(row["id"]),
        number=row["number"] or "",
        state=state,
        dated_on=_date(row["invoice_date"]),
        due_on=max(filter(None, (_date(line["maturity_date"]) for line in row["lines_to_pay"])), default=None),
        net=_money(row["untaxed_amount"], currency),
        tax=_money(row["tax_amount"], currency),
        total=total,
        open=still.get(state, _money(0, currency)),
    )


# --- credit notes that people made by the server's wizard, without a return sale ---------------------------------


def _is_fixed(credit: JsonDict) -> bool:
    """A draft is people's to change and to post: they take lines out of it. What is not negative credits a credit."""
    return credit["state"] in {"posted", "paid"} and _decimal(credit["total_amount"]) < 0


def _is_collected(credit: JsonDict, sale: JsonDict) -> bool:
    """It was made from an invoice over several sales, so it is no refund of this one alone."""
    made_from = {line["origin"] for line in credit["lines"]}
    return any(
        any(number != sale["id"] for number in invoice.get("sales") or ())
        for invoice in sale["invoices"]
        if not made_from.isdisjoint(f"account.invoice.line,{line['id']}" for line in invoice.get("lines") or ())
    )


def _credit_note(credit: JsonDict, sale: JsonDict) -> Invoice:
    return dataclasses.replace(_invoice(credit, "credits"), collected=_is_collected(credit, sale))


def _credit(credit: JsonDict, currency: str) -> StandingRefund:
    return StandingRefund(
        external_id=credit["refund"],
        key="",
        number=credit["number"] or "",
        state=SaleState.DONE if credit["state"] == "paid" else SaleState.CONFIRMED,
        total=_money(credit["total_amount"], currency),
        lines=tuple(map(_line, sale_lines(credit))),
    )


def _part(invoice: JsonDict, sale: JsonDict, currency: str) -> Money | None:
    """What of a collected invoice is the sale's, by where its lines come from."""
    if not any(number != sale["id"] for number in invoice.get("sales") or ()):
        return None
    own = {f"sale.line,{line['id']}" for line in sale["lines"]}
    amounts = [_decimal(line["amount"]) for line in invoice.get("lines") or () if line["origin"] in own]
    return _money(sum(amounts, Decimal(0)), currency)


def fields(sale: JsonDict) -> tuple[tuple[str, str], ...]:
    """What people change in a sale, as text that can be compared and shown."""
    return (
        ("invoice_address", address_text(sale["invoice_address"])),
        ("shipment_address", address_text(sale["shipment_address"])),
        ("note", sale["comment"] or ""),
        ("reference", sale["reference"] or ""),
    )


def address_text(address: JsonDict | None) -> str:
    """One line: who, where, and the codes of country and region."""
    if not address:
        return ""
    words = [address.get(name) for name in ("party_name", "attn", "street", "postal_code", "city")]
    words.extend((address.get(name) or {}).get("code") for name in ("subdivision", "country"))
    return ", ".join(" ".join(word.split()) for word in words if word)


def _told(sale: JsonDict) -> str:
    parts = (sale["state"], sale["shipment_state"], sale["invoice_state"])
    return ", ".join(part for part in parts if part and part != "none")


def _line(row: JsonDict) -> StandingLine:
    return StandingLine(
        external_id=str(row["id"]),
        code=_code(row),
        title=row["description"] or "",
        quantity=_decimal(row["quantity"]),
        unit_price=_decimal(row["unit_price"]),
        total=_decimal(row["amount"]),
    )


def _shipments(sale: JsonDict) -> Iterator[Shipment]:
    for index, row in enumerate(sale["shipments"]):
        yield _shipment(row, row["outgoing_moves"], sale, f"shipments[{index}]")
    yield from _returns(sale)


def _returns(sale: JsonDict) -> Iterator[Shipment]:
    for index, row in enumerate(sale["shipment_returns"]):
        yield _shipment(row, row["incoming_moves"], sale, f"shipment_returns[{index}]", back=True)


def _shipment(row: JsonDict, moves: Sequence[JsonDict], sale: JsonDict, path: str, *, back: bool = False) -> Shipment:
    state = _known(_SHIPMENT, row["state"], f"{path}.state")
    lines = {f"sale.line,{line['id']}" for line in sale["lines"]}
    pieces: dict[str, Decimal] = {}
    for move in moves:
        # A merged shipment holds other orders' goods too.
        foreign = (move["origin"] or "").startswith("sale.line,") and move["origin"] not in lines
        if not foreign and (move["state"] != "cancelled" or state is ShipmentState.CANCELLED):
            pieces[_code(move)] = pieces.get(_code(move), Decimal(0)) + _decimal(move["quantity"])
    carrier = row.get("carrier") or {}
    return Shipment(
        external_id=str(row["id"]),
        number=row["number"] or "",
        state=state,
        lines=tuple(ShippedLine(code=code, quantity=quantity) for code, quantity in pieces.items() if quantity),
        parcels=tuple(_parcels(row)),
        carrier=(carrier.get("party") or {}).get("name") or carrier.get("rec_name") or "",
        sent_on=_date(row["effective_date"]) if state is ShipmentState.SENT else None,
        back=back,
    )


def _parcels(row: JsonDict) -> Iterator[Parcel]:
    """Packages with a number of their own, then what stands on the shipment alone."""
    packages = [each for each in row.get("root_packages") or () if each.get("shipping_reference")]
    for each in packages:
        yield Parcel(tracking_number=each["shipping_reference"], tracking_url=each.get("shipping_tracking_url") or "")
    known = {each["shipping_reference"] for each in packages}
    written = _BETWEEN_NUMBERS.split(row.get("shipping_reference") or "")
    for number in dict.fromkeys(each.strip() for each in written):
        if number and number not in known:
            yield Parcel(tracking_number=number)


def _refund(row: JsonDict, currency: str) -> StandingRefund:
    return StandingRefund(
        external_id=str(row["id"]),
        key=row["web_id"] or "",
        number=row["number"] or "",
        state=sale_state(row),
        total=_money(row["total_amount"], currency),
        lines=tuple(map(_line, sale_lines(row))),
    )


def _payments(sale: JsonDict) -> Iterator[StandingPayment]:
    """One for each account move: what it booked on the customer's account."""
    for row in sale["invoices"]:
        booked: dict[int, Decimal] = {}
        references: dict[int, str] = {}
        for line in row["payment_lines"]:
            move, foreign = line["move"], line["amount_second_currency"]
            amount = _decimal(line["credit"]) - _decimal(line["debit"]) if foreign is None else -_decimal(foreign)
            booked[move["id"]] = booked.get(move["id"], Decimal(0)) + amount
            references[move["id"]] = move["description"] or ""
        for move, amount in booked.items():
            money = _money(amount, row["currency"]["code"])
            yield StandingPayment(external_id=str(move), reference=references[move], amount=money)


def _code(row: JsonDict) -> str:
    return (row["product"] or {}).get("code") or ""


def _known(states: Mapping[str, State], value: str, path: str) -> State:
    if value not in states:
        raise MappingError(
            path,
            say("Tryton calls the state %(value)s, which is none of %(known)s", value=value, known=", ".join(states)),
            subject=f"state:{value}",
            next_step=say("report it: a module of the ERP has added a state that nobody knows the meaning of"),
        )
    return states[value]


def _decimal(value: Any) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _money(value: Any, currency: str) -> Money:
    return Money(_decimal(value), currency)


def _date(value: str | None) -> dt.date | None:
    read: Callable[[str], dt.date] = dt.date.fromisoformat
    return read(value) if value else None
