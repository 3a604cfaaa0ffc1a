"""The whole shop as one app: routes, who asks, errors; and its control routes under `/_sandbox/`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.sandbox.catalogue import Product, catalogue
from connectors.sandbox.exchange import Request, Response, Router
from connectors.sandbox.faults import FaultPlan
from connectors.sandbox.ledger import Ledger
from connectors.sandbox.server import Server, serve
from connectors.sandbox.woocommerce import api_order_parts, api_orders, api_products, api_site, api_webhooks
from connectors.sandbox.woocommerce.auth import Authenticator, check_permission
from connectors.sandbox.woocommerce.calls import Call, Store
from connectors.sandbox.woocommerce.control import Control
from connectors.sandbox.woocommerce.deliveries import Behaviour, Deliveries
from connectors.sandbox.woocommerce.errors import WpError, no_route
from connectors.sandbox.woocommerce.products import add_catalogue
from connectors.sandbox.woocommerce.render import Renderer
from connectors.sandbox.woocommerce.settings import ShopSettings
from connectors.sandbox.woocommerce.shop import Shop

_V3 = "/wp-json/wc/v3"
Handler = Callable[..., Response]

#: path -> method -> handler; POST and PATCH on a record are WordPress' other names of PUT.
_ROUTES: dict[str, dict[str, Handler]] = {
    f"{_V3}/orders": {"GET": api_orders.list_orders, "POST": api_orders.create_order},
    f"{_V3}/orders/batch": dict.fromkeys(("POST", "PUT", "PATCH"), api_orders.batch_orders),
    f"{_V3}/orders/{{order_id}}": {
        "GET": api_orders.read_order,
        **dict.fromkeys(("POST", "PUT", "PATCH"), api_orders.update_order),
        "DELETE": api_orders.delete_order,
    },
    f"{_V3}/orders/{{order_id}}/refunds": {"GET": api_order_parts.list_refunds, "POST": api_order_parts.post_refund},
    f"{_V3}/orders/{{order_id}}/notes": {"GET": api_order_parts.list_notes, "POST": api_order_parts.post_note},
    f"{_V3}/orders/{{order_id}}/fulfillments": {
        "GET": api_order_parts.list_fulfillments,
        "POST": api_order_parts.post_fulfillment,
    },
    f"{_V3}/orders/{{order_id}}/fulfillments/{{fulfillment_id}}": {
        "GET": api_order_parts.read_fulfillment,
        **dict.fromkeys(("POST", "PUT", "PATCH"), api_order_parts.put_fulfillment),
        "DELETE": api_order_parts.delete_fulfillment,
    },
    f"{_V3}/refunds": {"GET": api_order_parts.list_all_refunds},
    f"{_V3}/products": {"GET": api_products.list_products, "POST": api_products.post_product},
    f"{_V3}/products/batch": dict.fromkeys(("POST", "PUT", "PATCH"), api_products.batch_products),
    f"{_V3}/products/{{product_id}}": {
        "GET": api_products.read_product,
        **dict.fromkeys(("POST", "PUT", "PATCH"), api_products.put_product),
        "DELETE": api_products.delete_product,
    },
    f"{_V3}/products/{{product_id}}/variations": {
        "GET": api_products.list_variations,
        "POST": api_products.post_variation,
    },
    f"{_V3}/products/{{product_id}}/variations/batch": dict.fromkeys(
        ("POST", "PUT", "PATCH"), api_products.batch_variations
    ),
    f"{_V3}/products/{{product_id}}/variations/{{variation_id}}": {
        "GET": api_products.read_variation,
        **dict.fromkeys(("POST", "PUT", "PATCH"), api_products.put_variation),
        "DELETE": api_products.delete_variation,
    },
    f"{_V3}/webhooks": {"GET": api_webhooks.list_webhooks, "POST": api_webhooks.post_webhook},
    f"{_V3}/webhooks/{{webhook_id}}": {
        "GET": api_webhooks.read_webhook,
        **dict.fromkeys(("POST", "PUT", "PATCH"), api_webhooks.put_webhook),
        "DELETE": api_webhooks.delete_webhook,
    },
    f"{_V3}/settings/general": {"GET": api_site.general_settings},
    f"{_V3}/settings/tax/{{name}}": {"GET": api_site.tax_setting},
    f"{_V3}/data/currencies/current": {"GET": api_site.current_currency},
    f"{_V3}/system_status": {"GET": api_site.system_status},
    "/wp-json/": {"GET": api_site.index},
    "/wp-json": {"GET": api_site.index},
}
_UNAUTHORISED = 401
_ALLOWED = ("GET", "POST", "PUT", "PATCH", "DELETE")


class WooCommerce:
    """One shop as an app for `connectors.sandbox.server`."""

    def __init__(self, shop: Shop, *, behaviour: Behaviour | None = None, record: Path | None = None) -> None:
        """`record`: see `Deliveries`."""
        self.shop = shop
        self.renderer = Renderer(shop, shop.settings.host)
        self.deliveries = Deliveries(shop, self.renderer, behaviour, record=record)
        self._store = Store(shop, self.renderer, self.deliveries)
        self._authenticator = Authenticator(shop.settings.keys)
        self._router: Router[_Bound] = Router()
        for path, methods in _ROUTES.items():
            allow = ", ".join(method for method in _ALLOWED if method in methods)
            for method, handler in methods.items():
                self._router.add(method, path, _Bound(handler, allow))

    def at(self, server: Server) -> None:
        """Take the server's address into the links, unless the settings name a host, and hang in the control routes."""
        self.renderer.host = self.shop.settings.host or f"127.0.0.1:{server.port}"
        Control(self.shop, self.deliveries).add_routes(server.control)

    def subscribe(self, url: str, secret: str) -> None:
        """Subscribe `url` to all order topics, as an administrator does in the shop's settings; no ping."""
        for topic in ("order.created", "order.updated", "order.deleted"):
            webhook = api_webhooks.make_webhook(self.shop, topic=topic, delivery_url=url, secret=secret)
            api_webhooks.keep_webhook(self.shop, webhook)

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        down = api_site.down_page(self.shop)
        if down is not None:
            return down
        call = Call(self._store, request, None)
        try:
            if request.target.startswith("/?rest_route="):
                # Plain permalinks: the recorded shop does not take REST keys on this path (151).
                call.require("list")
            call.key = self._authenticator.authenticate(request, time.time() + self.shop.clock_offset_s)
            check_permission(call.key, request.method)
            found = self._router.find("GET" if request.method == "HEAD" else request.method, request.path)
            if found is None:
                raise no_route()
            bound, segments = found
            call.allow = bound.allow
            return bound.handler(call, **segments)
        except WpError as error:
            if error.status == _UNAUTHORISED or error.code == "rest_no_route":
                call.allow = ""  # WordPress names only the methods that the caller may use
            return call.reply(error.as_json(), error.status)


