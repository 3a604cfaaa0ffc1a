"""References: what a target must know before a document can be written to it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class Ref:
    """One thing to resolve, e.g. `Ref("product", "SKU-1")`; resolved by look-up tables first, then by the connector."""

    #: `product`, `party`, `tax`, `country`, `payment_term`, `carrier`, `warehouse` ...
    kind: str
    value: str
    #: What another rung of the match ladder, or a creation, needs; no part of equality.
    hint: Mapping[str, Any] = dataclasses.field(default_factory=dict, compare=False, hash=False)
    #: Where in the document the value stands, for messages; no part of equality.
    path: str = dataclasses.field(default="", compare=False, hash=False)
    #: A document can be written without it (a carrier, say).
    optional: bool = dataclasses.field(default=False, compare=False, hash=False)
    #: What tells it from another one of the same value, where a look-up row may ask for that: a tax's title.
    variant: str = ""
