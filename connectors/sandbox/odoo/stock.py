"""Stock: quants, transfers, what of them is reserved, sent in part, and comes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from connectors.sandbox.odoo.database import COMPUTED, Database, Json, number, total, user_error
from connectors.sandbox.odoo.orm import CREATED, DEFAULTS, GUARDS, TOUCHES

_OPEN = frozenset({"draft", "waiting", "confirmed", "assigned"})


def location(db: Database, usage: str) -> int:
    """The first place of this use."""
    return int(next(db.all("stock.location", usage=usage))["id"])


def deliver(db: Database, order: Json, lines: Sequence[Json]) -> None:
    """The transfer of a confirmed order's goods, reserved as far as they are there."""
    goods = [line for line in lines if line.get("product_id") and _is_goods(db, line["product_id"])]
    if not goods:
        return
    warehouse = db.get("stock.warehouse", order["warehouse_id"])
    values = {
        "picking_type_id": warehouse["out_type_id"],
        "partner_id": order["partner_shipping_id"],
        "origin": order["name"],
        "sale_id": order["id"],
        "carrier_id": order.get("carrier_id"),
        "location_id": warehouse["lot_stock_id"],
        "location_dest_id": location(db, "customer"),
        "state": "confirmed",
    }
    _prepare(db, values)
    picking = db.insert("stock.picking", values)
    for line in goods:
        _add_move(db, picking, line["product_id"], number(line["product_uom_qty"]), sale_line_id=line["id"])
    assign(db, picking)


def _is_goods(db: Database, product: int) -> bool:
    return bool(db.get("product.product", product)["type"] == "consu")


def _add_move(db: Database, picking: Json, product: int, pieces: Decimal, **more: Any) -> Json:
    values = {
        "picking_id": picking["id"],
        "product_id": product,
        "product_uom_qty": float(pieces),
        "quantity": 0.0,
        "picked": False,
        "state": "confirmed",
        "location_id": picking["location_id"],
        "location_dest_id": picking["location_dest_id"],
        **more,
    }
    return db.insert("stock.move", values)


def more(db: Database, order: Json, line: Json, pieces: Decimal) -> None:
    """Goods that were ordered after the confirmation: into the transfer that waits, or into one of their own."""
    waiting = [each for each in db.all("stock.picking", sale_id=order["id"]) if _goes_out(db, each)]
    if not waiting:
        deliver(db, order, [{**line, "product_uom_qty": float(pieces)}])
        return
    if not line.get("product_id") or not _is_goods(db, line["product_id"]):
        return
    picking = waiting[-1]
    for move in db.all("stock.move", picking_id=picking["id"], sale_line_id=line["id"]):
        db.update("stock.move", move, {"product_uom_qty": float(number(move["product_uom_qty"]) + pieces)})
        break
    else:
        _add_move(db, picking, line["product_id"], pieces, sale_line_id=line["id"])
    assign(db, picking)


def less(db: Database, line: Json, pieces: Decimal) -> None:
    """Goods that are not wanted any more leave the transfers that wait; one that is left empty is cancelled."""
    for move in reversed(list(db.all("stock.move", sale_line_id=line["id"]))):
        picking = db.get("stock.picking", move["picking_id"])
        if not pieces or not _goes_out(db, picking):
            continue
        demand = number(move["product_uom_qty"])
        taken = min(pieces, demand)
        pieces -= taken
        reserved, kept = number(move["quantity"]), demand - taken
        freed = max(reserved - kept, Decimal(0))
        _release(db, move, freed)
        state = {} if kept else {"state": "cancel"}
        db.update("stock.move", move, {"product_uom_qty": float(kept), "quantity": float(reserved - freed), **state})
        if all(each["state"] == "cancel" for each in db.all("stock.move", picking_id=picking["id"])):
            cancel(db, picking)


def _demanded(db: Database, move: Json, values: Mapping[str, Any]) -> None:
    """A demand that falls below what is reserved frees all of it, until it is reserved anew."""
    open_ = move["state"] not in {"done", "cancel"} and not values.get("picked", move["picked"])
    if open_ and number(values.get("product_uom_qty", move["product_uom_qty"])) < number(move["quantity"]):
        _release(db, move, number(move["quantity"]))
        db.update("stock.move", move, {"quantity": 0.0, "state": "confirmed"})


def _release(db: Database, move: Json, pieces: Decimal) -> None:
    quant = _quant(db, move["product_id"], move["location_id"])
    if quant is not None:
        left = max(number(quant["reserved_quantity"]) - pieces, Decimal(0))
        db.update("stock.quant", quant, {"reserved_quantity": float(left)})


def _goes_out(db: Database, picking: Json) -> bool:
    return picking["state"] in _OPEN and db.get("stock.location", picking["location_dest_id"])["usage"] == "customer"


