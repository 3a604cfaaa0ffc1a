from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from sync.desk import issue_life
from sync.desk.issue_life import IssueState, LifeRefused
from sync.desk.lookup_rows import LookupRow
from sync.desk.lookups import add_lookup
from sync.desk.needs import NeedFilter, chosen, hours_of, list_needs, need_detail
from sync.desk.passport import passport
from sync.desk.steering import reject_order, retry_orders
from sync.store import users
from sync.store.audit import Actor
from sync.store.comments import of_item
from sync.store.tables import audit, issue_documents, issues
from tests.databases import now
from tests.sync.flows.shop import payload
from tests.sync.flows.world import CHANNEL, World

ANNA = Actor("anna", "console 127.0.0.1")


@pytest.fixture
def world(store):
    made = World(store)
    for customer in ("one", "two"):
        made.shop.place(sku="ALT", customer=customer)
    made.carry()
    return made


def only(world):
    [need] = list_needs(world.store)
    return need


def actions(world):
    return [(row.action, row.subject, row.after) for row in world.rows(select(audit).order_by(audit.c.id))]


def fix(world):
    add_lookup(world.store, world.config, LookupRow("sku", "ALT", "TASSE"), actor=ANNA)


def test_an_issue_is_open_until_somebody_knows_of_it(world):
    assert only(world).state is IssueState.OPEN
    issue_life.acknowledge(world.store, only(world).issue.id, actor=ANNA)
    assert only(world).state is IssueState.ACKNOWLEDGED
    assert only(world).issue.acknowledged_by == "anna"
    assert actions(world)[-1] == ("acknowledge", f"issue:{only(world).issue.id}", "")


def test_one_that_waits_until_a_time_is_back_by_itself(world):
    number = only(world).issue.id
    issue_life.snooze(world.store, number, until=now() + dt.timedelta(hours=4), actor=ANNA)
    assert only(world).state is IssueState.SNOOZED
    assert chosen(list_needs(world.store), NeedFilter()) == []
    assert len(chosen(list_needs(world.store), NeedFilter(state="snoozed"))) == 1
    world.write(lambda c: c.execute(update(issues).values(snoozed_until=now() - dt.timedelta(seconds=1))))
    assert only(world).state is IssueState.OPEN


def test_one_that_waits_until_it_grows_is_back_with_the_order_that_is_too_many(world):
    issue_life.snooze(world.store, only(world).issue.id, grows_by=1, actor=ANNA)
    for customer, state in (("three", IssueState.SNOOZED), ("four", IssueState.OPEN)):
        world.shop.place(sku="ALT", customer=customer)
        world.carry()
        assert only(world).state is state


def test_whoever_lets_one_wait_may_wake_it(world):
    number = only(world).issue.id
    issue_life.snooze(world.store, number, grows_by=5, actor=ANNA)
    issue_life.wake(world.store, number, actor=ANNA)
    assert only(world).state is IssueState.OPEN
    assert [action for action, _, _ in actions(world)][-2:] == ["snooze", "wake"]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({}, "until when"),
        ({"until": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)}, "a time to come"),
        ({"until": dt.datetime(2120, 1, 1, tzinfo=dt.UTC)}, "90 days at most"),
        ({"grows_by": 0}, "from 1 on"),
    ],
)
def test_a_wait_without_an_end_is_refused(world, how, said):
    with pytest.raises(LifeRefused, match=said):
        issue_life.snooze(world.store, only(world).issue.id, **how, actor=ANNA)
    assert only(world).state is IssueState.OPEN


def test_what_is_released_is_releasing_and_then_resolved_by_itself(world):
    number = only(world).issue.id
    fix(world)
    assert only(world).state is IssueState.RELEASING
    world.drain()
    assert list_needs(world.store) == []
    [over] = list_needs(world.store, closed=True)
    assert (over.issue.id, over.state, over.closed_at is not None) == (number, IssueState.RESOLVED, True)


