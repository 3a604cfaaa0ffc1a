"""`crossdock mapping list|draft|diff|replay|publish|rollback|export` as people and scripts type them."""

from __future__ import annotations

import datetime as dt
import functools
import json
from unittest import mock

import pytest

from config.settings import Settings
from connectors.kit.http import HttpClient
from sync.store.bodies import digest, dump_json, pack
from sync.store.engine import Store
from sync.store.inbox import NewEvent, record_events
from sync.store.migrate import migrate
from tests.mappings.woocommerce_orders import woo_order

CONFIG = """\
connections:
  shop: {system: woocommerce, url: "https://shop.example", auth: {key: "${env:KEY}", secret: "${env:KEY}"}}
  erp: {system: tryton, url: "https://erp.example", auth: {key: "${env:KEY}"}, options: {database: t}}
channels:
  web: {source: shop, erp: erp, profile: profiles/own.yaml}
"""
NOTE = "profile: own\nextends: woocommerce\nsource:\n  order:\n    - {to: note, constant: NAME}\n"
FAILS = NOTE.replace("constant: NAME", "copy: source.number, then: [{lookup: own}]")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "config" / "profiles").mkdir(parents=True)
    (tmp_path / "config" / "crossdock.yaml").write_text(CONFIG)
    (tmp_path / "config" / "profiles" / "own.yaml").write_text(NOTE.replace("NAME", "file"))
    for name, text in {"one": NOTE.replace("NAME", "one"), "two": NOTE.replace("NAME", "two"), "bad": FAILS}.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    (tmp_path / "typo.yaml").write_text(NOTE.replace("to: note", "to: nota"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CROSSDOCK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("CROSSDOCK_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("CROSSDOCK_REDIS", f"unix://{tmp_path}/nobody.sock")
    monkeypatch.setenv("CROSSDOCK_LOG_LEVEL", "error")
    monkeypatch.setenv("KEY", "a secret")
    store = Store.open(Settings.from_env().database_url.reveal())
    migrate(store)
    store.write(lambda c: record_events(c, [event(number) for number in (1, 2)], {"shop": ["web"]}))
    store.close()
    return tmp_path


def event(number):
    body = dump_json(woo_order(id=number, number=str(number)))
    now = dt.datetime.now(dt.UTC)
    return NewEvent(
        connection="shop",
        kind="order",
        external_id=str(number),
        source="poll",
        topic="",
        version="1",
        body=pack(body),
        digest=digest(body),
        received_at=now,
    )


@pytest.fixture
def mapping(folder, crossdock):
    return functools.partial(crossdock, "mapping")


def test_publishing_says_first_what_it_changes(mapping):
    told = mapping("publish", "web", "one.yaml", "--reason", "a better note")
    assert "2 documents: 2 changed, 0 newly fail" in told
    assert '2 orders change note from "file" to "one" (2, 1)' in told
    assert "web: revision 1 is published" in told
    assert "a better note" in mapping("list", "web")
    assert mapping("export", "web") == NOTE.replace("NAME", "one")


def test_the_list_says_what_applies_and_that_a_file_is_ignored_that_says_something_else(mapping):
    assert "own.yaml (not published)" in mapping("list")
    mapping("publish", "web", "file", "--reason", "taken over")
    assert "ignored" not in mapping("list")
    mapping("publish", "web", "one.yaml", "--reason", "other")
    assert "own.yaml says something else than what is published; it is ignored" in mapping("list")
    [told] = json.loads(mapping("list", "--json"))
    assert (told["revision"]["number"], told["file_differs"]) == (2, True)


def test_what_would_newly_fail_is_told_with_its_reason_and_ends_a_script(mapping):
    told = mapping("replay", "web", "bad.yaml", status=1)
    assert "2 newly fail" in told
    assert "1 newly fails: number: the own look-up has no row" in told
    refused = mapping("publish", "web", "bad.yaml", "--reason", "x", "--no-new-failures", status=1)
    assert "2 orders would newly fail: nothing was published" in refused
    assert "own.yaml (not published)" in mapping("list")


def test_more_changes_than_are_allowed_publish_nothing(mapping):
    refused = mapping("publish", "web", "one.yaml", "--reason", "x", "--max-changes", "1", status=1)
    assert "2 orders would differ, at most 1 may: nothing was published" in refused
    mapping("publish", "web", "one.yaml", "--reason", "x", "--max-changes", "2")


def test_a_text_that_is_wrong_is_told_with_its_place_and_not_published(mapping):
    assert "typo.yaml:5:" in mapping("publish", "web", "typo.yaml", "--reason", "x", status=1)
    assert "own.yaml (not published)" in mapping("list")


def test_a_draft_goes_from_file_to_diff_to_publication_and_a_stale_one_is_refused(mapping):
    assert "draft 0.1, made from revision 0" in mapping("draft", "web", "one.yaml")
    assert "read that one and put your changes in it" in mapping("draft", "web", "two.yaml", status=1)
    mapping("draft", "web", "two.yaml", "--at", "0.1")
    told = mapping("diff", "web", "file", status=1)
    assert "changed source.order.note: constant 'file' -> constant 'two'" in told
    assert "+    - {to: note, constant: two}" in told
    mapping("publish", "web", "one.yaml", "--reason", "quicker")
    refused = mapping("publish", "web", "--reason", "mine", status=1)
    assert "revision 1 was published" in refused
    mapping("draft", "web", "two.yaml", "--at", "0.2", "--onto", "1")
    assert "revision 2 is published" in mapping("publish", "web", "--reason", "mine")
    assert "has no draft" in mapping("diff", "web", status=2)


def test_to_roll_back_publishes_the_old_text_anew(mapping):
    mapping("publish", "web", "one.yaml", "--reason", "x")
    mapping("publish", "web", "two.yaml", "--reason", "x")
    done = json.loads(mapping("rollback", "web", "1", "--reason", "two was wrong", "--json"))
    assert (done["revision"]["number"], done["revision"]["text_of"]) == (3, 1)
    assert mapping("diff", "web", "1", "published") == ""
    assert "has no revision 9" in mapping("rollback", "web", "9", "--reason", "x", status=1)


def test_an_export_of_documents_can_be_tried_again(mapping, folder):
    assert "2 documents" in mapping("replay", "web", "--export", "masked.json")
    found = json.loads((folder / "masked.json").read_text())
    assert [each["number"] for each in found] == ["2", "1"]
    assert all(each["billing"]["email"].endswith("@example.invalid") for each in found)
    assert "[0]" in mapping("try", "woocommerce", "masked.json", "--profile", "one.yaml")


def test_json_has_all_of_a_replay(mapping):
    told = json.loads(mapping("replay", "web", "one.yaml", "--json"))
    assert (told["documents"], told["changes"][0]["path"], told["changes"][0]["orders"]) == (2, "note", 2)


def test_a_field_answers_where_it_came_from_at_the_terminal(mapping, crossdock):
    mapping("publish", "web", "one.yaml", "--reason", "a better note")
    told = crossdock("order", "1", "--lineage", "note")
    assert "note = 'one'  constant at web, revision 1:5:7" in told
    assert "erp." not in told
    fields = json.loads(crossdock("order", "1", "--lineage", "--json"))["fields"]
    assert {"note", "totals.grand", "erp.lines"} <= {each["field"] for each in fields}


def test_an_order_that_nobody_knows_cannot_be_tried_and_a_file_wants_its_system(mapping):
    assert "web has no order '99'; expected CHANNEL/ID" in mapping("try", "--order", "web/99", "--draft", status=1)
    assert "expected SYSTEM and FILES, or --order" in mapping("try", "woocommerce", status=2)


def test_the_gate_of_a_channel_is_passed_with_a_reason_alone(mapping, folder):
    config = folder / "config" / "crossdock.yaml"
    config.write_text(CONFIG.replace("profiles/own.yaml", "profiles/own.yaml, publish_gate: no_new_failures"))
    refused = mapping("publish", "web", "bad.yaml", "--reason", "x", status=1)
    assert "1 newly fails: number: the own look-up has no row" in refused
    assert "2 of the newest 2 orders could not be mapped any more: nothing was published" in refused
    assert "own.yaml (not published)" in mapping("list")
    mapping("publish", "web", "bad.yaml", "--reason", "x", "--despite-gate", "the rows come tonight")


DOUBTFUL = NOTE.replace("constant: NAME", "copy: source.custmer_note")


def test_a_channels_draft_is_checked_with_its_stored_orders_as_samples(mapping, folder):
    (folder / "doubtful.yaml").write_text(DOUBTFUL)
    mapping("draft", "web", "doubtful.yaml")
    told = mapping("check", "web", "--draft")
    assert "warning: source.order[0]: none of the samples has source.custmer_note" in told
    assert "customer_note" in told
    mapping("check", "web", "--draft", "--strict", status=1)
    assert "web, draft 0.1" in json.loads(mapping("check", "web", "--draft", "--json").splitlines()[0])["place"]


def test_what_applies_to_a_channel_is_checked_the_file_as_well_as_the_revision(mapping):
    assert "own.yaml: nothing to say against it, 2 stored orders mapped" in mapping("check", "web", "--strict")
    mapping("publish", "web", "one.yaml", "--reason", "x")
    assert "web, revision 1: nothing to say against it" in mapping("check", "web", "--strict")


def test_a_table_that_the_installation_does_not_have_is_an_error_and_waiting_for_a_row_is_none(mapping, folder):
    mapping("draft", "web", "bad.yaml")
    assert "there is no look-up table own" in mapping("check", "web", "--draft", status=1)
    (folder / "term.yaml").write_text(FAILS.replace("lookup: own", "lookup: payment_term"))
    mapping("draft", "web", "term.yaml", "--at", "0.1")
    assert "nothing to say against it" in mapping("check", "web", "--draft", "--strict")


def test_stored_orders_that_cannot_be_mapped_are_told_and_end_a_strict_check(mapping, folder):
    (folder / "wrong.yaml").write_text(NOTE.replace("note, constant: NAME", "test, copy: source.currency"))
    mapping("draft", "web", "wrong.yaml")
    told = mapping("check", "web", "--draft")
    assert "order 2 cannot be mapped: " in told
    assert "2 of 2 stored orders cannot be mapped" in told
    mapping("check", "web", "--draft", "--strict", status=1)


def test_where_there_is_nothing_to_check_a_check_does_not_look_like_one_that_found_nothing(mapping, folder):
    assert "has no draft" in mapping("check", "web", "--draft", status=2)
    assert "there is no file 'wob' and no channel; channels are: web" in mapping("check", "wob", status=2)
    assert "of the installation" in mapping("check", "web", "--table", "own", status=2)
    config = folder / "config" / "crossdock.yaml"
    config.write_text(CONFIG.replace(", profile: profiles/own.yaml", ""))
    assert "has no mapping profile" in mapping("check", "web", status=2)


def test_neither_shop_nor_erp_is_asked_for_what_a_text_would_change(mapping, folder):
    """A sandbox ERP would say how soon a write is settled, if somebody asked."""
    config = folder / "config" / "crossdock.yaml"
    config.write_text(CONFIG.replace("system: tryton", "system: sandbox_erp").replace(", options: {database: t}", ""))
    with mock.patch.object(HttpClient, "request", side_effect=AssertionError("asked")):
        mapping("replay", "web", "one.yaml")
        mapping("replay", "web", "--export", "masked.json")
        mapping("check", "web")
        mapping("publish", "web", "one.yaml", "--reason", "x")
