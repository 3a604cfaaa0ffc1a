"""Marking many items of one kind at once, in few statements."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, Insert, Update, bindparam, case, or_, select, update

from sync.store.lists import in_lists
from sync.store.states import RESTING, ItemState
from sync.store.tables import work_items
from sync.store.types import db_now
from sync.store.upsert import dialect_of

_KNOWN: Final = (
    select(work_items.c.id, work_items.c.external_id, work_items.c.facets)
    .where(
        work_items.c.channel == bindparam("of"),
        work_items.c.kind == bindparam("what"),
        work_items.c.external_id.in_(bindparam("ids", expanding=True)),
    )
    .with_for_update()
)


def mark_many(
    connection: Connection,
    channel: str,
    kind: str,
    external_ids: Iterable[str],
    facets: Iterable[str],
    *,
    after_s: float = 0.0,
) -> int:
    """Raise `wanted` of these items, each made where it is not there yet; answers how many.

    What rests comes due after so many seconds; what waits already keeps its time. A caller on SQLite passes some
    dozens.
    """
    wanted = sorted(set(external_ids))
    new = frozenset(facets)
    for some in in_lists(wanted):
        found = connection.execute(_KNOWN, {"of": channel, "what": kind, "ids": some})
        known = {external_id: (item_id, before) for item_id, external_id, before in found}
        now = connection.execute(select(db_now())).scalar_one()
        due = now + dt.timedelta(seconds=after_s)
        if missing := [external_id for external_id in some if external_id not in known]:
            rows = [
                {
                    "channel": channel,
                    "kind": kind,
                    "external_id": external_id,
                    "facets": json.dumps(sorted(new)),
                    "due_at": due,
                    "created_at": now,
                    "updated_at": now,
                }
                for external_id in missing
            ]
            connection.execute(_making(dialect_of(connection)), rows)
        by_facets: dict[str, list[int]] = {}
        for item_id, before in known.values():
            by_facets.setdefault(before, []).append(item_id)
        for before, ids in by_facets.items():
            raised = json.dumps(sorted(new.union(json.loads(before))))
            connection.execute(_raising(), {"items": ids, "raised": raised, "due": due})
    return len(wanted)


@functools.cache
def _making(dialect) -> Insert:  # type: ignore[no-untyped-def]  # noqa: ANN001 - a module
    # Another process may have made it between the look and this.
    statement: Insert = dialect.insert(work_items).on_conflict_do_update(
        index_elements=["channel", "kind", "external_id"], set_={"wanted": work_items.c.wanted + 1}
    )
    return statement


@functools.cache
def _raising() -> Update:
    table = work_items.c
    rests = or_(*(table.state == state.value for state in RESTING))
    return (
        update(work_items)
        .where(table.id.in_(bindparam("items", expanding=True)))
        .values(
            wanted=table.wanted + 1,
            facets=bindparam("raised"),
            state=case((rests, ItemState.READY.value), else_=table.state),
            due_at=case((rests, bindparam("due", type_=table.due_at.type)), else_=table.due_at),
            updated_at=db_now(),
        )
    )
