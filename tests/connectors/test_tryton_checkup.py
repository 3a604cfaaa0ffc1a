"""Each check of a Tryton can fail: one thing spoilt each, on tables as a real one answers them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from connectors.kit.answers import Response
from connectors.kit.errors import ConnectionBroken, Transient
from connectors.kit.findings import Level
from connectors.tryton.checkup import CHECKS, Checkup
from connectors.tryton.masters import Masters
from connectors.tryton.options import read_options

TODAY = dt.datetime.now(dt.UTC).date()
YEAR = {"name": str(TODAY.year), "state": "open", "id": 1, "invoice_sequences": [{"out_invoice_sequence": 3}]}
TAX = {"id": 1, "name": "VAT 19%", "type": "percentage", "rate": Decimal("0.19"), "group": {"kind": "sale"}}
RIGHTS = dict.fromkeys(("read", "write", "create", "delete"), 1)


class Server:
    """A Tryton as its client sees it: tables by model, answers by method."""

    def __init__(self):
        self.version, self.date = "8.2", f"{dt.datetime.now(dt.UTC):%a, %d %b %Y %H:%M:%S} GMT"
        self.has_login, self.refuses_login, self.refuses_key, self.away = True, False, None, None
        self.access = {}
        self.tables = {
            "ir.module": [{"name": name, "state": "activated"} for name in ("sale", "web_shop", "sale_shipment_cost")],
            "ir.model.field": [{"name": "web_id", "model": "sale.sale"}, {"name": "web_shop", "model": "sale.sale"}],
            "ir.model": [{"name": "sale.sale"}, {"name": "party.party"}],
            "company.company": [
                {"id": 1, "party": {"name": "Ltd"}, "currency": {"code": "EUR"}, "timezone": "UTC"},
            ],
            "account.configuration": [
                {
                    "tax_rounding": "document",
                    "default_customer_payment_term": 5,
                    "default_account_receivable": 7,
                    "default_category_account_revenue": 8,
                }
            ],
            "web.shop": [{"id": 2, "name": "Storefront", "warehouses": [4]}],
            "account.fiscalyear": [YEAR],
            "account.period": [{"name": "11", "state": "open"}],
            "sale.configuration": [{"sale_sequence": 1}],
            "party.configuration": [{"party_sequence": 2}],
            "product.product": [],
            "account.tax": [TAX],
            "account.invoice.payment_term": [{"id": 5, "name": "Direct"}],
            "carrier": [{"rec_name": "Fast Parcel"}],
            "currency.currency": [{"code": "EUR"}],
            "country.country": [{"code": "DE"}],
        }

    def server(self):
        if self.away:
            raise self.away
        answer = Response(method="POST", path="/rpc/", write=False, status=200, headers={"Date": self.date}, body=b"")
        return self.version, answer

    def ask(self, model, method, arguments):
        if self.refuses_key:
            raise self.refuses_key
        if method == "get_access":
            return {model: self.access.get(model, RIGHTS) for model in arguments["models"]}
        return {"company.rec_name": "Ltd"}

    def log_in(self):
        if self.refuses_login:
            raise ConnectionBroken("401", status=401)

    def search(self, model, domain, fields, *, context=None, order=None, limit=None):
        rows = self.tables[model]
        if isinstance(rows, Exception):
            raise rows
        return [dict(row) for row in rows]


@pytest.fixture
def server():
    return Server()


def found(server, **options):
    masters = Masters(server, read_options({"database": "erp", **options}))
    return {finding.check.removeprefix("tryton."): finding for finding in Checkup(server, masters).run()}


def test_a_tryton_in_order(server):
    findings = found(server)
    assert [f"tryton.{check}" for check in findings] == list(CHECKS)
    assert {finding.level for finding in findings.values()} == {Level.OK}


def test_a_server_that_is_away_ends_it(server):
    server.away = Transient("cannot connect")
    assert [(check, finding.level) for check, finding in found(server).items()] == [("address", Level.FAIL)]


@pytest.mark.parametrize("version", ["7.8", "6.0.1", ""])
def test_an_old_server(server, version):
    server.version = version
    assert found(server)["address"].level is Level.FAIL


def test_a_clock_that_is_wrong(server):
    server.date = "Mon, 01 Jan 2024 00:00:00 GMT"
    assert found(server)["clock"].level is Level.FAIL


def test_a_key_that_is_refused_says_how_keys_are_made_and_the_login_is_tried_all_the_same(server):
    server.refuses_key = ConnectionBroken("401", status=401)
    findings = found(server)
    assert findings["key"].level is Level.FAIL
    assert "validated" in findings["key"].next_step
    assert findings["login"].level is Level.OK
    assert "modules" not in findings


@pytest.mark.parametrize("status", [404, 503])
def test_a_database_that_is_not_there(server, status):
    server.refuses_key = ConnectionBroken("no", status=status) if status == 404 else Transient("no", status=status)
    findings = found(server)
    assert findings["key"].level is Level.FAIL
    assert "`database`" in findings["key"].next_step
    assert "login" not in findings


def test_a_login_that_is_refused(server):
    server.refuses_login = True
    findings = found(server)
    assert findings["login"].level is Level.FAIL
    assert findings["rights"].level is Level.OK


def test_no_login_is_no_fault(server):
    server.has_login, server.refuses_login = False, True
    assert found(server)["login"].level is Level.OK


def empty(name):
    return lambda server: server.tables.update({name: []})


def replaced(name, **changes):
    return lambda server: server.tables.update({name: [{**row, **changes} for row in server.tables[name]]})


def without_module(server):
    server.tables["ir.module"] = [{"name": "sale", "state": "activated"}, {"name": "web_shop", "state": "to activate"}]


def without_right(server):
    server.access["sale.sale"] = {**RIGHTS, "create": 0}


def two_of_one_rate(server):
    server.tables["account.tax"] = [TAX, {**TAX, "id": 2, "name": "VAT 19% services"}]


@pytest.mark.parametrize(
    ("check", "spoil", "level", "told"),
    [
        ("modules", without_module, Level.FAIL, "web_shop"),
        ("web_id", empty("ir.model.field"), Level.FAIL, "web_id"),
        ("rights", without_right, Level.FAIL, "sale.sale: create"),
        ("company", empty("company.company"), Level.FAIL, "company"),
        ("web_shop", empty("web.shop"), Level.FAIL, "web_shop"),
        ("web_shop", replaced("web.shop", warehouses=[]), Level.WARN, "no warehouse"),
        ("fiscal_year", empty("account.fiscalyear"), Level.FAIL, "no fiscal year"),
        ("fiscal_year", replaced("account.fiscalyear", state="closed"), Level.FAIL, "closed"),
        ("fiscal_year", empty("account.period"), Level.FAIL, "no period"),
        ("fiscal_year", replaced("account.period", state="closed"), Level.FAIL, "closed"),
        ("sequences", replaced("sale.configuration", sale_sequence=None), Level.FAIL, "sales"),
        ("sequences", replaced("party.configuration", party_sequence=None), Level.FAIL, "parties"),
        ("sequences", replaced("account.fiscalyear", invoice_sequences=[]), Level.FAIL, "invoices"),
        ("accounts", replaced("account.configuration", default_account_receivable=None), Level.WARN, "receivable"),
        ("accounts", lambda s: s.tables.update({"product.product": [{"code": "A-1"}]}), Level.WARN, "A-1"),
        ("taxes", empty("account.tax"), Level.FAIL, "no tax"),
        ("taxes", two_of_one_rate, Level.WARN, "several of 19 %"),
        ("payment_term", empty("account.invoice.payment_term"), Level.FAIL, "no payment term"),
        (
            "payment_term",
            replaced("account.configuration", default_customer_payment_term=None),
            Level.WARN,
            "none is the company's default",
        ),
        ("carrier", empty("carrier"), Level.WARN, "no carrier"),
        ("master_data", empty("currency.currency"), Level.FAIL, "currencies"),
        ("master_data", empty("country.country"), Level.FAIL, "countries"),
    ],
)
def test_what_is_missing_is_named_with_what_to_do(server, check, spoil, level, told):
    spoil(server)
    finding = found(server)[check]
    assert finding.level is level
    assert told in finding.found
    assert finding.next_step


def test_a_web_shop_that_the_option_does_not_name(server):
    assert found(server, web_shop="Other")["web_shop"].level is Level.FAIL


def test_a_model_that_may_not_be_read_fails_its_check_and_no_other(server):
    server.tables["account.fiscalyear"] = ConnectionBroken("You are not allowed", status=400)
    findings = found(server)
    assert findings["fiscal_year"].level is Level.FAIL
    assert findings["sequences"].level is Level.FAIL
    assert findings["taxes"].level is Level.OK


def test_a_name_that_this_version_does_not_know_is_no_fault_of_the_installation(server):
    server.tables["account.invoice.payment_term"] = ConnectionBroken("does not know 'x'", code="unknown_name")
    assert found(server)["payment_term"].level is Level.UNKNOWN


def test_a_year_that_ends_without_a_successor(server):
    inner = server.search

    def search(model, domain, fields, **options):
        first_day = next((clause[2] for clause in domain if clause[:2] == ["start_date", "<="]), TODAY)
        return [] if model == "account.fiscalyear" and first_day > TODAY else inner(model, domain, fields, **options)

    server.search = search
    finding = found(server)["fiscal_year"]
    assert finding.level is Level.WARN
    assert "next fiscal year" in finding.next_step
