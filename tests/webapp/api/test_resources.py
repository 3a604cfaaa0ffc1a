"""Issues, look-ups, mappings, status, stock, proof and audit by the API, over a shop and an ERP."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from sync.desk import accounts
from sync.store import users
from sync.store.audit import Actor, record_audit
from sync.store.issues import Cause, Stop, close_documents, open_issues
from sync.store.reports import save_report
from sync.store.tables import work_items
from sync.store.views import add_view
from tests.webapp.api.conftest import ACTOR
from tests.webapp.console.selling import CHANNEL, selling

pytestmark = pytest.mark.loopback

PROFILE = "profile: own\nextends: woocommerce\nsource:\n  order:\n    - {to: note, constant: by the API}\n"


@pytest.fixture
def home(tmp_path, store):
    with selling(tmp_path, store.engine.url.render_as_string(hide_password=False)) as made:
        yield made


@pytest.fixture
def app(home):
    return home.app


@pytest.fixture
def anna(program):
    return program()


@pytest.fixture
def held(home):
    """Two orders that the value limit holds."""
    placed = home.shop.place(1) + home.shop.place(1)
    home.carry(limit=0)
    return placed


def states(store):
    query = select(work_items.c.external_id, work_items.c.state)
    return dict(store.read(lambda c: [tuple(row) for row in c.execute(query)]))


# --- issues -----------------------------------------------------------------------------------------------------


def test_a_cause_is_looked_into_and_released_with_progress(store, anna, held):
    [issue] = anna.get("/issues").json["issues"]
    assert (issue["cause"], issue["state"], issue["stopped"]) == ("value_limit", "open", 2)
    assert issue["worth"][0]["amount"]
    path = f"/issues/{issue['id']}"
    preview = anna.get(f"{path}/release").json
    assert (preview["goes"]["documents"], preview["stays"]["documents"]) == (2, 0)
    assert preview["goes"]["worth"] == issue["worth"]
    started = anna.post(f"{path}/release", {"reason": "the limit is raised"}, key="k1")
    assert started.status_code == 202
    assert (started.json["expected"], started.json["released"]) == (2, 2)
    assert anna.post(f"{path}/release", {"reason": "the limit is raised"}, key="k1").json == started.json
    assert set(states(store).values()) == {"ready"}
    run = anna.get(f"/runs/{started.json['id']}").json
    assert (run["issue_id"], run["under_way"], run["asked_by"]) == (issue["id"], 2, "token:program-1")
    assert anna.post(f"/runs/{run['id']}/cancel").json == {"cancelled": run["running"]}


def test_all_that_a_limit_holds_is_approved_at_once_with_a_reason_and_at_a_pace(home, store, anna, program, held):
    [issue] = anna.get("/issues").json["issues"]
    path = f"/issues/{issue['id']}/approve"
    assert anna.post(path, {"reason": " "}).status_code == 422
    assert program("issues:read", "issues:write").post(path, {"reason": "x"}).status_code == 403
    run = anna.post(path, {"reason": "the wholesaler's week", "per_minute": 1})
    assert run.status_code == 202
    assert (run.json["action"], run.json["per_minute"], run.json["released"], run.json["left"]) == ("approve", 1, 1, 1)
    assert sorted(states(store).values()) == ["held", "ready"]
    home.carry(limit=0)
    assert sorted(states(store).values()) == ["done", "held"]


def test_the_documents_of_a_cause_come_a_page_at_a_time(anna, held):
    [issue] = anna.get("/issues").json["issues"]
    first = anna.get(f"/issues/{issue['id']}/documents?limit=1").json
    second = anna.get(f"/issues/{issue['id']}/documents?limit=1&after={first['next']}").json
    assert second["next"] is None
    assert anna.get(f"/issues/{issue['id']}/documents?after=x").json["field"] == "query:after"
    found = [one for page in (first, second) for one in page["documents"]]
    assert [one["external_id"] for one in found] == held
    assert found[0]["details"][0]["reason"]
    assert found[0]["total"]["currency"] == "EUR"


def test_causes_come_a_page_at_a_time_and_one_that_goes_shifts_none(store, anna, held):
    names = ("unit", "price", "tax")
    store.write(lambda c: open_issues(c, [Stop(None, Cause(cause=name, channel="web", title=name)) for name in names]))
    seen, after = [], ""
    while after is not None:
        page = anna.get(f"/issues?limit=1&after={after}").json
        seen += [one["cause"] for one in page["issues"]]
        if len(seen) == 1:
            store.write(lambda c: close_documents(c, c.execute(select(work_items.c.id)).scalars().all()))
        after = page["next"]
    assert (seen[0], sorted(seen[1:])) == ("value_limit", sorted(names))
    for mark in ("x", "1", "1_x", "nan_1", "_"):
        assert anna.get(f"/issues?after={mark}").json["field"] == "query:after"


def test_people_and_programs_care_for_a_cause(store, anna, held):
    accounts.add_user(store, "grace", "correct horse battery", "operator", actor=ACTOR)
    [issue] = anna.get("/issues").json["issues"]
    path = f"/issues/{issue['id']}"
    assert anna.post(f"{path}/acknowledge").json["state"] == "acknowledged"
    assert anna.post(f"{path}/snooze", {"grows_by": 5}).json["state"] == "snoozed"
    assert anna.get("/issues").json["issues"] == []
    assert len(anna.get("/issues?state=snoozed").json["issues"]) == 1
    assert anna.post(f"{path}/wake").json["state"] == "acknowledged"
    cared = anna.post(f"{path}/assign", {"assignee": "grace", "due_on": "2026-11-30"}).json
    assert (cared["assignee"], cared["due_on"]) == ("grace", "2026-11-30")
    said = anna.post(f"{path}/comments", {"text": "asked the shop"}).json["comments"]
    assert [(one["by"], one["text"]) for one in said] == [("token:program-1", "asked the shop")]
    for word, body in (("snooze", {}), ("assign", {"assignee": "nobody"}), ("comments", {"text": " "})):
        assert anna.post(f"{path}/{word}", body).status_code == 422


def test_an_issue_or_a_run_that_is_none_is_not_found(anna, held):
    for number in ("0", "999", "x", "9" * 30, "-1", "1.0", "\N{ARABIC-INDIC DIGIT ONE}"):
        for path in (
            f"/issues/{number}",
            f"/issues/{number}/documents",
            f"/issues/{number}/release",
            f"/runs/{number}",
        ):
            assert anna.get(path).status_code == 404, path
        assert anna.post(f"/issues/{number}/release", {}).status_code == 404, number
        assert anna.post(f"/runs/{number}/cancel").status_code == 404, number


# --- look-ups ---------------------------------------------------------------------------------------------------


def test_rows_are_previewed_saved_all_or_none_and_removed_as_seen(anna):
    rows = [{"value": "OLD", "target": "NEW"}, {"value": "B-*", "target": "C", "scope": f"channel:{CHANNEL}"}]
    preview = anna.post("/lookups/sku/preview", {"rows": rows}).json
    assert [change["kind"] for change in preview["changes"]] == ["added", "added"]
    assert anna.get("/lookups/sku/rows").json["rows"] == []
    saved = anna.call("PUT", "/lookups/sku/rows", json={"rows": rows, "seen": preview["seen"], "reason": "renamed"})
    assert [change["after"] for change in saved.json["changes"]] == ["NEW", "C"]
    again = anna.call("PUT", "/lookups/sku/rows", json={"rows": rows[:1], "seen": preview["seen"]})
    assert (again.status_code, again.json["id"]) == (409, "changed_since")
    listed = anna.get("/lookups/sku/rows?q=OLD").json["rows"]
    assert [(row["value"], row["target"], row["changed_by"]) for row in listed] == [("OLD", "NEW", "token:program-1")]
    wrong = anna.post("/lookups/sku/remove", {"value": "OLD", "revision": 7})
    assert (wrong.status_code, wrong.json["expected"]) == (409, "1")
    assert anna.post("/lookups/sku/remove", {"value": "OLD", "revision": 1}).json["changes"][0]["kind"] == "removed"
    assert anna.post("/lookups/sku/remove", {"value": "OLD", "revision": 1}).status_code == 404
    assert {table["name"]: table["rows"] for table in anna.get("/lookups").json["tables"]}["sku"] == 1


def test_one_row_that_is_wrong_keeps_all_of_them_out(anna):
    rows = [{"value": "A", "target": "B"}, {"value": "C", "target": "D", "scope": "channel:nowhere"}]
    refused = anna.call("PUT", "/lookups/sku/rows", json={"rows": rows})
    assert (refused.status_code, refused.json["id"]) == (422, "refused")
    assert anna.get("/lookups/sku/rows").json["count"] == 0
    assert anna.get("/lookups/nothing/rows").status_code == 404


def test_replacing_takes_away_what_is_not_sent(anna):
    anna.call("PUT", "/lookups/sku/rows", json={"rows": [{"value": "A", "target": "B"}]})
    body = {"rows": [{"value": "C", "target": "D"}], "replace": True}
    kinds = [change["kind"] for change in anna.post("/lookups/sku/preview", body).json["changes"]]
    assert kinds == ["added", "removed"]
    anna.call("PUT", "/lookups/sku/rows", json=body)
    assert [row["value"] for row in anna.get("/lookups/sku/rows").json["rows"]] == ["C"]


# --- mappings ---------------------------------------------------------------------------------------------------


def test_a_profile_is_checked_drafted_replayed_published_and_rolled_back(anna, held):
    path = f"/mappings/{CHANNEL}"
    assert anna.get("/mappings").json["mappings"][0]["published"] is None
    checked = anna.post(f"{path}/check", {"text": PROFILE})
    assert checked.status_code == 200, checked.text
    draft = anna.call("PUT", f"{path}/draft", json={"text": PROFILE}).json
    assert anna.get(f"{path}/text?which=draft").json["text"] == PROFILE
    stale = anna.call("PUT", f"{path}/draft", json={"text": PROFILE, "seen": "9.9"})
    assert (stale.status_code, stale.json["id"]) == (409, "changed_since")
    assert draft["seen"] == "0.1"
    replay = anna.post(f"{path}/replay", {"text": PROFILE}).json["replay"]
    assert (replay["documents"], replay["newly_fail"]) == (2, 0)
    body = {"text": PROFILE, "base": 0, "reason": "first"}
    done = anna.post(f"{path}/publish", body, key="p1")
    assert (done.status_code, done.json["revision"]["number"], done.json["released"]) == (200, 1, 2)
    assert anna.post(f"{path}/publish", body, key="p1").json == done.json
    late = anna.post(f"{path}/publish", body | {"text": PROFILE + "# more\n"})
    assert (late.status_code, late.json["id"]) == (409, "changed_since")
    second = anna.post(f"{path}/publish", {"text": PROFILE.replace("by", "of"), "base": 1, "reason": "better"})
    assert second.json["revision"]["number"] == 2
    back = anna.post(f"{path}/roll-back", {"number": 1, "reason": "worse"}).json
    assert (back["revision"]["number"], back["revision"]["text_of"]) == (3, 1)
    detail = anna.get(path).json
    assert [one["number"] for one in detail["revisions"]] == [3, 2, 1]
    assert detail["published"]["author"] == "token:program-1"
    assert anna.post(f"{path}/roll-back", {"number": 99, "reason": "x"}).json["id"] == "refused"


def test_all_that_is_wrong_with_a_profile_is_told_with_its_place(anna):
    text = (
        "profile: own\nextends: woocommerce\nsource:\n  order:\n    - {to: nowhere, constant: x}\n    - {too: note}\n"
    )
    for word, body in (("check", {}), ("publish", {"base": 0, "reason": "x"})):
        refused = anna.post(f"/mappings/{CHANNEL}/{word}", {"text": text, **body})
        assert (refused.status_code, refused.json["id"]) == (422, "profile_invalid")
        assert len(refused.json["errors"]) >= 2
        assert all(":" in one["message"] for one in refused.json["errors"])
    assert anna.get(f"/mappings/{CHANNEL}/text").status_code == 422
    assert anna.get(f"/mappings/{CHANNEL}/text?which=latest").status_code == 422


# --- how things are ---------------------------------------------------------------------------------------------


def test_the_status_says_the_sentence_of_the_home_page_and_each_part(anna, held):
    status = anna.get("/status").json
    assert "2 orders" in status["sentence"]
    assert [one["name"] for one in status["connections"]] == ["shop", "erp"]
    assert [(one["name"], one["needs"], one["counts"]["held"]) for one in status["channels"]] == [(CHANNEL, 2, 2)]
    assert anna.get("/connections/erp").json["system"] == "sandbox_erp"
    assert anna.get(f"/channels/{CHANNEL}").json["source"] == "shop"
    assert anna.get("/connections/nowhere").status_code == anna.get("/channels/nowhere").status_code == 404


@pytest.mark.parametrize("path", ["/connections/erp", f"/channels/{CHANNEL}"])
def test_a_pause_says_why_and_ends(anna, path):
    assert anna.post(f"{path}/pause", {"reason": ""}).status_code == 422
    assert anna.post(f"{path}/pause", {"reason": "stock-taking"}).json["changed"]
    assert anna.get(path).json["pause"] == {"reason": "stock-taking", "until": None}
    assert anna.post(f"{path}/resume").json["changed"]
    assert anna.get(path).json["pause"] is None
    assert not anna.post(f"{path}/resume").json["changed"]
    assert anna.post("/connections/nowhere/pause", {"reason": "x"}).status_code == 404


def test_the_proof_is_the_newest_that_was_kept(anna, store):
    assert anna.get(f"/proof/{CHANNEL}").status_code == 404
    store.write(lambda c: save_report(c, "proof", CHANNEL, ok=True, body={"holds": True, "groups": []}))
    found = anna.get(f"/proof/{CHANNEL}").json
    assert (found["holds"], found["proof"]) == (True, {"holds": True, "groups": []})


def test_the_machinery_says_how_it_is_and_hands_no_lease_over(anna):
    found = anna.get("/operations").json
    assert found["operations"]["revision"] == found["operations"]["wanted_revision"]
    assert found["queue"]["answers"] is False
    assert "token" not in anna.get("/operations").text


def test_a_channel_whose_stock_is_not_carried_says_so(anna):
    refused = anna.get(f"/stock/{CHANNEL}")
    assert (refused.status_code, refused.json["id"]) == (422, "refused")
    assert "set `stock: {push: on}`" in refused.json["detail"]


def test_the_audit_is_read_a_page_at_a_time(anna, store):
    for number in range(5):
        store.write(lambda c, n=number: record_audit(c, Actor("eve", "x"), "retry", f"order:web:{n}"))
    first = anna.get("/audit?actor=eve&limit=3").json
    second = anna.get("/audit", query_string={"actor": "eve", "limit": 3, "after": first["next"]}).json
    assert [one["subject"][-1] for one in first["entries"] + second["entries"]] == ["4", "3", "2", "1", "0"]
    assert second["next"] is None
    assert anna.get("/audit?after=x").status_code == 422


# --- tokens that are limited to channels ------------------------------------------------------------------------


def test_a_token_for_another_channel_reaches_nothing_of_this_one(store, program, held):
    other = program(channels=["elsewhere"])
    [issue] = program().get("/issues").json["issues"]
    run = program().post(f"/issues/{issue['id']}/release", {}).json["id"]
    before = states(store)
    assert other.get("/issues").json["issues"] == []
    assert other.get("/mappings").json["mappings"] == []
    status = other.get("/status").json
    assert (status["connections"], status["channels"], status["sentence"]) == ([], [], "")
    for path in (f"/issues/{issue['id']}", f"/issues/{issue['id']}/documents", f"/runs/{run}", "/connections/erp"):
        assert other.get(path).status_code == 404, path
    for path in (f"/mappings/{CHANNEL}", f"/proof/{CHANNEL}", f"/stock/{CHANNEL}", "/audit", "/operations"):
        assert other.get(path).status_code == 403, path
    for path in (f"/issues/{issue['id']}/release", f"/issues/{issue['id']}/comments", f"/runs/{run}/cancel"):
        assert other.post(path, {"text": "x"} if "comments" in path else {}).status_code == 404, path
    for path in ("/connections/erp/pause", f"/channels/{CHANNEL}/pause"):
        assert other.post(path, {"reason": "x"}).status_code == 403, path
    assert states(store) == before


def test_a_token_for_a_channel_changes_only_rows_of_that_channel(program):
    ours = program(channels=[CHANNEL])
    for scope in ("global", "connection:erp", "channel:elsewhere"):
        body = {"rows": [{"value": "A", "target": "B", "scope": scope}]}
        refused = ours.call("PUT", "/lookups/sku/rows", json=body)
        assert (refused.status_code, refused.json["expected"]) == (403, f"channel:{CHANNEL}")
    row = {"value": "A", "target": "B", "scope": f"channel:{CHANNEL}"}
    assert ours.call("PUT", "/lookups/sku/rows", json={"rows": [row], "replace": True}).status_code == 403
    assert ours.call("PUT", "/lookups/sku/rows", json={"rows": [row]}).status_code == 200


def test_what_strangers_wrote_comes_back_as_the_text_that_it_is(anna, store, held):
    hostile = "<script>alert(1)</script>\u202e{{7*7}}\x1e{}"
    store.write(lambda c: c.execute(update(work_items).values(reason=hostile)))
    answer = anna.get("/orders")
    assert answer.mimetype == "application/json"
    assert {row["reason"].split("\u202e")[0] for row in answer.json["orders"]} == {"<script>alert(1)</script>"}


# --- one action for many orders ---------------------------------------------------------------------------------


def test_what_a_filter_selects_is_foreseen_begun_once_watched_and_listed(store, anna, held):
    seen = anna.get("/runs/preview?action=retry&tab=needs").json
    assert (seen["goes"]["documents"], seen["by_state"]["held"]["documents"], seen["run_id"]) == (2, 2, None)
    asked = {"action": "retry", "tab": "needs", "per_minute": 1}
    begun = anna.post("/runs", asked, key="r1")
    assert begun.status_code == 202
    assert (begun.json["issue_id"], begun.json["expected"], begun.json["released"]) == (None, 2, 1)
    assert anna.post("/runs", asked, key="r1").json == begun.json
    assert anna.post("/runs", asked).json["id"] == begun.json["id"]
    assert sorted(states(store).values()) == ["held", "ready"]
    page = anna.get("/runs?limit=1").json
    assert ([run["id"] for run in page["runs"]], page["next"]) == ([begun.json["id"]], None)
    assert anna.get(f"/runs/{begun.json['id']}").json["under_way"] == 1
    assert anna.post(f"/runs/{begun.json['id']}/cancel").json == {"cancelled": True}
    entries = anna.get(f"/audit?thing=run:{begun.json['id']}").json["entries"]
    assert [entry["action"] for entry in entries] == ["cancel retry", "retry all"]


def test_a_run_is_refused_without_its_reason_and_beyond_the_tokens_channels(store, anna, program, held):
    refused = anna.post("/runs", {"action": "skip"})
    assert (refused.status_code, refused.mimetype) == (422, "application/problem+json")
    assert anna.post("/runs", {"action": "erase"}).status_code == 422
    assert anna.get("/runs?after=x").status_code == 422
    elsewhere = program(channels=("other",))
    assert elsewhere.post("/runs", {"action": "retry", "channel": CHANNEL}).status_code == 403
    assert elsewhere.get("/runs/preview?action=retry").json["goes"]["documents"] == 0
    run = anna.post("/runs", {"action": "retry"}).json
    assert elsewhere.get(f"/runs/{run['id']}").status_code == 404


def test_views_that_people_share_are_listed_and_no_others(store, anna):
    owner = store.write(lambda c: users.add_user(c, "bert", "x", "operator"))
    for name, shared in (("Ours", True), ("Mine", False)):
        store.write(lambda c, name=name, shared=shared: add_view(c, owner, "orders", name, "tab=done", shared=shared))
    [view] = anna.get("/views?page=orders").json["views"]
    assert (view["name"], view["owner"], view["query"]) == ("Ours", "bert", "tab=done")
    assert anna.get("/views?page=needs").json["views"] == []
