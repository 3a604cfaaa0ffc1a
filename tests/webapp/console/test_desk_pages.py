"""Home, needs-you, operations and the metrics, on an installation that has carried orders."""

from __future__ import annotations

import dataclasses
import datetime as dt
import html
import re
from decimal import Decimal

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select

from config.settings import Settings
from connectors.kit.errors import Transient
from connectors.kit.findings import fail, ok
from sync.desk import bulk
from sync.desk.doctor import Line, keep_report
from sync.desk.doctor.report import report_of
from sync.desk.operations import find_drain, record_stop
from sync.desk.proof import prove_channel
from sync.desk.queue import AWAY, QueueHealth, WorkerHealth
from sync.desk.steering import reject_order
from sync.store import schedule, singletons
from sync.store.audit import Actor
from sync.store.leases import open_lease
from sync.store.lookups import load_rows, save_lookup
from sync.store.switches import pause
from sync.store.tables import audit, bulk_runs, schedules
from sync.work.receive import Receiver
from tests.databases import now
from tests.sync.conftest import passing_time
from tests.sync.flows.erp import _article
from tests.sync.flows.shop import PLACED
from tests.sync.flows.world import CHANNEL, World
from webapp.app import create_app
from webapp.parts import LazyParts, Parts

__all__ = ["passing_time"]

TOKEN = "a-token-of-a-monitoring-system"
WORKER = WorkerHealth("w-1", "host", 4711, "busy", now(), now(), 12, 1, silent=False)
#: What nobody should be able to write into a page.
HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
def queue():
    """How the queue is; a test may change it."""

    class Queue:
        def __init__(self):
            self.seen = QueueHealth(answers=True, workers=(WORKER,), depth=3, version="9.1", policy="noeviction")
            #: Connections whose own pause was lifted.
            self.lifted = []

        def lift(self, name):
            if self.seen is AWAY:
                return None
            self.lifted.append(name)
            return False

    return Queue()


@pytest.fixture
def world(store):
    made = World(store, value_limits={"EUR": Decimal(40)})
    store.write(lambda c: singletons.take(c, "scheduler", "host:1", 900.0))
    store.write(lambda c: schedule.declare(c, {"pull:shop": now(), "proof:web": now()}))
    store.write(lambda c: schedule.finish(c, "pull:shop", ok=True, message="12 orders seen"))
    return made


@pytest.fixture
def app(world, sqlite_url, queue, tmp_path):
    settings = Settings.from_env({"CROSSDOCK_STATE": str(tmp_path), "CROSSDOCK_METRICS_TOKEN": TOKEN})
    app = create_app(
        settings,
        make_parts=lambda: Parts(
            store=world.store,
            receiver=Receiver(sqlite_url, {}, lambda channel, kind: True),
            sources={},
            queue_answers=lambda: queue.seen.answers,
            settings=settings,
            config=world.config,
            systems=world.systems,
            bell=world.bell,
            look_at_queue=lambda: queue.seen,
            lift=queue.lift,
        ),
    )
    yield app
    app.extensions[LazyParts.KEY].get().receiver.close()


def text(answer) -> str:
    """What a reader sees."""
    plain = re.sub(r"<svg.*?</svg>|<[^>]+>", " ", answer.text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(plain).replace("\N{NO-BREAK SPACE}", " "))


def stopped(world, count=3, sku="ALT"):
    orders = [world.shop.place(sku=sku, customer=f"{sku}{number}") for number in range(count)]
    world.carry()
    return orders


def issue_of(browser, cause="Unknown article") -> str:
    page = browser.get("/needs/").text
    return re.search(rf'href="(/needs/\d+)">{cause}', page)[1]


def actions(world) -> list[tuple[str, str, str]]:
    query = select(audit.c.actor, audit.c.action, audit.c.subject).order_by(audit.c.id)
    return [tuple(row) for row in world.rows(query) if row.action not in {"sign in", "sign out"}]


