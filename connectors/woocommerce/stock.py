"""Stock: what the shop shows for each SKU, and setting it, a hundred articles a call.

As recorded from WooCommerce 11.0.1 (captures 95 to 107): quantities are set, never added to, and nothing is compared,
so a sale between our look and our write is overwritten; whole numbers only (2.5 is refused), negative ones too. A batch
is answered with 200 and an `error` in the place of each article that failed. Variations have a batch of their own below
each parent. A SKU list is cut at its commas, and the database compares without regard to case and accents, so what
comes back is compared again here. A SKU that holds a comma finds itself when it is asked for alone (published source:
the whole text is one of the SKUs that are looked for).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

from connectors.kit import answers
from connectors.kit.answers import Response
from connectors.kit.base import JsonDict
from connectors.kit.errors import ConnectorError, OutcomeUnknown, RecordRejected, Transient
from connectors.kit.http import DryRun, HttpClient
from connectors.kit.stock import ShopStock, StockResult, StockWrite
from connectors.kit.words import say
from connectors.woocommerce import codes
from connectors.woocommerce.lists import Get, record_id, whole_list

#: What a batch takes; 101 are refused with 413.
BULK: Final = 100
_FIELDS = "id,type,sku,parent_id,manage_stock,stock_quantity,backorders"
#: Of the SKUs in one address, quoted; web servers take 8,000 characters in all, and a signature needs some of them.
_LONGEST_LIST = 4000


class Stock:
    """The stock of one shop. Thread-safe."""

    def __init__(self, http: HttpClient, get: Get) -> None:
        self._http = http
        self._get = get

    def find(self, skus: Iterable[str]) -> dict[str, list[ShopStock]]:
        """Every article under each SKU, lowest id first."""
        wanted = [sku for sku in dict.fromkeys(skus) if sku.strip()]
        found: dict[str, list[ShopStock]] = {}
        for batch in _addresses(wanted):
            params = {"sku": ",".join(batch), "_fields": _FIELDS, "orderby": "id", "order": "asc"}
            for row in whole_list(self._get, "products", params):
                if (sku := str(row.get("sku") or "")) in batch:
                    found.setdefault(sku, []).append(_article(row, sku))
        return found

    def write(self, writes: Sequence[StockWrite]) -> list[StockResult]:
        """One call for each hundred products and for each parent's variations.

        After a call without a usable answer nothing more is sent.
        """
        results: dict[int, StockResult] = {}
        stopped: ConnectorError | None = None
        for call in _calls(writes, results):
            if stopped is not None:
                results |= call.all_fail(stopped)
                continue
            error = self._send(call, results)
            if error is not None:
                unsent = Transient(say("not sent: the call before it had no usable answer"))
                stopped = unsent if isinstance(error, OutcomeUnknown) else error
        return [results[index] for index in range(len(writes))]

    def _send(self, call: _Call, results: dict[int, StockResult]) -> ConnectorError | None:
        """Fill in the results of one call; an error that stops the others too is returned."""
        try:
            answer = self._http.request("POST", call.path, json={"update": [job.body() for job in call.jobs]})
        except DryRun:
            raise
        except ConnectorError as error:
            results |= call.all_fail(error)
            return None if isinstance(error, RecordRejected) else error
        rows = answer.data.get("update") if isinstance(answer.data, dict) else None
        if not isinstance(rows, list) or [_id_of(row) for row in rows] != [job.article_id for job in call.jobs]:
            msg = say("%(path)s was answered with something that is not these articles", path=answer.path)
            unknown = OutcomeUnknown(msg, code="not_the_articles")
            results |= call.all_fail(unknown)
            return unknown
        for job, row in zip(call.jobs, rows, strict=True):
            results |= dict.fromkeys(job.indexes, _result(row, answer))
        return None


@dataclasses.dataclass(slots=True)
class _Job:
    """One article of one call; several writes where variations are counted together."""

    article_id: int
    write: StockWrite
    indexes: list[int]

    def body(self) -> JsonDict:
        """Backorders are sent only where they change: "notify" is a kind of yes that must not be lost."""
        allowed = self.write.backorders
        changes = allowed is not None and allowed != self.write.article.backorders
        return {
            "id": self.article_id,
            "stock_quantity": int(self.write.quantity),
            **({"backorders": "yes" if allowed else "no"} if changes else {}),
        }


@dataclasses.dataclass(frozen=True, slots=True)
class _Call:
    path: str
    jobs: list[_Job]

    def all_fail(self, error: ConnectorError) -> dict[int, StockResult]:
        return {index: StockResult(error=error) for job in self.jobs for index in job.indexes}


def _calls(writes: Sequence[StockWrite], results: dict[int, StockResult]) -> Iterator[_Call]:
    """The calls that set all of it; what cannot be sent gets its result here."""
    jobs: dict[str, dict[int, _Job]] = {}
    for index, write in enumerate(writes):
        try:
            path, article_id = _place(write)
        except RecordRejected as refusal:
            results[index] = StockResult(error=refusal)
            continue
        job = jobs.setdefault(path, {}).setdefault(article_id, _Job(article_id, write, []))
        job.indexes.append(index)
    for path, articles in jobs.items():
        agreed = [job for job in articles.values() if not _refused(job, writes, results)]
        for first in range(0, len(agreed), BULK):
            yield _Call(path, agreed[first : first + BULK])


def _place(write: StockWrite) -> tuple[str, int]:
    """The batch that takes this write, and the id there. Raises RecordRejected for what the shop cannot take."""
    article = write.article
    if write.quantity != write.quantity.to_integral_value():
        raise RecordRejected(
            say(
                "%(sku)s: the shop counts whole pieces, not %(quantity)s; sell it in a smaller unit, or freeze its "
                "stock in the channel",
                sku=article.sku,
                quantity=f"{write.quantity:f}",
            ),
            field="stock_quantity",
            code="fraction",
        )
    if article.kept == "none":
        raise RecordRejected(
            say(
                "%(sku)s: the shop keeps no count for product %(product)s; switch on its stock management there "
                "(Inventory), or freeze its stock in the channel",
                sku=article.sku,
                product=article.external_id,
            ),
            field="manage_stock",
            code="not_counted",
        )
    own, parent = (record_id(text, "product") if text else "" for text in (article.external_id, article.parent_id))
    if article.kept == "parent":
        return "products/batch", int(record_id(parent, "product"))
    return (f"products/{parent}/variations/batch" if parent else "products/batch"), int(own)


def _refused(job: _Job, writes: Sequence[StockWrite], results: dict[int, StockResult]) -> bool:
    """Whether writes to one and the same count contradict each other; then none of them is sent."""
    wanted = {writes[index].article.sku: writes[index].quantity for index in job.indexes}
    if len({writes[index].quantity for index in job.indexes}) == 1:
        return False
    listed = ", ".join(f"{sku}: {quantity:f}" for sku, quantity in wanted.items())
    refusal = RecordRejected(
        say(
            "the shop counts these together at product %(product)s, but they are to be different (%(listed)s); let "
            "the shop count each variation for itself (Variations > Manage stock?)",
            product=job.article_id,
            listed=listed,
        ),
        field="stock_quantity",
        code="counted_together",
    )
    results |= {index: StockResult(error=refusal) for index in job.indexes}
    return True


def _result(row: JsonDict, answer: Response) -> StockResult:
    """What became of one article, by its own error or by the quantity that the shop shows now."""
    error = row.get("error")
    if isinstance(error, dict):
        return StockResult(error=_error(error, answer))
    shown = _quantity(row.get("stock_quantity"))
    if shown is None:
        text = say("the shop keeps no count any more for product %(product)s; nothing was set", product=row["id"])
        return StockResult(error=RecordRejected(text, field="manage_stock", code="not_counted"))
    return StockResult(quantity=shown)


def _error(error: Mapping[str, Any], answer: Response) -> ConnectorError:
    """As if the article had been answered alone: the same tables read its code and status."""
    data = error.get("data")
    status = data.get("status") if isinstance(data, dict) else None
    alone = dataclasses.replace(answer, status=status if isinstance(status, int) else 400, data=dict(error), body=b"")
    return codes.classify(alone) or answers.classify(alone)


def _id_of(row: object) -> object:
    return row.get("id") if isinstance(row, dict) else None


def _article(row: JsonDict, sku: str) -> ShopStock:
    managed = row.get("manage_stock")
    kept = "own" if managed is True else "parent" if managed == "parent" else "none"
    return ShopStock(
        sku=sku,
        external_id=str(row["id"]),
        parent_id=str(row["parent_id"]) if row.get("type") == "variation" and row.get("parent_id") else "",
        quantity=_quantity(row.get("stock_quantity")) if kept != "none" else None,
        kept=kept,
        backorders=row.get("backorders") in {"yes", "notify"},
    )


def _quantity(value: object) -> Decimal | None:
    """A whole number, null, or what plugins make of it: a text or a fraction."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    try:
        number = Decimal(value)
    except ArithmeticError:
        return None
    return number if number.is_finite() else None


def _addresses(skus: Sequence[str]) -> Iterator[list[str]]:
    """SKUs that can be asked for together: a hundred, in an address that servers take; one with a comma alone."""
    batch: list[str] = []
    length = 0
    for sku in skus:
        if "," in sku:
            yield [sku]
            continue
        quoted = len(quote(sku, safe="")) + len("%2C")
        if batch and (len(batch) == BULK or length + quoted > _LONGEST_LIST):
            yield batch
            batch, length = [], 0
        batch.append(sku)
        length += quoted
    if batch:
        yield batch
