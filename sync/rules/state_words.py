"""What the orders of a source can be said to be, as its mapping declares it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from connectors.kit.facets import MarksOrders
from connectors.registry import class_of, has
from mappings.facets import StateWords
from mappings.registry import SHOP_FACETS

#: Of a source that is told nothing of its orders.
_NONE: Final = StateWords(known=(), hint="its orders are shown no state")


def state_words(system: str, options: Mapping[str, Any]) -> StateWords:
    """The words of a system's orders, under these options of its connection."""
    facets = SHOP_FACETS.get(system)
    return _NONE if facets is None or not has(class_of(system), MarksOrders) else facets.state_words(options)
