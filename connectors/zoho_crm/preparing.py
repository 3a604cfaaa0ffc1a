"""The fields of an organisation's own that stand for what comes back to an order: found, and made if somebody says so.

Source: Zoho CRM v8, "Create Custom Fields" (`POST settings/fields`, scope `ZohoCRM.settings.fields.CREATE`). The API
name follows from the label: blanks become underscores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from connectors.kit.base import JsonDict
from connectors.kit.errors import ConnectorError, RecordRejected
from connectors.kit.preparing import Need, NeedKind
from connectors.kit.words import say
from connectors.zoho_crm.accounts import KEY
from connectors.zoho_crm.client import Client

MAKES: Final = frozenset({NeedKind.FIELD})
_ACCOUNTS: Final = "Accounts"
#: What the mapping writes of an order (`mappings.zoho_crm`).
OF_ORDERS: Final = (
    Need(kind=NeedKind.FIELD, of="order", name="Crossdock_ERP_Number"),
    Need(kind=NeedKind.FIELD, of="order", name="Crossdock_Shipments", holds="long_text"),
    Need(kind=NeedKind.FIELD, of="order", name="Crossdock_Invoices", holds="long_text"),
)
#: What the mapping writes of an account, and what our key stands in.
OF_ACCOUNTS: Final = (
    Need(kind=NeedKind.FIELD, of="party", name="Crossdock_Orders", holds="whole"),
    Need(kind=NeedKind.FIELD, of="party", name="Crossdock_Value", holds="money"),
    Need(kind=NeedKind.FIELD, of="party", name="Crossdock_Last_Order"),
    Need(kind=NeedKind.FIELD, of="party", name="Crossdock_Last_Order_On", holds="day"),
    Need(kind=NeedKind.FIELD, of="party", name="Crossdock_Open_Balance", holds="money"),
    Need(kind=NeedKind.FIELD, of="party", name=KEY, unique=True),
)
_TYPES: Final[Mapping[str, JsonDict]] = {
    "text": {"data_type": "text", "length": 120},
    "long_text": {"data_type": "textarea", "textarea": {"type": "small"}},
    "whole": {"data_type": "integer", "length": 9},
    "money": {"data_type": "currency", "length": 16, "currency": {"precision": 2}},
    "day": {"data_type": "date"},
}


def lacking(client: Client, orders: str, fields: Sequence[Need]) -> list[Need]:
    """Those that their modules have not. Raises ConnectionBroken where fields may not be read."""
    found: list[Need] = []
    for of in sorted({each.of for each in fields}):
        there = fields_of(client, _module(of, orders))
        found += [each for each in fields if each.of == of and each.name not in there]
    return found


def fields_of(client: Client, module: str) -> dict[str, JsonDict]:
    """The fields of a module by their names. Raises ConnectionBroken where nobody may look."""
    rows = client.get("settings/fields", {"module": module}).get("fields")
    return {str(row.get("api_name")): row for row in rows if isinstance(row, dict)} if isinstance(rows, list) else {}


def _module(of: str, orders: str) -> str:
    return _ACCOUNTS if of == "party" else orders


def prepare(client: Client, orders: str, need: Need) -> None:
    """Make one field; one that is there by its name already is what was wanted."""
    if need.kind is not NeedKind.FIELD or need.holds not in _TYPES:
        text = say("%(need)s cannot be made over the API: make it in the settings of Zoho CRM", need=str(need))
        raise RecordRejected(text, field=need.name, code="not_custom")
    field = {"field_label": need.name.replace("_", " "), **_TYPES[need.holds]}
    if need.unique:
        field["unique"] = {"casesensitive": True}
    path = f"settings/fields?module={_module(need.of, orders)}"
    [made] = client.write("POST", path, {"fields": [field]}, rows_in="fields")
    if isinstance(made, ConnectorError) and lacking(client, orders, [need]):
        raise made