def _prepare(db: Database, values: Json) -> None:
    kind = db.get("stock.picking.type", values["picking_type_id"])
    sign = "OUT" if kind["code"] == "outgoing" else "IN"
    code = db.get("stock.warehouse", kind["warehouse_id"])["code"]
    values["name"] = values.get("name") or f"{code}/{sign}/{db.next_id(f'{code}/{sign}'):05d}"
    values.setdefault("state", "draft")
    values["location_id"] = values.get("location_id") or kind["default_location_src_id"]
    values["location_dest_id"] = values.get("location_dest_id") or kind["default_location_dest_id"]
    values["scheduled_date"] = f"{db.now:%Y-%m-%d %H:%M:%S}"


def _picked_up(db: Database, picking: Json) -> None:
    """It belongs to the order of whose lines it moves the goods."""
    lines = [
        move["sale_line_id"] for move in db.all("stock.move", picking_id=picking["id"]) if move.get("sale_line_id")
    ]
    if lines and not picking.get("sale_id"):
        db.update("stock.picking", picking, {"sale_id": db.get("sale.order.line", lines[0])["order_id"]})


def _move_made(_db: Database, values: Json) -> None:
    values.setdefault("state", "draft")
    values.setdefault("quantity", 0.0)
    values.setdefault("picked", False)


def confirm(db: Database, pickings: Sequence[Json]) -> bool:
    """Drafts are taken up and reserved."""
    for picking in pickings:
        if picking["state"] == "draft":
            db.update("stock.picking", picking, {"state": "confirmed"})
            for move in db.all("stock.move", picking_id=picking["id"]):
                db.update("stock.move", move, {"state": "confirmed"})
            assign(db, picking)
    return True


def assign(db: Database, picking: Json) -> None:
    """Reserve what is there."""
    if picking["state"] not in _OPEN:
        return
    complete = True
    for move in _living(db, picking):
        missing = number(move["product_uom_qty"]) - number(move["quantity"])
        quant = _quant(db, move["product_id"], move["location_id"])
        free = missing if quant is None else number(quant["quantity"]) - number(quant["reserved_quantity"])
        taken = max(min(missing, free), Decimal(0))
        if quant is not None and taken:
            db.update("stock.quant", quant, {"reserved_quantity": float(number(quant["reserved_quantity"]) + taken)})
        full = taken == missing
        complete = complete and full
        state = "assigned" if full else "confirmed"
        db.update("stock.move", move, {"quantity": float(number(move["quantity"]) + taken), "state": state})
    db.update("stock.picking", picking, {"state": "assigned" if complete else "confirmed"})


def _living(db: Database, picking: Json) -> list[Json]:
    return [move for move in db.all("stock.move", picking_id=picking["id"]) if move["state"] != "cancel"]


def _quant(db: Database, product: int, place: int) -> Json | None:
    """Only goods that are counted, in a place of ours."""
    if db.get("stock.location", place)["usage"] != "internal" or not db.get("product.product", product)["is_storable"]:
        return None
    for quant in db.all("stock.quant", product_id=product, location_id=place):
        return quant
    return db.insert(
        "stock.quant", {"product_id": product, "location_id": place, "quantity": 0.0, "reserved_quantity": 0.0}
    )


def validate(db: Database, pickings: Sequence[Json], context: Mapping[str, Any]) -> Any:
    """Send, or take in. A short one asks what to do with the rest, unless the context says it."""
    short = [picking for picking in pickings if _is_short(db, picking)]
    left = set(context.get("picking_ids_not_to_backorder") or [])
    if short and not context.get("skip_backorder") and not {each["id"] for each in short} <= left:
        return _question(short)
    for picking in pickings:
        if picking["state"] in {"done", "cancel"}:
            raise user_error(f"You cannot validate a transfer that is {picking['state']}.")
        _do(db, picking, rest=picking["id"] not in left)
    return True


def _question(short: Sequence[Json]) -> Json:
    ids = [each["id"] for each in short]
    return {
        "name": "Create Backorder?",
        "type": "ir.actions.act_window",
        "view_mode": "form",
        "res_model": "stock.backorder.confirmation",
        "views": [[938, "form"]],
        "view_id": 938,
        "target": "new",
        "context": {
            "button_validate_picking_ids": ids,
            "default_show_transfers": False,
            "default_pick_ids": [[4, number] for number in ids],
        },
    }


def _done(db: Database, picking: Json) -> list[tuple[Json, Decimal]]:
    """What goes: what somebody has picked, or all that is reserved where nobody has picked anything."""
    moves = _living(db, picking)
    picked = [move for move in moves if move["picked"]] or moves
    return [(move, number(move["quantity"]) if move in picked else Decimal(0)) for move in moves]


def _is_short(db: Database, picking: Json) -> bool:
    return any(pieces < number(move["product_uom_qty"]) for move, pieces in _done(db, picking))


