"""What people decide about documents; every decision is audited in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from sync.store.audit import Actor, record_audit
from sync.store.bindings import end_of_orders
from sync.store.engine import Store
from sync.store.issues import causes_of, close_documents, items_of
from sync.store.items import approve, release, skip
from sync.store.orders import StoredOrder


def _subject(order: StoredOrder) -> str:
    return f"order:{order.channel}:{order.external_id}"


def retry_orders(
    store: Store, *, orders: Sequence[StoredOrder] = (), cause: str = "", subject: str = "", actor: Actor
) -> int:
    """Look at these orders again, or at all that stand in issues of a cause or subject; answers how many."""

    def work(connection: Connection) -> int:
        items = [order.item_id for order in orders]
        if cause or subject:
            items += items_of(connection, cause=cause, subject=subject)
        count = release(connection, items)
        what = ", ".join(_subject(order) for order in orders) or f"issues:{cause or subject}"
        record_audit(connection, actor, "retry", what[:320], after=f"{count} released")
        return count

    return store.write(work)


def retry_again(store: Store, *, orders: Sequence[StoredOrder], actor: Actor) -> int:
    """Look at orders again whose sale is gone in the ERP: the old link ends, a new sale may be made."""

    def work(connection: Connection) -> int:
        end_of_orders(connection, [order.id for order in orders if order.id])
        count = release(connection, [order.item_id for order in orders], facet="again")
        for order in orders:
            record_audit(connection, actor, "retry again", _subject(order), before=order.erp_id or "")
        return count

    return store.write(work)


def approve_order(store: Store, order: StoredOrder, *, actor: Actor, reason: str) -> list[str]:
    """Let pass what holds the order now; answers the causes. Raises LookupError when nothing holds it."""

    def work(connection: Connection) -> list[str]:
        causes = sorted({entry[0] for entry in causes_of(connection, [order.item_id]).get(order.item_id, [])})
        if not causes:
            raise LookupError(f"nothing holds order {order.number}: it is {order.state}")
        if not approve(connection, order.item_id, causes):
            raise LookupError(f"order {order.number} is being looked at again just now; approve what it says then")
        release(connection, [order.item_id])
        record_audit(connection, actor, "approve", _subject(order), after=", ".join(causes), reason=reason)
        return causes

    return store.write(work)


def reject_order(store: Store, order: StoredOrder, *, actor: Actor, reason: str) -> bool:
    """Do not carry the order over; False while somebody works on it. Raises LookupError when the ERP has it."""

    def work(connection: Connection) -> bool:
        if order.erp_id:
            raise LookupError(
                f"order {order.number} is in the ERP as {order.erp_number or order.erp_id}: cancel it there"
            )
        if not skip(connection, order.item_id, f"rejected by {actor}: {reason}"):
            return False
        close_documents(connection, [order.item_id])
        record_audit(connection, actor, "reject", _subject(order), before=order.state, reason=reason)
        return True

    return store.write(work)
