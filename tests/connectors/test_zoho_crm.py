"""Zoho CRM: data centres and tokens, queries by key, lines and codes, deleted orders, limits, notifications."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from connectors.kit.answers import Response
from connectors.kit.base import ConnectorSettings, SignatureInvalid
from connectors.kit.errors import ConnectionBroken, RateLimited, RecordRejected
from connectors.kit.exchanges import capture
from connectors.kit.findings import Circumstances, Level
from connectors.sandbox.zoho_crm import OrganisationSettings, serve_crm
from connectors.zoho_crm import ZohoCrm, codes, login
from connectors.zoho_crm.notifications import Channel, token_of
from mappings.base import SourceOptions
from mappings.registry import SOURCES
from tests.shared import PATIENCE_S

HOOKS = "https://crossdock.example/webhooks/crm"
ALWAYS = (dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2100, 1, 1, tzinfo=dt.UTC))


def settings_of(url="https://www.zohoapis.eu", options=None, **changes):
    values = {"name": "crm", "url": url, "key": "1000.SANDBOX", "secret": "zoho_sandbox_secret"}
    values |= {"refresh_token": "1000.sandbox.refresh", "webhook_secrets": ("geheim",), "allow_hosts": ("127.0.0.1",)}
    values |= {"deadline_s": PATIENCE_S, "overlap_s": 0.0}
    return ConnectorSettings(**(values | changes), options=options or {})


def connect(url="https://www.zohoapis.eu", options=None, **changes):
    accounts = {} if "zohoapis" in url else {"accounts_url": url}
    return ZohoCrm(settings_of(url, {**accounts, **(options or {})}, **changes))


def served(**settings):
    return serve_crm(OrganisationSettings(**settings))


def order_of(envelope):
    return SOURCES["zoho_crm"].order(envelope.payload, SourceOptions())


# Data centres and tokens


@pytest.mark.parametrize(
    ("url", "accounts"),
    [
        ("https://www.zohoapis.com", "https://accounts.zoho.com"),
        ("https://www.zohoapis.eu", "https://accounts.zoho.eu"),
        ("https://zohoapis.com.au", "https://accounts.zoho.com.au"),
        ("https://www.zohoapis.com.cn", "https://accounts.zoho.com.cn"),
        ("https://www.zohoapis.ca", "https://accounts.zohocloud.ca"),
        ("https://sandbox.zohoapis.in", "https://accounts.zoho.in"),
    ],
)
def test_each_data_centre_has_accounts_of_its_own(url, accounts):
    assert login.accounts_url(settings_of(url), "") == accounts


@pytest.mark.parametrize("url", ["https://crm.zoho.eu", "https://zohoapis.example", "https://evilzohoapis.eu"])
def test_an_address_that_is_no_data_centre_is_refused(url):
    with pytest.raises(ConnectionBroken, match=r"www\.zohoapis\.eu"):
        login.accounts_url(settings_of(url), "")


@pytest.mark.parametrize("missing", ["key", "secret", "refresh_token"])
def test_what_is_missing_in_auth_is_named(missing):
    with pytest.raises(ConnectionBroken, match="refresh_token"):
        connect(**{missing: ""})


def test_a_token_of_another_data_centre_is_told_before_it_is_used():
    accounts = Answers({"access_token": "1000.x", "expires_in": 3600, "api_domain": "https://www.zohoapis.com"})
    auth = login.Login(settings_of("https://www.zohoapis.eu"), accounts)
    with pytest.raises(ConnectionBroken, match=r"https://www\.zohoapis\.com"):
        auth._fetch()


class Answers:
    """Accounts that answer this."""

    def __init__(self, data):
        self.data = data

    def request(self, *_args, **_kwargs):
        return answer(200, self.data)


def answer(status, data, headers=None, path="/oauth/v2/token"):
    return Response(
        method="POST",
        path=path,
        write=False,
        status=status,
        headers=headers or {},
        body=json.dumps(data).encode(),
        data=data,
    )


@pytest.mark.loopback
def test_a_refusal_of_the_accounts_comes_with_status_200():
    for wrong, told in (({"refresh_token": "1000.old"}, "revoked"), ({"secret": "x-wrong"}, "client secret")):
        with served() as (server, _app), pytest.raises(ConnectionBroken, match=told) as caught:
            connect(server.url, **wrong).fetch_orders(["1"])
        assert caught.value.code == "no_token"


@pytest.mark.loopback
def test_one_token_serves_all_calls_and_goes_in_no_address():
    with served() as (server, app):
        app.organisation.sell()
        crm = connect(server.url)
        with capture() as exchanges:
            list(crm.pull_orders(None))
            list(crm.pull_orders(None))
    assert sum("oauth" in each.url for each in exchanges) == 1
    assert all("refresh" not in each.url and "?" not in each.url for each in exchanges if "oauth" in each.url)
    assert {each.request_headers.get("Authorization", "***") for each in exchanges} == {"***"}


@pytest.mark.loopback
def test_a_token_that_was_fetched_only_now_is_not_fetched_again_and_again():
    with served(tokens=3) as (server, app):
        crm = connect(server.url)
        crm.fetch_orders(["1"])
        app.tokens.clear()
        for _ in range(4):
            with pytest.raises(ConnectionBroken):
                crm.fetch_orders(["1"])
        assert len(app.tokens) == 0


@pytest.mark.loopback
def test_an_old_token_that_is_refused_is_replaced_once():
    with served() as (server, app):
        crm = connect(server.url)
        crm.fetch_orders(["1"])
        app.tokens.clear()
        auth = crm._client.http._auth
        auth._clock = lambda: 10**10
        crm.fetch_orders(["1"])
        assert len(app.tokens) == 1


def test_too_many_tokens_is_a_long_pause():
    more = "You have made too many requests continuously. Please try again after some time."
    error = login.verdict(answer(400, {"error": "Access Denied", "error_description": more}))
    assert isinstance(error, RateLimited)
    assert error.retry_after_s == 600


# Orders


@pytest.mark.loopback
def test_every_order_of_the_stand_in_maps_and_ties():
    with served() as (server, app):
        ids = [app.organisation.sell([("SIEB-ST", 2), ("KANNE-GLAS", 1)])["id"] for _ in range(3)]
        orders = [order_of(each) for each in connect(server.url, {"vat_field": "VAT_ID"}).fetch_orders(ids)]
    assert [len(order.lines) for order in orders] == [2, 2, 2]
    assert all(not order.totals.rounding for order in orders)
    customer = orders[0].customer
    assert customer.email.startswith("kunde")
    assert customer.vat_id.startswith("DE")
    assert orders[0].billing.country == "DE"


@pytest.mark.loopback
def test_a_page_costs_a_query_and_a_call_for_each_order():
    with served() as (server, app):
        for _ in range(5):
            app.organisation.sell()
        crm = connect(server.url)
        crm.fetch_orders(["1"])
        crm._client.organisation()
        with capture() as exchanges:
            list(crm.pull_orders(None))
    assert len(exchanges) == 6


@pytest.mark.loopback
def test_more_orders_in_one_second_than_fit_on_a_page_are_all_read():
    with served() as (server, app):
        wanted = {app.organisation.sell()["id"] for _ in range(9)}
        for record in app.organisation.records["Sales_Orders"].values():
            record["Modified_Time"] = "2026-11-22T10:00:00+05:30"
        pages = list(connect(server.url, {"per_page": 2}).pull_orders(None))
    assert {each.external_id for page in pages for each in page.envelopes} == wanted
    assert pages[-1].checkpoint == "2026-11-22T04:30:00"


@pytest.mark.loopback
def test_a_line_that_does_not_say_its_code_has_it_from_the_product():
    with served() as (server, app):
        record = app.organisation.sell([("SIEB-ST", 1), ("KANNE-GLAS", 1)])
        del record["Ordered_Items"][0]["Product_Name"]["Product_Code"]
        [envelope] = connect(server.url).fetch_orders([record["id"]])
    assert [line.sku for line in order_of(envelope).lines] == ["SIEB-ST", "KANNE-GLAS"]


@pytest.mark.loopback
def test_deleted_orders_are_told_by_the_next_pull_and_none_from_before_the_first():
    with served() as (server, app):
        kept, gone = (app.organisation.sell()["id"] for _ in range(2))
        crm = connect(server.url)
        [page] = crm.pull_orders(None)
        app.organisation.clock_offset_s += 5
        app.organisation.delete("Sales_Orders", gone)
        pages = list(crm.pull_orders(page.checkpoint))
        told = {each.external_id: each.deleted for page in pages for each in page.envelopes}
        assert told[gone] is True
        assert not told.get(kept, False)
        app.organisation.clock_offset_s += 5
        assert list(crm.pull_orders("2099-01-01T00:00:00"))[-1].envelopes == ()


@pytest.mark.loopback
@pytest.mark.parametrize(("source", "module", "lines"), [("quotes", "Quotes", 1), ("deals", "Deals", 1)])
def test_only_accepted_quotes_and_won_deals_are_orders(source, module, lines):
    with served() as (server, app):
        won, lost = (app.organisation.sell(module=module)["id"] for _ in range(2))
        stage = "Quote_Stage" if module == "Quotes" else "Stage"
        app.organisation.edit(module, lost, **{stage: "Negotiation"})
        crm = connect(server.url, {"orders_from": source, "deal_article": "PAUSCHALE"})
        [page] = crm.pull_orders(None)
        assert [each.external_id for each in page.envelopes] == [won]
        assert len(order_of(page.envelopes[0]).lines) == lines
        assert [line.external_id for line in crm.list_orders(*ALWAYS)] == [won]
        # One that was won and is no more is asked for by its id.
        app.organisation.edit(module, won, **{stage: "Closed Lost"})
        [envelope] = crm.fetch_orders([won])
        assert order_of(envelope).state.value == "cancelled"


@pytest.mark.loopback
def test_what_is_made_of_a_quote_or_deal_that_is_an_order_is_none_itself():
    with served() as (server, app):
        alone, made = (app.organisation.sell()["id"] for _ in range(2))
        app.organisation.edit("Sales_Orders", made, Quote_Name={"id": "5725767000000100001", "name": "Q-3"})
        for left_out, state in (("quotes", "draft"), ("deals", "processing")):
            crm = connect(server.url, {"leave_out": [left_out]})
            found = {each.external_id: order_of(each) for each in crm.fetch_orders([alone, made])}
            assert (found[alone].state.value, found[made].state.value) == ("processing", state)
        assert order_of(connect(server.url).fetch_orders([made])[0]).state.value == "processing"


@pytest.mark.loopback
def test_a_deal_has_the_address_of_its_account_or_else_of_its_contact():
    with served() as (server, app):
        deal = app.organisation.sell(module="Deals")
        crm = connect(server.url, {"orders_from": "deals", "deal_article": "PAUSCHALE"})
        order = order_of(crm.fetch_orders([deal["id"]])[0])
        assert (order.billing.city, order.billing.country, order.shipping) == ("Berlin", "DE", order.billing)
        account, contact = deal["Account_Name"]["id"], deal["Contact_Name"]["id"]
        app.organisation.edit("Accounts", account, Shipping_City="Potsdam", Shipping_Country="Germany")
        assert order_of(crm.fetch_orders([deal["id"]])[0]).shipping.city == "Potsdam"
        app.organisation.edit("Accounts", account, **dict.fromkeys((f"Billing_{part}" for part in PARTS), None))
        app.organisation.edit("Contacts", contact, Mailing_City="Wien", Mailing_Zip="1010", Mailing_Country="Austria")
        billing = order_of(crm.fetch_orders([deal["id"]])[0]).billing
        assert (billing.city, billing.postal_code, billing.country) == ("Wien", "1010", "AT")


PARTS = ("Street", "City", "State", "Code", "Country")


@pytest.mark.loopback
def test_a_stage_of_their_own_is_named_in_the_options():
    with served() as (server, app):
        won = app.organisation.sell(module="Deals")["id"]
        app.organisation.edit("Deals", won, Stage="Gewonnen 'ja'")
        options = {"orders_from": "deals", "stages": ["Gewonnen 'ja'"], "deal_article": "PAUSCHALE"}
        [page] = connect(server.url, options).pull_orders(None)
        assert order_of(page.envelopes[0]).state.value == "processing"


def test_options_that_do_not_go_together_are_refused():
    for options in (
        {"leave_out": ["deals"], "orders_from": "deals"},
        {"leave_out": ["quotes"], "orders_from": "quotes"},
        {"leave_out": ["leads"]},
    ):
        with pytest.raises(ConnectionBroken, match="leave_out"):
            connect(options=options)
    for options in ({"stages": ["Won"]}, {"vat_field": "x' or"}, {"orders_from": "leads"}, {"per_page": 500}):
        with pytest.raises(ConnectionBroken, match=next(iter(options))):
            connect(options=options)


@pytest.mark.loopback
def test_an_organisation_of_one_currency_is_listed_without_the_column():
    with served(currencies=False) as (server, app):
        app.organisation.sell()
        crm = connect(server.url)
        [line] = crm.list_orders(*ALWAYS)
        assert line.currency == "EUR"
        assert order_of(crm.fetch_orders([line.external_id])[0]).currency == "EUR"


@pytest.mark.loopback
def test_the_currency_of_the_options_where_the_user_may_not_read_the_organisation():
    with served(currencies=False, scopes=("ZohoCRM.modules.ALL", "ZohoCRM.coql.READ")) as (server, app):
        order = app.organisation.sell()["id"]
        with pytest.raises(ConnectionBroken, match="scopes"):
            connect(server.url).fetch_orders([order])
        assert order_of(connect(server.url, {"currency": "EUR"}).fetch_orders([order])[0]).currency == "EUR"


def test_an_id_that_is_none_is_refused_before_any_call():
    with pytest.raises(RecordRejected, match="whole number"):
        connect().fetch_orders(["1' or '1"])


def test_links_lead_to_the_data_centres_own_pages():
    assert connect().link("order", "17") == "https://crm.zoho.eu/crm/EntityInfo.do?module=SalesOrders&id=17"
    assert connect("https://www.zohoapis.ca").link("order", "17").startswith("https://crm.zohocloud.ca/")
    assert connect().link("invoice", "17") == connect().link("order", "x") == ""


# What answers mean


def test_429_is_seconds_first_and_minutes_then_for_nobody_says_why():
    verdicts = codes.Verdicts()
    refusal = answer(429, {"code": "TOO_MANY_REQUESTS", "status": "error"})
    pauses = [verdicts.classify(refusal).retry_after_s for _ in range(10)]
    assert max(pauses[:4]) <= 4
    assert min(pauses[4:8]) >= 60
    assert min(pauses[8:]) >= 450
    verdicts.verdict(answer(200, {"data": []}))
    assert verdicts.classify(refusal).retry_after_s <= 4


def test_no_credits_left_is_a_long_pause_at_once():
    refusal = answer(429, {"code": "TOO_MANY_REQUESTS"}, {"X-API-CREDITS-REMAINING": "0"})
    assert codes.Verdicts().classify(refusal).retry_after_s >= 1800


@pytest.mark.parametrize("code", ["OAUTH_SCOPE_MISMATCH", "AUTHORIZATION_FAILED", "INVALID_MODULE", "NO_PERMISSION"])
def test_what_stops_a_connection_stops_it_bare_or_in_a_row(code):
    bare = {"code": code, "message": "no", "status": "error", "details": {}}
    for data in (bare, {"data": [bare]}):
        assert isinstance(codes.Verdicts().classify(answer(400, data)), ConnectionBroken)


def test_a_refusal_names_the_field_and_what_it_should_have_been():
    details = {"api_name": "Number_1", "json_path": "$.data[0].Number_1", "expected_data_type": "integer"}
    error = codes.judged({"code": "INVALID_DATA", "details": details, "message": "invalid data"}, 400)
    assert (error.field, error.code) == ("Number_1", "invalid_data")
    assert "integer" in str(error)
    several = {
        "code": "MULTIPLE_OR_MULTI_ERRORS",
        "details": {"errors": [{"code": "A", "message": "x"}, {"code": "B"}]},
    }
    assert "A: x" in str(codes.judged(several, 400))
    assert "B" in str(codes.judged(several, 400))


# Notifications


def delivery(secret="geheim", **changes):
    body = {"server_time": 1, "module": "Sales_Orders", "operation": "edit", "channel_id": "1", "ids": ["17"]}
    return json.dumps(body | {"token": token_of(secret)} | changes).encode()


def test_a_delivery_is_a_hint_for_each_of_its_records_and_keeps_no_token():
    delivered = connect().verify_webhook(delivery(ids=["17", "18"]), {})
    assert [part.external_id for part in delivered.parts] == ["17", "18"]
    assert [part.content["id"] for part in delivered.parts] == ["17", "18"]
    assert "token" not in repr(delivered)


def test_deliveries_of_other_modules_are_ignored_and_odd_ones_told():
    assert connect().verify_webhook(delivery(module="Leads"), {}).ignored
    for ids in ([], None, ["x"], [17], ["1"] * 2000):
        assert connect().verify_webhook(delivery(ids=ids), {}).problem


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", delivery("another"), delivery(token=None), delivery(token="")])
def test_what_does_not_bear_our_text_is_refused(body):
    with pytest.raises(SignatureInvalid):
        connect().verify_webhook(body, {})


def test_the_text_of_a_channel_is_short_enough_and_is_not_the_secret():
    assert len(token_of("x" * 300)) <= 50
    assert "geheim" not in token_of("geheim")


@pytest.mark.loopback
def test_a_channel_is_renewed_from_half_of_its_life_on_and_made_anew_when_it_has_ended():
    with served() as (server, app):
        crm, clock = connect(server.url), [dt.datetime.now(dt.UTC)]
        channel = Channel(crm._client, "Sales_Orders", ("geheim",), lambda: clock[0])
        assert {what for _subscription, what in channel.ensure(HOOKS)} == {"created"}
        first = channel.ends_at(HOOKS)
        for hours, renewed in ((2, False), (13, True)):
            clock[0] += dt.timedelta(hours=hours)
            app.organisation.clock_offset_s += hours * 3600
            channel.ensure(HOOKS)
            assert (channel.ends_at(HOOKS) > first) == renewed
        clock[0] += dt.timedelta(hours=30)
        app.organisation.clock_offset_s += 30 * 3600
        assert {each.external_id for each in channel.listed(HOOKS)} == {""}
        assert {what for _subscription, what in channel.ensure(HOOKS)} == {"created"}
        assert len(app.organisation.channels) == 1


@pytest.mark.loopback
def test_the_end_that_zoho_gives_counts_and_not_the_one_that_we_asked_for():
    with served(channel_s=3600) as (server, _app):
        crm = connect(server.url)
        crm.ensure_subscriptions(HOOKS)
        ends = crm._channel.ends_at(HOOKS)
        assert ends - dt.datetime.now(dt.UTC) <= dt.timedelta(hours=1)
        levels = {each.check: each for each in crm.diagnose(Circumstances(delivery_url=HOOKS))}
        assert f"{ends:%H:%M}" in levels["zoho_crm.webhooks"].found


@pytest.mark.loopback
def test_an_address_that_zoho_does_not_take_is_refused_though_the_status_says_accepted():
    with served() as (server, _app), pytest.raises(RecordRejected, match="notify_url"):
        connect(server.url).ensure_subscriptions("ftp://x.example")


@pytest.mark.loopback
def test_the_doctor_names_the_scope_that_is_missing_and_a_channel_that_is_not_there():
    with served(scopes=("ZohoCRM.modules.ALL", "ZohoCRM.org.READ", "ZohoCRM.notifications.ALL")) as (server, app):
        app.organisation.sell()
        found = {each.check: each for each in connect(server.url).diagnose(Circumstances(delivery_url=HOOKS))}
        assert found["zoho_crm.read"].level is Level.FAIL
        assert "scopes" in found["zoho_crm.read"].next_step
        assert found["zoho_crm.webhooks"].level is Level.WARN


@pytest.mark.loopback
def test_the_doctor_warns_of_credits_that_run_out():
    with served(credits=900) as (server, app):
        app._spent = 500
        found = {each.check: each for each in connect(server.url).diagnose(Circumstances())}
        assert found["zoho_crm.credits"].level is Level.WARN