def _do(db: Database, picking: Json, *, rest: bool) -> None:
    left: list[tuple[Json, Decimal]] = []
    for move, pieces in _done(db, picking):
        demand, reserved = number(move["product_uom_qty"]), number(move["quantity"])
        _shift(db, move, pieces, reserved)
        if pieces < demand:
            left.append((move, demand - pieces))
        state = "done" if pieces else "cancel"
        changed = {"state": state, "quantity": float(pieces), "product_uom_qty": float(pieces), "picked": True}
        db.update("stock.move", move, changed)
    db.update("stock.picking", picking, {"state": "done", "date_done": f"{db.now:%Y-%m-%d %H:%M:%S}"})
    db.tell("picking.done", picking["id"])
    _touch_order(db, picking)
    if left and rest:
        values = {
            name: picking.get(name)
            for name in (
                *("picking_type_id", "partner_id", "origin", "sale_id", "carrier_id", "location_id"),
                *("location_dest_id", "return_id"),
            )
        }
        values |= {"state": "confirmed", "backorder_id": picking["id"]}
        _prepare(db, values)
        backorder = db.insert("stock.picking", values)
        for move, pieces in left:
            _add_move(db, backorder, move["product_id"], pieces, sale_line_id=move.get("sale_line_id"))
        assign(db, backorder)


def _shift(db: Database, move: Json, pieces: Decimal, reserved: Decimal) -> None:
    source, target = (_quant(db, move["product_id"], move[name]) for name in ("location_id", "location_dest_id"))
    if source is not None:
        db.update(
            "stock.quant",
            source,
            {
                "quantity": float(number(source["quantity"]) - pieces),
                "reserved_quantity": float(max(number(source["reserved_quantity"]) - reserved, Decimal(0))),
            },
        )
    if target is not None:
        db.update("stock.quant", target, {"quantity": float(number(target["quantity"]) + pieces)})


def _touch_order(db: Database, picking: Json) -> None:
    """What is delivered is kept on the order's lines, and its status on the order."""
    order = db.tables["sale.order"].get(picking.get("sale_id") or 0)
    if order is not None:
        db.update("sale.order", order, {})


def cancel(db: Database, picking: Json) -> None:
    """What was reserved is free again."""
    for move in db.all("stock.move", picking_id=picking["id"]):
        if move["state"] != "done":
            _release(db, move, number(move["quantity"]))
        db.update("stock.move", move, {"state": "cancel", "quantity": 0.0})
    db.update("stock.picking", picking, {"state": "cancel"})
    _touch_order(db, picking)


def _places(db: Database, context: Mapping[str, Any]) -> set[int]:
    warehouse = context.get("warehouse_id") or context.get("warehouse")
    wanted = db.all("stock.warehouse") if not warehouse else [db.get("stock.warehouse", int(warehouse))]
    return {int(each["lot_stock_id"]) for each in wanted}


def _quants(db: Database, product: Json, context: Mapping[str, Any]) -> Iterable[Json]:
    places = _places(db, context)
    return (each for each in db.all("stock.quant", product_id=product["id"]) if each["location_id"] in places)


def _have(db: Database, product: Json, context: Mapping[str, Any]) -> Decimal:
    return total(number(each["quantity"]) for each in _quants(db, product, context))


def _free(db: Database, product: Json, context: Mapping[str, Any]) -> Decimal:
    return _have(db, product, context) - total(
        number(each["reserved_quantity"]) for each in _quants(db, product, context)
    )


def _going(db: Database, product: Json, context: Mapping[str, Any], place: str) -> Decimal:
    places = _places(db, context)
    moves = db.all("stock.move", product_id=product["id"])
    return total(
        number(move["product_uom_qty"])
        for move in moves
        if move["state"] in {"confirmed", "assigned"} and move[place] in places
    )


DEFAULTS["stock.picking"] = _prepare
DEFAULTS["stock.move"] = _move_made
CREATED["stock.picking"] = _picked_up
GUARDS["stock.move"] = _demanded
TOUCHES["stock.move"] = ("stock.picking", "picking_id")
COMPUTED.update(
    {
        ("product.product", "qty_available"): _have,
        ("product.product", "free_qty"): _free,
        ("product.product", "outgoing_qty"): lambda db, row, context: _going(db, row, context, "location_id"),
        ("product.product", "incoming_qty"): lambda db, row, context: _going(db, row, context, "location_dest_id"),
        ("product.product", "virtual_available"): lambda db, row, context: (
            _have(db, row, context)
            - _going(db, row, context, "location_id")
            + _going(db, row, context, "location_dest_id")
        ),
        ("stock.picking", "picking_type_code"): lambda db, row, _: db.get("stock.picking.type", row["picking_type_id"])[
            "code"
        ],
    }
)
