"""What gateways kept, booked in an ERP that answers: each once, whatever happens, and never a part of a payment."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from config.model import Depth
from connectors.sandbox.erp.audit_facets import check_facets
from sync.desk.forecast import forecast
from sync.desk.passport import load_passport
from sync.desk.proof import proof_to_json, prove_channel
from sync.desk.steering import approve_order, retry_orders
from sync.flows.pull import pull
from sync.store.audit import Actor
from sync.store.orders import load_order
from sync.store.tables import intents
from sync.work.rehearse import dry_run
from sync.work.witness import Witness
from tests.sync.flows.shop import PLACED
from tests.sync.flows.test_restored import copy_of, restored
from tests.sync.flows.test_split import divided
from tests.sync.flows.trade import CHANNEL, POT, TEA, trading

pytestmark = pytest.mark.loopback

ANNA = Actor("anna", "test")
CLOSED = '{"code": "period", "message": "the books of that day are closed", "field": "booked_on"}'


@pytest.fixture
def trade(sqlite_store, tmp_path):
    with trading(sqlite_store, fees=Depth.POSTED, ledger=tmp_path / "erp.ledger") as made:
        yield made


def stripe(fee: str, currency: str = "EUR") -> list[dict[str, str]]:
    """As Stripe's plugin writes it when the charge is settled."""
    return [{"key": "_stripe_fee", "value": fee}, {"key": "_stripe_currency", "value": currency}]


def settle(trade: Any, number: str, fee: str, currency: str = "EUR") -> None:
    """The gateway's plugin writes its fee, or another one than before."""
    kept = {entry["key"]: entry["id"] for entry in trade.order(number)["meta_data"]}
    meta = [entry | ({"id": kept[entry["key"]]} if entry["key"] in kept else {}) for entry in stripe(fee, currency)]
    trade.in_shop("PUT", f"orders/{number}", {"meta_data": meta})


def reference(number: str) -> str:
    return f"{CHANNEL}:{number}:pay:ch_1:fee"


def booked(trade: Any, number: str) -> list[tuple[str, str]]:
    found = trade.systems.connector("erp").find_fees([reference(number)]).get(reference(number), [])
    return [(document.state, str(document.total)) for document in found]


def approve(trade: Any, number: str) -> None:
    order = trade.store.read(lambda c: load_order(c, CHANNEL, number, "erp"))
    approve_order(trade.store, order, actor=ANNA, reason="booked by hand")


def shown(trade: Any, number: str) -> Any:
    """What the order's page has."""
    order = trade.store.read(lambda c: load_order(c, CHANNEL, number, "erp"))
    return load_passport(trade.store, trade.config, order).facets


def carry_on(trade: Any, number: str, times: int = 2) -> None:
    for _ in range(times):
        trade.mark_again(number)
        trade.carry()


def test_a_fee_that_comes_days_later_is_booked_once_and_the_payment_stays_what_was_paid(sqlite_store, tmp_path):
    everything = {"fees": Depth.POSTED, "payments": Depth.POSTED, "post_invoices": True}
    with trading(sqlite_store, ledger=tmp_path / "erp.ledger", **everything) as trade:
        number = trade.buy((TEA, 1))
        trade.carry()
        trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {})
        for _ in range(3):
            trade.carry()
        assert booked(trade, number) == []
        settle(trade, number, "0.68")
        carry_on(trade, number)
        total = Decimal(trade.order(number)["total"])
        paid, kept = {reference(number).removesuffix(":fee"): total}, {reference(number): Decimal("0.68")}
        assert check_facets(tmp_path / "erp.ledger", refunds={}, payments=paid, fees=kept) == []
        [payment] = trade.sale(number)["payments"]
        assert Decimal(payment["amount"]) == total
        of_shop, of_erp = trade.documents("fee")
        assert (of_erp.key, of_erp.state, of_erp.made_from) == (reference(number), "posted", of_shop.id)
        assert (trade.item(number).state, trade.open_intents()) == ("done", [])
        proof = prove_channel(trade.store, trade.systems.channel(CHANNEL))
        assert proof.holds
        [group] = proof_to_json(proof)
        assert group["fees"] == {side: {"count": 1, "total": "0.68"} for side in ("shop", "booked")}
        [pair] = shown(trade, number).fees
        assert (str(pair.shop.amount), pair.erp.state, pair.ties) == ("0.68", "posted", True)