# --- home -------------------------------------------------------------------------------------------------------


def test_home_says_how_it_stands(world, browser):
    world.shop.place()
    stopped(world)
    page = text(browser("viewer").get("/"))
    assert "All 2 connections healthy. 3 orders need you: 1 cause." in page
    assert "Orders in: 4 this hour, 4 in 24 hours" in page
    assert "Orders out: 1 this hour" in page


def test_home_names_what_people_left_out_of_the_last_proof(world, browser):
    world.shop.place()
    world.pull()
    [order] = world.find("1")
    reject_order(world.store, order, actor=Actor("anna"), reason=HOSTILE)
    prove_channel(world.store, world.systems.channel(CHANNEL), since=PLACED - dt.timedelta(days=1))
    page = browser("viewer").get("/")
    assert re.search(r"1 left out Left out by people (WC-)?1 : anna, [\d-]{10}: " + re.escape(HOSTILE), text(page))
    assert 'href="/orders/web/1"' in page.text
    assert HOSTILE not in page.text


def test_the_line_of_the_hours_has_its_table(world, browser):
    world.shop.place()
    world.carry()
    page = browser("viewer").get("/").text
    [table, *_] = re.findall(r'<table class="figures">.*?</table>', page, re.DOTALL)
    assert len(re.findall(r"<tr>", table)) == 25
    assert 'role="img" aria-label="Orders in of the last 24 hours, by the hour"' in page


@pytest.mark.parametrize("path", ["/", "/needs/", "/alerts/", "/operations/", "/metrics"])
def test_nothing_on_a_page_breaks_while_the_queue_is_away(world, browser, queue, path):
    stopped(world)
    queue.seen = AWAY
    answer = browser("viewer").get(path)
    assert answer.status_code == 200
    if path != "/metrics":
        assert "The queue's server is away" in text(answer)


def test_missing_workers_are_said_above_every_page(browser, queue):
    queue.seen = QueueHealth(answers=True)
    assert "No worker is there" in text(browser("viewer").get("/needs/"))


def test_pause_and_resume(world, browser):
    operator = browser("operator")
    assert operator.post("/pause", name="erp", reason=HOSTILE).status_code == 303
    page = operator.get("/")
    assert "1 of 2 connections healthy. erp is paused." in text(page)
    assert HOSTILE in text(page)
    assert HOSTILE not in page.text
    assert operator.post("/resume", name="erp", back="operations.index").location == "/operations/"
    assert ("web", "order") in world.bell.rings
    assert actions(world) == [("operator", "pause", "connection:erp"), ("operator", "resume", "connection:erp")]


def asked_to_wait(world):
    until = now() + dt.timedelta(minutes=10)
    reason = "shop asked us to wait 10 minutes"
    world.write(lambda c: pause(c, "connection", "shop", reason, until=until, asked=True))


def test_a_pause_that_the_shop_asked_for_is_told_and_ended_by_the_button(world, browser, queue):
    operator = browser("operator")
    asked_to_wait(world)
    page = text(operator.get("/"))
    assert "shop asked us to wait and is tried again by itself." in page
    assert "shop asked us to wait 10 minutes Tried again by itself: in 10 minutes" in page
    assert "shop goes on." in text(operator.get(operator.post("/resume", name="shop").location))
    assert queue.lifted == ["shop"]
    assert "asked us to wait" not in text(operator.get("/"))


def test_who_ends_a_pause_while_the_queue_is_away_is_told_that_not_everybody_has_heard_it(world, browser, queue):
    operator = browser("operator")
    asked_to_wait(world)
    queue.seen = AWAY
    page = text(operator.get(operator.post("/resume", name="shop").location))
    assert "shop goes on." in page
    assert "a process that was asked to wait still waits" in page


def test_everything_is_paused_without_a_name(world, browser):
    operator = browser("operator")
    operator.post("/pause", reason="stock-taking")
    assert "Everything is paused: stock-taking." in text(operator.get("/"))
    operator.post("/resume")
    assert "Everything is paused" not in text(operator.get("/"))


