"""Orders as they are pulled, fetched and listed: each with its lines, its customer and its products.

Changes are read by time, from the newest seen on: what changes meanwhile gets a later time and comes later, so nothing
is lost. Only where more records than a page were changed in one millisecond (an import) these are walked by `_id`.
Whether a changed line moves its order's time nobody has confirmed; so changed lines are asked for too.
"""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from connectors.fxiaoke.client import Client
from connectors.fxiaoke.tenant import Tenant
from connectors.kit.base import DocumentSummary, Envelope, JsonDict, Page
from connectors.kit.errors import ConnectionBroken, RecordRejected, Transient
from connectors.kit.words import say

ORDER: Final = "SalesOrderObj"
LINE: Final = "SalesOrderProductObj"
ACCOUNT: Final = "AccountObj"
PRODUCT: Final = "ProductObj"
_CHANGED: Final = "last_modified_time"
_PLACED: Final = "create_time"
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_AMOUNT: Final = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
#: Milliseconds: up to where changed orders were read, and changed lines.
_CHECKPOINT: Final = re.compile(r"([0-9]{1,15})/([0-9]{1,15})")
_MS: Final = dt.timedelta(milliseconds=1)
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Orders:
    """The orders of one company. Thread-safe."""

    def __init__(self, client: Client, tenant: Tenant, overlap: dt.timedelta) -> None:
        """A checkpoint steps back by `overlap`."""
        self._client, self._tenant, self._overlap_ms = client, tenant, overlap // _MS

    # -- pulling ---------------------------------------------------------------------------------------------

    def pull(self, checkpoint: str | None, since: dt.datetime | None) -> Iterator[Page]:
        """See `Fxiaoke.pull_orders`."""
        if checkpoint is None:
            # A first pull reads every order with the lines that it has then; theirs are news from now on.
            orders, lines = _ms(since) if since else 0, int(time.time() * 1000)
            start = orders
        else:
            orders, lines = positions(checkpoint)
            start = max(orders - self._overlap_ms, 0)
        begun = max(lines - self._overlap_ms, 0)
        seen: dict[str, int] = {}
        for rows in self._changed(ORDER, start):
            orders = max([orders, *(_time(row, _CHANGED) for row in rows)])
            if found := self._envelopes(rows) if rows else []:
                seen |= {each.external_id: _newest(each.payload) for each in found}
                yield Page(tuple(found), _text(orders, lines))
        if self._tenant.line_changes:
            for others, read in self._with_changed_lines(begun, seen):
                lines = max(lines, read)
                if others:
                    yield Page(others, _text(orders, lines))
        # The lines were asked for after the orders: they are read up to where the orders are.
        yield Page((), _text(orders, max(lines, orders)))

    def _with_changed_lines(self, begun: int, seen: dict[str, int]) -> Iterator[tuple[tuple[Envelope, ...], int]]:
        """Orders of which a line has changed since they were read here, and up to where lines are read."""
        for rows in self._changed(LINE, begun, fields=("_id", "order_id", _CHANGED)):
            read = max([begun, *(_time(row, _CHANGED) for row in rows)])
            news = {str(row.get("order_id")): _time(row, _CHANGED) for row in rows if row.get("order_id")}
            ids = [order for order, changed in news.items() if changed > seen.get(order, -1)]
            found = tuple(each for each in self.fetch(ids) if not each.deleted) if ids else ()
            yield found, read

    def _changed(self, name: str, position: int, *, fields: Sequence[str] = ()) -> Iterator[list[JsonDict]]:
        """Every record changed at `position` or later, oldest first; one that changes meanwhile may come twice."""
        limit, known = self._tenant.per_page, dict[str, int]()
        while True:
            rows = self._client.rows(name, [(_CHANGED, "GTE", [str(position)])], _CHANGED, limit=limit, fields=fields)
            times = [_time(row, _CHANGED) for row in rows]
            if times and min(times) < position:
                raise Transient(say("the list holds records that were not asked for"), code="old_rows")
            yield [row for row, changed in zip(rows, times, strict=True) if known.get(row["_id"]) != changed]
            if len(rows) < limit:
                return
            newest = max(times)
            if newest > position:
                position = newest
                known = {row["_id"]: newest for row, changed in zip(rows, times, strict=True) if changed == newest}
                continue
            at_once: Sequence[tuple[str, str, Sequence[str]]] = [(_CHANGED, "EQ", [str(position)])]
            for more in self._client.walk(name, at_once, fields=fields, limit=limit):
                yield [row for row in more if known.get(row["_id"]) != _time(row, _CHANGED)]
            position, known = position + 1, {}

    # -- fetching --------------------------------------------------------------------------------------------

    def fetch(self, external_ids: Sequence[str]) -> list[Envelope]:
        """See `Fxiaoke.fetch_orders`."""
        ids = [order_id(external_id) for external_id in external_ids]
        found = {row["_id"]: row for row in self._client.by_ids(ORDER, "_id", ids)}
        whole = {each.external_id: each for each in self._envelopes([found[each] for each in ids if each in found])}
        return [whole.get(each) or Envelope(each, version="", payload={}, deleted=True) for each in ids]

    def row(self, external_id: str) -> JsonDict | None:
        """The order alone; None where it is gone."""
        return next(iter(self._client.by_ids(ORDER, "_id", [order_id(external_id)])), None)

    def _envelopes(self, rows: Sequence[JsonDict]) -> list[Envelope]:
        """Each with its lines, customer and products."""
        lines: dict[str, list[JsonDict]] = {row["_id"]: [] for row in rows}
        for line in self._client.by_ids(LINE, "order_id", lines):
            lines.setdefault(str(line.get("order_id")), []).append(line)
        accounts = self._known(ACCOUNT, self._tenant.of_account, [row.get("account_id") for row in rows])
        wanted = [line.get("product_id") for each in lines.values() for line in each]
        products = self._known(PRODUCT, self._tenant.of_product, wanted)
        return [self._envelope(row, lines[row["_id"]], accounts, products) for row in rows]

    def _known(self, name: str, fields: Sequence[str], ids: Sequence[Any]) -> dict[str, JsonDict]:
        """The fields that we want of records; a projection may give more."""
        wanted = [each for each in ids if isinstance(each, str) and each]
        rows = self._client.by_ids(name, "_id", wanted, fields=fields) if wanted else []
        return {row["_id"]: {field: row[field] for field in fields if field in row} for row in rows}

    def _envelope(
        self, row: JsonDict, lines: list[JsonDict], accounts: dict[str, JsonDict], products: dict[str, JsonDict]
    ) -> Envelope:
        ids = dict.fromkeys(str(line.get("product_id")) for line in lines)
        payload = {
            ORDER: row,
            LINE: sorted(lines, key=lambda line: str(line["_id"])),
            ACCOUNT: accounts.get(str(row.get("account_id"))),
            PRODUCT: [products[each] for each in ids if each in products],
            "settings": self._tenant.settings(),
        }
        version = _moment(_newest(payload)).replace(tzinfo=None).isoformat(timespec="milliseconds")
        return Envelope(row["_id"], version, payload)

    # -- listing ---------------------------------------------------------------------------------------------

    def list_all(self, since: dt.datetime, until: dt.datetime) -> Iterator[DocumentSummary]:
        """See `Fxiaoke.list_orders`."""
        fields = ("_id", "name", "order_amount", "life_status", _PLACED, _CHANGED)
        currency = self._tenant.names["currency_field"]
        window = [(_PLACED, "GTE", [str(_ms(since))]), (_PLACED, "LTE", [str(_ms(until))])]
        for rows in self._client.walk(ORDER, window, fields=_named(*fields, currency), limit=self._tenant.per_page):
            for row in rows:
                line = self._summary(row, currency)
                if since <= line.placed_at < until:
                    yield line

    def _summary(self, row: JsonDict, currency: str) -> DocumentSummary:
        amount = str(row.get("order_amount"))
        if not _AMOUNT.fullmatch(amount):
            text = say("order %(number)s of the list has no readable total", number=row.get("name"))
            raise RecordRejected(text, field="order_amount")
        placed_at = _moment(_time(row, _PLACED))
        return DocumentSummary(
            external_id=row["_id"],
            key=row["_id"],
            number=str(row.get("name") or row["_id"]),
            state=str(row.get("life_status") or "unknown"),
            total=Decimal(amount),
            currency=str(row.get(currency) or self._tenant.currency),
            placed_at=placed_at,
            placed_on=placed_at.astimezone(ZoneInfo(self._tenant.zone)).date(),
            version=str(row.get(_CHANGED) or ""),
        )


