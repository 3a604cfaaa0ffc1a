"""Invoices, credit notes and payments: drafted, posted, and reconciled line by line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from connectors.sandbox.odoo.database import COMPUTED, Database, Json, number, to_cents, total, user_error
from connectors.sandbox.odoo.orm import CREATED, DEFAULTS, GUARDS, attach
from connectors.sandbox.odoo.taxes import taxed

_READONLY = frozenset({"partner_id", "invoice_line_ids", "currency_id", "journal_id", "move_type"})


def invoice(db: Database, orders: Sequence[Json], due: Iterable[tuple[Json, Decimal]]) -> int:
    """A draft over these pieces of orders' lines."""
    first = orders[0]
    values: Json = {
        "move_type": "out_invoice",
        "partner_id": first["partner_invoice_id"],
        "partner_shipping_id": first["partner_shipping_id"],
        "invoice_origin": ", ".join(order["name"] for order in orders),
        "ref": first.get("client_order_ref"),
        "currency_id": db.value("sale.order", first, "currency_id"),
        "company_id": first["company_id"],
    }
    _drafted(db, values)
    move = db.insert("account.move", values)
    for line, pieces in due:
        kept = {name: line.get(name) for name in ("product_id", "name", "price_unit", "discount")}
        db.insert(
            "account.move.line",
            {
                **kept,
                "move_id": move["id"],
                "quantity": float(pieces),
                "tax_ids": list(line.get("tax_ids") or []),
                "sale_line_ids": [line["id"]],
                "display_type": "product",
            },
        )
    return int(move["id"])


def _drafted(db: Database, values: Json) -> None:
    values.setdefault("move_type", "entry")
    values.setdefault("state", "draft")
    [company] = list(db.all("res.company"))
    values["company_id"] = values.get("company_id") or company["id"]
    values["currency_id"] = values.get("currency_id") or company["currency_id"]
    values["journal_id"] = values.get("journal_id") or next(db.all("account.journal", type="sale"))["id"]


def _lined(db: Database, values: Json) -> None:
    values.setdefault("display_type", "product")
    values.setdefault("quantity", 1.0)
    product = values.get("product_id")
    if product and "tax_ids" not in values:
        values["tax_ids"] = list(db.get("product.product", product)["taxes_id"])
    if product and not values.get("name"):
        values["name"] = db.display("product.product", product)


def action_post(db: Database, moves: Sequence[Json]) -> bool:
    """Number and date them; false is what Odoo answers."""
    for move in moves:
        if move["state"] != "draft":
            raise user_error(f"The entry {move.get('name') or ''} (id {move['id']}) must be in draft.")
    for move in moves:
        if move["move_type"] == "entry":
            _post_entry(db, move)
            continue
        sign = "RINV" if move["move_type"] == "out_refund" else "INV"
        dated = move.get("invoice_date") or f"{db.now:%Y-%m-%d}"
        name = f"{sign}/{dated[:4]}/{db.next_id(sign + dated[:4]):05d}"
        changed = {
            "state": "posted",
            "name": name,
            "payment_reference": name if sign == "INV" else None,
            "invoice_date": dated,
            "invoice_date_due": move.get("invoice_date_due") or dated,
        }
        db.update("account.move", move, changed)
        _receivable(db, move, gross(db, move) * (-1 if sign == "RINV" else 1))
        for order in orders_of(db, move):
            db.update("sale.order", order, {})
        db.tell("invoice.post", move["id"], total=gross(db, move), key=name)
        if db.prints:
            print_out(db, move)
    return False


def _post_entry(db: Database, move: Json) -> None:
    code, dated = db.get("account.journal", move["journal_id"])["code"], move.get("date") or f"{db.now:%Y-%m-%d}"
    name = f"{code}/{dated[:4]}/{db.next_id(code + dated[:4]):05d}"
    db.update("account.move", move, {"state": "posted", "name": name, "date": dated})
    db.tell("entry.post", move["id"], total=gross(db, move), key=move.get("ref") or "")