def test_only_what_is_configured_can_be_paused_and_a_form_leads_nowhere_else(browser):
    operator = browser("operator")
    assert operator.post("/pause", name="nobody").status_code == 404
    assert operator.post("/resume", name="erp", back="//evil.example").location == "/"


def test_who_only_reads_sees_no_button(browser):
    page = browser("viewer").get("/").text
    assert 'action="/pause"' not in page
    assert 'action="/operations/schedules/run"' not in page


# --- needs you --------------------------------------------------------------------------------------------------


def test_causes_are_listed_with_their_money(world, browser):
    stopped(world)
    stopped(world, 1, "OTHER")
    page = text(browser("viewer").get("/needs/"))
    assert "sku:ALT" in page
    assert "60.00 EUR" in page
    assert "All 2" in page
    assert "Business 2" in page


def test_the_list_can_be_narrowed_and_turned(world, browser, monkeypatch):
    monkeypatch.setattr("webapp.console.needs._SIZE", 2)
    for number in range(3):
        stopped(world, 1, f"SKU-{number}")
    viewer = browser("viewer")
    assert "Nothing needs you here." in text(viewer.get("/needs/?owner=integrator"))
    first = viewer.get("/needs/?channel=web")
    assert len(re.findall(r"sku:SKU-", first.text)) == 2
    second = viewer.get(re.search(r'rel="next" href="([^"]+)"', first.text)[1].replace("&amp;", "&"))
    assert len(re.findall(r"sku:SKU-", second.text)) == 1
    for odd in ("?page=x", "?page=99999999999999999999", "?page=-1", "?owner=%00"):
        assert viewer.get(f"/needs/{odd}").status_code == 200


def test_a_cause_shows_its_orders_and_what_they_share(world, browser):
    stopped(world)
    viewer = browser("viewer")
    page = text(viewer.get(issue_of(viewer)))
    assert "Unknown article" in page
    assert "the ERP has no article 'ALT'" in page
    assert "3 of 3 looked at" in page
    assert viewer.get("/needs/4711").status_code == 404
    assert viewer.get(f"/needs/{10**30}").status_code == 404


def test_a_row_says_beforehand_what_it_releases_and_then_they_go(world, browser):
    orders = stopped(world)
    big = world.shop.place(sku="ALT", customer="big")
    world.shop.edit_total(big, "50.00")
    world.carry()
    integrator = browser("integrator")
    issue = issue_of(integrator)
    page = text(integrator.get(f"{issue}?target=+TASSE+&scope=channel:web"))
    assert "Releases 3 orders worth 60.00 EUR. 1 more is still stopped by another cause." in page
    answer = integrator.post(f"{issue}/lookup", target=" TASSE ", scope="channel:web", foreseen="2")
    assert answer.status_code == 303
    told = "ALT is TASSE from now on. 3 orders go. 1 more is still stopped by another cause. The page said 2: some came"
    assert told in text(integrator.get(issue))
    assert world.store.read(lambda c: [(row.key.value, row.target) for row in load_rows(c)]) == [("ALT", "TASSE")]
    world.drain()
    assert {world.item(order).state for order in orders} == {"done"}
    assert world.item(big).state == "held"
    assert actions(world) == [("integrator", "lookup", "channel:web:sku:ALT"), ("integrator", "retry all", "issue:1")]


def test_a_row_that_cannot_be_meant_is_refused_on_the_page(world, browser):
    stopped(world, 1)
    integrator = browser("integrator")
    issue = issue_of(integrator)
    for answer in (
        integrator.get(f"{issue}?target=++&scope=global"),
        integrator.post(f"{issue}/lookup", target="", scope="global"),
        integrator.post(f"{issue}/lookup", target="A", scope="channel:nowhere"),
        integrator.get(f"{issue}?target=A&scope=connection:nobody"),
    ):
        assert answer.status_code == 422
    assert world.store.read(load_rows) == []


