"""The verdict over a sandbox shop's ledger: what Crossdock really told the shop of each order's life in the ERP.

It reads the file alone and shares no code with the shop or with the mapping, so a defect there cannot hide itself here.
"""

from __future__ import annotations

import collections
import dataclasses
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from connectors.sandbox.ledger import read_ledger

_KEY: Final = "_crossdock_key"
_INVOICES: Final = "_crossdock_invoices"
_REFERENCE: Final = re.compile(r"Ref\. (\S+)\s*\Z")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the shop must have been told of one order, no more and no less."""

    #: Tracking number of each parcel, as a fulfilment or as a note.
    parcels: frozenset[str] = frozenset()
    #: How many invoices and credit notes stand on it.
    invoices: int = 0
    status: str = ""


@dataclasses.dataclass(slots=True)
class _Order:
    """One order as its entries tell it."""

    document: dict[str, Any] = dataclasses.field(default_factory=dict)
    fulfilments: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    notes: list[str] = dataclasses.field(default_factory=list)


def check_told(path: Path, expected: Mapping[str, Told]) -> list[str]:
    """Everything that is wrong, in plain words; empty when each order (by its id) was told what is expected of it.

    Wrong is: a parcel that was told twice, under one key or under two, one that is missing, or that nobody expected;
    more pieces told than were ordered; the same note twice; an invoice that stands on the order twice, a wrong count
    of them; another state of the order. What the shop's own people wrote without a key of ours is theirs.
    """
    orders = _read(path)
    return [f"order {number}: {fault}" for number, told in expected.items() for fault in _faults(orders[number], told)]


def _read(path: Path) -> dict[str, _Order]:
    orders: dict[str, _Order] = collections.defaultdict(_Order)
    for entry in read_ledger(path):
        kind, _, what = entry.kind.partition(".")
        if kind == "order" and entry.document:
            orders[entry.external_id].document = entry.document
        elif kind == "fulfillment":
            number = str(entry.document["order_id"])
            orders[number].fulfilments[entry.external_id] = entry.document
            if what == "delete":
                del orders[number].fulfilments[entry.external_id]
        elif entry.kind == "note.create":
            orders[str(entry.document["order_id"])].notes.append(entry.document["note"])
    return orders


def _faults(order: _Order, told: Told) -> Iterator[str]:
    ours = [(key, row) for row in order.fulfilments.values() if (key := _meta(row, _KEY))]
    noted = [(found[1], note) for note in order.notes if (found := _REFERENCE.search(note))]
    keys = collections.Counter(key for key, _ in (*ours, *noted))
    yield from (f"{key} was told {count} times" for key, count in keys.items() if count > 1)
    seen = collections.Counter(_meta(row, "_tracking_number") for _, row in ours)
    seen.update(number for number in told.parcels for _, note in noted if number in note)
    yield from (f"parcel {number} was told {count} times" for number, count in seen.items() if count > 1)
    yield from (f"parcel {number} was never told" for number in sorted(told.parcels - seen.keys()))
    yield from (f"parcel {number} was not expected" for number in sorted(seen.keys() - told.parcels))
    yield from _overtold(order, [row for _, row in ours])
    numbers = [each["number"] for each in _meta(order.document, _INVOICES) or ()]
    if len(numbers) != told.invoices or len(set(numbers)) != len(numbers):
        yield f"it shows the invoices {', '.join(numbers) or 'none'}, and {told.invoices} were expected"
    if told.status and order.document.get("status") != told.status:
        yield f"it is {order.document.get('status')!r}, not {told.status!r}"


def _overtold(order: _Order, fulfilments: list[dict[str, Any]]) -> Iterator[str]:
    ordered = {line["id"]: Decimal(str(line["quantity"])) for line in order.document.get("line_items", ())}
    sent: dict[int, Decimal] = collections.defaultdict(Decimal)
    for row in fulfilments:
        for piece in _meta(row, "_items") or ():
            sent[piece["item_id"]] += Decimal(str(piece["qty"]))
    for line, pieces in sent.items():
        if pieces > ordered.get(line, 0):
            yield f"{pieces} pieces of line {line} were told, {ordered.get(line, 0)} were ordered"


def _meta(document: dict[str, Any], key: str) -> Any:
    return next((entry["value"] for entry in document.get("meta_data", ()) if entry.get("key") == key), None)
