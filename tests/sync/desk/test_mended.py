"""What somebody has mended elsewhere goes on by itself."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from connectors.kit.errors import Transient
from connectors.tryton.masters import find_tax
from mappings.canonical.refs import Ref
from sync.desk.lookup_files import read_rows
from sync.desk.lookups import save_lookups
from sync.desk.mended import release_mended
from sync.rules.lookups import declared_facts
from sync.store import schedule
from sync.store.audit import Actor
from sync.store.tables import audit, bulk_runs
from sync.work import drain as draining
from sync.work.tasks import Tasks
from tests.databases import now
from tests.mappings.woocommerce_orders import woo_line, woo_order
from tests.sync.flows.erp import Erp, _article
from tests.sync.flows.world import CHANNEL, World


@pytest.fixture
def world(store):
    made = World(store)
    for number in range(3):
        made.shop.place(sku="NEW", customer=str(number))
    made.carry()
    return made


def look(world):
    return release_mended(world.store, world.systems.channel(CHANNEL))


def states(world):
    return [row.state for row in world.items()]


def test_an_article_that_the_erp_has_by_now_releases_every_order_that_waited_for_it(world):
    assert look(world) == 0
    assert states(world) == ["held"] * 3
    world.erp.articles["NEW"] = _article("NEW")
    assert look(world) == 1
    world.drain()
    assert states(world) == ["done"] * 3
    assert world.causes() == {}
    [row] = world.rows(select(audit.c.actor, audit.c.action, audit.c.reason))
    assert tuple(row) == ("crossdock", "retry all", "the ERP has it now")


def test_all_that_waits_is_asked_for_in_one_look_and_nothing_where_nothing_waits(world, monkeypatch):
    world.shop.place(sku="OTHER", customer="x")
    world.carry()
    asked = []
    target = world.systems.channel(CHANNEL).target
    monkeypatch.setattr(target, "resolve", lambda refs, ask=target.resolve: asked.append(refs) or ask(refs))
    look(world)
    assert [sorted(ref.value for ref in refs) for refs in asked] == [["NEW", "OTHER"]]
    for sku in ("NEW", "OTHER"):
        world.erp.articles[sku] = _article(sku)
    assert look(world) == 2
    world.drain()
    asked.clear()
    assert look(world) == 0
    assert asked == []


def test_what_is_stopped_again_though_the_erp_knows_it_rests_for_hours(world):
    world.erp.articles["NEW"] = _article("NEW")
    assert look(world) == 1
    world.drain()
    del world.erp.articles["NEW"]
    world.shop.place(sku="NEW", customer="later")
    world.carry()
    world.erp.articles["NEW"] = _article("NEW")
    assert look(world) == 0
    world.write(lambda c: c.execute(update(bulk_runs).values(asked_at=now() - dt.timedelta(hours=7))))
    assert look(world) == 1


def test_the_resync_does_it_and_says_so_and_an_erp_that_is_away_makes_no_failure_of_it(world, monkeypatch):
    tasks, name = Tasks(world.runtime), f"resync:{CHANNEL}"

    def ran():
        tasks.run(name)
        [row] = [row for row in world.store.read(schedule.list_schedules) if row.name == name]
        return row

    world.write(lambda c: schedule.declare(c, tasks.first_runs()))
    assert "released" not in ran().message
    target = world.systems.channel(CHANNEL).target

    def away(refs):
        raise Transient("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(target, "resolve", away)
        row = ran()
    assert (row.last_ok, "could not be asked what it knows by now: no answer" in row.message) == (True, True)
    world.erp.articles["NEW"] = _article("NEW")
    assert "1 cause that was mended in the ERP is released" in ran().message
    assert (CHANNEL, "order") in world.bell.rings


# --- what only Tryton's sales need: a tax, a carrier, terms of payment --------------------------------------------


class Books(Erp):
    """The same ERP, with what a Tryton would answer and the sales that a Tryton would be sent."""

    def __init__(self):
        super().__init__()
        self.taxes = []
        self.named = {"payment_term": {""}, "carrier": set()}

    def _known(self, ref):
        if ref.kind == "tax":
            return find_tax(self.taxes, ref, dt.date(2026, 11, 23))
        if ref.kind in self.named:
            return {"id": 1, "name": ref.value} if ref.value in self.named[ref.kind] else None
        if ref.kind == "party":
            return {"id": 5, "code": "C5", "name": "Ada", "addresses": self.addresses} if self.addresses else None
        more = {
            "company": {"tax_rounding": "document"},
            "currency": {"rounding": Decimal("0.01")},
            "product": {"unit": 1, **_article(ref.value)},
        }
        return {"id": 1, **more.get(ref.kind, {})}

    addresses = ()

    def save_party(self, payload):
        [(_, made)] = payload["addresses"]
        self.addresses = [{"id": number, **each} for number, each in enumerate(made, 1)]
        return self._known(Ref("party", ""))

    def create_sales(self, payloads):
        return super().create_sales([self._as_ours(payload) for payload in payloads])

    def _as_ours(self, payload):
        [(_, lines)] = payload["lines"]
        amounts = [Decimal(line["unit_price"]["decimal"]) * line["quantity"] for line in lines]
        return {
            "external_key": payload["web_id"],
            "reference": payload["reference"],
            "currency": "EUR",
            "placed_at": "2026-11-10T08:00:00+00:00",
            "sale_date": "2026-11-10",
            "lines": [
                {"product": "TASSE", "amount": amount, "tax": amount * 19 / 100 if line["taxes"] else 0}
                for amount, line in zip(amounts, lines, strict=True)
            ],
        }


def vat(number, name):
    plain = {"type": "percentage", "kind": "sale", "childs": [], "start_date": None, "end_date": None}
    return {"id": number, "name": name, "description": name, "rate": Decimal(19), "update_unit_price": False, **plain}


@pytest.fixture
def tryton(sqlite_store):
    """A shop that charges 19 %, and an ERP that is written as a Tryton."""
    made = World(sqlite_store)
    made.erp = made.systems._made["erp"] = Books()
    made.erp.taxes = [vat(1, "19 % old"), vat(2, "19 % new")]
    connections = dict(made.config.connections)
    connections["erp"] = dataclasses.replace(connections["erp"], system="tryton")
    made.config = made.systems.config = dataclasses.replace(made.config, connections=connections)
    return made


def taxed():
    tax = {"id": 1, "total": "3.80", "subtotal": "3.80"}
    line = woo_line(id=1, quantity=1, sku="TASSE", subtotal="20.00", subtotal_tax="3.80", taxes=[tax])
    return {"line_items": [line], "tax_lines": woo_order()["tax_lines"], "total": "23.80", "total_tax": "3.80"}


def test_two_taxes_that_have_become_one_release_what_waited_for_it(tryton):
    for number in range(2):
        tryton.shop.place(customer=str(number), **taxed())
    tryton.carry()
    assert tryton.causes() == {"ambiguous_tax": 2}
    assert look(tryton) == 0
    del tryton.erp.taxes[0]
    assert look(tryton) == 1
    tryton.drain()
    assert [sale.total for sale in tryton.erp.sales.values()] == [Decimal("23.80")] * 2
    assert states(tryton) == ["done"] * 2


@pytest.mark.parametrize("what", ["carrier", "payment_term"])
def test_a_name_of_the_policy_that_the_erp_has_got_by_now_releases_what_waited_for_it(tryton, what):
    channel = tryton.config.channels[CHANNEL]
    policies = dataclasses.replace(channel.policies, target={what: "New"})
    channels = {CHANNEL: dataclasses.replace(channel, policies=policies)}
    tryton.config = tryton.systems.config = dataclasses.replace(tryton.config, channels=channels)
    tryton.shop.place()
    tryton.carry()
    assert tryton.causes() == {"unmapped": 1}
    assert look(tryton) == 0
    tryton.erp.named[what].add("New")
    assert look(tryton) == 1
    tryton.drain()
    assert states(tryton) == ["done"]


# --- what is mended on another page, in a file, or by waiting -----------------------------------------------------


@pytest.mark.parametrize(
    ("row", "going"),
    [
        ("sku,global,OLD,,TASSE", {CHANNEL, "b2b"}),
        ("sku,connection:erp,O*,,TASSE", {CHANNEL, "b2b"}),
        ("sku,channel:b2b,*LD,,TASSE", {"b2b"}),
    ],
)
def test_a_row_of_a_file_releases_what_waited_in_every_channel_that_it_reaches(sqlite_store, row, going):
    world = World(sqlite_store, channels=(CHANNEL, "b2b"))
    world.shop.place(sku="OLD")
    world.carry()
    assert states(world) == ["held"] * 2
    body = f"table,scope,value,conditions,target\n{row}\n".encode()
    rows = read_rows(world.config, body, world.store.read(declared_facts))
    save_lookups(world.store, world.config, rows, actor=Actor("anna"))
    for channel in world.config.channels:
        world.drain(channel)
    assert {row.channel for row in world.items() if row.state == "done"} == going


def test_what_nothing_else_releases_is_looked_at_again_after_six_hours_and_goes_then(sqlite_store):
    world, resync = World(sqlite_store), f"resync:{CHANNEL}"
    world.shop.place()
    # The ERP refuses it once: by the next look somebody has put right there what it named.
    world.erp.fail("create", "rejected")
    world.carry()
    tasks = Tasks(world.runtime)
    world.write(lambda c: schedule.declare(c, tasks.first_runs()))
    assert states(world) == ["parked"]
    for hours, expected in ((5, "parked"), (2, "done")):
        world.forward(hours * 3600)
        tasks.run(resync)
        world.drain()
        assert states(world) == [expected]
    assert world.causes() == {}


def test_an_erp_that_is_back_is_tried_by_one_batch_first_and_nothing_of_it_was_stopped(sqlite_store, monkeypatch):
    monkeypatch.setattr(draining, "batch_size", lambda _: 1)
    world = World(sqlite_store)
    for number in range(3):
        world.shop.place(customer=str(number))
    for asked in (1, 2):
        world.erp.fail("resolve", "transient")
        world.carry()
        assert (world.erp.calls["resolve"], states(world), world.causes()) == (asked, ["ready"] * 3, {})
        world.settle()
    world.drain()
    assert states(world) == ["done"] * 3
