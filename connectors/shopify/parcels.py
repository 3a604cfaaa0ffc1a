"""Parcels as fulfilments, by fulfilment order: partial ones, several, from several locations.

A fulfilment has no field for a key of ours, and the shop takes the same pieces twice as long as any are left. So each
is announced first, in a metafield of the order: our key, its pieces, its tracking. An announced one without an id is
looked for among the fulfilments that nobody has claimed, by pieces and tracking; its id is kept as soon as it is known,
so that it stays ours when somebody corrects its tracking. Pieces that are not left to be sent are refused before any
call: the ids of what is left are read each time, for they change whenever somebody moves or divides it.
"""

from __future__ import annotations

import collections
import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from connectors.kit.base import JsonDict
from connectors.kit.errors import ConnectorError, OutcomeUnknown, RecordRejected, Transient
from connectors.kit.words import say
from connectors.shopify import codes, way_back
from connectors.shopify.client import Client
from connectors.shopify.orders import ORDER, order_id

_LINE: Final = "gid://shopify/LineItem/"
_FULFILMENT: Final = "gid://shopify/Fulfillment/"
#: States of a fulfilment order from which goods may leave.
_READY: Final = frozenset({"OPEN", "IN_PROGRESS"})
_GONE: Final = frozenset({"CANCELLED", "ERROR", "FAILURE"})
_Pieces = dict[str, int]


