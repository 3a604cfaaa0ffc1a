"""The limit of a drain: the same calls per order straight at the ERP, over so many connections, with nothing else done.

One thread that builds no request twice and reads no more of an answer than it needs.
"""

from __future__ import annotations

import collections
import re
import selectors
import time
from concurrent.futures import ThreadPoolExecutor

import orjson

from connectors.kit.base import ConnectorSettings
from connectors.kit.strict_json import loads
from connectors.sandbox.erp import DEFAULT_API_KEY
from connectors.sandbox_erp import SandboxErp
from mappings.base import SourceOptions, TargetOptions
from mappings.canonical.refs import Ref
from mappings.registry import SOURCES, TARGETS
from tests.benchmarks.backlog import CHANNEL
from tests.benchmarks.load import Client

#: The id of each sale in an answer; its other members have names of their own.
_ID = re.compile(rb'"id":(\d+)')


def converse(port, conversations, connections):
    """Run conversations, as many at a time as there are connections; answers how many seconds that took.

    A conversation is a generator: it yields a request and is sent the whole answer.
    """
    waiting = collections.deque(conversations)
    begun = time.perf_counter()
    with selectors.DefaultSelector() as selector:
        for _ in range(connections):
            client = Client(port)
            selector.register(client.socket, selectors.EVENT_READ, [client, None])
        talking = sum(_next(key.data, waiting, None) for key in list(selector.get_map().values()))
        while talking:
            for key, _ in selector.select():
                client = key.data[0]
                status = client.receive()
                if status is None:
                    continue
                if status != 200:
                    raise SystemExit(f"the ERP answered {status}: {client.answer[:500]}")
                talking -= not _next(key.data, waiting, client.answer)
        spent = time.perf_counter() - begun
        for key in list(selector.get_map().values()):
            key.data[0].socket.close()
    return spent


def _next(slot, waiting, answer):
    """Send what this connection's conversation says next, or begin another; False when there is none left."""
    client, conversation = slot
    while True:
        if conversation is None:
            if not waiting:
                return False
            slot[1] = conversation = waiting.popleft()
            answer = None
        try:
            client.send(conversation.send(answer), time.perf_counter())
        except StopIteration:
            conversation = None
        else:
            return True


def sale_payloads(erp, backlog):
    """The sale of each order, as ours sends it; makes the customers in the ERP before anything is measured."""
    source, mapping, options = SOURCES["woocommerce"], TARGETS["sandbox_erp"], TargetOptions(channel=CHANNEL)
    target = SandboxErp(ConnectorSettings(name="erp", url=erp.url, key=DEFAULT_API_KEY, allow_hosts=("127.0.0.1",)))
    orders = [source.order(loads(body), SourceOptions()) for body in backlog.bodies]
    known = target.resolve(frozenset().union(*(mapping.references(order, options) for order in orders)))
    parties = {}
    for order in orders:
        party = mapping.party(order, known, options)
        if party is not None:
            parties[party["code"]] = party
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(target.save_party, parties.values()))
    target.close()
    known.update({Ref("party", party["code"]): party for party in made})
    return [mapping.sale(order, known, options) | {"shop": "crossdock"} for order in orders]


def order_conversation(sales):
    """Create, confirm and read back, all of these in each call."""
    answer = yield _request("POST", "/api/sales", orjson.dumps(sales))
    ids = _ID.findall(answer)
    assert len(ids) == len(sales)
    yield _request("POST", "/api/sales/advance", b'{"ids":[%b],"state":"confirmed"}' % b",".join(ids))
    yield _request("GET", "/api/sales?" + "&".join(f"id={number.decode()}" for number in ids), b"")


def _request(method, target, body):
    head = (
        f"{method} {target} HTTP/1.1\r\nHost: erp\r\nAuthorization: Bearer {DEFAULT_API_KEY}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def run(erp, sales, *, bulk, connections):
    """Sales a second."""
    conversations = [order_conversation(sales[start : start + bulk]) for start in range(0, len(sales), bulk)]
    return len(sales) / converse(erp.port, conversations, connections)
