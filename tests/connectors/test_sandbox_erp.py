"""What is particular to the sandbox ERP's connector: calls and their number, caching, options, classification."""

from __future__ import annotations

import dataclasses
import threading
from decimal import Decimal

import pytest

from connectors.kit.base import ConnectorSettings, Rank
from connectors.kit.errors import AlreadyExists, ConnectionBroken, RecordRejected, Transient
from connectors.kit.exchanges import capture
from connectors.kit.http import DryRun
from connectors.sandbox_erp import SandboxErp
from mappings.canonical.refs import Ref
from sync.contract import PLACED_AT
from tests.contract.target_fakes import SandboxErpFake, sandbox_erp

pytestmark = pytest.mark.loopback


@pytest.fixture
def fake():
    with sandbox_erp(enforce_key=True) as running:
        yield running


def calls_made(fake: SandboxErpFake):
    """Method and path of every request since the last time that this was asked."""
    seen = [(entry["method"], entry["target"].split("?")[0]) for entry in fake.erp.server._requests]
    fake.erp.server._requests.clear()
    return seen


def settings(**options):
    return ConnectorSettings(name="erp", url="http://127.0.0.1:9", key="secret", options=options)


# How many calls


def test_an_order_of_a_known_customer_costs_three_calls(fake):
    target = fake.connect()
    calls_made(fake)
    [created] = target.create_sales([fake.sale("k1")])
    target.advance_sales([created.document], Rank.CONFIRMED)
    assert calls_made(fake) == [("POST", "/api/sales"), ("POST", "/api/sales/advance"), ("GET", "/api/sales")]


def test_bulk_costs_three_calls_for_fifty(fake):
    target = fake.connect(bulk=50)
    calls_made(fake)
    results = target.create_sales([fake.sale(f"k{number}") for number in range(50)])
    target.advance_sales([result.document for result in results], Rank.CONFIRMED)
    assert len(calls_made(fake)) == 3


def test_more_than_one_bulk_is_cut_into_calls(fake):
    target = fake.connect(bulk=20)
    calls_made(fake)
    assert len(target.create_sales([fake.sale(f"k{number}") for number in range(45)])) == 45
    assert len(calls_made(fake)) == 3


def test_nothing_to_advance_costs_nothing(fake):
    target = fake.connect()
    [created] = target.create_sales([fake.sale("k1")])
    calls_made(fake)
    assert target.advance_sales([created.document], Rank.DRAFT)[0].document == created.document
    assert calls_made(fake) == []


def test_a_call_that_is_refused_as_a_whole_is_sent_singly(fake):
    target = fake.connect(bulk=3)
    fake.break_next(
        "create", kind="status", status=413, body='{"code": "too_many", "message": "too much", "field": ""}'
    )
    results = target.create_sales([fake.sale(key) for key in ("k1", "k2", "k3")])
    assert [result.document.key for result in results] == ["k1", "k2", "k3"]


# References


def test_what_is_known_is_asked_for_once_and_what_is_unknown_every_time(fake):
    target = fake.connect()
    refs = [fake.known_product, fake.unknown_product, fake.party]
    target.resolve(refs)
    calls_made(fake)

    target.resolve(refs)
    assert calls_made(fake) == [("GET", "/api/products")]

    fake.erp.books.add_product({"code": fake.unknown_product.value})
    assert target.resolve(refs).keys() == set(refs)


def test_a_resolved_reference_has_an_age(fake):
    target = fake.connect(options={"cache_s": 0})
    target.resolve([fake.known_product])
    calls_made(fake)
    target.resolve([fake.known_product])
    assert calls_made(fake) == [("GET", "/api/products")]


def test_many_references_are_asked_for_in_batches(fake):
    target = fake.connect()
    calls_made(fake)
    target.resolve([Ref("product", f"NO-{number}") for number in range(120)])
    assert calls_made(fake) == [("GET", "/api/products")] * 3


