"""A sale with everything that hangs on it, as the sandbox ERP shows it."""

from __future__ import annotations

from collections.abc import Collection

from connectors.sandbox.erp.documents import JsonDict, Sale
from connectors.sandbox.erp.papers import CANCELLED, DRAFT, DROPPED, PAID, SENT, fields_of
from connectors.sandbox.erp.state import State


def surveyed(state: State, sale: Sale) -> JsonDict:
    """The sale, its lines with the products' codes, its shipments, invoices, refunds and payments in full.

    `delivery` is none | waiting | partial | sent | exception, `billing` none | waiting | posted | paid | exception:
    an exception is a shipment or an invoice that was cancelled while its sale goes on.
    """
    refunds = [state.sales[number] for number in sale.refunds]
    documents = [sale, *refunds]
    invoices = [number for document in documents for number in document.invoices]
    payments = [payment for number in invoices for payment in state.invoices[number].payments]
    shipments = [number for document in documents for number in document.shipments]
    return sale.to_json() | {
        "delivery": _delivery({state.shipments[number].state for number in sale.shipments}),
        "billing": _billing({state.invoices[number].state for number in sale.invoices}),
        "lines": _lines(state, sale),
        "shipments": [fields_of(state.shipments[number]) for number in shipments],
        "invoices": [state.invoices[number].to_json() for number in invoices],
        "refunds": [refund.to_json() | {"lines": _lines(state, refund)} for refund in refunds],
        "payments": [fields_of(state.payments[number]) for number in payments],
    }


def _lines(state: State, sale: Sale) -> list[JsonDict]:
    return [_line(state, index, line) for index, line in enumerate(sale.lines, start=1)]


def _line(state: State, number: int, line: JsonDict) -> JsonDict:
    return {**line, "number": number, "code": state.product_by_id[line["product"]].code}


def _delivery(states: Collection[str]) -> str:
    states = {name for name in states if name != DROPPED}
    if not states:
        return "none"
    if CANCELLED in states:
        return "exception"
    if states == {SENT}:
        return "sent"
    return "partial" if SENT in states else "waiting"


def _billing(states: Collection[str]) -> str:
    if not states:
        return "none"
    if CANCELLED in states:
        return "exception"
    if DRAFT in states:
        return "waiting"
    return "paid" if states == {PAID} else "posted"
