"""What else writes while deliveries come: drains that commit batches, and a pull. `python -m ... drain|pull URL`."""

from __future__ import annotations

import datetime as dt
import json
import sys
import time

from connectors.kit.base import Envelope, Page
from sync.flows.pull import pull
from sync.store.attempts import NewAttempt, save_attempts
from sync.store.bodies import pack
from sync.store.engine import DatabaseBusy, Store
from sync.store.items import Leave, claim, leave
from sync.store.leases import open_lease
from sync.store.states import ItemState

BATCH = 64
#: A window of 8 calls at 20 ms each works off a batch of 64 in this time.
BATCH_S = 64 / 8 * 0.020
PAGE = 50
PAGE_S = 0.1


def drain(store):
    """Claim, wait as long as the ERP would take, write how it ended: with the statements of a real drain."""

    def lease(c):
        return open_lease(
            c, channel="webshop", kind="order", target="erp", holder="bench", concurrency=64, lease_s=3600
        )

    batches(store, store.write(lease))


def batches(store, lease):
    while True:
        begun = dt.datetime.now(dt.UTC)
        items = store.write(lambda c: claim(c, lease, BATCH))
        time.sleep(BATCH_S if items else 0.05)
        exchange = pack(json.dumps({"request": "x" * 1500, "answer": "y" * 1500}).encode())
        tries = [
            NewAttempt(
                item_id=item.id,
                lease_token=lease.token,
                started_at=begun,
                ended_at=dt.datetime.now(dt.UTC),
                outcome="done",
                exchanges=exchange,
            )
            for item in items
        ]
        leaves = [Leave(item=item, state=ItemState.DONE, looked=True, done_digest=item.event_digest) for item in items]
        store.write(lambda c, tries=tries, leaves=leaves: (save_attempts(c, tries), leave(c, lease, leaves)))


class EndlessShop:
    """A shop in which orders change faster than anybody can read."""

    def pull_orders(self, checkpoint, *, since=None):
        number = 0
        while True:
            time.sleep(PAGE_S)
            now = dt.datetime.now(dt.UTC).isoformat()
            rows = [{"id": f"p{number + i}", "changed": now, "text": "x" * 2000} for i in range(PAGE)]
            number += PAGE
            yield Page(tuple(Envelope(row["id"], now, row) for row in rows), now)


def main(what, url):
    store = Store.open(url)
    while True:
        try:
            if what == "drain":
                drain(store)
            else:
                pull(store, EndlessShop(), "shop", ["webshop"], since=dt.datetime.now(dt.UTC))
        except DatabaseBusy:
            time.sleep(0.1)


if __name__ == "__main__":
    main(*sys.argv[1:])