def test_one_that_comes_back_says_so_and_what_was_said_of_it_before_counts_no_more(world):
    number = only(world).issue.id
    issue_life.acknowledge(world.store, number, actor=ANNA)
    issue_life.snooze(world.store, number, grows_by=100, actor=ANNA)
    for order in world.items():
        reject_order(world.store, world.order(order.external_id), actor=ANNA, reason="no")
    assert list_needs(world.store) == []
    world.shop.place(sku="ALT", customer="later")
    world.carry()
    need = only(world)
    assert (need.issue.id, need.state, need.issue.regressions) == (number, IssueState.REGRESSED, 1)
    assert need.issue.regressed_at > need.issue.opened_at
    assert (need.issue.acknowledged_at, need.issue.snoozed_at) == (None, None)
    issue_life.acknowledge(world.store, number, actor=ANNA)
    assert only(world).state is IssueState.ACKNOWLEDGED


def test_an_order_that_is_looked_at_and_stopped_again_was_never_over(store):
    world = World(store)
    order = world.shop.place(sku="ALT")
    world.carry()
    issue_life.acknowledge(store, only(world).issue.id, actor=ANNA)
    since = world.rows(select(issue_documents.c.opened_at))
    for _ in range(2):
        retry_orders(store, orders=[world.order(order)], actor=ANNA)
        world.drain()
    need = only(world)
    assert (need.state, need.issue.regressions) == (IssueState.ACKNOWLEDGED, 0)
    assert world.rows(select(issue_documents.c.opened_at)) == since


def test_an_order_that_is_stopped_by_something_else_now_leaves_the_first_issue(store):
    world = World(store)
    order = world.shop.place(sku="ALT")
    world.carry()
    number = only(world).issue.id
    world.shop.change(order, line_items=payload(int(order), sku="NEU")["line_items"])
    world.carry()
    [need] = list_needs(store)
    assert (need.issue.id != number, need.issue.subject) == (True, "sku:NEU")
    assert [over.issue.id for over in list_needs(store, closed=True)] == [number]


def test_somebody_cares_for_it_until_a_day(world):
    world.write(lambda c: users.add_user(c, "grace", "x", "operator"))
    world.write(lambda c: users.add_user(c, "vera", "x", "viewer"))
    assert issue_life.assignable(world.store) == ["grace"]
    issue_life.assign(world.store, only(world).issue.id, assignee="grace", due_on="2026-12-01", actor=ANNA)
    assert (only(world).issue.assignee, only(world).issue.due_on) == ("grace", "2026-12-01")
    assert actions(world)[-1][2] == "grace, by 2026-12-01"
    for who, count in (("grace", 1), ("-", 0), ("", 1)):
        assert len(chosen(list_needs(world.store), NeedFilter(assignee=who))) == count
    issue_life.assign(world.store, only(world).issue.id, assignee="", due_on="", actor=ANNA)
    assert (only(world).issue.assignee, only(world).issue.due_on) == ("", "")


@pytest.mark.parametrize(("who", "day", "said"), [("nobody-here", "", "no user"), ("", "soon", "'soon' is no day")])
def test_only_users_care_and_only_days_are_due(world, who, day, said):
    with pytest.raises(LifeRefused, match=said):
        issue_life.assign(world.store, only(world).issue.id, assignee=who, due_on=day, actor=ANNA)


def test_nothing_is_said_of_an_issue_that_is_over(world):
    number = only(world).issue.id
    fix(world)
    world.drain()
    for change in (
        lambda: issue_life.acknowledge(world.store, number, actor=ANNA),
        lambda: issue_life.snooze(world.store, number, grows_by=1, actor=ANNA),
        lambda: issue_life.assign(world.store, number, assignee="", due_on="", actor=ANNA),
    ):
        with pytest.raises(LookupError, match="nothing is stopped"):
            change()


