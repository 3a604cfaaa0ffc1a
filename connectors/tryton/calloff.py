"""Goods that were refunded before they left: taken out of what waits to be sent, and their return with them.

A sale in process makes again whatever its shipments lack, at its next processing. So an outgoing move is made smaller,
the sale is processed (the server makes one more shipment, of the rest), that shipment is cancelled, and what was
cancelled is ignored by the server's own wizard, as a person would do it (run on 8.2). Every step is seen in what stands
there, so a second try goes on where the first one ended.
"""

from __future__ import annotations

import collections
import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from connectors.kit.base import JsonDict
from connectors.kit.errors import ConnectorError, RecordRejected
from connectors.kit.halfway import taking_out
from connectors.kit.until import Until
from connectors.kit.words import say
from connectors.tryton.client import TrytonClient
from connectors.tryton.follow import number
from connectors.tryton.masters import Masters

_OUT: Final = "stock.shipment.out"
_BACK: Final = "stock.shipment.out.return"
_SALE: Final = "sale.sale"
_MOVE: Final = "stock.move"
#: Nobody has touched the goods yet. From `assigned` on somebody may have them in their hands.
_WAITING: Final = frozenset({"draft", "waiting"})
_WIZARD: Final = "wizard.sale.handle.shipment.exception"
_FIELDS: Final = (
    "shipments.state",
    *(f"shipments.outgoing_moves.{name}" for name in ("product.code", "quantity", "state", "sale")),
    *(f"lines.{name}" for name in ("moves.state", "moves_ignored", "moves_recreated")),
)


class CallOff:
    """Calls off goods of one company's sales."""

    def __init__(self, client: TrytonClient, masters: Masters) -> None:
        self._client, self._masters = client, masters

    def run(self, sale: str, pieces: Mapping[str, Decimal], returns: Sequence[str]) -> None:
        """Take `pieces` (code -> quantity) out of what waits for the sale, and cancel the returns that announce them.

        Raises RecordRejected before anything is written where somebody has begun to pick them.
        """
        if not self._client.has_login:
            raise RecordRejected(
                say("Tryton takes goods out of a shipment over JSON-RPC alone: set `auth.login` and `auth.password`"),
                code="no_login",
            )
        until = Until(self._client.deadline_s)
        row = self._read(number(sale))
        plan = _plan(row, pieces)
        with taking_out():
            for shipment, moves in plan:
                if gone := [move for move, left in moves.items() if not left]:
                    self._renew(row["id"], shipment, gone, until)
            # Also where nothing is left to take: an earlier try may have ended before the rest was dropped.
            self._reduce(row["id"], _parts(plan), until)
            for each in returns:
                self._cancel_return(number(each), until)

    def _renew(self, sale: int, shipment: JsonDict, gone: Sequence[int], until: Until) -> None:
        """Cancel a shipment; of its moves the server makes those anew that are not gone."""
        others = [move["id"] for move in _open(shipment) if move["id"] not in gone]
        self._press(_OUT, shipment["id"], "cancel", until)
        self._handle(sale, until, ignore=gone, recreate=others)

    def _reduce(self, sale: int, parts: Mapping[str, Decimal], until: Until) -> None:
        """Make moves smaller, let the server make a shipment of the rest, and cancel that one."""
        row = self._read(sale)
        for shipment, moves in _plan(row, parts):
            if shipment["state"] == "waiting":
                self._press(_OUT, shipment["id"], "draft", until)
            for move, left in moves.items():
                self._client.update(_MOVE, move, {"quantity": float(left)}, ("quantity",), deadline_s=until.left_s())
            self._press(_OUT, shipment["id"], "wait", until)
        self._handle(sale, until)
        known = {each["id"] for each in row["shipments"]}
        for shipment in self._read(sale)["shipments"]:
            if shipment["id"] not in known and shipment["state"] in _WAITING:
                self._press(_OUT, shipment["id"], "cancel", until)
        self._ignore(sale, until)

    def _ignore(self, sale: int, until: Until) -> None:
        """What was cancelled is not to be sent: without a word the sale would wait for a person to say so."""
        if moves := sorted(_cancelled(self._read(sale))):
            self._handle(sale, until, ignore=moves)

    def _handle(self, sale: int, until: Until, *, ignore: Sequence[int] = (), recreate: Sequence[int] = ()) -> None:
        """Say of cancelled moves what becomes of them, and have the sale processed; its own button is for few users."""
        record = {"active_model": _SALE, "active_id": sale, "active_ids": [sale]}
        context = {**self._masters.context(), **record}
        [session, *_] = self._client.call(f"{_WIZARD}.create", [context], deadline_s=until.left_s())
        ask = {"domain_moves": [*ignore, *recreate], "ignore_moves": list(ignore), "recreate_moves": list(recreate)}
        arguments = [session, {"ask": ask}, "handle", context]
        try:
            self._client.call(f"{_WIZARD}.execute", arguments, deadline_s=until.left_s())
        finally:
            # A wizard that is not ended stands in a table for ever.
            with contextlib.suppress(ConnectorError):
                self._client.call(f"{_WIZARD}.delete", [session, context], deadline_s=until.left_s())

    def _cancel_return(self, shipment: int, until: Until) -> None:
        fields = ("state", "incoming_moves.sale")
        rows = self._client.search(_BACK, [["id", "=", shipment]], fields)
        for row in rows:
            if row["state"] == "draft":
                self._press(_BACK, shipment, "cancel", until)
            for sale in {move["sale"] for move in row["incoming_moves"] if move["sale"]}:
                self._ignore(sale, until)

    def _read(self, sale: int) -> JsonDict:
        rows = self._client.search(_SALE, [["id", "=", sale]], _FIELDS)
        if not rows:
            raise RecordRejected(say("the sale is no longer in the ERP"), code="gone")
        return rows[0]

    def _press(self, model: str, record: int, button: str, until: Until) -> None:
        self._client.press(model, record, button, ("state",), deadline_s=until.left_s())


