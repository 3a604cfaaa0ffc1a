from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import select

from config.model import Mode
from sync.desk.causes import CAUSES, lookup_of, words_of
from sync.desk.lookup_rows import LookupRow, RowRefused, check_row
from sync.desk.lookups import add_lookup, preview_lookup
from sync.desk.needs import list_needs, need_detail
from sync.desk.steering import reject_order
from sync.rules.lookup_tables import KNOWN_FACTS
from sync.rules.lookups import load_lookups
from sync.store.audit import Actor
from sync.store.needs import count_needing
from sync.store.tables import audit, issues
from tests.sync.flows.world import CHANNEL, World

ANNA = Actor("anna", "console 127.0.0.1")


def total(world: World, *placed: str) -> Decimal:
    return sum((Decimal(world.shop.orders[order]["total"]) for order in placed), Decimal(0))


def by_cause(world: World):
    return {need.issue.cause: need for need in list_needs(world.store)}


def test_documents_and_money_of_each_cause_are_counted_once(store):
    world = World(store, value_limits={"EUR": Decimal(10)})
    placed = [world.shop.place(sku="ALT", customer=str(number)) for number in range(3)]
    fine = world.shop.place(customer="fine")
    world.carry()
    needs = by_cause(world)
    assert (needs["unknown_sku"].figures.documents, needs["value_limit"].figures.documents) == (3, 4)
    assert needs["unknown_sku"].figures.money == {"EUR": total(world, *placed)}
    assert needs["value_limit"].figures.money == {"EUR": total(world, *placed, fine)}
    assert store.read(count_needing) == ({CHANNEL: 4}, 2)


def test_an_order_that_could_not_be_read_has_no_money(store):
    world = World(store)
    world.shop.place(status="on-the-moon")
    world.carry()
    [need] = list_needs(store)
    assert (need.figures.documents, need.figures.unread, need.figures.money) == (1, 1, {})
    assert need.lookup == ("order_state", "on-the-moon")


def test_what_was_released_and_not_looked_at_yet_is_under_way(store):
    world = World(store)
    world.shop.place(sku="ALT")
    world.carry()
    add_lookup(store, world.config, LookupRow("sku", "ALT", "ANOTHER"), actor=ANNA)
    [need] = list_needs(store)
    assert (need.figures.documents, need.under_way) == (0, 1)
    assert store.read(count_needing) == ({}, 0)


def test_the_preview_of_a_row_tells_what_goes_from_what_another_cause_still_stops(store):
    world = World(store, value_limits={"EUR": Decimal(30)})
    going = [world.shop.place(sku="ALT", customer=str(number)) for number in range(3)]
    staying = world.shop.place(sku="ALT", customer="big")
    world.shop.edit_total(staying, "50.00")
    world.shop.place(sku="OTHER", customer="other")
    world.carry()
    row = LookupRow("sku", "ALT", "TASSE")
    preview = preview_lookup(store, world.config, row)
    assert (preview.release.goes.documents, preview.release.goes.money) == (3, {"EUR": total(world, *going)})
    assert (preview.release.stays.documents, preview.release.stays.money) == (1, {"EUR": total(world, staying)})
    assert preview.before is None
    add_lookup(store, world.config, row, actor=ANNA)
    world.drain()
    assert {world.item(order).state for order in going} == {"done"}
    assert world.item(staying).state == "held"
    assert {cause: need.figures.documents for cause, need in by_cause(world).items()} == {
        "value_limit": 1,
        "unknown_sku": 1,
    }


def test_a_document_in_two_issues_that_one_row_fixes_counts_once(store):
    world = World(store, channels=("web", "outlet"))
    world.shop.place(sku="ALT")
    world.carry()
    both = preview_lookup(store, world.config, LookupRow("sku", "ALT", "TASSE")).release
    one = preview_lookup(store, world.config, LookupRow("sku", "ALT", "TASSE", "channel:outlet")).release
    assert (both.goes.documents, one.goes.documents, one.stays.documents) == (2, 1, 0)


def test_a_row_for_one_channel_releases_only_that_one(store):
    world = World(store, channels=("web", "outlet"))
    order = world.shop.place(sku="ALT")
    world.carry()
    add_lookup(store, world.config, LookupRow("sku", "ALT", "TASSE", "channel:outlet"), actor=ANNA)
    assert {world.item(order, name).state for name in ("web", "outlet")} == {"held", "ready"}


