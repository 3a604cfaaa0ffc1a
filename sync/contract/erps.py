"""What every suite of an ERP's way back is made of: one sale, brought as far as a test needs it, and trouble."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar, Final

import pytest

from connectors.kit.base import JsonDict, Rank, TargetDocument
from connectors.kit.errors import OutcomeUnknown, Transient
from connectors.kit.facets import MakesInvoices
from connectors.registry import has
from mappings.base import TargetOptions
from mappings.canonical.facets import Standing
from mappings.registry import ERP_FACETS
from sync.contract.standins import TOTAL
from sync.contract.targets import TargetContract

FEE: Final = Decimal("0.68")
_OPTIONS: Final = TargetOptions(channel="web")

UNCLEAR: Final[Sequence[dict[str, Any]]] = [
    {"kind": "html"},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503, "retry_after": "1"},
    {"kind": "commit_then_status", "status": 504},
    {"kind": "status", "status": 200, "body": "{}"},
    {"kind": "empty"},
    {"kind": "truncate"},
    {"kind": "reset"},
    {"kind": "close"},
]


class Life:
    """One sale, brought as far as a test needs it."""

    def __init__(self, fake: Any, target: Any, key: str = "k1") -> None:
        self.fake, self.target = fake, target
        [created] = target.create_sales([fake.sale(key)])
        [confirmed] = target.advance_sales([created.document], Rank.CONFIRMED)
        assert confirmed.error is None
        self.id: str = confirmed.document.external_id

    def survey(self) -> JsonDict:
        """As the connector reads it."""
        found: JsonDict = self.target.survey_sales([self.id])[self.id]
        return found

    def standing(self) -> Standing:
        """As the mapping reads that."""
        return ERP_FACETS[self.fake.system].standing(self.survey(), _OPTIONS)

    def refund(self, key: str = "k1:refund:1", rank: Rank | None = None) -> Any:
        """One piece is given back."""
        [result] = self.target.create_refunds([self.fake.refund(key, self.survey())])
        if rank is None or result.error is not None:
            return result
        [result] = self.target.advance_refunds([result.document], rank)
        return result

    def pay(self, reference: str = "k1:pay:1", amount: Decimal = TOTAL) -> TargetDocument:
        """A payment of its first invoice."""
        made: TargetDocument = self.target.register_payment(self.fake.payment(reference, self.survey(), amount))
        return made

    def fee(self, reference: str = "k1:pay:1:fee", amount: Decimal = FEE) -> TargetDocument:
        """What a gateway kept."""
        made: TargetDocument = self.target.book_fee(self.fake.fee(reference, amount))
        return made

    def posted_fee(self) -> TargetDocument:
        """The same, posted."""
        made: TargetDocument = self.target.post_fee(self.fee().external_id)
        return made

    def invoice(self) -> str:
        """The id of its first invoice, made where the ERP waits to be asked for it."""
        invoices = self.standing().invoices
        if not invoices and has(self.target, MakesInvoices):
            number: str = self.target.make_invoices(self.id)[0]
            return number
        return invoices[0].external_id

    def post(self) -> None:
        """Its first invoice is posted."""
        self.target.post_invoice(self.invoice())

    def write(self, action: str) -> object:
        """Carry out one write, as `_Writes.writes` names it; its error is raised."""
        calls: Mapping[str, Callable[[], object]] = {
            "pay": self.pay,
            "book_fee": self.fee,
            "post_fee": self.posted_fee,
            "post": self.post,
            "cancel": lambda: self.target.cancel_sale(self.id),
        }
        if action in calls:
            return calls[action]()
        if action == "change":
            [created] = self.target.create_sales([self.fake.sale("k9")])
            return self.target.change_sale(created.document.external_id, self.fake.change("x"))
        result = self.refund(rank=Rank.CONFIRMED if action == "advance_refund" else None)
        if result.error is not None:
            raise result.error
        return result


def named_since(target: Any, checkpoint: str) -> set[str]:
    """Ids of the sales that a pull from there names."""
    return {envelope.external_id for page in target.pull_sales(checkpoint) for envelope in page.envelopes}


def last_checkpoint(target: Any) -> str:
    """Where a whole pull ends."""
    found: str = [page.checkpoint for page in target.pull_sales(None)][-1]
    return found


_WRITES_OF_NOTHING: Final[Mapping[str, Callable[[Any, Any, JsonDict], object]]] = {
    "refund": lambda target, fake, before: target.create_refunds([fake.refund("k", before)]),
    "advance_refund": lambda target, fake, before: target.create_refunds([fake.refund("k", before)]),
    "pay": lambda target, fake, before: target.register_payment(fake.payment("k", before, TOTAL)),
    "book_fee": lambda target, fake, _: target.book_fee(fake.fee("k", FEE)),
    "post_fee": lambda target, _fake, _: target.post_fee("1"),
    "post": lambda target, _fake, _: target.post_invoice("1"),
    "cancel": lambda target, _fake, before: target.cancel_sale(str(before["id"])),
    "change": lambda target, fake, before: target.change_sale(str(before["id"]), fake.change("x")),
}

_READS: Final[Mapping[str, Callable[[Any], object]]] = {
    "survey": lambda target: target.survey_sales(["1"]),
    "pull": lambda target: list(target.pull_sales(None)),
    "find_refunds": lambda target: target.find_refunds(["k"]),
    "find_payments": lambda target: target.find_payments(["k"]),
    "find_fees": lambda target: target.find_fees(["k"]),
    "stock": lambda target: list(target.read_stock(["MAIN"], ["X"])),
}


class ErpContract(TargetContract):
    """With one sale of the ERP."""

    @pytest.fixture
    def life(self, fake: Any, target: Any) -> Life:
        """A confirmed sale."""
        return Life(fake, target)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Nothing but what a suite adds."""


