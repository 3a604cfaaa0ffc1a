"""An installation with everything in it that the console shows: two shops, an ERP, and what has happened to them.

The shops and the ERP are sandboxes in this process; the commands and the web process are Crossdock's own.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import functools
import os
import subprocess
import sys

import requests
from sqlalchemy import insert, select, update

from config.settings import Settings
from connectors.sandbox.catalogue import unknown_product
from connectors.sandbox.erp import DEFAULT_API_KEY, ErpOptions, running_erp
from connectors.sandbox.woocommerce.app import serve_shop
from connectors.sandbox.woocommerce.deliveries import Behaviour
from connectors.sandbox.woocommerce.drafts import BasketLine, make_order
from connectors.sandbox.woocommerce.edits import refund_order
from connectors.sandbox.woocommerce.generator import VARIETIES, Generator
from connectors.sandbox.woocommerce.orders import change, place
from connectors.sandbox.woocommerce.products import add_catalogue
from connectors.sandbox.woocommerce.settings import ApiKey, ShopSettings
from sync.desk import accounts
from sync.desk.corrections import draft_of, keep_correction
from sync.desk.issue_life import assign_order
from sync.desk.passport import find_order
from sync.desk.queue import AWAY
from sync.desk.tokens import make_token
from sync.flows.facets.follow import follow
from sync.flows.pull import pull
from sync.store import issue_life, schedule, singletons, users
from sync.store.audit import Actor
from sync.store.bodies import pack
from sync.store.channels import start_channel
from sync.store.comments import add_comment
from sync.store.inbox import NewEvent, record_events
from sync.store.leases import open_lease
from sync.store.matches import Answer, Candidate, Customer, Doubt, ask, decide
from sync.store.search import Paging, Wanted, load_page
from sync.store.selection import Selection
from sync.store.tables import bulk_runs, issues, work_items
from sync.store.views import add_view
from sync.work.alerts import AlertBeat
from sync.work.drain import drain_channel
from sync.work.runtime import Runtime
from tests.shared import PATIENCE_S, REPOSITORY
from tests.webapp.served import Server

PASSWORD = "correct horse battery"
#: Everything that opens something, by the variable that it stands in.
SECRETS = {
    "SHOP_KEY": "ck_sandbox",
    "SHOP_SECRET": "cs_9f3a_Sandbox",
    "SHOP_WEBHOOK_SECRET": "wh_sandbox",
    "ERP_KEY": DEFAULT_API_KEY,
    # Nobody is there: the message waits, and the page says so.
    "ALERT_URL": "json://ops:alert_9f3a_Sandbox@127.0.0.1:1/",
}
#: Channel -> the shop that feeds it.
CHANNELS = {"tea-shop": "tea", "outlet": "outlet"}
CONFIG = """\
connections:
  tea:
    system: woocommerce
    url: {tea}
    auth: {{key: "${{env:SHOP_KEY}}", secret: "${{env:SHOP_SECRET}}"}}
    webhook_secrets: ["${{env:SHOP_WEBHOOK_SECRET}}"]
    allow_hosts: [127.0.0.1]
  outlet:
    system: woocommerce
    url: {outlet}
    auth: {{key: "${{env:SHOP_KEY}}", secret: "${{env:SHOP_SECRET}}"}}
    allow_hosts: [127.0.0.1]
  erp:
    system: sandbox_erp
    url: {erp}
    auth: {{key: "${{env:ERP_KEY}}"}}
    allow_hosts: [127.0.0.1]
channels:
  tea-shop:
    source: tea
    erp: erp
    timezone: Europe/Berlin
    canary: 0
    policies: {{extends: all, value_limits: {{EUR: 14000}}}}
  outlet:
    source: outlet
    erp: erp
    timezone: Europe/Berlin
    canary: 0
    policies: {{extends: all, value_limits: {{EUR: 900}}}}
    routing: {{rules: [{{name: all, warehouses: [MAIN], needs: always}}]}}
