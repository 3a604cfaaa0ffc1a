"""Comparing the shop, Crossdock and the ERP from fresh lists: the proof shows it, the nightly resync acts on it.

Nothing here trusts our own bindings: the ERP's list holds every sale of that web shop, whoever made it, and is joined
with the shop's list id by id through the idempotency key.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from connectors.kit.base import DocumentSummary, Rank
from mappings.canonical.money import Money
from mappings.canonical.parts import part_id
from sync.rules.asking import listed_orders
from sync.rules.systems import ChannelSystems
from sync.store.accepted import accepted_amounts
from sync.store.bindings import bound_elsewhere
from sync.store.engine import Store
from sync.store.issues import causes_of
from sync.store.marking import approved_items
from sync.store.orders import StoredOrder, list_orders
from sync.store.rejections import Rejection, load_rejections
from sync.store.routes import load_splits
from sync.store.states import STOPPED, ItemState

#: A sale's date in the ERP and the order's in the shop may lie on either side of midnight.
_MARGIN = dt.timedelta(days=1)
#: States of our items in which an order is not meant to be in the ERP.
_LEFT_OUT = {ItemState.SKIPPED, ItemState.WAITING}
#: What we know of the state of an order that we never read: a person said that it is not to be carried over, or it was
#: placed before its channel went live.
_UNREAD = ""
#: Causes that say themselves why the sale shows another amount than the order: a person has it before their eyes.
_TELL_THE_AMOUNT = {"changed_after_import", "target_amount"}


class Kind(enum.StrEnum):
    """What is different."""

    MISSING = "missing"
    DOUBLED = "doubled"
    FOREIGN = "foreign"
    AMOUNT = "amount"
    STATE = "state"
    HELD = "held"
    TOO_YOUNG = "too young"
    #: A person has seen to it: the order was cancelled in the shop and its sale could not be taken back, or the sale
    #: shows an amount that was accepted.
    SEEN_TO = "seen to"
    #: A person has said that the order is not to be carried over.
    LEFT_OUT = "left out"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference with the ids of every side that has the document."""

    kind: Kind
    currency: str
    day: str
    #: Where something is missing or wrong: `shop`, `crossdock` or `erp`.
    where: str
    #: Of the order.
    shop_id: str = ""
    #: The shop's id of the refund; empty for a difference of an order.
    refund_id: str = ""
    erp_ids: tuple[str, ...] = ()
    #: What people call it.
    number: str = ""
    detail: str = ""
    #: By whose word it is left out; None for everything else.
    decided: Rejection | None = None


@dataclasses.dataclass(slots=True)
class Sum:
    """Count and money of one side."""

    count: int = 0
    total: Decimal = Decimal(0)

    def add(self, amount: Decimal) -> None:
        """One document more."""
        self.count += 1
        self.total += amount


@dataclasses.dataclass(slots=True)
class Group:
    """One currency and day of placing, or of giving back, in the shop's zone."""

    currency: str
    day: str
    shop: Sum = dataclasses.field(default_factory=Sum)
    crossdock: Sum = dataclasses.field(default_factory=Sum)
    erp: Sum = dataclasses.field(default_factory=Sum)
    #: Orders that the status policy or a person leaves out, on which the shop and Crossdock agree.
    left_out: Sum = dataclasses.field(default_factory=Sum)
    differences: list[Difference] = dataclasses.field(default_factory=list)


def compare(
    store: Store, systems: ChannelSystems, since: dt.datetime, until: dt.datetime, *, young: dt.timedelta
) -> list[Group]:
    """Compare every order placed in [since, until); what was placed within `young` may still be on its way.

    Raises Transient, ConnectionBroken: a side that cannot be read proves nothing.
    """
    channel = systems.channel
    # What was in the ERP for us before the lists were taken must be in them, however young it is.
    before = store.read(lambda c: list_orders(c, channel.name, channel.erp))
    done = {order.external_id for order in before if order.erp_id is not None}
    shop = listed_orders(store, systems, since, until)
    listed = list(systems.target.list_sales(since - _MARGIN, until + _MARGIN))
    # Several channels may write to one web shop of the ERP; what another one is bound to is its own proof's business.
    others = store.read(lambda c: bound_elsewhere(c, channel.erp, channel.name))
    erp = [sale for sale in listed if sale.external_id not in others]
    # Read after the lists: what came to us since is younger than they are.
    ours = store.read(lambda c: list_orders(c, channel.name, channel.erp, unread=[*STOPPED, *_LEFT_OUT]))
    causes = store.read(lambda c: causes_of(c, [order.item_id for order in ours]))
    rejected = store.read(lambda c: load_rejections(c, channel.name))
    seen_to = store.read(lambda c: approved_items(c, channel.name, "cancelled_after_import"))
    accepted = store.read(lambda c: accepted_amounts(c, channel.name, channel.erp))
    splits = store.read(lambda c: load_splits(c, channel.name))
    young_since = dt.datetime.now(dt.UTC) - young
    join = _Join(systems, shop, erp, ours, causes, rejected, seen_to, accepted, splits, since, until, young_since, done)
    return join.groups()


