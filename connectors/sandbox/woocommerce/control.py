"""What a test or the demo asks of the shop, beside the routes of `connectors.sandbox.server`.

GET  /_sandbox/shop                      how many orders, products, webhooks there are, the mode, the clock
POST /_sandbox/orders                    {"count": 5, "seed": 1, "variety": "demo"}: customers place orders now
POST /_sandbox/backlog                   {"count": 100, "seed": 1, "days": 30, "variety": "full"}: past orders
POST /_sandbox/sell                      {"sku": "SIEB-ST", "quantity": 1} or {"lines": [...]}: a customer buys it now
POST /_sandbox/stock                     {"sku": "SIEB-ST", "quantity": 5, "manage_stock": true, "backorders": "no"}
POST /_sandbox/orders/{id}/edit          see `edits.edit_order`: an administrator changes it
POST /_sandbox/orders/{id}/cancel        an administrator, or its customer, cancels it
POST /_sandbox/orders/{id}/refund        see `edits.refund_order`: an administrator gives money back
GET  /_sandbox/mails                     what customers were mailed: notes, and news of their parcels
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
from connectors.sandbox.woocommerce.calls import number_of
from connectors.sandbox.woocommerce.deliveries import Behaviour, Deliveries
from connectors.sandbox.woocommerce.edits import edit_order, refund_order
from connectors.sandbox.woocommerce.errors import WpError
from connectors.sandbox.woocommerce.generator import VARIETIES, Generator
from connectors.sandbox.woocommerce.products import update_product
from connectors.sandbox.woocommerce.sent_orders import update_from
from connectors.sandbox.woocommerce.shop import Json, OrderRow, Shop

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
        router.add("POST", "/_sandbox/sell", _answered(self._sell))
        router.add("POST", "/_sandbox/stock", _answered(self._set_stock))
        router.add("POST", "/_sandbox/orders/{order_id}/edit", _answered(self._edit))
        router.add("POST", "/_sandbox/orders/{order_id}/cancel", _answered(self._cancel))
        router.add("POST", "/_sandbox/orders/{order_id}/refund", _answered(self._refund))
        router.add("GET", "/_sandbox/mails", lambda _request: json_response({"mails": list(self._shop.mails)}))
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

    def _sell(self, request: Request) -> Response:
        asked = _asked(request)
        lines = asked.pop("lines", None) or [{"sku": asked.pop("sku", ""), "quantity": asked.pop("quantity", 1)}]
        pairs = [(self._product(line.get("sku")), int(line.get("quantity", 1))) for line in lines]
        row = self._generator(asked).sell(pairs)
        return json_response({"id": row.id}, 201)

    def _set_stock(self, request: Request) -> Response:
        asked = _asked(request)
        product = self._product(asked.pop("sku", ""))
        sent = {"stock_quantity" if name == "quantity" else name: value for name, value in asked.items()}
        _refuse_unknown(sent, {"stock_quantity", "manage_stock", "backorders"})
        with self._shop.lock:
            changed = update_product(self._shop, product, sent)
        return json_response({"id": changed["id"], "sku": changed["sku"], "quantity": changed["stock_quantity"]})

    def _product(self, sku: object) -> Json:
        number = self._shop.skus.get(str(sku))
        if number is None:
            raise ValueError(f"the shop sells no {sku!r}")
        return self._shop.products[number]

    def _edit(self, request: Request, order_id: str) -> Response:
        return _order(edit_order(self._shop, number_of(order_id), _asked(request)))

    def _cancel(self, _request: Request, order_id: str) -> Response:
        return _order(update_from(self._shop, number_of(order_id), {"status": "cancelled"}))

    def _refund(self, request: Request, order_id: str) -> Response:
        refund = refund_order(self._shop, number_of(order_id), _asked(request))
        return json_response({"id": refund["id"], "amount": refund["amount"]}, 201)

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


def _answered(act: Handler) -> Handler:
    """What the shop refuses is answered as it would answer its REST client."""

    def handle(request: Request, **segments: str) -> Response:
        try:
            return act(request, **segments)
        except WpError as error:
            return json_response(error.as_json(), error.status)

    return handle


def _order(row: OrderRow) -> Response:
    order = row.document()
    return json_response({"id": row.id, "status": row.status, "total": order["total"], "modified": row.modified})


def _asked(request: Request) -> Json:
    asked: Any = request.json() if request.body else {}
    if not isinstance(asked, dict):
        raise ValueError("send a JSON object")  # noqa: TRY004 - the client's mistake, answered with 400
    return asked


def _refuse_unknown(asked: Json, known: frozenset[str] | set[str]) -> None:
    unknown = asked.keys() - known
    if unknown:
        raise ValueError(f"unknown field {min(unknown)!r}, known are {', '.join(sorted(known))}")
