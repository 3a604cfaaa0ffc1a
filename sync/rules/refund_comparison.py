"""Comparing refunds: the shop's list, ours, and the ERP's list of credits, refund by refund; part of the proof.

As in `comparison` nothing is believed that was not asked for just now. A credit is joined by the key that our creating
call wrote; one that the ERP's people made has none, and is joined where it gives back exactly what a refund of the
same order does.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from config.model import Depth
from connectors.kit.base import Rank
from connectors.kit.facets import ListsRefunds, RefundsSales, RefundSummary
from mappings.canonical.money import Money
from mappings.canonical.parts import part_id
from sync.rules.comparison import Difference, Group, Kind
from sync.rules.systems import ChannelSystems
from sync.store.accepted import BEFORE_LINK
from sync.store.bindings import bound_elsewhere, sales_of_parts
from sync.store.engine import Store
from sync.store.issues import causes_of
from sync.store.marking import approved_items
from sync.store.orders import StoredOrder, list_orders
from sync.store.refunds import KnownRefund, known_refunds, settled_returns
from sync.store.routes import load_splits
from sync.store.states import STOPPED, ItemState

#: A refund's moment in the shop and the day of its credit in the ERP may lie on either side of midnight.
_MARGIN: Final = dt.timedelta(days=1)
#: States of our items in which the ERP is not meant to have the order, and so nothing to credit.
_LEFT_OUT: Final = {ItemState.SKIPPED, ItemState.WAITING}
#: Its sale is taken back by people in the ERP, and the shop may never have had its money.
_WITHDRAWN: Final = ("cancelled_after_import",)
#: What a person may have seen to: then the difference is explained.
_SEEN_TO: Final = ("refund_amount", "refund_gone_in_erp", *_WITHDRAWN)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Lists:
    """What the three sides say, and how to read it."""

    shop: Sequence[RefundSummary]
    credits: Sequence[RefundSummary]
    known: Mapping[str, KnownRefund]
    #: Ids of refunds that had their credit before the lists were taken: it must be in them, however young it is.
    done: set[str]
    #: Ids of what was known before the lists were taken.
    before: set[str]
    orders: Mapping[str, StoredOrder]
    causes: Mapping[int, Sequence[tuple[str, str, str, str]]]
    #: Cause -> ids of the items for which a person has let it pass.
    approved: Mapping[str, set[int]]
    #: Ids of credits of the ERP's own of which a person has said that nothing comes of them in the shop.
    settled: set[str]
    #: Order -> its parts, of those that are several sales in the ERP; id of a sale of theirs -> its order.
    splits: Mapping[str, Sequence[object]]
    parts: Mapping[str, str]
    since: dt.datetime
    until: dt.datetime
    young_since: dt.datetime


def compare_refunds(
    store: Store, systems: ChannelSystems, since: dt.datetime, until: dt.datetime, *, young: dt.timedelta
) -> list[Group] | None:
    """Compare every refund made in [since, until), by currency and day; None where the channel carries none over.

    Raises Transient, ConnectionBroken, RecordRejected: a side that cannot be read proves nothing.
    """
    source, target, channel = systems.source, systems.target, systems.channel
    if channel.after_import.refunds is Depth.NONE or systems.erp_facets is None:
        return None
    if not isinstance(source, ListsRefunds) or not isinstance(target, ListsRefunds):
        return None

    def known() -> list[KnownRefund]:
        return store.read(lambda c: known_refunds(c, channel.name, channel.source, channel.erp))

    before = known()
    shop = list(source.list_refunds(since - _MARGIN, until + _MARGIN))
    listed = list(target.list_refunds(since - _MARGIN, until + _MARGIN))
    others = store.read(lambda c: bound_elsewhere(c, channel.erp, channel.name))
    ours = store.read(lambda c: list_orders(c, channel.name, channel.erp, unread=[*STOPPED, *_LEFT_OUT]))
    lists = _Lists(
        shop=shop,
        credits=[credit for credit in listed if credit.of not in others],
        # Read after the lists: what came to us since is younger than they are.
        known={each.external_id: each for each in known()},
        done={each.external_id for each in before if each.credit},
        before={each.external_id for each in before},
        orders={order.external_id: order for order in ours},
        causes=store.read(lambda c: causes_of(c, [order.item_id for order in ours])),
        approved=store.read(lambda c: {cause: approved_items(c, channel.name, cause) for cause in _SEEN_TO}),
        settled=store.read(lambda c: settled_returns(c, channel.erp)),
        splits=store.read(lambda c: load_splits(c, channel.name)),
        parts=store.read(lambda c: sales_of_parts(c, channel.erp, channel.name)),
        since=since,
        until=until,
        young_since=dt.datetime.now(dt.UTC) - young,
    )
    return _Join(systems, lists).groups()


class _Join:
    """The lists side by side."""

    def __init__(self, systems: ChannelSystems, lists: _Lists) -> None:
        self._systems, self._lists = systems, lists
        self._groups: dict[tuple[str, str], Group] = {}
        self._taken: set[str] = set()
        self._by_key: dict[str, list[RefundSummary]] = {}
        for credit in lists.credits:
            self._by_key.setdefault(credit.key, []).append(credit)
        self._by_sale = {order.erp_id: order for order in lists.orders.values() if order.erp_id is not None}
        self._by_sale |= {sale: lists.orders[of] for sale, of in lists.parts.items() if of in lists.orders}
        refunds = [*((row.of, row.external_id) for row in lists.shop)]
        refunds += ((known.order, known.external_id) for known in lists.known.values())
        #: Keys of all refunds that the shop or we know of.
        self._keys = {key for order, refund in refunds for key in self._keys_of(order, refund)}
        self._add_unlisted()

    def groups(self) -> list[Group]:
        """By currency and day of the refund, in the shop's zone."""
        inside = [row for row in self._lists.shop if self._lists.since <= row.made_at < self._lists.until]
        # Those first that have a credit of their own: what is left over is joined by its amount.
        for row in sorted(inside, key=lambda row: not self._under_key(row)):
            self._join_refund(row)
        listed = {row.external_id for row in self._lists.shop}
        for known in self._lists.known.values():
            if known.external_id not in listed and known.external_id in self._lists.before:
                self._join_unlisted(known)
        for credit in _living(self._lists.credits):
            if credit.external_id not in self._taken:
                self._join_foreign(credit)
        return [self._groups[key] for key in sorted(self._groups)]

    def _add_unlisted(self) -> None:
        """Credits of refunds in the window that bear a date far from it: asked for by their keys."""
        target = self._systems.target
        if not isinstance(target, RefundsSales):
            return
        absent = {
            key: row
            for row in self._lists.shop
            for key in self._keys_of(row.of, row.external_id)
            if self._lists.since <= row.made_at < self._lists.until
            and (order := self._lists.orders.get(row.of)) is not None
            and order.erp_id is not None
        }
        absent = {key: row for key, row in absent.items() if key not in self._by_key}
        for key, found in (target.find_refunds(list(absent)) if absent else {}).items():
            row = absent[key]
            self._by_key[key] = [
                RefundSummary(
                    external_id=document.external_id,
                    key=key,
                    of=self._lists.orders[row.of].erp_id or "",
                    number=document.number,
                    state=document.state,
                    amount=-document.total,
                    currency=document.currency,
                    made_at=row.made_at,
                    made_on=row.made_on,
                    rank=document.rank,
                )
                for document in found
            ]

    def _group(self, currency: str, day: str) -> Group:
        return self._groups.setdefault((currency, day), Group(currency, day))

    def _keys_of(self, order: str, refund: str) -> list[str]:
        """The keys that the credits of a refund may have: one, unless its order is divided."""
        facets, parts = self._systems.erp_facets, range(len(self._lists.splits.get(order, ())) or 1)
        assert facets is not None
        return [facets.refund_key(part_id(order, part), refund, self._systems.target_options) for part in parts]

    def _with_key(self, order: str, refund: str) -> list[RefundSummary]:
        return [credit for key in self._keys_of(order, refund) for credit in self._by_key.get(key, ())]

    def _expected(self, row: RefundSummary) -> tuple[object, str]:
        return self._systems.target_options.rounded(Money(row.amount, row.currency)), row.currency

    def _under_key(self, row: RefundSummary) -> list[RefundSummary]:
        return _living(self._with_key(row.of, row.external_id))

    def _take(self, row: RefundSummary, order: StoredOrder | None) -> list[RefundSummary]:
        """The credits of one refund."""
        found = self._under_key(row)
        if not found and order is not None:
            alike = (
                credit
                for credit in _living(self._lists.credits)
                if self._by_sale.get(credit.of) is order
                and credit.key not in self._keys
                and credit.external_id not in self._taken
                and (credit.amount, credit.currency) == self._expected(row)
            )
            found = [credit for credit in (next(alike, None),) if credit is not None]
        self._taken.update(credit.external_id for credit in found)
        return found

    # --- one refund of the shop ---------------------------------------------------------------------------------

    def _join_refund(self, row: RefundSummary) -> None:
        group, order = self._group(row.currency, row.made_on.isoformat()), self._lists.orders.get(row.of)
        found, known = self._take(row, order), self._lists.known.get(row.external_id)
        linked_later = known is not None and known.state == BEFORE_LINK
        if not found and (order is None or order.state in _LEFT_OUT or linked_later):
            # Its order is none of the ERP's, so there is nothing to credit, and the proof of the orders says why; or it
            # was made before its order was linked with a sale that was there, in whatever way the ERP has it.
            group.left_out.add(row.amount)
            return
        group.shop.add(row.amount)
        if known is not None:
            group.crossdock.add(known.total)
        for amount in self._amounts(row, found):
            group.erp.add(amount)
        group.differences.extend(self._differences(row, order, known, found))

    def _differences(
        self,
        row: RefundSummary,
        order: StoredOrder | None,
        known: KnownRefund | None,
        found: list[RefundSummary],
    ) -> Iterator[Difference]:
        tell = _teller(row, found)
        if not found:
            assert order is not None
            yield tell(*self._why_absent(row, order, known))
            return
        if known is None:
            yield tell(Kind.MISSING, "crossdock", "the shop and the ERP have it, Crossdock does not")
        elif (known.total, known.currency) != (row.amount, row.currency):
            yield tell(Kind.AMOUNT, "crossdock", f"the shop says {row.amount}, Crossdock saw {known.total}")
        if self._is_divided(row, found):
            yield from self._divided_differences(row, order, found, tell)
            return
        if len(found) > 1:
            yield tell(Kind.DOUBLED, "erp", f"the ERP has it {len(found)} times: {_numbers(found)}")
        for credit in found:
            yield from self._credit_differences(row, order, credit, tell)

    def _is_divided(self, row: RefundSummary, found: Sequence[RefundSummary]) -> bool:
        """Whether these are the credits of one refund on the sales of a divided order, each once."""
        return len(self._keys_of(row.of, row.external_id)) > 1 and len({each.key for each in found}) == len(found)

    def _amounts(self, row: RefundSummary, found: Sequence[RefundSummary]) -> list[Decimal]:
        """What counts as one refund each."""
        if found and self._is_divided(row, found):
            return [sum((credit.amount for credit in found), Decimal(0))]
        return [credit.amount for credit in found]

    def _divided_differences(
        self,
        row: RefundSummary,
        order: StoredOrder | None,
        found: list[RefundSummary],
        tell: Callable[..., Difference],
    ) -> Iterator[Difference]:
        """Of an order that is divided: its credits together are what the shop gave back."""
        amount, currency = self._expected(row)
        total = sum((credit.amount for credit in found), Decimal(0))
        if total == amount and {credit.currency for credit in found} == {currency}:
            for credit in found:
                yield from self._state_differences(row, order, credit, tell)
            return
        kind = self._explained(order, "refund_amount") or (Kind.HELD if self._is_stopped(order) else Kind.AMOUNT)
        if kind is Kind.AMOUNT and row.made_at >= self._lists.young_since:
            kind = Kind.TOO_YOUNG
        yield tell(kind, "erp", f"the shop gave back {amount} {currency}, credits {_numbers(found)} give back {total}")

    def _credit_differences(
        self, row: RefundSummary, order: StoredOrder | None, credit: RefundSummary, tell: Callable[..., Difference]
    ) -> Iterator[Difference]:
        amount, currency = self._expected(row)
        if (credit.amount, credit.currency) != (amount, currency):
            told = (
                f"the shop gave back {amount} {currency}, credit {_numbers([credit])} "
                f"gives back {credit.amount} {credit.currency}"
            )
            yield tell(self._explained(order, "refund_amount") or Kind.AMOUNT, "erp", told)
        else:
            yield from self._state_differences(row, order, credit, tell)

    def _state_differences(
        self, row: RefundSummary, order: StoredOrder | None, credit: RefundSummary, tell: Callable[..., Difference]
    ) -> Iterator[Difference]:
        if row.made_at < self._lists.young_since and not self._is_stopped(order):
            wanted = self._systems.wanted_rank
            if credit.rank is not None and credit.rank < wanted:
                yield tell(Kind.STATE, "erp", f"credit {_numbers([credit])} is {credit.state!r} there still")
            elif self._lacks_posting(credit):
                told = f"the credit note of {_numbers([credit])} is not posted, and `refunds: posted` asks for it"
                yield tell(Kind.STATE, "erp", told)

    def _lacks_posting(self, credit: RefundSummary) -> bool:
        # What the ERP's people made they bring on themselves.
        if credit.key not in self._keys or not credit.amount:
            return False
        posts = self._systems.channel.after_import.refunds is Depth.POSTED
        return posts and credit.rank is Rank.CONFIRMED and credit.posted is False

    def _why_absent(self, row: RefundSummary, order: StoredOrder, known: KnownRefund | None) -> tuple[Kind, str, str]:
        cancelled = self._with_key(row.of, row.external_id)
        if cancelled:
            told = f"credit {_numbers(cancelled)} was cancelled in the ERP, the shop gave the money back"
            return self._explained(order, "refund_gone_in_erp") or Kind.STATE, "erp", told
        if self._is_stopped(order):
            return Kind.HELD, "erp", self._told(order)
        if row.made_at >= self._lists.young_since and row.external_id not in self._lists.done:
            return Kind.TOO_YOUNG, "erp", "made a moment ago; still on its way"
        if known is None:
            return Kind.MISSING, "crossdock, erp", "only the shop has it"
        gone = row.external_id in self._lists.done
        why = "carried over, and gone since" if gone else f"{order.state}: {order.reason or 'on its way'}"
        return Kind.MISSING, "erp", f"Crossdock has it ({why}), the ERP does not"

    def _is_stopped(self, order: StoredOrder | None) -> bool:
        return order is not None and order.state in STOPPED

    def _explained(self, order: StoredOrder | None, cause: str) -> Kind | None:
        """Why a difference is one that a person knows of; None where it is not."""
        if order is None:
            return None
        if order.item_id in self._lists.approved.get(cause, ()):
            return Kind.SEEN_TO
        known = {named for named, *_ in self._lists.causes.get(order.item_id, ())}
        return Kind.HELD if self._is_stopped(order) and cause in known else None

    def _told(self, order: StoredOrder) -> str:
        causes = ", ".join(dict.fromkeys(cause for cause, *_ in self._lists.causes.get(order.item_id, ())))
        return f"{causes or order.state}: {order.reason}"

    # --- what only we or only the ERP has -----------------------------------------------------------------------

    def _join_unlisted(self, known: KnownRefund) -> None:
        """Refunds of ours in the window that the shop's fresh list does not have."""
        if not self._has_day(known.dated_on):
            return
        found = _living(self._with_key(known.order, known.external_id))
        group = self._group(known.currency, known.dated_on)
        group.crossdock.add(known.total)
        for credit in found:
            self._taken.add(credit.external_id)
            group.erp.add(credit.amount)
        order = self._lists.orders.get(known.order)
        group.differences.append(
            Difference(
                kind=Kind.MISSING,
                currency=known.currency,
                day=known.dated_on,
                where="shop",
                shop_id=known.order,
                refund_id=known.external_id,
                erp_ids=tuple(credit.external_id for credit in found),
                number=known.order if order is None else order.number,
                detail=f"the shop has refund {known.external_id} no longer",
            )
        )

    def _join_foreign(self, credit: RefundSummary) -> None:
        """A credit that no refund of the shop explains."""
        order, day = self._by_sale.get(credit.of), credit.made_on.isoformat()
        if credit.key in self._keys or not self._has_day(day):
            # Its refund was made just outside of the window.
            return
        if credit.amount <= 0 or credit.rank is not Rank.CONFIRMED:
            # An exchange for something dearer gives nothing back, and a draft that people have begun not yet.
            return
        group = self._group(credit.currency, day)
        if order is None:
            # A return of a sale that is no order of this channel: made before it went live, or by hand.
            group.left_out.add(credit.amount)
            return
        group.erp.add(credit.amount)
        told = f"credit {_numbers([credit])} was made in the ERP; the shop has given back nothing for it"
        settled = Kind.SEEN_TO if credit.external_id in self._lists.settled else None
        causes = ("returned_in_erp", *_WITHDRAWN)
        explained = next(filter(None, (self._explained(order, cause) for cause in causes)), None)
        group.differences.append(
            Difference(
                kind=settled or explained or Kind.FOREIGN,
                currency=credit.currency,
                day=day,
                where="erp",
                shop_id=order.external_id,
                erp_ids=(credit.external_id,),
                number=order.number,
                detail=told,
            )
        )

    def _has_day(self, day: str) -> bool:
        return self._lists.since.date().isoformat() <= day <= self._lists.until.date().isoformat()


def _teller(row: RefundSummary, found: Sequence[RefundSummary]) -> Callable[[Kind, str, str], Difference]:
    def tell(kind: Kind, where: str, detail: str) -> Difference:
        return Difference(
            kind=kind,
            currency=row.currency,
            day=row.made_on.isoformat(),
            where=where,
            shop_id=row.of,
            refund_id=row.external_id,
            erp_ids=tuple(credit.external_id for credit in found),
            number=row.number,
            detail=f"refund {row.external_id}: {detail}",
        )

    return tell


def _living(found: Iterable[RefundSummary]) -> list[RefundSummary]:
    return [credit for credit in found if credit.rank is not Rank.CANCELLED]


def _numbers(found: Iterable[RefundSummary]) -> str:
    return ", ".join(credit.number or f"id {credit.external_id}" for credit in found)
