"""The walk of docs/walkthrough-desk.md with fewer orders, and the sandbox ERP in the place of Tryton."""

from __future__ import annotations

import re

import pytest

from config.settings import Settings
from connectors.sandbox.catalogue import unknown_product
from connectors.sandbox.erp import DEFAULT_API_KEY, ErpOptions, running_erp
from connectors.sandbox.woocommerce.app import serve_shop
from connectors.sandbox.woocommerce.settings import ApiKey, ShopSettings
from sync.desk import accounts, bulk
from sync.desk.needs import list_needs
from sync.desk.proof import prove_channel
from sync.flows.pull import pull
from sync.store import users
from sync.store.channels import start_channel
from sync.store.engine import Store
from sync.store.migrate import migrate
from sync.work.drain import drain_channel
from sync.work.runtime import Runtime
from sync.work.tasks import Tasks
from tests.docs.scripts import load_scripts
from tests.shared import REPOSITORY
from tests.webapp.console.browsing import Person
from tests.webapp.console.stage import PASSWORD
from tests.webapp.served import Server

pytestmark = [pytest.mark.loopback, pytest.mark.slow, pytest.mark.heavy, pytest.mark.timeout(300)]

ERP = """\
    system: sandbox_erp
    url: {erp_url}
    auth: {{key: "${{env:ERP_KEY}}"}}
    allow_hosts: [127.0.0.1]"""
CHANNEL = "tea-shop"


class Hands:
    """What workers, scheduler and the ERP's people do meanwhile."""

    def __init__(self, runtime, erp, counts_of):
        self.runtime, self.erp, self.counts_of = runtime, erp, counts_of

    def carried(self, held):
        while bulk.advance(self.runtime.store):
            pass
        systems = self.runtime.systems.channel(CHANNEL)
        while drain_channel(self.runtime.store, systems, "order", ring=lambda *_, **__: True):
            pass
        counts = self.counts_of(self.runtime)
        assert (counts["way"] + counts["doubt"], counts["needs"]) == (0, held)

    def mend(self):
        product = unknown_product()
        taxes = [{"id": 1, "rate": "19"}]
        self.erp.books.add_product({"code": product.sku, "list_price": f"{product.net_price:f}", "taxes": taxes})
        Tasks(self.runtime)._resync(CHANNEL)


def test_a_bad_morning_is_over_with_as_few_presses_as_the_page_says(monkeypatch, chromium, tmp_path):
    _, with_tryton, desk = load_scripts(monkeypatch, "shots", "with_tryton", "walkthrough_desk")
    sold = desk.Sold(free=8, written=4, missing=3, dear=2)
    key = ApiKey("ck_sandbox", "cs_sandbox")
    with serve_shop(ShopSettings(keys=(key,))) as (shop, app), running_erp(options=ErpOptions()) as erp:
        desk.sell(app.shop, sold)
        text = desk.CONFIGURATION.replace("{erp}", ERP).format(shop=shop.url, erp_url=erp.url)
        (tmp_path / "crossdock.yaml").write_text(text, "utf-8")
        variables = {
            "CROSSDOCK_CONFIG": str(tmp_path),
            "CROSSDOCK_STATE": str(tmp_path),
            "CROSSDOCK_DATABASE": f"sqlite:///{tmp_path / 'crossdock.db'}",
            "SHOP_KEY": key.key,
            "SHOP_SECRET": key.secret,
            "SHOP_WEBHOOK_SECRET": "wh_sandbox",
            "ERP_KEY": DEFAULT_API_KEY,
        }
        store = Store.open(variables["CROSSDOCK_DATABASE"])
        migrate(store)
        store.write(lambda c: users.add_user(c, "admin", accounts._hash(PASSWORD), "admin"))
        store.close()
        server = Server(tmp_path, variables["CROSSDOCK_DATABASE"], app="webapp.app:create_app()", **variables).start()
        try:
            with Runtime(Settings.from_env(variables)) as runtime:
                pull_all(runtime)
                person = Person(chromium, f"http://127.0.0.1:{server.port}")
                person.sign_in("admin")
                figures = desk.walk(person.page, Hands(runtime, erp, with_tryton.counts_of), sold)
                person.close()
                assert_all_is_well(runtime, sold)
        finally:
            server.stop()
    page = (REPOSITORY / "docs" / "walkthrough-desk.md").read_text("utf-8")
    assert [int(count) for count in re.findall(r"^\| .+ \| (\d+) \|$", page, re.MULTILINE)] == list(figures.values())


def pull_all(runtime):
    start_at = runtime.config.channels[CHANNEL].policies.start_at
    state = runtime.store.write(lambda c: start_channel(c, CHANNEL, start_at))
    pull(runtime.store, runtime.systems.connector("shop"), "shop", [CHANNEL], since=state.start_at)


def assert_all_is_well(runtime, sold):
    assert list_needs(runtime.store) == []
    assert len(list_needs(runtime.store, closed=True)) == 3
    proof = prove_channel(runtime.store, runtime.systems.channel(CHANNEL))
    assert proof.holds
    for side in ("shop", "crossdock", "erp"):
        assert sum(getattr(group, side).count for group in proof.groups) == sold.all
