"""Parties: found by the match ladder, all rungs in one call; made with our key in `code`, which is unique."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from connectors.kit.base import JsonDict, Ref
from connectors.kit.errors import AlreadyExists, RecordRejected
from connectors.kit.ladder import chosen_ids, climb, code_of, compact_vat_id, email_of, vat_spellings
from connectors.kit.words import say
from connectors.tryton.client import TrytonClient

FIELDS: Final = (
    *("code", "name", "identifiers.code", "contact_mechanisms.type", "contact_mechanisms.value"),
    *("addresses.party_name", "addresses.attn", "addresses.street", "addresses.postal_code", "addresses.city"),
    *("addresses.country", "addresses.subdivision"),
)
#: Parties looked for in one call: each brings a code, a VAT id and two spellings of an e-mail address.
_QUERY_BATCH: Final = 25
_PLACE: Final = ("street", "postal_code", "city")


def find_parties(client: TrytonClient, refs: Iterable[Ref]) -> dict[Ref, JsonDict]:
    """The party of each ref by the match ladder (`connectors.kit.ladder`)."""
    wanted = list(refs)
    found: dict[Ref, JsonDict] = {}
    for start in range(0, len(wanted), _QUERY_BATCH):
        batch = wanted[start : start + _QUERY_BATCH]
        rows = [_party(row) for row in client.search("party.party", _domain(batch), FIELDS)]
        for ref in batch:
            if (party := climb(ref, rows, _places)) is not None:
                found[ref] = party
    return found


def save_party(client: TrytonClient, payload: JsonDict) -> JsonDict:
    """Create the party, or add to the one that `payload["id"]` names. Raises AlreadyExists when its code is taken.

    A refusal is tried once more without the type of the VAT id: the server takes a number that fails its check only
    as an identifier of no type, and a typing error of a customer must not cost the order.
    """
    if "id" in payload:
        values = {name: value for name, value in payload.items() if name not in {"id", "code"}}
        return {**_party(client.update("party.party", int(payload["id"]), values, FIELDS)), "matched_by": "id"}
    try:
        row = client.create("party.party", payload, FIELDS)
    except RecordRejected:
        _raise_if_taken(client, payload["code"])
        try:
            row = client.create("party.party", _without_identifier_types(payload), FIELDS)
        except RecordRejected:
            _raise_if_taken(client, payload["code"])
            raise
    return {**_party(row), "matched_by": "code"}


def _raise_if_taken(client: TrytonClient, code: str) -> None:
    # Decided by looking, for the text of a refusal is translated.
    if client.search("party.party", [["code", "=", code]], ("code",)):
        raise AlreadyExists(say("a party with the code %(code)s exists already", code=repr(code)), field="code")


def _without_identifier_types(payload: JsonDict) -> JsonDict:
    commands = [
        [command, [{name: value for name, value in record.items() if name != "type"} for record in records]]
        for command, records in payload.get("identifiers", ())
    ]
    return {**payload, "identifiers": commands} if commands else payload


def _domain(refs: Sequence[Ref]) -> list[Any]:
    clauses: list[Any] = [["code", "in", [code_of(ref) for ref in refs]]]
    if ids := chosen_ids(refs):
        clauses.append(["id", "in", ids])
    if vat_ids := sorted({spelling for ref in refs for spelling in vat_spellings(ref)}):
        clauses.append(["identifiers", "where", [["code", "in", vat_ids]]])
    if emails := sorted({spelling for ref in refs for spelling in _email_spellings(ref)}):
        clauses.append(["contact_mechanisms", "where", [["type", "=", "email"], ["value", "in", emails]]])
    return ["OR", *clauses]


def _email_spellings(ref: Ref) -> set[str]:
    written = str(ref.hint.get("email", "")).strip()
    return {written, written.lower()} if email_of(ref) else set()


def _places(party: JsonDict) -> list[JsonDict]:
    return [{name: each.get(name) or "" for name in _PLACE} for each in party["addresses"]]


def _party(row: JsonDict) -> JsonDict:
    mechanisms = row.get("contact_mechanisms") or ()
    return {
        "id": row["id"],
        "code": row.get("code"),
        "name": row.get("name") or "",
        "vat_ids": [compact_vat_id(each["code"]) for each in row.get("identifiers") or ()],
        "emails": [each["value"].strip().casefold() for each in mechanisms if each["type"] == "email"],
        "addresses": [
            {name: value for name, value in each.items() if not name.startswith("_")}
            for each in row.get("addresses") or ()
        ],
    }