def _plan(row: JsonDict, pieces: Mapping[str, Decimal]) -> list[tuple[JsonDict, dict[int, Decimal]]]:
    """Shipment, and what is left of each move that loses pieces. The newest first: the customer would get it last."""
    missing = collections.defaultdict(Decimal, pieces)
    planned = []
    for shipment in sorted(row["shipments"], key=lambda each: -each["id"]):
        moves = {}
        for move in _open(shipment) if shipment["state"] in _WAITING else ():
            taken = min(_quantity(move), missing[_code(move)])
            if taken > 0 and _sale(move) == row["id"]:
                moves[move["id"]] = _quantity(move) - taken
                missing[_code(move)] -= taken
        if moves and any(_sale(move) != row["id"] for move in _open(shipment)):
            text = say("shipment %(shipment)s holds goods of other sales too", shipment=shipment["id"])
            raise RecordRejected(text, code="merged")
        if moves:
            planned.append((shipment, moves))
    if left := {code: quantity for code, quantity in missing.items() if quantity > 0}:
        shown = ", ".join(f"{quantity.normalize():f} x {code}" for code, quantity in left.items())
        raise RecordRejected(say("%(pieces)s is being picked already, or has left", pieces=shown), code="state")
    return planned


def _sale(move: JsonDict) -> int | None:
    found: int | None = move["sale"]
    return found


def _parts(plan: Iterable[tuple[JsonDict, Mapping[int, Decimal]]]) -> dict[str, Decimal]:
    """Code -> what is taken from moves that keep something."""
    parts: collections.defaultdict[str, Decimal] = collections.defaultdict(Decimal)
    for shipment, moves in plan:
        for move in _open(shipment):
            if left := moves.get(move["id"]):
                parts[_code(move)] += _quantity(move) - left
    return dict(parts)


def _open(shipment: JsonDict) -> list[JsonDict]:
    return [move for move in shipment["outgoing_moves"] if move["state"] != "cancelled"]


def _code(move: JsonDict) -> str:
    return (move["product"] or {}).get("code") or ""


def _quantity(move: JsonDict) -> Decimal:
    return Decimal(str(move["quantity"]))


def _cancelled(row: JsonDict) -> Iterator[int]:
    """The moves of a sale that the server asks a person about."""
    for line in row["lines"]:
        known = {*line["moves_ignored"], *line["moves_recreated"]}
        yield from (move["id"] for move in line["moves"] if move["state"] == "cancelled" and move["id"] not in known)
