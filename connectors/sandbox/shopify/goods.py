"""What lies in the shop's locations and what leaves them: quantities, fulfilment orders, fulfilments."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any, Final

from connectors.sandbox.catalogue import Product

Json = dict[str, Any]
_LOCATION: Final = "gid://shopify/Location/"
_ITEM: Final = "gid://shopify/InventoryItem/"
_FIRST: Final = 9001


class Goods:
    """The quantities of one shop. Whoever calls holds the shop's lock."""

    def __init__(self, products: Iterable[Product], locations: Iterable[str]) -> None:
        """Everything lies in the first location; the others keep each article too, and have none."""
        self.locations = {f"{_LOCATION}{number}": name for number, name in enumerate(locations, 101)}
        self.products = {f"{_FIRST + place}": product for place, product in enumerate(products)}
        self.numbers = {product.sku: number for number, product in self.products.items()}
        self.untracked = {number for number, product in self.products.items() if product.virtual}
        first = next(iter(self.locations))
        self.available = {
            (f"{_ITEM}{number}", place): product.stock if place == first else 0
            for number, product in self.products.items()
            for place in self.locations
        }

    def move(self, sku: str, pieces: int) -> None:
        """So many more, or fewer, in the first location."""
        if sku in self.numbers:
            self.available[f"{_ITEM}{self.numbers[sku]}", next(iter(self.locations))] += pieces

    def count(self, sku: str, quantity: int, location: str = "") -> None:
        """An administrator counts. Raises KeyError for an article or location that there is not."""
        places = {name: gid for gid, name in self.locations.items()}
        place = places[location] if location else next(iter(self.locations))
        self.available[f"{_ITEM}{self.numbers[sku]}", place] = quantity

    def variants(self, words: Iterable[str]) -> list[Json]:
        """As the search finds them: whatever begins with one of the words, however it is written."""
        begin = [word.casefold() for word in words]
        return [
            self._variant(number, product)
            for number, product in self.products.items()
            if any(product.sku.casefold().startswith(word) for word in begin)
        ]

    def _variant(self, number: str, product: Product) -> Json:
        item = f"{_ITEM}{number}"
        levels = [
            {
                "location": {"id": place, "name": name},
                "quantities": [{"name": "available", "quantity": self.available[item, place]}],
            }
            for place, name in self.locations.items()
            if (item, place) in self.available
        ]
        return {
            "id": f"gid://shopify/ProductVariant/{number}",
            "sku": product.sku,
            "inventoryPolicy": "DENY",
            "product": {"id": f"gid://shopify/Product/{number}"},
            "inventoryItem": {"id": item, "tracked": number not in self.untracked, "inventoryLevels": levels},
        }

    def set_all(self, rows: list[Json]) -> list[Json]:
        """Set all of them, or none: what is wrong with each, as `userErrors`."""
        errors: list[Json] = []
        pairs: set[tuple[str, str]] = set()
        for place, row in enumerate(rows):
            pair = (row["inventoryItemId"], row["locationId"])
            told = self._wrong(pair, row, pairs)
            pairs.add(pair)
            if told:
                field, message, code = told
                errors.append({"field": ["input", "quantities", str(place), field], "message": message, "code": code})
        if not errors:
            for row in rows:
                self.available[row["inventoryItemId"], row["locationId"]] = row["quantity"]
        return errors

    def _wrong(self, pair: tuple[str, str], row: Json, before: set[tuple[str, str]]) -> tuple[str, str, str] | None:
        if not any(item == pair[0] for item, _place in self.available):
            return "inventoryItemId", "The specified inventory item could not be found.", "INVALID_INVENTORY_ITEM"
        if pair[1] not in self.locations:
            return "locationId", "The specified location could not be found.", "INVALID_LOCATION"
        if pair not in self.available:
            text = "The specified inventory item is not stocked at the location."
            return "locationId", text, "ITEM_NOT_STOCKED_AT_LOCATION"
        if pair in before:
            text = "The combination of inventoryItemId and locationId must be unique."
            return "locationId", text, "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR"
        compared = row["changeFromQuantity"]
        if compared is not None and compared != self.available[pair]:
            text = "The changeFromQuantity argument no longer matches the persisted quantity."
            return "changeFromQuantity", text, "CHANGE_FROM_QUANTITY_STALE"
        return None


