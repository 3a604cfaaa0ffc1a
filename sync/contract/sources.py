"""What holds for every source of orders: pulling, fetching, listing."""

from __future__ import annotations

import datetime as dt
import logging
import time
import traceback
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

import pytest

from connectors.kit.base import Envelope
from connectors.kit.errors import ConnectionBroken, ConnectorError, RateLimited, Transient
from connectors.kit.exchanges import capture
from connectors.sandbox.patience import PATIENCE_S
from sync.contract.base import Contract, shows

_SHORT_PAUSE_S: Final = 0.01

FAULTS: Final[Sequence[dict[str, Any]]] = [
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503, "body": "<html>maintenance</html>"},
    {"kind": "status", "status": 429, "retry_after": "1"},
    {"kind": "html"},
    {"kind": "empty"},
    {"kind": "reset"},
    {"kind": "close"},
    {"kind": "truncate"},
    {"kind": "overlong"},
]


def pull(
    connector: Any, checkpoint: str | None = None, seen: dict[str, Envelope] | None = None
) -> tuple[dict[str, Envelope], str | None]:
    """The newest payload of each order after a whole pull, and the last checkpoint."""
    seen = {} if seen is None else seen
    for page in connector.pull_orders(checkpoint):
        checkpoint = page.checkpoint
        seen |= {envelope.external_id: envelope for envelope in page.envelopes}
    return seen, checkpoint


def floats(value: Any) -> list[float]:
    """Every float in a payload; amounts are Decimal or text."""
    if isinstance(value, dict):
        return [found for child in value.values() for found in floats(child)]
    if isinstance(value, list):
        return [found for child in value for found in floats(child)]
    return [value] if isinstance(value, float) else []


