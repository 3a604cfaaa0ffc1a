"""The doctor: each check of ours can fail, none stops another, and all are done in time."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import insert, update

from config.problems import Place, Problem
from config.settings import Settings
from connectors.kit.findings import Finding, Level, fail, ok, unknown, warn
from connectors.sandbox.erp import DEFAULT_API_KEY, running_erp
from connectors.sandbox.erp.products import default_products
from sync.desk.doctor import (
    Line,
    Patient,
    Report,
    examine,
    examine_connection,
    installation,
    keep_report,
    last_checkup,
    last_checkups,
)
from sync.desk.doctor.installation import Installation
from sync.desk.doctor.report import report_of
from sync.desk.doctor.running import Section, run_all
from sync.rules.systems import Systems, read_config
from sync.store import schedule
from sync.store.alerts import add_message, mark_refused, mark_sent
from sync.store.engine import Store
from sync.store.health import quick_check
from sync.store.issue_sums import REPORT as ISSUE_SUMS
from sync.store.reports import save_report
from sync.store.revisions import Revision, add_revision
from sync.store.singletons import take
from sync.store.switches import pause
from sync.store.tables import events, metadata, reports
from tests.contract.source_fakes import WooCommerceFake, sandbox_woocommerce
from tests.databases import forward
from tests.shared import PATIENCE_S
from tests.sync.desk.test_connections import attempt

CONFIG = """\
connections:
  shop:
    system: woocommerce
    url: {shop}
    auth: {{key: "${{env:SHOP_KEY}}", secret: "${{env:SHOP_SECRET}}"}}
    webhook_secrets: ["${{env:SHOP_HOOK}}"]
    allow_hosts: [127.0.0.1, shop.lan]
  erp:
    system: sandbox_erp
    url: {erp}
    auth: {{key: "${{env:ERP_KEY}}"}}
    allow_hosts: [127.0.0.1]
    options: {{{options}}}
{more}
channels:
  web:
    source: shop
    erp: erp
    timezone: Europe/Berlin
    policies: {{{policies}}}
