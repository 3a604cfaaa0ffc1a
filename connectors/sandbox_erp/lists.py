"""Sales and refunds as people and proofs look for them: by what they are called, and by when they were placed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

from connectors.kit.base import DocumentSummary, JsonDict
from connectors.kit.facets import RefundSummary
from connectors.sandbox_erp.client import Client, reading
from connectors.sandbox_erp.documents import RANKS


def search_sales(client: Client, shop: str, text: str) -> list[DocumentSummary]:
    """By number, reference, key or id."""
    data = client.get("api/sales", [("shop", shop), ("named", text)])
    with reading():
        return [_summary(sale) for sale in data["sales"]]


def list_sales(client: Client, shop: str, since: dt.datetime, until: dt.datetime) -> Iterator[DocumentSummary]:
    """Every sale of our shop placed in the window, whoever made it; by id, so that nothing slips while we walk."""
    after: int | None = 0
    while after is not None:
        window = [("shop", shop), ("since", since.isoformat()), ("until", until.isoformat())]
        data = client.get("api/sales", [*window, ("after", str(after))])
        with reading():
            summaries = [_summary(sale) for sale in data["sales"]]
            after = data["next"]
        yield from summaries


def list_refunds(client: Client, shop: str, since: dt.datetime, until: dt.datetime) -> Iterator[RefundSummary]:
    """The same for what was given back; amounts positive."""
    after: int | None = 0
    while after is not None:
        window = [("shop", shop), ("since", since.isoformat()), ("until", until.isoformat())]
        data = client.get("api/refunds", [*window, ("after", str(after))])
        with reading():
            refunds = [_refund(refund) for refund in data["refunds"]]
            after = data["next"]
        yield from refunds


def _refund(refund: JsonDict) -> RefundSummary:
    return RefundSummary(
        external_id=str(int(refund["id"])),
        key=refund["external_key"],
        of=str(int(refund["sale"])),
        number=refund["number"],
        state=refund["state"],
        amount=-Decimal(refund["total"]),
        currency=refund["currency"],
        made_at=dt.datetime.fromisoformat(refund["placed_at"]),
        made_on=dt.date.fromisoformat(refund["sale_date"]),
        rank=RANKS[refund["state"]],
        posted=bool(refund["posted"]),
    )


def _summary(sale: JsonDict) -> DocumentSummary:
    return DocumentSummary(
        external_id=str(int(sale["id"])),
        key=sale["external_key"],
        number=sale["number"],
        state=sale["state"],
        total=Decimal(sale["total"]),
        currency=sale["currency"],
        placed_at=dt.datetime.fromisoformat(sale["placed_at"]),
        placed_on=dt.date.fromisoformat(sale["sale_date"]),
        version=sale["updated_at"],
        reference=sale.get("reference", ""),
        rank=RANKS[sale["state"]],
    )