def test_a_form_cannot_name_another_value_than_the_issues_own(world, browser):
    stopped(world, 1)
    integrator = browser("integrator")
    integrator.post(f"{issue_of(integrator)}/lookup", target="TASSE", scope="global", table="tax", value="19%")
    assert world.store.read(lambda c: [(row.key.value, row.target) for row in load_rows(c)]) == [("ALT", "TASSE")]


def test_a_cause_that_no_row_fixes_has_no_form_for_one(world, browser):
    world.shop.edit_total(world.shop.place(), "50.00")
    world.carry()
    integrator = browser("integrator")
    issue = issue_of(integrator, "Above the value limit")
    assert "See what it releases" not in integrator.get(issue).text
    assert integrator.post(f"{issue}/lookup", target="x", scope="global").status_code == 404


def test_all_of_a_cause_are_retried_watched_and_cancelled(world, browser, monkeypatch):
    monkeypatch.setattr(bulk, "PIECE", 2)
    stopped(world, 5)
    operator = browser("operator")
    issue = issue_of(operator)
    assert "Look at all 5 orders again" in text(operator.get(issue))
    operator.post(f"{issue}/retry")
    assert "2 of 5 released: 0 went on, 0 stopped again, 2 under way." in text(operator.get(issue))
    browser("admin").post(f"{issue}/retry")
    assert len(world.rows(select(bulk_runs.c.id))) == 1
    [run] = world.rows(select(bulk_runs))
    operator.post(f"{issue}/runs/{run.id}/cancel")
    page = text(operator.get(issue))
    assert "Cancelled. Orders that were released already are still looked at." in page
    assert "Look at all 3 orders again" in page
    operator.post(f"{issue}/runs/{run.id}/cancel")
    assert "It had ended already." in text(operator.get(issue))


def test_one_order_of_a_cause_is_retried(world, browser):
    orders = stopped(world, 2)
    operator = browser("operator")
    issue = issue_of(operator)
    operator.post(f"{issue}/retry/{world.item(orders[0]).id}")
    assert [world.item(order).state for order in orders] == ["ready", "held"]
    operator.post(f"{issue}/retry/4711")
    assert "is not stopped by this cause any more" in text(operator.get(issue))


def test_what_shops_write_is_text_and_nothing_else(world, browser):
    stopped(world, 2, HOSTILE)
    viewer = browser("viewer")
    for path in ("/", "/needs/", issue_of(viewer)):
        page = viewer.get(path).text
        assert "<script>alert" not in page
    assert HOSTILE in text(viewer.get(issue_of(viewer)))


# --- ways to mend a cause ---------------------------------------------------------------------------------------


def held(world, count=2):
    orders = [world.shop.place(customer=str(number)) for number in range(count)]
    for order in orders:
        world.shop.edit_total(order, "50.00")
    world.carry()
    return orders


def test_all_orders_of_a_rule_are_approved_with_a_reason_and_go(world, browser):
    orders = held(world)
    operator = browser("operator")
    issue = issue_of(operator, "Above the value limit")
    page = text(operator.get(issue))
    assert "When it is mended, 2 orders worth 100.00 EUR go." in page
    assert "channels.web.policies.value_limits: {EUR: 40}" in page
    assert operator.post(f"{issue}/approve", reason=" ").status_code == 422
    operator.post(f"{issue}/approve", reason="known buyer", foreseen="2")
    assert "2 orders are looked at again." in text(operator.get(issue))
    world.drain()
    assert {world.item(order).state for order in orders} == {"done"}
    assert actions(world) == [("operator", "approve all", "issue:1")]


