"""Very many documents of one cause: released in pieces, watched, cancelled, gone on with."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import event, func, insert, select, text, update

from sync.desk import bulk
from sync.desk.bulk import advance, cancel_bulk, progress_of, start_bulk
from sync.desk.needs import list_needs, need_detail
from sync.store.audit import Actor
from sync.store.bodies import dump_json, pack
from sync.store.bulk import load_run
from sync.store.issues import Cause, Stop, open_issues
from sync.store.needs import preview_release
from sync.store.states import ItemState
from sync.store.tables import issue_documents, issues, orders, work_items
from tests.shared import THOROUGH

pytestmark = [pytest.mark.slow, pytest.mark.heavy, pytest.mark.timeout(600)]

#: Many pieces, and more than twice what may wait for the workers; the thorough run has as many as an installation may
#: ever have of one cause.
COUNT = 100_000 if THOROUGH else 5_000
NOW = dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC)
ANNA = Actor("anna")
#: As much of an order as is read for what the documents have in common.
CONTENT = pack(
    dump_json(
        {
            "source_state": "processing",
            "payment_method": "invoice",
            "currency": "EUR",
            "billing": {"country": "DE"},
            "shipping": {"country": ""},
            "tax_lines": [],
        }
    )
)


def item(number: int) -> dict:
    return {
        "id": number,
        "channel": "web",
        "kind": "order",
        "external_id": str(number),
        "state": "held",
        "done": 1,
        "due_at": NOW,
        "created_at": NOW,
        "updated_at": NOW,
    }


def order(number: int) -> dict:
    return {
        "id": number,
        "channel": "web",
        "external_id": str(number),
        "item_id": number,
        "number": str(number),
        "source_state": "processing",
        "version": "1",
        "currency": "EUR",
        "grand": f"{number % 500}.{number % 100:02}",
        "grand_sort": 0,
        "placed_at": NOW,
        "placed_on": "2026-11-20",
        "mapping_version": "1",
        "canonical": CONTENT,
        "created_at": NOW,
        "updated_at": NOW,
    }


@pytest.fixture
def crowded(store):
    """One cause that stops everything, and one that stops every tenth as well."""
    causes = [Cause(cause=name, subject=f"sku:{name}", channel="web", title=name) for name in ("unknown_sku", "unit")]

    def seed(c) -> None:
        open_issues(c, [Stop(None, cause) for cause in causes])
        ids = {row.cause: row.id for row in c.execute(select(issues.c.cause, issues.c.id))}
        for start in range(1, COUNT + 1, 5000):
            numbers = range(start, start + 5000)
            c.execute(insert(work_items), [item(number) for number in numbers])
            c.execute(insert(orders), [order(number) for number in numbers])
            rows = [{"issue_id": ids["unknown_sku"], "item_id": number, "opened_at": NOW} for number in numbers]
            rows += [dict(row, issue_id=ids["unit"]) for row in rows if row["item_id"] % 10 == 0]
            c.execute(insert(issue_documents), rows)

    store.write(seed)
    # Autovacuum does it within a minute where rows come in the course of days.
    store.write(lambda c: c.execute(text("ANALYZE")))
    return store.read(lambda c: c.execute(select(issues.c.id).where(issues.c.cause == "unknown_sku")).scalar_one())


def worked_off(store) -> None:
    """The workers have done what was released."""
    ready = work_items.c.state == ItemState.READY.value
    store.write(lambda c: c.execute(update(work_items).where(ready).values(state="done", done=work_items.c.wanted)))


@pytest.mark.fault("G1")
def test_very_many_documents_of_one_cause(store, crowded):
    need = next(need for need in list_needs(store) if need.issue.id == crowded)
    assert need.figures.documents == COUNT
    worth = sum((Decimal(order(number)["grand"]) for number in range(1, COUNT + 1)), Decimal(0))
    assert need.figures.money == {"EUR": worth}
    assert [count for _, count in need_detail(store, crowded, after=COUNT - 50).others] == [COUNT // 10]
    release = store.read(lambda c: preview_release(c, [crowded]))
    assert (release.goes.documents, release.stays.documents) == (COUNT * 9 // 10, COUNT // 10)

    largest = []

    def note(_connection, cursor, statement, *_rest) -> None:
        if statement.startswith("UPDATE work_items"):
            largest.append(cursor.rowcount)

    event.listen(store.engine, "after_cursor_execute", note)
    run, _ = start_bulk(store, crowded, actor=ANNA)
    for _ in range(5):
        advance(store)
    event.remove(store.engine, "after_cursor_execute", note)
    assert max(largest) <= bulk.PIECE
    assert cancel_bulk(store, run.id, actor=ANNA)
    assert advance(store) == 0
    cancelled = progress_of(store, run.id)
    # Only so far ahead of the workers, who have done nothing yet.
    assert bulk.PIECE < cancelled.run.released <= bulk.DEPTH + bulk.PIECE

    worked_off(store)
    run, new = start_bulk(store, crowded, actor=ANNA)
    assert new
    while store.read(lambda c: load_run(c, run.id)).running:
        if not advance(store):
            worked_off(store)
    worked_off(store)
    wanted = store.read(lambda c: c.execute(select(func.min(work_items.c.wanted), func.max(work_items.c.wanted))).one())
    assert wanted[0] == 2, "every document was released"
    assert wanted[1] <= 3, "once by each run at most"
