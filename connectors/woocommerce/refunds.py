"""The refunds of a whole shop, for the proof: by the moment at which they were made, each with its order's currency.

`GET /refunds` came with WooCommerce 9.0 and is asked for as recorded from 11.0.1. An older shop answers that there is
no such route; then the refunds of the orders that changed since are read order by order.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from connectors.kit.base import JsonDict
from connectors.kit.errors import ConnectionBroken, RecordRejected
from connectors.kit.facets import RefundSummary
from connectors.kit.words import say
from connectors.woocommerce import codes, rows
from connectors.woocommerce.lists import MAX_PER_PAGE, Get, now_of, pages_of, rows_of, whole_list
from connectors.woocommerce.walk import ListPage, Step, by_key

_FIELDS = "id,parent_id,amount,date_created,date_created_gmt"
_OF_ORDERS = "id,number,currency"

#: Walks over orders that changed since a moment.
Walk = Callable[[Mapping[str, str], dt.datetime], Iterator[Step]]


class Refunds:
    """The refunds of one shop."""

    def __init__(
        self, get: Get, changed: Callable[[Mapping[str, str], dt.datetime], Iterator[Step]], per_page: int
    ) -> None:
        """`changed` walks over orders that changed since a moment: `(query, start)`."""
        self._get, self._changed, self._per_page = get, changed, per_page

    def listed(self, since: dt.datetime, until: dt.datetime) -> Iterator[RefundSummary]:
        """Every refund made in the window, each once. A shop keeps no refund of an order that was deleted."""
        try:
            found = list(self._walked(since, until))
        except ConnectionBroken as error:
            if error.code != codes.NO_ROUTE:
                raise
            found = list(self._by_order(since, until))
        orders = self._orders({str(row["parent_id"]) for row in found})
        for row in found:
            if (order := orders.get(str(row["parent_id"]))) is not None:
                yield _summary(row, order)

    def _walked(self, since: dt.datetime, until: dt.datetime) -> Iterator[JsonDict]:
        start, end = rows.floor(since), rows.floor(until - dt.timedelta.resolution) + rows.SECOND
        yielded: set[int] = set()
        for step in by_key(self._page, rows.created, start, end):
            for row in step.rows:
                if row["id"] not in yielded and _is_inside(row, since, until):
                    yielded.add(row["id"])
                    yield row

    def _page(self, after: dt.datetime, before: dt.datetime | None, number: int) -> ListPage:
        params: dict[str, str | int] = {
            "_fields": _FIELDS,
            "orderby": "date",
            "order": "asc",
            "per_page": self._per_page,
            "page": number,
            "dates_are_gmt": "true",
            "after": rows.parameter(after),
        }
        if before is not None:
            params["before"] = rows.parameter(before)
        answer = self._get("refunds", params)
        return ListPage(rows_of(answer), pages_of(answer, self._per_page), now_of(answer))

    def _by_order(self, since: dt.datetime, until: dt.datetime) -> Iterator[JsonDict]:
        """A refund changes its order, so none made in the window hangs on an order that rested since."""
        query = {"status": "any", "_fields": "id,refunds,date_modified_gmt"}
        refunded = {
            row["id"] for step in self._changed(query, rows.floor(since)) for row in step.rows if row.get("refunds")
        }
        for order_id in sorted(refunded):
            for row in whole_list(self._get, f"orders/{order_id}/refunds", {"_fields": _FIELDS}):
                if _is_inside(row, since, until):
                    yield row | {"parent_id": order_id}

    def _orders(self, ids: Iterable[str]) -> dict[str, JsonDict]:
        """Order id -> its number and currency, a hundred in a call; the trash, which that list leaves out, singly."""
        found: dict[str, JsonDict] = {}
        wanted = sorted(ids, key=int)
        for first in range(0, len(wanted), MAX_PER_PAGE):
            batch = wanted[first : first + MAX_PER_PAGE]
            params: dict[str, str | int] = {"include": ",".join(batch), "per_page": MAX_PER_PAGE, "_fields": _OF_ORDERS}
            found |= {str(row["id"]): row for row in rows_of(self._get("orders", params))}
            found |= self._singly([each for each in batch if each not in found])
        return found

    def _singly(self, ids: Sequence[str]) -> dict[str, JsonDict]:
        found: dict[str, JsonDict] = {}
        for order_id in ids:
            try:
                found[order_id] = self._get(f"orders/{order_id}", {"_fields": _OF_ORDERS}).data
            except RecordRejected as error:
                if error.code != codes.GONE:
                    raise
        return found


def _is_inside(row: JsonDict, since: dt.datetime, until: dt.datetime) -> bool:
    made_at = rows.created(row)
    # One without a readable time is not left out without a word: its summary says what is wrong.
    return made_at is None or since <= made_at < until


def _summary(row: JsonDict, order: Mapping[str, object]) -> RefundSummary:
    made_at, amount, made_on = rows.created(row), rows.amount(row.get("amount")), rows.day(row.get("date_created"))
    if made_at is None or amount is None:
        text = say(
            "refund %(refund)s of the list has amount %(amount)s and date %(date_created_gmt)s",
            refund=row["id"],
            amount=repr(row.get("amount")),
            date_created_gmt=repr(row.get("date_created_gmt")),
        )
        raise RecordRejected(text, field="amount" if amount is None else "date_created_gmt")
    return RefundSummary(
        external_id=str(row["id"]),
        of=str(row["parent_id"]),
        number=str(order.get("number") or row["parent_id"]),
        state="refunded",
        amount=amount,
        currency=str(order.get("currency", "")),
        made_at=made_at,
        made_on=made_on or made_at.date(),
    )
