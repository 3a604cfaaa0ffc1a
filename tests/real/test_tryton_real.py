"""Against a real Tryton: its totals are what the mapping predicted, and what is promised of its connector holds."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import datetime as dt
import random
from decimal import Decimal

import pytest

from connectors.kit.base import Rank
from connectors.kit.errors import AlreadyExists, ConnectionBroken, RecordRejected
from connectors.kit.exchanges import capture
from mappings.base import SourceOptions
from mappings.canonical.errors import Problems
from mappings.canonical.records import Order
from mappings.canonical.refs import Ref
from mappings.pricing import SaleLine
from mappings.profiles import profiled_target, read_profile
from mappings.registry import SOURCES
from mappings.tryton import wire
from mappings.tryton.arithmetic import predict
from sync.rules.profile_lines import naming_rule
from tests.contract.recorded_orders import recorded_orders, refusals
from tests.mappings.orders import ADDRESS, line, make_order
from tests.mappings.tryton_cases import CASES
from tests.real.tryton_world import MAPPING, OPTIONS, connect, furnish, new_web_shop, resolved_with_parties

#: Two articles that the sandbox catalogue has, without shipping: 29.75 EUR.
CATALOGUE_ORDER = {
    "lines": (line("TASSE-ROT", "2", "20.00", "3.80"), line("SIEB-ST", "1", "5.00", "0.95")),
    "shipping_lines": (),
    "grand": "29.75",
}

pytestmark = [pytest.mark.loopback, pytest.mark.slow, pytest.mark.heavy, pytest.mark.timeout(900)]


def recorded_and_golden() -> list[Order]:
    """Each as an order of its own: the same order was recorded several times, at different moments."""
    orders = [
        SOURCES["woocommerce"].order(each.body, SourceOptions())
        for each in recorded_orders()
        if each.where not in refusals()
    ]
    orders.extend(make() for make in CASES.values())
    return [dataclasses.replace(order, external_id=f"{number}") for number, order in enumerate(orders)]


def sale_payloads(target, orders):
    answers = resolved_with_parties(target, orders)
    return [MAPPING.sale(order, known, OPTIONS) for order, known in zip(orders, answers, strict=True)]


def test_every_recorded_and_golden_order_comes_to_the_shops_total_in_tryton(erp):
    orders = recorded_and_golden()
    furnish(erp.admin(), erp.company, orders)
    target = connect(erp, web_shop=new_web_shop(erp))

    results = target.create_sales(sale_payloads(target, orders))
    quoted = target.advance_sales([result.document for result in results], Rank.QUOTED)

    assert [result.error for result in quoted if result.error] == []
    assert len(quoted) >= 105 + len(CASES)
    shown = {result.document.key: result.document.total for result in quoted}
    assert shown == {order.external_id: OPTIONS.rounded(order.totals.grand) for order in orders}


def test_what_tryton_computes_is_predicted_for_lines_of_every_kind(erp):
    """Several taxes a line, taxes on taxes, fixed ones, negative and fractional amounts, both ways of rounding."""
    admin, dice = erp.admin(), random.Random(20261122)
    target = connect(erp, web_shop=new_web_shop(erp))
    base = sale_payloads(target, [make_order(**CATALOGUE_ORDER)])[0]
    with _odd_taxes(admin, erp) as taxes:
        for mode in ("document", "line"):
            admin.call("model.account.configuration.write", [1], {"tax_rounding": mode})
            try:
                _compare_with_prediction(target, base, taxes, dice, mode)
            finally:
                admin.call("model.account.configuration.write", [1], {"tax_rounding": "document"})


def _compare_with_prediction(target, base, taxes, dice, mode):
    template = base["lines"][0][1][0]
    sales = [[_random_line(dice, taxes) for _ in range(dice.randint(1, 12))] for _ in range(40)]
    payloads = [
        {
            **base,
            "web_id": f"{mode}-{number}",
            "lines": wire.create(
                [
                    {
                        **template,
                        "quantity": wire.quantity(each.quantity),
                        "unit_price": wire.decimal(each.price),
                        "taxes": wire.link([tax["id"] for tax in each.taxes]),
                    }
                    for each in lines
                ]
            ),
        }
        for number, lines in enumerate(sales)
    ]
    documents = [result.document for result in target.create_sales(payloads)]
    predicted = [predict(lines, Decimal("0.01"), mode) for lines in sales]
    shown = [(document.payload["untaxed_amount"], document.tax) for document in documents]
    assert shown == [(amounts.untaxed, amounts.tax) for amounts in predicted]


def _random_line(dice, taxes):
    price = Decimal(dice.randint(-20_000, 900_000)).scaleb(-4)
    chosen = tuple(dice.sample(taxes, dice.choice((0, 1, 1, 2, 3))))
    return SaleLine(Decimal(dice.randint(-5, 120)), price, chosen)


@contextlib.contextmanager
def _odd_taxes(admin, erp):
    """Taxes as the connector resolves them: a plain one, one that raises the price for a later one, a fixed one."""
    account = admin.read("account.tax", [], ["invoice_account"])[0]["invoice_account"]
    common = {"company": erp.company, "invoice_account": account, "credit_note_account": account}
    made = [
        {"name": "Odd 19.6%", "type": "percentage", "rate": Decimal("0.196")},
        {"name": "Odd 5.5%", "type": "percentage", "rate": Decimal("0.055"), "sequence": 1, "update_unit_price": True},
        {"name": "Odd 9.975%", "type": "percentage", "rate": Decimal("0.09975"), "sequence": 2},
        {"name": "Odd 0.13", "type": "fixed", "amount": Decimal("0.13"), "sequence": 2},
    ]
    ids = admin.create("account.tax", *({**common, "description": each["name"], **each} for each in made))
    try:
        yield list(connect(erp).resolve([Ref("tax", each["name"]) for each in made]).values())
    finally:
        # The other tests' orders are not to find them by their rates.
        admin.call("model.account.tax.write", ids, {"active": False})


# Keys, batches, states


@pytest.fixture
def target(erp):
    return connect(erp, web_shop=new_web_shop(erp))


def orders_of(count, **changes):
    return [make_order(**CATALOGUE_ORDER, external_id=f"o{number}", **changes) for number in range(count)]


def documents_of(results):
    assert [result.error for result in results if result.error] == []
    return [result.document for result in results]


def test_a_known_customer_and_known_products_cost_at_most_five_calls(erp, measured):
    """Whatever the number of lines; asked anew here, so that nothing is in the connector's memory of both."""
    skus = [sku for sku in erp.products if sku.startswith(("TEE-0", "ZUB-"))][:40]
    lines = tuple(line(sku, "2", "2.00", "0.38") for sku in skus)
    order = make_order(lines=lines, shipping_lines=(), grand=str(len(lines) * Decimal("2.38")))
    target = connect(erp, web_shop=new_web_shop(erp))
    sale_payloads(target, [order])
    target._parties.forget()
    target._products.forget()

    with capture() as exchanges:
        [payload] = sale_payloads(target, [order])
        [document] = documents_of(target.create_sales([payload]))
        [document] = documents_of(target.advance_sales([document], Rank.CONFIRMED))

    measured(f"{len(exchanges)} calls for one order of {len(lines)} lines")
    assert document.total == OPTIONS.rounded(order.totals.grand)
    assert len(exchanges) <= 5


