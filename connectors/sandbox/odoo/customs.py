"""What its people add: fields, which are records of `ir.model.fields`, and products."""

from __future__ import annotations

from connectors.sandbox.odoo.database import Database, Json, OdooError
from connectors.sandbox.odoo.fields import CUSTOM, Field
from connectors.sandbox.odoo.orm import CREATED, DEFAULTS


def set_up(db: Database) -> None:
    """Name the models that can have more fields."""
    for model in ("sale.order", "sale.order.line", "res.partner"):
        db.insert("ir.model", {"name": model, "model": model})


def _added(db: Database, record: Json) -> None:
    model = db.get("ir.model", record["model_id"])["model"]
    db.add_field(model, record["name"], Field(record["ttype"], label=record["field_description"]))


def _checked(db: Database, values: Json) -> None:
    """Only those of people, named as theirs, once."""
    name = str(values.get("name") or "")
    if not name.startswith(CUSTOM) or values.get("state") != "manual":
        text = "Custom fields must have a name that starts with 'x_'!"
        raise OdooError("odoo.exceptions.ValidationError", text, 422)
    model = db.tables["ir.model"].get(int(values.get("model_id") or 0), {}).get("model", "")
    if name in db.models.get(model, {}):
        text = "Field names must be unique per model."
        raise OdooError("odoo.exceptions.ValidationError", text, 422)


def _product_made(db: Database, values: Json) -> None:
    for name, value in {"active": True, "sale_ok": True, "type": "consu", "is_storable": False}.items():
        values.setdefault(name, value)
    values.setdefault("uom_id", next(db.all("uom.uom"))["id"])


DEFAULTS["product.product"] = _product_made
DEFAULTS["ir.model.fields"] = _checked
CREATED["ir.model.fields"] = _added
