"""A channel whose orders come as signed JSON."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hmac
import json

from config.model import Connection as Account
from config.model import Mode, ProfileFile, Secret
from sync.rules.systems import Systems
from sync.store.inbox import record_events
from sync.work.receive.receipts import make_events
from tests.sync.flows.world import CHANNEL, World

SECRET = "geheim-ß-1"
PROFILE = """
profile: hooks
extends: none
source:
  order:
    - {to: number, copy: source.no}
    - {to: external_id, copy: source.no}
    - {to: placed_at, copy: source.placed, then: [{date: {}}]}
    - {to: currency, constant: EUR}
    - {to: state, constant: processing}
    - {to: payment_state, constant: paid}
    - {to: tax_included, constant: no}
    - {to: totals.tax, constant: "0"}
    - {to: totals.grand, copy: source.total}
    - {to: customer.email, copy: source.mail}
  billing:
    from: source
    rules:
      - {to: last_name, copy: item.mail}
      - {to: street, constant: Weg 1}
      - {to: city, constant: Berlin}
      - {to: postal_code, constant: "10115"}
      - {to: country, constant: DE}
  lines:
    each: source.items
    rules:
      - {to: sku, copy: item.sku}
      - {to: name, copy: item.sku}
      - {to: quantity, constant: "1"}
      - {to: total, copy: item.net}
      - {to: tax, constant: "0"}
"""
OPTIONS = {"id": "no", "version": "at", "orders": "orders || @"}


def order(number, total="12.00", at="2026-11-22T10:00:00Z", **fields):
    return {
        "no": number,
        "at": at,
        "placed": "2026-11-10T09:00:00Z",
        "total": total,
        "mail": f"{number}@example.test",
        "items": [{"sku": "TASSE", "net": total}],
        **fields,
    }


def signed(document):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return body, {"X-Signature": hmac.digest(SECRET.encode(), body, "sha256").hex()}


class Hooks(World):
    """What a test holds in its hands; deliveries are verified and stored as the web process does it."""

    def __init__(self, store):
        super().__init__(store, rules={"duplicate_order": Mode.OFF, "price": Mode.OFF, "address": Mode.OFF})
        source = Account(name="shop", system="json", webhook_secrets=(Secret(SECRET),), options=OPTIONS)
        channel = dataclasses.replace(
            self.config.channels[CHANNEL], profile=ProfileFile("hooks.yaml", PROFILE), canary=0
        )
        self.config = dataclasses.replace(
            self.config, connections={**self.config.connections, "shop": source}, channels={CHANNEL: channel}
        )
        self.systems = Systems(self.config)
        self.systems._made["erp"] = self.erp
        self.runtime.config, self.runtime.systems = self.config, self.systems

    def deliver(self, document):
        body, headers = signed(document)
        delivery = self.systems.connector("shop").verify_webhook(body, headers)
        rows = list(make_events("shop", delivery, body, dt.datetime.now(dt.UTC)))
        return self.write(lambda c: record_events(c, rows, {"shop": [CHANNEL]}))