def test_what_is_decided_order_by_order_is_not_approved_at_once(world, browser):
    stopped(world)
    operator = browser("operator")
    issue = issue_of(operator)
    assert "Why they may pass" not in text(operator.get(issue))
    answer = operator.post(f"{issue}/approve", reason="all of them")
    assert answer.status_code == 422
    assert "decided one by one" in text(answer)


def test_a_cause_names_the_pause_that_its_orders_wait_for(world, browser):
    stopped(world, 1)
    world.write(lambda c: pause(c, "connection", "erp", "away", until=now() + dt.timedelta(minutes=5)))
    viewer = browser("viewer")
    assert "erp is paused: away It goes on by itself in 5 minutes" in text(viewer.get(issue_of(viewer)))


def test_an_unknown_article_comes_with_what_is_written_almost_like_it(world, browser):
    stopped(world, 1, "TASSE-ALT")
    world.write(lambda c: save_lookup(c, "sku", "global", "TASSE-OLT", "TASSE", by="anna"))
    integrator = browser("integrator")
    issue = issue_of(integrator)
    [link] = re.findall(r'href="([^"]+target=TASSE[^"]*)"', integrator.get(issue).text)
    assert "Releases 1 order worth 20.00 EUR" in text(integrator.get(html.unescape(link).partition("#")[0]))


@pytest.mark.parametrize("cause", ["sku", "rule", "elsewhere"])
def test_all_orders_of_one_cause_go_with_one_form_of_its_page(world, browser, cause):
    world.shop.place(sku="TASSE")
    world.carry()
    orders = [world.shop.place(sku="Tasse" if cause != "rule" else "TASSE", customer=str(n)) for n in range(9)]
    if cause == "rule":
        for order in orders:
            world.shop.edit_total(order, "50.00")
    world.carry()
    assert {world.item(order).state for order in orders} == {"held"}
    admin = browser("admin")
    issue = issue_of(admin, "Above the value limit" if cause == "rule" else "Unknown article")
    action, reason = {"sku": ("lookup", ""), "rule": ("approve", "known"), "elsewhere": ("retry", "")}[cause]
    if cause == "elsewhere":
        world.erp.articles["Tasse"] = _article("Tasse")
    [form] = re.findall(rf'<form[^>]*action="({issue}/{action})">(.*?)</form>', admin.get(issue).text, re.DOTALL)
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form[1]))
    assert hidden["foreseen"] == "9"
    admin.post(form[0], **{**hidden, "reason": reason})
    world.drain()
    assert {world.item(order).state for order in orders} == {"done"}
    assert world.causes() == {}


def test_a_value_that_is_only_almost_alike_is_for_people_to_choose(world, browser):
    world.shop.place(sku="TASSE")
    world.carry()
    stopped(world, 1, "TASSEN")
    integrator = browser("integrator")
    page = integrator.get(issue_of(integrator)).text
    assert "target=TASSE&" in html.unescape(page)
    assert "let them go" not in page


def test_why_an_order_is_stuck_stands_two_links_from_home(world, browser):
    [order] = stopped(world, 1)
    viewer = browser("viewer")
    for first in ("1 cause", "Needs you"):
        [path, *_] = re.findall(rf'href="([^"]+)"[^>]*>(?:\s*<[^>]+>)*[^<]*{first}', viewer.get("/").text)
        page = viewer.get(html.unescape(path)).text
        [issue] = set(re.findall(r'href="(/needs/\d+)"', page))
        cause = viewer.get(issue)
        assert "the ERP has no article 'ALT'" in text(cause)
        assert f"/orders/web/{order}" in cause.text


def test_a_release_goes_no_faster_than_somebody_wants(world, browser):
    stopped(world, 5)
    operator = browser("operator")
    issue = issue_of(operator)
    operator.post(f"{issue}/retry", per_minute="2")
    assert "2 of 5 released" in text(operator.get(issue))
    bulk.advance(world.store)
    assert "2 of 5 released" in text(operator.get(issue))


# --- the life of a cause ----------------------------------------------------------------------------------------