class _Join:
    """The three lists side by side."""

    def __init__(  # noqa: PLR0917 - three lists, and how to read them
        self,
        systems: ChannelSystems,
        shop: Sequence[DocumentSummary],
        erp: Sequence[DocumentSummary],
        ours: Sequence[StoredOrder],
        causes: dict[int, list[tuple[str, str, str, str]]],
        rejected: Mapping[int, Rejection],
        seen_to: set[int],
        accepted: dict[str, tuple[Decimal, str]],
        splits: Mapping[str, Sequence[object]],
        since: dt.datetime,
        until: dt.datetime,
        young_since: dt.datetime,
        done: set[str],
    ) -> None:
        self._systems = systems
        #: Order -> its parts, of those that are several sales in the ERP.
        self._splits = splits
        self._shop = {row.external_id: row for row in shop}
        self._ours = {row.external_id: row for row in ours}
        self._causes = causes
        self._rejected = rejected
        self._done, self._seen_to, self._accepted = done, seen_to, accepted
        self._since, self._until, self._young_since = since, until, young_since
        self._by_key: dict[str, list[DocumentSummary]] = {}
        self._by_reference: dict[str, list[DocumentSummary]] = {}
        for row in erp:
            if row.rank is not Rank.CANCELLED:
                self._by_key.setdefault(row.key, []).append(row)
                self._by_reference.setdefault(row.reference, []).append(row)
        self._cancelled = {row.key: row for row in erp if row.rank is Rank.CANCELLED}
        self._erp = [row for row in erp if row.rank is not Rank.CANCELLED]
        #: Keys of every order that the shop or we know of.
        self._keys = {key for external_id in {*self._shop, *self._ours} for key in self._keys_of(external_id)}
        self._taken: set[str] = set()
        self._groups: dict[tuple[str, str], Group] = {}

    def groups(self) -> list[Group]:
        for row in self._shop.values():
            self._join_order(row)
        for order in self._ours.values():
            self._join_unlisted(order)
        for sale in self._erp:
            if sale.external_id not in self._taken:
                self._join_foreign(sale)
        return [self._groups[key] for key in sorted(self._groups)]

    def _group(self, currency: str, day: str) -> Group:
        return self._groups.setdefault((currency, day), Group(currency, day))

    def _keys_of(self, external_id: str) -> list[str]:
        """The keys of an order's sales: one, unless it is divided."""
        parts = range(len(self._splits.get(external_id, ())) or 1)
        mapping, options = self._systems.target_mapping, self._systems.target_options
        return [mapping.sale_key(part_id(external_id, part), options) for part in parts]

    def _under_key(self, external_id: str) -> list[DocumentSummary]:
        return [sale for key in self._keys_of(external_id) for sale in self._by_key.get(key, ())]

    def _totals(self, external_id: str, sales: Sequence[DocumentSummary]) -> list[Decimal]:
        """What counts as one order each: the parts of one that is divided are one."""
        keys = self._keys_of(external_id)
        if len(keys) > 1 and sales and not _is_doubled(keys, sales):
            return [sum((sale.total for sale in sales), Decimal(0))]
        return [sale.total for sale in sales]

    def _take(self, row: DocumentSummary) -> list[DocumentSummary]:
        """The sales of one order: those under its key, and copies that carry its number under no key of ours."""
        under_key = self._under_key(row.external_id)
        copies = [sale for sale in self._by_reference.get(row.number, []) if row.number and sale.key not in self._keys]
        sales = [*under_key, *(sale for sale in copies if sale.external_id not in self._taken)]
        self._taken.update(sale.external_id for sale in sales)
        return sales

    # --- one order of the shop ----------------------------------------------------------------------------------

    def _join_order(self, row: DocumentSummary) -> None:
        day = (row.placed_on or row.placed_at.date()).isoformat()
        group, order, sales = self._group(row.currency, day), self._ours.get(row.external_id), self._take(row)
        if order is not None and order.state in _LEFT_OUT and not sales and order.source_state in {row.state, _UNREAD}:
            group.left_out.add(row.total)
            if (decided := self._rejected.get(order.item_id)) is not None:
                group.differences.append(_left_out(row, day, decided))
            return
        group.shop.add(row.total)
        if order is not None and order.id:
            group.crossdock.add(order.grand)
        for total in self._totals(row.external_id, sales):
            group.erp.add(total)
        group.differences.extend(self._differences(row, day, order, sales))

    def _differences(
        self, row: DocumentSummary, day: str, order: StoredOrder | None, sales: list[DocumentSummary]
    ) -> Iterable[Difference]:
        def found(kind: Kind, where: str, detail: str) -> Difference:
            return Difference(
                kind=kind,
                currency=row.currency,
                day=day,
                where=where,
                shop_id=row.external_id,
                erp_ids=tuple(sale.external_id for sale in sales),
                number=row.number,
                detail=detail,
            )

        if not sales:
            yield found(*self._why_absent(row, order))
            if order is None or order.state not in STOPPED:
                return
        elif order is None:
            yield found(Kind.MISSING, "crossdock", "the shop and the ERP have it, Crossdock does not")
        keys = self._keys_of(row.external_id)
        if _is_doubled(keys, sales):
            yield found(Kind.DOUBLED, "erp", f"the ERP has it {len(sales)} times: {_numbers(sales)}")
        elif sales and len(sales) < len(keys) and (order is None or order.state not in STOPPED):
            kind, where, why = self._why_absent(row, order)
            yield found(kind, where, f"the ERP has {len(sales)} of its {len(keys)} parts: {why}")
        # Part for part nobody but us knows what it comes to; all of them together are what the shop charged.
        groups = [sales] if len(keys) > 1 else [[sale] for sale in sales]
        for each in groups if len(sales) >= len(keys) else ():
            yield from self._amount_differences(row, order, each, found)
        if order is not None:
            yield from self._own_differences(row, order, sales, found)

    def _amount_differences(
        self,
        row: DocumentSummary,
        order: StoredOrder | None,
        sales: list[DocumentSummary],
        found: Callable[[Kind, str, str], Difference],
    ) -> Iterable[Difference]:
        """What one sale, or all parts of a divided order, say against what the shop says."""
        expected = self._systems.target_options.rounded(Money(row.total, row.currency))
        total, currencies = sum((sale.total for sale in sales), Decimal(0)), {sale.currency for sale in sales}
        if (total, currencies) == (expected, {row.currency}) or self._tells_the_amount(order):
            return
        is_accepted = any(self._accepted.get(sale.external_id) == (sale.total, sale.currency) for sale in sales)
        told = f"the shop says {expected} {row.currency}, sale {_numbers(sales)} says {total} {sales[0].currency}"
        yield found(Kind.SEEN_TO if is_accepted else Kind.AMOUNT, "erp", told)

    def _tells_the_amount(self, order: StoredOrder | None) -> bool:
        """Whether a person has been told of the amounts: then the hold is the difference."""
        if order is None or order.state not in STOPPED:
            return False
        return any(cause in _TELL_THE_AMOUNT for cause, *_ in self._causes.get(order.item_id, []))

    def _why_absent(self, row: DocumentSummary, order: StoredOrder | None) -> tuple[Kind, str, str]:
        gone = (self._cancelled.get(key) for key in self._keys_of(row.external_id))
        cancelled = next((sale for sale in gone if sale is not None), None)
        if order is not None and order.state in STOPPED:
            causes = ", ".join(dict.fromkeys(cause for cause, *_ in self._causes.get(order.item_id, [])))
            return Kind.HELD, "erp", f"{causes or order.state}: {order.reason}"
        if cancelled is not None:
            return (
                Kind.STATE,
                "erp",
                f"sale {_numbers([cancelled])} was cancelled in the ERP, the shop still has the order",
            )
        if row.placed_at >= self._young_since and row.external_id not in self._done:
            return Kind.TOO_YOUNG, "erp", "placed a moment ago; still on its way"
        if order is None:
            return Kind.MISSING, "crossdock, erp", "only the shop has it"
        if order.state in _LEFT_OUT:
            return Kind.STATE, "crossdock", f"left out as {order.source_state!r}, the shop says {row.state!r} now"
        is_done = order.state == ItemState.DONE
        why = "carried over, and gone since" if is_done else f"{order.state}: {order.reason or 'on its way'}"
        return Kind.MISSING, "erp", f"Crossdock has it ({why}), the ERP does not"

    def _own_differences(self, row, order: StoredOrder, sales, found) -> Iterable[Difference]:  # type: ignore[no-untyped-def]  # noqa: ANN001
        if not order.id:
            # Never read, so there is nothing of ours to be different; that it is held has been said.
            pass
        elif order.grand != row.total:
            yield found(Kind.AMOUNT, "crossdock", f"the shop says {row.total}, Crossdock saw {order.grand}")
        elif order.source_state != row.state and row.placed_at < self._young_since and sales:
            yield found(Kind.STATE, "crossdock", f"the shop says {row.state!r}, Crossdock saw {order.source_state!r}")
        if sales and order.state == ItemState.SKIPPED and order.item_id in self._seen_to:
            yield found(Kind.SEEN_TO, "erp", f"{order.reason}: {_numbers(sales)}")
        elif sales and order.state in _LEFT_OUT:
            yield found(Kind.STATE, "erp", f"Crossdock leaves it out ({order.reason}), the ERP has it")
        if sales and order.state in STOPPED:
            causes = ", ".join(dict.fromkeys(cause for cause, *_ in self._causes.get(order.item_id, [])))
            yield found(Kind.HELD, "erp", f"{causes or order.state}: {order.reason}")

    # --- what only we or only the ERP has -----------------------------------------------------------------------

    def _join_unlisted(self, order: StoredOrder) -> None:
        """Orders of ours in the window that the shop's fresh list does not have."""
        inside = self._since <= order.placed_at < self._until
        sales = self._under_key(order.external_id)
        agreed = order.state in _LEFT_OUT and not sales
        if order.external_id in self._shop or not inside or agreed or not order.id:
            return
        group = self._group(order.currency, order.placed_on)
        group.crossdock.add(order.grand)
        self._taken.update(sale.external_id for sale in sales)
        for total in self._totals(order.external_id, sales):
            group.erp.add(total)
        group.differences.append(
            Difference(
                kind=Kind.MISSING,
                currency=order.currency,
                day=order.placed_on,
                where="shop",
                shop_id=order.external_id,
                erp_ids=tuple(sale.external_id for sale in sales),
                number=order.number,
                detail="the shop has it no longer",
            )
        )

    def _join_foreign(self, sale: DocumentSummary) -> None:
        """A sale of that web shop which no order of the shop explains."""
        day = (sale.placed_on or sale.placed_at.date()).isoformat()
        if not self._since.date().isoformat() <= day <= self._until.date().isoformat():
            return
        if sale.key in self._keys:
            # Its order was placed just outside of the window.
            return
        group = self._group(sale.currency, day)
        group.erp.add(sale.total)
        group.differences.append(
            Difference(
                kind=Kind.FOREIGN,
                currency=sale.currency,
                day=day,
                where="erp",
                erp_ids=(sale.external_id,),
                number=sale.number or sale.reference,
                detail=f"the shop has no order for sale {_numbers([sale])}",
            )
        )


def _left_out(row: DocumentSummary, day: str, decided: Rejection) -> Difference:
    """What a person leaves out is in no sum, so that its amount is told with it."""
    return Difference(
        kind=Kind.LEFT_OUT,
        currency=row.currency,
        day=day,
        where="erp",
        shop_id=row.external_id,
        number=row.number,
        detail=f"{row.total} {row.currency}, by {decided.by} at {decided.at:%Y-%m-%d %H:%M} UTC: {decided.reason}",
        decided=decided,
    )


def _is_doubled(keys: Sequence[str], sales: Sequence[DocumentSummary]) -> bool:
    """More sales than the order is, or one of them twice."""
    under_key = [sale.key for sale in sales if sale.key in keys]
    return len(sales) > len(keys) or len(set(under_key)) < len(under_key)


def _numbers(sales: Iterable[DocumentSummary]) -> str:
    return ", ".join(sale.number or f"id {sale.external_id}" for sale in sales)
