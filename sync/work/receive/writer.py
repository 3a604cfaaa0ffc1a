"""The group-commit writer: one thread commits what many request threads hand over, and only then are they answered.

A durable commit costs the same for one row as for sixty, so all that wait share one. While a group is being committed
the next one gathers; nobody lingers to make a group larger.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import structlog
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from sync.store.engine import is_repeatable, make_engine
from sync.work.receive.keeper import Keeper
from sync.work.receive.receipts import Receipt

log = structlog.get_logger(__name__)

#: A group's limits. On SQLite they keep the write lock for about 20 ms at most, which is what the drains wait then.
GROUP_ROWS = 64
GROUP_BYTES = 1024 * 1024
#: Between two tries at a lock that another process holds; SQLite's own busy handler sleeps up to 100 ms and is unfair.
_BUSY_PAUSE_S = 0.001
#: Between two tries to reach a server that is away.
_AWAY_PAUSE_S = 0.05
#: How often a row may meet a key that another process is inserting at the same moment.
_KEY_RACES = 3
#: PostgreSQL gives up on a lock and on a statement before the waiting requests do.
_LOCK_TIMEOUT_MS = 100
_STATEMENT_TIMEOUT_MS = 1500
#: PostgreSQL's code for a lock that was not had within `lock_timeout`.
_LOCK_NOT_AVAILABLE = "55P03"


class NotStored(Exception):
    """The database did not take it in time: the sender must try again, whether or not it was written after all."""


class RowRefused(Exception):
    """The database refuses this one row and would refuse it again."""


class _Away(Exception):
    """The database cannot be reached at the moment."""


class _Waiting:
    """A row and the request that waits for it."""

    __slots__ = ("answer", "deadline", "key_races", "receipt")

    def __init__(self, receipt: Receipt, wait_s: float) -> None:
        self.receipt = receipt
        self.answer: Future[None] = Future()
        self.deadline = time.monotonic() + wait_s
        self.key_races = 0


class GroupWriter:
    """Commits rows in groups. One per process, made after the fork; safe to use from every thread."""

    def __init__(
        self,
        url: str,
        write: Callable[[Connection, Sequence[Receipt]], None],
        committed: Callable[[Sequence[Receipt]], None],
        *,
        wait_s: float = 2.0,
    ) -> None:
        """`write` puts a group into an open transaction; `committed` is told of it afterwards and must not block.

        `wait_s` is how long a request waits at most.
        """
        self._write = write
        self._committed = committed
        self._wait_s = wait_s
        # An engine of its own: no pool to wait for, and on SQLite no busy handler but ours.
        self._engine = make_engine(url, busy_timeout_s=0).execution_options(crossdock_write=True)
        if self._engine.dialect.name == "postgresql":
            event.listen(self._engine, "connect", _limit_waits)
        self._connection: Connection | None = None
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self.keeper = Keeper("group-commit", self._serve)

    def put(self, receipt: Receipt) -> None:
        """Return when the row is durable. Raises NotStored, RowRefused."""
        waiting = _Waiting(receipt, self._wait_s)
        self._queue.put(waiting)
        self.keeper.ensure()
        try:
            waiting.answer.result(self._wait_s)
        except TimeoutError:
            waiting.answer.cancel()
            raise NotStored("the database did not answer in time") from None

    def close(self, timeout_s: float) -> bool:
        """Commit what waits and end; whether it ended in time."""
        self._queue.put(None)
        ended = self.keeper.end(timeout_s)
        self._engine.dispose()
        return ended

    def _serve(self) -> None:
        try:
            while group := self._take():
                try:
                    self._settle(group)
                except BaseException:
                    _answer(group, NotStored("the writer died"))
                    raise
        finally:
            self._disconnect()

    def _take(self) -> list[_Waiting]:
        """Wait for the first row, then take who waits already; empty when told to end."""
        group: list[_Waiting] = []
        size = 0
        while len(group) < GROUP_ROWS and size < GROUP_BYTES:
            try:
                waiting = self._queue.get(block=not group)
            except queue.Empty:
                break
            if waiting is None:
                if group:
                    self._queue.put(None)
                break
            if waiting.answer.running() or waiting.answer.set_running_or_notify_cancel():
                group.append(waiting)
                size += waiting.receipt.size
        return group

    def _settle(self, group: list[_Waiting]) -> None:
        """Bring every row of the group to its answer: together, or in ever smaller parts when the group is refused."""
        while group := _in_time(group):
            error = self._try(group)
            if error is None:
                return
            if _concerns_all(error):
                time.sleep(_BUSY_PAUSE_S)
            elif len(group) == 1:
                self._settle_refused(group[0], error)
                return
            else:
                # Halving finds one bad row among 64 in a dozen commits; each row alone would be 64.
                middle = len(group) // 2
                self._settle(group[:middle])
                group = group[middle:]

    def _settle_refused(self, waiting: _Waiting, error: Exception) -> None:
        """Tell the one row to blame, unless it may be tried again."""
        raced = isinstance(error, IntegrityError) and waiting.key_races < _KEY_RACES
        if raced or (isinstance(error, DBAPIError) and is_repeatable(error)):
            waiting.key_races += raced
            # Behind those who wait: a row whose lock somebody keeps must not use up the time of the others.
            self._queue.put(waiting)
            time.sleep(_BUSY_PAUSE_S)
            return
        cause = _name_of(error)
        if isinstance(error, OperationalError):
            # The database's own trouble (disk full, read only), not the row's: the same row is good again later.
            _answer([waiting], NotStored(f"the database cannot write: {cause}; look at its disk"))
            return
        log.error("row_refused", connection=waiting.receipt.connection, error=cause)
        _answer([waiting], RowRefused(cause))

    def _try(self, group: list[_Waiting]) -> Exception | None:
        """Commit these rows and answer them, once; the error if that failed, and then nothing of them was kept."""
        receipts = [waiting.receipt for waiting in group]
        try:
            connection = self._connect()
            with connection.begin():
                self._write(connection, receipts)
        except Exception as error:  # noqa: BLE001 - whatever a row provokes is that row's answer, not the thread's end
            return error
        _answer(group, None)
        self._committed(receipts)
        return None

    def _connect(self) -> Connection:
        """The writer's own connection, made again when it was lost. Raises _Away."""
        if self._connection is None or self._connection.invalidated:
            self._disconnect()
            try:
                self._connection = self._engine.connect()
            except OperationalError as error:
                log.warning("database_away", error=type(error.orig).__name__)
                time.sleep(_AWAY_PAUSE_S)
                raise _Away from error
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _limit_waits(connection: Any, _entry: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = {_LOCK_TIMEOUT_MS}")
        cursor.execute(f"SET statement_timeout = {_STATEMENT_TIMEOUT_MS}")
    connection.commit()


def _concerns_all(error: Exception) -> bool:
    """Whether the same rows may be tried again together, because no single one of them is to blame."""
    if isinstance(error, DBAPIError):
        return is_repeatable(error) and getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE
    return isinstance(error, _Away)


def _name_of(error: Exception) -> str:
    """What the database calls it, such as SQLITE_FULL or DiskFull; its text may hold what the row holds."""
    original = getattr(error, "orig", None) or error
    return getattr(original, "sqlite_errorname", "") or type(original).__name__


def _in_time(group: list[_Waiting]) -> list[_Waiting]:
    """Those whose request still waits; the others are told that they were not stored."""
    now = time.monotonic()
    late = [waiting for waiting in group if waiting.deadline <= now]
    _answer(late, NotStored("the database did not take it in time"))
    return [waiting for waiting in group if waiting.deadline > now]


def _answer(group: Sequence[_Waiting], error: Exception | None) -> None:
    for waiting in group:
        if waiting.answer.done():
            continue
        if error is None:
            waiting.answer.set_result(None)
        else:
            waiting.answer.set_exception(error)
