from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
import time

import pytest

from tests.faultproxy import RemoteProxy, Toxic, ToxicError, running_proxy
from tests.faultproxy.toxics import Direction, Kind, toxic_from_json

pytestmark = pytest.mark.loopback

#: Of what is waited for; only a hang gets there.
PATIENCE_S = 20.0


class _Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        # A line that is reset under it is what is tried here.
        with contextlib.suppress(OSError):
            while data := self.request.recv(65_536):
                self.request.sendall(data)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@pytest.fixture
def proxy():
    """Before a server that says again what it is told."""
    with _Server(("127.0.0.1", 0), _Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        with running_proxy("127.0.0.1:{1}".format(*server.server_address)) as running:
            yield running
        server.shutdown()
        thread.join()


@pytest.fixture
def dial(proxy):
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE_S))


def read(client: socket.socket, size: int) -> bytes:
    """So many bytes, or what came until the end."""
    data = b""
    while len(data) < size and (chunk := client.recv(size - len(data))):
        data += chunk
    return data


def ask(client: socket.socket, data: bytes) -> bytes:
    client.sendall(data)
    return read(client, len(data))


def seconds(work) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def test_without_a_toxic_every_byte_comes_through(dial):
    data = bytes(range(256)) * 4096
    client = dial()
    threading.Thread(target=client.sendall, args=(data,)).start()
    assert read(client, len(data)) == data


def test_the_end_of_one_side_is_passed_on_and_the_other_may_still_speak(dial):
    client = dial()
    client.sendall(b"last words")
    client.shutdown(socket.SHUT_WR)
    assert read(client, 100) == b"last words"


def test_latency_holds_each_direction_that_it_is_for(proxy, dial):
    proxy.add(Toxic(kind=Kind.LATENCY, hold_s=0.1))
    client = dial()
    assert seconds(lambda: ask(client, b"x")) >= 0.2


def test_bandwidth_lets_no_more_through(proxy, dial):
    proxy.add(Toxic(kind=Kind.BANDWIDTH, direction=Direction.DOWN, bytes_per_s=5000))
    client = dial()
    assert seconds(lambda: ask(client, b"x" * 1000)) >= 0.15


def test_a_slow_close_is_late(proxy, dial):
    proxy.add(Toxic(kind=Kind.SLOW_CLOSE, direction=Direction.UP, hold_s=0.2))
    client = dial()
    assert ask(client, b"x") == b"x"
    client.shutdown(socket.SHUT_WR)
    assert seconds(lambda: client.recv(1)) >= 0.15


def test_in_a_timeout_connections_are_taken_and_nothing_comes(proxy, dial):
    proxy.add(Toxic(kind=Kind.TIMEOUT, direction=Direction.UP))
    client = dial()
    client.sendall(b"x")
    client.settimeout(0.1)
    with pytest.raises(TimeoutError):
        client.recv(1)
    client.settimeout(PATIENCE_S)
    proxy.clear()
    # What it swallowed is lost, so the line cannot go on.
    assert client.recv(1) == b""


def test_a_reset_is_one(proxy, dial):
    client = dial()
    assert ask(client, b"x") == b"x"
    proxy.add(Toxic(kind=Kind.RESET, direction=Direction.DOWN))
    with pytest.raises(ConnectionResetError):
        ask(client, b"x")


def test_slices_are_small_and_lose_nothing(proxy, dial):
    proxy.add(Toxic(kind=Kind.SLICE, direction=Direction.DOWN, piece_bytes=3, hold_s=0.01))
    client = dial()
    client.sendall(b"0123456789")
    assert len(client.recv(100)) < 10
    assert len(read(client, 7)) >= 4


def test_a_limit_closes_after_so_many_bytes(proxy, dial):
    proxy.add(Toxic(kind=Kind.LIMIT, direction=Direction.DOWN, limit_bytes=5))
    client = dial()
    client.sendall(b"0123456789")
    assert read(client, 100) == b"01234"


def test_a_toxic_begins_and_ends_by_itself(proxy, dial):
    proxy.add(Toxic(kind=Kind.LIMIT, limit_bytes=0, after_s=0.3, for_s=0.3))
    assert ask(dial(), b"x") == b"x"
    time.sleep(0.35)
    assert ask(dial(), b"x") == b""
    time.sleep(0.35)
    assert ask(dial(), b"x") == b"x"


def test_one_that_is_taken_out_ends_at_once(proxy, dial):
    number = proxy.add(Toxic(kind=Kind.LATENCY, hold_s=600))
    client = dial()
    client.sendall(b"x")
    proxy.remove(number)
    assert client.recv(1) == b"x"


def test_the_seed_chooses_the_connections(proxy, dial):
    def hit(seed: int) -> list[bool]:
        number = proxy.add(Toxic(kind=Kind.LIMIT, limit_bytes=0, probability=0.5, seed=seed))
        hits = [ask(dial(), b"x") == b"" for _ in range(8)]
        proxy.remove(number)
        return hits

    first = hit(1)
    assert hit(1) == first
    assert 0 < sum(first) < 8


def test_a_cut_resets_all_that_is_open(proxy, dial):
    clients = [dial(), dial()]
    assert [ask(client, b"x") for client in clients] == [b"x", b"x"]
    proxy.cut()
    for client in clients:
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_where_nobody_is_the_dialler_is_refused_and_the_proxy_goes_on(free_port):
    with running_proxy(f"127.0.0.1:{free_port}") as proxy:
        # As soon as it is connected, or as it begins to listen.
        with pytest.raises(ConnectionResetError), socket.create_connection(("127.0.0.1", proxy.port)) as client:
            client.recv(1)
        with (
            socket.create_server(("127.0.0.1", free_port)) as server,
            socket.create_connection(("127.0.0.1", proxy.port)),
        ):
            server.settimeout(PATIENCE_S)
            server.accept()[0].close()


@pytest.fixture
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def test_it_speaks_to_unix_sockets_too(short_path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(short_path / "there"))
    listener.listen()
    here = short_path / "here"
    with running_proxy(f"unix:{short_path / 'there'}", listen=f"unix:{here}"), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(here))
        server, _ = listener.accept()
        client.sendall(b"ping")
        assert server.recv(4) == b"ping"
        server.close()
    listener.close()
    assert not here.exists()


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ({"kind": "gremlins"}, "gremlins"),
        ({"kind": "latency", "hold": 1}, "hold"),
        ({"kind": "bandwidth"}, "bytes_per_s"),
        ({"kind": "slice"}, "piece_bytes"),
        ({"kind": "limit"}, "limit_bytes"),
        ({"kind": "reset", "direction": "sideways"}, "sideways"),
    ],
)
def test_a_script_that_cannot_be_says_which_field(script, fault):
    with pytest.raises(ToxicError, match=fault):
        toxic_from_json(script)


def test_as_a_process_it_does_what_it_is_told_and_ends_with_its_stdin(free_port):
    proxy = RemoteProxy(f"127.0.0.1:{free_port}")
    try:
        with socket.create_server(("127.0.0.1", free_port)) as server:
            number = proxy.add(Toxic(kind=Kind.LIMIT, limit_bytes=0))
            assert number == 1
            proxy.clear()
            with socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE_S) as client:
                client.sendall(b"x")
                there, _ = server.accept()
                with there:
                    assert there.recv(1) == b"x"
                    proxy.cut()
                    with pytest.raises(ConnectionResetError):
                        client.recv(1)
    finally:
        proxy.close()