@pytest.mark.parametrize(("size", "new_products"), [(10, False), (25, True)])
def test_a_backlog_costs_at_most_half_a_call_an_order(target, measured, size, new_products):
    orders = orders_of(size)
    resolved_with_parties(target, orders[:1])
    documents_of(
        target.advance_sales(documents_of(target.create_sales(sale_payloads(target, orders_of(2)))), Rank.QUOTED)
    )
    if new_products:
        target._products.forget()
        target._parties.forget()
    batch = [dataclasses.replace(order, external_id=f"b{order.external_id}") for order in orders]

    with capture() as exchanges:
        documents = documents_of(target.create_sales(sale_payloads(target, batch)))
        documents = documents_of(target.advance_sales(documents, Rank.CONFIRMED))

    measured(f"{len(exchanges) / size} calls an order in a batch of {size}")
    assert {document.rank for document in documents} == {Rank.CONFIRMED}
    assert len(exchanges) <= size / 2


def test_without_a_login_sales_are_confirmed_one_by_one(erp):
    target = connect(erp, login=False, web_shop=new_web_shop(erp))
    documents = documents_of(target.create_sales(sale_payloads(target, orders_of(2))))
    confirmed = documents_of(target.advance_sales(documents, Rank.CONFIRMED))
    assert [document.rank for document in confirmed] == [Rank.CONFIRMED] * 2


