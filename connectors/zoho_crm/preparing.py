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
from connectors.zoho_crm.client import Client

MAKES: Final = frozenset({NeedKind.FIELD})
#: What the mapping writes of an order (`mappings.zoho_crm`).
FIELDS: Final = (
    Need(kind=NeedKind.FIELD, of="order", name="Crossdock_ERP_Number"),
    Need(kind=NeedKind.FIELD, of="order", name="Crossdock_Shipments", holds="long_text"),
    Need(kind=NeedKind.FIELD, of="order", name="Crossdock_Invoices", holds="long_text"),
)
_TYPES: Final[Mapping[str, JsonDict]] = {
    "text": {"data_type": "text", "length": 120},
    "long_text": {"data_type": "textarea", "textarea": {"type": "small"}},
}


def lacking(client: Client, module: str, fields: Sequence[Need]) -> list[Need]:
    """Those that the module has not. Raises ConnectionBroken where fields may not be read."""
    rows = client.get("settings/fields", {"module": module}).get("fields")
    there = {row.get("api_name") for row in rows if isinstance(row, dict)} if isinstance(rows, list) else set()
    return [each for each in fields if each.name not in there]


def prepare(client: Client, module: str, need: Need) -> None:
    """Make one field; one that is there by its name already is what was wanted."""
    if need.kind is not NeedKind.FIELD or need.holds not in _TYPES:
        text = say("%(need)s cannot be made over the API: make it in the settings of Zoho CRM", need=str(need))
        raise RecordRejected(text, field=need.name, code="not_custom")
    body = {"fields": [{"field_label": need.name.replace("_", " "), **_TYPES[need.holds]}]}
    [made] = client.write("POST", f"settings/fields?module={module}", body, rows_in="fields")
    if isinstance(made, ConnectorError) and lacking(client, module, [need]):
        raise made
