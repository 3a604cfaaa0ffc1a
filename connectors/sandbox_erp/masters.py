"""What the sandbox ERP knows beside documents: products, parties, warehouses, payment methods, accounts of expenses."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from connectors.kit.base import JsonDict, Ref
from connectors.kit.errors import AlreadyExists, RecordRejected
from connectors.kit.ladder import (
    asked_as,
    chosen_ids,
    climb,
    code_of,
    compact_vat_id,
    email_of,
    vat_spellings,
)
from connectors.kit.words import say
from connectors.sandbox_erp.client import Client, batches, reading, rejection

_TEST_PARTY: Final = "crossdock-test"
#: Kind of reference -> its address and the name of its list.
_PATHS: Final[Mapping[str, tuple[str, str]]] = {
    "product": ("api/products", "products"),
    "warehouse": ("api/warehouses", "warehouses"),
    "payment_method": ("api/payment-methods", "payment_methods"),
    "account": ("api/accounts", "accounts"),
}


class Masters:
    """Resolves references by code; what was found is believed for `cache_s` seconds."""

    def __init__(self, client: Client, cache_s: float) -> None:
        self._client = client
        self._cache_s = cache_s
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], tuple[float, JsonDict]] = {}

    def forget(self) -> None:
        """Ask for everything again."""
        with self._lock:
            self._known.clear()

    def resolve(self, refs: Iterable[Ref]) -> dict[Ref, JsonDict]:
        """By code, parties by the match ladder; other kinds are unknown here.

        What is unknown, or in doubt, is asked for every time.
        """
        answers: dict[Ref, JsonDict] = {}
        missing: dict[str, list[Ref]] = {kind: [] for kind in (*_PATHS, "party")}
        now = time.monotonic()
        for ref in refs:
            with self._lock:
                at, answer = self._known.get((ref.kind, asked_as(ref)), (0.0, {}))
            if answer and now - at < self._cache_s:
                answers[ref] = answer
            elif ref.kind in missing:
                missing[ref.kind].append(ref)
        for batch in batches(missing.pop("party")):
            answers |= self._find_parties(batch)
        for kind, wanted in missing.items():
            for batch in batches(wanted):
                found = self._fetch(kind, [ref.value for ref in batch])
                answers.update({ref: found[ref.value] for ref in batch if ref.value in found})
        return answers

    def save_party(self, payload: JsonDict) -> JsonDict:
        """Create the party with its code in the same call."""
        result = self._client.send_all("api/parties", [payload], 1)[0]
        if not result["ok"]:
            raise rejection(result["error"])
        with reading(write=True):
            party = {**_party(result["party"]), "matched_by": "code"}
            self._keep("party", party["code"], party)
            return party

    def test_sale(self, key: str) -> JsonDict:
        """A sale of nothing, to a customer who stays: this ERP deletes none."""
        with contextlib.suppress(AlreadyExists):
            self.save_party({"code": _TEST_PARTY, "name": "Crossdock's tests"})
        party = self._ask_parties([("code", _TEST_PARTY)])[0]
        products = self._client.get("api/products")["products"]
        if not products:
            raise RecordRejected(say("the ERP has no product to make a test sale of"))
        today = dt.datetime.now(dt.UTC)
        return {
            "external_key": key,
            "reference": "Crossdock: a test, removed at once",
            "currency": "EUR",
            "party": party["id"],
            "sale_date": f"{today:%Y-%m-%d}",
            "placed_at": today.isoformat(),
            "lines": [{"product": products[0]["id"], "quantity": "1", "amount": "0.00", "tax": "0.00"}],
        }

    def _find_parties(self, refs: Sequence[Ref]) -> dict[Ref, JsonDict]:
        asked = {("code", code_of(ref)) for ref in refs} | {("id", str(number)) for number in chosen_ids(refs)}
        asked |= {("email", email) for ref in refs if (email := email_of(ref))}
        asked |= {("vat_id", spelling) for ref in refs for spelling in vat_spellings(ref)}
        parties = self._ask_parties(sorted(asked))
        answers = {ref: party for ref in refs if (party := climb(ref, parties)) is not None}
        for ref, party in answers.items():
            if party["id"] is not None:
                self._keep("party", asked_as(ref), party)
        return answers

    def _ask_parties(self, asked: Sequence[tuple[str, str]]) -> list[JsonDict]:
        data = self._client.get("api/parties", asked)
        with reading():
            return _once([_party(record) for record in sorted(data["parties"], key=lambda record: record["id"])])

    def _fetch(self, kind: str, codes: Sequence[str]) -> dict[str, JsonDict]:
        path, name = _PATHS[kind]
        data = self._client.get(path, [("code", code) for code in codes])
        with reading():
            # Lowest id first: where a code stands twice, the first one made is the one that we go on with.
            records = sorted(data[name], key=lambda record: record["id"], reverse=True)
            return {record["code"]: self._remember(kind, record) for record in records}

    def _remember(self, kind: str, record: JsonDict) -> JsonDict:
        answer = _product(record) if kind == "product" else {name: record[name] for name in ("id", "code", "name")}
        self._keep(kind, record["code"], answer)
        return answer

    def _keep(self, kind: str, key: str, answer: JsonDict) -> None:
        with self._lock:
            self._known[kind, key] = (time.monotonic(), answer)


def _party(record: JsonDict) -> JsonDict:
    return {
        **{name: record[name] for name in ("id", "code", "name")},
        "vat_ids": [compact_vat_id(record["vat_id"])] if record["vat_id"] else [],
        "emails": [record["email"].strip().casefold()] if record["email"] else [],
    }


def _once(parties: Iterable[JsonDict]) -> list[JsonDict]:
    """Where a code stands twice, the first one made is the one that we go on with."""
    found: dict[object, JsonDict] = {}
    for party in parties:
        found.setdefault(party["code"] or party["id"], party)
    return list(found.values())


def _product(record: JsonDict) -> JsonDict:
    price = record["list_price"]
    return {
        **record,
        "list_price": None if price is None else Decimal(price),
        "taxes": [{**tax, "rate": Decimal(tax["rate"])} for tax in record["taxes"]],
    }