def test_a_refusal_for_something_unknown_forgets_what_was_believed(fake):
    target = fake.connect()
    target.resolve([fake.party, fake.known_product])
    target.create_sales([fake.bad_sale("bad")])
    calls_made(fake)
    target.resolve([fake.party])
    assert calls_made(fake) == [("GET", "/api/parties")]


def test_parties_are_found_by_the_whole_ladder_and_several_of_one_mailbox_are_nobody(fake):
    target = fake.connect()
    ids = [
        target.save_party({"code": code, "name": name, "email": "Office@Example.test", "vat_id": vat_id})["id"]
        for code, name, vat_id in (("", "By hand", "DE 1"), ("", "Again", ""), ("email:x", "Ours", ""))
    ]

    def found(value, **hint):
        ref = Ref("party", value, hint={"code": value, **hint})
        return target.resolve([ref]).get(ref)

    assert found("email:x", email="office@example.test")["id"] == ids[2]
    assert found("vat:DE1", vat_id="de-1")["id"] == ids[0]
    several = found("email:office@example.test", email="office@example.test")
    assert (several["id"], [each["id"] for each in several["candidates"]]) == (None, ids)
    # What a person says counts at once, whatever was believed before.
    assert found("email:x", id=str(ids[1]))["id"] == ids[1]
    assert found("email:office@example.test", apart=True) is None


def test_other_kinds_of_references_are_unknown_here(fake):
    assert fake.connect().resolve([Ref("carrier", "dhl")]) == {}


def test_skus_that_look_like_numbers_or_hold_signs_stay_text(fake):
    refs = [Ref("product", code) for code in ("00123", "1E5", "SET/ÄÖ #1")]
    answers = fake.connect().resolve(refs)
    assert [answers[ref]["code"] for ref in refs] == ["00123", "1E5", "SET/ÄÖ #1"]


def test_a_saved_party_is_known_without_asking(fake):
    target = fake.connect()
    saved = target.save_party({"code": "email:new@example.com", "name": "New", "email": "new@example.com"})
    calls_made(fake)
    ref = Ref("party", "email:new@example.com")
    assert target.resolve([ref]) == {ref: saved}
    assert calls_made(fake) == []


def test_a_party_whose_code_is_taken_exists_already(fake):
    with pytest.raises(AlreadyExists):
        fake.connect().save_party({"code": fake.party.value, "name": "Jane again"})


def test_of_two_parties_with_one_code_the_first_made_counts():
    with sandbox_erp(enforce_key=False) as fake:
        target = fake.connect(options={"cache_s": 0})
        first = target.resolve([fake.party])[fake.party]["id"]
        target.save_party({"code": fake.party.value, "name": "Jane again"})
        assert target.resolve([fake.party])[fake.party]["id"] == first


# Classification


def test_a_refusal_carries_the_vendors_code_field_and_words(fake):
    [result] = fake.connect().create_sales([{**fake.sale("k1"), "currency": "eur"}])
    error = result.error
    assert (type(error), error.code, error.field) == (RecordRejected, "invalid", "currency")
    assert "ISO 4217" in str(error)


def test_a_wrong_address_breaks_the_connection(fake):
    target = fake.connect(url=f"{fake.erp.url}/somewhere")
    with pytest.raises(ConnectionBroken):
        target.find_sales(["k1"])


def test_a_request_that_came_too_late_was_never_carried_out(fake, monkeypatch):
    monkeypatch.setattr("connectors.sandbox_erp.client._sent_now", lambda: {"Sent-At": "1000000"})
    target = fake.connect()
    [result] = target.create_sales([fake.sale("k1")])
    assert (type(result.error), result.error.code) == (Transient, "too_late")
    assert target.find_sales(["k1"]) == {}


def test_a_dry_run_writes_nothing_and_shows_the_call(fake):
    connected = fake.connect()
    target = SandboxErp(
        ConnectorSettings(name="erp", url=fake.erp.url, key=fake.secret, allow_hosts=("127.0.0.1",)), dry_run=True
    )
    with capture() as exchanges:
        [result] = target.create_sales([fake.sale("k1")])
    assert isinstance(result.error, DryRun)
    assert '"external_key":"k1"' in exchanges[0].request_body
    assert connected.find_sales(["k1"]) == {}


