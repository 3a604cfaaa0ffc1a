"""What a test or the demo asks of the shop, beside the routes of `connectors.sandbox.server`.

GET  /_sandbox/shop                      how many orders, products, webhooks there are, the mode, the clock
POST /_sandbox/orders                    {"count": 5, "seed": 1, "variety": "demo"}: customers place orders now
POST /_sandbox/backlog                   {"count": 100, "seed": 1, "days": 30, "variety": "full"}: past orders
POST /_sandbox/plant                     {"what": "unknown_sku" | "totals_mismatch" | "over_limit"}
POST /_sandbox/webhooks                  fields of `Behaviour`, and {"forge": n}: send n forged deliveries
GET  /_sandbox/deliveries                what was sent, what waits
POST /_sandbox/mode                      {"mode": "" | "maintenance" | "database-down"}
POST /_sandbox/clock                     {"offset_s": 3600}
POST /_sandbox/settings                  {"prices_include_tax": false, "fulfillments": false, ...}
"""

from __future__ import annotations

import dataclasses
from typing import Any

from connectors.sandbox.exchange import Handler, Request, Response, Router, json_response
from connectors.sandbox.woocommerce.deliveries import Behaviour, Deliveries
from connectors.sandbox.woocommerce.generator import VARIETIES, Generator
from connectors.sandbox.woocommerce.shop import Json, Shop

_MODES = ("", "maintenance", "database-down")
_SETTABLE = frozenset({"prices_include_tax", "round_at_subtotal", "fulfillments", "currency", "decimals", "zone_name"})


class Control:
    """The control routes of one shop."""

    def __init__(self, shop: Shop, deliveries: Deliveries) -> None:
        self._shop = shop
        self._deliveries = deliveries

    def add_routes(self, router: Router[Handler]) -> None:
        """Hang them into the server's control router."""
        router.add("GET", "/_sandbox/shop", self._describe)
        router.add("POST", "/_sandbox/orders", self._place)
        router.add("POST", "/_sandbox/backlog", self._backlog)
        router.add("POST", "/_sandbox/plant", self._plant)
        router.add("POST", "/_sandbox/webhooks", self._behave)
        router.add("GET", "/_sandbox/deliveries", lambda _request: json_response(self._deliveries.report()))
        router.add("POST", "/_sandbox/mode", self._set_mode)
        router.add("POST", "/_sandbox/clock", self._set_clock)
        router.add("POST", "/_sandbox/settings", self._set_settings)

    def _describe(self, _request: Request) -> Response:
        shop = self._shop
        return json_response(
            {
                "orders": len(shop.orders),
                "products": len(shop.products),
                "webhooks": len(shop.webhooks),
                "deliveries_waiting": self._deliveries.waiting,
                "mode": shop.mode,
                "now": f"{shop.now()}Z",
                "clock_offset_s": shop.clock_offset_s,
            }
        )

    def _generator(self, asked: Json) -> Generator:
        variety = str(asked.get("variety", "full"))
        if variety not in VARIETIES:
            raise ValueError(f"variety {variety!r} is none of {', '.join(VARIETIES)}")
        return Generator(self._shop, seed=int(asked.get("seed", 0)), variety=VARIETIES[variety])

    def _place(self, request: Request) -> Response:
        asked = _asked(request)
        rows = self._generator(asked).live(int(asked.get("count", 1)))
        return json_response({"ids": [row.id for row in rows]}, 201)

    def _backlog(self, request: Request) -> Response:
        asked = _asked(request)
        ids = self._generator(asked).backlog(int(asked.get("count", 1)), days=float(asked.get("days", 30)))
        return json_response({"ids": ids}, 201)

    def _plant(self, request: Request) -> Response:
        asked = _asked(request)
        row = self._generator(asked).plant(str(asked.get("what")))
        return json_response({"id": row.id, "what": asked.get("what")}, 201)

    def _behave(self, request: Request) -> Response:
        asked = _asked(request)
        forged = int(asked.pop("forge", 0))
        _refuse_unknown(asked, {field.name for field in dataclasses.fields(Behaviour)})
        self._deliveries.behave(dataclasses.replace(self._deliveries.behaviour, **asked))
        answered = self._deliveries.forge(forged) if forged else 0
        return json_response({"behaviour": dataclasses.asdict(self._deliveries.behaviour), "forged": answered})

    def _set_mode(self, request: Request) -> Response:
        mode = str(_asked(request).get("mode", ""))
        if mode not in _MODES:
            raise ValueError(f"mode {mode!r} is none of {', '.join(filter(None, _MODES))} or empty")
        self._shop.mode = mode
        return self._describe(request)

    def _set_clock(self, request: Request) -> Response:
        self._shop.clock_offset_s = float(_asked(request).get("offset_s", 0))
        return self._describe(request)

    def _set_settings(self, request: Request) -> Response:
        asked = _asked(request)
        _refuse_unknown(asked, _SETTABLE)
        with self._shop.lock:
            self._shop.settings = dataclasses.replace(self._shop.settings, **asked)
            for row in self._shop.orders.values():
                row.shown.clear()
        return json_response({name: getattr(self._shop.settings, name) for name in sorted(_SETTABLE)})


def _asked(request: Request) -> Json:
    asked: Any = request.json() if request.body else {}
    if not isinstance(asked, dict):
        raise ValueError("send a JSON object")  # noqa: TRY004 - the client's mistake, answered with 400
    return asked


def _refuse_unknown(asked: Json, known: frozenset[str] | set[str]) -> None:
    unknown = asked.keys() - known
    if unknown:
        raise ValueError(f"unknown field {min(unknown)!r}, known are {', '.join(sorted(known))}")
