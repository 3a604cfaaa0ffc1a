"""What is kept of each issue is what its rows add up to, whatever is done to them, and in whatever order."""

from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, insert, select, text, update

from sync.store.engine import Store
from sync.store.issue_sums import fold, recount, standings
from sync.store.issues import Cause, Stop, close_documents, list_open, open_issues, restate
from sync.store.marking import release
from sync.store.needs import figures_of, preview_release
from sync.store.tables import issue_documents, issue_hours, issue_sums, issues, orders, work_items

NOW = dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC)
CAUSES = [Cause(cause=name, channel="web", title=name) for name in ("unit", "price", "tax")]
ITEMS = range(1, 5)
#: Plain ones, those that are too fine or too large to be kept, and what is nearly so.
GRANDS = ("0", "12.5", "-3.36", "1000", "7.12345", "0.0001", "999999999.9999", "1000000000", "123456789012345678.99")
STATES = ("ready", "leased", "reconcile", "waiting", "held", "parked", "skipped", "done")


def item(number: int, state: str = "held") -> dict:
    return {
        "id": number,
        "channel": "web",
        "kind": "order",
        "external_id": str(number),
        "state": state,
        "due_at": NOW,
        "created_at": NOW + dt.timedelta(minutes=number),
        "updated_at": NOW,
    }


def order(number: int, grand: str, currency: str = "EUR") -> dict:
    return {
        "id": number,
        "channel": "web",
        "external_id": str(number),
        "item_id": number,
        "number": str(number),
        "source_state": "processing",
        "version": "1",
        "currency": currency,
        "grand": grand,
        "grand_sort": 0,
        "placed_at": NOW,
        "placed_on": "2026-11-20",
        "mapping_version": "1",
        "canonical": b"",
        "created_at": NOW,
        "updated_at": NOW,
    }


def seed(store: Store, count: int, grand: str = "10.00") -> None:
    def work(c) -> None:
        c.execute(insert(work_items), [item(number) for number in range(1, count + 1)])
        c.execute(insert(orders), [order(number, grand) for number in range(1, count + 1)])

    store.write(work)


def stop(store: Store, cause: Cause, *items: int) -> int:
    store.write(lambda c: open_issues(c, [Stop(number, cause) for number in items]))
    return store.read(lambda c: c.execute(select(issues.c.id).where(issues.c.cause == cause.cause)).scalar_one())


STEPS = st.one_of(
    st.tuples(st.just("read"), st.sampled_from(ITEMS), st.sampled_from(GRANDS), st.sampled_from(["EUR", "JPY"])),
    st.tuples(st.just("stop"), st.sets(st.sampled_from(ITEMS), min_size=1), st.sets(st.sampled_from(CAUSES))),
    st.tuples(st.just("state"), st.sets(st.sampled_from(ITEMS)), st.sampled_from(STATES)),
    st.tuples(st.just("close"), st.sets(st.sampled_from(ITEMS), min_size=1)),
    st.tuples(st.just("release"), st.sets(st.sampled_from(ITEMS), min_size=1)),
    st.tuples(st.just("drop"), st.sampled_from(ITEMS)),
    st.tuples(st.just("purge")),
    st.tuples(st.just("fold")),
)


def do(c, step) -> None:
    match step:
        case "read", number, grand, currency:
            values = {"grand": grand, "currency": currency}
            if not c.execute(update(orders).where(orders.c.item_id == number).values(values)).rowcount:
                c.execute(insert(orders), order(number, grand, currency))
        case "stop", items, causes:
            restate(c, sorted(items), [Stop(number, cause) for number in sorted(items) for cause in causes])
        case "state", items, state:
            c.execute(update(work_items).where(work_items.c.id.in_(items)).values(state=state))
        case "close", items:
            close_documents(c, sorted(items))
        case "release", items:
            release(c, sorted(items))
        case "drop", number:
            c.execute(delete(orders).where(orders.c.item_id == number))
            c.execute(delete(issue_documents).where(issue_documents.c.item_id == number))
        case ("purge",):
            c.execute(delete(issue_documents).where(issue_documents.c.closed_at.is_not(None)))
        case ("fold",):
            fold(c)


def truth(c, issue_id: int) -> tuple[int, int, dict[str, Decimal]]:
    """Documents, those that stand still, and their worth: from the rows alone, in Python."""
    query = (
        select(work_items.c.state, orders.c.currency, orders.c.grand)
        .select_from(issue_documents)
        .join(work_items, work_items.c.id == issue_documents.c.item_id)
        .outerjoin(orders, orders.c.item_id == work_items.c.id)
        .where(issue_documents.c.issue_id == issue_id, issue_documents.c.closed_at.is_(None))
    )
    rows = c.execute(query).all()
    stopped = [row for row in rows if row.state in {"held", "parked"}]
    money: dict[str, Decimal] = {}
    for row in stopped:
        if row.currency is not None:
            money[row.currency] = money.get(row.currency, Decimal(0)) + Decimal(row.grand)
    return len(rows), len(stopped), money


