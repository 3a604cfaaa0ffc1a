"""How a sale stands in Odoo: from a survey of the connector to the canonical record."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Final

from mappings.base import JsonDict, TargetOptions
from mappings.canonical.facets import (
    Invoice,
    InvoiceState,
    SaleState,
    Shipment,
    ShipmentState,
    Standing,
    StandingLine,
    StandingPayment,
    StandingRefund,
)
from mappings.odoo.shipments import shipments
from mappings.odoo.values import code_of, day, decimal, known, money, reading

_SALE: Final[Mapping[str, SaleState]] = {
    "draft": SaleState.DRAFT,
    "sent": SaleState.QUOTED,
    "sale": SaleState.CONFIRMED,
    # Before 17, and where a module has brought it back.
    "done": SaleState.CONFIRMED,
    "cancel": SaleState.CANCELLED,
}
#: A posted invoice by what is left to pay of it. `in_payment`: paid, and the bank has not said so yet.
_POSTED: Final[Mapping[str, InvoiceState]] = {
    **dict.fromkeys(("not_paid", "partial", "blocked", "invoicing_legacy"), InvoiceState.POSTED),
    **dict.fromkeys(("paid", "in_payment", "reversed"), InvoiceState.PAID),
}
_INVOICE: Final[Mapping[str, InvoiceState]] = {
    "draft": InvoiceState.DRAFT,
    "posted": InvoiceState.POSTED,
    "cancel": InvoiceState.CANCELLED,
}
#: A draft too is all that a refund of ours needs: whether it is posted is another question.
_REFUND: Final[Mapping[InvoiceState, SaleState]] = {
    InvoiceState.DRAFT: SaleState.CONFIRMED,
    InvoiceState.POSTED: SaleState.CONFIRMED,
    InvoiceState.PAID: SaleState.DONE,
    InvoiceState.CANCELLED: SaleState.CANCELLED,
}
_CREDIT: Final = "out_refund"
#: What people read of a note that Odoo keeps as HTML.
_BREAK: Final = re.compile(r"<br\s*/?>|</p>\s*<p[^>]*>", re.IGNORECASE)
_TAG: Final = re.compile(r"<[^>]+>")


def standing(survey: JsonDict, options: TargetOptions) -> Standing:  # noqa: ARG001 -- the signature is ErpFacets'
    """The sale with everything that hangs on it. Raises MappingError naming the part that it does not understand."""
    with reading("the sale"):
        parcels = tuple(shipments(survey))
        billed = tuple(invoices(survey))
        return Standing(
            external_id=str(survey["id"]),
            number=survey["name"] or "",
            state=_state(survey, parcels, billed),
            told=_told(survey),
            total=money(survey["amount_total"], survey["currency_id"]),
            lines=tuple(map(_standing_line(survey["currency_id"]), sale_lines(survey))),
            shipments=parcels,
            invoices=billed,
            refunds=tuple(_refunds(survey)),
            payments=tuple(_payments(survey)),
            fields=fields(survey),
            uninvoiced=survey["invoice_status"] == "to invoice",
        )


def sale_lines(survey: JsonDict) -> list[JsonDict]:
    """Those that are sold: no sections and notes, and none whose pieces were taken out after the confirmation."""
    return [line for line in survey["order_line"] if not line["display_type"] and decimal(line["product_uom_qty"])]


def fields(survey: JsonDict) -> tuple[tuple[str, str], ...]:
    """What people change in a sale, as text that can be compared and shown."""
    return (
        ("invoice_address", address_text(survey["partner_invoice_id"])),
        ("shipment_address", address_text(survey["partner_shipping_id"])),
        ("note", note_text(survey["note"])),
        ("reference", survey["client_order_ref"] or ""),
    )


def address_text(address: JsonDict | None) -> str:
    """One line: who, where, and the codes of region and country."""
    if not address:
        return ""
    words = [address.get(name) for name in ("name", "street", "street2", "zip", "city")]
    words.extend((address.get(name) or {}).get("code") for name in ("state_id", "country_id"))
    return ", ".join(" ".join(word.split()) for word in words if word)


def note_text(note: str | None) -> str:
    """A note without the HTML in which Odoo keeps it."""
    plain = _TAG.sub("", _BREAK.sub("\n", note or ""))
    return html.unescape(plain).strip()


# --- the sale's own state ----------------------------------------------------------------------------------------


def _state(survey: JsonDict, parcels: tuple[Shipment, ...], billed: tuple[Invoice, ...]) -> SaleState:
    """By its deliveries, and not by `delivery_status`: a return that is on its way makes of `full` a `partial`."""
    state = known(_SALE, survey["state"], "state")
    if state is not SaleState.CONFIRMED:
        return state
    out = [each.state for each in parcels if not each.back]
    living = {each for each in out if each is not ShipmentState.CANCELLED}
    if out and not living:
        return SaleState.HELD
    if ShipmentState.PLANNED in living:
        return SaleState.PARTLY_SHIPPED if ShipmentState.SENT in living else SaleState.CONFIRMED
    if _is_settled(survey, billed):
        return SaleState.DONE
    return SaleState.SHIPPED if living else SaleState.CONFIRMED


def _is_settled(survey: JsonDict, billed: tuple[Invoice, ...]) -> bool:
    """A credit note puts a sale back to `to invoice`, for Odoo counts its pieces as not invoiced."""
    living = [each for each in billed if each.state is not InvoiceState.CANCELLED]
    own = [each for each in living if not each.credit]
    whole = survey["invoice_status"] in {"invoiced", "upselling"} or len(living) > len(own)
    return bool(own) and whole and all(each.state is InvoiceState.PAID for each in own)


def _told(survey: JsonDict) -> str:
    delivery, billing = survey.get("delivery_status"), survey["invoice_status"]
    parts = [survey["state"], f"delivery {delivery}" if delivery else "", f"billing {billing}" if billing else ""]
    return ", ".join(part for part in (*parts, "locked" if survey.get("locked") else "") if part)


def _standing_line(currency: JsonDict, quantity: str = "product_uom_qty") -> Callable[[JsonDict], StandingLine]:
    def made(row: JsonDict) -> StandingLine:
        price = decimal(row["price_unit"]) * (1 - decimal(row.get("discount") or 0) / 100)
        return StandingLine(
            external_id=str(row["id"]),
            code=code_of(row),
            title=row["name"] or "",
            quantity=decimal(row[quantity]),
            unit_price=price,
            total=money(row["price_subtotal"], currency).amount,
        )

    return made


# --- what is billed ----------------------------------------------------------------------------------------------


def invoices(survey: JsonDict) -> Iterator[Invoice]:
    """The sale's invoices and credit notes, oldest first; Odoo writes the amounts of both positive."""
    for row in sorted(survey["invoice_ids"], key=lambda each: int(each["id"])):
        with reading(f"invoice {row.get('name')}"):
            yield _invoice(row, survey)


