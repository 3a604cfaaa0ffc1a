"""Refunds: return sales, which are sales with negative lines under a key of their own.

They go the way of every sale (`sales`): made as a draft with the key in the creating call, quoted, confirmed, read
back. The server makes their credit note and, where goods come back, their return shipment.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Final

from connectors.kit.base import JsonDict, Rank, Result, TargetDocument
from connectors.kit.errors import RecordRejected
from connectors.kit.facets import RefundSummary
from connectors.tryton.client import TrytonClient
from connectors.tryton.follow import credit_id, credited_sales, credits_of
from connectors.tryton.masters import Masters
from connectors.tryton.sales import FIELDS, MODEL, RANKS, Sales, placed_in, refunded

_PAGE: Final = 200
_CREDIT: Final = ("number", "state", "invoice_date", "total_amount", "currency.code", "lines.origin")
_POSTED: Final = frozenset({"posted", "paid"})


class Refunds:
    """The return sales of one web shop."""

    def __init__(self, client: TrytonClient, masters: Masters, sales: Sales) -> None:
        self._client, self._masters, self._sales = client, masters, sales

    def find(self, keys: Sequence[str]) -> dict[str, list[TargetDocument]]:
        """By key, those alone that name the sale they refund: a sale of an order may bear any key."""
        found = {
            key: [each for each in documents if refunded(each.payload["origin"])]
            for key, documents in self._sales.find(keys).items()
        }
        return {key: documents for key, documents in found.items() if documents}

    def create(self, payloads: Sequence[JsonDict]) -> list[Result]:
        """As drafts. A payload without origin is refused before anything is sent: it would be a sale."""
        for payload in payloads:
            if not refunded(payload.get("origin")):
                refusal = RecordRejected("a refund must name the sale that it refunds in `origin`", field="origin")
                return [Result(error=refusal) for _ in payloads]
        return self._sales.create(payloads)

    def advance(self, documents: Sequence[TargetDocument], rank: Rank) -> list[Result]:
        """Up to `rank`; the credit note and the return are made at the confirmation."""
        return self._sales.advance(documents, rank)

    def list_all(self, since: dt.datetime, until: dt.datetime) -> Iterator[RefundSummary]:
        """By sale date, in pages that stay whole while sales are added.

        A return that somebody makes in the ERP by hand may name no web shop; that of the sale which it refunds counts.
        """
        shop = self._masters.web_shop()["id"]
        ours = ["OR", ["web_shop", "=", shop], ["origin.web_shop", "=", shop, MODEL]]
        last = 0
        while True:
            domain = [["id", ">", last], ["origin", "like", f"{MODEL},%"], ours, placed_in(since, until)]
            fields = (*FIELDS, "invoices.state")
            rows = self._client.search(MODEL, domain, fields, order=[["id", "ASC"]], limit=_PAGE)
            yield from map(_summary, rows)
            if len(rows) < _PAGE:
                break
            last = rows[-1]["id"]
        yield from self._list_credits(shop, since, until)

    def _list_credits(self, shop: int, since: dt.datetime, until: dt.datetime) -> Iterator[RefundSummary]:
        """What people have credited of invoices without a return sale, by the credit note's own date."""
        days = [["invoice_date", ">=", since.date()], ["invoice_date", "<=", until.date()]]
        last = 0
        while True:
            domain = [["id", ">", last], credits_of(shop), ["state", "in", sorted(_POSTED)], *days]
            rows = self._client.search("account.invoice", domain, _CREDIT, order=[["id", "ASC"]], limit=_PAGE)
            sales = credited_sales(self._client, rows)
            for row in rows:
                # One over several orders is no refund of any of them alone.
                if row["total_amount"] < 0 and len(of := sales.get(row["id"], [])) == 1:
                    yield _credit_summary(row, of[0])
            if len(rows) < _PAGE:
                return
            last = rows[-1]["id"]


def _credit_summary(row: JsonDict, sale: JsonDict) -> RefundSummary:
    made_on: dt.date = row["invoice_date"]
    return RefundSummary(
        external_id=credit_id(row["id"]),
        key="",
        of=refunded(sale["origin"]) or str(sale["id"]),
        number=row["number"] or "",
        state=row["state"],
        amount=-row["total_amount"],
        currency=row["currency"]["code"],
        made_at=dt.datetime.combine(made_on, dt.time(), dt.UTC),
        made_on=made_on,
        rank=Rank.CONFIRMED,
        posted=True,
    )


def _summary(row: JsonDict) -> RefundSummary:
    created: dt.datetime = row["create_date"]
    made_on: dt.date = row["sale_date"] or created.date()
    notes = [invoice["state"] for invoice in row["invoices"] if invoice["state"] != "cancelled"]
    return RefundSummary(
        external_id=str(row["id"]),
        key=row["web_id"] or "",
        of=refunded(row["origin"]),
        number=row["number"] or "",
        state=row["state"],
        amount=-row["total_amount"],
        currency=row["currency"]["code"],
        made_at=dt.datetime.combine(made_on, dt.time(), dt.UTC),
        made_on=made_on,
        rank=RANKS[row["state"]],
        posted=bool(notes) and all(state in _POSTED for state in notes),
    )