def _balanced(db: Database, move: Json) -> None:
    """An entry that is made by hand must balance from the start."""
    lines = list(db.all("account.move.line", move_id=move["id"]))
    debit, credit = (total(number(line.get(side)) for line in lines) for side in ("debit", "credit"))
    if move["move_type"] == "entry" and debit != credit:
        raise user_error(f"The entry is not balanced.\n\nTotal debit: {debit}, total credit: {credit}")


def print_out(db: Database, move: Json) -> None:
    """What *Send & Print* leaves: the PDF on the invoice."""
    name = f"{str(move['name']).replace('/', '_')}.pdf"
    body = f"%PDF-1.4 {move['name']} {gross(db, move)}".encode()
    printed = attach(db, "account.move", move["id"], name, body)
    db.update("account.move", move, {"invoice_pdf_report_id": printed})


def _receivable(db: Database, move: Json, amount: Decimal) -> Json:
    account = next(db.all("account.account", account_type="asset_receivable"))["id"]
    values = {"move_id": move["id"], "account_id": account, "amount_currency": float(amount), "left": float(amount)}
    return db.insert("account.move.line", {**values, "display_type": "payment_term", "name": move.get("name")})


def orders_of(db: Database, move: Json) -> list[Json]:
    """Those of whose lines it invoices, or credits, something."""
    lines = {line for each in _lines(db, move) for line in each.get("sale_line_ids") or []}
    ids = dict.fromkeys(db.get("sale.order.line", line)["order_id"] for line in sorted(lines))
    return [db.get("sale.order", each) for each in ids]


def _lines(db: Database, move: Json) -> list[Json]:
    return [line for line in db.all("account.move.line", move_id=move["id"]) if line["display_type"] == "product"]


def _amounts(db: Database, move: Json) -> tuple[Decimal, Decimal]:
    return taxed(db, _lines(db, move), "quantity")


def gross(db: Database, move: Json) -> Decimal:
    """Net and tax, positive for a credit note too; of an entry, its debit."""
    if move["move_type"] == "entry":
        return total(number(line.get("debit")) for line in db.all("account.move.line", move_id=move["id"]))
    return sum(_amounts(db, move), Decimal(0))


def _term_lines(db: Database, move: Json) -> list[Json]:
    return [each for each in db.all("account.move.line", move_id=move["id"]) if each["display_type"] == "payment_term"]


def residual(db: Database, move: Json) -> Decimal:
    """What is still open, positive."""
    if move["state"] != "posted":
        return gross(db, move) if move["state"] == "draft" else Decimal(0)
    return abs(total(number(line["left"]) for line in _term_lines(db, move)))


def _payment_state(db: Database, move: Json, _context: Mapping[str, Any]) -> str:
    open_ = residual(db, move)
    unbooked = any(each["state"] == "in_process" and not each.get("move_id") for each in _paid_by(db, move))
    if move["state"] == "posted" and open_ and unbooked:
        return "in_payment"
    if move["state"] != "posted" or open_ == gross(db, move):
        return "not_paid"
    return "partial" if open_ else "paid"


def _matched(db: Database, move: Json, _context: Mapping[str, Any]) -> list[int]:
    return [each["id"] for each in _paid_by(db, move)]


def _paid_by(db: Database, move: Json) -> list[Json]:
    return [each for each in db.all("account.payment") if move["id"] in (each.get("invoice_ids") or [])]


def _paying(db: Database, values: Json) -> None:
    values.setdefault("state", "draft")
    values["partner_type"] = values.get("partner_type") or "customer"
    values["date"] = values.get("date") or f"{db.now:%Y-%m-%d}"
    [company] = list(db.all("res.company"))
    values["company_id"] = values.get("company_id") or company["id"]
    values["currency_id"] = values.get("currency_id") or company["currency_id"]