def test_somebody_knows_of_a_cause_cares_for_it_and_says_so(world, browser):
    stopped(world)
    operator = browser("operator")
    issue = issue_of(operator)
    for action, fields in (
        ("acknowledge", {}),
        ("assign", {"assignee": "integrator", "due_on": "2031-02-03"}),
        ("comment", {"comment": f"The buyer says:\n{HOSTILE}"}),
    ):
        assert operator.post(f"{issue}/{action}", **fields).status_code == 303
    page = operator.get(issue)
    assert "Known to operator" in text(page)
    assert "Cared for by integrator" in text(page)
    assert f"The buyer says: {HOSTILE}" in text(page)
    assert "<script>alert" not in page.text
    listed = text(browser("viewer").get("/needs/?assignee=integrator"))
    assert "Known" in listed
    assert "by 2031-02-03" in listed
    assert "Nothing needs you here." in text(browser("viewer").get("/needs/?assignee=-"))


def test_a_cause_that_is_put_aside_leaves_the_list_and_says_how_to_see_it(world, browser):
    stopped(world)
    operator = browser("operator")
    issue = issue_of(operator)
    operator.post(f"{issue}/snooze", wait="4h", grows="10")
    listed = text(operator.get("/needs/"))
    assert "Nothing needs you here." in listed
    assert "1 cause is put aside" in listed
    assert "Put aside by operator" in text(operator.get(issue))
    assert "back with more than 13 orders" in text(operator.get(issue))
    assert "Unknown article" in text(operator.get("/needs/?state=snoozed"))
    operator.post(f"{issue}/wake")
    assert "Unknown article" in text(operator.get("/needs/"))


@pytest.mark.parametrize(
    ("action", "fields", "told"),
    [
        ("snooze", {}, "Say until when it may wait"),
        ("snooze", {"grows": "many"}, "a whole number from 1 on"),
        ("assign", {"assignee": "nobody-here"}, "There is no user nobody-here"),
        ("assign", {"due_on": "soon"}, "is no day"),
        ("comment", {"comment": "  "}, "Write what is to be kept."),
    ],
)
def test_what_cannot_be_kept_of_a_cause_is_refused_on_its_page(world, browser, action, fields, told):
    stopped(world, 1)
    operator = browser("operator")
    answer = operator.post(f"{issue_of(operator)}/{action}", **fields)
    assert answer.status_code == 422
    assert told in text(answer)


def test_a_cause_that_is_over_is_listed_as_such_and_says_nothing_more(world, browser):
    orders = stopped(world, 1)
    operator = browser("operator")
    issue = issue_of(operator)
    operator.post(f"/orders/web/{orders[0]}/reject", reason="no")
    assert "Nothing needs you here." in text(operator.get("/needs/"))
    assert "Over" in text(operator.get("/needs/?state=resolved"))
    operator.post(f"{issue}/acknowledge")
    assert "Nothing is stopped by this cause any more." in text(operator.get("/needs/"))


def test_the_list_is_sorted_and_filtered_by_the_address(world, browser):
    stopped(world, 2, "MANY")
    world.shop.edit_total(world.shop.place(sku="DEAR"), "39.00")
    world.carry()
    viewer = browser("viewer")

    def subjects(query):
        return re.findall(r"sku:(MANY|DEAR)", viewer.get(f"/needs/?{query}").text)

    assert subjects("sort=documents&cause=unknown_sku") == ["MANY", "DEAR"]
    assert subjects("sort=money&state=open") == ["MANY", "DEAR"]
    assert subjects("sort=seen") == ["DEAR", "MANY"]
    assert subjects("connection=nowhere") == []
    assert subjects("cause=address") == []
    assert subjects("state=nonsense&sort=nonsense") == ["MANY", "DEAR"]