def check(c) -> None:
    assert not recount(c)
    figures, opened = figures_of(c), {issue.id: issue.documents for issue in list_open(c)}
    for issue_id in c.execute(select(issues.c.id)).scalars().all():
        documents, stopped, money = truth(c, issue_id)
        found = figures.get(issue_id)
        assert opened.get(issue_id, 0) == documents
        kept = (0, {}) if found is None else (found.documents, dict(found.money))
        assert kept == (stopped, money)


class _Undone(Exception):
    pass


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, max_size=12))
def test_whatever_happens_the_sums_are_what_the_rows_say(sqlite_store, steps):
    def work(c) -> None:
        c.execute(insert(work_items), [item(number, "ready") for number in ITEMS])
        for step in steps:
            do(c, step)
            check(c)
        raise _Undone

    with pytest.raises(_Undone):
        sqlite_store.write(work)


def test_the_same_on_both_databases(store):
    def work(c) -> None:
        c.execute(insert(work_items), [item(number, "held") for number in ITEMS])
        for number, grand in zip(ITEMS, GRANDS[4:8], strict=True):
            do(c, ("read", number, grand, "EUR"))
        do(c, ("stop", set(ITEMS), set(CAUSES[:2])))
        do(c, ("stop", {1, 2}, {CAUSES[2], CAUSES[0]}))
        do(c, ("state", {2, 3}, "ready"))
        do(c, ("drop", 4))
        do(c, ("read", 3, "5", "JPY"))

    store.write(work)
    store.read(check)
    store.write(fold)
    store.read(check)


def test_sums_and_previews_of_one_cause_and_of_several(store):
    seed(store, 4)
    unit, price = stop(store, CAUSES[0], 1, 2, 3), stop(store, CAUSES[1], 3, 4)
    assert store.read(lambda c: figures_of(c, [unit]))[unit].oldest == NOW + dt.timedelta(minutes=1)
    one = store.read(lambda c: preview_release(c, [unit]))
    assert (one.goes.documents, one.stays.documents, one.goes.money) == (2, 1, {"EUR": Decimal(20)})
    both = store.read(lambda c: preview_release(c, [unit, price]))
    assert (both.goes.documents, both.stays.documents, both.goes.money) == (4, 0, {"EUR": Decimal(40)})
    stop(store, CAUSES[2], 4)
    both = store.read(lambda c: preview_release(c, [unit, price]))
    assert (both.goes.documents, both.stays.documents) == (3, 1)


def test_a_difference_is_found_said_and_mended(store):
    seed(store, 3)
    unit = stop(store, CAUSES[0], 1, 2, 3)

    def spoil(c) -> None:
        c.execute(update(issue_documents).where(issue_documents.c.item_id == 1).values(amount=5))
        c.execute(update(issue_sums).where(issue_sums.c.documents > 0).values(stopped=issue_sums.c.stopped + 7))
        c.execute(delete(issue_hours))

    store.write(spoil)
    found = store.read(recount)
    assert (found.documents, found.sums) == (1, 2)
    assert store.write(lambda c: recount(c, mend=True)) == found
    assert not store.read(recount)
    assert store.read(lambda c: figures_of(c, [unit]))[unit].money == {"EUR": Decimal(30)}


def test_what_is_undone_counts_for_nothing(store):
    seed(store, 2)
    unit = stop(store, CAUSES[0], 1)

    def killed(c) -> None:
        restate(c, [1, 2], [Stop(2, CAUSES[0])])
        raise _Undone

    with pytest.raises(_Undone):
        store.write(killed)
    assert store.read(standings)[unit][0].documents == 1
    assert not store.read(recount)


def test_writers_at_the_same_time_add_up_and_do_not_wait_for_each_other(postgres_store):
    """Two drains stop and release what stands in the same cause, while the rows are folded."""
    store, each = postgres_store, 40
    seed(store, 2 * each)
    unit = stop(store, CAUSES[0], 1, each + 1)
    problems: list[BaseException] = []

    def drain(first: int) -> None:
        try:
            for number in range(first, first + each):
                store.write(lambda c, number=number: restate(c, [number], [Stop(number, cause) for cause in CAUSES]))
                if number % 2:
                    store.write(lambda c, number=number: release(c, [number]))
                if number % 5 == 0:
                    store.write(fold)
        except BaseException as error:  # noqa: BLE001 - it belongs to the test's own thread
            problems.append(error)

    # While one transaction has taken from a sum and not ended, another takes from the same.
    with store.engine.begin() as held, store.engine.begin() as other:
        release(held, [1])
        other.execute(text("SET LOCAL lock_timeout = 1"))
        release(other, [each + 1])
    drained = [threading.Thread(target=drain, args=(first,)) for first in (1, each + 1)]
    for thread in drained:
        thread.start()
    for thread in drained:
        thread.join()
    assert problems == []
    store.read(check)
    store.write(fold)
    assert store.read(lambda c: c.execute(select(func.max(issue_sums.c.writer))).scalar_one()) == 0
    store.read(check)
    assert store.read(lambda c: figures_of(c, [unit]))[unit].documents == truth_of(store, unit)


def truth_of(store: Store, issue_id: int) -> int:
    return store.read(lambda c: truth(c, issue_id))[1]