def test_a_fee_needs_neither_an_invoice_nor_registered_payments_and_is_booked_with_the_sale(trade):
    number = trade.buy((TEA, 1), meta_data=stripe("0.68"))
    trade.carry()
    assert (booked(trade, number), trade.sale(number)["payments"]) == ([("posted", "0.68")], [])
    before = len(trade.rows(select(intents)))
    carry_on(trade, number)
    assert len(trade.rows(select(intents))) == before, "nothing is tried again"


def test_a_silent_channel_books_no_fee(sqlite_store):
    with trading(sqlite_store) as trade:
        number = trade.buy((TEA, 1), meta_data=stripe("0.68"))
        trade.carry()
        carry_on(trade, number, 1)
        assert (booked(trade, number), trade.item(number).state) == ([], "done")
        [pair] = shown(trade, number).fees
        assert (str(pair.shop.amount), pair.erp) == ("0.68", None)
        [group] = proof_to_json(prove_channel(trade.store, trade.systems.channel(CHANNEL)))
        assert group["fees"] is None


def test_a_draft_is_left_for_people_and_made_once(sqlite_store):
    with trading(sqlite_store, fees=Depth.DRAFT) as trade:
        number = trade.buy((TEA, 1), meta_data=stripe("0.68"))
        trade.carry()
        carry_on(trade, number)
        assert booked(trade, number) == [("draft", "0.68")]
        [draft] = [row for row in trade.documents("fee") if row.connection == "erp"]
        assert draft.state == "draft"
        trade.in_erp("POST", f"fees/{draft.external_id}/post")
        carry_on(trade, number)
        [posted] = [row for row in trade.documents("fee") if row.connection == "erp"]
        assert (posted.external_id, posted.state) == (draft.external_id, "posted")
        assert booked(trade, number) == [("posted", "0.68")]


@pytest.mark.fault("B1")
@pytest.mark.parametrize("path", ["/api/fees", "/api/fees/*/post"])
@pytest.mark.parametrize("kind", ["commit_then_drop", "reset"])
def test_a_lost_answer_to_the_booking_or_the_posting_ends_with_one_posted_fee(trade, path, kind):
    number = trade.buy((TEA, 1), meta_data=stripe("0.68"))
    trade.erp.plan.add(kind=kind, method="POST", path=path)
    trade.carry()
    assert "fee" in [row.kind for row in trade.open_intents()]
    trade.time_passes(300)
    carry_on(trade, number)
    assert booked(trade, number) == [("posted", "0.68")]
    assert (trade.item(number).state, trade.open_intents()) == ("done", [])


def test_a_fee_whose_answer_was_lost_is_looked_up_though_the_order_was_cancelled_meanwhile(trade):
    number = trade.buy((TEA, 1), meta_data=stripe("0.68"))
    trade.erp.plan.add(kind="commit_then_drop", method="POST", path="/api/fees")
    trade.carry()
    trade.in_shop("PUT", f"orders/{number}", {"status": "cancelled"})
    trade.time_passes(300)
    carry_on(trade, number)
    assert (trade.item(number).state, trade.open_intents()) == ("skipped", [])
    assert [row.state for row in trade.documents("fee") if row.connection == "erp"] == ["draft"]
    assert booked(trade, number) == [("draft", "0.68")], "for a withdrawn order nothing is written"


def test_what_the_erp_refuses_waits_for_a_person_and_is_left_out_with_their_word(trade):
    number = trade.buy((TEA, 1), meta_data=stripe("0.68"))
    trade.erp.plan.add(kind="status", status=422, body=CLOSED, method="POST", path="/api/fees", count=None)
    trade.carry()
    assert trade.causes() == {"fee_not_booked": 1}
    assert "the books of that day are closed" in str(trade.item(number).reason)
    assert trade.sale(number)["state"] == "confirmed", "the sale stands"
    approve(trade, number)
    trade.carry()
    assert (trade.causes(), trade.item(number).state, booked(trade, number)) == ({}, "done", [])


def test_what_the_erp_refused_is_booked_when_it_takes_it(trade):
    number = trade.buy((TEA, 1), meta_data=stripe("0.68"))
    trade.erp.plan.add(kind="status", status=422, body=CLOSED, method="POST", path="/api/fees")
    trade.carry()
    assert trade.item(number).state == "held"
    retry_orders(trade.store, cause="fee_not_booked", actor=ANNA)
    trade.carry()
    assert (trade.causes(), booked(trade, number)) == ({}, [("posted", "0.68")])


