"""What a channel presumes of an Odoo: custom fields, and service products. Made with our key in the creating call.

Fields are records of `ir.model.fields` with the state `manual`, whose names begin with `x_`; only who may change
settings makes them. Source: Odoo 17 to 19, "External API", inspection and introspection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from connectors.kit.base import JsonDict
from connectors.kit.errors import RecordRejected
from connectors.kit.preparing import Need, NeedKind
from connectors.kit.until import Until
from connectors.kit.words import say
from connectors.odoo.client import OdooClient
from connectors.odoo.loading import Refused, external_id, load
from connectors.odoo.masters import Masters

MAKES: Final = frozenset({NeedKind.FIELD, NeedKind.PRODUCT})
_MODELS: Final[Mapping[str, str]] = {"order": "sale.order", "lines": "sale.order.line", "party": "res.partner"}
_TYPES: Final[Mapping[str, str]] = {"text": "char", "long_text": "text", "whole": "integer", "flag": "boolean"}
_CUSTOM: Final = "x_"


def lacking(masters: Masters, fields: Sequence[Need]) -> list[Need]:
    """Those that their models do not have."""
    return [each for each in fields if each.of in _MODELS and each.name not in masters.fields(_MODELS[each.of])]


def prepare(client: OdooClient, module: str, need: Need, until: Until) -> None:
    """See `connectors.kit.preparing.Prepares`."""
    model, payload = _field(client, need) if need.kind is NeedKind.FIELD else _product(need)
    made = load(client, model, [{"id": external_id(module, f"made:{need}"), **payload}], until)
    if isinstance(made, Refused):
        raise made.whole or next(iter(made.records.values()))


def _field(client: OdooClient, need: Need) -> tuple[str, JsonDict]:
    if not need.name.startswith(_CUSTOM):
        text = say(
            "%(field)s is no field of a module that is installed, and only one whose name begins with x_ can be made: "
            "install the module, or write to another field",
            field=need.name,
        )
        raise RecordRejected(text, field=need.name, code="not_custom")
    [model] = client.find_ids("ir.model", [["model", "=", _MODELS[need.of]]], limit=1)
    label = need.name.removeprefix(_CUSTOM).removeprefix("studio_").replace("_", " ").strip().capitalize()
    return "ir.model.fields", {
        "name": need.name,
        "model_id": model,
        "field_description": label or need.name,
        "ttype": _TYPES.get(need.holds, "char"),
        "state": "manual",
    }


def _product(need: Need) -> tuple[str, JsonDict]:
    """A service without taxes of its own: each line that we write says its taxes."""
    return "product.product", {
        "default_code": need.name,
        "name": need.name.replace("_", " ").capitalize(),
        "type": "service",
        "sale_ok": True,
        "lst_price": 0.0,
        "invoice_policy": "order",
        "taxes_id": [],
    }
