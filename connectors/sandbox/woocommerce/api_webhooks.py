"""Routes of webhook subscriptions."""

from __future__ import annotations

from connectors.sandbox.exchange import Response
from connectors.sandbox.woocommerce.calls import Call, number_of
from connectors.sandbox.woocommerce.errors import WpError, invalid_id, invalid_param
from connectors.sandbox.woocommerce.query import page_of, paging_headers, read_query
from connectors.sandbox.woocommerce.shop import Json, Shop

HOOKS = {
    "order.created": ["woocommerce_new_order"],
    "order.updated": ["woocommerce_update_order", "woocommerce_order_refunded"],
    "order.deleted": ["wp_trash_post", "woocommerce_trash_order"],
    "order.restored": ["untrashed_post", "woocommerce_untrash_order"],
    "product.created": ["woocommerce_process_product_meta", "woocommerce_new_product"],
    "product.updated": [
        "woocommerce_process_product_meta",
        "woocommerce_update_product",
        "woocommerce_update_product_variation",
    ],
    "product.deleted": ["wp_trash_post"],
}
_STATUSES = ("active", "paused", "disabled")


def list_webhooks(call: Call) -> Response:
    """GET /webhooks, newest first; `status=active` filters."""
    query = read_query(call.request.query)
    call.require("list")
    wanted = query.get("status", "all")
    with call.shop.lock:
        found = [hook for hook in call.shop.webhooks.values() if wanted in {"all", hook["status"]}]
        # By date, those of one second by id in either direction (recorded).
        found.sort(key=lambda hook: hook["date_created_gmt"], reverse=query.order == "desc")
        shown = [_show(call, hook) for hook in page_of(query, found)]
    address = call.store.renderer.href(call.scheme, "webhooks")
    return call.reply(shown, headers=paging_headers(query, len(found), address))


def read_webhook(call: Call, webhook_id: str) -> Response:
    """GET /webhooks/{id}."""
    webhook = _webhook(call, webhook_id)
    call.require("view")
    return call.reply(_show(call, webhook))


def post_webhook(call: Call) -> Response:
    """POST /webhooks. The receiver is pinged first; what it answers changes nothing."""
    sent = call.json()
    topic = str(sent.get("topic") or "")
    _check_address(sent)
    if topic not in HOOKS and not topic.startswith("action."):
        code = "woocommerce_rest_shop_webhook_invalid_topic"
        raise WpError(400, code, "Webhook topic is required and must be valid.")
    call.require("create")
    webhook = make_webhook(
        call.shop,
        topic=topic,
        delivery_url=str(sent["delivery_url"]),
        secret=str(sent.get("secret") or ""),
        name=str(sent.get("name") or ""),
        status=_status(sent, "active"),
    )
    call.store.deliveries.ping(webhook)
    keep_webhook(call.shop, webhook)
    return call.created(_show(call, webhook), f"webhooks/{webhook['id']}")


def make_webhook(
    shop: Shop, *, topic: str, delivery_url: str, secret: str, name: str = "", status: str = "active"
) -> Json:
    """A subscription, not yet kept."""
    return {
        "id": shop.ids.take("webhook"),
        "name": name or f"Webhook created on {shop.now()}",
        "status": status,
        "topic": topic,
        "hooks": HOOKS.get(topic, [topic.removeprefix("action.")]),
        "delivery_url": delivery_url,
        "secret": secret,
        "date_created_gmt": shop.now(),
        "date_modified_gmt": None,
        "failure_count": 0,
    }


def keep_webhook(shop: Shop, webhook: Json) -> None:
    """Take the subscription up."""
    with shop.lock:
        shop.webhooks[webhook["id"]] = webhook
        shop.record_json("webhook.create", webhook["id"], webhook)


def put_webhook(call: Call, webhook_id: str) -> Response:
    """PUT /webhooks/{id}; `status: active` revives a disabled one and forgets its failures."""
    sent = call.json()
    with call.shop.lock:
        webhook = _webhook(call, webhook_id)
        call.require("edit")
        if "delivery_url" in sent:
            _check_address(sent)
        for name in ("name", "topic", "delivery_url", "secret"):
            webhook[name] = sent.get(name, webhook[name])
        webhook["hooks"] = HOOKS.get(webhook["topic"], webhook["hooks"])
        webhook["status"] = _status(sent, webhook["status"])
        if webhook["status"] == "active":
            webhook["failure_count"] = 0
        webhook["date_modified_gmt"] = call.shop.now()
        call.shop.record_json("webhook.update", webhook["id"], webhook)
    return call.reply(_show(call, webhook))


def delete_webhook(call: Call, webhook_id: str) -> Response:
    """DELETE /webhooks/{id}?force=true."""
    with call.shop.lock:
        webhook = _webhook(call, webhook_id)
        call.require("delete")
        if dict(call.request.query).get("force", "").lower() not in {"true", "1"}:
            raise WpError(501, "woocommerce_rest_trash_not_supported", "Webhooks do not support trashing.")
        del call.shop.webhooks[webhook["id"]]
        call.shop.record("webhook.delete", webhook["id"])
    return call.reply(_show(call, webhook))


def _show(call: Call, webhook: Json) -> Json:
    return call.store.renderer.webhook(webhook, call.scheme)


def _webhook(call: Call, webhook_id: str) -> Json:
    webhook = call.shop.webhooks.get(number_of(webhook_id, "shop_webhook"))
    if webhook is None:
        raise invalid_id("shop_webhook")
    return webhook


def _check_address(sent: Json) -> None:
    if not str(sent.get("delivery_url") or "").startswith(("http://", "https://")):
        code = "woocommerce_rest_shop_webhook_invalid_delivery_url"
        raise WpError(400, code, "Webhook delivery URL must be a valid URL starting with http:// or https://.")


def _status(sent: Json, default: str) -> str:
    status = str(sent.get("status", default))
    if status not in _STATUSES:
        raise invalid_param("status", "status is not one of active, paused, and disabled.", "rest_not_in_enum")
    return status
