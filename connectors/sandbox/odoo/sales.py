"""Sales: amounts, numbers, confirming and cancelling, and the wizard that invoices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from connectors.sandbox.odoo import accounting, stock
from connectors.sandbox.odoo.database import (
    COMPUTED,
    Database,
    Json,
    OdooError,
    number,
    to_cents,
    total,
    user_error,
)
from connectors.sandbox.odoo.orm import CREATED, DEFAULTS, GUARDS, REMOVALS, TOUCHES
from connectors.sandbox.odoo.taxes import amount_of, taxed

_STATE = "Some orders are not in a state requiring confirmation."


def _line(db: Database, line: Json) -> tuple[Decimal, Decimal]:
    base = to_cents(amount_of(line, "product_uom_qty"))
    taxes = (number(db.get("account.tax", tax)["amount"]) for tax in line.get("tax_ids") or [])
    return base, total(to_cents(base * rate / 100) for rate in taxes)


def _lines(db: Database, order: Json) -> list[Json]:
    return list(db.all("sale.order.line", order_id=order["id"]))


def _amounts(db: Database, order: Json) -> tuple[Decimal, Decimal]:
    return taxed(db, _lines(db, order), "product_uom_qty")


def _currency(db: Database, order: Json, _context: Mapping[str, Any]) -> int:
    if order.get("pricelist_id"):
        return int(db.get("product.pricelist", order["pricelist_id"])["currency_id"])
    [company] = list(db.all("res.company"))
    return int(company["currency_id"])


def delivered(db: Database, line: Json) -> Decimal:
    """Pieces that have left, less those that came back to be refunded."""
    gone = Decimal(0)
    for move in db.all("stock.move", sale_line_id=line["id"], state="done"):
        back = db.get("stock.location", move["location_dest_id"])["usage"] == "internal"
        gone += -number(move["quantity"]) if back else number(move["quantity"])
    return gone


def invoiced(db: Database, line: Json) -> Decimal:
    """Pieces that stand in invoices, drafts too, less those in credit notes."""
    found = Decimal(0)
    for each in db.all("account.move.line"):
        if line["id"] in (each.get("sale_line_ids") or []):
            move = db.get("account.move", each["move_id"])
            if move["state"] != "cancel":
                found += number(each["quantity"]) * (-1 if move["move_type"] == "out_refund" else 1)
    return found


def invoices_of(db: Database, order: Json) -> list[int]:
    """Every invoice and credit note with a line of the order."""
    lines = {line["id"] for line in _lines(db, order)}
    return sorted(
        {each["move_id"] for each in db.all("account.move.line") if lines & set(each.get("sale_line_ids") or [])}
    )


def to_invoice(db: Database, line: Json) -> Decimal:
    """Pieces that can be invoiced now, as the product's policy says."""
    product = db.get("product.product", line["product_id"])
    due = number(line["product_uom_qty"]) if product["invoice_policy"] == "order" else delivered(db, line)
    return due - invoiced(db, line)


def _invoice_status(db: Database, order: Json, _context: Mapping[str, Any]) -> str:
    if order["state"] != "sale":
        return "no"
    lines = [line for line in _lines(db, order) if line.get("product_id")]
    if any(to_invoice(db, line) > 0 for line in lines):
        return "to invoice"
    full = all(invoiced(db, line) >= number(line["product_uom_qty"]) for line in lines)
    return "invoiced" if lines and full else "no"


def _delivery_status(db: Database, order: Json, _context: Mapping[str, Any]) -> Any:
    states = {each["state"] for each in db.all("stock.picking", sale_id=order["id"])} - {"cancel"}
    if not states:
        return False
    if states == {"done"}:
        return "full"
    return "partial" if "done" in states else "pending"


