"""The contract of the way back, on a real Tryton behind a server that breaks the exchanges.

Those questions of it alone that the whole life in `test_tryton_life` does not ask; each costs seconds here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from connectors.kit.base import JsonDict
from connectors.kit.errors import OutcomeUnknown
from connectors.sandbox.faults import FaultPlan
from connectors.sandbox.tryton import Erp
from connectors.sandbox.tryton.people import Person
from connectors.sandbox.tryton.proxy import faulty
from mappings.tryton import wire
from sync.contract.documents import DraftsPaymentsContract, PostsInvoicesContract, RefundsSalesContract
from sync.contract.erps import ErpContract
from sync.contract.following import FollowsSalesContract
from tests.real.test_tryton_contract import TrytonBehindFaults
from tests.shared import PATIENCE_S

pytestmark = [pytest.mark.loopback, pytest.mark.slow, pytest.mark.heavy, pytest.mark.timeout(600)]

_RPC = "/erp/rpc/"
_ACTIONS: Mapping[str, dict[str, str]] = {
    "refund": {"method": "POST", "path": "/erp/rest/model/sale.sale"},
    "advance_refund": {"method": "POST", "path": "/erp/rest/model/sale.sale/*/confirm"},
    "pay": {"method": "POST", "path": _RPC, "body_contains": "pay.execute"},
    "post": {"method": "POST", "path": "/erp/rest/model/account.invoice/*/post"},
    "change": {"method": "PUT", "path": "/erp/rest/model/sale.sale/*"},
    "cancel": {"method": "POST", "path": "/erp/rest/model/*/cancel"},
}


class TrytonFacets(TrytonBehindFaults):
    """Satisfies `sync.contract.ErpStandIn`, but for fees."""

    system = "tryton"
    location = "WH1"
    repeats = False

    def __init__(self, erp: Erp, server: Any) -> None:
        super().__init__(erp, server)
        self._person = Person(erp)

    def refund(self, key: str, survey: JsonDict) -> JsonDict:
        [sold] = survey["lines"]
        line = {
            "type": "line",
            "product": sold["product"]["id"],
            "unit": sold["unit"],
            "quantity": -1,
            "unit_price": wire.decimal(sold["unit_price"]),
            "taxes": [["add", sold["taxes"]]],
        }
        address = survey["invoice_address"]["id"]
        return {
            **self._head(key),
            "origin": f"sale.sale,{survey['id']}",
            "invoice_address": address,
            "shipment_address": address,
            "warehouse": survey["warehouse"],
            "shipment_cost_method": None,
            "lines": wire.create([line]),
        }

    def payment(self, reference: str, survey: JsonDict, amount: Decimal) -> JsonDict:
        return {
            "invoice": survey["invoices"][0]["id"],
            "payment_method": self._admin.one("account.invoice.payment.method", []),
            "amount": wire.decimal(amount),
            "date": wire.date(dt.datetime.now(dt.UTC).date()),
            "description": reference,
        }

    def change(self, note: str) -> JsonDict:
        return {"comment": note}

    def someone_sends(self, external_id: str, tracking: str) -> None:
        self._person.ship(external_id, tracking=tracking)

    def someone_corrects(self, external_id: str, tracking: str) -> None:
        [row] = self._admin.read("sale.sale", [["id", "=", int(external_id)]], ["shipments"])
        self._person.correct_tracking(str(row["shipments"][0]), tracking)

    def break_next(self, action: str, **fault: Any) -> None:
        if action in _ACTIONS:
            self._server.plan.add(**_ACTIONS[action], **fault)
        else:
            super().break_next(action, **fault)


#: The lost answers of fees are asked for in `test_tryton_life`.
WRITES = ["refund", "advance_refund", "pay", "post", "cancel", "change"]


class TestTryton(ErpContract):
    """What a real server has time for."""

    @pytest.fixture
    def fake(self, erp):
        with faulty(erp.url, plan=FaultPlan(settle_s=PATIENCE_S)) as server:
            yield TrytonFacets(erp, server)

    test_a_confirmed_refund_is_never_confirmed_again = (
        RefundsSalesContract.test_a_confirmed_refund_is_never_confirmed_again
    )
    test_an_invoice_is_posted_once = PostsInvoicesContract.test_an_invoice_is_posted_once
    test_a_draft_payment_is_found_and_pays_nothing = (
        DraftsPaymentsContract.test_a_payment_that_is_left_as_a_draft_is_found_and_pays_nothing
    )
    test_a_first_pull_may_begin_at_a_moment = FollowsSalesContract.test_a_first_pull_may_begin_at_a_moment
    test_a_change_is_told_under_a_version_that_was_not_told_before = (
        FollowsSalesContract.test_a_change_is_told_under_a_version_that_was_not_told_before
    )
    test_a_survey_takes_more_than_one_batch = FollowsSalesContract.test_a_survey_takes_more_than_one_batch

    @pytest.mark.parametrize("action", WRITES)
    def test_a_write_whose_answer_is_lost_is_unknown(self, life, fake, action):
        if action == "pay":
            life.post()
        fake.break_next(action, kind="commit_then_drop")
        with pytest.raises(OutcomeUnknown):
            life.write(action)
