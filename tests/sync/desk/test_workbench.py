"""A text is tried on an order of a source that means nothing by itself, and on files of it."""

from __future__ import annotations

import dataclasses

import pytest

from connectors.csvfiles import CsvFiles
from connectors.kit.base import ConnectorSettings
from sync.desk.lineage import lineage_of
from sync.desk.phrases import Refusal
from sync.desk.workbench import begin, list_samples, parse_sample, read_sample, stored_sample, try_text
from sync.store.revisions import load_published
from tests.sync.flows.test_files import HEAD, PROFILE, Table, row
from tests.sync.flows.world import CHANNEL


@pytest.fixture
def table(sqlite_store):
    """Orders of a file came in before anybody has said what they mean."""
    made = Table(sqlite_store)
    bare = dataclasses.replace(made.config.channels[CHANNEL], profile=None)
    made.config = made.systems.config = dataclasses.replace(made.config, channels={CHANNEL: bare})
    made.systems._published = lambda channel: made.store.read(lambda c: load_published(c, channel))
    made.take(row("A"), row("B", "3,00"))
    made.drain()
    yield made
    made.systems.close()


def tried(table, text, sample="A"):
    payload = stored_sample(table.store, table.config, CHANNEL, sample)
    return try_text(table.store, table.systems, CHANNEL, text, payload)


def test_what_waits_for_its_first_profile_is_what_the_profile_is_tried_on(table):
    assert {each.external_id for each in list_samples(table.store, table.config, CHANNEL)} == {"A", "B"}
    found = tried(table, PROFILE)
    assert found.ok
    assert found.made.totals.ties
    assert found.made.order["number"] == "A"
    assert found.made.payload["lines"]
    assert not found.comparable
    assert {"lines[0].sku", "erp.lines"} <= {origin.field for origin in found.made.origins}


def test_the_text_to_begin_with_names_every_field_that_is_needed_and_is_no_profile_yet(table):
    text = begin(table.store, table.config, CHANNEL).text
    assert text.startswith("profile: web\nextends: none\n")
    assert "    # - {to: totals.grand, copy: source.}\n" in text
    assert "      # - {to: sku, copy: item.}\n" in text
    found = tried(table, text)
    assert not found.ok
    assert found.problems


def test_where_an_order_came_from_is_told_as_unknown_before_there_is_a_profile(table):
    order = table.find("A")[0]
    [remark] = lineage_of(table.store, table.systems.channel(CHANNEL), order).remarks
    assert "nobody has published a mapping profile" in remark


@pytest.fixture
def files():
    return CsvFiles(ConnectorSettings(name="shop", url="", options={"order_column": "Order"}))


def test_an_order_of_a_csv_file_is_a_sample_as_its_source_would_give_it(table, files):
    body = (HEAD + row("A") + row("B", "3,00") + row("A", sku="KANNE")).encode()
    first, second = (parse_sample(read_sample(files, body, order)) for order in ("", "B"))
    assert [each["SKU"] for each in first["rows"]] == ["TASSE", "KANNE"]
    assert second == stored_sample(table.store, table.config, CHANNEL, "B")
    with pytest.raises(Refusal, match="no whole order C"):
        read_sample(files, body, "C")
    with pytest.raises(Refusal, match="cannot be read: line 1"):
        read_sample(files, b"a;b\n")
    with pytest.raises(Refusal, match="expected 200000"):
        read_sample(files, b'[{"note": "%s"}]' % (b"x" * 200_001))