# The list


def test_the_list_walks_over_its_pages(fake):
    for number in range(505):
        fake.someone_makes_a_sale(f"k{number}")
    target = fake.connect()
    calls_made(fake)
    listed = list(target.list_sales(PLACED_AT, PLACED_AT.replace(hour=11)))
    assert len({entry.external_id for entry in listed}) == 505
    assert len(calls_made(fake)) == 2


def test_another_shop_has_its_own_list_and_keys(fake):
    fake.connect().create_sales([fake.sale("k1")])
    other = fake.connect(options={"shop": "other"})
    assert other.find_sales(["k1"]) == {}
    assert list(other.list_sales(PLACED_AT, PLACED_AT.replace(hour=11))) == []


# Options


def test_the_defaults_are_a_window_of_single_calls():
    target = SandboxErp(settings())
    assert (target.concurrency, target.bulk, target.write_deadline_s) == (32, 1, 10.0)
    assert target.keys["sale"].enforced
    assert target.keys["sale"].same_call
    assert target.keys["sale"].draft


def test_the_connection_may_say_otherwise():
    values = dataclasses.replace(settings(enforced_key=False, bulk=50, settle_bound_s=3), concurrency=4, deadline_s=2.5)
    target = SandboxErp(values)
    assert (target.concurrency, target.bulk, target.write_deadline_s, target.settle_bound_s) == (4, 50, 2.5, 3)
    assert not target.keys["sale"].enforced


@pytest.mark.parametrize(
    ("name", "value"),
    [("bulk", 0), ("bulk", 51), ("bulk", True), ("enforced_key", "no"), ("shop", ""), ("cache_s", -1), ("shop", [])],
)
def test_an_option_that_cannot_be_used_is_named(name, value):
    with pytest.raises(ConnectionBroken, match=repr(name)):
        SandboxErp(settings(**{name: value}))


def test_the_settle_bound_is_what_the_sandbox_declares_and_a_little_more(fake):
    assert fake.connect().settle_bound_s == fake.erp.options.settle_s + 0.5


def test_a_sandbox_that_cannot_be_asked_promises_nothing(fake):
    target = fake.connect()
    fake.stop()
    assert target.settle_bound_s is None


def test_list_prices_and_tax_rates_are_exact(fake):
    product = fake.connect().resolve([Ref("product", "TEE-ASSAM-100")])[Ref("product", "TEE-ASSAM-100")]
    assert (product["list_price"], [tax["rate"] for tax in product["taxes"]]) == (Decimal("7.00"), [Decimal(7)])


