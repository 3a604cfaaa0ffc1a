"""The pages of connections and of the doctor, against a shop and an ERP that answer over HTTP."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from sqlalchemy import select

from config.settings import Settings
from connectors.kit.base import Delivery
from connectors.sandbox.erp import DEFAULT_API_KEY, running_erp
from connectors.sandbox.receiver import receiver
from sync.rules.systems import Systems, read_config
from sync.store.checkpoints import load_checkpoint
from sync.store.inbox import record_events
from sync.store.switches import pause
from sync.store.tables import audit, schedules, work_items
from sync.work.bell import Bell
from sync.work.receive import Receiver
from sync.work.receive.receipts import make_events
from tests.contract.source_fakes import WooCommerceFake, sandbox_woocommerce
from tests.sync.flows.test_files import PROFILE
from tests.webapp.console.conftest import words_of
from webapp.app import create_app
from webapp.parts import LazyParts, Parts

pytestmark = pytest.mark.loopback

CONFIG = """\
connections:
  shop:
    system: woocommerce
    url: {shop}
    auth: {{key: "${{env:SHOP_KEY}}", secret: "${{env:SHOP_SECRET}}"}}
    webhook_secrets: ["${{env:SHOP_HOOK}}"]
    allow_hosts: [127.0.0.1]
  erp:
    system: sandbox_erp
    url: {erp}
    auth: {{key: "${{env:ERP_KEY}}"}}
    allow_hosts: [127.0.0.1]
  table: {{system: csv, options: {{order_column: Order}}}}
  hooks: {{system: json, webhook_secrets: ["${{env:SHOP_HOOK}}"], options: {{id: no}}}}
channels:
  web: {{source: shop, erp: erp, timezone: Europe/Berlin}}
  files: {{source: table, erp: erp, profile: profiles/table.yaml}}
  posted: {{source: hooks, erp: erp, profile: profiles/table.yaml}}