class Parcels:
    """The fulfilments of one shop. Thread-safe."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def listed(self, external_id: str) -> list[JsonDict]:
        """What stands on the order, oldest first; `key` where all that we had announced under it is there."""
        rows, missing = _claimed(*self._standing(external_id))
        lacking = {entry["key"] for entry in missing}
        return [row | {"key": ""} if row["key"] in lacking else row for row in rows]

    def create(self, external_id: str, payload: JsonDict) -> JsonDict:
        """One more: a fulfilment for each location that its pieces are to be sent from. The first of them.

        What stands under its key already is left out, so that one that was begun is ended. Raises RecordRejected where
        fewer pieces are left to be sent, OutcomeUnknown where some of its fulfilments were made and not all.
        """
        rows, announced = self._standing(external_id)
        made = [row for row in _claimed(rows, announced)[0] if row["key"] == payload["key"]]
        shares = list(self._shares(external_id, _without(payload["pieces"], made)))
        others = [entry for entry in announced if entry["key"] != payload["key"]]
        entries = [_entry(payload, pieces) for pieces, _orders in shares]
        known = [*others, *map(_entry_of, made), *entries]
        self._announce(external_id, known)
        for entry, (_pieces, orders) in zip(entries, shares, strict=True):
            row = self._fulfil(payload, orders, begun=bool(made))
            entry["id"] = row["id"]
            made.append(row | {"key": payload["key"]})
        # By its pieces it would be found all the same: what was made is not to look as if it were not.
        with contextlib.suppress(ConnectorError):
            self._announce(external_id, known)
        return made[0]

    def update(self, external_id: str, fulfilment_id: str, payload: JsonDict) -> JsonDict:
        """Its tracking, for each location; pieces of one that is made cannot be changed. Sent only where it differs."""
        rows, announced = self._standing(external_id)
        claimed, _missing = _claimed(rows, announced)
        key = next((row["key"] for row in claimed if row["id"] == fulfilment_id), "")
        ours = [row for row in claimed if row["id"] == fulfilment_id or (key and row["key"] == key)]
        if not ours:
            text = say(
                "order %(order)s has no fulfilment %(id)s in the shop any more", order=external_id, id=fulfilment_id
            )
            raise RecordRejected(text, code="gone")
        kept = {entry.get("id"): entry for entry in announced}
        if any(row["id"] not in kept for row in ours):
            # Found by its tracking, which is about to change.
            self._announce(external_id, [*announced, *(_entry_of(row) for row in ours if row["id"] not in kept)])
        tracking = payload["trackingInfo"]
        for row in ours:
            if tracking and _tracked(row) != _wanted(tracking):
                answer = self._client.write(
                    way_back.TRACK,
                    "fulfillmentTrackingInfoUpdate",
                    id=f"{_FULFILMENT}{row['id']}",
                    tracking=tracking,
                    notify=payload["notifyCustomer"],
                )
                row.update(_written(answer.get("fulfillment")), key=row["key"])
        return ours[0]

    # -- reading ---------------------------------------------------------------------------------------------

    def _standing(self, external_id: str) -> tuple[list[JsonDict], list[JsonDict]]:
        """The fulfilments that stand, and what is announced. Raises RecordRejected for an order that is gone."""
        order = self._order(way_back.PARCELS, external_id)
        rows = [_row(row) for row in order["fulfillments"] if row["status"] not in _GONE]
        told = (order.get("announced") or {}).get("jsonValue")
        entries = [each for each in told if isinstance(each, dict) and "key" in each] if isinstance(told, list) else []
        return sorted(rows, key=lambda row: (row["createdAt"], int(row["id"]))), entries

    def _order(self, document: str, external_id: str) -> JsonDict:
        order = self._client.read(document, id=f"{ORDER}{order_id(external_id)}").get("order")
        if not isinstance(order, dict):
            raise RecordRejected(say("order %(order)s is no longer in the shop", order=external_id), code=codes.GONE)
        return order

    def _shares(self, external_id: str, wanted: Mapping[str, int]) -> Iterator[tuple[_Pieces, list[JsonDict]]]:
        """Location by location the pieces, and the fulfilment orders that they are taken from; as few as will do.

        Raises RecordRejected where not all of them are left.
        """
        offers = self._offers(external_id)
        left = dict(wanted)
        while left:
            best = max(offers.values(), key=lambda lines: _covered(lines, left), default=[])
            pieces: _Pieces = {}
            orders: dict[str, list[JsonDict]] = {}
            for offer in best:
                count = min(left.get(offer["line"], 0), offer["left"])
                if count > 0:
                    left[offer["line"]] -= count
                    offer["left"] -= count
                    pieces[offer["line"]] = pieces.get(offer["line"], 0) + count
                    orders.setdefault(offer["order"], []).append({"id": offer["id"], "quantity": count})
            if not pieces:
                raise RecordRejected(_too_few(left), field="pieces", code="not_left")
            left = {line: count for line, count in left.items() if count}
            yield (
                pieces,
                [{"fulfillmentOrderId": name, "fulfillmentOrderLineItems": lines} for name, lines in orders.items()],
            )

    def _offers(self, external_id: str) -> dict[str, list[JsonDict]]:
        """Location -> what is left to be sent from there, line by line."""
        found = self._order(way_back.TO_SEND, external_id)["fulfillmentOrders"]
        offers: dict[str, list[JsonDict]] = {}
        whole = not found["pageInfo"]["hasNextPage"]
        for each in found["nodes"]:
            whole = whole and not each["lineItems"]["pageInfo"]["hasNextPage"]
            if each["status"] in _READY:
                place = ((each.get("assignedLocation") or {}).get("location") or {}).get("id") or ""
                offers.setdefault(place, []).extend(
                    {
                        "order": each["id"],
                        "id": line["id"],
                        "line": line["lineItem"]["id"].removeprefix(_LINE),
                        "left": line["remainingQuantity"],
                    }
                    for line in each["lineItems"]["nodes"]
                )
        if not whole:
            raise RecordRejected(say("the order has more to send than the shop tells at once"), code="too_long")
        return offers

    # -- writing ---------------------------------------------------------------------------------------------

    def _announce(self, external_id: str, entries: Sequence[JsonDict]) -> None:
        field = {
            "ownerId": f"{ORDER}{order_id(external_id)}",
            "namespace": way_back.NAMESPACE,
            "key": "fulfillments",
            "type": "json",
            "value": json.dumps(list(entries), ensure_ascii=False),
        }
        self._client.write(way_back.SET, "metafieldsSet", metafields=[field])

    def _fulfil(self, payload: JsonDict, orders: list[JsonDict], *, begun: bool) -> JsonDict:
        body = {"lineItemsByFulfillmentOrder": orders, "notifyCustomer": payload["notifyCustomer"]}
        body |= {"trackingInfo": payload["trackingInfo"]} if payload["trackingInfo"] else {}
        try:
            answer = self._client.write(way_back.FULFIL, "fulfillmentCreate", fulfillment=body)
        except ConnectorError as error:
            if not begun:
                raise
            text = say("some of the parcel's fulfilments were made, and not all: %(error)s", error=error)
            raise OutcomeUnknown(text, code="begun") from error
        return _written(answer.get("fulfillment"))


def _too_few(left: Mapping[str, int]) -> str:
    listed = ", ".join(f"{line}: {count}" for line, count in left.items() if count)
    return say(
        "of these lines the shop has fewer pieces left to be sent (%(listed)s); they were sent or cancelled there, or "
        "somebody holds them back: see the order's fulfilments in the shop",
        listed=listed,
    )


def _covered(lines: Sequence[JsonDict], wanted: Mapping[str, int]) -> int:
    there: collections.Counter[str] = collections.Counter()
    for line in lines:
        there[line["line"]] += line["left"]
    return sum(min(count, there[line]) for line, count in wanted.items())


def _entry(payload: JsonDict, pieces: _Pieces) -> JsonDict:
    return {"key": payload["key"], "pieces": pieces, "numbers": sorted(_wanted(payload["trackingInfo"])[1])}


def _entry_of(row: JsonDict) -> JsonDict:
    return {"key": row["key"], "pieces": row["pieces"], "numbers": sorted(_tracked(row)[1]), "id": row["id"]}


def _without(pieces: Mapping[str, int], made: Sequence[JsonDict]) -> _Pieces:
    sent: collections.Counter[str] = collections.Counter()
    for row in made:
        sent.update(row["pieces"])
    return {line: count - sent[line] for line, count in pieces.items() if count > sent[line]}


def _row(value: Any) -> JsonDict:
    """One fulfilment with its plain id and its pieces by line. Raises Transient for what is none."""
    if not isinstance(value, dict) or not str(value.get("id", "")).startswith(_FULFILMENT):
        raise Transient(say("the shop answered with something that is no fulfilment"), code="no_record")
    lines = value.get("fulfillmentLineItems") or {}
    if (lines.get("pageInfo") or {}).get("hasNextPage"):
        raise Transient(say("a fulfilment has more lines than the shop tells at once"), code="too_long")
    pieces: _Pieces = {}
    for line in lines.get("nodes") or ():
        name = line["lineItem"]["id"].removeprefix(_LINE)
        pieces[name] = pieces.get(name, 0) + (line["quantity"] or 0)
    return {
        "id": value["id"].removeprefix(_FULFILMENT),
        "key": "",
        "status": value["status"],
        "createdAt": value["createdAt"],
        "trackingInfo": value.get("trackingInfo") or [],
        "pieces": pieces,
    }


def _written(value: Any) -> JsonDict:
    """The same of what a write answered. Raises OutcomeUnknown for what is no fulfilment."""
    try:
        return _row(value)
    except Transient as error:
        raise OutcomeUnknown(str(error), code=error.code) from error


def _claimed(rows: list[JsonDict], announced: Sequence[JsonDict]) -> tuple[list[JsonDict], list[JsonDict]]:
    """The same rows, each with the key under which it was announced, and what was announced and is not there.

    By its id, else by what it holds.
    """
    by_id = {entry["id"]: entry["key"] for entry in announced if entry.get("id")}
    missing = [entry for entry in announced if not entry.get("id")]
    for row in rows:
        row["key"] = by_id.get(row["id"], "")
        if row["key"]:
            continue
        told = (row["pieces"], sorted(_tracked(row)[1]))
        found = next((entry for entry in missing if (entry.get("pieces"), entry.get("numbers")) == told), None)
        if found is not None:
            missing.remove(found)
            row["key"] = found["key"]
    return rows, missing


def _tracked(row: JsonDict) -> tuple[str, tuple[str, ...]]:
    told = row["trackingInfo"]
    company = next((str(each["company"]) for each in told if each.get("company")), "")
    return company, tuple(str(each["number"]) for each in told if each.get("number"))


def _wanted(tracking: JsonDict) -> tuple[str, tuple[str, ...]]:
    return tracking.get("company", ""), tuple(tracking.get("numbers", ()))
