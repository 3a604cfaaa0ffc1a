"""The models that the stand-in has, and the fields of each, with what reading and loading must know of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """One field; `model` is the other side of a relation, `inverse` the many2one over there."""

    kind: str
    model: str = ""
    inverse: str = ""
    label: str = ""
    required: bool = False
    #: Technical value -> label.
    choices: Mapping[str, str] = dataclasses.field(default_factory=dict)
    #: Odoo computes it, and refuses nobody who writes it, but forgets what was written.
    computed: bool = False


def _char(label: str = "", *, required: bool = False, computed: bool = False) -> Field:
    return Field("char", label=label, required=required, computed=computed)


def _number(label: str = "", *, computed: bool = False) -> Field:
    return Field("float", label=label, computed=computed)


def _one(model: str, label: str = "", *, required: bool = False, computed: bool = False) -> Field:
    return Field("many2one", model, label=label, required=required, computed=computed)


def _lines(model: str, inverse: str, label: str = "") -> Field:
    return Field("one2many", model, inverse, label)


def _many(model: str, label: str = "", *, computed: bool = False) -> Field:
    return Field("many2many", model, label=label, computed=computed)


def _choice(label: str = "", *, computed: bool = False, **choices: str) -> Field:
    return Field("selection", label=label, choices=choices, computed=computed)


#: How the names of fields begin that people add.
CUSTOM: Final = "x_"
_FLAG: Final = Field("boolean")
_DATE: Final = Field("date")
_TIME: Final = Field("datetime")
_INT: Final = Field("integer")
#: Every record has these.
_ALL: Final = {"id": _INT, "create_date": _TIME, "write_date": _TIME, "display_name": _char(computed=True)}
_NAMED: Final = {"name": _char("Name", required=True)}

#: Model -> its name for people.
LABELS: Final[Mapping[str, str]] = {
    "sale.order": "Sales Order",
    "res.partner": "Contact",
    "account.move": "Journal Entry",
    "account.payment": "Payments",
    "stock.picking": "Transfer",
    "product.product": "Product Variant",
    "ir.model.data": "Model Data",
}

_MODELS: Final[dict[str, dict[str, Field]]] = {
    "res.company": {
        **_NAMED,
        "currency_id": _one("res.currency"),
        "country_id": _one("res.country"),
        "partner_id": _one("res.partner"),
        "tax_calculation_rounding_method": _choice(round_per_line="Round per Line", round_globally="Round Globally"),
    },
    "res.currency": {**_NAMED, "rounding": _number(), "decimal_places": _INT, "active": _FLAG},
    "res.country": {**_NAMED, "code": _char()},
    "res.country.state": {**_NAMED, "code": _char(), "country_id": _one("res.country")},
    "res.users": {**_NAMED, "login": _char(), "company_ids": _many("res.company"), "company_id": _one("res.company")},
    "res.partner": {
        **_NAMED,
        **{name: _char() for name in ("phone", "vat", "ref", "street", "street2", "zip", "city", "comment")},
        "email": _char("Email"),
        "email_normalized": _char(computed=True),
        "is_company": _FLAG,
        "active": _FLAG,
        "customer_rank": _INT,
        "parent_id": _one("res.partner", "Related Company"),
        "child_ids": _lines("res.partner", "parent_id", "Contact"),
        "type": _choice("Address Type", contact="Contact", invoice="Invoice", delivery="Delivery", other="Other"),
        "country_id": _one("res.country", "Country"),
        "state_id": _one("res.country.state", "State"),
    },
    "uom.uom": {**_NAMED, "rounding": _number()},
    "decimal.precision": {**_NAMED, "digits": _INT},
    "product.product": {
        **_NAMED,
        **{name: _char() for name in ("default_code", "barcode")},
        "lst_price": _number(),
        "uom_id": _one("uom.uom"),
        "taxes_id": _many("account.tax"),
        "type": _choice(consu="Goods", service="Service"),
        "invoice_policy": _choice(order="Ordered quantities", delivery="Delivered quantities"),
        **dict.fromkeys(("is_storable", "active", "sale_ok"), _FLAG),
        **{
            name: _number(computed=True)
            for name in ("qty_available", "free_qty", "virtual_available", "incoming_qty", "outgoing_qty")
        },
    },
    "ir.model": {**_NAMED, "model": _char("Model", required=True)},
    "ir.model.fields": {
        "name": _char("Field Name", required=True),
        "model_id": _one("ir.model", "Model", required=True),
        "field_description": _char("Field Label", required=True),
        "ttype": _choice("Field Type", char="char", text="text", integer="integer", boolean="boolean"),
        "state": _choice("Type", manual="Custom Field", base="Base Field"),
    },
    "product.pricelist": {**_NAMED, "currency_id": _one("res.currency"), "active": _FLAG, "sequence": _INT},
    "account.tax": {
        **_NAMED,
        "description": _char(),
        "amount": _number(),
        "amount_type": _choice(percent="Percentage", fixed="Fixed", group="Group"),
        "type_tax_use": _choice(sale="Sales", purchase="Purchases"),
        **dict.fromkeys(("price_include", "include_base_amount", "active"), _FLAG),
        "country_id": _one("res.country"),
        "company_id": _one("res.company"),
        "sequence": _INT,
    },
    "account.payment.term": {**_NAMED, "active": _FLAG, "days": _INT},
    "account.journal": {
        **_NAMED,
        "code": _char(),
        "type": _char(),
        "currency_id": _one("res.currency"),
        "default_account_id": _one("account.account"),
        "inbound_payment_method_line_ids": _lines("account.payment.method.line", "journal_id"),
    },
    "account.payment.method.line": {
        **_NAMED,
        "journal_id": _one("account.journal"),
        "payment_account_id": _one("account.account"),
    },
    "account.account": {**_NAMED, "code": _char(), "account_type": _char()},
    "delivery.carrier": {**_NAMED, "active": _FLAG},
    "crm.team": {**_NAMED, "active": _FLAG},
    "stock.warehouse": {
        **_NAMED,
        "code": _char(),
        "lot_stock_id": _one("stock.location"),
        "company_id": _one("res.company"),
        "in_type_id": _one("stock.picking.type"),
        "out_type_id": _one("stock.picking.type"),
        "active": _FLAG,
    },
    "stock.location": {**_NAMED, "usage": _char(), "warehouse_id": _one("stock.warehouse")},
    "stock.picking.type": {
        **_NAMED,
        "code": _char(),
        "warehouse_id": _one("stock.warehouse"),
        "default_location_src_id": _one("stock.location"),
        "default_location_dest_id": _one("stock.location"),
    },
    "stock.quant": {
        "product_id": _one("product.product"),
        "location_id": _one("stock.location"),
        "quantity": _number(),
        "reserved_quantity": _number(),
    },
    "sale.order": {
        "name": _char("Order Reference"),
        "client_order_ref": _char("Customer Reference"),
        "origin": _char("Source Document"),
        "note": _char("Terms and conditions"),
        "partner_id": _one("res.partner", "Customer", required=True),
        "partner_invoice_id": _one("res.partner", "Invoice Address"),
        "partner_shipping_id": _one("res.partner", "Delivery Address"),
        "date_order": Field("datetime", label="Order Date"),
        "commitment_date": _TIME,
        "company_id": _one("res.company", "Company"),
        "pricelist_id": _one("product.pricelist", "Pricelist"),
        "currency_id": _one("res.currency", computed=True),
        "warehouse_id": _one("stock.warehouse", "Warehouse"),
        "payment_term_id": _one("account.payment.term", "Payment Terms"),
        "carrier_id": _one("delivery.carrier", "Delivery Method"),
        "team_id": _one("crm.team", "Sales Team"),
        "state": _choice("Status", draft="Quotation", sent="Quotation Sent", sale="Sales Order", cancel="Cancelled"),
        "locked": _FLAG,
        "order_line": _lines("sale.order.line", "order_id", "Order Lines"),
        **{name: _number(computed=True) for name in ("amount_untaxed", "amount_tax", "amount_total")},
        "picking_ids": _lines("stock.picking", "sale_id"),
        "invoice_ids": _many("account.move", computed=True),
        "invoice_status": _choice(computed=True),
        "delivery_status": _choice(computed=True),
    },
    "sale.order.line": {
        "order_id": _one("sale.order"),
        "name": _char("Description"),
        "product_id": _one("product.product", "Product"),
        "product_uom_qty": _number("Quantity"),
        "product_uom_id": _one("uom.uom", "Unit"),
        "price_unit": _number("Unit Price"),
        "discount": _number("Discount (%)"),
        "tax_ids": _many("account.tax", "Taxes"),
        "is_delivery": _FLAG,
        "display_type": _choice(line_section="Section", line_note="Note"),
        "sequence": _INT,
        **{
            name: _number(computed=True)
            for name in ("price_subtotal", "price_tax", "price_total", "qty_delivered", "qty_invoiced")
        },
        "invoice_lines": _many("account.move.line", computed=True),
    },
    "stock.picking": {
        **{name: _char() for name in ("name", "origin", "carrier_tracking_ref", "carrier_tracking_url")},
        "state": _choice(
            draft="Draft", waiting="Waiting", confirmed="Waiting", assigned="Ready", done="Done", cancel="Cancelled"
        ),
        "scheduled_date": _TIME,
        "date_done": _TIME,
        "picking_type_id": _one("stock.picking.type", "Operation Type", required=True),
        "picking_type_code": _char(computed=True),
        "partner_id": _one("res.partner", "Contact"),
        "location_id": _one("stock.location", "Source Location"),
        "location_dest_id": _one("stock.location", "Destination Location"),
        "carrier_id": _one("delivery.carrier"),
        "sale_id": _one("sale.order"),
        "backorder_id": _one("stock.picking"),
        "return_id": _one("stock.picking", "Return of"),
        "move_ids": _lines("stock.move", "picking_id", "Stock Moves"),
    },
    "stock.move": {
        "picking_id": _one("stock.picking"),
        "product_id": _one("product.product", "Product"),
        "product_uom_qty": _number("Demand"),
        "quantity": _number("Quantity"),
        "picked": _FLAG,
        "to_refund": _FLAG,
        "state": _char(),
        "sale_line_id": _one("sale.order.line", "Sale Line"),
        "origin_returned_move_id": _one("stock.move", "Origin return move"),
        "location_id": _one("stock.location", "Source Location"),
        "location_dest_id": _one("stock.location", "Intermediate Location"),
    },
    "account.move": {
        **{name: _char() for name in ("name", "ref", "payment_reference", "invoice_origin")},
        "move_type": _choice(
            "Type", entry="Journal Entry", out_invoice="Customer Invoice", out_refund="Customer Credit Note"
        ),
        "state": _choice("Status", draft="Draft", posted="Posted", cancel="Cancelled"),
        "payment_state": _choice(computed=True),
        "invoice_date": _DATE,
        "invoice_date_due": _DATE,
        "partner_id": _one("res.partner", "Partner"),
        "partner_shipping_id": _one("res.partner"),
        "currency_id": _one("res.currency", "Currency"),
        "journal_id": _one("account.journal", "Journal"),
        "company_id": _one("res.company"),
        "reversed_entry_id": _one("account.move", "Reversal of"),
        "date": _DATE,
        "narration": _char("Terms and Conditions"),
        "commercial_partner_id": _one("res.partner", "Commercial Entity", computed=True),
        "invoice_line_ids": _lines("account.move.line", "move_id", "Invoice lines"),
        "line_ids": _lines("account.move.line", "move_id", "Journal Items"),
        "invoice_pdf_report_id": _one("ir.attachment"),
        "matched_payment_ids": _many("account.payment", computed=True),
        **{name: _number(computed=True) for name in ("amount_untaxed", "amount_tax", "amount_total")},
        "amount_residual": _number(computed=True),
    },
    "account.move.line": {
        "move_id": _one("account.move"),
        "name": _char("Label"),
        "product_id": _one("product.product", "Product"),
        "quantity": _number("Quantity"),
        "price_unit": _number("Unit Price"),
        "tax_ids": _many("account.tax", "Taxes"),
        "sale_line_ids": _many("sale.order.line", "Sales Order Lines"),
        "account_id": _one("account.account"),
        "display_type": _char(),
        "amount_currency": _number(),
        "debit": _number("Debit"),
        "credit": _number("Credit"),
        "reconciled": Field("boolean", computed=True),
        **{name: _number(computed=True) for name in ("price_subtotal", "price_total", "balance")},
    },
    "account.payment": {
        **{name: _char() for name in ("name", "payment_reference")},
        "memo": _char("Memo"),
        "payment_type": _choice("Payment Type", inbound="Receive", outbound="Send"),
        "partner_type": _choice("Partner Type", customer="Customer", supplier="Vendor"),
        "state": _choice("State", draft="Draft", in_process="In Process", paid="Paid", canceled="Cancelled"),
        "partner_id": _one("res.partner", "Customer/Vendor"),
        "amount": _number("Amount"),
        "currency_id": _one("res.currency", "Currency"),
        "date": _DATE,
        "journal_id": _one("account.journal", "Journal"),
        "invoice_ids": _many("account.move", "Invoices"),
        "reconciled_invoice_ids": _many("account.move", computed=True),
        "move_id": _one("account.move"),
        "company_id": _one("res.company"),
        **{name: Field("boolean", computed=True) for name in ("is_reconciled", "is_matched")},
    },
    "ir.attachment": {
        **_NAMED,
        **{name: _char() for name in ("mimetype", "datas", "res_model", "res_field")},
        "res_id": _INT,
        "file_size": _INT,
    },
    "ir.model.data": {"module": _char(), "name": _char(), "model": _char(), "res_id": _INT, "noupdate": _FLAG},
    "sale.advance.payment.inv": {
        "advance_payment_method": _char(),
        "sale_order_ids": _many("sale.order"),
        "consolidated_billing": _FLAG,
    },
    "sale.order.cancel": {"order_id": _one("sale.order", required=True)},
    "stock.backorder.confirmation": {"pick_ids": _many("stock.picking")},
}

MODELS: Final[Mapping[str, Mapping[str, Field]]] = {model: {**_ALL, **own} for model, own in _MODELS.items()}

#: Models whose archived records are not found unless the context says `active_test: false`.
ARCHIVED: Final = frozenset(model for model, own in _MODELS.items() if "active" in own)

#: How fields were called in older versions: before the version, model and field of now -> the name then. Facts of
#: the vendor's, written here a second time: a stand-in that shared the connector's table would share its mistakes.
OLDER: Final[Mapping[tuple[int, str, str], str]] = {
    (19, "sale.order.line", "tax_ids"): "tax_id",
    (19, "sale.order.line", "product_uom_id"): "product_uom",
    (18, "account.payment", "memo"): "ref",
    (17, "stock.move", "quantity"): "quantity_done",
}
#: Fields that older versions have not: model and field -> the version that brought it.
NEWER: Final[Mapping[tuple[str, str], int]] = {
    ("account.move", "matched_payment_ids"): 18,
    ("account.payment", "invoice_ids"): 18,
}


def names_of(model: str, version: int) -> dict[str, str]:
    """The name that a field of `model` has in that version -> its name in the newest."""
    found = {name: name for name in MODELS[model] if version >= NEWER.get((model, name), 0)}
    for (before, of, name), older in OLDER.items():
        if of == model and version < before:
            del found[name]
            found[older] = name
    return found
