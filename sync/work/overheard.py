"""What the ERP told of a sale before we had written down that it is ours.

Between the ERP's answer and the end of the batch that made the sale somebody there may send its goods, and a pull that
comes just then finds no order that it hangs on. The change is kept; whoever binds the sale asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from sync.flows.context import Drain
from sync.flows.facets.follow import STREAM
from sync.store.bindings import NewBinding, bound_orders
from sync.store.checkpoints import hold_checkpoint
from sync.store.events import newest_versions
from sync.store.marking import mark
from sync.store.orders import external_ids


def mark_overheard(connection: Connection, drain: Drain, rows: Sequence[NewBinding]) -> None:
    """Directly before `rows` are saved: of what is bound for the first time, what has news comes again.

    Any other version than the one that was read back counts as news: which of the two is newer nobody can say.
    """
    if not rows or not drain.follows:
        return
    erp = drain.lease.connection
    # A pull that is about to save a page has seen our bindings, or we see its page.
    hold_checkpoint(connection, erp, STREAM)
    known = bound_orders(connection, erp, [row.external_id for row in rows])
    told = newest_versions(connection, erp, "sale", [row.external_id for row in rows if row.external_id not in known])
    news = [row.order_id for row in rows if told.get(row.external_id, row.version) != row.version]
    if news:
        mark(connection, drain.lease.channel, "order", external_ids(connection, news), facet="target")
