"""Every field of an order answers where it came from, by the revision that made it and not by the newest one."""

from __future__ import annotations

import pytest

from sync.desk.lineage import is_within, lineage_of
from sync.desk.lookup_rows import LookupRow
from sync.desk.lookup_views import make_table
from sync.desk.lookups import save_lookups
from sync.desk.profiles import publish
from sync.store.audit import Actor
from sync.store.revisions import load_published
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
        {"table": "term", "value": "bacs", "found": "prepaid", "scope": "channel:web", "revision": 1}
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


def test_a_row_that_says_something_else_since_is_no_secret(world):
    put(world, "a", 0)
    world.carry()
    save_lookups(world.store, world.config, [LookupRow("term", "bacs", "later", "channel:web")], actor=ANNA)
    found = look(world)
    assert "is not made like this today" in found.remarks[0]


def test_one_field_is_told_with_its_parts_and_nothing_else(world):
    world.carry()
    told = {each.origin.field for each in look(world, field="lines[0]").fields}
    assert "lines[0].sku" in told
    assert all(name.startswith("lines[0].") for name in told)
    assert not is_within("linesman", "lines")
    assert is_within("lines[0].sku", "lines")