def test_comments_are_kept_in_their_order_and_audited(world):
    number = only(world).issue.id
    for text in ("I ask the buyer.", " He says yes. "):
        issue_life.comment_issue(world.store, number, text, actor=ANNA)
    found = need_detail(world.store, number).comments
    assert [(each.text, each.by) for each in found] == [("I ask the buyer.", "anna"), ("He says yes.", "anna")]
    assert actions(world)[-1] == ("comment", f"issue:{number}", "He says yes.")
    order = world.order(world.items()[0].external_id)
    issue_life.comment_order(world.store, order, "call back", actor=ANNA)
    assert [each.text for each in world.store.read(lambda c: of_item(c, order.item_id))] == ["call back"]
    assert actions(world)[-1][1] == f"order:{CHANNEL}:{order.external_id}"


@pytest.mark.parametrize("text", ["", "  \n", "x" * (issue_life.MAX_COMMENT + 1)])
def test_a_comment_says_something_and_not_everything(world, text):
    with pytest.raises(LifeRefused):
        issue_life.comment_issue(world.store, only(world).issue.id, text, actor=ANNA)


def test_a_comment_on_nothing_is_refused(world):
    with pytest.raises(LookupError, match="no issue 4711"):
        issue_life.comment_issue(world.store, 4711, "hello", actor=ANNA)


def test_the_trend_counts_what_was_stopped_in_each_hour_and_day(world):
    number = only(world).issue.id
    first, second = (row.item_id for row in world.rows(select(issue_documents.c.item_id)))
    for item, back in ((first, dt.timedelta(hours=3)), (second, dt.timedelta(days=2))):
        at = now() - back
        world.write(
            lambda c, item=item, at=at: c.execute(
                update(issue_documents).where(issue_documents.c.item_id == item).values(opened_at=at)
            )
        )
    found = need_detail(world.store, number)
    assert (sum(found.hours), found.hours[-4]) == (1, 1)
    assert (sum(found.days), found.days[-3]) == (2, 1)
    assert hours_of(world.store, list_needs(world.store)) == {number: list(found.hours)}


def test_a_list_is_narrowed_and_sorted(store):
    world = World(store, channels=("web", "outlet"), value_limits={"EUR": Decimal(10)})
    for customer in ("one", "two"):
        world.shop.place(sku="ALT", customer=customer)
    big = world.shop.place(customer="big")
    world.shop.edit_total(big, "9000.00")
    world.carry()
    needs = list_needs(store)
    for which in (NeedFilter(channel="outlet"), NeedFilter(cause="value_limit")):
        assert len(chosen(needs, which)) == len(needs) // 2
    assert chosen(needs, NeedFilter(owner="integrator")) == []
    assert chosen(needs, NeedFilter(sort="money"))[0].issue.cause == "value_limit"
    ages = [need.figures.oldest for need in chosen(needs, NeedFilter(sort="oldest"))]
    assert ages == sorted(ages)


def test_an_order_is_cared_for_by_somebody_until_a_day_and_no_longer_when_that_is_said(sqlite_store):
    world = World(sqlite_store)
    order_id = world.shop.place()
    world.carry()
    [order] = world.find(order_id)
    world.write(lambda c: users.add_user(c, "ben", "x", "operator"))
    with pytest.raises(LifeRefused, match="There is no user carl"):
        issue_life.assign_order(world.store, order, assignee="carl", due_on="", actor=ANNA)
    with pytest.raises(LifeRefused, match="is no day"):
        issue_life.assign_order(world.store, order, assignee="ben", due_on="soon", actor=ANNA)
    issue_life.assign_order(world.store, order, assignee="ben", due_on="2026-12-01", actor=ANNA)
    [told] = passport(world.store, world.config, order_id)
    assert told["care"] == {"assignee": "ben", "due_on": "2026-12-01"}
    issue_life.assign_order(world.store, order, assignee="", due_on="", actor=ANNA)
    [told] = passport(world.store, world.config, order_id)
    assert told["care"] == {"assignee": "", "due_on": ""}
    assert actions(world)[-2:] == [
        ("assign", f"order:{CHANNEL}:{order_id}", "ben, by 2026-12-01"),
        ("assign", f"order:{CHANNEL}:{order_id}", "nobody"),
    ]
