"""Every field of an order answers where it came from, by the revision that made it and not by the newest one."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from sync.desk.forecast import closed_since, forecast, last_forecast
from sync.desk.lineage import is_within, lineage_of
from sync.desk.lookup_rows import LookupRow
from sync.desk.lookup_views import make_table
from sync.desk.lookups import remove_lookup, save_lookups
from sync.desk.needs import list_needs, need_detail
from sync.desk.profiles import publish
from sync.rules.lookups import load_lookups
from sync.store.audit import Actor
from sync.store.erasure import erase_order
from sync.store.lookups import load_rows
from sync.store.marking import mark
from sync.store.orders import load_used
from sync.store.revisions import load_published
from sync.store.tables import orders
from tests.sync.flows.shop import payload
from tests.sync.flows.world import CHANNEL, World

ANNA = Actor("anna")
PROFILE = """\
profile: own
extends: woocommerce
source:
  order:
    - {to: payment_terms, copy: source.payment_method, then: [{lookup: term}]}
erp:
  sandbox_erp:
    order:
      - {to: x_channel, constant: NAME}
"""


@pytest.fixture
def world(sqlite_store):
    made = World(sqlite_store)
    made.systems._published = lambda channel: made.store.read(lambda c: load_published(c, channel))
    row = LookupRow("term", "bacs", "prepaid", "channel:web")
    made.shop.place(payment_method="bacs")
    make_table(made.store, "term", "our payment terms", actor=ANNA)
    save_lookups(made.store, made.config, [row], actor=ANNA)
    return made


def put(world, name, base):
    text = PROFILE.replace("NAME", name)
    publish(world.store, world.config, CHANNEL, text, actor=ANNA, reason="wanted so", base=base)


def look(world, order="1", **how):
    return lineage_of(world.store, world.systems.channel(CHANNEL), world.order(order), **how)


def field(found, name):
    return next(each for each in found.fields if each.origin.field == name)


def test_a_rule_is_told_with_its_line_what_it_read_the_row_and_who_published_it(world):
    put(world, "a", 0)
    world.carry()
    found = look(world)
    told = field(found, "payment_terms").to_json()
    assert (told["value"], told["by"], told["where"]) == ("prepaid", "rule", "web, revision 1:5:7")
    assert told["reads"] == [{"path": "source.payment_method", "value": "bacs"}]
    assert told["lookups"] == [
        {
            "table": "term",
            "value": "bacs",
            "found": "prepaid",
            "scope": "channel:web",
            "revision": 1,
            "today": None,
            "facts": "",
        }
    ]
    assert (found.revision.number, found.revision.author, found.remarks) == (1, "anna", ())


def test_what_no_rule_wrote_is_told_by_the_base_mapping_with_what_it_read(world):
    put(world, "a", 0)
    world.carry()
    told = field(look(world), "number").to_json()
    assert told["by"] == "base"
    assert told["where"].startswith("woocommerce:")
    assert told["reads"] == [{"path": "source.number", "value": told["value"]}]


def test_a_field_of_the_erp_is_told_too(world):
    put(world, "a", 0)
    world.carry()
    told = field(look(world), "erp.x_channel").to_json()
    assert (told["value"], told["by"], told["where"]) == ("a", "rule", "web, revision 1:9:9")


def test_an_order_is_told_by_the_revision_that_made_it(world):
    put(world, "a", 0)
    world.carry()
    put(world, "b", 1)
    found = look(world)
    assert (found.revision.number, field(found, "erp.x_channel").origin.value) == (1, "a")


def test_an_order_from_before_the_first_revision_is_told_by_the_base_mapping_alone(world):
    world.carry()
    put(world, "a", 0)
    found = look(world)
    assert found.revision is None
    assert {each.origin.by for each in found.fields} == {"base"}
    assert any(each.origin.field.startswith("erp.") for each in found.fields)


def save(world, *row):
    save_lookups(world.store, world.config, [LookupRow(*row)], actor=ANNA)


def test_a_field_names_the_row_that_was_used_then_and_what_it_says_since(world):
    put(world, "a", 0)
    world.carry()
    save(world, "term", "bacs", "later", "channel:web")
    found = look(world)
    told = field(found, "payment_terms")
    [row] = told.rows
    assert (told.origin.value, row.found, row.revision, row.today) == ("prepaid", "prepaid", 1, "later")
    assert found.remarks == ()


def test_a_row_that_is_gone_since_is_told_all_the_same(world):
    put(world, "a", 0)
    world.carry()
    [row] = world.store.read(lambda c: load_rows(c, table_name="term"))
    remove_lookup(world.store, world.config, row, actor=ANNA)
    found = look(world)
    [row] = field(found, "payment_terms").rows
    assert (row.found, row.scope, row.today, found.remarks) == ("prepaid", "channel:web", "", ())


def test_a_row_that_was_added_since_is_not_taken_for_one_that_was_used(world):
    text = PROFILE.replace("NAME", "a").replace("{lookup: term}", "{lookup: {table: term, otherwise: unknown}}")
    world.shop.place(payment_method="cheque")
    publish(world.store, world.config, CHANNEL, text, actor=ANNA, reason="x", base=0)
    world.carry()
    save(world, "term", "cheque", "slow", "channel:web")
    told = field(look(world, "2"), "payment_terms")
    assert (told.origin.value, told.rows) == ("unknown", ())


def test_the_rows_by_which_the_sale_was_resolved_are_kept_with_the_order(world):
    save(world, "sku", "SEIFE", "TASSE")
    order = world.shop.place(sku="SEIFE", customer="b")
    world.carry()
    save(world, "sku", "SEIFE", "KANNE")
    rows = {row.table: row for row in look(world, order).rows}
    assert (rows["sku"].value, rows["sku"].found, rows["sku"].today) == ("SEIFE", "TASSE", "KANNE")


def test_the_rows_of_a_sale_stay_those_that_it_was_made_with_when_its_order_is_looked_at_again(world):
    save(world, "sku", "SEIFE", "TASSE")
    order = world.shop.place(sku="SEIFE", customer="b")
    world.carry()
    save(world, "sku", "SEIFE", "KANNE")
    world.store.write(lambda c: mark(c, CHANNEL, "order", [order], facet="target", refetch=True))
    world.drain()
    assert next(row for row in look(world, order).rows if row.table == "sku").found == "TASSE"


def test_a_rule_for_the_erp_names_the_row_that_it_used_then(world):
    text = PROFILE.replace("constant: NAME", "copy: order.payment_method, then: [{lookup: term}]")
    publish(world.store, world.config, CHANNEL, text, actor=ANNA, reason="x", base=0)
    world.carry()
    save(world, "term", "bacs", "later", "channel:web")
    told = field(look(world), "erp.x_channel")
    assert (told.origin.value, told.rows[0].today) == ("prepaid", "later")


def test_an_order_from_before_rows_were_noted_is_told_with_those_of_now(world):
    put(world, "a", 0)
    world.carry()
    world.store.write(lambda c: c.execute(update(orders).values(mapped_rows=None, sale_rows=None)))
    save(world, "term", "bacs", "later", "channel:web")
    found = look(world)
    assert field(found, "payment_terms").origin.value == "later"
    assert "is not made like this today" in found.remarks[0]


def test_what_the_shop_has_changed_since_is_made_with_the_rows_of_now_and_that_is_no_secret(world):
    put(world, "a", 0)
    world.carry()
    save(world, "term", "cheque", "slow", "channel:web")
    world.shop.change("1", payment_method="cheque")
    world.pull()
    found = look(world)
    assert field(found, "payment_terms").origin.value == "slow"
    assert "is not made like this today" in found.remarks[0]


def test_the_values_of_rows_go_with_the_customer_of_their_order(world):
    """A row may be asked for by a name, or an e-mail address."""
    put(world, "a", 0)
    world.carry()
    order = world.order("1")
    assert all(each is not None for each in world.store.read(lambda c: load_used(c, order.id)))
    world.store.write(lambda c: erase_order(c, order.id, {CHANNEL: "shop"}))
    assert world.store.read(lambda c: load_used(c, order.id)) == (None, None)


def test_one_field_is_told_with_its_parts_and_nothing_else(world):
    world.carry()
    told = {each.origin.field for each in look(world, field="lines[0]").fields}
    assert "lines[0].sku" in told
    assert all(name.startswith("lines[0].") for name in told)
    assert not is_within("linesman", "lines")
    assert is_within("lines[0].sku", "lines")


FACTS = """\
profile: facts
extends: woocommerce
source:
  lines:
    - {to: attributes.shelf, copy: order.payment_method,
       then: [{lookup: {table: shelf, facts: {sku: item.sku, pieces: item.quantity, city: item.nowhere}}}]}
