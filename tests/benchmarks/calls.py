"""How many calls an order costs, for each source into each ERP: of a batch, with customers and articles that are known.

    .venv/bin/python -m tests.benchmarks.calls [--orders 50] [--erp odoo] [--write]

Every call over HTTP is counted, from the question for changes to the confirmed sale that was read back. The pairs are
those of `tests/real/test_matrix.py`: Tryton is a real one. The figures do not depend on the machine. `--write` keeps
them for the documentation (`python -m tests.scorecard`).
"""

from __future__ import annotations

import argparse
import collections
import contextlib
from unittest import mock

from connectors.kit.http import HttpClient
from connectors.sandbox.tryton import running_tryton
from sync.store.engine import Store
from sync.store.migrate import migrate
from tests.benchmarks.installation import scratch
from tests.benchmarks.report import console, goal, table
from tests.matrix.basket import END
from tests.matrix.erps import STAND_INS, tryton
from tests.matrix.lane import Lane
from tests.matrix.sources import SOURCES
from tests.scorecard.recorded import CALLS, keep

#: Of Odoo with known customers and articles, in bulk.
GOAL_ODOO = 0.2


@contextlib.contextmanager
def counted():
    """Address of the connection -> calls."""
    calls = collections.Counter()
    send = HttpClient._exchange

    def exchange(client, call):
        calls[client.base_url] += 1
        return send(client, call)

    with mock.patch.object(HttpClient, "_exchange", exchange):
        yield calls


def measure(folder, source, erp, orders):
    """(calls of the source, calls of the ERP), both for one order."""
    store = Store.open(f"sqlite:///{folder / f'{source}-{erp.account.system}.sqlite'}")
    migrate(store)
    with SOURCES[source]() as shop, contextlib.closing(Lane(store, shop, erp)) as lane:
        shop.buy()
        lane.carry()
        numbers = [shop.buy() for _ in range(orders)]
        with counted() as calls:
            lane.carry()
            # A drain ends after a while, so that other channels have their turn.
            while any(lane.item(number).state == "ready" for number in numbers):
                lane.drain()
        states = {number: lane.item(number).state for number in numbers}
        assert set(states.values()) == {"done"}, (states, lane.causes())
        assert erp.end(lane.sale_id(numbers[-1])) == END
    store.engine.dispose()
    written = sum(count for url, count in calls.items() if url.startswith(erp.account.url))
    return (calls.total() - written) / orders, written / orders


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--orders", type=int, default=50)
    parser.add_argument("--erp", action="append", choices=("odoo", "tryton"), help="this one alone")
    parser.add_argument("--write", action="store_true", help="keep the figures for the documentation")
    options = parser.parse_args(arguments)
    wanted = options.erp or [*STAND_INS, "tryton"]
    screen = console()
    found = {}
    with screen.status("") as status, scratch() as folder, contextlib.ExitStack() as stack:
        erps = {name: stack.enter_context(make()) for name, make in STAND_INS.items() if name in wanted}
        if "tryton" in wanted:
            erps["tryton"] = tryton(stack.enter_context(running_tryton(folder / "tryton")))
        for source in SOURCES:
            for name, erp in erps.items():
                status.update(f"{source} -> {name}")
                read, write = measure(folder, source, erp, options.orders)
                found.setdefault(source, {})[name] = [round(read, 2), round(write, 2)]
    rows = [
        (source, *(f"{read:.2f} + {write:.2f}" for read, write in pairs.values())) for source, pairs in found.items()
    ]
    screen.print(
        table(f"calls for one of {options.orders} orders: of the source + of the ERP", ("source", *erps), rows)
    )
    if "odoo" in wanted:
        worst = max(pairs["odoo"][1] for pairs in found.values())
        screen.print(goal("calls of Odoo for an order, at most", worst, "<=", GOAL_ODOO))
    if options.write:
        keep(CALLS, {"orders": options.orders, "pairs": found})


if __name__ == "__main__":
    main()
