"""Refunds: told with the payments of their order, made through the payment's own handler, listed for the proof.

`refundOrder` has the handler of the payment's method send the money; there is no way to write down a refund that moved
by hand. With `amount` alone the shop's database refuses it (recording 73), so the fields that it replaces go along. A
refund is `Pending` until the handler, or a person, has settled it; only then the money is gone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

from connectors.kit.base import JsonDict
from connectors.kit.errors import RecordRejected
from connectors.kit.facets import RefundSummary
from connectors.kit.words import say
from connectors.vendure import queries, rows
from connectors.vendure.client import Client
from connectors.vendure.orders import Orders

_SETTLED = "Settled"
_FAILED = "Failed"
#: Orders placed so long before the window are asked for refunds made in it: longer than most may be taken back.
_OLDEST = dt.timedelta(days=100)


class Refunds:
    """The refunds of one shop."""

    def __init__(self, client: Client, orders: Orders) -> None:
        self._client, self._orders = client, orders

    def give_back(self, order_id: str, payload: JsonDict) -> JsonDict:
        """Sent once, whatever comes of it: the money may be gone before the answer comes."""
        if not payload["payout"]:
            text = say(
                "a Vendure shop has its payment handler send the money of every refund; let it (`returns: payout`), or "
                "give it back by hand"
            )
            raise RecordRejected(text, code="payout")
        payments, digits = self._orders.payments(order_id)
        amount = Decimal(payload["amount"]).scaleb(digits)
        payment = next((each for each in payments if _left(each) >= amount), None)
        if payment is None or amount != amount.to_integral_value():
            raise RecordRejected(
                say("no payment of the order has %(amount)s left to give back", amount=payload["amount"]),
                field="amount",
            )
        order = {
            "paymentId": payment["id"],
            "amount": int(amount),
            "reason": payload["reason"],
            "lines": payload["lines"],
            "shipping": 0,
            "adjustment": 0,
        }
        made: JsonDict = self._client.write(queries.REFUND, "refundOrder", input=order)
        if made.get("state") == _FAILED:
            raise RecordRejected(say("the payment's gateway has refused the refund"), code="refund_failed")
        return made

    def listed(self, since: dt.datetime, until: dt.datetime) -> Iterator[RefundSummary]:
        """Every refund whose money went back in the window, each once, oldest order first."""
        for row, data in self._orders.placed(queries.REFUNDS, since - _OLDEST, until):
            for payment in row.get("payments") or ():
                for refund in payment.get("refunds") or ():
                    made_at = rows.time_of(refund, "updatedAt")
                    if refund.get("state") == _SETTLED and since <= made_at < until:
                        yield _summary(row, refund, made_at, rows.digits(data))


def _left(payment: JsonDict) -> int:
    """What of a payment can still be given back."""
    if payment.get("state") != _SETTLED:
        return -1
    given = sum(int(each["total"]) for each in payment.get("refunds") or () if each.get("state") != _FAILED)
    return int(payment["amount"]) - given


def _summary(row: JsonDict, refund: JsonDict, made_at: dt.datetime, digits: int) -> RefundSummary:
    return RefundSummary(
        external_id=str(refund["id"]),
        of=row["id"],
        number=str(row.get("code") or row["id"]),
        state="refunded",
        amount=Decimal(int(refund["total"])).scaleb(-digits),
        currency=str(row.get("currencyCode") or ""),
        made_at=made_at,
        made_on=made_at.date(),
    )
