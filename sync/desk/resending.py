"""Sending again what may have been sent before: a person's word, after nobody else could find out."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from sync.desk.passport import subject_of
from sync.desk.phrases import Phrase, say
from sync.desk.steering import demand_seen
from sync.desk.writes import call_of
from sync.store.audit import Actor, record_audit
from sync.store.engine import Store
from sync.store.intents import RESEND, decide, list_undecided
from sync.store.marking import release
from sync.store.orders import StoredOrder


def waiting_to_resend(store: Store, order: StoredOrder) -> list[Phrase]:
    """What of the order nobody knows the outcome of, and waits for a person's word."""
    return [call_of(*entry) for entry in store.read(lambda c: list_undecided(c, order.item_id))]


def resend_orders(store: Store, *, orders: Sequence[StoredOrder], actor: Actor, seen: str = "") -> int:
    """Send again what may have been sent before and is not to be found; answers how many orders go on.

    The word counts for the writes that wait for it now and for no later one. Raises Stale, and LookupError for an order
    of which nothing waits.
    """

    def work(connection: Connection) -> int:
        count = 0
        for order in orders:
            demand_seen(connection, order, seen)
            waiting = list_undecided(connection, order.item_id)
            if not waiting:
                raise LookupError(say("nothing of order %(number)s waits to be sent again", number=order.number))
            decide(connection, order.item_id, RESEND)
            count += release(connection, [order.item_id])
            what = ", ".join(key for _, _, key in waiting)
            record_audit(connection, actor, "resend", subject_of(order), after=what)
        return count

    return store.write(work)