class Writes(ErpContract):
    """What becomes of each write in `writes`."""

    writes: ClassVar[tuple[str, ...]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Each of them."""
        super().pytest_generate_tests(metafunc)
        if "action" in metafunc.fixturenames:
            metafunc.parametrize("action", self.writes)

    @pytest.mark.parametrize("fault", UNCLEAR, ids=lambda fault: "-".join(str(value) for value in fault.values()))
    def test_what_is_no_clear_answer_to_a_write_is_unknown(
        self, life: Life, fake: Any, action: str, fault: dict[str, Any]
    ) -> None:
        if action == "pay":
            life.post()
        if action in {"cancel", "change"} and fault.get("body") == "{}":
            pytest.skip("read back: the answer to the write is not looked at")
        fake.break_next(action, **fault)
        with pytest.raises(OutcomeUnknown):
            life.write(action)

    def test_an_erp_that_is_away_has_written_nothing(self, life: Life, fake: Any, target: Any, action: str) -> None:
        before = life.survey()
        fake.stop()
        if "refund" in action:
            [result] = target.create_refunds([fake.refund("k", before)])
            assert type(result.error) is Transient
            return
        with pytest.raises(Transient):
            _WRITES_OF_NOTHING[action](target, fake, before)


class Reads(ErpContract):
    """What holds for each read in `reads`."""

    reads: ClassVar[tuple[str, ...]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Each of them."""
        super().pytest_generate_tests(metafunc)
        if "read" in metafunc.fixturenames:
            metafunc.parametrize("read", self.reads)

    @pytest.mark.usefixtures("life")
    def test_a_read_that_makes_no_sense_is_no_answer(self, fake: Any, target: Any, read: str) -> None:
        fake.break_next(read, kind="status", status=200, body="{}", count=None)
        with pytest.raises(Transient):
            _READS[read](target)

    @pytest.mark.usefixtures("life")
    def test_a_read_is_repeated_until_it_is_answered(self, fake: Any, target: Any, read: str) -> None:
        fake.break_next(read, kind="html")
        _READS[read](target)