def test_an_order_keeps_what_people_say_of_it(world, browser):
    [order] = stopped(world, 1)
    operator = browser("operator")
    operator.post(f"/orders/web/{order}/comment", comment="I have called them.")
    operator.post(f"/orders/web/{order}/comment", comment=" ")
    page = text(operator.get(f"/orders/web/{order}"))
    assert "Write what is to be kept." in page
    assert re.search(r"operator , .{1,40} I have called them\.", page)
    assert actions(world)[-1] == ("operator", "comment", f"order:web:{order}")


# --- operations -------------------------------------------------------------------------------------------------


def test_operations_show_the_machinery(world, browser):
    lease = world.write(
        lambda c: open_lease(
            c, channel=CHANNEL, kind="order", target="erp", holder="host:99:job-1", concurrency=2, lease_s=60.0
        )
    )
    page = text(browser("admin").get("/operations/"))
    for said in ("noeviction", "SQLite", "Current", "host 4711", "Busy", "host 99", "12 orders seen", "Pull changed"):
        assert said in page
    assert f"/operations/drains/{lease.token}/stop" in browser("admin").get("/operations/").text
    assert f"/operations/drains/{lease.token}/stop" not in browser("integrator").get("/operations/").text


def test_operations_show_what_the_doctor_found(world, browser):
    viewer = browser("viewer")
    assert "Nobody has looked yet." in text(viewer.get("/operations/"))
    lines = [
        Line("installation", "there is room on the disk", fail("installation.disk", "0 bytes", "make room")),
        Line("queue", "workers are alive", ok("queue.workers", "2 alive")),
    ]
    keep_report(world.store, report_of(lines))
    page = text(viewer.get("/operations/"))
    assert "Not ready 50 of 100" in page
    assert "Fails Installation: there is room on the disk" in page
    assert "workers are alive" not in page


def test_a_row_to_an_article_that_the_erp_does_not_have_says_so_beforehand(world, browser, monkeypatch):
    stopped(world, 1)
    integrator = browser("integrator")
    issue = issue_of(integrator)
    warning = "erp has no article TYPO: orders that go would be stopped again."
    assert warning in text(integrator.get(f"{issue}?target=TYPO&scope=global"))
    assert "has no article TASSE" not in text(integrator.get(f"{issue}?target=TASSE&scope=global"))

    def away(_refs):
        raise Transient("nobody answers")

    # What cannot be asked is not claimed, and the page is there all the same.
    monkeypatch.setattr(world.erp, "resolve", away)
    page = text(integrator.get(f"{issue}?target=TYPO&scope=global"))
    assert "Releases 1 order" in page
    assert warning not in page


def test_the_reason_of_a_row_is_kept(world, browser):
    stopped(world, 1)
    integrator = browser("integrator")
    issue = issue_of(integrator)
    assert 'name="reason"' in integrator.get(f"{issue}?target=TASSE&scope=global").text
    integrator.post(f"{issue}/lookup", target="TASSE", scope="global", reason="renamed in May")
    [reason] = world.rows(select(audit.c.reason).where(audit.c.action == "lookup"))
    assert reason.reason == "renamed in May"


def test_a_schedule_is_asked_for(world, browser):
    operator = browser("operator")
    assert operator.post("/operations/schedules/run", name="proof:web", back="home.index").location == "/"
    asked = world.rows(select(schedules.c.name).where(schedules.c.asked))
    assert [row.name for row in asked] == ["proof:web"]
    operator.post("/operations/schedules/run", name="proof:nobody", back="operations.index")
    assert "Not run: there is no schedule proof:nobody" in text(operator.get("/operations/"))


def test_a_stop_that_cannot_be_given_says_why_and_still_pauses(world, browser):
    lease = world.write(
        lambda c: open_lease(
            c, channel=CHANNEL, kind="order", target="erp", holder="host:99:job-1", concurrency=2, lease_s=60.0
        )
    )
    admin = browser("admin")
    assert admin.post(f"/operations/drains/{lease.token}/stop").status_code == 400
    admin.post(f"/operations/drains/{lease.token}/stop", reason="the ERP hangs", pause="yes")
    page = text(admin.get("/operations/"))
    assert "Not stopped: the queue's server is away" in page
    assert actions(world) == [("admin", "pause", "channel:web")]
    admin.post("/operations/drains/gone/stop", reason="x")
    assert "This drain has ended by itself." in text(admin.get("/operations/"))


