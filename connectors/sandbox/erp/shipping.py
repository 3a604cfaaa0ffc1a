"""Stock and shipments of the sandbox ERP: what people do in its warehouses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from connectors.sandbox.erp import plans
from connectors.sandbox.erp.core import Core, today
from connectors.sandbox.erp.documents import GOODS, JsonDict, Refused, decimal
from connectors.sandbox.erp.papers import EXPECTED, PLANNED, Shipment, fields_of
from connectors.sandbox.erp.plans import lines_of, pieces_of


class Shipping:
    """Every public method may be called from many threads, and raises Refused."""

    def __init__(self, core: Core) -> None:
        """On the books' own state."""
        self._core = core

    # Stock

    def stock(self, warehouses: Sequence[str], codes: Sequence[str] | None, after: int, limit: int) -> list[JsonDict]:
        """The stock of goods with an id above `after`, up to `limit` of them, each in every warehouse, by id."""
        state = self._core.state
        for warehouse in warehouses:
            self._check_warehouse(warehouse)
        with self._core.lock:
            if codes is None:
                found = [product for product in state.product_by_id.values() if product.id > after]
            else:
                found = [state.products[code] for code in codes if code in state.products]
            goods = sorted((product for product in found if product.type == GOODS), key=lambda each: each.id)[:limit]
            return [
                {
                    "product": product.id,
                    "code": product.code,
                    "warehouse": warehouse,
                    "on_hand": f"{state.on_hand.get((product.id, warehouse), Decimal(0)):f}",
                    "reserved": f"{state.reserved.get((product.id, warehouse), Decimal(0)):f}",
                    "available": f"{state.available((product.id, warehouse)):f}",
                }
                for product in goods
                for warehouse in warehouses
            ]

    def changed_stock(self, after: int, limit: int) -> JsonDict:
        """Codes of products whose stock moved after the change `after`, and the number up to which all is told."""
        with self._core.lock:
            log = self._core.state.changed_stock
            found, reached = log.after(after, limit)
            codes = [self._core.state.product_by_id[product].code for product, _ in found]
            return {"codes": codes, "reached": reached, "last": log.last}

    def set_stock(self, code: str, quantity: Decimal, warehouse: str = "") -> None:
        """Somebody has counted: so many pieces are on hand, those that are reserved included."""
        warehouse = warehouse or self._core.state.warehouses[0]
        self._check_warehouse(warehouse)
        with self._core.lock:
            product = self._core.state.products.get(code)
            if product is None:
                raise Refused(422, "unknown_product", f"there is no product {code!r}", "code")
            document = {"warehouse": warehouse, "quantity": f"{quantity:f}"}
            self._core.do("stock.set", code, product.id, document=document)

    # Shipments

    def send(
        self,
        shipment_id: int,
        *,
        pieces: Mapping[str, Decimal] | None = None,
        tracking: Sequence[JsonDict] = (),
        carrier: str = "",
    ) -> JsonDict:
        """It leaves, all of it or `pieces` (code -> quantity); what stays is a new shipment."""
        with self._core.lock:
            shipment = self._core.shipment(shipment_id)
            if shipment.back or shipment.state not in PLANNED:
                raise Refused(409, "wrong_state", f"shipment {shipment_id} is {shipment.state}, it cannot leave", "id")
            lines, rest = self._parted(shipment, pieces)
            self._check_on_hand(shipment, lines)
            document = {
                "lines": lines,
                "tracking": [dict(parcel) for parcel in tracking],
                "carrier": carrier,
                "sent_on": today(),
                "rest": self._rest(shipment, rest) if rest else None,
            }
            self._record("shipment.send", shipment, document)
            return fields_of(shipment)

    def track(
        self, shipment_id: int, *, tracking: Sequence[JsonDict] | None = None, carrier: str | None = None
    ) -> JsonDict:
        """Somebody corrects tracking numbers or the carrier."""
        with self._core.lock:
            shipment = self._core.shipment(shipment_id)
            document = {
                "tracking": shipment.tracking if tracking is None else [dict(parcel) for parcel in tracking],
                "carrier": shipment.carrier if carrier is None else carrier,
            }
            self._record("shipment.track", shipment, document)
            return fields_of(shipment)

    def receive(self, shipment_id: int) -> JsonDict:
        """A return has come and lies in the warehouse."""
        with self._core.lock:
            shipment = self._core.shipment(shipment_id)
            if shipment.state != EXPECTED:
                message = f"shipment {shipment_id} is {shipment.state}, it cannot come back"
                raise Refused(409, "wrong_state", message, "id")
            self._record("shipment.receive", shipment, {"sent_on": today()})
            return fields_of(shipment)

    def cancel(self, shipment_id: int) -> JsonDict:
        """It will not leave, or not come back."""
        with self._core.lock:
            shipment = self._core.shipment(shipment_id)
            if shipment.state not in PLANNED | {EXPECTED}:
                message = f"shipment {shipment_id} is {shipment.state}, it cannot be cancelled"
                raise Refused(409, "wrong_state", message, "id")
            self._record("shipment.cancel", shipment, {})
            return fields_of(shipment)

    # Inside the lock

    def _record(self, kind: str, shipment: Shipment, document: JsonDict) -> None:
        # The sale may be gone: somebody at the database can take it away.
        sale = self._core.state.sales.get(shipment.sale)
        if sale is None:
            raise Refused(409, "wrong_state", f"the sale of shipment {shipment.id} is gone", "id")
        self._core.do(kind, sale.external_key, shipment.id, document=document)

    def _parted(
        self, shipment: Shipment, wanted: Mapping[str, Decimal] | None
    ) -> tuple[list[JsonDict], list[JsonDict]]:
        """The lines that leave and those that stay."""
        if wanted is None:
            return list(shipment.lines), []
        state = self._core.state
        left = pieces_of(shipment.lines)
        leaving = dict.fromkeys(left, Decimal(0))
        for code, quantity in wanted.items():
            product = state.products.get(code)
            if product is None or product.id not in left or not 0 <= quantity <= left[product.id]:
                raise Refused(422, "invalid", f"shipment {shipment.id} has not {quantity:f} pieces of {code}", "lines")
            left[product.id] -= quantity
            leaving[product.id] += quantity
        if not any(leaving.values()):
            raise Refused(422, "required", "at least one piece must leave", "lines")
        return lines_of(state, leaving), lines_of(state, left)

    def _rest(self, shipment: Shipment, lines: list[JsonDict]) -> JsonDict:
        number = len(self._core.state.shipments) + 1
        return plans.shipment(number, shipment.sale, shipment.state, shipment.warehouse, lines)

    def _check_on_hand(self, shipment: Shipment, lines: list[JsonDict]) -> None:
        for line in lines:
            there = self._core.state.on_hand.get((line["product"], shipment.warehouse), Decimal(0))
            if there < Decimal(line["quantity"]):
                message = f"{line['quantity']} pieces of {line['code']} are to leave, {there:f} are on hand"
                raise Refused(409, "not_on_hand", message, "lines")

    def _check_warehouse(self, code: str) -> None:
        if code not in self._core.state.warehouses:
            raise Refused(422, "unknown_warehouse", f"there is no warehouse {code!r}", "warehouse")


def pieces_from(value: object) -> dict[str, Decimal] | None:
    """`{"TASSE-ROT": "2"}` as somebody sends it; None where nothing is said. Raises Refused."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise Refused(422, "invalid", "lines must be an object of code and quantity", "lines")
    return {code: decimal(value, code, f"lines.{code}") for code in value}