class _Bound:
    """A handler with the methods of its route."""

    def __init__(self, handler: Handler, allow: str) -> None:
        self.handler = handler
        self.allow = allow


@contextmanager
def serve_shop(
    settings: ShopSettings | None = None,
    *,
    port: int = 0,
    products: tuple[Product, ...] | None = None,
    ledger: Ledger | None = None,
    plan: FaultPlan | None = None,
    behaviour: Behaviour | None = None,
) -> Iterator[tuple[Server, WooCommerce]]:
    """A shop with the shared catalogue on loopback for the length of the `with` block."""
    shop = Shop(settings or ShopSettings(), ledger=ledger)
    add_catalogue(shop, catalogue() if products is None else products)
    with serve_app(shop, port=port, plan=plan, behaviour=behaviour) as served:
        yield served


@contextmanager
def serve_app(
    shop: Shop, *, port: int = 0, plan: FaultPlan | None = None, behaviour: Behaviour | None = None
) -> Iterator[tuple[Server, WooCommerce]]:
    """An existing shop on loopback."""
    app = WooCommerce(shop, behaviour=behaviour)
    try:
        with serve(app, port=port, name="woocommerce", plan=plan, ledger=shop.ledger) as server:
            app.at(server)
            yield server, app
    finally:
        app.deliveries.close()
