"""Routes about the shop itself, and the pages that it shows when it is down."""

from __future__ import annotations

import datetime as dt

from connectors.sandbox.exchange import Response
from connectors.sandbox.woocommerce.calls import NO_CACHE, Call
from connectors.sandbox.woocommerce.shop import Json, Shop

_NAMES = {"EUR": "Euro", "JPY": "Japanese yen", "KWD": "Kuwaiti dinar", "USD": "United States (US) dollar"}
_ENTITIES = {"EUR": "&euro;", "JPY": "&yen;", "USD": "&#36;", "GBP": "&pound;"}
_PRODUCT_TYPES = ("external", "grouped", "simple", "variable")
_VISIBILITY = (
    "exclude-from-catalog",
    "exclude-from-search",
    "featured",
    "outofstock",
    *(f"rated-{stars}" for stars in range(1, 6)),
)
_FEATURES = (
    "analytics",
    "marketplace",
    "order_attribution",
    "site_visibility_badge",
    "remote_logging",
    "blueprint",
    "point_of_sale",
    "fulfillments",
    "push_notifications",
    "custom_order_tables",
)
_NAMESPACES = ("wc/v3", "wc/v2", "wc/v1", "wc/store", "wc/store/v1", "wp/v2")


def index(call: Call) -> Response:
    """GET /wp-json/: open to everybody."""
    settings, host = call.shop.settings, call.store.renderer.host
    offset = dt.datetime.now(settings.zone).utcoffset() or dt.timedelta()
    hours = offset.total_seconds() / 3600
    return call.reply(
        {
            "name": settings.title,
            "description": "",
            "url": f"http://{host}",
            "home": f"{call.scheme}://{host}",
            "gmt_offset": int(hours) if hours.is_integer() else hours,
            "timezone_string": settings.zone_name,
            "page_for_posts": 0,
            "page_on_front": 0,
            "show_on_front": "posts",
            "namespaces": list(_NAMESPACES),
            "authentication": {},
            "routes": {"/": {"namespace": "", "methods": ["GET"], "endpoints": []}},
            "site_logo": 0,
            "site_icon": 0,
            "site_icon_url": "",
            "_links": {"help": [{"href": "https://developer.wordpress.org/rest-api/"}]},
        }
    )


def general_settings(call: Call) -> Response:
    """GET /settings/general."""
    call.require("list")
    settings = call.shop.settings
    values = {
        "woocommerce_store_address": "Hafenstraße 7",
        "woocommerce_store_address_2": "",
        "woocommerce_store_city": "Hamburg",
        "woocommerce_default_country": settings.base_country,
        "woocommerce_store_postcode": "20457",
        "woocommerce_allowed_countries": "all",
        "woocommerce_all_except_countries": "",
        "woocommerce_specific_allowed_countries": "",
        "woocommerce_ship_to_countries": "",
        "woocommerce_specific_ship_to_countries": "",
        "woocommerce_default_customer_address": "base",
        "woocommerce_address_autocomplete_enabled": "no",
        "woocommerce_calc_taxes": "yes",
        "woocommerce_enable_coupons": "yes",
        "woocommerce_calc_discounts_sequentially": "no",
        "woocommerce_currency": settings.currency,
        "woocommerce_currency_pos": "left",
        "woocommerce_price_thousand_sep": ",",
        "woocommerce_price_decimal_sep": ".",
        "woocommerce_price_num_decimals": str(settings.decimals),
    }
    return call.reply([_setting(call, "general", name, value) for name, value in values.items()])


def tax_setting(call: Call, name: str) -> Response:
    """GET /settings/tax/{id}."""
    call.require("view")
    settings = call.shop.settings
    values = {
        "woocommerce_prices_include_tax": settings.prices_include_tax,
        "woocommerce_tax_round_at_subtotal": settings.round_at_subtotal,
    }
    return call.reply(_setting(call, "tax", name, "yes" if values.get(name) else "no"))


def _setting(call: Call, group: str, name: str, value: str) -> Json:
    return {
        "id": name,
        "label": name.removeprefix("woocommerce_").replace("_", " ").capitalize(),
        "description": "",
        "type": "text",
        "default": "",
        "tip": "",
        "value": value,
        "_links": {
            "self": [{"href": call.store.renderer.href(call.scheme, f"settings/{group}/{name}")}],
            "collection": [{"href": call.store.renderer.href(call.scheme, f"settings/{group}")}],
        },
    }


def current_currency(call: Call) -> Response:
    """GET /data/currencies/current."""
    call.require("view")
    code = call.shop.settings.currency
    renderer = call.store.renderer
    self_link = {"href": renderer.href(call.scheme, f"data/currencies/{code}"), "targetHints": {"allow": ["GET"]}}
    return call.reply(
        {
            "code": code,
            "name": _NAMES.get(code, code),
            "symbol": _ENTITIES.get(code, code),
            "_links": {
                "self": [self_link],
                "collection": [{"href": renderer.href(call.scheme, "data/currencies")}],
            },
        }
    )


def system_status(call: Call) -> Response:
    """GET /system_status: what a connector asks for."""
    call.require("view")
    settings = call.shop.settings
    return call.reply(
        {
            "environment": {
                "home_url": f"{call.scheme}://{call.store.renderer.host}",
                "site_url": f"{call.scheme}://{call.store.renderer.host}",
                "version": settings.version,
                "wp_version": settings.wordpress_version,
                "default_timezone": "UTC",
            },
            "settings": {
                "api_enabled": False,
                "force_ssl": False,
                "currency": settings.currency,
                "currency_symbol": _ENTITIES.get(settings.currency, settings.currency),
                "currency_position": "left",
                "thousand_separator": ",",
                "decimal_separator": ".",
                "number_of_decimals": settings.decimals,
                "geolocation_enabled": False,
                "taxonomies": {name: name for name in _PRODUCT_TYPES},
                "product_visibility_terms": {name: name for name in _VISIBILITY},
                "woocommerce_com_connected": "no",
                "enforce_approved_download_dirs": True,
                "order_datastore": r"Automattic\WooCommerce\Internal\DataStores\Orders\OrdersTableDataStore",
                "HPOS_enabled": True,
                "HPOS_sync_enabled": False,
                "enabled_features": [name for name in _FEATURES if name != "fulfillments" or settings.fulfillments],
            },
        }
    )


def down_page(shop: Shop) -> Response | None:
    """The page of a shop that is out of service; None when it is in service."""
    html = (("Date", shop.http_date()), ("Content-Type", "text/html; charset=UTF-8"), *NO_CACHE)
    if shop.mode == "maintenance":
        text = "Briefly unavailable for scheduled maintenance. Check back in a minute."
        return Response(503, _page("Maintenance", text), (("Retry-After", "600"), *html))
    if shop.mode == "database-down":
        return Response(500, _page("Database Error", "Error establishing a database connection"), html)
    return None


def _page(title: str, text: str) -> bytes:
    head = f"<head>\n\t<title>{title}</title>\n</head>"
    body = f'<body id="error-page">\n\t<div class="wp-die-message"><h1>{text}</h1></div>\n</body>'
    return f"<!DOCTYPE html>\n<html dir='ltr'>\n{head}\n{body}\n</html>\n".encode()