def test_a_fee_that_the_shop_changes_or_takes_back_stays_as_it_is_booked_and_the_order_says_so(trade):
    number = trade.buy((TEA, 1), meta_data=stripe("0.68"))
    trade.carry()
    settle(trade, number, "0.93")
    carry_on(trade, number)
    told = str(trade.item(number).reason)
    assert "0.68 EUR is booked" in told
    assert "0.93 EUR by now" in told
    [pair] = shown(trade, number).fees
    assert (str(pair.shop.amount), str(pair.erp.amount), pair.ties) == ("0.93", "0.68", False)
    settle(trade, number, "")
    carry_on(trade, number)
    assert "does not name it any more" in str(trade.item(number).reason)
    assert (trade.item(number).state, booked(trade, number)) == ("done", [("posted", "0.68")])


def test_a_fee_in_another_currency_is_told_and_never_guessed(trade):
    number = trade.buy((TEA, 1), meta_data=stripe("0.74", "USD"))
    trade.carry()
    assert (trade.item(number).state, booked(trade, number)) == ("done", [])
    assert "'0.74' USD" in str(trade.item(number).reason)
    assert (shown(trade, number).fees, shown(trade, number).unread_fees) == ((), (("_stripe_fee", "'0.74' USD"),))


def test_a_transaction_that_the_shop_learns_later_books_no_second_fee(trade, tmp_path):
    number = trade.buy((TEA, 1), meta_data=stripe("0.68"), transaction_id="")
    trade.carry()
    trade.in_shop("PUT", f"orders/{number}", {"transaction_id": "ch_1"})
    carry_on(trade, number)
    first = f"{CHANNEL}:{number}:pay:#1:fee"
    assert check_facets(tmp_path / "erp.ledger", refunds={}, payments={}, fees={first: Decimal("0.68")}) == []
    assert not trade.item(number).reason or "fee" not in str(trade.item(number).reason)


def test_an_order_that_is_divided_has_its_fee_once(sqlite_store, tmp_path):
    with divided(sqlite_store, ledger=tmp_path / "erp.ledger", fees=Depth.POSTED) as trade:
        number = trade.buy((TEA, 2), (POT, 1), meta_data=stripe("0.68"))
        trade.carry()
        carry_on(trade, number)
        kept = {reference(number): Decimal("0.68")}
        assert check_facets(tmp_path / "erp.ledger", refunds={}, payments={}, fees=kept) == []
        assert len(trade.orders()) == 1


def test_a_fee_that_the_database_has_forgotten_is_found_again(sqlite_store, tmp_path):
    with trading(sqlite_store, fees=Depth.POSTED) as trade:
        trade.witness = Witness(tmp_path / "witness")
        number = trade.buy((TEA, 1))
        trade.carry()
        copy = copy_of(sqlite_store, tmp_path / "copy.db")
        settle(trade, number, "0.68")
        trade.carry()
        assert booked(trade, number) == [("posted", "0.68")]
        restored(trade, copy)
        assert booked(trade, number) == [("posted", "0.68")]


def test_a_dry_run_shows_the_booking_and_sends_nothing(trade):
    number = trade.buy((TEA, 1))
    trade.carry()
    settle(trade, number, "0.68")
    pull(trade.store, trade.systems.connector("shop"), "shop", [CHANNEL], since=PLACED.replace(year=2020))
    order = trade.store.read(lambda c: load_order(c, CHANNEL, number, "erp"))
    report = dry_run(trade.store, trade.systems, order)
    assert [(call.method, call.url.rpartition("/")[2]) for call in report.calls] == [("POST", "fees")]
    assert booked(trade, number) == []


@pytest.mark.parametrize("after", [{"fees": Depth.POSTED}, {"payments": Depth.POSTED}])
def test_a_gateway_without_a_method_in_the_erp_is_told_before_it_stops_an_order(sqlite_store, after):
    with trading(sqlite_store, **after) as trade:
        trade.buy((TEA, 1), meta_data=stripe("0.68"), payment_method="klarna")
        pull(trade.store, trade.systems.connector("shop"), "shop", [CHANNEL], since=PLACED.replace(year=2020))
        found = forecast(trade.store, trade.systems.channel(CHANNEL), days=36_500)
        assert ("payment_method", "klarna") in {(gap.table, gap.value) for gap in found.gaps}
