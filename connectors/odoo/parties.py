"""Customers and their addresses: found by the match ladder in one call, made with our key in the creating call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from connectors.kit.base import JsonDict, Ref
from connectors.kit.errors import AlreadyExists, ConnectorError, OutcomeUnknown, RecordRejected
from connectors.kit.ladder import chosen_ids, climb, code_of, compact_vat_id, email_of, vat_spellings
from connectors.kit.until import Until
from connectors.kit.words import say
from connectors.odoo.client import OdooClient
from connectors.odoo.goods import batches
from connectors.odoo.loading import Refused, external_id, load

MODEL: Final = "res.partner"
_FIELDS: Final = (
    *("name", "ref", "vat", "email_normalized", "parent_id", "type", "street", "street2", "zip", "city"),
    *("country_id", "state_id"),
)
_ADDRESS: Final = ("name", "street", "street2", "zip", "city", "country_id", "state_id")
_BATCH: Final = 100


def find_parties(client: OdooClient, refs: Iterable[Ref]) -> dict[Ref, JsonDict]:
    """The customer of each ref by the match ladder (`connectors.kit.ladder`), with all addresses; one call for 100."""
    found: dict[Ref, JsonDict] = {}
    for batch in batches(list(refs), _BATCH):
        rows = client.search(MODEL, _domain(batch), _FIELDS)
        parties = _parties(rows)
        for ref in batch:
            if (party := climb(ref, parties, _places)) is not None:
                found[ref] = party
    return found


def save_party(client: OdooClient, module: str, payload: JsonDict, until: Until) -> JsonDict:
    """Make the customer, and the addresses that are missing, each under an external id of its own.

    Raises AlreadyExists when the code is taken, RecordRejected, OutcomeUnknown ... A VAT id that Odoo's check refuses
    is left out, and stands in the customer's notes: a typing error must not cost the order.
    """
    values = {name: value for name, value in payload.items() if name not in {"id", "key", "addresses"}}
    number = payload.get("id")
    if number is None:
        if client.find_ids(MODEL, [["ref", "=", payload["ref"]]], limit=1):
            text = say("a customer with the code %(code)s exists already", code=repr(payload["ref"]))
            raise AlreadyExists(text, field="ref")
        number = _make(client, {"id": external_id(module, payload["key"]), **values}, until)
    addresses = [
        {**{name: value for name, value in each.items() if name != "key"}, "parent_id": number}
        | {"id": external_id(module, each["key"])}
        for each in payload.get("addresses", ())
    ]
    if addresses:
        made = load(client, MODEL, addresses, until)
        if isinstance(made, Refused):
            raise _error(made)
    return _read_back(client, number)


def _make(client: OdooClient, values: JsonDict, until: Until) -> int:
    made = load(client, MODEL, [values], until)
    if isinstance(made, Refused) and values.get("vat") and isinstance(_error(made), RecordRejected):
        noted = {**values, "comment": f"VAT id as entered: {values['vat']}", "vat": None}
        made = load(client, MODEL, [noted], until)
    if isinstance(made, Refused):
        raise _error(made)
    return made[0]


def _error(refused: Refused) -> ConnectorError:
    return refused.whole or next(iter(refused.records.values()))


def _read_back(client: OdooClient, number: int) -> JsonDict:
    try:
        # An archived customer has its external id still, and is the one.
        domain = ["|", ["id", "=", number], ["parent_id", "=", number]]
        rows = client.search(MODEL, domain, _FIELDS, context={"active_test": False})
    except ConnectorError as error:
        raise OutcomeUnknown(say("made, but not read back: %(error)s", error=error), status=error.status) from None
    parties = _parties(rows)
    if not parties:
        raise OutcomeUnknown(say("made, but not found when it was read back"))
    return {**parties[0], "matched_by": "id"}


def _domain(refs: Sequence[Ref]) -> list[Any]:
    codes = [code_of(ref) for ref in refs]
    vat_ids = sorted({spelling for ref in refs for spelling in vat_spellings(ref)})
    emails = sorted({email for ref in refs if (email := email_of(ref))})
    leaves: list[Any] = [["ref", "in", codes], ["parent_id.ref", "in", codes]]
    if ids := chosen_ids(refs):
        leaves += [["id", "in", ids], ["parent_id", "in", ids]]
    for name, values in (("vat", vat_ids), ("email_normalized", emails)):
        if values:
            leaves += [[name, "in", values], [f"parent_id.{name}", "in", values]]
    return [*["|"] * (len(leaves) - 1), *leaves]


def _parties(rows: Sequence[JsonDict]) -> list[JsonDict]:
    """Customers with their own address first, then those of their children."""
    children: dict[int, list[JsonDict]] = {}
    for row in rows:
        if row["parent_id"]:
            children.setdefault(row["parent_id"][0], []).append(row)
    return [
        {
            "id": row["id"],
            "code": row["ref"] or None,
            "name": row["name"] or "",
            "vat_ids": [compact_vat_id(row["vat"])] if row["vat"] else [],
            "emails": [row["email_normalized"]] if row["email_normalized"] else [],
            "addresses": [_address(each) for each in (row, *children.get(row["id"], ()))],
        }
        for row in rows
        if not row["parent_id"]
    ]


def _address(row: JsonDict) -> JsonDict:
    plain = {name: row[name] or None for name in _ADDRESS}
    for name in ("country_id", "state_id"):
        plain[name] = row[name][0] if row[name] else None
    return {"id": row["id"], "type": row["type"], **plain}


def _places(party: JsonDict) -> list[JsonDict]:
    return [
        {"street": each["street"] or "", "postal_code": each["zip"] or "", "city": each["city"] or ""}
        for each in party["addresses"]
    ]