def _ordered(db: Database, values: Json) -> None:
    values.setdefault("state", "draft")
    values["name"] = values.get("name") or f"S{db.next_id('S'):05d}"
    partner = values.get("partner_id")
    for name in ("partner_invoice_id", "partner_shipping_id"):
        values[name] = values.get(name) or partner
    values["date_order"] = values.get("date_order") or f"{db.now:%Y-%m-%d %H:%M:%S}"
    [company] = list(db.all("res.company"))
    values["company_id"] = values.get("company_id") or company["id"]
    values["warehouse_id"] = values.get("warehouse_id") or next(db.all("stock.warehouse"))["id"]


def _lined(db: Database, values: Json) -> None:
    product = values.get("product_id")
    if not product:
        return
    record = db.get("product.product", product)
    values["name"] = values.get("name") or db.display("product.product", product)
    values["product_uom_id"] = values.get("product_uom_id") or record["uom_id"]
    values.setdefault("product_uom_qty", 1.0)
    if "tax_ids" not in values:
        values["tax_ids"] = list(record["taxes_id"])
    if values.get("price_unit") is None:
        values["price_unit"] = record["lst_price"]


def action_confirm(db: Database, orders: Sequence[Json]) -> bool:
    """All of them or none."""
    if any(order["state"] not in {"draft", "sent"} for order in orders):
        raise user_error(_STATE)
    for order in orders:
        db.update("sale.order", order, {"state": "sale", "date_order": f"{db.now:%Y-%m-%d %H:%M:%S}"})
        stock.deliver(db, order, _lines(db, order))
        db.tell("sale.confirm", order["id"], total=sum(_amounts(db, order)))
    return True


def action_quotation_sent(db: Database, orders: Sequence[Json]) -> None:
    """Marked as sent; nothing is mailed."""
    if any(order["state"] != "draft" for order in orders):
        raise user_error("Only draft orders can be marked as sent directly.")
    for order in orders:
        db.update("sale.order", order, {"state": "sent"})


def action_cancel(db: Database, orders: Sequence[Json]) -> bool:
    """With what of them has not left, and with their draft invoices; goods that have left stay away."""
    if any(order.get("locked") for order in orders):
        raise user_error("You cannot cancel a locked order. Please unlock it first.")
    for order in orders:
        for picking in db.all("stock.picking", sale_id=order["id"]):
            if picking["state"] not in {"done", "cancel"}:
                stock.cancel(db, picking)
        for invoice in invoices_of(db, order):
            move = db.get("account.move", invoice)
            if move["state"] == "draft":
                db.update("account.move", move, {"state": "cancel"})
        if order["state"] != "cancel":
            db.update("sale.order", order, {"state": "cancel"})
            db.tell("sale.cancel", order["id"])
    return True


def asks(db: Database, orders: Sequence[Json], context: Mapping[str, Any]) -> bool:
    """Whether a window opens in the place of a cancellation."""
    told = bool(context.get("disable_cancel_warning"))
    drafts = all(order["state"] in {"draft", "cancel"} for order in orders)
    return not drafts and (db.always_asks or (db.asks_before_cancel and not told))


def question(orders: Sequence[Json]) -> Json:
    """That window."""
    return {
        "name": "Cancel Sales Order",
        "view_mode": "form",
        "res_model": "sale.order.cancel",
        "view_id": 1027,
        "type": "ir.actions.act_window",
        "context": {"default_order_id": orders[0]["id"], "mark_so_as_canceled": True},
        "target": "new",
    }


def create_invoices(db: Database, wizard: Json) -> Json:
    """One draft for each order, unless they are billed together. Raises OdooError where nothing is due."""
    orders = [db.get("sale.order", each) for each in wizard["sale_order_ids"]]
    groups = [orders] if wizard.get("consolidated_billing") else [[order] for order in orders]
    made = [accounting.invoice(db, group, _due(db, group)) for group in groups if _due(db, group)]
    if not made:
        raise user_error(
            "Cannot create an invoice. No items are available to invoice.\n\nTo resolve this issue, please ensure that:"
        )
    for order in orders:
        db.update("sale.order", order, {})
    return {
        "name": "Invoices",
        "type": "ir.actions.act_window",
        "res_model": "account.move",
        "view_mode": "list,form",
        **({"res_id": made[0]} if len(made) == 1 else {}),
    }


