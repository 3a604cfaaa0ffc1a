"""What parcels say of their order: how many pieces of a line they hold, and where the order stands by them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

Json = dict[str, Any]
#: From a state of a fulfilment -> where it can go.
MOVES: Final[Mapping[str, frozenset[str]]] = {
    "Pending": frozenset({"Shipped", "Delivered", "Cancelled"}),
    "Shipped": frozenset({"Delivered", "Cancelled"}),
    "Delivered": frozenset({"Cancelled"}),
    "Cancelled": frozenset(),
}


def pieces_of(parcels: Iterable[Json], line: str) -> int:
    """How many of a line they hold."""
    return sum(each["quantity"] for parcel in parcels for each in parcel["lines"] if each["orderLineId"] == line)


def state_of(order: Json) -> str:
    """Where the order stands by its parcels."""
    if order["state"] == "Cancelled":
        return "Cancelled"
    parcels = order["fulfillments"]
    for done, partly, states in (
        ("Delivered", "PartiallyDelivered", {"Delivered"}),
        ("Shipped", "PartiallyShipped", {"Shipped", "Delivered"}),
    ):
        gone = [each for each in parcels if each["state"] in states]
        if gone and all(pieces_of(gone, line["id"]) >= line["quantity"] for line in order["lines"]):
            return done
        if gone:
            return partly
    return "PaymentSettled"