def test_a_refused_batch_leaves_the_known_ones_alone_and_makes_the_rest(target):
    first, second, third = sale_payloads(target, orders_of(3))
    [existing] = documents_of(target.create_sales([second]))
    broken = {**third, "web_id": "broken", "lines": wire.create([{**third["lines"][0][1][0], "product": 999_999}])}

    results = target.create_sales([first, second, broken, third])

    assert [type(result.error) for result in results] == [type(None), AlreadyExists, RecordRejected, type(None)]
    found = target.find_sales(["o0", "o1", "broken", "o2"])
    assert {key: len(documents) for key, documents in found.items()} == {"o0": 1, "o1": 1, "o2": 1}
    assert found["o1"][0].external_id == existing.external_id


def with_field(name: str):
    """A profile that writes one more field of `sale.sale`, on line 6."""
    rule = f"- {{to: {name}, copy: order.number}}"
    return read_profile(f"profile: own\nextends: woocommerce\nerp:\n  tryton:\n    order:\n      {rule}\n", "own.yaml")


def test_a_profile_writes_a_field_that_the_erp_has_and_is_named_for_one_that_it_does_not_have(erp, target):
    known, unknown = orders_of(2)
    [answers, others] = resolved_with_parties(target, [known, unknown])
    profiles = with_field("description"), with_field("x_depot")
    first, second = (profiled_target(MAPPING, profile, "tryton") for profile in profiles)

    results = target.create_sales([first.sale(known, answers, OPTIONS), second.sale(unknown, others, OPTIONS)])

    number = int(documents_of(results[:1])[0].external_id)
    [row] = erp.admin().read("sale.sale", [["id", "=", number]], ["description"])
    assert row["description"] == known.number
    assert type(results[1].error) is RecordRejected
    assert (results[1].error.code, results[1].error.field) == ("unknown_name", "x_depot")
    assert "the rule at own.yaml:6:9" in str(naming_rule(results[1].error, profiles[1], "tryton"))


def test_one_sale_that_cannot_be_quoted_does_not_hold_up_the_others(erp, target):
    documents = documents_of(target.create_sales(sale_payloads(target, orders_of(3))))
    number = int(documents[1].external_id)
    erp.admin().call("model.sale.sale.write", [number], {"invoice_address": None})

    results = target.advance_sales(documents, Rank.CONFIRMED)

    assert [type(result.error) for result in results] == [type(None), RecordRejected, type(None)]
    assert "draft" in str(results[1].error)


def test_a_sale_that_was_confirmed_meanwhile_is_not_confirmed_again(erp, target):
    documents = documents_of(target.create_sales(sale_payloads(target, orders_of(2))))
    first = documents_of(target.advance_sales(documents, Rank.CONFIRMED))
    again = documents_of(target.advance_sales(documents, Rank.CONFIRMED))

    assert [document.number for document in again] == [document.number for document in first]
    ids = [int(document.external_id) for document in documents]
    assert [len(row["invoices"]) for row in erp.admin().read("sale.sale", [["id", "in", ids]], ["invoices"])] == [1, 1]


def test_an_expired_session_is_renewed(target):
    documents = documents_of(target.create_sales(sale_payloads(target, orders_of(4))))
    documents_of(target.advance_sales(documents[:2], Rank.QUOTED))
    # What an idle session of five minutes is to the server: a token that it does not know.
    target._client._rpc._auth._value = "Session " + base64.b64encode(b"integration:2:0000").decode()
    documents_of(target.advance_sales(documents[2:], Rank.QUOTED))


def test_the_list_has_cancelled_and_foreign_sales_and_drafts_without_a_date(erp, target):
    first, second = documents_of(target.create_sales(sale_payloads(target, orders_of(2))))
    admin = erp.admin()
    admin.call("model.sale.sale.cancel", [int(second.external_id)])
    shop = target._masters.web_shop()["id"]
    (foreign,) = admin.create(
        "sale.sale",
        {"party": first.payload["party"], "company": erp.company, "currency": 1, "web_shop": shop, "web_id": "by-hand"},
    )
    day = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
    listed = {each.key: each for each in target.list_sales(day, day + dt.timedelta(days=1))}
    assert listed.keys() == {"o0", "o1"}
    assert (listed["o1"].state, listed["o1"].rank) == ("cancelled", Rank.CANCELLED)
    now = dt.datetime.now(dt.UTC)
    undated = list(target.list_sales(now - dt.timedelta(days=1), now + dt.timedelta(days=1)))
    assert str(foreign) in {each.external_id for each in undated}