"""


@pytest.fixture
def shelves(world):
    make_table(world.store, "shelf", "where it lies", facts="sku, pieces:number, city", actor=ANNA)
    publish(world.store, world.config, CHANNEL, FACTS, actor=ANNA, reason="wanted so", base=0)
    return world


def place(world, *quantities):
    """An order with a line of each of these quantities."""
    line = payload(1)["line_items"][0]
    lines = [{**line, "id": index, "quantity": quantity} for index, quantity in enumerate(quantities, start=1)]
    total, number = f"{20 * len(lines)}.00", len(world.shop.orders)
    return world.shop.place(total=total, line_items=lines, payment_method="bacs", customer=f"c{number}")


def test_one_value_with_other_facts_is_told_by_the_row_that_answered_then(shelves):
    rows = [
        LookupRow("shelf", "*", "left", conditions="pieces=..1; sku=TASSE"),
        LookupRow("shelf", "*", "right", conditions="pieces=2.."),
    ]
    save_lookups(shelves.store, shelves.config, rows, actor=ANNA)
    order = place(shelves, 1, 3)
    shelves.carry()
    save_lookups(shelves.store, shelves.config, [LookupRow("shelf", "bacs", "cellar")], actor=ANNA)
    found = look(shelves, order)
    told = [field(found, f"lines[{index}].attributes.shelf").to_json() for index in (0, 1)]
    assert [each["value"] for each in told] == ["left", "right"]
    assert [[row["facts"] for row in each["lookups"]] for each in told] == [
        ["pieces=1; sku=TASSE"],
        ["pieces=3; sku=TASSE"],
    ]


def test_orders_that_find_no_row_are_one_cause_that_tells_what_each_of_them_asked(shelves):
    asked = {place(shelves, 1): "pieces=1; sku=TASSE", place(shelves, 2): "pieces=2; sku=TASSE"}
    save_lookups(shelves.store, shelves.config, [LookupRow("shelf", "*", "a", conditions="pieces=9..")], actor=ANNA)
    shelves.carry()
    [need] = [need for need in list_needs(shelves.store) if need.lookup == ("shelf", "bacs")]
    told = {each.external_id: each.reason for each in need_detail(shelves.store, need.issue.id).documents}
    assert need.issue.title == "the shelf look-up has no row for 'bacs'"
    assert {order: told[order].partition(" with ")[2] for order in asked} == asked
    systems = shelves.systems.channel(CHANNEL)
    [gap] = [gap for gap in forecast(shelves.store, systems, days=36_500).gaps if gap.table == "shelf"]
    assert set(asked.values()) <= set(gap.facts)
    rows = [LookupRow("shelf", "*", "b", conditions="pieces=1..2")]
    assert save_lookups(shelves.store, shelves.config, rows, actor=ANNA).release.goes.documents == gap.orders
    tables = shelves.store.read(lambda c: load_lookups(c, systems.channel))
    assert not [gap for gap in closed_since(tables, last_forecast(shelves.store, CHANNEL)).gaps if gap.table == "shelf"]
    shelves.drain()
    assert not [need for need in list_needs(shelves.store) if need.lookup and need.figures.documents]
