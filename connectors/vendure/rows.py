"""Reading what every order of Vendure has: its times, and what it came to as it was sold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from connectors.kit.base import DocumentSummary, Envelope, JsonDict
from connectors.kit.errors import ConnectionBroken, RecordRejected, Transient
from connectors.kit.words import say

SECOND: Final = dt.timedelta(seconds=1)
_SETTLED: Final = "Settled"
_CANCELLED: Final = "Cancelled"


def time_of(row: JsonDict, name: str) -> dt.datetime:
    """A time of the order, in UTC. Raises Transient for one that cannot be read."""
    try:
        return dt.datetime.fromisoformat(str(row.get(name))).astimezone(dt.UTC)
    except ValueError:
        raise Transient(say("an order of the list has no readable %(name)s", name=name), code="no_time") from None


def parameter(moment: dt.datetime) -> str:
    """A time as a filter and a checkpoint have it: some databases keep milliseconds, others whole seconds."""
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment_of(text: object) -> dt.datetime:
    """The inverse of `parameter`. Raises ValueError."""
    moment = dt.datetime.fromisoformat(str(text))
    if moment.tzinfo is None:
        raise ValueError
    return moment.astimezone(dt.UTC)


def records(data: JsonDict, root: str) -> list[JsonDict]:
    """The rows of a list. Raises Transient for anything else."""
    rows = (data.get(root) or {}).get("items")
    if not isinstance(rows, list) or not all(isinstance(row, dict) and isinstance(row.get("id"), str) for row in rows):
        raise Transient(say("the shop answered with something that is no list of records"), code="not_a_list")
    return rows


def notes(row: JsonDict) -> list[JsonDict]:
    """The notes of an order, oldest first, each with its text beside its id."""
    found = []
    for entry in (row.get("notes") or {}).get("items") or ():
        told = {name: entry.get(name) for name in ("id", "isPublic", "createdAt", "updatedAt")}
        found.append(told | {"note": str((entry.get("data") or {}).get("note") or "")})
    return found


def newest(row: JsonDict, *, with_notes: bool = False) -> dt.datetime:
    """The last change of the order, or of anything that hangs on it; of its notes where they are asked for."""
    times = [time_of(row, "updatedAt"), *(time_of(each, "updatedAt") for each in _below(row))]
    if with_notes:
        times += [time_of(each, "updatedAt") for each in (row.get("notes") or {}).get("items") or ()]
    return max(times)


def _below(row: JsonDict) -> Iterator[JsonDict]:
    yield from row.get("fulfillments") or ()
    for payment in row.get("payments") or ():
        yield payment
        yield from payment.get("refunds") or ()


def envelope(row: JsonDict, data: JsonDict) -> Envelope:
    """An order of an answer, with what the shop says of its money and its prices."""
    payload = row | {"notes": notes(row), "moneyStrategyPrecision": digits(data)}
    payload["pricesIncludeTax"] = bool((data.get("activeChannel") or {}).get("pricesIncludeTax"))
    # In one order, whatever the database thinks of: the same state is the same payload.
    for name in ("lines", "payments", "fulfillments"):
        payload[name] = sorted(row.get(name) or (), key=_by_id)
    for payment in payload["payments"]:
        payment["refunds"] = sorted(payment.get("refunds") or (), key=_by_id)
    mark_continued(payload["payments"])
    return Envelope(row["id"], parameter(newest(row)), payload)


def _by_id(row: JsonDict) -> tuple[int, str]:
    return len(str(row.get("id"))), str(row.get("id"))


def digits(data: JsonDict) -> int:
    """Decimals of the shop's money. Raises ConnectionBroken where it does not say."""
    config = (data.get("globalSettings") or {}).get("serverConfig") or {}
    found = config.get("moneyStrategyPrecision")
    if type(found) is not int or not 0 <= found <= 6:  # noqa: PLR2004 - more than any currency has
        raise ConnectionBroken(say("the shop does not say how many decimals its money has"), code="no_precision")
    return found


def mark_continued(payments: list[JsonDict]) -> list[JsonDict]:
    """All refunds of an order, oldest first; `continues` on one that goes on with another.

    Where one payment is too small, the shop makes a refund of each that it takes from, and each names all pieces.
    """
    refunds = sorted((each for payment in payments for each in payment.get("refunds") or ()), key=_by_id)
    for place, refund in enumerate(refunds):
        first = next((before for before in refunds[:place] if _is_continued(before, refund)), None)
        if first is not None:
            refund["continues"] = first["id"]
    return refunds


def _is_continued(before: JsonDict, refund: JsonDict) -> bool:
    if not refund.get("lines") or before.get("paymentId") == refund.get("paymentId") or "continues" in before:
        return False
    same = _pieces(before) == _pieces(refund) and before.get("reason") == refund.get("reason")
    return same and abs(time_of(before, "createdAt") - time_of(refund, "createdAt")) <= 2 * SECOND


def _pieces(refund: JsonDict) -> list[tuple[Any, Any]]:
    return sorted((line.get("orderLineId"), line.get("quantity")) for line in refund.get("lines") or ())


def summary(row: JsonDict, data: JsonDict) -> DocumentSummary:
    """A row of the cheap list. Raises RecordRejected when it has no readable total."""
    placed_at, total = time_of(row, "orderPlacedAt"), row.get("totalWithTax")
    if type(total) is not int:
        text = say("order %(number)s of the list has no readable total", number=row.get("code"))
        raise RecordRejected(text, field="totalWithTax")
    return DocumentSummary(
        external_id=row["id"],
        key=row["id"],
        number=str(row.get("code") or row["id"]),
        state=str(row.get("state") or ""),
        total=Decimal(as_sold(row, total)).scaleb(-digits(data)),
        currency=str(row.get("currencyCode") or ""),
        placed_at=placed_at,
        version=str(row.get("updatedAt") or ""),
    )


def as_sold(row: JsonDict, total: int) -> int:
    """What the order is worth: a piece that is cancelled leaves its total, and comes back by its refund.

    Of a cancelled order nothing is left, and what was in it is counted again.
    """
    is_cancelled, payments = row.get("state") == _CANCELLED, row.get("payments") or []
    refunded: dict[str, int] = {}
    for refund in mark_continued(payments):
        for line in refund["lines"] if refund.get("state") == _SETTLED and "continues" not in refund else ():
            refunded[line["orderLineId"]] = refunded.get(line["orderLineId"], 0) + int(line["quantity"])
    found, pieces = total, 0
    for line in row.get("lines") or ():
        gone = max(int(line["orderPlacedQuantity"]) - int(line["quantity"]), 0)
        back = gone if is_cancelled else min(gone, refunded.get(line["id"], 0))
        found += back * int(line["proratedUnitPriceWithTax"])
        pieces += (int(line["quantity"]) + back) if back else 0
    if is_cancelled:
        sources = [each for each in row.get("discounts") or () if each.get("adjustmentSource") == "CANCEL_ORDER"]
        found -= sum(int(each["amountWithTax"]) for each in sources)
    paid = sum(int(payment["amount"]) for payment in payments if payment.get("state") == _SETTLED)
    # Pieces are priced in whole units: what was paid says what they came to together.
    return paid if pieces and paid and abs(paid - found) <= pieces else found
