"""Two shops, a CRM whose people make deals, and one ERP, with Crossdock between them: the CRM is told of customers."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Row, select

from config.model import Auth, Channel, CrmPolicy, Mode, Secret
from config.model import Connection as Account
from connectors.sandbox.faults import FaultPlan
from connectors.sandbox.woocommerce.app import serve_shop
from connectors.sandbox.woocommerce.settings import ShopSettings
from connectors.sandbox.zoho_crm import OrganisationSettings, serve_crm
from connectors.sandbox.zoho_crm.organisation import Organisation
from sync.flows.facets.follow import follow
from sync.flows.pull import pull
from sync.rules.crm_systems import crm_systems
from sync.rules.systems import Systems
from sync.store.channels import start_channel
from sync.store.crm.customers import KIND
from sync.store.engine import Store
from sync.store.switches import resume
from sync.store.tables import attempts, customers, told_accounts, work_items
from sync.work.crm.drain import drain_customers
from sync.work.drain import drain_channel
from sync.work.tasks import Tasks
from tests.sync.flows.shop import PLACED
from tests.sync.flows.trade import CHANNEL, KEY, LOCAL, TEA, Trade, trading

#: The second shop's channel, and the one of the deals that are made in the CRM itself.
MARKET, DEALS = "market", "deals"
_SINCE = PLACED.replace(year=2020)


class CrmTrade:
    """Plays the people, and says when is looked."""

    def __init__(
        self, trade: Trade, market_url: str, crm_url: str, organisation: Organisation, plan: FaultPlan
    ) -> None:
        self.trade, self.store, self.crm, self.crm_plan = trade, trade.store, organisation, plan
        self.urls = {CHANNEL: trade.shop_url, MARKET: market_url}
        self.crm_url = crm_url

    def configure(self, policy: CrmPolicy, *, deals: bool = False) -> None:
        """`deals`: won deals are orders too."""
        first = self.trade.config.channels[CHANNEL]
        # A deal says nothing of where its goods go.
        rules = {**first.policies.rules, "address": Mode.OFF}
        first = dataclasses.replace(first, policies=dataclasses.replace(first.policies, rules=rules))
        settings = self.crm.settings
        auth = Auth(
            key=Secret(settings.client_id),
            secret=Secret(settings.client_secret),
            refresh_token=Secret(settings.refresh_token),
        )
        options = {"accounts_url": self.crm_url, "vat_field": "VAT_ID"}
        if deals:
            options |= {"orders_from": "deals", "deal_article": TEA}
        shop = self.trade.config.connections["shop"]
        connections = {
            **self.trade.config.connections,
            MARKET: dataclasses.replace(shop, name=MARKET, url=self.urls[MARKET]),
            "crm": Account(name="crm", system="zoho_crm", url=self.crm_url, auth=auth, options=options, **LOCAL),
        }
        sources = {CHANNEL: "shop", MARKET: MARKET, **({DEALS: "crm"} if deals else {})}
        channels: dict[str, Channel] = {
            name: dataclasses.replace(first, name=name, source=source, crm=policy) for name, source in sources.items()
        }
        self.trade.systems.close()
        self.trade.config = dataclasses.replace(self.trade.config, connections=connections, channels=channels)
        self.trade.systems = Systems(self.trade.config, links=self.trade.systems.links)
        for name in channels:
            self.store.write(lambda c, name=name: start_channel(c, name, _SINCE))  # type: ignore[misc]

    def tell_instead(self, crm: Account) -> None:
        """From now on this is the CRM."""
        self.trade.config = dataclasses.replace(
            self.trade.config, connections={**self.trade.config.connections, "crm": crm}
        )
        self.trade.systems.close()
        self.trade.systems = Systems(self.trade.config, links=self.trade.systems.links)

    @property
    def channels(self) -> dict[str, Channel]:
        return dict(self.trade.config.channels)

    # --- people --------------------------------------------------------------------------------------------------

    def buy(self, channel: str, *lines: tuple[str, int], email: str = "ada@example.test", **fields: Any) -> str:
        self.trade.shop_url = self.urls[channel]
        address = {
            "first_name": "Ada", "last_name": "Nord", "address_1": "Weg 1", "city": "Berlin", "postcode": "10115",
            "country": "DE", "email": email,
        }  # fmt: skip
        return self.trade.buy(*lines, billing=address, **fields)

    def in_shop(self, channel: str, method: str, path: str, body: Any = None) -> Any:
        self.trade.shop_url = self.urls[channel]
        return self.trade.in_shop(method, path, body)

    def account(self, name: str, *emails: str, **fields: Any) -> str:
        """Somebody makes an account with these contacts; its id."""
        made = self.crm.insert("Accounts", {"Account_Name": name, **fields})
        for email in emails:
            of = {"id": made["id"], "name": name}
            self.crm.insert("Contacts", {"Email": email, "Full_Name": email, "Last_Name": email, "Account_Name": of})
        return str(made["id"])

    def shows(self, account: str) -> dict[str, Any]:
        """What stands on an account of ours."""
        record = self.crm.records["Accounts"][account]
        return {name.removeprefix("Crossdock_"): value for name, value in record.items() if "Crossdock" in name}

    # --- Crossdock -----------------------------------------------------------------------------------------------

    def carry(self) -> None:
        """Look at all systems, bring the orders over, and tell the CRM."""
        systems = self.trade.systems
        for name in {channel.source for channel in self.channels.values()}:
            fed = [channel.name for channel in self.channels.values() if channel.source == name]
            pull(self.store, systems.connector(name), name, fed, since=_SINCE)
        follow(self.store, systems.connector("erp"), "erp", since=_SINCE)
        for name in self.channels:
            drain_channel(self.store, systems.channel(name), "order", ring=lambda *_: None)
        self.tell()

    def tell(self) -> None:
        for name in self.channels:
            drain_customers(self.store, crm_systems(self.trade.systems, name), ring=lambda *_: None)

    def night(self) -> None:
        """The nightly look of every channel, and what comes of it."""
        runtime: Any = SimpleNamespace(
            store=self.store,
            config=self.trade.config,
            systems=self.trade.systems,
            bell=SimpleNamespace(ring=lambda *_, **__: None),
            settings=SimpleNamespace(public_url=""),
        )
        tasks = Tasks(runtime)
        for name in self.channels:
            tasks.run(f"crm:{name}")
        self.tell()

    def customers(self) -> list[Row[Any]]:
        return self.trade.rows(select(customers).order_by(customers.c.id))

    def items(self) -> list[Row[Any]]:
        return self.trade.rows(select(work_items).where(work_items.c.kind == KIND).order_by(work_items.c.id))

    def told(self) -> list[Row[Any]]:
        return self.trade.rows(select(told_accounts))

    def tries(self) -> list[Row[Any]]:
        """Attempts at customers."""
        query = select(attempts).join(work_items, work_items.c.id == attempts.c.item_id)
        return self.trade.rows(query.where(work_items.c.kind == KIND).order_by(attempts.c.id))

    def notes(self, account: str) -> dict[str, str]:
        """What stands in the history of an account, by title. No title twice."""
        found = [row for row in self.crm.records["Notes"].values() if row["Parent_Id"]["id"] == account]
        notes = {row["Note_Title"]: row["Note_Content"] for row in found}
        assert len(notes) == len(found), sorted(row["Note_Title"] for row in found)
        return notes

    def converge(self) -> None:
        """Whatever rests or waits comes due."""
        for _ in range(3):
            self.trade.time_passes(7200)
            self.store.write(lambda c: resume(c, "connection", "crm", by="ann"))
            self.tell()

    def writes(self) -> int:
        """How often an account was written, by whomever."""
        return sum(entry.kind == "accounts.edit" for entry in self.crm.ledger.entries())


@contextlib.contextmanager
def trading_with_crm(
    store: Store, *, deals: bool = False, after: Mapping[str, Any] | None = None, **policy: Any
) -> Iterator[CrmTrade]:
    """`policy` are fields of `CrmPolicy`, `after` of `AfterImport`."""
    settings = dataclasses.replace(ShopSettings(), keys=(KEY,))
    with (
        trading(store, post_invoices=True, **(after or {})) as trade,
        serve_shop(settings) as (market, _),
        serve_crm(OrganisationSettings()) as (server, app),
    ):
        made = CrmTrade(trade, market.url, server.url, app.organisation, server.plan)
        made.configure(CrmPolicy(**{"connection": "crm", "gather_s": 0.0, **policy}), deals=deals)
        yield made