def test_a_changed_row_is_audited_with_what_it_said_before(store):
    world = World(store)
    for target in ("TASSE", "KANNE"):
        add_lookup(store, world.config, LookupRow("sku", "ALT", f" {target} "), actor=ANNA, reason="moved")
    assert store.read(lambda c: load_lookups(c, world.config.channels[CHANNEL])).text("sku", "ALT") == "KANNE"
    rows = store.read(lambda c: c.execute(select(audit).order_by(audit.c.id)).all())
    assert [(row.action, row.before, row.after, row.reason, row.origin) for row in rows] == [
        ("lookup", "", "TASSE", "moved", ANNA.origin),
        ("lookup", "TASSE", "KANNE", "moved", ANNA.origin),
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (LookupRow("sku", "A", "  "), "say what the value is"),
        (LookupRow("sku", "A", "x" * 256), "at most 255"),
        (LookupRow("order_state", "odd", "done"), "one of draft, pending"),
        (LookupRow("sku", "A", "B", "channel:nowhere"), "nowhere"),
        (LookupRow("sku", "A", "B", "connection:nobody"), "nobody"),
    ],
)
def test_a_row_that_cannot_be_meant_is_refused_in_plain_words(sqlite_store, row, said):
    with pytest.raises(RowRefused, match=said):
        check_row(World(sqlite_store).config, row, KNOWN_FACTS)


@pytest.mark.parametrize(
    ("cause", "subject", "row"),
    [
        ("unknown_sku", "sku:ABC-1", ("sku", "ABC-1")),
        ("unmapped", "tax:19%:DE", ("tax", "19%:DE")),
        ("unmapped", "country:XK", ("country", "XK")),
        ("unmapped", "order_state:on-the-moon", ("order_state", "on-the-moon")),
        ("ambiguous_tax", "tax:19%", ("tax", "19%")),
        # No row can help these.
        ("unknown_sku", "line:A mug", None),
        ("unknown_sku", "A mug", None),
        ("unmapped", "party:4711", None),
        ("unmapped", "sku:", None),
        ("price", "sku:ABC-1", None),
        # Cut short: the value is not known.
        ("unmapped", "tax:" + "x" * 251, None),
    ],
)
def test_which_causes_a_look_up_row_fixes(cause, subject, row):
    assert lookup_of(cause, subject) == row


def test_a_cause_that_nobody_has_words_for_still_says_what_to_do():
    assert str(words_of("a_new_one").remedy)
    assert all(str(words.label) and str(words.happened) and str(words.remedy) for words in CAUSES.values())


def test_what_the_documents_share_is_shown(store):
    world = World(store)
    for number in range(5):
        world.shop.place(sku="ALT", customer=str(number))
    world.carry()
    [need] = list_needs(store)
    detail = need_detail(store, need.issue.id, limit=2)
    assert [document.external_id for document in detail.documents] == ["1", "2"]
    assert len(need_detail(store, need.issue.id, after=detail.documents[-1].item_id, limit=2).documents) == 2
    shared = {entry.field: (entry.value, entry.count, entry.of) for entry in detail.common}
    assert shared["currency"] == ("EUR", 5, 5)
    assert shared["source_state"] == ("processing", 5, 5)
    assert need_detail(store, 4711) is None


def test_other_causes_of_the_same_documents_are_named(store):
    world = World(store, value_limits={"EUR": Decimal(10)})
    world.shop.place(sku="ALT")
    world.shop.place(customer="b")
    world.carry()
    detail = need_detail(store, by_cause(world)["value_limit"].issue.id)
    assert [(issue.cause, count) for issue, count in detail.others] == [("unknown_sku", 1)]


def test_a_closed_issue_can_still_be_looked_at(store):
    world = World(store, rules={"test_order": Mode.OFF})
    order = world.shop.place(sku="ALT")
    world.carry()
    issue_id = store.read(lambda c: c.execute(select(issues.c.id)).scalar_one())
    reject_order(store, world.order(order), actor=ANNA, reason="no")
    assert list_needs(store) == []
    assert need_detail(store, issue_id).closed_at is not None