"""


class Home:
    """One installation that is examined."""

    def __init__(self, folder: Path, store: Store, shop: str, erp: str) -> None:
        self.folder, self.store, self.shop, self.erp = folder, store, shop, erp
        (folder / "config").mkdir()
        self.variables = {
            "CROSSDOCK_CONFIG": str(folder / "config"),
            "CROSSDOCK_STATE": str(folder / "state"),
            "SHOP_KEY": "ck_sandbox",
            "SHOP_SECRET": WooCommerceFake.secrets[0],
            "SHOP_HOOK": "hook",
            "ERP_KEY": DEFAULT_API_KEY,
        }

    def patient(self, *, policies="", options="", more="", top="", shop="", **variables) -> Patient:
        text = CONFIG.format(shop=shop or self.shop, erp=self.erp, policies=policies, options=options, more=more)
        (self.folder / "config" / "crossdock.yaml").write_text(text + top)
        settings = Settings.from_env({**self.variables, **variables})
        return Patient(settings=settings, store=self.store, systems=Systems(read_config(settings)))

    def found(self, **changes) -> dict[str, Finding]:
        """Check -> finding, of everything."""
        report = examine(self.patient(**changes), total_s=20)
        return {f"{line.section} {line.finding.check}": line.finding for line in report.lines}

    def of(self, section: str, check: str, **changes) -> Finding:
        return self.found(**changes)[f"{section} {check}"]


@pytest.fixture
def shop():
    with sandbox_woocommerce() as fake:
        yield fake


@pytest.fixture
def erp():
    with running_erp(products=default_products(60)) as running:
        yield running


@pytest.fixture
def home(tmp_path, sqlite_store, shop, erp):
    return Home(tmp_path, sqlite_store, shop.server.url, erp.url)


# --- running ----------------------------------------------------------------------------------------------------


def section(name, work, *checks):
    return Section(name, {check: check for check in checks}, work)


def levels(lines):
    return [(line.section, line.finding.check, line.finding.level) for line in lines]


def test_sections_run_side_by_side_and_their_lines_keep_the_order():
    meeting = threading.Barrier(2, timeout=PATIENCE_S)

    def work(name):
        def run():
            meeting.wait()
            yield ok(f"{name}.1", "")

        return run

    lines = run_all([section("b", work("b"), "b.1"), section("a", work("a"), "a.1")], 5)
    assert levels(lines) == [("b", "b.1", Level.OK), ("a", "a.1", Level.OK)]


def test_what_is_not_known_at_the_deadline_is_said_to_be_unknown_and_what_was_found_stays():
    let_go = threading.Event()

    def slow():
        yield fail("s.1", "found", "do")
        let_go.wait(PATIENCE_S)
        yield ok("s.2", "too late")

    begun = time.monotonic()
    lines = run_all([section("s", slow, "s.1", "s.2"), section("t", lambda: iter([ok("t.1", "")]), "t.1")], 1.0)
    assert time.monotonic() - begun < PATIENCE_S / 2
    let_go.set()
    assert [line.finding.level for line in lines] == [Level.FAIL, Level.UNKNOWN, Level.OK]
    assert "not found out within" in lines[1].finding.found


def test_a_check_that_breaks_is_named_and_stops_no_other():
    def broken():
        yield ok("x.1", "")
        raise ZeroDivisionError

    lines = run_all([section("x", broken, "x.1", "x.2", "x.3"), section("y", lambda: iter([ok("y.1", "")]), "y.1")], 5)
    assert [line.finding.level for line in lines] == [Level.OK, Level.UNKNOWN, Level.UNKNOWN, Level.OK]
    assert "ZeroDivisionError" in lines[1].finding.found
    assert "defect" in lines[1].finding.next_step
    assert "`x.2` comes first" in lines[2].finding.found


# --- the report -------------------------------------------------------------------------------------------------


def lines_of(*found):
    return [Line("s", "title", finding) for finding in found]


@pytest.mark.parametrize(
    ("found", "score", "is_ok", "ready"),
    [
        ([ok("a", "")], 100, True, True),
        ([ok("a", ""), warn("b", "", "do")], 75, True, True),
        ([ok("a", ""), unknown("b", "")], 50, True, False),
        ([ok("a", ""), ok("b", ""), fail("c", "", "do")], 66, False, False),
        ([], 0, True, True),
    ],
)
def test_the_score_counts_each_check_once_and_a_warning_half(found, score, is_ok, ready):
    report = report_of(lines_of(*found))
    assert (report.score, report.ok, report.ready) == (score, is_ok, ready)


def test_what_is_to_be_done_comes_by_gravity_without_what_only_waits():
    found = [
        warn("w", "", "do"),
        unknown("u1", "not looked at"),
        ok("o", ""),
        unknown("u2", "", "ask"),
        fail("f", "", "do"),
    ]
    assert [line.finding.check for line in report_of(lines_of(*found)).todo] == ["f", "u2", "w"]


def test_a_report_comes_back_from_the_database_as_it_was(store):
    report = report_of(lines_of(ok("a", "fine"), fail("b", "broken\nin two places", "mend", expected="whole")))
    keep_report(store, report)
    keep_report(store, report_of([]), "connection:shop")
    assert store.read(last_checkup) == report
    assert store.read(lambda c: last_checkup(c, "connection:shop")).lines == ()
    assert Report.from_json(report.to_json()) == report


def test_the_check_up_of_everything_is_read_once_however_many_connections_ask(store, monkeypatch):
    whole = report_of([Line(f"connection:{name}", "a check", ok("a", "fine")) for name in ("shop", "erp")])
    keep_report(store, whole)
    read = []
    monkeypatch.setattr(Report, "from_json", lambda data, real=Report.from_json: read.append(data) or real(data))
    found = store.read(lambda c: last_checkups(c, ["connection:shop", "connection:erp", "connection:new"]))
    assert len(read) == 1
    assert {name: report and len(report.lines) for name, report in found.items()} == {
        "connection:shop": 1,
        "connection:erp": 1,
        "connection:new": None,
    }


# --- everything -------------------------------------------------------------------------------------------------

pytestmark = pytest.mark.loopback


def test_every_declared_check_has_a_line_and_one_broken_connection_stops_nothing(home, shop):
    shop.stop()
    found = home.found(shop="http://127.0.0.1:9")
    assert found["connection:shop woocommerce.address"].level is Level.FAIL
    assert found["connection:shop woocommerce.key.read"].level is Level.UNKNOWN
    assert found["connection:erp sandbox_erp.key"].level is Level.OK
    assert found["channel:web channel.references"].level is Level.OK
    assert found["channel:web channel.rehearsal"].level is Level.UNKNOWN


def test_settings_that_a_connector_does_not_take_fail_with_their_place(home):
    finding = home.of("connection:erp", "connection.settings", options="no_such: 1")
    assert finding.level is Level.FAIL
    assert "crossdock.yaml:" in finding.next_step


def test_one_connection_alone(home):
    report = examine_connection(home.patient(), "erp", total_s=10)
    assert set(report.sections()) == {"connection:erp"}
    with pytest.raises(KeyError):
        examine_connection(home.patient(), "nobody", total_s=10)


def test_a_configuration_that_cannot_be_used_fails_with_every_place_and_the_rest_is_looked_at(home):
    settings = home.patient().settings
    problems = [Problem(Place("a.yaml", 3), "connections.shop.url", "nothing", "an address")]
    report = examine(Patient(settings=settings, store=home.store, systems=None, problems=problems), total_s=10)
    found = {line.finding.check: line.finding for line in report.lines}
    assert "a.yaml:3" in found["installation.configuration"].found
    assert found["installation.integrity"].level is Level.OK
    assert set(report.sections()) == {"installation"}


def test_a_database_without_tables_fails_once(home, tmp_path):
    home.store = Store.open(f"sqlite:///{tmp_path}/new.sqlite")
    found = home.found()
    assert found["installation installation.schema"].level is Level.FAIL
    assert found["connection:erp connection.running"].level is Level.UNKNOWN
    assert found["connection:erp sandbox_erp.key"].level is Level.OK
    assert not any(finding.level is Level.FAIL for name, finding in found.items() if "installation.schema" not in name)
    home.store.close()


def test_a_database_that_is_no_database(home, tmp_path):
    (tmp_path / "broken.sqlite").write_bytes(b"no database at all, but long enough to be looked at" * 100)
    home.store = Store.open(f"sqlite:///{tmp_path}/broken.sqlite")
    found = home.found()
    assert found["installation installation.database"].level is Level.FAIL
    assert found["connection:erp sandbox_erp.key"].level is Level.OK
    home.store.close()


def test_a_damaged_database_is_noticed(home, tmp_path):
    store = Store.open(f"sqlite:///{tmp_path}/damaged.sqlite")
    store.write(metadata.create_all)
    when = dt.datetime.now(dt.UTC)
    rows = [
        {
            "connection": "c",
            "kind": "order",
            "source": "poll",
            "body": os.urandom(900),
            "digest": "d",
            "received_at": when,
        }
        for _ in range(300)
    ]
    store.write(lambda c: c.execute(insert(events), rows))
    store.close()
    path = tmp_path / "damaged.sqlite"
    raw = bytearray(path.read_bytes())
    middle = len(raw) // 4096 // 2
    for page in (middle, middle + 1):
        raw[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    path.write_bytes(bytes(raw))
    store = Store.open(f"sqlite:///{path}")
    assert quick_check(store, 10) not in {None, "ok"}
    store.close()


def test_a_check_of_the_database_that_takes_too_long_is_given_up(sqlite_store):
    when = dt.datetime.now(dt.UTC)
    rows = [
        {"connection": "c", "kind": "order", "source": "poll", "body": b"x" * 900, "digest": "d", "received_at": when}
        for _ in range(20_000)
    ]
    sqlite_store.write(lambda c: c.execute(insert(events), rows))
    assert quick_check(sqlite_store, 0.0) is None
    assert quick_check(sqlite_store, 60.0) == "ok"


# --- the installation -------------------------------------------------------------------------------------------


def test_the_database_of_either_kind_is_in_order(store, tmp_path):
    settings = Settings.from_env({"CROSSDOCK_STATE": str(tmp_path), "CROSSDOCK_CONFIG": str(tmp_path)})
    report = examine(Patient(settings=settings, store=store, systems=None), total_s=20)
    found = {line.finding.check: line.finding for line in report.lines}
    for check in ("database", "schema", "integrity", "database_clock"):
        assert found[f"installation.{check}"].level is Level.OK, found[f"installation.{check}"]


def test_what_the_last_recount_of_issues_found(sqlite_store, tmp_path):
    settings = Settings.from_env({"CROSSDOCK_STATE": str(tmp_path), "CROSSDOCK_CONFIG": str(tmp_path)})

    def said() -> tuple[Level, str]:
        found = {each.check: each for each in Installation(settings, sqlite_store, None).run()}[
            "installation.issue_sums"
        ]
        return found.level, str(found.found)

    def keep(documents: int, sums: int) -> None:
        body = {"documents": documents, "sums": sums}
        sqlite_store.write(lambda c: save_report(c, ISSUE_SUMS, "", ok=not documents + sums, body=body))

    assert said() == (Level.OK, "it was not counted anew yet; that is done at night")
    keep(1, 2)
    level, found = said()
    assert level is Level.WARN
    assert found.endswith("1 orders and 2 sums differed and were put right")
    keep(0, 0)
    level, found = said()
    assert level is Level.OK
    assert found.endswith("nothing differed")


def test_a_full_disk(home, monkeypatch):
    for free, level in ((50 << 20, Level.FAIL), (1 << 30, Level.WARN), (50 << 30, Level.OK)):
        monkeypatch.setattr("shutil.disk_usage", lambda _path, free=free: SimpleNamespace(total=100 << 30, free=free))
        assert home.of("installation", "installation.disk").level is level


def test_secrets_that_everybody_can_read(home):
    secret = home.folder / "hook.txt"
    secret.write_text("s3cret")
    more = f"  other: {{system: sandbox_erp, url: {home.erp}, allow_hosts: [127.0.0.1], "
    more += f'auth: {{key: "${{file:{secret}}}"}}}}'
    secret.chmod(0o600)
    assert home.of("installation", "installation.secret_files", more=more).level is Level.OK
    secret.chmod(0o644)
    finding = home.of("installation", "installation.secret_files", more=more)
    assert finding.level is Level.WARN
    assert str(secret) in finding.found
    assert "s3cret" not in repr(finding)


def test_a_state_folder_that_everybody_can_enter(home):
    state = home.folder / "state"
    state.mkdir(mode=0o755)
    (state / "crossdock.db").write_text("orders")
    (state / "crossdock.db").chmod(0o644)
    assert home.of("installation", "installation.secret_files").level is Level.WARN
    state.chmod(0o700)
    assert home.of("installation", "installation.secret_files").level is Level.OK


def test_the_scheduler_never_ran_is_alive_or_has_died(home):
    assert home.of("installation", "installation.scheduler").level is Level.WARN
    home.store.write(lambda c: take(c, "scheduler", "me", 15.0))
    assert home.of("installation", "installation.scheduler").level is Level.OK
    forward(home.store, 120)
    assert home.of("installation", "installation.scheduler").level is Level.FAIL


def test_a_public_address_that_leads_elsewhere_or_nowhere(home, shop):
    check = ("installation", "installation.public_url")
    assert home.of(*check).level is Level.WARN
    assert "does not lead to us" in home.of(*check, CROSSDOCK_PUBLIC_URL="http://127.0.0.1:9").found
    assert home.of(*check, CROSSDOCK_PUBLIC_URL=shop.server.url).level is Level.WARN


def test_alerts_that_reach_nobody_are_found(home):
    def look(more="", language="en"):
        patient = home.patient(top='alerts: {team: {url: "${env:ERP_KEY}"' + more + "}}")
        return installation._alerts(home.store, patient.config, language)

    assert home.of("installation", "installation.alerts").level is Level.OK
    finding = look()
    assert "nothing was ever sent to team" in finding.found
    assert "crossdock alerts test team" in finding.next_step
    assert "nothing ever raises: no_cause" in look(", causes: [disk, no_cause]").found
    made = home.store.write(lambda c: add_message(c, "team", {}, dt.datetime.now(dt.UTC)))
    home.store.write(lambda c: mark_refused(c, made, "nobody is at home", dt.timedelta(0)))
    finding = look()
    assert finding.level is Level.WARN
    assert "team takes no message: nobody is at home" in finding.found
    home.store.write(lambda c: mark_sent(c, made))
    assert look().level is Level.OK
    assert "no catalogue for xx, so messages are in English" in look(language="xx").found


# --- connections ------------------------------------------------------------------------------------------------


def test_plain_http_that_leaves_the_machine(home):
    assert home.of("connection:shop", "connection.https").level is Level.OK
    assert home.of("connection:shop", "connection.https", shop="http://shop.lan:9").level is Level.WARN


def test_a_settle_time_below_its_floor(home):
    more = f"  other: {{system: tryton, url: {home.erp}, allow_hosts: [127.0.0.1], settle_s: 30s, deadline_s: 20s, "
    more += 'auth: {key: "${env:ERP_KEY}"}, options: {database: x}}'
    finding = home.of("connection:other", "connection.settle", more=more)
    assert finding.level is Level.WARN
    assert "80 s" in finding.found
    assert "crossdock.yaml:" in finding.next_step
    assert home.of("connection:erp", "connection.settle").level is Level.OK


def test_a_pause_and_a_failed_run(home):
    check = ("connection:shop", "connection.running")
    assert home.of(*check).level is Level.OK
    home.store.write(lambda c: schedule.declare(c, {"pull:shop": dt.datetime.now(dt.UTC)}))
    home.store.write(lambda c: schedule.finish(c, "pull:shop", ok=False, message="it is away"))
    assert "it is away" in home.of(*check).found
    home.store.write(lambda c: pause(c, "connection", "shop", "stock-taking"))
    assert "stock-taking" in home.of(*check).found


def event(home, source, *, hours_ago, repeats=0):
    when = dt.datetime.now(dt.UTC) - dt.timedelta(hours=hours_ago)
    row = {"connection": "shop", "kind": "order", "source": source, "body": b"", "digest": "", "received_at": when}
    row |= {"repeats": repeats}
    home.store.write(lambda c: c.execute(insert(events).values(row)))


def deliveries(home):
    return home.of("connection:shop", "connection.deliveries", CROSSDOCK_PUBLIC_URL="http://127.0.0.1:9")


def subscribed(home, *, hours_ago):
    home.store.write(lambda c: save_report(c, "webhooks", "shop", ok=True, body=[]))
    at = dt.datetime.now(dt.UTC) - dt.timedelta(hours=hours_ago)
    home.store.write(lambda c: c.execute(update(reports).values(at=at)))


@pytest.mark.fault("C10")
def test_webhooks_that_do_not_arrive_show_by_what_the_pull_finds(home):
    subscribed(home, hours_ago=5)
    assert deliveries(home).level is Level.OK
    for _ in range(3):
        event(home, "poll", hours_ago=2)
    assert deliveries(home).level is Level.WARN
    event(home, "webhook", hours_ago=1)
    assert deliveries(home).level is Level.OK


def test_webhooks_that_have_stopped_arriving(home):
    subscribed(home, hours_ago=40)
    event(home, "webhook", hours_ago=30)
    for _ in range(3):
        event(home, "poll", hours_ago=2)
    assert deliveries(home).level is Level.WARN


@pytest.mark.parametrize("spare", ["before they were there", "delivered later", "one or two"])
def test_what_no_webhook_could_have_brought_first_is_no_fault(home, spare):
    subscribed(home, hours_ago=1 if spare == "before they were there" else 5)
    for _ in range(2 if spare == "one or two" else 5):
        event(home, "poll", hours_ago=2, repeats=int(spare == "delivered later"))
    assert deliveries(home).level is Level.OK


def test_tries_that_failed_in_a_row(home):
    attempt(home.store, "done", "retry erp", "pause erp")
    assert home.of("connection:shop", "connection.running").level is Level.OK
    finding = home.of("connection:erp", "connection.running")
    assert finding.level is Level.WARN
    assert "the last 2 tries" in finding.found


@pytest.mark.parametrize(
    ("options", "proof", "level"),
    [
        ("", None, Level.WARN),
        ("enforced_key: false", None, Level.WARN),
        ("", {"ok": True, "level": "ok"}, Level.OK),
        ("", {"ok": False, "level": "fail"}, Level.FAIL),
        ("", {"ok": False, "level": "unknown"}, Level.WARN),
    ],
)
def test_a_key_counts_when_it_was_proven(home, options, proof, level):
    if proof is not None:
        body = {"state": "done", "found": "x", "next_step": "y", "level": proof["level"]}
        home.store.write(lambda c: save_report(c, "doctor", "key:erp", ok=proof["ok"], body=body))
    finding = home.of("connection:erp", "connection.key", options=options)
    assert finding.level is level
    assert level is Level.OK or finding.next_step


# --- channels ---------------------------------------------------------------------------------------------------


def test_a_start_that_lies_ahead(home):
    assert home.of("channel:web", "channel.start_at").level is Level.OK
    finding = home.of("channel:web", "channel.start_at", policies="start_at: 2099-01-01T00:00:00Z")
    assert finding.level is Level.WARN
    assert "crossdock.yaml:" in finding.next_step


def test_a_channel_is_examined_by_the_mapping_that_is_published(home):
    """One that newer programs refuse is told as what is wrong, and not as a crash."""
    text = "profile: own\nextends: woocommerce\nsource:\n  order:\n    - {to: nothing_that_we_know, constant: x}\n"
    revision = Revision(
        channel="web", number=1, text=text, digest="d", author="anna", reason="r", published_at=dt.datetime.now(dt.UTC)
    )
    home.store.write(lambda c: add_revision(c, revision))
    found = home.found()
    finding = found["channel:web channel.profile"]
    assert finding.level is Level.FAIL
    assert "web, revision 1:5:" in finding.found
    assert found["channel:web channel.references"].level is Level.UNKNOWN


def test_a_guard_that_is_switched_off(home):
    finding = home.of("channel:web", "channel.rules", policies='rules: {totals: "off"}')
    assert finding.level is Level.WARN
    assert "totals" in finding.found
    assert home.of("channel:web", "channel.rules", policies="rules: {tax: warn}").level is Level.OK


def test_states_that_only_the_shop_can_say_that_it_has(home):
    finding = home.of("channel:web", "channel.states")
    assert (finding.level, "shipped: completed" in finding.found) == (Level.OK, True)
    own = "    after_import: {state_back: {shipped: handed-over}, own_states: [handed-over]}\n"
    finding = home.of("channel:web", "channel.states", top=own)
    assert finding.level is Level.WARN
    assert "handed-over" in finding.found
    assert "completed" not in finding.found


def test_what_a_policy_names_and_the_erp_does_not_know(home):
    assert home.of("channel:web", "channel.references").level is Level.OK
    finding = home.of("channel:web", "channel.references", policies="target: {fee_product: NO-SUCH}")
    assert finding.level is Level.FAIL
    assert "product NO-SUCH" in finding.found


def test_the_account_of_fees_is_there_before_any_fee_comes(home):
    known = home.of("channel:web", "channel.references", policies='target: {fee_account: "6855"}')
    assert (known.level, "6855" in known.found) == (Level.OK, True)
    missing = home.of("channel:web", "channel.references", policies='target: {fee_account: "1000"}')
    assert missing.level is Level.FAIL
    assert "an open account of expenses 1000 that asks for no party" in missing.found


def test_the_rehearsal_finds_what_would_hold_the_newest_orders_and_writes_nothing(home, shop, erp):
    assert home.of("channel:web", "channel.rehearsal").level is Level.UNKNOWN
    shop.place(6)
    before = erp.server.ledger.count
    finding = home.of("channel:web", "channel.rehearsal")
    assert finding.level is Level.OK, finding
    assert "newest" in finding.found
    shop._generator.plant("unknown_sku")
    finding = home.of("channel:web", "channel.rehearsal")
    assert finding.level is Level.WARN
    assert "1 x sku:" in finding.found
    assert "look-up" in finding.next_step
    ahead = home.of("channel:web", "channel.unmapped")
    assert ahead.level is Level.WARN
    assert "1 values of 7 orders are unknown and stop them: sku" in ahead.found
    assert ahead.next_step.endswith("crossdock forecast web")
    assert erp.server.ledger.count == before


# --- in use -----------------------------------------------------------------------------------------------------


def test_an_installation_that_nobody_has_used_yet(home):
    found = home.found()
    assert found["golive golive.users"].level is Level.WARN
    assert found["golive golive.orders"].level is Level.WARN
    assert found["golive golive.needs"].level is Level.OK
    assert found["golive golive.proof"].level is Level.UNKNOWN


def test_a_proof_that_holds_and_one_that_does_not(home):
    home.store.write(lambda c: save_report(c, "proof", "web", ok=True, body=[]))
    assert home.of("golive", "golive.proof").level is Level.OK
    home.store.write(lambda c: save_report(c, "proof", "web", ok=False, body=[]))
    assert home.of("golive", "golive.proof").level is Level.WARN


def test_the_texts_of_a_report_hold_no_secret(home):
    report = examine(home.patient(), total_s=20)
    shown = repr([dataclasses.asdict(line) for line in report.lines])
    for secret in (DEFAULT_API_KEY, WooCommerceFake.secrets[0]):
        assert secret not in shown


@pytest.mark.parametrize(
    ("levels", "begins"),
    [
        ([Level.OK], "Nothing stands in the way of going live."),
        ([Level.OK, Level.WARN], "Nothing stands in the way of going live; the warnings"),
        ([Level.WARN, Level.UNKNOWN], "Nothing failed, but"),
        ([Level.UNKNOWN, Level.FAIL], "Something does not work yet."),
    ],
)
def test_the_verdict_does_not_contradict_what_is_to_be_done(levels, begins):
    findings = (Finding(check="a.check", level=level, found="found", next_step="do it") for level in levels)
    lines = tuple(Line("queue", "a title", finding) for finding in findings)
    assert str(Report(dt.datetime.now(dt.UTC), lines).verdict).startswith(begins)