def _named(*fields: str) -> tuple[str, ...]:
    return tuple(field for field in fields if field)


def order_id(text: str) -> str:
    """The id of an order as it may stand in a filter. Raises RecordRejected for what is none."""
    if _ID.fullmatch(text):
        return text
    raise RecordRejected(say("%(id)s is no id of Fxiaoke", id=repr(text)), field="_id")


def _time(row: JsonDict, name: str) -> int:
    """A time of a record, in milliseconds. Raises Transient for one that cannot be read."""
    value = row.get(name)
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value)
    if type(value) is int and 0 <= value < 10**15:
        return value
    raise Transient(say("a record of the list has no readable %(name)s", name=name), code="no_time")


def _newest(payload: JsonDict) -> int:
    """When the order or one of its lines was changed last."""
    lines = [_time(line, _CHANGED) for line in payload[LINE] if _CHANGED in line]
    return max([_time(payload[ORDER], _CHANGED), *lines])


def _ms(moment: dt.datetime) -> int:
    return (moment - _EPOCH) // _MS


def _moment(milliseconds: int) -> dt.datetime:
    return _EPOCH + milliseconds * _MS


def _text(orders: int, lines: int) -> str:
    return f"{orders}/{lines}"


def positions(checkpoint: str) -> tuple[int, int]:
    """Up to where orders and lines were read. Raises ConnectionBroken for a text that is no checkpoint of ours."""
    found = _CHECKPOINT.fullmatch(checkpoint)
    if found is None:
        text = say("the checkpoint %(text)s of the pull cannot be read", text=repr(checkpoint[:100]))
        raise ConnectionBroken(text, code="checkpoint")
    return int(found[1]), int(found[2])


def checkpoint_at(moment: dt.datetime) -> str:
    """From here a pull reads whatever was changed at `moment` or later."""
    return _text(_ms(moment), _ms(moment))


def checkpoint_moment(checkpoint: str) -> dt.datetime:
    """Up to when everything has been read."""
    return _moment(min(positions(checkpoint)))
