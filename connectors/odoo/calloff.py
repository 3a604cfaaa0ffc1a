"""Goods that were refunded before they left: taken out of the pickings that wait, and their announced return with them.

A sale of Odoo does not make again what its pickings lack. So a move is asked for less, a picking of which nothing is
left is cancelled, and what stays is reserved anew, for Odoo frees all of a move whose demand falls. Every step is seen
in what stands there, so a second try goes on where the first one ended.
"""

from __future__ import annotations

import collections
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from connectors.kit.base import JsonDict
from connectors.kit.errors import RecordRejected
from connectors.kit.halfway import taking_out
from connectors.kit.until import Until
from connectors.kit.words import say
from connectors.odoo.client import OdooClient
from connectors.odoo.documents import MODEL, amount
from connectors.odoo.follow import PICKING, STOCK_MOVE, record_id

_OVER: Final = frozenset({"done", "cancel"})
_PRODUCT: Final[JsonDict] = {"fields": {"default_code": {}}}
_USAGE: Final[JsonDict] = {"fields": {"usage": {}}}
_MOVES: Final[JsonDict] = {
    "fields": {"product_id": _PRODUCT, "product_uom_qty": {}, "picked": {}, "state": {}, "sale_line_id": {}}
}
_PICKINGS: Final[JsonDict] = {
    "fields": {"state": {}, "location_id": _USAGE, "location_dest_id": _USAGE, "move_ids": _MOVES}
}


class CallOff:
    """Calls off goods of one company's sales."""

    def __init__(self, client: OdooClient) -> None:
        self._client = client

    def run(self, sale: str, pieces: Mapping[str, Decimal], returns: Sequence[str]) -> None:
        """Take `pieces` (code -> quantity) out of what waits for the sale, and cancel the returns that announce them.

        Raises RecordRejected before anything is written where somebody has begun to pick them.
        """
        until = Until(self._client.deadline_s)
        row = self._read(record_id(sale))
        plan = list(_plan(row, pieces))
        coming = set(map(record_id, returns))
        over = {each["id"] for each in row["picking_ids"] if each["state"] in _OVER}
        with taking_out():
            for picking, left in plan:
                self._reduce(picking, left, until)
            if announced := sorted(coming - over):
                self._client.write(PICKING, "action_cancel", ids=announced, deadline_s=until.left_s())

    def _reduce(self, picking: JsonDict, left: Mapping[int, Decimal], until: Until) -> None:
        if all(left.get(move["id"], amount(move["product_uom_qty"])) == 0 for move in _living(picking)):
            self._client.write(PICKING, "action_cancel", ids=[picking["id"]], deadline_s=until.left_s())
            return
        for move, pieces in left.items():
            values = {"vals": {"product_uom_qty": float(pieces)}}
            self._client.write(STOCK_MOVE, "write", values, ids=[move], deadline_s=until.left_s())
        self._client.write(PICKING, "action_assign", ids=[picking["id"]], deadline_s=until.left_s())

    def _read(self, number: int) -> JsonDict:
        rows = self._client.search_nested(MODEL, [["id", "=", number]], {"name": {}, "picking_ids": _PICKINGS})
        if not rows:
            raise RecordRejected(say("the sale is no longer in the ERP"), code="gone")
        return rows[0]


def _plan(row: JsonDict, pieces: Mapping[str, Decimal]) -> Iterator[tuple[JsonDict, dict[int, Decimal]]]:
    """Picking, and what is left of each move that loses pieces. The newest first: the customer would get it last."""
    missing = collections.defaultdict(Decimal, pieces)
    waiting = [each for each in row["picking_ids"] if each["state"] not in _OVER]
    planned = []
    for picking in sorted(waiting, key=lambda each: -int(each["id"])):
        if (picking["location_dest_id"] or {}).get("usage") != "customer":
            continue
        left: dict[int, Decimal] = {}
        for move in _living(picking):
            code, demand = (move["product_id"] or {}).get("default_code") or "", amount(move["product_uom_qty"])
            taken = min(demand, missing[code])
            if taken > 0 and not move["picked"]:
                left[move["id"]] = demand - taken
                missing[code] -= taken
        if left:
            planned.append((picking, left))
    _possible(waiting, planned, missing)
    yield from planned


def _possible(
    waiting: Sequence[JsonDict],
    planned: Sequence[tuple[JsonDict, Mapping[int, Decimal]]],
    missing: Mapping[str, Decimal],
) -> None:
    """Raises RecordRejected for what a person has to do: nothing is written then."""
    if short := {code: quantity for code, quantity in missing.items() if quantity > 0}:
        shown = ", ".join(f"{quantity.normalize():f} x {code}" for code, quantity in short.items())
        raise RecordRejected(say("%(pieces)s is being picked already, or has left", pieces=shown), code="picked")
    if planned and any(_is_inside(each) for each in waiting):
        # Less demand does not reach the step before, which would bring the goods to the door all the same.
        raise RecordRejected(say("the goods go through several pickings on their way out"), code="steps")


def _is_inside(picking: JsonDict) -> bool:
    return "customer" not in {(picking[name] or {}).get("usage") for name in ("location_id", "location_dest_id")}


def _living(picking: JsonDict) -> list[JsonDict]:
    return [move for move in picking["move_ids"] if move["state"] not in _OVER]