def test_a_stopped_drain_says_so_until_its_lease_ends(world, browser):
    held = {"channel": CHANNEL, "kind": "order", "target": "erp", "concurrency": 2, "lease_s": 60.0}
    stopped_, other = (
        world.write(lambda c, job=job: open_lease(c, holder=f"host:99:{job}", **held)) for job in ("job-1", "job-2")
    )
    view = find_drain(world.store, stopped_.token)
    record_stop(world.store, view, actor=Actor("grace"), reason="the ERP hangs")
    page = browser("admin").get("/operations/").text
    assert page.count("grace stopped it") == 1
    assert f"/operations/drains/{stopped_.token}/stop" not in page
    assert f"/operations/drains/{other.token}/stop" in page


def test_a_cause_says_once_what_to_do(world, browser):
    stopped(world, 1)
    page = text(browser("viewer").get(issue_of(browser("viewer"))))
    assert page.count("Create the article in the ERP and retry, or say on its page which article is meant.") == 1
    assert "add a row for" not in page


# --- metrics ----------------------------------------------------------------------------------------------------


def measured(answer) -> dict[tuple[str, ...], float]:
    """(name, label values in the order of their names) -> value."""
    assert answer.status_code == 200
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def bearer(token):
    return {"headers": {"Authorization": f"Bearer {token}"}}


def test_a_monitoring_system_with_the_token_reads_the_metrics(world, client):
    world.shop.place()
    stopped(world)
    found = measured(client.get("/metrics", **bearer(TOKEN)))
    assert found["crossdock_items", "web", "held"] == 3
    assert found["crossdock_items", "web", "done"] == 1
    assert found["crossdock_issue_documents", "unknown_sku"] == 3
    assert found["crossdock_connection_condition", "healthy", "erp"] == 1
    assert found["crossdock_connection_condition", "failing", "erp"] == 0
    assert found["crossdock_orders_this_hour", "shop", "in"] == 4
    assert found["crossdock_workers",] == 1
    assert found["crossdock_queue_rings",] == 3
    assert found["crossdock_scheduler_up",] == 1


def test_without_token_and_session_there_is_no_such_page(client):
    for options in ({}, bearer("wrong"), bearer("wröng"), bearer(""), {"headers": {"Authorization": TOKEN}}):
        answer = client.get("/metrics", **options)
        assert answer.status_code == 404
        assert b"crossdock_items" not in answer.data


def test_somebody_who_is_signed_in_reads_them_too(browser):
    assert measured(browser("viewer").get("/metrics"))["crossdock_paused",] == 0


def test_what_the_queue_does_not_tell_is_left_out(browser, queue):
    queue.seen = AWAY
    found = measured(browser("viewer").get("/metrics"))
    assert found["crossdock_queue_up",] == 0
    assert ("crossdock_workers",) not in found


def test_no_text_of_a_shop_becomes_a_label(world, client):
    stopped(world, 2, HOSTILE)
    page = client.get("/metrics", **bearer(TOKEN)).text
    assert "script" not in page
    before = len(page.splitlines())
    stopped(world, 5, "ANOTHER")
    assert len(client.get("/metrics", **bearer(TOKEN)).text.splitlines()) == before


def test_a_worker_that_is_silent_counts_as_none(browser, queue):
    queue.seen = dataclasses.replace(queue.seen, workers=(dataclasses.replace(WORKER, silent=True),))
    viewer = browser("viewer")
    assert measured(viewer.get("/metrics"))["crossdock_workers",] == 0
    assert "Silent" in text(viewer.get("/operations/"))
