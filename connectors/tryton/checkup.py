"""The check-up of a Tryton: everything that a sale of ours stands on, up to the number of its invoice."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from connectors.kit.base import JsonDict
from connectors.kit.errors import ConnectionBroken, ConnectorError
from connectors.kit.findings import N_, Finding, Level, fail, of_clock, of_error, ok, unknown, warn
from connectors.kit.words import joined, quote, say
from connectors.tryton.client import TrytonClient
from connectors.tryton.masters import Masters

CHECKS: Final[Mapping[str, str]] = {
    "tryton.address": N_("the server answers, and is new enough"),
    "tryton.clock": N_("the server's clock and ours agree"),
    "tryton.key": N_("the REST key is accepted"),
    "tryton.login": N_("the login is accepted"),
    "tryton.modules": N_("the modules are activated"),
    "tryton.web_id": N_("a sale has the field of our key"),
    "tryton.rights": N_("the key's user may do what is needed"),
    "tryton.company": N_("the company is known"),
    "tryton.web_shop": N_("the web shop is known and has warehouses"),
    "tryton.fiscal_year": N_("a fiscal year and a period are open today"),
    "tryton.sequences": N_("sales, parties and invoices get numbers"),
    "tryton.accounts": N_("customers and products have accounts"),
    "tryton.taxes": N_("there are taxes for customers"),
    "tryton.payment_term": N_("there is a payment term"),
    "tryton.carrier": N_("a carrier can be written where the module is there"),
    "tryton.master_data": N_("currencies and countries are loaded"),
}

#: REST came with it.
_OLDEST: Final = (8, 0)
_NEEDED: Final = ("sale", "web_shop")
_USED: Final = ("sale_shipment_cost", "sale_discount", "stock_package_shipping")
#: What we do with which records.
_RIGHTS: Final[Mapping[str, tuple[str, ...]]] = {
    "sale.sale": ("read", "write", "create", "delete"),
    "sale.line": ("read", "create", "delete"),
    "party.party": ("read", "write", "create"),
    "party.address": ("read", "write", "create"),
    "product.product": ("read",),
    "account.tax": ("read",),
    "account.configuration": ("read",),
    "stock.location": ("read",),
    "web.shop": ("read",),
    # The way back: what became of a sale, and what may be done about it.
    "stock.shipment.out": ("read", "write"),
    "stock.shipment.out.return": ("read", "write"),
    "stock.move": ("read",),
    "account.invoice": ("read", "write"),
    "account.move": ("read",),
    "account.invoice.payment.method": ("read",),
}
_GROUPS: Final = say(
    "give the key's user the groups Party Administration, Product Administration, Sales, Stock, Accounting"
)
#: What the server answers where it has no such database, or cannot open it.
_NO_DATABASE: Final = frozenset({404, 503})
_SHOWN: Final = 5


class Checkup:
    """One check-up of one connection."""

    def __init__(self, client: TrytonClient, masters: Masters) -> None:
        self._client, self._masters = client, masters
        self._modules: frozenset[str] = frozenset()
        self._has_database = True

    def run(self) -> Iterator[Finding]:
        """Every check, until the server does not let us in at all."""
        address = list(self._address())
        yield from address
        if address[0].level is Level.FAIL:
            return
        key = self._key()
        yield key
        if self._has_database:
            yield self._tried("tryton.login", self._login)
        if key.level is not Level.OK:
            return
        steps: tuple[tuple[str, Callable[[], Finding]], ...] = (
            ("tryton.modules", self._activated),
            ("tryton.web_id", self._key_field),
            ("tryton.rights", self._rights),
            ("tryton.company", self._company),
            ("tryton.web_shop", self._web_shop),
            ("tryton.fiscal_year", self._fiscal_year),
            ("tryton.sequences", self._sequences),
            ("tryton.accounts", self._accounts),
            ("tryton.taxes", self._taxes),
            ("tryton.payment_term", self._payment_term),
            ("tryton.carrier", self._carrier),
            ("tryton.master_data", self._master_data),
        )
        for check, step in steps:
            yield self._tried(check, step)

    def _tried(self, check: str, step: Callable[[], Finding]) -> Finding:
        try:
            return step()
        except ConnectorError as error:
            if error.code == "unknown_name":
                # Another version, or a module that is not there, which has a check of its own.
                return unknown(check, str(error))
            return of_error(check, error)

    # -- the way in ------------------------------------------------------------------------------------------

    def _address(self) -> Iterator[Finding]:
        check, asked_at = "tryton.address", dt.datetime.now(dt.UTC)
        try:
            version, answer = self._client.server()
        except ConnectorError as error:
            yield fail(check, str(error), say("correct `url`, or see why the server does not answer"))
            return
        numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
        if not numbers or numbers < _OLDEST:
            step = say("update Tryton: the REST protocol came with 8.0")
            yield fail(
                check,
                say("it is Tryton %(version)s", version=version or say("of a version that it does not say")),
                step,
                expected="8.0",
            )
            return
        yield ok(check, say("Tryton %(version)s answers", version=version))
        yield of_clock("tryton.clock", answer.headers.get("Date", ""), asked_at, dt.datetime.now(dt.UTC))

    def _key(self) -> Finding:
        check = "tryton.key"
        try:
            mine = self._client.ask("res.user", "get_preferences", {"context_only": True})
        except ConnectorError as error:
            if error.status in _NO_DATABASE:
                self._has_database = False
                step = say("correct the option `database`, or see why the server cannot open it")
                return fail(check, say("the server has no such database, or cannot open it now"), step)
            step = say(
                "make a REST key for the user and have it validated in the user's preferences; a key "
                "that was asked for while another one waited is never stored"
            )
            return of_error(check, error, step if isinstance(error, ConnectionBroken) else "")
        return ok(
            check,
            say(
                "the key's user works in %(company)s",
                company=mine.get("company.rec_name") or say("no company"),
            ),
        )

    def _login(self) -> Finding:
        check = "tryton.login"
        if not self._client.has_login:
            return ok(check, say("none is configured: each sale is quoted and confirmed by calls of its own"))
        try:
            self._client.log_in()
        except ConnectionBroken:
            return fail(check, say("the server refuses the login"), say("correct `auth.login` and `auth.password`"))
        return ok(check, say("sales are quoted and confirmed in batches"))

    def _activated(self) -> Finding:
        check, names = "tryton.modules", [*_NEEDED, *_USED]
        rows = self._client.search("ir.module", [["name", "in", names]], ("name", "state"))
        self._modules = frozenset(row["name"] for row in rows if row["state"] == "activated")
        if missing := [name for name in _NEEDED if name not in self._modules]:
            step = say(
                "activate them: trytond-admin -d DATABASE -u %(missing)s --activate-dependencies",
                missing=" ".join(missing),
            )
            return fail(
                check, say("not activated: %(missing)s", missing=", ".join(missing)), step, expected=", ".join(_NEEDED)
            )
        more = [name for name in _USED if name in self._modules]
        return ok(check, f"{', '.join(_NEEDED)}" + (f"; also used: {', '.join(more)}" if more else ""))

    def _key_field(self) -> Finding:
        check = "tryton.web_id"
        domain = [["model", "=", "sale.sale"], ["name", "in", ["web_id", "web_shop"]]]
        found = {row["name"] for row in self._client.search("ir.model.field", domain, ("name",))}
        if found != {"web_id", "web_shop"}:
            step = say("activate the module web_shop: without it nothing keeps a second sale of one order away")
            return fail(check, say("sales have no field web_id"), step)
        return ok(check, say("web_id, which the database keeps unique within the web shop"))

    def _rights(self) -> Finding:
        check = "tryton.rights"
        rows = self._client.search("ir.model", [["name", "in", sorted(_RIGHTS)]], ("name",))
        known = [row["name"] for row in rows]
        access = self._client.ask("ir.model.access", "get_access", {"models": known})
        lacking = {
            model: missing
            for model in known
            if (missing := [right for right in _RIGHTS[model] if not access.get(model, {}).get(right)])
        }
        if lacking:
            told = "; ".join(f"{model}: {', '.join(missing)}" for model, missing in sorted(lacking.items()))
            return fail(check, say("the key's user lacks rights (%(told)s)", told=told), _GROUPS)
        return ok(check, say("reading master data; writing parties and sales"))

    # -- what it sells with -----------------------------------------------------------------------------------

    def _company(self) -> Finding:
        company = self._masters.company()
        return ok(
            "tryton.company", say("%(name)s, in %(currency)s", name=company["name"], currency=company["currency"])
        )

    def _web_shop(self) -> Finding:
        check, shop = "tryton.web_shop", self._masters.web_shop()
        if not shop["warehouses"]:
            step = say("give the web shop a warehouse, or name one in the channel's `target`")
            return warn(check, say("the web shop %(name)s has no warehouse", name=shop["name"]), step)
        return ok(check, say("%(name)s, with %(count)s warehouses", name=shop["name"], count=len(shop["warehouses"])))

    def _fiscal_year(self) -> Finding:
        check, today = "tryton.fiscal_year", self._masters.today()
        covers = [["start_date", "<=", today], ["end_date", ">=", today]]
        years = self._rows("account.fiscalyear", covers, ("name", "state"))
        step = say("create the fiscal year with its periods (Financial > Configuration > Fiscal Years)")
        if not years:
            return fail(
                check, say("no fiscal year covers %(today)s: invoices of our sales cannot be posted", today=today), step
            )
        if all(year["state"] != "open" for year in years):
            return fail(
                check,
                say("the fiscal year %(name)s is closed", name=years[0]["name"]),
                say("open it again, or make the next one"),
            )
        domain = [*covers, ["type", "=", "standard"], ["fiscalyear", "in", [year["id"] for year in years]]]
        periods = self._client.search("account.period", domain, ("name", "state"))
        if not any(period["state"] == "open" for period in periods):
            found = (
                say("the period %(name)s is closed", name=periods[0]["name"])
                if periods
                else say("no period covers %(today)s", today=today)
            )
            return fail(check, found, say("create the periods of the fiscal year, or open this one again"))
        return self._next_year(check, years[0]["name"], today)

    def _next_year(self, check: str, name: str, today: dt.date) -> Finding:
        """A year that ends soon without a successor is a New Year's Eve without invoices."""
        soon = today + dt.timedelta(days=31)
        covers = [["start_date", "<=", soon], ["end_date", ">=", soon], ["state", "=", "open"]]
        if not self._rows("account.fiscalyear", covers, ("name",)):
            step = say("create the next fiscal year before this one ends")
            return warn(
                check, say("the fiscal year %(name)s is open, and none is for %(soon)s yet", name=name, soon=soon), step
            )
        return ok(check, say("the fiscal year %(name)s is open, and so is its period", name=name))

    def _sequences(self) -> Finding:
        check, context = "tryton.sequences", self._masters.context()
        lacking = []
        for model, field, kind in (("sale.configuration", "sale_sequence", say("sales")), *_PARTY_SEQUENCE):
            rows = self._client.search(model, [], (field,), context=context)
            if not rows or not rows[0].get(field):
                lacking.append(kind)
        today = self._masters.today()
        covers = [["start_date", "<=", today], ["end_date", ">=", today]]
        years = self._rows("account.fiscalyear", covers, ("invoice_sequences.out_invoice_sequence",))
        if years and not any(row.get("out_invoice_sequence") for year in years for row in year["invoice_sequences"]):
            lacking.append(say("invoices"))
        if lacking:
            step = say("set the number series in the configuration of Sales and Parties, and in the fiscal year")
            return fail(check, say("no number series for %(lacking)s", lacking=joined(", ", lacking)), step)
        return ok(check, say("sales, parties and invoices have their number series"))

    def _accounts(self) -> Finding:
        check, context = "tryton.accounts", self._masters.context()
        fields = ("default_account_receivable", "default_category_account_revenue")
        rows = self._client.search("account.configuration", [], fields, context=context)
        lacking = [name for name in fields if not (rows[0] if rows else {}).get(name)]
        if lacking:
            named = joined(", ", (_ACCOUNTS[name] for name in lacking))
            step = say("set the default accounts (Financial > Configuration > Configuration), or give each its own")
            return warn(check, say("no default %(named)s", named=named), step)
        domain = [["salable", "=", True], ["account_category", "=", None]]
        bare = self._client.search("product.product", domain, ("code", "name"), limit=_SHOWN + 1, context=context)
        if bare:
            shown = ", ".join(str(row.get("code") or row.get("name")) for row in bare[:_SHOWN])
            step = say("give them an account category: it brings their revenue account and their taxes")
            return warn(
                check,
                say("salable products without account category: %(named)s%(more)s", named=shown, more=_more(bare)),
                step,
            )
        return ok(check, say("receivable and revenue accounts are set; all salable products have a category"))

    def _taxes(self) -> Finding:
        check, today = "tryton.taxes", self._masters.today()
        taxes = [tax for tax in self._masters.customer_taxes(today) if tax["type"] == "percentage"]
        if not taxes:
            return fail(
                check, say("there is no tax for customers"), say("create the taxes of your sales, with their accounts")
            )
        rates = [tax["rate"] for tax in taxes]
        shown = ", ".join(f"{rate.normalize():f} %" for rate in sorted(set(rates), reverse=True))
        doubled = sorted({rate for rate in rates if rates.count(rate) > 1}, reverse=True)
        if doubled:
            named = ", ".join(f"{rate.normalize():f} %" for rate in doubled)
            step = say(
                "tell which one is meant by rows of the look-up table `tax`, e.g. `crossdock lookup tax DE:19 NAME`"
            )
            return warn(
                check,
                say("%(count)s taxes of %(shown)s; several of %(named)s", count=len(taxes), shown=shown, named=named),
                step,
            )
        return ok(check, say("%(count)s taxes: %(shown)s", count=len(taxes), shown=shown))

    def _payment_term(self) -> Finding:
        check, company = "tryton.payment_term", self._masters.company()
        terms = self._client.search("account.invoice.payment_term", [], ("name",))
        if not terms:
            return fail(check, say("there is no payment term"), say("create one, e.g. one that is due at once"))
        default = next((term["name"] for term in terms if term["id"] == company["payment_term"]), "")
        if not default:
            step = say(
                "set the default customer payment term of the company, or `payment_term` in the channel's `target`"
            )
            return warn(
                check, say("%(count)s payment terms, and none is the company's default", count=len(terms)), step
            )
        return ok(check, say("%(default)s, the company's default", default=default))

    def _carrier(self) -> Finding:
        check = "tryton.carrier"
        if "sale_shipment_cost" not in self._modules:
            return ok(check, say("not used: the module sale_shipment_cost is not activated"))
        carriers = self._client.search("carrier", [], ("rec_name",), limit=_SHOWN)
        if not carriers:
            step = say("create a carrier if shipments are to show one; sales go without")
            return warn(check, say("there is no carrier"), step)
        return ok(check, quote(", ".join(str(row["rec_name"]) for row in carriers)))

    def _master_data(self) -> Finding:
        check = "tryton.master_data"
        lacking = {
            script: name
            for model, script, name in _MASTER_DATA
            if not self._client.search(model, [], ("code",), limit=1)
        }
        if lacking:
            scripts = ", ".join(f"trytond_import_{name}" for name in lacking)
            found = say("there are none: %(lacking)s", lacking=joined(", ", lacking.values()))
            return fail(check, found, say("run on the server: %(scripts)s", scripts=scripts))
        return ok(check, say("currencies and countries are there"))

    # -- parts -------------------------------------------------------------------------------------------------

    def _rows(self, model: str, domain: Sequence[Any], fields: Iterable[str]) -> list[JsonDict]:
        """Of our company."""
        company = self._masters.company()["id"]
        return self._client.search(model, [["company", "=", company], *domain], fields)


_PARTY_SEQUENCE: Final = (("party.configuration", "party_sequence", say("parties")),)
#: Model, what the script that loads it is called after, name.
_MASTER_DATA: Final = (
    ("currency.currency", "currencies", say("currencies")),
    ("country.country", "countries", say("countries")),
)
_ACCOUNTS: Final = {
    "default_account_receivable": say("receivable account for customers"),
    "default_category_account_revenue": say("revenue account for products"),
}


def _more(things: Sequence[object]) -> str:
    return " ..." if len(things) > _SHOWN else ""
