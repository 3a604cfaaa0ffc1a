"""An installation that sells: the console's application over a shop and an ERP that are sandboxes on this machine."""

from __future__ import annotations

import contextlib
import datetime as dt

from config.settings import Settings
from connectors.sandbox.erp import DEFAULT_API_KEY, running_erp
from sync.desk.profiles import publish
from sync.flows.pull import pull
from sync.rules.systems import read_config
from sync.store.audit import Actor
from sync.store.channels import start_channel
from sync.work.drain import drain_channel
from sync.work.runtime import Runtime
from tests.contract.source_fakes import WooCommerceFake, sandbox_woocommerce
from webapp.app import create_app
from webapp.parts import LazyParts

CHANNEL = "web"
CONFIG = """\
connections:
  shop:
    system: woocommerce
    url: {shop}
    auth: {{key: "${{env:SHOP_KEY}}", secret: "${{env:SHOP_SECRET}}"}}
    allow_hosts: [127.0.0.1]
  erp:
    system: sandbox_erp
    url: {erp}
    auth: {{key: "${{env:ERP_KEY}}"}}
    allow_hosts: [127.0.0.1]
channels:
  web:
    source: shop
    erp: erp
    policies:
      start_at: {start_at}
      rules: {{price: "off", tax: "off", address: "off", duplicate_order: "off"}}
      value_limits: {{EUR: {limit}, USD: {limit}, JPY: {limit}, KWD: {limit}, GBP: {limit}, CHF: {limit}}}
"""


class Selling:
    """The application, its database and both sandboxes; `shop` and `erp` are None where they are away."""

    def __init__(self, folder, database_url, shop=None, erp=None):
        self.folder, self.shop, self.erp = folder, shop, erp
        (folder / "config").mkdir()
        self.environment = {
            "CROSSDOCK_CONFIG": str(folder / "config"),
            "CROSSDOCK_STATE": str(folder / "state"),
            "CROSSDOCK_DATABASE": database_url,
            "CROSSDOCK_REDIS": f"unix://{folder}/nobody.sock",
            "SHOP_KEY": "ck_sandbox",
            "SHOP_SECRET": WooCommerceFake.secrets[0],
            "ERP_KEY": DEFAULT_API_KEY,
        }
        self.configure()
        self.app = create_app(self.settings)

    @property
    def settings(self):
        return Settings.from_env(self.environment)

    def configure(self, limit=10**9):
        away = "http://127.0.0.1:9"
        text = CONFIG.format(
            shop=self.shop.server.url if self.shop else away,
            erp=self.erp.url if self.erp else away,
            start_at=(dt.datetime.now(dt.UTC) - dt.timedelta(days=1)).isoformat(timespec="seconds"),
            limit=limit,
        )
        (self.folder / "config" / "crossdock.yaml").write_text(text)

    def carry(self, limit=10**9):
        """Pull what the shop has and drain it, with this value limit."""
        self.configure(limit)
        with Runtime(self.settings) as runtime:
            state = runtime.store.write(
                lambda c: start_channel(c, CHANNEL, runtime.config.channels[CHANNEL].policies.start_at)
            )
            pull(runtime.store, runtime.systems.connector("shop"), "shop", [CHANNEL], since=state.start_at)
            drain_channel(runtime.store, runtime.systems.channel(CHANNEL), "order", ring=lambda channel, kind: None)

    def publish(self, store, note):
        """The channel's first mapping profile: every order has this note."""
        text = f"profile: own\nextends: woocommerce\nsource:\n  order:\n    - {{to: note, constant: {note}}}\n"
        publish(store, read_config(self.settings), CHANNEL, text, actor=Actor("ben"), reason="a note", base=0)

    def type_in(self, total, currency, reference):
        """A sale that somebody makes in the ERP by hand; its id."""
        books = self.erp.books
        party = books.commit_party(books.decide_party({"code": f"typed-{total}", "name": "Typed"}))
        lines = [{"product": books.products(None)[0].id, "quantity": "1", "amount": total, "tax": "0"}]
        sale = {"external_key": "", "reference": reference, "currency": currency, "party": party.id, "lines": lines}
        days = {"sale_date": "2026-11-20", "placed_at": "2026-11-20T10:00:00+00:00"}
        return str(books.commit_sale(books.decide_sale({"shop": "crossdock", **sale, **days}))["id"])

    def sales(self):
        """How many sales the ERP has."""
        return len(self.erp.books.state.sales)

    def close(self):
        self.app.extensions[LazyParts.KEY].close()


@contextlib.contextmanager
def selling(folder, database_url):
    with sandbox_woocommerce() as shop, running_erp() as erp:
        made = Selling(folder, database_url, shop, erp)
        try:
            yield made
        finally:
            made.close()
