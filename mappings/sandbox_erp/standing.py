"""How a sale stands in the sandbox ERP: from a survey of the connector to the canonical record."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Final, TypeVar

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
from mappings.sandbox_erp.sale import ADDRESS_FIELDS

State = TypeVar("State")

_SALE: Final[Mapping[str, SaleState]] = {
    "draft": SaleState.DRAFT,
    "quoted": SaleState.QUOTED,
    "confirmed": SaleState.CONFIRMED,
    "cancelled": SaleState.CANCELLED,
}
#: What a confirmed sale is by its goods. A sale of services alone has nothing to send.
_DELIVERY: Final[Mapping[str, SaleState]] = {
    "none": SaleState.CONFIRMED,
    "waiting": SaleState.CONFIRMED,
    "partial": SaleState.PARTLY_SHIPPED,
    "sent": SaleState.SHIPPED,
    "exception": SaleState.HELD,
}
_SHIPMENT: Final[Mapping[str, ShipmentState]] = {
    **dict.fromkeys(("ready", "waiting", "expected"), ShipmentState.PLANNED),
    **dict.fromkeys(("sent", "received"), ShipmentState.SENT),
    **dict.fromkeys(("cancelled", "dropped"), ShipmentState.CANCELLED),
}
_INVOICE: Final[Mapping[str, InvoiceState]] = {
    "draft": InvoiceState.DRAFT,
    "posted": InvoiceState.POSTED,
    "paid": InvoiceState.PAID,
    "cancelled": InvoiceState.CANCELLED,
}


def standing(survey: JsonDict, options: TargetOptions) -> Standing:  # noqa: ARG001 -- the signature is ErpFacets'
    """The sale with everything that hangs on it. Raises MappingError naming the part that it does not understand."""
    with _reading(""):
        currency = survey["currency"]
        keys = {refund["id"]: refund["external_key"] for refund in survey["refunds"]}
        return Standing(
            external_id=str(survey["id"]),
            number=survey["number"],
            state=_state(survey),
            told=f"{survey['state']}, delivery {survey['delivery']}, billing {survey['billing']}",
            total=_money(survey["total"], currency),
            lines=tuple(standing_line(line) for line in survey["lines"]),
            shipments=tuple(map(_shipment, survey["shipments"])),
            invoices=tuple(invoices(survey, keys)),
            refunds=tuple(map(_refund, survey["refunds"])),
            payments=tuple(map(_payment, survey["payments"])),
            fields=fields(survey),
        )


def standing_line(line: JsonDict) -> StandingLine:
    """A line of a survey, or of a payload with the product's code beside it."""
    quantity, total = Decimal(line["quantity"]), Decimal(line["amount"])
    return StandingLine(
        external_id=str(line.get("number", "")),
        code=line["code"],
        title=line.get("description") or "",
        quantity=quantity,
        unit_price=total / quantity if quantity else total,
        total=total,
    )


def fields(sale: JsonDict) -> tuple[tuple[str, str], ...]:
    """What people change in a sale, as text that can be compared and shown."""
    return (
        ("invoice_address", _address(sale.get("invoice_address") or {})),
        ("shipment_address", _address(sale.get("shipment_address") or {})),
        ("note", sale.get("note") or ""),
        ("reference", sale.get("reference") or ""),
    )


def invoices(survey: JsonDict, keys: Mapping[int, str]) -> Iterator[Invoice]:
    """The sale's invoices and its refunds' credit notes; `keys` has our key of each refund."""
    for index, row in enumerate(survey["invoices"]):
        with _reading(f"invoices[{index}]"):
            currency = row["currency"]
            state = _known(_INVOICE, row["state"])
            total = _money(row["total"], currency)
            nothing = _money("0", currency)
            yield Invoice(
                external_id=str(row["id"]),
                number=row["number"],
                state=state,
                dated_on=_day(row["dated_on"]),
                due_on=_day(row["due_on"]),
                net=_money(row["untaxed"], currency),
                tax=_money(row["tax"], currency),
                total=total,
                open=nothing if state is InvoiceState.CANCELLED else _money(row["open"], currency),
                refund_key=keys.get(row["sale"], ""),
            )


def _state(survey: JsonDict) -> SaleState:
    state = _known(_SALE, survey["state"])
    if state is not SaleState.CONFIRMED:
        return state
    delivered = _known(_DELIVERY, survey["delivery"])
    if delivered is SaleState.HELD or survey["billing"] == "exception":
        return SaleState.HELD
    done = survey["delivery"] in {"none", "sent"} and survey["billing"] == "paid"
    return SaleState.DONE if done else delivered


def _shipment(row: JsonDict) -> Shipment:
    with _reading(f"shipment {row.get('number')}"):
        return Shipment(
            external_id=str(row["id"]),
            number=row["number"],
            state=_known(_SHIPMENT, row["state"]),
            lines=tuple(ShippedLine(code=line["code"], quantity=Decimal(line["quantity"])) for line in row["lines"]),
            parcels=tuple(
                Parcel(tracking_number=parcel["number"], tracking_url=parcel.get("url", ""))
                for parcel in row["tracking"]
            ),
            carrier=row["carrier"],
            sent_on=_day(row["sent_on"]),
            back=row["back"],
        )


def _refund(row: JsonDict) -> StandingRefund:
    with _reading(f"refund {row.get('id')}"):
        return StandingRefund(
            external_id=str(row["id"]),
            key=row["external_key"],
            number=row["number"],
            state=_known(_SALE, row["state"]),
            total=_money(row["total"], row["currency"]),
            lines=tuple(standing_line(line) for line in row["lines"]),
        )


def _payment(row: JsonDict) -> StandingPayment:
    with _reading(f"payment {row.get('id')}"):
        return StandingPayment(
            external_id=str(row["id"]), reference=row["reference"], amount=_money(row["amount"], row["currency"])
        )


def _address(address: JsonDict) -> str:
    return ", ".join(filter(None, (str(address.get(name) or "").strip() for name in ADDRESS_FIELDS)))


def _money(amount: str, currency: str) -> Money:
    return Money(Decimal(amount), currency)


def _day(text: str) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


def _known(states: Mapping[str, State], name: str) -> State:
    if (state := states.get(name)) is None:
        raise MappingError(
            "state",
            say("the ERP says %(state)s; known are %(known)s", state=repr(name), known=", ".join(sorted(states))),
        )
    return state


@contextlib.contextmanager
def _reading(part: str) -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, InvalidOperation, AttributeError) as error:
        reason = say("it has not the documented shape (%(kind)s: %(error)s)", kind=type(error).__name__, error=error)
        raise MappingError(part, reason) from None
