"""Fulfilments (WooCommerce 10.1 and later, behind a feature flag): a parcel with its pieces and tracking number.

As recorded from WooCommerce 11.0.1, and as its published source has it where nothing is recorded:

* with the feature switched off its routes are not there (404 `rest_no_route`, recorded);
* nothing is refused for being there twice or being more than was ordered: our key in `meta_data` finds one again;
* `is_fulfilled` is true or false in an answer to a write, "0" or "1" in the list;
* an update takes the `meta_data` that it is sent for all of it, and removes every other entry (source:
  OrderFulfillmentsRestController::update_fulfillment), so those of plugins are sent along;
* `notify_customer` has the shop mail its customer, for a new one and for a change.
"""

from __future__ import annotations

import threading
import time
from decimal import Decimal
from typing import Any

from connectors.kit.answers import Response
from connectors.kit.base import JsonDict
from connectors.kit.errors import ConnectorError, OutcomeUnknown, RecordRejected
from connectors.kit.http import HttpClient
from connectors.kit.words import say
from connectors.woocommerce import codes
from connectors.woocommerce.lists import record_id, rows_of
from connectors.woocommerce.marks import created, meta_difference

#: For how long we believe what we found out about the feature.
REMEMBERED_S = 900.0
#: No order has it: only the way there is asked for.
_NO_ORDER = "0"


class Fulfilments:
    """The fulfilments of one shop. Thread-safe."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http
        self._lock = threading.Lock()
        #: Whether the feature is on, and until when (monotonic) that is believed.
        self._known: tuple[bool, float] | None = None

    def switched_on(self) -> bool:
        """Asked once in `REMEMBERED_S`, and again after a call found the feature switched off."""
        with self._lock:
            if self._known is not None and time.monotonic() < self._known[1]:
                return self._known[0]
        on = True
        try:
            self._request("GET", _NO_ORDER)
        except RecordRejected as error:
            # That there is no such order says that there is such a route.
            on = error.code != codes.NO_ROUTE
        self._remember(on=on)
        return on

    def listed(self, order_id: str) -> list[JsonDict]:
        """All of an order, oldest first; `is_fulfilled` as a truth value."""
        rows = rows_of(self._request("GET", order_id))
        return [_plain(row) for row in sorted(rows, key=lambda row: int(row["id"]))]

    def create(self, order_id: str, payload: JsonDict) -> JsonDict:
        """Sent once."""
        answer = self._request("POST", order_id, json=payload)
        return _plain(created(answer.data, answer.path))

    def update(self, order_id: str, fulfilment_id: str, payload: JsonDict) -> JsonDict:
        """Send it with the entries of others kept; what shows all of it already is left alone."""
        current = next((row for row in self.listed(order_id) if str(row["id"]) == fulfilment_id), None)
        if current is None:
            msg = say("order %(order)s has no fulfilment %(id)s in the shop any more", order=order_id, id=fulfilment_id)
            raise RecordRejected(msg, code="gone")
        # What was read exactly is compared and sent back as the number that it is in JSON: 0.1 is not Decimal("0.1").
        standing: JsonDict = _numbers(current)
        changed = meta_difference(standing["meta_data"], payload["meta_data"])
        same = all(standing.get(name) == payload[name] for name in ("status", "is_fulfilled") if name in payload)
        if same and not changed:
            return standing
        ours = {entry["key"]: entry for entry in changed}
        kept = [ours.pop(entry["key"], entry) for entry in standing["meta_data"]]
        body = payload | {"meta_data": [*kept, *ours.values()]}
        answer = self._request("PUT", order_id, f"/{record_id(fulfilment_id, 'fulfilment')}", json=body)
        row = created(answer.data, answer.path)
        if str(row["id"]) != fulfilment_id:
            raise OutcomeUnknown(
                say("%(path)s was answered with another fulfilment", path=answer.path), code="no_record"
            )
        return _plain(row)

    def _request(self, method: str, order_id: str, tail: str = "", *, json: object = None) -> Response:
        path = f"orders/{record_id(order_id)}/fulfillments{tail}"
        try:
            return self._http.request(method, path, json=json, classifier=_classify)
        except RecordRejected as error:
            if error.code == codes.NO_ROUTE:
                self._remember(on=False)
            raise

    def _remember(self, *, on: bool) -> None:
        with self._lock:
            self._known = (on, time.monotonic() + REMEMBERED_S)


def _classify(response: Response) -> ConnectorError | None:
    """The shop's table, but a missing route is a feature that is off, and no shop that is gone."""
    if response.code == codes.NO_ROUTE:
        text = say("fulfilments are switched off in the shop (WooCommerce > Settings > Advanced > Features)")
        return RecordRejected(text, code=codes.NO_ROUTE, status=response.status)
    return codes.classify(response)


def _plain(row: JsonDict) -> JsonDict:
    """One fulfilment in one form, from a list or an answer."""
    return row | {"is_fulfilled": row.get("is_fulfilled") in {True, "1"}}


def _numbers(value: Any) -> Any:
    """JSON as it can be written again: fractions that were read exactly (a plugin's quantity of 1.5) as numbers."""
    if isinstance(value, dict):
        return {name: _numbers(below) for name, below in value.items()}
    if isinstance(value, list):
        return [_numbers(below) for below in value]
    return float(value) if isinstance(value, Decimal) else value