def post_payments(db: Database, payments: Sequence[Json]) -> None:
    """Book them; one that is booked already is left alone. The invoice stays open until it is reconciled."""
    for payment in payments:
        if payment["state"] != "draft":
            continue
        name = f"PBNK1/{payment['date'][:4]}/{db.next_id('PBNK1'):05d}"
        sign = -1 if payment["payment_type"] == "inbound" else 1
        ways = db.all("account.payment.method.line", journal_id=payment["journal_id"])
        if not any(way.get("payment_account_id") for way in ways):
            # Nothing to book it on: it waits for the bank's statement.
            db.update("account.payment", payment, {"state": "in_process", "name": name})
            continue
        move = db.insert(
            "account.move",
            {
                "move_type": "entry",
                "state": "posted",
                "name": name,
                "partner_id": payment["partner_id"],
                "journal_id": payment["journal_id"],
                "currency_id": payment["currency_id"],
                "invoice_date": None,
                "ref": payment.get("memo"),
            },
        )
        _receivable(db, move, number(payment["amount"]) * sign)
        db.update("account.payment", payment, {"state": "in_process", "name": name, "move_id": move["id"]})
        db.tell("payment.post", payment["id"], total=payment["amount"], key=payment.get("memo") or "")


def assign_line(db: Database, moves: Sequence[Json], line_id: int) -> None:
    """Reconcile an open line of a payment, or of a credit note, with an invoice."""
    line = db.get("account.move.line", line_id)
    for move in moves:
        for term in _term_lines(db, move):
            if not line["left"] or not term["left"]:
                raise user_error("You are trying to reconcile some entries that are already reconciled.")
            amount = min(abs(number(term["left"])), abs(number(line["left"])))
            for each in (term, line):
                left = number(each["left"])
                db.update("account.move.line", each, {"left": float(left - (amount if left > 0 else -amount))})
        # What is stored of the payment is computed anew; the order stays as it is.
        db.update("account.move", move, {})
        for payment in db.all("account.payment", move_id=line["move_id"]):
            db.update("account.payment", payment, {})


def _is_reconciled(db: Database, payment: Json, _context: Mapping[str, Any]) -> bool:
    """Booked, and nothing of it is left on the customer's account."""
    move = db.tables["account.move"].get(payment.get("move_id") or 0)
    return move is not None and not any(number(line["left"]) for line in _term_lines(db, move))


def _guard(_db: Database, move: Json, values: Mapping[str, Any]) -> None:
    closed = sorted(_READONLY & values.keys())
    if move["state"] == "posted" and closed:
        raise user_error(f"You cannot modify the following readonly fields on a posted move: {', '.join(closed)}")


DEFAULTS["account.move"] = _drafted
DEFAULTS["account.move.line"] = _lined
DEFAULTS["account.payment"] = _paying
GUARDS["account.move"] = _guard
CREATED["account.move"] = _balanced
COMPUTED.update(
    {
        ("account.move", "amount_untaxed"): lambda db, row, _: _amounts(db, row)[0],
        ("account.move", "amount_tax"): lambda db, row, _: _amounts(db, row)[1],
        ("account.move", "amount_total"): lambda db, row, _: gross(db, row),
        ("account.move", "amount_residual"): lambda db, row, _: residual(db, row),
        ("account.move", "payment_state"): _payment_state,
        ("account.move", "matched_payment_ids"): _matched,
        ("account.move", "commercial_partner_id"): lambda db, row, _: (
            db.get("res.partner", row["partner_id"]).get("parent_id") or row["partner_id"]
            if row.get("partner_id")
            else None
        ),
        ("account.move", "invoice_line_ids"): lambda db, row, _: [each["id"] for each in _lines(db, row)],
        ("account.move.line", "reconciled"): lambda _db, row, _: "left" in row and not row["left"],
        ("account.move.line", "price_subtotal"): lambda _db, row, _: to_cents(
            number(row.get("price_unit")) * number(row.get("quantity"))
        ),
        ("account.payment", "is_reconciled"): _is_reconciled,
        ("account.payment", "reconciled_invoice_ids"): lambda _db, row, _: list(row.get("invoice_ids") or []),
    }
)
