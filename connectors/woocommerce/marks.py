"""What is written to an order: its state, its `meta_data`, notes, refunds.

As recorded from WooCommerce 11.0.1: a PUT that changes nothing moves `date_modified` all the same and fires a
webhook, so what stands there already is not sent. `meta_data` is updated by key, and an entry's own id makes sure that
none is doubled (older versions append). The same note twice is two notes: a key of ours in its text finds it again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connectors.kit.base import Envelope, JsonDict
from connectors.kit.errors import OutcomeUnknown, RecordRejected
from connectors.kit.http import HttpClient
from connectors.kit.words import say
from connectors.woocommerce import codes, rows
from connectors.woocommerce.lists import Get, record_id, rows_of, whole_list

#: WooCommerce reads the notes of an order into one list, without pages.
_NOTES_OF_ALL_KINDS = "any"


class Marks:
    """The writes to the orders of one shop."""

    def __init__(self, http: HttpClient, get: Get, fetch: Callable[[str], Envelope]) -> None:
        """`fetch` reads one order, with `deleted` for one that is gone."""
        self._http = http
        self._get = get
        self._fetch = fetch

    def refunds(self, order_id: str) -> list[JsonDict]:
        """All refunds, oldest first."""
        refunds = whole_list(self._get, f"orders/{record_id(order_id)}/refunds", {})
        return sorted(refunds, key=lambda refund: int(refund["id"]))

    def give_back(self, order_id: str, payload: JsonDict) -> JsonDict:
        """Sent once, whatever comes of it: with `api_refund` the gateway sends the money before the answer comes."""
        answer = self._http.request("POST", f"orders/{record_id(order_id)}/refunds", json=payload)
        return created(answer.data, answer.path)

    def update(self, order_id: str, payload: JsonDict) -> Envelope:
        """Send what differs, if anything does. The answer to a PUT is the order as it was read back."""
        current = self._fetch(record_id(order_id))
        if current.deleted:
            raise RecordRejected(say("order %(order)s is no longer in the shop", order=order_id), code=codes.GONE)
        change = difference(current.payload, payload)
        if not change:
            return current
        answer = self._http.request("PUT", f"orders/{order_id}", json=change)
        if not isinstance(answer.data, dict) or str(answer.data.get("id")) != order_id:
            msg = say("%(path)s was answered with something that is not this order", path=answer.path)
            raise OutcomeUnknown(msg, code="not_the_order")
        return rows.envelope(answer.data)

    def notes(self, order_id: str) -> list[JsonDict]:
        """All notes, oldest first, those to the customer and private ones."""
        path = f"orders/{record_id(order_id)}/notes"
        notes = rows_of(self._get(path, {"type": _NOTES_OF_ALL_KINDS}))
        for note in notes:
            note.pop("_links", None)
        return sorted(notes, key=lambda note: int(note["id"]))

    def add_note(self, order_id: str, payload: JsonDict) -> JsonDict:
        """Sent once, whatever comes of it: with `customer_note` the shop mails it at once."""
        answer = self._http.request("POST", f"orders/{record_id(order_id)}/notes", json=payload)
        return created(answer.data, answer.path)


def created(data: object, path: str) -> JsonDict:
    """The record that was written. Raises OutcomeUnknown when the answer is none."""
    if not isinstance(data, dict) or type(data.get("id")) is not int:
        raise OutcomeUnknown(say("%(path)s was answered with something that is no record", path=path), code="no_record")
    return {name: value for name, value in data.items() if name != "_links"}


def difference(current: Mapping[str, Any], wanted: Mapping[str, Any]) -> JsonDict:
    """The part of `wanted` that `current` does not show yet; entries of `meta_data` with the ids that they have."""
    change = {
        name: value for name, value in wanted.items() if name != "meta_data" and not _shown(current.get(name), value)
    }
    if entries := meta_difference(current.get("meta_data") or (), wanted.get("meta_data") or ()):
        change["meta_data"] = entries
    return change


def _shown(current: object, wanted: object) -> bool:
    """Whether all of `wanted` stands there; of an object (an address) only the fields that are named."""
    if isinstance(current, dict) and isinstance(wanted, dict):
        return all(_shown(current.get(name), value) for name, value in wanted.items())
    return current == wanted


def meta_difference(current: Any, wanted: Any) -> list[JsonDict]:
    """The entries of `wanted` with another value than those of the same key, each with the id of the first of these."""
    known: dict[object, JsonDict] = {}
    for entry in current:
        known.setdefault(entry.get("key"), entry)
    changed: list[JsonDict] = []
    for entry in wanted:
        there = known.get(entry["key"])
        if there is None and entry["value"] is not None:
            changed.append({"key": entry["key"], "value": entry["value"]})
        elif there is not None and there.get("value") != entry["value"]:
            changed.append({"id": there["id"], "key": entry["key"], "value": entry["value"]})
    return changed
