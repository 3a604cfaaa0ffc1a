"""Where a field came from: what was read, by which rule, through which rows of look-up tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class Read:
    """One path that a rule read, and what stood there."""

    path: str
    value: Any


@dataclasses.dataclass(frozen=True, slots=True)
class LookedUp:
    """One row of a look-up table that was used."""

    table: str
    value: str
    found: str
    #: What else the table was told, by name.
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where one field of a canonical record or of a payload came from."""

    #: `lines[2].sku`.
    field: str
    value: Any
    #: `base`, `rule`, or `person` for what was corrected by hand.
    by: str
    #: The base mapping with its version, or the place of the rule: `shop.yaml:12:5`.
    where: str
    #: The rule's verb, or a person's reason; empty for a base mapping.
    word: str = ""
    reads: tuple[Read, ...] = ()
    lookups: tuple[LookedUp, ...] = ()


class Trace:
    """The origins of one document's fields; the last one that wrote a field counts."""

    def __init__(self) -> None:
        self.origins: dict[str, Origin] = {}

    def note(self, origin: Origin) -> None:
        """Remember where a field came from."""
        self.origins[origin.field] = origin
