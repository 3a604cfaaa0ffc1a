"""Refunds: return sales, which are sales with negative lines under a key of their own.

They go the way of every sale (`sales`): made as a draft with the key in the creating call, quoted, confirmed, read
back. The server makes their credit note and, where goods come back, their return shipment.
"""

from __future__ import annotations

from collections.abc import Sequence

from connectors.kit.base import JsonDict, Rank, Result, TargetDocument
from connectors.kit.errors import RecordRejected
from connectors.tryton.sales import Sales, refunded


class Refunds:
    """The return sales of one web shop."""

    def __init__(self, sales: Sales) -> None:
        self._sales = sales

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
