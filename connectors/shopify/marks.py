"""What is written to an order: metafields in our namespace, tags, and whether it is archived or cancelled.

What stands there already is not sent. A cancellation is a job of the shop's: its answer says only that it was begun, so
the order is read until it is cancelled, and after some seconds nobody knows.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Final

from connectors.kit.base import Envelope, JsonDict
from connectors.kit.errors import OutcomeUnknown, RecordRejected
from connectors.kit.words import say
from connectors.shopify import codes, way_back
from connectors.shopify.client import Client
from connectors.shopify.orders import ORDER, order_id

#: How often a cancelled order is read until it is, and how long is rested between.
_LOOKS: Final = 6
_REST_S: Final = 0.5
_FIELDS: Final = frozenset({"metafields", "tags", "state", "meta_data"})


class Marks:
    """The writes to the orders of one shop."""

    def __init__(self, client: Client, fetch: Callable[[str], Envelope]) -> None:
        """`fetch` reads one order, with `deleted` for one that is gone."""
        self._client, self._fetch = client, fetch

    def update(self, external_id: str, payload: JsonDict) -> Envelope:
        """Send what differs, and read back.

        `metafields` and `meta_data` are lists of {key, value}, `tags` are added, `state` is `closed` or `cancelled`.
        """
        if strange := sorted(payload.keys() - _FIELDS):
            text = say("an order of this shop is marked by %(known)s only", known=", ".join(sorted(_FIELDS)))
            raise RecordRejected(text, field=strange[0])
        current = self._fetch(order_id(external_id))
        if current.deleted:
            raise RecordRejected(say("order %(order)s is no longer in the shop", order=external_id), code=codes.GONE)
        gid = f"{ORDER}{external_id}"
        written = [self._set(gid, current.payload, [*payload.get("metafields", ()), *payload.get("meta_data", ())])]
        written.append(self._tag(gid, current.payload, payload.get("tags", ())))
        if payload.get("state") == "cancelled" and current.payload.get("cancelledAt") is None:
            return self._cancel(external_id)
        if payload.get("state") == "closed" and current.payload.get("closedAt") is None:
            self._client.write(way_back.CLOSE, "orderClose", id=gid)
            written.append(True)
        return self._fetch(external_id) if any(written) else current

    def _set(self, gid: str, order: JsonDict, wanted: list[JsonDict]) -> bool:
        there = {each["key"]: each["jsonValue"] for each in (order.get("metafields") or {}).get("nodes", ())}
        fields = [each for each in wanted if there.get(each["key"]) != each["value"]]
        if fields:
            self._client.write(way_back.SET, "metafieldsSet", metafields=[_field(gid, each) for each in fields])
        return bool(fields)

    def _tag(self, gid: str, order: JsonDict, wanted: Any) -> bool:
        # The shop compares without regard to case.
        there = {str(tag).casefold() for tag in order.get("tags") or ()}
        tags = [tag for tag in wanted if tag.casefold() not in there]
        if tags:
            self._client.write(way_back.TAG, "tagsAdd", id=gid, tags=tags)
        return bool(tags)

    def _cancel(self, external_id: str) -> Envelope:
        self._client.write(
            way_back.CANCEL,
            "orderCancel",
            errors="orderCancelUserErrors",
            id=f"{ORDER}{external_id}",
            note=say("cancelled in the ERP"),
        )
        for look in range(_LOOKS):
            if look:
                time.sleep(_REST_S)
            found = self._fetch(external_id)
            if found.deleted or found.payload.get("cancelledAt") is not None:
                return found
        text = say("the shop has begun to cancel order %(order)s, and it is not cancelled yet", order=external_id)
        raise OutcomeUnknown(text, code="not_cancelled")


def _field(gid: str, field: JsonDict) -> JsonDict:
    value = field["value"]
    plain = isinstance(value, str)
    return {
        "ownerId": gid,
        "namespace": way_back.NAMESPACE,
        "key": field["key"],
        "type": "single_line_text_field" if plain else "json",
        "value": value if plain else json.dumps(value, ensure_ascii=False),
    }
