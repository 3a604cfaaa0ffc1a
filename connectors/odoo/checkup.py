"""The check-up of an Odoo: what a sale of ours stands on. It reads alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from connectors.kit.errors import ConnectionBroken, ConnectorError
from connectors.kit.findings import N_, Finding, Level, fail, of_clock, of_error, ok, warn
from connectors.kit.words import quote, say
from connectors.odoo.client import OdooClient
from connectors.odoo.masters import Masters
from connectors.odoo.versions import JSON2, OLDEST

CHECKS: Final[Mapping[str, str]] = {
    "odoo.address": N_("the server answers, and is new enough"),
    "odoo.clock": N_("the server's clock and ours agree"),
    "odoo.key": N_("the API key is accepted"),
    "odoo.language": N_("refusals come in English, by which they are told apart"),
    "odoo.company": N_("the company, and the sales team where one is named, are known"),
    "odoo.rights": N_("the key's user may read what is needed"),
    "odoo.external_ids": N_("external ids of sales can be read, by which they are kept single"),
    "odoo.taxes": N_("there are taxes for sales whose prices are net"),
    "odoo.currencies": N_("there are price lists, by which a sale has its currency"),
    "odoo.billing": N_("invoices and payments can be read, where money is carried over"),
    "odoo.journals": N_("there are journals for the payments of customers"),
}

#: Models that are read; the right to write shows when the key is proven.
_READ: Final = ("sale.order", "sale.order.line", "res.partner", "product.product", "account.tax", "stock.warehouse")
#: Models of money, which a channel that carries none does not need.
_BILLED: Final = ("account.move", "account.move.line", "account.payment", "account.journal", "account.account")
_SHOWN: Final = 5


class Checkup:
    """One check-up of one connection."""

    def __init__(self, client: OdooClient, masters: Masters) -> None:
        self._client, self._masters = client, masters

    def run(self) -> Iterator[Finding]:
        """Every check, until the server does not let us in at all."""
        address = list(self._address())
        yield from address
        if address[0].level is Level.FAIL:
            return
        key = self._tried("odoo.key", self._key)
        yield key
        if key.level is not Level.OK:
            return
        steps: tuple[tuple[str, Callable[[], Finding]], ...] = (
            ("odoo.language", self._language),
            ("odoo.company", self._company),
            ("odoo.rights", self._rights),
            ("odoo.external_ids", self._external_ids),
            ("odoo.taxes", self._taxes),
            ("odoo.currencies", self._currencies),
            ("odoo.billing", self._billing),
            ("odoo.journals", self._journals),
        )
        for check, step in steps:
            yield self._tried(check, step)

    def _tried(self, check: str, step: Callable[[], Finding]) -> Finding:
        try:
            return step()
        except ConnectorError as error:
            return of_error(check, error)

    def _address(self) -> Iterator[Finding]:
        check, asked_at = "odoo.address", dt.datetime.now(dt.UTC)
        try:
            told, answer = self._client.told_version()
        except ConnectorError as error:
            yield fail(check, str(error), say("correct `url`, or see why the server does not answer"))
            return
        answered_at, version = dt.datetime.now(dt.UTC), int(told[0])
        if version < OLDEST:
            expected = say("%(oldest)s at least", oldest=OLDEST)
            yield fail(check, quote(f"Odoo {version}"), say("update Odoo"), expected=expected)
            return
        way = "JSON-2" if version >= JSON2 else "JSON-RPC"
        yield ok(check, say("Odoo %(version)s, over %(way)s", version=version, way=way))
        yield of_clock("odoo.clock", answer.headers.get("Date", ""), asked_at, answered_at)

    def _key(self) -> Finding:
        try:
            self._client.read("res.users", "context_get")
        except ConnectionBroken as error:
            step = say("make an API key for the integration's user (Preferences > Security) and set it as `auth.key`")
            return fail("odoo.key", str(error), step)
        return ok("odoo.key", say("it is accepted; keys of plain users end after three months at most"))

    def _language(self) -> Finding:
        told = self._client.read("res.users", "context_get")
        language = str(told.get("lang") or "") if isinstance(told, dict) else ""
        if language.startswith("en"):
            return ok("odoo.language", language)
        step = say("set the language of the integration's user to English")
        return warn("odoo.language", say("its language is %(language)s", language=language or "?"), step)

    def _company(self) -> Finding:
        company = self._masters.company()
        self._masters.team()
        return ok("odoo.company", f"{company['name']} ({company['currency']})")

    def _rights(self) -> Finding:
        refused = self._refused(_READ)
        if not refused:
            return ok("odoo.rights", say("everything can be read; prove writing: crossdock doctor --prove-key"))
        step = say("install the apps Sales and Inventory, and give the key's user the groups Sales and Inventory User")
        return fail("odoo.rights", say("it may not read %(models)s", models=", ".join(refused)), step)

    def _refused(self, models: Sequence[str]) -> list[str]:
        refused = []
        for model in models:
            try:
                self._client.find_ids(model, [], limit=1)
            except ConnectionBroken:
                refused.append(model)
        return refused

    def _billing(self) -> Finding:
        refused = self._refused(_BILLED)
        if not refused:
            return ok("odoo.billing", say("they can be read"))
        step = say(
            "give the key's user the group Invoicing: Billing, if refunds, payments or invoices are carried over"
        )
        return warn("odoo.billing", say("it may not read %(models)s", models=", ".join(refused)), step)

    def _journals(self) -> Finding:
        journals = self._masters.journals()
        if not journals:
            step = say("make a journal of the type Bank for each way in which customers pay, or do without payments")
            return warn("odoo.journals", say("there are none"), step)
        return ok("odoo.journals", ", ".join(f"{each['code']} {each['name']}" for each in journals[:_SHOWN]))

    def _external_ids(self) -> Finding:
        self._client.external_ids("sale.order", self._client.find_ids("sale.order", [], limit=1))
        return ok("odoo.external_ids", say("they can be read"))

    def _taxes(self) -> Finding:
        net = [tax["name"] for tax in self._masters.taxes() if not tax["price_include"]]
        if net:
            shown = ", ".join(net[:_SHOWN])
            return ok("odoo.taxes", shown if len(net) <= _SHOWN else f"{shown} ...")
        step = say("make taxes of sales that are not included in prices: amounts are sent net")
        return fail("odoo.taxes", say("there are none"), step)

    def _currencies(self) -> Finding:
        own = self._masters.company()["currency"]
        listed = sorted(code for code, each in self._masters.currencies().items() if each["pricelist"] is not None)
        if listed:
            return ok("odoo.currencies", ", ".join(listed))
        return ok("odoo.currencies", say("none: every sale is in %(currency)s", currency=own))
