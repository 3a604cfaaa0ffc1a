"""A file of orders is taken whole or not at all, as often as anybody likes, and each order lands once."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
from decimal import Decimal

import pytest
from sqlalchemy import delete, func, select, update

from config.model import Connection as Account
from config.model import Mode, ProfileFile
from connectors.kit.findings import Level
from sync.cli.importing import errors_csv
from sync.desk.connections import CannotRewind, connection_detail, preview_rewind
from sync.desk.doctor.channel import ChannelCheckup
from sync.desk.doctor.connection import ConnectionCheckup
from sync.desk.home import Condition, home_of
from sync.desk.profiles import publish
from sync.desk.proof import prove
from sync.desk.queue import QueueHealth
from sync.desk.regression import replay
from sync.desk.volume import look_at_volumes
from sync.flows import files
from sync.flows.adopt import find_matches, link_matches
from sync.flows.dryrun import rehearse
from sync.flows.files import NotWhole, check_file, take_file
from sync.flows.resync import compare_and_mark
from sync.rules.asking import current_orders, listed_orders
from sync.rules.systems import Systems
from sync.store.audit import Actor
from sync.store.marking import mark
from sync.store.revisions import load_published
from sync.store.tables import audit, events, work_items
from sync.store.volume import load_volumes
from sync.work.tasks import Tasks
from tests.sync.flows.shop import PLACED
from tests.sync.flows.world import CHANNEL, World

PROFILE = """
profile: table
extends: none
source:
  order:
    - {to: number, copy: 'source.rows[0].Order'}
    - {to: external_id, copy: 'source.rows[0].Order'}
    - to: placed_at
      copy: source.rows[0].Date
      then: [{date: {format: "%d.%m.%Y", zone: Europe/Berlin}}]
    - {to: currency, constant: EUR}
    - {to: state, constant: processing}
    - {to: payment_state, constant: paid}
    - {to: tax_included, constant: no}
    - {to: totals.tax, constant: "0"}
    - {to: totals.grand, copy: 'source.rows[0].Total', then: [{amount: {decimal: ","}}]}
    - {to: customer.email, copy: 'source.rows[0].Mail'}
    - to: payment_terms
      when: source.rows[0].Terms != ''
      copy: source.rows[0].Terms
      then: [{lookup: {table: terms}}]
  billing:
    from: source.rows[0]
    rules:
      - {to: last_name, copy: item.Mail}
      - {to: street, constant: Weg 1}
      - {to: city, constant: Berlin}
      - {to: postal_code, constant: "10115"}
      - {to: country, constant: DE}
  lines:
    each: source.rows
    rules:
      - {to: sku, copy: item.SKU}
      - {to: name, copy: item.SKU}
      - {to: quantity, constant: "1"}
      - {to: total, copy: item.Net, then: [{amount: {decimal: ","}}]}
      - {to: tax, constant: "0"}
