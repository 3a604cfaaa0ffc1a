from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from connectors.kit.base import Rank
from connectors.kit.errors import Transient
from sync.desk.passport import load_passport, passport_to_json
from sync.desk.proof import KINDS, proof_to_json, prove
from sync.desk.steering import approve_order, reject_order, retry_orders
from sync.flows.adopt import find_matches, link_matches
from sync.flows.resync import compare_and_mark
from sync.rules.comparison import Kind
from sync.store.audit import Actor
from sync.store.tables import audit, bindings, issue_documents, order_skus, orders, work_items
from tests.databases import now
from tests.sync.flows.shop import PLACED, event, payload
from tests.sync.flows.world import CHANNEL, World

SINCE = PLACED - dt.timedelta(days=1)


def proof(world: World, channel: str = CHANNEL):
    return prove(world.store, world.systems.channel(channel), SINCE, now() + dt.timedelta(hours=1))


def found(world: World, channel: str = CHANNEL) -> list[tuple[str, str, str]]:
    """(kind, where, order) of every difference."""
    return [(str(row.kind), row.where, row.shop_id) for row in proof(world, channel).differences]


def whole(store, **how) -> World:
    world = World(store, **how)
    for _ in range(3):
        world.shop.place()
    world.carry()
    assert found(world) == []
    return world


def test_three_equal_columns_are_a_proof(store):
    world = whole(store)
    [group] = proof_to_json(proof(world))
    side = {"count": 3, "total": "60.00"}
    assert (group["shop"], group["crossdock"], group["erp"]) == (side, side, side)
    assert (group["channel"], group["currency"], group["day"]) == (CHANNEL, "EUR", "2026-11-10")
    assert group["differences"] == []
    assert proof(world).holds


def forget(world: World, order: str) -> None:
    row = world.order(order)

    def work(c) -> None:
        c.execute(issue_documents.delete().where(issue_documents.c.item_id == row.item_id))
        c.execute(bindings.delete().where(bindings.c.order_id == row.id))
        c.execute(order_skus.delete().where(order_skus.c.order_id == row.id))
        c.execute(orders.delete().where(orders.c.id == row.id))

    world.write(work)


def cancel(world: World) -> None:
    world.sales("2")[0].rank = Rank.CANCELLED


def double(world: World) -> None:
    world.erp.enter("web:2", "20.00", placed_at=PLACED, placed_on=PLACED.date())


def copy_by_hand(world: World) -> None:
    world.erp.enter("", "20.00", reference="WC-2", placed_at=PLACED, placed_on=PLACED.date())


SPOILS = {
    "a sale deleted": (lambda w: w.erp.sales.pop(w.sales("2")[0].id), [("missing", "erp", "2")]),
    "a sale cancelled": (cancel, [("state", "erp", "2")]),
    "a sale doubled": (double, [("doubled", "erp", "2")]),
    "a copy made by hand": (copy_by_hand, [("doubled", "erp", "2")]),
    "a cent more": (lambda w: setattr(w.sales("2")[0], "total", Decimal("20.01")), [("amount", "erp", "2")]),
    "another currency": (lambda w: setattr(w.sales("2")[0], "currency", "USD"), [("amount", "erp", "2")]),
    "our row deleted": (lambda w: forget(w, "2"), [("missing", "crossdock", "2")]),
    "an order that nobody pulled": (lambda w: w.shop.place(), [("missing", "crossdock, erp", "4")]),
    "an order gone in the shop": (lambda w: w.shop.delete("2"), [("missing", "shop", "2")]),
    "a total changed in the shop": (
        lambda w: w.shop.edit_total("2", "21.00"),
        [("amount", "erp", "2"), ("amount", "crossdock", "2")],
    ),
    "a state changed in the shop": (lambda w: w.shop.change("2", status="completed"), [("state", "crossdock", "2")]),
    "a foreign sale": (
        lambda w: w.erp.enter("web:99", "5.00", placed_at=PLACED, placed_on=PLACED.date()),
        [("foreign", "erp", "")],
    ),
}


@pytest.mark.parametrize("name", SPOILS)
def test_the_proof_names_exactly_what_was_spoiled(sqlite_store, name):
    world = whole(sqlite_store)
    spoil, differences = SPOILS[name]
    spoil(world)
    assert found(world) == differences
    assert not proof(world).holds


def test_a_held_order_is_explained_with_its_cause(sqlite_store):
    world = World(sqlite_store)
    world.shop.place(sku="UNKNOWN")
    world.carry()
    assert found(world) == [("held", "erp", "1")]
    assert "unknown_sku" in proof(world).differences[0].detail
    assert proof(world).holds