alerts:
  team: {{url: "${{env:ALERT_URL}}"}}
policies:
  all: {{start_at: {start_at}, home_country: DE}}
"""


#: Somebody of whom two records of the ERP have the mailbox.
DOUBT = Doubt(
    connection="erp",
    key="email:office@example.test#tea house",
    rung="email",
    customer=Customer(
        name="Tea House Ltd", email="office@example.test", street="Quay 3", postal_code="20095", city="Hamburg",
        country="DE", channel="tea-shop", order="1", number="1",
    ),
    candidates=(
        Candidate(
            id="7", code="C-7", name="Tea House", email="office@example.test", postal_code="20095", city="Hamburg",
            same=("name", "email", "postal_code", "city"),
        ),
        Candidate(id="8", code="C-8", name="Anna Office", email="office@example.test", city="Bremen", same=("email",)),
    ),
)  # fmt: skip
DECIDED = dataclasses.replace(DOUBT, key="email:office@example.test")


class Stage:
    """The installation. `url` is where its console is after `serve`, `corrected` the page of a corrected order."""

    def __init__(self, folder, queue_url, shops, erp, *, secrets, database):
        self.folder, self.shops, self.erp = folder, shops, erp
        self.database = database or f"sqlite:///{folder / 'crossdock.db'}"
        (folder / "config").mkdir()
        start_at = dt.datetime.now(dt.UTC) - dt.timedelta(days=4)
        urls = {name: server.url for name, (server, _) in shops.items()}
        text = CONFIG.format(**urls, erp=erp.url, start_at=start_at.isoformat(timespec="seconds"))
        (folder / "config" / "crossdock.yaml").write_text(text)
        self.variables = {
            "CROSSDOCK_CONFIG": str(folder / "config"),
            "CROSSDOCK_REDIS": queue_url,
            **secrets,
        }
        self.environment = {**self.variables, "CROSSDOCK_STATE": str(folder), "CROSSDOCK_DATABASE": self.database}
        self._servers = []

    def command(self, *arguments):
        """What `crossdock ...` prints; its exit status is not looked at (a proof may well say no)."""
        done = subprocess.run(
            [sys.executable, "-m", "sync.cli", *arguments],
            cwd=REPOSITORY,
            env={"PATH": os.environ["PATH"], **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    def runtime(self):
        return Runtime(Settings.from_env(self.environment))

    def serve(self, **variables):
        """Where a web process of this installation answers."""
        server = Server(self.folder, self.database, app="webapp.app:create_app()", **{**self.variables, **variables})
        self._servers.append(server.start())
        return f"http://127.0.0.1:{server.port}"

    @property
    def log(self):
        return self._servers[0].log if self._servers else ""

    def close(self):
        for server in self._servers:
            server.stop()

    # -- what happens --------------------------------------------------------------------------------------------

    def live(self, *, orders=12, customers=()):
        """Two shops sell, most goes over, some is held by several causes; people look around and steer.

        `customers` are texts: for each of them somebody buys who has it for a name, in his note and on his article.
        """
        for seed, (_, app) in enumerate(self.shops.values()):
            shop = Generator(app.shop, seed=seed, variety=VARIETIES["demo"])
            shop.backlog(orders, days=2)
            for plant in ("unknown_sku", "unknown_sku", "totals_mismatch", "over_limit"):
                shop.plant(plant)
            for text in customers:
                self._sell(app.shop, shop, text)
        self.command("init")
        with self.runtime() as runtime:
            self._add_people(runtime.store)
            self.carry(runtime)
            self.correct(runtime)
            self.carry_back(runtime)
            self._add_machinery(runtime.store)
            AlertBeat(runtime.store, runtime.config, runtime.settings, lambda: AWAY).beat()
        self.command("lookup", "sku", "OLD-NAME", "TEE-ASSAM-100")
        self.command("forecast", "tea-shop")
        self.command("proof")
        self.command("doctor")
        self.command("pause", "outlet", "--reason", "Stock-taking until noon")
        return self

    def carry(self, runtime):
        """Pull and drain both channels."""
        for channel, shop in CHANNELS.items():
            start_at = runtime.config.channels[channel].policies.start_at
            state = runtime.store.write(functools.partial(start_channel, channel=channel, start_at=start_at))
            self.pull(runtime, shop, channel, state.start_at)
            drain_channel(runtime.store, runtime.systems.channel(channel), "order", ring=lambda channel, kind: None)

    def correct(self, runtime):
        """An operator corrects the newest order above the limit, twice; somebody is to care for it."""
        names = ("tea-shop", "value_limit")
        wanted = Wanted(channel=names[0], cause=names[1])
        page = runtime.store.read(lambda c: load_page(c, wanted, Paging(limit=1), {names[0]: "erp"}))
        systems, operator = runtime.systems.channel(names[0]), Actor("operator")
        for note in ("leave it at the door", "leave it with the neighbour"):
            order = find_order(runtime.store, runtime.config, names[0], page.rows[0].external_id)
            draft = draft_of(runtime.store, systems, order)
            document, reason = {**draft.document, "note": note}, "the customer called"
            keep_correction(runtime.store, systems, order, document, seen=draft.seen, actor=operator, reason=reason)
        day = (dt.datetime.now(dt.UTC) + dt.timedelta(days=7)).date().isoformat()
        assign_order(runtime.store, order, assignee="integrator", due_on=day, actor=operator)
        self.corrected = f"/orders/{names[0]}/{order.external_id}"

    def carry_back(self, runtime):
        """Every sale leaves in a parcel, its invoice is posted, and a shop gives money back."""
        for sale in sorted(self.erp.books.state.sales):
            parcel = {"number": f"1Z{sale}", "url": f"https://track.example/1Z{sale}"}
            self._in_erp("POST", f"sales/{sale}/send", {"tracking": [parcel]})
            for invoice in self._in_erp("GET", f"sales/{sale}")["invoices"]:
                self._in_erp("POST", f"invoices/{invoice['id']}/post")
        _, app = self.shops["tea"]
        done = select(work_items.c.external_id).where(work_items.c.channel == "tea-shop", work_items.c.state == "done")
        [order, *_] = runtime.store.read(lambda c: list(c.execute(done.order_by(work_items.c.id)).scalars()))
        refund_order(app.shop, int(order), {"amount": "1.50", "reason": "a broken cup"})
        since = dt.datetime.now(dt.UTC) - dt.timedelta(days=4)
        follow(runtime.store, runtime.systems.connector("erp"), "erp", since=since)
        self.carry(runtime)

    def _in_erp(self, method, path, body=None):
        """As somebody who works there."""
        answer = requests.request(method, f"{self.erp.url}/_sandbox/{path}", json=body, timeout=PATIENCE_S)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    @staticmethod
    def _sell(shop, generator, text):
        sku = text[:100]
        add_catalogue(shop, (dataclasses.replace(unknown_product(), sku=sku, name=text),))
        with shop.lock:
            draft = generator._draft("processing", country="DE")
            draft.lines = [BasketLine(shop.products[shop.skus[sku]], 1), *draft.lines]
            order = place(shop, make_order(shop, draft)).document()
            for address in (order["billing"], order["shipping"]):
                address.update(dict.fromkeys(("first_name", "last_name", "company", "address_1", "city"), text))
            order["customer_note"] = order["payment_method_title"] = text
            change(shop, order, "order.update")

    @staticmethod
    def pull(runtime, shop, channel, since):
        pull(runtime.store, runtime.systems.connector(shop), shop, [channel], since=since)

    @staticmethod
    def _add_people(store):
        hashed = accounts._hash(PASSWORD)
        for role in accounts.ROLES:
            store.write(lambda c, role=role: users.add_user(c, role, hashed, role))
        make_token(store, "reporting", ["orders:read", "issues:read"], actor=Actor("admin"), days=90)

    @staticmethod
    def _add_machinery(store):
        """A drain at work, schedules, matches, a delivery that nobody could read, a bulk run in the middle."""

        def work(connection):
            now = dt.datetime.now(dt.UTC)
            singletons.take(connection, "scheduler", "hub-1:312", 900.0)
            names = [f"{task}:{shop}" for task in ("pull", "webhooks") for shop in CHANNELS.values()]
            names += [f"{task}:{channel}" for task in ("proof", "resync") for channel in CHANNELS]
            schedule.declare(connection, {name: now + dt.timedelta(minutes=3) for name in names})
            schedule.finish(connection, names[0], ok=True, message="3 orders seen, 3 to look at")
            schedule.finish(connection, names[1], ok=False, message="the shop did not answer within 30 s")
            ask(connection, DOUBT)
            decide(connection, ask(connection, DECIDED), Answer.SAME, "7", by="operator", reason="the customer said so")
            options = {"target": "erp", "concurrency": 4, "lease_s": 3600.0}
            lease = open_lease(connection, channel="tea-shop", kind="order", holder="hub-1:4711:drain", **options)
            item = connection.execute(select(work_items.c.id).where(work_items.c.state == "done").limit(1)).scalar_one()
            connection.execute(
                update(work_items).where(work_items.c.id == item).values(state="leased", lease_token=lease.token)
            )
            unreadable = NewEvent(
                connection="tea",
                kind="order",
                external_id=None,
                source="webhook",
                topic="order.updated",
                version="",
                body=pack(b'"<html>"'),
                digest="0" * 32,
                received_at=now,
                problem="the body is no JSON",
            )
            record_events(connection, [unreadable], {"tea": ["tea-shop"]})
            issue = connection.execute(select(issues.c.id).order_by(issues.c.id).limit(1)).scalar_one()
            run = {"issue_id": issue, "expected": 500, "released": 120, "asked_at": now, "asked_by": "operator"}
            connection.execute(insert(bulk_runs).values(**run))
            chosen = Selection(action="look", wanted=Wanted(channel="tea-shop", text="a search"), targets={}).dump()
            over = {"issue_id": None, "action": "look", "selection": chosen, "mark": "m", "reason": "a test"}
            connection.execute(insert(bulk_runs).values(**run | over))
            for user in users.list_users(connection):
                add_view(connection, user.id, "orders", f"of {user.login}", "tab=done", shared=user.role == "admin")
            for number, (issue_id, item_id) in enumerate(((issue, None), (None, item))):
                add_comment(connection, f"word {number}", by="operator", issue_id=issue_id, item_id=item_id)
            last = connection.execute(select(issues.c.id).order_by(issues.c.id.desc()).limit(1)).scalar_one()
            issue_life.assign(connection, last, assignee="integrator", due_on="2026-12-01")
            issue_life.acknowledge(connection, last, "operator")
            issue_life.snooze(connection, last, until=now + dt.timedelta(hours=4), above=100, by="operator")

        store.write(work)


@contextlib.contextmanager
def staged(folder, queue_url, *, secrets=SECRETS, database=""):
    """A stage on which nothing has happened yet."""
    key = ApiKey(secrets["SHOP_KEY"], secrets["SHOP_SECRET"])
    quiet = Behaviour(delay_s=0.0, jitter_s=0.0)
    with contextlib.ExitStack() as stack:
        shops = {
            name: stack.enter_context(serve_shop(ShopSettings(keys=(key,)), behaviour=quiet))
            for name in CHANNELS.values()
        }
        erp = stack.enter_context(running_erp(options=ErpOptions(api_key=secrets["ERP_KEY"])))
        stage = Stage(folder, queue_url, shops, erp, secrets=secrets, database=database)
        stack.callback(stage.close)
        yield stage
