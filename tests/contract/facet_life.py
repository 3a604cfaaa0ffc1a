"""One sale of an ERP, brought as far as a test of its way back needs it."""

from __future__ import annotations

from decimal import Decimal

from connectors.kit.base import Rank
from mappings.base import TargetOptions
from mappings.registry import ERP_FACETS
from tests.contract.target_fakes import TOTAL

FEE = Decimal("0.68")
OPTIONS = TargetOptions(channel="web")


class Life:
    """One sale, brought as far as a test needs it."""

    def __init__(self, fake, target, key="k1"):
        self.fake, self.target = fake, target
        [created] = target.create_sales([fake.sale(key)])
        [confirmed] = target.advance_sales([created.document], Rank.CONFIRMED)
        assert confirmed.error is None
        self.id = confirmed.document.external_id

    def survey(self):
        return self.target.survey_sales([self.id])[self.id]

    def standing(self):
        return ERP_FACETS[self.fake.system].standing(self.survey(), OPTIONS)

    def refund(self, key="k1:refund:1", rank=None):
        [result] = self.target.create_refunds([self.fake.refund(key, self.survey())])
        if rank is None or result.error is not None:
            return result
        return self.target.advance_refunds([result.document], rank)[0]

    def pay(self, reference="k1:pay:1", amount=TOTAL):
        return self.target.register_payment(self.fake.payment(reference, self.survey(), amount))

    def fee(self, reference="k1:pay:1:fee", amount=FEE):
        return self.target.book_fee(self.fake.fee(reference, amount))

    def posted_fee(self):
        return self.target.post_fee(self.fee().external_id)

    def post(self):
        self.target.post_invoice(self.standing().invoices[0].external_id)


def named_since(target, checkpoint):
    return {envelope.external_id for page in target.pull_sales(checkpoint) for envelope in page.envelopes}


def last_checkpoint(target):
    return [page.checkpoint for page in target.pull_sales(None)][-1]