def test_an_edit_that_waits_for_a_person_is_held_and_no_further_difference(sqlite_store):
    """The hold shows both amounts side by side; an amount that nobody was told of stays a difference."""
    world = whole(sqlite_store)
    world.shop.edit_total("2", "21.00")
    world.carry()
    assert found(world) == [("held", "erp", "2")]
    assert "changed_after_import" in proof(world).differences[0].detail
    world.shop.edit_total("2", "22.00")
    assert ("amount", "crossdock", "2") in found(world)


def test_a_sale_that_a_person_has_seen_to_explains_a_cancelled_order(sqlite_store):
    world = whole(sqlite_store)
    world.shop.change("2", status="cancelled")
    world.carry()
    assert found(world) == [("held", "erp", "2")]
    [order] = world.find("2")
    approve_order(sqlite_store, order, actor=Actor("test"), reason="credited by hand")
    world.carry()
    assert found(world) == [("seen to", "erp", "2")]
    assert proof(world).holds
    world.erp.enter("web:2", "20.00", placed_at=PLACED, placed_on=PLACED.date())
    assert [kind for kind, *_ in found(world)] == ["doubled", "seen to"]


def fresh(number: int) -> dict:
    moment = f"{now() - dt.timedelta(seconds=5):%Y-%m-%dT%H:%M:%S}"
    times = dict.fromkeys(("date_created", "date_created_gmt", "date_modified_gmt", "date_paid_gmt"), moment)
    return payload(number) | times


def test_what_was_placed_a_moment_ago_may_be_on_its_way(sqlite_store):
    world = World(sqlite_store)
    world.shop.put(fresh(1))
    assert [kind for kind, *_ in found(world)] == ["too young"]
    assert proof(world).holds


def test_a_sale_that_was_there_and_is_gone_is_missing_however_young_it_is(sqlite_store):
    world = World(sqlite_store)
    world.shop.put(fresh(1))
    world.carry()
    assert found(world) == []
    world.erp.sales.clear()
    assert found(world) == [("missing", "erp", "1")]


@pytest.mark.parametrize("status", ["cancelled", "pending"])
def test_what_the_policy_leaves_out_is_agreed_upon_and_in_no_column(sqlite_store, status):
    world = World(sqlite_store)
    world.shop.place(status=status, date_paid_gmt=None)
    world.carry()
    [group] = proof_to_json(proof(world))
    assert group["left_out"]["count"] == 1
    assert group["shop"]["count"] == group["erp"]["count"] == 0
    assert group["differences"] == []


def test_a_left_out_order_that_the_erp_has_is_named(sqlite_store):
    world = World(sqlite_store)
    world.shop.place(status="cancelled")
    world.carry()
    world.erp.enter("web:1", "20.00", placed_at=PLACED, placed_on=PLACED.date())
    assert found(world) == [("state", "erp", "1")]
    world.shop.delete("1")
    assert [kind for kind, *_ in found(world)] == ["missing"]


def leave_out(world: World, number: str, reason: str = "a test of the till") -> None:
    [order] = world.find(number)
    assert reject_order(world.store, order, actor=Actor("anna", "terminal here"), reason=reason)


def test_an_order_that_a_person_left_out_is_named_with_who_when_and_why(store):
    world = World(store)
    kept, held = world.shop.place(), world.shop.place(sku="UNKNOWN")
    world.shop.place(status="cancelled")
    world.carry()
    before = now() - dt.timedelta(minutes=1)
    leave_out(world, held)
    proven = proof(world)
    [group] = proof_to_json(proven)
    assert (group["shop"], group["crossdock"], group["erp"]) == ({"count": 1, "total": "20.00"},) * 3
    # The rule's own is counted, the person's is named as well.
    assert group["left_out"] == {"count": 2, "total": "40.00"}
    [named] = group["differences"]
    assert (named["kind"], named["shop_id"], named["erp_ids"]) == ("left out", held, [])
    assert (named["decided"]["by"], named["decided"]["reason"]) == ("anna", "a test of the till")
    assert before < dt.datetime.fromisoformat(named["decided"]["at"]) <= now() + dt.timedelta(minutes=1)
    assert "20.00 EUR, by anna at " in named["detail"]
    assert proven.holds
    assert compare_and_mark(store, world.systems.channel(CHANNEL), SINCE, now()) == 0
    one = {number: load_passport(store, world.config, world.order(number)) for number in (kept, held)}
    assert passport_to_json(one[kept])["rejected"] is None
    assert passport_to_json(one[held])["rejected"] == named["decided"]