def test_one_connector_serves_many_threads(fake):
    target = fake.connect()
    errors: list[object] = []

    def work(number: int) -> None:
        for turn in range(10):
            [created] = target.create_sales([fake.sale(f"k{number}-{turn}")])
            [confirmed] = target.advance_sales([created.document], Rank.CONFIRMED)
            errors.extend(error for error in (created.error, confirmed.error) if error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    listed = list(target.list_sales(PLACED_AT, PLACED_AT.replace(hour=11)))
    assert [entry.state for entry in listed] == ["confirmed"] * 80


# The way back


@pytest.fixture
def sale(fake):
    """A confirmed sale, with everything that a call needs to know of it."""
    target = fake.connect()
    [created] = target.create_sales([fake.sale("k1")])
    target.advance_sales([created.document], Rank.CONFIRMED)
    return target.survey_sales([created.document.external_id])[created.document.external_id]


def test_a_whole_life_after_the_confirmation_costs_one_call_a_step(fake, sale):
    target = fake.connect()
    invoice, number = str(sale["invoices"][0]["id"]), str(sale["id"])
    lines = [{"product": sale["lines"][0]["product"], "quantity": "-1", "amount": "-10.00", "tax": "-1.90"}]
    refund = {"external_key": "r1", "sale": sale["id"], "sale_date": "2026-11-21", "restock": True, "lines": lines}
    calls_made(fake)

    [page] = target.pull_sales(None)
    target.survey_sales([number])
    target.post_invoice(invoice)
    target.fetch_file("invoice", invoice, max_bytes=10_000)
    target.register_payment({"reference": "p1", "invoice": sale["invoices"][0]["id"], "amount": "23.80"})
    [made] = target.create_refunds([refund])
    target.advance_refunds([made.document], Rank.CONFIRMED)

    assert [envelope.external_id for envelope in page.envelopes] == [number]
    assert calls_made(fake) == [
        ("GET", "/api/sales/changes"),
        ("GET", "/api/sales/survey"),
        ("POST", f"/api/invoices/{invoice}/post"),
        ("GET", f"/api/invoices/{invoice}/file"),
        ("POST", "/api/payments"),
        ("POST", "/api/refunds"),
        ("POST", "/api/refunds/advance"),
        ("GET", "/api/refunds"),
    ]


def test_fifty_sales_are_surveyed_and_fifty_articles_counted_in_one_call(fake):
    target = fake.connect()
    ids = [fake.someone_makes_a_sale(f"k{number}") for number in range(51)]
    calls_made(fake)
    assert len(target.survey_sales(ids)) == 51
    list(target.read_stock(["MAIN"], [f"TEE-{number:05d}" for number in range(50)]))
    assert calls_made(fake) == [("GET", "/api/sales/survey")] * 2 + [("GET", "/api/stock")]


def test_an_erp_that_counts_anew_is_read_from_its_beginning(fake, sale):
    """It was set up anew, or restored from a backup: its numbers are below our checkpoint."""
    target = fake.connect()
    [page] = target.pull_sales("1:999999")
    assert [envelope.external_id for envelope in page.envelopes] == [str(sale["id"])]
    [changes] = target.pull_stock_changes("1:999999")
    assert changes.skus == {fake.known_product.value}


def test_warehouses_and_payment_methods_are_resolved_by_code(fake):
    refs = [Ref("warehouse", "NORTH"), Ref("payment_method", "paypal"), Ref("payment_method", "klarna")]
    answers = fake.connect().resolve(refs)
    assert [answers.get(ref, {}).get("code") for ref in refs] == ["NORTH", "paypal", None]


def test_an_id_that_is_none_is_refused_before_any_call(fake):
    target = fake.connect()
    calls_made(fake)
    for call in (
        lambda: target.post_invoice("../sales"),
        lambda: target.fetch_file("invoice", "1/../2", max_bytes=10),
        lambda: target.change_sale("1?x", {}),
        lambda: target.survey_sales([""]),
    ):
        with pytest.raises(RecordRejected):
            call()
    assert calls_made(fake) == []


def test_nothing_but_invoices_is_printed(fake):
    with pytest.raises(RecordRejected, match="shipment"):
        fake.connect().fetch_file("shipment", "1", max_bytes=10)


def test_references_of_payments_are_enforced_only_where_the_connection_says_so():
    assert not SandboxErp(settings()).keys["payment"].enforced
    assert SandboxErp(settings(enforced_reference=True)).keys["payment"].enforced
    assert SandboxErp(settings(enforced_key=False)).keys["refund"].how_to_enforce


def test_a_dry_run_of_the_way_back_writes_nothing(fake, sale):
    values = ConnectorSettings(name="erp", url=fake.erp.url, key=fake.secret, allow_hosts=("127.0.0.1",))
    target = SandboxErp(values, dry_run=True)
    before = fake.erp.server.ledger.count
    for call in (
        lambda: target.post_invoice("1"),
        lambda: target.cancel_sale(str(sale["id"])),
        lambda: target.register_payment({"reference": "p1", "invoice": 1, "amount": "1.00"}),
    ):
        with pytest.raises(DryRun):
            call()
    assert fake.erp.server.ledger.count == before