def _invoice(row: JsonDict, survey: JsonDict) -> Invoice:
    state, currency = _invoice_state(row), row["currency_id"]
    sign = -1 if row["move_type"] == _CREDIT else 1
    own, foreign = _own_lines(row, survey)
    cancelled = state is InvoiceState.CANCELLED
    part = sum((decimal(line["price_subtotal"]) for line in own), Decimal(0))
    return Invoice(
        external_id=str(row["id"]),
        # A draft is called `/`, or nothing.
        number=(row["name"] or "") if state in {InvoiceState.POSTED, InvoiceState.PAID} else "",
        state=state,
        dated_on=day(row["invoice_date"]),
        due_on=day(row["invoice_date_due"]),
        net=money(sign * decimal(row["amount_untaxed"]), currency),
        tax=money(sign * decimal(row["amount_tax"]), currency),
        total=money(sign * decimal(row["amount_total"]), currency),
        open=money(0 if cancelled else sign * decimal(row["amount_residual"]), currency),
        refund_key=row.get("key") or "",
        collected=foreign,
        part=money(sign * part, currency) if foreign else None,
    )


def _invoice_state(row: JsonDict) -> InvoiceState:
    state = known(_INVOICE, row["state"], "state")
    return known(_POSTED, row["payment_state"], "payment_state") if state is InvoiceState.POSTED else state


def _own_lines(row: JsonDict, survey: JsonDict) -> tuple[list[JsonDict], bool]:
    """The lines that were made from the sale's, and whether there are some of other sales too."""
    own = {line["id"] for line in survey["order_line"]}
    made = [line for line in row["invoice_line_ids"] if line["sale_line_ids"]]
    mine = [line for line in made if own.intersection(line["sale_line_ids"])]
    return mine, len(mine) < len(made)


def _refunds(survey: JsonDict) -> Iterator[StandingRefund]:
    """Credit notes: ours, and those of people once they are posted; a draft of theirs is theirs to change."""
    for row in sorted(survey["invoice_ids"], key=lambda each: int(each["id"])):
        state = _invoice_state(row)
        fixed = state in {InvoiceState.POSTED, InvoiceState.PAID}
        # A collected one is no refund of this sale alone.
        if row["move_type"] != _CREDIT or not (row.get("key") or (fixed and not _own_lines(row, survey)[1])):
            continue
        yield StandingRefund(
            external_id=str(row["id"]),
            key=row.get("key") or "",
            number=(row["name"] or "") if fixed else "",
            state=_REFUND[state],
            total=money(-decimal(row["amount_total"]), row["currency_id"]),
            lines=tuple(
                map(
                    _standing_line(row["currency_id"], "quantity"),
                    (line for line in row["invoice_line_ids"] if line["display_type"] == "product"),
                )
            ),
        )


def _is_matched(payment: JsonDict) -> bool:
    """A journal without an account for outstanding money makes no entry that could be reconciled."""
    return bool(payment.get("is_reconciled", True) or not payment.get("move_id", True))


def _payments(survey: JsonDict) -> Iterator[StandingPayment]:
    """Those that have found their invoice: one that is only linked to it leaves it open."""
    rows = {each["id"]: each for row in survey["invoice_ids"] for each in row.get("matched_payment_ids") or ()}
    for number, row in sorted(rows.items()):
        if not _is_matched(row) or row["state"] in {"draft", "canceled", "cancel", "rejected"}:
            continue
        sign = 1 if row["payment_type"] == "inbound" else -1
        yield StandingPayment(
            external_id=str(number),
            reference=row.get("key") or row["memo"] or row.get("payment_reference") or row["name"] or "",
            amount=money(sign * decimal(row["amount"]), row["currency_id"]),
        )
