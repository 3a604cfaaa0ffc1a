"""A load generator: keep-alive connections in one thread, so that it takes little of what it measures."""

from __future__ import annotations

import collections
import dataclasses
import re
import selectors
import socket
import statistics
import time

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


@dataclasses.dataclass
class Load:
    """What came back."""

    seconds: float
    #: Milliseconds of each request, from the moment at which it was due.
    latencies: list = dataclasses.field(default_factory=list)
    statuses: collections.Counter = dataclasses.field(default_factory=collections.Counter)

    @property
    def accepted(self):
        return sum(count for status, count in self.statuses.items() if 200 <= status < 300)

    @property
    def per_s(self):
        return self.accepted / self.seconds

    @property
    def errors(self):
        return sum(self.statuses.values()) - self.accepted

    def percentile(self, percent):
        if len(self.latencies) < 2:
            return float("nan")
        return statistics.quantiles(self.latencies, n=1000, method="inclusive")[round(percent * 10) - 1]


class Client:
    """One connection."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answer = b""
        self.due = 0.0

    def send(self, request, due):
        self.answer, self.due = b"", due
        self.socket.sendall(request)

    def receive(self):
        """The status when the answer is whole, else None; 0 when the server hung up."""
        data = self.socket.recv(65536)
        if not data:
            return 0
        self.answer += data
        head, found, body = self.answer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not found or (length and len(body) < int(length[1])):
            return None
        return int(head[9:12])


def load(port, make_request, *, seconds, connections=32, per_s=None):
    """Send `make_request()` over and over: as fast as answers come, or `per_s` a second whatever the answers do."""
    result = Load(seconds)
    idle = collections.deque(Client(port) for _ in range(connections))
    begun = time.perf_counter()
    sent = waiting = 0
    with selectors.DefaultSelector() as selector:
        for client in idle:
            selector.register(client.socket, selectors.EVENT_READ, client)
        while waiting or time.perf_counter() - begun < seconds:
            now = time.perf_counter()
            while idle and now - begun < seconds:
                due = begun + sent / per_s if per_s else now
                if due > now:
                    break
                idle.popleft().send(make_request(), due)
                sent, waiting = sent + 1, waiting + 1
            pause = 0.05 if not per_s or not idle else max(0.0, begun + sent / per_s - time.perf_counter())
            for key, _ in selector.select(min(pause, 0.05)):
                client = key.data
                status = client.receive()
                if status is None:
                    continue
                waiting -= 1
                result.statuses[status] += 1
                result.latencies.append((time.perf_counter() - client.due) * 1000)
                if status:
                    idle.append(client)
                else:
                    selector.unregister(client.socket)
        for client in list(selector.get_map().values()):
            client.data.socket.close()
    return result