class Parcels:
    """Fulfilment orders and fulfilments, inside of the orders as GraphQL shows them."""

    def __init__(self, locations: Mapping[str, str]) -> None:
        self._place = next(iter(locations))
        self._numbers = itertools.count(8001)

    def to_send(self, lines: list[Json], place: str = "") -> Json:
        """A fulfilment order of all pieces of these lines."""
        return {
            "id": f"gid://shopify/FulfillmentOrder/{next(self._numbers)}",
            "status": "OPEN",
            "assignedLocation": {"location": {"id": place or self._place}},
            "lineItems": [
                {
                    "id": f"gid://shopify/FulfillmentOrderLineItem/{next(self._numbers)}",
                    "remainingQuantity": line["quantity"],
                    "lineItem": {"id": line["id"]},
                }
                for line in lines
            ],
        }

    def divide(self, order: Json, line_id: str, pieces: int, place: str) -> None:
        """So many pieces are sent from elsewhere: a fulfilment order of its own, under a new id."""
        line = next(each for each in order["lineItems"] if each["id"] == line_id)
        for each in _lines(order, line_id):
            each["remainingQuantity"] -= pieces
        order["fulfillmentOrders"].append(self.to_send([line | {"quantity": pieces}], place))

    def fulfil(self, orders: Iterable[Json], body: Json, now: str) -> tuple[Json | None, Json | None, str]:
        """The fulfilment, and its order; else why not, in Shopify's words."""
        by_id = {each["id"]: (each, order) for order in orders for each in order["fulfillmentOrders"]}
        wanted = body["lineItemsByFulfillmentOrder"]
        if any(each["fulfillmentOrderId"] not in by_id for each in wanted):
            return None, None, "Fulfillment order does not exist."
        found = [by_id[each["fulfillmentOrderId"]] for each in wanted]
        for each, _order in found:
            if each["status"] not in {"OPEN", "IN_PROGRESS"}:
                number, status = each["id"].rpartition("/")[2], each["status"].lower()
                return None, None, f"Fulfillment order {number} has an unfulfillable status= {status}."
        if len({each["assignedLocation"]["location"]["id"] for each, _order in found}) > 1:
            return None, None, "All fulfillment orders must have the same assigned location."
        taken: list[tuple[Json, int]] = []
        for (each, _order), part in zip(found, wanted, strict=True):
            lines = {line["id"]: line for line in each["lineItems"]}
            asked = part.get("fulfillmentOrderLineItems") or [
                {"id": name, "quantity": line["remainingQuantity"]} for name, line in lines.items()
            ]
            for ask in asked:
                if not 0 < ask["quantity"] <= lines.get(ask["id"], {}).get("remainingQuantity", 0):
                    return None, None, "Invalid fulfillment order line item quantity requested."
                taken.append((lines[ask["id"]], ask["quantity"]))
        order = found[0][1]
        return self._made(order, taken, body.get("trackingInfo") or {}, now), order, ""

    def _made(self, order: Json, taken: list[tuple[Json, int]], tracking: Json, now: str) -> Json:
        for line, count in taken:
            line["remainingQuantity"] -= count
        for each in order["fulfillmentOrders"]:
            if not any(line["remainingQuantity"] for line in each["lineItems"]):
                each["status"] = "CLOSED"
        number = next(self._numbers)
        made = {
            "__typename": "Fulfillment",
            "id": f"gid://shopify/Fulfillment/{number}",
            "name": f"{order['name']}-F{len(order['fulfillments']) + 1}",
            "status": "SUCCESS",
            "createdAt": now,
            "trackingInfo": tracked(tracking),
            "fulfillmentLineItems": [{"lineItem": line["lineItem"], "quantity": count} for line, count in taken],
        }
        order["fulfillments"].append(made)
        left = any(line["remainingQuantity"] for each in order["fulfillmentOrders"] for line in each["lineItems"])
        order["displayFulfillmentStatus"] = "PARTIALLY_FULFILLED" if left else "FULFILLED"
        return made


def unsent(order: Json, line_id: str, pieces: int) -> int:
    """Take so many pieces out of what is still to be sent; how many there were."""
    taken = 0
    for line in _lines(order, line_id):
        count = min(line["remainingQuantity"], pieces - taken)
        line["remainingQuantity"] -= count
        taken += count
    return taken


def _lines(order: Json, line_id: str) -> list[Json]:
    all_lines = [line for each in order["fulfillmentOrders"] for line in each["lineItems"]]
    return [line for line in all_lines if line["lineItem"]["id"] == line_id]


def tracked(tracking: Json) -> list[Json]:
    """Numbers and addresses in pairs, as the shop shows them."""
    numbers = tracking.get("numbers") or ([tracking["number"]] if tracking.get("number") else [])
    urls = tracking.get("urls") or ([tracking["url"]] if tracking.get("url") else [])
    pairs = itertools.zip_longest(numbers, urls) if numbers or urls else ([(None, None)] if tracking else [])
    return [{"company": tracking.get("company"), "number": number, "url": url} for number, url in pairs]
