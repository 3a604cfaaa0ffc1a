"""What a shop may show of an article: the one sum, pure, with every part of it kept for whoever asks why.

    available = what the ERP has - what orders take that it does not know yet - safety stock

and of that the channel's share, at most its cap, whole units, never below nothing.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections.abc import Collection, Mapping, Sequence
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import Final

from config.model import HeldOrders, StockPolicy
from mappings.canonical.words import say
from sync.rules.lookups import Lookups
from sync.store.stock.captured import Captured, Claim
from sync.store.stock.levels import Level

_HUNDRED: Final = Decimal(100)
_NOTHING: Final = Decimal(0)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """How a figure came about: each part stands for one line of the explanation."""

    #: What the ERP has in the warehouses of this place.
    erp: Decimal
    #: What orders take that the ERP does not know yet.
    captured: Decimal
    #: What is never shown.
    safety: Decimal
    #: erp - captured - safety; below nothing where more is sold than there is.
    available: Decimal
    #: Of that, what this channel may sell, before cap and rounding.
    shared: Decimal
    #: What the shop is to show.
    figure: Decimal
    #: When the oldest of the readings began: the version of the figure.
    version: dt.datetime

    @property
    def words(self) -> str:
        """The sum in one line."""
        return say(
            "%(figure)s: the ERP has %(erp)s, orders that it does not count yet take %(captured)s, "
            "%(safety)s are never shown",
            figure=f"{self.figure:f}",
            erp=f"{self.erp:f}",
            captured=f"{self.captured:f}",
            safety=f"{self.safety:f}",
        )


def counts(policy: StockPolicy, line: Claim, warehouses: Collection[str]) -> bool:
    """Whether a line takes from these warehouses; one of which nobody knows where it is sent from takes from all."""
    if line.held and policy.held_orders is HeldOrders.IGNORE:
        return False
    return not line.location or not warehouses or line.location in warehouses


def add_up(
    policy: StockPolicy, levels: Sequence[Level], lines: Sequence[Captured], warehouses: Collection[str] = ()
) -> Sum | None:
    """The sum for one place of the shop; None where the ERP says nothing of the article there.

    `warehouses` are those that the place shows, all of them where it is empty.
    """
    here = [level for level in levels if not warehouses or level.location in warehouses]
    if not here:
        return None
    erp = sum((level.quantity for level in here), _NOTHING)
    captured = sum((line.quantity for line in lines if counts(policy, line, warehouses)), _NOTHING)
    safety = policy.safety + max(erp, _NOTHING) * policy.safety_percent / _HUNDRED
    safety = _cut(safety, policy.decimals, up=True)
    available = erp - captured - safety
    shared = max(available, _NOTHING) * policy.share / _HUNDRED
    figure = shared if policy.cap is None else min(shared, policy.cap)
    return Sum(
        erp=erp,
        captured=captured,
        safety=safety,
        available=available,
        shared=shared,
        figure=_cut(figure, policy.decimals),
        version=min(level.began_at for level in here),
    )


def _cut(quantity: Decimal, decimals: int, *, up: bool = False) -> Decimal:
    """To so many decimals, never in the customer's favour."""
    cut = quantity.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_UP if up else ROUND_DOWN)
    # 10 and 10.00 are one figure, and none of them is -0.
    return cut.normalize() + _NOTHING if cut != cut.to_integral_value() else cut.to_integral_value() + _NOTHING


def lacking(levels: Sequence[Level], lines: Sequence[Captured]) -> Decimal:
    """How much more is sold than the ERP has, over all places; nothing where it suffices or is not known."""
    if not levels:
        return _NOTHING
    missing = sum((line.quantity for line in lines), _NOTHING) - sum((level.quantity for level in levels), _NOTHING)
    return max(missing, _NOTHING)


class Articles:
    """Which SKU of a shop is which article of the ERP, by the look-up table `sku`."""

    def __init__(self, lookups: Lookups) -> None:
        """`lookups` are those of the channel."""
        self._lookups = lookups

    def code(self, sku: str) -> str:
        """The ERP's code of a SKU of the shop."""
        return self._lookups.text("sku", sku, sku)

    def skus(self, code: str) -> tuple[str, ...]:
        """Every SKU of the shop that stands for an article of the ERP, its own code too unless that means another.

        As far as they have rows of their own: which SKUs there are that a pattern would fit, only the shop knows.
        """
        own = (code,) if self.code(code) == code else ()
        return tuple(dict.fromkeys((*self._skus.get(code, ()), *own)))

    def is_spare(self, sku: str) -> bool:
        """Whether a SKU is the ERP's own code of an article that the shop calls something else: it may be missing."""
        return self._lookups.find("sku", sku) is None and bool(self._skus.get(sku))

    @functools.cached_property
    def _skus(self) -> Mapping[str, Sequence[str]]:
        """The other way round, for those who ask it: most only translate the lines of one order."""
        found: dict[str, list[str]] = {}
        for sku in self._lookups.values("sku"):
            found.setdefault(self.code(sku), []).append(sku)
        return found


def is_explained(base: Decimal | None, seen: Decimal | None, sold: Decimal) -> bool:
    """Whether what the shop shows is what we left there minus the orders that we know since.

    `base` is what it showed when we last knew. A shop that shows less has sold something that we do not know yet.
    """
    return base is None or seen is None or seen >= base - sold
