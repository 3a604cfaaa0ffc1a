"""What an account is to show: the orders of all its customers, over all channels that share the CRM.

What was given back of an order is what its source or the ERP says, whichever is more: a refund usually stands in both.
Amounts of several currencies are never added up: told is one currency, and the others are named.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from mappings.canonical.money import Money
from mappings.crm import History
from sync.store.bodies import load_json, unpack
from sync.store.crm.purchases import Paper, Purchase


@dataclasses.dataclass(frozen=True, slots=True)
class Figures:
    """What one account has bought."""

    history: History
    #: Value in other currencies, which is not told.
    others: tuple[Money, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For keeping and showing."""
        told = self.history
        return {
            "orders": told.orders,
            "value": f"{told.value.amount:f}",
            "currency": told.value.currency,
            "last_number": told.last_number,
            "last_on": "" if told.last_on is None else told.last_on.isoformat(),
            **({} if told.open is None else {"open": f"{told.open.amount:f}"}),
            **({"others": [str(each) for each in self.others]} if self.others else {}),
        }


def add_up(
    purchases: Sequence[Purchase], papers: Iterable[Paper], *, currency: str, before: str, tells_open: bool
) -> Figures | None:
    """The figures of one account. `currency` as the channel says, `before` as it was told in the last time.

    None where nothing was bought that counts and nothing was ever told.
    """
    newest = max(purchases, default=None, key=lambda each: (each.placed_at, each.order_id))
    told = currency or (newest.currency if newest is not None else before)
    if not told:
        return None
    papers = list(papers)
    totals = _totals(purchases, papers)
    history = History(
        orders=len(purchases),
        value=Money(totals.pop(told, Decimal(0)), told),
        last_number="" if newest is None else newest.number,
        last_on=None if newest is None else newest.placed_on,
        open=Money(_open(papers, told), told) if tells_open else None,
    )
    return Figures(history, tuple(Money(amount, each) for each, amount in sorted(totals.items())))


def _totals(purchases: Sequence[Purchase], papers: Sequence[Paper]) -> dict[str, Decimal]:
    """Currency -> what was bought in it, less what was given back."""
    credited: dict[tuple[int, str], Decimal] = defaultdict(Decimal)
    for paper in papers:
        if paper.credit:
            credited[paper.order_id, paper.currency] -= paper.total
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for each in purchases:
        back = max(each.refunded, credited.get((each.order_id, each.currency), Decimal(0)))
        totals[each.currency] += each.grand - back
    return dict(totals)


def _open(papers: Iterable[Paper], currency: str) -> Decimal:
    bodies = (paper.body for paper in papers if paper.currency == currency and paper.body is not None)
    return sum((_amount(load_json(unpack(body))) for body in bodies), Decimal(0))


def _amount(invoice: Mapping[str, Any]) -> Decimal:
    """What is open of one; nothing of one whose record was erased."""
    said = invoice.get("open")
    return Decimal(said["amount"]) if isinstance(said, Mapping) else Decimal(0)