def test_a_cancelled_sale_keeps_its_key_and_is_taken_up_as_a_draft(erp, target):
    payloads = sale_payloads(target, orders_of(1))
    [made] = documents_of(target.create_sales(payloads))
    erp.admin().call("model.sale.sale.cancel", [int(made.external_id)])
    [refused] = target.create_sales(payloads)
    assert isinstance(refused.error, AlreadyExists)
    erp.admin().call("model.sale.sale.draft", [int(made.external_id)])
    [standing] = target.find_sales([made.key])[made.key]
    [confirmed] = documents_of(target.advance_sales([standing], Rank.CONFIRMED))
    assert (confirmed.external_id, confirmed.rank) == (made.external_id, Rank.CONFIRMED)


# Parties


def party_of(erp, target, order):
    [known] = resolved_with_parties(target, [order])
    return next(value for ref, value in known.items() if ref.kind == "party")


def customer_order(email, **changes):
    return make_order(**CATALOGUE_ORDER, customer=dataclasses.replace(make_order().customer, email=email, **changes))


def test_an_equal_address_is_used_again_and_another_one_is_added(erp, target):
    first = customer_order("reuse@example.com")
    moved = dataclasses.replace(first, shipping=dataclasses.replace(ADDRESS, street="Neue Straße 1\n", company="ACME"))
    before = party_of(erp, target, first)
    same = party_of(erp, target, dataclasses.replace(first, billing=dataclasses.replace(ADDRESS, city=" berlin ")))
    after = party_of(erp, target, moved)
    assert same["addresses"] == before["addresses"]
    assert len(before["addresses"]) == 1
    assert len(after["addresses"]) == 2
    assert before["addresses"][0] in after["addresses"]


def test_a_number_that_is_no_vat_id_does_not_cost_the_order(erp, target):
    order = customer_order("b2b@example.com", company="ACME GmbH", vat_id="DE 123 456 789")
    party = party_of(erp, target, order)
    assert (party["name"], party["vat_ids"]) == ("ACME GmbH", ["DE123456789"])


def test_the_ladder_is_code_then_vat_id_then_email(erp, target):
    admin = erp.admin()
    identifiers = [["create", [{"code": "DE811569869", "type": "eu_vat"}]]]
    mail = [["create", [{"type": "email", "value": "ladder@example.com"}]]]
    by_vat, by_email = admin.create(
        "party.party", {"name": "By VAT", "identifiers": identifiers}, {"name": "By mail", "contact_mechanisms": mail}
    )
    assert party_of(erp, target, customer_order("ladder@example.com", vat_id="de811569869"))["id"] == by_vat
    assert party_of(erp, target, customer_order("Ladder@Example.com"))["id"] == by_email


def test_an_email_of_two_parties_is_nobodys(erp, target):
    mail = [["create", [{"type": "email", "value": "twice@example.com"}]]]
    erp.admin().create(
        "party.party", {"name": "A", "contact_mechanisms": mail}, {"name": "B", "contact_mechanisms": mail}
    )
    order = customer_order("twice@example.com")
    with pytest.raises(Problems, match=r"A .*B "):
        MAPPING.party(order, target.resolve(MAPPING.references(order, OPTIONS)), OPTIONS)


def test_a_code_that_is_taken_already_exists(target):
    order = customer_order("taken@example.com")
    refs = MAPPING.references(order, OPTIONS)
    payload = MAPPING.party(order, target.resolve(refs), OPTIONS)
    target.save_party(payload)
    with pytest.raises(AlreadyExists):
        target.save_party(payload)


# Set-up that is wrong


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"key": "wrong"}, "401"),
        ({"options": {"database": "nowhere"}}, "option `database`"),
        ({"options": {"web_shop": "No such shop"}}, "option `web_shop` must name one"),
        ({"options": {"company": "No such company"}}, "option `company` must name one"),
    ],
)
def test_a_wrong_setting_breaks_the_connection_in_plain_words(erp, settings, told):
    with pytest.raises(ConnectionBroken, match=told):
        connect(erp, **settings).find_sales(["x"])


def test_a_user_without_rights_breaks_the_connection(erp):
    with pytest.raises(ConnectionBroken):
        connect(erp, key=erp.poor_rest_key).find_sales(["x"])


def test_a_wrong_password_breaks_the_connection(erp, target):
    wrong = connect(erp, web_shop=target._masters.web_shop()["name"], password="wrong")
    documents = documents_of(wrong.create_sales(sale_payloads(wrong, orders_of(2))))
    results = wrong.advance_sales(documents, Rank.QUOTED)
    assert [type(result.error) for result in results] == [ConnectionBroken] * 2
