"""From which warehouse a channel's orders are sent."""

from __future__ import annotations

import dataclasses
import enum


class Needs(enum.StrEnum):
    """What a routing rule demands of a warehouse."""

    #: It has every line, as far as the ERP's stock is known.
    HAS_ALL = "has_all"
    ALWAYS = "always"


class Split(enum.StrEnum):
    """What a rule does with an order that none of its warehouses has whole."""

    NONE = "none"
    #: Its lines are divided over as few of the warehouses as have all of them, each line whole.
    LINES = "lines"


class ShortLines(enum.StrEnum):
    """What happens to an order of which no warehouse has everything."""

    BACKORDER = "backorder"
    HOLD = "hold"
    #: What is there is sent, and the shop gives the rest back.
    CANCEL = "cancel"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RoutingRule:
    """Which orders may be sent from which warehouses. Every condition must hold; an empty one always does."""

    name: str
    #: The ERP's codes, the one that is liked best first.
    warehouses: tuple[str, ...]
    needs: Needs = Needs.HAS_ALL
    split: Split = Split.NONE
    #: ISO codes of where the goods go.
    countries: tuple[str, ...] = ()
    #: States or provinces, as the shop writes them.
    regions: tuple[str, ...] = ()
    #: How postcodes begin.
    postcodes: tuple[str, ...] = ()
    #: The shop's codes.
    shipping_methods: tuple[str, ...] = ()
    #: At least one line has one of these.
    skus: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def fits_all(self) -> bool:
        """Whether it has no condition."""
        return not any(
            (self.countries, self.regions, self.postcodes, self.shipping_methods, self.skus, self.tags),
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """From which warehouse an order is sent; without rules the mapping's own warehouse sends everything."""

    #: The first that fits and can be met decides.
    rules: tuple[RoutingRule, ...] = ()
    short: ShortLines = ShortLines.BACKORDER
    #: Stock that was looked at longer ago is read anew before it decides, in seconds.
    max_age_s: float = 900.0

    @property
    def warehouses(self) -> tuple[str, ...]:
        """Every warehouse that a rule names."""
        return tuple(dict.fromkeys(code for rule in self.rules for code in rule.warehouses))

    @property
    def splits(self) -> bool:
        """Whether an order may become several sales."""
        return any(rule.split is not Split.NONE for rule in self.rules)

    @property
    def asks_stock(self) -> bool:
        """Whether what is in stock decides anything."""
        return any(rule.needs is Needs.HAS_ALL for rule in self.rules)
