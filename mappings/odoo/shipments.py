"""Deliveries and returns of a sale: Odoo's pickings, of which several steps may stand between shelf and customer."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from mappings.base import JsonDict
from mappings.canonical.facets import Parcel, Shipment, ShipmentState, ShippedLine
from mappings.odoo.values import code_of, decimal, known, reading

_STATES: Final[Mapping[str, ShipmentState]] = {
    **dict.fromkeys(("draft", "waiting", "confirmed", "assigned"), ShipmentState.PLANNED),
    "done": ShipmentState.SENT,
    "cancel": ShipmentState.CANCELLED,
}
_CUSTOMER: Final = "customer"
#: Several parcels stand in the one field; carriers' modules put a plus between their numbers.
_BETWEEN_NUMBERS: Final = re.compile(r"[,;+\n]+")


def shipments(survey: JsonDict) -> Iterator[Shipment]:
    """What goes to the customer and what comes from them; picking and packing on the way are Odoo's own business."""
    rows = [row for row in survey.get("picking_ids", ()) if _is_outside(row)]
    for row in sorted(rows, key=lambda each: int(each["id"])):
        with reading(f"picking {row.get('name')}"):
            yield _shipment(row, rows, survey)


def _is_outside(row: JsonDict) -> bool:
    return _CUSTOMER in {(row[name] or {}).get("usage") for name in ("location_id", "location_dest_id")}


def _is_back(row: JsonDict) -> bool:
    return bool((row["location_id"] or {}).get("usage") == _CUSTOMER)


def _shipment(row: JsonDict, rows: Sequence[JsonDict], survey: JsonDict) -> Shipment:
    state = known(_STATES, row["state"], "state")
    number = (row.get("carrier_id") or {}).get("name") or ""
    return Shipment(
        external_id=str(row["id"]),
        number=row["name"] or "",
        state=state,
        lines=tuple(_lines(row, rows, survey)),
        parcels=tuple(_parcels(row)),
        carrier=number,
        sent_on=_day(row["date_done"]) if state is ShipmentState.SENT else None,
        back=_is_back(row),
    )


def _lines(row: JsonDict, rows: Sequence[JsonDict], survey: JsonDict) -> Iterator[ShippedLine]:
    """Pieces of each code; a set that is sent as its parts counts as the set that was sold."""
    sold = {line["id"]: line for line in survey["order_line"]}
    pieces: dict[str, Decimal] = {}
    parts: dict[int, list[JsonDict]] = {}
    for move in _moves(row, sold):
        line = sold.get(move["sale_line_id"] or 0)
        if line is not None and (line["product_id"] or {}).get("id") != (move["product_id"] or {}).get("id"):
            parts.setdefault(line["id"], []).append(move)
        else:
            pieces[code_of(move)] = pieces.get(code_of(move), Decimal(0)) + _quantity(move, row)
    for number, moves in parts.items():
        code = code_of(sold[number])
        pieces[code] = pieces.get(code, Decimal(0)) + _sets(moves, row, rows, sold[number])
    return (ShippedLine(code=code, quantity=quantity) for code, quantity in pieces.items() if quantity)


def _moves(row: JsonDict, sold: Mapping[int, JsonDict]) -> Iterator[JsonDict]:
    """Its moves without those of other sales in the same picking, and without those that were given up."""
    for move in row["move_ids"]:
        foreign = move["sale_line_id"] and move["sale_line_id"] not in sold
        if not foreign and (move["state"] != "cancel" or row["state"] == "cancel"):
            yield move


def _quantity(move: JsonDict, row: JsonDict) -> Decimal:
    """What has left; before, what is to leave, however much of it is reserved."""
    return decimal(move["quantity" if row["state"] == "done" else "product_uom_qty"])


def _sets(moves: Sequence[JsonDict], row: JsonDict, rows: Sequence[JsonDict], line: JsonDict) -> Decimal:
    """As many whole sets as every part allows; all deliveries of the line together say how many of a part make one."""
    found: list[Decimal] = []
    for product in {(move["product_id"] or {}).get("id") for move in moves}:
        here = sum(
            (_quantity(move, row) for move in moves if (move["product_id"] or {}).get("id") == product), Decimal(0)
        )
        asked = sum(
            (
                decimal(move["product_uom_qty"])
                for each in rows
                if not _is_back(each) and each["state"] != "cancel"
                for move in each["move_ids"]
                if move["sale_line_id"] == line["id"] and (move["product_id"] or {}).get("id") == product
            ),
            Decimal(0),
        )
        found.append(here * decimal(line["product_uom_qty"]) / asked if asked else Decimal(0))
    return Decimal(int(min(found)))


def _parcels(row: JsonDict) -> Iterator[Parcel]:
    written = (each.strip() for each in _BETWEEN_NUMBERS.split(row.get("carrier_tracking_ref") or ""))
    numbers = [number for number in dict.fromkeys(written) if number]
    # Of several parcels Odoo writes the addresses as a list of its own.
    url = str(row.get("carrier_tracking_url") or "")
    for number in numbers:
        yield Parcel(tracking_number=number, tracking_url=url if len(numbers) == 1 and url.startswith("http") else "")


def _day(value: str | None) -> dt.date | None:
    return dt.date.fromisoformat(value[:10]) if value else None
