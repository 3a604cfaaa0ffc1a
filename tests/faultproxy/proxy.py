"""The proxy itself: an event loop in a thread of its own, so that a test may use it from anywhere."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.faultproxy.toxics import Direction, Dose, Kind, Toxic

_CHUNK: Final = 65_536
#: How often who waits looks whether what it waits for is over.
_LOOK_S: Final = 0.02
_START_S: Final = 10.0


class _Cut(Exception):
    """The connection ends here; `hard` with a reset."""

    def __init__(self, *, hard: bool) -> None:
        self.hard = hard


@dataclasses.dataclass(slots=True)
class _Line:
    """One connection through the proxy: who dialled, and whom it is meant for."""

    number: int
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None

    def end(self, *, hard: bool) -> None:
        for writer in filter(None, (self.client, self.server)):
            raw = writer.get_extra_info("socket")
            if hard and raw is not None and raw.family != socket.AF_UNIX:
                # It may be closed already.
                with contextlib.suppress(OSError):
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if hard:
                writer.transport.abort()
            else:
                writer.close()


class FaultProxy:
    """Listens at one address and passes on to another; addresses are `127.0.0.1:5432` or `unix:/path`."""

    def __init__(self, target: str, *, listen: str = "127.0.0.1:0") -> None:
        """Begins with `start`."""
        self._target, self._listen = target, listen
        self._doses: dict[int, Dose] = {}
        self._numbers = itertools.count(1)
        self._lines: dict[int, _Line] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)
        #: Connections that were taken.
        self.taken = 0
        self.address = ""

    # --- control, from any thread -------------------------------------------------------------------------------

    def start(self) -> None:
        """Listen. Raises RuntimeError where that cannot be."""
        self._thread.start()
        if not self._ready.wait(_START_S) or not self.address:
            raise RuntimeError(f"nobody can listen on {self._listen}")

    def close(self) -> None:
        """Stop listening and end every connection."""
        if self._thread.is_alive() and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_START_S)

    @property
    def port(self) -> int:
        """Where it listens on TCP."""
        return int(self.address.rpartition(":")[2])

    def add(self, toxic: Toxic) -> int:
        """From now on, or from `toxic.after_s`; answers its number."""
        dose = Dose(next(self._numbers), toxic)
        self._doses = {number: each for number, each in self._doses.items() if not each.over} | {dose.number: dose}
        return dose.number

    def remove(self, number: int) -> None:
        """Take one out; what a time-out has swallowed stays lost."""
        if (dose := self._doses.get(number)) is not None:
            dose.take_out()

    def clear(self) -> None:
        """Take all out."""
        for number in list(self._doses):
            self.remove(number)

    def cut(self) -> None:
        """Reset every connection that there is, now."""
        self._loop.call_soon_threadsafe(self._cut)

    def touched(self, number: int) -> int:
        """How many connections a toxic has touched."""
        return self._doses[number].touched

    # --- in the loop --------------------------------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._ready.set()
            self._loop.close()
            if self._listen.startswith("unix:"):
                Path(self._listen.removeprefix("unix:")).unlink(missing_ok=True)

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        unix = self._listen.startswith("unix:")
        if unix:
            server = await asyncio.start_unix_server(self._accept, self._listen.removeprefix("unix:"))
        else:
            host, _, port = self._listen.rpartition(":")
            server = await asyncio.start_server(self._accept, host, int(port), reuse_address=True)
        self.address = self._listen if unix else "{}:{}".format(*server.sockets[0].getsockname()[:2])
        self._ready.set()
        await self._stop.wait()
        server.close()
        self._cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _cut(self) -> None:
        for line in list(self._lines.values()):
            line.end(hard=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.taken += 1
        line = _Line(self.taken, writer)
        self._lines[line.number] = line
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._converse(line, reader)
        except _Cut as cut:
            line.end(hard=cut.hard)
        except OSError:  # one of both went away; the other must hear of it
            line.end(hard=True)
        except asyncio.CancelledError:  # `close`; asyncio's streams take a cancelled task for a defect of theirs
            line.end(hard=True)
        finally:
            line.end(hard=False)
            del self._lines[line.number]
            self._tasks.discard(task)

    async def _converse(self, line: _Line, reader: asyncio.StreamReader) -> None:
        answers, line.server = await self._dial()
        pumps = [
            asyncio.create_task(self._pump(line, Direction.UP, reader, line.server)),
            asyncio.create_task(self._pump(line, Direction.DOWN, answers, line.client)),
        ]
        try:
            await asyncio.gather(*pumps)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._target.startswith("unix:"):
            return await asyncio.open_unix_connection(self._target.removeprefix("unix:"))
        host, _, port = self._target.rpartition(":")
        return await asyncio.open_connection(host, int(port))

    async def _pump(
        self, line: _Line, direction: Direction, source: asyncio.StreamReader, sink: asyncio.StreamWriter
    ) -> None:
        passed = 0
        while chunk := await source.read(_CHUNK):
            passed += await self._pass_on(line, direction, chunk, passed, sink)
        for dose in self._acting(line, direction, Kind.SLOW_CLOSE):
            await self._hold(dose, dose.toxic.hold_s)
        if sink.can_write_eof():
            sink.write_eof()

    async def _pass_on(
        self, line: _Line, direction: Direction, chunk: bytes, passed: int, sink: asyncio.StreamWriter
    ) -> int:
        for dose in self._acting(line, direction, Kind.RESET):
            await self._hold(dose, dose.toxic.hold_s)
            raise _Cut(hard=True)
        for dose in self._acting(line, direction, Kind.TIMEOUT):
            await self._hold(dose, dose.toxic.hold_s or float("inf"))
            raise _Cut(hard=False)
        for dose in self._acting(line, direction, Kind.LATENCY):
            await self._hold(dose, dose.pause_s())
        limits = [dose.toxic.limit_bytes for dose in self._acting(line, direction, Kind.LIMIT)]
        left = max(0, min(limits) - passed) if limits else len(chunk)
        await self._write(line, direction, chunk[:left], sink)
        if left < len(chunk):
            raise _Cut(hard=False)
        return len(chunk)

    async def _write(self, line: _Line, direction: Direction, chunk: bytes, sink: asyncio.StreamWriter) -> None:
        """In pieces where somebody wants that; each waits until the ones before it are gone."""
        while chunk:
            slices = self._acting(line, direction, Kind.SLICE)
            rates = self._acting(line, direction, Kind.BANDWIDTH)
            size = min([len(chunk), *(dose.toxic.piece_bytes for dose in slices)])
            if rates:
                # A fiftieth of a second at a time, so that one whose time is over lets go at once.
                size = min(size, max(1, int(min(dose.toxic.bytes_per_s for dose in rates) / 50)))
            sink.write(chunk[:size])
            await sink.drain()
            for dose in rates:
                await self._hold(dose, size / dose.toxic.bytes_per_s)
            for dose in slices:
                await self._hold(dose, dose.toxic.hold_s)
            chunk = chunk[size:]

    def _acting(self, line: _Line, direction: Direction, kind: Kind) -> list[Dose]:
        doses = list(self._doses.values())
        return [dose for dose in doses if dose.toxic.kind is kind and dose.acts_on(line.number, direction)]

    async def _hold(self, dose: Dose, seconds: float) -> None:
        """Wait so long, or until the toxic is over."""
        until = self._loop.time() + seconds
        # Its end comes from another thread, or with the time: there is no event that says both.
        while not dose.over and (left := until - self._loop.time()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(left, _LOOK_S))


@contextlib.contextmanager
def running_proxy(target: str, *, listen: str = "127.0.0.1:0") -> Iterator[FaultProxy]:
    """A proxy in a thread of this process for the length of the `with` block."""
    proxy = FaultProxy(target, listen=listen)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.close()