"""
SECRETS = {"SHOP_KEY": "ck_sandbox", "SHOP_SECRET": WooCommerceFake.secrets[0], "SHOP_HOOK": "hook-canary-1"}


@pytest.fixture
def shop():
    with sandbox_woocommerce() as fake:
        yield fake


@pytest.fixture
def erp():
    with running_erp() as running:
        yield running


@pytest.fixture
def app(store, sqlite_url, tmp_path, shop, erp):
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "profiles").mkdir()
    (folder / "profiles" / "table.yaml").write_text(PROFILE, "utf-8")
    (folder / "crossdock.yaml").write_text(CONFIG.format(shop=shop.server.url, erp=erp.url))
    with receiver() as (url, _came):
        settings = Settings.from_env(
            {
                "CROSSDOCK_CONFIG": str(folder),
                "CROSSDOCK_STATE": str(tmp_path / "state"),
                "CROSSDOCK_PUBLIC_URL": url.removesuffix("/webhooks/shop"),
                "CROSSDOCK_REDIS": f"unix://{tmp_path}/nobody.sock",
                "ERP_KEY": DEFAULT_API_KEY,
                **SECRETS,
            }
        )
        config = read_config(settings)
        made = create_app(
            settings,
            make_parts=lambda: Parts(
                store=store,
                receiver=Receiver(store.engine.url.render_as_string(), {}, lambda channel, kind: True),
                sources={},
                queue_answers=lambda: False,
                settings=settings,
                config=config,
                systems=Systems(config),
                bell=Bell(settings.redis_url, instance=settings.instance),
            ),
        )
        yield made
        made.extensions[LazyParts.KEY].close()


def test_a_connection_shows_its_settings_and_never_a_secret(browser):
    page = browser("viewer").get("/connections/shop").text
    assert "${env:SHOP_SECRET}" in page
    assert re.search(r"crossdock\.yaml:5", page)
    for secret in (*SECRETS.values(), DEFAULT_API_KEY):
        assert secret not in page


@pytest.mark.parametrize("name", ["table", "hooks"])
def test_a_source_that_only_sends_has_a_page_that_offers_nothing_that_asks_it(browser, name):
    ours = browser("integrator")
    page = ours.get(f"/connections/{name}").text
    assert "Test now" in page
    assert "Go back to a date" not in page
    assert "Look and repair" not in page
    assert ours.post(f"/connections/{name}/test").status_code == 303
    assert "nothing is sent: it has no address" in words_of(ours.get(f"/connections/{name}").text)


def test_what_nobody_could_read_is_read_again_or_given_up(browser, store):
    ours = browser("integrator")
    assert "All of them could be read." in words_of(ours.get("/connections/hooks").text)
    bad = Delivery("", None, None, problem="no id")
    rows = [
        row
        for body in (b'{"no": "A"}', b'{"nr": 1}')
        for row in make_events("hooks", bad, body, dt.datetime.now(dt.UTC))
    ]
    store.write(lambda c: record_events(c, rows, {"hooks": ["posted"]}))
    page = words_of(ours.get("/connections/hooks").text)
    assert "2 deliveries could not be read." in page
    assert "/webhooks/hooks" in page
    assert "Read again" not in browser("viewer").get("/connections/hooks").text
    assert ours.post("/connections/hooks/read-again").status_code == 303
    page = words_of(ours.get("/connections/hooks").text)
    assert "1 delivery could be read." in page
    assert "1 delivery could not be read." in page
    assert store.read(lambda c: c.execute(select(work_items.c.external_id)).scalars().all()) == ["A"]
    assert ours.post("/connections/shop/read-again").status_code == 404


def test_a_viewer_sees_no_button_that_changes_anything(browser):
    page = browser("viewer").get("/connections/shop").text
    assert "Test now" not in page
    assert 'id="pause"' not in page
    assert "Go back to a date" not in page


def test_a_test_is_kept_and_shown(browser, shop):
    ours = browser("integrator")
    shop.place(2)
    assert "It has not been tested yet" in ours.get("/connections/shop").text
    assert ours.post("/connections/shop/test").status_code == 303
    page = ours.get("/connections/shop").text
    assert "2 orders can be read" in page
    assert "woocommerce.key.write" in page
    assert "Look at it" in ours.get("/connections").text


def test_a_test_of_a_shop_that_is_away_says_so_on_the_list_too(browser, shop):
    ours = browser("integrator")
    shop.stop()
    ours.post("/connections/shop/test")
    assert "Fails" in ours.get("/connections/shop").text
    assert "Fails" in ours.get("/connections").text


def test_webhooks_are_repaired_shown_and_audited(browser, store):
    ours = browser("integrator")
    assert ours.post("/connections/shop/webhooks").status_code == 303
    page = ours.get("/connections/shop").text
    assert page.count("order.") >= 4
    assert "Active" in page
    [row] = store.read(lambda c: list(c.execute(select(audit).where(audit.c.action == "repair webhooks"))))
    assert (row.actor, row.subject) == ("integrator", "connection:shop")
    assert "order.created created" in row.after


def test_a_test_looks_at_the_webhooks_too_and_changes_none(browser, shop):
    ours = browser("integrator")
    ours.post("/connections/shop/webhooks")
    assert "Missing" not in ours.get("/connections/shop").text
    shop._shop.webhooks.clear()
    assert ours.post("/connections/shop/test").status_code == 303
    assert ours.get("/connections/shop").text.count("Missing") == 4


def test_webhooks_that_cannot_be_repaired_say_why(browser, shop):
    shop.stop()
    answer = browser("integrator").post("/connections/shop/webhooks")
    assert answer.status_code == 422
    assert "could not be repaired" in answer.text


def test_an_erp_has_no_webhooks_and_no_way_back(browser):
    ours = browser("integrator")
    page = ours.get("/connections/erp").text
    assert "Webhooks" not in page
    assert "Go back to a date" not in page
    assert ours.post("/connections/erp/webhooks").status_code == 422
    assert ours.get("/connections/erp/rewind?to=2026-01-01T00:00").status_code == 422
    assert ours.post("/connections/erp/rewind", to="2026-01-01T00:00+00:00").status_code == 422


def test_going_back_is_previewed_done_audited_and_due_at_once(browser, shop, store):
    ours = browser("integrator")
    shop.place(3)
    preview = ours.get("/connections/shop/rewind?to=2026-01-01T00:00").text
    assert re.search(r"Placed in the shop since then</dt><dd[^>]*>3<", preview)
    moment = re.search(r'name="to" value="([^"]+\+00:00)"', preview)[1]
    answer = ours.post("/connections/shop/rewind", to=moment, reason="a gap in October")
    assert answer.status_code == 303
    kept = store.read(lambda c: load_checkpoint(c, "shop", "orders"))
    assert "2026-01-01T00:00:00" in kept
    [row] = store.read(lambda c: list(c.execute(select(audit).where(audit.c.action == "rewind"))))
    assert (row.before, row.after, row.reason) == ("", kept, "a gap in October")
    [asked] = store.read(lambda c: list(c.execute(select(schedules.c.asked).where(schedules.c.name == "pull:shop"))))
    assert asked == (True,)
    assert "Jan 2026" in ours.get("/connections/shop").text


@pytest.mark.parametrize("text", ["", "yesterday", "2099-01-01T00:00", "0001-01-01T00:00+14:00", "<script>"])
def test_a_moment_that_is_none_changes_nothing(browser, store, text):
    ours = browser("integrator")
    assert ours.post("/connections/shop/rewind", to=text).status_code == 422
    assert store.read(lambda c: load_checkpoint(c, "shop", "orders")) is None


def test_pausing_asks_why_and_is_ended_again(browser, store):
    ours = browser("operator")
    assert ours.post("/connections/shop/pause", reason=" ").status_code == 422
    assert ours.post("/connections/shop/pause", reason="stock-taking <b>").status_code == 303
    page = ours.get("/connections/shop").text
    assert "stock-taking &lt;b&gt;" in page
    assert ours.post("/connections/shop/resume").status_code == 303
    assert "stock-taking" not in ours.get("/connections/shop").text
    actions = store.read(lambda c: [row.action for row in c.execute(select(audit.c.action).order_by(audit.c.id))])
    assert actions[-2:] == ["pause", "resume"]


def test_what_rests_by_itself_is_not_called_paused(browser, store):
    in_a_minute = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)
    store.write(lambda c: pause(c, "connection", "erp", "erp is away", until=in_a_minute))
    ours = browser("operator")
    for page in (ours.get("/connections").text, ours.get("/").text):
        assert "erp is away" in page
        assert "Resting" in page
    page = ours.get("/connections/erp").text
    assert "It rests and is tried again by itself" in page
    assert "Paused:" not in page
    # Whoever knows that it is back need not wait.
    assert 'action="/connections/erp/resume"' in page


def test_a_connection_does_not_offer_to_end_the_pause_of_everything(browser):
    ours = browser("operator")
    ours.post("/pause", name="", reason="fire drill")
    page = ours.get("/connections/shop").text
    assert "Everything is paused: fire drill" in words_of(page)
    assert 'action="/connections/shop/resume"' not in page
    ours.post("/resume", name="")
    assert "fire drill" not in ours.get("/connections/shop").text


def test_a_check_up_of_everything_is_each_connections_last_test(browser):
    ours = browser("integrator")
    assert "It has not been tested yet" in ours.get("/connections/erp").text
    ours.post("/doctor")
    page = ours.get("/connections/erp").text
    assert "It has not been tested yet" not in page
    assert "sandbox_erp.key" in page
    assert "woocommerce." not in page


def test_the_doctor_looks_at_everything_and_shows_what_to_do(browser, shop):
    ours = browser("integrator")
    assert "Nobody has looked yet" in ours.get("/doctor").text
    shop.place(2)
    assert ours.post("/doctor").status_code == 303
    page = browser("viewer").get("/doctor").text
    for check in ("installation.integrity", "queue.server", "woocommerce.clock", "channel.rehearsal", "golive.users"):
        assert check in page
    assert re.search(r"\d+ of 100", page)
    assert "To do" in page
    for secret in (*SECRETS.values(), DEFAULT_API_KEY):
        assert secret not in page
