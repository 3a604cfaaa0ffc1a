"""What an app writes to the shop: fulfilments, metafields, tags, archiving, cancelling, quantities."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from connectors.sandbox.shopify.goods import tracked
from connectors.sandbox.shopify.selection import Field, GraphQLError
from connectors.sandbox.shopify.shop import Json, Shop

_SETTABLE: Final = frozenset({"available", "on_hand"})


class WayBack:
    """The mutations of one shop; whoever calls holds its lock."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        #: Idempotency key -> what it was sent with, and what was answered.
        self._sent: dict[str, tuple[str, Json]] = {}
        #: Orders that are being cancelled -> how often they are still read as they were.
        self._cancelling: dict[int, int] = {}
        self.roots: Mapping[str, Callable[[Field], Any]] = {
            "fulfillmentCreate": self._fulfil,
            "fulfillmentTrackingInfoUpdate": self._track,
            "metafieldsSet": self._set,
            "tagsAdd": self._tag,
            "orderClose": self._close,
            "orderCancel": self._cancel,
            "inventorySetQuantities": self._set_quantities,
        }

    def settle(self) -> None:
        """A read goes by: jobs come to their end."""
        for number, left in list(self._cancelling.items()):
            if left <= 0:
                del self._cancelling[number]
                self._shop.cancel(number)
            else:
                self._cancelling[number] = left - 1

    def _order(self, gid: str) -> Json | None:
        number = gid.rpartition("/")[2]
        return self._shop.orders.get(int(number)) if number.isdigit() else None

    def _fulfil(self, field: Field) -> Json:
        shop = self._shop
        made, order, why = shop.parcels.fulfil(shop.orders.values(), field.arguments["fulfillment"], shop.stamp())
        if made is None or order is None:
            return {"fulfillment": None, "userErrors": [{"field": ["fulfillment"], "message": why}]}
        shop.fulfilled(order)
        return {"fulfillment": made, "userErrors": []}

    def _track(self, field: Field) -> Json:
        gid = field.arguments["fulfillmentId"]
        for order in self._shop.orders.values():
            for row in order["fulfillments"]:
                if row["id"] == gid:
                    row["trackingInfo"] = tracked(field.arguments["trackingInfoInput"])
                    self._shop.touch(order)
                    return {"fulfillment": row, "userErrors": []}
        error = {"field": ["fulfillmentId"], "message": "Fulfillment does not exist."}
        return {"fulfillment": None, "userErrors": [error]}

    def _set(self, field: Field) -> Json:
        """Moves no `updatedAt`."""
        wanted = field.arguments["metafields"]
        for place, each in enumerate(wanted):
            if self._order(each["ownerId"]) is None:
                return _refused("metafields", str(place), "Owner does not exist.", code="INVALID")
            if each["type"] == "json":
                try:
                    json.loads(each["value"])
                except ValueError:
                    return _refused("metafields", str(place), "Value is invalid JSON.", code="INVALID_VALUE")
        for each in wanted:
            order = self._order(each["ownerId"])
            assert order is not None
            value = json.loads(each["value"]) if each["type"] == "json" else each["value"]
            kept = [row for row in order["metafields"] if (row["namespace"], row["key"]) != _name(each)]
            number = int(order["id"].rpartition("/")[2]) * 10 + len(kept)
            gid = f"gid://shopify/Metafield/{number}"
            row = {
                "id": gid,
                "namespace": each["namespace"],
                "key": each["key"],
                "type": each["type"],
                "jsonValue": value,
            }
            order["metafields"] = [*kept, row]
        return {"metafields": [{"key": each["key"]} for each in wanted], "userErrors": []}

    def _tag(self, field: Field) -> Json:
        order = self._order(field.arguments["id"])
        if order is None:
            return {"node": None, "userErrors": [{"field": ["id"], "message": "Resource does not exist"}]}
        there = {tag.casefold() for tag in order["tags"]}
        more = [tag for tag in field.arguments["tags"] if tag.casefold() not in there]
        if more:
            order["tags"] = sorted([*order["tags"], *more])
            self._shop.touch(order)
        return {"node": order, "userErrors": []}

    def _close(self, field: Field) -> Json:
        order = self._order(field.arguments["input"]["id"])
        if order is None:
            return {"order": None, "userErrors": [{"field": ["id"], "message": "Order does not exist"}]}
        order["closedAt"] = order["closedAt"] or self._shop.stamp()
        self._shop.touch(order)
        return {"order": order, "userErrors": []}

    def _cancel(self, field: Field) -> Json:
        """A job: the order is cancelled some reads later."""
        order = self._order(field.arguments["orderId"])
        why = ""
        if order is None:
            why = "Order does not exist"
        elif order["cancelledAt"]:
            why = "Order has already been cancelled"
        elif order["fulfillments"]:
            why = "Cannot cancel an order that has fulfillments"
        if order is None or why:
            error = {"field": ["orderId"], "message": why, "code": "INVALID"}
            return {"job": None, "orderCancelUserErrors": [error], "userErrors": [error]}
        self._cancelling[int(order["id"].rpartition("/")[2])] = self._shop.settings.cancel_reads
        job = {"id": "gid://shopify/Job/3b05d148-76aa-44ab-bdca-2a9b3a5965e5", "done": False}
        return {"job": job, "orderCancelUserErrors": [], "userErrors": []}

    def _set_quantities(self, field: Field) -> Json:
        key = str((field.directives.get("idempotent") or {}).get("key") or "")
        if not key:
            text = "The @idempotent directive is required for this mutation but was not provided."
            raise GraphQLError(text, "BAD_REQUEST")
        told = field.arguments["input"]
        if any("changeFromQuantity" not in row for row in told["quantities"]):
            text = "InventoryQuantityInput must include the following argument: changeFromQuantity."
            raise GraphQLError(text, "INVALID_FIELD_ARGUMENTS")
        asked = json.dumps(told, sort_keys=True)
        if key in self._sent:
            before, answer = self._sent[key]
            code = "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
            return answer if before == asked else _refused("input", "", "The key was used before.", code=code)
        errors = self._shop.goods.set_all(told["quantities"])
        if told["name"] not in _SETTABLE:
            errors = [{"field": ["input", "name"], "message": "The name is invalid.", "code": "INVALID_NAME"}]
        group = None if errors else {"id": f"gid://shopify/InventoryAdjustmentGroup/{len(self._sent) + 1}"}
        answer = {"inventoryAdjustmentGroup": group, "userErrors": errors}
        self._sent[key] = (asked, answer)
        return answer


def _name(row: Json) -> tuple[str, str]:
    return row["namespace"], row["key"]


def _refused(field: str, place: str, message: str, *, code: str) -> Json:
    error = {"field": [part for part in (field, place) if part], "message": message, "code": code}
    return {"metafields": None, "inventoryAdjustmentGroup": None, "userErrors": [error]}
