"""How refunds, payments and fees are kept single, for every ERP and every way in which it can be set up."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connectors.kit import facets
from connectors.kit.errors import AlreadyExists, OutcomeUnknown
from connectors.registry import has
from tests.contract.facet_fakes import FAKES
from tests.contract.facet_life import Life
from tests.shared import wait_until

pytestmark = pytest.mark.loopback

#: Capability -> the kind of documents that it makes.
KINDS = {facets.RefundsSales: "refund", facets.TakesPayments: "payment", facets.BooksFees: "fee"}


@pytest.fixture(params=sorted(FAKES))
def fake(request, tmp_path):
    with FAKES[request.param](tmp_path) as running:
        yield running


@pytest.fixture
def target(fake):
    return fake.connect()


@pytest.fixture
def life(fake, target):
    return Life(fake, target)


def test_every_kind_of_document_declares_how_it_is_kept_single(target):
    made = {kind for capability, kind in KINDS.items() if has(target, capability)}
    assert made <= target.keys.keys()
    for kind in made:
        declared = target.keys[kind]
        assert declared.key_field
        assert declared.enforced or declared.how_to_enforce or not declared.same_call or kind in {"payment", "fee"}


def test_a_refund_twice_stands_once_or_both_are_found(life, target):
    first, second = life.refund(), life.refund()
    found = target.find_refunds(["k1:refund:1"])["k1:refund:1"]
    if target.keys["refund"].enforced:
        assert isinstance(second.error, AlreadyExists)
        assert [each.external_id for each in found] == [first.document.external_id]
    else:
        ids = [first.document.external_id, second.document.external_id]
        assert [each.external_id for each in found] == sorted(ids, key=int)
        target.delete_draft(second.document)
        assert len(target.find_refunds(["k1:refund:1"])["k1:refund:1"]) == 1


def test_a_payment_twice_stands_once_or_both_are_found(life, target):
    life.post()
    life.pay(amount=Decimal("1.00"))
    if target.keys["payment"].enforced:
        with pytest.raises(AlreadyExists):
            life.pay(amount=Decimal("1.00"))
        assert len(target.find_payments(["k1:pay:1"])["k1:pay:1"]) == 1
    else:
        life.pay(amount=Decimal("1.00"))
        assert len(target.find_payments(["k1:pay:1"])["k1:pay:1"]) == 2


@pytest.mark.fault("B1")
@pytest.mark.parametrize("kind", ["commit_then_drop", "commit_then_hang", "drop_then_commit", "hang_then_commit"])
@pytest.mark.parametrize("document", ["refund", "payment", "fee"])
def test_a_crash_after_the_create_leaves_one_that_is_found_by_its_key(life, fake, target, document, kind):
    if document == "refund":
        fake.break_next("refund", kind=kind, after_s=0.4, hold_s=1.5)
        error = life.refund().error
        find = lambda: target.find_refunds(["k1:refund:1"]).get("k1:refund:1")  # noqa: E731 - two of a kind
    elif document == "fee":
        fake.break_next("book_fee", kind=kind, after_s=0.4, hold_s=1.5)
        with pytest.raises(OutcomeUnknown) as caught:
            life.fee()
        error = caught.value
        find = lambda: target.find_fees(["k1:pay:1:fee"]).get("k1:pay:1:fee")  # noqa: E731
    else:
        life.post()
        fake.break_next("pay", kind=kind, after_s=0.4, hold_s=1.5)
        with pytest.raises(OutcomeUnknown) as caught:
            life.pay(amount=Decimal("1.00"))
        error = caught.value
        find = lambda: target.find_payments(["k1:pay:1"]).get("k1:pay:1")  # noqa: E731
    assert type(error) is OutcomeUnknown
    assert target.keys[document].same_call
    # One that comes late may have come by now: this machine takes its time.
    assert find() or not kind.startswith("commit")
    assert len(wait_until(find)) == 1