def test_the_word_is_known_when_its_note_is_older_than_notes_are_kept(sqlite_store):
    world = World(sqlite_store)
    world.shop.place(sku="UNKNOWN")
    world.carry()
    leave_out(world, "1", "late: a test")
    world.write(lambda c: c.execute(audit.delete()))
    [named] = proof(world).differences
    assert (named.decided.by, named.decided.reason) == ("anna", "late: a test")


def test_what_was_left_out_is_taken_back_by_a_retry(sqlite_store):
    world = World(sqlite_store)
    world.shop.place()
    world.pull()
    leave_out(world, "1")
    world.carry()
    assert found(world) == [("left out", "erp", "1")]
    retry_orders(world.store, orders=world.find("1"), actor=Actor("anna"))
    world.carry()
    assert found(world) == []
    assert len(world.sales("1")) == 1


def test_what_was_left_out_stays_out_until_it_changes_in_the_shop(sqlite_store):
    world = World(sqlite_store)
    world.shop.place()
    world.pull()
    leave_out(world, "1")
    # The same once more, by a pull and by a webhook, is no news.
    world.tell(event(world.shop.orders["1"]))
    world.carry()
    assert found(world) == [("left out", "erp", "1")]
    world.shop.change("1", customer_note="leave it at the door")
    world.carry()
    assert found(world) == []
    assert len(world.sales("1")) == 1


def test_two_channels_on_one_erp_do_not_see_each_others_sales(sqlite_store):
    world = World(sqlite_store, channels=("web", "b2b"))
    world.shop.place()
    world.carry()
    assert found(world, "web") == found(world, "b2b") == []


def test_a_side_that_cannot_be_read_proves_nothing(sqlite_store):
    world = whole(sqlite_store)
    world.shop.errors.append(Transient("nobody answers"))
    with pytest.raises(Transient):
        proof(world)
    world.erp.fail("list", "broken")
    with pytest.raises(Exception, match="revoked"):
        proof(world)


# --- resync -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SPOILS)
def test_a_resync_marks_what_looking_again_may_mend_and_nothing_else(sqlite_store, name):
    world = whole(sqlite_store)
    spoil, differences = SPOILS[name]
    spoil(world)
    expected = {order for kind, _, order in differences if kind != "foreign"}
    assert compare_and_mark(world.store, world.systems.channel(CHANNEL), SINCE, now()) == len(expected)
    assert {row.external_id for row in world.items() if row.state == "ready"} == expected


def test_a_resync_of_what_is_in_order_marks_nothing(sqlite_store):
    world = whole(sqlite_store)
    assert compare_and_mark(world.store, world.systems.channel(CHANNEL), SINCE, now()) == 0
    assert {row.state for row in world.items()} == {"done"}


# --- adopting ---------------------------------------------------------------------------------------------------


def test_adopting_links_by_key_or_number_and_creates_nothing(store):
    world = World(store, trusted=False)
    one, two, three = (world.shop.place() for _ in range(3))
    placed = {"placed_at": PLACED, "placed_on": PLACED.date(), "confirmed": 1}
    by_key = world.erp.enter(f"{CHANNEL}:{one}", "20.00", **placed)
    by_number = world.erp.enter("", "20.00", reference=f"WC-{two}", **placed)
    systems = world.systems.channel(CHANNEL)
    matches = find_matches(world.store, systems, SINCE, now())
    assert {(match.order_id, match.sale.external_id) for match in matches if match.linkable} == {
        (one, str(by_key.id)),
        (two, str(by_number.id)),
    }
    assert link_matches(world.store, systems, matches) == 2
    assert len(world.erp.sales) == 2
    assert {world.item(order).state for order in (one, two)} == {"done"}
    world.carry()
    assert len(world.erp.sales) == 3
    assert len(world.sales(three)) == 1
    assert find_matches(world.store, systems, SINCE, now()) == []


@pytest.mark.parametrize(
    ("sales", "verdict"),
    [
        ([("web:1", "20.01", "")], "no: the totals differ"),
        ([("web:1", "20.00", ""), ("", "20.00", "WC-1")], "no: more than one sale fits"),
    ],
)
def test_what_is_not_surely_the_same_is_not_linked(sqlite_store, sales, verdict):
    world = World(sqlite_store)
    world.shop.place()
    for key, total, reference in sales:
        world.erp.enter(key, total, reference=reference, placed_at=PLACED, placed_on=PLACED.date())
    matches = find_matches(world.store, world.systems.channel(CHANNEL), SINCE, now())
    assert {match.verdict for match in matches} == {verdict}
    assert not any(match.linkable for match in matches)
    assert world.rows(work_items.select()) == []


def test_every_kind_of_difference_has_a_name_for_people():
    assert set(KINDS) == set(Kind)