def _due(db: Database, orders: Iterable[Json]) -> list[tuple[Json, Decimal]]:
    lines = [line for order in orders for line in _lines(db, order) if line.get("product_id")]
    return [(line, pieces) for line in lines if (pieces := to_invoice(db, line))]


def _removable(_db: Database, order: Json) -> None:
    if order["state"] not in {"draft", "cancel"}:
        text = "You can not delete a sent quotation or a confirmed sales order. You must first cancel it."
        raise OdooError("odoo.exceptions.UserError", text, 422)


def _line_removable(db: Database, line: Json) -> None:
    if db.get("sale.order", line["order_id"])["state"] == "sale":
        text = "Once a sales order is confirmed, you can't remove one of its lines (we need to track if something gets "
        raise user_error(f"{text}invoiced or delivered).\n                Set the quantity to 0 instead.")


def _line_made(db: Database, line: Json) -> None:
    order = db.tables["sale.order"].get(line.get("order_id") or 0)
    if order is not None and order["state"] == "sale":
        stock.more(db, order, line, number(line.get("product_uom_qty")))


def _line_written(db: Database, line: Json, values: Mapping[str, Any]) -> None:
    """Of a confirmed order, the transfers follow what is ordered."""
    order = db.tables["sale.order"].get(line.get("order_id") or 0)
    if order is None or order["state"] != "sale" or "product_uom_qty" not in values:
        return
    wanted, before = number(values["product_uom_qty"]), number(line["product_uom_qty"])
    if wanted < delivered(db, line):
        text = "The ordered quantity of a sale order line cannot be decreased below the amount already delivered. "
        raise user_error(f"{text}Instead, create a return in your inventory.")
    if wanted > before:
        stock.more(db, order, line, wanted - before)
    else:
        stock.less(db, line, before - wanted)


def _unlocked(_db: Database, order: Json, values: Mapping[str, Any]) -> None:
    if order.get("locked") and "order_line" in values:
        raise user_error("It is forbidden to modify the following fields in a locked order:\nOrder Lines")


def _customer(_db: Database, values: Json) -> None:
    values.setdefault("active", True)
    values["type"] = values.get("type") or "contact"


DEFAULTS["res.partner"] = _customer
DEFAULTS["sale.order"] = _ordered
DEFAULTS["sale.order.line"] = _lined
REMOVALS["sale.order"] = _removable
REMOVALS["sale.order.line"] = _line_removable
CREATED["sale.order.line"] = _line_made
GUARDS["sale.order"] = _unlocked
GUARDS["sale.order.line"] = _line_written
TOUCHES["sale.order.line"] = ("sale.order", "order_id")
COMPUTED.update(
    {
        ("res.partner", "email_normalized"): lambda _db, row, _: (row.get("email") or "").strip().lower() or None,
        ("sale.order", "amount_untaxed"): lambda db, row, _: _amounts(db, row)[0],
        ("sale.order", "amount_tax"): lambda db, row, _: _amounts(db, row)[1],
        ("sale.order", "amount_total"): lambda db, row, _: sum(_amounts(db, row)),
        ("sale.order", "currency_id"): _currency,
        ("sale.order", "invoice_ids"): lambda db, row, _: invoices_of(db, row),
        ("sale.order", "invoice_status"): _invoice_status,
        ("sale.order", "delivery_status"): _delivery_status,
        ("sale.order.line", "price_subtotal"): lambda db, row, _: _line(db, row)[0],
        ("sale.order.line", "price_tax"): lambda db, row, _: _line(db, row)[1],
        ("sale.order.line", "price_total"): lambda db, row, _: sum(_line(db, row)),
        ("sale.order.line", "qty_delivered"): lambda db, row, _: delivered(db, row),
        ("sale.order.line", "qty_invoiced"): lambda db, row, _: invoiced(db, row),
        ("sale.order.line", "invoice_lines"): lambda db, row, _: [
            each["id"] for each in db.all("account.move.line") if row["id"] in (each.get("sale_line_ids") or [])
        ],
    }
)
