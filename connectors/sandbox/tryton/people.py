"""What people do in the sandbox's Tryton: pack parcels, correct tracking numbers, take goods back, plan ahead."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.sandbox.catalogue import Product
from connectors.sandbox.tryton.environment import SandboxError
from connectors.sandbox.tryton.goods import make_products, make_stock
from connectors.sandbox.tryton.site import Erp

_OUT: Final = "stock.shipment.out"
_BACK: Final = "stock.shipment.out.return"
#: The buttons that a parcel takes from the order to the courier.
_SHIPPING: Final = ("assign_try", "pick", "pack", "do")
_OPEN: Final = ("waiting", "assigned", "picked", "packed")


class Person:
    """Somebody who works in the ERP, with an administrator's session."""

    def __init__(self, erp: Erp) -> None:
        """Log in."""
        self._erp, self._admin = erp, erp.admin()

    def ship(self, sale: str, pieces: Mapping[str, int] | None = None, *, tracking: str = "") -> str:
        """Send what waits for the sale, or so many pieces of each code; the rest waits in a new shipment. Its id."""
        [row] = self._read("sale.sale", [["id", "=", int(sale)]], ("shipments",))
        waiting = self._read(_OUT, [["id", "in", row["shipments"]], ["state", "in", _OPEN]], ("inventory_moves",))
        if not waiting:
            raise SandboxError(f"nothing of the sale {sale} waits for being sent")
        shipment = waiting[0]["id"]
        if pieces is not None:
            self._pick_only(waiting[0]["inventory_moves"], pieces)
        self._write(_OUT, shipment, {"carrier": self._erp.carrier, "shipping_reference": tracking or None})
        for button in _SHIPPING:
            self._admin.call(f"model.{_OUT}.{button}", [shipment])
        return str(shipment)

    def correct_tracking(self, shipment: str, tracking: str) -> None:
        """Write another number on a parcel that has left."""
        self._write(_OUT, int(shipment), {"shipping_reference": tracking})

    def take_back(self, refund: str) -> None:
        """Receive everything that a return sale announces, and put it into stock."""
        [row] = self._read("sale.sale", [["id", "=", int(refund)]], ("shipment_returns",))
        for button in ("receive", "do"):
            self._admin.call(f"model.{_BACK}.{button}", row["shipment_returns"])

    def count(self, code: str, quantity: int, warehouse: str = "WH1") -> None:
        """Find so many of an article in the warehouse's own storage."""
        [row] = self._read("stock.location", [["id", "=", self._erp.warehouses[warehouse]]], ("storage_location",))
        make_stock(self._admin, self._erp.company, row["storage_location"], {self._erp.products[code]: quantity})

    def add_article(self, product: Product, *, like: str) -> str:
        """Create an article with the accounts and taxes that another one has; its id."""
        [other] = self._read("product.product", [["code", "=", like]], ("template.account_category",))
        category = other["template."]["account_category"]
        return str(make_products(self._admin, {product.tax_class: category}, [product])[product.sku])

    def cancel(self, sale: str) -> None:
        """Cancel a sale that is a draft or a quotation."""
        self._admin.call("model.sale.sale.cancel", [int(sale)])

    def credit(self, invoice: str) -> str:
        """Run the credit wizard of a posted invoice, which makes a draft for people to change; its id."""
        number = int(invoice)
        form = {"invoice_date": None, "with_refund": False, "with_refund_allowed": True}
        named = {"active_model": "account.invoice", "active_id": number, "active_ids": [number]}
        self._admin.wizard("account.invoice.credit", ("credit", {"start": form}), **named)
        made = [["lines.origin.invoice", "=", number, "account.invoice.line"]]
        return str(self._admin.one("account.invoice", made))

    def plan_ahead(self, product: int, lead_time: dt.timedelta | None) -> None:
        """Send this product only so long after each order of it."""
        [row] = self._read("product.product", [["id", "=", product]], ("template",))
        self._write("product.template", row["template"], {"lead_time": lead_time})

    def _pick_only(self, moves: Sequence[int], pieces: Mapping[str, int]) -> None:
        for move in self._read("stock.move", [["id", "in", moves]], ("product.code",)):
            self._write("stock.move", move["id"], {"quantity": float(pieces.get(move["product."]["code"], 0))})

    def _read(self, model: str, domain: Sequence[Any], names: Sequence[str]) -> list[dict[str, Any]]:
        return self._admin.read(model, domain, names)

    def _write(self, model: str, record: int, values: Mapping[str, Any]) -> None:
        self._admin.call(f"model.{model}.write", [record], dict(values))
