"""Carries a plan out: one fault after the other, and what ends each of them."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import os
import random
import signal
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from redis import Redis, RedisError

from connectors.kit.errors import ConnectorError
from sync.store.engine import DatabaseBusy
from tests.chaos import within
from tests.chaos.installation import Installation
from tests.chaos.load import Replays
from tests.chaos.plan import Step
from tests.chaos.services import Service
from tests.faultproxy.toxics import toxic_from_json

#: Small enough that nothing more goes in, large enough that the server lives.
_FULL: Final = "1mb"
_ROOMY: Final = "256mb"


class Nemesis:
    """`work` does what is due; `heal` ends all that is left."""

    def __init__(self, installation: Installation, replays: Replays):
        self._at = installation
        self._replays = replays
        self._dice = random.Random(f"nemesis {installation.plan.seed}")
        self._steps = list(installation.plan.steps)
        self._ends: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._stopped: set[int] = set()
        self._lock: sqlite3.Connection | None = None
        self._ambushed = 0.0
        #: Kind -> how often it happened; what found nobody is not counted.
        self.done: dict[str, int] = {}
        #: (seconds into the run, process id) of each process that was killed while it worked.
        self.killed: list[tuple[float, int]] = []

    @property
    def over(self) -> bool:
        """Whether everything of the plan has been done and has ended."""
        return not self._steps and not self._ends

    def work(self, now_s: float) -> list[str]:
        """What began now, in words."""
        while self._ends and self._ends[0][0] <= now_s:
            heapq.heappop(self._ends)[2]()
        self._wake_ambushed(now_s)
        begun = []
        while self._steps and self._steps[0].at_s <= now_s:
            step = self._steps.pop(0)
            if self._do(step, now_s):
                kind = kind_of(step)
                self.done[kind] = self.done.get(kind, 0) + 1
                begun.append(str(step))
        return begun

    def _do(self, step: Step, now_s: float) -> bool:
        try:
            act = getattr(self, f"_{kind_of(step).replace(' ', '_')}")
            return act(step.how, now_s) is not False
        except (OSError, RedisError, ConnectorError):
            # Who was to be spoilt is away already.
            return False

    def _end(self, at_s: float, do: Callable[[], object]) -> None:
        def end() -> None:
            with contextlib.suppress(OSError, RedisError):
                do()

        heapq.heappush(self._ends, (at_s, next(self._numbers), end))

    # --- processes ----------------------------------------------------------------------------------------------

    def _kill(self, how: Mapping[str, Any], now_s: float) -> bool:
        pid = self._at.crossdock.named().get(how["who"])
        if pid is None:
            return False
        os.kill(pid, signal.SIGKILL)
        self.killed.append((now_s, pid))
        return True

    _kill_web = _kill_scheduler = _kill_run = _kill

    def _kill_sandbox(self, how: Mapping[str, Any], now_s: float) -> None:
        sandbox = self._at.erp if how["who"] == "erp" else self._at.shop
        sandbox.kill()
        self._end(now_s + how["for_s"], lambda: _revive(sandbox))

    def _stop(self, how: Mapping[str, Any], now_s: float) -> bool:
        pid = self._at.crossdock.named().get(how["who"])
        if pid is None:
            return False
        self._freeze(pid, now_s + how["for_s"])
        return True

    def _stop_scheduler(self, how: Mapping[str, Any], now_s: float) -> bool:
        return self._stop({**how, "who": "scheduler"}, now_s)

    def _freeze(self, pid: int, until_s: float) -> None:
        os.kill(pid, signal.SIGSTOP)
        self._stopped.add(pid)
        self._end(until_s, lambda: self._thaw(pid))

    def _thaw(self, pid: int) -> None:
        self._stopped.discard(pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    def _stop_before_a_call(self, how: Mapping[str, Any], now_s: float) -> None:
        within.lay(self._at.folder, "SIGSTOP")
        self._ambushed = how["for_s"]

    def _kill_before_a_call(self, how: Mapping[str, Any], now_s: float) -> None:
        within.lay(self._at.folder, "SIGKILL")

    def _wake_ambushed(self, now_s: float) -> None:
        """Whoever fell into an ambush is known by now; one that stands still goes on after its time."""
        struck = self._at.folder / within.STRUCK
        if not struck.exists():
            return
        pid = int(struck.read_text() or 0)
        if pid:
            struck.unlink()
            self.done["fell between intent and call"] = self.done.get("fell between intent and call", 0) + 1
            self._stopped.add(pid)
            self._end(now_s + self._ambushed, lambda: self._thaw(pid))

    # --- the queue ----------------------------------------------------------------------------------------------

    def _queue_killed(self, how: Mapping[str, Any], now_s: float) -> None:
        self._at.valkey.kill()
        self._end(now_s + how["for_s"], lambda: _revive(self._at.valkey))

    def _queue_emptied(self, how: Mapping[str, Any], now_s: float) -> None:
        with self._redis() as redis:
            redis.flushall()

    def _queue_full(self, how: Mapping[str, Any], now_s: float) -> None:
        with self._redis() as redis:
            redis.config_set("maxmemory", _FULL)
        self._end(now_s + how["for_s"], self._make_room)

    def _make_room(self) -> None:
        with self._redis() as redis:
            redis.config_set("maxmemory", _ROOMY)

    def _queue_hangs(self, how: Mapping[str, Any], now_s: float) -> None:
        if not self._at.valkey.ended:
            self._freeze(self._at.valkey.pid, now_s + how["for_s"])

    def _redis(self) -> Redis:
        return Redis.from_url(self._at.valkey.url, socket_timeout=1.0, socket_connect_timeout=1.0)

    # --- lines and answers --------------------------------------------------------------------------------------

    def _line(self, how: Mapping[str, Any], now_s: float) -> None:
        toxic = toxic_from_json({**how["toxic"], "for_s": how["for_s"], "seed": self._dice.randrange(1000)})
        self._at.proxies[how["on"]].add(toxic)

    _database_line = _line

    def _erp_reply(self, how: Mapping[str, Any], now_s: float) -> None:
        self._at.erp.ask("faults", dict(how))

    def _shop_reply(self, how: Mapping[str, Any], now_s: float) -> None:
        self._at.shop.ask("faults", dict(how))

    def _erp_storm(self, how: Mapping[str, Any], now_s: float) -> None:
        self._at.erp.ask("faults", {"kind": "status", "status": how["status"], "count": None, "for_s": how["for_s"]})

    def _shop_down(self, how: Mapping[str, Any], now_s: float) -> None:
        self._at.shop.ask("mode", {"mode": how["mode"]})
        self._end(now_s + how["for_s"], self._open_shop)

    def _open_shop(self) -> None:
        """Whoever ends a maintenance says so, else the shop is left alone for the ten minutes that it asked for."""
        self._at.shop.ask("mode", {"mode": ""})
        self._resume("shop")

    def _resume(self, name: str) -> None:
        # Who finds the database locked tries it again at the end.
        with contextlib.suppress(DatabaseBusy):
            self._at.resume(name)

    def _flood(self, how: Mapping[str, Any], now_s: float) -> None:
        self._replays.flood(how["deliveries"], self._dice)

    # --- clocks -------------------------------------------------------------------------------------------------

    def _shop_clock(self, how: Mapping[str, Any], now_s: float) -> None:
        self._at.shop.ask("clock", {"offset_s": how["offset_s"]})

    def _clock(self, how: Mapping[str, Any], now_s: float) -> None:
        self._set_clock(how["offset_s"])
        self._end(now_s + how["for_s"], lambda: self._set_clock(0))

    def _set_clock(self, offset_s: float) -> None:
        new = self._at.folder / f"{within.CLOCK}.new"
        new.write_text(str(offset_s))
        new.rename(self._at.folder / within.CLOCK)
        for pid in self._at.crossdock.everybody():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, within.CLOCK_SIGNAL)

    # --- the database -------------------------------------------------------------------------------------------

    def _database_locked(self, how: Mapping[str, Any], now_s: float) -> bool:
        if self._lock is not None:
            return False
        path = Path(self._at.store.engine.url.database or "")
        lock = sqlite3.connect(path, timeout=2.0, isolation_level=None)
        try:
            lock.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            lock.close()
            return False
        self._lock = lock
        self._end(now_s + how["for_s"], self._unlock)
        return True

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.rollback()
            self._lock.close()
            self._lock = None

    def _database_restarted(self, how: Mapping[str, Any], now_s: float) -> None:
        postgres = self._at.postgres
        assert postgres is not None
        postgres.kill({"fast": signal.SIGINT, "immediate": signal.SIGQUIT, "kill": signal.SIGKILL}[how["how"]])
        postgres.await_ready()

    # --- and everything ends ------------------------------------------------------------------------------------

    def heal(self) -> None:
        """Nothing fails any more, and everybody is awake. Raises ServiceError where that cannot be had."""
        at = self._at
        for _, _, end in sorted(self._ends, key=lambda each: each[:2]):
            end()
        self._ends.clear()
        (at.folder / within.AMBUSH).unlink(missing_ok=True)
        for service in at.services:
            _revive(service)
        for proxy in at.proxies.values():
            proxy.clear()
        for sandbox in (at.shop, at.erp):
            sandbox.await_ready()
            sandbox.ask("faults", method="DELETE")
        at.shop.ask("mode", {"mode": ""})
        at.shop.ask("clock", {"offset_s": 0})
        at.valkey.send(signal.SIGCONT)
        self._make_room()
        self._unlock()
        if at.postgres is not None:
            at.postgres.await_ready()
        self._set_clock(0)
        for pid in [*at.crossdock.everybody(), *self._stopped]:
            self._thaw(pid)
        for name in ("shop", "erp"):
            self._resume(name)

    def wake(self) -> None:
        """Whoever has fallen into an ambush after all."""
        self._wake_ambushed(float("-inf"))
        while self._ends:
            heapq.heappop(self._ends)[2]()


def _revive(service: Service) -> None:
    if service.ended:
        service.start()


def kind_of(step: Step) -> str:
    """`erp reply once more` is an `erp reply`."""
    return step.kind.removesuffix(" again").removesuffix(" once more")
