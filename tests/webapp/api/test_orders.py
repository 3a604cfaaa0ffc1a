"""Orders by the API, with a shop and an ERP behind it."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from connectors.kit.errors import Transient
from sync.store.tables import audit, work_items
from tests.webapp.console.selling import CHANNEL, selling

pytestmark = pytest.mark.loopback


@pytest.fixture
def home(tmp_path, store):
    with selling(tmp_path, store.engine.url.render_as_string(hide_password=False)) as made:
        yield made


@pytest.fixture
def app(home):
    return home.app


@pytest.fixture
def anna(program):
    return program("orders:read", "orders:write")


def states(store):
    query = select(work_items.c.external_id, work_items.c.state)
    return dict(store.read(lambda c: [tuple(row) for row in c.execute(query)]))


def path_of(order):
    return f"/orders/{CHANNEL}/{order}"


@pytest.fixture
def held(home):
    """Three orders that the value limit holds."""
    placed = home.shop.place(1) + home.shop.place(2)
    home.carry(limit=0)
    return placed


def test_the_list_has_what_the_page_has_and_money_is_text(home, anna, held):
    page = anna.get("/orders?tab=needs").json
    assert {row["external_id"] for row in page["orders"]} == set(held)
    assert page["counts"]["needs"] == len(held)
    for row in page["orders"]:
        assert row["state"] == "held"
        assert row["causes"] == ["value_limit"]
        assert row["total"]["amount"].replace(".", "").isdigit()
        assert row["placed_at"].endswith("Z")
        assert row["sale"] is None
    one = page["orders"][0]
    assert anna.get("/orders", query_string={"q": one["number"]}).json["orders"] == [one]
    assert anna.get("/orders?tab=done").json["orders"] == []


def test_pages_follow_each_other_without_a_gap_and_back_again(home, anna, held):
    first = anna.get("/orders?limit=2&sort=changed").json
    second = anna.get("/orders", query_string={"limit": 2, "sort": "changed", "after": first["next"]}).json
    assert (first["previous"], second["next"]) == (None, None)
    both = [row["external_id"] for row in first["orders"] + second["orders"]]
    assert sorted(both) == sorted(held)
    back = anna.get("/orders", query_string={"limit": 2, "sort": "changed", "before": second["previous"]}).json
    assert back["orders"] == first["orders"]


def test_a_mark_that_is_none_is_refused(anna):
    for mark in ("x", "2026-01-01_1", "_", "1_1_1", "9" * 60):
        answer = anna.get("/orders", query_string={"after": mark})
        assert (answer.status_code, answer.json["field"]) == (422, "query:after"), mark


def test_an_order_is_approved_as_it_was_seen_once_and_goes_on(home, store, anna, held):
    one = held[0]
    shown = anna.get(path_of(one)).json
    assert shown["passport"]["causes"][0]["cause"] == "value_limit"
    body = {"reason": "a good customer", "seen": shown["seen"]}
    answer = anna.post(f"{path_of(one)}/approve", body, key="k1")
    assert answer.status_code == 200
    assert answer.json["done"]
    assert anna.post(f"{path_of(one)}/approve", body, key="k1").json == answer.json
    again = anna.post(f"{path_of(one)}/approve", body)
    assert (again.status_code, again.json["id"]) == (409, "changed_since")
    home.carry(limit=0)
    assert states(store)[one] == "done"
    query = select(audit.c.actor, audit.c.action, audit.c.reason).where(audit.c.subject.startswith("order:"))
    [change] = store.read(lambda c: [tuple(row) for row in c.execute(query)])
    assert change == ("token:program-1", "approve", "a good customer")
    passport = anna.get(path_of(one)).json["passport"]
    assert passport["state"] == "done"
    assert passport["sales"][0]["number"]
    assert anna.get("/orders?tab=done").json["orders"][0]["sale"]["id"] == passport["erp_id"]


def test_an_order_is_skipped_and_one_that_nothing_holds_is_not_approved(home, store, anna, held):
    one = held[0]
    assert anna.post(f"{path_of(one)}/skip", {"reason": " "}).status_code == 422
    assert anna.post(f"{path_of(one)}/skip", {"reason": "a test"}).status_code == 200
    assert states(store)[one] == "skipped"
    refused = anna.post(f"{path_of(one)}/approve", {"reason": "after all"})
    assert (refused.status_code, refused.json["id"]) == (409, "not_now")
    assert "nothing holds order" in refused.json["detail"]


def test_what_is_said_about_an_order_stays_with_it(home, anna, held):
    path = f"{path_of(held[0])}/comments"
    assert anna.get(path).json["comments"] == []
    assert anna.post(path, {"text": "asked the customer"}).status_code == 200
    [said] = anna.get(path).json["comments"]
    assert (said["by"], said["text"]) == ("token:program-1", "asked the customer")
    assert anna.get(f"{path_of(held[1])}/comments").json["comments"] == []


def test_retry_and_look_release_it(home, store, anna, held):
    for word in ("retry", "look"):
        assert anna.post(f"{path_of(held[0])}/{word}").json["done"]
        assert states(store)[held[0]] == "ready"


def test_an_order_is_linked_with_a_sale_that_was_found_by_its_number(home, store, anna, held):
    one, other = held[:2]
    rows = {row["external_id"]: row for row in anna.get("/orders").json["orders"]}
    total = rows[one]["total"]
    made = home.type_in(total["amount"], total["currency"], "phoned in")
    wrong = home.type_in("0.01", total["currency"], "phoned in")
    found = anna.get(f"{path_of(one)}/sales?text=phoned in").json["sales"]
    assert {sale["id"]: sale["fits"] for sale in found} == {made: True, wrong: False}
    assert next(sale for sale in found if sale["fits"])["total"] == total
    for order, sale in ((one, wrong), (other, made)):
        refused = anna.post(f"{path_of(order)}/link", {"sale_id": sale})
        assert (refused.status_code, refused.json["id"]) == (409, "not_now")
    assert anna.post(f"{path_of(one)}/link", {"sale_id": made, "reason": "by phone"}).json["done"]
    assert anna.get(path_of(one)).json["passport"]["erp_id"] == made


def test_the_dry_run_and_the_lineage_are_those_of_the_terminal(home, anna, held):
    run = anna.post(f"{path_of(held[0])}/dry-run").json["dry_run"]
    assert run["totals"]["ties"]
    assert run["problems"][0]["reason"]
    fields = anna.get(f"{path_of(held[0])}/lineage?field=number").json["lineage"]["fields"]
    assert [field["field"] for field in fields] == ["number"]
    assert str(anna.get(f"{path_of(held[0])}/received").json["id"]) == held[0]


def test_an_erp_that_is_away_is_said_so_and_changes_nothing(home, store, anna, held, monkeypatch):
    def away(*_args, **_options):
        raise Transient("the ERP does not answer")

    monkeypatch.setattr("webapp.api.orders.find_sales", away)
    answer = anna.get(f"{path_of(held[0])}/sales?text=1")
    assert (answer.status_code, answer.json["id"]) == (502, "system_away")
    assert "does not answer" in answer.json["detail"]


def test_a_token_for_another_channel_sees_and_does_nothing(home, program, held):
    other = program("orders:read", "orders:write", channels=["elsewhere"])
    assert other.get("/orders").json["orders"] == []
    for answer in (
        other.get(f"/orders?channel={CHANNEL}"),
        other.get(path_of(held[0])),
        other.get(f"{path_of(held[0])}/received"),
        other.post(f"{path_of(held[0])}/retry"),
        other.post(f"{path_of(held[0])}/skip", {"reason": "x"}),
    ):
        assert (answer.status_code, answer.json["id"]) == (403, "channel_out_of_reach")
    ours = program("orders:read", channels=[CHANNEL])
    assert len(ours.get("/orders").json["orders"]) == len(held)
    two = program("orders:read", channels=[CHANNEL, "elsewhere"])
    assert two.get("/orders").json["field"] == "query:channel"
    assert len(two.get(f"/orders?channel={CHANNEL}").json["orders"]) == len(held)


def test_reading_needs_no_writing_and_writing_is_not_reading(home, program, held):
    assert program("orders:read").post(f"{path_of(held[0])}/retry").status_code == 403
    assert program("orders:write").get(path_of(held[0])).status_code == 403


def test_a_retry_says_with_which_mapping(home, store, program, held):
    anna = program()
    path = path_of(held[0])
    home.publish(store, "own")
    mapping = anna.get(path).json["passport"]["mapping"]
    assert (mapping["original"], mapping["pinned"]) == (0, None)
    assert anna.post(f"{path}/retry", {"mapping": "original"}).json["done"]
    assert anna.get(path).json["passport"]["mapping"]["pinned"] == 0
    assert anna.post(f"{path}/retry", {"mapping": "newest"}).status_code == 422
    assert anna.post(f"{path}/retry").json["done"]
    assert anna.get(path).json["passport"]["mapping"]["pinned"] is None
    run = anna.post("/runs", {"action": "retry", "mapping": "original"}).json
    assert run["mapping"] == "original"
    [cause] = anna.get("/issues").json["issues"]
    assert anna.post(f"/issues/{cause['id']}/release", {"mapping": "current"}).json["mapping"] == "current"


def test_what_the_source_has_changed_is_told_field_by_field(home, anna, held):
    path = f"{path_of(held[0])}/changes"
    assert anna.get(path).json == {"versions": None}
    home.shop.change(held[0])
    home.carry(limit=0)
    found = anna.get(path).json["versions"]
    changes = {each["path"]: each for each in found["changes"]}
    note = changes["customer_note"]
    assert note["after"] == f"{note['before']}!"
    assert anna.get(f"{path}?event={found['after']['event']}").json["versions"] == found
    assert anna.get(f"{path}?event={found['before']['event']}").json["versions"] is None
    assert anna.get(f"{path}?event=x").status_code == 422
