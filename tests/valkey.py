"""A real Valkey on a unix socket of the test's own folder, which the test may kill, freeze, empty or fill."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from config.model import Secret
from sync.work.valkey import answers, command, find_server
from tests.shared import PATIENCE_S


class ValkeyServer:
    """The server as `crossdock run` starts it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "data"
        self.socket = folder / "valkey.sock"
        self.url = Secret(f"unix://{self.socket}")
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: list[Redis] = []

    def start(self, *flags: str) -> None:
        """Start it and wait until it answers; later flags win over those of `crossdock run`."""
        self.folder.mkdir(exist_ok=True)
        argv = [*command(find_server(), socket=self.socket, folder=self.folder), *flags]
        self._process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE_S
        while not answers(self.url):
            assert self._process.poll() is None, f"Valkey ended with {self._process.returncode}"
            assert time.monotonic() < deadline, "Valkey does not answer"
            time.sleep(0.01)

    def client(self) -> Redis:
        """A connection for the test itself, closed with the server."""
        client = Redis.from_url(self.url.reveal())
        self._clients.append(client)
        return client

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def empty(self) -> None:
        """Take away what it wrote; only while it is dead."""
        shutil.rmtree(self.folder)

    @property
    def process_id(self) -> int:
        assert self._process is not None
        return self._process.pid

    def freeze(self) -> None:
        """From now on it takes connections and gives no answer, until `thaw`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self.kill()


@pytest.fixture
def short_path() -> Iterator[Path]:
    """An empty folder whose path leaves room for a socket's name; on some machines pytest's own are too long."""
    folder = Path(tempfile.mkdtemp(prefix="cd-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def idle_valkey(short_path: Path) -> Iterator[ValkeyServer]:
    """A server that the test starts itself."""
    server = ValkeyServer(short_path)
    yield server
    server.close()


@pytest.fixture
def valkey(idle_valkey: ValkeyServer) -> ValkeyServer:
    """A running server with the settings of `crossdock run`."""
    idle_valkey.start()
    return idle_valkey