class SourceContract(Contract):
    """With a connector to the source."""

    @pytest.fixture
    def source(self, fake: Any) -> Iterator[Any]:
        """One connector, closed in the end."""
        connector = fake.connect()
        yield connector
        connector.close()

    @pytest.fixture(autouse=True)
    def no_long_pauses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Between attempts of one call nobody waits for seconds."""
        real = time.sleep
        monkeypatch.setattr("connectors.kit.http.time.sleep", lambda seconds: real(min(seconds, _SHORT_PAUSE_S)))


class _Reads(SourceContract):
    """What holds for each way of reading; `read` is the one in question."""

    def read(self, source: Any, ids: Sequence[str]) -> object:
        """Read whatever there is to its end."""
        raise NotImplementedError

    @pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault['kind']}{fault.get('status', '')}")
    def test_a_read_gets_over_a_short_trouble(self, fake: Any, source: Any, fault: dict[str, Any]) -> None:
        ids = fake.place(2)
        fake.break_next(count=2, **fault)
        self.read(source, ids)

    def test_a_lasting_trouble_ends_as_transient_within_the_deadline(self, fake: Any) -> None:
        ids = fake.place(2)
        connector = fake.connect(deadline_s=1.0)
        for fault in (
            {"kind": "drip", "interval_s": 0.3},
            {"kind": "hang", "hold_s": PATIENCE_S},
            {"kind": "status", "status": 502},
        ):
            fake.break_next(count=None, **fault)
            started = time.monotonic()
            with pytest.raises(Transient):
                self.read(connector, ids)
            assert time.monotonic() - started < PATIENCE_S / 3
            fake.mend()
        connector.close()


class PullsOrdersContract(_Reads):
    """`PullsOrders`: nothing is lost while orders change, a checkpoint resumes, trouble is told by its kind."""

    def read(self, source: Any, ids: Sequence[str]) -> object:  # noqa: ARG002 - what is pulled is everything
        """Pull everything."""
        return list(source.pull_orders(None))

    def test_all_pages_are_read_to_the_end(self, fake: Any) -> None:
        ids = fake.place(12)
        connector = fake.connect(page_size=5)
        seen, checkpoint = pull(connector)
        assert set(ids) <= set(seen)
        assert checkpoint
        connector.close()

    def test_envelopes_carry_text_ids_sortable_versions_and_no_floats(self, fake: Any, source: Any) -> None:
        [external_id] = fake.place(1)
        envelope = pull(source)[0][external_id]
        assert isinstance(envelope.external_id, str)
        assert isinstance(envelope.version, str)
        first = envelope.version
        fake.later(2)
        fake.change(external_id)
        assert pull(source)[0][external_id].version > first
        assert not floats(envelope.payload)

    def test_the_same_state_is_the_same_payload_twice(self, fake: Any, source: Any) -> None:
        fake.place(3)
        first, second = pull(source)[0], pull(source)[0]
        assert {key: envelope.payload for key, envelope in first.items()} == {
            key: envelope.payload for key, envelope in second.items()
        }

    def test_resuming_brings_what_is_new_and_not_what_is_old(self, fake: Any, source: Any) -> None:
        [quiet] = fake.place(1)
        fake.later(10)
        [changing] = fake.place(1)
        _seen, checkpoint = pull(source)
        fake.later(10)
        [new] = fake.place(1)
        fake.change(changing)
        seen, _checkpoint = pull(source, checkpoint)
        assert {new, changing} <= set(seen)
        assert quiet not in seen

    @shows("D3")
    def test_orders_that_change_during_paging_lose_nothing(self, fake: Any) -> None:
        ids = fake.place(9)
        changes = iter([ids[0], ids[3], ids[1], ids[8], ids[0]])

        def happen() -> None:
            fake.later(1)
            if (external_id := next(changes, None)) is not None:
                fake.change(external_id)

        fake.before_each_answer(happen)
        connector = fake.connect(page_size=3)
        seen, checkpoint = pull(connector)
        assert set(ids) <= set(seen)
        fake.before_each_answer(lambda: None)
        fake.later(1)
        seen, _checkpoint = pull(connector, checkpoint, seen)
        current = {envelope.external_id: envelope.payload for envelope in connector.fetch_orders(ids)}
        assert {key: seen[key].payload for key in ids} == current
        connector.close()

    @shows("C10")
    def test_a_pull_that_is_cut_off_resumes_without_a_loss(self, fake: Any) -> None:
        ids = fake.place(7)
        connector = fake.connect(page_size=2)
        first = next(connector.pull_orders(None))
        seen = {envelope.external_id: envelope for envelope in first.envelopes}
        seen, _checkpoint = pull(connector, first.checkpoint, seen)
        assert set(ids) <= set(seen)
        connector.close()

    @shows("D10")
    def test_a_discarded_order_is_told(self, fake: Any, source: Any) -> None:
        [external_id] = fake.place(1)
        before, checkpoint = pull(source)
        fake.later(2)
        fake.discard(external_id)
        after, _checkpoint = pull(source, checkpoint)
        assert after[external_id].payload != before[external_id].payload

    @shows("D12")
    def test_a_corrupt_checkpoint_is_an_error_and_not_a_new_beginning(self, source: Any) -> None:
        with pytest.raises(ConnectionBroken, match="checkpoint"):
            next(source.pull_orders("garbage"))

    def test_a_long_pause_that_is_asked_for_is_handed_on(self, fake: Any, source: Any) -> None:
        fake.break_next(kind="status", status=429, retry_after="1800", count=None)
        with pytest.raises(RateLimited) as caught:
            pull(source)
        assert caught.value.retry_after_s == 1800

    def test_a_shop_that_is_down_is_transient(self, fake: Any, source: Any) -> None:
        fake.stop()
        with pytest.raises(Transient):
            pull(source)

    def test_wrong_credentials_break_the_connection_and_do_not_show(
        self, fake: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        connector = fake.connect(secret="wrong-canary-42")
        with pytest.raises(ConnectionBroken) as caught, capture() as exchanges:
            pull(connector)
        told = "".join(traceback.format_exception(caught.value)) + repr(exchanges) + caplog.text
        # Its own source line stands in the traceback; nothing else may.
        assert "canary" not in told.replace('secret="wrong-canary-42"', "")
        connector.close()


class FetchesOrdersContract(_Reads):
    """`FetchesOrders`: whatever became of an order, its id is answered; a batch is few calls."""

    def read(self, source: Any, ids: Sequence[str]) -> object:
        """Fetch these."""
        return source.fetch_orders(ids)

    def test_orders_are_fetched_by_id_whatever_became_of_them(self, fake: Any, source: Any) -> None:
        kept, discarded, deleted = fake.place(3)
        fake.discard(discarded)
        fake.delete(deleted)
        envelopes = source.fetch_orders([deleted, kept, fake.unknown_id, discarded])
        assert [envelope.external_id for envelope in envelopes] == [deleted, kept, fake.unknown_id, discarded]
        assert [envelope.deleted for envelope in envelopes] == [True, False, True, False]

    def test_a_full_batch_is_few_calls(self, fake: Any, source: Any) -> None:
        ids = fake.place(source.fetch_batch)
        # A login is none of the batch.
        source.fetch_orders(ids[:1])
        with capture() as exchanges:
            assert len(source.fetch_orders(ids)) == len(ids)
        # Where lines, customers and products are records of their own, each kind is a call.
        assert len(exchanges) <= max(2, source.fetch_batch // 8)

    @pytest.mark.parametrize("fault", [*FAULTS, {"kind": "gzip_bomb", "size_mb": 60}], ids=lambda fault: fault["kind"])
    def test_no_error_record_or_log_carries_a_secret(
        self, fake: Any, caplog: pytest.LogCaptureFixture, fault: dict[str, Any]
    ) -> None:
        caplog.set_level(logging.DEBUG)
        connector = fake.connect()
        fake.break_next(count=None, **fault)
        with pytest.raises(ConnectorError) as caught, capture() as exchanges:
            connector.fetch_orders(["1"])
        told = "".join(traceback.format_exception(caught.value)) + repr(exchanges) + caplog.text
        assert [secret for secret in fake.secrets if secret in told] == []
        connector.close()


class ListsOrdersContract(_Reads):
    """`ListsOrders`: every order of a window once, with its exact total."""

    def read(self, source: Any, ids: Sequence[str]) -> object:  # noqa: ARG002 - a list is of a window
        """List ten years."""
        begin, end = (dt.datetime(year, 1, 1, tzinfo=dt.UTC) for year in (2020, 2030))
        return list(source.list_orders(begin, end))

    def test_the_list_has_every_order_of_the_window_once_with_its_exact_total(self, fake: Any) -> None:
        ids = fake.place(7)
        fake.discard(ids[1])
        now = dt.datetime.now(tz=dt.UTC)
        connector = fake.connect(page_size=3)
        lines = list(connector.list_orders(now - dt.timedelta(hours=1), now + dt.timedelta(hours=1)))
        assert sorted(line.external_id for line in lines) == sorted(ids)
        assert {line.external_id: str(line.total) for line in lines} == fake.totals(connector, ids)
        for line in lines:
            assert isinstance(line.total, Decimal)
            assert line.placed_at.utcoffset() == dt.timedelta(0)
            assert len(line.currency) == 3
            assert line.number
            assert line.state
        connector.close()

    def test_the_windows_end_belongs_to_the_next_window(self, fake: Any, source: Any) -> None:
        [external_id] = fake.place(1)
        now = dt.datetime.now(tz=dt.UTC)
        hour = dt.timedelta(hours=1)
        [line] = source.list_orders(now - hour, now + hour)
        assert list(source.list_orders(now - hour, line.placed_at)) == []
        assert [found.external_id for found in source.list_orders(line.placed_at, now + hour)] == [external_id]


class RewindsPullsContract(SourceContract):
    """`RewindsPulls`: a moment becomes a checkpoint, and a checkpoint a moment."""

    def test_a_pull_from_a_moment_reads_what_was_changed_since(self, fake: Any, source: Any) -> None:
        ids = fake.place(2)
        _, checkpoint = pull(source)
        moment = source.checkpoint_moment(checkpoint)
        assert moment.tzinfo is not None
        seen, _ = pull(source, source.checkpoint_at(moment - dt.timedelta(days=1)))
        assert set(ids) <= seen.keys()

    def test_a_checkpoint_of_a_moment_tells_it(self, source: Any) -> None:
        moment = dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC)
        assert source.checkpoint_moment(source.checkpoint_at(moment)) == moment

    @pytest.mark.parametrize("checkpoint", ["", "garbage", "{}", "[1"])
    def test_a_text_that_is_no_checkpoint_is_refused(self, source: Any, checkpoint: str) -> None:
        with pytest.raises(ConnectionBroken):
            source.checkpoint_moment(checkpoint)
