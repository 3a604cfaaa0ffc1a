"""What the ERP's own people do, over routes of the sandbox's server.

POST /_sandbox/orders/{id}/send      {"tracking": "T-1", "pieces": {"SKU": 1}?}: send what is reserved, or so much
POST /_sandbox/orders/{id}/invoice   the wizard: draft invoices of what is due
POST /_sandbox/orders/{id}/cancel
POST /_sandbox/invoices/{id}/print   Send & Print: the PDF hangs on it
POST /_sandbox/stock                 {"sku", "quantity", "warehouse"}: a count
POST /_sandbox/conflicts             {"count": 1}: so many loads lose against another one
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from connectors.sandbox.exchange import Handler, Request, Response, Router, json_response
from connectors.sandbox.odoo import accounting, sales, stock
from connectors.sandbox.odoo.app import OdooApp
from connectors.sandbox.odoo.database import Database, Json, OdooError


def act(app: OdooApp, do: Callable[[Database], Any]) -> Any:
    """Something that a person does, in a transaction. Raises OdooError."""
    with app.lock:
        app.db.begin()
        try:
            answer = do(app.db)
        except BaseException:
            app.db.roll_back()
            raise
        app.db.commit()
        return answer


def send(app: OdooApp, order: int, tracking: str, pieces: Mapping[str, Decimal] | None = None) -> None:
    """Everything of the order that is reserved leaves in one parcel each transfer; of `pieces`, so much."""

    def do(db: Database) -> None:
        for picking in _open(db, order):
            stock.assign(db, picking)
            for move in db.all("stock.move", picking_id=picking["id"]):
                wanted = (
                    None
                    if pieces is None
                    else pieces.get(db.get("product.product", move["product_id"])["default_code"])
                )
                if wanted is not None:
                    db.update("stock.move", move, {"quantity": float(wanted), "picked": True})
            db.update("stock.picking", picking, {"carrier_tracking_ref": tracking})
            stock.validate(db, [picking], {"skip_backorder": True})

    act(app, do)


def correct(app: OdooApp, order: int, tracking: str) -> None:
    """Another tracking number on the order's first transfer."""
    act(
        app,
        lambda db: db.update(
            "stock.picking", next(db.all("stock.picking", sale_id=order)), {"carrier_tracking_ref": tracking}
        ),
    )


def cancel(app: OdooApp, order: int) -> None:
    """Cancel it."""
    act(app, lambda db: sales.action_cancel(db, [db.get("sale.order", order)]))


def lock(app: OdooApp, order: int) -> None:
    """Nobody is to change it by mistake."""
    act(app, lambda db: db.update("sale.order", db.get("sale.order", order), {"locked": True}))


def invoice(app: OdooApp, order: int) -> None:
    """The wizard."""
    act(app, lambda db: sales.create_invoices(db, {"sale_order_ids": [order]}))


def print_out(app: OdooApp, invoice: int) -> None:
    """Send & Print."""
    act(app, lambda db: accounting.print_out(db, db.get("account.move", invoice)))


def count(app: OdooApp, sku: str, quantity: Decimal, warehouse: str) -> None:
    """What lies there is so much."""

    def do(db: Database) -> None:
        product = next(db.all("product.product", default_code=sku))
        place = next(db.all("stock.warehouse", code=warehouse))["lot_stock_id"]
        for quant in db.all("stock.quant", product_id=product["id"], location_id=place):
            db.update("stock.quant", quant, {"quantity": float(quantity)})
            return
        values = {"product_id": product["id"], "location_id": place, "reserved_quantity": 0.0}
        db.insert("stock.quant", {**values, "quantity": float(quantity)})

    act(app, do)


def _open(db: Database, order: int) -> list[Json]:
    return [each for each in db.all("stock.picking", sale_id=order) if each["state"] not in {"done", "cancel"}]


def add_people_routes(control: Router[Handler], app: OdooApp) -> None:
    """See the module's text."""

    def route(path: str, do: Callable[[Json, int], None]) -> None:
        def handle(request: Request, number: str = "0") -> Response:
            try:
                do(request.json() if request.body else {}, int(number))
            except OdooError as error:
                return json_response({"error": error.message}, 409)
            except StopIteration:
                return json_response({"error": "there is no such article or warehouse"}, 404)
            return Response(204)

        control.add("POST", path, handle)

    def sent(told: Json, number: int) -> None:
        pieces = {sku: Decimal(str(each)) for sku, each in told["pieces"].items()} if "pieces" in told else None
        send(app, number, str(told.get("tracking", "")), pieces)

    def conflicts(told: Json, _number: int) -> None:
        app.conflicts = int(told.get("count", 1))

    route("/_sandbox/orders/{number}/send", sent)
    route("/_sandbox/orders/{number}/invoice", lambda _told, number: invoice(app, number))
    route("/_sandbox/orders/{number}/cancel", lambda _told, number: cancel(app, number))
    route("/_sandbox/invoices/{number}/print", lambda _told, number: print_out(app, number))
    route("/_sandbox/stock", lambda told, _: count(app, told["sku"], Decimal(str(told["quantity"])), told["warehouse"]))
    route("/_sandbox/conflicts", conflicts)