"""
HEAD = "Order;Date;Total;Mail;Terms;SKU;Net\n"
ACTOR = Actor("ada", "test")


def row(order, total="12,00", *, sku="TASSE", net=None, day="10.11.2026", terms=""):
    return f"{order};{day};{total};{order}@example.test;{terms};{sku};{net or total}\n"


class Table(World):
    """A channel whose orders come in files."""

    def __init__(self, store):
        super().__init__(store, rules={"duplicate_order": Mode.OFF, "price": Mode.OFF, "address": Mode.OFF})
        source = Account(name="shop", system="csv", options={"order_column": "Order"})
        channel = dataclasses.replace(
            self.config.channels[CHANNEL], profile=ProfileFile("table.yaml", PROFILE), canary=0
        )
        self.config = dataclasses.replace(
            self.config, connections={**self.config.connections, "shop": source}, channels={CHANNEL: channel}
        )
        self.systems = Systems(self.config)
        self.systems._made["erp"] = self.erp

    def check(self, *rows):
        sheet = self.systems.connector("shop").read(io.BytesIO((HEAD + "".join(rows)).encode()))
        return check_file(self.store, self.systems, "shop", sheet)

    def take(self, *rows, only_good=False):
        checked = self.check(*rows)
        return take_file(self.store, self.systems, checked, name="a.csv", only_good=only_good, actor=ACTOR)

    def events(self):
        return self.rows(select(events).order_by(events.c.id))


@pytest.fixture
def table(store):
    world = Table(store)
    yield world
    world.systems.close()


def test_each_order_of_a_file_is_one_sale_with_its_rows(table):
    keys = table.take(row("A", "15,00", net="12,00"), row("B", "3,00"), row("A", "15,00", sku="KANNE", net="3,00"))
    assert keys == [(CHANNEL, "order", "A"), (CHANNEL, "order", "B")]
    table.drain()
    assert (table.totals("A"), table.totals("B")) == ([Decimal("15.00")], [Decimal("3.00")])
    assert [(event.source, event.external_id) for event in table.events()] == [("file", "A"), ("file", "B")]


def test_a_look_at_a_file_says_what_it_would_do_and_does_nothing(table):
    table.take(row("A"), row("B"))
    before = len(table.events())
    checked = table.check(row("A"), row("B", "13,00"), row("C"), row("D", "1,00", net="2,50"))
    assert (checked.orders, checked.new, checked.changed, checked.same, checked.broken) == (4, 1, 1, 1, 1)
    assert checked.sums == {"EUR": Decimal("37.00")}
    assert len(table.events()) == before


def test_nothing_of_a_file_is_taken_of_which_something_is_bad(table):
    with pytest.raises(NotWhole):
        table.take(row("A"), row("B", "zwölf"))
    assert not table.events()
    assert not table.items()


def test_the_good_orders_are_taken_alone_where_somebody_says_so(table):
    table.take(row("A"), row("B", "zwölf"), ";;;;;;9\n", only_good=True)
    assert [item.external_id for item in table.items()] == ["A"]


def test_what_is_bad_names_the_cell_that_its_rule_reads_and_nothing_that_only_follows(table):
    checked = table.check(
        row("A"), row("B", "5,00", net="2,00"), row("B", "5,00", net="drei"), row("C", day="31.31.2026")
    )
    assert [(each.line, each.column) for each in checked.bad] == [(4, "Net"), (5, "Date")]
    assert "31.31.2026" in checked.bad[1].problem


def test_what_was_found_out_before_is_not_found_out_again_while_the_mapping_is_the_same(table):
    rows = (row("A"), row("B", "zwölf"), ";;;;;;9\n")
    first = table.check(*rows)
    before = (first.made_by, first.left_out)
    sheet = first.sheet
    again = check_file(table.store, table.systems, "shop", sheet, before=before)
    assert (again.seen, again.new, again.broken, again.first) == (first.seen, 1, 1, [])
    assert [row.external_id for row in again.news] == ["A"]
    other = dataclasses.replace(table.config.channels[CHANNEL], profile=ProfileFile("o.yaml", PROFILE + "# \n"))
    table.systems.config = dataclasses.replace(table.config, channels={CHANNEL: other})
    assert check_file(table.store, table.systems, "shop", sheet, before=before).seen == first.seen
    changed = PROFILE.replace("constant: processing", "constant: completed")
    other = dataclasses.replace(other, profile=ProfileFile("o.yaml", changed))
    table.systems.config = dataclasses.replace(table.config, channels={CHANNEL: other})
    assert check_file(table.store, table.systems, "shop", sheet, before=before).seen != first.seen


def test_what_is_bad_is_told_with_its_line_and_place_and_never_as_a_formula(table):
    checked = table.check(row("A"), row("=B", "zwölf"), ";;;;;;9\n")
    places = [(each.line, each.order, each.column) for each in checked.bad]
    assert places[:-1] == [(3, "=B", "Total"), (3, "=B", "Net")]
    assert places[-1] == (4, "", "Order")
    lines = errors_csv(checked.bad).splitlines()
    assert lines[0].endswith("line,order,column,problem,what to do")
    assert lines[1].startswith("3,'=B,")


def test_the_same_file_twice_changes_nothing(table):
    table.take(row("A"), row("B"))
    table.drain()
    before = table.items()
    assert table.take(row("A"), row("B")) == []
    assert table.items() == before
    assert len(table.events()) == 2


def test_a_corrected_file_changes_what_it_says_otherwise_and_the_first_one_again_takes_it_back(table):
    table.take(row("A"), row("B"))
    assert [key[2] for key in table.take(row("A", "14,00"), row("B"))] == ["A"]
    table.drain()
    assert table.totals("A") == [Decimal("14.00")]
    assert [key[2] for key in table.take(row("A"), row("B"))] == ["A"]
    assert table.item("A").event_id == table.events()[-1].id


def test_a_value_without_a_row_in_a_table_keeps_no_file_back(table):
    checked = table.check(row("A", terms="14 Tage"))
    assert (checked.waiting, checked.new, checked.bad) == (1, 1, [])
    table.take(row("A", terms="14 Tage"))
    table.drain()
    assert "unmapped" in " ".join(table.causes())


def test_an_import_is_written_down_with_who_and_how_much(table):
    table.take(row("A"))
    [entry] = table.rows(select(audit))
    assert (entry.actor, entry.action, entry.subject) == ("ada", "import", "connection:shop")
    assert "a.csv: 1 rows, 1 new" in entry.after


def test_a_failure_in_the_middle_of_a_file_leaves_nothing_of_it(table, monkeypatch):
    monkeypatch.setattr(files, "_BATCH", 1)
    taken = files.record_events

    def fail(connection, rows, channels):
        if rows[0].external_id == "B":
            raise RuntimeError("the disk is full")
        return taken(connection, rows, channels)

    monkeypatch.setattr(files, "record_events", fail)
    with pytest.raises(RuntimeError):
        table.take(row("A"), row("B"))
    assert not table.events()
    assert not table.items()


# --- a source that cannot be asked ------------------------------------------------------------------------------


def look_again(table, order="A"):
    table.write(lambda c: mark(c, CHANNEL, "order", [order], facet="target", refetch=True))
    table.drain()
    return table.item(order)


def test_who_looks_again_looks_at_what_came_last(table):
    table.take(row("A"))
    table.drain()
    item = look_again(table)
    assert (item.state, item.wanted) == ("done", item.done)
    assert len(table.sales("A")) == 1


def test_an_order_whose_rows_are_kept_no_longer_is_not_taken_for_gone(table):
    table.take(row("A"))
    table.drain()
    table.write(lambda c: c.execute(update(work_items).values(event_id=None)))
    table.write(lambda c: c.execute(delete(events)))
    item = look_again(table)
    assert (item.state, table.causes()) == ("done", {})
    assert len(table.sales("A")) == 1


def test_of_what_nothing_is_kept_nothing_is_done(table):
    item = look_again(table, "X")
    assert item.state == "skipped"
    assert "cannot be asked" in item.reason


def test_an_order_that_its_profile_calls_otherwise_is_held(table):
    channel = table.config.channels[CHANNEL]
    text = PROFILE.replace("{to: external_id, copy: 'source.rows[0].Order'}", "{to: external_id, constant: X}")
    changed = dataclasses.replace(channel, profile=ProfileFile("table.yaml", text))
    table.take(row("A"))
    table.systems.config = dataclasses.replace(table.config, channels={CHANNEL: changed})
    table.drain()
    assert table.item("A").state in {"held", "parked"}
    assert not table.sales("A")


def test_the_proof_is_what_came_in_against_the_erp(table):
    table.take(row("A"), row("B", "3,00"))
    table.drain()
    since, until = PLACED - dt.timedelta(days=1), dt.datetime.now(dt.UTC)
    proof = prove(table.store, table.systems.channel(CHANNEL), since, until)
    assert proof.holds
    assert [(group.shop.count, group.shop.total, group.erp.total) for group in proof.groups] == [
        (2, Decimal("15.00"), Decimal("15.00"))
    ]
    table.erp.enter(f"{CHANNEL}:A", "12.00")
    assert not prove(table.store, table.systems.channel(CHANNEL), since, until).holds
    assert compare_and_mark(table.store, table.systems.channel(CHANNEL), since, until) == 1


def test_what_the_erp_has_already_is_linked_by_what_came_in(table):
    table.take(row("A", day="22.11.2026"), row("B"))
    table.drain()
    systems = table.systems.channel(CHANNEL)
    since, until = PLACED - dt.timedelta(days=1), dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    assert {each.external_id for each in listed_orders(table.store, systems, since, until)} == {"A", "B"}
    assert [each.external_id for each in current_orders(table.store, systems, ["A", "gone"])] == ["A"]
    assert find_matches(table.store, systems, since, until) == []
    assert link_matches(table.store, systems, []) == 0


def test_no_more_than_a_batch_goes_into_one_statement(table):
    count = 501
    table.take(*(row(f"N{number}") for number in range(count)))
    assert table.store.read(lambda c: c.execute(select(func.count()).select_from(work_items)).scalar_one()) == count


# --- everybody who would ask -------------------------------------------------------------------------------------


def test_nothing_is_scheduled_that_would_ask_the_source(table):
    table.runtime.config, table.runtime.systems = table.config, table.systems
    names = set(Tasks(table.runtime).first_runs())
    assert not names & {"pull:shop", "webhooks:shop"}
    assert {f"resync:{CHANNEL}", f"nightly:{CHANNEL}", f"proof:{CHANNEL}"} <= names


def test_the_doctor_says_that_nobody_can_be_asked(table):
    found = {each.check: each for each in ChannelCheckup(CHANNEL, table.config, table.systems, table.store).run()}
    assert found["channel.rehearsal"].level is Level.UNKNOWN
    assert "import-csv shop FILE --dry-run" in found["channel.rehearsal"].next_step
    own = {
        each.check: each
        for each in ConnectionCheckup("shop", table.store, table.systems, table.systems, public_url="https://x").run()
    }
    assert {each.level for each in own.values()} == {Level.OK}
    assert "connection.deliveries" not in own


def test_the_desk_shows_the_connection_and_offers_nothing_that_it_lacks(table):
    detail = connection_detail(table.store, table.config, "shop")
    assert (detail.can_rewind, detail.has_webhooks, detail.takes_sales) == (False, False, False)
    with pytest.raises(CannotRewind):
        preview_rewind(table.store, table.systems, "shop", dt.datetime.now(dt.UTC))


def test_no_file_is_no_silence_that_anybody_is_told_of(table):
    look_at_volumes(table.store, table.config)
    assert table.store.read(load_volumes) == {}


def test_a_rehearsal_reads_what_came_in_a_file(table):
    table.take(row("A"))
    shown = rehearse(table.store, table.systems.channel(CHANNEL), table.item("A").id)
    assert shown.piece.sale is not None
    assert shown.piece.error is None


def test_orders_that_came_before_anybody_said_what_they_mean_are_kept_and_go_when_a_profile_is_published(table):
    bare = dataclasses.replace(table.config.channels[CHANNEL], profile=None)
    table.config = table.systems.config = dataclasses.replace(table.config, channels={CHANNEL: bare})
    table.systems._published = lambda channel: table.store.read(lambda c: load_published(c, channel))
    checked = table.check(row("A"), row("B", "3,00"))
    assert (checked.waiting, checked.new, checked.bad) == (2, 2, [])
    table.take(row("A"), row("B", "3,00"))
    table.drain()
    assert table.causes() == {"no_profile": 2}
    assert [item.state for item in table.items()] == ["parked", "parked"]
    finding = next(
        each
        for each in ChannelCheckup(CHANNEL, table.config, table.systems, table.store).run()
        if each.check == "channel.profile"
    )
    assert finding.level is Level.FAIL
    # The workbench has both for samples, and says beforehand what the text would change.
    found = replay(
        table.store, table.systems.channel(CHANNEL), table.systems.channel(CHANNEL, ProfileFile("t", PROFILE))
    )
    assert (found.documents, found.newly_pass) == (2, 2)
    publish(table.store, table.config, CHANNEL, PROFILE, actor=ACTOR, reason="the table's columns", base=0)
    table.drain()
    assert table.causes() == {}
    assert table.totals("A") == [Decimal("12.00")]
    assert table.totals("B") == [Decimal("3.00")]


def test_a_source_that_has_sent_is_well_however_long_ago_that_was(table):
    def condition():
        home = home_of(table.store, table.config, QueueHealth(answers=True))
        return next(each.condition for each in home.connections if each.name == "shop")

    assert condition() is Condition.UNKNOWN
    table.take(row("A"))
    assert condition() is Condition.HEALTHY
    table.forward(30 * 86_400.0)
    assert condition() is Condition.HEALTHY
