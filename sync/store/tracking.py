"""Tracking numbers of parcels, by which their orders are found."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select

from sync.store.tables import tracking_numbers

#: The kinds of document that have parcels.
SENT = frozenset({"shipment", "return"})


def fold_tracking(number: str) -> str:
    """As it is searched by: carriers print it in groups, and people type it in either case."""
    return "".join(number.split()).upper()[:255]


def tracking_of(body: Mapping[str, Any]) -> frozenset[str]:
    """Those of a shipment's canonical record, as JSON."""
    return frozenset(fold_tracking(parcel["tracking_number"]) for parcel in body.get("parcels", ())) - {""}


def save_tracking(connection: Connection, wanted: Mapping[int, Collection[str]]) -> None:
    """What these documents have now (id -> folded numbers); only what has changed is written."""
    if not wanted:
        return
    table = tracking_numbers.c
    query = select(table.document_id, table.number).where(table.document_id.in_(sorted(wanted)))
    known = {(document_id, number) for document_id, number in connection.execute(query)}
    named = {(document_id, number) for document_id, numbers in wanted.items() for number in numbers}
    if new := _rows(named - known):
        connection.execute(insert(tracking_numbers), new)
    if gone := _rows(known - named):
        of = (table.document_id == bindparam("of"), table.number == bindparam("which"))
        values = [{"of": row["document_id"], "which": row["number"]} for row in gone]
        connection.execute(delete(tracking_numbers).where(*of), values)


def _rows(pairs: Iterable[tuple[int, str]]) -> list[dict[str, object]]:
    return [{"document_id": document_id, "number": number} for document_id, number in sorted(pairs)]
