"""What holds for every `SalesTarget`: one document per key, and each error says whether a write can have landed."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any

import pytest

from connectors.kit.base import JsonDict, Rank, TargetDocument
from connectors.kit.errors import (
    AlreadyExists,
    ConnectionBroken,
    ConnectorError,
    OutcomeUnknown,
    RateLimited,
    RecordRejected,
    Transient,
)
from connectors.kit.exchanges import capture
from connectors.sandbox.patience import wait_until
from sync.contract.base import Contract, shows
from sync.contract.standins import PLACED_AT, TAX, TOTAL, WINDOW


def create(target: Any, payload: JsonDict) -> TargetDocument:
    """The document of one sale that must be taken."""
    [result] = target.create_sales([payload])
    assert result.error is None
    document: TargetDocument = result.document
    return document


def keys_found(target: Any, *keys: str) -> dict[str, list[str]]:
    """Key -> ids of the documents that stand under it."""
    return {key: [document.external_id for document in found] for key, found in target.find_sales(keys).items()}


class TargetContract(Contract):
    """With a connector to the target."""

    @pytest.fixture
    def target(self, fake: Any) -> Any:
        """One connector."""
        return fake.connect()


class _Writes(TargetContract):
    """What becomes of a write: nothing is taken for done or undone that nobody knows."""

    @shows("B1", "B2")
    @pytest.mark.parametrize("action", ["create", "advance"])
    @pytest.mark.parametrize(
        ("kind", "lands"),
        [
            ("commit_then_drop", True),
            ("commit_then_hang", True),
            ("drop_then_commit", False),
            ("hang_then_commit", False),
        ],
    )
    def test_a_lost_reply_is_an_unknown_outcome(
        self, fake: Any, target: Any, action: str, kind: str, lands: bool
    ) -> None:
        before = create(target, fake.sale("old"))
        fake.break_next(action, kind=kind, after_s=0.4, hold_s=1.5)

        if action == "create":
            [result] = target.create_sales([fake.sale("k1")])
            # One that comes late may have come by now: this machine takes its time.
            assert target.find_sales(["k1"]) or not lands
            wait_until(lambda: target.find_sales(["k1"]))
        else:
            [result] = target.advance_sales([before], Rank.CONFIRMED)
            wait_until(lambda: fake.confirmations(before.external_id))
            assert fake.confirmations(before.external_id) == 1

        assert isinstance(result.error, OutcomeUnknown)

    def test_a_lost_reply_to_a_batch_is_unknown_for_every_item(self, fake: Any) -> None:
        target = fake.connect(bulk=3)
        fake.break_next("create", kind="commit_then_drop")

        results = target.create_sales([fake.sale(key) for key in ("k1", "k2", "k3")])

        lost = min(3, target.bulk)
        assert [type(result.error) for result in results] == [OutcomeUnknown] * lost + [type(None)] * (3 - lost)

    @shows("B3")
    @pytest.mark.parametrize(
        "fault",
        [
            {"kind": "html"},
            {"kind": "html", "effect": "before"},
            {"kind": "status", "status": 500},
            {"kind": "status", "status": 502, "body": "<html><title>Bad gateway</title>"},
            {"kind": "status", "status": 503, "retry_after": "1"},
            {"kind": "commit_then_status", "status": 504},
            {"kind": "status", "status": 200, "body": "{}"},
            {"kind": "status", "status": 200, "body": "[]"},
            {"kind": "status", "status": 200, "body": '{"results": [null]}'},
            {"kind": "status", "status": 200, "body": '{"results": [{"ok": true}]}'},
            {"kind": "empty"},
            {"kind": "truncate"},
            {"kind": "overlong"},
            {"kind": "gzip_bomb", "size_mb": 40},
            {"kind": "drip", "interval_s": 0.2},
            {"kind": "reset"},
            {"kind": "close"},
        ],
        ids=lambda fault: "-".join(str(value) for value in fault.values()),
    )
    @pytest.mark.parametrize("action", ["create", "advance"])
    def test_what_is_no_clear_answer_to_a_write_is_unknown(
        self, fake: Any, target: Any, action: str, fault: dict[str, Any]
    ) -> None:
        draft = create(target, fake.sale("old"))
        fake.break_next(action, **fault)
        if fault["kind"] == "drip":
            # It goes on for minutes.
            target = fake.connect(deadline_s=fake.short_deadline_s)

        if action == "create":
            [result] = target.create_sales([fake.sale("k1")])
        else:
            [result] = target.advance_sales([draft], Rank.CONFIRMED)

        assert type(result.error) is OutcomeUnknown

    def test_a_confirmation_that_cannot_be_read_back_is_unknown(self, fake: Any, target: Any) -> None:
        draft = create(target, fake.sale("k1"))
        fake.break_next("find", kind="status", status=403)

        [result] = target.advance_sales([draft], Rank.CONFIRMED)

        assert type(result.error) is OutcomeUnknown
        assert fake.confirmations(draft.external_id) == 1

    def test_an_unknown_delete_is_raised(self, fake: Any, target: Any) -> None:
        draft = create(target, fake.sale("k1"))
        fake.break_next("delete", kind="commit_then_drop")
        with pytest.raises(OutcomeUnknown):
            target.delete_draft(draft)

    @pytest.mark.parametrize(("retry_after", "seconds"), [("7", 7), ("http-date:30", 29), ("-5", 1), ("1e9", None)])
    def test_too_many_requests_says_how_long_to_stay_away(
        self, fake: Any, target: Any, retry_after: str, seconds: float | None
    ) -> None:
        fake.break_next("create", kind="status", status=429, retry_after=retry_after)

        [result] = target.create_sales([fake.sale("k1")])

        assert isinstance(result.error, RateLimited)
        assert 1 <= result.error.retry_after_s <= 3600
        if seconds is not None:
            assert result.error.retry_after_s == pytest.approx(seconds, abs=1.5)
        assert keys_found(target, "k1") == {}

    def test_a_target_that_is_away_has_written_nothing(self, fake: Any, target: Any) -> None:
        fake.stop()
        [result] = target.create_sales([fake.sale("k1")])
        assert type(result.error) is Transient
        with pytest.raises(Transient):
            target.find_sales(["k1"])

    def test_a_read_is_repeated_until_it_is_answered(self, fake: Any, target: Any) -> None:
        create(target, fake.sale("k1"))
        fake.break_next("find", kind="html")
        assert keys_found(target, "k1").keys() == {"k1"}

    def test_a_read_that_makes_no_sense_is_no_answer(self, fake: Any, target: Any) -> None:
        create(target, fake.sale("k1"))
        fake.break_next("find", kind="status", status=200, body="{}", count=None)
        with pytest.raises(Transient):
            target.find_sales(["k1"])


class SalesTargetContract(_Writes):
    """`SalesTarget`: created, found, brought on and deleted by its key, refused singly, listed whole."""

    def test_a_created_sale_is_a_draft_with_its_key_and_the_totals_of_the_target(self, fake: Any, target: Any) -> None:
        document = create(target, fake.sale("k1"))
        assert (document.key, document.rank, document.total, document.tax, document.currency) == (
            "k1",
            Rank.DRAFT,
            TOTAL,
            TAX,
            "EUR",
        )

    def test_create_find_advance_reads_back_the_same_totals(self, fake: Any, target: Any) -> None:
        created = create(target, fake.sale("k1"))
        [found] = target.find_sales(["k1"])["k1"]
        assert found.external_id == created.external_id

        [result] = target.advance_sales([found], Rank.CONFIRMED)

        assert result.error is None
        assert (result.document.rank, result.document.total, result.document.tax) == (Rank.CONFIRMED, TOTAL, TAX)
        assert result.document.number
        [again] = target.find_sales(["k1"])["k1"]
        assert (again.rank, again.number) == (Rank.CONFIRMED, result.document.number)

    def test_a_sale_can_be_left_at_a_quote(self, fake: Any, target: Any) -> None:
        [result] = target.advance_sales([create(target, fake.sale("k1"))], Rank.QUOTED)
        assert result.document.rank is Rank.QUOTED
        assert fake.confirmations(result.document.external_id) == 0

    def test_a_confirmed_sale_is_never_confirmed_again(self, fake: Any, target: Any) -> None:
        draft = create(target, fake.sale("k1"))
        [first] = target.advance_sales([draft], Rank.CONFIRMED)

        [left_alone] = target.advance_sales([first.document], Rank.CONFIRMED)
        [seen_too_late] = target.advance_sales([draft], Rank.CONFIRMED)

        assert left_alone.document == first.document
        assert seen_too_late.document.rank is Rank.CONFIRMED
        assert fake.confirmations(draft.external_id) == 1

    def test_a_cancelled_sale_is_not_brought_back(self, fake: Any, target: Any) -> None:
        document = create(target, fake.sale("k1"))
        fake.someone_cancels(document.external_id)
        [cancelled] = target.find_sales(["k1"])["k1"]
        assert cancelled.rank is Rank.CANCELLED

        [result] = target.advance_sales([cancelled], Rank.CONFIRMED)

        assert isinstance(result.error, RecordRejected)
        assert fake.confirmations(document.external_id) == 0

    @shows("B9")
    def test_the_same_key_twice_stands_once_or_both_are_found(self, fake: Any, target: Any) -> None:
        first = create(target, fake.sale("k1"))
        [second] = target.create_sales([fake.sale("k1")])

        if target.keys["sale"].enforced:
            assert isinstance(second.error, AlreadyExists)
            assert keys_found(target, "k1") == {"k1": [first.external_id]}
        else:
            ids = [first.external_id, second.document.external_id]
            assert keys_found(target, "k1") == {"k1": sorted(ids, key=int)}

    def test_a_key_twice_in_one_call_is_no_different(self, fake: Any) -> None:
        target = fake.connect(bulk=2)
        first, second = target.create_sales([fake.sale("k1"), fake.sale("k1")])
        assert first.error is None
        assert isinstance(second.error, AlreadyExists) is target.keys["sale"].enforced

    def test_every_kind_declares_how_it_is_kept_single(self, target: Any) -> None:
        assert {"sale", "party"} <= target.keys.keys()

    def test_a_key_that_nobody_used_is_absent(self, fake: Any, target: Any) -> None:
        create(target, fake.sale("k1"))
        assert keys_found(target, "k0", "k1").keys() == {"k1"}

    def test_many_keys_are_found_at_once(self, fake: Any, target: Any) -> None:
        keys = [f"k{number}" for number in range(60)]
        for key in keys[::20]:
            create(target, fake.sale(key))
        assert keys_found(target, *keys).keys() == {"k0", "k20", "k40"}

    @shows("B4")
    @pytest.mark.parametrize("bulk", [1, 3])
    def test_a_bad_item_leaves_the_good_ones_alone(self, fake: Any, bulk: int) -> None:
        target = fake.connect(bulk=bulk)
        payloads = [fake.sale("good-1"), fake.bad_sale("bad"), fake.sale("good-2")]

        results = target.create_sales(payloads)

        assert [type(result.error) for result in results] == [type(None), RecordRejected, type(None)]
        assert [result.document and result.document.key for result in results] == ["good-1", None, "good-2"]
        assert keys_found(target, "good-1", "bad", "good-2").keys() == {"good-1", "good-2"}

    @shows("B9")
    def test_a_refusal_says_in_words_what_is_wrong(self, fake: Any, target: Any) -> None:
        [result] = target.create_sales([fake.bad_sale("bad")])
        assert str(result.error)
        assert result.error.rolled_back

    def test_a_draft_is_deleted_and_stays_deleted(self, fake: Any, target: Any) -> None:
        document = create(target, fake.sale("k1"))
        target.delete_draft(document)
        assert keys_found(target, "k1") == {}

    def test_a_draft_that_is_gone_is_deleted(self, fake: Any, target: Any) -> None:
        document = create(target, fake.sale("k1"))
        target.delete_draft(document)
        target.delete_draft(document)

    def test_a_confirmed_sale_is_not_deleted(self, fake: Any, target: Any) -> None:
        draft = create(target, fake.sale("k1"))
        target.advance_sales([draft], Rank.CONFIRMED)

        with pytest.raises(RecordRejected):
            target.delete_draft(draft)

        assert keys_found(target, "k1") == {"k1": [draft.external_id]}

    def test_what_is_unknown_there_is_absent_from_the_answer(self, fake: Any, target: Any) -> None:
        answers = target.resolve([fake.known_product, fake.unknown_product, fake.party])
        assert answers.keys() == {fake.known_product, fake.party}

    def test_a_product_says_what_the_verify_rules_read(self, fake: Any, target: Any) -> None:
        product = target.resolve([fake.known_product])[fake.known_product]
        assert isinstance(product["list_price"], Decimal)
        assert product["unit_digits"] == 0
        assert product["salable"] is True
        assert all(isinstance(tax["rate"], Decimal) for tax in product["taxes"])

    def test_the_list_shows_foreign_and_cancelled_sales_too(self, fake: Any, target: Any) -> None:
        ours = create(target, fake.sale("k1"))
        foreign = fake.someone_makes_a_sale("by-hand")
        cancelled = create(target, fake.sale("k2"))
        fake.someone_cancels(cancelled.external_id)

        listed = {entry.external_id: entry for entry in target.list_sales(*WINDOW)}

        assert listed.keys() == {ours.external_id, foreign, cancelled.external_id}
        assert {entry.key for entry in listed.values()} == {"k1", "k2", "by-hand"}
        entry = listed[ours.external_id]
        assert (entry.total, entry.currency, entry.placed_at.date()) == (TOTAL, "EUR", PLACED_AT.date())
        assert (entry.reference, entry.rank) == ("k1", Rank.DRAFT)
        assert listed[cancelled.external_id].rank is Rank.CANCELLED

    def test_the_list_ends_at_its_window(self, fake: Any, target: Any) -> None:
        create(target, fake.sale("k1"))
        assert list(target.list_sales(WINDOW[1], WINDOW[1] + (WINDOW[1] - WINDOW[0]))) == []

    def test_no_secret_shows_in_errors_logs_or_exchanges(self, fake: Any, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        target = fake.connect()
        shown: list[str] = [repr(target)]

        with capture() as exchanges:
            for action in ("create", "find"):
                fake.break_next(action, kind="status", status=403, body=f'{{"message": "no rights for {fake.secret}"}}')
            shown.extend(repr(result) for result in target.create_sales([fake.sale("k1")]))
            with pytest.raises(ConnectorError) as caught:
                target.find_sales(["k1"])
            shown.append(f"{caught.value!r} {caught.value}")
            create(target, fake.sale("k1"))

        assert exchanges
        shown.extend(repr(exchange) for exchange in exchanges)
        assert [text for text in (*shown, caplog.text) if fake.secret in text] == []

    @shows("B10")
    def test_a_wrong_secret_breaks_the_connection_and_nothing_else(self, fake: Any) -> None:
        target = fake.connect(key="wrong-secret-0815")
        [result] = target.create_sales([fake.sale("k1")])
        assert isinstance(result.error, ConnectionBroken)
        assert "wrong-secret-0815" not in str(result.error)


class SearchesSalesContract(TargetContract):
    """`SearchesSales`: found by what people call it."""

    def test_a_sale_is_found_by_whatever_people_call_it(self, fake: Any, target: Any) -> None:
        document = create(target, fake.sale("k1"))
        create(target, fake.sale("k2"))
        [confirmed] = target.advance_sales([document], Rank.CONFIRMED)
        for text in (document.external_id, confirmed.document.number, "k1"):
            assert document.external_id in {sale.external_id for sale in target.search_sales(text)}, text
        [found] = target.search_sales(confirmed.document.number)
        assert (found.total, found.currency, found.rank, found.key) == (TOTAL, "EUR", Rank.CONFIRMED, "k1")

    def test_a_search_for_what_nobody_has_finds_nothing(self, target: Any) -> None:
        for text in ("no such sale", "99999999999999999999", "%", "' OR 1=1 --", "٣"):
            assert target.search_sales(text) == []


class OffersTestSaleContract(TargetContract):
    """`OffersTestSale`: a draft under the key that is asked for, nobody's order."""

    def test_a_test_sale_is_taken_as_a_draft_under_its_key_once(self, target: Any) -> None:
        document = create(target, target.test_sale("proof:1"))
        assert (document.rank, document.key) == (Rank.DRAFT, "proof:1")
        [again] = target.create_sales([target.test_sale("proof:1")])
        assert again.error is None or isinstance(again.error, AlreadyExists)
        assert document.external_id in keys_found(target, "proof:1")["proof:1"]

    def test_asking_for_one_makes_nothing(self, target: Any) -> None:
        target.test_sale("proof:1")
        assert keys_found(target, "proof:1") == {}
