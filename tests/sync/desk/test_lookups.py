"""Changing look-up tables: what is refused, what is released, what is written down, and files."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.desk.lookup_files import COLUMNS, FileRefused, read_rows, write_rows
from sync.desk.lookup_rows import LookupRow, RowRefused, check_row
from sync.desk.lookup_views import history, list_tables, make_table, remove_table, scopes_in, table_view
from sync.desk.lookups import RowsChanged, preview_lookup, preview_rows, remove_lookup, save_lookups
from sync.desk.needs import list_needs
from sync.desk.sheets import kept_text, text_of
from sync.rules.lookup_tables import KNOWN_FACTS
from sync.rules.lookups import declared_facts, load_lookups
from sync.store.audit import Actor
from sync.store.lookups import RowKey, load_rows
from tests.sync.flows.world import World

ANNA, BEN = Actor("anna", "terminal here"), Actor("ben", "terminal there")


@pytest.fixture
def world(store):
    return World(store)


@pytest.fixture
def small(sqlite_store):
    """Where the database makes no difference."""
    return World(sqlite_store)


def save(world, *rows, actor=ANNA, **options):
    return save_lookups(world.store, world.config, rows, actor=actor, **options)


def stored(world):
    return {(row.key.value, row.key.conditions): row.target for row in world.store.read(load_rows)}


# --- what is refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([LookupRow("sku", "A*", "1"), LookupRow("sku", "*B", "2")], "a value could fit global:sku:"),
        (
            [LookupRow("tax", "*", "1", conditions="rate=1..2"), LookupRow("tax", "*", "2", conditions="rate=2..3")],
            r"rate=1\.\.2",
        ),
        (
            [LookupRow("tax", "*", "1", conditions="title=A*"), LookupRow("tax", "*", "2", conditions="code=B*")],
            "could fit",
        ),
        ([LookupRow("skus", "A", "1")], "there is no table skus"),
    ],
)
def test_rows_between_which_nothing_would_decide_are_refused_and_nothing_of_them_is_kept(world, rows, said):
    for attempt in (lambda: preview_rows(world.store, world.config, rows), lambda: save(world, *rows)):
        with pytest.raises(RowRefused, match=said):
            attempt()
    assert stored(world) == {}


def test_rows_that_no_value_has_both_of_or_that_say_the_same_stand_together(world):
    rows = [LookupRow("sku", "A*", "1"), LookupRow("sku", "B*", "2"), LookupRow("sku", "*C", "1")]
    rows += [LookupRow("sku", "A*", "3", "channel:web"), LookupRow("tax", "*", "4", conditions="country=DE")]
    rows += [LookupRow("tax", "*", "5", conditions="country=AT")]
    with pytest.raises(RowRefused, match="could fit"):
        save(world, *rows)
    assert len(save(world, *rows[:2], *rows[3:]).changes) == 5


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (LookupRow("sku", "", "1"), "which value"),
        (LookupRow("sku", "A", "1", conditions="country=DE"), "rows of sku have no conditions"),
        (LookupRow("tax", "*", "1", conditions="colour=red"), "one of code, country, rate, title, not for colour"),
        (LookupRow("tax", "*", "1", conditions="rate=much"), "no number"),
        (LookupRow("tax", "*", "1", conditions="country=Germany"), "two capitals such as DE"),
        (LookupRow("tracking_url", "DHL", "track.example"), "https://track.example"),
        (LookupRow("order_state", "odd", "done"), "one of draft, pending"),
    ],
)
def test_a_row_that_its_table_cannot_have_is_refused_in_plain_words(sqlite_store, row, said):
    with pytest.raises(RowRefused, match=said):
        check_row(World(sqlite_store).config, row, KNOWN_FACTS)


# --- tables of one's own with facts -----------------------------------------------------------------------------


@pytest.fixture
def freight(world):
    make_table(world.store, "freight", "who carries it", facts="weight:number, country:country", actor=ANNA)
    return world


def test_rows_of_ones_own_table_have_conditions_and_ranges_and_go_through_a_file(freight):
    rows = [
        LookupRow("freight", "*", "letter", conditions="weight=..2.0; country=DE"),
        LookupRow("freight", "*", "parcel", conditions="weight=2..31.5"),
        LookupRow("freight", "*", "truck"),
    ]
    save(freight, *rows)
    found = freight.store.read(lambda c: load_lookups(c, freight.config.channels["web"]))
    assert [
        found.plain.find("freight", "std", {"country": country, "weight": weight})
        for country, weight in (("DE", "1"), ("DE", "2"), ("AT", "1"), ("AT", "2"), ("AT", "31.51"), ("AT", ""))
    ] == ["letter", "letter", "truck", "parcel", "truck", "truck"]
    text = "".join(write_rows(freight.store.read(lambda c: load_rows(c, table_name="freight"))))
    assert "country=DE; weight=..2" in text
    assert not preview_rows(freight.store, freight.config, read(freight, text), only={"freight"}).changes
    bad = "value,conditions,target\n*,weight=heavy,x\n*,country=Austria,y\n*,colour=red,z\n"
    with pytest.raises(FileRefused) as refused:
        read(freight, bad, table="freight")
    said = [str(each.words) for each in refused.value.bad]
    assert [words.split(":")[0] for words in said] == ["line 2", "line 3", "line 4"]
    assert "no number" in said[0]
    assert "two capitals such as DE" in said[1]
    assert "one of country, weight, not for colour" in said[2]


def test_two_ranges_that_share_a_number_and_decide_nothing_are_refused(freight):
    save(freight, LookupRow("freight", "*", "a", conditions="weight=1..2"))
    with pytest.raises(RowRefused, match="nothing says which counts"):
        save(freight, LookupRow("freight", "*", "b", conditions="weight=2..3"))


def test_a_fact_that_rows_ask_for_stays_what_it_is_and_others_come_and_go(freight):
    save(freight, LookupRow("freight", "*", "letter", conditions="weight=..2"))
    for facts in ("country:country", "weight, country:country"):
        with pytest.raises(RowRefused, match=r"ask for weight, such as global:freight:\*"):
            make_table(freight.store, "freight", "who carries it", facts=facts, actor=ANNA)
    make_table(freight.store, "freight", "who carries it", facts="weight:number, zone", actor=ANNA)
    assert table_view(freight.store, "freight").facts_text == "weight:number, zone"
    assert table_view(freight.store, "freight").purpose == "who carries it"


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ("Weight", "made of a-z"),
        ("weight:size", "one of text, number, country, not size"),
        ("a, b, a", "two facts a"),
        (",".join("abcdefghi"), "8 facts at most"),
    ],
)
def test_facts_that_cannot_be_meant_are_refused_in_plain_words(sqlite_store, facts, said):
    with pytest.raises(RowRefused, match=said):
        make_table(sqlite_store, "freight", "who carries it", facts=facts, actor=ANNA)


# --- what is released -------------------------------------------------------------------------------------------


def test_a_star_releases_every_order_whose_value_fits_it_and_no_other(world):
    going = [world.shop.place(sku=sku, customer=sku) for sku in ("ALT-1", "ALT-2")]
    staying = world.shop.place(sku="NEU-1", customer="other")
    world.carry()
    row = LookupRow("sku", "ALT-*", "TASSE")
    assert preview_lookup(world.store, world.config, row).release.goes.documents == 2
    assert save(world, row).release.goes.documents == 2
    world.drain()
    assert {world.item(order).state for order in going} == {"done"}
    assert world.item(staying).state == "held"


def test_a_star_in_the_shops_own_value_is_that_value_alone(world):
    orders = [world.shop.place(sku=sku, customer=sku) for sku in ("A*", "AB")]
    world.carry()
    save(world, LookupRow("sku", r"A\*", "TASSE"))
    world.drain()
    assert [world.item(order).state for order in orders] == ["done", "held"]


def test_a_row_for_the_shops_connection_reaches_the_channels_that_it_feeds(world):
    order = world.shop.place(sku="ALT")
    world.carry()
    assert save(world, LookupRow("sku", "ALT", "TASSE", "connection:shop")).release.goes.documents == 1
    world.drain()
    assert world.item(order).state == "done"
    assert scopes_in(world.config) == ["global", "connection:erp", "connection:shop", "channel:web"]


def test_a_preview_counts_each_row_and_all_of_them_together(world):
    for sku in ("A", "A", "B"):
        world.shop.place(sku=sku, customer=f"{sku}{len(world.shop.orders)}")
    world.carry()
    rows = [LookupRow("sku", "A", "TASSE"), LookupRow("sku", "B", "TASSE"), LookupRow("sku", "C", "TASSE")]
    preview = preview_rows(world.store, world.config, rows)
    assert [change.kind for change in preview.changes] == ["added"] * 3
    assert {key.value: release.goes.documents for key, release in preview.releases.items()} == {"A": 2, "B": 1}
    assert preview.release.goes.documents == 3
    assert stored(world) == {}
    assert len(list_needs(world.store)) == 2


# --- what is written down ---------------------------------------------------------------------------------------


def test_the_history_of_a_row_outlives_it(world):
    save(world, LookupRow("tax", "*", "A", conditions="rate=19; country=DE"), reason="new")
    save(world, LookupRow("tax", "*", "B", conditions="country=DE;rate=19.0"), actor=BEN)
    [row] = world.store.read(load_rows)
    remove_lookup(world.store, world.config, row, actor=ANNA, reason="gone")
    assert stored(world) == {}
    found = history(world.store, RowKey("tax", "global", "*", "country=DE; rate=19"))
    assert [(each.action, each.actor, each.before, each.after, each.reason) for each in found] == [
        ("lookup removed", "anna", "B", "", "gone"),
        ("lookup", "ben", "A", "B", ""),
        ("lookup", "anna", "", "A", "new"),
    ]


def test_a_row_that_somebody_has_changed_meanwhile_is_not_removed(world):
    save(world, LookupRow("sku", "A", "1"))
    [row] = world.store.read(load_rows)
    save(world, LookupRow("sku", "A", "2"), actor=BEN)
    with pytest.raises(RowsChanged):
        remove_lookup(world.store, world.config, row, actor=ANNA)
    assert stored(world) == {("A", ""): "2"}


@pytest.mark.parametrize("table", ["sku", "country"])
def test_what_was_previewed_is_applied_only_while_its_table_stands_as_it_was(world, table):
    rows = [LookupRow("sku", "A", "1")]
    seen = preview_rows(world.store, world.config, rows).seen
    save(world, LookupRow(table, "B", "2"), actor=BEN)
    if table == "sku":
        with pytest.raises(RowsChanged, match="look again"):
            save(world, *rows, seen=seen)
    else:
        save(world, *rows, seen=seen)
    assert (("A", "") in stored(world)) is (table != "sku")


def test_what_a_file_does_not_have_goes_only_where_that_is_asked_for(world):
    save(world, LookupRow("sku", "A", "1"), LookupRow("sku", "B", "2"), LookupRow("country", "XK", "RS"))
    new = [LookupRow("sku", "A", "1"), LookupRow("sku", "C", "3")]
    assert [change.kind for change in preview_rows(world.store, world.config, new).changes] == ["added"]
    preview = preview_rows(world.store, world.config, new, only={"sku"})
    assert [(change.kind, change.key.value) for change in preview.changes] == [("added", "C"), ("removed", "B")]
    assert preview.unchanged == 1
    save(world, *new, only={"sku"}, seen=preview.seen)
    assert stored(world) == {("A", ""): "1", ("C", ""): "3", ("XK", ""): "RS"}


def test_a_table_of_ones_own_has_a_purpose_and_goes_only_when_it_is_empty(world):
    with pytest.raises(RowRefused, match="no table shelf"):
        save(world, LookupRow("shelf", "A", "1"))
    make_table(world.store, "shelf", "Where it lies", actor=ANNA)
    save(world, LookupRow("shelf", "A", "1"))
    assert [(table.name, str(table.values), table.rows) for table in list_tables(world.store) if table.own] == [
        ("shelf", "Where it lies", 1)
    ]
    with pytest.raises(RowRefused, match="still has 1 rows"):
        remove_table(world.store, "shelf", actor=ANNA)
    [row] = world.store.read(load_rows)
    remove_lookup(world.store, world.config, row, actor=ANNA)
    remove_table(world.store, "shelf", actor=ANNA)
    assert not [table for table in list_tables(world.store) if table.own]


@pytest.mark.parametrize("name", ["sku", "set", "Shelf", "a b", "", "x" * 65])
def test_a_table_is_called_neither_like_another_one_nor_like_a_command(small, name):
    with pytest.raises(RowRefused, match="a table's name"):
        make_table(small.store, name, "what for", actor=ANNA)


# --- files ------------------------------------------------------------------------------------------------------


def read(world, text, **options):
    body = text if isinstance(text, bytes) else text.encode()
    return read_rows(world.config, body, world.store.read(declared_facts), **options)


@pytest.mark.parametrize(
    "body",
    [
        b"table,value,target\nsku,A,1\n",
        "table;value;target\r\nsku;A;1\r\n".encode("utf-8-sig"),
        "table\tvalue\ttarget\nsku\tA\t1\n".encode("utf-16"),
        b'"value"|"target"|"table"\n\n"A"|" 1 "|"sku"\n',
        b"scope,conditions,VALUE,Target,table\nglobal,,A,1,sku",
    ],
)
def test_a_file_is_read_whatever_a_spreadsheet_has_made_of_it(small, body):
    assert read(small, body) == [LookupRow("sku", "A", "1")]


def test_a_file_may_leave_out_the_table_that_it_is_read_for(small):
    assert read(small, "value,target\nA,1\n", table="sku") == [LookupRow("sku", "A", "1")]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            'table,value,target\nsku,A,\nsku,A,1\n,B,1\nsku,"A\nB",1\nsku,A,2\ncolour,C,1,extra\n',
            [(2, "target"), (4, "table"), (7, "value"), (8, "")],
        ),
        ("table,value,target,scope\nsku,A,1,channel:nowhere\ntax,B,1,global\n", [(2, "")]),
        ("value,is\nA,1\n", [(1, "")]),
        ("value,target,value\nA,1,B\n", [(1, "")]),
        ("", [(1, "")]),
        (b"table,value,target\nsku,A,1\nsku,\xe4,1\n", [(3, "")]),
        (b"PK\x03\x04\n\0\0", [(2, "")]),
        ('table,value,target\nsku,"A,1\n', [(2, "")]),
    ],
)
def test_every_bad_row_is_told_with_its_line_and_column(small, body, told):
    with pytest.raises(FileRefused) as refused:
        read(small, body)
    assert [(bad.line, bad.column) for bad in refused.value.bad] == told
    assert all(f"line {bad.line}" in str(bad.words) for bad in refused.value.bad)


def test_a_row_for_another_table_than_the_file_is_read_for_is_refused(small):
    with pytest.raises(FileRefused, match="1 row of the file"):
        read(small, "table,value,target\nsku,A,1\n", table="country")


def test_what_was_written_is_read_as_it_was(world):
    rows = [
        LookupRow("sku", "=1+1", "@x"),
        LookupRow("sku", "'=1", "-A"),
        LookupRow("sku", r"A\*,;B", 'say "x"', "channel:web"),
        LookupRow("tax", "DE:*", "Ä 19", conditions="country=DE; rate=19..19.5"),
    ]
    save(world, *rows)
    text = "".join(write_rows(world.store.read(load_rows)))
    cells = [cell for row in csv.reader(io.StringIO(text[1:])) for cell in row]
    assert not [cell for cell in cells if cell[:1] in "=+-@" and cell]
    assert cells[: len(COLUMNS)] == list(COLUMNS)
    assert sorted(read(world, text), key=repr) == sorted(rows, key=repr)
    assert preview_rows(world.store, world.config, read(world, text)).changes == []


@given(st.text("'=+ -@\tab", max_size=5))
def test_no_cell_of_a_file_is_calculated_and_each_comes_back_whole(text):
    assert text_of(kept_text(text)) == text
    assert kept_text(text).lstrip()[:1] not in set("=+-@")


def test_so_many_rows_that_their_table_is_read_whole_are_added_changed_and_recognised(world):
    save(world, LookupRow("sku", "OTHER", "1"), LookupRow("sku", "S-1", "old"))
    body = "table,value,target\n" + "".join(f"sku,S-{number},{number}\n" for number in range(300))
    rows = read(world, body)
    preview = preview_rows(world.store, world.config, rows)
    assert [change.kind for change in preview.changes].count("added") == 299
    assert len(save(world, *rows, seen=preview.seen).changes) == 300
    assert preview_rows(world.store, world.config, rows).unchanged == 300
    assert len(stored(world)) == 301
