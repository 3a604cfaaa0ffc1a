"""What people decide about documents; every decision is audited in the same transaction.

Each takes `seen`, a token of what the person looked at (`passport.seen_token`): where that is not true any more, the
decision is refused as `Stale` and nothing is changed. A terminal, which shows nothing beforehand, leaves it out.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from sync.desk.bulk import told_using
from sync.desk.passport import seen_token, subject_of
from sync.desk.phrases import say
from sync.rules.canary import CAUSE as CANARY
from sync.rules.stops import ACCEPTING
from sync.store.accepted import end_decided
from sync.store.audit import Actor, record_audit
from sync.store.bindings import end_of_orders
from sync.store.canary import count_release
from sync.store.engine import Store
from sync.store.history import load_kept
from sync.store.intents import ASSUMED, decide
from sync.store.issues import causes_of, close_documents, items_of
from sync.store.marking import approve, release
from sync.store.orders import StoredOrder
from sync.store.pins import Using
from sync.store.refunds import settle_returns
from sync.store.rejections import ACTION as REJECT
from sync.store.rejections import reject


class Stale(LookupError):
    """What the person saw of the order is not true any more."""

    def __init__(self, order: StoredOrder) -> None:
        """Names the order."""
        super().__init__(
            f"order {order.number} is being worked on, or has changed, since you looked at it; see what it says now"
        )


def retry_orders(
    store: Store,
    *,
    orders: Sequence[StoredOrder] = (),
    cause: str = "",
    subject: str = "",
    actor: Actor,
    using: Using = Using.CURRENT,
) -> int:
    """Look at these orders again, or at all that stand in issues of a cause or subject; answers how many.

    `using` says with which revision of the mapping profile.
    """

    def work(connection: Connection) -> int:
        items = [order.item_id for order in orders]
        if cause or subject:
            items += items_of(connection, cause=cause, subject=subject)
        count = release(connection, items, using=using)
        what = ", ".join(subject_of(order) for order in orders) or f"issues:{cause or subject}"
        record_audit(connection, actor, "retry", what[:320], after=told_using(f"{count} released", using))
        return count

    return store.write(work)


def look_again(store: Store, *, orders: Sequence[StoredOrder], actor: Actor) -> int:
    """Read these orders in the shop anew and compare them with the ERP, now; answers how many.

    One whose last write has no outcome yet keeps its time.
    """

    def work(connection: Connection) -> int:
        count = 0
        for order in orders:
            released = release(connection, [order.item_id], facet="fetch")
            record_audit(connection, actor, "look again", subject_of(order), after=f"{released} released")
            count += released
        return count

    return store.write(work)


def retry_again(store: Store, *, orders: Sequence[StoredOrder], actor: Actor, seen: str = "") -> int:
    """Look at orders again whose sale is gone in the ERP: the old link ends, a new sale may be made. Raises Stale."""

    def work(connection: Connection) -> int:
        for order in orders:
            demand_seen(connection, order, seen)
        end_of_orders(connection, [order.id for order in orders if order.id])
        count = release(connection, [order.item_id for order in orders], facet="again")
        for order in orders:
            record_audit(connection, actor, "retry again", subject_of(order), before=order.erp_id or "")
        return count

    return store.write(work)


def approve_order(store: Store, order: StoredOrder, *, actor: Actor, reason: str, seen: str = "") -> list[str]:
    """Let pass what holds the order now; answers the causes. Raises LookupError when nothing holds it, Stale."""

    def work(connection: Connection) -> list[str]:
        demand_seen(connection, order, seen)
        causes = sorted({entry[0] for entry in causes_of(connection, [order.item_id]).get(order.item_id, [])})
        if not causes:
            raise LookupError(
                say("nothing holds order %(number)s: it is %(state)s", number=order.number, state=order.state)
            )
        if not approve(connection, order.item_id, causes):
            raise LookupError(
                say(
                    "order %(number)s is being looked at again just now; approve what it says then", number=order.number
                )
            )
        if order.id and not ACCEPTING.isdisjoint(causes):
            end_decided(connection, order.id)
        if order.id and "returned_in_erp" in causes:
            settle_returns(connection, order.id)
        release(connection, [order.item_id])
        if CANARY in causes:
            count_release(connection, order.channel)
        record_audit(connection, actor, "approve", subject_of(order), after=", ".join(causes), reason=reason)
        decide(connection, order.item_id, ASSUMED)
        return causes

    return store.write(work)


def reject_order(store: Store, order: StoredOrder, *, actor: Actor, reason: str, seen: str = "") -> bool:
    """Do not carry the order over; False while somebody works on it, or the outcome of a write is not known.

    Raises Stale, and LookupError when the ERP has it.
    """

    def work(connection: Connection) -> bool:
        demand_seen(connection, order, seen)
        if order.erp_id:
            raise LookupError(
                say(
                    "order %(number)s is in the ERP as %(erp_number)s: cancel it there",
                    number=order.number,
                    erp_number=order.erp_number or order.erp_id,
                )
            )
        if not reject(connection, order.item_id, by=str(actor), reason=reason):
            return False
        close_documents(connection, [order.item_id])
        record_audit(connection, actor, REJECT, subject_of(order), before=order.state, reason=reason)
        return True

    return store.write(work)


def demand_seen(connection: Connection, order: StoredOrder, seen: str) -> None:
    """Raises Stale where the item is not as the person saw it; else it stays so until the transaction ends."""
    if not seen:
        return
    kept = load_kept(connection, order.item_id, lock=True)
    if kept is None or seen_token(kept) != seen:
        raise Stale(order)
