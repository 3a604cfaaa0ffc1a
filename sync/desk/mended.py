"""Causes that somebody has mended elsewhere: the article exists in the ERP by now, the tax is named there.

Nobody tells us of that, so now and then one order of each such cause is held against the ERP, all of them in one look;
a cause that stops it no longer is released as if a person had pressed the button.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection

from mappings.canonical.errors import Problems
from mappings.canonical.records import Order
from mappings.canonical.refs import Ref
from mappings.canonical.schemas import order_from_json
from sync.desk.bulk import begin
from sync.desk.causes import LOOKUP_CAUSES, lookup_of
from sync.desk.forecast import lacks, needed_of
from sync.rules.lookups import load_lookups
from sync.rules.references import resolve, table_of
from sync.rules.systems import ChannelSystems
from sync.store.audit import Actor
from sync.store.bodies import load_json, unpack
from sync.store.bulk import BulkRun, last_runs
from sync.store.engine import Store
from sync.store.health import clock
from sync.store.needs import one_of_each

#: Who the audit names.
ACTOR: Final = Actor("crossdock", "the ERP has it now")
#: Issues that one look asks about.
_MOST: Final = 500
#: What the ERP knows and still stops orders is not released again and again: something else of it must be wrong.
_REST: Final = dt.timedelta(hours=6)


def release_mended(store: Store, systems: ChannelSystems) -> int:
    """Release what the ERP knows by now; answers how many issues. Raises Transient, ConnectionBroken."""
    name = systems.channel.name
    found = store.read(lambda c: one_of_each(c, name, LOOKUP_CAUSES, _MOST))
    asked = {issue: key for issue, cause, subject, _ in found if (key := lookup_of(cause, subject)) is not None}
    if not asked:
        return 0
    lookups = store.read(lambda c: load_lookups(c, systems.channel))
    systems = systems.asking(lookups)
    needed = {
        issue: _refs(systems, order_from_json(load_json(unpack(body))), asked[issue])
        for issue, _, _, body in found
        if issue in asked
    }
    wanted = frozenset[Ref]().union(*needed.values())
    known: Mapping[Ref, dict[str, Any]] = resolve(wanted, lookups, systems.target) if wanted else {}
    mended = [issue for issue, refs in needed.items() if refs and not any(lacks(ref, known) for ref in refs)]
    return store.write(lambda c: _release(c, mended)) if mended else 0


def _refs(systems: ChannelSystems, order: Order, key: tuple[str, str]) -> frozenset[Ref]:
    """What of the order the issue is about; nothing of an order that needs more than a name."""
    try:
        return frozenset(ref for ref in needed_of(systems, order) if (table_of(ref), ref.value) == key)
    except Problems:
        return frozenset()


def _release(connection: Connection, issues: list[int]) -> int:
    now, runs = clock(connection), last_runs(connection, issues)
    going = [issue for issue in issues if not _just_tried(runs.get(issue), now)]
    for issue in going:
        begin(connection, issue, actor=ACTOR, reason=ACTOR.origin)
    return len(going)


def _just_tried(run: BulkRun | None, now: dt.datetime) -> bool:
    return run is not None and (run.running or (run.asked_by == ACTOR.name and run.asked_at > now - _REST))
