"""Fulfilments: a parcel with its pieces and tracking code, as recorded from Vendure 3.7.3.

* More pieces than are left are refused (`ITEMS_ALREADY_FULFILLED_ERROR`), so a doubled parcel of a whole order is too.
* A new one is `Pending`, and goods have left once it is `Shipped`: two calls. One that was left between them counts as
  not there, and is brought on by the next try; our key stands in it from the first call on.
* A fulfilment cannot be changed. One whose tracking code was corrected is cancelled and made anew, which gives the shop
  its stock back and takes it again.
* The order's own state follows by itself: `PartiallyShipped`, then `Shipped`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from connectors.kit.base import JsonDict
from connectors.kit.errors import RecordRejected
from connectors.kit.words import say
from connectors.vendure import codes, queries
from connectors.vendure.client import Client

_PENDING: Final = "Pending"
_SHIPPED: Final = "Shipped"
_CANCELLED: Final = "Cancelled"


class Fulfilments:
    """The fulfilments of one shop. Thread-safe."""

    def __init__(self, client: Client, handler: str) -> None:
        """`handler` is the code of the shop's fulfilment handler, which takes `method` and `trackingCode`."""
        self._client, self._handler = client, handler

    def listed(self, order_id: str) -> list[JsonDict]:
        """All of an order that were not cancelled, oldest first."""
        found = self._client.order(queries.FULFILMENTS, order_id).get("fulfillments") or []
        kept = [row for row in found if row.get("state") != _CANCELLED]
        return sorted(kept, key=lambda row: (len(str(row["id"])), str(row["id"])))

    def create(self, order_id: str, payload: JsonDict) -> JsonDict:
        """Sent once, and brought to `Shipped`; one of ours that was left half-way is brought on instead."""
        half = (row for row in self.listed(order_id) if row.get("state") == _PENDING)
        if (standing := next((row for row in half if row.get("method") == payload["method"]), None)) is not None:
            return self.update(order_id, standing["id"], payload)
        texts = [{"name": name, "value": payload[name]} for name in ("method", "trackingCode")]
        order = {"lines": payload["lines"], "handler": {"code": self._handler, "arguments": texts}}
        made: JsonDict = self._client.write(queries.FULFIL, "addFulfillmentToOrder", input=order)
        return self._move(made, _SHIPPED)

    def update(self, order_id: str, fulfilment_id: str, payload: JsonDict) -> JsonDict:
        """Bring on one that was left half-way; one that says something else is cancelled and made anew."""
        standing = self.listed(order_id)
        # One that was made anew has another id, and still our key.
        found = [row for row in standing if str(row["id"]) == fulfilment_id]
        found += [row for row in standing if row.get("method") == payload["method"]]
        current = found[0] if found else None
        if current is None:
            msg = say("order %(order)s has no fulfilment %(id)s in the shop any more", order=order_id, id=fulfilment_id)
            raise RecordRejected(msg, code=codes.GONE)
        texts = all((current.get(name) or "") == payload[name] for name in ("method", "trackingCode"))
        if texts and _pieces(current["lines"]) == _pieces(payload["lines"]):
            return self._move(current, _SHIPPED) if current.get("state") == _PENDING else current
        self._move(current, _CANCELLED)
        return self.create(order_id, payload)

    def _move(self, row: JsonDict, state: str) -> JsonDict:
        moved: JsonDict = self._client.write(
            queries.MOVE_FULFILMENT, "transitionFulfillmentToState", id=row["id"], state=state
        )
        return moved


def _pieces(lines: Sequence[JsonDict]) -> list[tuple[Any, Any]]:
    return sorted((line["orderLineId"], line["quantity"]) for line in lines)
